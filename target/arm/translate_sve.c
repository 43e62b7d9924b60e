/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SVE: operations on vectors, predicated or not (Arm ARM C8.2).
 */
#include "target/arm/system.h"
#include "target/arm/translate_sve.h"
#include "target/arm/translate_vec_fast.h"

bool tr_sve_access(ArmTr *s)
{
    int el = (int)(s->mode >> MODE_SVE_EL_SHIFT) & 3;
    if (el == 0) {
        return tr_fp_access(s);
    }
    tr_exception_el(s, arm_syndrome(EC_SVE, 0), el, s->pc);
    return false;
}

static IrVal call(ArmTr *s, VecDesc x, int64_t imm, unsigned ctl)
{
    return tr_call(s, HELPER_sve, tr_const(s, (int64_t)x.word), tr_const(s, imm), tr_const(s, ctl));
}

void z_op(ArmTr *s, VecDesc x, int64_t imm, unsigned ctl)
{
    /* Whole vectors of 16 bytes are those of Advanced SIMD. */
    if (tr_sve_access(s) && !(ctl == 0 && x.len == 16 && vec_fast(s, x, imm))) {
        call(s, x, imm, ctl);
    }
}

void sve_set_flags(ArmTr *s, IrVal flags)
{
    ir_emit(s->b, OP_setf, W64, IR_NONE, flags, IR_NONE)->fw = ARM_FL;
}

void z_op_flags(ArmTr *s, VecDesc x, int64_t imm, unsigned ctl)
{
    if (tr_sve_access(s)) {
        sve_set_flags(s, call(s, x, imm, ctl));
    }
}

static unsigned pg(unsigned g)
{
    return SVE_PREDICATED | g;
}

/* ---- predicated ---- */

static VecDesc destructive(ArmTr *s, int arg, unsigned esz, unsigned zdn, unsigned zm)
{
    bool swap = arg & VEC_ARG_REV;
    VecDesc x = z_desc(s, arg, esz, zdn, swap ? zm : zdn, swap ? zdn : zm);
    if (arg & VEC_ARG_UNARY) {
        x.n = zm & 31;
    }
    return x;
}

void trans_a64_z_bin(ArmTr *s, const a64_z_bin *a)
{
    z_op(s, destructive(s, a->arg, a->size, a->zdn, a->zm), 0, pg(a->pg));
}

void trans_a64_z_binw(ArmTr *s, const a64_z_binw *a)
{
    z_op(s, z_desc(s, a->arg, a->size, a->zdn, a->zdn, a->zm), 0,
         pg(a->pg) | SVE_WIDE | (a->arg & VEC_ARG_SIGNED ? SVE_SIGNED : 0));
}

void trans_a64_z3w(ArmTr *s, const a64_z3w *a)
{
    z_op(s, z_desc(s, a->arg, a->size, a->zd, a->zn, a->zm), 0,
         SVE_WIDE | (a->arg & VEC_ARG_SIGNED ? SVE_SIGNED : 0));
}

void trans_a64_z_fimm(ArmTr *s, const a64_z_fimm *a)
{
    /* 0.5 or 1; 0.5 or 2; 0 or 1 */
    static const uint8_t imm8[3][2] = {{0x60, 0x70}, {0x60, 0x00}, {0x00, 0x70}};
    int kind = simd_imm(a->arg);
    uint64_t v = kind == 2 && !a->i ? 0 : fp_expand_imm((FpFmt)a->size, imm8[kind][a->i]);
    bool swap = a->arg & VEC_ARG_REV;
    VecDesc x = z_desc(s, a->arg, a->size, a->zdn, a->zdn, a->zdn);
    x.msrc = MSRC_IMM;
    if (swap) { /* imm - x is -x + imm, but for the sign of zero and NaNs: the constant has to be the first source */
        x.nsel = SEL_SWAP;
    }
    z_op(s, x, (int64_t)v, pg(a->pg));
}

void trans_a64_z_fcadd(ArmTr *s, const a64_z_fcadd *a)
{
    z_op(s, z_desc(s, VEC_FCADD, a->size, a->zdn, a->zdn, a->zm), a->rot, pg(a->pg));
}

