/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shifts, multiplication and division: the instructions with fixed registers.
 * When operands are not where the instruction wants them, the guest registers
 * that live there are parked in env for the op (reg_borrow).
 */
#include "accel/tcg/host/x86_64/emit.h"

/* rol ror rcl rcr shl shr - sar */
static unsigned shift_digit(unsigned op)
{
    static const uint8_t digit[] = {
        [OP_shl] = 4, [OP_shr] = 5, [OP_sar] = 7, [OP_rol] = 0,
        [OP_ror] = 1, [OP_rcl] = 2, [OP_rcr] = 3,
    };
    return digit[op];
}

static bool is_pinned_to(const Emit *e, IrVal v, int reg)
{
    return ir_is_global(v) && e->greg[ir_global(v)] == reg;
}

static unsigned count_mask(const IrOp *op)
{
    return op->w == W64 ? 0x3f : 0x1f;
}

static unsigned shift_clobber(unsigned op)
{
    return op >= OP_rol && op <= OP_rcr ? FL_CO : FL_ALL;
}

/* The value in CL, unless it lives there; true when CX was borrowed. */
static void count_to_cl(Emit *e, IrVal count)
{
    Rm m = val_rm(e, count);
    if (m.reg == RCX) {
        return;
    }
    reg_borrow(e, RCX);
    m = val_rm(e, count);
    a_mov(&e->a, W32, RCX, m);
    if (ir_is_temp(count) && m.reg >= 0) {
        e->lock &= ~(1u << m.reg);
    }
}

static void shift_in_memory_or_reg(Emit *e, const IrOp *op, bool imm)
{
    unsigned opc = (imm ? 0xc0 : 0xd2) | (op->w != W8);
    unsigned digit = shift_digit(op->op);
    if (op->a == op->dst && op->w != W32 && val_in_mem(e, op->dst)) {
        ins(&e->a, opc, op->w, digit, global_home(e, ir_global(op->dst)));
        if (imm) {
            e8(&e->a, (unsigned)op->imm & count_mask(op));
        }
        return;
    }
    Two t;
    two_begin(e, op, &t, false);
    ins(&e->a, opc, op->w, digit, rm_r(t.r));
    if (imm) {
        e8(&e->a, (unsigned)op->imm & count_mask(op));
    }
    two_end(e, op, &t);
}

/* Count known: BMI2's RORX where flags are in the way. */
static bool rotate_flag_free(Emit *e, const IrOp *op, unsigned n)
{
    bool rotate = op->op == OP_rol || op->op == OP_ror;
    if (!rotate || op->w < W32 || !e->hc->bmi2 || !flags_avoid(e, op, FL_CO)) {
        return false;
    }
    unsigned bits = 8u << op->w;
    Rm m = val_rm(e, op->a);
    int r = val_in_mem(e, op->dst) ? reg_alloc(e) : dst_reg(e, op->dst, false);
    ins_vex(&e->a, O_0F3A | O_F2 | 0xf0, op->w == W64, false, (unsigned)r, 0, m);
    e8(&e->a, op->op == OP_ror ? n : (bits - n) & (bits - 1));
    dst_done(e, op->dst, r, op->w);
    return true;
}

/* SHLX, SHRX, SARX: any count register, no flags. */
static bool shift_flag_free(Emit *e, const IrOp *op)
{
    static const uint16_t prefix[] = {[OP_shl] = O_66, [OP_shr] = O_F2, [OP_sar] = O_F3};
    if (op->op > OP_sar || op->w < W32 || !e->hc->bmi2 || (flags_live(op) & op->fw)) {
        return false;
    }
    int c;
    if (op->b == IR_IMM) {
        if (!flags_avoid(e, op, FL_ALL)) {
            return false;
        }
        c = val_reg_imm(e, IR_IMM, op->imm & count_mask(op));
    } else {
        c = val_reg(e, op->b);
    }
    Rm m = val_rm(e, op->a);
    int r = val_in_mem(e, op->dst) ? reg_alloc(e) : dst_reg(e, op->dst, false);
    ins_vex(&e->a, O_0F38 | prefix[op->op] | 0xf7, op->w == W64, false, (unsigned)r, (unsigned)c,
            m);
    dst_done(e, op->dst, r, op->w);
    return true;
}

static void flags_dead(Emit *e, const IrOp *op)
{
    e->H &= ~op->fw;
    e->M &= ~op->fw;
}

/* A count of zero changes no flag, but W32 still extends. */
static void shift_by_zero(Emit *e, const IrOp *op)
{
    IrOp m = *op;
    m.op = OP_mov;
    emit_mov(e, &m);
}

