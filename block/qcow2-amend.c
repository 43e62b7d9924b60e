/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing an existing qcow2 image as a whole: size, backing file, version and other options, and
 * emptying it.
 *
 * home: main loop, with the node drained.
 */
#include <errno.h>

#include "base/suggest.h"
#include "block/qcow2-check.h"

static bool fail(Error **errp, int ret, const char *what)
{
    if (ret < 0) {
        error_set_errno(errp, -ret, "%s", what);
    }
    return ret >= 0;
}

static bool refuse(Error **errp, const char *text)
{
    error_set(errp, ERR_UNSUPPORTED, "%s", text);
    return false;
}

/* ---- size ---- */

/* The header's size field; stable on return. Locked. */
static int write_size(Qcow2 *s, uint64_t size)
{
    uint8_t b[8];
    int ret = qcow2_commit_all(s); /* ordering point: what is cut off is unmapped before */

    st_be64(b, size);
    ret = ret < 0 ? ret : node_pwrite(s->file, QCOW2_H_SIZE, b, 8, 0);
    ret = ret < 0 ? ret : node_flush(s->file);
    if (ret == 0) {
        s->size = size;
        s->l1_vm_index = (uint32_t)qcow2_l1_entries(s, size);
    }
    return ret;
}

/* L2 tables that nothing needs any more, from entry @first on. Locked. */
static void drop_tables(Qcow2 *s, uint32_t first)
{
    for (uint32_t i = first; i < s->l1_size; i++) {
        uint64_t table = s->l1[i] & QCOW2_L1_OFFSET;
        if (table && !(table & (s->cluster_size - 1))) {
            qcow2_l1_set(s, i, 0);
            qcow2_meta_remove(s, table);
            qcow2_cache_forget(&s->l2, table, s->cluster_size);
            qcow2_free_later(s, table, s->cluster_size, QCOW2_DISCARD_OTHER);
        }
    }
}

/* What is free at the end of the file is cut off. Locked, after a commit. */
static int cut_tail(Qcow2 *s)
{
    uint64_t end = qcow2_clusters(s, node_length(s->file)), count = 0, was = end;
    int ret = 0;

    while (end > 1 && ret == 0 && count == 0) {
        ret = qcow2_refcount_get(s, end - 1, &count);
        end -= count == 0;
    }
    if (ret == 0 && end < was) {
        if (!node_truncate(s->file, end << s->cluster_bits, "off", NULL)) {
            return 0; /* not every protocol can */
        }
        s->fresh_from = end << s->cluster_bits;
    }
    return ret;
}

static int shrink(Qcow2 *s, uint64_t size)
{
    /* Also a machine's state that was left behind the disk: its place changes. */
    uint64_t from = round_up(size, s->cluster_size), to = (uint64_t)s->l1_size << qcow2_l1_shift(s);
    int ret = from < to ? qcow2_unmap(s, from, to - from, true, QCOW2_DISCARD_ALWAYS) : 0;

    g_mutex_lock(&s->lock);
    if (ret == 0) {
        drop_tables(s, (uint32_t)qcow2_l1_entries(s, size));
        ret = write_size(s, size);
    }
    ret = ret < 0 ? ret : cut_tail(s);
    g_mutex_unlock(&s->lock);
    return ret;
}

/* Zeroes where something else would show: in the old last cluster, and from the backing file. */
static int clear_new_part(Qcow2 *s, uint64_t old)
{
    BlockNode *b = s->node->backing;
    uint64_t end = MIN(round_up(old, s->cluster_size), s->size);
    int ret = 0;

    if (b && b->size > old) {
        end = MAX(end, MIN(b->size, s->size));
    }
    if (old < end) {
        ret = qcow2_pwrite_zeroes(s->node, old, end - old, 0);
    }
    if (ret == -ENOTSUP) { /* version 2 */
        g_autofree uint8_t *zero = g_malloc0(s->cluster_size);
        for (ret = 0; old < end && ret == 0; old += s->cluster_size) {
            struct iovec iov = {zero, MIN(s->cluster_size, end - old)};
            ret = qcow2_write_at(s, old, iov.iov_len, &iov, 1);
        }
    }
    return ret;
}

