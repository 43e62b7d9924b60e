/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floppy disk controller and drives.
 *
 * Intel 82078 data sheet (64-pin), sections 2 (registers), 5 (commands), 6
 * (status). Left out: scan commands end with "not equal" as on drives without
 * them, tape, low-power details, data rates do not have to match the medium.
 * A transfer takes a sector at a time from the drive and moves it by DMA or by
 * the FIFO; it costs no guest time beyond the host's.
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "block/block.h"
#include "core/machine.h"
#include "hw/floppy/fdc.h"
#include "hw/isa/isa.h"

#define SECTOR    512u
#define MAX_BYTES 16 /* of a command or a result */
#define DRIVES    2

enum { DOR_NRESET = 1 << 2, DOR_DMA = 1 << 3 };
enum { MSR_BUSY = 1 << 4, MSR_NO_DMA = 1 << 5, MSR_DIO = 1 << 6, MSR_RQM = 1 << 7 };
enum { ST0_ABNORMAL = 0x40, ST0_INVALID = 0x80, ST0_SEEK = 0x20, ST0_CHECK = 0x10 };
enum { ST1_MISSING_AM = 1, ST1_NOT_WRITABLE = 2, ST1_NO_DATA = 4, ST1_OVERRUN = 0x10, ST1_END = 0x80 };
enum { ST2_WRONG_CYLINDER = 0x10, ST2_BAD_CYLINDER = 2 };
enum { CONFIG_NO_IMPLIED = 0x40 };

/* Where a data command stands. The first two wait for the disk; saved, and begun anew after load. */
enum { STAGE_IDLE, STAGE_READING, STAGE_WRITING, STAGE_TO_HOST, STAGE_FROM_HOST };
enum { PHASE_COMMAND, PHASE_DATA, PHASE_RESULT };

typedef struct FdcDrive {
    uint8_t track, changed, perpendicular, pad;
} FdcDrive;

typedef struct Fdc {
    Device dev;
    uint32_t iobase, irq, dma;
    Bus bus;
    FloppyDrive *drive[DRIVES];
    Irq line;
    /* saved */
    uint8_t dor, tdr, dsr, config, precomp, locked, specify[2];
    uint8_t irq_pending;    /* drives the line */
    uint8_t reset_sense;    /* answers that SENSE INTERRUPT owes after a reset */
    uint8_t seek_done;      /* ST0 for the next SENSE INTERRUPT; valid with seek_sense */
    uint8_t seek_sense;
    uint8_t phase, stage;
    uint8_t bytes[MAX_BYTES]; /* of the command, then of the result */
    uint8_t count, want;
    uint8_t cyl, head, sector, eot, drive_no, opcode;
    uint8_t data[SECTOR];
    uint16_t data_pos;
    uint8_t terminal; /* the DMA count ran out */
    uint8_t format_left;
    FdcDrive unit[4];
    /* host */
    struct iovec iov;
} Fdc;

static Fdc *fdc_of(Bus *b)
{
    return (Fdc *)b->owner;
}

/* ---- media ---- */

typedef struct Geometry {
    uint32_t sectors;
    uint8_t cylinders, heads, per_track;
} Geometry;

static const Geometry geometries[] = {
    {2880, 80, 2, 18}, {5760, 80, 2, 36}, {1440, 80, 2, 9},  {2400, 80, 2, 15}, {720, 40, 2, 9},
    {3360, 80, 2, 21}, {3444, 82, 2, 21}, {640, 40, 2, 8},   {360, 40, 1, 9},   {320, 40, 1, 8},
    {3200, 80, 2, 20}, {3040, 80, 2, 19}, {1600, 80, 2, 10}, {1640, 82, 2, 10}, {800, 40, 2, 10},
};

/* The medium's, or NULL: none. A size that is no floppy's is read as far as 1.44 MB goes. */
static const Geometry *medium(const FloppyDrive *f)
{
    if (!f || !f->port || !block_port_inserted(f->port)) {
        return NULL;
    }
    uint64_t sectors = block_port_size(f->port) / SECTOR;
    for (size_t i = 0; i < ARRAY_LEN(geometries); i++) {
        if (geometries[i].sectors == sectors) {
            return &geometries[i];
        }
    }
    return &geometries[sectors > 2880 ? 1 : 0];
}

