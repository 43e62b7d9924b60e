/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operands of instructions: effective and linear addresses (SDM vol 1, 3.7.5),
 * registers with the high-byte rule, immediates, the stack.
 */
#include "target/i386/translate.h"

IrWidth tr_width(const X86Tr *s, int n)
{
    switch (s->i.row->op[n].sz) {
    case SZ_B:
        return W8;
    case SZ_W:
        return W16;
    case SZ_D:
        return W32;
    case SZ_Q:
        return W64;
    case SZ_Y:
        return s->i.osz == W64 ? W64 : W32;
    case SZ_Z:
        return s->i.osz == W16 ? W16 : W32;
    default:
        return (IrWidth)s->i.osz;
    }
}

bool tr_is_mem(const X86Tr *s, int n)
{
    switch (s->i.row->op[n].am) {
    case AM_M:
    case AM_O:
        return true;
    case AM_E:
    case AM_W:
    case AM_Q:
        return s->i.mod != 3;
    default:
        return false;
    }
}

int tr_reg(const X86Tr *s, int n)
{
    switch (s->i.row->op[n].am) {
    case AM_G:
        return s->i.reg;
    case AM_Z:
        return s->i.zreg;
    case AM_B:
        return s->i.vvvv;
    case AM_FIX:
        return s->i.row->op[n].n;
    default:
        return s->i.rm;
    }
}

/* ---- addresses ---- */

int tr_seg(const X86Tr *s)
{
    if (s->i.seg >= 0) {
        return s->i.seg;
    }
    if (s->i.mod == 3) {
        return S_DS; /* moffs */
    }
    return s->i.base == R_SP || s->i.base == R_BP ? S_SS : S_DS;
}

static IrVal wrap_address(X86Tr *s, IrVal v)
{
    return s->i.asz == W16 ? tr_zext(s, W16, v) : v;
}

/* base + index * 2^scale + disp, not wrapped to 16 bits. */
static IrVal address_sum(X86Tr *s)
{
    const X86Insn *i = &s->i;
    if (i->base == X86_REG_RIP) {
        uint64_t a = s->next + (uint64_t)i->disp;
        return tr_const(s, (int64_t)(i->asz == W32 ? (uint32_t)a : a));
    }
    if (i->base == X86_REG_NONE && i->index == X86_REG_NONE) {
        uint64_t a = (uint64_t)i->disp;
        return tr_const(s, (int64_t)(i->asz == W64 ? a : (uint32_t)a));
    }
    if (i->index == X86_REG_NONE && i->disp == 0 && i->asz == W64) {
        return IR_G(i->base);
    }
    IrVal v = tr_temp(s);
    ir_lea(s->b, i->asz == W64 ? W64 : W32, v, i->base == X86_REG_NONE ? IR_NONE : IR_G(i->base),
           i->index == X86_REG_NONE ? IR_NONE : IR_G(i->index), i->scale, i->disp);
    return v;
}

IrVal tr_offset(X86Tr *s)
{
    if (s->i.row->imm == IMM_O) {
        return tr_const(s, s->i.imm);
    }
    return wrap_address(s, address_sum(s));
}

IrVal tr_linear(X86Tr *s, int seg, IrVal offset, unsigned size, bool write)
{
    if (s->bits == 64) {
        if (seg < S_FS) {
            return offset;
        }
        IrVal base = tr_ldenv(s, W64, ENV_SEG(seg, base)), v = tr_temp(s);
        ir_lea(s->b, W64, v, offset, base, 0, 0);
        return v;
    }
    bool flat_cs = seg == S_CS && !write && (s->mode & MODE_FLATCODE) && !(s->mode >> 32);
    if ((seg != S_FS && seg != S_GS && seg != S_CS && (s->mode & MODE_FLATDATA)) || flat_cs) {
        return offset;
    }
    return tr_call(s, HELPER_seg_check, tr_const(s, seg), offset,
                   tr_const(s, (int64_t)size | (int64_t)write << 8));
}

IrVal tr_ea(X86Tr *s, unsigned size, bool write)
{
    return tr_linear(s, tr_seg(s), tr_offset(s), size, write);
}

