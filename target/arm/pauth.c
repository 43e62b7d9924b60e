/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What protects the flow of control: pointer authentication (FEAT_PAuth; Arm ARM D8.10 and the functions AddPAC, Auth, Strip
 * of J1.1.3), codes in the unused upper bits of pointers, what a failing one does, traps; branch targets (FEAT_BTI).
 *
 * A code costs some 40 ns. What a function signs on entry it authenticates when it returns, so the last codes are kept.
 */
#include "target/arm/qarma.h"
#include "target/arm/regs.h"
#include "target/arm/system.h"

static uint64_t compute(const ArmCpuConfig *c, uint64_t data, uint64_t modifier, uint64_t hi, uint64_t lo)
{
    return (arm_has(c, ARM_FEAT_PAuth_IMPDEF) ? arm_pac_impdef : arm_qarma5)(data, modifier, hi, lo);
}

/* key: 0 IA, 1 IB, 2 DA, 3 DB, 4 GA, in the order of their registers. */
static const uint16_t key_slot[5] = {ARM_SR_APIAKEYLO_EL1, ARM_SR_APIBKEYLO_EL1, ARM_SR_APDAKEYLO_EL1,
                                     ARM_SR_APDBKEYLO_EL1, ARM_SR_APGAKEYLO_EL1};
G_STATIC_ASSERT(ARM_SR_APIAKEYHI_EL1 == ARM_SR_APIAKEYLO_EL1 + 1 && ARM_SR_APIBKEYHI_EL1 == ARM_SR_APIBKEYLO_EL1 + 1 &&
                ARM_SR_APDAKEYHI_EL1 == ARM_SR_APDAKEYLO_EL1 + 1 && ARM_SR_APDBKEYHI_EL1 == ARM_SR_APDBKEYLO_EL1 + 1 &&
                ARM_SR_APGAKEYHI_EL1 == ARM_SR_APGAKEYLO_EL1 + 1);

static uint64_t code_of(ArmEnv *env, uint64_t data, uint64_t modifier, unsigned key)
{
    const uint64_t *k = &env->s.sr[key_slot[key]];
    ArmPacEntry *e = &env->pac[(data >> 2 ^ modifier >> 4 ^ data >> 12) % ARM_PAC_ENTRIES];

    if (e->data != data || e->modifier != modifier || e->lo != k[0] || e->hi != k[1] || !e->valid) {
        *e = (ArmPacEntry){data, modifier, k[0], k[1], compute(env->config, data, modifier, k[1], k[0]), true};
    }
    return e->code;
}

/* ---- where the code is ---- */

/* Does the top byte of ptr not take part in addresses? Of instructions only without TBID. */
static bool top_byte_ignored(const ArmEnv *env, uint64_t ptr, bool data)
{
    return env->mode >> ((data ? MODE_TBI_SHIFT : MODE_TBID_SHIFT) + (ptr >> 55 & 1)) & 1;
}

static uint64_t tcr_of(const ArmEnv *env, bool *two_ranges)
{
    int mmu = arm_mode_mmu(env->mode);
    bool e20 = mmu >= ARM_MMU_E20_0 && mmu <= ARM_MMU_E20_2_PAN;

    *two_ranges = mmu != ARM_MMU_E2 && mmu != ARM_MMU_E3;
    return env->s.sr[mmu == ARM_MMU_E3 ? ARM_SR_TCR_EL3 : e20 || mmu == ARM_MMU_E2 ? ARM_SR_TCR_EL2 : ARM_SR_TCR_EL1];
}

/* CalculateBottomPACBit(): the number of address bits of the range that `upper` picks. */
static unsigned bottom_bit(const ArmEnv *env, bool upper)
{
    const ArmCpuConfig *c = env->config;
    bool two;
    uint64_t tcr = tcr_of(env, &two);
    unsigned size = (upper && two ? tcr >> 16 : tcr) & 63;
    bool g64 = (upper && two ? tcr >> 30 & 3 : tcr >> 14 & 3) == (upper && two ? 3 : 1);
    unsigned min = arm_has(c, ARM_FEAT_LVA) && (g64 || arm_has(c, ARM_FEAT_LPA2)) ? 12 : 16;
    unsigned max = arm_has(c, ARM_FEAT_TTST) ? (g64 ? 47 : 48) : 39;

    return 64 - (size < min ? min : size > max ? max : size);
}

static uint64_t below(unsigned n)
{
    return n >= 64 ? ~0ull : (1ull << n) - 1;
}

/* ptr with bits top:bottom all like bit 55 (or as upper says). */
static uint64_t extended(uint64_t ptr, unsigned bottom, bool tbi, bool upper)
{
    uint64_t field = below(tbi ? 56 : 64) & ~below(bottom);

    return upper ? ptr | field : ptr & ~field;
}

/* Bits that hold the code: all between address and tag but bit 55. */
static uint64_t code_mask(unsigned bottom, bool tbi)
{
    return below(tbi ? 56 : 64) & ~below(bottom) & ~(1ull << 55);
}

/* The bit of a pointer to be signed that says which range it is in. */
static bool range_of(const ArmEnv *env, uint64_t ptr, bool data, bool tbi)
{
    bool two;
    uint64_t tcr = tcr_of(env, &two);
    bool by55 = tbi;

    if (arm_has(env->config, ARM_FEAT_CONSTPACFIELD)) {
        by55 = true;
    } else if (two) {
        bool t0 = tcr & TCR_TBI0, t1 = tcr & TCR_TBI1;
        by55 = data ? t0 || t1 : (t0 && !(tcr & TCR_TBID0)) || (t1 && !(tcr & TCR_TBID1));
    }
    return ptr >> (by55 ? 55 : 63) & 1;
}

