/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Identification registers, caches' among them (Arm ARM D17.2). Values are the configuration's (idregs.def).
 *
 * Thread: the vCPU's own.
 */
#include "target/arm/sysreg_rows.h"
#include "target/arm/sysreg_set.h"

/* In these rows `mask` is the ArmIdReg. */
static uint64_t read_id(ArmEnv *env, const ArmSysRegDef *r)
{
    return env->config->id[r->mask];
}

static bool el1_virtual(const ArmEnv *env)
{
    return arm_el(env) == 1 && arm_el2_enabled(env);
}

static uint64_t read_midr(ArmEnv *env, const ArmSysRegDef *r)
{
    return el1_virtual(env) ? env->s.sr[ARM_SR_VPIDR_EL2] : env->config->midr;
}

static uint64_t read_mpidr(ArmEnv *env, const ArmSysRegDef *r)
{
    return el1_virtual(env) ? env->s.sr[ARM_SR_VMPIDR_EL2] : env->config->mpidr;
}

/* ID_AA64PFR0_EL1.GIC, ID_PFR1_EL1.GIC: there are system registers of a GIC if the board has such a one. */
static bool has_gic_registers(const ArmEnv *env)
{
    return arm_has(env->config, ARM_FEAT_GICv3_SR) && env->cpu->intc && env->cpu->intc->sysreg_read;
}

static uint64_t read_pfr0(ArmEnv *env, const ArmSysRegDef *r)
{
    return deposit64(env->config->id[r->mask], 24, 4, has_gic_registers(env));
}

static uint64_t read_pfr1(ArmEnv *env, const ArmSysRegDef *r)
{
    return deposit64(env->config->id[r->mask], 28, 4, has_gic_registers(env));
}

static int trap_tid3(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_el(env) == 1 ? arm_trap_hcr(env, HCR_TID3, 0) : 0;
}

static int trap_tid1(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_el(env) == 1 ? arm_trap_hcr(env, HCR_TID1, 0) : 0;
}

static int trap_tid2(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_trap_hcr(env, HCR_TID2 | HCR_TID4, 0);
}

static int trap_tid5(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_trap_hcr(env, HCR_TID5, 0);
}

static int trap_ctr(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    if (arm_el(env) == 0 && !(arm_sctlr(env, 0) & SCTLR_UCT)) {
        return (int)arm_sync_target(env);
    }
    return trap_tid2(env, r, write, ec);
}

/* ---- caches ---- */

/* The one that CSSELR says: bit 0 instruction, bits 3:1 level (D17.2.27). */
uint64_t arm_ccsidr(const ArmCpuConfig *c, uint64_t csselr)
{
    static const uint8_t by[4][2] = {{ARM_ID_CCSIDR_L1D, ARM_ID_CCSIDR_L1I}, {ARM_ID_CCSIDR_L2, 0}, {ARM_ID_CCSIDR_L3, 0}};
    unsigned level = csselr >> 1 & 7, insn = csselr & 1;

    return level < 3 && by[level][insn] ? c->id[by[level][insn]] : 0;
}

static uint64_t read_ccsidr(ArmEnv *env, const ArmSysRegDef *r)
{
    return arm_ccsidr(env->config, env->s.sr[ARM_SR_CSSELR_EL1]);
}

/* DZP says whether DC ZVA is prohibited here (D17.2.33). */
static uint64_t read_dczid(ArmEnv *env, const ArmSysRegDef *r)
{
    return env->config->id[ARM_ID_DCZID_EL0] | (env->mode & MODE_DZE ? 0 : 1u << 4);
}

#define ID(n, trapfn) {.reg = {#n, ARM_IDKEY_##n, 1, 4, SR_RO, 0}, .feature = ALWAYS, .slot = -1, .mask = ARM_ID_##n, \
                       .read = read_id, .trap = trapfn}
/* The rest of the space op0 = 3, CRn = 0, CRm 1..7 reads as zero, on v8 processors. */
#define RAZ(crm, op2) {SR3("ID_RES0", 0, 0, crm, op2, 1, 4, SR_RO), .feature = ARM_FEAT_V8, .slot = -1,               \
                       .read = arm_sysreg_zero, .trap = trap_tid3}
