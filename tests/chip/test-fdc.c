/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floppy controller against the 82078 data sheet: every command, by DMA and by the FIFO, what
 * goes wrong, resets, the disk change line, and states that are moved in the middle of a command.
 */
#include <string.h>

#include "disk_bench.h"
#include "hw/floppy/fdc.h"
#include "hw/isa/isa.h"

#define BASE    0x3f0
#define DOR     2
#define MSR     4
#define DSR     4
#define FIFO    5
#define DIR     7
#define CCR     7
#define BUF     0x4000
#define FLOPPY  (1440u << 10)
#define S       512u
#define TRACK   (18 * S)
#define READ    0x46
#define WRITE   0x45

typedef struct Bench {
    DiskBench d;
    Device *fdc;
    FloppyDrive *drive;
    WireProbe irq;
} Bench;

/* ---- a small driver ---- */

static uint8_t in8(Bench *b, unsigned reg)
{
    return (uint8_t)bench_in(b->d.m, BASE + reg, 1);
}

static void out8(Bench *b, unsigned reg, uint8_t v)
{
    bench_out(b->d.m, BASE + reg, 1, v);
}

/* Bytes of a command; each is taken only when RQM is set and DIO is not. */
static void command(Bench *b, const uint8_t *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_assert_cmphex(in8(b, MSR) & 0xd0, ==, i ? 0x90 : 0x80);
        out8(b, FIFO, c[i]);
    }
}
#define CMD(b, ...) command(b, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* The answer, all of it: n bytes, and then the controller is ready. */
static void answer(Bench *b, uint8_t *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_assert_cmphex(in8(b, MSR), ==, 0xd0);
        r[i] = in8(b, FIFO);
    }
    g_assert_cmphex(in8(b, MSR), ==, 0x80);
}

static uint8_t answer1(Bench *b)
{
    uint8_t v;

    answer(b, &v, 1);
    return v;
}

#define EXPECT(b, ...)                                                                               \
    do {                                                                                             \
        const uint8_t want_[] = {__VA_ARGS__};                                                       \
        uint8_t got_[sizeof(want_)];                                                                 \
        answer(b, got_, sizeof(got_));                                                               \
        g_assert_cmpmem(got_, sizeof(got_), want_, sizeof(want_));                                   \
    } while (0)

/* ST0 to N of a data command, with its interrupt. */
#define RESULT(b, ...)                                                                               \
    do {                                                                                             \
        disk_bench_settle(&(b)->d);                                                                  \
        g_assert_cmpint((b)->irq.level, ==, 1);                                                      \
        EXPECT(b, __VA_ARGS__);                                                                      \
        g_assert_cmpint((b)->irq.level, ==, 0);                                                      \
    } while (0)

static void sense(Bench *b, uint8_t st0, uint8_t track)
{
    CMD(b, 0x08);
    EXPECT(b, st0, track);
}

static void after_reset(Bench *b)
{
    g_assert_cmpint(b->irq.level, ==, 1);
    for (uint8_t i = 0; i < 4; i++) {
        sense(b, 0xc0 | i, 0);
        g_assert_cmpint(b->irq.level, ==, 0);
    }
}

/* Channel 2 moves len bytes at BUF, to memory or from it. */
static void dma(Bench *b, bool to_memory, unsigned len)
{
    Machine *m = b->d.m;

    bench_out(m, 0x0a, 1, 6);
    bench_out(m, 0x0c, 1, 0);
    bench_out(m, 0x0b, 1, to_memory ? 0x46 : 0x4a);
    bench_out(m, 0x04, 1, BUF & 0xff);
    bench_out(m, 0x04, 1, BUF >> 8);
    bench_out(m, 0x81, 1, 0);
    bench_out(m, 0x05, 1, (len - 1) & 0xff);
    bench_out(m, 0x05, 1, (len - 1) >> 8);
    bench_out(m, 0x0a, 1, 2);
}

static void specify(Bench *b, bool fifo)
{
    CMD(b, 0x03, 0xdf, (uint8_t)(2 | fifo));
}

static void seek(Bench *b, uint8_t drive, uint8_t track)
{
    CMD(b, 0x0f, drive, track);
    g_assert_cmpint(b->irq.level, ==, 1);
    sense(b, 0x20 | drive, track);
}

typedef struct Set {
    uint64_t size;
    const char *fault;
    bool readonly, empty;
    const void *contents;
} Set;

static void begin_with(Bench *b, const Set *set)
{
    memset(b, 0, sizeof(*b));
    disk_bench_begin(&b->d);
    isa_bus_wire(b->d.isa, 6, bench_wire(&b->irq));
    bench_device(b->d.m, b->d.isa, "i8257", NULL);
    b->fdc = disk_bench_device(&b->d, "isa-fdc,id=f");
    if (!set->empty) {
        disk_bench_add(&b->d, "d", set->size ? set->size : FLOPPY, set->fault, set->readonly, set->contents);
        b->drive = (FloppyDrive *)disk_bench_device(&b->d, "floppy,drive=d");
        g_assert_true(block_port_set_error_policy(b->drive->port, set->fault ? "stop" : "report",
                                                  set->fault ? "stop" : "report", NULL));
    }
}

static void start(Bench *b)
{
    out8(b, DOR, 0);
    out8(b, DOR, 0x1c); /* motor of drive 0, DMA and interrupt, out of reset */
    after_reset(b);
    specify(b, false);
    out8(b, CCR, 0); /* 500 kb/s */
}

static void begin(Bench *b)
{
    begin_with(b, &(Set){0});
    start(b);
}

static void end(Bench *b)
{
    disk_bench_end(&b->d);
}

static void pattern(uint8_t *p, unsigned len, uint8_t seed)
{
    for (unsigned i = 0; i < len; i++) {
        p[i] = (uint8_t)(i * 7 + i / 256 * 3 + seed);
    }
}

static unsigned offset(unsigned cyl, unsigned head, unsigned sector)
{
    return ((cyl * 2 + head) * 18 + sector - 1) * S;
}

static void assert_memory(Bench *b, const uint8_t *want, unsigned len)
{
    g_autofree uint8_t *got = g_malloc(len);

    disk_get(&b->d, BUF, got, len);
    g_assert_cmpmem(got, len, want, len);
}

