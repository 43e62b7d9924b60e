/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernels of SVE that look at more than one lane: complex integers, long carries, histograms, matrices.
 */
#include "target/arm/vec_kernels.h"

/* FMMLA: 2x2 += 2x2 times 2x2, in every four lanes. */
void vec_fmmla(VecK *k)
{
    const FpFmt f = (FpFmt)k->esz;
    FpStatus st = vec_fp_begin(k);
    memset(k->d, 0, k->len); /* what does not fill a matrix */
    for (unsigned at = 0; at + (4u << f) <= k->len; at += 4u << f) {
        for (unsigned i = 0; i < 4; i++) {
            const uint8_t *n = k->n + at, *m = k->m + at;
            unsigned r = i & 2, c = 2 * (i & 1);
            uint64_t p0 = fp_mul(&st, f, vec_get(n, f, r), vec_get(m, f, c));
            uint64_t p1 = fp_mul(&st, f, vec_get(n, f, r + 1), vec_get(m, f, c + 1));
            vec_set(k->d + at, f, i, fp_add(&st, f, vec_get(k->a + at, f, i), fp_add(&st, f, p0, p1)));
        }
    }
    fp_end(&st, &k->env->s.fpsr);
}

/* CADD, SQCADD: n + i * m (imm 0) or n - i * m (1). */
static void complex_add(VecK *k, bool sat)
{
    unsigned bits = 8u << k->esz;
    for (unsigned i = 0; i < k->len >> k->esz; i += 2) {
        i128 n_re = vec_get_signed(k->n, k->esz, i), n_im = vec_get_signed(k->n, k->esz, i + 1);
        i128 m_re = vec_get_signed(k->m, k->esz, i), m_im = vec_get_signed(k->m, k->esz, i + 1);
        i128 re = k->imm ? n_re + m_im : n_re - m_im, im = k->imm ? n_im - m_re : n_im + m_re;
        vec_set(k->d, k->esz, i, sat ? (uint64_t)sat_s(k, re, bits) : (uint64_t)re);
        vec_set(k->d, k->esz, i + 1, sat ? (uint64_t)sat_s(k, im, bits) : (uint64_t)im);
    }
}
void vec_cadd(VecK *k)
{
    complex_add(k, false);
}
void vec_sqcadd(VecK *k)
{
    complex_add(k, true);
}

/* a +- n * m with the rounding, doubling and saturation of SQRDMLAH. */
static uint64_t rounded_mla(VecK *k, int64_t a, int64_t n, int64_t m, bool sub)
{
    unsigned bits = 8u << k->esz;
    i128 p = (i128)n * m;
    return (uint64_t)sat_s(k, (((i128)a << (bits - 1)) + (sub ? -p : p) + ((i128)1 << (bits - 2))) >> (bits - 1), bits);
}

/* CMLA, SQRDCMLAH: a += m times one part of n, turned by imm times 90 degrees. */
static void complex_mla(VecK *k, bool rounded)
{
    unsigned e = k->esz, part = k->imm & 1;
    bool sub_re = k->imm == 1 || k->imm == 2, sub_im = k->imm >= 2;
    for (unsigned i = 0; i < k->len >> e; i += 2) {
        int64_t n = vec_get_signed(k->n, e, i + part);
        int64_t re = vec_get_signed(k->m, e, i + part), im = vec_get_signed(k->m, e, i + 1 - part);
        int64_t a_re = vec_get_signed(k->a, e, i), a_im = vec_get_signed(k->a, e, i + 1);
        if (rounded) {
            vec_set(k->d, e, i, rounded_mla(k, a_re, n, re, sub_re));
            vec_set(k->d, e, i + 1, rounded_mla(k, a_im, n, im, sub_im));
        } else {
            vec_set(k->d, e, i, (uint64_t)(sub_re ? a_re - n * re : a_re + n * re));
            vec_set(k->d, e, i + 1, (uint64_t)(sub_im ? a_im - n * im : a_im + n * im));
        }
    }
}
void vec_cmla(VecK *k)
{
    complex_mla(k, false);
}
void vec_sqrdcmlah(VecK *k)
{
    complex_mla(k, true);
}

/* CDOT: lanes of two complex numbers of a quarter of their width each. */
void vec_cdot(VecK *k)
{
    unsigned q = k->esz - 2, part = k->imm & 1;
    bool sub = k->imm == 0 || k->imm == 3; /* of the product of the second parts */
    for (unsigned i = 0; i < k->len >> k->esz; i++) {
        uint64_t r = vec_get(k->a, k->esz, i);
        for (unsigned j = 0; j < 2; j++) {
            unsigned at = 4 * i + 2 * j;
            int64_t n_re = vec_get_signed(k->n, q, at), n_im = vec_get_signed(k->n, q, at + 1);
            int64_t m1 = vec_get_signed(k->m, q, at + part), m2 = vec_get_signed(k->m, q, at + 1 - part);
            r += (uint64_t)(n_re * m1 + (sub ? -(n_im * m2) : n_im * m2));
        }
        vec_set(k->d, k->esz, i, r);
    }
}

/* ADCLB and so on. imm bit 0: n's odd lanes (T); bit 1: subtract. The carry comes and goes by odd lanes. */
void vec_adcl(VecK *k)
{
    for (unsigned i = 0; i < k->len >> k->esz; i += 2) {
        uint64_t n = vec_get(k->n, k->esz, i + (k->imm & 1)), a = vec_get(k->a, k->esz, i);
        if (k->imm & 2) {
            n = lane_u(~n, 8u << k->esz);
        }
        u128 sum = (u128)a + n + (vec_get(k->m, k->esz, i + 1) & 1);
        vec_set(k->d, k->esz, i, (uint64_t)sum);
        vec_set(k->d, k->esz, i + 1, (uint64_t)(sum >> (8u << k->esz)) & 1);
    }
}

/* EORBT (imm 0), EORTB (1): the even or odd lanes of d. */
void vec_eorbt(VecK *k)
{
    unsigned top = k->imm & 1;
    memcpy(k->d, k->a, k->len);
    for (unsigned i = 0; i < k->len >> k->esz; i += 2) {
        vec_set(k->d, k->esz, i + top, vec_get(k->n, k->esz, i + top) ^ vec_get(k->m, k->esz, i + 1 - top));
    }
}

void vec_histcnt(VecK *k)
{
    for (unsigned i = 0; i < k->len >> k->esz; i++) {
        uint64_t count = 0;
        for (unsigned j = 0; j <= i; j++) {
            count += vec_active(k->pg, j << k->esz) && vec_get(k->n, k->esz, i) == vec_get(k->m, k->esz, j);
        }
        vec_set(k->d, k->esz, i, count);
    }
}

void vec_histseg(VecK *k)
{
    for (unsigned i = 0; i < k->len; i++) {
        unsigned count = 0;
        for (unsigned j = 0; j < 16; j++) {
            count += k->n[i] == k->m[(i & ~15u) + j];
        }
        k->d[i] = (uint8_t)count;
    }
}

/* Masks: is the lane of n among those of m's same 16 bytes? imm 1: is it not? */
void vec_match(VecK *k)
{
    unsigned per = 16u >> k->esz;
    for (unsigned i = 0; i < k->len >> k->esz; i++) {
        bool found = false;
        for (unsigned j = 0; j < per; j++) {
            found |= vec_get(k->n, k->esz, i) == vec_get(k->m, k->esz, (i & ~(per - 1)) + j);
        }
        vec_set(k->d, k->esz, i, found != (k->imm != 0) ? ~0ull : 0);
    }
}
