/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qcow2: random operations against a model in memory, for every cluster size, refcount width and
 * feature. QCOW2_SEED and QCOW2_OPS make it a campaign.
 */
#include <errno.h>
#include <string.h>

#include "disk.h"
#include "qcow2-util.h"

#define MAX_SIZE (24u << 20)
#define MAX_SNAPS 4

typedef struct Model {
    BlockSet *set;
    BlockNode *n;
    GRand *rnd;
    uint8_t *want, *base;
    uint64_t size, cluster, base_size;
    uint64_t window; /* operations are in this part, so that they meet */
    bool backing, snapshots, compress, data_file, v2, narrow;
    struct {
        char name[8];
        uint8_t *data;
        uint64_t size;
        bool used;
    } snap[MAX_SNAPS];
    unsigned next_snap;
    const char *open_json;
    bool verify;
} Model;

static void open_model(Model *m)
{
    m->set = blockset_new(NULL);
    g_autofree char *json = m->backing ? g_strdup("{\"backing\": {\"driver\": \"memdisk\", "
                                                  "\"filename\": \"memdisk:1\"}}") :
                            m->data_file ? g_strdup("{\"data-file\": {\"driver\": \"memdisk\", "
                                                    "\"filename\": \"memdisk:2\"}}") :
                            g_strdup(m->open_json);
    m->n = q2_open_opts(m->set, 0, BLOCK_RDWR | BLOCK_UNMAP, json, NULL);
    g_assert_cmpuint(m->n->size, ==, m->size);
}

static void close_model(Model *m)
{
    node_unref(m->n);
    blockset_free(m->set);
}

static void compare_all(Model *m, const uint8_t *want, uint64_t size, BlockNode *n)
{
    g_autofree uint8_t *got = g_malloc(size ? size : 1);

    g_assert_cmpint(node_pread(n, 0, got, size), ==, 0);
    for (uint64_t i = 0; i < size; i++) {
        if (got[i] != want[i]) {
            g_printerr("# differs at 0x%" G_GINT64_MODIFIER "x: 0x%02x, not 0x%02x\n", i, got[i], want[i]);
            g_assert_not_reached();
        }
    }
}

static void check_status(Model *m)
{
    uint64_t at = 0, num, map;
    BlockNode *file;

    while (at < m->size) {
        int st = node_block_status(m->n, at, m->size - at, &num, &map, &file);
        g_assert_cmpint(st, >=, 0);
        g_assert_cmpuint(num, >, 0);
        for (uint64_t i = 0; (st & STATUS_ZERO) && i < num; i++) {
            g_assert_cmpuint(m->want[at + i], ==, 0);
        }
        at += num;
    }
}

/* ---- operations ---- */

static void pick(Model *m, uint64_t *at, uint64_t *len, uint64_t unit)
{
    uint64_t max = MIN(m->window, m->size), n;

    n = g_rand_int_range(m->rnd, 0, 3) ? g_rand_int_range(m->rnd, 1, 9000)
                                       : g_rand_int_range(m->rnd, 1, (gint32)(3 * m->cluster));
    n = (n + unit - 1) / unit * unit;
    n = MIN(n, max / unit * unit);
    *at = g_rand_int_range(m->rnd, 0, (gint32)((max - n) / unit + 1)) * unit;
    *len = n;
    if (g_rand_int_range(m->rnd, 0, 8) == 0 && m->size - n >= n) { /* also at the end of the disk */
        *at = (m->size - n) / unit * unit;
    }
    g_assert_cmpuint(*at + *len, <=, m->size);
}

static uint64_t unit_of(Model *m)
{
    static const uint64_t units[] = {1, 512, 4096, 0};
    uint64_t u = units[g_rand_int_range(m->rnd, 0, 4)];

    u = u ? u : m->cluster;
    return u <= m->size ? u : 512;
}

static void do_write(Model *m)
{
    uint64_t at, len;

    pick(m, &at, &len, unit_of(m));
    test_fill(m->want + at, len, g_rand_int(m->rnd));
    g_assert_cmpint(node_pwrite(m->n, at, m->want + at, len, 0), ==, 0);
}

static void do_zero(Model *m)
{
    uint64_t at, len;

    pick(m, &at, &len, unit_of(m));
    memset(m->want + at, 0, len);
    g_assert_cmpint(node_pwrite_zeroes(m->n, at, len, g_rand_boolean(m->rnd) ? NODE_REQ_UNMAP : 0), ==, 0);
}

