/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exact floating point: conversions between formats, to and from integers, rounding to integral values; immediates.
 */
#include "target/arm/fp_parts.h"

uint64_t fp_expand_imm(FpFmt f, uint8_t imm8)
{
    unsigned e = fp_format[f].ebits, fbits = fp_format[f].fbits;
    uint64_t sign = imm8 >> 7, b = imm8 >> 6 & 1;
    /* exponent: NOT(b), b repeated, imm8<5:4> */
    uint64_t exp = (b ? ((1ull << (e - 3)) - 1) << 2 : 1ull << (e - 1)) | (imm8 >> 4 & 3);
    return sign * fp_sign_bit(f) | exp << fbits | (uint64_t)(imm8 & 15) << (fbits - 4);
}

/* ---- between formats ---- */

/* FPConvertNaN: sign and the highest bits of the fraction, quiet. */
static uint64_t convert_nan(FpFmt to, FpFmt from, uint64_t a)
{
    unsigned fb = fp_format[from].fbits, tb = fp_format[to].fbits;
    uint64_t frac = a & ((1ull << fb) - 1);
    frac = tb > fb ? frac << (tb - fb) : frac >> (fb - tb);
    return fp_inf(to, a & fp_sign_bit(from)) | 1ull << (tb - 1) | frac;
}

uint64_t fp_convert(FpStatus *st, FpFmt to, FpFmt from, uint64_t a, FpRound rm)
{
    bool fz16 = st->fz16, alternative = to == FP_H && st->ahp;
    st->fz16 = false;
    FpNum n = fp_unpack_cv(st, from, a);
    uint64_t r;
    if (num_is_nan(&n)) {
        if (n.cls == CLASS_SNAN || alternative) {
            st->flags |= FPSR_IOC;
        }
        r = alternative ? fp_zero(to, n.sign) : st->dn ? fp_default_nan(to) : convert_nan(to, from, a);
    } else if (n.cls == CLASS_INF) {
        if (alternative) {
            st->flags |= FPSR_IOC;
        }
        r = alternative ? fp_sign_bit(to) * n.sign | (fp_sign_bit(to) - 1) : fp_inf(to, n.sign);
    } else if (n.cls == CLASS_ZERO) {
        r = fp_zero(to, n.sign);
    } else {
        r = fp_round(st, to, rm, n.sign, n.exp, (FpWide)n.frac << 64, alternative);
    }
    st->fz16 = fz16;
    return r;
}

/* ---- to integers ---- */

typedef struct Whole {
    uint64_t mag; /* magnitude, rounded */
    bool inexact;
    bool huge;    /* 2^64 or more */
} Whole;

/* The magnitude of n * 2^scale as an integer. n is a number or zero. */
static Whole to_whole(const FpNum *n, int scale, FpRound rm)
{
    int e = n->exp + scale;
    if (n->cls == CLASS_ZERO) {
        return (Whole){0};
    }
    if (e > 63) {
        return (Whole){.huge = true};
    }
    /* 64 bits before the point and 64 behind it; what is below one half of one half needs no place. */
    FpWide x = e < -2 ? 1 : (FpWide)n->frac << 64 >> (63 - e);
    uint64_t mag = (uint64_t)(x >> 64), rest = (uint64_t)x, half = 1ull << 63;
    bool up = (rm == FP_RN && (rest > half || (rest == half && (mag & 1)))) || (rm == FP_RA && rest >= half) ||
              (rm == FP_RP && rest && !n->sign) || (rm == FP_RM && rest && n->sign);
    return (Whole){.mag = mag + up, .inexact = rest != 0};
}

static uint64_t from_whole(FpStatus *st, FpFmt f, bool sign, uint64_t mag)
{
    return mag ? fp_round(st, f, FP_RZ, sign, 127, mag, false) : fp_zero(f, sign);
}

