/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SVE: instructions on predicates.
 */
#include "target/arm/translate_sve.h"

#define FFR 16

static SvePred p_desc(ArmTr *s, unsigned op, unsigned esz, unsigned d, unsigned g, unsigned n, unsigned m)
{
    SvePred x = {.word = 0};
    x.op = op & 0xff;
    x.esz = esz & 3;
    x.d = d & 31;
    x.g = g & 31;
    x.n = n & 31;
    x.m = m & 31;
    x.len = sve_vl(s) & 0x1ff;
    return x;
}

static void p_op(ArmTr *s, SvePred x, bool flags)
{
    if (tr_sve_access(s)) {
        IrVal v = tr_call(s, HELPER_sve_pred, tr_const(s, (int64_t)x.word), IR_NONE, IR_NONE);
        if (flags) {
            sve_set_flags(s, v);
        }
    }
}

void trans_a64_p_logic(ArmTr *s, const a64_p_logic *a)
{
    p_op(s, p_desc(s, (unsigned)a->arg, 0, a->pd, a->pg, a->pn, a->pm), a->s);
}

void trans_a64_p_sel(ArmTr *s, const a64_p_sel *a)
{
    p_op(s, p_desc(s, SVE_PRED_SEL, 0, a->pd, a->pg, a->pn, a->pm), false);
}

void trans_a64_p_brkp(ArmTr *s, const a64_p_brkp *a)
{
    SvePred x = p_desc(s, SVE_PRED_BRKP, 0, a->pd, a->pg, a->pn, a->pm);
    x.imm = a->b & 1;
    p_op(s, x, a->s);
}

void trans_a64_p_brk(ArmTr *s, const a64_p_brk *a)
{
    SvePred x = p_desc(s, SVE_PRED_BRK, 0, a->pd, a->pg, a->pn, 0);
    if (a->m && a->s) {
        tr_undef(s);
        return;
    }
    x.imm = (a->b | a->m << 1) & 7;
    p_op(s, x, a->s);
}

void trans_a64_p_brkn(ArmTr *s, const a64_p_brkn *a)
{
    p_op(s, p_desc(s, SVE_PRED_BRKN, 0, a->pd, a->pg, a->pn, 0), a->s);
}

void trans_a64_p_test(ArmTr *s, const a64_p_test *a)
{
    p_op(s, p_desc(s, SVE_PRED_TEST, 0, 0, a->pg, a->pn, 0), true);
}

void trans_a64_p_first(ArmTr *s, const a64_p_first *a)
{
    p_op(s, p_desc(s, SVE_PRED_FIRST, 0, a->pdn, a->pg, 0, 0), true);
}

void trans_a64_p_next(ArmTr *s, const a64_p_next *a)
{
    p_op(s, p_desc(s, SVE_PRED_NEXT, a->size, a->pdn, a->pg, 0, 0), true);
}

void trans_a64_p_rdffr(ArmTr *s, const a64_p_rdffr *a)
{
    p_op(s, p_desc(s, SVE_PRED_RDFFR, 0, a->pd, a->pg, 0, 0), a->s);
}

void trans_a64_p_perm(ArmTr *s, const a64_p_perm *a)
{
    SvePred x = p_desc(s, (unsigned)a->arg & 0xff, a->size, a->pd, 0, a->pn, a->pm);
    x.imm = (unsigned)a->arg >> 8 & 7;
    p_op(s, x, false);
}

/* ---- moves of whole predicates: 64 bits at a time ---- */

static int64_t env_p(unsigned p, unsigned i)
{
    return ENV(s.p) + (int64_t)(p * sizeof(ArmPred) + 8 * i);
}

static void move(ArmTr *s, unsigned to, unsigned from)
{
    if (tr_sve_access(s)) {
        for (unsigned i = 0; i < sizeof(ArmPred) / 8; i++) {
            tr_stenv(s, W64, env_p(to, i), tr_ldenv(s, W64, env_p(from, i)));
        }
    }
}

void trans_a64_p_rdffr_all(ArmTr *s, const a64_p_rdffr_all *a)
{
    move(s, a->pd, FFR);
}

void trans_a64_p_wrffr(ArmTr *s, const a64_p_wrffr *a)
{
    move(s, FFR, a->pn);
}

static void first_lanes(ArmTr *s, unsigned p, unsigned esz, unsigned lanes)
{
    if (tr_sve_access(s)) {
        tr_call_void(s, HELPER_sve_ptrue, tr_const(s, (int64_t)p_desc(s, 0, esz, p, 0, 0, 0).word), tr_const(s, lanes),
                     IR_NONE);
    }
}

void trans_a64_p_setffr(ArmTr *s, const a64_p_setffr *a)
{
    (void)a;
    first_lanes(s, FFR, 0, sve_vl(s));
}

void trans_a64_p_false(ArmTr *s, const a64_p_false *a)
{
    first_lanes(s, a->pd, 0, 0);
}

void trans_a64_p_true(ArmTr *s, const a64_p_true *a)
{
    unsigned lanes = sve_pattern(s, a->pattern, a->size);
    first_lanes(s, a->pd, a->size, lanes);
    if (a->s && !s->ended) { /* tested by itself: N, or Z and C when no lane is active */
        a64_set_nzcv(s, lanes == 0 ? 6 : 8);
    }
}

