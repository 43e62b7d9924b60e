/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A64 data processing (C4.1.92, C4.1.95): immediate, register, shifted and extended register.
 */
#include "target/arm/translate_a64.h"

/* ---- PC-relative addresses, moves of constants ---- */

void trans_a64_adr(ArmTr *s, const a64_adr *a)
{
    uint64_t off = (uint64_t)a64_signed((uint64_t)a->immhi << 2 | a->immlo, 21);
    uint64_t v = a->op ? (s->pc & ~4095ull) + (off << 12) : s->pc + off;
    if (a->Rd != 31) {
        ir_movi(s->b, W64, IR_G(a->Rd), (int64_t)v);
    }
}

/* MOVK: 16 bits of a register are replaced. */
static void movk(ArmTr *s, const a64_mov_wide *a)
{
    unsigned shift = a->hw * 16;
    uint64_t mask = 0xffffull << shift, imm = (uint64_t)a->imm16 << shift;
    IrOp *known = a64_known(s, a->Rd);
    if (a->Rd == 31) {
        return;
    }
    IrVal rd = IR_G(a->Rd);
    if (known) {
        uint64_t v = ((uint64_t)known->imm & ~mask) | imm;
        known->imm = (int64_t)(a->sf ? v : (uint32_t)v);
    } else if (shift == 0 && a->sf) {
        ir_movi(s->b, W16, rd, a->imm16);
    } else {
        ir_alui(s->b, OP_and, a64_w(a->sf), rd, rd, (int64_t)~mask, 0);
        ir_alui(s->b, OP_or, a64_w(a->sf), rd, rd, (int64_t)imm, 0);
    }
}

void trans_a64_mov_wide(ArmTr *s, const a64_mov_wide *a)
{
    if (!a->sf && a->hw > 1) {
        tr_undef(s);
        return;
    }
    if (a->opc == 3) {
        movk(s, a);
        return;
    }
    uint64_t v = (uint64_t)a->imm16 << a->hw * 16;
    v = a->opc == 0 ? ~v : v;
    if (a->Rd != 31) {
        ir_movi(s->b, W64, IR_G(a->Rd), (int64_t)(a->sf ? v : (uint32_t)v));
    }
}

/* ---- addition and subtraction ---- */

/*
 * rd = rn op operand with flags. `sub` sets the IR's inverted C right by itself; add needs CMC. Operand IR_IMM: imm,
 * where adding a constant but 0 is subtracting its negative, in all flags.
 */
static void add_sub_flags(ArmTr *s, IrWidth w, bool sub, unsigned rd, IrVal rn, IrVal operand, int64_t imm)
{
    if (operand == IR_IMM && !sub && imm != 0 && imm != INT64_MIN) {
        sub = true;
        imm = -imm;
    }
    if (sub && rd == 31) {
        IrOp *o = ir_emit(s->b, OP_cmp, w, IR_NONE, rn, operand);
        o->imm = imm;
        o->fw = FL_ALL;
    } else {
        ir_alu(s->b, sub ? OP_sub : OP_add, w, tr_xd(s, rd), rn, operand, FL_ALL)->imm = imm;
    }
    if (!sub) {
        ir_emit(s->b, OP_cmc, W64, IR_NONE, IR_NONE, IR_NONE)->fw = FL_C;
    }
}

void trans_a64_addsub_imm(ArmTr *s, const a64_addsub_imm *a)
{
    IrWidth w = a64_w(a->sf);
    int64_t imm = (int64_t)a->imm12 << (a->sh ? 12 : 0);
    IrOp *known = a64_known(s, a->Rn);
    if (a->S) {
        add_sub_flags(s, w, a->op, a->Rd, tr_xsp(a->Rn), IR_IMM, imm);
        return;
    }
    if (known && a->Rd != 31) {
        uint64_t v = (uint64_t)known->imm + (uint64_t)(a->op ? -imm : imm);
        a64_set_const(s, a->Rd, a->Rn, known, a->sf ? v : (uint32_t)v);
        return;
    }
    if (a->Rd == 31) {
        a64_sp_written(s, a->Rn == 31 && a->sf && imm % 16 == 0);
    }
    if (imm == 0) {
        ir_mov(s->b, w, tr_xsp(a->Rd), tr_xsp(a->Rn));
    } else {
        ir_alui(s->b, a->op ? OP_sub : OP_add, w, tr_xsp(a->Rd), tr_xsp(a->Rn), imm, 0);
    }
}