static FloppyDrive *selected(Fdc *s)
{
    return s->drive_no < DRIVES ? s->drive[s->drive_no] : NULL;
}

/* ---- interrupt and status ---- */

static void fdc_outputs(Device *d)
{
    Fdc *s = (Fdc *)d;

    irq_set(s->line, s->irq_pending && s->dor & DOR_DMA);
}

static uint8_t main_status(const Fdc *s)
{
    uint8_t v = 0;

    if (!(s->dor & DOR_NRESET)) {
        return 0;
    }
    if (s->phase == PHASE_DATA) {
        v = MSR_BUSY;
        if (s->specify[1] & 1) { /* by the FIFO */
            v |= MSR_NO_DMA;
            v |= s->stage == STAGE_TO_HOST ? MSR_RQM | MSR_DIO : 0;
            v |= s->stage == STAGE_FROM_HOST ? MSR_RQM : 0;
        }
        return v;
    }
    v = MSR_RQM;
    if (s->phase == PHASE_RESULT) {
        v |= MSR_DIO | MSR_BUSY;
    } else if (s->count) {
        v |= MSR_BUSY;
    }
    return v;
}

static void command_phase(Fdc *s)
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
        (uint8_t)(st0 | (s->head & 1) << 2 | s->drive_no), st1, st2, s->cyl, s->head, s->sector, 2};

    memcpy(s->bytes, answer, 7);
    result_phase(s, 7);
    s->irq_pending = 1;
}

/* ---- data: one sector after another ---- */

static void next_sector(Fdc *s);
static void move_data(Fdc *s);

enum { OP_READ_TRACK = 2, OP_WRITE = 5, OP_READ = 6, OP_WRITE_DELETED = 9, OP_READ_DELETED = 12,
       OP_FORMAT = 13, OP_VERIFY = 22, OP_SCAN_EQUAL = 17, OP_SCAN_LOW = 25, OP_SCAN_HIGH = 29 };

static bool is_write(const Fdc *s)
{
    uint8_t op = s->opcode & 0x1f;

    return op == OP_WRITE || op == OP_WRITE_DELETED || op == OP_FORMAT;
}

static bool multi_track(const Fdc *s)
{
    return s->opcode & 0x80;
}