/* ---- counts ---- */

static IrVal count(ArmTr *s, unsigned esz, unsigned g, unsigned n)
{
    return tr_call(s, HELPER_sve_cntp, tr_const(s, (int64_t)p_desc(s, 0, esz, 0, g, n, 0).word), IR_NONE, IR_NONE);
}

void trans_a64_p_cnt(ArmTr *s, const a64_p_cnt *a)
{
    if (tr_sve_access(s)) {
        ir_mov(s->b, W64, tr_xd(s, a->rd), count(s, a->size, a->pg, a->pn));
    }
}

void trans_a64_p_inc(ArmTr *s, const a64_p_inc *a)
{
    if (tr_sve_access(s)) {
        ir_alu(s->b, a->dec ? OP_sub : OP_add, W64, tr_xd(s, a->rd), tr_x(s, a->rd), count(s, a->size, a->pm, a->pm), 0);
    }
}

void trans_a64_p_sqinc(ArmTr *s, const a64_p_sqinc *a)
{
    if (tr_sve_access(s)) {
        IrVal n = count(s, a->size, a->pm, a->pm);
        ir_mov(s->b, W64, tr_xd(s, a->rd),
               tr_call(s, HELPER_sve_sat, tr_x(s, a->rd), n, tr_const(s, a->u | !a->sf << 1 | a->dec << 2)));
    }
}

static void add_count(ArmTr *s, int op, unsigned esz, unsigned zd, unsigned pm)
{
    if (tr_sve_access(s)) {
        VecDesc x = z_desc(s, op, esz, zd, zd, 0);
        x.msrc = MSRC_IMM;
        tr_call_void(s, HELPER_sve, tr_const(s, (int64_t)x.word), count(s, esz, pm, pm), tr_const(s, 0));
    }
}

void trans_a64_p_incz(ArmTr *s, const a64_p_incz *a)
{
    add_count(s, a->dec ? VEC_SUB : VEC_ADD, a->size, a->zd, a->pm);
}

void trans_a64_p_sqincz(ArmTr *s, const a64_p_sqincz *a)
{
    add_count(s, a->dec ? (a->u ? VEC_UQSUB : VEC_SQSUB) : a->u ? VEC_UQADD : VEC_SQADD, a->size, a->zd, a->pm);
}

/* ---- loops ---- */

static IrVal operand(ArmTr *s, unsigned r, bool words, bool is_unsigned)
{
    IrVal v = tr_temp(s);
    if (!words) {
        return tr_x(s, r);
    }
    if (is_unsigned) {
        ir_emit(s->b, OP_zext, W32, v, tr_x(s, r), IR_NONE);
    } else {
        ir_emit(s->b, OP_sext, W32, v, tr_x(s, r), IR_NONE)->aux = W64;
    }
    return v;
}

/* arg: upwards (WHILELT and so on), else downwards. */
void trans_a64_p_while(ArmTr *s, const a64_p_while *a)
{
    if (tr_sve_access(s)) {
        SvePred x = p_desc(s, 0, a->size, a->pd, 0, 0, !a->sf);
        x.imm = (a->eq | a->u << 1 | (unsigned)a->arg << 2) & 7;
        IrVal n = operand(s, a->rn, !a->sf, a->u), m = operand(s, a->rm, !a->sf, a->u);
        sve_set_flags(s, tr_call(s, HELPER_sve_while, tr_const(s, (int64_t)x.word), n, m));
    }
}

void trans_a64_p_whilerw(ArmTr *s, const a64_p_whilerw *a)
{
    if (tr_sve_access(s)) {
        SvePred x = p_desc(s, 0, a->size, a->pd, 0, 0, 0);
        x.imm = a->rw & 1;
        sve_set_flags(s, tr_call(s, HELPER_sve_whilewr, tr_const(s, (int64_t)x.word), tr_x(s, a->rn), tr_x(s, a->rm)));
    }
}

/* CTERMEQ, CTERMNE: N = condition, V = !N && !C; Z and C stay. The IR's C is Arm's complement. */
void trans_a64_p_cterm(ArmTr *s, const a64_p_cterm *a)
{
    if (!tr_sve_access(s)) {
        return;
    }
    IrWidth w = a->sf ? W64 : W32;
    IrVal flags = tr_temp(s), diff = tr_temp(s), n = tr_temp(s), v = tr_temp(s);
    ir_emit(s->b, OP_getf, W64, flags, IR_NONE, IR_NONE);
    ir_alu(s->b, OP_xor, w, diff, tr_x(s, a->rn), tr_x(s, a->rm), 0);
    ir_emit(s->b, OP_movnz, W64, n, tr_const(s, !a->ne), tr_const(s, a->ne))->c = diff;
    /* v = (flags & 1) & !n */
    ir_alui(s->b, OP_xor, W64, v, n, 1, 0);
    ir_alu(s->b, OP_and, W64, v, v, flags, 0);
    ir_alui(s->b, OP_shl, W64, v, v, 11, 0);
    ir_alui(s->b, OP_shl, W64, n, n, 7, 0);
    ir_alu(s->b, OP_or, W64, v, v, n, 0);
    ir_emit(s->b, OP_setf, W64, IR_NONE, v, IR_NONE)->fw = FL_S | FL_O;
}
