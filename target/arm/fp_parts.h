/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unpacked form that the files fp*.c compute in, and the way into it and out of it.
 */
#ifndef TARGET_ARM_FP_PARTS_H
#define TARGET_ARM_FP_PARTS_H

#include "target/arm/fp.h"

typedef unsigned __int128 FpWide;

typedef enum FpClass { CLASS_ZERO, CLASS_NUMBER, CLASS_INF, CLASS_QNAN, CLASS_SNAN } FpClass;

/* A value: frac * 2^(exp - 63), bit 63 of frac is set (CLASS_NUMBER; denormals too). */
typedef struct FpNum {
    uint8_t cls; /* FpClass */
    bool sign;
    int exp;
    uint64_t frac;
} FpNum;

typedef struct FpFormat {
    uint8_t ebits, fbits;
} FpFormat;
extern const FpFormat fp_format[4];

static inline unsigned fp_width(FpFmt f)
{
    return 1u + fp_format[f].ebits + fp_format[f].fbits;
}
static inline int fp_bias(FpFmt f)
{
    return (1 << (fp_format[f].ebits - 1)) - 1;
}
/* All ones, which is also infinity's. */
static inline uint64_t fp_exp_field(FpFmt f)
{
    return ((1ull << fp_format[f].ebits) - 1) << fp_format[f].fbits;
}
static inline uint64_t fp_zero(FpFmt f, bool sign)
{
    return sign ? fp_sign_bit(f) : 0;
}
static inline uint64_t fp_inf(FpFmt f, bool sign)
{
    return fp_zero(f, sign) | fp_exp_field(f);
}
static inline uint64_t fp_max_normal(FpFmt f, bool sign)
{
    return fp_inf(f, sign) - 1;
}
static inline bool num_is_nan(const FpNum *n)
{
    return n->cls >= CLASS_QNAN;
}

/* FPUnpack: flushes denormals as st says (Input Denormal is raised for that, but not for halves). */
FpNum fp_unpack(FpStatus *st, FpFmt f, uint64_t a);
/* The same when the exponent of all ones may be a number (halves with AHP, in conversions). */
FpNum fp_unpack_cv(FpStatus *st, FpFmt f, uint64_t a);
/*
 * FPRound of frac * 2^(exp - 127), frac not 0 (any bit may be the highest; the lowest stands for all that is lost
 * below it). ahp: to the alternative half format.
 */
uint64_t fp_round(FpStatus *st, FpFmt f, FpRound rm, bool sign, int exp, FpWide frac, bool ahp);
/* The result of a NaN operand, of the first of two or three that is (signalling ones first). True: it is in *r. */
uint64_t fp_nan(FpStatus *st, FpFmt f, const FpNum *n, uint64_t a);
bool fp_nans(FpStatus *st, FpFmt f, const FpNum *x, uint64_t a, const FpNum *y, uint64_t b, uint64_t *r);
uint64_t fp_invalid(FpStatus *st, FpFmt f); /* Invalid Operation, default NaN */

/* Sign, exponent and a fraction of which bit 126 is the highest: frac * 2^(exp - 126); 0 is zero. */
typedef struct FpSum {
    bool sign;
    int exp;
    FpWide frac;
} FpSum;
FpSum fp_product(const FpNum *x, const FpNum *y); /* exact; both numbers */
FpSum fp_addend(const FpNum *x);                  /* 0 if it is zero */
/* Rounded x + y, times 2^scale; an exact zero has the sign that the rounding mode says. */
uint64_t fp_round_sum(FpStatus *st, FpFmt f, const FpSum *x, const FpSum *y, int scale);

#endif
