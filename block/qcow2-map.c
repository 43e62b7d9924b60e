/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From guest to host clusters: L1, L2, their subclusters, reading, and the short cut for requests
 * that need no change of metadata.
 *
 * home: under Qcow2.lock, except the functions for the block core.
 */
#include <errno.h>

#include "base/iov.h"
#include "block/qcow2.h"

/* ---- entries ---- */

void qcow2_set_entry(Qcow2 *s, uint8_t *slice, unsigned index, uint64_t desc, uint64_t bitmap)
{
    uint8_t *at = slice + (size_t)index * s->l2_entry_size;

    st_be64(at, desc);
    if (qcow2_extl2(s)) {
        st_be64(at + 8, bitmap);
    }
    qcow2_cache_dirty(&s->l2, slice, index * s->l2_entry_size, (index + 1) * s->l2_entry_size);
}

/* false: the entry cannot be. */
bool qcow2_sub_type(const Qcow2 *s, uint64_t desc, uint64_t bitmap, unsigned sub, Qcow2Type *type)
{
    bool place = (desc & QCOW2_L2_OFFSET) || (qcow2_has_data_file(s) && (desc & QCOW2_COPIED));

    if (desc & QCOW2_COMPRESSED) {
        *type = QCOW2_ZIPPED;
        return !qcow2_has_data_file(s);
    }
    if (!qcow2_extl2(s)) {
        *type = desc & QCOW2_ZERO ? (desc & QCOW2_L2_OFFSET ? QCOW2_ZERO_ALLOC : QCOW2_ZERO_PLAIN)
                                  : (place ? QCOW2_NORMAL : QCOW2_UNALLOC);
        return !(desc & QCOW2_ZERO) || s->version >= 3;
    }
    bool alloc = bitmap >> sub & 1, zero = bitmap >> (sub + 32) & 1;
    *type = zero ? (place ? QCOW2_ZERO_ALLOC : QCOW2_ZERO_PLAIN)
                 : alloc ? QCOW2_NORMAL : (place ? QCOW2_UNALLOC_SUB : QCOW2_UNALLOC);
    return !(alloc && zero) && !(alloc && !place);
}

void qcow2_zip_range(const Qcow2 *s, uint64_t desc, uint64_t *offset, uint64_t *bytes)
{
    uint64_t sectors = ((desc >> s->csize_shift) & s->csize_mask) + 1;

    *offset = desc & s->coffset_mask;
    *bytes = sectors * 512 - (*offset & 511);
}

void qcow2_free_entry(Qcow2 *s, uint64_t desc, unsigned kind)
{
    uint64_t at, bytes;

    if (desc & QCOW2_COMPRESSED) {
        qcow2_zip_range(s, desc, &at, &bytes);
        qcow2_free_later(s, at, bytes, kind);
        qcow2_unzip_forget(s);
    } else if (qcow2_has_data_file(s)) {
        at = desc & QCOW2_L2_OFFSET;
        if (desc & QCOW2_COPIED && s->pass_discard[kind] && !qcow2_data_raw(s)) {
            node_pdiscard(s->data, at, s->cluster_size);
        }
    } else if (desc & QCOW2_L2_OFFSET) {
        qcow2_free_later(s, desc & QCOW2_L2_OFFSET, s->cluster_size, kind);
    }
}

/* ---- tables ---- */

static unsigned slice_entries(const Qcow2 *s)
{
    return s->l2.slice / s->l2_entry_size;
}

uint64_t qcow2_slice_left(const Qcow2 *s, uint64_t offset)
{
    unsigned n = slice_entries(s);

    return n - (offset >> s->cluster_bits & (n - 1));
}

/* Where in its table the slice is that has the entry of @offset; *index in it. */
static uint64_t slice_at(const Qcow2 *s, uint64_t offset, unsigned *index)
{
    uint64_t in = (offset >> s->cluster_bits) & (BIT64(s->l2_bits) - 1);
    unsigned n = slice_entries(s);

    *index = (unsigned)in & (n - 1);
    return in / n * s->l2.slice;
}

static int table_of(Qcow2 *s, uint64_t offset, uint64_t *table)
{
    uint64_t i = offset >> qcow2_l1_shift(s);

    *table = i < s->l1_size ? s->l1[i] & QCOW2_L1_OFFSET : 0;
    if (*table & (s->cluster_size - 1)) {
        return qcow2_signal_corrupt(s, true, 0, 0, "L2 table offset 0x%" PRIx64
                                    " unaligned (L1 index: 0x%" PRIx64 ")", *table, i);
    }
    return 0;
}

