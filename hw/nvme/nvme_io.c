/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVM command set: read, write, compare, write zeroes, deallocate, verify, flush.
 *
 * NVM Express 1.4, section 6. Left out: fused commands, write uncorrectable,
 * reservations, copy; identify does not offer them.
 *
 * home: the machine's lock domain; completions of the block port take it.
 */
#include <errno.h>
#include <string.h>

#include "base/iov.h"
#include "hw/nvme/nvme.h"

NvmeNs *nvme_ns(NvmeCtrl *n, uint32_t nsid)
{
    return nsid >= 1 && nsid <= NVME_MAX_NS ? n->ns[nsid] : NULL;
}

uint64_t nvme_ns_blocks(const NvmeNs *ns)
{
    return block_port_size(ns->port) / ns->block_size;
}

/* ---- results ---- */

static uint16_t status_of(int ret, bool write)
{
    switch (ret) {
    case 0:
        return NVME_OK;
    case -ENOSPC:
        return NVME_CAPACITY;
    case -EROFS:
    case -EPERM:
    case -EACCES:
        return NVME_READ_ONLY | NVME_DNR;
    case -EINVAL:
        return NVME_LBA_RANGE | NVME_DNR;
    default:
        return write ? NVME_WRITE_FAULT : NVME_READ_ERROR;
    }
}

static uint8_t opcode(const NvmeReq *r)
{
    return r->n->slot[r->slot].sqe[0];
}

enum {
    OP_FLUSH = 0x00,
    OP_WRITE = 0x01,
    OP_READ = 0x02,
    OP_COMPARE = 0x05,
    OP_WRITE_ZEROES = 0x08,
    OP_DSM = 0x09,
    OP_VERIFY = 0x0c,
};

static uint16_t compare(const NvmeReq *r)
{
    uint64_t at = 0;

    for (int i = 0; i < r->niov && at < r->bytes; i++) {
        size_t len = MIN(r->iov[i].iov_len, r->bytes - at);
        if (memcmp(r->bounce + at, r->iov[i].iov_base, len)) {
            return NVME_COMPARE_FAILED;
        }
        at += len;
    }
    return NVME_OK;
}

static void account(NvmeReq *r)
{
    NvmeCtrl *n = r->n;
    uint64_t units = (r->bytes + 512 - 1) / 512;

    switch (opcode(r)) {
    case OP_READ:
    case OP_COMPARE:
        n->reads++;
        n->units_read += units;
        break;
    case OP_WRITE:
        n->writes++;
        n->units_written += units;
        break;
    }
}

static void finish(NvmeReq *r, int ret)
{
    uint8_t op = opcode(r);
    uint16_t status = status_of(ret, op != OP_READ && op != OP_COMPARE && op != OP_VERIFY);

    if (op == OP_READ) {
        nvme_written(r, r->bytes); /* an error too may have changed some */
    }
    if (!ret) {
        account(r);
        if (op == OP_COMPARE) {
            status = compare(r);
        }
    }
    nvme_complete(r->n, r->slot, status, 0);
}

/* One part; on the submitter's stack or from the port's loop, the machine locked either way. */
static void done(void *opaque, int ret)
{
    NvmeReq *r = opaque;

    if (ret && !r->ret) {
        r->ret = ret;
    }
    if (--r->pending == 0) {
        finish(r, r->ret);
    }
}

/* Small transfers may be done at once, up to a budget per doorbell. */
static unsigned inline_flag(NvmeCtrl *n, uint64_t bytes)
{
    if (!n->fetching || bytes > n->inline_budget) {
        return 0;
    }
    n->inline_budget -= (unsigned)bytes;
    return BLOCK_REQ_INLINE;
}

/* ---- commands ---- */

static uint16_t check_range(const NvmeNs *ns, uint64_t slba, uint64_t count)
{
    uint64_t blocks = nvme_ns_blocks(ns);

    return slba > blocks || count > blocks - slba ? NVME_LBA_RANGE | NVME_DNR : NVME_OK;
}

static uint16_t transfer(NvmeCtrl *n, NvmeNs *ns, unsigned slot)
{
    const uint8_t *sqe = n->slot[slot].sqe;
    uint64_t slba = ld_le64(sqe + 40);
    uint32_t cdw12 = ld_le32(sqe + 48), count = (cdw12 & 0xffff) + 1;
    uint64_t bytes = (uint64_t)count * ns->block_size;
    uint8_t op = sqe[0];

    if (n->mdts && bytes > 1ull << (NVME_PAGE_BITS + n->mdts)) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    uint16_t status = check_range(ns, slba, count);
    if (status) {
        block_account_invalid(ns->port, op == OP_WRITE);
        return status;
    }
    NvmeReq *r = nvme_req_new(n, slot);
    r->ns = ns;
    r->offset = slba * ns->block_size;
    r->bytes = bytes;
    r->pending = 1;
    status = nvme_map(n, r, sqe, bytes, op == OP_READ);
    if (status) {
        return status;
    }
    unsigned flags = inline_flag(n, bytes);
    if (op == OP_WRITE) {
        flags |= cdw12 >> 30 & 1 ? BLOCK_REQ_FUA : 0;
        block_write(ns->port, r->offset, r->iov, r->niov, flags, done, r);
    } else if (op == OP_READ) {
        block_read(ns->port, r->offset, r->iov, r->niov, flags, done, r);
    } else {
        /* The read goes to a copy; the guest's buffer is compared when it is there. */
        r->bounce = g_try_malloc(bytes + sizeof(struct iovec));
        if (!r->bounce) {
            return NVME_INTERNAL;
        }
        struct iovec *iov = (struct iovec *)(r->bounce + bytes);
        *iov = (struct iovec){r->bounce, bytes};
        block_read(ns->port, r->offset, iov, 1, flags, done, r);
    }
    return NVME_NO_COMPLETION;
}

