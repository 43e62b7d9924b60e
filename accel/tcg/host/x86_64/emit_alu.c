/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arithmetic, logic and bit operations: the host's own, with the host's own flags. */
#include "accel/tcg/host/x86_64/emit.h"

/* ModRM digit of the classic eight; the IR's order differs. */
static unsigned alu_digit(unsigned op)
{
    static const uint8_t digit[] = {
        [OP_add] = 0, [OP_or] = 1,  [OP_adc] = 2, [OP_sbb] = 3,
        [OP_and] = 4, [OP_sub] = 5, [OP_xor] = 6, [OP_cmp] = 7,
    };
    return digit[op];
}

/* An immediate that the instruction can not hold goes to a register. */
static IrVal imm_ready(Emit *e, const IrOp *op, int *reg)
{
    *reg = -1;
    if (op->b == IR_IMM && !imm_fits((IrWidth)op->w, op->imm)) {
        *reg = val_reg_imm(e, IR_IMM, op->imm);
    }
    return op->b;
}

/* dst = dst op b in env itself. W32 would leave a half that a 64-bit read must wait for. */
static bool binary_in_memory(Emit *e, const IrOp *op, unsigned n)
{
    if (op->a != op->dst || op->w == W32 || !val_in_mem(e, op->dst) || val_in_mem(e, op->b)) {
        return false;
    }
    Rm m = global_home(e, ir_global(op->dst));
    if (op->b == IR_IMM && imm_fits((IrWidth)op->w, op->imm)) {
        a_alu_i(&e->a, n, op->w, m, op->imm, 0);
    } else {
        a_alu_mr(&e->a, n, op->w, m, (unsigned)val_reg_imm(e, op->b, op->imm), 0);
    }
    return true;
}

static void binary(Emit *e, const IrOp *op, unsigned n)
{
    Two t;
    int big;
    if (binary_in_memory(e, op, n)) {
        return;
    }
    imm_ready(e, op, &big);
    two_begin(e, op, &t, n != 5 && n != 3);
    if (big >= 0) {
        a_alu_rm(&e->a, n, op->w, (unsigned)t.r, rm_r(big));
    } else if (t.b == IR_IMM) {
        a_alu_i(&e->a, n, op->w, rm_r(t.r), op->imm, 0);
    } else {
        a_alu_rm(&e->a, n, op->w, (unsigned)t.r, val_rm(e, t.b));
    }
    two_end(e, op, &t);
}

/* add and sub without flags: lea. */
static bool binary_as_lea(Emit *e, const IrOp *op)
{
    bool imm = op->b == IR_IMM;
    if (op->w < W32 || !(op->op == OP_add || (op->op == OP_sub && imm))) {
        return false;
    }
    if (op->a == op->dst && !flags_avoid(e, op, FL_ALL)) {
        return false; /* the plain form is as good */
    }
    IrOp l = *op;
    l.op = OP_lea;
    l.aux = 0;
    if (imm) {
        l.b = IR_NONE;
        l.imm = op->op == OP_sub ? -(uint64_t)op->imm : (uint64_t)op->imm;
    } else {
        l.imm = 0;
    }
    emit_lea(e, &l);
    return true;
}

void emit_binary(Emit *e, const IrOp *op)
{
    if (!(flags_live(op) & op->fw) && binary_as_lea(e, op)) {
        e->H &= ~op->fw;
        e->M &= ~op->fw;
        e->R &= ~op->fw;
        return;
    }
    if (op->op == OP_adc || op->op == OP_sbb) {
        flags_load(e, FL_C);
    }
    flags_begin(e, op, FL_ALL);
    binary(e, op, alu_digit(op->op));
    flags_end(e, op, FL_ALL);
    recipe_note(e, op);
}

static void compare(Emit *e, const IrOp *op)
{
    Asm *a = &e->a;
    if (op->b == IR_IMM && imm_fits((IrWidth)op->w, op->imm)) {
        a_alu_i(a, 7, op->w, val_rm(e, op->a), op->imm, 0);
        return;
    }
    Rm m = val_rm(e, op->a);
    if (m.reg < 0) {
        Rm o = op->b == IR_IMM ? m : val_rm(e, op->b);
        if (op->b == IR_IMM || o.reg < 0) {
            o = rm_r(val_reg_imm(e, op->b, op->imm));
        }
        a_alu_mr(a, 7, op->w, m, (unsigned)o.reg, 0);
    } else if (op->b == IR_IMM) {
        a_alu_rm(a, 7, op->w, (unsigned)m.reg, rm_r(val_reg_imm(e, IR_IMM, op->imm)));
    } else {
        a_alu_rm(a, 7, op->w, (unsigned)m.reg, val_rm(e, op->b));
    }
}

