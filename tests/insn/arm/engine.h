/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs short pieces of A64, A32 or T32 code at EL0 through the translator, by the IR's interpreter or the host emitter. Guest
 * addresses are host addresses: the data and code areas of judge.h. Faults are part of the outcome.
 */
#ifndef TESTS_INSN_ARM_ENGINE_H
#define TESTS_INSN_ARM_ENGINE_H

#include <glib.h>
#include <stdbool.h>
#include "tests/insn/arm/judge32.h"

typedef enum A64Engine { A64_INTERP, A64_JIT } A64Engine;

void a64_init(bool with_jit);
/* What the guest sees at A64_CODE: A64_CODE_SIZE bytes. */
void a64_code(const uint32_t *code);
/* Feature by its number in features.def on or off. */
void a64_feature(int feature, bool on);
/* The case from its slot's second word on (X30 is already as it should be). False: the engine is not there. */
bool a64_run(A64Engine e, const A64Regs *in, uint64_t slot, const uint8_t *mem_in, A64Regs *out, uint8_t *mem_out);
/* The system registers of AArch32 are there, as at EL0; the barriers among them are on. Features do not change behind it. */
void a32_registers(void);
/* A32 or T32 at in->r[15], in User mode; else as a64_run(). */
bool a32_run(A64Engine e, const A32Regs *in, const uint8_t *mem_in, A32Regs *out, uint8_t *mem_out);
/* For tests of what the judge does not show: registers may be set; guarded: pages of code are (BTI). */
struct ArmEnv *a64_env(void);
void a64_guarded(bool on);
/* Did the last run fault where the judge's program has its own code and data? */
bool a64_fault_is_judges(void);
bool a32_fault_is_judges(void);
/* IR of n instructions at pc: checked, and as text. */
bool a64_verify(uint64_t pc, int n, GString *why);
void a64_print(uint64_t pc, int n, GString *out);
bool a32_verify(uint32_t pc, bool thumb, int n, GString *why);

/* Numbers whose products, or which as singles, are tiny, but often not when they are rounded: a double or two singles. */
uint64_t fp_on_the_verge(GRand *r, bool singles);

#endif
