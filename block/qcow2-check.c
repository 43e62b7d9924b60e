/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checking a qcow2 image: counts every reference that the file has, compares with the stored counts,
 * and looks at the "copied" flags. Messages and numbers are those that qemu-img's users know.
 *
 * An L2 table that several L1 entries name is read once and weighs as much as they are, so that the
 * time is bounded by the size of the file, whatever the tables say. Counts are in pages that exist
 * only where there are references.
 *
 * Repairs: wrong counts are set; if the refcount structure itself is broken (or a block is missing
 * that has to count something), all of it is built anew (qcow2-repair.c). Entries that name what
 * cannot be are zeroed, since there is nothing to be had behind them.
 *
 * home: the main loop or a job, with the node drained.
 */
#include <errno.h>
#include <inttypes.h>

#include "block/qcow2-check.h"

#define L1_RESERVED 0x7f000000000001ffu
#define L2_RESERVED 0x3f000000000001feu
#define RT_RESERVED 0x1ffu

void check_say(Check *c, const char *fmt, ...)
{
    va_list ap;

    if (c->r->report) {
        va_start(ap, fmt);
        g_autofree char *line = g_strdup_vprintf(fmt, ap);
        va_end(ap);
        c->r->report(c->r->opaque, line);
    }
}

/* ---- the map of references ---- */

uint32_t *check_page(Check *c, uint64_t cluster, bool make)
{
    uint64_t key = cluster / CHECK_PAGE;

    if (c->last_page && c->last_key == key) {
        return c->last_page;
    }
    uint32_t *page = g_hash_table_lookup(c->pages, &key);
    if (!page && make) {
        page = g_new0(uint32_t, CHECK_PAGE);
        g_hash_table_insert(c->pages, g_memdup2(&key, sizeof(key)), page);
    }
    if (page) {
        c->last_page = page;
        c->last_key = key;
    }
    return page;
}

uint32_t check_count(Check *c, uint64_t cluster)
{
    uint32_t *page = check_page(c, cluster, false);

    return page ? page[cluster % CHECK_PAGE] : 0;
}

/* Counts a reference to each cluster of the range. false: the range is beyond the file's end. */
static bool count_range(Check *c, uint64_t offset, uint64_t bytes, uint32_t weight)
{
    Qcow2 *s = c->s;
    uint64_t last;

    if (!bytes) {
        return true;
    }
    if (offset + bytes > c->file_size && offset + bytes - c->file_size >= s->cluster_size) {
        check_say(c, "ERROR: counting reference for region exceeding the end of the file by one cluster or "
                  "more: offset 0x%" PRIx64 " size 0x%" PRIx64, offset, bytes);
        c->r->corruptions++;
        return false;
    }
    last = (offset + bytes - 1) >> s->cluster_bits;
    for (uint64_t i = offset >> s->cluster_bits; i <= last; i++) {
        uint32_t *n = &check_page(c, i, true)[i % CHECK_PAGE];
        *n = *n > UINT32_MAX - weight ? UINT32_MAX : *n + weight;
        c->highest_ref = MAX(c->highest_ref, i);
    }
    return true;
}

/* ---- L2 tables ---- */

typedef struct Table { /* an L2 table and who names it */
    uint32_t weight;
    bool active, bad;
} Table;

static bool fixing(const Check *c)
{
    return c->fix & CHECK_FIX_ERRORS;
}

static int write_entry(Check *c, uint64_t at, uint64_t desc, uint64_t bitmap)
{
    uint8_t b[16];

    st_be64(b, desc);
    st_be64(b + 8, bitmap);
    return node_pwrite(c->s->file, at, b, c->s->l2_entry_size, 0);
}

