/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Moves, extensions, addresses and conditional moves; none writes guest flags. */
#include "accel/tcg/host/x86_64/emit.h"

static Rm env_field(const IrOp *op)
{
    return rm_gs(V_ENV((uint32_t)op->imm));
}

static void mov_imm(Emit *e, const IrOp *op)
{
    Asm *a = &e->a;
    int64_t v = op->imm;
    if (val_in_mem(e, op->dst)) {
        Rm m = global_home(e, ir_global(op->dst));
        if (op->w == W32) {
            v = (uint32_t)v;
        }
        if (op->w < W32 || v == (int32_t)v) {
            a_storei(a, op->w == W32 ? W64 : op->w, m, v);
        } else {
            int r = reg_alloc(e);
            a_movi(a, r, (uint64_t)v);
            a_store(a, W64, m, (unsigned)r);
        }
        return;
    }
    int r = dst_reg(e, op->dst, op->w < W32);
    if (op->w < W32) {
        a_storei(a, op->w, rm_r(r), v);
    } else {
        a_movi(a, r, op->w == W32 ? (uint32_t)v : (uint64_t)v);
    }
    dst_done(e, op->dst, r, op->w);
}

void emit_mov(Emit *e, const IrOp *op)
{
    if (op->a == IR_IMM) {
        mov_imm(e, op);
        return;
    }
    if (op->a == op->dst && op->w != W32) {
        return;
    }
    if (val_in_mem(e, op->dst)) {
        if (op->w == W32) { /* the upper half becomes zero */
            Rm m = val_rm(e, op->a);
            int r = reg_alloc(e);
            a_mov(&e->a, W32, (unsigned)r, m);
            a_store(&e->a, W64, global_home(e, ir_global(op->dst)), (unsigned)r);
        } else {
            int r = val_reg(e, op->a);
            a_store(&e->a, op->w, global_home(e, ir_global(op->dst)), (unsigned)r);
        }
        return;
    }
    if (ir_is_temp(op->dst) && op->w == W64 && ir_is_temp(op->a) && val_dead(e, op->a)) {
        dst_set(e, op->dst, val_copy(e, op->a, 0), W64);
        return;
    }
    Rm m = val_rm(e, op->a);
    int r = dst_reg(e, op->dst, op->w < W32);
    a_mov(&e->a, op->w, (unsigned)r, m);
    dst_done(e, op->dst, r, op->w);
}

/* zext: to 64 bits; sext: to width aux. */
void emit_extend(Emit *e, const IrOp *op)
{
    bool sign = op->op == OP_sext;
    IrWidth to = sign ? (IrWidth)op->aux : W64;
    Rm m = val_rm(e, op->a);
    int r = val_in_mem(e, op->dst) ? reg_alloc(e) : dst_reg(e, op->dst, to < W32);
    unsigned w = to == W16 ? W16 : sign && to == W64 ? W64 : W32;
    if (op->w == W8) {
        ins(&e->a, O_0F | O_RM8 | (sign ? 0xbe : 0xb6), w, (unsigned)r, m);
    } else if (op->w == W16) {
        ins(&e->a, O_0F | (sign ? 0xbf : 0xb7), w, (unsigned)r, m);
    } else if (op->w == W32) {
        ins(&e->a, sign ? 0x63 : 0x8b, sign ? W64 : W32, (unsigned)r, m);
    } else {
        a_mov(&e->a, W64, (unsigned)r, m);
    }
    dst_done(e, op->dst, r, to);
}

/* A result computed in a scratch register or in the destination itself. */
static int lea_dst(Emit *e, const IrOp *op)
{
    return op->w < W32 || val_in_mem(e, op->dst) ? reg_alloc(e) : dst_reg(e, op->dst, false);
}

void emit_lea(Emit *e, const IrOp *op)
{
    Asm *a = &e->a;
    unsigned w = op->w == W64 ? W64 : W32;
    int64_t disp = op->w == W64 ? op->imm : (int32_t)op->imm;
    int ra = op->a != IR_NONE ? val_reg(e, op->a) : -1;
    int rb = op->b != IR_NONE ? val_reg(e, op->b) : -1;
    if (op->a >= 2 && val_dead(e, op->a) && op->a != op->b && ir_is_temp(op->dst)) {
        e->lock &= ~(1u << ra); /* read before the result is written */
        ra = val_copy(e, op->a, 0);
        e->lock &= ~(1u << ra);
        if (rb >= 0 && e->scratch >> rb & 1) {
            e->lock |= 1u << rb;
        }
    }
    if (disp != (int32_t)disp) {
        e->lock |= ra >= 0 ? 1u << ra : 0;
        int s = reg_alloc(e);
        a_movi(a, s, (uint64_t)disp);
        if (ra >= 0) {
            a_lea(a, W64, s, rm_m(s, ra, 0, 0));
            e->lock &= ~(1u << ra);
            e->lock |= rb >= 0 ? 1u << rb : 0;
        }
        ra = s;
        disp = 0;
    }
    int r = lea_dst(e, op);
    if (ra < 0 && rb < 0) {
        a_movi(a, r, w == W64 ? (uint64_t)disp : (uint32_t)disp);
    } else if (rb < 0 && disp == 0) {
        a_movrr(a, w, r, ra);
    } else if (rb >= 0 && ra < 0 && op->aux == 0) {
        a_lea(a, w, r, rm_m(rb, -1, 0, (int32_t)disp));
    } else {
        a_lea(a, w, r, rm_m(ra, rb, op->aux, (int32_t)disp));
    }
    if (op->w < W32) {
        dst_set(e, op->dst, r, op->w);
    } else {
        dst_done(e, op->dst, r, op->w);
    }
}

