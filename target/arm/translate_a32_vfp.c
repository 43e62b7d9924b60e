/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A32 and T32 floating point (rows of a32_vfp.tbl). S<n>, D<n> are parts of V<n / 4>, V<n / 2>. NZCV of FPSCR are in
 * s.fpsr. Short vectors (FPSCR.Len), which Armv8 does not have, are UNDEFINED.
 */
#include "target/arm/fp_ops.h"
#include "target/arm/system.h"
#include "target/arm/translate_a32.h"
#include "target/arm/translate_a32_vfp.h"

/* Register number out of the four bits and the one of its own. Rows name formats by `size`, which are the numbers of FpFmt. */
static unsigned reg(FpFmt f, unsigned v, unsigned x)
{
    return f == FP_D ? x << 4 | v : v << 1 | x;
}

static IrVal get(ArmTr *s, FpFmt f, unsigned n)
{
    return tr_ldenv(s, (IrWidth)f, vfp_env(f, n));
}

/* A half leaves the upper half of S<n> zero. */
static void set(ArmTr *s, FpFmt f, unsigned n, IrVal v)
{
    tr_stenv(s, f == FP_D ? W64 : W32, vfp_env(f, n), v);
}

/* Syndrome of EC 7: Hyp mode is told of the coprocessor, or that Advanced SIMD alone is trapped (G8.2.73, HSR). */
static uint32_t access_syndrome(const ArmTr *s, bool simd)
{
    uint32_t cv = 1u << 24 | (aa32_condition(s) & 15) << 20;
    return arm_syndrome(EC_FP, s->config->aarch64 ? cv : cv | (simd ? 1u << 5 : 10));
}

bool aa32_fp_enabled(ArmTr *s)
{
    int el = (int)(s->mode >> MODE_FP_EL_SHIFT) & 3;
    if (el) {
        tr_exception_el(s, access_syndrome(s, false), el, s->pc);
        return false;
    }
    if (!(s->mode & MODE_VFP_EN)) {
        tr_undef(s);
        return false;
    }
    return true;
}

bool aa32_simd_enabled(ArmTr *s)
{
    if (s->mode & MODE_ASE_UNDEF) {
        tr_undef(s);
        return false;
    }
    if (!aa32_fp_enabled(s)) {
        return false;
    }
    if (s->mode & MODE_ASE_HYP) {
        tr_exception_el(s, access_syndrome(s, true), 2, s->pc);
        return false;
    }
    return true;
}

/* Usable, of this format, with these registers? Else the exception is made. Registers of double precision: n. */
static bool usable(ArmTr *s, FpFmt f, unsigned d, unsigned n, unsigned m)
{
    if (f == FP_H && !arm_has(s->config, ARM_FEAT_FP16)) {
        tr_undef(s);
        return false;
    }
    if (f == FP_D && ((d | n | m) & 16) && !arm_has(s->config, ARM_FEAT_D32)) {
        tr_undef(s);
        return false;
    }
    if (s->mode >> MODE_VFP_LEN_SHIFT & 7) {
        tr_undef(s);
        return false;
    }
    return aa32_fp_enabled(s);
}

static IrVal negated(ArmTr *s, FpFmt f, IrVal v, bool yes)
{
    if (!yes) {
        return v;
    }
    IrVal r = tr_temp(s);
    ir_alu(s->b, OP_xor, W64, r, v, tr_const(s, (int64_t)fp_sign_bit(f)), 0);
    return r;
}

static IrVal op2(ArmTr *s, unsigned op, FpFmt f, IrVal a, IrVal b)
{
    return tr_call(s, HELPER_fp2, a, b, tr_const(s, fp_op_word(op, f)));
}

#define REGS3 \
    FpFmt f = (FpFmt)a->size; \
    unsigned d = reg(f, a->Vd, a->D), n = reg(f, a->Vn, a->N), m = reg(f, a->Vm, a->M); \
    if (!usable(s, f, d, n, m)) { \
        return; \
    }
#define REGS2 \
    FpFmt f = (FpFmt)a->size; \
    unsigned d = reg(f, a->Vd, a->D), m = reg(f, a->Vm, a->M); \
    if (!usable(s, f, d, 0, m)) { \
        return; \
    }

