/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PSTATE and its banks, exceptions to AArch64 and AArch32, returns, interrupts, PSCI, saved state.
 */
#include <string.h>
#include <glib.h>
#include "target/arm/exception.h"
#include "target/arm/start.h"
#include "target/arm/state.h"
#include "tests/unit/arm/fake.h"

typedef uint64_t Helper(void *, uint64_t, uint64_t, uint64_t);

/* Calls a helper and delivers the exception that it makes, if any: true. */
static bool run(Fake *f, Helper *fn, uint64_t a, uint64_t b, uint64_t c)
{
    int how = setjmp(f->jmp);

    if (how == 0) {
        fn(&f->env, a, b, c);
        return false;
    }
    if (how == 1) {
        g_assert_true(arm_deliver(&f->env));
    }
    return true;
}

static ArmState *st(Fake *f)
{
    return &f->env.s;
}

static uint32_t daif(Fake *f)
{
    return st(f)->pstate & (PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F);
}

#define ALL_MASKED (PSTATE_D | PSTATE_A | PSTATE_I | PSTATE_F)

/* ---- entry to AArch64 ---- */

static void test_svc(void)
{
    Fake *f = fake_new();

    fake_el(f, 0);
    st(f)->sp = 0x1000;
    st(f)->sp_el[1] = 0x2000;
    st(f)->pc = 0x4000;
    st(f)->sr[ARM_SR_VBAR_EL1] = 0x80000;
    f->env.cc = arm_cc_from_nzcv(PSTATE_N | PSTATE_C);
    g_assert_true(run(f, helper_svc, 0x1234, 0x4004, 0));
    g_assert_cmphex(st(f)->pc, ==, 0x80400);
    g_assert_cmphex(st(f)->sr[ARM_SR_ESR_EL1], ==, 0x56001234);
    g_assert_cmphex(st(f)->elr[1], ==, 0x4004);
    g_assert_cmphex(st(f)->spsr[1], ==, PSTATE_N | PSTATE_C);
    g_assert_cmphex(daif(f), ==, ALL_MASKED);
    g_assert_cmphex(st(f)->sp, ==, 0x2000);
    g_assert_cmphex(st(f)->sp_el[0], ==, 0x1000);
    g_assert_cmpuint(arm_el(&f->env), ==, 1);

    g_assert_false(run(f, helper_eret, st(f)->elr[1], 0, 0));
    g_assert_cmphex(st(f)->pc, ==, 0x4004);
    g_assert_cmphex(st(f)->sp, ==, 0x1000);
    g_assert_cmpuint(arm_el(&f->env), ==, 0);
    g_assert_cmphex(arm_pstate(&f->env), ==, PSTATE_N | PSTATE_C);
    fake_free(f);
}

/* Group of the vector: by SP, by the level below and its state. */
static void test_vectors(void)
{
    Fake *f = fake_new();

    st(f)->sr[ARM_SR_VBAR_EL1] = 0x10000;
    st(f)->sr[ARM_SR_VBAR_EL2] = 0x20000;
    g_assert_true(run(f, helper_undef, 0, 0, 0)); /* EL1h */
    g_assert_cmphex(st(f)->pc, ==, 0x10200);
    st(f)->pstate &= ~PSTATE_SPSEL;
    arm_update_mode(&f->env);
    g_assert_true(run(f, helper_undef, 0, 0, 0)); /* EL1t */
    g_assert_cmphex(st(f)->pc, ==, 0x10000);
    arm_set_pstate(&f->env, PSTATE_NRW | ARM_MODE_USR);
    g_assert_true(run(f, helper_undef, 0, 0, 0));
    g_assert_cmphex(st(f)->pc, ==, 0x10600);
    fake_el(f, 1);
    arm_note(&f->env, ARM_FAULT_DATA, arm_syndrome(EC_DABT, 0x07), 2, 0xdead000);
    f->env.fault.hpfar = 0x770;
    arm_deliver(&f->env);
    g_assert_cmphex(st(f)->pc, ==, 0x20400);
    g_assert_cmphex(st(f)->sr[ARM_SR_ESR_EL2] >> 26, ==, EC_DABT_LOWER);
    g_assert_cmphex(st(f)->sr[ARM_SR_FAR_EL2], ==, 0xdead000);
    g_assert_cmphex(st(f)->sr[ARM_SR_HPFAR_EL2], ==, 0x770);
    arm_note(&f->env, ARM_FAULT_DATA, arm_syndrome(EC_DABT_LOWER, 0x07), 0, 0xbeef000); /* from EL2 itself */
    arm_deliver(&f->env);
    g_assert_cmphex(st(f)->sr[ARM_SR_ESR_EL2] >> 26, ==, EC_DABT);
    g_assert_cmphex(st(f)->pc, ==, 0x20200);
    fake_free(f);
}

