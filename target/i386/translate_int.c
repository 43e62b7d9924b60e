/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integer instructions: moves, arithmetic, shifts, bits (SDM vol 2).
 */
#include "target/i386/translate.h"

static bool locked(const X86Tr *s)
{
    return s->i.lock;
}

static IrVal mem_rmw_addr(X86Tr *s, IrWidth w)
{
    return tr_ea(s, 1u << w, true);
}

/* dst = op(dst, b) for a register operand, whatever byte of it. */
static void reg_op(X86Tr *s, IrOpcode op, IrWidth w, int reg, Src b, uint8_t fw)
{
    if (!tr_high8(s, w, reg)) {
        tr_alu(s, op, w, IR_G(reg), IR_G(reg), b, fw);
        return;
    }
    IrVal v = tr_reg_in(s, w, reg);
    tr_alu(s, op, w, v, v, b, fw);
    tr_reg_out(s, w, reg, v);
}

void trans_alu(X86Tr *s)
{
    IrWidth w = tr_width(s, 0);
    IrOpcode op = s->i.row->arg;
    if (tr_is_mem(s, 0)) {
        Src b = tr_src(s, 1);
        ir_rmw(s->b, op, w, mem_rmw_addr(s, w), b.v, s->mmu, locked(s), FL_ALL)->imm = b.imm;
        return;
    }
    reg_op(s, op, w, tr_reg(s, 0), tr_src(s, 1), FL_ALL);
}

/* CMP and TEST: flags only. */
void trans_cmp(X86Tr *s)
{
    Src a = tr_src(s, 0), b = tr_src(s, 1);
    tr_alu(s, s->i.row->arg, tr_width(s, 0), IR_NONE, a.v, b, FL_ALL);
}

static void unary(X86Tr *s, uint8_t fw)
{
    IrWidth w = tr_width(s, 0);
    IrOpcode op = s->i.row->arg;
    if (tr_is_mem(s, 0)) {
        ir_rmw(s->b, op, w, mem_rmw_addr(s, w), IR_NONE, s->mmu, locked(s), fw);
        return;
    }
    reg_op(s, op, w, tr_reg(s, 0), (Src){IR_NONE, 0}, fw);
}

void trans_incdec(X86Tr *s)
{
    unary(s, FL_NOC);
}

void trans_unary(X86Tr *s)
{
    unary(s, s->i.row->arg == OP_neg ? FL_ALL : 0);
}

/* ---- moves ---- */

static void store_operand(X86Tr *s, IrWidth w)
{
    IrVal addr = tr_ea(s, 1u << w, true);
    Src v = tr_src(s, 1);
    if (v.v == IR_IMM) {
        ir_sti(s->b, w, addr, v.imm, s->mmu);
    } else {
        ir_st(s->b, w, addr, v.v, s->mmu);
    }
}

void trans_mov(X86Tr *s)
{
    IrWidth w = tr_width(s, 0);
    if (tr_is_mem(s, 0)) {
        store_operand(s, w);
        return;
    }
    int reg = tr_reg(s, 0);
    if (tr_is_mem(s, 1) && w >= W32) {
        ir_ld(s->b, w, IR_G(reg), tr_ea(s, 1u << w, false), s->mmu);
        return;
    }
    Src v = tr_src(s, 1);
    if (v.v != IR_IMM) {
        tr_reg_out(s, w, reg, v.v);
    } else if (tr_high8(s, w, reg)) {
        tr_reg_out(s, w, reg, tr_const(s, v.imm));
    } else {
        ir_movi(s->b, w, IR_G(reg), v.imm);
    }
}

