/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generic timers (Arm ARM D11, G6): the system counter and each processor's timers. Registers are in s.sr; what the
 * machine's clock needs of them is kept in a copy here, guarded by the machine's lock.
 *
 * Thread: registers on the vCPU's own; deadlines fire on the main loop.
 */
#include "core/machine.h"
#include "target/arm/cpu.h"
#include "target/arm/start.h"
#include "target/arm/state.h"
#include "target/arm/sysreg_rows.h"
#include "target/arm/timer.h"

#define CTL_ENABLE 1
#define CTL_IMASK 2
#define CTL_ISTATUS 4

typedef struct OneTimer {
    struct ArmTimers *all;
    Timer timer;
    Irq to;
    uint64_t ctl, cval, offset; /* as of the last change; due when count - offset >= cval */
} OneTimer;
struct ArmTimers {
    Cpu *cpu;
    uint32_t freq;
    int64_t cnt_offset;
    OneTimer one[ARM_TIMER__COUNT];
};

static const uint16_t ctl_slot[ARM_TIMER__COUNT] = {
    [ARM_TIMER_PHYS] = ARM_SR_CNTP_CTL_EL0, [ARM_TIMER_VIRT] = ARM_SR_CNTV_CTL_EL0,
    [ARM_TIMER_HYP] = ARM_SR_CNTHP_CTL_EL2, [ARM_TIMER_SEC] = ARM_SR_CNTPS_CTL_EL1,
    [ARM_TIMER_HYPVIRT] = ARM_SR_CNTHV_CTL_EL2,
};
static const uint16_t cval_slot[ARM_TIMER__COUNT] = {
    [ARM_TIMER_PHYS] = ARM_SR_CNTP_CVAL_EL0, [ARM_TIMER_VIRT] = ARM_SR_CNTV_CVAL_EL0,
    [ARM_TIMER_HYP] = ARM_SR_CNTHP_CVAL_EL2, [ARM_TIMER_SEC] = ARM_SR_CNTPS_CVAL_EL1,
    [ARM_TIMER_HYPVIRT] = ARM_SR_CNTHV_CVAL_EL2,
};

static uint64_t count_now(Cpu *cpu, uint32_t freq, int64_t cnt_offset)
{
    return muldiv64((uint64_t)clock_ns(cpu->machine, CLOCK_VIRTUAL), freq, NS_PER_SEC) + (uint64_t)cnt_offset;
}

uint64_t arm_count(const ArmEnv *env)
{
    return count_now(env->cpu, env->config->cnt_freq, env->s.cnt_offset);
}

/* What is subtracted from the physical count for that timer. Without EL2 that is 0, or what the host's processor had. */
static uint64_t timer_offset(const ArmState *s, int n)
{
    return n == ARM_TIMER_VIRT ? s->sr[ARM_SR_CNTVOFF_EL2] : 0;
}

/* ---- host side, machine locked ---- */

static void arm_deadline(OneTimer *t, uint64_t ticks)
{
    struct ArmTimers *all = t->all;
    unsigned __int128 ns = ((unsigned __int128)ticks * NS_PER_SEC + all->freq - 1) / all->freq;
    int64_t now = clock_ns(all->cpu->machine, CLOCK_VIRTUAL);

    if (ns > (unsigned __int128)(INT64_MAX - now - 1)) {
        timer_disarm(&t->timer); /* centuries away */
    } else {
        timer_arm(&t->timer, now + (int64_t)ns);
    }
}

static void update(OneTimer *t)
{
    struct ArmTimers *all = t->all;
    uint64_t left = t->cval - (count_now(all->cpu, all->freq, all->cnt_offset) - t->offset);
    bool due = (int64_t)left <= 0;

    if (!(t->ctl & CTL_ENABLE) || due) {
        timer_disarm(&t->timer);
    } else {
        arm_deadline(t, left);
    }
    irq_set(t->to, (t->ctl & (CTL_ENABLE | CTL_IMASK)) == CTL_ENABLE && due);
}

static void fired(void *opaque)
{
    update(opaque);
}

