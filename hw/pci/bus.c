/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI buses: who sits where, finding a function by its number, hot plug as core/ sees it.
 *
 * Left out: IOMMUs, peer-to-peer routing.
 *
 * home: main loop for joining and leaving; configuration accesses in the machine's lock domain.
 * slot[] changes under the machine's lock.
 */
#include "hw/pci/internal.h"

#include <string.h>

/* ---- addresses ---- */

static PciDevice *at(PciBus *b, unsigned slot, unsigned fn)
{
    return b->slot[PCI_DEVFN(slot, fn)];
}

static bool slot_used(PciBus *b, unsigned slot)
{
    for (unsigned fn = 0; fn < 8; fn++) {
        if (at(b, slot, fn)) {
            return true;
        }
    }
    return false;
}

/* The first slot for a card that does not mind, or -1. */
static int free_slot(PciBus *b)
{
    for (int slot = b->slot_min; slot <= b->slot_max; slot++) {
        if (!slot_used(b, slot) && !(b->reserved_slots >> slot & 1)) {
            return slot;
        }
    }
    return -1;
}

void pci_bus_keep_slot(PciBus *b)
{
    int slot = free_slot(b);

    if (slot >= 0) {
        b->reserved_slots |= 1u << slot;
    }
}

/* "3", "03.1", "0x3.0": all hexadecimal. */
static bool parse_addr(const char *text, unsigned *slot, unsigned *fn, Error **errp)
{
    char *end;
    unsigned long s = g_ascii_isxdigit(*text) ? strtoul(text, &end, 16) : 32, f = 0;

    if (s < 32 && *end == '.' && g_ascii_isxdigit(end[1])) {
        f = strtoul(end + 1, &end, 16);
    }
    if (s >= 32 || f >= 8 || *end) {
        error_set(errp, ERR_INVALID_PARAMETER, "addr=%s is no PCI slot", text);
        error_hint(errp, "slot[.function] in hexadecimal, as 3, 1f or 03.1");
        return false;
    }
    *slot = s;
    *fn = f;
    return true;
}

static const char *owner_text(const PciDevice *d)
{
    return d->dev.id ? d->dev.id : d->dev.type->name;
}

/* Functions 1 to 7 are looked for only where function 0 says that there are more. */
static bool check_functions(PciBus *b, PciDevice *d, unsigned slot, unsigned fn, Error **errp)
{
    PciDevice *first = at(b, slot, 0);

    if (fn) {
        if (first && !first->multifunction) {
            error_set(errp, ERR_GENERIC,
                      "PCI: single function device can't be populated in function %x.%x", slot, fn);
            error_hint(errp, "'%s' at %x.0 would need multifunction=on", owner_text(first), slot);
            return false;
        }
        return true;
    }
    for (unsigned i = 1; i < 8 && !d->multifunction; i++) {
        if (at(b, slot, i)) {
            error_set(errp, ERR_GENERIC,
                      "PCI: %x.0 indicates single function, but %x.%x is already populated.", slot,
                      slot, i);
            error_hint(errp, "give it multifunction=on");
            return false;
        }
    }
    return true;
}

static bool check_place(PciBus *b, PciDevice *d, unsigned slot, unsigned fn, bool hot, Error **errp)
{
    const char *name = d->dev.type->name;
    PciDevice *there = at(b, slot, fn), *first = at(b, slot, 0);

    if (slot < b->slot_min || slot > b->slot_max) {
        error_set(errp, ERR_GENERIC, "PCI: slot %u is not valid for %s on bus '%s'", slot, name,
                  b->bus.name);
        error_hint(errp, "it has slots %x to %x", b->slot_min, b->slot_max);
        return false;
    }
    if (there) {
        error_set(errp, ERR_GENERIC, "PCI: slot %u function %u not available for %s, in use by %s",
                  slot, fn, name, owner_text(there));
        return false;
    }
    if (hot && fn && first) {
        error_set(errp, ERR_GENERIC,
                  "PCI: slot %u function 0 already occupied by %s, new func %s cannot be exposed to "
                  "guest.",
                  slot, owner_text(first), name);
        return false;
    }
    return check_functions(b, d, slot, fn, errp);
}

