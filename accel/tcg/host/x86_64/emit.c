/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One pass over a block's ops, and where values are: globals in their pinned
 * registers or their homes in env, temps in scratch registers or spill slots.
 * Nothing here changes host flags: all moves are mov.
 */
#include "accel/tcg/host/x86_64/emit.h"

static EmitFn *const emitters[OP__COUNT] = {
    [OP_mov] = emit_mov,
    [OP_zext] = emit_extend,
    [OP_sext] = emit_extend,
    [OP_lea] = emit_lea,
    [OP_bswap] = emit_bswap,
    [OP_exth] = emit_exth,
    [OP_insh] = emit_insh,
    [OP_cmov] = emit_cmov,
    [OP_setcc] = emit_setcc,
    [OP_movnz] = emit_movnz,
    [OP_ldenv] = emit_ldenv,
    [OP_stenv] = emit_stenv,
    [OP_add] = emit_binary,
    [OP_adc] = emit_binary,
    [OP_sub] = emit_binary,
    [OP_sbb] = emit_binary,
    [OP_and] = emit_binary,
    [OP_or] = emit_binary,
    [OP_xor] = emit_binary,
    [OP_cmp] = emit_compare,
    [OP_test] = emit_compare,
    [OP_inc] = emit_unary,
    [OP_dec] = emit_unary,
    [OP_neg] = emit_unary,
    [OP_not] = emit_unary,
    [OP_shl] = emit_shift,
    [OP_shr] = emit_shift,
    [OP_sar] = emit_shift,
    [OP_rol] = emit_shift,
    [OP_ror] = emit_shift,
    [OP_rcl] = emit_shift,
    [OP_rcr] = emit_shift,
    [OP_shld] = emit_double_shift,
    [OP_shrd] = emit_double_shift,
    [OP_imul] = emit_imul,
    [OP_mulu2] = emit_mul2,
    [OP_muls2] = emit_mul2,
    [OP_divu] = emit_div,
    [OP_divs] = emit_div,
    [OP_bt] = emit_bittest,
    [OP_bts] = emit_bittest,
    [OP_btr] = emit_bittest,
    [OP_btc] = emit_bittest,
    [OP_bsf] = emit_bitscan,
    [OP_bsr] = emit_bitscan,
    [OP_tzcnt] = emit_count,
    [OP_lzcnt] = emit_count,
    [OP_popcnt] = emit_count,
    [OP_andn] = emit_andn,
    [OP_getf] = emit_getf,
    [OP_setf] = emit_setf,
    [OP_cmc] = emit_cmc,
    [OP_ld] = emit_ld,
    [OP_lds] = emit_ld,
    [OP_st] = emit_st,
    [OP_ldp] = emit_ldp,
    [OP_stp] = emit_stp,
    [OP_probe] = emit_probe_op,
    [OP_rmw] = emit_rmw,
    [OP_xchgm] = emit_xchgm,
    [OP_xaddm] = emit_xaddm,
    [OP_cmpxchgm] = emit_cmpxchgm,
    [OP_fence] = emit_fence,
    [OP_hostop] = emit_hostop,
    [OP_insn] = emit_insn,
    [OP_label] = emit_label,
    [OP_br] = emit_branch,
    [OP_brz] = emit_branch,
    [OP_brnz] = emit_branch,
    [OP_brcc] = emit_branch,
    [OP_jcc] = emit_jcc,
    [OP_jmp] = emit_jmp,
    [OP_jmpind] = emit_jmpind,
    [OP_exit] = emit_exit,
    [OP_call] = emit_call,
};

/* ---- temps ---- */

static int slot_of(Emit *e, unsigned t)
{
    if (e->tslot[t] < 0) {
        g_assert(~e->slots); /* more than TCG_SPILLS temps alive at once: the translator's bug */
        e->tslot[t] = (int8_t)__builtin_ctzll(~e->slots);
        e->slots |= 1ull << e->tslot[t];
        e->tclean[t] = false;
    }
    return e->tslot[t];
}

static void temp_write_back(Emit *e, unsigned t)
{
    if (!e->tclean[t]) {
        int s = slot_of(e, t);
        a_store(&e->a, W64, rm_gs(V_SPILL(s)), (unsigned)e->treg[t]);
        e->tclean[t] = true;
    }
}

static void temp_unbind(Emit *e, unsigned t)
{
    e->busy &= ~(1u << e->treg[t]);
    e->treg[t] = -1;
}

static void temp_bind(Emit *e, unsigned t, int reg, bool clean)
{
    e->treg[t] = (int8_t)reg;
    e->reg_temp[reg] = (uint16_t)t;
    e->tclean[t] = clean;
    e->busy |= 1u << reg;
}