/* The entry names nothing that exists. */
static void bad_entry(Check *c, uint64_t table, uint32_t index)
{
    Qcow2 *s = c->s;
    uint64_t zero = s->version >= 3 && !qcow2_extl2(s) ? QCOW2_ZERO : 0;

    c->r->corruptions++;
    if (fixing(c)) {
        int ret = write_entry(c, table + (uint64_t)index * s->l2_entry_size, zero,
                              qcow2_extl2(s) ? MASK64(32, 32) : 0);
        if (ret < 0) {
            c->r->check_errors++;
            return;
        }
        c->r->corruptions--;
        c->r->corruptions_fixed++;
    }
}

static void check_zipped(Check *c, const Table *t, uint64_t table, uint32_t index, uint64_t desc)
{
    Qcow2 *s = c->s;
    uint64_t at, bytes, before = c->r->corruptions;

    if ((desc & QCOW2_COPIED) || qcow2_has_data_file(s)) {
        check_say(c, desc & QCOW2_COPIED ? "ERROR: coffset=0x%" PRIx64 ": copied flag must never be set for "
                  "compressed clusters" : "ERROR compressed cluster 0x%" PRIx64 " with data file",
                  desc & s->coffset_mask);
        bad_entry(c, table, index);
        return;
    }
    qcow2_zip_range(s, desc, &at, &bytes);
    if (!at || !count_range(c, at, bytes, t->weight)) {
        c->r->corruptions = before;
        bad_entry(c, table, index);
        return;
    }
    if (t->active) {
        c->r->allocated_clusters++;
        c->r->compressed_clusters++;
        c->r->fragmented_clusters++;
    }
}

static void check_plain(Check *c, const Table *t, uint64_t table, uint32_t index, uint64_t desc,
                        uint64_t bitmap)
{
    Qcow2 *s = c->s;
    uint64_t host = desc & QCOW2_L2_OFFSET, before = c->r->corruptions;
    bool place = host || (qcow2_has_data_file(s) && (desc & QCOW2_COPIED));

    if (desc & L2_RESERVED) {
        check_say(c, "ERROR found l2 entry with reserved bits set: %" PRIx64, desc);
        bad_entry(c, table, index);
        return;
    }
    if ((qcow2_extl2(s) && ((bitmap & bitmap >> 32 & 0xffffffff) || (!place && (bitmap & 0xffffffff)) ||
                            (desc & QCOW2_ZERO))) || (s->version < 3 && (desc & QCOW2_ZERO))) {
        check_say(c, "ERROR invalid L2 entry 0x%" PRIx64 " 0x%" PRIx64, desc, bitmap);
        bad_entry(c, table, index);
        return;
    }
    if (!place) {
        if (desc & QCOW2_COPIED) {
            check_say(c, "ERROR L2 entry with the copied flag and no cluster: %" PRIx64, desc);
            bad_entry(c, table, index);
        }
        return;
    }
    if (host & (s->cluster_size - 1)) {
        check_say(c, "ERROR offset=%" PRIx64 ": Cluster is not properly aligned; L2 entry corrupted.", host);
        bad_entry(c, table, index);
        return;
    }
    if (!qcow2_has_data_file(s) && !count_range(c, host, s->cluster_size, t->weight)) {
        c->r->corruptions = before;
        bad_entry(c, table, index);
        return;
    }
    /* A zero cluster at the start of a data file counts as one without a place, as with qemu-img. */
    if (t->active && !(desc & QCOW2_ZERO && !host)) {
        c->r->allocated_clusters++;
        if (c->next_offset && host != c->next_offset) {
            c->r->fragmented_clusters++;
        }
        c->next_offset = host + s->cluster_size;
    }
}

static void check_l2(Check *c, uint64_t table, const Table *t)
{
    Qcow2 *s = c->s;
    int ret = node_pread(s->file, table, c->buf, s->cluster_size);

    c->next_offset = 0;
    if (ret < 0) {
        check_say(c, "ERROR: I/O error in check_refcounts_l2");
        c->r->check_errors++;
        return;
    }
    for (uint32_t i = 0; i < s->cluster_size / s->l2_entry_size; i++) {
        uint64_t desc = qcow2_entry(s, c->buf, i), bitmap = qcow2_bitmap(s, c->buf, i);
        if (desc & QCOW2_COMPRESSED) {
            check_zipped(c, t, table, i, desc);
        } else if (desc || (qcow2_extl2(s) && bitmap)) {
            check_plain(c, t, table, i, desc, bitmap);
        }
    }
}

