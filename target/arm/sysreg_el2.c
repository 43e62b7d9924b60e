/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System registers of EL2 and EL3 (Arm ARM D17.2).
 *
 * Thread: the vCPU's own.
 */
#include "target/arm/exception.h"
#include "target/arm/sysreg_rows.h"

/* ---- HCR_EL2 ---- */

static uint64_t hcr_mask(const ArmCpuConfig *c)
{
    uint64_t m = MASK64(0, 34);

    if (arm_has(c, ARM_FEAT_EL3)) {
        m &= ~HCR_HCD;
    } else {
        m &= ~HCR_TSC | (c->psci == ARM_PSCI_SMC ? HCR_TSC : 0);
    }
    m |= arm_has(c, ARM_FEAT_VHE) ? HCR_E2H : 0;
    m |= arm_has(c, ARM_FEAT_RAS) ? HCR_TERR | HCR_TEA : 0;
    m |= arm_has(c, ARM_FEAT_LOR) ? HCR_TLOR : 0;
    m |= arm_has(c, ARM_FEAT_PAuth) ? HCR_APK | HCR_API : 0;
    m |= arm_has(c, ARM_FEAT_MTE) ? HCR_ATA | HCR_DCT | HCR_TID5 : 0;
    m |= arm_has(c, ARM_FEAT_CSV2_2) ? HCR_EnSCXT : 0;
    m |= arm_has(c, ARM_FEAT_S2FWB) ? HCR_FWB : 0;
    return m | (arm_has(c, ARM_FEAT_EVT) ? HCR_TTLBIS | HCR_TTLBOS | HCR_TICAB | HCR_TOCU | HCR_TID4 : 0);
}

static void write_hcr(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    uint64_t old = env->s.sr[ARM_SR_HCR_EL2];

    v &= hcr_mask(env->config);
    if (!arm_has(env->config, ARM_FEAT_AA32_EL1)) {
        v |= HCR_RW; /* RAO/WI */
    }
    env->s.sr[ARM_SR_HCR_EL2] = v;
    arm_update_mode(env);
    arm_regime_changed(env, r->reg.key, old, v);
    arm_poll_interrupts(env);
}

/* ---- CPTR_EL2, whose layout follows E2H ---- */

static uint64_t read_cptr(ArmEnv *env, const ArmSysRegDef *r)
{
    uint64_t v = env->s.sr[ARM_SR_CPTR_EL2];

    if (arm_hcr(env) & HCR_E2H) {
        return v;
    }
    v |= 0x32ff; /* RES1 */
    return arm_has(env->config, ARM_FEAT_SVE) ? v : v | CPTR_TZ;
}

static void write_cptr(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    uint64_t m;

    if (env->s.sr[ARM_SR_HCR_EL2] & HCR_E2H) {
        m = CPTR_TCPAC | 3ull << CPACR_FPEN_SHIFT;
        m |= arm_has(env->config, ARM_FEAT_SVE) ? 3ull << CPACR_ZEN_SHIFT : 0;
    } else {
        m = CPTR_TCPAC | CPTR_TFP | (arm_has(env->config, ARM_FEAT_SVE) ? CPTR_TZ : 0);
        m |= !env->config->aarch64 && arm_has(env->config, ARM_FEAT_NEON) ? HCPTR_TASE : 0;
    }
    env->s.sr[ARM_SR_CPTR_EL2] = v & m;
    arm_update_mode(env);
}

static int trap_cptr(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_el(env) == 2 && arm_has(env->config, ARM_FEAT_EL3) && (env->s.sr[ARM_SR_CPTR_EL3] & CPTR_TCPAC) ? 3 : 0;
}

static int trap_sve(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    *ec = EC_SVE;
    return (int)arm_sve_trap_el(env, arm_el(env));
}

static int trap_scxt(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_trap_unless(env, HCR_EnSCXT, SCR_EnSCXT);
}

static int trap_tags(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_trap_unless(env, HCR_ATA, SCR_ATA);
}

static int trap_hcrx(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_trap_unless(env, 0, SCR_HXEn);
}