/* ---- registers, reset ---- */

/* 2.1; 4: reset by DOR holds, by DSR is over at once. */
static void test_reset(void)
{
    Bench b;

    begin_with(&b, &(Set){0});
    g_assert_cmphex(in8(&b, DOR), ==, 0x0c);
    out8(&b, DOR, 0x08);
    g_assert_cmphex(in8(&b, MSR), ==, 0);
    g_assert_cmpint(b.irq.level, ==, 0);
    out8(&b, FIFO, 0x10); /* not heard */
    out8(&b, DOR, 0x04);  /* without DMAGATE the line stays low */
    g_assert_cmpint(b.irq.level, ==, 0);
    out8(&b, DOR, 0x0c);
    after_reset(&b);
    CMD(&b, 0x08);
    g_assert_cmphex(answer1(&b), ==, 0x80);
    out8(&b, 4, 0x80);
    g_assert_cmphex(in8(&b, MSR), ==, 0x80);
    after_reset(&b);
    /* In the middle of a command, and of its answer. */
    CMD(&b, 0x46, 0, 0);
    out8(&b, 4, 0x80);
    after_reset(&b);
    CMD(&b, 0x0e);
    in8(&b, FIFO);
    out8(&b, DOR, 0);
    out8(&b, DOR, 0x0c);
    after_reset(&b);
    end(&b);
}

/* A transfer is given up; nothing of it comes later. */
static void test_reset_in_transfer(void)
{
    Bench b;
    uint8_t zero[S] = {0};

    for (int dsr = 0; dsr < 2; dsr++) {
        begin(&b);
        disk_put(&b.d, BUF, zero, S);
        dma(&b, true, 4 * S);
        CMD(&b, READ, 0, 0, 0, 1, 2, 18, 27, 0xff);
        if (dsr) {
            out8(&b, 4, 0x80);
        } else {
            out8(&b, DOR, 0x18);
            out8(&b, DOR, 0x1c);
        }
        after_reset(&b);
        disk_bench_settle(&b.d);
        g_assert_cmphex(in8(&b, MSR), ==, 0x80);
        g_assert_cmpint(b.irq.level, ==, 0);
        assert_memory(&b, zero, S);
        end(&b);
    }
}

/* 5.2.9, 5.2.12: what a reset leaves, with and without LOCK. */
static void test_parameters(void)
{
    Bench b;

    begin(&b);
    CMD(&b, 0x0e);
    EXPECT(&b, 0, 0, 0, 0, 0xdf, 2, 0, 0, 0x20, 0);
    CMD(&b, 0x13, 0, 0x5a, 7);
    CMD(&b, 0x12, 0x80 | 0x14 | 3); /* D0 and D2, GAP and WGATE */
    CMD(&b, 0x0e);
    EXPECT(&b, 0, 0, 0, 0, 0xdf, 2, 0, 0x17, 0x5a, 7);
    CMD(&b, 0x12, 0x28); /* without OW the D bits stay */
    CMD(&b, 0x0e);
    EXPECT(&b, 0, 0, 0, 0, 0xdf, 2, 0, 0x14, 0x5a, 7);
    CMD(&b, 0x12, 2);
    CMD(&b, 0x94);
    g_assert_cmphex(answer1(&b), ==, 0x10);
    seek(&b, 0, 5);
    CMD(&b, 0x0f, 1, 9);
    sense(&b, 0x21, 9);
    out8(&b, 4, 0x80);
    g_assert_cmpint(b.irq.level, ==, 1);
    for (int i = 0; i < 4; i++) {
        sense(&b, 0xc0 | i, i == 0 ? 5 : i == 1 ? 9 : 0); /* heads do not move */
    }
    CMD(&b, 0x0e);
    EXPECT(&b, 5, 9, 0, 0, 0xdf, 2, 0, 0x94, 0x5a, 7);
    CMD(&b, 0x14);
    g_assert_cmphex(answer1(&b), ==, 0);
    out8(&b, 4, 0x80);
    for (int i = 0; i < 4; i++) {
        sense(&b, 0xc0 | i, i == 0 ? 5 : i == 1 ? 9 : 0);
    }
    CMD(&b, 0x0e); /* EFIFO, FIFOTHR, PRETRK as at first; EIS and POLL stay */
    EXPECT(&b, 5, 9, 0, 0, 0xdf, 2, 0, 0x14, 0x70, 0);
    end(&b);
}

/* What a system takes away and gives back around a loss of power. */
static void test_save(void)
{
    Bench b;
    const uint8_t mine[17] = {0x4e, 0, 0, 1, 2, 3, 4, 0xaf, 6, 9, 0x80 | 0x2b, 0x4a, 12, 0x15, 0, 0, 0};
    uint8_t saved[17] = {0x4e};

    begin(&b);
    CMD(&b, 0x13, 0, 0x5a, 7);
    CMD(&b, 0x12, 0x80 | 0x14 | 3);
    CMD(&b, 0x17, 2);
    answer1(&b);
    CMD(&b, 0x33, 1); /* OPTION has no answer */
    seek(&b, 0, 5);
    CMD(&b, 0x2e);
    answer(&b, saved + 1, 16);
    const uint8_t want[16] = {0, 0, 5, 0, 0, 0, 0xdf, 2, 0, 0x17, 0x5a, 7, 2};
    g_assert_cmpmem(saved + 1, 16, want, 16);
    command(&b, mine, sizeof(mine));
    g_assert_cmphex(in8(&b, MSR), ==, 0x80);
    g_assert_cmpint(b.irq.level, ==, 0);
    CMD(&b, 0x0e);
    EXPECT(&b, 1, 2, 3, 4, 0xaf, 6, 9, 0xab, 0x4a, 12);
    CMD(&b, 0x2e);
    uint8_t got[16];
    answer(&b, got, 16);
    g_assert_cmpmem(got, 16, mine + 1, 16);
    command(&b, saved, sizeof(saved));
    CMD(&b, 0x0e);
    EXPECT(&b, 5, 0, 0, 0, 0xdf, 2, 0, 0x17, 0x5a, 7);
    machine_reset(b.d.m, SHUTDOWN_HOST_QMP_RESET);
    CMD(&b, 0x2e);
    answer(&b, got, 16);
    g_assert_cmphex(got[12], ==, 0);
    end(&b);
}

