/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page walks: translations, permissions, error codes, accessed and dirty bits
 * (SDM vol 3, chapter 4).
 */
#include "tests/unit/i386/fake.h"

enum { K = X86_MMU_KERNEL, U = X86_MMU_USER, KN = X86_MMU_KERNEL_NOSMAP };
#define NX (1ull << 63)

static Fake *f;

static bool walk(uint64_t va, int access, int mmu, MmuResult *r)
{
    f->env.s.exc_pending = 0;
    return x86_mmu_walk(&f->env, va, access, mmu, r);
}

#define assert_fault(va, access, mmu, err)                                                         \
    do {                                                                                           \
        MmuResult r_;                                                                              \
        g_assert_false(walk(va, access, mmu, &r_));                                                \
        g_assert_cmphex(f->env.s.exc_addr, ==, (va));                                              \
        assert_raised(f, EXC_PF, err);                                                             \
    } while (0)

/* A 4 KiB page at 5 MiB: PML4 0x100000, PDPT 0x101000, PD 0x102000, PT 0x103000. */
#define VA 0x500000ull
static void map4k(uint64_t leaf, uint64_t upper)
{
    poke64(f, 0x102000 + 2 * 8, 0x103000 | upper);
    poke64(f, 0x103000 + 0x100 * 8, leaf);
}

static void test_none(void)
{
    MmuResult r;

    fake_protected(f);
    g_assert_true(walk(0x123456789, MMU_WRITE, U, &r));
    g_assert_cmphex(r.paddr, ==, 0x23456000);
    g_assert_true(r.r && r.w && r.x);
}

static void test_long_4k(void)
{
    MmuResult r;

    fake_long(f);
    map4k(0x333000 | 7, 7);
    g_assert_true(walk(VA + 5, MMU_READ, K, &r));
    g_assert_cmphex(r.paddr, ==, 0x333000);
    g_assert_cmpint(r.page_bits, ==, 12);
    g_assert_true(r.r && r.x && !r.w); /* not dirty yet */
    g_assert_cmphex(peek64(f, 0x103800), ==, 0x333027);
    g_assert_cmphex(peek64(f, 0x102010), ==, 0x103027);
    g_assert_true(walk(VA, MMU_WRITE, U, &r));
    g_assert_true(r.w);
    g_assert_cmphex(peek64(f, 0x103800), ==, 0x333067);
    assert_fault(VA + 0x1000, MMU_READ, K, 0);
    assert_fault(VA + 0x1000, MMU_WRITE, U, PF_W | PF_U);
    assert_fault(VA + 0x1000, MMU_EXEC, U, PF_U | PF_I);
    assert_fault(1ull << 40, MMU_READ, K, 0);
}

static void test_large(void)
{
    MmuResult r;

    fake_long(f);
    g_assert_true(walk(0x234567, MMU_READ, K, &r));
    g_assert_cmphex(r.paddr, ==, 0x234000);
    g_assert_cmpint(r.page_bits, ==, 21);
    poke64(f, 0x102008, 0x200000 | 0x2087); /* bit 13 of a 2 MiB entry */
    assert_fault(0x200000ull, MMU_READ, K, PF_P | PF_RSVD);
    poke64(f, 0x101008, 0x40000000 | 0x87); /* 1 GiB: only with the feature */
    assert_fault(0x40000000ull, MMU_READ, K, PF_P | PF_RSVD);
    x86_set_put(&x86_cpu(&f->cpu)->config.features, F_PDPE1GB, true);
    g_assert_true(walk(0x40345678, MMU_READ, K, &r));
    g_assert_cmphex(r.paddr, ==, 0x40345000);
    g_assert_cmpint(r.page_bits, ==, 30);
    x86_set_put(&x86_cpu(&f->cpu)->config.features, F_PDPE1GB, false);
}

static void test_rights(void)
{
    MmuResult r;

    fake_long(f);
    map4k(0x333000 | 5, 7); /* read-only user page */
    assert_fault(VA, MMU_WRITE, U, PF_P | PF_W | PF_U);
    assert_fault(VA, MMU_WRITE, K, PF_P | PF_W);
    f->env.s.cr0 &= ~(uint64_t)CR0_WP;
    g_assert_true(walk(VA, MMU_WRITE, K, &r));
    f->env.s.cr0 |= CR0_WP;
    map4k(0x333000 | 7, 3); /* supervisor by the upper level */
    assert_fault(VA, MMU_READ, U, PF_P | PF_U);
    g_assert_true(walk(VA, MMU_READ, K, &r));
    map4k(0x333000 | 7 | NX, 7);
    assert_fault(VA, MMU_EXEC, K, PF_P | PF_I);
    g_assert_true(walk(VA, MMU_READ, U, &r));
    g_assert_false(r.x);
    f->env.s.efer &= ~(uint64_t)EFER_NXE; /* then the bit is reserved, and fetches look like reads */
    assert_fault(VA, MMU_EXEC, K, PF_P | PF_RSVD);
}

