/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Performance monitors (Arm ARM D13): the cycle counter and six event counters, which count cycles (CPU_CYCLES), software
 * increments (SW_INCR) or nothing (the other events are not in PMCEID). A cycle is a nanosecond of the machine's clock;
 * PMCR.D, which divides them, is RES0.
 *
 * Slots hold the values as of PMU_SINCE. Whether a counter counts depends on the Exception level too, so that
 * arm_pmu_before(), which brings them up to date, and arm_pmu_after() stand around each change of that.
 *
 * Thread: the vCPU's own; the overflow's deadline fires on the main loop.
 */
#include "core/machine.h"
#include "target/arm/boot.h"
#include "target/arm/pmu.h"
#include "target/arm/sysreg_rows.h"

#define PMCR_E 1u
#define PMCR_P 2u
#define PMCR_C 4u
#define PMCR_X 0x10u
#define PMCR_DP 0x20u
#define PMCR_LC 0x40u
#define PMCR_LP 0x80u
#define CYCLE 31u
#define EVENT_SW_INCR 0x000u
#define EVENT_CPU_CYCLES 0x011u
#define USER_EN 1u
#define USER_SW 2u
#define USER_CR 4u
#define USER_ER 8u
#define MAX_EVENTS 6u

struct ArmPmu {
    Cpu *cpu;
    Timer overflow;
    bool level; /* of the interrupt, vCPU's thread */
};

static uint64_t *sr(ArmEnv *env, ArmSr r)
{
    return &env->s.sr[r];
}

unsigned arm_pmu_events(const ArmCpuConfig *c)
{
    unsigned n = c->id[ARM_ID_PMCR_CONST] >> 11 & 31;

    return n < MAX_EVENTS ? n : MAX_EVENTS;
}

static uint32_t counter_mask(const ArmEnv *env)
{
    return 1u << CYCLE | ((1u << arm_pmu_events(env->config)) - 1);
}

static uint64_t cycles_now(const ArmEnv *env)
{
    return (uint64_t)clock_ns(env->cpu->machine, CLOCK_VIRTUAL);
}

static uint64_t *counter(ArmEnv *env, unsigned n)
{
    return sr(env, n == CYCLE ? ARM_SR_PMCCNTR_EL0 : ARM_SR_PMEVCNTR0_EL0 + n);
}

static uint64_t filter_of(const ArmEnv *env, unsigned n)
{
    return env->s.sr[n == CYCLE ? ARM_SR_PMCCFILTR_EL0 : ARM_SR_PMEVTYPER0_EL0 + n];
}

/* ---- does it count? (AArch64.CountEvents) ---- */

/* MDCR_EL2.HPMN: counters from there on are EL2's. */
static bool is_el2s(const ArmEnv *env, unsigned n)
{
    return arm_has(env->config, ARM_FEAT_EL2) && n != CYCLE && n >= (env->s.sr[ARM_SR_MDCR_EL2] & MDCR_HPMN);
}

static bool enabled(const ArmEnv *env, unsigned n)
{
    bool global = is_el2s(env, n) ? env->s.sr[ARM_SR_MDCR_EL2] & MDCR_HPME : env->s.sr[ARM_SR_PMCR_EL0] & PMCR_E;

    return global && (env->s.sr[ARM_SR_PMCNTENSET_EL0] >> n & 1);
}

static bool prohibited(const ArmEnv *env, unsigned n)
{
    uint64_t pmcr = env->s.sr[ARM_SR_PMCR_EL0];
    bool no = false;

    if (arm_secure(env) && env->config->aarch64) {
        no = !(env->s.sr[ARM_SR_MDCR_EL3] & MDCR3_SPME);
    } else if (arm_el(env) == 2 && arm_has(env->config, ARM_FEAT_PMUv3p1)) {
        no = (env->s.sr[ARM_SR_MDCR_EL2] & MDCR_HPMD) && !is_el2s(env, n);
    }
    if (n == CYCLE && arm_has(env->config, ARM_FEAT_PMUv3p5)) {
        bool secure = arm_secure(env) && env->config->aarch64;
        if (secure ? env->s.sr[ARM_SR_MDCR_EL3] & MDCR3_SCCD : arm_el(env) == 2 && (env->s.sr[ARM_SR_MDCR_EL2] & MDCR_HCCD)) {
            return true;
        }
    }
    return no && (n != CYCLE || (pmcr & PMCR_DP));
}