static int grow(Qcow2 *s, uint64_t size)
{
    uint64_t old = s->size, l1_end = (uint64_t)s->l1_size << qcow2_l1_shift(s);
    uint64_t from = (uint64_t)s->l1_vm_index << qcow2_l1_shift(s), need = qcow2_l1_entries(s, size);
    int ret = 0;

    if (need == UINT64_MAX) {
        return -EFBIG;
    }
    if (from < l1_end) { /* what is left of a saved machine must not become the disk */
        ret = qcow2_unmap(s, from, l1_end - from, true, QCOW2_DISCARD_NEVER);
    }
    g_mutex_lock(&s->lock);
    ret = ret < 0 ? ret : qcow2_prepare(s);
    ret = ret < 0 ? ret : qcow2_grow_l1(s, need);
    ret = ret < 0 ? ret : write_size(s, size);
    g_mutex_unlock(&s->lock);
    return ret < 0 ? ret : clear_new_part(s, old);
}

/* The clusters of [from, s->size) and, with falloc or full, their space. */
static bool preallocate(Qcow2 *s, uint64_t from, const char *mode, Error **errp)
{
    bool data_file = qcow2_has_data_file(s), grown = true;
    int ret;

    if (data_file && !node_truncate(s->data, s->size, strcmp(mode, "metadata") ? mode : "off", errp)) {
        return false;
    }
    g_mutex_lock(&s->lock);
    s->reserve_mode = data_file || !strcmp(mode, "metadata") ? "off" : mode;
    ret = from < s->size ? qcow2_preallocate(s, from, s->size - from) : 0;
    if (ret == 0 && !data_file) {
        grown = qcow2_reserve(s, errp);
    }
    ret = ret < 0 || !grown ? ret : qcow2_commit_all(s);
    g_mutex_unlock(&s->lock);
    return grown && fail(errp, ret, "Failed to preallocate the image");
}

bool qcow2_truncate(BlockNode *n, uint64_t size, const char *prealloc, Error **errp)
{
    Qcow2 *s = n->priv;
    uint64_t old = s->size;

    if (size % BLOCK_SECTOR) {
        error_set(errp, ERR_INVALID_PARAMETER, "The new size must be a multiple of %u", BLOCK_SECTOR);
        return false;
    }
    if (size == old) {
        return true;
    }
    if (s->nb_snap && s->version < 3) {
        return refuse(errp, "Can't resize a version 2 image which has snapshots");
    }
    if (s->nb_bitmaps) {
        refuse(errp, "Cannot resize an image with persistent bitmaps");
        error_hint(errp, "remove the bitmaps before");
        return false;
    }
    if (size < old && strcmp(prealloc, "off")) {
        return refuse(errp, "Preallocation can't be used for shrinking an image");
    }
    if (!fail(errp, size < old ? shrink(s, size) : grow(s, size), "Failed to resize the image")) {
        return false;
    }
    if (qcow2_data_raw(s) && !node_truncate(s->data, size, "off", errp)) {
        return false;
    }
    bool all = strcmp(prealloc, "off") != 0;
    const char *mode = all ? prealloc : "metadata";
    return size < old || (!all && !qcow2_data_raw(s)) || preallocate(s, old, mode, errp);
}

bool qcow2_make_empty(BlockNode *n, Error **errp)
{
    Qcow2 *s = n->priv;
    uint64_t end = (uint64_t)s->l1_size << qcow2_l1_shift(s);
    int ret = end ? qcow2_unmap(s, 0, end, true, QCOW2_DISCARD_SNAPSHOT) : 0;

    g_mutex_lock(&s->lock);
    if (ret == 0) {
        drop_tables(s, 0);
        ret = qcow2_commit_all(s);
    }
    ret = ret < 0 ? ret : cut_tail(s);
    g_mutex_unlock(&s->lock);
    return fail(errp, ret, "Could not empty the image");
}

/* ---- backing file ---- */

static void set_backing_names(Qcow2 *s, const char *file, const char *format)
{
    BlockNode *n = s->node;

    g_free(n->backing_file);
    g_free(n->backing_format);
    n->backing_file = g_strdup(file);
    n->backing_format = g_strdup(format);
    qcow2_ext_set(s, QCOW2_EXT_BACKING_FORMAT, format, format ? (uint32_t)strlen(format) : 0);
}

