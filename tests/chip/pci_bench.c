/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See pci.h. The host bridge has ECAM at BENCH_ECAM, wires that count, and keeps the messages sent.
 * Like on a board, what sits in PCI memory is hidden by everything else.
 */
#include <string.h>

#include "base/bits.h"
#include "core/internal.h"
#include "pci.h"

static uint64_t ecam_read(void *opaque, hwaddr offset, unsigned size)
{
    PciBench *b = opaque;

    return pci_config_read(&b->bus, offset >> 20, offset >> 12, offset & 0xfff, size);
}

static void ecam_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    PciBench *b = opaque;

    pci_config_write(&b->bus, offset >> 20, offset >> 12, offset & 0xfff, value, size);
}

static const IoOps ecam_ops = {ecam_read, ecam_write, .min_size = 1, .max_size = 4};

static void keep_message(void *opaque, uint16_t requester, uint64_t addr, uint32_t data)
{
    PciBench *b = opaque;
    unsigned n = __atomic_fetch_add(&b->messages, 1, __ATOMIC_SEQ_CST) % BENCH_MESSAGES;

    b->msg_addr[n] = addr;
    b->msg_data[n] = data;
    b->msg_requester[n] = requester;
}

static int map_irq(PciBus *bus, PciDevice *d, int pin)
{
    return ((d->devfn >> 3) + pin) & 3;
}

static bool bench_pci_realize(Device *dev, Error **errp)
{
    PciBench *b = (PciBench *)dev;
    Machine *m = dev->machine;
    Irq wires[4];

    b->mem = region_new_container("pci", UINT64_MAX);
    region_add(machine_memory_root(m), 0, b->mem, -10);
    pci_bus_init_root(&b->bus, dev, b->express ? "pcie.0" : "pci.0", b->express, b->mem,
                      machine_ports_root(m), machine_memory(m));
    for (int i = 0; i < 4; i++) {
        wires[i] = bench_wire(&b->wire[i]);
    }
    pci_bus_set_irqs(&b->bus, map_irq, wires, 4);
    pci_bus_set_msi(&b->bus, keep_message, b);
    region_add(machine_memory_root(m), BENCH_ECAM,
               device_io_region(dev, "ecam", &ecam_ops, 256u << 20), 0);
    return true;
}

static void bench_pci_unrealize(Device *dev)
{
    PciBench *b = (PciBench *)dev;

    pci_bus_fini(&b->bus);
    region_remove(machine_memory_root(dev->machine), b->mem);
    region_unref(b->mem);
}

static const Property bench_pci_props[] = {
    PROP(PciBench, PROP_BOOL, express, "express", true, "PCI Express"),
    {0},
};

static const StateField bench_pci_state[] = {
    HOST_ONLY(PciBench, bus),      HOST_ONLY(PciBench, mem),      HOST_ONLY(PciBench, wire),
    HOST_ONLY(PciBench, messages), HOST_ONLY(PciBench, msg_addr), HOST_ONLY(PciBench, msg_data),
    HOST_ONLY(PciBench, msg_requester),
    {0},
};

static const DeviceType bench_pci_type = {
    .name = "pci-bus",
    .help = "host bridge of the test bench",
    .bus = "sysbus",
    .size = sizeof(PciBench),
    .version = 1,
    .internal = true,
    .props = bench_pci_props,
    .state = bench_pci_state,
    .realize = bench_pci_realize,
    .unrealize = bench_pci_unrealize,
};
DEVICE_TYPE(bench_pci_type);

PciBench *bench_pci(Machine *m, bool express)
{
    return (PciBench *)bench_device(m, NULL, "pci-bus", express ? "express=on" : "express=off",
                                    NULL);
}

/* ---- devices ---- */