static void test_tge(void)
{
    Fake *f = fake_new();

    fake_el(f, 0);
    st(f)->sr[ARM_SR_HCR_EL2] = HCR_TGE | HCR_E2H | HCR_RW;
    st(f)->sr[ARM_SR_VBAR_EL2] = 0x20000;
    arm_update_mode(&f->env);
    g_assert_true(run(f, helper_svc, 0, 4, 0));
    g_assert_cmpuint(arm_el(&f->env), ==, 2);
    g_assert_cmphex(st(f)->pc, ==, 0x20400);
    g_assert_cmphex(f->env.mode & MODE_E2H, !=, 0);
    fake_free(f);
}

/* PAN by SCTLR.SPAN, SSBS by DSSBS, UAO, BTYPE and IL cleared, TCO set. */
static void test_entry_pstate(void)
{
    Fake *f = fake_new();

    fake_el(f, 0);
    st(f)->pstate |= PSTATE_UAO | PSTATE_IL | PSTATE_DIT | 2u << PSTATE_BTYPE_SHIFT;
    st(f)->sr[ARM_SR_SCTLR_EL1] = SCTLR_DSSBS;
    g_assert_true(run(f, helper_undef, 0, 0, 0));
    g_assert_cmphex(st(f)->pstate & (PSTATE_PAN | PSTATE_SSBS | PSTATE_UAO | PSTATE_IL | PSTATE_TCO | PSTATE_DIT | 0xc00), ==,
                    PSTATE_PAN | PSTATE_SSBS | PSTATE_TCO | PSTATE_DIT);
    fake_el(f, 0);
    st(f)->sr[ARM_SR_SCTLR_EL1] = SCTLR_SPAN;
    g_assert_true(run(f, helper_undef, 0, 0, 0));
    g_assert_cmphex(st(f)->pstate & (PSTATE_PAN | PSTATE_SSBS), ==, 0);
    fake_free(f);
}

/* SCR_EL3.EASE: external aborts that EL3 takes enter as SErrors; others, and those of other levels, do not. */
static void test_double_fault(void)
{
    Fake *f = fake_new();
    static const struct {
        uint64_t scr;
        bool external;
        unsigned from, offset;
    } rows[] = {
        {SCR_NS | SCR_RW | SCR_EA, true, 0, 0x400},           {SCR_NS | SCR_RW | SCR_EA | SCR_EASE, true, 0, 0x580},
        {SCR_NS | SCR_RW | SCR_EA | SCR_EASE, true, 3, 0x380}, {SCR_NS | SCR_RW | SCR_EASE, true, 3, 0x380},
        {SCR_NS | SCR_RW | SCR_EASE, true, 0, 0x400},         {SCR_NS | SCR_RW | SCR_EA | SCR_EASE, false, 3, 0x200},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        fake_el(f, rows[i].from);
        st(f)->pstate |= rows[i].from ? PSTATE_SPSEL : 0;
        st(f)->sr[ARM_SR_SCR_EL3] = rows[i].scr;
        st(f)->sr[ARM_SR_VBAR_EL1] = st(f)->sr[ARM_SR_VBAR_EL3] = 0x40000;
        arm_update_mode(&f->env);
        if (rows[i].external) {
            arm_note_bus_error(&f->env, 0x1000, 0x1000, MMU_READ);
            g_assert_true(arm_deliver(&f->env));
        } else {
            g_assert_true(run(f, helper_stage_fault, 0x1001, 0, 0));
        }
        g_assert_cmphex(st(f)->pc, ==, 0x40000 + rows[i].offset);
        g_assert_cmphex(st(f)->sr[rows[i].scr & SCR_EA || rows[i].from ? ARM_SR_ESR_EL3 : ARM_SR_ESR_EL1] >> ARM_EC_SHIFT, ==,
                        rows[i].from ? EC_DABT : EC_DABT_LOWER);
    }
    fake_free(f);
}

