/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A32 and T32 data processing: shifts, arithmetic and logic with their flags (Arm ARM F2.4, F4.1.3, F3.1.3).
 */
#include "target/arm/translate_a32.h"

/* ---- shifts ---- */

IrVal aa32_carry(ArmTr *s)
{
    IrVal t = tr_const(s, 0);
    ir_emit(s->b, OP_setcc, W8, t, IR_NONE, IR_NONE)->cc = CC_AE; /* the IR's C is inverted */
    return t;
}

/* Bit n of v as 0 or 1. */
static IrVal bit_of(ArmTr *s, IrVal v, unsigned n)
{
    IrVal t = tr_temp(s);
    ir_alui(s->b, OP_shr, W32, t, v, n, 0);
    ir_alui(s->b, OP_and, W32, t, t, 1, 0);
    return t;
}

static IrVal rrx(ArmTr *s, IrVal v, IrVal *carry)
{
    IrVal t = tr_temp(s), c = aa32_carry(s);
    if (carry) {
        *carry = bit_of(s, v, 0);
    }
    ir_alui(s->b, OP_shr, W32, t, v, 1, 0);
    ir_alui(s->b, OP_shl, W32, c, c, 31, 0);
    ir_alu(s->b, OP_or, W32, t, t, c, 0);
    return t;
}

IrVal aa32_shift_imm(ArmTr *s, IrVal v, unsigned type, unsigned imm5, IrVal *carry)
{
    static const uint8_t ops[4] = {OP_shl, OP_shr, OP_sar, OP_ror};
    IrVal t = tr_temp(s);
    if (imm5 == 0 && type == 0) {
        if (carry) {
            *carry = IR_NONE;
        }
        return v;
    }
    if (imm5 == 0 && type == 3) {
        return rrx(s, v, carry);
    }
    unsigned n = imm5 ? imm5 : 32;
    if (carry) {
        *carry = bit_of(s, v, type == 0 ? 32 - n : n - 1);
    }
    if (n == 32 && type == 1) {
        ir_movi(s->b, W64, t, 0);
    } else {
        ir_alui(s->b, (IrOpcode)ops[type], W32, t, v, n == 32 ? 31 : n, 0);
    }
    return t;
}

/*
 * Shifts by a register are done on 64 bits, with the count limited so that the host does not reduce it: the value is
 * put where the bit shifted out last stays in sight.
 */
IrVal aa32_shift_reg(ArmTr *s, IrVal v, unsigned type, IrVal by, IrVal *carry)
{
    IrVal n = tr_temp(s), wide = tr_temp(s), t = tr_temp(s);
    ir_emit(s->b, OP_zext, W8, n, by, IR_NONE);
    if (type == 3) {
        ir_alu(s->b, OP_ror, W32, t, v, n, 0); /* the count modulo 32 */
        if (carry) { /* bit 31 of the result; kept for a count of 0 */
            *carry = tr_temp(s);
            ir_emit(s->b, OP_movnz, W64, *carry, aa32_carry(s), bit_of(s, t, 31))->c = n;
        }
        return t;
    }
    IrVal limit = tr_const(s, 40), over = tr_temp(s);
    ir_alui(s->b, OP_shr, W32, over, n, 6, 0); /* 64 and more: as 40 */
    ir_emit(s->b, OP_movnz, W64, n, n, limit)->c = over;
    if (type == 0) {
        ir_mov(s->b, W32, wide, v);
        ir_alu(s->b, OP_shl, W64, wide, wide, n, 0);
        ir_mov(s->b, W32, t, wide);
        if (carry) {
            IrVal c = tr_temp(s);
            ir_alui(s->b, OP_shr, W64, c, wide, 32, 0);
            ir_alui(s->b, OP_and, W32, c, c, 1, 0);
            *carry = tr_temp(s);
            ir_emit(s->b, OP_movnz, W64, *carry, aa32_carry(s), c)->c = n;
        }
        return t;
    }
    /* one bit more at the bottom: what was shifted out last */
    if (type == 1) {
        ir_mov(s->b, W32, wide, v);
    } else {
        ir_emit(s->b, OP_sext, W32, wide, v, IR_NONE)->aux = W64;
    }
    ir_alui(s->b, OP_shl, W64, wide, wide, 1, 0);
    ir_alu(s->b, type == 1 ? OP_shr : OP_sar, W64, wide, wide, n, 0);
    if (carry) {
        IrVal c = tr_temp(s);
        ir_alui(s->b, OP_and, W32, c, wide, 1, 0);
        *carry = tr_temp(s);
        ir_emit(s->b, OP_movnz, W64, *carry, aa32_carry(s), c)->c = n;
    }
    ir_alui(s->b, OP_shr, W64, wide, wide, 1, 0);
    ir_mov(s->b, W32, t, wide);
    return t;
}