bool qcow2_change_backing(BlockNode *n, const char *file, const char *format, Error **errp)
{
    Qcow2 *s = n->priv;
    g_autofree char *old_file = g_strdup(n->backing_file), *old_format = g_strdup(n->backing_format);
    int ret;

    file = file && *file ? file : NULL;
    format = file && format && *format ? format : NULL;
    if (file && qcow2_data_raw(s)) {
        return refuse(errp, "Cannot set a backing file on images with raw external data files");
    }
    g_mutex_lock(&s->lock);
    ret = qcow2_prepare(s);
    ret = ret < 0 ? ret : qcow2_commit_all(s);
    if (ret == 0) {
        set_backing_names(s, file, format);
        ret = qcow2_write_header(s);
        ret = ret < 0 ? ret : qcow2_barrier(s);
        if (ret < 0) {
            set_backing_names(s, old_file, old_format);
            qcow2_write_header(s); /* the new names may have got through */
        }
    }
    g_mutex_unlock(&s->lock);
    return fail(errp, ret, "Could not change the backing file");
}

/* ---- amend ---- */

static int upgrade(Qcow2 *s)
{
    g_autoptr(Qcow2Header) old = qcow2_header_save(s);
    int ret = s->nb_snap ? qcow2_write_snapshots(s) : 0; /* with the fields that version 3 needs */

    if (ret < 0) {
        return ret;
    }
    s->version = 3;
    s->incompat = s->compat = s->autoclear = 0;
    s->refcount_order = 4;
    qcow2_default_features(s);
    ret = qcow2_write_header(s);
    if (ret == -ENOSPC) { /* the names of the features do not fit */
        qcow2_ext_set(s, QCOW2_EXT_FEATURES, NULL, 0);
        ret = qcow2_write_header(s);
    }
    ret = ret < 0 ? ret : qcow2_barrier(s);
    if (ret < 0) {
        qcow2_header_restore(s, old);
    }
    return ret;
}

/* Zero clusters of the active disk become data or nothing. Unlocked. */
static int expand_zeroes(Qcow2 *s)
{
    g_autofree uint8_t *zero = g_malloc0(s->cluster_size);
    uint64_t end = (uint64_t)s->l1_size << qcow2_l1_shift(s);
    int ret = 0;

    for (uint64_t at = 0; at < end && ret == 0;) {
        Qcow2Map m;
        struct iovec iov = {zero, s->cluster_size};
        g_mutex_lock(&s->lock);
        ret = qcow2_lookup(s, at, end - at, false, false, &m);
        g_mutex_unlock(&s->lock);
        if (ret == 0 && (m.type == QCOW2_ZERO_PLAIN || m.type == QCOW2_ZERO_ALLOC)) {
            m.bytes = s->cluster_size;
            ret = s->node->backing_file ? qcow2_write_at(s, at, iov.iov_len, &iov, 1)
                                        : qcow2_unmap(s, at, s->cluster_size, true, QCOW2_DISCARD_OTHER);
        }
        at += m.bytes;
    }
    return ret;
}

static int table_has_zero_entries(Qcow2 *s, uint64_t table, bool *found)
{
    g_autofree uint8_t *b = g_malloc(s->cluster_size);
    int ret = table & (s->cluster_size - 1) ? -EIO : node_pread(s->file, table, b, s->cluster_size);

    for (uint32_t i = 0; ret == 0 && i < s->cluster_size / 8; i++) {
        uint64_t desc = ld_be64(b + i * 8);
        *found |= !(desc & QCOW2_COMPRESSED) && (desc & QCOW2_ZERO);
    }
    return ret;
}

static int snapshots_have_zero_entries(Qcow2 *s, bool *found)
{
    int ret = 0;

    for (uint32_t k = 0; k < s->nb_snap && ret == 0 && !*found; k++) {
        uint64_t *l1 = NULL;
        ret = qcow2_load_l1(s, s->snap[k].l1_offset, s->snap[k].l1_size, &l1);
        for (uint32_t i = 0; ret == 0 && i < s->snap[k].l1_size && !*found; i++) {
            if (l1[i] & QCOW2_L1_OFFSET) {
                ret = table_has_zero_entries(s, l1[i] & QCOW2_L1_OFFSET, found);
            }
        }
        g_free(l1);
    }
    return ret;
}

static int write_version_2(Qcow2 *s)
{
    g_autoptr(Qcow2Header) old = qcow2_header_save(s);

    s->version = 2;
    s->lazy = s->lazy_wanted = false;
    s->compat = s->autoclear = s->incompat = 0;
    s->nb_bitmaps = 0;
    s->bitmap_dir = s->bitmap_dir_size = 0;
    qcow2_ext_set(s, QCOW2_EXT_BITMAPS, NULL, 0);
    qcow2_ext_set(s, QCOW2_EXT_FEATURES, NULL, 0);
    s->unknown_len = 0;
    int ret = qcow2_write_header(s);
    ret = ret < 0 ? ret : qcow2_barrier(s);
    if (ret < 0) {
        qcow2_header_restore(s, old);
    }
    return ret;
}

