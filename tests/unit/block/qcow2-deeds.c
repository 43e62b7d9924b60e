/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/bits.h"
#include "disk.h"
#include "qcow2-deeds.h"

#define H_VERSION 4
#define H_NB_SNAPSHOTS 60
#define H_RT_OFFSET 48
#define H_INCOMPAT 72
#define H_COMPAT 80
#define H_REFCOUNT_ORDER 96

static const char *const snap_names[] = {"a", "b", "new"};

const char *const deed_images[] = {
    "cluster_size=512,refcount_bits=16", "cluster_size=4096,compat=0.10",
    "cluster_size=512,refcount_bits=64,lazy_refcounts=off",
    "cluster_size=16384,extended_l2=on,refcount_bits=8", "cluster_size=65536,lazy_refcounts=on", NULL,
};

/* ---- deeds ---- */

static bool has_snapshot(BlockNode *n, const char *name)
{
    g_autoptr(GPtrArray) list = n->drv->snapshot_list(n);
    bool found = false;

    for (guint i = 0; i < list->len; i++) {
        found |= !strcmp(((BlockSnapshot *)list->pdata[i])->name, name);
    }
    return found;
}

static bool act_create(BlockNode *n, Error **errp)
{
    BlockSnapshot sn = {.name = (char *)"new", .icount = -1};

    return n->drv->snapshot_create(n, &sn, errp);
}

static bool is_created(BlockNode *n)
{
    return has_snapshot(n, "new");
}

static bool act_save(BlockNode *n, Error **errp)
{
    BlockSnapshot sn = {.name = (char *)"new", .icount = -1, .vm_state_size = 50000};
    g_autofree uint8_t *state = g_malloc(sn.vm_state_size);

    memset(state, 0x5a, sn.vm_state_size);
    int ret = n->drv->vmstate_write(n, 0, state, sn.vm_state_size);
    if (ret < 0) {
        error_set_errno(errp, -ret, "vmstate");
        return false;
    }
    return n->drv->snapshot_create(n, &sn, errp);
}

static bool act_goto(BlockNode *n, Error **errp)
{
    return n->drv->snapshot_goto(n, "a", errp);
}

static bool is_gone_to(BlockNode *n)
{
    uint8_t now[512];

    return node_pread(n, 0, now, 512) == 0 && now[0] == 'a';
}

static bool act_delete(BlockNode *n, Error **errp)
{
    return n->drv->snapshot_delete(n, "a", errp);
}

static bool is_deleted(BlockNode *n)
{
    return !has_snapshot(n, "a");
}

static bool act_grow(BlockNode *n, Error **errp)
{
    return node_truncate(n, DEED_MAX_SECTORS * 512, "off", errp);
}

static bool act_grow_metadata(BlockNode *n, Error **errp)
{
    return node_truncate(n, DEED_MAX_SECTORS * 512, "metadata", errp);
}

static bool is_grown(BlockNode *n)
{
    return node_length(n) == DEED_MAX_SECTORS * 512;
}

/* So much that the table of refcounts has to become longer. */
static bool act_fill(BlockNode *n, Error **errp)
{
    g_autofree uint8_t *b = g_malloc(DEED_MAX_SECTORS * 512);
    int ret;

    memset(b, 'f', DEED_MAX_SECTORS * 512);
    if (!act_grow(n, errp)) {
        return false;
    }
    ret = node_pwrite(n, 0, b, DEED_MAX_SECTORS * 512, 0);
    ret = ret < 0 ? ret : node_flush(n);
    if (ret < 0) {
        error_set_errno(errp, -ret, "write");
    }
    return ret == 0;
}

static bool is_filled(BlockNode *n)
{
    uint8_t last[512];

    return is_grown(n) && node_pread(n, n->size - 512, last, 512) == 0 && last[0] == 'f';
}

static bool act_shrink(BlockNode *n, Error **errp)
{
    return node_truncate(n, DEED_SIZE / 3, "off", errp);
}

static bool is_shrunk(BlockNode *n)
{
    return node_length(n) == DEED_SIZE / 3;
}

static bool amend(BlockNode *n, const char *opts, Error **errp)
{
    g_autoptr(json_t) o = json_loads(opts, 0, NULL);

    return n->drv->amend(n, o, errp);
}

static MemDisk *disk_of(BlockNode *n)
{
    return memdisk((unsigned)atoi(strchr(n->file->filename, ':') + 1));
}

static uint32_t header32(BlockNode *n, unsigned at)
{
    return ld_be32(disk_of(n)->data + at);
}

static bool act_upgrade(BlockNode *n, Error **errp)
{
    return amend(n, "{\"compat\": \"1.1\"}", errp);
}

static bool is_upgraded(BlockNode *n)
{
    return header32(n, H_VERSION) == 3;
}

