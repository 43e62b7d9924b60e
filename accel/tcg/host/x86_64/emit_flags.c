/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the guest's arithmetic flags are. H: those valid in the host's flags,
 * M: those valid in env->cc, R: all can be computed from registers (see
 * emit_recipe.c). At every point the live flags are all in one of them; at block
 * entries, labels and calls they are in M.
 */
#include "accel/tcg/host/x86_64/emit.h"

static Rm cc_home(const Emit *e, int byte)
{
    return rm_gs(V_ENV(e->hc->target->cc_offset) + byte);
}

/*
 * Host flags to env->cc, through a register: a pop to memory takes 1.2 ns, this is hidden
 * behind other work. The stack pointer is balanced and no flag changes.
 */
void flags_spill(Emit *e, int reg)
{
    Asm *a = &e->a;
    e8(a, 0x9c); /* pushfq */
    if (reg < 0) {
        ins(a, 0x8f, W32, 0, cc_home(e, 0));
        return;
    }
    if (reg >= 8) {
        e8(a, 0x41);
    }
    e8(a, 0x58 | (reg & 7)); /* pop */
    a_store(a, W64, cc_home(e, 0), (unsigned)reg);
}

/* Back into host flags with a register that is free, or that the recipe does not name. */
static void recompute_here(Emit *e)
{
    int s = RAX;
    unsigned free = e->scratch & ~e->busy & ~e->lock;
    if (free || recipe_direct(e, &e->recipe)) {
        flags_recompute(e, &e->recipe, free ? __builtin_ctz(free) : -1);
        e->H = FL_ALL;
        return;
    }
    for (int i = 0; i < 2; i++) {
        IrVal v = i ? e->recipe.b : e->recipe.a;
        s += ir_is_global(v) && e->greg[ir_global(v)] == s;
    }
    for (int i = 0; i < 2; i++) { /* twice: the first step may have met the other operand */
        IrVal v = i ? e->recipe.b : e->recipe.a;
        s += ir_is_global(v) && e->greg[ir_global(v)] == s;
    }
    a_store(&e->a, W64, rm_gs(V_SCRATCH(3)), (unsigned)s);
    flags_recompute(e, &e->recipe, s);
    a_mov(&e->a, W64, (unsigned)s, rm_gs(V_SCRATCH(3)));
    e->H = FL_ALL;
}

void flags_save(Emit *e, unsigned need)
{
    if (!(need & ~e->M)) {
        return;
    }
    if ((need & ~e->H) && e->R) {
        recompute_here(e);
    }
    if (need & ~e->M & e->H) {
        g_assert(!(need & ~e->H));
        unsigned free = e->scratch & ~e->busy & ~e->lock;
        flags_spill(e, free ? __builtin_ctz(free) : -1);
        e->M = e->H;
    }
}

void flags_clobber(Emit *e, unsigned need)
{
    flags_save(e, need);
    e->H = 0;
}

/*
 * env->cc to host flags without popf: C P A Z S by SAHF, O by an addition that
 * overflows exactly when it is set. AX is borrowed.
 */
static void reload(Emit *e)
{
    Asm *a = &e->a;
    a_store(a, W64, rm_gs(V_SCRATCH(3)), RAX);
    ins(a, O_0F | 0xb6, W32, RAX, cc_home(e, 1));   /* O is bit 3 here */
    ins(a, O_NOREX | 0x8a, W8, RSP, cc_home(e, 0)); /* AH */
    e8(a, 0x24);                                    /* and al, 8 */
    e8(a, 8);
    e8(a, 0x04); /* add al, 0x78 */
    e8(a, 0x78);
    e8(a, 0x9e); /* sahf */
    a_mov(a, W64, RAX, rm_gs(V_SCRATCH(3)));
    e->H = e->M; /* what is not valid there is not valid here */
}

