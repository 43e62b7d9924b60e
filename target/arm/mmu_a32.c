/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stage 1 tables of AArch32 (Arm ARM G5.4 short descriptors, G5.5 long ones), and the formats before Armv6 with access
 * permissions of quarters of pages (DDI 0100I, B4.7), which Armv6 has where SCTLR.XP is 0.
 */
#include "target/arm/mmu.h"

enum { DOMAIN_NONE, DOMAIN_CLIENT, DOMAIN_RESERVED, DOMAIN_MANAGER };

bool arm_a32_uses_lpae(const ArmWalk *w)
{
    return w->el == 2 || (w->tcr >> 31 & 1 && arm_has(w->env->config, ARM_FEAT_LPAE));
}

static uint64_t ttbr(const ArmWalk *w, bool one)
{
    const uint64_t *sr = w->env->s.sr;

    if (w->el == 1) {
        return sr[one ? ARM_SR_TTBR1_EL1 : ARM_SR_TTBR0_EL1];
    }
    return w->el == 2 ? sr[ARM_SR_TTBR0_EL2] : sr[one ? ARM_SR_TTBR1_S : ARM_SR_TTBR0_EL3];
}

/* ---- long descriptors ---- */

bool arm_walk_lpae(ArmWalk *w, MmuResult *res)
{
    const ArmCpuConfig *c = w->env->config;
    uint32_t va = (uint32_t)w->va, tcr = (uint32_t)w->tcr;
    unsigned t0 = tcr & 7, t1 = tcr >> 16 & 7, tsz = t0;
    bool one = false, off = tcr >> 7 & 1;

    if (w->el == 2) {
        off = false;
        if (t0 && va >> (32 - t0)) {
            return arm_walk_fault(w, FSC_TRANSLATION, 1);
        }
    } else if (t0 ? va >> (32 - t0) != 0 : t1 && va >> (32 - t1) == (1u << t1) - 1) {
        one = true;
        tsz = t1;
        off = tcr >> 23 & 1;
        if (t1 && va >> (32 - t1) != (1u << t1) - 1) {
            return arm_walk_fault(w, FSC_TRANSLATION, 1);
        }
    }
    if (off) {
        return arm_walk_fault(w, FSC_TRANSLATION, 1);
    }
    unsigned in_bits = 32 - tsz;
    int level = in_bits > 30 ? 1 : 2;
    unsigned table_bits = in_bits - (level == 1 ? 30 : 21) + 3;
    ArmTables t = {
        .in = va & ((1ull << in_bits) - 1),
        .level = level,
        .grain = 12,
        .in_bits = (uint8_t)in_bits,
        .out_bits = MIN(c->pa_bits, 40),
        .be = w->sctlr & SCTLR_EE,
        .hpd = arm_has(c, ARM_FEAT_AA32HPD) && (tcr >> 6 & 1) && w->el != 2 && (w->tcr >> (one ? 42 : 41) & 1),
        .base = ttbr(w, one) & 0xffffffffffull & ~((1ull << table_bits) - 1),
    };
    if (!arm_pa_fits(t.base, t.out_bits)) {
        return arm_walk_fault(w, FSC_ADDRESS_SIZE, level);
    }
    return arm_tables(w, &t) && arm_stage1_leaf(w, &t, false, false, res);
}

/* ---- short descriptors ---- */

/* What a section or page descriptor says, wherever its bits are. */
typedef struct Short {
    unsigned ap;        /* AP[2:0] */
    bool xn, pxn, ng, ns;
    unsigned tex_cb;    /* TEX[2:0] C B */
    bool shared;
    unsigned bits;
    hwaddr base;
    int level;
} Short;

static bool read_entry(ArmWalk *w, hwaddr at, int level, uint32_t *desc)
{
    uint64_t val;
    MmuResult res;

    if (w->two_stage && !arm_stage2(w, &at, true, MMU_READ, &res)) {
        return false;
    }
    if (!arm_table_read(w, at, 4, w->sctlr & SCTLR_EE, level, &val)) {
        return false;
    }
    *desc = (uint32_t)val;
    return true;
}

static bool old_format(const ArmWalk *w)
{
    const ArmCpuConfig *c = w->env->config;
    return !arm_has(c, ARM_FEAT_V6) || (!arm_has(c, ARM_FEAT_V7) && !(w->sctlr & SCTLR_V6_XP));
}

