/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header of a qcow2 file: fields, features, extensions, and the names behind them. Every number
 * is judged here before anything else uses it. What we do not know (fields, extensions) is kept byte
 * for byte when the header is written anew.
 *
 * Single fields that other code changes (tables, features) are each within one sector; only a new
 * backing file name or a new extension rewrites more than that.
 */
#include <errno.h>
#include <inttypes.h>

#include "block/qcow2.h"

#define MAX_BACKING_NAME 1023u
#define FEATURE_ENTRY 48u

static bool refuse(Error **errp, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
static bool refuse(Error **errp, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_setv(errp, ERR_GENERIC, fmt, ap);
    va_end(ap);
    return false;
}

/* ---- extensions ---- */

void qcow2_ext_free(gpointer p)
{
    Qcow2Ext *e = p;

    g_free(e->data);
    g_free(e);
}

Qcow2Ext *qcow2_ext_find(Qcow2 *s, uint32_t type)
{
    for (guint i = 0; i < s->exts->len; i++) {
        Qcow2Ext *e = s->exts->pdata[i];
        if (e->type == type) {
            return e;
        }
    }
    return NULL;
}

static void ext_add(Qcow2 *s, uint32_t type, const void *data, uint32_t len)
{
    Qcow2Ext *e = g_new(Qcow2Ext, 1);

    *e = (Qcow2Ext){type, len, g_memdup2(data, len)};
    g_ptr_array_add(s->exts, e);
}

void qcow2_ext_set(Qcow2 *s, uint32_t type, const void *data, uint32_t len)
{
    Qcow2Ext *e = qcow2_ext_find(s, type);

    if (!data) {
        g_ptr_array_remove(s->exts, e);
    } else if (e) {
        g_free(e->data);
        e->data = g_memdup2(data, len);
        e->len = len;
    } else {
        ext_add(s, type, data, len);
    }
}

void qcow2_default_features(Qcow2 *s)
{
    static const struct {
        uint8_t type, bit;
        const char *name;
    } names[] = {
        {0, 0, "dirty bit"},
        {0, 1, "corrupt bit"},
        {0, 2, "external data file"},
        {0, 3, "compression type"},
        {0, 4, "extended L2 entries"},
        {1, 0, "lazy refcounts"},
        {2, 0, "bitmaps"},
        {2, 1, "raw external data"},
    };
    uint8_t table[ARRAY_LEN(names) * FEATURE_ENTRY] = {0};

    if (s->version < 3 || s->cluster_size < 4096 || qcow2_ext_find(s, QCOW2_EXT_FEATURES)) {
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        table[i * FEATURE_ENTRY] = names[i].type;
        table[i * FEATURE_ENTRY + 1] = names[i].bit;
        memcpy(table + i * FEATURE_ENTRY + 2, names[i].name, strlen(names[i].name));
    }
    ext_add(s, QCOW2_EXT_FEATURES, table, sizeof(table));
}

static bool read_exts(Qcow2 *s, const uint8_t *head, uint64_t end, Error **errp)
{
    uint64_t at = s->header_length;

    while (at + 8 <= end) {
        uint32_t type = ld_be32(head + at), len = ld_be32(head + at + 4);
        at += 8;
        if (type == QCOW2_EXT_END) {
            return true;
        }
        if (len > end - at) {
            return refuse(errp, "Header extension too large");
        }
        ext_add(s, type, head + at, len);
        at += round_up(len, 8);
    }
    return true;
}

static bool read_bitmaps_ext(Qcow2 *s, Error **errp)
{
    const Qcow2Ext *e = qcow2_ext_find(s, QCOW2_EXT_BITMAPS);

    if (!e) {
        if (s->autoclear & QCOW2_AUTOCLEAR_BITMAPS) {
            s->autoclear &= ~(uint64_t)QCOW2_AUTOCLEAR_BITMAPS;
        }
        return true;
    }
    if (!(s->autoclear & QCOW2_AUTOCLEAR_BITMAPS)) {
        return true; /* a program without bitmaps wrote to the image: they mean nothing any more */
    }
    if (e->len != 24) {
        return refuse(errp, "bitmaps_ext: Invalid extension length");
    }
    s->nb_bitmaps = ld_be32(e->data);
    s->bitmap_dir_size = ld_be64(e->data + 8);
    s->bitmap_dir = ld_be64(e->data + 16);
    if (!s->nb_bitmaps || s->nb_bitmaps > QCOW2_MAX_BITMAPS || ld_be32(e->data + 4) ||
        s->bitmap_dir_size > QCOW2_MAX_BITMAP_DIR || !s->bitmap_dir_size ||
        !qcow2_range_ok(s, s->bitmap_dir, s->bitmap_dir_size)) {
        s->nb_bitmaps = 0;
        s->bitmap_dir = s->bitmap_dir_size = 0;
        return refuse(errp, "bitmaps_ext: invalid bitmap directory");
    }
    return true;
}

/* The names of features that we do not know. */
static bool unknown_features(Qcow2 *s, uint64_t bits, Error **errp)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const Qcow2Ext *e = qcow2_ext_find(s, QCOW2_EXT_FEATURES);

    for (uint32_t at = 0; e && at + FEATURE_ENTRY <= e->len; at += FEATURE_ENTRY) {
        const uint8_t *f = e->data + at;
        if (f[0] == 0 && f[1] < 64 && (bits & BIT64(f[1]))) {
            bits &= ~BIT64(f[1]);
            g_autofree char *name = g_strndup((const char *)f + 2, FEATURE_ENTRY - 2);
            for (char *p = name; *p; p++) {
                *p = g_ascii_isprint(*p) ? *p : '?';
            }
            g_string_append_printf(text, "%s%s", text->len ? ", " : "", name);
        }
    }
    if (bits) {
        g_string_append_printf(text, "%sUnknown incompatible feature: %" PRIx64, text->len ? ", " : "", bits);
    }
    error_set(errp, ERR_UNSUPPORTED, "Unsupported qcow2 feature(s): %s", text->str);
    return false;
}