static bool implemented(unsigned op)
{
    static const struct { uint8_t value, mask; } t[] = {
        {0x06, 0x1f}, {0x0c, 0x1f}, {0x05, 0x3f}, {0x09, 0x3f}, {0x02, 0x9f}, {0x16, 0x1f}, {0x0d, 0xbf},
        {0x11, 0x1f}, {0x19, 0x1f}, {0x1d, 0x1f}, {0x07, 0xff}, {0x08, 0xff}, {0x03, 0xff}, {0x04, 0xff},
        {0x0f, 0xff}, {0x8f, 0xbf}, {0x0a, 0xbf}, {0x10, 0xff}, {0x18, 0xff}, {0x0e, 0xff}, {0x12, 0xff},
        {0x13, 0xff}, {0x14, 0x7f}, {0x17, 0xff}, {0x8e, 0xff}, {0x2e, 0xff}, {0x33, 0xff}, {0x4e, 0xff},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(t); i++) {
        if ((op & t[i].mask) == t[i].value) {
            return true;
        }
    }
    return false;
}

static void test_identity_and_invalid(void)
{
    Bench b;
    unsigned bad = 0;

    begin(&b);
    CMD(&b, 0x10);
    g_assert_cmphex(answer1(&b), ==, 0x90);
    CMD(&b, 0x18);
    g_assert_cmphex(answer1(&b), ==, 0x41);
    CMD(&b, 0x17, 2);
    g_assert_cmphex(answer1(&b), ==, 2);
    for (unsigned op = 0; op < 256; op++) {
        if (!implemented(op)) {
            bad++;
            CMD(&b, (uint8_t)op);
            g_assert_cmphex(answer1(&b), ==, 0x80);
        }
    }
    g_assert_cmpuint(bad, >, 80);
    /* DRIVE SPECIFICATION: drives 1 and 3, with and without an answer. */
    CMD(&b, 0x8e, 0x2a, 0x75, 0x80);
    EXPECT(&b, 0, 0x0a, 0, 0x15);
    CMD(&b, 0x8e, 0x03, 0xc0);
    CMD(&b, 0x8e, 0x80);
    EXPECT(&b, 3, 0x0a, 0, 0x15);
    end(&b);
}

/* ---- heads ---- */

static void test_seek(void)
{
    Bench b;

    begin(&b);
    CMD(&b, 0x04, 0);
    g_assert_cmphex(answer1(&b), ==, 0x38);
    CMD(&b, 0x0f, 4, 40); /* the head comes back in ST0 */
    g_assert_cmpint(b.irq.level, ==, 1);
    sense(&b, 0x24, 40);
    g_assert_cmpint(b.irq.level, ==, 0);
    CMD(&b, 0x04, 4);
    g_assert_cmphex(answer1(&b), ==, 0x2c);
    CMD(&b, 0xcf, 0, 10); /* relative: up, down, and no further than 0 */
    sense(&b, 0x20, 50);
    CMD(&b, 0x8f, 0, 20);
    sense(&b, 0x20, 30);
    CMD(&b, 0x8f, 0, 200);
    sense(&b, 0x20, 0);
    seek(&b, 0, 79);
    CMD(&b, 0x07, 0);
    sense(&b, 0x20, 0);
    CMD(&b, 0x07, 1); /* there is no drive 1: track 0 is never found */
    sense(&b, 0x71, 0);
    CMD(&b, 0x04, 1);
    g_assert_cmphex(answer1(&b), ==, 0x29);
    /* Seeks of two drives overlap: each is reported, and another answer does not take them away. */
    CMD(&b, 0x0f, 1, 3);
    CMD(&b, 0x0f, 0, 2);
    CMD(&b, 0x10);
    answer1(&b);
    g_assert_cmpint(b.irq.level, ==, 1);
    sense(&b, 0x20, 2);
    g_assert_cmpint(b.irq.level, ==, 1);
    sense(&b, 0x21, 3);
    g_assert_cmpint(b.irq.level, ==, 0);
    CMD(&b, 0x08);
    g_assert_cmphex(answer1(&b), ==, 0x80);
    end(&b);
}

static void test_read_id(void)
{
    Bench b;

    begin(&b);
    seek(&b, 0, 7);
    CMD(&b, 0x4a, 4);
    RESULT(&b, 0x04, 0, 0, 7, 1, 1, 2);
    CMD(&b, 0x4a, 4);
    RESULT(&b, 0x04, 0, 0, 7, 1, 2, 2);
    for (uint8_t i = 3; i <= 18; i++) {
        CMD(&b, 0x4a, 0);
        RESULT(&b, 0, 0, 0, 7, 0, i, 2);
    }
    CMD(&b, 0x4a, 0);
    RESULT(&b, 0, 0, 0, 7, 0, 1, 2);
    seek(&b, 0, 80);
    CMD(&b, 0x4a, 0); /* nothing is recorded there */
    disk_bench_settle(&b.d);
    uint8_t r[7];
    answer(&b, r, 7);
    g_assert_cmphex(r[0], ==, 0x40);
    g_assert_cmphex(r[1], ==, 1);
    end(&b);
}

/* ---- transfers by DMA ---- */

