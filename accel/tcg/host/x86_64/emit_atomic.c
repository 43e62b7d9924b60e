/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Read-modify-write of guest memory: the host's own instruction on the host
 * address, with a lock prefix when the guest's has one. A miss goes through
 * tcg_slow_operand() and tries again, or to the interpreter.
 */
#include "accel/tcg/host/x86_64/emit.h"

/*
 * The operand in a register, not to be changed; p->s2 is used if it is not in
 * one. To be called when nothing else needs s2.
 */
static int operand(Emit *e, const IrOp *op, const Probe *p)
{
    Asm *a = &e->a;
    if (op->b == IR_IMM) {
        a_movi(a, p->s2, (uint64_t)op->imm);
        return p->s2;
    }
    Rm m = val_rm(e, op->b);
    if (m.reg >= 0) {
        return m.reg;
    }
    a_mov(a, W64, (unsigned)p->s2, m);
    return p->s2;
}

/* The operand in p->s2, which may be changed. */
static int operand_copy(Emit *e, const IrOp *op, const Probe *p)
{
    int r = operand(e, op, p);
    if (r != p->s2) {
        a_movrr(&e->a, W64, p->s2, r);
    }
    return p->s2;
}

/*
 * Is it one of those that drivers order their stores and loads with? They share memory with devices' threads: what was stored
 * before must be seen there before what comes is loaded (virtio 1.2, 2.7.13.4.1), and only a lock does that on the host.
 * LOCK OR and LOCK ADD [RSP], 0 are what kernels have for a full barrier, and XCHG (emit_xchgm()) for one behind a store.
 */
static bool is_barrier(const IrOp *op)
{
    bool nothing = op->b == IR_IMM && op->imm == (op->sub == OP_and ? -1 : 0);

    return op->op == OP_rmw && (op->sub == OP_or || (nothing && op->sub != OP_adc && op->sub != OP_sbb));
}

/*
 * With one vCPU nobody else makes atomic accesses to guest memory (devices only store and load), and
 * an instruction is not interrupted half way: the lock, which costs the host a store drain, can go.
 */
static unsigned lock_of(const Emit *e, const IrOp *op)
{
    return (op->aux2 & 0x80) && (!e->hc->single_vcpu || is_barrier(op)) ? O_LOCK : 0;
}

static void rmw_binary(Emit *e, const IrOp *op, Probe *p, Rm mem)
{
    static const uint8_t digit[] = {
        [OP_add] = 0, [OP_or] = 1,  [OP_adc] = 2, [OP_sbb] = 3,
        [OP_and] = 4, [OP_sub] = 5, [OP_xor] = 6,
    };
    unsigned n = digit[op->sub];
    if (op->b == IR_IMM && imm_fits((IrWidth)op->w, op->imm)) {
        a_alu_i(&e->a, n, op->w, mem, op->imm, lock_of(e, op));
    } else {
        a_alu_mr(&e->a, n, op->w, mem, (unsigned)operand(e, op, p), lock_of(e, op));
    }
}

static void rmw_shift(Emit *e, const IrOp *op, Rm mem)
{
    static const uint8_t digit[] = {
        [OP_shl] = 4, [OP_shr] = 5, [OP_sar] = 7, [OP_rol] = 0,
        [OP_ror] = 1, [OP_rcl] = 2, [OP_rcr] = 3,
    };
    bool imm = op->b == IR_IMM;
    ins(&e->a, (imm ? 0xc0 : 0xd2) | (op->w != W8), op->w, digit[op->sub], mem);
    if (imm) {
        e8(&e->a, (unsigned)op->imm & 0x3f);
    }
}

static void rmw_bit(Emit *e, const IrOp *op, Probe *p, Rm mem)
{
    unsigned n = op->sub == OP_bts ? 5 : op->sub == OP_btr ? 6 : 7;
    if (op->b == IR_IMM) {
        ins(&e->a, O_0F | 0xba | lock_of(e, op), op->w, n, mem);
        e8(&e->a, (unsigned)op->imm & ((8u << op->w) - 1));
    } else {
        ins(&e->a, O_0F | 0x83 | n << 3 | lock_of(e, op), op->w, (unsigned)p->s2, mem);
    }
}

/* What the operation changes by nature, and needs in host flags beforehand. */
static unsigned rmw_clobber(unsigned sub)
{
    return sub == OP_not                    ? 0
           : sub == OP_inc || sub == OP_dec ? FL_NOC
           : sub >= OP_rol && sub <= OP_rcr ? FL_CO
           : sub >= OP_bts && sub <= OP_btc ? FL_C
                                            : FL_ALL;
}

