/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a short piece of 64- or 32-bit user-mode code three ways: on this host's
 * processor, through the translator and the IR interpreter, and through the
 * translator and the host emitter. Guest addresses are host addresses: one
 * data area at DATA_BASE and the code at CODE_BASE, both in the low 4 GiB.
 * Faults are part of the outcome.
 */
#ifndef TESTS_INSN_ENGINE_H
#define TESTS_INSN_ENGINE_H

#include "accel/tcg/tcg.h"
#include "target/i386/env.h"

#define CODE_BASE 0x31000000ull
#define DATA_BASE 0x30000000ull
#define DATA_SIZE 0x4000u

typedef struct InsnState {
    uint64_t gpr[16];
    uint64_t flags;   /* EFLAGS: arithmetic flags and DF */
    uint64_t rip;
    int fault;        /* vector, -1 none */
    X86Fxsave fx;
    uint64_t ymmh[32]; /* upper halves of YMM registers */
    uint8_t mem[DATA_SIZE];
    bool no_pointers; /* of a host processor that does not keep those to the last x87 instruction: not compared */
} InsnState;

typedef enum InsnEngine { ENGINE_HOST_CPU, ENGINE_INTERP, ENGINE_JIT, ENGINE_COUNT } InsnEngine;
extern const char *const insn_engine_name[ENGINE_COUNT];

void insn_init(bool with_jit);
bool insn_has_ymm(void);  /* does this host have YMM registers? */
bool insn_has_host(void); /* is there an emitter, which passed-through instructions need? */
/* Place code (n instructions, len bytes) at CODE_BASE. */
void insn_code(const uint8_t *code, unsigned len, int n, int bits);
/* False: the engine is not there. */
bool insn_run(InsnEngine e, const InsnState *in, InsnState *out);
/* Did the last run fault at an address that this process has mapped, outside of the test's data? */
bool insn_fault_is_mapped(void);
/* IR of the code, for reports; checks it. */
bool insn_verify(GString *why);
void insn_print(GString *out);
const IrBlock *insn_translate(uint64_t pc); /* one block */
const IrBlock *insn_translate_mode(uint64_t pc, uint64_t mode);
void insn_random_state(GRand *r, InsnState *s);
/* Empty when equal; flags compared under flags_mask, x87 and MMX registers if asked. */
void insn_compare(const InsnState *a, const InsnState *b, uint64_t flags_mask, bool x87, GString *why);

/* native.c */
void native_init(void);
uint32_t native_mxcsr_mask(void);
void native_run(const InsnState *in, InsnState *out, unsigned code_len, int bits);

#endif
