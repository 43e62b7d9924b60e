/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floppy controller's insides, shared by the files of this directory.
 *
 * Intel 82078 data sheet (64-pin). home: the machine's lock domain.
 */
#ifndef HW_FLOPPY_FDC_INTERNAL_H
#define HW_FLOPPY_FDC_INTERNAL_H

#include <sys/uio.h>

#include "base/bits.h"
#include "core/machine.h"
#include "hw/floppy/fdc.h"

#define FDC_SECTOR 512u
#define FDC_BYTES  17 /* of a command or a result, at most */
#define FDC_DRIVES 2
#define FDC_UNITS  4  /* that commands can name */

enum { DOR_NRESET = 1 << 2, DOR_DMA = 1 << 3 };
enum { CONFIG_IMPLIED_SEEK = 0x40, CONFIG_NO_POLL = 0x10, CONFIG_NO_FIFO = 0x20 };

enum { ST0_ABNORMAL = 0x40, ST0_INVALID = 0x80, ST0_SEEK = 0x20, ST0_CHECK = 0x10 };
/* Opcodes of commands that move data, without their modifier bits. */
enum { OP_READ_TRACK = 2, OP_WRITE = 5, OP_READ = 6, OP_WRITE_DELETED = 9, OP_READ_DELETED = 12,
       OP_FORMAT = 13, OP_SCAN_EQUAL = 17, OP_VERIFY = 22, OP_SCAN_LOW = 25, OP_SCAN_HIGH = 29 };

/* Where a data command stands. The first two wait for the disk; saved, and begun anew after load. */
enum { STAGE_IDLE, STAGE_READING, STAGE_WRITING, STAGE_TO_HOST, STAGE_FROM_HOST };
enum { PHASE_COMMAND, PHASE_DATA, PHASE_RESULT };

typedef struct FdcUnit {
    uint8_t track, changed, seek_done /* ST0 of its seek */, spec /* DRIVE SPECIFICATION */;
} FdcUnit;

typedef struct Fdc {
    Device dev;
    uint32_t iobase, irq, dma;
    int32_t bootindex[FDC_DRIVES];
    Bus bus;
    FloppyDrive *drive[FDC_DRIVES];
    Irq line;
    /* saved */
    uint8_t dor, tdr, dsr, config, precomp, locked, perpendicular, specify[2], power;
    uint8_t irq_pending;    /* drives the line */
    uint8_t reset_sense;    /* answers that SENSE INTERRUPT owes after a reset */
    uint8_t seek_sense;     /* bit per unit: its seek's end was not asked for yet */
    uint8_t phase, stage;
    uint8_t bytes[FDC_BYTES]; /* of the command, then of the result */
    uint8_t count, want;
    uint8_t cyl, head, sector, eot, drive_no, opcode;
    uint8_t data[FDC_SECTOR];
    uint16_t data_pos;
    uint8_t terminal;      /* the DMA count ran out */
    uint16_t sectors_left; /* of FORMAT, and of VERIFY with EC */
    FdcUnit unit[FDC_UNITS];
    /* host */
    uint8_t scan[FDC_SECTOR]; /* the disk's side of a comparison */
    struct iovec iov;
} Fdc;

typedef struct Geometry {
    uint32_t sectors;
    uint8_t cylinders, heads, per_track, rate /* as in CCR */, drive_type;
} Geometry;

/* ---- fdc_cmd.c ---- */

/* A byte of a command (section 5); runs it when it is the last. */
void fdc_command_byte(Fdc *s, uint8_t v);
/* Ready for a command; what was there before is forgotten. */
void fdc_command_phase(Fdc *s);
/* n bytes of bytes[] are the answer. */
void fdc_result_phase(Fdc *s, unsigned n);
/* Drive and head as byte 1 of many commands names them. */
void fdc_set_head_drive(Fdc *s, uint8_t v);
/* Each step pulse resets the drive's disk change signal, if there is a disk. */
void fdc_step_to(Fdc *s, uint8_t track);

/* ---- fdc_transfer.c ---- */

/* Begin the command in bytes[]. */
void fdc_cmd_transfer(Fdc *s);
void fdc_cmd_format(Fdc *s);
void fdc_cmd_read_id(Fdc *s);
/* A data byte by the FIFO, in PHASE_DATA and with the SPECIFY bit ND. */
uint8_t fdc_data_read(Fdc *s);
void fdc_data_write(Fdc *s, uint8_t v);
/* The DMA channel was opened: IsaDmaReady. */
void fdc_dma_ready(void *opaque);
/* How many bytes the host gives or takes in this stage. */
unsigned fdc_stage_bytes(const Fdc *s);
/* After load: what waited for the disk is begun again. */
void fdc_resume(Fdc *s);

static inline bool fdc_by_fifo(const Fdc *s)
{
    return s->specify[1] & 1; /* ND */
}

/* ---- drive.c ---- */

extern const BusOps fdc_bus_ops;

/* The drive that the command names, or NULL. */
FloppyDrive *fdc_selected(Fdc *s);
/* How its medium is laid out, or NULL: none. */
const Geometry *fdc_medium(const FloppyDrive *f);
/* The same as far as the selected drive's head can read it: at this track, with this data rate. */
const Geometry *fdc_readable(Fdc *s);
/* Where the current sector is on the medium; false: it is not there. */
bool fdc_sector_offset(Fdc *s, uint64_t *offset);

#endif
