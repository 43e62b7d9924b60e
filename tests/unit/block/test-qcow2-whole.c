/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on a whole qcow2 image (qcow2-deeds.c) when requests to the file fail, and when the
 * power fails.
 *
 * Errors: the n-th request fails, with EIO alone or with ENOSPC and the three behind it. Whatever
 * the operation answers, the image is sound then, whether it is closed or the program dies; it shows
 * what it showed before or after; and the operation works once nothing fails any more.
 *
 * Power: for every flush that is waited for, each write before it that was not stable is the only one
 * to get through, or the only one to get lost. That is every pair of writes in the wrong order. When
 * the operation is over, it is done even if nothing more gets to the disk.
 *
 * QCOW2_STEP is the stride, 1 in the long suite; QCOW2_ONLY a part of a deed's name.
 */
#include <errno.h>
#include <string.h>

#include "disk.h"
#include "qcow2-deeds.h"

#define H_AUTOCLEAR 88

static uint64_t step(uint64_t def)
{
    return MAX(test_param("QCOW2_STEP", def), 1);
}

static bool wanted(const Deed *d, const char *image)
{
    const char *only = g_getenv("QCOW2_ONLY");

    return deed_fits(d, image) && (!only || strstr(d->name, only));
}

/* Views before and after a run without any failure, which is recorded on disk 0. */
static void run_once(const Deed *d, const char *image, DeedView **before, DeedView **after)
{
    BlockSet *set = blockset_new(NULL);
    Error *err = NULL;

    deed_prepare(d, image);
    memdisk_copy(0, DEED_BASE);
    memdisk_log_start(0);
    BlockNode *n = deed_open(set, d, 0, BLOCK_RDWR | BLOCK_UNMAP | (d->damage ? BLOCK_CHECK : 0), NULL);
    if (!d->act(n, &err)) {
        g_error("%s: %s", d->name, error_message(err));
    }
    if (!d->done(n)) {
        g_error("%s, %s: not done", d->name, image);
    }
    guint len = memdisk(0)->log->len;
    node_unref(n);
    blockset_free(set);
    memdisk(0)->logging = false;
    if (d->damage) { /* what is broken need not be readable */
        *before = deed_view(d, 0, 0);
    } else {
        *before = deed_view(d, DEED_BASE, 0);
    }
    *after = deed_view(d, 0, 0);
    g_ptr_array_set_size(memdisk(0)->log, (gint)len); /* closing is not part of it */
}

/* ---- power ---- */

static void judge_state(const Deed *d, const char *image, guint cut, guint which, bool lost, const DeedView *before,
                        const DeedView *after)
{
    g_autofree char *what = g_strdup_printf("%s, %s: %s write %u of %u to %u", d->name, image,
                                            lost ? "without" : "only", which, memdisk_stable(0, cut), cut);

    memdisk_crash_one(2, 0, cut, which, lost);
    deed_judge(d, 2, before, after, what);
}

static void lose_power(const Deed *d, const char *image, uint64_t stride)
{
    DeedView *before, *after;
    uint64_t k = 0;
    BlockSet *set = blockset_new(NULL);

    run_once(d, image, &before, &after);
    guint len = memdisk(0)->log->len;
    for (guint cut = 1; cut <= len; cut++) {
        if (cut < len && ((MemOp *)memdisk(0)->log->pdata[cut])->kind != MEM_FLUSH) {
            continue;
        }
        for (guint i = memdisk_stable(0, cut); i < cut; i++) {
            for (unsigned lost = 0; lost < 2; lost++) {
                if (k++ % stride == 0) {
                    judge_state(d, image, cut, i, lost, before, after);
                }
            }
        }
    }
    memdisk_crash_one(2, 0, len, len, false); /* all that was not flushed is lost */
    BlockNode *n = deed_open(set, d, 2, d->damage ? BLOCK_CHECK : 0, NULL);
    if (!d->done(n)) {
        g_error("%s, %s: not done after a power failure", d->name, image);
    }
    node_unref(n);
    blockset_free(set);
    deed_view_free(before);
    deed_view_free(after);
}

static void test_power(void)
{
    for (unsigned k = 0; deed_images[k]; k++) {
        for (unsigned i = 0; i < n_deeds; i++) {
            if (wanted(&deeds[i], deed_images[k])) {
                lose_power(&deeds[i], deed_images[k], step(97));
            }
        }
    }
}

