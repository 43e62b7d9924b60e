/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NVMe against the base specification 1.4: a driver in small. */
#include <string.h>

#include "disk_bench.h"

#define DISK   (4u << 20)
#define ASQ    0x1000
#define ACQ    0x2000
#define SQ     0x3000
#define CQ     0x4000
#define LIST   0x5000
#define BUFFER 0x6000 /* to the end of RAM, ten pages */
#define DEPTH  8u
#define BAR    0x10000000ull

typedef struct Bench {
    DiskBench d;
    Machine *m;
    PciDevice *dev;
    uint8_t *disk;
    unsigned tail[2], head[2], phase[2];
    uint16_t cid;
} Bench;

static void settle(Bench *b)
{
    disk_bench_settle(&b->d);
}

static uint32_t reg(Bench *b, unsigned r)
{
    return (uint32_t)bench_load(b->m, BAR + r, 4);
}

static void set_reg(Bench *b, unsigned r, uint32_t v)
{
    bench_store(b->m, BAR + r, 4, v);
}

static void put(Bench *b, hwaddr at, const void *data, size_t len)
{
    address_space_write(machine_memory(b->m), at, MEM_ATTRS_NONE, data, len);
}

static void get(Bench *b, hwaddr at, void *data, size_t len)
{
    address_space_read(machine_memory(b->m), at, MEM_ATTRS_NONE, data, len);
}

/* Puts a command into queue q (0 admin, 1 I/O) and rings. */
static void submit(Bench *b, unsigned q, uint8_t *sqe)
{
    st_le16(sqe + 2, ++b->cid);
    put(b, (q ? SQ : ASQ) + b->tail[q] * 64, sqe, 64);
    b->tail[q] = (b->tail[q] + 1) % DEPTH;
    set_reg(b, 0x1000 + 8 * q, b->tail[q]);
}

/* The next completion, if there is one: its status without phase; -1: none. */
static int reap(Bench *b, unsigned q, uint32_t *result)
{
    uint8_t e[16];

    settle(b);
    get(b, (q ? CQ : ACQ) + b->head[q] * 16, e, 16);
    if ((ld_le16(e + 14) & 1) != b->phase[q]) {
        return -1;
    }
    g_assert_cmpuint(ld_le16(e + 10), ==, q);
    if (result) {
        *result = ld_le32(e);
    }
    if (++b->head[q] == DEPTH) {
        b->head[q] = 0;
        b->phase[q] ^= 1;
    }
    set_reg(b, 0x1004 + 8 * q, b->head[q]);
    return ld_le16(e + 14) >> 1 & 0x3fff; /* without DNR */
}

static int run(Bench *b, unsigned q, uint8_t *sqe)
{
    submit(b, q, sqe);
    return reap(b, q, NULL);
}

static int admin(Bench *b, uint8_t op, uint32_t nsid, uint64_t prp, uint32_t dw10, uint32_t dw11)
{
    uint8_t sqe[64] = {op};

    st_le32(sqe + 4, nsid);
    st_le64(sqe + 24, prp);
    st_le32(sqe + 40, dw10);
    st_le32(sqe + 44, dw11);
    return run(b, 0, sqe);
}

static void io_command(uint8_t *sqe, uint8_t op, uint64_t lba, unsigned blocks, uint64_t prp1,
                       uint64_t prp2)
{
    memset(sqe, 0, 64);
    sqe[0] = op;
    st_le32(sqe + 4, 1);
    st_le64(sqe + 24, prp1);
    st_le64(sqe + 32, prp2);
    st_le64(sqe + 40, lba);
    st_le32(sqe + 48, blocks - 1);
}

static int io(Bench *b, uint8_t op, uint64_t lba, unsigned blocks, uint64_t prp1, uint64_t prp2)
{
    uint8_t sqe[64];

    io_command(sqe, op, lba, blocks, prp1, prp2);
    return run(b, 1, sqe);
}

static void enable(Bench *b)
{
    set_reg(b, 0x24, (DEPTH - 1) << 16 | (DEPTH - 1));
    set_reg(b, 0x28, ASQ);
    set_reg(b, 0x30, ACQ);
    set_reg(b, 0x14, 0x00460001);
    g_assert_cmphex(reg(b, 0x1c), ==, 1);
    memset(b->tail, 0, sizeof(b->tail));
    memset(b->head, 0, sizeof(b->head));
    b->phase[0] = b->phase[1] = 1;
    g_assert_cmpint(admin(b, 5, 0, CQ, (DEPTH - 1) << 16 | 1, 3), ==, 0);
    g_assert_cmpint(admin(b, 1, 0, SQ, (DEPTH - 1) << 16 | 1, 0x10001), ==, 0);
}