/* SCR_EL3.NMEA: EL3 does not mask SErrors that are its own. */
static void test_unmasked_serror(void)
{
    Fake *f = fake_new();
    static const uint64_t scr[] = {0, SCR_EA, SCR_NMEA, SCR_EA | SCR_NMEA};

    for (unsigned i = 0; i < G_N_ELEMENTS(scr); i++) {
        fake_el(f, 3);
        st(f)->pstate |= PSTATE_A | PSTATE_SPSEL;
        st(f)->sr[ARM_SR_SCR_EL3] = scr[i];
        st(f)->serror_pending = 1;
        arm_update_mode(&f->env);
        g_assert_cmpint(arm_interrupt(&f->env), ==, i == 3);
        g_assert_cmpuint(st(f)->serror_pending, ==, i != 3);
    }
    fake_free(f);
}

/* ---- returns ---- */

static void assert_illegal(Fake *f, uint32_t spsr)
{
    fake_el(f, 1);
    st(f)->spsr[1] = spsr | PSTATE_Z;
    g_assert_false(run(f, helper_eret, 0x8888, 0, 0));
    g_assert_cmphex(st(f)->pstate & PSTATE_IL, ==, PSTATE_IL);
    g_assert_cmpuint(arm_el(&f->env), ==, 1);
    g_assert_cmphex(st(f)->pc, ==, 0x8888);
    g_assert_cmphex(arm_pstate(&f->env) & PSTATE_NZCV, ==, PSTATE_Z);
    g_assert_cmphex(f->env.mode & MODE_IL, ==, MODE_IL);
}

static void test_illegal_returns(void)
{
    Fake *f = fake_new();

    assert_illegal(f, 2 << 2 | 1);                /* a higher level */
    assert_illegal(f, 1);                         /* EL0 with SP_EL1 */
    assert_illegal(f, 2);                         /* reserved */
    assert_illegal(f, 0x10 | 0x4);                /* no such mode */
    assert_illegal(f, PSTATE_NRW | ARM_MODE_SVC); /* EL1 is AArch64: HCR_EL2.RW */
    assert_illegal(f, PSTATE_NRW | ARM_MODE_HYP);
    fake_feature(f, ARM_FEAT_AA32, false);
    assert_illegal(f, PSTATE_NRW | ARM_MODE_USR); /* no AArch32 */
    fake_free(f);
}

static void test_return_a32(void)
{
    Fake *f = fake_new();

    for (int i = 0; i < 31; i++) {
        st(f)->x[i] = 0xffffffff00000000ull + 0x100 + (uint64_t)i;
    }
    st(f)->spsr[1] = PSTATE_NRW | ARM_MODE_USR | CPSR_T;
    g_assert_false(run(f, helper_eret, 0x1001, 0, 0));
    g_assert_true(arm_is_a32(&f->env));
    g_assert_cmphex(st(f)->pc, ==, 0x1000);
    g_assert_cmphex(st(f)->x[13], ==, 0x10d);
    g_assert_cmphex(f->env.mode & (MODE_A32 | MODE_T32), ==, MODE_A32 | MODE_T32);
    st(f)->x[13] = 0xabc;
    g_assert_true(run(f, helper_svc, 0, 0x1002, 0));
    g_assert_cmphex(st(f)->x[13], ==, 0xabc);
    g_assert_cmphex(st(f)->x[19], ==, 0x113); /* SP_svc went through unchanged */
    g_assert_cmphex(st(f)->sr[ARM_SR_ESR_EL1] >> 26, ==, EC_SVC32);
    fake_free(f);
}

/* Any walk through modes keeps each bank: compared with a plain model. */
static void test_banks(void)
{
    static const uint8_t modes[] = {ARM_MODE_USR, ARM_MODE_FIQ, ARM_MODE_IRQ, ARM_MODE_SVC, ARM_MODE_ABT, ARM_MODE_UND,
                                    ARM_MODE_SYS, ARM_MODE_MON};
    uint32_t r13[32] = {0}, r8[2] = {0};
    Fake *f = fake_new();

    fake_a32(f);
    for (int i = 0; i < 2000; i++) {
        uint32_t mode = modes[g_random_int_range(0, ARRAY_LEN(modes))];
        uint32_t bank = mode == ARM_MODE_SYS ? ARM_MODE_USR : mode;
        arm_set_pstate(&f->env, mode);
        g_assert_cmphex(st(f)->x[13], ==, r13[bank]);
        g_assert_cmphex(st(f)->x[8], ==, r8[mode == ARM_MODE_FIQ]);
        st(f)->x[13] = r13[bank] = g_random_int();
        st(f)->x[8] = r8[mode == ARM_MODE_FIQ] = g_random_int();
    }
    fake_free(f);
}

