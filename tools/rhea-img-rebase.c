/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rebase: another backing file for an image, with its contents kept (safe mode) or only its name
 * changed (-u).
 *
 * Safe mode writes into the image what it has from the old backing file and the new one has
 * otherwise; then the name changes. Cut off in between, the image is whole, with the old name.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "tools/rhea-img.h"

#define CHUNK (2 * MiB)

typedef struct Rebase {
    ImgArgs *args;
    BlockNode *n, *fresh; /* the image; its new backing file, or NULL */
    uint8_t *old_buf, *new_buf;
    unsigned flags;       /* of writes */
} Rebase;

/* A chunk that the image itself does not have: keep what differs. */
static int keep_differences(Rebase *r, uint64_t offset, uint64_t bytes)
{
    int ret = 0;

    for (uint64_t at = 0, len; at < bytes && ret == 0; at += len) {
        /* A run of sectors that are all equal, or all different. */
        len = MIN(BLOCK_SECTOR, bytes - at);
        bool same = !memcmp(r->old_buf + at, r->new_buf + at, len);
        while (at + len < bytes) {
            uint64_t n = MIN(BLOCK_SECTOR, bytes - at - len);
            if (!memcmp(r->old_buf + at + len, r->new_buf + at + len, n) != same) {
                break;
            }
            len += n;
        }
        if (!same) {
            ret = img_is_zero(r->old_buf + at, len)
                      ? node_pwrite_zeroes(r->n, offset + at, len, r->flags)
                      : node_pwrite(r->n, offset + at, r->old_buf + at, len, r->flags);
        }
    }
    return ret;
}

static int read_backing(BlockNode *n, uint64_t offset, void *buf, uint64_t bytes)
{
    if (!n) {
        memset(buf, 0, bytes);
        return 0;
    }
    return node_pread(n, offset, buf, bytes); /* zeroes behind its end */
}

static bool reads_zero(BlockNode *n, uint64_t offset, uint64_t *bytes)
{
    uint64_t got;

    if (!n || offset >= n->size) {
        return true;
    }
    int st = node_block_status_above(n, NULL, offset, *bytes, &got, NULL, NULL);
    *bytes = got ? MIN(*bytes, got) : *bytes;
    return st >= 0 && st & STATUS_ZERO;
}

/* *bytes becomes what was dealt with. */
static bool rebase_piece(Rebase *r, uint64_t offset, uint64_t *bytes, Error **errp)
{
    uint64_t got;
    int st = node_block_status(r->n, offset, *bytes, &got, NULL, NULL);

    if (st < 0) {
        error_set_errno(errp, -st, "error while reading image metadata");
        return false;
    }
    *bytes = got ? got : *bytes;
    if (st & STATUS_ALLOCATED) {
        return true;
    }
    bool old_zero = reads_zero(r->n->backing, offset, bytes);
    if (reads_zero(r->fresh, offset, bytes) && old_zero) {
        return true;
    }
    *bytes = MIN(*bytes, CHUNK);
    int ret = read_backing(r->n->backing, offset, r->old_buf, *bytes);
    if (ret < 0) {
        error_set_errno(errp, -ret, "error while reading from old backing file");
        return false;
    }
    ret = read_backing(r->fresh, offset, r->new_buf, *bytes);
    if (ret < 0) {
        error_set_errno(errp, -ret, "error while reading from new backing file");
        return false;
    }
    ret = keep_differences(r, offset, *bytes);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Error while writing to COW image");
    }
    return ret == 0;
}

static bool merge_all(Rebase *r, Error **errp)
{
    uint64_t size = r->n->size, done;
    bool ok = true;

    r->old_buf = node_alloc_buffer(r->n, CHUNK);
    r->new_buf = node_alloc_buffer(r->n, CHUNK);
    img_progress_start(r->args, img_has(r->args, 'p'));
    for (uint64_t at = 0; at < size && ok; at += done) {
        done = MIN(size - at, GiB);
        ok = rebase_piece(r, at, &done, errp);
        img_progress(r->args, (double)(at + done) / (double)size);
    }
    int ret = ok ? node_flush(r->n) : 0;
    if (ret < 0) {
        error_set_errno(errp, -ret, "could not flush the image");
        ok = false;
    }
    img_progress_end(r->args);
    node_free_buffer(r->old_buf);
    node_free_buffer(r->new_buf);
    return ok;
}

