/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio devices and their queues, whatever transport (PCI, MMIO) carries them. Virtio 1.2.
 *
 * A device is a DeviceType on bus "virtio" whose struct begins with VirtioDevice
 * ("virtio-blk-device"); VIRTIO_PCI_TYPES() makes its PCI forms from it.
 *
 * Ring entries are copied once, every guest-driven loop has a bound, and a driver that breaks the
 * rules gets DEVICE_NEEDS_RESET, never an abort.
 *
 * home: the queue functions belong to the device's home, which is the machine's lock domain
 * unless the device runs its queues on an I/O thread; then that thread alone calls them.
 */
#ifndef HW_VIRTIO_VIRTIO_H
#define HW_VIRTIO_VIRTIO_H

#include <sys/uio.h>
#include "core/device.h"
#include "core/machine.h"

#define VIRTQ_MAX_SIZE 1024
#define VIRTIO_MAX_QUEUES 1024

typedef struct VirtioDevice VirtioDevice;
typedef struct VirtQueue VirtQueue;

/* One request of the driver. out: what the device reads, in: what it writes; guest RAM mapped. */
typedef struct VirtqElem {
    uint16_t head;        /* descriptor (split) or buffer id (packed) */
    uint16_t n_desc;
    unsigned n_out, n_in;
    struct iovec *out, *in;
    size_t out_len, in_len;
    /* the queue's own */
    hwaddr *in_addr;
    VirtQueue *vq;
} VirtqElem;

/* What kind of virtio device this is; one const object per device. */
typedef struct VirtioClass {
    uint16_t id;          /* 2 block, 4 entropy, 5 balloon, 8 SCSI */
    uint16_t config_size; /* bytes of device configuration at most */
    /* Offered by the device (the transport adds VERSION_1, rings' own ...). */
    uint64_t (*features)(VirtioDevice *v);
    /* Bytes of configuration there are with these features; NULL: config_size. */
    unsigned (*config_len)(VirtioDevice *v);
    void (*get_config)(VirtioDevice *v, uint8_t *config);
    void (*set_config)(VirtioDevice *v, const uint8_t *config); /* NULL: read only */
    void (*driver_ok)(VirtioDevice *v); /* features are final, queues are set up */
    void (*reset)(VirtioDevice *v);     /* stop; no request may touch guest memory after it */
    /* The driver kicked this queue, or it has to be looked at again after load and resume. */
    void (*kick)(VirtioDevice *v, VirtQueue *vq);
} VirtioClass;

/* The transport behind a device. */
typedef struct VirtioTransportOps {
    void (*notify)(void *opaque, unsigned vector); /* queue interrupt; any thread */
    void (*config_changed)(void *opaque, unsigned vector);
    AddressSpace *(*dma)(void *opaque);
    bool (*dma_enabled)(void *opaque);
    MemAttrs (*attrs)(void *opaque);
} VirtioTransportOps;

struct VirtioDevice {
    Device dev;
    const VirtioClass *cls;
    const VirtioTransportOps *transport;
    void *transport_opaque;
    struct VirtioCore *core; /* queues, status, features: hw/virtio/virtio.c */
    bool iommu_platform, packed, event_idx, indirect_desc, any_layout, use_started; /* VIRTIO_PROPS */
};
#define VIRTIO_PROPS(T)                                                                            \
    PROP(T, PROP_BOOL, virtio.event_idx, "event_idx", true, "offer VIRTIO_F_EVENT_IDX"),           \
    PROP(T, PROP_BOOL, virtio.indirect_desc, "indirect_desc", true,                                \
         "offer VIRTIO_F_INDIRECT_DESC"),                                                          \
    PROP(T, PROP_BOOL, virtio.packed, "packed", false, "offer packed rings"),                      \
    PROP(T, PROP_BOOL, virtio.any_layout, "any_layout", true, "offer VIRTIO_F_ANY_LAYOUT"),        \
    PROP(T, PROP_BOOL, virtio.iommu_platform, "iommu_platform", false,                             \
         "offer VIRTIO_F_ACCESS_PLATFORM")

/* In realize, first; queues are added then. In unrealize, last. */
bool virtio_setup(VirtioDevice *v, const VirtioClass *cls, Error **errp);
void virtio_teardown(VirtioDevice *v);
VirtQueue *virtio_add_queue(VirtioDevice *v, unsigned size);
VirtQueue *virtio_queue(VirtioDevice *v, unsigned n);
unsigned virtq_index(const VirtQueue *vq);
bool virtq_ready(const VirtQueue *vq);

bool virtio_has_feature(const VirtioDevice *v, unsigned bit); /* negotiated */
bool virtio_driver_ok(const VirtioDevice *v);
void virtio_config_changed(VirtioDevice *v); /* bumps the generation, tells the driver */
/* The driver broke a rule: logs, sets NEEDS_RESET, and nothing moves until it resets. */
void virtio_error(VirtioDevice *v, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* Legacy or modern byte order of device-specific structures: always little endian for x86. */

/* The next request, or NULL: none, or the device is broken. Freed by push, discard or unpop. */
VirtqElem *virtq_pop(VirtQueue *vq);
/* Done: written bytes of `in` are valid. Marks them dirty. Does not notify. */
void virtq_push(VirtQueue *vq, VirtqElem *e, size_t written);
/* Forget the request without an answer (device reset). */
void virtq_discard(VirtQueue *vq, VirtqElem *e);
/* Put it back: it will be popped again. Only the newest one. */
void virtq_unpop(VirtQueue *vq, VirtqElem *e);
/* Interrupts the driver, if it wants to hear of what was pushed since the last call. */
void virtq_notify(VirtQueue *vq);
/* The driver need not kick while we poll; enable returns true if more came meanwhile. */
void virtq_disable_kicks(VirtQueue *vq);
bool virtq_enable_kicks(VirtQueue *vq);
bool virtq_empty(VirtQueue *vq);
/*
 * Requests that were popped and not pushed are part of the saved state: their heads are saved,
 * and after load kick() finds them again, first and in their old order.
 */

/*
 * Kicks of this device's queues do not take the machine's lock but arrive on loop, as do
 * virtio_run_on_home() calls; NULL: the lock domain again. See core/iothread.h.
 */
void virtio_set_loop(VirtioDevice *v, GMainContext *loop);

/* In the device's property and state tables, as PCI_PROPS/PCI_STATE: T's first member is virtio. */
#define VIRTIO_STATE(T)                                                                            \
    HOST_ONLY(T, virtio.cls), HOST_ONLY(T, virtio.transport), HOST_ONLY(T, virtio.transport_opaque), \
    HOST_ONLY(T, virtio.core), HOST_ONLY(T, virtio.use_started)

/*
 * The PCI forms of a virtio device: "NAME-pci" (transitional where the device has a legacy form,
 * as disable-legacy/disable-modern say), with the PCI properties and all of the device's own.
 * Implemented by hw/virtio/virtio_pci.c; one line per device:
 *     VIRTIO_PCI_TYPE(virtio_blk_pci, "virtio-blk-pci", "virtio-blk", &virtio_blk_device_type, ...)
 * See hw/virtio/virtio_pci.h.
 */

#endif
