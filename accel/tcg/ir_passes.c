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

/*
 * How an opcode treats the sets; PLAIN, the most: reads none, overwrites op->fw. Made for speed, as
 * this walk is a good part of the translation of a block; the functions of ir.h say the same in full.
 */
enum { PLAIN = 0, READS_C, SHIFT, SHIFT_C, COND, SPECIAL };
static const uint8_t kinds[OP__COUNT] = {
    [OP_adc] = READS_C,    [OP_sbb] = READS_C,    [OP_cmc] = READS_C,  [OP_shl] = SHIFT,
    [OP_shr] = SHIFT,      [OP_sar] = SHIFT,      [OP_rol] = SHIFT,    [OP_ror] = SHIFT,
    [OP_shld] = SHIFT,     [OP_shrd] = SHIFT,     [OP_rcl] = SHIFT_C,  [OP_rcr] = SHIFT_C,
    [OP_cmov] = COND,      [OP_setcc] = COND,     [OP_getf] = SPECIAL, [OP_rmw] = SPECIAL,
    [OP_hostop] = SPECIAL, [OP_call] = SPECIAL,   [OP_label] = SPECIAL, [OP_br] = SPECIAL,
    [OP_brz] = SPECIAL,    [OP_brnz] = SPECIAL,   [OP_brcc] = SPECIAL, [OP_jcc] = SPECIAL,
    [OP_jmp] = SPECIAL,    [OP_jmpind] = SPECIAL, [OP_exit] = SPECIAL,
};

static inline void apply(FlagSets *s, uint8_t keep, uint8_t read, uint8_t fault)
{
    s->live = (s->live & keep) | read;
    s->exc = (s->exc & keep) | fault;
}

/* Branches join what the label wants; all else is the transfer formula of ir.h. */
static __attribute__((noinline)) void flags_before_special(const IrBlock *b, const IrOp *op,
                                                           FlagSets *s, FlagSets *at_label)
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
    apply(s, ~ir_flags_written(b, op) | ir_flags_kept(op), ir_flags_read(b, op),
          ir_may_fault(b, op) ? FL_ALL : 0);
}

static inline void flags_before(const IrBlock *b, const IrOp *op, FlagSets *s, FlagSets *at_label)
{
    switch (kinds[op->op]) {
    case PLAIN:
        apply(s, ~op->fw, 0, ir_op_info[op->op].props & IRP_F ? FL_ALL : 0);
        break;
    case READS_C:
        apply(s, ~op->fw, FL_C, 0);
        break;
    case SHIFT:
    case SHIFT_C:
        apply(s, op->fw ? ~op->fw | ir_flags_kept(op) : 0xff,
              kinds[op->op] == SHIFT_C ? FL_C : 0, 0);
        break;
    case COND:
        apply(s, 0xff, ir_cond_flags(op->cc), 0);
        break;
    default:
        flags_before_special(b, op, s, at_label);
        break;
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
