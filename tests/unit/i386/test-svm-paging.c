/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nested paging (APM vol 2, 15.25): two levels of walks, their rights, faults, accessed and dirty bits; and
 * whatever a host can put into a VMCB.
 */
#include "tests/unit/i386/vmcb.h"

static Fake *f;
#define S f->env.s
enum { GK = X86_MMU_KINDS + X86_MMU_KERNEL_NOSMAP };

static void enter_nested(void)
{
    vmcb_nested(f);
    g_assert_cmpint(vmcb_run(f), ==, DONE);
    assert_inside(f);
}

static bool walk(uint64_t va, int access, MmuResult *r)
{
    f->env.s.exc_pending = 0;
    f->env.exit_noted = false;
    return x86_mmu_walk(&f->env, va, access, GK, r);
}

/* The walk fails, and delivering that leaves the guest. */
static void npf(uint64_t va, int access, uint64_t info1, uint64_t gpa)
{
    MmuResult r;

    g_assert_false(walk(va, access, &r));
    g_assert_true(f->env.exit_noted);
    g_assert_cmpint(fake_deliver(f), ==, DONE);
    assert_exit(f, SVM_EXIT_NPF, info1, gpa);
    S.gpr[R_AX] = VMCB;
}

static uint64_t *npte(uint64_t gpa)
{
    return (uint64_t *)(f->ram + NPT + (gpa >> 12) * 8);
}

static void test_walk(void)
{
    MmuResult r;

    vmcb_host(f);
    enter_nested();
    *npte(0x50000) = 0x333000 | 7;
    g_assert_true(walk(0x50123, MMU_READ, &r));
    g_assert_cmphex(r.paddr, ==, 0x333000);
    g_assert_cmpint(r.page_bits, ==, 12); /* of the smaller page */
    g_assert_true(r.r && r.x && !r.w);
    g_assert_cmphex(*npte(0x50000), ==, 0x333027);
    g_assert_cmphex(*npte(0x100000), ==, 0x100067); /* tables of the guest: as if written */
    g_assert_true(walk(0x50123, MMU_WRITE, &r) && r.w);
    g_assert_cmphex(*npte(0x50000), ==, 0x333067);
    g_assert_true(walk(0x234567, MMU_WRITE, &r));
    g_assert_cmpint(r.page_bits, ==, 21);
    g_assert_cmphex(r.paddr, ==, 0x234000);
}

static void test_faults(void)
{
    vmcb_host(f);
    enter_nested();
    *npte(0x50000) = 0;
    npf(0x50123, MMU_READ, NPF_FINAL | PF_U, 0x50123);
    enter_nested();
    *npte(0x50000) = 0x50000 | 5;
    npf(0x50123, MMU_WRITE, NPF_FINAL | PF_P | PF_W | PF_U, 0x50123);
    enter_nested();
    *npte(0x50000) = 0x50000 | 7 | 1ull << 63;
    npf(0x50123, MMU_EXEC, NPF_FINAL | PF_P | PF_U | PF_I, 0x50123);
    enter_nested();
    *npte(0x50000) = 0x50000 | 3; /* of the host alone */
    npf(0x50123, MMU_READ, NPF_FINAL | PF_P | PF_U, 0x50123);
    enter_nested();
    *npte(0x50000) = 0x50000 | 7 | 1ull << 45;
    npf(0x50123, MMU_READ, NPF_FINAL | PF_P | PF_RSVD | PF_U, 0x50123);
    enter_nested();
    *npte(0x101000) = 0x101000 | 5; /* the guest's PDPT can not be written */
    npf(0x50123, MMU_READ, NPF_TABLE | PF_P | PF_W | PF_U, 0x101000);
    enter_nested();
    poke64(f, 0x102000, 1ull << 39 | 0x87); /* where no nested table reaches: below 2^48, so not there */
    npf(0x50123, MMU_READ, NPF_FINAL | PF_U, (1ull << 39) + 0x50123);
}

/* The guest's own faults come first, and are its own. */
static void test_guest_fault(void)
{
    MmuResult r;

    vmcb_host(f);
    enter_nested();
    poke64(f, 0x102008, 0);
    g_assert_false(walk(0x234567, MMU_WRITE, &r));
    g_assert_false(f->env.exit_noted);
    assert_raised(f, EXC_PF, PF_W);
}

