/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Split virtqueues: a descriptor table, a ring of available heads, a ring of used ones. Virtio 1.2,
 * 2.7; the legacy layout is the same thing at other addresses.
 *
 * home: the device's lock; the driver changes all of it at any time, so everything is read once.
 */
#include <inttypes.h>
#include <string.h>
#include "hw/virtio/core.h"

#define AVAIL_NO_INTERRUPT 1
#define USED_NO_NOTIFY     1

static void split_sizes(const VirtQueue *vq, uint64_t bytes[3])
{
    bytes[AREA_DESC] = 16ull * vq->size;
    bytes[AREA_DRIVER] = 6 + 2ull * vq->size;
    bytes[AREA_DEVICE] = 6 + 8ull * vq->size;
}

static uint8_t *avail_at(const VirtQueue *vq, unsigned offset)
{
    return vq->area[AREA_DRIVER].host + offset;
}

static void store_used(VirtQueue *vq, unsigned offset, uint16_t v)
{
    ring_store16(vq->area[AREA_DEVICE].host + offset, v);
    virtq_written(vq, AREA_DEVICE, offset, 2);
}

static unsigned used_event_offset(const VirtQueue *vq) /* in the driver area */
{
    return 4 + 2 * vq->size;
}

static unsigned avail_event_offset(const VirtQueue *vq) /* in the device area */
{
    return 4 + 8 * vq->size;
}

typedef struct Desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
} Desc;

/* Tables are 16-byte aligned, but indirect ones only should be. */
static Desc desc_read(const uint8_t *p)
{
    uint8_t copy[16];

    memcpy(copy, p, sizeof(copy));
    __atomic_signal_fence(__ATOMIC_SEQ_CST); /* the copy is what counts from here on */
    return (Desc){ld_le64(copy), ld_le32(copy + 8), ld_le16(copy + 12), ld_le16(copy + 14)};
}

/* Adds a chain that begins at entry i of a table of n; limit descriptors at most. */
static bool walk(VirtQueue *vq, VirtqChain *c, const uint8_t *table, unsigned n, unsigned i,
                 unsigned limit, bool indirect)
{
    for (unsigned count = 0;; count++) {
        if (count >= limit) {
            virtio_error(vq->v, "queue %u: a chain without an end", vq->index);
            return false;
        }
        Desc d = desc_read(table + 16 * i);
        if (d.flags & DESC_INDIRECT) {
            if (indirect || !virtio_has_feature(vq->v, VIRTIO_F_INDIRECT_DESC) ||
                (d.flags & DESC_NEXT)) {
                virtio_error(vq->v, "queue %u: an indirect table where there may be none",
                             vq->index);
                return false;
            }
            const uint8_t *inner = virtq_table(vq, d.addr, d.len);
            return inner &&
                   walk(vq, c, inner, d.len / 16, 0, MIN(d.len / 16, VIRTQ_MAX_SIZE), true);
        }
        if (!virtq_chain_add(vq, c, d.addr, d.len, d.flags & DESC_WRITE)) {
            return false;
        }
        if (!(d.flags & DESC_NEXT)) {
            return true;
        }
        i = d.next;
        if (i >= n) {
            virtio_error(vq->v, "queue %u: descriptor %u of a table of %u", vq->index, i, n);
            return false;
        }
    }
}

static bool split_empty(VirtQueue *vq)
{
    return ring_load16(avail_at(vq, 2)) == vq->avail;
}

static VirtqElem *split_pop(VirtQueue *vq)
{
    VirtqChain c;
    uint16_t waiting = ring_load16(avail_at(vq, 2)) - vq->avail;

    if (waiting == 0) {
        return NULL;
    }
    if (waiting > vq->size || vq->in_use >= vq->size) {
        virtio_error(vq->v, "queue %u: %u requests at once in a ring of %u", vq->index,
                     waiting + vq->in_use, vq->size);
        return NULL;
    }
    uint16_t head = ring_load16(avail_at(vq, 4 + 2 * (vq->avail & (vq->size - 1))));
    if (head >= vq->size) {
        virtio_error(vq->v, "queue %u: head %u of a table of %u", vq->index, head, vq->size);
        return NULL;
    }
    virtq_chain_init(&c);
    if (!walk(vq, &c, vq->area[AREA_DESC].host, vq->size, head, vq->size, false)) {
        return NULL;
    }
    vq->avail++;
    if (vq->kicks && virtio_has_feature(vq->v, VIRTIO_F_EVENT_IDX)) {
        store_used(vq, avail_event_offset(vq), vq->avail);
    }
    return virtq_chain_elem(vq, &c, head, 1);
}

static void split_push(VirtQueue *vq, const VirtqElem *e, uint32_t len)
{
    unsigned offset = 4 + 8 * (vq->used & (vq->size - 1));

    st_le32(vq->area[AREA_DEVICE].host + offset, e->head);
    st_le32(vq->area[AREA_DEVICE].host + offset + 4, len);
    virtq_written(vq, AREA_DEVICE, offset, 8);
    uint16_t now = ++vq->used;
    store_used(vq, 2, now);
    if ((uint16_t)(now - vq->signalled) > vq->size) { /* far behind: its distance would wrap */
        vq->signalled_valid = false;
    }
}

static bool split_wants_interrupt(VirtQueue *vq)
{
    if (!virtio_has_feature(vq->v, VIRTIO_F_EVENT_IDX)) {
        return !(ring_load16(avail_at(vq, 0)) & AVAIL_NO_INTERRUPT);
    }
    uint16_t old = vq->signalled;
    bool valid = vq->signalled_valid;
    vq->signalled = vq->used;
    vq->signalled_valid = true;
    return !valid ||
           ring_need_event(ring_load16(avail_at(vq, used_event_offset(vq))), vq->used, old);
}

static void split_disable_kicks(VirtQueue *vq)
{
    if (!virtio_has_feature(vq->v, VIRTIO_F_EVENT_IDX)) {
        store_used(vq, 0, USED_NO_NOTIFY);
    }
}

static void split_enable_kicks(VirtQueue *vq)
{
    if (virtio_has_feature(vq->v, VIRTIO_F_EVENT_IDX)) {
        store_used(vq, avail_event_offset(vq), vq->avail);
    } else {
        store_used(vq, 0, 0);
    }
}

const VirtqLayout virtq_split = {
    .sizes = split_sizes,
    .pop = split_pop,
    .push = split_push,
    .wants_interrupt = split_wants_interrupt,
    .disable_kicks = split_disable_kicks,
    .enable_kicks = split_enable_kicks,
    .empty = split_empty,
};
