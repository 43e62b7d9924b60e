/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Broken qcow2 images: bytes of metadata are changed at random, then the image is opened, read,
 * written, checked and repaired. Nothing may crash or hang, and after a repair that succeeds the
 * image has no errors, opens and is readable. QCOW2_MUTANTS and QCOW2_SEED make it a campaign.
 */
#include <errno.h>
#include <string.h>

#include "disk.h"
#include "qcow2-util.h"

#define SIZE (2u << 20)

static void make_image(const char *opts, bool snapshots)
{
    BlockSnapshot sn = {.name = (char *)"one", .icount = -1};
    g_autofree uint8_t *buf = g_malloc(65536);

    q2_create(5, SIZE, opts);
    BlockSet *set = blockset_new(NULL);
    BlockNode *n = q2_open(set, 5, BLOCK_RDWR, NULL);
    for (unsigned i = 0; i < 12; i++) {
        test_fill(buf, 65536, i);
        g_assert_cmpint(node_pwrite(n, i * 100000, buf, 3000 * (i + 1), 0), ==, 0);
    }
    memset(buf, 5, 65536);
    n->drv->pwrite_compressed(n, 1 << 20, n->drv->cluster_size(n), buf);
    if (snapshots) {
        g_assert_true(n->drv->snapshot_create(n, &sn, NULL));
        g_assert_cmpint(node_pwrite(n, 5000, buf, 50000, 0), ==, 0);
        sn.name = (char *)"two";
        g_assert_true(n->drv->snapshot_create(n, &sn, NULL));
    }
    g_assert_cmpint(node_pwrite_zeroes(n, 300000, 200000, 0), ==, 0);
    node_unref(n);
    blockset_free(set);
}

/* Where metadata is: most changes should hit it. */
static GArray *metadata(unsigned disk)
{
    GArray *a = g_array_new(false, false, sizeof(uint64_t));
    const MemDisk *m = memdisk(disk);
    uint64_t cs = 1ull << GUINT32_FROM_BE(*(uint32_t *)(m->data + 20)), zero = 0;
    uint64_t l1 = GUINT64_FROM_BE(*(uint64_t *)(m->data + 40)), rt = GUINT64_FROM_BE(*(uint64_t *)(m->data + 48));
    uint64_t sn = GUINT64_FROM_BE(*(uint64_t *)(m->data + 64));

    g_array_append_val(a, zero);
    g_array_append_val(a, l1);
    g_array_append_val(a, rt);
    if (sn) {
        g_array_append_val(a, sn);
    }
    for (unsigned i = 0; i < 8; i++) {
        uint64_t t = GUINT64_FROM_BE(*(uint64_t *)(m->data + l1 + i * 8)) & 0xfffffffffffe00;
        uint64_t b = GUINT64_FROM_BE(*(uint64_t *)(m->data + rt + i * 8));
        if (t && t + cs <= m->size) {
            g_array_append_val(a, t);
        }
        if (b && b + cs <= m->size) {
            g_array_append_val(a, b);
        }
    }
    return a;
}

static void mutate(unsigned disk, GArray *meta, GRand *r)
{
    MemDisk *m = memdisk(disk);
    int n = g_rand_int_range(r, 1, 5);

    while (n--) {
        uint64_t at = g_array_index(meta, uint64_t, g_rand_int_range(r, 0, (gint32)meta->len));
        at += (uint64_t)g_rand_int_range(r, 0, g_rand_boolean(r) ? 112 : 512);
        if (at >= m->size) {
            continue;
        }
        switch (g_rand_int_range(r, 0, 4)) {
        case 0:
            m->data[at] ^= (uint8_t)(1u << g_rand_int_range(r, 0, 8));
            break;
        case 1:
            m->data[at] = (uint8_t)g_rand_int(r);
            break;
        case 2:
            m->data[at] = g_rand_boolean(r) ? 0 : 0xff;
            break;
        default: /* an entry copied over another */
            at &= ~(uint64_t)7;
            if (at + 16 <= m->size) {
                memcpy(m->data + at, m->data + g_array_index(meta, uint64_t, 1), 8);
            }
            break;
        }
    }
}

static BlockNode *try_open(BlockSet *set, unsigned disk, unsigned flags)
{
    Error *err = NULL;
    BlockNode *n = q2_open(set, disk, flags | BLOCK_NO_BACKING, &err);

    if (!n && test_param("QCOW2_VERBOSE", 0)) {
        g_printerr("# open: %s\n", error_message(err));
    }
    error_free(err);
    return n;
}