static void begin_with(Bench *b, const char *fault, const void *contents)
{
    memset(b, 0, sizeof(*b));
    disk_bench_begin(&b->d);
    b->m = b->d.m;
    disk_bench_add(&b->d, "d", DISK, fault, false, contents);
    b->disk = b->d.disk;
    b->dev = bench_pci_device(b->m, "nvme,serial=test,drive=d,rerror=stop,werror=stop");
    cfg_write(b->dev, 0x10, 4, (uint32_t)BAR);
    cfg_write(b->dev, 4, 2, 6);
}

static void begin(Bench *b)
{
    g_autofree uint8_t *zeroes = g_malloc0(DISK);

    begin_with(b, NULL, zeroes);
    enable(b);
}

static void end(Bench *b)
{
    disk_bench_end(&b->d);
}

/* 5.15: identify controller and namespace. */
static void test_identify(void)
{
    Bench b;
    uint8_t id[4096];

    begin(&b);
    g_assert_cmpint(admin(&b, 6, 0, BUFFER, 1, 0), ==, 0);
    get(&b, BUFFER, id, sizeof(id));
    g_assert_cmphex(ld_le16(id), ==, 0x1b36);
    g_assert_true(!memcmp(id + 4, "test                ", 20));
    g_assert_cmpuint(id[77], ==, 7);
    g_assert_cmpstr((char *)id + 768, ==, "nqn.2019-08.org.qemu:test");
    /* The buffer may cross a page. */
    uint8_t sqe[64] = {6};
    st_le32(sqe + 4, 1);
    st_le64(sqe + 24, BUFFER + 0x800);
    st_le64(sqe + 32, BUFFER + 0x3000);
    g_assert_cmpint(run(&b, 0, sqe), ==, 0);
    get(&b, BUFFER + 0x800, id, 0x800);
    g_assert_cmpuint(ld_le64(id), ==, DISK / 512);
    g_assert_cmpuint(id[130], ==, 9);
    g_assert_cmpint(admin(&b, 6, 999, BUFFER, 0, 0), ==, 0x0b);
    g_assert_cmpint(admin(&b, 6, 1, BUFFER, 0x77, 0), ==, 0x02);
    g_assert_cmpint(admin(&b, 0x42, 0, 0, 0, 0), ==, 0x01);
    end(&b);
}

/* 4.3: every form of the data pointer, against a model of the disk. */
static void test_random_io(void)
{
    Bench b;
    g_autofree uint8_t *model = g_malloc0(DISK), *buf = g_malloc(0xa000);

    begin(&b);
    for (int i = 0; i < 400; i++) {
        unsigned blocks = (unsigned)g_test_rand_int_range(1, 48);
        uint64_t lba = (uint64_t)g_test_rand_int_range(0, DISK / 512 - 48);
        unsigned offset = (unsigned)g_test_rand_int_range(0, 1024) * 4, bytes = blocks * 512;
        unsigned pages = (offset + bytes + 4095) / 4096, at[10];
        if (pages > 7) {
            continue;
        }
        /* Pages in any order. */
        for (unsigned k = 0; k < 10; k++) {
            at[k] = k;
        }
        for (unsigned k = 9; k; k--) {
            unsigned other = (unsigned)g_test_rand_int_range(0, (int)k + 1), t = at[k];
            at[k] = at[other];
            at[other] = t;
        }
        uint64_t prp2 = pages == 2 ? BUFFER + at[1] * 4096 : LIST + 8 * 3;
        for (unsigned k = 1; k < pages && pages > 2; k++) {
            uint8_t e[8];
            st_le64(e, BUFFER + at[k] * 4096);
            put(&b, prp2 + (k - 1) * 8, e, 8);
        }
        bool write = g_test_rand_int_range(0, 2);
        for (unsigned k = 0; k < bytes && write; k++) {
            model[lba * 512 + k] = (uint8_t)g_test_rand_int();
        }
        for (unsigned k = 0, done = 0; k < pages; k++) {
            unsigned from = k ? 0 : offset, len = MIN(4096 - from, bytes - done);
            if (write) {
                put(&b, BUFFER + at[k] * 4096 + from, model + lba * 512 + done, len);
            }
            done += len;
        }
        g_assert_cmpint(io(&b, write ? 1 : 2, lba, blocks, BUFFER + at[0] * 4096 + offset, prp2), ==,
                        0);
        for (unsigned k = 0, done = 0; k < pages; k++) {
            unsigned from = k ? 0 : offset, len = MIN(4096 - from, bytes - done);
            get(&b, BUFFER + at[k] * 4096 + from, buf, len);
            g_assert_true(!memcmp(buf, model + lba * 512 + done, len));
            done += len;
        }
    }
    g_assert_true(!memcmp(model, b.disk, DISK));
    end(&b);
}

