/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a processor begins: at reset, with a kernel loaded directly, started by another one.
 *
 * Thread: main loop while the processors are stopped; arm_take_start() the vCPU's own.
 */
#include "target/arm/boot.h"
#include "target/arm/cpu.h"
#include "target/arm/regs.h"
#include "target/arm/start.h"
#include "target/arm/timer.h"

static uint32_t a64_pstate(unsigned el)
{
    return PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F | el << PSTATE_EL_SHIFT | PSTATE_SPSEL;
}

unsigned arm_highest_ns_el(const ArmCpuConfig *c)
{
    return arm_has(c, ARM_FEAT_EL2) ? 2 : 1;
}

/* AArch32 begins in Supervisor mode, as EL3 where there is one, or in Hyp mode (G1.17.1). */
static void reset_a32(const ArmCpuConfig *c, ArmState *s)
{
    bool hyp = arm_has(c, ARM_FEAT_EL2) && !arm_has(c, ARM_FEAT_EL3);

    s->pstate = CPSR_A | CPSR_I | CPSR_F | (hyp ? ARM_MODE_HYP : ARM_MODE_SVC);
    for (ArmSr r = 0; r < ARM_SR__COUNT; r++) {
        if (r == ARM_SR_SCTLR_EL1 || r == ARM_SR_SCTLR_EL2 || r == ARM_SR_SCTLR_EL3) {
            s->sr[r] = arm_a32_sctlr_reset(c);
        }
    }
}

void arm_config_reset(const ArmCpuConfig *c, ArmState *s)
{
    arm_state_reset(s);
    s->pc = c->reset_pc;
    s->powered_off = c->start_powered_off;
    s->sr[ARM_SR_CNTFRQ_EL0] = c->cnt_freq;
    s->sr[ARM_SR_VPIDR_EL2] = c->midr;
    s->sr[ARM_SR_VMPIDR_EL2] = c->mpidr;
    s->sr[ARM_SR_MDCR_EL2] = c->id[ARM_ID_PMCR_CONST] >> 11 & 0x1f; /* HPMN: all counters */
    if (arm_has(c, ARM_FEAT_PMUv3)) {
        s->sr[ARM_SR_PMCR_EL0] = c->id[ARM_ID_PMCR_CONST];
    }
    if (c->aarch64) {
        s->pstate = a64_pstate(arm_has(c, ARM_FEAT_EL3) ? 3 : arm_highest_ns_el(c));
    } else {
        reset_a32(c, s);
    }
    if (arm_has(c, ARM_FEAT_V8) && arm_has(c, ARM_FEAT_AA32)) {
        s->sr[ARM_SR_SCTLR_EL1] |= SCTLR_nTWI | SCTLR_nTWE;
    }
}

/* What firmware leaves at EL3 for Non-secure software (booting.rst's list; Trusted Firmware does the same). */
static void open_el3(const ArmCpuConfig *c, ArmState *s, bool a32)
{
    uint64_t scr = SCR_NS | SCR_HCE | (a32 ? 0 : SCR_RW);

    if (!c->aarch64) {
        s->sr[ARM_SR_SCR_EL3] = SCR_NS | SCR_HCE | SCR_FW | SCR_AW;
        s->sr[ARM_SR_NSACR] = 0xc00;
        return;
    }
    scr |= arm_has(c, ARM_FEAT_PAuth) ? SCR_APK | SCR_API : 0;
    scr |= arm_has(c, ARM_FEAT_MTE) ? SCR_ATA : 0;
    scr |= arm_has(c, ARM_FEAT_CSV2_2) ? SCR_EnSCXT : 0;
    scr |= arm_has(c, ARM_FEAT_ECV) ? SCR_ECVEn : 0;
    scr |= arm_has(c, ARM_FEAT_HCX) ? SCR_HXEn : 0;
    s->sr[ARM_SR_SCR_EL3] = scr;
    if (arm_has(c, ARM_FEAT_SVE)) {
        s->sr[ARM_SR_CPTR_EL3] |= CPTR3_EZ;
        s->sr[ARM_SR_ZCR_EL3] = 15;
    }
}

