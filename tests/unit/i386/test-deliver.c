/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions and interrupts entering the guest in each mode (SDM vol 3,
 * chapter 6), double and triple faults, interrupt shadow, NMI masking.
 */
#include "tests/unit/i386/fake.h"

static Fake *f;
#define S f->env.s

static void note(int vector, bool has_err, uint32_t err)
{
    x86_note(&f->env, vector, has_err, err, 0);
}

static void test_real(void)
{
    fake_reset(f);
    S.seg[S_SS].sel = 0x100;
    S.seg[S_SS].base = 0x1000;
    S.gpr[R_SP] = 0xffff0100;
    S.rip = 0x1234;
    S.idt_base = 0;
    S.rflags |= FLAG_IF | FLAG_TF;
    f->env.cc = FLAG_CF;
    poke32(f, 4 * 0x21, 0x20000456);
    g_assert_cmpint(fake_run(f, helper_raise_int, 0x21, 0x1236, 0), ==, DONE);
    g_assert_cmphex(S.seg[S_CS].sel, ==, 0x2000);
    g_assert_cmphex(S.seg[S_CS].base, ==, 0x20000);
    g_assert_cmphex(S.rip, ==, 0x456);
    g_assert_cmphex(S.gpr[R_SP], ==, 0xffff00fa);
    g_assert_cmphex(peek32(f, 0x10fa), ==, 0xf0001236);
    g_assert_cmphex(peek32(f, 0x10fe) & 0xffff, ==, 0x303);
    g_assert_false(S.rflags & (FLAG_IF | FLAG_TF));
}

static void test_real_limit(void)
{
    fake_reset(f);
    S.idt_limit = 3; /* nothing but vector 0 fits: #GP, #DF, shutdown */
    note(EXC_UD, false, 0);
    g_assert_cmpint(fake_deliver(f), ==, SHUTDOWN);
}

static void test_same_level(void)
{
    fake_protected(f);
    fake_gate(f, EXC_GP, SEL_CODE0, FAKE_HANDLER, 0xe, 0);
    S.rflags |= FLAG_IF | FLAG_NT;
    note(EXC_GP, true, 0x1234);
    g_assert_cmpint(fake_deliver(f), ==, DONE);
    g_assert_cmphex(S.rip, ==, FAKE_HANDLER);
    g_assert_cmphex(S.gpr[R_SP], ==, 0x8000 - 16);
    g_assert_cmphex(peek32(f, 0x7ff0), ==, 0x1234);
    g_assert_cmphex(peek32(f, 0x7ff4), ==, 0x10000);
    g_assert_cmphex(peek32(f, 0x7ff8), ==, SEL_CODE0);
    g_assert_cmphex(peek32(f, 0x7ffc), ==, FLAG_IF | FLAG_NT | FLAG_RF | 2);
    g_assert_false(S.rflags & (FLAG_IF | FLAG_NT));
}

static void test_inner_level(void)
{
    fake_protected(f);
    fake_set_cpl(f, 3);
    fake_gate(f, 0x80, SEL_CODE0, FAKE_HANDLER, 0xf, 3);
    S.rflags |= FLAG_IF;
    g_assert_cmpint(fake_run(f, helper_raise_int, 0x80, 0x10002, 0), ==, DONE);
    g_assert_cmpint(f->env.cpl, ==, 0);
    g_assert_cmphex(S.seg[S_CS].sel, ==, SEL_CODE0);
    g_assert_cmphex(S.seg[S_SS].sel, ==, SEL_DATA0);
    g_assert_cmphex(S.gpr[R_SP], ==, FAKE_STACK0 - 20);
    g_assert_cmphex(peek32(f, FAKE_STACK0 - 4), ==, SEL_DATA3);
    g_assert_cmphex(peek32(f, FAKE_STACK0 - 8), ==, 0x8000);
    g_assert_cmphex(peek32(f, FAKE_STACK0 - 16), ==, SEL_CODE3);
    g_assert_cmphex(peek32(f, FAKE_STACK0 - 20), ==, 0x10002);
    g_assert_true(S.rflags & FLAG_IF); /* trap gate */
}

