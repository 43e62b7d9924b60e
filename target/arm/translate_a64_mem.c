/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A64 loads and stores of one register or a pair, general and SIMD&FP (C4.1.94). Results go to the registers after the
 * last access that may fault; the base is written last.
 */
#include "target/arm/translate_a64.h"
#include "target/arm/translate_vec.h"

/* ---- addresses ---- */

IrVal a64_base(ArmTr *s, unsigned n)
{
    if (n != 31) {
        return IR_G(n);
    }
    if ((s->mode & MODE_SA) && !s->sp_checked) {
        int ok = ir_label_new(s->b);
        IrVal t = tr_temp(s);
        ir_alui(s->b, OP_and, W32, t, IR_G(ARM_G_SP), 15, 0);
        ir_branch(s->b, OP_brz, W32, t, ok);
        tr_call_void(s, HELPER_sp_alignment, IR_NONE, IR_NONE, IR_NONE);
        ir_label(s->b, ok);
        s->sp_checked = true;
    }
    return IR_G(ARM_G_SP);
}

static IrVal plus(ArmTr *s, IrVal base, int64_t offset)
{
    if (offset == 0) {
        return base;
    }
    IrVal t = tr_temp(s);
    ir_lea(s->b, W64, t, base, IR_NONE, 0, offset);
    return t;
}

enum { INDEX_NONE, INDEX_POST, INDEX_UNPRIV, INDEX_PRE }; /* bits 11:10 of the imm9 forms */

/* One access: its address, and the base's new value (IR_NONE: it stays). */
typedef struct Access {
    IrVal addr, base;
    unsigned n;
    int64_t offset; /* of the new base; a post-indexed one is computed last */
} Access;

static Access access_at(ArmTr *s, unsigned n, int64_t offset, int index)
{
    Access x = {.n = n};
    IrVal base = a64_base(s, n);
    x.addr = index == INDEX_POST ? base : plus(s, base, offset);
    if (index == INDEX_POST) {
        x.base = base;
        x.offset = offset;
    } else if (index == INDEX_PRE) {
        x.base = x.addr;
    }
    return x;
}

/* The register that a load writes is the base as well (CONSTRAINED UNPREDICTABLE): the base's new value wins. */
static void keep_base(ArmTr *s, Access *x, unsigned t)
{
    if (x->base != IR_NONE && x->n == t && t != 31) {
        IrVal v = tr_temp(s);
        ir_lea(s->b, W64, v, x->base, IR_NONE, 0, x->offset);
        x->base = v;
        x->offset = 0;
    }
}

static void write_back(ArmTr *s, const Access *x, int64_t offset)
{
    if (x->base == IR_NONE) {
        return;
    }
    IrVal rn = tr_xsp(x->n);
    if (x->n == 31) {
        a64_sp_written(s, offset % 16 == 0);
    }
    if (x->offset || x->base == rn) {
        ir_alui(s->b, OP_add, W64, rn, x->base, x->offset, 0);
    } else {
        ir_mov(s->b, W64, rn, x->base);
    }
}

/* ---- one general register ---- */

/* size and opc of the instruction's class. */
typedef enum Kind { KIND_UNDEF, KIND_STORE, KIND_LOAD, KIND_LOAD_S64, KIND_LOAD_S32, KIND_PREFETCH } Kind;

static Kind kind_of(unsigned size, unsigned opc, bool prefetch)
{
    static const uint8_t plain[4] = {KIND_STORE, KIND_LOAD, KIND_LOAD_S64, KIND_LOAD_S32};
    if (opc == 2 && size == 3) {
        return prefetch ? KIND_PREFETCH : KIND_UNDEF;
    }
    return opc == 3 && size >= 2 ? KIND_UNDEF : (Kind)plain[opc];
}