static void test_unpaged(void)
{
    MmuResult r;

    vmcb_host(f);
    poke64(f, VMCB + VMCB_CR0, 0x10); /* real mode */
    poke64(f, VMCB + VMCB_EFER, EFER_SVME);
    vmcb_nested(f);
    g_assert_cmpint(vmcb_run(f), ==, DONE);
    *npte(0x50000) = 0x333000 | 5;
    g_assert_true(walk(0x50123, MMU_READ, &r));
    g_assert_cmphex(r.paddr, ==, 0x333000);
    g_assert_false(r.w);
    npf(0x50123, MMU_WRITE, NPF_FINAL | PF_P | PF_W | PF_U, 0x50123);
}

/* The pointers of PAE are no registers then: read and checked in walks. */
static void test_pae(void)
{
    MmuResult r;

    vmcb_host(f);
    poke64(f, VMCB + VMCB_EFER, EFER_SVME | EFER_NXE);
    poke64(f, VMCB + VMCB_CR3, 0x110000);
    poke64(f, 0x110000, 0x102000 | 1);
    vmcb_nested(f);
    g_assert_cmpint(vmcb_run(f), ==, DONE);
    g_assert_true(walk(0x50123, MMU_READ, &r));
    poke64(f, 0x110000, 0x102000 | 3); /* reserved here: #PF, and MOV CR3 does not mind */
    g_assert_cmpint(fake_call(f, helper_write_cr, 3, 0x110000, 0, NULL), ==, DONE);
    g_assert_false(walk(0x50123, MMU_READ, &r));
    assert_raised(f, EXC_PF, PF_P | PF_RSVD);
    *npte(0x110000) = 0;
    npf(0x50123, MMU_READ, NPF_TABLE | PF_W | PF_U, 0x110000);
}

/* Without nested paging they are loaded, and a VMCB with bad ones is not run. */
static void test_pae_shadow(void)
{
    vmcb_host(f);
    poke64(f, VMCB + VMCB_EFER, EFER_SVME);
    poke64(f, VMCB + VMCB_CR3, 0x110000);
    poke64(f, 0x110000, 0x102000 | 1);
    g_assert_cmpint(vmcb_run(f), ==, DONE);
    assert_inside(f);
    g_assert_cmphex(S.pdpte[0], ==, 0x102001);
    vmcb_host(f);
    poke64(f, VMCB + VMCB_EFER, EFER_SVME);
    poke64(f, VMCB + VMCB_CR3, 0x110000);
    poke64(f, 0x110000, 0x102000 | 3);
    g_assert_cmpint(vmcb_run(f), ==, DONE);
    assert_exit(f, SVM_EXIT_INVALID, 0, 0);
    g_assert_true(x86_long(&f->env));
    g_assert_cmphex(S.rip, ==, HOST_NEXT);
}

/* The nested tables are of the host's paging mode. */
static void test_legacy_host(void)
{
    MmuResult r;

    vmcb_host(f);
    enter_nested();
    S.svm_hefer = EFER_SVME;
    S.svm_hcr4 = CR4_PAE;
    S.svm_ncr3 = 0x190020; /* aligned to 32 bytes */
    poke64(f, 0x190020, (NPML4 + 0x2000) | 1);
    *npte(0x50000) = 0x333000 | 7;
    g_assert_true(walk(0x50123, MMU_READ, &r));
    g_assert_cmphex(r.paddr, ==, 0x333000);
    S.svm_hcr4 = CR4_PSE;
    S.svm_ncr3 = 0x191000;
    poke32(f, 0x191000, 0x87);
    g_assert_true(walk(0x234567, MMU_WRITE, &r));
    g_assert_cmphex(r.paddr, ==, 0x234000);
    poke64(f, 0x102000, 1ull << 32 | 0x87); /* beyond what 32 bits reach */
    npf(0x50123, MMU_READ, NPF_FINAL | PF_U, (1ull << 32) + 0x50123);
}

static void guest_cr4(uint64_t v)
{
    g_assert_cmpint(fake_call(f, helper_write_cr, 4, v, GUEST_RIP, NULL), ==, DONE);
}

/* Protection keys are of the guest's linear addresses: nested entries have none. */
static void test_keys(void)
{
    MmuResult r;

    vmcb_host(f);
    S.cr4 |= CR4_PKE;
    poke64(f, VMCB + VMCB_CR4, CR4_PAE);
    S.pkru = ~0u;
    enter_nested();
    g_assert_true(walk(0x50123, MMU_READ, &r));
    guest_cr4(CR4_PAE | CR4_PKE);
    g_assert_false(walk(0x50123, MMU_READ, &r));
    assert_raised(f, EXC_PF, PF_P | PF_PK);
}