int qcow2_l2_for_read(Qcow2 *s, uint64_t offset, uint8_t **slice, unsigned *index)
{
    uint64_t table, at;
    int ret = table_of(s, offset, &table);

    *slice = NULL;
    if (ret < 0 || !table) {
        return ret;
    }
    at = slice_at(s, offset, index);
    return qcow2_cache_get(s, &s->l2, table + at, slice);
}

/* Fills the new table at @host: with what the shared one at @old has, or nothing. */
static int fill_table(Qcow2 *s, uint64_t host, uint64_t old, bool fresh)
{
    int ret = 0;

    if (!old) {
        /* What nobody wrote reads as zeroes, but the table must not be named outside of the file. Its
         * size as we know it may lag, which costs a write at most. */
        uint64_t size = __atomic_load_n(&s->file->size, __ATOMIC_ACQUIRE);
        bool inside = fresh && host + s->cluster_size <= size;
        return inside ? 0 : node_pwrite_zeroes(s->file, host, s->cluster_size, 0);
    }
    for (uint32_t at = 0; at < s->cluster_size && ret == 0; at += s->l2.slice) {
        uint8_t *slice;
        ret = qcow2_cache_get(s, &s->l2, old + at, &slice);
        ret = ret < 0 ? ret : node_pwrite(s->file, host + at, slice, s->l2.slice, 0);
    }
    return ret;
}

static int new_table(Qcow2 *s, uint64_t offset, uint64_t old)
{
    uint64_t host, got;
    bool fresh;
    int ret = qcow2_alloc_clusters(s, 1, &host, &got, &fresh);

    if (ret < 0) {
        return ret;
    }
    qcow2_cache_forget(&s->l2, host, s->cluster_size);
    ret = fill_table(s, host, old, fresh);
    if (ret < 0) {
        qcow2_refcount_add(s, host, s->cluster_size, -1, QCOW2_DISCARD_OTHER);
        return ret;
    }
    s->unflushed = true;
    qcow2_meta_add(s, host, QCOW2_META_L2);
    qcow2_l1_set(s, (uint32_t)(offset >> qcow2_l1_shift(s)), host | QCOW2_COPIED);
    if (old) {
        if (s->overlap != QCOW2_OL_ALL) {
            qcow2_meta_remove(s, old);
        } else {
            qcow2_meta_add(s, old, QCOW2_META_INACTIVE_L2);
        }
        qcow2_free_later(s, old, s->cluster_size, QCOW2_DISCARD_OTHER);
        return 0;
    }
    for (uint32_t at = 0; at < s->cluster_size && ret == 0 && s->cluster_size / s->l2.slice == 1;
         at += s->l2.slice) {
        uint8_t *slice;
        ret = qcow2_cache_get_empty(s, &s->l2, host + at, &slice);
    }
    return ret;
}

int qcow2_l2_for_write(Qcow2 *s, uint64_t offset, uint8_t **slice, unsigned *index)
{
    uint64_t i = offset >> qcow2_l1_shift(s), table;
    int ret = table_of(s, offset, &table);

    if (ret == 0 && i >= s->l1_size) {
        ret = qcow2_grow_l1(s, i + 1);
    }
    if (ret == 0 && !(table && (s->l1[i] & QCOW2_COPIED))) {
        ret = new_table(s, offset, table);
    }
    return ret < 0 ? ret : qcow2_l2_for_read(s, offset, slice, index);
}

/* ---- L1 ---- */

/*
 * Ordering point: a new L1 is stable, with all that it names, before the header does; the header's
 * three fields are in one sector. The old table's clusters are free once the header is stable.
 */
int qcow2_switch_l1(Qcow2 *s, const uint64_t *l1, uint32_t entries, uint64_t disk_size)
{
    uint64_t host = 0, old = s->l1_offset, old_bytes = (uint64_t)s->l1_size * 8;
    size_t sectors = (entries + 63) / 64;
    g_autofree uint8_t *be = g_malloc0(MAX(sectors, 1) * 512);
    uint8_t field[24];
    int ret = qcow2_alloc_area(s, MAX((uint64_t)entries * 8, 1), &host);

    for (uint32_t i = 0; i < entries; i++) {
        st_be64(be + (size_t)i * 8, l1[i]);
    }
    ret = ret < 0 ? ret : node_pwrite(s->file, host, be, MAX(sectors, 1) * 512, 0);
    ret = ret < 0 ? ret : qcow2_write_refcounts(s);
    ret = ret < 0 ? ret : qcow2_barrier(s);
    if (ret < 0) {
        return ret;
    }
    st_be64(field, disk_size);
    st_be32(field + 8, 0); /* no encryption */
    st_be32(field + 12, entries);
    st_be64(field + 16, host);
    ret = node_pwrite(s->file, QCOW2_H_SIZE, field, sizeof(field), 0);
    ret = ret < 0 ? ret : node_flush(s->file);
    if (ret < 0) {
        return ret;
    }
    if (l1 != s->l1) {
        g_free(s->l1);
        s->l1 = g_memdup2(l1, MAX((size_t)entries * 8, 8));
    }
    s->l1_offset = host;
    s->l1_size = entries;
    s->l1_any_dirty = false;
    g_free(s->l1_dirty);
    s->l1_dirty = g_malloc0(MAX(sectors, 1));
    s->size = disk_size;
    return old_bytes ? qcow2_refcount_add(s, old, old_bytes, -1, QCOW2_DISCARD_OTHER) : 0;
}