static void load_gpr(ArmTr *s, Kind kind, IrWidth w, unsigned rt, IrVal addr, int mmu)
{
    IrVal d = tr_xd(s, rt);
    if (kind == KIND_LOAD) {
        tr_load_to(s, w, d, addr, mmu);
        return;
    }
    tr_load_signed_to(s, w, kind == KIND_LOAD_S32 ? W32 : W64, d, addr, mmu);
}

static void one_register(ArmTr *s, Kind kind, IrWidth w, unsigned rt, IrVal addr, int mmu, bool unchecked)
{
    addr = tr_address(s, addr, 1u << w, kind == KIND_STORE, ALIGN_ANY, unchecked || mmu != s->mmu);
    if (mmu != s->mmu && !unchecked) {
        tr_check_tags(s, addr, 1u << w, kind == KIND_STORE, mmu);
    }
    if (kind == KIND_STORE) {
        if (rt == 31) {
            tr_store_zero(s, w, addr, mmu);
        } else {
            tr_store(s, w, addr, IR_G(rt), mmu);
        }
    } else {
        load_gpr(s, kind, w, rt, addr, mmu);
    }
}

void trans_a64_ldst_imm9(ArmTr *s, const a64_ldst_imm9 *a)
{
    Kind kind = kind_of(a->size, a->opc, a->arg == INDEX_NONE);
    int64_t offset = a64_signed(a->imm9, 9);
    if (kind == KIND_UNDEF) {
        tr_undef(s);
        return;
    }
    if (kind == KIND_PREFETCH) {
        return;
    }
    Access x = access_at(s, a->Rn, offset, a->arg);
    if (kind != KIND_STORE) {
        keep_base(s, &x, a->Rt);
    }
    int mmu = a->arg == INDEX_UNPRIV ? arm_mode_unpriv_mmu(s->mode) : s->mmu;
    one_register(s, kind, (IrWidth)a->size, a->Rt, x.addr, mmu, a->Rn == 31 && x.base == IR_NONE);
    write_back(s, &x, offset);
}

void trans_a64_ldst_uimm(ArmTr *s, const a64_ldst_uimm *a)
{
    Kind kind = kind_of(a->size, a->opc, true);
    if (kind == KIND_UNDEF) {
        tr_undef(s);
    } else if (kind != KIND_PREFETCH) {
        IrVal addr = plus(s, a64_base(s, a->Rn), (int64_t)a->imm12 << a->size);
        one_register(s, kind, (IrWidth)a->size, a->Rt, addr, s->mmu, a->Rn == 31);
    }
}

/* Base plus a register by option and shift; option must be one of UXTW, LSL, SXTW, SXTX. */
static IrVal register_offset(ArmTr *s, unsigned n, unsigned m, unsigned option, unsigned shift)
{
    IrVal base = a64_base(s, n), t = tr_temp(s), v = tr_x(s, m);
    if (option == 2 || option == 6) {
        IrVal e = tr_temp(s);
        ir_emit(s->b, option & 4 ? OP_sext : OP_zext, W32, e, v, IR_NONE)->aux = option & 4 ? W64 : 0;
        v = e;
    }
    if (shift > 3) {
        IrVal e = tr_temp(s);
        ir_alui(s->b, OP_shl, W64, e, v, shift, 0);
        v = e;
        shift = 0;
    }
    ir_lea(s->b, W64, t, base, v, (int)shift, 0);
    return t;
}

void trans_a64_ldst_reg(ArmTr *s, const a64_ldst_reg *a)
{
    Kind kind = kind_of(a->size, a->opc, true);
    if (kind == KIND_UNDEF || !(a->option & 2)) {
        tr_undef(s);
    } else if (kind != KIND_PREFETCH) {
        IrVal addr = register_offset(s, a->Rn, a->Rm, a->option, a->S ? a->size : 0);
        one_register(s, kind, (IrWidth)a->size, a->Rt, addr, s->mmu, false);
    }
}

