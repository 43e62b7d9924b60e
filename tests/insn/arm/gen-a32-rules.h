/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the architecture leaves UNPREDICTABLE in A32 and T32 (the "CONSTRAINED UNPREDICTABLE" paragraphs of Arm ARM F5, F6),
 * what User mode does not run, and where the judge is wrong.
 */
#ifndef TESTS_INSN_ARM_GEN_A32_RULES_H
#define TESTS_INSN_ARM_GEN_A32_RULES_H

#include "tests/insn/arm/gen-a32.h"

/* Why instructions of the row are not run; NULL: they are. */
const char *a32_not_run(const ArmRow *row);
/* May that register field be R15? */
bool a32_pc_allowed(const ArmRow *row, const char *field);
bool a32_is_memory(const ArmRow *row);
bool a32_is_structure(const ArmRow *row); /* VLD1..VLD4, VST1..VST4 */
bool a32_is_indirect(const ArmRow *row);  /* branch to a register */
bool a32_is_exclusive(const ArmRow *row);
/* Bits that should be ones, or copies of others. */
void a32_fixed_bits(const ArmRow *row, uint32_t *word);
bool a32_unpredictable(const ArmRow *row, uint32_t word);
bool a32_not_in_it(const ArmRow *row, uint32_t word);
bool a32_writes_pc(const ArmRow *row, uint32_t word);
/* QEMU 7.2 does something else than the manual says; the list is at the function. */
bool a32_judge_errs(const ArmRow *row, uint32_t word);

#endif
