/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of the floppy controller, and the transfer of sectors.
 *
 * Intel 82078 data sheet, sections 5 (commands) and 6 (status). A transfer takes a sector at a time
 * from the drive and moves it by DMA or by the FIFO; it costs no guest time beyond the host's. Left
 * out: FORMAT AND WRITE (an invalid command here), tape. Media keep no deleted
 * address marks: WRITE DELETED DATA writes plain data, and READ DELETED DATA meets only plain data.
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "base/log.h"
#include "hw/floppy/fdc_internal.h"
#include "hw/isa/isa.h"

enum { ST0_ABNORMAL = 0x40, ST0_INVALID = 0x80, ST0_SEEK = 0x20, ST0_CHECK = 0x10 };
enum { ST1_MISSING_AM = 1, ST1_NOT_WRITABLE = 2, ST1_NO_DATA = 4, ST1_DATA_ERROR = 0x20, ST1_END = 0x80 };
enum { ST2_SCAN_NOT = 4, ST2_SCAN_HIT = 8, ST2_WRONG_CYLINDER = 0x10, ST2_DATA_ERROR = 0x20,
       ST2_CONTROL_MARK = 0x40 };
enum { SAVED_BYTES = 16 }; /* of SAVE, to RESTORE */
enum { SIZE_512 = 2 }; /* N: 128 << N bytes */

enum { OP_READ_TRACK = 2, OP_WRITE = 5, OP_READ = 6, OP_WRITE_DELETED = 9, OP_READ_DELETED = 12,
       OP_FORMAT = 13, OP_SCAN_EQUAL = 17, OP_VERIFY = 22, OP_SCAN_LOW = 25, OP_SCAN_HIGH = 29 };

void fdc_command_phase(Fdc *s)
{
    s->phase = PHASE_COMMAND;
    s->stage = STAGE_IDLE;
    s->count = s->want = 0;
}

/* n bytes of bytes[] are the answer. */
static void result_phase(Fdc *s, unsigned n)
{
    s->phase = PHASE_RESULT;
    s->stage = STAGE_IDLE;
    s->count = 0;
    s->want = (uint8_t)n;
}