static void use(unsigned disk, GRand *r)
{
    BlockSet *set = blockset_new(NULL);
    BlockNode *n = try_open(set, disk, BLOCK_RDWR | BLOCK_UNMAP);
    g_autofree uint8_t *buf = g_malloc0(200000);
    BlockSnapshot sn = {.name = (char *)"new", .icount = -1};
    uint64_t num, map;
    BlockNode *file;

    for (unsigned i = 0; n && i < 25; i++) {
        uint64_t len = g_rand_int_range(r, 1, 190000), at = n->size > len ? g_rand_int(r) % (n->size - len) : 0;
        Error *err = NULL;
        len = MIN(len, n->size);
        switch (g_rand_int_range(r, 0, 9)) {
        case 0 ... 1:
            node_pread(n, at, buf, len);
            break;
        case 2 ... 3:
            node_pwrite(n, at, buf, len, 0);
            break;
        case 4:
            node_pwrite_zeroes(n, at, len, NODE_REQ_UNMAP);
            break;
        case 5:
            node_pdiscard(n, at, len);
            break;
        case 6:
            node_block_status(n, at, len, &num, &map, &file);
            break;
        case 7:
            node_flush(n);
            break;
        default:
            if (g_rand_boolean(r)) {
                n->drv->snapshot_create(n, &sn, &err);
            } else if (g_rand_boolean(r)) {
                n->drv->snapshot_goto(n, "one", &err);
            } else {
                n->drv->snapshot_delete(n, "two", &err);
            }
            error_free(err);
        }
    }
    if (n) {
        json_decref(n->drv->specific_info(n));
        node_unref(n);
    }
    blockset_free(set);
}

static void show_line(void *opaque, const char *line)
{
    g_printerr("# %s\n", line);
}

static bool check(unsigned disk, unsigned fix, BlockCheck *c)
{
    BlockSet *set = blockset_new(NULL);
    BlockNode *n = try_open(set, disk, BLOCK_CHECK | (fix ? BLOCK_RDWR : 0));
    Error *err = NULL;
    bool ok = false;

    *c = (BlockCheck){.report = test_param("QCOW2_VERBOSE", 0) == 2 ? show_line : NULL};
    if (n) {
        ok = n->drv->check(n, c, fix, &err);
        if (err && test_param("QCOW2_VERBOSE", 0)) {
            g_printerr("# check: %s\n", error_message(err));
        }
        error_free(err);
        node_unref(n);
    }
    blockset_free(set);
    return ok;
}

static void repair(unsigned disk, unsigned mutant, unsigned *fixed, unsigned *not_fixed)
{
    BlockCheck c;

    if (!check(disk, 0, &c)) {
        return;
    }
    uint64_t errors = c.corruptions + c.leaks + c.check_errors;
    if (!check(disk, CHECK_FIX_LEAKS | CHECK_FIX_ERRORS, &c) || c.check_errors || c.corruptions || c.leaks) {
        ++*not_fixed;
        return;
    }
    g_assert_true(check(disk, 0, &c));
    if (c.corruptions || c.leaks || c.check_errors) {
        g_printerr("# mutant %u: not repaired\n", mutant);
        q2_check(disk, 0, &c, true);
        g_assert_not_reached();
    }
    *fixed += errors != 0;
}

static void test_mutants(void)
{
    static const char *const opts[] = {"cluster_size=65536", "cluster_size=512", "cluster_size=4096,refcount_bits=1",
                                       "cluster_size=16384,extended_l2=on", "cluster_size=65536,compat=0.10",
                                       "cluster_size=2048,refcount_bits=64,lazy_refcounts=on"};
    uint64_t n = test_param("QCOW2_MUTANTS", 25), seed = test_param("QCOW2_SEED", 1);
    unsigned fixed = 0, not_fixed = 0;

    for (unsigned k = 0; k < G_N_ELEMENTS(opts); k++) {
        GRand *r = g_rand_new_with_seed((guint32)(seed * 100 + k));
        make_image(opts[k], k != 2);
        GArray *meta = metadata(5);
        for (unsigned i = 0; i < n; i++) {
            memdisk_copy(6, 5);
            mutate(6, meta, r);
            memdisk_copy(7, 6);
            repair(7, i, &fixed, &not_fixed);
            use(6, r);
            memdisk_copy(7, 6);
            repair(7, i, &fixed, &not_fixed);
            use(7, r);
        }
        g_array_unref(meta);
        g_rand_free(r);
    }
    g_test_message("%u images repaired, %u not", fixed, not_fixed);
    g_assert_cmpuint(fixed, >, not_fixed * 3);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qcow2-hostile/mutants", test_mutants);
    int ret = g_test_run();
    memdisk_end();
    test_dir_end();
    return ret;
}
