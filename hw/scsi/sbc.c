/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCSI block commands.
 *
 * SBC-3: 5.8-5.11 READ, 5.13-5.14 READ CAPACITY, 5.18 START STOP UNIT, 5.20 SYNCHRONIZE CACHE,
 * 5.22 UNMAP, 5.23-5.26 VERIFY, 5.28-5.35 WRITE and WRITE AND VERIFY, 5.43-5.44 WRITE SAME.
 *
 * Left out: protection information (RDPROTECT and its like must be 0), 32-byte commands, defect
 * lists, FORMAT UNIT.
 *
 * home: the machine's lock domain.
 */
#include <errno.h>
#include <string.h>

#include "base/iov.h"
#include "hw/scsi/lu.h"

#define CHUNK    (128 * 1024) /* of loops over the medium */
#define LIST_MAX (64 * 1024)  /* parameter list */

/* The range of a command; lba and count by the form of its CDB. */
typedef struct Range {
    uint64_t lba, count;
} Range;

static Range cdb_range(const uint8_t *c)
{
    switch (c[0] >> 5) {
    case 0:
        return (Range){be24(c + 1) & 0x1fffff, c[4] ? c[4] : 256};
    case 1:
    case 2:
        return (Range){ld_be32(c + 2), ld_be16(c + 7)};
    case 5:
        return (Range){ld_be32(c + 2), ld_be32(c + 6)};
    default:
        return (Range){ld_be64(c + 2), ld_be32(c + 10)};
    }
}

static bool in_range(const ScsiLu *lu, Range r)
{
    uint64_t blocks = scsi_lu_blocks(lu);

    return r.lba <= blocks && r.count <= blocks - r.lba;
}

static bool bad_range(ScsiTask *t, Range r, bool write)
{
    block_account_invalid(t->lu->port, write);
    return scsi_task_fail_at(t, SENSE_LBA_RANGE, r.lba);
}

/* ---- READ, WRITE ---- */

