/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "null-co", "null-aio": a disk of any size that forgets what is written and reads as zeroes, or,
 * without read-zeroes=on, as whatever was in the buffer. For measuring everything but a disk.
 *
 * home: any thread.
 */
#include <errno.h>

#include "base/iov.h"
#include "block/node.h"

typedef struct Null {
    uint64_t size, latency_us;
    bool zeroes;
} Null;

static bool null_open(BlockNode *n, json_t *opts, Error **errp)
{
    Null *s = n->priv;
    json_int_t latency = json_integer_value(json_object_get(opts, "latency-ns"));

    if (latency < 0) {
        error_set(errp, ERR_INVALID_PARAMETER, "latency-ns is invalid");
        return false;
    }
    s->size = (uint64_t)json_integer_value(json_object_get(opts, "size"));
    s->latency_us = (uint64_t)latency / 1000;
    s->zeroes = json_is_true(json_object_get(opts, "read-zeroes"));
    n->filename = n->filename ? n->filename : g_strdup_printf("%s://", n->drv->name);
    return true;
}

static int wait_a_bit(BlockNode *n)
{
    Null *s = n->priv;

    if (s->latency_us) {
        g_usleep(s->latency_us);
    }
    return 0;
}

static int null_preadv(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                       int niov)
{
    if (((Null *)n->priv)->zeroes) {
        iov_memset(iov, niov, 0, 0, bytes);
    }
    return wait_a_bit(n);
}

static int null_pwritev(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                        int niov, unsigned flags)
{
    return wait_a_bit(n);
}

static int null_try_preadv(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                           int niov)
{
    return ((Null *)n->priv)->latency_us ? -EAGAIN : null_preadv(n, offset, bytes, iov, niov);
}

static int null_try_pwritev(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                            int niov, unsigned flags)
{
    return ((Null *)n->priv)->latency_us ? -EAGAIN : 0;
}

static int null_pwrite_zeroes(BlockNode *n, uint64_t offset, uint64_t bytes, unsigned flags)
{
    return wait_a_bit(n);
}

static int null_pdiscard(BlockNode *n, uint64_t offset, uint64_t bytes)
{
    return wait_a_bit(n);
}

static int null_flush(BlockNode *n)
{
    return wait_a_bit(n);
}

static int null_block_status(BlockNode *n, uint64_t offset, uint64_t bytes, uint64_t *pnum,
                             uint64_t *map, BlockNode **file)
{
    *pnum = bytes;
    *map = offset;
    *file = n;
    return STATUS_OFFSET | STATUS_ALLOCATED |
           (((Null *)n->priv)->zeroes ? STATUS_ZERO : STATUS_DATA);
}

static uint64_t null_length(BlockNode *n)
{
    return ((Null *)n->priv)->size;
}

static int64_t null_allocated(BlockNode *n)
{
    return 0;
}

static bool null_co_claims(const char *filename)
{
    return g_str_has_prefix(filename, "null-co://");
}

static bool null_aio_claims(const char *filename)
{
    return g_str_has_prefix(filename, "null-aio://");
}

static const BlockOpt null_opts[] = {
    {"size", BLOCK_OPT_SIZE, "1073741824", "bytes of the disk"},
    {"latency-ns", BLOCK_OPT_INT, "0", "how long a request takes"},
    {"read-zeroes", BLOCK_OPT_BOOL, "off", "reads fill the buffer"},
    {"filename", BLOCK_OPT_STR, NULL, "null-co:// or null-aio://"},
    {0},
};

#define NULL_OPS                                                                                  \
    .kind = DRIVER_PROTOCOL, .size = sizeof(Null), .open_opts = null_opts, .open = null_open,     \
    .write_flags = NODE_REQ_FUA, .preadv = null_preadv, .pwritev = null_pwritev,                  \
    .pwrite_zeroes = null_pwrite_zeroes, .pdiscard = null_pdiscard, .flush = null_flush,          \
    .block_status = null_block_status, .try_preadv = null_try_preadv,                             \
    .try_pwritev = null_try_pwritev, .length = null_length, .allocated = null_allocated

static const BlockDriver null_co_driver = {
    .name = "null-co", .help = "forgets what is written", .claims = null_co_claims, NULL_OPS,
};
BLOCK_DRIVER(null_co_driver);

static const BlockDriver null_aio_driver = {
    .name = "null-aio", .help = "the same as null-co", .claims = null_aio_claims, NULL_OPS,
};
BLOCK_DRIVER(null_aio_driver);