/* Verify reads without a transfer: in pieces would need a chain, so through one bounded buffer. */
static uint16_t verify(NvmeCtrl *n, NvmeNs *ns, unsigned slot)
{
    const uint8_t *sqe = n->slot[slot].sqe;
    uint64_t slba = ld_le64(sqe + 40);
    uint32_t count = (ld_le32(sqe + 48) & 0xffff) + 1;
    uint64_t bytes = (uint64_t)count * ns->block_size;
    uint16_t status = check_range(ns, slba, count);

    if (status) {
        return status;
    }
    if (bytes > 1ull << (NVME_PAGE_BITS + n->mdts)) {
        return NVME_INVALID_FIELD | NVME_DNR; /* VSL is MDTS */
    }
    NvmeReq *r = nvme_req_new(n, slot);
    r->ns = ns;
    r->bytes = bytes;
    r->pending = 1;
    r->bounce = g_try_malloc(bytes);
    if (!r->bounce) {
        return NVME_INTERNAL;
    }
    r->iov = g_new(struct iovec, 1);
    r->iov[0] = (struct iovec){r->bounce, bytes};
    block_read(ns->port, slba * ns->block_size, r->iov, 1, inline_flag(n, bytes), done, r);
    return NVME_NO_COMPLETION;
}

static uint16_t write_zeroes(NvmeCtrl *n, NvmeNs *ns, unsigned slot)
{
    const uint8_t *sqe = n->slot[slot].sqe;
    uint64_t slba = ld_le64(sqe + 40);
    uint32_t cdw12 = ld_le32(sqe + 48), count = (cdw12 & 0xffff) + 1;
    uint16_t status = check_range(ns, slba, count);

    if (status) {
        return status;
    }
    NvmeReq *r = nvme_req_new(n, slot);
    r->ns = ns;
    r->pending = 1;
    unsigned flags = (cdw12 >> 25 & 1 ? BLOCK_REQ_UNMAP : 0) | (cdw12 >> 30 & 1 ? BLOCK_REQ_FUA : 0);
    block_write_zeroes(ns->port, slba * ns->block_size, (uint64_t)count * ns->block_size, flags,
                       done, r);
    return NVME_NO_COMPLETION;
}

/* Dataset management, deallocate: up to 256 ranges; what cannot be discarded is no error. */
static uint16_t deallocate(NvmeCtrl *n, NvmeNs *ns, unsigned slot)
{
    const uint8_t *sqe = n->slot[slot].sqe;
    unsigned ranges = (ld_le32(sqe + 40) & 0xff) + 1;
    uint8_t list[256 * 16];

    NvmeReq *r = nvme_req_new(n, slot);
    r->ns = ns;
    uint16_t status = nvme_map(n, r, sqe, ranges * 16, false);
    if (status) {
        return status;
    }
    iov_to_buf(r->iov, r->niov, 0, list, ranges * 16);
    if (!(ld_le32(sqe + 44) & 4)) { /* only hints */
        return NVME_OK;
    }
    for (unsigned i = 0; i < ranges; i++) {
        if (check_range(ns, ld_le64(list + i * 16 + 8), ld_le32(list + i * 16 + 4))) {
            return NVME_LBA_RANGE | NVME_DNR;
        }
    }
    r->pending = 1; /* ours, until all are submitted */
    for (unsigned i = 0; i < ranges; i++) {
        uint64_t count = ld_le32(list + i * 16 + 4);
        if (count) {
            r->pending++;
            block_discard(ns->port, ld_le64(list + i * 16 + 8) * ns->block_size,
                          count * ns->block_size, 0, done, r);
        }
    }
    done(r, 0);
    return NVME_NO_COMPLETION;
}

static uint16_t flush_ns(NvmeCtrl *n, unsigned slot, uint32_t nsid)
{
    NvmeReq *r = nvme_req_new(n, slot);

    r->pending = 1;
    for (uint32_t i = 1; i <= NVME_MAX_NS; i++) {
        if (n->ns[i] && (i == nsid || nsid == UINT32_MAX)) {
            r->pending++;
            block_flush(n->ns[i]->port, 0, done, r);
        }
    }
    done(r, 0);
    return NVME_NO_COMPLETION;
}

uint16_t nvme_io(NvmeCtrl *n, unsigned slot, uint32_t *result)
{
    const uint8_t *sqe = n->slot[slot].sqe;
    uint32_t nsid = ld_le32(sqe + 4);
    NvmeNs *ns = nvme_ns(n, nsid);
    uint8_t op = sqe[0];

    if (op == OP_FLUSH && nsid == UINT32_MAX) {
        return flush_ns(n, slot, nsid);
    }
    if (!ns) {
        return NVME_INVALID_NS | NVME_DNR;
    }
    if (block_port_readonly(ns->port) &&
        (op == OP_WRITE || op == OP_WRITE_ZEROES || op == OP_DSM)) {
        return NVME_READ_ONLY | NVME_DNR;
    }
    switch (op) {
    case OP_FLUSH:
        return flush_ns(n, slot, nsid);
    case OP_WRITE:
    case OP_READ:
    case OP_COMPARE:
        return transfer(n, ns, slot);
    case OP_VERIFY:
        return verify(n, ns, slot);
    case OP_WRITE_ZEROES:
        return write_zeroes(n, ns, slot);
    case OP_DSM:
        return deallocate(n, ns, slot);
    default:
        return NVME_INVALID_OPCODE | NVME_DNR;
    }
}
