/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qcow2 images of strangers: an input chooses a valid image, changes bytes of it, and then says
 * what is done with it. Nothing may crash, hang or grow without bound.
 */
#include <string.h>

#include "../unit/block/qcow2-util.h"
#include "base/bits.h"

#define SIZE      (1u << 20)
#define SUBJECT   15
#define LIMIT     (6u << 20)
#define MAX_STEPS 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const variants[] = {
    "cluster_size=512",
    "cluster_size=4096",
    "compat=0.10,cluster_size=1024",
    "cluster_size=4096,refcount_bits=1",
    "cluster_size=1024,refcount_bits=64,lazy_refcounts=on",
    "cluster_size=16384,extended_l2=on",
    "cluster_size=65536,compression_type=zstd",
};
#define VARIANTS ARRAY_LEN(variants)

/* ---- the valid images ---- */

static void fill(BlockNode *n, bool snapshots)
{
    uint8_t buf[8192];
    g_autofree uint8_t *cluster = g_malloc0(n->drv->cluster_size(n));

    memset(buf, 0x61, sizeof(buf));
    for (uint64_t at = 0; at < SIZE; at += SIZE / 8) {
        node_pwrite(n, at, buf, sizeof(buf), 0);
    }
    node_pwrite_zeroes(n, 300000, 40000, 0);
    if (!strstr(n->filename, "raw")) {
        n->drv->pwrite_compressed(n, 0x40000, n->drv->cluster_size(n), cluster);
    }
    if (snapshots) {
        const BlockSnapshot sn = {.id = (char *)"", .name = (char *)"s1", .disk_size = SIZE, .icount = -1};
        n->drv->snapshot_create(n, &sn, NULL);
        node_pwrite(n, 0, buf, 4096, 0);
    }
    node_flush(n);
}

static void make_templates(void)
{
    for (unsigned i = 0; i < VARIANTS; i++) {
        q2_create(i, SIZE, variants[i]);
        BlockSet *set = blockset_new(NULL);
        BlockNode *n = q2_open(set, i, BLOCK_RDWR, NULL);
        fill(n, i & 1);
        node_unref(n);
        blockset_free(set);
    }
}

/* ---- programs ---- */

typedef struct Input {
    const uint8_t *p;
    size_t left;
} Input;

static uint64_t take(Input *in, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes && in->left; i++, in->left--) {
        v |= (uint64_t)*in->p++ << 8 * i;
    }
    return v;
}

static void spoil(Input *in)
{
    MemDisk *d = memdisk(SUBJECT);

    for (unsigned n = (unsigned)take(in, 1) % 16; n && in->left; n--) {
        unsigned how = (unsigned)take(in, 1);
        uint64_t at = how & 0x80 ? take(in, 1) : take(in, 3); /* the header, or anywhere */
        size_t len = how % 16 + 1;
        for (size_t i = 0; i < len && in->left; i++) {
            uint8_t v = (uint8_t)take(in, 1);
            if (d->size) {
                d->data[(at + i) % d->size] = v;
            }
        }
    }
}

static void check(BlockNode *n, unsigned fix)
{
    BlockCheck r = {0};

    n->drv->check(n, &r, fix, NULL);
}

static void step(BlockNode *n, Input *in)
{
    static uint8_t buf[65536];
    unsigned op = (unsigned)take(in, 1);
    uint64_t at = take(in, 3) * 16, len = take(in, 2), pnum, map;
    BlockNode *file;
    BlockSnapshot sn = {.id = (char *)"", .name = (char *)"f", .disk_size = n->size, .icount = -1};

    switch (op & 15) {
    case 0 ... 2:
        node_pread(n, at, buf, len);
        break;
    case 3 ... 5:
        node_pwrite(n, at, buf, len, op & 16 ? NODE_REQ_FUA : 0);
        break;
    case 6:
        node_pwrite_zeroes(n, at, len << (op >> 4), op & 16 ? NODE_REQ_UNMAP : 0);
        break;
    case 7:
        node_pdiscard(n, at, len << (op >> 4));
        break;
    case 8:
        node_flush(n);
        break;
    case 9:
        node_block_status(n, at, len + 1, &pnum, &map, &file);
        break;
    case 10:
        n->drv->snapshot_create(n, &sn, NULL);
        break;
    case 11:
        op & 16 ? n->drv->snapshot_goto(n, "s1", NULL) : n->drv->snapshot_delete(n, "s1", NULL);
        break;
    case 12:
        check(n, op & 16 ? CHECK_FIX_LEAKS | CHECK_FIX_ERRORS : 0);
        break;
    case 13:
        node_truncate(n, at, "off", NULL);
        break;
    case 14:
        json_decref(n->drv->specific_info(n));
        break;
    default:
        n->drv->pwrite_compressed(n, at, MIN(len, n->drv->cluster_size(n)), buf);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    Input in = {data, size};

    if (!ready) {
        make_templates();
        ready = true;
    }
    unsigned variant = (unsigned)take(&in, 1), flags = BLOCK_RDWR;
    memdisk_clear(SUBJECT);
    memdisk_copy(SUBJECT, variant % VARIANTS);
    memdisk(SUBJECT)->limit = LIMIT;
    spoil(&in);
    flags |= variant & 0x80 ? BLOCK_CHECK : 0;
    BlockSet *set = blockset_new(NULL);
    Error *err = NULL;
    BlockNode *n = q2_open(set, SUBJECT, flags, &err);
    for (int i = 0; n && i < MAX_STEPS && in.left; i++) {
        step(n, &in);
    }
    node_unref(n);
    error_free(err);
    blockset_free(set);
    return 0;
}