/* ---- fields ---- */

bool qcow2_range_ok(const Qcow2 *s, uint64_t offset, uint64_t bytes)
{
    return !(offset & (s->cluster_size - 1)) && offset < QCOW2_MAX_HOST && bytes < QCOW2_MAX_HOST;
}

void qcow2_set_geometry(Qcow2 *s, bool extl2)
{
    s->cluster_size = 1u << s->cluster_bits;
    s->l2_entry_size = extl2 ? 16 : 8;
    s->l2_bits = s->cluster_bits - (extl2 ? 4 : 3);
    s->subs = extl2 ? QCOW2_SUBCLUSTERS : 1;
    s->sub_bits = s->cluster_bits - (extl2 ? 5 : 0);
    s->sub_size = 1u << s->sub_bits;
    s->refblock_bits = s->cluster_bits + 3 - s->refcount_order;
    s->refcount_max = ~(uint64_t)0 >> (64 - (1u << s->refcount_order));
    s->csize_shift = 62 - (s->cluster_bits - 8);
    s->csize_mask = BIT64(s->cluster_bits - 8) - 1;
    s->coffset_mask = MIN(BIT64(s->csize_shift), QCOW2_MAX_HOST) - 1;
    s->pin_bits = MAX(s->cluster_bits, 16);
}

uint64_t qcow2_l1_entries(const Qcow2 *s, uint64_t size)
{
    unsigned shift = qcow2_l1_shift(s);
    uint64_t n = (size >> shift) + ((size & (BIT64(shift) - 1)) != 0);

    return n > QCOW2_MAX_L1_BYTES / 8 ? UINT64_MAX : n;
}

static bool read_v3_fields(Qcow2 *s, const uint8_t *head, size_t have, Error **errp)
{
    if (s->version < 3) {
        s->header_length = QCOW2_H_V2_LENGTH;
        s->refcount_order = 4;
        return true;
    }
    s->incompat = ld_be64(head + QCOW2_H_INCOMPAT);
    s->compat = ld_be64(head + QCOW2_H_COMPAT);
    s->autoclear = ld_be64(head + QCOW2_H_AUTOCLEAR);
    s->refcount_order = ld_be32(head + QCOW2_H_REFCOUNT_ORDER);
    s->header_length = ld_be32(head + QCOW2_H_LENGTH);
    if (s->header_length < QCOW2_H_COMPRESSION) {
        return refuse(errp, "qcow2 header too short");
    }
    if (s->header_length > have) {
        return refuse(errp, "qcow2 header exceeds cluster size");
    }
    s->compression = s->header_length > QCOW2_H_COMPRESSION ? head[QCOW2_H_COMPRESSION] : 0;
    if (s->header_length > QCOW2_H_V3_LENGTH) {
        s->unknown_len = s->header_length - QCOW2_H_V3_LENGTH;
        s->unknown_fields = g_memdup2(head + QCOW2_H_V3_LENGTH, s->unknown_len);
    }
    if (s->refcount_order > 6) {
        return refuse(errp, "Reference count entry width too large; may not exceed 64 bits");
    }
    return true;
}

