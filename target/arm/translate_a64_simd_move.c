/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A64 Advanced SIMD: copies of elements, permutations, immediates.
 */
#include "target/arm/translate_a64_simd.h"
#include "target/arm/translate_vec_fast.h"

/* ---- copies: imm5 says size and index by its lowest set bit ---- */

static bool element(unsigned imm5, unsigned *esz, unsigned *index)
{
    if ((imm5 & 15) == 0) {
        return false;
    }
    *esz = (unsigned)__builtin_ctz(imm5);
    *index = imm5 >> (*esz + 1);
    return true;
}
static int64_t element_env(unsigned reg, unsigned esz, unsigned index)
{
    return ENV_V(reg) + ((int64_t)index << esz);
}

static void duplicate(ArmTr *s, IrVal v, unsigned esz, unsigned q, unsigned rd)
{
    if (vec_host(s, 0)) {
        vec_from_general(s, VX_66 | VX_0F(0x6e) | VX_W, VEC_T0, VEC_T0, v); /* vmovq */
        vec_broadcast(s, simd_len(q), rd, VEC_T0, esz, 0);
        return;
    }
    IrVal r = vec_replicate(s, v, esz);
    tr_stenv(s, W64, ENV_VD(rd, 0), r);
    if (q) {
        tr_stenv(s, W64, ENV_VD(rd, 1), r);
    }
    tr_vec_zero_above(s, rd, simd_len(q));
}

void trans_a64_dup_elem(ArmTr *s, const a64_dup_elem *a)
{
    unsigned esz, index;
    if (!element(a->imm5, &esz, &index) || (esz == 3 && !a->Q)) {
        tr_undef(s);
    } else if (tr_fp_access(s)) {
        if (vec_host(s, 0)) {
            vec_broadcast(s, simd_len(a->Q), a->rd, a->rn, esz, index);
        } else {
            duplicate(s, tr_ldenv(s, (IrWidth)esz, element_env(a->rn, esz, index)), esz, a->Q, a->rd);
        }
    }
}

void trans_a64_sdup_elem(ArmTr *s, const a64_sdup_elem *a)
{
    unsigned esz, index;
    if (!element(a->imm5, &esz, &index)) {
        tr_undef(s);
    } else if (tr_fp_access(s)) {
        vec_set_scalar(s, a->rd, tr_ldenv(s, (IrWidth)esz, element_env(a->rn, esz, index)));
    }
}

void trans_a64_dup_gen(ArmTr *s, const a64_dup_gen *a)
{
    unsigned esz, index;
    if (!element(a->imm5, &esz, &index) || (esz == 3 && !a->Q)) {
        tr_undef(s);
    } else if (tr_fp_access(s)) {
        IrVal v = tr_temp(s);
        ir_emit(s->b, OP_zext, (IrWidth)esz, v, tr_x(s, a->rn), IR_NONE);
        duplicate(s, v, esz, a->Q, a->rd);
    }
}

void trans_a64_smov(ArmTr *s, const a64_smov *a)
{
    unsigned esz, index;
    if (!element(a->imm5, &esz, &index) || esz == 3 || (esz == 2 && !a->Q)) {
        tr_undef(s);
    } else if (tr_fp_access(s)) {
        IrVal v = tr_ldenv(s, (IrWidth)esz, element_env(a->rn, esz, index));
        ir_emit(s->b, OP_sext, (IrWidth)esz, tr_xd(s, a->rd), v, IR_NONE)->aux = a->Q ? W64 : W32;
    }
}

void trans_a64_umov(ArmTr *s, const a64_umov *a)
{
    unsigned esz, index;
    if (!element(a->imm5, &esz, &index) || (esz == 3) != (a->Q == 1)) {
        tr_undef(s);
    } else if (tr_fp_access(s)) {
        ir_mov(s->b, W64, tr_xd(s, a->rd), tr_ldenv(s, (IrWidth)esz, element_env(a->rn, esz, index)));
    }
}

