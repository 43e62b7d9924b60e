/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * String instructions: the page-wise path against the element-wise one, exact
 * registers at faults, wraps, overlaps.
 */
#include "tests/unit/i386/fake.h"

enum { MOVS, CMPS, STOS, LODS, SCAS };
static Fake *f;
#define S f->env.s

static uint64_t how(int kind, int w, int rep, int asize, int seg)
{
    return kind | w << 4 | rep << 8 | asize << 12 | seg << 16;
}

static void test_overlap(void)
{
    fake_long(f);
    f->ram[0x10000] = 'x';
    S.gpr[R_SI] = 0x10000;
    S.gpr[R_DI] = 0x10001;
    S.gpr[R_CX] = 9000;
    S.rip = 0x500;
    g_assert_cmpint(fake_call(f, helper_string, how(MOVS, W8, 1, W64, S_DS), 0x502, 0, NULL), ==, DONE);
    for (int i = 0; i < 9001; i++) {
        g_assert_cmpint(f->ram[0x10000 + i], ==, 'x');
    }
    g_assert_cmpint(f->ram[0x10000 + 9001], ==, 0);
    g_assert_cmphex(S.rip, ==, 0x502);
    g_assert_cmpint(S.gpr[R_CX], ==, 0);
    g_assert_cmphex(S.gpr[R_DI], ==, 0x10001 + 9000);
    g_assert_cmpuint(f->host_calls, <, 20);
}

static void test_fault(void)
{
    fake_long(f);
    S.gpr[R_AX] = 0x55;
    S.gpr[R_DI] = 0x3ff000; /* memory is mapped up to 4 MiB */
    S.gpr[R_CX] = 0x3000;
    S.rip = 0x500;
    g_assert_cmpint(fake_call(f, helper_string, how(STOS, W8, 1, W64, S_DS), 0x502, 0, NULL), ==, RAISED);
    g_assert_cmphex(S.rip, ==, 0x500);
    g_assert_cmphex(S.gpr[R_DI], ==, 0x400000);
    g_assert_cmphex(S.gpr[R_CX], ==, 0x2000);
    g_assert_cmphex(S.exc_addr, ==, 0x400000);
    g_assert_cmphex(S.exc_err, ==, PF_W);
    g_assert_cmphex(f->ram[0x3fffff], ==, 0x55);
    S.exc_pending = 0;
}

static void test_interrupt(void)
{
    fake_long(f);
    S.gpr[R_DI] = 0x10800;
    S.gpr[R_CX] = 0x10000;
    S.rip = 0x500;
    S.rflags |= FLAG_IF;
    cpu_request(&f->cpu, CPU_REQ_INTR);
    g_assert_cmpint(fake_call(f, helper_string, how(STOS, W8, 1, W64, S_DS), 0x502, 0, NULL), ==, DONE);
    g_assert_cmphex(S.rip, ==, 0x500);
    g_assert_cmphex(S.gpr[R_DI], ==, 0x11000);
    g_assert_cmphex(S.gpr[R_CX], ==, 0x10000 - 0x800);
}

static void test_wrap(void)
{
    fake_protected(f);
    S.gpr[R_AX] = 0x1234;
    S.gpr[R_DI] = 0xabcdfff8;
    S.gpr[R_CX] = 0x99990008;
    g_assert_cmpint(fake_call(f, helper_string, how(STOS, W16, 1, W16, S_DS), 0x502, 0, NULL), ==, DONE);
    g_assert_cmphex(S.gpr[R_DI], ==, 0xabcd0008);
    g_assert_cmphex(S.gpr[R_CX], ==, 0x99990000);
    g_assert_cmphex(peek32(f, 0xfffc), ==, 0x12341234);
    g_assert_cmphex(peek32(f, 4), ==, 0x12341234);
    g_assert_cmphex(peek32(f, 0x10000), ==, 0);
}

static void test_segment_limit(void)
{
    fake_protected(f);
    S.seg[S_ES] = (X86Seg){.base = 0x20000, .limit = 0x17ff, .attr = SEG_P | SEG_S | SEG_DB | 3};
    x86_update_mode(&f->env);
    S.gpr[R_DI] = 0x10;
    S.gpr[R_CX] = 0x1000;
    g_assert_cmpint(fake_call(f, helper_string, how(STOS, W32, 1, W32, S_DS), 0x502, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmphex(S.gpr[R_DI], ==, 0x1800);
    g_assert_cmphex(S.gpr[R_CX], ==, 0x1000 - (0x1800 - 0x10) / 4);
}

/* The same random instruction both ways. */
static void run_both(uint64_t op, const X86State *start, const uint8_t *ram)
{
    static uint8_t fast[FAKE_RAM];
    X86State after;
    uint64_t cc;
    Outcome o;

    f->env.s = *start;
    f->env.cc = 0;
    memcpy(f->ram, ram, FAKE_RAM);
    x86_update_mode(&f->env);
    f->no_host = false;
    o = fake_call(f, helper_string, op, 0x502, 0, NULL);
    after = f->env.s;
    cc = f->env.cc;
    memcpy(fast, f->ram, FAKE_RAM);

    f->env.s = *start;
    f->env.cc = 0;
    memcpy(f->ram, ram, FAKE_RAM);
    f->no_host = true;
    g_assert_cmpint(fake_call(f, helper_string, op, 0x502, 0, NULL), ==, o);
    g_autoptr(GString) why = g_string_new(NULL);
    if (!x86_state_equal(&after, &f->env.s, why)) {
        g_error("op %" G_GINT64_MODIFIER "x: %s", (guint64)op, why->str);
    }
    g_assert_cmphex(cc, ==, f->env.cc);
    g_assert_true(!memcmp(fast, f->ram, FAKE_RAM));
    f->env.s.exc_pending = 0;
}

static void test_random(void)
{
    static uint8_t ram[FAKE_RAM];

    for (int n = 0; n < 150; n++) {
        X86State start;
        uint64_t op = how(g_test_rand_int_range(0, 5), g_test_rand_int_range(0, 4),
                          g_test_rand_int_range(0, 3), g_test_rand_int_range(2, 4), S_DS);
        bool alike = g_test_rand_bit();

        fake_long(f);
        memcpy(ram, f->ram, FAKE_RAM);
        for (int i = 0x10000; i < 0x18000; i++) {
            ram[i] = alike ? 0 : g_test_rand_int() & 1;
        }
        ram[0x10000 + g_test_rand_int_range(0, 0x8000)] = 9;
        start = S;
        start.gpr[R_SI] = 0x10000 + g_test_rand_int_range(0, 0x3000);
        start.gpr[R_DI] = 0x10000 + g_test_rand_int_range(0, 0x3000);
        start.gpr[R_CX] = g_test_rand_int_range(0, 0x800);
        start.gpr[R_AX] = g_test_rand_bit() ? 0 : 0x0101010101010101ull;
        if (g_test_rand_int_range(0, 4) == 0) {
            start.rflags |= FLAG_DF;
        }
        run_both(op, &start, ram);
    }
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    f = fake_new("qemu64");
    g_test_add_func("/i386/string/overlap", test_overlap);
    g_test_add_func("/i386/string/fault", test_fault);
    g_test_add_func("/i386/string/interrupt", test_interrupt);
    g_test_add_func("/i386/string/wrap", test_wrap);
    g_test_add_func("/i386/string/segment-limit", test_segment_limit);
    g_test_add_func("/i386/string/random", test_random);
    status = g_test_run();
    fake_free(f);
    return status;
}
