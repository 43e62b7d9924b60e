/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address translation: tables of all granules and formats, permissions, faults and their syndromes, access flag and
 * dirty state, stage 2, AT; TLB maintenance (Arm ARM D8, G5).
 */
#include "tests/unit/arm/fake.h"

static Fake *f;
#define SR(name) f->env.s.sr[ARM_SR_##name]

enum { AF = 1 << 10, NG = 1 << 11, AP1 = 1 << 6, AP2 = 1 << 7, PAGE = 3, BLOCK = 1, TABLE = 3 };
#define PXN BIT64(53)
#define UXN BIT64(54)
#define DBM BIT64(51)
#define HIGH 0xffff000000000000ull
/* TCR_EL1: 48-bit ranges, 4K both, IPS 48 bits. */
#define TCR_4K (16 | 16ull << 16 | 2ull << 30 | 5ull << 32)

static bool walk(uint64_t va, int access, int mmu, MmuResult *r)
{
    *r = (MmuResult){0};
    return arm_mmu_walk(&f->env, va, access, mmu, r);
}

#define assert_maps(va, access, mmu, pa)                                                                               \
    do {                                                                                                               \
        MmuResult r_;                                                                                                  \
        g_assert_true(walk(va, access, mmu, &r_));                                                                     \
        g_assert_cmphex(r_.paddr, ==, pa);                                                                             \
    } while (0)

/* fsc: DFSC or IFSC; the class of the exception follows from access and levels. */
#define assert_fault(va, access, mmu, fsc)                                                                             \
    do {                                                                                                               \
        MmuResult r_;                                                                                                  \
        g_assert_false(walk(va, access, mmu, &r_));                                                                    \
        g_assert_cmphex(f->env.fault.esr & 0x3f, ==, fsc);                                                             \
        g_assert_cmphex(f->env.fault.far, ==, va);                                                                     \
        g_assert_cmpint(f->env.fault.kind, ==, (access) == MMU_EXEC ? ARM_FAULT_PREFETCH : ARM_FAULT_DATA);            \
    } while (0)

static bool rights(uint64_t va, int mmu, bool r, bool w, bool x)
{
    MmuResult res;
    bool want[3] = {r, w, x};

    for (int a = 0; a < 3; a++) {
        if (walk(va, a, mmu, &res) != want[a]) {
            g_test_message("access %d", a);
            return false;
        }
    }
    return true;
}

/* 4K tables: level 0 at 0x10000, 1 at 0x11000, 2 at 0x12000, 3 at 0x13000; 2 MiB identity blocks but for 4 MiB's. */
#define VA 0x400000ull
static void world_4k(uint64_t leaf)
{
    fake_reset(f);
    SR(TCR_EL1) = TCR_4K;
    SR(TTBR0_EL1) = 0x10000;
    SR(TTBR1_EL1) = 0x10000;
    SR(MAIR_EL1) = 0xff;
    SR(SCTLR_EL1) |= SCTLR_M;
    poke64(f, 0x10000, 0x11000 | TABLE);
    poke64(f, 0x11000, 0x12000 | TABLE);
    poke64(f, 0x11008, 0x40000000 | BLOCK | AF);
    poke64(f, 0x12000, 0x000000 | BLOCK | AF);
    poke64(f, 0x12008, 0x200000 | BLOCK | AF | NG);
    poke64(f, 0x12010, 0x13000 | TABLE);
    poke64(f, 0x13000, leaf);
    arm_update_mode(&f->env);
}

static void test_off(void)
{
    MmuResult r;

    fake_reset(f);
    g_assert_true(walk(0x123456789, MMU_WRITE, ARM_MMU_E10_1, &r));
    g_assert_cmphex(r.paddr, ==, 0x123456000);
    g_assert_true(r.r && r.w && r.x && r.global);
    assert_fault(1ull << 48, MMU_READ, ARM_MMU_E10_1, 0); /* address size, level 0 */
    SR(TCR_EL1) = BIT64(37);
    assert_maps(0x5a00000012345000, MMU_READ, ARM_MMU_E10_1, 0x12345000);
    g_assert_true(f->env.tlb_tagged);
}

static void test_4k(void)
{
    MmuResult r;

    world_4k(0x333000 | PAGE | AF | AP1 | NG);
    g_assert_true(walk(VA + 5, MMU_READ, ARM_MMU_E10_1, &r));
    g_assert_cmphex(r.paddr, ==, 0x333000);
    g_assert_cmpint(r.page_bits, ==, 12);
    g_assert_true(r.r && r.w && !r.x && !r.global);
    g_assert_true(walk(0x234567, MMU_EXEC, ARM_MMU_E10_1, &r));
    g_assert_cmphex(r.paddr, ==, 0x234000);
    g_assert_cmpint(r.page_bits, ==, 21);
    g_assert_cmpint(r.flush_bits, ==, 21);
    g_assert_true(walk(0x40123456, MMU_READ, ARM_MMU_E10_1, &r));
    g_assert_cmpint(r.page_bits, ==, 30);
    g_assert_true(r.global);
    assert_maps(HIGH + VA, MMU_READ, ARM_MMU_E10_1, 0x333000);
    assert_fault(VA + 0x1000, MMU_READ, ARM_MMU_E10_1, 7);
    g_assert_cmphex(f->env.fault.esr, ==, 0x96000007);
    assert_fault(0x80000000ull, MMU_WRITE, ARM_MMU_E10_1, 5);
    g_assert_cmphex(f->env.fault.esr, ==, 0x96000045);
    assert_fault(1ull << 39, MMU_EXEC, ARM_MMU_E10_1, 4);
    g_assert_cmphex(f->env.fault.esr, ==, 0x86000004);
    assert_fault(1ull << 48, MMU_READ, ARM_MMU_E10_1, 4);
    assert_fault(0xfffe000000000000, MMU_READ, ARM_MMU_E10_1, 4);
    fake_el(f, 0);
    assert_fault(VA + 0x1000, MMU_READ, ARM_MMU_E10_0, 7);
    g_assert_cmphex(f->env.fault.esr, ==, 0x92000007);
    g_assert_cmpint(f->env.fault.target_el, ==, 1);
    poke64(f, 0x13000, 0x333000 | BLOCK | AF); /* reserved at level 3 */
    assert_fault(VA, MMU_READ, ARM_MMU_E10_1, 7);
    poke64(f, 0x10000, 0x11000 | BLOCK | AF); /* no blocks at level 0 */
    assert_fault(VA, MMU_READ, ARM_MMU_E10_1, 4);
}