/* ---- as core/ sees it ---- */

PciBus *pci_bus_of(Bus *b)
{
    return b && !strcmp(b->ops->kind, "pci") ? (PciBus *)b : NULL;
}

static bool attach(Bus *bus, Device *dev, Error **errp)
{
    PciBus *b = (PciBus *)bus;
    PciDevice *d = (PciDevice *)dev;
    unsigned slot, fn = 0;
    int found = free_slot(b);

    if (d->addr && *d->addr && strcmp(d->addr, "-1")) {
        if (!parse_addr(d->addr, &slot, &fn, errp)) {
            return false;
        }
    } else if (found < 0) {
        error_set(errp, ERR_GENERIC,
                  "PCI: no slot/function available for %s, all in use or reserved",
                  dev->type->name);
        return false;
    } else {
        slot = found;
    }
    bool hot = machine_started(dev->machine);
    if (!check_place(b, d, slot, fn, hot, errp)) {
        return false;
    }
    g_free(d->addr);
    d->addr = g_strdup_printf("%02x.%x", slot, fn);
    d->hotplugged = hot;
    machine_lock(dev->machine);
    d->bus = b;
    d->devfn = PCI_DEVFN(slot, fn);
    b->slot[d->devfn] = d;
    machine_unlock(dev->machine);
    return true;
}

static void detach(Bus *bus, Device *dev)
{
    PciBus *b = (PciBus *)bus;
    PciDevice *d = (PciDevice *)dev;

    if (d->bus != b) {
        return; /* never got a place */
    }
    machine_lock(dev->machine);
    pci_teardown(d);
    b->slot[d->devfn] = NULL;
    d->bus = NULL;
    machine_unlock(dev->machine);
    if (d->secondary) {
        pci_bus_fini(d->secondary);
    }
}

/* Others may have room for who says where. */
static bool full(Bus *bus)
{
    PciBus *b = (PciBus *)bus;

    return b->slot_min == b->slot_max && slot_used(b, b->slot_min);
}

/* A card that was plugged function by function shows with its function 0. */
static bool hidden(const PciDevice *d)
{
    return d->hotplugged && !d->bus->slot[d->devfn & ~7];
}

static bool plugged(Bus *bus, Device *dev, Error **errp)
{
    PciBus *b = (PciBus *)bus;

    return b->hotplug->plugged(b->hotplug_opaque, (PciDevice *)dev, errp);
}

static void cold_plugged(Bus *bus, Device *dev)
{
    PciBus *b = (PciBus *)bus;

    if (b->hotplug && b->hotplug->cold_plugged) {
        b->hotplug->cold_plugged(b->hotplug_opaque, (PciDevice *)dev);
    }
}

static bool unplug(Bus *bus, Device *dev, Error **errp)
{
    PciBus *b = (PciBus *)bus;
    PciDevice *d = (PciDevice *)dev;

    if (d->ejected) {
        return pci_unplug_ask(d, errp); /* says no */
    }
    if (hidden(d)) {
        pci_ejected(d); /* the guest never saw it */
        return true;
    }
    return b->hotplug->unplug(b->hotplug_opaque, d, errp);
}

/* How long a guest may take before it can be asked again. */
#define UNPLUG_PATIENCE (5 * NS_PER_SEC)

bool pci_unplug_ask(PciDevice *d, Error **errp)
{
    int64_t now = clock_ns(d->dev.machine, CLOCK_VIRTUAL);

    if (d->ejected || (d->unplug_until && now < d->unplug_until)) {
        error_set(errp, ERR_STATE, "Device %s is already in the process of unplug",
                  owner_text(d));
        return false;
    }
    d->unplug_until = now + UNPLUG_PATIENCE;
    return true;
}