/* In delivery: the event is told, the instruction bytes too. */
static void test_in_delivery(void)
{
    vmcb_host(f);
    enter_nested();
    f->ram[GUEST_RIP] = 0x90;
    fake_gate64(f, EXC_GP, SEL_CODE0_64, FAKE_HANDLER, 0xe, 0, 0);
    *npte(0x7000) = 0;
    x86_note(&f->env, EXC_GP, true, 0x44, 0);
    g_assert_cmpint(fake_deliver(f), ==, DONE);
    assert_exit(f, SVM_EXIT_NPF, NPF_FINAL | PF_W | PF_U, peek64(f, VMCB + VMCB_EXITINFO2));
    g_assert_cmphex(peek64(f, VMCB + VMCB_EXITINFO2) >> 12, ==, 7);
    g_assert_cmphex(peek64(f, VMCB + VMCB_EXITINTINFO), ==,
                    0x44ull << 32 | EVENT_VALID | EVENT_EV | 3 << 8 | EXC_GP);
    g_assert_cmpint(f->ram[VMCB + VMCB_INSN_LEN], ==, 15);
    g_assert_cmphex(f->ram[VMCB + VMCB_INSN], ==, 0x90);
}

/* PAT is the guest's own while nested paging is on. */
static void test_pat(void)
{
    vmcb_host(f);
    poke64(f, VMCB + VMCB_G_PAT, 0x0606060606060606);
    enter_nested();
    g_assert_cmphex(S.pat, ==, 0x0606060606060606);
    g_assert_true(x86_msr_write(&f->env, 0x277, 0x0101010101010101));
    g_assert_cmpint(fake_run(f, helper_svm_exit, SVM_EXIT_HLT, 0, 0), ==, DONE);
    g_assert_cmphex(S.pat, ==, 0x0007040600070406);
    g_assert_cmphex(peek64(f, VMCB + VMCB_G_PAT), ==, 0x0101010101010101);
    vmcb_host(f);
    vmcb_nested(f);
    poke64(f, VMCB + VMCB_G_PAT, 2);
    g_assert_cmpint(vmcb_run(f), ==, DONE);
    assert_exit(f, SVM_EXIT_INVALID, 0, 0);
    vmcb_host(f);
    vmcb_nested(f);
    poke64(f, VMCB + VMCB_NCR3, 1ull << 41);
    g_assert_cmpint(vmcb_run(f), ==, DONE);
    assert_exit(f, SVM_EXIT_INVALID, 0, 0);
}

/* VMSAVE in a guest that may: its own physical memory. */
static void test_virtual_vmsave(void)
{
    vmcb_host(f);
    poke64(f, VMCB + VMCB_VIRT_EXT, VIRT_VMLOAD);
    enter_nested();
    *npte(0x50000) = 0x333000 | 7;
    S.star = 0x77;
    S.gpr[R_AX] = 0x50000;
    g_assert_cmpint(fake_call(f, helper_vmsave, W64, 0, 0, NULL), ==, DONE);
    g_assert_cmphex(peek64(f, 0x333000 + VMCB_STAR), ==, 0x77);
    *npte(0x50000) = 0x333000 | 5;
    g_assert_cmpint(fake_run(f, helper_vmsave, W64, 0, 0), ==, DONE);
    assert_exit(f, SVM_EXIT_NPF, NPF_FINAL | PF_P | PF_W | PF_U, 0x50000);
}

static void test_debugger(void)
{
    hwaddr pa;

    vmcb_host(f);
    enter_nested();
    *npte(0x50000) = 0x333000 | 7;
    memcpy(&f->state, &S, sizeof(S));
    g_assert_true(x86_debug_translate(&f->cpu, 0x50123, &pa));
    g_assert_cmphex(pa, ==, 0x333123);
    g_assert_cmphex(*npte(0x50000), ==, 0x333007); /* no trace of it */
    *npte(0x50000) = 0;
    g_assert_false(x86_debug_translate(&f->cpu, 0x50123, &pa));
}

/* ---- random VMCBs: every end is an architectural one ---- */