static void temp_drop(Emit *e, unsigned t)
{
    if (e->treg[t] >= 0) {
        temp_unbind(e, t);
    }
    if (e->tslot[t] >= 0) {
        e->slots &= ~(1ull << e->tslot[t]);
        e->tslot[t] = -1;
    }
}

void temps_spill(Emit *e, unsigned regs)
{
    for (unsigned m = e->busy & regs; m; m &= m - 1) {
        temp_write_back(e, e->reg_temp[__builtin_ctz(m)]);
    }
}

void temps_forget(Emit *e, unsigned regs)
{
    for (unsigned m = e->busy & regs; m; m &= m - 1) {
        temp_unbind(e, e->reg_temp[__builtin_ctz(m)]);
    }
}

int reg_alloc(Emit *e)
{
    unsigned m = e->scratch & ~e->lock;
    unsigned free = m & ~e->busy;
    if (!free) {
        g_assert(m);
        for (unsigned k = m; k; k &= k - 1) { /* one that need not be stored, if there is */
            if (e->tclean[e->reg_temp[__builtin_ctz(k)]]) {
                m = k & -k;
                break;
            }
        }
        free = m & -m;
        temps_spill(e, free);
        temps_forget(e, free);
    }
    int reg = 31 - __builtin_clz(free); /* callee-saved ones are at the top */
    e->lock |= 1u << reg;
    return reg;
}

/* ---- values ---- */

Rm val_rm(Emit *e, IrVal v)
{
    if (ir_is_global(v)) {
        int r = e->greg[ir_global(v)];
        return r >= 0 ? rm_r(r) : global_home(e, ir_global(v));
    }
    unsigned t = ir_temp(v);
    if (e->treg[t] >= 0) {
        e->lock |= 1u << e->treg[t];
        return rm_r(e->treg[t]);
    }
    return rm_gs(V_SPILL(slot_of(e, t)));
}

int val_reg(Emit *e, IrVal v)
{
    Rm m = val_rm(e, v);
    if (m.reg >= 0) {
        return m.reg;
    }
    int r = reg_alloc(e);
    a_mov(&e->a, W64, (unsigned)r, m);
    if (ir_is_temp(v)) {
        temp_bind(e, ir_temp(v), r, true);
    }
    return r;
}

int val_reg_imm(Emit *e, IrVal v, int64_t imm)
{
    if (v != IR_IMM) {
        return val_reg(e, v);
    }
    int r = reg_alloc(e);
    a_movi(&e->a, r, (uint64_t)imm);
    return r;
}

static bool named_once(const Emit *e, IrVal v)
{
    const IrOp *op = &e->ir->ops[e->i];
    return (op->a == v) + (op->b == v) + (op->c == v) == 1;
}

int val_copy(Emit *e, IrVal v, int64_t imm)
{
    if (v == IR_IMM) {
        return val_reg_imm(e, v, imm);
    }
    if (ir_is_temp(v) && e->treg[ir_temp(v)] >= 0) {
        unsigned t = ir_temp(v);
        int r = e->treg[t];
        bool none_free = !(e->scratch & ~e->lock & ~e->busy);
        bool last = val_dead(e, v) && named_once(e, v);
        if (last || none_free) { /* take its register over */
            if (!last) {
                temp_write_back(e, t);
            }
            temp_unbind(e, t);
            e->lock |= 1u << r;
            return r;
        }
    }
    unsigned lock = e->lock;
    Rm m = val_rm(e, v);
    int r = reg_alloc(e);
    a_mov(&e->a, W64, (unsigned)r, m);
    e->lock = lock | 1u << r;
    return r;
}

/* ---- destinations ---- */

int dst_reg(Emit *e, IrVal dst, bool keep)
{
    if (ir_is_global(dst)) {
        int r = e->greg[ir_global(dst)];
        if (r < 0) {
            r = reg_alloc(e);
            if (keep) {
                a_mov(&e->a, W64, (unsigned)r, global_home(e, ir_global(dst)));
            }
        }
        return r;
    }
    unsigned t = ir_temp(dst);
    if (e->treg[t] >= 0) {
        e->lock |= 1u << e->treg[t];
        return e->treg[t];
    }
    int r = reg_alloc(e);
    if (keep && e->tslot[t] >= 0) {
        a_mov(&e->a, W64, (unsigned)r, rm_gs(V_SPILL(e->tslot[t])));
    }
    temp_bind(e, t, r, false);
    return r;
}

