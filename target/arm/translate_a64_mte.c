/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A64 instructions of memory tagging (C4.1.92, C4.1.94, C4.1.95). None of their accesses is tag checked.
 */
#include "target/arm/translate_a64.h"

/* ---- tags in registers ---- */

static void write_xsp(ArmTr *s, unsigned rd, IrVal v)
{
    if (rd == 31) {
        a64_sp_written(s, false);
    }
    ir_mov(s->b, W64, tr_xsp(rd), v);
}

void trans_a64_addg(ArmTr *s, const a64_addg *a)
{
    int64_t add = (int64_t)a->uimm6 * 16;
    IrVal v = tr_call(s, HELPER_mte_add, tr_xsp(a->Rn), tr_const(s, a->op ? -add : add), tr_const(s, a->uimm4));
    write_xsp(s, a->Rd, v);
}

void trans_a64_irg(ArmTr *s, const a64_irg *a)
{
    write_xsp(s, a->Rd, tr_call(s, HELPER_mte_irg, tr_xsp(a->Rn), tr_x(s, a->Rm), IR_NONE));
}

void trans_a64_gmi(ArmTr *s, const a64_gmi *a)
{
    IrVal tag = tr_temp(s), bit = tr_temp(s);
    ir_alui(s->b, OP_shr, W64, tag, tr_xsp(a->Rn), 56, 0);
    ir_alui(s->b, OP_and, W64, tag, tag, 15, 0);
    ir_alu(s->b, OP_shl, W64, bit, tr_const(s, 1), tag, 0);
    ir_alu(s->b, OP_or, W64, tr_xd(s, a->Rd), bit, tr_x(s, a->Rm), 0);
}

/* The low 56 bits, sign-extended. */
static IrVal plain(ArmTr *s, unsigned n)
{
    IrVal v = tr_temp(s);
    ir_alui(s->b, OP_shl, W64, v, tr_xsp(n), 8, 0);
    ir_alui(s->b, OP_sar, W64, v, v, 8, 0);
    return v;
}

void trans_a64_subp(ArmTr *s, const a64_subp *a)
{
    IrVal n = plain(s, a->Rn), m = plain(s, a->Rm);
    ir_alu(s->b, OP_sub, W64, tr_xd(s, a->Rd), n, m, a->arg ? FL_ALL : 0);
}

/* ---- tags in memory ---- */

enum { INDEX_POST = 1, INDEX_OFFSET, INDEX_PRE }; /* op2 */

static IrVal moved(ArmTr *s, IrVal base, int64_t offset)
{
    IrVal v = tr_temp(s);
    ir_lea(s->b, W64, v, base, IR_NONE, 0, offset);
    return v;
}

/* Address of the access; *base: the register's new value. */
static IrVal tag_access(ArmTr *s, unsigned n, int64_t offset, unsigned index, IrVal *base)
{
    IrVal old = a64_base(s, n);
    *base = index == INDEX_OFFSET ? IR_NONE : moved(s, old, offset);
    return index == INDEX_POST ? old : moved(s, old, offset);
}

static void tag_write_back(ArmTr *s, unsigned n, IrVal base)
{
    if (base != IR_NONE) {
        write_xsp(s, n, base);
    }
}

/* opc: STG, STZG, ST2G, STZ2G */
void trans_a64_stg(ArmTr *s, const a64_stg *a)
{
    IrVal base, addr = tag_access(s, a->Rn, a64_signed(a->imm9, 9) * 16, a->op2, &base);
    tr_call_void(s, HELPER_mte_stg, addr, tr_xsp(a->Rt), tr_const(s, a->opc));
    tag_write_back(s, a->Rn, base);
}

void trans_a64_stgp(ArmTr *s, const a64_stgp *a)
{
    IrVal base, addr = tag_access(s, a->Rn, a64_signed(a->imm7, 7) * 16, a->mode, &base);
    tr_call_void(s, HELPER_mte_stgp, addr, tr_x(s, a->Rt), tr_x(s, a->Rt2));
    tag_write_back(s, a->Rn, base);
}

void trans_a64_ldg(ArmTr *s, const a64_ldg *a)
{
    IrVal addr = moved(s, a64_base(s, a->Rn), a64_signed(a->imm9, 9) * 16);
    ir_mov(s->b, W64, tr_xd(s, a->Rt), tr_call(s, HELPER_mte_ldg, addr, tr_x(s, a->Rt), IR_NONE));
}

/* LDGM; arg: STGM 1, STZGM 2. */
void trans_a64_ldgm(ArmTr *s, const a64_ldgm *a)
{
    if (arm_mode_el(s->mode) == 0) {
        tr_undef(s);
        return;
    }
    IrVal addr = a64_base(s, a->Rn);
    if (a->arg) {
        tr_call_void(s, HELPER_mte_stgm, addr, tr_x(s, a->Rt), tr_const(s, a->arg == 2));
    } else {
        ir_mov(s->b, W64, tr_xd(s, a->Rt), tr_call(s, HELPER_mte_ldgm, addr, IR_NONE, IR_NONE));
    }
}
