/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PL061 against Arm DDI 0190B, chapter 3, and the key on one of its lines. */
#include "harness.h"
#include "hw/gpio/pl061.h"

#define BASE 0x09030000ull
enum { GDIR = 0x400, IS = 0x404, IBE = 0x408, IEV = 0x40c, IE = 0x410, RIS = 0x414, MIS = 0x418, IC = 0x41c };

typedef struct Bench {
    Machine *m;
    Device *gpio;
    WireProbe irq, line[8];
} Bench;

static void begin(Bench *b)
{
    *b = (Bench){.m = bench_new(0)};
    b->gpio = device_new(b->m, &pl061_type, NULL, NULL);
    device_set_u64(b->gpio, "pullups", 0);
    device_set_u64(b->gpio, "pulldowns", 0xff);
    device_connect(b->gpio, PL061_OUT_IRQ, bench_wire(&b->irq));
    for (int i = 0; i < 8; i++) {
        device_connect(b->gpio, PL061_OUT_LINE0 + i, bench_wire(&b->line[i]));
    }
    g_assert_true(device_realize(b->gpio, NULL));
    device_reset(b->gpio);
}

static uint32_t get(Bench *b, int reg)
{
    return bench_load(b->m, BASE + reg, 4);
}

static void set(Bench *b, int reg, uint32_t v)
{
    bench_store(b->m, BASE + reg, 4, v);
}

static void drive(Bench *b, int line, int level)
{
    machine_lock(b->m);
    irq_set(pl061_input(b->gpio, line), level);
    machine_unlock(b->m);
}

/* 3.3.1: address bits 9:2 choose the lines that an access of GPIODATA reads or writes. */
static void test_data(void)
{
    Bench b;

    begin(&b);
    set(&b, GDIR, 0x0f);
    set(&b, 0x3fc, 0xff);
    g_assert_cmphex(get(&b, 0x3fc), ==, 0x0f);
    g_assert_cmphex(get(&b, 0x2 << 2), ==, 0x02);
    set(&b, 0x1 << 2, 0);
    g_assert_cmphex(get(&b, 0x3fc), ==, 0x0e);
    g_assert_cmpint(b.line[0].level, ==, 0);
    g_assert_cmpint(b.line[1].level, ==, 1);
    drive(&b, 7, 1);
    drive(&b, 2, 0); /* an output: nobody listens */
    g_assert_cmphex(get(&b, 0x3fc), ==, 0x8e);
    bench_free(b.m);
}

/* 3.3.3 to 3.3.9: levels, one edge, both edges. */
static void test_interrupts(void)
{
    Bench b;

    begin(&b);
    set(&b, IE, 0x07);
    set(&b, IS, 0x01);
    set(&b, IBE, 0x04);
    set(&b, IEV, 0x03); /* high level of 0, rising edge of 1 */
    drive(&b, 0, 1);
    g_assert_cmpint(b.irq.level, ==, 1);
    drive(&b, 0, 0);
    g_assert_cmpint(b.irq.level, ==, 0);
    drive(&b, 1, 1);
    drive(&b, 1, 0);
    g_assert_cmphex(get(&b, MIS), ==, 0x02);
    set(&b, IC, 0x02);
    g_assert_cmpint(b.irq.level, ==, 0);
    for (int level = 1; level >= 0; level--) {
        drive(&b, 2, level);
        g_assert_cmphex(get(&b, MIS), ==, 0x04);
        set(&b, IC, 0x04);
    }
    drive(&b, 3, 1); /* not enabled: raw status only */
    g_assert_cmphex(get(&b, RIS), ==, 0);
    set(&b, IEV, 0x0b);
    drive(&b, 3, 0);
    drive(&b, 3, 1);
    g_assert_cmphex(get(&b, RIS), ==, 0x08);
    g_assert_cmphex(get(&b, MIS), ==, 0);
    bench_free(b.m);
}

/* A driver that looks at the key after the interrupt finds it pressed; it is let go by itself. */
static void test_key(void)
{
    Bench b;

    begin(&b);
    Device *key = device_new(b.m, &gpio_key_type, NULL, NULL);
    device_connect(key, 0, pl061_input(b.gpio, 3));
    g_assert_true(device_realize(key, NULL));
    device_reset(key);
    set(&b, IE, 0x08);
    set(&b, IBE, 0x08);
    set(&b, IC, 0xff);
    machine_lock(b.m);
    gpio_key_press(key);
    machine_unlock(b.m);
    g_assert_cmpint(b.irq.level, ==, 1);
    set(&b, IC, 0x08);
    bench_step(b.m, 50 * NS_PER_MS);
    g_assert_cmphex(get(&b, 0x8 << 2), ==, 0x08);
    g_assert_cmpint(b.irq.level, ==, 0);
    bench_step(b.m, 60 * NS_PER_MS);
    g_assert_cmphex(get(&b, 0x8 << 2), ==, 0);
    g_assert_cmpint(b.irq.level, ==, 1);
    bench_free(b.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pl061/3.3.1-data", test_data);
    g_test_add_func("/pl061/3.3.3-interrupts", test_interrupts);
    g_test_add_func("/pl061/key", test_key);
    return g_test_run();
}