void trans_a64_ldr_lit(ArmTr *s, const a64_ldr_lit *a)
{
    static const uint8_t kinds[4] = {KIND_LOAD, KIND_LOAD, KIND_LOAD_S64, KIND_PREFETCH};
    uint64_t addr = s->pc + ((uint64_t)a64_signed(a->imm19, 19) << 2);
    if (a->opc != 3) {
        one_register(s, (Kind)kinds[a->opc], a->opc == 1 ? W64 : W32, a->Rt, tr_const(s, (int64_t)addr), s->mmu, true);
    }
}

/* ---- SIMD&FP registers ---- */

/* V<n> = the value in lo (and hi, 128 bits); the rest of the Z register becomes zero. */
static void set_v(ArmTr *s, unsigned n, IrVal lo, IrVal hi)
{
    tr_stenv(s, W64, ENV_VD(n, 0), lo);
    tr_stenv(s, W64, ENV_VD(n, 1), hi);
    vec_clear_high(s, n);
}

/* Parts of a SIMD&FP register at addr: 16 bytes are two halves, the order of which is the byte order. */
static void load_halves(ArmTr *s, unsigned size, IrVal addr, IrVal *lo, IrVal *hi)
{
    if (size < 4) {
        *lo = tr_load(s, (IrWidth)size, addr, s->mmu);
        *hi = tr_const(s, 0);
        return;
    }
    bool be = s->mode & MODE_BE;
    *lo = tr_load(s, W64, addr, s->mmu);
    *hi = tr_load(s, W64, plus(s, addr, 8), s->mmu);
    if (be) {
        IrVal t = *lo;
        *lo = *hi;
        *hi = t;
    }
}

static void store_v(ArmTr *s, unsigned size, unsigned n, IrVal addr)
{
    if (size < 4) {
        tr_store(s, (IrWidth)size, addr, tr_ldenv(s, (IrWidth)size, ENV_V(n)), s->mmu);
        return;
    }
    bool be = s->mode & MODE_BE;
    tr_store(s, W64, addr, tr_ldenv(s, W64, ENV_VD(n, be)), s->mmu);
    tr_store(s, W64, plus(s, addr, 8), tr_ldenv(s, W64, ENV_VD(n, !be)), s->mmu);
}

/* A 16-byte register is stored when all of it can be. */
static void one_v(ArmTr *s, bool load, unsigned size, unsigned rt, IrVal addr, bool unchecked)
{
    addr = tr_address(s, addr, 1u << size, !load, ALIGN_ANY, unchecked);
    if (vec_host_access(s, 1u << size)) {
        (load ? vec_load : vec_store)(s, 1u << size, rt, addr, s->mmu);
    } else if (load) {
        IrVal lo, hi;
        load_halves(s, size, addr, &lo, &hi);
        set_v(s, rt, lo, hi);
    } else {
        store_v(s, size, rt, addr);
    }
}

/* log2 of the bytes by size and opc; false: not allocated. */
static bool v_size(unsigned size, unsigned opc, unsigned *out)
{
    *out = opc & 2 ? 4 : size;
    return !(opc & 2) || size == 0;
}

void trans_a64_ldst_imm9_v(ArmTr *s, const a64_ldst_imm9_v *a)
{
    unsigned size;
    int64_t offset = a64_signed(a->imm9, 9);
    if (!v_size(a->size, a->opc, &size)) {
        tr_undef(s);
    } else if (tr_fp_access(s)) {
        Access x = access_at(s, a->Rn, offset, a->arg);
        one_v(s, a->opc & 1, size, a->Rt, x.addr, a->Rn == 31 && a->arg == INDEX_NONE);
        write_back(s, &x, offset);
    }
}

void trans_a64_ldst_uimm_v(ArmTr *s, const a64_ldst_uimm_v *a)
{
    unsigned size;
    if (!v_size(a->size, a->opc, &size)) {
        tr_undef(s);
    } else if (tr_fp_access(s)) {
        one_v(s, a->opc & 1, size, a->Rt, plus(s, a64_base(s, a->Rn), (int64_t)a->imm12 << size), a->Rn == 31);
    }
}

