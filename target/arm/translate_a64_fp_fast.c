/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A64 scalar floating point by the host's instructions: singles and doubles, where FPCR has no mode that the host
 * lacks. Each function says whether it did the instruction. What the host's arithmetic would do otherwise than Arm is
 * an invalid operation, which traps (fpcr.c), or is seen to here.
 */
#include "target/arm/translate_a64_fp.h"

/* Scalar forms: F3 single, F2 double. */
static unsigned scalar(FpFmt f, unsigned op)
{
    return (f == FP_D ? VX_F2 : VX_F3) | op;
}

static unsigned bytes_of(FpFmt f)
{
    return 1u << f;
}

static bool usable(const ArmTr *s, FpFmt f, unsigned features)
{
    return f >= FP_S && vec_host_fp(s, features);
}

static void sign_mask(ArmTr *s, unsigned t, FpFmt f)
{
    vec_constant(s, t, f, fp_sign_bit(f));
}

/* ---- arithmetic ---- */

/*
 * x86 gives the second operand for zeros of both signs, so both orders are taken: the sign of a maximum is the AND,
 * of a minimum the OR. NaNs trap.
 */
static void extreme(ArmTr *s, FpFmt f, bool max, unsigned d, unsigned n, unsigned m)
{
    unsigned op = scalar(f, VX_0F(max ? 0x5f : 0x5d)) | VX_TRAP;
    vec_op3(s, op, 16, VEC_T1, n, m);
    vec_op3(s, op, 16, VEC_T0, m, n);
    vec_op3(s, VX_0F(max ? 0x54 : 0x56), bytes_of(f), d, VEC_T0, VEC_T1); /* vandps, vorps */
}

bool fast_fp2(ArmTr *s, FpFmt f, FpOp2 op, unsigned d, unsigned n, unsigned m)
{
    static const uint8_t opcode[FP2__COUNT] = {
        [FP2_ADD] = 0x58, [FP2_SUB] = 0x5c, [FP2_MUL] = 0x59, [FP2_MULX] = 0x59, [FP2_NMUL] = 0x59, [FP2_DIV] = 0x5e};
    if (!usable(s, f, 0)) {
        return false;
    }
    switch (op) {
    case FP2_MAX:
    case FP2_MAXNM:
        extreme(s, f, true, d, n, m);
        return true;
    case FP2_MIN:
    case FP2_MINNM:
        extreme(s, f, false, d, n, m);
        return true;
    case FP2_NMUL:
        vec_op3(s, scalar(f, VX_0F(0x59)) | VX_TRAP, 16, VEC_T0, n, m);
        vec_trap_smallest(s, f, VEC_T0, true, false);
        sign_mask(s, VEC_T1, f);
        vec_op3(s, VX_0F(0x57), bytes_of(f), d, VEC_T0, VEC_T1);
        return true;
    case FP2_MUL:
    case FP2_MULX:
        vec_op3(s, scalar(f, VX_0F(opcode[op])) | VX_TRAP, 16, VEC_T0, n, m);
        vec_trap_smallest(s, f, VEC_T0, true, false);
        vec_move(s, bytes_of(f), d, VEC_T0);
        return true;
    default:
        /* A tiny sum is exact. A quotient below a power of two is so by more than half a unit of its last place. */
        if (opcode[op]) {
            vec_op3(s, scalar(f, VX_0F(opcode[op])) | VX_TRAP, bytes_of(f), d, n, m);
        }
        return opcode[op];
    }
}

