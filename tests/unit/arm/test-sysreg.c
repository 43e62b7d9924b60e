/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System registers: what every row has in common, redirection, traps, timers, performance monitors, AArch32's views.
 */
#include <string.h>
#include <glib.h>
#include "target/arm/exception.h"
#include "target/arm/pmu.h"
#include "target/arm/start.h"
#include "target/arm/sysreg_a32.h"
#include "target/arm/timer.h"
#include "tests/unit/arm/fake.h"

static ArmState *st(Fake *f)
{
    return &f->env.s;
}

static Fake *new_fake(void)
{
    Fake *f = fake_new();

    f->priv.config.id[ARM_ID_PMCR_CONST] = 6 << 11;
    f->priv.config.cnt_freq = 62500000;
    f->priv.config.sysregs = arm_sysreg_set_new(&f->priv.config);
    f->priv.timers = arm_timers_new(&f->cpu);
    f->priv.pmu = arm_pmu_new(&f->cpu);
    f->priv.env = &f->env;
    return f;
}

static void end_fake(Fake *f)
{
    arm_sysreg_set_free((struct ArmSysRegSet *)f->priv.config.sysregs);
    arm_timers_free(f->priv.timers);
    arm_pmu_free(f->priv.pmu);
    fake_free(f);
}

/* True: an exception is noted. */
static bool get(Fake *f, uint32_t key, uint64_t *v)
{
    if (setjmp(f->jmp)) {
        return true;
    }
    *v = helper_sysreg_read(&f->env, key, 0, 5);
    return false;
}

static bool put(Fake *f, uint32_t key, uint64_t v)
{
    if (setjmp(f->jmp)) {
        return true;
    }
    helper_sysreg_write(&f->env, key, v, 5);
    return false;
}

static uint64_t must_get(Fake *f, uint32_t key)
{
    uint64_t v = 0;

    g_assert_false(get(f, key, &v));
    return v;
}

/* ---- every row ---- */

/* No access from any level does anything but give a value, an exception, or a state whose mode word is right. */
static void access_all(Fake *f, const ArmSysRegDef *rows, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint32_t key = rows[i].reg.key;
        for (unsigned el = 0; el < 4; el++) {
            uint64_t v = 0;
            bool undef = rows[i].reg.min_el_r > el;
            fake_reset(f);
            fake_el(f, el);
            bool faulted = get(f, key, &v);
            g_assert_true(!undef || faulted);
            fake_el(f, el);
            faulted = put(f, key, (uint64_t)g_random_int() << 32 | g_random_int());
            g_assert_true(rows[i].reg.min_el_w <= el || faulted);
            uint64_t mode = f->env.mode;
            arm_update_mode(&f->env);
            g_assert_cmphex(f->env.mode, ==, mode);
        }
    }
}

static void test_all_rows(void)
{
    Fake *f = new_fake();

    for (int round = 0; round < 20; round++) {
        access_all(f, arm_pstate_regs, arm_pstate_n_regs);
        access_all(f, arm_el1_regs, arm_el1_n_regs);
        access_all(f, arm_el2_regs, arm_el2_n_regs);
        access_all(f, arm_el3_regs, arm_el3_n_regs);
        access_all(f, arm_id_regs, arm_id_n_regs);
        access_all(f, arm_timer_regs, arm_timer_n_regs);
        access_all(f, arm_debug_regs, arm_debug_n_regs);
        access_all(f, arm_pmu_regs, arm_pmu_n_regs);
        access_all(f, arm_gic_regs, arm_gic_n_regs); /* without a controller: UNDEFINED */
    }
    end_fake(f);
}

/* Any encoding at all gives a value or an exception. */
static void test_any_key(void)
{
    Fake *f = new_fake();

    for (uint32_t key = 2u << 14; key < 4u << 14; key++) {
        uint64_t v;
        fake_el(f, key & 3);
        get(f, key, &v);
    }
    end_fake(f);
}

