/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queues whatever their layout: mapping, requests in flight, turns, interrupts. Virtio 1.2, 2.6.
 *
 * Rings and buffers are RAM. What a driver places elsewhere (registers, ROM, nowhere) breaks the
 * device, as does a ring that is not in one piece of RAM.
 *
 * home: the device's lock.
 */
#include <inttypes.h>
#include <string.h>

#include "hw/virtio/core.h"

#define CHAIN_MAX_BYTES (1ull << 32) /* 2.7.5.2: not longer in total */

unsigned virtq_index(const VirtQueue *vq)
{
    return vq->index;
}

unsigned virtq_max_size(const VirtQueue *vq)
{
    return vq->max_size;
}

bool virtq_ready(const VirtQueue *vq)
{
    return vq->enabled && vq->v->core->started && !vq->v->core->broken;
}

/* ---- mapping ---- */

static bool map_area(VirtQueue *vq, int n, uint64_t bytes, AddressSpace *as, uint64_t *generation)
{
    static const uint8_t split_align[3] = {16, 2, 4}, packed_align[3] = {16, 4, 4};
    static const char *const names[3] = {"descriptor area", "driver area", "device area"};
    const uint8_t *align = vq->layout == &virtq_packed ? packed_align : split_align;
    hwaddr addr = vq->addr[n];
    RamWindow w;

    if (addr & (align[n] - 1)) {
        virtio_error(vq->v, "queue %u: %s at 0x%" PRIx64 " is not aligned", vq->index, names[n],
                     addr);
        return false;
    }
    if (!address_space_window(as, addr, &w) || w.readonly || bytes > w.size - (addr - w.base)) {
        virtio_error(vq->v, "queue %u: %s at 0x%" PRIx64 " is not in RAM", vq->index, names[n],
                     addr);
        return false;
    }
    vq->area[n] = (VirtqArea){w.host + (addr - w.base), w.ram, w.ram_offset + (addr - w.base)};
    *generation = MIN(*generation, w.generation);
    return true;
}

bool virtq_map(VirtQueue *vq)
{
    VirtioDevice *v = vq->v;
    AddressSpace *as = v->transport->dma(v->transport_opaque);
    uint64_t bytes[3], generation = UINT64_MAX;

    if (vq->mapped && vq->generation == address_space_generation(as)) {
        return true;
    }
    vq->mapped = false;
    vq->window.size = vq->table.size = 0;
    vq->layout->sizes(vq, bytes);
    for (int n = 0; n < 3; n++) {
        if (!map_area(vq, n, bytes[n], as, &generation)) {
            return false;
        }
    }
    vq->generation = generation;
    vq->mapped = true;
    return true;
}

void virtq_written(VirtQueue *vq, int area, uint64_t offset, uint64_t len)
{
    ram_written(vq->area[area].ram, vq->area[area].ram_offset + offset, len);
}

/* The window around addr; the last one is mostly right. */
static bool window_at(VirtQueue *vq, RamWindow *w, hwaddr addr)
{
    VirtioDevice *v = vq->v;

    if (w->size && addr - w->base < w->size && w->generation == vq->generation) {
        return true;
    }
    if (!address_space_window(v->transport->dma(v->transport_opaque), addr, w)) {
        w->size = 0;
        return false;
    }
    return true;
}

bool virtq_chain_add(VirtQueue *vq, VirtqChain *c, uint64_t addr, uint32_t len, bool in)
{
    if (c->n_in && !in) {
        virtio_error(vq->v, "queue %u: a buffer to read follows one to write", vq->index);
        return false;
    }
    if (c->out_len + c->in_len + len > CHAIN_MAX_BYTES) {
        virtio_error(vq->v, "queue %u: a chain of more than 4 GiB", vq->index);
        return false;
    }
    *(in ? &c->in_len : &c->out_len) += len;
    while (len) {
        RamWindow *w = &vq->window;
        if (!window_at(vq, w, addr) || (in && w->readonly)) {
            virtio_error(vq->v, "queue %u: a buffer at 0x%" PRIx64 " is not in RAM", vq->index,
                         addr);
            return false;
        }
        if (c->n_out + c->n_in == VIRTQ_MAX_SIZE) {
            virtio_error(vq->v, "queue %u: a chain of too many pieces", vq->index);
            return false;
        }
        uint64_t part = MIN(len, w->size - (addr - w->base));
        c->iov[c->n_out + c->n_in] = (struct iovec){w->host + (addr - w->base), part};
        c->addr[c->n_out + c->n_in] = addr;
        *(in ? &c->n_in : &c->n_out) += 1;
        len -= part;
        addr += part;
        if (len && addr == 0) {
            virtio_error(vq->v, "queue %u: a buffer past the end of memory", vq->index);
            return false;
        }
    }
    return true;
}