/* What a discarded range reads as is not promised: it is read back. */
static void do_discard(Model *m)
{
    uint64_t at, len;

    pick(m, &at, &len, unit_of(m));
    g_autofree uint8_t *got = g_malloc(len);
    g_assert_cmpint(node_pdiscard(m->n, at, len), ==, 0);
    g_assert_cmpint(node_pread(m->n, at, got, len), ==, 0);
    for (uint64_t i = 0; i < len; i++) {
        g_assert_true(got[i] == m->want[at + i] || got[i] == 0);
    }
    memcpy(m->want + at, got, len);
}

static void do_compressed(Model *m)
{
    uint64_t at = g_rand_int_range(m->rnd, 0, (gint32)(MIN(m->window, m->size) / m->cluster + 1)) * m->cluster;
    uint64_t len = MIN(m->cluster, m->size - at);

    if (!len) {
        return;
    }
    if (g_rand_int_range(m->rnd, 0, 4)) { /* most of them compress well */
        memset(m->want + at, g_rand_int(m->rnd), len);
        test_fill(m->want + at, len / 8, g_rand_int(m->rnd));
    } else {
        test_fill(m->want + at, len, g_rand_int(m->rnd));
    }
    g_assert_cmpint(m->n->drv->pwrite_compressed(m->n, at, len, m->want + at), ==, 0);
}

static void do_read(Model *m)
{
    uint64_t at, len;

    pick(m, &at, &len, unit_of(m));
    g_autofree uint8_t *got = g_malloc(len);
    g_assert_cmpint(node_pread(m->n, at, got, len), ==, 0);
    g_assert_cmpmem(got, len, m->want + at, len);
}

static void do_snapshot(Model *m)
{
    unsigned i = (unsigned)g_rand_int_range(m->rnd, 0, MAX_SNAPS);
    Error *err = NULL;
    BlockSnapshot sn = {.icount = -1, .date_sec = 1000};

    if (!m->snap[i].used) {
        g_snprintf(m->snap[i].name, sizeof(m->snap[i].name), "s%u", m->next_snap++);
        sn.name = m->snap[i].name;
        if (!m->n->drv->snapshot_create(m->n, &sn, &err)) {
            test_error_has(err, "Could not create snapshot");
            g_assert_true(m->narrow); /* a count of many compressed clusters would not fit */
            return;
        }
        m->snap[i].data = g_memdup2(m->want, m->size);
        m->snap[i].size = m->size;
        m->snap[i].used = true;
    } else if (g_rand_boolean(m->rnd)) {
        if (!m->n->drv->snapshot_goto(m->n, m->snap[i].name, &err)) {
            error_free(err);
            g_assert_true(m->narrow);
            return;
        }
        m->size = m->snap[i].size;
        memcpy(m->want, m->snap[i].data, m->size);
        g_assert_cmpuint(m->n->size, ==, m->size);
    } else {
        g_assert_true(m->n->drv->snapshot_delete(m->n, m->snap[i].name, &err));
        g_free(m->snap[i].data);
        m->snap[i].used = false;
    }
}

static void do_vmstate(Model *m)
{
    uint8_t out[5000], in[5000];
    uint64_t at = g_rand_int_range(m->rnd, 0, 200000);

    test_fill(out, sizeof(out), g_rand_int(m->rnd));
    g_assert_cmpint(m->n->drv->vmstate_write(m->n, at, out, sizeof(out)), ==, 0);
    g_assert_cmpint(m->n->drv->vmstate_read(m->n, at, in, sizeof(in)), ==, 0);
    g_assert_cmpmem(out, sizeof(out), in, sizeof(in));
}

static void do_resize(Model *m)
{
    uint64_t size = (uint64_t)g_rand_int_range(m->rnd, 20, (gint32)(MAX_SIZE / 4 / 512)) * 512;
    Error *err = NULL;

    if (m->v2 && m->snapshots) {
        return;
    }
    g_assert_true(node_truncate(m->n, size, "off", &err));
    if (size > m->size) {
        memset(m->want + m->size, 0, size - m->size);
    }
    m->size = size;
    g_assert_cmpuint(m->n->size, ==, size);
}

static void do_reopen(Model *m)
{
    close_model(m);
    q2_check_clean(0);
    open_model(m);
    compare_all(m, m->want, m->size, m->n);
    check_status(m);
}