bool fast_fp1(ArmTr *s, FpFmt f, FpOp1 op, unsigned d, unsigned n)
{
    /* VROUNDSS: mode, 4 the current one, 8 without Inexact; -1: not the host's. */
    static const int8_t mode[FP1__COUNT] = {
        [FP1_SQRT] = -1, [FP1_RECPE] = -1, [FP1_RSQRTE] = -1, [FP1_RECPX] = -1, [FP1_RINTN] = 8, [FP1_RINTM] = 9,
        [FP1_RINTP] = 10, [FP1_RINTZ] = 11, [FP1_RINTA] = -1, [FP1_RINTX] = 4, [FP1_RINTI] = 12, [FP1_RINT32Z] = -1,
        [FP1_RINT32X] = -1, [FP1_RINT64Z] = -1, [FP1_RINT64X] = -1};
    if (!usable(s, f, 0)) {
        return false;
    }
    if (op == FP1_SQRT) {
        vec_op3(s, scalar(f, VX_0F(0x51)) | VX_TRAP, bytes_of(f), d, n, n);
        return true;
    }
    if (mode[op] >= 0) {
        unsigned round = VX_66 | VX_0F3A(f == FP_D ? 0x0b : 0x0a) | VX_TRAP;
        vec_op3_imm(s, round, bytes_of(f), d, n, n, (uint8_t)mode[op]);
    }
    return mode[op] >= 0;
}

/*
 * The host prefers other NaN operands than Arm, does not negate them, and gives a NaN addend without Invalid Operation
 * to infinity times zero. So results that are NaNs are done again, too.
 */
bool fast_fp3(ArmTr *s, FpFmt f, int negate, unsigned d, unsigned a, unsigned n, unsigned m)
{
    static const uint8_t opcode[4] = {0xb9, 0xbd, 0xbb, 0xbf}; /* VFMADD, VFNMADD, VFMSUB, VFNMSUB 231 */
    if (!usable(s, f, TCG_VEC_FMA)) {
        return false;
    }
    unsigned w = f == FP_D ? VX_W : 0;
    vec_move(s, 16, VEC_T0, a);
    vec_op3(s, VX_66 | VX_0F38(opcode[negate]) | w | VX_READS_D | VX_TRAP, 16, VEC_T0, n, m);
    vec_trap_smallest(s, f, VEC_T0, true, true);
    vec_move(s, bytes_of(f), d, VEC_T0);
    return true;
}

/* ---- signs ---- */

bool fast_abs(ArmTr *s, FpFmt f, unsigned d, unsigned n)
{
    if (f < FP_S || !vec_host(s, 0)) {
        return false;
    }
    vec_constant(s, VEC_T1, f, fp_sign_bit(f) - 1);
    vec_op3(s, VX_0F(0x54), bytes_of(f), d, n, VEC_T1);
    return true;
}

bool fast_neg(ArmTr *s, FpFmt f, unsigned d, unsigned n)
{
    if (f < FP_S || !vec_host(s, 0)) {
        return false;
    }
    sign_mask(s, VEC_T1, f);
    vec_op3(s, VX_0F(0x57), bytes_of(f), d, n, VEC_T1);
    return true;
}

/* ---- comparison ---- */

/*
 * x86 has CF for less, ZF for equal, and all of CF, PF, ZF for unordered. The IR wants N and the inverse of C for less,
 * Z for equal, V alone for unordered: which are the flags of x - y in bytes with y = CF and x = greater, or 0x80 when
 * unordered.
 */
bool fast_compare(ArmTr *s, FpFmt f, unsigned n, int m, bool signal_all)
{
    if (!usable(s, f, 0)) {
        return false;
    }
    IrVal greater = tr_const(s, 0), carry = tr_const(s, 0), unordered = tr_const(s, 0);
    if (m < 0) {
        vec_constant(s, VEC_T0, 0, 0);
        m = VEC_T0;
    }
    unsigned op = (f == FP_D ? VX_66 : 0) | VX_0F(signal_all ? 0x2f : 0x2e) | VX_TRAP;
    vec_compare(s, op, n, (unsigned)m, FL_ALL);
    ir_emit(s->b, OP_setcc, W8, greater, IR_NONE, IR_NONE)->cc = CC_A;
    ir_emit(s->b, OP_setcc, W8, carry, IR_NONE, IR_NONE)->cc = CC_B;
    ir_emit(s->b, OP_setcc, W8, unordered, IR_NONE, IR_NONE)->cc = CC_P;
    ir_alui(s->b, OP_shl, W32, unordered, unordered, 7, 0);
    ir_alu(s->b, OP_or, W32, greater, greater, unordered, 0);
    ir_emit(s->b, OP_cmp, W8, IR_NONE, greater, carry)->fw = FL_ALL;
    return true;
}

/* ---- conversion ---- */

