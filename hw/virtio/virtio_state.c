/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving and loading what every virtio device has: status, features, queues, and the requests
 * that were popped and not answered (all their addresses: a driver of a packed ring may have lost
 * the descriptors already).
 *
 * Little endian, in the order of the functions below. It may come from anywhere: all of it is
 * read and checked into a scratch core first.
 *
 * home: the machine's lock.
 */
#include <string.h>

#include "hw/virtio/core.h"

/* ---- save ---- */

static void put(GByteArray *out, uint64_t v, unsigned size)
{
    uint8_t b[8];

    st_le64(b, v);
    g_byte_array_append(out, b, size);
}

static void save_elem(GByteArray *out, const VirtqElem *e)
{
    put(out, e->head, 2);
    put(out, e->n_desc, 2);
    put(out, e->n_out, 2);
    put(out, e->n_in, 2);
    for (unsigned i = 0; i < e->n_out + e->n_in; i++) {
        put(out, e->out_addr[i], 8);
        put(out, e->out[i].iov_len, 4);
    }
}

static void save_queue(GByteArray *out, const VirtQueue *vq)
{
    put(out, vq->enabled, 1);
    put(out, vq->size, 2);
    put(out, vq->vector, 2);
    put(out, vq->align, 4);
    for (int i = 0; i < 3; i++) {
        put(out, vq->addr[i], 8);
    }
    put(out, vq->avail, 2);
    put(out, vq->used, 2);
    put(out, vq->avail_wrap | vq->used_wrap << 1 | vq->kicks << 2 | vq->signalled_valid << 3, 1);
    put(out, vq->signalled, 2);
    put(out, vq->in_use, 2);
    for (const VirtqElem *e = vq->first; e; e = e->next) {
        save_elem(out, e);
    }
    for (const GList *l = vq->replay.head; l; l = l->next) {
        save_elem(out, l->data);
    }
}

bool virtio_pre_save(Device *d, Error **errp)
{
    VirtioDevice *v = (VirtioDevice *)d;
    VirtioCore *core = v->core;
    GByteArray *out = g_byte_array_new();

    virtio_lock(v);
    put(out, core->status, 1);
    put(out, __atomic_load_n(&core->isr, __ATOMIC_SEQ_CST), 1);
    put(out, core->guest_features, 8);
    put(out, core->config_vector, 2);
    put(out, __atomic_load_n(&core->generation, __ATOMIC_SEQ_CST), 4);
    put(out, core->started | core->broken << 1 | core->features_modern << 2, 1);
    put(out, core->n_queues, 2);
    for (unsigned i = 0; i < core->n_queues; i++) {
        save_queue(out, core->queue[i]);
    }
    virtio_unlock(v);
    g_clear_pointer(&v->saved, g_byte_array_unref);
    v->saved = out;
    return true;
}

/* ---- load ---- */

typedef struct Reader {
    const uint8_t *p, *end;
    bool bad;
} Reader;

static uint64_t take(Reader *r, unsigned size)
{
    if (r->bad || size > (size_t)(r->end - r->p)) {
        r->bad = true;
        return 0;
    }
    r->p += size;
    return ld_le_n(r->p - size, size);
}

static VirtqElem *load_elem(Reader *r, VirtQueue *vq)
{
    uint16_t head = take(r, 2), n_desc = take(r, 2);
    unsigned n_out = take(r, 2), n_in = take(r, 2), n = n_out + n_in;
    uint64_t sum[2] = {0};

    if (r->bad || n > VIRTQ_MAX_SIZE || n * 12ull > (size_t)(r->end - r->p) || n_desc > vq->size ||
        (vq->layout == &virtq_split && head >= vq->size)) {
        r->bad = true;
        return NULL;
    }
    VirtqElem *e = virtq_elem_new(vq, n_out, n_in);
    e->head = head;
    e->n_desc = n_desc;
    for (unsigned i = 0; i < n; i++) {
        e->out_addr[i] = take(r, 8);
        e->out[i] = (struct iovec){NULL, take(r, 4)};
        r->bad |= !e->out[i].iov_len;
        sum[i >= n_out] += e->out[i].iov_len;
    }
    e->out_len = sum[0];
    e->in_len = sum[1];
    return e;
}

