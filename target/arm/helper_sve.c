/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers of SVE: predicated operations by descriptor, reductions.
 */
#include "target/arm/fp.h"
#include "target/arm/helper.h"
#include "target/arm/sve.h"
#include "target/arm/sve_pred.h"
#include "target/arm/vec_kernels.h"

/* Operations whose m has 64-bit lanes, beside narrower ones: each lane by the 64-bit kernel. */
static void wide(ArmEnv *env, VecDesc x, bool is_signed, uint8_t *out)
{
    const uint8_t *n = env->s.z[x.n].b, *m = env->s.z[x.m].b;
    for (unsigned i = 0; i < x.len >> x.esz; i++) {
        uint64_t lane = is_signed ? (uint64_t)vec_get_signed(n, x.esz, i) : vec_get(n, x.esz, i), r;
        VecK k = {.d = (uint8_t *)&r, .n = (const uint8_t *)&lane, .m = m + ((i << x.esz) & ~7u),
                  .a = (const uint8_t *)&lane, .len = 8, .esz = 3, .env = env};
        vec_fn[x.op][3](&k);
        vec_set(out, x.esz, i, r);
    }
}

/* The masks in `out` to predicate d; flags. */
static uint64_t to_predicate(ArmEnv *env, VecDesc x, const uint8_t *pg, const uint8_t *out)
{
    ArmPred g = *(const ArmPred *)pg, *d = &env->s.p[x.d];
    memset(d, 0, sizeof(*d));
    for (unsigned at = 0; at < x.len; at += 1u << x.esz) {
        if (vec_active(g.b, at) && vec_get(out, x.esz, at >> x.esz)) {
            d->b[at / 8] |= (uint8_t)(1u << (at % 8));
        }
    }
    return sve_pred_test(g.b, d->b, x.esz, x.len);
}

/* Lanes of out where pg is, of d (or zero) elsewhere. */
static void merge(uint8_t *d, const uint8_t *out, const uint8_t *pg, unsigned esz, unsigned len, bool zeroing)
{
    for (unsigned i = 0; i < len >> esz; i++) {
        if (vec_active(pg, i << esz)) {
            vec_set(d, esz, i, vec_get(out, esz, i));
        } else if (zeroing) {
            vec_set(d, esz, i, 0);
        }
    }
}

uint64_t helper_sve(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    VecDesc x = {.word = a};
    const uint8_t *pg = c & (SVE_PREDICATED | SVE_ZEROING | SVE_TO_PRED) ? env->s.p[c & SVE_PG_MASK].b : NULL;
    uint8_t *d = env->s.z[x.d].b;
    ArmVec out;
    bool qc = false;
    if (c & SVE_WIDE) {
        wide(env, x, c & SVE_SIGNED, out.b);
    } else {
        vec_compute(env, x, (int64_t)b, pg, out.b, &qc);
    }
    if (c & SVE_TO_PRED) {
        return to_predicate(env, x, pg, out.b);
    }
    if (x.out != OUT_SAME) {
        if (x.out == OUT_BOTTOM) {
            memset(d, 0, x.len);
        }
        for (unsigned i = 0; i < x.len >> x.esz; i++) {
            if (vec_active(pg, i << x.esz)) {
                vec_set(d, x.esz - 1, 2 * i + (x.out == OUT_TOP), vec_get(out.b, x.esz, i));
            }
        }
    } else if (pg) {
        merge(d, out.b, pg, x.esz, x.len, c & SVE_ZEROING);
    } else {
        memcpy(d, out.b, x.len);
    }
    return 0;
}

static void write_scalar(ArmEnv *env, unsigned d, unsigned esz, uint64_t v)
{
    memset(env->s.z[d].b, 0, vec_mode_bytes(env->mode));
    vec_set(env->s.z[d].b, esz, 0, v);
}

/* The vector is filled up to a power of two with the identity, then halves pair up (Reduce()). */
uint64_t helper_sve_reduce(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    VecDesc x = {.word = a};
    unsigned len = 16;
    ArmVec v, t1, t2;
    while (len < x.len) {
        len *= 2;
    }
    vec_dup(v.b, b, x.esz, len);
    merge(v.b, env->s.z[x.n].b, env->s.p[c].b, x.esz, x.len, false);
    for (; len > 1u << x.esz; len /= 2) {
        VecK k = {.d = v.b, .n = t1.b, .m = t2.b, .a = v.b, .len = len / 2, .esz = x.esz, .env = env};
        vec_unzip(t1.b, v.b, v.b, len, x.esz, 0);
        vec_unzip(t2.b, v.b, v.b, len, x.esz, 1);
        vec_fn[x.op][x.esz](&k);
    }
    write_scalar(env, x.d, x.esz, vec_get(v.b, x.esz, 0));
    return 0;
}

uint64_t helper_sve_addv(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    VecDesc x = {.word = a};
    uint64_t sum = 0;
    for (unsigned i = 0; i < x.len >> x.esz; i++) {
        if (vec_active(env->s.p[c].b, i << x.esz)) {
            sum += b ? (uint64_t)vec_get_signed(env->s.z[x.n].b, x.esz, i) : vec_get(env->s.z[x.n].b, x.esz, i);
        }
    }
    write_scalar(env, x.d, 3, sum);
    return 0;
}

uint64_t helper_sve_fadda(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    VecDesc x = {.word = a};
    FpStatus st = fp_begin(env->s.fpcr);
    uint64_t sum = vec_get(env->s.z[x.d].b, x.esz, 0);
    (void)b;
    for (unsigned i = 0; i < x.len >> x.esz; i++) {
        if (vec_active(env->s.p[c].b, i << x.esz)) {
            sum = fp_add(&st, (FpFmt)x.esz, sum, vec_get(env->s.z[x.n].b, x.esz, i));
        }
    }
    fp_end(&st, &env->s.fpsr);
    write_scalar(env, x.d, x.esz, sum);
    return 0;
}

uint64_t helper_sve_cpy(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    VecDesc x = {.word = a};
    ArmVec v;
    vec_dup(v.b, b, x.esz, x.len);
    merge(env->s.z[x.d].b, v.b, env->s.p[c & SVE_PG_MASK].b, x.esz, x.len, c & SVE_ZEROING);
    return 0;
}

uint64_t helper_sve_index(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    VecDesc x = {.word = a};
    for (unsigned i = 0; i < x.len >> x.esz; i++) {
        vec_set(env->s.z[x.d].b, x.esz, i, b + i * c);
    }
    return 0;
}

uint64_t helper_sve_adr(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    VecDesc x = {.word = a};
    for (unsigned i = 0; i < x.len >> x.esz; i++) {
        uint64_t m = vec_get(env->s.z[x.m].b, x.esz, i);
        m = c == 1 ? (uint64_t)(int32_t)m : c == 2 ? (uint32_t)m : m;
        vec_set(env->s.z[x.d].b, x.esz, i, vec_get(env->s.z[x.n].b, x.esz, i) + (m << b));
    }
    return 0;
}

/* SQINCB and so on, SQINCP: of 32 bits, signed: sign-extended; unsigned: zero-extended. */
uint64_t helper_sve_sat(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    VecK k = {.len = 0};
    bool is_unsigned = c & 1, words = c & 2, sub = c & 4;
    i128 x = words ? (is_unsigned ? (i128)(uint32_t)a : (i128)(int32_t)a) : is_unsigned ? (i128)a : (i128)(int64_t)a;
    (void)opaque;
    x += sub ? -(i128)b : (i128)b;
    return is_unsigned ? sat_u(&k, x, words ? 32 : 64) : (uint64_t)sat_s(&k, x, words ? 32 : 64);
}
