/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing zeroes and discarding: changes of L2 entries only, under the lock; the clusters that
 * become free are freed once that is on the disk (qcow2-order.c). Version 2 has no zero entries:
 * zeroes are unallocated clusters there, if there is no backing file, or data.
 *
 * home: block workers.
 */
#include <errno.h>

#include "block/qcow2.h"

typedef enum Change { TO_ZERO, TO_ZERO_UNMAP, TO_DISCARD, TO_UNMAPPED } Change;

/* The new entry of a whole cluster; false: it stays. */
static bool new_entry(Qcow2 *s, Change change, uint64_t desc, uint64_t bitmap, uint64_t *nd, uint64_t *nb)
{
    bool place = !(desc & QCOW2_COMPRESSED) && (desc & (QCOW2_L2_OFFSET | QCOW2_COPIED));
    bool used = place || (desc & QCOW2_COMPRESSED);
    uint64_t zero = qcow2_extl2(s) ? 0 : QCOW2_ZERO;

    *nb = qcow2_extl2(s) ? MASK64(32, 32) : 0;
    switch (change) {
    case TO_ZERO:
        *nd = place ? (desc & ~QCOW2_ZERO) | zero : zero;
        break;
    case TO_DISCARD:
        if (!used && !s->node->backing) {
            return false;
        }
        /* fall through */
    case TO_ZERO_UNMAP:
        *nd = zero;
        break;
    case TO_UNMAPPED:
        *nd = *nb = 0;
        break;
    }
    if (s->version < 3 && change != TO_UNMAPPED) {
        *nd = 0;
    }
    return *nd != desc || *nb != bitmap;
}

/* Changes the whole clusters [offset, +bytes), as far as one slice goes. Locked. */
static int change_slice(Qcow2 *s, uint64_t offset, uint64_t bytes, Change change, unsigned kind,
                        uint64_t *done)
{
    uint64_t n = MIN(bytes >> s->cluster_bits, qcow2_slice_left(s, offset));
    uint64_t l1i = offset >> qcow2_l1_shift(s);
    uint8_t *slice;
    unsigned index;
    int ret;

    *done = n << s->cluster_bits;
    if ((change == TO_UNMAPPED || (change == TO_DISCARD && !s->node->backing)) &&
        (l1i >= s->l1_size || !(s->l1[l1i] & QCOW2_L1_OFFSET))) {
        return 0; /* no table, nothing mapped */
    }
    ret = qcow2_l2_for_write(s, offset, &slice, &index);
    for (uint64_t i = 0; i < n && ret == 0; i++) {
        uint64_t desc = qcow2_entry(s, slice, index + i), bitmap = qcow2_bitmap(s, slice, index + i), nd = 0, nb = 0;
        if (new_entry(s, change, desc, bitmap, &nd, &nb)) {
            qcow2_set_entry(s, slice, index + i, nd, nb);
            if (desc & (QCOW2_L2_OFFSET | QCOW2_COMPRESSED | QCOW2_COPIED) &&
                (nd & QCOW2_L2_OFFSET) != (desc & QCOW2_L2_OFFSET)) {
                qcow2_free_entry(s, desc, kind);
            } else if ((desc & QCOW2_COMPRESSED) || (qcow2_has_data_file(s) && !(nd & QCOW2_COPIED))) {
                qcow2_free_entry(s, desc, kind);
            }
        }
    }
    return ret;
}

/* Whole clusters. Unlocked. */
static int change_range(Qcow2 *s, uint64_t offset, uint64_t bytes, Change change, unsigned kind)
{
    int ret = 0;

    g_mutex_lock(&s->lock);
    while (bytes && ret == 0) {
        uint64_t done;
        qcow2_wait_allocs(s, offset, offset + bytes);
        ret = qcow2_prepare(s);
        ret = ret < 0 ? ret : change_slice(s, offset, bytes, change, kind, &done);
        if (ret == 0) {
            offset += done;
            bytes -= done;
        }
    }
    g_mutex_unlock(&s->lock);
    return ret;
}

int qcow2_unmap(Qcow2 *s, uint64_t offset, uint64_t bytes, bool full, unsigned kind)
{
    return change_range(s, offset, bytes, full ? TO_UNMAPPED : TO_DISCARD, kind);
}

/* ---- zeroes ---- */

/* Subclusters within one cluster. 1: it cannot be done that way. Locked. */
static int zero_subs(Qcow2 *s, uint64_t offset, uint64_t bytes)
{
    unsigned index, first = (unsigned)((offset & (s->cluster_size - 1)) >> s->sub_bits);
    uint64_t mask = MASK64(first, bytes >> s->sub_bits), desc, bitmap;
    uint8_t *slice;
    int ret = qcow2_l2_for_write(s, offset, &slice, &index);

    if (ret < 0) {
        return ret;
    }
    desc = qcow2_entry(s, slice, index);
    bitmap = qcow2_bitmap(s, slice, index);
    if (desc & QCOW2_COMPRESSED) {
        return 1;
    }
    qcow2_set_entry(s, slice, index, desc, (bitmap & ~mask) | mask << 32);
    return 0;
}