static void test_gate_checks(void)
{
    fake_protected(f);
    fake_set_cpl(f, 3);
    fake_gate(f, 0x80, SEL_CODE0, FAKE_HANDLER, 0xe, 0);
    fake_gate(f, EXC_GP, SEL_CODE0, FAKE_HANDLER + 0x1300, 0xe, 0);
    fake_gate(f, EXC_NP, SEL_CODE0, FAKE_HANDLER + 0x1100, 0xe, 0);
    g_assert_cmpint(fake_run(f, helper_raise_int, 0x80, 0x10002, 0), ==, DONE);
    g_assert_cmphex(S.rip, ==, FAKE_HANDLER + 0x1300);
    g_assert_cmphex(peek32(f, FAKE_STACK0 - 24), ==, 0x80 * 8 + 2); /* software: no EXT */
    g_assert_cmphex(peek32(f, FAKE_STACK0 - 20), ==, 0x10000);

    fake_protected(f);
    fake_gate(f, EXC_NP, SEL_CODE0, FAKE_HANDLER + 0x1100, 0xe, 0);
    fake_gate(f, EXC_UD, SEL_CODE0, FAKE_HANDLER, 0xe, 0);
    poke32(f, FAKE_IDT + EXC_UD * 8 + 4, peek32(f, FAKE_IDT + EXC_UD * 8 + 4) & ~0x8000u);
    note(EXC_UD, false, 0);
    g_assert_cmpint(fake_deliver(f), ==, DONE);
    g_assert_cmphex(S.rip, ==, FAKE_HANDLER + 0x1100);
    g_assert_cmphex(peek32(f, S.gpr[R_SP]), ==, EXC_UD * 8 + 3); /* hardware: EXT */
}

static void test_double_fault(void)
{
    fake_protected(f);
    fake_gate(f, EXC_DF, SEL_CODE0, FAKE_HANDLER, 0xe, 0);
    note(EXC_GP, true, 0x18); /* its gate is empty: #GP in #GP */
    g_assert_cmpint(fake_deliver(f), ==, DONE);
    g_assert_cmphex(S.rip, ==, FAKE_HANDLER);
    g_assert_cmphex(peek32(f, S.gpr[R_SP]), ==, 0);
    g_assert_cmphex(peek32(f, S.gpr[R_SP] + 4), ==, 0x10000);
    fake_protected(f);
    note(EXC_UD, false, 0); /* #UD -> #GP -> #DF -> nothing left */
    g_assert_cmpint(fake_deliver(f), ==, SHUTDOWN);
}

static void test_page_fault(void)
{
    fake_long(f);
    fake_gate64(f, EXC_PF, SEL_CODE0_64, 0xffffffff80000000ull, 0xe, 0, 0);
    x86_note(&f->env, EXC_PF, true, 2, 0x7fff12345678);
    S.gpr[R_SP] = 0x8005;
    g_assert_cmpint(fake_deliver(f), ==, DONE);
    g_assert_cmphex(S.cr2, ==, 0x7fff12345678);
    g_assert_cmphex(S.rip, ==, 0xffffffff80000000ull);
    g_assert_cmphex(S.gpr[R_SP], ==, 0x8000 - 48); /* aligned, six quadwords */
    g_assert_cmphex(peek64(f, 0x8000 - 48), ==, 2);
    g_assert_cmphex(peek64(f, 0x8000 - 16), ==, 0x8005);
    g_assert_cmphex(peek64(f, 0x8000 - 8), ==, SEL_DATA0);
    g_assert_cmphex(S.seg[S_SS].sel, ==, SEL_DATA0);
}

