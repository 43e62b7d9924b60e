/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exact floating point: reciprocal and square root estimates and their steps, BFloat16 dot products.
 */
#include "target/arm/fp_parts.h"

/* ---- the estimates that the architecture defines, of fixed-point operands ---- */

/* RecipEstimate: a and the result are 256..511, the operand is a / 512. */
static unsigned recip_estimate(unsigned a)
{
    a = a * 2 + 1;
    unsigned b = (1u << 19) / a;
    return (b + 1) / 2;
}

/* RecipSqrtEstimate: a is 128..511 (operand a / 512), result 256..511. */
static unsigned recip_sqrt_estimate(unsigned a)
{
    a = a < 256 ? a * 2 + 1 : ((a >> 1 << 1) + 1) * 2;
    unsigned b = 512;
    while (a * (b + 1) * (b + 1) < 1u << 28) {
        b++;
    }
    return (b + 1) / 2;
}

uint32_t fp_recpe_u32(uint32_t a)
{
    return a >> 31 ? recip_estimate(a >> 23) << 23 : ~0u;
}

uint32_t fp_rsqrte_u32(uint32_t a)
{
    return a >> 30 ? recip_sqrt_estimate(a >> 23) << 23 : ~0u;
}

/* FRECPE where the reciprocal has no place in the format. */
static uint64_t recpe_overflow(FpStatus *st, FpFmt f, bool sign)
{
    bool to_inf = st->rm == FP_RN || (st->rm == FP_RP && !sign) || (st->rm == FP_RM && sign);
    st->flags |= FPSR_OFC | FPSR_IXC;
    return to_inf ? fp_inf(f, sign) : fp_max_normal(f, sign);
}

uint64_t fp_recpe(FpStatus *st, FpFmt f, uint64_t a)
{
    FpNum n = fp_unpack(st, f, a);
    int bias = fp_bias(f);
    if (num_is_nan(&n)) {
        return fp_nan(st, f, &n, a);
    }
    if (n.cls == CLASS_INF) {
        return fp_zero(f, n.sign);
    }
    if (n.cls == CLASS_ZERO) {
        st->flags |= FPSR_DZC;
        return fp_inf(f, n.sign);
    }
    if (n.exp < -bias - 1) {
        return recpe_overflow(st, f, n.sign);
    }
    if ((f == FP_H ? st->fz16 : st->fz) && n.exp >= bias - 1) {
        st->flags |= FPSR_UFC;
        return fp_zero(f, n.sign);
    }
    uint64_t estimate = recip_estimate((unsigned)(n.frac >> 55));
    /* estimate / 256 * 2^(-1 - exp); small results are denormal, and not rounded. */
    int exp = bias - 1 - n.exp;
    uint64_t frac = estimate << (fp_format[f].fbits - 8); /* with the leading one */
    if (exp < 1) {
        frac >>= 1 - exp;
        return fp_zero(f, n.sign) | frac;
    }
    return fp_zero(f, n.sign) | (((uint64_t)(exp - 1) << fp_format[f].fbits) + frac);
}

uint64_t fp_rsqrte(FpStatus *st, FpFmt f, uint64_t a)
{
    FpNum n = fp_unpack(st, f, a);
    if (num_is_nan(&n)) {
        return fp_nan(st, f, &n, a);
    }
    if (n.cls == CLASS_ZERO) {
        st->flags |= FPSR_DZC;
        return fp_inf(f, n.sign);
    }
    if (n.sign) {
        return fp_invalid(st, f);
    }
    if (n.cls == CLASS_INF) {
        return fp_zero(f, false);
    }
    /* The operand as 2^(2k) times 0.25 .. 1. */
    bool odd = n.exp & 1;
    unsigned scaled = (unsigned)(n.frac >> (odd ? 55 : 56));
    int exp = fp_bias(f) - 1 - (n.exp - odd) / 2;
    uint64_t frac = (uint64_t)(recip_sqrt_estimate(scaled) & 255) << (fp_format[f].fbits - 8);
    return (uint64_t)exp << fp_format[f].fbits | frac;
}

