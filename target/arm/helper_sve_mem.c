/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers of SVE's loads and stores. Registers are written when all has been loaded, for a load may fault at any
 * element and is made again from its start; stores may be made again, too.
 */
#include "target/arm/helper.h"
#include "target/arm/sve.h"
#include "target/arm/sve_pred.h"
#include "target/arm/system.h"

static uint64_t swap(uint64_t v, unsigned msz)
{
    return __builtin_bswap64(v) >> (64 - (8u << msz));
}

static void check_align(ArmEnv *env, SveMem x, uint64_t addr)
{
    if (x.align && (addr & ((1u << x.msz) - 1))) {
        helper_stage_fault(env, addr, x.write, 0);
    }
}

static void check_access(ArmEnv *env, SveMem x, uint64_t addr)
{
    check_align(env, x, addr);
    if (x.tags) {
        arm_mte_check(env, addr, 1u << x.msz, x.write, x.mmu);
    }
}

static uint64_t load(ArmEnv *env, SveMem x, uint64_t addr)
{
    check_access(env, x, addr);
    uint64_t v = tcg_load(env, addr, 1u << x.msz, x.mmu);
    if (x.be) {
        v = swap(v, x.msz);
    }
    unsigned up = 64 - (8u << x.msz);
    return x.is_signed ? (uint64_t)((int64_t)(v << up) >> up) : v;
}

static void store(ArmEnv *env, SveMem x, uint64_t addr, uint64_t v)
{
    check_access(env, x, addr);
    v &= ~0ull >> (64 - (8u << x.msz));
    tcg_store(env, addr, x.be ? swap(v, x.msz) : v, 1u << x.msz, x.mmu);
}

/*
 * Could the element be loaded without a fault? Devices are not asked: a first-fault load may leave out any element
 * behind the first one.
 */
static bool loads_quietly(ArmEnv *env, SveMem x, uint64_t addr)
{
    ArmFault keep = env->fault;
    unsigned size = 1u << x.msz;
    bool ok = !(x.align && (addr & (size - 1))) && !(x.tags && !arm_mte_matches(env, addr, size, false, x.mmu));
    for (unsigned at = 0; ok && at < size; at += size - 1 ? size - 1 : 1) { /* its first and last byte */
        MmuResult r;
        size_t len = 1;
        ok = arm_mmu_walk(env, addr + at, MMU_READ, x.mmu, &r) && r.r &&
             !(env->watching && arm_watches(env, addr + at, x.mmu)) && tcg_host(env, addr + at, &len, MMU_READ, x.mmu);
    }
    env->fault = keep;
    return ok;
}

/* Address of element i of a structure in lane k. */
static uint64_t address(ArmEnv *env, SveMem x, uint64_t base, unsigned k, unsigned i)
{
    if (!x.vector) {
        return base + (((uint64_t)k * x.regs + i) << x.msz);
    }
    uint64_t v = vec_get(env->s.z[x.z].b, x.esz, k);
    if (!x.bits64) {
        v = x.offset_signed ? (uint64_t)(int64_t)(int32_t)v : (uint32_t)v;
    }
    return base + (v << x.scale);
}

/* FFR from lane k on becomes false. */
static void suppress(ArmEnv *env, SveMem x, unsigned k)
{
    for (unsigned at = k << x.esz; at < x.len; at++) {
        sve_pred_set(env->s.p[16].b, at, false);
    }
}

/* Of that many bytes all lanes are active, and no others are; -1: there are gaps. */
static int active_row(const uint8_t *g, unsigned esz, unsigned len)
{
    unsigned n = 0;
    bool ended = false;

    for (unsigned at = 0; at < len; at += 64) {
        uint64_t all = sve_pred_lanes(esz) & (len >= at + 64 ? ~0ull : MASK64(0, len - at));
        uint64_t w = sve_pred_word(g, esz, len, at), missing = all & ~w;
        if (ended && w) {
            return -1;
        }
        if (missing && !ended) {
            unsigned first = (unsigned)__builtin_ctzll(missing);
            if (w >> first) {
                return -1;
            }
            n += first;
            ended = true;
        } else if (!ended) {
            n += MIN(64, len - at);
        }
    }
    return (int)n;
}

/*
 * Most of all: elements in a row that are the same in memory and register, in a page of plain RAM. Done, or false: one by
 * one. Faults as the first element would.
 */
