/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal snapshots of qcow2: each has an L1 table of its own; what several tables name has a
 * count of more than one, and is copied before it is changed. The machine's saved state is stored
 * as guest data behind the disk's end.
 *
 * While counts and "copied" flags of the whole image are changed, the dirty bit is set (version 3),
 * so that whoever opens the image after a crash in the middle repairs it. The order within makes
 * even that crash lose nothing: flags are cleared before counts go up, counts go up before a table is
 * named, and they go down after no table names the clusters.
 *
 * home: main loop, with the node drained.
 */
#include <errno.h>

#include "block/qcow2.h"

#define ENTRY_BYTES 40u
#define KNOWN_EXTRA 24u

/* ---- the table in the file ---- */

static void snapshot_clear(Qcow2Snapshot *sn)
{
    g_free(sn->id);
    g_free(sn->name);
    g_free(sn->extra);
}

void qcow2_snapshots_free(Qcow2 *s)
{
    for (uint32_t i = 0; i < s->nb_snap; i++) {
        snapshot_clear(&s->snap[i]);
    }
    g_free(s->snap);
    s->snap = NULL;
    s->nb_snap = 0;
}

static void parse_extra(Qcow2 *s, Qcow2Snapshot *sn)
{
    if (sn->extra_size >= 8) {
        sn->vm_state_size = ld_be64(sn->extra);
    }
    sn->disk_size = sn->extra_size >= 16 ? ld_be64(sn->extra + 8) : s->size;
    sn->icount = sn->extra_size >= 24 ? (int64_t)ld_be64(sn->extra + 16) : -1;
}

/* One entry at *at; moves on. */
static bool read_entry(Qcow2 *s, uint32_t i, uint64_t *at, Error **errp)
{
    uint8_t h[ENTRY_BYTES];
    Qcow2Snapshot *sn = &s->snap[i];
    int ret = node_pread(s->file, *at, h, sizeof(h));
    uint32_t id_len = ld_be16(h + 12), name_len = ld_be16(h + 14), extra = ld_be32(h + 36);

    if (ret == 0 && extra > QCOW2_MAX_SNAPSHOT_EXTRA) {
        error_set(errp, ERR_GENERIC, "Too much extra metadata in snapshot table entry %u", i);
        return false;
    }
    g_autofree uint8_t *rest = g_malloc0(extra + id_len + name_len + 1);
    ret = ret < 0 ? ret : node_pread(s->file, *at + ENTRY_BYTES, rest, extra + id_len + name_len);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not read snapshots");
        return false;
    }
    *sn = (Qcow2Snapshot){
        .l1_offset = ld_be64(h),
        .l1_size = ld_be32(h + 8),
        .date_sec = ld_be32(h + 16),
        .date_nsec = ld_be32(h + 20),
        .vm_clock_nsec = ld_be64(h + 24),
        .vm_state_size = ld_be32(h + 32),
        .extra_size = extra,
        .extra = g_memdup2(rest, extra),
        .id = g_strndup((char *)rest + extra, id_len),
        .name = g_strndup((char *)rest + extra + id_len, name_len),
    };
    s->nb_snap = i + 1;
    parse_extra(s, sn);
    *at += round_up(ENTRY_BYTES + extra + id_len + name_len, 8);
    return true;
}

bool qcow2_read_snapshots(Qcow2 *s, uint64_t offset, uint32_t count, Error **errp)
{
    uint64_t at = offset;

    if (!count) {
        return true;
    }
    if (count > QCOW2_MAX_SNAPSHOTS || !qcow2_range_ok(s, offset, 0)) {
        error_set(errp, ERR_GENERIC, "Snapshot table %s", count > QCOW2_MAX_SNAPSHOTS ? "too large"
                                                                                   : "offset invalid");
        return false;
    }
    s->snap = g_new0(Qcow2Snapshot, count);
    s->snapshots_offset = offset;
    for (uint32_t i = 0; i < count; i++) {
        if (!read_entry(s, i, &at, errp)) {
            return false;
        }
        if (at - offset > QCOW2_MAX_SNAPSHOT_TABLE) {
            error_set(errp, ERR_GENERIC, "Snapshot table is too large");
            return false;
        }
    }
    s->snapshots_size = at - offset;
    return true;
}

