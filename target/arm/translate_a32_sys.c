/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A32 and T32 system instructions: PSRs, exceptions, hints, barriers, coprocessors 14 and 15 (Arm ARM F2.3, F2.10, G8).
 */
#include "target/arm/system.h"
#include "target/arm/translate_a32.h"

static bool user_mode(const ArmTr *s)
{
    return aa32_mode(s) == ARM_MODE_USR;
}

/* ---- program status registers ---- */

void aa32_mrs(ArmTr *s, bool spsr, unsigned rd)
{
    bool none = user_mode(s) || aa32_mode(s) == ARM_MODE_SYS;
    if (rd == 15 || (spsr && none)) {
        tr_undef(s);
        return;
    }
    ir_mov(s->b, W32, IR_G(rd), tr_call(s, HELPER_a32_mrs, tr_const(s, spsr), IR_NONE, IR_NONE));
}

/* Bytes of the PSR that the mask selects: 8 flags, 4 status, 2 extension, 1 control. */
static uint32_t psr_bytes(unsigned mask)
{
    return (mask & 1 ? 0xffu : 0) | (mask & 2 ? 0xff00u : 0) | (mask & 4 ? 0xff0000u : 0) | (mask & 8 ? 0xff000000u : 0);
}

void aa32_msr(ArmTr *s, bool spsr, unsigned mask, IrVal v)
{
    if (mask == 0 || (spsr && (user_mode(s) || aa32_mode(s) == ARM_MODE_SYS))) {
        tr_undef(s);
        return;
    }
    tr_call_void(s, spsr ? HELPER_a32_spsr_write : HELPER_cpsr_write, v, tr_const(s, psr_bytes(mask)), IR_NONE);
    s->last = s->last || !spsr;
    if (!spsr) {
        tr_end_next(s);
    }
}

void aa32_mrs_banked(ArmTr *s, bool r, unsigned sysm, unsigned rd)
{
    if (rd == 15 || user_mode(s)) {
        tr_undef(s);
        return;
    }
    IrVal v = tr_call(s, HELPER_mode_banked_read, tr_const(s, sysm), tr_const(s, r), IR_NONE);
    ir_mov(s->b, W32, IR_G(rd), v);
}

void aa32_msr_banked(ArmTr *s, bool r, unsigned sysm, unsigned rn)
{
    if (rn == 15 || user_mode(s)) {
        tr_undef(s);
        return;
    }
    tr_call_void(s, HELPER_mode_banked_write, tr_const(s, sysm), tr_const(s, r), IR_G(rn));
}

/* imod 2 enables, 3 disables what aif names (A 4, I 2, F 1); m: the mode too. */
void aa32_cps(ArmTr *s, unsigned imod, bool m, unsigned aif, unsigned mode)
{
    uint32_t bits = (aif & 4 ? CPSR_A : 0) | (aif & 2 ? CPSR_I : 0) | (aif & 1 ? CPSR_F : 0);
    uint32_t mask = (imod & 2 ? bits : 0) | (m ? CPSR_M : 0);
    if (user_mode(s) || mask == 0) {
        return; /* no effect at EL0 */
    }
    tr_call_void(s, HELPER_cpsr_write, tr_const(s, (imod == 3 ? bits : 0) | (m ? mode : 0)), tr_const(s, mask), IR_NONE);
    tr_end_next(s);
}

void aa32_setend(ArmTr *s, bool big)
{
    if (s->mode & MODE_SED) {
        tr_undef(s);
        return;
    }
    tr_call_void(s, HELPER_a32_setend, tr_const(s, big), IR_NONE, IR_NONE);
    tr_end_next(s);
}

void aa32_setpan(ArmTr *s, bool pan)
{
    if (!user_mode(s)) {
        tr_call_void(s, HELPER_cpsr_write, tr_const(s, pan ? CPSR_PAN : 0), tr_const(s, CPSR_PAN), IR_NONE);
        tr_end_next(s);
    }
}

/* ---- hints, barriers ---- */

/* ITSTATE stays this instruction's, in case it traps: the helper ends with arm_done(). */
static void by_helper(ArmTr *s, int helper)
{
    tr_call_void(s, helper, tr_const(s, (int64_t)s->next), IR_NONE, IR_NONE);
    tr_end_loop(s);
}

void aa32_hint(ArmTr *s, unsigned op)
{
    switch (op) {
    case 1:
        by_helper(s, HELPER_yield);
        break;
    case 2:
        by_helper(s, HELPER_wfe);
        break;
    case 3:
        by_helper(s, HELPER_wfi);
        break;
    case 4:
    case 5:
        tr_call_void(s, HELPER_sev, tr_const(s, op - 4), IR_NONE, IR_NONE);
        break;
    }
}