/* The address after this sector; false: the command is at its end. */
static bool advance(Fdc *s)
{
    const Geometry *g = medium(selected(s));

    if (s->sector < s->eot) {
        s->sector++;
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

static void sector_done(Fdc *s)
{
    bool more = advance(s);

    if (s->terminal || (!more && (s->opcode & 0x1f) == OP_VERIFY)) {
        end_transfer(s, 0, 0, 0);
    } else if (!more) {
        end_transfer(s, ST0_ABNORMAL, ST1_END, 0);
    } else {
        next_sector(s);
    }
}

static void disk_done(void *opaque, int ret)
{
    Fdc *s = opaque;
    uint8_t stage = s->stage;

    if (ret) {
        end_transfer(s, ST0_ABNORMAL, ST1_MISSING_AM, 0);
    } else if (stage == STAGE_READING) {
        s->data_pos = 0;
        s->stage = STAGE_TO_HOST;
        move_data(s);
    } else if ((s->opcode & 0x1f) == OP_FORMAT) {
        if (--s->format_left == 0) {
            end_transfer(s, 0, 0, 0);
        } else {
            s->data_pos = 0;
            s->stage = STAGE_FROM_HOST;
            move_data(s);
        }
    } else {
        sector_done(s);
    }
    device_update(&s->dev);
}

static bool sector_offset(Fdc *s, uint64_t *offset)
{
    const Geometry *g = medium(selected(s));

    if (!g || s->cyl >= g->cylinders || (s->head & 1) >= g->heads || !s->sector ||
        s->sector > g->per_track) {
        return false;
    }
    *offset = (((uint64_t)s->cyl * g->heads + (s->head & 1)) * g->per_track + s->sector - 1) * SECTOR;
    return *offset + SECTOR <= block_port_size(selected(s)->port);
}

static void begin_disk(Fdc *s, uint8_t stage)
{
    uint64_t offset;

    s->iov = (struct iovec){s->data, SECTOR};
    s->stage = stage;
    if (!sector_offset(s, &offset)) {
        end_transfer(s, ST0_ABNORMAL, ST1_NO_DATA, 0);
    } else if (stage == STAGE_READING) {
        block_read(selected(s)->port, offset, &s->iov, 1, 0, disk_done, s);
    } else {
        block_write(selected(s)->port, offset, &s->iov, 1, 0, disk_done, s);
    }
}

static void next_sector(Fdc *s)
{
    if (is_write(s)) {
        s->data_pos = 0;
        s->stage = STAGE_FROM_HOST;
        move_data(s);
    } else {
        begin_disk(s, STAGE_READING);
    }
}

/* How many bytes the host has to give or take in this stage. */
static unsigned stage_bytes(const Fdc *s)
{
    return (s->opcode & 0x1f) == OP_FORMAT ? 4 : SECTOR;
}

/* The buffer is full (from the host) or empty (to it). */
static void buffer_done(Fdc *s)
{
    if (s->stage == STAGE_TO_HOST) {
        sector_done(s);
        return;
    }
    if ((s->opcode & 0x1f) == OP_FORMAT) { /* C H R N, and then a sector of the filler byte */
        s->cyl = s->data[0];
        s->head = s->data[1] & 1;
        s->sector = s->data[2];
        memset(s->data, s->bytes[5], SECTOR);
    }
    begin_disk(s, STAGE_WRITING);
}

static void move_data(Fdc *s)
{
    bool tc = false;

    if ((s->opcode & 0x1f) == OP_VERIFY) {
        s->terminal = 0;
        sector_done(s);
        return;
    }
    if (s->specify[1] & 1) {
        s->irq_pending = 1; /* the host moves it, byte by byte */
        return;
    }
    if (!isa_dma_open(&s->dev, s->dma)) {
        return; /* dma_ready() comes back */
    }
    unsigned left = stage_bytes(s) - s->data_pos;
    size_t moved = isa_dma_move(&s->dev, s->dma, s->data + s->data_pos, left,
                                s->stage == STAGE_TO_HOST, &tc);
    s->data_pos += (uint16_t)moved;
    s->terminal = tc;
    if (tc && s->data_pos < stage_bytes(s) && s->stage == STAGE_FROM_HOST) {
        memset(s->data + s->data_pos, 0, SECTOR - s->data_pos); /* the rest of the sector is zero */
        s->data_pos = (uint16_t)stage_bytes(s);
    }
    if (tc || s->data_pos == stage_bytes(s)) {
        buffer_done(s);
    }
}

static void dma_ready(void *opaque)
{
    Fdc *s = opaque;

    if ((s->stage == STAGE_TO_HOST || s->stage == STAGE_FROM_HOST) && !(s->specify[1] & 1)) {
        move_data(s);
        device_update(&s->dev);
    }
}

static uint8_t fifo_data_read(Fdc *s)
{
    uint8_t v = s->data[s->data_pos++];

    if (s->data_pos == SECTOR) {
        s->irq_pending = 0;
        buffer_done(s);
    }
    return v;
}

static void fifo_data_write(Fdc *s, uint8_t v)
{
    s->data[s->data_pos++] = v;
    if (s->data_pos == stage_bytes(s)) {
        s->irq_pending = 0;
        buffer_done(s);
    }
}

/* ---- commands ---- */

static void set_head_drive(Fdc *s, uint8_t v)
{
    s->drive_no = v & 3;
    s->head = v >> 2 & 1;
}

static void cmd_transfer(Fdc *s)
{
    uint8_t op = s->opcode & 0x1f;
    FloppyDrive *f;

    set_head_drive(s, s->bytes[1]);
    f = selected(s);
    s->cyl = s->bytes[2];
    s->head = s->bytes[3];
    s->sector = op == OP_READ_TRACK ? 1 : s->bytes[4];
    s->eot = s->bytes[6];
    s->terminal = 0;
    s->phase = PHASE_DATA;
    if (!medium(f)) {
        end_transfer(s, ST0_ABNORMAL, ST1_MISSING_AM, 0);
    } else if (s->cyl >= medium(f)->cylinders) {
        end_transfer(s, ST0_ABNORMAL, ST1_NO_DATA, ST2_BAD_CYLINDER);
    } else if (s->unit[s->drive_no].track != s->cyl && s->config & CONFIG_NO_IMPLIED) {
        s->unit[s->drive_no].track = s->cyl; /* implied seek */
        s->unit[s->drive_no].changed = 0;
        next_sector(s);
    } else if (s->unit[s->drive_no].track != s->cyl) {
        end_transfer(s, ST0_ABNORMAL, ST1_NO_DATA, ST2_WRONG_CYLINDER);
    } else if (is_write(s) && block_port_readonly(f->port)) {
        end_transfer(s, ST0_ABNORMAL, ST1_NOT_WRITABLE, 0);
    } else {
        next_sector(s);
    }
}

static void cmd_format(Fdc *s)
{
    set_head_drive(s, s->bytes[1]);
    FloppyDrive *f = selected(s);
    s->cyl = s->unit[s->drive_no].track;
    s->format_left = s->bytes[3];
    s->terminal = 0;
    s->phase = PHASE_DATA;
    if (!medium(f) || s->bytes[2] != 2 || !s->format_left) {
        end_transfer(s, ST0_ABNORMAL, ST1_MISSING_AM, 0);
    } else if (block_port_readonly(f->port)) {
        end_transfer(s, ST0_ABNORMAL, ST1_NOT_WRITABLE, 0);
    } else {
        s->data_pos = 0;
        s->stage = STAGE_FROM_HOST;
        move_data(s);
    }
}

static void cmd_scan(Fdc *s)
{
    set_head_drive(s, s->bytes[1]);
    s->cyl = s->bytes[2];
    s->sector = s->bytes[4];
    end_transfer(s, ST0_ABNORMAL, ST1_NO_DATA, 4 /* not satisfied */);
}

static void seek_to(Fdc *s, uint8_t track, bool absolute_zero)
{
    FloppyDrive *f = selected(s);

    if (!f && absolute_zero) { /* no drive: track 0 never shows */
        s->seek_done = (uint8_t)(ST0_SEEK | ST0_CHECK | ST0_ABNORMAL | s->drive_no);
    } else {
        s->unit[s->drive_no].track = track;
        if (medium(f)) {
            s->unit[s->drive_no].changed = 0; /* a step pulse resets disk change */
        }
        s->seek_done = (uint8_t)(ST0_SEEK | s->head << 2 | s->drive_no);
    }
    s->seek_sense = 1;
    s->irq_pending = 1;
    command_phase(s);
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

static void cmd_sense_interrupt(Fdc *s)
{
    if (s->reset_sense) {
        s->bytes[0] = (uint8_t)(0xc0 | (4 - s->reset_sense));
        s->reset_sense--;
    } else if (s->seek_sense) {
        s->bytes[0] = s->seek_done;
        s->seek_sense = 0;
    } else {
        s->bytes[0] = ST0_INVALID;
        s->irq_pending = 0;
        result_phase(s, 1);
        return;
    }
    s->bytes[1] = s->unit[s->bytes[0] & 3].track;
    s->irq_pending = 0;
    result_phase(s, 2);
}

static void cmd_sense_drive(Fdc *s)
{
    set_head_drive(s, s->bytes[1]);
    FloppyDrive *f = selected(s);
    uint8_t st3 = (uint8_t)(0x28 | (s->bytes[1] & 7)); /* ready, two sides */

    if (f && s->unit[s->drive_no].track == 0) {
        st3 |= 0x10;
    }
    if (medium(f) && block_port_readonly(f->port)) {
        st3 |= 0x40;
    }
    s->bytes[0] = st3;
    result_phase(s, 1);
}

static void cmd_specify(Fdc *s)
{
    s->specify[0] = s->bytes[1];
    s->specify[1] = s->bytes[2];
    command_phase(s);
}

static void cmd_read_id(Fdc *s)
{
    set_head_drive(s, s->bytes[1]);
    const Geometry *g = medium(selected(s));

    s->cyl = s->unit[s->drive_no].track;
    if (!g || s->cyl >= g->cylinders || s->head >= g->heads) {
        end_transfer(s, ST0_ABNORMAL, ST1_MISSING_AM, 0);
        return;
    }
    s->sector = s->sector >= g->per_track ? 1 : s->sector + 1; /* the next that comes by */
    end_transfer(s, 0, 0, 0);
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
    uint8_t perpendicular = 0;

    for (int i = 0; i < 4; i++) {
        perpendicular |= (uint8_t)(s->unit[i].perpendicular << (i + 2));
    }
    const uint8_t r[10] = {
        s->unit[0].track, s->unit[1].track, s->unit[2].track, s->unit[3].track, s->specify[0],
        s->specify[1], s->eot, (uint8_t)(s->locked << 7 | perpendicular), s->config, s->precomp};
    memcpy(s->bytes, r, 10);
    result_phase(s, 10);
}

static void cmd_perpendicular(Fdc *s)
{
    if (s->bytes[1] & 0x80) { /* OW */
        for (int i = 0; i < 4; i++) {
            s->unit[i].perpendicular = s->bytes[1] >> (i + 2) & 1;
        }
    }
    command_phase(s);
}

static void cmd_configure(Fdc *s)
{
    s->config = s->bytes[2];
    s->precomp = s->bytes[3];
    command_phase(s);
}

static void cmd_lock(Fdc *s)
{
    s->locked = s->opcode >> 7;
    s->bytes[0] = (uint8_t)(s->locked << 4);
    result_phase(s, 1);
}

static void cmd_drive_spec(Fdc *s)
{
    /* Bytes follow until one with bit 7; with bit 6 an answer of four is wanted. */
    if (s->bytes[s->count - 1] & 0x80) {
        if (s->bytes[s->count - 1] & 0x40) {
            memset(s->bytes, 0, 4);
            result_phase(s, 4);
        } else {
            command_phase(s);
        }
    } else if (s->count > 6) {
        command_phase(s);
    } else {
        s->want = s->count + 1;
    }
}

static void cmd_power_down(Fdc *s)
{
    s->bytes[0] = s->bytes[1];
    result_phase(s, 1);
}

static void cmd_invalid(Fdc *s)
{
    log_mask(LOG_GUEST_ERROR, "fdc: unknown command 0x%02x\n", s->opcode);
    s->bytes[0] = ST0_INVALID;
    result_phase(s, 1);
}

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
    {OP_SCAN_EQUAL, 0x1f, 9, cmd_scan},
    {OP_SCAN_LOW, 0x1f, 9, cmd_scan},
    {OP_SCAN_HIGH, 0x1f, 9, cmd_scan},
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

static void command_byte(Fdc *s, uint8_t v)
{
    if (!s->count) {
        s->opcode = v;
        s->want = find_command(v)->bytes;
    }
    if (s->count < MAX_BYTES) {
        s->bytes[s->count++] = v;
    }
    if (s->count >= s->want) {
        find_command(s->opcode)->run(s);
    }
}

/* ---- registers ---- */

static void fdc_soft_reset(Fdc *s, bool interrupt)
{
    for (int i = 0; i < DRIVES; i++) {
        if (s->drive[i] && s->drive[i]->port) {
            block_cancel_all(s->drive[i]->port);
        }
    }
    if (!s->locked) {
        s->config = 0;
        s->precomp = 0;
    }
    s->seek_sense = 0;
    s->sector = 0;
    command_phase(s);
    s->irq_pending = interrupt;
    s->reset_sense = interrupt ? 4 : 0;
}

static void write_dor(Fdc *s, uint8_t v)
{
    bool was = s->dor & DOR_NRESET, now = v & DOR_NRESET;

    s->dor = v;
    if (was && !now) {
        fdc_soft_reset(s, false);
    } else if (!was && now) {
        fdc_soft_reset(s, true);
    }
}

static uint8_t read_dir(Fdc *s)
{
    unsigned n = s->dor & 3;
    bool motor = s->dor >> (4 + n) & 1;

    return motor && n < DRIVES && s->drive[n] && (s->unit[n].changed || !medium(s->drive[n]))
               ? 0x80
               : 0;
}

static uint8_t read_fifo(Fdc *s)
{
    if (s->phase == PHASE_DATA) {
        return s->stage == STAGE_TO_HOST && s->specify[1] & 1 ? fifo_data_read(s) : 0;
    }
    if (s->phase != PHASE_RESULT) {
        return 0;
    }
    uint8_t v = s->bytes[s->count++];
    s->irq_pending = 0;
    if (s->count >= s->want) {
        command_phase(s);
    }
    return v;
}

static void write_fifo(Fdc *s, uint8_t v)
{
    s->dsr &= 0x7f;
    if (s->phase == PHASE_COMMAND) {
        command_byte(s, v);
    } else if (s->phase == PHASE_DATA && s->stage == STAGE_FROM_HOST && s->specify[1] & 1) {
        fifo_data_write(s, v);
    }
}

static uint64_t fdc_read(void *opaque, hwaddr offset, unsigned size)
{
    Fdc *s = opaque;

    switch (offset) {
    case 0: /* SRA: interrupt pending */
        return s->irq_pending << 7;
    case 1: /* SRB: motors */
        return 0xc0 | (s->dor >> 4 & 3);
    case 2:
        return s->dor;
    case 3:
        return s->tdr;
    case 4:
        return main_status(s);
    case 5: {
        uint8_t v = s->dor & DOR_NRESET ? read_fifo(s) : 0;
        device_update(&s->dev);
        return v;
    }
    case 7:
        return read_dir(s);
    default:
        return 0xff;
    }
}

static void fdc_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Fdc *s = opaque;
    uint8_t v = (uint8_t)value;

    switch (offset) {
    case 2:
        write_dor(s, v);
        break;
    case 3:
        if (s->dor & DOR_NRESET) {
            s->tdr = v & 3;
        }
        break;
    case 4:
        s->dsr = v & 0x7f;
        if (v & 0x80 && s->dor & DOR_NRESET) { /* a reset that clears itself */
            fdc_soft_reset(s, true);
        }
        break;
    case 5:
        if (s->dor & DOR_NRESET) {
            write_fifo(s, v);
        }
        break;
    case 7: /* CCR: the rate does not matter here */
        s->dsr = (s->dsr & ~3) | (v & 3);
        break;
    }
}

static const IoOps fdc_ops = {fdc_read, fdc_write, .max_size = 1};

/* ---- life ---- */

static bool floppy_bus_attach(Bus *b, Device *d, Error **errp)
{
    Fdc *s = fdc_of(b);
    FloppyDrive *f = (FloppyDrive *)d;

    if (f->unit < 0) {
        f->unit = s->drive[0] ? 1 : 0;
    }
    if (f->unit >= DRIVES || s->drive[f->unit]) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  f->unit >= DRIVES ? "can't create floppy unit %d, bus supports only %d units"
                                    : "floppy unit %d is in use",
                  f->unit, DRIVES);
        return false;
    }
    s->drive[f->unit] = f;
    s->unit[f->unit].changed = 1;
    return true;
}

