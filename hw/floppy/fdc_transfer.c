/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floppy controller's commands that move data, sector by sector.
 *
 * Intel 82078 data sheet, sections 5 (commands) and 6 (status). A transfer takes a sector at a time
 * from the drive and moves it by DMA or by the FIFO; it costs no guest time beyond the host's. Media
 * keep no deleted address marks: WRITE DELETED DATA writes plain data, and READ DELETED DATA meets
 * only plain data.
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "base/log.h"
#include "hw/floppy/fdc_internal.h"
#include "hw/isa/isa.h"

enum { ST1_MISSING_AM = 1, ST1_NOT_WRITABLE = 2, ST1_NO_DATA = 4, ST1_DATA_ERROR = 0x20, ST1_END = 0x80 };
enum { ST2_SCAN_NOT = 4, ST2_SCAN_HIT = 8, ST2_WRONG_CYLINDER = 0x10, ST2_DATA_ERROR = 0x20,
       ST2_CONTROL_MARK = 0x40 };
enum { SIZE_512 = 2 }; /* N: 128 << N bytes */

static void end_transfer(Fdc *s, uint8_t st0, uint8_t st1, uint8_t st2)
{
    const uint8_t answer[7] = {
        (uint8_t)(st0 | (s->head & 1) << 2 | s->drive_no), st1, st2, s->cyl, s->head, s->sector, SIZE_512};

    memcpy(s->bytes, answer, 7);
    fdc_result_phase(s, 7);
    s->irq_pending = 1;
}

/* ---- data: one sector after another ---- */

static void next_sector(Fdc *s);
static void move_data(Fdc *s);

static uint8_t operation(const Fdc *s)
{
    return s->opcode & 0x1f;
}

static bool is_write(const Fdc *s)
{
    uint8_t op = operation(s);

    return op == OP_WRITE || op == OP_WRITE_DELETED || op == OP_FORMAT;
}

static bool is_scan(const Fdc *s)
{
    uint8_t op = operation(s);

    return op == OP_SCAN_EQUAL || op == OP_SCAN_LOW || op == OP_SCAN_HIGH;
}

static bool multi_track(const Fdc *s)
{
    return s->opcode & 0x80;
}

/* VERIFY counts sectors (EC) instead of going to EOT. */
static bool counted(const Fdc *s)
{
    return operation(s) == OP_VERIFY && s->bytes[1] & 0x80;
}

/* The address after this sector (table 5-7); false: the command is at its end. */
static bool advance(Fdc *s)
{
    const Geometry *g = fdc_medium(fdc_selected(s));
    unsigned step = is_scan(s) && s->bytes[8] == 2 ? 2 : 1;

    if (s->sector + step <= s->eot) {
        s->sector += (uint8_t)step;
        return true;
    }
    s->sector = 1;
    if (multi_track(s) && g && !(s->head & 1) && g->heads > 1) {
        s->head ^= 1;
        return true;
    }
    if (multi_track(s)) {
        s->head &= 0xfe;
    }
    s->cyl++;
    return false;
}

/* After the last sector that EOT allows. */
static void end_of_track(Fdc *s)
{
    if (is_scan(s)) {
        end_transfer(s, 0, 0, ST2_SCAN_NOT);
    } else if (operation(s) == OP_READ_TRACK) { /* sectors come as they are, whatever R was asked for */
        end_transfer(s, 0, s->bytes[4] == 1 ? 0 : ST1_NO_DATA, 0);
    } else if (operation(s) == OP_VERIFY && !counted(s)) {
        end_transfer(s, 0, 0, 0);
    } else {
        end_transfer(s, ST0_ABNORMAL, ST1_END, 0);
    }
}

static void sector_done(Fdc *s)
{
    if (operation(s) == OP_READ_DELETED) { /* it has a mark of the other kind: no further */
        end_transfer(s, 0, 0, ST2_CONTROL_MARK);
        return;
    }
    bool more = advance(s);

    if (s->terminal || (counted(s) && --s->sectors_left == 0)) {
        end_transfer(s, 0, 0, is_scan(s) ? ST2_SCAN_NOT : 0);
    } else if (!more) {
        end_of_track(s);
    } else {
        next_sector(s);
    }
}

