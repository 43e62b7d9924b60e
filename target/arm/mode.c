/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mode word (env.h): what decoding and translation depend on, out of PSTATE and the control registers.
 *
 * Thread: the vCPU's own.
 */
#include <stdlib.h>
#include <string.h>

#include "target/arm/system.h"
#include "target/arm/regs.h"

/* Of the regime that the current level's accesses are translated by. */
uint64_t arm_sctlr(const ArmEnv *env, unsigned el)
{
    static const uint16_t slot[4] = {ARM_SR_SCTLR_EL1, ARM_SR_SCTLR_EL1, ARM_SR_SCTLR_EL2, ARM_SR_SCTLR_EL3};

    if (el == 0 && arm_host_el0(env)) {
        el = 2;
    } else if (el == 0 && !env->config->aarch64 && arm_secure_below_el3(env)) {
        el = 3;
    }
    return env->s.sr[slot[el]];
}

/* ---- who traps FP, Advanced SIMD and SVE ---- */

/* A two-bit enable (CPACR_EL1.FPEN, ZEN, CPTR_EL2's with E2H): are accesses of el trapped? */
static bool enable_traps(unsigned field, unsigned el)
{
    return field == 0 || field == 2 || (field == 1 && el == 0);
}

/* shift: of the field in CPACR and, with E2H, CPTR_EL2; tfp: the bit of CPTR_EL2 without. */
static unsigned trap_el(const ArmEnv *env, unsigned el, unsigned shift, uint64_t tfp)
{
    const uint64_t *sr = env->s.sr;
    uint64_t hcr = arm_hcr(env), cptr = sr[ARM_SR_CPTR_EL2];

    /* Armv5 has no CPACR: there FPEXC alone enables. */
    if (el <= 1 && arm_has(env->config, ARM_FEAT_V6) && !arm_host_el0(env) && enable_traps(sr[ARM_SR_CPACR_EL1] >> shift & 3, el)) {
        return arm_sync_target(env);
    }
    if (el > 2 || !arm_el2_enabled(env)) {
        return 0;
    }
    if (hcr & HCR_E2H) {
        return enable_traps(cptr >> shift & 3, (hcr & HCR_TGE) ? el : 1) ? 2 : 0;
    }
    return cptr & tfp ? 2 : 0;
}

/* Non-secure state below an EL3 in AArch32. */
static bool nsacr_counts(const ArmEnv *env)
{
    return arm_has(env->config, ARM_FEAT_EL3) && !env->config->aarch64 && !arm_secure(env);
}

bool arm_a32_simd_disabled(const ArmEnv *env)
{
    return (env->s.sr[ARM_SR_CPACR_A32] & CPACR_ASEDIS) ||
           (nsacr_counts(env) && (env->s.sr[ARM_SR_NSACR] & NSACR_NSASEDIS));
}

unsigned arm_fp_trap_el(const ArmEnv *env, unsigned el)
{
    const ArmCpuConfig *c = env->config;
    unsigned to = trap_el(env, el, CPACR_FPEN_SHIFT, CPTR_TFP);

    if (to) {
        return to;
    }
    if (arm_is_a32(env) && el < 3 && nsacr_counts(env) && !(env->s.sr[ARM_SR_NSACR] & BIT64(10))) {
        return arm_sync_target(env); /* NSACR.cp10: UNDEFINED there */
    }
    return arm_has(c, ARM_FEAT_EL3) && (env->s.sr[ARM_SR_CPTR_EL3] & CPTR_TFP) ? 3 : 0;
}

unsigned arm_sve_trap_el(const ArmEnv *env, unsigned el)
{
    unsigned to = trap_el(env, el, CPACR_ZEN_SHIFT, CPTR_TZ);

    if (to) {
        return to;
    }
    return arm_has(env->config, ARM_FEAT_EL3) && !(env->s.sr[ARM_SR_CPTR_EL3] & CPTR3_EZ) ? 3 : 0;
}