static bool check_features(Qcow2 *s, Error **errp)
{
    if (s->incompat & ~(uint64_t)QCOW2_INCOMPAT_KNOWN) {
        return unknown_features(s, s->incompat & ~(uint64_t)QCOW2_INCOMPAT_KNOWN, errp);
    }
    if (!(s->incompat & QCOW2_INCOMPAT_COMPRESSION) != !s->compression) {
        return refuse(errp, "qcow2: Compression type incompatible feature bit must%s be set",
                      s->compression ? "" : " not");
    }
    if (!qcow2_compression_supported(s->compression)) {
        return refuse(errp, "qcow2: unknown compression type: %u", s->compression);
    }
    if ((s->incompat & QCOW2_INCOMPAT_EXTL2) && s->cluster_bits < 14) {
        return refuse(errp, "Extended L2 entries need clusters of at least 16 KiB");
    }
    if (qcow2_data_raw(s) && !qcow2_has_data_file(s)) {
        s->autoclear &= ~(uint64_t)QCOW2_AUTOCLEAR_RAW;
    }
    if ((s->incompat & QCOW2_INCOMPAT_CORRUPT) && (s->node->flags & BLOCK_RDWR) &&
        !(s->node->flags & BLOCK_CHECK)) {
        refuse(errp, "qcow2: Image is corrupt; cannot be opened read/write");
        error_hint(errp, "rhea-img check -r all repairs it");
        return false;
    }
    return true;
}

static bool read_tables(Qcow2 *s, const uint8_t *head, Error **errp)
{
    uint32_t crypt = ld_be32(head + QCOW2_H_CRYPT);
    uint64_t need;

    if (crypt) {
        error_set(errp, ERR_UNSUPPORTED, "Encrypted qcow2 images (%s) are not supported",
                  crypt == 1 ? "AES" : crypt == 2 ? "LUKS" : "unknown method");
        return false;
    }
    s->rt_offset = ld_be64(head + QCOW2_H_RT_OFFSET);
    s->rt_clusters = ld_be32(head + QCOW2_H_RT_CLUSTERS);
    if (s->rt_clusters > QCOW2_MAX_REFTABLE_BYTES >> s->cluster_bits) {
        return refuse(errp, "Refcount table size too large");
    }
    if (!s->rt_clusters && !(s->node->flags & BLOCK_CHECK)) {
        return refuse(errp, "Image does not contain a reference count table");
    }
    if (!qcow2_range_ok(s, s->rt_offset, 0) || (s->rt_clusters && !s->rt_offset)) {
        return refuse(errp, "Refcount table offset invalid");
    }
    s->l1_size = ld_be32(head + QCOW2_H_L1_SIZE);
    s->l1_offset = ld_be64(head + QCOW2_H_L1_OFFSET);
    if (s->l1_size > QCOW2_MAX_L1_BYTES / 8) {
        return refuse(errp, "Active L1 table too large");
    }
    if (!qcow2_range_ok(s, s->l1_offset, 0) || (s->l1_size && !s->l1_offset)) {
        return refuse(errp, "Active L1 table offset invalid");
    }
    need = qcow2_l1_entries(s, s->size);
    if (need == UINT64_MAX || s->size > INT64_MAX) {
        return refuse(errp, "Image is too big");
    }
    s->l1_vm_index = (uint32_t)need;
    if (s->l1_size < need) {
        return refuse(errp, "L1 table is too small");
    }
    return true;
}