static bool section(ArmWalk *w, uint32_t desc, Short *d)
{
    const ArmCpuConfig *c = w->env->config;
    bool super = desc >> 18 & 1;

    *d = (Short){
        .ap = (desc >> 10 & 3) | (desc >> 15 & 1) << 2,
        .xn = desc >> 4 & 1,
        .pxn = desc & 1 && arm_has(c, ARM_FEAT_LPAE),
        .ng = desc >> 17 & 1,
        .ns = desc >> 19 & 1,
        .tex_cb = (desc >> 12 & 7) << 2 | (desc >> 2 & 3),
        .shared = desc >> 16 & 1,
        .bits = 20,
        .base = desc & 0xfff00000,
        .level = 1,
    };
    if (old_format(w)) {
        d->ap &= 3;
        d->xn = d->pxn = d->ng = d->ns = false;
    } else if (super) {
        d->bits = 24;
        d->base = (desc & 0xff000000) | (hwaddr)(desc >> 20 & 15) << 32 | (hwaddr)(desc >> 5 & 15) << 36;
        w->domain = 0;
    }
    return true;
}

/* Second level of Armv6 and later. */
static bool page(ArmWalk *w, uint32_t table, uint32_t desc, Short *d)
{
    const ArmCpuConfig *c = w->env->config;
    bool large = (desc & 3) == 1;

    *d = (Short){
        .ap = (desc >> 4 & 3) | (desc >> 9 & 1) << 2,
        .xn = large ? desc >> 15 & 1 : desc & 1,
        .pxn = table >> 2 & 1 && arm_has(c, ARM_FEAT_LPAE),
        .ng = desc >> 11 & 1,
        .ns = table >> 3 & 1,
        .tex_cb = (large ? desc >> 12 & 7 : desc >> 6 & 7) << 2 | (desc >> 2 & 3),
        .shared = desc >> 10 & 1,
        .bits = large ? 16 : 12,
        .base = desc & (large ? 0xffff0000 : 0xfffff000),
        .level = 2,
    };
    return true;
}

/* Before Armv6: a page's quarters have permissions each; tiny pages in fine tables; extended small pages (XScale's) not. */
static bool old_page(ArmWalk *w, uint32_t desc, Short *d)
{
    static const uint8_t bits[4] = {0, 16, 12, 10};
    unsigned n = bits[desc & 3], quarter = n == 10 ? 0 : (uint32_t)w->va >> (n - 2) & 3;

    *d = (Short){
        .ap = desc >> (4 + 2 * quarter) & 3,
        .tex_cb = desc >> 2 & 3,
        .bits = n,
        .base = desc & ~((1u << n) - 1),
        .level = 2,
    };
    return true;
}

static bool second_level(ArmWalk *w, uint32_t table, Short *d)
{
    uint32_t va = (uint32_t)w->va, desc;
    bool old = old_format(w), fine = (table & 3) == 3;
    hwaddr at = fine ? (table & 0xfffff000) | (va >> 10 & 0x3ff) << 2 : (table & 0xfffffc00) | (va >> 12 & 0xff) << 2;

    if (!read_entry(w, at, 2, &desc)) {
        return false;
    }
    if (!(desc & 3) || (old && !fine && (desc & 3) == 3)) {
        return arm_walk_fault(w, FSC_TRANSLATION, 2);
    }
    return old ? old_page(w, desc, d) : page(w, table, desc, d);
}

static bool find(ArmWalk *w, Short *d)
{
    uint32_t va = (uint32_t)w->va, tcr = (uint32_t)w->tcr, desc;
    unsigned n = arm_has(w->env->config, ARM_FEAT_V6) ? tcr & 7 : 0;
    bool one = n && va >> (32 - n);
    uint32_t table = one ? (uint32_t)ttbr(w, true) & 0xffffc000 : (uint32_t)ttbr(w, false) & ~((1u << (14 - n)) - 1);
    uint32_t index = (one || !n ? va : va & ((1u << (32 - n)) - 1)) >> 20;
    bool pd = arm_has(w->env->config, ARM_FEAT_TRUSTZONE) && (tcr >> (one ? 5 : 4) & 1);

    if (pd) {
        return arm_walk_fault(w, FSC_TRANSLATION, 1);
    }
    if (!read_entry(w, table + index * 4, 1, &desc)) {
        return false;
    }
    w->domain = desc >> 5 & 15;
    switch (desc & 3) {
    case 0:
        w->domain = 0; /* not valid for this fault (G5.11.7) */
        return arm_walk_fault(w, FSC_TRANSLATION, 1);
    case 1:
        return second_level(w, desc, d);
    case 2:
        return section(w, desc, d);
    default:
        if (old_format(w)) {
            return arm_has(w->env->config, ARM_FEAT_V6) ? arm_walk_fault(w, FSC_TRANSLATION, 1) : second_level(w, desc, d);
        }
        return arm_has(w->env->config, ARM_FEAT_LPAE) ? section(w, desc, d) : arm_walk_fault(w, FSC_TRANSLATION, 1);
    }
}

