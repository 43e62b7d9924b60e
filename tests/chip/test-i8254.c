/* SPDX-License-Identifier: GPL-2.0-or-later */
/* i8254 against the Intel 8254 data sheet; each test is named after its section. */
#include "harness.h"

#define PIT_HZ 1193182

typedef struct Bench {
    Machine *m;
    Device *pit;
    WireProbe out;
} Bench;

static void begin(Bench *b)
{
    *b = (Bench){.m = bench_new(0)};
    b->pit = bench_device(b->m, NULL, "isa-pit", NULL);
    device_connect(b->pit, 0, bench_wire(&b->out));
    bench_step(b->m, 12345); /* not on a tick */
}

static void program(Bench *b, int c, int mode, uint16_t count)
{
    bench_out(b->m, 0x43, 1, c << 6 | 0x30 | mode << 1);
    bench_out(b->m, 0x40 + c, 1, count & 0xff);
    bench_out(b->m, 0x40 + c, 1, count >> 8);
}

static void ticks(Bench *b, uint64_t n)
{
    bench_step(b->m, muldiv64(n, NS_PER_SEC, PIT_HZ) + 1);
}

static unsigned latched(Bench *b, int c)
{
    bench_out(b->m, 0x43, 1, c << 6);
    unsigned v = bench_in(b->m, 0x40 + c, 1);
    return v | bench_in(b->m, 0x40 + c, 1) << 8;
}

static uint8_t status(Bench *b, int c)
{
    bench_out(b->m, 0x43, 1, 0xe0 | 2 << c);
    return bench_in(b->m, 0x40 + c, 1);
}

static bool out2(Bench *b)
{
    return bench_in(b->m, 0x61, 1) & 0x20;
}

static void test_mode0(void)
{
    Bench b;

    begin(&b);
    program(&b, 0, 0, 1000);
    g_assert_false(b.out.level);
    ticks(&b, 500);
    g_assert_cmpint(ABS((int)latched(&b, 0) - 500), <=, 2);
    g_assert_false(b.out.level);
    ticks(&b, 502);
    g_assert_true(b.out.level);
    ticks(&b, 100000);
    g_assert_cmpint(b.out.rises, ==, 1);
    bench_free(b.m);
}

static void test_mode0_first_byte_stops(void)
{
    Bench b;

    begin(&b);
    program(&b, 0, 0, 1000);
    ticks(&b, 900);
    bench_out(b.m, 0x40, 1, 0xff);
    ticks(&b, 5000);
    g_assert_false(b.out.level);
    bench_out(b.m, 0x40, 1, 0x00);
    ticks(&b, 257);
    g_assert_true(b.out.level);
    bench_free(b.m);
}

static void test_mode1(void)
{
    Bench b;

    begin(&b);
    bench_out(b.m, 0x61, 1, 0);
    program(&b, 2, 1, 1000);
    g_assert_true(out2(&b));
    bench_out(b.m, 0x61, 1, 1); /* trigger */
    g_assert_false(out2(&b));
    ticks(&b, 700);
    bench_out(b.m, 0x61, 1, 0);
    bench_out(b.m, 0x61, 1, 1); /* retrigger */
    ticks(&b, 700);
    g_assert_false(out2(&b));
    ticks(&b, 302);
    g_assert_true(out2(&b));
    bench_free(b.m);
}

static void test_mode2(void)
{
    Bench b;

    begin(&b);
    program(&b, 0, 2, 1193);
    int before = b.out.rises;
    for (int i = 0; i < 100; i++) {
        bench_step(b.m, 10 * NS_PER_MS);
    }
    g_assert_cmpint(ABS(b.out.rises - before - 1000), <=, 1);
    g_assert_true(b.out.level);
    bench_free(b.m);
}

static void test_mode2_new_count_waits(void)
{
    Bench b;

    begin(&b);
    program(&b, 0, 2, 10000);
    ticks(&b, 4000);
    bench_out(b.m, 0x40, 1, 100); /* low byte, then high: no control word */
    bench_out(b.m, 0x40, 1, 0);
    g_assert_cmphex(status(&b, 0) & 0x40, ==, 0x40); /* null count */
    g_assert_cmpint(ABS((int)latched(&b, 0) - 6000), <=, 3);
    ticks(&b, 6002);
    g_assert_cmphex(status(&b, 0) & 0x40, ==, 0);
    g_assert_cmpint(latched(&b, 0), <=, 100);
    bench_free(b.m);
}

static void test_mode3(void)
{
    Bench b;

    begin(&b);
    program(&b, 0, 3, 1000);
    ticks(&b, 250);
    g_assert_true(b.out.level);
    ticks(&b, 500);
    g_assert_false(b.out.level);
    ticks(&b, 500);
    g_assert_true(b.out.level);
    g_assert_cmphex(latched(&b, 0) & 1, ==, 0);
    bench_free(b.m);
}

static void test_mode3_gate(void)
{
    Bench b;

    begin(&b);
    bench_out(b.m, 0x61, 1, 1);
    program(&b, 2, 3, 1000);
    ticks(&b, 750);
    g_assert_false(out2(&b));
    bench_out(b.m, 0x61, 1, 0);
    g_assert_true(out2(&b)); /* at once */
    bench_out(b.m, 0x61, 1, 1);
    ticks(&b, 250);
    g_assert_true(out2(&b));
    ticks(&b, 500);
    g_assert_false(out2(&b));
    bench_free(b.m);
}

