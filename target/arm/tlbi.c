/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLB maintenance: TLBI of A64 (Arm ARM C5.5, D8.14) and of AArch32's c8, and what writes to control registers change.
 *
 * ASIDs are contexts of the translator's TLB, which keeps several (tcg_tlb_context()); any other change of a regime drops
 * all of it, VMIDs too. Dropping more than asked is always right. Other processors do the same to theirs on their own
 * thread, with the registers that they then have: if those have changed since, the change has dropped everything in
 * question.
 */
#include "target/arm/mmu.h"

#define MAX_PAGES 64 /* of 4 KiB, one by one; for more, the whole space goes */

typedef enum Scope { SCOPE_ALL, SCOPE_ADDRESS, SCOPE_ASID, SCOPE_RANGE, SCOPE_IPA } Scope;

typedef struct Op {
    Scope scope;
    uint8_t el;      /* regime: of EL1 (or EL2 with E2H and TGE), EL2, EL3 */
    bool vm;         /* of EL1's regime, even in a host with E2H and TGE */
    bool shared, any_asid;
} Op;

/* ---- which operation ---- */

static bool a32(uint32_t key)
{
    return key >> 31;
}

/* op1, CRm, op2 of SYS; opc1, CRm, opc2 of MCR p15 c8. */
static void fields(uint32_t key, unsigned *op1, unsigned *crm, unsigned *op2)
{
    if (a32(key)) {
        *op1 = key >> 3 & 15;
        *crm = key >> 7 & 15;
        *op2 = key & 7;
    } else {
        *op1 = key >> 11 & 7;
        *crm = key >> 3 & 15;
        *op2 = key & 7;
    }
}

static Op decode_ipa(unsigned crm, unsigned op2)
{
    Op o = {.scope = SCOPE_IPA, .el = 1, .vm = true};

    o.shared = crm == 0 || op2 == 0 || op2 == 3 || op2 == 4 || op2 == 7;
    return o;
}

static Op decode(uint32_t key)
{
    unsigned op1, crm, op2;

    fields(key, &op1, &crm, &op2);
    if (op1 == 4 && (crm == 0 || crm == 4)) {
        return decode_ipa(crm, op2);
    }
    Op o = {.el = op1 == 0 ? 1 : op1 == 4 ? 2 : 3};
    bool range = !a32(key) && (crm == 2 || crm == 5 || crm == 6);

    o.shared = crm == 1 || crm == 2 || crm == 3 || (crm == 5 && !a32(key));
    switch (op2) {
    case 0: /* VMALLE1, ALLE2, ALLE3, TLBIALL, TLBIALLH */
        o.scope = SCOPE_ALL;
        break;
    case 4: /* ALLE1, TLBIALLNSNH */
    case 6: /* VMALLS12E1 */
        o.scope = SCOPE_ALL;
        o.vm = true;
        o.el = 1;
        break;
    case 2: /* ASIDE1 */
        o.scope = SCOPE_ASID;
        break;
    default: /* VAE1, VAAE1, VALE1, VAALE1 and those of the other levels */
        o.scope = range ? SCOPE_RANGE : SCOPE_ADDRESS;
        o.any_asid = op2 & 2;
        break;
    }
    return o;
}

/* ---- regimes ---- */

/* HCR_EL2 with E2H and TGE: EL1&0 is not in use (unlike arm_host_el0(), of any value). */
static bool host_regime(const ArmEnv *env, uint64_t hcr)
{
    return (hcr & (HCR_E2H | HCR_TGE)) == (HCR_E2H | HCR_TGE) && arm_has(env->config, ARM_FEAT_VHE);
}

/* The mmu indexes that an operation for a level is about on this processor. vm: see Op. */
static uint32_t space_of(const ArmEnv *env, unsigned el, bool vm)
{
    uint64_t hcr = arm_hcr(env);

    switch (el) {
    case 1:
        if (!env->config->aarch64) {
            return ARM_SPACE_E10 | ARM_SPACE_E3; /* Secure PL1&0 with EL3 in AArch32 is both */
        }
        return host_regime(env, hcr) && !vm ? ARM_SPACE_E20 : ARM_SPACE_E10;
    case 2:
        return hcr & HCR_E2H ? ARM_SPACE_E20 : ARM_SPACE_E2;
    default:
        return ARM_SPACE_E3;
    }
}

