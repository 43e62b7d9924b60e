/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generic PCI Express host bridge: windows, configuration space, pins, messages. */
#include "harness.h"
#include "hw/chipset/gpex.h"

#define ECAM 0x3f000000ull
#define MMIO 0x10000000ull
#define HIGH 0x8000000000ull
#define PIO  0x3eff0000ull

typedef struct Bench {
    Machine *m;
    Device *host;
    WireProbe pin[GPEX_PINS];
    int messages;
    uint16_t requester;
    uint64_t addr;
    uint32_t data;
} Bench;

static void message(void *opaque, uint16_t requester, uint64_t addr, uint32_t data)
{
    Bench *b = opaque;

    b->messages++;
    b->requester = requester;
    b->addr = addr;
    b->data = data;
}

static void begin(Bench *b)
{
    const GpexWindows w = {.ecam = ECAM, .ecam_size = 16 << 20, .mmio = MMIO, .mmio_size = 0x2eff0000, .high = HIGH,
                           .high_size = HIGH, .pio = PIO, .pio_size = 65536, .msi = message, .msi_opaque = b};

    *b = (Bench){.m = bench_new(0)};
    b->host = device_new(b->m, &gpex_type, NULL, NULL);
    gpex_wire(b->host, &w);
    for (int i = 0; i < GPEX_PINS; i++) {
        device_connect(b->host, i, bench_wire(&b->pin[i]));
    }
    g_assert_true(device_realize(b->host, NULL));
    device_reset(b->host);
}

static PciDevice *card(Bench *b, const char *addr)
{
    g_autoptr(json_t) opts = json_pack("{s:s, s:s}", "driver", "edu", "addr", addr);
    PciDevice *d = (PciDevice *)device_add(b->m, opts, NULL);

    g_assert_nonnull(d);
    machine_reset_devices(b->m);
    return d;
}

static uint64_t cfg(unsigned devfn, unsigned reg)
{
    return ECAM + (devfn << 12) + reg;
}

static void test_function_0(void)
{
    Bench b;

    begin(&b);
    g_assert_cmphex(bench_load(b.m, cfg(0, 0), 4), ==, 0x00081b36);
    g_assert_cmphex(bench_load(b.m, cfg(0, 8), 4) >> 8, ==, 0x060000);
    g_assert_cmphex(bench_load(b.m, cfg(8, 0), 4), ==, 0xffffffff);
    g_assert_cmphex(bench_load(b.m, ECAM + (15 << 20), 4), ==, 0xffffffff);
    bench_free(b.m);
}

/* BARs show in both memory windows at their PCI address. edu's register 0 is its identification. */
static void test_windows(void)
{
    Bench b;

    begin(&b);
    unsigned fn = card(&b, "02.0")->devfn;
    bench_store(b.m, cfg(fn, 0x10), 4, MMIO + 0x100000);
    g_assert_cmphex(bench_load(b.m, MMIO + 0x100000, 4), !=, 0x010000ed);
    bench_store(b.m, cfg(fn, 4), 2, 6);
    g_assert_cmphex(bench_load(b.m, MMIO + 0x100000, 4), ==, 0x010000ed);
    bench_free(b.m);
}

/* Firmware gives the first I/O BAR port 0: here that of a virtio device, whose legacy registers are there. */
static void test_port_0(void)
{
    g_autoptr(json_t) opts = json_pack("{s:s, s:s}", "driver", "virtio-rng-pci", "addr", "04.0");
    Bench b;

    begin(&b);
    g_assert_nonnull(device_add(b.m, opts, NULL));
    machine_reset_devices(b.m);
    bench_store(b.m, cfg(4 << 3, 0x10), 4, 0);
    bench_store(b.m, cfg(4 << 3, 4), 2, 1);
    bench_store(b.m, PIO + 18, 1, 3); /* device status */
    g_assert_cmphex(bench_load(b.m, PIO + 18, 1), ==, 3);
    bench_free(b.m);
}

/* Pin A of slot s is on wire s modulo 4. */
static void test_pins(void)
{
    static const char *const slots[] = {"04.0", "05.0", "06.0", "07.0"};
    Bench b;

    begin(&b);
    for (int i = 0; i < 4; i++) {
        PciDevice *d = card(&b, slots[i]);
        machine_lock(b.m);
        pci_set_irq(d, 1);
        machine_unlock(b.m);
        for (int p = 0; p < GPEX_PINS; p++) {
            g_assert_cmpint(b.pin[p].level, ==, p == i);
        }
        machine_lock(b.m);
        pci_set_irq(d, 0);
        machine_unlock(b.m);
    }
    bench_free(b.m);
}

static void test_messages(void)
{
    Bench b;

    begin(&b);
    PciDevice *d = card(&b, "03.0");
    unsigned cap = d->msi_cap;
    g_assert_cmpuint(cap, !=, 0);
    bench_store(b.m, cfg(d->devfn, cap + 4), 4, 0x08020040);
    bench_store(b.m, cfg(d->devfn, cap + (d->config[cap + 2] & 0x80 ? 12 : 8)), 2, 0x51);
    bench_store(b.m, cfg(d->devfn, cap + 2), 2, 1);
    bench_store(b.m, cfg(d->devfn, 4), 2, 4);
    pci_msi_notify(d, 0);
    g_assert_cmpint(b.messages, ==, 1);
    g_assert_cmphex(b.addr, ==, 0x08020040);
    g_assert_cmphex(b.data, ==, 0x51);
    g_assert_cmphex(b.requester, ==, 3 << 3);
    bench_free(b.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/gpex/function-0", test_function_0);
    g_test_add_func("/gpex/windows", test_windows);
    g_test_add_func("/gpex/port-0", test_port_0);
    g_test_add_func("/gpex/pins", test_pins);
    g_test_add_func("/gpex/messages", test_messages);
    return g_test_run();
}