static void test_errors(void)
{
    Bench b;
    uint8_t sqe[64];

    begin(&b);
    g_assert_cmpint(io(&b, 2, DISK / 512 - 1, 2, BUFFER, 0), ==, 0x80);
    g_assert_cmpint(io(&b, 2, UINT64_MAX, 1, BUFFER, 0), ==, 0x80);
    g_assert_cmpint(io(&b, 2, 0, 1, BUFFER + 2, 0), ==, 0x13);
    g_assert_cmpint(io(&b, 2, 0, 16, BUFFER, BUFFER + 8), ==, 0x13);
    g_assert_cmpint(io(&b, 2, 0, 1, 0x900000000ull, 0), ==, 0x04);
    g_assert_cmpint(io(&b, 2, 0, 32, BUFFER, 0x900000000ull), ==, 0x04);
    g_assert_cmpint(io(&b, 2, 0, 2048, BUFFER, LIST), ==, 0x02); /* more than MDTS */
    g_assert_cmpint(io(&b, 0x55, 0, 1, BUFFER, 0), ==, 0x01);
    io_command(sqe, 2, 0, 1, BUFFER, 0);
    st_le32(sqe + 4, 2);
    g_assert_cmpint(run(&b, 1, sqe), ==, 0x0b);
    io_command(sqe, 2, 0, 1, BUFFER, 0);
    sqe[1] = 0x40; /* an SGL */
    g_assert_cmpint(run(&b, 1, sqe), ==, 0x02);
    g_assert_cmpint(admin(&b, 1, 0, SQ, 0x70001, 0x10001), ==, 0x101); /* exists */
    g_assert_cmpint(admin(&b, 1, 0, SQ, 0x70002, 0x50001), ==, 0x100);
    g_assert_cmpint(admin(&b, 4, 0, 0, 1, 0), ==, 0x10c); /* its queue is there */
    end(&b);
}

static void test_other_commands(void)
{
    Bench b;
    uint8_t zero[4096] = {0}, range[16] = {0}, data[512];

    begin(&b);
    memset(data, 0x5a, 512);
    put(&b, BUFFER, data, 512);
    g_assert_cmpint(io(&b, 1, 10, 1, BUFFER, 0), ==, 0);
    g_assert_cmpint(io(&b, 5, 10, 1, BUFFER, 0), ==, 0);
    data[511] = 1;
    put(&b, BUFFER, data, 512);
    g_assert_cmpint(io(&b, 5, 10, 1, BUFFER, 0), ==, 0x285);
    g_assert_cmpint(io(&b, 8, 10, 1, 0, 0), ==, 0);
    g_assert_true(!memcmp(b.disk + 5120, zero, 512));
    memset(b.disk, 0x77, 65536);
    st_le32(range + 4, 64);
    st_le64(range + 8, 16);
    put(&b, BUFFER, range, 16);
    uint8_t sqe[64];
    io_command(sqe, 9, 0, 1, BUFFER, 0);
    st_le32(sqe + 44, 4);
    g_assert_cmpint(run(&b, 1, sqe), ==, 0);
    g_assert_cmphex(b.disk[16 * 512 - 1], ==, 0x77);
    g_assert_true(!memcmp(b.disk + 16 * 512, zero, 4096));
    g_assert_cmpint(io(&b, 0, 0, 1, 0, 0), ==, 0);
    g_assert_cmpint(io(&b, 0xc, 0, 64, 0, 0), ==, 0);
    end(&b);
}

/* 4.1: a completion queue without room holds answers back; nothing is lost. */
static void test_full_queue(void)
{
    Bench b;
    uint8_t sqe[64];

    begin(&b);
    for (unsigned i = 0; i < 2 * (DEPTH - 1); i++) {
        io_command(sqe, 2, i, 1, BUFFER, 0);
        submit(&b, 1, sqe);
        settle(&b);
    }
    for (unsigned i = 0; i < 2 * (DEPTH - 1); i++) {
        g_assert_cmpint(reap(&b, 1, NULL), ==, 0);
    }
    g_assert_cmpint(reap(&b, 1, NULL), ==, -1);
    end(&b);
}