void emit_bswap(Emit *e, const IrOp *op)
{
    Two t;
    two_begin(e, op, &t, false);
    unsigned rex = (op->w == W64) << 3 | t.r >> 3;
    if (rex) {
        e8(&e->a, 0x40 | rex);
    }
    e8(&e->a, 0x0f);
    e8(&e->a, 0xc8 | (t.r & 7));
    two_end(e, op, &t);
}

void emit_exth(Emit *e, const IrOp *op)
{
    Asm *a = &e->a;
    Rm m = val_rm(e, op->a);
    int r = val_in_mem(e, op->dst) ? reg_alloc(e) : dst_reg(e, op->dst, false);
    if (m.reg < 0) {
        m.disp++;
        ins(a, O_0F | 0xb6, W32, (unsigned)r, m);
    } else if (m.reg < 4 && r < 8) {
        ins(a, O_0F | O_NOREX | 0xb6, W32, (unsigned)r, rm_r(m.reg + 4)); /* AH CH DH BH */
    } else if (e->hc->bmi2) {
        ins_vex(a, O_0F3A | O_F2 | 0xf0, false, false, (unsigned)r, 0, m); /* rorx */
        e8(a, 8);
        ins(a, O_0F | O_RM8 | 0xb6, W32, (unsigned)r, rm_r(r));
    } else {
        a_store(a, W64, rm_gs(V_SCRATCH(2)), (unsigned)m.reg);
        ins(a, O_0F | 0xb6, W32, (unsigned)r, rm_gs(V_SCRATCH(2) + 1));
    }
    dst_done(e, op->dst, r, W64);
}

void emit_insh(Emit *e, const IrOp *op)
{
    Asm *a = &e->a;
    int s = val_reg(e, op->a);
    if (val_in_mem(e, op->dst)) {
        Rm m = global_home(e, ir_global(op->dst));
        m.disp++;
        a_store(a, W8, m, (unsigned)s);
        return;
    }
    int r = dst_reg(e, op->dst, true);
    if (r < 4 && s < 4) {
        ins(a, O_NOREX | 0x88, W8, (unsigned)s, rm_r(r + 4));
    } else if (r < 4) {
        ins(a, O_NOREX | 0x86, W8, (unsigned)r, rm_r(r + 4)); /* xchg al, ah */
        a_movrr(a, W8, r, s);
        ins(a, O_NOREX | 0x86, W8, (unsigned)r, rm_r(r + 4));
    } else {
        a_store(a, W64, rm_gs(V_SCRATCH(2)), (unsigned)r);
        a_store(a, W8, rm_gs(V_SCRATCH(2) + 1), (unsigned)s);
        a_mov(a, W64, (unsigned)r, rm_gs(V_SCRATCH(2)));
    }
    dst_done(e, op->dst, r, W64);
}

/* dst = host condition cc ? b : a */
static void select_by(Emit *e, const IrOp *op, unsigned cc)
{
    Two t;
    IrOp o = *op;
    if (o.b == o.dst && o.a != o.dst) {
        o.a = op->b;
        o.b = op->a;
        cc ^= 1;
    }
    two_begin(e, &o, &t, false);
    ins(&e->a, O_0F | 0x40 | cc, o.w == W8 ? W32 : o.w, (unsigned)t.r, val_rm(e, t.b));
    two_end(e, &o, &t);
}

/* A byte: CMOV has none, and the rest of dst must stay. */
static void select_byte(Emit *e, const IrOp *op, unsigned cc)
{
    int r = val_copy(e, op->a, 0);
    ins(&e->a, O_0F | 0x40 | cc, W32, (unsigned)r, val_rm(e, op->b));
    dst_set(e, op->dst, r, W8);
}

void emit_cmov(Emit *e, const IrOp *op)
{
    unsigned cc = flags_cond(e, op->cc);
    (op->w == W8 ? select_byte : select_by)(e, op, cc);
}

void emit_movnz(Emit *e, const IrOp *op)
{
    if (recipe_survives(e, op)) {
        e->H = 0;
    } else {
        flags_clobber(e, flags_live(op));
    }
    Rm c = val_rm(e, op->c);
    if (c.reg >= 0) {
        ins(&e->a, 0x85, W64, (unsigned)c.reg, c);
    } else {
        a_alu_i(&e->a, 7, W64, c, 0, 0);
    }
    e->lock = 0;
    (op->w == W8 ? select_byte : select_by)(e, op, CC_NE);
}

void emit_setcc(Emit *e, const IrOp *op)
{
    unsigned cc = flags_cond(e, op->cc);
    if (val_in_mem(e, op->dst)) {
        ins(&e->a, O_0F | 0x90 | cc, W8, 0, global_home(e, ir_global(op->dst)));
        return;
    }
    int r = dst_reg(e, op->dst, true);
    ins(&e->a, O_0F | 0x90 | cc, W8, 0, rm_r(r));
    dst_done(e, op->dst, r, W8);
}

void emit_ldenv(Emit *e, const IrOp *op)
{
    if (e->hc->vec && vec_ldenv(e, op)) {
        return;
    }
    int r = val_in_mem(e, op->dst) ? reg_alloc(e) : dst_reg(e, op->dst, false);
    if (op->w < W32) {
        ins(&e->a, O_0F | (op->w == W8 ? 0xb6 : 0xb7), W32, (unsigned)r, env_field(op));
    } else {
        a_mov(&e->a, op->w, (unsigned)r, env_field(op));
    }
    dst_done(e, op->dst, r, W64);
}

void emit_stenv(Emit *e, const IrOp *op)
{
    if (e->hc->vec && vec_stenv(e, op)) {
        return;
    }
    a_store(&e->a, op->w, env_field(op), (unsigned)val_reg(e, op->a));
    e->pc_set |= op->imm == e->hc->target->pc_offset;
}
