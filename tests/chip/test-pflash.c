/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cfi.pflash01 against JESD68.01 and the Intel command set. */
#include "harness.h"
#include "hw/block/pflash.h"

#define BASE 0x1000000

static Device *begin(Machine **m)
{
    *m = bench_new(0);
    Device *d = bench_device(*m, NULL, "cfi.pflash01", "num-blocks=16", "sector-length=4096", NULL);

    region_add(machine_memory_root(*m), BASE, pflash_region(d), 0);
    device_reset(d);
    return d;
}

static void put(Machine *m, hwaddr at, uint8_t v)
{
    bench_store(m, BASE + at, 1, v);
}

static uint8_t get(Machine *m, hwaddr at)
{
    return bench_load(m, BASE + at, 1);
}

static void test_query(void)
{
    Machine *m;

    begin(&m);
    g_assert_cmphex(get(m, 0x10), ==, 0xff);
    put(m, 0x55, 0x98);
    g_assert_cmpint(get(m, 0x10), ==, 'Q');
    g_assert_cmpint(get(m, 0x11), ==, 'R');
    g_assert_cmpint(get(m, 0x12), ==, 'Y');
    g_assert_cmpint(get(m, 0x13), ==, 1);
    g_assert_cmpint(get(m, 0x27), ==, 16); /* 64 KiB */
    g_assert_cmpint(get(m, 0x2d), ==, 15);
    put(m, 0, 0xff);
    g_assert_cmphex(get(m, 0x10), ==, 0xff);
    bench_free(m);
}

static void program(Machine *m, hwaddr at, uint8_t v)
{
    put(m, at, 0x40);
    put(m, at, v);
    g_assert_cmphex(get(m, at), ==, 0x80); /* status: ready, no error */
    put(m, at, 0xff);
}

static void test_program_erase(void)
{
    Machine *m;

    begin(&m);
    program(m, 0x1234, 0x5a);
    g_assert_cmphex(get(m, 0x1234), ==, 0x5a);
    program(m, 0x1234, 0xf0); /* clears bits only */
    g_assert_cmphex(get(m, 0x1234), ==, 0x50);
    program(m, 0x2000, 0x11);
    put(m, 0x1fff, 0x20);
    put(m, 0x1fff, 0xd0);
    g_assert_cmphex(get(m, 0), ==, 0x80);
    put(m, 0, 0xff);
    g_assert_cmphex(get(m, 0x1234), ==, 0xff);
    g_assert_cmphex(get(m, 0x2000), ==, 0x11); /* the next block */
    put(m, 0x2000, 0x20);
    put(m, 0x2000, 0x55); /* not confirmed */
    g_assert_cmphex(get(m, 0x2000), ==, 0x11);
    put(m, 0, 0x70);
    g_assert_cmphex(get(m, 0), ==, 0xb0); /* command sequence error */
    put(m, 0, 0x50);
    put(m, 0, 0x70);
    g_assert_cmphex(get(m, 0), ==, 0);
    bench_free(m);
}

static void test_buffered(void)
{
    Machine *m;

    begin(&m);
    put(m, 0x300, 0xe8);
    g_assert_cmphex(get(m, 0x300) & 0x80, ==, 0x80);
    put(m, 0x300, 3); /* four bytes */
    for (int i = 0; i < 4; i++) {
        put(m, 0x310 + i, 0xa0 + i);
    }
    put(m, 0x300, 0xd0);
    put(m, 0, 0xff);
    g_assert_cmphex(bench_load(m, BASE + 0x310, 4), ==, 0xa3a2a1a0);
    g_assert_cmphex(get(m, 0x314), ==, 0xff);
    bench_free(m);
}

/* A reset in the middle of anything shows the array again. */
static void test_reset(void)
{
    Machine *m;
    Device *d = begin(&m);

    program(m, 0, 0x77);
    put(m, 0, 0xe8);
    device_reset(d);
    g_assert_cmphex(get(m, 0), ==, 0x77);
    bench_free(m);
}

/* Two chips of 16 bits on a bus of 32, as UEFI's driver for Arm boards finds them: both get and answer each command. */
static void test_side_by_side(void)
{
    Machine *m = bench_new(0);
    Device *d = bench_device(m, NULL, "cfi.pflash01", "num-blocks=16", "sector-length=262144", "width=4", "device-width=2",
                             "id0=0x89", "id1=0x18", NULL);

    region_add(machine_memory_root(m), BASE, pflash_region(d), 0);
    device_reset(d);
    bench_store(m, BASE + 0x55 * 4, 4, 0x00980098);
    g_assert_cmphex(bench_load(m, BASE + 0x10 * 4, 4), ==, 0x00510051);
    g_assert_cmphex(bench_load(m, BASE + 0x27 * 4, 4), ==, 0x00150015); /* 2 MiB each */
    g_assert_cmphex(bench_load(m, BASE + 0x30 * 4, 4), ==, 0x00020002); /* blocks of 128 KiB each, in 256 bytes */
    bench_store(m, BASE, 4, 0x00900090);
    g_assert_cmphex(bench_load(m, BASE, 4), ==, 0x89188918);
    bench_store(m, BASE, 4, 0x00400040);
    bench_store(m, BASE, 4, 0x12345678);
    g_assert_cmphex(bench_load(m, BASE, 4), ==, 0x00800080);
    bench_store(m, BASE, 4, 0x00ff00ff);
    g_assert_cmphex(bench_load(m, BASE, 4), ==, 0x12345678);
    bench_store(m, BASE + 0x40, 4, 0x00e800e8); /* buffered: a count of words of each chip, less one */
    bench_store(m, BASE + 0x40, 4, 0x00010001);
    bench_store(m, BASE + 0x40, 4, 0x11111111);
    bench_store(m, BASE + 0x44, 4, 0x22222222);
    bench_store(m, BASE + 0x40, 4, 0x00d000d0);
    bench_store(m, BASE, 4, 0x00ff00ff);
    g_assert_cmphex(bench_load(m, BASE + 0x40, 8), ==, 0x2222222211111111);
    bench_store(m, BASE, 4, 0x00200020);
    bench_store(m, BASE, 4, 0x00d000d0);
    bench_store(m, BASE, 4, 0x00ff00ff);
    g_assert_cmphex(bench_load(m, BASE, 4), ==, 0xffffffff);
    bench_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pflash/query", test_query);
    g_test_add_func("/pflash/program-erase", test_program_erase);
    g_test_add_func("/pflash/buffered", test_buffered);
    g_test_add_func("/pflash/reset", test_reset);
    g_test_add_func("/pflash/side-by-side", test_side_by_side);
    return g_test_run();
}
