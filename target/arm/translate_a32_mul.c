/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A32 and T32 multiplication, division and media instructions (Arm ARM F2.4.3 to F2.4.9). What sets Q or GE, or works on
 * bytes and halfwords, is done by helpers.
 */
#include "target/arm/translate_a32.h"

static IrVal sext(ArmTr *s, IrVal v, IrWidth from)
{
    IrVal t = tr_temp(s);
    ir_emit(s->b, OP_sext, from, t, v, IR_NONE)->aux = W64;
    return t;
}

/* Halfword of R<n>, top or bottom, sign-extended to 64 bits. */
static IrVal half(ArmTr *s, unsigned n, bool top)
{
    IrVal v = aa32_r(s, n);
    if (top) {
        IrVal t = tr_temp(s);
        ir_alui(s->b, OP_shr, W32, t, v, 16, 0);
        v = t;
    }
    return sext(s, v, W16);
}

static IrVal product(ArmTr *s, IrVal a, IrVal b)
{
    IrVal t = tr_temp(s);
    ir_alu(s->b, OP_imul, W64, t, a, b, 0);
    return t;
}

/* R15 as an operand is UNPREDICTABLE: UNDEFINED here. */
static bool no_pc(ArmTr *s, unsigned a, unsigned b, unsigned c, int d)
{
    if (a == 15 || b == 15 || c == 15 || d == 15) {
        tr_undef(s);
        return false;
    }
    return true;
}

void aa32_mla(ArmTr *s, bool set_flags, bool subtract, unsigned rd, unsigned rn, unsigned rm, int ra)
{
    if (!no_pc(s, rd, rn, rm, ra)) {
        return;
    }
    IrVal t = tr_temp(s);
    ir_alu(s->b, OP_imul, W32, t, IR_G(rn), IR_G(rm), 0);
    if (ra >= 0) {
        ir_alu(s->b, subtract ? OP_sub : OP_add, W32, t, subtract ? IR_G((unsigned)ra) : t, subtract ? t : IR_G((unsigned)ra), 0);
    }
    if (set_flags) {
        aa32_flags_nz(s, t, IR_NONE);
    }
    ir_mov(s->b, W32, IR_G(rd), t);
}

static void set_pair(ArmTr *s, unsigned hi, unsigned lo, IrVal v)
{
    ir_mov(s->b, W32, IR_G(lo), v);
    ir_alui(s->b, OP_shr, W64, IR_G(hi), v, 32, 0);
}

static IrVal pair(ArmTr *s, unsigned hi, unsigned lo)
{
    IrVal t = tr_temp(s), l = tr_temp(s);
    ir_alui(s->b, OP_shl, W64, t, IR_G(hi), 32, 0);
    ir_mov(s->b, W32, l, IR_G(lo));
    ir_alu(s->b, OP_or, W64, t, t, l, 0);
    return t;
}

void aa32_mull(ArmTr *s, int op, bool set_flags, unsigned hi, unsigned lo, unsigned rn, unsigned rm)
{
    bool sign = op >= MULL_SMULL;
    if (!no_pc(s, hi, lo, rn, (int)rm)) {
        return;
    }
    IrVal a = tr_temp(s), b = tr_temp(s);
    if (sign) {
        a = sext(s, IR_G(rn), W32);
        b = sext(s, IR_G(rm), W32);
    } else {
        ir_mov(s->b, W32, a, IR_G(rn));
        ir_mov(s->b, W32, b, IR_G(rm));
    }
    IrVal t = product(s, a, b);
    if (op & 1) {
        ir_alu(s->b, OP_add, W64, t, t, pair(s, hi, lo), 0);
    }
    if (set_flags) { /* N of bit 63, Z of all 64 */
        IrVal top = tr_temp(s), low = tr_temp(s), z = tr_temp(s);
        ir_alui(s->b, OP_shr, W64, top, t, 32, 0);
        ir_mov(s->b, W32, low, t);
        ir_alui(s->b, OP_shr, W32, z, low, 1, 0);
        ir_alui(s->b, OP_and, W32, low, low, 1, 0);
        ir_alu(s->b, OP_or, W32, z, z, low, 0); /* not 0 if any bit is set, and bit 31 clear */
        ir_alu(s->b, OP_or, W32, z, z, top, 0);
        aa32_flags_nz(s, z, IR_NONE);
    }
    set_pair(s, hi, lo, t);
}

