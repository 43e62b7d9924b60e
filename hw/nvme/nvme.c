/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVMe controller and namespaces: registers, life, properties.
 *
 * NVM Express Base Specification 1.4, section 3.1 (controller registers) and 7.6
 * (initialisation, shutdown). Left out: controller memory buffer, boot
 * partitions, SGLs, metadata, zoned namespaces, SR-IOV; CAP and identify do not
 * offer them.
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "base/log.h"
#include "hw/nvme/nvme.h"

#define BAR_SIZE     0x4000
#define REGS_SIZE    0x2000
#define MSIX_TABLE   0x2000
#define MSIX_PBA     0x3000
#define DOORBELLS    0x1000
#define CAP          ((NVME_MAX_ENTRIES - 1) | 1ull << 16 /* CQR */ | 15ull << 24 /* TO */ | \
             1ull << 37 /* CSS: NVM */ | 4ull << 52 /* MPSMAX 64 KiB */)
#define VERSION_1_4  0x00010400

enum {
    CC_EN = 1,
    CC_SHN = 3 << 14,
    CSTS_RDY = 1,
    CSTS_CFS = 2,
    CSTS_SHST = 3 << 2,
    CSTS_SHST_BUSY = 1 << 2,
    CSTS_SHST_DONE = 2 << 2,
};

/* ---- start, stop ---- */

static void cancel_all(NvmeCtrl *n)
{
    for (unsigned i = 1; i <= NVME_MAX_NS; i++) {
        if (n->ns[i]) {
            block_cancel_all(n->ns[i]->port);
        }
    }
}

/* As at a controller level reset (7.3.2): no queues, nothing in flight. */
static void stop(NvmeCtrl *n)
{
    cancel_all(n);
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        nvme_free_slot(n, i);
    }
    memset(n->sq, 0, sizeof(n->sq));
    memset(n->cq, 0, sizeof(n->cq));
    n->csts &= ~(CSTS_RDY | CSTS_CFS);
    n->events_pending = n->events_masked = 0;
    n->intm = 0;
}

static bool may_start(const NvmeCtrl *n)
{
    unsigned page_bits = NVME_PAGE_BITS + (n->cc >> 7 & 15);
    uint64_t page = 1ull << page_bits;
    uint32_t asqs = (n->aqa & 0xfff) + 1, acqs = (n->aqa >> 16 & 0xfff) + 1;

    return (n->cc >> 7 & 15) <= 4 && (n->cc >> 4 & 7) == 0 && (n->cc >> 16 & 15) == 6 &&
           (n->cc >> 20 & 15) == 4 && !(n->asq & (page - 1)) && !(n->acq & (page - 1)) &&
           asqs >= 2 && acqs >= 2 && asqs <= NVME_MAX_ENTRIES && acqs <= NVME_MAX_ENTRIES;
}

static void start(NvmeCtrl *n)
{
    if (!may_start(n)) {
        log_mask(LOG_GUEST_ERROR, "nvme: cannot start: CC 0x%x AQA 0x%x\n", n->cc, n->aqa);
        n->csts |= CSTS_CFS;
        return;
    }
    n->cq[0] = (NvmeCq){.addr = n->acq, .size = (n->aqa >> 16 & 0xfff) + 1, .phase = 1,
                        .irq_on = 1};
    n->sq[0] = (NvmeSq){.addr = n->asq, .size = (n->aqa & 0xfff) + 1};
    n->csts |= CSTS_RDY;
}

static void shutdown_flushed(void *opaque, int ret)
{
    NvmeCtrl *n = opaque;

    /* A flush that failed was reported by the port; the guest is going down all the same. */
    if (--n->shutdown_pending == 0) {
        n->csts = (n->csts & ~CSTS_SHST) | CSTS_SHST_DONE;
    }
}