static void put_entry(Qcow2Snapshot *sn, GByteArray *out)
{
    uint32_t extra = MAX(sn->extra_size, KNOWN_EXTRA);
    uint32_t id_len = (uint32_t)strlen(sn->id), name_len = (uint32_t)strlen(sn->name);
    uint8_t h[ENTRY_BYTES] = {0}, *x = g_realloc(sn->extra, extra);

    st_be64(h, sn->l1_offset);
    st_be32(h + 8, sn->l1_size);
    st_be16(h + 12, (uint16_t)id_len);
    st_be16(h + 14, (uint16_t)name_len);
    st_be32(h + 16, sn->date_sec);
    st_be32(h + 20, sn->date_nsec);
    st_be64(h + 24, sn->vm_clock_nsec);
    st_be32(h + 32, sn->vm_state_size > UINT32_MAX ? 0 : (uint32_t)sn->vm_state_size);
    st_be32(h + 36, extra);
    sn->extra = x;
    sn->extra_size = extra;
    st_be64(x, sn->vm_state_size);
    st_be64(x + 8, sn->disk_size);
    st_be64(x + 16, (uint64_t)sn->icount);
    g_byte_array_append(out, h, sizeof(h));
    g_byte_array_append(out, x, extra);
    g_byte_array_append(out, (const uint8_t *)sn->id, id_len);
    g_byte_array_append(out, (const uint8_t *)sn->name, name_len);
    static const uint8_t pad[8];
    g_byte_array_append(out, pad, (guint)(-(uint64_t)out->len & 7));
}

/* Ordering point: the header names the new table when that is stable; the old one is freed when the
 * header is. */
int qcow2_write_snapshots(Qcow2 *s)
{
    g_autoptr(GByteArray) table = g_byte_array_new();
    uint64_t host = 0, old = s->snapshots_offset, old_size = s->snapshots_size;
    uint8_t field[12];
    int ret = 0;

    for (uint32_t i = 0; i < s->nb_snap; i++) {
        put_entry(&s->snap[i], table);
    }
    if (table->len > QCOW2_MAX_SNAPSHOT_TABLE) {
        return -EFBIG;
    }
    if (table->len) {
        ret = qcow2_alloc_area(s, table->len, &host);
        ret = ret < 0 ? ret : node_pwrite(s->file, host, table->data, table->len, 0);
    }
    ret = ret < 0 ? ret : qcow2_write_refcounts(s);
    ret = ret < 0 ? ret : qcow2_barrier(s);
    if (ret == 0) {
        st_be32(field, s->nb_snap);
        st_be64(field + 4, host);
        ret = node_pwrite(s->file, QCOW2_H_NB_SNAPSHOTS, field, sizeof(field), 0);
        ret = ret < 0 ? ret : node_flush(s->file);
    }
    if (ret < 0) {
        return ret;
    }
    s->snapshots_offset = host;
    s->snapshots_size = table->len;
    return old_size ? qcow2_refcount_add(s, old, old_size, -1, QCOW2_DISCARD_SNAPSHOT) : 0;
}

int qcow2_load_l1(Qcow2 *s, uint64_t offset, uint32_t entries, uint64_t **out)
{
    int ret;

    *out = NULL;
    if (entries > QCOW2_MAX_L1_BYTES / 8 || !qcow2_range_ok(s, offset, 0)) {
        return -EFBIG;
    }
    *out = g_malloc0(MAX((size_t)entries * 8, 8));
    ret = entries ? node_pread(s->file, offset, *out, (size_t)entries * 8) : 0;
    for (uint32_t i = 0; i < entries && ret == 0; i++) {
        (*out)[i] = ld_be64(&(*out)[i]);
    }
    if (ret < 0) {
        g_free(*out);
        *out = NULL;
    }
    return ret;
}

/* ---- counts and flags of everything that an L1 names ---- */

/* Called for each thing that is named; stops at an error. */
typedef struct Walk {
    Qcow2 *s;
    int delta;
    unsigned kind;
    uint64_t done, limit; /* counts changed, and to be changed at most */
} Walk;

static int walk_add(Walk *w, uint64_t offset, uint64_t bytes)
{
    Qcow2 *s = w->s;
    uint64_t end = round_up(offset + bytes, s->cluster_size);
    int ret = 0;

    for (uint64_t at = qcow2_cluster_start(s, offset); at < end && ret == 0 && w->done < w->limit;
         at += s->cluster_size) {
        ret = qcow2_refcount_add(s, at, s->cluster_size, w->delta, w->kind);
        w->done += ret == 0;
    }
    return ret;
}