/* ---- L1 tables ---- */

static void fix_l1_entry(Check *c, uint64_t *l1, uint64_t l1_offset, uint32_t i)
{
    uint8_t zero[8] = {0};

    c->r->corruptions++;
    if (!fixing(c) || !c->own_l1) {
        return;
    }
    if (node_pwrite(c->s->file, l1_offset + (uint64_t)i * 8, zero, 8, 0) < 0) {
        c->r->check_errors++;
        return;
    }
    l1[i] = 0;
    c->r->corruptions--;
    c->r->corruptions_fixed++;
}

/* Does nothing else claim the clusters of the table? Otherwise it is not written to. */
static bool counted_once(Check *c, uint64_t offset, uint64_t bytes)
{
    unsigned bits = c->s->cluster_bits;

    for (uint64_t i = offset >> bits; bytes && i <= (offset + bytes - 1) >> bits; i++) {
        if (check_count(c, i) != 1) {
            return false;
        }
    }
    return true;
}

static void gather_l1(Check *c, uint64_t *l1, uint32_t n, uint64_t l1_offset, bool active)
{
    Qcow2 *s = c->s;

    c->own_l1 = counted_once(c, l1_offset, (uint64_t)n * 8);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t table = l1[i] & QCOW2_L1_OFFSET;
        if (l1[i] & L1_RESERVED) {
            check_say(c, "ERROR found L1 entry with reserved bits set: %" PRIx64, l1[i]);
            fix_l1_entry(c, l1, l1_offset, i);
            continue;
        }
        if (!table) {
            continue;
        }
        if (table & (s->cluster_size - 1)) {
            check_say(c, "ERROR l2_offset=%" PRIx64 ": Table is not cluster aligned; L1 entry corrupted", table);
            fix_l1_entry(c, l1, l1_offset, i);
            continue;
        }
        if (fixing(c) && check_count(c, table >> s->cluster_bits) > 0 &&
            !g_hash_table_contains(c->tables, &table)) {
            check_say(c, "ERROR l2_offset=%" PRIx64 ": there is other metadata; L1 entry corrupted", table);
            fix_l1_entry(c, l1, l1_offset, i);
            continue;
        }
        uint64_t before = c->r->corruptions;
        if (!count_range(c, table, s->cluster_size, 1)) {
            c->r->corruptions = before;
            fix_l1_entry(c, l1, l1_offset, i);
            continue;
        }
        Table *t = g_hash_table_lookup(c->tables, &table);
        if (!t) {
            t = g_new0(Table, 1);
            g_hash_table_insert(c->tables, g_memdup2(&table, 8), t);
            g_array_append_val(c->order, table);
        }
        t->weight += t->weight < UINT32_MAX;
        t->active |= active;
    }
}

static void check_snapshot_l1s(Check *c)
{
    Qcow2 *s = c->s;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < s->nb_snap; i++) {
        const Qcow2Snapshot *sn = &s->snap[i];
        uint64_t *l1 = NULL;
        sum += (uint64_t)sn->l1_size * 8;
        if (sum > c->file_size || qcow2_load_l1(s, sn->l1_offset, sn->l1_size, &l1) < 0) {
            check_say(c, "ERROR snapshot %s (%s) l1_offset=%#" PRIx64 ": L1 table is not possible; snapshot "
                      "table entry corrupted", sn->id, sn->name, sn->l1_offset);
            c->r->corruptions++;
            continue;
        }
        gather_l1(c, l1, sn->l1_size, sn->l1_offset, false);
        g_free(l1);
    }
}

/* ---- the rest of the metadata ---- */