/* X<n> shifted by an immediate: IR_IMM for a known zero. */
static IrVal shifted(ArmTr *s, IrWidth w, unsigned n, unsigned shift, unsigned amount)
{
    static const uint8_t ops[4] = {OP_shl, OP_shr, OP_sar, OP_ror};
    if (n == 31) {
        return IR_IMM;
    }
    if (amount == 0) {
        return IR_G(n);
    }
    IrVal t = tr_temp(s);
    ir_alui(s->b, (IrOpcode)ops[shift], w, t, IR_G(n), amount, 0);
    return t;
}

/* rd = rn + (v << scale) or rn - v, no flags; rn may be zero (IR_NONE). */
static void add_sub(ArmTr *s, IrWidth w, bool sub, IrVal rd, IrVal rn, IrVal v, unsigned scale)
{
    if (v == IR_IMM) { /* zero */
        if (rn == IR_NONE) {
            ir_movi(s->b, W64, rd, 0);
        } else {
            ir_mov(s->b, w, rd, rn);
        }
    } else if (!sub && (scale || rn == IR_NONE)) {
        ir_lea(s->b, w, rd, rn, v, (int)scale, 0);
    } else if (rn == IR_NONE) {
        ir_emit(s->b, OP_neg, w, rd, v, IR_NONE);
    } else {
        ir_alu(s->b, sub ? OP_sub : OP_add, w, rd, rn, v, 0);
    }
}

void trans_a64_addsub_reg(ArmTr *s, const a64_addsub_reg *a)
{
    IrWidth w = a64_w(a->sf);
    if (!a->sf && a->imm6 > 31) {
        tr_undef(s);
        return;
    }
    if (!a->S && !a->op && a->shift == 0 && a->imm6 < 4 && a->Rm != 31) {
        add_sub(s, w, false, tr_xd(s, a->Rd), a->Rn == 31 ? IR_NONE : IR_G(a->Rn), IR_G(a->Rm), a->imm6);
        return;
    }
    IrVal v = shifted(s, w, a->Rm, a->shift, a->imm6);
    if (!a->S) {
        add_sub(s, w, a->op, tr_xd(s, a->Rd), a->Rn == 31 ? IR_NONE : IR_G(a->Rn), v, 0);
    } else if (a->op && a->Rn == 31 && v != IR_IMM) {
        ir_emit(s->b, OP_neg, w, tr_xd(s, a->Rd), v, IR_NONE)->fw = FL_ALL;
    } else {
        add_sub_flags(s, w, a->op, a->Rd, tr_x(s, a->Rn), v, 0);
    }
}

/* ExtendReg(): X<n> by option, then shifted left. *scale: what of the shift is left for an address computation. */
static IrVal extended(ArmTr *s, unsigned n, unsigned option, unsigned shift, bool fold, unsigned *scale)
{
    unsigned from = option & 3;
    IrVal t;
    *scale = 0;
    if (n == 31) {
        return IR_IMM;
    }
    t = IR_G(n);
    if (from != W64) {
        t = tr_temp(s);
        IrOp *o = ir_emit(s->b, option & 4 ? OP_sext : OP_zext, (IrWidth)from, t, IR_G(n), IR_NONE);
        o->aux = option & 4 ? W64 : 0;
    }
    if (fold && shift < 4) {
        *scale = shift;
    } else if (shift) {
        IrVal r = tr_temp(s);
        ir_alui(s->b, OP_shl, W64, r, t, shift, 0);
        t = r;
    }
    return t;
}