struct ArmTimers *arm_timers_new(Cpu *cpu)
{
    struct ArmTimers *t = g_new0(struct ArmTimers, 1);

    t->cpu = cpu;
    t->freq = arm_cpu(cpu)->config.cnt_freq;
    for (int i = 0; i < ARM_TIMER__COUNT; i++) {
        t->one[i].all = t;
        timer_init(&t->one[i].timer, cpu->machine, CLOCK_VIRTUAL, fired, &t->one[i]);
    }
    return t;
}

void arm_timers_free(struct ArmTimers *t)
{
    for (int i = 0; t && i < ARM_TIMER__COUNT; i++) {
        timer_fini(&t->one[i].timer);
    }
    g_free(t);
}

static void follow(Cpu *cpu, const ArmState *s, int n)
{
    OneTimer *t = &arm_cpu(cpu)->timers->one[n];

    t->ctl = s->sr[ctl_slot[n]];
    t->cval = s->sr[cval_slot[n]];
    t->offset = timer_offset(s, n);
    update(t);
}

static void follow_range(Cpu *cpu, const ArmState *s, int from, int to)
{
    struct ArmTimers *all = arm_cpu(cpu)->timers;
    Machine *m = cpu->machine;

    if (!all) {
        return; /* a processor without a machine */
    }
    bool locked = machine_locked(m);
    if (!locked) {
        machine_lock(m);
    }
    all->cnt_offset = s->cnt_offset;
    for (int i = from; i <= to; i++) {
        follow(cpu, s, i);
    }
    if (!locked) {
        machine_unlock(m);
    }
}

void arm_timers_changed(Cpu *cpu, const ArmState *s)
{
    follow_range(cpu, s, 0, ARM_TIMER__COUNT - 1);
}

void arm_cpu_connect_timer(Cpu *cpu, int timer, Irq to)
{
    arm_cpu(cpu)->timers->one[timer].to = to;
}

/* ---- counters that were the host's ---- */

/* One offset for all: their counters are one. */
void arm_cpus_from_host(Machine *m, uint64_t phys, uint64_t virt)
{
    Cpu *first = machine_cpu(m, 0);
    int64_t offset = (int64_t)(phys - count_now(first, arm_cpu(first)->config.cnt_freq, 0));

    for (int i = 0; i < machine_cpu_count(m); i++) {
        Cpu *cpu = machine_cpu(m, i);
        ArmState *s = cpu->state;
        s->cnt_offset = offset;
        s->sr[ARM_SR_CNTVOFF_EL2] = phys - virt;
        arm_set_power(cpu, !s->powered_off);
    }
}

uint64_t arm_cpus_to_host(Machine *m)
{
    const ArmState *s = machine_cpu(m, 0)->state;

    for (int i = 0; i < machine_cpu_count(m); i++) {
        Cpu *cpu = machine_cpu(m, i);
        arm_start_parked(cpu);
        for (int t = 0; t < ARM_TIMER__COUNT; t++) {
            timer_disarm(&arm_cpu(cpu)->timers->one[t].timer);
        }
    }
    return count_now(machine_cpu(m, 0), arm_cpu(machine_cpu(m, 0))->config.cnt_freq, s->cnt_offset) -
           s->sr[ARM_SR_CNTVOFF_EL2];
}

/* ---- registers ---- */

static uint64_t offset_of(const ArmEnv *env, int n)
{
    return timer_offset(&env->s, n);
}

static void timer_written(ArmEnv *env, int n)
{
    follow_range(env->cpu, &env->s, n, n);
}

static uint64_t read_pct(ArmEnv *env, const ArmSysRegDef *r)
{
    return arm_count(env);
}

/* At EL2 with E2H and in the host's EL0 there is no offset (D11.2.2). */
static uint64_t read_vct(ArmEnv *env, const ArmSysRegDef *r)
{
    unsigned el = arm_el(env);
    bool host = el == 0 ? arm_host_el0(env) : el == 2 && (arm_hcr(env) & HCR_E2H);

    return arm_count(env) - (host ? 0 : env->s.sr[ARM_SR_CNTVOFF_EL2]);
}