static bool transfer(ScsiTask *t, ScsiDir dir, bool fua)
{
    Range r = cdb_range(t->cdb);
    uint32_t size = lu_block_size(t->lu);

    if (t->cdb[0] >= 0x20 && (t->cdb[1] & 0xe0)) {
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    if (!in_range(t->lu, r)) {
        return bad_range(t, r, dir == SCSI_OUT);
    }
    return scsi_task_media(t, dir, r.lba * size, r.count * size, fua);
}

static bool has_fua(const ScsiTask *t)
{
    return t->cdb[0] >= 0x20 && (t->cdb[1] & 0x08);
}

static bool read_blocks(ScsiTask *t)
{
    return transfer(t, SCSI_IN, has_fua(t));
}

static bool write_blocks(ScsiTask *t)
{
    return transfer(t, SCSI_OUT, has_fua(t));
}

static bool write_verify(ScsiTask *t)
{
    return transfer(t, SCSI_OUT, true);
}

/* ---- VERIFY ---- */

static void compared(void *opaque, int ret)
{
    ScsiTask *t = opaque;
    uint64_t n = MIN(t->piece - t->piece_done, CHUNK);

    if (ret < 0) {
        scsi_task_errno(t, ret, false);
        return;
    }
    iov_to_buf(t->iov, t->niov, t->piece_done, t->buf + CHUNK, n);
    if (memcmp(t->buf, t->buf + CHUNK, n)) {
        scsi_task_fail(t, SENSE_MISCOMPARE);
        return;
    }
    t->piece_done += n;
    task_step(t);
}

void sbc_compare_step(ScsiTask *t)
{
    t->at = t->moved + t->piece_done;
    g_free(t->slice);
    t->slice = g_new(struct iovec, 1);
    *t->slice = (struct iovec){t->buf, MIN(t->piece - t->piece_done, CHUNK)};
    block_read(t->lu->port, t->offset + t->at, t->slice, 1, 0, compared, t);
}

static void verify_loop(ScsiTask *t);

static void verified(void *opaque, int ret)
{
    ScsiTask *t = opaque;

    if (ret < 0) {
        scsi_task_errno(t, ret, false);
        return;
    }
    t->at += t->slice->iov_len;
    verify_loop(t);
}

/* Reads all of it, for nobody. */
static void verify_loop(ScsiTask *t)
{
    if (t->at >= t->end) {
        scsi_task_good(t);
        return;
    }
    *t->slice = (struct iovec){t->buf, MIN(t->end - t->at, CHUNK)};
    block_read(t->lu->port, t->offset + t->at, t->slice, 1, 0, verified, t);
}

static bool verify(ScsiTask *t)
{
    Range r = cdb_range(t->cdb);
    uint32_t size = lu_block_size(t->lu);
    unsigned bytchk = t->cdb[1] >> 1 & 3;

    if ((t->cdb[1] & 0xe0) || bytchk > 1) {
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    if (!in_range(t->lu, r)) {
        return bad_range(t, r, false);
    }
    if (!r.count) {
        return scsi_task_good(t);
    }
    scsi_task_buffer(t, 2 * CHUNK);
    t->offset = r.lba * size;
    if (bytchk) {
        t->kind = TASK_COMPARE;
        t->dir = SCSI_OUT;
        t->len = r.count * size;
        return true;
    }
    t->end = r.count * size;
    t->slice = g_new(struct iovec, 1);
    verify_loop(t);
    return false;
}

/* ---- WRITE SAME, UNMAP ---- */

static void write_same_loop(ScsiTask *t);

static void same_written(void *opaque, int ret)
{
    ScsiTask *t = opaque;

    if (ret < 0) {
        scsi_task_errno(t, ret, true);
        return;
    }
    t->at += t->slice ? t->slice->iov_len : t->end;
    write_same_loop(t);
}

static void write_same_loop(ScsiTask *t)
{
    if (t->at >= t->end) {
        scsi_task_good(t);
        return;
    }
    t->slice->iov_len = MIN(t->end - t->at, t->buf_size);
    block_write(t->lu->port, t->offset + t->at, t->slice, 1, 0, same_written, t);
}

static bool all_zero(const uint8_t *p, size_t n)
{
    return p[0] == 0 && !memcmp(p, p + 1, n - 1);
}

static void write_same_exec(ScsiTask *t)
{
    uint32_t size = lu_block_size(t->lu);
    bool unmap = t->cdb[1] & 0x08;
    Range r = cdb_range(t->cdb);

    t->at = 0;
    t->offset = r.lba * size;
    t->end = r.count * size;
    if (!t->buf_size || all_zero(t->buf, size)) {
        g_clear_pointer(&t->slice, g_free);
        block_write_zeroes(t->lu->port, t->offset, t->end, unmap ? BLOCK_REQ_UNMAP : 0,
                           same_written, t);
        return;
    }
    g_autofree uint8_t *block = g_steal_pointer(&t->buf);
    uint32_t total = MIN(t->end, MAX(CHUNK, size));
    scsi_task_buffer(t, total);
    for (uint32_t i = 0; i < total; i += size) {
        memcpy(t->buf + i, block, size);
    }
    g_free(t->slice);
    t->slice = g_new(struct iovec, 1);
    t->slice->iov_base = t->buf;
    write_same_loop(t);
}

static bool write_same(ScsiTask *t)
{
    Range r = cdb_range(t->cdb);
    bool ndob = t->cdb[0] == 0x93 && (t->cdb[1] & 0x01);

    /* Anchored blocks, logical block data and protection are not there. */
    if ((t->cdb[1] & 0xf6) || (!ndob && (t->cdb[1] & 0x01)) || !r.count ||
        ((t->cdb[1] & 0x08) && !lu_can_discard(t->lu)) ||
        r.count > t->lu->max_io_size / lu_block_size(t->lu)) {
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    if (!in_range(t->lu, r)) {
        return bad_range(t, r, true);
    }
    return scsi_task_collect(t, ndob ? 0 : lu_block_size(t->lu), write_same_exec);
}

static void unmap_loop(ScsiTask *t);

static void unmapped(void *opaque, int ret)
{
    ScsiTask *t = opaque;

    if (ret < 0 && ret != -ENOTSUP) {
        scsi_task_errno(t, ret, true);
        return;
    }
    t->step++;
    unmap_loop(t);
}

static unsigned unmap_count(const ScsiTask *t)
{
    return MIN(ld_be16(t->buf + 2), t->buf_size - 8) / 16;
}

static void unmap_loop(ScsiTask *t)
{
    uint32_t size = lu_block_size(t->lu);

    for (; t->step < unmap_count(t); t->step++) {
        const uint8_t *d = t->buf + 8 + 16 * t->step;
        if (ld_be32(d + 8)) {
            block_discard(t->lu->port, ld_be64(d) * size, (uint64_t)ld_be32(d + 8) * size, 0,
                          unmapped, t);
            return;
        }
    }
    scsi_task_good(t);
}

static void unmap_exec(ScsiTask *t)
{
    if (!t->buf_size) {
        scsi_task_good(t);
        return;
    }
    if (t->buf_size < 8) {
        scsi_task_fail(t, SENSE_PARAM_LENGTH);
        return;
    }
    for (unsigned i = 0; i < unmap_count(t); i++) {
        const uint8_t *d = t->buf + 8 + 16 * i;
        Range r = {ld_be64(d), ld_be32(d + 8)};
        if (!in_range(t->lu, r)) {
            bad_range(t, r, true);
            return;
        }
    }
    t->step = 0;
    unmap_loop(t);
}

static bool unmap(ScsiTask *t)
{
    if (!lu_can_discard(t->lu)) {
        return scsi_task_fail(t, SENSE_INVALID_OPCODE);
    }
    if (t->cdb[1] & 1) { /* anchor */
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    return scsi_task_collect(t, ld_be16(t->cdb + 7), unmap_exec);
}

/* ---- capacity, cache, motor ---- */

static bool read_capacity_10(ScsiTask *t)
{
    uint64_t blocks = scsi_lu_blocks(t->lu);
    uint8_t *b = scsi_task_buffer(t, 8);

    if (!(t->cdb[8] & 1) && ld_be32(t->cdb + 2)) {
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    if (!blocks) {
        return scsi_task_fail(t, SENSE_NO_MEDIUM);
    }
    t->lu->ua &= ~SCSI_UA_CAPACITY;
    st_be32(b, MIN(blocks - 1, UINT32_MAX));
    st_be32(b + 4, lu_block_size(t->lu));
    return scsi_task_reply(t, 8, 8);
}

static bool read_capacity_16(ScsiTask *t)
{
    ScsiLu *lu = t->lu;
    uint64_t blocks = scsi_lu_blocks(lu);
    uint8_t *b = scsi_task_buffer(t, 32);

    if ((t->cdb[1] & 0x1f) != 0x10) { /* the only service action */
        return scsi_task_fail(t, SENSE_INVALID_FIELD);
    }
    if (!blocks) {
        return scsi_task_fail(t, SENSE_NO_MEDIUM);
    }
    lu->ua &= ~SCSI_UA_CAPACITY;
    st_be64(b, blocks - 1);
    st_be32(b + 8, lu_block_size(lu));
    b[13] = ctz32(lu->physical_block_size / lu->logical_block_size);
    b[14] = lu_can_discard(lu) ? 0x80 : 0; /* LBPME */
    return scsi_task_reply(t, 32, ld_be32(t->cdb + 10));
}

static void flushed(void *opaque, int ret)
{
    ScsiTask *t = opaque;

    if (ret < 0) {
        scsi_task_errno(t, ret, true);
    } else {
        scsi_task_good(t);
    }
}

static bool synchronize_cache(ScsiTask *t)
{
    Range r = cdb_range(t->cdb);

    if (!in_range(t->lu, r)) {
        return bad_range(t, r, true);
    }
    block_flush(t->lu->port, 0, flushed, t);
    return false;
}

static bool seek(ScsiTask *t)
{
    Range r = {t->cdb[0] == 0x2b ? ld_be32(t->cdb + 2) : be24(t->cdb + 1) & 0x1fffff, 1};

    return in_range(t->lu, r) ? scsi_task_good(t) : scsi_task_fail_at(t, SENSE_LBA_RANGE, r.lba);
}

/* LOEJ of a removable unit; false: refused, and the task is over. */
bool sbc_start_stop_tray(ScsiTask *t)
{
    ScsiLu *lu = t->lu;
    bool open = !(t->cdb[4] & 1);

    if (!(t->cdb[4] & 2) || !lu->port) {
        return true;
    }
    if (open && !lu->tray_open && lu->locked) {
        return scsi_task_fail(t, block_port_inserted(lu->port) ? SENSE_REMOVAL_PREVENTED
                                                               : SENSE(2, 0x53, 0x02));
    }
    if (lu->tray_open != open) {
        lu->tray_open = open;
        lu->eject_request = 0;
        if (!open && block_port_inserted(lu->port)) {
            lu->ua |= SCSI_UA_MEDIUM;
            lu->media_event = 2;
        }
        block_port_tray(lu->port, open);
    }
    return true;
}

static void stopped(void *opaque, int ret)
{
    ScsiTask *t = opaque;

    if (ret >= 0) {
        t->lu->stopped = 1;
    }
    flushed(t, ret);
}

static bool start_stop(ScsiTask *t)
{
    ScsiLu *lu = t->lu;

    if (t->cdb[4] >> 4) { /* a power condition: none takes longer than another */
        return scsi_task_good(t);
    }
    if (lu->removable && !sbc_start_stop_tray(t)) {
        return false;
    }
    if (t->cdb[4] & 1) {
        lu->stopped = 0;
        return scsi_task_good(t);
    }
    if (t->cdb[4] & 2) {
        return scsi_task_good(t);
    }
    block_flush(lu->port, 0, stopped, t);
    return false;
}

const ScsiOp sbc_ops[] = {
    {0x08, OP_DISK | OP_MEDIUM, read_blocks},
    {0x0a, OP_DISK | OP_MEDIUM | OP_WRITE, write_blocks},
    {0x0b, OP_DISK | OP_MEDIUM, seek},
    {0x1b, OP_DISK, start_stop},
    {0x25, OP_DISK | OP_MEDIUM, read_capacity_10},
    {0x28, OP_DISK | OP_MEDIUM, read_blocks},
    {0x2a, OP_DISK | OP_MEDIUM | OP_WRITE, write_blocks},
    {0x2b, OP_DISK | OP_MEDIUM, seek},
    {0x2e, OP_DISK | OP_MEDIUM | OP_WRITE, write_verify},
    {0x2f, OP_DISK | OP_MEDIUM, verify},
    {0x35, OP_DISK | OP_MEDIUM, synchronize_cache},
    {0x41, OP_DISK | OP_MEDIUM | OP_WRITE, write_same},
    {0x42, OP_DISK | OP_MEDIUM | OP_WRITE, unmap},
    {0x88, OP_DISK | OP_MEDIUM, read_blocks},
    {0x8a, OP_DISK | OP_MEDIUM | OP_WRITE, write_blocks},
    {0x8e, OP_DISK | OP_MEDIUM | OP_WRITE, write_verify},
    {0x8f, OP_DISK | OP_MEDIUM, verify},
    {0x91, OP_DISK | OP_MEDIUM, synchronize_cache},
    {0x93, OP_DISK | OP_MEDIUM | OP_WRITE, write_same},
    {0x9e, OP_DISK | OP_MEDIUM, read_capacity_16},
    {0xa8, OP_DISK | OP_MEDIUM, read_blocks},
    {0xaa, OP_DISK | OP_MEDIUM | OP_WRITE, write_blocks},
    {0xae, OP_DISK | OP_MEDIUM | OP_WRITE, write_verify},
    {0xaf, OP_DISK | OP_MEDIUM, verify},
    {0},
};