/* AP[2:0] to what each side may do: bit 0 read, bit 1 write; privileged in bits 1:0, user in 3:2. */
static unsigned access_rights(const ArmWalk *w, unsigned ap)
{
    enum { R = 1, W = 3, UR = 4, UW = 12 };
    static const uint8_t full[8] = {0, W, W | UR, W | UW, 0, R, R | UR, R | UR};
    static const uint8_t simple[4] = {W, W | UW, R, R | UR};

    if (!old_format(w) && (w->sctlr & SCTLR_AFE)) {
        return simple[ap >> 1];
    }
    if (ap == 0 && !arm_has(w->env->config, ARM_FEAT_V7)) {
        bool s = w->sctlr & SCTLR_V6_S, r = w->sctlr & SCTLR_V6_R;
        return s && !r ? R : r && !s ? R | UR : 0;
    }
    return full[ap];
}

/* Memory type: TEX remapped by PRRR and NMRR, or as it stands (G5.7.4). Attributes as MAIR has them, for PAR. */
static void memory_type(ArmWalk *w, const Short *d)
{
    static const uint8_t cache[4] = {0x4, 0xf, 0xa, 0xe}; /* none, write-back allocate, write-through, write-back */
    unsigned v = d->tex_cb;

    if (w->sctlr & SCTLR_TRE && !old_format(w)) {
        uint32_t prrr = (uint32_t)w->env->s.sr[w->el == 3 ? ARM_SR_MAIR_EL3 : ARM_SR_MAIR_EL1];
        uint32_t nmrr = (uint32_t)(w->env->s.sr[w->el == 3 ? ARM_SR_MAIR_EL3 : ARM_SR_MAIR_EL1] >> 32);
        unsigned n = v & 7, type = prrr >> 2 * n & 3;
        w->attr = type == 2 ? (uint8_t)(cache[nmrr >> (16 + 2 * n) & 3] << 4 | cache[nmrr >> 2 * n & 3]) : type == 1 ? 4 : 0;
        bool nos = prrr >> (24 + n) & 1, sh = prrr >> (18 + d->shared) & 1;
        w->sh = w->attr & 0xf0 ? (sh ? (nos ? 3 : 2) : 0) : 2;
        return;
    }
    if (v & 16) {
        w->attr = (uint8_t)(cache[v >> 2 & 3] << 4 | cache[v & 3]);
    } else {
        static const uint8_t plain[8] = {0x00, 0x04, 0xaa, 0xee, 0x44, 0, 0, 0xff};
        w->attr = v == 8 ? 0x04 : plain[v & 7];
    }
    w->sh = w->attr & 0xf0 ? (d->shared ? 2 : 0) : 2;
}

static bool permissions(ArmWalk *w, const Short *d, MmuResult *res)
{
    uint64_t dacr = w->env->s.sr[w->el == 3 ? ARM_SR_DACR_S : ARM_SR_DACR32_EL2];
    unsigned dom = dacr >> 2 * w->domain & 3, a = access_rights(w, d->ap), mine = w->user ? a >> 2 : a & 3;
    bool modern = arm_has(w->env->config, ARM_FEAT_V7VE) || arm_has(w->env->config, ARM_FEAT_V8);
    bool wxn = modern && (w->sctlr & SCTLR_WXN), uwxn = modern && (w->sctlr & SCTLR_UWXN);

    if (dom == DOMAIN_NONE || dom == DOMAIN_RESERVED) {
        return w->peek || arm_walk_fault(w, FSC_DOMAIN, d->level);
    }
    if (dom == DOMAIN_MANAGER) {
        res->r = res->w = res->x = true;
        return true;
    }
    if (!old_format(w) && (w->sctlr & SCTLR_AFE) && !(d->ap & 1) && !w->peek) {
        return arm_walk_fault(w, FSC_ACCESS_FLAG, d->level);
    }
    bool denied = w->pan && (a & 4);
    res->r = (mine & 1) && !denied;
    res->w = (mine & 2) && !denied;
    res->x = (mine & 1) && !d->xn && !(wxn && (mine & 2));
    if (!w->user) {
        res->x &= !d->pxn && !(uwxn && (a & 8));
    }
    return true;
}

bool arm_walk_short(ArmWalk *w, MmuResult *res)
{
    Short d;

    *res = (MmuResult){0};
    if (!find(w, &d) || !permissions(w, &d, res)) {
        return false;
    }
    w->ns = !w->secure || d.ns;
    if (w->secure && w->ns && (w->env->s.sr[ARM_SR_SCR_EL3] & SCR_SIF)) {
        res->x = false;
    }
    bool allowed = w->access == MMU_READ ? res->r : w->access == MMU_WRITE ? res->w : res->x;
    if (!allowed && !w->peek) {
        return arm_walk_fault(w, FSC_PERMISSION, d.level);
    }
    memory_type(w, &d);
    w->ap1 = access_rights(w, d.ap) & 4;
    w->flush_bits = (uint8_t)MAX(d.bits, 12);
    res->uncached = !(w->attr & 0xf0);
    res->global = !d.ng;
    res->page_bits = (uint8_t)MAX(d.bits, 12);
    res->paddr = d.base | ((uint32_t)w->va & ((1u << d.bits) - 1));
    return true;
}
