/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions: noting, routing, entry to AArch64 (Arm ARM D1.3), and ERET (D1.3.4). Entry to AArch32 is in
 * exception_a32.c.
 *
 * Thread: the vCPU's own.
 */
#include <inttypes.h>
#include "base/log.h"
#include "target/arm/exception.h"
#include "target/arm/mmu.h"
#include "target/arm/regs.h"

void arm_note(ArmEnv *env, ArmFaultKind kind, uint32_t syndrome, unsigned target_el, uint64_t far)
{
    env->fault = (ArmFault){.kind = kind, .target_el = target_el, .esr = syndrome, .far = far};
}

void arm_raise(ArmEnv *env, ArmFaultKind kind, uint32_t syndrome, unsigned target_el, uint64_t far)
{
    arm_note(env, kind, syndrome, target_el, far);
    tcg_raise(env);
}

void arm_raise_undef(ArmEnv *env)
{
    arm_raise(env, ARM_FAULT_UNDEF, arm_syndrome(EC_UNKNOWN, 0), 0, 0);
}

/* ---- entry to AArch64 ---- */

static uint32_t ec_of(uint64_t esr)
{
    return esr >> ARM_EC_SHIFT & 0x3f;
}

/* Classes that come in pairs: from a lower level (even), from the same one (odd). */
static bool is_paired(uint32_t ec)
{
    return ec == EC_IABT || ec == EC_IABT_LOWER || ec == EC_DABT || ec == EC_DABT_LOWER ||
           (ec >= EC_BKPT_LOWER && ec <= EC_WATCH);
}

static bool has_far(uint32_t ec)
{
    return ec == EC_IABT || ec == EC_IABT_LOWER || ec == EC_DABT || ec == EC_DABT_LOWER || ec == EC_PC_ALIGN ||
           ec == EC_WATCH || ec == EC_WATCH_LOWER;
}

/* Offset of the vector: by where the exception comes from (D1.3.1, table D1-5). */
static uint64_t vector_group(const ArmEnv *env, unsigned target)
{
    unsigned el = arm_el(env);
    bool lower_a32;

    if (target == el) {
        return env->s.pstate & PSTATE_SPSEL ? 0x200 : 0;
    }
    if (target == 1 || arm_host_el0(env)) {
        lower_a32 = arm_is_a32(env);
    } else if (target == 2) {
        lower_a32 = arm_el_is_a32(env, 1);
    } else {
        lower_a32 = arm_el_is_a32(env, arm_el2_enabled(env) ? 2 : 1);
    }
    return lower_a32 ? 0x600 : 0x400;
}

/* PSTATE at the first instruction of the handler (D1.3.1; AArch64.TakeException). */
static uint32_t entry_pstate(const ArmEnv *env, unsigned target)
{
    const ArmCpuConfig *c = env->config;
    uint64_t sctlr = env->s.sr[target == 1 ? ARM_SR_SCTLR_EL1 : target == 2 ? ARM_SR_SCTLR_EL2 : ARM_SR_SCTLR_EL3];
    uint32_t p = arm_pstate(env) & (PSTATE_NZCV | PSTATE_DIT | PSTATE_PAN);

    p |= PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F | target << PSTATE_EL_SHIFT | PSTATE_SPSEL;
    if (!arm_has(c, ARM_FEAT_DIT)) {
        p &= ~PSTATE_DIT;
    }
    if (!arm_has(c, ARM_FEAT_PAN)) {
        p &= ~PSTATE_PAN;
    } else if ((target == 1 || (target == 2 && arm_host_el0(env))) && !(sctlr & SCTLR_SPAN)) {
        p |= PSTATE_PAN;
    }
    if (arm_has(c, ARM_FEAT_SSBS) && (sctlr & SCTLR_DSSBS)) {
        p |= PSTATE_SSBS;
    }
    return arm_has(c, ARM_FEAT_MTE) ? p | PSTATE_TCO : p;
}

/* s.pstate as SPSR_ELx gets it. */
static uint64_t saved_pstate(const ArmEnv *env)
{
    return arm_pstate(env);
}

