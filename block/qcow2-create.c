/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making qcow2 images: a smallest image is written first (header, one refcount block, an L1 table),
 * then opened, given its size, and preallocated.
 *
 * home: main loop.
 */
#include <errno.h>

#include "block/internal.h"
#include "block/qcow2.h"

const BlockOpt qcow2_create_opts[] = {
    {"size", BLOCK_OPT_SIZE, NULL, "Virtual disk size"},
    {"compat", BLOCK_OPT_STR, "1.1", "Compatibility level (v2 [0.10] or v3 [1.1])"},
    {"backing_file", BLOCK_OPT_STR, NULL, "File name of a base image"},
    {"backing_fmt", BLOCK_OPT_STR, NULL, "Image format of the base image"},
    {"data_file", BLOCK_OPT_STR, NULL, "File name of an external data file"},
    {"data_file_raw", BLOCK_OPT_BOOL, "off", "The external data file must stay valid as a raw image"},
    {"cluster_size", BLOCK_OPT_SIZE, "65536", "qcow2 cluster size"},
    {"extended_l2", BLOCK_OPT_BOOL, "off", "Extended L2 tables"},
    {"preallocation", BLOCK_OPT_STR, "off", "Preallocation mode (allowed values: off, metadata, falloc, full)"},
    {"lazy_refcounts", BLOCK_OPT_BOOL, "off", "Postpone refcount updates"},
    {"refcount_bits", BLOCK_OPT_INT, "16", "Width of a reference count entry in bits"},
    {"compression_type", BLOCK_OPT_STR, "zlib", "Compression method used for image cluster compression"},
    {0},
};

typedef struct Wish { /* what is to be made */
    uint64_t size, cluster_size;
    const char *backing, *backing_fmt, *data_file, *prealloc;
    unsigned version, refcount_bits, compression;
    bool data_raw, extl2, lazy;
} Wish;

static const char *str_of(json_t *opts, const char *key)
{
    return json_string_value(json_object_get(opts, key));
}

static bool bad(Error **errp, const char *text)
{
    error_set(errp, ERR_INVALID_PARAMETER, "%s", text);
    return false;
}

static bool read_wish(json_t *opts, Wish *w, Error **errp)
{
    const char *compat = str_of(opts, "compat"), *comp = str_of(opts, "compression_type");
    json_t *cs = json_object_get(opts, "cluster_size"), *rb = json_object_get(opts, "refcount_bits");

    *w = (Wish){
        .size = (uint64_t)json_integer_value(json_object_get(opts, "size")),
        .cluster_size = cs ? (uint64_t)json_integer_value(cs) : 64 * KiB,
        .backing = str_of(opts, "backing_file"),
        .backing_fmt = str_of(opts, "backing_fmt"),
        .data_file = str_of(opts, "data_file"),
        .prealloc = str_of(opts, "preallocation"),
        .refcount_bits = rb ? (unsigned)MIN((uint64_t)json_integer_value(rb), 65) : 16,
        .data_raw = json_is_true(json_object_get(opts, "data_file_raw")),
        .extl2 = json_is_true(json_object_get(opts, "extended_l2")),
        .lazy = json_is_true(json_object_get(opts, "lazy_refcounts")),
        .version = 3,
    };
    w->prealloc = w->prealloc ? w->prealloc : "off";
    w->size = round_up(w->size, BLOCK_SECTOR);
    if (compat && (!strcmp(compat, "0.10") || !strcmp(compat, "v2"))) {
        w->version = 2;
    } else if (compat && strcmp(compat, "1.1") && strcmp(compat, "v3")) {
        error_set(errp, ERR_INVALID_PARAMETER, "Invalid parameter '%s'", compat);
        error_hint(errp, "compat is 0.10 (v2) or 1.1 (v3)");
        return false;
    }
    if (comp && !strcmp(comp, "zstd")) {
        w->compression = QCOW2_ZSTD;
    } else if (comp && strcmp(comp, "zlib")) {
        error_set(errp, ERR_INVALID_PARAMETER, "Invalid parameter '%s'", comp);
        error_hint(errp, "compression_type is zlib or zstd");
        return false;
    }
    return true;
}

