/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SVE: immediates, counts of elements, moves between registers, permutations.
 */
#include "target/arm/translate_sve.h"

unsigned sve_pattern(ArmTr *s, unsigned pattern, unsigned esz)
{
    unsigned lanes = sve_vl(s) >> esz, n;
    switch (pattern) {
    case 0:
        return 1u << (31 - __builtin_clz(lanes)); /* POW2 */
    case 29:
        return lanes - lanes % 4;
    case 30:
        return lanes - lanes % 3;
    case 31:
        return lanes;
    default:
        n = pattern <= 8 ? pattern : pattern <= 13 ? 16u << (pattern - 9) : 0;
        return n <= lanes ? n : 0;
    }
}

/* ---- immediates ---- */

void trans_a64_z_imm(ArmTr *s, const a64_z_imm *a)
{
    VecDesc x = z_desc(s, a->arg, a->size, a->zdn, a->zdn, 0);
    int64_t imm = a->arg & VEC_ARG_SIGNED ? (int8_t)a->imm8 : (int64_t)a->imm8 << (a->sh ? 8 : 0);
    if (a->sh && a->size == 0) {
        tr_undef(s);
        return;
    }
    x.msrc = MSRC_IMM;
    if (a->arg & VEC_ARG_REV) {
        x.nsel = SEL_SWAP;
    }
    z_op(s, x, imm, 0);
}

/* MOV with an immediate as second source: the kernel's first one, after the exchange. */
static void set_lanes(ArmTr *s, unsigned esz, unsigned zd, int64_t v, unsigned ctl)
{
    VecDesc x = z_desc(s, VEC_MOV, esz, zd, zd, zd);
    x.msrc = MSRC_IMM;
    x.nsel = SEL_SWAP;
    z_op(s, x, v, ctl);
}

void trans_a64_z_dup_imm(ArmTr *s, const a64_z_dup_imm *a)
{
    if (a->sh && a->size == 0) {
        tr_undef(s);
    } else {
        set_lanes(s, a->size, a->zd, (int64_t)(int8_t)a->imm8 * (a->sh ? 256 : 1), 0);
    }
}

void trans_a64_z_fdup(ArmTr *s, const a64_z_fdup *a)
{
    set_lanes(s, a->size, a->zd, (int64_t)fp_expand_imm((FpFmt)a->size, (uint8_t)a->imm8), 0);
}

void trans_a64_z_cpy_imm(ArmTr *s, const a64_z_cpy_imm *a)
{
    if (a->sh && a->size == 0) {
        tr_undef(s);
    } else {
        set_lanes(s, a->size, a->zd, (int64_t)(int8_t)a->imm8 * (a->sh ? 256 : 1),
                  (a->m ? SVE_PREDICATED : SVE_ZEROING) | a->pg);
    }
}

void trans_a64_z_fcpy(ArmTr *s, const a64_z_fcpy *a)
{
    set_lanes(s, a->size, a->zd, (int64_t)fp_expand_imm((FpFmt)a->size, (uint8_t)a->imm8), SVE_PREDICATED | a->pg);
}

/* DecodeBitMasks() of immN:imms:immr, 64 bits. */
static bool bit_mask(unsigned imm13, uint64_t *out)
{
    unsigned n = imm13 >> 12, immr = imm13 >> 6 & 63, imms = imm13 & 63;
    unsigned sizes = n << 6 | (~imms & 63);
    if (sizes < 2) {
        return false;
    }
    unsigned len = 31 - (unsigned)__builtin_clz(sizes), size = 1u << len, levels = size - 1;
    unsigned ones = (imms & levels) + 1, rot = immr & levels;
    if (ones == size) {
        return false;
    }
    uint64_t e = ~0ull >> (64 - ones), all = ~0ull >> (64 - size);
    e = rot ? (e >> rot | e << (size - rot)) & all : e;
    for (unsigned w = size; w < 64; w *= 2) {
        e |= e << w;
    }
    *out = e;
    return true;
}

