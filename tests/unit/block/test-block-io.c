/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nodes as blocking calls: random requests of every alignment against a copy in memory, over the
 * cache and aio modes; windows, ends of files, status, resizing.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/iov.h"
#include "block/internal.h"
#include "disk.h"

#define SIZE (256u << 10)

typedef struct Model {
    BlockNode *n;
    uint8_t *copy;
    uint64_t size;
    GRand *rand;
} Model;

/* A vector over buf with random cuts and, if asked, odd addresses. */
static int cut(GRand *r, uint8_t *buf, size_t len, struct iovec *iov, int max)
{
    int n = 0;

    while (len) {
        size_t part = n + 1 == max ? len : (size_t)g_rand_int_range(r, 1, (gint32)len + 1);
        if (g_rand_boolean(r) && part > 512 && n + 1 < max) {
            part &= ~(size_t)511;
        }
        iov[n++] = (struct iovec){buf, part};
        buf += part;
        len -= part;
    }
    return n;
}

static void random_range(Model *m, uint64_t *offset, uint64_t *len)
{
    unsigned shift = (unsigned)g_rand_int_range(m->rand, 0, 14);

    *offset = (uint64_t)g_rand_int_range(m->rand, 0, (gint32)m->size) >> shift << shift;
    *len = (uint64_t)g_rand_int_range(m->rand, 1, g_rand_boolean(m->rand) ? 600 : 40000);
    *len = MIN(*len, m->size - *offset);
}

static void check_read(Model *m, uint64_t offset, uint64_t len)
{
    g_autofree uint8_t *buf = g_malloc(len + 1);
    struct iovec iov[6];

    memset(buf, 0xee, len + 1);
    int k = cut(m->rand, buf, len, iov, 1 + g_rand_int_range(m->rand, 0, 5));
    g_assert_cmpint(node_preadv(m->n, offset, iov, k), ==, 0);
    g_assert_cmpmem(buf, len, m->copy + offset, len);
    g_assert_cmpuint(buf[len], ==, 0xee);
}

static void random_step(Model *m)
{
    g_autofree uint8_t *buf = NULL;
    struct iovec iov[6];
    uint64_t offset, len;

    random_range(m, &offset, &len);
    switch (g_rand_int_range(m->rand, 0, 8)) {
    case 0: case 1: case 2:
        buf = g_malloc(len);
        test_fill(buf, len, g_rand_int(m->rand));
        memcpy(m->copy + offset, buf, len);
        int k = cut(m->rand, buf, len, iov, 1 + g_rand_int_range(m->rand, 0, 5));
        unsigned fua = g_rand_int_range(m->rand, 0, 20) ? 0 : NODE_REQ_FUA;
        g_assert_cmpint(node_pwritev(m->n, offset, iov, k, fua), ==, 0);
        break;
    case 3:
        memset(m->copy + offset, 0, len);
        unsigned unmap = g_rand_boolean(m->rand) ? NODE_REQ_UNMAP : 0;
        g_assert_cmpint(node_pwrite_zeroes(m->n, offset, len, unmap), ==, 0);
        break;
    case 4:
        offset &= ~4095ull; /* what a discard leaves is not said, but not elsewhere */
        len &= ~4095ull;
        if (len) {
            g_assert_cmpint(node_pdiscard(m->n, offset, len), ==, 0);
            g_assert_cmpint(node_pread(m->n, offset, m->copy + offset, len), ==, 0);
        }
        break;
    case 5:
        g_assert_cmpint(node_flush(m->n), ==, 0);
        break;
    default:
        check_read(m, offset, len);
    }
}

static void compare_all(Model *m)
{
    g_autofree uint8_t *buf = g_malloc(m->size);

    g_assert_cmpint(node_pread(m->n, 0, buf, m->size), ==, 0);
    g_assert_cmpmem(buf, m->size, m->copy, m->size);
}