static void test_smep_smap(void)
{
    MmuResult r;

    fake_long(f);
    map4k(0x333000 | 7, 7);
    f->env.s.cr4 |= CR4_SMEP | CR4_SMAP;
    assert_fault(VA, MMU_EXEC, K, PF_P | PF_I);
    assert_fault(VA, MMU_EXEC, KN, PF_P | PF_I);
    assert_fault(VA, MMU_READ, K, PF_P);
    assert_fault(VA, MMU_WRITE, K, PF_P | PF_W);
    g_assert_true(walk(VA, MMU_WRITE, KN, &r));
    g_assert_true(r.r && r.w && !r.x);
    g_assert_true(walk(VA, MMU_EXEC, U, &r));
    map4k(0x333000 | 3, 7);
    g_assert_true(walk(VA, MMU_EXEC, K, &r));
    g_assert_true(r.r && r.x);
}

/* Key 3 in bits 62:59 of the leaf. */
static void test_keys(void)
{
    MmuResult r;

    fake_long(f);
    f->env.s.cr4 |= CR4_PKE;
    map4k(0x333000 | 7 | 3ull << 59, 7);
    f->env.s.pkru = ~(3u << 6);
    g_assert_true(walk(VA, MMU_WRITE, U, &r) && r.r && r.w && r.x);
    f->env.s.pkru = 2u << 6; /* no writes */
    g_assert_true(walk(VA, MMU_READ, U, &r));
    g_assert_true(r.r && !r.w);
    assert_fault(VA, MMU_WRITE, U, PF_P | PF_W | PF_U | PF_PK);
    assert_fault(VA, MMU_WRITE, K, PF_P | PF_W | PF_PK);
    f->env.s.cr0 &= ~(uint64_t)CR0_WP;
    g_assert_true(walk(VA, MMU_WRITE, K, &r));
    assert_fault(VA, MMU_WRITE, U, PF_P | PF_W | PF_U | PF_PK);
    f->env.s.cr0 |= CR0_WP;
    f->env.s.pkru = 1u << 6; /* no data accesses */
    assert_fault(VA, MMU_READ, U, PF_P | PF_U | PF_PK);
    assert_fault(VA, MMU_READ, K, PF_P | PF_PK);
    g_assert_true(walk(VA, MMU_EXEC, U, &r));
    map4k(0x333000 | 3 | 3ull << 59, 7); /* a supervisor page has no key */
    g_assert_true(walk(VA, MMU_WRITE, K, &r));
    map4k(0x333000 | 7 | 3ull << 59, 7);
    f->env.s.cr4 &= ~(uint64_t)CR4_PKE;
    g_assert_true(walk(VA, MMU_WRITE, U, &r));
    f->env.s.pkru = 0;
}

static void test_reserved(void)
{
    fake_long(f);
    map4k(0x333000 | 7 | 1ull << 45, 7); /* beyond 40 physical bits */
    assert_fault(VA, MMU_READ, U, PF_P | PF_RSVD | PF_U);
    map4k(0x333000 | 7, 7);
    poke64(f, 0x100000, 0x101000 | 0x87); /* PS in a PML4 entry */
    assert_fault(VA, MMU_READ, K, PF_P | PF_RSVD);
}

static void test_canonical(void)
{
    MmuResult r;

    fake_long(f);
    g_assert_false(walk(0x800000000000ull, MMU_READ, K, &r));
    assert_raised(f, EXC_GP, 0);
    assert_fault(0xffff800000000000ull, MMU_READ, K, 0);
}

static void test_global(void)
{
    MmuResult r;

    fake_long(f);
    map4k(0x333000 | 0x107, 7);
    g_assert_true(walk(VA, MMU_READ, K, &r));
    g_assert_false(r.global);
    f->env.s.cr4 |= CR4_PGE;
    g_assert_true(walk(VA, MMU_READ, K, &r));
    g_assert_true(r.global);
}

