/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A64 Advanced SIMD: operations on two or three registers, without immediates (Arm ARM C4.1, "three same" and so on).
 */
#include "target/arm/translate_a64_simd.h"

/* ---- three registers of the same type ---- */

/* Operations that the IR does on halves of registers. */
static bool by_halves(ArmTr *s, int op, unsigned esz, unsigned len, unsigned rd, unsigned rn, unsigned rm)
{
    IrOpcode ir = op == VEC_ADD ? OP_add : OP_sub;
    if ((op != VEC_ADD && op != VEC_SUB) || esz != 3) {
        return false;
    }
    if (!tr_fp_access(s)) {
        return true;
    }
    IrVal r[2];
    for (unsigned i = 0; i < len / 8; i++) {
        r[i] = tr_temp(s);
        ir_alu(s->b, ir, W64, r[i], tr_ldenv(s, W64, ENV_VD(rn, i)), tr_ldenv(s, W64, ENV_VD(rm, i)), 0);
    }
    for (unsigned i = 0; i < len / 8; i++) {
        tr_stenv(s, W64, ENV_VD(rd, i), r[i]);
    }
    tr_vec_zero_above(s, rd, len);
    return true;
}

void trans_a64_v3(ArmTr *s, const a64_v3 *a)
{
    if (a->size == 3 && !a->Q) {
        tr_undef(s);
    } else if (!by_halves(s, a->arg, a->size, simd_len(a->Q), a->rd, a->rn, a->rm)) {
        simd_op(s, simd_desc(a->arg, a->size, simd_len(a->Q), a->rd, a->rn, a->rm), 0);
    }
}

void trans_a64_s3(ArmTr *s, const a64_s3 *a)
{
    if (!by_halves(s, a->arg, a->size, 8, a->rd, a->rn, a->rm)) {
        simd_op(s, simd_desc(a->arg, a->size, 1u << a->size, a->rd, a->rn, a->rm), 0);
    }
}

void trans_a64_v3f(ArmTr *s, const a64_v3f *a)
{
    if (a->sz && !a->Q) {
        tr_undef(s);
    } else {
        simd_op(s, simd_desc(a->arg, 2 + a->sz, simd_len(a->Q), a->rd, a->rn, a->rm), 0);
    }
}

void trans_a64_v3h(ArmTr *s, const a64_v3h *a)
{
    simd_op(s, simd_desc(a->arg, 1, simd_len(a->Q), a->rd, a->rn, a->rm), 0);
}

void trans_a64_s3f(ArmTr *s, const a64_s3f *a)
{
    simd_op(s, simd_desc(a->arg, 2 + a->sz, 4u << a->sz, a->rd, a->rn, a->rm), 0);
}

void trans_a64_s3h(ArmTr *s, const a64_s3h *a)
{
    simd_op(s, simd_desc(a->arg, 1, 2, a->rd, a->rn, a->rm), 0);
}

static IrVal logic2(ArmTr *s, IrOpcode op, IrVal x, IrVal y)
{
    IrVal r = tr_temp(s);
    ir_alu(s->b, op, W64, r, x, y, 0);
    return r;
}

static IrVal complement(ArmTr *s, IrVal x)
{
    IrVal r = tr_temp(s);
    ir_emit(s->b, OP_not, W64, r, x, IR_NONE);
    return r;
}

/* x where the mask is one, y elsewhere. */
static IrVal select_bits(ArmTr *s, IrVal mask, IrVal x, IrVal y)
{
    return logic2(s, OP_xor, y, logic2(s, OP_and, mask, logic2(s, OP_xor, x, y)));
}

static IrVal logic(ArmTr *s, int op, IrVal d, IrVal n, IrVal m)
{
    switch (op) {
    case VEC_AND:
        return logic2(s, OP_and, n, m);
    case VEC_BIC:
        return logic2(s, OP_and, n, complement(s, m));
    case VEC_ORR:
        return n == m ? n : logic2(s, OP_or, n, m);
    case VEC_ORN:
        return logic2(s, OP_or, n, complement(s, m));
    case VEC_EOR:
        return logic2(s, OP_xor, n, m);
    case VEC_BSL:
        return select_bits(s, d, n, m);
    case VEC_BIT:
        return select_bits(s, m, n, d);
    default: /* BIF */
        return select_bits(s, m, d, n);
    }
}

void trans_a64_vlogic(ArmTr *s, const a64_vlogic *a)
{
    IrVal r[2];
    if (!tr_fp_access(s)) {
        return;
    }
    for (unsigned i = 0; i <= a->Q; i++) {
        IrVal n = tr_ldenv(s, W64, ENV_VD(a->rn, i));
        IrVal m = a->rm == a->rn ? n : tr_ldenv(s, W64, ENV_VD(a->rm, i));
        IrVal d = a->arg == VEC_BSL || a->arg == VEC_BIT || a->arg == VEC_BIF ? tr_ldenv(s, W64, ENV_VD(a->rd, i)) : n;
        r[i] = logic(s, a->arg, d, n, m);
    }
    for (unsigned i = 0; i <= a->Q; i++) {
        tr_stenv(s, W64, ENV_VD(a->rd, i), r[i]);
    }
    tr_vec_zero_above(s, a->rd, simd_len(a->Q));
}