/* P U NSK NSU NSH M in bits 31..26 of PMCCFILTR, PMEVTYPER (D17.5.6). */
static bool filtered(const ArmEnv *env, unsigned n)
{
    uint64_t f = filter_of(env, n);
    bool p = f >> 31 & 1, u = f >> 30 & 1, nsk = f >> 29 & 1, nsu = f >> 28 & 1, nsh = f >> 27 & 1, m = f >> 26 & 1;
    bool ns = arm_has(env->config, ARM_FEAT_EL3) && !arm_secure(env);

    switch (arm_el(env)) {
    case 0:
        return ns ? u != nsu : u;
    case 1:
        return ns ? p != nsk : p;
    case 2:
        return !nsh;
    default:
        return m != p;
    }
}

static bool counts_cycles(const ArmEnv *env, unsigned n)
{
    return n == CYCLE || (filter_of(env, n) & 0xffff) == EVENT_CPU_CYCLES;
}

static bool counts(const ArmEnv *env, unsigned n)
{
    return enabled(env, n) && !prohibited(env, n) && !filtered(env, n);
}

static bool running(const ArmEnv *env, unsigned n)
{
    return counts_cycles(env, n) && counts(env, n);
}

/* ---- values ---- */

static bool is_64_bits(const ArmEnv *env, unsigned n)
{
    uint64_t pmcr = env->s.sr[ARM_SR_PMCR_EL0];

    if (n == CYCLE) {
        return !arm_is_a32(env) || (pmcr & PMCR_LC);
    }
    return arm_has(env->config, ARM_FEAT_PMUv3p5) &&
           (is_el2s(env, n) ? env->s.sr[ARM_SR_MDCR_EL2] & MDCR_HLP : pmcr & PMCR_LP);
}

static void update_irq(ArmEnv *env)
{
    uint64_t *s = env->s.sr;
    bool on = (s[ARM_SR_PMOVSCLR_EL0] & s[ARM_SR_PMINTENSET_EL1]) && (s[ARM_SR_PMCR_EL0] & PMCR_E);
    Machine *m = env->cpu->machine;
    bool locked = machine_locked(m);

    if (on == env->priv->pmu->level) {
        return;
    }
    env->priv->pmu->level = on;
    if (!locked) {
        machine_lock(m);
    }
    irq_set(env->priv->pmu_irq, on);
    if (!locked) {
        machine_unlock(m);
    }
}

static void overflowed(ArmEnv *env, unsigned n)
{
    *sr(env, ARM_SR_PMOVSCLR_EL0) |= 1u << n;
}

/* From clock-relative to values; notes overflows. Which ones run is by the state as it is. */
void arm_pmu_before(ArmEnv *env)
{
    uint64_t now = cycles_now(env), all = *sr(env, ARM_SR_PMCNTENSET_EL0);

    for (; all; all &= all - 1) {
        unsigned n = (unsigned)__builtin_ctzll(all);
        uint64_t *c = counter(env, n);
        if (running(env, n)) {
            uint64_t was = *sr(env, ARM_SR_PMU_SINCE), added = now - was;
            uint64_t top = is_64_bits(env, n) ? ~0ull : UINT32_MAX;
            if (added > (top - (*c & top))) {
                overflowed(env, n);
            }
            *c = n == CYCLE || is_64_bits(env, n) ? *c + added : (uint32_t)(*c + added);
        }
    }
    *sr(env, ARM_SR_PMU_SINCE) = now;
}