void pci_ejected(PciDevice *d)
{
    bool lock = !machine_locked(d->dev.machine);

    if (lock) {
        machine_lock(d->dev.machine);
    }
    if (!d->ejected) {
        d->ejected = true;
        pci_reset(d); /* off the map, off its wire */
        device_unplugged(&d->dev);
    }
    if (lock) {
        machine_unlock(d->dev.machine);
    }
}

/* IEEE 1275 PCI binding 2.1: a name by class, or by numbers; "@slot[,function]". */
static void fw_path(Bus *bus, Device *dev, GString *out)
{
    PciDevice *d = (PciDevice *)dev;
    const char *name = pci_class_firmware(ld_le16(cfg(d, CFG_CLASS + 1)));

    if (name) {
        g_string_append_printf(out, "%s@%x", name, d->devfn >> 3);
    } else {
        g_string_append_printf(out, "pci%04x,%04x@%x", ld_le16(cfg(d, CFG_VENDOR)),
                               ld_le16(cfg(d, CFG_DEVICE)), d->devfn >> 3);
    }
    if (d->devfn & 7) {
        g_string_append_printf(out, ",%x", d->devfn & 7);
    }
}

#define HEX G_GINT64_MODIFIER "x"

static void info_bars(PciDevice *d, GString *out)
{
    for (unsigned n = 0; n < PCI_BARS; n++) {
        const PciBar *b = &d->bar[n];
        if (b->region) {
            g_string_append_printf(out, "bar %u: %s at 0x%" HEX " [0x%" HEX "]\n", n,
                                   b->io ? "i/o" : "mem", b->addr, b->addr + b->size - 1);
        }
    }
}

static void info(Bus *bus, Device *dev, GString *out)
{
    PciDevice *d = (PciDevice *)dev;
    PciBus *b = (PciBus *)bus;

    if (d->bus != b) {
        return;
    }
    uint16_t class = ld_le16(cfg(d, CFG_CLASS + 1));
    const char *desc = pci_class_desc(class);
    g_string_append(out, "class ");
    if (desc) {
        g_string_append(out, desc);
    } else {
        g_string_append_printf(out, "Class %04x", class);
    }
    g_string_append_printf(out, ", addr %02x:%02x.%x, pci id %04x:%04x (sub %04x:%04x)\n",
                           pci_bus_number(b), d->devfn >> 3, d->devfn & 7,
                           ld_le16(cfg(d, CFG_VENDOR)), ld_le16(cfg(d, CFG_DEVICE)),
                           d->ident.bridge ? 0 : ld_le16(cfg(d, CFG_SUB_VENDOR)),
                           d->ident.bridge ? 0 : ld_le16(cfg(d, CFG_SUB_DEVICE)));
    info_bars(d, out);
}

static const BusOps bus_ops = {
    .kind = "pci",
    .attach = attach,
    .detach = detach,
    .full = full,
    .cold_plugged = cold_plugged,
    .fw_path = fw_path,
    .info = info,
};

static const BusOps hotplug_bus_ops = {
    .kind = "pci",
    .attach = attach,
    .detach = detach,
    .full = full,
    .plugged = plugged,
    .cold_plugged = cold_plugged,
    .unplug = unplug,
    .fw_path = fw_path,
    .info = info,
};

/* ---- making and ending them ---- */

void pci_bus_init_root(PciBus *b, Device *owner, const char *name, bool express, MemoryRegion *mem,
                       MemoryRegion *io, AddressSpace *dma)
{
    *b = (PciBus){.express = express, .mem = mem, .io = io, .dma = dma, .slot_max = 31};
    bus_init(&b->bus, &bus_ops, owner, name);
}

void pci_bus_init_secondary(PciBus *b, PciDevice *bridge, const char *name, bool express)
{
    *b = (PciBus){.bridge = bridge, .express = express, .slot_max = 31};
    b->mem = region_new_container("pci-bridge-memory", UINT64_MAX);
    b->io = region_new_container("pci-bridge-io", UINT64_MAX);
    b->dma = bridge->bus->dma;
    bridge->secondary = b;
    bus_init(&b->bus, &bus_ops, &bridge->dev, name);
}