const ArmSysRegDef arm_id_regs[] = {
    {SR3("MIDR_EL1", 0, 0, 0, 0, 1, 4, SR_RO), .feature = ALWAYS, .slot = -1, .read = read_midr},
    {SR3("MPIDR_EL1", 0, 0, 0, 5, 1, 4, SR_RO), .feature = ALWAYS, .slot = -1, .read = read_mpidr},
    ID(REVIDR_EL1, trap_tid1),
    ID(AIDR_EL1, trap_tid1),
    ID(ID_PFR0_EL1, trap_tid3),
    {.reg = {"ID_PFR1_EL1", ARM_IDKEY_ID_PFR1_EL1, 1, 4, SR_RO, 0}, .feature = ALWAYS, .slot = -1,
     .mask = ARM_ID_ID_PFR1_EL1, .read = read_pfr1, .trap = trap_tid3},
    ID(ID_DFR0_EL1, trap_tid3), ID(ID_AFR0_EL1, trap_tid3),
    ID(ID_MMFR0_EL1, trap_tid3), ID(ID_MMFR1_EL1, trap_tid3), ID(ID_MMFR2_EL1, trap_tid3), ID(ID_MMFR3_EL1, trap_tid3),
    ID(ID_ISAR0_EL1, trap_tid3), ID(ID_ISAR1_EL1, trap_tid3), ID(ID_ISAR2_EL1, trap_tid3), ID(ID_ISAR3_EL1, trap_tid3),
    ID(ID_ISAR4_EL1, trap_tid3), ID(ID_ISAR5_EL1, trap_tid3), ID(ID_MMFR4_EL1, trap_tid3), ID(ID_ISAR6_EL1, trap_tid3),
    ID(MVFR0_EL1, trap_tid3), ID(MVFR1_EL1, trap_tid3), ID(MVFR2_EL1, trap_tid3), RAZ(3, 3),
    ID(ID_PFR2_EL1, trap_tid3), ID(ID_DFR1_EL1, trap_tid3), ID(ID_MMFR5_EL1, trap_tid3), RAZ(3, 7),
    {.reg = {"ID_AA64PFR0_EL1", ARM_IDKEY_ID_AA64PFR0_EL1, 1, 4, SR_RO, 0}, .feature = ALWAYS, .slot = -1,
     .mask = ARM_ID_ID_AA64PFR0_EL1, .read = read_pfr0, .trap = trap_tid3},
    ID(ID_AA64PFR1_EL1, trap_tid3), RAZ(4, 2), RAZ(4, 3), ID(ID_AA64ZFR0_EL1, trap_tid3),
    ID(ID_AA64SMFR0_EL1, trap_tid3), RAZ(4, 6), RAZ(4, 7),
    ID(ID_AA64DFR0_EL1, trap_tid3), ID(ID_AA64DFR1_EL1, trap_tid3), RAZ(5, 2), RAZ(5, 3),
    ID(ID_AA64AFR0_EL1, trap_tid3), ID(ID_AA64AFR1_EL1, trap_tid3), RAZ(5, 6), RAZ(5, 7),
    ID(ID_AA64ISAR0_EL1, trap_tid3), ID(ID_AA64ISAR1_EL1, trap_tid3), ID(ID_AA64ISAR2_EL1, trap_tid3), RAZ(6, 3),
    RAZ(6, 4), RAZ(6, 5), RAZ(6, 6), RAZ(6, 7),
    ID(ID_AA64MMFR0_EL1, trap_tid3), ID(ID_AA64MMFR1_EL1, trap_tid3), ID(ID_AA64MMFR2_EL1, trap_tid3), RAZ(7, 3),
    RAZ(7, 4), RAZ(7, 5), RAZ(7, 6), RAZ(7, 7),
    {SR3("CTR_EL0", 3, 0, 0, 1, 0, 4, SR_RO), .feature = ALWAYS, .slot = -1, .mask = ARM_ID_CTR_EL0, .read = read_id,
     .trap = trap_ctr},
    {SR3("DCZID_EL0", 3, 0, 0, 7, 0, 4, SR_RO), .feature = ALWAYS, .slot = -1, .read = read_dczid},
    ID(CLIDR_EL1, trap_tid2),
    {SR3("CCSIDR_EL1", 1, 0, 0, 0, 1, 4, SR_RO), .feature = ALWAYS, .slot = -1, .read = read_ccsidr, .trap = trap_tid2},
    {SLOT(CSSELR_EL1, 1, 1, 0), .feature = ALWAYS, .mask = 15, .trap = trap_tid2},
    {.reg = {"GMID_EL1", ARM_IDKEY_GMID_EL1, 1, 4, SR_RO, 0}, .feature = ARM_FEAT_MTE2, .slot = -1,
     .mask = ARM_ID_GMID_EL1, .read = read_id, .trap = trap_tid5},
};
const unsigned arm_id_n_regs = ARRAY_LEN(arm_id_regs);
