/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts and SErrors, physical and virtual: pins, routing and masking (Arm ARM D1.3.6, G1.12), waiting (WFI, WFE),
 * starting other processors.
 *
 * Thread: the vCPU's own; pins are driven by any.
 */
#include <sched.h>
#include "base/log.h"
#include "core/machine.h"
#include "target/arm/boot.h"
#include "target/arm/exception.h"
#include "target/arm/regs.h"
#include "target/arm/start.h"

#define PINS (CPU_REQ_INTR | CPU_REQ_NMI | CPU_REQ_VIRQ | CPU_REQ_VFIQ)

/* ---- pins ---- */

static void set_pin(void *opaque, int pin, int level)
{
    static const uint32_t bit[] = {
        [ARM_PIN_IRQ] = CPU_REQ_INTR, [ARM_PIN_FIQ] = CPU_REQ_NMI, [ARM_PIN_VIRQ] = CPU_REQ_VIRQ,
        [ARM_PIN_VFIQ] = CPU_REQ_VFIQ,
    };

    if (level) {
        cpu_request(opaque, bit[pin]);
    } else {
        cpu_unrequest(opaque, bit[pin]);
    }
}

Irq arm_cpu_pin(Cpu *cpu, int pin)
{
    return (Irq){.handler = set_pin, .opaque = cpu, .n = pin};
}

/* ---- routing ---- */

typedef enum Event { EV_IRQ, EV_FIQ, EV_SERROR, EV_VIRQ, EV_VFIQ, EV_VSERROR, EV__COUNT } Event;

static const struct {
    uint64_t scr, hcr;  /* what routes it to EL3, EL2 */
    uint32_t mask;      /* PSTATE bit */
    uint16_t vector;
    const char *name;
} events[EV__COUNT] = {
    [EV_IRQ] = {SCR_IRQ, HCR_IMO, PSTATE_I, ARM_VECTOR_IRQ, "IRQ"},
    [EV_FIQ] = {SCR_FIQ, HCR_FMO, PSTATE_F, ARM_VECTOR_FIQ, "FIQ"},
    [EV_SERROR] = {SCR_EA, HCR_AMO, PSTATE_A, ARM_VECTOR_SERROR, "SError"},
    [EV_VIRQ] = {0, HCR_IMO, PSTATE_I, ARM_VECTOR_IRQ, "virtual IRQ"},
    [EV_VFIQ] = {0, HCR_FMO, PSTATE_F, ARM_VECTOR_FIQ, "virtual FIQ"},
    [EV_VSERROR] = {0, HCR_AMO, PSTATE_A, ARM_VECTOR_SERROR, "virtual SError"},
};

static bool is_virtual(Event e)
{
    return e >= EV_VIRQ;
}

/* Which are there, masked or not. */
static bool pending(const ArmEnv *env, Event e)
{
    uint32_t r = cpu_requests(env->cpu);
    uint64_t hcr = is_virtual(e) ? arm_hcr(env) : 0;

    if (is_virtual(e) && (arm_el(env) >= 2 || !(hcr & events[e].hcr) || (hcr & HCR_TGE))) {
        return false;
    }
    switch (e) {
    case EV_IRQ:
        return r & CPU_REQ_INTR;
    case EV_FIQ:
        return r & CPU_REQ_NMI;
    case EV_SERROR:
        return env->s.serror_pending;
    case EV_VIRQ:
        return (r & CPU_REQ_VIRQ) || (hcr & HCR_VI);
    case EV_VFIQ:
        return (r & CPU_REQ_VFIQ) || (hcr & HCR_VF);
    default:
        return hcr & HCR_VSE;
    }
}

static unsigned target_of(const ArmEnv *env, Event e)
{
    uint64_t hcr = arm_hcr(env);

    if (is_virtual(e)) {
        return 1;
    }
    if (arm_has(env->config, ARM_FEAT_EL3) && (env->s.sr[ARM_SR_SCR_EL3] & events[e].scr)) {
        return 3;
    }
    if (arm_el2_enabled(env) && ((hcr & HCR_TGE) || (hcr & events[e].hcr))) {
        return 2;
    }
    return !env->config->aarch64 && arm_secure_below_el3(env) ? 3 : 1;
}

/*
 * AArch32 lets SCR.FW, SCR.AW forbid Non-secure code to mask what goes to Monitor mode (G1.12.3); HCR.xMO does so for
 * Hyp mode.
 */