static void test_ist(void)
{
    fake_long(f);
    fake_set_cpl(f, 3);
    poke64(f, FAKE_TSS + 0x24 + 8, 0xb008);
    fake_gate64(f, EXC_DF, SEL_CODE0_64, FAKE_HANDLER, 0xe, 0, 2);
    note(EXC_DF, true, 0);
    g_assert_cmpint(fake_deliver(f), ==, DONE);
    g_assert_cmphex(S.gpr[R_SP], ==, 0xb000 - 48);
    g_assert_cmphex(S.seg[S_SS].sel, ==, 0);
    g_assert_cmpint(f->env.cpl, ==, 0);
    g_assert_cmpint(fake_call(f, helper_iret, W64, 0, 0, NULL), ==, RAISED); /* RIP is the error code.. */
    S.exc_pending = 0;
    S.gpr[R_SP] += 8;
    g_assert_cmpint(fake_call(f, helper_iret, W64, 0, 0, NULL), ==, DONE);
    g_assert_cmpint(f->env.cpl, ==, 3);
    g_assert_cmphex(S.gpr[R_SP], ==, 0x8000);
}

static void test_bad_stack(void)
{
    fake_long(f);
    fake_set_cpl(f, 3);
    poke64(f, FAKE_TSS + 4, 0x8000000000000000ull);
    poke64(f, FAKE_TSS + 0x24, 0xa000);
    fake_gate64(f, EXC_UD, SEL_CODE0_64, FAKE_HANDLER, 0xe, 0, 0);
    fake_gate64(f, EXC_SS, SEL_CODE0_64, FAKE_HANDLER + 0xc00, 0xe, 0, 1);
    note(EXC_UD, false, 0);
    g_assert_cmpint(fake_deliver(f), ==, DONE);
    g_assert_cmphex(S.rip, ==, FAKE_HANDLER + 0xc00);
    g_assert_cmphex(peek64(f, S.gpr[R_SP]), ==, 1);
}

static void test_v86(void)
{
    fake_protected(f);
    fake_gate(f, EXC_GP, SEL_CODE0, FAKE_HANDLER, 0xe, 0);
    /* IRET into v86 */
    S.gpr[R_SP] = 0x7000;
    const uint32_t frame[] = {0x100, 0x1000, FLAG_VM | FLAG_IF | 2, 0x200, 0x2000, 0x3000, 0x4000,
                              0x5000, 0x6000};
    memcpy(f->ram + 0x7000, frame, sizeof(frame));
    g_assert_cmpint(fake_call(f, helper_iret, W32, 0, 0, NULL), ==, DONE);
    g_assert_cmpint(f->env.cpl, ==, 3);
    g_assert_true(f->env.mode & MODE_VM86);
    g_assert_cmphex(S.seg[S_CS].base, ==, 0x10000);
    g_assert_cmphex(S.seg[S_DS].sel, ==, 0x4000);
    g_assert_cmphex(S.gpr[R_SP], ==, 0x200);
    /* and back out: INT below IOPL 3 is #GP(0) */
    g_assert_cmpint(fake_run(f, helper_raise_int, 0x10, 0x102, 0), ==, DONE);
    g_assert_cmpint(f->env.cpl, ==, 0);
    g_assert_false(S.rflags & FLAG_VM);
    g_assert_cmphex(S.rip, ==, FAKE_HANDLER);
    g_assert_cmphex(S.seg[S_DS].sel, ==, 0);
    g_assert_true(S.seg[S_GS].attr & SEG_UNUSABLE);
    g_assert_cmphex(peek32(f, FAKE_STACK0 - 4), ==, 0x6000);  /* GS */
    g_assert_cmphex(peek32(f, FAKE_STACK0 - 20), ==, 0x2000); /* SS */
    g_assert_cmphex(peek32(f, FAKE_STACK0 - 36), ==, 0x100);
    g_assert_cmphex(peek32(f, FAKE_STACK0 - 40), ==, 0);
    g_assert_cmpint(fake_run(f, helper_cli, 0, 0, 0), ==, DONE);
}