void arm_enter_direct(const ArmCpuConfig *c, ArmState *s, unsigned el, bool a32, uint64_t pc)
{
    if (arm_has(c, ARM_FEAT_EL3)) {
        open_el3(c, s, a32);
    }
    if (el == 1 && arm_has(c, ARM_FEAT_EL2) && !a32) {
        s->sr[ARM_SR_HCR_EL2] |= HCR_RW;
    }
    s->powered_off = 0;
    s->pc = pc;
    if (a32) {
        s->pstate = CPSR_A | CPSR_I | CPSR_F | (el == 2 ? ARM_MODE_HYP : ARM_MODE_SVC);
    } else {
        s->pstate = a64_pstate(el);
    }
}

void arm_cpu_boot_kernel(Cpu *cpu, uint64_t entry, const uint64_t args[4])
{
    const ArmCpuConfig *c = &arm_cpu(cpu)->config;
    ArmState *s = cpu->state;
    bool thumb = !c->aarch64 && (entry & 1);

    arm_enter_direct(c, s, arm_highest_ns_el(c), !c->aarch64, thumb ? entry & ~1ull : entry);
    s->pstate |= thumb ? CPSR_T : 0;
    memcpy(s->x, args, 4 * sizeof(args[0]));
    arm_set_power(cpu, true);
    cpu_state_changed(cpu);
}

/* ---- by another processor ---- */

void arm_set_power(Cpu *cpu, bool on)
{
    ArmState *s = cpu->state;

    s->powered_off = !on;
    cpu->power_off = !on;
    __atomic_store_n(&arm_cpu(cpu)->start.state, on ? ARM_START_ON : ARM_START_OFF, __ATOMIC_RELEASE);
}

static void begin(const ArmCpuConfig *c, ArmState *s, const ArmStart *how)
{
    int64_t offset = s->cnt_offset;
    uint64_t virtual_offset = arm_has(c, ARM_FEAT_EL2) ? 0 : s->sr[ARM_SR_CNTVOFF_EL2];

    arm_config_reset(c, s);
    s->cnt_offset = offset;
    s->sr[ARM_SR_CNTVOFF_EL2] = virtual_offset;
    arm_enter_direct(c, s, how->el, how->a32, how->pc);
    s->pstate |= how->thumb ? CPSR_T : 0;
    s->pstate |= how->a32 && how->big_endian ? CPSR_E : 0;
    s->x[0] = how->context;
}

static void start_now(ArmEnv *env, const ArmStart *how)
{
    begin(env->config, &env->s, how);
    env->cc = arm_cc_from_nzcv(0);
    env->fault.kind = ARM_FAULT_NONE;
    arm_update_mode(env);
    tcg_tlb_flush_space(env, ARM_SPACE_E10);
    tcg_tlb_flush_space(env, ARM_SPACE_E20);
    tcg_tlb_flush_space(env, ARM_SPACE_E2);
    tcg_tlb_flush_space(env, ARM_SPACE_E3);
    arm_debug_changed(env);
    arm_security_changed(env);
}

/* Was it told to begin? */
static bool taken(Cpu *cpu)
{
    if (!(cpu_requests(cpu) & CPU_REQ_SIPI)) {
        return false;
    }
    cpu_unrequest(cpu, CPU_REQ_SIPI);
    return __atomic_load_n(&arm_cpu(cpu)->start.state, __ATOMIC_ACQUIRE) == ARM_START_PENDING;
}

bool arm_take_start(ArmEnv *env)
{
    Cpu *cpu = env->cpu;

    if (!taken(cpu)) {
        return false;
    }
    start_now(env, &arm_cpu(cpu)->start);
    arm_set_power(cpu, true);
    arm_publish_wait(env);
    arm_timers_changed(cpu, &env->s);
    return true;
}

void arm_start_parked(Cpu *cpu)
{
    if (taken(cpu)) {
        begin(&arm_cpu(cpu)->config, cpu->state, &arm_cpu(cpu)->start);
        arm_set_power(cpu, true);
        cpu_state_changed(cpu);
    }
}