static void extend(X86Tr *s, IrWidth from, bool sign)
{
    IrWidth w = tr_width(s, 0), to = w == W16 ? W32 : w;
    IrVal d = w == W16 ? tr_temp(s) : IR_G(tr_reg(s, 0));
    if (tr_is_mem(s, 1)) {
        IrVal addr = tr_ea(s, 1u << from, false);
        if (sign) {
            ir_lds(s->b, from, to, d, addr, s->mmu);
        } else {
            ir_ld(s->b, from, d, addr, s->mmu);
        }
    } else {
        IrVal v = tr_reg_in(s, from, tr_reg(s, 1));
        ir_emit(s->b, sign ? OP_sext : OP_zext, from, d, v, IR_NONE)->aux = (uint8_t)to;
        if (!sign) {
            s->b->ops[s->b->n_ops - 1].aux = 0;
        }
    }
    if (w == W16) {
        ir_mov(s->b, W16, IR_G(tr_reg(s, 0)), d);
    }
}

void trans_movzx(X86Tr *s)
{
    IrWidth from = tr_width(s, 1);
    if (from == W16 && tr_width(s, 0) == W16) {
        tr_reg_out(s, W16, tr_reg(s, 0), tr_value(s, 1));
    } else {
        extend(s, from, false);
    }
}

void trans_movsx(X86Tr *s)
{
    IrWidth from = tr_width(s, 1);
    if (from == W16 && tr_width(s, 0) == W16) {
        tr_reg_out(s, W16, tr_reg(s, 0), tr_value(s, 1));
    } else {
        extend(s, from, true);
    }
}

void trans_movsxd(X86Tr *s)
{
    if (s->i.osz == W64) {
        extend(s, W32, true);
    } else if (tr_is_mem(s, 1)) { /* without REX.W a plain move of the operand size */
        IrVal v = tr_read(s, s->i.osz, tr_ea(s, 1u << s->i.osz, false));
        tr_reg_out(s, s->i.osz, s->i.reg, v);
    } else {
        tr_reg_out(s, s->i.osz, s->i.reg, IR_G(s->i.rm));
    }
}

void trans_lea(X86Tr *s)
{
    const X86Insn *i = &s->i;
    bool wraps = i->asz == W16 || (i->asz == W32 && i->osz == W64);
    if (i->base == X86_REG_RIP || (i->base == X86_REG_NONE && i->index == X86_REG_NONE) || wraps ||
        i->osz == W16) {
        ir_mov(s->b, i->osz, IR_G(i->reg), tr_offset(s));
        return;
    }
    ir_lea(s->b, i->osz == W64 && i->asz == W64 ? W64 : W32, IR_G(i->reg),
           i->base == X86_REG_NONE ? IR_NONE : IR_G(i->base),
           i->index == X86_REG_NONE ? IR_NONE : IR_G(i->index), i->scale, i->disp);
}

void trans_xchg(X86Tr *s)
{
    IrWidth w = tr_width(s, 0);
    int b = tr_reg(s, 1);
    if (tr_is_mem(s, 0)) {
        IrVal addr = mem_rmw_addr(s, w), v = tr_reg_in(s, w, b);
        IrVal d = tr_high8(s, w, b) ? v : IR_G(b);
        ir_emit(s->b, OP_xchgm, w, d, addr, v)->aux = (uint8_t)s->mmu;
        if (d != IR_G(b)) {
            tr_reg_out(s, w, b, d);
        }
        return;
    }
    int a = tr_reg(s, 0);
    IrVal va = tr_zext(s, W64, tr_reg_in(s, w, a));
    tr_reg_out(s, w, a, tr_reg_in(s, w, b));
    tr_reg_out(s, w, b, va);
}

void trans_nop(X86Tr *s)
{
    if (s->i.rex & 1) { /* 90 with REX.B exchanges with R8 */
        IrVal v = tr_zext(s, W64, IR_G(R_AX));
        ir_mov(s->b, s->i.osz, IR_G(R_AX), IR_G(8));
        ir_mov(s->b, s->i.osz, IR_G(8), v);
    }
}

/* Hints: the memory operand is not touched. */
void trans_nop_mem(X86Tr *s)
{
    (void)s;
}

