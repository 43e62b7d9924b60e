/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions whose handler is in AArch32 (Arm ARM G1.12), exception returns and CPSR writes of AArch32.
 *
 * Target level 3 is Secure PL1 where EL3 uses AArch32; Monitor mode is entered for SMC and what SCR routes to it.
 *
 * Thread: the vCPU's own.
 */
#include "base/log.h"
#include "target/arm/exception.h"
#include "target/arm/regs.h"

/* One entry: mode, vector, what it masks. */
typedef struct A32Entry {
    uint8_t mode, vector;
    uint32_t masks;
    uint64_t lr;
} A32Entry;

static uint64_t *secure_slot(ArmEnv *env, bool secure, ArmSr ns, ArmSr s)
{
    return &env->s.sr[secure ? s : ns];
}

/* Does Secure state with EL3 in AArch32 have the banked copies in use? */
static bool banked_secure(const ArmEnv *env)
{
    return !env->config->aarch64 && arm_secure_below_el3(env) && arm_has(env->config, ARM_FEAT_EL3);
}

static uint32_t vector_base(const ArmEnv *env, unsigned mode, bool secure)
{
    const uint64_t *sr = env->s.sr;

    if (mode == ARM_MODE_HYP) {
        return (uint32_t)sr[ARM_SR_VBAR_EL2];
    }
    if (mode == ARM_MODE_MON) {
        return (uint32_t)sr[ARM_SR_MVBAR];
    }
    if (sr[secure ? ARM_SR_SCTLR_EL3 : ARM_SR_SCTLR_EL1] & SCTLR_V) {
        return 0xffff0000;
    }
    return (uint32_t)sr[secure ? ARM_SR_VBAR_EL3 : ARM_SR_VBAR_EL1];
}

void arm_a32_set_spsr(ArmEnv *env, unsigned mode, uint32_t spsr)
{
    switch (mode) {
    case ARM_MODE_SVC:
        env->s.spsr[1] = spsr;
        break;
    case ARM_MODE_HYP:
        env->s.spsr[2] = spsr;
        break;
    case ARM_MODE_MON:
        env->s.spsr[3] = spsr;
        break;
    case ARM_MODE_ABT:
        env->s.spsr_bank[ARM_SPSR_ABT] = spsr;
        break;
    case ARM_MODE_UND:
        env->s.spsr_bank[ARM_SPSR_UND] = spsr;
        break;
    case ARM_MODE_IRQ:
        env->s.spsr_bank[ARM_SPSR_IRQ] = spsr;
        break;
    default:
        env->s.spsr_bank[ARM_SPSR_FIQ] = spsr;
    }
}

/* CPSR at the handler (AArch32.EnterMode and its kind). */
static uint32_t entry_cpsr(const ArmEnv *env, const A32Entry *e, uint64_t sctlr)
{
    const ArmCpuConfig *c = env->config;
    uint32_t keep = PSTATE_NZCV | CPSR_Q | 15u << CPSR_GE_SHIFT | PSTATE_DIT | CPSR_PAN | CPSR_A | CPSR_I | CPSR_F;
    uint32_t p = (arm_pstate(env) & keep) | e->masks | e->mode;

    p |= sctlr & SCTLR_EE ? CPSR_E : 0;
    p |= (sctlr & SCTLR_TE) && arm_has(c, ARM_FEAT_THUMB2) ? CPSR_T : 0;
    if (!arm_has(c, ARM_FEAT_PAN)) {
        p &= ~CPSR_PAN;
    } else if (e->mode != ARM_MODE_HYP && !(sctlr & SCTLR_SPAN)) {
        p |= CPSR_PAN;
    }
    return arm_has(c, ARM_FEAT_SSBS) && (sctlr & SCTLR_DSSBS_A32) ? p | CPSR_SSBS : p;
}

