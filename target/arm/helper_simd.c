/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers of Advanced SIMD: operations by descriptor (vec.h), permutations, zeroing.
 */
#include "target/arm/fp.h"
#include "target/arm/helper.h"
#include "target/arm/vec.h"

static const uint8_t *second_source(ArmEnv *env, VecDesc x, int64_t imm, ArmVec *tmp)
{
    if (x.msrc == MSRC_IMM) {
        vec_dup(tmp->b, (uint64_t)imm, x.esz, x.len);
        return tmp->b;
    }
    if (x.msrc == MSRC_ZERO) {
        memset(tmp->b, 0, x.len);
        return tmp->b;
    }
    if (x.msrc == MSRC_ELEM) {
        vec_dup_segment(tmp->b, vec_reg(env, x.a32, x.m), x.index, x.iesz, x.len < 16 ? 16 : x.len);
        return tmp->b;
    }
    return vec_reg(env, x.a32, x.m);
}

static void reduce(VecK *k, VecDesc x, ArmVec *t1, ArmVec *t2, uint8_t *out)
{
    memcpy(out, k->n, x.len);
    for (unsigned len = x.len; len > 1u << x.esz; len /= 2) {
        vec_unzip(t1->b, out, out, len, x.esz, 0);
        vec_unzip(t2->b, out, out, len, x.esz, 1);
        k->n = t1->b;
        k->m = t2->b;
        k->a = k->d = out;
        k->len = len / 2;
        vec_fn[x.op][x.esz](k);
    }
}

void vec_compute(ArmEnv *env, VecDesc x, int64_t imm, const uint8_t *pg, uint8_t *out, bool *qc)
{
    ArmVec dup, t1, t2;
    VecK k = {.d = out, .n = vec_reg(env, x.a32, x.n), .a = vec_reg(env, x.a32, x.a), .len = x.len, .esz = x.esz,
              .imm = imm, .pg = pg, .env = env, .a32 = x.a32};
    k.m = second_source(env, x, imm, &dup);
    if (x.nsel & SEL_EXT) {
        vec_extend(t1.b, k.n, x.len, x.esz - 1, x.nsel);
        k.n = t1.b;
    }
    if (x.nsel == SEL_SWAP) {
        const uint8_t *n = k.n;
        k.n = k.m;
        k.m = n;
    }
    if (x.msel & SEL_EXT) {
        vec_extend(t2.b, k.m, x.len, x.esz - 1, x.msel);
        k.m = t2.b;
    }
    if (x.pair == PAIR_REDUCE) {
        reduce(&k, x, &t1, &t2, out);
        *qc |= k.qc;
        return;
    }
    if (x.pair == PAIR_CONCAT) {
        unsigned len = x.len > 1u << x.esz ? x.len : 2u << x.esz; /* the scalar forms have one pair */
        vec_unzip(t1.b, k.n, k.m, len, x.esz, 0);
        vec_unzip(t2.b, k.n, k.m, len, x.esz, 1);
        k.n = t1.b;
        k.m = t2.b;
    } else if (x.pair == PAIR_TURNS) {
        vec_transpose(t1.b, k.n, k.m, x.len, x.esz, 0);
        vec_transpose(t2.b, k.n, k.m, x.len, x.esz, 1);
        k.n = t1.b;
        k.m = t2.b;
    }
    vec_fn[x.op][x.esz](&k);
    *qc |= k.qc;
}

/* The operation of descriptor a with immediate b on V registers. */
uint64_t helper_simd(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    VecDesc x = {.word = a};
    uint8_t *d = vec_reg(env, x.a32, x.d);
    ArmVec out;
    bool qc = false;
    unsigned written = x.pair == PAIR_REDUCE ? 1u << x.esz : x.len;
    (void)c;
    vec_compute(env, x, (int64_t)b, NULL, out.b, &qc);
    if (x.out == OUT_SAME) {
        memcpy(d, out.b, written);
    } else {
        unsigned at = x.out == OUT_HI ? 8 : 0;
        vec_pack(d + at, out.b, x.len, x.esz);
        written = at + x.len / 2;
    }
    if (!x.a32) {
        vec_written(env, x.d, written);
    }
    if (qc) {
        env->s.fpsr |= FPSR_QC;
    }
    return 0;
}

/* Bytes from b on of V<a> become zero. */
uint64_t helper_simd_zero(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    (void)c;
    vec_written(opaque, (unsigned)a, (unsigned)b);
    return 0;
}

/*
 * TBL, TBX: fields of the descriptor: d, n (first of the table), m (indexes), len; imm: registers | 4 for TBX. AArch32's
 * tables are of D registers.
 */
static void table_lookup(ArmEnv *env, VecDesc x, unsigned imm, uint8_t *out)
{
    unsigned unit = x.a32 ? 8 : 16, bytes = unit * ((imm & 3) + 1);
    const uint8_t *m = vec_reg(env, x.a32, x.m), *d = vec_reg(env, x.a32, x.d);
    for (unsigned i = 0; i < x.len; i++) {
        unsigned at = m[i];
        if (at < bytes) {
            out[i] = vec_reg(env, x.a32, (x.n + at / unit) % 32)[at % unit];
        } else {
            out[i] = imm & 4 ? d[i] : 0;
        }
    }
}

typedef void Interleave(uint8_t *out, const uint8_t *n, const uint8_t *m, unsigned len, unsigned esz, unsigned part);
static Interleave *const interleave[] = {
    [VEC_PERM_UZP] = vec_unzip, [VEC_PERM_ZIP] = vec_zip, [VEC_PERM_TRN] = vec_transpose};

/* Permutation b (VEC_PERM_x | immediate << 8) by the registers of descriptor a. */
uint64_t helper_simd_permute(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    VecDesc x = {.word = a};
    const uint8_t *n = vec_reg(env, x.a32, x.n), *m = vec_reg(env, x.a32, x.m);
    unsigned imm = (unsigned)b >> 8;
    ArmVec out;
    (void)c;
    switch (b & 0xff) {
    case VEC_PERM_EXT:
        for (unsigned i = 0; i < x.len; i++) {
            out.b[i] = i + imm < x.len ? n[i + imm] : m[i + imm - x.len];
        }
        break;
    case VEC_PERM_TBL:
        table_lookup(env, x, imm, out.b);
        break;
    default:
        interleave[b & 0xff](out.b, n, m, x.len, x.esz, imm);
        break;
    }
    memcpy(vec_reg(env, x.a32, x.d), out.b, x.len);
    if (!x.a32) {
        vec_written(env, x.d, x.len);
    }
    return 0;
}

/* AArch32's VUZP, VZIP, VTRN: both parts of permutation b of D<n> and D<m> take these registers' places. */
uint64_t helper_simd_permute2(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    VecDesc x = {.word = a};
    uint8_t *n = vec_reg(env, true, x.n), *m = vec_reg(env, true, x.m);
    ArmVec out[2];
    (void)c;
    interleave[b](out[0].b, n, m, x.len, x.esz, 0);
    interleave[b](out[1].b, n, m, x.len, x.esz, 1);
    memcpy(n, out[0].b, x.len);
    memcpy(m, out[1].b, x.len);
    return 0;
}
