/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AHCI against Serial ATA AHCI 1.3.1 and ATA8-ACS: a driver in small, a model of the disk, errors
 * and their recovery, resets, hostile memory structures.
 */
#include <string.h>

#include "disk_bench.h"

#define DISK       (8u << 20)
#define CDROM      (2048u * 600)
#define LIST       0x0400 /* command list */
#define FIS        0x0800 /* received FISes */
#define TABLE      0x1000 /* command tables, 0x200 bytes each */
#define BUF        0x5000 /* a page for each of 8 slots */
#define TABLE_SIZE 0x200

enum {
    CLB = 0x00,
    FB = 0x08,
    IS = 0x10,
    IE = 0x14,
    CMD = 0x18,
    TFD = 0x20,
    SIG = 0x24,
    SSTS = 0x28,
    SCTL = 0x2c,
    SERR = 0x30,
    SACT = 0x34,
    CI = 0x38
};

typedef struct Bench {
    DiskBench d;
    PciDevice *hba;
    uint32_t abar;
} Bench;

static uint32_t reg(Bench *b, unsigned r)
{
    return bench_load(b->d.m, b->abar + r, 4);
}

static void set_reg(Bench *b, unsigned r, uint32_t v)
{
    bench_store(b->d.m, b->abar + r, 4, v);
}

static uint32_t port(Bench *b, unsigned r)
{
    return reg(b, 0x100 + r);
}

static void set_port(Bench *b, unsigned r, uint32_t v)
{
    set_reg(b, 0x100 + r, v);
}

static void begin_with(Bench *b, const char *drive, const char *fault, const void *contents)
{
    memset(b, 0, sizeof(*b));
    disk_bench_begin(&b->d);
    bool cd = strstr(drive, "ide-cd") != NULL;
    disk_bench_add(&b->d, "d", cd ? CDROM : DISK, fault, cd, contents);
    b->hba = (PciDevice *)disk_bench_device(&b->d, "ich9-ahci,addr=3.0");
    disk_bench_device(&b->d, drive);
    bench_pci_configure(b->d.m);
    b->abar = cfg_read(b->hba, 0x24, 4) & ~0xfu;
}

static void start(Bench *b)
{
    set_reg(b, 0x04, 1u << 31 | 2);
    set_port(b, CLB, LIST);
    set_port(b, FB, FIS);
    set_port(b, SERR, 0xffffffff);
    set_port(b, IE, 0xffffffff);
    set_port(b, CMD, 0x16);
    set_port(b, CMD, 0x17);
    set_port(b, IS, 0xffffffff);
    set_reg(b, 0x08, 0xffffffff);
}

static void begin(Bench *b)
{
    begin_with(b, "ide-hd,drive=d,bus=ide.0", NULL, NULL);
    start(b);
}

static void end(Bench *b)
{
    disk_bench_end(&b->d);
}

/* Writes header and table of a slot; the data is [BUF + slot pages, len) in random pieces. */
static void build(Bench *b, unsigned slot, uint8_t op, uint64_t lba, uint32_t count, uint32_t len,
                  bool write, const uint8_t *cdb)
{
    uint8_t head[32] = {0}, table[TABLE_SIZE] = {0};
    unsigned n = 0;
    bool ncq = op == 0x60 || op == 0x61;

    table[0] = 0x27;
    table[1] = 0x80;
    table[2] = op;
    table[7] = 0x40;
    for (int i = 0; i < 3; i++) {
        table[4 + i] = lba >> (8 * i);
        table[8 + i] = lba >> (24 + 8 * i);
    }
    table[12] = ncq ? slot << 3 : count;
    table[13] = ncq ? 0 : count >> 8;
    table[3] = ncq ? count : cdb ? 1 : 0;
    table[11] = ncq ? count >> 8 : 0;
    if (cdb) {
        memcpy(table + 0x40, cdb, 12);
    }
    for (uint32_t done = 0; done < len; n++) {
        uint32_t part = (g_test_rand_int_range(0, 2000) & ~1u) + 2;
        part = n == 20 || part > len - done ? len - done : part;
        st_le32(table + 0x80 + 16 * n, BUF + slot * 4096 + done);
        st_le32(table + 0x8c + 16 * n, part - 1);
        done += part;
    }
    st_le32(head, 5 | (write ? 0x40 : 0) | (cdb ? 0x20 : 0) | n << 16);
    st_le32(head + 8, TABLE + slot * TABLE_SIZE);
    disk_put(&b->d, TABLE + slot * TABLE_SIZE, table, sizeof(table));
    disk_put(&b->d, LIST + slot * 32, head, sizeof(head));
}