/* A bit that says that something beside the image fits it is off before anything else changes. */
static void test_autoclear(void)
{
    const Deed plain = {.name = "write"};
    BlockSet *set = blockset_new(NULL);
    uint8_t sector[512] = {1};

    deed_prepare(&plain, deed_images[0]);
    memdisk(DEED_BASE)->data[H_AUTOCLEAR] = 0x40; /* one that nobody knows */
    memdisk_copy(0, DEED_BASE);
    memdisk_log_start(0);
    BlockNode *n = deed_open(set, &plain, 0, BLOCK_RDWR, NULL);
    g_assert_cmpint(node_pwrite(n, 1300 * 512, sector, 512, 0), ==, 0);
    node_unref(n);
    blockset_free(set);
    MemDisk *base = memdisk(DEED_BASE), *state = memdisk(2);
    guint len = memdisk(0)->log->len, off = 0;
    for (guint cut = 1; cut <= len; cut++) {
        for (guint i = memdisk_stable(0, cut); i < cut; i++) {
            memdisk_crash_one(2, 0, cut, i, false);
            bool same = state->size >= base->size && !memcmp(state->data + 512, base->data + 512, base->size - 512);
            g_assert_true(same || !state->data[H_AUTOCLEAR]);
            off += !same;
        }
    }
    g_assert_cmpuint(off, >, 0);
}

/* The name of the data file is stable when it has been changed. */
static void test_data_file_name(void)
{
    const char *json = "{\"data-file\": {\"driver\": \"memdisk\", \"filename\": \"memdisk:6\"}}";
    g_autoptr(json_t) change = json_pack("{s:s}", "data_file", "another");
    BlockSet *set = blockset_new(NULL);
    Error *err = NULL;
    g_autofree char *path = test_image("data", 0), *create = g_strdup_printf("data_file=%s", path);

    memdisk_clear(6);
    q2_create(0, DEED_SIZE, create);
    memdisk_log_start(0);
    BlockNode *n = q2_open_opts(set, 0, BLOCK_RDWR, json, NULL);
    if (!n->drv->amend(n, change, &err)) {
        g_error("%s", error_message(err));
    }
    guint len = memdisk(0)->log->len;
    memdisk_crash_one(2, 0, len, len, false);
    g_assert_nonnull(memmem(memdisk(2)->data, 512, "another", 7));
    node_unref(n);
    blockset_free(set);
}

/* ---- errors ---- */

/* The deed with the @at-th request failing. False: there were not as many. */
static bool fail_at(const Deed *d, const char *image, int err, uint64_t at, bool again, const DeedView *before,
                    const DeedView *after)
{
    g_autofree char *what = g_strdup_printf("%s, %s: %s at request %" G_GUINT64_FORMAT, d->name, image,
                                            err == EIO ? "EIO" : "ENOSPC", at);
    BlockSet *set = blockset_new(NULL);
    MemDisk *m = memdisk(0);
    Error *e = NULL;

    memdisk_copy(0, DEED_BASE);
    BlockNode *n = deed_open(set, d, 0, BLOCK_RDWR | BLOCK_UNMAP | (d->damage ? BLOCK_CHECK : 0), NULL);
    memdisk_log_start(0);
    m->requests = 0;
    m->fail_errno = err;
    m->fail_more = err == ENOSPC ? 3 : 0;
    m->fail_at = at;
    bool ok = d->act(n, &e);
    bool reached = m->requests >= at;
    m->fail_at = 0;
    g_clear_pointer(&e, error_free);
    memdisk_copy(4, 0); /* the program dies now */
    if (!ok && again && !d->done(n)) {
        ok = d->act(n, &e);
        if (!ok) {
            g_error("%s: and then: %s", what, error_message(e));
        }
    }
    if (ok && !d->done(n)) {
        g_error("%s: it said it was done", what);
    }
    node_unref(n);
    blockset_free(set);
    if (!d->damage || ok) {
        deed_judge(d, 0, before, after, what);
    }
    g_autofree char *died = g_strdup_printf("%s, and the program dies", what);
    deed_judge(d, 4, before, after, died);
    return reached;
}

static void fail_everywhere(const Deed *d, const char *image, uint64_t stride)
{
    DeedView *before, *after;
    uint64_t seen = 0;

    run_once(d, image, &before, &after);
    for (unsigned again = 0; again < 2; again++) {
        for (uint64_t at = 1 + again * stride / 2; fail_at(d, image, EIO, at, again, before, after); at += stride) {
            seen++;
        }
        for (uint64_t at = 1; fail_at(d, image, ENOSPC, at, again, before, after); at += stride) {
            seen++;
        }
    }
    g_test_message("%s, %s: %" G_GUINT64_FORMAT " errors", d->name, image, seen);
    deed_view_free(before);
    deed_view_free(after);
}

static void test_errors(void)
{
    for (unsigned k = 0; deed_images[k]; k++) {
        for (unsigned i = 0; i < n_deeds; i++) {
            if (wanted(&deeds[i], deed_images[k])) {
                fail_everywhere(&deeds[i], deed_images[k], step(101));
            }
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qcow2-whole/power", test_power);
    g_test_add_func("/qcow2-whole/autoclear", test_autoclear);
    g_test_add_func("/qcow2-whole/data-file-name", test_data_file_name);
    g_test_add_func("/qcow2-whole/errors", test_errors);
    int ret = g_test_run();
    memdisk_end();
    test_dir_end();
    return ret;
}
