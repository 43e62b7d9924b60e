/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PIIX IDE against ATA8-ACS, ATA/ATAPI-7 volume 2, the bus master interface 1.0 and MMC-6: a small
 * driver, a model of the disk, and hostility.
 */
#include <string.h>

#include "disk_bench.h"
#include "hw/ide/ide.h"
#include "hw/isa/isa.h"

#define BASE  0x1f0
#define CTRL  0x3f6
#define PRD   0x1000
#define BUF   0x2000
#define DISK  (8u << 20)
#define CDROM (2048u * 600)
#define BSY   0x80
#define DRQ   0x08
#define ERR   0x01

typedef struct Bench {
    DiskBench d;
    PciDevice *ide;
    WireProbe irq;
    uint16_t bm;
} Bench;

static void begin_with(Bench *b, const char *drive, const char *fault, const void *contents)
{
    memset(b, 0, sizeof(*b));
    disk_bench_begin(&b->d);
    isa_bus_wire(b->d.isa, 14, bench_wire(&b->irq));
    bool cd = strstr(drive, "ide-cd") != NULL;
    disk_bench_add(&b->d, "d", cd ? CDROM : DISK, fault, cd, contents);
    b->ide = (PciDevice *)disk_bench_device(&b->d, "piix3-ide,id=i,addr=1.0");
    g_autofree char *first = g_strconcat(drive, ",bus=i.0", NULL);
    disk_bench_device(&b->d, first);
    bench_pci_configure(b->d.m);
    b->bm = cfg_read(b->ide, 0x20, 4) & ~3u;
}

static void begin(Bench *b)
{
    begin_with(b, "ide-hd,drive=d,serial=12345,wwn=0x5000c50012345678", NULL, NULL);
}

static void end(Bench *b)
{
    disk_bench_end(&b->d);
}

static uint8_t in8(Bench *b, unsigned reg)
{
    return bench_in(b->d.m, BASE + reg, 1);
}

static void out8(Bench *b, unsigned reg, uint8_t v)
{
    bench_out(b->d.m, BASE + reg, 1, v);
}

static uint8_t wait_status(Bench *b)
{
    if (bench_in(b->d.m, CTRL, 1) & BSY) {
        disk_bench_settle(&b->d);
    }
    return in8(b, 7);
}

static void regs28(Bench *b, uint8_t feature, uint32_t lba, unsigned count)
{
    out8(b, 6, 0xe0 | (lba >> 24 & 0xf));
    out8(b, 1, feature);
    out8(b, 2, count);
    out8(b, 3, lba);
    out8(b, 4, lba >> 8);
    out8(b, 5, lba >> 16);
}

static void regs48(Bench *b, uint64_t lba, unsigned count)
{
    out8(b, 6, 0xe0);
    out8(b, 2, count >> 8);
    out8(b, 3, lba >> 24);
    out8(b, 4, lba >> 32);
    out8(b, 5, lba >> 40);
    out8(b, 2, count);
    out8(b, 3, lba);
    out8(b, 4, lba >> 8);
    out8(b, 5, lba >> 16);
}

/* Data comes in DRQ blocks of `block` bytes; returns the last status. */
static uint8_t pio_in(Bench *b, uint8_t *to, size_t len, size_t block)
{
    for (size_t at = 0; at < len;) {
        uint8_t s = wait_status(b);
        if (!(s & DRQ)) {
            return s;
        }
        for (size_t i = 0; i < MIN(block, len - at); i += 2) {
            st_le16(to + at + i, bench_in(b->d.m, BASE, 2));
        }
        at += MIN(block, len - at);
    }
    return wait_status(b);
}

static uint8_t pio_out(Bench *b, const uint8_t *from, size_t len, size_t block)
{
    for (size_t at = 0; at < len;) {
        uint8_t s = wait_status(b);
        if (!(s & DRQ)) {
            return s;
        }
        for (size_t i = 0; i < MIN(block, len - at); i += 4) {
            bench_out(b->d.m, BASE, 4, ld_le32(from + at + i));
        }
        at += MIN(block, len - at);
    }
    return wait_status(b);
}

