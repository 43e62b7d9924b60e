/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Far jumps, calls and returns, IRET, fast system calls.
 */
#include "tests/unit/i386/fake.h"

static Fake *f;
#define S f->env.s
#define NEXT(n, w) (((uint64_t)(n) & MASK64(0, 62)) | (uint64_t)(w) << 62)

static Outcome far_jmp(uint16_t sel, uint64_t off, int w)
{
    return fake_call(f, helper_far_jmp, sel, off, NEXT(0x10007, w), NULL);
}

static Outcome far_call(uint16_t sel, uint64_t off, int w)
{
    return fake_call(f, helper_far_call, sel, off, NEXT(0x10007, w), NULL);
}

static void test_real(void)
{
    fake_reset(f);
    g_assert_cmpint(far_jmp(0xf000, 0xe05b, 0), ==, DONE);
    g_assert_cmphex(S.seg[S_CS].base, ==, 0xf0000); /* the reset base is gone */
    g_assert_cmphex(S.rip, ==, 0xe05b);
    g_assert_cmphex(f->env.mode >> MODE_CSBASE_SHIFT, ==, 0xf0000);
    S.gpr[R_SP] = 0x100;
    g_assert_cmpint(far_call(0x1000, 0x20, 0), ==, DONE);
    g_assert_cmphex(peek32(f, 0xfc), ==, 0xf0000007);
    g_assert_cmpint(fake_call(f, helper_far_ret, 6, W16, 0, NULL), ==, DONE);
    g_assert_cmphex(S.gpr[R_SP], ==, 0x106);
    g_assert_cmphex(S.rip, ==, 7);
    g_assert_cmphex(S.seg[S_CS].sel, ==, 0xf000);
    g_assert_cmpint(far_jmp(0, 0x10000, 1), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
}

static void test_enter_protected(void)
{
    fake_protected(f);
    f->env.s.cr0 &= ~(uint64_t)CR0_PE;
    for (int i = 0; i < S_COUNT; i++) {
        S.seg[i].attr = SEG_P | SEG_S | 3;
        x86_load_seg_real(&f->env, i, 0);
    }
    x86_update_mode(&f->env);
    g_assert_cmpint(fake_call(f, helper_write_cr, 0, CR0_PE, 0x10003, NULL), ==, DONE);
    g_assert_true(f->env.mode & MODE_PE);
    g_assert_false(f->env.mode & MODE_CS32);
    g_assert_cmpint(far_jmp(SEL_CODE0, 0x12345678, 1), ==, DONE);
    g_assert_true(f->env.mode & MODE_CS32);
    g_assert_cmphex(S.rip, ==, 0x12345678);
    for (int i = 0; i < S_COUNT; i++) {
        if (i != S_CS) {
            g_assert_cmpint(fake_call(f, helper_load_seg, i, SEL_DATA0, 1, NULL), ==, DONE);
        }
    }
    g_assert_true(f->env.mode & MODE_FLATDATA);
    g_assert_cmpint(S.int_shadow, ==, 2);
}

static void test_direct_checks(void)
{
    fake_protected(f);
    g_assert_cmpint(far_jmp(0, 0, 1), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(far_jmp(SEL_DATA0, 0, 1), ==, RAISED);
    assert_raised(f, EXC_GP, SEL_DATA0);
    g_assert_cmpint(far_jmp(SEL_CODE3, 0, 1), ==, RAISED);
    assert_raised(f, EXC_GP, SEL_CODE3 & ~3);
    g_assert_cmpint(far_jmp(0x1000, 0, 1), ==, RAISED);
    assert_raised(f, EXC_GP, 0x1000);
    fake_desc(f, SEL_FREE, 0, 0xff, 0x1b, 0x4); /* not present */
    g_assert_cmpint(far_jmp(SEL_FREE, 0, 1), ==, RAISED);
    assert_raised(f, EXC_NP, SEL_FREE);
    fake_desc(f, SEL_FREE, 0, 0xff, 0x9b, 0x4);
    g_assert_cmpint(far_jmp(SEL_FREE, 0x100, 1), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    fake_desc(f, SEL_FREE, 0, 0xff, 0x9e, 0x4); /* conforming, not accessed */
    fake_set_cpl(f, 3);
    g_assert_cmpint(far_jmp(SEL_FREE, 0x80, 1), ==, DONE);
    g_assert_cmphex(S.seg[S_CS].sel, ==, SEL_FREE | 3);
    g_assert_cmpint(f->env.cpl, ==, 3);
    g_assert_cmphex(peek32(f, FAKE_GDT + SEL_FREE + 4) & DESC_A, ==, DESC_A);
}

static void call_gate(unsigned params)
{
    poke32(f, FAKE_GDT + SEL_FREE, 0x4321 | SEL_CODE0 << 16);
    poke32(f, FAKE_GDT + SEL_FREE + 4, 0x20000 | 0xec00 | params);
}

static void test_call_gate(void)
{
    fake_protected(f);
    fake_set_cpl(f, 3);
    call_gate(2);
    poke32(f, 0x8000, 0xaaaa);
    poke32(f, 0x8004, 0xbbbb);
    g_assert_cmpint(far_call(SEL_FREE | 3, 0xdead, 1), ==, DONE);
    g_assert_cmpint(f->env.cpl, ==, 0);
    g_assert_cmphex(S.rip, ==, 0x24321);
    g_assert_cmphex(S.gpr[R_SP], ==, FAKE_STACK0 - 24);
    g_assert_cmphex(peek32(f, FAKE_STACK0 - 24), ==, 0x10007);
    g_assert_cmphex(peek32(f, FAKE_STACK0 - 20), ==, SEL_CODE3);
    g_assert_cmphex(peek32(f, FAKE_STACK0 - 16), ==, 0xaaaa);
    g_assert_cmphex(peek32(f, FAKE_STACK0 - 12), ==, 0xbbbb);
    g_assert_cmphex(peek32(f, FAKE_STACK0 - 8), ==, 0x8000);
    g_assert_cmphex(peek32(f, FAKE_STACK0 - 4), ==, SEL_DATA3);
    /* RETF 8 goes out again and drops segments that level 3 must not have. */
    S.seg[S_DS] = S.seg[S_SS];
    g_assert_cmpint(fake_call(f, helper_far_ret, 8, W32, 0, NULL), ==, DONE);
    g_assert_cmpint(f->env.cpl, ==, 3);
    g_assert_cmphex(S.gpr[R_SP], ==, 0x8008);
    g_assert_cmphex(S.rip, ==, 0x10007);
    g_assert_true(S.seg[S_DS].attr & SEG_UNUSABLE);
    g_assert_cmphex(S.seg[S_ES].sel, ==, SEL_DATA3);
}

static void test_call_gate_faults(void)
{
    fake_protected(f);
    fake_set_cpl(f, 3);
    call_gate(0);
    g_assert_cmpint(far_jmp(SEL_FREE, 0, 1), ==, RAISED); /* a jump cannot go inward */
    assert_raised(f, EXC_GP, SEL_CODE0);
    poke32(f, FAKE_TSS + 8, SEL_DATA3);
    g_assert_cmpint(far_call(SEL_FREE, 0, 1), ==, RAISED);
    assert_raised(f, EXC_TS, SEL_DATA3 & ~3);
    poke32(f, FAKE_TSS + 8, 0);
    g_assert_cmpint(far_call(SEL_FREE, 0, 1), ==, RAISED);
    assert_raised(f, EXC_TS, 0);
    S.tr.limit = 8;
    g_assert_cmpint(far_call(SEL_FREE, 0, 1), ==, RAISED);
    assert_raised(f, EXC_TS, SEL_TSS);
    g_assert_cmphex(S.gpr[R_SP], ==, 0x8000);
    g_assert_cmphex(S.seg[S_CS].sel, ==, SEL_CODE3);
    poke32(f, FAKE_GDT + SEL_FREE + 4, 0x8c00); /* DPL 0 */
    g_assert_cmpint(far_call(SEL_FREE, 0, 1), ==, RAISED);
    assert_raised(f, EXC_GP, SEL_FREE);
}

static void test_long(void)
{
    fake_long(f);
    g_assert_cmpint(far_call(SEL_CODE0, 0x1234, 1), ==, DONE); /* into compatibility mode */
    g_assert_false(f->env.mode & MODE_CS64);
    g_assert_true(f->env.mode & MODE_CS32);
    g_assert_cmphex(S.gpr[R_SP], ==, 0x8000 - 8);
    S.gpr[R_SP] -= 8;
    poke32(f, S.gpr[R_SP], 0x5678);
    poke32(f, S.gpr[R_SP] + 4, SEL_CODE0_64);
    g_assert_cmpint(fake_call(f, helper_far_ret, 0, W32, 0, NULL), ==, DONE);
    g_assert_true(f->env.mode & MODE_CS64);
    g_assert_cmphex(S.rip, ==, 0x5678);
    /* a 64-bit call gate */
    fake_set_cpl(f, 3);
    poke32(f, FAKE_GDT + 0x60, 0x4321 | SEL_CODE0_64 << 16);
    poke32(f, FAKE_GDT + 0x64, 0xec00);
    poke32(f, FAKE_GDT + 0x68, 0xffffffff);
    poke32(f, FAKE_GDT + 0x6c, 0);
    S.gpr[R_SP] = 0x8000;
    g_assert_cmpint(far_call(0x63, 0, 1), ==, DONE);
    g_assert_cmphex(S.rip, ==, 0xffffffff00004321ull);
    g_assert_cmphex(S.gpr[R_SP], ==, FAKE_STACK0 - 32);
    g_assert_cmphex(S.seg[S_SS].sel, ==, 0);
    g_assert_cmpint(fake_call(f, helper_far_ret, 0, W64, 0, NULL), ==, DONE);
    g_assert_cmpint(f->env.cpl, ==, 3);
    g_assert_cmphex(S.gpr[R_SP], ==, 0x8000);
    g_assert_cmphex(S.rip, ==, 0x10007);
}

static void iret_frame(uint64_t ip, uint64_t cs, uint64_t flags, uint64_t sp, uint64_t ss)
{
    const uint64_t frame[] = {ip, cs, flags, sp, ss};

    S.gpr[R_SP] = 0x7000;
    memcpy(f->ram + 0x7000, frame, sizeof(frame));
}

static void test_iretq(void)
{
    fake_long(f);
    iret_frame(0x8000000000000000ull, SEL_CODE3_64, 2, 0x6000, SEL_DATA3);
    g_assert_cmpint(fake_call(f, helper_iret, W64, 0, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    iret_frame(0x10000, SEL_CODE3_64, 2, 0x6000, 0);
    g_assert_cmpint(fake_call(f, helper_iret, W64, 0, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0); /* null SS at level 3 */
    iret_frame(0x10000, SEL_CODE0_64, 2 | FLAG_IF | FLAG_IOPL, 0x123456789abcull, 0);
    g_assert_cmpint(fake_call(f, helper_iret, W64, 0, 0, NULL), ==, DONE);
    g_assert_cmphex(S.gpr[R_SP], ==, 0x123456789abcull);
    g_assert_cmphex(x86_rflags(&f->env), ==, 2 | FLAG_IF | FLAG_IOPL);
    iret_frame(0x10000, SEL_CODE3_64, 2, 0x6000, SEL_DATA3);
    g_assert_cmpint(fake_call(f, helper_iret, W64, 0, 0, NULL), ==, DONE);
    g_assert_cmpint(f->env.cpl, ==, 3);
    /* level 3 changes neither IF nor IOPL */
    S.rflags |= FLAG_IF;
    iret_frame(0x10000, SEL_CODE3_64, FLAG_IOPL | FLAG_CF | FLAG_DF | 2, 0x6000, SEL_DATA3);
    g_assert_cmpint(fake_call(f, helper_iret, W64, 0, 0, NULL), ==, DONE);
    g_assert_cmphex(x86_rflags(&f->env), ==, FLAG_IF | FLAG_CF | FLAG_DF | 2);
    g_assert_cmpint(f->env.df8, ==, 0xff);
    S.rflags |= FLAG_NT;
    g_assert_cmpint(fake_call(f, helper_iret, W64, 0, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
}

static void test_syscall(void)
{
    fake_long(f);
    fake_set_cpl(f, 3);
    S.star = (uint64_t)SEL_CODE0_64 << 32 | 0x33ull << 48;
    S.lstar = 0xffffffff81000000ull;
    S.sfmask = FLAG_IF | FLAG_CF;
    S.rflags |= FLAG_IF;
    f->env.cc = FLAG_CF | FLAG_ZF;
    g_assert_cmpint(fake_call(f, helper_syscall, 0x10002, 0, 0, NULL), ==, DONE);
    g_assert_cmphex(S.rip, ==, S.lstar);
    g_assert_cmphex(S.gpr[R_CX], ==, 0x10002);
    g_assert_cmphex(S.gpr[11], ==, FLAG_IF | FLAG_CF | FLAG_ZF | 2);
    g_assert_cmphex(x86_rflags(&f->env), ==, FLAG_ZF | 2);
    g_assert_cmphex(S.seg[S_SS].sel, ==, SEL_CODE0_64 + 8);
    g_assert_cmpint(f->env.cpl, ==, 0);
    S.gpr[11] |= FLAG_VM | FLAG_RF;
    g_assert_cmpint(fake_call(f, helper_sysret, 1, 0, 0, NULL), ==, DONE);
    g_assert_cmpint(f->env.cpl, ==, 3);
    g_assert_cmphex(S.rip, ==, 0x10002);
    g_assert_cmphex(S.seg[S_CS].sel, ==, 0x43);
    g_assert_cmphex(S.seg[S_SS].sel, ==, 0x3b);
    g_assert_cmphex(x86_rflags(&f->env), ==, FLAG_IF | FLAG_CF | FLAG_ZF | 2);
    g_assert_cmpint(fake_call(f, helper_sysret, 1, 0, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    S.efer &= ~(uint64_t)EFER_SCE;
    g_assert_cmpint(fake_call(f, helper_syscall, 0x10002, 0, 0, NULL), ==, RAISED);
    g_assert_cmpint(S.exc_vector, ==, EXC_UD);
}

static void test_sysenter(void)
{
    fake_protected(f);
    fake_set_cpl(f, 3);
    g_assert_cmpint(fake_call(f, helper_sysenter, 0x10002, 0, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    S.sysenter_cs = SEL_CODE0;
    S.sysenter_esp = 0x9000;
    S.sysenter_eip = 0xc0000000;
    S.rflags |= FLAG_IF;
    g_assert_cmpint(fake_call(f, helper_sysenter, 0x10002, 0, 0, NULL), ==, DONE);
    g_assert_cmphex(S.rip, ==, 0xc0000000);
    g_assert_cmphex(S.gpr[R_SP], ==, 0x9000);
    g_assert_cmpint(f->env.cpl, ==, 0);
    g_assert_false(S.rflags & FLAG_IF);
    S.gpr[R_DX] = 0x10002;
    S.gpr[R_CX] = 0x8000;
    g_assert_cmpint(fake_call(f, helper_sysexit, 0, 0, 0, NULL), ==, DONE);
    g_assert_cmphex(S.seg[S_CS].sel, ==, (SEL_CODE0 + 16) | 3);
    g_assert_cmphex(S.gpr[R_SP], ==, 0x8000);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    f = fake_new("qemu64");
    g_test_add_func("/i386/transfer/real", test_real);
    g_test_add_func("/i386/transfer/enter-protected", test_enter_protected);
    g_test_add_func("/i386/transfer/direct-checks", test_direct_checks);
    g_test_add_func("/i386/transfer/call-gate", test_call_gate);
    g_test_add_func("/i386/transfer/call-gate-faults", test_call_gate_faults);
    g_test_add_func("/i386/transfer/long", test_long);
    g_test_add_func("/i386/transfer/iretq", test_iretq);
    g_test_add_func("/i386/transfer/syscall", test_syscall);
    g_test_add_func("/i386/transfer/sysenter", test_sysenter);
    status = g_test_run();
    fake_free(f);
    return status;
}
