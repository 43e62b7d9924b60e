/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bridges against PCI-to-PCI Bridge 1.2, slots against PCIe Base 4.0 section 6.7. The function
 * behind them is edu.
 */
#include <string.h>

#include "base/bits.h"
#include "pci.h"

#define EDU_ID 0x11e81234

static void settle(Machine *m)
{
    for (int i = 0; i < 20; i++) {
        bench_step(m, NS_PER_MS);
    }
}

/* ---- windows ---- */

static bool edu_at(Machine *m, uint64_t addr)
{
    return bench_load(m, addr, 4) == 0x010000ed;
}

static void test_windows(void)
{
    Machine *m = bench_new(0);
    bench_pci(m, true);
    PciDevice *b = bench_pci_device(m, "pci-bridge,id=b1,chassis_nr=1,addr=2");
    PciDevice *e = bench_pci_device(m, "edu,bus=b1,addr=4");

    g_assert_cmphex(cfg_read(b, 0x0e, 1), ==, 1);
    g_assert_cmphex(bench_cfg_read(m, 1, 0x20, 0, 4), ==, ~0u);
    cfg_write(b, 0x18, 4, 0x00050500);
    g_assert_cmphex(bench_cfg_read(m, 5, 0x20, 0, 4), ==, EDU_ID);
    g_assert_cmpuint(pci_requester_id(e), ==, 2 << 3); /* conventional: the bridge's */
    cfg_write(e, 0x10, 4, 0xd0100000);
    cfg_write(e, 4, 2, 6);
    g_assert_false(edu_at(m, 0xd0100000));
    cfg_write(b, 0x20, 4, 0xd010d010);
    g_assert_false(edu_at(m, 0xd0100000)); /* not without the bridge's memory enable */
    cfg_write(b, 4, 2, 6);
    g_assert_true(edu_at(m, 0xd0100000));
    cfg_write(b, 0x20, 4, 0xd020d020);
    g_assert_false(edu_at(m, 0xd0100000));
    cfg_write(b, 0x20, 4, 0xd000d020); /* limit below base: closed */
    g_assert_false(edu_at(m, 0xd0100000));
    /* Prefetchable, 64 bits: edu is 32 bits, so below 4 GiB. */
    cfg_write(b, 0x24, 4, 0xd010d000);
    g_assert_true(edu_at(m, 0xd0100000));
    cfg_write(b, 0x28, 4, 1);
    g_assert_false(edu_at(m, 0xd0100000));
    cfg_write(b, 0x2c, 4, 1);
    g_assert_false(edu_at(m, 0xd0100000));
    g_assert_false(edu_at(m, 0x1d0100000));
    cfg_write(b, 0x28, 4, 0);
    g_assert_true(edu_at(m, 0xd0100000));
    /* Secondary bus reset. */
    cfg_write(b, 0x3e, 2, 0x40);
    g_assert_cmphex(cfg_read(e, 4, 2), ==, 0);
    g_assert_cmphex(cfg_read(e, 0x10, 4), ==, 0);
    bench_free(m);
}

/* Bus numbers as a guest gets them wrong: nothing is found twice or without end. */
static void test_nesting(void)
{
    Machine *m = bench_new(0);
    PciBench *root = bench_pci(m, true);
    PciDevice *a = bench_pci_device(m, "pcie-pci-bridge,id=a,addr=1");
    bench_pci_device(m, "pci-bridge,id=b,bus=a,addr=2,chassis_nr=2");
    PciDevice *e = bench_pci_device(m, "edu,bus=b,addr=3");

    cfg_write(a, 0x18, 4, 0x00ff0000);
    cfg_write(a, 0x19, 1, 1);
    bench_cfg_write(m, 1, 2 << 3, 0x18, 4, 0x00020201);
    g_assert_cmphex(bench_cfg_read(m, 2, 3 << 3, 0, 4), ==, EDU_ID);
    g_assert_cmpuint(pci_requester_id(e), ==, 1 << 8); /* the Express bridge speaks for all */
    bench_cfg_write(m, 1, 2 << 3, 0x18, 4, 0x00ff0101);
    for (int bus = 0; bus < 256; bus++) {
        bench_cfg_read(m, bus, 3 << 3, 0, 4);
    }
    /* The pin: slot 3 on b, b in slot 2 of a, a in slot 1. */
    cfg_write(a, 0x18, 4, 0x00ff0100);
    bench_cfg_write(m, 1, 2 << 3, 0x18, 4, 0x00020201);
    e->intx_level = 0;
    pci_set_irq(e, 1);
    g_assert_cmpint(root->wire[(0 + 3 + 2 + 1) & 3].level, ==, 1);
    pci_set_irq(e, 0);
    g_assert_cmpint(root->wire[(0 + 3 + 2 + 1) & 3].level, ==, 0);
    bench_free(m);
}

