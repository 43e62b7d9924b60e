/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System registers of EL1 and EL0 (Arm ARM D17.2): control, translation, faults, pointer authentication keys, threads.
 *
 * Thread: the vCPU's own.
 */
#include "target/arm/exception.h"
#include "target/arm/start.h"
#include "target/arm/sysreg_rows.h"

/* ---- traps ---- */

/* Virtual memory controls: HCR_EL2.TVM for writes, TRVM for reads. */
static int trap_vm(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_el(env) == 1 ? arm_trap_hcr(env, write ? HCR_TVM : HCR_TRVM, 0) : 0;
}

static int trap_actlr(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_el(env) == 1 ? arm_trap_hcr(env, HCR_TACR, 0) : 0;
}

static int trap_cpacr(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    if (arm_el(env) == 1 && arm_el2_enabled(env) && (env->s.sr[ARM_SR_CPTR_EL2] & CPTR_TCPAC)) {
        return 2;
    }
    return arm_el(env) < 3 && arm_has(env->config, ARM_FEAT_EL3) && (env->s.sr[ARM_SR_CPTR_EL3] & CPTR_TCPAC) ? 3 : 0;
}

static int trap_keys(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_trap_unless(env, HCR_APK, SCR_APK);
}

static int trap_tags(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_trap_unless(env, HCR_ATA, SCR_ATA);
}

static int trap_lor(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    if (arm_secure(env)) {
        return -1;
    }
    return arm_trap_hcr(env, HCR_TLOR, SCR_TLOR);
}

static int trap_scxt(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    if (arm_el(env) == 0 && (arm_sctlr(env, 0) & SCTLR_TSCXT)) {
        return (int)arm_sync_target(env);
    }
    return arm_trap_unless(env, HCR_EnSCXT, SCR_EnSCXT);
}

static int trap_err(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_trap_hcr(env, HCR_TERR, SCR_TERR);
}

static int trap_zcr(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    *ec = EC_SVE;
    return (int)arm_sve_trap_el(env, arm_el(env));
}

/* CTR_EL0, CSSELR_EL1 and their kind are with the identification registers (sysreg_id.c). */

/* ---- writes ---- */

static void write_sctlr(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    if (!arm_has(env->config, ARM_FEAT_MTE2)) {
        v &= ~(SCTLR_ITFSB | 3ull << SCTLR_TCF0_SHIFT | 3ull << SCTLR_TCF_SHIFT | SCTLR_ATA0 | SCTLR_ATA);
    }
    if (!arm_has(env->config, ARM_FEAT_AA32)) {
        v |= SCTLR_ITD | SCTLR_SED | SCTLR_EIS | SCTLR_TSCXT; /* RES1 without AArch32 at EL0 */
        v &= arm_has(env->config, ARM_FEAT_CSV2_2) ? ~0ull : ~SCTLR_CP15BEN;
    }
    arm_sysreg_store_regime(env, r, v);
}

/* FPEN, ZEN and TTA; there is no trace unit, so TTA is RES0. */
static void write_cpacr(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    uint64_t mask = 3ull << CPACR_FPEN_SHIFT;

    mask |= arm_has(env->config, ARM_FEAT_SVE) ? 3ull << CPACR_ZEN_SHIFT : 0;
    env->s.sr[r->slot] = v & mask;
    arm_update_mode(env);
}

static uint64_t read_isr(ArmEnv *env, const ArmSysRegDef *r)
{
    return arm_isr(env);
}

/* The RVBAR and RMR of the highest level; others are UNDEFINED. */
static int trap_reset(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    unsigned highest = arm_has(env->config, ARM_FEAT_EL3) ? 3 : arm_highest_ns_el(env->config);

    return arm_el(env) == highest && arm_el(env) == r->mask ? 0 : -1;
}

static uint64_t read_rvbar(ArmEnv *env, const ArmSysRegDef *r)
{
    return env->config->reset_pc;
}

static void write_zcr(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    arm_sysreg_store(env, r, v);
    arm_update_mode(env);
    arm_sve_narrow(env);
}

/* DISR_EL1: with a virtual SError routed by HCR_EL2.AMO, EL1 sees VDISR_EL2. */
static uint64_t *disr(ArmEnv *env)
{
    bool virt = arm_el(env) == 1 && (arm_hcr(env) & HCR_AMO);

    return &env->s.sr[virt ? ARM_SR_VDISR_EL2 : ARM_SR_DISR_EL1];
}

static uint64_t read_disr(ArmEnv *env, const ArmSysRegDef *r)
{
    return *disr(env);
}

static void write_disr(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    *disr(env) = v & (1ull << 31 | 0x1ffffff);
}

#define VM(n, fl) {SLOT(n, 1, 1, (fl)), .feature = ALWAYS, .mask = ~0ull, .trap = trap_vm}
#define REGIME(n) {SLOT(n, 1, 1, SR_INLINE_R | SR_END), .feature = ALWAYS, .mask = ~0ull,                             \
                   .write = arm_sysreg_store_regime, .trap = trap_vm}
#define RW (SR_INLINE_R | SR_INLINE_W)
#define KEY(n) {SLOT(AP##n##_EL1, 1, 1, RW), .feature = ARM_FEAT_PAuth, .mask = ~0ull, .trap = trap_keys}