static void run_model(const char *opts, uint64_t file_size, uint64_t size, int steps)
{
    g_autofree char *path = test_image("model.img", file_size);
    BlockSet *set = blockset_new(NULL);
    Model m = {.size = size, .rand = g_rand_new_with_seed((guint32)(file_size + strlen(opts)))};

    m.copy = g_malloc0(size);
    m.n = test_node(set, "driver=raw,node-name=m,discard=unmap,file.driver=file,file.filename=%s%s",
                    path, opts);
    g_assert_cmpuint(m.n->size, ==, size);
    for (int i = 0; i < steps; i++) {
        random_step(&m);
    }
    compare_all(&m);
    blockset_free(set);
    set = blockset_new(NULL); /* and it is in the file */
    m.n = test_node(set, "driver=raw,node-name=m,file.driver=file,file.filename=%s", path);
    compare_all(&m);
    blockset_free(set);
    g_rand_free(m.rand);
    g_free(m.copy);
}

static void test_modes(void)
{
    static const char *const modes[] = {
        "", ",cache.direct=on", ",cache.no-flush=on", ",file.aio=io_uring",
        ",cache.direct=on,file.aio=io_uring", ",detect-zeroes=on", ",detect-zeroes=unmap",
        ",cache.direct=on,detect-zeroes=unmap",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        run_model(modes[i], SIZE, SIZE, 400);
    }
}

/* A file that ends within a sector: the disk is rounded up, the rest reads as zeroes. */
static void test_odd_end(void)
{
    run_model("", SIZE - 100, SIZE, 300);
    run_model(",cache.direct=on", SIZE - 100, SIZE, 300);
    run_model(",cache.direct=on", SIZE - 512, SIZE - 512, 300);
}

/* With O_DIRECT a write to the last, partial block does not lengthen the file. */
static void test_tail_keeps_size(void)
{
    g_autofree char *path = test_image("tail.img", 4096 * 3 + 512);
    BlockSet *set = blockset_new(NULL);
    BlockNode *n = test_node(set, "driver=raw,node-name=t,cache.direct=on,file.driver=file,"
                                  "file.filename=%s", path);
    uint8_t sector[512];
    struct stat st;

    n->file->alignment = 4096; /* as on a disk with big blocks */
    n->alignment = 4096;
    test_fill(sector, sizeof(sector), 1);
    g_assert_cmpint(node_pwrite(n, 4096 * 3, sector, 512, 0), ==, 0);
    g_assert_cmpint(node_pwrite(n, 4096 * 2 + 100, sector, 512, 0), ==, 0);
    blockset_free(set);
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpint(st.st_size, ==, 4096 * 3 + 512);
}

static void test_window(void)
{
    g_autofree char *path = test_image("window.img", 8192);
    BlockSet *set = blockset_new(NULL);
    BlockNode *n = test_node(set, "driver=raw,node-name=w,offset=1024,size=2048,file.driver=file,"
                                  "file.filename=%s", path);
    uint8_t buf[8192];
    Error *err = NULL;

    g_assert_cmpuint(n->size, ==, 2048);
    memset(buf, 0x55, sizeof(buf));
    g_assert_cmpint(node_pwrite(n, 0, buf, 2048, 0), ==, 0);
    g_assert_cmpint(node_pwrite(n, 1024, buf, 2048, 0), ==, -EINVAL);
    g_assert_cmpint(node_pread(n->file, 0, buf, 8192), ==, 0);
    for (int i = 0; i < 8192; i++) {
        g_assert_cmpuint(buf[i], ==, i >= 1024 && i < 3072 ? 0x55 : 0);
    }
    g_assert_false(node_truncate(n, 4096, "off", &err));
    test_error_has(err, "fixed-size");
    g_autoptr(json_t) o = test_opts("driver=raw,node-name=x,offset=7000,size=2048,file=%s",
                                    n->file->name);
    err = NULL;
    g_assert_null(blockset_add_node(set, o, &err));
    test_error_has(err, "has to be smaller");
    blockset_free(set);
}

