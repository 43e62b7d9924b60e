/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Liveness of flags and temps inside a block. Labels are forward only, so one
 * backward walk meets every label before the branches to it: no iteration.
 * Blocks are assumed to keep the rules of ir.h.
 */
#include "accel/tcg/ir.h"
#include <string.h>

typedef struct FlagSets {
    uint8_t live; /* wanted by readers */
    uint8_t exc;  /* wanted by a later fault */
} FlagSets;

/* Branches join what the label wants; all else is the transfer formula of ir.h. */
static inline void flags_before(const IrBlock *b, const IrOp *op, FlagSets *s, FlagSets *at_label)
{
    switch (op->op) {
    case OP_label:
        at_label[op->imm] = *s;
        return;
    case OP_br:
        *s = at_label[op->imm];
        return;
    case OP_brz:
    case OP_brnz:
    case OP_brcc:
        s->live |= at_label[op->imm].live;
        s->exc |= at_label[op->imm].exc;
        break;
    case OP_jmp:
    case OP_jmpind:
    case OP_exit:
        s->exc = 0;
        break;
    }
    uint8_t keep = ~ir_flags_written(b, op) | ir_flags_kept(op);
    s->live = (s->live & keep) | ir_flags_read(b, op);
    s->exc &= keep;
    if (ir_may_fault(b, op)) {
        s->exc |= FL_ALL;
    }
}

static FlagSets walk_flags(const IrBlock *b, IrOp *ops)
{
    FlagSets at_label[IR_MAX_LABELS]; /* written at the label before any branch reads it */
    FlagSets s = {0, 0};
    for (int i = b->n_ops - 1; i >= 0; i--) {
        IrOp *op = &ops[i];
        op->flive = s.live;
        op->fexc = s.exc & ~s.live;
        flags_before(b, op, &s, at_label);
    }
    return s;
}

void ir_flag_liveness(IrBlock *b)
{
    walk_flags(b, b->ops);
}

bool ir_flags_dead_in(const IrBlock *b)
{
    /* The first op's live-in from its live-out; the first op is an insn in a valid block. */
    if (b->n_ops == 0 || b->ops[0].op != OP_insn) {
        return false;
    }
    return ((b->ops[0].flive | b->ops[0].fexc) & FL_ALL) == 0;
}

/*
 * A temp dies at its last read in program order. As there are no loops, nothing
 * can read it later; that a redefinition might end it earlier is ignored.
 */
void ir_temp_liveness(IrBlock *b)
{
    uint64_t read[IR_MAX_TEMPS / 64];
    memset(read, 0, (size_t)(b->n_temps + 63) / 64 * 8);

#define TEST(v) (read[ir_temp(v) >> 6] >> (ir_temp(v) & 63) & 1)
#define MARK(v) (read[ir_temp(v) >> 6] |= 1ull << (ir_temp(v) & 63))
    for (int i = b->n_ops - 1; i >= 0; i--) {
        IrOp *op = &b->ops[i];
        unsigned dead = 0;
        if (ir_is_temp(op->dst)) {
            dead |= TEST(op->dst) ? 0 : 8;
            if (ir_reads_dst(b, op)) {
                MARK(op->dst);
            }
        }
        /* All three are tested before any is marked: one temp may stand in two places. */
        dead |= ir_is_temp(op->a) && !TEST(op->a) ? 1 : 0;
        dead |= ir_is_temp(op->b) && !TEST(op->b) ? 2 : 0;
        dead |= ir_is_temp(op->c) && !TEST(op->c) ? 4 : 0;
        if (ir_is_temp(op->a)) {
            MARK(op->a);
        }
        if (ir_is_temp(op->b)) {
            MARK(op->b);
        }
        bool c_is_result = (ir_op_info[op->op].shape & IRS_D2) && !ir_reads_dst(b, op);
        if (ir_is_temp(op->c) && !c_is_result) {
            MARK(op->c);
        }
        op->tdead = (uint8_t)dead;
    }
#undef TEST
#undef MARK
}