void trans_a64_ins_gen(ArmTr *s, const a64_ins_gen *a)
{
    unsigned esz, index;
    if (!element(a->imm5, &esz, &index)) {
        tr_undef(s);
    } else if (tr_fp_access(s)) {
        tr_stenv(s, (IrWidth)esz, element_env(a->rd, esz, index), tr_x(s, a->rn));
        tr_vec_zero_above(s, a->rd, 16);
    }
}

void trans_a64_ins_elem(ArmTr *s, const a64_ins_elem *a)
{
    unsigned esz, index;
    if (!element(a->imm5, &esz, &index)) {
        tr_undef(s);
    } else if (tr_fp_access(s)) {
        IrVal v = tr_ldenv(s, (IrWidth)esz, element_env(a->rn, esz, a->imm4 >> esz));
        tr_stenv(s, (IrWidth)esz, element_env(a->rd, esz, index), v);
        tr_vec_zero_above(s, a->rd, 16);
    }
}

/* ---- permutations ---- */

static void permute(ArmTr *s, VecDesc x, unsigned what)
{
    if (tr_fp_access(s) && !vec_fast_permute(s, x, what)) {
        tr_call_void(s, HELPER_simd_permute, tr_const(s, (int64_t)x.word), tr_const(s, what), IR_NONE);
    }
}

void trans_a64_vperm(ArmTr *s, const a64_vperm *a)
{
    if (a->size == 3 && !a->Q) {
        tr_undef(s);
    } else {
        permute(s, simd_desc(0, a->size, simd_len(a->Q), a->rd, a->rn, a->rm), (unsigned)a->arg);
    }
}

void trans_a64_vext(ArmTr *s, const a64_vext *a)
{
    if (a->imm4 >= simd_len(a->Q)) {
        tr_undef(s);
    } else {
        permute(s, simd_desc(0, 0, simd_len(a->Q), a->rd, a->rn, a->rm), VEC_PERM_EXT | a->imm4 << 8);
    }
}

void trans_a64_vtbl(ArmTr *s, const a64_vtbl *a)
{
    permute(s, simd_desc(0, 0, simd_len(a->Q), a->rd, a->rn, a->rm), VEC_PERM_TBL | (a->len | a->tbx << 2) << 8);
}

/* ---- modified immediate ---- */

static void store_imm(ArmTr *s, uint64_t imm, unsigned q, unsigned rd)
{
    if (!tr_fp_access(s)) {
        return;
    }
    if (!q) {
        vec_set_scalar(s, rd, tr_const(s, (int64_t)imm));
    } else if (vec_host(s, 0)) {
        vec_constant(s, rd, 3, imm);
    } else {
        duplicate(s, tr_const(s, (int64_t)imm), 3, q, rd);
    }
}

void trans_a64_vimm(ArmTr *s, const a64_vimm *a)
{
    uint64_t imm = vec_expand_imm(a->op, a->cmode, a->abc << 5 | a->imm);
    bool logic = a->cmode < 12 && a->cmode & 1; /* ORR, BIC */
    if (a->cmode == 15 && a->op && !a->Q) {
        tr_undef(s);
        return;
    }
    if (!logic) {
        store_imm(s, a->op && a->cmode < 14 ? ~imm : imm, a->Q, a->rd);
        return;
    }
    if (!tr_fp_access(s)) {
        return;
    }
    if (vec_host(s, 0)) {
        vec_constant(s, VEC_T1, 3, a->op ? ~imm : imm);
        vec_op3(s, a->op ? PAND : POR, simd_len(a->Q), a->rd, a->rd, VEC_T1);
        return;
    }
    for (unsigned i = 0; i <= a->Q; i++) {
        IrVal r = tr_temp(s);
        ir_alu(s->b, a->op ? OP_and : OP_or, W64, r, tr_ldenv(s, W64, ENV_VD(a->rd, i)),
               tr_const(s, (int64_t)(a->op ? ~imm : imm)), 0);
        tr_stenv(s, W64, ENV_VD(a->rd, i), r);
    }
    tr_vec_zero_above(s, a->rd, simd_len(a->Q));
}

void trans_a64_vimmh(ArmTr *s, const a64_vimmh *a)
{
    store_imm(s, fp_expand_imm(FP_H, (uint8_t)(a->abc << 5 | a->imm)) * 0x0001000100010001ull, a->Q, a->rd);
}