/* FMLAL and FMLSL: of the lower or upper half of the vectors (of the halves when not Q). */
static VecDesc fml_desc(int arg, unsigned q, unsigned rd, unsigned rn, unsigned rm)
{
    VecDesc x = simd_desc(arg, 2, simd_len(q), rd, rn, rm);
    x.nsel = simd_half(false, arg & VEC_ARG_HI) & 15;
    return x;
}

void trans_a64_v3fml(ArmTr *s, const a64_v3fml *a)
{
    VecDesc x = fml_desc(a->arg, a->Q, a->rd, a->rn, a->rm);
    x.msel = x.nsel;
    simd_op(s, x, 0);
}

/* Dot products, matrices: words of four bytes. */
void trans_a64_vx(ArmTr *s, const a64_vx *a)
{
    simd_op(s, simd_desc(a->arg, 2, simd_len(a->Q), a->rd, a->rn, a->rm), 0);
}

static VecDesc bfmlal_desc(unsigned top, unsigned rd, unsigned rn, unsigned rm)
{
    VecDesc x = simd_desc(VEC_BFMLAL, 2, 16, rd, rn, rm);
    x.nsel = SEL_EXT | (top ? SEL_ODD : SEL_EVEN);
    x.msel = x.nsel;
    return x;
}

void trans_a64_vbfmlal(ArmTr *s, const a64_vbfmlal *a)
{
    simd_op(s, bfmlal_desc(a->T, a->rd, a->rn, a->rm), 0);
}

void trans_a64_vcomplex(ArmTr *s, const a64_vcomplex *a)
{
    if ((a->size == 3 && !a->Q) || (a->size == 1 && !arm_has(s->config, ARM_FEAT_FP16))) {
        tr_undef(s);
    } else {
        simd_op(s, simd_desc(a->arg, a->size, simd_len(a->Q), a->rd, a->rn, a->rm), a->rot);
    }
}

/* ---- three registers of different types ---- */

void trans_a64_v3l(ArmTr *s, const a64_v3l *a)
{
    VecDesc x = simd_desc(a->arg, a->size + 1, 16, a->rd, a->rn, a->rm);
    unsigned half = simd_half(a->arg & VEC_ARG_SIGNED, a->Q);
    if (a->arg & VEC_ARG_NARROW) {
        x.out = a->Q ? OUT_HI : OUT_LO;
    } else {
        x.nsel = a->arg & VEC_ARG_WIDE ? SEL_NONE : half & 15;
        x.msel = half & 15;
    }
    simd_op(s, x, 0);
}

void trans_a64_s3l(ArmTr *s, const a64_s3l *a)
{
    VecDesc x = simd_desc(a->arg, a->size + 1, 2u << a->size, a->rd, a->rn, a->rm);
    x.nsel = x.msel = simd_half(true, false) & 15;
    simd_op(s, x, 0);
}

/* ---- two registers ---- */

void trans_a64_v2(ArmTr *s, const a64_v2 *a)
{
    if (a->size == 3 && !a->Q) {
        tr_undef(s);
    } else {
        simd_op(s, simd_desc(a->arg, a->size, simd_len(a->Q), a->rd, a->rn, a->rn), 0);
    }
}

/* Bytes, whatever the size field says. */
void trans_a64_v2b(ArmTr *s, const a64_v2b *a)
{
    simd_op(s, simd_desc(a->arg, 0, simd_len(a->Q), a->rd, a->rn, a->rn), 0);
}

void trans_a64_vnot(ArmTr *s, const a64_vnot *a)
{
    if (!tr_fp_access(s)) {
        return;
    }
    for (unsigned i = 0; i <= a->Q; i++) {
        tr_stenv(s, W64, ENV_VD(a->rd, i), complement(s, tr_ldenv(s, W64, ENV_VD(a->rn, i))));
    }
    tr_vec_zero_above(s, a->rd, simd_len(a->Q));
}

void trans_a64_s2(ArmTr *s, const a64_s2 *a)
{
    simd_op(s, simd_desc(a->arg, a->size, 1u << a->size, a->rd, a->rn, a->rn), 0);
}

void trans_a64_v2rev(ArmTr *s, const a64_v2rev *a)
{
    simd_op(s, simd_desc(VEC_REV, (unsigned)a->arg, simd_len(a->Q), a->rd, a->rn, a->rn), a->size);
}

/* SADDLP and its kin: the even lanes and the odd ones, extended, are the two sources. */
void trans_a64_v2addlp(ArmTr *s, const a64_v2addlp *a)
{
    VecDesc x = simd_desc(a->arg, a->size + 1, simd_len(a->Q), a->rd, a->rn, a->rn);
    unsigned ext = SEL_EXT | (a->arg & VEC_ARG_SIGNED ? SEL_SIGNED : 0);
    x.nsel = (ext | SEL_EVEN) & 15;
    x.msel = (ext | SEL_ODD) & 15;
    simd_op(s, x, 0);
}

