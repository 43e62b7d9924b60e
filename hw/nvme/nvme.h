/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NVMe controller's insides, shared by the files of this directory.
 *
 * NVM Express Base Specification 1.4. home: the machine's lock domain.
 */
#ifndef HW_NVME_NVME_H
#define HW_NVME_NVME_H

#include <sys/uio.h>
#include "base/bits.h"
#include "block/block.h"
#include "hw/pci/pci.h"

#define NVME_MAX_QUEUES 65   /* the admin queue and 64 pairs for I/O */
#define NVME_MAX_ENTRIES 2048
#define NVME_SLOTS 1024      /* commands at once, over all queues */
#define NVME_MAX_NS 256
#define NVME_MAX_AERS 4
#define NVME_SQE 64
#define NVME_CQE 16
#define NVME_PAGE_BITS 12    /* MPSMIN */
#define NVME_MAX_SEGMENTS 256

/* Status codes: type << 8 | code (section 4.6.1); DNR is bit 14. */
enum {
    NVME_OK = 0,
    NVME_INVALID_OPCODE = 0x0001,
    NVME_INVALID_FIELD = 0x0002,
    NVME_DATA_TRANSFER = 0x0004,
    NVME_INTERNAL = 0x0006,
    NVME_ABORTED = 0x0007,
    NVME_ABORTED_SQ = 0x0008,
    NVME_INVALID_NS = 0x000b,
    NVME_INVALID_PRP_OFFSET = 0x0013,
    NVME_NS_NOT_READY = 0x0082,
    NVME_LBA_RANGE = 0x0080,
    NVME_CAPACITY = 0x0081,
    NVME_INVALID_CQ = 0x0100,
    NVME_INVALID_QID = 0x0101,
    NVME_INVALID_QSIZE = 0x0102,
    NVME_ABORT_LIMIT = 0x0103,
    NVME_AER_LIMIT = 0x0105,
    NVME_INVALID_VECTOR = 0x0108,
    NVME_INVALID_LOG = 0x0109,
    NVME_INVALID_DELETE = 0x010c,
    NVME_NOT_SAVEABLE = 0x010d,
    NVME_NOT_CHANGEABLE = 0x010e,
    NVME_READ_ONLY = 0x0182,
    NVME_WRITE_FAULT = 0x0280,
    NVME_READ_ERROR = 0x0281,
    NVME_COMPARE_FAILED = 0x0285,
    NVME_DNR = 0x4000,
    NVME_NO_COMPLETION = 0xffff, /* ours: the answer comes later */
};

typedef struct NvmeSq {
    uint64_t addr;
    uint32_t size; /* entries; 0: not there */
    uint32_t head, tail;
    uint16_t cqid, pad;
    uint32_t pad2;
} NvmeSq;

typedef struct NvmeCq {
    uint64_t addr;
    uint32_t size;
    uint32_t head, tail;
    uint16_t vector;
    uint8_t phase, irq_on;
} NvmeCq;

/* A command that was fetched. Saved; what runs for it on the host is in NvmeReq. */
enum { SLOT_FREE, SLOT_BUSY, SLOT_AER, SLOT_DONE };
typedef struct NvmeSlot {
    uint8_t state, pad;
    uint16_t sqid;
    uint16_t status;
    uint16_t pad2;
    uint32_t result;
    uint32_t order; /* of fetching, to reissue in the same order */
    uint8_t sqe[NVME_SQE];
} NvmeSlot;

typedef struct NvmeCtrl NvmeCtrl;
typedef struct NvmeNs NvmeNs;

/* The part of a namespace that both nvme-ns and the controller's own drive= have. */
struct NvmeNs {
    BlockPort *port;
    uint32_t nsid; /* 0: not there */
    uint32_t block_size;
    uint64_t uuid_hi, uuid_lo, eui64;
    bool attached;
};

typedef struct NvmeReq {
    NvmeCtrl *n;
    NvmeNs *ns;
    unsigned slot;
    int niov;
    struct iovec *iov;   /* guest memory */
    uint64_t *addr;      /* its bus addresses, by iov */
    uint8_t *bounce;     /* compare, copies of ranges */
    uint64_t offset, bytes;
    unsigned pending;    /* parts of a deallocate */
    int ret;
} NvmeReq;