static uint32_t run(Bench *b, unsigned slot)
{
    set_port(b, CI, 1u << slot);
    disk_bench_settle(&b->d);
    return port(b, TFD);
}

/* 3.1, 5.3.8.1: the device says who it is as soon as FISes are received. */
static void test_signature(void)
{
    Bench b;
    uint8_t fis[20];

    begin_with(&b, "ide-hd,drive=d,bus=ide.0", NULL, NULL);
    g_assert_cmphex(reg(&b, 0) & 0x1f, ==, 5);
    g_assert_cmphex(reg(&b, 0x0c), ==, 0x3f);
    g_assert_cmphex(port(&b, SSTS), ==, 0x113);
    g_assert_cmphex(port(&b, TFD), ==, 0x7f);
    start(&b);
    g_assert_cmphex(port(&b, SIG), ==, 0x101);
    g_assert_cmphex(port(&b, TFD), ==, 0x150);
    disk_get(&b.d, FIS + 0x40, fis, 20);
    g_assert_cmphex(fis[0], ==, 0x34);
    g_assert_cmphex(reg(&b, 0x180 + SSTS), ==, 0); /* nobody on port 1 */
    end(&b);
    begin_with(&b, "ide-cd,drive=d,bus=ide.0", NULL, NULL);
    start(&b);
    g_assert_cmphex(port(&b, SIG), ==, 0xeb140101);
    end(&b);
}

/* IDENTIFY by PIO: a PIO setup FIS, the interrupt by pin and by message. */
static void test_identify(void)
{
    Bench b;
    uint8_t id[512], fis[20], head[8];

    begin(&b);
    build(&b, 0, 0xec, 0, 0, 512, false, NULL);
    g_assert_cmphex(run(&b, 0), ==, 0x50);
    g_assert_cmphex(port(&b, CI), ==, 0);
    disk_get(&b.d, BUF, id, 512);
    g_assert_cmpuint(ld_le64(id + 200), ==, DISK / 512);
    g_assert_cmpuint(ld_le16(id + 150), ==, 31);
    disk_get(&b.d, LIST, head, 8);
    g_assert_cmpuint(ld_le32(head + 4), ==, 512);
    disk_get(&b.d, FIS + 0x20, fis, 20);
    g_assert_cmphex(fis[0] << 8 | fis[1], ==, 0x5f60);
    g_assert_cmphex(fis[15], ==, 0x50);
    g_assert_cmphex(port(&b, IS), ==, 2);
    g_assert_cmphex(reg(&b, 8), ==, 1);
    int wire = -1;
    for (int i = 0; i < 4; i++) {
        wire = b.d.pci->wire[i].level ? i : wire;
    }
    g_assert_cmpint(wire, >=, 0);
    set_port(&b, IS, 0xffffffff);
    set_reg(&b, 8, 1);
    g_assert_cmpint(b.d.pci->wire[wire].level, ==, 0);
    uint8_t at = 0x80;
    cfg_write(b.hba, at + 4, 4, 0xfee00000);
    cfg_write(b.hba, at + 12, 2, 0x41);
    cfg_write(b.hba, at + 2, 2, 1);
    unsigned before = b.d.pci->messages;
    run(&b, 0);
    g_assert_cmpuint(b.d.pci->messages, ==, before + 1);
    g_assert_cmpint(b.d.pci->wire[wire].level, ==, 0);
    end(&b);
}