/* ATA8-ACS 7.16. */
static void test_identify(void)
{
    Bench b;
    uint8_t id[512], sum = 0;

    begin(&b);
    out8(&b, 6, 0xa0);
    out8(&b, 7, 0xec);
    disk_bench_settle(&b.d);
    g_assert_cmpint(b.irq.level, ==, 1);
    g_assert_cmphex(pio_in(&b, id, 512, 512), ==, 0x50);
    g_assert_cmpint(b.irq.level, ==, 0);
    g_assert_cmpuint(ld_le32(id + 120), ==, DISK / 512);
    g_assert_cmpuint(ld_le64(id + 200), ==, DISK / 512);
    g_assert_true(!memcmp(id + 54, "EQUMH RADDSI K", 14));
    g_assert_true(!memcmp(id + 20, "2143 5", 6));
    g_assert_cmphex(ld_le16(id + 216), ==, 0x5000);
    for (int i = 0; i < 512; i++) {
        sum += id[i];
    }
    g_assert_cmpuint(sum, ==, 0);
    out8(&b, 7, 0xa1); /* a disk is no packet device */
    g_assert_cmphex(wait_status(&b), ==, 0x51);
    g_assert_cmphex(in8(&b, 1), ==, 0x04);
    out8(&b, 6, 0xb0); /* nobody there */
    g_assert_cmphex(in8(&b, 7), ==, 0);
    end(&b);
}

static void fill(uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p[i] = g_test_rand_int();
    }
}

/* PIO in every addressing: 28 and 48 bits, CHS, blocks of SET MULTIPLE. */
static void test_pio(void)
{
    Bench b;
    g_autofree uint8_t *data = g_malloc(32 * 512), *model = NULL;

    begin(&b);
    model = g_memdup2(b.d.disk, DISK);
    for (int i = 0; i < 200; i++) {
        unsigned n = g_test_rand_int_range(1, 33), how = g_test_rand_int_range(0, 4);
        uint32_t lba = g_test_rand_int_range(0, DISK / 512 - n);
        bool write = g_test_rand_bit();
        static const uint8_t op[2][4] = {{0x20, 0x24, 0x20, 0xc4}, {0x30, 0x34, 0x30, 0xc5}};
        if (how == 1) {
            regs48(&b, lba, n);
        } else {
            regs28(&b, 0, lba, n);
        }
        if (how == 2) { /* 16 heads, 63 sectors */
            out8(&b, 6, 0xa0 | lba / 63 % 16);
            out8(&b, 3, lba % 63 + 1);
            out8(&b, 4, lba / 63 / 16);
            out8(&b, 5, lba / 63 / 16 >> 8);
        }
        size_t block = how == 3 ? 16 * 512 : 512;
        out8(&b, 7, op[write][how]);
        if (write) {
            fill(data, n * 512);
            memcpy(model + lba * 512, data, n * 512);
            g_assert_cmphex(pio_out(&b, data, n * 512, block), ==, 0x50);
        } else {
            g_assert_cmphex(pio_in(&b, data, n * 512, block), ==, 0x50);
            g_assert_true(!memcmp(data, model + lba * 512, n * 512));
        }
        g_assert_cmpuint(in8(&b, 2), ==, 0);
    }
    g_assert_true(!memcmp(model, b.d.disk, DISK));
    end(&b);
}

/* A table of random pieces of [BUF, BUF + len); returns its bytes. */
static void make_prds(Bench *b, uint32_t len)
{
    uint8_t e[8];
    hwaddr at = PRD;

    for (uint32_t done = 0; done < len; at += 8) {
        uint32_t n = (g_test_rand_int_range(0, 3000) & ~1u) + 2;
        n = at > PRD + 8 * 500 || n > len - done ? len - done : n;
        st_le32(e, BUF + done);
        st_le32(e + 4, n | (done + n == len ? 1u << 31 : 0));
        disk_put(&b->d, at, e, 8);
        done += n;
    }
}

static void start_dma(Bench *b, bool to_ram)
{
    bench_out(b->d.m, b->bm + 4, 4, PRD);
    bench_out(b->d.m, b->bm + 2, 1, 0x06);
    bench_out(b->d.m, b->bm, 1, to_ram ? 9 : 1);
}