/* Normal or abrupt shutdown (7.6.2): done once everything is on the medium. */
static void begin_shutdown(NvmeCtrl *n)
{
    n->csts = (n->csts & ~CSTS_SHST) | CSTS_SHST_BUSY;
    n->shutdown_pending = 1;
    for (unsigned i = 1; i <= NVME_MAX_NS; i++) {
        if (n->ns[i]) {
            n->shutdown_pending++;
            block_flush(n->ns[i]->port, 0, shutdown_flushed, n);
        }
    }
    shutdown_flushed(n, 0);
}

static void write_cc(NvmeCtrl *n, uint32_t v)
{
    bool was = n->cc & CC_EN, now = v & CC_EN;

    if (was && now) { /* page and entry sizes stand while it is enabled */
        v = (n->cc & ~CC_SHN) | (v & CC_SHN);
    }
    n->cc = v;
    if (was && !now) {
        stop(n);
        n->cc &= ~CC_EN;
        n->csts &= ~CSTS_SHST;
    } else if (!was && now) {
        start(n);
    }
    if (!(v & CC_SHN)) {
        n->csts &= ~CSTS_SHST;
    } else if (!(n->csts & CSTS_SHST)) {
        begin_shutdown(n);
    }
}

/* ---- registers ---- */

static uint32_t read_reg(NvmeCtrl *n, unsigned reg)
{
    switch (reg) {
    case 0x00:
        return (uint32_t)CAP;
    case 0x04:
        return (uint32_t)(CAP >> 32);
    case 0x08:
        return VERSION_1_4;
    case 0x0c:
    case 0x10:
        return n->intm;
    case 0x14:
        return n->cc;
    case 0x1c:
        return n->csts;
    case 0x24:
        return n->aqa;
    case 0x28:
        return (uint32_t)n->asq;
    case 0x2c:
        return (uint32_t)(n->asq >> 32);
    case 0x30:
        return (uint32_t)n->acq;
    case 0x34:
        return (uint32_t)(n->acq >> 32);
    default:
        return 0;
    }
}

static void write_reg(NvmeCtrl *n, unsigned reg, uint32_t v)
{
    switch (reg) {
    case 0x0c:
        n->intm |= v;
        break;
    case 0x10:
        n->intm &= ~v;
        break;
    case 0x14:
        write_cc(n, v);
        break;
    case 0x24:
        n->aqa = v & 0x0fff0fff;
        break;
    case 0x28:
        n->asq = (n->asq & ~0xffffffffull) | (v & ~0xfffu);
        break;
    case 0x2c:
        n->asq = (uint32_t)n->asq | (uint64_t)v << 32;
        break;
    case 0x30:
        n->acq = (n->acq & ~0xffffffffull) | (v & ~0xfffu);
        break;
    case 0x34:
        n->acq = (uint32_t)n->acq | (uint64_t)v << 32;
        break;
    default:
        log_mask(LOG_GUEST_ERROR, "nvme: write to register 0x%x\n", reg);
    }
}

static uint64_t nvme_read(void *opaque, hwaddr offset, unsigned size)
{
    return offset < DOORBELLS ? read_reg(opaque, (unsigned)offset) : 0;
}

static void nvme_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    NvmeCtrl *n = opaque;

    if (offset >= DOORBELLS) {
        nvme_doorbell(n, (unsigned)(offset - DOORBELLS) / 4, (uint32_t)v);
    } else {
        write_reg(n, (unsigned)offset, (uint32_t)v);
    }
}

static const IoOps nvme_ops = {nvme_read, nvme_write, .min_size = 4, .max_size = 4};

/* ---- namespaces ---- */

static void ns_resized(void *opaque)
{
    NvmeCtrl *n = opaque;

    if (n->csts & CSTS_RDY && n->feat_async >> 8 & 1) {
        nvme_event(n, 2, 0, 4); /* notice: namespace attribute changed */
    }
}

static const BlockFrontOps ns_front_ops = {.resized = ns_resized};

