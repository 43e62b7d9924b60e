/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vector registers as translators see them, and vector code by instructions of an x86 host.
 */
#include "target/arm/translate_vec.h"

void vec_clear_high(ArmTr *s, unsigned n)
{
    unsigned bytes = vec_mode_bytes(s->mode);
    if (bytes == 16 || (s->mode & MODE_A32)) {
        return;
    }
    IrVal zero = tr_const(s, 0);
    for (unsigned i = 2; i < bytes / 8; i++) {
        tr_stenv(s, W64, ENV_VD(n, i), zero);
    }
}

IrVal vec_scalar(ArmTr *s, FpFmt f, unsigned n)
{
    return tr_ldenv(s, (IrWidth)f, ENV_VD(n, 0));
}

/* ---- host instructions ---- */

#define VMOVQ_FROM_GENERAL (VX_66 | VX_0F(0x6e) | VX_W)

bool vec_host(const ArmTr *s, unsigned features)
{
    return (tcg_host_vec() & (features | TCG_VEC_AVX)) == (features | TCG_VEC_AVX);
}

bool vec_host_fp(const ArmTr *s, unsigned features)
{
    return !s->fpx && vec_host(s, features);
}

static IrHostInsn *host_insn(ArmTr *s, unsigned op, IrVal dst, IrVal addr, IrVal rm)
{
    IrHostInsn *hi = ir_hostop(s->b, dst, addr, rm);
    hi->vex = 1;
    hi->fpu = IR_FPU_SSE;
    hi->prefix = op & VX_66 ? 0x66 : op & VX_F2 ? 0xf2 : op & VX_F3 ? 0xf3 : 0;
    hi->map = op >> 8 & 3;
    hi->opcode = (uint8_t)op;
    hi->rexw = op & VX_W ? 1 : 0;
    hi->vec = HV | (op & VX_TRAP ? HV_TRAP : 0) | (op & VX_RM_REG ? HV_RM_REG : 0);
    s->b->uses_fpu = MAX(s->b->uses_fpu, IR_FPU_SSE);
    return hi;
}

/* The number as the emitter has it: see VEC_A32_N. */
static uint8_t vector(const ArmTr *s, unsigned n)
{
    bool temporary = (s->mode & MODE_A32) && n >= VEC_A32_N && n < VEC_T0;
    return (uint8_t)(temporary ? n - VEC_A32_N + VEC_S0 : n);
}

static void operand_reg(const ArmTr *s, IrHostInsn *hi, unsigned n, unsigned how)
{
    hi->reg_kind = HR_XMM;
    hi->reg = vector(s, n);
    hi->vec |= (uint8_t)how;
}

static void operand_rm(const ArmTr *s, IrHostInsn *hi, unsigned n)
{
    hi->rm_kind = HR_XMM;
    hi->rm = vector(s, n);
    hi->vec |= HV_RM_R;
}

static void operand_vvvv(const ArmTr *s, IrHostInsn *hi, unsigned n, unsigned how)
{
    hi->vvvv = vector(s, n);
    hi->vec |= (uint8_t)how;
}

static void immediate(IrHostInsn *hi, int imm)
{
    if (imm >= 0) {
        hi->has_imm = 1;
        hi->imm8 = (uint8_t)imm;
    }
}

/* Has V<d> been written: what is above 128 bits goes. */
static void written(ArmTr *s, unsigned d)
{
    if (d < VEC_T0) {
        vec_clear_high(s, d);
    }
}

/* Where an instruction of which `bytes` count leaves its result. */
static unsigned result(unsigned bytes, unsigned d)
{
    return bytes == 16 ? d : VEC_T0;
}

static void finish(ArmTr *s, unsigned bytes, unsigned d)
{
    if (bytes == 16) {
        written(s, d);
    } else {
        vec_move(s, bytes, d, VEC_T0);
    }
}