unsigned arm_sve_vq(const ArmEnv *env, unsigned el)
{
    const ArmCpuConfig *c = env->config;
    unsigned vq = c->sve_vq_max;

    if (el <= 1 && !arm_host_el0(env)) {
        vq = MIN(vq, (unsigned)(env->s.sr[ARM_SR_ZCR_EL1] & 15) + 1);
    }
    if (el <= 2 && arm_el2_enabled(env)) {
        vq = MIN(vq, (unsigned)(env->s.sr[ARM_SR_ZCR_EL2] & 15) + 1);
    }
    if (arm_has(c, ARM_FEAT_EL3)) {
        vq = MIN(vq, (unsigned)(env->s.sr[ARM_SR_ZCR_EL3] & 15) + 1);
    }
    while (vq > 1 && !(c->sve_vq_map >> (vq - 1) & 1)) {
        vq--;
    }
    return vq;
}

void arm_sve_narrow(ArmEnv *env)
{
    unsigned vq = arm_sve_vq(env, arm_el(env));

    for (int i = 0; i < 32; i++) {
        memset(env->s.z[i].b + 16 * vq, 0, sizeof(env->s.z[i].b) - 16 * vq);
    }
    for (int i = 0; i < 17; i++) {
        memset(env->s.p[i].b + 2 * vq, 0, sizeof(env->s.p[i].b) - 2 * vq);
    }
}

/* ---- pieces of the word ---- */

static uint64_t mmu_bits(const ArmEnv *env, unsigned el)
{
    uint64_t hcr = arm_hcr(env);
    bool pan = env->s.pstate & PSTATE_PAN, uao = !arm_is_a32(env) && (env->s.pstate & PSTATE_UAO);
    unsigned own, user;

    switch (el) {
    case 0:
        own = user = arm_host_el0(env) ? ARM_MMU_E20_0 : ARM_MMU_E10_0;
        break;
    case 1:
        own = pan ? ARM_MMU_E10_1_PAN : ARM_MMU_E10_1;
        user = uao ? own : ARM_MMU_E10_0;
        break;
    case 2:
        own = !(hcr & HCR_E2H) ? ARM_MMU_E2 : pan ? ARM_MMU_E20_2_PAN : ARM_MMU_E20_2;
        user = arm_host_el0(env) && !uao ? ARM_MMU_E20_0 : own;
        break;
    default:
        own = ARM_MMU_E3;
        user = env->config->aarch64 ? own : ARM_MMU_E10_0;
    }
    return (uint64_t)own << MODE_MMU_SHIFT | (uint64_t)user << MODE_UNPRIV_SHIFT;
}

static uint64_t fp_bits(const ArmEnv *env, unsigned el)
{
    uint32_t fpcr = env->s.fpcr;
    uint64_t m = (uint64_t)arm_fp_trap_el(env, el) << MODE_FP_EL_SHIFT;

    m |= (uint64_t)(fpcr >> FPCR_RMODE_SHIFT & 3) << MODE_FP_RM_SHIFT;
    if (fpcr & (FPCR_AH | FPCR_NEP | FPCR_FIZ | FPCR_FZ16 | FPCR_FZ | FPCR_DN)) {
        m |= MODE_FPX;
    }
    return m;
}

#define HCR_TRAPS                                                                                                      \
    (HCR_TWI | HCR_TWE | HCR_TID0 | HCR_TID1 | HCR_TID2 | HCR_TID3 | HCR_TID4 | HCR_TID5 | HCR_TIDCP | HCR_TACR |      \
     HCR_TSW | HCR_TPCP | HCR_TPU | HCR_TTLB | HCR_TVM | HCR_TRVM | HCR_TLOR | HCR_TERR | HCR_AT | HCR_TICAB |         \
     HCR_TOCU | HCR_TTLBIS | HCR_TTLBOS)