void trans_a64_v2n(ArmTr *s, const a64_v2n *a)
{
    VecDesc x = simd_desc(a->arg, a->size + 1, 16, a->rd, a->rn, a->rn);
    x.out = a->Q ? OUT_HI : OUT_LO;
    simd_op(s, x, 0);
}

void trans_a64_s2n(ArmTr *s, const a64_s2n *a)
{
    VecDesc x = simd_desc(a->arg, a->size + 1, 2u << a->size, a->rd, a->rn, a->rn);
    x.out = OUT_LO;
    simd_op(s, x, 0);
}

void trans_a64_v2shll(ArmTr *s, const a64_v2shll *a)
{
    VecDesc x = simd_desc(VEC_SHL, a->size + 1, 16, a->rd, a->rn, a->rn);
    x.nsel = simd_half(false, a->Q) & 15;
    simd_op(s, x, 8 << a->size);
}

void trans_a64_v2f(ArmTr *s, const a64_v2f *a)
{
    if (a->sz && !a->Q) {
        tr_undef(s);
    } else {
        simd_op(s, simd_desc(a->arg, 2 + a->sz, simd_len(a->Q), a->rd, a->rn, a->rn), simd_imm(a->arg));
    }
}

void trans_a64_v2h(ArmTr *s, const a64_v2h *a)
{
    simd_op(s, simd_desc(a->arg, 1, simd_len(a->Q), a->rd, a->rn, a->rn), simd_imm(a->arg));
}

void trans_a64_s2f(ArmTr *s, const a64_s2f *a)
{
    simd_op(s, simd_desc(a->arg, 2 + a->sz, 4u << a->sz, a->rd, a->rn, a->rn), simd_imm(a->arg));
}

void trans_a64_s2h(ArmTr *s, const a64_s2h *a)
{
    simd_op(s, simd_desc(a->arg, 1, 2, a->rd, a->rn, a->rn), simd_imm(a->arg));
}

void trans_a64_v2cvtl(ArmTr *s, const a64_v2cvtl *a)
{
    VecDesc x = simd_desc(VEC_FCVTL, 2 + a->sz, 16, a->rd, a->rn, a->rn);
    x.nsel = simd_half(false, a->Q) & 15;
    simd_op(s, x, 0);
}

static void convert_narrow(ArmTr *s, int op, unsigned esz, unsigned len, bool upper, unsigned rd, unsigned rn)
{
    VecDesc x = simd_desc(op, esz, len, rd, rn, rn);
    x.out = upper ? OUT_HI : OUT_LO;
    simd_op(s, x, 0);
}

void trans_a64_v2cvtn(ArmTr *s, const a64_v2cvtn *a)
{
    convert_narrow(s, a->arg, 2 + a->sz, 16, a->Q, a->rd, a->rn);
}

void trans_a64_v2bfcvtn(ArmTr *s, const a64_v2bfcvtn *a)
{
    convert_narrow(s, VEC_BFCVTN, 2, 16, a->Q, a->rd, a->rn);
}

void trans_a64_s2cvtxn(ArmTr *s, const a64_s2cvtxn *a)
{
    convert_narrow(s, VEC_FCVTXN, 3, 8, false, a->rd, a->rn);
}

/* ---- across lanes, scalar pairs ---- */

static void across(ArmTr *s, int arg, unsigned esz, unsigned len, unsigned rd, unsigned rn)
{
    VecDesc x = simd_desc(arg, esz, len, rd, rn, rn);
    x.pair = PAIR_REDUCE;
    if (arg & VEC_ARG_LONG) {
        x.esz = (esz + 1) & 7;
        x.len = (2 * len) & 0x1ff;
        x.nsel = simd_half(arg & VEC_ARG_SIGNED, false) & 15;
    }
    simd_op(s, x, 0);
}

void trans_a64_vacross(ArmTr *s, const a64_vacross *a)
{
    if (a->size == 2 && !a->Q) {
        tr_undef(s);
    } else {
        across(s, a->arg, a->size, simd_len(a->Q), a->rd, a->rn);
    }
}

void trans_a64_vacrossh(ArmTr *s, const a64_vacrossh *a)
{
    across(s, a->arg, 1, simd_len(a->Q), a->rd, a->rn);
}

void trans_a64_vacrossf(ArmTr *s, const a64_vacrossf *a)
{
    across(s, a->arg, 2, 16, a->rd, a->rn);
}

void trans_a64_spair(ArmTr *s, const a64_spair *a)
{
    unsigned esz = (unsigned)simd_imm(a->arg);
    simd_op(s, simd_desc(a->arg | VEC_ARG_PAIR, esz, 1u << esz, a->rd, a->rn, a->rn), 0);
}
