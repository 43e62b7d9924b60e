/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Repairs of qcow2 images that are more than setting a number.
 *
 * The refcount structure is built from what was counted, in new clusters behind the end of the file,
 * and takes the place of the old one by one write of the header, so a crash in between loses nothing.
 *
 * home: as qcow2-check.c.
 */
#include <errno.h>

#include "block/qcow2-check.h"

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* The numbers of the blocks that are needed for what was counted, without the old structure. */
static GArray *needed_blocks(Check *c)
{
    Qcow2 *s = c->s;
    GArray *need = g_array_new(false, false, sizeof(uint64_t));
    GHashTableIter it;
    gpointer key, page;
    uint64_t last = UINT64_MAX;

    g_hash_table_iter_init(&it, c->pages);
    while (g_hash_table_iter_next(&it, &key, &page)) {
        for (unsigned i = 0; i < CHECK_PAGE; i++) {
            uint64_t t = (*(uint64_t *)key * CHECK_PAGE + i) >> s->refblock_bits;
            if (((uint32_t *)page)[i] && t != last) {
                g_array_append_val(need, t);
                last = t;
            }
        }
    }
    return need;
}

static void sort_unique(GArray *a)
{
    guint n = 0;

    qsort(a->data, a->len, sizeof(uint64_t), compare_u64);
    for (guint i = 0; i < a->len; i++) {
        if (!n || g_array_index(a, uint64_t, n - 1) != g_array_index(a, uint64_t, i)) {
            g_array_index(a, uint64_t, n++) = g_array_index(a, uint64_t, i);
        }
    }
    g_array_set_size(a, n);
}

/* The old structure is not referred to any more after the switch. */
static void uncount(Check *c, uint64_t offset, uint64_t bytes)
{
    Qcow2 *s = c->s;

    for (uint64_t at = offset; at < offset + bytes && at < c->file_size; at += s->cluster_size) {
        uint32_t *page = check_page(c, at >> s->cluster_bits, false);
        if (page && page[(at >> s->cluster_bits) % CHECK_PAGE]) {
            page[(at >> s->cluster_bits) % CHECK_PAGE]--;
        }
    }
}

static void uncount_old(Check *c)
{
    Qcow2 *s = c->s;

    uncount(c, s->rt_offset, (uint64_t)s->rt_clusters << s->cluster_bits);
    for (size_t i = 0; i < s->rt_entries; i++) {
        uint64_t block = s->rt[i] & QCOW2_RT_OFFSET;
        /* As it was counted. */
        if (s->rt[i] && !(s->rt[i] & 0x1ff) && !(block & (s->cluster_size - 1)) && block < c->file_size) {
            uncount(c, block, s->cluster_size);
        }
    }
}

typedef struct Layout {
    GArray *need;       /* numbers of blocks, ascending */
    uint64_t first;     /* cluster where the new blocks begin, the table behind them */
    uint64_t table_clusters;
} Layout;

static bool plan_layout(Check *c, Layout *l)
{
    Qcow2 *s = c->s;
    guint before;

    l->need = needed_blocks(c);
    l->first = MAX(c->clusters, 1);
    l->table_clusters = 1;
    do {
        sort_unique(l->need);
        before = l->need->len;
        uint64_t end = l->first + before + l->table_clusters;
        uint64_t top = (end >> s->refblock_bits) + 1;
        top = MAX(top, before ? g_array_index(l->need, uint64_t, before - 1) + 1 : 1);
        if (top > QCOW2_MAX_REFTABLE_BYTES / 8) {
            return false;
        }
        l->table_clusters = qcow2_clusters(s, top * 8);
        end = l->first + before + l->table_clusters;
        for (uint64_t t = l->first >> s->refblock_bits; t <= end >> s->refblock_bits; t++) {
            g_array_append_val(l->need, t);
        }
        sort_unique(l->need);
    } while (l->need->len != before);
    return true;
}

static int write_block(Check *c, const Layout *l, guint k)
{
    Qcow2 *s = c->s;
    uint64_t t = g_array_index(l->need, uint64_t, k), end = l->first + l->need->len + l->table_clusters;

    memset(c->buf, 0, s->cluster_size);
    for (uint64_t i = 0; i < BIT64(s->refblock_bits); i++) {
        uint64_t cluster = (t << s->refblock_bits) + i;
        uint64_t v = cluster >= l->first && cluster < end ? 1 : check_count(c, cluster);
        if (v > s->refcount_max) {
            return -ERANGE;
        }
        if (v) {
            qcow2_refcount_poke(s, c->buf, i, v);
        }
    }
    return node_pwrite(s->file, (l->first + k) << s->cluster_bits, c->buf, s->cluster_size, 0);
}

