/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address translation, stage 2 (Arm ARM D8.2.4 and following; AArch32: G5.7): what EL2 gives a guest of its own to see as
 * physical memory.
 */
#include "target/arm/mmu.h"

#define S2_READ (1ull << 6)
#define S2_WRITE (1ull << 7)
#define S2_AF (1ull << 10)
#define S2_DBM (1ull << 51)
#define MAX_UPDATES 64

typedef struct Control {
    uint64_t vttbr;
    unsigned tsz, ps;
    int level;
    unsigned tg;
    bool ha, hd, ds, valid;
} Control;

/* Start level by SL0 and SL2 (D17.2.157); 4: reserved. */
static int start_level(const ArmCpuConfig *c, unsigned tg, unsigned sl0, bool sl2)
{
    static const int8_t by_4k[4] = {2, 1, 0, 3}, by_16k[4] = {3, 2, 1, 0}, by_64k[4] = {3, 2, 1, 4};

    if (tg == 12) {
        return sl2 ? (sl0 == 0 ? -1 : 4) : sl0 == 3 && !arm_has(c, ARM_FEAT_TTST) ? 4 : by_4k[sl0];
    }
    return tg == 14 ? (sl0 == 3 && !arm_has(c, ARM_FEAT_LPA2) ? 4 : by_16k[sl0]) : by_64k[sl0];
}

static void control_a64(const ArmWalk *w, Control *k)
{
    const ArmState *s = &w->env->s;
    const ArmCpuConfig *c = w->env->config;
    bool secure = w->secure && arm_has(c, ARM_FEAT_SEL2);
    uint64_t vtcr = s->sr[ARM_SR_VTCR_EL2], size = secure ? s->sr[ARM_SR_VSTCR_EL2] : vtcr;
    unsigned tg0 = size >> 14 & 3;

    *k = (Control){
        .vttbr = s->sr[secure ? ARM_SR_VSTTBR_EL2 : ARM_SR_VTTBR_EL2],
        .tsz = size & 63,
        .tg = tg0 == 1 && arm_has(c, ARM_FEAT_GRAN64K) ? 16 : tg0 == 2 && arm_has(c, ARM_FEAT_GRAN16K) ? 14 : 12,
        .ps = vtcr >> 16 & 7,
        .ha = (vtcr >> 21 & 1) && (arm_has(c, ARM_FEAT_HAFDBS) || arm_has(c, ARM_FEAT_HAF)),
    };
    k->hd = k->ha && (vtcr >> 22 & 1) && arm_has(c, ARM_FEAT_HAFDBS);
    k->ds = (vtcr >> 32 & 1) && arm_has(c, ARM_FEAT_LPA2) && k->tg != 16;
    k->level = start_level(c, k->tg, size >> 6 & 3, k->ds && (size >> 33 & 1));
    unsigned max = arm_has(c, ARM_FEAT_TTST) ? (k->tg == 16 ? 47 : 48) : 39;
    bool lva = k->ds || (k->tg == 16 && arm_has(c, ARM_FEAT_LPA));
    k->valid = k->tsz >= (lva ? 12u : 16u) && k->tsz <= max && 64 - k->tsz <= c->pa_bits;
}

/* Where EL2 uses AArch32: VTCR's T0SZ is a signed number of 4 bits (G8.2.171). */
static void control_a32(const ArmWalk *w, Control *k)
{
    const ArmState *s = &w->env->s;
    uint64_t vtcr = s->sr[ARM_SR_VTCR_EL2];

    *k = (Control){
        .vttbr = s->sr[ARM_SR_VTTBR_EL2],
        .tsz = (unsigned)(32 + sign_extend64(vtcr & 15, 4)),
        .tg = 12,
        .ps = 2, /* 40 bits */
        .level = vtcr >> 6 & 3 ? 1 : 2,
        .valid = true,
    };
}

/* First level's index bits: 1 up to 4 more than one table has (tables side by side, D8.2.7). */
static bool level_valid(const Control *k)
{
    unsigned stride = k->tg - 3;

    if (!k->valid || k->level > 3) {
        return false;
    }
    int bits = (int)(64 - k->tsz) - (int)(k->tg + stride * (unsigned)(3 - k->level));
    return bits >= 1 && bits <= (int)stride + 4;
}

typedef struct Rights {
    bool r, w, x;
} Rights;

static Rights rights(const ArmWalk *w, uint64_t desc, bool writable)
{
    unsigned xn = desc >> 53 & 3;
    bool x = arm_has(w->env->config, ARM_FEAT_XNX) ? xn == 0 || xn == (w->user ? 1u : 3u) : !(xn & 2);

    return (Rights){desc & S2_READ, writable, x && (!w->a32 || (desc & S2_READ))};
}