void trans_bswap(X86Tr *s)
{
    IrVal r = IR_G(s->i.zreg);
    if (s->i.osz == W16) {
        ir_movi(s->b, W16, r, 0); /* undefined; what processors do */
    } else {
        ir_emit(s->b, OP_bswap, s->i.osz, r, r, IR_NONE);
    }
}

static void swap_bytes(X86Tr *s, IrWidth w, IrVal v)
{
    if (w == W16) {
        tr_alu(s, OP_rol, W16, v, v, (Src){IR_IMM, 8}, 0);
    } else {
        ir_emit(s->b, OP_bswap, w, v, v, IR_NONE);
    }
}

void trans_movbe(X86Tr *s)
{
    IrWidth w = s->i.osz;
    if (tr_is_mem(s, 0)) {
        IrVal v = tr_zext(s, W64, IR_G(s->i.reg));
        swap_bytes(s, w, v);
        ir_st(s->b, w, tr_ea(s, 1u << w, true), v, s->mmu);
    } else {
        IrVal v = tr_value(s, 1);
        swap_bytes(s, w, v);
        tr_reg_out(s, w, s->i.reg, v);
    }
}

void trans_cbw(X86Tr *s)
{
    IrVal a = IR_G(R_AX);
    if (s->i.osz == W16) {
        IrVal v = tr_temp(s);
        ir_emit(s->b, OP_sext, W8, v, a, IR_NONE)->aux = W32;
        ir_mov(s->b, W16, a, v);
    } else {
        ir_emit(s->b, OP_sext, s->i.osz - 1, a, a, IR_NONE)->aux = (uint8_t)s->i.osz;
    }
}

void trans_cwd(X86Tr *s)
{
    IrWidth w = s->i.osz;
    IrVal v = tr_zext(s, W64, IR_G(R_AX));
    tr_alu(s, OP_sar, w, v, v, (Src){IR_IMM, (8 << w) - 1}, 0);
    ir_mov(s->b, w, IR_G(R_DX), v);
}

void trans_cmov(X86Tr *s)
{
    IrWidth w = s->i.osz;
    IrVal d = IR_G(s->i.reg), v = tr_value(s, 1);
    ir_emit(s->b, OP_cmov, w, d, d, v)->cc = s->i.opcode & 15;
}

void trans_setcc(X86Tr *s)
{
    IrCond cc = s->i.opcode & 15;
    if (!tr_is_mem(s, 0) && !tr_high8(s, W8, s->i.rm)) {
        ir_emit(s->b, OP_setcc, W8, IR_G(s->i.rm), IR_NONE, IR_NONE)->cc = (uint8_t)cc;
        return;
    }
    IrVal addr = tr_is_mem(s, 0) ? tr_ea(s, 1, true) : IR_NONE;
    IrVal v = tr_const(s, 0);
    ir_emit(s->b, OP_setcc, W8, v, IR_NONE, IR_NONE)->cc = (uint8_t)cc;
    if (addr) {
        ir_st(s->b, W8, addr, v, s->mmu);
    } else {
        tr_reg_out(s, W8, s->i.rm, v);
    }
}

/* ---- shifts ---- */

static Src shift_count(X86Tr *s, int n, IrWidth w)
{
    Src c = tr_src(s, n);
    if (c.v == IR_IMM) {
        c.imm &= w == W64 ? 63 : 31;
    }
    return c;
}

void trans_shift(X86Tr *s)
{
    IrWidth w = tr_width(s, 0);
    IrOpcode op = s->i.row->arg;
    Src c = shift_count(s, 1, w);
    bool rotate = op == OP_rol || op == OP_ror || op == OP_rcl || op == OP_rcr;
    uint8_t fw = c.v == IR_IMM && c.imm == 0 ? 0 : rotate ? FL_CO : FL_ALL;
    if (tr_is_mem(s, 0)) {
        ir_rmw(s->b, op, w, mem_rmw_addr(s, w), c.v, s->mmu, false, fw)->imm = c.imm;
        return;
    }
    int reg = tr_reg(s, 0);
    if (fw == 0) {
        if (w == W32) {
            ir_mov(s->b, W32, IR_G(reg), IR_G(reg));
        }
        return;
    }
    reg_op(s, op, w, reg, c, fw);
}