static void arm_deadline(ArmEnv *env)
{
    uint64_t all = *sr(env, ARM_SR_PMCNTENSET_EL0) & *sr(env, ARM_SR_PMINTENSET_EL1);
    uint64_t left = INT64_MAX;
    struct ArmPmu *p = env->priv->pmu;

    if (!all && !timer_armed(&p->overflow)) {
        return;
    }
    for (; all; all &= all - 1) {
        unsigned n = (unsigned)__builtin_ctzll(all);
        if (running(env, n)) {
            uint64_t top = is_64_bits(env, n) ? ~0ull : UINT32_MAX;
            left = MIN(left, top - (*counter(env, n) & top));
        }
    }
    int64_t now = clock_ns(env->cpu->machine, CLOCK_VIRTUAL);
    if (left >= (uint64_t)(INT64_MAX - now - 1)) {
        if (timer_armed(&p->overflow)) {
            timer_disarm(&p->overflow);
        }
    } else {
        timer_arm(&p->overflow, now + (int64_t)left + 1);
    }
}

void arm_pmu_after(ArmEnv *env)
{
    update_irq(env);
    arm_deadline(env);
}

/* On the vCPU's thread: a counter has passed its top. */
static void look(Cpu *cpu, void *opaque)
{
    ArmEnv *env = arm_cpu(cpu)->env;

    if (env && !cpu->state_dirty) {
        arm_pmu_before(env);
        arm_pmu_after(env);
    }
}

static void fired(void *opaque)
{
    struct ArmPmu *p = opaque;

    cpu_run_on_async(p->cpu, look, NULL);
}

struct ArmPmu *arm_pmu_new(Cpu *cpu)
{
    struct ArmPmu *p = g_new0(struct ArmPmu, 1);

    p->cpu = cpu;
    timer_init(&p->overflow, cpu->machine, CLOCK_VIRTUAL, fired, p);
    return p;
}

void arm_pmu_free(struct ArmPmu *p)
{
    if (p) {
        timer_fini(&p->overflow);
    }
    g_free(p);
}

void arm_cpu_connect_pmu(Cpu *cpu, Irq to)
{
    arm_cpu(cpu)->pmu_irq = to;
}

/* ---- access ---- */

static int trap_pmu(ArmEnv *env, uint64_t user_bits, bool pmcr)
{
    uint64_t mdcr = env->s.sr[ARM_SR_MDCR_EL2];

    if (arm_el(env) == 0 && !(env->s.sr[ARM_SR_PMUSERENR_EL0] & (USER_EN | user_bits))) {
        return (int)arm_sync_target(env);
    }
    if (arm_el(env) < 2 && arm_el2_enabled(env) && ((mdcr & MDCR_TPM) || (pmcr && (mdcr & MDCR_TPMCR)))) {
        return 2;
    }
    return arm_el(env) < 3 && arm_has(env->config, ARM_FEAT_EL3) && (env->s.sr[ARM_SR_MDCR_EL3] & MDCR_TPM) ? 3 : 0;
}

static int trap_plain(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return trap_pmu(env, 0, false);
}

static int trap_pmcr(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return trap_pmu(env, 0, true);
}

static int trap_cycle(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return trap_pmu(env, write ? 0 : USER_CR, false);
}

static int trap_event(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return trap_pmu(env, write ? 0 : USER_ER, false);
}

static int trap_selr(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return trap_pmu(env, USER_ER, false);
}

static int trap_swinc(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return trap_pmu(env, USER_SW, false);
}

/* PMUSERENR_EL0: EL0 reads it, whatever it says. */
static int trap_user(ArmEnv *env, const ArmSysRegDef *r, bool write, ArmEc *ec)
{
    return arm_el(env) == 0 ? 0 : trap_pmu(env, 0, false);
}

/* The counters that the current level may see: EL2's are hidden from below. */
static uint32_t visible(const ArmEnv *env)
{
    uint32_t mask = counter_mask(env);

    if (arm_el(env) < 2 && arm_el2_enabled(env)) {
        unsigned hpmn = env->s.sr[ARM_SR_MDCR_EL2] & MDCR_HPMN;
        mask &= 1u << CYCLE | ((1u << hpmn) - 1);
    }
    return mask;
}

/* ---- registers: in those with a counter's number, `mask` is it ---- */

static uint64_t read_pmcr(ArmEnv *env, const ArmSysRegDef *r)
{
    uint64_t v = *sr(env, ARM_SR_PMCR_EL0);

    if (arm_el(env) < 2 && arm_el2_enabled(env)) {
        v = deposit64(v, 11, 5, env->s.sr[ARM_SR_MDCR_EL2] & MDCR_HPMN);
    }
    return v;
}