static void enter(ArmEnv *env, const A32Entry *e)
{
    bool mon = e->mode == ARM_MODE_MON, hyp = e->mode == ARM_MODE_HYP;
    uint32_t spsr = arm_pstate(env);
    bool from_mon = (env->s.pstate & (PSTATE_NRW | CPSR_M)) == ARM_MODE_MON;

    if (from_mon) {
        env->s.sr[ARM_SR_SCR_EL3] &= ~SCR_NS; /* G1.12.1 */
    }
    bool secure = banked_secure(env);
    uint64_t sctlr = env->s.sr[hyp ? ARM_SR_SCTLR_EL2 : mon || secure ? ARM_SR_SCTLR_EL3 : ARM_SR_SCTLR_EL1];
    uint32_t base = vector_base(env, e->mode, secure);

    env->s.halted = 0;
    arm_set_pstate(env, entry_cpsr(env, e, sctlr));
    arm_a32_set_spsr(env, e->mode, spsr);
    if (hyp) {
        env->s.elr[2] = (uint32_t)e->lr;
    } else {
        env->s.x[14] = (uint32_t)e->lr;
    }
    env->s.pc = base + e->vector;
    tcg_poll(env);
}

static uint32_t hyp_masks(const ArmEnv *env)
{
    uint64_t scr = arm_has(env->config, ARM_FEAT_EL3) ? env->s.sr[ARM_SR_SCR_EL3] : 0;

    return (scr & SCR_EA ? 0 : CPSR_A) | (scr & SCR_IRQ ? 0 : CPSR_I) | (scr & SCR_FIQ ? 0 : CPSR_F);
}

/* ---- synchronous ---- */

enum { V_UNDEF = 4, V_SVC = 8, V_PREFETCH = 0xc, V_DATA = 0x10, V_HYP = 0x14, V_IRQ = 0x18, V_FIQ = 0x1c };

static uint8_t hyp_vector(const ArmEnv *env, const ArmFault *f)
{
    if (arm_el(env) < 2) {
        return V_HYP;
    }
    switch (f->kind) {
    case ARM_FAULT_PREFETCH:
        return V_PREFETCH;
    case ARM_FAULT_DATA:
        return V_DATA;
    case ARM_FAULT_SVC:
    case ARM_FAULT_HVC:
        return V_SVC;
    default:
        return V_UNDEF;
    }
}

static void deliver_hyp(ArmEnv *env, const ArmFault *f, uint64_t pc)
{
    A32Entry e = {.mode = ARM_MODE_HYP, .vector = hyp_vector(env, f), .masks = hyp_masks(env), .lr = pc};

    env->s.sr[ARM_SR_ESR_EL2] = f->esr;
    if (f->kind == ARM_FAULT_PREFETCH) {
        env->s.sr[ARM_SR_FAR_EL2] = deposit64(env->s.sr[ARM_SR_FAR_EL2], 32, 32, f->far);
        env->s.sr[ARM_SR_HPFAR_EL2] = f->hpfar;
    } else if (f->kind == ARM_FAULT_DATA) {
        env->s.sr[ARM_SR_FAR_EL2] = deposit64(env->s.sr[ARM_SR_FAR_EL2], 0, 32, f->far);
        env->s.sr[ARM_SR_HPFAR_EL2] = f->hpfar;
    }
    enter(env, &e);
}

static void abort_registers(ArmEnv *env, const ArmFault *f)
{
    bool s = banked_secure(env);
    uint64_t *far = secure_slot(env, s, ARM_SR_FAR_EL1, ARM_SR_FAR_EL3);

    if (f->kind == ARM_FAULT_PREFETCH) {
        *secure_slot(env, s, ARM_SR_IFSR32_EL2, ARM_SR_IFSR_S) = f->fsr;
        *far = deposit64(*far, 32, 32, f->far);
    } else {
        *secure_slot(env, s, ARM_SR_ESR_EL1, ARM_SR_ESR_EL3) = f->fsr;
        *far = deposit64(*far, 0, 32, f->far);
    }
}

/* Is CPSR.A masked too? Not by Non-secure code that SCR.AW forbids (before EL2 was there). */
static uint32_t abort_mask(const ArmEnv *env)
{
    bool may = !arm_has(env->config, ARM_FEAT_EL3) || arm_has(env->config, ARM_FEAT_EL2) || arm_secure_below_el3(env) ||
               (env->s.sr[ARM_SR_SCR_EL3] & SCR_AW);

    return may && arm_has(env->config, ARM_FEAT_V6) ? CPSR_A : 0;
}