static void double_shift(X86Tr *s, IrWidth w, IrVal dst, IrVal a, Src c, uint8_t fw)
{
    IrOp *o = ir_emit(s->b, s->i.row->arg, w, dst, a, IR_G(s->i.reg));
    o->c = c.v == IR_IMM ? IR_NONE : c.v;
    o->imm = c.imm;
    o->fw = fw;
}

void trans_shxd(X86Tr *s)
{
    IrWidth w = s->i.osz;
    Src c = shift_count(s, 2, w);
    uint8_t fw = c.v == IR_IMM && c.imm == 0 ? 0 : FL_ALL;
    if (!tr_is_mem(s, 0)) {
        double_shift(s, w, IR_G(s->i.rm), IR_G(s->i.rm), c, fw);
        return;
    }
    /* The flags come from a second run, after the store that may fault. */
    IrVal addr = mem_rmw_addr(s, w), v = tr_read(s, w, addr), r = tr_zext(s, W64, v);
    double_shift(s, w, r, v, c, 0);
    ir_st(s->b, w, addr, r, s->mmu);
    if (fw) {
        double_shift(s, w, v, v, c, fw);
    }
}

/* ---- multiply, divide ---- */

void trans_imul2(X86Tr *s)
{
    IrVal d = IR_G(s->i.reg);
    tr_alu(s, OP_imul, s->i.osz, d, d, tr_src(s, 1), FL_ALL);
}

void trans_imul3(X86Tr *s)
{
    IrVal v = tr_value(s, 1);
    tr_alu(s, OP_imul, s->i.osz, IR_G(s->i.reg), v, (Src){IR_IMM, s->i.imm}, FL_ALL);
}

void trans_mul(X86Tr *s)
{
    IrWidth w = tr_width(s, 0);
    IrVal v = tr_value(s, 0);
    IrOp *o = ir_alu(s->b, s->i.row->arg, w, IR_G(R_AX), IR_G(R_AX), v, FL_ALL);
    o->c = w == W8 ? IR_NONE : IR_G(R_DX);
}

void trans_div(X86Tr *s)
{
    IrWidth w = tr_width(s, 0);
    IrVal v = tr_value(s, 0);
    IrOp *o = ir_emit(s->b, s->i.row->arg, w, IR_G(R_AX), IR_NONE, v);
    o->c = w == W8 ? IR_NONE : IR_G(R_DX);
}

/* ---- bits ---- */

/* Memory operand of a bit test whose offset is in a register: any bit of memory can be named. */
static IrVal bit_address(X86Tr *s, IrWidth w, bool write)
{
    if (s->i.row->op[1].am == AM_I) {
        return tr_ea(s, 1u << w, write);
    }
    IrVal off = tr_temp(s);
    if (w == W64) {
        ir_mov(s->b, W64, off, IR_G(s->i.reg));
    } else {
        ir_emit(s->b, OP_sext, w, off, IR_G(s->i.reg), IR_NONE)->aux = W64;
    }
    tr_alu(s, OP_sar, W64, off, off, (Src){IR_IMM, 3 + (int)w}, 0);
    tr_alu(s, OP_shl, W64, off, off, (Src){IR_IMM, (int)w}, 0);
    return tr_ea_plus(s, off, 1u << w, write);
}