static void test_identities(void)
{
    static const struct {
        const char *name;
        uint32_t id, class;
    } all[] = {
        {"pcie-root-port", 0x000c1b36, 0x06040000},  {"ioh3420", 0x34208086, 0x06040002},
        {"pcie-pci-bridge", 0x000e1b36, 0x06040000}, {"i82801b11-bridge", 0x244e8086, 0x06040192},
        {"x3130-upstream", 0x8232104c, 0x06040002},  {"xio3130-downstream", 0x8233104c, 0x06040001},
        {"edu", EDU_ID, 0x00ff0010},                 {"pci-testdev", 0x00051b36, 0x00ff0000},
    };
    Machine *m = bench_new(0);
    Error *err = NULL;

    bench_pci(m, true);
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        PciDevice *d = bench_pci_device(m, all[i].name);
        g_assert_cmphex(cfg_read(d, 0, 4), ==, all[i].id);
        g_assert_cmphex(cfg_read(d, 8, 4), ==, all[i].class);
    }
    g_assert_null(bench_pci_add(m, "pci-bridge", &err));
    g_assert_nonnull(strstr(error_message(err), "Bridge chassis not specified"));
    g_clear_pointer(&err, error_free);
    g_assert_null(bench_pci_add(m, "pci-bridge,chassis_nr=1,shpc=on", &err));
    g_clear_pointer(&err, error_free);
    bench_free(m);
    m = bench_new(0);
    bench_pci(m, false);
    g_assert_null(bench_pci_add(m, "pcie-root-port", &err));
    g_assert_nonnull(strstr(error_message(err), "needs a PCI Express bus"));
    g_clear_pointer(&err, error_free);
    bench_free(m);
}

/* ---- slots ---- */

enum { CAP = 0x14, CTL = 0x18, STA = 0x1a };

typedef struct SlotBench {
    Machine *m;
    PciBench *root;
    PciDevice *port;
    unsigned at; /* of the Express capability */
    GString *events;
} SlotBench;

static void on_event(void *opaque, Machine *m, const char *name, const char *data)
{
    if (g_str_has_prefix(name, "DEVICE_")) {
        g_string_append_printf(opaque, "%s %s\n", name, data ? data : "");
    }
}

static uint16_t slot_read(SlotBench *s, unsigned reg)
{
    return cfg_read(s->port, s->at + reg, 2);
}

static void slot_write(SlotBench *s, unsigned reg, uint16_t v)
{
    cfg_write(s->port, s->at + reg, 2, v);
}

static SlotBench slot_bench(const char *port, bool cold)
{
    SlotBench s = {.m = bench_new(0), .events = g_string_new(NULL)};

    s.root = bench_pci(s.m, true);
    s.port = bench_pci_device(s.m, port);
    for (s.at = cfg_read(s.port, 0x34, 1); cfg_read(s.port, s.at, 1) != 0x10;
         s.at = cfg_read(s.port, s.at + 1, 1)) {
    }
    if (cold) {
        bench_pci_device(s.m, "edu,id=card,bus=r");
    }
    machine_add_event_listener(s.m, on_event, s.events);
    machine_start(s.m);
    bench_pci_configure(s.m);
    return s;
}

static void slot_free(SlotBench *s)
{
    bench_free(s->m);
    g_string_free(s->events, TRUE);
}

static uint32_t card(SlotBench *s)
{
    return bench_cfg_read(s->m, 1, 0, 0, 4);
}