static uint64_t rnd(void)
{
    return (uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();
}

static void scribble(void)
{
    for (int i = g_test_rand_int_range(0, 6); i > 0; i--) {
        unsigned at = g_test_rand_bit() ? g_test_rand_int_range(0, 0x100) : g_test_rand_int_range(0x400, 0x670);
        f->ram[VMCB + at] ^= 1 << g_test_rand_int_range(0, 8);
    }
    for (int i = g_test_rand_int_range(0, 3); i > 0; i--) {
        f->ram[NPML4 + g_test_rand_int_range(0, 0x4000)] ^= 1 << g_test_rand_int_range(0, 8);
        f->ram[0x100000 + g_test_rand_int_range(0, 0x3000)] ^= 1 << g_test_rand_int_range(0, 8);
    }
    if (g_test_rand_bit()) {
        poke32(f, VMCB + VMCB_EVENTINJ, EVENT_VALID | (rnd() & 0xfff));
    }
    if (g_test_rand_int_range(0, 4) == 0) {
        poke64(f, VMCB + VMCB_EFER, EFER_SVME);
        poke64(f, VMCB + VMCB_CR0, rnd() & (CR0_PE | CR0_PG));
    }
}

static Outcome random_step(void)
{
    switch (g_test_rand_int_range(0, 6)) {
    case 0:
        f->cpu.requests = rnd() & (CPU_REQ_INTR | CPU_REQ_NMI | CPU_REQ_SMI | CPU_REQ_INIT);
        return fake_interrupt(f);
    case 1:
        return fake_run(f, helper_iret, W64, 0, 0);
    case 2:
        return fake_run(f, helper_svm_io, rnd() & 0xffff, 4 << SVM_IO_SIZE_SHIFT | 4 << SVM_IO_ASIZE_SHIFT, 0);
    case 3:
        S.gpr[R_CX] = rnd();
        return fake_run(f, helper_svm_msr, rnd() & 1, 0, 0);
    case 4:
        x86_note(&f->env, rnd() & 31, rnd() & 1, rnd() & 0xffff, rnd());
        return fake_deliver(f);
    default:
        return fake_run(f, helper_write_cr, rnd() & 15, rnd() & (g_test_rand_bit() ? 0xff : ~0ull), GUEST_RIP);
    }
}

static void test_random(void)
{
    int inside = 0, shutdown = 0;

    for (int n = 0; n < 4000; n++) {
        vmcb_host(f);
        if (g_test_rand_bit()) {
            vmcb_nested(f);
        }
        for (int v = 0; v < 32; v++) {
            fake_gate64(f, v, SEL_CODE0_64, FAKE_HANDLER, 0xe, 0, 0);
        }
        scribble();
        Outcome o = vmcb_run(f);
        inside += S.svm_guest;
        for (int i = 0; i < 4 && S.svm_guest && o != SHUTDOWN; i++) {
            o = random_step();
        }
        shutdown += o == SHUTDOWN;
        g_assert_true(S.svm_guest || !(f->env.mode & MODE_GUEST));
        /* In SMM the guest's state waits where it is. */
        g_assert_true(S.svm_guest || S.smm || (S.svm_icpt[4] == 0 && !S.svm_npt && !S.svm_int_ctl));
    }
    g_test_message("%d guests entered, %d shut down", inside, shutdown);
    g_assert_cmpint(inside, >, 500);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    f = fake_new("max");
    g_test_add_func("/i386/svm-paging/walk", test_walk);
    g_test_add_func("/i386/svm-paging/faults", test_faults);
    g_test_add_func("/i386/svm-paging/guest-fault", test_guest_fault);
    g_test_add_func("/i386/svm-paging/unpaged", test_unpaged);
    g_test_add_func("/i386/svm-paging/pae", test_pae);
    g_test_add_func("/i386/svm-paging/pae-shadow", test_pae_shadow);
    g_test_add_func("/i386/svm-paging/legacy-host", test_legacy_host);
    g_test_add_func("/i386/svm-paging/keys", test_keys);
    g_test_add_func("/i386/svm-paging/in-delivery", test_in_delivery);
    g_test_add_func("/i386/svm-paging/pat", test_pat);
    g_test_add_func("/i386/svm-paging/virtual-vmsave", test_virtual_vmsave);
    g_test_add_func("/i386/svm-paging/debugger", test_debugger);
    g_test_add_func("/i386/svm-paging/random", test_random);
    status = g_test_run();
    fake_free(f);
    return status;
}