static void test(Emit *e, const IrOp *op)
{
    Asm *a = &e->a;
    unsigned w = op->w;
    Rm m = val_rm(e, op->a);
    if (op->b == IR_IMM && imm_fits((IrWidth)w, op->imm)) {
        ins(a, w == W8 ? 0xf6 : 0xf7, w, 0, m);
        if (w == W8) {
            e8(a, (unsigned)op->imm);
        } else if (w == W16) {
            e16(a, (unsigned)op->imm);
        } else {
            e32(a, (uint32_t)op->imm);
        }
        return;
    }
    Rm o = op->b == IR_IMM ? rm_r(val_reg_imm(e, IR_IMM, op->imm)) : val_rm(e, op->b);
    if (m.reg < 0 && o.reg < 0) {
        o = rm_r(val_reg(e, op->b));
    }
    int r = o.reg >= 0 ? o.reg : m.reg;
    ins(a, w == W8 ? 0x84 : 0x85, w, (unsigned)r, o.reg >= 0 ? m : o);
}

void emit_compare(Emit *e, const IrOp *op)
{
    flags_begin(e, op, FL_ALL);
    (op->op == OP_cmp ? compare : test)(e, op);
    flags_end(e, op, FL_ALL);
    recipe_note(e, op);
}

/* inc dec: FE/FF /0 /1; not neg: F6/F7 /2 /3. */
static void unary(Emit *e, const IrOp *op)
{
    bool step = op->op == OP_inc || op->op == OP_dec;
    unsigned opc = (step ? 0xfe : 0xf6) | (op->w != W8);
    unsigned digit = op->op == OP_inc ? 0 : op->op == OP_dec ? 1 : op->op == OP_not ? 2 : 3;
    if (op->a == op->dst && op->w != W32 && val_in_mem(e, op->dst)) {
        ins(&e->a, opc, op->w, digit, global_home(e, ir_global(op->dst)));
        return;
    }
    Two t;
    two_begin(e, op, &t, false);
    ins(&e->a, opc, op->w, digit, rm_r(t.r));
    two_end(e, op, &t);
}

void emit_unary(Emit *e, const IrOp *op)
{
    if (op->op == OP_not) {
        unary(e, op);
        return;
    }
    unsigned clobber = op->op == OP_neg ? FL_ALL : FL_NOC;
    if (op->op != OP_neg && op->w >= W32 && flags_avoid(e, op, clobber)) {
        IrOp l = *op;
        l.b = IR_NONE;
        l.aux = 0;
        l.imm = op->op == OP_inc ? 1 : -1;
        emit_lea(e, &l);
        e->H &= ~op->fw;
        e->M &= ~op->fw;
        return;
    }
    flags_begin(e, op, clobber);
    unary(e, op);
    flags_end(e, op, clobber);
}

void emit_imul(Emit *e, const IrOp *op)
{
    Asm *a = &e->a;
    flags_begin(e, op, FL_ALL);
    if (op->b == IR_IMM && imm_fits((IrWidth)op->w, op->imm)) {
        Rm m = val_rm(e, op->a);
        bool direct = !val_in_mem(e, op->dst) && (op->w >= W32 || ir_is_global(op->dst));
        int r = direct ? dst_reg(e, op->dst, false) : reg_alloc(e);
        bool small = op->w == W16 ? (int16_t)op->imm == (int8_t)op->imm
                                  : (int32_t)op->imm == (int8_t)op->imm;
        ins(a, small ? 0x6b : 0x69, op->w, (unsigned)r, m);
        if (small) {
            e8(a, (unsigned)op->imm);
        } else if (op->w == W16) {
            e16(a, (unsigned)op->imm);
        } else {
            e32(a, (uint32_t)op->imm);
        }
        if (direct) {
            dst_done(e, op->dst, r, op->w);
        } else {
            dst_set(e, op->dst, r, op->w);
        }
    } else {
        Two t;
        int big;
        imm_ready(e, op, &big);
        two_begin(e, op, &t, big < 0);
        ins(a, O_0F | 0xaf, op->w, (unsigned)t.r, big >= 0 ? rm_r(big) : val_rm(e, t.b));
        two_end(e, op, &t);
    }
    flags_end(e, op, FL_ALL);
}