void trans_bt(X86Tr *s)
{
    IrWidth w = s->i.osz;
    IrOpcode op = s->i.row->arg;
    Src bit = {IR_IMM, s->i.imm & ((8 << w) - 1)};
    if (s->i.row->op[1].am != AM_I) {
        bit = (Src){IR_G(s->i.reg), 0};
    }
    if (!tr_is_mem(s, 0)) {
        IrVal r = IR_G(s->i.rm);
        tr_alu(s, op, w, op == OP_bt ? IR_NONE : r, r, bit, FL_C);
    } else if (op == OP_bt) {
        IrVal v = tr_read(s, w, bit_address(s, w, false));
        tr_alu(s, op, w, IR_NONE, v, bit, FL_C);
    } else {
        IrVal addr = bit_address(s, w, true);
        ir_rmw(s->b, op, w, addr, bit.v, s->mmu, locked(s), FL_C)->imm = bit.imm;
    }
}

void trans_bsf(X86Tr *s)
{
    IrVal d = IR_G(s->i.reg), v = tr_value(s, 1);
    ir_alu(s->b, s->i.row->arg, s->i.osz, d, d, v, FL_ALL);
}

/* POPCNT, and TZCNT/LZCNT where the processor has them. */
void trans_count(X86Tr *s)
{
    ir_alu(s->b, s->i.row->arg, s->i.osz, IR_G(s->i.reg), tr_value(s, 1), IR_NONE, FL_ALL);
}

/* F3 0F BC/BD are BSF and BSR on processors without BMI1 or LZCNT. */
void trans_tzcnt(X86Tr *s)
{
    bool tz = s->i.row->arg == OP_tzcnt;
    if (tr_has(s, tz ? F_BMI1 : F_LZCNT)) {
        trans_count(s);
        return;
    }
    IrVal d = IR_G(s->i.reg), v = tr_value(s, 1);
    ir_alu(s->b, tz ? OP_bsf : OP_bsr, s->i.osz, d, d, v, FL_ALL);
}

void trans_crc32(X86Tr *s)
{
    IrWidth w = tr_width(s, 1);
    IrVal v = tr_zext(s, w, tr_value(s, 1));
    IrVal r = tr_call(s, HELPER_crc32_acc, tr_zext(s, W32, IR_G(s->i.reg)), v, tr_const(s, w));
    ir_mov(s->b, W64, IR_G(s->i.reg), r);
}

/* ---- exchange and compare ---- */

void trans_xadd(X86Tr *s)
{
    IrWidth w = tr_width(s, 0);
    int b = s->i.reg;
    IrVal vb = tr_reg_in(s, w, b);
    if (tr_is_mem(s, 0)) {
        IrOp *o = ir_alu(s->b, OP_xaddm, w, vb, mem_rmw_addr(s, w), vb, FL_ALL);
        o->aux = (uint8_t)s->mmu;
        o->aux2 = locked(s) ? 0x80 : 0;
        if (vb != IR_G(b)) {
            tr_reg_out(s, w, b, vb);
        }
        return;
    }
    IrVal old = tr_zext(s, W64, tr_reg_in(s, w, s->i.rm)), sum = tr_zext(s, W64, old);
    ir_alu(s->b, OP_add, w, sum, sum, vb, FL_ALL);
    tr_reg_out(s, w, b, old);
    tr_reg_out(s, w, s->i.rm, sum);
}

/*
 * On registers: of destination and accumulator only one is written, so in the
 * 32-bit form only one loses its upper half.
 */
static void cmpxchg_reg(X86Tr *s, IrWidth w)
{
    int rm = s->i.rm;
    IrVal acc = IR_G(R_AX), old = tr_zext(s, W64, tr_reg_in(s, w, rm));
    IrVal src = tr_reg_in(s, w, s->i.reg), yes = tr_zext(s, W64, old), no = tr_zext(s, W64, acc);
    ir_mov(s->b, w, yes, src);
    ir_mov(s->b, w, no, old);
    tr_alu(s, OP_cmp, w, IR_NONE, acc, (Src){old, 0}, FL_ALL);
    ir_emit(s->b, OP_cmov, W64, acc, acc, no)->cc = CC_NE;
    if (rm == R_AX && !tr_high8(s, w, rm)) {
        ir_mov(s->b, W64, acc, yes); /* compared with itself */
        return;
    }
    ir_emit(s->b, OP_cmov, W64, yes, old, yes)->cc = CC_E;
    if (tr_high8(s, w, rm)) {
        tr_reg_out(s, w, rm, yes);
    } else {
        ir_mov(s->b, W64, IR_G(rm), yes);
    }
}

