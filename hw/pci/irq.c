/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * INTA# to INTD#: from a function through the bridges above it to a wire of the root bus.
 *
 * PCI 3.0 section 2.2.6; PCI-to-PCI Bridge 1.2 section 9.1. Several functions share a wire: it is
 * active while any of them asserts it.
 *
 * home: the machine's lock domain.
 */
#include "hw/pci/internal.h"

/* The root's wire, or -1. */
static int find_wire(PciDevice *d, PciBus **root)
{
    int pin = (d->config[CFG_PIN] - 1) & 3;

    while (d->bus->bridge) {
        pin = (pin + (d->devfn >> 3)) & 3;
        d = d->bus->bridge;
    }
    *root = d->bus;
    if (!(*root)->n_wires) {
        return -1;
    }
    int wire = (*root)->map_irq(*root, d, pin);
    return wire < (*root)->n_wires ? wire : -1;
}

/* With messages enabled a function must not use its pin (PCI 3.0, 6.8.1.3). */
void pci_intx_update(PciDevice *d)
{
    bool want = d->intx_level && d->config[CFG_PIN] && !pci_msi_enabled(d) &&
                !pci_msix_enabled(d) && !(ld_le16(cfg(d, CFG_COMMAND)) & CMD_INTX_OFF);
    PciBus *root;

    *cfg(d, CFG_STATUS) = (*cfg(d, CFG_STATUS) & ~STATUS_INTX) | (d->intx_level ? STATUS_INTX : 0);
    if (want == d->intx_driven) {
        return;
    }
    d->intx_driven = want;
    int wire = find_wire(d, &root);
    if (wire >= 0) {
        root->wire_count[wire] += want ? 1 : -1;
        irq_set(root->wire[wire], root->wire_count[wire] > 0);
    }
}

void pci_set_irq(PciDevice *d, int level)
{
    if (d->bus && d->intx_level != (level != 0)) {
        d->intx_level = level != 0;
        pci_intx_update(d);
    }
}

void pci_bus_set_irqs(PciBus *b, int (*map)(PciBus *, PciDevice *, int pin), Irq *wires, int n)
{
    g_assert(!b->bridge && !b->wire);
    b->map_irq = map;
    b->wire = g_memdup2(wires, n * sizeof(Irq));
    b->wire_count = g_new0(uint32_t, n);
    b->n_wires = n;
}
