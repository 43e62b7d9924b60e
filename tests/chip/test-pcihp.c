/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI hot plug through ACPI against QEMU's docs/specs/acpi_pci_hotplug.rst. */
#include <string.h>

#include "hw/acpi/pcihp.h"
#include "pci.h"

#define EDU_ID 0x11e81234

enum { UP = 0xae00, DOWN = 0xae04, EJECT = 0xae08, REMOVABLE = 0xae0c, BUS = 0xae10 };

static void settle(Machine *m)
{
    for (int i = 0; i < 20; i++) {
        bench_step(m, NS_PER_MS);
    }
}

static void on_event(void *opaque, Machine *m, const char *name, const char *data)
{
    if (!strcmp(name, "DEVICE_DELETED")) {
        ++*(unsigned *)opaque;
    }
}

static Machine *bench(Device **hp, WireProbe *event, unsigned *deleted)
{
    Machine *m = bench_new(0);
    PciBench *b = bench_pci(m, false);

    *hp = device_new(m, &pcihp_type, NULL, NULL);
    pcihp_set_bus(*hp, &b->bus);
    device_connect(*hp, 0, bench_wire(event));
    g_assert_true(device_realize(*hp, NULL));
    machine_add_event_listener(m, on_event, deleted);
    return m;
}

static void test_protocol(void)
{
    Device *hp;
    WireProbe event = {0};
    unsigned deleted = 0;
    Machine *m = bench(&hp, &event, &deleted);
    Error *err = NULL;

    bench_pci_device(m, "edu,id=cold,addr=3");
    machine_start(m);
    g_assert_cmphex(bench_in(m, UP, 4), ==, 0);
    g_assert_cmphex(bench_in(m, EJECT, 4), ==, 0); /* no features beyond the base */
    g_assert_cmphex(bench_in(m, REMOVABLE, 4), ==, ~0u);

    bench_pci_device(m, "edu,id=hot,addr=7");
    g_assert_cmpint(event.rises, ==, 1);
    g_assert_cmphex(bench_cfg_read(m, 0, 7 << 3, 0, 4), ==, EDU_ID);
    bench_out(m, BUS, 4, 1); /* no such bus */
    g_assert_cmphex(bench_in(m, UP, 4), ==, 0);
    bench_out(m, BUS, 4, 0);
    g_assert_cmphex(bench_in(m, UP, 4), ==, 1u << 7);
    g_assert_cmphex(bench_in(m, UP, 4), ==, 0);

    g_assert_true(device_del(m, "hot", NULL));
    g_assert_false(device_del(m, "hot", &err));
    g_clear_pointer(&err, error_free);
    g_assert_cmpint(event.rises, ==, 2);
    g_assert_cmphex(bench_in(m, DOWN, 4), ==, 1u << 7);
    bench_out(m, EJECT, 4, 1u << 8); /* an empty slot */
    bench_out(m, EJECT, 4, 1u << 7);
    g_assert_cmphex(bench_cfg_read(m, 0, 7 << 3, 0, 4), ==, ~0u);
    g_assert_cmphex(bench_in(m, DOWN, 4), ==, 0);
    settle(m);
    g_assert_cmpuint(deleted, ==, 1);
    g_assert_null(device_find(m, "hot"));
    /* The guest may eject what nobody asked for. */
    bench_out(m, EJECT, 4, ~0u);
    settle(m);
    g_assert_cmpuint(deleted, ==, 2);
    bench_free(m);
}

/* A guest that restarts has let go of what it was asked for. */
static void test_reset(void)
{
    Device *hp;
    WireProbe event = {0};
    unsigned deleted = 0;
    Machine *m = bench(&hp, &event, &deleted);

    bench_pci_device(m, "edu,id=x,addr=3");
    bench_pci_device(m, "edu,id=y,addr=4");
    machine_start(m);
    g_assert_true(device_del(m, "x", NULL));
    settle(m);
    g_assert_cmpuint(deleted, ==, 0);
    machine_reset_devices(m);
    settle(m);
    g_assert_cmpuint(deleted, ==, 1);
    g_assert_null(device_find(m, "x"));
    g_assert_nonnull(device_find(m, "y"));
    bench_free(m);
}

/* The methods name each removable slot; tools that disassemble are not at hand here. */
static void test_aml(void)
{
    Device *hp;
    WireProbe event = {0};
    unsigned deleted = 0;
    Machine *m = bench(&hp, &event, &deleted);
    Aml a = {.out = g_byte_array_new()};

    pcihp_aml(&a, hp);
    g_assert_cmpint(a.depth, ==, 0);
    g_assert_nonnull(memmem(a.out->data, a.out->len, "SF8_", 4));
    g_assert_nonnull(memmem(a.out->data, a.out->len, "_E01", 4));
    g_byte_array_free(a.out, TRUE);
    bench_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/acpi-pci-hotplug/protocol", test_protocol);
    g_test_add_func("/acpi-pci-hotplug/reset", test_reset);
    g_test_add_func("/acpi-pci-hotplug/aml", test_aml);
    return g_test_run();
}
