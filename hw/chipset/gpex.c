/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generic PCI Express host bridge: configuration space in a window (ECAM), memory and I/O space in others, no registers.
 *
 * PCI Express Base 4.0, 7.2.2 "PCI Express enhanced configuration access mechanism"; Linux
 * Documentation/devicetree/bindings/pci/host-generic-pci.yaml. Pin p of slot s is on wire (s + p) modulo 4.
 *
 * Two devices: the bridge, which holds the bus, and its function 00.0.
 * outputs: 0 to 3 = INTA to INTD.  home: the machine's lock domain.
 */
#include "hw/chipset/gpex.h"

#include "core/machine.h"

typedef struct Gpex {
    Device dev;
    GpexWindows w;
    PciBus bus;
    MemoryRegion *pci;             /* PCI memory space */
    MemoryRegion *window[3];       /* of memory and I/O space in the machine's memory; NULL: none */
} Gpex;

void gpex_wire(Device *host, const GpexWindows *w)
{
    ((Gpex *)host)->w = *w;
}

PciBus *gpex_bus(Device *host)
{
    return &((Gpex *)host)->bus;
}

/* ---- function 0 ---- */

typedef struct GpexRoot {
    PciDevice pci;
} GpexRoot;

static bool root_realize(Device *d, Error **errp)
{
    static const PciIdent ident = {.vendor = 0x1b36, .device = 0x0008, .class_code = 0x060000};

    return pci_setup((PciDevice *)d, &ident, errp);
}

static void root_unrealize(Device *d)
{
    pci_teardown((PciDevice *)d);
}

static void root_reset(Device *d)
{
    pci_reset((PciDevice *)d);
}

static bool root_post_load(Device *d, int version, Error **errp)
{
    pci_loaded((PciDevice *)d);
    return true;
}

static const Property root_props[] = {PCI_PROPS(GpexRoot), {0}};
static const StateField root_state[] = {PCI_STATE(GpexRoot), {0}};

static const DeviceType root_type = {
    .name = "gpex-root",
    .help = "generic PCI Express host bridge, function 0",
    .bus = "pci",
    .size = sizeof(GpexRoot),
    .version = 1,
    .internal = true,
    .props = root_props,
    .state = root_state,
    .realize = root_realize,
    .unrealize = root_unrealize,
    .reset_hold = root_reset,
    .post_load = root_post_load,
};
DEVICE_TYPE(root_type);

/* ---- configuration space ---- */

static uint64_t ecam_read(void *opaque, hwaddr offset, unsigned size)
{
    return pci_config_read(&((Gpex *)opaque)->bus, offset >> 20, offset >> 12, offset & 0xfff, size);
}

static void ecam_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    pci_config_write(&((Gpex *)opaque)->bus, offset >> 20, offset >> 12, offset & 0xfff, v, size);
}

static const IoOps ecam_ops = {ecam_read, ecam_write, .max_size = 4};

/* ---- the bridge ---- */

static int map_irq(PciBus *b, PciDevice *d, int pin)
{
    return ((d->devfn >> 3) + pin) % GPEX_PINS;
}

/* Where no device is in a window: reads are all ones, writes go nowhere, and processors do not fault. */
static uint64_t unmapped_read(void *opaque, hwaddr offset, unsigned size)
{
    return UINT64_MAX;
}

static void unmapped_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
}

static const IoOps unmapped_ops = {unmapped_read, unmapped_write, .unaligned = true, .lockless = true};

static void add_window(Gpex *g, int n, const char *name, MemoryRegion *space, uint64_t offset, uint64_t base,
                       uint64_t size)
{
    if (size) {
        MemoryRegion *none = device_io_region(&g->dev, "gpex-unmapped", &unmapped_ops, size);
        region_add(machine_memory_root(g->dev.machine), base, none, -1);
        g->window[n] = region_new_alias(name, space, offset, size);
        region_add(machine_memory_root(g->dev.machine), base, g->window[n], 0);
    }
}

static bool gpex_realize(Device *d, Error **errp)
{
    Gpex *g = (Gpex *)d;
    Machine *m = d->machine;

    device_init_out(d, GPEX_PINS);
    g->pci = region_new_container("gpex_mmio", 1ull << 63);
    add_window(g, 0, "gpex_mmio_window", g->pci, g->w.mmio, g->w.mmio, g->w.mmio_size);
    add_window(g, 1, "gpex_high_mmio_window", g->pci, g->w.high, g->w.high, g->w.high_size);
    add_window(g, 2, "gpex_ioport_window", machine_ports_root(m), 0, g->w.pio, g->w.pio_size);
    if (g->w.ecam_size) {
        MemoryRegion *ecam = device_io_region(d, "pcie-mmcfg-mmio", &ecam_ops, g->w.ecam_size);
        region_add(machine_memory_root(m), g->w.ecam, ecam, 0);
    }
    pci_bus_init_root(&g->bus, d, "pcie.0", true, g->pci, machine_ports_root(m), machine_memory(m));
    g->bus.zero_address = true; /* I/O space begins with it: nothing else is there */
    pci_bus_set_irqs(&g->bus, map_irq, d->out, GPEX_PINS);
    pci_bus_set_msi(&g->bus, g->w.msi, g->w.msi_opaque);
    return device_realize(pci_new(&g->bus, 0, &root_type, NULL), errp);
}

static void gpex_unrealize(Device *d)
{
    Gpex *g = (Gpex *)d;

    for (int i = 0; i < 3; i++) {
        if (g->window[i]) {
            region_remove(machine_memory_root(d->machine), g->window[i]);
            g_clear_pointer(&g->window[i], region_unref);
        }
    }
    pci_bus_fini(&g->bus);
    g_clear_pointer(&g->pci, region_unref);
}

static const StateField gpex_state[] = {
    HOST_ONLY(Gpex, w), HOST_ONLY(Gpex, bus), HOST_ONLY(Gpex, pci), HOST_ONLY(Gpex, window), {0},
};

const DeviceType gpex_type = {
    .name = "gpex-pcihost",
    .help = "generic PCI Express host bridge",
    .bus = "sysbus",
    .size = sizeof(Gpex),
    .version = 1,
    .internal = true,
    .state = gpex_state,
    .realize = gpex_realize,
    .unrealize = gpex_unrealize,
};
DEVICE_TYPE(gpex_type);