static int switch_to(Check *c, const Layout *l, uint64_t *rt, size_t entries)
{
    Qcow2 *s = c->s;
    uint64_t at = (l->first + l->need->len) << s->cluster_bits;
    g_autofree uint8_t *be = g_malloc0(entries * 8);
    uint8_t head[BLOCK_SECTOR];
    int ret;

    for (size_t i = 0; i < entries; i++) {
        st_be64(be + i * 8, rt[i]);
    }
    ret = node_pwrite(s->file, at, be, entries * 8, 0);
    ret = ret < 0 ? ret : node_flush(s->file); /* ordering point: complete before it is named */
    ret = ret < 0 ? ret : node_pread(s->file, 0, head, sizeof(head));
    st_be64(head + QCOW2_H_RT_OFFSET, at);
    st_be32(head + QCOW2_H_RT_CLUSTERS, (uint32_t)l->table_clusters);
    if (s->version >= 3) {
        st_be32(head + QCOW2_H_REFCOUNT_ORDER, s->refcount_order);
    }
    ret = ret < 0 ? ret : node_pwrite(s->file, 0, head, sizeof(head), 0); /* one sector: all or nothing */
    ret = ret < 0 ? ret : node_flush(s->file);
    if (ret < 0) {
        return ret;
    }
    g_free(s->rt);
    g_free(s->rt_dirty);
    g_free(s->rt_bad);
    s->rt = rt;
    s->rt_entries = entries;
    s->rt_offset = at;
    s->rt_clusters = (uint32_t)l->table_clusters;
    s->rt_dirty = g_new0(uint8_t, entries / 64 + 1);
    s->rt_bad = g_new0(uint8_t, entries + 1);
    s->rt_any_dirty = false;
    return 0;
}

int qcow2_rebuild_refcounts(Check *c)
{
    uncount_old(c);
    return qcow2_write_structure(c);
}

int qcow2_write_structure(Check *c)
{
    Qcow2 *s = c->s;
    Layout l = {0};
    int ret = 0;

    if (!plan_layout(c, &l)) {
        g_array_unref(l.need);
        return -EFBIG;
    }
    size_t entries = (size_t)l.table_clusters << (s->cluster_bits - 3);
    uint64_t *rt = g_new0(uint64_t, entries);
    for (guint k = 0; k < l.need->len && ret == 0; k++) {
        rt[g_array_index(l.need, uint64_t, k)] = (l.first + k) << s->cluster_bits;
        ret = write_block(c, &l, k);
    }
    ret = ret < 0 ? ret : switch_to(c, &l, rt, entries);
    if (s->rt != rt) {
        g_free(rt);
    }
    g_array_unref(l.need);
    return ret;
}

static void set_order(Qcow2 *s, unsigned order)
{
    s->refcount_order = order;
    qcow2_set_geometry(s, qcow2_extl2(s));
}

int qcow2_change_refcount_order(Qcow2 *s, unsigned order)
{
    BlockCheck r = {0};
    unsigned old = s->refcount_order;
    Check c;
    int ret;

    check_begin(&c, s, &r, 0);
    check_references(&c);
    ret = r.corruptions || r.check_errors || c.rebuild ? -EIO : 0;
    if (ret == 0) {
        uncount_old(&c);
        set_order(s, order);
        ret = qcow2_write_structure(&c);
        if (ret < 0) {
            set_order(s, old);
        }
    }
    check_end(&c);
    return ret;
}

int qcow2_repair_snapshots(Qcow2 *s)
{
    qcow2_cache_clear(&s->l2);
    qcow2_cache_clear(&s->rc);
    s->free_index = 0;
    s->fresh_from = round_up(node_length(s->file), s->cluster_size);
    int ret = qcow2_write_snapshots(s);
    return ret < 0 ? ret : qcow2_write_refcounts(s);
}

int qcow2_drop_bitmaps(Qcow2 *s)
{
    s->nb_bitmaps = 0;
    s->bitmap_dir = s->bitmap_dir_size = 0;
    s->autoclear &= ~(uint64_t)QCOW2_AUTOCLEAR_BITMAPS;
    qcow2_ext_set(s, QCOW2_EXT_BITMAPS, NULL, 0);
    return qcow2_write_header(s);
}