/* In these rows `mask` is the timer's number. */
static uint64_t read_ctl(ArmEnv *env, const ArmSysRegDef *r)
{
    int n = (int)r->mask;
    uint64_t ctl = env->s.sr[ctl_slot[n]];
    bool due = (int64_t)(arm_count(env) - offset_of(env, n) - env->s.sr[cval_slot[n]]) >= 0;

    return (ctl & CTL_ENABLE) && due ? ctl | CTL_ISTATUS : ctl;
}

static void write_ctl(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    env->s.sr[ctl_slot[r->mask]] = v & (CTL_ENABLE | CTL_IMASK);
    timer_written(env, (int)r->mask);
}

static uint64_t read_cval(ArmEnv *env, const ArmSysRegDef *r)
{
    return env->s.sr[cval_slot[r->mask]];
}

static void write_cval(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    env->s.sr[cval_slot[r->mask]] = v;
    timer_written(env, (int)r->mask);
}

static uint64_t read_tval(ArmEnv *env, const ArmSysRegDef *r)
{
    return (uint32_t)(env->s.sr[cval_slot[r->mask]] - (arm_count(env) - offset_of(env, (int)r->mask)));
}

static void write_tval(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    env->s.sr[cval_slot[r->mask]] = arm_count(env) - offset_of(env, (int)r->mask) + (uint64_t)(int64_t)(int32_t)v;
    timer_written(env, (int)r->mask);
}

static void write_voff(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    env->s.sr[r->slot] = v;
    timer_written(env, ARM_TIMER_VIRT);
}

/* ---- access from below (D11.2.4): CNTKCTL_EL1, CNTHCTL_EL2, SCR_EL3.ST ---- */

/* e2h, el1: bits of CNTHCTL_EL2 with and without E2H that let EL1 and EL0 at the physical counter or timer. */
static int trap_phys(ArmEnv *env, uint64_t el0_bit, uint64_t el1_bit, uint64_t e2h_bit, ArmEc *ec)
{
    uint64_t hctl = env->s.sr[ARM_SR_CNTHCTL_EL2];
    unsigned el = arm_el(env);

    if (el == 0 && arm_host_el0(env)) {
        return hctl & el0_bit ? 0 : 2;
    }
    if (el == 0 && !(env->s.sr[ARM_SR_CNTKCTL_EL1] & el0_bit)) {
        return (int)arm_sync_target(env);
    }
    if (el < 2 && arm_el2_enabled(env)) {
        bool e2h = arm_hcr(env) & HCR_E2H;
        return hctl & (e2h ? e2h_bit : el1_bit) ? 0 : 2;
    }
    return 0;
}

static int trap_pct(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return trap_phys(env, CNTKCTL_EL0PCTEN, CNTHCTL_EL1PCTEN, CNTHCTL_E2H_EL1PCTEN, ec);
}

static int trap_ptimer(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return trap_phys(env, CNTKCTL_EL0PTEN, CNTHCTL_EL1PCEN, CNTHCTL_E2H_EL1PTEN, ec);
}

static int trap_virt(ArmEnv *env, uint64_t el0_bit, uint64_t ecv_bit)
{
    uint64_t hctl = env->s.sr[ARM_SR_CNTHCTL_EL2];
    unsigned el = arm_el(env);

    if (el == 0 && arm_host_el0(env)) {
        return hctl & el0_bit ? 0 : 2;
    }
    if (el == 0 && !(env->s.sr[ARM_SR_CNTKCTL_EL1] & el0_bit)) {
        return (int)arm_sync_target(env);
    }
    return el < 2 && arm_el2_enabled(env) && arm_has(env->config, ARM_FEAT_ECV) && (hctl & ecv_bit) ? 2 : 0;
}

static int trap_vct(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return trap_virt(env, CNTKCTL_EL0VCTEN, CNTHCTL_EL1TVCT);
}

static int trap_vtimer(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return trap_virt(env, CNTKCTL_EL0VTEN, CNTHCTL_EL1TVT);
}