void aa32_umaal(ArmTr *s, unsigned hi, unsigned lo, unsigned rn, unsigned rm)
{
    if (!no_pc(s, hi, lo, rn, (int)rm)) {
        return;
    }
    IrVal a = tr_temp(s), b = tr_temp(s), h = tr_temp(s), l = tr_temp(s);
    ir_mov(s->b, W32, a, IR_G(rn));
    ir_mov(s->b, W32, b, IR_G(rm));
    ir_mov(s->b, W32, h, IR_G(hi));
    ir_mov(s->b, W32, l, IR_G(lo));
    IrVal t = product(s, a, b);
    ir_alu(s->b, OP_add, W64, t, t, h, 0);
    ir_alu(s->b, OP_add, W64, t, t, l, 0);
    set_pair(s, hi, lo, t);
}

/* rd = acc + ra; Q on a signed overflow of the sum of 32 bits. acc: 64 bits. */
static void accumulate_q(ArmTr *s, unsigned rd, IrVal acc, int ra)
{
    if (ra >= 0) {
        ir_alu(s->b, OP_add, W64, acc, acc, sext(s, IR_G((unsigned)ra), W32), 0);
        tr_call_void(s, HELPER_a32_q_if_not_s32, acc, IR_NONE, IR_NONE);
    }
    ir_mov(s->b, W32, IR_G(rd), acc);
}

void aa32_smlaxy(ArmTr *s, unsigned rd, unsigned rn, unsigned rm, int ra, bool x, bool y)
{
    if (no_pc(s, rd, rn, rm, ra)) {
        accumulate_q(s, rd, product(s, half(s, rn, x), half(s, rm, y)), ra);
    }
}

void aa32_smlaw(ArmTr *s, unsigned rd, unsigned rn, unsigned rm, int ra, bool y)
{
    if (no_pc(s, rd, rn, rm, ra)) {
        IrVal t = product(s, sext(s, IR_G(rn), W32), half(s, rm, y));
        ir_alui(s->b, OP_sar, W64, t, t, 16, 0);
        accumulate_q(s, rd, t, ra);
    }
}

void aa32_smlalxy(ArmTr *s, unsigned hi, unsigned lo, unsigned rn, unsigned rm, bool x, bool y)
{
    if (no_pc(s, hi, lo, rn, (int)rm)) {
        IrVal t = product(s, half(s, rn, x), half(s, rm, y));
        ir_alu(s->b, OP_add, W64, t, t, pair(s, hi, lo), 0);
        set_pair(s, hi, lo, t);
    }
}

static IrVal dual_products(ArmTr *s, unsigned rn, unsigned rm, bool cross, bool sub)
{
    IrVal a = product(s, half(s, rn, false), half(s, rm, cross)), b = product(s, half(s, rn, true), half(s, rm, !cross));
    ir_alu(s->b, sub ? OP_sub : OP_add, W64, a, a, b, 0);
    return a;
}

/* The sum of all three may overflow; SMUAD of two -32768 squared overflows too. */
void aa32_smlad(ArmTr *s, unsigned rd, unsigned rn, unsigned rm, int ra, bool cross, bool sub)
{
    if (!no_pc(s, rd, rn, rm, ra)) {
        return;
    }
    IrVal t = dual_products(s, rn, rm, cross, sub);
    if (ra >= 0) {
        ir_alu(s->b, OP_add, W64, t, t, sext(s, IR_G((unsigned)ra), W32), 0);
    }
    tr_call_void(s, HELPER_a32_q_if_not_s32, t, IR_NONE, IR_NONE);
    ir_mov(s->b, W32, IR_G(rd), t);
}

void aa32_smlald(ArmTr *s, unsigned hi, unsigned lo, unsigned rn, unsigned rm, bool cross, bool sub)
{
    if (no_pc(s, hi, lo, rn, (int)rm)) {
        IrVal t = dual_products(s, rn, rm, cross, sub);
        ir_alu(s->b, OP_add, W64, t, t, pair(s, hi, lo), 0);
        set_pair(s, hi, lo, t);
    }
}