static bool act_downgrade(BlockNode *n, Error **errp)
{
    return amend(n, "{\"compat\": \"0.10\"}", errp);
}

static bool is_downgraded(BlockNode *n)
{
    return header32(n, H_VERSION) == 2;
}

static bool act_wider(BlockNode *n, Error **errp)
{
    return amend(n, "{\"refcount_bits\": 32}", errp);
}

static bool is_wider(BlockNode *n)
{
    return header32(n, H_REFCOUNT_ORDER) == 5;
}

static bool act_lazy(BlockNode *n, Error **errp)
{
    return amend(n, "{\"lazy_refcounts\": true}", errp);
}

static bool is_lazy(BlockNode *n)
{
    return header32(n, H_COMPAT + 4) & 1;
}

static bool act_eager(BlockNode *n, Error **errp)
{
    return amend(n, "{\"lazy_refcounts\": false}", errp);
}

static bool is_eager(BlockNode *n)
{
    return !is_lazy(n);
}

static bool act_rename(BlockNode *n, Error **errp)
{
    return n->drv->change_backing(n, "memdisk:1", "raw", errp);
}

static bool is_renamed(BlockNode *n)
{
    return !g_strcmp0(n->backing_file, "memdisk:1");
}

static bool act_empty(BlockNode *n, Error **errp)
{
    return n->drv->make_empty(n, errp);
}

static bool is_empty(BlockNode *n)
{
    uint64_t pnum, map;
    BlockNode *file;
    bool empty = true;

    for (uint64_t at = 0; at < n->size && empty; at += pnum) {
        int ret = n->drv->block_status(n, at, n->size - at, &pnum, &map, &file);
        empty = ret >= 0 && !(ret & STATUS_ALLOCATED) && pnum;
    }
    return empty;
}

static bool act_repair(BlockNode *n, Error **errp)
{
    BlockCheck r = {0};

    if (!n->drv->check(n, &r, CHECK_FIX_ERRORS | CHECK_FIX_LEAKS, errp)) {
        return false;
    }
    if (r.corruptions || r.check_errors || r.leaks) {
        error_set(errp, ERR_GENERIC, "not all was repaired");
        return false;
    }
    return true;
}

static bool is_sound(BlockNode *n)
{
    BlockCheck r = {0};

    return n->drv->check(n, &r, 0, NULL) && !r.corruptions && !r.check_errors && !r.leaks;
}

static bool is_sound_and_clean(BlockNode *n)
{
    return is_sound(n) && !(header32(n, H_INCOMPAT + 4) & 1);
}

/* Some of the counts are zero. */
static void damage_counts(MemDisk *m)
{
    uint64_t table = ld_be64(m->data + H_RT_OFFSET), block = ld_be64(m->data + table);

    memset(m->data + block + 16, 0, 64);
}

/* The table of counts names a place behind the file. */
static void damage_table(MemDisk *m)
{
    uint64_t table = ld_be64(m->data + H_RT_OFFSET);

    st_be64(m->data + table, 1ull << 40);
}

/* What a crash with lazy counts leaves: those of shared clusters are too low. They are put right in
 * place, while counts of zero lead to a new structure. */
static void set_dirty_bit(MemDisk *m)
{
    uint64_t table = ld_be64(m->data + H_RT_OFFSET), block = ld_be64(m->data + table);
    unsigned bytes = (1u << ld_be32(m->data + H_REFCOUNT_ORDER)) / 8, lowered = 0;

    for (unsigned last = bytes - 1; last < 512; last += bytes) {
        lowered += m->data[block + last] > 1;
        m->data[block + last] = MIN(m->data[block + last], 1);
    }
    g_assert_cmpuint(lowered, >, 0);
    st_be64(m->data + H_INCOMPAT, ld_be64(m->data + H_INCOMPAT) | 1);
}

const Deed deeds[] = {
    {"snapshot create", .act = act_create, .done = is_created},
    {"snapshot create with state", .act = act_save, .done = is_created},
    {"snapshot apply", .act = act_goto, .done = is_gone_to},
    {"snapshot delete", .act = act_delete, .done = is_deleted},
    {"grow", .never = "0.10", .act = act_grow, .done = is_grown},
    {"grow metadata", .never = "0.10", .act = act_grow_metadata, .done = is_grown},
    {"fill", .only = "refcount_bits=64", .act = act_fill, .done = is_filled},
    {"shrink", .never = "0.10", .act = act_shrink, .done = is_shrunk, .discards = true},
    {"compat=1.1", .only = "0.10", .act = act_upgrade, .done = is_upgraded},
    {"compat=0.10", .only = "refcount_bits=16", .act = act_downgrade, .done = is_downgraded},
    {"refcount_bits=32", .never = "0.10", .act = act_wider, .done = is_wider},
    {"lazy_refcounts=on", .only = "refcount_bits=16", .act = act_lazy, .done = is_lazy},
    {"lazy_refcounts=off", .only = "lazy_refcounts=on", .act = act_eager, .done = is_eager},
    {"backing file name", .act = act_rename, .done = is_renamed, .backing = true},
    {"empty", .act = act_empty, .done = is_empty, .discards = true, .backing = true},
    {"repair counts", .act = act_repair, .done = is_sound, .damage = damage_counts},
    {"repair table", .act = act_repair, .done = is_sound, .damage = damage_table},
    {"repair dirty", .never = "0.10", .act = act_repair, .done = is_sound_and_clean, .damage = set_dirty_bit,
     .marked = true},
};
const unsigned n_deeds = G_N_ELEMENTS(deeds);

