/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compare: do two images have the same contents? Exit status 0: yes, 1: no, 2 to 4: errors in
 * opening, in reading metadata, in reading data.
 */
#include <string.h>

#include "base/units.h"
#include "tools/rhea-img.h"

#define CHUNK (256 * KiB) /* both buffers stay in the processor's cache */

enum { SAME, DIFFERENT, CANNOT_OPEN, CANNOT_LOOK, CANNOT_READ };

typedef struct Compare {
    ImgArgs *args;
    BlockNode *n[2];
    uint8_t *buf[2];
    uint64_t longer;
    bool strict;
} Compare;

static int read_one(Compare *c, int i, uint64_t offset, uint64_t bytes)
{
    int ret = node_pread(c->n[i], offset, c->buf[i], bytes);

    return ret < 0 ? img_fail(CANNOT_READ, "Error while reading offset %" G_GUINT64_FORMAT " of %s: %s",
                              offset, c->n[i]->filename, g_strerror(-ret))
                   : SAME;
}

static int mismatch(Compare *c, uint64_t offset)
{
    img_say(c->args, "Content mismatch at offset %" G_GUINT64_FORMAT "!\n", offset);
    return DIFFERENT;
}

/* Is all of it zeroes in that image? Reads a chunk at a time. */
static int expect_zero(Compare *c, int i, uint64_t offset, uint64_t bytes)
{
    for (uint64_t n; bytes; offset += n, bytes -= n) {
        n = MIN(bytes, CHUNK);
        int status = read_one(c, i, offset, n);
        bool zero = false;
        if (status) {
            return status;
        }
        if (!img_is_zero(c->buf[i], n)) {
            uint64_t run = img_zero_run(c->buf[i], n, BLOCK_SECTOR, &zero);
            return mismatch(c, offset + (zero ? run : 0));
        }
        img_progress(c->args, (double)(offset + n) / (double)c->longer);
    }
    return SAME;
}

static int compare_data(Compare *c, uint64_t offset, uint64_t bytes)
{
    int status = read_one(c, 0, offset, bytes);

    status = status ? status : read_one(c, 1, offset, bytes);
    if (status || !memcmp(c->buf[0], c->buf[1], bytes)) {
        return status;
    }
    /* qemu-img names the sector where the difference starts */
    uint64_t at = 0;
    while (!memcmp(c->buf[0] + at, c->buf[1] + at, MIN(BLOCK_SECTOR, bytes - at))) {
        at += BLOCK_SECTOR;
    }
    return mismatch(c, offset + at);
}

static int status_of(Compare *c, int i, uint64_t offset, uint64_t bytes, uint64_t *got)
{
    int st = node_block_status_above(c->n[i], NULL, offset, MIN(bytes, GiB), got, NULL, NULL);

    if (st < 0) {
        img_fail(0, "Sector allocation test failed for %s: %s", c->n[i]->filename, g_strerror(-st));
    }
    *got = st >= 0 && *got ? *got : MIN(bytes, GiB);
    return st;
}

/* Both have these bytes; *done is how many were compared. */
static int compare_piece(Compare *c, uint64_t offset, uint64_t bytes, uint64_t *done)
{
    const int kind = STATUS_DATA | STATUS_ZERO | STATUS_ALLOCATED | STATUS_OFFSET;
    uint64_t got[2];
    int st[2];

    for (int i = 0; i < 2; i++) {
        st[i] = status_of(c, i, offset, bytes, &got[i]);
        if (st[i] < 0) {
            return CANNOT_LOOK;
        }
    }
    *done = MIN(got[0], got[1]);
    if (c->strict && (st[0] & kind) != (st[1] & kind)) {
        img_say(c->args, "Strict mode: Offset %" G_GUINT64_FORMAT " block status mismatch!\n", offset);
        return DIFFERENT;
    }
    bool zero[2] = {st[0] & STATUS_ZERO, st[1] & STATUS_ZERO};
    if (zero[0] && zero[1]) {
        return SAME;
    }
    if (zero[0] || zero[1]) {
        return expect_zero(c, zero[0], offset, *done);
    }
    *done = MIN(*done, CHUNK);
    return compare_data(c, offset, *done);
}