static void end_transfer(Fdc *s, uint8_t st0, uint8_t st1, uint8_t st2)
{
    const uint8_t answer[7] = {
        (uint8_t)(st0 | (s->head & 1) << 2 | s->drive_no), st1, st2, s->cyl, s->head, s->sector, SIZE_512};

    memcpy(s->bytes, answer, 7);
    result_phase(s, 7);
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

static void set_head_drive(Fdc *s, uint8_t v)
{
    s->drive_no = v & 3;
    s->head = v >> 2 & 1;
}

/* Each step pulse resets the drive's disk change signal, if there is a disk. */
static void step_to(Fdc *s, uint8_t track)
{
    FdcUnit *u = &s->unit[s->drive_no];

    if (u->track != track && fdc_medium(fdc_selected(s))) {
        u->changed = 0;
    }
    u->track = track;
}

static void cmd_transfer(Fdc *s)
{
    set_head_drive(s, s->bytes[1]);
    s->cyl = s->bytes[2];
    s->head = s->bytes[3];
    s->sector = operation(s) == OP_READ_TRACK ? 1 : s->bytes[4];
    s->eot = s->bytes[6];
    s->sectors_left = s->bytes[8] ? s->bytes[8] : 256; /* SC, with EC */
    s->terminal = 0;
    s->phase = PHASE_DATA;
    if (s->config & CONFIG_IMPLIED_SEEK) {
        step_to(s, s->cyl);
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

static void cmd_format(Fdc *s)
{
    set_head_drive(s, s->bytes[1]);
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

static void cmd_read_id(Fdc *s)
{
    set_head_drive(s, s->bytes[1]);
    const Geometry *g = fdc_readable(s);

    s->cyl = s->unit[s->drive_no].track;
    if (!g || s->head >= g->heads) {
        end_transfer(s, ST0_ABNORMAL, ST1_MISSING_AM, 0);
        return;
    }
    s->sector = s->sector >= g->per_track ? 1 : s->sector + 1; /* the next that comes by */
    end_transfer(s, 0, 0, 0);
}

/* ---- commands of control ---- */

static void seek_to(Fdc *s, uint8_t track, bool until_zero)
{
    uint8_t st0 = (uint8_t)(ST0_SEEK | s->head << 2 | s->drive_no);

    if (until_zero && !fdc_selected(s)) { /* no drive: track 0 never shows */
        st0 |= ST0_CHECK | ST0_ABNORMAL;
    } else {
        step_to(s, track);
    }
    s->unit[s->drive_no].seek_done = st0;
    s->seek_sense |= (uint8_t)(1 << s->drive_no);
    s->irq_pending = 1;
    fdc_command_phase(s);
}

static void cmd_seek(Fdc *s)
{
    set_head_drive(s, s->bytes[1]);
    seek_to(s, s->bytes[2], false);
}

static void cmd_recalibrate(Fdc *s)
{
    set_head_drive(s, s->bytes[1] & 3);
    seek_to(s, 0, true);
}

/* In: bit 6 of the opcode, towards higher tracks. */
static void cmd_relative_seek(Fdc *s)
{
    set_head_drive(s, s->bytes[1]);
    int track = s->unit[s->drive_no].track;
    track += s->opcode & 0x40 ? s->bytes[2] : -s->bytes[2];
    seek_to(s, (uint8_t)CLAMP(track, 0, 255), false);
}

/* After a reset one answer for each unit; then the seeks that have ended, one at a time. */
static void cmd_sense_interrupt(Fdc *s)
{
    s->irq_pending = 0;
    if (s->reset_sense) {
        s->bytes[0] = (uint8_t)(0xc0 | (FDC_UNITS - s->reset_sense));
        s->reset_sense--;
    } else if (s->seek_sense) {
        s->bytes[0] = s->unit[__builtin_ctz(s->seek_sense)].seek_done;
        s->seek_sense &= (uint8_t)(s->seek_sense - 1);
        s->irq_pending = s->seek_sense != 0;
    } else {
        s->bytes[0] = ST0_INVALID;
        result_phase(s, 1);
        return;
    }
    s->bytes[1] = s->unit[s->bytes[0] & 3].track;
    result_phase(s, 2);
}

static void cmd_sense_drive(Fdc *s)
{
    set_head_drive(s, s->bytes[1]);
    FloppyDrive *f = fdc_selected(s);
    uint8_t st3 = (uint8_t)(0x28 | (s->bytes[1] & 7)); /* ready, two sides */

    if (f && s->unit[s->drive_no].track == 0) {
        st3 |= 0x10;
    }
    if (fdc_medium(f) && block_port_readonly(f->port)) {
        st3 |= 0x40;
    }
    s->bytes[0] = st3;
    result_phase(s, 1);
}

static void cmd_specify(Fdc *s)
{
    s->specify[0] = s->bytes[1];
    s->specify[1] = s->bytes[2];
    fdc_command_phase(s);
}

static void cmd_version(Fdc *s)
{
    s->bytes[0] = 0x90; /* 82077 and its successors */
    result_phase(s, 1);
}

static void cmd_part_id(Fdc *s)
{
    s->bytes[0] = 0x41; /* 82078-1 */
    result_phase(s, 1);
}

static void cmd_dump_registers(Fdc *s)
{
    const uint8_t r[10] = {
        s->unit[0].track, s->unit[1].track, s->unit[2].track, s->unit[3].track, s->specify[0],
        s->specify[1], s->eot, (uint8_t)(s->locked << 7 | s->perpendicular), s->config, s->precomp};
    memcpy(s->bytes, r, 10);
    result_phase(s, 10);
}

/* OW, D3 to D0, GAP, WGATE. */
static void cmd_perpendicular(Fdc *s)
{
    uint8_t keep = s->bytes[1] & 0x80 ? 0 : s->perpendicular & 0x3c;
    uint8_t take = s->bytes[1] & 0x80 ? 0x3f : 3;

    s->perpendicular = keep | (s->bytes[1] & take);
    fdc_command_phase(s);
}

static void cmd_configure(Fdc *s)
{
    s->config = s->bytes[2] & 0x7f;
    s->precomp = s->bytes[3];
    fdc_command_phase(s);
}

static void cmd_lock(Fdc *s)
{
    s->locked = s->opcode >> 7;
    s->bytes[0] = (uint8_t)(s->locked << 4);
    result_phase(s, 1);
}

/* A byte for each drive, until one with bit 7 (DN); its bit 6 (NRP) says that no answer is wanted. */
static void cmd_drive_spec(Fdc *s)
{
    uint8_t v = s->bytes[s->count - 1];

    if (!(v & 0x80)) {
        s->unit[v >> 5 & 3].spec = v & 0x1f;
        if (s->count > FDC_UNITS + 1) {
            fdc_command_phase(s);
        } else {
            s->want = s->count + 1;
        }
    } else if (v & 0x40) {
        fdc_command_phase(s);
    } else {
        for (int i = 0; i < FDC_UNITS; i++) {
            s->bytes[i] = s->unit[i].spec;
        }
        result_phase(s, FDC_UNITS);
    }
}

/* It is kept for SAVE; nothing here needs power. */
static void cmd_power_down(Fdc *s)
{
    s->power = s->bytes[0] = s->bytes[1];
    result_phase(s, 1);
}

/* What DUMP REGISTERS and POWER DOWN have, for RESTORE; of the clock, precompensation and density bits none are set. */
static void cmd_save(Fdc *s)
{
    const uint8_t r[SAVED_BYTES] = {
        0, 0, s->unit[0].track, s->unit[1].track, s->unit[2].track, s->unit[3].track, s->specify[0], s->specify[1],
        s->eot, (uint8_t)(s->locked << 7 | s->perpendicular), s->config, s->precomp, s->power};

    memcpy(s->bytes, r, SAVED_BYTES);
    result_phase(s, SAVED_BYTES);
}

static void cmd_restore(Fdc *s)
{
    const uint8_t *r = s->bytes + 1;

    for (int i = 0; i < FDC_UNITS; i++) {
        s->unit[i].track = r[2 + i];
    }
    s->specify[0] = r[6];
    s->specify[1] = r[7];
    s->eot = r[8];
    s->locked = r[9] >> 7;
    s->perpendicular = r[9] & 0x3f;
    s->config = r[10] & 0x7f;
    s->precomp = r[11];
    s->power = r[12];
    fdc_command_phase(s);
}

/* ISO: tracks without an index address mark. Images have none in any case. */
static void cmd_option(Fdc *s)
{
    fdc_command_phase(s);
}

static void cmd_invalid(Fdc *s)
{
    log_mask(LOG_GUEST_ERROR, "fdc: unknown command 0x%02x\n", s->opcode);
    s->bytes[0] = ST0_INVALID;
    result_phase(s, 1);
}

/* ---- the table ---- */

typedef struct Command {
    uint8_t value, mask, bytes;
    void (*run)(Fdc *s);
} Command;

static const Command commands[] = {
    {OP_READ, 0x1f, 9, cmd_transfer},
    {OP_READ_DELETED, 0x1f, 9, cmd_transfer},
    {OP_WRITE, 0x3f, 9, cmd_transfer},
    {OP_WRITE_DELETED, 0x3f, 9, cmd_transfer},
    {OP_READ_TRACK, 0x9f, 9, cmd_transfer},
    {OP_VERIFY, 0x1f, 9, cmd_transfer},
    {OP_FORMAT, 0xbf, 6, cmd_format},
    {OP_SCAN_EQUAL, 0x1f, 9, cmd_transfer},
    {OP_SCAN_LOW, 0x1f, 9, cmd_transfer},
    {OP_SCAN_HIGH, 0x1f, 9, cmd_transfer},
    {0x07, 0xff, 2, cmd_recalibrate},
    {0x08, 0xff, 1, cmd_sense_interrupt},
    {0x03, 0xff, 3, cmd_specify},
    {0x04, 0xff, 2, cmd_sense_drive},
    {0x0f, 0xff, 3, cmd_seek},
    {0x8f, 0xbf, 3, cmd_relative_seek},
    {0x0a, 0xbf, 2, cmd_read_id},
    {0x10, 0xff, 1, cmd_version},
    {0x18, 0xff, 1, cmd_part_id},
    {0x0e, 0xff, 1, cmd_dump_registers},
    {0x12, 0xff, 2, cmd_perpendicular},
    {0x13, 0xff, 4, cmd_configure},
    {0x14, 0x7f, 1, cmd_lock},
    {0x17, 0xff, 2, cmd_power_down},
    {0x2e, 0xff, 1, cmd_save},
    {0x4e, 0xff, 1 + SAVED_BYTES, cmd_restore},
    {0x33, 0xff, 2, cmd_option},
    {0x8e, 0xff, 2, cmd_drive_spec},
};

static const Command invalid = {0, 0, 1, cmd_invalid};

static const Command *find_command(uint8_t op)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if ((op & commands[i].mask) == commands[i].value) {
            return &commands[i];
        }
    }
    return &invalid;
}

void fdc_command_byte(Fdc *s, uint8_t v)
{
    if (!s->count) {
        s->opcode = v;
        s->want = find_command(v)->bytes;
    }
    if (s->count < FDC_BYTES) {
        s->bytes[s->count++] = v;
    }
    if (s->count >= s->want) {
        find_command(s->opcode)->run(s);
    }
}
