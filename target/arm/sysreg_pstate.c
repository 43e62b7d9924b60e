/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PSTATE, FPCR and FPSR as system registers, MSR (immediate) (Arm ARM C5.2), and stack pointers.
 *
 * Thread: the vCPU's own.
 */
#include "target/arm/exception.h"
#include "target/arm/sysreg_rows.h"

/* PSTATE bits change; nothing banked depends on them. */
static void change(ArmEnv *env, uint32_t mask, uint32_t value)
{
    env->s.pstate = (env->s.pstate & ~mask) | (value & mask);
    arm_update_mode(env);
}

/* In these rows `mask` is the bits of PSTATE. */
static uint64_t read_bits(ArmEnv *env, const ArmSysRegDef *r)
{
    return arm_pstate(env) & r->mask;
}

static void write_bits(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    change(env, (uint32_t)r->mask, (uint32_t)v);
}

static void write_nzcv(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    env->cc = arm_cc_from_nzcv((uint32_t)v);
}

static void write_daif(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    write_bits(env, r, v);
    arm_poll_interrupts(env);
}

/* SCTLR_ELx.UMA lets EL0 at DAIF. */
static int trap_daif(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_el(env) == 0 && !(arm_sctlr(env, 0) & SCTLR_UMA) ? (int)arm_sync_target(env) : 0;
}

static uint64_t read_current_el(ArmEnv *env, const ArmSysRegDef *r)
{
    return arm_el(env) << 2;
}

static uint64_t read_spsel(ArmEnv *env, const ArmSysRegDef *r)
{
    return env->s.pstate & PSTATE_SPSEL;
}

static void write_spsel(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    arm_set_pstate(env, (arm_pstate(env) & ~PSTATE_SPSEL) | (v & PSTATE_SPSEL));
}

/* SP_EL0 is UNDEFINED where it is the stack pointer in use. */
static int trap_sp_el0(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return env->s.pstate & PSTATE_SPSEL ? 0 : -1;
}

/* ---- floating point ---- */

static int trap_fp(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    *ec = EC_FP;
    return (int)arm_fp_trap_el(env, arm_el(env));
}

static uint64_t read_fpcr(ArmEnv *env, const ArmSysRegDef *r)
{
    return env->s.fpcr;
}

static void write_fpcr(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    arm_set_fpcr(env, (uint32_t)v);
}

static uint64_t read_fpsr(ArmEnv *env, const ArmSysRegDef *r)
{
    return arm_fpsr(env);
}

static void write_fpsr(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    arm_set_fpsr(env, (uint32_t)v);
}

