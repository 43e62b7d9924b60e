/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floating-point vector operations (vec.h) on singles and doubles by instructions of the host; README.md, "Vector code",
 * says what that has to care for. Vectors shorter than 16 bytes are repeated to fill the register, so that the lanes above
 * raise nothing that those below do not.
 */
#include "target/arm/translate_vec_fast.h"
#include "target/arm/vec.h"

/* Packed forms: no prefix single, 66 double. */
static unsigned packed(unsigned esz, unsigned op)
{
    return (esz == 3 ? VX_66 : 0) | op;
}

static unsigned filled(ArmTr *s, VecDesc x, unsigned r, unsigned t)
{
    if (x.len == 16) {
        return r;
    }
    vec_op2_imm(s, PSHUFD, 16, t, r, x.len == 8 ? 0x44 : 0);
    return t;
}

/* Adjacent lanes of n and m; the scalar forms have one pair, in n. */
static bool pairs(ArmTr *s, VecDesc x, unsigned *n, unsigned *m)
{
    *n = VEC_T2;
    *m = VEC_T1;
    if (x.len == 16) {
        unsigned even = x.esz == 3 ? 0x00 : 0x88, odd = x.esz == 3 ? 0x03 : 0xdd;
        vec_op3_imm(s, packed(x.esz, SHUFPS), 16, VEC_T2, x.n, x.m, (uint8_t)even);
        vec_op3_imm(s, packed(x.esz, SHUFPS), 16, VEC_T1, x.n, x.m, (uint8_t)odd);
    } else if (x.len == 8 && x.esz == 2) {
        vec_op3(s, PUNPCKLQDQ, 16, VEC_T1, x.n, x.m);
        vec_op2_imm(s, PSHUFD, 16, VEC_T2, VEC_T1, 0x88);
        vec_op2_imm(s, PSHUFD, 16, VEC_T1, VEC_T1, 0xdd);
    } else {
        vec_op2_imm(s, PSHUFD, 16, VEC_T2, x.n, x.esz == 3 ? 0x44 : 0x00);
        vec_op2_imm(s, PSHUFD, 16, VEC_T1, x.n, x.esz == 3 ? 0xee : 0x55);
    }
    return true;
}

static bool sources(ArmTr *s, VecDesc x, unsigned *n, unsigned *m)
{
    if (x.pair == PAIR_CONCAT) {
        return pairs(s, x, n, m);
    }
    *n = filled(s, x, x.n, VEC_T2);
    if (x.msrc == MSRC_ZERO) {
        vec_constant(s, VEC_T1, 0, 0);
        *m = VEC_T1;
        return true;
    }
    if (x.msrc == MSRC_ELEM) {
        *m = VEC_T1;
        return x.iesz == x.esz && vec_broadcast_element(s, x, VEC_T1);
    }
    *m = x.m == x.n ? *n : filled(s, x, x.m, VEC_T1);
    return true;
}

/* ---- arithmetic ---- */

/* See fast_fp2() about zeros. */
static void extreme(ArmTr *s, VecDesc x, bool max, unsigned n, unsigned m)
{
    unsigned op = packed(x.esz, VX_0F(max ? 0x5f : 0x5d)) | VX_TRAP;
    vec_op3(s, op, 16, VEC_T0, n, m);
    vec_op3(s, op, 16, VEC_T1, m, n);
    vec_op3(s, max ? PAND : POR, x.len, x.d, VEC_T0, VEC_T1);
}

/* See fast_fp3() about NaNs. */
static bool fused(ArmTr *s, VecDesc x, unsigned n, unsigned m)
{
    if (!vec_host_fp(s, TCG_VEC_FMA)) {
        return false;
    }
    unsigned op = X38(x.op == VEC_FMLA ? 0xb8 : 0xbc) | (x.esz == 3 ? VX_W : 0); /* vfmadd231ps, vfnmadd231ps */
    if (filled(s, x, x.a, VEC_T0) != VEC_T0) {
        vec_move(s, 16, VEC_T0, x.a);
    }
    vec_op3(s, op | VX_READS_D | VX_TRAP, 16, VEC_T0, n, m);
    vec_trap_smallest(s, (FpFmt)x.esz, VEC_T0, false, true);
    vec_move(s, x.len, x.d, VEC_T0);
    return true;
}

static void absolute(ArmTr *s, unsigned esz, unsigned d, unsigned n, unsigned mask)
{
    vec_constant(s, mask, esz, fp_sign_bit((FpFmt)esz) - 1);
    vec_op3(s, PAND, 16, d, n, mask);
}

