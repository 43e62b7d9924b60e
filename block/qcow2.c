/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The qcow2 format (versions 2 and 3): opening, closing, options, and the table of the driver. The
 * format is described in QEMU's docs/interop/qcow2.txt; how the parts of this driver fit together in
 * docs/qcow2.md.
 *
 * Left out: encryption (images that use it are refused), and tracking writes in bitmaps.
 *
 * home: opening and closing on the main loop; requests on block workers, and .resolve anywhere.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/log.h"
#include "block/internal.h"
#include "block/qcow2.h"

#define DEFAULT_L2_CACHE (32 * MiB)
#define DEFAULT_SLICE (64 * KiB)

static int qcow2_probe(const uint8_t *head, size_t len, const char *filename)
{
    return len >= 8 && ld_be32(head) == QCOW2_MAGIC && ld_be32(head + 4) >= 2 ? 100 : 0;
}

/* ---- options ---- */

static uint64_t opt_size(json_t *opts, const char *key, uint64_t def)
{
    json_t *v = json_object_get(opts, key);

    return v ? (uint64_t)json_integer_value(v) : def;
}

/* What it takes to have all of L2 in memory. */
static uint64_t all_l2_bytes(const Qcow2 *s)
{
    return round_up(qcow2_clusters(s, s->size) * s->l2_entry_size, s->cluster_size);
}

static bool cache_sizes(Qcow2 *s, json_t *opts, uint64_t *l2, uint64_t *rc, uint64_t *slice, Error **errp)
{
    bool has_all = json_object_get(opts, "cache-size"), has_l2 = json_object_get(opts, "l2-cache-size");
    bool has_rc = json_object_get(opts, "refcount-cache-size");
    uint64_t all = opt_size(opts, "cache-size", 0), min_rc = 4 * (uint64_t)s->cluster_size;

    *slice = opt_size(opts, "l2-cache-entry-size", MIN(s->cluster_size, DEFAULT_SLICE));
    if (*slice < 512 || *slice > s->cluster_size || !is_pow2(*slice)) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "L2 cache entry size must be a power of two between 512 and the cluster size (%u)",
                  s->cluster_size);
        return false;
    }
    if (has_all && has_l2 && has_rc) {
        error_set(errp, ERR_INVALID_PARAMETER, "cache-size, l2-cache-size and refcount-cache-size may not be "
                  "set at the same time");
        return false;
    }
    *l2 = MIN(opt_size(opts, "l2-cache-size", DEFAULT_L2_CACHE), all_l2_bytes(s));
    *rc = opt_size(opts, "refcount-cache-size", min_rc);
    if (has_all) {
        if ((has_l2 && opt_size(opts, "l2-cache-size", 0) > all) || (has_rc && *rc > all)) {
            error_set(errp, ERR_INVALID_PARAMETER, "%s may not exceed cache-size",
                      has_l2 ? "l2-cache-size" : "refcount-cache-size");
            return false;
        }
        if (has_l2) {
            *rc = all - opt_size(opts, "l2-cache-size", 0);
        } else {
            *l2 = MIN(has_rc ? all - *rc : all > min_rc ? all - min_rc : all, all_l2_bytes(s));
        }
    }
    *l2 = MAX(*l2, 4 * *slice);
    if (*l2 > GiB * 64 || *rc > GiB * 64) {
        error_set(errp, ERR_INVALID_PARAMETER, "the cache size is too big");
        return false;
    }
    return true;
}

static bool parse_overlap(Qcow2 *s, const char *v, Error **errp)
{
    static const char *const names[] = {"none", "constant", "cached", "all"};

    s->overlap = QCOW2_OL_CACHED;
    for (unsigned i = 0; v && i < ARRAY_LEN(names); i++) {
        if (!strcmp(v, names[i])) {
            s->overlap = i;
            return true;
        }
    }
    if (v) {
        error_set(errp, ERR_INVALID_PARAMETER, "Unsupported value '%s' for qcow2 option 'overlap-check'", v);
        error_hint(errp, "one of none, constant, cached, all");
    }
    return !v;
}

static void discard_option(Qcow2 *s, json_t *opts, const char *key, unsigned kind, bool def)
{
    json_t *v = json_object_get(opts, key);

    s->discard_opt_set[kind] = v != NULL;
    s->pass_discard[kind] = v ? json_is_true(v) : def;
}

