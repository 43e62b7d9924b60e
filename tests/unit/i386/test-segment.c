/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segment loads, limit checks, descriptor instructions, registers with
 * reserved bits, flags.
 */
#include "tests/unit/i386/fake.h"

static Fake *f;
#define S f->env.s

static Outcome load(int reg, uint16_t sel)
{
    return fake_call(f, helper_load_seg, reg, sel, 1, NULL);
}

static void test_load(void)
{
    fake_protected(f);
    g_assert_cmpint(load(S_SS, 0), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(load(S_SS, SEL_DATA3), ==, RAISED);
    assert_raised(f, EXC_GP, SEL_DATA3 & ~3);
    g_assert_cmpint(load(S_SS, SEL_CODE0), ==, RAISED);
    assert_raised(f, EXC_GP, SEL_CODE0);
    g_assert_cmpint(load(S_DS, 0), ==, DONE);
    g_assert_true(S.seg[S_DS].attr & SEG_UNUSABLE);
    g_assert_false(f->env.mode & MODE_FLATDATA);
    g_assert_cmpint(load(S_DS, SEL_CODE0), ==, DONE); /* readable code */
    g_assert_false(f->env.mode & MODE_FLATDATA);
    g_assert_cmpint(load(S_DS, SEL_DATA3), ==, DONE);
    g_assert_true(f->env.mode & MODE_FLATDATA);
    fake_desc(f, SEL_FREE, 0x12345678, 0xfff, 0x12, 0x4);
    g_assert_cmpint(load(S_FS, SEL_FREE), ==, RAISED);
    assert_raised(f, EXC_NP, SEL_FREE);
    g_assert_cmpint(load(S_SS, SEL_FREE), ==, RAISED);
    assert_raised(f, EXC_SS, SEL_FREE);
    fake_desc(f, SEL_FREE, 0x12345678, 0xfff, 0x92, 0x4);
    g_assert_cmpint(load(S_FS, SEL_FREE), ==, DONE);
    g_assert_cmphex(S.seg[S_FS].base, ==, 0x12345678);
    g_assert_cmphex(S.seg[S_FS].limit, ==, 0xfff);
    g_assert_cmphex(peek32(f, FAKE_GDT + SEL_FREE + 4) >> 8 & 1, ==, 1);
    fake_set_cpl(f, 3);
    g_assert_cmpint(load(S_DS, SEL_DATA0), ==, RAISED);
    assert_raised(f, EXC_GP, SEL_DATA0);
    g_assert_cmpint(load(S_DS, SEL_TSS), ==, RAISED);
    assert_raised(f, EXC_GP, SEL_TSS);
}

static void test_load_long(void)
{
    fake_long(f);
    g_assert_cmpint(load(S_SS, 0), ==, DONE);
    g_assert_cmpint(f->env.cpl, ==, 0);
    g_assert_cmpint(load(S_SS, 1), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    fake_set_cpl(f, 3);
    g_assert_cmpint(load(S_SS, 3), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
}

static Outcome check(int reg, uint64_t off, unsigned size, bool write, uint64_t *va)
{
    return fake_call(f, helper_seg_check, reg, off, size | write << 8, va);
}

static void test_limits(void)
{
    uint64_t va;

    fake_protected(f);
    S.seg[S_DS] = (X86Seg){.base = 0x1000, .limit = 0xfff, .attr = SEG_P | SEG_S | 3};
    g_assert_cmpint(check(S_DS, 0xffc, 4, true, &va), ==, DONE);
    g_assert_cmphex(va, ==, 0x1ffc);
    g_assert_cmpint(check(S_DS, 0xffd, 4, true, &va), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(check(S_DS, 0xffffffff, 4, true, &va), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    S.seg[S_DS].attr = SEG_P | SEG_S | 1; /* read-only */
    g_assert_cmpint(check(S_DS, 0, 4, true, &va), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(check(S_DS, 0, 4, false, &va), ==, DONE);
    S.seg[S_SS] = (X86Seg){.limit = 0xfff, .attr = SEG_P | SEG_S | 7}; /* expand down, 16 bits */
    g_assert_cmpint(check(S_SS, 0xfff, 1, true, &va), ==, RAISED);
    assert_raised(f, EXC_SS, 0);
    g_assert_cmpint(check(S_SS, 0x1000, 2, true, &va), ==, DONE);
    g_assert_cmpint(check(S_SS, 0xffff, 2, true, &va), ==, RAISED);
    assert_raised(f, EXC_SS, 0);
    S.seg[S_ES].base = 0xfffffff0;
    g_assert_cmpint(check(S_ES, 0x20, 4, true, &va), ==, DONE);
    g_assert_cmphex(va, ==, 0x10);
    g_assert_cmpint(check(S_CS, 0, 1, true, &va), ==, RAISED); /* code is never written */
    assert_raised(f, EXC_GP, 0);
}

static bool zf(void)
{
    return f->env.cc & FLAG_ZF;
}

static void test_inspect(void)
{
    uint64_t v;

    fake_protected(f);
    g_assert_cmpint(fake_call(f, helper_lar, SEL_CODE3, 7, 0, &v), ==, DONE);
    g_assert_true(zf());
    g_assert_cmphex(v, ==, 0xc0fb00);
    g_assert_cmpint(fake_call(f, helper_lsl, SEL_TSS, 7, 0, &v), ==, DONE);
    g_assert_cmphex(v, ==, 0x67);
    g_assert_cmpint(fake_call(f, helper_lar, 0, 7, 0, &v), ==, DONE);
    g_assert_false(zf());
    g_assert_cmphex(v, ==, 7);
    fake_call(f, helper_verr, SEL_CODE0, 1, 0, NULL);
    g_assert_false(zf());
    fake_call(f, helper_verr, SEL_CODE0, 0, 0, NULL);
    g_assert_true(zf());
    fake_set_cpl(f, 3);
    fake_call(f, helper_verr, SEL_DATA0, 0, 0, NULL);
    g_assert_false(zf());
    g_assert_cmpint(fake_call(f, helper_arpl, 0x10, 3, 0, &v), ==, DONE);
    g_assert_cmphex(v, ==, 0x13);
    g_assert_true(zf());
    S.cr0 &= ~(uint64_t)CR0_PE;
    g_assert_cmpint(fake_call(f, helper_lar, 0, 0, 0, &v), ==, RAISED);
    g_assert_cmpint(S.exc_vector, ==, EXC_UD);
}

static void test_tables(void)
{
    fake_protected(f);
    g_assert_cmpint(fake_call(f, helper_ltr, SEL_TSS, 0, 0, NULL), ==, RAISED); /* busy */
    assert_raised(f, EXC_GP, SEL_TSS);
    fake_desc(f, SEL_TSS, FAKE_TSS, 0x67, 0x89, 0);
    g_assert_cmpint(fake_call(f, helper_ltr, SEL_TSS, 0, 0, NULL), ==, DONE);
    g_assert_cmphex(peek32(f, FAKE_GDT + SEL_TSS + 4) >> 8 & 15, ==, 0xb);
    g_assert_cmphex(S.tr.attr & 15, ==, 0xb);
    g_assert_cmpint(fake_call(f, helper_ltr, 0, 0, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    fake_desc(f, SEL_FREE, FAKE_LDT, 0x7, 0x82, 0);
    g_assert_cmpint(fake_call(f, helper_lldt, SEL_FREE, 0, 0, NULL), ==, DONE);
    memcpy(f->ram + FAKE_LDT, f->ram + FAKE_GDT + SEL_DATA0, 8);
    g_assert_cmpint(load(S_ES, 4), ==, DONE);
    g_assert_cmpint(load(S_ES, 12), ==, RAISED);
    assert_raised(f, EXC_GP, 12);
    g_assert_cmpint(fake_call(f, helper_lldt, 0, 0, 0, NULL), ==, DONE);
    g_assert_cmpint(load(S_ES, 4), ==, RAISED);
    assert_raised(f, EXC_GP, 4);
    fake_set_cpl(f, 3);
    g_assert_cmpint(fake_call(f, helper_lgdt, 0, 0, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
}

static void test_control(void)
{
    uint64_t v;

    fake_long(f);
    g_assert_cmpint(fake_call(f, helper_write_cr, 0, 1ull << 32 | S.cr0, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(fake_call(f, helper_write_cr, 0, CR0_PG, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(fake_call(f, helper_write_cr, 0, CR0_PE, 0, NULL), ==, RAISED); /* 64-bit code */
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(fake_call(f, helper_write_cr, 4, 0, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(fake_call(f, helper_write_cr, 4, CR4_PAE | 1u << 31, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(fake_call(f, helper_write_cr, 3, 1ull << 40, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(fake_call(f, helper_write_cr, 8, 16, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    f->flushes = 0;
    g_assert_cmpint(fake_call(f, helper_write_cr, 4, CR4_PAE | CR4_PGE, 0x77, NULL), ==, DONE);
    g_assert_cmpint(f->flushes, ==, 1);
    g_assert_cmphex(S.rip, ==, 0x77);
    g_assert_cmpint(fake_call(f, helper_write_dr, 7, 1ull << 32, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(fake_call(f, helper_write_dr, 4, 0, 0, NULL), ==, DONE);
    g_assert_cmpint(fake_call(f, helper_read_dr, 6, 0, 0, &v), ==, DONE);
    g_assert_cmphex(v, ==, DR6_RESET);
    fake_call(f, helper_write_dr, 7, DR7_GD, 0, NULL);
    g_assert_cmpint(fake_call(f, helper_read_dr, 6, 0, 0, &v), ==, RAISED);
    g_assert_cmpint(S.exc_vector, ==, EXC_DB);
    g_assert_cmphex(S.exc_addr, ==, DR6_BD);
    S.exc_pending = 0;
}

static Outcome wrmsr(uint32_t msr, uint64_t v)
{
    S.gpr[R_CX] = msr;
    S.gpr[R_AX] = (uint32_t)v;
    S.gpr[R_DX] = v >> 32;
    return fake_call(f, helper_wrmsr, 0x10002, 0, 0, NULL);
}

static uint64_t rdmsr(uint32_t msr)
{
    S.gpr[R_CX] = msr;
    g_assert_cmpint(fake_call(f, helper_rdmsr, 0, 0, 0, NULL), ==, DONE);
    return S.gpr[R_AX] | S.gpr[R_DX] << 32;
}

static void test_msr(void)
{
    static const struct {
        uint32_t msr;
        uint64_t good, bad;
    } rows[] = {
        {0xc0000082, 0xffffffff81000000ull, 1ull << 47}, {0xc0000100, 0x7fffffffffff, 1ull << 63},
        {0xc0000102, 1, 0x1234567812345678}, {0x277, 0x0007010600070106, 2}, {0x174, 0x10, 0},
        {0x2ff, 0xc06, 0}, {0x200, 0xfe000006, 0}, {0x26f, 0x0606060606060606, 0},
        {0xc0000081, 0x23001000000000, 0}, {0xc0000084, 0x47700, 0},
    };

    fake_long(f);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        g_assert_cmpint(wrmsr(rows[i].msr, rows[i].good), ==, DONE);
        g_assert_cmphex(rdmsr(rows[i].msr), ==, rows[i].good);
        if (rows[i].bad) {
            g_assert_cmpint(wrmsr(rows[i].msr, rows[i].bad), ==, RAISED);
            assert_raised(f, EXC_GP, 0);
        }
    }
    g_assert_cmphex(S.seg[S_FS].base, ==, 0x7fffffffffff);
    g_assert_cmpint(wrmsr(0xc0000080, EFER_SCE | EFER_NXE), ==, RAISED); /* LME while paging */
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(wrmsr(0xc0000080, EFER_LME | EFER_NXE), ==, DONE);
    g_assert_cmphex(rdmsr(0xc0000080), ==, EFER_LME | EFER_NXE | EFER_LMA);
    g_assert_cmpint(wrmsr(0x12345, 0), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(wrmsr(0x10, 5000), ==, DONE);
    g_assert_cmpint(rdmsr(0x10), ==, 5000);
    fake_set_cpl(f, 3);
    g_assert_cmpint(wrmsr(0x10, 0), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
}

static void test_flags(void)
{
    uint64_t v;

    fake_protected(f);
    fake_set_cpl(f, 3);
    S.rflags |= FLAG_IF;
    g_assert_cmpint(fake_call(f, helper_popf, 0xffffffff, W32, 0x10001, NULL), ==, DONE);
    g_assert_cmphex(x86_rflags(&f->env), ==, 0x244fd7); /* IF kept, no IOPL, VM, RF, VIF, VIP */
    g_assert_true(f->env.mode & MODE_TF);
    g_assert_cmpint(fake_call(f, helper_popf, 0, W16, 0x10001, NULL), ==, DONE);
    g_assert_cmphex(x86_rflags(&f->env), ==, 0x240202);
    g_assert_cmpint(fake_call(f, helper_cli, 0, 0, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(fake_call(f, helper_pushf, W16, 0, 0, &v), ==, DONE);
    g_assert_cmphex(v, ==, 0x0202);
}

static void test_fxsave(void)
{
    fake_long(f);
    for (int i = 0; i < 16; i++) {
        st_le64(S.fx.xmm[i], 0x1111111111111111ull * i);
    }
    S.fx.fsw = 0x3800;
    S.fx.fip = 0x123456789a; /* the guest's: host addresses are mapped back before they come here */
    g_assert_cmpint(fake_call(f, helper_fxsave, 0x30008, 1, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(fake_call(f, helper_fxsave, 0x30000, 1, 0, NULL), ==, DONE);
    g_assert_cmphex(peek64(f, 0x30008), ==, 0x123456789a);
    X86Fxsave old = S.fx;
    memset(&S.fx, 0x55, sizeof(S.fx));
    S.fx.rsvd0 = 0;
    g_assert_cmpint(fake_call(f, helper_fxrstor, 0x30000, 1, 0, NULL), ==, DONE);
    g_assert_cmpmem(&old, 24, &S.fx, 24);
    g_assert_cmpmem(&old.st, 384, &S.fx.st, 384);
    g_assert_cmphex(S.fx.mxcsr, ==, 0x1f80);
    poke32(f, 0x30018, 0x10000);
    g_assert_cmpint(fake_call(f, helper_fxrstor, 0x30000, 1, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    S.cr0 |= CR0_TS;
    g_assert_cmpint(fake_call(f, helper_fxsave, 0x30000, 1, 0, NULL), ==, RAISED);
    g_assert_cmpint(S.exc_vector, ==, EXC_NM);
}

static void test_ports(void)
{
    fake_protected(f);
    fake_set_cpl(f, 3);
    poke16(f, FAKE_TSS + 102, 0x68);
    g_assert_cmpint(fake_call(f, helper_in, 0x60, W8, 0, NULL), ==, RAISED); /* no bitmap */
    assert_raised(f, EXC_GP, 0);
    S.tr.limit = 0x100;
    poke16(f, FAKE_TSS + 102, 0x80);
    g_assert_cmpint(fake_call(f, helper_in, 0x60, W8, 0, NULL), ==, DONE);
    f->ram[FAKE_TSS + 0x80 + 0x61 / 8] = 1 << 1;
    g_assert_cmpint(fake_call(f, helper_in, 0x61, W8, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(fake_call(f, helper_in, 0x5e, W32, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(fake_call(f, helper_in, 0x3fff, W8, 0, NULL), ==, RAISED); /* past the limit */
    assert_raised(f, EXC_GP, 0);
    S.rflags |= FLAG_IOPL;
    g_assert_cmpint(fake_call(f, helper_in, 0x61, W8, 0, NULL), ==, DONE);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    f = fake_new("qemu64");
    g_test_add_func("/i386/segment/load", test_load);
    g_test_add_func("/i386/segment/load-long", test_load_long);
    g_test_add_func("/i386/segment/limits", test_limits);
    g_test_add_func("/i386/segment/inspect", test_inspect);
    g_test_add_func("/i386/segment/tables", test_tables);
    g_test_add_func("/i386/registers/control", test_control);
    g_test_add_func("/i386/registers/msr", test_msr);
    g_test_add_func("/i386/registers/flags", test_flags);
    g_test_add_func("/i386/registers/fxsave", test_fxsave);
    g_test_add_func("/i386/registers/ports", test_ports);
    status = g_test_run();
    fake_free(f);
    return status;
}