/* ---- arithmetic ---- */

void trans_a32_fp2(ArmTr *s, const a32_fp2 *a)
{
    REGS3
    if (!vfp_fast2(s, f, (FpOp2)a->arg, d, n, m)) {
        set(s, f, d, op2(s, (unsigned)a->arg, f, get(s, f, n), get(s, f, m)));
    }
}

static void op1(ArmTr *s, unsigned op, FpFmt f, unsigned d, unsigned m)
{
    if (!vfp_fast1(s, f, (FpOp1)op, d, m)) {
        set(s, f, d, tr_call(s, HELPER_fp1, get(s, f, m), tr_const(s, fp_op_word(op, f)), IR_NONE));
    }
}

void trans_a32_fp1(ArmTr *s, const a32_fp1 *a)
{
    REGS2
    op1(s, (unsigned)a->arg, f, d, m);
}

static void multiply_add(ArmTr *s, FpFmt f, bool negate_d, bool negate_product, unsigned d, unsigned n, unsigned m)
{
    if (!vfp_fast_mla(s, f, negate_d, negate_product, d, n, m)) {
        IrVal p = negated(s, f, op2(s, FP2_MUL, f, get(s, f, n), get(s, f, m)), negate_product);
        set(s, f, d, op2(s, FP2_ADD, f, negated(s, f, get(s, f, d), negate_d), p));
    }
}

/* VMLA: d + n * m, VMLS: d - n * m, each rounded twice. */
void trans_a32_vmla(ArmTr *s, const a32_vmla *a)
{
    REGS3
    multiply_add(s, f, false, a->op, d, n, m);
}

/* VNMLS (op 0): -d + n * m, VNMLA: -d - n * m. */
void trans_a32_vnmla(ArmTr *s, const a32_vnmla *a)
{
    REGS3
    multiply_add(s, f, true, a->op, d, n, m);
}

/* arg: d is negated; op: n is (VFNMS is arg 1, op 0: -d + n * m). */
void trans_a32_vfma(ArmTr *s, const a32_vfma *a)
{
    static const uint16_t helper[4] = {
        [FP_H] = HELPER_fp_muladd_h, [FP_S] = HELPER_fp_muladd_s, [FP_D] = HELPER_fp_muladd_d};
    REGS3
    if (vfp_fast_fma(s, f, a->arg, a->op, d, n, m)) {
        return;
    }
    IrVal addend = negated(s, f, get(s, f, d), a->arg), x = negated(s, f, get(s, f, n), a->op);
    set(s, f, d, tr_call(s, helper[f], addend, x, get(s, f, m)));
}

void trans_a32_vrint_rm(ArmTr *s, const a32_vrint_rm *a)
{
    static const uint8_t op[4] = {FP1_RINTA, FP1_RINTN, FP1_RINTP, FP1_RINTM};
    REGS2
    op1(s, op[a->rm], f, d, m);
}

/* ---- moves ---- */

void trans_a32_vmov_imm(ArmTr *s, const a32_vmov_imm *a)
{
    FpFmt f = (FpFmt)a->size;
    unsigned d = reg(f, a->Vd, a->D);
    if (usable(s, f, d, 0, 0)) {
        set(s, f, d, tr_const(s, (int64_t)fp_expand_imm(f, (uint8_t)a->imm8)));
    }
}

void trans_a32_vmov(ArmTr *s, const a32_vmov *a)
{
    REGS2
    set(s, f, d, get(s, f, m));
}

void trans_a32_vneg(ArmTr *s, const a32_vneg *a)
{
    REGS2
    set(s, f, d, negated(s, f, get(s, f, m), true));
}

void trans_a32_vabs(ArmTr *s, const a32_vabs *a)
{
    REGS2
    IrVal r = tr_temp(s);
    ir_alu(s->b, OP_and, W64, r, get(s, f, m), tr_const(s, (int64_t)(fp_sign_bit(f) - 1)), 0);
    set(s, f, d, r);
}

