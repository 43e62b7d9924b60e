/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVMe admin commands: queues, identify, logs, features, asynchronous events.
 *
 * NVM Express 1.4, section 5. Left out and not offered by identify: namespace
 * management, firmware download, format, security, directives, virtualization.
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "hw/nvme/nvme.h"

#define KELVIN 273

/* ---- queues ---- */

void nvme_delete_sq(NvmeCtrl *n, unsigned sqid)
{
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        NvmeSlot *s = &n->slot[i];
        if (s->state == SLOT_DONE && s->sqid == sqid) {
            nvme_free_slot(n, i);
        }
    }
    n->sq[sqid] = (NvmeSq){0};
}

static uint16_t delete_sq(NvmeCtrl *n, const uint8_t *sqe)
{
    unsigned qid = ld_le16(sqe + 40);

    if (!qid || qid >= NVME_MAX_QUEUES || !n->sq[qid].size) {
        return NVME_INVALID_QID | NVME_DNR;
    }
    /* Commands on their way are finished first, and their answers dropped with the queue. */
    bool busy = false;
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        busy |= n->slot[i].state == SLOT_BUSY && n->slot[i].sqid == qid;
    }
    if (busy) {
        for (unsigned i = 1; i <= NVME_MAX_NS; i++) {
            if (n->ns[i]) {
                block_cancel_all(n->ns[i]->port);
            }
        }
        /* All ports are quiet: what belonged to other queues runs again. */
        for (unsigned i = 0; i < NVME_SLOTS; i++) {
            if (n->slot[i].state == SLOT_BUSY && n->slot[i].sqid == qid) {
                nvme_free_slot(n, i);
            }
        }
    }
    nvme_delete_sq(n, qid);
    if (busy) {
        nvme_reissue(n);
    }
    return NVME_OK;
}

