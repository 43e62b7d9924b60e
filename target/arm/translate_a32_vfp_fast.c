/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AArch32 floating point by instructions of the host: S<n> and D<n> are brought to the lowest element of a temporary, A64's
 * scalar code works on those, and the result is put into its part of the V register. In AArch32 the host traps for denormals
 * as well (fpcr.c), for the sake of Advanced SIMD.
 */
#include "target/arm/translate_a32_vfp.h"
#include "target/arm/translate_a64_fp.h"
#include "target/arm/translate_vec_fast.h"

#define INSERTPS (VX_66 | VX_0F3A(0x21) | VX_RM_REG)
#define MOVMSKPS VX_0F(0x50)

typedef struct Mark {
    int n_ops, n_host;
} Mark;

static Mark mark(const ArmTr *s)
{
    return (Mark){s->b->n_ops, s->b->n_host};
}

/* What was made is taken back unless done: gives done. */
static bool keep(ArmTr *s, Mark k, bool done)
{
    if (!done) {
        s->b->n_ops = k.n_ops;
        s->b->n_host = k.n_host;
    }
    return done;
}

static bool usable(const ArmTr *s, FpFmt f)
{
    return f >= FP_S && vec_host_fp(s, 0);
}

/* A V register or the temporary, of which the lowest element is S<n> or D<n>. */
static unsigned source(ArmTr *s, FpFmt f, unsigned n, unsigned temporary)
{
    unsigned v = f == FP_D ? n / 2 : n / 4, lane = f == FP_D ? n & 1 : n & 3;
    if (lane) {
        vec_op2_imm(s, PSHUFD, 16, temporary, v, (uint8_t)(f == FP_D ? 0xee : lane * 0x55));
    }
    return lane ? temporary : v;
}

static bool put(ArmTr *s, Mark k, bool done, FpFmt f, unsigned d)
{
    if (!keep(s, k, done)) {
        return false;
    }
    if (f == FP_D) {
        vec_a32_put_half(s, d, VEC_A32_D);
    } else {
        vec_op3_imm(s, INSERTPS, 16, d / 4, d / 4, VEC_A32_D, (uint8_t)((d & 3) << 4));
    }
    return true;
}

bool vfp_fast2(ArmTr *s, FpFmt f, FpOp2 op, unsigned d, unsigned n, unsigned m)
{
    Mark k = mark(s);
    if (!usable(s, f)) {
        return false;
    }
    unsigned vn = source(s, f, n, VEC_A32_N), vm = m == n ? vn : source(s, f, m, VEC_A32_M);
    return put(s, k, fast_fp2(s, f, op, VEC_A32_D, vn, vm), f, d);
}

bool vfp_fast1(ArmTr *s, FpFmt f, FpOp1 op, unsigned d, unsigned m)
{
    Mark k = mark(s);
    return usable(s, f) && put(s, k, fast_fp1(s, f, op, VEC_A32_D, source(s, f, m, VEC_A32_M)), f, d);
}

bool vfp_fast_mla(ArmTr *s, FpFmt f, bool negate_d, bool negate_product, unsigned d, unsigned n, unsigned m)
{
    Mark k = mark(s);
    if (!usable(s, f)) {
        return false;
    }
    unsigned vn = source(s, f, n, VEC_A32_N), vm = m == n ? vn : source(s, f, m, VEC_A32_M);
    bool done = fast_fp2(s, f, negate_product ? FP2_NMUL : FP2_MUL, VEC_A32_D, vn, vm);
    unsigned a = source(s, f, d, VEC_A32_A);
    if (negate_d) {
        done = done && fast_neg(s, f, VEC_A32_A, a);
        a = VEC_A32_A;
    }
    return put(s, k, done && fast_fp2(s, f, FP2_ADD, VEC_A32_D, a, VEC_A32_D), f, d);
}

