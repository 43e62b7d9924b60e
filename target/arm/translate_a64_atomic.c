/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A64 exclusives and atomic memory instructions (C4.1.94).
 *
 * The exclusive monitor compares values: a Store-Exclusive succeeds when memory still holds what the Load-Exclusive read
 * from the same address, which one locked compare-and-exchange finds out.
 */
#include "target/arm/translate_a64.h"

static void set_monitor(ArmTr *s, IrVal addr, IrVal lo, IrVal hi)
{
    tr_stenv(s, W64, ENV(s.excl_addr), addr);
    tr_stenv(s, W64, ENV(s.excl_val[0]), lo);
    if (hi != IR_NONE) {
        tr_stenv(s, W64, ENV(s.excl_val[1]), hi);
    }
    tr_stenv(s, W8, ENV(s.excl_valid), tr_const(s, 1));
}

static void load_exclusive(ArmTr *s, const a64_ldst_excl *a, IrVal addr)
{
    IrVal v = tr_load(s, (IrWidth)a->size, addr, s->mmu);
    set_monitor(s, addr, v, IR_NONE);
    ir_mov(s->b, W64, tr_xd(s, a->Rt), v);
}

/* To label l unless the monitor is set for addr. */
static void check_monitor(ArmTr *s, IrVal addr, int l)
{
    IrVal valid = tr_ldenv(s, W8, ENV(s.excl_valid));
    IrVal t = tr_ldenv(s, W64, ENV(s.excl_addr));
    ir_alui(s->b, OP_xor, W32, valid, valid, 1, 0);
    ir_alu(s->b, OP_xor, W64, t, t, addr, 0);
    ir_alu(s->b, OP_or, W64, t, t, valid, 0);
    ir_branch(s->b, OP_brnz, W64, t, l);
}

/* v as memory has it: exclusive values are kept in the program's byte order. */
static IrVal in_memory_order(ArmTr *s, IrWidth w, IrVal v)
{
    if (!(s->mode & MODE_BE) || w == W8) {
        return v;
    }
    IrVal t = tr_temp(s);
    ir_emit(s->b, OP_bswap, W64, t, v, IR_NONE);
    ir_alui(s->b, OP_shr, W64, t, t, 64 - (8 << w), 0);
    return t;
}

/* If [addr] is `expected` it becomes val; *failed: is not 0 when it was not. */
static void compare_and_store(ArmTr *s, IrWidth w, IrVal addr, IrVal expected, IrVal val, IrVal failed)
{
    IrVal acc = tr_temp(s);
    expected = in_memory_order(s, w, expected);
    ir_mov(s->b, W64, acc, expected);
    IrOp *o = ir_emit(s->b, OP_cmpxchgm, w, acc, addr, in_memory_order(s, w, val));
    o->aux = (uint8_t)s->mmu;
    o->aux2 = 0x80;
    ir_alu(s->b, OP_xor, W64, failed, acc, expected, 0);
}

/* Rs = 0 when failed is 0, else 1; the monitor is cleared. */
static void exclusive_result(ArmTr *s, unsigned rs, IrVal failed)
{
    tr_stenv(s, W8, ENV(s.excl_valid), tr_const(s, 0));
    ir_emit(s->b, OP_movnz, W64, tr_xd(s, rs), tr_const(s, 0), tr_const(s, 1))->c = failed;
}

static void store_exclusive(ArmTr *s, const a64_ldst_excl *a, IrVal addr)
{
    IrVal failed = tr_const(s, 1);
    int l = ir_label_new(s->b);
    check_monitor(s, addr, l);
    IrVal expected = tr_ldenv(s, W64, ENV(s.excl_val[0]));
    compare_and_store(s, (IrWidth)a->size, addr, expected, tr_x(s, a->Rt), failed);
    ir_label(s->b, l);
    exclusive_result(s, a->Rs, failed);
}

void trans_a64_ldst_excl(ArmTr *s, const a64_ldst_excl *a)
{
    IrVal base = a64_base(s, a->Rn), addr = tr_temp(s);
    ir_mov(s->b, W64, addr, base);
    addr = tr_address(s, addr, 1u << a->size, !a->L, ALIGN_ATOMIC, a->Rn == 31);
    (a->L ? load_exclusive : store_exclusive)(s, a, addr);
}