/* Inline rows are plain storage: what a load of their offset gives is what the helper gives. */
static void inline_rows(Fake *f, const ArmSysRegDef *rows, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const ArmSysReg *r = &rows[i].reg;
        if (r->flags & SR_INLINE_R) {
            uint64_t *p = (uint64_t *)((char *)&f->env + r->offset);
            fake_reset(f);
            fake_el(f, 3);
            *p = 0x123456789abcdef0;
            g_assert_cmphex(must_get(f, r->key), ==, *p);
            if (r->flags & SR_INLINE_W) {
                g_assert_false(put(f, r->key, 0xfedcba9876543210));
                g_assert_cmphex(*p, ==, 0xfedcba9876543210);
            }
        }
    }
}

static void test_inline(void)
{
    Fake *f = new_fake();

    inline_rows(f, arm_el1_regs, arm_el1_n_regs);
    inline_rows(f, arm_el2_regs, arm_el2_n_regs);
    inline_rows(f, arm_el3_regs, arm_el3_n_regs);
    end_fake(f);
}

/* ---- E2H ---- */

static void test_redirect(void)
{
    uint64_t e2h = MODE_E2H;

    g_assert_cmphex(arm_sysreg_redirect(0, ARM_KEY_TCR_EL1), ==, ARM_KEY_TCR_EL1);
    g_assert_cmphex(arm_sysreg_redirect(e2h, ARM_KEY_TCR_EL1), ==, ARM_KEY_TCR_EL2);
    g_assert_cmphex(arm_sysreg_redirect(e2h, ARM_KEY_CPACR_EL1), ==, ARM_KEY_CPTR_EL2);
    g_assert_cmphex(arm_sysreg_redirect(e2h, ARM_KEY_TPIDR_EL1), ==, ARM_KEY_TPIDR_EL1);
    g_assert_cmphex(arm_sysreg_redirect(e2h, ARM_KEY_CNTV_CTL_EL0), ==, ARM_KEY_CNTHV_CTL_EL2);
    g_assert_cmphex(arm_sysreg_redirect(e2h, A64_SYSREG(3, 5, 2, 0, 2)), ==, ARM_KEY_TCR_EL1);
    g_assert_cmphex(arm_sysreg_redirect(e2h, A64_SYSREG(3, 5, 14, 3, 1)), ==, ARM_KEY_CNTV_CTL_EL0);
    g_assert_cmphex(arm_sysreg_redirect(0, A64_SYSREG(3, 5, 2, 0, 2)), ==, 0);
}

/* ---- traps ---- */

static void test_traps(void)
{
    Fake *f = new_fake();
    uint64_t v;

    st(f)->sr[ARM_SR_HCR_EL2] |= HCR_TVM;
    fake_el(f, 1);
    g_assert_false(get(f, ARM_KEY_TTBR0_EL1, &v));
    g_assert_true(put(f, ARM_KEY_TTBR0_EL1, 0));
    g_assert_cmpuint(f->env.fault.target_el, ==, 2);
    g_assert_cmphex(f->env.fault.esr, ==, 0x62000000 | 3 << 20 | 2 << 10 | 5 << 5); /* MSR TTBR0_EL1, X5 */
    fake_el(f, 2);
    g_assert_false(put(f, ARM_KEY_TTBR0_EL1, 0));
    fake_el(f, 0);
    g_assert_true(get(f, ARM_KEY_TTBR0_EL1, &v));
    g_assert_cmphex(f->env.fault.esr >> 26, ==, EC_UNKNOWN);
    g_assert_true(get(f, A64_SYSREG(3, 0, 0, 4, 0), &v)); /* ID_AA64PFR0_EL1 from EL0: FEAT_IDST */
    g_assert_cmphex(f->env.fault.esr >> 26, ==, EC_MSR);
    g_assert_true(get(f, A64_SYSREG(3, 3, 14, 0, 2), &v)); /* CNTVCT_EL0: not enabled */
    st(f)->sr[ARM_SR_CNTKCTL_EL1] = 2;
    g_assert_false(get(f, A64_SYSREG(3, 3, 14, 0, 2), &v));
    st(f)->sr[ARM_SR_CPACR_EL1] = 0;
    fake_el(f, 1);
    g_assert_true(get(f, A64_SYSREG(3, 3, 4, 4, 0), &v)); /* FPCR */
    g_assert_cmphex(f->env.fault.esr, ==, 0x1fe00000ull | 1ull << 25);
    end_fake(f);
}