static void rmw_flags_before(Emit *e, const IrOp *op)
{
    unsigned sub = op->sub, need = 0;
    if (sub == OP_adc || sub == OP_sbb || sub == OP_rcl || sub == OP_rcr) {
        need = FL_C;
    }
    if (sub >= OP_shl && sub <= OP_rcr && op->b != IR_IMM && (flags_live(op) & op->fw)) {
        need |= flags_live(op); /* the count may be zero */
    }
    flags_load(e, need);
}

void emit_rmw(Emit *e, const IrOp *op)
{
    unsigned clobber = rmw_clobber(op->sub);
    bool shift = op->sub >= OP_shl && op->sub <= OP_rcr;
    bool by_cl = shift && op->b != IR_IMM, early = by_cl && (e->scratch >> RCX & 1);
    if (early) {
        reg_borrow(e, RCX); /* the probe must not take it */
    }
    Probe p = emit_probe(e, op, SLOW_OPERAND, 1u << op->w, true, 0);
    Rm mem = rm_m(probe_pointer(e, &p), -1, 0, 0);

    if (shift && !by_cl && !((unsigned)op->imm & (op->w == W64 ? 0x3f : 0x1f))) {
        return; /* the value and all flags stay */
    }
    if (op->sub >= OP_bts && op->sub <= OP_btc && op->b != IR_IMM) {
        operand_copy(e, op, &p);
        a_alu_i(&e->a, 4, W32, rm_r(p.s2), (8 << op->w) - 1, 0);
    }
    if (by_cl && (early || val_rm(e, op->b).reg != RCX)) {
        if (!early) {
            reg_borrow(e, RCX);
        }
        a_mov(&e->a, W32, RCX, val_rm(e, op->b));
    }
    rmw_flags_before(e, op);
    flags_begin(e, op, clobber);
    if (shift) {
        rmw_shift(e, op, mem);
    } else if (op->sub >= OP_bts && op->sub <= OP_btc) {
        rmw_bit(e, op, &p, mem);
    } else if (op->sub >= OP_inc && op->sub <= OP_not) {
        unsigned n = op->sub == OP_inc ? 0 : op->sub == OP_dec ? 1 : op->sub == OP_not ? 2 : 3;
        ins(&e->a, (n < 2 ? 0xfe : 0xf6) | (op->w != W8) | lock_of(e, op), op->w, n, mem);
    } else {
        rmw_binary(e, op, &p, mem);
    }
    flags_end(e, op, clobber);
    regs_return(e);
}

void emit_xchgm(Emit *e, const IrOp *op)
{
    Probe p = emit_probe(e, op, SLOW_OPERAND, 1u << op->w, true, 0);
    Rm mem = rm_m(probe_pointer(e, &p), -1, 0, 0);
    int r = operand_copy(e, op, &p); /* XCHG with memory locks by itself, which a single vCPU needs too: is_barrier() */
    ins(&e->a, 0x86 | (op->w != W8), op->w, (unsigned)r, mem);
    dst_set(e, op->dst, r, (IrWidth)op->w);
}

void emit_xaddm(Emit *e, const IrOp *op)
{
    Probe p = emit_probe(e, op, SLOW_OPERAND, 1u << op->w, true, 0);
    Rm mem = rm_m(probe_pointer(e, &p), -1, 0, 0);
    int r = operand_copy(e, op, &p);
    flags_begin(e, op, FL_ALL);
    ins(&e->a, O_0F | 0xc0 | (op->w != W8) | lock_of(e, op), op->w, (unsigned)r, mem);
    flags_end(e, op, FL_ALL);
    dst_set(e, op->dst, r, (IrWidth)op->w);
}

/* The accumulator is AX. When equal, dst is not written at all. */
void emit_cmpxchgm(Emit *e, const IrOp *op)
{
    Asm *a = &e->a;
    bool native = ir_is_global(op->dst) && e->greg[ir_global(op->dst)] == RAX;
    if (!native && e->scratch >> RAX & 1) {
        reg_borrow(e, RAX); /* the probe must not take it */
    }
    Probe p = emit_probe(e, op, SLOW_OPERAND, 1u << op->w, true, 0);
    Rm mem = rm_m(probe_pointer(e, &p), -1, 0, 0);
    flags_begin(e, op, FL_ALL);
    if (!native) {
        if (!(e->scratch >> RAX & 1)) {
            reg_borrow(e, RAX);
        }
        a_mov(a, W64, RAX, val_rm(e, op->dst));
    }
    int r = operand(e, op, &p);
    ins(a, O_0F | 0xb0 | (op->w != W8) | lock_of(e, op), op->w, (unsigned)r, mem);
    if (!native) { /* RAX is the old value, or the new one merged and extended by the host */
        dst_set(e, op->dst, RAX, W64);
    }
    flags_end(e, op, FL_ALL);
    regs_return(e);
}
