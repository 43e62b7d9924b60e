/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host clusters of a qcow2 file: reference counts of 1 to 64 bits, finding free clusters, and
 * growing the two-level table of counts.
 *
 * A missing refcount block is made when the search for free clusters comes to the part of the file
 * that it describes: all of that part is free then, so the block takes the first cluster of it and
 * counts itself. The same with a longer refcount table. Nothing here recurses.
 *
 * home: under Qcow2.lock.
 */
#include <errno.h>

#include "block/qcow2.h"

/* ---- counts in a block ---- */

uint64_t qcow2_refcount_peek(const Qcow2 *s, const uint8_t *block, uint64_t i)
{
    switch (s->refcount_order) {
    case 0:
    case 1:
    case 2: {
        unsigned bits = 1u << s->refcount_order, per = 8 / bits;
        return (block[i / per] >> (i % per * bits)) & ((1u << bits) - 1);
    }
    case 3:
        return block[i];
    case 4:
        return ld_be16(block + i * 2);
    case 5:
        return ld_be32(block + i * 4);
    default:
        return ld_be64(block + i * 8);
    }
}

void qcow2_refcount_poke(const Qcow2 *s, uint8_t *block, uint64_t i, uint64_t v)
{
    switch (s->refcount_order) {
    case 0:
    case 1:
    case 2: {
        unsigned bits = 1u << s->refcount_order, per = 8 / bits, shift = (unsigned)(i % per) * bits;
        unsigned mask = ((1u << bits) - 1) << shift;
        block[i / per] = (uint8_t)((block[i / per] & ~mask) | (v << shift));
        break;
    }
    case 3:
        block[i] = (uint8_t)v;
        break;
    case 4:
        st_be16(block + i * 2, (uint16_t)v);
        break;
    case 5:
        st_be32(block + i * 4, (uint32_t)v);
        break;
    default:
        st_be64(block + i * 8, v);
        break;
    }
}

/* Counts in a slice of the cache. */
static uint64_t slice_counts(const Qcow2 *s)
{
    return ((uint64_t)s->rc.slice * 8) >> s->refcount_order;
}

/* The slice with the count of a cluster, *index in it; *slice NULL: there is no block. */
static int find_count(Qcow2 *s, uint64_t cluster, uint8_t **slice, uint64_t *index)
{
    uint64_t t = cluster >> s->refblock_bits, block, in, per = slice_counts(s);

    *slice = NULL;
    if (t >= s->rt_entries || !(block = s->rt[t] & QCOW2_RT_OFFSET)) {
        return 0;
    }
    if (block & (s->cluster_size - 1)) {
        return qcow2_signal_corrupt(s, true, 0, 0, "Refblock offset 0x%" PRIx64
                                    " unaligned (reftable index: 0x%" PRIx64 ")", block, t);
    }
    in = cluster & (BIT64(s->refblock_bits) - 1);
    *index = in % per;
    return qcow2_cache_get(s, &s->rc, block + in / per * s->rc.slice, slice);
}

int qcow2_refcount_get(Qcow2 *s, uint64_t cluster, uint64_t *out)
{
    uint8_t *slice;
    uint64_t index;
    int ret = find_count(s, cluster, &slice, &index);

    *out = ret < 0 || !slice ? 0 : qcow2_refcount_peek(s, slice, index);
    return ret;
}

static void dirty_counts(Qcow2 *s, uint8_t *slice, uint64_t index, uint64_t n)
{
    uint64_t lo = (index << s->refcount_order) / 8, hi = (((index + n) << s->refcount_order) + 7) / 8;

    qcow2_cache_dirty(&s->rc, slice, (uint32_t)lo, (uint32_t)hi);
}

/* Nobody refers to these clusters any more. */
static void clusters_free(Qcow2 *s, uint64_t cluster, uint64_t n, unsigned kind)
{
    uint64_t offset = cluster << s->cluster_bits, bytes = n << s->cluster_bits;

    s->free_index = MIN(s->free_index, cluster);
    qcow2_cache_forget(&s->l2, offset, bytes);
    for (uint64_t i = 0; i < n; i++) {
        qcow2_meta_remove(s, offset + (i << s->cluster_bits));
    }
    if (s->zip_tail && s->zip_tail >= offset && s->zip_tail < offset + bytes) {
        s->zip_tail = 0;
    }
    if (s->pass_discard[kind]) {
        node_pdiscard(s->file, offset, bytes); /* a hint */
    }
}

