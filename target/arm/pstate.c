/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PSTATE, the stack pointers and banked registers that follow it, Exception levels and what enables them
 * (Arm ARM D1, G1.8). The mode word is in mode.c.
 *
 * Thread: the vCPU's own.
 */
#include "target/arm/system.h"
#include "target/arm/pmu.h"
#include "target/arm/regs.h"

/* ---- flags ---- */

uint64_t arm_cc_from_nzcv(uint32_t nzcv)
{
    return (nzcv >> 31 & 1) << 7 | (nzcv >> 30 & 1) << 6 | (~nzcv >> 29 & 1) | (nzcv >> 28 & 1) << 11;
}

uint32_t arm_nzcv_from_cc(uint64_t cc)
{
    return (uint32_t)((cc >> 7 & 1) << 31 | (cc >> 6 & 1) << 30 | (~cc & 1) << 29 | (cc >> 11 & 1) << 28);
}

uint32_t arm_pstate(const ArmEnv *env)
{
    return (env->s.pstate & ~PSTATE_NZCV) | arm_nzcv_from_cc(env->cc);
}

/* ---- levels ---- */

static const ArmState *st(const ArmEnv *env)
{
    return &env->s;
}

bool arm_el_is_a32(const ArmEnv *env, unsigned el)
{
    const ArmCpuConfig *c = env->config;

    if (!c->aarch64) {
        return true;
    }
    if (!arm_has(c, ARM_FEAT_AA32) || el == 3) {
        return false;
    }
    if (el == 0 && arm_el(env) == 0) {
        return arm_is_a32(env);
    }
    if (!arm_has(c, ARM_FEAT_AA32_EL1)) {
        return false;
    }
    if (arm_has(c, ARM_FEAT_EL3) && !(st(env)->sr[ARM_SR_SCR_EL3] & SCR_RW)) {
        return true;
    }
    return el < 2 && arm_el2_enabled(env) && !(arm_hcr(env) & HCR_RW);
}

bool arm_secure_below_el3(const ArmEnv *env)
{
    return arm_has(env->config, ARM_FEAT_EL3) && !(st(env)->sr[ARM_SR_SCR_EL3] & SCR_NS);
}

bool arm_secure(const ArmEnv *env)
{
    if (!arm_has(env->config, ARM_FEAT_EL3)) {
        return false;
    }
    /* With EL3 in AArch32 all Secure PL1 modes are EL3, which this says as well. */
    return arm_pstate_el(env, st(env)->pstate) == 3 || arm_secure_below_el3(env);
}

bool arm_el2_enabled(const ArmEnv *env)
{
    if (!arm_has(env->config, ARM_FEAT_EL2)) {
        return false;
    }
    return !arm_secure_below_el3(env) ||
           (arm_has(env->config, ARM_FEAT_SEL2) && (st(env)->sr[ARM_SR_SCR_EL3] & SCR_EEL2));
}

/*
 * Level of a PSTATE or SPSR value. In AArch32 with EL3 in AArch32, Secure PL1 modes are EL3 (G1.7.1).
 */
unsigned arm_pstate_el(const ArmEnv *env, uint32_t pstate)
{
    if (!(pstate & PSTATE_NRW)) {
        return pstate >> PSTATE_EL_SHIFT & 3;
    }
    switch (pstate & CPSR_M) {
    case ARM_MODE_USR:
        return 0;
    case ARM_MODE_HYP:
        return 2;
    case ARM_MODE_MON:
        return 3;
    default:
        return !env->config->aarch64 && arm_secure_below_el3(env) ? 3 : 1;
    }
}

/* What {E2H, TGE} = {1, 1} turns off, as the descriptions of the fields say (D17.2.48). */
#define HCR_HOST_OFF                                                                                                   \
    (HCR_VM | HCR_SWIO | HCR_PTW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_VF | HCR_VI | HCR_VSE | HCR_FB | HCR_BSU | HCR_DC | \
     HCR_TWI | HCR_TWE | HCR_TID0 | HCR_TID1 | HCR_TID2 | HCR_TID3 | HCR_TSC | HCR_TIDCP | HCR_TACR | HCR_TSW |        \
     HCR_TPCP | HCR_TPU | HCR_TTLB | HCR_TVM | HCR_TDZ | HCR_HCD | HCR_TRVM | HCR_CD | HCR_ID | HCR_TLOR | HCR_TERR |  \
     HCR_NV | HCR_NV1 | HCR_NV2 | HCR_AT | HCR_TID4 | HCR_TICAB | HCR_TOCU | HCR_TTLBIS | HCR_TTLBOS | HCR_DCT |       \
     HCR_TID5 | HCR_FIEN)