void trans_a64_ldst_reg_v(ArmTr *s, const a64_ldst_reg_v *a)
{
    unsigned size;
    if (!v_size(a->size, a->opc, &size) || !(a->option & 2)) {
        tr_undef(s);
    } else if (tr_fp_access(s)) {
        one_v(s, a->opc & 1, size, a->Rt, register_offset(s, a->Rn, a->Rm, a->option, a->S ? size : 0), false);
    }
}

void trans_a64_ldr_lit_v(ArmTr *s, const a64_ldr_lit_v *a)
{
    if (tr_fp_access(s)) {
        uint64_t addr = s->pc + ((uint64_t)a64_signed(a->imm19, 19) << 2);
        one_v(s, true, 2 + a->opc, a->Rt, tr_const(s, (int64_t)addr), true);
    }
}

/* ---- pairs ---- */

enum { PAIR_NO_ALLOCATE, PAIR_POST, PAIR_OFFSET, PAIR_PRE };

static Access pair_access(ArmTr *s, unsigned n, int64_t offset, unsigned mode, unsigned bytes, bool write)
{
    Access x = access_at(s, n, offset, mode == PAIR_POST ? INDEX_POST : mode == PAIR_PRE ? INDEX_PRE : INDEX_NONE);
    bool unchecked = n == 31 && (mode == PAIR_NO_ALLOCATE || mode == PAIR_OFFSET);
    x.addr = tr_address(s, x.addr, bytes, write, ALIGN_ANY, true);
    if (!unchecked) {
        tr_check_tags(s, x.addr, 2 * bytes, write, s->mmu);
    }
    return x;
}

/* Two words are one access of 8 bytes. The first is its lower half, with big-endian data the upper one. */
static void load_words(ArmTr *s, const a64_ldst_pair *a, IrVal addr)
{
    bool be = s->mode & MODE_BE;
    IrVal v = tr_load(s, W64, addr, s->mmu), low = tr_xd(s, be ? a->Rt2 : a->Rt), high = tr_xd(s, be ? a->Rt : a->Rt2);
    if (a->opc == 1) {
        ir_emit(s->b, OP_sext, W32, low, v, IR_NONE)->aux = W64;
        ir_alui(s->b, OP_sar, W64, high, v, 32, 0);
    } else {
        ir_mov(s->b, W32, low, v);
        ir_alui(s->b, OP_shr, W64, high, v, 32, 0);
    }
}

static void store_words(ArmTr *s, const a64_ldst_pair *a, IrVal addr)
{
    bool be = s->mode & MODE_BE;
    IrVal t = tr_temp(s), u = tr_temp(s);
    ir_mov(s->b, W32, t, tr_x(s, be ? a->Rt2 : a->Rt));
    ir_alui(s->b, OP_shl, W64, u, tr_x(s, be ? a->Rt : a->Rt2), 32, 0);
    ir_alu(s->b, OP_or, W64, t, t, u, 0);
    tr_store(s, W64, addr, t, s->mmu);
}

/* Both to one register is CONSTRAINED UNPREDICTABLE: the first stays. */
static void load_pair(ArmTr *s, const a64_ldst_pair *a, IrVal addr)
{
    if (a->opc == 2) {
        IrVal second = a->Rt == a->Rt2 ? tr_temp(s) : tr_xd(s, a->Rt2);
        tr_load_pair(s, tr_xd(s, a->Rt), second, addr, s->mmu);
    } else {
        load_words(s, a, addr);
    }
}

static void store_pair(ArmTr *s, const a64_ldst_pair *a, IrVal addr)
{
    if (a->opc == 2) {
        tr_store_pair(s, addr, tr_x(s, a->Rt), tr_x(s, a->Rt2), s->mmu);
    } else {
        store_words(s, a, addr);
    }
}

