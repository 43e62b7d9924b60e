/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory: the first-level TLB inline, its misses out of line. The check
 * destroys the host's flags, so the guest's are in env->cc by then, and a fault
 * in the slow path finds them there.
 */
#include "accel/tcg/host/x86_64/emit.h"

/* The address in a register that may be changed. It stays readable for a second operand. */
static int address_copy(Emit *e, const IrOp *op)
{
    bool shared = op->a == op->b || op->a == op->c || op->a == op->dst;
    if (ir_is_temp(op->b) && e->treg[ir_temp(op->b)] >= 0) {
        e->lock |= 1u << e->treg[ir_temp(op->b)];
    }
    if (!shared || op->a == IR_IMM) {
        return val_copy(e, op->a, op->imm);
    }
    unsigned lock = e->lock;
    Rm m = val_rm(e, op->a);
    int r = reg_alloc(e);
    a_mov(&e->a, W64, (unsigned)r, m);
    e->lock = lock | 1u << r;
    return r;
}

Slow *slow_new(Emit *e, SlowKind kind, uint8_t *from)
{
    if (e->n_slow == e->cap_slow) {
        e->cap_slow = e->cap_slow ? e->cap_slow * 2 : 64;
        e->slow = g_renew(Slow, e->slow, e->cap_slow);
    }
    Slow *s = &e->slow[e->n_slow++];
    *s = (Slow){.kind = (uint8_t)kind,
                .from = from,
                .s1 = -1,
                .s2 = -1,
                .dst = -1,
                .insn = (uint32_t)(e->insn_pc - e->ir->pc)};
    return s;
}

/* digit 0: left, 1: right. Low bits that are not zero make it large. */
static void rotate_offset(Asm *a, unsigned digit, int reg, unsigned bits)
{
    if (bits) {
        ins(a, 0xc1, W64, digit, rm_r(reg));
        e8(a, bits);
    }
}

bool only_aligned(const Emit *e, const IrOp *op)
{
    return (op->aux2 & IR_ATOMIC) && !e->hc->line_atomic && !e->hc->single_vcpu;
}

Probe emit_probe(Emit *e, const IrOp *op, SlowKind kind, unsigned size, bool write, unsigned align)
{
    unsigned rotate = (op->op == OP_ld || op->op == OP_lds || op->op == OP_st) && only_aligned(e, op) ? op->w : 0;
    Asm *a = &e->a;
    int32_t tlb = V_OFF(tlb) + (int32_t)(sizeof(TlbEntry) * TLB_SIZE) * (op->aux * 2 + write);
    Probe p;

    bool deferred;
    flags_defer(e, op, &deferred);
    p.s2 = address_copy(e, op);
    p.s1 = reg_alloc(e);
    if (align > 1) { /* before anything that may fault in another way */
        ins(a, 0xf7, W32, 0, rm_r(p.s2));
        e32(a, align - 1);
        slow_new(e, SLOW_INTERP, a_jcc(a, CC_NE));
    }
    uint8_t *retry = a->p;
    a_movrr(a, W32, p.s1, p.s2);
    ins(a, 0xc1, W32, 5, rm_r(p.s1)); /* shr: page number * sizeof(TlbEntry) */
    e8(a, 8);
    a_alu_i(a, 4, W32, rm_r(p.s1), (TLB_SIZE - 1) << 4, 0);
    a_alu_rm(a, 5, W64, (unsigned)p.s2, rm_gsb(p.s1, tlb + (int32_t)offsetof(TlbEntry, page)));
    rotate_offset(a, 1, p.s2, rotate);
    a_alu_i(a, 7, W64, rm_r(p.s2), (4096 - (int)size) >> rotate, 0);
    uint8_t *ja = a_jcc(a, CC_A);
    rotate_offset(a, 0, p.s2, rotate);

    p.slow = slow_new(e, size > 128 ? SLOW_INTERP : kind, ja);
    p.slow->recompute = deferred;
    p.slow->recipe = e->recipe;
    p.slow->s1 = (int8_t)p.s1;
    p.slow->s2 = (int8_t)p.s2;
    p.slow->size = (uint8_t)size;
    p.slow->rotated = (uint8_t)rotate;
    p.slow->mmu = op->aux;
    p.slow->write = write;
    p.slow->back = retry;
    p.slow->w = op->w;
    a_mov(a, W64, (unsigned)p.s1, rm_gsb(p.s1, tlb + (int32_t)offsetof(TlbEntry, host)));
    return p;
}
G_STATIC_ASSERT(sizeof(TlbEntry) == 16 && TLB_BITS <= 12);