static void test_ranges(void)
{
    world_4k(0x333000 | PAGE | AF | AP1);
    SR(TCR_EL1) = (TCR_4K & ~63ull) | 25; /* 39 bits: begins at level 1 */
    SR(TTBR0_EL1) = 0x11000;
    assert_maps(VA, MMU_READ, ARM_MMU_E10_1, 0x333000);
    assert_fault(1ull << 39, MMU_READ, ARM_MMU_E10_1, 4);
    SR(TCR_EL1) = (TCR_4K & ~63ull) | 34; /* 30 bits: level 2 */
    SR(TTBR0_EL1) = 0x12000;
    assert_maps(VA, MMU_READ, ARM_MMU_E10_1, 0x333000);
    SR(TCR_EL1) |= BIT64(7); /* EPD0 */
    assert_fault(VA, MMU_READ, ARM_MMU_E10_1, 4);
    assert_maps(HIGH + VA, MMU_READ, ARM_MMU_E10_1, 0x333000);
    SR(TCR_EL1) = TCR_4K & ~63ull; /* T0SZ 0 */
    assert_fault(VA, MMU_READ, ARM_MMU_E10_1, 4);
    /* E0PD1: the upper half does not exist for EL0. */
    SR(TCR_EL1) = TCR_4K | BIT64(56);
    assert_maps(HIGH + VA, MMU_READ, ARM_MMU_E10_1, 0x333000);
    assert_fault(HIGH + VA, MMU_READ, ARM_MMU_E10_0, 4);
    fake_feature(f, ARM_FEAT_E0PD, false);
    assert_maps(HIGH + VA, MMU_READ, ARM_MMU_E10_0, 0x333000);
    /* Output beyond IPS. */
    SR(TCR_EL1) = TCR_4K & ~(7ull << 32);
    SR(TTBR0_EL1) = 0x10000;
    poke64(f, 0x13000, 0x100000000 | PAGE | AF);
    assert_fault(VA, MMU_READ, ARM_MMU_E10_1, 3);
    SR(TTBR0_EL1) = 0x100000000;
    assert_fault(VA, MMU_READ, ARM_MMU_E10_1, 0);
}

static void test_tags(void)
{
    const uint64_t tag = 0xa500000000000000;

    world_4k(0x333000 | PAGE | AF | AP1);
    assert_fault(tag | VA, MMU_READ, ARM_MMU_E10_1, 4);
    g_assert_false(f->env.tlb_tagged);
    SR(TCR_EL1) |= BIT64(37);
    assert_maps(tag | VA, MMU_READ, ARM_MMU_E10_1, 0x333000);
    g_assert_true(f->env.tlb_tagged);
    assert_fault(tag | BIT64(55) | VA, MMU_READ, ARM_MMU_E10_1, 4); /* that is the upper half */
    SR(TCR_EL1) |= BIT64(38);
    assert_maps(tag | 0x00ff000000000000 | VA, MMU_READ, ARM_MMU_E10_1, 0x333000);
    assert_maps(tag | VA, MMU_EXEC, ARM_MMU_E10_0, 0x333000);
    SR(TCR_EL1) |= BIT64(51); /* TBID0: not for fetches */
    assert_maps(tag | VA, MMU_READ, ARM_MMU_E10_1, 0x333000);
    assert_fault(tag | VA, MMU_EXEC, ARM_MMU_E10_0, 4);
}

/* D8.4.1's tables. */
static void test_rights(void)
{
    enum { K = ARM_MMU_E10_1, U = ARM_MMU_E10_0, P = ARM_MMU_E10_1_PAN };
    const uint64_t base = 0x333000 | PAGE | AF;

    world_4k(base);
    g_assert_true(rights(VA, K, true, true, true));
    g_assert_true(rights(VA, U, false, false, true));
    poke64(f, 0x13000, base | UXN);
    g_assert_true(rights(VA, U, false, false, false));
    poke64(f, 0x13000, base | AP1);
    g_assert_true(rights(VA, K, true, true, false)); /* EL0 may write it */
    g_assert_true(rights(VA, U, true, true, true));
    g_assert_true(rights(VA, P, false, false, false));
    poke64(f, 0x13000, base | AP1 | AP2);
    g_assert_true(rights(VA, K, true, false, true));
    g_assert_true(rights(VA, U, true, false, true));
    poke64(f, 0x13000, base | AP2 | PXN);
    g_assert_true(rights(VA, K, true, false, false));
    SR(SCTLR_EL1) |= SCTLR_WXN;
    poke64(f, 0x13000, base);
    g_assert_true(rights(VA, K, true, true, false));
    SR(SCTLR_EL1) = (SR(SCTLR_EL1) & ~SCTLR_WXN) | SCTLR_EPAN; /* PAN of what EL0 may only execute */
    g_assert_true(rights(VA, P, false, false, true));
    g_assert_true(rights(VA, K, true, true, true));
    fake_feature(f, ARM_FEAT_PAN3, false);
    g_assert_true(rights(VA, P, true, true, true));
    assert_fault(VA, MMU_READ, U, 15);
}

/* Attributes of tables: APTable, XNTable, PXNTable, and HPD. */
static void test_hierarchy(void)
{
    enum { K = ARM_MMU_E10_1, U = ARM_MMU_E10_0 };

    world_4k(0x333000 | PAGE | AF | AP1);
    poke64(f, 0x12010, 0x13000 | TABLE | BIT64(61));
    g_assert_true(rights(VA, U, false, false, true));
    poke64(f, 0x12010, 0x13000 | TABLE | BIT64(62));
    g_assert_true(rights(VA, U, true, false, true));
    g_assert_true(rights(VA, K, true, false, true));
    poke64(f, 0x11000, 0x12000 | TABLE | BIT64(59));
    g_assert_true(rights(VA, K, true, false, false));
    poke64(f, 0x11000, 0x12000 | TABLE | BIT64(60));
    g_assert_true(rights(VA, U, true, false, false));
    SR(TCR_EL1) |= BIT64(41);
    g_assert_true(rights(VA, U, true, true, true));
    g_assert_true(rights(HIGH + VA, U, true, false, false));
}