const ArmSysRegDef arm_pstate_regs[] = {
    {SR3("NZCV", 3, 4, 2, 0, 0, 0, 0), .feature = ALWAYS, .slot = -1, .mask = PSTATE_NZCV, .read = read_bits,
     .write = write_nzcv},
    {SR3("DAIF", 3, 4, 2, 1, 0, 0, SR_END), .feature = ALWAYS, .slot = -1,
     .mask = PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F, .read = read_bits, .write = write_daif, .trap = trap_daif},
    {SR3("CurrentEL", 0, 4, 2, 2, 1, 4, SR_RO), .feature = ALWAYS, .slot = -1, .read = read_current_el},
    {SR3("SPSel", 0, 4, 2, 0, 1, 1, SR_END), .feature = ALWAYS, .slot = -1, .read = read_spsel, .write = write_spsel},
    {SR3("PAN", 0, 4, 2, 3, 1, 1, SR_END), .feature = ARM_FEAT_PAN, .slot = -1, .mask = PSTATE_PAN,
     .read = read_bits, .write = write_bits},
    {SR3("UAO", 0, 4, 2, 4, 1, 1, SR_END), .feature = ARM_FEAT_UAO, .slot = -1, .mask = PSTATE_UAO,
     .read = read_bits, .write = write_bits},
    {SR3("DIT", 3, 4, 2, 5, 0, 0, SR_END), .feature = ARM_FEAT_DIT, .slot = -1, .mask = PSTATE_DIT,
     .read = read_bits, .write = write_bits},
    {SR3("SSBS", 3, 4, 2, 6, 0, 0, SR_END), .feature = ARM_FEAT_SSBS, .slot = -1, .mask = PSTATE_SSBS,
     .read = read_bits, .write = write_bits},
    {SR3("TCO", 3, 4, 2, 7, 0, 0, SR_END), .feature = ARM_FEAT_MTE, .slot = -1, .mask = PSTATE_TCO,
     .read = read_bits, .write = write_bits},
    {SR3("FPCR", 3, 4, 4, 0, 0, 0, SR_END), .feature = ARM_FEAT_FP, .slot = -1, .read = read_fpcr,
     .write = write_fpcr, .trap = trap_fp},
    {SR3("FPSR", 3, 4, 4, 1, 0, 0, 0), .feature = ARM_FEAT_FP, .slot = -1, .read = read_fpsr, .write = write_fpsr,
     .trap = trap_fp},
    {FIELD("SP_EL0", 0, 4, 1, 0, 1, 1, 0, sp_el[0]), .feature = ALWAYS, .mask = ~0ull, .trap = trap_sp_el0},
    {FIELD("SP_EL1", 4, 4, 1, 0, 2, 2, SR_INLINE_R | SR_INLINE_W, sp_el[1]), .feature = ARM_FEAT_EL2, .mask = ~0ull},
    {FIELD("SP_EL1", 4, 4, 1, 0, 2, 2, SR_INLINE_R | SR_INLINE_W, sp_el[1]), .feature = ARM_FEAT_EL3, .mask = ~0ull},
    {FIELD("SP_EL2", 6, 4, 1, 0, 3, 3, SR_INLINE_R | SR_INLINE_W, sp_el[2]), .feature = ARM_FEAT_EL3, .mask = ~0ull},
};
const unsigned arm_pstate_n_regs = ARRAY_LEN(arm_pstate_regs);

/* ---- MSR (immediate): field is op1:op2 of the instruction ---- */

enum {
    IMM_UAO = 0x03, IMM_PAN = 0x04, IMM_SPSEL = 0x05, IMM_SSBS = 0x19, IMM_DIT = 0x1a, IMM_TCO = 0x1c, IMM_DAIFSET = 0x1e,
    IMM_DAIFCLR = 0x1f,
};

static void change_daif(ArmEnv *env, uint64_t field, uint32_t imm)
{
    ArmEc ec = EC_MSR;
    int target = trap_daif(env, NULL, true, &ec);

    if (target) { /* as MSR DAIF... of EL0: syndrome with the instruction's own encoding (C5.1.3) */
        uint32_t op2 = field & 7, op1 = field >> 3;
        uint32_t iss = op2 << 17 | op1 << 14 | 4u << 10 | 31u << 5 | (imm & 15) << 1;
        arm_raise(env, ARM_FAULT_SYNC, arm_syndrome(ec, iss), (unsigned)target, 0);
    }
    change(env, imm << 6, field == IMM_DAIFSET ? ~0u : 0);
    arm_poll_interrupts(env);
}

uint64_t helper_msr_pstate(void *opaque, uint64_t field, uint64_t imm, uint64_t c)
{
    static const struct {
        uint8_t field;
        uint32_t bit;
    } bits[] = {{IMM_UAO, PSTATE_UAO}, {IMM_PAN, PSTATE_PAN}, {IMM_SSBS, PSTATE_SSBS}, {IMM_DIT, PSTATE_DIT},
                {IMM_TCO, PSTATE_TCO}};
    ArmEnv *env = opaque;

    if (field == IMM_SPSEL) {
        write_spsel(env, NULL, imm);
        return 0;
    }
    if (field == IMM_DAIFSET || field == IMM_DAIFCLR) {
        change_daif(env, field, (uint32_t)imm & 15);
        return 0;
    }
    for (unsigned i = 0; i < ARRAY_LEN(bits); i++) {
        if (bits[i].field == field) {
            change(env, bits[i].bit, imm & 1 ? bits[i].bit : 0);
            return 0;
        }
    }
    arm_raise_undef(env);
}