static void one(Model *m)
{
    int what = g_rand_int_range(m->rnd, 0, 30);

    if (m->verify) { /* to find the operation that did it */
        g_printerr("# op %d\n", what);
        compare_all(m, m->want, m->size, m->n);
        do_reopen(m);
    }
    switch (what) {
    case 0 ... 11:
        do_write(m);
        break;
    case 12 ... 14:
        do_zero(m);
        break;
    case 15 ... 17:
        do_discard(m);
        break;
    case 18 ... 20:
        if (m->compress) {
            do_compressed(m);
        }
        break;
    case 21 ... 24:
        do_read(m);
        break;
    case 25:
        if (m->snapshots) {
            do_snapshot(m);
        }
        break;
    case 26:
        if (m->snapshots) {
            do_vmstate(m);
        }
        break;
    case 27:
        g_assert_cmpint(node_flush(m->n), ==, 0);
        break;
    case 28:
        if (g_rand_int_range(m->rnd, 0, 4) == 0) {
            do_resize(m);
        }
        break;
    default:
        if (g_rand_int_range(m->rnd, 0, 6) == 0) {
            do_reopen(m);
        }
        break;
    }
}

static void check_snapshots(Model *m)
{
    for (unsigned i = 0; i < MAX_SNAPS; i++) {
        Error *err = NULL;
        if (!m->snap[i].used) {
            continue;
        }
        BlockSet *set = blockset_new(NULL);
        g_autofree char *json = m->backing ? g_strdup("{\"backing\": {\"driver\": \"memdisk\", "
                                                      "\"filename\": \"memdisk:1\"}}") : NULL;
        BlockNode *n = q2_open_opts(set, 0, 0, json, NULL);
        g_assert_true(n->drv->snapshot_load(n, m->snap[i].name, &err));
        compare_all(m, m->snap[i].data, m->snap[i].size, n);
        node_unref(n);
        blockset_free(set);
        g_free(m->snap[i].data);
    }
}

static void run_model(const char *opts, uint64_t cluster, const char *open_json, uint64_t ops)
{
    Model m = {.cluster = cluster, .size = 3 << 20, .open_json = open_json};
    uint64_t seed = test_param("QCOW2_SEED", 1);

    m.verify = test_param("QCOW2_VERIFY", 0);
    m.rnd = g_rand_new_with_seed((guint32)(seed * 2654435761u + cluster + strlen(opts)));
    m.want = g_malloc0(MAX_SIZE);
    m.backing = strstr(opts, "backing") != NULL;
    m.data_file = strstr(opts, "data_file") != NULL;
    m.v2 = strstr(opts, "0.10") != NULL;
    m.narrow = strstr(opts, "refcount_bits=4,") || strstr(opts, "refcount_bits=2,") ||
               strstr(opts, "refcount_bits=1,") || strstr(opts, "refcount_bits=8,");
    m.snapshots = !m.data_file;
    m.compress = !m.data_file;
    m.size = MAX(m.size, 2 * cluster + 512);
    m.window = MAX(8 * cluster, 300000);
    g_test_message("%s", opts);
    if (m.backing) {
        memdisk_clear(1);
        g_autofree uint8_t *b = g_malloc(1500 * 512);
        test_fill(b, 1500 * 512, 99);
        BlockSet *set = blockset_new(NULL);
        BlockNode *n = node_open_file(set, "memdisk:1", "memdisk", BLOCK_RDWR, NULL, NULL);
        node_pwrite(n, 0, b, 1500 * 512, 0);
        node_unref(n);
        blockset_free(set);
        memcpy(m.want, b, 1500 * 512);
    }
    g_autofree char *clean = g_strdup(opts);
    if (m.backing) {
        *strstr(clean, ",backing") = 0;
    }
    q2_create(0, m.size, clean);
    if (m.data_file) {
        memdisk_clear(2);
    }
    open_model(&m);
    for (uint64_t i = 0; i < ops; i++) {
        one(&m);
    }
    compare_all(&m, m.want, m.size, m.n);
    do_reopen(&m);
    close_model(&m);
    q2_check_clean(0);
    check_snapshots(&m);
    g_free(m.want);
    g_rand_free(m.rnd);
}

