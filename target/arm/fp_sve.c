/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floating point that only SVE has: exponents, and the steps of sine, cosine and exp.
 */
#include "target/arm/fp_parts.h"

uint64_t fp_scale(FpStatus *st, FpFmt f, uint64_t a, int64_t exponent)
{
    FpNum n = fp_unpack(st, f, a);
    if (num_is_nan(&n)) {
        return fp_nan(st, f, &n, a);
    }
    if (n.cls == CLASS_ZERO) {
        return fp_zero(f, n.sign);
    }
    if (n.cls == CLASS_INF) {
        return fp_inf(f, n.sign);
    }
    int by = (int)(exponent > 8192 ? 8192 : exponent < -8192 ? -8192 : exponent); /* beyond every format's range */
    return fp_round(st, f, (FpRound)st->rm, n.sign, n.exp + by, (FpWide)n.frac << 64, false);
}

int64_t fp_logb(FpStatus *st, FpFmt f, uint64_t a)
{
    FpNum n = fp_unpack(st, f, a);
    int64_t limit = (int64_t)(fp_sign_bit(f) - 1);
    if (num_is_nan(&n) || n.cls == CLASS_ZERO) {
        st->flags |= FPSR_IOC;
        return -limit - 1;
    }
    return n.cls == CLASS_INF ? limit : n.exp;
}

static uint64_t one(FpFmt f, bool sign)
{
    return fp_zero(f, sign) | (uint64_t)fp_bias(f) << fp_format[f].fbits;
}

uint64_t fp_trig_smul(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    uint64_t r = fp_mul(st, f, a, a);
    return fp_is_nan(f, r) ? r : fp_abs(f, r) | fp_zero(f, b & 1);
}

uint64_t fp_trig_ssel(FpFmt f, uint64_t a, uint64_t b)
{
    return b & 1 ? one(f, b & 2) : b & 2 ? fp_neg(f, a) : a & (fp_sign_bit(f) * 2 - 1);
}

/* Coefficients of the series of sine (b positive), then of cosine. */
uint64_t fp_trig_madd(FpStatus *st, FpFmt f, unsigned n, uint64_t a, uint64_t b)
{
    static const uint16_t half[16] = {
        0x3c00, 0xb155, 0x2030, 0, 0, 0, 0, 0, 0x3c00, 0xb800, 0x293a, 0, 0, 0, 0, 0,
    };
    static const uint32_t single[16] = {
        0x3f800000, 0xbe2aaaab, 0x3c088886, 0xb95008b9, 0x36369d6d, 0, 0, 0,
        0x3f800000, 0xbf000000, 0x3d2aaaa6, 0xbab60705, 0x37cd37cc, 0, 0, 0,
    };
    static const uint64_t twofold[16] = {
        0x3ff0000000000000, 0xbfc5555555555543, 0x3f8111111110f30c, 0xbf2a01a019b92fc6,
        0x3ec71de351f3d22b, 0xbe5ae5e2b60f7b91, 0x3de5d8408868552f, 0,
        0x3ff0000000000000, 0xbfe0000000000000, 0x3fa5555555555536, 0xbf56c16c16c13a0b,
        0x3efa01a019b1e8d8, 0xbe927e4f7282f468, 0x3e21ee96d2641b13, 0xbda8f76380fbb401,
    };
    unsigned i = n + (b & fp_sign_bit(f) ? 8 : 0);
    uint64_t c = f == FP_H ? half[i] : f == FP_S ? single[i] : twofold[i];
    return fp_muladd(st, f, c, a, fp_abs(f, b));
}