bool deed_fits(const Deed *d, const char *image)
{
    return !(d->only && !strstr(image, d->only)) && !(d->never && strstr(image, d->never));
}

/* ---- the image ---- */

static void fill(BlockNode *n, char name, unsigned from, unsigned count)
{
    g_autofree uint8_t *b = g_malloc(count * 512);

    for (unsigned i = 0; i < count; i++) {
        memset(b + i * 512, name, 512);
        memcpy(b + i * 512 + 8, &(uint32_t){from + i}, 4);
    }
    g_assert_cmpint(node_pwrite(n, from * 512ull, b, count * 512ull, 0), ==, 0);
}

static void take_snapshot(BlockNode *n, const char *name)
{
    BlockSnapshot sn = {.name = (char *)name, .icount = -1};
    Error *err = NULL;

    g_assert_true(n->drv->snapshot_create(n, &sn, &err));
}

static void write_compressed(BlockNode *n, unsigned sector)
{
    uint64_t cluster = n->drv->cluster_size(n), at = sector * 512 / cluster * cluster;
    g_autofree uint8_t *b = g_malloc(cluster);

    memset(b, 'z', cluster);
    g_assert_cmpint(n->drv->pwrite_compressed(n, at, cluster, b), ==, 0);
}

BlockNode *deed_open(BlockSet *set, const Deed *d, unsigned disk, unsigned flags, Error **errp)
{
    const char *json = d->backing ? "{\"backing\": {\"driver\": \"memdisk\", \"filename\": \"memdisk:1\"}}" : NULL;

    return q2_open_opts(set, disk, flags, json, errp);
}

void deed_prepare(const Deed *d, const char *image)
{
    bool v2 = strstr(image, "0.10");
    BlockSet *set = blockset_new(NULL);

    q2_create(DEED_BASE, DEED_SIZE, image);
    if (d->backing) {
        memdisk_clear(1);
        BlockNode *b = node_open_file(set, "memdisk:1", "memdisk", BLOCK_RDWR, NULL, NULL);
        fill(b, 'B', 0, DEED_SECTORS);
        node_unref(b);
    }
    BlockNode *n = deed_open(set, d, DEED_BASE, BLOCK_RDWR | BLOCK_UNMAP, NULL);
    fill(n, 'a', 0, 500);
    take_snapshot(n, "a");
    fill(n, 'b', 64, 128);
    fill(n, 'b', 900, 300);
    take_snapshot(n, "b");
    fill(n, 'c', 0, 8);
    fill(n, 'c', 130, 130);
    fill(n, 'c', 1290, 40);
    write_compressed(n, 640);
    write_compressed(n, 800);
    if (!v2) {
        g_assert_cmpint(node_pwrite_zeroes(n, 256 * 512, 128 * 512, 0), ==, 0);
    }
    if (!(v2 && d->backing)) {
        g_assert_cmpint(node_pdiscard(n, 1024 * 512, 128 * 512), ==, 0);
    }
    node_unref(n);
    blockset_free(set);
    q2_check_clean(DEED_BASE);
    if (d->damage) {
        d->damage(memdisk(DEED_BASE));
    }
}

/* ---- what guests see ---- */

void deed_view_free(DeedView *v)
{
    g_free(v->disk);
    for (unsigned i = 0; i < G_N_ELEMENTS(v->snap); i++) {
        g_free(v->snap[i]);
    }
    g_free(v);
}

static uint8_t *read_all(BlockNode *n, uint64_t *size)
{
    uint8_t *b = g_malloc0(DEED_MAX_SECTORS * 512);

    *size = node_length(n);
    g_assert_cmpuint(*size, <=, DEED_MAX_SECTORS * 512);
    g_assert_cmpint(node_pread(n, 0, b, *size), ==, 0);
    return b;
}