void arm_deliver_a32(ArmEnv *env, const ArmFault *f, unsigned target)
{
    uint64_t pc = f->has_preferred ? f->preferred : env->s.pc;
    bool thumb = arm_is_a32(env) && (env->s.pstate & CPSR_T);

    if (target == 2) {
        deliver_hyp(env, f, pc);
        return;
    }
    A32Entry e = {.mode = ARM_MODE_UND, .vector = V_UNDEF, .masks = CPSR_I, .lr = env->s.pc + (thumb ? 2 : 4)};
    switch (f->kind) {
    case ARM_FAULT_SVC:
        e = (A32Entry){ARM_MODE_SVC, V_SVC, CPSR_I, pc};
        break;
    case ARM_FAULT_SMC:
        e = (A32Entry){ARM_MODE_MON, V_SVC, CPSR_A | CPSR_I | CPSR_F, pc};
        break;
    case ARM_FAULT_PREFETCH:
        abort_registers(env, f);
        e = (A32Entry){ARM_MODE_ABT, V_PREFETCH, CPSR_I | abort_mask(env), env->s.pc + 4};
        break;
    case ARM_FAULT_DATA:
        abort_registers(env, f);
        e = (A32Entry){ARM_MODE_ABT, V_DATA, CPSR_I | abort_mask(env), env->s.pc + 8};
        break;
    default:
        break; /* all else is UNDEFINED in AArch32 */
    }
    enter(env, &e);
}

/* ---- asynchronous ---- */

void arm_interrupt_a32(ArmEnv *env, unsigned target, unsigned offset, uint32_t fsr)
{
    bool fiq = offset == ARM_VECTOR_FIQ, irq = offset == ARM_VECTOR_IRQ;
    uint64_t route = fiq ? SCR_FIQ : irq ? SCR_IRQ : SCR_EA;
    A32Entry e = {.mode = fiq ? ARM_MODE_FIQ : irq ? ARM_MODE_IRQ : ARM_MODE_ABT,
                  .vector = fiq ? V_FIQ : irq ? V_IRQ : V_DATA,
                  .masks = CPSR_I | abort_mask(env) | (fiq ? CPSR_F : 0),
                  .lr = env->s.pc + (fiq || irq ? 4 : 8)};

    if (target == 2) {
        e.mode = ARM_MODE_HYP;
        e.masks = hyp_masks(env);
        e.lr = env->s.pc;
        if (!fiq && !irq) {
            env->s.sr[ARM_SR_ESR_EL2] = fsr;
        }
    } else if (target == 3 && (env->s.sr[ARM_SR_SCR_EL3] & route)) {
        e.mode = ARM_MODE_MON;
        e.masks = CPSR_A | CPSR_I | CPSR_F;
    }
    if (e.mode == ARM_MODE_ABT) {
        /* Asynchronous external abort: status 0b10110 short, 0b010001 long (G8.2.40). */
        bool secure = banked_secure(env);
        bool lpae = env->s.sr[secure ? ARM_SR_TCR_EL3 : ARM_SR_TCR_EL1] >> 31 & 1;
        *secure_slot(env, secure, ARM_SR_ESR_EL1, ARM_SR_ESR_EL3) = lpae ? 1u << 9 | 0x11 : 1u << 10 | 6;
    }
    enter(env, &e);
}

/* ---- returns and CPSR ---- */

static bool known_mode(const ArmEnv *env, uint32_t mode)
{
    switch (mode) {
    case ARM_MODE_USR: case ARM_MODE_FIQ: case ARM_MODE_IRQ: case ARM_MODE_SVC: case ARM_MODE_ABT: case ARM_MODE_UND:
    case ARM_MODE_SYS:
        return true;
    case ARM_MODE_HYP:
        return arm_has(env->config, ARM_FEAT_EL2);
    case ARM_MODE_MON:
        return arm_has(env->config, ARM_FEAT_EL3) && !env->config->aarch64;
    default:
        return false;
    }
}

/* May this mode be entered from the current one by an exception return or a write to CPSR? (G1.9.2, G1.13.2) */
bool arm_a32_may_enter(const ArmEnv *env, uint32_t mode)
{
    unsigned el, now = arm_el(env);

    if (!known_mode(env, mode)) {
        return false;
    }
    el = arm_pstate_el(env, PSTATE_NRW | mode);
    if (mode == ARM_MODE_HYP && (!arm_el2_enabled(env) || arm_secure_below_el3(env))) {
        return false;
    }
    if (el == 1 && (arm_hcr(env) & HCR_TGE)) {
        return false;
    }
    return el <= now;
}