/* Table 5-7: the address after the last sector, by MT and where that was. */
static void test_read(void)
{
    Bench b;

    begin(&b);
    dma(&b, true, 3 * S);
    CMD(&b, READ, 0, 0, 0, 2, 2, 18, 27, 0xff);
    RESULT(&b, 0, 0, 0, 0, 0, 5, 2);
    assert_memory(&b, b.d.disk + offset(0, 0, 2), 3 * S);
    seek(&b, 0, 30);
    dma(&b, true, S);
    CMD(&b, READ, 4, 30, 1, 18, 2, 18, 27, 0xff); /* R = EOT: C + 1, R = 1 */
    RESULT(&b, 4, 0, 0, 31, 1, 1, 2);
    dma(&b, true, 4 * S);
    CMD(&b, 0x80 | READ, 0, 30, 0, 17, 2, 18, 27, 0xff); /* over to the other head */
    RESULT(&b, 4, 0, 0, 30, 1, 3, 2);
    assert_memory(&b, b.d.disk + offset(30, 0, 17), 4 * S);
    dma(&b, true, S);
    CMD(&b, 0x80 | READ, 4, 30, 1, 18, 2, 18, 27, 0xff);
    RESULT(&b, 0, 0, 0, 31, 0, 1, 2);
    /* 5.1.1: without TC, the end of the cylinder is an abnormal end. */
    dma(&b, true, 8 * S);
    CMD(&b, READ, 0, 30, 0, 17, 2, 18, 27, 0xff);
    RESULT(&b, 0x40, 0x80, 0, 31, 0, 1, 2);
    assert_memory(&b, b.d.disk + offset(30, 0, 17), 2 * S);
    dma(&b, true, 100); /* TC within a sector */
    CMD(&b, READ, 0, 30, 0, 3, 2, 18, 27, 0xff);
    RESULT(&b, 0, 0, 0, 30, 0, 4, 2);
    assert_memory(&b, b.d.disk + offset(30, 0, 3), 100);
    end(&b);
}

/* The channel is closed: the transfer waits for it, the controller is busy. */
static void test_dma_waits(void)
{
    Bench b;

    begin(&b);
    dma(&b, true, S);
    bench_out(b.d.m, 0x0a, 1, 6);
    CMD(&b, READ, 0, 0, 0, 1, 2, 18, 27, 0xff);
    disk_bench_settle(&b.d);
    g_assert_cmphex(in8(&b, MSR), ==, 0x10);
    g_assert_cmpint(b.irq.level, ==, 0);
    bench_out(b.d.m, 0x0a, 1, 2);
    RESULT(&b, 0, 0, 0, 0, 0, 2, 2);
    assert_memory(&b, b.d.disk, S);
    end(&b);
}

static void test_write(void)
{
    Bench b;
    uint8_t data[4 * S];

    begin(&b);
    for (int deleted = 0; deleted < 2; deleted++) {
        pattern(data, sizeof(data), 3 + deleted);
        disk_put(&b.d, BUF, data, sizeof(data));
        seek(&b, 0, 12);
        dma(&b, false, sizeof(data));
        CMD(&b, 0x80 | (deleted ? 0x49 : WRITE), 0, 12, 0, 16, 2, 18, 27, 0xff);
        RESULT(&b, 4, 0, 0, 12, 1, 2, 2);
        g_assert_cmpmem(b.d.disk + offset(12, 0, 16), sizeof(data), data, sizeof(data));
    }
    /* TC in the middle: the rest of the sector is zero, the next sector as before. */
    uint8_t zero[S] = {0}, next[S];
    memcpy(next, b.d.disk + offset(12, 1, 5), S);
    dma(&b, false, 40);
    CMD(&b, WRITE, 4, 12, 1, 4, 2, 18, 27, 0xff);
    RESULT(&b, 4, 0, 0, 12, 1, 5, 2);
    g_assert_cmpmem(b.d.disk + offset(12, 1, 4), 40, data, 40);
    g_assert_cmpmem(b.d.disk + offset(12, 1, 4) + 40, S - 40, zero, S - 40);
    g_assert_cmpmem(b.d.disk + offset(12, 1, 5), S, next, S);
    end(&b);
}

static void test_read_track(void)
{
    Bench b;

    begin(&b);
    seek(&b, 0, 2);
    dma(&b, true, 2 * TRACK);
    CMD(&b, 0x42, 0, 2, 0, 1, 2, 18, 27, 0xff);
    RESULT(&b, 0, 0, 0, 3, 0, 1, 2);
    assert_memory(&b, b.d.disk + offset(2, 0, 1), TRACK);
    dma(&b, true, 2 * TRACK); /* the track from its start, but R did not fit */
    CMD(&b, 0x42, 0, 2, 0, 9, 2, 18, 27, 0xff);
    RESULT(&b, 0, 4, 0, 3, 0, 1, 2);
    assert_memory(&b, b.d.disk + offset(2, 0, 1), TRACK);
    end(&b);
}

/* Table 5-6: sectors on our media have plain marks. */
static void test_read_deleted(void)
{
    Bench b;
    uint8_t zero[S] = {0};

    begin(&b);
    disk_put(&b.d, BUF + S, zero, S);
    dma(&b, true, 2 * S);
    CMD(&b, 0x4c, 0, 0, 0, 4, 2, 18, 27, 0xff);
    RESULT(&b, 0, 0, 0x40, 0, 0, 4, 2);
    assert_memory(&b, b.d.disk + 3 * S, S);
    disk_put(&b.d, BUF, zero, S);
    dma(&b, true, 2 * S);
    CMD(&b, 0x6c, 0, 0, 0, 4, 2, 18, 27, 0xff);
    RESULT(&b, 0, 0, 0x40, 0, 0, 4, 2);
    assert_memory(&b, zero, S);
    end(&b);
}

/* Table 5-8: to EOT, or by EC as many sectors as SC says; no data moves. */
static void test_verify(void)
{
    Bench b;
    uint8_t zero[S] = {0};

    begin(&b);
    disk_put(&b.d, BUF, zero, S);
    dma(&b, true, 2 * S);
    CMD(&b, 0x56, 0, 0, 0, 3, 2, 18, 27, 0xff);
    RESULT(&b, 0, 0, 0, 1, 0, 1, 2);
    CMD(&b, 0x56, 0x80, 0, 0, 3, 2, 18, 27, 5);
    RESULT(&b, 0, 0, 0, 0, 0, 8, 2);
    CMD(&b, 0xd6, 0x80, 0, 0, 3, 2, 18, 27, 20); /* MT: to the other side */
    RESULT(&b, 4, 0, 0, 0, 1, 5, 2);
    CMD(&b, 0x56, 0x80, 0, 0, 3, 2, 18, 27, 20); /* more than there are */
    RESULT(&b, 0x40, 0x80, 0, 1, 0, 1, 2);
    CMD(&b, 0x56, 0, 0, 0, 3, 2, 19, 27, 0xff);
    RESULT(&b, 0x40, 4, 0, 0, 0, 19, 2);
    specify(&b, true); /* nor does it wait for the host */
    CMD(&b, 0x56, 0, 0, 0, 3, 2, 18, 27, 0xff);
    RESULT(&b, 0, 0, 0, 1, 0, 1, 2);
    assert_memory(&b, zero, S);
    end(&b);
}