/* ---- flags ---- */

void aa32_flags_nz(ArmTr *s, IrVal v, IrVal carry)
{
    IrVal old = tr_temp(s);
    ir_emit(s->b, OP_getf, W64, old, IR_NONE, IR_NONE); /* V, and C if it is kept */
    if (carry != IR_NONE) {
        IrVal c = tr_temp(s);
        ir_alui(s->b, OP_and, W32, old, old, 0x800, 0);
        ir_alui(s->b, OP_xor, W32, c, carry, 1, 0);
        ir_alu(s->b, OP_or, W32, old, old, c, 0);
    }
    ir_alu(s->b, OP_test, W32, IR_NONE, v, v, FL_ALL);
    ir_emit(s->b, OP_setf, W64, IR_NONE, old, IR_NONE)->fw = FL_CO;
}

/* ---- operations ---- */

void aa32_exception_return(ArmTr *s, IrVal target)
{
    unsigned m = aa32_mode(s);
    if (m == ARM_MODE_USR || m == ARM_MODE_SYS || m == ARM_MODE_HYP) {
        tr_undef(s);
        return;
    }
    tr_call_void(s, HELPER_a32_spsr_return, target, IR_NONE, IR_NONE);
    tr_end_loop(s);
}

static void logical(ArmTr *s, int op, IrVal dst, IrVal rn, IrVal v, uint32_t imm)
{
    static const uint8_t ops[] = {
        [DP_AND] = OP_and, [DP_EOR] = OP_xor, [DP_TST] = OP_and, [DP_TEQ] = OP_xor, [DP_ORR] = OP_or, [DP_BIC] = OP_and,
        [DP_ORN] = OP_or,
    };
    bool inverted = op == DP_BIC || op == DP_ORN || op == DP_MVN;
    if (v == IR_IMM) {
        imm = inverted ? ~imm : imm;
    } else if (inverted) {
        IrVal t = tr_temp(s);
        ir_emit(s->b, OP_not, W32, t, v, IR_NONE);
        v = t;
    }
    if (op == DP_MOV || op == DP_MVN) {
        if (v == IR_IMM) {
            ir_movi(s->b, W64, dst, imm);
        } else {
            ir_mov(s->b, W32, dst, v);
        }
    } else {
        ir_alu(s->b, (IrOpcode)ops[op], W32, dst, rn, v, 0)->imm = (int32_t)imm;
    }
}

static void complement_carry(ArmTr *s)
{
    ir_emit(s->b, OP_cmc, W64, IR_NONE, IR_NONE, IR_NONE)->fw = FL_C;
}