static int walk_entry(Walk *w, uint64_t desc)
{
    uint64_t at, bytes;

    if (desc & QCOW2_COMPRESSED) {
        qcow2_zip_range(w->s, desc, &at, &bytes);
        return walk_add(w, at, bytes);
    }
    at = desc & QCOW2_L2_OFFSET;
    if (at & (w->s->cluster_size - 1)) {
        return qcow2_signal_corrupt(w->s, true, 0, 0, "Cluster allocation offset 0x%" PRIx64 " unaligned", at);
    }
    return at ? walk_add(w, at, w->s->cluster_size) : 0;
}

static int walk_l1(Walk *w, const uint64_t *l1, uint32_t n)
{
    Qcow2 *s = w->s;
    int ret = 0;

    for (uint32_t i = 0; i < n && ret == 0; i++) {
        uint64_t table = l1[i] & QCOW2_L1_OFFSET;
        if (table & (s->cluster_size - 1)) {
            return qcow2_signal_corrupt(s, true, 0, 0, "L2 table offset 0x%" PRIx64 " unaligned", table);
        }
        for (uint32_t at = 0; table && at < s->cluster_size && ret == 0; at += s->l2.slice) {
            uint8_t *slice;
            ret = qcow2_cache_get(s, &s->l2, table + at, &slice);
            for (unsigned k = 0; k < s->l2.slice / s->l2_entry_size && ret == 0; k++) {
                ret = walk_entry(w, qcow2_entry(s, slice, k));
            }
        }
        if (table && ret == 0) {
            ret = walk_add(w, table, s->cluster_size);
        }
    }
    return ret;
}

/* Adds one to, or takes one from, the count of everything; nothing happened if it fails to add. */
static int count_l1(Qcow2 *s, const uint64_t *l1, uint32_t n, int delta)
{
    Walk w = {.s = s, .delta = delta, .kind = QCOW2_DISCARD_SNAPSHOT, .limit = UINT64_MAX};
    int ret = walk_l1(&w, l1, n);

    if (ret < 0 && delta > 0) {
        Walk back = {.s = s, .delta = -1, .kind = QCOW2_DISCARD_NEVER, .limit = w.done};
        walk_l1(&back, l1, n);
    }
    return ret;
}

/* Does nobody else have the cluster? */
static int is_ours(Qcow2 *s, uint64_t offset, bool *ours)
{
    uint64_t count;
    int ret = qcow2_refcount_get(s, offset >> s->cluster_bits, &count);

    *ours = count == 1;
    return ret;
}

static int flags_in_slice(Qcow2 *s, uint8_t *slice, bool set)
{
    int ret = 0;

    for (unsigned k = 0; k < s->l2.slice / s->l2_entry_size && ret == 0; k++) {
        uint64_t desc = qcow2_entry(s, slice, k);
        bool ours = false;
        if ((desc & QCOW2_COMPRESSED) || !(desc & QCOW2_L2_OFFSET)) {
            continue;
        }
        ret = set ? is_ours(s, desc & QCOW2_L2_OFFSET, &ours) : 0;
        if (ret == 0 && ours != (bool)(desc & QCOW2_COPIED)) {
            qcow2_set_entry(s, slice, k, desc ^ QCOW2_COPIED, qcow2_bitmap(s, slice, k));
        }
    }
    return ret;
}

/* The "copied" flags of the active tables: cleared, or what the counts say; stable on return. */
static int fix_flags(Qcow2 *s, bool set)
{
    int ret = 0;

    for (uint32_t i = 0; i < s->l1_size && ret == 0; i++) {
        uint64_t table = s->l1[i] & QCOW2_L1_OFFSET;
        bool ours = false;
        if (!table) {
            continue;
        }
        /* Also tables that are not marked: what set the flags may have stopped between the two. */
        for (uint32_t at = 0; at < s->cluster_size && ret == 0; at += s->l2.slice) {
            uint8_t *slice;
            ret = qcow2_cache_get(s, &s->l2, table + at, &slice);
            ret = ret < 0 ? ret : flags_in_slice(s, slice, set);
        }
        if (ret == 0 && set) {
            ret = is_ours(s, table, &ours);
        }
        if (ret == 0 && ours != (bool)(s->l1[i] & QCOW2_COPIED)) {
            qcow2_l1_set(s, i, s->l1[i] ^ QCOW2_COPIED);
        }
    }
    return ret < 0 ? ret : qcow2_commit_all(s);
}