/* The host's sector against the disk's; ff agrees with anything. */
static void test_scan(void)
{
    static const struct {
        uint8_t op, host, st2, sector; /* what is added to the byte that differs on sector 6 */
        int terminal;                  /* sectors that DMA gives */
    } t[] = {
        {0x51, 0, 8, 6, 3},   {0x51, 1, 4, 9, 3},   {0x51, 0xff, 4, 9, 3},
        {0x59, 1, 0, 6, 3},   {0x59, 0, 8, 6, 3},   {0x59, 0xff, 4, 9, 3},
        {0x5d, 0xff, 0, 6, 3}, {0x5d, 0, 8, 6, 3},  {0x5d, 1, 4, 9, 3},
    };
    Bench b;
    uint8_t data[3 * S];

    for (size_t i = 0; i < G_N_ELEMENTS(t); i++) {
        begin(&b);
        for (int k = 0; k < 3; k++) {
            memset(b.d.disk + offset(0, 0, 6 + k), 0x40, S);
        }
        memset(data, 0x40, sizeof(data));
        for (int k = 0; k < 3; k++) {
            data[k * S] = 0xff;
            b.d.disk[offset(0, 0, 6 + k) + 1] = 0xff;
            data[k * S + 300] = (uint8_t)(0x40 + t[i].host);
        }
        disk_put(&b.d, BUF, data, sizeof(data));
        dma(&b, false, sizeof(data));
        CMD(&b, t[i].op, 0, 0, 0, 6, 2, 18, 27, 1);
        RESULT(&b, 0, 0, t[i].st2, 0, 0, t[i].sector, 2);
        /* By the FIFO there is no TC: to EOT. STP = 2 leaves out every other sector. */
        specify(&b, true);
        CMD(&b, t[i].op, 0, 0, 0, 6, 2, 8, 27, 2);
        for (unsigned n = 0; in8(&b, MSR) == 0xb0; n++) {
            out8(&b, FIFO, data[n % S]);
            g_assert_cmpuint(n, <, 2 * S);
            disk_bench_settle(&b.d);
        }
        bool met = t[i].sector == 6;
        RESULT(&b, 0, 0, t[i].st2, met ? 0 : 1, 0, met ? 6 : 1, 2);
        end(&b);
    }
}

static void test_format(void)
{
    Bench b;
    uint8_t ids[18 * 4], after[S];

    for (int fifo = 0; fifo < 2; fifo++) {
        begin(&b);
        specify(&b, fifo);
        seek(&b, 0, 20);
        for (uint8_t i = 0; i < 18; i++) { /* interleaved */
            const uint8_t id[4] = {20, 1, (uint8_t)(i * 7 % 18 + 1), 2};
            memcpy(ids + 4 * i, id, 4);
        }
        memcpy(after, b.d.disk + offset(21, 0, 1), S);
        disk_put(&b.d, BUF, ids, sizeof(ids));
        dma(&b, false, sizeof(ids));
        CMD(&b, 0x4d, 4, 2, 18, 0x54, 0xf6);
        for (unsigned i = 0; fifo && i < sizeof(ids); i++) {
            g_assert_cmphex(in8(&b, MSR), ==, 0xb0);
            out8(&b, FIFO, ids[i]);
            disk_bench_settle(&b.d);
        }
        disk_bench_settle(&b.d);
        uint8_t r[7];
        answer(&b, r, 7);
        g_assert_cmphex(r[0], ==, 4);
        g_assert_cmphex(r[1] | r[2], ==, 0);
        for (unsigned i = 0; i < TRACK; i++) {
            g_assert_cmphex(b.d.disk[offset(20, 1, 1) + i], ==, 0xf6);
        }
        g_assert_cmpmem(b.d.disk + offset(21, 0, 1), S, after, S);
        end(&b);
    }
    /* Identities that an image cannot keep: another cylinder's sector is not touched. */
    begin(&b);
    memcpy(after, b.d.disk, S);
    seek(&b, 0, 20);
    disk_put(&b.d, BUF, "\0\0\1\2", 4);
    dma(&b, false, 4);
    CMD(&b, 0x4d, 0, 2, 1, 0x54, 0xf6);
    RESULT(&b, 0x40, 4, 0, 20, 0, 1, 2);
    g_assert_cmpmem(b.d.disk, S, after, S);
    end(&b);
}

/* ---- transfers by the FIFO ---- */

static void test_fifo(void)
{
    Bench b;
    uint8_t data[2 * S];

    begin(&b);
    specify(&b, true);
    seek(&b, 0, 44);
    CMD(&b, READ, 0, 44, 0, 8, 2, 9, 27, 0xff);
    for (unsigned i = 0; i < sizeof(data); i++) {
        if (i % S == 0) {
            disk_bench_settle(&b.d);
            g_assert_cmpint(b.irq.level, ==, 1);
        }
        g_assert_cmphex(in8(&b, MSR), ==, 0xf0);
        data[i] = in8(&b, FIFO);
    }
    RESULT(&b, 0x40, 0x80, 0, 45, 0, 1, 2);
    g_assert_cmpmem(data, sizeof(data), b.d.disk + offset(44, 0, 8), sizeof(data));
    pattern(data, sizeof(data), 99);
    CMD(&b, WRITE, 0, 44, 0, 8, 2, 9, 27, 0xff);
    for (unsigned i = 0; i < sizeof(data); i++) {
        if (i % S == 0) {
            disk_bench_settle(&b.d);
            g_assert_cmpint(b.irq.level, ==, 1);
        }
        g_assert_cmphex(in8(&b, MSR), ==, 0xb0);
        out8(&b, FIFO, data[i]);
    }
    RESULT(&b, 0x40, 0x80, 0, 45, 0, 1, 2);
    g_assert_cmpmem(data, sizeof(data), b.d.disk + offset(44, 0, 8), sizeof(data));
    end(&b);
}

