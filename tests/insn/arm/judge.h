/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the A64 instruction tests and the judge (judge.c, an arm64 program that runs under another emulator) share: a
 * batch of code pieces and cases in a file that both map.
 */
#ifndef TESTS_INSN_ARM_JUDGE_H
#define TESTS_INSN_ARM_JUDGE_H

#include <stdint.h>

#define A64_DATA      0x30fff000ull /* readable and writable; the code follows */
#define A64_DATA_SIZE 0x1000u
#define A64_CODE      0x31000000ull /* readable, executable */
#define A64_SLOT      64u           /* bytes of a piece of code: load of X30, at most 12 instructions, branches to A64_EXIT */
#define A64_SLOTS     256u
#define A64_CODE_SIZE (A64_SLOT * A64_SLOTS)
#define A64_EXIT      0x34000000ull
#define A64_X30       (A64_DATA + A64_DATA_SIZE - 8) /* where the first word of a slot finds X30 */
#define A64_CASES     1024u

#define A64_JUDGE_BASE 0x34000000ull /* A64_EXIT, and the judge's program (meson.build) behind it */
#define A64_JUDGE_SIZE 0x02000000u

enum {
    A64_FAULT_NONE, A64_FAULT_UNDEF, A64_FAULT_MEMORY, A64_FAULT_ALIGN, A64_FAULT_TRAP,
    A64_FAULT_LOOP, /* did not end */
    A64_FAULT_SYSTEM, /* came to what user mode leaves to its system */
};

typedef struct A64Regs {
    uint64_t x[31], sp, pc, nzcv;
    uint64_t fpcr, fpsr;
    uint64_t fault; /* A64_FAULT_ */
    uint64_t pad;
    uint64_t v[32][2]; /* Z registers, too: vectors have 16 bytes */
    uint16_t p[20];    /* P0..P15, FFR; 0 after a fault */
} A64Regs;

typedef struct A64Case {
    A64Regs in, out;
    uint64_t slot;
    uint8_t mem_in[A64_DATA_SIZE], mem_out[A64_DATA_SIZE];
} A64Case;

typedef struct A64Batch {
    uint32_t code[A64_CODE_SIZE / 4];
    uint64_t cases;
    A64Case c[A64_CASES];
} A64Batch;

#endif