/* Traps of system instructions beyond what the level and other bits of the word say. */
static bool any_trap(const ArmEnv *env, unsigned el)
{
    const ArmCpuConfig *c = env->config;
    const uint64_t *sr = env->s.sr;

    if (el <= 1 && arm_el2_enabled(env)) {
        uint64_t hcr = arm_hcr(env);
        bool cptr_trap = sr[ARM_SR_CPTR_EL2] & CPTR_TCPAC;
        bool apk = arm_has(c, ARM_FEAT_PAuth) && (hcr & (HCR_APK | HCR_API)) != (HCR_APK | HCR_API);
        bool scxt = arm_has(c, ARM_FEAT_CSV2_2) && !(hcr & HCR_EnSCXT);
        bool ata = arm_has(c, ARM_FEAT_MTE) && !(hcr & HCR_ATA);

        if ((hcr & HCR_TRAPS) || cptr_trap || apk || scxt || ata || sr[ARM_SR_HSTR_EL2] ||
            (sr[ARM_SR_MDCR_EL2] & (MDCR_TPMCR | MDCR_TPM | MDCR_TDE | MDCR_TDA | MDCR_TDOSA | MDCR_TDRA))) {
            return true;
        }
    }
    if (el <= 2 && arm_has(c, ARM_FEAT_EL3) && c->aarch64) {
        uint64_t scr = sr[ARM_SR_SCR_EL3];

        if ((scr & (SCR_TWI | SCR_TWE | SCR_TLOR | SCR_TERR)) || (sr[ARM_SR_CPTR_EL3] & CPTR_TCPAC) ||
            (sr[ARM_SR_MDCR_EL3] & (MDCR_TPM | MDCR_TDA | MDCR_TDOSA)) ||
            (arm_has(c, ARM_FEAT_PAuth) && (scr & (SCR_APK | SCR_API)) != (SCR_APK | SCR_API)) ||
            (arm_has(c, ARM_FEAT_CSV2_2) && !(scr & SCR_EnSCXT)) || (arm_has(c, ARM_FEAT_MTE) && !(scr & SCR_ATA))) {
            return true;
        }
    }
    /* SCTLR.nTWI, nTWE, TSCXT: clear or set, they concern EL0 only. */
    return el == 0 && ((arm_sctlr(env, 0) & (SCTLR_nTWI | SCTLR_nTWE)) != (SCTLR_nTWI | SCTLR_nTWE) ||
                       (arm_sctlr(env, 0) & SCTLR_TSCXT));
}

static uint64_t shared_bits(const ArmEnv *env, unsigned el, uint64_t sctlr)
{
    uint64_t m = (uint64_t)el << MODE_EL_SHIFT | mmu_bits(env, el) | fp_bits(env, el) | arm_debug_mode(env);

    m |= sctlr & SCTLR_A ? MODE_ALIGN : 0;
    m |= env->s.pstate & PSTATE_IL ? MODE_IL : 0;
    m |= arm_hcr(env) & HCR_TGE ? MODE_TGE : 0;
    m |= any_trap(env, el) ? MODE_FGT : 0;
    return m;
}

/* ---- AArch64 ---- */

/* Bit 0: addresses with bit 55 clear, bit 1: set (D8.8). One range has both the same. */
static uint64_t tbi_bits(const ArmEnv *env, unsigned mmu)
{
    const uint64_t *sr = env->s.sr;
    unsigned tbi, tbid;

    if (mmu == ARM_MMU_E2 || mmu == ARM_MMU_E3) {
        uint64_t tcr = sr[mmu == ARM_MMU_E2 ? ARM_SR_TCR_EL2 : ARM_SR_TCR_EL3];
        tbi = tcr & TCR_TBI_EL2 ? 3 : 0;
        tbid = tcr & TCR_TBID_EL2 ? 3 : 0;
    } else {
        bool e20 = mmu >= ARM_MMU_E20_0 && mmu <= ARM_MMU_E20_2_PAN;
        uint64_t tcr = sr[e20 ? ARM_SR_TCR_EL2 : ARM_SR_TCR_EL1];
        tbi = tcr >> 37 & 3;
        tbid = tcr >> 51 & 3;
    }
    if (!arm_has(env->config, ARM_FEAT_PAuth)) {
        tbid = 0;
    }
    return (uint64_t)tbi << MODE_TBI_SHIFT | (uint64_t)(tbi & ~tbid) << MODE_TBID_SHIFT;
}