/* cc: EQ, VS, GE, GT. */
void trans_a32_vsel(ArmTr *s, const a32_vsel *a)
{
    static const uint8_t cond[4] = {0, 6, 10, 12};
    REGS3
    IrVal r = tr_temp(s), x = get(s, f, n), y = get(s, f, m);
    ir_emit(s->b, OP_cmov, W64, r, y, x)->cc = (uint8_t)tr_cond(cond[a->cc]);
    set(s, f, d, r);
}

void trans_a32_vmovx(ArmTr *s, const a32_vmovx *a)
{
    unsigned d = reg(FP_S, a->Vd, a->D), m = reg(FP_S, a->Vm, a->M);
    if (usable(s, FP_H, d, 0, m)) {
        IrVal t = tr_temp(s);
        ir_alui(s->b, OP_shr, W32, t, get(s, FP_S, m), 16, 0);
        set(s, FP_S, d, t);
    }
}

void trans_a32_vins(ArmTr *s, const a32_vins *a)
{
    unsigned d = reg(FP_S, a->Vd, a->D), m = reg(FP_S, a->Vm, a->M);
    if (usable(s, FP_H, d, 0, m)) {
        tr_stenv(s, W16, vfp_env(FP_S, d) + 2, get(s, FP_H, m));
    }
}

/* ---- comparison: to FPSCR's own flags ---- */

/* m < 0: with zero. */
static void compare(ArmTr *s, FpFmt f, unsigned d, int m, bool signal_all)
{
    if (!vfp_fast_compare(s, f, d, m, signal_all)) {
        IrVal y = m < 0 ? tr_const(s, 0) : get(s, f, (unsigned)m);
        tr_call_void(s, HELPER_a32_vcmp, get(s, f, d), y, tr_const(s, (int64_t)signal_all << 8 | f));
    }
}

void trans_a32_vcmp(ArmTr *s, const a32_vcmp *a)
{
    REGS2
    compare(s, f, d, (int)m, a->E);
}

void trans_a32_vcmp0(ArmTr *s, const a32_vcmp0 *a)
{
    FpFmt f = (FpFmt)a->size;
    unsigned d = reg(f, a->Vd, a->D);
    if (usable(s, f, d, 0, 0)) {
        compare(s, f, d, -1, a->E);
    }
}

/* ---- conversion ---- */

static IrVal converted(ArmTr *s, FpFmt to, FpFmt from, IrVal v)
{
    return tr_call(s, HELPER_fp_convert, v, tr_const(s, to), tr_const(s, from));
}

void trans_a32_vcvt_ds(ArmTr *s, const a32_vcvt_ds *a)
{
    FpFmt from = a->sz ? FP_D : FP_S, to = a->sz ? FP_S : FP_D;
    unsigned d = reg(to, a->Vd, a->D), m = reg(from, a->Vm, a->M);
    if (usable(s, FP_D, to == FP_D ? d : 0, 0, from == FP_D ? m : 0) && !vfp_fast_convert(s, to, from, d, m)) {
        set(s, to, d, converted(s, to, from, get(s, from, m)));
    }
}

void trans_a32_vcvt_from_h(ArmTr *s, const a32_vcvt_from_h *a)
{
    FpFmt to = a->sz ? FP_D : FP_S;
    unsigned d = reg(to, a->Vd, a->D), m = reg(FP_S, a->Vm, a->M);
    if (usable(s, to, to == FP_D ? d : 0, 0, 0)) {
        set(s, to, d, converted(s, to, FP_H, tr_ldenv(s, W16, vfp_env(FP_S, m) + 2 * a->T)));
    }
}

static void to_half(ArmTr *s, unsigned d, bool top, FpFmt to, FpFmt from, unsigned m)
{
    if (usable(s, from, 0, 0, from == FP_D ? m : 0)) {
        tr_stenv(s, W16, vfp_env(FP_S, d) + 2 * top, converted(s, to, from, get(s, from, m)));
    }
}

void trans_a32_vcvt_to_h(ArmTr *s, const a32_vcvt_to_h *a)
{
    FpFmt from = a->sz ? FP_D : FP_S;
    to_half(s, reg(FP_S, a->Vd, a->D), a->T, FP_H, from, reg(from, a->Vm, a->M));
}

void trans_a32_vcvt_to_bf(ArmTr *s, const a32_vcvt_to_bf *a)
{
    to_half(s, reg(FP_S, a->Vd, a->D), a->T, FP_BF, FP_S, reg(FP_S, a->Vm, a->M));
}

