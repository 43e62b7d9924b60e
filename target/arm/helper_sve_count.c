/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers of the predicate instructions that loops are made of: PTRUE, WHILE, CNTP (Arm ARM C8.2). Each makes or counts
 * a row of lanes, 64 bits of a predicate at a time.
 */
#include "target/arm/helper.h"
#include "target/arm/sve.h"
#include "target/arm/sve_pred.h"

#define EFLAGS_C 0x001u
#define EFLAGS_Z 0x040u
#define EFLAGS_S 0x080u

/* Lanes first..last - 1 are active, no others. */
static void fill(ArmPred *d, unsigned esz, unsigned first, unsigned last)
{
    unsigned from = first << esz, to = last << esz;

    for (unsigned at = 0; at < sizeof(d->b) * 8; at += 64) {
        uint64_t w = sve_pred_lanes(esz);
        w = to >= at + 64 ? w : to > at ? w & MASK64(0, to - at) : 0;
        w = from >= at + 64 ? 0 : from > at ? w & ~MASK64(0, from - at) : w;
        sve_pred_put(d->b, at, w);
    }
}

uint64_t helper_sve_ptrue(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    SvePred x = {.word = a};

    (void)c;
    fill(&env->s.p[x.d], x.esz, 0, (unsigned)b);
    return 0;
}

uint64_t helper_sve_cntp(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    const ArmEnv *env = opaque;
    SvePred x = {.word = a};
    unsigned n = 0;

    (void)b, (void)c;
    for (unsigned at = 0; at < x.len; at += 64) {
        uint64_t w = sve_pred_word(env->s.p[x.g].b, x.esz, x.len, at) & sve_pred_word(env->s.p[x.n].b, x.esz, x.len, at);
        n += (unsigned)__builtin_popcountll(w);
    }
    return n;
}

/* How often the comparison of WHILELT, WHILELE (up), WHILEGE, WHILEGT with a counter that begins at b holds at first. */
static uint64_t holds(SvePred x, uint64_t b, uint64_t c)
{
    bool is_unsigned = x.imm & 2, up = x.imm & 4, words = x.m & 1;
    bool equal = up ? x.imm & 1 : !(x.imm & 1); /* too */
    uint64_t low = is_unsigned ? 0 : words ? (uint64_t)INT32_MIN : (uint64_t)INT64_MIN;
    uint64_t high = is_unsigned ? (words ? UINT32_MAX : UINT64_MAX) : words ? INT32_MAX : (uint64_t)INT64_MAX;
    bool less = is_unsigned ? b < c : (int64_t)b < (int64_t)c;

    if (b != c && less != up) {
        return 0;
    }
    if (equal && c == (up ? high : low)) {
        return UINT64_MAX; /* the counter wraps around and never fails */
    }
    return (up ? c - b : b - c) + equal;
}

/* Operands of 32 bits come extended. */
uint64_t helper_sve_while(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    SvePred x = {.word = a};
    unsigned lanes = x.len >> x.esz, n = (unsigned)MIN(holds(x, b, c), lanes);
    bool up = x.imm & 4, all = n == lanes;

    fill(&env->s.p[x.d], x.esz, up ? 0 : lanes - n, up ? n : lanes);
    /* as sve_pred_test(): the first lane, any, the last */
    return ((up ? n != 0 : all) ? EFLAGS_S : 0) | (n ? 0 : EFLAGS_Z) | ((up ? all : n != 0) ? EFLAGS_C : 0);
}
