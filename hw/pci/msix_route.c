/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSI-X vectors with a short way to the accelerator (AccelMsiOps), for functions whose interrupts come from I/O threads.
 *
 * A route is told the message when its vector is unmasked, and is used while it is known to have what the table has
 * (`good`): whoever changes the table says so before and after. In between messages take the bus's way, and so they do
 * where the accelerator has no routes, or not now. Masks and pending bits are msix.c's as ever.
 *
 * home: msix_route_send() any thread; the rest is the machine's lock domain.
 */
#include "core/accel.h"
#include "hw/pci/internal.h"

struct MsixRoute {
    const AccelMsiOps *ops;
    AccelMsi *route; /* NULL: none yet, and so good is 0 */
    uint32_t good;   /* atomic */
};

void pci_msix_use_routes(PciDevice *d)
{
    if (d->msix_vectors && !d->msix_route) {
        d->msix_route = g_new0(MsixRoute, d->msix_vectors);
    }
}

void msix_route_change(PciDevice *d, unsigned vector)
{
    if (d->msix_route) {
        __atomic_store_n(&d->msix_route[vector].good, 0, __ATOMIC_SEQ_CST);
    }
}

void msix_route_changed(PciDevice *d, unsigned vector, uint64_t addr, uint32_t data)
{
    MsixRoute *r = d->msix_route ? &d->msix_route[vector] : NULL;
    const AccelOps *accel = machine_accel(d->dev.machine);

    if (!r || __atomic_load_n(&r->good, __ATOMIC_SEQ_CST)) {
        return;
    }
    if (!r->route && accel && accel->msi) {
        r->ops = accel->msi;
        r->route = r->ops->open(d->dev.machine);
    }
    if (r->route && r->ops->set(r->route, addr, data)) {
        __atomic_store_n(&r->good, 1, __ATOMIC_SEQ_CST);
    }
}

bool msix_route_send(PciDevice *d, unsigned vector)
{
    MsixRoute *r = d->msix_route ? &d->msix_route[vector] : NULL;

    return r && __atomic_load_n(&r->good, __ATOMIC_SEQ_CST) && __atomic_load_n(&d->bus_master, __ATOMIC_SEQ_CST) &&
           r->ops->send(r->route);
}

void msix_routes_free(PciDevice *d)
{
    for (unsigned v = 0; d->msix_route && v < d->msix_vectors; v++) {
        if (d->msix_route[v].route) {
            d->msix_route[v].ops->close(d->msix_route[v].route);
        }
    }
    g_clear_pointer(&d->msix_route, g_free);
}