void vec_move(ArmTr *s, unsigned bytes, unsigned d, unsigned m)
{
    if (bytes == 4) { /* vinsertps: element 0, the others zero */
        IrHostInsn *hi = host_insn(s, VX_66 | VX_0F3A(0x21) | VX_RM_REG, IR_NONE, IR_NONE, IR_NONE);
        operand_reg(s, hi, d, HV_REG_W);
        operand_vvvv(s, hi, m, HV_VVVV_R);
        operand_rm(s, hi, m);
        immediate(hi, 0x0e);
    } else { /* vmovq, vmovaps */
        IrHostInsn *hi = host_insn(s, bytes == 8 ? VX_F3 | VX_0F(0x7e) : VX_0F(0x28), IR_NONE, IR_NONE, IR_NONE);
        operand_reg(s, hi, d, HV_REG_W);
        operand_rm(s, hi, m);
    }
    written(s, d);
}

static void op3(ArmTr *s, unsigned op, unsigned bytes, unsigned d, unsigned n, unsigned m, int imm)
{
    unsigned to = result(bytes, d);
    if ((op & VX_READS_D) && to != d) {
        vec_move(s, 16, to, d);
    }
    IrHostInsn *hi = host_insn(s, op, IR_NONE, IR_NONE, IR_NONE);
    operand_reg(s, hi, to, HV_REG_W | (op & VX_READS_D ? HV_REG_R : 0));
    operand_vvvv(s, hi, n, HV_VVVV_R);
    operand_rm(s, hi, m);
    immediate(hi, imm);
    finish(s, bytes, d);
}

void vec_op3(ArmTr *s, unsigned op, unsigned bytes, unsigned d, unsigned n, unsigned m)
{
    op3(s, op, bytes, d, n, m, -1);
}

void vec_op3_imm(ArmTr *s, unsigned op, unsigned bytes, unsigned d, unsigned n, unsigned m, uint8_t imm)
{
    op3(s, op, bytes, d, n, m, imm);
}

static void op2(ArmTr *s, unsigned op, unsigned bytes, unsigned d, unsigned m, int imm)
{
    IrHostInsn *hi = host_insn(s, op, IR_NONE, IR_NONE, IR_NONE);
    operand_reg(s, hi, result(bytes, d), HV_REG_W);
    operand_rm(s, hi, m);
    immediate(hi, imm);
    finish(s, bytes, d);
}

void vec_op2(ArmTr *s, unsigned op, unsigned bytes, unsigned d, unsigned m)
{
    op2(s, op, bytes, d, m, -1);
}

void vec_op2_imm(ArmTr *s, unsigned op, unsigned bytes, unsigned d, unsigned m, uint8_t imm)
{
    op2(s, op, bytes, d, m, imm);
}

void vec_shift_imm(ArmTr *s, unsigned op, unsigned digit, unsigned bytes, unsigned d, unsigned m, uint8_t imm)
{
    IrHostInsn *hi = host_insn(s, op | VX_RM_REG, IR_NONE, IR_NONE, IR_NONE);
    hi->reg = (uint8_t)digit;
    operand_vvvv(s, hi, result(bytes, d), HV_VVVV_W);
    operand_rm(s, hi, m);
    immediate(hi, imm);
    finish(s, bytes, d);
}

void vec_constant(ArmTr *s, unsigned d, unsigned esz, uint64_t value)
{
    static const uint64_t ones[4] = {0x0101010101010101, 0x0001000100010001, 0x0000000100000001, 1};
    value *= ones[esz];
    if (value == 0) {
        vec_op3(s, VX_66 | VX_0F(0xef), 16, d, d, d); /* vpxor */
    } else if (value == ~0ull) {
        vec_op3(s, VX_66 | VX_0F(0x74), 16, d, d, d); /* vpcmpeqb */
    } else {
        vec_from_general(s, VMOVQ_FROM_GENERAL, d, VEC_T0, tr_const(s, (int64_t)value));
        vec_op3(s, VX_66 | VX_0F(0x6c), 16, d, d, d); /* vpunpcklqdq */
    }
}