static bool read_backing_name(Qcow2 *s, const uint8_t *head, size_t have, Error **errp)
{
    uint64_t at = ld_be64(head + QCOW2_H_BACKING_OFFSET);
    uint32_t len = ld_be32(head + QCOW2_H_BACKING_SIZE);
    const Qcow2Ext *fmt = qcow2_ext_find(s, QCOW2_EXT_BACKING_FORMAT);

    if (!at) {
        return true;
    }
    if (len > MAX_BACKING_NAME || at > have || len > have - at) {
        return refuse(errp, "Backing file name too long");
    }
    if (memchr(head + at, 0, len)) {
        return refuse(errp, "the backing file's name has a zero byte in it");
    }
    s->node->backing_file = g_strndup((const char *)head + at, len);
    if (fmt) {
        s->node->backing_format = g_strndup((const char *)fmt->data, fmt->len);
    }
    return true;
}

static bool first_fields(Qcow2 *s, const uint8_t *head, Error **errp)
{
    if (ld_be32(head) != QCOW2_MAGIC) {
        return refuse(errp, "Image is not in qcow2 format");
    }
    s->version = ld_be32(head + 4);
    if (s->version < 2 || s->version > 3) {
        error_set(errp, ERR_UNSUPPORTED, "Unsupported qcow2 version %u", s->version);
        return false;
    }
    s->cluster_bits = ld_be32(head + QCOW2_H_CLUSTER_BITS);
    if (s->cluster_bits < QCOW2_MIN_CLUSTER_BITS || s->cluster_bits > QCOW2_MAX_CLUSTER_BITS) {
        return refuse(errp, "Unsupported cluster size: 2^%u", s->cluster_bits);
    }
    s->cluster_size = 1u << s->cluster_bits;
    s->size = ld_be64(head + QCOW2_H_SIZE);
    return true;
}

bool qcow2_read_header(Qcow2 *s, json_t *opts, Error **errp)
{
    uint8_t first[QCOW2_H_V3_LENGTH];
    uint64_t file_size = node_length(s->file);
    int ret;

    if (file_size < QCOW2_H_V2_LENGTH) {
        return refuse(errp, "Image is not in qcow2 format");
    }
    ret = node_pread(s->file, 0, first, sizeof(first));
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not read qcow2 header");
        return false;
    }
    if (!first_fields(s, first, errp)) {
        return false;
    }
    g_autofree uint8_t *head = g_malloc(s->cluster_size);
    ret = node_pread(s->file, 0, head, s->cluster_size);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not read qcow2 header");
        return false;
    }
    if (!read_v3_fields(s, head, s->cluster_size, errp)) {
        return false;
    }
    uint64_t backing = ld_be64(head + QCOW2_H_BACKING_OFFSET);
    if (backing > s->cluster_size) {
        return refuse(errp, "Invalid backing file offset");
    }
    qcow2_set_geometry(s, s->incompat & QCOW2_INCOMPAT_EXTL2);
    if (!read_exts(s, head, backing ? backing : s->cluster_size, errp) || !check_features(s, errp) ||
        !read_bitmaps_ext(s, errp)) {
        return false;
    }
    const Qcow2Ext *data = qcow2_ext_find(s, QCOW2_EXT_DATA_FILE);
    if (data) {
        s->data_file_name = g_strndup((const char *)data->data, data->len);
    }
    return read_tables(s, head, errp) && read_backing_name(s, head, s->cluster_size, errp);
}

/* ---- writing ---- */

int qcow2_write_features(Qcow2 *s)
{
    uint8_t b[24];

    st_be64(b, s->incompat);
    st_be64(b + 8, s->compat);
    st_be64(b + 16, s->autoclear);
    return s->version < 3 ? 0 : node_pwrite(s->file, QCOW2_H_INCOMPAT, b, sizeof(b), 0);
}