static void test_dirty(void)
{
    MmuResult r;

    world_4k(0x333000 | PAGE | AP1 | AP2 | DBM);
    assert_fault(VA, MMU_READ, ARM_MMU_E10_1, 11); /* access flag */
    SR(TCR_EL1) |= BIT64(39);
    g_assert_true(walk(VA, MMU_READ, ARM_MMU_E10_1, &r));
    g_assert_true(!r.w);
    g_assert_cmphex(peek64(f, 0x13000), ==, 0x333000 | PAGE | AP1 | AP2 | DBM | AF);
    assert_fault(VA, MMU_WRITE, ARM_MMU_E10_1, 15);
    SR(TCR_EL1) |= BIT64(40);
    g_assert_true(walk(VA, MMU_READ, ARM_MMU_E10_1, &r));
    g_assert_false(r.w);
    f->fight = 3;
    g_assert_true(walk(VA, MMU_WRITE, ARM_MMU_E10_1, &r));
    g_assert_true(r.w);
    g_assert_cmphex(peek64(f, 0x13000) & AP2, ==, 0);
    poke64(f, 0x13000, 0x333000 | PAGE | AP1);
    f->fight = 1000; /* somebody never stops: a fault, not a hang */
    assert_fault(VA, MMU_READ, ARM_MMU_E10_1, 0x31);
    f->fight = 0;
    fake_feature(f, ARM_FEAT_HAFDBS, false);
    fake_feature(f, ARM_FEAT_HAF, false);
    assert_fault(VA, MMU_READ, ARM_MMU_E10_1, 11);
}

/* 16K: level 2 (36 bits) at 0x10000, level 3 at 0x14000. 64K: level 2 (42 bits) at 0x10000, level 3 at 0x20000. */
static void test_granules(void)
{
    MmuResult r;

    fake_reset(f);
    SR(SCTLR_EL1) |= SCTLR_M;
    SR(TCR_EL1) = 28 | 2 << 14 | 5ull << 32;
    SR(TTBR0_EL1) = 0x10000;
    poke64(f, 0x10000, 0x14000 | TABLE);
    poke64(f, 0x10008, 0x2000000 | BLOCK | AF);
    poke64(f, 0x14000 + 8 * 3, 0x330000 | PAGE | AF);
    g_assert_true(walk(0xf123, MMU_READ, ARM_MMU_E10_1, &r));
    g_assert_cmphex(r.paddr, ==, 0x333000);
    g_assert_cmpint(r.page_bits, ==, 14);
    g_assert_cmpint(r.flush_bits, ==, 12); /* tlbi.c flushes all of a granule */
    g_assert_true(walk(0x2abcdef, MMU_READ, ARM_MMU_E10_1, &r));
    g_assert_cmphex(r.paddr, ==, 0x2abc000);
    g_assert_cmpint(r.page_bits, ==, 25);
    g_assert_cmpint(r.flush_bits, ==, 25);
    fake_feature(f, ARM_FEAT_GRAN16K, false); /* then it is 4K */
    assert_fault(0xf123ull, MMU_READ, ARM_MMU_E10_1, 6);

    fake_reset(f);
    SR(SCTLR_EL1) |= SCTLR_M;
    SR(TCR_EL1) = 22 | 1 << 14 | 5ull << 32;
    SR(TTBR0_EL1) = 0x10000;
    poke64(f, 0x10000, 0x20000 | TABLE);
    poke64(f, 0x10008, 0x20000000 | BLOCK | AF);
    poke64(f, 0x20000 + 8 * 5, 0x330000 | PAGE | AF);
    g_assert_true(walk(0x5a123, MMU_READ, ARM_MMU_E10_1, &r));
    g_assert_cmphex(r.paddr, ==, 0x33a000);
    g_assert_cmpint(r.page_bits, ==, 16);
    assert_maps(0x20000000ull + 0x1234000, MMU_READ, ARM_MMU_E10_1, 0x21234000);
}

static void test_52_bits(void)
{
    /* 64K with LPA: bits 15:12 are 51:48; with LVA a range of 52 bits. */
    fake_reset(f);
    f->priv.config.pa_bits = 52;
    SR(SCTLR_EL1) |= SCTLR_M;
    SR(TCR_EL1) = 12 | 1 << 14 | 6ull << 32;
    SR(TTBR0_EL1) = 0x10000;
    poke64(f, 0x10000 + 8 * 1023, 0x30000 | TABLE); /* level 1, 10 bits */
    poke64(f, 0x30000, 0x20000 | TABLE);
    poke64(f, 0x20000 + 8 * 5, 0x330000 | PAGE | AF | 0xa000);
    assert_maps(0x000ffc0000050000, MMU_READ, ARM_MMU_E10_1, 0xa000000330000);
    SR(TCR_EL1) = 12 | 1 << 14 | 5ull << 32; /* IPS 48 bits */
    assert_fault(0x000ffc0000050000ull, MMU_READ, ARM_MMU_E10_1, 3);
    fake_feature(f, ARM_FEAT_LVA, false);
    assert_fault(0x000ffc0000050000ull, MMU_READ, ARM_MMU_E10_1, 4);
    /* 4K with LPA2: level -1, bits 9:8 are 51:50. */
    fake_reset(f);
    f->priv.config.pa_bits = 52;
    SR(SCTLR_EL1) |= SCTLR_M;
    SR(TCR_EL1) = 12 | 6ull << 32 | BIT64(59);
    SR(TTBR0_EL1) = 0xf000;
    poke64(f, 0xf000 + 8 * 15, 0x10000 | TABLE);
    poke64(f, 0x10000, 0x11000 | TABLE);
    poke64(f, 0x11000, 0x12000 | TABLE);
    poke64(f, 0x12000, 0x13000 | TABLE);
    poke64(f, 0x13000, 0x333000 | PAGE | AF | 0x200 | BIT64(49));
    assert_maps(0x000f000000000000, MMU_READ, ARM_MMU_E10_1, 0xa000000333000);
    assert_fault(0x000e000000000000ull, MMU_READ, ARM_MMU_E10_1, 0x2b); /* level -1 */
    assert_fault(0x000f008000000000ull, MMU_READ, ARM_MMU_E10_1, 4);
    fake_feature(f, ARM_FEAT_LPA2, false);
    assert_fault(0x000f000000000000ull, MMU_READ, ARM_MMU_E10_1, 4);
}