/* The IR's C is Arm's inverted: subtractions need nothing, additions a CMC around them. */
static void arithmetic(ArmTr *s, int op, bool set_flags, IrVal dst, IrVal rn, IrVal v, uint32_t imm)
{
    uint8_t fw = set_flags ? FL_ALL : 0;
    if ((op == DP_RSB || op == DP_RSC) && v == IR_IMM) {
        v = tr_const(s, imm);
    }
    switch (op) {
    case DP_SUB:
        ir_alu(s->b, OP_sub, W32, dst, rn, v, fw)->imm = (int32_t)imm;
        break;
    case DP_CMP:
        ir_alu(s->b, OP_cmp, W32, IR_NONE, rn, v, FL_ALL)->imm = (int32_t)imm;
        break;
    case DP_RSB:
        ir_alu(s->b, OP_sub, W32, dst, v, rn, fw);
        break;
    case DP_SBC:
        ir_alu(s->b, OP_sbb, W32, dst, rn, v, fw)->imm = (int32_t)imm;
        break;
    case DP_RSC:
        ir_alu(s->b, OP_sbb, W32, dst, v, rn, fw);
        break;
    case DP_ADD:
    case DP_CMN:
        ir_alu(s->b, OP_add, W32, dst, rn, v, fw)->imm = (int32_t)imm;
        if (fw) {
            complement_carry(s);
        }
        break;
    default: { /* ADC: with Arm's carry */
        IrVal c = fw ? IR_NONE : aa32_carry(s);
        if (fw) {
            complement_carry(s);
            ir_alu(s->b, OP_adc, W32, dst, rn, v, fw)->imm = (int32_t)imm;
            complement_carry(s);
        } else {
            ir_alu(s->b, OP_add, W32, c, c, rn, 0);
            ir_alu(s->b, OP_add, W32, dst, c, v, 0)->imm = (int32_t)imm;
        }
        break;
    }
    }
}

void aa32_dp(ArmTr *s, int op, bool set_flags, unsigned rd, unsigned rn, IrVal v, uint32_t imm, IrVal carry)
{
    bool compare = op >= DP_TST && op <= DP_CMN, uses_rn = op != DP_MOV && op != DP_MVN;
    bool to_pc = !compare && rd == 15;
    set_flags = set_flags && !to_pc;
    IrVal a = uses_rn ? aa32_r(s, rn) : IR_NONE;
    bool direct = !compare && rd != 15 && (!set_flags || !aa32_dp_logical(op));
    IrVal dst = direct ? IR_G(rd) : tr_temp(s);
    if (aa32_dp_logical(op)) {
        logical(s, op, dst, a, v, imm);
        if (set_flags) {
            aa32_flags_nz(s, dst, carry);
        }
    } else {
        arithmetic(s, op, set_flags, dst, a, v, imm);
    }
    if (!compare && !direct && rd != 15) {
        ir_mov(s->b, W32, IR_G(rd), dst);
    } else if (to_pc) {
        aa32_set_r(s, 15, dst);
    }
}

/* With Rd = 15 and S: exception return (A32 and SUBS PC, LR). */
static void dp(ArmTr *s, int op, bool set_flags, unsigned rd, unsigned rn, IrVal v, uint32_t imm, IrVal carry)
{
    bool compare = op >= DP_TST && op <= DP_CMN;
    if (set_flags && rd == 15 && !compare && !aa32_thumb(s)) {
        IrVal t = tr_temp(s), a = op != DP_MOV && op != DP_MVN ? aa32_r(s, rn) : IR_NONE;
        if (aa32_dp_logical(op)) {
            logical(s, op, t, a, v, imm);
        } else {
            arithmetic(s, op, false, t, a, v, imm);
        }
        aa32_exception_return(s, t);
        return;
    }
    aa32_dp(s, op, set_flags, rd, rn, v, imm, carry);
}

/* ---- A32 ---- */

static void by_imm_shift(ArmTr *s, int op, bool set, unsigned rd, unsigned rn, unsigned rm, unsigned type, unsigned imm5)
{
    IrVal carry = IR_NONE;
    bool want = set && aa32_dp_logical(op);
    IrVal v = aa32_shift_imm(s, aa32_r(s, rm), type, imm5, want ? &carry : NULL);
    dp(s, op, set, rd, rn, v, 0, carry);
}