bool nvme_attach_ns(NvmeCtrl *n, NvmeNs *ns, BlockPort *port, uint32_t nsid, const char *name,
                    Error **errp)
{
    const BlockFrontend f = {
        .name = name,
        .ops = &ns_front_ops,
        .opaque = n,
        .writable = !block_port_readonly(port),
        DEVICE_LOCK_HOOKS,
    };

    if (!nsid) {
        for (nsid = 1; nsid <= NVME_MAX_NS && n->ns[nsid]; nsid++) {
        }
    }
    if (nsid > NVME_MAX_NS || n->ns[nsid]) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  nsid > NVME_MAX_NS ? "nsid %u: a controller has namespaces 1 to %d"
                                     : "nsid %u is taken",
                  nsid, NVME_MAX_NS);
        return false;
    }
    if (!block_attach(port, &f, errp) ||
        !block_port_set_error_policy(port, n->rerror, n->werror, errp)) {
        return false;
    }
    ns->port = port;
    ns->nsid = nsid;
    ns->attached = true;
    n->ns[nsid] = ns;
    return true;
}

void nvme_detach_ns(NvmeCtrl *n, NvmeNs *ns)
{
    if (ns->attached) {
        n->ns[ns->nsid] = NULL;
        block_detach(ns->port);
        ns->attached = false;
    }
}

/* ---- life ---- */

static bool check_props(NvmeCtrl *n, Error **errp)
{
    if (!n->serial || !*n->serial) {
        error_set(errp, ERR_INVALID_PARAMETER, "serial property not set");
        error_hint(errp, "a controller needs one, such as serial=rhea0");
        return false;
    }
    if (n->max_ioqpairs < 1 || n->max_ioqpairs >= NVME_MAX_QUEUES) {
        error_set(errp, ERR_INVALID_PARAMETER, "max_ioqpairs must be between 1 and %d",
                  NVME_MAX_QUEUES - 1);
        return false;
    }
    if (n->msix_qsize < 1 || n->msix_qsize > 256) {
        error_set(errp, ERR_INVALID_PARAMETER, "msix_qsize must be between 1 and 256");
        return false;
    }
    if (n->mdts < 1 || n->mdts > 7) {
        error_set(errp, ERR_INVALID_PARAMETER, "mdts must be between 1 (8 KiB) and 7 (512 KiB)");
        return false;
    }
    if (n->aerl >= NVME_MAX_AERS) {
        error_set(errp, ERR_INVALID_PARAMETER, "aerl must be between 0 and %d", NVME_MAX_AERS - 1);
        return false;
    }
    if (n->logical_block_size < 512 || n->logical_block_size > 32768 ||
        n->logical_block_size & (n->logical_block_size - 1)) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "logical_block_size must be a power of two from 512 to 32768");
        return false;
    }
    return true;
}

static const BusOps nvme_bus_ops = {.kind = "nvme-bus"};

static bool nvme_realize(Device *d, Error **errp)
{
    NvmeCtrl *n = (NvmeCtrl *)d;
    const PciIdent id = {
        .vendor = n->use_intel_id ? 0x8086 : 0x1b36,
        .device = n->use_intel_id ? 0x5845 : 0x0010,
        .class_code = 0x010802,
        .revision = 2,
        .pin = 1,
        .express = true,
    };

    if (!check_props(n, errp) || !pci_setup(&n->pci, &id, errp)) {
        return false;
    }
    n->bar = region_new_container("nvme-bar0", BAR_SIZE);
    g_ptr_array_add(d->regions, n->bar);
    region_add(n->bar, 0, device_io_region(d, "nvme", &nvme_ops, REGS_SIZE), 0);
    pci_bar(&n->pci, 0, n->bar, false, true, false);
    pci_add_msix(&n->pci, n->msix_qsize, 0, MSIX_TABLE, MSIX_PBA, 0);
    g_autofree char *name = g_strdup(d->id ? d->id : "nvme");
    bus_init(&n->bus, &nvme_bus_ops, d, name);
    if (n->drive) {
        n->own_ns.block_size = n->logical_block_size;
        if (!nvme_attach_ns(n, &n->own_ns, n->drive, 1, name, errp)) {
            bus_fini(&n->bus);
            pci_teardown(&n->pci);
            return false;
        }
    }
    return true;
}