void trans_a64_addsub_ext(ArmTr *s, const a64_addsub_ext *a)
{
    IrWidth w = a64_w(a->sf);
    unsigned scale, option = a->option;
    if (w == W32 && (option & 3) >= W32) {
        option = W64; /* the upper half is of no interest */
    }
    IrVal v = extended(s, a->Rm, option, a->imm3, !a->S && !a->op, &scale);
    if (a->S) {
        add_sub_flags(s, w, a->op, a->Rd, tr_xsp(a->Rn), v, 0);
        return;
    }
    if (a->Rd == 31) {
        a64_sp_written(s, false);
    }
    add_sub(s, w, a->op, tr_xsp(a->Rd), tr_xsp(a->Rn), v, scale);
}

/* rn + rm + C is rn - ~rm - C inverted, which is what the IR has; rn - rm - !C as it is. */
void trans_a64_adc(ArmTr *s, const a64_adc *a)
{
    IrWidth w = a64_w(a->sf);
    IrVal v = a->Rm == 31 ? IR_IMM : IR_G(a->Rm);
    int64_t imm = 0;
    if (!a->op && v == IR_IMM) {
        imm = -1;
    } else if (!a->op) {
        v = tr_temp(s);
        ir_emit(s->b, OP_not, w, v, IR_G(a->Rm), IR_NONE);
    }
    ir_alu(s->b, OP_sbb, w, tr_xd(s, a->Rd), tr_x(s, a->Rn), v, a->S ? FL_ALL : 0)->imm = imm;
}

/* ---- logic ---- */

static const uint8_t logic_ops[4] = {OP_and, OP_or, OP_xor, OP_and};

/* ANDS and TST: C and V are cleared. */
static void and_flags(ArmTr *s, IrWidth w, unsigned rd, IrVal rn, IrVal v, int64_t imm)
{
    if (rd == 31) {
        IrOp *o = ir_emit(s->b, OP_test, w, IR_NONE, rn, v);
        o->imm = imm;
        o->fw = FL_ALL;
    } else {
        ir_alu(s->b, OP_and, w, IR_G(rd), rn, v, FL_ALL)->imm = imm;
    }
    a64_logic_flags(s);
}

/* DecodeBitMasks() (J1.1.3) for the immediate of logical instructions: false: reserved. */
static bool logic_immediate(unsigned n, unsigned imms, unsigned immr, bool sf, uint64_t *out)
{
    unsigned len = n << 6 | (~imms & 0x3f);
    if (len < 2 || (!sf && n)) {
        return false;
    }
    unsigned log = 31u - (unsigned)__builtin_clz(len), esize = 1u << log, levels = esize - 1;
    unsigned ones = (imms & levels) + 1, r = immr & levels;
    if (ones == esize) {
        return false;
    }
    uint64_t e = ~0ull >> (64 - ones), all = ~0ull >> (64 - esize);
    if (r) {
        e = (e >> r | e << (esize - r)) & all;
    }
    for (; esize < 64; esize *= 2) {
        e |= e << esize;
    }
    *out = sf ? e : (uint32_t)e;
    return true;
}

void trans_a64_logic_imm(ArmTr *s, const a64_logic_imm *a)
{
    IrWidth w = a64_w(a->sf);
    uint64_t imm;
    if (!logic_immediate(a->N, a->imms, a->immr, a->sf, &imm)) {
        tr_undef(s);
        return;
    }
    if (a->opc == 3) {
        and_flags(s, w, a->Rd, tr_x(s, a->Rn), IR_IMM, (int64_t)imm);
        return;
    }
    if (a->Rd == 31) {
        a64_sp_written(s, false);
    }
    if (a->Rn == 31) {
        ir_movi(s->b, W64, tr_xsp(a->Rd), a->opc == 0 ? 0 : (int64_t)imm);
    } else {
        ir_alui(s->b, (IrOpcode)logic_ops[a->opc], w, tr_xsp(a->Rd), IR_G(a->Rn), (int64_t)imm, 0);
    }
}

/* ORR and ORN of the zero register: MOV and MVN. */
static void move(ArmTr *s, IrWidth w, unsigned rd, IrVal v, bool invert)
{
    if (v == IR_IMM) {
        ir_movi(s->b, W64, tr_xd(s, rd), invert ? (w == W64 ? -1 : (int64_t)0xffffffff) : 0);
    } else if (invert) {
        ir_emit(s->b, OP_not, w, tr_xd(s, rd), v, IR_NONE);
    } else {
        ir_mov(s->b, w, tr_xd(s, rd), v);
    }
}