static void test_other_regimes(void)
{
    world_4k(0x333000 | PAGE | AF | AP1 | UXN);
    SR(TTBR0_EL2) = SR(TTBR0_EL3) = SR(TTBR1_EL2) = 0x10000;
    SR(SCTLR_EL2) |= SCTLR_M;
    SR(SCTLR_EL3) |= SCTLR_M;
    SR(TCR_EL2) = SR(TCR_EL3) = 16 | 5 << 16;
    fake_el(f, 2);
    g_assert_true(rights(VA, ARM_MMU_E2, true, true, false)); /* XN, and AP[1] does not matter */
    assert_fault(HIGH + VA, MMU_READ, ARM_MMU_E2, 4);
    g_assert_cmphex(f->env.fault.esr, ==, 0x96000004);
    g_assert_cmpint(f->env.fault.target_el, ==, 2);
    SR(TCR_EL2) |= BIT64(20);
    assert_maps(0xff00000000000000 | VA, MMU_READ, ARM_MMU_E2, 0x333000);
    assert_fault(0xff80000000000000 | VA, MMU_READ, ARM_MMU_E2, 4);
}

static void test_vhe(void)
{
    world_4k(0x333000 | PAGE | AF | AP1 | NG);
    SR(TTBR0_EL2) = SR(TTBR1_EL2) = 0x10000;
    SR(SCTLR_EL2) |= SCTLR_M;
    SR(TCR_EL2) = TCR_4K;
    SR(HCR_EL2) = HCR_RW | HCR_E2H | HCR_TGE;
    fake_el(f, 2);
    assert_maps(HIGH + VA, MMU_READ, ARM_MMU_E20_2, 0x333000);
    assert_maps(VA, MMU_EXEC, ARM_MMU_E20_0, 0x333000);
    assert_fault(VA, MMU_READ, ARM_MMU_E20_2_PAN, 15);
    fake_el(f, 0);
    assert_fault(VA + 0x1000, MMU_READ, ARM_MMU_E20_0, 7);
    g_assert_cmpint(f->env.fault.target_el, ==, 2);
    g_assert_cmphex(f->env.fault.esr, ==, 0x92000007);
}

/* Stage 2, 4K, 40 bits from level 1 (two tables side by side at 0x20000), level 2 at 0x22000, level 3 at 0x23000. */
static void stage2_on(void)
{
    SR(HCR_EL2) |= HCR_VM;
    SR(VTCR_EL2) = 24 | 1 << 6 | 5 << 16;
    SR(VTTBR_EL2) = 0x20000;
    poke64(f, 0x20000, 0x22000 | TABLE);
    poke64(f, 0x22000, 0x000000 | BLOCK | AF | 0xfc); /* read, write, normal memory */
    poke64(f, 0x22008, 0x23000 | TABLE);
    arm_update_mode(&f->env);
}

static void test_stage2(void)
{
    MmuResult r;

    world_4k(0x333000 | PAGE | AF | AP1);
    stage2_on();
    assert_fault(VA, MMU_READ, ARM_MMU_E10_1, 7);
    g_assert_cmphex(f->env.fault.esr, ==, 0x92000007);
    g_assert_cmpint(f->env.fault.target_el, ==, 2);
    g_assert_cmphex(f->env.fault.hpfar, ==, 0x3330);
    poke64(f, 0x23000 + 8 * 0x133, 0x155000 | PAGE | AF | 0x7c); /* read only */
    g_assert_true(walk(VA, MMU_READ, ARM_MMU_E10_1, &r));
    g_assert_cmphex(r.paddr, ==, 0x155000);
    g_assert_true(r.r && !r.w);
    assert_fault(VA, MMU_WRITE, ARM_MMU_E10_1, 15);
    g_assert_cmphex(f->env.fault.esr, ==, 0x9200004f);
    SR(VTCR_EL2) |= 3 << 21;
    poke64(f, 0x23000 + 8 * 0x133, 0x155000 | PAGE | DBM | 0x7c);
    g_assert_true(walk(VA, MMU_WRITE, ARM_MMU_E10_1, &r));
    g_assert_true(r.w);
    g_assert_cmphex(peek64(f, 0x23000 + 8 * 0x133), ==, 0x155000 | PAGE | DBM | AF | 0xfc);
    /* XN[1:0] by level of privilege (the page is none that EL0 may write). */
    poke64(f, 0x13000, 0x333000 | PAGE | AF);
    poke64(f, 0x23000 + 8 * 0x133, 0x155000 | PAGE | AF | 0xfc | 1ull << 53);
    assert_maps(VA, MMU_EXEC, ARM_MMU_E10_0, 0x155000);
    assert_fault(VA, MMU_EXEC, ARM_MMU_E10_1, 15);
    g_assert_cmphex(f->env.fault.esr, ==, 0x8200000f);
    poke64(f, 0x23000 + 8 * 0x133, 0x155000 | PAGE | AF | 0xfc | 3ull << 53);
    assert_maps(VA, MMU_EXEC, ARM_MMU_E10_1, 0x155000);
    assert_fault(VA, MMU_EXEC, ARM_MMU_E10_0, 15);
    /* A table of stage 1 that stage 2 does not have. */
    poke64(f, 0x10000, 0x211000 | TABLE);
    assert_fault(VA, MMU_READ, ARM_MMU_E10_1, 7);
    g_assert_cmphex(f->env.fault.esr, ==, 0x92000087);
    g_assert_cmphex(f->env.fault.hpfar, ==, 0x2110);
    /* Beyond its input size; and the setting of levels must fit the size. */
    world_4k((1ull << 40) | PAGE | AF);
    stage2_on();
    assert_fault(VA, MMU_READ, ARM_MMU_E10_1, 4);
    SR(VTCR_EL2) = 24 | 0 << 6 | 5 << 16; /* 40 bits from level 2: 512 tables */
    assert_fault(VA, MMU_READ, ARM_MMU_E10_1, 4);
    g_assert_cmphex(f->env.fault.esr, ==, 0x92000084);
}

