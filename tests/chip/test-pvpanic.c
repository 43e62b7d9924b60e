/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pvpanic on ISA and PCI: what its register offers and what a write of a guest sets off. */
#include <string.h>

#include "core/machine.h"
#include "harness.h"
#include "pci.h"

typedef struct Events {
    int panicked, crashloaded;
    char *action;
} Events;

static void on_event(void *opaque, Machine *m, const char *name, const char *data)
{
    Events *e = opaque;

    if (!strcmp(name, "GUEST_PANICKED")) {
        e->panicked++;
        g_free(e->action);
        e->action = g_strdup(data);
    }
    e->crashloaded += !strcmp(name, "GUEST_CRASHLOADED");
}

static void serve(Machine *m)
{
    for (int i = 0; i < 10; i++) {
        g_main_context_iteration(machine_loop(m), FALSE);
    }
}

/* Reads and writes of the register, wherever it is. */
static void try_register(Machine *m, bool port, hwaddr at)
{
    Events e = {0};
    int status = -1;

    machine_add_event_listener(m, on_event, &e);
    g_assert_cmphex(port ? bench_in(m, at, 1) : bench_load(m, at, 1), ==, 3);
    port ? bench_out(m, at, 1, 0xfc) : bench_store(m, at, 1, 0xfc); /* nothing that it offers */
    serve(m);
    g_assert_cmpint(e.panicked + e.crashloaded, ==, 0);
    port ? bench_out(m, at, 1, 2) : bench_store(m, at, 1, 2);
    serve(m);
    g_assert_cmpint(e.crashloaded, ==, 1);
    g_assert_cmpint(e.panicked, ==, 0);
    g_assert_false(machine_ended(m, NULL));
    port ? bench_out(m, at, 1, 1) : bench_store(m, at, 1, 1);
    serve(m);
    g_assert_cmpint(e.panicked, ==, 1);
    g_assert_nonnull(strstr(e.action, "poweroff"));
    g_assert_true(machine_ended(m, &status));
    g_assert_cmpint(status, ==, 0);
    machine_remove_event_listener(m, on_event, &e);
    g_free(e.action);
}

static void test_isa(void)
{
    Machine *m = bench_new(0);

    bench_device(m, NULL, "pvpanic", "ioport=0x600", NULL);
    try_register(m, true, 0x600);
    bench_free(m);
}

static void test_pci(void)
{
    Machine *m = bench_new(1);

    bench_pci(m, false);
    PciDevice *d = bench_pci_device(m, "pvpanic-pci");
    bench_pci_configure(m);
    g_assert_cmphex(cfg_read(d, 0, 4), ==, 0x00111b36);
    g_assert_cmphex(cfg_read(d, 8, 4) >> 8, ==, 0x088000);
    g_assert_cmphex(bench_load(m, d->bar[0].addr + 1, 1), ==, 0);
    try_register(m, false, d->bar[0].addr);
    bench_free(m);
}

static void test_events(void)
{
    Machine *m = bench_new(0);
    Events e = {0};

    machine_add_event_listener(m, on_event, &e);
    bench_device(m, NULL, "pvpanic", "events=2", NULL);
    g_assert_cmphex(bench_in(m, 0x505, 1), ==, 2);
    bench_out(m, 0x505, 1, 1); /* not offered */
    serve(m);
    g_assert_cmpint(e.panicked, ==, 0);
    machine_remove_event_listener(m, on_event, &e);
    bench_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pvpanic/isa", test_isa);
    g_test_add_func("/pvpanic/pci", test_pci);
    g_test_add_func("/pvpanic/events", test_events);
    return g_test_run();
}