static void nvme_unrealize(Device *d)
{
    NvmeCtrl *n = (NvmeCtrl *)d;

    stop(n);
    nvme_detach_ns(n, &n->own_ns);
    bus_fini(&n->bus);
    pci_teardown(&n->pci);
}

static void nvme_reset(Device *d)
{
    NvmeCtrl *n = (NvmeCtrl *)d;

    stop(n);
    n->cc = n->csts = 0;
    pci_reset(&n->pci);
    n->feat_temperature[0] = 0x157;
    n->feat_temperature[1] = 0;
    n->feat_arbitration = 7;
}

static void nvme_outputs(Device *d)
{
    NvmeCtrl *n = (NvmeCtrl *)d;

    pci_set_irq(&n->pci, nvme_irq_level(n));
}

/* ---- save ---- */

static bool queues_valid(const NvmeCtrl *n)
{
    for (unsigned i = 0; i < NVME_MAX_QUEUES; i++) {
        const NvmeSq *sq = &n->sq[i];
        const NvmeCq *cq = &n->cq[i];
        if (sq->size > NVME_MAX_ENTRIES || (sq->size && (sq->head >= sq->size || sq->tail >= sq->size ||
            sq->cqid >= NVME_MAX_QUEUES || !n->cq[sq->cqid].size))) {
            return false;
        }
        if (cq->size > NVME_MAX_ENTRIES || cq->size == 1 || cq->phase > 1 ||
            (cq->size && (cq->head >= cq->size || cq->tail >= cq->size))) {
            return false;
        }
    }
    return true;
}

static bool slots_valid(const NvmeCtrl *n)
{
    for (unsigned i = 0; i < NVME_SLOTS; i++) {
        if (n->slot[i].state > SLOT_DONE || n->slot[i].sqid >= NVME_MAX_QUEUES) {
            return false;
        }
    }
    return true;
}

static bool nvme_post_load(Device *d, int version, Error **errp)
{
    NvmeCtrl *n = (NvmeCtrl *)d;

    if (!queues_valid(n) || !slots_valid(n) || (n->csts & CSTS_RDY && (n->cc >> 7 & 15) > 4)) {
        error_set(errp, ERR_INVALID_PARAMETER, "nvme: the saved queues are not valid");
        return false;
    }
    pci_loaded(&n->pci);
    cancel_all(n); /* what was here before */
    nvme_drop_requests(n);
    for (unsigned i = 0; i < NVME_SLOTS; i++) { /* admin commands never wait for the host */
        if (n->slot[i].state == SLOT_BUSY && !n->slot[i].sqid) {
            n->slot[i].state = SLOT_FREE;
        }
    }
    nvme_reissue(n);
    if ((n->csts & CSTS_SHST) == CSTS_SHST_BUSY) {
        begin_shutdown(n);
    }
    return true;
}

static const Property nvme_props[] = {
    PCI_PROPS(NvmeCtrl),
    PROP(NvmeCtrl, PROP_DRIVE, drive, "drive", 0, "disk behind namespace 1"),
    PROP_STR(NvmeCtrl, serial, "serial", NULL, "serial number; needed"),
    PROP(NvmeCtrl, PROP_U32, max_ioqpairs, "max_ioqpairs", 64, "I/O queue pairs at most"),
    PROP(NvmeCtrl, PROP_U32, msix_qsize, "msix_qsize", 65, "MSI-X vectors"),
    PROP(NvmeCtrl, PROP_U8, mdts, "mdts", 7, "largest transfer: 4 KiB shifted left by this"),
    PROP(NvmeCtrl, PROP_U8, aerl, "aerl", 3, "waiting event requests at most, less one"),
    PROP(NvmeCtrl, PROP_BOOL, use_intel_id, "use-intel-id", false, "PCI identity 8086:5845"),
    PROP(NvmeCtrl, PROP_U32, logical_block_size, "logical_block_size", 512, "bytes of a block"),
    PROP(NvmeCtrl, PROP_I32, bootindex, "bootindex", (uint64_t)-1, "place in the boot order"),
    PROP_STR(NvmeCtrl, rerror, "rerror", "auto", "read errors: report, ignore, stop, auto"),
    PROP_STR(NvmeCtrl, werror, "werror", "auto", "write errors: report, ignore, stop, enospc, auto"),
    {0},
};