/* Bits of ASIDs that are in use. */
static uint16_t asid_mask(const ArmEnv *env, uint32_t space)
{
    uint64_t tcr = env->s.sr[space == ARM_SPACE_E10 ? ARM_SR_TCR_EL1 : ARM_SR_TCR_EL2];
    bool el_a32 = space == ARM_SPACE_E10 && arm_el_is_a32(env, 1);

    return !el_a32 && (tcr >> 36 & 1) ? 0xffff : 0xff;
}

static uint16_t current_asid(const ArmEnv *env, uint32_t space)
{
    const uint64_t *sr = env->s.sr;
    uint64_t ttbr;

    if (space == ARM_SPACE_E10) {
        uint64_t tcr = sr[ARM_SR_TCR_EL1];
        if (arm_el_is_a32(env, 1) && !(tcr >> 31 & 1)) {
            return sr[ARM_SR_CONTEXTIDR_EL1] & 0xff;
        }
        ttbr = sr[tcr >> 22 & 1 ? ARM_SR_TTBR1_EL1 : ARM_SR_TTBR0_EL1];
    } else {
        ttbr = sr[sr[ARM_SR_TCR_EL2] >> 22 & 1 ? ARM_SR_TTBR1_EL2 : ARM_SR_TTBR0_EL2];
    }
    return (uint16_t)(ttbr >> 48) & asid_mask(env, space);
}

/* log2 of the granule that maps va in a regime. */
static unsigned grain_of(const ArmEnv *env, uint32_t space, uint64_t va)
{
    const uint64_t *sr = env->s.sr;
    unsigned el = space == ARM_SPACE_E10 ? 1 : space == ARM_SPACE_E3 ? 3 : 2;
    uint64_t tcr = sr[el == 1 ? ARM_SR_TCR_EL1 : el == 2 ? ARM_SR_TCR_EL2 : ARM_SR_TCR_EL3];
    static const uint8_t low[4] = {12, 16, 14, 12}, high[4] = {12, 14, 12, 16};

    if (arm_el_is_a32(env, el)) {
        return 12;
    }
    bool two = space == ARM_SPACE_E10 || space == ARM_SPACE_E20;
    return two && (va >> 55 & 1) ? high[tcr >> 30 & 3] : low[tcr >> 14 & 3];
}

/* ---- doing it, on this processor ---- */

static void flush_pages(ArmEnv *env, uint32_t space, uint64_t va, uint64_t pages)
{
    if (env->tlb_tagged || pages > MAX_PAGES) {
        tcg_tlb_flush_space(env, space);
        return;
    }
    for (uint64_t i = 0; i < pages; i++) {
        tcg_tlb_flush_space_page(env, space, va + (i << 12));
    }
}

static uint16_t asid_of(const ArmEnv *env, uint32_t key, uint32_t space, uint64_t operand)
{
    return (uint16_t)(a32(key) ? operand & 0xff : operand >> 48) & asid_mask(env, space);
}

/* Has the regime ASIDs that are contexts? (Secure PL1&0 of AArch32 is in two spaces: it makes do without.) */
static bool has_contexts(const ArmEnv *env, uint32_t space)
{
    return env->config->aarch64 && (space == ARM_SPACE_E10 || space == ARM_SPACE_E20);
}

static void flush_asid(ArmEnv *env, uint32_t space, uint16_t asid)
{
    if (!has_contexts(env, space)) {
        tcg_tlb_flush_space_nonglobal(env, space);
    } else if (asid == current_asid(env, space)) {
        tcg_tlb_context(env, space, asid, false);
    } else {
        tcg_tlb_flush_context(env, space, asid);
    }
}

/* Pages of an address are dropped from the current context; others that are meant are dropped as a whole. */
static void flush_other_contexts(ArmEnv *env, uint32_t key, uint32_t space, uint64_t operand)
{
    uint16_t asid = asid_of(env, key, space, operand);

    if (!has_contexts(env, space)) {
        return;
    }
    if (decode(key).any_asid) {
        tcg_tlb_forget_contexts(env, space);
    } else if (asid != current_asid(env, space)) {
        tcg_tlb_flush_context(env, space, asid);
    }
}