/* What TGE alone turns off: EL1 does not exist then. */
#define HCR_TGE_OFF (HCR_VM | HCR_VF | HCR_VI | HCR_VSE | HCR_DC | HCR_PTW | HCR_FB | HCR_BSU)

uint64_t arm_hcr(const ArmEnv *env)
{
    uint64_t hcr = st(env)->sr[ARM_SR_HCR_EL2];

    if (!arm_el2_enabled(env)) {
        return 0;
    }
    if (!(hcr & HCR_TGE)) {
        /* Default cacheability turns stage 2 on (D17.2.48, DC). */
        return hcr & HCR_DC ? hcr | HCR_VM : hcr;
    }
    if (hcr & HCR_E2H) {
        return (hcr & ~HCR_HOST_OFF) | HCR_RW;
    }
    return (hcr & ~HCR_TGE_OFF) | HCR_FMO | HCR_IMO | HCR_AMO;
}

unsigned arm_sync_target(const ArmEnv *env)
{
    unsigned el = arm_el(env);

    if (el > 0) {
        return el;
    }
    if (arm_hcr(env) & HCR_TGE) {
        return 2;
    }
    return !env->config->aarch64 && arm_secure_below_el3(env) ? 3 : 1;
}

bool arm_host_el0(const ArmEnv *env)
{
    uint64_t hcr = arm_hcr(env);

    return (hcr & HCR_E2H) && (hcr & HCR_TGE);
}

/* ---- registers that follow PSTATE ---- */

static int bank_of(uint32_t mode)
{
    switch (mode & CPSR_M) {
    case ARM_MODE_HYP:
        return ARM_BANK_HYP;
    case ARM_MODE_SVC:
        return ARM_BANK_SVC;
    case ARM_MODE_ABT:
        return ARM_BANK_ABT;
    case ARM_MODE_UND:
        return ARM_BANK_UND;
    case ARM_MODE_IRQ:
        return ARM_BANK_IRQ;
    case ARM_MODE_FIQ:
        return ARM_BANK_FIQ;
    case ARM_MODE_MON:
        return ARM_BANK_MON;
    default:
        return ARM_BANK_USR;
    }
}

/* Hyp mode uses the R14 of User mode. */
static int lr_bank_of(uint32_t mode)
{
    int b = bank_of(mode);

    return b == ARM_BANK_HYP ? ARM_BANK_USR : b;
}

static void swap_fiq(ArmState *s)
{
    for (int i = 0; i < 5; i++) {
        uint32_t t = (uint32_t)s->x[8 + i];
        s->x[8 + i] = s->fiq_r8[i];
        s->fiq_r8[i] = t;
    }
}

static void save_banks(ArmState *s)
{
    uint32_t mode = s->pstate & CPSR_M;

    s->r13_bank[bank_of(mode)] = (uint32_t)s->x[13];
    s->r14_bank[lr_bank_of(mode)] = (uint32_t)s->x[14];
    if (mode == ARM_MODE_FIQ) {
        swap_fiq(s);
    }
}

static void load_banks(ArmState *s)
{
    uint32_t mode = s->pstate & CPSR_M;

    s->x[13] = s->r13_bank[bank_of(mode)];
    s->x[14] = s->r14_bank[lr_bank_of(mode)];
    if (mode == ARM_MODE_FIQ) {
        swap_fiq(s);
    }
}

/* X13..X23, X29, X30 hold AArch32's banked R13 and R14 (D1.8.2): bank, is it R14. */
static const struct {
    uint8_t x, bank, lr;
} a64_banks[] = {
    {13, ARM_BANK_USR, 0}, {14, ARM_BANK_USR, 1}, {15, ARM_BANK_HYP, 0}, {16, ARM_BANK_IRQ, 1}, {17, ARM_BANK_IRQ, 0},
    {18, ARM_BANK_SVC, 1}, {19, ARM_BANK_SVC, 0}, {20, ARM_BANK_ABT, 1}, {21, ARM_BANK_ABT, 0}, {22, ARM_BANK_UND, 1},
    {23, ARM_BANK_UND, 0}, {29, ARM_BANK_FIQ, 0}, {30, ARM_BANK_FIQ, 1},
};