static void put_fields(const Qcow2 *s, uint8_t *h)
{
    st_be32(h, QCOW2_MAGIC);
    st_be32(h + 4, s->version);
    st_be32(h + QCOW2_H_CLUSTER_BITS, s->cluster_bits);
    st_be64(h + QCOW2_H_SIZE, s->size);
    st_be32(h + QCOW2_H_L1_SIZE, s->l1_size);
    st_be64(h + QCOW2_H_L1_OFFSET, s->l1_offset);
    st_be64(h + QCOW2_H_RT_OFFSET, s->rt_offset);
    st_be32(h + QCOW2_H_RT_CLUSTERS, s->rt_clusters);
    st_be32(h + QCOW2_H_NB_SNAPSHOTS, s->nb_snap);
    st_be64(h + QCOW2_H_SNAPSHOTS, s->snapshots_offset);
    if (s->version >= 3) {
        st_be64(h + QCOW2_H_INCOMPAT, s->incompat);
        st_be64(h + QCOW2_H_COMPAT, s->compat);
        st_be64(h + QCOW2_H_AUTOCLEAR, s->autoclear);
        st_be32(h + QCOW2_H_REFCOUNT_ORDER, s->refcount_order);
        st_be32(h + QCOW2_H_LENGTH, s->header_length);
        h[QCOW2_H_COMPRESSION] = (uint8_t)s->compression;
        if (s->unknown_len) {
            memcpy(h + QCOW2_H_V3_LENGTH, s->unknown_fields, s->unknown_len);
        }
    }
}

int qcow2_write_header(Qcow2 *s)
{
    g_autofree uint8_t *h = g_malloc0(s->cluster_size);
    const char *backing = s->node->backing_file;
    uint64_t at;

    s->header_length = s->version < 3 ? QCOW2_H_V2_LENGTH : QCOW2_H_V3_LENGTH + s->unknown_len;
    put_fields(s, h);
    at = s->header_length;
    for (guint i = 0; i < s->exts->len; i++) {
        const Qcow2Ext *e = s->exts->pdata[i];
        if (at + 8 + round_up(e->len, 8) + 8 > s->cluster_size) {
            return -ENOSPC;
        }
        st_be32(h + at, e->type);
        st_be32(h + at + 4, e->len);
        memcpy(h + at + 8, e->data, e->len);
        at += 8 + round_up(e->len, 8);
    }
    at += at + 8 <= s->cluster_size ? 8 : 0; /* the end, which is all zeroes */
    if (backing) {
        size_t len = strlen(backing);
        if (len > MAX_BACKING_NAME || at + len > s->cluster_size) {
            return -ENOSPC;
        }
        memcpy(h + at, backing, len);
        st_be64(h + QCOW2_H_BACKING_OFFSET, at);
        st_be32(h + QCOW2_H_BACKING_SIZE, (uint32_t)len);
    }
    return node_pwrite(s->file, 0, h, s->cluster_size, 0);
}

Qcow2Header *qcow2_header_save(const Qcow2 *s)
{
    Qcow2Header *h = g_new(Qcow2Header, 1);

    *h = (Qcow2Header){
        .version = s->version,
        .incompat = s->incompat,
        .compat = s->compat,
        .autoclear = s->autoclear,
        .unknown_len = s->unknown_len,
        .nb_bitmaps = s->nb_bitmaps,
        .bitmap_dir = s->bitmap_dir,
        .bitmap_dir_size = s->bitmap_dir_size,
        .lazy = s->lazy,
        .lazy_wanted = s->lazy_wanted,
        .exts = g_ptr_array_new_with_free_func(qcow2_ext_free),
    };
    for (guint i = 0; i < s->exts->len; i++) {
        const Qcow2Ext *e = s->exts->pdata[i];
        Qcow2Ext *copy = g_new(Qcow2Ext, 1);
        *copy = (Qcow2Ext){e->type, e->len, g_memdup2(e->data, e->len)};
        g_ptr_array_add(h->exts, copy);
    }
    return h;
}

void qcow2_header_restore(Qcow2 *s, Qcow2Header *h)
{
    s->version = h->version;
    s->incompat = h->incompat;
    s->compat = h->compat;
    s->autoclear = h->autoclear;
    s->unknown_len = h->unknown_len;
    s->nb_bitmaps = h->nb_bitmaps;
    s->bitmap_dir = h->bitmap_dir;
    s->bitmap_dir_size = h->bitmap_dir_size;
    s->lazy = h->lazy;
    s->lazy_wanted = h->lazy_wanted;
    g_ptr_array_unref(s->exts);
    s->exts = g_steal_pointer(&h->exts);
    qcow2_write_header(s); /* what may have got through of the new one is taken back, if that works */
}

void qcow2_header_free(Qcow2Header *h)
{
    if (h->exts) {
        g_ptr_array_unref(h->exts);
    }
    g_free(h);
}