/* S2 memory type with the type of stage 1 (D8.5.5): the weaker one. Only what PAR shows needs more than Device or not. */
static void combine_attributes(ArmWalk *w, uint64_t desc)
{
    unsigned attr = desc >> 2 & 15;
    bool tagged = arm_attr_tagged(w->env->config, w->attr);

    w->attr = tagged ? 0xff : w->attr;
    if (w->hcr & HCR_FWB) {
        if ((attr & 7) == 6) {
            w->attr = w->attr & 0xf0 ? w->attr : 0xff;
            w->attr = tagged ? ARM_ATTR_TAGGED : w->attr;
        } else if ((attr & 7) == 5) {
            w->attr = 0x44;
        } else if (!(attr & 4)) {
            w->attr = (uint8_t)(attr << 2);
        }
        return;
    }
    if (!(attr & 12)) {
        unsigned s1 = w->attr & 0xf0 ? 12 : w->attr & 12;
        w->attr = (uint8_t)MIN(s1, (attr & 3) << 2);
    } else if (w->attr & 0xf0) {
        uint8_t s2 = (uint8_t)((attr >> 2 == 3 ? 0xf0 : attr >> 2 == 2 ? 0xb0 : 0x40) |
                               ((attr & 3) == 3 ? 0x0f : (attr & 3) == 2 ? 0x0b : 0x04));
        uint8_t outer = MIN(w->attr & 0xf0, s2 & 0xf0), inner = MIN(w->attr & 0x0f, s2 & 0x0f);
        w->attr = outer | inner;
        w->attr = tagged && w->attr == 0xff ? ARM_ATTR_TAGGED : w->attr;
    }
    w->sh = MAX(w->sh, (uint8_t)(desc >> 8 & 3));
}

static bool leaf(ArmWalk *w, ArmTables *t, const Control *k, bool walk, int access, MmuResult *res)
{
    for (int tries = 0; tries < MAX_UPDATES; tries++) {
        uint64_t want = t->desc;
        bool dirty = t->desc & S2_WRITE;
        Rights p = rights(w, t->desc, dirty || (k->hd && (t->desc & S2_DBM)));

        if (!(t->desc & S2_AF)) {
            if (!k->ha && !w->peek) {
                return arm_walk_fault(w, FSC_ACCESS_FLAG, t->level);
            }
            want |= S2_AF;
        }
        bool device = w->hcr & HCR_FWB ? !(t->desc >> 4 & 1) : !(t->desc >> 4 & 3);
        if (!(access == MMU_READ ? p.r : access == MMU_WRITE ? p.w : p.x) && !w->peek) {
            return arm_walk_fault(w, FSC_PERMISSION, t->level);
        }
        if (walk && device && (w->hcr & HCR_PTW)) {
            return arm_walk_fault(w, FSC_PERMISSION, t->level);
        }
        want |= access == MMU_WRITE ? S2_WRITE : 0;
        if (!arm_table_update(w, t->desc_pa, 8, t->be, &t->desc, want)) {
            if ((t->desc & 3) != (want & 3)) {
                return arm_walk_fault(w, FSC_TRANSLATION, t->level);
            }
            continue;
        }
        *res = (MmuResult){
            .paddr = t->out | (t->in & ((1ull << t->block_bits) - 1)),
            .page_bits = t->block_bits,
            .r = p.r,
            .w = p.w && (dirty || (access == MMU_WRITE && w->update)),
            .x = p.x,
            .uncached = device,
        };
        if (!walk) {
            combine_attributes(w, t->desc);
        }
        return true;
    }
    return arm_walk_fault(w, FSC_ATOMIC_UPDATE, 0);
}

static bool translate(ArmWalk *w, hwaddr *ipa, bool walk, int access, MmuResult *res)
{
    const ArmCpuConfig *c = w->env->config;
    bool a32 = arm_el_is_a32(w->env, 2);
    Control k;

    if (a32) {
        control_a32(w, &k);
    } else {
        control_a64(w, &k);
    }
    if (!level_valid(&k) || !arm_pa_fits(*ipa, 64 - k.tsz)) {
        return arm_walk_fault(w, FSC_TRANSLATION, 0);
    }
    unsigned stride = k.tg - 3, in_bits = 64 - k.tsz;
    unsigned table_bits = in_bits - (k.tg + stride * (unsigned)(3 - k.level)) + 3;
    bool wide64 = k.tg == 16 && arm_has(c, ARM_FEAT_LPA);
    ArmTables t = {
        .in = *ipa,
        .level = k.level,
        .grain = (uint8_t)k.tg,
        .in_bits = (uint8_t)in_bits,
        .out_bits = (uint8_t)MIN(arm_ps_bits(c, k.ps), wide64 || k.ds ? 52u : 48u),
        .wide64 = wide64,
        .ds = k.ds,
        .be = w->env->s.sr[ARM_SR_SCTLR_EL2] & SCTLR_EE,
        .stage2 = true,
        .base = k.vttbr & 0xfffffffffffeull,
    };
    if (t.out_bits > 48) {
        t.base = (t.base & ~0x3full) | (k.vttbr >> 2 & 15) << 48;
        table_bits = MAX(table_bits, 6);
    }
    t.base &= ~((1ull << table_bits) - 1);
    if (!arm_pa_fits(t.base, t.out_bits)) {
        return arm_walk_fault(w, FSC_ADDRESS_SIZE, 0);
    }
    return arm_tables(w, &t) && leaf(w, &t, &k, walk, access, res) && ((*ipa = res->paddr), true);
}

bool arm_stage2(ArmWalk *w, hwaddr *ipa, bool walk, int access, MmuResult *res)
{
    hwaddr in = *ipa;

    if (translate(w, ipa, walk, access, res)) {
        return true;
    }
    w->s2 = true;
    w->s1ptw = walk;
    w->ipa = in;
    w->ns_ipa = w->secure && w->ns;
    return false;
}
