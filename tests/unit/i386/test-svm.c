/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SVM without paging (APM vol 2, chapter 15): world switches, intercepts and what they tell, injected and virtual
 * events. What Debian's QEMU can judge is in tests/hostile/cases/svm-*.s as well.
 */
#include "tests/unit/i386/vmcb.h"

static Fake *f;
#define S f->env.s
#define EXCP(v) (SVM_EXIT_EXCP0 + (v))

static Outcome enter(void)
{
    Outcome o = vmcb_run(f);

    if (o == DONE) {
        assert_inside(f);
    }
    return o;
}

/* The guest executes a helper at its rIP. */
static Outcome guest(uint64_t (*fn)(void *, uint64_t, uint64_t, uint64_t), uint64_t a, uint64_t b, uint64_t c)
{
    return fake_run(f, fn, a, b, c);
}

static void except(int vector, bool has_err, uint32_t err, uint64_t addr)
{
    x86_note(&f->env, vector, has_err, err, addr);
    g_assert_cmpint(fake_deliver(f), ==, DONE);
}

static void code(const char *bytes, size_t n)
{
    memcpy(f->ram + GUEST_RIP, bytes, n);
}

/* ---- world switches ---- */

static void check_switch(bool in_ram)
{
    vmcb_host(f);
    f->no_host = !in_ram;
    S.rflags |= FLAG_IF;
    S.dr[7] = DR7_RESET | 0x55;
    poke64(f, VMCB + VMCB_CR2, 0xabc);
    poke32(f, VMCB + VMCB_INT_STATE, INT_STATE_SHADOW);
    poke64(f, VMCB + VMCB_TSC_OFFSET, 5000);
    g_assert_cmpint(enter(), ==, DONE);
    g_assert_cmphex(S.rip, ==, GUEST_RIP);
    g_assert_cmphex(S.gpr[R_AX], ==, 0x1234);
    g_assert_cmphex(S.gpr[R_SP], ==, 0x7800);
    g_assert_cmphex(S.cr2, ==, 0xabc);
    g_assert_cmphex(S.dr[7], ==, DR7_RESET);
    g_assert_true(S.gif && S.int_shadow && (f->env.mode & MODE_GUEST));
    g_assert_cmphex(f->space_flushed, ==, X86_SPACE_GUEST); /* a new ASID, and nothing of the host's */
    g_assert_cmpuint(helper_rdtsc(&f->env, 0, 0, 0), ==, 1000 + 5000);
    S.gpr[R_AX] = 0x5678;
    S.rip = GUEST_RIP + 9;
    S.rflags |= FLAG_TF;
    f->env.cc = FLAG_CF;
    g_assert_cmpint(guest(helper_svm_exit, SVM_EXIT_CPUID, 0, GUEST_RIP + 11), ==, DONE);
    assert_exit(f, SVM_EXIT_CPUID, 0, 0);
    g_assert_cmphex(peek64(f, VMCB + VMCB_RIP), ==, GUEST_RIP + 9);
    g_assert_cmphex(peek64(f, VMCB + VMCB_NRIP), ==, GUEST_RIP + 11);
    g_assert_cmphex(peek64(f, VMCB + VMCB_RAX), ==, 0x5678);
    g_assert_cmphex(peek64(f, VMCB + VMCB_RFLAGS), ==, FLAG_IF | FLAG_TF | FLAG_CF | 2);
    g_assert_cmphex(peek32(f, VMCB + VMCB_INT_STATE), ==, INT_STATE_SHADOW | INT_STATE_IF);
    g_assert_cmphex(S.rip, ==, HOST_NEXT);
    g_assert_cmphex(S.gpr[R_AX], ==, VMCB);
    g_assert_cmphex(S.gpr[R_SP], ==, 0x8000);
    g_assert_cmphex(x86_rflags(&f->env), ==, FLAG_IF | 2);
    g_assert_cmphex(S.dr[7], ==, DR7_RESET);
    g_assert_false(S.gif || S.int_shadow || S.svm_tsc_offset || (f->env.mode & MODE_GUEST));
    g_assert_true(x86_long(&f->env) && f->env.cpl == 0);
}

static void test_switch(void)
{
    check_switch(true);
    check_switch(false); /* a VMCB and a save area that must be accessed piece by piece */
}

static void test_asids(void)
{
    vmcb_host(f);
    enter();
    guest(helper_svm_exit, SVM_EXIT_HLT, 0, 0);
    f->space_flushed = 0;
    enter();
    guest(helper_svm_exit, SVM_EXIT_HLT, 0, 0);
    g_assert_cmphex(f->space_flushed, ==, 0); /* the same ASID: nothing goes */
    poke32(f, VMCB + VMCB_ASID, 2);
    enter();
    g_assert_cmphex(f->space_flushed, ==, X86_SPACE_GUEST);
    guest(helper_svm_exit, SVM_EXIT_HLT, 0, 0);
    f->ram[VMCB + VMCB_TLB_CONTROL] = 1;
    f->space_flushed = 0;
    enter();
    g_assert_cmphex(f->space_flushed, ==, X86_SPACE_GUEST | X86_SPACE_HOST);
}