PciDevice *bench_pci_add(Machine *m, const char *text, Error **errp)
{
    g_auto(GStrv) words = g_strsplit(text, ",", -1);
    g_autoptr(json_t) opts = json_object();

    json_object_set_new(opts, "driver", json_string(words[0]));
    for (int i = 1; words[i]; i++) {
        g_auto(GStrv) kv = g_strsplit(words[i], "=", 2);
        json_object_set_new(opts, kv[0], json_string(kv[1] ? kv[1] : "on"));
    }
    return (PciDevice *)device_add(m, opts, errp);
}

PciDevice *bench_pci_device(Machine *m, const char *text)
{
    Error *err = NULL;
    PciDevice *d = bench_pci_add(m, text, &err);

    if (!d) {
        g_error("%s: %s", text, error_message(err));
    }
    return d;
}

/* ---- configuration space ---- */

uint32_t bench_cfg_read(Machine *m, unsigned bus, unsigned devfn, unsigned reg, unsigned size)
{
    return bench_load(m, BENCH_ECAM + (bus << 20) + (devfn << 12) + reg, size);
}

void bench_cfg_write(Machine *m, unsigned bus, unsigned devfn, unsigned reg, unsigned size,
                     uint32_t v)
{
    bench_store(m, BENCH_ECAM + (bus << 20) + (devfn << 12) + reg, size, v);
}

uint32_t cfg_read(PciDevice *d, unsigned reg, unsigned size)
{
    return bench_cfg_read(d->dev.machine, pci_bus_number(d->bus), d->devfn, reg, size);
}

void cfg_write(PciDevice *d, unsigned reg, unsigned size, uint32_t v)
{
    bench_cfg_write(d->dev.machine, pci_bus_number(d->bus), d->devfn, reg, size, v);
}

typedef struct Plan {
    unsigned bus;
    uint64_t mem, io;
} Plan;

static void place_bars(PciDevice *d, Plan *p)
{
    for (int n = 0; n < PCI_ROM_BAR; n++) {
        const PciBar *b = &d->bar[n];
        if (b->region) {
            uint64_t *at = b->io ? &p->io : &p->mem;
            *at = round_up(*at, b->size);
            cfg_write(d, 0x10 + 4 * n, 4, *at);
            *at += b->size;
        }
    }
}

static void configure_bus(PciBus *b, Plan *p);

/* Windows are whole MiB and 4 KiB; the bus number first, so that what is behind can be reached. */
static void configure_bridge(PciDevice *d, Plan *p)
{
    cfg_write(d, 0x18, 1, pci_bus_number(d->bus));
    cfg_write(d, 0x19, 1, ++p->bus);
    cfg_write(d, 0x1a, 1, 0xff);
    p->mem = round_up(p->mem, 1u << 20);
    p->io = round_up(p->io, 4096);
    cfg_write(d, 0x20, 2, p->mem >> 16);
    cfg_write(d, 0x1c, 1, p->io >> 8);
    configure_bus(d->secondary, p);
    p->mem = round_up(p->mem + 1, 1u << 20);
    p->io = round_up(p->io + 1, 4096);
    cfg_write(d, 0x22, 2, (p->mem - 1) >> 16);
    cfg_write(d, 0x1d, 1, (p->io - 1) >> 8);
    cfg_write(d, 0x24, 2, 0xfff0);
    cfg_write(d, 0x26, 2, 0);
    cfg_write(d, 0x1a, 1, p->bus);
}

static void configure_bus(PciBus *b, Plan *p)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(b->slot); i++) {
        PciDevice *d = b->slot[i];
        if (!d || !d->dev.realized) {
            continue;
        }
        place_bars(d, p);
        if (d->secondary) {
            configure_bridge(d, p);
        }
        cfg_write(d, 4, 2, 0x107);
    }
}

void bench_pci_configure(Machine *m)
{
    PciBus *root = pci_bus_of(bus_find(m, "pcie.0"));
    Plan p = {.mem = 0xc0000000u, .io = 0xc000};

    root = root ? root : pci_bus_of(bus_find(m, "pci.0"));
    if (root) {
        configure_bus(root, &p);
    }
}