static bool check_v2(const Wish *w, Error **errp)
{
    if (w->refcount_bits != 16) {
        return bad(errp, "Different refcount widths than 16 bits require compatibility level 1.1 or above (use "
                   "version=v3 or greater)");
    }
    if (w->lazy) {
        return bad(errp, "Lazy refcounts only supported with compatibility level 1.1 and above (use version=v3 "
                   "or greater)");
    }
    if (w->data_file) {
        return bad(errp, "External data files are only supported with compatibility level 1.1 and above (use "
                   "version=v3 or greater)");
    }
    if (w->extl2) {
        return bad(errp, "Extended L2 entries are only supported with compatibility level 1.1 and above (use "
                   "version=v3 or greater)");
    }
    if (w->compression) {
        return bad(errp, "Non-zlib compression type is only supported with compatibility level 1.1 and above (use "
                   "version=v3 or greater)");
    }
    return true;
}

static bool check_wish(const Wish *w, Error **errp)
{
    static const char *const modes[] = {"off", "metadata", "falloc", "full", NULL};

    if (!is_pow2(w->cluster_size) || w->cluster_size < 512 || w->cluster_size > 2 * MiB) {
        return bad(errp, "Cluster size must be a power of two between 512 and 2048k");
    }
    if (!is_pow2(w->refcount_bits) || w->refcount_bits > 64) {
        return bad(errp, "Refcount width must be a power of two and may not exceed 64 bits");
    }
    if (w->version < 3 && !check_v2(w, errp)) {
        return false;
    }
    if (!g_strv_contains(modes, w->prealloc)) {
        return bad(errp, "preallocation is one of off, metadata, falloc, full");
    }
    if (w->extl2 && w->cluster_size < 16 * KiB) {
        return bad(errp, "Extended L2 entries are only supported with cluster sizes of at least 16384 bytes");
    }
    if (w->backing && strcmp(w->prealloc, "off") && !w->extl2) {
        return bad(errp, "Backing file and preallocation can only be used together if extended_l2 is enabled");
    }
    if (w->data_raw && !w->data_file) {
        return bad(errp, "data-file-raw requires data-file");
    }
    if (w->data_raw && w->backing) {
        return bad(errp, "Backing file and data-file-raw cannot be used at the same time");
    }
    if (w->backing_fmt && !w->backing) {
        return bad(errp, "Backing format cannot be used without backing file");
    }
    if (w->backing && strlen(w->backing) > 1023) {
        return bad(errp, "Backing file name too long");
    }
    return true;
}

/* ---- measuring ---- */

/* Clusters of the refcount structure for @n others, itself included. */
static uint64_t refcount_clusters(uint64_t n, uint64_t cluster_size, unsigned bits)
{
    uint64_t per = cluster_size * 8 / bits, blocks = 0, table = 0, before;

    do {
        before = blocks + table;
        blocks = (n + before + per - 1) / per;
        table = (blocks * 8 + cluster_size - 1) / cluster_size;
    } while (blocks + table > before);
    return blocks + table;
}

bool qcow2_measure(json_t *opts, uint64_t size, BlockMeasure *m, Error **errp)
{
    Wish w;

    if (!read_wish(opts, &w, errp) || !check_wish(&w, errp)) {
        return false;
    }
    uint64_t cs = w.cluster_size, disk = round_up(size, cs) / cs, per_l2 = cs / (w.extl2 ? 16 : 8);
    uint64_t l2 = (disk + per_l2 - 1) / per_l2;
    uint64_t l1 = (l2 * 8 + cs - 1) / cs, meta = 1 + l1 + l2;
    if (l2 * 8 > QCOW2_MAX_L1_BYTES) {
        return bad(errp, "The image size is too large (try using a larger cluster size)");
    }
    uint64_t all = (meta + disk + refcount_clusters(meta + disk, cs, w.refcount_bits)) * cs;
    m->fully_allocated = all;
    m->cluster = cs;
    m->required = all - disk * cs;
    if (strcmp(w.prealloc, "off") && strcmp(w.prealloc, "metadata")) {
        m->required = all;
        m->cluster = 1;
    }
    return true;
}

/* ---- making ---- */