static bool in_one_piece(ArmEnv *env, SveMem x, uint64_t base)
{
    uint8_t *z = env->s.z[x.t].b;

    if (x.regs != 1 || x.vector || x.esz != x.msz || x.be || x.align || x.tags || x.nf) {
        return false;
    }
    int active = active_row(env->s.p[x.g].b, x.esz, x.len);
    if (active < 0) {
        return false;
    }
    size_t n = (size_t)active, len = n;
    void *host = n ? tcg_host(env, base, &len, x.write ? MMU_WRITE : MMU_READ, (int)x.mmu) : z;
    if (!host || len != n) {
        return false;
    }
    if (x.write && n) {
        memcpy(host, z, n);
    } else if (!x.write) {
        memmove(z, host, n);
        memset(z + n, 0, x.len - n);
    }
    return true;
}

static void load_all(ArmEnv *env, SveMem x, uint64_t base)
{
    const uint8_t *g = env->s.p[x.g].b;
    ArmVec r[4];
    bool first = true;
    memset(r, 0, sizeof(r));
    for (unsigned k = 0; k < (unsigned)x.len >> x.esz; k++) {
        if (!vec_active(g, k << x.esz)) {
            continue;
        }
        for (unsigned i = 0; i < x.regs; i++) {
            uint64_t addr = address(env, x, base, k, i);
            if ((x.nf || (x.ff && !first)) && !loads_quietly(env, x, addr)) {
                suppress(env, x, k);
                goto out;
            }
            vec_set(r[i].b, x.esz, k, load(env, x, addr));
        }
        first = false;
    }
out:
    for (unsigned i = 0; i < x.regs; i++) {
        memcpy(env->s.z[(x.t + i) % 32].b, r[i].b, x.len);
    }
}

/* LD1R: one element to all active lanes. */
static void load_one(ArmEnv *env, SveMem x, uint64_t addr)
{
    const uint8_t *g = env->s.p[x.g].b;
    bool any = sve_pred_last(g, x.esz, x.len) >= 0;
    uint64_t v = any ? load(env, x, addr) : 0;
    for (unsigned k = 0; k < (unsigned)x.len >> x.esz; k++) {
        vec_set(env->s.z[x.t].b, x.esz, k, vec_active(g, k << x.esz) ? v : 0);
    }
}

static void store_all(ArmEnv *env, SveMem x, uint64_t base)
{
    for (unsigned k = 0; k < (unsigned)x.len >> x.esz; k++) {
        if (vec_active(env->s.p[x.g].b, k << x.esz)) {
            for (unsigned i = 0; i < x.regs; i++) {
                store(env, x, address(env, x, base, k, i), vec_get(env->s.z[(x.t + i) % 32].b, x.esz, k));
            }
        }
    }
}

uint64_t helper_sve_mem(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    SveMem x = {.word = b};
    (void)c;
    if (in_one_piece(opaque, x, a)) {
        return 0;
    }
    if (x.write) {
        store_all(opaque, x, a);
    } else if (x.regs == 0) {
        load_one(opaque, x, a);
    } else {
        load_all(opaque, x, a);
    }
    return 0;
}

uint64_t helper_sve_ld1rq(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    SveMem x = {.word = b};
    unsigned bytes = (unsigned)c;
    ArmVec r;
    memset(&r, 0, sizeof(r));
    for (unsigned k = 0; k < bytes >> x.esz; k++) {
        if (vec_active(env->s.p[x.g].b, k << x.esz)) {
            vec_set(r.b, x.esz, k, load(env, x, a + (k << x.msz)));
        }
    }
    memset(env->s.z[x.t].b, 0, x.len);
    for (unsigned at = 0; at + bytes <= x.len; at += bytes) {
        memcpy(env->s.z[x.t].b + at, r.b, bytes);
    }
    return 0;
}

/* Bytes in order, whatever the data's byte order is. */
uint64_t helper_sve_whole(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    unsigned vl = vec_mode_bytes(env->mode), len = b & 0x200 ? vl / 8 : vl;
    uint8_t *reg = b & 0x200 ? env->s.p[b & 15].b : env->s.z[b & 31].b;
    ArmVec t;
    if (b & 0x100) {
        tcg_write(env, a, reg, len, (int)c);
    } else {
        tcg_read(env, a, t.b, len, (int)c);
        memcpy(reg, t.b, len);
    }
    return 0;
}