int qcow2_refcount_add(Qcow2 *s, uint64_t offset, uint64_t bytes, int delta, unsigned kind)
{
    uint64_t first = offset >> s->cluster_bits, freed = 0, at = 0;
    uint64_t last = (offset + bytes - 1) >> s->cluster_bits;
    int ret = 0;

    for (uint64_t c = first; c <= last && ret == 0; c++) {
        uint8_t *slice;
        uint64_t index, v;
        ret = find_count(s, c, &slice, &index);
        if (ret < 0) {
            break;
        }
        v = slice ? qcow2_refcount_peek(s, slice, index) : 0;
        if (v == 0 || (delta > 0 && v == s->refcount_max)) {
            ret = v ? -ERANGE : -EINVAL;
            break;
        }
        qcow2_refcount_poke(s, slice, index, v + delta);
        dirty_counts(s, slice, index, 1);
        if (v + delta == 0) {
            if (freed && at + freed == c) {
                freed++;
                continue;
            }
            if (freed) {
                clusters_free(s, at, freed, kind);
            }
            at = c;
            freed = 1;
        }
    }
    if (freed) {
        clusters_free(s, at, freed, kind);
    }
    return ret;
}

/* ---- new blocks and a longer table ---- */

static bool take_fresh(Qcow2 *s, uint64_t cluster, uint64_t n)
{
    uint64_t start = cluster << s->cluster_bits, end = (cluster + n) << s->cluster_bits;
    bool fresh = start >= s->fresh_from;

    s->fresh_from = MAX(s->fresh_from, end);
    return fresh;
}

/* Clusters that nothing refers to yet become all zeroes. */
static int write_empty(Qcow2 *s, uint64_t cluster, uint64_t n)
{
    uint64_t at = cluster << s->cluster_bits, bytes = n << s->cluster_bits;
    int ret = qcow2_overlap_check(s, QCOW2_META_NONE, at, bytes);

    if (ret < 0 || take_fresh(s, cluster, n)) {
        return ret;
    }
    return node_pwrite_zeroes(s->file, at, bytes, 0);
}

/* Counts [cluster, +n), all in the block at @block, from 0 to 1. */
static int count_in_new(Qcow2 *s, uint64_t block, uint64_t cluster, uint64_t n)
{
    uint64_t per = slice_counts(s);

    while (n) {
        uint64_t in = cluster & (BIT64(s->refblock_bits) - 1), index = in % per;
        uint64_t k = MIN(n, per - index);
        uint8_t *slice;
        int ret = qcow2_cache_get(s, &s->rc, block + in / per * s->rc.slice, &slice);
        if (ret < 0) {
            return ret;
        }
        for (uint64_t i = 0; i < k; i++) {
            qcow2_refcount_poke(s, slice, index + i, 1);
        }
        dirty_counts(s, slice, index, k);
        cluster += k;
        n -= k;
    }
    return 0;
}

/* Makes @blocks refcount blocks at @cluster and counts [cluster, +used) in them and those that follow
 * them in @rt; the first describes @cluster. */
static int fill_blocks(Qcow2 *s, uint64_t *rt, uint64_t cluster, uint64_t blocks, uint64_t used)
{
    unsigned rb = s->refblock_bits;
    uint64_t first = cluster >> rb;
    int ret = write_empty(s, cluster, blocks);

    qcow2_cache_forget(&s->rc, cluster << s->cluster_bits, blocks << s->cluster_bits);
    for (uint64_t i = 0; i < blocks && ret == 0; i++) {
        uint64_t from = MAX(cluster, (first + i) << rb), to = MIN(cluster + used, (first + i + 1) << rb);
        rt[first + i] = (cluster + i) << s->cluster_bits;
        if (from < to) {
            ret = count_in_new(s, rt[first + i], from, to - from);
        }
    }
    for (uint64_t i = 0; i < blocks; i++) {
        if (ret == 0) {
            qcow2_meta_add(s, rt[first + i], QCOW2_META_REFBLOCK);
        } else {
            rt[first + i] = 0;
        }
    }
    return ret;
}

/* The block of the file's part with @cluster does not exist; @cluster becomes it, and those behind it
 * become the blocks that a run of @min clusters needs beside. */