const uint8_t *virtq_table(VirtQueue *vq, hwaddr addr, uint32_t len)
{
    RamWindow *w = &vq->table;

    if (len == 0 || len % 16) {
        virtio_error(vq->v, "queue %u: an indirect table of %u bytes", vq->index, len);
        return NULL;
    }
    if (!window_at(vq, w, addr) || len > w->size - (addr - w->base)) {
        virtio_error(vq->v, "queue %u: an indirect table at 0x%" PRIx64 " is not in RAM", vq->index,
                     addr);
        return NULL;
    }
    return w->host + (addr - w->base);
}

/* ---- requests ---- */

VirtqElem *virtq_elem_new(VirtQueue *vq, unsigned n_out, unsigned n_in)
{
    unsigned n = n_out + n_in;
    VirtqElem *e = g_malloc(sizeof(*e) + n * (sizeof(struct iovec) + sizeof(hwaddr)));

    memset(e, 0, sizeof(*e));
    e->vq = vq;
    e->n_out = n_out;
    e->n_in = n_in;
    e->out = (struct iovec *)(e + 1);
    e->in = e->out + n_out;
    e->out_addr = (hwaddr *)(e->out + n);
    e->in_addr = e->out_addr + n_out;
    return e;
}

VirtqElem *virtq_chain_elem(VirtQueue *vq, const VirtqChain *c, uint16_t head, uint16_t n_desc)
{
    VirtqElem *e = virtq_elem_new(vq, c->n_out, c->n_in);

    e->head = head;
    e->n_desc = n_desc;
    e->out_len = c->out_len;
    e->in_len = c->in_len;
    memcpy(e->out, c->iov, (c->n_out + c->n_in) * sizeof(struct iovec));
    memcpy(e->out_addr, c->addr, (c->n_out + c->n_in) * sizeof(hwaddr));
    return e;
}

static void link_elem(VirtQueue *vq, VirtqElem *e)
{
    e->prev = vq->last;
    e->next = NULL;
    *(vq->last ? &vq->last->next : &vq->first) = e;
    vq->last = e;
}

static void unlink_elem(VirtQueue *vq, VirtqElem *e)
{
    *(e->prev ? &e->prev->next : &vq->first) = e->next;
    *(e->next ? &e->next->prev : &vq->last) = e->prev;
}

/* An element that was popped before: its memory may have moved since. */
static bool remap(VirtQueue *vq, VirtqElem *e)
{
    unsigned n = e->n_out + e->n_in;

    for (unsigned i = 0; i < n; i++) {
        RamWindow *w = &vq->window;
        if (!window_at(vq, w, e->out_addr[i]) || (i >= e->n_out && w->readonly) ||
            e->out[i].iov_len > w->size - (e->out_addr[i] - w->base)) {
            virtio_error(vq->v, "queue %u: a buffer at 0x%" PRIx64 " is not in RAM", vq->index,
                         e->out_addr[i]);
            return false;
        }
        e->out[i].iov_base = w->host + (e->out_addr[i] - w->base);
    }
    return true;
}

static bool may_pop(VirtQueue *vq)
{
    VirtioCore *core = vq->v->core;

    if (core->broken || core->shut || !vq->enabled || !core->started) {
        return false;
    }
    if (core->stopped || !virtio_dma_enabled(vq->v)) {
        vq->more = true; /* resuming looks at every queue */
        return false;
    }
    if (vq->budget == 0) {
        if (!vq->more) {
            vq->more = true;
            virtio_kick_later(vq);
        }
        return false;
    }
    return virtq_map(vq);
}