static bool maskable_a32(const ArmEnv *env, Event e, unsigned target)
{
    uint64_t scr = env->s.sr[ARM_SR_SCR_EL3];

    if (arm_secure(env)) {
        return true;
    }
    if (target == 2) {
        return false;
    }
    if (target == 3 && e == EV_FIQ) {
        return scr & SCR_FW;
    }
    return target != 3 || e != EV_SERROR || (scr & SCR_AW);
}

/* FEAT_DoubleFault: PSTATE.A does not count at EL3 with SCR_EL3.NMEA, which is there with EA alone. */
static bool serror_unmasked_at_el3(const ArmEnv *env, unsigned el)
{
    const uint64_t both = SCR_NMEA | SCR_EA;

    return el == 3 && !arm_is_a32(env) && (env->s.sr[ARM_SR_SCR_EL3] & both) == both;
}

static bool takeable(const ArmEnv *env, Event e)
{
    unsigned target, el = arm_el(env);

    if (!pending(env, e)) {
        return false;
    }
    target = target_of(env, e);
    if (target < el) {
        return false;
    }
    if (target > el && target >= 2) {
        bool unmaskable = arm_el_is_a32(env, target) ? !maskable_a32(env, e, target)
                                                     : target == 3 || !arm_host_el0(env);
        if (unmaskable) {
            return true;
        }
    }
    return !(env->s.pstate & events[e].mask) || (e == EV_SERROR && serror_unmasked_at_el3(env, el));
}

void arm_poll_interrupts(ArmEnv *env)
{
    if (!cpu_requests(env->cpu) && !env->s.serror_pending && !(env->s.sr[ARM_SR_HCR_EL2] & (HCR_VI | HCR_VF | HCR_VSE))) {
        return;
    }
    for (int e = 0; e < EV__COUNT; e++) {
        if (takeable(env, e)) {
            tcg_poll(env);
            return;
        }
    }
}

/* ISR_EL1: what is pending for EL1, or physically. */
uint64_t arm_isr(const ArmEnv *env)
{
    uint64_t hcr = arm_hcr(env);
    bool low = arm_el(env) < 2;
    Event irq = low && (hcr & HCR_IMO) ? EV_VIRQ : EV_IRQ;
    Event fiq = low && (hcr & HCR_FMO) ? EV_VFIQ : EV_FIQ;
    Event err = low && (hcr & HCR_AMO) ? EV_VSERROR : EV_SERROR;

    return (pending(env, irq) ? PSTATE_I : 0) | (pending(env, fiq) ? PSTATE_F : 0) | (pending(env, err) ? PSTATE_A : 0);
}

/* ---- taking ---- */

#define SERROR_ISS 0x1ffffffull

/* Syndrome of an SError; a virtual one's is of VSESR_EL2 with RAS. */
static uint64_t serror_syndrome(ArmEnv *env, Event e)
{
    uint64_t iss = env->s.serror_esr;

    if (e == EV_VSERROR) {
        env->s.sr[ARM_SR_HCR_EL2] &= ~HCR_VSE;
        iss = arm_has(env->config, ARM_FEAT_RAS) ? env->s.sr[ARM_SR_VSESR_EL2] : 0;
    } else {
        env->s.serror_pending = 0;
    }
    return arm_syndrome(EC_SERROR, 0) | (iss & SERROR_ISS);
}

static void take(ArmEnv *env, Event e)
{
    unsigned target = target_of(env, e);
    bool serror = e == EV_SERROR || e == EV_VSERROR;
    uint64_t esr = serror ? serror_syndrome(env, e) : 0;

    log_mask(LOG_INT, "%s EL%u -> EL%u pc=%016" G_GINT64_MODIFIER "x\n", events[e].name, arm_el(env), target,
             (guint64)env->s.pc);
    if (arm_el_is_a32(env, target)) {
        arm_interrupt_a32(env, target, events[e].vector, (uint32_t)esr);
        return;
    }
    if (serror) {
        arm_set_esr(env, target, esr);
    }
    arm_enter_a64(env, target, events[e].vector, env->s.pc);
}