static void floppy_bus_detach(Bus *b, Device *d)
{
    Fdc *s = fdc_of(b);

    for (int i = 0; i < DRIVES; i++) {
        if (s->drive[i] == (FloppyDrive *)d) {
            s->drive[i] = NULL;
        }
    }
}

static bool floppy_bus_full(Bus *b)
{
    return fdc_of(b)->drive[0] && fdc_of(b)->drive[1];
}

static void floppy_fw_path(Bus *b, Device *d, GString *out)
{
    g_string_append_printf(out, "floppy@%x", ((FloppyDrive *)d)->unit);
}

static const BusOps floppy_bus_ops = {
    .kind = "floppy-bus",
    .attach = floppy_bus_attach,
    .detach = floppy_bus_detach,
    .full = floppy_bus_full,
    .fw_path = floppy_fw_path,
};

Bus *fdc_bus(Device *fdc)
{
    return &((Fdc *)fdc)->bus;
}

/* What CMOS register 0x10 says of a drive: by its medium, 1.44 MB when empty. */
uint8_t fdc_drive_type(Device *fdc, unsigned n)
{
    FloppyDrive *f = ((Fdc *)fdc)->drive[n];
    const Geometry *g = medium(f);

    if (!f) {
        return 0;
    }
    if (!g || g->per_track > 15) {
        return g && g->per_track > 21 ? 5 : 4;
    }
    return g->per_track > 10 ? 2 : g->cylinders > 42 ? 3 : 1;
}

