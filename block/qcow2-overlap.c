/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The judge of every write to a qcow2 file: does it hit metadata that it must not? If it would, the
 * image is marked corrupt and nothing is written to it any more.
 *
 * Tables of contiguous clusters are few and are compared one by one; L2 tables and refcount blocks
 * (and L2 tables of snapshots with overlap-check=all) are in a hash of cluster numbers.
 *
 * home: under Qcow2.lock.
 */
#include <errno.h>

#include "base/log.h"
#include "block/internal.h"
#include "block/qcow2.h"

/* ---- the hash ---- */

static size_t meta_slot(const Qcow2MetaSet *m, uint64_t index)
{
    size_t i = (size_t)((index * 0x9e3779b97f4a7c15u) >> 20) & (m->cap - 1);

    while (m->key[i] && m->key[i] >> 4 != index) {
        i = (i + 1) & (m->cap - 1);
    }
    return i;
}

static void meta_grow(Qcow2MetaSet *m)
{
    Qcow2MetaSet old = *m;

    m->cap = pow2_ceil(MAX(64, (m->n + 1) * 3));
    m->key = g_new0(uint64_t, m->cap);
    m->used = m->n;
    for (size_t i = 0; i < old.cap; i++) {
        if (old.key[i] & 0xf) {
            m->key[meta_slot(m, old.key[i] >> 4)] = old.key[i];
        }
    }
    g_free(old.key);
}

/* An index that was removed keeps its place, with kind 0; so cluster 0 is never in here. */
void qcow2_meta_add(Qcow2 *s, uint64_t offset, Qcow2Meta kind)
{
    Qcow2MetaSet *m = &s->meta;
    uint64_t index = offset >> s->cluster_bits;

    if (!index) {
        return;
    }
    if ((m->used + 1) * 2 > m->cap) {
        meta_grow(m);
    }
    size_t i = meta_slot(m, index);
    if (!m->key[i]) {
        m->used++;
    }
    if (!(m->key[i] & 0xf)) {
        m->n++;
    }
    m->key[i] = index << 4 | kind;
}

void qcow2_meta_remove(Qcow2 *s, uint64_t offset)
{
    Qcow2MetaSet *m = &s->meta;

    if (!m->cap || !(offset >> s->cluster_bits)) {
        return;
    }
    size_t i = meta_slot(m, offset >> s->cluster_bits);
    if (m->key[i] & 0xf) {
        m->key[i] &= ~(uint64_t)0xf;
        m->n--;
    }
}

static void add_inactive(Qcow2 *s)
{
    for (uint32_t k = 0; k < s->nb_snap; k++) {
        uint64_t *l1 = NULL;
        if (qcow2_load_l1(s, s->snap[k].l1_offset, s->snap[k].l1_size, &l1) < 0) {
            continue;
        }
        for (uint32_t i = 0; i < s->snap[k].l1_size; i++) {
            uint64_t at = l1[i] & QCOW2_L1_OFFSET;
            if (at && !(s->meta.cap && s->meta.key[meta_slot(&s->meta, at >> s->cluster_bits)] & 0xf)) {
                qcow2_meta_add(s, at, QCOW2_META_INACTIVE_L2);
            }
        }
        g_free(l1);
    }
}

void qcow2_meta_build(Qcow2 *s)
{
    g_free(s->meta.key);
    memset(&s->meta, 0, sizeof(s->meta));
    if (s->overlap < QCOW2_OL_CACHED) {
        return;
    }
    for (size_t i = 0; i < s->rt_entries; i++) {
        qcow2_meta_add(s, s->rt[i] & QCOW2_RT_OFFSET, QCOW2_META_REFBLOCK);
    }
    for (uint32_t i = 0; i < s->l1_size; i++) {
        qcow2_meta_add(s, s->l1[i] & QCOW2_L1_OFFSET, QCOW2_META_L2);
    }
    if (s->overlap == QCOW2_OL_ALL) {
        add_inactive(s);
    }
}

/* ---- the judgement ---- */

static bool hits(uint64_t offset, uint64_t bytes, uint64_t at, uint64_t size)
{
    return size && at < offset + bytes && offset < at + size;
}