/* From AArch32 to AArch64, banks saved: all registers become visible; upper halves are zero. */
static void banks_to_x(ArmState *s)
{
    for (int i = 0; i < 8; i++) {
        s->x[i] = (uint32_t)s->x[i];
    }
    for (int i = 0; i < 5; i++) {
        s->x[8 + i] = (uint32_t)s->x[8 + i];
        s->x[24 + i] = s->fiq_r8[i];
    }
    for (unsigned i = 0; i < ARRAY_LEN(a64_banks); i++) {
        s->x[a64_banks[i].x] = a64_banks[i].lr ? s->r14_bank[a64_banks[i].bank] : s->r13_bank[a64_banks[i].bank];
    }
}

static void x_to_banks(ArmState *s)
{
    for (unsigned i = 0; i < ARRAY_LEN(a64_banks); i++) {
        uint32_t *bank = a64_banks[i].lr ? s->r14_bank : s->r13_bank;
        bank[a64_banks[i].bank] = (uint32_t)s->x[a64_banks[i].x];
    }
    for (int i = 0; i < 5; i++) {
        s->fiq_r8[i] = (uint32_t)s->x[24 + i];
    }
    for (int i = 0; i < 13; i++) {
        s->x[i] = (uint32_t)s->x[i];
    }
}

static unsigned sp_index(uint32_t pstate)
{
    return pstate & PSTATE_SPSEL ? pstate >> PSTATE_EL_SHIFT & 3 : 0;
}

void arm_set_pstate(ArmEnv *env, uint32_t pstate)
{
    ArmState *s = &env->s;
    bool was32 = s->pstate & PSTATE_NRW, is32 = pstate & PSTATE_NRW;
    bool was_el3 = arm_pstate_el(env, s->pstate) == 3, counting = arm_pmu_active(env);

    if (counting) {
        arm_pmu_before(env);
    }
    if (was32) {
        save_banks(s);
    } else {
        s->sp_el[sp_index(s->pstate)] = s->sp;
    }
    if (was32 && !is32) {
        banks_to_x(s);
    } else if (!was32 && is32) {
        x_to_banks(s);
    }
    env->cc = arm_cc_from_nzcv(pstate);
    s->pstate = pstate & ~PSTATE_NZCV;
    if (is32) {
        load_banks(s);
    } else {
        s->sp = s->sp_el[sp_index(pstate)];
    }
    arm_update_mode(env);
    if (was_el3 != (arm_el(env) == 3)) {
        arm_security_changed(env);
    }
    if (counting) {
        arm_pmu_after(env);
    }
}

uint32_t *arm_bank_r13(ArmEnv *env, uint32_t mode)
{
    return &env->s.r13_bank[bank_of(mode)];
}

uint32_t *arm_bank_r14(ArmEnv *env, uint32_t mode)
{
    return &env->s.r14_bank[lr_bank_of(mode)];
}

/* ---- CPSR: as AArch32 shows it, where DIT is at another place and there is no SS (G8.2.33) ---- */

uint32_t arm_pstate_to_cpsr(uint32_t p)
{
    return (p & ~(PSTATE_SS | PSTATE_DIT)) | (p & PSTATE_DIT ? CPSR_DIT : 0);
}

uint32_t arm_cpsr(const ArmEnv *env)
{
    return arm_pstate_to_cpsr(arm_pstate(env));
}

uint32_t arm_cpsr_to_pstate(uint32_t cpsr)
{
    return (cpsr & ~(PSTATE_SS | PSTATE_DIT)) | (cpsr & CPSR_DIT ? PSTATE_DIT : 0);
}

void arm_done(ArmEnv *env, uint64_t next)
{
    const uint32_t low = 3u << CPSR_IT_LO_SHIFT, high = 0x3fu << CPSR_IT_HI_SHIFT;
    uint32_t p = env->s.pstate;

    env->s.pc = next;
    if ((p & PSTATE_NRW) && (p & (low | high))) {
        uint32_t it = arm_it_advance((uint8_t)((p >> CPSR_IT_LO_SHIFT & 3) | (p & high) >> CPSR_IT_HI_SHIFT << 2));
        env->s.pstate = (p & ~(low | high)) | (it & 3) << CPSR_IT_LO_SHIFT | (it >> 2) << CPSR_IT_HI_SHIFT;
        arm_update_mode(env);
    }
}
