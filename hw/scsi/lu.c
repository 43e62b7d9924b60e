/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logical units and tasks: attaching to the port, unit attentions, sense, data phases.
 *
 * SAM-5: 5.3 status, 5.14 unit attention. SPC-4: 4.5 sense data.
 *
 * Left out: descriptor sense as automatic sense (D_SENSE is not changeable), ACA, task priorities
 * (tasks are independent of each other; ordered tags are not advertised).
 *
 * home: the machine's lock domain; the port takes the lock for its callbacks.
 */
#include <errno.h>
#include <string.h>

#include "base/iov.h"
#include "base/trace.h"
#include "hw/scsi/lu.h"

TRACE_EVENT(scsi_task_start, "lu %p op 0x%02x");
TRACE_EVENT(scsi_task_done, "lu %p op 0x%02x status 0x%02x sense 0x%06x");

const char *const disk_on_off_auto[] = {"auto", "on", "off", NULL};

/* ---- the unit ---- */

uint32_t lu_block_size(const ScsiLu *lu)
{
    return lu->logical_block_size;
}

bool lu_readonly(const ScsiLu *lu)
{
    return lu->type == SCSI_TYPE_ROM || !lu->port || block_port_readonly(lu->port);
}

bool lu_can_discard(const ScsiLu *lu)
{
    return lu->type == SCSI_TYPE_DISK && lu->discard_granularity && !lu_readonly(lu);
}

bool scsi_lu_has_medium(const ScsiLu *lu)
{
    return lu->port && block_port_inserted(lu->port) && !lu->tray_open;
}

uint64_t scsi_lu_blocks(const ScsiLu *lu)
{
    return lu->port ? block_port_size(lu->port) / lu->logical_block_size : 0;
}

void scsi_lu_attention(ScsiLu *lu, unsigned ua)
{
    lu->ua |= ua;
}

static void lock_hook(void *opaque)
{
    machine_lock(((ScsiLu *)opaque)->dev->machine);
}

static void unlock_hook(void *opaque)
{
    machine_unlock(((ScsiLu *)opaque)->dev->machine);
}

static ScsiLu *enter(void *opaque, bool *lock)
{
    ScsiLu *lu = opaque;

    *lock = !machine_locked(lu->dev->machine);
    if (*lock) {
        machine_lock(lu->dev->machine);
    }
    return lu;
}

static void leave(ScsiLu *lu, bool lock)
{
    if (lock) {
        machine_unlock(lu->dev->machine);
    }
}

static void port_resized(void *opaque)
{
    bool lock;
    ScsiLu *lu = enter(opaque, &lock);

    scsi_lu_attention(lu, SCSI_UA_CAPACITY);
    if (lu->on_resized) {
        lu->on_resized(lu);
    }
    leave(lu, lock);
}

/* MMC-6 6.7.2: events for GET EVENT STATUS NOTIFICATION. */
enum { EVENT_NONE, EVENT_EJECT_REQUEST, EVENT_NEW_MEDIA, EVENT_REMOVED };

static void port_media_changed(void *opaque, bool loaded)
{
    bool lock;
    ScsiLu *lu = enter(opaque, &lock);

    lu->tray_open = !loaded;
    lu->eject_request = 0;
    lu->media_event = loaded ? EVENT_NEW_MEDIA : EVENT_REMOVED;
    scsi_lu_attention(lu, SCSI_UA_MEDIUM);
    if (lu->on_media) {
        lu->on_media(lu);
    }
    leave(lu, lock);
}

static void port_eject_requested(void *opaque, bool force)
{
    bool lock;
    ScsiLu *lu = enter(opaque, &lock);

    lu->eject_request = 1;
    if (force) {
        lu->locked = 0;
    }
    if (lu->on_media) {
        lu->on_media(lu);
    }
    leave(lu, lock);
}

static bool port_tray_open(void *opaque)
{
    bool lock, open;
    ScsiLu *lu = enter(opaque, &lock);

    open = lu->tray_open;
    leave(lu, lock);
    return open;
}

static bool port_medium_locked(void *opaque)
{
    bool lock, locked;
    ScsiLu *lu = enter(opaque, &lock);

    locked = lu->locked;
    leave(lu, lock);
    return locked;
}

static const BlockFrontOps disk_front_ops = {.resized = port_resized};
static const BlockFrontOps removable_front_ops = {
    .resized = port_resized,
    .media_changed = port_media_changed,
    .eject_requested = port_eject_requested,
    .tray_open = port_tray_open,
    .medium_locked = port_medium_locked,
};

