/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exact floating point for generated code: scalar operations by number, with FPCR and FPSR of the environment.
 */
#include "target/arm/env.h"
#include "target/arm/fp_ops.h"
#include "target/arm/helper.h"

/* NZCV in the IR's form (env.h): EFLAGS layout, C inverted. */
#define IR_N 0x80u
#define IR_Z 0x40u
#define IR_NOT_C 0x01u
#define IR_V 0x800u

static FpStatus begin(const ArmEnv *env)
{
    return fp_begin(env->s.fpcr);
}

static uint64_t end(ArmEnv *env, const FpStatus *st, uint64_t result)
{
    fp_end(st, &env->s.fpsr);
    return result;
}

static uint64_t round_integral(FpStatus *st, FpFmt f, FpOp1 op, uint64_t a)
{
    static const uint8_t mode[] = {FP_RN, FP_RP, FP_RM, FP_RZ, FP_RA};
    bool current = op == FP1_RINTX || op == FP1_RINTI;
    return fp_round_int(st, f, a, current ? (FpRound)st->rm : (FpRound)mode[op - FP1_RINTN], op == FP1_RINTX);
}

uint64_t helper_fp1(void *opaque, uint64_t a, uint64_t word, uint64_t c)
{
    ArmEnv *env = opaque;
    FpStatus st = begin(env);
    FpFmt f = (FpFmt)(word & 3);
    FpOp1 op = (FpOp1)(word >> 8);
    switch (op) {
    case FP1_SQRT:
        return end(env, &st, fp_sqrt(&st, f, a));
    case FP1_RECPE:
        return end(env, &st, fp_recpe(&st, f, a));
    case FP1_RSQRTE:
        return end(env, &st, fp_rsqrte(&st, f, a));
    case FP1_RECPX:
        return end(env, &st, fp_recpx(&st, f, a));
    case FP1_RINT32Z:
    case FP1_RINT64Z:
        return end(env, &st, fp_round_int_n(&st, f, a, FP_RZ, op == FP1_RINT32Z ? 32 : 64));
    case FP1_RINT32X:
    case FP1_RINT64X:
        return end(env, &st, fp_round_int_n(&st, f, a, (FpRound)st.rm, op == FP1_RINT32X ? 32 : 64));
    default:
        return end(env, &st, round_integral(&st, f, op, a));
    }
}

/* ---- two operands ---- */

static uint64_t nmul(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return fp_neg(f, fp_mul(st, f, a, b));
}
static uint64_t abd(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return fp_abs(f, fp_sub(st, f, a, b));
}
static uint64_t ones(FpFmt f, bool yes)
{
    return yes ? fp_sign_bit(f) * 2 - 1 : 0;
}
static uint64_t cmeq(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return ones(f, fp_eq(st, f, a, b));
}
static uint64_t cmge(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return ones(f, fp_ge(st, f, a, b));
}
static uint64_t cmgt(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return ones(f, fp_gt(st, f, a, b));
}
static uint64_t acge(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return ones(f, fp_ge(st, f, fp_abs(f, a), fp_abs(f, b)));
}
static uint64_t acgt(FpStatus *st, FpFmt f, uint64_t a, uint64_t b)
{
    return ones(f, fp_gt(st, f, fp_abs(f, a), fp_abs(f, b)));
}

static uint64_t (*const two[FP2__COUNT])(FpStatus *st, FpFmt f, uint64_t a, uint64_t b) = {
    [FP2_ADD] = fp_add,       [FP2_SUB] = fp_sub,       [FP2_MUL] = fp_mul,     [FP2_NMUL] = nmul,
    [FP2_DIV] = fp_div,       [FP2_MAX] = fp_max,       [FP2_MIN] = fp_min,     [FP2_MAXNM] = fp_maxnm,
    [FP2_MINNM] = fp_minnm,   [FP2_MULX] = fp_mulx,     [FP2_ABD] = abd,        [FP2_RECPS] = fp_recps,
    [FP2_RSQRTS] = fp_rsqrts, [FP2_CMEQ] = cmeq,        [FP2_CMGE] = cmge,      [FP2_CMGT] = cmgt,
    [FP2_ACGE] = acge,        [FP2_ACGT] = acgt,
};

uint64_t helper_fp2(void *opaque, uint64_t a, uint64_t b, uint64_t word)
{
    ArmEnv *env = opaque;
    FpStatus st = begin(env);
    return end(env, &st, two[word >> 8](&st, (FpFmt)(word & 3), a, b));
}

/* ---- fused multiply and add ---- */

static uint64_t muladd(ArmEnv *env, FpFmt f, uint64_t addend, uint64_t a, uint64_t b)
{
    FpStatus st = begin(env);
    return end(env, &st, fp_muladd(&st, f, addend, a, b));
}

uint64_t helper_fp_muladd_h(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    return muladd(opaque, FP_H, a, b, c);
}

uint64_t helper_fp_muladd_s(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    return muladd(opaque, FP_S, a, b, c);
}

uint64_t helper_fp_muladd_d(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    return muladd(opaque, FP_D, a, b, c);
}

/* ---- comparison, conversion ---- */

uint64_t helper_fp_compare(void *opaque, uint64_t a, uint64_t b, uint64_t how)
{
    ArmEnv *env = opaque;
    FpStatus st = begin(env);
    switch (fp_compare(&st, (FpFmt)(how & 3), a, b, how >> 8 & 1)) {
    case FP_LESS:
        return end(env, &st, IR_N | IR_NOT_C);
    case FP_EQUAL:
        return end(env, &st, IR_Z);
    case FP_GREATER:
        return end(env, &st, 0);
    default:
        return end(env, &st, IR_V);
    }
}

uint64_t helper_fp_convert(void *opaque, uint64_t a, uint64_t to, uint64_t from)
{
    ArmEnv *env = opaque;
    FpStatus st = begin(env);
    return end(env, &st, fp_convert(&st, (FpFmt)to, (FpFmt)from, a, (FpRound)st.rm));
}

uint64_t helper_fp_to_int(void *opaque, uint64_t a, uint64_t word, uint64_t c)
{
    ArmEnv *env = opaque;
    FpStatus st = begin(env);
    FpIntConversion k = {.word = word};
    return end(env, &st,
               fp_to_fixed(&st, (FpFmt)k.fmt, a, k.fbits, k.is_unsigned, (FpRound)k.rm, k.bits));
}

uint64_t helper_fp_from_int(void *opaque, uint64_t a, uint64_t word, uint64_t c)
{
    ArmEnv *env = opaque;
    FpStatus st = begin(env);
    FpIntConversion k = {.word = word};
    return end(env, &st,
               fp_from_fixed(&st, (FpFmt)k.fmt, a, k.fbits, k.is_unsigned, (FpRound)st.rm, k.bits));
}

uint64_t helper_fp_jcvt(void *opaque, uint64_t a, uint64_t b, uint64_t c)
{
    ArmEnv *env = opaque;
    FpStatus st = begin(env);
    bool z;
    uint64_t r = fp_to_js(&st, a, &z);
    return end(env, &st, r | (uint64_t)(IR_NOT_C | (z ? IR_Z : 0)) << 32);
}