static void test_broken_host(void)
{
    vmcb_host(f);
    enter();
    poke64(f, HSAVE + VMCB_CR4, 1ull << 40);
    g_assert_cmpint(guest(helper_svm_exit, SVM_EXIT_HLT, 0, 0), ==, SHUTDOWN);
}

static void test_traps_over_vmrun(void)
{
    vmcb_host(f);
    S.rflags |= FLAG_TF;
    enter();
    g_assert_false(S.trap_pending);
    guest(helper_svm_exit, SVM_EXIT_HLT, 0, 0);
    g_assert_true(S.trap_pending);
}

static void test_privilege(void)
{
    vmcb_host(f);
    S.efer &= ~(uint64_t)EFER_SVME;
    g_assert_cmpint(fake_call(f, helper_vmrun, W64, 0, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_UD, 0);
    vmcb_host(f);
    fake_set_cpl(f, 3);
    g_assert_cmpint(fake_call(f, helper_clgi, 0, 0, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    vmcb_host(f);
    S.gpr[R_AX] = VMCB + 8;
    g_assert_cmpint(fake_call(f, helper_vmrun, W64, 0, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    S.gpr[R_AX] = 1ull << 40 | VMCB;
    g_assert_cmpint(fake_call(f, helper_vmload, W64, 0, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_cmpint(fake_call(f, helper_vmload, W32, 0, 0, NULL), ==, DONE);
    g_assert_cmpint(fake_call(f, helper_vmmcall, 0, 0, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_UD, 0);
}

static void invalid(unsigned field, unsigned size, uint64_t v)
{
    vmcb_host(f);
    st_le_n(f->ram + VMCB + field, size, v);
    g_assert_cmpint(vmcb_run(f), ==, DONE);
    assert_exit(f, SVM_EXIT_INVALID, 0, 0);
    g_assert_cmphex(S.rip, ==, HOST_NEXT);
    g_assert_false(S.gif);
}

static void test_invalid(void)
{
    invalid(VMCB_INTERCEPTS + 16, 4, 0);
    invalid(VMCB_ASID, 4, 0);
    invalid(VMCB_EFER, 8, EFER_LME | EFER_LMA);
    invalid(VMCB_EFER, 8, EFER_SVME | 1ull << 40);
    invalid(VMCB_CR0, 8, CR0_PG | CR0_PE | CR0_NW);
    invalid(VMCB_CR0, 8, CR0_PG | CR0_PE | 1ull << 32);
    invalid(VMCB_CR0, 8, CR0_PG); /* long mode with paging, but not protected */
    invalid(VMCB_CR3, 8, 1ull << 41);
    invalid(VMCB_CR4, 8, CR4_PAE | 1u << 15);
    invalid(VMCB_CR4, 8, 0);
    invalid(VMCB_DR6, 8, 1ull << 32);
    invalid(VMCB_DR7, 8, 1ull << 32);
    invalid(VMCB_CS + 2, 2, 0xe9b);
    invalid(VMCB_EVENTINJ, 8, EVENT_VALID | 1 << EVENT_TYPE_SHIFT);
    invalid(VMCB_EVENTINJ, 8, EVENT_VALID | EVENT_TYPE_EXCEPTION << EVENT_TYPE_SHIFT | EXC_NMI);
    invalid(VMCB_EVENTINJ, 8, EVENT_VALID | EVENT_TYPE_EXCEPTION << EVENT_TYPE_SHIFT | 32);
    invalid(VMCB_EVENTINJ, 8, EVENT_VALID | EVENT_TYPE_EXCEPTION << EVENT_TYPE_SHIFT | EXC_BR);
    vmcb_host(f);
    vmcb_intercept(f, SVM_EXIT_MSR);
    poke64(f, VMCB + VMCB_MSRPM, 0xfffffff000ull);
    g_assert_cmpint(vmcb_run(f), ==, DONE);
    assert_exit(f, SVM_EXIT_INVALID, 0, 0);
    vmcb_host(f); /* the map alone, without its intercept, does not matter */
    poke64(f, VMCB + VMCB_MSRPM, 0xfffffff000ull);
    g_assert_cmpint(enter(), ==, DONE);
}

/* ---- intercepts of instructions ---- */

static void test_control_registers(void)
{
    vmcb_host(f);
    vmcb_intercept(f, SVM_EXIT_WRITE_CR0 + 4);
    enter();
    guest(helper_write_cr, 4 | R_BX << 8, S.cr4, GUEST_RIP + 3);
    assert_exit(f, SVM_EXIT_WRITE_CR0 + 4, 1ull << 63 | R_BX, 0);
    g_assert_cmphex(peek64(f, VMCB + VMCB_NRIP), ==, GUEST_RIP + 3);
    /* What faults is not intercepted. */
    vmcb_host(f);
    vmcb_intercept(f, SVM_EXIT_WRITE_CR0 + 4);
    enter();
    g_assert_cmpint(fake_call(f, helper_write_cr, 4, 1u << 15, 0, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    /* The selective intercept lets TS and MP through. */
    vmcb_host(f);
    vmcb_intercept(f, SVM_EXIT_CR0_SEL_WRITE);
    enter();
    g_assert_cmpint(guest(helper_write_cr, 0, S.cr0 ^ (CR0_TS | CR0_MP), GUEST_RIP + 3), ==, DONE);
    assert_inside(f);
    guest(helper_write_cr, 0 | R_DX << 8, S.cr0 ^ CR0_WP, GUEST_RIP + 3);
    assert_exit(f, SVM_EXIT_CR0_SEL_WRITE, 1ull << 63 | R_DX, 0);
    vmcb_host(f);
    vmcb_intercept(f, SVM_EXIT_WRITE_DR0 + 7);
    enter();
    code("\x0f\x23\xfa", 3);
    guest(helper_write_dr, 7 | R_DX << 8, DR7_RESET, 0);
    assert_exit(f, SVM_EXIT_WRITE_DR0 + 7, R_DX, 0);
    g_assert_cmphex(peek64(f, VMCB + VMCB_NRIP), ==, GUEST_RIP + 3);
}

static void test_exceptions(void)
{
    vmcb_host(f);
    vmcb_intercept(f, EXCP(EXC_PF));
    enter();
    S.cr2 = 7;
    code("\x8b\x03", 2);
    except(EXC_PF, true, PF_W, 0x7777);
    assert_exit(f, EXCP(EXC_PF), PF_W, 0x7777);
    g_assert_cmphex(peek64(f, VMCB + VMCB_CR2), ==, 7); /* before CR2 is written */
    g_assert_cmphex(peek64(f, VMCB + VMCB_NRIP), ==, 0);
    g_assert_cmpuint(f->ram[VMCB + VMCB_INSN_LEN], ==, 15);
    g_assert_cmphex(f->ram[VMCB + VMCB_INSN + 1], ==, 3);
    /* #DB tells in DR6 before. */
    vmcb_host(f);
    vmcb_intercept(f, EXCP(EXC_DB));
    enter();
    except(EXC_DB, false, 0, DR6_BS);
    assert_exit(f, EXCP(EXC_DB), 0, 0);
    g_assert_cmphex(peek64(f, VMCB + VMCB_DR6), ==, DR6_RESET | DR6_BS);
    g_assert_cmpuint(f->ram[VMCB + VMCB_INSN_LEN], ==, 0);
    /* INT3 is an exception, at its own address; INT n is none. */
    vmcb_host(f);
    vmcb_intercept(f, EXCP(EXC_BP));
    fake_gate64(f, EXC_BP, SEL_CODE0_64, FAKE_HANDLER, 0xe, 0, 0);
    enter();
    guest(helper_raise_int, EXC_BP, GUEST_RIP + 2, 0);
    assert_inside(f);
    g_assert_cmphex(S.rip, ==, FAKE_HANDLER);
    S.rip = GUEST_RIP;
    guest(helper_raise_int, EXC_BP, GUEST_RIP + 1, 1);
    assert_exit(f, EXCP(EXC_BP), 0, 0);
    g_assert_cmphex(peek64(f, VMCB + VMCB_RIP), ==, GUEST_RIP);
    g_assert_cmphex(peek64(f, VMCB + VMCB_NRIP), ==, GUEST_RIP + 1);
}

/* With CR0.NE clear an x87 error is no exception. */
static void test_ferr(void)
{
    for (int freeze = 0; freeze < 2; freeze++) {
        vmcb_host(f);
        poke32(f, VMCB + VMCB_CR0, peek32(f, VMCB + VMCB_CR0) & ~CR0_NE);
        vmcb_intercept(f, EXCP(EXC_MF));
        if (freeze) {
            vmcb_intercept(f, SVM_EXIT_FERR_FREEZE);
        }
        enter();
        S.fx.fcw = 0x37e;
        S.fx.fsw = 0x8081;
        except(EXC_MF, false, 0, 0);
        g_assert_true(S.ferr);
        if (freeze) {
            assert_exit(f, SVM_EXIT_FERR_FREEZE, 0, 0);
        } else {
            assert_inside(f);
            g_assert_true(S.halted);
            g_assert_cmphex(S.rip, ==, GUEST_RIP);
        }
        g_assert_cmphex(S.fx.fsw, ==, 0x8081);
        S.fx.fsw = 0;
        fake_call(f, helper_x87_error, 0, 0, 0, NULL);
        g_assert_false(S.ferr);
    }
}

/* A fault while another is delivered: looked at before they become #DF (APM vol 2, 15.12). */
static void test_combined(void)
{
    uint32_t np = EVENT_VALID | EVENT_EV | EVENT_TYPE_EXCEPTION << EVENT_TYPE_SHIFT | EXC_NP;

    vmcb_host(f);
    vmcb_intercept(f, EXCP(EXC_GP));
    vmcb_intercept(f, EXCP(EXC_DF));
    enter(); /* its IDT is empty: #GP in every delivery */
    except(EXC_NP, true, 0x50, 0);
    assert_exit(f, EXCP(EXC_GP), EXC_NP * 8 + 3, 0);
    g_assert_cmphex(peek64(f, VMCB + VMCB_EXITINTINFO), ==, 0x50ull << 32 | np);
    vmcb_host(f);
    vmcb_intercept(f, EXCP(EXC_DF));
    enter();
    except(EXC_NP, true, 0x50, 0);
    assert_exit(f, EXCP(EXC_DF), 0, 0);
    g_assert_cmphex(peek64(f, VMCB + VMCB_EXITINTINFO), ==, 0x50ull << 32 | np);
    vmcb_host(f);
    vmcb_intercept(f, SVM_EXIT_SHUTDOWN);
    enter();
    except(EXC_NP, true, 0x50, 0);
    assert_exit(f, SVM_EXIT_SHUTDOWN, 0, 0);
    vmcb_host(f);
    enter();
    x86_note(&f->env, EXC_NP, true, 0x50, 0);
    g_assert_cmpint(fake_deliver(f), ==, SHUTDOWN);
}

static void test_ports(void)
{
    uint64_t info = 4 << SVM_IO_SIZE_SHIFT | 2 << SVM_IO_ASIZE_SHIFT | SVM_IO_IN;
    uint64_t rep = 1 << SVM_IO_SIZE_SHIFT | 4 << SVM_IO_ASIZE_SHIFT | SVM_IO_STRING | SVM_IO_REP;

    vmcb_host(f);
    vmcb_intercept(f, SVM_EXIT_IOIO);
    f->ram[IOPM + 0x80 / 8] = 1 << 3; /* port 83h */
    enter();
    g_assert_cmpint(guest(helper_svm_io, 0x84, info, GUEST_RIP + 1), ==, DONE);
    g_assert_cmpint(guest(helper_svm_io, 0x7c, info, GUEST_RIP + 1), ==, DONE);
    S.gpr[R_CX] = 1ull << 32;
    S.gpr[R_CX] = 0;
    g_assert_cmpint(guest(helper_svm_io, 0x83, rep, GUEST_RIP + 2), ==, DONE); /* of nothing */
    assert_inside(f);
    guest(helper_svm_io, 0x80, info, GUEST_RIP + 1);
    assert_exit(f, SVM_EXIT_IOIO, 0x80 << 16 | info, GUEST_RIP + 1);
    f->ram[IOPM + 0x2000] = 1; /* the byte behind port ffffh */
    S.gpr[R_AX] = VMCB;
    S.rip = 0x10000;
    enter();
    guest(helper_svm_io, 0xffff, 2 << SVM_IO_SIZE_SHIFT, GUEST_RIP + 1);
    g_assert_false(S.svm_guest);
}

static void test_msrs(void)
{
    static const struct {
        uint32_t msr, at;
    } rows[] = {{0x174, 0}, {0xc0000082, 0x800}, {0xc0010117, 0x1000}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        unsigned bit = (rows[i].msr & 0x1fff) * 2 + 1;
        vmcb_host(f);
        vmcb_intercept(f, SVM_EXIT_MSR);
        f->ram[MSRPM + rows[i].at + bit / 8] = 1 << (bit & 7); /* writes only */
        enter();
        S.gpr[R_CX] = rows[i].msr;
        g_assert_cmpint(guest(helper_svm_msr, 0, GUEST_RIP + 2, 0), ==, DONE);
        assert_inside(f);
        guest(helper_svm_msr, 1, GUEST_RIP + 2, 0);
        assert_exit(f, SVM_EXIT_MSR, 1, 0);
        g_assert_cmphex(peek64(f, VMCB + VMCB_NRIP), ==, GUEST_RIP + 2);
    }
    vmcb_host(f);
    vmcb_intercept(f, SVM_EXIT_MSR);
    enter();
    S.gpr[R_CX] = 0x40000000; /* in no map */
    guest(helper_svm_msr, 0, GUEST_RIP + 2, 0);
    assert_exit(f, SVM_EXIT_MSR, 0, 0);
}

static void test_pause(void)
{
    vmcb_host(f);
    vmcb_intercept(f, SVM_EXIT_PAUSE);
    poke16(f, VMCB + VMCB_PAUSE_COUNT, 2);
    enter();
    g_assert_cmpint(guest(helper_svm_pause, GUEST_RIP + 2, 0, 0), ==, DONE);
    g_assert_cmpint(guest(helper_svm_pause, GUEST_RIP + 2, 0, 0), ==, DONE);
    assert_inside(f);
    guest(helper_svm_pause, GUEST_RIP + 2, 0, 0);
    assert_exit(f, SVM_EXIT_PAUSE, 0, 0);
    vmcb_host(f);
    vmcb_intercept(f, SVM_EXIT_PAUSE);
    poke16(f, VMCB + VMCB_PAUSE_COUNT, 1);
    poke16(f, VMCB + VMCB_PAUSE_THRESHOLD, 50);
    enter();
    for (int i = 0; i < 5; i++) {
        S.svm_pause_tsc = 1000 - 51; /* longer ago than the threshold: counted anew */
        guest(helper_svm_pause, GUEST_RIP + 2, 0, 0);
    }
    assert_inside(f);
    guest(helper_svm_pause, GUEST_RIP + 2, 0, 0);
    assert_exit(f, SVM_EXIT_PAUSE, 0, 0);
}

/* ---- injection ---- */

static void inject(unsigned type, unsigned vector, uint64_t rest)
{
    poke64(f, VMCB + VMCB_EVENTINJ, EVENT_VALID | type << EVENT_TYPE_SHIFT | vector | rest);
}

static void test_injection(void)
{
    vmcb_host(f);
    fake_gate64(f, 0x80, SEL_CODE0_64, FAKE_HANDLER, 0xe, 0, 0);
    fake_gate64(f, EXC_GP, SEL_CODE0_64, FAKE_HANDLER + 0x100, 0xe, 0, 0);
    fake_gate64(f, EXC_OF, SEL_CODE0_64, FAKE_HANDLER + 0x200, 0xe, 0, 0);
    inject(EVENT_TYPE_SOFT, 0x80, 0);
    poke64(f, VMCB + VMCB_NRIP, GUEST_RIP + 2);
    g_assert_cmpint(enter(), ==, DONE);
    g_assert_cmphex(S.rip, ==, FAKE_HANDLER);
    g_assert_cmphex(peek64(f, 0x7800 - 40), ==, GUEST_RIP + 2); /* returns behind the instruction */
    guest(helper_svm_exit, SVM_EXIT_HLT, 0, 0);
    g_assert_cmphex(peek64(f, VMCB + VMCB_EVENTINJ), ==, 0);
    /* The gate's privilege counts for INT n, INTO, not for interrupts. */
    for (int i = 0; i < 3; i++) {
        vmcb_host(f);
        vmcb_intercept(f, EXCP(EXC_GP));
        fake_gate64(f, 0x80, SEL_CODE0_64, FAKE_HANDLER, 0xe, 0, 0);
        fake_gate64(f, EXC_OF, SEL_CODE0_64, FAKE_HANDLER, 0xe, 0, 0);
        fake_set_cpl(f, 3);
        vmcb_seg(f, VMCB_CS, &S.seg[S_CS]);
        vmcb_seg(f, VMCB_SS, &S.seg[S_SS]);
        f->ram[VMCB + VMCB_CPL] = 3;
        S.seg[S_SS].attr &= ~(3u << SEG_DPL_SHIFT);
        x86_update_mode(&f->env);
        inject(i == 0 ? EVENT_TYPE_SOFT : i == 1 ? EVENT_TYPE_EXCEPTION : EVENT_TYPE_INTR, i == 1 ? EXC_OF : 0x80, 0);
        vmcb_run(f);
        if (i < 2) {
            assert_exit(f, EXCP(EXC_GP), (i ? EXC_OF : 0x80) * 8 + 2, 0);
            g_assert_cmphex(peek32(f, VMCB + VMCB_EXITINTINFO), ==,
                            i ? EVENT_VALID | 3 << 8 | EXC_OF : EVENT_VALID | 4 << 8 | 0x80);
        } else {
            assert_inside(f);
            g_assert_cmpint(f->env.cpl, ==, 0);
        }
    }
    /* An injected event is not itself intercepted, and an NMI blocks none. */
    vmcb_host(f);
    vmcb_intercept(f, EXCP(EXC_GP));
    fake_gate64(f, EXC_GP, SEL_CODE0_64, FAKE_HANDLER, 0xe, 0, 0);
    inject(EVENT_TYPE_EXCEPTION, EXC_GP, EVENT_EV | 0x1230ull << 32);
    g_assert_cmpint(enter(), ==, DONE);
    g_assert_cmphex(peek64(f, 0x7800 - 48), ==, 0x1230);
    vmcb_host(f);
    fake_gate64(f, EXC_NMI, SEL_CODE0_64, FAKE_HANDLER, 0xe, 0, 0);
    inject(EVENT_TYPE_NMI, 0, 0);
    g_assert_cmpint(enter(), ==, DONE);
    g_assert_cmphex(S.rip, ==, FAKE_HANDLER);
    g_assert_false(S.nmi_masked);
}

/* ---- interrupts ---- */

static void test_virtual_interrupt(void)
{
    uint64_t v;

    vmcb_host(f);
    fake_gate64(f, 0x93, SEL_CODE0_64, FAKE_HANDLER, 0xe, 0, 0);
    poke32(f, VMCB + VMCB_INT_CTL, V_INTR_MASKING | V_IRQ | 5 << V_PRIO_SHIFT | 6);
    poke32(f, VMCB + VMCB_INT_VECTOR, 0x93);
    enter();
    fake_interrupt(f);
    g_assert_cmphex(S.rip, ==, GUEST_RIP); /* TPR 6 masks priority 5 */
    g_assert_cmpint(fake_call(f, helper_read_cr, 8, 0, 0, &v), ==, DONE);
    g_assert_cmphex(v, ==, 6);
    g_assert_cmpint(guest(helper_write_cr, 8, 4, GUEST_RIP + 4), ==, DONE);
    g_assert_true(x86_can_interrupt(&f->env));
    S.int_shadow = 1;
    fake_interrupt(f);
    g_assert_cmphex(S.rip, ==, GUEST_RIP + 4);
    S.int_shadow = 0;
    fake_interrupt(f);
    g_assert_cmphex(S.rip, ==, FAKE_HANDLER);
    guest(helper_svm_exit, SVM_EXIT_HLT, 0, 0);
    g_assert_cmphex(peek32(f, VMCB + VMCB_INT_CTL), ==, V_INTR_MASKING | 5 << V_PRIO_SHIFT | 4);
    /* A virtual GIF. */
    vmcb_host(f);
    vmcb_intercept(f, SVM_EXIT_VINTR);
    poke32(f, VMCB + VMCB_INT_CTL, V_GIF_ENABLE | V_IRQ | V_IGN_TPR);
    enter();
    g_assert_false(x86_can_interrupt(&f->env));
    g_assert_cmpint(guest(helper_stgi, 0, 0, 0), ==, DONE);
    g_assert_true(x86_can_interrupt(&f->env));
    fake_interrupt(f);
    assert_exit(f, SVM_EXIT_VINTR, 0, 0);
    g_assert_cmphex(peek32(f, VMCB + VMCB_INT_CTL), ==, V_GIF_ENABLE | V_GIF | V_IRQ | V_IGN_TPR);
    g_assert_false(S.svm_int_ctl);
}

static void physical(uint32_t request, unsigned exit, uint64_t info1)
{
    vmcb_host(f);
    vmcb_intercept(f, exit);
    enter();
    f->cpu.requests = request;
    fake_interrupt(f);
    assert_exit(f, exit, info1, 0);
    g_assert_true(f->cpu.requests == request || (request == CPU_REQ_NMI && S.nmi_pending)); /* still pending */
    g_assert_false(x86_can_interrupt(&f->env)); /* GIF holds it */
    g_assert_cmpint(fake_call(f, helper_stgi, 0, 0, 0, NULL), ==, DONE);
    S.rflags |= FLAG_IF;
    g_assert_true(x86_can_interrupt(&f->env));
}

static void test_physical(void)
{
    physical(CPU_REQ_INTR, SVM_EXIT_INTR, 0);
    physical(CPU_REQ_NMI, SVM_EXIT_NMI, 0);
    physical(CPU_REQ_SMI, SVM_EXIT_SMI, 1);
    physical(CPU_REQ_INIT, SVM_EXIT_INIT, 0);
    /* With V_INTR_MASKING the host's IF counts. */
    for (int hif = 0; hif < 2; hif++) {
        vmcb_host(f);
        S.rflags |= hif ? FLAG_IF : 0;
        vmcb_intercept(f, SVM_EXIT_INTR);
        poke32(f, VMCB + VMCB_INT_CTL, V_INTR_MASKING);
        poke64(f, VMCB + VMCB_RFLAGS, hif ? 2 : FLAG_IF | 2);
        enter();
        f->cpu.requests = CPU_REQ_INTR;
        g_assert_cmpint(x86_can_interrupt(&f->env), ==, hif);
        fake_interrupt(f);
        g_assert_cmpint(S.svm_guest, ==, !hif);
    }
    /* INIT in a guest that does not intercept it: reset, without an exit. */
    vmcb_host(f);
    enter();
    f->cpu.requests = CPU_REQ_INIT;
    fake_interrupt(f);
    g_assert_false(S.svm_guest || S.efer);
    g_assert_true(S.gif && S.svm_icpt[4] == 0);
    g_assert_cmphex(S.vm_hsave, ==, HSAVE);
    g_assert_cmpint(f->intc_inits, ==, 1);
    /* ... or #SX where the host wants that. */
    vmcb_host(f);
    fake_gate64(f, EXC_SX, SEL_CODE0_64, FAKE_HANDLER, 0xe, 0, 0);
    S.vm_cr = VM_CR_R_INIT;
    f->cpu.requests = CPU_REQ_INIT;
    g_assert_cmpint(fake_interrupt(f), ==, DONE);
    g_assert_cmphex(S.rip, ==, FAKE_HANDLER);
    g_assert_cmphex(f->cpu.requests, ==, 0);
    g_assert_cmpint(f->intc_inits, ==, 0);
}

/* An SMI that the host does not intercept: the guest's intercepts sleep until RSM, then act again. */
static void test_smm(void)
{
    uint64_t rip;

    vmcb_host(f);
    vmcb_intercept(f, SVM_EXIT_INTR);
    vmcb_intercept(f, SVM_EXIT_EXCP0 + EXC_UD);
    poke32(f, VMCB + VMCB_INT_CTL, V_INTR_MASKING);
    S.rflags |= FLAG_IF;
    S.smbase = 0x30000;
    enter();
    rip = S.rip;
    f->cpu.requests = CPU_REQ_SMI;
    fake_interrupt(f);
    g_assert_true(S.smm && !S.svm_guest);
    g_assert_cmphex(S.rip, ==, 0x8000);
    f->cpu.requests = CPU_REQ_INTR;
    g_assert_false(x86_can_interrupt(&f->env)); /* IF is clear; the host's does not count here */
    fake_interrupt(f);
    g_assert_true(S.smm);
    g_assert_false(svm_intercepts(&S, SVM_EXIT_EXCP0 + EXC_UD));
    g_assert_cmpint(fake_call(f, helper_rsm, 0, 0, 0, NULL), ==, DONE);
    g_assert_true(S.svm_guest && !S.smm);
    g_assert_cmphex(S.rip, ==, rip);
    fake_interrupt(f);
    assert_exit(f, SVM_EXIT_INTR, 0, 0);
}

static void test_gif(void)
{
    vmcb_host(f);
    S.rflags |= FLAG_IF;
    f->cpu.requests = CPU_REQ_INTR | CPU_REQ_NMI | CPU_REQ_SMI | CPU_REQ_INIT;
    g_assert_cmpint(fake_call(f, helper_clgi, 0, 0, 0, NULL), ==, DONE);
    g_assert_false(x86_can_interrupt(&f->env));
    fake_interrupt(f);
    g_assert_cmphex(f->cpu.requests, ==, CPU_REQ_INTR | CPU_REQ_NMI | CPU_REQ_SMI | CPU_REQ_INIT);
    f->polls = 0;
    g_assert_cmpint(fake_call(f, helper_stgi, 0, 0, 0, NULL), ==, DONE);
    g_assert_true(f->polls && x86_can_interrupt(&f->env));
    x86_publish_wait(&f->env);
    g_assert_true(x86_has_work(&f->cpu));
}

/* Breakpoints are the guest's inside, none behind, and none while GIF is clear. */
static void test_breakpoints(void)
{
    vmcb_host(f);
    S.dr[0] = GUEST_RIP;
    S.dr[7] = DR7_RESET | 1;
    x86_debug_changed(&f->env);
    g_assert_true(f->env.mode & MODE_DEBUG);
    g_assert_cmpint(fake_call(f, helper_clgi, 0, 0, 0, NULL), ==, DONE);
    g_assert_false(f->env.mode & MODE_DEBUG);
    enter(); /* DR7 of the VMCB has none */
    g_assert_false(f->env.mode & MODE_DEBUG);
    guest(helper_svm_exit, SVM_EXIT_HLT, 0, 0);
    poke64(f, VMCB + VMCB_DR7, DR7_RESET | 1);
    vmcb_intercept(f, EXCP(EXC_DB));
    enter();
    g_assert_true((f->env.mode & MODE_DEBUG) && f->env.watching);
    guest(helper_check_breakpoint, GUEST_RIP, 0, 0);
    assert_exit(f, EXCP(EXC_DB), 0, 0);
    g_assert_cmphex(peek64(f, VMCB + VMCB_DR6), ==, DR6_RESET | 1);
    g_assert_cmphex(S.dr[7], ==, DR7_RESET);
    g_assert_false(f->env.watching);
}

/* ---- registers ---- */

static void test_vmload(void)
{
    vmcb_host(f);
    S.seg[S_FS] = (X86Seg){.sel = 0x33, .attr = SEG_P | SEG_S | SEG_G | 3, .limit = 0x7fff, .base = 0x123456};
    S.kernel_gs_base = 0xffff800000001000;
    S.star = 1;
    S.sysenter_eip = 2;
    g_assert_cmpint(fake_call(f, helper_vmsave, W64, 0, 0, NULL), ==, DONE);
    S.seg[S_FS] = (X86Seg){0};
    S.tr.base = S.kernel_gs_base = S.star = S.sysenter_eip = 0;
    g_assert_cmpint(fake_call(f, helper_vmload, W64, 0, 0, NULL), ==, DONE);
    g_assert_cmphex(S.seg[S_FS].sel, ==, 0x33);
    g_assert_cmphex(S.seg[S_FS].attr, ==, SEG_P | SEG_S | SEG_G | 3);
    g_assert_cmphex(S.seg[S_FS].base, ==, 0x123456);
    g_assert_cmphex(S.tr.base, ==, FAKE_TSS);
    g_assert_true(S.ldt.attr & SEG_UNUSABLE);
    g_assert_cmphex(S.kernel_gs_base, ==, 0xffff800000001000);
    g_assert_true(S.star == 1 && S.sysenter_eip == 2);
}

static void test_registers(void)
{
    uint64_t v;

    vmcb_host(f);
    g_assert_false(x86_msr_write(&f->env, MSR_VM_HSAVE_PA, 0x1234));
    g_assert_false(x86_msr_write(&f->env, MSR_VM_HSAVE_PA, 1ull << 40));
    g_assert_true(x86_msr_write(&f->env, MSR_VM_HSAVE_PA, 0x5000));
    g_assert_true(x86_msr_read(&f->env, MSR_VM_HSAVE_PA, &v) && v == 0x5000);
    g_assert_false(x86_msr_write(&f->env, MSR_VM_CR, VM_CR_SVMDIS)); /* SVM is on */
    g_assert_true(x86_msr_write(&f->env, 0xc0000080, S.efer & ~(uint64_t)(EFER_SVME | EFER_LMA)));
    g_assert_true(x86_msr_write(&f->env, MSR_VM_CR, VM_CR_SVMDIS | VM_CR_LOCK));
    g_assert_false(x86_msr_write(&f->env, 0xc0000080, S.efer | EFER_SVME));
    g_assert_true(x86_msr_write(&f->env, MSR_VM_CR, 0));
    g_assert_true(x86_msr_read(&f->env, MSR_VM_CR, &v) && v == (VM_CR_SVMDIS | VM_CR_LOCK));
}

static void test_tsc_ratio(void)
{
    vmcb_host(f);
    g_assert_false(x86_msr_write(&f->env, MSR_TSC_RATIO, 1ull << 40));
    g_assert_true(x86_msr_write(&f->env, MSR_TSC_RATIO, 0x280000000ull)); /* 2.5 */
    g_assert_cmpuint(helper_rdtsc(&f->env, 0, 0, 0), ==, 1000);
    poke64(f, VMCB + VMCB_TSC_OFFSET, -100);
    enter();
    g_assert_cmpuint(helper_rdtsc(&f->env, 0, 0, 0), ==, 2400);
    guest(helper_svm_exit, SVM_EXIT_HLT, 0, 0);
    g_assert_cmpuint(helper_rdtsc(&f->env, 0, 0, 0), ==, 1000);
}

static void test_task_switch(void)
{
    vmcb_host(f);
    poke64(f, VMCB + VMCB_EFER, EFER_SVME);
    poke64(f, VMCB + VMCB_CR0, CR0_PE);
    vmcb_seg(f, VMCB_CS, &(X86Seg){.sel = SEL_CODE0, .attr = SEG_P | SEG_S | SEG_DB | SEG_G | 0xb,
                                                    .limit = 0xffffffff});
    vmcb_intercept(f, SVM_EXIT_TASK_SWITCH);
    fake_desc(f, SEL_FREE, 0x6000, 0x67, 0x89, 0);
    enter();
    guest(helper_far_jmp, SEL_FREE, 0, (GUEST_RIP + 7) | 1ull << 62);
    assert_exit(f, SVM_EXIT_TASK_SWITCH, SEL_FREE, 1ull << 38);
    g_assert_cmphex(peek64(f, VMCB + VMCB_NRIP), ==, GUEST_RIP + 7);
    g_assert_cmphex(peek64(f, VMCB + VMCB_RIP), ==, GUEST_RIP);
    /* By an exception with an error code, through a task gate. */
    S.gpr[R_AX] = VMCB;
    fake_gate(f, EXC_GP, SEL_FREE, 0, 5, 0);
    enter();
    except(EXC_GP, true, 0x123, 0);
    assert_exit(f, SVM_EXIT_TASK_SWITCH, SEL_FREE, 1ull << 44 | 0x123);
    g_assert_cmphex(peek32(f, VMCB + VMCB_EXITINTINFO), ==, EVENT_VALID | EVENT_EV | 3 << 8 | EXC_GP);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*fn)(void);
    } tests[] = {
        {"switch", test_switch}, {"asids", test_asids}, {"broken-host", test_broken_host},
        {"trap", test_traps_over_vmrun}, {"privilege", test_privilege}, {"invalid", test_invalid},
        {"control-registers", test_control_registers}, {"exceptions", test_exceptions},
        {"ferr", test_ferr}, {"combined", test_combined}, {"ports", test_ports}, {"msrs", test_msrs}, {"pause", test_pause},
        {"injection", test_injection}, {"virtual-interrupt", test_virtual_interrupt},
        {"physical", test_physical}, {"gif", test_gif}, {"smm", test_smm}, {"breakpoints", test_breakpoints}, {"vmload", test_vmload},
        {"registers", test_registers}, {"tsc-ratio", test_tsc_ratio}, {"task-switch", test_task_switch},
    };
    int status;

    g_test_init(&argc, &argv, NULL);
    f = fake_new("max");
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/i386/svm/", tests[i].name, NULL);
        g_test_add_func(path, tests[i].fn);
    }
    status = g_test_run();
    fake_free(f);
    return status;
}