static void write_zcr(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    arm_sysreg_store(env, r, v);
    arm_update_mode(env);
    arm_sve_narrow(env);
}

static void write_mdcr(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    arm_sysreg_store(env, r, v);
    arm_debug_changed(env);
    arm_update_mode(env);
}

/* ---- SCR_EL3 ---- */

static uint64_t scr_mask(const ArmCpuConfig *c)
{
    uint64_t m = SCR_NS | SCR_IRQ | SCR_FIQ | SCR_EA | SCR_SMD | SCR_HCE | SCR_SIF | SCR_RW | SCR_ST | SCR_TWI | SCR_TWE;

    if (!c->aarch64) {
        m |= SCR_FW | SCR_AW;
    }
    m |= arm_has(c, ARM_FEAT_RAS) ? SCR_TERR : 0;
    m |= arm_has(c, ARM_FEAT_LOR) ? SCR_TLOR : 0;
    m |= arm_has(c, ARM_FEAT_PAuth) ? SCR_APK | SCR_API : 0;
    m |= arm_has(c, ARM_FEAT_SEL2) ? SCR_EEL2 : 0;
    m |= arm_has(c, ARM_FEAT_DoubleFault) ? SCR_EASE | SCR_NMEA : 0;
    m |= arm_has(c, ARM_FEAT_CSV2_2) ? SCR_EnSCXT : 0;
    m |= arm_has(c, ARM_FEAT_MTE) ? SCR_ATA : 0;
    m |= arm_has(c, ARM_FEAT_HCX) ? SCR_HXEn : 0;
    return m | (arm_has(c, ARM_FEAT_ECV) ? SCR_ECVEn : 0);
}

static void write_scr(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    uint64_t old = env->s.sr[ARM_SR_SCR_EL3];

    v &= scr_mask(env->config);
    if (!arm_has(env->config, ARM_FEAT_AA32_EL1) && env->config->aarch64) {
        v |= SCR_RW;
    }
    env->s.sr[ARM_SR_SCR_EL3] = v;
    arm_update_mode(env);
    arm_regime_changed(env, r->reg.key, old, v);
    arm_security_changed(env);
    arm_poll_interrupts(env);
}

#define RW (SR_INLINE_R | SR_INLINE_W)
#define EL2(n, fl) {SLOT(n, 2, 2, fl), .feature = ARM_FEAT_EL2, .mask = ~0ull}
#define EL2_REGIME(n) {SLOT(n, 2, 2, SR_INLINE_R | SR_END), .feature = ARM_FEAT_EL2, .mask = ~0ull,                   \
                       .write = arm_sysreg_store_regime}
#define EL3(n, fl) {SLOT(n, 3, 3, fl), .feature = ARM_FEAT_EL3, .mask = ~0ull}
#define EL3_REGIME(n) {SLOT(n, 3, 3, SR_INLINE_R | SR_END), .feature = ARM_FEAT_EL3, .mask = ~0ull,                   \
                       .write = arm_sysreg_store_regime}
/* AArch32's registers that EL2 saves for its guests; there where EL1 can use AArch32, else reserved (D17.2). */
#define EL2_A32(n) {SLOT(n, 2, 2, 0), .feature = ARM_FEAT_AA32_EL1, .mask = UINT32_MAX, .trap = trap_needs_el2}

/* With EL3 but without EL2 they are there for EL3. */
static int trap_needs_el2(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_has(env->config, ARM_FEAT_EL2) || arm_el(env) == 3 ? 0 : -1;
}

static void write_fpexc(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    env->s.sr[ARM_SR_FPEXC32_EL2] = v & FPEXC_EN;
    arm_update_mode(env);
}

/* In these rows `mask` is the index of spsr_bank. */
static uint64_t read_spsr_bank(ArmEnv *env, const ArmSysRegDef *r)
{
    return env->s.spsr_bank[r->mask];
}

static void write_spsr_bank(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    env->s.spsr_bank[r->mask] = (uint32_t)v;
}