/* Hardware updates of stage 1's tables are stores by stage 2's leave. */
static void test_stage2_update(void)
{
    world_4k(0x100000 | PAGE | AP1);
    stage2_on();
    SR(TCR_EL1) |= BIT64(39);
    poke64(f, 0x22000, 0x000000 | BLOCK | AF | 0x7c); /* read only */
    assert_fault(VA, MMU_READ, ARM_MMU_E10_1, 14);
    g_assert_cmphex(f->env.fault.esr, ==, 0x9200008e);
    g_assert_cmphex(peek64(f, 0x13000) & AF, ==, 0);
}

/* What EL2 is told of the instruction: size, sign, register, width, order. */
static uint32_t described(uint32_t insn, int access)
{
    MmuResult r;

    poke32(f, 0x1230, insn);
    g_assert_false(walk(VA, access, ARM_MMU_E10_1, &r));
    arm_fault_describe(&f->env);
    return f->env.fault.esr & 0x1ffc000;
}

static void test_syndrome(void)
{
    MmuResult r;

    world_4k(0x333000 | PAGE | AF);
    stage2_on();
    f->env.s.pc = 0x1230;
    g_assert_cmphex(described(0xb9400423, MMU_READ), ==, 0x1830000);  /* LDR W3, [X1, #4] */
    g_assert_cmphex(described(0xf900003f, MMU_WRITE), ==, 0x1df8000); /* STR XZR, [X1] */
    g_assert_cmphex(described(0x39800023, MMU_READ), ==, 0x1238000);  /* LDRSB X3, [X1] */
    g_assert_cmphex(described(0x79c00023, MMU_READ), ==, 0x1630000);  /* LDRSH W3, [X1] */
    g_assert_cmphex(described(0x38626825, MMU_READ), ==, 0x1050000);  /* LDRB W5, [X1, X2] */
    g_assert_cmphex(described(0xc8dffc23, MMU_READ), ==, 0x1c3c000);  /* LDAR X3, [X1] */
    g_assert_cmphex(described(0x38004420, MMU_WRITE), ==, 0);         /* STRB W0, [X1], #4 */
    g_assert_cmphex(described(0xa9400820, MMU_READ), ==, 0);          /* LDP */
    g_assert_cmphex(described(0x885f7c20, MMU_READ), ==, 0);          /* LDXR */
    g_assert_cmphex(described(0xfd400020, MMU_READ), ==, 0);          /* LDR D0 */
    f->env.s.pc = 0x80000000; /* that can not be fetched */
    g_assert_cmphex(described(0xb9400423, MMU_READ), ==, 0);
    f->env.s.pc = 0x1230;
    poke64(f, 0x10000, 0x211000 | TABLE); /* a table of stage 1: no access of the instruction's */
    g_assert_false(walk(VA, MMU_READ, ARM_MMU_E10_1, &r));
    arm_fault_describe(&f->env);
    g_assert_cmphex(f->env.fault.esr, ==, 0x92000087);
}

static void at(Fake *x)
{
    arm_at(&x->env, A64_SYSREG(1, 0, 7, 8, 0), VA);
}

static void test_at(void)
{
    world_4k(0x333000 | PAGE | AF | 3 << 8 | AP2);
    at(f);
    g_assert_cmphex(SR(PAR_EL1), ==, 0xff00000000333b80);
    arm_at(&f->env, A64_SYSREG(1, 0, 7, 8, 1), VA); /* S1E1W */
    g_assert_cmphex(SR(PAR_EL1), ==, 0x81f);
    arm_at(&f->env, A64_SYSREG(1, 0, 7, 8, 2), VA); /* S1E0R */
    g_assert_cmphex(SR(PAR_EL1), ==, 0x81f);
    poke64(f, 0x13000, 0x333000 | PAGE);
    SR(TCR_EL1) |= BIT64(39);
    at(f);
    g_assert_cmphex(peek64(f, 0x13000) & AF, ==, 0); /* nothing is written */
    stage2_on();
    at(f); /* stage 2 lets the tables through; the final address is not its business */
    g_assert_cmphex(SR(PAR_EL1) & 0xfff001, ==, 0x333000);
    poke64(f, 0x10000, 0x211000 | TABLE);
    g_assert_true(fake_raises(f, at));
    g_assert_cmpint(f->env.fault.target_el, ==, 2);
    g_assert_cmphex(f->env.fault.esr, ==, 0x92000087);
    fake_el(f, 2);
    arm_at(&f->env, A64_SYSREG(1, 4, 7, 8, 4), VA); /* S12E1R */
    g_assert_cmphex(SR(PAR_EL1), ==, 0xb0f);
}

/* ---- AArch32 ---- */

static void short_world(uint32_t section, uint32_t small)
{
    fake_reset(f);
    fake_feature(f, ARM_FEAT_EL3, false);
    fake_feature(f, ARM_FEAT_EL2, false);
    fake_a32(f);
    SR(SCTLR_EL1) = SCTLR_M;
    SR(TTBR0_EL1) = 0x10000;
    SR(TTBR1_EL1) = 0x18000;
    SR(DACR32_EL2) = 0x55555555;
    poke32(f, 0x10000, section);
    poke32(f, 0x10004, 0x20000 | 1 | 3 << 5);
    poke32(f, 0x20000, small);
}