/* Compares what the disk and the host have; ff on either side agrees with anything. Where it ends, the address stays. */
static void scan_done(Fdc *s)
{
    int order = 0;

    for (unsigned i = 0; i < FDC_SECTOR && !order; i++) {
        if (s->scan[i] != 0xff && s->data[i] != 0xff) {
            order = (int)s->scan[i] - s->data[i];
        }
    }
    if (!order) {
        end_transfer(s, 0, 0, ST2_SCAN_HIT);
    } else if ((operation(s) == OP_SCAN_LOW && order < 0) || (operation(s) == OP_SCAN_HIGH && order > 0)) {
        end_transfer(s, 0, 0, 0);
    } else {
        sector_done(s);
    }
}

static void format_done(Fdc *s)
{
    if (s->sectors_left <= 1) {
        end_transfer(s, 0, 0, 0);
    } else {
        s->sectors_left--;
        next_sector(s);
    }
}

static void disk_done(void *opaque, int ret)
{
    Fdc *s = opaque;

    if (ret && s->stage == STAGE_READING) {
        end_transfer(s, ST0_ABNORMAL, ST1_DATA_ERROR, ST2_DATA_ERROR);
    } else if (ret) {
        end_transfer(s, ST0_ABNORMAL, ST1_MISSING_AM, 0);
    } else if (is_scan(s)) {
        scan_done(s);
    } else if (operation(s) == OP_VERIFY) {
        sector_done(s);
    } else if (s->stage == STAGE_READING) {
        s->data_pos = 0;
        s->stage = STAGE_TO_HOST;
        move_data(s);
    } else if (operation(s) == OP_FORMAT) {
        format_done(s);
    } else {
        sector_done(s);
    }
    device_update(&s->dev);
}

static void begin_disk(Fdc *s, uint8_t stage)
{
    uint64_t offset;

    s->iov = (struct iovec){is_scan(s) ? s->scan : s->data, FDC_SECTOR};
    s->stage = stage;
    if (!fdc_sector_offset(s, &offset)) {
        end_transfer(s, ST0_ABNORMAL, ST1_NO_DATA, 0);
    } else if (stage == STAGE_READING) {
        block_read(fdc_selected(s)->port, offset, &s->iov, 1, 0, disk_done, s);
    } else {
        block_write(fdc_selected(s)->port, offset, &s->iov, 1, 0, disk_done, s);
    }
}

void fdc_resume(Fdc *s)
{
    if (s->stage == STAGE_READING || s->stage == STAGE_WRITING) {
        begin_disk(s, s->stage);
    }
}

static void next_sector(Fdc *s)
{
    if (is_write(s) || is_scan(s)) {
        s->data_pos = 0;
        s->stage = STAGE_FROM_HOST;
        move_data(s);
    } else {
        begin_disk(s, STAGE_READING);
    }
}

unsigned fdc_stage_bytes(const Fdc *s)
{
    return operation(s) == OP_FORMAT ? 4 : FDC_SECTOR;
}

/* C H R N have come from the host: a sector of the filler byte, if the medium can have it there. */
static void format_sector(Fdc *s)
{
    uint8_t cyl = s->data[0], head = s->data[1], size = s->data[3];

    s->sector = s->data[2];
    memset(s->data, s->bytes[5], FDC_SECTOR);
    if (cyl != s->cyl || head != s->head || size != SIZE_512) {
        log_mask(LOG_GUEST_ERROR, "fdc: a sector formatted as %u/%u/%u cannot be on track %u/%u\n", cyl,
                 head, s->sector, s->cyl, s->head);
        end_transfer(s, ST0_ABNORMAL, ST1_NO_DATA, 0);
        return;
    }
    begin_disk(s, STAGE_WRITING);
}

/* The buffer is full (from the host) or empty (to it). */
static void buffer_done(Fdc *s)
{
    if (s->stage == STAGE_TO_HOST) {
        sector_done(s);
    } else if (operation(s) == OP_FORMAT) {
        format_sector(s);
    } else {
        begin_disk(s, is_scan(s) ? STAGE_READING : STAGE_WRITING);
    }
}

