/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of the floppy controller. Those that move data are in fdc_transfer.c.
 *
 * Intel 82078 data sheet, section 5. Left out: FORMAT AND WRITE (an invalid command here), tape.
 *
 * home: the machine's lock domain.
 */
#include <string.h>

#include "base/log.h"
#include "hw/floppy/fdc_internal.h"

enum { SAVED_BYTES = 16 }; /* of SAVE, to RESTORE */

void fdc_command_phase(Fdc *s)
{
    s->phase = PHASE_COMMAND;
    s->stage = STAGE_IDLE;
    s->count = s->want = 0;
}

void fdc_result_phase(Fdc *s, unsigned n)
{
    s->phase = PHASE_RESULT;
    s->stage = STAGE_IDLE;
    s->count = 0;
    s->want = (uint8_t)n;
}

void fdc_set_head_drive(Fdc *s, uint8_t v)
{
    s->drive_no = v & 3;
    s->head = v >> 2 & 1;
}

void fdc_step_to(Fdc *s, uint8_t track)
{
    FdcUnit *u = &s->unit[s->drive_no];

    if (u->track != track && fdc_medium(fdc_selected(s))) {
        u->changed = 0;
    }
    u->track = track;
}

/* ---- commands of control ---- */

static void seek_to(Fdc *s, uint8_t track, bool until_zero)
{
    uint8_t st0 = (uint8_t)(ST0_SEEK | s->head << 2 | s->drive_no);

    if (until_zero && !fdc_selected(s)) { /* no drive: track 0 never shows */
        st0 |= ST0_CHECK | ST0_ABNORMAL;
    } else {
        fdc_step_to(s, track);
    }
    s->unit[s->drive_no].seek_done = st0;
    s->seek_sense |= (uint8_t)(1 << s->drive_no);
    s->irq_pending = 1;
    fdc_command_phase(s);
}

static void cmd_seek(Fdc *s)
{
    fdc_set_head_drive(s, s->bytes[1]);
    seek_to(s, s->bytes[2], false);
}

static void cmd_recalibrate(Fdc *s)
{
    fdc_set_head_drive(s, s->bytes[1] & 3);
    seek_to(s, 0, true);
}

/* In: bit 6 of the opcode, towards higher tracks. */
static void cmd_relative_seek(Fdc *s)
{
    fdc_set_head_drive(s, s->bytes[1]);
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
        fdc_result_phase(s, 1);
        return;
    }
    s->bytes[1] = s->unit[s->bytes[0] & 3].track;
    fdc_result_phase(s, 2);
}

static void cmd_sense_drive(Fdc *s)
{
    fdc_set_head_drive(s, s->bytes[1]);
    FloppyDrive *f = fdc_selected(s);
    uint8_t st3 = (uint8_t)(0x28 | (s->bytes[1] & 7)); /* ready, two sides */

    if (f && s->unit[s->drive_no].track == 0) {
        st3 |= 0x10;
    }
    if (fdc_medium(f) && block_port_readonly(f->port)) {
        st3 |= 0x40;
    }
    s->bytes[0] = st3;
    fdc_result_phase(s, 1);
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
    fdc_result_phase(s, 1);
}

static void cmd_part_id(Fdc *s)
{
    s->bytes[0] = 0x41; /* 82078-1 */
    fdc_result_phase(s, 1);
}

static void cmd_dump_registers(Fdc *s)
{
    const uint8_t r[10] = {
        s->unit[0].track, s->unit[1].track, s->unit[2].track, s->unit[3].track, s->specify[0],
        s->specify[1], s->eot, (uint8_t)(s->locked << 7 | s->perpendicular), s->config, s->precomp};
    memcpy(s->bytes, r, 10);
    fdc_result_phase(s, 10);
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
    fdc_result_phase(s, 1);
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
        fdc_result_phase(s, FDC_UNITS);
    }
}

/* It is kept for SAVE; nothing here needs power. */
static void cmd_power_down(Fdc *s)
{
    s->power = s->bytes[0] = s->bytes[1];
    fdc_result_phase(s, 1);
}

/* What DUMP REGISTERS and POWER DOWN have, for RESTORE; of the clock, precompensation and density bits none are set. */
static void cmd_save(Fdc *s)
{
    const uint8_t r[SAVED_BYTES] = {
        0, 0, s->unit[0].track, s->unit[1].track, s->unit[2].track, s->unit[3].track, s->specify[0], s->specify[1],
        s->eot, (uint8_t)(s->locked << 7 | s->perpendicular), s->config, s->precomp, s->power};

    memcpy(s->bytes, r, SAVED_BYTES);
    fdc_result_phase(s, SAVED_BYTES);
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
    fdc_result_phase(s, 1);
}

/* ---- the table ---- */

typedef struct Command {
    uint8_t value, mask, bytes;
    void (*run)(Fdc *s);
} Command;

static const Command commands[] = {
    {OP_READ, 0x1f, 9, fdc_cmd_transfer},
    {OP_READ_DELETED, 0x1f, 9, fdc_cmd_transfer},
    {OP_WRITE, 0x3f, 9, fdc_cmd_transfer},
    {OP_WRITE_DELETED, 0x3f, 9, fdc_cmd_transfer},
    {OP_READ_TRACK, 0x9f, 9, fdc_cmd_transfer},
    {OP_VERIFY, 0x1f, 9, fdc_cmd_transfer},
    {OP_FORMAT, 0xbf, 6, fdc_cmd_format},
    {OP_SCAN_EQUAL, 0x1f, 9, fdc_cmd_transfer},
    {OP_SCAN_LOW, 0x1f, 9, fdc_cmd_transfer},
    {OP_SCAN_HIGH, 0x1f, 9, fdc_cmd_transfer},
    {0x07, 0xff, 2, cmd_recalibrate},
    {0x08, 0xff, 1, cmd_sense_interrupt},
    {0x03, 0xff, 3, cmd_specify},
    {0x04, 0xff, 2, cmd_sense_drive},
    {0x0f, 0xff, 3, cmd_seek},
    {0x8f, 0xbf, 3, cmd_relative_seek},
    {0x0a, 0xbf, 2, fdc_cmd_read_id},
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