static void test_dma(void)
{
    Bench b;
    g_autofree uint8_t *data = g_malloc(64 * 512), *model = NULL;

    begin(&b);
    model = g_memdup2(b.d.disk, DISK);
    for (int i = 0; i < 200; i++) {
        unsigned n = g_test_rand_int_range(1, 65);
        uint32_t lba = g_test_rand_int_range(0, DISK / 512 - n);
        bool write = g_test_rand_bit(), ext = g_test_rand_bit(), early = g_test_rand_bit();
        make_prds(&b, n * 512);
        if (write) {
            fill(data, n * 512);
            memcpy(model + lba * 512, data, n * 512);
            disk_put(&b.d, BUF, data, n * 512);
        }
        if (ext) {
            regs48(&b, lba, n);
        } else {
            regs28(&b, 0, lba, n);
        }
        if (early) {
            start_dma(&b, !write);
        }
        out8(&b, 7, write ? (ext ? 0x35 : 0xca) : (ext ? 0x25 : 0xc8));
        if (!early) {
            start_dma(&b, !write);
        }
        disk_bench_settle(&b.d);
        g_assert_cmpint(b.irq.level, ==, 1);
        g_assert_cmphex(bench_in(b.d.m, b.bm + 2, 1) & 7, ==, 4);
        g_assert_cmphex(in8(&b, 7), ==, 0x50);
        bench_out(b.d.m, b.bm, 1, 0);
        if (!write) {
            disk_get(&b.d, BUF, data, n * 512);
            g_assert_true(!memcmp(data, model + lba * 512, n * 512));
        }
    }
    out8(&b, 7, 0xe7);
    g_assert_cmphex(wait_status(&b), ==, 0x50);
    g_assert_true(!memcmp(model, b.d.disk, DISK));
    end(&b);
}

/* 7.5: DATA SET MANAGEMENT gives blocks back. */
static void test_trim(void)
{
    Bench b;
    uint8_t list[512] = {0};

    begin(&b);
    st_le64(list, 0x100ull | 16ull << 48);
    st_le64(list + 16, 0x200ull | 8ull << 48);
    disk_put(&b.d, BUF, list, 512);
    make_prds(&b, 512);
    regs48(&b, 0, 1);
    out8(&b, 1, 1);
    out8(&b, 7, 0x06);
    start_dma(&b, false);
    g_assert_cmphex(wait_status(&b), ==, 0x50);
    for (int i = 0; i < 16 * 512; i++) {
        g_assert_cmpuint(b.d.disk[0x100 * 512 + i], ==, 0);
    }
    st_le64(list, DISK / 512 | 1ull << 48);
    disk_put(&b.d, BUF, list, 512);
    bench_out(b.d.m, b.bm, 1, 0);
    regs48(&b, 0, 1);
    out8(&b, 1, 1);
    out8(&b, 7, 0x06);
    start_dma(&b, false);
    g_assert_cmphex(wait_status(&b), ==, 0x51);
    end(&b);
}

static uint8_t command(Bench *b, uint8_t op, uint8_t feature, uint8_t count, uint32_t lba)
{
    regs28(b, feature, lba, count);
    out8(b, 7, op);
    return wait_status(b);
}

static void test_settings(void)
{
    Bench b;
    uint8_t id[512];

    begin(&b);
    g_assert_cmphex(command(&b, 0xef, 0x03, 0x42, 0), ==, 0x50);
    g_assert_cmphex(command(&b, 0xef, 0x03, 0x47, 0), ==, 0x51);
    g_assert_cmphex(command(&b, 0xef, 0x82, 0, 0), ==, 0x50);
    g_assert_cmphex(command(&b, 0xc6, 0, 4, 0), ==, 0x50);
    g_assert_cmphex(command(&b, 0xc6, 0, 5, 0), ==, 0x51);
    out8(&b, 7, 0xec);
    pio_in(&b, id, 512, 512);
    g_assert_cmphex(ld_le16(id + 176), ==, 0x043f);
    g_assert_cmphex(ld_le16(id + 170) & 0x20, ==, 0);
    g_assert_cmphex(ld_le16(id + 118), ==, 0x104);
    g_assert_cmphex(command(&b, 0xf8, 0, 0, 0), ==, 0x50);
    g_assert_cmphex(in8(&b, 3) | in8(&b, 4) << 8 | in8(&b, 5) << 16, ==, DISK / 512 - 1);
    g_assert_cmphex(command(&b, 0xe5, 0, 0, 0), ==, 0x50);
    g_assert_cmphex(in8(&b, 2), ==, 0xff);
    g_assert_cmphex(command(&b, 0x40, 0, 7, 5), ==, 0x50);
    g_assert_cmphex(command(&b, 0xb0, 0xda, 0, 0xc24f00), ==, 0x50);
    g_assert_cmphex(in8(&b, 4) | in8(&b, 5) << 8, ==, 0xc24f);
    out8(&b, 1, 0xd0);
    out8(&b, 7, 0xb0);
    g_assert_cmphex(pio_in(&b, id, 512, 512), ==, 0x50);
    g_assert_cmphex(command(&b, 0x99, 0, 0, 0), ==, 0x51);
    end(&b);
}

