/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address translation, stage 1 (Arm ARM D8): which regime an access is in, AArch64's tables with all granules,
 * permissions, access flag and dirty state, tagged addresses; and the faults of both stages.
 *
 * One walk serves the translator's TLB, AT instructions (nothing is written) and the debugger (memory is peeked at).
 */
#include <stdlib.h>
#include <string.h>
#include "target/arm/mmu.h"

#define DESC_AP1 (1ull << 6)
#define DESC_AP2 (1ull << 7)
#define DESC_AF (1ull << 10)
#define DESC_NG (1ull << 11)
#define DESC_NS (1ull << 5)
#define DESC_GP (1ull << 50)
#define DESC_DBM (1ull << 51)
#define DESC_PXN (1ull << 53)
#define DESC_XN (1ull << 54) /* UXN where EL0 shares the regime */
#define TABLE_PXN (1ull << 59)
#define TABLE_XN (1ull << 60)
#define TABLE_AP0 (1ull << 61) /* no access from EL0 */
#define TABLE_AP1 (1ull << 62) /* no writes */
#define TABLE_NS (1ull << 63)

#define MAX_UPDATES 64 /* tries to set bits of an entry that others change all the time */

static bool two_privileges(const ArmWalk *w)
{
    return w->regime == REGIME_E10 || w->regime == REGIME_E20;
}

static uint64_t by_el(const ArmState *s, unsigned el, ArmSr el1, ArmSr el2, ArmSr el3)
{
    return s->sr[el == 1 ? el1 : el == 2 ? el2 : el3];
}

void arm_walk_init(ArmWalk *w, ArmEnv *env, uint64_t va, int access, int mmu)
{
    static const ArmRegime regimes[ARM_MMU__COUNT] = {REGIME_E10, REGIME_E10, REGIME_E10, REGIME_E20,
                                                      REGIME_E20, REGIME_E20, REGIME_E2,  REGIME_E3};
    const ArmState *s = &env->s;
    ArmRegime regime = regimes[mmu];
    unsigned el = regime == REGIME_E10 ? 1 : regime == REGIME_E3 ? 3 : 2;

    /* EL3 in AArch32: Secure PL1&0 is one regime, by EL3's registers. */
    if (!env->config->aarch64 && (regime == REGIME_E3 || (regime == REGIME_E10 && arm_secure_below_el3(env)))) {
        regime = REGIME_E10;
        el = 3;
    }
    *w = (ArmWalk){
        .env = env,
        .update = true,
        .va = va,
        .access = access,
        .regime = regime,
        .user = mmu == ARM_MMU_E10_0 || mmu == ARM_MMU_E20_0,
        .pan = mmu == ARM_MMU_E10_1_PAN || mmu == ARM_MMU_E20_2_PAN,
        .el = el,
        .a32 = arm_el_is_a32(env, el),
        .secure = el == 3 || arm_secure(env),
        .sctlr = by_el(s, el, ARM_SR_SCTLR_EL1, ARM_SR_SCTLR_EL2, ARM_SR_SCTLR_EL3),
        .tcr = by_el(s, el, ARM_SR_TCR_EL1, ARM_SR_TCR_EL2, ARM_SR_TCR_EL3),
        .hcr = arm_hcr(env),
        .flush_bits = 12,
    };
    w->two_stage = regime == REGIME_E10 && el == 1 && (w->hcr & HCR_VM);
}

/* ---- the leaf: permissions, access flag, dirty state ---- */

typedef struct Rights {
    bool r, w, x;
} Rights;

/* D8.4.1; w is as the descriptor has it, before PAN, which execution depends on. */
static Rights rights_a64(const ArmWalk *w, uint64_t desc, bool writable)
{
    bool el0 = desc & DESC_AP1, wxn = w->sctlr & SCTLR_WXN;

    if (!two_privileges(w)) {
        return (Rights){true, writable, !(desc & DESC_XN) && !(wxn && writable)};
    }
    if (w->user) {
        bool wr = el0 && writable;
        return (Rights){el0, wr, !(desc & DESC_XN) && !(wxn && wr)};
    }
    bool epan = arm_has(w->env->config, ARM_FEAT_PAN3) && (w->sctlr & SCTLR_EPAN) && !(desc & DESC_XN);
    bool denied = w->pan && (el0 || epan);
    bool x = !(desc & DESC_PXN) && !(el0 && writable) && !(wxn && writable);
    return (Rights){!denied, writable && !denied, x};
}

