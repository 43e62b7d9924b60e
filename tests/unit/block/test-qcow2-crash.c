/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qcow2 when the power fails and when requests fail. A random run is recorded by the memory disk;
 * then states are made that a power failure at any point could leave (what was flushed, and any part
 * of the rest, torn at 512 bytes). In each of them: no corruption, what a flush acknowledged is
 * there, sectors show something that was written to them, and a repair ends without errors. The same
 * where one write alone got through, or was lost: every pair of writes in the wrong order.
 *
 * QCOW2_STATES, QCOW2_SEED and QCOW2_OPS make it a campaign; QCOW2_STEP is the stride of the requests
 * that fail, 1 in the long suite.
 */
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "disk.h"
#include "qcow2-util.h"

#define H_INCOMPAT 72
#define SECTORS 6144u /* of the disk: 3 MiB */
#define SIZE (SECTORS * 512u)

typedef enum Kind { WRITE, ZERO, DISCARD, ZIP, FLUSH } Kind;

typedef struct Op {
    Kind kind;
    guint begin, end; /* of the log */
    unsigned first, n; /* sectors */
    uint64_t stamp;
    bool failed;
} Op;

typedef struct Run {
    const char *opts;
    GArray *ops; /* Op */
    GRand *rnd;
    bool v2, lazy, compress, snapshots, no_flush_ops;
    uint64_t backing_stamp; /* 0: no backing file */
    unsigned cluster; /* sectors */

    GArray *windows; /* pairs of log positions around operations on the whole image */
} Run;

/* Every sector says what wrote it: a stamp and its number. */
static void fill_sector(uint8_t *p, uint64_t stamp, unsigned sector)
{
    for (unsigned i = 0; i < 512; i += 16) {
        memcpy(p + i, &stamp, 8);
        uint64_t s = stamp ? sector : 0;
        memcpy(p + i + 8, &s, 8);
    }
}

static uint64_t sector_stamp(const uint8_t *p, unsigned sector)
{
    uint8_t want[512];
    uint64_t stamp;

    memcpy(&stamp, p, 8);
    fill_sector(want, stamp, sector);
    return memcmp(want, p, 512) ? UINT64_MAX : stamp;
}

static int perform(BlockNode *n, Op *op)
{
    g_autofree uint8_t *buf = g_malloc0(op->n * 512);
    uint64_t at = (uint64_t)op->first * 512, len = (uint64_t)op->n * 512;

    for (unsigned i = 0; i < op->n; i++) {
        fill_sector(buf + i * 512, op->stamp, op->first + i);
    }
    switch (op->kind) {
    case WRITE:
        return node_pwrite(n, at, buf, len, 0);
    case ZIP:
        return n->drv->pwrite_compressed(n, at, len, buf);
    case ZERO:
        return node_pwrite_zeroes(n, at, len, op->stamp & 1 ? NODE_REQ_UNMAP : 0);
    case DISCARD:
        return node_pdiscard(n, at, len);
    default:
        return node_flush(n);
    }
}

static Op random_op(Run *r, uint64_t stamp)
{
    Op op = {.kind = FLUSH, .stamp = stamp};
    int what = g_rand_int_range(r->rnd, 0, 20);
    unsigned window = MIN(SECTORS, MAX(1024, r->cluster * 8));

    op.n = (unsigned)g_rand_int_range(r->rnd, 1, g_rand_boolean(r->rnd) ? 20 : 400);
    op.first = (unsigned)g_rand_int_range(r->rnd, 0, (gint32)(window - MIN(op.n, window - 1)));
    op.n = MIN(op.n, window - op.first);
    if (what < 12) {
        op.kind = WRITE;
    } else if (what < 14) {
        op.kind = ZERO;
        op.stamp = 0;
    } else if (what < 16 && !(r->v2 && r->backing_stamp)) {
        op.kind = DISCARD;
        op.first = op.first / r->cluster * r->cluster;
        op.n = MAX(r->cluster, op.n / r->cluster * r->cluster);
        op.n = MIN(op.n, SECTORS - op.first);
        op.stamp = 0;
    } else if (what < 18 && r->compress) {
        op.kind = ZIP;
        op.first = op.first / r->cluster * r->cluster;
        op.n = MIN(r->cluster, SECTORS - op.first);
    }
    if (op.kind == FLUSH) {
        op.n = 0;
    }
    return op;
}