static int count_bitmap(void *opaque, uint64_t offset, uint64_t bytes)
{
    return count_range(opaque, offset, bytes, 1) ? 0 : -EIO;
}

static void check_bitmaps(Check *c)
{
    if (qcow2_bitmaps_walk(c->s, count_bitmap, c, NULL) < 0) {
        check_say(c, "ERROR: the bitmap directory is corrupted");
        c->r->corruptions++;
        c->bitmaps_broken = true;
    }
}

static void check_refblocks(Check *c)
{
    Qcow2 *s = c->s;

    count_range(c, s->rt_offset, (uint64_t)s->rt_clusters << s->cluster_bits, 1);
    for (size_t i = 0; i < s->rt_entries; i++) {
        uint64_t block = s->rt[i] & QCOW2_RT_OFFSET;
        const char *what = NULL;
        if (!s->rt[i]) {
            continue;
        }
        if (s->rt[i] & RT_RESERVED) {
            what = "reftable entry has reserved bits set";
        } else if (block & (s->cluster_size - 1)) {
            what = "is not cluster aligned; refcount table entry corrupted";
        } else if (block >= c->file_size) {
            what = "is outside image";
        } else {
            count_range(c, block, s->cluster_size, 1);
            if (check_count(c, block >> s->cluster_bits) != 1) {
                what = "is used for something else, too";
            }
        }
        if (what) {
            check_say(c, "ERROR refcount block %zu %s", i, what);
            c->r->corruptions++;
            c->rebuild = true;
            s->rt_bad[i] = 1;
        }
    }
}

static void check_snapshot_table(Check *c)
{
    Qcow2 *s = c->s;
    uint32_t short_ones = 0;

    for (uint32_t i = 0; i < s->nb_snap && s->version >= 3; i++) {
        short_ones += s->snap[i].extra_size < 16;
    }
    if (short_ones) {
        check_say(c, "ERROR %u snapshot table entries are incomplete", short_ones);
        c->r->corruptions += short_ones;
        c->short_snapshots = short_ones;
    }
    count_range(c, s->snapshots_offset, s->nb_snap ? s->snapshots_size : 0, 1);
}

/* All references of the file. Metadata in fixed places first: what overlaps it is wrong. */
void check_references(Check *c)
{
    Qcow2 *s = c->s;

    count_range(c, 0, s->cluster_size, 1);
    count_range(c, s->l1_offset, (uint64_t)s->l1_size * 8, 1);
    for (uint32_t i = 0; i < s->nb_snap; i++) {
        if (qcow2_range_ok(s, s->snap[i].l1_offset, 0) && s->snap[i].l1_size <= QCOW2_MAX_L1_BYTES / 8) {
            count_range(c, s->snap[i].l1_offset, (uint64_t)s->snap[i].l1_size * 8, 1);
        }
    }
    check_snapshot_table(c);
    check_refblocks(c);
    check_bitmaps(c);
    gather_l1(c, s->l1, s->l1_size, s->l1_offset, true);
    check_snapshot_l1s(c);
    for (guint i = 0; i < c->order->len; i++) {
        uint64_t table = g_array_index(c->order, uint64_t, i);
        check_l2(c, table, g_hash_table_lookup(c->tables, &table));
        if (c->r->progress && i % 64 == 0) {
            c->r->progress(c->r->opaque, 0.9 * i / c->order->len);
        }
    }
}

/* ---- counts in the file against references ---- */