static void test_vme(void)
{
    fake_protected(f);
    S.cr4 |= CR4_VME;
    S.tr.limit = 0x200;
    poke16(f, FAKE_TSS + 102, 0x100); /* redirection bitmap: 0xe0..0xff, all clear */
    poke32(f, 0x10 * 4, 0x12340567);
    S.rflags = FLAG_VM | FLAG_VIF | FLAG_IF | 2;
    for (int i = 0; i < S_COUNT; i++) {
        x86_load_seg_real(&f->env, i, 0x800);
    }
    x86_update_mode(&f->env);
    S.gpr[R_SP] = 0x100;
    g_assert_cmpint(fake_run(f, helper_raise_int, 0x10, 0x102, 0), ==, DONE);
    g_assert_true(S.rflags & FLAG_VM);
    g_assert_cmphex(S.seg[S_CS].sel, ==, 0x1234);
    g_assert_cmphex(S.rip, ==, 0x567);
    g_assert_false(S.rflags & FLAG_VIF);
    g_assert_true(S.rflags & FLAG_IF);
    g_assert_cmphex(peek32(f, 0x80fe) & 0xffff, ==, 0x3202); /* IF from VIF, IOPL 3 */
}

static void test_interrupt(void)
{
    fake_long(f);
    fake_gate64(f, 0x31, SEL_CODE0_64, FAKE_HANDLER, 0xe, 0, 0);
    f->intr_vector = 0x31;
    cpu_request(&f->cpu, CPU_REQ_INTR);
    g_assert_cmpint(fake_interrupt(f), ==, EXITED); /* IF clear */
    g_assert_cmpint(fake_call(f, helper_sti, 0x10001, 0, 0, NULL), ==, DONE);
    g_assert_cmphex(S.rip, ==, 0x10001);
    g_assert_true(f->cpu.target->tcg && f->polls);
    g_assert_cmpint(fake_interrupt(f), ==, EXITED); /* shadow */
    g_assert_cmpint(fake_call(f, helper_end_shadow, 0, 0, 0, NULL), ==, DONE);
    S.halted = 1;
    g_assert_cmpint(fake_interrupt(f), ==, DONE);
    g_assert_cmphex(S.rip, ==, FAKE_HANDLER);
    g_assert_false(S.halted);
    g_assert_false(S.rflags & FLAG_IF);
    g_assert_cmphex(peek64(f, S.gpr[R_SP]), ==, 0x10001); /* no error code */
    g_assert_cmphex(peek64(f, S.gpr[R_SP] + 16), ==, FLAG_IF | 2);
}

static void test_nmi(void)
{
    fake_long(f);
    fake_gate64(f, EXC_NMI, SEL_CODE0_64, FAKE_HANDLER, 0xe, 0, 0);
    cpu_request(&f->cpu, CPU_REQ_NMI);
    g_assert_cmpint(fake_interrupt(f), ==, DONE);
    g_assert_true(S.nmi_masked);
    cpu_request(&f->cpu, CPU_REQ_NMI);
    g_assert_cmpint(fake_interrupt(f), ==, EXITED);
    g_assert_cmpint(fake_call(f, helper_iret, W64, 0, 0, NULL), ==, DONE);
    g_assert_false(S.nmi_masked);
    g_assert_cmpint(fake_interrupt(f), ==, DONE);
    g_assert_cmphex(S.rip, ==, FAKE_HANDLER);
}

static void test_init_sipi(void)
{
    fake_long(f);
    S.star = 0x1234;
    S.fx.mxcsr = 0x1fc0;
    f->cpu.index = 1;
    cpu_request(&f->cpu, CPU_REQ_INIT);
    S.smm = 1; /* it waits for the end of the mode, and with it what it does to the local APIC */
    fake_interrupt(f);
    g_assert_cmpint(f->intc_inits, ==, 0);
    S.smm = 0;
    g_assert_true(f->cpu.target->has_work(&f->cpu));
    g_assert_cmpint(fake_interrupt(f), ==, DONE);
    g_assert_cmpint(f->intc_inits, ==, 1);
    g_assert_true(x86_halted(&f->env) && f->cpu.power_off);
    g_assert_cmphex(S.cr0 & (CR0_PG | CR0_PE), ==, 0);
    g_assert_cmphex(S.star, ==, 0x1234);
    g_assert_cmphex(S.fx.mxcsr, ==, 0x1fc0);
    g_assert_false(f->cpu.target->has_work(&f->cpu));
    f->cpu.sipi_vector = 0x9a;
    cpu_request(&f->cpu, CPU_REQ_SIPI);
    g_assert_cmpint(fake_interrupt(f), ==, DONE);
    g_assert_false(x86_halted(&f->env) || f->cpu.power_off);
    g_assert_cmphex(S.seg[S_CS].base + S.rip, ==, 0x9a000);
    g_assert_cmphex(S.seg[S_CS].sel, ==, 0x9a00);
    f->cpu.index = 0;
}

