/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small ports of a PC. */
#include "harness.h"
#include "hw/misc/system_ports.h"

typedef struct Bench {
    Machine *m;
} Bench;

static bool requested(Bench *b, int *status)
{
    for (int i = 0; i < 10 && !machine_ended(b->m, status); i++) {
        g_main_context_iteration(machine_loop(b->m), FALSE);
    }
    return machine_ended(b->m, status);
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
    bench_free(b.m);
}

/* ICH9 data sheet, COPROC_ERR. */
static void test_coprocessor_error(void)
{
    Machine *m = bench_new(0);
    WireProbe irq13 = {0}, ignne = {0};
    Device *d = bench_device(m, NULL, "system-ports", NULL);
    Irq ferr = system_ports_ferr(d);

    device_connect(d, 1, bench_wire(&irq13));
    device_connect(d, 2, bench_wire(&ignne));
    bench_out(m, 0xf0, 1, 0); /* no FERR#, no IGNNE# */
    g_assert_false(irq13.level || ignne.level);
    machine_lock(m);
    irq_set(ferr, 1);
    g_assert_true(irq13.level && !ignne.level);
    machine_unlock(m);
    g_assert_cmphex(bench_in(m, 0xf0, 1), ==, 0xff);
    bench_out(m, 0xf0, 1, 0xff);
    g_assert_true(!irq13.level && ignne.level);
    machine_lock(m);
    irq_set(ferr, 1); /* it is already */
    g_assert_true(!irq13.level && ignne.level);
    irq_set(ferr, 0);
    g_assert_false(irq13.level || ignne.level);
    irq_set(ferr, 1);
    irq_set(ferr, 0); /* the interrupt waits for the write */
    g_assert_true(irq13.level && !ignne.level);
    machine_unlock(m);
    bench_out(m, 0xf0, 1, 0);
    g_assert_false(irq13.level || ignne.level);
    bench_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/isa-debug-exit", test_debug_exit);
    g_test_add_func("/system-ports", test_system_ports);
    g_test_add_func("/system-ports/coprocessor-error", test_coprocessor_error);
    return g_test_run();
}
