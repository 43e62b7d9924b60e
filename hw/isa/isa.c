/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ISA bus: shared interrupt lines.
 *
 * Models the IRQ wires of the PC/AT bus (ISA specification, IEEE P996 draft,
 * "interrupt request"). Left out: DMA channels, 8/16-bit cycle timing.
 *
 * home: the machine's lock domain. The levels are a latch of what the devices
 * drive; each device drives its own again after reset and load.
 */
#include "hw/isa/isa.h"

typedef struct IsaBus IsaBus;

typedef struct IsaLine {
    IsaBus *bus;
    Irq to;
    uint32_t claimed; /* bit per source */
    uint32_t high;
} IsaLine;

struct IsaBus {
    Device dev;
    IsaLine line[ISA_IRQS];
};

static void isa_line_drive(void *opaque, int source, int level)
{
    IsaLine *l = opaque;

    l->high = level ? l->high | 1u << source : l->high & ~(1u << source);
    irq_set(l->to, l->high != 0);
}

void isa_bus_wire(Device *bus, int n, Irq to)
{
    IsaBus *b = (IsaBus *)bus;

    b->line[n].to = to;
}

static void find_bus(Device *d, void *opaque)
{
    Device **found = opaque;

    if (d->type == &isa_bus_type && !*found) {
        *found = d;
    }
}

static IsaBus *bus_of(Device *d)
{
    Device *found = NULL;

    for (Device *p = d->parent; p; p = p->parent) {
        if (p->type == &isa_bus_type) {
            return (IsaBus *)p;
        }
    }
    device_foreach(d->machine, find_bus, &found);
    return (IsaBus *)found;
}

bool isa_irq_claim(Device *d, unsigned n, Irq *irq, Error **errp)
{
    IsaBus *bus = bus_of(d);

    if (!bus) {
        error_set(errp, ERR_DEVICE_NOT_FOUND, "%s: this machine has no ISA bus", d->type->name);
        return false;
    }
    if (n >= ISA_IRQS) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s: no ISA interrupt %u", d->type->name, n);
        error_hint(errp, "irq= takes 0 to %d", ISA_IRQS - 1);
        return false;
    }
    IsaLine *l = &bus->line[n];
    if (l->claimed == UINT32_MAX) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s: ISA interrupt %u has %d devices already",
                  d->type->name, n, ISA_SOURCES);
        return false;
    }
    int source = __builtin_ctz(~l->claimed);
    l->bus = bus;
    l->claimed |= 1u << source;
    *irq = (Irq){.handler = isa_line_drive, .opaque = l, .n = source};
    return true;
}

void isa_irq_release(Irq irq)
{
    if (irq.handler == isa_line_drive) {
        IsaLine *l = irq.opaque;

        irq_lower(irq);
        l->claimed &= ~(1u << irq.n);
    }
}

#define PCI_LINES 0xdef8 /* 3-7, 9-12, 14, 15 */

bool isa_pci_irqs_claim(Device *d, Irq irq[ISA_IRQS], Error **errp)
{
    for (int n = 0; n < ISA_IRQS; n++) {
        if ((PCI_LINES >> n & 1) && !isa_irq_claim(d, n, &irq[n], errp)) {
            return false;
        }
    }
    return true;
}

void isa_pci_irqs_set(const Irq irq[ISA_IRQS], uint32_t levels)
{
    for (int n = 0; n < ISA_IRQS; n++) {
        irq_set(irq[n], levels >> n & 1);
    }
}

void isa_pci_irqs_release(const Irq irq[ISA_IRQS])
{
    for (int n = 0; n < ISA_IRQS; n++) {
        isa_irq_release(irq[n]);
    }
}

static const StateField isa_state[] = {
    HOST_ONLY(IsaBus, line),
    {0},
};

const DeviceType isa_bus_type = {
    .name = "isa-bus",
    .help = "ISA bus: shared interrupt lines",
    .bus = "sysbus",
    .size = sizeof(IsaBus),
    .version = 1,
    .internal = true,
    .state = isa_state,
};
DEVICE_TYPE(isa_bus_type);