static void write_pmcr(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    uint64_t mask = PMCR_E | PMCR_X | PMCR_DP | PMCR_LC;

    mask |= arm_has(env->config, ARM_FEAT_PMUv3p5) ? PMCR_LP : 0;
    arm_pmu_before(env);
    for (unsigned n = 0; (v & PMCR_P) && n < arm_pmu_events(env->config); n++) {
        if (visible(env) >> n & 1) {
            *counter(env, n) = 0;
        }
    }
    if (v & PMCR_C) {
        *counter(env, CYCLE) = 0;
    }
    *sr(env, ARM_SR_PMCR_EL0) = (*sr(env, ARM_SR_PMCR_EL0) & ~mask) | (v & mask);
    arm_pmu_after(env);
}

/* Pairs of set and clear registers over one slot. */
static uint64_t read_bits(ArmEnv *env, const ArmSysRegDef *r)
{
    arm_pmu_before(env);
    arm_pmu_after(env);
    return env->s.sr[r->mask] & visible(env);
}

static void write_set(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    arm_pmu_before(env);
    env->s.sr[r->mask] |= v & visible(env);
    arm_pmu_after(env);
}

static void write_clear(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    arm_pmu_before(env);
    env->s.sr[r->mask] &= ~(v & visible(env));
    arm_pmu_after(env);
}

static void write_swinc(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    arm_pmu_before(env);
    for (uint64_t all = v & visible(env) & ~(1ull << CYCLE); all; all &= all - 1) {
        unsigned n = (unsigned)__builtin_ctzll(all);
        uint64_t *c = counter(env, n), top = is_64_bits(env, n) ? ~0ull : UINT32_MAX;
        if ((filter_of(env, n) & 0xffff) == EVENT_SW_INCR && counts(env, n)) {
            *c = (*c + 1) & top;
            if (!*c) {
                overflowed(env, n);
            }
        }
    }
    arm_pmu_after(env);
}

static uint64_t get_counter(ArmEnv *env, unsigned n)
{
    if (!(visible(env) >> n & 1)) {
        return 0;
    }
    arm_pmu_before(env);
    arm_pmu_after(env);
    return *counter(env, n);
}

static void put_counter(ArmEnv *env, unsigned n, uint64_t v)
{
    if (visible(env) >> n & 1) {
        arm_pmu_before(env);
        *counter(env, n) = n == CYCLE || is_64_bits(env, n) ? v : (uint32_t)v;
        arm_pmu_after(env);
    }
}

static uint64_t get_type(ArmEnv *env, unsigned n)
{
    return visible(env) >> n & 1 ? filter_of(env, n) : 0;
}

static void put_type(ArmEnv *env, unsigned n, uint64_t v)
{
    if (visible(env) >> n & 1) {
        arm_pmu_before(env);
        env->s.sr[n == CYCLE ? ARM_SR_PMCCFILTR_EL0 : ARM_SR_PMEVTYPER0_EL0 + n] = v & (n == CYCLE ? 0xfc000000 : 0xfc00ffff);
        arm_pmu_after(env);
    }
}

static unsigned selected(const ArmEnv *env)
{
    return env->s.sr[ARM_SR_PMSELR_EL0] & 31;
}

static uint64_t read_counter(ArmEnv *env, const ArmSysRegDef *r)
{
    return get_counter(env, (unsigned)r->mask);
}

static void write_counter(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    put_counter(env, (unsigned)r->mask, v);
}

static uint64_t read_type(ArmEnv *env, const ArmSysRegDef *r)
{
    return get_type(env, (unsigned)r->mask);
}

static void write_type(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    put_type(env, (unsigned)r->mask, v);
}

static uint64_t read_xcounter(ArmEnv *env, const ArmSysRegDef *r)
{
    return selected(env) == CYCLE ? 0 : get_counter(env, selected(env));
}

static void write_xcounter(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    if (selected(env) != CYCLE) {
        put_counter(env, selected(env), v);
    }
}

static uint64_t read_xtype(ArmEnv *env, const ArmSysRegDef *r)
{
    return get_type(env, selected(env));
}

