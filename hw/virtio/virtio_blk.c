/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-blk: a disk. Virtio 1.2, 5.2, with multiqueue, discard, write zeroes and a write cache
 * that the driver may turn off.
 *
 * Requests go to the block layer straight from the guest's buffers, and may complete before the
 * submitting call returns; then the driver hears of a whole turn's requests by one interrupt.
 * With iothread= all of it happens on that thread, under the device's own lock.
 *
 * Left out: secure erase, lifetime, zones (not offered), SCSI passthrough of the legacy device.
 *
 * home: the virtio device's lock.
 */
#include <string.h>

#include "base/bits.h"
#include "base/iov.h"
#include "base/log.h"
#include "block/block.h"
#include "hw/virtio/virtio.h"
#include "hw/virtio/virtio_pci.h"

#define SECTOR      512
#define ID_LEN      20
#define MAX_SECTORS (INT32_MAX / SECTOR)
#define QUEUES_AUTO UINT16_MAX

enum { /* features, 5.2.3 */
       F_SEG_MAX = 2,
       F_GEOMETRY = 4,
       F_RO = 5,
       F_BLK_SIZE = 6,
       F_FLUSH = 9,
       F_TOPOLOGY = 10,
       F_CONFIG_WCE = 11,
       F_MQ = 12,
       F_DISCARD = 13,
       F_WRITE_ZEROES = 14,
};
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
enum { S_OK, S_IOERR, S_UNSUPP };
enum { /* configuration, 5.2.4 */
       C_CAPACITY = 0,
       C_SEG_MAX = 12,
       C_CYLINDERS = 16,
       C_HEADS = 18,
       C_SECTORS = 19,
       C_BLK_SIZE = 20,
       C_PHYS_EXP = 24,
       C_ALIGN_OFFSET = 25,
       C_MIN_IO = 26,
       C_OPT_IO = 28,
       C_WRITEBACK = 32,
       C_NUM_QUEUES = 34,
       C_MAX_DISCARD = 36,
       C_MAX_DISCARD_SEG = 40,
       C_DISCARD_ALIGN = 44,
       C_MAX_ZEROES = 48,
       C_MAX_ZEROES_SEG = 52,
       C_ZEROES_UNMAP = 56,
       CONFIG_SIZE = 60,
};

typedef struct VirtioBlk VirtioBlk;
typedef struct BlkReq {
    VirtioBlk *s;
    VirtqElem *e;
    struct BlkReq *next, *prev;
    struct iovec iov[]; /* data, where it cannot be told from the element */
} BlkReq;

struct VirtioBlk {
    VirtioDevice virtio;
    /* properties */
    BlockPort *port;
    IoThread *iothread;
    char *serial, *rerror, *werror;
    uint64_t logical, physical, min_io, opt_io, discard_granularity;
    uint32_t cyls, heads, secs;
    uint16_t num_queues, queue_size;
    uint32_t max_discard, max_zeroes;
    bool config_wce, discard, write_zeroes, share_rw, seg_max_adjust;
    int write_cache;
    int32_t bootindex;
    /* saved */
    uint8_t writeback;
    /* host */
    bool attached, original_wce;
    BlkReq *reqs;
    uint32_t *owed; /* bit per queue: an interrupt */
};

/* ---- interrupts, gathered ---- */

static void owe(VirtioBlk *s, VirtQueue *vq)
{
    s->owed[virtq_index(vq) / 32] |= 1u << (virtq_index(vq) & 31);
}

static void pay(VirtioBlk *s)
{
    for (unsigned w = 0; w < (s->num_queues + 31u) / 32; w++) {
        while (s->owed[w]) {
            unsigned bit = __builtin_ctz(s->owed[w]);
            s->owed[w] &= ~(1u << bit);
            virtq_notify(virtio_queue(&s->virtio, w * 32 + bit));
        }
    }
}

static void blk_lock(void *opaque)
{
    virtio_lock_hook(opaque);
}

/* After a batch of completions. */
static void blk_unlock(void *opaque)
{
    pay(opaque);
    virtio_unlock_hook(opaque);
}

