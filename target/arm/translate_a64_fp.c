/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A64 scalar floating point (rows of a64_fp.tbl).
 */
#include "target/arm/a64_insns.h"
#include "target/arm/translate_a64_fp.h"

/* Of the type field of this instruction. */
static FpFmt format(const ArmTr *s)
{
    static const uint8_t fmt[4] = {FP_S, FP_D, FP_BF, FP_H};
    return (FpFmt)fmt[s->insn >> 22 & 3];
}

static unsigned int_bits(const ArmTr *s)
{
    return s->insn >> 31 ? 64 : 32;
}

/* ---- arithmetic ---- */

void trans_a64_fp1(ArmTr *s, const a64_fp1 *a)
{
    if (!tr_fp_access(s)) {
        return;
    }
    FpFmt f = format(s);
    if (fast_fp1(s, f, (FpOp1)a->arg, a->Rd, a->Rn)) {
        return;
    }
    IrVal word = tr_const(s, fp_op_word((unsigned)a->arg, f));
    vec_set_scalar(s, a->Rd, tr_call(s, HELPER_fp1, vec_scalar(s, f, a->Rn), word, IR_NONE));
}

void trans_a64_fp2(ArmTr *s, const a64_fp2 *a)
{
    if (!tr_fp_access(s)) {
        return;
    }
    FpFmt f = format(s);
    if (fast_fp2(s, f, (FpOp2)a->arg, a->Rd, a->Rn, a->Rm)) {
        return;
    }
    IrVal n = vec_scalar(s, f, a->Rn), m = vec_scalar(s, f, a->Rm);
    vec_set_scalar(s, a->Rd, tr_call(s, HELPER_fp2, n, m, tr_const(s, fp_op_word((unsigned)a->arg, f))));
}

static IrVal negated(ArmTr *s, FpFmt f, IrVal v, bool yes)
{
    if (!yes) {
        return v;
    }
    IrVal r = tr_temp(s);
    if (f == FP_D) {
        ir_alu(s->b, OP_xor, W64, r, v, tr_const(s, (int64_t)fp_sign_bit(f)), 0);
    } else {
        ir_alui(s->b, OP_xor, W32, r, v, (int32_t)fp_sign_bit(f), 0);
    }
    return r;
}

void trans_a64_fp3(ArmTr *s, const a64_fp3 *a)
{
    static const uint16_t helper[4] = {
        [FP_H] = HELPER_fp_muladd_h, [FP_S] = HELPER_fp_muladd_s, [FP_D] = HELPER_fp_muladd_d};
    if (!tr_fp_access(s)) {
        return;
    }
    FpFmt f = format(s);
    if (fast_fp3(s, f, a->arg, a->Rd, a->Ra, a->Rn, a->Rm)) {
        return;
    }
    IrVal addend = negated(s, f, vec_scalar(s, f, a->Ra), a->arg & 2);
    IrVal n = negated(s, f, vec_scalar(s, f, a->Rn), a->arg & 1);
    vec_set_scalar(s, a->Rd, tr_call(s, helper[f], addend, n, vec_scalar(s, f, a->Rm)));
}

/* ---- moves and signs ---- */

void trans_a64_fmov(ArmTr *s, const a64_fmov *a)
{
    if (!tr_fp_access(s)) {
        return;
    }
    FpFmt f = format(s);
    if (f >= FP_S && vec_host(s, 0)) {
        vec_move(s, 1u << f, a->Rd, a->Rn);
    } else {
        vec_set_scalar(s, a->Rd, vec_scalar(s, f, a->Rn));
    }
}

void trans_a64_fneg(ArmTr *s, const a64_fneg *a)
{
    if (!tr_fp_access(s)) {
        return;
    }
    FpFmt f = format(s);
    if (!fast_neg(s, f, a->Rd, a->Rn)) {
        vec_set_scalar(s, a->Rd, negated(s, f, vec_scalar(s, f, a->Rn), true));
    }
}