static bool read_options(Qcow2 *s, json_t *opts, Error **errp)
{
    json_t *lazy = json_object_get(opts, "lazy-refcounts");
    uint64_t l2, rc, slice;

    if (!parse_overlap(s, json_string_value(json_object_get(opts, "overlap-check")), errp)) {
        return false;
    }
    s->pass_discard[QCOW2_DISCARD_ALWAYS] = true;
    discard_option(s, opts, "pass-discard-request", QCOW2_DISCARD_REQUEST, s->node->flags & BLOCK_UNMAP);
    discard_option(s, opts, "pass-discard-snapshot", QCOW2_DISCARD_SNAPSHOT, true);
    discard_option(s, opts, "pass-discard-other", QCOW2_DISCARD_OTHER, false);
    if (lazy && json_is_true(lazy) && s->version < 3) {
        error_set(errp, ERR_INVALID_PARAMETER, "Lazy refcounts require a qcow2 image with at least qemu 1.1 "
                  "compatibility level");
        return false;
    }
    s->lazy_wanted = s->version >= 3 && (lazy ? json_is_true(lazy) : s->compat & QCOW2_COMPAT_LAZY);
    s->clean_interval = (unsigned)MIN(opt_size(opts, "cache-clean-interval", 600), 1u << 30);
    return cache_sizes(s, opts, &l2, &rc, &slice, errp) &&
           qcow2_cache_init(&s->l2, l2, (unsigned)slice, errp) &&
           qcow2_cache_init(&s->rc, rc, (unsigned)MIN(s->cluster_size, DEFAULT_SLICE), errp);
}

/* ---- tables ---- */

static bool load_reftable(Qcow2 *s, Error **errp)
{
    int ret;

    s->rt_entries = (size_t)s->rt_clusters << (s->cluster_bits - 3);
    s->rt = g_new0(uint64_t, MAX(s->rt_entries, 1));
    s->rt_dirty = g_new0(uint8_t, s->rt_entries / 64 + 1);
    ret = s->rt_entries ? node_pread(s->file, s->rt_offset, s->rt, s->rt_entries * 8) : 0;
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not initialize refcount handling");
        return false;
    }
    for (size_t i = 0; i < s->rt_entries; i++) {
        s->rt[i] = ld_be64(&s->rt[i]);
    }
    return true;
}

static bool load_active_l1(Qcow2 *s, Error **errp)
{
    int ret = qcow2_load_l1(s, s->l1_offset, s->l1_size, &s->l1);

    s->l1_dirty = g_new0(uint8_t, s->l1_size / 64 + 1);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not read L1 table");
    }
    return ret == 0;
}

static bool open_data_file(Qcow2 *s, Error **errp)
{
    BlockNode *n = s->node;
    bool rw = n->flags & BLOCK_RDWR;

    s->data = s->file;
    if (!qcow2_has_data_file(s)) {
        if (n->data_file) {
            error_set(errp, ERR_INVALID_PARAMETER, "'data-file' can only be set for images with an external "
                      "data file");
        }
        return !n->data_file;
    }
    if (!n->data_file && n->flags & BLOCK_NO_IO) {
        return true;
    }
    if (!n->data_file) {
        if (!s->data_file_name) {
            error_set(errp, ERR_INVALID_PARAMETER, "'data-file' is required for this image");
            return false;
        }
        g_autofree char *path = block_backing_path(n->filename, s->data_file_name);
        g_autoptr(json_t) o = json_pack("{s:s, s:s, s:b, s:b, s:b, s:s, s:{s:b, s:b}}", "driver", "file",
                                        "filename", path, "read-only", !rw, "auto-read-only",
                                        (n->flags & BLOCK_AUTO_RDONLY) != 0, "force-share",
                                        (n->flags & BLOCK_NO_LOCK) != 0, "discard", "unmap", "cache",
                                        "direct", (n->flags & BLOCK_NOCACHE) != 0, "no-flush",
                                        (n->flags & BLOCK_NO_FLUSH) != 0);
        n->data_file = o ? node_open(n->set, o, errp) : NULL;
        if (!n->data_file) {
            error_prepend(errp, "Could not open data file '%s': ", path);
            return false;
        }
        g_autofree char *who = g_strdup_printf("node '%s' as 'data-file'", n->name);
        if (!node_set_edge(n->data_file, n, who, PERM_READ | (rw ? PERM_WRITE | PERM_RESIZE : 0),
                           PERM_READ | PERM_WRITE_UNCHANGED, errp)) {
            return false;
        }
    }
    s->data = n->data_file;
    return true;
}