static void flush_address(ArmEnv *env, uint32_t key, uint32_t space, uint64_t operand)
{
    uint64_t va = a32(key) ? (uint32_t)operand & ~0xfffull : (uint64_t)sign_extend64(operand << 12, 56);
    unsigned grain = grain_of(env, space, va);

    flush_pages(env, space, va & ~((1ull << grain) - 1), 1ull << (grain - 12));
}

static void flush_range(ArmEnv *env, uint32_t space, uint64_t operand)
{
    static const uint8_t grains[4] = {0, 12, 14, 16};
    unsigned tg = operand >> 46 & 3, scale = operand >> 44 & 3, num = operand >> 39 & 31, grain = grains[tg];
    uint64_t tcr = env->s.sr[space == ARM_SPACE_E10 ? ARM_SR_TCR_EL1 : space == ARM_SPACE_E3 ? ARM_SR_TCR_EL3 : ARM_SR_TCR_EL2];
    bool two = space == ARM_SPACE_E10 || space == ARM_SPACE_E20;
    bool ds = arm_has(env->config, ARM_FEAT_LPA2) && (tcr >> (two ? 59 : 32) & 1);
    int64_t base = sign_extend64(operand & 0x1fffffffffull, 37);

    if (!grain) { /* reserved: nothing is in such a range */
        return;
    }
    uint64_t va = (uint64_t)(two ? base : (int64_t)(operand & 0x1fffffffffull)) << (ds ? 16 : grain);
    uint64_t pages = (uint64_t)(num + 1) << (5 * scale + 1);
    flush_pages(env, space, va, pages << (grain - 12));
}

static void invalidate(ArmEnv *env, uint32_t key, uint32_t space, uint64_t operand)
{
    Op o = decode(key);

    switch (o.scope) {
    case SCOPE_ALL:
    case SCOPE_IPA: /* entries do not know the intermediate address that they came by */
        tcg_tlb_flush_space(env, space);
        break;
    case SCOPE_ADDRESS:
        flush_other_contexts(env, key, space, operand);
        flush_address(env, key, space, operand);
        break;
    case SCOPE_RANGE:
        flush_other_contexts(env, key, space, operand);
        flush_range(env, space, operand);
        break;
    case SCOPE_ASID:
        flush_asid(env, space, asid_of(env, key, space, operand));
        break;
    }
}

static void invalidate_there(void *env, uint64_t key_space, uint64_t operand)
{
    invalidate(env, (uint32_t)key_space, (uint32_t)(key_space >> 32), operand);
}

void arm_tlbi(ArmEnv *env, uint32_t key, uint64_t operand)
{
    Op o = decode(key);
    bool forced = o.el == 1 && arm_el(env) == 1 && (arm_hcr(env) & HCR_FB);
    /* By this processor's registers, whatever regime the others are in. */
    uint32_t space = space_of(env, o.el, o.vm);

    invalidate(env, key, space, operand);
    if (o.shared || forced) {
        tcg_tlb_others(env, invalidate_there, (uint64_t)space << 32 | key, operand);
    }
}

bool arm_tlbi_pending(ArmEnv *env)
{
    return !tcg_tlb_others_done(env);
}

/* ---- control registers ---- */

#define KEY(name) KEY_##name
enum {
#define R(name, op0, op1, crn, crm, op2, reset, help) KEY_##name = A64_SYSREG(op0, op1, crn, crm, op2),
#include "target/arm/sysreg.def"
#undef R
};

static void asid_changed(ArmEnv *env, uint32_t space, bool uses, uint64_t changed)
{
    if (!uses || !(changed >> 48 & asid_mask(env, space))) {
        return;
    }
    if (has_contexts(env, space)) {
        tcg_tlb_context(env, space, current_asid(env, space), true);
    } else {
        tcg_tlb_flush_space_nonglobal(env, space);
    }
}

