/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvpanic: a guest kernel says that it panicked. As a port on ISA, or as a PCI card.
 *
 * The published pvpanic specification: reading the register gives the supported
 * events; bit 0 written = panicked, bit 1 = crash kernel takes over. PCI: 1b36:0011, BAR 0.
 *
 * home: the machine's lock domain.
 */
#include "hw/misc/pvpanic.h"
#include "core/machine.h"
#include "hw/pci/pci.h"

#define PANICKED     1
#define CRASH_LOADED 2
#define PCI_BAR_SIZE 16 /* the least that a BAR can tell */

typedef struct PvPanic {
    Device dev;
    uint16_t ioport;
    uint8_t events;
} PvPanic;

typedef struct PvPanicPci {
    PciDevice pci;
    uint8_t events;
} PvPanicPci;

static void report(Machine *m, uint64_t v)
{
    if (v & PANICKED) {
        machine_guest_panicked(m, NULL);
    } else if (v & CRASH_LOADED) {
        machine_guest_crashloaded(m);
    }
}

#define EVENTS_PROP(T)                                                                             \
    PROP(T, PROP_U8, events, "events", PANICKED | CRASH_LOADED, "events it offers, a bit mask")

/* ---- ISA ---- */

static uint64_t isa_read(void *opaque, hwaddr offset, unsigned size)
{
    return ((PvPanic *)opaque)->events;
}

static void isa_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    PvPanic *s = opaque;

    report(s->dev.machine, v & s->events);
}

static const IoOps isa_ops = {isa_read, isa_write, .max_size = 1};

static bool isa_realize(Device *d, Error **errp)
{
    PvPanic *s = (PvPanic *)d;

    device_map_ports(d, s->ioport, 1, &isa_ops, "pvpanic");
    return true;
}

static const Property isa_props[] = {
    PROP(PvPanic, PROP_U16, ioport, "ioport", 0x505, "I/O port"),
    EVENTS_PROP(PvPanic),
    {0},
};

static const StateField isa_state[] = {
    {0},
};

static const DeviceType pvpanic_type = {
    .name = "pvpanic",
    .help = "port on which a guest reports its panic",
    .bus = "isa",
    .size = sizeof(PvPanic),
    .version = 1,
    .user_creatable = true,
    .props = isa_props,
    .state = isa_state,
    .realize = isa_realize,
};
DEVICE_TYPE(pvpanic_type);

static void find_port(Device *d, void *opaque)
{
    uint16_t *port = opaque;

    if (d->type == &pvpanic_type && d->realized && !*port) {
        *port = ((PvPanic *)d)->ioport;
    }
}

uint16_t pvpanic_port(Machine *m)
{
    uint16_t port = 0;

    device_foreach(m, find_port, &port);
    return port;
}

/* ---- PCI ---- */

static uint64_t card_read(void *opaque, hwaddr offset, unsigned size)
{
    return offset ? 0 : ((PvPanicPci *)opaque)->events;
}

static void card_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    PvPanicPci *s = opaque;

    if (offset == 0) {
        report(s->pci.dev.machine, v & s->events);
    }
}

static const IoOps card_ops = {card_read, card_write, .max_size = 1};

static bool card_realize(Device *d, Error **errp)
{
    static const PciIdent ident = {.vendor = 0x1b36, .device = 0x11, .revision = 1,
                                   .class_code = 0x088000};
    PvPanicPci *s = (PvPanicPci *)d;

    if (!pci_setup(&s->pci, &ident, errp)) {
        return false;
    }
    pci_bar(&s->pci, 0, device_io_region(d, "pvpanic", &card_ops, PCI_BAR_SIZE), false, false, false);
    return pci_add_rom(&s->pci, NULL, errp);
}

static void card_unrealize(Device *d)
{
    pci_teardown((PciDevice *)d);
}

static void card_reset(Device *d)
{
    pci_reset((PciDevice *)d);
}

static bool card_post_load(Device *d, int version, Error **errp)
{
    pci_loaded((PciDevice *)d);
    return true;
}

static const Property card_props[] = {
    PCI_PROPS(PvPanicPci),
    EVENTS_PROP(PvPanicPci),
    {0},
};

static const StateField card_state[] = {
    PCI_STATE(PvPanicPci),
    {0},
};

static const DeviceType pvpanic_pci_type = {
    .name = "pvpanic-pci",
    .help = "PCI card on which a guest reports its panic",
    .bus = "pci",
    .size = sizeof(PvPanicPci),
    .version = 1,
    .user_creatable = true,
    .props = card_props,
    .state = card_state,
    .realize = card_realize,
    .unrealize = card_unrealize,
    .reset_hold = card_reset,
    .post_load = card_post_load,
};
DEVICE_TYPE(pvpanic_pci_type);