void emit_shift(Emit *e, const IrOp *op)
{
    unsigned clobber = shift_clobber(op->op);
    bool carry = op->op == OP_rcl || op->op == OP_rcr;
    if (op->b == IR_IMM) {
        unsigned n = (unsigned)op->imm & count_mask(op);
        if (n == 0) {
            shift_by_zero(e, op);
            return;
        }
        if (rotate_flag_free(e, op, n) || shift_flag_free(e, op)) {
            flags_dead(e, op);
            return;
        }
        if (carry) {
            flags_load(e, FL_C);
        }
        flags_begin(e, op, clobber);
        shift_in_memory_or_reg(e, op, true);
        flags_end(e, op, clobber);
        return;
    }
    if (shift_flag_free(e, op)) {
        flags_dead(e, op);
        return;
    }
    flags_load(e, (flags_live(op) & op->fw ? flags_live(op) : 0) | (carry ? FL_C : 0));
    flags_begin(e, op, clobber);
    count_to_cl(e, op->b);
    IrOp o = *op;
    shift_in_memory_or_reg(e, &o, false);
    flags_end(e, op, clobber);
    regs_return(e);
}

void emit_double_shift(Emit *e, const IrOp *op)
{
    bool imm = op->c == IR_NONE;
    unsigned opc = O_0F | (op->op == OP_shld ? 0xa4 : 0xac) | (imm ? 0 : 1);
    if (imm && ((unsigned)op->imm & count_mask(op)) == 0) {
        shift_by_zero(e, op);
        return;
    }
    if (!imm) {
        flags_load(e, flags_live(op) & op->fw ? flags_live(op) : 0);
    }
    flags_begin(e, op, FL_ALL);
    if (!imm) {
        count_to_cl(e, op->c);
        if (op->a != op->dst && is_pinned_to(e, op->dst, RCX)) {
            reg_borrow(e, RCX); /* the count is still needed when dst gets a */
        }
    }
    Two t;
    two_begin(e, op, &t, false);
    int rb = val_reg(e, op->b);
    ins(&e->a, opc, op->w, (unsigned)rb, rm_r(t.r));
    if (imm) {
        e8(&e->a, (unsigned)op->imm & count_mask(op));
    }
    two_end(e, op, &t);
    flags_end(e, op, FL_ALL);
    regs_return(e);
}

/* ---- AX and DX ---- */

/* F6/F7 digit on AX and DX, which get a and (for division) c first. */
static void with_ax_dx(Emit *e, const IrOp *op, unsigned digit, bool divide)
{
    Asm *a = &e->a;
    IrWidth rw = op->w == W8 ? W16 : (IrWidth)op->w;
    reg_borrow(e, RAX);
    reg_borrow(e, RDX);
    a_mov(a, W64, RAX, val_rm(e, divide ? op->dst : op->a));
    if (divide && op->w != W8) {
        a_mov(a, W64, RDX, val_rm(e, op->c));
    }
    Rm m = val_rm(e, op->b);
    if (divide) {
        site_add(e, e->borrowed ? SITE_AX_DX_HOME : 0);
    }
    ins(a, op->w == W8 ? 0xf6 : 0xf7, op->w, digit, m);
    dst_set(e, op->dst, RAX, rw);
    if (op->w != W8) {
        dst_set(e, op->c, RDX, rw);
    }
    regs_return(e);
}

void emit_mul2(Emit *e, const IrOp *op)
{
    unsigned digit = op->op == OP_mulu2 ? 4 : 5;
    bool w8 = op->w == W8;
    flags_begin(e, op, FL_ALL);
    bool a_fits = is_pinned_to(e, op->a, RAX), b_fits = is_pinned_to(e, op->b, RAX);
    if (is_pinned_to(e, op->dst, RAX) && (w8 || is_pinned_to(e, op->c, RDX)) &&
        (a_fits || b_fits)) {
        ins(&e->a, w8 ? 0xf6 : 0xf7, op->w, digit, val_rm(e, a_fits ? op->b : op->a));
    } else {
        with_ax_dx(e, op, digit, false);
    }
    flags_end(e, op, FL_ALL);
}

void emit_div(Emit *e, const IrOp *op)
{
    unsigned digit = op->op == OP_divu ? 6 : 7;
    bool w8 = op->w == W8;
    flags_clobber(e, FL_ALL);
    if (is_pinned_to(e, op->dst, RAX) && (w8 || is_pinned_to(e, op->c, RDX))) {
        Rm m = val_rm(e, op->b);
        site_add(e, 0);
        ins(&e->a, w8 ? 0xf6 : 0xf7, op->w, digit, m);
    } else {
        with_ax_dx(e, op, digit, true);
    }
}