/* ---- pairs ---- */

static void load_exclusive_pair(ArmTr *s, const a64_ldst_excl_pair *a, IrVal addr)
{
    IrVal lo, hi;
    bool be = s->mode & MODE_BE;
    unsigned first = be ? a->Rt2 : a->Rt, second = be ? a->Rt : a->Rt2;
    if (a->sz) {
        lo = tr_temp(s);
        hi = tr_temp(s);
        tr_load_pair(s, lo, hi, addr, s->mmu);
        set_monitor(s, addr, lo, hi);
        ir_mov(s->b, W64, tr_xd(s, a->Rt), lo);
        ir_mov(s->b, W64, tr_xd(s, a->Rt2), hi);
        return;
    }
    lo = tr_load(s, W64, addr, s->mmu);
    set_monitor(s, addr, lo, IR_NONE);
    ir_mov(s->b, W32, tr_xd(s, first), lo);
    ir_alui(s->b, OP_shr, W64, tr_xd(s, second), lo, 32, 0);
}

/* Two words as one value of 64 bits in the program's byte order. */
static IrVal joined(ArmTr *s, unsigned t1, unsigned t2)
{
    bool be = s->mode & MODE_BE;
    IrVal lo = tr_temp(s), hi = tr_temp(s);
    ir_mov(s->b, W32, lo, tr_x(s, be ? t2 : t1));
    ir_alui(s->b, OP_shl, W64, hi, tr_x(s, be ? t1 : t2), 32, 0);
    ir_alu(s->b, OP_or, W64, lo, lo, hi, 0);
    return lo;
}

static void store_exclusive_pair(ArmTr *s, const a64_ldst_excl_pair *a, IrVal addr)
{
    IrVal failed = tr_const(s, 1);
    int l = ir_label_new(s->b);
    check_monitor(s, addr, l);
    if (a->sz) {
        tr_stenv(s, W64, ENV(scratch[0]), addr);
        ir_call(s->b, HELPER_stxp, failed, tr_x(s, a->Rt), tr_x(s, a->Rt2), tr_const(s, s->mmu));
    } else {
        IrVal expected = tr_ldenv(s, W64, ENV(s.excl_val[0]));
        compare_and_store(s, W64, addr, expected, joined(s, a->Rt, a->Rt2), failed);
    }
    ir_label(s->b, l);
    exclusive_result(s, a->Rs, failed);
}

void trans_a64_ldst_excl_pair(ArmTr *s, const a64_ldst_excl_pair *a)
{
    IrVal base = a64_base(s, a->Rn), addr = tr_temp(s);
    ir_mov(s->b, W64, addr, base);
    addr = tr_address(s, addr, a->sz ? 16 : 8, !a->L, ALIGN_ATOMIC, a->Rn == 31);
    (a->L ? load_exclusive_pair : store_exclusive_pair)(s, a, addr);
}

/*
 * What reads and writes is a read where that faults: of alignment (ESR_ELx.WnR is 0) and for tag checks. Translation faults
 * see to it in mmu_isv.c.
 */

/* ---- compare and swap ---- */

void trans_a64_cas(ArmTr *s, const a64_cas *a)
{
    IrWidth w = (IrWidth)a->size;
    IrVal addr = tr_address(s, a64_base(s, a->Rn), 1u << w, false, ALIGN_ATOMIC, a->Rn == 31);
    IrVal acc = tr_temp(s), expected = tr_temp(s);
    ir_emit(s->b, OP_zext, w, expected, tr_x(s, a->Rs), IR_NONE);
    expected = in_memory_order(s, w, expected);
    ir_mov(s->b, W64, acc, expected);
    IrOp *o = ir_emit(s->b, OP_cmpxchgm, w, acc, addr, in_memory_order(s, w, tr_x(s, a->Rt)));
    o->aux = (uint8_t)s->mmu;
    o->aux2 = 0x80;
    ir_mov(s->b, W64, tr_xd(s, a->Rs), in_memory_order(s, w, acc));
}