/* Several slots at a time, queued or not, against a model. */
static void test_random_io(void)
{
    Bench b;
    g_autofree uint8_t *model = NULL;
    uint8_t data[4096];

    begin(&b);
    model = g_memdup2(b.d.disk, DISK);
    for (int i = 0; i < 150; i++) {
        bool ncq = g_test_rand_bit();
        unsigned slots = g_test_rand_int_range(1, 9);
        uint32_t lba[8], count[8];
        bool write[8];
        for (unsigned s = 0; s < slots; s++) {
            static const uint8_t plain[2][3] = {{0x25, 0x20, 0xc8}, {0x35, 0x30, 0xca}};
            count[s] = g_test_rand_int_range(1, 9);
            /* Each slot its own part of the disk: their order is free. */
            lba[s] = s * 2048 + g_test_rand_int_range(0, 2040);
            write[s] = g_test_rand_bit();
            uint8_t op = ncq ? 0x60 + write[s] : plain[write[s]][g_test_rand_int_range(0, 3)];
            build(&b, s, op, lba[s], count[s], count[s] * 512, write[s], NULL);
            if (write[s]) {
                for (unsigned k = 0; k < count[s] * 512; k += 4) {
                    st_le32(data + k, g_test_rand_int());
                }
                memcpy(model + lba[s] * 512, data, count[s] * 512);
                disk_put(&b.d, BUF + s * 4096, data, count[s] * 512);
            }
        }
        if (ncq) {
            set_port(&b, SACT, (1u << slots) - 1);
        }
        set_port(&b, CI, (1u << slots) - 1);
        for (int k = 0; k < 8; k++) { /* plain ones run one by one */
            disk_bench_settle(&b.d);
        }
        g_assert_cmphex(port(&b, CI) | port(&b, SACT), ==, 0);
        g_assert_cmphex(port(&b, TFD), ==, 0x50);
        g_assert_cmphex(port(&b, IS) & (ncq ? 8 : 3), !=, 0);
        set_port(&b, IS, 0xffffffff);
        for (unsigned s = 0; s < slots; s++) {
            disk_get(&b.d, BUF + s * 4096, data, count[s] * 512);
            g_assert_true(!memcmp(data, model + lba[s] * 512, count[s] * 512));
        }
    }
    g_assert_true(!memcmp(model, b.d.disk, DISK));
    end(&b);
}

static void restart_port(Bench *b)
{
    set_port(b, CMD, 0x16);
    g_assert_cmphex(port(b, CMD) & 0x8000, ==, 0);
    g_assert_cmphex(port(b, CI) | port(b, SACT), ==, 0);
    set_port(b, SERR, 0xffffffff);
    set_port(b, IS, 0xffffffff);
    set_port(b, CMD, 0x17);
}

/* 6.2.2: a queued command fails; log 10h tells which, after a restart of the port. */
static void test_errors(void)
{
    Bench b;
    uint8_t log[512];

    begin_with(&b, "ide-hd,drive=d,bus=ide.0", "read:1:EIO", NULL);
    start(&b);
    build(&b, 3, 0x60, 40, 1, 512, false, NULL);
    set_port(&b, SACT, 8);
    g_assert_cmphex(run(&b, 3) & 0xff01, ==, 0x4001);
    g_assert_cmphex(port(&b, IS) & 1u << 30, !=, 0);
    g_assert_cmphex(port(&b, SACT), ==, 8);
    restart_port(&b);
    build(&b, 0, 0x2f, 0x10, 1, 512, false, NULL);
    g_assert_cmphex(run(&b, 0), ==, 0x50);
    disk_get(&b.d, BUF, log, 512);
    g_assert_cmphex(log[0], ==, 3);
    g_assert_cmphex(log[3], ==, 0x40);
    g_assert_cmphex(log[4], ==, 40);
    /* Beyond the end, without queueing: CI stays set, nothing else starts. */
    build(&b, 1, 0x25, DISK / 512, 1, 512, false, NULL);
    build(&b, 2, 0xe7, 0, 0, 0, false, NULL);
    set_port(&b, CI, 6);
    disk_bench_settle(&b.d);
    g_assert_cmphex(port(&b, TFD), ==, 0x1051);
    g_assert_cmphex(port(&b, CI), ==, 6);
    g_assert_cmphex(port(&b, CMD) >> 8 & 0x1f, ==, 1);
    restart_port(&b);
    build(&b, 1, 0x25, 40, 1, 512, false, NULL);
    g_assert_cmphex(run(&b, 1), ==, 0x50);
    end(&b);
}

