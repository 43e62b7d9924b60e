/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI hot plug through ACPI.
 *
 * QEMU's docs/specs/acpi_pci_hotplug.rst: a register says which slots were filled, one whose cards
 * are to go, one ejects; general-purpose event 1 makes the guest look. Cards of the board (no
 * -device) stay. Left out: buses behind bridges, the acpi-index register.
 *
 * outputs: 0 = event, a pulse.  home: the machine's lock domain.
 */
#include "hw/acpi/pcihp.h"

#include "base/bits.h"

enum { REG_UP = 0x00, REG_DOWN = 0x04, REG_EJECT = 0x08, REG_REMOVABLE = 0x0c, REG_BUS = 0x10 };
enum { NOTIFY_CHECK = 1, NOTIFY_EJECT = 3 };

typedef struct PciHp {
    Device dev;
    PciBus *bus;
    uint32_t up, down; /* a bit per slot */
    uint32_t select;   /* which bus; there is 0 */
} PciHp;

/* ---- slots ---- */

static bool fixed(const PciDevice *d)
{
    return d && !d->dev.type->user_creatable;
}

/* Slots whose card may go: all that hold nothing of the board. */
static uint32_t removable(const PciHp *s)
{
    uint32_t mask = 0;

    for (unsigned slot = 0; slot < 32; slot++) {
        bool ok = true;
        for (unsigned fn = 0; fn < 8; fn++) {
            ok &= !fixed(s->bus->slot[PCI_DEVFN(slot, fn)]);
        }
        mask |= (uint32_t)ok << slot;
    }
    return mask;
}

static void eject(PciHp *s, uint32_t slots)
{
    slots &= removable(s);
    s->up &= ~slots;
    s->down &= ~slots;
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        PciDevice *d = s->bus->slot[devfn];
        if (d && d->dev.realized && (slots >> (devfn >> 3) & 1)) {
            pci_ejected(d);
        }
    }
}

/* ---- registers ---- */

static uint64_t hp_read(void *opaque, hwaddr offset, unsigned size)
{
    PciHp *s = opaque;
    uint32_t v = 0;

    if (s->select) {
        return 0;
    }
    switch (offset) {
    case REG_UP: /* told once */
        v = s->up;
        s->up = 0;
        break;
    case REG_DOWN:
        v = s->down;
        break;
    case REG_REMOVABLE:
        v = removable(s);
        break;
    }
    return v;
}

static void hp_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    PciHp *s = opaque;

    if (offset == REG_BUS) {
        s->select = value;
    } else if (offset == REG_EJECT && !s->select) {
        eject(s, value);
    }
}

static const IoOps hp_ops = {hp_read, hp_write, .min_size = 4, .max_size = 4};

/* ---- commands of the user ---- */

static bool hp_plugged(void *opaque, PciDevice *d, Error **errp)
{
    PciHp *s = opaque;

    if (d->devfn & 7) {
        return true; /* shows with function 0 */
    }
    machine_lock(d->dev.machine);
    s->up |= 1u << (d->devfn >> 3);
    irq_pulse(s->dev.out[0]);
    machine_unlock(d->dev.machine);
    return true;
}

static bool hp_unplug(void *opaque, PciDevice *d, Error **errp)
{
    PciHp *s = opaque;
    uint32_t slot = 1u << (d->devfn >> 3);

    machine_lock(d->dev.machine);
    bool ok = removable(s) & slot;
    if (!ok) {
        error_set(errp, ERR_STATE, "'%s' cannot be unplugged: it is in a slot of the board",
                  d->dev.id ? d->dev.id : d->dev.type->name);
    } else if (pci_unplug_ask(d, errp)) {
        s->down |= slot;
        irq_pulse(s->dev.out[0]);
    } else {
        ok = false;
    }
    machine_unlock(d->dev.machine);
    return ok;
}

static const PciHotplugOps hotplug = {hp_plugged, hp_unplug, NULL};

/* ---- life ---- */

void pcihp_set_bus(Device *hp, PciBus *bus)
{
    ((PciHp *)hp)->bus = bus;
}

static bool hp_realize(Device *dev, Error **errp)
{
    PciHp *s = (PciHp *)dev;

    if (!s->bus) {
        error_set(errp, ERR_GENERIC, "%s: it has no bus", dev->type->name);
        return false;
    }
    device_init_out(dev, 1);
    pci_bus_set_hotplug(s->bus, &hotplug, s);
    device_map_ports(dev, PCIHP_BASE, PCIHP_SIZE, &hp_ops, "acpi-pci-hotplug");
    return true;
}

static void hp_unrealize(Device *dev)
{
    PciHp *s = (PciHp *)dev;

    if (s->bus->bus.owner) {
        pci_bus_set_hotplug(s->bus, NULL, NULL);
    }
}