void trans_a64_z_logic_imm(ArmTr *s, const a64_z_logic_imm *a)
{
    /* the field is immN:immr:imms */
    uint64_t mask;
    if (!bit_mask(a->imm13, &mask)) {
        tr_undef(s);
    } else if (VEC_ARG_OP(a->arg) == VEC_MOV) {
        set_lanes(s, 3, a->zdn, (int64_t)mask, 0);
    } else {
        VecDesc x = z_desc(s, a->arg, 3, a->zdn, a->zdn, 0);
        x.msrc = MSRC_IMM;
        z_op(s, x, (int64_t)mask, 0);
    }
}

/* ---- counts of elements ---- */

void trans_a64_sve_cnt(ArmTr *s, const a64_sve_cnt *a)
{
    if (tr_sve_access(s)) {
        ir_movi(s->b, W64, tr_xd(s, a->rd), sve_pattern(s, a->pattern, a->size) * (a->imm4 + 1));
    }
}

void trans_a64_sve_inc(ArmTr *s, const a64_sve_inc *a)
{
    if (tr_sve_access(s)) {
        int64_t n = sve_pattern(s, a->pattern, a->size) * (a->imm4 + 1);
        ir_lea(s->b, W64, tr_xd(s, a->rd), tr_x(s, a->rd), IR_NONE, 0, a->dec ? -n : n);
    }
}

static void saturate(ArmTr *s, unsigned rd, IrVal n, unsigned u, unsigned dec, bool words)
{
    ir_mov(s->b, W64, tr_xd(s, rd),
           tr_call(s, HELPER_sve_sat, tr_x(s, rd), n, tr_const(s, u | (unsigned)words << 1 | dec << 2)));
}

void trans_a64_sve_sqinc(ArmTr *s, const a64_sve_sqinc *a)
{
    if (tr_sve_access(s)) {
        saturate(s, a->rd, tr_const(s, sve_pattern(s, a->pattern, a->size) * (a->imm4 + 1)), a->u, a->dec, !a->sf);
    }
}

static void add_lanes(ArmTr *s, int op, unsigned esz, unsigned zd, int64_t n)
{
    VecDesc x = z_desc(s, op, esz, zd, zd, 0);
    x.msrc = MSRC_IMM;
    z_op(s, x, n, 0);
}
static int saturating(unsigned u, unsigned dec)
{
    return dec ? (u ? VEC_UQSUB : VEC_SQSUB) : u ? VEC_UQADD : VEC_SQADD;
}

void trans_a64_z_inc(ArmTr *s, const a64_z_inc *a)
{
    add_lanes(s, a->dec ? VEC_SUB : VEC_ADD, a->size, a->zd, sve_pattern(s, a->pattern, a->size) * (a->imm4 + 1));
}

void trans_a64_z_sqinc(ArmTr *s, const a64_z_sqinc *a)
{
    add_lanes(s, saturating(a->u, a->dec), a->size, a->zd, sve_pattern(s, a->pattern, a->size) * (a->imm4 + 1));
}

/* ADDVL, ADDPL: arg is the number of bytes for 16 of a vector. */
void trans_a64_sve_addvl(ArmTr *s, const a64_sve_addvl *a)
{
    if (tr_sve_access(s)) {
        int64_t n = a64_signed(a->imm6, 6) * a->arg * (sve_vl(s) / 16);
        ir_lea(s->b, W64, tr_xsp(a->rd), tr_xsp(a->rn), IR_NONE, 0, n);
        if (a->rd == 31) {
            a64_sp_written(s, n % 16 == 0 && a->rn == 31);
        }
    }
}

void trans_a64_sve_rdvl(ArmTr *s, const a64_sve_rdvl *a)
{
    if (tr_sve_access(s)) {
        ir_movi(s->b, W64, tr_xd(s, a->rd), a64_signed(a->imm6, 6) * sve_vl(s));
    }
}

/* INDEX: arg bit 0: the base is a register, bit 1: the step is. */
void trans_a64_z_index(ArmTr *s, const a64_z_index *a)
{
    if (tr_sve_access(s)) {
        VecDesc x = z_desc(s, 0, a->size, a->zd, 0, 0);
        IrVal base = a->arg & 1 ? tr_x(s, a->base) : tr_const(s, a64_signed(a->base, 5));
        IrVal step = a->arg & 2 ? tr_x(s, a->step) : tr_const(s, a64_signed(a->step, 5));
        tr_call_void(s, HELPER_sve_index, tr_const(s, (int64_t)x.word), base, step);
    }
}

