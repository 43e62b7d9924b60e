/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Branch targets, pointer authentication, random numbers, alignment and big endian data of A64, Advanced SIMD taken away from
 * A32, on both engines: what the judge of the random tests does not show.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "target/arm/regs.h"
#include "target/arm/system.h"
#include "target/arm/translate.h"
#include "tests/insn/arm/engine.h"

#define NOP 0xd503201fu
#define BTI(targets) (0xd503241fu | (targets) << 6) /* 0 none, 1 c, 2 j, 3 jc */
#define PACIASP 0xd503233fu
#define BR(n) (0xd61f0000u | (n) << 5)
#define BLR(n) (0xd63f0000u | (n) << 5)
#define RET(n) (0xd65f0000u | (n) << 5)
#define BRK 0xd4200000u
#define PACIA(d, n) (0xdac10000u | (n) << 5 | (d))
#define AUTIA(d, n) (0xdac11000u | (n) << 5 | (d))
#define XPACI(d) (0xdac143e0u | (d))
#define B_EXIT(at) (0x14000000u | (uint32_t)((A64_EXIT - (A64_CODE + 4 * (at))) / 4 & 0x3ffffff))

static int number, failed;

static void ok(bool good, const char *what)
{
    printf("%sok %d - %s\n", good ? "" : "not ", ++number, what);
    failed += !good;
}

/* The instructions at the slot's second word; X16, X17 and X18 are the address of its fifth. */
static A64Regs run(A64Engine e, const uint32_t *code, int n, uint64_t x0)
{
    static uint32_t all[A64_CODE_SIZE / 4];
    static uint8_t mem[A64_DATA_SIZE], out_mem[A64_DATA_SIZE];
    A64Regs in = {.sp = A64_DATA + 256}, out;
    for (uint32_t i = 0; i < A64_CODE_SIZE / 4; i++) {
        all[i] = i >= 1 && i <= (uint32_t)n ? code[i - 1] : B_EXIT(i);
    }
    in.x[0] = x0;
    in.x[1] = 0x1111;
    in.x[2] = 0x2222;
    in.x[16] = in.x[17] = in.x[18] = A64_CODE + 16;
    a64_code(all);
    if (!a64_run(e, &in, 0, mem, &out, out_mem)) {
        out.fault = A64_FAULT_NONE + 99;
    }
    return out;
}

typedef struct BranchRow {
    uint32_t branch, target;
    bool guarded, bt, good;
    const char *what;
} BranchRow;

static const BranchRow branches[] = {
    {BR(18), NOP, false, false, true, "BR anywhere in a page that is not guarded"},
    {BR(18), NOP, true, false, false, "BR to no landing pad"},
    {BR(18), BTI(0u), true, false, false, "BR to BTI without targets"},
    {BR(18), BTI(1u), true, false, false, "BR to BTI c"},
    {BR(18), BTI(2u), true, false, true, "BR to BTI j"},
    {BR(18), BTI(3u), true, false, true, "BR to BTI jc"},
    {BR(16), BTI(1u), true, false, true, "BR X16 to BTI c"},
    {BR(17), BTI(2u), true, false, true, "BR X17 to BTI j"},
    {BR(16), NOP, true, false, false, "BR X16 to no landing pad"},
    {BR(18), PACIASP, true, false, true, "BR to PACIASP"},
    {BR(18), PACIASP, true, true, false, "BR to PACIASP with SCTLR.BT0"},
    {BR(16), PACIASP, true, true, true, "BR X16 to PACIASP with SCTLR.BT0"},
    {BLR(18), NOP, true, false, false, "BLR to no landing pad"},
    {BLR(18), BTI(1u), true, false, true, "BLR to BTI c"},
    {BLR(18), BTI(2u), true, false, false, "BLR to BTI j"},
    {BLR(18), PACIASP, true, true, true, "BLR to PACIASP"},
    {RET(18), NOP, true, false, true, "RET anywhere"},
};