static void test_hotplug(void)
{
    SlotBench s = slot_bench("pcie-root-port,id=r,slot=5", false);

    g_assert_cmphex(cfg_read(s.port, s.at + CAP, 4), ==, 5 << 19 | 1 << 17 | 0x7b);
    g_assert_cmphex(slot_read(&s, CTL), ==, 0x07c0);
    g_assert_cmphex(slot_read(&s, STA), ==, 0);
    /* Enable button, presence, command completed and the interrupt; the command completes. */
    slot_write(&s, CTL, 0x07f9);
    g_assert_cmphex(slot_read(&s, STA), ==, 0x10);
    g_assert_cmpint(s.root->wire[0].level, ==, 1);
    slot_write(&s, STA, 0x10);
    g_assert_cmpint(s.root->wire[0].level, ==, 0);

    PciDevice *d = bench_pci_device(s.m, "edu,id=card,bus=r");
    g_assert_cmphex(slot_read(&s, STA), ==, 0x49);
    g_assert_cmphex(slot_read(&s, 0x12) & 0x2000, ==, 0x2000);
    g_assert_cmpint(s.root->wire[0].level, ==, 1);
    g_assert_cmphex(card(&s), ==, ~0u); /* no power yet */
    slot_write(&s, STA, 0x09);
    g_assert_cmpint(s.root->wire[0].level, ==, 0);
    slot_write(&s, CTL, 0x01f9);
    g_assert_cmphex(card(&s), ==, EDU_ID);
    slot_write(&s, STA, 0x10);
    bench_pci_configure(s.m);
    uint64_t at = d->bar[0].addr;
    g_assert_true(edu_at(s.m, at));
    slot_write(&s, STA, 0x19);

    /* Unplug: the button; the guest switches off; the card is gone, then its memory. */
    Error *err = NULL;
    g_assert_true(device_del(s.m, "card", &err));
    g_assert_cmphex(slot_read(&s, STA) & 1, ==, 1);
    g_assert_cmphex(card(&s), ==, EDU_ID);
    g_assert_false(device_del(s.m, "card", &err));
    g_assert_cmpstr(error_message(err), ==, "Device card is already in the process of unplug");
    g_clear_pointer(&err, error_free);
    settle(s.m);
    g_assert_cmpstr(s.events->str, ==, "");
    slot_write(&s, CTL, 0x02f9);
    g_assert_cmphex(card(&s), ==, EDU_ID);
    slot_write(&s, CTL, 0x07f9);
    g_assert_cmphex(card(&s), ==, ~0u);
    g_assert_false(edu_at(s.m, at));
    g_assert_cmphex(slot_read(&s, STA) & 0x48, ==, 0x08);
    settle(s.m);
    g_assert_cmpstr(s.events->str, ==,
                    "DEVICE_DELETED {\"path\":\"/machine/peripheral/card\",\"device\":\"card\"}\n");
    g_assert_null(device_find(s.m, "card"));
    /* And another one. */
    bench_pci_device(s.m, "edu,id=card,bus=r");
    slot_write(&s, CTL, 0x01f9);
    g_assert_cmphex(card(&s), ==, EDU_ID);
    slot_free(&s);
}

static void test_cold(void)
{
    SlotBench s = slot_bench("ioh3420,id=r", true);

    g_assert_cmphex(slot_read(&s, CTL), ==, 0x01c0);
    g_assert_cmphex(slot_read(&s, STA), ==, 0x40);
    g_assert_cmphex(card(&s), ==, EDU_ID);
    machine_reset_devices(s.m);
    bench_pci_configure(s.m);
    g_assert_cmphex(card(&s), ==, EDU_ID);
    /* Power without the indicator: the card forgets, and stays. */
    bench_cfg_write(s.m, 1, 0, 0x3c, 1, 9);
    slot_write(&s, CTL, 0x05c0);
    g_assert_cmphex(card(&s), ==, ~0u);
    slot_write(&s, CTL, 0x01c0);
    g_assert_cmphex(card(&s), ==, EDU_ID);
    g_assert_cmphex(bench_cfg_read(s.m, 1, 0, 0x3c, 1), ==, 0);
    slot_free(&s);
}

/* MSI of the slot: once for each rise of "an enabled event is there". */
static void test_slot_msi(void)
{
    SlotBench s = slot_bench("ioh3420,id=r", false);

    cfg_write(s.port, 0x64, 4, 0xfee00000);
    cfg_write(s.port, 0x68, 2, 0x77);
    cfg_write(s.port, 0x62, 2, 1);
    slot_write(&s, CTL, 0x07f9);
    g_assert_cmpuint(s.root->messages, ==, 1);
    g_assert_cmphex(s.root->msg_data[0], ==, 0x77);
    bench_pci_device(s.m, "edu,id=card,bus=r");
    g_assert_cmpuint(s.root->messages, ==, 1); /* it was there already */
    slot_write(&s, STA, 0x19);
    slot_write(&s, CTL, 0x07f9);
    g_assert_cmpuint(s.root->messages, ==, 2);
    g_assert_cmpint(s.root->wire[0].rises, ==, 0);
    slot_free(&s);
}