void trans_a32_vcvt_from_int(ArmTr *s, const a32_vcvt_from_int *a)
{
    FpFmt f = (FpFmt)a->size;
    unsigned d = reg(f, a->Vd, a->D), m = reg(FP_S, a->Vm, a->M);
    if (usable(s, f, d, 0, 0)) {
        FpIntConversion k = {.fmt = f, .is_unsigned = !a->sign, .bits = 32};
        if (!vfp_fast_from_int(s, k, d, m)) {
            set(s, f, d, tr_call(s, HELPER_fp_from_int, get(s, FP_S, m), tr_const(s, (int64_t)k.word), IR_NONE));
        }
    }
}

static void to_int(ArmTr *s, FpFmt f, unsigned vd, unsigned vm, bool sign, FpRound rm, bool current)
{
    if (!usable(s, f, 0, 0, f == FP_D ? vm : 0)) {
        return;
    }
    FpIntConversion k = {.fmt = f, .is_unsigned = !sign, .bits = 32};
    IrVal r = tr_temp(s);
    k.rm = current ? s->mode >> MODE_FP_RM_SHIFT & 3 : rm;
    if (vfp_fast_to_int(s, k, r, vm)) {
        set(s, FP_S, vd, r);
        return;
    }
    IrVal v = get(s, f, vm);
    r = current ? tr_call(s, HELPER_a32_to_int, v, tr_const(s, (int64_t)k.word), IR_NONE)
                      : tr_call(s, HELPER_fp_to_int, v, tr_const(s, (int64_t)k.word), IR_NONE);
    set(s, FP_S, vd, r);
}

void trans_a32_vcvt_to_int(ArmTr *s, const a32_vcvt_to_int *a)
{
    FpFmt f = (FpFmt)a->size;
    to_int(s, f, reg(FP_S, a->Vd, a->D), reg(f, a->Vm, a->M), a->sign, FP_RZ, !a->rz);
}

void trans_a32_vcvt_rm(ArmTr *s, const a32_vcvt_rm *a)
{
    static const uint8_t rm[4] = {FP_RA, FP_RN, FP_RP, FP_RM};
    FpFmt f = (FpFmt)a->size;
    to_int(s, f, reg(FP_S, a->Vd, a->D), reg(f, a->Vm, a->M), a->sign, (FpRound)rm[a->rm], false);
}

/* In place, of 16 or 32 bits; the number of fraction bits is what is left of those. */
void trans_a32_vcvt_fixed(ArmTr *s, const a32_vcvt_fixed *a)
{
    FpFmt f = (FpFmt)a->size;
    unsigned d = reg(f, a->Vd, a->D), bits = a->sx ? 32 : 16, imm = a->Vm << 1 | a->M;
    if (imm > bits) {
        tr_undef(s);
        return;
    }
    if (!usable(s, f, d, 0, 0)) {
        return;
    }
    FpIntConversion k = {.fmt = f, .rm = FP_RZ, .is_unsigned = a->U, .fbits = bits - imm, .bits = bits};
    IrVal word = tr_const(s, (int64_t)k.word), v = get(s, f == FP_H && !a->to ? FP_S : f, d);
    if (!a->to) {
        set(s, f, d, tr_call(s, HELPER_a32_from_fixed, v, word, IR_NONE));
        return;
    }
    /* the integer, extended to the register */
    IrVal r = tr_call(s, HELPER_fp_to_int, v, word, IR_NONE);
    if (!a->U) {
        IrVal x = tr_temp(s);
        ir_emit(s->b, OP_sext, bits == 16 ? W16 : W32, x, r, IR_NONE)->aux = W64;
        r = x;
    }
    set(s, f, d, r);
}

void trans_a32_vjcvt(ArmTr *s, const a32_vjcvt *a)
{
    unsigned m = reg(FP_D, a->Vm, a->M);
    if (usable(s, FP_D, 0, 0, m)) {
        set(s, FP_S, reg(FP_S, a->Vd, a->D), tr_call(s, HELPER_a32_vjcvt, get(s, FP_D, m), IR_NONE, IR_NONE));
    }
}

/* ---- transfers ---- */

