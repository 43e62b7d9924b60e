/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random IR blocks for the fake target: valid by ir_verify(), and free of reads
 * of flags that x86 leaves undefined, so that two engines must agree on them.
 */
#ifndef TESTS_IR_GEN_H
#define TESTS_IR_GEN_H

#include "tests/ir/fake_target.h"

enum {
    GEN_MEMORY = 1,   /* loads, stores, read-modify-write */
    GEN_LABELS = 2,
    GEN_CALLS = 4,
    GEN_DIV = 8,      /* also with divide faults */
    GEN_HOSTOP = 16,
    GEN_EXITS = 32,   /* side exits by jcc */
    GEN_SPILL = 64,   /* many temps live at once */
    GEN_FAULTY = 128, /* addresses in pages that fault or are slow */
    GEN_ALL = 255,
};

/* Flags that are undefined where a run can stop, by guest pc. */
typedef struct GenInfo {
    int n;
    struct {
        uint64_t pc;
        uint8_t undef;
    } at[128];
    uint8_t undef_end; /* after jmpind */
} GenInfo;

void gen_block(GRand *r, IrBlock *b, unsigned what, GenInfo *info);
/* FL_ mask not to be compared for a run that stopped at pc. */
uint8_t gen_undef_at(const GenInfo *info, uint64_t pc);

#endif