/* ---- entry to AArch32 ---- */

static void test_a32_entry(void)
{
    Fake *f = fake_new();

    fake_a32(f);
    arm_set_pstate(&f->env, PSTATE_NRW | ARM_MODE_USR | CPSR_T | PSTATE_C);
    st(f)->pc = 0x2000;
    st(f)->sr[ARM_SR_VBAR_EL1] = 0x40000;
    g_assert_true(run(f, helper_svc, 0, 0x2002, 0));
    g_assert_cmphex(st(f)->pc, ==, 0x40008);
    g_assert_cmphex(st(f)->x[14], ==, 0x2002);
    g_assert_cmphex(st(f)->spsr[1], ==, PSTATE_NRW | ARM_MODE_USR | CPSR_T | PSTATE_C);
    g_assert_cmphex(st(f)->pstate & (CPSR_M | CPSR_T | CPSR_I | CPSR_F), ==, ARM_MODE_SVC | CPSR_I);

    st(f)->pc = 0x3000; /* A32: UNDEFINED returns behind the instruction, a data abort 8 */
    g_assert_true(run(f, helper_undef, 0, 0, 0));
    g_assert_cmphex(st(f)->pc, ==, 0x40004);
    g_assert_cmphex(st(f)->x[14], ==, 0x3004);
    st(f)->pc = 0x3000;
    arm_note(&f->env, ARM_FAULT_DATA, arm_syndrome(EC_DABT, 5), 0, 0x55);
    f->env.fault.fsr = 0x805;
    arm_deliver(&f->env);
    g_assert_cmphex(st(f)->pc, ==, 0x40010);
    g_assert_cmphex(st(f)->x[14], ==, 0x3008);
    g_assert_cmphex(st(f)->sr[ARM_SR_ESR_EL1], ==, 0x805);
    g_assert_cmphex(st(f)->sr[ARM_SR_FAR_EL1], ==, 0x55);
    st(f)->sr[ARM_SR_SCTLR_EL1] = SCTLR_V | SCTLR_TE;
    g_assert_true(run(f, helper_undef, 0, 0, 0));
    g_assert_cmphex(st(f)->pc, ==, 0xffff0004);
    g_assert_cmphex(st(f)->pstate & CPSR_T, ==, CPSR_T);
    fake_free(f);
}

static void test_a32_cpsr(void)
{
    Fake *f = fake_new();

    fake_a32(f);
    arm_set_pstate(&f->env, PSTATE_NRW | ARM_MODE_USR);
    run(f, helper_cpsr_write, ARM_MODE_SVC | CPSR_Q, 0xffffffff, 0);
    g_assert_cmphex(st(f)->pstate & (CPSR_M | CPSR_Q), ==, ARM_MODE_USR | CPSR_Q); /* User mode stays */
    arm_set_pstate(&f->env, PSTATE_NRW | ARM_MODE_SVC);
    run(f, helper_cpsr_write, ARM_MODE_IRQ | CPSR_I, CPSR_M | CPSR_I, 0);
    g_assert_cmphex(st(f)->pstate & (CPSR_M | CPSR_I), ==, ARM_MODE_IRQ | CPSR_I);
    st(f)->pstate |= CPSR_T | 3u << CPSR_IT_LO_SHIFT;
    run(f, helper_cpsr_write, ARM_MODE_IRQ, 0xffffffff, 0); /* the execution state is no business of MSR (CPSRWriteByInstr) */
    g_assert_cmphex(st(f)->pstate & (CPSR_T | 3u << CPSR_IT_LO_SHIFT), ==, CPSR_T | 3u << CPSR_IT_LO_SHIFT);
    run(f, helper_cpsr_write, ARM_MODE_HYP, CPSR_M, 0); /* by exception only */
    g_assert_cmphex(st(f)->pstate & (CPSR_M | PSTATE_IL), ==, ARM_MODE_IRQ | PSTATE_IL);
    run(f, helper_a32_exc_return, 0x123, PSTATE_NRW | ARM_MODE_USR | CPSR_T, 0);
    g_assert_cmphex(st(f)->pc, ==, 0x122);
    g_assert_cmphex(st(f)->pstate & CPSR_M, ==, ARM_MODE_USR);
    fake_free(f);
}