static void load_queue(Reader *r, VirtioDevice *v, VirtQueue *vq)
{
    vq->layout = virtq_layout_of(v);
    vq->enabled = take(r, 1);
    vq->size = take(r, 2);
    vq->vector = take(r, 2);
    vq->align = take(r, 4);
    for (int i = 0; i < 3; i++) {
        vq->addr[i] = take(r, 8);
    }
    vq->avail = take(r, 2);
    vq->used = take(r, 2);
    uint8_t bits = take(r, 1);
    vq->avail_wrap = bits & 1;
    vq->used_wrap = bits & 2;
    vq->kicks = bits & 4;
    vq->signalled_valid = bits & 8;
    vq->signalled = take(r, 2);
    vq->in_use = take(r, 2);
    bool packed = vq->layout == &virtq_packed;
    r->bad |= vq->size > vq->max_size || (bits & 0xf0) || vq->in_use > vq->size ||
              (vq->align && !is_pow2(vq->align)) ||
              (vq->enabled && (!vq->size || (!packed && !is_pow2(vq->size)) ||
                               (packed && (vq->avail >= vq->size || vq->used >= vq->size))));
    for (unsigned i = 0; i < vq->in_use && !r->bad; i++) {
        VirtqElem *e = load_elem(r, vq);
        if (e) {
            g_queue_push_tail(&vq->replay, e);
        }
    }
}

/* Everything into *core, whose queues are empty ones. */
static bool load_core(VirtioDevice *v, VirtioCore *core)
{
    Reader r = {v->saved ? v->saved->data : NULL, v->saved ? v->saved->data + v->saved->len : NULL};

    core->status = take(&r, 1);
    core->isr = take(&r, 1);
    core->guest_features = take(&r, 8);
    core->config_vector = take(&r, 2);
    core->generation = take(&r, 4);
    uint8_t bits = take(&r, 1);
    core->started = bits & 1;
    core->broken = bits & 2;
    core->features_modern = bits & 4;
    if (take(&r, 2) != core->n_queues || r.bad || (bits & 0xf8) || (core->isr & ~3) ||
        (core->started && (core->guest_features & ~virtio_host_features(v)))) {
        return false;
    }
    for (unsigned i = 0; i < core->n_queues && !r.bad; i++) {
        load_queue(&r, v, core->queue[i]);
    }
    return !r.bad && r.p == r.end;
}

bool virtio_post_load(Device *d, int version, Error **errp)
{
    VirtioDevice *v = (VirtioDevice *)d;
    VirtioCore *now = v->core, *core;

    virtio_lock(v);
    core = g_memdup2(now, sizeof(*now));
    for (unsigned i = 0; i < now->n_queues; i++) {
        core->queue[i] = g_memdup2(now->queue[i], sizeof(VirtQueue));
        g_queue_init(&core->queue[i]->replay);
        core->queue[i]->first = core->queue[i]->last = NULL;
        virtq_wipe(core->queue[i]);
    }
    v->core = core; /* what is negotiated is asked of it */
    bool ok = load_core(v, core);
    v->core = now;
    if (ok) {
        v->cls->reset(v); /* what was in flight here is not any more */
    }
    for (unsigned i = 0; i < now->n_queues; i++) {
        VirtQueue *from = core->queue[i], *to = now->queue[i];
        if (ok) {
            g_queue_clear_full(&to->replay, g_free);
            g_assert(!to->first);
            *to = *from; /* the elements of its replay list go along */
            for (GList *l = to->replay.head; l; l = l->next) {
                ((VirtqElem *)l->data)->vq = to;
            }
        } else {
            g_queue_clear_full(&from->replay, g_free);
        }
        g_free(from);
    }
    if (ok) {
        now->status = core->status;
        now->isr = core->isr;
        now->guest_features = core->guest_features;
        now->config_vector = core->config_vector;
        now->generation = core->generation;
        now->started = core->started;
        now->broken = core->broken;
        now->features_modern = core->features_modern;
    }
    g_free(core);
    if (ok && now->started && v->cls->driver_ok) {
        v->cls->driver_ok(v);
    }
    virtio_unlock(v);
    virtio_doorbells_update(v);
    if (!ok) {
        error_set(errp, ERR_GENERIC, "saved state of '%s': its queues make no sense",
                  d->type->name);
    }
    return ok;
}