void trans_a64_z_mla(ArmTr *s, const a64_z_mla *a)
{
    z_op(s, z_desc(s, a->arg, a->size, a->zda, a->zn, a->zm), 0, pg(a->pg));
}

void trans_a64_z_mad(ArmTr *s, const a64_z_mad *a)
{
    VecDesc x = z_desc(s, a->arg, a->size, a->zdn, a->zdn, a->zm);
    x.a = a->za & 31;
    z_op(s, x, 0, pg(a->pg));
}

void trans_a64_z_fcmla(ArmTr *s, const a64_z_fcmla *a)
{
    z_op(s, z_desc(s, VEC_FCMLA, a->size, a->zda, a->zn, a->zm), a->rot, pg(a->pg));
}

void trans_a64_z_un(ArmTr *s, const a64_z_un *a)
{
    z_op(s, z_desc(s, a->arg, a->size, a->zd, a->zn, a->zn), simd_imm(a->arg), pg(a->pg));
}

void trans_a64_z_cvt(ArmTr *s, const a64_z_cvt *a)
{
    z_op(s, z_desc(s, a->arg, (unsigned)sve_esz(a->arg), a->zd, a->zn, a->zn), simd_imm(a->arg), pg(a->pg));
}

void trans_a64_z_cvtnt(ArmTr *s, const a64_z_cvtnt *a)
{
    VecDesc x = z_desc(s, a->arg, (unsigned)sve_esz(a->arg), a->zd, a->zn, a->zn);
    x.out = OUT_TOP;
    z_op(s, x, 0, pg(a->pg));
}

void trans_a64_z_cvtlt(ArmTr *s, const a64_z_cvtlt *a)
{
    VecDesc x = z_desc(s, a->arg, (unsigned)sve_esz(a->arg), a->zd, a->zn, a->zn);
    x.nsel = SEL_EXT | SEL_ODD;
    z_op(s, x, 0, pg(a->pg));
}

void trans_a64_z_adalp(ArmTr *s, const a64_z_adalp *a)
{
    unsigned ext = SEL_EXT | (a->u ? 0 : SEL_SIGNED);
    VecDesc x = z_desc(s, VEC_ADDA, a->size, a->zda, a->zn, a->zn);
    x.nsel = (ext | SEL_EVEN) & 15;
    x.msel = (ext | SEL_ODD) & 15;
    z_op(s, x, 0, pg(a->pg));
}

void trans_a64_z_histcnt(ArmTr *s, const a64_z_histcnt *a)
{
    z_op(s, z_desc(s, VEC_HISTCNT, a->size, a->zd, a->zn, a->zm), 0, SVE_ZEROING | a->pg);
}

void trans_a64_z_movprfx(ArmTr *s, const a64_z_movprfx *a)
{
    z_op(s, z_desc(s, VEC_MOV, a->size, a->zd, a->zn, a->zn), 0, a->m ? pg(a->pg) : SVE_ZEROING | a->pg);
}

/* ---- shifts by immediate: tszh:tszl says the lane's size by its highest bit ---- */

static bool shift(uint32_t tsz, uint32_t imm3, bool left, unsigned *esz, int *count)
{
    if (!tsz) {
        return false;
    }
    *esz = 31 - (unsigned)__builtin_clz(tsz);
    int bits = 8 << *esz, imm = (int)(tsz << 3 | imm3);
    *count = left ? imm - bits : 2 * bits - imm;
    return true;
}

void trans_a64_z_shp(ArmTr *s, const a64_z_shp *a)
{
    unsigned esz;
    int count;
    if (!shift(a->tszh << 2 | a->tszl, a->imm3, a->arg & VEC_ARG_LEFT, &esz, &count)) {
        tr_undef(s);
    } else {
        z_op(s, z_desc(s, a->arg, esz, a->zdn, a->zdn, a->zdn), count, pg(a->pg));
    }
}