/* ---- what goes wrong ---- */

static void test_no_medium(void)
{
    static const uint8_t ops[] = {READ, WRITE, 0x42, 0x4c, 0x56, 0x51};
    Bench b;
    uint8_t r[7];

    begin_with(&b, &(Set){.empty = true});
    start(&b);
    for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
        for (uint8_t drive = 0; drive < 4; drive++) {
            CMD(&b, ops[i], drive, 0, 0, 1, 2, 18, 27, 0xff);
            RESULT(&b, 0x40 | drive, 1, 0, 0, 0, 1, 2);
        }
    }
    CMD(&b, 0x4d, 0, 2, 18, 27, 0xf6);
    answer(&b, r, 7);
    g_assert_cmphex(r[0] << 8 | r[1], ==, 0x4001);
    CMD(&b, 0x4a, 0);
    answer(&b, r, 7);
    g_assert_cmphex(r[0] << 8 | r[1], ==, 0x4001);
    end(&b);
}

static void test_protected(void)
{
    Bench b;
    uint8_t r[7];
    g_autofree uint8_t *before = NULL;

    begin_with(&b, &(Set){.readonly = true});
    start(&b);
    before = g_memdup2(b.d.disk, FLOPPY);
    CMD(&b, 0x04, 0);
    g_assert_cmphex(answer1(&b), ==, 0x78);
    dma(&b, false, S);
    CMD(&b, WRITE, 0, 0, 0, 1, 2, 18, 27, 0xff);
    RESULT(&b, 0x40, 2, 0, 0, 0, 1, 2);
    CMD(&b, 0x49, 0, 0, 0, 1, 2, 18, 27, 0xff);
    RESULT(&b, 0x40, 2, 0, 0, 0, 1, 2);
    CMD(&b, 0x4d, 0, 2, 18, 27, 0xf6);
    answer(&b, r, 7);
    g_assert_cmphex(r[0] << 8 | r[1], ==, 0x4002);
    dma(&b, true, S);
    CMD(&b, READ, 0, 0, 0, 1, 2, 18, 27, 0xff);
    RESULT(&b, 0, 0, 0, 0, 0, 2, 2);
    g_assert_cmpmem(b.d.disk, FLOPPY, before, FLOPPY);
    end(&b);
}

static void test_wrong_address(void)
{
    Bench b;

    begin(&b);
    dma(&b, true, 4 * S);
    CMD(&b, READ, 0, 0, 0, 19, 2, 20, 27, 0xff); /* no such sector */
    RESULT(&b, 0x40, 4, 0, 0, 0, 19, 2);
    CMD(&b, READ, 0, 0, 0, 0, 2, 18, 27, 0xff);
    RESULT(&b, 0x40, 4, 0, 0, 0, 0, 2);
    CMD(&b, READ, 0, 0, 2, 1, 2, 18, 27, 0xff); /* no such head */
    RESULT(&b, 0x40, 4, 0, 0, 2, 1, 2);
    CMD(&b, READ, 0, 0, 0, 1, 3, 18, 27, 0xff); /* sectors have 512 bytes */
    RESULT(&b, 0x40, 4, 0, 0, 0, 1, 2);
    CMD(&b, READ, 0, 3, 0, 1, 2, 18, 27, 0xff); /* the head is elsewhere */
    RESULT(&b, 0x40, 4, 0x10, 3, 0, 1, 2);
    CMD(&b, 0x13, 0, 0x40, 0); /* EIS: it goes there by itself */
    dma(&b, true, S);
    CMD(&b, READ, 0, 3, 0, 1, 2, 18, 27, 0xff);
    RESULT(&b, 0, 0, 0, 3, 0, 2, 2);
    assert_memory(&b, b.d.disk + offset(3, 0, 1), S);
    CMD(&b, 0x0e);
    EXPECT(&b, 3, 0, 0, 0, 0xdf, 2, 18, 0, 0x40, 0);
    CMD(&b, READ, 0, 80, 0, 1, 2, 18, 27, 0xff); /* beyond the last track */
    RESULT(&b, 0x40, 1, 0, 80, 0, 1, 2);
    end(&b);
}

/* The host cannot read or write its file. */
static void test_io_error(void)
{
    Bench b;

    begin_with(&b, &(Set){.fault = "read:2:EIO"});
    g_assert_true(block_port_set_error_policy(b.drive->port, "report", "report", NULL));
    start(&b);
    dma(&b, true, 4 * S);
    CMD(&b, READ, 0, 0, 0, 1, 2, 18, 27, 0xff);
    RESULT(&b, 0x40, 0x20, 0x20, 0, 0, 2, 2);
    dma(&b, true, S);
    CMD(&b, READ, 0, 0, 0, 2, 2, 18, 27, 0xff);
    RESULT(&b, 0, 0, 0, 0, 0, 3, 2);
    end(&b);
    begin_with(&b, &(Set){.fault = "write:1:EIO"});
    g_assert_true(block_port_set_error_policy(b.drive->port, "report", "report", NULL));
    start(&b);
    dma(&b, false, S);
    CMD(&b, WRITE, 0, 0, 0, 1, 2, 18, 27, 0xff);
    RESULT(&b, 0x40, 1, 0, 0, 0, 1, 2);
    end(&b);
}

/* ---- media ---- */

