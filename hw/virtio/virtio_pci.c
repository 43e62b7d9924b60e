/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio over PCI: the function, its identity, capabilities and interrupts. Virtio 1.2, 4.1; the
 * registers are in virtio_pci_regs.c.
 *
 * Without disable-legacy= a device is transitional on a root bus and modern-only behind a port of
 * PCI Express, where it is an Express endpoint. BARs are where QEMU has them: 0 legacy ports, 1
 * MSI-X, 4 modern registers.
 *
 * Left out: ATS, AER, modern notification by port, notification data.
 *
 * home: the machine's lock; kicks and queue interrupts: any thread.
 */
#include <string.h>

#include "base/loop.h"
#include "hw/virtio/virtio_pci_internal.h"

#define VECTORS_AUTO UINT32_MAX

enum { LEGACY_AUTO, LEGACY_ON, LEGACY_OFF }; /* of disable-legacy */
static const char *const on_off_auto[] = {"auto", "on", "off", NULL};

/* By virtio id: class code, transitional PCI id (0: modern only), vectors beside the queues'. */
typedef struct Identity {
    uint16_t id, transitional;
    uint32_t class_code;
    int vectors; /* default; -1: one per queue and one */
} Identity;
static const Identity identities[] = {
    {2, 0x1001, 0x010000, -1}, /* block */
    {4, 0x1005, 0x00ff00, 2},  /* entropy */
    {5, 0x1002, 0x00ff00, 0},  /* balloon */
    {8, 0x1004, 0x010000, -1}, /* SCSI */
    {0, 0, 0x00ff00, -1},
};

static const Identity *identity(uint16_t id)
{
    const Identity *i = identities;

    while (i->id && i->id != id) {
        i++;
    }
    return i;
}

/* ---- the transport ---- */

static void interrupt(VirtioPci *p, unsigned vector)
{
    if (pci_msix_enabled(&p->pci)) {
        if (vector != VIRTIO_NO_VECTOR) {
            pci_msix_notify(&p->pci, vector);
        }
    } else if (machine_locked(p->pci.dev.machine)) {
        device_update(&p->pci.dev);
    } else { /* on an I/O thread: pins belong to the machine's lock */
        loop_timer_arm(p->intx, 0);
    }
}

static void transport_notify(void *opaque, unsigned vector)
{
    interrupt(opaque, vector);
}

static AddressSpace *transport_dma(void *opaque)
{
    return ((VirtioPci *)opaque)->dma;
}

static bool transport_dma_enabled(void *opaque)
{
    return __atomic_load_n(&((VirtioPci *)opaque)->pci.bus_master, __ATOMIC_ACQUIRE);
}

static bool transport_modern(void *opaque)
{
    return ((VirtioPci *)opaque)->modern;
}

static bool transport_legacy(void *opaque)
{
    return ((VirtioPci *)opaque)->legacy;
}

static unsigned transport_auto_queues(void *opaque)
{
    const MachineConfig *c = machine_config(((Device *)opaque)->machine);

    return MAX(c->cpus, 1);
}

static bool kicks_threads(void *opaque)
{
    return ((VirtioPci *)opaque)->ioeventfd;
}

static const VirtioTransportOps transport = {
    .kicks_threads = kicks_threads,
    .doorbell = virtio_pci_doorbell,
    .notify = transport_notify,
    .config_changed = transport_notify,
    .dma = transport_dma,
    .dma_enabled = transport_dma_enabled,
    .has_modern = transport_modern,
    .has_legacy = transport_legacy,
    .auto_queues = transport_auto_queues,
};

static void intx_later(void *opaque)
{
    VirtioPci *p = opaque;

    machine_lock(p->pci.dev.machine);
    device_update(&p->pci.dev);
    machine_unlock(p->pci.dev.machine);
}