uint64_t helper_a32_exc_return(void *opaque, uint64_t pc, uint64_t cpsr, uint64_t c)
{
    ArmEnv *env = opaque;
    uint32_t spsr = (uint32_t)cpsr, p = spsr & arm_pstate_mask(env->config, true);

    env->s.excl_valid = 0;
    env->s.event = 1;
    p &= arm_step_kept(env, spsr) ? ~0u : ~PSTATE_SS;
    if (!arm_a32_may_enter(env, spsr & CPSR_M)) {
        log_mask(LOG_GUEST_ERROR, "illegal return to mode 0x%02x\n", spsr & CPSR_M);
        p = (p & ~CPSR_M) | (env->s.pstate & CPSR_M) | (arm_has(env->config, ARM_FEAT_V8) ? PSTATE_IL : 0);
    }
    arm_set_pstate(env, p);
    env->s.pc = (uint32_t)pc & (p & CPSR_T ? ~1u : ~3u);
    arm_poll_interrupts(env);
    return 0;
}

/*
 * Bits that the current level may write: never T, IT, J and IL (CPSRWriteByInstr()); User mode no masks and no mode; A and F
 * are SCR's to guard (G1.9.1).
 */
static uint32_t writable(const ArmEnv *env, uint32_t mask)
{
    uint64_t scr = env->s.sr[ARM_SR_SCR_EL3];

    mask &= arm_cpsr_to_pstate(~(CPSR_J | CPSR_IL)) & ~(PSTATE_NRW | PSTATE_SS | PSTATE_IL);
    mask &= ~(CPSR_T | 3u << CPSR_IT_LO_SHIFT | 0x3fu << CPSR_IT_HI_SHIFT);
    if (arm_el(env) == 0) {
        return mask & (PSTATE_NZCV | CPSR_Q | 15u << CPSR_GE_SHIFT | CPSR_E | PSTATE_DIT | CPSR_SSBS);
    }
    if (arm_has(env->config, ARM_FEAT_EL3) && !arm_has(env->config, ARM_FEAT_EL2) && !arm_secure(env)) {
        mask &= scr & SCR_FW ? ~0u : ~CPSR_F;
        mask &= scr & SCR_AW ? ~0u : ~CPSR_A;
    }
    return mask;
}

uint64_t helper_cpsr_write(void *opaque, uint64_t value, uint64_t mask, uint64_t c)
{
    ArmEnv *env = opaque;
    uint32_t v = arm_cpsr_to_pstate((uint32_t)value), m = writable(env, arm_cpsr_to_pstate((uint32_t)mask));

    m &= arm_pstate_mask(env->config, true) | CPSR_M;
    if ((m & CPSR_M) && ((v ^ env->s.pstate) & CPSR_M & m)) {
        uint32_t to = v & CPSR_M, now = env->s.pstate & CPSR_M;
        /* A write neither enters nor leaves Hyp mode, and enters Monitor mode from Secure PL1 only. */
        bool ok = arm_a32_may_enter(env, to) && to != ARM_MODE_HYP && now != ARM_MODE_HYP &&
                  (to != ARM_MODE_MON || arm_secure(env));
        if (!ok) {
            log_mask(LOG_GUEST_ERROR, "CPSR write to mode 0x%02x from 0x%02x\n", to, now);
            m &= ~CPSR_M;
            v |= PSTATE_IL;
            m |= arm_has(env->config, ARM_FEAT_V8) ? PSTATE_IL : 0;
        }
    }
    m &= ~PSTATE_NRW; /* stays in AArch32; the other four bits of M change */
    arm_set_pstate(env, (arm_pstate(env) & ~m) | (v & m));
    arm_poll_interrupts(env);
    return 0;
}

/* ---- MRS and MSR (banked register), F5.1.118: SYSm says whose ---- */

static const uint8_t group_mode[8] = {ARM_MODE_USR, ARM_MODE_FIQ, ARM_MODE_IRQ, ARM_MODE_SVC, ARM_MODE_ABT,
                                      ARM_MODE_UND, ARM_MODE_MON, ARM_MODE_HYP};