/* ---- interrupts ---- */

static bool taken(Fake *f, unsigned el, uint32_t masks)
{
    st(f)->halted = 0;
    arm_set_pstate(&f->env, el << PSTATE_EL_SHIFT | (el ? PSTATE_SPSEL : 0) | masks);
    return arm_interrupt(&f->env);
}

static void test_irq_routing(void)
{
    Fake *f = fake_new();

    f->cpu.requests = CPU_REQ_INTR;
    g_assert_true(taken(f, 0, 0));
    g_assert_cmpuint(arm_el(&f->env), ==, 1);
    g_assert_cmphex(st(f)->pc & 0x7ff, ==, 0x480);
    g_assert_false(taken(f, 1, PSTATE_I));
    g_assert_true(taken(f, 1, PSTATE_F));
    g_assert_false(taken(f, 2, 0)); /* EL1's waits while EL2 runs */
    st(f)->sr[ARM_SR_HCR_EL2] |= HCR_IMO;
    g_assert_true(taken(f, 1, PSTATE_I)); /* goes up: no mask of EL1's */
    g_assert_cmpuint(arm_el(&f->env), ==, 2);
    g_assert_false(taken(f, 2, PSTATE_I));
    st(f)->sr[ARM_SR_SCR_EL3] |= SCR_IRQ;
    g_assert_true(taken(f, 2, PSTATE_I));
    g_assert_cmpuint(arm_el(&f->env), ==, 3);
    f->cpu.requests = CPU_REQ_NMI;
    g_assert_true(taken(f, 1, PSTATE_I));
    g_assert_cmphex(st(f)->pc & 0x7ff, ==, 0x300); /* FIQ, same level */
    fake_free(f);
}

static void test_virq(void)
{
    Fake *f = fake_new();

    f->cpu.requests = CPU_REQ_VIRQ;
    g_assert_false(taken(f, 1, 0)); /* not enabled */
    st(f)->sr[ARM_SR_HCR_EL2] |= HCR_IMO;
    g_assert_true(taken(f, 1, 0));
    g_assert_cmpuint(arm_el(&f->env), ==, 1);
    g_assert_false(taken(f, 1, PSTATE_I));
    g_assert_false(taken(f, 2, 0));
    f->cpu.requests = 0;
    st(f)->sr[ARM_SR_HCR_EL2] |= HCR_AMO | HCR_VSE;
    st(f)->sr[ARM_SR_VSESR_EL2] = 0x42;
    g_assert_true(taken(f, 0, 0));
    g_assert_cmphex(st(f)->sr[ARM_SR_ESR_EL1], ==, 0xbe000042);
    g_assert_cmphex(st(f)->sr[ARM_SR_HCR_EL2] & HCR_VSE, ==, 0);
    fake_free(f);
}

static void test_wfi(void)
{
    Fake *f = fake_new();

    f->env.priv->env = &f->env;
    fake_el(f, 1);
    st(f)->pstate |= PSTATE_I;
    g_assert_true(run(f, helper_wfi, 0x1004, 0, 0)); /* sleeps */
    g_assert_true(arm_halted(&f->env));
    g_assert_cmphex(st(f)->pc, ==, 0x1004);
    g_assert_false(arm_has_work(&f->cpu));
    f->cpu.requests = CPU_REQ_INTR; /* wakes, masked or not */
    g_assert_true(arm_has_work(&f->cpu));
    g_assert_false(arm_interrupt(&f->env));
    g_assert_false(arm_halted(&f->env));
    g_assert_false(run(f, helper_wfi, 0x1008, 0, 0)); /* something is pending: no sleep */
    f->cpu.requests = 0;
    st(f)->sr[ARM_SR_HCR_EL2] |= HCR_TWI;
    arm_update_mode(&f->env);
    g_assert_true(run(f, helper_wfi, 0x100c, 0, 0));
    g_assert_cmphex(st(f)->sr[ARM_SR_ESR_EL2] >> 26, ==, EC_WFX);
    fake_free(f);
}

/* ---- debug ---- */