static void medium_changed(Fdc *s, FloppyDrive *f)
{
    s->unit[f->unit].changed = 1;
}

static bool fdc_realize(Device *d, Error **errp)
{
    Fdc *s = (Fdc *)d;

    if (s->iobase > 0xfff8) {
        error_set(errp, ERR_INVALID_PARAMETER, "iobase 0x%x is no I/O port", s->iobase);
        return false;
    }
    if (!isa_irq_claim(d, s->irq, &s->line, errp)) {
        return false;
    }
    if (!isa_dma_claim(d, s->dma, dma_ready, s, errp)) {
        isa_irq_release(s->line);
        return false;
    }
    device_map_ports(d, (uint16_t)s->iobase, 6, &fdc_ops, "fdc");
    MemoryRegion *high = device_io_region(d, "fdc-dir", &fdc_ops, 8);
    MemoryRegion *port7 = region_new_alias("fdc-dir", high, 7, 1);
    region_add(machine_ports_root(d->machine), s->iobase + 7, port7, 0);
    g_ptr_array_add(d->regions, port7);
    bus_init(&s->bus, &floppy_bus_ops, d, "floppy-bus.0");
    return true;
}

static void fdc_unrealize(Device *d)
{
    Fdc *s = (Fdc *)d;

    bus_fini(&s->bus);
    isa_dma_release(d, s->dma);
    isa_irq_release(s->line);
}

