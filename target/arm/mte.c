/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory tagging (FEAT_MTE, MTE2, MTE3; Arm ARM D9): tags in memory, tag checks, the instructions' helpers.
 *
 * Tags lie beside the RAM block that they are of (RamBlock.tags). Two granules share a byte, which processors change
 * atomically. Memory without tags, or not mapped as tagged, is not checked; its tags read as 0.
 *
 * Thread: the vCPU's own.
 */
#include <string.h>
#include "target/arm/regs.h"
#include "target/arm/system.h"

#define GRANULE 16u
#define FSC_TAG 0x11 /* synchronous tag check fault */
#define GCR_EXCLUDE 0xffffu
#define RGSR_SEED_SHIFT 8
#define TAG_SHIFT 56

static unsigned tag_of(uint64_t p)
{
    return p >> TAG_SHIFT & 15;
}

static uint64_t with_tag(uint64_t p, unsigned tag)
{
    return (p & ~(15ull << TAG_SHIFT)) | (uint64_t)tag << TAG_SHIFT;
}

/* ---- tags in memory ---- */

/* Where the tag of a granule is: in the low or high half of a byte; NULL: there is none. */
typedef struct Tag {
    RamBlock *tags;
    uint64_t offset;
    unsigned shift;
} Tag;

/* Raises the access's own faults. */
static Tag find_tag(ArmEnv *env, uint64_t va, int access, int mmu)
{
    TcgPage p;

    if (!tcg_page(env, va, access, mmu, &p)) {
        tcg_raise(env);
    }
    if (!(p.attr & ARM_PAGE_TAGGED) || !p.ram || !p.ram->tags) {
        return (Tag){.tags = NULL};
    }
    return (Tag){p.ram->tags, p.offset / (2 * GRANULE), p.offset / GRANULE % 2 * 4};
}

static unsigned tag_get(const Tag *t)
{
    return t->tags ? __atomic_load_n(&t->tags->host[t->offset], __ATOMIC_RELAXED) >> t->shift & 15 : 0;
}

