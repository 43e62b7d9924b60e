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

/*
 * FEAT_LSE2: atomic and ordered accesses need only stay inside 16 bytes (AArch64.UnalignedAccessFaults; a helper
 * knows SCTLR_ELx.nAA for those it applies to).
 */
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

IrVal tr_address(ArmTr *s, IrVal addr, unsigned size, bool write, bool aligned, bool mte_unchecked)
{
    if (size > 1 && (aligned || (s->mode & MODE_ALIGN))) {
        bool lse2 = !(s->mode & (MODE_ALIGN | MODE_A32)) && arm_has(s->config, ARM_FEAT_LSE2);
        (lse2 ? check_within_16 : check_aligned)(s, addr, size, write);
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

IrVal tr_load(ArmTr *s, IrWidth w, IrVal addr, int mmu)
{
    IrVal v = tr_temp(s);
    ir_ld(s->b, w, v, addr, mmu);
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
    }
    return v;
}

void tr_load_to(ArmTr *s, IrWidth w, IrVal dst, IrVal addr, int mmu)
{
    if ((s->mode & MODE_BE) && w > W8) {
        ir_mov(s->b, W64, dst, tr_load(s, w, addr, mmu));
    } else {
        ir_ld(s->b, w, dst, addr, mmu);
    }
}

void tr_store(ArmTr *s, IrWidth w, IrVal addr, IrVal val, int mmu)
{
    if ((s->mode & MODE_BE) && w > W8) {
        IrVal t = tr_temp(s);
        ir_mov(s->b, W64, t, val);
        swap(s, w, t);
        val = t;
    }
    ir_st(s->b, w, addr, val, mmu);
}
