/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What other agents ask of a processor: INTR, NMI, INIT, start-up IPIs (SDM
 * vol 3, 6.8 and 8.4), SMIs, and the sleep of HLT.
 */
#include <sched.h>
#include "core/machine.h"
#include "target/i386/svm.h"

#define EVENT_REQUESTS (CPU_REQ_INTR | CPU_REQ_NMI | CPU_REQ_SMI | CPU_REQ_INIT)

/* Is one of the requests r, or a virtual interrupt, one that an instruction boundary lets through? */
static bool deliverable(const X86State *s, uint32_t r)
{
    if (!s->gif) {
        return false;
    }
    return (r & (CPU_REQ_INIT | CPU_REQ_SMI)) ||
           (((r & CPU_REQ_NMI) || s->nmi_pending) && !s->nmi_masked) ||
           ((r & CPU_REQ_INTR) && svm_intr_enabled(s)) || svm_virq_ready(s);
}

/* What waits for the processor, without what it holds off; a start-up IPI waits behind its INIT. */
static uint32_t requests(const Cpu *cpu, const X86State *s)
{
    uint32_t r = cpu_requests(cpu);

    if ((r & CPU_REQ_INIT) && (s->smm || !s->gif)) {
        r &= ~(uint32_t)(CPU_REQ_INIT | CPU_REQ_SIPI);
    }
    return s->smm ? r & ~(uint32_t)CPU_REQ_SMI : r;
}

bool x86_can_interrupt(const X86Env *env)
{
    uint32_t r = requests(env->cpu, &env->s);

    return deliverable(&env->s, r) || (r & ~(uint32_t)EVENT_REQUESTS);
}

void x86_publish_wait(X86Env *env)
{
    X86State *s = env->cpu->state;

    s->rflags = x86_rflags(env);
    s->halted = env->s.halted;
    s->wait_sipi = env->s.wait_sipi;
    s->smm = env->s.smm;
    s->nmi_masked = env->s.nmi_masked;
    s->nmi_pending = env->s.nmi_pending;
    s->gif = env->s.gif;
    s->svm_int_ctl = env->s.svm_int_ctl;
    s->svm_hif = env->s.svm_hif;
}

bool x86_has_work(Cpu *cpu)
{
    const X86State *s = cpu->state;
    uint32_t r = requests(cpu, s);

    if (cpu->power_off || s->wait_sipi) {
        return r & (CPU_REQ_INIT | CPU_REQ_SIPI);
    }
    return deliverable(s, r);
}

bool x86_halted(void *opaque)
{
    const X86Env *env = opaque;

    return env->s.halted || env->s.wait_sipi;
}

/* The local APIC is a part of the processor: it stays as it is as long as the INIT waits. */
static void take_init(X86Env *env)
{
    Cpu *cpu = env->cpu;

    cpu_unrequest(cpu, CPU_REQ_INIT);
    if (cpu->intc && cpu->intc->init) {
        cpu->intc->init(cpu->intc_opaque);
    }
    x86_init_reset(env);
    env->s.wait_sipi = cpu->index != 0;
    cpu->power_off = env->s.wait_sipi;
    x86_publish_wait(env);
}

/* Clears the request; false: an INIT came meanwhile, and what is requested now belongs to that. */
static bool claim_sipi(Cpu *cpu)
{
    uint32_t r = cpu_requests(cpu);

    while (!(r & CPU_REQ_INIT)) {
        if (__atomic_compare_exchange_n(&cpu->requests, &r, r & ~(uint32_t)CPU_REQ_SIPI, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_ACQUIRE)) {
            return true;
        }
    }
    return false;
}

static void take_sipi(X86Env *env)
{
    Cpu *cpu = env->cpu;
    uint8_t vector = __atomic_load_n(&cpu->sipi_vector, __ATOMIC_ACQUIRE);

    if (!claim_sipi(cpu) || !env->s.wait_sipi) {
        return;
    }
    env->s.seg[S_CS].sel = vector << 8;
    env->s.seg[S_CS].base = (uint64_t)vector << 12;
    env->s.rip = 0;
    env->s.wait_sipi = 0;
    env->s.halted = 0;
    cpu->power_off = false;
    x86_update_mode(env);
    x86_publish_wait(env);
}

static void take_event(X86Env *env, uint8_t vector, X86EventKind kind)
{
    X86Event ev = {.kind = kind, .vector = vector, .ret_ip = env->s.rip};

    env->s.halted = 0;
    log_mask(LOG_INT, "interrupt v=%02x cpl=%d IP=%04x:%016" G_GINT64_MODIFIER "x\n", vector,
             env->cpl, env->s.seg[S_CS].sel, (guint64)env->s.rip);
    x86_deliver_event(env, &ev);
}

static bool take_intr(X86Env *env)
{
    const CpuIntcOps *intc = env->cpu->intc;
    int vector = intc ? intc->acknowledge(env->cpu->intc_opaque) : -1;

    if (vector < 0) {
        return false;
    }
    take_event(env, (uint8_t)vector, EVENT_INTERRUPT);
    return true;
}