static void test_short(void)
{
    enum { K = ARM_MMU_E10_1, U = ARM_MMU_E10_0 };
    MmuResult r;

    short_world(0x300000 | 3 << 10 | 2, 0x155000 | 3 << 4 | 2);
    g_assert_true(walk(0x12345, MMU_WRITE, U, &r));
    g_assert_cmphex(r.paddr, ==, 0x312000);
    g_assert_cmpint(r.page_bits, ==, 20);
    assert_maps(0x100000, MMU_EXEC, U, 0x155000);
    assert_fault(0x101000ull, MMU_WRITE, K, 6);
    g_assert_cmphex(f->env.fault.fsr, ==, 0x837);
    assert_fault(0x200000ull, MMU_READ, K, 5);
    g_assert_cmphex(f->env.fault.fsr, ==, 5);
    poke32(f, 0x20000, 0x155000 | 1 << 4 | 2); /* privileged only */
    assert_fault(0x100000ull, MMU_READ, U, 14);
    g_assert_cmphex(f->env.fault.fsr, ==, 0x3f);
    poke32(f, 0x20000, 0x155000 | 2 << 4 | 3); /* XN, user reads */
    g_assert_true(rights(0x100000, U, true, false, false));
    g_assert_true(rights(0x100000, K, true, true, false));
    SR(DACR32_EL2) = 3 << 6; /* domain 3: manager */
    g_assert_true(rights(0x100000, U, true, true, true));
    SR(DACR32_EL2) = 0;
    assert_fault(0x100000ull, MMU_READ, K, 0x3e);
    g_assert_cmphex(f->env.fault.fsr, ==, 0x3b);
    SR(DACR32_EL2) = 0x55555555;
    SR(SCTLR_EL1) |= SCTLR_AFE;
    poke32(f, 0x20000, 0x155000 | 2 << 4 | 2);
    assert_fault(0x100000ull, MMU_READ, K, 10);
    g_assert_cmphex(f->env.fault.fsr, ==, 0x36);
    poke32(f, 0x20000, 0x150000 | 3 << 4 | 1 | 1 << 11); /* large page */
    poke32(f, 0x20010, peek32(f, 0x20000)); /* that is 16 entries */
    g_assert_true(walk(0x104000, MMU_READ, U, &r));
    g_assert_cmphex(r.paddr, ==, 0x154000);
    g_assert_false(r.global);
    SR(TCR_EL1) = 1; /* N = 1: the upper half by TTBR1 */
    poke32(f, 0x18000 + 0xfff * 4, 0x300000 | 3 << 10 | 2);
    assert_maps(0xfff45000ull, MMU_READ, K, 0x345000);
    SR(TCR_EL1) |= 1 << 5;
    assert_fault(0xfff45000ull, MMU_READ, K, 5);
    /* Supersection. */
    SR(TCR_EL1) = 0;
    poke32(f, 0x10000, 0x03000000 | 5 << 20 | 1 << 18 | 3 << 10 | 2);
    assert_maps(0x12345ull, MMU_READ, K, 0x503012000);
}

static void test_before_v7(void)
{
    short_world(0x300000 | 3 << 10 | 2, 0x155000 | 0xe4 << 4 | 2); /* quarters: none, 1, 2, 3 */
    fake_feature(f, ARM_FEAT_V7, false);
    fake_feature(f, ARM_FEAT_V7VE, false);
    fake_feature(f, ARM_FEAT_V8, false);
    assert_fault(0x100000ull, MMU_READ, ARM_MMU_E10_1, 14);
    assert_maps(0x100400ull, MMU_WRITE, ARM_MMU_E10_1, 0x155000);
    assert_fault(0x100400ull, MMU_READ, ARM_MMU_E10_0, 14);
    assert_maps(0x100800ull, MMU_READ, ARM_MMU_E10_0, 0x155000);
    assert_fault(0x100800ull, MMU_WRITE, ARM_MMU_E10_0, 14);
    assert_maps(0x100c00ull, MMU_WRITE, ARM_MMU_E10_0, 0x155000);
    SR(SCTLR_EL1) |= SCTLR_V6_XP;
    poke32(f, 0x20000, 0x155000 | 3 << 4 | 2);
    assert_maps(0x100000ull, MMU_WRITE, ARM_MMU_E10_0, 0x155000);
    fake_feature(f, ARM_FEAT_V6, false); /* a fine table with a tiny page */
    poke32(f, 0x10004, 0x20000 | 3 | 3 << 5);
    poke32(f, 0x20008, 0x155400 | 3 << 4 | 3);
    assert_maps(0x100800ull, MMU_WRITE, ARM_MMU_E10_0, 0x155000);
}

static void test_lpae(void)
{
    fake_reset(f);
    fake_feature(f, ARM_FEAT_EL3, false);
    fake_feature(f, ARM_FEAT_EL2, false);
    fake_a32(f);
    SR(SCTLR_EL1) = SCTLR_M;
    SR(TCR_EL1) = 1u << 31;
    SR(TTBR0_EL1) = 0x11000;
    SR(TTBR1_EL1) = 0x12000;
    poke64(f, 0x11000, 0x12000 | TABLE);
    poke64(f, 0x12010, 0x13000 | TABLE);
    poke64(f, 0x13000, 0x333000 | PAGE | AF | AP1);
    f->priv.config.pa_bits = 40;
    assert_maps(VA, MMU_WRITE, ARM_MMU_E10_0, 0x333000);
    assert_maps(VA, MMU_EXEC, ARM_MMU_E10_1, 0x333000);
    assert_fault(VA + 0x1000, MMU_READ, ARM_MMU_E10_1, 7);
    g_assert_cmphex(f->env.fault.fsr, ==, 0x207);
    poke64(f, 0x13000, 0x333000 | PAGE | AF);
    g_assert_true(rights(VA, ARM_MMU_E10_0, false, false, false)); /* unlike AArch64 */
    SR(TCR_EL1) |= 1 << 16; /* T1SZ = 1: the upper half */
    poke64(f, 0x12000 + 8, 0x200000 | BLOCK | AF);
    assert_fault(0x80001000ull, MMU_READ, ARM_MMU_E10_1, 5); /* level 1, index 0 of 2: a table at 0x0 */
}

/* ---- TLB maintenance ---- */

static void tlbi(unsigned op1, unsigned crm, unsigned op2, uint64_t operand)
{
    fake_forget(f);
    arm_tlbi(&f->env, A64_SYSREG(1, op1, 8, crm, op2), operand);
}

