/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A64 Advanced SIMD by element, and shifts by immediates.
 */
#include "target/arm/translate_a64_simd.h"

/* ---- by element ---- */

/* The element that L, M, H and Rm name for lanes of 1 << esz bytes: m is it, everywhere. */
static void set_element(VecDesc *x, unsigned esz, unsigned h, unsigned l, unsigned m, unsigned rm)
{
    x->msrc = MSRC_ELEM;
    x->iesz = esz & 7;
    if (esz <= 1) {
        x->index = (h << 2 | l << 1 | m) & 15;
        x->m = rm & 15;
    } else {
        x->index = (esz == 2 ? h << 1 | l : h) & 15;
        x->m = (m << 4 | rm) & 31;
    }
}

void trans_a64_velem(ArmTr *s, const a64_velem *a)
{
    VecDesc x = simd_desc(a->arg, a->size, simd_len(a->Q), a->rd, a->rn, 0);
    set_element(&x, a->size, a->H, a->L, a->M, a->rm);
    simd_op(s, x, 0);
}

void trans_a64_selem(ArmTr *s, const a64_selem *a)
{
    VecDesc x = simd_desc(a->arg, a->size, 1u << a->size, a->rd, a->rn, 0);
    set_element(&x, a->size, a->H, a->L, a->M, a->rm);
    simd_op(s, x, 0);
}

void trans_a64_velem_long(ArmTr *s, const a64_velem_long *a)
{
    VecDesc x = simd_desc(a->arg, a->size + 1, 16, a->rd, a->rn, 0);
    bool is_signed = a->arg & VEC_ARG_SIGNED;
    set_element(&x, a->size, a->H, a->L, a->M, a->rm);
    x.nsel = simd_half(is_signed, a->Q) & 15;
    x.msel = simd_half(is_signed, false) & 15;
    simd_op(s, x, 0);
}

void trans_a64_selem_long(ArmTr *s, const a64_selem_long *a)
{
    VecDesc x = simd_desc(a->arg, a->size + 1, 2u << a->size, a->rd, a->rn, 0);
    set_element(&x, a->size, a->H, a->L, a->M, a->rm);
    x.nsel = x.msel = simd_half(true, false) & 15;
    simd_op(s, x, 0);
}

/* Size 0 is half precision, 1 reserved, else single and double. */
static unsigned float_esz(unsigned size)
{
    return size ? size : 1;
}

void trans_a64_velemf(ArmTr *s, const a64_velemf *a)
{
    unsigned esz = float_esz(a->size);
    VecDesc x = simd_desc(a->arg, esz, simd_len(a->Q), a->rd, a->rn, 0);
    if (esz == 3 && (a->L || !a->Q)) {
        tr_undef(s);
        return;
    }
    set_element(&x, esz, a->H, a->L, a->M, a->rm);
    simd_op(s, x, 0);
}

void trans_a64_selemf(ArmTr *s, const a64_selemf *a)
{
    unsigned esz = float_esz(a->size);
    VecDesc x = simd_desc(a->arg, esz, 1u << esz, a->rd, a->rn, 0);
    if (esz == 3 && a->L) {
        tr_undef(s);
        return;
    }
    set_element(&x, esz, a->H, a->L, a->M, a->rm);
    simd_op(s, x, 0);
}

void trans_a64_velem_fml(ArmTr *s, const a64_velem_fml *a)
{
    VecDesc x = simd_desc(a->arg, 2, simd_len(a->Q), a->rd, a->rn, 0);
    set_element(&x, 1, a->H, a->L, a->M, a->rm);
    x.nsel = simd_half(false, a->arg & VEC_ARG_HI) & 15;
    x.msel = simd_half(false, false) & 15;
    simd_op(s, x, 0);
}

/* An element is a group of four bytes (two bfloat16). */
void trans_a64_velem_dot(ArmTr *s, const a64_velem_dot *a)
{
    VecDesc x = simd_desc(a->arg, 2, simd_len(a->Q), a->rd, a->rn, 0);
    set_element(&x, 2, a->H, a->L, a->M, a->rm);
    simd_op(s, x, 0);
}

void trans_a64_velem_bfmlal(ArmTr *s, const a64_velem_bfmlal *a)
{
    VecDesc x = simd_desc(VEC_BFMLAL, 2, 16, a->rd, a->rn, 0);
    set_element(&x, 1, a->H, a->L, a->M, a->rm);
    x.nsel = SEL_EXT | (a->T ? SEL_ODD : SEL_EVEN);
    x.msel = SEL_EXT | SEL_EVEN;
    simd_op(s, x, 0);
}

