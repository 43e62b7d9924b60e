/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the command sets of hw/scsi share. See lu.c. home: the machine's lock domain. */
#ifndef HW_SCSI_LU_H
#define HW_SCSI_LU_H

#include "base/bits.h"
#include "hw/scsi/scsi.h"

#define SENSE_NONE                  SENSE(0, 0x00, 0x00)
#define SENSE_NOT_READY_STOPPED     SENSE(2, 0x04, 0x02)
#define SENSE_NO_MEDIUM             SENSE(2, 0x3a, 0x00)
#define SENSE_READ_ERROR            SENSE(3, 0x11, 0x00)
#define SENSE_WRITE_ERROR           SENSE(3, 0x0c, 0x00)
#define SENSE_TARGET_FAILURE        SENSE(4, 0x44, 0x00)
#define SENSE_PARAM_LENGTH          SENSE(5, 0x1a, 0x00)
#define SENSE_INVALID_OPCODE        SENSE(5, 0x20, 0x00)
#define SENSE_LBA_RANGE             SENSE(5, 0x21, 0x00)
#define SENSE_INVALID_FIELD         SENSE(5, 0x24, 0x00)
#define SENSE_INVALID_PARAM         SENSE(5, 0x26, 0x00)
#define SENSE_SAVING_PARAMS         SENSE(5, 0x39, 0x00)
#define SENSE_INCOMPATIBLE_FORMAT   SENSE(5, 0x30, 0x02)
#define SENSE_REMOVAL_PREVENTED     SENSE(5, 0x53, 0x02)
#define SENSE_ILLEGAL_TRACK_MODE    SENSE(5, 0x64, 0x00)
#define SENSE_WRITE_PROTECTED       SENSE(7, 0x27, 0x00)
#define SENSE_SPACE_ALLOC_FAILED    SENSE(7, 0x27, 0x07)
#define SENSE_MISCOMPARE            SENSE(14, 0x1d, 0x00)

/* How a task's data phase works. */
enum { TASK_BUF, TASK_MEDIA, TASK_COMPARE, TASK_RAW_CD };

enum { /* ScsiOp.flags */
    OP_DISK = 1 << 0,
    OP_CD = 1 << 1,
    OP_ANY = OP_DISK | OP_CD,
    OP_NO_UA = 1 << 2,      /* carried out in spite of a pending unit attention */
    OP_MEDIUM = 1 << 3,     /* needs one */
    OP_WRITE = 1 << 4,      /* refused when write protected */
};
typedef struct ScsiOp {
    uint8_t opcode;
    uint8_t flags;
    bool (*start)(ScsiTask *t); /* as scsi_task_start() */
} ScsiOp;
/* Tables end with no start function. */
extern const ScsiOp spc_ops[], sbc_ops[], mmc_ops[];

static inline uint32_t be24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | p[1] << 8 | p[2];
}

/* The current piece has piece_done bytes: go on. */
void task_step(ScsiTask *t);

uint32_t lu_block_size(const ScsiLu *lu);
bool lu_readonly(const ScsiLu *lu);
bool lu_can_discard(const ScsiLu *lu);
/* Takes the first unit attention condition; SENSE_NONE without one. */
uint32_t lu_take_attention(ScsiLu *lu);
/* mmc.c: the CD's mode pages and its part of the task engine. */
unsigned mmc_capabilities_page(ScsiLu *lu, uint8_t *p);
void mmc_raw_step(ScsiTask *t);
/* sbc.c */
void sbc_compare_step(ScsiTask *t);
bool sbc_start_stop_tray(ScsiTask *t);

#endif