#define SPSR_BANK(n, op2, bank) {SR3(n, 4, 4, 3, op2, 2, 2, 0), .feature = ARM_FEAT_AA32_EL1, .slot = -1,             \
                                 .mask = bank, .read = read_spsr_bank, .write = write_spsr_bank,                      \
                                 .trap = trap_needs_el2}

const ArmSysRegDef arm_el2_regs[] = {
    EL2(VPIDR_EL2, RW),
    EL2(VMPIDR_EL2, RW),
    EL2_REGIME(SCTLR_EL2),
    {SLOT(ACTLR_EL2, 2, 2, 0), .feature = ARM_FEAT_EL2, .mask = 0},
    {SLOT(HCR_EL2, 2, 2, SR_INLINE_R | SR_END), .feature = ARM_FEAT_EL2, .write = write_hcr},
    {SLOT(MDCR_EL2, 2, 2, SR_INLINE_R | SR_END), .feature = ARM_FEAT_EL2, .mask = 0x1fff | MDCR_HPMD | MDCR_HCCD,
     .write = write_mdcr},
    {SLOT(CPTR_EL2, 2, 2, SR_END), .feature = ARM_FEAT_EL2, .read = read_cptr, .write = write_cptr, .trap = trap_cptr},
    {SLOT(HSTR_EL2, 2, 2, SR_END), .feature = ARM_FEAT_EL2, .mask = 0xbfef, .write = arm_sysreg_store_mode},
    {SLOT(HACR_EL2, 2, 2, 0), .feature = ARM_FEAT_EL2, .mask = 0},
    {SLOT(ZCR_EL2, 2, 2, SR_END), .feature = ARM_FEAT_SVE, .mask = 15, .write = write_zcr, .trap = trap_sve},
    {SLOT(HCRX_EL2, 2, 2, SR_END), .feature = ARM_FEAT_HCX, .mask = 0, .trap = trap_hcrx},
    EL2_REGIME(TTBR0_EL2),
    {SLOT(TTBR1_EL2, 2, 2, SR_INLINE_R | SR_END), .feature = ARM_FEAT_VHE, .mask = ~0ull,
     .write = arm_sysreg_store_regime},
    EL2_REGIME(TCR_EL2),
    EL2_REGIME(VTTBR_EL2),
    EL2_REGIME(VTCR_EL2),
    {SLOT(VSTTBR_EL2, 2, 2, SR_END), .feature = ARM_FEAT_SEL2, .mask = ~0ull, .write = arm_sysreg_store_regime},
    {SLOT(VSTCR_EL2, 2, 2, SR_END), .feature = ARM_FEAT_SEL2, .mask = ~0ull, .write = arm_sysreg_store_regime},
    EL2_A32(DACR32_EL2),
    EL2_A32(IFSR32_EL2),
    {SLOT(FPEXC32_EL2, 2, 2, SR_END), .feature = ARM_FEAT_AA32_EL1, .write = write_fpexc, .trap = trap_needs_el2},
    {FIELD("SPSR_EL2", 4, 4, 0, 0, 2, 2, RW, spsr[2]), .feature = ARM_FEAT_EL2, .mask = ~0ull},
    {FIELD("ELR_EL2", 4, 4, 0, 1, 2, 2, RW, elr[2]), .feature = ARM_FEAT_EL2, .mask = ~0ull},
    SPSR_BANK("SPSR_irq", 0, ARM_SPSR_IRQ),
    SPSR_BANK("SPSR_abt", 1, ARM_SPSR_ABT),
    SPSR_BANK("SPSR_und", 2, ARM_SPSR_UND),
    SPSR_BANK("SPSR_fiq", 3, ARM_SPSR_FIQ),
    {SLOT(AFSR0_EL2, 2, 2, 0), .feature = ARM_FEAT_EL2, .mask = 0},
    {SLOT(AFSR1_EL2, 2, 2, 0), .feature = ARM_FEAT_EL2, .mask = 0},
    EL2(ESR_EL2, RW),
    {SLOT(VSESR_EL2, 2, 2, 0), .feature = ARM_FEAT_RAS, .mask = 0x1ffffff, .trap = trap_needs_el2},
    {SLOT(VDISR_EL2, 2, 2, 0), .feature = ARM_FEAT_RAS, .mask = 0x81ffffff, .trap = trap_needs_el2},
    {SLOT(TFSR_EL2, 2, 2, 0), .feature = ARM_FEAT_MTE2, .mask = 3, .trap = trap_tags},
    EL2(FAR_EL2, RW),
    EL2(HPFAR_EL2, RW),
    EL2_REGIME(MAIR_EL2),
    {SLOT(AMAIR_EL2, 2, 2, 0), .feature = ARM_FEAT_EL2, .mask = 0},
    {SLOT(VBAR_EL2, 2, 2, SR_INLINE_R), .feature = ARM_FEAT_EL2, .mask = ~0x7ffull},
    {SLOT(CONTEXTIDR_EL2, 2, 2, SR_INLINE_R | SR_END), .feature = ARM_FEAT_VHE, .mask = UINT32_MAX,
     .write = arm_sysreg_store_regime},
    EL2(TPIDR_EL2, RW),
    {SLOT(SCXTNUM_EL2, 2, 2, 0), .feature = ARM_FEAT_CSV2_2, .mask = ~0ull, .trap = trap_scxt},
};
const unsigned arm_el2_n_regs = ARRAY_LEN(arm_el2_regs);