static void by_reg_shift(ArmTr *s, int op, bool set, unsigned rd, unsigned rn, unsigned rm, unsigned type, unsigned rs)
{
    IrVal carry = IR_NONE;
    bool want = set && aa32_dp_logical(op);
    IrVal v = aa32_shift_reg(s, aa32_r(s, rm), type, aa32_r(s, rs), want ? &carry : NULL);
    dp(s, op, set, rd, rn, v, 0, carry);
}

void trans_a32_dp_reg(ArmTr *s, const a32_dp_reg *a)
{
    by_imm_shift(s, (int)a->opc, a->S, a->Rd, a->Rn, a->Rm, a->type, a->imm5);
}

void trans_a32_cmp_reg(ArmTr *s, const a32_cmp_reg *a)
{
    by_imm_shift(s, DP_TST + (int)a->op, true, 0, a->Rn, a->Rm, a->type, a->imm5);
}

void trans_a32_dp_reg2(ArmTr *s, const a32_dp_reg2 *a)
{
    by_imm_shift(s, DP_ORR + (int)a->op, a->S, a->Rd, a->Rn, a->Rm, a->type, a->imm5);
}

void trans_a32_dp_rsr(ArmTr *s, const a32_dp_rsr *a)
{
    by_reg_shift(s, (int)a->opc, a->S, a->Rd, a->Rn, a->Rm, a->type, a->Rs);
}

void trans_a32_cmp_rsr(ArmTr *s, const a32_cmp_rsr *a)
{
    by_reg_shift(s, DP_TST + (int)a->op, true, 0, a->Rn, a->Rm, a->type, a->Rs);
}

void trans_a32_dp_rsr2(ArmTr *s, const a32_dp_rsr2 *a)
{
    by_reg_shift(s, DP_ORR + (int)a->op, a->S, a->Rd, a->Rn, a->Rm, a->type, a->Rs);
}

/* A32ExpandImm: eight bits rotated by twice four; the carry is bit 31 if there was a rotation. */
static void by_imm(ArmTr *s, int op, bool set, unsigned rd, unsigned rn, uint32_t imm12)
{
    unsigned rot = imm12 >> 8 << 1;
    uint32_t imm = imm12 & 0xff;
    imm = rot ? imm >> rot | imm << (32 - rot) : imm;
    bool want = set && aa32_dp_logical(op) && rot;
    dp(s, op, set, rd, rn, IR_IMM, imm, want ? tr_const(s, imm >> 31) : IR_NONE);
}

void trans_a32_dp_imm(ArmTr *s, const a32_dp_imm *a)
{
    by_imm(s, (int)a->opc, a->S, a->Rd, a->Rn, a->imm12);
}

void trans_a32_cmp_imm(ArmTr *s, const a32_cmp_imm *a)
{
    by_imm(s, DP_TST + (int)a->op, true, 0, a->Rn, a->imm12);
}

void trans_a32_dp_imm2(ArmTr *s, const a32_dp_imm2 *a)
{
    by_imm(s, DP_ORR + (int)a->op, a->S, a->Rd, a->Rn, a->imm12);
}

static void movw(ArmTr *s, unsigned rd, uint32_t imm16)
{
    if (rd != 15) {
        ir_movi(s->b, W64, IR_G(rd), imm16);
    }
}

static void movt(ArmTr *s, unsigned rd, uint32_t imm16)
{
    if (rd != 15) {
        ir_alui(s->b, OP_and, W32, IR_G(rd), IR_G(rd), 0xffff, 0);
        ir_alui(s->b, OP_or, W32, IR_G(rd), IR_G(rd), (int32_t)(imm16 << 16), 0);
    }
}

void trans_a32_movw(ArmTr *s, const a32_movw *a)
{
    movw(s, a->Rd, a->imm16);
}

void trans_a32_movt(ArmTr *s, const a32_movt *a)
{
    movt(s, a->Rd, a->imm16);
}

