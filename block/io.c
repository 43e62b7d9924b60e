/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests on nodes as blocking calls: limits, padding to the node's blocks, splitting, fallbacks
 * for what a driver cannot do.
 *
 * A write that has to be padded reads the rest of its first and last block, so it excludes every
 * other write to those blocks meanwhile; only nodes with blocks pay for that.
 *
 * home: any thread that may block.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/iov.h"
#include "block/internal.h"

#define MAX_IOV 1024
#define ZERO_CHUNK (1u << 20)
#define BUFFER_ALIGN 4096

void *node_alloc_buffer(BlockNode *n, size_t bytes)
{
    void *p = NULL;

    if (posix_memalign(&p, BUFFER_ALIGN, bytes ? bytes : 1)) {
        g_error("out of memory: %zu bytes for a disk request", bytes);
    }
    return p;
}

void node_free_buffer(void *p)
{
    free(p);
}

/* ---- ranges ---- */

static uint64_t size_of(BlockNode *n)
{
    return __atomic_load_n(&n->size, __ATOMIC_ACQUIRE);
}

/* Files grow under a writer; a disk has its size. */
static bool may_grow(const BlockNode *n)
{
    return n->drv->kind != DRIVER_FORMAT;
}

static bool bad_range(uint64_t offset, uint64_t bytes)
{
    return offset > INT64_MAX || bytes > INT64_MAX - offset;
}

static void grew(BlockNode *n, uint64_t end)
{
    uint64_t now = size_of(n);

    while (may_grow(n) && end > now &&
           !__atomic_compare_exchange_n(&n->size, &now, end, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE)) {
    }
}

