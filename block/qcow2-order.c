/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order in which qcow2 metadata reaches the disk. There are four kinds of writes: data,
 * refcounts, L2 (with L1), and frees. What one kind relies on is kept as data here, and each place
 * where something has to be stable before something else is written is in this file, or is named
 * "ordering point" where it is (switches of whole tables).
 *
 *   A  refcounts        dirty slices of refcount blocks at any time; an entry of the refcount table
 *                       only after the block it names is stable (point A1)
 *   B  barrier          data, counts, and initial contents of new tables are stable
 *   C  L2 and L1        may now name what they name, in any order and any subset, torn anywhere
 *                       (entries never cross a sector)
 *   D  flush            the guest's flush, or the next B
 *   E  frees            what was overwritten in C is on no disk any more: the counts go down, and the
 *                       clusters may be used again as soon as no request in flight uses them
 *
 * Whatever subset of unflushed writes survives, a count is never lower than the references on the
 * disk, so only leaks are possible; and an entry never names a cluster without its contents.
 *
 * home: under Qcow2.lock, which is held across the flushes.
 */
#include <errno.h>

#include "base/log.h"
#include "block/qcow2.h"

/* Frees that wait make the file grow: commit after that many. */
#define MAX_WAITING 16384u

void qcow2_pin(Qcow2 *s, uint64_t host, uint64_t bytes, int delta)
{
    uint64_t first = host >> s->pin_bits, last = (host + bytes - 1) >> s->pin_bits;

    for (uint64_t i = first; i <= last; i++) {
        __atomic_fetch_add(&s->pins[i % QCOW2_PINS], (uint32_t)delta, __ATOMIC_SEQ_CST);
    }
}

static bool pinned(Qcow2 *s, uint64_t host, uint64_t bytes)
{
    uint64_t first = host >> s->pin_bits, last = (host + bytes - 1) >> s->pin_bits;

    if (last - first >= QCOW2_PINS) {
        last = first + QCOW2_PINS - 1;
    }
    for (uint64_t i = first; i <= last; i++) {
        if (__atomic_load_n(&s->pins[i % QCOW2_PINS], __ATOMIC_SEQ_CST)) {
            return true;
        }
    }
    return false;
}

int qcow2_set_dirty(Qcow2 *s, bool dirty)
{
    uint64_t was = s->incompat;
    int ret = dirty ? 0 : qcow2_freshen_flags(s);

    if (ret < 0) {
        return ret;
    }
    s->incompat = dirty ? was | QCOW2_INCOMPAT_DIRTY : was & ~(uint64_t)QCOW2_INCOMPAT_DIRTY;
    if (s->incompat == was || s->version < 3) {
        s->incompat = was;
        return 0;
    }
    ret = qcow2_write_features(s);
    ret = ret < 0 ? ret : qcow2_barrier(s);
    if (ret < 0) {
        s->incompat = was;
    }
    return ret;
}

/* Ordering point: all of this is stable before anything else of the image changes. */
static int prepare_first(Qcow2 *s)
{
    int ret = 0;

    if (s->autoclear & ~(uint64_t)QCOW2_AUTOCLEAR_KNOWN) {
        s->autoclear &= QCOW2_AUTOCLEAR_KNOWN;
        ret = qcow2_write_features(s);
    }
    if (ret == 0 && s->nb_bitmaps) {
        ret = qcow2_bitmaps_in_use(s);
    }
    if (ret == 0) {
        ret = qcow2_barrier(s);
    }
    if (ret == 0 && s->lazy_wanted) {
        ret = qcow2_set_dirty(s, true);
        s->lazy = ret == 0;
    }
    s->prepared = ret == 0;
    return ret;
}

int qcow2_prepare(Qcow2 *s)
{
    if (s->corrupt) {
        return -EIO;
    }
    if (s->snapshot_view || !(s->node->flags & BLOCK_RDWR)) {
        return -EROFS;
    }
    if (s->free_waiting->len > MAX_WAITING) {
        int ret = qcow2_commit_all(s);
        if (ret < 0) {
            return ret;
        }
    }
    return s->prepared ? 0 : prepare_first(s);
}

static int write_reftable(Qcow2 *s)
{
    uint8_t sector[512];
    int ret;

    for (size_t i = 0; i < s->rt_entries; i += 64) {
        if (!s->rt_dirty[i / 64]) {
            continue;
        }
        for (size_t k = 0; k < 64; k++) {
            st_be64(sector + k * 8, s->rt[i + k]);
        }
        ret = qcow2_overlap_check(s, QCOW2_META_REFTABLE, s->rt_offset + i * 8, 512);
        ret = ret < 0 ? ret : node_pwrite(s->file, s->rt_offset + i * 8, sector, 512, 0);
        if (ret < 0) {
            return ret;
        }
        s->rt_dirty[i / 64] = 0;
    }
    s->rt_any_dirty = false;
    return 0;
}