void trans_a64_z_sh(ArmTr *s, const a64_z_sh *a)
{
    unsigned esz;
    int count;
    if (!shift(a->tszh << 2 | a->tszl, a->imm3, a->arg & VEC_ARG_LEFT, &esz, &count)) {
        tr_undef(s);
    } else {
        z_op(s, z_desc(s, a->arg, esz, a->zd, a->zn, a->zn), count, 0);
    }
}

void trans_a64_z_xar(ArmTr *s, const a64_z_xar *a)
{
    unsigned esz;
    int count;
    if (!shift(a->tszh << 2 | a->tszl, a->imm3, false, &esz, &count)) {
        tr_undef(s);
    } else {
        z_op(s, z_desc(s, VEC_XAR, esz, a->zdn, a->zdn, a->zm), count, 0);
    }
}

void trans_a64_z_shll(ArmTr *s, const a64_z_shll *a)
{
    unsigned esz;
    int count;
    if (!shift(a->tszh << 2 | a->tszl, a->imm3, true, &esz, &count)) {
        tr_undef(s);
        return;
    }
    VecDesc x = z_desc(s, VEC_SHL, esz + 1, a->zd, a->zn, a->zn);
    x.nsel = (SEL_EXT | (a->u ? 0 : SEL_SIGNED) | (a->t ? SEL_ODD : SEL_EVEN)) & 15;
    z_op(s, x, count, 0);
}

static void narrow(ArmTr *s, VecDesc x, int64_t imm, unsigned top)
{
    x.out = top ? OUT_TOP : OUT_BOTTOM;
    z_op(s, x, imm, 0);
}

void trans_a64_z_shrn(ArmTr *s, const a64_z_shrn *a)
{
    unsigned esz;
    int count;
    if (!shift(a->tszh << 2 | a->tszl, a->imm3, false, &esz, &count)) {
        tr_undef(s);
    } else {
        narrow(s, z_desc(s, a->arg, esz + 1, a->zd, a->zn, a->zn), count, a->t);
    }
}

void trans_a64_z_xtn(ArmTr *s, const a64_z_xtn *a)
{
    unsigned esz, tsz = a->tszh << 2 | a->tszl;
    int count;
    if ((tsz & (tsz - 1)) || !shift(tsz, 0, false, &esz, &count)) {
        tr_undef(s);
    } else {
        narrow(s, z_desc(s, a->arg, esz + 1, a->zd, a->zn, a->zn), 0, a->t);
    }
}

/* ---- unpredicated ---- */

void trans_a64_z3(ArmTr *s, const a64_z3 *a)
{
    z_op(s, z_desc(s, a->arg, a->size, a->zd, a->zn, a->zm), 0, 0);
}

void trans_a64_z3x(ArmTr *s, const a64_z3x *a)
{
    z_op(s, z_desc(s, a->arg, (unsigned)sve_esz(a->arg), a->zd, a->zn, a->zm), simd_imm(a->arg), 0);
}

void trans_a64_z2(ArmTr *s, const a64_z2 *a)
{
    z_op(s, z_desc(s, a->arg, VEC_ARG_OP(a->arg) == VEC_MOV ? 3 : a->size, a->zd, a->zn, a->zn), 0, 0);
}

void trans_a64_z_logic(ArmTr *s, const a64_z_logic *a)
{
    z_op(s, z_desc(s, a->arg, 3, a->zd, a->zn, a->zm), 0, 0);
}

void trans_a64_z_ternary(ArmTr *s, const a64_z_ternary *a)
{
    VecDesc x = z_desc(s, a->arg, 3, a->zdn, a->zdn, a->zm);
    x.a = a->zk & 31;
    z_op(s, x, 0, 0);
}

void trans_a64_z_ftmad(ArmTr *s, const a64_z_ftmad *a)
{
    z_op(s, z_desc(s, VEC_FTMAD, a->size, a->zdn, a->zdn, a->zm), a->imm3, 0);
}

/* In every 256 bits: what does not fill them becomes zero. */
void trans_a64_z_fmmla_d(ArmTr *s, const a64_z_fmmla_d *a)
{
    VecDesc x = z_desc(s, VEC_FMMLA, 3, a->zd, a->zn, a->zm);
    if (sve_vl(s) < 32) {
        tr_undef(s);
    } else {
        z_op(s, x, 0, 0);
    }
}

