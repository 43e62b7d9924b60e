/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's commit: what a medium has over its backing file is written into that file, which is
 * made writable for that long; then the medium is empty. For disks that -snapshot protects, mostly.
 *
 * home: main loop, with all disks drained.
 */
#include <errno.h>

#include "base/units.h"
#include "block/port.h"

#define CHUNK (1 * MiB)

static int copy_piece(BlockNode *top, uint64_t offset, uint64_t *bytes, void *buf)
{
    BlockNode *base = top->backing;
    uint64_t got = 0;
    int ret = node_block_status(top, offset, *bytes, &got, NULL, NULL);

    if (ret < 0) {
        return ret;
    }
    *bytes = got ? MIN(*bytes, got) : *bytes;
    if (!(ret & STATUS_ALLOCATED)) {
        return 0;
    }
    if (ret & STATUS_ZERO) {
        return node_pwrite_zeroes(base, offset, *bytes, NODE_REQ_UNMAP);
    }
    ret = node_pread(top, offset, buf, *bytes);
    return ret < 0 ? ret : node_pwrite(base, offset, buf, *bytes, 0);
}

static bool copy_down(BlockNode *top, Error **errp)
{
    BlockNode *base = top->backing;
    void *buf = node_alloc_buffer(base, CHUNK);
    int ret = 0;

    if (base->size < top->size && !node_truncate(base, top->size, "off", errp)) {
        node_free_buffer(buf);
        return false;
    }
    for (uint64_t at = 0, n; at < top->size && ret == 0; at += n) {
        n = MIN(top->size - at, CHUNK);
        ret = copy_piece(top, at, &n, buf);
    }
    node_free_buffer(buf);
    /* The medium is emptied only after its data is safe below. */
    ret = ret < 0 ? ret : node_flush(base);
    if (ret < 0) {
        error_set_errno(errp, -ret, "writing to '%s'", base->filename);
    }
    return ret == 0;
}

static bool empty(BlockNode *top, Error **errp)
{
    if (top->drv->make_empty && !top->drv->make_empty(top, errp)) {
        return false;
    }
    int ret = node_flush(top);
    if (ret < 0) {
        error_set_errno(errp, -ret, "emptying '%s'", top->filename);
    }
    return ret == 0;
}

static bool commit_drained(BlockNode *top, Error **errp)
{
    BlockNode *base = top->backing;
    bool was_writable = base->flags & BLOCK_RDWR;

    if (!node_take_backing(top, true, errp)) {
        return false;
    }
    bool ok = node_set_writable(base, true, errp);
    if (ok) {
        ok = copy_down(top, errp) && empty(top, errp);
        Error *err = NULL;
        if (!was_writable && !node_set_writable(base, false, &err)) {
            ok ? error_propagate(errp, err) : error_free(err);
            ok = false;
        }
    }
    node_take_backing(top, false, NULL); /* less than before: cannot be refused */
    return ok;
}

bool block_port_can_commit(BlockPort *p)
{
    return p->node && p->node->backing && p->node->flags & BLOCK_RDWR;
}

bool block_port_commit(BlockPort *p, Error **errp)
{
    BlockNode *top = p->node;

    if (!top) {
        error_set(errp, ERR_GENERIC, "Device '%s' has no medium", p->name);
        return false;
    }
    if (!block_port_can_commit(p)) {
        error_set(errp, ERR_UNSUPPORTED, "'commit' error for '%s': Operation not supported", p->name);
        error_hint(errp, top->backing ? "the medium is read-only" : "the medium has no backing file");
        return false;
    }
    node_drain_begin(top);
    bool ok = commit_drained(top, errp);
    node_drain_end(top);
    if (!ok) {
        error_prepend(errp, "'commit' error for '%s': ", p->name);
    }
    return ok;
}