int qcow2_freshen_flags(Qcow2 *s)
{
    int ret = s->flags_stale ? fix_flags(s, true) : 0;

    s->flags_stale = s->flags_stale && ret < 0;
    return ret;
}

/* ---- operations ---- */

static int find(Qcow2 *s, const char *id_or_name)
{
    for (uint32_t i = 0; i < s->nb_snap; i++) {
        if (!strcmp(s->snap[i].id, id_or_name)) {
            return (int)i;
        }
    }
    for (uint32_t i = 0; i < s->nb_snap; i++) {
        if (!strcmp(s->snap[i].name, id_or_name)) {
            return (int)i;
        }
    }
    return -1;
}

static int find_or_say(Qcow2 *s, const char *id_or_name, Error **errp)
{
    int i = find(s, id_or_name);

    if (i < 0) {
        error_set(errp, ERR_INVALID_PARAMETER, "snapshot '%s' was not found", id_or_name);
    }
    return i;
}

/* Begins an operation on the whole image: nothing is pending, the dirty bit is set. Locked then. */
static int begin(Qcow2 *s)
{
    int ret;

    g_mutex_lock(&s->lock);
    ret = qcow2_prepare(s);
    ret = ret < 0 ? ret : qcow2_commit_all(s);
    return ret < 0 ? ret : qcow2_set_dirty(s, true);
}

/* Ends it; a failure in the middle leaves the dirty bit for the next who opens the image. */
static bool end(Qcow2 *s, int ret, bool keep_dirty, const char *what, Error **errp)
{
    s->flags_stale |= ret < 0;
    if (!keep_dirty && !s->lazy) {
        int r = qcow2_commit_all(s);
        r = r < 0 ? r : qcow2_set_dirty(s, false);
        ret = ret < 0 ? ret : r;
    }
    qcow2_meta_build(s);
    g_mutex_unlock(&s->lock);
    if (ret < 0) {
        error_set_errno(errp, -ret, "%s", what);
    }
    return ret == 0;
}

static char *new_id(Qcow2 *s)
{
    uint64_t max = 0;

    for (uint32_t i = 0; i < s->nb_snap; i++) {
        max = MAX(max, g_ascii_strtoull(s->snap[i].id, NULL, 10));
    }
    return g_strdup_printf("%" PRIu64, max + 1);
}

static int write_copy_of_l1(Qcow2 *s, uint64_t *host)
{
    g_autofree uint8_t *be = g_malloc0(MAX((size_t)s->l1_size * 8, 8));
    int ret = qcow2_alloc_area(s, (uint64_t)s->l1_size * 8, host);

    for (uint32_t i = 0; i < s->l1_size; i++) {
        st_be64(be + (size_t)i * 8, s->l1[i] & ~QCOW2_COPIED);
    }
    s->unflushed = true;
    return ret < 0 ? ret : node_pwrite(s->file, *host, be, (size_t)s->l1_size * 8, 0);
}

static void append_snapshot(Qcow2 *s, const BlockSnapshot *sn, uint64_t l1_offset)
{
    char *id = sn->id && *sn->id ? g_strdup(sn->id) : new_id(s);

    s->snap = g_renew(Qcow2Snapshot, s->snap, s->nb_snap + 1);
    s->snap[s->nb_snap++] = (Qcow2Snapshot){
        .l1_offset = l1_offset,
        .l1_size = s->l1_size,
        .id = id,
        .name = g_strdup(sn->name ? sn->name : ""),
        .date_sec = (uint32_t)sn->date_sec,
        .date_nsec = sn->date_nsec,
        .vm_clock_nsec = sn->vm_clock_nsec,
        .vm_state_size = sn->vm_state_size,
        .disk_size = s->size,
        .icount = sn->icount,
    };
}

/* The machine's state was written to the active table; now the snapshot has it. */
static void drop_vmstate(Qcow2 *s, uint64_t bytes)
{
    uint64_t start = (uint64_t)s->l1_vm_index << qcow2_l1_shift(s);

    if (bytes) {
        qcow2_unmap(s, start, round_up(bytes, s->cluster_size), true, QCOW2_DISCARD_NEVER);
    }
}

