/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The place of one virtio device behind a transport.
 */
#ifndef HW_VIRTIO_BUS_H
#define HW_VIRTIO_BUS_H

#include "hw/virtio/virtio.h"

typedef struct VirtioBus {
    Bus bus; /* kind "virtio" */
    const VirtioTransportOps *transport;
    VirtioDevice *device; /* NULL: nobody there */
} VirtioBus;

/* In the transport's realize and unrealize; opaque of the transport's operations is the owner. */
void virtio_bus_init(VirtioBus *b, Device *owner, const char *name, const VirtioTransportOps *ops);
void virtio_bus_fini(VirtioBus *b);
/* The device, if it is realized. */
VirtioDevice *virtio_bus_device(VirtioBus *b);

#endif