/* AArch32's long descriptors (G5.7.1): what can not be read is not executed either. */
static Rights rights_lpae(const ArmWalk *w, uint64_t desc, bool writable)
{
    bool el0 = desc & DESC_AP1, wxn = w->sctlr & SCTLR_WXN, uwxn = w->sctlr & SCTLR_UWXN;

    if (!two_privileges(w)) {
        return (Rights){true, writable, !(desc & DESC_XN) && !(wxn && writable)};
    }
    if (w->user) {
        bool wr = el0 && writable;
        return (Rights){el0, wr, el0 && !(desc & DESC_XN) && !(wxn && wr)};
    }
    bool denied = w->pan && el0;
    bool x = !(desc & (DESC_XN | DESC_PXN)) && !(wxn && writable) && !(uwxn && el0 && writable);
    return (Rights){!denied, writable && !denied, x};
}

/* Permissions of tables above, put into the leaf's own bits. */
static uint64_t inherit(const ArmWalk *w, const ArmTables *t, uint64_t desc)
{
    if (t->hpd) {
        return desc;
    }
    if (two_privileges(w) && (t->inherited & TABLE_AP0)) {
        desc &= ~DESC_AP1;
    }
    desc |= t->inherited & TABLE_XN ? DESC_XN : 0;
    desc |= two_privileges(w) && (t->inherited & TABLE_PXN) ? DESC_PXN : 0;
    return desc;
}

static bool allows(const Rights *p, int access)
{
    return access == MMU_READ ? p->r : access == MMU_WRITE ? p->w : p->x;
}

/* Tables of stage 1 are written by the hardware's leave of stage 2 (D8.4.6). */
static bool may_update(ArmWalk *w, const ArmTables *t)
{
    hwaddr at = t->desc_ipa;
    MmuResult res;

    return !w->two_stage || !w->update || arm_stage2(w, &at, true, MMU_WRITE, &res);
}

bool arm_stage1_leaf(ArmWalk *w, ArmTables *t, bool ha, bool hd, MmuResult *res)
{
    uint64_t mair = by_el(&w->env->s, w->el, ARM_SR_MAIR_EL1, ARM_SR_MAIR_EL2, ARM_SR_MAIR_EL3);

    for (int tries = 0; tries < MAX_UPDATES; tries++) {
        uint64_t desc = inherit(w, t, t->desc), want = t->desc;
        bool no_write = t->inherited & TABLE_AP1 && !t->hpd;
        bool dirty = !(desc & DESC_AP2), clean_writable = hd && (desc & DESC_DBM);
        bool writable = (dirty || clean_writable) && !no_write;
        Rights p = w->a32 ? rights_lpae(w, desc, writable) : rights_a64(w, desc, writable);

        if (!(desc & DESC_AF)) {
            if (!ha && !w->peek) {
                return arm_walk_fault(w, FSC_ACCESS_FLAG, t->level);
            }
            want |= DESC_AF;
        }
        w->ns = !w->secure || (desc & DESC_NS) || (t->inherited & TABLE_NS);
        if (w->secure && w->ns && (w->env->s.sr[ARM_SR_SCR_EL3] & SCR_SIF)) {
            p.x = false;
        }
        if (!allows(&p, w->access) && !w->peek) {
            return arm_walk_fault(w, FSC_PERMISSION, t->level);
        }
        if (w->access == MMU_WRITE && !dirty) {
            want &= ~DESC_AP2;
        }
        if (want != t->desc && !may_update(w, t)) {
            return false;
        }
        if (!arm_table_update(w, t->desc_pa, 8, t->be, &t->desc, want)) {
            if ((t->desc & 3) != (want & 3)) {
                return arm_walk_fault(w, FSC_TRANSLATION, t->level);
            }
            continue;
        }
        res->r = p.r;
        res->w = p.w && (dirty || (w->access == MMU_WRITE && w->update));
        res->x = p.x;
        res->global = !two_privileges(w) || (!(desc & DESC_NG) && !(w->secure && (t->inherited & TABLE_NS)));
        res->page_bits = t->block_bits;
        res->paddr = t->out | (t->in & ((1ull << t->block_bits) - 1));
        w->ap1 = desc & DESC_AP1;
        w->guarded = desc & DESC_GP;
        w->attr = (uint8_t)(mair >> 8 * (desc >> 2 & 7));
        w->sh = desc >> 8 & 3;
        w->flush_bits = t->block_bits > t->grain ? t->block_bits : 12;
        res->uncached = !(w->attr & 0xf0);
        return true;
    }
    return arm_walk_fault(w, FSC_ATOMIC_UPDATE, 0);
}

