/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hardware task switches (SDM vol 3, chapter 7).
 */
#include "tests/unit/i386/fake.h"

static Fake *f;
#define S f->env.s
#define NEW_TSS 0x6000
#define NEW_TSS16 0x7000
enum { SEL_NEW = 0x50, SEL_NEW16 = 0x58, SEL_TASK_GATE = 0x60 };

static void new_tss32(uint32_t eip, uint32_t eflags, int cpl)
{
    uint16_t cs = cpl ? SEL_CODE3 : SEL_CODE0, ds = cpl ? SEL_DATA3 : SEL_DATA0;

    fake_desc(f, SEL_NEW, NEW_TSS, 0x67, 0xe9, 0);
    poke32(f, NEW_TSS + 32, eip);
    poke32(f, NEW_TSS + 36, eflags);
    for (int i = 0; i < 8; i++) {
        poke32(f, NEW_TSS + 40 + i * 4, 0x1000 * (i + 1));
    }
    for (int i = 0; i < 4; i++) {
        poke32(f, NEW_TSS + 72 + i * 4, i == S_CS ? cs : ds);
    }
}

static unsigned tss_type(unsigned sel)
{
    return peek32(f, FAKE_GDT + sel + 4) >> 8 & 15;
}

static void test_jmp(void)
{
    fake_protected(f);
    new_tss32(0x4321, 2, 0);
    S.gpr[R_BX] = 0xbbbb;
    f->env.cc = FLAG_ZF;
    g_assert_cmpint(fake_call(f, helper_far_jmp, SEL_NEW, 0, 0x10007 | 1ull << 62, NULL), ==, DONE);
    g_assert_cmphex(S.rip, ==, 0x4321);
    g_assert_cmphex(S.tr.sel, ==, SEL_NEW);
    g_assert_cmphex(S.gpr[R_SP], ==, 0x5000);
    g_assert_cmphex(x86_rflags(&f->env), ==, 2);
    g_assert_true(S.cr0 & CR0_TS);
    g_assert_true(S.seg[S_FS].attr & SEG_UNUSABLE);
    g_assert_cmphex(tss_type(SEL_TSS), ==, 9);
    g_assert_cmphex(tss_type(SEL_NEW), ==, 0xb);
    g_assert_cmphex(peek32(f, FAKE_TSS + 32), ==, 0x10007);
    g_assert_cmphex(peek32(f, FAKE_TSS + 36), ==, FLAG_ZF | 2);
    g_assert_cmphex(peek32(f, FAKE_TSS + 40 + 3 * 4), ==, 0xbbbb);
    g_assert_cmphex(peek32(f, FAKE_TSS + 76), ==, SEL_CODE0);
    /* and back */
    g_assert_cmpint(fake_call(f, helper_far_jmp, SEL_TSS, 0, 0x5000 | 1ull << 62, NULL), ==, DONE);
    g_assert_cmphex(S.rip, ==, 0x10007);
    g_assert_cmphex(S.gpr[R_BX], ==, 0xbbbb);
    g_assert_cmphex(f->env.cc, ==, FLAG_ZF);
}

static void test_call_iret(void)
{
    fake_protected(f);
    new_tss32(0x4321, 2, 3);
    g_assert_cmpint(fake_call(f, helper_far_call, SEL_NEW, 0, 0x10007 | 1ull << 62, NULL), ==, DONE);
    g_assert_cmphex(peek32(f, NEW_TSS) & 0xffff, ==, SEL_TSS);
    g_assert_true(S.rflags & FLAG_NT);
    g_assert_cmpint(f->env.cpl, ==, 3);
    g_assert_cmphex(tss_type(SEL_TSS), ==, 0xb);
    g_assert_cmpint(fake_call(f, helper_iret, W32, 0, 0, NULL), ==, DONE);
    g_assert_cmphex(S.rip, ==, 0x10007);
    g_assert_cmphex(S.tr.sel, ==, SEL_TSS);
    g_assert_cmpint(f->env.cpl, ==, 0);
    g_assert_false(S.rflags & FLAG_NT);
    g_assert_cmphex(tss_type(SEL_NEW), ==, 9);
    g_assert_cmphex(peek32(f, NEW_TSS + 36) & FLAG_NT, ==, 0);
}

static void test_gate(void)
{
    fake_protected(f);
    new_tss32(0x4321, 2, 0);
    poke32(f, FAKE_IDT + EXC_DF * 8, SEL_NEW << 16);
    poke32(f, FAKE_IDT + EXC_DF * 8 + 4, 0x8500);
    x86_note(&f->env, EXC_DF, true, 0, 0);
    g_assert_cmpint(fake_deliver(f), ==, DONE);
    g_assert_cmphex(S.rip, ==, 0x4321);
    g_assert_cmphex(S.gpr[R_SP], ==, 0x5000 - 4);
    g_assert_cmphex(peek32(f, 0x5000 - 4), ==, 0);
    g_assert_cmphex(peek32(f, FAKE_TSS + 32), ==, 0x10000);
}