DeedView *deed_view(const Deed *d, unsigned disk, unsigned flags)
{
    DeedView *v = g_new0(DeedView, 1);
    BlockSet *set = blockset_new(NULL);
    BlockNode *n = deed_open(set, d, disk, flags, NULL);
    bool there[G_N_ELEMENTS(snap_names)];
    uint64_t ignored;

    v->disk = read_all(n, &v->size);
    for (unsigned i = 0; i < G_N_ELEMENTS(snap_names); i++) {
        there[i] = has_snapshot(n, snap_names[i]);
    }
    node_unref(n);
    for (unsigned i = 0; i < G_N_ELEMENTS(snap_names); i++) {
        Error *err = NULL;
        if (there[i]) {
            n = deed_open(set, d, disk, 0, NULL);
            g_assert_true(n->drv->snapshot_load(n, snap_names[i], &err));
            v->snap[i] = read_all(n, &ignored);
            node_unref(n);
        }
    }
    blockset_free(set);
    return v;
}

static bool same_sector(const DeedView *v, const DeedView *w, unsigned sector)
{
    return !memcmp(v->disk + sector * 512, w->disk + sector * 512, 512);
}

static bool snapshot_between(const DeedView *v, const DeedView *before, const DeedView *after, unsigned i)
{
    const uint8_t *want = before->snap[i] ? before->snap[i] : after->snap[i];

    if (!v->snap[i]) {
        return !before->snap[i] || !after->snap[i];
    }
    return want && !memcmp(v->snap[i], want, DEED_SIZE);
}

bool deed_view_between(const DeedView *v, const DeedView *before, const DeedView *after, bool discards)
{
    static const uint8_t zero[512];

    if (v->size != before->size && v->size != after->size) {
        g_printerr("# size %" G_GUINT64_FORMAT "\n", v->size);
        return false;
    }
    for (unsigned s = 0; s < v->size / 512; s++) {
        bool gone = discards && !memcmp(v->disk + s * 512, zero, 512);
        if (!gone && !same_sector(v, before, s) && !same_sector(v, after, s)) {
            g_printerr("# sector %u has %02x\n", s, v->disk[s * 512]);
            return false;
        }
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(snap_names); i++) {
        if (!snapshot_between(v, before, after, i)) {
            g_printerr("# snapshot %s\n", snap_names[i]);
            return false;
        }
    }
    return true;
}

/* ---- the judge ---- */

/* A disk that is smaller now: what was cut off does not come back when it grows. */
static void expect_zeroes_behind(const Deed *d, unsigned disk, const DeedView *now, const DeedView *before)
{
    if (now->size >= before->size) {
        return;
    }
    BlockSet *set = blockset_new(NULL);
    BlockNode *n = deed_open(set, d, disk, BLOCK_RDWR, NULL);
    uint64_t size;

    g_assert_true(node_truncate(n, before->size, "off", NULL));
    g_autofree uint8_t *all = read_all(n, &size);
    g_assert_cmpuint(size, ==, before->size);
    for (uint64_t i = now->size; i < size; i++) {
        g_assert_cmphex(all[i], ==, 0);
    }
    node_unref(n);
    blockset_free(set);
}

void deed_judge(const Deed *d, unsigned n, const DeedView *before, const DeedView *after, const char *what)
{
    const uint8_t *head = memdisk(n)->data;
    bool v2 = ld_be32(head + H_VERSION) == 2, dirty = !v2 && ld_be64(head + H_INCOMPAT) & 1;
    bool lazy = !v2 && ld_be64(head + H_COMPAT) & 1;
    uint64_t unmarked;
    BlockCheck c;

    unsigned harm = q2_harm(n, &unmarked);
    if ((!d->damage && ((harm && !(dirty && lazy)) || (unmarked && !dirty && !v2))) ||
        (d->marked && harm && !dirty)) {
        g_printerr("# %s:\n", what);
        if (g_getenv("QCOW2_LOG")) {
            memdisk_show(0, 0, memdisk(0)->log->len);
        }
        q2_check(n, 0, &c, true);
        g_assert_not_reached();
    }
    memdisk_copy(3, n);
    g_autoptr(DeedView) first = d->damage ? NULL : deed_view(d, 3, 0);
    if (dirty && !d->damage) { /* opening repairs it by itself */
        g_autoptr(DeedView) opened = deed_view(d, 3, BLOCK_RDWR);
        q2_check(3, 0, &c, true);
        g_assert_cmpuint(c.corruptions + c.check_errors, ==, 0);
    }
    q2_check(3, CHECK_FIX_ERRORS | CHECK_FIX_LEAKS, &c, false);
    q2_check_clean(3);
    g_autoptr(DeedView) fixed = deed_view(d, 3, 0);
    expect_zeroes_behind(d, 3, fixed, before);
    if ((first && !deed_view_between(first, before, after, d->discards)) ||
        !deed_view_between(fixed, before, after, d->discards)) {
        g_printerr("# %s\n", what);
        g_assert_not_reached();
    }
}