/* ---- requests ---- */

static void finish(BlkReq *r, uint8_t status)
{
    VirtioBlk *s = r->s;
    VirtqElem *e = r->e;

    iov_from_buf(e->in, e->n_in, e->in_len - 1, &status, 1);
    *(r->prev ? &r->prev->next : &s->reqs) = r->next;
    if (r->next) {
        r->next->prev = r->prev;
    }
    owe(s, e->vq);
    virtq_push(e->vq, e, e->in_len); /* the status is the last byte */
    g_free(r);
}

static void done(void *opaque, int ret)
{
    finish(opaque, ret == 0 ? S_OK : ret == -ENOTSUP ? S_UNSUPP : S_IOERR);
}

/* The n bytes at skip of a vector, without a copy when they are whole entries. */
static const struct iovec *data_part(BlkReq *r, const struct iovec *iov, unsigned niov, size_t skip,
                                     size_t n, int *count)
{
    if (skip && niov && iov[0].iov_len == skip) {
        iov++;
        niov--;
        skip = 0;
    }
    if (!skip && niov && iov[niov - 1].iov_len == 1 && iov_size(iov, niov - 1) == n) {
        *count = niov - 1;
        return iov;
    }
    *count = iov_slice(iov, niov, skip, n, r->iov, niov);
    return r->iov;
}

static bool in_range(VirtioBlk *s, uint64_t sector, uint64_t bytes)
{
    uint64_t size = block_port_size(s->port) / SECTOR, n = bytes / SECTOR;

    return bytes % SECTOR == 0 && sector % (s->logical / SECTOR) == 0 &&
           n % (s->logical / SECTOR) == 0 && n <= MAX_SECTORS && sector <= size &&
           n <= size - sector;
}

static void transfer(BlkReq *r, bool write, uint64_t sector)
{
    VirtioBlk *s = r->s;
    VirtqElem *e = r->e;
    size_t n = write ? e->out_len - 16 : e->in_len - 1;
    int count;

    if (!in_range(s, sector, n)) {
        block_account_invalid(s->port, write);
        finish(r, S_IOERR);
        return;
    }
    if (write) {
        const struct iovec *iov = data_part(r, e->out, e->n_out, 16, n, &count);
        block_write(s->port, sector * SECTOR, iov, count, BLOCK_REQ_INLINE, done, r);
    } else {
        const struct iovec *iov = data_part(r, e->in, e->n_in, 0, n, &count);
        block_read(s->port, sector * SECTOR, iov, count, BLOCK_REQ_INLINE, done, r);
    }
}

static void get_id(BlkReq *r)
{
    char id[ID_LEN] = {0};
    const char *serial = r->s->serial ? r->s->serial : block_port_serial(r->s->port);

    if (serial) {
        memcpy(id, serial, MIN(strlen(serial), ID_LEN));
    }
    iov_from_buf(r->e->in, r->e->n_in, 0, id, MIN(r->e->in_len - 1, ID_LEN));
    finish(r, S_OK);
}

/* One segment of sectors, as the configuration says. */
static void trim(BlkReq *r, bool zeroes)
{
    VirtioBlk *s = r->s;
    VirtqElem *e = r->e;
    uint8_t seg[16];

    if (e->out_len != 32 || iov_to_buf(e->out, e->n_out, 16, seg, 16) != 16) {
        finish(r, e->out_len > 32 ? S_UNSUPP : S_IOERR);
        return;
    }
    uint64_t sector = ld_le64(seg), n = ld_le32(seg + 8);
    uint32_t flags = ld_le32(seg + 12);
    if ((flags & ~1u) || (flags && !zeroes)) { /* 5.2.6.2: unmap is for write zeroes only */
        finish(r, S_UNSUPP);
        return;
    }
    if (n > (zeroes ? s->max_zeroes : s->max_discard) || !in_range(s, sector, n * SECTOR)) {
        block_account_invalid(s->port, true);
        finish(r, S_IOERR);
        return;
    }
    if (zeroes) {
        block_write_zeroes(s->port, sector * SECTOR, n * SECTOR,
                           BLOCK_REQ_INLINE | (flags & 1 ? BLOCK_REQ_UNMAP : 0), done, r);
    } else {
        block_discard(s->port, sector * SECTOR, n * SECTOR, BLOCK_REQ_INLINE, done, r);
    }
}