static void test_breakpoint(void)
{
    Fake *f = fake_new();

    st(f)->sr[ARM_SR_OSLSR_EL1] = 8; /* as software unlocks it */
    st(f)->sr[ARM_SR_MDSCR_EL1] = MDSCR_MDE;
    st(f)->sr[ARM_SR_DBGBVR2_EL1] = 0x5000;
    st(f)->sr[ARM_SR_DBGBCR2_EL1] = 1 | 2 << 1 | 15 << 5; /* EL0 */
    fake_el(f, 0);
    g_assert_cmphex(f->env.mode & MODE_DEBUG, ==, MODE_DEBUG);
    g_assert_false(run(f, helper_check_step, 0x5004, 0, 0));
    st(f)->pc = 0x5000;
    g_assert_true(run(f, helper_check_step, 0x5000, 0, 0));
    g_assert_cmphex(st(f)->sr[ARM_SR_ESR_EL1], ==, 0xc2000022);
    g_assert_cmphex(st(f)->elr[1], ==, 0x5000);
    g_assert_cmphex(f->env.mode & MODE_DEBUG, ==, 0); /* KDE is clear */
    fake_free(f);
}

static void test_watchpoint(void)
{
    Fake *f = fake_new();

    st(f)->sr[ARM_SR_OSLSR_EL1] = 8;
    st(f)->sr[ARM_SR_MDSCR_EL1] = MDSCR_MDE;
    st(f)->sr[ARM_SR_DBGWVR0_EL1] = 0x6000;
    st(f)->sr[ARM_SR_DBGWCR0_EL1] = 1 | 2 << 1 | 2 << 3 | 0xf0 << 5; /* stores of EL0 to bytes 4..7 */
    fake_el(f, 0);
    arm_debug_changed(&f->env);
    g_assert_true(f->watched);
    g_assert_true(arm_watches(&f->env, 0x6ff8, ARM_MMU_E10_0));
    g_assert_false(arm_watches(&f->env, 0x7000, ARM_MMU_E10_0));
    if (setjmp(f->jmp) == 0) {
        arm_accessed(&f->env, 0x6000, 4, MMU_WRITE, ARM_MMU_E10_0);
        arm_accessed(&f->env, 0x6004, 4, MMU_READ, ARM_MMU_E10_0);
        arm_accessed(&f->env, 0x6000, 8, MMU_WRITE, ARM_MMU_E10_0);
        g_assert_not_reached();
    }
    arm_deliver(&f->env);
    g_assert_cmphex(st(f)->sr[ARM_SR_ESR_EL1], ==, 0xd2000062);
    g_assert_cmphex(st(f)->sr[ARM_SR_FAR_EL1], ==, 0x6000);
    fake_free(f);
}

/* Software step: ERET with SPSR.SS makes one instruction run, the next one traps. */
static void test_step(void)
{
    Fake *f = fake_new();

    st(f)->sr[ARM_SR_OSLSR_EL1] = 8;
    st(f)->sr[ARM_SR_MDSCR_EL1] = MDSCR_SS;
    fake_el(f, 1);
    st(f)->spsr[1] = PSTATE_SS;
    run(f, helper_eret, 0x7000, 0, 0);
    g_assert_cmphex(st(f)->pstate & PSTATE_SS, ==, PSTATE_SS);
    g_assert_cmphex(f->env.mode & MODE_SS, ==, MODE_SS);
    g_assert_false(run(f, helper_check_step, 0x7000, 0, 0));
    st(f)->pstate &= ~PSTATE_SS;
    g_assert_true(run(f, helper_check_step, 0x7004, 0, 0));
    g_assert_cmphex(st(f)->sr[ARM_SR_ESR_EL1] >> 26, ==, EC_STEP_LOWER);
    st(f)->sr[ARM_SR_MDSCR_EL1] = 0;
    st(f)->spsr[1] = PSTATE_SS;
    run(f, helper_eret, 0x7000, 0, 0);
    g_assert_cmphex(st(f)->pstate & PSTATE_SS, ==, 0);
    fake_free(f);
}

/* ---- PSCI ---- */

static uint64_t psci(Fake *f, uint64_t fn, uint64_t a)
{
    st(f)->x[0] = fn;
    st(f)->x[1] = a;
    st(f)->x[2] = (uint32_t)fn == 0xc4000004 ? 0 : 0x8000; /* affinity level; entry */
    st(f)->x[3] = 77;
    if (setjmp(f->jmp) == 0) {
        helper_hvc(&f->env, 0, 0x104, 0);
    }
    return st(f)->x[0];
}