/* Beyond the end, and a medium that fails. */
static void test_errors(void)
{
    Bench b;

    begin_with(&b, "ide-hd,drive=d", "read:1:EIO", NULL);
    g_assert_cmphex(command(&b, 0x20, 0, 2, DISK / 512 - 1), ==, 0x51);
    g_assert_cmphex(in8(&b, 1), ==, 0x10);
    g_assert_cmphex(command(&b, 0x20, 0, 1, 77), ==, 0x51);
    g_assert_cmphex(in8(&b, 1), ==, 0x40);
    g_assert_cmphex(in8(&b, 3), ==, 77);
    g_assert_cmphex(command(&b, 0x20, 0, 1, 77), ==, 0x58);
    end(&b);
}

/* 9.3: a reset during a transfer; nothing arrives after it. */
static void test_reset(void)
{
    Bench b;
    uint8_t data[4096], same[4096];

    begin(&b);
    for (int i = 0; i < 50; i++) {
        memset(data, 0xee, sizeof(data));
        disk_put(&b.d, BUF, data, sizeof(data));
        make_prds(&b, 4096);
        regs28(&b, 0, i * 8, 8);
        out8(&b, 7, 0xc8);
        start_dma(&b, true);
        if (i % 3 == 0) {
            machine_reset_devices(b.d.m);
            bench_pci_configure(b.d.m);
        }
        bench_out(b.d.m, CTRL, 1, 4);
        g_assert_cmphex(in8(&b, 7) & BSY, ==, BSY);
        disk_get(&b.d, BUF, data, sizeof(data));
        bench_out(b.d.m, CTRL, 1, 0);
        bench_out(b.d.m, b.bm, 1, 0);
        disk_bench_settle(&b.d);
        disk_get(&b.d, BUF, same, sizeof(same));
        g_assert_true(!memcmp(data, same, sizeof(same)));
        g_assert_cmphex(in8(&b, 7), ==, 0x50);
        g_assert_cmphex(in8(&b, 2) | in8(&b, 3) << 8 | in8(&b, 4) << 16, ==, 0x0101);
        g_assert_cmphex(in8(&b, 1), ==, 1);
        g_assert_cmpint(b.irq.level, ==, 0);
    }
    end(&b);
}

/* In the middle of a PIO read and a PIO write the machine moves. */
static void test_moves_pio(void)
{
    Bench a, b;
    uint8_t data[8 * 512], x[8 * 512];

    for (int write = 0; write < 2; write++) {
        begin(&a);
        fill(data, sizeof(data));
        regs28(&a, 0, 1000, 8);
        out8(&a, 7, write ? 0x30 : 0x20);
        size_t at = 512 * 3 + 100;
        wait_status(&a);
        for (size_t i = 0; i < at; i += 2) {
            if (i % 512 == 0) {
                wait_status(&a);
            }
            if (write) {
                bench_out(a.d.m, BASE, 2, ld_le16(data + i));
            } else {
                st_le16(x + i, bench_in(a.d.m, BASE, 2));
            }
        }
        begin_with(&b, "ide-hd,drive=d,serial=12345,wwn=0x5000c50012345678", NULL, a.d.disk);
        disk_bench_move(&a.d, &b.d);
        bench_step(b.d.m, 1000);
        for (size_t i = at; i < sizeof(data); i += 2) {
            if (i % 512 == 0) {
                wait_status(&b);
            }
            if (write) {
                bench_out(b.d.m, BASE, 2, ld_le16(data + i));
            } else {
                st_le16(x + i, bench_in(b.d.m, BASE, 2));
            }
        }
        g_assert_cmphex(wait_status(&b), ==, 0x50);
        g_assert_true(!memcmp(write ? data : x, b.d.disk + 1000 * 512, sizeof(data)));
        end(&a);
        end(&b);
    }
}