void virtio_pci_outputs(Device *d)
{
    VirtioPci *p = (VirtioPci *)d;
    VirtioDevice *v = virtio_bus_device(&p->vbus);

    pci_set_irq(&p->pci, v && !pci_msix_enabled(&p->pci) &&
                             __atomic_load_n(&v->core->isr, __ATOMIC_SEQ_CST));
}

static void config_written(PciDevice *d, unsigned offset, unsigned size, uint32_t old)
{
    VirtioPci *p = (VirtioPci *)d;
    VirtioDevice *v = virtio_bus_device(&p->vbus);

    if (v && offset < 6 && offset + size > 4) {
        if (d->bus_master && v->core->started) {
            virtio_kick_all(v); /* what came while we had no access to memory */
        }
        device_update(&d->dev);
    }
    virtio_pci_window_written(p, offset, size);
}

static void config_read(PciDevice *d, unsigned offset, unsigned size)
{
    virtio_pci_window_read((VirtioPci *)d, offset, size);
}

/* ---- setting up ---- */

static bool check(VirtioPci *p, const VirtioDevice *v, Error **errp)
{
    if (!p->legacy && !p->modern) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "device cannot work as neither modern nor legacy mode is enabled");
        error_hint(errp, "set either disable-modern or disable-legacy to 'off'");
        return false;
    }
    if (!p->modern && (v->packed || v->iommu_platform)) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' needs the modern interface",
                  v->packed ? "packed" : "iommu_platform");
        error_hint(errp, "disable-modern is on");
        return false;
    }
    return true;
}

static bool setup_function(VirtioPci *p, const VirtioDevice *v, bool express, Error **errp)
{
    const Identity *i = identity(v->cls->id);
    PciIdent id = {
        .vendor = 0x1af4,
        .device = p->legacy ? i->transitional : 0x1040 + v->cls->id,
        .sub_vendor = 0x1af4,
        .sub_device = p->legacy ? v->cls->id : 0x1100,
        .class_code = i->class_code,
        .revision = p->legacy ? 0 : 1,
        .pin = 1,
        .express = express,
        .pcie_type = PCIE_ENDPOINT,
    };

    return pci_setup(&p->pci, &id, errp);
}

static bool setup_vectors(VirtioPci *p, VirtioDevice *v, Error **errp)
{
    int def = identity(v->cls->id)->vectors;
    uint32_t n = p->vectors != VECTORS_AUTO ? p->vectors
                 : def >= 0                 ? def
                                            : MIN(virtio_queue_count(v) + 1, 2048);

    if (n > 2048) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%u' vectors are too many", n);
        error_hint(errp, "there may be 2048");
        return false;
    }
    if (n) {
        uint32_t table = n * 16, pba = MAX(0x800, (table + 4095) & ~4095u);
        if (table <= 0x800) {
            pba = 0x800;
        }
        pci_add_msix(&p->pci, n, 1, 0, pba, 0);
        if (v->core->iothread) {
            pci_msix_use_routes(&p->pci);
        }
    }
    return true;
}

static bool realize(Device *d, Error **errp)
{
    VirtioPci *p = (VirtioPci *)d;
    VirtioDevice *v = (VirtioDevice *)d->inner;
    bool port = p->pci.bus && p->pci.bus->express && p->pci.bus->bridge;

    p->legacy = p->disable_legacy == LEGACY_OFF || (p->disable_legacy == LEGACY_AUTO && !port);
    p->modern = !p->disable_modern;
    if (!p->pci.bus) {
        error_set(errp, ERR_GENERIC, "'%s' is on no PCI bus", d->type->name);
        return false;
    }
    if (!check(p, v, errp)) {
        return false;
    }
    p->dma = pci_dma_space(&p->pci);
    virtio_bus_init(&p->vbus, d, "virtio-bus", &transport);
    d->inner->bus = &p->vbus.bus;
    bool legacy_fine = true;
    if (!device_realize(d->inner, errp)) {
        virtio_bus_fini(&p->vbus);
        return false;
    }
    if (p->legacy && !identity(v->cls->id)->transitional) {
        legacy_fine = p->disable_legacy == LEGACY_AUTO;
        p->legacy = false;
    }
    if (!legacy_fine) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' has no legacy form", d->type->name);
    }
    if (!legacy_fine || !setup_function(p, v, port && p->modern, errp) ||
        !setup_vectors(p, v, errp)) {
        virtio_shut(v);
        virtio_bus_fini(&p->vbus);
        return false;
    }
    p->intx = loop_timer_new(machine_loop(d->machine), intx_later, p);
    virtio_pci_map(p, v);
    p->pci.config_written = config_written;
    p->pci.config_read = config_read;
    return true;
}