bool vfp_fast_fma(ArmTr *s, FpFmt f, bool negate_d, bool negate_product, unsigned d, unsigned n, unsigned m)
{
    Mark k = mark(s);
    if (!usable(s, f)) {
        return false;
    }
    unsigned vn = source(s, f, n, VEC_A32_N), vm = m == n ? vn : source(s, f, m, VEC_A32_M);
    unsigned a = source(s, f, d, VEC_A32_A);
    return put(s, k, fast_fp3(s, f, negate_product | negate_d << 1, VEC_A32_D, a, vn, vm), f, d);
}

bool vfp_fast_convert(ArmTr *s, FpFmt to, FpFmt from, unsigned d, unsigned m)
{
    Mark k = mark(s);
    return usable(s, from) && put(s, k, fast_convert(s, to, from, VEC_A32_D, source(s, from, m, VEC_A32_M)), to, d);
}

bool vfp_fast_from_int(ArmTr *s, FpIntConversion k, unsigned d, unsigned m)
{
    FpFmt f = (FpFmt)k.fmt;
    Mark start = mark(s);
    return usable(s, f) && put(s, start, fast_from_int(s, k, VEC_A32_D, tr_ldenv(s, W32, vfp_env(FP_S, m))), f, d);
}

bool vfp_fast_to_int(ArmTr *s, FpIntConversion k, IrVal dst, unsigned m)
{
    FpFmt f = (FpFmt)k.fmt;
    Mark start = mark(s);
    if (!usable(s, f)) {
        return false;
    }
    IrVal bits = k.is_unsigned ? tr_ldenv(s, (IrWidth)f, vfp_env(f, m)) : IR_NONE;
    return keep(s, start, fast_to_int(s, k, dst, source(s, f, m, VEC_A32_M), bits));
}

/*
 * NZCV is the signs of four comparisons: less; equal; not less; unordered. The flags of the host's comparison are of no use:
 * they would take the place of the guest's. The first one traps for what has to.
 */
static void compare_to(ArmTr *s, FpFmt f, unsigned t, unsigned n, unsigned m, unsigned predicate)
{
    vec_op3_imm(s, (f == FP_D ? VX_F2 : VX_F3) | VX_0F(0xc2) | VX_TRAP, 16, t, n, m, (uint8_t)predicate);
}

bool vfp_fast_compare(ArmTr *s, FpFmt f, unsigned d, int m, bool signal_all)
{
    enum { UNORD_Q = 0x03, EQ_OQ = 0x00, LT_OQ = 0x11, NLT_UQ = 0x15, LT_OS = 0x01 };
    if (!usable(s, f)) {
        return false;
    }
    unsigned vn = source(s, f, d, VEC_A32_N), vm = VEC_A32_M;
    if (m < 0) {
        vec_constant(s, VEC_A32_M, 0, 0);
    } else {
        vm = source(s, f, (unsigned)m, VEC_A32_M);
    }
    compare_to(s, f, VEC_T1, vn, vm, signal_all ? LT_OS : LT_OQ);
    compare_to(s, f, VEC_T0, vn, vm, UNORD_Q);
    vec_op3_imm(s, INSERTPS, 16, VEC_T0, VEC_T0, VEC_T1, 3 << 4);
    compare_to(s, f, VEC_T1, vn, vm, EQ_OQ);
    vec_op3_imm(s, INSERTPS, 16, VEC_T0, VEC_T0, VEC_T1, 2 << 4);
    compare_to(s, f, VEC_T1, vn, vm, NLT_UQ);
    vec_op3_imm(s, INSERTPS, 16, VEC_T0, VEC_T0, VEC_T1, 1 << 4);
    IrVal nzcv = tr_temp(s), fpsr = tr_temp(s);
    vec_to_general(s, MOVMSKPS | VX_RM_REG, W32, nzcv, VEC_T0);
    ir_alui(s->b, OP_shl, W32, nzcv, nzcv, 28, 0);
    ir_alui(s->b, OP_and, W32, fpsr, tr_ldenv(s, W32, ENV(s.fpsr)), 0x0fffffff, 0);
    ir_alu(s->b, OP_or, W32, fpsr, fpsr, nzcv, 0);
    tr_stenv(s, W32, ENV(s.fpsr), fpsr);
    return true;
}