static void test_branch(A64Engine e, const BranchRow *r)
{
    const uint32_t code[] = {r->branch, NOP, NOP, r->target, NOP};
    ArmEnv *env = a64_env();
    env->s.sr[ARM_SR_SCTLR_EL1] = (env->s.sr[ARM_SR_SCTLR_EL1] & ~SCTLR_BT0) | (r->bt ? SCTLR_BT0 : 0);
    env->s.pstate = 0;
    a64_guarded(r->guarded);
    A64Regs out = run(e, code, 5, 0);
    uint32_t btype = env->s.pstate >> PSTATE_BTYPE_SHIFT & 3;
    bool good = r->good ? out.fault == A64_FAULT_NONE && out.pc == A64_EXIT && btype == 0
                        : out.fault == A64_FAULT_UNDEF && out.pc == A64_CODE + 16 && btype != 0;
    ok(good, r->what);
    a64_guarded(false);
    env->s.pstate = 0;
}

static void test_pauth(A64Engine e)
{
    const uint64_t ptr = 0x0000123456789ab0, upper = 0xffff876543210fe0;
    const uint32_t sign[] = {PACIA(0u, 1u)}, both[] = {PACIA(0u, 1u), AUTIA(0u, 1u)};
    const uint32_t wrong[] = {PACIA(0u, 1u), AUTIA(0u, 2u)}, strip[] = {PACIA(0u, 1u), XPACI(0u)};
    ArmEnv *env = a64_env();
    env->s.sr[ARM_SR_APIAKEYLO_EL1] = 0xec2802d4e0a488e9;
    env->s.sr[ARM_SR_APIAKEYHI_EL1] = 0x84be85ce9804e94b;
    env->s.sr[ARM_SR_TCR_EL1] = 16 | 16 << 16;
    ok(run(e, sign, 1, ptr).x[0] == ptr, "PACIA does nothing while it is disabled");
    env->s.sr[ARM_SR_SCTLR_EL1] |= SCTLR_EnIA;
    uint64_t s = run(e, sign, 1, ptr).x[0];
    ok(s != ptr && (s & 0x0080ffffffffffff) == ptr, "PACIA changes the bits above the address but bit 55");
    ok(run(e, both, 2, ptr).x[0] == ptr, "AUTIA takes the code away");
    ok(run(e, both, 2, upper).x[0] == upper, "so it does in the upper range");
    ok(run(e, strip, 2, upper).x[0] == upper, "XPACI");
    a64_feature(ARM_FEAT_PAuth2, false);
    a64_feature(ARM_FEAT_FPAC, false);
    uint64_t bad = run(e, wrong, 2, ptr).x[0];
    ok(bad == (ptr | 1ull << 61), "AUTIA with another modifier leaves the error code of the A keys");
    a64_feature(ARM_FEAT_PAuth2, true);
    bad = run(e, wrong, 2, ptr).x[0];
    ok(bad != ptr && (bad & 0xffffffffffff) == ptr, "FEAT_PAuth2: both codes are in the pointer");
    a64_feature(ARM_FEAT_FPAC, true);
    A64Regs out = run(e, wrong, 2, ptr);
    ok(out.fault == A64_FAULT_UNDEF && out.pc == A64_CODE + 8, "FEAT_FPAC: an exception at AUTIA");
    env->s.sr[ARM_SR_SCTLR_EL1] &= ~SCTLR_EnIA;
}

static void test_random(A64Engine e)
{
    const uint32_t code[] = {0xd53b2400}; /* MRS X0, RNDR */
    A64Regs a = run(e, code, 1, 0), b = run(e, code, 1, 0);
    ok(a.fault == A64_FAULT_NONE && a.nzcv == 0 && a.x[0] != b.x[0], "RNDR gives different values and clears NZCV");
    a64_feature(ARM_FEAT_RNG, false);
    ok(run(e, code, 1, 0).fault == A64_FAULT_UNDEF, "without FEAT_RNG it is UNDEFINED");
    a64_feature(ARM_FEAT_RNG, true);
}

