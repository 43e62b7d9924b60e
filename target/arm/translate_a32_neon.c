/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A32 and T32 Advanced SIMD: operations on three registers, on two and a scalar, cryptography, extensions
 * (Arm ARM F4.1.18, "three registers of the same length" and so on; F4.1.21).
 */
#include "target/arm/translate_a32_neon.h"

/* ---- three registers of the same type ---- */

static void three_same(ArmTr *s, int arg, unsigned esz, unsigned q, unsigned d, unsigned n, unsigned m)
{
    bool reversed = arg & VEC_ARG_REV; /* shifts: the count is Vn */
    if (neon_even(s, q, d | n | m)) {
        neon_op(s, neon_desc(arg, esz, simd_len(q), d, reversed ? m : n, reversed ? n : m), 0);
    }
}

void trans_a32_n3(ArmTr *s, const a32_n3 *a)
{
    three_same(s, a->arg, a->size, a->Q, NEON_D(a), NEON_N(a), NEON_M(a));
}

void trans_a32_n3f(ArmTr *s, const a32_n3f *a)
{
    unsigned esz = a->sz ? 1 : 2;
    if (neon_format(s, esz)) {
        three_same(s, a->arg, esz, a->Q, NEON_D(a), NEON_N(a), NEON_M(a));
    }
}

/* ---- three registers of different types ---- */

void trans_a32_n3l(ArmTr *s, const a32_n3l *a)
{
    bool narrow = a->arg & VEC_ARG_NARROW, wide = a->arg & VEC_ARG_WIDE;
    VecDesc x = neon_desc(a->arg, a->size + 1, 16, NEON_D(a), NEON_N(a), NEON_M(a));
    unsigned half = simd_half(a->arg & VEC_ARG_SIGNED, false);
    if (!neon_even(s, true, narrow ? NEON_N(a) | NEON_M(a) : NEON_D(a) | (wide ? NEON_N(a) : 0))) {
        return;
    }
    if (narrow) {
        x.out = OUT_LO;
    } else {
        x.nsel = wide ? SEL_NONE : half & 15;
        x.msel = half & 15;
    }
    neon_op(s, x, 0);
}

void trans_a32_nmull64(ArmTr *s, const a32_nmull64 *a)
{
    if (neon_even(s, true, NEON_D(a))) {
        neon_op(s, neon_desc(VEC_PMULL64, 3, 16, NEON_D(a), NEON_N(a), NEON_M(a)), 0);
    }
}

/* ---- two registers and a scalar ---- */

/* A halfword of D0..D7 or a word of D0..D15. */
static void scalar(VecDesc *x, unsigned esz, unsigned m, unsigned vm)
{
    if (esz == 1) {
        neon_element(x, 1, vm & 7, m << 1 | vm >> 3);
    } else {
        neon_element(x, 2, vm, m);
    }
}

void trans_a32_nscalar(ArmTr *s, const a32_nscalar *a)
{
    VecDesc x = neon_desc(a->arg, a->size, simd_len(a->Q), NEON_D(a), NEON_N(a), 0);
    scalar(&x, a->size, a->M, a->Vm);
    if (neon_even(s, a->Q, NEON_D(a) | NEON_N(a))) {
        neon_op(s, x, 0);
    }
}

void trans_a32_nscalarf(ArmTr *s, const a32_nscalarf *a)
{
    VecDesc x = neon_desc(a->arg, a->size, simd_len(a->Q), NEON_D(a), NEON_N(a), 0);
    scalar(&x, a->size, a->M, a->Vm);
    if (neon_format(s, a->size) && neon_even(s, a->Q, NEON_D(a) | NEON_N(a))) {
        neon_op(s, x, 0);
    }
}

void trans_a32_nscalarl(ArmTr *s, const a32_nscalarl *a)
{
    VecDesc x = neon_desc(a->arg, a->size + 1, 16, NEON_D(a), NEON_N(a), 0);
    scalar(&x, a->size, a->M, a->Vm);
    x.nsel = x.msel = simd_half(a->arg & VEC_ARG_SIGNED, false) & 15;
    if (neon_even(s, true, NEON_D(a))) {
        neon_op(s, x, 0);
    }
}

/* ---- cryptography: Q registers, the destination is the state ---- */

void trans_a32_ncrypto2(ArmTr *s, const a32_ncrypto2 *a)
{
    if (neon_even(s, true, NEON_D(a) | NEON_M(a))) {
        neon_op(s, neon_desc(a->arg, 3, 16, NEON_D(a), NEON_M(a), NEON_M(a)), 0);
    }
}

void trans_a32_ncrypto3(ArmTr *s, const a32_ncrypto3 *a)
{
    if (neon_even(s, true, NEON_D(a) | NEON_N(a) | NEON_M(a))) {
        neon_op(s, neon_desc(a->arg, 3, 16, NEON_D(a), NEON_N(a), NEON_M(a)), 0);
    }
}