/* Fractions of 2^(i / 32) in half, 2^(i / 64) in single and double precision. */
static const uint16_t exp_half[32] = {
    0x0000, 0x0016, 0x002d, 0x0045, 0x005d, 0x0075, 0x008e, 0x00a8,
    0x00c2, 0x00dc, 0x00f8, 0x0114, 0x0130, 0x014d, 0x016b, 0x0189,
    0x01a8, 0x01c8, 0x01e8, 0x0209, 0x022b, 0x024e, 0x0271, 0x0295,
    0x02ba, 0x02e0, 0x0306, 0x032e, 0x0356, 0x037f, 0x03a9, 0x03d4,
};
static const uint32_t exp_single[64] = {
    0x000000, 0x0164d2, 0x02cd87, 0x043a29, 0x05aac3, 0x071f62, 0x08980f, 0x0a14d5,
    0x0b95c2, 0x0d1adf, 0x0ea43a, 0x1031dc, 0x11c3d3, 0x135a2b, 0x14f4f0, 0x16942d,
    0x1837f0, 0x19e046, 0x1b8d3a, 0x1d3eda, 0x1ef532, 0x20b051, 0x227043, 0x243516,
    0x25fed7, 0x27cd94, 0x29a15b, 0x2b7a3a, 0x2d583f, 0x2f3b79, 0x3123f6, 0x3311c4,
    0x3504f3, 0x36fd92, 0x38fbaf, 0x3aff5b, 0x3d08a4, 0x3f179a, 0x412c4d, 0x4346cd,
    0x45672a, 0x478d75, 0x49b9be, 0x4bec15, 0x4e248c, 0x506334, 0x52a81e, 0x54f35b,
    0x5744fd, 0x599d16, 0x5bfbb8, 0x5e60f5, 0x60ccdf, 0x633f89, 0x65b907, 0x68396a,
    0x6ac0c7, 0x6d4f30, 0x6fe4ba, 0x728177, 0x75257d, 0x77d0df, 0x7a83b3, 0x7d3e0c,
};
static const uint64_t exp_double[64] = {
    0x0000000000000, 0x02c9a3e778061, 0x059b0d3158574, 0x0874518759bc8,
    0x0b5586cf9890f, 0x0e3ec32d3d1a2, 0x11301d0125b51, 0x1429aaea92de0,
    0x172b83c7d517b, 0x1a35beb6fcb75, 0x1d4873168b9aa, 0x2063b88628cd6,
    0x2387a6e756238, 0x26b4565e27cdd, 0x29e9df51fdee1, 0x2d285a6e4030b,
    0x306fe0a31b715, 0x33c08b26416ff, 0x371a7373aa9cb, 0x3a7db34e59ff7,
    0x3dea64c123422, 0x4160a21f72e2a, 0x44e086061892d, 0x486a2b5c13cd0,
    0x4bfdad5362a27, 0x4f9b2769d2ca7, 0x5342b569d4f82, 0x56f4736b527da,
    0x5ab07dd485429, 0x5e76f15ad2148, 0x6247eb03a5585, 0x6623882552225,
    0x6a09e667f3bcd, 0x6dfb23c651a2f, 0x71f75e8ec5f74, 0x75feb564267c9,
    0x7a11473eb0187, 0x7e2f336cf4e62, 0x82589994cce13, 0x868d99b4492ed,
    0x8ace5422aa0db, 0x8f1ae99157736, 0x93737b0cdc5e5, 0x97d829fde4e50,
    0x9c49182a3f090, 0xa0c667b5de565, 0xa5503b23e255d, 0xa9e6b5579fdbf,
    0xae89f995ad3ad, 0xb33a2b84f15fb, 0xb7f76f2fb5e47, 0xbcc1e904bc1d2,
    0xc199bdd85529c, 0xc67f12e57d14b, 0xcb720dcef9069, 0xd072d4a07897c,
    0xd5818dcfba487, 0xda9e603db3285, 0xdfc97337b9b5f, 0xe502ee78b3ff6,
    0xea4afa2a490da, 0xefa1bee615a27, 0xf50765b6e4540, 0xfa7c1819e90d8,
};

uint64_t fp_exp_a(FpFmt f, uint64_t a)
{
    switch (f) {
    case FP_H:
        return (a >> 5 & 0x1f) << 10 | exp_half[a & 31];
    case FP_S:
        return (a >> 6 & 0xff) << 23 | exp_single[a & 63];
    default:
        return (a >> 6 & 0x7ff) << 52 | exp_double[a & 63];
    }
}