/* A request that waits for the machine to resume is part of the state. */
static void test_moves_stopped(void)
{
    static const uint8_t op[] = {0xca, 0xc8, 0x30, 0x20, 0xe7};
    Bench a, b;
    uint8_t data[4096], x[4096];

    for (int i = 0; i < 5; i++) {
        bool write = op[i] == 0xca || op[i] == 0x30, dma = i < 2;
        const char *fault = i == 4 ? "flush:1:EIO" : write ? "write:1:EIO" : "read:1:EIO";
        begin_with(&a, "ide-hd,drive=d,rerror=stop,werror=stop", fault, NULL);
        fill(data, sizeof(data));
        disk_put(&a.d, BUF, data, sizeof(data));
        make_prds(&a, 4096);
        regs28(&a, 0, 64, 8);
        out8(&a, 7, op[i]);
        if (dma) {
            start_dma(&a, !write);
        }
        for (int k = 0; k < 512 && op[i] == 0x30; k += 2) {
            bench_out(a.d.m, BASE, 2, ld_le16(data + k));
        }
        for (int k = 0; k < 200; k++) {
            g_main_context_iteration(machine_loop(a.d.m), FALSE);
            g_usleep(100);
        }
        g_assert_cmphex(bench_in(a.d.m, CTRL, 1) & BSY, ==, BSY);
        begin_with(&b, "ide-hd,drive=d,rerror=stop,werror=stop", NULL, a.d.disk);
        disk_bench_move(&a.d, &b.d);
        bench_step(b.d.m, 1000);
        if (op[i] == 0x20) {
            pio_in(&b, x, 4096, 512);
        } else if (op[i] == 0x30) {
            pio_out(&b, data + 512, 4096 - 512, 512);
        } else {
            g_assert_cmphex(wait_status(&b), ==, 0x50);
        }
        if (op[i] == 0xc8) {
            disk_get(&b.d, BUF, x, sizeof(x));
        }
        g_assert_cmphex(wait_status(&b), ==, 0x50);
        if (i < 4) {
            g_assert_true(!memcmp(write ? data : x, b.d.disk + 64 * 512, 4096));
        }
        end(&a);
        end(&b);
    }
}

/* Tables that point nowhere, to devices, are too short, or have no end. */
static void test_hostile_prds(void)
{
    Bench b;
    static const uint32_t addr[] = {0xfffffff0, 0xc0000000, 0x20000, 0x1ff0, 0xffff, 0};
    uint8_t e[8];

    begin(&b);
    for (int i = 0; i < 2000; i++) {
        hwaddr at = g_test_rand_bit() ? PRD : addr[g_test_rand_int_range(0, 6)];
        for (int k = 0; k < g_test_rand_int_range(0, 20); k++) {
            st_le32(e, g_test_rand_bit() ? addr[g_test_rand_int_range(0, 6)] : BUF + k * 512);
            st_le32(e + 4, g_test_rand_int_range(0, 5) ? g_test_rand_int() : 0x80000200);
            disk_put(&b.d, PRD + 8 * k, e, 8);
        }
        bool write = g_test_rand_bit();
        regs28(&b, 0, g_test_rand_int_range(0, 10000), g_test_rand_int_range(0, 256));
        out8(&b, 7, write ? 0xca : 0xc8);
        bench_out(b.d.m, b.bm + 4, 4, at);
        bench_out(b.d.m, b.bm, 1, g_test_rand_bit() ? 9 : 1);
        if (g_test_rand_bit()) {
            disk_bench_settle(&b.d);
        }
        bench_out(b.d.m, b.bm, 1, 0);
        bench_out(b.d.m, CTRL, 1, 4);
        bench_out(b.d.m, CTRL, 1, 0);
    }
    cfg_write(b.ide, 4, 2, 1); /* no bus mastering */
    make_prds(&b, 512);
    regs28(&b, 0, 0, 1);
    out8(&b, 7, 0xc8);
    start_dma(&b, true);
    disk_bench_settle(&b.d);
    g_assert_cmphex(bench_in(b.d.m, b.bm + 2, 1) & 3, ==, 2);
    end(&b);
}