/* The ID registers that EL1 sees of itself are EL2's to set. */
static void test_virtual_id(void)
{
    Fake *f = new_fake();

    f->priv.config.midr = 0x410fd083;
    st(f)->sr[ARM_SR_VPIDR_EL2] = 0x12345678;
    fake_el(f, 1);
    g_assert_cmphex(must_get(f, A64_SYSREG(3, 0, 0, 0, 0)), ==, 0x12345678);
    fake_el(f, 2);
    g_assert_cmphex(must_get(f, A64_SYSREG(3, 0, 0, 0, 0)), ==, 0x410fd083);
    end_fake(f);
}

/* ---- timers ---- */

static void set_level(void *opaque, int n, int level)
{
    *(int *)opaque = level;
}

static void test_timer(void)
{
    Fake *f = new_fake();
    int level = 0;

    arm_cpu_connect_timer(&f->cpu, ARM_TIMER_VIRT, (Irq){.handler = set_level, .opaque = &level});
    st(f)->sr[ARM_SR_CNTVOFF_EL2] = 1000;
    f->now = 1600 * 16; /* 1600 ticks of 16 ns */
    fake_el(f, 1);
    g_assert_cmpuint(must_get(f, A64_SYSREG(3, 3, 14, 0, 1)), ==, 1600);
    g_assert_cmpuint(must_get(f, A64_SYSREG(3, 3, 14, 0, 2)), ==, 600);
    g_assert_false(put(f, A64_SYSREG(3, 3, 14, 3, 0), 50)); /* CNTV_TVAL_EL0 */
    g_assert_cmpuint(must_get(f, ARM_KEY_CNTV_CVAL_EL0), ==, 650);
    g_assert_false(put(f, ARM_KEY_CNTV_CTL_EL0, 1));
    g_assert_cmpuint(must_get(f, ARM_KEY_CNTV_CTL_EL0), ==, 1);
    g_assert_cmpint(level, ==, 0);
    f->now += 50 * 16;
    g_assert_cmpuint(must_get(f, ARM_KEY_CNTV_CTL_EL0), ==, 5);
    arm_timers_changed(&f->cpu, st(f));
    g_assert_cmpint(level, ==, 1);
    g_assert_false(put(f, ARM_KEY_CNTV_CTL_EL0, 3));
    g_assert_cmpint(level, ==, 0);
    g_assert_cmphex((uint32_t)must_get(f, A64_SYSREG(3, 3, 14, 3, 0)), ==, 0);
    end_fake(f);
}

/* ---- performance monitors ---- */

static void test_pmu(void)
{
    Fake *f = new_fake();
    uint32_t overflow_key = ARM_KEY_PMOVSCLR_EL0;
    int level = 0;

    f->priv.pmu_irq = (Irq){.handler = set_level, .opaque = &level};
    st(f)->sr[ARM_SR_MDCR_EL2] = 6; /* HPMN: none are EL2's */
    fake_el(f, 1);
    g_assert_false(put(f, ARM_KEY_PMCR_EL0, 1));
    g_assert_false(put(f, ARM_KEY_PMCNTENSET_EL0, 1u << 31 | 1));
    g_assert_false(put(f, ARM_KEY_PMEVTYPER0_EL0, 0x11));
    f->now = 1000;
    g_assert_cmpuint(must_get(f, ARM_KEY_PMCCNTR_EL0), ==, 1000);
    g_assert_cmpuint(must_get(f, ARM_KEY_PMEVCNTR0_EL0), ==, 1000);
    g_assert_false(put(f, ARM_KEY_PMCCFILTR_EL0, 1u << 30)); /* not at EL0 */
    arm_set_pstate(&f->env, 0);
    f->now = 3000;
    arm_set_pstate(&f->env, 5);
    g_assert_cmpuint(must_get(f, ARM_KEY_PMCCNTR_EL0), ==, 1000);
    g_assert_cmpuint(must_get(f, ARM_KEY_PMEVCNTR0_EL0), ==, 3000);
    g_assert_false(put(f, ARM_KEY_PMEVCNTR0_EL0, 0xffffff00));
    g_assert_false(put(f, ARM_KEY_PMINTENSET_EL1, 1));
    f->now += 0xff;
    g_assert_cmphex(must_get(f, overflow_key), ==, 0);
    f->now += 1;
    g_assert_cmphex(must_get(f, overflow_key), ==, 1);
    g_assert_cmpint(level, ==, 1);
    g_assert_false(put(f, overflow_key, 1));
    g_assert_cmpint(level, ==, 0);
    g_assert_false(put(f, ARM_KEY_PMEVTYPER0_EL0, 0)); /* SW_INCR */
    g_assert_false(put(f, ARM_KEY_PMEVCNTR0_EL0, 7));
    g_assert_false(put(f, A64_SYSREG(3, 3, 9, 12, 4), 1));
    g_assert_cmpuint(must_get(f, ARM_KEY_PMEVCNTR0_EL0), ==, 8);
    g_assert_false(put(f, ARM_KEY_PMCR_EL0, 6)); /* stopped, all zero */
    f->now += 100;
    g_assert_cmpuint(must_get(f, ARM_KEY_PMCCNTR_EL0), ==, 0);
    end_fake(f);
}