uint64_t fp_round_int(FpStatus *st, FpFmt f, uint64_t a, FpRound rm, bool exact)
{
    FpNum n = fp_unpack(st, f, a);
    if (num_is_nan(&n)) {
        return fp_nan(st, f, &n, a);
    }
    if (n.cls == CLASS_INF) {
        return fp_inf(f, n.sign);
    }
    if (n.cls == CLASS_NUMBER && n.exp >= fp_format[f].fbits) {
        return a & (fp_sign_bit(f) * 2 - 1);
    }
    Whole w = to_whole(&n, 0, rm);
    if (w.inexact && exact) {
        st->flags |= FPSR_IXC;
    }
    return from_whole(st, f, n.sign, w.mag);
}

uint64_t fp_round_int_n(FpStatus *st, FpFmt f, uint64_t a, FpRound rm, unsigned bits)
{
    FpNum n = fp_unpack(st, f, a);
    Whole w = {.huge = true};
    if (n.cls == CLASS_NUMBER || n.cls == CLASS_ZERO) {
        w = to_whole(&n, 0, rm);
    }
    if (w.huge || w.mag > (1ull << (bits - 1)) - !n.sign) {
        st->flags |= FPSR_IOC;
        return fp_sign_bit(f) | (uint64_t)(fp_bias(f) + (int)bits - 1) << fp_format[f].fbits; /* -2^(bits - 1) */
    }
    if (w.inexact) {
        st->flags |= FPSR_IXC;
    }
    return from_whole(st, f, n.sign, w.mag);
}

uint64_t fp_to_fixed(FpStatus *st, FpFmt f, uint64_t a, unsigned fbits, bool is_unsigned, FpRound rm, unsigned bits)
{
    FpNum n = fp_unpack(st, f, a);
    uint64_t mask = ~0ull >> (64 - bits), top = 1ull << (bits - 1);
    if (num_is_nan(&n)) {
        st->flags |= FPSR_IOC;
        return 0;
    }
    Whole w = {.huge = true};
    if (n.cls != CLASS_INF) {
        w = to_whole(&n, (int)fbits, rm);
    }
    uint64_t most = is_unsigned ? (n.sign ? 0 : mask) : top - !n.sign;
    if (w.huge || w.mag > most) {
        st->flags |= FPSR_IOC;
        w.mag = most;
    } else if (w.inexact) {
        st->flags |= FPSR_IXC;
    }
    return (n.sign ? -w.mag : w.mag) & mask;
}

uint32_t fp_to_js(FpStatus *st, uint64_t a, bool *z)
{
    FpNum n = fp_unpack(st, FP_D, a);
    *z = false;
    if (num_is_nan(&n) || n.cls == CLASS_INF) {
        st->flags |= FPSR_IOC;
        return 0;
    }
    if (n.cls == CLASS_ZERO) {
        *z = a == 0; /* neither minus zero nor a flushed denormal */
        return 0;
    }
    uint64_t mag;
    Whole w = to_whole(&n, 0, FP_RZ);
    if (w.huge) { /* an integer: its low 32 bits are there if the lowest bit's weight is below 2^32 */
        mag = n.exp - 52 < 32 ? n.frac >> 11 << (n.exp - 52) : 0;
    } else {
        mag = w.mag;
    }
    if (w.huge || mag > (1ull << 31) - !n.sign) {
        st->flags |= FPSR_IOC;
    } else if (w.inexact) {
        st->flags |= FPSR_IXC;
    } else {
        *z = true;
    }
    return (uint32_t)(n.sign ? -mag : mag);
}

/* ---- from integers ---- */

uint64_t fp_from_fixed(FpStatus *st, FpFmt f, uint64_t v, unsigned fbits, bool is_unsigned, FpRound rm, unsigned bits)
{
    v &= ~0ull >> (64 - bits);
    bool sign = !is_unsigned && v >> (bits - 1);
    if (sign) {
        v = -v & ~0ull >> (64 - bits);
    }
    return v ? fp_round(st, f, rm, sign, 127 - (int)fbits, v, false) : 0;
}