static BlockNode *open_run(BlockSet *set, Run *r, unsigned disk, unsigned flags, Error **errp)
{
    const char *json = r->backing_stamp ? "{\"backing\": {\"driver\": \"memdisk\", \"filename\": \"memdisk:1\"}}"
                                        : NULL;

    return q2_open_opts(set, disk, flags, json, errp);
}

static void make_backing(Run *r)
{
    if (!r->backing_stamp) {
        return;
    }
    BlockSet *set = blockset_new(NULL);
    g_autofree uint8_t *b = g_malloc(SIZE);
    for (unsigned i = 0; i < SECTORS; i++) {
        fill_sector(b + i * 512, r->backing_stamp, i);
    }
    memdisk_clear(1);
    BlockNode *n = node_open_file(set, "memdisk:1", "memdisk", BLOCK_RDWR, NULL, NULL);
    node_pwrite(n, 0, b, SIZE, 0);
    node_unref(n);
    blockset_free(set);
}

static void snapshot_something(Run *r, BlockNode *n, unsigned *count)
{
    BlockSnapshot sn = {.name = (char *)"s", .icount = -1};
    guint from = memdisk(0)->log->len, to;
    Error *err = NULL;

    if (*count < 2) {
        g_assert_true(n->drv->snapshot_create(n, &sn, &err));
        ++*count;
    } else {
        g_assert_true(n->drv->snapshot_delete(n, "s", &err));
        --*count;
    }
    to = memdisk(0)->log->len;
    g_array_append_val(r->windows, from);
    g_array_append_val(r->windows, to);
    Op op = {.kind = FLUSH, .begin = from, .end = to}; /* it flushes what was written before */
    g_array_append_val(r->ops, op);
}

static void record_run(Run *r, unsigned n_ops)
{
    BlockSet *set = blockset_new(NULL);
    unsigned snaps = 0;

    make_backing(r);
    q2_create(0, SIZE, r->opts);
    memdisk_log_start(0);
    BlockNode *n = open_run(set, r, 0, BLOCK_RDWR | BLOCK_UNMAP, NULL);
    for (unsigned i = 0; i < n_ops; i++) {
        if (r->snapshots && g_rand_int_range(r->rnd, 0, 25) == 0) {
            snapshot_something(r, n, &snaps);
            continue;
        }
        Op op = random_op(r, ((uint64_t)i + 1) << 8 | 1);
        op.begin = memdisk(0)->log->len;
        g_assert_cmpint(perform(n, &op), ==, 0);
        op.end = memdisk(0)->log->len;
        g_array_append_val(r->ops, op);
    }
    Op last = {.kind = FLUSH, .begin = memdisk(0)->log->len};
    node_unref(n);
    last.end = memdisk(0)->log->len;
    g_array_append_val(r->ops, last);
    blockset_free(set);
    memdisk(0)->logging = false;
}

/* What a sector may be after a failure at @cut. */
static bool allowed(Run *r, guint cut, unsigned sector, uint64_t got, bool everything)
{
    uint64_t stable = r->backing_stamp;
    guint since = 0;

    for (guint i = 0; i < r->ops->len; i++) {
        const Op *op = &g_array_index(r->ops, Op, i);
        if (op->kind == FLUSH && op->end <= cut && !op->failed) {
            since = i + 1;
        }
    }
    bool ok = false;
    for (guint i = 0; i < r->ops->len; i++) {
        const Op *op = &g_array_index(r->ops, Op, i);
        if (op->kind == FLUSH || op->begin > cut || sector < op->first || sector >= op->first + op->n) {
            continue;
        }
        if (i < since && !op->failed && !(everything)) {
            stable = op->stamp;
            ok = false;
        } else {
            ok |= got == op->stamp; /* perhaps */
        }
    }
    return ok || got == stable;
}

static bool in_window(Run *r, guint cut)
{
    for (guint i = 0; i + 1 < r->windows->len; i += 2) {
        if (cut > g_array_index(r->windows, guint, i) && cut <= g_array_index(r->windows, guint, i + 1)) {
            return true;
        }
    }
    return false;
}

static void verify(Run *r, guint cut, unsigned disk, unsigned flags, bool loose)
{
    BlockSet *set = blockset_new(NULL);
    g_autofree uint8_t *got = g_malloc(SIZE);
    BlockNode *n = open_run(set, r, disk, flags, NULL);

    g_assert_cmpint(node_pread(n, 0, got, SIZE), ==, 0);
    for (unsigned i = 0; i < SECTORS; i++) {
        uint64_t stamp = sector_stamp(got + i * 512, i);
        if (stamp == UINT64_MAX || !allowed(r, cut, i, stamp, loose)) {
            g_printerr("# %s: cut %u: sector %u has stamp %" G_GINT64_MODIFIER "x\n", r->opts, cut, i, stamp);
            g_assert_not_reached();
        }
    }
    node_unref(n);
    blockset_free(set);
}