/* The rest of Qd becomes zero. */
void trans_a32_nsha1h(ArmTr *s, const a32_nsha1h *a)
{
    unsigned d = NEON_D(a), m = NEON_M(a);
    if (!neon_even(s, true, d | m) || !aa32_simd_enabled(s)) {
        return;
    }
    IrVal v = tr_temp(s);
    ir_alui(s->b, OP_rol, W32, v, tr_ldenv(s, W32, neon_env(m)), 30, 0);
    tr_stenv(s, W64, neon_env(d), v);
    tr_stenv(s, W64, neon_env(d + 1), tr_const(s, 0));
}

/* ---- complex numbers ---- */

void trans_a32_ncomplex(ArmTr *s, const a32_ncomplex *a)
{
    unsigned esz = a->S ? 2 : 1;
    if (neon_format(s, esz) && neon_even(s, a->Q, NEON_D(a) | NEON_N(a) | NEON_M(a))) {
        neon_op(s, neon_desc(a->arg, esz, simd_len(a->Q), NEON_D(a), NEON_N(a), NEON_M(a)), a->rot);
    }
}

/* An element is a complex number: of halves in D0..D15, of singles a whole D register. */
void trans_a32_ncomplex_elem(ArmTr *s, const a32_ncomplex_elem *a)
{
    unsigned esz = a->S ? 2 : 1;
    VecDesc x = neon_desc(VEC_FCMLA, esz, simd_len(a->Q), NEON_D(a), NEON_N(a), 0);
    neon_element(&x, esz + 1, a->S ? NEON_M(a) : a->Vm, a->S ? 0 : a->M);
    if (neon_format(s, esz) && neon_even(s, a->Q, NEON_D(a) | NEON_N(a))) {
        neon_op(s, x, a->rot);
    }
}

/* ---- dot products, matrices: words of four bytes or two BFloat16 ---- */

void trans_a32_ndot(ArmTr *s, const a32_ndot *a)
{
    three_same(s, a->arg, 2, a->Q, NEON_D(a), NEON_N(a), NEON_M(a));
}

void trans_a32_ndot_elem(ArmTr *s, const a32_ndot_elem *a)
{
    VecDesc x = neon_desc(a->arg, 2, simd_len(a->Q), NEON_D(a), NEON_N(a), 0);
    neon_element(&x, 2, a->Vm, a->M);
    if (neon_even(s, a->Q, NEON_D(a) | NEON_N(a))) {
        neon_op(s, x, 0);
    }
}

static VecDesc bfmla_desc(unsigned top, unsigned d, unsigned n, unsigned m)
{
    VecDesc x = neon_desc(VEC_BFMLAL, 2, 16, d, n, m);
    x.nsel = x.msel = SEL_EXT | (top ? SEL_ODD : SEL_EVEN);
    return x;
}

void trans_a32_nbfmla(ArmTr *s, const a32_nbfmla *a)
{
    if (neon_even(s, true, NEON_D(a) | NEON_N(a) | NEON_M(a))) {
        neon_op(s, bfmla_desc(a->T, NEON_D(a), NEON_N(a), NEON_M(a)), 0);
    }
}

void trans_a32_nbfmla_elem(ArmTr *s, const a32_nbfmla_elem *a)
{
    VecDesc x = bfmla_desc(a->T, NEON_D(a), NEON_N(a), 0);
    scalar(&x, 1, a->M, a->Vm);
    if (neon_even(s, true, NEON_D(a) | NEON_N(a))) {
        neon_op(s, x, 0);
    }
}

/* ---- half to single: sources are D registers, or (not Q) S registers, halves of D0..D15 ---- */

static unsigned fmal_source(unsigned q, unsigned v, unsigned x)
{
    return q ? x << 4 | v : v;
}

static unsigned fmal_half(unsigned q, unsigned x)
{
    return simd_half(false, !q && x) & 15;
}

void trans_a32_nfmal(ArmTr *s, const a32_nfmal *a)
{
    VecDesc x = neon_desc(a->arg, 2, simd_len(a->Q), NEON_D(a), fmal_source(a->Q, a->Vn, a->N),
                          fmal_source(a->Q, a->Vm, a->M));
    x.nsel = fmal_half(a->Q, a->N) & 15;
    x.msel = fmal_half(a->Q, a->M) & 15;
    if (neon_even(s, a->Q, NEON_D(a))) {
        neon_op(s, x, 0);
    }
}

void trans_a32_nfmal_elem(ArmTr *s, const a32_nfmal_elem *a)
{
    VecDesc x = neon_desc(a->arg, 2, simd_len(a->Q), NEON_D(a), fmal_source(a->Q, a->Vn, a->N), 0);
    scalar(&x, 1, a->M, a->Vm);
    x.nsel = fmal_half(a->Q, a->N) & 15;
    x.msel = simd_half(false, false) & 15;
    if (neon_even(s, a->Q, NEON_D(a))) {
        neon_op(s, x, 0);
    }
}