int qcow2_write_refcounts(Qcow2 *s)
{
    bool any = s->rc.dirty || s->rt_any_dirty;
    int ret = qcow2_cache_write(s, &s->rc, QCOW2_META_REFBLOCK);

    if (ret == 0 && s->rt_any_dirty) {
        /* Ordering point A1: new blocks are stable before the table names them. */
        ret = node_flush(s->file);
        ret = ret < 0 ? ret : write_reftable(s);
    }
    s->unflushed |= any;
    return ret;
}

/* E: gives up what nobody can reach or is using. */
static void apply_frees(Qcow2 *s)
{
    GArray *list = s->free_stable;
    guint kept = 0;

    for (guint i = 0; i < list->len; i++) {
        Qcow2Free f = g_array_index(list, Qcow2Free, i);
        if (pinned(s, f.offset, f.bytes)) {
            g_array_index(list, Qcow2Free, kept++) = f;
        } else if (qcow2_refcount_add(s, f.offset, f.bytes, -1, f.kind) < 0) {
            log_mask(LOG_UNIMP, "qcow2: %s: cluster at 0x%" PRIx64 " leaked\n", s->node->filename, f.offset);
        }
    }
    g_array_set_size(list, kept);
}

static void move_frees(GArray *to, GArray *from)
{
    g_array_append_vals(to, from->data, from->len);
    g_array_set_size(from, 0);
}

int qcow2_barrier(Qcow2 *s)
{
    int ret = s->data != s->file ? node_flush(s->data) : 0;

    ret = ret < 0 ? ret : node_flush(s->file);
    if (ret < 0) {
        return ret;
    }
    s->unflushed = false;
    move_frees(s->free_stable, s->free_written);
    apply_frees(s);
    return 0;
}

static int write_l1(Qcow2 *s)
{
    uint8_t sector[512];
    int ret;

    for (uint32_t i = 0; i < s->l1_size; i += 64) {
        uint32_t n = MIN(s->l1_size - i, 64);
        if (!s->l1_dirty[i / 64]) {
            continue;
        }
        for (uint32_t k = 0; k < n; k++) {
            st_be64(sector + k * 8, s->l1[i + k]);
        }
        ret = qcow2_overlap_check(s, QCOW2_META_L1, s->l1_offset + i * 8, n * 8);
        ret = ret < 0 ? ret : node_pwrite(s->file, s->l1_offset + i * 8, sector, n * 8, 0);
        if (ret < 0) {
            return ret;
        }
        s->l1_dirty[i / 64] = 0;
    }
    s->l1_any_dirty = false;
    return 0;
}

bool qcow2_reserve(Qcow2 *s, Error **errp)
{
    if (s->reserve_end <= node_length(s->file)) {
        return true;
    }
    s->unflushed = true;
    return node_truncate(s->file, s->reserve_end, s->reserve_mode, errp);
}

int qcow2_commit(Qcow2 *s)
{
    int ret = 0;

    if (s->corrupt) {
        return -EIO;
    }
    if (!s->l2.dirty && !s->l1_any_dirty) {
        move_frees(s->free_written, s->free_waiting); /* nothing in the file had them */
        return 0;
    }
    if (s->reserve_end && !qcow2_has_data_file(s) && !qcow2_reserve(s, NULL)) {
        return -EIO;
    }
    if (!s->lazy) {
        ret = qcow2_write_refcounts(s); /* A */
    }
    if (ret == 0 && s->unflushed) {
        ret = qcow2_barrier(s); /* B */
    }
    ret = ret < 0 ? ret : qcow2_cache_write(s, &s->l2, QCOW2_META_L2); /* C */
    if (ret == 0 && s->l1_any_dirty) {
        ret = write_l1(s);
    }
    if (ret == 0) {
        s->reserve_end = 0;
        move_frees(s->free_written, s->free_waiting);
    }
    return ret;
}

int qcow2_commit_all(Qcow2 *s)
{
    int ret = qcow2_commit(s);

    ret = ret < 0 ? ret : qcow2_barrier(s); /* D, E */
    ret = ret < 0 ? ret : qcow2_write_refcounts(s);
    return ret < 0 || !s->unflushed ? ret : qcow2_barrier(s);
}

void qcow2_free_later(Qcow2 *s, uint64_t offset, uint64_t bytes, unsigned kind)
{
    GArray *list = s->free_waiting;
    Qcow2Free *last = list->len ? &g_array_index(list, Qcow2Free, list->len - 1) : NULL;

    /* Compressed clusters share host clusters: each reference is dropped for itself. */
    if (last && last->kind == kind && last->offset + last->bytes == offset &&
        !((offset | bytes | last->bytes) & (s->cluster_size - 1))) {
        last->bytes += bytes;
        return;
    }
    Qcow2Free f = {.offset = offset, .bytes = bytes, .kind = kind};
    g_array_append_val(list, f);
}

void qcow2_l1_set(Qcow2 *s, uint32_t index, uint64_t entry)
{
    s->l1[index] = entry;
    s->l1_dirty[index / 64] = 1;
    s->l1_any_dirty = true;
}