static void serve(VirtioBlk *s, VirtqElem *e)
{
    uint8_t header[16];

    if (e->in_len < 1 || iov_to_buf(e->out, e->n_out, 0, header, 16) != 16) {
        virtio_error(&s->virtio, "a request without header or status");
        virtq_discard(e->vq, e);
        return;
    }
    BlkReq *r = g_malloc(sizeof(*r) + MAX(e->n_in, e->n_out) * sizeof(struct iovec));
    *r = (BlkReq){.s = s, .e = e, .next = s->reqs};
    if (s->reqs) {
        s->reqs->prev = r;
    }
    s->reqs = r;
    uint32_t type = ld_le32(header);
    uint64_t sector = ld_le64(header + 8);
    switch (type) {
    case T_IN:
    case T_OUT:
        transfer(r, type == T_OUT, sector);
        break;
    case T_FLUSH:
        block_flush(s->port, BLOCK_REQ_INLINE, done, r);
        break;
    case T_GET_ID:
        get_id(r);
        break;
    case T_DISCARD:
    case T_WRITE_ZEROES: {
        bool zeroes = type == T_WRITE_ZEROES;
        if (zeroes ? s->write_zeroes : s->discard) {
            trim(r, zeroes);
            break;
        }
        finish(r, S_UNSUPP);
        break;
    }
    default:
        finish(r, S_UNSUPP);
    }
}

static void blk_kick(VirtioDevice *v, VirtQueue *vq)
{
    VirtioBlk *s = (VirtioBlk *)v;
    VirtqElem *e;

    do {
        virtq_disable_kicks(vq);
        while ((e = virtq_pop(vq))) {
            serve(s, e);
        }
    } while (virtq_enable_kicks(vq));
    pay(s);
}

static void blk_reset(VirtioDevice *v)
{
    VirtioBlk *s = (VirtioBlk *)v;

    if (!s->attached) {
        return;
    }
    block_cancel_all(s->port);
    while (s->reqs) {
        BlkReq *r = s->reqs;
        s->reqs = r->next;
        virtq_discard(r->e->vq, r->e);
        g_free(r);
    }
    memset(s->owed, 0, (s->num_queues + 31u) / 32 * 4);
    block_port_set_write_cache(s->port, s->original_wce);
    s->writeback = s->original_wce;
}

/* ---- configuration ---- */

static uint64_t blk_features(VirtioDevice *v)
{
    VirtioBlk *s = (VirtioBlk *)v;
    uint64_t f = 1ull << F_SEG_MAX | 1ull << F_GEOMETRY | 1ull << F_BLK_SIZE | 1ull << F_TOPOLOGY;

    f |= s->config_wce ? 1ull << F_CONFIG_WCE : 0;
    f |= s->config_wce || s->original_wce ? 1ull << F_FLUSH : 0;
    f |= block_port_readonly(s->port) ? 1ull << F_RO : 0;
    f |= s->num_queues > 1 ? 1ull << F_MQ : 0;
    f |= s->discard ? 1ull << F_DISCARD : 0;
    f |= s->write_zeroes ? 1ull << F_WRITE_ZEROES : 0;
    return f;
}