void trans_a64_z_crypto2(ArmTr *s, const a64_z_crypto2 *a)
{
    z_op(s, z_desc(s, a->arg, 3, a->zdn, a->zm, a->zm), 0, 0);
}

void trans_a64_z_crypto1(ArmTr *s, const a64_z_crypto1 *a)
{
    z_op(s, z_desc(s, a->arg, 3, a->zdn, a->zdn, a->zdn), 0, 0);
}

void trans_a64_z_cadd(ArmTr *s, const a64_z_cadd *a)
{
    z_op(s, z_desc(s, a->arg, a->size, a->zdn, a->zdn, a->zm), a->rot, 0);
}

void trans_a64_z_rot(ArmTr *s, const a64_z_rot *a)
{
    z_op(s, z_desc(s, a->arg, a->size, a->zd, a->zn, a->zm), a->rot, 0);
}

void trans_a64_z_adcl(ArmTr *s, const a64_z_adcl *a)
{
    z_op(s, z_desc(s, VEC_ADCLB, 2 + a->sz, a->zd, a->zn, a->zm), a->t | a->sub << 1, 0);
}

void trans_a64_z_eorbt(ArmTr *s, const a64_z_eorbt *a)
{
    z_op(s, z_desc(s, VEC_EORBT, a->size, a->zd, a->zn, a->zm), a->tb, 0);
}

/* ---- widening, narrowing ---- */

static unsigned every_second(int arg, bool odd)
{
    return (SEL_EXT | (arg & VEC_ARG_SIGNED ? SEL_SIGNED : 0) | (odd ? SEL_ODD : SEL_EVEN)) & 15;
}

void trans_a64_zl(ArmTr *s, const a64_zl *a)
{
    VecDesc x = z_desc(s, a->arg, a->size, a->zd, a->zn, a->zm);
    x.msel = every_second(a->arg, a->t) & 15;
    x.nsel = a->arg & VEC_ARG_WIDE ? SEL_NONE : x.msel;
    z_op(s, x, 0, 0);
}

/* arg's immediate: bit 0: odd lanes of n, bit 1: of m. */
void trans_a64_zlbt(ArmTr *s, const a64_zlbt *a)
{
    VecDesc x = z_desc(s, a->arg, a->size, a->zd, a->zn, a->zm);
    x.nsel = every_second(a->arg, simd_imm(a->arg) & 1) & 15;
    x.msel = every_second(a->arg, simd_imm(a->arg) & 2) & 15;
    z_op(s, x, 0, 0);
}

void trans_a64_z_pmull128(ArmTr *s, const a64_z_pmull128 *a)
{
    z_op(s, z_desc(s, VEC_PMULL64, 3, a->zd, a->zn, a->zm), a->t ? 3 : 0, 0);
}

void trans_a64_z_hn(ArmTr *s, const a64_z_hn *a)
{
    narrow(s, z_desc(s, a->arg, a->size, a->zd, a->zn, a->zm), 0, a->t);
}

void trans_a64_z_fml(ArmTr *s, const a64_z_fml *a)
{
    VecDesc x = z_desc(s, a->arg, 2, a->zd, a->zn, a->zm);
    x.nsel = x.msel = every_second(0, a->t) & 15;
    z_op(s, x, 0, 0);
}

/* ---- by element (of every 128 bits) ---- */

static VecDesc by_element(ArmTr *s, int arg, unsigned iesz, unsigned index, unsigned d, unsigned n, unsigned m)
{
    VecDesc x = z_desc(s, arg, (unsigned)sve_esz(arg), d, n, m);
    x.msrc = MSRC_ELEM;
    x.iesz = iesz & 7;
    x.index = index & 15;
    return x;
}

void trans_a64_zx(ArmTr *s, const a64_zx *a)
{
    z_op(s, by_element(s, a->arg, (unsigned)sve_esz(a->arg), a->i, a->zd, a->zn, a->zm), 0, 0);
}