/* Rm, shifted and inverted: AND has a form with an inverted operand on the host, of the others the value is inverted. */
static void logic_inverted(ArmTr *s, IrWidth w, const a64_logic_reg *a, IrVal v)
{
    bool is_and = a->opc == 0 || a->opc == 3;
    if (is_and && v != IR_IMM) {
        ir_alu(s->b, OP_andn, w, tr_xd(s, a->Rd), v, tr_x(s, a->Rn), a->opc == 3 ? FL_ALL : 0);
        if (a->opc == 3) {
            a64_logic_flags(s);
        }
        return;
    }
    IrVal t = IR_IMM;
    if (v != IR_IMM) {
        t = tr_temp(s);
        ir_emit(s->b, OP_not, w, t, v, IR_NONE);
    }
    if (a->opc == 3) {
        and_flags(s, w, a->Rd, tr_x(s, a->Rn), t, -1);
    } else {
        ir_alu(s->b, (IrOpcode)logic_ops[a->opc], w, tr_xd(s, a->Rd), tr_x(s, a->Rn), t, 0)->imm = -1;
    }
}

void trans_a64_logic_reg(ArmTr *s, const a64_logic_reg *a)
{
    IrWidth w = a64_w(a->sf);
    if (!a->sf && a->imm6 > 31) {
        tr_undef(s);
        return;
    }
    IrVal v = shifted(s, w, a->Rm, a->shift, a->imm6);
    if (a->opc == 1 && a->Rn == 31) {
        move(s, w, a->Rd, v, a->N);
    } else if (a->N) {
        logic_inverted(s, w, a, v);
    } else if (a->opc == 3) {
        and_flags(s, w, a->Rd, tr_x(s, a->Rn), v, 0);
    } else {
        ir_alu(s->b, (IrOpcode)logic_ops[a->opc], w, tr_xd(s, a->Rd), tr_x(s, a->Rn), v, 0);
    }
}

/* ---- bit fields ---- */

/* UBFM with imms >= immr: bits imms:immr of rn to the bottom. */
static void extract_unsigned(ArmTr *s, IrWidth w, IrVal rd, IrVal rn, unsigned lsb, unsigned len)
{
    unsigned bits = 8u << w;
    if (lsb == 0 && (len == 8 || len == 16 || len == 32)) {
        ir_emit(s->b, OP_zext, len == 8 ? W8 : len == 16 ? W16 : W32, rd, rn, IR_NONE);
    } else if (lsb + len == bits) {
        ir_alui(s->b, OP_shr, w, rd, rn, lsb, 0);
    } else if (len < 32) {
        IrVal t = rn;
        if (lsb) {
            t = tr_temp(s);
            ir_alui(s->b, OP_shr, w, t, rn, lsb, 0);
        }
        ir_alui(s->b, OP_and, W32, rd, t, (1ll << len) - 1, 0);
    } else {
        IrVal t = tr_temp(s);
        ir_alui(s->b, OP_shl, w, t, rn, bits - lsb - len, 0);
        ir_alui(s->b, OP_shr, w, rd, t, bits - len, 0);
    }
}

/* UBFM with imms < immr: the low len bits of rn, at pos. */
static void insert_unsigned(ArmTr *s, IrWidth w, IrVal rd, IrVal rn, unsigned pos, unsigned len)
{
    if (pos + len == 8u << w) {
        ir_alui(s->b, OP_shl, w, rd, rn, pos, 0);
        return;
    }
    IrVal t = tr_temp(s);
    extract_unsigned(s, w, t, rn, 0, len);
    ir_alui(s->b, OP_shl, w, rd, t, pos, 0);
}

static void extract_signed(ArmTr *s, IrWidth w, IrVal rd, IrVal rn, unsigned lsb, unsigned len)
{
    unsigned bits = 8u << w;
    if (lsb + len == bits) {
        ir_alui(s->b, OP_sar, w, rd, rn, lsb, 0);
    } else if (lsb == 0 && (len == 8 || len == 16 || len == 32)) {
        IrWidth from = len == 8 ? W8 : len == 16 ? W16 : W32;
        ir_emit(s->b, OP_sext, from, rd, rn, IR_NONE)->aux = (uint8_t)w;
    } else {
        IrVal t = tr_temp(s);
        ir_alui(s->b, OP_shl, w, t, rn, bits - lsb - len, 0);
        ir_alui(s->b, OP_sar, w, rd, t, bits - len, 0);
    }
}