/* CASP: Rs, Rs+1 compared, Rt, Rt+1 stored; odd numbers are not allocated. */
void trans_a64_casp(ArmTr *s, const a64_casp *a)
{
    if ((a->Rs & 1) || (a->Rt & 1)) {
        tr_undef(s);
        return;
    }
    IrVal addr = tr_address(s, a64_base(s, a->Rn), a->sz ? 16 : 8, false, ALIGN_ATOMIC, a->Rn == 31);
    if (a->sz) {
        tr_stenv(s, W64, ENV(scratch[0]), tr_x(s, a->Rs));
        tr_stenv(s, W64, ENV(scratch[1]), tr_x(s, a->Rs + 1));
        tr_stenv(s, W64, ENV(scratch[2]), tr_x(s, a->Rt));
        tr_stenv(s, W64, ENV(scratch[3]), tr_x(s, a->Rt + 1));
        tr_call_void(s, HELPER_casp, addr, tr_const(s, s->mmu), IR_NONE);
        ir_mov(s->b, W64, tr_xd(s, a->Rs), tr_ldenv(s, W64, ENV(scratch[0])));
        ir_mov(s->b, W64, tr_xd(s, a->Rs + 1), tr_ldenv(s, W64, ENV(scratch[1])));
        return;
    }
    bool be = s->mode & MODE_BE;
    IrVal acc = tr_temp(s), val = in_memory_order(s, W64, joined(s, a->Rt, a->Rt + 1));
    ir_mov(s->b, W64, acc, in_memory_order(s, W64, joined(s, a->Rs, a->Rs + 1)));
    IrOp *o = ir_emit(s->b, OP_cmpxchgm, W64, acc, addr, val);
    o->aux = (uint8_t)s->mmu;
    o->aux2 = 0x80;
    acc = in_memory_order(s, W64, acc);
    ir_mov(s->b, W32, tr_xd(s, a->Rs + be), acc);
    ir_alui(s->b, OP_shr, W64, tr_xd(s, a->Rs + !be), acc, 32, 0);
}

/* ---- atomic operations ---- */

static void atomic_add(ArmTr *s, const a64_atomic *a, IrVal addr)
{
    IrVal t = tr_const(s, 0);
    IrOp *o = ir_emit(s->b, OP_xaddm, (IrWidth)a->size, t, addr, tr_x(s, a->Rs));
    o->aux = (uint8_t)s->mmu;
    o->aux2 = 0x80;
    if (a->Rt != 31) {
        ir_mov(s->b, W64, IR_G(a->Rt), t);
    }
}

/* CLR, EOR, SET without a result. */
static void atomic_logic(ArmTr *s, const a64_atomic *a, IrVal addr)
{
    static const uint8_t ops[4] = {OP_add, OP_and, OP_xor, OP_or};
    IrVal v = tr_x(s, a->Rs);
    if (a->opc == 1) {
        IrVal t = tr_temp(s);
        ir_emit(s->b, OP_not, W64, t, v, IR_NONE);
        v = t;
    }
    ir_rmw(s->b, (IrOpcode)ops[a->opc], (IrWidth)a->size, addr, v, s->mmu, true, 0);
}

void trans_a64_atomic(ArmTr *s, const a64_atomic *a)
{
    IrVal addr = tr_address(s, a64_base(s, a->Rn), 1u << a->size, false, ALIGN_ATOMIC, a->Rn == 31);
    bool be = (s->mode & MODE_BE) && a->size > 0;
    if (a->opc == 0 && !be) {
        atomic_add(s, a, addr);
    } else if (a->opc < 4 && a->Rt == 31 && !be) {
        atomic_logic(s, a, addr);
    } else {
        unsigned desc = a->opc | a->size << 4 | (unsigned)be << 8 | (unsigned)s->mmu << 12;
        IrVal v = tr_call(s, HELPER_ldop, addr, tr_x(s, a->Rs), tr_const(s, desc));
        ir_mov(s->b, W64, tr_xd(s, a->Rt), v);
    }
}

void trans_a64_swp(ArmTr *s, const a64_swp *a)
{
    IrWidth w = (IrWidth)a->size;
    IrVal addr = tr_address(s, a64_base(s, a->Rn), 1u << w, false, ALIGN_ATOMIC, a->Rn == 31), t = tr_const(s, 0);
    ir_emit(s->b, OP_xchgm, w, t, addr, in_memory_order(s, w, tr_x(s, a->Rs)))->aux = (uint8_t)s->mmu;
    ir_mov(s->b, W64, tr_xd(s, a->Rt), in_memory_order(s, w, t));
}
