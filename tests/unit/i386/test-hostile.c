/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hostile guests: random descriptor tables, gates, task state, page tables and
 * registers under every helper of the system side. Whatever comes out, each
 * call ends in an architectural outcome.
 */
#include "tests/unit/i386/fake.h"

static Fake *f;
#define S f->env.s

typedef uint64_t HelperFn(void *, uint64_t, uint64_t, uint64_t);
static HelperFn *const helpers[] = {
    helper_far_jmp, helper_far_call, helper_far_ret, helper_iret, helper_syscall, helper_sysret,
    helper_sysenter, helper_sysexit, helper_load_seg, helper_lldt, helper_ltr, helper_lar,
    helper_lsl, helper_verr, helper_write_cr, helper_write_dr, helper_read_cr, helper_read_dr,
    helper_rdmsr, helper_wrmsr, helper_popf, helper_pushf, helper_in, helper_out, helper_enter,
    helper_raise_int, helper_check_traps, helper_sti, helper_cli, helper_invpcid, helper_lmsw,
    helper_xsetbv, helper_fxsave, helper_fxrstor, helper_cpuid, helper_swapgs, helper_string,
    helper_xsave, helper_xrstor, helper_cmpxchg8b, helper_bound, helper_store_dt, helper_lgdt,
};

static uint64_t rnd(void)
{
    return (uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();
}

/* Numbers that are near to making sense more often than random ones are. */
static uint64_t odd_number(void)
{
    switch (g_test_rand_int_range(0, 8)) {
    case 0:
        return rnd();
    case 1:
        return g_test_rand_int_range(0, 256);
    case 2:
        return g_test_rand_int_range(0, 0x80) & ~7;
    case 3:
        return g_test_rand_int_range(0, 0x10000);
    case 4:
        return g_test_rand_int_range(0, FAKE_RAM);
    case 5:
        return 1ull << g_test_rand_int_range(0, 64);
    case 6:
        return -(uint64_t)g_test_rand_int_range(1, 64);
    default:
        return (rnd() & 0x3fff) | rnd() << 62;
    }
}

static void scribble_table(uint64_t base, unsigned entries)
{
    for (unsigned i = 0; i < entries; i++) {
        if (g_test_rand_bit()) {
            poke64(f, base + i * 8, rnd());
            f->ram[base + i * 8 + 5] |= g_test_rand_bit() << 7; /* present */
        }
    }
}

static void scribble_paging(void)
{
    for (int i = 0; i < 12; i++) {
        uint64_t at = 0x100000 + (g_test_rand_int_range(0, 3) << 12) + g_test_rand_int_range(0, 4) * 8;
        poke64(f, at, peek64(f, at) ^ 1ull << g_test_rand_int_range(0, 64));
    }
}

static void scribble_state(void)
{
    for (int i = 0; i < 16; i++) {
        S.gpr[i] = odd_number();
    }
    if (g_test_rand_bit()) {
        S.gpr[R_SP] = g_test_rand_int_range(0x7000, 0x9000);
    }
    S.gpr[R_CX] &= 0xffff;
    S.rflags = (rnd() & FLAG_ALL & ~(uint64_t)(g_test_rand_bit() ? FLAG_VM : 0)) | 2;
    if (S.efer & EFER_LMA) {
        S.rflags &= ~(uint64_t)FLAG_VM;
    }
    S.gdt_limit = g_test_rand_int_range(0, 0x400);
    S.tr.limit = g_test_rand_int_range(0, 0x200);
    if (g_test_rand_int_range(0, 4) == 0) {
        S.seg[g_test_rand_int_range(0, 6)] = (X86Seg){rnd(), rnd() & 0x1f0ff, rnd(), odd_number()};
    }
    S.cr4 |= g_test_rand_bit() ? CR4_VME | CR4_PVI : 0;
    S.star = rnd();
    S.sysenter_cs = odd_number();
}

static void one_round(void)
{
    switch (g_test_rand_int_range(0, 3)) {
    case 0:
        fake_reset(f);
        break;
    case 1:
        fake_protected(f);
        break;
    default:
        fake_long(f);
        break;
    }
    if (S.cr0 & CR0_PE) {
        fake_set_cpl(f, g_test_rand_bit() ? 3 : 0);
        scribble_table(FAKE_GDT, 32);
        scribble_table(FAKE_IDT, 64);
        scribble_table(FAKE_TSS, 32);
        scribble_table(0x7000, 512);
    }
    if (g_test_rand_bit()) {
        scribble_paging();
    }
    scribble_state();
    x86_update_mode(&f->env);
}

static void arguments(HelperFn *fn, uint64_t arg[3])
{
    for (int i = 0; i < 3; i++) {
        arg[i] = odd_number();
    }
    if (fn == helper_string) { /* as the translator makes them: kind, width, REP, addresses, segment */
        unsigned kind = g_test_rand_int_range(0, 7);
        arg[0] = kind | g_test_rand_int_range(0, kind >= 5 ? 3 : 4) << 4 |
                 g_test_rand_int_range(0, 3) << 8 | g_test_rand_int_range(1, 4) << 12 |
                 g_test_rand_int_range(0, 6) << 16;
    } else if (fn == helper_load_seg) {
        arg[0] = g_test_rand_int_range(0, 6);
    } else if (fn == helper_iret || fn == helper_pushf) {
        arg[0] = g_test_rand_int_range(1, 4);
    } else if (fn == helper_far_ret || fn == helper_popf || fn == helper_in) {
        arg[1] = g_test_rand_int_range(fn == helper_in ? 0 : 1, fn == helper_in ? 3 : 4);
    } else if (fn == helper_out || fn == helper_enter || fn == helper_bound) {
        arg[2] = g_test_rand_int_range(fn == helper_out ? 0 : 1, 3);
    } else if (fn == helper_cmpxchg8b) {
        arg[1] = g_test_rand_int_range(3, 5);
    } else if (fn == helper_far_jmp || fn == helper_far_call) {
        arg[2] = (arg[2] & MASK64(0, 62)) | (uint64_t)g_test_rand_int_range(0, 3) << 62;
    } else if (fn == helper_raise_int) {
        arg[0] &= 255;
        arg[2] &= 3;
    }
}

static void test_helpers(void)
{
    int done = 0, delivered = 0, shutdown = 0;

    for (int n = 0; n < 12000; n++) {
        HelperFn *fn = helpers[g_test_rand_int_range(0, ARRAY_LEN(helpers))];
        uint64_t arg[3];
        Outcome o;

        one_round();
        arguments(fn, arg);
        o = fake_call(f, fn, arg[0], arg[1], arg[2], NULL);
        done += o == DONE;
        if (o == RAISED) {
            o = fake_deliver(f);
            delivered += o == DONE;
            shutdown += o == SHUTDOWN;
        }
        g_assert_cmpint(f->env.delivering, ==, -1);
        g_assert_cmpint(f->env.cpl, ==, x86_state_cpl(&f->env.s));
        g_assert_cmphex(f->env.mode, ==, x86_compute_mode(&f->env.s, f->env.config));
    }
    g_test_message("%d done, %d delivered, %d shutdowns", done, delivered, shutdown);
    g_assert_cmpint(done, >, 500);
    g_assert_cmpint(delivered, >, 200);
}

static void test_interrupts(void)
{
    for (int n = 0; n < 6000; n++) {
        one_round();
        f->intr_vector = g_test_rand_int_range(-1, 256);
        cpu_request(&f->cpu, g_test_rand_int_range(0, 32));
        fake_interrupt(f);
        g_assert_cmpint(f->env.delivering, ==, -1);
        g_assert_cmpint(f->env.cpl, ==, x86_state_cpl(&f->env.s));
    }
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    f = fake_new("max,+xsave,+vme,+pcid,+la57");
    g_test_add_func("/i386/hostile/helpers", test_helpers);
    g_test_add_func("/i386/hostile/interrupts", test_interrupts);
    status = g_test_run();
    fake_free(f);
    return status;
}