static Qcow2Meta hit_range(Qcow2 *s, Qcow2Meta self, uint64_t offset, uint64_t bytes)
{
    const struct {
        Qcow2Meta kind;
        uint64_t at, size;
    } range[] = {
        {QCOW2_META_HEADER, 0, s->cluster_size},
        {QCOW2_META_L1, s->l1_offset, (uint64_t)s->l1_size * 8},
        {QCOW2_META_REFTABLE, s->rt_offset, (uint64_t)s->rt_entries * 8},
        {QCOW2_META_SNAPSHOTS, s->snapshots_offset, s->snapshots_size},
        {QCOW2_META_BITMAPS, s->bitmap_dir, s->bitmap_dir_size},
    };

    for (size_t i = 0; i < ARRAY_LEN(range); i++) {
        if (range[i].kind != self && hits(offset, bytes, range[i].at, range[i].size)) {
            return range[i].kind;
        }
    }
    if (s->overlap < QCOW2_OL_CACHED || self == QCOW2_META_INACTIVE_L1) {
        return QCOW2_META_NONE;
    }
    for (uint32_t i = 0; i < s->nb_snap; i++) {
        if (hits(offset, bytes, s->snap[i].l1_offset, (uint64_t)s->snap[i].l1_size * 8)) {
            return QCOW2_META_INACTIVE_L1;
        }
    }
    return QCOW2_META_NONE;
}

static Qcow2Meta hit_cluster(Qcow2 *s, Qcow2Meta self, uint64_t offset, uint64_t bytes)
{
    const Qcow2MetaSet *m = &s->meta;
    uint64_t last = (offset + bytes - 1) >> s->cluster_bits;

    if (!m->n) {
        return QCOW2_META_NONE;
    }
    for (uint64_t i = offset >> s->cluster_bits; i <= last; i++) {
        Qcow2Meta kind = (Qcow2Meta)(m->key[meta_slot(m, i)] & 0xf);
        if (kind && kind != self) {
            return kind;
        }
    }
    return QCOW2_META_NONE;
}

int qcow2_overlap_check(Qcow2 *s, Qcow2Meta self, uint64_t offset, uint64_t bytes)
{
    static const char *const names[] = {
        [QCOW2_META_HEADER] = "qcow2_header",
        [QCOW2_META_L1] = "active L1 table",
        [QCOW2_META_L2] = "active L2 table",
        [QCOW2_META_REFTABLE] = "refcount table",
        [QCOW2_META_REFBLOCK] = "refcount block",
        [QCOW2_META_SNAPSHOTS] = "snapshot table",
        [QCOW2_META_INACTIVE_L1] = "inactive L1 table",
        [QCOW2_META_INACTIVE_L2] = "inactive L2 table",
        [QCOW2_META_BITMAPS] = "bitmap directory",
    };
    Qcow2Meta hit;

    if (s->overlap == QCOW2_OL_NONE || !bytes) {
        return 0;
    }
    hit = hit_range(s, self, offset, bytes);
    hit = hit ? hit : hit_cluster(s, self, offset, bytes);
    if (!hit) {
        return 0;
    }
    return qcow2_signal_corrupt(s, true, offset, bytes, "Preventing invalid write on metadata (overlaps with %s)",
                                names[hit]);
}

int qcow2_signal_corrupt(Qcow2 *s, bool fatal, uint64_t offset, uint64_t bytes, const char *fmt, ...)
{
    va_list ap;

    if (s->corrupt || (s->node->flags & BLOCK_CHECK)) {
        return -EIO; /* said already, or going to be said by the check */
    }
    fatal &= (s->node->flags & BLOCK_RDWR) != 0;
    va_start(ap, fmt);
    g_autofree char *msg = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    error_report_text("%s: Marking image as corrupt: %s; %s", s->node->filename, msg,
                      fatal ? "no further write is let through" : "the image is read-only");
    json_t *data = json_pack("{s:s, s:b}", "msg", msg, "fatal", fatal);
    if (bytes && data) {
        json_object_set_new(data, "offset", json_integer((json_int_t)offset));
        json_object_set_new(data, "size", json_integer((json_int_t)bytes));
    }
    blockset_emit_of(s->node, "BLOCK_IMAGE_CORRUPTED", data);
    if (fatal) {
        s->corrupt = true;
        if (s->version >= 3) {
            s->incompat |= QCOW2_INCOMPAT_CORRUPT;
            if (qcow2_write_features(s) == 0) {
                node_flush(s->file);
            }
        }
    }
    return -EIO;
}