static bool no_pc(ArmTr *s, unsigned r, unsigned r2)
{
    if (r == 15 || r2 == 15) {
        tr_undef(s);
        return false;
    }
    return true;
}

void trans_a32_vmov_s(ArmTr *s, const a32_vmov_s *a)
{
    unsigned n = reg(FP_S, a->Vn, a->N);
    if (no_pc(s, a->Rt, 0) && aa32_fp_enabled(s)) {
        if (a->op) {
            ir_mov(s->b, W32, IR_G(a->Rt), get(s, FP_S, n));
        } else {
            set(s, FP_S, n, IR_G(a->Rt));
        }
    }
}

void trans_a32_vmov_h(ArmTr *s, const a32_vmov_h *a)
{
    unsigned n = reg(FP_S, a->Vn, a->N);
    if (no_pc(s, a->Rt, 0) && aa32_fp_enabled(s)) {
        if (a->op) {
            ir_mov(s->b, W32, IR_G(a->Rt), get(s, FP_H, n));
        } else {
            IrVal t = tr_temp(s);
            ir_emit(s->b, OP_zext, W16, t, IR_G(a->Rt), IR_NONE);
            set(s, FP_S, n, t);
        }
    }
}

void trans_a32_vmov_2s(ArmTr *s, const a32_vmov_2s *a)
{
    unsigned m = reg(FP_S, a->Vm, a->M);
    if (m == 31 || !no_pc(s, a->Rt, a->Rt2)) {
        if (m == 31) {
            tr_undef(s);
        }
        return;
    }
    if (!aa32_fp_enabled(s)) {
        return;
    }
    if (a->op) {
        ir_mov(s->b, W32, IR_G(a->Rt), get(s, FP_S, m));
        ir_mov(s->b, W32, IR_G(a->Rt2), get(s, FP_S, m + 1));
    } else {
        set(s, FP_S, m, IR_G(a->Rt));
        set(s, FP_S, m + 1, IR_G(a->Rt2));
    }
}

void trans_a32_vmov_d(ArmTr *s, const a32_vmov_d *a)
{
    unsigned m = reg(FP_D, a->Vm, a->M);
    if (!no_pc(s, a->Rt, a->Rt2) || !usable(s, FP_D, 0, 0, m)) {
        return;
    }
    if (a->op) {
        ir_mov(s->b, W32, IR_G(a->Rt), tr_ldenv(s, W32, vfp_env(FP_D, m)));
        ir_mov(s->b, W32, IR_G(a->Rt2), tr_ldenv(s, W32, vfp_env(FP_D, m) + 4));
    } else {
        tr_stenv(s, W32, vfp_env(FP_D, m), IR_G(a->Rt));
        tr_stenv(s, W32, vfp_env(FP_D, m) + 4, IR_G(a->Rt2));
    }
}

/* ---- system registers: FPSID 0, FPSCR 1, MVFR2 5, MVFR1 6, MVFR0 7, FPEXC 8 ---- */

static void vmrs_fpscr(ArmTr *s, const a32_vmrs *a)
{
    if (!aa32_fp_enabled(s)) {
        return;
    }
    if (!a->L) {
        tr_call_void(s, HELPER_a32_set_fpscr, IR_G(a->Rt), IR_NONE, IR_NONE);
        tr_end_next(s);
        return;
    }
    if (a->Rt == 15) {
        aa32_flags_from(s, tr_ldenv(s, W32, ENV(s.fpsr))); /* NZCV alone */
    } else {
        ir_mov(s->b, W32, IR_G(a->Rt), tr_call(s, HELPER_a32_fpscr, IR_NONE, IR_NONE, IR_NONE));
    }
}