/* The image of a disk of 0 bytes: header, refcount table, one block, L1. */
static int write_smallest(BlockNode *file, const char *filename, const Wish *w)
{
    BlockNode fake = {.filename = (char *)filename, .backing_file = (char *)w->backing, .file = file};
    Qcow2 s = {.node = &fake, .file = file, .data = file, .version = w->version};
    g_autoptr(GPtrArray) exts = g_ptr_array_new_with_free_func(qcow2_ext_free);
    uint64_t cs = w->cluster_size;
    g_autofree uint8_t *b = g_malloc0(cs);
    int ret;

    s.exts = exts;
    s.cluster_bits = (unsigned)ctz64(cs);
    s.refcount_order = (unsigned)ctz32(w->refcount_bits);
    qcow2_set_geometry(&s, w->extl2);
    s.compression = w->compression;
    s.incompat = (w->data_file ? QCOW2_INCOMPAT_DATA_FILE : 0) | (w->extl2 ? QCOW2_INCOMPAT_EXTL2 : 0) |
                 (w->compression ? QCOW2_INCOMPAT_COMPRESSION : 0);
    s.compat = w->lazy ? QCOW2_COMPAT_LAZY : 0;
    s.autoclear = w->data_raw ? QCOW2_AUTOCLEAR_RAW : 0;
    if (w->data_file) {
        qcow2_ext_set(&s, QCOW2_EXT_DATA_FILE, w->data_file, (uint32_t)strlen(w->data_file));
    }
    if (w->backing_fmt) {
        qcow2_ext_set(&s, QCOW2_EXT_BACKING_FORMAT, w->backing_fmt, (uint32_t)strlen(w->backing_fmt));
    }
    qcow2_default_features(&s);
    s.rt_offset = cs;
    s.rt_clusters = 1;
    s.l1_offset = 3 * cs;
    s.l1_size = 1;
    ret = qcow2_write_header(&s);
    st_be64(b, 2 * cs);
    ret = ret < 0 ? ret : node_pwrite(file, cs, b, cs, 0);
    memset(b, 0, cs);
    for (unsigned i = 0; i < 4; i++) {
        qcow2_refcount_poke(&s, b, i, 1);
    }
    ret = ret < 0 ? ret : node_pwrite(file, 2 * cs, b, cs, 0);
    memset(b, 0, cs);
    return ret < 0 ? ret : node_pwrite(file, 3 * cs, b, cs, 0);
}

static bool make_data_file(BlockSet *set, const char *image, const Wish *w, Error **errp)
{
    const BlockDriver *drv = block_driver_find("file", errp);
    g_autofree char *path = block_backing_path(image, w->data_file);
    g_autoptr(json_t) o = json_pack("{s:I}", "size", (json_int_t)0);

    return drv && drv->create(set, NULL, path, o, errp);
}

static bool open_and_size(BlockSet *set, BlockNode *file, const Wish *w, Error **errp)
{
    const char *prealloc = w->data_raw && !strcmp(w->prealloc, "off") ? "metadata" : w->prealloc;
    g_autoptr(json_t) o = json_pack("{s:s, s:s, s:n, s:b, s:b}", "driver", "qcow2", "file", file->name,
                                    "backing", "read-only", 0, "lazy-refcounts", 0);
    BlockNode *n = o ? node_open(set, o, errp) : NULL;
    bool ok;

    if (!n) {
        return false;
    }
    ok = !w->size || node_truncate(n, w->size, prealloc, errp);
    if (ok && node_flush(n) < 0) {
        ok = bad(errp, "Could not flush the new image");
    }
    node_unref(n);
    return ok;
}

/* The image's own node is the one that writes to the file now; a tool lets go of it meanwhile. */
static bool give_size(BlockSet *set, BlockNode *file, const Wish *w, Error **errp)
{
    bool ok;

    if (set->tool) {
        node_drop_edge(file, set);
    }
    ok = open_and_size(set, file, w, errp);
    if (set->tool && !node_set_edge(file, set, "this program", PERM_READ | PERM_WRITE | PERM_RESIZE, PERM_ALL,
                                    ok ? errp : NULL)) {
        return false;
    }
    return ok;
}

bool qcow2_create(BlockSet *set, BlockNode *file, const char *filename, json_t *opts, Error **errp)
{
    Wish w;
    int ret;

    if (!read_wish(opts, &w, errp) || !check_wish(&w, errp)) {
        return false;
    }
    ret = write_smallest(file, filename, &w);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not write qcow2 header");
        return false;
    }
    return (!w.data_file || make_data_file(set, filename, &w, errp)) && give_size(set, file, &w, errp);
}