static uint16_t create_sq(NvmeCtrl *n, const uint8_t *sqe)
{
    unsigned qid = ld_le16(sqe + 40), cqid = ld_le16(sqe + 46);
    uint32_t size = ld_le16(sqe + 42) + 1u;
    uint64_t addr = ld_le64(sqe + 24);
    uint64_t page = 1ull << (NVME_PAGE_BITS + (n->cc >> 7 & 15));

    if (!cqid || cqid >= NVME_MAX_QUEUES || !n->cq[cqid].size) {
        return NVME_INVALID_CQ | NVME_DNR;
    }
    if (!qid || qid > n->max_ioqpairs || n->sq[qid].size) {
        return NVME_INVALID_QID | NVME_DNR;
    }
    if (size < 2 || size > NVME_MAX_ENTRIES) {
        return NVME_INVALID_QSIZE | NVME_DNR;
    }
    if (addr & (page - 1)) {
        return NVME_INVALID_PRP_OFFSET | NVME_DNR;
    }
    if (!(sqe[44] & 1)) { /* CQR: physically contiguous is required */
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    n->sq[qid] = (NvmeSq){.addr = addr, .size = size, .cqid = (uint16_t)cqid};
    return NVME_OK;
}

static uint16_t create_cq(NvmeCtrl *n, const uint8_t *sqe)
{
    unsigned qid = ld_le16(sqe + 40), vector = ld_le16(sqe + 46);
    uint32_t size = ld_le16(sqe + 42) + 1u;
    uint64_t addr = ld_le64(sqe + 24);
    uint64_t page = 1ull << (NVME_PAGE_BITS + (n->cc >> 7 & 15));

    if (!qid || qid > n->max_ioqpairs || n->cq[qid].size) {
        return NVME_INVALID_QID | NVME_DNR;
    }
    if (size < 2 || size > NVME_MAX_ENTRIES) {
        return NVME_INVALID_QSIZE | NVME_DNR;
    }
    if (addr & (page - 1)) {
        return NVME_INVALID_PRP_OFFSET | NVME_DNR;
    }
    if (vector && (!pci_msix_enabled(&n->pci) || vector >= n->msix_qsize)) {
        return NVME_INVALID_VECTOR | NVME_DNR;
    }
    if (!(sqe[44] & 1)) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    n->cq[qid] = (NvmeCq){.addr = addr, .size = size, .vector = (uint16_t)vector, .phase = 1,
                          .irq_on = sqe[44] >> 1 & 1};
    return NVME_OK;
}

static uint16_t delete_cq(NvmeCtrl *n, const uint8_t *sqe)
{
    unsigned qid = ld_le16(sqe + 40);

    if (!qid || qid >= NVME_MAX_QUEUES || !n->cq[qid].size) {
        return NVME_INVALID_QID | NVME_DNR;
    }
    for (unsigned i = 1; i < NVME_MAX_QUEUES; i++) {
        if (n->sq[i].size && n->sq[i].cqid == qid) {
            return NVME_INVALID_DELETE | NVME_DNR;
        }
    }
    n->cq[qid] = (NvmeCq){0};
    device_update(&n->pci.dev);
    return NVME_OK;
}

/* ---- identify ---- */

static void text(uint8_t *at, size_t len, const char *s)
{
    size_t have = strlen(s);

    memset(at, ' ', len);
    memcpy(at, s, MIN(have, len));
}

static void identify_controller(NvmeCtrl *n, uint8_t *d)
{
    st_le16(d, n->pci.ident.vendor);
    st_le16(d + 2, 0x1af4);
    text(d + 4, 20, n->serial);
    text(d + 24, 40, "QEMU NVMe Ctrl"); /* the model name that guests and their rules know */
    text(d + 64, 8, "1.0");
    d[72] = 6;                       /* recommended arbitration burst */
    d[73] = 0x00, d[74] = 0x54, d[75] = 0x52; /* IEEE OUI 52:54:00 */
    d[77] = n->mdts;
    st_le32(d + 80, 0x00010400);     /* version */
    st_le32(d + 92, 1u << 8);        /* events: namespace attribute changes */
    d[111] = 1;                      /* an I/O controller */
    d[258] = 3;                      /* abort command limit, 0's based */
    d[259] = n->aerl;
    d[260] = 1 << 1 | 1;             /* one firmware slot, read only */
    st_le16(d + 266, 0x157);         /* warning and critical temperature, Kelvin */
    st_le16(d + 268, 0x175);
    d[512] = 0x66;
    d[513] = 0x44;
    st_le32(d + 516, NVME_MAX_NS);
    /* compare, dataset management, write zeroes, timestamp, verify */
    st_le16(d + 520, 1 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 7);
    d[525] = 0x6 | 1;                /* flush of all namespaces; a volatile write cache */
    g_autofree char *nqn = g_strdup_printf("nqn.2019-08.org.qemu:%s", n->serial);
    g_strlcpy((char *)d + 768, nqn, 256);
    st_le16(d + 2048, 2500);         /* power state 0: 25 W */
    st_le32(d + 2052, 16);
    st_le32(d + 2056, 4);
}

static void identify_ns(const NvmeNs *ns, uint8_t *d)
{
    uint64_t blocks = nvme_ns_blocks(ns);

    st_le64(d, blocks);
    st_le64(d + 8, blocks);
    st_le64(d + 16, blocks);
    d[24] = block_port_can_discard(ns->port) ? 1 : 0; /* thin */
    d[26] = 0;                       /* format 0 of 1 */
    d[33] = block_port_can_discard(ns->port) ? 1 << 3 | 1 : 1 << 3;
    st_le64(d + 48, MIN(block_port_size(ns->port), UINT64_MAX)); /* NVM capacity, bytes */
    d[99] = block_port_readonly(ns->port) ? 1 : 0;
    st_be64(d + 120, ns->eui64);
    d[128 + 2] = (uint8_t)__builtin_ctz(ns->block_size);
}

static void identify_descriptors(const NvmeNs *ns, uint8_t *d)
{
    if (ns->uuid_hi || ns->uuid_lo) {
        d[0] = 3, d[1] = 16;
        st_be64(d + 4, ns->uuid_hi);
        st_be64(d + 12, ns->uuid_lo);
        d += 20;
    }
    if (ns->eui64) {
        d[0] = 1, d[1] = 8;
        st_be64(d + 4, ns->eui64);
    }
}

static void identify_list(NvmeCtrl *n, uint32_t above, uint8_t *d)
{
    unsigned count = 0;

    for (uint32_t i = 1; i <= NVME_MAX_NS && count < 1024; i++) {
        if (n->ns[i] && i > above) {
            st_le32(d + 4 * count++, i);
        }
    }
}

static uint16_t identify(NvmeCtrl *n, unsigned slot)
{
    const uint8_t *sqe = n->slot[slot].sqe;
    uint32_t nsid = ld_le32(sqe + 4);
    NvmeNs *ns = nvme_ns(n, nsid);
    g_autofree uint8_t *d = g_malloc0(4096);

    switch (sqe[40]) {
    case 0x00:
    case 0x11:
        if (!ns && (nsid < 1 || nsid > NVME_MAX_NS)) {
            return NVME_INVALID_NS | NVME_DNR;
        }
        if (ns) {
            identify_ns(ns, d);
        }
        break;
    case 0x01:
        identify_controller(n, d);
        break;
    case 0x02:
    case 0x10:
        if (nsid >= 0xfffffffe) {
            return NVME_INVALID_NS | NVME_DNR;
        }
        identify_list(n, nsid, d);
        break;
    case 0x03:
        if (!ns) {
            return NVME_INVALID_NS | NVME_DNR;
        }
        identify_descriptors(ns, d);
        break;
    case 0x12: /* controllers that have the namespace, */
    case 0x13: /* and all: this one, 0 */
        if (sqe[40] == 0x12 && !ns) {
            return NVME_INVALID_NS | NVME_DNR;
        }
        st_le16(d, ld_le16(sqe + 42) == 0 ? 1 : 0);
        break;
    default:
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    return nvme_answer(n, slot, d, 4096, 4096);
}

/* ---- logs ---- */

static void smart_log(NvmeCtrl *n, uint8_t *d)
{
    st_le16(d + 1, KELVIN + 50);
    d[3] = 100; /* available spare, and its threshold */
    d[4] = 10;
    st_le64(d + 32, (n->units_read + 1000 - 1) / 1000);
    st_le64(d + 48, (n->units_written + 1000 - 1) / 1000);
    st_le64(d + 64, n->reads);
    st_le64(d + 80, n->writes);
    st_le64(d + 128, (uint64_t)(clock_ns(n->pci.dev.machine, CLOCK_VIRTUAL) / NS_PER_SEC) / 3600);
    st_le64(d + 176, n->errors);
}

static void unmask_event(NvmeCtrl *n, uint8_t log)
{
    for (unsigned t = 0; t < 8; t++) {
        if (n->event_log[t] == log) {
            n->events_masked &= ~(1u << t);
        }
    }
}

static uint16_t get_log(NvmeCtrl *n, unsigned slot)
{
    const uint8_t *sqe = n->slot[slot].sqe;
    uint8_t lid = sqe[40];
    uint64_t dwords = (ld_le16(sqe + 42) | (uint64_t)ld_le16(sqe + 44) << 16) + 1;
    uint64_t offset = ld_le64(sqe + 48), size = 0;
    g_autofree uint8_t *d = g_malloc0(4096);

    switch (lid) {
    case 1:
        size = 64; /* one error entry, empty: completions carry the errors */
        break;
    case 2:
        size = 512;
        smart_log(n, d);
        break;
    case 3:
        size = 512;
        d[0] = 1;
        text(d + 8, 8, "1.0");
        break;
    case 4:
        size = 4096; /* no list of changes is kept: "look at all" is the overflow mark */
        st_le32(d, UINT32_MAX);
        break;
    default:
        return NVME_INVALID_LOG | NVME_DNR;
    }
    if (offset > size || offset & 3) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    if (dwords * 4 > 1ull << (NVME_PAGE_BITS + n->mdts)) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    if (!(sqe[41] & 0x80)) { /* retain asynchronous event */
        unmask_event(n, lid);
    }
    return nvme_answer(n, slot, d + offset, size - offset, dwords * 4);
}

/* ---- features ---- */

enum {
    FEAT_ARBITRATION = 1,
    FEAT_POWER = 2,
    FEAT_TEMPERATURE = 4,
    FEAT_RECOVERY = 5,
    FEAT_WRITE_CACHE = 6,
    FEAT_QUEUES = 7,
    FEAT_COALESCING = 8,
    FEAT_VECTOR = 9,
    FEAT_ATOMICITY = 10,
    FEAT_EVENTS = 11,
    FEAT_TIMESTAMP = 14,
};

static uint32_t *plain_feature(NvmeCtrl *n, uint8_t fid)
{
    switch (fid) {
    case FEAT_ARBITRATION:
        return &n->feat_arbitration;
    case FEAT_POWER:
        return &n->feat_power;
    case FEAT_RECOVERY:
        return &n->feat_recovery;
    case FEAT_COALESCING:
        return &n->feat_coalesce;
    case FEAT_ATOMICITY:
        return &n->feat_atomicity;
    case FEAT_EVENTS:
        return &n->feat_async;
    default:
        return NULL;
    }
}

static bool any_write_cache(NvmeCtrl *n)
{
    for (unsigned i = 1; i <= NVME_MAX_NS; i++) {
        if (n->ns[i] && block_port_write_cache(n->ns[i]->port)) {
            return true;
        }
    }
    return false;
}

static uint64_t timestamp_now(NvmeCtrl *n)
{
    int64_t now = clock_ns(n->pci.dev.machine, CLOCK_VIRTUAL);
    uint64_t ms = n->timestamp + (uint64_t)(now - n->timestamp_at) / 1000000;

    return (ms & 0xffffffffffff) | (uint64_t)n->timestamp_origin << 49;
}

static bool known_feature(uint8_t fid)
{
    return (fid >= FEAT_ARBITRATION && fid <= FEAT_EVENTS && fid != 3) || fid == FEAT_TIMESTAMP;
}

/* Select 3: what of the feature can be done. */
static uint32_t feature_caps(uint8_t fid)
{
    return fid == FEAT_RECOVERY ? 1 << 2 | 1 << 1 : 1 << 2; /* changeable; per namespace */
}

static uint32_t default_feature(NvmeCtrl *n, uint8_t fid)
{
    switch (fid) {
    case FEAT_TEMPERATURE:
        return 0x157;
    case FEAT_WRITE_CACHE:
        return 1;
    case FEAT_QUEUES:
        return (n->max_ioqpairs - 1) | (n->max_ioqpairs - 1) << 16;
    case FEAT_ARBITRATION:
        return 7; /* no limit */
    default:
        return 0;
    }
}

static uint16_t get_feature(NvmeCtrl *n, unsigned slot, uint32_t *result)
{
    const uint8_t *sqe = n->slot[slot].sqe;
    uint32_t cdw10 = ld_le32(sqe + 40), cdw11 = ld_le32(sqe + 44);
    uint8_t fid = (uint8_t)cdw10, sel = cdw10 >> 8 & 7;
    uint32_t *plain = plain_feature(n, fid);
    uint8_t stamp[8];

    if (!known_feature(fid) || sel > 3) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    if (sel == 3) {
        *result = feature_caps(fid);
        return NVME_OK;
    }
    if (sel) { /* default; nothing is saved, so that is the saved value too */
        *result = default_feature(n, fid);
        return NVME_OK;
    }
    switch (fid) {
    case FEAT_TEMPERATURE:
        if (cdw11 >> 16 & 15) { /* only the composite sensor */
            return NVME_OK;
        }
        *result = n->feat_temperature[cdw11 >> 20 & 1];
        return NVME_OK;
    case FEAT_WRITE_CACHE:
        *result = any_write_cache(n);
        return NVME_OK;
    case FEAT_QUEUES:
        *result = default_feature(n, fid);
        return NVME_OK;
    case FEAT_VECTOR:
        if ((cdw11 & 0xffff) >= n->max_ioqpairs + 1) {
            return NVME_INVALID_FIELD | NVME_DNR;
        }
        *result = (cdw11 & 0xffff) | (uint32_t)n->vector_config[cdw11 & 0xffff] << 16;
        return NVME_OK;
    case FEAT_TIMESTAMP:
        st_le64(stamp, timestamp_now(n));
        return nvme_answer(n, slot, stamp, 8, 8);
    default:
        *result = *plain;
        return NVME_OK;
    }
}

static uint16_t set_timestamp(NvmeCtrl *n, unsigned slot)
{
    uint8_t raw[8] = {0};
    NvmeReq *r = nvme_req_new(n, slot);
    uint16_t status = nvme_map(n, r, n->slot[slot].sqe, 8, false);

    if (status) {
        return status;
    }
    for (int i = 0, at = 0; i < r->niov; at += (int)r->iov[i++].iov_len) {
        memcpy(raw + at, r->iov[i].iov_base, r->iov[i].iov_len);
    }
    n->timestamp = ld_le64(raw) & 0xffffffffffff;
    n->timestamp_at = clock_ns(n->pci.dev.machine, CLOCK_VIRTUAL);
    n->timestamp_origin = 1;
    return NVME_OK;
}

static uint16_t set_feature(NvmeCtrl *n, unsigned slot, uint32_t *result)
{
    const uint8_t *sqe = n->slot[slot].sqe;
    uint32_t cdw10 = ld_le32(sqe + 40), cdw11 = ld_le32(sqe + 44);
    uint8_t fid = (uint8_t)cdw10;
    uint32_t *plain = plain_feature(n, fid);

    if (!known_feature(fid)) {
        return NVME_INVALID_FIELD | NVME_DNR;
    }
    if (cdw10 >> 31) {
        return NVME_NOT_SAVEABLE | NVME_DNR;
    }
    switch (fid) {
    case FEAT_TEMPERATURE:
        if (!(cdw11 >> 16 & 15) && (cdw11 >> 20 & 3) < 2) {
            n->feat_temperature[cdw11 >> 20 & 1] = cdw11 & 0xffff;
        }
        return NVME_OK;
    case FEAT_WRITE_CACHE:
        for (unsigned i = 1; i <= NVME_MAX_NS; i++) {
            if (n->ns[i]) {
                block_port_set_write_cache(n->ns[i]->port, cdw11 & 1);
            }
        }
        return NVME_OK;
    case FEAT_QUEUES:
        if ((cdw11 & 0xffff) == 0xffff || cdw11 >> 16 == 0xffff) {
            return NVME_INVALID_FIELD | NVME_DNR;
        }
        *result = default_feature(n, fid);
        return NVME_OK;
    case FEAT_VECTOR:
        if ((cdw11 & 0xffff) >= n->max_ioqpairs + 1) {
            return NVME_INVALID_FIELD | NVME_DNR;
        }
        n->vector_config[cdw11 & 0xffff] = cdw11 >> 16 & 1;
        return NVME_OK;
    case FEAT_POWER:
        if (cdw11 & 31) { /* there is one power state */
            return NVME_INVALID_FIELD | NVME_DNR;
        }
        return NVME_OK;
    case FEAT_TIMESTAMP:
        return set_timestamp(n, slot);
    default:
        *plain = cdw11;
        return NVME_OK;
    }
}

/* ---- asynchronous events ---- */

static bool deliver_event(NvmeCtrl *n, unsigned type)
{
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        if (n->slot[i].state == SLOT_AER) {
            n->events_pending &= ~(1u << type);
            n->events_masked |= 1u << type;
            nvme_complete(n, i, NVME_OK,
                          type | (uint32_t)n->event_info[type] << 8 |
                              (uint32_t)n->event_log[type] << 16);
            return true;
        }
    }
    return false;
}

void nvme_event(NvmeCtrl *n, uint8_t type, uint8_t info, uint8_t log)
{
    if (n->events_masked >> type & 1) {
        return;
    }
    n->event_info[type] = info;
    n->event_log[type] = log;
    n->events_pending |= 1u << type;
    deliver_event(n, type);
}

static uint16_t event_request(NvmeCtrl *n, unsigned slot)
{
    unsigned waiting = 0;

    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        waiting += n->slot[i].state == SLOT_AER;
    }
    if (waiting > n->aerl) {
        return NVME_AER_LIMIT | NVME_DNR;
    }
    n->slot[slot].state = SLOT_AER;
    for (unsigned t = 0; t < 8; t++) {
        if (n->events_pending >> t & 1) {
            deliver_event(n, t);
            break;
        }
    }
    return NVME_NO_COMPLETION;
}