/* Where SYSm with R = 0 lives; NULL: not accessible so. */
static uint32_t *banked_register(ArmEnv *env, unsigned sysm)
{
    unsigned n = sysm & 7;

    if (sysm < 8) { /* R8_usr..R12_usr, SP_usr, LR_usr */
        if (n < 5) {
            return (env->s.pstate & CPSR_M) == ARM_MODE_FIQ ? &env->s.fiq_r8[n] : NULL;
        }
        return n == 5 ? arm_bank_r13(env, ARM_MODE_USR) : n == 6 ? arm_bank_r14(env, ARM_MODE_USR) : NULL;
    }
    if (sysm < 16) {
        return n < 5 ? &env->s.fiq_r8[n] : n == 5 ? arm_bank_r13(env, ARM_MODE_FIQ)
                                         : n == 6 ? arm_bank_r14(env, ARM_MODE_FIQ) : NULL;
    }
    unsigned group = 2 + (sysm - 16) / 2; /* LR, SP of irq, svc, abt, und; mon at 28, hyp at 30 */
    if (sysm >= 24 && sysm < 28) {
        return NULL;
    }
    if (sysm >= 28) {
        group = sysm >= 30 ? 7 : 6;
    }
    return sysm & 1 ? arm_bank_r13(env, group_mode[group]) : arm_bank_r14(env, group_mode[group]);
}

/* The mode whose register it is; the current one's are accessed by their own names: UNPREDICTABLE, taken as UNDEFINED. */
static unsigned banked_mode(unsigned sysm)
{
    if (sysm < 16) {
        return group_mode[sysm >> 3];
    }
    return group_mode[sysm >= 30 ? 7 : sysm >= 28 ? 6 : 2 + (sysm - 16) / 2 % 4];
}

static bool banked_allowed(const ArmEnv *env, unsigned sysm, bool spsr)
{
    unsigned mode = banked_mode(sysm), now = env->s.pstate & CPSR_M;

    if (arm_el(env) == 0 || now == mode || (now == ARM_MODE_SYS && mode == ARM_MODE_USR)) {
        return false;
    }
    if (mode == ARM_MODE_HYP) {
        return (now == ARM_MODE_MON || (now == ARM_MODE_HYP && sysm == 30 && !spsr)) && arm_has(env->config, ARM_FEAT_EL2);
    }
    if (mode == ARM_MODE_MON) {
        return arm_secure(env) && arm_has(env->config, ARM_FEAT_EL3) && !env->config->aarch64;
    }
    return true;
}

uint32_t arm_a32_spsr(const ArmEnv *env, unsigned mode)
{
    switch (mode) {
    case ARM_MODE_SVC:
        return (uint32_t)env->s.spsr[1];
    case ARM_MODE_HYP:
        return (uint32_t)env->s.spsr[2];
    case ARM_MODE_MON:
        return (uint32_t)env->s.spsr[3];
    case ARM_MODE_ABT:
        return env->s.spsr_bank[ARM_SPSR_ABT];
    case ARM_MODE_UND:
        return env->s.spsr_bank[ARM_SPSR_UND];
    case ARM_MODE_IRQ:
        return env->s.spsr_bank[ARM_SPSR_IRQ];
    default:
        return env->s.spsr_bank[ARM_SPSR_FIQ];
    }
}

uint64_t helper_mode_banked_read(void *opaque, uint64_t sysm, uint64_t r, uint64_t c)
{
    ArmEnv *env = opaque;
    bool elr = sysm == 30 && !r;

    if (!elr && !banked_allowed(env, (unsigned)sysm, r)) {
        arm_raise_undef(env);
    }
    if (r) {
        return arm_a32_spsr(env, banked_mode((unsigned)sysm));
    }
    if (elr) {
        if (!banked_allowed(env, 30, false)) {
            arm_raise_undef(env);
        }
        return (uint32_t)env->s.elr[2];
    }
    const uint32_t *p = banked_register(env, (unsigned)sysm);
    /* R8_usr..R12_usr outside FIQ mode are the current ones. */
    return p ? *p : sysm < 5 ? (uint32_t)env->s.x[8 + sysm] : 0;
}

uint64_t helper_mode_banked_write(void *opaque, uint64_t sysm, uint64_t r, uint64_t value)
{
    ArmEnv *env = opaque;

    if (!banked_allowed(env, (unsigned)sysm, r)) {
        arm_raise_undef(env);
    }
    if (r) {
        arm_a32_set_spsr(env, banked_mode((unsigned)sysm), arm_cpsr_to_pstate((uint32_t)value));
    } else if (sysm == 30) {
        env->s.elr[2] = (uint32_t)value;
    } else {
        uint32_t *p = banked_register(env, (unsigned)sysm);
        if (p) {
            *p = (uint32_t)value;
        } else if (sysm < 5) {
            env->s.x[8 + sysm] = (uint32_t)value;
        }
    }
    return 0;
}