static bool tags_allowed(const ArmEnv *env, unsigned el, uint64_t sctlr)
{
    const ArmCpuConfig *c = env->config;

    if (!arm_has(c, ARM_FEAT_MTE2)) {
        return false;
    }
    if (el < 3 && arm_has(c, ARM_FEAT_EL3) && !(env->s.sr[ARM_SR_SCR_EL3] & SCR_ATA)) {
        return false;
    }
    if (el < 2 && arm_el2_enabled(env) && !arm_host_el0(env) && !(arm_hcr(env) & HCR_ATA)) {
        return false;
    }
    return sctlr & (el == 0 ? SCTLR_ATA0 : SCTLR_ATA);
}

bool arm_tags_allowed(const ArmEnv *env)
{
    return tags_allowed(env, arm_el(env), arm_sctlr(env, arm_el(env)));
}

static bool checks_tags(const ArmEnv *env, unsigned el, uint64_t sctlr)
{
    unsigned tcf = sctlr >> (el == 0 ? SCTLR_TCF0_SHIFT : SCTLR_TCF_SHIFT) & 3;

    return tcf && tags_allowed(env, el, sctlr);
}

/* AArch64.AccessIsTagChecked(), but for what the address says. */
static uint64_t mte_bits(const ArmEnv *env, unsigned el, uint64_t sctlr, unsigned unpriv_mmu)
{
    bool user = unpriv_mmu == ARM_MMU_E10_0 || unpriv_mmu == ARM_MMU_E20_0;

    if (!arm_has(env->config, ARM_FEAT_MTE2) || (env->s.pstate & PSTATE_TCO)) {
        return 0;
    }
    return (checks_tags(env, el, sctlr) ? MODE_MTE : 0) |
           (checks_tags(env, user ? 0 : el, sctlr) ? MODE_MTE_UNPRIV : 0);
}

static uint64_t pauth_bits(const ArmEnv *env, uint64_t sctlr)
{
    uint64_t on = (sctlr & SCTLR_EnIA ? 1 : 0) | (sctlr & SCTLR_EnIB ? 2 : 0) | (sctlr & SCTLR_EnDA ? 4 : 0) |
                  (sctlr & SCTLR_EnDB ? 8 : 0);

    return arm_has(env->config, ARM_FEAT_PAuth) ? on << MODE_PAUTH_SHIFT : 0;
}

static uint64_t sve_bits(const ArmEnv *env, unsigned el)
{
    if (!arm_has(env->config, ARM_FEAT_SVE)) {
        return 0;
    }
    return (uint64_t)arm_sve_trap_el(env, el) << MODE_SVE_EL_SHIFT |
           (uint64_t)(arm_sve_vq(env, el) - 1) << MODE_VQ_SHIFT;
}

static uint64_t cache_bits(const ArmEnv *env, unsigned el, uint64_t sctlr)
{
    uint64_t hcr = arm_hcr(env), m = 0;

    if (el > 1 || !(hcr & HCR_TDZ)) {
        m |= el > 0 || (sctlr & SCTLR_DZE) ? MODE_DZE : 0;
    }
    m |= el > 0 || (sctlr & SCTLR_UCI) ? MODE_UCI : 0;
    return m | (el > 0 || (sctlr & SCTLR_UCT) ? MODE_UCT : 0);
}

static uint64_t a64_bits(const ArmEnv *env, unsigned el, uint64_t sctlr, unsigned mmu, unsigned unpriv_mmu)
{
    uint32_t p = env->s.pstate;
    uint64_t m = tbi_bits(env, mmu) | mte_bits(env, el, sctlr, unpriv_mmu) | pauth_bits(env, sctlr) | sve_bits(env, el) |
                 cache_bits(env, el, sctlr);

    m |= sctlr & (el == 0 ? SCTLR_E0E : SCTLR_EE) ? MODE_BE : 0;
    m |= sctlr & (el == 0 ? SCTLR_SA0 : SCTLR_SA) ? MODE_SA : 0;
    m |= (sctlr & SCTLR_nAA) && arm_has(env->config, ARM_FEAT_LSE2) ? MODE_nAA : 0;
    if (arm_has(env->config, ARM_FEAT_BTI)) {
        m |= sctlr & (el == 0 ? SCTLR_BT0 : SCTLR_BT1) ? MODE_BT : 0;
        m |= (uint64_t)(p >> PSTATE_BTYPE_SHIFT & 3) << MODE_BTYPE_SHIFT;
    }
    m |= el == 2 && (arm_hcr(env) & HCR_E2H) ? MODE_E2H : 0;
    return m | (p & PSTATE_SPSEL ? MODE_SPSEL : 0);
}