/* Structures in big endian: elements are swapped, not what they are in. */
static void test_big_endian(A64Engine e)
{
    const uint32_t store = 0xf90003e0, take = 0x4e083c00, load = 0xf94003e0; /* STR X0, [SP]; UMOV X0, V0.D[0]; LDR X0, [SP] */
    const uint32_t bytes[] = {store, 0x0c4073e0, take};                      /* LD1 {V0.8B}, [SP] */
    const uint32_t halves[] = {store, 0x0c4077e0, take};                     /* LD1 {V0.4H}, [SP] */
    const uint32_t back[] = {store, 0x0c4073e0, 0x0c0073e0, load};           /* ST1 {V0.8B}, [SP] */
    ArmEnv *env = a64_env();
    env->s.sr[ARM_SR_SCTLR_EL1] |= SCTLR_E0E;
    ok(run(e, bytes, 3, 0x0102030405060708).x[0] == 0x0807060504030201, "LD1 of bytes in big endian");
    ok(run(e, halves, 3, 0x0102030405060708).x[0] == 0x0708050603040102, "LD1 of halfwords in big endian");
    ok(run(e, back, 4, 0x0102030405060708).x[0] == 0x0102030405060708, "ST1 of bytes in big endian");
    env->s.sr[ARM_SR_SCTLR_EL1] &= ~SCTLR_E0E;
}

/* Accesses of four bytes at X0. */
typedef struct AlignRow {
    uint32_t insn;
    ArmAlign kind;
    const char *what;
} AlignRow;

static const AlignRow aligned_rows[] = {
    {0xb9400001, ALIGN_ANY, "LDR"},       {0x88dffc01, ALIGN_ORDERED, "LDAR"},   {0x889ffc01, ALIGN_ORDERED, "STLR"},
    {0xb8bfc001, ALIGN_ORDERED, "LDAPR"}, {0x99400001, ALIGN_ORDERED, "LDAPUR"}, {0x99000001, ALIGN_ORDERED, "STLUR"},
    {0x885f7c01, ALIGN_ATOMIC, "LDXR"},   {0x88037c01, ALIGN_ATOMIC, "STXR"},    {0xb8210002, ALIGN_ATOMIC, "LDADD"},
    {0x88a17c02, ALIGN_ATOMIC, "CAS"},    {0xb8218002, ALIGN_ATOMIC, "SWP"},
};

/* AArch64.UnalignedAccessFaults() of the manual. */
static bool unaligned_faults(ArmAlign kind, unsigned offset, bool lse2, bool naa, bool a)
{
    bool within_16 = offset % 16 + 4 <= 16;
    if (offset % 4 == 0 || (kind == ALIGN_ANY && !a)) {
        return false;
    }
    return a || !lse2 || (!within_16 && !(kind == ALIGN_ORDERED && naa));
}

static void test_alignment(A64Engine e)
{
    uint64_t *sctlr = &a64_env()->s.sr[ARM_SR_SCTLR_EL1];
    for (unsigned i = 0; i < G_N_ELEMENTS(aligned_rows); i++) {
        const AlignRow *r = &aligned_rows[i];
        bool good = true;
        for (unsigned n = 0; n < 8 * 3; n++) {
            static const unsigned offsets[] = {4, 7, 13};
            unsigned offset = offsets[n / 8];
            bool lse2 = n & 1, naa = n & 2, a = n & 4;
            a64_feature(ARM_FEAT_LSE2, lse2);
            *sctlr |= (naa ? SCTLR_nAA : 0) | (a ? SCTLR_A : 0);
            bool faults = run(e, &r->insn, 1, A64_DATA + offset).fault == A64_FAULT_ALIGN;
            good &= faults == unaligned_faults(r->kind, offset, lse2, naa, a);
            *sctlr &= ~(uint64_t)(SCTLR_nAA | SCTLR_A);
        }
        ok(good, r->what);
    }
    a64_feature(ARM_FEAT_LSE2, true);
}

