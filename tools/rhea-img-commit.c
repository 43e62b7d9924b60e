/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * commit: writes what an image has over its backing file into that file, and empties the image.
 *
 * The images from the top down to the base are opened each by itself, without their backing
 * files: the base has to be writable, which nobody's backing file is.
 */
#include <string.h>

#include "base/units.h"
#include "tools/rhea-img.h"

#define CHUNK (2 * MiB)
#define WORKERS 4

typedef struct Commit {
    ImgArgs *args;
    GPtrArray *layers; /* BlockNode, the top first */
    BlockNode *base;
    unsigned flags;
} Commit;

static BlockNode *top(Commit *c)
{
    return c->layers->pdata[0];
}

/* The layer that says what is there, NULL: none of them does. A layer that ends before it hides
 * what is below with zeroes. */
static BlockNode *layer_at(Commit *c, uint64_t offset, uint64_t *bytes, int *st, Error **errp)
{
    for (guint i = 0; i < c->layers->len; i++) {
        BlockNode *n = c->layers->pdata[i];
        uint64_t got;
        if (offset >= n->size) {
            *st = STATUS_ZERO | STATUS_ALLOCATED;
            return n;
        }
        *st = node_block_status(n, offset, *bytes, &got, NULL, NULL);
        if (*st < 0) {
            error_set_errno(errp, -*st, "error while reading metadata of '%s'", n->filename);
            return NULL;
        }
        *bytes = got ? MIN(*bytes, got) : *bytes;
        if (*st & STATUS_ALLOCATED) {
            return n;
        }
    }
    return NULL;
}

static int plan(Copy *k, uint64_t offset, uint64_t *bytes, CopyKind *kind, Error **errp)
{
    int st;

    *bytes = MIN(*bytes, GiB);
    BlockNode *n = layer_at(k->opaque, offset, bytes, &st, errp);
    *kind = !n ? COPY_SKIP : st & STATUS_ZERO ? COPY_ZERO : COPY_DATA;
    return MIN(st, 0);
}

static int read_layer(Copy *k, uint64_t offset, void *buf, uint64_t bytes, Error **errp)
{
    uint64_t n_bytes = bytes;
    int st;
    BlockNode *n = layer_at(k->opaque, offset, &n_bytes, &st, errp);

    if (st < 0) {
        return st;
    }
    int ret = node_pread(n, offset, buf, bytes);
    if (ret < 0) {
        error_set_errno(errp, -ret, "error while reading '%s'", n->filename);
    }
    return ret;
}

static int write_base(Copy *k, uint64_t offset, void *buf, uint64_t bytes, CopyKind kind,
                      Error **errp)
{
    Commit *c = k->opaque;
    int ret = kind == COPY_ZERO
                  ? node_pwrite_zeroes(c->base, offset, bytes, c->flags | NODE_REQ_UNMAP)
                  : node_pwrite(c->base, offset, buf, bytes, c->flags);

    if (ret < 0) {
        error_set_errno(errp, -ret, "error while writing '%s'", c->base->filename);
    }
    return ret;
}

/* ---- the chain ---- */

/* Opens downwards until the base, which is to be written. */
static bool open_chain(Commit *c, const ImgCache *cache, Error **errp)
{
    ImgArgs *a = c->args;
    const char *wanted = img_arg(a, 'b');

    for (BlockNode *n = top(c);;) {
        if (!n->backing_file || !*n->backing_file) {
            error_set(errp, ERR_GENERIC, wanted ? "Did not find '%s' in the backing chain of '%s'"
                                                : "Image does not have a backing file",
                      wanted, img_file(a, 0));
            return false;
        }
        g_autofree char *path = block_backing_path(n->filename, n->backing_file);
        bool found = !wanted || !strcmp(wanted, n->backing_file) || !strcmp(wanted, path);
        unsigned flags = found ? BLOCK_RDWR | BLOCK_UNMAP | cache->flags : BLOCK_NO_BACKING;
        n = node_open_file(a->set, path, n->backing_format, flags, NULL, errp);
        if (!n) {
            return false;
        }
        if (found) {
            c->base = n;
            return true;
        }
        g_ptr_array_add(c->layers, n);
    }
}

static bool commit(Commit *c, uint64_t rate, Error **errp)
{
    ImgArgs *a = c->args;
    bool empty = !img_has(a, 'd') && !img_has(a, 'b');
    Copy k = {.args = a, .total = top(c)->size, .chunk = CHUNK, .workers = WORKERS, .ordered = true,
              .rate = rate, .plan = plan, .read = read_layer, .write = write_base, .opaque = c};

    if (c->base->size < k.total && !node_truncate(c->base, k.total, "off", errp)) {
        return false;
    }
    img_progress_start(a, img_has(a, 'p'));
    bool ok = img_copy(&k, errp);
    img_progress_end(a);
    int ret = ok ? node_flush(c->base) : 0;
    if (ret < 0) {
        error_set_errno(errp, -ret, "could not flush '%s'", c->base->filename);
    }
    if (!ok || ret < 0) {
        return false;
    }
    if (empty && top(c)->drv->make_empty && !top(c)->drv->make_empty(top(c), errp)) {
        error_prepend(errp, "Could not empty %s: ", img_file(a, 0));
        return false;
    }
    return true;
}

static void unref(gpointer n)
{
    node_unref(n);
}

static int run_commit(ImgArgs *a)
{
    Commit c = {.args = a};
    ImgCache cache;
    uint64_t rate = 0;
    bool keep = img_has(a, 'd') || img_has(a, 'b');

    if (!img_operands(a, 1, 1, "Expecting one image file name") ||
        !img_size_arg(a, 'r', "rate limit", &rate) ||
        !img_cache(a, 't', "cache", "writeback", &cache)) {
        return 1;
    }
    c.flags = cache.writethrough ? NODE_REQ_FUA : 0;
    BlockNode *n = img_open_main(a, img_file(a, 0), BLOCK_NO_BACKING | BLOCK_UNMAP |
                                                        cache.flags | (keep ? 0 : BLOCK_RDWR));
    if (!n) {
        return 1;
    }
    Error *err = NULL;
    c.layers = g_ptr_array_new_with_free_func(unref);
    g_ptr_array_add(c.layers, n);
    bool ok = open_chain(&c, &cache, &err) && commit(&c, rate, &err);
    node_unref(c.base);
    g_ptr_array_unref(c.layers);
    if (!ok) {
        return img_failed(1, err);
    }
    img_say(a, "Image committed.\n");
    return 0;
}

static const ImgOpt commit_opts[] = {
    IMG_OPT_FORMAT,
    {'b', "base", "FILE", "commit down to this one of the backing files"},
    {'d', "drop", NULL, "do not empty the image: it will be deleted (-b does not either)"},
    {'r', "rate-limit", "RATE", "bytes per second"},
    IMG_OPT_CACHE,
    IMG_OPT_PROGRESS,
    IMG_OPT_QUIET,
    IMG_OPT_IMAGE_OPTS,
    IMG_OPT_HELP,
    IMG_OPT_END,
};

static const ImgCommand commit_command = {
    .name = "commit",
    .operands = "FILE",
    .help = "write an image's changes into its backing file",
    .opts = commit_opts,
    .run = run_commit,
};
IMG_COMMAND(commit_command);