/* ---- AArch32 ---- */

/* Advanced SIMD alone (AArch32.CheckAdvSIMDOrFPEnabled); HCPTR is there where EL2 is AArch32. */
static uint64_t simd_bits(const ArmEnv *env, unsigned el)
{
    uint64_t m = 0;

    if (el != 2 && !(el == 0 && !arm_el_is_a32(env, 1)) && arm_a32_simd_disabled(env)) {
        m |= MODE_ASE_UNDEF;
    }
    if (el <= 2 && !env->config->aarch64 && arm_has(env->config, ARM_FEAT_EL2) && !arm_secure(env)) {
        bool tase = (env->s.sr[ARM_SR_CPTR_EL2] & HCPTR_TASE) ||
                    (nsacr_counts(env) && (env->s.sr[ARM_SR_NSACR] & NSACR_NSASEDIS));
        m |= tase ? MODE_ASE_HYP : 0;
    }
    return m;
}

static uint64_t a32_bits(const ArmEnv *env, unsigned el, uint64_t sctlr)
{
    uint32_t p = env->s.pstate, fpcr = env->s.fpcr;
    uint32_t it = (p >> CPSR_IT_LO_SHIFT & 3) | (p >> CPSR_IT_HI_SHIFT & 0x3f) << 2;
    uint64_t m = MODE_A32 | (uint64_t)it << MODE_IT_SHIFT | (uint64_t)(p & CPSR_M) << MODE_M_SHIFT;

    m |= p & CPSR_E ? MODE_BE : 0;
    m |= p & CPSR_T ? MODE_T32 : 0;
    m |= (uint64_t)(fpcr >> FPCR_LEN_SHIFT & 7) << MODE_VFP_LEN_SHIFT;
    m |= (uint64_t)(fpcr >> FPCR_STRIDE_SHIFT & 3) << MODE_VFP_STRIDE_SHIFT;
    if (arm_has(env->config, ARM_FEAT_V8)) {
        m |= sctlr & SCTLR_ITD ? MODE_ITD : 0;
        m |= sctlr & SCTLR_SED ? MODE_SED : 0;
    }
    /* FPEXC is not looked at below an EL1 in AArch64 (AArch32.CheckAdvSIMDOrFPEnabled) */
    bool fpexc = !(el == 0 && !arm_el_is_a32(env, 1));
    m |= !fpexc || (env->s.sr[ARM_SR_FPEXC32_EL2] & FPEXC_EN) ? MODE_VFP_EN : 0;
    m |= simd_bits(env, el);
    return m | (el <= 1 && arm_el2_enabled(env) && env->s.sr[ARM_SR_HSTR_EL2] ? MODE_CP15_TRAP : 0);
}

void arm_update_mode(ArmEnv *env)
{
    unsigned el = arm_pstate_el(env, env->s.pstate);
    uint64_t before = env->mode;

    env->mode = el; /* arm_el() is asked below */
    uint64_t sctlr = arm_sctlr(env, el), m = shared_bits(env, el, sctlr);
    m |= arm_is_a32(env) ? a32_bits(env, el, sctlr) : a64_bits(env, el, sctlr, arm_mode_mmu(m), arm_mode_unpriv_mmu(m));
    env->mode = m;
    if ((before ^ m) & MODE_A32) { /* on the way between C and generated code alone */
        arm_fp_renew(env);
    }
}

ArmEnv *arm_env_parked(Cpu *cpu)
{
    ArmEnv *env = aligned_alloc(alignof(ArmEnv), sizeof(ArmEnv));

    memset(env, 0, sizeof(*env));
    env->cpu = cpu;
    env->priv = arm_cpu(cpu);
    env->config = &env->priv->config;
    env->s = *(const ArmState *)cpu->state;
    arm_update_mode(env);
    return env;
}