/* ---- AArch64: ranges and granules ---- */

typedef struct Range {
    uint64_t ttbr;
    unsigned tsz, tg; /* tg: log2 of the granule */
    unsigned ps;
    bool upper, tbi, tbid, epd, e0pd, ha, hd, hpd, ds;
} Range;

/* The size asked for, or one that the processor has (TCR_EL1.TG0: the choice is ours). */
static unsigned granule(const ArmCpuConfig *c, unsigned bits)
{
    if ((bits == 14 && arm_has(c, ARM_FEAT_GRAN16K)) || (bits == 16 && arm_has(c, ARM_FEAT_GRAN64K)) ||
        (bits == 12 && arm_has(c, ARM_FEAT_GRAN4K))) {
        return bits;
    }
    return arm_has(c, ARM_FEAT_GRAN4K) ? 12 : 16;
}

static unsigned granule0(const ArmCpuConfig *c, unsigned tg)
{
    return granule(c, tg == 1 ? 16 : tg == 2 ? 14 : 12);
}

static void range_two(const ArmWalk *w, Range *r)
{
    uint64_t tcr = w->tcr;
    const ArmState *s = &w->env->s;
    const ArmCpuConfig *c = w->env->config;
    bool up = w->va >> 55 & 1;

    *r = (Range){
        .upper = up,
        .ttbr = up ? s->sr[w->el == 1 ? ARM_SR_TTBR1_EL1 : ARM_SR_TTBR1_EL2]
                   : s->sr[w->el == 1 ? ARM_SR_TTBR0_EL1 : ARM_SR_TTBR0_EL2],
        .tsz = tcr >> (up ? 16 : 0) & 63,
        .epd = tcr >> (up ? 23 : 7) & 1,
        .ps = tcr >> 32 & 7,
        .tbi = tcr >> (37 + up) & 1,
        .ha = tcr >> 39 & 1,
        .hd = tcr >> 40 & 1,
        .hpd = tcr >> (41 + up) & 1,
        .tbid = tcr >> (51 + up) & 1,
        .e0pd = arm_has(c, ARM_FEAT_E0PD) && (tcr >> (55 + up) & 1),
        .ds = tcr >> 59 & 1,
    };
    unsigned tg1 = tcr >> 30 & 3;
    r->tg = up ? granule(c, tg1 == 1 ? 14 : tg1 == 3 ? 16 : 12) : granule0(c, tcr >> 14 & 3);
}

static void range_one(const ArmWalk *w, Range *r)
{
    uint64_t tcr = w->tcr;

    *r = (Range){
        .ttbr = w->env->s.sr[w->el == 2 ? ARM_SR_TTBR0_EL2 : ARM_SR_TTBR0_EL3],
        .tsz = tcr & 63,
        .ps = tcr >> 16 & 7,
        .tbi = tcr >> 20 & 1,
        .ha = tcr >> 21 & 1,
        .hd = tcr >> 22 & 1,
        .hpd = tcr >> 24 & 1,
        .tbid = tcr >> 29 & 1,
        .ds = tcr >> 32 & 1,
        .tg = granule0(w->env->config, tcr >> 14 & 3),
    };
}