static void tag_put(const Tag *t, unsigned tag)
{
    if (!t->tags) {
        return;
    }
    uint8_t *at = &t->tags->host[t->offset], old = __atomic_load_n(at, __ATOMIC_RELAXED), next;
    do {
        next = (uint8_t)((old & ~(15u << t->shift)) | tag << t->shift);
    } while (!__atomic_compare_exchange_n(at, &old, next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    ram_written(t->tags, t->offset, 1);
}

/* A Tag for the granule behind, in the same page. */
static void next_granule(Tag *t)
{
    t->offset += t->shift / 4;
    t->shift ^= 4;
}

void arm_mte_set(ArmEnv *env, uint64_t va, size_t len, unsigned tag)
{
    int mmu = arm_mode_mmu(env->mode);

    tcg_probe(env, va, len, MMU_WRITE, mmu);
    if (!arm_tags_allowed(env)) {
        return;
    }
    for (size_t i = 0; i < len; i += GRANULE) {
        Tag t = find_tag(env, va + i, MMU_WRITE, mmu);
        tag_put(&t, tag);
    }
}

/* ---- checks ---- */

/* AArch64.AccessIsTagChecked(): top byte ignored, and not a tag that stands for unchecked (TCR_ELx.TCMA). */
static bool address_checked(const ArmEnv *env, uint64_t va, int mmu)
{
    const uint64_t *sr = env->s.sr;
    unsigned high = va >> 55 & 1;
    bool plain_tag = (va >> 55 & 31) == (high ? 31 : 0);

    if (mmu == ARM_MMU_E2 || mmu == ARM_MMU_E3) {
        uint64_t tcr = sr[mmu == ARM_MMU_E2 ? ARM_SR_TCR_EL2 : ARM_SR_TCR_EL3];
        return (tcr & TCR_TBI_EL2) && !((tcr & TCR_TCMA_EL2) && plain_tag);
    }
    bool e20 = mmu >= ARM_MMU_E20_0 && mmu <= ARM_MMU_E20_2_PAN;
    uint64_t tcr = sr[e20 ? ARM_SR_TCR_EL2 : ARM_SR_TCR_EL1];
    return (tcr & TCR_TBI0 << high) && !((tcr & TCR_TCMA0 << high) && plain_tag);
}

/* The first byte of the access with another tag than the address has; false: all are right. May raise. */
static bool mismatch(ArmEnv *env, uint64_t va, size_t len, int access, int mmu, uint64_t *bad)
{
    uint64_t end = va + len;
    Tag t = {.tags = NULL};

    for (uint64_t at = va; at != end; at = MIN((at | (GRANULE - 1)) + 1, end)) {
        if (at == va || !(at & 0xfff)) {
            t = find_tag(env, at, access, mmu);
        }
        if (t.tags && tag_get(&t) != tag_of(va)) {
            *bad = at;
            return true;
        }
        next_granule(&t);
    }
    return false;
}

static uint64_t *fault_status(ArmEnv *env, int mmu, bool user)
{
    uint64_t *sr = env->s.sr;

    if (user) {
        return &sr[ARM_SR_TFSRE0_EL1];
    }
    return &sr[mmu == ARM_MMU_E3 ? ARM_SR_TFSR_EL3 : mmu >= ARM_MMU_E20_0 ? ARM_SR_TFSR_EL2 : ARM_SR_TFSR_EL1];
}

/* AArch64.TagCheckFault(): by SCTLR_ELx.TCF, or TCF0 of what is done as EL0. */
static void check_failed(ArmEnv *env, uint64_t va, bool write, int mmu)
{
    bool user = mmu == ARM_MMU_E10_0 || mmu == ARM_MMU_E20_0, one_range = mmu == ARM_MMU_E2 || mmu == ARM_MMU_E3;
    unsigned tcf = arm_sctlr(env, arm_el(env)) >> (user ? SCTLR_TCF0_SHIFT : SCTLR_TCF_SHIFT) & 3;

    if (tcf == 2 || (tcf == 3 && write)) {
        *fault_status(env, mmu, user) |= one_range ? 1 : 1u << (va >> 55 & 1);
    } else if (tcf) {
        ArmEc ec = arm_sync_target(env) == arm_el(env) ? EC_DABT : EC_DABT_LOWER;
        arm_raise(env, ARM_FAULT_DATA, arm_syndrome(ec, FSC_TAG | (write ? 1u << 6 : 0)), 0, va);
    }
}

void arm_mte_check(ArmEnv *env, uint64_t va, size_t len, bool write, int mmu)
{
    int access = write ? MMU_WRITE : MMU_READ;
    uint64_t bad;

    if (!address_checked(env, va, mmu)) {
        return;
    }
    tcg_probe(env, va, len, access, mmu); /* translation faults of all of it first */
    if (mismatch(env, va, len, access, mmu, &bad)) {
        check_failed(env, bad, write, mmu);
    }
}

bool arm_mte_matches(ArmEnv *env, uint64_t va, size_t len, bool write, int mmu)
{
    int access = write ? MMU_WRITE : MMU_READ;
    uint64_t bad;
    TcgPage p;

    if (!address_checked(env, va, mmu)) {
        return true;
    }
    return tcg_page(env, va, access, mmu, &p) && tcg_page(env, va + len - 1, access, mmu, &p) &&
           !mismatch(env, va, len, access, mmu, &bad);
}

uint64_t helper_mte_check(void *opaque, uint64_t va, uint64_t what, uint64_t mmu)
{
    arm_mte_check(opaque, va, what & 0xffff, what >> 16, (int)mmu);
    return 0;
}

/* ---- tags in registers ---- */

/* AArch64.ChooseNonExcludedTag() */
static unsigned choose(unsigned tag, unsigned offset, uint64_t exclude)
{
    exclude &= GCR_EXCLUDE;
    if (exclude == GCR_EXCLUDE) {
        return 0;
    }
    while (offset == 0 && (exclude >> tag & 1)) {
        tag = (tag + 1) & 15;
    }
    while (offset--) {
        do {
            tag = (tag + 1) & 15;
        } while (exclude >> tag & 1);
    }
    return tag;
}

/* Steps of the shift register of 16 bits that RGSR_EL1.SEED is (AArch64.NextRandomTagBit()). */
static unsigned random_tag(uint64_t *rgsr)
{
    uint32_t seed = *rgsr >> RGSR_SEED_SHIFT & 0xffff;
    unsigned tag = 0;

    for (unsigned i = 0; i < 4; i++) {
        uint32_t top = (seed >> 5 ^ seed >> 3 ^ seed >> 2 ^ seed) & 1;
        seed = top << 15 | seed >> 1;
        tag |= top << i;
    }
    *rgsr = (*rgsr & 15) | (uint64_t)seed << RGSR_SEED_SHIFT;
    return tag;
}

/*
 * GCR_EL1.RRND leaves the generator to us: the same one, which must not start at 0, where software is not asked for a
 * seed.
 */
uint64_t helper_mte_irg(void *opaque, uint64_t p, uint64_t exclude, uint64_t c)
{
    ArmEnv *env = opaque;
    uint64_t *rgsr = &env->s.sr[ARM_SR_RGSR_EL1], gcr = env->s.sr[ARM_SR_GCR_EL1];

    if (!arm_tags_allowed(env)) {
        return with_tag(p, 0);
    }
    if ((gcr & GCR_RRND) && !(*rgsr >> RGSR_SEED_SHIFT & 0xffff)) {
        *rgsr |= 1ull << RGSR_SEED_SHIFT;
    }
    unsigned start = *rgsr & 15, offset = random_tag(rgsr), tag = choose(start, offset, exclude | gcr);
    *rgsr = (*rgsr & ~15ull) | tag;
    return with_tag(p, tag);
}

uint64_t helper_mte_add(void *opaque, uint64_t p, uint64_t add, uint64_t offset)
{
    ArmEnv *env = opaque;
    unsigned tag = 0;

    if (arm_tags_allowed(env)) {
        tag = choose(tag_of(p), (unsigned)offset, env->s.sr[ARM_SR_GCR_EL1]);
    }
    return with_tag(p + add, tag);
}

/* ---- loads and stores of tags ---- */

uint64_t helper_mte_ldg(void *opaque, uint64_t va, uint64_t p, uint64_t c)
{
    ArmEnv *env = opaque;
    Tag t = find_tag(env, va & ~(uint64_t)(GRANULE - 1), MMU_READ, arm_mode_mmu(env->mode));

    return with_tag(p, arm_tags_allowed(env) ? tag_get(&t) : 0);
}

static void check_granule(ArmEnv *env, uint64_t va)
{
    if (va % GRANULE) {
        helper_stage_fault(env, va, 1, 0);
    }
}

static void write_zeros(ArmEnv *env, uint64_t va, size_t len)
{
    static const uint8_t zero[256];

    for (size_t n; len; va += n, len -= n) {
        n = MIN(len, sizeof(zero));
        tcg_write(env, va, zero, n, arm_mode_mmu(env->mode));
    }
}

uint64_t helper_mte_stg(void *opaque, uint64_t va, uint64_t p, uint64_t kind)
{
    ArmEnv *env = opaque;
    size_t len = kind & 2 ? 2 * GRANULE : GRANULE;

    check_granule(env, va);
    if (kind & 1) {
        tcg_probe(env, va, len, MMU_WRITE, arm_mode_mmu(env->mode));
        write_zeros(env, va, len);
    }
    arm_mte_set(env, va, len, tag_of(p));
    return 0;
}

uint64_t helper_mte_stgp(void *opaque, uint64_t va, uint64_t first, uint64_t second)
{
    ArmEnv *env = opaque;
    bool be = env->mode & MODE_BE;
    const uint64_t data[2] = {be ? __builtin_bswap64(first) : first, be ? __builtin_bswap64(second) : second};

    check_granule(env, va);
    tcg_write(env, va, data, sizeof(data), arm_mode_mmu(env->mode));
    arm_mte_set(env, va, GRANULE, tag_of(va));
    return 0;
}

/* Bytes of the block that LDGM and STGM are about (GMID_EL1.BS), at most 256: 16 tags are a register. */
static uint64_t block_size(const ArmEnv *env)
{
    return 4ull << (env->config->id[ARM_ID_GMID_EL1] & 15);
}

uint64_t helper_mte_ldgm(void *opaque, uint64_t va, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    uint64_t size = block_size(env), at = va & ~(size - 1), v = 0;
    Tag t = find_tag(env, at, MMU_READ, arm_mode_mmu(env->mode));

    if (!arm_tags_allowed(env) || !t.tags) {
        return 0;
    }
    for (uint64_t i = 0; i < size; i += GRANULE, next_granule(&t)) {
        v |= (uint64_t)tag_get(&t) << ((at + i) / GRANULE % 16 * 4);
    }
    return v;
}

static void store_block_tags(ArmEnv *env, uint64_t va, uint64_t v)
{
    uint64_t size = block_size(env), at = va & ~(size - 1);
    Tag t = find_tag(env, at, MMU_WRITE, arm_mode_mmu(env->mode));

    if (arm_tags_allowed(env)) {
        for (uint64_t i = 0; i < size; i += GRANULE, next_granule(&t)) {
            tag_put(&t, v >> ((at + i) / GRANULE % 16 * 4) & 15);
        }
    }
}

uint64_t helper_mte_stgm(void *opaque, uint64_t va, uint64_t v, uint64_t zero)
{
    ArmEnv *env = opaque;

    if (zero) {
        uint64_t size = 4ull << (env->config->id[ARM_ID_DCZID_EL0] & 15), at = va & ~(size - 1);
        tcg_probe(env, at, size, MMU_WRITE, arm_mode_mmu(env->mode));
        write_zeros(env, at, size);
        arm_mte_set(env, at, size, v & 15);
    } else {
        store_block_tags(env, va, v);
    }
    return 0;
}