static void test_formats(void)
{
    static const struct { uint32_t kb; uint8_t cylinders, heads, sectors, type, rate; } t[] = {
        {1440, 80, 2, 18, 4, 0}, {2880, 80, 2, 36, 5, 3}, {720, 80, 2, 9, 4, 2}, {1200, 80, 2, 15, 2, 0},
        {360, 40, 2, 9, 2, 1},   {320, 40, 2, 8, 2, 1},   {180, 40, 1, 9, 2, 1}, {160, 40, 1, 8, 2, 1},
        {1680, 80, 2, 21, 4, 0}, {1722, 82, 2, 21, 4, 0},
    };
    Bench b;

    for (size_t i = 0; i < G_N_ELEMENTS(t); i++) {
        uint8_t h = t[i].heads - 1, n = t[i].sectors, c = t[i].cylinders - 1;
        begin_with(&b, &(Set){.size = t[i].kb * 1024});
        start(&b);
        g_assert_cmpuint(fdc_drive_type(b.fdc, 0), ==, t[i].type);
        g_assert_cmpuint(fdc_drive_type(b.fdc, 1), ==, 0);
        seek(&b, 0, c);
        dma(&b, true, S);
        for (uint8_t rate = 0; rate < 4; rate++) {
            if (rate != t[i].rate) { /* at another rate nothing is found */
                uint8_t r[7];
                out8(&b, rate & 1 ? CCR : DSR, rate);
                CMD(&b, READ, 0, c, h, n, 2, 255, 27, 0xff);
                RESULT(&b, (uint8_t)(0x40 | h << 2), 1, 0, c, h, n, 2);
                CMD(&b, 0x4a, 0);
                answer(&b, r, 7);
                g_assert_cmphex(r[0] << 8 | r[1], ==, 0x4001);
            }
        }
        out8(&b, CCR, t[i].rate);
        CMD(&b, READ, 0, c, h, n, 2, 255, 27, 0xff);
        RESULT(&b, (uint8_t)(h << 2), 0, 0, c, h, (uint8_t)(n + 1), 2);
        assert_memory(&b, b.d.disk + t[i].kb * 1024 - S, S);
        CMD(&b, READ, 0, c, h, (uint8_t)(n + 1), 2, 255, 27, 0xff);
        RESULT(&b, (uint8_t)(0x40 | h << 2), 4, 0, c, h, (uint8_t)(n + 1), 2);
        seek(&b, 0, c + 1);
        CMD(&b, READ, 0, (uint8_t)(c + 1), 0, 1, 2, 255, 27, 0xff);
        RESULT(&b, 0x40, 1, 0, (uint8_t)(c + 1), 0, 1, 2);
        end(&b);
    }
    begin_with(&b, &(Set){.size = 100 * S}); /* a file that is too short */
    start(&b);
    seek(&b, 0, 2);
    dma(&b, true, 8 * S);
    CMD(&b, READ, 0, 2, 1, 10, 2, 18, 27, 0xff);
    RESULT(&b, 0x44, 4, 0, 2, 1, 11, 2);
    end(&b);
}

static void add_medium(Bench *b, const char *name)
{
    disk_bench_add(&b->d, name, FLOPPY, NULL, false, NULL);
}

/* 2.1.8: a new disk, until a step pulse; an empty drive always; a drive without its motor says nothing. */
static void test_disk_change(void)
{
    Bench b;
    Error *err = NULL;

    begin(&b);
    g_assert_cmphex(in8(&b, DIR) & 0x80, ==, 0x80);
    CMD(&b, 0x07, 0); /* no step: the head is there already */
    sense(&b, 0x20, 0);
    g_assert_cmphex(in8(&b, DIR) & 0x80, ==, 0x80);
    seek(&b, 0, 1);
    g_assert_cmphex(in8(&b, DIR) & 0x80, ==, 0);
    out8(&b, DOR, 0x0c);
    g_assert_true(block_port_eject(b.drive->port, false, &err));
    g_assert_cmphex(in8(&b, DIR) & 0x80, ==, 0);
    out8(&b, DOR, 0x1c);
    g_assert_cmphex(in8(&b, DIR) & 0x80, ==, 0x80);
    seek(&b, 0, 2);
    g_assert_cmphex(in8(&b, DIR) & 0x80, ==, 0x80);
    CMD(&b, READ, 0, 2, 0, 1, 2, 18, 27, 0xff);
    RESULT(&b, 0x40, 1, 0, 2, 0, 1, 2);
    add_medium(&b, "e");
    b.d.disk[offset(2, 0, 1)] ^= 0xff;
    g_assert_true(block_port_insert(b.drive->port, node_find(b.d.disks, "e"), &err));
    g_assert_cmphex(in8(&b, DIR) & 0x80, ==, 0x80);
    out8(&b, DOR, 0x2d); /* the other drive is selected, and there is none */
    g_assert_cmphex(in8(&b, DIR) & 0x80, ==, 0);
    out8(&b, DOR, 0x1c);
    seek(&b, 0, 2);
    g_assert_cmphex(in8(&b, DIR) & 0x80, ==, 0x80);
    dma(&b, true, S);
    CMD(&b, READ, 0, 2, 0, 1, 2, 18, 27, 0xff);
    RESULT(&b, 0, 0, 0, 2, 0, 2, 2);
    assert_memory(&b, b.d.disk + offset(2, 0, 1), S);
    seek(&b, 0, 0);
    g_assert_cmphex(in8(&b, DIR) & 0x80, ==, 0);
    end(&b);
}

/* ---- moving ---- */

/* A command in each of its phases; the other machine ends it. */
static void test_moves(void)
{
    Bench a, b;
    uint8_t data[2 * S];

    for (int at = 0; at < 4; at++) {
        begin(&a);
        specify(&a, true);
        seek(&a, 0, 9);
        const uint8_t cmd[9] = {at == 3 ? WRITE : READ, 0, 9, 0, 1, 2, 2, 27, 0xff};
        command(&a, cmd, at == 0 ? 5 : 9);
        disk_bench_settle(&a.d);
        unsigned done = at == 1 ? 700 : at == 2 ? 2 * S : at == 3 ? 100 : 0;
        pattern(data, sizeof(data), 1);
        for (unsigned i = 0; i < done; i++) {
            if (at == 3) {
                out8(&a, FIFO, data[i]);
            } else {
                data[i] = in8(&a, FIFO);
            }
            disk_bench_settle(&a.d);
        }
        begin_with(&b, &(Set){.contents = a.d.disk});
        disk_bench_move(&a.d, &b.d);
        g_assert_true(bench_same_state(a.fdc, b.fdc));
        if (at == 0) {
            for (int i = 5; i < 9; i++) {
                g_assert_cmphex(in8(&b, MSR), ==, 0x90);
                out8(&b, FIFO, cmd[i]);
            }
        }
        for (unsigned i = done; i < sizeof(data); i++) {
            disk_bench_settle(&b.d);
            if (at == 3) {
                out8(&b, FIFO, data[i]);
            } else {
                data[i] = in8(&b, FIFO);
            }
        }
        RESULT(&b, 0x40, 0x80, 0, 10, 0, 1, 2);
        g_assert_cmpmem(data, sizeof(data), b.d.disk + offset(9, 0, 1), sizeof(data));
        end(&a);
        end(&b);
    }
}