static const StateField nvme_state[] = {
    PCI_STATE(NvmeCtrl),
    STATE(NvmeCtrl, STATE_U32, cc, 0),
    STATE(NvmeCtrl, STATE_U32, csts, 0),
    STATE(NvmeCtrl, STATE_U32, intm, 0),
    STATE(NvmeCtrl, STATE_U32, aqa, 0),
    STATE(NvmeCtrl, STATE_U64, asq, 0),
    STATE(NvmeCtrl, STATE_U64, acq, 0),
    STATE_RAW_KEEP(NvmeCtrl, sq), /* stop() clears these three, once nothing is in flight */
    STATE_RAW_KEEP(NvmeCtrl, cq),
    STATE_RAW_KEEP(NvmeCtrl, slot),
    STATE(NvmeCtrl, STATE_U32, next_order, 0),
    STATE(NvmeCtrl, STATE_U32, feat_arbitration, 7),
    STATE_ARRAY(NvmeCtrl, STATE_U32, feat_temperature, 2, 0),
    STATE(NvmeCtrl, STATE_U32, feat_recovery, 0),
    STATE(NvmeCtrl, STATE_U32, feat_async, 0),
    STATE(NvmeCtrl, STATE_U32, feat_coalesce, 0),
    STATE(NvmeCtrl, STATE_U32, feat_power, 0),
    STATE(NvmeCtrl, STATE_U32, feat_atomicity, 0),
    STATE_ARRAY(NvmeCtrl, STATE_U8, vector_config, NVME_MAX_QUEUES, 0),
    STATE(NvmeCtrl, STATE_U64, timestamp, 0),
    STATE(NvmeCtrl, STATE_I64, timestamp_at, 0),
    STATE(NvmeCtrl, STATE_U8, timestamp_origin, 0),
    STATE(NvmeCtrl, STATE_U8, events_pending, 0),
    STATE(NvmeCtrl, STATE_U8, events_masked, 0),
    STATE_ARRAY(NvmeCtrl, STATE_U8, event_info, 8, 0),
    STATE_ARRAY(NvmeCtrl, STATE_U8, event_log, 8, 0),
    STATE(NvmeCtrl, STATE_U64, errors, 0),
    STATE(NvmeCtrl, STATE_U64, units_read, 0),
    STATE(NvmeCtrl, STATE_U64, units_written, 0),
    STATE(NvmeCtrl, STATE_U64, reads, 0),
    STATE(NvmeCtrl, STATE_U64, writes, 0),
    HOST_ONLY(NvmeCtrl, bus),
    HOST_ONLY(NvmeCtrl, own_ns),
    HOST_ONLY(NvmeCtrl, ns),
    HOST_ONLY(NvmeCtrl, req),
    HOST_ONLY(NvmeCtrl, free_hint),
    HOST_ONLY(NvmeCtrl, used),
    HOST_ONLY(NvmeCtrl, inline_budget),
    HOST_ONLY(NvmeCtrl, shutdown_pending),
    HOST_ONLY(NvmeCtrl, fetching),
    HOST_ONLY(NvmeCtrl, bar),
    {0},
};