static void insert_signed(ArmTr *s, IrWidth w, IrVal rd, IrVal rn, unsigned pos, unsigned len)
{
    unsigned bits = 8u << w;
    IrVal t = tr_temp(s);
    ir_alui(s->b, OP_shl, w, t, rn, bits - len, 0);
    ir_alui(s->b, OP_sar, w, rd, t, bits - len - pos, 0);
}

/* BFM: a field of rd is replaced. */
static void insert(ArmTr *s, IrWidth w, unsigned d, IrVal rn, unsigned from, unsigned to, unsigned len)
{
    uint64_t mask = (len == 64 ? ~0ull : (1ull << len) - 1) << to;
    IrVal rd = IR_G(d), t = tr_temp(s), u = tr_temp(s);
    if (w == W64 && to == 0 && (len == 8 || len == 16)) {
        IrVal v = rn;
        if (from) {
            v = t;
            ir_alui(s->b, OP_shr, W64, t, rn, from, 0);
        }
        ir_mov(s->b, len == 8 ? W8 : W16, rd, v);
        return;
    }
    if (to) {
        insert_unsigned(s, w, t, rn, to, len);
    } else {
        extract_unsigned(s, w, t, rn, from, len);
    }
    ir_alui(s->b, OP_and, w, u, rd, (int64_t)~mask, 0);
    ir_alu(s->b, OP_or, w, rd, u, t, 0);
}

void trans_a64_bitfield(ArmTr *s, const a64_bitfield *a)
{
    IrWidth w = a64_w(a->sf);
    unsigned bits = 8u << w;
    if (a->N != a->sf || a->immr >= bits || a->imms >= bits) {
        tr_undef(s);
        return;
    }
    bool extract = a->imms >= a->immr;
    unsigned from = extract ? a->immr : 0, to = extract ? 0 : bits - a->immr;
    unsigned len = extract ? a->imms - a->immr + 1 : a->imms + 1;
    IrVal rn = tr_x(s, a->Rn);
    if (a->opc == 1) {
        if (a->Rd != 31) {
            insert(s, w, a->Rd, rn, from, to, len);
        }
    } else if (extract) {
        (a->opc ? extract_unsigned : extract_signed)(s, w, tr_xd(s, a->Rd), rn, from, len);
    } else {
        (a->opc ? insert_unsigned : insert_signed)(s, w, tr_xd(s, a->Rd), rn, to, len);
    }
}

void trans_a64_extr(ArmTr *s, const a64_extr *a)
{
    IrWidth w = a64_w(a->sf);
    if (a->N != a->sf || (!a->sf && a->imms > 31)) {
        tr_undef(s);
        return;
    }
    IrVal rm = tr_x(s, a->Rm);
    if (a->imms == 0) {
        ir_mov(s->b, w, tr_xd(s, a->Rd), rm);
    } else if (a->Rn == a->Rm) {
        ir_alui(s->b, OP_ror, w, tr_xd(s, a->Rd), rm, a->imms, 0);
    } else {
        ir_emit(s->b, OP_shrd, w, tr_xd(s, a->Rd), rm, tr_x(s, a->Rn))->imm = a->imms;
    }
}

/* ---- shifts by registers, division ---- */

void trans_a64_shiftv(ArmTr *s, const a64_shiftv *a)
{
    static const uint8_t ops[4] = {OP_shl, OP_shr, OP_sar, OP_ror};
    ir_alu(s->b, (IrOpcode)ops[a->op2], a64_w(a->sf), tr_xd(s, a->Rd), tr_x(s, a->Rn), tr_x(s, a->Rm), 0);
}

/*
 * Division by zero gives zero, the most negative number by -1 itself. The divisor is replaced where the host would
 * trap: unsigned 0, signed 0 and -1, where the quotient is rn * rm.
 */