void trans_a64_fabs(ArmTr *s, const a64_fabs *a)
{
    if (!tr_fp_access(s)) {
        return;
    }
    FpFmt f = format(s);
    if (fast_abs(s, f, a->Rd, a->Rn)) {
        return;
    }
    IrVal v = vec_scalar(s, f, a->Rn), r = tr_temp(s);
    ir_alu(s->b, OP_and, W64, r, v, tr_const(s, (int64_t)(fp_sign_bit(f) - 1)), 0);
    vec_set_scalar(s, a->Rd, r);
}

void trans_a64_fmov_imm(ArmTr *s, const a64_fmov_imm *a)
{
    if (tr_fp_access(s)) {
        vec_set_scalar(s, a->Rd, tr_const(s, (int64_t)fp_expand_imm(format(s), (uint8_t)a->imm8)));
    }
}

#define UPPER_HALF 4 /* arg, beside FpFmt */

void trans_a64_fmov_to(ArmTr *s, const a64_fmov_to *a)
{
    if (!tr_fp_access(s)) {
        return;
    }
    IrVal v = a->arg == UPPER_HALF ? tr_ldenv(s, W64, ENV_VD(a->Rn, 1)) : vec_scalar(s, (FpFmt)a->arg, a->Rn);
    ir_mov(s->b, W64, tr_xd(s, a->Rd), v);
}

void trans_a64_fmov_from(ArmTr *s, const a64_fmov_from *a)
{
    if (!tr_fp_access(s)) {
        return;
    }
    IrVal v = tr_x(s, a->Rn);
    if (a->arg == UPPER_HALF) {
        tr_stenv(s, W64, ENV_VD(a->Rd, 1), v);
        vec_clear_high(s, a->Rd);
        return;
    }
    IrVal z = tr_temp(s);
    if (a->arg == FP_D) {
        ir_mov(s->b, W64, z, v);
    } else {
        ir_emit(s->b, OP_zext, (IrWidth)a->arg, z, v, IR_NONE);
    }
    vec_set_scalar(s, a->Rd, z);
}

/* ---- comparison ---- */

static void set_flags(ArmTr *s, IrVal v)
{
    ir_emit(s->b, OP_setf, W64, IR_NONE, v, IR_NONE)->fw = FL_ALL;
}

/* Flags of V<n> with V<m>, m < 0: with zero. */
static void compare(ArmTr *s, unsigned n, int m, bool signal_all)
{
    FpFmt f = format(s);
    if (fast_compare(s, f, n, m, signal_all)) {
        return;
    }
    IrVal b = m < 0 ? tr_const(s, 0) : vec_scalar(s, f, (unsigned)m);
    IrVal how = tr_const(s, (int64_t)signal_all << 8 | f);
    set_flags(s, tr_call(s, HELPER_fp_compare, vec_scalar(s, f, n), b, how));
}

void trans_a64_fcmp(ArmTr *s, const a64_fcmp *a)
{
    if (tr_fp_access(s)) {
        compare(s, a->Rn, a->Z ? -1 : (int)a->Rm, a->E);
    }
}

/* NZCV of an immediate in the IR's form. */
static int64_t immediate_flags(unsigned nzcv)
{
    uint8_t fl = (uint8_t)((nzcv & 8 ? FL_S : 0) | (nzcv & 4 ? FL_Z : 0) | (nzcv & 2 ? 0 : FL_C) | (nzcv & 1 ? FL_O : 0));
    return (int64_t)ir_flags_to_eflags(fl);
}

void trans_a64_fccmp(ArmTr *s, const a64_fccmp *a)
{
    if (!tr_fp_access(s)) {
        return;
    }
    if (a->cond >= 14) {
        compare(s, a->Rn, (int)a->Rm, a->E);
        return;
    }
    int fails = ir_label_new(s->b), done = ir_label_new(s->b);
    ir_branch(s->b, OP_brcc, W64, IR_NONE, fails)->cc = (uint8_t)(tr_cond(a->cond) ^ 1);
    compare(s, a->Rn, (int)a->Rm, a->E);
    ir_branch(s->b, OP_br, W64, IR_NONE, done);
    ir_label(s->b, fails);
    set_flags(s, tr_const(s, immediate_flags(a->nzcv)));
    ir_label(s->b, done);
}