/* ---- T32 ---- */

/* T32's operation numbers to those of A32, by what a Rn or Rd of 15 makes of them. -1: UNDEFINED. */
static int t32_op(unsigned op, bool set, unsigned rd, unsigned rn)
{
    switch (op) {
    case 0:
        return rd == 15 && set ? DP_TST : DP_AND;
    case 1:
        return DP_BIC;
    case 2:
        return rn == 15 ? DP_MOV : DP_ORR;
    case 3:
        return rn == 15 ? DP_MVN : DP_ORN;
    case 4:
        return rd == 15 && set ? DP_TEQ : DP_EOR;
    case 8:
        return rd == 15 && set ? DP_CMN : DP_ADD;
    case 10:
        return DP_ADC;
    case 11:
        return DP_SBC;
    case 13:
        return rd == 15 && set ? DP_CMP : DP_SUB;
    case 14:
        return DP_RSB;
    default:
        return -1;
    }
}

void trans_t32_dp_reg(ArmTr *s, const t32_dp_reg *a)
{
    int op = t32_op(a->op, a->S, a->Rd, a->Rn);
    if (op < 0) {
        tr_undef(s);
        return;
    }
    by_imm_shift(s, op, a->S, a->Rd, a->Rn, a->Rm, a->type, a->imm5);
}

/* ThumbExpandImm_C: *rotated tells whether there is a carry. */
static uint32_t expand_t32(uint32_t imm12, bool *rotated)
{
    uint32_t b = imm12 & 0xff;
    *rotated = false;
    if (imm12 >> 10 == 0) {
        switch (imm12 >> 8 & 3) {
        case 0:
            return b;
        case 1:
            return b << 16 | b;
        case 2:
            return b << 24 | b << 8;
        default:
            return b << 24 | b << 16 | b << 8 | b;
        }
    }
    unsigned rot = imm12 >> 7;
    uint32_t v = 0x80 | (imm12 & 0x7f);
    *rotated = true;
    return v >> rot | v << (32 - rot);
}

void trans_t32_dp_imm(ArmTr *s, const t32_dp_imm *a)
{
    bool rotated;
    uint32_t imm = expand_t32(a->imm12, &rotated);
    int op = t32_op(a->op, a->S, a->Rd, a->Rn);
    if (op < 0) {
        tr_undef(s);
        return;
    }
    bool want = a->S && aa32_dp_logical(op) && rotated;
    aa32_dp(s, op, a->S, a->Rd, a->Rn, IR_IMM, imm, want ? tr_const(s, imm >> 31) : IR_NONE);
}

/* ADDW, SUBW; ADR with the aligned pc. */
void trans_t32_addw(ArmTr *s, const t32_addw *a)
{
    if (a->Rn == 15) {
        uint32_t pc = aa32_pc(s) & ~3u;
        movw(s, a->Rd, a->arg ? pc - a->imm12 : pc + a->imm12);
    } else {
        aa32_dp(s, a->arg ? DP_SUB : DP_ADD, false, a->Rd, a->Rn, IR_IMM, a->imm12, IR_NONE);
    }
}

void trans_t32_movw(ArmTr *s, const t32_movw *a)
{
    movw(s, a->Rd, a->imm4 << 12 | a->i << 11 | a->imm3 << 8 | a->imm8);
}

void trans_t32_movt(ArmTr *s, const t32_movt *a)
{
    movt(s, a->Rd, a->imm4 << 12 | a->i << 11 | a->imm3 << 8 | a->imm8);
}

void trans_t32_shift_reg(ArmTr *s, const t32_shift_reg *a)
{
    by_reg_shift(s, DP_MOV, a->S, a->Rd, 0, a->Rn, a->type, a->Rm);
}

