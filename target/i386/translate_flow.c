/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Branches, calls, returns, the stack, interrupts.
 */
#include "target/i386/translate.h"

/* ---- push and pop ---- */

void trans_push(X86Tr *s)
{
    IrWidth w = s->i.osz;
    Src v = tr_src(s, 0);
    IrVal sp, addr = tr_push_addr(s, 1u << w, &sp);
    if (v.v == IR_IMM) {
        ir_sti(s->b, w, addr, v.imm, s->mmu);
    } else {
        ir_st(s->b, w, addr, v.v, s->mmu);
    }
    tr_set_sp(s, sp);
}

/* A destination in memory addressed by SP sees SP after the pop. */
static void pop_memory(X86Tr *s, IrWidth w)
{
    IrVal v = tr_pop(s, w), addr;
    if (s->i.base == R_SP && s->i.asz != W16) {
        addr = tr_ea_plus(s, tr_const(s, 1 << w), 1u << w, true);
    } else {
        addr = tr_ea(s, 1u << w, true);
    }
    ir_st(s->b, w, addr, v, s->mmu);
    tr_add_sp(s, 1 << w);
}

void trans_pop(X86Tr *s)
{
    IrWidth w = s->i.osz;
    if (tr_is_mem(s, 0)) {
        pop_memory(s, w);
        return;
    }
    int reg = tr_reg(s, 0);
    IrVal v = tr_pop(s, w);
    tr_add_sp(s, 1 << w);
    ir_mov(s->b, w, IR_G(reg), v);
}

void trans_push_seg(X86Tr *s)
{
    IrWidth w = s->i.osz;
    tr_push(s, w, tr_ldenv(s, W16, ENV_SEG(s->i.row->arg, sel)));
}

void trans_pop_seg(X86Tr *s)
{
    int seg = s->i.row->arg;
    IrVal v = tr_zext(s, W16, tr_pop(s, s->i.osz));
    tr_call_void(s, HELPER_load_seg, tr_const(s, seg), v, tr_const(s, seg == S_SS));
    tr_add_sp(s, 1 << s->i.osz);
    if (s->bits != 64 || seg == S_SS) {
        x86_tr_end_next(s);
    }
}

void trans_pusha(X86Tr *s)
{
    IrWidth w = s->i.osz;
    IrVal sp = IR_NONE;
    for (int n = 0; n < 8; n++) {
        IrVal addr = tr_push_addr(s, (unsigned)(n + 1) << w, &sp);
        ir_st(s->b, w, addr, IR_G(n), s->mmu);
    }
    tr_set_sp(s, sp);
}

void trans_popa(X86Tr *s)
{
    IrWidth w = s->i.osz;
    IrVal v[8];
    for (int n = 0; n < 8; n++) {
        if (n != 3) {
            IrVal sp = tr_temp(s);
            ir_lea(s->b, W32, sp, IR_G(R_SP), IR_NONE, 0, n << w);
            if (s->ssz == W16) {
                sp = tr_zext(s, W16, sp);
            }
            v[n] = tr_read(s, w, tr_linear(s, S_SS, sp, 1u << w, false));
        }
    }
    tr_add_sp(s, 8 << w);
    for (int n = 0; n < 8; n++) {
        if (n != 3) {
            ir_mov(s->b, w, IR_G(7 - n), v[n]);
        }
    }
}

void trans_enter(X86Tr *s)
{
    tr_call_void(s, HELPER_enter, tr_const(s, s->i.imm), tr_const(s, s->i.imm2 & 31),
                 tr_const(s, s->i.osz));
}

void trans_leave(X86Tr *s)
{
    IrWidth w = s->i.osz;
    IrVal bp = tr_zext(s, s->ssz, IR_G(R_BP));
    IrVal v = tr_read(s, w, tr_linear(s, S_SS, bp, 1u << w, false));
    ir_lea(s->b, s->ssz, IR_G(R_SP), bp, IR_NONE, 0, 1 << w);
    ir_mov(s->b, w, IR_G(R_BP), v);
}