void aa32_barrier(ArmTr *s, unsigned op, unsigned opt)
{
    switch (op) {
    case 1:
        tr_stenv(s, W8, ENV(s.excl_valid), tr_const(s, 0));
        break;
    case 4:
        ir_emit(s->b, OP_fence, W64, IR_NONE, IR_NONE, IR_NONE);
        if ((opt & 3) == 3 && !user_mode(s)) {
            by_helper(s, HELPER_dsb);
        }
        break;
    case 5:
        if ((opt & 3) == 3) { /* the host orders loads among each other, and stores */
            ir_emit(s->b, OP_fence, W64, IR_NONE, IR_NONE, IR_NONE);
        }
        break;
    case 6:
        by_helper(s, HELPER_isb);
        break;
    case 7:
        break;
    default:
        tr_undef(s);
        break;
    }
}

/* ---- exceptions ---- */

void aa32_svc(ArmTr *s, uint32_t imm)
{
    aa32_before_helper_end(s);
    tr_call_void(s, HELPER_svc, tr_const(s, imm & 0xffff), tr_const(s, (int64_t)s->next), IR_NONE);
    tr_end_loop(s);
}

void aa32_bkpt(ArmTr *s, uint32_t imm)
{
    tr_exception(s, arm_syndrome(EC_BKPT32, imm));
}

void aa32_hvc(ArmTr *s, uint32_t imm)
{
    if (user_mode(s)) {
        tr_undef(s);
        return;
    }
    aa32_before_end(s); /* a PSCI call goes on behind it */
    tr_call_void(s, HELPER_hvc, tr_const(s, imm), tr_const(s, (int64_t)s->next), IR_NONE);
    tr_end_loop(s);
}

void aa32_smc(ArmTr *s, uint32_t imm)
{
    if (user_mode(s)) {
        tr_undef(s);
        return;
    }
    aa32_before_end(s); /* a PSCI call goes on behind it */
    tr_call_void(s, HELPER_smc, tr_const(s, imm), tr_const(s, (int64_t)s->next), IR_NONE);
    tr_end_loop(s);
}

void aa32_eret(ArmTr *s)
{
    if (aa32_mode(s) != ARM_MODE_HYP) {
        aa32_exception_return(s, IR_G(14));
        return;
    }
    tr_call_void(s, HELPER_a32_spsr_return, tr_ldenv(s, W64, ENV(s.elr[2])), IR_NONE, IR_NONE);
    tr_end_loop(s);
}

/* ---- coprocessors ---- */

void aa32_flags_from(ArmTr *s, IrVal v)
{
    IrVal f = tr_temp(s), t = tr_temp(s);
    ir_alui(s->b, OP_shr, W32, f, v, 24, 0);
    ir_alui(s->b, OP_and, W32, f, f, 0xc0, 0);
    ir_alui(s->b, OP_shr, W32, t, v, 17, 0);
    ir_alui(s->b, OP_and, W32, t, t, 0x800, 0);
    ir_alu(s->b, OP_or, W32, f, f, t, 0);
    ir_alui(s->b, OP_shr, W32, t, v, 29, 0);
    ir_alui(s->b, OP_and, W32, t, t, 1, 0);
    ir_alui(s->b, OP_xor, W32, t, t, 1, 0);
    ir_alu(s->b, OP_or, W32, f, f, t, 0);
    ir_emit(s->b, OP_setf, W64, IR_NONE, f, IR_NONE)->fw = FL_ALL;
}

/* A register that has no fast form, or does not exist, is the helper's: it makes the exception. */
void aa32_mcr(ArmTr *s, bool read, unsigned cp, unsigned opc1, unsigned crn, unsigned crm, unsigned opc2, unsigned rt)
{
    uint32_t key = A32_SYSREG(cp, 0u, opc1, crn, crm, opc2);
    const ArmSysReg *r = arm_sysreg_find(s->config, key);
    unsigned el = (unsigned)arm_mode_el(s->mode);
    if (!r || (read ? r->flags & SR_WO : r->flags & SR_RO) || el < (read ? r->min_el_r : r->min_el_w)) {
        tr_undef(s);
        return;
    }
    bool checked = s->mode & (MODE_FGT | MODE_CP15_TRAP);

    if (read) {
        bool direct = (r->flags & SR_INLINE_R) && !checked;
        IrVal v = direct ? tr_ldenv(s, W32, r->offset)
                         : tr_call(s, HELPER_sysreg_read, tr_const(s, key), IR_NONE, tr_const(s, rt));
        if (rt == 15) {
            aa32_flags_from(s, v);
        } else {
            ir_mov(s->b, W32, IR_G(rt), v);
        }
        if (r->flags & SR_IO) {
            tr_end_next(s);
        }
        return;
    }
    if (rt == 15) {
        tr_undef(s);
        return;
    }
    tr_call_void(s, HELPER_sysreg_write, tr_const(s, key), IR_G(rt), tr_const(s, rt));
    if (r->flags & (SR_END | SR_IO)) {
        tr_end_next(s);
    }
}