/* 7.5: MSI-X vector 1 carries the I/O queue's interrupts. */
static void test_interrupts(void)
{
    Bench b;
    uint8_t sqe[64];

    begin(&b);
    g_assert_cmpint(io(&b, 2, 0, 1, BUFFER, 0), ==, 0);
    io_command(sqe, 2, 0, 1, BUFFER, 0);
    submit(&b, 1, sqe);
    settle(&b);
    g_assert_cmpint(b.d.pci->wire[0].level | b.d.pci->wire[1].level | b.d.pci->wire[2].level |
                        b.d.pci->wire[3].level, ==, 1);
    set_reg(&b, 0xc, 1); /* masked */
    g_assert_cmpint(b.d.pci->wire[0].level | b.d.pci->wire[1].level | b.d.pci->wire[2].level |
                        b.d.pci->wire[3].level, ==, 0);
    g_assert_cmpint(reap(&b, 1, NULL), ==, 0);
    unsigned cap = b.dev->msix_cap, before;
    bench_store(b.m, BAR + 0x2000, 4, 0xfee00000);
    bench_store(b.m, BAR + 0x2008, 4, 0x41);
    bench_store(b.m, BAR + 0x200c, 4, 0);
    cfg_write(b.dev, cap + 2, 2, 0x8000);
    before = b.d.pci->messages;
    g_assert_cmpint(io(&b, 2, 0, 1, BUFFER, 0), ==, 0);
    g_assert_cmpuint(b.d.pci->messages, >, before);
    g_assert_cmphex(b.d.pci->msg_data[before % BENCH_MESSAGES], ==, 0x41);
    end(&b);
}

/* 3.1.5: disabling drops the queues; the controller starts anew. Shutdown completes. */
static void test_reset(void)
{
    Bench b;
    uint8_t sqe[64];

    begin(&b);
    io_command(sqe, 2, 0, 16, BUFFER, BUFFER + 4096);
    submit(&b, 1, sqe);
    set_reg(&b, 0x14, 0x00460000);
    g_assert_cmphex(reg(&b, 0x1c), ==, 0);
    settle(&b);
    uint8_t zero[0x1000] = {0};
    put(&b, ACQ, zero, sizeof(zero));
    put(&b, CQ, zero, sizeof(zero));
    enable(&b);
    g_assert_cmpint(io(&b, 2, 0, 1, BUFFER, 0), ==, 0);
    set_reg(&b, 0x14, 0x00464001);
    settle(&b);
    g_assert_cmphex(reg(&b, 0x1c) & 0xc, ==, 8);
    end(&b);
}

/* Queues and waiting event requests survive; commands go on where they were. */
static void test_save(void)
{
    Bench b;

    begin(&b);
    uint8_t sqe[64] = {0xc};
    submit(&b, 0, sqe);
    g_assert_cmpint(reap(&b, 0, NULL), ==, -1);
    g_autoptr(GByteArray) saved = g_byte_array_new();
    device_save(&b.dev->dev, saved);
    machine_lock(b.m);
    device_reset(&b.dev->dev);
    Error *err = NULL;
    g_assert_true(device_load(&b.dev->dev, saved->data, saved->len, &err));
    machine_unlock(b.m);
    g_assert_cmpint(io(&b, 2, 3, 1, BUFFER, 0), ==, 0);
    set_reg(&b, 0x1000 + 8 * 9, 5); /* no such queue: an event */
    uint32_t result = 0;
    g_assert_cmpint(reap(&b, 0, &result), ==, 0);
    g_assert_cmphex(result, ==, 0x010000);
    end(&b);
}

/* Lets what fails stop, and what does not fail end. */
static void run_a_while(Bench *b)
{
    for (int k = 0; k < 200; k++) {
        g_main_context_iteration(machine_loop(b->m), FALSE);
        g_usleep(100);
    }
}