void trans_a64_div(ArmTr *s, const a64_div *a)
{
    IrWidth w = a64_w(a->sf);
    IrVal rn = tr_x(s, a->Rn), rm = tr_x(s, a->Rm), one = tr_const(s, 1);
    IrVal test = tr_temp(s), divisor = tr_temp(s), q = tr_temp(s), rem = tr_temp(s), other;
    ir_mov(s->b, w, test, rm);
    if (a->s) {
        ir_alui(s->b, OP_add, w, test, test, 1, 0);
        ir_alui(s->b, OP_shr, w, test, test, 1, 0);
        other = tr_temp(s);
        ir_alu(s->b, OP_imul, w, other, rn, rm, 0);
    } else {
        other = tr_const(s, 0);
    }
    ir_emit(s->b, OP_movnz, w, divisor, one, rm)->c = test;
    ir_mov(s->b, w, q, rn);
    if (a->s) {
        ir_alui(s->b, OP_sar, w, rem, rn, (8 << w) - 1, 0);
    } else {
        ir_movi(s->b, w, rem, 0);
    }
    ir_emit(s->b, a->s ? OP_divs : OP_divu, w, q, IR_NONE, divisor)->c = rem;
    ir_emit(s->b, OP_movnz, w, tr_xd(s, a->Rd), other, q)->c = test;
}

/* ---- multiplication ---- */

static void accumulate(ArmTr *s, IrWidth w, unsigned rd, unsigned ra, bool sub, IrVal product)
{
    IrVal d = tr_xd(s, rd);
    if (ra != 31) {
        ir_alu(s->b, sub ? OP_sub : OP_add, w, d, IR_G(ra), product, 0);
    } else if (sub) {
        ir_emit(s->b, OP_neg, w, d, product, IR_NONE);
    } else {
        ir_mov(s->b, w, d, product);
    }
}

void trans_a64_madd(ArmTr *s, const a64_madd *a)
{
    IrWidth w = a64_w(a->sf);
    IrVal rn = tr_x(s, a->Rn), rm = tr_x(s, a->Rm);
    if (a->Ra == 31 && !a->o0) {
        ir_alu(s->b, OP_imul, w, tr_xd(s, a->Rd), rn, rm, 0);
        return;
    }
    IrVal t = tr_temp(s);
    ir_alu(s->b, OP_imul, w, t, rn, rm, 0);
    accumulate(s, w, a->Rd, a->Ra, a->o0, t);
}

void trans_a64_maddl(ArmTr *s, const a64_maddl *a)
{
    IrVal t = tr_temp(s), u = tr_temp(s);
    IrOpcode op = a->U ? OP_zext : OP_sext;
    ir_emit(s->b, op, W32, t, tr_x(s, a->Rn), IR_NONE)->aux = a->U ? 0 : W64;
    ir_emit(s->b, op, W32, u, tr_x(s, a->Rm), IR_NONE)->aux = a->U ? 0 : W64;
    ir_alu(s->b, OP_imul, W64, t, t, u, 0);
    accumulate(s, W64, a->Rd, a->Ra, a->o0, t);
}

void trans_a64_mulh(ArmTr *s, const a64_mulh *a)
{
    ir_emit(s->b, a->U ? OP_mulu2 : OP_muls2, W64, tr_temp(s), tr_x(s, a->Rn), tr_x(s, a->Rm))->c = tr_xd(s, a->Rd);
}

/* ---- one source ---- */

/*
 * RBIT and then CLZ of the same register is how compilers count trailing zeros: when CLZ overwrites RBIT's result, the
 * call of the helper before it becomes a move (nobody else sees its result).
 */
static bool counts_trailing(ArmTr *s, const a64_clz *a)
{
    const IrBlock *b = s->b;
    int n = b->n_ops;
    if (n < 4 || a->Rn != a->Rd || a->Rd == 31 || !a->sf || b->ops[n - 1].op != OP_insn) {
        return false;
    }
    const IrOp *mov = &b->ops[n - 2], *call = &b->ops[n - 3];
    return mov->op == OP_mov && mov->w == W64 && mov->dst == IR_G(a->Rd) && call->op == OP_call &&
           call->imm == HELPER_rbit && mov->a == call->dst;
}