static void test_mode4(void)
{
    Bench b;

    begin(&b);
    program(&b, 0, 4, 1000);
    int rises = b.out.rises, falls = b.out.falls;
    ticks(&b, 900);
    g_assert_cmpint(b.out.falls, ==, falls);
    ticks(&b, 5000);
    g_assert_cmpint(b.out.falls, ==, falls + 1); /* one strobe */
    g_assert_cmpint(b.out.rises, ==, rises + 1);
    bench_free(b.m);
}

/* What a busy host makes late is not lost: a kernel waits for its one shot for ever. */
static void test_late_one_shot(void)
{
    static const int modes[] = {0, 4};
    Bench b;

    begin(&b);
    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        program(&b, 0, modes[i], 1000);
        int rises = b.out.rises;
        bench_oversleep(b.m, NS_PER_SEC);
        g_assert_cmpint(b.out.rises, ==, rises + 1);
    }
    bench_free(b.m);
}

/* Periods beyond a tenth of a second of lag are skipped, but for one. */
static void test_late_periods(void)
{
    Bench b;

    begin(&b);
    for (int mode = 2; mode <= 3; mode++) {
        program(&b, 0, mode, 11932); /* 10 ms */
        int rises = b.out.rises;
        bench_oversleep(b.m, 55 * NS_PER_MS);
        g_assert_cmpint(ABS(b.out.rises - rises - 5), <=, 1);
        rises = b.out.rises;
        bench_oversleep(b.m, NS_PER_SEC);
        g_assert_cmpint(b.out.rises, >, rises);
        g_assert_cmpint(b.out.rises, <=, rises + 12);
        rises = b.out.rises;
        bench_step(b.m, 50 * NS_PER_MS);
        g_assert_cmpint(ABS(b.out.rises - rises - 5), <=, 1);
    }
    bench_free(b.m);
}

static void test_gate_suspends(void)
{
    Bench b;

    begin(&b);
    bench_out(b.m, 0x61, 1, 1);
    program(&b, 2, 0, 1000);
    ticks(&b, 300);
    bench_out(b.m, 0x61, 1, 0);
    ticks(&b, 5000);
    g_assert_false(out2(&b));
    g_assert_cmpint(ABS((int)latched(&b, 2) - 700), <=, 2);
    bench_out(b.m, 0x61, 1, 1);
    ticks(&b, 702);
    g_assert_true(out2(&b));
    bench_free(b.m);
}

static void test_latch(void)
{
    Bench b;

    begin(&b);
    program(&b, 0, 2, 50000);
    ticks(&b, 100);
    bench_out(b.m, 0x43, 1, 0x00);
    ticks(&b, 20000);
    bench_out(b.m, 0x43, 1, 0x00); /* ignored: not read yet */
    unsigned v = bench_in(b.m, 0x40, 1);
    v |= bench_in(b.m, 0x40, 1) << 8;
    g_assert_cmpint(ABS((int)v - 49900), <=, 2);
    g_assert_cmpint(ABS((int)latched(&b, 0) - 29900), <=, 3);
    bench_free(b.m);
}

static void test_read_back(void)
{
    Bench b;

    begin(&b);
    program(&b, 0, 2, 5000);
    bench_out(b.m, 0x43, 1, 0xb0);         /* counter 2, mode 0, no count yet */
    bench_out(b.m, 0x43, 1, 0xc0 | 2 | 8); /* status and count of 0 and 2 */
    g_assert_cmphex(bench_in(b.m, 0x42, 1) & 0x7f, ==, 0x40 | 0x30);
    g_assert_cmphex(bench_in(b.m, 0x40, 1), ==, 0x80 | 0x34); /* status first */
    unsigned v = bench_in(b.m, 0x40, 1);
    v |= bench_in(b.m, 0x40, 1) << 8;
    g_assert_cmpint(ABS((int)v - 5000), <=, 2);
    bench_free(b.m);
}

static void test_bcd(void)
{
    Bench b;

    begin(&b);
    bench_out(b.m, 0x43, 1, 0x35);
    bench_out(b.m, 0x40, 1, 0x00);
    bench_out(b.m, 0x40, 1, 0x20); /* 2000 */
    ticks(&b, 500);
    unsigned v = latched(&b, 0);
    g_assert_cmphex(v, >=, 0x1498);
    g_assert_cmphex(v, <=, 0x1501);
    bench_free(b.m);
}

static void test_shortest_period(void)
{
    Bench b;

    begin(&b);
    program(&b, 0, 2, 2);
    bench_step(b.m, NS_PER_MS);
    g_assert_cmpint(b.out.rises, >, 10); /* merged, but alive */
    g_assert_cmpint(b.out.rises, <, 100);
    bench_free(b.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/i8254/mode-0", test_mode0);
    g_test_add_func("/i8254/mode-0/first-byte-stops", test_mode0_first_byte_stops);
    g_test_add_func("/i8254/mode-0/gate", test_gate_suspends);
    g_test_add_func("/i8254/mode-1", test_mode1);
    g_test_add_func("/i8254/mode-2", test_mode2);
    g_test_add_func("/i8254/mode-2/new-count", test_mode2_new_count_waits);
    g_test_add_func("/i8254/mode-3", test_mode3);
    g_test_add_func("/i8254/mode-3/gate", test_mode3_gate);
    g_test_add_func("/i8254/mode-4", test_mode4);
    g_test_add_func("/i8254/late-one-shot", test_late_one_shot);
    g_test_add_func("/i8254/late-periods", test_late_periods);
    g_test_add_func("/i8254/counter-latch-command", test_latch);
    g_test_add_func("/i8254/read-back-command", test_read_back);
    g_test_add_func("/i8254/bcd", test_bcd);
    g_test_add_func("/i8254/shortest-period", test_shortest_period);
    return g_test_run();
}
