/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keyboard controller, keyboard and mouse against IBM's PS/2 hardware technical reference. */
#include "harness.h"
#include "hw/input/i8042.h"

typedef struct Bench {
    Machine *m;
    Device *kbc;
    WireProbe kbd, aux, a20;
} Bench;

static void begin(Bench *b)
{
    *b = (Bench){.m = bench_new(0)};
    b->kbc = bench_device(b->m, NULL, "i8042", NULL);
    device_connect(b->kbc, I8042_OUT_KBD, bench_wire(&b->kbd));
    device_connect(b->kbc, I8042_OUT_MOUSE, bench_wire(&b->aux));
    device_connect(b->kbc, I8042_OUT_A20, bench_wire(&b->a20));
    device_reset(b->kbc);
}

static void cmd(Bench *b, uint8_t v)
{
    bench_out(b->m, 0x64, 1, v);
}

static void data(Bench *b, uint8_t v)
{
    bench_out(b->m, 0x60, 1, v);
}

static uint8_t in(Bench *b)
{
    g_assert_cmphex(bench_in(b->m, 0x64, 1) & 1, ==, 1);
    return bench_in(b->m, 0x60, 1);
}

static void test_self_test(void)
{
    Bench b;

    begin(&b);
    g_assert_cmphex(bench_in(b.m, 0x64, 1) & 0x05, ==, 0);
    cmd(&b, 0xaa);
    g_assert_cmphex(in(&b), ==, 0x55);
    g_assert_cmphex(bench_in(b.m, 0x64, 1) & 0x04, ==, 0x04);
    cmd(&b, 0xab);
    g_assert_cmphex(in(&b), ==, 0);
    cmd(&b, 0x60);
    data(&b, 0x47);
    cmd(&b, 0x20);
    g_assert_cmphex(in(&b), ==, 0x47);
    bench_free(b.m);
}

static void test_keyboard_commands(void)
{
    Bench b;

    begin(&b);
    data(&b, 0xff);
    g_assert_true(b.kbd.level);
    g_assert_cmphex(in(&b), ==, 0xfa);
    g_assert_true(b.kbd.level);
    g_assert_cmpint(b.kbd.falls, >=, 1); /* a new edge for the second byte */
    g_assert_cmphex(in(&b), ==, 0xaa);
    g_assert_false(b.kbd.level);
    data(&b, 0xf2);
    g_assert_cmphex(in(&b), ==, 0xfa);
    g_assert_cmphex(in(&b), ==, 0xab);
    g_assert_cmphex(in(&b), ==, 0x83);
    data(&b, 0xee);
    g_assert_cmphex(in(&b), ==, 0xee);
    bench_free(b.m);
}

static void test_scan_codes(void)
{
    Bench b;

    begin(&b);
    i8042_key(b.kbc, 0x1e, true); /* A in set 2 */
    i8042_key(b.kbc, 0x1e, false);
    g_assert_cmphex(in(&b), ==, 0x1c);
    g_assert_cmphex(in(&b), ==, 0xf0);
    g_assert_cmphex(in(&b), ==, 0x1c);
    cmd(&b, 0x60);
    data(&b, 0x41);               /* translate */
    i8042_key(b.kbc, 0x9c, true); /* keypad Enter */
    i8042_key(b.kbc, 0x9c, false);
    g_assert_cmphex(in(&b), ==, 0xe0);
    g_assert_cmphex(in(&b), ==, 0x1c);
    g_assert_cmphex(in(&b), ==, 0xe0);
    g_assert_cmphex(in(&b), ==, 0x9c);
    bench_free(b.m);
}

static void test_every_key_translates_back(void)
{
    Bench b;

    begin(&b);
    cmd(&b, 0x60);
    data(&b, 0x41);
    for (int key = 1; key < 0x59; key++) {
        i8042_key(b.kbc, key, true);
        i8042_key(b.kbc, key, false);
        g_assert_cmphex(in(&b), ==, key);
        g_assert_cmphex(in(&b), ==, key | 0x80);
    }
    bench_free(b.m);
}

static void test_mouse(void)
{
    static const uint8_t knock[] = {0xf3, 200, 0xf3, 100, 0xf3, 80};
    Bench b;

    begin(&b);
    for (unsigned i = 0; i < sizeof(knock); i++) {
        cmd(&b, 0xd4);
        data(&b, knock[i]);
        g_assert_true(b.aux.level);
        g_assert_cmphex(bench_in(b.m, 0x64, 1) & 0x21, ==, 0x21);
        g_assert_cmphex(in(&b), ==, 0xfa);
    }
    cmd(&b, 0xd4);
    data(&b, 0xf2);
    g_assert_cmphex(in(&b), ==, 0xfa);
    g_assert_cmphex(in(&b), ==, 0x03); /* a wheel */
    cmd(&b, 0xd4);
    data(&b, 0xf4);
    in(&b);
    i8042_mouse(b.kbc, 5, -3, 1, 1);
    g_assert_cmphex(in(&b), ==, 0x29);
    g_assert_cmphex(in(&b), ==, 5);
    g_assert_cmphex(in(&b), ==, 0xfd);
    g_assert_cmphex(in(&b), ==, 0xff);
    bench_free(b.m);
}

static void test_a20(void)
{
    Bench b;

    begin(&b);
    g_assert_true(b.a20.level);
    cmd(&b, 0xd1);
    data(&b, 0xdd);
    g_assert_false(b.a20.level);
    cmd(&b, 0xdf);
    g_assert_true(b.a20.level);
    cmd(&b, 0xd0);
    g_assert_cmphex(in(&b) & 0x03, ==, 0x03);
    bench_free(b.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/i8042/controller-commands", test_self_test);
    g_test_add_func("/i8042/output-port/a20", test_a20);
    g_test_add_func("/ps2/keyboard-commands", test_keyboard_commands);
    g_test_add_func("/ps2/scan-codes", test_scan_codes);
    g_test_add_func("/ps2/translation", test_every_key_translates_back);
    g_test_add_func("/ps2/mouse", test_mouse);
    return g_test_run();
}
