/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pieces of floating-point memory images that FXSAVE and XSAVE share.
 */
#ifndef TARGET_I386_FPU_H
#define TARGET_I386_FPU_H

#include "target/i386/env.h"

/* #GP(0) unless va is a multiple of align. */
void x86_need_aligned(X86Env *env, uint64_t va, unsigned align);
/* The legacy region without MXCSR and XMM: 160 bytes at b. rexw: 64-bit pointers. */
void x86_pack_x87(X86Env *env, uint8_t *b, bool rexw);
void x86_unpack_x87(X86Env *env, const uint8_t *b, bool rexw);
/*
 * Pointers to the last x87 instruction (SDM vol 1, 8.1.8 and 8.1.9; APM vol 1, 6.2.5). What each processor keeps of it:
 *   instruction: always;
 *   operand: always, or with fdp-excptn-only of instructions alone that leave an unmasked exception pending;
 *   opcode: AMD always, Intel with such an exception;
 *   selectors: of both, or with zero-fcs-fds zeros. In 64-bit code they are not followed.
 * x86_x87_ran() is TcgTarget.x87_ran.
 */
void x86_x87_ran(void *env, uint64_t pc, unsigned fop, bool raised);
/* The 32-bit FXSAVE form's selectors. */
uint16_t x86_x87_cs(const X86Env *env);
uint16_t x86_x87_ds(const X86Env *env);
/* All of the pointers, offsets in 64 bits. */
void x86_x87_set_pointers(X86Env *env, unsigned fop, uint64_t ip, unsigned cs, uint64_t dp, unsigned ds);
/* The four pointer words of FNSTENV. */
void x86_x87_env_pointers(const X86Env *env, uint32_t out[4]);
/* Control, status, tags and pointers as FNINIT has them. */
void x86_init_x87(X86Env *env);
/* XMM registers that the mode has: 8 or 16. */
unsigned x86_xmm_count(const X86Env *env);
/*
 * An x87 exception is due in front of this instruction and CR0.NE is clear: FERR#, and either wait for an interrupt or
 * hide the error from the instruction (IGNNE#). x86_fpu_show_error() before anybody else looks at the status word.
 */
void x86_fpu_error(X86Env *env);
void x86_fpu_show_error(X86Env *env);
/* #GP(0) for reserved bits. */
void x86_check_mxcsr(X86Env *env, uint32_t mxcsr);

#endif