/* ---- AArch32's views ---- */

static void test_a32_views(void)
{
    Fake *f = new_fake();
    uint64_t v;

    fake_a32(f);
    g_assert_false(put(f, CP15(0, 10, 2, 0), 0x44332211)); /* MAIR0, MAIR1 */
    g_assert_false(put(f, CP15(0, 10, 2, 1), 0x88776655));
    g_assert_cmphex(st(f)->sr[ARM_SR_MAIR_EL1], ==, 0x8877665544332211);
    g_assert_false(put(f, CP15_64(0, 2), 0x123456789a)); /* TTBR0 of 64 bits, then of 32 */
    g_assert_cmphex(must_get(f, CP15(0, 2, 0, 0)), ==, 0x3456789a);
    st(f)->sr[ARM_SR_FAR_EL1] = 0x1111111122222222;
    g_assert_cmphex(must_get(f, CP15(0, 6, 0, 0)), ==, 0x22222222);
    g_assert_cmphex(must_get(f, CP15(0, 6, 0, 2)), ==, 0x11111111);
    g_assert_false(put(f, CP15(0, 3, 0, 0), 0x55555555));
    st(f)->sr[ARM_SR_SCR_EL3] &= ~SCR_NS; /* Secure copies */
    arm_update_mode(&f->env);
    g_assert_cmphex(must_get(f, CP15(0, 3, 0, 0)), ==, 0);
    g_assert_false(put(f, CP15(0, 3, 0, 0), 3));
    g_assert_cmphex(st(f)->sr[ARM_SR_DACR_S], ==, 3);
    g_assert_cmphex(st(f)->sr[ARM_SR_DACR32_EL2], ==, 0x55555555);
    st(f)->sr[ARM_SR_SCR_EL3] |= SCR_NS;
    arm_set_pstate(&f->env, PSTATE_NRW | ARM_MODE_USR);
    g_assert_true(get(f, CP15(0, 1, 0, 0), &v));
    g_assert_false(put(f, CP15(0, 13, 0, 2), 9)); /* TPIDRURW */
    g_assert_true(put(f, CP15(0, 13, 0, 3), 9));  /* TPIDRURO */
    g_assert_cmphex(must_get(f, CP15(0, 13, 0, 2)), ==, 9);
    end_fake(f);
}

/* HSTR_EL2.T3: an access of EL1 to c3 goes to EL2, with its registers. */
static void test_a32_hstr(void)
{
    Fake *f = new_fake();
    uint64_t v;

    st(f)->sr[ARM_SR_HCR_EL2] &= ~HCR_RW;
    st(f)->sr[ARM_SR_HSTR_EL2] = 1 << 3;
    arm_set_pstate(&f->env, PSTATE_NRW | ARM_MODE_SVC);
    g_assert_true(f->env.mode & MODE_CP15_TRAP);
    g_assert_true(get(f, CP15(0, 3, 0, 0), &v));
    g_assert_cmpuint(f->env.fault.target_el, ==, 2);
    g_assert_cmphex(f->env.fault.esr, ==, 0x0e000000 | 1 << 24 | 14 << 20 | 3 << 10 | 5 << 5 | 1);
    end_fake(f);
}