/* What features do not let a register say. */
static void range_limit(const ArmCpuConfig *c, Range *r)
{
    r->ds &= arm_has(c, ARM_FEAT_LPA2) && r->tg != 16;
    r->ha &= arm_has(c, ARM_FEAT_HAFDBS) || arm_has(c, ARM_FEAT_HAF);
    r->hd &= r->ha && arm_has(c, ARM_FEAT_HAFDBS);
    r->hpd &= arm_has(c, ARM_FEAT_HPDS);
    r->tbid &= arm_has(c, ARM_FEAT_PAuth);
}

static bool tsz_valid(const ArmCpuConfig *c, const Range *r)
{
    bool lva = (r->tg == 16 && arm_has(c, ARM_FEAT_LVA)) || r->ds;
    unsigned max = arm_has(c, ARM_FEAT_TTST) ? (r->tg == 16 ? 47 : 48) : 39;

    return r->tsz >= (lva ? 12u : 16u) && r->tsz <= max;
}

/* Bits above the range must be copies of bit 55, or of nothing where tags may be (D8.1.5). */
static bool canonical(const ArmWalk *w, const Range *r)
{
    unsigned low = 64 - r->tsz;
    uint64_t va = w->va;

    if (r->tbi && !(w->access == MMU_EXEC && r->tbid)) {
        va = (uint64_t)sign_extend64(va, 56);
    }
    if (!two_privileges(w)) {
        va = r->tbi ? w->va & 0x00ffffffffffffffull : w->va;
        return arm_pa_fits(va, low);
    }
    return r->upper ? arm_pa_fits(~va, low) : arm_pa_fits(va, low);
}

static bool walk_a64(ArmWalk *w, MmuResult *res)
{
    const ArmCpuConfig *c = w->env->config;
    Range r;

    if (two_privileges(w)) {
        range_two(w, &r);
    } else {
        range_one(w, &r);
    }
    range_limit(c, &r);
    if (!tsz_valid(c, &r) || !canonical(w, &r) || r.epd || (w->user && r.e0pd)) {
        return arm_walk_fault(w, FSC_TRANSLATION, 0);
    }
    unsigned in_bits = 64 - r.tsz, stride = r.tg - 3;
    int level = 3 - (int)((in_bits - r.tg - 1) / stride);
    bool wide64 = r.tg == 16 && arm_has(c, ARM_FEAT_LPA);
    unsigned table_bits = in_bits - (r.tg + stride * (unsigned)(3 - level)) + 3;
    ArmTables t = {
        .in = w->va & ((1ull << in_bits) - 1),
        .level = level,
        .grain = (uint8_t)r.tg,
        .in_bits = (uint8_t)in_bits,
        .out_bits = (uint8_t)MIN(arm_ps_bits(c, r.ps), wide64 || r.ds ? 52u : 48u),
        .wide64 = wide64,
        .ds = r.ds,
        .be = w->sctlr & SCTLR_EE,
        .hpd = r.hpd,
    };
    t.base = r.ttbr & 0xfffffffffffeull;
    if (t.out_bits > 48) {
        t.base = (t.base & ~0x3full) | (r.ttbr >> 2 & 15) << 48;
        table_bits = MAX(table_bits, 6);
    }
    t.base &= ~((1ull << table_bits) - 1);
    if (!arm_pa_fits(t.base, t.out_bits)) {
        return arm_walk_fault(w, FSC_ADDRESS_SIZE, 0);
    }
    return arm_tables(w, &t) && arm_stage1_leaf(w, &t, r.ha, r.hd, res);
}

/* ---- the walk ---- */

