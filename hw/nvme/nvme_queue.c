/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVMe queues: doorbells, fetching commands, data pointers, completions, interrupts.
 *
 * NVM Express 1.4, sections 3.1 (doorbells), 4.1 (queues), 4.3 (PRP lists), 4.6
 * (completions), 7.5 (interrupts). Commands in flight are bounded by NVME_SLOTS;
 * a queue that finds no slot is looked at again when one is free.
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "base/log.h"
#include "hw/nvme/nvme.h"

/* What one doorbell write may move on the processor's own thread. */
#define INLINE_BYTES (256u << 10)

/* ---- slots ---- */

static int take_slot(NvmeCtrl *n)
{
    for (unsigned i = 0; i < NVME_SLOTS && n->used < NVME_SLOTS; i++) {
        unsigned s = (n->free_hint + i) % NVME_SLOTS;
        if (n->slot[s].state == SLOT_FREE) {
            n->free_hint = (s + 1) % NVME_SLOTS;
            n->used++;
            return (int)s;
        }
    }
    return -1;
}

static void free_req(NvmeCtrl *n, unsigned slot)
{
    NvmeReq *r = n->req[slot];

    if (r) {
        g_free(r->iov);
        g_free(r->addr);
        g_free(r->bounce);
        g_free(r);
        n->req[slot] = NULL;
    }
}

void nvme_free_slot(NvmeCtrl *n, unsigned slot)
{
    if (n->slot[slot].state != SLOT_FREE) {
        free_req(n, slot);
        n->slot[slot].state = SLOT_FREE;
        n->used--;
        n->free_hint = slot;
    }
}

void nvme_drop_requests(NvmeCtrl *n)
{
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        free_req(n, i);
    }
}

NvmeReq *nvme_req_new(NvmeCtrl *n, unsigned slot)
{
    NvmeReq *r = g_new0(NvmeReq, 1);

    r->n = n;
    r->slot = slot;
    n->req[slot] = r;
    return r;
}

/* ---- completions ---- */

static bool cq_full(const NvmeCq *cq)
{
    return (cq->tail + 1) % cq->size == cq->head;
}

int nvme_irq_level(NvmeCtrl *n)
{
    if (pci_msix_enabled(&n->pci)) {
        return 0;
    }
    for (unsigned i = 0; i < NVME_MAX_QUEUES; i++) {
        const NvmeCq *cq = &n->cq[i];
        if (cq->size && cq->irq_on && cq->head != cq->tail && cq->vector < 32 &&
            !(n->intm >> cq->vector & 1)) {
            return 1;
        }
    }
    return 0;
}

static void interrupt(NvmeCtrl *n, const NvmeCq *cq)
{
    if (!cq->irq_on) {
        return;
    }
    if (pci_msix_enabled(&n->pci)) {
        pci_msix_notify(&n->pci, cq->vector);
    } else {
        device_update(&n->pci.dev);
    }
}

static void fail_controller(NvmeCtrl *n, const char *why)
{
    log_mask(LOG_GUEST_ERROR, "nvme: %s: controller fatal status\n", why);
    n->csts |= 2; /* CFS */
}

static bool post(NvmeCtrl *n, NvmeCq *cq, unsigned slot)
{
    NvmeSlot *s = &n->slot[slot];
    uint8_t e[NVME_CQE] = {0};

    st_le32(e, s->result);
    st_le16(e + 8, (uint16_t)n->sq[s->sqid].head);
    st_le16(e + 10, s->sqid);
    memcpy(e + 12, s->sqe + 2, 2); /* command id */
    st_le16(e + 14, (uint16_t)(s->status << 1 | cq->phase));
    if (pci_dma_write(&n->pci, cq->addr + (uint64_t)cq->tail * NVME_CQE, e, sizeof(e)) != MEM_OK) {
        fail_controller(n, "a completion queue is not in memory");
        return false;
    }
    if (++cq->tail == cq->size) {
        cq->tail = 0;
        cq->phase ^= 1;
    }
    nvme_free_slot(n, slot);
    return true;
}

/* Those that waited for room, in no particular order (the specification has none). */
void nvme_post_done(NvmeCtrl *n, unsigned cqid)
{
    NvmeCq *cq = &n->cq[cqid];
    bool any = false;

    for (unsigned i = 0; i < NVME_SLOTS && cq->size && !cq_full(cq); i++) {
        NvmeSlot *s = &n->slot[i];
        if (s->state == SLOT_DONE && n->sq[s->sqid].size && n->sq[s->sqid].cqid == cqid) {
            if (!post(n, cq, i)) {
                break;
            }
            any = true;
        }
    }
    if (any) {
        interrupt(n, cq);
    }
}