static void compare_one(Check *c, uint64_t cluster, uint64_t stored, uint32_t refs, uint8_t *block,
                        uint64_t index, bool *changed)
{
    Qcow2 *s = c->s;
    bool too_low = stored < refs;
    bool repair = too_low ? fixing(c) && !c->rebuild_on_fix : c->fix & CHECK_FIX_LEAKS;

    if (stored || refs) {
        c->highest = MAX(c->highest, cluster);
    }
    if (stored == refs) {
        return;
    }
    if (too_low && (stored == 0 || refs > s->refcount_max)) {
        c->rebuild = true;
        repair = false;
    }
    repair &= block != NULL;
    check_say(c, "%s cluster %" PRIu64 " refcount=%" PRIu64 " reference=%u",
              repair ? "Repairing" : too_low ? "ERROR" : "Leaked", cluster, stored, refs);
    if (repair) {
        qcow2_refcount_poke(s, block, index, refs);
        *changed = true;
        (*(too_low ? &c->r->corruptions_fixed : &c->r->leaks_fixed))++;
    } else {
        (*(too_low ? &c->r->corruptions : &c->r->leaks))++;
    }
}

static void compare_block(Check *c, size_t t)
{
    Qcow2 *s = c->s;
    uint64_t block = s->rt[t] & QCOW2_RT_OFFSET, first = (uint64_t)t << s->refblock_bits;
    uint64_t n = MIN(BIT64(s->refblock_bits), c->clusters > first ? c->clusters - first : 0);
    bool changed = false;

    if (!n) {
        return;
    }
    if (node_pread(s->file, block, c->buf, s->cluster_size) < 0) {
        check_say(c, "Can't get refcount for cluster %" PRIu64, first);
        c->r->check_errors++;
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        compare_one(c, first + i, qcow2_refcount_peek(s, c->buf, i), check_count(c, first + i), c->buf, i,
                    &changed);
    }
    if (changed && node_pwrite(s->file, block, c->buf, s->cluster_size, 0) < 0) {
        c->r->check_errors++;
    }
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = **(const uint64_t *const *)a, y = **(const uint64_t *const *)b;

    return x < y ? -1 : x > y;
}

/* References to clusters that no block counts. */
static void compare_uncovered(Check *c)
{
    Qcow2 *s = c->s;
    guint n;
    g_autofree gpointer *keys = g_hash_table_get_keys_as_array(c->pages, &n);
    bool none;

    qsort(keys, n, sizeof(*keys), by_key);
    for (guint k = 0; k < n; k++) {
        uint64_t first = *(uint64_t *)keys[k] * CHECK_PAGE;
        for (uint64_t i = first; i < first + CHECK_PAGE; i++) {
            uint64_t t = i >> s->refblock_bits;
            bool covered = t < s->rt_entries && (s->rt[t] & QCOW2_RT_OFFSET) && !s->rt_bad[t];
            if (!covered && check_count(c, i)) {
                compare_one(c, i, 0, check_count(c, i), NULL, 0, &none);
            }
        }
    }
}

static void compare_counts(Check *c)
{
    Qcow2 *s = c->s;

    for (size_t t = 0; t < s->rt_entries; t++) {
        if ((s->rt[t] & QCOW2_RT_OFFSET) && !s->rt_bad[t]) {
            compare_block(c, t);
        }
    }
    compare_uncovered(c);
}

/* ---- flags ---- */

static bool one_reference(Check *c, uint64_t offset, uint64_t *count)
{
    if (qcow2_refcount_get(c->s, offset >> c->s->cluster_bits, count) < 0) {
        c->r->check_errors++;
        return false;
    }
    return true;
}

static void flag_fixed(Check *c, bool repair, int ret)
{
    if (ret < 0) {
        c->r->check_errors++;
    } else if (repair) {
        c->r->corruptions_fixed++;
    } else {
        c->r->corruptions++;
    }
}

static void check_l2_flags(Check *c, uint64_t table, bool repair)
{
    Qcow2 *s = c->s;
    uint64_t count;

    if (node_pread(s->file, table, c->buf, s->cluster_size) < 0) {
        c->r->check_errors++;
        return;
    }
    for (uint32_t i = 0; i < s->cluster_size / s->l2_entry_size; i++) {
        uint64_t desc = qcow2_entry(s, c->buf, i), host = desc & QCOW2_L2_OFFSET;
        if ((desc & QCOW2_COMPRESSED) || !host || (host & (s->cluster_size - 1)) ||
            qcow2_has_data_file(s) || !one_reference(c, host, &count) ||
            (count == 1) == (bool)(desc & QCOW2_COPIED)) {
            continue;
        }
        check_say(c, "%s OFLAG_COPIED data cluster: l2_entry=%" PRIx64 " refcount=%" PRIu64,
                  repair ? "Repairing" : "ERROR", desc, count);
        int ret = repair ? write_entry(c, table + (uint64_t)i * s->l2_entry_size, desc ^ QCOW2_COPIED,
                                       qcow2_bitmap(s, c->buf, i)) : 0;
        flag_fixed(c, repair, ret);
    }
}