static bool check_sizes(ScsiLu *lu, Error **errp)
{
    uint64_t usual = lu->type == SCSI_TYPE_ROM ? 2048 : 512;

    lu->logical_block_size = lu->logical_block_size ? lu->logical_block_size : usual;
    if (!lu->physical_block_size) {
        lu->physical_block_size = MAX(lu->logical_block_size, 512);
    }
    if (lu->type == SCSI_TYPE_ROM && lu->logical_block_size != usual) {
        error_set(errp, ERR_INVALID_PARAMETER, "logical_block_size of a CD drive is 2048");
        return false;
    }
    if (!is_pow2(lu->logical_block_size) || lu->logical_block_size < 512 ||
        lu->logical_block_size > 32768) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "logical_block_size must be a power of two from 512 to 32768");
        return false;
    }
    if (!is_pow2(lu->physical_block_size) || lu->physical_block_size < lu->logical_block_size ||
        lu->physical_block_size > 2 * 1024 * 1024) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "physical_block_size must be a power of two from the logical one to 2 MiB");
        return false;
    }
    if (lu->min_io_size % lu->logical_block_size || lu->opt_io_size % lu->logical_block_size) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "min_io_size and opt_io_size must be multiples of logical_block_size");
        return false;
    }
    if (lu->discard_granularity == UINT32_MAX) {
        lu->discard_granularity = MAX(lu->logical_block_size, 4096);
    } else if (lu->discard_granularity && (lu->discard_granularity % lu->logical_block_size ||
                                           lu->discard_granularity > INT32_MAX)) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "discard_granularity must be a multiple of logical_block_size");
        return false;
    }
    return true;
}

static bool attach(ScsiLu *lu, bool writable, Error **errp)
{
    bool removable = lu->type == SCSI_TYPE_ROM || lu->removable;
    BlockFrontend f = {
        .name = lu->dev->id ? lu->dev->id : lu->dev->type->name,
        .ops = removable ? &removable_front_ops : &disk_front_ops,
        .opaque = lu,
        .removable = removable,
        .writable = writable,
        .share_write = lu->share_rw,
        .lock = lock_hook,
        .unlock = unlock_hook,
    };

    if (!block_attach(lu->port, &f, errp)) {
        return false;
    }
    if (!block_port_set_error_policy(lu->port, lu->rerror, lu->werror, errp)) {
        block_detach(lu->port);
        return false;
    }
    if (lu->write_cache != DISK_AUTO) {
        block_port_set_write_cache(lu->port, lu->write_cache == DISK_ON);
    }
    if (!lu->serial) {
        lu->serial = g_strdup(block_port_serial(lu->port));
    }
    return true;
}

bool scsi_lu_init(ScsiLu *lu, Device *dev, uint8_t type, bool writable, Error **errp)
{
    lu->dev = dev;
    lu->type = type;
    if (!check_sizes(lu, errp)) {
        return false;
    }
    if (!lu->port && type == SCSI_TYPE_DISK) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' needs a drive", dev->type->name);
        return false;
    }
    if (lu->port) {
        if (!attach(lu, writable, errp)) {
            return false;
        }
        lu->wce = block_port_write_cache(lu->port);
    } else {
        lu->wce = 1;
    }
    lu->tray_open = 0;
    lu->ua = SCSI_UA_POWER_ON;
    lu->attached = true;
    return true;
}

void scsi_lu_fini(ScsiLu *lu)
{
    if (!lu->attached) {
        return;
    }
    if (lu->port) {
        block_detach(lu->port);
    }
    lu->attached = false;
}

void scsi_lu_cancel(ScsiLu *lu)
{
    if (lu->port) {
        block_cancel_all(lu->port);
    }
}

/* The state table's values are in; the tray closes and the lock opens. */
void scsi_lu_reset(ScsiLu *lu)
{
    scsi_lu_cancel(lu);
    if (lu->tray_open && lu->port) {
        block_port_tray(lu->port, false);
    }
    lu->tray_open = 0;
}

bool scsi_lu_loaded(ScsiLu *lu, Error **errp)
{
    if (lu->ua & ~SCSI_UA_ALL || lu->tray_open > 1 || lu->locked > 1 || lu->stopped > 1 ||
        lu->media_event > EVENT_REMOVED || lu->eject_request > 1 || lu->wce > 1 ||
        lu->sense >> 20) {
        error_set(errp, ERR_GENERIC, "%s: the saved state of the unit makes no sense",
                  lu->dev->type->name);
        return false;
    }
    scsi_lu_cancel(lu);
    if (lu->port && block_port_write_cache(lu->port) != lu->wce) {
        block_port_set_write_cache(lu->port, lu->wce);
    }
    return true;
}

/* ---- sense ---- */