void trans_a64_z_adr(ArmTr *s, const a64_z_adr *a)
{
    if (tr_sve_access(s)) {
        VecDesc x = z_desc(s, 0, a->opc == 2 ? 2 : 3, a->zd, a->zn, a->zm);
        tr_call_void(s, HELPER_sve_adr, tr_const(s, (int64_t)x.word), tr_const(s, a->msz),
                     tr_const(s, a->opc == 0 ? 1 : a->opc == 1 ? 2 : 0));
    }
}

/* ---- permutations ---- */

static void permute(ArmTr *s, unsigned what, VecDesc x, unsigned g)
{
    if (tr_sve_access(s)) {
        tr_call_void(s, HELPER_sve_perm, tr_const(s, (int64_t)x.word), tr_const(s, what), tr_const(s, g));
    }
}

void trans_a64_z_perm(ArmTr *s, const a64_z_perm *a)
{
    permute(s, (unsigned)a->arg, z_desc(s, 0, a->size, a->zd, a->zn, a->zm), 0);
}

void trans_a64_z_perm128(ArmTr *s, const a64_z_perm128 *a)
{
    if (sve_vl(s) < 32) {
        tr_undef(s);
    } else {
        permute(s, (unsigned)a->arg, z_desc(s, 0, 4, a->zd, a->zn, a->zm), 0);
    }
}

void trans_a64_z_perm2(ArmTr *s, const a64_z_perm2 *a)
{
    permute(s, (unsigned)a->arg, z_desc(s, 0, a->size, a->zd, a->zn, a->zn), 0);
}

void trans_a64_z_permp(ArmTr *s, const a64_z_permp *a)
{
    permute(s, (unsigned)a->arg, z_desc(s, 0, a->size, a->zd, a->zn, a->zn), a->pg);
}

void trans_a64_z_ext(ArmTr *s, const a64_z_ext *a)
{
    permute(s, SVE_PERM_EXT | a->imm << 8, z_desc(s, 0, 0, a->zdn, a->zdn, a->zm), 0);
}

void trans_a64_z_ext2(ArmTr *s, const a64_z_ext2 *a)
{
    permute(s, SVE_PERM_EXT | a->imm << 8, z_desc(s, 0, 0, a->zd, a->zn, a->zn + 1), 0);
}

void trans_a64_z_dup_elem(ArmTr *s, const a64_z_dup_elem *a)
{
    unsigned esz = (unsigned)__builtin_ctz(a->tsz), index = (a->imm2 << 5 | a->tsz) >> (esz + 1);
    permute(s, SVE_PERM_DUP_ELEM | index << 8, z_desc(s, 0, esz, a->zd, a->zn, a->zn), 0);
}

void trans_a64_z_unpk(ArmTr *s, const a64_z_unpk *a)
{
    permute(s, SVE_PERM_UNPK | (a->h | a->u << 1) << 8, z_desc(s, 0, a->size, a->zd, a->zn, a->zn), 0);
}

void trans_a64_z_clast(ArmTr *s, const a64_z_clast *a)
{
    permute(s, SVE_PERM_CLAST | a->b << 8, z_desc(s, 0, a->size, a->zdn, a->zdn, a->zm), a->pg);
}

void trans_a64_z_splice(ArmTr *s, const a64_z_splice *a)
{
    permute(s, SVE_PERM_SPLICE, z_desc(s, 0, a->size, a->zdn, a->zdn, a->zm), a->pg);
}

void trans_a64_z_splice2(ArmTr *s, const a64_z_splice2 *a)
{
    permute(s, SVE_PERM_SPLICE, z_desc(s, 0, a->size, a->zd, a->zn, a->zn + 1), a->pg);
}

void trans_a64_z_sel(ArmTr *s, const a64_z_sel *a)
{
    permute(s, SVE_PERM_SEL, z_desc(s, 0, a->size, a->zd, a->zn, a->zm), a->pg);
}