void arm_enter_a64(ArmEnv *env, unsigned target, unsigned offset, uint64_t return_pc)
{
    static const uint16_t vbar[4] = {0, ARM_SR_VBAR_EL1, ARM_SR_VBAR_EL2, ARM_SR_VBAR_EL3};
    uint64_t vector = env->s.sr[vbar[target]] + vector_group(env, target) + offset;
    uint32_t p = entry_pstate(env, target);

    env->s.spsr[target] = saved_pstate(env);
    env->s.elr[target] = return_pc;
    env->s.halted = 0;
    arm_set_pstate(env, p);
    env->s.pc = vector;
    tcg_poll(env);
}

static const uint16_t esr_slot[4] = {0, ARM_SR_ESR_EL1, ARM_SR_ESR_EL2, ARM_SR_ESR_EL3};
static const uint16_t far_slot[4] = {0, ARM_SR_FAR_EL1, ARM_SR_FAR_EL2, ARM_SR_FAR_EL3};

void arm_set_esr(ArmEnv *env, unsigned target, uint64_t esr)
{
    env->s.sr[esr_slot[target]] = esr;
}

/* SCR_EL3.EASE: a synchronous external abort that EL3 takes enters where SErrors do (AArch64.Abort()). */
static unsigned vector_offset(const ArmEnv *env, const ArmFault *f, unsigned target)
{
    unsigned fsc = f->esr & 0x3f;
    bool abort = f->kind == ARM_FAULT_PREFETCH || f->kind == ARM_FAULT_DATA;
    bool external = fsc == FSC_EXTERNAL || (fsc & ~3u) == FSC_EXTERNAL_WALK;

    return target == 3 && abort && external && (env->s.sr[ARM_SR_SCR_EL3] & SCR_EASE) ? ARM_VECTOR_SERROR : ARM_VECTOR_SYNC;
}

static void deliver_a64(ArmEnv *env, const ArmFault *f, unsigned target)
{
    uint64_t esr = f->esr;
    uint32_t ec = ec_of(esr);

    if (is_paired(ec)) {
        ec = (ec & ~1u) | (target == arm_el(env));
        esr = (esr & ~(0x3full << ARM_EC_SHIFT)) | (uint64_t)ec << ARM_EC_SHIFT;
    }
    arm_set_esr(env, target, esr);
    if (has_far(ec)) {
        env->s.sr[far_slot[target]] = f->far;
    }
    if (target == 2 && (f->kind == ARM_FAULT_PREFETCH || f->kind == ARM_FAULT_DATA)) {
        env->s.sr[ARM_SR_HPFAR_EL2] = f->hpfar;
    }
    arm_enter_a64(env, target, vector_offset(env, f, target), f->has_preferred ? f->preferred : env->s.pc);
}

bool arm_deliver(void *opaque)
{
    ArmEnv *env = opaque;

    arm_fault_describe(env);
    ArmFault f = env->fault;
    unsigned target = f.target_el ? f.target_el : arm_sync_target(env);

    env->fault.kind = ARM_FAULT_NONE;
    if (f.kind == ARM_FAULT_FPX) {
        arm_fp_again(env);
        return true;
    }
    log_mask(LOG_INT, "exception EL%u -> EL%u esr=%08" PRIx64 " far=%016" PRIx64 " pc=%016" PRIx64 "\n", arm_el(env),
             target, f.esr, f.far, env->s.pc);
    if (arm_el_is_a32(env, target)) {
        arm_deliver_a32(env, &f, target);
    } else {
        deliver_a64(env, &f, target);
    }
    return true;
}

/* ---- helpers that make exceptions ---- */

uint64_t helper_exception(void *opaque, uint64_t syndrome, uint64_t target, uint64_t return_pc)
{
    ArmEnv *env = opaque;

    arm_note(env, ARM_FAULT_SYNC, (uint32_t)syndrome, (unsigned)target, env->s.pc);
    env->fault.preferred = return_pc;
    env->fault.has_preferred = true;
    tcg_raise(env);
}

uint64_t helper_undef(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    arm_raise_undef(opaque);
}

static void G_GNUC_NORETURN call_exception(ArmEnv *env, ArmFaultKind kind, ArmEc ec, uint64_t imm, unsigned target,
                                           uint64_t return_pc)
{
    env->s.pstate &= ~PSTATE_SS; /* software step: the instruction is done */
    arm_note(env, kind, arm_syndrome(ec, (uint32_t)imm & 0xffff), target, 0);
    env->fault.preferred = return_pc;
    env->fault.has_preferred = true;
    tcg_raise(env);
}