static void check_flags(Check *c)
{
    Qcow2 *s = c->s;
    const BlockCheck *r = c->r;
    bool repair = fixing(c) ||
                  ((c->fix & CHECK_FIX_LEAKS) && !r->check_errors && !r->corruptions && !r->leaks);
    uint64_t count;
    uint8_t be[8];

    for (uint32_t i = 0; i < s->l1_size; i++) {
        uint64_t table = s->l1[i] & QCOW2_L1_OFFSET;
        if (!table || (table & (s->cluster_size - 1)) || table >= c->file_size ||
            !one_reference(c, table, &count)) {
            continue;
        }
        if ((count == 1) != (bool)(s->l1[i] & QCOW2_COPIED)) {
            check_say(c, "%s OFLAG_COPIED L2 cluster: l1_index=%u l1_entry=%" PRIx64 " refcount=%" PRIu64,
                      repair ? "Repairing" : "ERROR", i, s->l1[i], count);
            st_be64(be, s->l1[i] ^ QCOW2_COPIED);
            int ret = repair ? node_pwrite(s->file, s->l1_offset + (uint64_t)i * 8, be, 8, 0) : 0;
            if (repair && ret == 0) {
                s->l1[i] ^= QCOW2_COPIED;
            }
            flag_fixed(c, repair, ret);
        }
        check_l2_flags(c, table, repair);
    }
}

/* ---- the whole ---- */

void check_begin(Check *c, Qcow2 *s, BlockCheck *r, unsigned fix)
{
    *c = (Check){.s = s, .r = r, .fix = fix};
    c->pages = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    c->tables = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    c->order = g_array_new(false, false, sizeof(uint64_t));
    c->file_size = node_length(s->file);
    c->clusters = qcow2_clusters(s, c->file_size);
    c->buf = node_alloc_buffer(s->file, s->cluster_size);
    s->rt_bad = g_new0(uint8_t, s->rt_entries + 1);
}

void check_end(Check *c)
{
    g_hash_table_unref(c->pages);
    g_hash_table_unref(c->tables);
    g_array_unref(c->order);
    node_free_buffer(c->buf);
    g_clear_pointer(&c->s->rt_bad, g_free);
    qcow2_cache_clear(&c->s->l2);
    qcow2_cache_clear(&c->s->rc);
    c->s->free_index = 0;
    c->s->zip_tail = 0;
    c->s->fresh_from = round_up(node_length(c->s->file), c->s->cluster_size);
    qcow2_meta_build(c->s);
}

static void clear_numbers(BlockCheck *r)
{
    r->corruptions = r->leaks = r->check_errors = 0;
    r->allocated_clusters = r->fragmented_clusters = r->compressed_clusters = 0;
}