void trans_a64_fcsel(ArmTr *s, const a64_fcsel *a)
{
    if (!tr_fp_access(s)) {
        return;
    }
    FpFmt f = format(s);
    if (a->cond >= 14) {
        vec_set_scalar(s, a->Rd, vec_scalar(s, f, a->Rn));
        return;
    }
    IrVal n = vec_scalar(s, f, a->Rn), m = vec_scalar(s, f, a->Rm), r = tr_temp(s);
    ir_emit(s->b, OP_cmov, W64, r, m, n)->cc = (uint8_t)tr_cond(a->cond);
    vec_set_scalar(s, a->Rd, r);
}

/* ---- conversion ---- */

static void convert(ArmTr *s, unsigned rd, unsigned rn, FpFmt to, FpFmt from)
{
    if (tr_fp_access(s) && !fast_convert(s, to, from, rd, rn)) {
        IrVal v = vec_scalar(s, from, rn);
        vec_set_scalar(s, rd, tr_call(s, HELPER_fp_convert, v, tr_const(s, to), tr_const(s, from)));
    }
}

void trans_a64_fcvt(ArmTr *s, const a64_fcvt *a)
{
    convert(s, a->Rd, a->Rn, (FpFmt)a->arg, format(s));
}

void trans_a64_bfcvt(ArmTr *s, const a64_bfcvt *a)
{
    convert(s, a->Rd, a->Rn, FP_BF, FP_S);
}

static void to_int(ArmTr *s, unsigned rd, unsigned rn, unsigned fbits, FpRound rm, bool is_unsigned)
{
    if (!tr_fp_access(s)) {
        return;
    }
    FpFmt f = format(s);
    FpIntConversion k = {.fmt = f, .rm = rm, .is_unsigned = is_unsigned, .fbits = fbits, .bits = int_bits(s)};
    if (fast_to_int(s, k, tr_xd(s, rd), rn, is_unsigned ? vec_scalar(s, f, rn) : IR_NONE)) {
        return;
    }
    IrVal r = tr_call(s, HELPER_fp_to_int, vec_scalar(s, f, rn), tr_const(s, (int64_t)k.word), IR_NONE);
    ir_mov(s->b, W64, tr_xd(s, rd), r);
}

void trans_a64_to_int(ArmTr *s, const a64_to_int *a)
{
    to_int(s, a->Rd, a->Rn, 0, (FpRound)(a->arg & 7), a->arg & FP_TO_UNSIGNED);
}

void trans_a64_to_fixed(ArmTr *s, const a64_to_fixed *a)
{
    to_int(s, a->Rd, a->Rn, 64 - a->scale, FP_RZ, a->arg);
}

static void from_int(ArmTr *s, unsigned rd, unsigned rn, unsigned fbits, bool is_unsigned)
{
    if (!tr_fp_access(s)) {
        return;
    }
    FpFmt f = format(s);
    FpIntConversion k = {.fmt = f, .is_unsigned = is_unsigned, .fbits = fbits, .bits = int_bits(s)};
    IrVal v = tr_x(s, rn);
    if (fast_from_int(s, k, rd, v)) {
        return;
    }
    vec_set_scalar(s, rd, tr_call(s, HELPER_fp_from_int, v, tr_const(s, (int64_t)k.word), IR_NONE));
}

void trans_a64_from_int(ArmTr *s, const a64_from_int *a)
{
    from_int(s, a->Rd, a->Rn, 0, a->arg);
}

void trans_a64_from_fixed(ArmTr *s, const a64_from_fixed *a)
{
    from_int(s, a->Rd, a->Rn, 64 - a->scale, a->arg);
}

void trans_a64_fjcvtzs(ArmTr *s, const a64_fjcvtzs *a)
{
    if (!tr_fp_access(s)) {
        return;
    }
    IrVal r = tr_call(s, HELPER_fp_jcvt, vec_scalar(s, FP_D, a->Rn), IR_NONE, IR_NONE), flags = tr_temp(s);
    ir_alui(s->b, OP_shr, W64, flags, r, 32, 0);
    ir_mov(s->b, W32, tr_xd(s, a->Rd), r);
    set_flags(s, flags);
}