uint64_t helper_svc(void *opaque, uint64_t imm, uint64_t return_pc, uint64_t c)
{
    call_exception(opaque, ARM_FAULT_SVC, arm_is_a32(opaque) ? EC_SVC32 : EC_SVC, imm, 0, return_pc);
}

/* HVC is UNDEFINED at EL0, without EL2, and where it is disabled (C6.2.118). */
static bool hvc_undefined(const ArmEnv *env)
{
    const ArmCpuConfig *c = env->config;

    if (arm_el(env) == 0 || !arm_has(c, ARM_FEAT_EL2) || (arm_el(env) < 2 && !arm_el2_enabled(env))) {
        return true;
    }
    if (arm_has(c, ARM_FEAT_EL3)) {
        return !(env->s.sr[ARM_SR_SCR_EL3] & SCR_HCE);
    }
    return env->s.sr[ARM_SR_HCR_EL2] & HCR_HCD;
}

uint64_t helper_hvc(void *opaque, uint64_t imm, uint64_t return_pc, uint64_t c)
{
    ArmEnv *env = opaque;

    if (env->config->psci == ARM_PSCI_HVC && arm_el(env) > 0 && arm_psci_call(env, return_pc)) {
        return 0;
    }
    if (hvc_undefined(env)) {
        arm_raise_undef(env);
    }
    call_exception(env, ARM_FAULT_HVC, arm_is_a32(env) ? EC_HVC32 : EC_HVC, imm, MAX(2, arm_el(env)), return_pc);
}

uint64_t helper_smc(void *opaque, uint64_t imm, uint64_t return_pc, uint64_t c)
{
    ArmEnv *env = opaque;
    bool el3 = arm_has(env->config, ARM_FEAT_EL3);

    if (arm_el(env) == 0) {
        arm_raise_undef(env);
    }
    if (arm_el(env) == 1 && (arm_hcr(env) & HCR_TSC)) {
        bool conduit = env->config->psci == ARM_PSCI_SMC;
        if (el3 || conduit) { /* the return address is that of the SMC itself (D1.3.5) */
            call_exception(env, ARM_FAULT_SMC, arm_is_a32(env) ? EC_SMC32 : EC_SMC, arm_is_a32(env) ? 0 : imm, 2,
                           env->s.pc);
        }
    }
    if (env->config->psci == ARM_PSCI_SMC && arm_psci_call(env, return_pc)) {
        return 0;
    }
    if (!el3 || (env->s.sr[ARM_SR_SCR_EL3] & SCR_SMD)) {
        arm_raise_undef(env);
    }
    call_exception(env, ARM_FAULT_SMC, arm_is_a32(env) ? EC_SMC32 : EC_SMC, arm_is_a32(env) ? 0 : imm, 3, return_pc);
}

uint64_t helper_stage_fault(void *opaque, uint64_t va, uint64_t write, uint64_t c)
{
    ArmEnv *env = opaque;

    arm_note_align(env, va);
    if (write) {
        env->fault.esr |= 1 << 6; /* WnR */
        env->fault.fsr |= 1 << 11;
    }
    tcg_raise(env);
}

/* ---- ERET ---- */

/* May execution go on in that state? (D1.3.4, Illegal return events) */
static bool legal_return(const ArmEnv *env, uint32_t spsr)
{
    const ArmCpuConfig *c = env->config;
    unsigned target = arm_pstate_el(env, spsr), el = arm_el(env);
    bool a32 = spsr & PSTATE_NRW;

    if (a32) {
        uint32_t mode = spsr & CPSR_M;
        bool known = mode == ARM_MODE_USR || mode == ARM_MODE_FIQ || mode == ARM_MODE_IRQ || mode == ARM_MODE_SVC ||
                     mode == ARM_MODE_ABT || mode == ARM_MODE_UND || mode == ARM_MODE_SYS || mode == ARM_MODE_HYP;
        if (!known) {
            return false;
        }
    } else if ((spsr & 2) || (target == 0 && (spsr & PSTATE_SPSEL))) {
        return false;
    }
    if (target > el || (target == 2 && !arm_el2_enabled(env)) || (target == 3 && !arm_has(c, ARM_FEAT_EL3))) {
        return false;
    }
    if (target == 1 && (arm_hcr(env) & HCR_TGE)) {
        return false;
    }
    if (target == 0) {
        /* EL0 may be either where EL1 is AArch64, and is AArch32 where EL1 is. */
        bool el1_a32 = arm_host_el0(env) ? false : arm_el_is_a32(env, 1);
        return a32 ? arm_has(c, ARM_FEAT_AA32) : !el1_a32;
    }
    return a32 == arm_el_is_a32(env, target);
}