/* Bridges name their bus as themselves; without an id it gets a number. */
void pci_bus_init_bridge(PciBus *b, PciDevice *bridge, bool express)
{
    Machine *m = bridge->dev.machine;
    g_autofree char *name = g_strdup(bridge->dev.id);

    for (int n = 1; !name || (!bridge->dev.id && bus_find(m, name)); n++) {
        g_free(name);
        name = g_strdup_printf("%s.%d", express ? "pcie" : "pci", n);
    }
    pci_bus_init_secondary(b, bridge, name, express);
}

void pci_bus_fini(PciBus *b)
{
    if (!b->bus.owner) {
        return;
    }
    if (b->bridge) {
        pci_windows_close(b);
        region_unref(b->mem);
        region_unref(b->io);
        b->bridge->secondary = NULL;
    }
    g_clear_pointer(&b->wire, g_free);
    g_clear_pointer(&b->wire_count, g_free);
    b->n_wires = 0;
    bus_fini(&b->bus);
    b->bus.owner = NULL;
}

void pci_bus_set_hotplug(PciBus *b, const PciHotplugOps *ops, void *opaque)
{
    b->hotplug = ops;
    b->hotplug_opaque = opaque;
    b->bus.ops = ops && ops->plugged ? &hotplug_bus_ops : &bus_ops;
}

void pci_bus_set_msi(PciBus *root, PciMsiFn *fn, void *opaque)
{
    root->msi = fn;
    root->msi_opaque = opaque;
}

Device *pci_new(PciBus *b, uint8_t devfn, const DeviceType *type, const char *id)
{
    Device *d = device_new_on(&b->bus, type, id);
    g_autofree char *addr = g_strdup_printf("%x.%x", devfn >> 3, devfn & 7);

    device_set(d, "addr", addr, NULL);
    return d;
}

/* ---- finding ---- */

uint8_t pci_bus_number(const PciBus *b)
{
    return b->bridge ? b->bridge->config[BRIDGE_SECONDARY] : b->number;
}

PciBus *pci_bus_root(PciBus *b)
{
    while (b->bridge) {
        b = b->bridge->bus;
    }
    return b;
}

static bool visible(const PciDevice *d)
{
    return d->dev.realized && !d->ejected && !d->bus->off && !hidden(d);
}

/* Guests may number buses as they like; the depth is that of the real tree. */
static PciBus *find_bus(PciBus *b, uint8_t number)
{
    if (pci_bus_number(b) == number) {
        return b;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(b->slot); i++) {
        PciDevice *d = b->slot[i];
        if (!d || !d->secondary || !d->dev.realized || d->config[BRIDGE_SECONDARY] > number ||
            d->config[BRIDGE_SUBORDINATE] < number) {
            continue;
        }
        PciBus *found = find_bus(d->secondary, number);
        if (found) {
            return found;
        }
    }
    return NULL;
}

PciDevice *pci_find(PciBus *root, uint8_t bus, uint8_t devfn)
{
    PciBus *b = find_bus(root, bus);
    PciDevice *d = b ? b->slot[devfn] : NULL;

    return d && visible(d) ? d : NULL;
}

uint32_t pci_config_read(PciBus *root, uint8_t bus, uint8_t devfn, unsigned reg, unsigned size)
{
    PciDevice *d = pci_find(root, bus, devfn);

    return d ? pci_function_read(d, reg, size) : UINT32_MAX;
}

void pci_config_write(PciBus *root, uint8_t bus, uint8_t devfn, unsigned reg, uint32_t v, unsigned size)
{
    PciDevice *d = pci_find(root, bus, devfn);

    if (d) {
        pci_function_write(d, reg, v, size);
    }
}

void pci_foreach(PciBus *root, void (*fn)(PciDevice *d, void *opaque), void *opaque)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(root->slot); i++) {
        PciDevice *d = root->slot[i];
        if (d && d->dev.realized) {
            fn(d, opaque);
            if (d->secondary) {
                pci_foreach(d->secondary, fn, opaque);
            }
        }
    }
}