static void random_registers(const char *drive)
{
    Bench b;

    begin_with(&b, drive, NULL, NULL);
    for (int i = 0; i < 40000; i++) {
        unsigned what = g_test_rand_int_range(0, 20), size = 1 << g_test_rand_int_range(0, 3);
        uint16_t port = what < 14   ? BASE + g_test_rand_int_range(0, 8)
                        : what < 15 ? CTRL
                                    : b.bm + g_test_rand_int_range(0, 8);
        if (g_test_rand_int_range(0, 3)) {
            bench_out(b.d.m, port, size, g_test_rand_int());
        } else {
            bench_in(b.d.m, port, size);
        }
        if (i % 200 == 0) {
            disk_bench_settle(&b.d);
        } else if (i % 1777 == 0) {
            machine_reset_devices(b.d.m);
            bench_pci_configure(b.d.m);
        }
    }
    end(&b);
}

static void test_random(void)
{
    random_registers("ide-hd,drive=d");
    random_registers("ide-cd,drive=d");
}

/* Values of a saved state, as the census does it: fields stay, their contents go wild. */
static void randomise(GByteArray *b)
{
    uint8_t *p = b->data + 4;
    int rate = g_test_rand_bit() ? 1 : 64;

    p += 1 + p[0] + 4;
    while (p < b->data + b->len) {
        p += 1 + p[0];
        uint64_t n = (uint64_t)ld_le32(p + 1) * ld_le32(p + 5);
        uint8_t kind = p[0];
        p += 9;
        for (uint64_t i = 0; i < n; i++) {
            if (kind != STATE_BLOB && g_test_rand_int_range(0, rate) == 0) {
                p[i] = n == 1 ? g_test_rand_int_range(0, 10) : g_test_rand_int();
            }
        }
        p += n;
    }
}

static void random_states(const char *drive)
{
    Bench b;

    begin_with(&b, drive, NULL, NULL);
    for (int i = 0; i < 300; i++) {
        Device *d = i & 1 ? &b.ide->dev : ide_bus_unit(ide_bus_nth(&b.ide->dev, 0), 0);
        g_autoptr(GByteArray) x = g_byte_array_new();
        device_save(d, x);
        randomise(x);
        device_load(d, x->data, x->len, NULL);
        bench_pci_configure(b.d.m);
        for (int k = 0; k < 30; k++) {
            bench_step(b.d.m, 1000);
            bench_in(b.d.m, BASE + g_test_rand_int_range(0, 8), 2);
            bench_out(b.d.m, BASE, 4, g_test_rand_int());
        }
        start_dma(&b, i & 2);
        disk_bench_settle(&b.d);
        if (i % 5 == 0) {
            machine_reset_devices(b.d.m);
        }
    }
    end(&b);
}

static void test_random_states(void)
{
    random_states("ide-hd,drive=d");
    random_states("ide-cd,drive=d");
}

/* ---- ATAPI ---- */

/* Sends a packet; limit: bytes of a DRQ block. Returns the status after all; *got: bytes. */
static uint8_t packet(Bench *b, const uint8_t *cdb, uint8_t *to, size_t room, unsigned limit,
                      size_t *got)
{
    size_t n = 0;

    out8(b, 6, 0xa0);
    out8(b, 1, 0);
    out8(b, 4, limit);
    out8(b, 5, limit >> 8);
    out8(b, 7, 0xa0);
    g_assert_cmphex(wait_status(b) & (BSY | DRQ), ==, DRQ);
    g_assert_cmphex(in8(b, 2), ==, 1);
    for (int i = 0; i < 12; i += 2) {
        bench_out(b->d.m, BASE, 2, ld_le16(cdb + i));
    }
    while (wait_status(b) & DRQ) {
        unsigned part = in8(b, 4) | in8(b, 5) << 8;
        g_assert_cmpuint(part, <=, limit);
        g_assert_cmphex(in8(b, 2), ==, 2);
        for (unsigned i = 0; i < part; i += 2) {
            uint16_t v = bench_in(b->d.m, BASE, 2);
            if (n + i + 1 < room) {
                st_le16(to + n + i, v);
            }
        }
        n += part;
    }
    if (got) {
        *got = n;
    }
    g_assert_cmphex(in8(b, 2), ==, 3);
    return in8(b, 7);
}

