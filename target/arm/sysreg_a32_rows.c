/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cp15 and cp14 of AArch32 (Arm ARM G8.2 to G8.7): each register is a view of an A64 register or of a slot.
 */
#include "core/machine.h"
#include "target/arm/sysreg_a32.h"

/* ---- traps of PL1's own registers ---- */

static int trap_vm(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_el(env) == 1 ? arm_trap_hcr(env, write ? HCR_TVM : HCR_TRVM, 0) : 0;
}

static int trap_actlr(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_el(env) == 1 ? arm_trap_hcr(env, HCR_TACR, 0) : 0;
}

/* Hyp mode's registers need EL2 to be there from Monitor mode as well, with SCR.NS (G8.2.2). */
static int trap_hyp(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_el(env) == 3 && arm_a32_banked_secure(env) ? -1 : 0;
}

/* NSACR: Non-secure PL1 may read it, Secure PL1 write (G8.2.116). */
static int trap_nsacr(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return write && !arm_secure(env) ? -1 : 0;
}

/* The physical timer is banked: Secure state with EL3 in AArch32 has the Secure one. */
static const ArmSysRegDef *phys_timer(const ArmEnv *env, const ArmSysRegDef *r)
{
    uint32_t key = (uint32_t)(r->mask & 0xffff);

    if (arm_a32_banked_secure(env)) {
        key = (key & ~(7u << 11)) | 7u << 11; /* CNTP_* to CNTPS_* */
    }
    return arm_sysreg_def(env->config, key);
}

static uint64_t read_ptimer(ArmEnv *env, const ArmSysRegDef *r)
{
    return arm_sysreg_get(env, phys_timer(env, r));
}

static void write_ptimer(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    arm_sysreg_put(env, phys_timer(env, r), v);
}

/*
 * ---- CPACR: cp11's field follows cp10's (G8.2.32). There is ASEDIS, not D32DIS (an implementation may lack it); in
 * Non-secure state it reads as one where NSACR has it ----
 */

static uint64_t read_cpacr(ArmEnv *env, const ArmSysRegDef *r)
{
    uint64_t fpen = env->s.sr[ARM_SR_CPACR_EL1] >> CPACR_FPEN_SHIFT & 3;

    return fpen << 20 | fpen << 22 | (arm_a32_simd_disabled(env) ? CPACR_ASEDIS : 0);
}

static void write_cpacr(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    if (!arm_has(env->config, ARM_FEAT_V8) && !arm_has(env->config, ARM_FEAT_VFP2)) {
        v = 0;
    }
    env->s.sr[ARM_SR_CPACR_A32] = v & (arm_has(env->config, ARM_FEAT_NEON) ? CPACR_ASEDIS : 0);
    arm_sysreg_put(env, arm_sysreg_def(env->config, ARM_KEY_CPACR_EL1), v);
}

static int trap_cpacr(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    const ArmSysRegDef *d = arm_sysreg_def(env->config, ARM_KEY_CPACR_EL1);

    return d->trap(env, d, write, ec);
}

/* ---- SCTLR: HSTR and the like aside, a write may change everything ---- */

#define SLOT32(n, key, r, w, f, feat, ns, s, how, trapfn)                                                              \
    {.reg = {n, key, r, w, f, 0}, .feature = feat, .slot = ARM_SR_##ns, .mask = (s) | (uint64_t)(how) << 16,          \
     .read = arm_a32_slot_read, .write = arm_a32_slot_write, .trap = trapfn}
#define REAL32(n, key, r, w, f, feat, a64, how)                                                                        \
    {.reg = {n, key, r, w, f, 0}, .feature = feat, .slot = -1, .mask = (a64) | (uint64_t)(how) << 16,                 \
     .read = arm_a32_real_read, .write = arm_a32_real_write, .trap = arm_a32_real_trap}
#define ZERO32(n, key, r, w, f, feat)                                                                                  \
    {.reg = {n, key, r, w, f, 0}, .feature = feat, .slot = -1, .read = arm_sysreg_zero, .write = arm_sysreg_ignore}