void node_wrote(BlockNode *n, uint64_t end)
{
    uint64_t now = __atomic_load_n(&n->core->highest_write, __ATOMIC_RELAXED);

    while (end > now && !__atomic_compare_exchange_n(&n->core->highest_write, &now, end, false,
                                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
    grew(n, end);
}

static void enter(BlockNode *n)
{
    __atomic_fetch_add(&n->core->in_flight, 1, __ATOMIC_ACQ_REL);
}

static int leave(BlockNode *n, int ret)
{
    __atomic_fetch_sub(&n->core->in_flight, 1, __ATOMIC_ACQ_REL);
    return ret;
}

/* ---- exclusion of writes that share a block ---- */

static bool overlaps(BlockNode *n, const WriteRange *r)
{
    for (const WriteRange *w = n->core->writes; w; w = w->next) {
        if (w->start < r->end && r->start < w->end) {
            return true;
        }
    }
    return false;
}

static void range_enter(BlockNode *n, WriteRange *r, uint64_t offset, uint64_t bytes)
{
    uint64_t mask = n->alignment - 1;

    *r = (WriteRange){offset & ~mask, (offset + bytes + mask) & ~mask, NULL};
    if (!mask) {
        return;
    }
    g_mutex_lock(&n->core->lock);
    while (overlaps(n, r)) {
        n->core->write_waiters++;
        g_cond_wait(&n->core->cond, &n->core->lock);
        n->core->write_waiters--;
    }
    r->next = n->core->writes;
    n->core->writes = r;
    g_mutex_unlock(&n->core->lock);
}

bool node_try_write_range(BlockNode *n, WriteRange *r, uint64_t offset, uint64_t bytes)
{
    if ((offset | bytes) & (n->alignment - 1)) {
        return false;
    }
    *r = (WriteRange){offset, offset + bytes, NULL};
    if (n->alignment == 1) {
        return true;
    }
    g_mutex_lock(&n->core->lock);
    bool free = !overlaps(n, r);
    if (free) {
        r->next = n->core->writes;
        n->core->writes = r;
    }
    g_mutex_unlock(&n->core->lock);
    return free;
}

void node_end_write_range(BlockNode *n, WriteRange *r)
{
    if (n->alignment == 1) {
        return;
    }
    g_mutex_lock(&n->core->lock);
    for (WriteRange **p = &n->core->writes; *p; p = &(*p)->next) {
        if (*p == r) {
            *p = r->next;
            break;
        }
    }
    if (n->core->write_waiters) {
        g_cond_broadcast(&n->core->cond);
    }
    g_mutex_unlock(&n->core->lock);
}

/* ---- splitting ---- */

static uint64_t piece_limit(const BlockNode *n)
{
    uint64_t limit = n->max_transfer ? n->max_transfer : 1u << 30;

    return MAX(limit & ~(uint64_t)(n->alignment - 1), n->alignment);
}

static int read_piece(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                      int niov, unsigned flags)
{
    return n->drv->preadv ? n->drv->preadv(n, offset, bytes, iov, niov) : -ENOTSUP;
}

static int write_piece(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                       int niov, unsigned flags)
{
    return n->drv->pwritev ? n->drv->pwritev(n, offset, bytes, iov, niov, flags) : -ENOTSUP;
}

typedef int PieceFn(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                    int niov, unsigned flags);

/*
 * Hands [offset, +bytes) of the vector to fn in pieces the driver can take. A piece is a whole
 * number of blocks, except the last.
 */
static int in_pieces(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                     int niov, unsigned flags, PieceFn *fn)
{
    uint64_t limit = piece_limit(n);

    if (bytes <= limit && niov <= MAX_IOV && iov_size(iov, niov) == bytes) {
        return fn(n, offset, bytes, iov, niov, flags);
    }
    g_autofree struct iovec *part = g_new(struct iovec, MAX_IOV);
    for (uint64_t done = 0; done < bytes;) {
        uint64_t want = MIN(limit, bytes - done);
        int k = iov_slice(iov, niov, done, want, part, MAX_IOV);
        uint64_t have = iov_size(part, k);
        int ret;
        if (have < want && have < n->alignment) { /* a block in over a thousand crumbs */
            want = MIN(n->alignment, bytes - done);
            void *buf = node_alloc_buffer(n, want);
            const struct iovec one = {buf, want};
            if (fn == write_piece) {
                iov_to_buf(iov, niov, done, buf, want);
            }
            ret = fn(n, offset + done, want, &one, 1, flags);
            if (fn == read_piece && ret == 0) {
                iov_from_buf(iov, niov, done, buf, want);
            }
            node_free_buffer(buf);
            have = want;
        } else {
            if (have < want) {
                have &= ~(uint64_t)(n->alignment - 1);
                k = iov_slice(iov, niov, done, have, part, MAX_IOV);
            }
            ret = fn(n, offset + done, have, part, k, flags);
        }
        if (ret < 0) {
            return ret;
        }
        done += have;
    }
    return 0;
}

/* ---- reading ---- */

/* The vector with a buffer before and after it: a request made whole blocks. */
typedef struct Padded {
    uint64_t head, tail; /* bytes added */
    uint8_t *buf;        /* both of them: first and last block */
    struct iovec *iov;
    int niov;
} Padded;

static bool pad(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov,
                Padded *p)
{
    uint64_t mask = n->alignment - 1, end = offset + bytes;

    *p = (Padded){offset & mask, -end & mask};
    if (!p->head && !p->tail) {
        return false;
    }
    p->buf = node_alloc_buffer(n, 2 * (mask + 1));
    p->iov = g_new(struct iovec, niov + 2);
    if (p->head) {
        p->iov[p->niov++] = (struct iovec){p->buf, p->head};
    }
    p->niov += iov_slice(iov, niov, 0, bytes, p->iov + p->niov, niov);
    if (p->tail) {
        p->iov[p->niov++] = (struct iovec){p->buf + 2 * (mask + 1) - p->tail, p->tail};
    }
    return true;
}

static void pad_free(Padded *p)
{
    node_free_buffer(p->buf);
    g_free(p->iov);
}

/* Inside the node. */
static int read_inside(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                       int niov)
{
    Padded p;

    if (n->alignment == 1 || !pad(n, offset, bytes, iov, niov, &p)) {
        return in_pieces(n, offset, bytes, iov, niov, 0, read_piece);
    }
    int ret = in_pieces(n, offset - p.head, bytes + p.head + p.tail, p.iov, p.niov, 0, read_piece);
    pad_free(&p);
    return ret;
}

int node_preadv(BlockNode *n, uint64_t offset, const struct iovec *iov, int niov)
{
    uint64_t bytes = iov_size(iov, niov), size = size_of(n);

    if (bad_range(offset, bytes)) {
        return -EINVAL;
    }
    uint64_t inside = offset >= size ? 0 : MIN(bytes, size - offset);
    if (inside < bytes) {
        iov_memset(iov, niov, inside, 0, bytes - inside);
    }
    if (!inside) {
        return 0;
    }
    enter(n);
    if (inside == bytes) {
        return leave(n, read_inside(n, offset, bytes, iov, niov));
    }
    g_autofree struct iovec *part = g_new(struct iovec, niov);
    int k = iov_slice(iov, niov, 0, inside, part, niov);
    return leave(n, read_inside(n, offset, inside, part, k));
}

int node_pread(BlockNode *n, uint64_t offset, void *buf, size_t bytes)
{
    const struct iovec one = {buf, bytes};

    return node_preadv(n, offset, &one, 1);
}

/* ---- writing ---- */

static int writable(BlockNode *n, uint64_t offset, uint64_t bytes)
{
    if (!(n->flags & BLOCK_RDWR)) {
        return -EROFS;
    }
    return bad_range(offset, bytes) || (!may_grow(n) && offset + bytes > size_of(n)) ? -EINVAL : 0;
}

/* A raw image that was recognized by guessing must not be turned into another format. */
static int guard_head(BlockNode *n, uint64_t offset, const struct iovec *iov, int niov)
{
    uint8_t head[BLOCK_SECTOR] = {0};

    if (!n->core->probed_raw || offset >= sizeof(head)) {
        return 0;
    }
    if (n->size > offset && node_pread(n, 0, head, MIN(sizeof(head), n->size)) < 0) {
        return -EIO;
    }
    iov_to_buf(iov, niov, 0, head + offset, sizeof(head) - offset);
    REGISTRY_FOREACH (BlockDriver, it) {
        if ((*it)->probe && strcmp((*it)->name, "raw") &&
            (*it)->probe(head, sizeof(head), n->filename) > 0) {
            return -EPERM;
        }
    }
    return 0;
}

/* Fills the padding from the node; the tail beyond its end is not written at all. */
static int write_padded(BlockNode *n, uint64_t offset, uint64_t bytes, Padded *p, unsigned flags)
{
    uint64_t block = n->alignment, start = offset - p->head, end = offset + bytes + p->tail;
    uint64_t size = size_of(n);
    int ret = 0;

    if (p->head) {
        g_autofree struct iovec *all = NULL;
        uint8_t *b = node_alloc_buffer(n, block);
        ret = node_pread(n, start, b, block);
        memcpy(p->buf, b, p->head);
        node_free_buffer(b);
    }
    if (ret == 0 && p->tail) {
        uint8_t *b = node_alloc_buffer(n, block);
        ret = node_pread(n, end - block, b, block);
        memcpy(p->buf + 2 * block - p->tail, b + block - p->tail, p->tail);
        node_free_buffer(b);
    }
    if (ret < 0) {
        return ret;
    }
    uint64_t limit = MAX(size, offset + bytes);
    if (end > limit) {
        p->iov[p->niov - 1].iov_len -= end - limit;
        end = limit;
    }
    return in_pieces(n, start, end - start, p->iov, p->niov, flags, write_piece);
}

static int write_data(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                      int niov, unsigned flags)
{
    WriteRange range;
    Padded p;
    int ret;

    range_enter(n, &range, offset, bytes);
    if (n->alignment == 1 || !pad(n, offset, bytes, iov, niov, &p)) {
        ret = in_pieces(n, offset, bytes, iov, niov, flags, write_piece);
    } else {
        ret = write_padded(n, offset, bytes, &p, flags);
        pad_free(&p);
    }
    node_end_write_range(n, &range);
    return ret;
}

int node_pinned_io(BlockNode *n, bool write, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov,
                   unsigned fua)
{
    if (!write) {
        return in_pieces(n, offset, bytes, iov, niov, 0, read_piece);
    }
    int ret = in_pieces(n, offset, bytes, iov, niov, fua & n->drv->write_flags, write_piece);
    return ret == 0 && fua & ~n->drv->write_flags ? node_flush(n) : ret;
}

static int finish_write(BlockNode *n, uint64_t end, unsigned fua, int ret)
{
    if (ret == 0) {
        node_wrote(n, end);
        ret = fua ? node_flush(n) : 0;
    }
    return leave(n, ret);
}

static bool is_zero(const struct iovec *iov, int niov)
{
    for (int i = 0; i < niov; i++) {
        const uint8_t *p = iov[i].iov_base;
        size_t len = iov[i].iov_len;
        if (len && (p[0] || (len > 1 && memcmp(p, p + 1, len - 1)))) {
            return false;
        }
    }
    return true;
}

int node_pwritev(BlockNode *n, uint64_t offset, const struct iovec *iov, int niov, unsigned flags)
{
    uint64_t bytes = iov_size(iov, niov);
    unsigned fua = flags & NODE_REQ_FUA & ~n->drv->write_flags;
    int ret = writable(n, offset, bytes);

    if (ret == 0 && n->core->probed_raw) {
        ret = guard_head(n, offset, iov, niov);
    }
    if (ret < 0) {
        return ret;
    }
    if (!bytes) {
        return fua ? node_flush(n) : 0;
    }
    if (n->flags & BLOCK_DETECT_ZEROES && is_zero(iov, niov)) {
        unsigned unmap = n->flags & BLOCK_DETECT_UNMAP ? NODE_REQ_UNMAP : 0;
        return node_pwrite_zeroes(n, offset, bytes, (flags & NODE_REQ_FUA) | unmap);
    }
    enter(n);
    ret = write_data(n, offset, bytes, iov, niov, flags & NODE_REQ_FUA & ~fua);
    return finish_write(n, offset + bytes, fua, ret);
}

int node_pwrite(BlockNode *n, uint64_t offset, const void *buf, size_t bytes, unsigned flags)
{
    const struct iovec one = {(void *)buf, bytes};

    return node_pwritev(n, offset, &one, 1, flags);
}

/* ---- zeroes and discard ---- */

static uint64_t cluster_of(BlockNode *n)
{
    uint64_t c = n->drv->cluster_size ? n->drv->cluster_size(n) : n->drv->cluster_size_hint;

    return MAX(c, n->alignment);
}

static int write_zero_data(BlockNode *n, uint64_t offset, uint64_t bytes)
{
    size_t chunk = MIN(bytes, ZERO_CHUNK);
    void *buf = node_alloc_buffer(n, chunk);
    int ret = 0;

    memset(buf, 0, chunk);
    while (bytes && ret == 0) {
        const struct iovec one = {buf, MIN(bytes, chunk)};
        ret = write_data(n, offset, one.iov_len, &one, 1, 0);
        offset += one.iov_len;
        bytes -= one.iov_len;
    }
    node_free_buffer(buf);
    return ret;
}

static int zero_piece(BlockNode *n, uint64_t offset, uint64_t bytes, unsigned flags)
{
    int ret = -ENOTSUP;

    if (!bytes) {
        return 0;
    }
    if (n->drv->pwrite_zeroes && !((offset | bytes) & (n->alignment - 1))) {
        WriteRange range;
        range_enter(n, &range, offset, bytes);
        ret = n->drv->pwrite_zeroes(n, offset, bytes, flags);
        node_end_write_range(n, &range);
    }
    if (ret == -ENOTSUP && !(flags & NODE_REQ_NO_FALLBACK)) {
        ret = write_zero_data(n, offset, bytes);
    }
    return ret;
}

/* The part of whole clusters apart from what sticks out: a format does the former by metadata. */
static int zero_split(BlockNode *n, uint64_t offset, uint64_t bytes, unsigned flags)
{
    uint64_t cluster = cluster_of(n), end = offset + bytes;
    uint64_t first = (offset + cluster - 1) / cluster * cluster, last = end / cluster * cluster;

    if (end == size_of(n)) { /* the last cluster may be a part of one */
        last = end;
    }
    if (cluster == 1 || first >= last || (first == offset && last == end)) {
        return zero_piece(n, offset, bytes, flags);
    }
    int ret = zero_piece(n, offset, first - offset, flags);
    ret = ret ? ret : zero_piece(n, first, last - first, flags);
    return ret ? ret : zero_piece(n, last, end - last, flags);
}

int node_pwrite_zeroes(BlockNode *n, uint64_t offset, uint64_t bytes, unsigned flags)
{
    int ret = writable(n, offset, bytes);

    if (ret < 0 || !bytes) {
        return ret;
    }
    if (!(n->flags & BLOCK_UNMAP)) {
        flags &= ~NODE_REQ_UNMAP;
    }
    enter(n);
    ret = zero_split(n, offset, bytes, flags & ~NODE_REQ_FUA);
    return finish_write(n, offset + bytes, flags & NODE_REQ_FUA, ret);
}

int node_pdiscard(BlockNode *n, uint64_t offset, uint64_t bytes)
{
    uint64_t mask = n->alignment - 1, size = size_of(n);

    if (!(n->flags & BLOCK_RDWR)) {
        return -EROFS;
    }
    if (bad_range(offset, bytes)) {
        return -EINVAL;
    }
    if (!(n->flags & BLOCK_UNMAP) || !n->drv->pdiscard || offset >= size) {
        return 0; /* a hint */
    }
    uint64_t start = (offset + mask) & ~mask, end = MIN(offset + bytes, size);
    end = end == size ? end : end & ~mask;
    if (start >= end) {
        return 0;
    }
    WriteRange range;
    enter(n);
    range_enter(n, &range, start, end - start);
    int ret = n->drv->pdiscard(n, start, end - start);
    node_end_write_range(n, &range);
    return leave(n, ret == -ENOTSUP ? 0 : ret);
}

int node_flush(BlockNode *n)
{
    int ret = 0;

    if (!(n->flags & BLOCK_RDWR)) {
        return 0;
    }
    enter(n);
    bool skip = n->drv->kind == DRIVER_PROTOCOL && n->flags & BLOCK_NO_FLUSH;
    if (n->drv->flush && !skip) {
        ret = n->drv->flush(n);
    }
    if (ret == 0 && n->data_file) {
        ret = node_flush(n->data_file);
    }
    if (ret == 0 && n->file) {
        ret = node_flush(n->file);
    }
    return leave(n, ret);
}

/* ---- what is where ---- */

static int status_inside(BlockNode *n, uint64_t offset, uint64_t bytes, uint64_t *pnum,
                         uint64_t *map, BlockNode **file)
{
    if (n->drv->block_status) {
        return n->drv->block_status(n, offset, bytes, pnum, map, file);
    }
    if (n->file && n->drv->kind == DRIVER_FILTER) {
        return node_block_status(n->file, offset, bytes, pnum, map, file);
    }
    *pnum = bytes;
    *map = offset;
    *file = n;
    return STATUS_DATA | STATUS_ALLOCATED | (n->drv->kind == DRIVER_PROTOCOL ? STATUS_OFFSET : 0);
}

int node_block_status(BlockNode *n, uint64_t offset, uint64_t bytes, uint64_t *pnum, uint64_t *map,
                      BlockNode **file)
{
    uint64_t size = size_of(n), at = 0;
    BlockNode *where = NULL;

    *pnum = 0;
    if (map) {
        *map = 0;
    }
    if (file) {
        *file = NULL;
    }
    if (offset >= size) {
        return STATUS_EOF;
    }
    bytes = MIN(bytes, size - offset);
    if (!bytes) {
        return 0;
    }
    enter(n);
    int ret = leave(n, status_inside(n, offset, bytes, pnum, &at, &where));
    if (ret < 0) {
        return ret;
    }
    *pnum = MIN(*pnum, bytes);
    if (!(ret & (STATUS_ALLOCATED | STATUS_DATA | STATUS_ZERO)) &&
        (!n->backing || offset >= size_of(n->backing))) {
        ret |= STATUS_ZERO;
    }
    ret &= ~STATUS_EOF;
    ret |= offset + *pnum == size ? STATUS_EOF : 0;
    if (map) {
        *map = at;
    }
    if (file) {
        *file = where;
    }
    return ret;
}

/* Below a node that has nothing there; what its file does not reach reads as zeroes. */
int node_block_status_above(BlockNode *n, BlockNode *base, uint64_t offset, uint64_t bytes,
                            uint64_t *pnum, uint64_t *map, BlockNode **file)
{
    bool first = true;
    uint64_t top_size = size_of(n);
    int ret = 0;

    for (; n && n != base; n = n->backing, first = false) {
        uint64_t num;
        if (!first && offset >= size_of(n)) { /* shorter than what is above it: zeroes */
            *pnum = bytes;
            ret = STATUS_ZERO | STATUS_ALLOCATED;
            break;
        }
        ret = node_block_status(n, offset, bytes, &num, map, file);
        if (ret < 0) {
            return ret;
        }
        bytes = MIN(bytes, num);
        *pnum = bytes;
        if (ret & STATUS_ALLOCATED || !bytes) {
            break;
        }
        /* Zeroes below the end of the backing file that the next layer might still override. */
        if (ret & STATUS_ZERO && (!n->backing || n->backing == base)) {
            break;
        }
    }
    ret &= ~STATUS_EOF;
    return ret | (offset + *pnum >= top_size ? STATUS_EOF : 0);
}

/* ---- size ---- */

uint64_t node_length(BlockNode *n)
{
    uint64_t size = n->drv->length ? n->drv->length(n) : n->file ? node_length(n->file) : 0;

    __atomic_store_n(&n->size, size, __ATOMIC_RELEASE);
    return size;
}

bool node_truncate(BlockNode *n, uint64_t size, const char *prealloc, Error **errp)
{
    if (!(n->flags & BLOCK_RDWR)) {
        error_set(errp, ERR_GENERIC, "Image is read-only");
        return false;
    }
    if (size > INT64_MAX - BLOCK_SECTOR) {
        error_set(errp, ERR_INVALID_PARAMETER, "the size is too big");
        return false;
    }
    bool ok;
    if (n->drv->truncate) {
        ok = n->drv->truncate(n, size, prealloc ? prealloc : "off", errp);
    } else if (node_passes_through(n)) {
        ok = node_truncate(n->file, size, prealloc, errp);
    } else {
        error_set(errp, ERR_UNSUPPORTED, "Image format driver does not support resize");
        return false;
    }
    node_length(n);
    return ok;
}