/* INIT while GIF is set (APM vol 2, table 15-12). True: taken or left the guest. */
static bool init_request(X86Env *env)
{
    if (svm_event_exits(env, SVM_EXIT_INIT, 0)) {
        return true;
    }
    if (env->s.vm_cr & VM_CR_R_INIT) {
        cpu_unrequest(env->cpu, CPU_REQ_INIT);
        x86_raise_err(env, EXC_SX, 1);
    }
    take_init(env);
    return true;
}

static bool smi_request(X86Env *env)
{
    if (!svm_event_exits(env, SVM_EXIT_SMI, 1)) {
        cpu_unrequest(env->cpu, CPU_REQ_SMI);
        x86_take_smi(env);
    }
    return true;
}

static bool take_nmi(X86Env *env)
{
    if (svm_event_exits(env, SVM_EXIT_NMI, 0)) {
        return true;
    }
    env->s.nmi_pending = 0;
    env->s.nmi_masked = 1;
    take_event(env, EXC_NMI, EVENT_NMI);
    return true;
}

static bool take_virq(X86Env *env)
{
    if (svm_event_exits(env, SVM_EXIT_VINTR, 0)) {
        return true;
    }
    env->s.svm_int_ctl &= ~V_IRQ;
    take_event(env, env->s.svm_int_vector, EVENT_INTERRUPT);
    return true;
}

/* What RFLAGS.IF, interrupt shadows and the masking of NMIs may hold off. */
static bool maskable_events(X86Env *env, uint32_t r)
{
    if (env->s.int_shadow || !env->s.gif) {
        return false; /* end_shadow and STGI poll */
    }
    if (r & CPU_REQ_NMI) {
        cpu_unrequest(env->cpu, CPU_REQ_NMI);
        env->s.nmi_pending = 1;
    }
    if (env->s.nmi_pending && !env->s.nmi_masked) {
        return take_nmi(env);
    }
    if ((r & CPU_REQ_INTR) && svm_intr_enabled(&env->s)) {
        if (svm_event_exits(env, SVM_EXIT_INTR, 0) || take_intr(env)) {
            return true;
        }
    }
    return svm_virq_ready(&env->s) && take_virq(env);
}

bool x86_interrupt(void *opaque)
{
    X86Env *env = opaque;
    uint32_t r = requests(env->cpu, &env->s);
    bool taken = false;

    if ((r & CPU_REQ_INIT) && env->s.gif) {
        taken = init_request(env);
    }
    if (r & CPU_REQ_SIPI) {
        take_sipi(env);
        taken = true;
    }
    if (env->s.wait_sipi) {
        return taken;
    }
    if (env->s.trap_pending && env->s.int_shadow != SHADOW_MOV_SS) {
        x86_note(env, EXC_DB, false, 0, x86_take_traps(env));
        tcg_raise(env);
    }
    if (env->s.int_injected) { /* the accelerator that acknowledged it did not come to deliver it */
        env->s.int_injected = 0;
        take_event(env, env->s.int_vector, EVENT_INTERRUPT);
        return true;
    }
    if ((r & CPU_REQ_SMI) && env->s.gif) {
        return smi_request(env);
    }
    return maskable_events(env, r) || taken;
}

uint64_t helper_end_shadow(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    env->s.int_shadow = 0;
    x86_poll_interrupts(env);
    return 0;
}

/* ---- waiting ---- */

static void G_GNUC_NORETURN halt(X86Env *env, uint64_t next)
{
    env->s.rip = next;
    env->s.int_shadow = 0;
    env->s.halted = 1;
    x86_publish_wait(env);
    tcg_exit(env, EXIT_HALT);
}

uint64_t helper_hlt(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    if (env->cpl != 0) {
        x86_gp(env, 0);
    }
    halt(env, next);
}

uint64_t helper_mwait(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    if (env->cpl != 0) {
        x86_ud(env);
    }
    if (env->s.gpr[R_CX] & ~1ull) {
        x86_gp(env, 0);
    }
    /* The monitor is never armed long enough to wait: the condition of MWAIT_COND is not met. */
    svm_check_insn(env, SVM_EXIT_MWAIT, 0);
    /* The store that would wake us is not watched: return at once, which MWAIT is free to do. */
    env->s.rip = next;
    sched_yield();
    return 0;
}

uint64_t helper_monitor(void *opaque, uint64_t va, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    if (env->cpl != 0) {
        x86_ud(env);
    }
    if (env->s.gpr[R_CX]) {
        x86_gp(env, 0);
    }
    tcg_probe(env, va, 1, MMU_READ, x86_data_mmu(env));
    svm_check_insn(env, SVM_EXIT_MONITOR, 0);
    return 0;
}

uint64_t helper_pause(void *opaque, uint64_t next, uint64_t b, uint64_t c)
{
    X86Env *env = opaque;

    env->s.rip = next;
    if (machine_cpu_count(env->cpu->machine) > 1) {
        sched_yield(); /* a spin lock's owner may need this host processor */
    }
    return 0;
}