void aa32_mcrr(ArmTr *s, bool read, unsigned cp, unsigned opc1, unsigned crm, unsigned rt, unsigned rt2)
{
    uint32_t key = A32_SYSREG(cp, 1u, opc1, 0u, crm, 0u);
    const ArmSysReg *r = arm_sysreg_find(s->config, key);
    unsigned el = (unsigned)arm_mode_el(s->mode);
    if (!r || rt == 15 || rt2 == 15 || (read ? r->flags & SR_WO : r->flags & SR_RO) ||
        el < (read ? r->min_el_r : r->min_el_w)) {
        tr_undef(s);
        return;
    }

    if (read) {
        IrVal v = tr_call(s, HELPER_sysreg_read, tr_const(s, key), IR_NONE, tr_const(s, rt | rt2 << 8));
        ir_mov(s->b, W32, IR_G(rt), v);
        ir_alui(s->b, OP_shr, W64, IR_G(rt2), v, 32, 0);
        if (r->flags & SR_IO) {
            tr_end_next(s);
        }
        return;
    }
    IrVal v = tr_temp(s), lo = tr_temp(s);
    ir_alui(s->b, OP_shl, W64, v, IR_G(rt2), 32, 0);
    ir_mov(s->b, W32, lo, IR_G(rt));
    ir_alu(s->b, OP_or, W64, v, v, lo, 0);
    tr_call_void(s, HELPER_sysreg_write, tr_const(s, key), v, tr_const(s, rt | rt2 << 8));
    if (r->flags & (SR_END | SR_IO)) {
        tr_end_next(s);
    }
}

/* ---- A32 ---- */

void trans_a32_nop(ArmTr *s, const a32_nop *a) {}
void trans_a32_mrs(ArmTr *s, const a32_mrs *a) { aa32_mrs(s, a->R, a->Rd); }
void trans_a32_mrs_banked(ArmTr *s, const a32_mrs_banked *a) { aa32_mrs_banked(s, a->R, a->m << 4 | a->M1, a->Rd); }
void trans_a32_msr_banked(ArmTr *s, const a32_msr_banked *a) { aa32_msr_banked(s, a->R, a->m << 4 | a->M1, a->Rn); }
void trans_a32_hint(ArmTr *s, const a32_hint *a) { aa32_hint(s, a->op); }
void trans_a32_eret(ArmTr *s, const a32_eret *a) { aa32_eret(s); }
/* The older way to semihosting. */
static void svc(ArmTr *s, uint32_t imm, uint32_t semihosting)
{
    if (imm == semihosting && tr_semihosting(s)) {
        by_helper(s, HELPER_semihost);
    } else {
        aa32_svc(s, imm);
    }
}

void trans_a32_bkpt(ArmTr *s, const a32_bkpt *a) { aa32_bkpt(s, a->imm16); }
void trans_a32_hvc(ArmTr *s, const a32_hvc *a) { aa32_hvc(s, a->imm16); }
void trans_a32_smc(ArmTr *s, const a32_smc *a) { aa32_smc(s, a->imm4); }
void trans_a32_svc(ArmTr *s, const a32_svc *a) { svc(s, a->imm24, 0x123456); }
void trans_a32_clrex(ArmTr *s, const a32_clrex *a) { aa32_barrier(s, 1, 0); }
void trans_a32_dsb(ArmTr *s, const a32_dsb *a) { aa32_barrier(s, 4, a->opt); }
void trans_a32_dmb(ArmTr *s, const a32_dmb *a) { aa32_barrier(s, 5, a->opt); }
void trans_a32_isb(ArmTr *s, const a32_isb *a) { aa32_barrier(s, 6, a->opt); }
void trans_a32_setend(ArmTr *s, const a32_setend *a) { aa32_setend(s, a->E); }
void trans_a32_setpan(ArmTr *s, const a32_setpan *a) { aa32_setpan(s, a->imm1); }
void trans_a32_cps(ArmTr *s, const a32_cps *a) { aa32_cps(s, a->imod, a->M, a->A << 2 | a->I << 1 | a->F, a->mode); }