static int new_refblocks(Qcow2 *s, uint64_t cluster, uint64_t min)
{
    unsigned rb = s->refblock_bits;
    uint64_t first = cluster >> rb, blocks = 1;

    while (first + blocks < s->rt_entries && !(s->rt[first + blocks] & QCOW2_RT_OFFSET) &&
           (min > 1 && ((cluster + blocks + min - 1) >> rb) >= first + blocks)) {
        blocks++;
    }
    int ret = fill_blocks(s, s->rt, cluster, blocks, blocks);
    for (uint64_t i = 0; i < blocks && ret == 0; i++) {
        s->rt_dirty[(first + i) / 64] = 1;
        s->rt_any_dirty = true;
        s->unflushed = true;
    }
    return ret;
}

/* Ordering point: the header names the new table once that and its blocks are stable; the old one
 * is given back once the header is. */
static int switch_reftable(Qcow2 *s, uint64_t *rt, uint64_t offset, uint32_t clusters)
{
    uint64_t old = s->rt_offset;
    uint32_t old_clusters = s->rt_clusters;
    uint8_t field[12];
    int ret = qcow2_cache_write(s, &s->rc, QCOW2_META_REFBLOCK);

    ret = ret < 0 ? ret : qcow2_barrier(s);
    if (ret < 0) {
        return ret;
    }
    st_be64(field, offset);
    st_be32(field + 8, clusters);
    ret = node_pwrite(s->file, QCOW2_H_RT_OFFSET, field, sizeof(field), 0);
    ret = ret < 0 ? ret : node_flush(s->file);
    if (ret < 0) {
        return ret;
    }
    g_free(s->rt);
    g_free(s->rt_dirty);
    s->rt = rt;
    s->rt_offset = offset;
    s->rt_clusters = clusters;
    s->rt_entries = (size_t)clusters << (s->cluster_bits - 3);
    s->rt_dirty = g_new0(uint8_t, s->rt_entries / 64);
    s->rt_any_dirty = false;
    return qcow2_refcount_add(s, old, (uint64_t)old_clusters << s->cluster_bits, -1, QCOW2_DISCARD_OTHER);
}

static int write_new_table(Qcow2 *s, const uint64_t *rt, uint64_t offset, size_t entries)
{
    g_autofree uint8_t *be = g_malloc(entries * 8);

    for (size_t i = 0; i < entries; i++) {
        st_be64(be + i * 8, rt[i]);
    }
    int ret = qcow2_overlap_check(s, QCOW2_META_NONE, offset, entries * 8);
    return ret < 0 ? ret : node_pwrite(s->file, offset, be, entries * 8, 0);
}

/* The table is too short for @cluster: from there on come blocks (also for a run of @min clusters
 * behind) and a longer table. */
static int grow_reftable(Qcow2 *s, uint64_t cluster, uint64_t min)
{
    unsigned rb = s->refblock_bits;
    uint64_t first = cluster >> rb, blocks = 0, need = 1, tc = 0, entries = 0;

    while (blocks < need) {
        blocks = need;
        entries = MAX(s->rt_entries + s->rt_entries / 2, first + blocks + 1);
        tc = MIN(qcow2_clusters(s, entries * 8), QCOW2_MAX_REFTABLE_BYTES >> s->cluster_bits);
        entries = tc << (s->cluster_bits - 3);
        need = ((cluster + blocks + tc + min - 1) >> rb) - first + 1;
    }
    if (first + blocks > entries || (cluster + blocks + tc) << s->cluster_bits >= QCOW2_MAX_HOST) {
        return -EFBIG;
    }
    uint64_t *rt = g_new0(uint64_t, entries), at = (cluster + blocks) << s->cluster_bits;
    memcpy(rt, s->rt, s->rt_entries * 8);
    int ret = fill_blocks(s, rt, cluster, blocks, blocks + tc);
    take_fresh(s, cluster + blocks, tc);
    ret = ret < 0 ? ret : write_new_table(s, rt, at, entries);
    ret = ret < 0 ? ret : switch_reftable(s, rt, at, (uint32_t)tc);
    if (s->rt != rt) { /* not taken over: nothing refers to what was made */
        qcow2_cache_forget(&s->rc, cluster << s->cluster_bits, blocks << s->cluster_bits);
        for (uint64_t i = 0; i < blocks; i++) {
            qcow2_meta_remove(s, (cluster + i) << s->cluster_bits);
        }
        g_free(rt);
    }
    return ret;
}

/* ---- finding clusters ---- */

/* Is the cluster free? Makes the block that counts it, if there is none (which takes the cluster). */
static int probe_cluster(Qcow2 *s, uint64_t c, uint64_t min, bool *is_free)
{
    uint64_t t = c >> s->refblock_bits, v;
    int ret;

    *is_free = false;
    if (c << s->cluster_bits >= QCOW2_MAX_HOST - s->cluster_size) {
        return -EFBIG;
    }
    if (t >= s->rt_entries) {
        return grow_reftable(s, c, min);
    }
    if (!(s->rt[t] & QCOW2_RT_OFFSET)) {
        return new_refblocks(s, c, min);
    }
    ret = qcow2_refcount_get(s, c, &v);
    *is_free = ret == 0 && v == 0;
    return ret;
}