/* Whatever an AArch32 program asks for. */
static bool simd_undefined(Fake *f)
{
    arm_update_mode(&f->env);
    return f->env.mode & MODE_ASE_UNDEF;
}

/* Advanced SIMD alone taken away: by CPACR.ASEDIS and NSACR.NSASEDIS, and by HCPTR.TASE for Hyp mode. */
static void test_a32_asedis(void)
{
    Fake *f = new_fake();

    fake_a32(f);
    f->env.s.sr[ARM_SR_NSACR] = 3u << 10;
    g_assert_false(simd_undefined(f));
    g_assert_false(put(f, CP15(0, 1, 0, 2), 0xc0f00000)); /* CPACR; D32DIS is not there */
    g_assert_cmphex(must_get(f, CP15(0, 1, 0, 2)), ==, 0x80f00000);
    g_assert_true(f->env.mode & MODE_ASE_UNDEF);
    g_assert_false(f->env.mode >> MODE_FP_EL_SHIFT & 3);
    g_assert_false(put(f, CP15(0, 1, 0, 2), 0x00f00000));
    g_assert_false(f->env.mode & (MODE_ASE_UNDEF | MODE_ASE_HYP));
    f->env.s.sr[ARM_SR_NSACR] |= 1u << 15; /* Non-secure state: as CPACR.ASEDIS, which reads as one, and as HCPTR.TASE */
    g_assert_true(simd_undefined(f));
    g_assert_true(f->env.mode & MODE_ASE_HYP);
    g_assert_cmphex(must_get(f, CP15(0, 1, 0, 2)), ==, 0x80f00000);
    f->env.s.sr[ARM_SR_NSACR] &= ~(1u << 15);
    f->env.s.pstate = PSTATE_NRW | ARM_MODE_HYP;
    arm_update_mode(&f->env);
    g_assert_false(put(f, CP15(4, 1, 1, 2), 1u << 15)); /* HCPTR */
    g_assert_true(f->env.mode & MODE_ASE_HYP);
    f->env.s.pstate = PSTATE_NRW | ARM_MODE_USR;
    g_assert_false(simd_undefined(f));
    g_assert_true(f->env.mode & MODE_ASE_HYP);
    end_fake(f);
}

static void test_a32_any_key(void)
{
    Fake *f = new_fake();

    for (int i = 0; i < 200000; i++) {
        uint32_t r = g_random_int();
        uint32_t key = r & 1 ? A32_SYSREG(15 - (r >> 1 & 1), 1u, r >> 2 & 15, 0, r >> 6 & 15, 0)
                             : A32_SYSREG(15 - (r >> 1 & 1), 0u, r >> 2 & 7, r >> 5 & 15, r >> 9 & 15, r >> 13 & 7);
        uint64_t v;
        if (i % 64 == 0) {
            fake_reset(f);
            fake_a32(f);
        }
        get(f, key, &v);
        put(f, key, (uint64_t)g_random_int() << 32 | g_random_int());
    }
    end_fake(f);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/arm/sysreg/all-rows", test_all_rows);
    g_test_add_func("/arm/sysreg/any-key", test_any_key);
    g_test_add_func("/arm/sysreg/inline", test_inline);
    g_test_add_func("/arm/sysreg/redirect", test_redirect);
    g_test_add_func("/arm/sysreg/traps", test_traps);
    g_test_add_func("/arm/sysreg/virtual-id", test_virtual_id);
    g_test_add_func("/arm/sysreg/timer", test_timer);
    g_test_add_func("/arm/sysreg/pmu", test_pmu);
    g_test_add_func("/arm/sysreg/a32-views", test_a32_views);
    g_test_add_func("/arm/sysreg/a32-hstr", test_a32_hstr);
    g_test_add_func("/arm/sysreg/a32-asedis", test_a32_asedis);
    g_test_add_func("/arm/sysreg/a32-any-key", test_a32_any_key);
    return g_test_run();
}
