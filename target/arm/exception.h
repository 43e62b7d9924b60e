/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files about exceptions share: exception.c, exception_a32.c, interrupt.c, debug.c.
 */
#ifndef TARGET_ARM_EXCEPTION_H
#define TARGET_ARM_EXCEPTION_H

#include "target/arm/system.h"

/* Offsets in a group of AArch64's vectors. */
enum { ARM_VECTOR_SYNC = 0, ARM_VECTOR_IRQ = 0x80, ARM_VECTOR_FIQ = 0x100, ARM_VECTOR_SERROR = 0x180 };
/* Enters the handler at that level: SPSR, ELR, PSTATE, pc; the syndrome is the caller's. */
void arm_enter_a64(ArmEnv *env, unsigned target, unsigned offset, uint64_t return_pc);
void arm_set_esr(ArmEnv *env, unsigned target, uint64_t esr);

/* A synchronous exception whose handler is in AArch32. */
void arm_deliver_a32(ArmEnv *env, const ArmFault *f, unsigned target);
/* IRQ, FIQ (offset as above) or asynchronous abort to AArch32 at that level; fsr of the abort. */
void arm_interrupt_a32(ArmEnv *env, unsigned target, unsigned offset, uint32_t fsr);

/* The bits of an SPSR that PSTATE has in that state on this processor. */
uint32_t arm_pstate_mask(const ArmCpuConfig *c, bool a32);
/* Is an interrupt due that nothing holds off? Asks for TcgTarget.interrupt then. */
void arm_poll_interrupts(ArmEnv *env);
/* Is PSTATE.SS taken from this SPSR by an exception return? (D2.12.5) */
bool arm_step_kept(const ArmEnv *env, uint32_t spsr);

/* The SPSR of an AArch32 mode that has one, in PSTATE's form. */
uint32_t arm_a32_spsr(const ArmEnv *env, unsigned mode);
void arm_a32_set_spsr(ArmEnv *env, unsigned mode, uint32_t spsr);
/* Is that a mode that the current level and state may have or change to? */
bool arm_a32_may_enter(const ArmEnv *env, unsigned mode);

#endif