/* Ordered comparisons signal for quiet NaNs, equality does not, on both. */
static bool compare(ArmTr *s, VecDesc x, unsigned n, unsigned m)
{
    static const uint8_t predicate[] = {[0] = 0x00, [1] = 0x0d, [2] = 0x0e, [3] = 0x02, [4] = 0x01}; /* EQ GE GT LE LT */
    bool magnitude = x.op == VEC_FACGE || x.op == VEC_FACGT;
    unsigned which = x.op == VEC_FACGE ? 1 : x.op == VEC_FACGT ? 2 : x.op - VEC_FCMEQ;
    if (magnitude) {
        vec_constant(s, VEC_T0, x.esz, fp_sign_bit((FpFmt)x.esz) - 1);
        vec_op3(s, PAND, 16, VEC_T2, n, VEC_T0);
        vec_op3(s, PAND, 16, VEC_T1, m, VEC_T0);
        n = VEC_T2;
        m = VEC_T1;
    }
    vec_op3_imm(s, packed(x.esz, VX_0F(0xc2)) | VX_TRAP, x.len, x.d, n, m, predicate[which]);
    return true;
}

/* ---- rounding, conversion ---- */

/* VROUNDPS' mode of an FpRound or VEC_RM_FPCR; -1: the host has none. */
static int round_mode(unsigned rounding, bool exact)
{
    static const int8_t mode[8] = {[FP_RN] = 0, [FP_RP] = 2, [FP_RM] = 1, [FP_RZ] = 3, [FP_RA] = -1, [FP_RO] = -1,
                                   [6] = -1, [VEC_RM_FPCR] = 4};
    return mode[rounding & 7] < 0 ? -1 : mode[rounding & 7] | (exact ? 0 : 8);
}

static bool round_lanes(ArmTr *s, unsigned esz, unsigned bytes, unsigned d, unsigned n, int mode)
{
    if (mode >= 0) {
        vec_op2_imm(s, VX_66 | VX_0F3A(esz == 3 ? 0x09 : 0x08) | VX_TRAP, bytes, d, n, (uint8_t)mode);
    }
    return mode >= 0;
}

static bool to_integers(ArmTr *s, VecDesc x, unsigned n, int64_t imm)
{
    if (x.esz != 2 || imm >> 3) {
        return false;
    }
    if ((imm & 7) != FP_RZ) {
        if (!round_lanes(s, x.esz, 16, VEC_T0, n, round_mode((unsigned)imm & 7, true))) {
            return false;
        }
        n = VEC_T0;
    }
    vec_op2(s, VX_F3 | VX_0F(0x5b) | VX_TRAP, x.len, x.d, n); /* vcvttps2dq */
    return true;
}

/* FCVTL and FCVTN between singles and doubles. */
static bool change_width(ArmTr *s, VecDesc x)
{
    if (x.esz != 3 || x.len != 16) {
        return false;
    }
    if (x.op == VEC_FCVTL) {
        unsigned n = x.n;
        if ((x.nsel & SEL_WHICH) == SEL_HI) {
            vec_bytes_right(s, 16, VEC_T0, x.n, 8);
            n = VEC_T0;
        }
        vec_op2(s, VX_0F(0x5a) | VX_TRAP, 16, x.d, n); /* vcvtps2pd */
        return true;
    }
    vec_op2(s, VX_66 | VX_0F(0x5a) | VX_TRAP, 16, VEC_T0, x.n); /* vcvtpd2ps */
    vec_trap_smallest(s, FP_S, VEC_T0, false, false);
    if (x.out == OUT_HI) {
        vec_op3(s, PUNPCKLQDQ, 16, x.d, x.d, VEC_T0);
    } else {
        vec_move(s, 8, x.d, VEC_T0);
    }
    return true;
}

/* ---- signs: no arithmetic, any mode ---- */

static bool signs(ArmTr *s, VecDesc x)
{
    bool abs = x.op == VEC_FABS;
    vec_constant(s, VEC_T1, x.esz, abs ? fp_sign_bit((FpFmt)x.esz) - 1 : fp_sign_bit((FpFmt)x.esz));
    vec_op3(s, abs ? PAND : PXOR, x.len, x.d, x.n, VEC_T1);
    return true;
}