/* One pass. *again: something was repaired, count once more. */
static void check_once(Qcow2 *s, BlockCheck *r, unsigned fix, bool *again)
{
    uint64_t fixed = r->corruptions_fixed;
    Check c;

    *again = false;
    clear_numbers(r);
    check_begin(&c, s, r, fix);
    check_references(&c);
    if (c.rebuild && (fix & CHECK_FIX_ERRORS)) {
        c.rebuild_on_fix = true; /* do not patch what is thrown away */
        c.fix = 0;
    }
    compare_counts(&c);
    c.fix = fix;
    if (c.rebuild && (fix & CHECK_FIX_ERRORS)) {
        check_say(&c, "Rebuilding refcount structure");
        int ret = qcow2_rebuild_refcounts(&c);
        if (ret < 0) {
            check_say(&c, "ERROR could not rebuild the refcount structure: %s", g_strerror(-ret));
            r->check_errors++;
        } else {
            r->corruptions_fixed += r->corruptions;
            r->leaks_fixed += r->leaks;
            r->corruptions = r->leaks = 0;
            *again = true;
        }
    }
    if (!*again) {
        qcow2_cache_clear(&s->rc);
        check_flags(&c);
        if (c.short_snapshots && fixing(&c) && qcow2_repair_snapshots(s) == 0) {
            r->corruptions -= MIN(r->corruptions, c.short_snapshots);
            r->corruptions_fixed += c.short_snapshots;
        }
        if (c.bitmaps_broken && fixing(&c) && qcow2_drop_bitmaps(s) == 0) {
            r->corruptions -= MIN(r->corruptions, 1);
            r->corruptions_fixed++;
            *again = true; /* their clusters are free now */
        }
    }
    *again |= r->corruptions_fixed != fixed; /* one repair may show what is to be repaired next */
    r->image_end_offset = (c.highest + 1) << s->cluster_bits;
    check_end(&c);
}

/* Takes the dirty and the corrupt bit off. */
static int say_repaired(Qcow2 *s)
{
    const uint64_t was = s->incompat, bits = QCOW2_INCOMPAT_DIRTY | QCOW2_INCOMPAT_CORRUPT;

    if (!(was & bits)) {
        return 0;
    }
    int ret = qcow2_barrier(s); /* ordering point: repaired before it is said to be */
    if (ret < 0) {
        return ret;
    }
    s->incompat &= ~bits;
    ret = qcow2_write_features(s);
    if (ret < 0) {
        s->incompat = was;
        return ret;
    }
    s->corrupt = s->lazy = false;
    s->prepared = false;
    return 0;
}

/* Locked; nothing is pending. */
static int check_all(Qcow2 *s, BlockCheck *r, unsigned fix)
{
    bool again = true;
    int ret = 0;

    r->total_clusters = qcow2_clusters(s, s->size);
    for (unsigned pass = 0; again && pass < 4; pass++) {
        check_once(s, r, fix, &again);
    }
    if (fix && !r->check_errors && !r->corruptions && s->version >= 3 && (s->node->flags & BLOCK_RDWR)) {
        ret = say_repaired(s);
    }
    return fix && ret == 0 ? qcow2_barrier(s) : ret;
}

bool qcow2_check(BlockNode *n, BlockCheck *r, unsigned fix, Error **errp)
{
    Qcow2 *s = n->priv;
    int ret = 0;

    if (fix && !(n->flags & BLOCK_RDWR)) {
        error_set(errp, ERR_STATE, "the image is read-only");
        return false;
    }
    if (s->snapshot_view) {
        error_set(errp, ERR_STATE, "the image shows a snapshot");
        return false;
    }
    g_mutex_lock(&s->lock);
    if (!s->corrupt && s->prepared) {
        ret = qcow2_commit_all(s);
    }
    ret = ret < 0 ? ret : check_all(s, r, fix);
    g_mutex_unlock(&s->lock);
    if (ret < 0) {
        error_set_errno(errp, -ret, "the check failed");
    }
    return ret == 0;
}

bool qcow2_repair_dirty(Qcow2 *s, Error **errp)
{
    BlockCheck r = {0};
    int ret;

    g_mutex_lock(&s->lock);
    ret = check_all(s, &r, CHECK_FIX_LEAKS | CHECK_FIX_ERRORS);
    g_mutex_unlock(&s->lock);
    if (ret < 0 || r.check_errors || r.corruptions) {
        error_set(errp, ERR_GENERIC, "Could not repair dirty image");
        error_hint(errp, "rhea-img check -r all shows why");
        return false;
    }
    return true;
}