static void blk_get_config(VirtioDevice *v, uint8_t *c)
{
    VirtioBlk *s = (VirtioBlk *)v;

    st_le64(c + C_CAPACITY, block_port_size(s->port) / s->logical * (s->logical / SECTOR));
    st_le32(c + C_SEG_MAX, s->seg_max_adjust ? s->queue_size - 2 : 126);
    st_le16(c + C_CYLINDERS, s->cyls);
    c[C_HEADS] = s->heads;
    c[C_SECTORS] = s->secs;
    st_le32(c + C_BLK_SIZE, s->logical);
    c[C_PHYS_EXP] = __builtin_ctzll(s->physical / s->logical);
    st_le16(c + C_MIN_IO, s->min_io / s->logical);
    st_le32(c + C_OPT_IO, s->opt_io / s->logical);
    c[C_WRITEBACK] = s->writeback;
    st_le16(c + C_NUM_QUEUES, s->num_queues);
    if (s->discard) {
        st_le32(c + C_MAX_DISCARD, s->max_discard);
        st_le32(c + C_MAX_DISCARD_SEG, 1);
        st_le32(c + C_DISCARD_ALIGN, MAX(s->discard_granularity, s->logical) / SECTOR);
    }
    if (s->write_zeroes) {
        st_le32(c + C_MAX_ZEROES, s->max_zeroes);
        st_le32(c + C_MAX_ZEROES_SEG, 1);
        c[C_ZEROES_UNMAP] = 1;
    }
}

static void set_writeback(VirtioBlk *s, bool on)
{
    s->writeback = on;
    block_port_set_write_cache(s->port, on);
}

static void blk_set_config(VirtioDevice *v, const uint8_t *c)
{
    VirtioBlk *s = (VirtioBlk *)v;

    if (s->config_wce && (c[C_WRITEBACK] != 0) != s->writeback) {
        set_writeback(s, c[C_WRITEBACK] != 0);
    }
}

/* A driver that cannot flush must not need to (5.2.6.2). */
static void blk_driver_ok(VirtioDevice *v)
{
    VirtioBlk *s = (VirtioBlk *)v;

    if (!virtio_has_feature(v, F_CONFIG_WCE)) {
        set_writeback(s, virtio_has_feature(v, F_FLUSH) && s->original_wce);
    } else {
        set_writeback(s, s->writeback);
    }
}

static void blk_resized(void *opaque)
{
    virtio_lock_hook(opaque);
    virtio_config_changed(opaque);
    virtio_unlock_hook(opaque);
}

static const BlockFrontOps front_ops = {.resized = blk_resized};

static const VirtioClass blk_class = {
    .id = 2,
    .config_size = CONFIG_SIZE,
    .features = blk_features,
    .get_config = blk_get_config,
    .set_config = blk_set_config,
    .driver_ok = blk_driver_ok,
    .reset = blk_reset,
    .kick = blk_kick,
};

/* ---- setting up ---- */

static bool refuse(Error **errp, const char *what, const char *hint)
{
    error_set(errp, ERR_INVALID_PARAMETER, "virtio-blk: %s", what);
    error_hint(errp, "%s", hint);
    return false;
}

static bool block_size_ok(uint64_t n)
{
    return n >= 512 && n <= 2 << 20 && is_pow2(n);
}

static bool check_sizes(VirtioBlk *s, Error **errp)
{
    s->logical = s->logical ? s->logical : 512;
    s->physical = s->physical ? s->physical : MAX(512, s->logical);
    if (!block_size_ok(s->logical) || !block_size_ok(s->physical)) {
        return refuse(errp, "a block size is out of range", "powers of two from 512 to 2097152");
    }
    if (s->logical > s->physical) {
        return refuse(errp, "logical_block_size > physical_block_size not supported",
                      "a physical block holds one or more logical ones");
    }
    if (s->min_io % s->logical || s->opt_io % s->logical || s->min_io / s->logical > UINT16_MAX) {
        return refuse(errp, "min_io_size and opt_io_size must be multiples of logical_block_size",
                      "and min_io_size at most 65535 of them");
    }
    if (s->discard_granularity % s->logical || s->discard_granularity > UINT32_MAX ||
        s->opt_io > UINT32_MAX) {
        return refuse(errp, "discard_granularity must be a multiple of logical_block_size",
                      "or 0: the logical block size");
    }
    return true;
}