static bool vm86_needs_iopl(X86Tr *s)
{
    if ((s->mode & MODE_VM86) && tr_iopl(s) < 3 && !(s->mode & MODE_VME)) {
        tr_gp(s);
        return true;
    }
    return false;
}

void trans_pushf(X86Tr *s)
{
    if (!(s->mode & MODE_VM86)) {
        IrVal v = tr_ldenv(s, W64, ENV(s.rflags)), f = tr_temp(s);
        ir_emit(s->b, OP_getf, W64, f, IR_NONE, IR_NONE);
        tr_alu(s, OP_and, W64, v, v, (Src){IR_IMM, ~(int64_t)(0x30000 | CC_EFLAGS_MASK)}, 0);
        tr_alu(s, OP_or, W64, v, v, (Src){f, 0}, 0); /* without RF and VM */
        tr_push(s, s->i.osz, v);
        return;
    }
    if (!vm86_needs_iopl(s)) {
        tr_push(s, s->i.osz, tr_call(s, HELPER_pushf, tr_const(s, s->i.osz), IR_NONE, IR_NONE));
    }
}

void trans_popf(X86Tr *s)
{
    if (vm86_needs_iopl(s)) {
        return;
    }
    IrVal v = tr_pop(s, s->i.osz);
    tr_call_void(s, HELPER_popf, v, tr_const(s, s->i.osz), tr_const(s, (int64_t)s->next));
    tr_add_sp(s, 1 << s->i.osz);
    tr_end_helper(s);
}

/* ---- near branches ---- */

void trans_jcc(X86Tr *s)
{
    x86_tr_end_jcc(s, s->i.opcode & 15, tr_target(s, s->i.imm));
}

static void check_known(X86Tr *s, uint64_t target)
{
    if (s->bits != 64 && !(s->mode & MODE_FLATCODE)) {
        tr_call_void(s, HELPER_code_check, tr_const(s, (int64_t)target), IR_NONE, IR_NONE);
    }
}

void trans_jmp_rel(X86Tr *s)
{
    uint64_t to = tr_target(s, s->i.imm);
    check_known(s, to);
    x86_tr_end_jmp(s, to);
}

static void push_next(X86Tr *s)
{
    IrVal sp, addr = tr_push_addr(s, 1u << s->i.osz, &sp);
    ir_sti(s->b, s->i.osz, addr, (int64_t)s->next, s->mmu);
    tr_set_sp(s, sp);
}

void trans_call_rel(X86Tr *s)
{
    uint64_t to = tr_target(s, s->i.imm);
    check_known(s, to);
    push_next(s);
    x86_tr_end_jmp(s, to);
}

/* Target of an indirect branch in a temp of its own, cut to the operand size. */
static IrVal indirect_target(X86Tr *s)
{
    IrVal v = tr_zext(s, s->i.osz, tr_value(s, 0));
    if (s->bits != 64 && !(s->mode & MODE_FLATCODE)) {
        tr_call_void(s, HELPER_code_check, v, IR_NONE, IR_NONE);
    }
    return v;
}

void trans_jmp_ind(X86Tr *s)
{
    x86_tr_end_ind(s, indirect_target(s), 0);
}

void trans_call_ind(X86Tr *s)
{
    IrVal v = indirect_target(s);
    push_next(s);
    x86_tr_end_ind(s, v, 1);
}

void trans_ret(X86Tr *s)
{
    IrVal v = tr_pop(s, s->i.osz);
    if (s->bits != 64 && !(s->mode & MODE_FLATCODE)) {
        tr_call_void(s, HELPER_code_check, v, IR_NONE, IR_NONE);
    }
    tr_add_sp(s, (1 << s->i.osz) + s->i.imm);
    x86_tr_end_ind(s, v, 2);
}