int probe_pointer(Emit *e, Probe *p)
{
    a_lea(&e->a, W64, p->s1, rm_m(p->s1, p->s2, 0, 0));
    return p->s1;
}

void load_extended(Emit *e, IrWidth w, int to, int reg, Rm m)
{
    unsigned ow = to == W64 ? W64 : to == W16 ? W16 : W32;
    if (w == W64 || to == (int)w) {
        a_mov(&e->a, w, (unsigned)reg, m);
    } else if (w == W32) {
        ins(&e->a, to >= 0 ? 0x63 : 0x8b, to >= 0 ? W64 : W32, (unsigned)reg, m);
    } else {
        unsigned opc = (to >= 0 ? 0xbe : 0xb6) | (w == W16);
        ins(&e->a, O_0F | opc, ow, (unsigned)reg, m);
    }
}

void emit_ld(Emit *e, const IrOp *op)
{
    bool sign = op->op == OP_lds;
    int to = sign ? (int)ir_lds_to(op) : -1;
    IrWidth dw = sign ? (IrWidth)to : W64;
    Probe p = emit_probe(e, op, SLOW_LOAD, 1u << op->w, false, 0);
    bool pinned = ir_is_global(op->dst) && !val_in_mem(e, op->dst);
    int r = pinned ? e->greg[ir_global(op->dst)] : p.s1;
    load_extended(e, (IrWidth)op->w, to, r, rm_m(p.s1, p.s2, 0, 0));
    p.slow->dst = (int8_t)r;
    p.slow->sign = sign;
    p.slow->aux2 = sign ? (uint8_t)to : 0;
    p.slow->back = e->a.p;
    if (!pinned) {
        dst_set(e, op->dst, r, dw);
    }
}

void emit_st(Emit *e, const IrOp *op)
{
    Asm *a = &e->a;
    Probe p = emit_probe(e, op, SLOW_STORE, 1u << op->w, true, 0);
    Slow *s = p.slow;
    Rm mem = rm_m(p.s1, p.s2, 0, 0);
    if (op->b == IR_IMM) {
        s->val_is_imm = true;
        s->imm = op->imm;
        if (imm_fits((IrWidth)op->w, op->imm)) {
            a_storei(a, op->w, mem, op->imm);
        } else {
            mem = rm_m(probe_pointer(e, &p), -1, 0, 0);
            a_movi(a, p.s2, (uint64_t)op->imm);
            a_store(a, W64, mem, (unsigned)p.s2);
        }
    } else {
        s->val = val_rm(e, op->b);
        int r = s->val.reg;
        if (r < 0) {
            mem = rm_m(probe_pointer(e, &p), -1, 0, 0);
            r = p.s2;
            a_mov(a, op->w < W32 ? W32 : op->w, (unsigned)r, s->val);
        }
        a_store(a, op->w, mem, (unsigned)r);
    }
    s->back = a->p;
}

void emit_probe_op(Emit *e, const IrOp *op)
{
    emit_probe(e, op, SLOW_OPERAND, (1u << op->w) << op->aux2, true, 0);
}

void emit_fence(Emit *e, const IrOp *op)
{
    e8(&e->a, 0x0f); /* mfence: keeps flags, orders non-temporal stores too */
    e8(&e->a, 0xae);
    e8(&e->a, 0xf0);
}

/* An instruction here may trap; what the handler must know. */
void site_add(Emit *e, unsigned flags)
{
    TcgSite *s = &e->tb->sites[e->tb->n_sites++];
    s->host = hc_off(e->hc, e->a.p);
    s->insn = (uint32_t)(e->insn_pc - e->ir->pc);
    s->flags = (uint8_t)flags;
    s->fop = 0;
}

/* ---- out of line ---- */

/* A call with what the stub must know in nops behind it: the return is predicted. */
static void call_record(Emit *e, Stub stub, const Slow *s)
{
    Asm *a = &e->a;
    if (s->recompute) {
        flags_recompute(e, &s->recipe, s->s1);
        flags_spill(e, s->s1);
    }
    a_call_to(a, hc_stub(e->hc, stub));
    uint32_t ret = hc_off(e->hc, a->p);
    uint32_t mmu = s->mmu | (s->hi ? TCG_BOUNCE >> 8 : s->rotated ? TCG_WHOLE >> 8 : 0);
    a_nop_data(a, s->insn | (uint32_t)s->size << 16 | mmu << 24);
    a_nop_data(a, ret - e->tb->entry_poll);
}