VirtqElem *virtq_pop(VirtQueue *vq)
{
    VirtqElem *e;

    if (!may_pop(vq)) {
        return NULL;
    }
    if (!g_queue_is_empty(&vq->replay)) {
        e = g_queue_peek_head(&vq->replay);
        if (!remap(vq, e)) {
            return NULL;
        }
        g_queue_pop_head(&vq->replay);
        link_elem(vq, e);
        return e;
    }
    e = vq->layout->pop(vq);
    if (e) {
        vq->budget -= vq->budget != UINT_MAX;
        vq->in_use++;
        link_elem(vq, e);
    }
    return e;
}

/* Tells who watches this memory that we wrote there. */
static void mark_written(VirtQueue *vq, VirtqElem *e, size_t written)
{
    for (unsigned i = 0; i < e->n_in && written; i++) {
        size_t n = MIN(e->in[i].iov_len, written);
        hwaddr addr = e->in_addr[i];
        if (window_at(vq, &vq->window, addr) &&
            vq->window.host + (addr - vq->window.base) == (uint8_t *)e->in[i].iov_base) {
            ram_written(vq->window.ram, vq->window.ram_offset + (addr - vq->window.base), n);
        }
        written -= n;
    }
}

void virtq_push(VirtQueue *vq, VirtqElem *e, size_t written)
{
    VirtioCore *core = vq->v->core;

    if (!core->broken && vq->enabled && virtq_map(vq)) {
        written = MIN(written, e->in_len);
        mark_written(vq, e, written);
        vq->layout->push(vq, e, (uint32_t)MIN(written, UINT32_MAX));
    }
    virtq_discard(vq, e);
}

void virtq_discard(VirtQueue *vq, VirtqElem *e)
{
    unlink_elem(vq, e);
    vq->in_use--;
    g_free(e);
}

void virtq_unpop(VirtQueue *vq, VirtqElem *e)
{
    unlink_elem(vq, e);
    g_queue_push_head(&vq->replay, e);
}

/* ---- talking about it ---- */

void virtq_notify(VirtQueue *vq)
{
    VirtioDevice *v = vq->v;

    if (v->core->broken || !vq->enabled || !virtq_map(vq)) {
        return;
    }
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* what we pushed before what the driver wants */
    bool empty =
        vq->in_use == 0 && virtio_has_feature(v, VIRTIO_F_NOTIFY_ON_EMPTY) && vq->layout->empty(vq);
    if (vq->layout->wants_interrupt(vq) || empty) {
        __atomic_fetch_or(&v->core->isr, VIRTIO_ISR_QUEUE, __ATOMIC_SEQ_CST);
        v->transport->notify(v->transport_opaque, vq->vector);
    }
}

void virtq_disable_kicks(VirtQueue *vq)
{
    vq->kicks = false;
    if (virtq_ready(vq) && virtq_map(vq)) {
        vq->layout->disable_kicks(vq);
    }
}

bool virtq_enable_kicks(VirtQueue *vq)
{
    vq->kicks = true;
    if (vq->more || !virtq_ready(vq) || !virtq_map(vq)) {
        return false; /* the next turn asks again */
    }
    vq->layout->enable_kicks(vq);
    __atomic_thread_fence(__ATOMIC_SEQ_CST); /* we ask before we look */
    return !virtq_empty(vq);
}

bool virtq_empty(VirtQueue *vq)
{
    if (!virtq_ready(vq) || !virtio_dma_enabled(vq->v)) {
        return true;
    }
    return g_queue_is_empty(&vq->replay) && virtq_map(vq) && vq->layout->empty(vq);
}

void virtq_wipe(VirtQueue *vq)
{
    g_assert(!vq->first); /* the device let go of its requests */
    g_queue_clear_full(&vq->replay, g_free);
    vq->enabled = vq->mapped = vq->more = false;
    vq->size = vq->max_size;
    vq->vector = VIRTIO_NO_VECTOR;
    memset(vq->addr, 0, sizeof(vq->addr));
    vq->align = 0;
    vq->avail = vq->used = vq->signalled = 0;
    vq->avail_wrap = vq->used_wrap = true;
    vq->signalled_valid = false;
    vq->kicks = true;
    vq->in_use = 0;
    vq->budget = UINT_MAX;
    vq->pending = 0;
    vq->layout = &virtq_split;
}