/*
 * A state after a failure: all that was promised. Counts may be wrong only with lazy refcounts and the
 * dirty bit; flags may be missing in the middle of a snapshot operation, with the dirty bit if there is
 * one. What has it is repaired by opening it.
 */
static void judge(Run *r, guint cut, unsigned disk, bool loose)
{
    bool dirty = !r->v2 && ld_be64(memdisk(disk)->data + H_INCOMPAT) & 1, window = in_window(r, cut);
    uint64_t unmarked;
    unsigned harm = q2_harm(disk, &unmarked);
    BlockCheck c;

    if ((harm && !(r->lazy && dirty)) || (unmarked && !dirty && !(r->v2 && window)) ||
        (dirty && !window && !r->lazy)) {
        g_printerr("# %s: cut %u\n", r->opts, cut);
        q2_check(disk, 0, &c, true);
        g_assert_not_reached();
    }
    verify(r, cut, disk, 0, loose);
    memdisk_copy(3, disk);
    if (dirty) {
        verify(r, cut, 3, BLOCK_RDWR, loose);
    }
    q2_check(3, CHECK_FIX_ERRORS | CHECK_FIX_LEAKS, &c, false);
    q2_check_clean(3);
    verify(r, cut, 3, 0, loose);
}

static void begin_run(Run *r, const char *opts, unsigned seed)
{
    const char *cs = strstr(opts, "cluster_size=");

    *r = (Run){.opts = opts};
    r->rnd = g_rand_new_with_seed(seed);
    r->ops = g_array_new(false, false, sizeof(Op));
    r->windows = g_array_new(false, false, sizeof(guint));
    r->cluster = cs ? (unsigned)atoi(cs + 13) / 512 : 128;
    r->v2 = strstr(opts, "0.10");
    r->lazy = strstr(opts, "lazy");
    r->compress = true;
}

static void end_run(Run *r)
{
    g_rand_free(r->rnd);
    g_array_unref(r->ops);
    g_array_unref(r->windows);
}

static const char *const scenarios[] = {
    "cluster_size=65536", "cluster_size=512", "cluster_size=4096,refcount_bits=64", "cluster_size=65536,compat=0.10",
    "cluster_size=16384,extended_l2=on", "cluster_size=65536,lazy_refcounts=on", "cluster_size=2048,refcount_bits=8",
    "cluster_size=1024,compression_type=zstd",
};

static void power_fail(bool backing, bool snapshots)
{
    uint64_t states = test_param("QCOW2_STATES", 6), seed = test_param("QCOW2_SEED", 1);
    unsigned ops = (unsigned)test_param("QCOW2_OPS", 80);

    for (unsigned k = 0; k < G_N_ELEMENTS(scenarios); k++) {
        Run r;
        begin_run(&r, scenarios[k], (unsigned)(seed * 1000 + k));
        r.backing_stamp = backing ? 0xbac1 : 0;
        r.snapshots = snapshots;
        r.compress = !snapshots || k != 6; /* many references would not fit into 8 bits */
        record_run(&r, ops);
        for (uint64_t i = 0; i < states; i++) {
            guint cut = (guint)g_rand_int_range(r.rnd, 0, (gint32)memdisk(0)->log->len + 1);
            memdisk_crash(2, 0, cut, r.rnd);
            judge(&r, cut, 2, false);
        }
        end_run(&r);
    }
}

/* Each write since a flush is the only one of those that gets through, or the only one that is lost. */
static void each_write(bool snapshots, uint64_t stride)
{
    uint64_t seed = test_param("QCOW2_SEED", 1), n = 0;
    unsigned ops = (unsigned)test_param("QCOW2_OPS", 80);

    for (unsigned k = 0; k < G_N_ELEMENTS(scenarios); k++) {
        Run r;
        begin_run(&r, scenarios[k], (unsigned)(seed * 1000 + k));
        r.snapshots = snapshots;
        r.compress = !snapshots || k != 6;
        record_run(&r, ops);
        GPtrArray *log = memdisk(0)->log;
        for (guint cut = 1; cut <= log->len; cut++) {
            if (cut < log->len && ((MemOp *)log->pdata[cut])->kind != MEM_FLUSH) {
                continue;
            }
            for (guint i = 2 * memdisk_stable(0, cut); i < 2 * cut; i++) {
                if (n++ % stride == 0) {
                    memdisk_crash_one(2, 0, cut, i / 2, i % 2);
                    judge(&r, cut, 2, false);
                }
            }
        }
        end_run(&r);
    }
}