static bool operation(ArmTr *s, VecDesc x, unsigned n, unsigned m, int64_t imm)
{
    static const uint8_t opcode[VEC__COUNT] = {[VEC_FADD] = 0x58, [VEC_FSUB] = 0x5c, [VEC_FMUL] = 0x59,
                                               [VEC_FMULX] = 0x59, [VEC_FDIV] = 0x5e};
    switch (x.op) {
    case VEC_FMLA: case VEC_FMLS:
        return fused(s, x, n, m);
    case VEC_FMAX: case VEC_FMAXNM:
        extreme(s, x, true, n, m);
        return true;
    case VEC_FMIN: case VEC_FMINNM:
        extreme(s, x, false, n, m);
        return true;
    case VEC_FCMEQ: case VEC_FCMGE: case VEC_FCMGT: case VEC_FCMLE: case VEC_FCMLT: case VEC_FACGE: case VEC_FACGT:
        return compare(s, x, n, m);
    case VEC_FABD:
        vec_op3(s, packed(x.esz, VX_0F(0x5c)) | VX_TRAP, 16, VEC_T0, n, m);
        absolute(s, x.esz, VEC_T0, VEC_T0, VEC_T1);
        vec_move(s, x.len, x.d, VEC_T0);
        return true;
    case VEC_FSQRT:
        vec_op2(s, packed(x.esz, VX_0F(0x51)) | VX_TRAP, x.len, x.d, n);
        return true;
    case VEC_FRINT:
        return round_lanes(s, x.esz, x.len, x.d, n, round_mode((unsigned)imm & 7, imm & 8));
    case VEC_FCVTS:
        return to_integers(s, x, n, imm);
    case VEC_SCVTF:
        if (x.esz == 2 && imm == 0) {
            vec_op2(s, VX_0F(0x5b) | VX_TRAP, x.len, x.d, n); /* vcvtdq2ps */
        }
        return x.esz == 2 && imm == 0;
    case VEC_FMUL: case VEC_FMULX:
        vec_op3(s, packed(x.esz, VX_0F(opcode[x.op])) | VX_TRAP, 16, VEC_T0, n, m);
        vec_trap_smallest(s, (FpFmt)x.esz, VEC_T0, false, false);
        vec_move(s, x.len, x.d, VEC_T0);
        return true;
    default:
        if (opcode[x.op]) {
            vec_op3(s, packed(x.esz, VX_0F(opcode[x.op])) | VX_TRAP, x.len, x.d, n, m);
        }
        return opcode[x.op];
    }
}

bool vec_fast_fp(ArmTr *s, VecDesc x, int64_t imm)
{
    unsigned n, m;
    if (x.esz < 2 || (x.len != 4 && x.len != 8 && x.len != 16) || x.pair == PAIR_REDUCE) {
        return false;
    }
    if (x.op == VEC_FABS || x.op == VEC_FNEG) {
        return signs(s, x);
    }
    if (s->fpx) {
        return false;
    }
    if (x.op == VEC_FCVTL || x.op == VEC_FCVTN) {
        return change_width(s, x);
    }
    if (x.out != OUT_SAME || x.nsel || x.msel || !sources(s, x, &n, &m)) {
        return false;
    }
    return operation(s, x, n, m, imm);
}

/* ---- Advanced SIMD of AArch32: the standard FPSCR value (E1.3.5) ---- */

/*
 * Denormal operands and results are zero, a NaN is the default one, rounding is to nearest. In AArch32 the host traps
 * for denormal operands and tiny results (fpcr.c), and then the helper does it. That leaves NaNs that come through from
 * an operand, and what is tiny before rounding alone.
 */

/* Traps for a NaN in r. */
static void trap_nan(ArmTr *s, unsigned r)
{
    vec_op3_imm(s, VX_0F(0xc2) | VX_TRAP, 16, VEC_T1, r, r, 1); /* vcmpltps */
}

/* Traps for a denormal in r, of whatever instruction: equality does not for a NaN. */
static void trap_denormal(ArmTr *s, unsigned r)
{
    vec_op3_imm(s, VX_0F(0xc2) | VX_TRAP, 16, VEC_T3, r, r, 0); /* vcmpeqps */
}

/* Traps if a lane of r may have been rounded up to the smallest normal number: one less is a denormal. Zeros get NaNs. */
static void trap_smallest(ArmTr *s, unsigned r)
{
    vec_constant(s, VEC_T3, 0, 0xff);
    vec_op3(s, X66(0xfe), 16, VEC_T3, r, VEC_T3); /* vpaddd */
    trap_denormal(s, VEC_T3);
}

static void product(ArmTr *s, unsigned n, unsigned m)
{
    vec_op3(s, VX_0F(0x59) | VX_TRAP, 16, VEC_T0, n, m);
    trap_smallest(s, VEC_T0);
}

