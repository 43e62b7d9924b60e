/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files translate*.c share: the translator's state for one block and
 * operand access. A trans function writes the IR of one instruction; it gets
 * the decoded instruction in s->i and must leave no fault behind a write to a
 * global or the flags (ir.h).
 */
#ifndef TARGET_I386_TRANSLATE_H
#define TARGET_I386_TRANSLATE_H

#include <stddef.h>
#include "accel/tcg/target.h"
#include "target/i386/decode.h"
#include "target/i386/env.h"
#include "target/i386/helper.h"

typedef struct X86Tr {
    TcgTranslate *t;
    IrBlock *b;
    const X86CpuConfig *config; /* NULL in tests of the translator alone: every feature */
    X86Insn i;
    uint64_t mode;
    uint64_t next;      /* pc of the following instruction, wrapped to the code size's IP width */
    int bits;           /* 16, 32, 64 */
    int mmu;
    IrWidth ssz;        /* width of stack addresses */
    bool ended;         /* the instruction left the block */
    bool to_loop;       /* every end must go through the loop: TF, interrupt shadow */
    bool after_sti;     /* the next instruction is the last of the block, and STI's shadow */
} X86Tr;

typedef void X86TransFn(X86Tr *s);
#define T(name) X86TransFn trans_##name;
X86_TRANS_LIST(T)
#undef T

void x86_translate(TcgTranslate *t);

/* A source operand: a value, or IR_IMM with imm. */
typedef struct Src {
    IrVal v;
    int64_t imm;
} Src;

static inline IrVal tr_temp(X86Tr *s)
{
    return ir_temp_new(s->b);
}
static inline IrVal tr_const(X86Tr *s, int64_t imm)
{
    IrVal v = tr_temp(s);
    ir_movi(s->b, W64, v, imm);
    return v;
}
static inline int tr_cpl(const X86Tr *s)
{
    return (int)(s->mode >> MODE_CPL_SHIFT) & 3;
}
static inline int tr_iopl(const X86Tr *s)
{
    return (int)(s->mode >> MODE_IOPL_SHIFT) & 3;
}
/* Protected mode proper: PE and not virtual-8086. */
static inline bool tr_protected(const X86Tr *s)
{
    return (s->mode & MODE_PE) && !(s->mode & MODE_VM86);
}
bool tr_has(const X86Tr *s, int feature);

/* ---- ends of blocks (translate.c) ---- */
void tr_raise(X86Tr *s, int vector);              /* #UD, #NM: no error code; ends */
void tr_gp(X86Tr *s);                             /* #GP(0); ends */
void x86_tr_end_jmp(X86Tr *s, uint64_t target);       /* leave to a known pc */
void x86_tr_end_jcc(X86Tr *s, IrCond cc, uint64_t target);
void tr_other_way(X86Tr *s, int label);           /* label behind an end: the branch not taken */
void x86_tr_end_ind(X86Tr *s, IrVal target, int kind);
void x86_tr_end_next(X86Tr *s);                       /* leave to the loop at the next instruction */
void tr_end_helper(X86Tr *s);                     /* leave to the loop; a helper has set rip */
void tr_end_to_loop(X86Tr *s);
uint64_t tr_target(const X86Tr *s, int64_t offset); /* branch target from the next instruction */

/* ---- operands (translate_operand.c) ---- */
IrWidth tr_width(const X86Tr *s, int n);          /* of operand n */
bool tr_is_mem(const X86Tr *s, int n);
int tr_reg(const X86Tr *s, int n);                /* register number of operand n */
IrVal tr_offset(X86Tr *s);                        /* effective address, zero-extended, no segment */
IrVal tr_linear(X86Tr *s, int seg, IrVal offset, unsigned size, bool write);
IrVal tr_ea(X86Tr *s, unsigned size, bool write); /* linear address of the memory operand */
IrVal tr_ea_plus(X86Tr *s, IrVal extra, unsigned size, bool write); /* with extra added to the offset */
int tr_seg(const X86Tr *s);                       /* segment of the memory operand */
bool tr_high8(const X86Tr *s, IrWidth w, int reg);
IrVal tr_reg_in(X86Tr *s, IrWidth w, int reg);    /* value in its low bits; AH.. through a temp */
void tr_reg_out(X86Tr *s, IrWidth w, int reg, IrVal v);
IrVal tr_read(X86Tr *s, IrWidth w, IrVal addr);
IrVal tr_value(X86Tr *s, int n);                  /* operand n as a value; loads memory */
Src tr_src(X86Tr *s, int n);                      /* the same, immediates stay so */
IrVal tr_zext(X86Tr *s, IrWidth w, IrVal v);      /* in a fresh temp */
IrOp *tr_alu(X86Tr *s, IrOpcode op, IrWidth w, IrVal dst, IrVal a, Src b, uint8_t fw);

/* ---- stack ---- */
IrVal tr_push_addr(X86Tr *s, unsigned bytes, IrVal *new_sp); /* linear address; SP not yet changed */
void tr_set_sp(X86Tr *s, IrVal new_sp);
void tr_push(X86Tr *s, IrWidth w, IrVal v);       /* store, then SP */
IrVal tr_pop(X86Tr *s, IrWidth w);                /* load; SP not yet changed */
void tr_add_sp(X86Tr *s, int64_t bytes);

/* ---- environment ---- */
#define ENV(field) ((int64_t)offsetof(X86Env, field))
#define ENV_SEG(n, field) \
    ((int64_t)(offsetof(X86Env, s.seg) + (size_t)(n) * sizeof(X86Seg) + offsetof(X86Seg, field)))
static inline IrVal tr_ldenv(X86Tr *s, IrWidth w, int64_t offset)
{
    IrVal v = tr_temp(s);
    ir_emit(s->b, OP_ldenv, w, v, IR_NONE, IR_NONE)->imm = offset;
    return v;
}
static inline void tr_stenv(X86Tr *s, IrWidth w, int64_t offset, IrVal v)
{
    ir_emit(s->b, OP_stenv, w, IR_NONE, v, IR_NONE)->imm = offset;
}
/* Call with constant arguments where negative-free; IR_NONE leaves one out. */
static inline IrVal tr_call(X86Tr *s, int helper, IrVal a, IrVal b, IrVal c)
{
    IrVal v = tr_temp(s);
    ir_call(s->b, helper, v, a, b, c);
    return v;
}
static inline void tr_call_void(X86Tr *s, int helper, IrVal a, IrVal b, IrVal c)
{
    ir_call(s->b, helper, IR_NONE, a, b, c);
}
void tr_string(X86Tr *s, int kind);
/* In an SVM guest, before an instruction that passed its gates: leave if it is intercepted (translate_svm.c). */
void tr_svm_intercept(X86Tr *s);

#endif