static int compare_tail(Compare *c, uint64_t offset, int longer)
{
    while (offset < c->longer) {
        uint64_t got;
        int st = status_of(c, longer, offset, c->longer - offset, &got);
        if (st < 0) {
            return CANNOT_LOOK;
        }
        int status = st & STATUS_ZERO || !(st & STATUS_ALLOCATED)
                         ? SAME : expect_zero(c, longer, offset, got);
        if (status) {
            return status;
        }
        offset += got;
        img_progress(c->args, (double)offset / (double)c->longer);
    }
    return SAME;
}

static int compare(Compare *c)
{
    uint64_t size[2] = {c->n[0]->size, c->n[1]->size}, common = MIN(size[0], size[1]), done;

    if (c->strict && size[0] != size[1]) {
        img_say(c->args, "Strict mode: Image size mismatch!\n");
        return DIFFERENT;
    }
    for (uint64_t offset = 0; offset < common; offset += done) {
        int status = compare_piece(c, offset, common - offset, &done);
        if (status) {
            return status;
        }
        img_progress(c->args, (double)(offset + done) / (double)c->longer);
    }
    if (size[0] != size[1]) {
        img_say(c->args, "Warning: Image size mismatch!\n");
        int status = compare_tail(c, common, size[1] > size[0]);
        if (status) {
            return status;
        }
    }
    img_say(c->args, "Images are identical.\n");
    return SAME;
}

static bool open_both(Compare *c, const ImgCache *cache)
{
    static const int formats[] = {'f', 'F'};
    ImgArgs *a = c->args;

    for (guint i = 0; i < 2; i++) {
        Error *err = NULL;
        c->n[i] = img_open(a, img_file(a, i), img_arg(a, formats[i]), cache->flags,
                           img_has(a, IMG_IMAGE_OPTS), &err);
        if (!c->n[i]) {
            img_failed(CANNOT_OPEN, err);
            return false;
        }
        c->buf[i] = node_alloc_buffer(c->n[i], CHUNK);
        c->longer = MAX(c->longer, c->n[i]->size);
    }
    return true;
}

static int run_compare(ImgArgs *a)
{
    Compare c = {.args = a, .strict = img_has(a, 's')};
    ImgCache cache;
    int status = CANNOT_OPEN;

    if (!img_operands(a, 2, 2, "Expecting two image file names") ||
        !img_cache(a, 'T', "source cache", "writeback", &cache)) {
        return CANNOT_OPEN;
    }
    if (open_both(&c, &cache)) {
        img_progress_start(a, img_has(a, 'p'));
        status = compare(&c);
        if (status == SAME) {
            img_progress(a, 1);
        }
        img_progress_end(a);
    }
    for (int i = 0; i < 2; i++) {
        node_free_buffer(c.buf[i]);
        node_unref(c.n[i]);
    }
    return status;
}

static const ImgOpt compare_opts[] = {
    {'f', "format", "FMT", "format of the first image"},
    {'F', "backing-format", "FMT", "format of the second image"},
    {'s', "strict", NULL, "sizes and what is allocated have to be the same too"},
    IMG_OPT_SRC_CACHE,
    IMG_OPT_SHARE,
    IMG_OPT_PROGRESS,
    IMG_OPT_QUIET,
    IMG_OPT_IMAGE_OPTS,
    IMG_OPT_HELP,
    IMG_OPT_END,
};

static const ImgCommand compare_command = {
    .name = "compare",
    .operands = "FILE1 FILE2",
    .help = "compare the contents of two images",
    .opts = compare_opts,
    .error_status = CANNOT_OPEN,
    .run = run_compare,
};
IMG_COMMAND(compare_command);
