/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks of tables of 64-bit descriptors, which AArch64's stages 1 and 2 and AArch32's long format share (Arm ARM D8.3,
 * G5.5), and reads and updates of entries of any format. Levels are bounded by the number of address bits, so a
 * guest's tables can not hold a walk up.
 */
#include "target/arm/mmu.h"

#define DESC_VALID 1ull
#define DESC_TABLE 2ull

bool arm_walk_fault(ArmWalk *w, unsigned fsc, int level)
{
    /* Level -1 has codes of its own (D17.2.37, DFSC). */
    static const uint8_t minus_one[] = {0x29, 0x2b, 0, 0, 0, 0x13};

    w->fsc = level < 0 ? minus_one[fsc / 4] : fsc + level;
    return false;
}

bool arm_pa_fits(hwaddr pa, unsigned bits)
{
    return bits >= 64 || !(pa >> bits);
}

/* Sizes by TCR.IPS and VTCR.PS, no more than the processor has. */
unsigned arm_ps_bits(const ArmCpuConfig *c, unsigned ps)
{
    static const uint8_t bits[8] = {32, 36, 40, 42, 44, 48, 52, 52};

    return MIN(bits[ps & 7], c->pa_bits);
}

/* The memory itself; external abort where there is none. */
static bool read_memory(ArmWalk *w, hwaddr pa, unsigned size, int level, uint64_t *val)
{
    ArmEnv *env = w->env;

    *val = 0;
    if (w->peek) {
        return address_space_peek(env->cpu->mem, pa, val, size) || arm_walk_fault(w, FSC_EXTERNAL_WALK, level);
    }
    if (tcg_phys_page(env, pa & ~(hwaddr)0xfff, false)) {
        *val = tcg_phys_load(env, pa, size);
        return true;
    }
    if (address_space_load(env->cpu->mem, pa, MEM_ATTRS_NONE, size, val) != MEM_OK) {
        return arm_walk_fault(w, FSC_EXTERNAL_WALK, level);
    }
    return true;
}

static uint64_t swap(uint64_t v, unsigned size)
{
    return size == 8 ? __builtin_bswap64(v) : __builtin_bswap32((uint32_t)v);
}

bool arm_table_read(ArmWalk *w, hwaddr pa, unsigned size, bool be, int level, uint64_t *val)
{
    if (!read_memory(w, pa, size, level, val)) {
        return false;
    }
    *val = be ? swap(*val, size) : *val;
    return true;
}

/* False: the entry changed meanwhile, *desc is what it is now. */
bool arm_table_update(ArmWalk *w, hwaddr pa, unsigned size, bool be, uint64_t *desc, uint64_t want)
{
    uint64_t old = be ? swap(*desc, size) : *desc;

    if (!w->update || want == *desc) {
        return true;
    }
    if (tcg_phys_cmpxchg(w->env, pa, size, old, be ? swap(want, size) : want)) {
        *desc = want;
        return true;
    }
    *desc = tcg_phys_load(w->env, pa, size);
    *desc = be ? swap(*desc, size) : *desc;
    return false;
}

/* Output address of an entry, whose lowest `low` bits are none of its. */
static hwaddr desc_address(const ArmTables *t, uint64_t desc, unsigned low)
{
    hwaddr pa = desc & (t->ds ? 0x3fffffffff000ull : 0xfffffffff000ull) & ~((1ull << low) - 1);

    if (t->ds) {
        pa |= (desc >> 8 & 3) << 50;
    } else if (t->wide64) {
        pa |= (desc >> 12 & 15) << 48;
    }
    return pa;
}

/* May an entry of this level be a block? (D8.3.1.) */
static bool block_allowed(const ArmTables *t, int level)
{
    switch (t->grain) {
    case 12:
        return level == 2 || level == 1 || (level == 0 && t->ds);
    case 14:
        return level == 2 || (level == 1 && t->ds);
    default:
        return level == 2 || (level == 1 && t->wide64);
    }
}

/*
 * From t->base at t->level to the leaf. Its address size is checked, nothing else. Tables of stage 1 lie at intermediate
 * addresses where stage 2 is on.
 */
bool arm_tables(ArmWalk *w, ArmTables *t)
{
    unsigned stride = t->grain - 3;
    hwaddr table = t->base;
    unsigned top = t->in_bits;

    t->inherited = 0;
    for (int level = t->level;; level++) {
        unsigned shift = t->grain + stride * (unsigned)(3 - level);
        uint64_t index = (t->in & ((1ull << top) - 1)) >> shift;
        hwaddr at = table + index * 8, ipa = at;
        MmuResult res;

        if (w->two_stage && !t->stage2 && !arm_stage2(w, &at, true, MMU_READ, &res)) {
            return false;
        }
        if (!arm_table_read(w, at, 8, t->be, level, &t->desc)) {
            return false;
        }
        bool leaf = level == 3 ? (t->desc & 3) == 3 : (t->desc & 3) == 1;
        if (!(t->desc & DESC_VALID) || (level == 3 && !leaf) || (leaf && level < 3 && !block_allowed(t, level))) {
            return arm_walk_fault(w, FSC_TRANSLATION, level);
        }
        table = desc_address(t, t->desc, leaf ? MAX(shift, t->grain) : t->grain);
        if (!arm_pa_fits(table, t->out_bits)) {
            return arm_walk_fault(w, FSC_ADDRESS_SIZE, level);
        }
        if (leaf) {
            t->level = level;
            t->desc_pa = at;
            t->desc_ipa = ipa;
            t->block_bits = (uint8_t)shift;
            t->out = table;
            return true;
        }
        if (!t->stage2 && !t->hpd) {
            t->inherited |= t->desc & (0x1full << 59);
        } else if (!t->stage2) {
            t->inherited |= t->desc & (1ull << 63); /* NSTable is none of the permissions that HPD disables */
        }
        top = shift;
    }
}