void aa32_smmla(ArmTr *s, unsigned rd, unsigned rn, unsigned rm, int ra, bool round, bool sub)
{
    if (!no_pc(s, rd, rn, rm, ra)) {
        return;
    }
    IrVal t = product(s, sext(s, IR_G(rn), W32), sext(s, IR_G(rm), W32)), acc = tr_const(s, 0);
    if (ra >= 0) {
        ir_alui(s->b, OP_shl, W64, acc, IR_G((unsigned)ra), 32, 0);
    }
    ir_alu(s->b, sub ? OP_sub : OP_add, W64, t, acc, t, 0);
    if (round) {
        ir_alui(s->b, OP_add, W64, t, t, 0x80000000, 0);
    }
    ir_alui(s->b, OP_shr, W64, IR_G(rd), t, 32, 0);
}

void aa32_div(ArmTr *s, bool sign, unsigned rd, unsigned rn, unsigned rm)
{
    if (no_pc(s, rd, rn, rm, -1)) {
        ir_mov(s->b, W32, IR_G(rd), tr_call(s, sign ? HELPER_a32_sdiv : HELPER_a32_udiv, IR_G(rn), IR_G(rm), IR_NONE));
    }
}

void aa32_usada8(ArmTr *s, unsigned rd, unsigned rn, unsigned rm, int ra)
{
    if (no_pc(s, rd, rn, rm, -1)) {
        IrVal t = tr_call(s, HELPER_a32_usad8, IR_G(rn), IR_G(rm), IR_NONE);
        if (ra >= 0) {
            ir_alu(s->b, OP_add, W32, t, t, IR_G((unsigned)ra), 0);
        }
        ir_mov(s->b, W32, IR_G(rd), t);
    }
}

void aa32_qadd(ArmTr *s, unsigned rd, unsigned rn, unsigned rm, unsigned op)
{
    if (no_pc(s, rd, rn, rm, -1)) {
        ir_mov(s->b, W32, IR_G(rd), tr_call(s, HELPER_a32_qadd, IR_G(rm), IR_G(rn), tr_const(s, op)));
    }
}

void aa32_parallel(ArmTr *s, unsigned rd, unsigned rn, unsigned rm, unsigned kind, unsigned op)
{
    if (op == 5 || op == 6) {
        tr_undef(s);
    } else if (no_pc(s, rd, rn, rm, -1)) {
        ir_mov(s->b, W32, IR_G(rd), tr_call(s, HELPER_a32_parallel, IR_G(rn), IR_G(rm), tr_const(s, kind << 4 | op)));
    }
}

void aa32_pkh(ArmTr *s, unsigned rd, unsigned rn, unsigned rm, bool tb, unsigned imm5)
{
    if (!no_pc(s, rd, rn, rm, -1)) {
        return;
    }
    IrVal v = aa32_shift_imm(s, IR_G(rm), tb ? 2 : 0, imm5, NULL), a = tr_temp(s), b = tr_temp(s);
    ir_alui(s->b, OP_and, W32, a, IR_G(rn), tb ? (int32_t)0xffff0000 : 0xffff, 0);
    ir_alui(s->b, OP_and, W32, b, v, tb ? 0xffff : (int32_t)0xffff0000, 0);
    ir_alu(s->b, OP_or, W32, IR_G(rd), a, b, 0);
}

void aa32_sel(ArmTr *s, unsigned rd, unsigned rn, unsigned rm)
{
    if (no_pc(s, rd, rn, rm, -1)) {
        ir_mov(s->b, W32, IR_G(rd), tr_call(s, HELPER_a32_sel, IR_G(rn), IR_G(rm), IR_NONE));
    }
}

void aa32_sat(ArmTr *s, bool is_unsigned, unsigned rd, unsigned rn, unsigned sat, bool asr, unsigned imm5)
{
    if (no_pc(s, rd, rn, 0, -1)) {
        IrVal v = aa32_shift_imm(s, IR_G(rn), asr ? 2 : 0, imm5, NULL);
        IrVal bits = tr_const(s, is_unsigned ? sat : sat + 1);
        ir_mov(s->b, W32, IR_G(rd), tr_call(s, HELPER_a32_sat, v, bits, tr_const(s, is_unsigned)));
    }
}