static void test_tlbi(void)
{
    world_4k(0);
    tlbi(0, 7, 0, 0); /* VMALLE1 */
    g_assert_cmphex(f->flushed, ==, ARM_SPACE_E10);
    g_assert_true(!f->others && !arm_tlbi_pending(&f->env));
    tlbi(0, 3, 0, 0); /* VMALLE1IS */
    g_assert_true(f->others && arm_tlbi_pending(&f->env));
    f->flushed = 0;
    f->others(&f->env, f->others_a, f->others_b);
    g_assert_cmphex(f->flushed, ==, ARM_SPACE_E10);
    tlbi(0, 7, 1, 0xff000004567); /* VAE1: sign-extended from bit 55 */
    g_assert_cmpint(f->pages, ==, 1);
    g_assert_cmphex(f->first_page, ==, 0xffff000004567000);
    SR(TTBR0_EL1) = 5ull << 48 | 0x10000;
    tlbi(0, 7, 2, 5ull << 48); /* ASIDE1 */
    g_assert_true(f->context_space == ARM_SPACE_E10 && f->context == 5 && !f->context_kept);
    tlbi(0, 7, 2, 6ull << 48);
    g_assert_true(f->context == ~0ull && f->dropped == 6);
    tlbi(0, 7, 1, 5ull << 48 | 0x400); /* VAE1 */
    g_assert_true(f->pages == 1 && f->dropped == ~0ull && !f->forgotten);
    tlbi(0, 7, 1, 7ull << 48 | 0x400);
    g_assert_true(f->pages == 1 && f->dropped == 7);
    tlbi(0, 7, 3, 0x400); /* VAAE1 */
    g_assert_true(f->pages == 1 && f->forgotten);
    SR(TCR_EL1) |= 1 << 14; /* 64K */
    tlbi(0, 7, 1, 0x1235);
    g_assert_cmpint(f->pages, ==, 16);
    g_assert_cmphex(f->first_page, ==, 0x1230000);
    SR(TCR_EL1) = TCR_4K;
    tlbi(0, 6, 1, 1ull << 46 | 1ull << 39 | 0x400); /* RVAE1: 4 pages */
    g_assert_cmpint(f->pages, ==, 4);
    g_assert_cmphex(f->first_page, ==, 0x400000);
    g_assert_cmphex(f->last_page, ==, 0x403000);
    tlbi(0, 6, 1, 1ull << 46 | 3ull << 44 | 31ull << 39 | 0x400); /* very many */
    g_assert_cmphex(f->flushed, ==, ARM_SPACE_E10);
    f->env.tlb_tagged = true;
    tlbi(0, 7, 1, 0x400);
    g_assert_cmphex(f->flushed, ==, ARM_SPACE_E10);
    f->env.tlb_tagged = false;
    fake_el(f, 2);
    tlbi(4, 7, 0, 0); /* ALLE2 */
    g_assert_cmphex(f->flushed, ==, ARM_SPACE_E2);
    SR(HCR_EL2) |= HCR_E2H | HCR_TGE;
    tlbi(4, 7, 0, 0);
    g_assert_cmphex(f->flushed, ==, ARM_SPACE_E20);
    tlbi(0, 7, 0, 0);
    g_assert_cmphex(f->flushed, ==, ARM_SPACE_E20);
    tlbi(4, 7, 6, 0); /* VMALLS12E1 */
    g_assert_cmphex(f->flushed, ==, ARM_SPACE_E10);
    tlbi(4, 0, 1, 0x333); /* IPAS2E1IS */
    g_assert_cmphex(f->flushed, ==, ARM_SPACE_E10);
    g_assert_true(f->others);
    tlbi(4, 4, 1, 0x333);
    g_assert_true(!f->others);
    tlbi(6, 7, 0, 0);
    g_assert_cmphex(f->flushed, ==, ARM_SPACE_E3);
}

/* What one processor asks is about its own regime, whatever the other one runs. */
static void test_tlbi_elsewhere(void)
{
    world_4k(0);
    tlbi(0, 3, 0, 0);
    SR(HCR_EL2) |= HCR_E2H | HCR_TGE;
    f->flushed = 0;
    f->others(&f->env, f->others_a, f->others_b);
    g_assert_cmphex(f->flushed, ==, ARM_SPACE_E10);
}

static void change(ArmSr sr, uint32_t key, uint64_t now)
{
    uint64_t old = f->env.s.sr[sr];

    fake_forget(f);
    f->env.s.sr[sr] = now;
    arm_regime_changed(&f->env, key, old, now);
}

static void test_registers(void)
{
    const uint32_t ttbr0 = A64_SYSREG(3, 0, 2, 0, 0), ttbr1 = A64_SYSREG(3, 0, 2, 0, 1), hcr = A64_SYSREG(3, 4, 1, 1, 0);

    world_4k(0);
    change(ARM_SR_TTBR0_EL1, ttbr0, 0x10000 | 1ull << 48);
    g_assert_true(f->context_space == ARM_SPACE_E10 && f->context == 1 && f->context_kept);
    change(ARM_SR_TTBR0_EL1, ttbr0, 0x20000 | 1ull << 48);
    g_assert_true(f->context == ~0ull && !f->flushed);
    change(ARM_SR_TTBR0_EL1, ttbr0, 0x20000 | 0x101ull << 48); /* 8-bit ASIDs */
    g_assert_true(f->context == ~0ull);
    change(ARM_SR_TCR_EL1, A64_SYSREG(3, 0, 2, 0, 2), TCR_4K | BIT64(36) | BIT64(22));
    g_assert_cmphex(f->flushed, ==, ARM_SPACE_E10);
    change(ARM_SR_TTBR0_EL1, ttbr0, 0);
    g_assert_true(f->context == ~0ull);
    change(ARM_SR_TTBR1_EL1, ttbr1, 0x100ull << 48);
    g_assert_true(f->context == 0x100);
    change(ARM_SR_SCTLR_EL1, A64_SYSREG(3, 0, 1, 0, 0), SR(SCTLR_EL1) ^ SCTLR_A);
    g_assert_cmphex(f->flushed, ==, 0);
    change(ARM_SR_VTTBR_EL2, A64_SYSREG(3, 4, 2, 1, 0), 7ull << 48);
    g_assert_cmphex(f->flushed, ==, ARM_SPACE_E10);
    change(ARM_SR_HCR_EL2, hcr, HCR_RW | HCR_VM);
    g_assert_cmphex(f->flushed, ==, ARM_SPACE_E10);
    /* A host with VHE: to its guest and back nothing is lost. */
    change(ARM_SR_HCR_EL2, hcr, HCR_RW | HCR_E2H | HCR_VM);
    change(ARM_SR_HCR_EL2, hcr, HCR_RW | HCR_E2H | HCR_TGE);
    g_assert_cmphex(f->flushed, ==, 0);
    change(ARM_SR_HCR_EL2, hcr, HCR_RW | HCR_E2H | HCR_VM | HCR_AMO);
    g_assert_cmphex(f->flushed, ==, 0);
    change(ARM_SR_HCR_EL2, hcr, HCR_RW | HCR_E2H | HCR_TGE);
    change(ARM_SR_HCR_EL2, hcr, HCR_RW | HCR_E2H);
    g_assert_cmphex(f->flushed, ==, ARM_SPACE_E10);
}