static void move_data(Fdc *s)
{
    bool tc = false;

    if (fdc_by_fifo(s)) {
        s->irq_pending = 1; /* the host moves it, byte by byte */
        return;
    }
    if (!isa_dma_open(&s->dev, s->dma)) {
        return; /* fdc_dma_ready() comes back */
    }
    unsigned left = fdc_stage_bytes(s) - s->data_pos;
    size_t moved = isa_dma_move(&s->dev, s->dma, s->data + s->data_pos, left,
                                s->stage == STAGE_TO_HOST, &tc);
    s->data_pos += (uint16_t)moved;
    s->terminal = tc;
    if (tc && s->data_pos < fdc_stage_bytes(s) && s->stage == STAGE_FROM_HOST) {
        /* The rest of a sector is written as zero, and compared with nothing. */
        memset(s->data + s->data_pos, is_scan(s) ? 0xff : 0, FDC_SECTOR - s->data_pos);
        s->data_pos = (uint16_t)fdc_stage_bytes(s);
    }
    if (tc || s->data_pos == fdc_stage_bytes(s)) {
        buffer_done(s);
    }
}

void fdc_dma_ready(void *opaque)
{
    Fdc *s = opaque;

    if ((s->stage == STAGE_TO_HOST || s->stage == STAGE_FROM_HOST) && !fdc_by_fifo(s)) {
        move_data(s);
        device_update(&s->dev);
    }
}

static void byte_moved(Fdc *s)
{
    if (++s->data_pos == fdc_stage_bytes(s)) {
        s->irq_pending = 0;
        buffer_done(s);
    }
}

uint8_t fdc_data_read(Fdc *s)
{
    if (s->stage != STAGE_TO_HOST || !fdc_by_fifo(s)) {
        return 0;
    }
    uint8_t v = s->data[s->data_pos];
    byte_moved(s);
    return v;
}

void fdc_data_write(Fdc *s, uint8_t v)
{
    if (s->stage == STAGE_FROM_HOST && fdc_by_fifo(s)) {
        s->data[s->data_pos] = v;
        byte_moved(s);
    }
}

/* ---- commands of data ---- */

void fdc_cmd_transfer(Fdc *s)
{
    fdc_set_head_drive(s, s->bytes[1]);
    s->cyl = s->bytes[2];
    s->head = s->bytes[3];
    s->sector = operation(s) == OP_READ_TRACK ? 1 : s->bytes[4];
    s->eot = s->bytes[6];
    s->sectors_left = s->bytes[8] ? s->bytes[8] : 256; /* SC, with EC */
    s->terminal = 0;
    s->phase = PHASE_DATA;
    if (s->config & CONFIG_IMPLIED_SEEK) {
        fdc_step_to(s, s->cyl);
    }
    if (!fdc_readable(s)) {
        end_transfer(s, ST0_ABNORMAL, ST1_MISSING_AM, 0);
    } else if (s->unit[s->drive_no].track != s->cyl) {
        end_transfer(s, ST0_ABNORMAL, ST1_NO_DATA, ST2_WRONG_CYLINDER);
    } else if (s->bytes[5] != SIZE_512) {
        end_transfer(s, ST0_ABNORMAL, ST1_NO_DATA, 0);
    } else if (is_write(s) && block_port_readonly(fdc_selected(s)->port)) {
        end_transfer(s, ST0_ABNORMAL, ST1_NOT_WRITABLE, 0);
    } else if (operation(s) == OP_READ_DELETED && s->opcode & 0x20) { /* SK: none is of that kind */
        end_transfer(s, 0, 0, ST2_CONTROL_MARK);
    } else {
        next_sector(s);
    }
}

void fdc_cmd_format(Fdc *s)
{
    fdc_set_head_drive(s, s->bytes[1]);
    FloppyDrive *f = fdc_selected(s);
    s->cyl = s->unit[s->drive_no].track;
    s->sectors_left = s->bytes[3];
    s->terminal = 0;
    s->phase = PHASE_DATA;
    if (!fdc_readable(s) || s->bytes[2] != SIZE_512 || !s->sectors_left) {
        end_transfer(s, ST0_ABNORMAL, ST1_MISSING_AM, 0);
    } else if (block_port_readonly(f->port)) {
        end_transfer(s, ST0_ABNORMAL, ST1_NOT_WRITABLE, 0);
    } else {
        next_sector(s);
    }
}

void fdc_cmd_read_id(Fdc *s)
{
    fdc_set_head_drive(s, s->bytes[1]);
    const Geometry *g = fdc_readable(s);

    s->cyl = s->unit[s->drive_no].track;
    if (!g || s->head >= g->heads) {
        end_transfer(s, ST0_ABNORMAL, ST1_MISSING_AM, 0);
        return;
    }
    s->sector = s->sector >= g->per_track ? 1 : s->sector + 1; /* the next that comes by */
    end_transfer(s, 0, 0, 0);
}
