/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A32 and T32 Advanced SIMD: operations on two registers, shifts by immediates, constants, copies, permutations
 * (Arm ARM F4.1.18, "two registers misc" and following).
 */
#include "target/arm/translate_a32_neon.h"
#include "target/arm/translate_vec_fast.h"

/* ---- two registers ---- */

void trans_a32_n2(ArmTr *s, const a32_n2 *a)
{
    if (neon_even(s, a->Q, NEON_D(a) | NEON_M(a))) {
        neon_op(s, neon_desc(a->arg, a->size, simd_len(a->Q), NEON_D(a), NEON_M(a), NEON_M(a)), 0);
    }
}

void trans_a32_n2f(ArmTr *s, const a32_n2f *a)
{
    if (neon_format(s, a->size) && neon_even(s, a->Q, NEON_D(a) | NEON_M(a))) {
        neon_op(s, neon_desc(a->arg, a->size, simd_len(a->Q), NEON_D(a), NEON_M(a), NEON_M(a)), simd_imm(a->arg));
    }
}

void trans_a32_n2rev(ArmTr *s, const a32_n2rev *a)
{
    if (neon_even(s, a->Q, NEON_D(a) | NEON_M(a))) {
        neon_op(s, neon_desc(VEC_REV, (unsigned)a->arg, simd_len(a->Q), NEON_D(a), NEON_M(a), NEON_M(a)), a->size);
    }
}

/* VPADDL, VPADAL: the even lanes and the odd ones, extended, are the two sources. */
void trans_a32_n2addlp(ArmTr *s, const a32_n2addlp *a)
{
    VecDesc x = neon_desc(a->arg, a->size + 1, simd_len(a->Q), NEON_D(a), NEON_M(a), NEON_M(a));
    unsigned ext = SEL_EXT | (a->arg & VEC_ARG_SIGNED ? SEL_SIGNED : 0);
    x.nsel = (ext | SEL_EVEN) & 15;
    x.msel = (ext | SEL_ODD) & 15;
    if (neon_even(s, a->Q, NEON_D(a) | NEON_M(a))) {
        neon_op(s, x, 0);
    }
}

/* Dd = lanes of Qm cut to half. */
static void narrow(ArmTr *s, int arg, unsigned esz, unsigned d, unsigned m, int64_t imm)
{
    VecDesc x = neon_desc(arg, esz, 16, d, m, m);
    x.out = OUT_LO;
    if (neon_even(s, true, m)) {
        neon_op(s, x, imm);
    }
}

/* Qd = lanes of Dm extended. */
static void widen(ArmTr *s, int arg, unsigned esz, unsigned d, unsigned m, int64_t imm)
{
    VecDesc x = neon_desc(arg, esz, 16, d, m, m);
    x.nsel = simd_half(arg & VEC_ARG_SIGNED, false) & 15;
    if (neon_even(s, true, d)) {
        neon_op(s, x, imm);
    }
}

void trans_a32_n2n(ArmTr *s, const a32_n2n *a)
{
    narrow(s, a->arg, a->size + 1, NEON_D(a), NEON_M(a), 0);
}

void trans_a32_n2shll(ArmTr *s, const a32_n2shll *a)
{
    widen(s, VEC_SHL, a->size + 1, NEON_D(a), NEON_M(a), 8 << a->size);
}

void trans_a32_n2cvtn(ArmTr *s, const a32_n2cvtn *a)
{
    narrow(s, a->arg, 2, NEON_D(a), NEON_M(a), 0);
}

void trans_a32_n2cvtl(ArmTr *s, const a32_n2cvtl *a)
{
    widen(s, VEC_FCVTL, 2, NEON_D(a), NEON_M(a), 0);
}

/* ---- shifts by immediates ---- */

/* immh as A64 has it: L is its highest bit, h has that below the others. */
static unsigned immh(unsigned h)
{
    return (h & 1) << 3 | h >> 1;
}

void trans_a32_nshift(ArmTr *s, const a32_nshift *a)
{
    unsigned high = immh(a->h);
    VecDesc x = neon_desc(a->arg, simd_shift_esz(high), simd_len(a->Q), NEON_D(a), NEON_M(a), NEON_M(a));
    if (neon_even(s, a->Q, NEON_D(a) | NEON_M(a))) {
        neon_op(s, x, simd_shift_count(high, a->immb, a->arg & VEC_ARG_LEFT));
    }
}

void trans_a32_nshiftn(ArmTr *s, const a32_nshiftn *a)
{
    narrow(s, a->arg, simd_shift_esz(a->h) + 1, NEON_D(a), NEON_M(a), simd_shift_count(a->h, a->immb, false));
}

