/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the A64 translators share.
 */
#ifndef TARGET_ARM_TRANSLATE_A64_H
#define TARGET_ARM_TRANSLATE_A64_H

#include "target/arm/a64_insns.h"
#include "target/arm/translate.h"

/* Width of an operation by its sf bit. */
static inline IrWidth a64_w(unsigned sf)
{
    return sf ? W64 : W32;
}
static inline int64_t a64_signed(uint64_t v, unsigned bits)
{
    return (int64_t)(v << (64 - bits)) >> (64 - bits);
}
/*
 * The immediate that the instruction before this one in the block moved to X<n> as its only effect, or NULL: the
 * constant can be folded, and the move be changed when this instruction overwrites X<n>.
 */
static inline IrOp *a64_known(ArmTr *s, unsigned n)
{
    int i = s->b->n_ops - 1;
    while (i >= 0 && s->b->ops[i].op == OP_insn) {
        i--;
    }
    IrOp *o = i >= 0 ? &s->b->ops[i] : NULL;
    return n != 31 && o && o->op == OP_mov && o->w == W64 && o->a == IR_IMM && o->dst == IR_G(n) ? o : NULL;
}
/* rd = imm, where the instruction's only source was the constant `known`. */
static inline void a64_set_const(ArmTr *s, unsigned rd, unsigned known_reg, IrOp *known, uint64_t imm)
{
    if (rd == known_reg) {
        known->imm = (int64_t)imm;
    } else {
        ir_movi(s->b, W64, IR_G(rd), (int64_t)imm);
    }
}
/* C = 1 in Arm's sense of an instruction that sets it to 0 after a logical operation: the IR has it inverted. */
static inline void a64_logic_flags(ArmTr *s)
{
    IrOp *o = ir_emit(s->b, OP_setf, W64, IR_NONE, IR_IMM, IR_NONE);
    o->imm = 1;
    o->fw = FL_C;
}
/* NZCV = v: bits 3:0 of an instruction's field. */
static inline void a64_set_nzcv(ArmTr *s, unsigned v)
{
    IrOp *o = ir_emit(s->b, OP_setf, W64, IR_NONE, IR_IMM, IR_NONE);
    o->imm = (v & 8) << 4 | (v & 4) << 4 | !(v & 2) | (v & 1) << 11;
    o->fw = FL_ALL;
}
/* NZCV of a 64-bit value's bits 31:28, into the flags. Arm's carry is inverted. */
void a64_flags_from(ArmTr *s, IrVal nzcv);
/* NZCV in bits 31:28, other bits 0. */
IrVal a64_flags_value(ArmTr *s);

/*
 * BR, BLR and their authenticating forms to `to` (a temp, or a register that is not X30 when linking); rn: register of the
 * target. Writes X30 when kind is 1.
 */
void a64_indirect_branch(ArmTr *s, IrVal to, unsigned rn, int kind);

/* Base register of an access: X<n> or SP, the latter checked for its alignment (SCTLR.SA). */
IrVal a64_base(ArmTr *s, unsigned n);
/* SP is written: with what keeps it a multiple of 16, if it was one, or anything. */
static inline void a64_sp_written(ArmTr *s, bool keeps)
{
    s->sp_checked = s->sp_checked && keeps;
}

#endif