void aa32_sat16(ArmTr *s, bool is_unsigned, unsigned rd, unsigned rn, unsigned sat)
{
    if (no_pc(s, rd, rn, 0, -1)) {
        IrVal bits = tr_const(s, is_unsigned ? sat : sat + 1);
        ir_mov(s->b, W32, IR_G(rd), tr_call(s, HELPER_a32_sat16, IR_G(rn), bits, tr_const(s, is_unsigned)));
    }
}

void aa32_extend(ArmTr *s, bool is_unsigned, unsigned op, unsigned rd, int rn, unsigned rm, unsigned rot)
{
    if (!no_pc(s, rd, rm, 0, -1)) {
        return;
    }
    IrVal v = IR_G(rm), t = tr_temp(s);
    if (rot) {
        v = tr_temp(s);
        ir_alui(s->b, OP_ror, W32, v, IR_G(rm), 8 * rot, 0);
    }
    if (op == 0) { /* two bytes to two halfwords */
        t = tr_call(s, HELPER_a32_extend16, v, rn >= 0 ? IR_G((unsigned)rn) : tr_const(s, 0), tr_const(s, is_unsigned));
    } else if (is_unsigned) {
        ir_emit(s->b, OP_zext, op == 2 ? W8 : W16, t, v, IR_NONE);
    } else {
        ir_emit(s->b, OP_sext, op == 2 ? W8 : W16, t, v, IR_NONE)->aux = W32;
    }
    if (op != 0 && rn >= 0) {
        ir_alu(s->b, OP_add, W32, t, t, IR_G((unsigned)rn), 0);
    }
    ir_mov(s->b, W32, IR_G(rd), t);
}

void aa32_rev(ArmTr *s, unsigned kind, unsigned rd, unsigned rm)
{
    IrVal t = tr_temp(s), u = tr_temp(s);
    if (!no_pc(s, rd, rm, 0, -1)) {
        return;
    }
    if (kind == 2) {
        t = tr_call(s, HELPER_rbit, IR_G(rm), IR_NONE, IR_NONE);
        ir_alui(s->b, OP_shr, W64, IR_G(rd), t, 32, 0);
        return;
    }
    ir_emit(s->b, OP_bswap, W32, t, IR_G(rm), IR_NONE);
    if (kind == 1) {
        ir_alui(s->b, OP_ror, W32, t, t, 16, 0);
    } else if (kind == 3) {
        ir_alui(s->b, OP_sar, W32, u, t, 16, 0);
        t = u;
    }
    ir_mov(s->b, W32, IR_G(rd), t);
}

void aa32_bfx(ArmTr *s, bool is_signed, unsigned rd, unsigned rn, unsigned lsb, unsigned widthm1)
{
    if (lsb + widthm1 > 31 || !no_pc(s, rd, rn, 0, -1)) {
        if (lsb + widthm1 > 31) {
            tr_undef(s);
        }
        return;
    }
    IrVal t = tr_temp(s);
    ir_alui(s->b, OP_shl, W32, t, IR_G(rn), 31 - lsb - widthm1, 0);
    ir_alui(s->b, is_signed ? OP_sar : OP_shr, W32, IR_G(rd), t, 31 - widthm1, 0);
}

void aa32_bfi(ArmTr *s, unsigned rd, unsigned rn, unsigned lsb, unsigned msb)
{
    if (msb < lsb || rd == 15) {
        tr_undef(s);
        return;
    }
    uint32_t mask = (uint32_t)((2ull << (msb - lsb)) - 1) << lsb;
    IrVal keep = tr_temp(s), v = tr_temp(s);
    ir_alui(s->b, OP_and, W32, keep, IR_G(rd), (int32_t)~mask, 0);
    if (rn != 15) {
        ir_alui(s->b, OP_shl, W32, v, IR_G(rn), lsb, 0);
        ir_alui(s->b, OP_and, W32, v, v, (int32_t)mask, 0);
        ir_alu(s->b, OP_or, W32, keep, keep, v, 0);
    }
    ir_mov(s->b, W32, IR_G(rd), keep);
}