/* The bits of an SPSR that PSTATE has in that state on this processor. */
uint32_t arm_pstate_mask(const ArmCpuConfig *c, bool a32)
{
    uint32_t m = PSTATE_NZCV | PSTATE_SS | PSTATE_IL | PSTATE_A | PSTATE_I | PSTATE_F | CPSR_M;

    m |= arm_has(c, ARM_FEAT_DIT) ? PSTATE_DIT : 0;
    m |= arm_has(c, ARM_FEAT_PAN) ? PSTATE_PAN : 0;
    if (a32) {
        m |= CPSR_Q | 3u << CPSR_IT_LO_SHIFT | 0x3fu << CPSR_IT_HI_SHIFT | 15u << CPSR_GE_SHIFT | CPSR_E | CPSR_T;
        return arm_has(c, ARM_FEAT_SSBS) ? m | CPSR_SSBS : m;
    }
    m |= PSTATE_D | (arm_has(c, ARM_FEAT_UAO) ? PSTATE_UAO : 0) | (arm_has(c, ARM_FEAT_SSBS) ? PSTATE_SSBS : 0);
    m |= arm_has(c, ARM_FEAT_BTI) ? 3u << PSTATE_BTYPE_SHIFT : 0;
    return m | (arm_has(c, ARM_FEAT_MTE) ? PSTATE_TCO : 0);
}

/* An instruction address loses its tag where TBI applies to it (AArch64.BranchAddr). */
static uint64_t branch_address(const ArmEnv *env, uint64_t pc)
{
    unsigned high = pc >> 55 & 1;

    if (!(env->mode >> (MODE_TBID_SHIFT + high) & 1)) {
        return pc;
    }
    unsigned mmu = (unsigned)arm_mode_mmu(env->mode);
    if (mmu == ARM_MMU_E2 || mmu == ARM_MMU_E3) {
        return pc & ~(0xffull << 56); /* one range: no sign to extend */
    }
    return (uint64_t)((int64_t)(pc << 8) >> 8);
}

static void illegal_return(ArmEnv *env, uint32_t spsr, uint64_t pc)
{
    uint32_t keep = PSTATE_NRW | 3u << PSTATE_EL_SHIFT | PSTATE_SPSEL | PSTATE_SSBS;
    uint32_t take = PSTATE_NZCV | PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F | PSTATE_DIT | PSTATE_PAN | PSTATE_UAO |
                    PSTATE_TCO;

    log_mask(LOG_GUEST_ERROR, "ERET from EL%u with illegal SPSR 0x%08x\n", arm_el(env), spsr);
    take &= arm_pstate_mask(env->config, false);
    arm_set_pstate(env, (arm_pstate(env) & keep) | (spsr & take) | PSTATE_IL);
    env->s.pc = pc;
}

uint64_t helper_eret(void *opaque, uint64_t pc, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    uint32_t spsr = (uint32_t)env->s.spsr[arm_el(env)];
    bool a32 = spsr & PSTATE_NRW;

    env->s.excl_valid = 0;
    env->s.event = 1;
    if (!legal_return(env, spsr)) {
        illegal_return(env, spsr, pc);
    } else {
        uint32_t p = spsr & arm_pstate_mask(env->config, a32);
        p &= arm_step_kept(env, spsr) ? ~0u : ~PSTATE_SS;
        arm_set_pstate(env, p);
        env->s.pc = a32 ? (uint32_t)pc & (p & CPSR_T ? ~1u : ~3u) : branch_address(env, pc);
    }
    log_mask(LOG_INT, "return to EL%u pstate=%08x pc=%016" PRIx64 "\n", arm_el(env), env->s.pstate, env->s.pc);
    arm_poll_interrupts(env);
    return 0;
}