/* An element is a complex number: two lanes. */
void trans_a64_velem_complex(ArmTr *s, const a64_velem_complex *a)
{
    VecDesc x = simd_desc(VEC_FCMLA, a->size, simd_len(a->Q), a->rd, a->rn, 0);
    unsigned index = a->size == 1 ? a->H << 1 | a->L : a->H;
    if ((a->size == 2 && (a->L || !a->Q)) || (a->size == 1 && ((a->H && !a->Q) || !arm_has(s->config, ARM_FEAT_FP16)))) {
        tr_undef(s);
        return;
    }
    x.msrc = MSRC_ELEM;
    x.iesz = (a->size + 1) & 7;
    x.index = index & 15;
    x.m = (a->M << 4 | a->rm) & 31;
    simd_op(s, x, a->rot);
}

/* ---- shifts by immediate ---- */

/* immh says the lane's size by its highest bit. */
void trans_a64_vshift(ArmTr *s, const a64_vshift *a)
{
    unsigned esz = simd_shift_esz(a->immh);
    if (esz == 3 && !a->Q) {
        tr_undef(s);
        return;
    }
    simd_op(s, simd_desc(a->arg, esz, simd_len(a->Q), a->rd, a->rn, a->rn),
            simd_shift_count(a->immh, a->immb, a->arg & VEC_ARG_LEFT));
}

void trans_a64_sshift(ArmTr *s, const a64_sshift *a)
{
    unsigned esz = simd_shift_esz(a->immh);
    simd_op(s, simd_desc(a->arg, esz, 1u << esz, a->rd, a->rn, a->rn),
            simd_shift_count(a->immh, a->immb, a->arg & VEC_ARG_LEFT));
}

void trans_a64_vshiftn(ArmTr *s, const a64_vshiftn *a)
{
    VecDesc x = simd_desc(a->arg, simd_shift_esz(a->immh) + 1, 16, a->rd, a->rn, a->rn);
    x.out = a->Q ? OUT_HI : OUT_LO;
    simd_op(s, x, simd_shift_count(a->immh, a->immb, false));
}

void trans_a64_sshiftn(ArmTr *s, const a64_sshiftn *a)
{
    unsigned esz = simd_shift_esz(a->immh) + 1;
    VecDesc x = simd_desc(a->arg, esz, 1u << esz, a->rd, a->rn, a->rn);
    x.out = OUT_LO;
    simd_op(s, x, simd_shift_count(a->immh, a->immb, false));
}

void trans_a64_vshll(ArmTr *s, const a64_vshll *a)
{
    VecDesc x = simd_desc(a->arg, simd_shift_esz(a->immh) + 1, 16, a->rd, a->rn, a->rn);
    x.nsel = simd_half(a->arg & VEC_ARG_SIGNED, a->Q) & 15;
    simd_op(s, x, simd_shift_count(a->immh, a->immb, true));
}

/* SCVTF, FCVTZS and so on with fraction bits: vec_ops.def says where they are in the immediate. */
static void fixed_point(ArmTr *s, int arg, unsigned esz, unsigned len, int fbits, unsigned rd, unsigned rn)
{
    bool to_int = VEC_ARG_OP(arg) == VEC_FCVTS || VEC_ARG_OP(arg) == VEC_FCVTU;
    if (esz == 1 && !arm_has(s->config, ARM_FEAT_FP16)) {
        tr_undef(s);
    } else {
        simd_op(s, simd_desc(arg, esz, len, rd, rn, rn), to_int ? fbits << 3 | simd_imm(arg) : fbits);
    }
}

void trans_a64_vfixed(ArmTr *s, const a64_vfixed *a)
{
    unsigned esz = simd_shift_esz(a->immh);
    if (esz == 3 && !a->Q) {
        tr_undef(s);
    } else {
        fixed_point(s, a->arg, esz, simd_len(a->Q), simd_shift_count(a->immh, a->immb, false), a->rd, a->rn);
    }
}

void trans_a64_sfixed(ArmTr *s, const a64_sfixed *a)
{
    unsigned esz = simd_shift_esz(a->immh);
    fixed_point(s, a->arg, esz, 1u << esz, simd_shift_count(a->immh, a->immb, false), a->rd, a->rn);
}