static void fdc_reset(Device *d)
{
    Fdc *s = (Fdc *)d;

    s->locked = 0;
    s->dor = DOR_NRESET | DOR_DMA;
    fdc_soft_reset(s, false);
    for (int i = 0; i < 4; i++) {
        s->unit[i] = (FdcDrive){.changed = 1};
    }
}

static bool fdc_post_load(Device *d, int version, Error **errp)
{
    Fdc *s = (Fdc *)d;

    if (s->phase > PHASE_RESULT || s->stage > STAGE_FROM_HOST || s->count > MAX_BYTES ||
        s->want > MAX_BYTES || s->data_pos > SECTOR || s->drive_no > 3 ||
        (s->phase == PHASE_RESULT && s->count >= s->want) ||
        (s->phase == PHASE_COMMAND && s->count && s->count >= s->want) ||
        (s->phase == PHASE_DATA) != (s->stage != STAGE_IDLE) ||
        ((s->stage == STAGE_TO_HOST || s->stage == STAGE_FROM_HOST) &&
         s->data_pos >= stage_bytes(s)) || s->reset_sense > 4) {
        error_set(errp, ERR_INVALID_PARAMETER, "fdc: the saved state is not valid");
        return false;
    }
    if (s->stage == STAGE_READING || s->stage == STAGE_WRITING) {
        begin_disk(s, s->stage); /* it was waiting for the disk: again */
    }
    return true;
}

