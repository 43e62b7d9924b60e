/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A64 branches and exception-generating instructions (C4.1.93).
 */
#include "target/arm/system.h"
#include "target/arm/translate_a64.h"

static uint64_t target(const ArmTr *s, uint32_t imm, unsigned bits)
{
    return s->pc + ((uint64_t)a64_signed(imm, bits) << 2);
}

void trans_a64_b(ArmTr *s, const a64_b *a)
{
    if (a->op) {
        ir_movi(s->b, W64, IR_G(30), (int64_t)s->next);
    }
    tr_end_jmp(s, target(s, a->imm26, 26));
}

void trans_a64_b_cond(ArmTr *s, const a64_b_cond *a)
{
    uint64_t to = target(s, a->imm19, 19);
    if (a->cond >= 14) {
        tr_end_jmp(s, to);
    } else {
        tr_end_jcc(s, tr_cond(a->cond), to);
    }
}

/* To `to` if the low w bits of v are zero (or not: nonzero). A branch back is likely to be taken and gets the way without a jump. */
static void end_if_zero(ArmTr *s, IrWidth w, IrVal v, bool nonzero, uint64_t to)
{
    int l = ir_label_new(s->b);
    bool back = to <= s->pc;
    ir_branch(s->b, nonzero == back ? OP_brz : OP_brnz, w, v, l);
    tr_end_jmp(s, back ? to : s->next);
    ir_label(s->b, l);
    tr_end_jmp(s, back ? s->next : to);
}

void trans_a64_cbz(ArmTr *s, const a64_cbz *a)
{
    uint64_t to = target(s, a->imm19, 19);
    if (a->Rt == 31) {
        tr_end_jmp(s, a->op ? s->next : to);
    } else {
        end_if_zero(s, a64_w(a->sf), IR_G(a->Rt), a->op, to);
    }
}

void trans_a64_tbz(ArmTr *s, const a64_tbz *a)
{
    uint64_t to = target(s, a->imm14, 14);
    unsigned bit = a->b5 << 5 | a->b40;
    if (a->Rt == 31) {
        tr_end_jmp(s, a->op ? s->next : to);
        return;
    }
    IrVal t = tr_temp(s);
    if (bit < 32) {
        ir_alui(s->b, OP_and, W32, t, IR_G(a->Rt), (int32_t)(1u << bit), 0);
    } else {
        ir_alui(s->b, OP_shr, W64, t, IR_G(a->Rt), 32, 0);
        ir_alui(s->b, OP_and, W32, t, t, (int32_t)(1u << (bit - 32)), 0);
    }
    end_if_zero(s, W32, t, a->op, to);
}

static void set_link(ArmTr *s, int kind)
{
    if (kind == 1) {
        ir_movi(s->b, W64, IR_G(30), (int64_t)s->next);
    }
}

/* BTYPE: 2 for calls; 1 for jumps by X16 and X17 or from pages that are not guarded; else 3. */
void a64_indirect_branch(ArmTr *s, IrVal to, unsigned rn, int kind)
{
    if (arm_has(s->config, ARM_FEAT_BTI)) {
        int l = ir_label_new(s->b);
        int btype = kind == 1 ? 2 : rn == 16 || rn == 17 ? 1 : 3;
        ir_branch(s->b, OP_brz, W8, tr_ldenv(s, W8, ENV(guarded)), l);
        tr_call_void(s, HELPER_bti_branch, tr_const(s, btype), IR_NONE, IR_NONE);
        set_link(s, kind);
        tr_end_by_mode(s, to);
        ir_label(s->b, l);
    }
    set_link(s, kind);
    tr_end_ind(s, to, kind);
}

/* BR, BLR, RET by arg. */
void trans_a64_br(ArmTr *s, const a64_br *a)
{
    IrVal to = tr_x(s, a->Rn);
    if (a->arg == 2) {
        tr_end_ind(s, to, 2);
        return;
    }
    if (a->arg == 1 && a->Rn == 30) {
        to = tr_temp(s);
        ir_mov(s->b, W64, to, IR_G(30));
    }
    a64_indirect_branch(s, to, a->Rn, a->arg);
}

void trans_a64_eret(ArmTr *s, const a64_eret *a)
{
    unsigned el = (unsigned)arm_mode_el(s->mode);
    if (el == 0) {
        tr_undef(s);
        return;
    }
    tr_call_void(s, HELPER_eret, tr_ldenv(s, W64, ENV(s.elr) + 8 * (int64_t)el), IR_NONE, IR_NONE);
    tr_end_loop(s);
}

void trans_a64_svc(ArmTr *s, const a64_svc *a)
{
    tr_call_void(s, HELPER_svc, tr_const(s, a->imm16), tr_const(s, (int64_t)s->next), IR_NONE);
    tr_end_loop(s);
}

void trans_a64_hvc(ArmTr *s, const a64_hvc *a)
{
    if (arm_mode_el(s->mode) == 0) {
        tr_undef(s);
        return;
    }
    tr_call_void(s, HELPER_hvc, tr_const(s, a->imm16), tr_const(s, (int64_t)s->next), IR_NONE);
    tr_end_loop(s);
}

void trans_a64_smc(ArmTr *s, const a64_smc *a)
{
    if (arm_mode_el(s->mode) == 0) {
        tr_undef(s);
        return;
    }
    tr_call_void(s, HELPER_smc, tr_const(s, a->imm16), tr_const(s, (int64_t)s->next), IR_NONE);
    tr_end_loop(s);
}

void trans_a64_brk(ArmTr *s, const a64_brk *a)
{
    tr_exception(s, arm_syndrome(EC_BRK, a->imm16));
}

/* Halting debug is not implemented: UNDEFINED but for the semihosting call (Arm semihosting 2.0, 3.2). */
void trans_a64_hlt(ArmTr *s, const a64_hlt *a)
{
    if (a->imm16 != 0xf000 || !tr_semihosting(s)) {
        tr_undef(s);
        return;
    }
    tr_call_void(s, HELPER_semihost, tr_const(s, (int64_t)s->next), IR_NONE, IR_NONE);
    tr_end_loop(s);
}