void aa32_clz(ArmTr *s, unsigned rd, unsigned rm)
{
    if (no_pc(s, rd, rm, 0, -1)) {
        ir_emit(s->b, OP_lzcnt, W32, IR_G(rd), IR_G(rm), IR_NONE);
    }
}

void aa32_crc32(ArmTr *s, bool c, unsigned sz, unsigned rd, unsigned rn, unsigned rm)
{
    if (no_pc(s, rd, rn, rm, -1)) {
        IrVal t = tr_call(s, c ? HELPER_crc32c : HELPER_crc32, IR_G(rn), IR_G(rm), tr_const(s, 1u << sz));
        ir_mov(s->b, W32, IR_G(rd), t);
    }
}

/* ---- A32 ---- */

#define RA(n) ((n) == 15 ? -1 : (int)(n))

void trans_a32_mul(ArmTr *s, const a32_mul *a) { aa32_mla(s, a->S, false, a->Rd, a->Rn, a->Rm, -1); }
void trans_a32_mla(ArmTr *s, const a32_mla *a) { aa32_mla(s, a->S, false, a->Rd, a->Rn, a->Rm, (int)a->Ra); }
void trans_a32_mls(ArmTr *s, const a32_mls *a) { aa32_mla(s, false, true, a->Rd, a->Rn, a->Rm, (int)a->Ra); }
void trans_a32_umaal(ArmTr *s, const a32_umaal *a) { aa32_umaal(s, a->RdHi, a->RdLo, a->Rn, a->Rm); }
void trans_a32_mull(ArmTr *s, const a32_mull *a) { aa32_mull(s, (int)a->op, a->S, a->RdHi, a->RdLo, a->Rn, a->Rm); }
void trans_a32_smlaxy(ArmTr *s, const a32_smlaxy *a) { aa32_smlaxy(s, a->Rd, a->Rn, a->Rm, (int)a->Ra, a->x, a->y); }
void trans_a32_smulxy(ArmTr *s, const a32_smulxy *a) { aa32_smlaxy(s, a->Rd, a->Rn, a->Rm, -1, a->x, a->y); }
void trans_a32_smlaw(ArmTr *s, const a32_smlaw *a) { aa32_smlaw(s, a->Rd, a->Rn, a->Rm, (int)a->Ra, a->y); }
void trans_a32_smulw(ArmTr *s, const a32_smulw *a) { aa32_smlaw(s, a->Rd, a->Rn, a->Rm, -1, a->y); }
void trans_a32_smlalxy(ArmTr *s, const a32_smlalxy *a) { aa32_smlalxy(s, a->RdHi, a->RdLo, a->Rn, a->Rm, a->x, a->y); }
void trans_a32_qadd(ArmTr *s, const a32_qadd *a) { aa32_qadd(s, a->Rd, a->Rn, a->Rm, a->op); }
void trans_a32_smlad(ArmTr *s, const a32_smlad *a) { aa32_smlad(s, a->Rd, a->Rn, a->Rm, RA(a->Ra), a->M, a->sub); }
void trans_a32_smlald(ArmTr *s, const a32_smlald *a) { aa32_smlald(s, a->RdHi, a->RdLo, a->Rn, a->Rm, a->M, a->sub); }
void trans_a32_smmla(ArmTr *s, const a32_smmla *a) { aa32_smmla(s, a->Rd, a->Rn, a->Rm, RA(a->Ra), a->R, false); }
void trans_a32_smmls(ArmTr *s, const a32_smmls *a) { aa32_smmla(s, a->Rd, a->Rn, a->Rm, (int)a->Ra, a->R, true); }
void trans_a32_sdiv(ArmTr *s, const a32_sdiv *a) { aa32_div(s, true, a->Rd, a->Rn, a->Rm); }
void trans_a32_udiv(ArmTr *s, const a32_udiv *a) { aa32_div(s, false, a->Rd, a->Rn, a->Rm); }
void trans_a32_usada8(ArmTr *s, const a32_usada8 *a) { aa32_usada8(s, a->Rd, a->Rn, a->Rm, RA(a->Ra)); }
void trans_a32_parallel(ArmTr *s, const a32_parallel *a) { aa32_parallel(s, a->Rd, a->Rn, a->Rm, a->op1, a->op2); }
void trans_a32_pkh(ArmTr *s, const a32_pkh *a) { aa32_pkh(s, a->Rd, a->Rn, a->Rm, a->tb, a->imm5); }
void trans_a32_sel(ArmTr *s, const a32_sel *a) { aa32_sel(s, a->Rd, a->Rn, a->Rm); }
void trans_a32_sat(ArmTr *s, const a32_sat *a) { aa32_sat(s, a->U, a->Rd, a->Rn, a->sat, a->sh, a->imm5); }
void trans_a32_sat16(ArmTr *s, const a32_sat16 *a) { aa32_sat16(s, a->U, a->Rd, a->Rn, a->sat); }
void trans_a32_extend(ArmTr *s, const a32_extend *a) { aa32_extend(s, a->U, a->op, a->Rd, RA(a->Rn), a->Rm, a->rot); }
void trans_a32_rev(ArmTr *s, const a32_rev *a) { aa32_rev(s, 0, a->Rd, a->Rm); }
void trans_a32_rev16(ArmTr *s, const a32_rev16 *a) { aa32_rev(s, 1, a->Rd, a->Rm); }
void trans_a32_rbit(ArmTr *s, const a32_rbit *a) { aa32_rev(s, 2, a->Rd, a->Rm); }
void trans_a32_revsh(ArmTr *s, const a32_revsh *a) { aa32_rev(s, 3, a->Rd, a->Rm); }
void trans_a32_sbfx(ArmTr *s, const a32_sbfx *a) { aa32_bfx(s, true, a->Rd, a->Rn, a->lsb, a->widthm1); }
void trans_a32_ubfx(ArmTr *s, const a32_ubfx *a) { aa32_bfx(s, false, a->Rd, a->Rn, a->lsb, a->widthm1); }
void trans_a32_bfi(ArmTr *s, const a32_bfi *a) { aa32_bfi(s, a->Rd, a->Rn, a->lsb, a->msb); }
void trans_a32_clz(ArmTr *s, const a32_clz *a) { aa32_clz(s, a->Rd, a->Rm); }
void trans_a32_crc32(ArmTr *s, const a32_crc32 *a) { aa32_crc32(s, a->C, a->sz, a->Rd, a->Rn, a->Rm); }