static void write_xtype(ArmEnv *env, const ArmSysRegDef *r, uint64_t v)
{
    put_type(env, selected(env), v);
}

/* Events that can be counted: SW_INCR (0) and CPU_CYCLES (0x11). */
static uint64_t read_ceid0(ArmEnv *env, const ArmSysRegDef *r)
{
    return 1ull << EVENT_SW_INCR | 1ull << EVENT_CPU_CYCLES;
}

#define PM(n, op1, crn, crm, op2, r, w, m, rd, wr, tr)                                                                 \
    {SR3(n, op1, crn, crm, op2, r, w, SR_IO), .feature = ARM_FEAT_PMUv3, .slot = -1, .mask = m, .read = rd,           \
     .write = wr, .trap = tr}
#define PM_EVENT(i)                                                                                                    \
    PM("PMEVCNTR" #i "_EL0", 3, 14, 8, i, 0, 0, i, read_counter, write_counter, trap_event),                          \
    PM("PMEVTYPER" #i "_EL0", 3, 14, 12, i, 0, 0, i, read_type, write_type, trap_plain)

const ArmSysRegDef arm_pmu_regs[] = {
    PM("PMCR_EL0", 3, 9, 12, 0, 0, 0, 0, read_pmcr, write_pmcr, trap_pmcr),
    PM("PMCNTENSET_EL0", 3, 9, 12, 1, 0, 0, ARM_SR_PMCNTENSET_EL0, read_bits, write_set, trap_plain),
    PM("PMCNTENCLR_EL0", 3, 9, 12, 2, 0, 0, ARM_SR_PMCNTENSET_EL0, read_bits, write_clear, trap_plain),
    PM("PMOVSCLR_EL0", 3, 9, 12, 3, 0, 0, ARM_SR_PMOVSCLR_EL0, read_bits, write_clear, trap_plain),
    PM("PMOVSSET_EL0", 3, 9, 14, 3, 0, 0, ARM_SR_PMOVSCLR_EL0, read_bits, write_set, trap_plain),
    PM("PMINTENSET_EL1", 0, 9, 14, 1, 1, 1, ARM_SR_PMINTENSET_EL1, read_bits, write_set, trap_plain),
    PM("PMINTENCLR_EL1", 0, 9, 14, 2, 1, 1, ARM_SR_PMINTENSET_EL1, read_bits, write_clear, trap_plain),
    PM("PMSWINC_EL0", 3, 9, 12, 4, 4, 0, 0, NULL, write_swinc, trap_swinc),
    {SLOT(PMSELR_EL0, 0, 0, 0), .feature = ARM_FEAT_PMUv3, .mask = 31, .trap = trap_selr},
    PM("PMCEID0_EL0", 3, 9, 12, 6, 0, 4, 0, read_ceid0, NULL, trap_plain),
    PM("PMCEID1_EL0", 3, 9, 12, 7, 0, 4, 0, arm_sysreg_zero, NULL, trap_plain),
    PM("PMCCNTR_EL0", 3, 9, 13, 0, 0, 0, CYCLE, read_counter, write_counter, trap_cycle),
    PM("PMXEVTYPER_EL0", 3, 9, 13, 1, 0, 0, 0, read_xtype, write_xtype, trap_plain),
    PM("PMXEVCNTR_EL0", 3, 9, 13, 2, 0, 0, 0, read_xcounter, write_xcounter, trap_event),
    {SLOT(PMUSERENR_EL0, 0, 1, 0), .feature = ARM_FEAT_PMUv3, .mask = 15, .trap = trap_user},
    PM("PMMIR_EL1", 0, 9, 14, 6, 1, 4, 0, arm_sysreg_zero, NULL, trap_plain),
    PM_EVENT(0), PM_EVENT(1), PM_EVENT(2), PM_EVENT(3), PM_EVENT(4), PM_EVENT(5),
    PM("PMCCFILTR_EL0", 3, 14, 15, 7, 0, 0, CYCLE, read_type, write_type, trap_plain),
};
const unsigned arm_pmu_n_regs = ARRAY_LEN(arm_pmu_regs);