void trans_a32_vmrs(ArmTr *s, const a32_vmrs *a)
{
    bool id = a->reg == 0 || (a->reg >= 5 && a->reg <= 7), user = aa32_mode(s) == ARM_MODE_USR;
    int el = (int)(s->mode >> MODE_FP_EL_SHIFT) & 3;
    if (a->reg == 1) {
        if (a->Rt == 15 && !a->L) {
            tr_undef(s);
        } else {
            vmrs_fpscr(s, a);
        }
        return;
    }
    if ((!id && a->reg != 8) || user || a->Rt == 15 || (id && !a->L && a->reg != 0)) {
        tr_undef(s);
        return;
    }
    if (el) {
        tr_exception_el(s, access_syndrome(s, false), el, s->pc);
        return;
    }
    if (a->L) {
        ir_mov(s->b, W32, IR_G(a->Rt), tr_call(s, HELPER_a32_vmrs, tr_const(s, a->reg), IR_NONE, IR_NONE));
    } else if (a->reg == 8) {
        tr_call_void(s, HELPER_a32_set_fpexc, IR_G(a->Rt), IR_NONE, IR_NONE);
        tr_end_next(s);
    }
}

/* ---- loads and stores ---- */

static void ldst_one(ArmTr *s, FpFmt f, bool is_load, unsigned n, IrVal addr)
{
    if (is_load) {
        set(s, f, n, tr_load(s, (IrWidth)f, addr, s->mmu));
    } else {
        tr_store(s, (IrWidth)f, addr, get(s, f, n), s->mmu);
    }
}

static IrVal plus(ArmTr *s, IrVal addr, int32_t n)
{
    IrVal t = tr_temp(s);
    ir_lea(s->b, W32, t, addr, IR_NONE, 0, n);
    return t;
}

static void vldr(ArmTr *s, const a32_vldm *a, FpFmt f, unsigned d)
{
    int32_t off = (int32_t)(a->imm8 << (f == FP_H ? 1 : 2));
    IrVal base = a->Rn == 15 ? tr_const(s, aa32_pc(s) & ~3u) : IR_G(a->Rn);
    IrVal addr = tr_address(s, plus(s, base, a->U ? off : -off), f == FP_D ? 4 : 1u << f, !a->L, ALIGN_ATOMIC, true);
    ldst_one(s, f, a->L, d, addr);
}

/* All loads come first: a fault leaves the registers as they were. FLDMX (an odd count of words) moves the doubles. */
static void vldm(ArmTr *s, const a32_vldm *a, FpFmt f, unsigned d)
{
    unsigned count = f == FP_D ? a->imm8 / 2 : a->imm8;
    int32_t bytes = (int32_t)a->imm8 * 4;
    IrVal v[32];
    if (count == 0 || d + count > 32 || (f == FP_D && count > 16) || (a->Rn == 15 && (a->W || aa32_thumb(s)))) {
        tr_undef(s);
        return;
    }
    IrVal base = aa32_r(s, a->Rn), addr = tr_address(s, plus(s, base, a->U ? 0 : -bytes), 4, !a->L, ALIGN_ATOMIC, true);
    for (unsigned i = 0; i < count; i++) {
        IrVal here = plus(s, addr, (int32_t)(i << f));
        if (a->L) {
            v[i] = tr_load(s, (IrWidth)f, here, s->mmu);
        } else {
            tr_store(s, (IrWidth)f, here, get(s, f, d + i), s->mmu);
        }
    }
    for (unsigned i = 0; a->L && i < count; i++) {
        set(s, f, d + i, v[i]);
    }
    if (a->W) {
        ir_lea(s->b, W32, IR_G(a->Rn), IR_G(a->Rn), IR_NONE, 0, a->U ? bytes : -bytes);
    }
}

void trans_a32_vldm(ArmTr *s, const a32_vldm *a)
{
    FpFmt f = (FpFmt)a->size;
    unsigned d = reg(f, a->Vd, a->D);
    bool single = a->P && !a->W;
    if ((f == FP_H && !single) || (!single && a->P == a->U)) {
        tr_undef(s);
        return;
    }
    unsigned last = f == FP_D && !single && a->imm8 ? d + a->imm8 / 2 - 1 : d;
    if (f == FP_D && ((d | last) & ~31u)) {
        tr_undef(s);
        return;
    }
    if (f == FP_D && ((d | last) & 16) && !arm_has(s->config, ARM_FEAT_D32)) {
        tr_undef(s);
        return;
    }
    if (f == FP_H && !arm_has(s->config, ARM_FEAT_FP16)) {
        tr_undef(s);
    } else if (aa32_fp_enabled(s)) {
        (single ? vldr : vldm)(s, a, f, d);
    }
}