static const Property fdc_props[] = {
    PROP(Fdc, PROP_U32, iobase, "iobase", 0x3f0, "first I/O port"),
    PROP(Fdc, PROP_U32, irq, "irq", 6, "ISA interrupt"),
    PROP(Fdc, PROP_U32, dma, "dma", 2, "ISA DMA channel"),
    {0},
};

static const StateField fdc_state[] = {
    HOST_ONLY(Fdc, bus),
    HOST_ONLY(Fdc, drive),
    HOST_ONLY(Fdc, line),
    STATE(Fdc, STATE_U8, dor, DOR_NRESET | DOR_DMA),
    STATE(Fdc, STATE_U8, tdr, 0),
    STATE(Fdc, STATE_U8, dsr, 0),
    STATE(Fdc, STATE_U8, config, 0),
    STATE(Fdc, STATE_U8, precomp, 0),
    STATE(Fdc, STATE_U8, locked, 0),
    STATE_ARRAY(Fdc, STATE_U8, specify, 2, 0),
    STATE(Fdc, STATE_U8, irq_pending, 0),
    STATE(Fdc, STATE_U8, reset_sense, 0),
    STATE(Fdc, STATE_U8, seek_done, 0),
    STATE(Fdc, STATE_U8, seek_sense, 0),
    STATE(Fdc, STATE_U8, phase, 0),
    STATE(Fdc, STATE_U8, stage, 0),
    STATE_ARRAY(Fdc, STATE_U8, bytes, MAX_BYTES, 0),
    STATE(Fdc, STATE_U8, count, 0),
    STATE(Fdc, STATE_U8, want, 0),
    STATE(Fdc, STATE_U8, cyl, 0),
    STATE(Fdc, STATE_U8, head, 0),
    STATE(Fdc, STATE_U8, sector, 0),
    STATE(Fdc, STATE_U8, eot, 0),
    STATE(Fdc, STATE_U8, drive_no, 0),
    STATE(Fdc, STATE_U8, opcode, 0),
    STATE_RAW(Fdc, data),
    STATE(Fdc, STATE_U16, data_pos, 0),
    STATE(Fdc, STATE_U8, terminal, 0),
    STATE(Fdc, STATE_U8, format_left, 0),
    STATE_RAW(Fdc, unit),
    HOST_ONLY(Fdc, iov),
    {0},
};