static void test_bounds(void)
{
    g_autofree char *path = test_image("bounds.img", 4096);
    BlockSet *set = blockset_new(NULL);
    BlockNode *n = test_node(set, "driver=raw,node-name=b,file.driver=file,file.filename=%s", path);
    uint8_t buf[1024];

    memset(buf, 0xff, sizeof(buf));
    g_assert_cmpint(node_pread(n, 4096 - 512, buf, 1024), ==, 0);
    g_assert_cmpuint(buf[600], ==, 0);
    g_assert_cmpint(node_pread(n, UINT64_MAX - 100, buf, 512), ==, -EINVAL);
    g_assert_cmpint(node_pwrite(n, INT64_MAX, buf, 512, 0), ==, -EINVAL);
    g_assert_cmpint(node_pwrite_zeroes(n, 4096, 512, 0), ==, -EINVAL);
    g_assert_cmpint(node_pdiscard(n, 0, UINT64_MAX), ==, -EINVAL);
    g_assert_cmpint(node_pread(n, 0, buf, 0), ==, 0);
    blockset_free(set);
}

static void test_read_only(void)
{
    g_autofree char *path = test_image("ro.img", 4096);
    BlockSet *set = blockset_new(NULL);
    BlockNode *n = test_node(set, "driver=raw,node-name=r,read-only=on,file.driver=file,"
                                  "file.filename=%s", path);
    uint8_t buf[512] = {0};

    g_assert_cmpint(node_pwrite(n, 0, buf, 512, 0), ==, -EROFS);
    g_assert_cmpint(node_pwrite_zeroes(n, 0, 512, 0), ==, -EROFS);
    g_assert_cmpint(node_pdiscard(n, 0, 512), ==, -EROFS);
    g_assert_cmpint(node_flush(n), ==, 0);
    blockset_free(set);
}

/* More buffers than the kernel takes in one call, at lengths that fit no block. */
static void test_many_buffers(void)
{
    static const char *const modes[] = {"", ",cache.direct=on", ",cache.direct=on,file.aio=io_uring"};
    enum { N = 3000, PART = 37 };

    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autofree char *path = test_image("many.img", 1 << 20);
        BlockSet *set = blockset_new(NULL);
        BlockNode *n = test_node(set, "driver=raw,node-name=v,file.driver=file,file.filename=%s%s",
                                 path, modes[i]);
        g_autofree uint8_t *buf = g_malloc(N * PART), *back = g_malloc(N * PART);
        g_autofree struct iovec *iov = g_new(struct iovec, N), *biov = g_new(struct iovec, N);
        test_fill(buf, N * PART, 7);
        for (int k = 0; k < N; k++) {
            iov[k] = (struct iovec){buf + k * PART, PART};
            biov[k] = (struct iovec){back + k * PART, PART};
        }
        g_assert_cmpint(node_pwritev(n, 1234, iov, N, 0), ==, 0);
        g_assert_cmpint(node_preadv(n, 1234, biov, N), ==, 0);
        g_assert_cmpmem(buf, N * PART, back, N * PART);
        blockset_free(set);
    }
}

static void test_status(void)
{
    g_autofree char *path = test_image("status.img", 1 << 20);
    BlockSet *set = blockset_new(NULL);
    BlockNode *n = test_node(set, "driver=raw,node-name=s,discard=unmap,file.driver=file,"
                                  "file.filename=%s", path);
    g_autofree uint8_t *buf = g_malloc(65536);
    uint64_t num, map;
    BlockNode *file;

    test_fill(buf, 65536, 3);
    g_assert_cmpint(node_pwrite(n, 262144, buf, 65536, 0), ==, 0);
    int ret = node_block_status(n, 0, 1 << 20, &num, &map, &file);
    g_assert_cmpint(ret, ==, STATUS_ZERO | STATUS_OFFSET | STATUS_ALLOCATED);
    g_assert_cmpuint(num, ==, 262144);
    ret = node_block_status(n, 262144 + 4096, 1 << 20, &num, &map, &file);
    g_assert_cmpint(ret, ==, STATUS_DATA | STATUS_OFFSET | STATUS_ALLOCATED);
    g_assert_cmpuint(num, ==, 65536 - 4096);
    g_assert_cmpuint(map, ==, 262144 + 4096);
    g_assert_true(file == n->file);
    ret = node_block_status(n, 262144 + 65536, 1 << 20, &num, &map, &file);
    g_assert_cmpint(ret, ==, STATUS_ZERO | STATUS_OFFSET | STATUS_ALLOCATED | STATUS_EOF);
    g_assert_cmpuint(num, ==, (1 << 20) - 262144 - 65536);
    g_assert_cmpint(node_pdiscard(n, 262144, 65536), ==, 0);
    ret = node_block_status(n, 262144, 4096, &num, &map, &file);
    g_assert_cmpint(ret & STATUS_ZERO, !=, 0);
    g_assert_cmpint(node_block_status(n, 1 << 20, 512, &num, &map, &file), ==, STATUS_EOF);
    g_assert_cmpuint(num, ==, 0);
    blockset_free(set);
}