/* HCR_EL2: what changes EL1&0 matters only while that regime is in use, which it is not in a host with E2H and TGE. */
static void hcr_changed(ArmEnv *env, uint64_t old, uint64_t now)
{
    uint64_t bits = HCR_VM | HCR_PTW | HCR_DC | HCR_FWB | (1ull << 31);
    bool was_host = host_regime(env, old), host = host_regime(env, now);

    if ((old ^ now) & HCR_E2H) {
        tcg_tlb_flush_space(env, ARM_SPACE_E10 | ARM_SPACE_E20 | ARM_SPACE_E2);
        return;
    }
    bits |= (now & HCR_E2H) ? 0 : HCR_TGE;
    if (was_host && !host) { /* back to the guest: what was there was made under e10_hcr */
        old = env->priv->e10_hcr;
    } else if (!was_host && host) {
        env->priv->e10_hcr = old;
        return;
    } else if (host) {
        return;
    }
    if ((old ^ now) & bits) {
        tcg_tlb_flush_space(env, ARM_SPACE_E10);
    }
}

void arm_regime_changed(ArmEnv *env, uint32_t key, uint64_t old, uint64_t now)
{
    const uint64_t *sr = env->s.sr;
    uint64_t changed = old ^ now;
    const uint64_t sctlr = SCTLR_M | SCTLR_WXN | SCTLR_UWXN | SCTLR_EE | SCTLR_TRE | SCTLR_AFE | SCTLR_V6_XP |
                           SCTLR_V6_S | SCTLR_V6_R | SCTLR_EPAN;

    if (!changed) {
        return;
    }
    switch (key) {
    case KEY(TTBR0_EL1):
    case KEY(TTBR1_EL1):
        if (!arm_el_is_a32(env, 1) || (sr[ARM_SR_TCR_EL1] >> 31 & 1)) {
            asid_changed(env, ARM_SPACE_E10, (sr[ARM_SR_TCR_EL1] >> 22 & 1) == (key == KEY(TTBR1_EL1)), changed);
        }
        break;
    case KEY(TTBR0_EL2):
    case KEY(TTBR1_EL2):
        asid_changed(env, ARM_SPACE_E20, (sr[ARM_SR_TCR_EL2] >> 22 & 1) == (key == KEY(TTBR1_EL2)), changed);
        break;
    case KEY(CONTEXTIDR_EL1):
        if (arm_el_is_a32(env, 1) && !(sr[ARM_SR_TCR_EL1] >> 31 & 1) && (changed & 0xff)) {
            tcg_tlb_flush_space_nonglobal(env, ARM_SPACE_E10);
        }
        break;
    case KEY(SCTLR_EL1):
    case KEY(SCTLR_EL2):
    case KEY(SCTLR_EL3):
        if (changed & sctlr) {
            tcg_tlb_flush_space(env, key == KEY(SCTLR_EL1)   ? ARM_SPACE_E10
                                     : key == KEY(SCTLR_EL2) ? ARM_SPACE_E2 | ARM_SPACE_E20
                                                             : ARM_SPACE_E3);
        }
        break;
    case KEY(TCR_EL2):
        tcg_tlb_flush_space(env, ARM_SPACE_E2 | ARM_SPACE_E20);
        break;
    case KEY(TCR_EL3):
        tcg_tlb_flush_space(env, ARM_SPACE_E3);
        break;
    case KEY(VTTBR_EL2):
    case KEY(VSTTBR_EL2):
        if (changed >> 48 || key == KEY(VSTTBR_EL2)) {
            tcg_tlb_flush_space(env, ARM_SPACE_E10);
        }
        break;
    case KEY(HCR_EL2):
        hcr_changed(env, old, now);
        break;
    case KEY(SCR_EL3):
        if (changed & SCR_SIF) {
            tcg_tlb_flush_space(env, ARM_SPACE_E3);
        }
        if (changed & (SCR_NS | SCR_SIF | 1ull << 18)) { /* EEL2 */
            tcg_tlb_flush_space(env, ARM_SPACE_E10 | ARM_SPACE_E20 | ARM_SPACE_E2);
        }
        break;
    default: /* TCR_EL1, DACR, VTCR, memory types ..., the Secure ones of AArch32 */
        tcg_tlb_flush_space(env, ARM_SPACE_E10 | (env->config->aarch64 ? 0 : ARM_SPACE_E3));
        break;
    }
}