static void test_clusters(void)
{
    static const char *const more[] = {"", ",compat=0.10", ",extended_l2=on", ",lazy_refcounts=on",
                                       ",compression_type=zstd", ",backing", ",compat=0.10,backing",
                                       ",extended_l2=on,backing"};
    uint64_t ops = test_param("QCOW2_OPS", 25);
    const char *only = g_getenv("QCOW2_ONLY");

    for (unsigned bits = 9; bits <= 21; bits++) {
        for (unsigned k = 0; k < G_N_ELEMENTS(more); k++) {
            if (strstr(more[k], "extended") && bits < 14) {
                continue;
            }
            g_autofree char *opts = g_strdup_printf("cluster_size=%u%s", 1u << bits, more[k]);
            if (!only || !strcmp(only, opts)) {
                run_model(opts, 1u << bits, NULL, bits > 18 ? ops / 4 : ops);
            }
        }
    }
}

static void test_widths(void)
{
    uint64_t ops = test_param("QCOW2_OPS", 25) * 2;

    for (unsigned bits = 1; bits <= 64; bits *= 2) {
        for (unsigned cluster = 512; cluster <= 65536; cluster *= 8) {
            g_autofree char *opts = g_strdup_printf("refcount_bits=%u,cluster_size=%u", bits, cluster);
            run_model(opts, cluster, NULL, ops);
        }
    }
}

static void test_small_caches(void)
{
    uint64_t ops = test_param("QCOW2_OPS", 25) * 4;

    run_model("cluster_size=512", 512, "{\"l2-cache-size\": 2048, \"refcount-cache-size\": 2048}", ops);
    run_model("cluster_size=512,refcount_bits=64", 512, "{\"cache-size\": 4096, \"overlap-check\": \"all\"}", ops);
    run_model("cluster_size=4096", 4096, "{\"l2-cache-size\": 2048, \"l2-cache-entry-size\": 512}", ops);
}

/* What is not worth compressing is not tried, but only that. */
static void test_incompressible(void)
{
    static const struct {
        unsigned period, bits, tail; /* random bytes that repeat; of so many bits; zeroes at the end */
        bool small;
    } kinds[] = {
        {65536, 8, 0, false}, {65536, 8, 60000, true}, {65536, 7, 0, true}, {3000, 8, 0, true},
        {4000, 8, 0, true},   {65536, 8, 2000, true},  {60000, 8, 0, false},
    };
    g_autofree uint8_t *buf = g_malloc(65536), *back = g_malloc(65536);
    BlockSet *set = blockset_new(NULL);

    q2_create(0, 1 << 20, "");
    BlockNode *n = q2_open(set, 0, BLOCK_RDWR, NULL);
    for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
        test_fill(buf, 65536, k);
        for (unsigned i = 0; i < 65536; i++) {
            buf[i] = i >= kinds[k].period ? buf[i - kinds[k].period] : buf[i] >> (8 - kinds[k].bits);
        }
        memset(buf + 65536 - kinds[k].tail, 0, kinds[k].tail);
        g_assert_cmpint(n->drv->pwrite_compressed(n, k << 16, 65536, buf), ==, 0);
        g_assert_cmpint(node_pread(n, k << 16, back, 65536), ==, 0);
        g_assert_cmpmem(buf, 65536, back, 65536);
        uint64_t num;
        int st = node_block_status(n, k << 16, 65536, &num, NULL, NULL);
        g_assert_cmpint(!!(st & STATUS_COMPRESSED), ==, kinds[k].small);
    }
    node_unref(n);
    blockset_free(set);
}

/* ---- many at once ---- */

typedef struct Worker {
    BlockNode *n;
    uint8_t *want;
    uint64_t from, to;
    guint32 seed;
} Worker;

static gpointer worker(gpointer opaque)
{
    Worker *w = opaque;
    GRand *r = g_rand_new_with_seed(w->seed);

    for (int i = 0; i < 400; i++) {
        uint64_t len = g_rand_int_range(r, 1, 60) * 512, max = (w->to - w->from) / 512;
        len = MIN(len, (max - 1) * 512);
        uint64_t at = w->from + g_rand_int_range(r, 0, (gint32)(max - len / 512)) * 512;
        switch (g_rand_int_range(r, 0, 8)) {
        case 0:
            memset(w->want + at, 0, len);
            g_assert_cmpint(node_pwrite_zeroes(w->n, at, len, NODE_REQ_UNMAP), ==, 0);
            break;
        case 1:
            g_assert_cmpint(node_flush(w->n), ==, 0);
            break;
        case 2: {
            g_autofree uint8_t *got = g_malloc(len);
            g_assert_cmpint(node_pread(w->n, at, got, len), ==, 0);
            g_assert_cmpmem(got, len, w->want + at, len);
            break;
        }
        default:
            test_fill(w->want + at, len, g_rand_int(r));
            g_assert_cmpint(node_pwrite(w->n, at, w->want + at, len, 0), ==, 0);
        }
    }
    g_rand_free(r);
    return NULL;
}

