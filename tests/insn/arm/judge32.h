/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the A32 and T32 instruction tests and their judge (judge32.c, an armhf program that runs under another emulator)
 * share. Data, code and slots lie where judge.h has them; a slot here has instructions only and ends in a branch to an exit.
 */
#ifndef TESTS_INSN_ARM_JUDGE32_H
#define TESTS_INSN_ARM_JUDGE32_H

#include "judge.h"

#define A32_EXIT     0x31400000u /* where A32 code leaves */
#define A32_EXIT_T32 (A32_EXIT + 0x100) /* where T32 code leaves */
#define A32_OUT      (A32_EXIT + 0x1000) /* an A32Regs: what the code left */

/* From the exits on, the judge's program, its stack and the batch: where a wild address does not fault there. */
#define A32_JUDGE_BASE 0x31400000u
#define A32_JUDGE_END  0x41000000u
#define A32_JUDGE_TOP  0xffff0000u /* helpers of the kernel, to the end */

typedef struct A32Regs {
    uint32_t r[16]; /* r15 in: where to begin, with the T bit; out: the pc without it */
    uint32_t cpsr, fpscr;
    uint32_t fault; /* A64_FAULT_ */
    uint32_t pad;
    uint64_t d[32];
} A32Regs;

typedef struct A32Case {
    A32Regs in, out;
    uint64_t skip; /* not for the judge */
    uint8_t mem_in[A64_DATA_SIZE], mem_out[A64_DATA_SIZE];
} A32Case;

typedef struct A32Batch {
    uint8_t code[A64_CODE_SIZE];
    uint64_t cases;
    A32Case c[A64_CASES];
} A32Batch;

#endif