static void test_atapi(void)
{
    Bench b;
    static uint8_t data[65536];
    uint8_t id[512];
    size_t got;

    begin_with(&b, "ide-cd,drive=d", NULL, NULL);
    g_assert_cmphex(in8(&b, 4) | in8(&b, 5) << 8, ==, 0xeb14);
    out8(&b, 6, 0xa0);
    out8(&b, 7, 0xec);
    g_assert_cmphex(wait_status(&b) & ERR, ==, ERR);
    g_assert_cmphex(in8(&b, 4) | in8(&b, 5) << 8, ==, 0xeb14);
    out8(&b, 7, 0xa1);
    pio_in(&b, id, 512, 512);
    g_assert_cmphex(ld_le16(id), ==, 0x85c0);
    /* Power on is told once, then the drive is ready. */
    g_assert_cmphex(packet(&b, (uint8_t[12]){0}, data, 0, 2048, NULL) & ERR, ==, ERR);
    g_assert_cmphex(in8(&b, 1) >> 4, ==, 6);
    packet(&b, (uint8_t[12]){0x03, [4] = 18}, data, 18, 2048, &got);
    g_assert_cmpuint(got, ==, 18);
    g_assert_cmphex(data[2] << 8 | data[12], ==, 0x0629);
    g_assert_cmphex(packet(&b, (uint8_t[12]){0}, data, 0, 2048, NULL) & ERR, ==, 0);
    packet(&b, (uint8_t[12]){0x12, [4] = 36}, data, 36, 2048, &got);
    g_assert_cmphex(data[0] << 8 | data[1], ==, 0x0580);
    packet(&b, (uint8_t[12]){0x25}, data, 8, 2048, &got);
    g_assert_cmpuint(ld_be32(data), ==, CDROM / 2048 - 1);
    for (int i = 0; i < 100; i++) {
        unsigned n = g_test_rand_int_range(1, 30), lba = g_test_rand_int_range(0, 600 - n);
        unsigned limit = g_test_rand_int_range(1, 0x7fff) * 2;
        uint8_t cdb[12] = {0x28, [5] = lba, [4] = lba >> 8, [8] = n};
        g_assert_cmphex(packet(&b, cdb, data, sizeof(data), limit, &got) & ERR, ==, 0);
        g_assert_cmpuint(got, ==, n * 2048);
        g_assert_true(!memcmp(data, b.d.disk + lba * 2048, got));
    }
    /* READ CD: whole frames. */
    packet(&b, (uint8_t[12]){0xbe, [5] = 16, [8] = 20, [9] = 0xf8}, data, sizeof(data), 5000, &got);
    g_assert_cmpuint(got, ==, 20 * 2352);
    for (int i = 0; i < 20; i++) {
        g_assert_true(!memcmp(data + i * 2352 + 16, b.d.disk + (16 + i) * 2048, 2048));
        g_assert_cmphex(data[i * 2352 + 15], ==, 1);
    }
    g_assert_cmphex(
        packet(&b, (uint8_t[12]){0x28, [4] = 2, [5] = 0x58, [8] = 1}, data, 0, 2048, NULL) & ERR,
        ==, ERR);
    end(&b);
}