/* FIQ before IRQ before SError is what implementations do; the architecture leaves it open. */
bool arm_interrupt(void *opaque)
{
    static const Event order[] = {EV_FIQ, EV_IRQ, EV_VFIQ, EV_VIRQ, EV_SERROR, EV_VSERROR};
    ArmEnv *env = opaque;

    if (arm_take_start(env)) {
        return true;
    }
    if (env->s.powered_off) {
        return false;
    }
    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        if (takeable(env, order[i])) {
            take(env, order[i]);
            return true;
        }
    }
    if (env->s.halted && arm_wakes(env)) {
        env->s.halted = 0;
    }
    return false;
}

/* ---- waiting ---- */

/* Does WFI end? Masks of PSTATE do not matter (D1.6.2). */
bool arm_wakes(const ArmEnv *env)
{
    for (int e = 0; e < EV__COUNT; e++) {
        if (pending(env, e)) {
            return true;
        }
    }
    return false;
}

bool arm_halted(void *opaque)
{
    const ArmEnv *env = opaque;

    return env->s.halted || env->s.powered_off;
}

/* The sleeping thread asks; cpu->state has what arm_publish_wait() put there. */
bool arm_has_work(Cpu *cpu)
{
    const ArmState *s = cpu->state;
    uint32_t r = cpu_requests(cpu);

    if (r & CPU_REQ_SIPI) {
        return true;
    }
    if (cpu->power_off || s->powered_off) {
        return false;
    }
    return (r & (CPU_REQ_INTR | CPU_REQ_NMI)) || (r & s->wake_pins) || s->serror_pending;
}

void arm_publish_wait(ArmEnv *env)
{
    ArmState *s = env->cpu->state;
    uint64_t hcr = arm_hcr(env);
    uint32_t pins = 0;

    if (arm_el(env) < 2 && !(hcr & HCR_TGE)) {
        pins = (hcr & HCR_IMO ? CPU_REQ_VIRQ : 0) | (hcr & HCR_FMO ? CPU_REQ_VFIQ : 0);
    }
    env->s.wake_pins = pins;
    s->wake_pins = pins;
    s->halted = env->s.halted;
    s->powered_off = env->s.powered_off;
    s->serror_pending = env->s.serror_pending;
}

/* Traps of WFI and WFE, which apply only where they would wait (D1.6): nTWx of SCTLR, TWx of HCR, SCR. */
static void check_wait(ArmEnv *env, unsigned ti, uint64_t sctlr_bit, uint64_t hcr_bit, uint64_t scr_bit)
{
    unsigned el = arm_el(env), to = 0;

    if (el == 0 && !(arm_sctlr(env, 0) & sctlr_bit) && arm_has(env->config, ARM_FEAT_V8)) {
        to = arm_sync_target(env);
    } else if (el < 2 && (arm_hcr(env) & hcr_bit)) {
        to = 2;
    } else if (el < 3 && env->config->aarch64 && arm_has(env->config, ARM_FEAT_EL3) &&
               (env->s.sr[ARM_SR_SCR_EL3] & scr_bit)) {
        to = 3;
    }
    if (to) {
        arm_raise(env, ARM_FAULT_SYNC, arm_syndrome(EC_WFX, 1u << 24 | 0xeu << 20 | ti), to, 0);
    }
}

uint64_t helper_wfi(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;

    if (!arm_wakes(env)) {
        check_wait(env, 0, SCTLR_nTWI, HCR_TWI, SCR_TWI);
        arm_done(env, next);
        env->s.halted = 1;
        arm_publish_wait(env);
        tcg_exit(env, EXIT_HALT);
    }
    arm_done(env, next);
    return 0;
}

/* A store that would wake us is not watched: give others the processor and go on, which WFE is free to do. */
uint64_t helper_wfe(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;

    if (!env->s.event) {
        check_wait(env, 1, SCTLR_nTWE, HCR_TWE, SCR_TWE);
        if (machine_cpu_count(env->cpu->machine) > 1) {
            sched_yield();
        }
    }
    env->s.event = 0;
    arm_done(env, next);
    return 0;
}

/* SEV signals all processors, but none of them ever sleeps in WFE; so only the own event register can be seen. */
uint64_t helper_sev(void *opaque, uint64_t local, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;

    env->s.event = 1;
    return 0;
}

uint64_t helper_yield(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;

    arm_done(env, next);
    if (machine_cpu_count(env->cpu->machine) > 1) {
        sched_yield(); /* a spin lock's owner may need this host processor */
    }
    return 0;
}