void trans_a32_msr_reg(ArmTr *s, const a32_msr_reg *a)
{
    aa32_msr(s, a->R, a->mask, aa32_r(s, a->Rn));
}

void trans_a32_msr_imm(ArmTr *s, const a32_msr_imm *a)
{
    unsigned rot = a->imm12 >> 8 << 1;
    uint32_t imm = a->imm12 & 0xff;
    aa32_msr(s, a->R, a->mask, tr_const(s, rot ? imm >> rot | imm << (32 - rot) : imm));
}

/* HLT: a halting debug event that is not enabled; 0xf000 is semihosting. */
static void hlt(ArmTr *s, uint32_t imm, uint32_t semihosting)
{
    if (imm != semihosting || !tr_semihosting(s)) {
        tr_undef(s);
        return;
    }
    by_helper(s, HELPER_semihost);
}

void trans_a32_hlt(ArmTr *s, const a32_hlt *a)
{
    hlt(s, a->imm16, 0xf000);
}

void trans_a32_mcr(ArmTr *s, const a32_mcr *a)
{
    aa32_mcr(s, a->L, 14 + a->cp, a->opc1, a->CRn, a->CRm, a->opc2, a->Rt);
}

void trans_a32_mcrr(ArmTr *s, const a32_mcrr *a)
{
    aa32_mcrr(s, a->L, 14 + a->cp, a->opc1, a->CRm, a->Rt, a->Rt2);
}

/* LDC and STC of DBGDTR: the debug communication channel has nobody at its other end. */
void trans_a32_ldc(ArmTr *s, const a32_ldc *a)
{
    tr_undef(s);
}

/* ---- T32 ---- */

void trans_t32_msr(ArmTr *s, const t32_msr *a) { aa32_msr(s, a->R, a->mask, aa32_r(s, a->Rn)); }
void trans_t32_mrs(ArmTr *s, const t32_mrs *a) { aa32_mrs(s, a->R, a->Rd); }
void trans_t32_mrs_banked(ArmTr *s, const t32_mrs_banked *a) { aa32_mrs_banked(s, a->R, a->m << 4 | a->M1, a->Rd); }
void trans_t32_msr_banked(ArmTr *s, const t32_msr_banked *a) { aa32_msr_banked(s, a->R, a->m << 4 | a->M1, a->Rn); }
void trans_t32_hint(ArmTr *s, const t32_hint *a) { aa32_hint(s, a->op); }
void trans_t32_cps(ArmTr *s, const t32_cps *a) { aa32_cps(s, a->imod, a->M, a->A << 2 | a->I << 1 | a->F, a->mode); }
void trans_t32_barrier(ArmTr *s, const t32_barrier *a) { aa32_barrier(s, a->op == 2 ? 1 : a->op == 1 ? 0 : a->op, a->opt); }
void trans_t32_bxj(ArmTr *s, const t32_bxj *a) { aa32_bx(s, aa32_r(s, a->Rm), 0); }
void trans_t32_hvc(ArmTr *s, const t32_hvc *a) { aa32_hvc(s, a->imm16); }
void trans_t32_smc(ArmTr *s, const t32_smc *a) { aa32_smc(s, a->imm4); }

void trans_t32_mcr(ArmTr *s, const t32_mcr *a)
{
    aa32_mcr(s, a->L, 14 + a->cp, a->opc1, a->CRn, a->CRm, a->opc2, a->Rt);
}

void trans_t32_mcrr(ArmTr *s, const t32_mcrr *a)
{
    aa32_mcrr(s, a->L, 14 + a->cp, a->opc1, a->CRm, a->Rt, a->Rt2);
}

/* ---- T16 ---- */

void trans_t16_setpan(ArmTr *s, const t16_setpan *a) { aa32_setpan(s, a->imm1); }
void trans_t16_setend(ArmTr *s, const t16_setend *a) { aa32_setend(s, a->E); }
void trans_t16_cps(ArmTr *s, const t16_cps *a) { aa32_cps(s, 2 | a->im, false, a->A << 2 | a->I << 1 | a->F, 0); }
void trans_t16_bkpt(ArmTr *s, const t16_bkpt *a) { aa32_bkpt(s, a->imm8); }
void trans_t16_hint(ArmTr *s, const t16_hint *a) { aa32_hint(s, a->op); }
void trans_t16_hlt(ArmTr *s, const t16_hlt *a) { hlt(s, a->imm6, 0x3c); }

void trans_t16_svc(ArmTr *s, const t16_svc *a) { svc(s, a->imm8, 0xab); }