static void test_functions(void)
{
    SlotBench s = slot_bench("pcie-root-port,id=r", false);
    Error *err = NULL;

    slot_write(&s, CTL, 0x01c0);
    bench_pci_device(s.m, "edu,id=f1,bus=r,addr=0.1");
    g_assert_cmphex(bench_cfg_read(s.m, 1, 1, 0, 4), ==, ~0u);
    g_assert_cmphex(slot_read(&s, STA) & 0x40, ==, 0);
    bench_pci_device(s.m, "edu,id=f0,bus=r,addr=0.0,multifunction=on");
    g_assert_cmphex(bench_cfg_read(s.m, 1, 1, 0, 4), ==, EDU_ID);
    g_assert_null(bench_pci_add(s.m, "edu,bus=r,addr=0.2", &err));
    g_assert_nonnull(strstr(error_message(err), "cannot be exposed to guest"));
    g_clear_pointer(&err, error_free);
    g_assert_null(bench_pci_add(s.m, "edu,bus=r,addr=1", &err));
    g_assert_nonnull(strstr(error_message(err), "slot 1 is not valid"));
    g_clear_pointer(&err, error_free);
    g_assert_null(bench_pci_add(s.m, "edu,bus=pcie.0", &err));
    g_assert_nonnull(strstr(error_message(err), "does not support hot"));
    g_clear_pointer(&err, error_free);
    g_assert_true(device_del(s.m, "f0", NULL));
    slot_write(&s, CTL, 0x07c0);
    settle(s.m);
    g_assert_null(device_find(s.m, "f0"));
    g_assert_null(device_find(s.m, "f1"));
    slot_free(&s);
}

static void test_switch(void)
{
    Machine *m = bench_new(0);
    bench_pci(m, true);
    bench_pci_device(m, "pcie-root-port,id=r,addr=1");
    bench_pci_device(m, "x3130-upstream,id=u,bus=r");
    bench_pci_device(m, "xio3130-downstream,id=d0,bus=u,slot=1");
    bench_pci_device(m, "xio3130-downstream,id=d1,bus=u,slot=2");
    PciDevice *e = bench_pci_device(m, "edu,bus=d1");

    bench_pci_configure(m);
    g_assert_cmpuint(pci_bus_number(e->bus), ==, 4);
    g_assert_cmphex(bench_cfg_read(m, 4, 0, 0, 4), ==, EDU_ID);
    g_assert_true(edu_at(m, e->bar[0].addr));
    g_assert_cmpuint(pci_requester_id(e), ==, 4 << 8);
    bench_free(m);
}

/* Random writes everywhere in a tree with a slot, cards coming and going. */
static void test_random(void)
{
    SlotBench s = slot_bench("pcie-root-port,id=r", false);

    for (int i = 0; i < 20000; i++) {
        unsigned size = 1u << g_test_rand_int_range(0, 3);
        unsigned reg = g_test_rand_int_range(0, 0x100) & -size;
        bench_cfg_write(s.m, g_test_rand_int_range(0, 3), 0, reg, size, g_test_rand_int());
        if (i % 64 == 0) {
            Error *err = NULL;
            if (!device_find(s.m, "card")) {
                bench_pci_add(s.m, "edu,id=card,bus=r", &err);
            } else {
                device_del(s.m, "card", &err);
            }
            error_free(err);
            bench_step(s.m, NS_PER_SEC);
        }
        if (i % 16 == 0) {
            slot_write(&s, CTL, i & 32 ? 0x07f9 : 0x01f9);
        }
    }
    slot_free(&s);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pci-bridge/windows", test_windows);
    g_test_add_func("/pci-bridge/nesting", test_nesting);
    g_test_add_func("/pci-bridge/identities", test_identities);
    g_test_add_func("/pci-slot/hotplug", test_hotplug);
    g_test_add_func("/pci-slot/cold", test_cold);
    g_test_add_func("/pci-slot/msi", test_slot_msi);
    g_test_add_func("/pci-slot/functions", test_functions);
    g_test_add_func("/pci-slot/switch", test_switch);
    g_test_add_func("/pci-slot/random", test_random);
    return g_test_run();
}