int qcow2_grow_l1(Qcow2 *s, uint64_t entries)
{
    uint64_t room = round_up((uint64_t)s->l1_size * 8, s->cluster_size) / 8;
    int ret;

    if (entries <= s->l1_size) {
        return 0;
    }
    if (entries * 8 > QCOW2_MAX_L1_BYTES) {
        return -EFBIG;
    }
    entries = MIN(MAX(entries, MIN(room, s->l1_size + s->l1_size / 2 + 1)), QCOW2_MAX_L1_BYTES / 8);
    /* What the present table names has to be stable before a copy of it becomes active. */
    ret = qcow2_commit(s);
    if (ret < 0) {
        return ret;
    }
    g_autofree uint64_t *l1 = g_new0(uint64_t, MAX(entries, 1));
    memcpy(l1, s->l1, (size_t)s->l1_size * 8);
    return qcow2_switch_l1(s, l1, (uint32_t)entries, s->size);
}

/* ---- looking up ---- */

static int bad_entry(Qcow2 *s, uint64_t desc, uint64_t offset)
{
    return qcow2_signal_corrupt(s, true, 0, 0, "Invalid L2 entry 0x%" PRIx64 " for guest offset 0x%" PRIx64,
                                desc, offset);
}

static bool has_place(Qcow2Type t)
{
    return t == QCOW2_NORMAL || t == QCOW2_ZERO_ALLOC || t == QCOW2_UNALLOC_SUB;
}

/* Is the place of a cluster possible? */
static int check_place(Qcow2 *s, uint64_t host, uint64_t offset)
{
    if (host & (s->cluster_size - 1)) {
        return qcow2_signal_corrupt(s, true, 0, 0, "Cluster allocation offset 0x%" PRIx64
                                    " unaligned (guest offset: 0x%" PRIx64 ")", host, offset);
    }
    if (qcow2_has_data_file(s) && host != qcow2_cluster_start(s, offset)) {
        return qcow2_signal_corrupt(s, true, 0, 0, "External data file host cluster offset 0x%" PRIx64
                                    " does not match guest cluster offset: 0x%" PRIx64, host,
                                    qcow2_cluster_start(s, offset));
    }
    return 0;
}

/* How many more subclusters of this entry, from @sub on, are like *m. */
static int extend_in(Qcow2 *s, uint64_t desc, uint64_t bitmap, unsigned sub, Qcow2Type want, unsigned *n)
{
    Qcow2Type t;

    for (*n = 0; sub + *n < s->subs; ++*n) {
        if (!qcow2_sub_type(s, desc, bitmap, sub + *n, &t)) {
            return -EIO;
        }
        if (t != want) {
            break;
        }
    }
    return 0;
}

static int scan_slice(Qcow2 *s, const uint8_t *slice, unsigned index, uint64_t offset, uint64_t bytes,
                      bool copied, Qcow2Map *m)
{
    unsigned sub = (unsigned)((offset & (s->cluster_size - 1)) >> s->sub_bits), n;
    uint64_t at = round_down(offset, s->sub_size), end = offset + bytes;
    uint64_t stop = qcow2_cluster_start(s, offset) + (qcow2_slice_left(s, offset) << s->cluster_bits);
    uint64_t desc = qcow2_entry(s, slice, index), host = 0;
    int ret;

    end = MIN(end, stop);
    m->desc = desc;
    m->copied = desc & QCOW2_COPIED;
    if (!qcow2_sub_type(s, desc, qcow2_bitmap(s, slice, index), sub, &m->type)) {
        return bad_entry(s, desc, offset);
    }
    if (has_place(m->type)) {
        host = desc & QCOW2_L2_OFFSET;
        ret = check_place(s, host, offset);
        if (ret < 0) {
            return ret;
        }
        m->host = host + (offset & (s->cluster_size - 1));
    }
    while (at < end) {
        if (extend_in(s, desc, qcow2_bitmap(s, slice, index), sub, m->type, &n) < 0) {
            return bad_entry(s, desc, at);
        }
        at += (uint64_t)n << s->sub_bits;
        if (sub + n < s->subs || at >= end || m->type == QCOW2_ZIPPED) {
            break;
        }
        sub = 0;
        desc = qcow2_entry(s, slice, ++index);
        if (copied && (bool)(desc & QCOW2_COPIED) != m->copied) {
            break;
        }
        host += s->cluster_size;
        if (has_place(m->type) &&
            ((desc & QCOW2_COMPRESSED) || (desc & QCOW2_L2_OFFSET) != host)) {
            break;
        }
    }
    if (m->type == QCOW2_ZIPPED) {
        at = qcow2_cluster_start(s, offset) + s->cluster_size;
    }
    m->bytes = MIN(at, end) - offset;
    return 0;
}