/* Commands end quickly here; the one that can be aborted is a waiting event request. */
static uint16_t abort_command(NvmeCtrl *n, const uint8_t *sqe, uint32_t *result)
{
    unsigned sqid = ld_le16(sqe + 40);

    *result = 1; /* not aborted */
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        NvmeSlot *s = &n->slot[i];
        if (s->state == SLOT_AER && s->sqid == sqid && !memcmp(s->sqe + 2, sqe + 42, 2)) {
            *result = 0;
            nvme_complete(n, i, NVME_ABORTED, 0);
            break;
        }
    }
    return NVME_OK;
}

uint16_t nvme_admin(NvmeCtrl *n, unsigned slot, uint32_t *result)
{
    const uint8_t *sqe = n->slot[slot].sqe;

    switch (sqe[0]) {
    case 0x00:
        return delete_sq(n, sqe);
    case 0x01:
        return create_sq(n, sqe);
    case 0x02:
        return get_log(n, slot);
    case 0x04:
        return delete_cq(n, sqe);
    case 0x05:
        return create_cq(n, sqe);
    case 0x06:
        return identify(n, slot);
    case 0x08:
        return abort_command(n, sqe, result);
    case 0x09:
        return set_feature(n, slot, result);
    case 0x0a:
        return get_feature(n, slot, result);
    case 0x0c:
        return event_request(n, slot);
    default:
        return NVME_INVALID_OPCODE | NVME_DNR;
    }
}