static void test_psci(void)
{
    Fake *f = fake_new();

    f->priv.config.psci = ARM_PSCI_HVC;
    f->priv.config.mpidr = 0x80000003;
    g_assert_cmphex(psci(f, 0x84000000, 0), ==, 0x10001);
    g_assert_cmphex(st(f)->pc, ==, 0x104);
    g_assert_cmpint((int64_t)psci(f, 0x84000055, 0), ==, -1);
    g_assert_cmpint((int64_t)psci(f, 0x8400000a, 0xc4000003), ==, 0);
    g_assert_cmpint((int64_t)psci(f, 0xc4000003, 3), ==, -4); /* is on: the caller */
    g_assert_cmpint((int64_t)psci(f, 0xc4000003, 4), ==, -2);
    g_assert_cmpint((int64_t)psci(f, 0xc4000004, 3), ==, 0);
    psci(f, 0x84000002, 0); /* off */
    g_assert_true(f->cpu.power_off);
    g_assert_false(arm_has_work(&f->cpu));
    g_assert_cmpint((int64_t)psci(f, 0xc4000003, 3), ==, 0);
    g_assert_cmpint((int64_t)psci(f, 0xc4000003, 3), ==, -5);
    g_assert_true(arm_has_work(&f->cpu));
    g_assert_true(arm_interrupt(&f->env));
    g_assert_cmphex(st(f)->pc, ==, 0x8000);
    g_assert_cmphex(st(f)->x[0], ==, 77);
    g_assert_cmpuint(arm_el(&f->env), ==, 2);
    g_assert_cmphex(daif(f), ==, ALL_MASKED);
    psci(f, 0x84000008, 0);
    g_assert_cmpint(f->ended, ==, 1);
    fake_free(f);
}

/* ---- saved state ---- */

static void test_state(void)
{
    g_autoptr(GByteArray) image = g_byte_array_new();
    g_autoptr(GString) why = g_string_new(NULL);
    ArmState *a = g_aligned_alloc0(1, sizeof(ArmState), 64), *b = g_aligned_alloc0(1, sizeof(ArmState), 64);

    arm_state_reset(a);
    for (int i = 0; i < arm_state_field_count(); i++) {
        const ArmStateField *fl = &arm_state_fields[i];
        for (int n = 0; n < fl->width * fl->count; n++) {
            ((uint8_t *)a)[fl->offset + n] = (uint8_t)g_random_int();
        }
    }
    arm_state_save(a, image);
    g_assert_true(arm_state_load(b, image->data, image->len, NULL));
    g_assert_true(arm_state_equal(a, b, NULL));
    b->sr[ARM_SR_TTBR0_EL1]++;
    g_assert_false(arm_state_equal(a, b, why));
    g_assert_true(g_str_has_prefix(why->str, "TTBR0_EL1[0]: "));
    for (guint cut = 1; cut < 20; cut++) {
        Error *err = NULL;
        g_assert_false(arm_state_load(b, image->data, image->len - cut, &err));
        error_free(err);
    }
    g_aligned_free(a);
    g_aligned_free(b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/arm/exception/svc", test_svc);
    g_test_add_func("/arm/exception/vectors", test_vectors);
    g_test_add_func("/arm/exception/double-fault", test_double_fault);
    g_test_add_func("/arm/exception/unmasked-serror", test_unmasked_serror);
    g_test_add_func("/arm/exception/tge", test_tge);
    g_test_add_func("/arm/exception/pstate", test_entry_pstate);
    g_test_add_func("/arm/exception/illegal-returns", test_illegal_returns);
    g_test_add_func("/arm/exception/return-a32", test_return_a32);
    g_test_add_func("/arm/exception/banks", test_banks);
    g_test_add_func("/arm/exception/a32-entry", test_a32_entry);
    g_test_add_func("/arm/exception/a32-cpsr", test_a32_cpsr);
    g_test_add_func("/arm/exception/irq-routing", test_irq_routing);
    g_test_add_func("/arm/exception/virq", test_virq);
    g_test_add_func("/arm/exception/wfi", test_wfi);
    g_test_add_func("/arm/exception/breakpoint", test_breakpoint);
    g_test_add_func("/arm/exception/watchpoint", test_watchpoint);
    g_test_add_func("/arm/exception/step", test_step);
    g_test_add_func("/arm/exception/psci", test_psci);
    g_test_add_func("/arm/exception/state", test_state);
    return g_test_run();
}