/* Pairs of words and doublewords are one access, or two, each in the order of its data. */
static void test_big_endian_pairs(A64Engine e)
{
    const uint32_t words[] = {0xf90003e0, 0x294007e0}; /* STR X0, [SP]; LDP W0, W1, [SP] */
    const uint32_t stored[] = {0x290007e0, 0xf94003e0}; /* STP W0, W1, [SP]; LDR X0, [SP] */
    const uint32_t doubles[] = {0xa90007e0, 0xf94007e2, 0xa94003e1}; /* STP X0, X1, [SP]; LDR X2, [SP, #8]; LDP X1, X0, [SP] */
    ArmEnv *env = a64_env();
    env->s.sr[ARM_SR_SCTLR_EL1] |= SCTLR_E0E;
    A64Regs r = run(e, words, 2, 0x0102030405060708);
    ok(r.x[0] == 0x01020304 && r.x[1] == 0x05060708, "LDP of words in big endian");
    ok(run(e, stored, 2, 0x01020304).x[0] == 0x0102030400001111, "STP of words in big endian");
    r = run(e, doubles, 3, 0x0102030405060708);
    ok(r.x[0] == 0x1111 && r.x[1] == 0x0102030405060708 && r.x[2] == 0x1111, "LDP and STP of doublewords in big endian");
    env->s.sr[ARM_SR_SCTLR_EL1] &= ~SCTLR_E0E;
}

static uint32_t a32_fault(A64Engine e, uint32_t insn)
{
    static uint32_t all[A64_CODE_SIZE / 4];
    static uint8_t mem[A64_DATA_SIZE], out_mem[A64_DATA_SIZE];
    A32Regs in = {.r[4] = A64_DATA, .r[15] = A64_CODE}, out;
    for (uint32_t i = 0; i < A64_CODE_SIZE / 4; i++) {
        uint32_t pc = (uint32_t)A64_CODE + 4 * i;
        all[i] = i ? 0xea000000u | ((A32_EXIT - (pc + 8)) / 4 & 0xffffff) : insn;
    }
    a64_code(all);
    return a32_run(e, &in, mem, &out, out_mem) ? out.fault : A64_FAULT_NONE + 99;
}

/* CPACR.ASEDIS of an EL1 in AArch32: what is Advanced SIMD alone is UNDEFINED. */
static void test_asedis(A64Engine e)
{
    static const struct {
        uint32_t insn;
        bool simd;
        const char *what;
    } rows[] = {
        {0xf2010802, true, "ASEDIS: VADD.I8 D0, D1, D2"},  {0xf424070f, true, "ASEDIS: VLD1.8 {D0}, [R4]"},
        {0xeee00b10, true, "ASEDIS: VDUP.8 Q0, R0"},       {0xee400b10, true, "ASEDIS: VMOV.8 D0[0], R0"},
        {0xee000b10, false, "ASEDIS: VMOV.32 D0[0], R0"},  {0xee300a81, false, "ASEDIS: VADD.F32 S0, S1, S2"},
        {0xed940b00, false, "ASEDIS: VLDR D0, [R4]"},
    };
    uint64_t *sr = a64_env()->s.sr;
    a64_feature(ARM_FEAT_EL3, true);
    sr[ARM_SR_SCR_EL3] = SCR_NS; /* not RW */
    sr[ARM_SR_FPEXC32_EL2] |= FPEXC_EN;
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        sr[ARM_SR_CPACR_A32] = 0;
        bool before = a32_fault(e, rows[i].insn) == A64_FAULT_NONE;
        sr[ARM_SR_CPACR_A32] = CPACR_ASEDIS;
        uint32_t want = rows[i].simd ? A64_FAULT_UNDEF : A64_FAULT_NONE;
        ok(before && a32_fault(e, rows[i].insn) == want, rows[i].what);
    }
    sr[ARM_SR_CPACR_A32] = 0;
    a64_feature(ARM_FEAT_EL3, false);
}

int main(void)
{
    a64_init(true);
    printf("1..%d\n", 2 * ((int)(G_N_ELEMENTS(branches) + G_N_ELEMENTS(aligned_rows)) + 23));
    for (A64Engine e = A64_INTERP; e <= A64_JIT; e++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(branches); i++) {
            test_branch(e, &branches[i]);
        }
        test_pauth(e);
        test_random(e);
        test_big_endian(e);
        test_big_endian_pairs(e);
        test_alignment(e);
        test_asedis(e);
    }
    return failed != 0;
}