struct NvmeCtrl {
    PciDevice pci;
    /* properties */
    BlockPort *drive;
    char *serial;
    uint32_t max_ioqpairs, msix_qsize;
    uint8_t mdts, aerl;
    bool use_intel_id;
    uint32_t logical_block_size;
    int32_t bootindex;
    char *rerror, *werror;
    /* saved */
    uint32_t cc, csts, intm, aqa;
    uint64_t asq, acq;
    NvmeSq sq[NVME_MAX_QUEUES];
    NvmeCq cq[NVME_MAX_QUEUES];
    NvmeSlot slot[NVME_SLOTS];
    uint32_t next_order;
    uint32_t feat_arbitration, feat_temperature[2], feat_recovery, feat_async, feat_coalesce;
    uint32_t feat_power, feat_atomicity;
    uint8_t vector_config[NVME_MAX_QUEUES]; /* coalescing disabled */
    uint64_t timestamp;      /* ms, and when it was set (virtual ns) */
    int64_t timestamp_at;
    uint8_t timestamp_origin;
    uint8_t events_pending, events_masked; /* bit per type of asynchronous event */
    uint8_t event_info[8], event_log[8];
    uint64_t errors;
    uint64_t units_read, units_written, reads, writes; /* units: 512 bytes */
    /* host */
    Bus bus;                 /* nvme-ns devices */
    NvmeNs own_ns;
    NvmeNs *ns[NVME_MAX_NS + 1];
    NvmeReq *req[NVME_SLOTS];
    unsigned free_hint, used;
    unsigned inline_budget;  /* bytes that may still be moved on this stack */
    unsigned shutdown_pending; /* flushes of a shutdown */
    bool fetching;
    MemoryRegion *bar;
};

/* nvme_queue.c */
void nvme_fetch_all(NvmeCtrl *n);
void nvme_doorbell(NvmeCtrl *n, unsigned index, uint32_t value);
/* The answer to a command: queued until the completion queue has room. */
void nvme_complete(NvmeCtrl *n, unsigned slot, uint16_t status, uint32_t result);
void nvme_free_slot(NvmeCtrl *n, unsigned slot);
void nvme_post_done(NvmeCtrl *n, unsigned cqid);
int nvme_irq_level(NvmeCtrl *n);
void nvme_reissue(NvmeCtrl *n);
/* Frees what runs for the slots on the host; all ports are quiet. */
void nvme_drop_requests(NvmeCtrl *n);
/* Maps the data pointer of a command: true and req->iov, or a status. */
uint16_t nvme_map(NvmeCtrl *n, NvmeReq *r, const uint8_t *sqe, uint64_t bytes, bool to_guest);
void nvme_written(NvmeReq *r, uint64_t bytes);
NvmeReq *nvme_req_new(NvmeCtrl *n, unsigned slot);
/* A buffer as a command's data, cut or zero-filled to what the guest asked for. */
uint16_t nvme_answer(NvmeCtrl *n, unsigned slot, const void *data, size_t have, size_t want);

/* nvme_admin.c */
uint16_t nvme_admin(NvmeCtrl *n, unsigned slot, uint32_t *result);
void nvme_event(NvmeCtrl *n, uint8_t type, uint8_t info, uint8_t log);
void nvme_delete_sq(NvmeCtrl *n, unsigned sqid);

/* nvme_io.c */
uint16_t nvme_io(NvmeCtrl *n, unsigned slot, uint32_t *result);
NvmeNs *nvme_ns(NvmeCtrl *n, uint32_t nsid);
uint64_t nvme_ns_blocks(const NvmeNs *ns);

/* nvme.c */
bool nvme_attach_ns(NvmeCtrl *n, NvmeNs *ns, BlockPort *port, uint32_t nsid, const char *name,
                    Error **errp);
void nvme_detach_ns(NvmeCtrl *n, NvmeNs *ns);

#endif
