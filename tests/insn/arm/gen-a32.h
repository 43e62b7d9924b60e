/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random sequences of A32 or T32 instructions out of the tables' rows: no UNPREDICTABLE ones, addresses that mostly hit the
 * data, branches that lead forward or out.
 */
#ifndef TESTS_INSN_ARM_GEN_A32_H
#define TESTS_INSN_ARM_GEN_A32_H

#include <glib.h>
#include <stdbool.h>
#include "tests/insn/arm/judge32.h"
#include "tests/insn/arm/rows.h"

#define A32_MAX_INSNS 14

/* R4..R7, R12 and R13 point into the data, R9 and R10 are small, R8 and R14 are exits, R11 is a value for FPSCR. */
typedef struct A32Insn {
    const ArmRow *row;
    uint32_t word; /* T32: first halfword on top */
    uint32_t pc;
    bool wide;
} A32Insn;

typedef struct A32Slot {
    A32Insn insns[A32_MAX_INSNS];
    unsigned n;
    bool thumb;
    bool no_v8; /* for a processor of before Armv8 */
} A32Slot;

/* only: a table, part of a mnemonic or a translator, or NULL. False: no row is left. */
bool a32_gen_init(const char *only);
/* A slot's code at pc. */
void a32_gen_slot(GRand *r, A32Slot *slot, uint8_t *code, uint32_t pc);
/* How often rows were generated: prints those that never were and those that are not run, with reasons. */
void a32_gen_report(uint64_t cases_of_slot);
/* The row that describes an instruction; NULL: none. */
const ArmRow *a32_row(uint32_t word, bool thumb, bool wide);
/* A field's value, 0 if the row has none of that name. */
unsigned a32_field(const ArmRow *row, uint32_t word, const char *name);
bool a32_is(const ArmRow *row, const char *table, const char *trans);

#endif