/* ---- the cleaner of the caches ---- */

static gpointer cleaner_main(gpointer opaque)
{
    Qcow2 *s = opaque;

    g_mutex_lock(&s->clean_lock);
    while (!s->clean_stop) {
        gint64 until = g_get_monotonic_time() + s->clean_interval * G_TIME_SPAN_SECOND;
        while (!s->clean_stop && g_cond_wait_until(&s->clean_cond, &s->clean_lock, until)) {
        }
        if (!s->clean_stop) {
            g_mutex_unlock(&s->clean_lock);
            g_mutex_lock(&s->lock);
            qcow2_cache_clean(&s->l2);
            qcow2_cache_clean(&s->rc);
            g_mutex_unlock(&s->lock);
            g_mutex_lock(&s->clean_lock);
        }
    }
    g_mutex_unlock(&s->clean_lock);
    return NULL;
}

static void cleaner_start(Qcow2 *s)
{
    /* Tools are gone before the interval is over. */
    if (s->clean_interval && s->node->set->loop && !(s->node->flags & BLOCK_NO_IO)) {
        s->cleaner = g_thread_try_new("qcow2-clean", cleaner_main, s, NULL);
    }
}

static void cleaner_stop(Qcow2 *s)
{
    if (s->cleaner) {
        g_mutex_lock(&s->clean_lock);
        s->clean_stop = true;
        g_cond_signal(&s->clean_cond);
        g_mutex_unlock(&s->clean_lock);
        g_thread_join(s->cleaner);
        s->cleaner = NULL;
    }
}

/* ---- life ---- */

static void qcow2_init(Qcow2 *s, BlockNode *n)
{
    s->node = n;
    s->file = s->data = n->file;
    g_mutex_init(&s->lock);
    g_cond_init(&s->cond);
    g_mutex_init(&s->zip_lock);
    g_mutex_init(&s->clean_lock);
    g_cond_init(&s->clean_cond);
    s->exts = g_ptr_array_new_with_free_func(qcow2_ext_free);
    s->free_waiting = g_array_new(false, false, sizeof(Qcow2Free));
    s->free_written = g_array_new(false, false, sizeof(Qcow2Free));
    s->free_stable = g_array_new(false, false, sizeof(Qcow2Free));
    s->pins = g_new0(uint32_t, QCOW2_PINS);
}

static void qcow2_fini(Qcow2 *s)
{
    cleaner_stop(s);
    qcow2_snapshots_free(s);
    qcow2_unzip_forget(s);
    qcow2_cache_fini(&s->l2);
    qcow2_cache_fini(&s->rc);
    g_free(s->meta.key);
    g_free(s->l1);
    g_free(s->l1_dirty);
    g_free(s->rt);
    g_free(s->rt_dirty);
    g_free(s->pins);
    g_free(s->unknown_fields);
    g_free(s->data_file_name);
    g_ptr_array_unref(s->exts);
    g_array_unref(s->free_waiting);
    g_array_unref(s->free_written);
    g_array_unref(s->free_stable);
    g_mutex_clear(&s->lock);
    g_cond_clear(&s->cond);
    g_mutex_clear(&s->zip_lock);
    g_mutex_clear(&s->clean_lock);
    g_cond_clear(&s->clean_cond);
}

static bool load(Qcow2 *s, json_t *opts, Error **errp)
{
    uint8_t snaps[12];
    int ret;

    if (!qcow2_read_header(s, opts, errp) || !read_options(s, opts, errp) || !open_data_file(s, errp) ||
        !load_reftable(s, errp) || !load_active_l1(s, errp)) {
        return false;
    }
    ret = node_pread(s->file, QCOW2_H_NB_SNAPSHOTS, snaps, sizeof(snaps));
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not read snapshots");
        return false;
    }
    if (!qcow2_read_snapshots(s, ld_be64(snaps + 4), ld_be32(snaps), errp)) {
        return false;
    }
    s->fresh_from = round_up(s->file->size, s->cluster_size);
    qcow2_meta_build(s);
    return true;
}

static bool qcow2_open(BlockNode *n, json_t *opts, Error **errp)
{
    Qcow2 *s = n->priv;
    unsigned f = n->flags;

    qcow2_init(s, n);
    if (!load(s, opts, errp)) {
        qcow2_fini(s);
        return false;
    }
    if ((s->incompat & QCOW2_INCOMPAT_DIRTY) && (f & BLOCK_RDWR) && !(f & (BLOCK_CHECK | BLOCK_NO_IO)) &&
        !qcow2_repair_dirty(s, errp)) {
        qcow2_fini(s);
        return false;
    }
    cleaner_start(s);
    return true;
}