static bool check_queues(VirtioBlk *s, Error **errp)
{
    if (s->num_queues == QUEUES_AUTO) {
        s->num_queues = virtio_auto_queues(&s->virtio);
    }
    if (s->num_queues == 0 || s->num_queues > VIRTIO_MAX_QUEUES) {
        return refuse(errp, "num-queues is out of range", "it may be 1 to 1024");
    }
    if (!is_pow2(s->queue_size) || s->queue_size <= 2 || s->queue_size > VIRTQ_MAX_SIZE) {
        return refuse(errp, "queue-size is out of range",
                      "it must be a power of two from 4 to 1024");
    }
    if (s->max_discard > MAX_SECTORS || s->max_zeroes > MAX_SECTORS) {
        return refuse(errp, "max-discard-sectors or max-write-zeroes-sectors is out of range",
                      "they may be at most 4194303");
    }
    return true;
}

static bool attach(VirtioBlk *s, Error **errp)
{
    Device *d = &s->virtio.dev;
    BlockFrontend fe = {
        .name = d->id                        ? d->id
                : d->parent && d->parent->id ? d->parent->id
                                             : d->type->name,
        .ops = &front_ops,
        .opaque = s,
        .writable = !block_port_readonly(s->port),
        .share_write = s->share_rw,
        .lock = blk_lock,
        .unlock = blk_unlock,
    };

    if (!block_attach(s->port, &fe, errp)) {
        return false;
    }
    if (!block_port_set_error_policy(s->port, s->rerror ? s->rerror : "auto",
                                     s->werror ? s->werror : "auto", errp)) {
        block_detach(s->port);
        return false;
    }
    s->attached = true;
    if (s->write_cache) {
        block_port_set_write_cache(s->port, s->write_cache == 1);
    }
    s->original_wce = block_port_write_cache(s->port);
    s->writeback = s->original_wce;
    if (s->iothread) {
        block_port_set_loop(s->port, iothread_loop(s->iothread));
    }
    return true;
}

static bool blk_realize(Device *d, Error **errp)
{
    VirtioBlk *s = (VirtioBlk *)d;

    if (!s->port) {
        return refuse(errp, "drive property not set", "drive=<id of a -drive or -blockdev>");
    }
    if (!block_port_inserted(s->port)) {
        return refuse(errp, "Device needs media, but drive is empty", "give the drive a file");
    }
    if (!virtio_setup(&s->virtio, &blk_class, errp)) {
        return false;
    }
    if (!check_sizes(s, errp) || !check_queues(s, errp) ||
        !virtio_set_iothread(&s->virtio, s->iothread, errp) || !attach(s, errp)) {
        virtio_teardown(&s->virtio);
        return false;
    }
    if (!s->cyls && !s->heads && !s->secs) {
        block_guess_geometry(s->port, &s->cyls, &s->heads, &s->secs);
    }
    s->owed = g_new0(uint32_t, (s->num_queues + 31u) / 32);
    for (unsigned i = 0; i < s->num_queues; i++) {
        virtio_add_queue(&s->virtio, s->queue_size);
    }
    return true;
}

static void blk_unrealize(Device *d)
{
    VirtioBlk *s = (VirtioBlk *)d;

    virtio_shut(&s->virtio);
    s->attached = false;
    block_detach(s->port);
    virtio_teardown(&s->virtio);
    g_clear_pointer(&s->owed, g_free);
}

static bool blk_post_load(Device *d, int version, Error **errp)
{
    VirtioBlk *s = (VirtioBlk *)d;
    uint8_t writeback = s->writeback;

    if (writeback > 1) {
        error_set(errp, ERR_GENERIC, "virtio-blk: the write cache in the saved state is no bool");
        return false;
    }
    if (!virtio_post_load(d, version, errp)) {
        return false;
    }
    set_writeback(s, writeback);
    return true;
}

static const char *const on_off_auto[] = {"auto", "on", "off", NULL};

