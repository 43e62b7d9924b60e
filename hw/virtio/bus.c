/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See bus.h. home: main loop.
 */
#include "hw/virtio/bus.h"

static bool bus_attach(Bus *bus, Device *d, Error **errp)
{
    VirtioBus *b = (VirtioBus *)bus;
    VirtioDevice *v = (VirtioDevice *)d;

    if (b->device) {
        error_set(errp, ERR_GENERIC, "there is a virtio device on bus '%s' already", bus->name);
        return false;
    }
    b->device = v;
    v->transport = b->transport;
    v->transport_opaque = bus->owner;
    return true;
}

static void bus_detach(Bus *bus, Device *d)
{
    VirtioBus *b = (VirtioBus *)bus;

    if (b->device == (VirtioDevice *)d) {
        b->device->transport = NULL;
        b->device = NULL;
    }
}

static bool bus_full(Bus *bus)
{
    return ((VirtioBus *)bus)->device != NULL;
}

/* What firmware calls it below the transport; controllers' own children go on by themselves. */
static void bus_fw_path(Bus *bus, Device *d, GString *out)
{
    VirtioDevice *v = (VirtioDevice *)d;

    if (v->cls && v->cls->id == 2) {
        g_string_append(out, "disk@0,0");
    } else {
        g_string_truncate(out, 0);
    }
}

static const BusOps virtio_bus_ops = {
    .kind = "virtio",
    .attach = bus_attach,
    .detach = bus_detach,
    .full = bus_full,
    .fw_path = bus_fw_path,
};

void virtio_bus_init(VirtioBus *b, Device *owner, const char *name, const VirtioTransportOps *ops)
{
    bus_init(&b->bus, &virtio_bus_ops, owner, name);
    b->transport = ops;
    b->device = NULL;
}

void virtio_bus_fini(VirtioBus *b)
{
    bus_fini(&b->bus);
}

VirtioDevice *virtio_bus_device(VirtioBus *b)
{
    return b->device && b->device->dev.realized ? b->device : NULL;
}