/* A guest that was asked and restarts has let go. */
static void hp_reset(Device *dev)
{
    PciHp *s = (PciHp *)dev;

    for (unsigned devfn = 0; devfn < 256; devfn++) {
        PciDevice *d = s->bus->slot[devfn];
        if (d && d->dev.realized && d->unplug_until) {
            eject(s, 1u << (devfn >> 3));
        }
    }
}

static const StateField hp_state[] = {
    HOST_ONLY(PciHp, bus),
    STATE(PciHp, STATE_U32, up, 0),
    STATE(PciHp, STATE_U32, down, 0),
    STATE(PciHp, STATE_U32, select, 0),
    {0},
};

const DeviceType pcihp_type = {
    .name = "acpi-pci-hotplug",
    .help = "PCI hot plug through ACPI",
    .bus = "sysbus",
    .size = sizeof(PciHp),
    .version = 1,
    .internal = true,
    .needs = "pcihp_set_bus()",
    .state = hp_state,
    .realize = hp_realize,
    .unrealize = hp_unrealize,
    .reset_hold = hp_reset,
};
DEVICE_TYPE(pcihp_type);

/* ---- methods ---- */

static void region_of_dwords(Aml *a, const char *name, uint16_t port, const char *const *fields,
                             unsigned n)
{
    aml_region(a, name, AML_IO, port, 4 * n);
    aml_field_rule(a, name, 3, 2 << 5);
    for (unsigned i = 0; i < n; i++) {
        aml_field_unit(a, fields[i], 32);
    }
    aml_end(a);
}

/* The bus register and what it selects belong together: both methods take the mutex. */
static void lock(Aml *a)
{
    aml_op(a, AML_ACQUIRE);
    aml_ref(a, "BLCK");
    bytes_int(a->out, 0xffff, 2);
    aml_op(a, AML_STORE);
    aml_int(a, 0);
    aml_ref(a, "BNUM");
}

static void unlock(Aml *a)
{
    aml_op(a, AML_RELEASE);
    aml_ref(a, "BLCK");
}

static void slot_name(char *name, unsigned slot)
{
    g_snprintf(name, 5, "S%02X_", slot << 3);
}

static void slot_device(Aml *a, unsigned slot)
{
    char name[5];

    slot_name(name, slot);
    aml_device(a, name);
    aml_name(a, "_ADR");
    aml_int(a, slot << 16);
    aml_name(a, "_SUN");
    aml_int(a, slot);
    aml_method(a, "_EJ0", 1, false);
    lock(a);
    aml_op(a, AML_STORE);
    aml_int(a, 1u << slot);
    aml_ref(a, "B0EJ");
    unlock(a);
    aml_end(a);
    aml_end(a);
}

/* Notify the slots whose bit is in Local0. */
static void notify_slots(Aml *a, uint32_t slots, const char *reg, unsigned code)
{
    char name[5];

    aml_op(a, AML_STORE);
    aml_ref(a, reg);
    aml_op(a, AML_LOCAL0);
    for (unsigned slot = 0; slot < 32; slot++) {
        if (!(slots >> slot & 1)) {
            continue;
        }
        aml_if(a);
        aml_op(a, AML_AND);
        aml_op(a, AML_LOCAL0);
        aml_int(a, 1u << slot);
        aml_op(a, AML_ZERO);
        slot_name(name, slot);
        aml_op(a, AML_NOTIFY);
        aml_ref(a, name);
        aml_int(a, code);
        aml_end(a);
    }
}

void pcihp_aml(Aml *a, void *hp)
{
    static const char *const status[] = {"PCIU", "PCID"}, *const ejection[] = {"B0EJ"},
                             *const number[] = {"BNUM"};
    uint32_t slots = removable(hp);

    aml_scope(a, "\\_SB.PCI0");
    region_of_dwords(a, "PCST", PCIHP_BASE + REG_UP, status, 2);
    region_of_dwords(a, "SEJ_", PCIHP_BASE + REG_EJECT, ejection, 1);
    region_of_dwords(a, "BNMR", PCIHP_BASE + REG_BUS, number, 1);
    aml_mutex(a, "BLCK");
    for (unsigned slot = 0; slot < 32; slot++) {
        if (slots >> slot & 1) {
            slot_device(a, slot);
        }
    }
    aml_method(a, "PCNT", 0, false);
    lock(a);
    notify_slots(a, slots, "PCIU", NOTIFY_CHECK);
    notify_slots(a, slots, "PCID", NOTIFY_EJECT);
    unlock(a);
    aml_end(a);
    aml_end(a);

    aml_scope(a, "\\_GPE");
    aml_method(a, "_E01", 0, false);
    aml_ref(a, "\\_SB.PCI0.PCNT");
    aml_end(a);
    aml_end(a);
}