bool virtio_pci_realize(Device *d, Error **errp)
{
    return realize(d, errp);
}

bool virtio_pci_transitional_realize(Device *d, Error **errp)
{
    ((VirtioPci *)d)->disable_legacy = LEGACY_OFF;
    return realize(d, errp);
}

bool virtio_pci_modern_realize(Device *d, Error **errp)
{
    ((VirtioPci *)d)->disable_legacy = LEGACY_ON;
    return realize(d, errp);
}

void virtio_pci_unrealize(Device *d)
{
    VirtioPci *p = (VirtioPci *)d;

    if (p->vbus.device) {
        virtio_shut(p->vbus.device);
    }
    loop_remove(p->intx);
    p->intx = NULL;
    pci_teardown(&p->pci);
    virtio_bus_fini(&p->vbus);
}

void virtio_pci_reset_hold(Device *d)
{
    VirtioPci *p = (VirtioPci *)d;

    if (p->vbus.device) {
        virtio_reset_hold(&p->vbus.device->dev);
    }
    pci_reset(&p->pci);
}

bool virtio_pci_post_load(Device *d, int version, Error **errp)
{
    pci_loaded(&((VirtioPci *)d)->pci);
    return true;
}

#define COMMON_PROPS                                                                  \
    PCI_PROPS(VirtioPci),                                                             \
        PROP(VirtioPci, PROP_BOOL, page_per_vq, "page-per-vq", false,                 \
             "a page of its own for each queue's doorbell"),                          \
        PROP(VirtioPci, PROP_BOOL, ioeventfd, "ioeventfd", true,                      \
             "kicks are served on the device's I/O thread or the main loop; iothread= needs it"), \
        PROP(VirtioPci, PROP_U32, vectors, "vectors", VECTORS_AUTO,                   \
             "MSI-X vectors; 0: none; by default one per queue and one")
const Property virtio_pci_props[] = {
    COMMON_PROPS,
    {.name = "disable-legacy",
     .kind = PROP_ENUM,
     .offset = offsetof(VirtioPci, disable_legacy),
     .def = LEGACY_AUTO,
     .enum_names = on_off_auto,
     .help = "no interface for old drivers"},
    PROP(VirtioPci, PROP_BOOL, disable_modern, "disable-modern", false, "no virtio 1.0 interface"),
    {0},
};
const Property virtio_pci_fixed_props[] = {COMMON_PROPS, {0}};

const StateField virtio_pci_state[] = {
    PCI_STATE(VirtioPci),
    STATE(VirtioPci, STATE_U32, device_feature_select, 0),
    STATE(VirtioPci, STATE_U32, driver_feature_select, 0),
    STATE(VirtioPci, STATE_U16, queue_select, 0),
    HOST_ONLY(VirtioPci, disable_legacy), /* in no property table of the fixed forms */
    HOST_ONLY(VirtioPci, disable_modern),
    HOST_ONLY(VirtioPci, vbus),
    HOST_ONLY(VirtioPci, modern),
    HOST_ONLY(VirtioPci, legacy),
    HOST_ONLY(VirtioPci, cfg_cap),
    HOST_ONLY(VirtioPci, dma),
    HOST_ONLY(VirtioPci, doorbells),
    HOST_ONLY(VirtioPci, legacy_doorbell),
    HOST_ONLY(VirtioPci, intx),
    {0},
};