void flags_load(Emit *e, unsigned need)
{
    if (!(need & ~e->H)) {
        return;
    }
    if ((need & ~e->M) && e->R) {
        recompute_here(e);
        return;
    }
    if (need == FL_C) {
        ins(&e->a, O_0F | 0xba, W32, 4, cc_home(e, 0)); /* bt cc, 0 */
        e8(&e->a, 0);
        e->H = (e->H & ~(unsigned)FL_ALL) | FL_C;
        return;
    }
    reload(e);
}

/* Conditions of one flag, or of two that may be or-ed, are tested in env->cc itself. */
unsigned flags_cond(Emit *e, unsigned cc)
{
    static const uint8_t bits[8] = {0x88, 0x01, 0x40, 0x41, 0x80, 0x04, 0, 0};
    if (!(ir_cond_flags((IrCond)cc) & ~e->H)) {
        return cc;
    }
    unsigned m = bits[cc >> 1];
    if ((ir_cond_flags((IrCond)cc) & ~e->M) && e->R) {
        recompute_here(e);
        return cc;
    }
    if (!m) {
        reload(e);
        return cc;
    }
    bool o = cc >> 1 == CC_O >> 1;
    ins(&e->a, 0xf6, W8, 0, cc_home(e, o)); /* test byte, imm: H must not be live */
    e8(&e->a, o ? 8 : m);
    e->H = 0;
    return CC_NE ^ (cc & 1); /* set: not zero */
}

bool flags_avoid(const Emit *e, const IrOp *op, unsigned clobber)
{
    unsigned live = flags_live(op);
    return !(live & op->fw) && (live & clobber & e->H);
}

void flags_begin(Emit *e, const IrOp *op, unsigned clobber)
{
    unsigned live = flags_live(op), keep = live & ~op->fw;
    e->merge = false;
    if (recipe_survives(e, op)) {
        return;
    }
    if (keep & ~e->H & ~e->M) {
        flags_save(e, keep); /* in R only, which this op ends */
    }
    if (!(live & op->fw)) {
        if (keep & clobber) {
            flags_save(e, keep);
        }
    } else if (keep & clobber) {
        flags_save(e, keep);
        e->merge = true;
    } else if (keep) {
        flags_load(e, keep);
    }
}

/* The op's flags into env->cc beside those it must not change. */
static void merge(Emit *e, unsigned fw)
{
    Asm *a = &e->a;
    uint32_t m = (uint32_t)ir_flags_to_eflags((uint8_t)fw);
    a_store(a, W64, rm_gs(V_SCRATCH(3)), RAX);
    e8(a, 0x9c);
    e8(a, 0x58); /* pushfq; pop rax */
    a_alu_i(a, 4, W32, rm_r(RAX), m, 0);
    a_alu_i(a, 4, W32, cc_home(e, 0), (int32_t)~m, 0);
    a_alu_mr(a, 1, W32, cc_home(e, 0), RAX, 0);
    a_mov(a, W64, RAX, rm_gs(V_SCRATCH(3)));
    e->M |= fw;
    e->H = 0;
}

void flags_end(Emit *e, const IrOp *op, unsigned clobber)
{
    if (op->fw) {
        e->R = 0;
    }
    if (e->merge) {
        merge(e, op->fw);
        e->merge = false;
        return;
    }
    e->H &= ~clobber;
    e->M &= ~op->fw;
    if (flags_live(op) & op->fw) {
        e->H |= op->fw;
    }
}

/* ---- the flag word as a value ---- */

void emit_getf(Emit *e, const IrOp *op)
{
    flags_clobber(e, FL_ALL);
    bool mem = val_in_mem(e, op->dst);
    int r = mem ? reg_alloc(e) : dst_reg(e, op->dst, false);
    a_mov(&e->a, W32, (unsigned)r, cc_home(e, 0));
    a_alu_i(&e->a, 4, W32, rm_r(r), CC_EFLAGS_MASK, 0);
    dst_done(e, op->dst, r, W64);
}