/* Each has a part of the disk, but clusters are shared at the borders. */
static void test_threads(void)
{
    static const char *const opts[] = {"cluster_size=65536", "cluster_size=512", "cluster_size=2097152",
                                       "cluster_size=65536,extended_l2=on", "cluster_size=4096,lazy_refcounts=on"};

    for (unsigned k = 0; k < G_N_ELEMENTS(opts); k++) {
        enum { N = 6 };
        Worker w[N];
        GThread *t[N];
        uint64_t size = 4 << 20, part = 512 * 1333;
        g_autofree uint8_t *want = g_malloc0(size), *got = g_malloc(size);
        q2_create(0, size, opts[k]);
        BlockSet *set = blockset_new(NULL);
        BlockNode *n = q2_open(set, 0, BLOCK_RDWR | BLOCK_UNMAP, NULL);
        for (unsigned i = 0; i < N; i++) {
            w[i] = (Worker){n, want, i * part, (i + 1) * part, i + k * 100};
            t[i] = g_thread_new("w", worker, &w[i]);
        }
        for (unsigned i = 0; i < N; i++) {
            g_thread_join(t[i]);
        }
        g_assert_cmpint(node_pread(n, 0, got, size), ==, 0);
        g_assert_cmpmem(got, size, want, size);
        node_unref(n);
        blockset_free(set);
        q2_check_clean(0);
    }
}

/* ---- single things ---- */

static void expect_error(const char *opts, const char *text)
{
    BlockSet *set = blockset_new(NULL);
    const BlockDriver *drv = block_driver_find("qcow2", NULL);
    Error *err = NULL;

    memdisk_clear(3);
    BlockNode *file = node_open_file(set, "memdisk:3", "memdisk", BLOCK_RDWR, NULL, NULL);
    g_autoptr(json_t) o = json_loads(opts, 0, NULL);
    json_object_set_new(o, "size", json_integer(1 << 20));
    g_assert_false(drv->create(set, file, "memdisk:3", o, &err));
    test_error_has(err, text);
    node_unref(file);
    blockset_free(set);
}

static void test_create_errors(void)
{
    expect_error("{\"cluster_size\": 1000}", "Cluster size");
    expect_error("{\"cluster_size\": 4194304}", "Cluster size");
    expect_error("{\"refcount_bits\": 3}", "power of two");
    expect_error("{\"refcount_bits\": 8, \"compat\": \"0.10\"}", "1.1");
    expect_error("{\"extended_l2\": true, \"cluster_size\": 4096}", "16384");
    expect_error("{\"compat\": \"2.0\"}", "compat");
    expect_error("{\"data_file_raw\": true}", "data-file");
}

/* Makes an image, changes bytes of it, and expects an error when it is opened. */
static void refuse_open(unsigned at, const void *bytes, size_t len, unsigned flags, const char *text)
{
    Error *err = NULL;

    q2_create(0, 1 << 20, "");
    memcpy(memdisk(0)->data + at, bytes, len);
    BlockSet *set = blockset_new(NULL);
    g_assert_null(q2_open(set, 0, flags, &err));
    test_error_has(err, text);
    blockset_free(set);
}

static void test_open_errors(void)
{
    refuse_open(0, "XXXX", 4, 0, "not in qcow2 format");
    refuse_open(7, "\4", 1, 0, "version");
    refuse_open(23, "\40", 1, 0, "cluster size");
    refuse_open(35, "\1", 1, 0, "AES");
    refuse_open(35, "\2", 1, 0, "LUKS");
    refuse_open(36, "\377", 1, 0, "L1 table too large");
    refuse_open(47, "\1", 1, 0, "L1 table offset");
    refuse_open(55, "\1", 1, 0, "Refcount table offset");
    refuse_open(56, "\1", 1, 0, "Refcount table size");
    refuse_open(79, "\2", 1, BLOCK_RDWR, "corrupt");
    refuse_open(99, "\7", 1, 0, "64 bits");
    refuse_open(103, "\20", 1, 0, "too short");
    refuse_open(24, "\177", 1, 0, "too big");
    refuse_open(104, "\1", 1, 0, "Compression type");
    refuse_open(78, "\1", 1, 0, "Unknown incompatible feature: 100");
}