/* Everything to the disk, and nothing pending; the image is as clean as it can be. */
static int make_clean(Qcow2 *s)
{
    int ret;

    if (!(s->node->flags & BLOCK_RDWR) || s->corrupt || !s->prepared) {
        return 0;
    }
    ret = qcow2_freshen_flags(s);
    ret = ret < 0 ? ret : qcow2_commit_all(s);
    if (ret == 0 && s->lazy) {
        ret = qcow2_set_dirty(s, false);
        s->lazy = ret != 0;
    }
    s->prepared = ret != 0;
    return ret;
}

static void qcow2_close(BlockNode *n)
{
    Qcow2 *s = n->priv;

    g_mutex_lock(&s->lock);
    int ret = make_clean(s);
    g_mutex_unlock(&s->lock);
    if (ret < 0) {
        error_report_text("%s: closing: %s", n->filename, g_strerror(-ret));
    }
    qcow2_fini(s);
}

static bool qcow2_reopen(BlockNode *n, unsigned new_flags, Error **errp)
{
    Qcow2 *s = n->priv;
    int ret = 0;

    if (new_flags & BLOCK_RDWR && !(n->flags & BLOCK_RDWR) &&
        (s->snapshot_view || s->corrupt || s->incompat & QCOW2_INCOMPAT_CORRUPT)) {
        error_set(errp, ERR_STATE, "the image cannot be written: it is corrupt, or shows a snapshot");
        return false;
    }
    if (new_flags & BLOCK_RDWR && !(n->flags & BLOCK_RDWR) && s->incompat & QCOW2_INCOMPAT_DIRTY) {
        error_set(errp, ERR_STATE, "'%s' was not closed in good order", n->filename);
        error_hint(errp, "it is repaired when it is opened for writing, or by rhea-img check -r all");
        return false;
    }
    g_mutex_lock(&s->lock);
    if (!(new_flags & BLOCK_RDWR)) {
        ret = make_clean(s);
    }
    if (!s->discard_opt_set[QCOW2_DISCARD_REQUEST]) {
        s->pass_discard[QCOW2_DISCARD_REQUEST] = new_flags & BLOCK_UNMAP;
    }
    g_mutex_unlock(&s->lock);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not bring the image to a clean state");
    }
    return ret == 0;
}

static int qcow2_flush(BlockNode *n)
{
    Qcow2 *s = n->priv;
    int ret = 0;

    g_mutex_lock(&s->lock);
    if (s->l2.dirty || s->l1_any_dirty || s->free_waiting->len || s->free_written->len) {
        ret = qcow2_commit(s);
        if (ret == 0 && (s->free_written->len || s->free_stable->len)) {
            ret = qcow2_barrier(s);
        }
    } else if (s->corrupt) {
        ret = -EIO;
    }
    g_mutex_unlock(&s->lock);
    return ret;
}

/* ---- what others ask ---- */

static uint64_t qcow2_length(BlockNode *n)
{
    Qcow2 *s = n->priv;

    return s->size;
}

static int64_t qcow2_allocated(BlockNode *n)
{
    Qcow2 *s = n->priv;
    int64_t sum = n->file->drv->allocated ? n->file->drv->allocated(n->file) : -1;

    if (sum >= 0 && s->data != s->file && s->data->drv->allocated) {
        int64_t more = s->data->drv->allocated(s->data);
        sum = more < 0 ? -1 : sum + more;
    }
    return sum;
}

static uint64_t qcow2_cluster_size(BlockNode *n)
{
    Qcow2 *s = n->priv;

    return s->cluster_size;
}