const ArmSysRegDef arm_el3_regs[] = {
    EL3_REGIME(SCTLR_EL3),
    {SLOT(ACTLR_EL3, 3, 3, 0), .feature = ARM_FEAT_EL3, .mask = 0},
    {SLOT(SCR_EL3, 3, 3, SR_INLINE_R | SR_END), .feature = ARM_FEAT_EL3, .write = write_scr},
    {SLOT(SDER32_EL3, 3, 3, 0), .feature = ARM_FEAT_AA32_EL1, .mask = 3},
    {SLOT(CPTR_EL3, 3, 3, SR_INLINE_R | SR_END), .feature = ARM_FEAT_EL3, .mask = CPTR_TCPAC | CPTR_TFP | CPTR3_EZ,
     .write = arm_sysreg_store_mode},
    {SLOT(ZCR_EL3, 3, 3, SR_END), .feature = ARM_FEAT_SVE, .mask = 15, .write = write_zcr, .trap = trap_sve},
    {SLOT(MDCR_EL3, 3, 3, SR_INLINE_R | SR_END), .feature = ARM_FEAT_EL3,
     .mask = MDCR_TPM | MDCR_TDA | MDCR_TDOSA | MDCR3_SDD | MDCR3_SPME | 3ull << 14 | MDCR3_SCCD, .write = write_mdcr},
    EL3_REGIME(TTBR0_EL3),
    EL3_REGIME(TCR_EL3),
    {FIELD("SPSR_EL3", 6, 4, 0, 0, 3, 3, RW, spsr[3]), .feature = ARM_FEAT_EL3, .mask = ~0ull},
    {FIELD("ELR_EL3", 6, 4, 0, 1, 3, 3, RW, elr[3]), .feature = ARM_FEAT_EL3, .mask = ~0ull},
    {SLOT(AFSR0_EL3, 3, 3, 0), .feature = ARM_FEAT_EL3, .mask = 0},
    {SLOT(AFSR1_EL3, 3, 3, 0), .feature = ARM_FEAT_EL3, .mask = 0},
    EL3(ESR_EL3, RW),
    {SLOT(TFSR_EL3, 3, 3, 0), .feature = ARM_FEAT_MTE2, .mask = 3},
    EL3(FAR_EL3, RW),
    EL3_REGIME(MAIR_EL3),
    {SLOT(AMAIR_EL3, 3, 3, 0), .feature = ARM_FEAT_EL3, .mask = 0},
    {SLOT(VBAR_EL3, 3, 3, SR_INLINE_R), .feature = ARM_FEAT_EL3, .mask = ~0x7ffull},
    EL3(TPIDR_EL3, RW),
    {SLOT(SCXTNUM_EL3, 3, 3, 0), .feature = ARM_FEAT_CSV2_2, .mask = ~0ull},
};
const unsigned arm_el3_n_regs = ARRAY_LEN(arm_el3_regs);
