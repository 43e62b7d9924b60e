/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Labels and branches inside a block, and the ways out of it. */
#include "accel/tcg/host/x86_64/emit.h"

void emit_insn(Emit *e, const IrOp *op)
{
    e->insn_pc = (uint64_t)op->imm;
    e->pc_set = false;
}

/* Where paths meet, temps are in their slots and flags in env->cc. */
static void settle(Emit *e, unsigned flags)
{
    flags_save(e, flags);
    for (unsigned m = e->busy; m; m &= m - 1) {
        int r = __builtin_ctz(m);
        if (e->tlast[e->reg_temp[r]] > e->i) {
            temps_spill(e, 1u << r);
        }
    }
}

void emit_label(Emit *e, const IrOp *op)
{
    if (!e->unreachable) {
        settle(e, e->label_live[op->imm]);
    }
    temps_forget(e, ~0u);
    e->unreachable = false;
    e->H = e->R = 0;
    e->M = FL_ALL;
    e->fpu_ok = e->fpu_lost ? IR_FPU_NONE : e->fpu_ok;
    e->label[op->imm] = e->a.p;
}

static void branch_to(Emit *e, int64_t label, uint8_t *field)
{
    if (e->n_fix == e->cap_fix) {
        e->cap_fix = e->cap_fix ? e->cap_fix * 2 : 32;
        e->fix = g_renew(Fixup, e->fix, e->cap_fix);
    }
    e->fix[e->n_fix++] = (Fixup){ field, (int)label };
}

void emit_branch(Emit *e, const IrOp *op)
{
    Asm *a = &e->a;
    unsigned live = e->label_live[op->imm];
    unsigned cc = op->op == OP_brnz ? CC_NE : CC_E;
    if (op->op == OP_br) {
        settle(e, live);
        branch_to(e, op->imm, a_jmp(a));
        e->unreachable = true;
        return;
    }
    if (op->op == OP_brcc) {
        settle(e, live);
        cc = flags_cond(e, op->cc);
    } else {
        settle(e, live | flags_live(op));
        e->H = 0;
        Rm m = val_rm(e, op->a);
        if (m.reg >= 0) {
            ins(a, op->w == W8 ? 0x84 : 0x85, op->w, (unsigned)m.reg, m);
        } else {
            a_alu_i(a, 7, op->w, m, 0, 0);
        }
    }
    branch_to(e, op->imm, a_jcc(a, cc));
}

/*
 * A link to another block holds as long as both are reached through one mapping, that is inside
 * one page. A jump to another page asks the jump cache, whose entries go when mappings do.
 */
static bool same_page(const Emit *e, uint64_t pc)
{
    const TcgTarget *t = e->hc->target;
    uint64_t here = e->ir->pc;
    if (t->code_va) {
        pc = t->code_va(e->ir->mode, pc);
        here = t->code_va(e->ir->mode, here);
    }
    return pc >> 12 == here >> 12;
}

/* r = pc ^ jc_key is compared with the one entry where pc can be. Flags are in env->cc. */
static void far_jump(Emit *e, uint64_t pc, int r)
{
    Asm *a = &e->a;
    int32_t entry = V_OFF(jc) + (int32_t)(((pc ^ pc >> 12) & (JC_SIZE - 1)) * sizeof(JumpCacheEntry));
    if ((int64_t)pc == (int32_t)pc) {
        a_mov(a, W64, (unsigned)r, rm_gs(V_OFF(jc_key)));
        a_alu_i(a, 6, W64, rm_r(r), (int32_t)pc, 0);
    } else {
        a_movi(a, r, pc);
        a_alu_rm(a, 6, W64, (unsigned)r, rm_gs(V_OFF(jc_key)));
    }
    a_alu_rm(a, 7, W64, (unsigned)r, rm_gs(entry + (int32_t)offsetof(JumpCacheEntry, key)));
    Slow *s = slow_new(e, SLOW_JC_MISS, a_jcc(a, CC_NE));
    s->dst = (int8_t)r;
    s->imm = (int64_t)pc;
    s->val_is_imm = true;
    ins(a, 0xff, W32, 4, rm_gs(entry + (int32_t)offsetof(JumpCacheEntry, code)));
}

/* At an edge the flags are wholly in the host's or in env->cc, not in a recipe alone. */
static void flags_for_edge(Emit *e)
{
    if (e->M != FL_ALL && e->H != FL_ALL) {
        flags_load(e, FL_ALL);
    }
}