/* Stage 1 is off (D8.2.10): the address itself, if it is one. */
static bool walk_flat(ArmWalk *w, MmuResult *res)
{
    uint64_t va = w->va;
    bool tbi = w->tcr >> (!two_privileges(w) ? 20 : 37 + (va >> 55 & 1)) & 1;
    bool tbid = w->tcr >> (!two_privileges(w) ? 29 : 51 + (va >> 55 & 1)) & 1;

    if (w->a32) {
        va = (uint32_t)va;
    } else if (tbi && !(w->access == MMU_EXEC && tbid && arm_has(w->env->config, ARM_FEAT_PAuth))) {
        va &= 0x00ffffffffffffffull;
    }
    if (!w->a32 && !arm_pa_fits(va, w->env->config->pa_bits)) {
        return arm_walk_fault(w, FSC_ADDRESS_SIZE, 0);
    }
    bool cached = w->regime == REGIME_E10 && (w->hcr & HCR_DC);
    w->ns = !w->secure;
    w->attr = !cached ? 0 : w->hcr & HCR_DCT ? ARM_ATTR_TAGGED : 0xff;
    w->sh = cached ? 0 : 2;
    *res = (MmuResult){
        .paddr = va, .page_bits = 30, .r = true, .w = true, .x = true, .global = true, .uncached = !cached,
    };
    return true;
}

static bool stage1_on(const ArmWalk *w)
{
    if (w->regime == REGIME_E10 && ((w->hcr & HCR_DC) || (w->hcr & (HCR_TGE | HCR_E2H)) == HCR_TGE)) {
        return false;
    }
    return w->sctlr & SCTLR_M;
}

static bool stage1(ArmWalk *w, MmuResult *res)
{
    if (!stage1_on(w)) {
        return walk_flat(w, res);
    }
    if (!w->a32) {
        return walk_a64(w, res);
    }
    w->va = (uint32_t)w->va;
    return arm_a32_uses_lpae(w) ? arm_walk_lpae(w, res) : arm_walk_short(w, res);
}

bool arm_walk(ArmWalk *w, MmuResult *res)
{
    if (!stage1(w, res)) {
        return false;
    }
    if (w->two_stage && !w->s1_only) {
        MmuResult s2;
        hwaddr pa = res->paddr;

        if (!arm_stage2(w, &pa, false, w->access, &s2)) {
            return false;
        }
        res->paddr = pa;
        res->r &= s2.r;
        res->w &= s2.w;
        res->x &= s2.x;
        res->uncached |= s2.uncached;
        res->page_bits = MIN(res->page_bits, s2.page_bits);
    }
    res->paddr &= ~(hwaddr)0xfff;
    res->flush_bits = w->flush_bits;
    return true;
}

/* ---- faults ---- */

/* AArch32: which format of FSR a regime has is that of its tables. */
uint32_t arm_walk_fsr(const ArmWalk *w)
{
    /* Short format of a status (G5.11.7) by its long one: translation, access flag, permission, by level 1 and 2. */
    static const uint8_t by_kind[4][4] = {{0, 0, 0, 0}, {5, 5, 7, 7}, {3, 3, 6, 6}, {13, 13, 15, 15}};
    uint32_t fsr = w->access == MMU_WRITE ? 1u << 11 : 0;
    unsigned fs;

    if (arm_a32_uses_lpae(w) || w->s2 || w->s1ptw || w->el == 2) {
        return fsr | 1u << 9 | (w->fsc & 0x3f);
    }
    if (w->fsc >= FSC_DOMAIN) {
        fs = (w->fsc & 3) < 2 ? 9 : 11;
    } else if (w->fsc == FSC_ALIGNMENT) {
        fs = 1;
    } else if (w->fsc == FSC_EXTERNAL) {
        fs = 8;
    } else if (w->fsc >= FSC_EXTERNAL_WALK) {
        fs = (w->fsc & 3) < 2 ? 12 : 14;
    } else {
        fs = by_kind[w->fsc >> 2 & 3][w->fsc & 3];
    }
    return fsr | (fs & 15) | (fs >> 4) << 10 | (uint32_t)w->domain << 4;
}

