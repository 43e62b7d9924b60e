/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packed virtqueues: one ring of descriptors that both sides write, with wrap counters. Virtio 1.2,
 * 2.8.
 *
 * home: the device's lock; the driver changes all of it at any time, so everything is read once.
 */
#include <inttypes.h>
#include <string.h>
#include "hw/virtio/core.h"

enum { EVENT_ENABLE, EVENT_DISABLE, EVENT_DESC };

static void packed_sizes(const VirtQueue *vq, uint64_t bytes[3])
{
    bytes[AREA_DESC] = 16ull * vq->size;
    bytes[AREA_DRIVER] = bytes[AREA_DEVICE] = 4;
}

typedef struct Desc {
    uint64_t addr;
    uint32_t len;
    uint16_t id, flags;
} Desc;

static Desc desc_read(const uint8_t *p)
{
    uint8_t copy[16];

    memcpy(copy, p, sizeof(copy));
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return (Desc){ld_le64(copy), ld_le32(copy + 8), ld_le16(copy + 12), ld_le16(copy + 14)};
}

static uint8_t *slot(const VirtQueue *vq, unsigned i)
{
    return vq->area[AREA_DESC].host + 16 * i;
}

static bool is_avail(uint16_t flags, bool wrap)
{
    return !!(flags & DESC_AVAIL) == wrap && !!(flags & DESC_USED) != wrap;
}

static bool packed_empty(VirtQueue *vq)
{
    return !is_avail(ring_load16(slot(vq, vq->avail) + 14), vq->avail_wrap);
}

/* A table has no NEXT flags: its length says how many (2.8.7). */
static bool walk_indirect(VirtQueue *vq, VirtqChain *c, const Desc *d)
{
    if (!virtio_has_feature(vq->v, VIRTIO_F_INDIRECT_DESC)) {
        virtio_error(vq->v, "queue %u: an indirect table where there may be none", vq->index);
        return false;
    }
    const uint8_t *table = virtq_table(vq, d->addr, d->len);
    if (!table) {
        return false;
    }
    if (d->len / 16 > VIRTQ_MAX_SIZE) {
        virtio_error(vq->v, "queue %u: an indirect table of %u bytes", vq->index, d->len);
        return false;
    }
    for (unsigned i = 0; i < d->len / 16; i++) {
        Desc x = desc_read(table + 16 * i);
        if ((x.flags & DESC_INDIRECT) ||
            !virtq_chain_add(vq, c, x.addr, x.len, x.flags & DESC_WRITE)) {
            if (x.flags & DESC_INDIRECT) {
                virtio_error(vq->v, "queue %u: an indirect table in another", vq->index);
            }
            return false;
        }
    }
    return true;
}

/* The number of descriptors, 0: virtio_error() was called. */
static unsigned walk(VirtQueue *vq, VirtqChain *c, uint16_t *id)
{
    unsigned i = vq->avail;

    for (unsigned n = 1; n <= vq->size; n++) {
        Desc d = desc_read(slot(vq, i));
        if (d.flags & DESC_INDIRECT) {
            if (d.flags & DESC_NEXT) { /* 2.8.8: only alone or last */
                virtio_error(vq->v, "queue %u: an indirect table in the middle of a chain",
                             vq->index);
                return 0;
            }
            *id = d.id;
            return walk_indirect(vq, c, &d) ? n : 0;
        }
        if (!virtq_chain_add(vq, c, d.addr, d.len, d.flags & DESC_WRITE)) {
            return 0;
        }
        if (!(d.flags & DESC_NEXT)) {
            *id = d.id;
            return n;
        }
        i = i + 1 == vq->size ? 0 : i + 1;
    }
    virtio_error(vq->v, "queue %u: a chain without an end", vq->index);
    return 0;
}

static void advance(const VirtQueue *vq, uint16_t *at, bool *wrap, unsigned n)
{
    unsigned next = *at + n;

    if (next >= vq->size) {
        next -= vq->size;
        *wrap = !*wrap;
    }
    *at = next;
}

static void store_device_event(VirtQueue *vq, uint16_t off_wrap, uint16_t flags)
{
    uint8_t *p = vq->area[AREA_DEVICE].host;

    ring_store16(p, off_wrap);
    ring_store16(p + 2, flags);
    virtq_written(vq, AREA_DEVICE, 0, 4);
}

static void packed_enable_kicks(VirtQueue *vq)
{
    if (virtio_has_feature(vq->v, VIRTIO_F_EVENT_IDX)) {
        store_device_event(vq, vq->avail | vq->avail_wrap << 15, EVENT_DESC);
    } else {
        store_device_event(vq, 0, EVENT_ENABLE);
    }
}

static void packed_disable_kicks(VirtQueue *vq)
{
    store_device_event(vq, 0, EVENT_DISABLE);
}

static VirtqElem *packed_pop(VirtQueue *vq)
{
    VirtqChain c;
    uint16_t id;

    if (packed_empty(vq)) {
        return NULL;
    }
    if (vq->in_use >= vq->size) {
        virtio_error(vq->v, "queue %u: more requests than its %u slots", vq->index, vq->size);
        return NULL;
    }
    virtq_chain_init(&c);
    unsigned n = walk(vq, &c, &id);
    if (!n) {
        return NULL;
    }
    advance(vq, &vq->avail, &vq->avail_wrap, n);
    if (vq->kicks && virtio_has_feature(vq->v, VIRTIO_F_EVENT_IDX)) {
        packed_enable_kicks(vq);
    }
    return virtq_chain_elem(vq, &c, id, n);
}

static void packed_push(VirtQueue *vq, const VirtqElem *e, uint32_t len)
{
    uint8_t *p = slot(vq, vq->used);
    uint16_t flags = (vq->used_wrap ? DESC_AVAIL | DESC_USED : 0) | (e->n_in ? DESC_WRITE : 0);

    st_le32(p + 8, len);
    st_le16(p + 12, e->head);
    ring_store16(p + 14, flags);
    virtq_written(vq, AREA_DESC, 16ull * vq->used, 16);
    bool wrap = vq->used_wrap;
    advance(vq, &vq->used, &vq->used_wrap, e->n_desc);
    if (wrap != vq->used_wrap) {
        vq->signalled_valid = false;
    }
}

static bool packed_wants_interrupt(VirtQueue *vq)
{
    const uint8_t *p = vq->area[AREA_DRIVER].host;
    uint16_t flags = ring_load16(p + 2), off_wrap = ring_load16(p);
    uint16_t old = vq->signalled;
    bool valid = vq->signalled_valid;

    vq->signalled = vq->used;
    vq->signalled_valid = true;
    if ((flags & 3) != EVENT_DESC || !virtio_has_feature(vq->v, VIRTIO_F_EVENT_IDX)) {
        return (flags & 3) != EVENT_DISABLE;
    }
    uint16_t event = off_wrap & 0x7fff;
    if ((off_wrap >> 15) != vq->used_wrap) {
        event -= vq->size;
    }
    return !valid || ring_need_event(event, vq->used, old);
}

const VirtqLayout virtq_packed = {
    .sizes = packed_sizes,
    .pop = packed_pop,
    .push = packed_push,
    .wants_interrupt = packed_wants_interrupt,
    .disable_kicks = packed_disable_kicks,
    .enable_kicks = packed_enable_kicks,
    .empty = packed_empty,
};
