/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory for the translators: alignment, byte order, tag checks. Addresses keep their top byte: the TLB is asked
 * for them as they are, and the walk of the tables sees to TBI.
 */
#include "target/arm/translate.h"

/* Raise an alignment fault unless addr is a multiple of size (a power of two). */
static void check_aligned(ArmTr *s, IrVal addr, unsigned size, bool write)
{
    int ok = ir_label_new(s->b);
    IrVal t = tr_temp(s);
    ir_alui(s->b, OP_and, W32, t, addr, (int64_t)size - 1, 0);
    ir_branch(s->b, OP_brz, W32, t, ok);
    tr_call_void(s, HELPER_stage_fault, addr, tr_const(s, write), IR_NONE);
    ir_label(s->b, ok);
}

/* FEAT_LSE2: atomic and ordered accesses need only stay inside 16 bytes. */
static void check_within_16(ArmTr *s, IrVal addr, unsigned size, bool write)
{
    int ok = ir_label_new(s->b);
    IrVal t = tr_temp(s);
    ir_alui(s->b, OP_and, W32, t, addr, 15, 0);
    ir_lea(s->b, W32, t, t, IR_NONE, 0, (int64_t)size - 1);
    ir_alui(s->b, OP_and, W32, t, t, 16, 0);
    ir_branch(s->b, OP_brz, W32, t, ok);
    tr_call_void(s, HELPER_stage_fault, addr, tr_const(s, write), IR_NONE);
    ir_label(s->b, ok);
}

void tr_check_tags(ArmTr *s, IrVal addr, unsigned bytes, bool write, int mmu)
{
    if (!(s->mode & MODE_A32) && (s->mode & (mmu == s->mmu ? MODE_MTE : MODE_MTE_UNPRIV))) {
        tr_call_void(s, HELPER_mte_check, addr, tr_const(s, bytes | (int64_t)write << 16), tr_const(s, mmu));
    }
}

static void check_alignment(ArmTr *s, IrVal addr, unsigned size, bool write, ArmAlign align)
{
    if ((s->mode & MODE_ALIGN) || (align != ALIGN_ANY && !tr_atomic(s))) {
        check_aligned(s, addr, size, write);
    } else if (align == ALIGN_ATOMIC || (align == ALIGN_ORDERED && !(s->mode & MODE_nAA))) {
        check_within_16(s, addr, size, write);
    }
}

IrVal tr_address(ArmTr *s, IrVal addr, unsigned size, bool write, ArmAlign align, bool mte_unchecked)
{
    if (size > 1) {
        check_alignment(s, addr, size, write, align);
    }
    if (!mte_unchecked) {
        tr_check_tags(s, addr, size, write, s->mmu);
    }
    return addr;
}

/* v in the other byte order, in place. */
static void swap(ArmTr *s, IrWidth w, IrVal v)
{
    if (w == W16) {
        ir_alui(s->b, OP_rol, W16, v, v, 8, 0);
    } else if (w >= W32) {
        ir_emit(s->b, OP_bswap, w, v, v, IR_NONE);
    }
}

/* The op just appended is an access of memory. */
static void mark_atomic(ArmTr *s)
{
    s->b->ops[s->b->n_ops - 1].aux2 |= tr_atomic(s);
}

IrVal tr_load(ArmTr *s, IrWidth w, IrVal addr, int mmu)
{
    IrVal v = tr_temp(s);
    ir_ld(s->b, w, v, addr, mmu);
    mark_atomic(s);
    if (s->mode & MODE_BE) {
        swap(s, w, v);
    }
    return v;
}

IrVal tr_load_signed(ArmTr *s, IrWidth w, IrWidth to, IrVal addr, int mmu)
{
    IrVal v = tr_temp(s);
    if ((s->mode & MODE_BE) && w > W8) {
        IrVal raw = tr_load(s, w, addr, mmu);
        ir_emit(s->b, OP_sext, w, v, raw, IR_NONE)->aux = (uint8_t)to;
    } else {
        ir_lds(s->b, w, to, v, addr, mmu);
        mark_atomic(s);
    }
    return v;
}

void tr_load_to(ArmTr *s, IrWidth w, IrVal dst, IrVal addr, int mmu)
{
    if ((s->mode & MODE_BE) && w > W8) {
        ir_mov(s->b, W64, dst, tr_load(s, w, addr, mmu));
    } else {
        ir_ld(s->b, w, dst, addr, mmu);
        mark_atomic(s);
    }
}

void tr_load_signed_to(ArmTr *s, IrWidth w, IrWidth to, IrVal dst, IrVal addr, int mmu)
{
    if ((s->mode & MODE_BE) && w > W8) {
        ir_mov(s->b, W64, dst, tr_load_signed(s, w, to, addr, mmu));
    } else {
        ir_lds(s->b, w, to, dst, addr, mmu);
        mark_atomic(s);
    }
}

/* v in the order of memory: itself, or a copy. */
static IrVal swapped(ArmTr *s, IrWidth w, IrVal v)
{
    if (!(s->mode & MODE_BE) || w == W8) {
        return v;
    }
    IrVal t = tr_temp(s);
    ir_mov(s->b, W64, t, v);
    swap(s, w, t);
    return t;
}

void tr_store(ArmTr *s, IrWidth w, IrVal addr, IrVal val, int mmu)
{
    ir_st(s->b, w, addr, swapped(s, w, val), mmu);
    mark_atomic(s);
}

void tr_store_zero(ArmTr *s, IrWidth w, IrVal addr, int mmu)
{
    ir_sti(s->b, w, addr, 0, mmu);
    mark_atomic(s);
}

static void pair(ArmTr *s, IrOpcode op, IrVal dst, IrVal b, IrVal c, IrVal addr, int mmu)
{
    IrOp *o = ir_emit(s->b, op, W64, dst, addr, b);
    o->c = c;
    o->aux = (uint8_t)mmu;
    o->aux2 = tr_atomic(s);
}

void tr_load_pair(ArmTr *s, IrVal first, IrVal second, IrVal addr, int mmu)
{
    pair(s, OP_ldp, first, IR_NONE, second, addr, mmu);
    if (s->mode & MODE_BE) {
        swap(s, W64, first);
        swap(s, W64, second);
    }
}

void tr_store_pair(ArmTr *s, IrVal addr, IrVal first, IrVal second, int mmu)
{
    IrVal a = swapped(s, W64, first), b = swapped(s, W64, second);
    pair(s, OP_stp, IR_NONE, a, b, addr, mmu);
}