int qcow2_lookup(Qcow2 *s, uint64_t offset, uint64_t bytes, bool peek, bool copied, Qcow2Map *m)
{
    uint64_t table, at, left;
    uint8_t *slice;
    unsigned index;
    int ret = table_of(s, offset, &table);

    memset(m, 0, sizeof(*m));
    if (ret < 0) {
        return ret;
    }
    if (!table) {
        left = BIT64(qcow2_l1_shift(s)) - (offset & (BIT64(qcow2_l1_shift(s)) - 1));
        m->type = QCOW2_UNALLOC;
        m->bytes = MIN(bytes, left);
        return 0;
    }
    at = table + slice_at(s, offset, &index);
    if (peek) {
        slice = qcow2_cache_peek(&s->l2, at);
        ret = slice ? 0 : -EAGAIN;
    } else {
        ret = qcow2_cache_get(s, &s->l2, at, &slice);
    }
    return ret < 0 ? ret : scan_slice(s, slice, index, offset, bytes, copied, m);
}

/* ---- requests that change nothing ---- */

bool qcow2_resolve(BlockNode *n, bool write, uint64_t offset, uint64_t bytes, BlockNode **child,
                   uint64_t *child_offset)
{
    Qcow2 *s = n->priv;
    Qcow2Map m;
    bool ok;

    if (!bytes || !g_mutex_trylock(&s->lock)) {
        return false;
    }
    ok = qcow2_lookup(s, offset, bytes, true, write, &m) == 0 && m.type == QCOW2_NORMAL && m.bytes == bytes;
    if (ok && write) {
        ok = s->prepared && m.copied && !s->corrupt && !s->snapshot_view &&
             (s->data != s->file || qcow2_overlap_check(s, QCOW2_META_NONE, m.host, bytes) == 0);
    }
    if (ok) {
        qcow2_pin(s, m.host, bytes, 1);
        *child = s->data;
        *child_offset = m.host;
    }
    g_mutex_unlock(&s->lock);
    return ok;
}

void qcow2_unpin(BlockNode *n, bool write, uint64_t child_offset, uint64_t bytes)
{
    qcow2_pin(n->priv, child_offset, bytes, -1);
}

/* From the backing file, zeroes behind its end. */
static int read_backing(Qcow2 *s, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov,
                        size_t at)
{
    BlockNode *b = s->node->backing;
    uint64_t have = b && offset < b->size ? MIN(bytes, b->size - offset) : 0;
    int ret = 0;

    if (offset >= s->size) {
        have = 0; /* the VM state */
    }
    if (have) {
        g_autofree struct iovec *part = g_new(struct iovec, niov);
        int k = iov_slice(iov, niov, at, have, part, niov);
        ret = node_preadv(b, offset, part, k);
    }
    iov_memset(iov, niov, at + have, 0, bytes - have);
    return ret;
}

static int read_part(Qcow2 *s, const Qcow2Map *m, uint64_t offset, const struct iovec *iov, int niov,
                     size_t at)
{
    switch (m->type) {
    case QCOW2_NORMAL: {
        g_autofree struct iovec *part = g_new(struct iovec, niov);
        int k = iov_slice(iov, niov, at, m->bytes, part, niov);
        return node_preadv(s->data, m->host, part, k);
    }
    case QCOW2_ZERO_PLAIN:
    case QCOW2_ZERO_ALLOC:
        iov_memset(iov, niov, at, 0, m->bytes);
        return 0;
    case QCOW2_ZIPPED:
        return qcow2_unzip(s, m->desc, (uint32_t)(offset & (s->cluster_size - 1)), (uint32_t)m->bytes, iov,
                           niov, at);
    default:
        return read_backing(s, offset, m->bytes, iov, niov, at);
    }
}