const DeviceType isa_fdc_type = {
    .name = "isa-fdc",
    .help = "floppy disk controller (82078)",
    .bus = "isa",
    .size = sizeof(Fdc),
    .version = 1,
    .user_creatable = true,
    .needs = "an ISA bus with DMA",
    .props = fdc_props,
    .state = fdc_state,
    .realize = fdc_realize,
    .unrealize = fdc_unrealize,
    .reset_hold = fdc_reset,
    .outputs = fdc_outputs,
    .post_load = fdc_post_load,
};
DEVICE_TYPE(isa_fdc_type);

/* ---- the drive ---- */

static void floppy_media_changed(void *opaque, bool loaded)
{
    FloppyDrive *f = opaque;

    if (f->dev.bus) {
        medium_changed(fdc_of(f->dev.bus), f);
    }
}

static const BlockFrontOps floppy_front_ops = {.media_changed = floppy_media_changed};

static bool floppy_realize(Device *d, Error **errp)
{
    FloppyDrive *f = (FloppyDrive *)d;
    const BlockFrontend front = {
        .name = d->id ? d->id : "floppy",
        .ops = &floppy_front_ops,
        .opaque = f,
        .removable = true,
        .writable = true,
        DEVICE_LOCK_HOOKS,
    };

    if (!f->port) {
        return true; /* a drive that never has a medium */
    }
    return block_attach(f->port, &front, errp);
}

static void floppy_unrealize(Device *d)
{
    FloppyDrive *f = (FloppyDrive *)d;

    if (f->port) {
        block_detach(f->port);
    }
}

static const Property floppy_props[] = {
    PROP(FloppyDrive, PROP_I32, unit, "unit", (uint64_t)-1, "0 is A, 1 is B; -1: the first free"),
    PROP(FloppyDrive, PROP_DRIVE, port, "drive", 0, "disk in the drive"),
    PROP(FloppyDrive, PROP_I32, bootindex, "bootindex", (uint64_t)-1, "place in the boot order"),
    {0},
};

static const StateField floppy_state[] = {
    {0},
};

const DeviceType floppy_type = {
    .name = "floppy",
    .help = "floppy disk drive",
    .bus = "floppy-bus",
    .size = sizeof(FloppyDrive),
    .version = 1,
    .user_creatable = true,
    .needs = "a floppy controller",
    .props = floppy_props,
    .state = floppy_state,
    .realize = floppy_realize,
    .unrealize = floppy_unrealize,
};
DEVICE_TYPE(floppy_type);
