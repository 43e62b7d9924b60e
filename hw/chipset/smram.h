/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMRAM of the 82441FX and 82Q35: RAM that only a processor in system management mode sees, at
 * A0000h (behind the video memory), again at FEDA0000h, and below the end of low RAM (TSEG).
 *
 * home: the machine's lock domain.
 */
#ifndef HW_CHIPSET_SMRAM_H
#define HW_CHIPSET_SMRAM_H

#include "core/machine.h"

/* The registers' bits; ESMRAMC is the 82Q35's. */
#define SMRAM_OPEN     0x40
#define SMRAM_CLOSED   0x20
#define SMRAM_LOCKED   0x10
#define SMRAM_G        0x08
#define ESMRAMC_H      0x80
#define ESMRAMC_T_SIZE 0x06
#define ESMRAMC_T_EN   0x01

enum { TSEG_SIZES = 4 }; /* by ESMRAMC_T_SIZE; the last is the extended one */
typedef struct Smram {
    AddressSpace *space; /* memory as a processor in system management mode sees it; NULL: no such mode */
    MemoryRegion *view, *low, *high;
    MemoryRegion *tseg[TSEG_SIZES], *hole[TSEG_SIZES]; /* in that view; in everybody's */
} Smram;

/*
 * ram: whose first bytes are the memory at 0; top: where it ends below 4 GiB; extended: MiB of the
 * fourth size of TSEG, which the chip reserves and PC emulators have, or 0.
 */
void smram_init(Smram *s, Device *owner, MemoryRegion *ram, uint64_t top, unsigned extended);
void smram_fini(Smram *s);
void smram_update(Smram *s, uint8_t smramc, uint8_t esmramc);

#endif