void trans_a32_nshll(ArmTr *s, const a32_nshll *a)
{
    widen(s, a->arg, simd_shift_esz(a->h) + 1, NEON_D(a), NEON_M(a), simd_shift_count(a->h, a->immb, true));
}

/* VCVT with 64 - imm6 fraction bits: vec_ops.def says where they are in the immediate. */
void trans_a32_nfixed(ArmTr *s, const a32_nfixed *a)
{
    unsigned op = VEC_ARG_OP(a->arg), fbits = 64 - a->imm6;
    bool to_int = op == VEC_FCVTS || op == VEC_FCVTU;
    if (neon_even(s, a->Q, NEON_D(a) | NEON_M(a))) {
        neon_op(s, neon_desc(a->arg, (unsigned)a->arg >> 28, simd_len(a->Q), NEON_D(a), NEON_M(a), NEON_M(a)),
                to_int ? fbits << 3 | (unsigned)simd_imm(a->arg) : fbits);
    }
}

/* ---- constants ---- */

static IrVal logic_imm(ArmTr *s, IrVal v, bool clear, uint64_t imm)
{
    IrVal r = tr_temp(s);
    ir_alu(s->b, clear ? OP_and : OP_or, W64, r, v, tr_const(s, (int64_t)(clear ? ~imm : imm)), 0);
    return r;
}

void trans_a32_nimm(ArmTr *s, const a32_nimm *a)
{
    uint64_t imm = vec_expand_imm(a->op, a->cmode, a->imm8);
    bool logic = a->cmode < 12 && a->cmode & 1; /* VORR, VBIC */
    unsigned d = NEON_D(a);
    if (!neon_need(s, !(a->op && a->cmode == 15)) || !neon_even(s, a->Q, d) || !aa32_simd_enabled(s)) {
        return;
    }
    if (!logic && a->op && a->cmode < 14) { /* VMVN */
        imm = ~imm;
    }
    if (!logic && a->Q && vec_host(s, 0)) {
        vec_constant(s, d / 2, 3, imm);
        return;
    }
    for (unsigned i = 0; i <= a->Q; i++) {
        int64_t at = neon_env(d + i);
        tr_stenv(s, W64, at, logic ? logic_imm(s, tr_ldenv(s, W64, at), a->op, imm) : tr_const(s, (int64_t)imm));
    }
}

/* ---- lanes and general registers (rows of a32_vfp.tbl): R15 is UNPREDICTABLE, UNDEFINED here ---- */

/* opc1:opc2 tell size and index: 1xxx byte, 0xx1 halfword, 0x00 word, which VFP has, too. */
static bool lane(ArmTr *s, unsigned opc1, unsigned opc2, IrWidth *w, int64_t *offset)
{
    unsigned k = (opc1 & 3) << 2 | opc2;
    *w = k & 8 ? W8 : k & 1 ? W16 : W32;
    *offset = k & 8 ? k & 7 : k & 1 ? k & 6 : k & 4;
    return neon_need(s, *w == W32 ? !(k & 2) : arm_has(s->config, ARM_FEAT_NEON));
}

static bool lane_usable(ArmTr *s, IrWidth w, unsigned d)
{
    if (!neon_need(s, !(d & 16) || arm_has(s->config, ARM_FEAT_D32))) {
        return false;
    }
    return w == W32 ? aa32_fp_enabled(s) : aa32_simd_enabled(s);
}

void trans_a32_vmov_to_elem(ArmTr *s, const a32_vmov_to_elem *a)
{
    unsigned d = NEON_D(a);
    IrWidth w;
    int64_t off;
    if (neon_need(s, a->Rt != 15) && lane(s, a->opc1, a->opc2, &w, &off) && lane_usable(s, w, d)) {
        tr_stenv(s, w, neon_env(d) + off, IR_G(a->Rt));
    }
}

void trans_a32_vmov_from_elem(ArmTr *s, const a32_vmov_from_elem *a)
{
    unsigned n = NEON_N(a);
    IrWidth w;
    int64_t off;
    if (!neon_need(s, a->Rt != 15) || !lane(s, a->opc1, a->opc2, &w, &off) || !neon_need(s, w != W32 || !a->U) ||
        !lane_usable(s, w, n)) {
        return;
    }
    IrVal v = tr_ldenv(s, w, neon_env(n) + off);
    if (w != W32 && !a->U) {
        ir_emit(s->b, OP_sext, w, IR_G(a->Rt), v, IR_NONE)->aux = W32;
    } else {
        ir_mov(s->b, W32, IR_G(a->Rt), v);
    }
}

