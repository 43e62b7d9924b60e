/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads and stores of two times 64 bits: one TLB check, and one access if that is to be atomic and is aligned (README.md).
 */
#include "accel/tcg/host/x86_64/emit.h"

#define VMOVAPS_LOAD (O_0F | 0x28)
#define VMOVAPS_STORE (O_0F | 0x29)
#define VMOVQ_TO_XMM (O_66 | O_0F | 0x6e)
#define VMOVQ_FROM_XMM (O_66 | O_0F | 0x7e)
#define VPINSRQ (O_66 | O_0F3A | 0x22)
#define VPEXTRQ (O_66 | O_0F3A | 0x16)

static Rm half(const Slow *s, int n)
{
    return rm_m(s->s1, s->s2, 0, 8 * n);
}

/* dst is s1 or another register than both, dst2 s2 or another one. */
static void load_halves(Asm *a, const Slow *s)
{
    if (s->dst2 != s->s2) {
        a_mov(a, W64, (unsigned)s->dst2, half(s, 1));
        a_mov(a, W64, (unsigned)s->dst, half(s, 0));
    } else if (s->dst != s->s1) {
        a_mov(a, W64, (unsigned)s->dst, half(s, 0));
        a_mov(a, W64, (unsigned)s->dst2, half(s, 1));
    } else {
        a_lea(a, W64, s->s1, half(s, 0));
        a_mov(a, W64, (unsigned)s->dst2, rm_m(s->s1, -1, 0, 8));
        a_mov(a, W64, (unsigned)s->dst, rm_m(s->s1, -1, 0, 0));
    }
}

static void store_half(Asm *a, const Slow *s, int n, Rm val)
{
    if (val.reg < 0) {
        a_mov(a, W64, (unsigned)s->s2, val);
        val = rm_r(s->s2);
    }
    a_store(a, W64, rm_m(s->s1, -1, 0, 8 * n), (unsigned)val.reg);
}

static void store_halves(Asm *a, const Slow *s)
{
    if (s->val.reg >= 0 && s->val2.reg >= 0) {
        a_store(a, W64, half(s, 0), (unsigned)s->val.reg);
        a_store(a, W64, half(s, 1), (unsigned)s->val2.reg);
    } else {
        a_lea(a, W64, s->s1, half(s, 0));
        store_half(a, s, 0, s->val);
        store_half(a, s, 1, s->val2);
    }
}

static void both_halves(Asm *a, const Slow *s)
{
    (s->write ? store_halves : load_halves)(a, s);
}

static void test_low_bits(Asm *a, int reg, unsigned mask)
{
    ins(a, 0xf6, W8, 0, rm_r(reg));
    e8(a, mask);
}

static void to_interpreter(Emit *e, const Slow *s, uint8_t *from)
{
    Slow *i = slow_new(e, SLOW_INTERP, from);
    i->recompute = s->recompute;
    i->recipe = s->recipe;
    i->s1 = s->s1;
    i->insn = s->insn;
    i->size = s->size;
    i->mmu = s->mmu;
}

/* Out of line. s is a copy: there may be a new one. */
void slow_halves(Emit *e, Slow s)
{
    if (!e->hc->line_atomic) {
        test_low_bits(&e->a, s.s2, 7);
        to_interpreter(e, &s, a_jcc(&e->a, CC_NE));
    }
    both_halves(&e->a, &s);
    a_jmp_to(&e->a, s.back);
}

static void one_access(Asm *a, const Slow *s)
{
    if (s->write) {
        ins_vex(a, VMOVQ_TO_XMM, true, false, XMM_SCRATCH, 0, s->val);
        ins_vex(a, VPINSRQ, true, false, XMM_SCRATCH, XMM_SCRATCH, s->val2);
        e8(a, 1);
        ins_vex(a, VMOVAPS_STORE, false, false, XMM_SCRATCH, 0, half(s, 0));
    } else {
        ins_vex(a, VMOVAPS_LOAD, false, false, XMM_SCRATCH, 0, half(s, 0));
        ins_vex(a, VMOVQ_FROM_XMM, true, false, XMM_SCRATCH, 0, rm_r(s->dst));
        ins_vex(a, VPEXTRQ, true, false, XMM_SCRATCH, 0, rm_r(s->dst2));
        e8(a, 1);
    }
}

/* The access after the check that made s. A host without AVX has none of 16 bytes that is atomic. */
static void access_pair(Emit *e, const IrOp *op, const Slow *s)
{
    if (!(op->aux2 & IR_ATOMIC) || e->hc->single_vcpu) {
        both_halves(&e->a, s);
    } else if (!e->hc->vec) {
        to_interpreter(e, s, a_jmp(&e->a));
    } else {
        test_low_bits(&e->a, s->s2, 15);
        uint8_t *from = a_jcc(&e->a, CC_NE);
        one_access(&e->a, s);
        Slow *h = slow_new(e, SLOW_HALVES, from);
        *h = *s;
        h->kind = SLOW_HALVES;
        h->from = from;
        h->back = e->a.p;
    }
}

void emit_ldp(Emit *e, const IrOp *op)
{
    Slow s = *emit_probe(e, op, SLOW_OPERAND, 16, false, 0).slow;
    bool pinned = ir_is_global(op->dst) && !val_in_mem(e, op->dst), pinned2 = ir_is_global(op->c) && !val_in_mem(e, op->c);
    s.dst = pinned ? e->greg[ir_global(op->dst)] : s.s1;
    s.dst2 = pinned2 ? e->greg[ir_global(op->c)] : s.s2;
    access_pair(e, op, &s);
    if (!pinned) {
        dst_set(e, op->dst, s.dst, W64);
    }
    if (!pinned2) {
        dst_set(e, op->c, s.dst2, W64);
    }
}

void emit_stp(Emit *e, const IrOp *op)
{
    Slow s = *emit_probe(e, op, SLOW_OPERAND, 16, true, 0).slow;
    s.val = val_rm(e, op->b);
    s.val2 = val_rm(e, op->c);
    access_pair(e, op, &s);
}