/* The first run of free clusters that is at least @min long, at most @max. */
static int find_run(Qcow2 *s, uint64_t min, uint64_t max, uint64_t *first, uint64_t *n)
{
    uint64_t c = s->free_index, run = 0;
    bool lowest = true;

    while (run < max) {
        bool is_free;
        uint64_t t = c >> s->refblock_bits;
        bool exists = t < s->rt_entries && (s->rt[t] & QCOW2_RT_OFFSET);
        if (run >= min && !exists) {
            break; /* good enough; the next request makes the block */
        }
        int ret = probe_cluster(s, c, min, &is_free);
        if (ret < 0) {
            return ret;
        }
        if (!is_free && run >= min) {
            break;
        }
        if (!is_free) {
            run = 0;
            c++;
            s->free_index = lowest ? c : s->free_index;
            continue;
        }
        lowest = false;
        run++;
        c++;
    }
    *first = c - run;
    *n = run;
    return 0;
}

static int count_run(Qcow2 *s, uint64_t first, uint64_t n)
{
    while (n) {
        uint64_t t = first >> s->refblock_bits;
        uint64_t k = MIN(n, ((t + 1) << s->refblock_bits) - first);
        int ret = count_in_new(s, s->rt[t] & QCOW2_RT_OFFSET, first, k);
        if (ret < 0) {
            return ret;
        }
        first += k;
        n -= k;
    }
    return 0;
}

static int alloc_run(Qcow2 *s, uint64_t min, uint64_t max, uint64_t *host, uint64_t *got, bool *fresh)
{
    uint64_t first = 0;
    int ret = find_run(s, min, max, &first, got);

    ret = ret < 0 ? ret : count_run(s, first, *got);
    if (ret < 0) {
        return ret;
    }
    if (first == s->free_index) {
        s->free_index = first + *got;
    }
    *host = first << s->cluster_bits;
    *fresh = take_fresh(s, first, *got);
    return qcow2_overlap_check(s, QCOW2_META_NONE, *host, *got << s->cluster_bits);
}

int qcow2_alloc_clusters(Qcow2 *s, uint64_t max, uint64_t *host, uint64_t *got, bool *fresh)
{
    return alloc_run(s, 1, max, host, got, fresh);
}

int qcow2_alloc_area(Qcow2 *s, uint64_t bytes, uint64_t *host)
{
    uint64_t n = MAX(qcow2_clusters(s, bytes), 1), got;
    bool fresh;

    return alloc_run(s, n, n, host, &got, &fresh);
}

/* Compressed clusters share host clusters: each that begins or ends in one has a reference. */
int qcow2_alloc_bytes(Qcow2 *s, uint32_t bytes, uint64_t *host)
{
    uint64_t tail = s->zip_tail, room = tail ? s->cluster_size - (tail & (s->cluster_size - 1)) : 0;
    uint64_t count, area;
    int ret;

    if (tail && room >= bytes) {
        ret = qcow2_refcount_get(s, tail >> s->cluster_bits, &count);
        if (ret == 0 && count && count < s->refcount_max) {
            ret = qcow2_refcount_add(s, tail, bytes, 1, QCOW2_DISCARD_NEVER);
            *host = tail;
            s->zip_tail = room == bytes ? 0 : ret < 0 ? tail : tail + bytes;
            return ret;
        }
        if (ret < 0) {
            return ret;
        }
        tail = 0;
    }
    ret = qcow2_alloc_area(s, s->cluster_size, &area);
    if (ret < 0) {
        return ret;
    }
    /* A new cluster behind the tail: the data goes on in it, unless the old one is full. */
    *host = area;
    if (tail && area == round_up(tail, s->cluster_size)) {
        ret = qcow2_refcount_get(s, tail >> s->cluster_bits, &count);
        if (ret == 0 && count && count < s->refcount_max &&
            qcow2_refcount_add(s, tail, 1, 1, QCOW2_DISCARD_NEVER) == 0) {
            *host = tail;
        }
    }
    s->zip_tail = *host + bytes;
    if (!(s->zip_tail & (s->cluster_size - 1))) {
        s->zip_tail = 0;
    }
    return ret;
}