/* An unknown feature is called by the name that the image has for it. */
static void test_feature_names(void)
{
    Error *err = NULL;

    q2_create(0, 1 << 20, "");
    uint8_t *d = memdisk(0)->data;
    uint8_t *entry = d + 112 + 8; /* the first of the table */
    g_assert_cmpstr((char *)entry + 2, ==, "dirty bit");
    entry[1] = 40;
    memcpy(entry + 2, "warp drive", 11);
    d[72 + 2] = 1;
    BlockSet *set = blockset_new(NULL);
    g_assert_null(q2_open(set, 0, 0, &err));
    test_error_has(err, "warp drive");
    blockset_free(set);
}

/* A write that would hit metadata marks the image corrupt instead. */
static void test_overlap(void)
{
    uint8_t buf[512] = {1};

    q2_create(0, 1 << 20, "");
    BlockSet *set = blockset_new(NULL);
    BlockNode *n = q2_open(set, 0, BLOCK_RDWR, NULL);
    g_assert_cmpint(node_pwrite(n, 0, buf, sizeof(buf), 0), ==, 0);
    node_unref(n);
    uint8_t *d = memdisk(0)->data;
    uint64_t l1 = GUINT64_FROM_BE(*(uint64_t *)(d + 40));
    uint64_t l2 = GUINT64_FROM_BE(*(uint64_t *)(d + l1)) & 0xffffffffffff00;
    *(uint64_t *)(d + l2) = GUINT64_TO_BE(1ull << 63 | l1);
    n = q2_open(set, 0, BLOCK_RDWR, NULL);
    memdisk_log_start(0);
    g_assert_cmpint(node_pwrite(n, 0, buf, sizeof(buf), 0), ==, -EIO);
    guint len = memdisk(0)->log->len;
    memdisk_crash_one(1, 0, len, len, false); /* the power fails: the bit is stable */
    g_assert_cmpuint(memdisk(1)->data[79], ==, 2);
    g_assert_cmpint(node_pwrite(n, 65536, buf, sizeof(buf), 0), ==, -EIO);
    node_unref(n);
    g_assert_cmpuint(memdisk(0)->data[79], ==, 2);
    BlockCheck r;
    q2_check(0, CHECK_FIX_ERRORS | CHECK_FIX_LEAKS, &r, false);
    g_assert_cmpuint(r.corruptions, ==, 0);
    q2_check_clean(0);
    g_assert_cmpuint(memdisk(0)->data[79], ==, 0);
    blockset_free(set);
}

static void amend(BlockNode *n, const char *json, bool ok)
{
    g_autoptr(json_t) o = json_loads(json, 0, NULL);
    Error *err = NULL;

    if (n->drv->amend(n, o, &err) != ok) {
        g_printerr("# %s: %s\n", json, err ? error_message(err) : "succeeded");
        g_assert_not_reached();
    }
    error_free(err);
}