static void test_16bit(void)
{
    fake_protected(f);
    fake_desc(f, SEL_NEW16, NEW_TSS16, 0x2b, 0x81, 0);
    poke16(f, NEW_TSS16 + 14, 0x1234);
    poke16(f, NEW_TSS16 + 16, 2 | FLAG_CF);
    poke16(f, NEW_TSS16 + 18 + 2 * R_SP, 0x7000);
    poke16(f, NEW_TSS16 + 34, SEL_DATA0);
    poke16(f, NEW_TSS16 + 36, SEL_CODE0);
    poke16(f, NEW_TSS16 + 38, SEL_DATA0);
    poke16(f, NEW_TSS16 + 40, SEL_DATA0);
    g_assert_cmpint(fake_call(f, helper_far_jmp, SEL_NEW16, 0, 7 | 1ull << 62, NULL), ==, DONE);
    g_assert_cmphex(S.rip, ==, 0x1234);
    g_assert_cmphex(S.gpr[R_SP] & 0xffff, ==, 0x7000);
    g_assert_cmphex(f->env.cc, ==, FLAG_CF);
    g_assert_cmphex(S.tr.attr & 15, ==, 3);
    new_tss32(0x4321, 2, 0);
    g_assert_cmpint(fake_call(f, helper_far_jmp, SEL_NEW, 0, 0x99 | 1ull << 62, NULL), ==, DONE);
    g_assert_cmphex(peek32(f, NEW_TSS16 + 14) & 0xffff, ==, 0x99);
}

static void test_faults(void)
{
    fake_protected(f);
    new_tss32(0x4321, 2, 0);
    fake_desc(f, SEL_NEW, NEW_TSS, 0x66, 0x89, 0); /* a byte short */
    g_assert_cmpint(fake_call(f, helper_far_jmp, SEL_NEW, 0, 7 | 1ull << 62, NULL), ==, RAISED);
    assert_raised(f, EXC_TS, SEL_NEW);
    g_assert_cmphex(S.tr.sel, ==, SEL_TSS);
    fake_desc(f, SEL_NEW, NEW_TSS, 0x67, 0x8b, 0); /* busy */
    g_assert_cmpint(fake_call(f, helper_far_jmp, SEL_NEW, 0, 7 | 1ull << 62, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, SEL_NEW);
    fake_desc(f, SEL_NEW, NEW_TSS, 0x67, 0x09, 0); /* not present */
    g_assert_cmpint(fake_call(f, helper_far_jmp, SEL_NEW, 0, 7 | 1ull << 62, NULL), ==, RAISED);
    assert_raised(f, EXC_NP, SEL_NEW);
    new_tss32(0x4321, 2, 0);
    poke32(f, NEW_TSS + 80, SEL_DATA3); /* SS of the wrong level: a fault of the new task */
    g_assert_cmpint(fake_call(f, helper_far_jmp, SEL_NEW, 0, 7 | 1ull << 62, NULL), ==, RAISED);
    assert_raised(f, EXC_TS, SEL_DATA3 & ~3);
    g_assert_cmphex(S.tr.sel, ==, SEL_NEW);
    g_assert_cmphex(S.rip, ==, 0x4321);
}

static void test_trap_and_v86(void)
{
    fake_protected(f);
    fake_gate(f, EXC_DB, SEL_CODE0, FAKE_HANDLER, 0xe, 0);
    new_tss32(0x1111, FLAG_VM | 2, 0);
    poke32(f, NEW_TSS + 100, 1); /* T */
    poke32(f, NEW_TSS + 4, FAKE_STACK0);
    poke32(f, NEW_TSS + 8, SEL_DATA0);
    g_assert_cmpint(fake_run(f, helper_far_jmp, SEL_NEW, 0, 7 | 1ull << 62), ==, DONE);
    g_assert_cmphex(S.dr[6] & DR6_BT, ==, DR6_BT);
    g_assert_cmphex(S.rip, ==, FAKE_HANDLER);
    g_assert_cmphex(peek32(f, S.gpr[R_SP]), ==, 0x1111);
    g_assert_cmphex(peek32(f, S.gpr[R_SP] + 8) & FLAG_VM, ==, FLAG_VM);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    f = fake_new("qemu32");
    g_test_add_func("/i386/task/jmp", test_jmp);
    g_test_add_func("/i386/task/call-iret", test_call_iret);
    g_test_add_func("/i386/task/gate", test_gate);
    g_test_add_func("/i386/task/16bit", test_16bit);
    g_test_add_func("/i386/task/faults", test_faults);
    g_test_add_func("/i386/task/trap-and-v86", test_trap_and_v86);
    status = g_test_run();
    fake_free(f);
    return status;
}