static bool open_new(Rebase *r, const char *backing, const ImgCache *cache, Error **errp)
{
    g_autofree char *path = block_backing_path(r->n->filename, backing);

    r->fresh = node_open_file(r->args->set, path, img_arg(r->args, 'F'), cache->flags, NULL, errp);
    if (!r->fresh) {
        error_prepend(errp, "Could not open new backing file '%s': ", backing);
    }
    return r->fresh != NULL;
}

static bool rebase(Rebase *r, const ImgCache *source_cache, Error **errp)
{
    ImgArgs *a = r->args;
    const char *backing = img_arg(a, 'b'), *format = img_arg(a, 'F');
    bool none = !backing || !*backing;

    if (!r->n->drv->change_backing) {
        error_set(errp, ERR_UNSUPPORTED, "Could not change the backing file to '%s': Operation not "
                  "supported by format '%s'", backing ? backing : "", r->n->drv->name);
        return false;
    }
    if (!none && !format) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "Could not change the backing file to '%s': backing format must be specified", backing);
        error_hint(errp, "-F says it");
        return false;
    }
    if (format && !block_driver_find(format, errp)) {
        error_prepend(errp, "Invalid format name: ");
        return false;
    }
    if (!img_has(a, 'u') && ((!none && !open_new(r, backing, source_cache, errp)) ||
                             !merge_all(r, errp))) {
        return false;
    }
    if (r->n->drv->change_backing(r->n, none ? NULL : backing, none ? NULL : format, errp)) {
        return true;
    }
    error_prepend(errp, "Could not change the backing file to '%s': ", none ? "" : backing);
    return false;
}

static int run_rebase(ImgArgs *a)
{
    Rebase r = {.args = a};
    ImgCache cache, source_cache;
    bool unsafe = img_has(a, 'u');

    if (!img_operands(a, 1, 1, "Expecting one image file name") ||
        !img_cache(a, 't', "cache", "writeback", &cache) ||
        !img_cache(a, 'T', "source cache", "writeback", &source_cache)) {
        return 1;
    }
    if (!unsafe && !img_has(a, 'b')) {
        return img_fail(1, "Must specify backing file (-b) or use unsafe mode (-u)");
    }
    r.flags = cache.writethrough ? NODE_REQ_FUA : 0;
    r.n = img_open_main(a, img_file(a, 0), BLOCK_RDWR | cache.flags | (unsafe ? BLOCK_NO_BACKING : 0));
    if (!r.n) {
        return 1;
    }
    Error *err = NULL;
    rebase(&r, &source_cache, &err);
    node_unref(r.fresh);
    node_unref(r.n);
    return err ? img_failed(1, err) : 0;
}

static const ImgOpt rebase_opts[] = {
    IMG_OPT_FORMAT,
    {'b', "backing-file", "FILE", "the new backing file; an empty name: none"},
    {'F', "backing-format", "FMT", "its format"},
    {'u', "backing-unsafe", NULL, "only change the name: the contents have to be the same"},
    IMG_OPT_CACHE,
    IMG_OPT_SRC_CACHE,
    IMG_OPT_PROGRESS,
    IMG_OPT_SHARE,
    IMG_OPT_QUIET,
    IMG_OPT_IMAGE_OPTS,
    IMG_OPT_HELP,
    IMG_OPT_END,
};

static const ImgCommand rebase_command = {
    .name = "rebase",
    .operands = "FILE",
    .help = "give an image another backing file",
    .opts = rebase_opts,
    .run = run_rebase,
};
IMG_COMMAND(rebase_command);