/* What keeps the clusters of a lookup from being used for something else. */
static void pin_map(Qcow2 *s, const Qcow2Map *m, int delta)
{
    uint64_t at, bytes;

    if (m->type == QCOW2_NORMAL) {
        qcow2_pin(s, m->host, m->bytes, delta);
    } else if (m->type == QCOW2_ZIPPED) {
        qcow2_zip_range(s, m->desc, &at, &bytes);
        qcow2_pin(s, at, bytes, delta);
    }
}

int qcow2_read_at(Qcow2 *s, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov)
{
    size_t at = 0;
    int ret = 0;

    while (bytes && ret == 0) {
        Qcow2Map m;
        g_mutex_lock(&s->lock);
        ret = qcow2_lookup(s, offset, bytes, false, false, &m);
        if (ret == 0) {
            pin_map(s, &m, 1);
        }
        g_mutex_unlock(&s->lock);
        if (ret == 0) {
            ret = read_part(s, &m, offset, iov, niov, at);
            pin_map(s, &m, -1);
            offset += m.bytes;
            at += m.bytes;
            bytes -= m.bytes;
        }
    }
    return ret;
}

int qcow2_preadv(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov)
{
    return qcow2_read_at(n->priv, offset, bytes, iov, niov);
}

/* If many more clusters are in use than the file has space for, some were allocated and never
 * written (preallocation): then it pays to ask the file what reads as zeroes. Locked. */
static bool file_has_holes(Qcow2 *s)
{
    const BlockDriver *drv = s->file->drv;
    int64_t have = s->sparse_hint ? 0 : drv->allocated ? drv->allocated(s->file) : -1;
    uint64_t real, enough, count = 0, v;

    if (s->sparse_hint || have < 0) {
        return s->sparse_hint > 0;
    }
    real = (uint64_t)have >> s->cluster_bits;
    enough = MAX(real * 10 / 9, real + 2);
    for (uint64_t i = 0; i < qcow2_clusters(s, s->file->size) && count < enough; i++) {
        count += qcow2_refcount_get(s, i, &v) == 0 && v;
    }
    s->sparse_hint = count >= enough ? 1 : -1;
    return s->sparse_hint > 0;
}

/* Zeroes that the file knows of, in the clusters at @host. */
static int file_status(Qcow2 *s, uint64_t host, uint64_t *bytes)
{
    uint64_t num = 0, at;
    BlockNode *below;
    int st = node_block_status(s->data, host, *bytes, &num, &at, &below);

    if (st < 0) {
        return 0;
    }
    if ((st & STATUS_EOF) && (!num || (st & STATUS_ZERO))) {
        return STATUS_ZERO; /* and what is behind the end of the file */
    }
    *bytes = num ? MIN(*bytes, num) : *bytes;
    return st & STATUS_ZERO;
}

int qcow2_block_status(BlockNode *n, uint64_t offset, uint64_t bytes, uint64_t *pnum, uint64_t *map,
                       BlockNode **file)
{
    Qcow2 *s = n->priv;
    Qcow2Map m;
    int ret;

    g_mutex_lock(&s->lock);
    ret = qcow2_lookup(s, offset, bytes, false, false, &m);
    bool holes = ret == 0 && m.type == QCOW2_NORMAL && file_has_holes(s);
    g_mutex_unlock(&s->lock);
    if (ret < 0) {
        return ret;
    }
    *pnum = m.bytes;
    switch (m.type) {
    case QCOW2_NORMAL:
        ret = STATUS_DATA | STATUS_OFFSET | STATUS_ALLOCATED;
        break;
    case QCOW2_ZERO_ALLOC:
        ret = STATUS_ZERO | STATUS_OFFSET | STATUS_ALLOCATED;
        break;
    case QCOW2_ZERO_PLAIN:
        ret = STATUS_ZERO | STATUS_ALLOCATED;
        break;
    case QCOW2_ZIPPED:
        ret = STATUS_DATA | STATUS_COMPRESSED | STATUS_ALLOCATED;
        break;
    default:
        ret = n->backing && offset < n->backing->size ? 0 : STATUS_ZERO;
        ret |= m.type == QCOW2_UNALLOC_SUB ? STATUS_OFFSET : 0;
    }
    if (ret & STATUS_OFFSET) {
        *map = m.host;
        *file = s->data;
    }
    if (holes) {
        ret |= file_status(s, m.host, pnum);
    }
    return ret;
}
