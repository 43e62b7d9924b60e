/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls of C helpers. The shared stubs save, call, restore; here are the arguments. */
#include "accel/tcg/host/x86_64/emit.h"

/* Where an argument is once the registers that C may change are in memory. */
static Rm argument(Emit *e, IrVal v)
{
    if (ir_is_global(v)) {
        int r = e->greg[ir_global(v)];
        return r >= 0 && !(REGS_CALLER_SAVED >> r & 1) ? rm_r(r) : global_home(e, ir_global(v));
    }
    return val_rm(e, v);
}

static void load_arguments(Emit *e, const IrOp *op)
{
    static const uint8_t reg[3] = {RSI, RDX, RCX};
    const IrVal v[3] = {op->a, op->b, op->c};
    Asm *a = &e->a;
    for (int i = 0; i < 3; i++) {
        if (v[i] == IR_IMM) {
            a_movi(a, reg[i], (uint64_t)op->imm);
        } else if (v[i] != IR_NONE) {
            a_mov(a, W64, reg[i], argument(e, v[i]));
        } else {
            a_alu_rm(a, 6, W32, reg[i], rm_r(reg[i])); /* as in the interpreter: zero */
        }
    }
    a_mov(a, W64, RDI, rm_gs(V_OFF(self)));
    a_lea(a, W64, RDI, rm_m(RDI, -1, 0, (int32_t)TCG_ENV_OFFSET));
}

void emit_set_pc(Emit *e, int reg)
{
    Asm *a = &e->a;
    Rm pc = rm_gs(V_ENV(e->hc->target->pc_offset));
    if ((int64_t)e->insn_pc == (int32_t)e->insn_pc) {
        a_storei(a, W64, pc, (int64_t)e->insn_pc);
    } else {
        a_movi(a, reg, e->insn_pc);
        a_store(a, W64, pc, (unsigned)reg);
    }
}

void emit_call(Emit *e, const IrOp *op)
{
    Asm *a = &e->a;
    const TcgHelper *h = &e->hc->target->helpers[op->imm];
    bool full = h->flags & HELPER_FULL, fpu = full && (h->flags & HELPER_FPU);

    if (!full && recipe_survives(e, op)) {
        e->H = 0;
    } else {
        flags_clobber(e, full ? FL_ALL : flags_live(op));
    }
    temps_spill(e, REGS_CALLER_SAVED);
    temps_forget(e, REGS_CALLER_SAVED);
    a_call_to(a, hc_stub(e->hc, full ? STUB_SAVE_ALL : STUB_SAVE_CS));
    load_arguments(e, op);
    if (full) {
        emit_set_pc(e, RAX);
        e->pc_set = true;
        e->M = FL_ALL;
        e->R = 0;
    }
    a_movi(a, RAX, (uintptr_t)h->fn);
    bool vec = e->hc->vec && (h->flags & HELPER_VEC);
    a_call_to(a, hc_stub(e->hc, fpu ? STUB_CALL_FPU : full ? STUB_CALL_FULL : vec ? STUB_CALL_VEC : STUB_CALL_LIGHT));
    if (fpu) {
        e->fpu_ok = IR_FPU_NONE;
        e->fpu_lost = true;
    }
    if (op->dst == IR_NONE) {
        return;
    }
    e->lock = 0;
    if (ir_is_global(op->dst) && !val_in_mem(e, op->dst)) {
        a_mov(a, op->w, (unsigned)e->greg[ir_global(op->dst)], rm_gs(V_SCRATCH(0)));
    } else {
        int r = reg_alloc(e);
        a_mov(a, op->w == W64 ? W64 : W32, (unsigned)r, rm_gs(V_SCRATCH(0)));
        dst_set(e, op->dst, r, (IrWidth)op->w);
    }
}