uint64_t fp_recpx(FpStatus *st, FpFmt f, uint64_t a)
{
    FpNum n = fp_unpack(st, f, a);
    if (num_is_nan(&n)) {
        return fp_nan(st, f, &n, a);
    }
    uint64_t field = fp_exp_field(f), exp = a & field;
    return fp_zero(f, n.sign) | (exp ? ~exp & field : field - (1ull << fp_format[f].fbits));
}

/* ---- steps ---- */

/* (constant - a * b) * 2^scale, rounded once; inf_zero is the result of infinity times zero. */
static uint64_t step(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, unsigned constant, int scale, uint64_t inf_zero)
{
    a = fp_neg(f, a);
    FpNum x = fp_unpack(st, f, a), y = fp_unpack(st, f, b);
    uint64_t r;
    if (fp_nans(st, f, &x, a, &y, b, &r)) {
        return r;
    }
    if (x.cls == CLASS_INF || y.cls == CLASS_INF) {
        return x.cls == CLASS_ZERO || y.cls == CLASS_ZERO ? inf_zero : fp_inf(f, x.sign ^ y.sign);
    }
    FpSum p = fp_product(&x, &y), q = {false, 1, (FpWide)constant << 125};
    return fp_round_sum(st, f, &p, &q, scale);
}

static uint64_t two(FpFmt f)
{
    return (uint64_t)(fp_bias(f) + 1) << fp_format[f].fbits;
}

static uint64_t one_and_a_half(FpFmt f)
{
    return (uint64_t)fp_bias(f) << fp_format[f].fbits | 1ull << (fp_format[f].fbits - 1);
}

uint64_t fp_recps(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return step(st, f, a, b, 2, 0, two(f));
}

uint64_t fp_rsqrts(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return step(st, f, a, b, 3, -1, one_and_a_half(f));
}

/* AArch32: the product is rounded before it is subtracted. */
static uint64_t step_a32(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, unsigned constant, int scale, uint64_t inf_zero)
{
    FpNum x = fp_unpack(st, f, a), y = fp_unpack(st, f, b);
    uint64_t r;
    if (fp_nans(st, f, &x, a, &y, b, &r)) {
        return r;
    }
    if ((x.cls == CLASS_INF && y.cls == CLASS_ZERO) || (x.cls == CLASS_ZERO && y.cls == CLASS_INF)) {
        return inf_zero;
    }
    uint64_t product = fp_mul(st, f, a, b);
    FpNum p = fp_unpack(st, f, product);
    if (p.cls == CLASS_INF) {
        return fp_inf(f, !p.sign);
    }
    p.sign = !p.sign;
    FpSum s = fp_addend(&p), c = {false, 1, (FpWide)constant << 125};
    return fp_round_sum(st, f, &c, &s, scale);
}

uint64_t fp_recps_a32(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return step_a32(st, f, a, b, 2, 0, two(f));
}

uint64_t fp_rsqrts_a32(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return step_a32(st, f, a, b, 3, -1, one_and_a_half(f));
}

/* ---- BFloat16 dot product ---- */

/* Denormals are zero, before and after; to odd; overflow to infinity. */
static const FpStatus bf_mode = {.rm = FP_RO, .fz = true, .dn = true};

static uint64_t bf_overflow(FpStatus *st, uint64_t r)
{
    return st->flags & FPSR_OFC ? fp_inf(FP_S, r & fp_sign_bit(FP_S)) : r;
}

static uint64_t bf_mul(uint32_t a, uint32_t b)
{
    FpStatus st = bf_mode;
    return bf_overflow(&st, fp_mul(&st, FP_S, a << 16, b << 16));
}

static uint64_t bf_add(uint64_t a, uint64_t b)
{
    FpStatus st = bf_mode;
    return bf_overflow(&st, fp_add(&st, FP_S, a, b));
}

uint32_t fp_bfdot(uint32_t sum, uint32_t a, uint32_t b)
{
    uint64_t products = bf_add(bf_mul(a & 0xffff, b & 0xffff), bf_mul(a >> 16, b >> 16));
    return (uint32_t)bf_add(sum, products);
}