void arm_walk_note(ArmWalk *w)
{
    ArmEnv *env = w->env;
    bool fetch = w->access == MMU_EXEC;
    unsigned target = w->s2 || w->s1ptw ? 2 : arm_sync_target(env);
    bool same = target == arm_el(env);
    ArmEc ec = fetch ? (same ? EC_IABT : EC_IABT_LOWER) : same ? EC_DABT : EC_DABT_LOWER;
    uint8_t fsc = w->fsc >= FSC_DOMAIN ? FSC_DOMAIN | (w->fsc & 3) : w->fsc;
    uint32_t iss = fsc | (uint32_t)w->s1ptw << 7 | (!fetch && w->access == MMU_WRITE ? 1u << 6 : 0);

    arm_note(env, fetch ? ARM_FAULT_PREFETCH : ARM_FAULT_DATA, arm_syndrome(ec, iss), target, w->va);
    env->fault.fsr = arm_walk_fsr(w);
    if (w->s2 || w->s1ptw) {
        env->fault.is_stage2 = !w->s1ptw;
        env->fault.hpfar = (w->ipa >> 12 & 0xffffffffffull) << 4 | (w->ns_ipa ? 1ull << 63 : 0);
    }
}

bool arm_mmu_walk(void *opaque, uint64_t va, int access, int mmu, MmuResult *res)
{
    ArmEnv *env = opaque;
    ArmWalk w;

    arm_walk_init(&w, env, va, access, mmu);
    if (!arm_walk(&w, res)) {
        arm_walk_note(&w);
        return false;
    }
    env->guarded |= access == MMU_EXEC && w.guarded;
    res->attr = (w.guarded && !w.a32 ? ARM_PAGE_GUARDED : 0) |
                (!w.a32 && arm_attr_tagged(env->config, w.attr) ? ARM_PAGE_TAGGED : 0);
    /* Who flushes by address names it without the tag. */
    env->tlb_tagged |= !w.a32 && (va >> 56) != (va >> 55 & 1 ? 0xffu : 0u);
    return true;
}

void arm_note_align(void *opaque, uint64_t va)
{
    ArmEnv *env = opaque;
    ArmWalk w;

    arm_walk_init(&w, env, va, MMU_READ, arm_mode_mmu(env->mode));
    w.fsc = FSC_ALIGNMENT;
    arm_walk_note(&w);
}

void arm_note_bus_error(void *opaque, uint64_t va, hwaddr pa, int access)
{
    ArmEnv *env = opaque;
    ArmWalk w;

    arm_walk_init(&w, env, va, access, arm_mode_mmu(env->mode));
    w.fsc = FSC_EXTERNAL;
    arm_walk_note(&w);
    /* External aborts may have been claimed by a higher level (SCR_EL3.EA, HCR_EL2.TEA). */
    unsigned el = arm_el(env), target = env->fault.target_el;
    if (arm_has(env->config, ARM_FEAT_EL3) && (env->s.sr[ARM_SR_SCR_EL3] & SCR_EA)) {
        target = 3;
    } else if (el < 2 && (w.hcr & HCR_TEA)) {
        target = 2;
    }
    if (target != env->fault.target_el) {
        ArmEc ec = access == MMU_EXEC ? EC_IABT_LOWER : EC_DABT_LOWER;
        ec += target == el;
        env->fault.target_el = (uint8_t)target;
        env->fault.esr = arm_syndrome(ec, env->fault.esr & 0x1ffffff);
    }
}

/* The debugger sees what is mapped, whoever may access it. */
bool arm_debug_translate(Cpu *cpu, uint64_t va, hwaddr *pa)
{
    ArmEnv *env = arm_env_parked(cpu);
    ArmWalk w;
    MmuResult res;

    arm_walk_init(&w, env, va, MMU_READ, arm_mode_mmu(env->mode));
    w.peek = true;
    w.update = w.user = w.pan = false;
    bool ok = arm_walk(&w, &res);
    if (ok) {
        *pa = res.paddr | (va & 0xfff);
    }
    free(env);
    return ok;
}

bool arm_page_guarded(ArmEnv *env, uint64_t va)
{
    ArmFault keep = env->fault;
    TcgPage p;
    bool there = tcg_page(env, va, MMU_EXEC, arm_mode_mmu(env->mode), &p);

    env->fault = keep;
    return there && (p.attr & ARM_PAGE_GUARDED);
}