/* ---- T32 ---- */

void trans_t32_mla(ArmTr *s, const t32_mla *a) { aa32_mla(s, false, false, a->Rd, a->Rn, a->Rm, RA(a->Ra)); }
void trans_t32_mls(ArmTr *s, const t32_mls *a) { aa32_mla(s, false, true, a->Rd, a->Rn, a->Rm, (int)a->Ra); }
void trans_t32_umaal(ArmTr *s, const t32_umaal *a) { aa32_umaal(s, a->RdHi, a->RdLo, a->Rn, a->Rm); }
void trans_t32_mull(ArmTr *s, const t32_mull *a) { aa32_mull(s, a->arg, false, a->RdHi, a->RdLo, a->Rn, a->Rm); }
void trans_t32_smlaxy(ArmTr *s, const t32_smlaxy *a) { aa32_smlaxy(s, a->Rd, a->Rn, a->Rm, RA(a->Ra), a->x, a->y); }
void trans_t32_smlaw(ArmTr *s, const t32_smlaw *a) { aa32_smlaw(s, a->Rd, a->Rn, a->Rm, RA(a->Ra), a->y); }
void trans_t32_smlalxy(ArmTr *s, const t32_smlalxy *a) { aa32_smlalxy(s, a->RdHi, a->RdLo, a->Rn, a->Rm, a->x, a->y); }
void trans_t32_smlad(ArmTr *s, const t32_smlad *a) { aa32_smlad(s, a->Rd, a->Rn, a->Rm, RA(a->Ra), a->M, a->arg); }
void trans_t32_smlald(ArmTr *s, const t32_smlald *a) { aa32_smlald(s, a->RdHi, a->RdLo, a->Rn, a->Rm, a->M, a->arg); }
void trans_t32_smmla(ArmTr *s, const t32_smmla *a) { aa32_smmla(s, a->Rd, a->Rn, a->Rm, RA(a->Ra), a->R, a->arg); }
void trans_t32_sdiv(ArmTr *s, const t32_sdiv *a) { aa32_div(s, true, a->Rd, a->Rn, a->Rm); }
void trans_t32_udiv(ArmTr *s, const t32_udiv *a) { aa32_div(s, false, a->Rd, a->Rn, a->Rm); }
void trans_t32_usada8(ArmTr *s, const t32_usada8 *a) { aa32_usada8(s, a->Rd, a->Rn, a->Rm, RA(a->Ra)); }
void trans_t32_pkh(ArmTr *s, const t32_pkh *a) { aa32_pkh(s, a->Rd, a->Rn, a->Rm, a->tb, a->imm5); }
void trans_t32_sel(ArmTr *s, const t32_sel *a) { aa32_sel(s, a->Rd, a->Rn, a->Rm); }
void trans_t32_sat(ArmTr *s, const t32_sat *a) { aa32_sat(s, a->U, a->Rd, a->Rn, a->sat, a->sh, a->imm5); }
void trans_t32_sat16(ArmTr *s, const t32_sat16 *a) { aa32_sat16(s, a->U, a->Rd, a->Rn, a->sat); }
void trans_t32_rev(ArmTr *s, const t32_rev *a) { aa32_rev(s, a->op, a->Rd, a->Rm); }
void trans_t32_sbfx(ArmTr *s, const t32_sbfx *a) { aa32_bfx(s, true, a->Rd, a->Rn, a->lsb, a->widthm1); }
void trans_t32_ubfx(ArmTr *s, const t32_ubfx *a) { aa32_bfx(s, false, a->Rd, a->Rn, a->lsb, a->widthm1); }
void trans_t32_bfi(ArmTr *s, const t32_bfi *a) { aa32_bfi(s, a->Rd, a->Rn, a->lsb, a->msb); }
void trans_t32_clz(ArmTr *s, const t32_clz *a) { aa32_clz(s, a->Rd, a->Rm); }
void trans_t32_crc32(ArmTr *s, const t32_crc32 *a) { aa32_crc32(s, a->C, a->sz, a->Rd, a->Rn, a->Rm); }

