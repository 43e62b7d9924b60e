/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HPET against IA-PC HPET specification 1.0a. */
#include "harness.h"
#include "hw/timer/hpet.h"

#define R(offset) (HPET_BASE + (offset))

typedef struct Bench {
    Machine *m;
    Device *hpet;
    WireProbe line[3]; /* outputs 0, 2, 8 */
} Bench;

static void begin(Bench *b)
{
    static const int outputs[] = {0, 2, 8};

    *b = (Bench){.m = bench_new(0)};
    b->hpet = bench_device(b->m, NULL, "hpet", "hpet-intcap=0x104", NULL);
    for (int i = 0; i < 3; i++) {
        device_connect(b->hpet, outputs[i], bench_wire(&b->line[i]));
    }
    device_reset(b->hpet);
}

static void test_capabilities(void)
{
    Bench b;

    begin(&b);
    g_assert_cmphex(bench_load(b.m, R(0), 8), ==, 0x009896808086a201);
    g_assert_cmphex(bench_load(b.m, R(0x100), 8), ==, 0x0000010400000030);
    bench_free(b.m);
}

static void test_counter(void)
{
    Bench b;

    begin(&b);
    bench_store(b.m, R(0xf0), 8, 1000);
    bench_step(b.m, NS_PER_MS);
    g_assert_cmpuint(bench_load(b.m, R(0xf0), 8), ==, 1000); /* halted */
    bench_store(b.m, R(0x10), 8, 1);
    bench_step(b.m, NS_PER_MS);
    g_assert_cmpuint(bench_load(b.m, R(0xf0), 8), ==, 101000);
    bench_store(b.m, R(0x10), 8, 0);
    bench_step(b.m, NS_PER_MS);
    g_assert_cmpuint(bench_load(b.m, R(0xf0), 4), ==, 101000);
    bench_free(b.m);
}

static void test_one_shot_edge(void)
{
    Bench b;

    begin(&b);
    bench_store(b.m, R(0x100), 8, 2 << 9 | 4); /* input 2, enabled */
    bench_store(b.m, R(0x108), 8, 100000);
    bench_store(b.m, R(0x10), 8, 1);
    bench_step(b.m, NS_PER_MS - 10);
    g_assert_cmpint(b.line[1].rises, ==, 0);
    bench_step(b.m, 10);
    g_assert_cmpint(b.line[1].rises, ==, 1);
    bench_step(b.m, NS_PER_SEC);
    g_assert_cmpint(b.line[1].rises, ==, 1);
    bench_free(b.m);
}

static void test_level_status(void)
{
    Bench b;

    begin(&b);
    bench_store(b.m, R(0x120), 8, 8 << 9 | 4 | 2);
    bench_store(b.m, R(0x128), 8, 100);
    bench_store(b.m, R(0x10), 8, 1);
    bench_step(b.m, NS_PER_MS);
    g_assert_true(b.line[2].level);
    g_assert_cmphex(bench_load(b.m, R(0x20), 8), ==, 2);
    bench_store(b.m, R(0x20), 8, 2);
    g_assert_false(b.line[2].level);
    bench_free(b.m);
}

/* 2.3.9.2.2: SETVAL writes the comparator, and every write the period. */
static void test_periodic(void)
{
    Bench b;

    begin(&b);
    bench_store(b.m, R(0x100), 8, 2 << 9 | 0x4c);
    bench_store(b.m, R(0x108), 8, 50000);  /* first after 0.5 ms */
    bench_store(b.m, R(0x108), 8, 100000); /* then each 1 ms */
    bench_store(b.m, R(0x10), 8, 1);
    bench_step(b.m, 10 * NS_PER_MS);
    g_assert_cmpint(b.line[1].rises, ==, 10);
    g_assert_cmpuint(bench_load(b.m, R(0x108), 8), ==, 1050000);
    bench_free(b.m);
}

/* A period of nearly the whole width: the match after the first lies that far ahead, not behind. */
static void test_long_period(void)
{
    Bench b;

    begin(&b);
    bench_store(b.m, R(0x100), 8, 2 << 9 | 0x14c); /* 32 bits */
    bench_store(b.m, R(0x108), 8, 50000);
    bench_store(b.m, R(0x108), 8, 0xffffffff);
    bench_store(b.m, R(0x10), 8, 1);
    bench_step(b.m, 10 * NS_PER_MS);
    g_assert_cmpint(b.line[1].rises, ==, 1);
    bench_step(b.m, 43 * NS_PER_SEC);
    g_assert_cmpint(b.line[1].rises, ==, 2);
    bench_free(b.m);
}

/* 2.3.4.2.1: timers 0 and 1 take over IRQ 0 and 8. */
static void test_legacy(void)
{
    Bench b;

    begin(&b);
    irq_set(hpet_legacy_input(b.hpet, HPET_LEGACY_PIT), 1);
    g_assert_true(b.line[0].level);
    bench_store(b.m, R(0x10), 8, 3);
    g_assert_false(b.line[0].level);
    bench_store(b.m, R(0x100), 8, 4);
    bench_store(b.m, R(0x108), 8, 100000);
    bench_step(b.m, 2 * NS_PER_MS);
    g_assert_cmpint(b.line[0].rises, ==, 2);
    bench_free(b.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hpet/2.3.4-capabilities", test_capabilities);
    g_test_add_func("/hpet/2.3.7-counter", test_counter);
    g_test_add_func("/hpet/one-shot", test_one_shot_edge);
    g_test_add_func("/hpet/2.3.6-level-status", test_level_status);
    g_test_add_func("/hpet/2.3.9.2.2-periodic", test_periodic);
    g_test_add_func("/hpet/long-period", test_long_period);
    g_test_add_func("/hpet/2.3.4.2.1-legacy-replacement", test_legacy);
    return g_test_run();
}
