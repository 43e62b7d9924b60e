/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FPCR and FPSR, and the MXCSR that generated code computes with.
 *
 * In MXCSR the rounding mode is FPCR's, Invalid Operation is not masked, all else is. What the host's arithmetic gives
 * without an invalid operation is what Arm wants, so only those trap, and are done again by exact helpers
 * (ARM_FAULT_FPX). The other cumulative flags gather in MXCSR and are added to FPSR when somebody looks. But the host looks
 * for underflow after rounding, and Arm before it: results that may have been rounded up to the smallest normal number are
 * made to trap as well (vec_trap_smallest()).
 *
 * AArch32 has Advanced SIMD beside it, which makes zeros of denormals. So denormal operands and tiny results trap there,
 * too. The host may raise Inexact for such a result, and Arm does not: while IXC is not set, Inexact is not masked either.
 *
 * Thread: the vCPU's own.
 */
#include "base/bits.h"
#include "target/arm/regs.h"
#include "target/arm/system.h"

#define MXCSR_MASKS 0x1f00u /* all but Invalid Operation */
#define MXCSR_DM 0x100u
#define MXCSR_UM 0x800u
#define MXCSR_PM 0x1000u
#define MXCSR_STICKY 0x3fu
#define MXCSR_ZE 0x04u
#define MXCSR_OE 0x08u
#define MXCSR_UE 0x10u
#define MXCSR_PE 0x20u

void arm_fp_constants(ArmEnv *env)
{
    for (int i = 0; i < 2; i++) {
        st_le64(env->vconst[0].b + 8 * i, 0x0100000001000000); /* singles, without the sign, shifted left */
        st_le64(env->vconst[1].b + 8 * i, 0x0020000000000000);
    }
}

void arm_fp_enter(ArmEnv *env)
{
    static const uint16_t rounding[4] = {[FP_RN] = 0, [FP_RP] = 0x4000, [FP_RM] = 0x2000, [FP_RZ] = 0x6000};
    uint32_t masks = MXCSR_MASKS;

    if (arm_is_a32(env)) {
        masks &= ~(MXCSR_DM | MXCSR_UM | (env->s.fpsr & FPSR_IXC ? 0 : MXCSR_PM));
    }
    env->mxcsr = masks | rounding[env->s.fpcr >> FPCR_RMODE_SHIFT & 3];
}

void arm_fp_leave(ArmEnv *env)
{
    uint32_t m = env->mxcsr & ~(~env->mxcsr >> 7 & MXCSR_STICKY); /* those that trapped are the helpers' matter */
    env->s.fpsr |= (m & MXCSR_ZE ? FPSR_DZC : 0) | (m & MXCSR_OE ? FPSR_OFC : 0) | (m & MXCSR_UE ? FPSR_UFC : 0) |
                   (m & MXCSR_PE ? FPSR_IXC : 0);
    env->mxcsr &= ~MXCSR_STICKY;
}

void arm_fp_renew(ArmEnv *env)
{
    arm_fp_leave(env);
    arm_fp_enter(env);
}

void arm_fp_again(ArmEnv *env)
{
    arm_update_mode(env); /* ITSTATE is that of the instruction */
    env->mode |= MODE_FPX_ONCE;
    arm_fp_renew(env);
}

uint32_t arm_fpsr(ArmEnv *env)
{
    arm_fp_leave(env);
    return env->s.fpsr;
}

void arm_set_fpsr(ArmEnv *env, uint32_t fpsr)
{
    env->s.fpsr = fpsr & (PSTATE_NZCV | FPSR_QC | FPSR_IDC | FPSR_IXC | FPSR_UFC | FPSR_OFC | FPSR_DZC | FPSR_IOC);
    arm_fp_enter(env);
}

void arm_set_fpcr(ArmEnv *env, uint32_t fpcr)
{
    uint32_t mask = FPCR_AHP | FPCR_DN | FPCR_FZ | 3u << FPCR_RMODE_SHIFT;
    if (arm_has(env->config, ARM_FEAT_FP16)) {
        mask |= FPCR_FZ16;
    }
    /* AArch64 keeps FPSCR's Len and Stride for who saves and restores them (C5.2.8); short vectors need VFPv2 or v3. */
    if (arm_is_a32(env) || arm_has(env->config, ARM_FEAT_AA32)) {
        mask |= 7u << FPCR_LEN_SHIFT | 3u << FPCR_STRIDE_SHIFT;
    }
    arm_fp_leave(env);
    env->s.fpcr = fpcr & mask;
    arm_fp_enter(env);
    arm_update_mode(env);
}