/* T32 numbers: 0 QADD, 1 QDADD, 2 QSUB, 3 QDSUB. A32: 0 QADD, 1 QSUB, 2 QDADD, 3 QDSUB. */
void trans_t32_qadd(ArmTr *s, const t32_qadd *a)
{
    aa32_qadd(s, a->Rd, a->Rn, a->Rm, (a->op & 1) << 1 | a->op >> 1);
}

/* op: 0 halfword, 1 two bytes, 2 byte. */
void trans_t32_extend(ArmTr *s, const t32_extend *a)
{
    static const uint8_t ops[3] = {3, 0, 2};
    aa32_extend(s, a->U, ops[a->op], a->Rd, RA(a->Rn), a->Rm, a->rot);
}

/* To A32's numbers: op1 1 S, 2 Q, 3 SH, 5 U, 6 UQ, 7 UH; op2 0 ADD16, 1 ASX, 2 SAX, 3 SUB16, 4 ADD8, 7 SUB8. */
void trans_t32_parallel(ArmTr *s, const t32_parallel *a)
{
    static const uint8_t ops[8] = {4, 0, 1, 5, 7, 3, 2, 5};
    static const uint8_t kinds[8] = {1, 2, 3, 0, 5, 6, 7, 0};
    aa32_parallel(s, a->Rd, a->Rn, a->Rm, kinds[a->kind], kinds[a->kind] ? ops[a->op1] : 5);
}

/* ---- T16 ---- */

void trans_t16_extend(ArmTr *s, const t16_extend *a) { aa32_extend(s, a->U, a->B ? 2 : 3, a->Rd, -1, a->Rm, 0); }
void trans_t16_rev(ArmTr *s, const t16_rev *a) { aa32_rev(s, a->op, a->Rd, a->Rm); }