static void test_32bit(void)
{
    MmuResult r;

    fake_protected(f);
    f->env.s.cr3 = 0x100000;
    f->env.s.cr0 |= CR0_PG;
    poke32(f, 0x100000 + 4, 0x101000 | 7);
    poke32(f, 0x101000 + 0x100 * 4, 0x222000 | 7);
    g_assert_true(walk(VA, MMU_WRITE, U, &r));
    g_assert_cmphex(r.paddr, ==, 0x222000);
    g_assert_cmphex(peek32(f, 0x101400), ==, 0x222067);
    poke32(f, 0x100000 + 8, 0x87 | 5 << 13); /* 4 MiB page, PSE-36 */
    assert_fault(0x800000ull, MMU_READ, K, 0); /* without PSE it is a table, of zeroes */
    f->env.s.cr4 |= CR4_PSE;
    g_assert_true(walk(0x812345, MMU_READ, K, &r));
    g_assert_cmphex(r.paddr, ==, 0x500012000ull);
    g_assert_cmpint(r.page_bits, ==, 22);
    poke32(f, 0x100000 + 8, 0x87 | 1 << 21);
    assert_fault(0x800000ull, MMU_READ, K, PF_P | PF_RSVD);
}

static void test_pae(void)
{
    MmuResult r;

    fake_protected(f);
    poke64(f, 0x100020, 0x101000 | 1);
    poke64(f, 0x101000 + 2 * 8, 0x102000 | 7);
    poke64(f, 0x102000 + 0x100 * 8, 0x80000222000ull | 7);
    f->env.s.cr4 |= CR4_PAE;
    f->env.s.cr3 = 0x100020;
    g_assert_cmpint(fake_call(f, helper_write_cr, 0, CR0_PG | CR0_PE, 0x1234, NULL), ==, DONE);
    g_assert_cmphex(f->env.s.pdpte[0], ==, 0x101001);
    assert_fault(VA, MMU_READ, K, PF_P | PF_RSVD); /* bit 43, of 40 */
    poke64(f, 0x102000 + 0x100 * 8, 0x8000222000ull | 7);
    g_assert_true(walk(VA, MMU_READ, K, &r));
    g_assert_cmphex(r.paddr, ==, 0x8000222000ull);
    assert_fault(0x40000000ull, MMU_READ, K, 0);
    poke64(f, 0x100020, 0x101000 | 3); /* reserved in a PDPTE: refused when CR3 is loaded */
    g_assert_cmpint(fake_call(f, helper_write_cr, 3, 0x100020, 0x1234, NULL), ==, RAISED);
    assert_raised(f, EXC_GP, 0);
    g_assert_true(walk(VA, MMU_READ, K, &r)); /* the old ones stay */
}

static void test_debugger(void)
{
    hwaddr pa;

    fake_long(f);
    map4k(0x333000 | 7, 7);
    f->state = f->env.s;
    g_assert_true(f->cpu.target->translate(&f->cpu, VA + 0x123, &pa));
    g_assert_cmphex(pa, ==, 0x333123);
    g_assert_cmphex(peek64(f, 0x103800), ==, 0x333007);
    g_assert_false(f->cpu.target->translate(&f->cpu, VA + 0x1000, &pa));
    g_assert_false(f->env.s.exc_pending);
}

static void test_la57(void)
{
    MmuResult r;

    fake_long(f);
    poke64(f, 0x110000 + 8, 0x100000 | 7);
    f->env.s.cr3 = 0x110000;
    f->env.s.cr4 |= CR4_LA57;
    g_assert_true(walk((1ull << 48) + 0x1000, MMU_READ, K, &r));
    g_assert_cmphex(r.paddr, ==, 0x1000);
    g_assert_false(walk(1ull << 56, MMU_READ, K, &r));
    assert_raised(f, EXC_GP, 0);
}

int main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    f = fake_new("qemu64,+smep,+smap,+la57");
    g_test_add_func("/i386/mmu/none", test_none);
    g_test_add_func("/i386/mmu/long-4k", test_long_4k);
    g_test_add_func("/i386/mmu/large", test_large);
    g_test_add_func("/i386/mmu/rights", test_rights);
    g_test_add_func("/i386/mmu/smep-smap", test_smep_smap);
    g_test_add_func("/i386/mmu/reserved", test_reserved);
    g_test_add_func("/i386/mmu/keys", test_keys);
    g_test_add_func("/i386/mmu/canonical", test_canonical);
    g_test_add_func("/i386/mmu/global", test_global);
    g_test_add_func("/i386/mmu/32bit", test_32bit);
    g_test_add_func("/i386/mmu/pae", test_pae);
    g_test_add_func("/i386/mmu/debugger", test_debugger);
    g_test_add_func("/i386/mmu/la57", test_la57);
    status = g_test_run();
    fake_free(f);
    return status;
}