static void test_single_step(void)
{
    fake_protected(f);
    fake_gate(f, EXC_DB, SEL_CODE0, FAKE_HANDLER, 0xe, 0);
    S.rflags |= FLAG_TF;
    S.dr[7] |= DR7_GD;
    g_assert_cmpint(fake_run(f, helper_check_traps, 0x10005, 1, 0), ==, DONE);
    g_assert_cmphex(S.dr[6], ==, DR6_RESET | DR6_BS);
    g_assert_false(S.dr[7] & DR7_GD);
    g_assert_cmphex(peek32(f, S.gpr[R_SP]), ==, 0x10005);
    g_assert_cmphex(peek32(f, S.gpr[R_SP] + 8), ==, FLAG_TF | 2); /* trap: no RF */
}

/* x87 errors with CR0.NE clear: held back from an instruction under IGNNE#, seen by whoever comes before it. */
static void test_ignne(void)
{
    fake_protected(f);
    fake_gate(f, 0x30, SEL_CODE0, FAKE_HANDLER, 0xe, 0);
    S.cr0 &= ~(uint64_t)CR0_NE;
    S.rflags |= FLAG_IF;
    S.fx.fcw = 0x37b;
    S.fx.fsw = 0xb084;
    f->cpu.ignne = true;
    note(EXC_MF, false, 0);
    g_assert_cmpint(fake_deliver(f), ==, DONE);
    g_assert_true(S.ferr && !S.halted && !S.exc_pending);
    g_assert_cmphex(S.fx.fsw, ==, 0x3000);
    f->cpu.requests = CPU_REQ_INTR;
    f->intr_vector = 0x30;
    g_assert_cmpint(fake_interrupt(f), ==, DONE);
    g_assert_cmphex(S.rip, ==, FAKE_HANDLER);
    g_assert_cmphex(S.fx.fsw, ==, 0xb084);
    /* One that is masked by now has no summary any more. */
    note(EXC_MF, false, 0);
    g_assert_cmpint(fake_deliver(f), ==, DONE);
    S.fx.fcw = 0x37f;
    fake_call(f, helper_x87_error, 0, 0, 0, NULL);
    g_assert_cmphex(S.fx.fsw, ==, 0x3004);
    g_assert_false(S.ferr);
    f->cpu.ignne = false;
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    f = fake_new("qemu64,+vme");
    g_test_add_func("/i386/deliver/real", test_real);
    g_test_add_func("/i386/deliver/real-limit", test_real_limit);
    g_test_add_func("/i386/deliver/same-level", test_same_level);
    g_test_add_func("/i386/deliver/inner-level", test_inner_level);
    g_test_add_func("/i386/deliver/gate-checks", test_gate_checks);
    g_test_add_func("/i386/deliver/double-fault", test_double_fault);
    g_test_add_func("/i386/deliver/page-fault", test_page_fault);
    g_test_add_func("/i386/deliver/ist", test_ist);
    g_test_add_func("/i386/deliver/bad-stack", test_bad_stack);
    g_test_add_func("/i386/deliver/v86", test_v86);
    g_test_add_func("/i386/deliver/vme", test_vme);
    g_test_add_func("/i386/deliver/interrupt", test_interrupt);
    g_test_add_func("/i386/deliver/nmi", test_nmi);
    g_test_add_func("/i386/deliver/init-sipi", test_init_sipi);
    g_test_add_func("/i386/deliver/single-step", test_single_step);
    g_test_add_func("/i386/deliver/ignne", test_ignne);
    status = g_test_run();
    fake_free(f);
    return status;
}