#define S(name) (ARM_SR_##name + 1u) /* the Secure slot */
#define NOT_BANKED 0u
#define K3(op1, crn, crm, op2) A64_SYSREG(3, op1, crn, crm, op2)
#define K2(op1, crn, crm, op2) A64_SYSREG(2, op1, crn, crm, op2)
#define VM(n, key, feat, ns, s, how) SLOT32(n, key, 1, 1, SR_END, feat, ns, s, (how) | A32_MODE | A32_REGIME, trap_vm)
#define PLAIN(n, key, feat, ns, s, how, trapfn) SLOT32(n, key, 1, 1, 0, feat, ns, s, how, trapfn)
#define HYP(n, key, ns, how) SLOT32(n, key, 2, 2, SR_END, ARM_FEAT_EL2, ns, NOT_BANKED, (how) | A32_MODE | A32_REGIME, trap_hyp)
#define IDREG(n, crm, opc2) REAL32(n, CP15(0, 0, crm, opc2), 1, 4, SR_RO, ARM_FEAT_V6, K3(0, 0, crm, opc2), A32_LO)
#define GICREG(n, opc1, crn, crm, opc2, el)                                                                            \
    REAL32(n, CP15(opc1, crn, crm, opc2), el, el, SR_IO, ARM_FEAT_GICv3_SR, K3(opc1, crn, crm, opc2), A32_LO)