static void test_resize(void)
{
    static const char *const prealloc[] = {"off", "falloc", "full"};

    for (int i = 0; i < 3; i++) {
        g_autofree char *path = test_image("resize.img", 65536);
        BlockSet *set = blockset_new(NULL);
        BlockNode *n = test_node(set, "driver=raw,node-name=s,file.driver=file,file.filename=%s",
                                 path);
        uint8_t buf[512];
        Error *err = NULL;
        g_assert_true(node_truncate(n, 131072, prealloc[i], NULL));
        g_assert_cmpuint(n->size, ==, 131072);
        g_assert_cmpint(node_pread(n, 131072 - 512, buf, 512), ==, 0);
        g_assert_true(i == 0 || n->drv->allocated(n) >= 65536);
        g_assert_true(node_truncate(n, 4096, "off", NULL));
        g_assert_cmpuint(n->size, ==, 4096);
        g_assert_false(node_truncate(n, 8192, "magic", &err));
        test_error_has(err, "preallocation");
        blockset_free(set);
    }
}

typedef struct Hammer {
    BlockNode *n;
    int id, threads;
} Hammer;

/* Threads that own interleaved 300-byte records: padding must never lose a neighbour's. */
static gpointer hammer(gpointer opaque)
{
    Hammer *h = opaque;
    uint8_t buf[300], back[300];

    for (int round = 0; round < 30; round++) {
        for (int i = h->id; i < 200; i += h->threads) {
            test_fill(buf, sizeof(buf), (uint64_t)(i * 100 + round));
            g_assert_cmpint(node_pwrite(h->n, (uint64_t)i * 300, buf, 300, 0), ==, 0);
            g_assert_cmpint(node_pread(h->n, (uint64_t)i * 300, back, 300), ==, 0);
            g_assert_cmpmem(buf, 300, back, 300);
        }
    }
    return NULL;
}

static void test_shared_blocks(void)
{
    g_autofree char *path = test_image("shared.img", 65536);
    BlockSet *set = blockset_new(NULL);
    BlockNode *n = test_node(set, "driver=raw,node-name=h,cache.direct=on,file.driver=file,"
                                  "file.filename=%s", path);
    Hammer h[4];
    GThread *t[4];

    for (int i = 0; i < 4; i++) {
        h[i] = (Hammer){n, i, 4};
        t[i] = g_thread_new("hammer", hammer, &h[i]);
    }
    for (int i = 0; i < 4; i++) {
        g_thread_join(t[i]);
    }
    blockset_free(set);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/io/modes", test_modes);
    g_test_add_func("/io/odd-end", test_odd_end);
    g_test_add_func("/io/tail-keeps-size", test_tail_keeps_size);
    g_test_add_func("/io/window", test_window);
    g_test_add_func("/io/bounds", test_bounds);
    g_test_add_func("/io/read-only", test_read_only);
    g_test_add_func("/io/many-buffers", test_many_buffers);
    g_test_add_func("/io/status", test_status);
    g_test_add_func("/io/resize", test_resize);
    g_test_add_func("/io/shared-blocks", test_shared_blocks);
    int ret = g_test_run();
    test_dir_end();
    return ret;
}