static void slow_va(Emit *e, const Slow *s)
{
    int32_t tlb = V_OFF(tlb) + (int32_t)(sizeof(TlbEntry) * TLB_SIZE) * (s->mmu * 2 + s->write);
    rotate_offset(&e->a, 0, s->s2, s->rotated);
    a_alu_rm(&e->a, 0, W64, (unsigned)s->s2,
             rm_gsb(s->s1, tlb + (int32_t)offsetof(TlbEntry, page)));
    a_store(&e->a, W64, rm_gs(V_SCRATCH(0)), (unsigned)s->s2);
}

static void slow_store(Emit *e, const Slow *s)
{
    Asm *a = &e->a;
    int r = s->val.reg;
    if (s->val_is_imm) {
        r = s->s1;
        a_movi(a, r, (uint64_t)s->imm);
    } else if (r < 0) {
        r = s->s1;
        a_mov(a, W64, (unsigned)r, s->val);
    }
    a_store(a, W64, rm_gs(V_SCRATCH(1)), (unsigned)r);
    call_record(e, STUB_STORE, s);
}

static void slow_edge(Emit *e, const Slow *s)
{
    Asm *a = &e->a;
    s->edge->stub = hc_off(e->hc, a->p);
    if (s->save_flags) {
        flags_spill(e, __builtin_ctz(e->scratch)); /* no temp is alive on this path */
    }
    a_nops(a, (unsigned)(3 - (uintptr_t)a->p) & 3);
    uint8_t *f = a_jmp(a); /* until linked: to the next instruction */
    s->edge->stub_jump = hc_off(e->hc, f);
    a_call_to(a, hc_stub(e->hc, STUB_EDGE));
    e64(a, (uintptr_t)s->edge);
}

/* The operand is in a buffer, or the fast path will hit now. A store is made here, to the buffer. */
static void slow_bounce(Emit *e, const Slow *s)
{
    Asm *a = &e->a;
    a_mov(a, W64, (unsigned)s->s1, rm_gs(V_SCRATCH(0)));
    ins(a, 0x85, W64, (unsigned)s->s1, rm_r(s->s1)); /* test */
    uint8_t *buffer = a_jcc(a, CC_NE);
    a_jmp_to(a, s->back);
    a_patch(buffer, a->p);
    if (s->write) {
        if (s->hi->vec) {
            vec_bounce_store(e, s->hi, s->s1);
        } else {
            encode_host_insn(a, s->hi, s->hi->reg, rm_m(s->s1, -1, 0, 0));
        }
        call_record(e, STUB_BOUNCE, s);
        a_jmp_to(a, s->done);
    } else {
        a_movi(a, s->s2, 0);
        a_jmp_to(a, s->hit);
    }
}

static void emit_slow(Emit *e, const Slow *s)
{
    Asm *a = &e->a;
    a_patch(s->from, a->p);
    switch (s->kind) {
    case SLOW_LOAD:
        slow_va(e, s);
        call_record(e, STUB_LOAD, s);
        load_extended(e, (IrWidth)s->w, s->sign ? s->aux2 : -1, s->dst, rm_gs(V_SCRATCH(0)));
        break;
    case SLOW_STORE:
        slow_va(e, s);
        slow_store(e, s);
        break;
    case SLOW_OPERAND:
        slow_va(e, s);
        call_record(e, s->write ? STUB_OPERAND_W : STUB_OPERAND_R, s);
        if (s->hi) {
            slow_bounce(e, s);
            return;
        }
        break;
    case SLOW_INTERP:
        call_record(e, STUB_INTERP, s);
        return;
    case SLOW_FPU:
        a_call_to(a, hc_stub(e->hc, s->w == IR_FPU_AVX ? STUB_YMM_LOAD : STUB_FPU_LOAD));
        break;
    case SLOW_EDGE:
        slow_edge(e, s);
        return;
    case SLOW_HALVES:
        slow_halves(e, *s);
        return;
    case SLOW_JC_MISS:
        if (s->val_is_imm) {
            a_movi(a, s->dst, (uint64_t)s->imm);
        }
        a_store(a, W64, rm_gs(V_ENV(e->hc->target->pc_offset)), (unsigned)s->dst);
        a_jmp_to(a, hc_stub(e->hc, STUB_JC_MISS));
        return;
    }
    a_jmp_to(a, s->back);
}

void emit_slow_paths(Emit *e)
{
    for (int i = 0; i < e->n_slow && e->a.p <= e->limit; i++) {
        emit_slow(e, &e->slow[i]);
    }
}