const ArmSysRegDef arm_el1_regs[] = {
    {SLOT(SCTLR_EL1, 1, 1, SR_INLINE_R | SR_END), .feature = ALWAYS, .mask = ~0ull, .write = write_sctlr,
     .trap = trap_vm},
    {SLOT(ACTLR_EL1, 1, 1, 0), .feature = ALWAYS, .mask = 0, .trap = trap_actlr},
    {SLOT(CPACR_EL1, 1, 1, SR_INLINE_R | SR_END), .feature = ALWAYS, .write = write_cpacr, .trap = trap_cpacr},
    {SLOT(RGSR_EL1, 1, 1, 0), .feature = ARM_FEAT_MTE2, .mask = 0xffff0f, .trap = trap_tags},
    {SLOT(GCR_EL1, 1, 1, 0), .feature = ARM_FEAT_MTE2, .mask = 0x1ffff, .trap = trap_tags},
    {SLOT(TFSR_EL1, 1, 1, 0), .feature = ARM_FEAT_MTE2, .mask = 3, .trap = trap_tags},
    {SLOT(TFSRE0_EL1, 1, 1, 0), .feature = ARM_FEAT_MTE2, .mask = 3, .trap = trap_tags},
    {SLOT(ZCR_EL1, 1, 1, SR_END), .feature = ARM_FEAT_SVE, .mask = 15, .write = write_zcr, .trap = trap_zcr},
    REGIME(TTBR0_EL1),
    REGIME(TTBR1_EL1),
    REGIME(TCR_EL1),
    REGIME(CONTEXTIDR_EL1),
    REGIME(MAIR_EL1),
    VM(AFSR0_EL1, RW),
    VM(AFSR1_EL1, RW),
    VM(ESR_EL1, RW),
    VM(FAR_EL1, RW),
    {SLOT(AMAIR_EL1, 1, 1, 0), .feature = ALWAYS, .mask = 0, .trap = trap_vm},
    KEY(IAKEYLO), KEY(IAKEYHI), KEY(IBKEYLO), KEY(IBKEYHI), KEY(DAKEYLO), KEY(DAKEYHI), KEY(DBKEYLO), KEY(DBKEYHI),
    KEY(GAKEYLO), KEY(GAKEYHI),
    {FIELD("SPSR_EL1", 0, 4, 0, 0, 1, 1, RW, spsr[1]), .feature = ALWAYS, .mask = ~0ull},
    {FIELD("ELR_EL1", 0, 4, 0, 1, 1, 1, RW, elr[1]), .feature = ALWAYS, .mask = ~0ull},
    {SLOT(PAR_EL1, 1, 1, RW), .feature = ALWAYS, .mask = ~0ull},
    {SLOT(VBAR_EL1, 1, 1, SR_INLINE_R), .feature = ALWAYS, .mask = ~0x7ffull},
    {SR3("RVBAR_EL1", 0, 12, 0, 1, 1, 4, SR_RO), .feature = ALWAYS, .slot = -1, .mask = 1, .read = read_rvbar,
     .trap = trap_reset},
    {SR3("RVBAR_EL2", 4, 12, 0, 1, 2, 4, SR_RO), .feature = ARM_FEAT_EL2, .slot = -1, .mask = 2, .read = read_rvbar,
     .trap = trap_reset},
    {SR3("RVBAR_EL3", 6, 12, 0, 1, 3, 4, SR_RO), .feature = ARM_FEAT_EL3, .slot = -1, .mask = 3, .read = read_rvbar,
     .trap = trap_reset},
    {SR3("ISR_EL1", 0, 12, 1, 0, 1, 4, SR_RO), .feature = ALWAYS, .slot = -1, .read = read_isr},
    {SR3("DISR_EL1", 0, 12, 1, 1, 1, 1, 0), .feature = ARM_FEAT_RAS, .slot = -1, .read = read_disr,
     .write = write_disr},
    /* RAS: no error records (ERRIDR_EL1 is 0), so the rest of the group is UNDEFINED or reads as zero (D17.6). */
    {SR3("ERRIDR_EL1", 0, 5, 3, 0, 1, 4, SR_RO), .feature = ARM_FEAT_RAS, .slot = -1, .read = arm_sysreg_zero,
     .trap = trap_err},
    {SR3("ERRSELR_EL1", 0, 5, 3, 1, 1, 1, 0), .feature = ARM_FEAT_RAS, .slot = -1, .read = arm_sysreg_zero,
     .write = arm_sysreg_ignore, .trap = trap_err},
    {SLOT(LORSA_EL1, 1, 1, 0), .feature = ARM_FEAT_LOR, .mask = 0, .trap = trap_lor},
    {SLOT(LOREA_EL1, 1, 1, 0), .feature = ARM_FEAT_LOR, .mask = 0, .trap = trap_lor},
    {SLOT(LORN_EL1, 1, 1, 0), .feature = ARM_FEAT_LOR, .mask = 0, .trap = trap_lor},
    {SLOT(LORC_EL1, 1, 1, 0), .feature = ARM_FEAT_LOR, .mask = 0, .trap = trap_lor},
    {SR3("LORID_EL1", 0, 10, 4, 7, 1, 4, SR_RO), .feature = ARM_FEAT_LOR, .slot = -1, .read = arm_sysreg_zero,
     .trap = trap_lor},
    {SLOT(TPIDR_EL0, 0, 0, RW), .feature = ALWAYS, .mask = ~0ull},
    {SLOT(TPIDRRO_EL0, 0, 1, RW), .feature = ALWAYS, .mask = ~0ull},
    {SLOT(TPIDR_EL1, 1, 1, RW), .feature = ALWAYS, .mask = ~0ull},
    {SLOT(SCXTNUM_EL0, 0, 0, 0), .feature = ARM_FEAT_CSV2_2, .mask = ~0ull, .trap = trap_scxt},
    {SLOT(SCXTNUM_EL1, 1, 1, 0), .feature = ARM_FEAT_CSV2_2, .mask = ~0ull, .trap = trap_scxt},
};
const unsigned arm_el1_n_regs = ARRAY_LEN(arm_el1_regs);