/* ---- the operations; c bits 2:0: the key, bit 3: combined with another operation ---- */

uint64_t helper_pac_add(void *opaque, uint64_t ptr, uint64_t modifier, uint64_t c)
{
    ArmEnv *env = opaque;
    unsigned key = c & 7;
    bool data = key & 2, tbi = top_byte_ignored(env, ptr, data), upper = range_of(env, ptr, data, tbi);
    unsigned bottom = bottom_bit(env, upper);
    uint64_t mask = code_mask(bottom, tbi), clean = extended(ptr, bottom, tbi, upper);
    uint64_t code = code_of(env, clean, modifier, key);
    uint64_t rest = ptr & below(tbi ? 55 : 63) & ~below(bottom), all = below(tbi ? 55 : 63) & ~below(bottom);
    bool pac2 = arm_has(env->config, ARM_FEAT_PAuth2);
    uint64_t top = ptr & (tbi ? 1ull << 55 : 1ull << 63);
    bool canonical = (rest == 0 && !top) || (rest == all && top);

    if (!canonical && !pac2) {
        code ^= 1ull << (tbi ? 54 : 62);
    }
    uint64_t field = (pac2 ? ptr ^ code : code) & mask;
    return (ptr & ~mask & ~(1ull << 55)) | (uint64_t)upper << 55 | field;
}

uint64_t helper_pac_auth(void *opaque, uint64_t ptr, uint64_t modifier, uint64_t c)
{
    ArmEnv *env = opaque;
    unsigned key = c & 7;
    bool data = key & 2, tbi = top_byte_ignored(env, ptr, data), upper = ptr >> 55 & 1;
    unsigned bottom = bottom_bit(env, upper);
    uint64_t mask = code_mask(bottom, tbi), clean = extended(ptr, bottom, tbi, upper);
    uint64_t code = code_of(env, clean, modifier, key);

    if (!arm_has(env->config, ARM_FEAT_PAuth2)) {
        unsigned at = tbi ? 53 : 61;
        if (((ptr ^ code) & mask) == 0) {
            return clean;
        }
        return (clean & ~(3ull << at)) | (key & 1 ? 2ull : 1ull) << at;
    }
    uint64_t result = ptr ^ (code & mask);
    if (result != clean && arm_has(env->config, ARM_FEAT_FPAC) && !(c & 8)) {
        arm_raise(env, ARM_FAULT_SYNC, arm_syndrome(EC_FPAC, (data ? 2 : 0) | (key & 1)), 0, 0);
    }
    return result;
}

uint64_t helper_pac_auth_raise(void *opaque, uint64_t ptr, uint64_t modifier, uint64_t c)
{
    return helper_pac_auth(opaque, ptr, modifier, c);
}

uint64_t helper_pac_strip(void *opaque, uint64_t ptr, uint64_t data, uint64_t c)
{
    ArmEnv *env = opaque;
    bool upper = ptr >> 55 & 1;

    return extended(ptr, bottom_bit(env, upper), top_byte_ignored(env, ptr, data), upper);
}

uint64_t helper_pac_generic(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    return code_of(opaque, a, b, 4) & 0xffffffff00000000;
}

/* ---- branch targets (FEAT_BTI; D8.4.6, BranchTargetException()) ---- */

static void set_btype(ArmEnv *env, uint32_t btype)
{
    env->s.pstate = (env->s.pstate & ~(3u << PSTATE_BTYPE_SHIFT)) | btype << PSTATE_BTYPE_SHIFT;
    arm_update_mode(env);
    tcg_mode_changed(env);
}

uint64_t helper_bti_branch(void *opaque, uint64_t kind, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;

    set_btype(env, kind == 3 && !arm_page_guarded(env, env->s.pc) ? 1 : (uint32_t)kind);
    return 0;
}

uint64_t helper_bti_enter(void *opaque, uint64_t may_follow, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;

    if (!may_follow && arm_page_guarded(env, env->s.pc)) {
        uint32_t btype = env->s.pstate >> PSTATE_BTYPE_SHIFT & 3;
        arm_raise(env, ARM_FAULT_SYNC, arm_syndrome(EC_BTI, btype), 0, 0);
    }
    set_btype(env, 0);
    return 0;
}

/* HCR_EL2.API, SCR_EL3.API: the instructions are trapped (TrapPACUse()). */
uint64_t helper_pac_trap(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    unsigned el = arm_el(env);
    bool host = el == 0 && (arm_hcr(env) & (HCR_TGE | HCR_E2H)) == (HCR_TGE | HCR_E2H);

    if (el < 2 && arm_el2_enabled(env) && !host && !(arm_hcr(env) & HCR_API)) {
        arm_raise(env, ARM_FAULT_SYNC, arm_syndrome(EC_PAUTH_TRAP, 0), 2, 0);
    }
    if (el < 3 && arm_has(env->config, ARM_FEAT_EL3) && !(env->s.sr[ARM_SR_SCR_EL3] & SCR_API)) {
        arm_raise(env, ARM_FAULT_SYNC, arm_syndrome(EC_PAUTH_TRAP, 0), 3, 0);
    }
    return 0;
}