static void store_all(ArmTr *s, unsigned d, unsigned q, IrVal v)
{
    for (unsigned i = 0; i <= q; i++) {
        tr_stenv(s, W64, neon_env(d + i), v);
    }
}

void trans_a32_vdup_gpr(ArmTr *s, const a32_vdup_gpr *a)
{
    unsigned d = NEON_D(a), esz = a->B ? 0 : a->E ? 1 : 2;
    if (!neon_need(s, !(a->B && a->E) && a->Rt != 15) || !neon_even(s, a->Q, d) || !aa32_simd_enabled(s)) {
        return;
    }
    IrVal t = tr_temp(s);
    ir_emit(s->b, OP_zext, (IrWidth)esz, t, IR_G(a->Rt), IR_NONE);
    store_all(s, d, a->Q, vec_replicate(s, t, esz));
}

/* ---- copies ---- */

/* imm4 says size and index by its lowest set bit. */
void trans_a32_ndup(ArmTr *s, const a32_ndup *a)
{
    unsigned d = NEON_D(a), m = NEON_M(a);
    if (!neon_need(s, a->imm4 & 7) || !neon_even(s, a->Q, d) || !aa32_simd_enabled(s)) {
        return;
    }
    unsigned esz = (unsigned)__builtin_ctz(a->imm4), index = a->imm4 >> (esz + 1);
    if (a->Q && vec_host(s, 0)) {
        vec_broadcast(s, 16, d / 2, m / 2, esz, index + (m & 1) * (8 >> esz));
        return;
    }
    IrVal v = vec_replicate(s, tr_ldenv(s, (IrWidth)esz, neon_env(m) + ((int64_t)index << esz)), esz);
    store_all(s, d, a->Q, v);
}

void trans_a32_nswp(ArmTr *s, const a32_nswp *a)
{
    unsigned d = NEON_D(a), m = NEON_M(a);
    if (!neon_even(s, a->Q, d | m) || !aa32_simd_enabled(s)) {
        return;
    }
    for (unsigned i = 0; i <= a->Q; i++) {
        IrVal x = tr_ldenv(s, W64, neon_env(d + i)), y = tr_ldenv(s, W64, neon_env(m + i));
        tr_stenv(s, W64, neon_env(d + i), y);
        tr_stenv(s, W64, neon_env(m + i), x);
    }
}

/* ---- permutations ---- */

static void permute(ArmTr *s, VecDesc x, unsigned what)
{
    if (!vec_a32_permute(s, x, what)) {
        tr_call_void(s, HELPER_simd_permute, tr_const(s, (int64_t)x.word), tr_const(s, what), IR_NONE);
    }
}

void trans_a32_next(ArmTr *s, const a32_next *a)
{
    VecDesc x = neon_desc(0, 0, simd_len(a->Q), NEON_D(a), NEON_N(a), NEON_M(a));
    if (neon_even(s, a->Q, NEON_D(a) | NEON_N(a) | NEON_M(a)) && neon_need(s, a->imm4 < x.len) && aa32_simd_enabled(s)) {
        permute(s, x, VEC_PERM_EXT | a->imm4 << 8);
    }
}

/* A table beyond D31 is UNPREDICTABLE: UNDEFINED here. */
void trans_a32_ntbl(ArmTr *s, const a32_ntbl *a)
{
    if (neon_need(s, NEON_N(a) + a->len < 32) && aa32_simd_enabled(s)) {
        permute(s, neon_desc(0, 0, 8, NEON_D(a), NEON_N(a), NEON_M(a)), VEC_PERM_TBL | (a->len | a->op << 2) << 8);
    }
}

/* VUZP, VZIP, VTRN: Dd and Dm are changed both. For words of D registers VUZP and VZIP are VTRN. */
void trans_a32_nperm2(ArmTr *s, const a32_nperm2 *a)
{
    VecDesc x = neon_desc(0, a->size, simd_len(a->Q), NEON_D(a), NEON_D(a), NEON_M(a));
    bool trn = a->arg == VEC_PERM_TRN;
    if (!neon_need(s, trn || a->Q || a->size < 2) || !neon_even(s, a->Q, NEON_D(a) | NEON_M(a)) || !aa32_simd_enabled(s)) {
        return;
    }
    if (!vec_a32_permute2(s, x, (unsigned)a->arg)) {
        tr_call_void(s, HELPER_simd_permute2, tr_const(s, (int64_t)x.word), tr_const(s, a->arg), IR_NONE);
    }
}
