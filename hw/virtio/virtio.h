/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio devices and their queues, whatever transport (PCI, MMIO) carries them. Virtio 1.2.
 *
 * A device is a DeviceType on bus "virtio" whose struct begins with VirtioDevice called virtio
 * ("virtio-blk-device"); VIRTIO_PCI_TYPE() of virtio_pci.h makes its PCI forms from it.
 *
 * Ring entries are copied once, every guest-driven loop has a bound, and a driver that breaks the
 * rules gets DEVICE_NEEDS_RESET, never an abort.
 *
 * home: the device's lock, which is the machine's, or its own when it runs its queues on an I/O
 * thread (virtio_set_iothread()). Every callback of VirtioClass comes with it held, and it is to
 * be held for every queue function. Who holds the device's own lock never takes the machine's.
 */
#ifndef HW_VIRTIO_VIRTIO_H
#define HW_VIRTIO_VIRTIO_H

#include <sys/uio.h>
#include "core/device.h"
#include "core/ioevent.h"
#include "core/iothread.h"
#include "core/machine.h"

#define VIRTQ_MAX_SIZE    1024
#define VIRTIO_MAX_QUEUES 1024

enum { /* feature bits that are not a device's own */
       VIRTIO_F_NOTIFY_ON_EMPTY = 24,
       VIRTIO_F_ANY_LAYOUT = 27,
       VIRTIO_F_INDIRECT_DESC = 28,
       VIRTIO_F_EVENT_IDX = 29,
       VIRTIO_F_VERSION_1 = 32,
       VIRTIO_F_ACCESS_PLATFORM = 33,
       VIRTIO_F_RING_PACKED = 34,
};

typedef struct VirtioDevice VirtioDevice;
typedef struct VirtQueue VirtQueue;

/* One request of the driver. out: what the device reads, in: what it writes; guest RAM mapped. */
typedef struct VirtqElem VirtqElem;
struct VirtqElem {
    uint16_t head; /* descriptor (split) or buffer id (packed) */
    uint16_t n_desc;
    unsigned n_out, n_in;
    struct iovec *out, *in;
    size_t out_len, in_len;
    /* the queue's own */
    hwaddr *out_addr, *in_addr;
    VirtqElem *next, *prev;
    VirtQueue *vq;
};

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
    void (*driver_ok)(VirtioDevice *v); /* optional: features are final, queues are set up */
    /* Stop: no request may touch guest memory after it, and each was pushed or discarded. */
    void (*reset)(VirtioDevice *v);
    /* The driver kicked this queue, or it has to be looked at again after load and resume. */
    void (*kick)(VirtioDevice *v, VirtQueue *vq);
} VirtioClass;

/* The transport behind a device. */
typedef struct VirtioTransportOps {
    void (*notify)(void *opaque, unsigned vector);         /* queue interrupt; any thread */
    void (*config_changed)(void *opaque, unsigned vector); /* the same */
    AddressSpace *(*dma)(void *opaque);                    /* any thread, as the next ones */
    bool (*dma_enabled)(void *opaque);
    bool modern, legacy;              /* what drivers may speak, beside what vetoes say */
    bool (*has_modern)(void *opaque); /* optional, for transports of both kinds */
    bool (*has_legacy)(void *opaque);
    unsigned (*auto_queues)(void *opaque); /* optional: a good number of request queues */
    bool (*kicks_threads)(void *opaque);   /* may a kick be served elsewhere than on its vCPU (ioeventfd=)? */
    /* Optional: where that queue is kicked the event may be raised instead (region_add_event()), or not any more. */
    void (*doorbell)(void *opaque, unsigned queue, IoEvent *e, bool on);
} VirtioTransportOps;

struct VirtioDevice {
    Device dev;
    bool iommu_platform, packed, event_idx, indirect_desc, any_layout,
        notify_on_empty; /* VIRTIO_PROPS */
    GByteArray *saved;   /* between pre_save and the end of saving, and while loading */
    const VirtioClass *cls;
    const VirtioTransportOps *transport;
    void *transport_opaque;
    struct VirtioCore *core; /* queues, status, features: hw/virtio/core.h */
};

