/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "raw": the bytes of the file are the disk; offset= and size= make a window on it.
 *
 * home: as all drivers: open and close on the main loop, requests anywhere.
 */
#include <errno.h>
#include <string.h>

#include "block/node.h"

typedef struct Raw {
    uint64_t offset, size;
    bool has_size;
} Raw;

static int raw_probe(const uint8_t *head, size_t len, const char *filename)
{
    return 1; /* when nothing else fits */
}

static uint64_t whole_sectors(uint64_t bytes)
{
    return (bytes + BLOCK_SECTOR - 1) & ~(uint64_t)(BLOCK_SECTOR - 1);
}

static bool raw_open(BlockNode *n, json_t *opts, Error **errp)
{
    Raw *r = n->priv;
    json_t *size = json_object_get(opts, "size");
    uint64_t real = node_length(n->file);

    r->offset = (uint64_t)json_integer_value(json_object_get(opts, "offset"));
    r->has_size = size != NULL;
    r->size = (uint64_t)json_integer_value(size);
    if (r->offset > real || (r->has_size && r->size > real - r->offset)) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "The sum of offset (%" G_GUINT64_FORMAT ") and size (%" G_GUINT64_FORMAT
                  ") has to be smaller or equal to the actual size of the containing file (%"
                  G_GUINT64_FORMAT ")", r->offset, r->size, real);
        return false;
    }
    if (r->has_size && r->size % BLOCK_SECTOR) {
        error_set(errp, ERR_INVALID_PARAMETER, "Specified size is not multiple of %u", BLOCK_SECTOR);
        return false;
    }
    return true;
}

static uint64_t raw_length(BlockNode *n)
{
    Raw *r = n->priv;

    if (r->has_size) {
        return r->size;
    }
    uint64_t real = node_length(n->file);
    return whole_sectors(real > r->offset ? real - r->offset : 0);
}

static int raw_preadv(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov)
{
    return node_preadv(n->file, offset + ((Raw *)n->priv)->offset, iov, niov);
}

static int raw_pwritev(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                       int niov, unsigned flags)
{
    return node_pwritev(n->file, offset + ((Raw *)n->priv)->offset, iov, niov, flags);
}

static int raw_pwrite_zeroes(BlockNode *n, uint64_t offset, uint64_t bytes, unsigned flags)
{
    return node_pwrite_zeroes(n->file, offset + ((Raw *)n->priv)->offset, bytes, flags);
}

static int raw_pdiscard(BlockNode *n, uint64_t offset, uint64_t bytes)
{
    return node_pdiscard(n->file, offset + ((Raw *)n->priv)->offset, bytes);
}

static int raw_block_status(BlockNode *n, uint64_t offset, uint64_t bytes, uint64_t *pnum,
                            uint64_t *map, BlockNode **file)
{
    Raw *r = n->priv;
    uint64_t at = offset + r->offset;
    int ret = node_block_status(n->file, at, bytes, pnum, map, file);

    if (ret >= 0 && !*pnum) { /* the rest of the last sector */
        *pnum = bytes;
        return STATUS_ZERO | STATUS_ALLOCATED;
    }
    return ret;
}

static bool raw_resolve(BlockNode *n, bool write, uint64_t offset, uint64_t bytes,
                        BlockNode **child, uint64_t *child_offset)
{
    *child = n->file;
    *child_offset = offset + ((Raw *)n->priv)->offset;
    return true;
}

static bool raw_truncate(BlockNode *n, uint64_t size, const char *prealloc, Error **errp)
{
    Raw *r = n->priv;

    if (r->has_size) {
        error_set(errp, ERR_UNSUPPORTED, "Cannot resize fixed-size raw disks");
        return false;
    }
    return node_truncate(n->file, size + r->offset, prealloc, errp);
}

static int64_t raw_allocated(BlockNode *n)
{
    return n->file->drv->allocated ? n->file->drv->allocated(n->file) : -1;
}

static bool raw_create(BlockSet *set, BlockNode *file, const char *filename, json_t *opts,
                       Error **errp)
{
    uint64_t size = (uint64_t)json_integer_value(json_object_get(opts, "size"));
    const char *prealloc = json_string_value(json_object_get(opts, "preallocation"));

    return node_truncate(file, whole_sectors(size), prealloc, errp);
}

static bool raw_measure(json_t *opts, uint64_t size, BlockMeasure *m, Error **errp)
{
    *m = (BlockMeasure){.required = size, .fully_allocated = size, .cluster = 1};
    return true;
}

static const BlockOpt raw_open_opts[] = {
    {"offset", BLOCK_OPT_SIZE, "0", "where in the file the disk begins"},
    {"size", BLOCK_OPT_SIZE, NULL, "bytes of the disk; to the end of the file by default"},
    {0},
};

static const BlockOpt raw_create_opts[] = {
    {"size", BLOCK_OPT_SIZE, NULL, "Virtual disk size"},
    {"preallocation", BLOCK_OPT_STR, "off", "Preallocation mode (allowed values: off, falloc, full)"},
    {0},
};

static const BlockDriver raw_driver = {
    .name = "raw",
    .help = "the bytes of the file are the disk",
    .kind = DRIVER_FORMAT,
    .size = sizeof(Raw),
    .open_opts = raw_open_opts,
    .create_opts = raw_create_opts,
    .probe = raw_probe,
    .open = raw_open,
    .create = raw_create,
    .measure = raw_measure,
    .write_flags = NODE_REQ_FUA,
    .preadv = raw_preadv,
    .pwritev = raw_pwritev,
    .pwrite_zeroes = raw_pwrite_zeroes,
    .pdiscard = raw_pdiscard,
    .block_status = raw_block_status,
    .resolve = raw_resolve,
    .length = raw_length,
    .truncate = raw_truncate,
    .allocated = raw_allocated,
};
BLOCK_DRIVER(raw_driver);