void vec_constant_pair(ArmTr *s, unsigned d, uint64_t low, uint64_t high)
{
    vec_from_general(s, VMOVQ_FROM_GENERAL, d, VEC_T0, tr_const(s, (int64_t)low));
    IrHostInsn *hi = host_insn(s, VX_66 | VX_0F3A(0x22) | VX_W, IR_NONE, IR_NONE, tr_const(s, (int64_t)high));
    hi->rm_kind = HR_GPR; /* vpinsrq */
    operand_reg(s, hi, d, HV_REG_W);
    operand_vvvv(s, hi, d, HV_VVVV_R);
    immediate(hi, 1);
}

void vec_set_scalar(ArmTr *s, unsigned d, IrVal v)
{
    if (vec_host(s, 0)) {
        vec_from_general(s, VMOVQ_FROM_GENERAL, d, VEC_T0, v);
        return;
    }
    tr_stenv(s, W64, ENV_VD(d, 0), v);
    tr_stenv(s, W64, ENV_VD(d, 1), tr_const(s, 0));
    vec_clear_high(s, d);
}

/* ---- memory ---- */

bool vec_host_access(const ArmTr *s, unsigned bytes)
{
    return bytes >= 4 && !(s->mode & MODE_BE) && vec_host(s, 0);
}

static IrHostInsn *memory_insn(ArmTr *s, unsigned op, unsigned bytes, IrVal addr, int mmu)
{
    IrHostInsn *hi = host_insn(s, op, IR_NONE, addr, IR_NONE);
    hi->size = (uint16_t)bytes;
    IrOp *o = &s->b->ops[s->b->n_ops - 1];
    o->aux = (uint8_t)mmu;
    o->aux2 = bytes <= 8 ? tr_atomic(s) : 0;
    return hi;
}

void vec_load(ArmTr *s, unsigned bytes, unsigned d, IrVal addr, int mmu)
{
    static const unsigned op[3] = {VX_F3 | VX_0F(0x10), VX_F3 | VX_0F(0x7e), VX_0F(0x10)}; /* vmovss, vmovq, vmovups */
    IrHostInsn *hi = memory_insn(s, op[bytes >> 3], bytes, addr, mmu);
    hi->mem = 1;
    operand_reg(s, hi, d, HV_REG_W);
    written(s, d);
}

void vec_store(ArmTr *s, unsigned bytes, unsigned n, IrVal addr, int mmu)
{
    static const unsigned op[3] = {VX_F3 | VX_0F(0x11), VX_66 | VX_0F(0xd6), VX_0F(0x11)};
    IrHostInsn *hi = memory_insn(s, op[bytes >> 3], bytes, addr, mmu);
    hi->mem = 2;
    operand_reg(s, hi, n, HV_REG_R);
}

/* ---- general registers and flags ---- */

void vec_from_general(ArmTr *s, unsigned op, unsigned d, unsigned n, IrVal v)
{
    IrHostInsn *hi = host_insn(s, op, IR_NONE, IR_NONE, v);
    hi->rm_kind = HR_GPR;
    operand_reg(s, hi, d, HV_REG_W);
    if ((op & 0x3ff) != (VMOVQ_FROM_GENERAL & 0x3ff)) {
        operand_vvvv(s, hi, n, HV_VVVV_R);
    }
    written(s, d);
}

void vec_to_general(ArmTr *s, unsigned op, IrWidth w, IrVal dst, unsigned m)
{
    IrHostInsn *hi = host_insn(s, op, dst, IR_NONE, IR_NONE);
    hi->reg_kind = HR_GPR;
    hi->dst_w = (uint8_t)w;
    operand_rm(s, hi, m);
}

void vec_compare(ArmTr *s, unsigned op, unsigned n, unsigned m, uint8_t fw)
{
    IrHostInsn *hi = host_insn(s, op, IR_NONE, IR_NONE, IR_NONE);
    operand_reg(s, hi, n, HV_REG_R);
    operand_rm(s, hi, m);
    hi->fw = fw;
}
