/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtio core's insides: for its own files and for transports.
 */
#ifndef HW_VIRTIO_CORE_H
#define HW_VIRTIO_CORE_H

#include <pthread.h>
#include "base/bits.h"
#include "hw/virtio/virtio.h"

#define VIRTIO_NO_VECTOR 0xffff

enum { /* device status, 2.1 */
       VIRTIO_ACKNOWLEDGE = 1,
       VIRTIO_DRIVER = 2,
       VIRTIO_DRIVER_OK = 4,
       VIRTIO_FEATURES_OK = 8,
       VIRTIO_NEEDS_RESET = 64,
       VIRTIO_FAILED = 128,
};
enum { /* interrupt status */
       VIRTIO_ISR_QUEUE = 1,
       VIRTIO_ISR_CONFIG = 2,
};
enum { /* descriptor flags, 2.7.5 and 2.8 */
       DESC_NEXT = 1,
       DESC_WRITE = 2,
       DESC_INDIRECT = 4,
       DESC_AVAIL = 1 << 7,
       DESC_USED = 1 << 15,
};

/* Everything about a ring that depends on its layout. */
typedef struct VirtqLayout {
    void (*sizes)(const VirtQueue *vq, uint64_t bytes[3]); /* of the three areas */
    VirtqElem *(*pop)(VirtQueue *vq);
    void (*push)(VirtQueue *vq, const VirtqElem *e, uint32_t len);
    bool (*wants_interrupt)(VirtQueue *vq);
    void (*disable_kicks)(VirtQueue *vq);
    void (*enable_kicks)(VirtQueue *vq);
    bool (*empty)(VirtQueue *vq);
} VirtqLayout;
extern const VirtqLayout virtq_split, virtq_packed;

typedef struct VirtqArea {
    uint8_t *host;
    RamBlock *ram;
    uint64_t ram_offset;
} VirtqArea;
enum { AREA_DESC, AREA_DRIVER, AREA_DEVICE };

struct VirtQueue {
    VirtioDevice *v;
    const VirtqLayout *layout;
    uint16_t index, max_size;
    /* the transport's registers */
    bool enabled;
    uint16_t size, vector;
    hwaddr addr[3];
    uint32_t align; /* legacy: of the used ring; 0: modern */
    /* where we are. split: free running; packed: slots with their wrap counters */
    uint16_t avail, used;
    bool avail_wrap, used_wrap;
    uint16_t signalled;
    bool signalled_valid;
    bool kicks; /* the driver was asked to kick */
    /* requests */
    unsigned in_use;
    VirtqElem *first, *last; /* popped, oldest first */
    GQueue replay;           /* VirtqElem: popped before, to be popped again */
    /* turns */
    unsigned budget;
    bool more;        /* the turn ended before the ring did */
    uint32_t pending; /* atomic: kicked, not looked at */
    IoEvent *event;   /* doorbell.c; NULL: never needed */
    bool attached;    /* the transport has it where drivers ring */
    /* host side of the rings and of the last buffer; good for this generation of the map */
    uint64_t generation;
    bool mapped;
    VirtqArea area[3];
    RamWindow window, table;
};

typedef struct VirtioCore {
    VirtQueue *queue[VIRTIO_MAX_QUEUES];
    unsigned n_queues;
    uint8_t *config; /* scratch, cls->config_size bytes */
    /* saved */
    uint8_t status;
    uint32_t isr; /* atomic */
    uint64_t guest_features;
    uint16_t config_vector;
    uint32_t generation; /* atomic: of the configuration */
    /* */
    bool started; /* driver_ok() was called */
    bool broken;
    bool stopped; /* the machine stands still */
    bool shut;
    bool features_modern; /* the features came through a modern interface */
    IoThread *iothread;
    IoDoorbell *bell;
    pthread_mutex_t lock; /* with an I/O thread; after the machine's lock */
    GSource *later;       /* main loop: pending queues */
    uint32_t any_pending; /* atomic */
} VirtioCore;

static inline uint64_t virtio_bit(unsigned n)
{
    return 1ull << n;
}

