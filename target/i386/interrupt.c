/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What other agents ask of a processor: INTR, NMI, INIT, start-up IPIs (SDM
 * vol 3, 6.8 and 8.4), and the sleep of HLT. SMIs are only logged until system
 * management mode exists.
 */
#include <sched.h>
#include "core/machine.h"
#include "target/i386/system.h"

bool x86_can_interrupt(const X86Env *env)
{
    uint32_t r = cpu_requests(env->cpu);

    return ((r & CPU_REQ_INTR) && (env->s.rflags & FLAG_IF)) ||
           ((r & CPU_REQ_NMI) && !env->s.nmi_masked) ||
           (r & ~(uint32_t)(CPU_REQ_INTR | CPU_REQ_NMI));
}

void x86_publish_wait(X86Env *env)
{
    X86State *s = env->cpu->state;

    s->rflags = x86_rflags(env);
    s->halted = env->s.halted;
    s->wait_sipi = env->s.wait_sipi;
    s->nmi_masked = env->s.nmi_masked;
    s->nmi_pending = env->s.nmi_pending;
}

bool x86_has_work(Cpu *cpu)
{
    const X86State *s = cpu->state;
    uint32_t r = cpu_requests(cpu);

    if (cpu->power_off || s->wait_sipi) {
        return r & (CPU_REQ_INIT | CPU_REQ_SIPI);
    }
    if (r & (CPU_REQ_INIT | CPU_REQ_SMI)) {
        return true;
    }
    if (((r & CPU_REQ_NMI) || s->nmi_pending) && !s->nmi_masked) {
        return true;
    }
    return (r & CPU_REQ_INTR) && (s->rflags & FLAG_IF);
}

bool x86_halted(void *opaque)
{
    const X86Env *env = opaque;

    return env->s.halted || env->s.wait_sipi;
}

static void take_init(X86Env *env)
{
    Cpu *cpu = env->cpu;

    cpu_unrequest(cpu, CPU_REQ_INIT);
    x86_init_reset(env);
    env->s.wait_sipi = cpu->index != 0;
    cpu->power_off = env->s.wait_sipi;
    x86_publish_wait(env);
}

static void take_sipi(X86Env *env)
{
    Cpu *cpu = env->cpu;
    uint8_t vector = __atomic_load_n(&cpu->sipi_vector, __ATOMIC_ACQUIRE);

    cpu_unrequest(cpu, CPU_REQ_SIPI);
    if (!env->s.wait_sipi) {
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

static void take_event(X86Env *env, uint8_t vector)
{
    X86Event ev = {.kind = EVENT_INTERRUPT, .vector = vector, .ret_ip = env->s.rip};

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
    take_event(env, (uint8_t)vector);
    return true;
}

bool x86_interrupt(void *opaque)
{
    X86Env *env = opaque;
    uint32_t r = cpu_requests(env->cpu);
    bool taken = false;

    if (r & CPU_REQ_INIT) {
        take_init(env);
        taken = true;
    }
    if (r & CPU_REQ_SIPI) {
        take_sipi(env);
        taken = true;
    }
    if (env->s.wait_sipi) {
        return taken;
    }
    if (r & CPU_REQ_SMI) {
        cpu_unrequest(env->cpu, CPU_REQ_SMI);
        log_mask(LOG_UNIMP, "SMI ignored: no system management mode yet\n");
    }
    if (env->s.trap_pending && env->s.int_shadow != SHADOW_MOV_SS) {
        x86_note(env, EXC_DB, false, 0, x86_take_traps(env));
        tcg_raise(env);
    }
    if (env->s.int_shadow) {
        return taken; /* end_shadow polls */
    }
    if (r & CPU_REQ_NMI) {
        cpu_unrequest(env->cpu, CPU_REQ_NMI);
        env->s.nmi_pending = 1;
    }
    if (env->s.nmi_pending && !env->s.nmi_masked) {
        env->s.nmi_pending = 0;
        env->s.nmi_masked = 1;
        take_event(env, EXC_NMI);
        return true;
    }
    if ((r & CPU_REQ_INTR) && (env->s.rflags & FLAG_IF)) {
        return take_intr(env) || taken;
    }
    return taken;
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