static bool downgrade(Qcow2 *s, Error **errp)
{
    bool zeroes = false;
    int ret;

    if (s->incompat & ~(uint64_t)QCOW2_INCOMPAT_DIRTY) {
        return refuse(errp, "Cannot downgrade an image with incompatible features set");
    }
    if (s->refcount_order != 4) {
        return refuse(errp, "compat=0.10 requires refcount_bits=16");
    }
    if (!fail(errp, snapshots_have_zero_entries(s, &zeroes), "Could not read snapshots")) {
        return false;
    }
    if (zeroes) {
        return refuse(errp, "Cannot downgrade an image with zero clusters in its snapshots");
    }
    ret = expand_zeroes(s);
    g_mutex_lock(&s->lock);
    ret = ret < 0 ? ret : qcow2_commit_all(s);
    ret = ret < 0 ? ret : qcow2_set_dirty(s, false);
    ret = ret < 0 ? ret : write_version_2(s);
    g_mutex_unlock(&s->lock);
    return fail(errp, ret, "Could not downgrade the image");
}

static int write_lazy(Qcow2 *s, bool on)
{
    g_autoptr(Qcow2Header) old = qcow2_header_save(s);

    s->compat = on ? s->compat | QCOW2_COMPAT_LAZY : s->compat & ~(uint64_t)QCOW2_COMPAT_LAZY;
    int ret = qcow2_write_features(s);
    ret = ret < 0 ? ret : qcow2_barrier(s);
    if (ret < 0) {
        qcow2_header_restore(s, old);
        return ret;
    }
    s->lazy_wanted = on;
    s->prepared = false;
    return 0;
}

static bool set_lazy(Qcow2 *s, bool on, Error **errp)
{
    int ret;

    if (on && s->version < 3) {
        return refuse(errp, "Lazy refcounts only supported with compatibility level 1.1 and above (use compat=1.1 "
                      "or greater)");
    }
    g_mutex_lock(&s->lock);
    ret = qcow2_commit_all(s);
    if (ret == 0 && !on) {
        ret = qcow2_set_dirty(s, false);
        s->lazy = s->lazy && ret < 0;
    }
    if (ret == 0 && s->version >= 3) {
        ret = write_lazy(s, on);
    }
    g_mutex_unlock(&s->lock);
    return fail(errp, ret, "Could not change lazy_refcounts");
}

static bool set_version(Qcow2 *s, const char *compat, Error **errp)
{
    unsigned v = !strcmp(compat, "0.10") || !strcmp(compat, "v2") ? 2 :
                 !strcmp(compat, "1.1") || !strcmp(compat, "v3") ? 3 : 0;

    if (!v) {
        error_set(errp, ERR_INVALID_PARAMETER, "Unknown compatibility level %s", compat);
        return false;
    }
    if (v == 2 && s->version == 3) {
        return downgrade(s, errp);
    }
    if (v == 3 && s->version == 2) {
        g_mutex_lock(&s->lock);
        int ret = qcow2_commit_all(s);
        ret = ret < 0 ? ret : upgrade(s);
        g_mutex_unlock(&s->lock);
        return fail(errp, ret, "Could not upgrade the image");
    }
    return true;
}

static bool set_data_file(Qcow2 *s, const char *name, Error **errp)
{
    int ret;

    if (!qcow2_has_data_file(s)) {
        return refuse(errp, "data-file can only be set for images that use an external data file");
    }
    g_mutex_lock(&s->lock);
    g_autoptr(Qcow2Header) old = qcow2_header_save(s);
    qcow2_ext_set(s, QCOW2_EXT_DATA_FILE, *name ? name : NULL, (uint32_t)strlen(name));
    ret = qcow2_write_header(s);
    ret = ret < 0 ? ret : qcow2_barrier(s);
    if (ret < 0) {
        qcow2_header_restore(s, old);
    } else {
        g_free(s->data_file_name);
        s->data_file_name = *name ? g_strdup(name) : NULL;
    }
    g_mutex_unlock(&s->lock);
    return fail(errp, ret, "Could not change the data file");
}