bool fast_convert(ArmTr *s, FpFmt to, FpFmt from, unsigned d, unsigned n)
{
    if (to < FP_S || !usable(s, from, 0)) {
        return false;
    }
    if (to == FP_D) {
        vec_op3(s, scalar(from, VX_0F(0x5a)) | VX_TRAP, bytes_of(to), d, n, n);
        return true;
    }
    vec_op3(s, scalar(from, VX_0F(0x5a)) | VX_TRAP, 16, VEC_T0, n, n);
    vec_trap_smallest(s, to, VEC_T0, true, false);
    vec_move(s, bytes_of(to), d, VEC_T0);
    return true;
}

/*
 * Signed: the host traps for what does not fit, before it has raised anything. Other modes than towards zero are
 * rounded before; a double that is inexact and too large for a word would raise Inexact there, so that is left to the
 * helper. Unsigned: what is negative or does not fit in 63 (31) bits is.
 */
static bool to_signed(ArmTr *s, FpFmt f, FpRound rm, unsigned bits, IrVal dst, unsigned n)
{
    static const uint8_t mode[] = {[FP_RN] = 0, [FP_RP] = 2, [FP_RM] = 1};
    if (rm != FP_RZ) {
        if (rm == FP_RA || (f == FP_D && bits == 32)) {
            return false;
        }
        unsigned round = VX_66 | VX_0F3A(f == FP_D ? 0x0b : 0x0a) | VX_TRAP;
        vec_op3_imm(s, round, 16, VEC_T0, n, n, mode[rm]);
        n = VEC_T0;
    }
    vec_to_general(s, scalar(f, VX_0F(0x2c)) | (bits == 64 ? VX_W : 0) | VX_TRAP, bits == 64 ? W64 : W32, dst, n);
    return true;
}

bool fast_to_int(ArmTr *s, FpIntConversion k, IrVal dst, unsigned n, IrVal bits)
{
    FpFmt f = (FpFmt)k.fmt;
    if (k.fbits || !usable(s, f, 0)) {
        return false;
    }
    if (!k.is_unsigned) {
        return to_signed(s, f, (FpRound)k.rm, k.bits, dst, n);
    }
    if (k.rm != FP_RZ) {
        return false;
    }
    /* Sign and exponent as a number are below the limit's? */
    int64_t limit = f == FP_D ? 1023 + (int64_t)k.bits - 1 : 127 + (int64_t)k.bits - 1;
    int slow = ir_label_new(s->b), done = ir_label_new(s->b);
    IrVal t = tr_temp(s), r = tr_temp(s);
    ir_alui(s->b, OP_shr, W64, t, bits, f == FP_D ? 52 : 23, 0);
    ir_alui(s->b, OP_sub, W64, t, t, limit, 0);
    ir_alui(s->b, OP_shr, W64, t, t, 63, 0);
    ir_branch(s->b, OP_brz, W64, t, slow);
    vec_to_general(s, scalar(f, VX_0F(0x2c)) | VX_W | VX_TRAP, W64, r, n);
    ir_branch(s->b, OP_br, W64, IR_NONE, done);
    ir_label(s->b, slow);
    ir_call(s->b, HELPER_fp_to_int, r, bits, tr_const(s, (int64_t)k.word), IR_NONE);
    ir_label(s->b, done);
    ir_mov(s->b, W64, dst, r);
    return true;
}

bool fast_from_int(ArmTr *s, FpIntConversion k, unsigned d, IrVal v)
{
    FpFmt f = (FpFmt)k.fmt;
    if (k.fbits || !usable(s, f, 0) || (k.is_unsigned && k.bits == 64)) {
        return false;
    }
    unsigned op = scalar(f, VX_0F(0x2a)) | VX_TRAP | (k.bits == 64 ? VX_W : 0);
    if (k.is_unsigned) {
        IrVal z = tr_temp(s);
        ir_emit(s->b, OP_zext, W32, z, v, IR_NONE);
        v = z;
        op |= VX_W;
    }
    vec_constant(s, VEC_T0, 0, 0); /* what is above the result */
    vec_from_general(s, op, d, VEC_T0, v);
    return true;
}