void dst_done(Emit *e, IrVal dst, int reg, IrWidth w)
{
    if (ir_is_temp(dst)) {
        e->tclean[ir_temp(dst)] = false;
    } else if (val_in_mem(e, dst)) {
        a_store(&e->a, w == W32 ? W64 : w, global_home(e, ir_global(dst)), (unsigned)reg);
    }
}

void dst_set(Emit *e, IrVal dst, int reg, IrWidth w)
{
    e->lock = e->hold | 1u << reg; /* the sources have been read */
    if (val_in_mem(e, dst)) {
        a_store(&e->a, w == W32 ? W64 : w, global_home(e, ir_global(dst)), (unsigned)reg);
        return;
    }
    if (ir_is_temp(dst) && (e->scratch >> reg & 1) && !(e->busy >> reg & 1) &&
        (w >= W32 || (e->treg[ir_temp(dst)] < 0 && e->tslot[ir_temp(dst)] < 0))) {
        if (e->treg[ir_temp(dst)] >= 0) {
            temp_unbind(e, ir_temp(dst));
        }
        temp_bind(e, ir_temp(dst), reg, false);
        return;
    }
    int r = dst_reg(e, dst, w < W32);
    if (r != reg) {
        a_movrr(&e->a, w, r, reg);
    }
    dst_done(e, dst, r, w);
}

/* ---- fixed registers ---- */

void reg_borrow(Emit *e, int reg)
{
    int g = e->hc->pin[reg];
    if (g >= 0) {
        a_store(&e->a, W64, global_home(e, (unsigned)g), (unsigned)reg);
        e->greg[g] = -1;
        e->borrowed |= 1u << reg;
    } else {
        temps_spill(e, 1u << reg);
        temps_forget(e, 1u << reg);
        e->hold |= 1u << reg;
        e->lock |= e->hold;
    }
}

void regs_return(Emit *e)
{
    for (unsigned m = e->borrowed; m; m &= m - 1) {
        int reg = __builtin_ctz(m), g = e->hc->pin[reg];
        e->greg[g] = (int8_t)reg;
        a_mov(&e->a, W64, (unsigned)reg, global_home(e, (unsigned)g));
    }
    e->borrowed = 0;
}

/* ---- the pass ---- */

/* The two-operand form: where the work is done, and how it gets to dst. */
void two_begin(Emit *e, const IrOp *op, Two *t, bool commutes)
{
    t->a = op->a;
    t->b = op->b;
    if (commutes && t->b == op->dst && t->a != op->dst) {
        t->b = op->a;
        t->a = op->dst;
    }
    Asm *a = &e->a;
    bool fresh = true; /* the low bits alone matter, or dst has no old value */
    if (ir_is_temp(op->dst)) {
        unsigned d = ir_temp(op->dst);
        fresh = op->w >= W32 || (e->treg[d] < 0 && e->tslot[d] < 0);
    }
    if (t->a == op->dst && (!ir_is_global(op->dst) || !val_in_mem(e, op->dst))) {
        t->r = dst_reg(e, op->dst, true);
    } else if (t->b != op->dst && !val_in_mem(e, op->dst) && !(fresh && ir_is_temp(op->dst))) {
        t->r = dst_reg(e, op->dst, true);
        if (t->a == IR_IMM) {
            a_movi(a, t->r, (uint64_t)op->imm);
        } else {
            a_mov(a, op->w, (unsigned)t->r, val_rm(e, t->a));
        }
    } else if (ir_is_temp(t->a) && t->a != t->b) {
        t->r = val_copy(e, t->a, op->imm);
    } else {
        Rm m = val_rm(e, t->a);
        t->r = reg_alloc(e);
        a_mov(a, op->w == W64 ? W64 : W32, (unsigned)t->r, m);
    }
}

void two_end(Emit *e, const IrOp *op, const Two *t)
{
    if (!val_in_mem(e, op->dst)) {
        int r = ir_is_global(op->dst) ? e->greg[ir_global(op->dst)] : e->treg[ir_temp(op->dst)];
        if (r == t->r) {
            dst_done(e, op->dst, r, op->w);
            return;
        }
    }
    dst_set(e, op->dst, t->r, op->w);
}

/* Temps are the values from IR_TEMP0, a power of two, on. */
static bool names_temp(const IrOp *op)
{
    return (op->dst | op->a | op->b | op->c) >= IR_TEMP0;
}

static void note_use(Emit *e, IrVal v, int i)
{
    if (ir_is_temp(v)) {
        e->tlast[ir_temp(v)] = i;
    }
}