/* CNTFRQ_EL0 may be read where one of the counters may, and written at the highest level. */
static int trap_freq(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    if (write) {
        return arm_el(env) == (arm_has(env->config, ARM_FEAT_EL3) ? 3 : arm_highest_ns_el(env->config)) ? 0 : -1;
    }
    uint64_t bits = env->s.sr[arm_host_el0(env) ? ARM_SR_CNTHCTL_EL2 : ARM_SR_CNTKCTL_EL1];

    return arm_el(env) == 0 && !(bits & (CNTKCTL_EL0PCTEN | CNTKCTL_EL0VCTEN)) ? (int)arm_sync_target(env) : 0;
}

/* Secure EL1 may use the Secure timer if SCR_EL3.ST says so; Non-secure levels below EL3 not at all. */
static int trap_secure(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    if (arm_el(env) == 3) {
        return 0;
    }
    if (arm_el(env) == 2 || !arm_secure(env)) {
        return -1;
    }
    return env->s.sr[ARM_SR_SCR_EL3] & SCR_ST ? 0 : 3;
}

#define TIMER(name, n, f, op1, crm, el, trapfn)                                                                        \
    {SR3(#name "_TVAL", op1, 14, crm, 0, el, el, SR_IO), .feature = f, .slot = -1, .mask = n, .read = read_tval,      \
     .write = write_tval, .trap = trapfn},                                                                            \
    {SR3(#name "_CTL", op1, 14, crm, 1, el, el, SR_IO), .feature = f, .slot = -1, .mask = n, .read = read_ctl,        \
     .write = write_ctl, .trap = trapfn},                                                                              \
    {SR3(#name "_CVAL", op1, 14, crm, 2, el, el, SR_IO), .feature = f, .slot = -1, .mask = n, .read = read_cval,      \
     .write = write_cval, .trap = trapfn}

const ArmSysRegDef arm_timer_regs[] = {
    {SLOT(CNTFRQ_EL0, 0, 1, 0), .feature = ARM_FEAT_GTIMER, .mask = UINT32_MAX, .trap = trap_freq},
    {SR3("CNTPCT_EL0", 3, 14, 0, 1, 0, 4, SR_RO), .feature = ARM_FEAT_GTIMER, .slot = -1, .read = read_pct,
     .trap = trap_pct},
    {SR3("CNTVCT_EL0", 3, 14, 0, 2, 0, 4, SR_RO), .feature = ARM_FEAT_GTIMER, .slot = -1, .read = read_vct,
     .trap = trap_vct},
    {SR3("CNTPCTSS_EL0", 3, 14, 0, 5, 0, 4, SR_RO), .feature = ARM_FEAT_ECV, .slot = -1, .read = read_pct,
     .trap = trap_pct},
    {SR3("CNTVCTSS_EL0", 3, 14, 0, 6, 0, 4, SR_RO), .feature = ARM_FEAT_ECV, .slot = -1, .read = read_vct,
     .trap = trap_vct},
    {SLOT(CNTKCTL_EL1, 1, 1, SR_INLINE_R), .feature = ARM_FEAT_GTIMER, .mask = 0x3ffff},
    TIMER(CNTP, ARM_TIMER_PHYS, ARM_FEAT_GTIMER, 3, 2, 0, trap_ptimer),
    TIMER(CNTV, ARM_TIMER_VIRT, ARM_FEAT_GTIMER, 3, 3, 0, trap_vtimer),
    {SLOT(CNTHCTL_EL2, 2, 2, SR_INLINE_R), .feature = ARM_FEAT_EL2, .mask = 0xfffff},
    {SLOT(CNTVOFF_EL2, 2, 2, SR_INLINE_R | SR_IO), .feature = ARM_FEAT_EL2, .mask = ~0ull, .write = write_voff},
    TIMER(CNTHP, ARM_TIMER_HYP, ARM_FEAT_EL2, 4, 2, 2, NULL),
    TIMER(CNTHV, ARM_TIMER_HYPVIRT, ARM_FEAT_VHE, 4, 3, 2, NULL),
    TIMER(CNTPS, ARM_TIMER_SEC, ARM_FEAT_EL3, 7, 2, 1, trap_secure),
};
const unsigned arm_timer_n_regs = ARRAY_LEN(arm_timer_regs);
