/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernels that no lane alone computes: complex numbers, matrices, 128-bit products. Sources and result do not overlap
 * but for a, which may be d: vec_compute() sees to that.
 */
#include "target/arm/vec_kernels.h"

/* 2x2 words += 2x8 bytes times 8x2 bytes (MatMulAdd, in every 128 bits). */
static void matrix_product(VecK *k, bool n_signed, bool m_signed)
{
    for (unsigned at = 0; at < k->len; at += 16) {
        uint32_t r[4];
        for (unsigned i = 0; i < 4; i++) {
            const uint8_t *n = k->n + at + 8 * (i / 2), *m = k->m + at + 8 * (i % 2);
            r[i] = ((const uint32_t *)(k->a + at))[i];
            for (unsigned j = 0; j < 8; j++) {
                r[i] += (uint32_t)((n_signed ? (int8_t)n[j] : n[j]) * (m_signed ? (int8_t)m[j] : m[j]));
            }
        }
        memcpy(k->d + at, r, 16);
    }
}
void vec_smmla(VecK *k)
{
    matrix_product(k, true, true);
}
void vec_ummla(VecK *k)
{
    matrix_product(k, false, false);
}
void vec_usmmla(VecK *k)
{
    matrix_product(k, false, true);
}

/* BFMMLA: 2x2 single += 2x4 times 4x2 bfloat16, two products at a time. */
void vec_bfmmla(VecK *k)
{
    for (unsigned at = 0; at < k->len; at += 16) {
        uint32_t r[4];
        for (unsigned i = 0; i < 4; i++) {
            const uint32_t *n = (const uint32_t *)(k->n + at + 8 * (i / 2));
            const uint32_t *m = (const uint32_t *)(k->m + at + 8 * (i % 2));
            r[i] = fp_bfdot(((const uint32_t *)(k->a + at))[i], n[0], m[0]);
            r[i] = fp_bfdot(r[i], n[1], m[1]);
        }
        memcpy(k->d + at, r, 16);
    }
}

/* FCADD: n + i * m (imm 0: 90 degrees) or n - i * m (1: 270). */
void vec_fcadd(VecK *k)
{
    const FpFmt f = (FpFmt)k->esz;
    FpStatus st = vec_fp_begin(k);
    for (unsigned i = 0; i < k->len >> f; i += 2) {
        uint64_t re = vec_get(k->m, f, i), im = vec_get(k->m, f, i + 1);
        if (k->imm) {
            re = fp_neg(f, re);
        } else {
            im = fp_neg(f, im);
        }
        if (vec_active(k->pg, i << f)) {
            vec_set(k->d, f, i, fp_add(&st, f, vec_get(k->n, f, i), im));
        }
        if (vec_active(k->pg, (i + 1) << f)) {
            vec_set(k->d, f, i + 1, fp_add(&st, f, vec_get(k->n, f, i + 1), re));
        }
    }
    fp_end(&st, &k->env->s.fpsr);
}

/* FCMLA: a += m times the real (imm 0, 2) or imaginary (1, 3) part of n, turned by imm times 90 degrees. */
void vec_fcmla(VecK *k)
{
    const FpFmt f = (FpFmt)k->esz;
    unsigned rot = (unsigned)k->imm;
    bool neg_re = rot == 1 || rot == 2, neg_im = rot >= 2;
    FpStatus st = vec_fp_begin(k);
    for (unsigned i = 0; i < k->len >> f; i += 2) {
        uint64_t part = vec_get(k->n, f, i + rot % 2);
        uint64_t m_re = vec_get(k->m, f, i + rot % 2), m_im = vec_get(k->m, f, i + 1 - rot % 2);
        uint64_t a_re = vec_get(k->a, f, i), a_im = vec_get(k->a, f, i + 1);
        m_re = neg_re ? fp_neg(f, m_re) : m_re;
        m_im = neg_im ? fp_neg(f, m_im) : m_im;
        if (vec_active(k->pg, i << f)) {
            vec_set(k->d, f, i, fp_muladd(&st, f, a_re, part, m_re));
        }
        if (vec_active(k->pg, (i + 1) << f)) {
            vec_set(k->d, f, i + 1, fp_muladd(&st, f, a_im, part, m_im));
        }
    }
    fp_end(&st, &k->env->s.fpsr);
}