/* 10.4.2: COMRESET and software reset while commands are under way. */
static void test_resets(void)
{
    Bench b;
    uint8_t same[4096], data[4096];

    begin(&b);
    for (int i = 0; i < 40; i++) {
        for (unsigned s = 0; s < 4; s++) {
            build(&b, s, 0x60, s * 64, 8, 4096, false, NULL);
        }
        memset(data, 0xee, sizeof(data));
        disk_put(&b.d, BUF, data, sizeof(data));
        set_port(&b, SACT, 15);
        set_port(&b, CI, 15);
        if (i % 3 == 0) {
            machine_reset_devices(b.d.m);
            bench_pci_configure(b.d.m);
        } else if (i % 3 == 1) {
            set_port(&b, CMD, 0x16);
            set_port(&b, SCTL, 1);
        } else {
            set_reg(&b, 4, 1u << 31 | 1);
        }
        disk_get(&b.d, BUF, data, sizeof(data));
        disk_bench_settle(&b.d);
        disk_get(&b.d, BUF, same, sizeof(same));
        g_assert_true(!memcmp(data, same, sizeof(data)));
        set_port(&b, SCTL, 0);
        start(&b);
        g_assert_cmphex(port(&b, TFD), ==, 0x150);
        g_assert_cmphex(port(&b, CI) | port(&b, SACT), ==, 0);
    }
    /* SRST by two control FISes. */
    for (int on = 1; on >= 0; on--) {
        uint8_t fis[20] = {0x27, 0, [15] = on ? 4 : 0};
        build(&b, 0, 0, 0, 0, 0, false, NULL);
        disk_put(&b.d, TABLE, fis, sizeof(fis));
        set_port(&b, CI, 1);
        g_assert_cmphex(port(&b, CI), ==, 0);
    }
    g_assert_cmphex(port(&b, TFD), ==, 0x150);
    end(&b);
}

static void test_atapi(void)
{
    Bench b;
    uint8_t data[4096];

    begin_with(&b, "ide-cd,drive=d,bus=ide.0", NULL, NULL);
    start(&b);
    build(&b, 0, 0xa1, 0, 0, 512, false, NULL);
    g_assert_cmphex(run(&b, 0), ==, 0x50);
    build(&b, 0, 0xa0, 0, 0, 0, false, (uint8_t[12]){0});
    g_assert_cmphex(run(&b, 0) & 0xf001, ==, 0x6001);
    restart_port(&b);
    build(&b, 0, 0xa0, 0, 0, 18, false, (uint8_t[12]){3, [4] = 18});
    g_assert_cmphex(run(&b, 0), ==, 0x50);
    disk_get(&b.d, BUF, data, 18);
    g_assert_cmphex(data[12], ==, 0x29);
    build(&b, 1, 0xa0, 0, 0, 4096, false, (uint8_t[12]){0x28, [5] = 77, [8] = 2});
    g_assert_cmphex(run(&b, 1), ==, 0x50);
    disk_get(&b.d, BUF + 4096, data, 4096);
    g_assert_true(!memcmp(data, b.d.disk + 77 * 2048, 4096));
    /* A table with less room than the drive has data. */
    build(&b, 1, 0xa0, 0, 0, 2048, false, (uint8_t[12]){0x28, [5] = 77, [8] = 2});
    run(&b, 1);
    g_assert_cmphex(port(&b, IS) & 1u << 24, !=, 0);
    end(&b);
}