#define ICHLR(n, crm, opc2)                                                                                            \
    REAL32("ICH_LR" #n, CP15(4, 12, crm, opc2), 2, 2, SR_IO, ARM_FEAT_GICv3_SR, K3(4, 12, crm, opc2), A32_LO_OF_64),  \
    REAL32("ICH_LRC" #n, CP15(4, 12, (crm) + 2, opc2), 2, 2, SR_IO, ARM_FEAT_GICv3_SR, K3(4, 12, crm, opc2), A32_HI)
#define PMU(n, crm, opc2, el)                                                                                          \
    REAL32(n, CP15(0, 9, crm, opc2), el, el, SR_IO, ARM_FEAT_PMUv3, K3(3, 9, crm, opc2), A32_LO)
#define PMU_N(i)                                                                                                       \
    REAL32("PMEVCNTR" #i, CP15(0, 14, 8, i), 0, 0, SR_IO, ARM_FEAT_PMUv3, ARM_KEY_PMEVCNTR##i##_EL0, A32_LO),         \
    REAL32("PMEVTYPER" #i, CP15(0, 14, 12, i), 0, 0, SR_IO, ARM_FEAT_PMUv3, ARM_KEY_PMEVTYPER##i##_EL0, A32_LO)
#define BRP(i)                                                                                                         \
    REAL32("DBGBVR" #i, CP14(0, 0, i, 4), 1, 1, SR_END, ARM_FEAT_V7, K2(0, 0, i, 4), A32_LO_OF_64),                   \
    REAL32("DBGBCR" #i, CP14(0, 0, i, 5), 1, 1, SR_END, ARM_FEAT_V7, K2(0, 0, i, 5), A32_LO),                         \
    REAL32("DBGBXVR" #i, CP14(0, 1, i, 1), 1, 1, SR_END, ARM_FEAT_V7, K2(0, 0, i, 4), A32_HI)
#define WRP(i)                                                                                                         \
    REAL32("DBGWVR" #i, CP14(0, 0, i, 6), 1, 1, SR_END, ARM_FEAT_V7, K2(0, 0, i, 6), A32_LO),                         \
    REAL32("DBGWCR" #i, CP14(0, 0, i, 7), 1, 1, SR_END, ARM_FEAT_V7, K2(0, 0, i, 7), A32_LO)

static uint64_t read_dbgdidr(ArmEnv *env, const ArmSysRegDef *r)
{
    return env->config->id[ARM_ID_DBGDIDR];
}

/* L2CTLR of Cortex-A7, A15: processors in the cluster minus 1. */
static uint64_t read_l2ctlr(ArmEnv *env, const ArmSysRegDef *r)
{
    uint64_t cluster = env->config->mpidr >> 8;
    unsigned n = 0;

    for (int i = 0; i < machine_cpu_count(env->cpu->machine); i++) {
        n += arm_cpu(machine_cpu(env->cpu->machine, i))->config.mpidr >> 8 == cluster;
    }
    return (uint64_t)((n ? n : 1) - 1) << 24;
}

const ArmSysRegDef arm_a32_regs[] = {
    /* c0: identification */
    REAL32("MIDR", CP15(0, 0, 0, 0), 1, 4, SR_RO, ALWAYS, K3(0, 0, 0, 0), A32_LO),
    REAL32("CTR", CP15(0, 0, 0, 1), 1, 4, SR_RO, ALWAYS, ARM_IDKEY_CTR_EL0, A32_LO),
    ZERO32("TCMTR", CP15(0, 0, 0, 2), 1, 4, SR_RO, ALWAYS),
    ZERO32("TLBTR", CP15(0, 0, 0, 3), 1, 4, SR_RO, ALWAYS),
    REAL32("MIDR", CP15(0, 0, 0, 4), 1, 4, SR_RO, ALWAYS, K3(0, 0, 0, 0), A32_LO),
    REAL32("MPIDR", CP15(0, 0, 0, 5), 1, 4, SR_RO, ARM_FEAT_V7, K3(0, 0, 0, 5), A32_LO),
    REAL32("MIDR", CP15(0, 0, 0, 5), 1, 4, SR_RO, ALWAYS, K3(0, 0, 0, 0), A32_LO),
    REAL32("REVIDR", CP15(0, 0, 0, 6), 1, 4, SR_RO, ARM_FEAT_V7, ARM_IDKEY_REVIDR_EL1, A32_LO),
    REAL32("MIDR", CP15(0, 0, 0, 6), 1, 4, SR_RO, ALWAYS, K3(0, 0, 0, 0), A32_LO),
    REAL32("MIDR", CP15(0, 0, 0, 7), 1, 4, SR_RO, ALWAYS, K3(0, 0, 0, 0), A32_LO),
    IDREG("ID_PFR0", 1, 0), IDREG("ID_PFR1", 1, 1), IDREG("ID_DFR0", 1, 2), IDREG("ID_AFR0", 1, 3),
    IDREG("ID_MMFR0", 1, 4), IDREG("ID_MMFR1", 1, 5), IDREG("ID_MMFR2", 1, 6), IDREG("ID_MMFR3", 1, 7),
    IDREG("ID_ISAR0", 2, 0), IDREG("ID_ISAR1", 2, 1), IDREG("ID_ISAR2", 2, 2), IDREG("ID_ISAR3", 2, 3),
    IDREG("ID_ISAR4", 2, 4), IDREG("ID_ISAR5", 2, 5), IDREG("ID_MMFR4", 2, 6), IDREG("ID_ISAR6", 2, 7),
    ZERO32("ID_RES0", CP15(0, 0, 3, 0), 1, 4, SR_RO, ARM_FEAT_V6), ZERO32("ID_RES0", CP15(0, 0, 3, 1), 1, 4, SR_RO, ARM_FEAT_V6),
    ZERO32("ID_RES0", CP15(0, 0, 3, 2), 1, 4, SR_RO, ARM_FEAT_V6), ZERO32("ID_RES0", CP15(0, 0, 3, 3), 1, 4, SR_RO, ARM_FEAT_V6),
    IDREG("ID_PFR2", 3, 4), IDREG("ID_DFR1", 3, 5), IDREG("ID_MMFR5", 3, 6),
    ZERO32("ID_RES0", CP15(0, 0, 3, 7), 1, 4, SR_RO, ARM_FEAT_V6),
    REAL32("CCSIDR", CP15(1, 0, 0, 0), 1, 4, SR_RO, ARM_FEAT_V7, K3(1, 0, 0, 0), A32_LO),
    REAL32("CLIDR", CP15(1, 0, 0, 1), 1, 4, SR_RO, ARM_FEAT_V7, ARM_IDKEY_CLIDR_EL1, A32_LO),
    REAL32("AIDR", CP15(1, 0, 0, 7), 1, 4, SR_RO, ARM_FEAT_V7, ARM_IDKEY_AIDR_EL1, A32_LO),
    SLOT32("CSSELR", CP15(2, 0, 0, 0), 1, 1, 0, ARM_FEAT_V7, CSSELR_EL1, S(CSSELR_S), A32_LO, NULL),
    HYP("VPIDR", CP15(4, 0, 0, 0), VPIDR_EL2, A32_LO),
    HYP("VMPIDR", CP15(4, 0, 0, 5), VMPIDR_EL2, A32_LO),
    /* c1: control */
    VM("SCTLR", CP15(0, 1, 0, 0), ALWAYS, SCTLR_EL1, S(SCTLR_EL3), A32_LO),
    SLOT32("ACTLR", CP15(0, 1, 0, 1), 1, 1, 0, ALWAYS, ACTLR_EL1, S(ACTLR_S), A32_LO, trap_actlr),
    ZERO32("ACTLR2", CP15(0, 1, 0, 3), 1, 1, 0, ARM_FEAT_V8),
    {.reg = {"CPACR", CP15(0, 1, 0, 2), 1, 1, SR_END, 0}, .feature = ALWAYS, .slot = -1, .read = read_cpacr,
     .write = write_cpacr, .trap = trap_cpacr},
    REAL32("SCR", CP15(0, 1, 1, 0), 3, 3, SR_END, ARM_FEAT_EL3, ARM_KEY_SCR_EL3, A32_LO),
    SLOT32("SDER", CP15(0, 1, 1, 1), 3, 3, 0, ARM_FEAT_EL3, SDER32_EL3, NOT_BANKED, A32_LO, NULL),
    SLOT32("NSACR", CP15(0, 1, 1, 2), 1, 1, SR_END, ARM_FEAT_EL3, NSACR, NOT_BANKED, A32_LO | A32_MODE, trap_nsacr),
    REAL32("SDCR", CP15(0, 1, 3, 1), 3, 3, SR_END, ARM_FEAT_EL3, ARM_KEY_MDCR_EL3, A32_LO),
    HYP("HSCTLR", CP15(4, 1, 0, 0), SCTLR_EL2, A32_LO),
    ZERO32("HACTLR", CP15(4, 1, 0, 1), 2, 2, 0, ARM_FEAT_EL2),
    ZERO32("HACTLR2", CP15(4, 1, 0, 3), 2, 2, 0, ARM_FEAT_EL2),
    REAL32("HCR", CP15(4, 1, 1, 0), 2, 2, SR_END, ARM_FEAT_EL2, ARM_KEY_HCR_EL2, A32_LO_OF_64),
    REAL32("HCR2", CP15(4, 1, 1, 4), 2, 2, SR_END, ARM_FEAT_EL2, ARM_KEY_HCR_EL2, A32_HI),
    REAL32("HDCR", CP15(4, 1, 1, 1), 2, 2, SR_END, ARM_FEAT_EL2, ARM_KEY_MDCR_EL2, A32_LO),
    REAL32("HCPTR", CP15(4, 1, 1, 2), 2, 2, SR_END, ARM_FEAT_EL2, ARM_KEY_CPTR_EL2, A32_LO),
    REAL32("HSTR", CP15(4, 1, 1, 3), 2, 2, SR_END, ARM_FEAT_EL2, ARM_KEY_HSTR_EL2, A32_LO),
    ZERO32("HACR", CP15(4, 1, 1, 7), 2, 2, 0, ARM_FEAT_EL2),
    /* c2, c3: translation */
    VM("TTBR0", CP15(0, 2, 0, 0), ALWAYS, TTBR0_EL1, S(TTBR0_EL3), A32_LO),
    VM("TTBR1", CP15(0, 2, 0, 1), ARM_FEAT_V6, TTBR1_EL1, S(TTBR1_S), A32_LO),
    VM("TTBCR", CP15(0, 2, 0, 2), ARM_FEAT_V6, TCR_EL1, S(TCR_EL3), A32_LO),
    VM("TTBCR2", CP15(0, 2, 0, 3), ARM_FEAT_AA32HPD, TCR_EL1, S(TCR_EL3), A32_HI),
    VM("TTBR0", CP15_64(0, 2), ARM_FEAT_LPAE, TTBR0_EL1, S(TTBR0_EL3), A32_FULL),
    VM("TTBR1", CP15_64(1, 2), ARM_FEAT_LPAE, TTBR1_EL1, S(TTBR1_S), A32_FULL),
    HYP("HTCR", CP15(4, 2, 0, 2), TCR_EL2, A32_LO),
    HYP("VTCR", CP15(4, 2, 1, 2), VTCR_EL2, A32_LO),
    HYP("HTTBR", CP15_64(4, 2), TTBR0_EL2, A32_FULL),
    HYP("VTTBR", CP15_64(6, 2), VTTBR_EL2, A32_FULL),
    VM("DACR", CP15(0, 3, 0, 0), ALWAYS, DACR32_EL2, S(DACR_S), A32_LO),
    /* c5, c6: faults */
    PLAIN("DFSR", CP15(0, 5, 0, 0), ALWAYS, ESR_EL1, S(ESR_EL3), A32_LO, trap_vm),
    PLAIN("IFSR", CP15(0, 5, 0, 1), ALWAYS, IFSR32_EL2, S(IFSR_S), A32_LO, trap_vm),
    PLAIN("ADFSR", CP15(0, 5, 1, 0), ARM_FEAT_V7, AFSR0_EL1, S(AFSR0_EL3), A32_LO, trap_vm),
    PLAIN("AIFSR", CP15(0, 5, 1, 1), ARM_FEAT_V7, AFSR1_EL1, S(AFSR1_EL3), A32_LO, trap_vm),
    PLAIN("DFAR", CP15(0, 6, 0, 0), ALWAYS, FAR_EL1, S(FAR_EL3), A32_LO, trap_vm),
    PLAIN("IFAR", CP15(0, 6, 0, 2), ARM_FEAT_V6, FAR_EL1, S(FAR_EL3), A32_HI, trap_vm),
    HYP("HSR", CP15(4, 5, 2, 0), ESR_EL2, A32_LO),
    ZERO32("HADFSR", CP15(4, 5, 1, 0), 2, 2, 0, ARM_FEAT_EL2),
    ZERO32("HAIFSR", CP15(4, 5, 1, 1), 2, 2, 0, ARM_FEAT_EL2),
    HYP("HDFAR", CP15(4, 6, 0, 0), FAR_EL2, A32_LO),
    HYP("HIFAR", CP15(4, 6, 0, 2), FAR_EL2, A32_HI),
    HYP("HPFAR", CP15(4, 6, 0, 4), HPFAR_EL2, A32_LO),
    PLAIN("PAR", CP15(0, 7, 4, 0), ARM_FEAT_V7, PAR_EL1, S(PAR_S), A32_LO, NULL),
    PLAIN("PAR", CP15_64(0, 7), ARM_FEAT_LPAE, PAR_EL1, S(PAR_S), A32_FULL, NULL),
    /* c9: performance monitors; the cluster of Cortex-A7 and A15 */
    PMU("PMCR", 12, 0, 0), PMU("PMCNTENSET", 12, 1, 0), PMU("PMCNTENCLR", 12, 2, 0), PMU("PMOVSR", 12, 3, 0),
    PMU("PMSWINC", 12, 4, 0), PMU("PMSELR", 12, 5, 0), PMU("PMCEID0", 12, 6, 0), PMU("PMCEID1", 12, 7, 0),
    PMU("PMCCNTR", 13, 0, 0), PMU("PMXEVTYPER", 13, 1, 0), PMU("PMXEVCNTR", 13, 2, 0), PMU("PMUSERENR", 14, 0, 0),
    REAL32("PMINTENSET", CP15(0, 9, 14, 1), 1, 1, 0, ARM_FEAT_PMUv3, K3(0, 9, 14, 1), A32_LO),
    REAL32("PMINTENCLR", CP15(0, 9, 14, 2), 1, 1, 0, ARM_FEAT_PMUv3, K3(0, 9, 14, 2), A32_LO),
    PMU("PMOVSSET", 14, 3, 0),
    REAL32("PMCCNTR", CP15_64(0, 9), 0, 0, SR_IO, ARM_FEAT_PMUv3, ARM_KEY_PMCCNTR_EL0, A32_FULL),
    PMU_N(0), PMU_N(1), PMU_N(2), PMU_N(3), PMU_N(4), PMU_N(5),
    REAL32("PMCCFILTR", CP15(0, 14, 15, 7), 0, 0, 0, ARM_FEAT_PMUv3, ARM_KEY_PMCCFILTR_EL0, A32_LO),
    {.reg = {"L2CTLR", CP15(1, 9, 0, 2), 1, 1, 0, 0}, .feature = ARM_FEAT_V7VE, .slot = -1, .read = read_l2ctlr,
     .write = arm_sysreg_ignore},
    ZERO32("L2ECTLR", CP15(1, 9, 0, 3), 1, 1, 0, ARM_FEAT_V7VE),
    /* c10: memory types */
    VM("MAIR0", CP15(0, 10, 2, 0), ARM_FEAT_V6, MAIR_EL1, S(MAIR_EL3), A32_LO),
    VM("MAIR1", CP15(0, 10, 2, 1), ARM_FEAT_V6, MAIR_EL1, S(MAIR_EL3), A32_HI),
    ZERO32("AMAIR0", CP15(0, 10, 3, 0), 1, 1, 0, ARM_FEAT_LPAE), ZERO32("AMAIR1", CP15(0, 10, 3, 1), 1, 1, 0, ARM_FEAT_LPAE),
    HYP("HMAIR0", CP15(4, 10, 2, 0), MAIR_EL2, A32_LO),
    HYP("HMAIR1", CP15(4, 10, 2, 1), MAIR_EL2, A32_HI),
    ZERO32("HAMAIR0", CP15(4, 10, 3, 0), 2, 2, 0, ARM_FEAT_EL2), ZERO32("HAMAIR1", CP15(4, 10, 3, 1), 2, 2, 0, ARM_FEAT_EL2),
    /* c12: vectors, interrupt controller */
    SLOT32("VBAR", CP15(0, 12, 0, 0), 1, 1, 0, ARM_FEAT_TRUSTZONE, VBAR_EL1, S(VBAR_EL3), A32_LO, NULL),
    SLOT32("VBAR", CP15(0, 12, 0, 0), 1, 1, 0, ARM_FEAT_V7, VBAR_EL1, S(VBAR_EL3), A32_LO, NULL),
    SLOT32("MVBAR", CP15(0, 12, 0, 1), 3, 3, 0, ARM_FEAT_EL3, MVBAR, NOT_BANKED, A32_LO, NULL),
    REAL32("ISR", CP15(0, 12, 1, 0), 1, 4, SR_RO, ARM_FEAT_V7, K3(0, 12, 1, 0), A32_LO),
    HYP("HVBAR", CP15(4, 12, 0, 0), VBAR_EL2, A32_LO),
    GICREG("ICC_PMR", 0, 4, 6, 0, 1), GICREG("ICC_IAR0", 0, 12, 8, 0, 1), GICREG("ICC_EOIR0", 0, 12, 8, 1, 1),
    GICREG("ICC_HPPIR0", 0, 12, 8, 2, 1), GICREG("ICC_BPR0", 0, 12, 8, 3, 1), GICREG("ICC_AP0R0", 0, 12, 8, 4, 1),
    GICREG("ICC_AP0R1", 0, 12, 8, 5, 1), GICREG("ICC_AP0R2", 0, 12, 8, 6, 1), GICREG("ICC_AP0R3", 0, 12, 8, 7, 1),
    GICREG("ICC_AP1R0", 0, 12, 9, 0, 1), GICREG("ICC_AP1R1", 0, 12, 9, 1, 1), GICREG("ICC_AP1R2", 0, 12, 9, 2, 1),
    GICREG("ICC_AP1R3", 0, 12, 9, 3, 1), GICREG("ICC_DIR", 0, 12, 11, 1, 1), GICREG("ICC_RPR", 0, 12, 11, 3, 1),
    GICREG("ICC_IAR1", 0, 12, 12, 0, 1), GICREG("ICC_EOIR1", 0, 12, 12, 1, 1), GICREG("ICC_HPPIR1", 0, 12, 12, 2, 1),
    GICREG("ICC_BPR1", 0, 12, 12, 3, 1), GICREG("ICC_CTLR", 0, 12, 12, 4, 1), GICREG("ICC_SRE", 0, 12, 12, 5, 1),
    GICREG("ICC_IGRPEN0", 0, 12, 12, 6, 1), GICREG("ICC_IGRPEN1", 0, 12, 12, 7, 1), GICREG("ICC_HSRE", 4, 12, 9, 5, 2),
    GICREG("ICC_MCTLR", 6, 12, 12, 4, 3), GICREG("ICC_MSRE", 6, 12, 12, 5, 3), GICREG("ICC_MGRPEN1", 6, 12, 12, 7, 3),
    REAL32("ICC_SGI1R", CP15_64(0, 12), 4, 1, SR_IO, ARM_FEAT_GICv3_SR, K3(0, 12, 11, 5), A32_FULL),
    REAL32("ICC_ASGI1R", CP15_64(1, 12), 4, 1, SR_IO, ARM_FEAT_GICv3_SR, K3(0, 12, 11, 6), A32_FULL),
    REAL32("ICC_SGI0R", CP15_64(2, 12), 4, 1, SR_IO, ARM_FEAT_GICv3_SR, K3(0, 12, 11, 7), A32_FULL),
    GICREG("ICH_AP0R0", 4, 12, 8, 0, 2), GICREG("ICH_AP0R1", 4, 12, 8, 1, 2), GICREG("ICH_AP0R2", 4, 12, 8, 2, 2),
    GICREG("ICH_AP0R3", 4, 12, 8, 3, 2), GICREG("ICH_AP1R0", 4, 12, 9, 0, 2), GICREG("ICH_AP1R1", 4, 12, 9, 1, 2),
    GICREG("ICH_AP1R2", 4, 12, 9, 2, 2), GICREG("ICH_AP1R3", 4, 12, 9, 3, 2), GICREG("ICH_HCR", 4, 12, 11, 0, 2),
    GICREG("ICH_VTR", 4, 12, 11, 1, 2), GICREG("ICH_MISR", 4, 12, 11, 2, 2), GICREG("ICH_EISR", 4, 12, 11, 3, 2),
    GICREG("ICH_ELRSR", 4, 12, 11, 5, 2), GICREG("ICH_VMCR", 4, 12, 11, 7, 2),
    ICHLR(0, 12, 0), ICHLR(1, 12, 1), ICHLR(2, 12, 2), ICHLR(3, 12, 3), ICHLR(4, 12, 4), ICHLR(5, 12, 5),
    ICHLR(6, 12, 6), ICHLR(7, 12, 7), ICHLR(8, 13, 0), ICHLR(9, 13, 1), ICHLR(10, 13, 2), ICHLR(11, 13, 3),
    ICHLR(12, 13, 4), ICHLR(13, 13, 5), ICHLR(14, 13, 6), ICHLR(15, 13, 7),
    /* c13: contexts and threads */
    VM("FCSEIDR", CP15(0, 13, 0, 0), ALWAYS, FCSEIDR, S(FCSEIDR_S), A32_LO),
    VM("CONTEXTIDR", CP15(0, 13, 0, 1), ALWAYS, CONTEXTIDR_EL1, S(CONTEXTIDR_S), A32_LO),
    SLOT32("TPIDRURW", CP15(0, 13, 0, 2), 0, 0, 0, ARM_FEAT_V6K, TPIDR_EL0, S(TPIDRURW_S), A32_LO, NULL),
    SLOT32("TPIDRURO", CP15(0, 13, 0, 3), 0, 1, 0, ARM_FEAT_V6K, TPIDRRO_EL0, S(TPIDRURO_S), A32_LO, NULL),
    SLOT32("TPIDRPRW", CP15(0, 13, 0, 4), 1, 1, 0, ARM_FEAT_V6K, TPIDR_EL1, S(TPIDRPRW_S), A32_LO, NULL),
    HYP("HTPIDR", CP15(4, 13, 0, 2), TPIDR_EL2, A32_LO),
    /* c14: generic timers */
    REAL32("CNTFRQ", CP15(0, 14, 0, 0), 0, 1, 0, ARM_FEAT_GTIMER, ARM_KEY_CNTFRQ_EL0, A32_LO),
    REAL32("CNTKCTL", CP15(0, 14, 1, 0), 1, 1, 0, ARM_FEAT_GTIMER, ARM_KEY_CNTKCTL_EL1, A32_LO),
#define PTIMER(n, key, a64)                                                                                            \
    {.reg = {n, key, 0, 0, SR_IO, 0}, .feature = ARM_FEAT_GTIMER, .slot = -1, .mask = a64, .read = read_ptimer,       \
     .write = write_ptimer, .trap = arm_a32_real_trap}
    PTIMER("CNTP_TVAL", CP15(0, 14, 2, 0), K3(3, 14, 2, 0)),
    PTIMER("CNTP_CTL", CP15(0, 14, 2, 1), K3(3, 14, 2, 1)),
    PTIMER("CNTP_CVAL", CP15_64(2, 14), K3(3, 14, 2, 2)),
    REAL32("CNTV_TVAL", CP15(0, 14, 3, 0), 0, 0, SR_IO, ARM_FEAT_GTIMER, K3(3, 14, 3, 0), A32_LO),
    REAL32("CNTV_CTL", CP15(0, 14, 3, 1), 0, 0, SR_IO, ARM_FEAT_GTIMER, K3(3, 14, 3, 1), A32_LO),
    REAL32("CNTV_CVAL", CP15_64(3, 14), 0, 0, SR_IO, ARM_FEAT_GTIMER, K3(3, 14, 3, 2), A32_FULL),
    REAL32("CNTPCT", CP15_64(0, 14), 0, 4, SR_RO, ARM_FEAT_GTIMER, K3(3, 14, 0, 1), A32_FULL),
    REAL32("CNTVCT", CP15_64(1, 14), 0, 4, SR_RO, ARM_FEAT_GTIMER, K3(3, 14, 0, 2), A32_FULL),
    REAL32("CNTPCTSS", CP15_64(8, 14), 0, 4, SR_RO, ARM_FEAT_ECV, K3(3, 14, 0, 5), A32_FULL),
    REAL32("CNTVCTSS", CP15_64(9, 14), 0, 4, SR_RO, ARM_FEAT_ECV, K3(3, 14, 0, 6), A32_FULL),
    REAL32("CNTHCTL", CP15(4, 14, 1, 0), 2, 2, 0, ARM_FEAT_EL2, ARM_KEY_CNTHCTL_EL2, A32_LO),
    REAL32("CNTHP_TVAL", CP15(4, 14, 2, 0), 2, 2, SR_IO, ARM_FEAT_EL2, K3(4, 14, 2, 0), A32_LO),
    REAL32("CNTHP_CTL", CP15(4, 14, 2, 1), 2, 2, SR_IO, ARM_FEAT_EL2, K3(4, 14, 2, 1), A32_LO),
    REAL32("CNTHP_CVAL", CP15_64(6, 14), 2, 2, SR_IO, ARM_FEAT_EL2, K3(4, 14, 2, 2), A32_FULL),
    REAL32("CNTVOFF", CP15_64(4, 14), 2, 2, SR_IO, ARM_FEAT_EL2, ARM_KEY_CNTVOFF_EL2, A32_FULL),
    /* cp14: debug */
    {.reg = {"DBGDIDR", CP14(0, 0, 0, 0), 0, 4, SR_RO, 0}, .feature = ARM_FEAT_V6, .slot = -1, .read = read_dbgdidr},
    REAL32("DBGDSCRint", CP14(0, 0, 1, 0), 0, 4, SR_RO, ARM_FEAT_V6, K2(3, 0, 1, 0), A32_LO),
    REAL32("DBGDTRRXint", CP14(0, 0, 5, 0), 0, 0, 0, ARM_FEAT_V7, K2(3, 0, 5, 0), A32_LO),
    SLOT32("DBGVCR", CP14(0, 0, 7, 0), 1, 1, 0, ARM_FEAT_V7, DBGVCR32_EL2, NOT_BANKED, A32_LO, NULL),
    REAL32("DBGDSCRext", CP14(0, 0, 2, 2), 1, 1, SR_END, ARM_FEAT_V7, ARM_KEY_MDSCR_EL1, A32_LO),
    REAL32("DBGDTRRXext", CP14(0, 0, 0, 2), 1, 1, 0, ARM_FEAT_V7, ARM_KEY_OSDTRRX_EL1, A32_LO),
    REAL32("DBGDTRTXext", CP14(0, 0, 3, 2), 1, 1, 0, ARM_FEAT_V7, ARM_KEY_OSDTRTX_EL1, A32_LO),
    BRP(0), BRP(1), BRP(2), BRP(3), BRP(4), BRP(5), WRP(0), WRP(1), WRP(2), WRP(3),
    REAL32("DBGDRAR", CP14(0, 1, 0, 0), 1, 4, SR_RO, ARM_FEAT_V7, K2(0, 1, 0, 0), A32_LO),
    REAL32("DBGDRAR", CP14_64(0, 1), 1, 4, SR_RO, ARM_FEAT_LPAE, K2(0, 1, 0, 0), A32_FULL),
    ZERO32("DBGDSAR", CP14(0, 2, 0, 0), 1, 4, SR_RO, ARM_FEAT_V7),
    ZERO32("DBGDSAR", CP14_64(0, 2), 1, 4, SR_RO, ARM_FEAT_LPAE),
    REAL32("DBGOSLAR", CP14(0, 1, 0, 4), 4, 1, SR_END, ARM_FEAT_V7, K2(0, 1, 0, 4), A32_LO),
    REAL32("DBGOSLSR", CP14(0, 1, 1, 4), 1, 4, SR_RO, ARM_FEAT_V7, ARM_KEY_OSLSR_EL1, A32_LO),
    REAL32("DBGOSDLR", CP14(0, 1, 3, 4), 1, 1, 0, ARM_FEAT_V7, ARM_KEY_OSDLR_EL1, A32_LO),
    REAL32("DBGPRCR", CP14(0, 1, 4, 4), 1, 1, 0, ARM_FEAT_V7, ARM_KEY_DBGPRCR_EL1, A32_LO),
    REAL32("DBGCLAIMSET", CP14(0, 7, 8, 6), 1, 1, 0, ARM_FEAT_V7, K2(0, 7, 8, 6), A32_LO),
    REAL32("DBGCLAIMCLR", CP14(0, 7, 9, 6), 1, 1, 0, ARM_FEAT_V7, ARM_KEY_DBGCLAIM_EL1, A32_LO),
    REAL32("DBGAUTHSTATUS", CP14(0, 7, 14, 6), 1, 4, SR_RO, ARM_FEAT_V7, K2(0, 7, 14, 6), A32_LO),
    ZERO32("DBGDEVID2", CP14(0, 7, 0, 7), 1, 4, SR_RO, ARM_FEAT_V7),
    ZERO32("DBGDEVID1", CP14(0, 7, 1, 7), 1, 4, SR_RO, ARM_FEAT_V7),
    ZERO32("DBGDEVID", CP14(0, 7, 2, 7), 1, 4, SR_RO, ARM_FEAT_V7),
    SLOT32("TEECR", CP14(6, 0, 0, 0), 0, 1, 0, ARM_FEAT_THUMB2, TEECR, NOT_BANKED, A32_LO, NULL),
    SLOT32("TEEHBR", CP14(6, 1, 0, 0), 0, 0, 0, ARM_FEAT_THUMB2, TEEHBR, NOT_BANKED, A32_LO, NULL),
    /* Trivial Jazelle: BXJ is BX. */
    ZERO32("JIDR", CP14(7, 0, 0, 0), 0, 4, SR_RO, ALWAYS),
    ZERO32("JOSCR", CP14(7, 1, 0, 0), 1, 1, 0, ALWAYS),
    ZERO32("JMCR", CP14(7, 2, 0, 0), 0, 1, 0, ALWAYS),
};
const unsigned arm_a32_n_regs = ARRAY_LEN(arm_a32_regs);