/* ---- hostile tables ---- */

static uint64_t rnd(void)
{
    return (uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int();
}

/* Random registers and tables that mostly point into memory: every walk ends, in a result or an architectural fault. */
static void test_hostile(void)
{
    static const uint16_t regs[] = {ARM_SR_TCR_EL1, ARM_SR_TCR_EL2, ARM_SR_TCR_EL3, ARM_SR_VTCR_EL2, ARM_SR_SCTLR_EL1,
                                    ARM_SR_SCTLR_EL2, ARM_SR_SCTLR_EL3, ARM_SR_HCR_EL2, ARM_SR_DACR32_EL2};
    static const uint16_t bases[] = {ARM_SR_TTBR0_EL1, ARM_SR_TTBR1_EL1, ARM_SR_TTBR0_EL2, ARM_SR_TTBR1_EL2,
                                     ARM_SR_TTBR0_EL3, ARM_SR_VTTBR_EL2, ARM_SR_TTBR1_S};
    static const uint8_t sizes[] = {32, 36, 40, 44, 48, 52};
    unsigned ok = 0, faults = 0;

    fake_reset(f);
    for (uint64_t pa = 0; pa < FAKE_RAM; pa += 8) {
        uint64_t d = rnd() & (g_test_rand_bit() ? 0xff800000003fffffull : ~0ull);
        poke64(f, pa, d | AF | 3);
    }
    for (int n = 0; n < 200000; n++) {
        MmuResult r = {0};
        int access = g_test_rand_int_range(0, 3), mmu = g_test_rand_int_range(0, ARM_MMU__COUNT);
        uint64_t va = rnd() & (g_test_rand_bit() ? 0xffffffff : ~0ull);

        if (n % 16 == 0) {
            for (unsigned i = 0; i < G_N_ELEMENTS(regs); i++) {
                f->env.s.sr[regs[i]] = rnd();
            }
            for (unsigned i = 0; i < G_N_ELEMENTS(bases); i++) {
                f->env.s.sr[bases[i]] = rnd() & 0xffff0000003fffffull;
            }
            f->env.s.sr[ARM_SR_SCR_EL3] = rnd() | SCR_RW;
            f->priv.config.aarch64 = g_test_rand_int_range(0, 3) != 0;
            f->priv.config.pa_bits = sizes[g_test_rand_int_range(0, G_N_ELEMENTS(sizes))];
            for (int i = 0; i < 4; i++) {
                fake_feature(f, g_test_rand_int_range(0, ARM_FEAT__COUNT), g_test_rand_bit());
            }
            f->env.s.pstate = f->priv.config.aarch64 ? g_test_rand_int_range(0, 4) << PSTATE_EL_SHIFT
                                                     : PSTATE_NRW | ARM_MODE_SVC;
            arm_update_mode(&f->env);
        }
        if (arm_mmu_walk(&f->env, va, access, mmu, &r)) {
            ok++;
            g_assert_true(access == MMU_READ ? r.r : access == MMU_WRITE ? r.w : r.x);
            g_assert_cmpint(r.page_bits, >=, 12);
            g_assert_true(!(r.paddr & 0xfff) && !(r.paddr >> 52));
        } else {
            faults++;
            g_assert_cmpint(f->env.fault.kind, !=, ARM_FAULT_NONE);
        }
        arm_tlbi(&f->env, A64_SYSREG(1, (rnd() & 3) * 2, 8, rnd() & 7, rnd() & 7), rnd());
    }
    g_test_message("%u translations, %u faults", ok, faults);
    g_assert_cmpint(ok, >, 1000);
    g_assert_cmpint(faults, >, 1000);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    f = fake_new();
    g_test_add_func("/arm/mmu/off", test_off);
    g_test_add_func("/arm/mmu/4k", test_4k);
    g_test_add_func("/arm/mmu/ranges", test_ranges);
    g_test_add_func("/arm/mmu/tags", test_tags);
    g_test_add_func("/arm/mmu/rights", test_rights);
    g_test_add_func("/arm/mmu/hierarchy", test_hierarchy);
    g_test_add_func("/arm/mmu/dirty", test_dirty);
    g_test_add_func("/arm/mmu/granules", test_granules);
    g_test_add_func("/arm/mmu/52-bits", test_52_bits);
    g_test_add_func("/arm/mmu/regimes", test_other_regimes);
    g_test_add_func("/arm/mmu/vhe", test_vhe);
    g_test_add_func("/arm/mmu/stage-2", test_stage2);
    g_test_add_func("/arm/mmu/stage-2-update", test_stage2_update);
    g_test_add_func("/arm/mmu/syndrome", test_syndrome);
    g_test_add_func("/arm/mmu/at", test_at);
    g_test_add_func("/arm/mmu/short", test_short);
    g_test_add_func("/arm/mmu/before-v7", test_before_v7);
    g_test_add_func("/arm/mmu/lpae", test_lpae);
    g_test_add_func("/arm/tlbi", test_tlbi);
    g_test_add_func("/arm/tlbi/elsewhere", test_tlbi_elsewhere);
    g_test_add_func("/arm/tlbi/registers", test_registers);
    g_test_add_func("/arm/mmu/hostile", test_hostile);
    int res = g_test_run();
    fake_free(f);
    return res;
}