void nvme_complete(NvmeCtrl *n, unsigned slot, uint16_t status, uint32_t result)
{
    NvmeSlot *s = &n->slot[slot];
    NvmeSq *sq = &n->sq[s->sqid];

    free_req(n, slot);
    if (!sq->size || !(n->csts & 1)) { /* its queue is gone */
        nvme_free_slot(n, slot);
        return;
    }
    s->state = SLOT_DONE;
    s->status = status;
    s->result = result;
    if (status & ~NVME_DNR) {
        n->errors++;
    }
    NvmeCq *cq = &n->cq[sq->cqid];
    if (!cq_full(cq) && post(n, cq, slot)) {
        interrupt(n, cq);
    }
    if (!n->fetching) {
        nvme_fetch_all(n);
    }
}

/* ---- fetching ---- */

static void execute(NvmeCtrl *n, unsigned slot)
{
    NvmeSlot *s = &n->slot[slot];
    uint32_t result = 0;
    uint16_t status = NVME_INVALID_FIELD | NVME_DNR;

    /* FUSE must be 0; PSDT 0: PRPs only (SGLS says so). */
    if (!(s->sqe[1] & 0xc3)) {
        status = s->sqid ? nvme_io(n, slot, &result) : nvme_admin(n, slot, &result);
    }
    if (status != NVME_NO_COMPLETION) {
        nvme_complete(n, slot, status, result);
    }
}

static bool fetch(NvmeCtrl *n, unsigned sqid)
{
    NvmeSq *sq = &n->sq[sqid];
    int slot = take_slot(n);

    if (slot < 0) {
        return false;
    }
    NvmeSlot *s = &n->slot[slot];
    *s = (NvmeSlot){.state = SLOT_BUSY, .sqid = (uint16_t)sqid, .order = n->next_order++};
    if (pci_dma_read(&n->pci, sq->addr + (uint64_t)sq->head * NVME_SQE, s->sqe, NVME_SQE) !=
        MEM_OK) {
        nvme_free_slot(n, (unsigned)slot);
        fail_controller(n, "a submission queue is not in memory");
        return false;
    }
    sq->head = (sq->head + 1) % sq->size;
    execute(n, (unsigned)slot);
    return true;
}

/*
 * Everything that was there when the doorbell rang: one round per queue, each bounded by its
 * size, so that a driver that keeps writing the doorbell does not keep us here.
 */
void nvme_fetch_all(NvmeCtrl *n)
{
    n->fetching = true;
    n->inline_budget = INLINE_BYTES;
    for (unsigned q = 0; q < NVME_MAX_QUEUES; q++) {
        for (unsigned left = n->sq[q].size; left; left--) {
            NvmeSq *sq = &n->sq[q];
            if ((n->csts & 3) != 1 || !sq->size || sq->head == sq->tail || !fetch(n, q)) {
                break;
            }
        }
    }
    n->fetching = false;
}

void nvme_doorbell(NvmeCtrl *n, unsigned index, uint32_t value)
{
    unsigned qid = index / 2;
    bool is_cq = index & 1;
    uint32_t size = qid < NVME_MAX_QUEUES ? is_cq ? n->cq[qid].size : n->sq[qid].size : 0;

    if (!(n->csts & 1)) {
        return;
    }
    value &= 0xffff;
    if (!size || value >= size) {
        log_mask(LOG_GUEST_ERROR, "nvme: doorbell %u of queue %u: %s\n", index, qid,
                 size ? "value out of range" : "no such queue");
        nvme_event(n, 0, size ? 1 : 0, 1);
        return;
    }
    if (!is_cq) {
        n->sq[qid].tail = value;
        nvme_fetch_all(n);
        return;
    }
    n->cq[qid].head = value;
    nvme_post_done(n, qid);
    nvme_fetch_all(n); /* commands may have waited for slots */
    if (!pci_msix_enabled(&n->pci)) {
        device_update(&n->pci.dev);
    } else if (n->cq[qid].irq_on && n->cq[qid].head != n->cq[qid].tail) {
        pci_msix_notify(&n->pci, n->cq[qid].vector);
    }
}

static int by_order(const void *a, const void *b, void *opaque)
{
    NvmeCtrl *n = opaque;
    uint32_t base = n->next_order;

    /* Distance from the newest, so that the counter may wrap. */
    uint32_t x = base - n->slot[*(const unsigned *)a].order;
    uint32_t y = base - n->slot[*(const unsigned *)b].order;
    return x > y ? -1 : x < y;
}

/* After load or a cancel: what was in flight runs again. Admin commands never wait. */
void nvme_reissue(NvmeCtrl *n)
{
    g_autofree unsigned *busy = g_new(unsigned, NVME_SLOTS);
    unsigned count = 0;

    n->used = 0;
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        n->used += n->slot[i].state != SLOT_FREE;
        if (n->slot[i].state == SLOT_BUSY && n->slot[i].sqid) {
            busy[count++] = i;
        }
    }
    g_qsort_with_data(busy, (int)count, sizeof(*busy), by_order, n);
    bool outer = n->fetching; /* from within an admin command */

    n->fetching = true;
    for (unsigned i = 0; i < count; i++) {
        free_req(n, busy[i]);
        execute(n, busy[i]);
    }
    n->fetching = outer;
}