/* T0 = what is done to the product of n and m in T0. */
static void after_product(ArmTr *s, VecDesc x)
{
    unsigned op = VX_0F(x.op == VEC_MULADD2 ? 0x58 : 0x5c) | VX_TRAP;
    if (x.op == VEC_MULADD2 || x.op == VEC_MULSUB2) {
        vec_op3(s, op, 16, VEC_T0, filled(s, x, x.a, VEC_T2), VEC_T0);
    } else if (x.op == VEC_RECPS2 || x.op == VEC_RSQRTS2) {
        vec_constant(s, VEC_T1, 2, x.op == VEC_RECPS2 ? 0x40000000 : 0x40400000); /* 2, 3 */
        vec_op3(s, op, 16, VEC_T0, VEC_T1, VEC_T0);
        if (x.op == VEC_RSQRTS2) {
            vec_constant(s, VEC_T1, 2, 0x3f000000); /* half of it: not tiny, so exact */
            vec_op3(s, VX_0F(0x59) | VX_TRAP, 16, VEC_T0, VEC_T0, VEC_T1);
        }
    }
}

static bool standard_fused(ArmTr *s, VecDesc x, unsigned n, unsigned m)
{
    if (!vec_host_fp(s, TCG_VEC_FMA)) {
        return false;
    }
    unsigned a = filled(s, x, x.a, VEC_T0);
    if (a != VEC_T0) {
        vec_move(s, 16, VEC_T0, a);
    }
    vec_op3(s, X38(x.op == VEC_FMLA ? 0xb8 : 0xbc) | VX_READS_D | VX_TRAP, 16, VEC_T0, n, m);
    trap_smallest(s, VEC_T0);
    return true;
}

/* To T0, or false. */
static bool standard_arithmetic(ArmTr *s, VecDesc x, unsigned n, unsigned m, int64_t imm)
{
    switch (x.op) {
    case VEC_FADD: case VEC_FSUB: case VEC_FABD:
        vec_op3(s, VX_0F(x.op == VEC_FADD ? 0x58 : 0x5c) | VX_TRAP, 16, VEC_T0, n, m);
        return true;
    case VEC_FMUL: case VEC_MULADD2: case VEC_MULSUB2: case VEC_RECPS2: case VEC_RSQRTS2:
        product(s, n, m);
        after_product(s, x);
        return true;
    case VEC_FMLA: case VEC_FMLS:
        return standard_fused(s, x, n, m);
    case VEC_FRINT:
        trap_denormal(s, n);
        return (imm & 7) != VEC_RM_FPCR && round_lanes(s, 2, 16, VEC_T0, n, round_mode((unsigned)imm & 7, imm & 8));
    default:
        return false;
    }
}

/* Those of which no result is a NaN. */
static bool standard_other(ArmTr *s, VecDesc x, unsigned n, unsigned m, int64_t imm)
{
    switch (x.op) {
    case VEC_FMAX: case VEC_FMAXNM: case VEC_FMIN: case VEC_FMINNM: /* NaNs trap */
        extreme(s, x, x.op == VEC_FMAX || x.op == VEC_FMAXNM, n, m);
        return true;
    case VEC_FCMEQ: /* a NaN would hide the denormal beside it */
        trap_denormal(s, n);
        trap_denormal(s, m);
        return compare(s, x, n, m);
    case VEC_FCMGE: case VEC_FCMGT: case VEC_FCMLE: case VEC_FCMLT: case VEC_FACGE: case VEC_FACGT:
        return compare(s, x, n, m);
    case VEC_FCVTS:
        trap_denormal(s, n);
        return (imm & 7) != VEC_RM_FPCR && to_integers(s, x, n, imm);
    case VEC_SCVTF:
        if (imm == 0) {
            vec_op2(s, VX_0F(0x5b) | VX_TRAP, x.len, x.d, n); /* vcvtdq2ps */
        }
        return imm == 0;
    default:
        return false;
    }
}

bool vec_fast_fp_standard(ArmTr *s, VecDesc x, int64_t imm)
{
    unsigned n, m;
    if (s->fpx || (s->mode >> MODE_FP_RM_SHIFT & 3) != FP_RN || x.esz != 2 || x.pair == PAIR_REDUCE || x.out != OUT_SAME ||
        x.nsel || x.msel || !sources(s, x, &n, &m)) {
        return false;
    }
    if (standard_other(s, x, n, m, imm)) {
        return true;
    }
    if (!standard_arithmetic(s, x, n, m, imm)) {
        return false;
    }
    trap_nan(s, VEC_T0);
    if (x.op == VEC_FABD) {
        absolute(s, 2, VEC_T0, VEC_T0, VEC_T1);
    }
    vec_move(s, x.len, x.d, VEC_T0);
    return true;
}