/* SUBS PC, LR, #imm8. */
void trans_t32_subs_pc(ArmTr *s, const t32_subs_pc *a)
{
    if (aa32_mode(s) == ARM_MODE_HYP) {
        aa32_eret(s);
        return;
    }
    IrVal t = tr_temp(s);
    ir_alui(s->b, OP_sub, W32, t, IR_G(14), a->imm8, 0);
    aa32_exception_return(s, t);
}

/* ---- T16 ---- */

void trans_t16_shift_imm(ArmTr *s, const t16_shift_imm *a)
{
    by_imm_shift(s, DP_MOV, aa32_t16_s(s), a->Rd, 0, a->Rm, a->op, a->imm5);
}

void trans_t16_addsub_reg(ArmTr *s, const t16_addsub_reg *a)
{
    aa32_dp(s, a->op ? DP_SUB : DP_ADD, aa32_t16_s(s), a->Rd, a->Rn, IR_G(a->Rm), 0, IR_NONE);
}

void trans_t16_addsub_imm3(ArmTr *s, const t16_addsub_imm3 *a)
{
    aa32_dp(s, a->op ? DP_SUB : DP_ADD, aa32_t16_s(s), a->Rd, a->Rn, IR_IMM, a->imm3, IR_NONE);
}

void trans_t16_dp_imm8(ArmTr *s, const t16_dp_imm8 *a)
{
    static const uint8_t ops[4] = {DP_MOV, DP_CMP, DP_ADD, DP_SUB};
    aa32_dp(s, ops[a->op], a->op == 1 || aa32_t16_s(s), a->Rd, a->Rd, IR_IMM, a->imm8, IR_NONE);
}

void trans_t16_dp_reg(ArmTr *s, const t16_dp_reg *a)
{
    static const uint8_t ops[16] = {DP_AND, DP_EOR, DP_MOV, DP_MOV, DP_MOV, DP_ADC, DP_SBC, DP_MOV,
                                    DP_TST, DP_RSB, DP_CMP, DP_CMN, DP_ORR, DP_ORR, DP_BIC, DP_MVN};
    static const uint8_t shifts[8] = {0, 0, 0, 1, 2, 0, 0, 3};
    bool set = aa32_t16_s(s);
    unsigned op = a->op;
    if (op == 13) { /* MUL */
        aa32_mla(s, set, false, a->Rd, a->Rm, a->Rd, -1);
    } else if (op == 9) { /* RSB Rd, Rm, #0 */
        aa32_dp(s, DP_RSB, set, a->Rd, a->Rm, IR_IMM, 0, IR_NONE);
    } else if (op < 8 && ops[op] == DP_MOV) {
        by_reg_shift(s, DP_MOV, set, a->Rd, 0, a->Rd, shifts[op], a->Rm);
    } else {
        bool compare = op == 8 || op == 10 || op == 11;
        aa32_dp(s, ops[op], compare || set, a->Rd, a->Rd, IR_G(a->Rm), 0, IR_NONE);
    }
}

/* ADD, CMP, MOV with any register; no flags but CMP's. */
void trans_t16_special(ArmTr *s, const t16_special *a)
{
    static const uint8_t ops[3] = {DP_ADD, DP_CMP, DP_MOV};
    aa32_dp(s, ops[a->op], a->op == 1, a->Rd, a->Rd, aa32_r(s, a->Rm), 0, IR_NONE);
}

void trans_t16_add_pc(ArmTr *s, const t16_add_pc *a)
{
    movw(s, a->Rd, (aa32_pc(s) & ~3u) + (a->imm8 << 2));
}

void trans_t16_add_sp(ArmTr *s, const t16_add_sp *a)
{
    aa32_dp(s, DP_ADD, false, a->Rd, 13, IR_IMM, a->imm8 << 2, IR_NONE);
}

void trans_t16_adjust_sp(ArmTr *s, const t16_adjust_sp *a)
{
    aa32_dp(s, a->op ? DP_SUB : DP_ADD, false, 13, 13, IR_IMM, a->imm7 << 2, IR_NONE);
}