/* A jump to another block: rel32 aligned, so that linking is one atomic store. */
static void edge(Emit *e, const IrOp *op, int cc)
{
    Asm *a = &e->a;
    TcgBlock *tb = e->tb;
    g_assert(tb->n_edges < TCG_MAX_EDGES);
    TcgEdge *ed = &tb->edges[tb->n_edges++];
    ed->from = tb;
    ed->pc = (uint64_t)op->imm;
    ed->backward = ed->pc <= e->ir->pc;
    ed->flags_in_host = e->M != FL_ALL;
    a_nops(a, (unsigned)((cc >= 0 ? 2 : 3) - (uintptr_t)a->p) & 3);
    uint8_t *f = cc >= 0 ? a_jcc(a, (unsigned)cc) : a_jmp(a);
    ed->jump = hc_off(e->hc, f);
    Slow *s = slow_new(e, SLOW_EDGE, f);
    s->edge = ed;
    s->save_flags = ed->flags_in_host;
}

void emit_jcc(Emit *e, const IrOp *op)
{
    if (same_page(e, (uint64_t)op->imm)) {
        flags_for_edge(e);
        unsigned cc = flags_cond(e, op->cc);
        edge(e, op, (int)cc);
        return;
    }
    flags_save(e, FL_ALL);
    int r = reg_alloc(e);
    unsigned cc = flags_cond(e, op->cc);
    uint8_t *stay = a_jcc(&e->a, cc ^ 1);
    far_jump(e, (uint64_t)op->imm, r);
    a_patch(stay, e->a.p);
}

void emit_jmp(Emit *e, const IrOp *op)
{
    if (same_page(e, (uint64_t)op->imm)) {
        flags_for_edge(e);
        edge(e, op, -1);
    } else {
        flags_clobber(e, FL_ALL);
        far_jump(e, (uint64_t)op->imm, reg_alloc(e));
    }
    e->unreachable = true;
}

void jump_cache_probe(Asm *a, unsigned at, unsigned pc, unsigned tmp)
{
    a_movrr(a, W32, at, pc);
    ins(a, 0xc1, W32, 5, rm_r((int)at)); /* shr 12 */
    e8(a, 12);
    a_alu_rm(a, 6, W32, at, rm_r((int)pc));
    ins(a, 0xc1, W32, 4, rm_r((int)at)); /* shl: sizeof(JumpCacheEntry) */
    e8(a, 4);
    a_alu_i(a, 4, W32, rm_r((int)at), (JC_SIZE - 1) << 4, 0);
    a_movrr(a, W64, tmp, pc);
    a_alu_rm(a, 6, W64, tmp, rm_gs(V_OFF(jc_key)));
    a_alu_rm(a, 7, W64, tmp, rm_gsb((int)at, V_OFF(jc) + (int32_t)offsetof(JumpCacheEntry, key)));
}

/* To the pc in r by the jump cache. Flags are in env->cc. */
static void indirect(Emit *e, int r)
{
    Asm *a = &e->a;
    int s1 = reg_alloc(e), s2 = reg_alloc(e);
    jump_cache_probe(a, (unsigned)s1, (unsigned)r, (unsigned)s2);
    slow_new(e, SLOW_JC_MISS, a_jcc(a, CC_NE))->dst = (int8_t)r;
    ins(a, 0xff, W32, 4, rm_gsb(s1, V_OFF(jc) + (int32_t)offsetof(JumpCacheEntry, code)));
    e->unreachable = true;
}

void emit_jmpind(Emit *e, const IrOp *op)
{
    flags_clobber(e, FL_ALL);
    indirect(e, val_reg(e, op->a));
}
G_STATIC_ASSERT(sizeof(JumpCacheEntry) == 16 && JC_BITS <= 16);

void emit_exit(Emit *e, const IrOp *op)
{
    flags_clobber(e, FL_ALL);
    if (!e->pc_set) {
        emit_set_pc(e, reg_alloc(e));
    }
    if (op->aux) {
        int r = reg_alloc(e);
        a_mov(&e->a, W64, (unsigned)r, rm_gs(V_ENV(e->hc->target->pc_offset)));
        indirect(e, r);
        return;
    }
    a_jmp_to(&e->a, hc_stub(e->hc, STUB_LOOKUP));
    e->unreachable = true;
}