/* Four commands of one block each, at blocks 10, 20, ..., from pages at BUFFER. */
static void submit_four(Bench *b, uint8_t op)
{
    uint8_t sqe[64], data[512];

    for (unsigned i = 0; i < 4; i++) {
        memset(data, 0x60 + (int)i, sizeof(data));
        put(b, BUFFER + i * 0x1000, data, sizeof(data));
        io_command(sqe, op, 10 + 10 * i, 1, BUFFER + i * 0x1000, 0);
        if (op == 5) { /* compare: with what is there */
            put(b, BUFFER + i * 0x1000, b->disk + (10 + 10 * i) * 512, sizeof(data));
        }
        if (op == 9) { /* deallocate: a range of 8 blocks */
            const uint8_t range[16] = {[4] = 8, [8] = (uint8_t)(16 + 16 * i)};
            put(b, BUFFER + i * 0x1000, range, sizeof(range));
            st_le32(sqe + 40, 0);
            st_le32(sqe + 44, 4);
        }
        submit(b, 1, sqe);
    }
}

typedef struct Stopped {
    const char *fault;
    uint8_t op;
} Stopped;

/* Commands that wait for the machine to resume are carried out where the state is loaded. */
static void test_moves_stopped(gconstpointer opaque)
{
    const Stopped *t = opaque;
    Bench a, b;
    uint8_t data[512];
    int status, ended = 0;

    begin_with(&a, t->fault, NULL);
    enable(&a);
    submit_four(&a, t->op);
    run_a_while(&a);
    begin_with(&b, NULL, a.disk);
    disk_bench_move(&a.d, &b.d);
    memcpy(b.tail, a.tail, sizeof(a.tail));
    memcpy(b.head, a.head, sizeof(a.head));
    memcpy(b.phase, a.phase, sizeof(a.phase));
    while ((status = reap(&b, 1, NULL)) >= 0) {
        g_assert_cmphex(status, ==, 0);
        ended++;
    }
    g_assert_cmpint(ended, ==, 4);
    for (unsigned i = 0; i < 4; i++) {
        get(&b, BUFFER + i * 0x1000, data, sizeof(data));
        if (t->op == 1 || t->op == 2) {
            g_assert_cmpmem(data, sizeof(data), b.disk + (10 + 10 * i) * 512, sizeof(data));
        }
        if (t->op == 1) {
            g_assert_cmphex(data[77], ==, 0x60 + i);
        }
        if (t->op == 9) {
            g_assert_cmphex(b.disk[(16 + 16 * i) * 512 + 5], ==, 0);
        }
    }
    end(&a);
    end(&b);
}

/* What is loaded over a controller whose commands wait wins; they are heard of no more. */
static void test_load_over_request(void)
{
    Bench a, b;

    begin(&a);
    begin_with(&b, "write:1:EIO", NULL);
    enable(&b);
    submit_four(&b, 1);
    run_a_while(&b);
    g_assert_cmpint(reap(&b, 0, NULL), ==, -1);
    disk_bench_move(&a.d, &b.d);
    memcpy(b.tail, a.tail, sizeof(a.tail));
    memcpy(b.head, a.head, sizeof(a.head));
    memcpy(b.phase, a.phase, sizeof(a.phase));
    g_assert_cmpuint(block_in_flight(blockset_port_nth(b.d.disks, 0)), ==, 0);
    settle(&b);
    g_assert_cmpint(reap(&b, 1, NULL), ==, -1);
    g_assert_cmpint(io(&b, 2, 3, 1, BUFFER, 0), ==, 0);
    g_assert_cmpint(reap(&b, 1, NULL), ==, -1);
    end(&a);
    end(&b);
}

int main(int argc, char **argv)
{
    static const Stopped stopped[] = {
        {"read:1:EIO", 2}, {"write:1:ENOSPC", 1}, {"write:3:EIO", 1}, {"flush:1:EIO", 0},
        {"write:2:EIO", 8}, {"discard:1:EIO", 9},  {"read:2:EIO", 5},
    };

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nvme/identify", test_identify);
    g_test_add_func("/nvme/random-io", test_random_io);
    g_test_add_func("/nvme/errors", test_errors);
    g_test_add_func("/nvme/other-commands", test_other_commands);
    g_test_add_func("/nvme/full-queue", test_full_queue);
    g_test_add_func("/nvme/interrupts", test_interrupts);
    g_test_add_func("/nvme/reset", test_reset);
    g_test_add_func("/nvme/save", test_save);
    g_test_add_func("/nvme/load-over-request", test_load_over_request);
    for (size_t i = 0; i < G_N_ELEMENTS(stopped); i++) {
        g_autofree char *path = g_strdup_printf("/nvme/moves-stopped/%02x/%s", stopped[i].op, stopped[i].fault);
        g_test_add_data_func(path, &stopped[i], test_moves_stopped);
    }
    return g_test_run();
}
