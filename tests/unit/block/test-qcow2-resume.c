/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * werror=stop on qcow2: a guest's requests (allocating writes, overwrites, flushes, zeroes, discards,
 * reads) while the n-th request to the file fails, for each n. The request stops the machine, nobody
 * hears of the failure, and when the machine goes on and nothing fails any more it is completed. Then
 * everything reads as it was written, and the image has neither errors nor leaks.
 *
 * QCOW2_STEP is the stride, 1 in the long suite.
 */
#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "disk.h"
#include "qcow2-util.h"

#define SIZE (256 * KiB)

typedef enum Op { WRITE, ZEROES, DISCARD, READ, FLUSH } Op;

/* What the guest does; in bytes. */
static const struct {
    Op op;
    uint32_t offset, bytes;
    bool fua;
} script[] = {
    {WRITE, 0, 512, false},          {WRITE, 512, 3000, false},       {FLUSH, 0, 0, false},
    {WRITE, 65536, 65536, false},    {WRITE, 131072, 512, true},      {READ, 0, SIZE, false},
    {FLUSH, 0, 0, false},            {DISCARD, 65536, 32768, false},  {WRITE, 70000, 9000, false},
    {FLUSH, 0, 0, false},            {ZEROES, 90112, 16384, false},   {WRITE, 90112, 4096, false},
    {DISCARD, 0, SIZE / 2, false},   {FLUSH, 0, 0, false},            {WRITE, 4096, 100000, false},
    {WRITE, 200000, 50000, false},   {READ, 0, SIZE, false},          {WRITE, 4096, 512, true},
    {FLUSH, 0, 0, false},
};

typedef struct Run {
    BlockSet *set;
    BlockPort *port;
    MemDisk *disk;
    uint8_t *want, *buf, *back; /* SIZE each */
    unsigned stops;
    int done, ret;
} Run;

static void on_error(void *opaque, const char *json, bool stop)
{
    Run *r = opaque;

    g_assert_true(stop);
    g_assert_nonnull(strstr(json, "\"action\": \"stop\""));
    r->stops++;
}

static void finished(void *opaque, int ret)
{
    Run *r = opaque;

    r->ret = ret;
    r->done = 1;
}

/* Until the request is over; if it stops the machine, the disk is mended and the machine goes on. */
static void complete(Run *r)
{
    unsigned before = r->stops;

    while (!r->done) {
        g_main_context_iteration(NULL, TRUE);
        if (r->stops != before) {
            g_assert_cmpint(r->done, ==, 0);
            g_assert_cmpuint(block_in_flight(r->port), ==, 1);
            r->disk->fail_at = 0;
            blockset_quiesce(r->set, true); /* as a stop of the machine does */
            g_assert_cmpint(r->done, ==, 0);
            before = r->stops;
            blockset_resume(r->set);
        }
    }
    g_assert_cmpint(r->ret, ==, 0);
}

static void perform(Run *r, unsigned i)
{
    uint64_t at = script[i].offset, n = script[i].bytes;
    unsigned flags = script[i].fua ? BLOCK_REQ_FUA : 0;
    struct iovec iov;

    r->done = 0;
    switch (script[i].op) {
    case WRITE:
        test_fill(r->buf + at, n, i + 1);
        memcpy(r->want + at, r->buf + at, n);
        iov = (struct iovec){r->buf + at, n};
        block_write(r->port, at, &iov, 1, flags, finished, r);
        break;
    case ZEROES:
        memset(r->want + at, 0, n);
        block_write_zeroes(r->port, at, n, 0, finished, r);
        break;
    case DISCARD:
        memset(r->want + at, 0, n); /* whole clusters of a version 3 image */
        block_discard(r->port, at, n, 0, finished, r);
        break;
    case READ:
        iov = (struct iovec){r->back, n};
        block_read(r->port, at, &iov, 1, 0, finished, r);
        break;
    case FLUSH:
        block_flush(r->port, 0, finished, r);
        break;
    }
    complete(r);
    if (script[i].op == READ) {
        g_assert_cmpmem(r->back, n, r->want + at, n);
    }
}

static void expect_image(const Run *r, const char *what)
{
    BlockSet *set = blockset_new(NULL);
    BlockNode *n = q2_open(set, 0, 0, NULL);

    g_assert_cmpint(node_pread(n, 0, r->back, SIZE), ==, 0);
    if (memcmp(r->back, r->want, SIZE)) {
        g_error("%s: the image does not have what was written", what);
    }
    node_unref(n);
    blockset_free(set);
    q2_check_clean(0);
}

/* Everything, with the @at-th request to the file failing and @more behind it. False: there were not
 * so many. */
static bool run(const char *image, int err, uint64_t at, uint64_t more)
{
    g_autofree char *what = g_strdup_printf("%s: %s at request %" G_GUINT64_FORMAT "+%" G_GUINT64_FORMAT, image,
                                            err == EIO ? "EIO" : "ENOSPC", at, more);
    static const BlockFrontend front = {.name = "disk", .writable = true};
    Run r = {.set = blockset_new(g_main_context_default())};

    q2_create(0, SIZE, image);
    r.disk = memdisk(0);
    r.want = g_malloc0(SIZE);
    r.buf = g_malloc0(SIZE);
    r.back = g_malloc0(SIZE);
    r.port = test_drive(r.set, "if=none,id=d,driver=qcow2,werror=stop,rerror=stop,discard=unmap,file.driver=memdisk,"
                               "file.filename=memdisk:0")->port;
    blockset_on_error(r.set, on_error, &r);
    g_assert_true(block_attach(r.port, &front, NULL));
    r.disk->requests = 0;
    r.disk->fail_errno = err;
    r.disk->fail_more = more;
    r.disk->fail_at = at;
    for (unsigned i = 0; i < G_N_ELEMENTS(script); i++) {
        perform(&r, i);
    }
    bool reached = r.disk->requests >= at;
    r.disk->fail_at = 0;
    blockset_free(r.set);
    g_test_message("%s: %u stops", what, r.stops);
    expect_image(&r, what);
    g_free(r.want);
    g_free(r.buf);
    g_free(r.back);
    return reached;
}

static void test_each(void)
{
    static const char *const images[] = {"cluster_size=4096", "cluster_size=512,refcount_bits=64", "",
                                         "cluster_size=16384,extended_l2=on", "cluster_size=4096,lazy_refcounts=on"};
    uint64_t stride = MAX(test_param("QCOW2_STEP", 5), 1), n = 0;

    for (unsigned i = 0; i < G_N_ELEMENTS(images); i++) {
        for (uint64_t at = 1 + i % stride; run(images[i], EIO, at, 0); at += stride) {
            n++;
        }
        for (uint64_t at = 1; run(images[i], ENOSPC, at, 3); at += stride) {
            n++;
        }
    }
    g_assert_cmpuint(n, >, 100 / stride);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qcow2-resume/each-request", test_each);
    int ret = g_test_run();
    memdisk_end();
    test_dir_end();
    return ret;
}