static void test_each_write(void)
{
    each_write(false, test_param("QCOW2_STEP", 499));
    each_write(true, test_param("QCOW2_STEP", 499));
}

static void test_power_fail(void)
{
    power_fail(false, false);
}

static void test_power_fail_backing(void)
{
    power_fail(true, false);
}

static void test_power_fail_snapshots(void)
{
    power_fail(false, true);
}

/* ---- errors ---- */

/* The n-th request to the file fails, for n = 1, 1 + step, ... until none is reached. */
static void fail_at_every(const char *opts, int err, uint64_t more, unsigned step, unsigned seed)
{
    for (uint64_t at = 1;; at += step) {
        BlockSet *set = blockset_new(NULL);
        Error *e = NULL;
        Run r;
        begin_run(&r, opts, seed);
        q2_create(0, SIZE, opts);
        MemDisk *m = memdisk(0);
        m->requests = 0;
        m->fail_at = at;
        m->fail_more = more;
        m->fail_errno = err;
        BlockNode *n = q2_open(set, 0, BLOCK_RDWR | BLOCK_UNMAP, &e);
        guint clock = 0;
        for (unsigned i = 0; n && i < 60; i++) {
            Op op = random_op(&r, ((uint64_t)i + 1) << 8 | 1);
            op.begin = ++clock;
            op.failed = perform(n, &op) < 0;
            op.end = ++clock;
            g_array_append_val(r.ops, op);
        }
        bool reached = m->requests >= at;
        m->fail_at = 0;
        if (n) {
            g_assert_cmpint(node_flush(n), ==, 0);
            Op flush = {.kind = FLUSH, .begin = ++clock, .end = ++clock};
            g_array_append_val(r.ops, flush);
            node_unref(n);
            judge(&r, clock + 1, 0, false);
        } else {
            error_free(e);
        }
        blockset_free(set);
        end_run(&r);
        if (!reached) {
            return;
        }
    }
}

static void test_errors(void)
{
    unsigned step = (unsigned)test_param("QCOW2_STEP", 23), seed = (unsigned)test_param("QCOW2_SEED", 1);

    for (unsigned k = 0; k < G_N_ELEMENTS(scenarios); k++) {
        fail_at_every(scenarios[k], EIO, 0, step > 1 ? step + k : 1, seed + k);
        fail_at_every(scenarios[k], ENOSPC, 3, step > 1 ? step + 7 + k : 1, seed + k);
    }
}

/* The file system is full, and has space again later. */
static void test_full(void)
{
    for (unsigned k = 0; k < G_N_ELEMENTS(scenarios); k++) {
        BlockSet *set = blockset_new(NULL);
        Run r;
        begin_run(&r, scenarios[k], 77 + k);
        q2_create(0, SIZE, scenarios[k]);
        MemDisk *m = memdisk(0);
        BlockNode *n = q2_open(set, 0, BLOCK_RDWR | BLOCK_UNMAP, NULL);
        guint clock = 0;
        for (unsigned i = 0; i < 100; i++) {
            m->limit = i % 20 < 10 ? m->size + 20000 : 0;
            Op op = random_op(&r, ((uint64_t)i + 1) << 8 | 1);
            op.begin = ++clock;
            int ret = perform(n, &op);
            g_assert_true(ret == 0 || ret == -ENOSPC);
            op.failed = ret < 0;
            op.end = ++clock;
            g_array_append_val(r.ops, op);
        }
        m->limit = 0;
        g_assert_cmpint(node_flush(n), ==, 0);
        node_unref(n);
        judge(&r, clock + 1, 0, false);
        blockset_free(set);
        end_run(&r);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qcow2-crash/power-fail", test_power_fail);
    g_test_add_func("/qcow2-crash/power-fail-backing", test_power_fail_backing);
    g_test_add_func("/qcow2-crash/power-fail-snapshots", test_power_fail_snapshots);
    g_test_add_func("/qcow2-crash/each-write", test_each_write);
    g_test_add_func("/qcow2-crash/errors", test_errors);
    g_test_add_func("/qcow2-crash/full", test_full);
    int ret = g_test_run();
    memdisk_end();
    test_dir_end();
    return ret;
}