void scsi_sense_bytes(uint32_t sense, bool info_valid, uint32_t info, uint8_t *out)
{
    memset(out, 0, SCSI_SENSE_LEN);
    out[0] = 0x70 | (info_valid ? 0x80 : 0);
    out[2] = sense >> 16;
    st_be32(out + 3, info_valid ? info : 0);
    out[7] = SCSI_SENSE_LEN - 8;
    out[12] = sense >> 8;
    out[13] = sense;
}

void scsi_task_sense(const ScsiTask *t, uint8_t *out)
{
    scsi_sense_bytes(t->sense, t->sense_info_valid, t->sense_info, out);
}

static const uint32_t ua_sense[] = {
    SENSE(6, 0x29, 0x01), SENSE(6, 0x29, 0x00), SENSE(6, 0x28, 0x00),
    SENSE(6, 0x2a, 0x09), SENSE(6, 0x2a, 0x01), SENSE_REPORTED_LUNS,
};

uint32_t lu_take_attention(ScsiLu *lu)
{
    if (!lu->ua) {
        return SENSE_NONE;
    }
    int n = ctz32(lu->ua);
    lu->ua &= lu->ua - 1;
    return ua_sense[n];
}

/* ---- ends of tasks ---- */

static bool task_end(ScsiTask *t, uint8_t status)
{
    t->status = status;
    trace(scsi_task_done, (void *)t->lu, t->cdb[0], status, t->sense);
    if (t->lu && t->lu->keep_sense && status == SCSI_CHECK_CONDITION) {
        t->lu->sense = t->sense;
    }
    t->dir = SCSI_NONE;
    t->on_done(t);
    return false;
}

bool scsi_task_good(ScsiTask *t)
{
    return task_end(t, SCSI_GOOD);
}

bool scsi_task_fail(ScsiTask *t, uint32_t sense)
{
    t->sense = sense;
    return task_end(t, SCSI_CHECK_CONDITION);
}

bool scsi_task_fail_at(ScsiTask *t, uint32_t sense, uint64_t lba)
{
    t->sense_info_valid = lba <= UINT32_MAX;
    t->sense_info = lba;
    return scsi_task_fail(t, sense);
}

bool scsi_task_errno(ScsiTask *t, int ret, bool write)
{
    switch (ret) {
    case -ENOMEDIUM:
        return scsi_task_fail(t, SENSE_NO_MEDIUM);
    case -ENOMEM:
        return scsi_task_fail(t, SENSE_TARGET_FAILURE);
    case -EINVAL: /* the medium shrank meanwhile */
        return scsi_task_fail(t, SENSE_LBA_RANGE);
    case -ENOSPC:
        return scsi_task_fail(t, SENSE_SPACE_ALLOC_FAILED);
    case -EROFS:
    case -EACCES:
    case -EPERM:
        return scsi_task_fail(t, SENSE_WRITE_PROTECTED);
    default:
        return scsi_task_fail_at(t, write ? SENSE_WRITE_ERROR : SENSE_READ_ERROR,
                                 (t->offset + t->at) / lu_block_size(t->lu));
    }
}

void scsi_task_clear(ScsiTask *t)
{
    g_clear_pointer(&t->buf, g_free);
    g_clear_pointer(&t->slice, g_free);
}

/* ---- data phases ---- */

uint8_t *scsi_task_buffer(ScsiTask *t, uint32_t size)
{
    g_free(t->buf);
    t->buf = g_malloc0(MAX(size, 1));
    t->buf_size = size;
    return t->buf;
}

bool scsi_task_reply(ScsiTask *t, uint32_t len, uint32_t allocation)
{
    t->len = MIN(MIN(len, t->buf_size), allocation);
    if (!t->len) {
        return scsi_task_good(t);
    }
    t->kind = TASK_BUF;
    t->dir = SCSI_IN;
    return true;
}

bool scsi_task_collect(ScsiTask *t, uint32_t len, void (*exec)(ScsiTask *t))
{
    scsi_task_buffer(t, len);
    t->kind = TASK_BUF;
    t->exec = exec;
    if (!len) {
        exec(t);
        return false;
    }
    t->dir = SCSI_OUT;
    t->len = len;
    return true;
}

bool scsi_task_media(ScsiTask *t, ScsiDir dir, uint64_t offset, uint64_t len, bool fua)
{
    if (!len) {
        return scsi_task_good(t);
    }
    t->kind = TASK_MEDIA;
    t->dir = dir;
    t->offset = offset;
    t->len = len;
    t->fua = fua;
    return true;
}

static void media_done(void *opaque, int ret)
{
    ScsiTask *t = opaque;

    if (ret < 0) {
        scsi_task_errno(t, ret, t->dir == SCSI_OUT);
        return;
    }
    t->piece_done = t->piece;
    task_step(t);
}

static void flushed_before_read(void *opaque, int ret)
{
    ScsiTask *t = opaque;

    if (ret < 0) {
        scsi_task_errno(t, ret, true);
        return;
    }
    t->flushed = true;
    task_step(t);
}

