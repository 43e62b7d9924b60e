/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ACPI fixed hardware (ACPI 6.4, 4.8) and the small ports of a PC. */
#include "harness.h"
#include "hw/acpi/pm.h"

typedef struct Bench {
    Machine *m;
    Device *pm;
    WireProbe sci;
} Bench;

static void begin(Bench *b)
{
    *b = (Bench){.m = bench_new(0)};
    b->pm = bench_device(b->m, NULL, "acpi-pm", NULL);
    device_connect(b->pm, 0, bench_wire(&b->sci));
    device_reset(b->pm);
}

static void test_power_button(void)
{
    Bench b;

    begin(&b);
    acpi_pm_press_power_button(b.pm);
    g_assert_cmphex(bench_in(b.m, 0x600, 2), ==, 0x100);
    g_assert_false(b.sci.level);
    bench_out(b.m, 0x602, 2, 0x120);
    g_assert_true(b.sci.level);
    bench_out(b.m, 0x600, 2, 0xfeff); /* other bits */
    g_assert_true(b.sci.level);
    bench_out(b.m, 0x601, 1, 0x01); /* one byte is enough */
    g_assert_false(b.sci.level);
    g_assert_cmphex(bench_in(b.m, 0x600, 4), ==, 0x01200000);
    bench_free(b.m);
}

static void test_timer(void)
{
    Bench b;

    begin(&b);
    uint32_t t0 = bench_in(b.m, 0x608, 4);
    bench_step(b.m, NS_PER_SEC);
    g_assert_cmpint(bench_in(b.m, 0x608, 4) - t0, ==, 3579545);
    bench_out(b.m, 0x602, 2, 0x01);
    bench_step(b.m, 2 * NS_PER_SEC); /* bit 23 changes every 2.34 s */
    g_assert_true(b.sci.level);
    bench_out(b.m, 0x600, 2, 0x01);
    g_assert_false(b.sci.level);
    bench_step(b.m, 2 * NS_PER_SEC);
    g_assert_true(b.sci.level);
    bench_free(b.m);
}

static bool requested(Bench *b, int *status)
{
    for (int i = 0; i < 10 && !machine_ended(b->m, status); i++) {
        g_main_context_iteration(machine_loop(b->m), FALSE);
    }
    return machine_ended(b->m, status);
}

static void test_sleep(void)
{
    Bench b;
    int status = -1;

    begin(&b);
    g_assert_cmphex(bench_in(b.m, 0x604, 2) & 1, ==, 1); /* SCI_EN */
    bench_out(b.m, 0x604, 2, 0x2000 | 5 << 10);          /* no such state */
    g_assert_false(requested(&b, &status));
    bench_out(b.m, 0x604, 2, 0x2000 | ACPI_S5_TYPE << 10);
    g_assert_true(requested(&b, &status));
    g_assert_cmpint(status, ==, 0);
    bench_free(b.m);
}

static void test_debug_exit(void)
{
    Bench b = {.m = bench_new(0)};
    int status = -1;

    bench_device(b.m, NULL, "isa-debug-exit", "iobase=0xf4", "iosize=4", NULL);
    bench_out(b.m, 0xf4, 4, 0x10);
    g_assert_true(requested(&b, &status));
    g_assert_cmpint(status, ==, 33);
    bench_free(b.m);
}

static void test_system_ports(void)
{
    Bench b = {.m = bench_new(0)};
    WireProbe a20 = {0};
    Device *d = bench_device(b.m, NULL, "system-ports", NULL);

    device_connect(d, 0, bench_wire(&a20));
    bench_out(b.m, 0x92, 1, 0x02);
    g_assert_true(a20.level);
    g_assert_cmphex(bench_in(b.m, 0x92, 1), ==, 0x02);
    bench_out(b.m, 0x80, 1, 0x5a);
    g_assert_cmphex(bench_in(b.m, 0x80, 1), ==, 0x5a);
    bench_out(b.m, 0xcf9, 1, 0x02);
    g_assert_cmphex(bench_in(b.m, 0xcf9, 1), ==, 0x02);
    g_assert_cmphex(bench_in(b.m, 0x80, 1), ==, 0x5a); /* no reset without the trigger */
    bench_free(b.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/acpi-pm/4.8.3.1-power-button", test_power_button);
    g_test_add_func("/acpi-pm/4.8.3.3-timer", test_timer);
    g_test_add_func("/acpi-pm/4.8.3.2-sleep", test_sleep);
    g_test_add_func("/isa-debug-exit", test_debug_exit);
    g_test_add_func("/system-ports", test_system_ports);
    return g_test_run();
}
