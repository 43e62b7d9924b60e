/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MC146818 against the Motorola data sheet; each test is named after its section. */
#include "harness.h"
#include "hw/rtc/mc146818.h"

typedef struct Bench {
    Machine *m;
    Device *rtc;
    WireProbe irq;
} Bench;

static uint8_t get(Bench *b, uint8_t reg)
{
    bench_out(b->m, 0x70, 1, reg);
    return bench_in(b->m, 0x71, 1);
}

static void set(Bench *b, uint8_t reg, uint8_t v)
{
    bench_out(b->m, 0x70, 1, reg);
    bench_out(b->m, 0x71, 1, v);
}

static void begin(Bench *b)
{
    *b = (Bench){.m = bench_new(0)};
    b->rtc = bench_device(b->m, NULL, "mc146818rtc", NULL);
    device_connect(b->rtc, 0, bench_wire(&b->irq));
}

/* 2023-12-31 23:59:58, in the format of register B. */
static void set_new_years_eve(Bench *b, uint8_t reg_b, const uint8_t v[8])
{
    static const uint8_t regs[8] = {0, 2, 4, 7, 8, 9, 0x32, 6};

    set(b, 0x0b, 0x80 | reg_b);
    for (int i = 0; i < 8; i++) {
        set(b, regs[i], v[i]);
    }
    set(b, 0x0b, reg_b);
}

static void test_time_formats(void)
{
    static const struct {
        uint8_t b, v[8], hour;
    } f[] = {
        {0x02, {0x58, 0x59, 0x23, 0x31, 0x12, 0x23, 0x20, 0x01}, 0x23},
        {0x06, {58, 59, 23, 31, 12, 23, 20, 1}, 23},
        {0x00, {0x58, 0x59, 0x91, 0x31, 0x12, 0x23, 0x20, 0x01}, 0x91},
        {0x04, {58, 59, 0x8b, 31, 12, 23, 20, 1}, 0x8b},
    };
    Bench b;

    for (unsigned i = 0; i < G_N_ELEMENTS(f); i++) {
        begin(&b);
        set_new_years_eve(&b, f[i].b, f[i].v);
        g_assert_cmphex(get(&b, 4), ==, f[i].hour);
        g_assert_cmphex(get(&b, 2), ==, f[i].v[1]);
        g_assert_cmphex(get(&b, 7), ==, f[i].v[3]);
        g_assert_cmphex(get(&b, 9), ==, f[i].v[5]);
        g_assert_cmphex(get(&b, 0x32), ==, f[i].v[6]);
        g_assert_cmphex(get(&b, 6), ==, 1); /* a Sunday */
        bench_free(b.m);
    }
}

static void test_battery_ram(void)
{
    Bench b;

    begin(&b);
    for (int i = 0x0e; i < 0x80; i++) {
        set(&b, i, i ^ 0x5a);
    }
    device_reset(b.rtc);
    for (int i = 0x0e; i < 0x80; i++) {
        if (i != 0x32) {
            g_assert_cmphex(get(&b, i), ==, i ^ 0x5a);
        }
    }
    mc146818_set_ram(b.rtc, 0x5f, 3);
    g_assert_cmphex(get(&b, 0x5f), ==, 3);
    g_assert_cmphex(get(&b, 0x0d), ==, 0x80);
    bench_free(b.m);
}

static void test_periodic(void)
{
    Bench b;

    begin(&b);
    set(&b, 0x0a, 0x26); /* 1024 Hz */
    set(&b, 0x0b, 0x42);
    int n = 0;
    for (int i = 0; i < 1000; i++) {
        bench_step(b.m, NS_PER_MS);
        if (b.irq.level) {
            g_assert_cmphex(get(&b, 0x0c) & 0xc0, ==, 0xc0);
            g_assert_false(b.irq.level);
            n++;
        }
    }
    g_assert_cmpint(n, >=, 998);
    g_assert_cmpint(n, <=, 1001);
    bench_free(b.m);
}

static void test_periodic_flag_without_interrupt(void)
{
    Bench b;

    begin(&b);
    set(&b, 0x0a, 0x26);
    get(&b, 0x0c);
    bench_step(b.m, 3 * NS_PER_MS);
    g_assert_cmphex(get(&b, 0x0c) & 0x40, ==, 0x40);
    g_assert_cmpint(b.irq.rises, ==, 0);
    bench_free(b.m);
}

/* These two interrupts follow the host's clock: wait for its next second. */
static void test_update_and_alarm(void)
{
    Bench b;

    begin(&b);
    for (int reg = 1; reg <= 5; reg += 2) {
        set(&b, reg, 0xc0); /* don't care: every second */
    }
    get(&b, 0x0c);
    set(&b, 0x0b, 0x32);
    int64_t end = g_get_monotonic_time() + 3 * G_USEC_PER_SEC;
    while (!b.irq.level && g_get_monotonic_time() < end) {
        g_main_context_iteration(machine_loop(b.m), FALSE);
        g_usleep(1000);
    }
    g_assert_true(b.irq.level);
    g_assert_cmphex(get(&b, 0x0c), ==, 0xb0);
    g_assert_false(b.irq.level);
    g_assert_cmphex(get(&b, 0x0a) & 0x80, ==, 0); /* the update is over */
    bench_free(b.m);
}

static void test_set_bit(void)
{
    static const uint8_t v[8] = {58, 59, 23, 31, 12, 23, 20, 1};
    Bench b;

    begin(&b);
    set_new_years_eve(&b, 0x06, v);
    set(&b, 0x0b, 0x96); /* SET clears UIE */
    g_assert_cmphex(get(&b, 0x0b), ==, 0x86);
    g_assert_cmphex(get(&b, 0x0a) & 0x80, ==, 0); /* and UIP */
    set(&b, 0, 12);
    g_assert_cmphex(get(&b, 0), ==, 12);
    bench_free(b.m);
}

static void test_reset_pin(void)
{
    Bench b;

    begin(&b);
    set(&b, 0x0b, 0x7a);
    device_reset(b.rtc);
    g_assert_cmphex(get(&b, 0x0b), ==, 0x02);
    g_assert_cmphex(get(&b, 0x0c), ==, 0);
    bench_free(b.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/mc146818/time-calendar-and-alarm-locations", test_time_formats);
    g_test_add_func("/mc146818/static-ram", test_battery_ram);
    g_test_add_func("/mc146818/periodic-interrupt", test_periodic);
    g_test_add_func("/mc146818/register-c", test_periodic_flag_without_interrupt);
    g_test_add_func("/mc146818/alarm-and-update-ended", test_update_and_alarm);
    g_test_add_func("/mc146818/register-b/set", test_set_bit);
    g_test_add_func("/mc146818/reset", test_reset_pin);
    return g_test_run();
}