/* ---- for transports; machine locked, unless it says otherwise ---- */
bool virtio_is_modern(const VirtioDevice *v); /* VERSION_1 is negotiated */
void virtio_set_guest_features(VirtioDevice *v, uint64_t features, bool modern);
uint8_t virtio_status(const VirtioDevice *v);
void virtio_set_status(VirtioDevice *v, uint8_t status, bool modern);
void virtio_reset(VirtioDevice *v);
/* 1, 2, 4 or 8 bytes at offset; beyond the end: zeros. */
uint64_t virtio_config_read(VirtioDevice *v, uint32_t offset, unsigned size);
void virtio_config_write(VirtioDevice *v, uint32_t offset, uint64_t value, unsigned size);
unsigned virtio_config_len(VirtioDevice *v);
/* The ring's addresses are set: use it. Legacy: virtq_set_legacy() instead. */
void virtq_enable(VirtQueue *vq);
/* Legacy layout at addr, 0: none. */
void virtq_set_legacy(VirtQueue *vq, hwaddr addr, uint32_t align);
void virtq_disable(VirtQueue *vq);
/* A kick by the driver: any thread, the machine locked or not. */
void virtio_notify_queue(VirtioDevice *v, unsigned n);
/* Looks at every queue soon (DMA became possible ...). */
void virtio_kick_all(VirtioDevice *v);
/* Which queues can be kicked has changed: their doorbells follow. The device's own lock is not held. */
void virtio_doorbells_update(VirtioDevice *v);
uint8_t virtio_isr_take(VirtioDevice *v); /* reads and clears */
bool virtio_dma_enabled(const VirtioDevice *v);

/* ---- between the core's files; the device's lock is held ---- */
void virtio_lock(VirtioDevice *v);
void virtio_unlock(VirtioDevice *v);
bool virtio_features_ok(const VirtioDevice *v);
void virtio_run_queue(VirtQueue *vq); /* it was kicked */
/* No event of the device comes any more. Main loop; no lock. */
void virtio_doorbells_free(VirtioDevice *v);
const VirtqLayout *virtq_layout_of(const VirtioDevice *v);
bool virtq_map(VirtQueue *vq);
void virtq_wipe(VirtQueue *vq); /* state after reset */
void virtq_written(VirtQueue *vq, int area, uint64_t offset, uint64_t len);
/* The elements of a chain are collected here and then copied to one of the right size. */
typedef struct VirtqChain {
    unsigned n_out, n_in;
    uint64_t out_len, in_len;
    bool failed;
    struct iovec iov[VIRTQ_MAX_SIZE];
    hwaddr addr[VIRTQ_MAX_SIZE];
} VirtqChain;
static inline void virtq_chain_init(VirtqChain *c)
{
    c->n_out = c->n_in = 0;
    c->out_len = c->in_len = 0;
    c->failed = false;
}
/* One descriptor's buffer, in pieces; false: virtio_error() was called. */
bool virtq_chain_add(VirtQueue *vq, VirtqChain *c, uint64_t addr, uint32_t len, bool in);
VirtqElem *virtq_chain_elem(VirtQueue *vq, const VirtqChain *c, uint16_t head, uint16_t n_desc);
VirtqElem *virtq_elem_new(VirtQueue *vq, unsigned n_out, unsigned n_in);
/* Host memory of an indirect table; NULL: virtio_error() was called. */
const uint8_t *virtq_table(VirtQueue *vq, hwaddr addr, uint32_t len);

static inline uint16_t ring_load16(const uint8_t *p)
{
    return BITS_LE(16, __atomic_load_n((const uint16_t *)p, __ATOMIC_ACQUIRE));
}
static inline void ring_store16(uint8_t *p, uint16_t v)
{
    __atomic_store_n((uint16_t *)p, BITS_LE(16, v), __ATOMIC_RELEASE);
}

/* virtio 2.7.10: was the index that the other side waits for passed on the way from old to now? */
static inline bool ring_need_event(uint16_t event, uint16_t now, uint16_t old)
{
    return (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

#endif