/* In the device's property and state tables, as PCI_PROPS/PCI_STATE: T's first member is virtio. */
#define VIRTIO_PROPS(T)                                                                         \
    PROP(T, PROP_BOOL, virtio.event_idx, "event_idx", true, "offer VIRTIO_F_EVENT_IDX"),        \
        PROP(T, PROP_BOOL, virtio.indirect_desc, "indirect_desc", true,                         \
             "offer VIRTIO_F_INDIRECT_DESC"),                                                   \
        PROP(T, PROP_BOOL, virtio.packed, "packed", false, "offer packed rings"),               \
        PROP(T, PROP_BOOL, virtio.any_layout, "any_layout", true, "offer VIRTIO_F_ANY_LAYOUT"), \
        PROP(T, PROP_BOOL, virtio.notify_on_empty, "notify_on_empty", true,                     \
             "offer VIRTIO_F_NOTIFY_ON_EMPTY"),                                                 \
        PROP(T, PROP_BOOL, virtio.iommu_platform, "iommu_platform", false,                      \
             "offer VIRTIO_F_ACCESS_PLATFORM")
#define VIRTIO_STATE(T)                                                                    \
    STATE_BLOB(T, virtio.saved), HOST_ONLY(T, virtio.cls), HOST_ONLY(T, virtio.transport), \
        HOST_ONLY(T, virtio.transport_opaque), HOST_ONLY(T, virtio.core)
/*
 * And these in the type, or called by its own hooks: reset_hold, pre_save and post_load first
 * the device's own checks, then (last) these.
 */
void virtio_reset_hold(Device *d);
bool virtio_pre_save(Device *d, Error **errp);
bool virtio_post_load(Device *d, int version, Error **errp);

/* In realize, first; queues are added then. In unrealize, last. */
bool virtio_setup(VirtioDevice *v, const VirtioClass *cls, Error **errp);
void virtio_teardown(VirtioDevice *v);
/* Before the device's own unrealizing: stops it, kicks end. Also done by virtio_teardown(). */
void virtio_shut(VirtioDevice *v);
/* size: at most, a power of two. Once the device is realized, all queues must be there. */
VirtQueue *virtio_add_queue(VirtioDevice *v, unsigned size);
VirtQueue *virtio_queue(VirtioDevice *v, unsigned n); /* NULL past the end */
/* num-queues when nobody said: as many as vCPUs where the transport has an interrupt for each. */
unsigned virtio_auto_queues(const VirtioDevice *v);
unsigned virtio_queue_count(const VirtioDevice *v);
unsigned virtq_index(const VirtQueue *vq);
unsigned virtq_max_size(const VirtQueue *vq);
bool virtq_ready(const VirtQueue *vq);

bool virtio_has_feature(const VirtioDevice *v, unsigned bit); /* negotiated */
uint64_t virtio_host_features(const VirtioDevice *v);         /* all that is offered */
bool virtio_driver_ok(const VirtioDevice *v);
void virtio_config_changed(VirtioDevice *v); /* bumps the generation, tells the driver */
/* The driver broke a rule: logs, sets NEEDS_RESET, and nothing moves until it resets. */
void virtio_error(VirtioDevice *v, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
bool virtio_broken(const VirtioDevice *v);
/* Legacy or modern byte order of device-specific structures: always little endian for x86. */

/* The next request, or NULL: none, or the device is broken. Freed by push and discard. */
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
/* Look at this queue soon as if it had been kicked: from any thread, any lock. */
void virtio_kick_later(VirtQueue *vq);
/*
 * Requests that were popped and not pushed are part of the saved state, and after load kick()
 * finds them again, first and in their old order.
 * kick() may end when virtq_pop() gives NULL: it does so too when this turn was long enough (then
 * kick() comes again by itself) and while the machine stands still.
 */

/*
 * Queues are served on this thread from now on, under a lock of the device's own; NULL: under the
 * machine's lock. In realize, after virtio_setup(). Block ports get the thread's loop with
 * block_port_set_loop(), and these hooks with the VirtioDevice as opaque.
 */
bool virtio_set_iothread(VirtioDevice *v, IoThread *t, Error **errp);
void virtio_lock_hook(void *device);
void virtio_unlock_hook(void *device);
#define VIRTIO_LOCK_HOOKS .lock = virtio_lock_hook, .unlock = virtio_unlock_hook

#endif