static json_t *qcow2_specific_info(BlockNode *n)
{
    Qcow2 *s = n->priv;
    json_t *d = json_object();

    json_object_set_new(d, "compat", json_string(s->version < 3 ? "0.10" : "1.1"));
    json_object_set_new(d, "compression-type", json_string(s->compression == QCOW2_ZSTD ? "zstd" : "zlib"));
    if (s->version >= 3) {
        json_object_set_new(d, "lazy-refcounts", json_boolean(s->compat & QCOW2_COMPAT_LAZY));
        if (s->nb_bitmaps) {
            json_t *list = json_array();
            qcow2_bitmaps_walk(s, NULL, NULL, list);
            json_object_set_new(d, "bitmaps", list);
        }
    }
    json_object_set_new(d, "refcount-bits", json_integer(1 << s->refcount_order));
    if (s->version >= 3 && s->data_file_name) {
        json_object_set_new(d, "data-file", json_string(s->data_file_name));
    }
    if (qcow2_has_data_file(s)) {
        json_object_set_new(d, "data-file-raw", json_boolean(qcow2_data_raw(s)));
    }
    if (s->version >= 3) {
        json_object_set_new(d, "corrupt", json_boolean(s->incompat & QCOW2_INCOMPAT_CORRUPT));
        json_object_set_new(d, "extended-l2", json_boolean(qcow2_extl2(s)));
    }
    return json_pack("{s:s, s:o}", "type", "qcow2", "data", d);
}

static bool qcow2_is_dirty(BlockNode *n)
{
    Qcow2 *s = n->priv;

    return s->incompat & QCOW2_INCOMPAT_DIRTY;
}

static const BlockOpt qcow2_open_opts[] = {
    {"backing", BLOCK_OPT_CHILD, NULL, "the backing file, in place of the one that the image names"},
    {"data-file", BLOCK_OPT_CHILD, NULL, "the external data file, in place of the one that the image names"},
    {"lazy-refcounts", BLOCK_OPT_BOOL, NULL, "Postpone refcount updates"},
    {"pass-discard-request", BLOCK_OPT_BOOL, NULL, "Pass guest discard requests to the layer below"},
    {"pass-discard-snapshot", BLOCK_OPT_BOOL, NULL, "Generate discard requests when snapshot related space is "
     "freed"},
    {"pass-discard-other", BLOCK_OPT_BOOL, NULL, "Generate discard requests when other clusters are freed"},
    {"overlap-check", BLOCK_OPT_STR, NULL, "Which overlap checks to perform: none, constant, cached (default), "
     "all"},
    {"cache-size", BLOCK_OPT_SIZE, NULL, "Maximum combined metadata (L2 tables and refcount blocks) cache size"},
    {"l2-cache-size", BLOCK_OPT_SIZE, NULL, "Maximum L2 table cache size"},
    {"l2-cache-entry-size", BLOCK_OPT_SIZE, NULL, "Size of each entry in the L2 cache"},
    {"refcount-cache-size", BLOCK_OPT_SIZE, NULL, "Maximum refcount block cache size"},
    {"cache-clean-interval", BLOCK_OPT_INT, NULL, "Clean unused cache entries after this time (in seconds)"},
    {0},
};

static const BlockDriver qcow2_driver = {
    .name = "qcow2",
    .help = "QEMU's format: snapshots, backing files, compression",
    .kind = DRIVER_FORMAT,
    .size = sizeof(Qcow2),
    .open_opts = qcow2_open_opts,
    .create_opts = qcow2_create_opts,
    .probe = qcow2_probe,
    .open = qcow2_open,
    .close = qcow2_close,
    .reopen = qcow2_reopen,
    .create = qcow2_create,
    .preadv = qcow2_preadv,
    .pwritev = qcow2_pwritev,
    .pwrite_zeroes = qcow2_pwrite_zeroes,
    .pdiscard = qcow2_pdiscard,
    .flush = qcow2_flush,
    .block_status = qcow2_block_status,
    .resolve = qcow2_resolve,
    .unpin = qcow2_unpin,
    .length = qcow2_length,
    .truncate = qcow2_truncate,
    .allocated = qcow2_allocated,
    .specific_info = qcow2_specific_info,
    .cluster_size = qcow2_cluster_size,
    .pwrite_compressed = qcow2_pwrite_compressed,
    .check = qcow2_check,
    .amend = qcow2_amend,
    .is_dirty = qcow2_is_dirty,
    .measure = qcow2_measure,
    .change_backing = qcow2_change_backing,
    .make_empty = qcow2_make_empty,
    .snapshot_create = qcow2_snapshot_create,
    .snapshot_goto = qcow2_snapshot_goto,
    .snapshot_delete = qcow2_snapshot_delete,
    .snapshot_list = qcow2_snapshot_list,
    .snapshot_load = qcow2_snapshot_load,
    .vmstate_read = qcow2_vmstate_read,
    .vmstate_write = qcow2_vmstate_write,
};
BLOCK_DRIVER(qcow2_driver);