/* Last uses in program order, and flags wanted at labels. */
static void prepare(Emit *e)
{
    const IrBlock *ir = e->ir;
    memset(e->treg, -1, (size_t)ir->n_temps);
    memset(e->tslot, -1, (size_t)ir->n_temps);
    for (int i = 0; i < ir->n_ops; i++) {
        const IrOp *op = &ir->ops[i];
        if (names_temp(op)) {
            note_use(e, op->dst, i);
            note_use(e, op->a, i);
            note_use(e, op->b, i);
            note_use(e, op->c, i);
        }
        if (op->op == OP_label) {
            e->label_live[op->imm] = (uint8_t)flags_live(op);
        } else if (e->hc->vec && (op->op == OP_ldenv || op->op == OP_stenv)) {
            e->vec_fields |= vec_field_pinned(e->hc, op);
        }
    }
}

static void drop_dead(Emit *e, IrVal v)
{
    if (val_dead(e, v)) {
        temp_drop(e, ir_temp(v));
    }
}

static bool emit_ops(Emit *e)
{
    const IrBlock *ir = e->ir;
    for (int i = 0; i < ir->n_ops; i++) {
        const IrOp *op = &ir->ops[i];
        if (e->a.p > e->limit) {
            return false;
        }
        e->i = i;
        e->lock = e->hold = 0;
        unsigned recipe = e->n_recipes;
        bool spoils = e->R && recipe_before(e, op);
        emitters[op->op](e, op);
        if (spoils && recipe == e->n_recipes) {
            e->R = 0;
        }
        if (names_temp(op)) {
            drop_dead(e, op->dst);
            drop_dead(e, op->a);
            drop_dead(e, op->b);
            drop_dead(e, op->c);
        }
    }
    return true;
}

/* Block pointer and exits before the entry, the poll, and the entry itself. */
static void emit_header(Emit *e)
{
    HostCode *hc = e->hc;
    Asm *a = &e->a;
    while ((uintptr_t)a->p & 15) {
        e8(a, 0xcc);
    }
    e->tb->code_start = hc_off(hc, a->p);
    e64(a, (uintptr_t)e->tb);
    e64(a, 0); /* size, filled in at the end */
    a_call_to(a, hc_stub(hc, STUB_POLL));
    a_nops(a, 3);
    a_call_to(a, hc_stub(hc, STUB_KILL));
    a_nops(a, 3);
    e->tb->entry_poll = hc_off(hc, a->p);
    ins(a, 0x80, W8, 7, rm_gs(V_OFF(poll)));
    e8(a, 0);
    e8(a, 0x75);
    e8(a, (unsigned)(HEADER_POLL_AT - (BLOCK_POLL - 1)));
    a_nops(a, 1);
    e->entry = a->p;
    e->tb->entry = hc_off(hc, a->p);
    g_assert(e->tb->entry == e->tb->entry_poll + BLOCK_POLL);
}

static bool patch_labels(Emit *e)
{
    for (int i = 0; i < e->n_fix; i++) {
        a_patch(e->fix[i].field, e->label[e->fix[i].label]);
    }
    return true;
}

static void note_block(HostCode *hc, const TcgBlock *tb)
{
    uint32_t size = tb->code_end - tb->code_start;
    memcpy(hc_rw(hc, tb->entry_poll + HEADER_SIZE_AT), &size, 4);
    uint32_t *first = &hc->first[tb->code_start >> 16];
    if (*first == 0) {
        *first = tb->code_start;
    }
    hc->used = tb->code_end;
}

bool host_emit_block(HostCode *hc, const IrBlock *ir, TcgBlock *tb)
{
    Emit *e = hc->emit;
    e->a.p = hc_rw(hc, hc->used);
    e->limit = hc_rw(hc, (uint32_t)hc->map.size) - 1024;
    if (e->a.p > e->limit) {
        return false;
    }
    e->ir = ir;
    e->tb = tb;
    memcpy(e->greg, hc->greg, sizeof(e->greg));
    e->busy = e->borrowed = 0;
    e->slots = 0;
    e->H = e->R = 0;
    e->M = FL_ALL;
    e->merge = false;
    e->fpu_ok = IR_FPU_NONE;
    e->fpu_lost = e->unreachable = false;
    e->vec_fields = false;
    e->n_slow = e->n_fix = 0;
    e->insn_pc = ir->pc;
    tb->n_edges = 0;
    tb->n_sites = 0;
    prepare(e);
    emit_header(e);
    if (ir->uses_fpu || e->vec_fields) {
        emit_fpu_check(e, MAX(ir->uses_fpu, IR_FPU_SSE));
    }
    if (!emit_ops(e) || !patch_labels(e)) {
        return false;
    }
    emit_slow_paths(e);
    if (e->a.p > e->limit) {
        return false;
    }
    tb->code_end = hc_off(hc, e->a.p);
    note_block(hc, tb);
    return true;
}
