/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A64 Advanced SIMD load/store structures: LD1..LD4, ST1..ST4 of multiple structures and of one, LDnR (C4.1.94).
 */
#include "target/arm/translate_a64.h"
#include "target/arm/translate_vec.h"

static IrVal at(ArmTr *s, IrVal base, unsigned offset)
{
    if (offset == 0) {
        return base;
    }
    IrVal t = tr_temp(s);
    ir_lea(s->b, W64, t, base, IR_NONE, 0, offset);
    return t;
}

/* Post-index: Rm, or the bytes accessed for 31. */
static void post_index(ArmTr *s, unsigned rn, unsigned rm, unsigned bytes)
{
    if (rn == 31) {
        a64_sp_written(s, rm == 31 && bytes % 16 == 0);
    }
    if (rm == 31) {
        ir_alui(s->b, OP_add, W64, tr_xsp(rn), tr_xsp(rn), bytes, 0);
    } else {
        ir_alu(s->b, OP_add, W64, tr_xsp(rn), tr_xsp(rn), IR_G(rm), 0);
    }
}

/* LD1, ST1: registers one after the other. All loads before the first write of a register. */
static void consecutive(ArmTr *s, bool load, unsigned rt, unsigned regs, bool q, IrVal addr)
{
    unsigned bytes = q ? 16 : 8, last = regs - 1;
    if (vec_host_access(s, bytes)) {
        /* The first one, the last one, which then are the only ones to fault, those in between. */
        unsigned to = load && last ? VEC_T0 : rt;
        (load ? vec_load : vec_store)(s, bytes, to, addr, s->mmu);
        for (unsigned i = last; i > 0; i--) {
            (load ? vec_load : vec_store)(s, bytes, (rt + i) % 32, at(s, addr, i * bytes), s->mmu);
        }
        if (to != rt) {
            vec_move(s, 16, rt, to);
        }
        return;
    }
    IrVal v[8];
    unsigned words = regs * (q ? 2 : 1);
    for (unsigned i = 0; i < words; i++) {
        unsigned n = (rt + (q ? i / 2 : i)) % 32;
        if (load) {
            v[i] = tr_load(s, W64, at(s, addr, 8 * i), s->mmu);
        } else {
            tr_store(s, W64, at(s, addr, 8 * i), tr_ldenv(s, W64, ENV_VD(n, q ? i % 2 : 0)), s->mmu);
        }
    }
    for (unsigned i = 0; load && i < regs; i++) {
        unsigned n = (rt + i) % 32;
        tr_stenv(s, W64, ENV_VD(n, 0), q ? v[2 * i] : v[i]);
        tr_stenv(s, W64, ENV_VD(n, 1), q ? v[2 * i + 1] : tr_const(s, 0));
        vec_clear_high(s, n);
    }
}

void trans_a64_ldst_multi(ArmTr *s, const a64_ldst_multi *a)
{
    /* registers and elements of a structure by opcode, 0: not allocated */
    static const uint8_t regs[16] = {[0] = 4, [2] = 4, [4] = 3, [6] = 3, [7] = 1, [8] = 2, [10] = 2};
    static const uint8_t elements[16] = {[0] = 4, [2] = 1, [4] = 3, [6] = 1, [7] = 1, [8] = 2, [10] = 1};
    unsigned n = regs[a->opcode], selem = elements[a->opcode], bytes = n * (a->Q ? 16 : 8);
    if (n == 0 || (a->size == 3 && !a->Q && selem != 1)) {
        tr_undef(s);
        return;
    }
    if (!tr_fp_access(s)) {
        return;
    }
    IrVal addr = tr_address(s, a64_base(s, a->Rn), 1u << a->size, !a->L, ALIGN_ANY, true);
    if (a->Rn != 31 || a->arg) {
        tr_check_tags(s, addr, bytes, !a->L, s->mmu);
    }
    bool be = s->mode & MODE_BE;
    if (selem == 1 && !be) {
        consecutive(s, a->L, a->Rt, n, a->Q, addr);
    } else {
        unsigned desc = a->Rt | n << 5 | selem << 8 | a->size << 12 | a->Q << 14 | (unsigned)be << 15;
        tr_call_void(s, a->L ? HELPER_ld_struct : HELPER_st_struct, addr, tr_const(s, desc), tr_const(s, s->mmu));
        for (unsigned i = 0; a->L && i < n; i++) {
            vec_clear_high(s, (a->Rt + i) % 32);
        }
    }
    if (a->arg) {
        post_index(s, a->Rn, a->Rm, bytes);
    }
}

/* ---- one structure ---- */

/* Element size, index; replicate. False: not allocated. */
typedef struct Single {
    unsigned size, index, selem;
    bool replicate;
} Single;

static bool decode_single(const a64_ldst_single *a, Single *x)
{
    unsigned scale = a->opcode >> 1;
    *x = (Single){.size = scale, .selem = ((a->opcode & 1) << 1 | a->R) + 1};
    switch (scale) {
    case 0:
        x->index = a->Q << 3 | a->S << 2 | a->size;
        return true;
    case 1:
        x->index = a->Q << 2 | a->S << 1 | a->size >> 1;
        return !(a->size & 1);
    case 2:
        if (a->size & 1) {
            x->size = 3;
            x->index = a->Q;
            return !(a->size & 2) && !a->S;
        }
        x->index = a->Q << 1 | a->S;
        return !(a->size & 2);
    default:
        x->size = a->size;
        x->replicate = true;
        return a->L && !a->S;
    }
}

static void replicate(ArmTr *s, unsigned n, unsigned size, bool q, IrVal v)
{
    v = vec_replicate(s, v, size);
    tr_stenv(s, W64, ENV_VD(n, 0), v);
    tr_stenv(s, W64, ENV_VD(n, 1), q ? v : tr_const(s, 0));
    vec_clear_high(s, n);
}

void trans_a64_ldst_single(ArmTr *s, const a64_ldst_single *a)
{
    Single x;
    if (!decode_single(a, &x)) {
        tr_undef(s);
        return;
    }
    if (!tr_fp_access(s)) {
        return;
    }
    IrVal addr = tr_address(s, a64_base(s, a->Rn), 1u << x.size, !a->L, ALIGN_ANY, true), v[4];
    if (a->Rn != 31 || a->arg) {
        tr_check_tags(s, addr, x.selem << x.size, !a->L, s->mmu);
    }
    IrWidth w = (IrWidth)x.size;
    for (unsigned i = 0; i < x.selem; i++) {
        unsigned n = (a->Rt + i) % 32;
        IrVal where = at(s, addr, i << x.size);
        if (a->L) {
            v[i] = tr_load(s, w, where, s->mmu);
        } else {
            tr_store(s, w, where, tr_ldenv(s, w, ENV_V(n) + (int64_t)(x.index << x.size)), s->mmu);
        }
    }
    for (unsigned i = 0; a->L && i < x.selem; i++) {
        unsigned n = (a->Rt + i) % 32;
        if (x.replicate) {
            replicate(s, n, x.size, a->Q, v[i]);
        } else {
            tr_stenv(s, w, ENV_V(n) + (int64_t)(x.index << x.size), v[i]);
            vec_clear_high(s, n);
        }
    }
    if (a->arg) {
        post_index(s, a->Rn, a->Rm, x.selem << x.size);
    }
}