static const Property blk_props[] = {
    VIRTIO_PROPS(VirtioBlk),
    {.name = "drive",
     .kind = PROP_DRIVE,
     .offset = offsetof(VirtioBlk, port),
     .help = "id of a -drive, or node name of a -blockdev"},
    {.name = "iothread",
     .kind = PROP_OBJECT,
     .offset = offsetof(VirtioBlk, iothread),
     .link_type = "iothread",
     .help = "id of an -object iothread that serves the queues"},
    PROP(VirtioBlk, PROP_U16, num_queues, "num-queues", QUEUES_AUTO,
         "request queues; by default one, on PCI one per vCPU"),
    PROP(VirtioBlk, PROP_U16, queue_size, "queue-size", 256, "requests in a queue at most"),
    PROP(VirtioBlk, PROP_BOOL, seg_max_adjust, "seg-max-adjust", true,
         "requests may have queue-size - 2 segments"),
    PROP_STR(VirtioBlk, serial, "serial", NULL, "serial number, up to 20 characters"),
    PROP(VirtioBlk, PROP_SIZE, logical, "logical_block_size", 0, "bytes; a sector's size"),
    PROP(VirtioBlk, PROP_SIZE, physical, "physical_block_size", 0, "bytes, for the guest to know"),
    PROP(VirtioBlk, PROP_SIZE, min_io, "min_io_size", 0, "bytes: smallest good request"),
    PROP(VirtioBlk, PROP_SIZE, opt_io, "opt_io_size", 0, "bytes: best request"),
    PROP(VirtioBlk, PROP_SIZE, discard_granularity, "discard_granularity", 0,
         "bytes; 0: the logical block size"),
    PROP(VirtioBlk, PROP_U32, cyls, "cyls", 0, "cylinders; all three 0: guessed"),
    PROP(VirtioBlk, PROP_U32, heads, "heads", 0, "heads"),
    PROP(VirtioBlk, PROP_U32, secs, "secs", 0, "sectors per track"),
    PROP(VirtioBlk, PROP_BOOL, config_wce, "config-wce", true, "the driver may turn the cache off"),
    PROP(VirtioBlk, PROP_BOOL, discard, "discard", true, "offer discard"),
    PROP(VirtioBlk, PROP_BOOL, write_zeroes, "write-zeroes", true, "offer write zeroes"),
    PROP(VirtioBlk, PROP_U32, max_discard, "max-discard-sectors", MAX_SECTORS,
         "longest discard, in sectors"),
    PROP(VirtioBlk, PROP_U32, max_zeroes, "max-write-zeroes-sectors", MAX_SECTORS,
         "longest write of zeroes, in sectors"),
    {.name = "write-cache",
     .kind = PROP_ENUM,
     .offset = offsetof(VirtioBlk, write_cache),
     .enum_names = on_off_auto,
     .help = "a volatile cache, that the guest flushes; auto: the drive's"},
    PROP(VirtioBlk, PROP_BOOL, share_rw, "share-rw", false, "others may write to the image too"),
    PROP_STR(VirtioBlk, rerror, "rerror", NULL, "on read errors: report, ignore, stop, auto"),
    PROP_STR(VirtioBlk, werror, "werror", NULL,
             "on write errors: report, ignore, stop, enospc, auto"),
    PROP(VirtioBlk, PROP_I32, bootindex, "bootindex", (uint64_t)-1, "place in the boot order"),
    {0},
};

static const StateField blk_state[] = {
    VIRTIO_STATE(VirtioBlk),
    STATE_KEEP(VirtioBlk, STATE_U8, writeback, 1),
    HOST_ONLY(VirtioBlk, attached),
    HOST_ONLY(VirtioBlk, original_wce),
    HOST_ONLY(VirtioBlk, reqs),
    HOST_ONLY(VirtioBlk, owed),
    {0},
};

static const DeviceType blk_type = {
    .name = "virtio-blk-device",
    .help = "virtio disk",
    .bus = "virtio",
    .size = sizeof(VirtioBlk),
    .version = 1,
    .user_creatable = true,
    .needs = "a drive",
    .props = blk_props,
    .state = blk_state,
    .realize = blk_realize,
    .unrealize = blk_unrealize,
    .reset_hold = virtio_reset_hold,
    .pre_save = virtio_pre_save,
    .post_load = blk_post_load,
};
DEVICE_TYPE(blk_type);

VIRTIO_PCI_TYPES_NEEDING(virtio_blk, "virtio-blk", "virtio disk", &blk_type, "a drive");