bool qcow2_snapshot_create(BlockNode *n, const BlockSnapshot *sn, Error **errp)
{
    Qcow2 *s = n->priv;
    uint64_t host = 0;
    bool counted = false;
    int ret;

    if (qcow2_has_data_file(s)) {
        error_set(errp, ERR_UNSUPPORTED, "qcow2: internal snapshots do not go with an external data file");
        return false;
    }
    if (s->nb_snap >= QCOW2_MAX_SNAPSHOTS || (sn->id && *sn->id && find(s, sn->id) >= 0) ||
        strlen(sn->name ? sn->name : "") > UINT16_MAX) {
        error_set(errp, ERR_INVALID_PARAMETER, "too many snapshots, a name that is too long, or an id that exists");
        return false;
    }
    ret = begin(s);
    ret = ret < 0 ? ret : write_copy_of_l1(s, &host);
    ret = ret < 0 ? ret : fix_flags(s, false);
    ret = ret < 0 ? ret : count_l1(s, s->l1, s->l1_size, 1);
    if (ret == 0) {
        counted = true;
        append_snapshot(s, sn, host);
        ret = qcow2_write_snapshots(s);
        if (ret < 0) {
            snapshot_clear(&s->snap[--s->nb_snap]);
        }
    }
    if (ret < 0) {
        /* Whether the header was written is not known after an error: too high counts do no harm. */
        if (host && !counted) {
            qcow2_refcount_add(s, host, (uint64_t)s->l1_size * 8, -1, QCOW2_DISCARD_OTHER);
        }
        return end(s, ret, counted, "Could not create snapshot", errp);
    }
    if (!end(s, 0, false, "Could not create snapshot", errp)) {
        return false;
    }
    drop_vmstate(s, sn->vm_state_size);
    return true;
}

bool qcow2_snapshot_goto(BlockNode *n, const char *id_or_name, Error **errp)
{
    Qcow2 *s = n->priv;
    int i = find_or_say(s, id_or_name, errp), ret;
    uint64_t *l1 = NULL;
    uint32_t old_size;

    if (i < 0) {
        return false;
    }
    Qcow2Snapshot *sn = &s->snap[i];
    uint64_t need = qcow2_l1_entries(s, sn->disk_size);
    if (need == UINT64_MAX || sn->disk_size > INT64_MAX ||
        (sn->disk_size != s->size && s->nb_bitmaps)) {
        error_set(errp, ERR_GENERIC, "the snapshot's disk size cannot be taken over");
        return false;
    }
    ret = begin(s);
    ret = ret < 0 ? ret : qcow2_load_l1(s, sn->l1_offset, sn->l1_size, &l1);
    ret = ret < 0 ? ret : count_l1(s, l1, sn->l1_size, 1);
    if (ret < 0) {
        g_free(l1);
        return end(s, ret, false, "Could not apply snapshot", errp);
    }
    g_autofree uint64_t *old = g_memdup2(s->l1, MAX((size_t)s->l1_size * 8, 8));
    uint32_t entries = MAX(sn->l1_size, (uint32_t)need);
    g_autofree uint64_t *active = g_new0(uint64_t, MAX(entries, 1));
    old_size = s->l1_size;
    for (uint32_t k = 0; k < sn->l1_size; k++) {
        active[k] = l1[k] & ~QCOW2_COPIED;
    }
    ret = qcow2_switch_l1(s, active, entries, sn->disk_size);
    s->l1_vm_index = ret == 0 ? (uint32_t)need : s->l1_vm_index;
    ret = ret < 0 ? ret : count_l1(s, old, old_size, -1);
    ret = ret < 0 ? ret : fix_flags(s, true);
    g_free(l1);
    bool ok = end(s, ret, ret < 0, "Could not apply snapshot", errp);
    qcow2_unzip_forget(s);
    node_length(n);
    return ok;
}

