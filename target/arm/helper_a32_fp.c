/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers of AArch32 floating point: comparisons to FPSCR, conversions that A64 does not have, system registers.
 */
#include "target/arm/fp_ops.h"
#include "target/arm/regs.h"
#include "target/arm/system.h"

uint64_t helper_a32_vcmp(void *opaque, uint64_t a, uint64_t b, uint64_t how)
{
    ArmEnv *env = opaque;
    FpStatus st = fp_begin(env->s.fpcr);
    uint32_t nzcv = (uint32_t)fp_compare(&st, (FpFmt)(how & 3), a, b, how >> 8 & 1) << 28;

    fp_end(&st, &env->s.fpsr);
    env->s.fpsr = (env->s.fpsr & ~PSTATE_NZCV) | nzcv;
    return 0;
}

uint64_t helper_a32_to_int(void *opaque, uint64_t a, uint64_t word, uint64_t c)
{
    ArmEnv *env = opaque;
    FpStatus st = fp_begin(env->s.fpcr);
    FpIntConversion k = {.word = word};
    uint64_t r = fp_to_fixed(&st, (FpFmt)k.fmt, a, k.fbits, k.is_unsigned, (FpRound)st.rm, k.bits);

    fp_end(&st, &env->s.fpsr);
    return r;
}

uint64_t helper_a32_from_fixed(void *opaque, uint64_t a, uint64_t word, uint64_t c)
{
    ArmEnv *env = opaque;
    FpStatus st = fp_begin(env->s.fpcr);
    FpIntConversion k = {.word = word};
    uint64_t r = fp_from_fixed(&st, (FpFmt)k.fmt, a, k.fbits, k.is_unsigned, FP_RN, k.bits);

    fp_end(&st, &env->s.fpsr);
    return r;
}

uint64_t helper_a32_vjcvt(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    FpStatus st = fp_begin(env->s.fpcr);
    bool z;
    uint32_t r = fp_to_js(&st, a, &z);

    fp_end(&st, &env->s.fpsr);
    env->s.fpsr = (env->s.fpsr & ~PSTATE_NZCV) | (z ? PSTATE_Z : 0);
    return r;
}

/* FPSCR is FPCR and FPSR in one (G8.2.60). */
uint64_t helper_a32_fpscr(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;

    return arm_fpsr(env) | env->s.fpcr;
}

uint64_t helper_a32_set_fpscr(void *opaque, uint64_t v, uint64_t b, uint64_t c)
{
    arm_set_fpcr(opaque, (uint32_t)v);
    arm_set_fpsr(opaque, (uint32_t)v);
    return 0;
}

uint64_t helper_a32_vmrs(void *opaque, uint64_t reg, uint64_t b, uint64_t c)
{
    const ArmEnv *env = opaque;
    const uint64_t *id = env->config->id;

    switch (reg) {
    case 5:
        return id[ARM_ID_MVFR2_EL1];
    case 6:
        return id[ARM_ID_MVFR1_EL1];
    case 7:
        return id[ARM_ID_MVFR0_EL1];
    case 8:
        return env->s.sr[ARM_SR_FPEXC32_EL2];
    default:
        return env->config->reset_fpsid;
    }
}

uint64_t helper_a32_set_fpexc(void *opaque, uint64_t v, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;

    env->s.sr[ARM_SR_FPEXC32_EL2] = v & FPEXC_EN;
    arm_update_mode(env);
    return 0;
}