/* Commands that wait for the machine to resume are carried out where the state is loaded. */
static void test_moves(void)
{
    Bench a, b;
    uint8_t data[4096];

    for (int ncq = 0; ncq < 2; ncq++) {
        begin_with(&a, "ide-hd,drive=d,bus=ide.0,rerror=stop", "read:1:EIO", NULL);
        start(&a);
        for (unsigned s = 0; s < 4; s++) {
            build(&a, s, ncq ? 0x60 : 0x25, 1000 + 8 * s, 8, 4096, false, NULL);
        }
        set_port(&a, SACT, ncq ? 15 : 0);
        set_port(&a, CI, 15);
        for (int k = 0; k < 200; k++) {
            g_main_context_iteration(machine_loop(a.d.m), FALSE);
            g_usleep(100);
        }
        g_assert_cmphex(port(&a, ncq ? SACT : CI), !=, 0);
        begin_with(&b, "ide-hd,drive=d,bus=ide.0,rerror=stop", NULL, a.d.disk);
        disk_bench_move(&a.d, &b.d);
        bench_step(b.d.m, 1000);
        for (int k = 0; k < 5; k++) {
            disk_bench_settle(&b.d);
        }
        g_assert_cmphex(port(&b, CI) | port(&b, SACT), ==, 0);
        for (unsigned s = 0; s < 4; s++) {
            disk_get(&b.d, BUF + s * 4096, data, 4096);
            g_assert_true(!memcmp(data, b.d.disk + (1000 + 8 * s) * 512, 4096));
        }
        end(&a);
        end(&b);
    }
}

static void test_hostile(void)
{
    Bench b;
    static const uint64_t where[] = {0, 0x400, 0xfff0, 0x10000, 0xc0000000, ~0xfffull, 0x1000};
    static const uint8_t op[] = {0x60, 0x61, 0x25, 0x35, 0x20, 0x30, 0xec, 0xa0, 0x06, 0xc8, 0x2f};

    begin(&b);
    for (int i = 0; i < 1500; i++) {
        for (unsigned s = 0; s < 4; s++) {
            uint8_t head[32];
            build(&b, s, op[g_test_rand_int_range(0, 11)], g_test_rand_int_range(0, 16400),
                  g_test_rand_int_range(0, 20), g_test_rand_int_range(0, 2000) * 2,
                  g_test_rand_bit(), NULL);
            if (g_test_rand_int_range(0, 3) == 0) {
                disk_get(&b.d, LIST + 32 * s, head, 32);
                head[g_test_rand_int_range(0, 12)] = g_test_rand_int();
                if (g_test_rand_bit()) {
                    st_le64(head + 8, where[g_test_rand_int_range(0, 7)]);
                }
                disk_put(&b.d, LIST + 32 * s, head, 32);
            }
            if (g_test_rand_int_range(0, 3) == 0) {
                uint8_t prd[16];
                st_le64(prd, where[g_test_rand_int_range(0, 7)]);
                st_le64(prd + 8, (uint64_t)g_test_rand_int() << 32);
                disk_put(&b.d, TABLE + TABLE_SIZE * s + 0x80, prd, 16);
            }
        }
        set_port(&b, SACT, g_test_rand_int_range(0, 16));
        set_port(&b, CI, g_test_rand_int());
        if (g_test_rand_bit()) {
            disk_bench_settle(&b.d);
        }
        set_port(&b, CMD, 0x16);
        set_port(&b, CLB, where[g_test_rand_int_range(0, 7)]);
        set_port(&b, CMD, 0x17);
        set_port(&b, CI, g_test_rand_int());
        set_port(&b, CMD, 0x16);
        start(&b);
    }
    end(&b);
}

static void test_random(void)
{
    Bench b;

    begin(&b);
    for (int i = 0; i < 40000; i++) {
        unsigned r = g_test_rand_int_range(0, 3) ? 0x100 + g_test_rand_int_range(0, 0x40)
                                                 : g_test_rand_int_range(0, 0x1000);
        unsigned size = 1 << g_test_rand_int_range(0, 4);
        if (g_test_rand_bit()) {
            bench_store(b.d.m, b.abar + r, size, (uint32_t)g_test_rand_int());
        } else {
            bench_load(b.d.m, b.abar + r, size);
        }
        if (i % 500 == 0) {
            disk_bench_settle(&b.d);
            start(&b);
        }
    }
    end(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ahci/signature", test_signature);
    g_test_add_func("/ahci/identify", test_identify);
    g_test_add_func("/ahci/random-io", test_random_io);
    g_test_add_func("/ahci/errors", test_errors);
    g_test_add_func("/ahci/resets", test_resets);
    g_test_add_func("/ahci/atapi", test_atapi);
    g_test_add_func("/ahci/moves", test_moves);
    g_test_add_func("/ahci/hostile", test_hostile);
    g_test_add_func("/ahci/random", test_random);
    return g_test_run();
}