static void test_amend(void)
{
    g_autofree uint8_t *data = g_malloc0(1 << 20), *got = g_malloc(1 << 20);
    Error *err = NULL;
    BlockSnapshot sn = {.name = (char *)"s", .icount = -1};

    test_fill(data, 300000, 5);
    q2_create(0, 1 << 20, "cluster_size=4096,lazy_refcounts=on");
    BlockSet *set = blockset_new(NULL);
    BlockNode *n = q2_open(set, 0, BLOCK_RDWR, NULL);
    g_assert_cmpint(node_pwrite(n, 0, data, 1 << 20, 0), ==, 0);
    memset(data + 8192, 0, 8192);
    g_assert_cmpint(node_pwrite_zeroes(n, 8192, 8192, 0), ==, 0);
    amend(n, "{\"cluster_size\": 8192}", false);
    amend(n, "{\"compat\": \"0.10\", \"lazy_refcounts\": false}", true);
    node_unref(n);
    q2_check_clean(0);
    g_assert_cmpuint(memdisk(0)->data[7], ==, 2);
    n = q2_open(set, 0, BLOCK_RDWR, NULL);
    amend(n, "{\"lazy_refcounts\": true}", false);
    g_assert_true(n->drv->snapshot_create(n, &sn, &err));
    amend(n, "{\"compat\": \"1.1\", \"refcount_bits\": 64}", true);
    static const int widths[] = {32, 8, 4, 2, 16};
    for (unsigned i = 0; i < G_N_ELEMENTS(widths); i++) {
        g_autofree char *json = g_strdup_printf("{\"refcount_bits\": %d}", widths[i]);
        amend(n, json, true);
        memset(data + 4096 * i, (int)i, 4096);
        g_assert_cmpint(node_pwrite(n, 4096 * i, data + 4096 * i, 4096, 0), ==, 0);
    }
    amend(n, "{\"refcount_bits\": 1}", false); /* the snapshot needs more */
    node_unref(n);
    q2_check_clean(0);
    n = q2_open(set, 0, BLOCK_RDWR, NULL);
    g_assert_true(n->drv->snapshot_delete(n, "s", &err));
    amend(n, "{\"refcount_bits\": 1, \"size\": 2097152}", true);
    g_assert_cmpint(node_pread(n, 0, got, 1 << 20), ==, 0);
    g_assert_cmpmem(got, 1 << 20, data, 1 << 20);
    g_assert_true(n->drv->make_empty(n, &err));
    g_assert_cmpint(node_pread(n, 0, got, 1 << 20), ==, 0);
    memset(data, 0, 1 << 20);
    g_assert_cmpmem(got, 1 << 20, data, 1 << 20);
    node_unref(n);
    blockset_free(set);
    q2_check_clean(0);
}

/* Unknown extensions and fields survive a new header byte for byte. */
static void test_extensions(void)
{
    static const uint8_t ext[24] = {0x12, 0x34, 0x56, 0x78, 0, 0, 0, 11, 'h', 'e', 'l', 'l', 'o', 0, 1, 2, 3, 4, 5};
    Error *err = NULL;

    q2_create(0, 1 << 20, "");
    uint8_t *d = memdisk(0)->data;
    memmove(d + 112 + 24, d + 112, 600);
    memcpy(d + 112, ext, 24);
    BlockSet *set = blockset_new(NULL);
    BlockNode *n = q2_open(set, 0, BLOCK_RDWR, NULL);
    g_assert_true(n->drv->change_backing(n, "some/file", "raw", &err));
    g_assert_true(n->drv->change_backing(n, "a", "qcow2", &err));
    node_unref(n);
    n = q2_open(set, 0, BLOCK_NO_BACKING, NULL);
    g_assert_cmpstr(n->backing_file, ==, "a");
    g_assert_cmpstr(n->backing_format, ==, "qcow2");
    node_unref(n);
    g_assert_cmpmem(memdisk(0)->data + 112, 24, ext, 24);
    blockset_free(set);
    q2_check_clean(0);
}

static void test_preallocation(void)
{
    static const char *const modes[] = {"metadata", "falloc", "full"};

    for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autofree char *opts = g_strdup_printf("cluster_size=512,preallocation=%s", modes[i]);
        g_autofree uint8_t *got = g_malloc(3 << 20), *zero = g_malloc0(3 << 20);
        BlockCheck r;
        q2_create(0, 3 << 20, opts);
        q2_check_clean(0);
        q2_check(0, 0, &r, false);
        g_assert_cmpuint(r.allocated_clusters, ==, r.total_clusters);
        BlockSet *set = blockset_new(NULL);
        BlockNode *n = q2_open(set, 0, 0, NULL);
        g_assert_cmpint(node_pread(n, 0, got, 3 << 20), ==, 0);
        g_assert_cmpmem(got, 3 << 20, zero, 3 << 20);
        node_unref(n);
        blockset_free(set);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qcow2/create-errors", test_create_errors);
    g_test_add_func("/qcow2/open-errors", test_open_errors);
    g_test_add_func("/qcow2/feature-names", test_feature_names);
    g_test_add_func("/qcow2/extensions", test_extensions);
    g_test_add_func("/qcow2/overlap", test_overlap);
    g_test_add_func("/qcow2/amend", test_amend);
    g_test_add_func("/qcow2/preallocation", test_preallocation);
    g_test_add_func("/qcow2/clusters", test_clusters);
    g_test_add_func("/qcow2/widths", test_widths);
    g_test_add_func("/qcow2/small-caches", test_small_caches);
    g_test_add_func("/qcow2/incompressible", test_incompressible);
    g_test_add_func("/qcow2/threads", test_threads);
    int ret = g_test_run();
    memdisk_end();
    test_dir_end();
    return ret;
}