/* ---- data pointers ---- */

static bool add_segment(NvmeCtrl *n, NvmeReq *r, uint64_t addr, uint64_t len, bool to_guest)
{
    while (len) {
        uint64_t part = len;
        void *host = pci_dma_map(&n->pci, addr, &part, to_guest);
        if (!host || !part) {
            return false;
        }
        struct iovec *last = r->niov ? &r->iov[r->niov - 1] : NULL;
        if (last && (char *)last->iov_base + last->iov_len == host &&
            r->addr[r->niov - 1] + last->iov_len == addr) {
            last->iov_len += part;
        } else {
            if (r->niov == NVME_MAX_SEGMENTS) {
                return false;
            }
            r->iov[r->niov] = (struct iovec){host, part};
            r->addr[r->niov++] = addr;
        }
        addr += part;
        len -= part;
    }
    return true;
}

/*
 * PRP entries behind the first (section 4.3): one page each, from a list whose last entry in a
 * page points to the next page when more are needed. bytes is bounded by MDTS, and with it the
 * number of entries.
 */
static uint16_t map_list(NvmeCtrl *n, NvmeReq *r, uint64_t list, uint64_t bytes, bool to_guest)
{
    uint64_t page = 1ull << (NVME_PAGE_BITS + (n->cc >> 7 & 15));

    while (bytes) {
        uint8_t e[8];
        uint64_t left_in_list = (page - (list & (page - 1))) / 8;
        if (list & 7) {
            return NVME_INVALID_PRP_OFFSET | NVME_DNR;
        }
        if (pci_dma_read(&n->pci, list, e, 8) != MEM_OK) {
            return NVME_DATA_TRANSFER;
        }
        uint64_t prp = ld_le64(e);
        if (left_in_list == 1 && bytes > page) {
            if (prp & (page - 1)) {
                return NVME_INVALID_PRP_OFFSET | NVME_DNR;
            }
            list = prp;
            continue;
        }
        if (prp & (page - 1)) {
            return NVME_INVALID_PRP_OFFSET | NVME_DNR;
        }
        uint64_t part = MIN(bytes, page);
        if (!add_segment(n, r, prp, part, to_guest)) {
            return NVME_DATA_TRANSFER;
        }
        bytes -= part;
        list += 8;
    }
    return NVME_OK;
}

uint16_t nvme_map(NvmeCtrl *n, NvmeReq *r, const uint8_t *sqe, uint64_t bytes, bool to_guest)
{
    uint64_t prp1 = ld_le64(sqe + 24), prp2 = ld_le64(sqe + 32);
    uint64_t page = 1ull << (NVME_PAGE_BITS + (n->cc >> 7 & 15));
    uint64_t first = MIN(bytes, page - (prp1 & (page - 1)));

    if (prp1 & 3) {
        return NVME_INVALID_PRP_OFFSET | NVME_DNR;
    }
    r->iov = g_new(struct iovec, NVME_MAX_SEGMENTS);
    r->addr = g_new(uint64_t, NVME_MAX_SEGMENTS);
    if (bytes && !add_segment(n, r, prp1, first, to_guest)) {
        return NVME_DATA_TRANSFER;
    }
    bytes -= first;
    if (bytes > page) {
        return map_list(n, r, prp2, bytes, to_guest);
    }
    if (bytes) {
        if (prp2 & (page - 1)) {
            return NVME_INVALID_PRP_OFFSET | NVME_DNR;
        }
        if (!add_segment(n, r, prp2, bytes, to_guest)) {
            return NVME_DATA_TRANSFER;
        }
    }
    return NVME_OK;
}

void nvme_written(NvmeReq *r, uint64_t bytes)
{
    for (int i = 0; i < r->niov && bytes; i++) {
        uint64_t part = MIN(bytes, r->iov[i].iov_len);
        pci_dma_written(&r->n->pci, r->addr[i], part);
        bytes -= part;
    }
}

uint16_t nvme_answer(NvmeCtrl *n, unsigned slot, const void *data, size_t have, size_t want)
{
    NvmeReq *r = nvme_req_new(n, slot);
    uint64_t done = 0;

    uint16_t status = nvme_map(n, r, n->slot[slot].sqe, want, true);
    if (status) {
        return status;
    }
    for (int i = 0; i < r->niov; i++) {
        size_t len = r->iov[i].iov_len;
        size_t copy = done < have ? MIN(have - done, len) : 0;
        memcpy(r->iov[i].iov_base, (const char *)data + (copy ? done : 0), copy);
        memset((char *)r->iov[i].iov_base + copy, 0, len - copy);
        done += len;
    }
    nvme_written(r, want);
    return NVME_OK;
}