/* All of what is live is replaced: the value goes to env->cc. */
static void setf_whole(Emit *e, const IrOp *op)
{
    if (op->a == IR_IMM) {
        a_storei(&e->a, W64, cc_home(e, 0), op->imm & CC_EFLAGS_MASK);
    } else {
        a_store(&e->a, W64, cc_home(e, 0), (unsigned)val_reg(e, op->a));
    }
    e->M = FL_ALL;
    e->H = 0;
}

static void setf_part(Emit *e, const IrOp *op, unsigned keep)
{
    Asm *a = &e->a;
    uint32_t m = (uint32_t)ir_flags_to_eflags(op->fw);
    flags_clobber(e, keep);
    if (op->a == IR_IMM) {
        a_alu_i(a, 4, W32, cc_home(e, 0), (int32_t)~m, 0);
        a_alu_i(a, 1, W32, cc_home(e, 0), (int32_t)(op->imm & m), 0);
    } else {
        int r = val_copy(e, op->a, 0);
        a_alu_i(a, 4, W32, rm_r(r), (int32_t)m, 0);
        a_alu_i(a, 4, W32, cc_home(e, 0), (int32_t)~m, 0);
        a_alu_mr(a, 1, W32, cc_home(e, 0), (unsigned)r, 0);
    }
    e->M |= op->fw;
}

/* One-byte instructions may not stand at the entry: see host_kill_block(). */
static void one_byte(Emit *e, unsigned opcode)
{
    if (e->a.p == e->entry) {
        e8(&e->a, 0x66);
        e8(&e->a, 0x90);
    }
    e8(&e->a, opcode);
}

/*
 * The carry alone is set, cleared or inverted, by this instruction. While there is a recipe for the flags it goes there;
 * the host's flags follow if they are all that is live.
 */
static bool carry_in_recipe(Emit *e, const IrOp *op, RecipeCarry how, unsigned opcode)
{
    unsigned live = flags_live(op);
    if (!e->R) {
        return false;
    }
    recipe_carry(e, how);
    e->M &= ~FL_C;
    if (!(live & FL_C)) {
        e->H &= ~FL_C;
    } else if (!(live & ~e->H)) {
        one_byte(e, opcode);
        e->H |= FL_C;
    } else {
        e->H = 0;
    }
    return true;
}

void emit_setf(Emit *e, const IrOp *op)
{
    unsigned live = flags_live(op), keep = live & ~op->fw;
    if (op->fw == FL_C && op->a == IR_IMM &&
        carry_in_recipe(e, op, op->imm & 1 ? RECIPE_STC : RECIPE_CLC, op->imm & 1 ? 0xf9 : 0xf8)) {
        return;
    }
    if (keep & ~e->H & ~e->M) {
        flags_save(e, keep);
    }
    e->R = 0;
    if (!(live & op->fw)) {
        e->M &= ~op->fw;
        e->H &= ~op->fw;
    } else if (!keep) {
        setf_whole(e, op);
    } else if (op->fw == FL_C && op->a == IR_IMM && !(keep & ~e->H)) {
        one_byte(e, op->imm & 1 ? 0xf9 : 0xf8); /* stc, clc */
        e->H |= FL_C;
        e->M &= ~FL_C;
    } else {
        setf_part(e, op, keep);
    }
}

void emit_cmc(Emit *e, const IrOp *op)
{
    unsigned live = flags_live(op);
    if (op->fw && carry_in_recipe(e, op, RECIPE_CMC, 0xf5)) {
        return;
    }
    if (live & ~e->H & ~e->M) {
        flags_save(e, live);
    }
    e->R = 0;
    if (!(live & FL_C)) {
        e->M &= ~FL_C;
        e->H &= ~FL_C;
    } else if (!(live & ~e->H)) {
        one_byte(e, 0xf5);
        e->H |= FL_C;
        e->M &= ~FL_C;
    } else {
        flags_clobber(e, live);
        a_alu_i(&e->a, 6, W32, cc_home(e, 0), 1, 0); /* xor */
    }
}