void trans_a64_zxl(ArmTr *s, const a64_zxl *a)
{
    VecDesc x = by_element(s, a->arg, (unsigned)sve_esz(a->arg) - 1, a->i, a->zd, a->zn, a->zm);
    x.nsel = every_second(a->arg, a->t) & 15;
    x.msel = every_second(a->arg, false) & 15;
    z_op(s, x, 0, 0);
}

void trans_a64_zxr(ArmTr *s, const a64_zxr *a)
{
    z_op(s, by_element(s, a->arg, (unsigned)simd_imm(a->arg), a->i, a->zd, a->zn, a->zm), a->rot, 0);
}

/* ---- comparisons: to a predicate ---- */

void trans_a64_z_cmp(ArmTr *s, const a64_z_cmp *a)
{
    z_op_flags(s, z_desc(s, a->arg, a->size, a->pd, a->zn, a->zm), 0, SVE_TO_PRED | a->pg);
}

void trans_a64_z_cmpw(ArmTr *s, const a64_z_cmpw *a)
{
    z_op_flags(s, z_desc(s, a->arg, a->size, a->pd, a->zn, a->zm), 0,
               SVE_TO_PRED | SVE_WIDE | (a->arg & VEC_ARG_SIGNED ? SVE_SIGNED : 0) | a->pg);
}

void trans_a64_z_cmpi(ArmTr *s, const a64_z_cmpi *a)
{
    VecDesc x = z_desc(s, a->arg, a->size, a->pd, a->zn, 0);
    x.msrc = MSRC_IMM;
    z_op_flags(s, x, a->arg & VEC_ARG_SIGNED ? a64_signed(a->imm, 5) : a->imm, SVE_TO_PRED | a->pg);
}

void trans_a64_z_fcmp(ArmTr *s, const a64_z_fcmp *a)
{
    z_op(s, z_desc(s, a->arg, a->size, a->pd, a->zn, a->zm), 0, SVE_TO_PRED | a->pg);
}

void trans_a64_z_match(ArmTr *s, const a64_z_match *a)
{
    z_op_flags(s, z_desc(s, VEC_MATCH, a->size, a->pd, a->zn, a->zm), a->n, SVE_TO_PRED | a->pg);
}

/* ---- reductions ---- */

static uint64_t identity(unsigned op, unsigned esz)
{
    uint64_t all = ~0ull >> (64 - (8u << esz)), sign = 1ull << ((8u << esz) - 1);
    FpFmt f = (FpFmt)esz;
    uint64_t infinity = esz == 3 ? 0x7ff0000000000000ull : esz == 2 ? 0x7f800000 : 0x7c00;
    switch (op) {
    case VEC_SMAX: return sign;
    case VEC_SMIN: return all >> 1;
    case VEC_UMIN:
    case VEC_AND: return all;
    case VEC_FMAX: return fp_neg(f, infinity);
    case VEC_FMIN: return infinity;
    case VEC_FMAXNM:
    case VEC_FMINNM: return fp_default_nan(f);
    default: return 0;
    }
}

void trans_a64_z_reduce(ArmTr *s, const a64_z_reduce *a)
{
    if (tr_sve_access(s)) {
        VecDesc x = z_desc(s, a->arg, a->size, a->vd, a->zn, a->zn);
        tr_call_void(s, HELPER_sve_reduce, tr_const(s, (int64_t)x.word),
                     tr_const(s, (int64_t)identity(x.op, x.esz)), tr_const(s, a->pg));
    }
}

void trans_a64_z_addv(ArmTr *s, const a64_z_addv *a)
{
    if (tr_sve_access(s)) {
        VecDesc x = z_desc(s, 0, a->size, a->vd, a->zn, a->zn);
        tr_call_void(s, HELPER_sve_addv, tr_const(s, (int64_t)x.word), tr_const(s, a->arg), tr_const(s, a->pg));
    }
}

void trans_a64_z_fadda(ArmTr *s, const a64_z_fadda *a)
{
    if (tr_sve_access(s)) {
        VecDesc x = z_desc(s, 0, a->size, a->vdn, a->zm, a->zm);
        tr_call_void(s, HELPER_sve_fadda, tr_const(s, (int64_t)x.word), IR_NONE, tr_const(s, a->pg));
    }
}