bool qcow2_snapshot_delete(BlockNode *n, const char *id_or_name, Error **errp)
{
    Qcow2 *s = n->priv;
    int i = find_or_say(s, id_or_name, errp), ret;
    uint64_t *l1 = NULL;

    if (i < 0) {
        return false;
    }
    Qcow2Snapshot gone = s->snap[i];
    ret = begin(s);
    ret = ret < 0 ? ret : qcow2_load_l1(s, gone.l1_offset, gone.l1_size, &l1);
    if (ret < 0) {
        return end(s, ret, false, "Could not delete snapshot", errp);
    }
    memmove(&s->snap[i], &s->snap[i + 1], (s->nb_snap - 1 - (uint32_t)i) * sizeof(gone));
    s->nb_snap--;
    ret = qcow2_write_snapshots(s);
    if (ret < 0) {
        memmove(&s->snap[i + 1], &s->snap[i], (s->nb_snap - (uint32_t)i) * sizeof(gone));
        s->snap[i] = gone;
        s->nb_snap++;
        g_free(l1);
        return end(s, ret, true, "Could not delete snapshot", errp);
    }
    ret = count_l1(s, l1, gone.l1_size, -1);
    if (gone.l1_size && ret == 0) {
        ret = qcow2_refcount_add(s, gone.l1_offset, (uint64_t)gone.l1_size * 8, -1, QCOW2_DISCARD_SNAPSHOT);
    }
    ret = ret < 0 ? ret : fix_flags(s, true);
    g_free(l1);
    snapshot_clear(&gone);
    qcow2_unzip_forget(s);
    return end(s, ret, ret < 0, "Could not delete snapshot", errp);
}

GPtrArray *qcow2_snapshot_list(BlockNode *n)
{
    Qcow2 *s = n->priv;
    GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)block_snapshot_free);

    for (uint32_t i = 0; i < s->nb_snap; i++) {
        const Qcow2Snapshot *q = &s->snap[i];
        BlockSnapshot *sn = g_new(BlockSnapshot, 1);
        *sn = (BlockSnapshot){
            .id = g_strdup(q->id),
            .name = g_strdup(q->name),
            .vm_state_size = q->vm_state_size,
            .date_sec = q->date_sec,
            .date_nsec = q->date_nsec,
            .vm_clock_nsec = q->vm_clock_nsec,
            .disk_size = q->disk_size,
            .icount = q->icount,
        };
        g_ptr_array_add(list, sn);
    }
    return list;
}

bool qcow2_snapshot_load(BlockNode *n, const char *id_or_name, Error **errp)
{
    Qcow2 *s = n->priv;
    int i = find_or_say(s, id_or_name, errp), ret;
    uint64_t *l1 = NULL;

    if (i < 0) {
        return false;
    }
    if (n->flags & BLOCK_RDWR) {
        error_set(errp, ERR_STATE, "a snapshot can only be shown by a node that is read-only");
        return false;
    }
    const Qcow2Snapshot *sn = &s->snap[i];
    uint64_t need = qcow2_l1_entries(s, sn->disk_size);
    ret = need == UINT64_MAX || sn->disk_size > INT64_MAX ? -EFBIG
                                                          : qcow2_load_l1(s, sn->l1_offset, sn->l1_size, &l1);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not load snapshot");
        return false;
    }
    g_mutex_lock(&s->lock);
    g_free(s->l1);
    s->l1 = l1;
    s->l1_size = sn->l1_size;
    s->l1_offset = sn->l1_offset;
    s->l1_vm_index = (uint32_t)need;
    s->size = sn->disk_size;
    s->snapshot_view = true;
    g_mutex_unlock(&s->lock);
    node_length(n);
    return true;
}

/* ---- the machine's state ---- */

static bool vm_range(Qcow2 *s, uint64_t offset, size_t len, uint64_t *at)
{
    uint64_t start = (uint64_t)s->l1_vm_index << qcow2_l1_shift(s);
    uint64_t limit = QCOW2_MAX_L1_BYTES / 8 << qcow2_l1_shift(s);

    *at = start + offset;
    return start < limit && offset < limit - start && len <= limit - start - offset;
}

int qcow2_vmstate_read(BlockNode *n, uint64_t offset, void *buf, size_t len)
{
    struct iovec iov = {buf, len};
    uint64_t at;

    return vm_range(n->priv, offset, len, &at) ? qcow2_read_at(n->priv, at, len, &iov, 1) : -EINVAL;
}

int qcow2_vmstate_write(BlockNode *n, uint64_t offset, const void *buf, size_t len)
{
    struct iovec iov = {(void *)buf, len};
    uint64_t at;

    if (qcow2_has_data_file(n->priv)) {
        return -ENOTSUP;
    }
    return vm_range(n->priv, offset, len, &at) ? qcow2_write_at(n->priv, at, len, &iov, 1) : -EFBIG;
}