IrVal tr_ea_plus(X86Tr *s, IrVal extra, unsigned size, bool write)
{
    IrVal v = tr_temp(s);
    ir_lea(s->b, s->i.asz == W64 ? W64 : W32, v, address_sum(s), extra, 0, 0);
    return tr_linear(s, tr_seg(s), wrap_address(s, v), size, write);
}

/* ---- registers and values ---- */

bool tr_high8(const X86Tr *s, IrWidth w, int reg)
{
    return w == W8 && !s->i.rex && reg >= 4 && reg < 8;
}

IrVal tr_reg_in(X86Tr *s, IrWidth w, int reg)
{
    if (!tr_high8(s, w, reg)) {
        return IR_G(reg);
    }
    IrVal v = tr_temp(s);
    ir_emit(s->b, OP_exth, W64, v, IR_G(reg - 4), IR_NONE);
    return v;
}

void tr_reg_out(X86Tr *s, IrWidth w, int reg, IrVal v)
{
    if (tr_high8(s, w, reg)) {
        ir_emit(s->b, OP_insh, W64, IR_G(reg - 4), v, IR_NONE);
    } else {
        ir_mov(s->b, w, IR_G(reg), v);
    }
}

IrVal tr_zext(X86Tr *s, IrWidth w, IrVal v)
{
    IrVal d = tr_temp(s);
    if (w == W64) {
        ir_mov(s->b, W64, d, v);
    } else {
        ir_emit(s->b, OP_zext, w, d, v, IR_NONE);
    }
    return d;
}

IrVal tr_read(X86Tr *s, IrWidth w, IrVal addr)
{
    IrVal v = tr_temp(s);
    ir_ld(s->b, w, v, addr, s->mmu);
    return v;
}

Src tr_src(X86Tr *s, int n)
{
    const X86OpSpec *o = &s->i.row->op[n];
    IrWidth w = tr_width(s, n);
    if (o->am == AM_I) {
        return (Src){IR_IMM, s->i.imm};
    }
    if (o->am == AM_ONE) {
        return (Src){IR_IMM, 1};
    }
    if (tr_is_mem(s, n)) {
        return (Src){tr_read(s, w, tr_ea(s, 1u << w, false)), 0};
    }
    return (Src){tr_reg_in(s, w, tr_reg(s, n)), 0};
}

IrVal tr_value(X86Tr *s, int n)
{
    Src v = tr_src(s, n);
    return v.v == IR_IMM ? tr_const(s, v.imm) : v.v;
}

IrOp *tr_alu(X86Tr *s, IrOpcode op, IrWidth w, IrVal dst, IrVal a, Src b, uint8_t fw)
{
    IrOp *o = ir_emit(s->b, op, w, dst, a, b.v);
    o->fw = fw;
    o->imm = b.imm;
    return o;
}

/* ---- stack ---- */

IrVal tr_push_addr(X86Tr *s, unsigned bytes, IrVal *new_sp)
{
    IrVal sp = tr_temp(s);
    ir_lea(s->b, s->ssz == W64 ? W64 : W32, sp, IR_G(R_SP), IR_NONE, 0, -(int64_t)bytes);
    if (s->ssz == W16) {
        sp = tr_zext(s, W16, sp);
    }
    *new_sp = sp;
    return tr_linear(s, S_SS, sp, bytes, true);
}

void tr_set_sp(X86Tr *s, IrVal new_sp)
{
    ir_mov(s->b, s->ssz, IR_G(R_SP), new_sp);
}

void tr_push(X86Tr *s, IrWidth w, IrVal v)
{
    IrVal sp, addr = tr_push_addr(s, 1u << w, &sp);
    ir_st(s->b, w, addr, v, s->mmu);
    tr_set_sp(s, sp);
}

IrVal tr_pop(X86Tr *s, IrWidth w)
{
    IrVal sp = s->ssz == W64 ? IR_G(R_SP) : tr_zext(s, s->ssz, IR_G(R_SP));
    return tr_read(s, w, tr_linear(s, S_SS, sp, 1u << w, false));
}

void tr_add_sp(X86Tr *s, int64_t bytes)
{
    ir_lea(s->b, s->ssz, IR_G(R_SP), IR_G(R_SP), IR_NONE, 0, bytes);
}