static void test_atapi_dma(void)
{
    Bench b;
    static uint8_t data[16 * 2048];

    begin_with(&b, "ide-cd,drive=d", NULL, NULL);
    packet(&b, (uint8_t[12]){0}, data, 0, 2048, NULL); /* unit attention */
    for (int i = 0; i < 20; i++) {
        unsigned n = g_test_rand_int_range(1, 17), lba = g_test_rand_int_range(0, 600 - n);
        uint8_t cdb[12] = {0xa8, [5] = lba, [4] = lba >> 8, [9] = n};
        make_prds(&b, n * 2048);
        out8(&b, 1, 1);
        out8(&b, 7, 0xa0);
        wait_status(&b);
        for (int k = 0; k < 12; k += 2) {
            bench_out(b.d.m, BASE, 2, ld_le16(cdb + k));
        }
        start_dma(&b, true);
        g_assert_cmphex(wait_status(&b), ==, 0x50);
        bench_out(b.d.m, b.bm, 1, 0);
        disk_get(&b.d, BUF, data, n * 2048);
        g_assert_true(!memcmp(data, b.d.disk + lba * 2048, n * 2048));
    }
    end(&b);
}

/* The tray: opened, locked, without a medium. */
static void test_tray(void)
{
    Bench b;
    uint8_t data[64];

    begin_with(&b, "ide-cd,drive=d", NULL, NULL);
    packet(&b, (uint8_t[12]){0}, data, 0, 2048, NULL);
    g_assert_cmphex(packet(&b, (uint8_t[12]){0x1e, [4] = 1}, data, 0, 2048, NULL) & ERR, ==, 0);
    g_assert_cmphex(packet(&b, (uint8_t[12]){0x1b, [4] = 2}, data, 0, 2048, NULL) & ERR, ==, ERR);
    g_assert_cmphex(in8(&b, 1) >> 4, ==, 5);
    packet(&b, (uint8_t[12]){0x1e}, data, 0, 2048, NULL);
    g_assert_cmphex(packet(&b, (uint8_t[12]){0x1b, [4] = 2}, data, 0, 2048, NULL) & ERR, ==, 0);
    g_assert_cmphex(packet(&b, (uint8_t[12]){0}, data, 0, 2048, NULL) & ERR, ==, ERR);
    g_assert_cmphex(in8(&b, 1) >> 4, ==, 2);
    packet(&b, (uint8_t[12]){0x4a, 1, [4] = 0x10, [8] = 8}, data, 8, 2048, NULL);
    g_assert_cmphex(data[5], ==, 1);
    packet(&b, (uint8_t[12]){0x1b, [4] = 3}, data, 0, 2048, NULL);
    packet(&b, (uint8_t[12]){0}, data, 0, 2048, NULL); /* the medium may be another one */
    g_assert_cmphex(in8(&b, 1) >> 4, ==, 6);
    g_assert_cmphex(packet(&b, (uint8_t[12]){0}, data, 0, 2048, NULL) & ERR, ==, 0);
    end(&b);
}

/* Without firmware the board says that the channels are on; a reset forgets it. */
static void test_preset(void)
{
    Bench b;

    begin(&b);
    g_assert_cmphex(cfg_read(b.ide, 0x40, 4), ==, 0);
    piix_ide_preset(&b.ide->dev);
    g_assert_cmphex(cfg_read(b.ide, 0x40, 4), ==, 0x80008000);
    machine_reset_devices(b.d.m);
    g_assert_cmphex(cfg_read(b.ide, 0x40, 4), ==, 0);
    end(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ide/identify", test_identify);
    g_test_add_func("/ide/pio", test_pio);
    g_test_add_func("/ide/dma", test_dma);
    g_test_add_func("/ide/trim", test_trim);
    g_test_add_func("/ide/settings", test_settings);
    g_test_add_func("/ide/errors", test_errors);
    g_test_add_func("/ide/reset", test_reset);
    g_test_add_func("/ide/moves-pio", test_moves_pio);
    g_test_add_func("/ide/moves-stopped", test_moves_stopped);
    g_test_add_func("/ide/hostile-prds", test_hostile_prds);
    g_test_add_func("/ide/random", test_random);
    g_test_add_func("/ide/random-states", test_random_states);
    g_test_add_func("/ide/atapi", test_atapi);
    g_test_add_func("/ide/atapi-dma", test_atapi_dma);
    g_test_add_func("/ide/tray", test_tray);
    g_test_add_func("/ide/preset", test_preset);
    return g_test_run();
}