/* ---- between scalar and vector registers ---- */

static IrVal scalar_of(ArmTr *s, unsigned v, unsigned esz)
{
    return tr_ldenv(s, (IrWidth)esz, ENV_V(v));
}

static void insert(ArmTr *s, unsigned esz, unsigned zdn, IrVal v)
{
    tr_call_void(s, HELPER_sve_insr, tr_const(s, (int64_t)z_desc(s, 0, esz, zdn, 0, 0).word), v, IR_NONE);
}

void trans_a64_z_insr(ArmTr *s, const a64_z_insr *a)
{
    if (tr_sve_access(s)) {
        insert(s, a->size, a->zdn, tr_x(s, a->rm));
    }
}

void trans_a64_z_insr_v(ArmTr *s, const a64_z_insr_v *a)
{
    if (tr_sve_access(s)) {
        insert(s, a->size, a->zdn, scalar_of(s, a->vm, a->size));
    }
}

void trans_a64_z_dup_gen(ArmTr *s, const a64_z_dup_gen *a)
{
    if (tr_sve_access(s)) {
        VecDesc x = z_desc(s, 0, a->size, a->zd, 0, 0);
        tr_call_void(s, HELPER_sve_index, tr_const(s, (int64_t)x.word), tr_xsp(a->rn), tr_const(s, 0));
    }
}

static void copy(ArmTr *s, unsigned esz, unsigned zd, IrVal v, unsigned g)
{
    VecDesc x = z_desc(s, 0, esz, zd, 0, 0);
    tr_call_void(s, HELPER_sve_cpy, tr_const(s, (int64_t)x.word), v, tr_const(s, SVE_PREDICATED | g));
}

void trans_a64_z_cpy_v(ArmTr *s, const a64_z_cpy_v *a)
{
    if (tr_sve_access(s)) {
        copy(s, a->size, a->zd, scalar_of(s, a->vn, a->size), a->pg);
    }
}

void trans_a64_z_cpy_gen(ArmTr *s, const a64_z_cpy_gen *a)
{
    if (tr_sve_access(s)) {
        copy(s, a->size, a->zd, tr_xsp(a->rn), a->pg);
    }
}

static IrVal last(ArmTr *s, unsigned esz, unsigned zn, unsigned g, unsigned how)
{
    return tr_call(s, HELPER_sve_last, tr_const(s, (int64_t)z_desc(s, 0, esz, 0, zn, 0).word), tr_const(s, how),
                   tr_const(s, g));
}

void trans_a64_z_last(ArmTr *s, const a64_z_last *a)
{
    if (tr_sve_access(s)) {
        ir_mov(s->b, W64, tr_xd(s, a->rd), last(s, a->size, a->zn, a->pg, a->b));
    }
}

void trans_a64_z_last_v(ArmTr *s, const a64_z_last_v *a)
{
    if (tr_sve_access(s)) {
        vec_set_scalar(s, a->vd, last(s, a->size, a->zn, a->pg, a->b));
    }
}

/* None active: the old value, cut to the element's size, is kept. */
static IrVal last_or(ArmTr *s, unsigned esz, unsigned zm, unsigned g, unsigned b, IrVal old)
{
    IrVal v = tr_temp(s);
    ir_emit(s->b, OP_zext, (IrWidth)esz, v, old, IR_NONE);
    tr_stenv(s, W64, ENV(scratch), v);
    return last(s, esz, zm, g, b | 2);
}

void trans_a64_z_clast_v(ArmTr *s, const a64_z_clast_v *a)
{
    if (tr_sve_access(s)) {
        vec_set_scalar(s, a->vdn, last_or(s, a->size, a->zm, a->pg, a->b, scalar_of(s, a->vdn, a->size)));
    }
}

void trans_a64_z_clast_gen(ArmTr *s, const a64_z_clast_gen *a)
{
    if (tr_sve_access(s)) {
        ir_mov(s->b, W64, tr_xd(s, a->rdn), last_or(s, a->size, a->zm, a->pg, a->b, tr_x(s, a->rdn)));
    }
}
