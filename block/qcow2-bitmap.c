/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Persistent bitmaps in qcow2: kept, listed and counted. We do not track writes in them, so before
 * the first change of the image those that are enabled ("auto") are marked in-use, which tells
 * whoever reads them next that they are not exact. The extension itself stays consistent.
 *
 * Left out: reading and changing bitmaps.
 */
#include <errno.h>

#include "block/qcow2.h"

enum { BM_IN_USE = 1 << 0, BM_AUTO = 1 << 1 };
#define ENTRY_BYTES 24u

typedef struct Entry {
    uint64_t table;
    uint32_t table_size, flags, extra;
    uint16_t name_len;
    uint8_t granularity_bits;
    const char *name;
} Entry;

static int load_dir(Qcow2 *s, uint8_t **out)
{
    int ret;

    *out = g_try_malloc(s->bitmap_dir_size);
    if (!*out) {
        return -ENOMEM;
    }
    ret = node_pread(s->file, s->bitmap_dir, *out, s->bitmap_dir_size);
    if (ret < 0) {
        g_free(*out);
        *out = NULL;
    }
    return ret;
}

/* The entry at *at; moves on. false: the directory is broken. */
static bool next_entry(Qcow2 *s, const uint8_t *dir, uint64_t *at, Entry *e)
{
    const uint8_t *p = dir + *at;
    uint64_t len;

    if (s->bitmap_dir_size - *at < ENTRY_BYTES) {
        return false;
    }
    e->table = ld_be64(p);
    e->table_size = ld_be32(p + 8);
    e->flags = ld_be32(p + 12);
    e->granularity_bits = p[17];
    e->name_len = ld_be16(p + 18);
    e->extra = ld_be32(p + 20);
    len = round_up((uint64_t)ENTRY_BYTES + e->extra + e->name_len, 8);
    if (len > s->bitmap_dir_size - *at || !e->name_len || e->name_len > 1023 ||
        e->table_size > QCOW2_MAX_BITMAP_TABLE || !qcow2_range_ok(s, e->table, (uint64_t)e->table_size * 8)) {
        return false;
    }
    e->name = (const char *)p + ENTRY_BYTES + e->extra;
    *at += len;
    return true;
}

int qcow2_bitmaps_in_use(Qcow2 *s)
{
    uint64_t at = 0;
    uint8_t *dir, flags[4];
    int ret = load_dir(s, &dir);

    for (uint32_t i = 0; i < s->nb_bitmaps && ret == 0; i++) {
        Entry e;
        uint64_t start = at;
        if (!next_entry(s, dir, &at, &e)) {
            /* Nothing of it can be trusted: say so. */
            s->autoclear &= ~(uint64_t)QCOW2_AUTOCLEAR_BITMAPS;
            ret = qcow2_write_features(s);
            break;
        }
        if ((e.flags & BM_AUTO) && !(e.flags & BM_IN_USE)) {
            st_be32(flags, e.flags | BM_IN_USE);
            ret = node_pwrite(s->file, s->bitmap_dir + start + 12, flags, 4, 0);
        }
    }
    g_free(dir);
    return ret;
}

static int walk_table(Qcow2 *s, const Entry *e, Qcow2RangeFn *fn, void *opaque)
{
    uint8_t part[4096];
    int ret = fn(opaque, e->table, (uint64_t)e->table_size * 8);

    for (uint64_t at = 0; at < (uint64_t)e->table_size * 8 && ret == 0; at += sizeof(part)) {
        size_t n = MIN(sizeof(part), (uint64_t)e->table_size * 8 - at);
        ret = node_pread(s->file, e->table + at, part, n);
        for (size_t i = 0; i < n && ret == 0; i += 8) {
            uint64_t host = ld_be64(part + i) & QCOW2_L2_OFFSET;
            if (host) {
                ret = host & (s->cluster_size - 1) ? -EIO : fn(opaque, host, s->cluster_size);
            }
        }
    }
    return ret;
}

static void list_entry(json_t *list, const Entry *e)
{
    json_t *flags = json_array();
    json_t *b = json_object();

    if (e->flags & BM_IN_USE) {
        json_array_append_new(flags, json_string("in-use"));
    }
    if (e->flags & BM_AUTO) {
        json_array_append_new(flags, json_string("auto"));
    }
    json_object_set_new(b, "flags", flags);
    json_t *name = json_stringn(e->name, e->name_len);
    json_object_set_new(b, "name", name ? name : json_string("?"));
    json_object_set_new(b, "granularity",
                        json_integer(e->granularity_bits < 63 ? (json_int_t)BIT64(e->granularity_bits) : 0));
    json_array_append_new(list, b);
}

int qcow2_bitmaps_walk(Qcow2 *s, Qcow2RangeFn *fn, void *opaque, json_t *list)
{
    uint64_t at = 0;
    uint8_t *dir;
    int ret;

    if (!s->nb_bitmaps) {
        return 0;
    }
    ret = load_dir(s, &dir);
    if (ret == 0 && fn) {
        ret = fn(opaque, s->bitmap_dir, s->bitmap_dir_size);
    }
    for (uint32_t i = 0; i < s->nb_bitmaps && ret == 0; i++) {
        Entry e;
        if (!next_entry(s, dir, &at, &e)) {
            ret = -EIO;
            break;
        }
        if (list) {
            list_entry(list, &e);
        }
        ret = fn ? walk_table(s, &e, fn, opaque) : 0;
    }
    g_free(dir);
    return ret;
}