void trans_a64_rbit(ArmTr *s, const a64_rbit *a)
{
    IrVal t = tr_call(s, HELPER_rbit, tr_x(s, a->Rn), IR_NONE, IR_NONE);
    if (a->sf) {
        ir_mov(s->b, W64, tr_xd(s, a->Rd), t);
    } else {
        ir_alui(s->b, OP_shr, W64, tr_xd(s, a->Rd), t, 32, 0);
    }
}

void trans_a64_rev16(ArmTr *s, const a64_rev16 *a)
{
    IrVal rn = tr_x(s, a->Rn), t = tr_temp(s), u = tr_temp(s);
    if (!a->sf) {
        ir_emit(s->b, OP_bswap, W32, t, rn, IR_NONE);
        ir_alui(s->b, OP_ror, W32, tr_xd(s, a->Rd), t, 16, 0);
        return;
    }
    IrVal mask = tr_const(s, 0x00ff00ff00ff00ff);
    ir_alui(s->b, OP_shr, W64, t, rn, 8, 0);
    ir_alu(s->b, OP_and, W64, t, t, mask, 0);
    ir_alu(s->b, OP_and, W64, u, rn, mask, 0);
    ir_alui(s->b, OP_shl, W64, u, u, 8, 0);
    ir_alu(s->b, OP_or, W64, tr_xd(s, a->Rd), t, u, 0);
}

void trans_a64_rev32(ArmTr *s, const a64_rev32 *a)
{
    IrVal t = tr_temp(s);
    if (!a->sf) {
        ir_emit(s->b, OP_bswap, W32, tr_xd(s, a->Rd), tr_x(s, a->Rn), IR_NONE);
        return;
    }
    ir_emit(s->b, OP_bswap, W64, t, tr_x(s, a->Rn), IR_NONE);
    ir_alui(s->b, OP_ror, W64, tr_xd(s, a->Rd), t, 32, 0);
}

void trans_a64_rev64(ArmTr *s, const a64_rev64 *a)
{
    ir_emit(s->b, OP_bswap, W64, tr_xd(s, a->Rd), tr_x(s, a->Rn), IR_NONE);
}

void trans_a64_clz(ArmTr *s, const a64_clz *a)
{
    if (counts_trailing(s, a)) {
        IrOp *call = &s->b->ops[s->b->n_ops - 3];
        *call = (IrOp){.op = OP_mov, .w = W64, .dst = call->dst, .a = call->a};
        ir_emit(s->b, OP_tzcnt, W64, IR_G(a->Rd), IR_G(a->Rd), IR_NONE);
        return;
    }
    ir_emit(s->b, OP_lzcnt, a64_w(a->sf), tr_xd(s, a->Rd), tr_x(s, a->Rn), IR_NONE);
}

/* Bits like the sign bit below it: leading zeros of x ^ x << 1, at most all but one. */
void trans_a64_cls(ArmTr *s, const a64_cls *a)
{
    IrWidth w = a64_w(a->sf);
    IrVal rn = tr_x(s, a->Rn), t = tr_temp(s);
    ir_lea(s->b, w, t, rn, rn, 0, 0);
    ir_alu(s->b, OP_xor, w, t, t, rn, 0);
    ir_alui(s->b, OP_or, w, t, t, 1, 0);
    ir_emit(s->b, OP_lzcnt, w, tr_xd(s, a->Rd), t, IR_NONE);
}

void trans_a64_crc32(ArmTr *s, const a64_crc32 *a)
{
    if (a->sf != (a->sz == 3)) {
        tr_undef(s);
        return;
    }
    IrVal v = tr_call(s, a->C ? HELPER_crc32c : HELPER_crc32, tr_x(s, a->Rn), tr_x(s, a->Rm), tr_const(s, 1 << a->sz));
    ir_mov(s->b, W32, tr_xd(s, a->Rd), v);
}

/* ---- conditions ---- */