/* LOOPNE, LOOPE, LOOP, JCXZ (kinds 0..3): the counter is as wide as addresses. */
void trans_loop(X86Tr *s)
{
    IrWidth w = s->i.asz;
    int kind = s->i.row->arg, out = ir_label_new(s->b);
    uint64_t to = tr_target(s, s->i.imm);
    check_known(s, to);
    if (kind == 3) {
        ir_branch(s->b, OP_brnz, w, IR_G(R_CX), out);
    } else {
        ir_lea(s->b, w, IR_G(R_CX), IR_G(R_CX), IR_NONE, 0, -1);
        ir_branch(s->b, OP_brz, w, IR_G(R_CX), out);
        if (kind < 2) {
            ir_branch(s->b, OP_brcc, W64, IR_NONE, out)->cc = kind == 0 ? CC_E : CC_NE;
        }
    }
    x86_tr_end_jmp(s, to);
    tr_other_way(s, out);
    x86_tr_end_jmp(s, s->next);
}

/* ---- far branches ---- */

static IrVal next_and_width(X86Tr *s)
{
    IrWidth w = s->i.osz;
    return tr_const(s, (int64_t)((s->next & ~(3ull << 62)) | (uint64_t)(w - W16) << 62));
}

static void far_imm(X86Tr *s, int helper)
{
    tr_call_void(s, helper, tr_const(s, s->i.imm2),
                 tr_const(s, s->i.osz == W16 ? (uint16_t)s->i.imm : (uint32_t)s->i.imm),
                 next_and_width(s));
    tr_end_helper(s);
}

void trans_jmpf_imm(X86Tr *s)
{
    far_imm(s, HELPER_far_jmp);
}

void trans_callf_imm(X86Tr *s)
{
    far_imm(s, HELPER_far_call);
}

static void far_mem(X86Tr *s, int helper)
{
    IrWidth w = s->i.osz;
    IrVal addr = tr_ea(s, (1u << w) + 2, false), off = tr_read(s, w, addr), a2 = tr_temp(s);
    ir_lea(s->b, W64, a2, addr, IR_NONE, 0, 1 << w);
    IrVal sel = tr_read(s, W16, a2);
    tr_call_void(s, helper, sel, off, next_and_width(s));
    tr_end_helper(s);
}

void trans_jmpf_mem(X86Tr *s)
{
    far_mem(s, HELPER_far_jmp);
}

void trans_callf_mem(X86Tr *s)
{
    far_mem(s, HELPER_far_call);
}

void trans_retf(X86Tr *s)
{
    tr_call_void(s, HELPER_far_ret, tr_const(s, s->i.imm), tr_const(s, s->i.osz), IR_NONE);
    tr_end_helper(s);
}

void trans_iret(X86Tr *s)
{
    if (!vm86_needs_iopl(s)) {
        tr_call_void(s, HELPER_iret, tr_const(s, s->i.osz), IR_NONE, IR_NONE);
        tr_end_helper(s);
    }
}

/* INT n, INT3, INT1: kinds 0, 1, 3 */
void trans_int(X86Tr *s)
{
    int kind = s->i.row->arg, vector = kind == 0 ? (int)(s->i.imm & 255) : kind == 1 ? 3 : 1;
    if (kind == 0 && vm86_needs_iopl(s)) {
        return;
    }
    tr_call_void(s, HELPER_raise_int, tr_const(s, vector), tr_const(s, (int64_t)s->next),
                 tr_const(s, kind));
    tr_end_helper(s);
}

void trans_into(X86Tr *s)
{
    int l = ir_label_new(s->b);
    ir_branch(s->b, OP_brcc, W64, IR_NONE, l)->cc = CC_NO;
    tr_call_void(s, HELPER_raise_int, tr_const(s, 4), tr_const(s, (int64_t)s->next),
                 tr_const(s, 2));
    ir_label(s->b, l);
}

void trans_ud(X86Tr *s)
{
    tr_raise(s, 6);
}