void trans_a64_ldst_pair(ArmTr *s, const a64_ldst_pair *a)
{
    if (a->opc == 3 || (a->opc == 1 && (!a->L || a->mode == PAIR_NO_ALLOCATE))) {
        tr_undef(s); /* STGP is with the tag instructions */
        return;
    }
    unsigned size = a->opc == 2 ? 3 : 2;
    int64_t offset = a64_signed(a->imm7, 7) * (1 << size);
    Access x = pair_access(s, a->Rn, offset, a->mode, 1u << size, !a->L);
    if (a->L) {
        keep_base(s, &x, a->Rt);
        keep_base(s, &x, a->Rt2);
        load_pair(s, a, x.addr);
    } else {
        store_pair(s, a, x.addr);
    }
    write_back(s, &x, offset);
}

void trans_a64_ldst_pair_v(ArmTr *s, const a64_ldst_pair_v *a)
{
    unsigned size = 2 + a->opc;
    int64_t offset = a64_signed(a->imm7, 7) * (1 << size);
    if (!tr_fp_access(s)) {
        return;
    }
    Access x = pair_access(s, a->Rn, offset, a->mode, 1u << size, !a->L);
    IrVal second = plus(s, x.addr, 1 << size), lo[2], hi[2];
    if (vec_host_access(s, 1u << size)) {
        (a->L ? vec_load : vec_store)(s, 1u << size, a->L ? VEC_T0 : a->Rt, x.addr, s->mmu);
        (a->L ? vec_load : vec_store)(s, 1u << size, a->Rt2, second, s->mmu);
        if (a->L) {
            vec_move(s, 16, a->Rt, VEC_T0);
        }
    } else if (a->L) {
        load_halves(s, size, x.addr, &lo[0], &hi[0]);
        load_halves(s, size, second, &lo[1], &hi[1]);
        set_v(s, a->Rt, lo[0], hi[0]);
        set_v(s, a->Rt2, lo[1], hi[1]);
    } else {
        store_v(s, size, a->Rt, x.addr);
        store_v(s, size, a->Rt2, second);
    }
    write_back(s, &x, offset);
}

/* ---- ordered accesses ---- */

void trans_a64_ldst_ordered(ArmTr *s, const a64_ldst_ordered *a)
{
    IrVal addr = a64_base(s, a->Rn);
    addr = tr_address(s, addr, 1u << a->size, !a->L, ALIGN_ORDERED, a->Rn == 31);
    if (a->L) {
        load_gpr(s, KIND_LOAD, (IrWidth)a->size, a->Rt, addr, s->mmu);
        return;
    }
    tr_store(s, (IrWidth)a->size, addr, tr_x(s, a->Rt), s->mmu);
    ir_emit(s->b, OP_fence, W64, IR_NONE, IR_NONE, IR_NONE); /* a later LDAR must not pass it */
}

void trans_a64_ldapr(ArmTr *s, const a64_ldapr *a)
{
    IrVal addr = tr_address(s, a64_base(s, a->Rn), 1u << a->size, false, ALIGN_ORDERED, a->Rn == 31);
    load_gpr(s, KIND_LOAD, (IrWidth)a->size, a->Rt, addr, s->mmu);
}

/* LDAPUR, STLUR: release of the latter without the order against LDAR would do for LDAPR, but LDAR may follow. */
void trans_a64_ldapur(ArmTr *s, const a64_ldapur *a)
{
    Kind kind = kind_of(a->size, a->opc, false);
    if (kind == KIND_UNDEF) {
        tr_undef(s);
        return;
    }
    IrVal addr = plus(s, a64_base(s, a->Rn), a64_signed(a->imm9, 9));
    addr = tr_address(s, addr, 1u << a->size, kind == KIND_STORE, ALIGN_ORDERED, a->Rn == 31);
    if (kind == KIND_STORE) {
        tr_store(s, (IrWidth)a->size, addr, tr_x(s, a->Rt), s->mmu);
        ir_emit(s->b, OP_fence, W64, IR_NONE, IR_NONE, IR_NONE);
    } else {
        load_gpr(s, kind, (IrWidth)a->size, a->Rt, addr, s->mmu);
    }
}
