/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the lane expressions of vec_ops.def are made of.
 */
#ifndef TARGET_ARM_VEC_KERNELS_H
#define TARGET_ARM_VEC_KERNELS_H

#include "base/bits.h"
#include "target/arm/fp.h"
#include "target/arm/vec.h"

typedef __int128 i128;
typedef unsigned __int128 u128;

static inline uint64_t lane_u(uint64_t x, unsigned bits)
{
    return bits == 64 ? x : x & ((1ull << bits) - 1);
}
/* FPCR as the operation obeys it: of Advanced SIMD in AArch32 the standard value. */
static inline FpStatus vec_fp_begin(const VecK *k)
{
    return (k->a32 ? fp_begin_standard : fp_begin)(k->env->s.fpcr);
}
/* SignedSat and UnsignedSat. */
static inline int64_t sat_s(VecK *k, i128 x, unsigned bits)
{
    i128 max = ((i128)1 << (bits - 1)) - 1;
    if (x > max || x < -max - 1) {
        k->qc = true;
        return (int64_t)(x > 0 ? max : -max - 1);
    }
    return (int64_t)x;
}
static inline uint64_t sat_u(VecK *k, i128 x, unsigned bits)
{
    i128 max = ((i128)1 << bits) - 1;
    if (x > max || x < 0) {
        k->qc = true;
        return (uint64_t)(x < 0 ? 0 : max);
    }
    return (uint64_t)x;
}
/* Shift right by s (0..64), rounded to nearest, ties up. */
static inline i128 round_s(int64_t n, int64_t s)
{
    return s ? ((i128)n + ((i128)1 << (s - 1))) >> s : n;
}
static inline i128 round_u(uint64_t n, int64_t s)
{
    return s ? ((i128)n + ((i128)1 << (s - 1))) >> s : n;
}
/* SSHL and its kin: left by s, right by -s; s beyond the width is fine. */
static inline int64_t shift_s(VecK *k, int64_t n, int s, unsigned bits, bool round, bool sat)
{
    if (s < 0) {
        int r = -s > 64 ? 64 : -s;
        if (round) {
            return -s > (int)bits ? 0 : (int64_t)round_s(n, r);
        }
        return n >> (r > 63 ? 63 : r);
    }
    if (!sat) {
        return s >= (int)bits ? 0 : n << s;
    }
    /* by the whole width: beyond either limit whatever n is, but 0 */
    if (s >= (int)bits) {
        return n == 0 ? 0 : sat_s(k, n < 0 ? -((i128)1 << 64) : (i128)1 << 64, bits);
    }
    return sat_s(k, (i128)n << s, bits);
}
static inline uint64_t shift_u(VecK *k, uint64_t n, int s, unsigned bits, bool round, bool sat)
{
    if (s < 0) {
        int r = -s;
        if (round) {
            return r > (int)bits ? 0 : (uint64_t)round_u(n, r);
        }
        return r > 63 ? 0 : n >> r;
    }
    if (!sat) {
        return s >= (int)bits ? 0 : n << s;
    }
    /* (2^64 - 1) << 63 still is positive in 128 bits */
    return n == 0 ? 0 : sat_u(k, s >= (int)bits ? (i128)1 << 64 : (i128)n << s, bits);
}
/* A lane as a number of bits to shift by, within what makes a difference. */
static inline int shift_by(uint64_t m, unsigned bits)
{
    int64_t s = (int64_t)(m << (64 - bits)) >> (64 - bits);
    return (int)(s > 127 ? 127 : s < -128 ? -128 : s);
}
static inline uint64_t carryless(uint64_t n, uint64_t m, unsigned bits)
{
    uint64_t r = 0;
    for (unsigned i = 0; i < bits; i++) {
        r ^= m >> i & 1 ? n << i : 0;
    }
    return r;
}
static inline uint64_t lane_cls(int64_t n, unsigned bits)
{
    uint64_t x = (uint64_t)(n < 0 ? ~n : n); /* sign bits are zeros now */
    return (x ? (unsigned)__builtin_clzll(x) - (64 - bits) : bits) - 1;
}
static inline uint64_t lane_rbit(uint64_t x)
{
    x = (x >> 1 & 0x5555555555555555ull) | (x & 0x5555555555555555ull) << 1;
    x = (x >> 2 & 0x3333333333333333ull) | (x & 0x3333333333333333ull) << 2;
    x = (x >> 4 & 0x0f0f0f0f0f0f0f0full) | (x & 0x0f0f0f0f0f0f0f0full) << 4;
    return __builtin_bswap64(x);
}
/* Elements of 1 << esz bytes of a lane in reverse order. */
static inline uint64_t lane_rev(uint64_t x, unsigned bits, unsigned esz)
{
    unsigned w = 8u << esz;
    uint64_t r = 0;
    for (unsigned i = 0; i < bits; i += w) {
        r = r << (w & 63) | (x >> i & (~0ull >> (64 - w)));
    }
    return r;
}
static inline uint64_t dot(uint64_t n, uint64_t m, unsigned w, bool n_signed, bool m_signed)
{
    uint64_t r = 0;
    unsigned up = 64 - w;
    for (unsigned i = 0; i < 4; i++, n >>= w, m >>= w) {
        uint64_t x = n_signed ? (uint64_t)((int64_t)(n << up) >> up) : n << up >> up;
        uint64_t y = m_signed ? (uint64_t)((int64_t)(m << up) >> up) : m << up >> up;
        r += x * y;
    }
    return r;
}
/* BEXT: the bits of n that m selects, gathered at the bottom; BDEP: the bottom of n to where m says. */
static inline uint64_t lane_bext(uint64_t n, uint64_t m)
{
    uint64_t r = 0;
    for (unsigned to = 0; m; to++, m &= m - 1) {
        r |= (n >> __builtin_ctzll(m) & 1) << to;
    }
    return r;
}
static inline uint64_t lane_bdep(uint64_t n, uint64_t m)
{
    uint64_t r = 0;
    for (; m; n >>= 1, m &= m - 1) {
        r |= n & 1 ? m & -m : 0;
    }
    return r;
}
/* FPConvertSVE() */
static inline uint64_t convert_ieee(FpStatus *st, FpFmt to, FpFmt from, uint64_t n)
{
    st->ahp = false;
    return fp_convert(st, to, from, n, (FpRound)st->rm);
}
/* FCVTZS, FCVTZU: the integer extended to 64 bits. */
static inline uint64_t to_integer(FpStatus *st, uint64_t n, unsigned imm)
{
    unsigned bits = 8u << (imm >> 2 & 3), up = 64 - bits;
    uint64_t r = fp_to_fixed(st, (FpFmt)(imm & 3), n, 0, imm & 16, FP_RZ, bits);
    return imm & 16 ? r : (uint64_t)((int64_t)(r << up) >> up);
}
static inline FpRound vec_rounding(const FpStatus *st, int64_t imm)
{
    return (imm & 7) == VEC_RM_FPCR ? (FpRound)st->rm : (FpRound)(imm & 7);
}

VecFn vec_pmull64, vec_smmla, vec_ummla, vec_usmmla, vec_fcadd, vec_fcmla, vec_bfmmla;
VecFn vec_aese, vec_aesd, vec_aesmc, vec_aesimc, vec_sha1c, vec_sha1p, vec_sha1m, vec_sha1su0, vec_sha1su1;
VecFn vec_sha256h, vec_sha256h2, vec_sha256su0, vec_sha256su1, vec_sha512h, vec_sha512h2, vec_sha512su0, vec_sha512su1;
VecFn vec_sm3ss1, vec_sm3tt1a, vec_sm3tt1b, vec_sm3tt2a, vec_sm3tt2b, vec_sm3partw1, vec_sm3partw2, vec_sm4e, vec_sm4ekey;

VecFn vec_fmmla, vec_cadd, vec_sqcadd, vec_cmla, vec_sqrdcmlah, vec_cdot, vec_adcl, vec_eorbt;
VecFn vec_histcnt, vec_histseg, vec_match;

#endif