static const DeviceType nvme_type = {
    .name = "nvme",
    .help = "Non-Volatile Memory Express",
    .bus = "pci",
    .size = sizeof(NvmeCtrl),
    .version = 1,
    .user_creatable = true,
    .needs = "a serial number",
    .props = nvme_props,
    .state = nvme_state,
    .realize = nvme_realize,
    .unrealize = nvme_unrealize,
    .reset_hold = nvme_reset,
    .outputs = nvme_outputs,
    .post_load = nvme_post_load,
};
DEVICE_TYPE(nvme_type);

/* ---- nvme-ns ---- */

typedef struct NvmeNsDevice {
    Device dev;
    BlockPort *drive;
    uint32_t nsid, logical_block_size;
    char *uuid;
    uint64_t eui64;
    NvmeNs ns;
} NvmeNsDevice;

static bool parse_uuid(NvmeNsDevice *s, Error **errp)
{
    uint64_t half[2] = {0, 0};
    unsigned digits = 0;

    if (!s->uuid || !*s->uuid) {
        return true;
    }
    for (const char *p = s->uuid; *p; p++) {
        if (g_ascii_isxdigit(*p) && digits < 32) {
            half[digits / 16] = half[digits / 16] << 4 | (unsigned)g_ascii_xdigit_value(*p);
            digits++;
        } else if (*p != '-') {
            digits = 99;
            break;
        }
    }
    if (digits != 32) {
        error_set(errp, ERR_INVALID_PARAMETER, "uuid '%s' is not of the form "
                  "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", s->uuid);
        return false;
    }
    s->ns.uuid_hi = half[0];
    s->ns.uuid_lo = half[1];
    return true;
}

static bool nvme_ns_realize(Device *d, Error **errp)
{
    NvmeNsDevice *s = (NvmeNsDevice *)d;

    if (!s->drive) {
        error_set(errp, ERR_INVALID_PARAMETER, "nvme-ns needs drive=");
        return false;
    }
    if (s->logical_block_size < 512 || s->logical_block_size > 32768 ||
        s->logical_block_size & (s->logical_block_size - 1)) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "logical_block_size must be a power of two from 512 to 32768");
        return false;
    }
    s->ns.block_size = s->logical_block_size;
    s->ns.eui64 = s->eui64;
    return parse_uuid(s, errp) && nvme_attach_ns((NvmeCtrl *)d->bus->owner, &s->ns, s->drive,
                                                 s->nsid, d->id ? d->id : "nvme-ns", errp);
}

static void nvme_ns_unrealize(Device *d)
{
    NvmeNsDevice *s = (NvmeNsDevice *)d;

    nvme_detach_ns((NvmeCtrl *)d->bus->owner, &s->ns);
}

static const Property nvme_ns_props[] = {
    PROP(NvmeNsDevice, PROP_DRIVE, drive, "drive", 0, "disk behind the namespace"),
    PROP(NvmeNsDevice, PROP_U32, nsid, "nsid", 0, "namespace id; 0: the next free one"),
    PROP(NvmeNsDevice, PROP_U32, logical_block_size, "logical_block_size", 512, "bytes of a block"),
    PROP_STR(NvmeNsDevice, uuid, "uuid", NULL, "UUID that identifies it"),
    PROP(NvmeNsDevice, PROP_U64, eui64, "eui64", 0, "64-bit extended unique identifier"),
    {0},
};

static const StateField nvme_ns_state[] = {
    HOST_ONLY(NvmeNsDevice, ns),
    {0},
};

static const DeviceType nvme_ns_type = {
    .name = "nvme-ns",
    .help = "namespace of an NVMe controller",
    .bus = "nvme-bus",
    .size = sizeof(NvmeNsDevice),
    .version = 1,
    .user_creatable = true,
    .needs = "an nvme controller and a drive",
    .props = nvme_ns_props,
    .state = nvme_ns_state,
    .realize = nvme_ns_realize,
    .unrealize = nvme_ns_unrealize,
};
DEVICE_TYPE(nvme_ns_type);
