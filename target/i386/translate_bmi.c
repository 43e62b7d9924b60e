/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BMI1 and BMI2 (SDM vol 2): VEX-encoded instructions on general registers.
 * Their carry is not that of the arithmetic that makes the result, so it is set
 * by a bit test on 0 or 1.
 */
#include "target/i386/translate.h"

/* C = (v != 0) == when, other flags kept. */
static void set_carry(X86Tr *s, IrVal v, bool when)
{
    IrVal no = tr_const(s, !when), yes = tr_const(s, when), c = tr_temp(s);
    ir_emit(s->b, OP_movnz, W64, c, no, yes)->c = v;
    tr_alu(s, OP_bt, W32, IR_NONE, c, (Src){IR_IMM, 0}, FL_C);
}

static IrVal source(X86Tr *s, int n)
{
    return tr_zext(s, s->i.osz, tr_value(s, n));
}

void trans_andn(X86Tr *s)
{
    IrVal v = tr_value(s, 2);
    ir_alu(s->b, OP_andn, s->i.osz, IR_G(s->i.reg), IR_G(s->i.vvvv), v, FL_ALL);
}

/* BLSR, BLSMSK, BLSI: digits 1..3 */
void trans_blsi(X86Tr *s)
{
    IrWidth w = s->i.osz;
    int kind = s->i.row->arg;
    IrVal x = source(s, 1), t = tr_zext(s, W64, x), d = IR_G(s->i.vvvv);
    if (kind == 3) {
        ir_alu(s->b, OP_neg, w, t, t, IR_NONE, 0);
    } else {
        tr_alu(s, OP_sub, w, t, t, (Src){IR_IMM, 1}, 0);
    }
    ir_alu(s->b, kind == 2 ? OP_xor : OP_and, w, t, t, x, FL_ALL);
    ir_mov(s->b, w, d, t);
    set_carry(s, x, kind == 3);
}

void trans_bzhi(X86Tr *s)
{
    IrWidth w = s->i.osz;
    IrVal x = source(s, 1), n = tr_zext(s, W8, IR_G(s->i.vvvv)), over = tr_zext(s, W64, n);
    IrVal mask = tr_const(s, 1), ones = tr_const(s, -1);
    tr_alu(s, OP_shr, W64, over, over, (Src){IR_IMM, 3 + (int)w}, 0);
    tr_alu(s, OP_shl, W64, mask, mask, (Src){n, 0}, 0);
    tr_alu(s, OP_sub, W64, mask, mask, (Src){IR_IMM, 1}, 0);
    ir_emit(s->b, OP_movnz, W64, mask, mask, ones)->c = over;
    ir_alu(s->b, OP_and, w, x, x, mask, FL_ALL);
    ir_mov(s->b, w, IR_G(s->i.reg), x);
    set_carry(s, over, true);
}

void trans_bextr(X86Tr *s)
{
    IrWidth w = s->i.osz;
    IrVal x = source(s, 1), ctl = IR_G(s->i.vvvv), start = tr_zext(s, W8, ctl), len = tr_temp(s);
    IrVal none = tr_const(s, 0), ones = tr_const(s, -1), mask = tr_const(s, 1);
    IrVal past = tr_zext(s, W64, start), whole = tr_temp(s);
    ir_emit(s->b, OP_exth, W64, len, ctl, IR_NONE);
    ir_mov(s->b, W64, whole, len);
    tr_alu(s, OP_shr, W64, past, past, (Src){IR_IMM, 6}, 0);
    tr_alu(s, OP_shr, W64, whole, whole, (Src){IR_IMM, 6}, 0);
    tr_alu(s, OP_shr, W64, x, x, (Src){start, 0}, 0);
    ir_emit(s->b, OP_movnz, W64, x, x, none)->c = past;
    tr_alu(s, OP_shl, W64, mask, mask, (Src){len, 0}, 0);
    tr_alu(s, OP_sub, W64, mask, mask, (Src){IR_IMM, 1}, 0);
    ir_emit(s->b, OP_movnz, W64, mask, mask, ones)->c = whole;
    ir_alu(s->b, OP_and, w, x, x, mask, FL_ALL);
    ir_mov(s->b, w, IR_G(s->i.reg), x);
}

void trans_shiftx(X86Tr *s)
{
    IrWidth w = s->i.osz;
    IrVal x = source(s, 1);
    tr_alu(s, s->i.row->arg, w, x, x, (Src){IR_G(s->i.vvvv), 0}, 0);
    ir_mov(s->b, w, IR_G(s->i.reg), x);
}

void trans_rorx(X86Tr *s)
{
    IrWidth w = s->i.osz;
    IrVal x = source(s, 1);
    tr_alu(s, OP_ror, w, x, x, (Src){IR_IMM, s->i.imm & (w == W64 ? 63 : 31)}, 0);
    ir_mov(s->b, w, IR_G(s->i.reg), x);
}

void trans_mulx(X86Tr *s)
{
    IrWidth w = s->i.osz;
    IrVal x = source(s, 2), lo = tr_zext(s, w, IR_G(R_DX)), hi = tr_temp(s);
    ir_alu(s->b, OP_mulu2, w, lo, lo, x, 0)->c = hi;
    ir_mov(s->b, w, IR_G(s->i.vvvv), lo);
    ir_mov(s->b, w, IR_G(s->i.reg), hi);
}

void trans_pdep(X86Tr *s)
{
    IrWidth w = s->i.osz;
    IrVal mask = source(s, 2), v = tr_zext(s, w, IR_G(s->i.vvvv));
    ir_mov(s->b, w, IR_G(s->i.reg), tr_call(s, s->i.row->arg, v, mask, IR_NONE));
}