/* CSEL: Rn, or of Rm: itself, + 1, inverted, negated. No host flag may change. */
static IrVal csel_other(ArmTr *s, IrWidth w, const a64_csel *a)
{
    IrVal rm = tr_x(s, a->Rm);
    if (!a->op && !a->o2) {
        return rm;
    }
    IrVal t = tr_temp(s);
    if (!a->op) {
        ir_lea(s->b, w, t, rm, IR_NONE, 0, 1);
    } else {
        ir_emit(s->b, OP_not, w, t, rm, IR_NONE);
        if (a->o2) {
            ir_lea(s->b, w, t, t, IR_NONE, 0, 1);
        }
    }
    return t;
}

void trans_a64_csel(ArmTr *s, const a64_csel *a)
{
    IrWidth w = a64_w(a->sf);
    if (a->cond >= 14) {
        ir_mov(s->b, w, tr_xd(s, a->Rd), tr_x(s, a->Rn));
        return;
    }
    IrCond cc = tr_cond(a->cond);
    if (!a->op && a->o2 && a->Rn == 31 && a->Rm == 31) { /* CSET */
        IrVal d = tr_xd(s, a->Rd);
        ir_movi(s->b, W64, d, 0);
        ir_emit(s->b, OP_setcc, W8, d, IR_NONE, IR_NONE)->cc = cc ^ 1;
        return;
    }
    IrVal other = csel_other(s, w, a);
    ir_emit(s->b, OP_cmov, w, tr_xd(s, a->Rd), other, tr_x(s, a->Rn))->cc = (uint8_t)cc;
}

/*
 * Operands whose comparison gives these flags, for NZCV values that a comparison can give: a, b as small numbers
 * (a = 2: the most negative number, a = 3: the most positive).
 */
typedef struct Compared {
    bool possible;
    int8_t a, b;
} Compared;
static const Compared compared[16] = {
    [0x0] = {true, 0, -1}, [0x2] = {true, 1, 0},  [0x3] = {true, 2, 1},
    [0x6] = {true, 0, 0},  [0x8] = {true, 0, 1},  [0x9] = {true, 3, -1}, [0xa] = {true, -1, 0},
};

static IrVal compared_operand(ArmTr *s, IrWidth w, int v)
{
    int64_t min = w == W64 ? INT64_MIN : INT32_MIN;
    return tr_const(s, v == 2 ? min : v == 3 ? ~min : v);
}

/* CCMP where the flags of the other case are those of some comparison: select the operands, then compare. */
static void ccmp_selected(ArmTr *s, IrWidth w, IrCond cc, IrVal rn, IrVal rm, const Compared *c)
{
    IrVal x = compared_operand(s, w, c->a), y = compared_operand(s, w, c->b);
    ir_emit(s->b, OP_cmov, w, x, x, rn)->cc = (uint8_t)cc;
    ir_emit(s->b, OP_cmov, w, y, y, rm)->cc = (uint8_t)cc;
    ir_emit(s->b, OP_cmp, w, IR_NONE, x, y)->fw = FL_ALL;
}

void trans_a64_ccmp(ArmTr *s, const a64_ccmp *a)
{
    IrWidth w = a64_w(a->sf);
    IrVal rn = tr_x(s, a->Rn), rm = a->imm ? IR_IMM : tr_x(s, a->Rm);
    bool sub = a->op || (a->imm && a->Rm != 0);
    int64_t imm = a->op ? a->Rm : -(int64_t)a->Rm;
    if (a->cond >= 14) {
        add_sub_flags(s, w, a->op, 31, rn, rm, a->Rm);
        return;
    }
    IrCond cc = tr_cond(a->cond);
    if (sub && compared[a->nzcv].possible) {
        ccmp_selected(s, w, cc, rn, a->imm ? tr_const(s, imm) : rm, &compared[a->nzcv]);
        return;
    }
    int other = ir_label_new(s->b), done = ir_label_new(s->b);
    ir_branch(s->b, OP_brcc, W64, IR_NONE, other)->cc = cc ^ 1;
    add_sub_flags(s, w, a->op, 31, rn, rm, a->Rm);
    ir_branch(s->b, OP_br, W64, IR_NONE, done);
    ir_label(s->b, other);
    a64_set_nzcv(s, a->nzcv);
    ir_label(s->b, done);
}