typedef struct Stopped {
    const char *name, *fault;
    uint8_t op;
} Stopped;

/* A request that waits for the machine to resume is carried out where it is loaded. */
static void test_moves_stopped(gconstpointer opaque)
{
    const Stopped *t = opaque;
    bool format = t->op == 0x4d, writes = t->op == WRITE, scan = t->op == 0x51;
    Bench a, b;
    uint8_t data[3 * S];

    begin_with(&a, &(Set){.fault = t->fault});
    start(&a);
    pattern(data, sizeof(data), 77);
    if (scan) {
        memcpy(data, a.d.disk, sizeof(data));
        data[10] ^= 1;
    }
    disk_put(&a.d, BUF, format ? (const void *)"\0\0\1\2\0\0\2\2\0\0\3\2" : data, format ? 12 : sizeof(data));
    dma(&a, t->op == READ, format ? 12 : sizeof(data));
    if (format) {
        CMD(&a, 0x4d, 0, 2, 3, 27, 0xe5);
    } else {
        CMD(&a, t->op, 0, 0, 0, 1, 2, 18, 27, 1);
    }
    for (int k = 0; k < 200; k++) {
        g_main_context_iteration(machine_loop(a.d.m), FALSE);
        g_usleep(100);
    }
    g_assert_cmphex(in8(&a, MSR), ==, 0x10);
    g_assert_cmpint(a.irq.level, ==, 0);
    begin_with(&b, &(Set){.contents = a.d.disk});
    disk_bench_move(&a.d, &b.d);
    for (int i = 0; i < 8; i++) {
        bench_step(b.d.m, 1000);
        disk_bench_settle(&b.d);
    }
    if (scan) {
        RESULT(&b, 0, 0, 8, 0, 0, 2, 2);
    } else {
        RESULT(&b, 0, 0, 0, 0, 0, (uint8_t)(format ? 3 : 4), 2);
    }
    if (t->op == READ) {
        assert_memory(&b, b.d.disk, sizeof(data));
    } else if (writes) {
        g_assert_cmpmem(b.d.disk, sizeof(data), data, sizeof(data));
    }
    for (unsigned i = 0; format && i < sizeof(data); i++) {
        g_assert_cmphex(b.d.disk[i], ==, 0xe5);
    }
    end(&a);
    end(&b);
}

/* Two machines, one with a request in flight: what is loaded over it wins. */
static void test_load_over_request(void)
{
    Bench a, b;
    uint8_t data[S] = {0};

    begin(&a);
    begin_with(&b, &(Set){.fault = "write:1:EIO"});
    start(&b);
    disk_put(&b.d, BUF, data, S);
    dma(&b, false, S);
    CMD(&b, WRITE, 0, 0, 0, 1, 2, 18, 27, 0xff);
    for (int k = 0; k < 200; k++) {
        g_main_context_iteration(machine_loop(b.d.m), FALSE);
        g_usleep(100);
    }
    g_assert_cmpuint(block_in_flight(b.drive->port), ==, 1);
    disk_bench_move(&a.d, &b.d);
    g_assert_cmpuint(block_in_flight(b.drive->port), ==, 0);
    g_assert_cmphex(in8(&b, MSR), ==, 0x80);
    dma(&b, true, S);
    CMD(&b, READ, 0, 0, 0, 1, 2, 18, 27, 0xff);
    RESULT(&b, 0, 0, 0, 0, 0, 2, 2);
    assert_memory(&b, b.d.disk, S);
    end(&a);
    end(&b);
}

int main(int argc, char **argv)
{
    static const Stopped stopped[] = {
        {"read", "read:1:EIO", READ},       {"read-next", "read:2:EIO", READ},
        {"write", "write:1:ENOSPC", WRITE}, {"write-last", "write:3:EIO", WRITE},
        {"format", "write:2:EIO", 0x4d},    {"scan", "read:1:EIO", 0x51},
    };

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fdc/reset", test_reset);
    g_test_add_func("/fdc/reset-in-transfer", test_reset_in_transfer);
    g_test_add_func("/fdc/parameters", test_parameters);
    g_test_add_func("/fdc/save", test_save);
    g_test_add_func("/fdc/identity-and-invalid", test_identity_and_invalid);
    g_test_add_func("/fdc/seek", test_seek);
    g_test_add_func("/fdc/read-id", test_read_id);
    g_test_add_func("/fdc/read", test_read);
    g_test_add_func("/fdc/dma-waits", test_dma_waits);
    g_test_add_func("/fdc/write", test_write);
    g_test_add_func("/fdc/read-track", test_read_track);
    g_test_add_func("/fdc/read-deleted", test_read_deleted);
    g_test_add_func("/fdc/verify", test_verify);
    g_test_add_func("/fdc/scan", test_scan);
    g_test_add_func("/fdc/format", test_format);
    g_test_add_func("/fdc/fifo", test_fifo);
    g_test_add_func("/fdc/no-medium", test_no_medium);
    g_test_add_func("/fdc/protected", test_protected);
    g_test_add_func("/fdc/wrong-address", test_wrong_address);
    g_test_add_func("/fdc/io-error", test_io_error);
    g_test_add_func("/fdc/formats", test_formats);
    g_test_add_func("/fdc/disk-change", test_disk_change);
    g_test_add_func("/fdc/moves", test_moves);
    g_test_add_func("/fdc/load-over-request", test_load_over_request);
    for (size_t i = 0; i < G_N_ELEMENTS(stopped); i++) {
        g_autofree char *path = g_strdup_printf("/fdc/moves-stopped/%s", stopped[i].name);
        g_test_add_data_func(path, &stopped[i], test_moves_stopped);
    }
    return g_test_run();
}