/* BMI1's own form: its P differs from NOT and AND. */
void emit_andn(Emit *e, const IrOp *op)
{
    flags_begin(e, op, FL_ALL);
    if (e->hc->bmi1) {
        int ra = val_reg(e, op->a);
        Rm m = val_rm(e, op->b);
        int r = val_in_mem(e, op->dst) ? reg_alloc(e) : dst_reg(e, op->dst, false);
        ins_vex(&e->a, O_0F38 | 0xf2, op->w == W64, false, (unsigned)r, (unsigned)ra, m);
        dst_done(e, op->dst, r, op->w);
    } else {
        int r = val_copy(e, op->a, 0);
        ins(&e->a, 0xf7, op->w, 2, rm_r(r));
        a_alu_rm(&e->a, 4, op->w, (unsigned)r, val_rm(e, op->b));
        dst_set(e, op->dst, r, op->w);
    }
    flags_end(e, op, FL_ALL);
}

/* ---- bits ---- */

static unsigned bit_digit(unsigned op)
{
    return op == OP_bt ? 4 : op == OP_bts ? 5 : op == OP_btr ? 6 : 7;
}

static void bit_do(Emit *e, const IrOp *op, int r)
{
    unsigned n = bit_digit(op->op);
    if (op->b == IR_IMM) {
        ins(&e->a, O_0F | 0xba, op->w, n, rm_r(r));
        e8(&e->a, (unsigned)op->imm & ((8u << op->w) - 1));
    } else {
        ins(&e->a, O_0F | 0x83 | n << 3, op->w, (unsigned)val_reg(e, op->b), rm_r(r));
    }
}

void emit_bittest(Emit *e, const IrOp *op)
{
    flags_begin(e, op, FL_C);
    if (op->op == OP_bt) {
        Rm m = val_rm(e, op->a);
        if (m.reg < 0 && op->b == IR_IMM) {
            ins(&e->a, O_0F | 0xba, op->w, 4, m);
            e8(&e->a, (unsigned)op->imm & ((8u << op->w) - 1));
        } else {
            bit_do(e, op, val_reg(e, op->a));
        }
    } else {
        Two t;
        two_begin(e, op, &t, false);
        bit_do(e, op, t.r);
        two_end(e, op, &t);
    }
    flags_end(e, op, FL_C);
}

/* Of zero the destination becomes all 64 bits of a, which the host leaves when it works on a. */
void emit_bitscan(Emit *e, const IrOp *op)
{
    unsigned opc = O_0F | (op->op == OP_bsf ? 0xbc : 0xbd);
    flags_begin(e, op, FL_ALL);
    if (op->a == op->dst && !val_in_mem(e, op->dst)) {
        Rm m = val_rm(e, op->b);
        int r = dst_reg(e, op->dst, true);
        ins(&e->a, opc, op->w, (unsigned)r, m);
        dst_done(e, op->dst, r, W64);
    } else {
        int r = val_copy(e, op->a, 0);
        ins(&e->a, opc, op->w, (unsigned)r, val_rm(e, op->b));
        if (op->w == W16) { /* the index replaces 16 bits of dst */
            int d = dst_reg(e, op->dst, true);
            ins(&e->a, O_0F | 0x44, W64, (unsigned)d, rm_r(r)); /* cmovz */
            a_movrr(&e->a, W16, d, r);
            dst_done(e, op->dst, d, W64);
        } else {
            dst_set(e, op->dst, r, W64);
        }
    }
    flags_end(e, op, FL_ALL);
}

void emit_count(Emit *e, const IrOp *op)
{
    unsigned opc = op->op == OP_popcnt ? 0xb8 : op->op == OP_tzcnt ? 0xbc : 0xbd;
    flags_begin(e, op, FL_ALL);
    Rm m = val_rm(e, op->a);
    bool mem = val_in_mem(e, op->dst);
    int r = mem ? reg_alloc(e) : dst_reg(e, op->dst, op->w < W32);
    ins(&e->a, O_0F | O_F3 | opc, op->w, (unsigned)r, m);
    dst_done(e, op->dst, r, op->w);
    flags_end(e, op, FL_ALL);
}