static void media_step(ScsiTask *t)
{
    const struct iovec *iov = t->iov;
    int n = t->niov;

    t->at = t->moved;
    if (t->dir == SCSI_IN && t->fua && !t->flushed) {
        block_flush(t->lu->port, 0, flushed_before_read, t);
        return;
    }
    if (iov_size(iov, n) > t->piece) {
        g_free(t->slice);
        t->slice = g_new(struct iovec, n);
        n = iov_slice(iov, n, 0, t->piece, t->slice, n);
        iov = t->slice;
    }
    if (t->dir == SCSI_IN) {
        block_read(t->lu->port, t->offset + t->moved, iov, n, 0, media_done, t);
    } else {
        block_write(t->lu->port, t->offset + t->moved, iov, n, t->fua ? BLOCK_REQ_FUA : 0,
                    media_done, t);
    }
}

static void buffer_step(ScsiTask *t)
{
    if (t->dir == SCSI_IN) {
        iov_from_buf(t->iov, t->niov, 0, t->buf + t->moved, t->piece);
    } else {
        iov_to_buf(t->iov, t->niov, 0, t->buf + t->moved, t->piece);
    }
    t->piece_done = t->piece;
    task_step(t);
}

static void piece_complete(ScsiTask *t)
{
    t->moved += t->piece;
    t->piece = t->piece_done = 0;
    if (t->moved < t->len) {
        t->on_moved(t);
    } else if (t->exec) {
        t->dir = SCSI_NONE;
        t->exec(t);
    } else {
        scsi_task_good(t);
    }
}

void task_step(ScsiTask *t)
{
    if (t->piece_done >= t->piece) {
        piece_complete(t);
        return;
    }
    switch (t->kind) {
    case TASK_BUF:
        buffer_step(t);
        break;
    case TASK_MEDIA:
        media_step(t);
        break;
    case TASK_COMPARE:
        sbc_compare_step(t);
        break;
    case TASK_RAW_CD:
        mmc_raw_step(t);
        break;
    }
}

void scsi_task_move(ScsiTask *t, const struct iovec *iov, int niov)
{
    g_assert(t->dir != SCSI_NONE && t->moved < t->len);
    t->iov = iov;
    t->niov = niov;
    t->piece = MIN(iov_size(iov, niov), t->len - t->moved);
    t->piece_done = 0;
    if (!t->piece) {
        t->on_moved(t);
        return;
    }
    task_step(t);
}

void scsi_task_skip(ScsiTask *t, uint64_t bytes)
{
    t->moved = MIN(bytes, t->len);
}

void scsi_task_finish(ScsiTask *t)
{
    if (t->exec) { /* a parameter list that is cut off */
        scsi_task_fail(t, SENSE_PARAM_LENGTH);
    } else {
        scsi_task_good(t);
    }
}

/* ---- beginning ---- */

static const ScsiOp *find_op(const ScsiLu *lu, uint8_t opcode)
{
    const ScsiOp *const tables[] = {spc_ops, lu->type == SCSI_TYPE_ROM ? mmc_ops : sbc_ops};
    unsigned mine = lu->type == SCSI_TYPE_ROM ? OP_CD : OP_DISK;

    for (unsigned i = 0; i < ARRAY_LEN(tables); i++) {
        for (const ScsiOp *op = tables[i]; op->start; op++) {
            if (op->opcode == opcode && (op->flags & mine)) {
                return op;
            }
        }
    }
    return NULL;
}

bool scsi_task_start(ScsiTask *t)
{
    ScsiLu *lu = t->lu;
    const ScsiOp *op = find_op(lu, t->cdb[0]);

    trace(scsi_task_start, (void *)lu, t->cdb[0]);
    if (!op) {
        return scsi_task_fail(t, SENSE_INVALID_OPCODE);
    }
    if (!(op->flags & OP_NO_UA)) {
        uint32_t sense = lu_take_attention(lu);
        if (sense) {
            return scsi_task_fail(t, sense);
        }
    }
    if (lu->keep_sense && t->cdb[0] != 0x03) {
        lu->sense = SENSE_NONE;
    }
    if ((op->flags & OP_MEDIUM) && !scsi_lu_has_medium(lu)) {
        return scsi_task_fail(t, SENSE_NO_MEDIUM);
    }
    if ((op->flags & OP_MEDIUM) && lu->stopped && lu->type == SCSI_TYPE_DISK) {
        return scsi_task_fail(t, SENSE_NOT_READY_STOPPED);
    }
    if ((op->flags & OP_WRITE) && lu_readonly(lu)) {
        return scsi_task_fail(t, SENSE_WRITE_PROTECTED);
    }
    return op->start(t);
}