void trans_cmpxchg(X86Tr *s)
{
    IrWidth w = tr_width(s, 0);
    if (!tr_is_mem(s, 0)) {
        cmpxchg_reg(s, w);
        return;
    }
    IrVal src = tr_reg_in(s, w, s->i.reg), addr = mem_rmw_addr(s, w);
    IrOp *o = ir_alu(s->b, OP_cmpxchgm, w, IR_G(R_AX), addr, src, FL_ALL);
    o->aux = (uint8_t)s->mmu;
    o->aux2 = locked(s) ? 0x80 : 0;
}

/* ---- flags ---- */

void trans_cmc(X86Tr *s)
{
    ir_emit(s->b, OP_cmc, W64, IR_NONE, IR_NONE, IR_NONE)->fw = FL_C;
}

void trans_setc(X86Tr *s)
{
    IrOp *o = ir_emit(s->b, OP_setf, W64, IR_NONE, IR_IMM, IR_NONE);
    o->imm = s->i.row->arg;
    o->fw = FL_C;
}

void trans_lahf(X86Tr *s)
{
    if (s->bits == 64 && !tr_has(s, F_LAHF64)) {
        tr_raise(s, 6);
        return;
    }
    IrVal v = tr_temp(s);
    ir_emit(s->b, OP_getf, W64, v, IR_NONE, IR_NONE);
    tr_alu(s, OP_or, W32, v, v, (Src){IR_IMM, 2}, 0);
    ir_emit(s->b, OP_insh, W64, IR_G(R_AX), v, IR_NONE);
}

void trans_sahf(X86Tr *s)
{
    if (s->bits == 64 && !tr_has(s, F_LAHF64)) {
        tr_raise(s, 6);
        return;
    }
    IrVal v = tr_temp(s);
    ir_emit(s->b, OP_exth, W64, v, IR_G(R_AX), IR_NONE);
    ir_emit(s->b, OP_setf, W64, IR_NONE, v, IR_NONE)->fw = FL_ALL & ~FL_O;
}

void trans_salc(X86Tr *s)
{
    IrVal a = IR_G(R_AX);
    ir_alu(s->b, OP_sbb, W8, a, a, a, 0);
}

/* ---- decimal ---- */

void trans_daa(X86Tr *s)
{
    tr_call_void(s, HELPER_daa, tr_const(s, s->i.row->arg), IR_NONE, IR_NONE);
}

void trans_aam(X86Tr *s)
{
    tr_call_void(s, HELPER_aam, tr_const(s, s->i.imm & 255), tr_const(s, 0), IR_NONE);
}

void trans_aad(X86Tr *s)
{
    tr_call_void(s, HELPER_aam, tr_const(s, s->i.imm & 255), tr_const(s, 1), IR_NONE);
}

void trans_xlat(X86Tr *s)
{
    IrVal al = tr_zext(s, W8, IR_G(R_AX)), v = tr_temp(s);
    ir_lea(s->b, s->i.asz == W64 ? W64 : W32, v, IR_G(R_BX), al, 0, 0);
    if (s->i.asz == W16) {
        v = tr_zext(s, W16, v);
    }
    IrVal x = tr_read(s, W8, tr_linear(s, s->i.seg >= 0 ? s->i.seg : S_DS, v, 1, false));
    ir_mov(s->b, W8, IR_G(R_AX), x);
}

void trans_bound(X86Tr *s)
{
    IrVal addr = tr_ea(s, 2u << s->i.osz, false);
    tr_call_void(s, HELPER_bound, IR_G(s->i.reg), addr, tr_const(s, s->i.osz));
}