static int write_zero_data(Qcow2 *s, uint64_t offset, uint64_t bytes)
{
    void *buf = node_alloc_buffer(s->data, bytes);
    struct iovec iov = {buf, bytes};

    memset(buf, 0, bytes);
    int ret = qcow2_write_at(s, offset, bytes, &iov, 1);
    node_free_buffer(buf);
    return ret;
}

static bool shows_zero(Qcow2 *s, uint64_t offset, uint64_t bytes)
{
    BlockNode *b = s->node->backing;
    Qcow2Map m;

    while (bytes) {
        if (qcow2_lookup(s, offset, bytes, false, false, &m) < 0 || m.type == QCOW2_NORMAL ||
            m.type == QCOW2_ZIPPED ||
            (m.type != QCOW2_ZERO_PLAIN && m.type != QCOW2_ZERO_ALLOC && b && offset < b->size)) {
            return false;
        }
        offset += m.bytes;
        bytes -= m.bytes;
    }
    return true;
}

/* A part of one cluster. Unlocked. */
static int zero_part(Qcow2 *s, uint64_t offset, uint64_t bytes, unsigned flags)
{
    uint64_t start = qcow2_cluster_start(s, offset);
    uint64_t from = round_up(offset, s->sub_size), to = round_down(offset + bytes, s->sub_size);
    bool zero;
    int ret = 0;

    g_mutex_lock(&s->lock);
    qcow2_wait_allocs(s, start, start + s->cluster_size);
    zero = shows_zero(s, offset, bytes);
    if (!zero && qcow2_extl2(s) && !qcow2_data_raw(s) && from == offset && to == offset + bytes) {
        ret = qcow2_prepare(s);
        ret = ret < 0 ? ret : zero_subs(s, from, to - from);
        zero = ret == 0;
    }
    g_mutex_unlock(&s->lock);
    if (zero || ret < 0) {
        return ret;
    }
    return flags & NODE_REQ_NO_FALLBACK ? -ENOTSUP : write_zero_data(s, offset, bytes);
}

int qcow2_pwrite_zeroes(BlockNode *n, uint64_t offset, uint64_t bytes, unsigned flags)
{
    Qcow2 *s = n->priv;
    uint64_t end = offset + bytes, from = round_up(offset, s->cluster_size);
    /* The last cluster of the disk is whole if nothing of it but what is behind the end is left out. */
    uint64_t to = end == s->size ? round_up(end, s->cluster_size) : round_down(end, s->cluster_size);
    Change change = flags & NODE_REQ_UNMAP ? TO_ZERO_UNMAP : TO_ZERO;
    int ret = 0;

    if (s->version < 3 && n->backing) {
        return -ENOTSUP;
    }
    if (s->version < 3) {
        change = TO_UNMAPPED;
    }
    if (from > to || (from == to && end > from && from > offset && to < end && from >= end)) {
        return zero_part(s, offset, bytes, flags);
    }
    if (offset < from) {
        ret = zero_part(s, offset, MIN(from, end) - offset, flags);
    }
    if (ret == 0 && from < to && qcow2_data_raw(s)) {
        /* The data file alone has to show the same. */
        ret = node_pwrite_zeroes(s->data, from, MIN(to, end) - from, flags);
        change = TO_ZERO;
    }
    if (ret == 0 && from < to) {
        ret = change_range(s, from, to - from, change, QCOW2_DISCARD_REQUEST);
    }
    if (ret == 0 && to < end && to >= from) {
        ret = zero_part(s, to, end - to, flags);
    }
    return ret;
}

int qcow2_pdiscard(BlockNode *n, uint64_t offset, uint64_t bytes)
{
    Qcow2 *s = n->priv;
    uint64_t end = offset + bytes, from = round_up(offset, s->cluster_size);
    uint64_t to = end == s->size ? round_up(end, s->cluster_size) : round_down(end, s->cluster_size);

    if (s->version < 3 && n->backing) {
        return -ENOTSUP; /* what the backing file has would show again */
    }
    if (from >= to) {
        return 0;
    }
    if (qcow2_data_raw(s)) {
        return s->pass_discard[QCOW2_DISCARD_REQUEST] ? node_pdiscard(s->data, from, MIN(to, end) - from) : 0;
    }
    return qcow2_unmap(s, from, to - from, false, QCOW2_DISCARD_REQUEST);
}