static bool set_refcount_bits(Qcow2 *s, uint64_t bits, Error **errp)
{
    int ret;

    if (!is_pow2(bits) || bits > 64) {
        return refuse(errp, "Refcount width must be a power of two and may not exceed 64 bits");
    }
    if ((unsigned)ctz64(bits) == s->refcount_order) {
        return true;
    }
    if (s->version < 3) {
        return refuse(errp, "Different refcount widths than 16 bits require compatibility level 1.1 or above (use "
                      "compat=1.1 or greater)");
    }
    g_mutex_lock(&s->lock);
    ret = qcow2_commit_all(s);
    ret = ret < 0 ? ret : qcow2_change_refcount_order(s, (unsigned)ctz64(bits));
    g_mutex_unlock(&s->lock);
    return fail(errp, ret, "Could not change the refcount width");
}

/* What cannot be changed may be named with the value that it has. */
static bool same_value(Qcow2 *s, const char *key, json_t *v, Error **errp)
{
    const char *text = json_string_value(v);
    bool same = true;

    if (!strcmp(key, "cluster_size")) {
        same = (uint64_t)json_integer_value(v) == s->cluster_size;
    } else if (!strcmp(key, "extended_l2")) {
        same = json_is_true(v) == qcow2_extl2(s);
    } else if (!strcmp(key, "data_file_raw")) {
        same = json_is_true(v) == qcow2_data_raw(s);
    } else if (!strcmp(key, "compression_type")) {
        same = text && !strcmp(text, s->compression == QCOW2_ZSTD ? "zstd" : "zlib");
    } else if (!strcmp(key, "preallocation")) {
        same = false;
    }
    if (!same) {
        error_set(errp, ERR_UNSUPPORTED, "Changing the option '%s' is not supported", key);
    }
    return same;
}

static bool amend_one(BlockNode *n, json_t *opts, const char *key, json_t *v, Error **errp)
{
    Qcow2 *s = n->priv;
    const char *text = json_string_value(v);

    if (!strcmp(key, "size")) {
        return node_truncate(n, (uint64_t)json_integer_value(v), "off", errp);
    }
    if (!strcmp(key, "compat")) {
        return !text || set_version(s, text, errp);
    }
    if (!strcmp(key, "lazy_refcounts")) {
        return set_lazy(s, json_is_true(v), errp);
    }
    if (!strcmp(key, "refcount_bits")) {
        return set_refcount_bits(s, (uint64_t)json_integer_value(v), errp);
    }
    if (!strcmp(key, "data_file")) {
        return !text || set_data_file(s, text, errp);
    }
    if (!strcmp(key, "backing_file") || !strcmp(key, "backing_fmt")) {
        const char *file = json_string_value(json_object_get(opts, "backing_file"));
        const char *fmt = json_string_value(json_object_get(opts, "backing_fmt"));
        return qcow2_change_backing(n, file ? file : n->backing_file, fmt ? fmt : n->backing_format, errp);
    }
    return same_value(s, key, v, errp);
}

bool qcow2_amend(BlockNode *n, json_t *opts, Error **errp)
{
    /* In the order in which one may need the other. */
    static const char *const order[] = {"cluster_size", "extended_l2", "compression_type", "data_file_raw",
                                        "preallocation", "lazy_refcounts", "refcount_bits", "compat", "data_file",
                                        "backing_file", "backing_fmt", "size", NULL};
    Qcow2 *s = n->priv;
    const char *key, *compat = json_string_value(json_object_get(opts, "compat"));
    bool up = compat && s->version == 2 && (!strcmp(compat, "1.1") || !strcmp(compat, "v3"));
    json_t *v;
    int ret;

    json_object_foreach(opts, key, v) {
        if (!g_strv_contains(order, key)) {
            error_set(errp, ERR_INVALID_PARAMETER, "there is no option '%s'", key);
            return false;
        }
    }
    g_mutex_lock(&s->lock);
    ret = qcow2_prepare(s);
    g_mutex_unlock(&s->lock);
    if (!fail(errp, ret, "the image cannot be written") || (up && !set_version(s, compat, errp))) {
        return false;
    }
    for (unsigned i = 0; order[i]; i++) {
        v = json_object_get(opts, order[i]);
        if (v && !amend_one(n, opts, order[i], v, errp)) {
            return false;
        }
    }
    return true;
}
