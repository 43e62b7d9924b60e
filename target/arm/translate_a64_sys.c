/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A64 system instructions (C4.1.93, C5): hints, barriers, PSTATE, system registers.
 */
#include "target/arm/system.h"
#include "target/arm/translate_a64.h"

/* ---- hints ---- */

void trans_a64_nop(ArmTr *s, const a64_nop *a)
{
}

static void wait_helper(ArmTr *s, int helper)
{
    tr_call_void(s, helper, tr_const(s, (int64_t)s->next), IR_NONE, IR_NONE);
    tr_end_loop(s);
}

void trans_a64_yield(ArmTr *s, const a64_yield *a)
{
    wait_helper(s, HELPER_yield);
}

void trans_a64_wfe(ArmTr *s, const a64_wfe *a)
{
    wait_helper(s, HELPER_wfe);
}

void trans_a64_wfi(ArmTr *s, const a64_wfi *a)
{
    wait_helper(s, HELPER_wfi);
}

/* WFET, WFIT: a wait may end at any time, so the timeout need not be looked at while the wait is short: as WFE, WFI. */
void trans_a64_wfxt(ArmTr *s, const a64_wfxt *a)
{
    wait_helper(s, HELPER_yield);
}

void trans_a64_sev(ArmTr *s, const a64_sev *a)
{
    tr_call_void(s, HELPER_sev, tr_const(s, a->arg), IR_NONE, IR_NONE);
}

/* ---- barriers ---- */

void trans_a64_clrex(ArmTr *s, const a64_clrex *a)
{
    tr_stenv(s, W8, ENV(s.excl_valid), tr_const(s, 0));
}

/* The host orders all but a load behind a store: barriers for loads or stores alone need nothing (CRm 1:0 = 1, 2). */
static bool needs_fence(unsigned crm)
{
    return (crm & 3) == 3 || (crm & 3) == 0;
}

static void fence(ArmTr *s)
{
    ir_emit(s->b, OP_fence, W64, IR_NONE, IR_NONE, IR_NONE);
}

void trans_a64_dmb(ArmTr *s, const a64_dmb *a)
{
    if (needs_fence(a->CRm)) {
        fence(s);
    }
}

/* DSB of all accesses also waits for TLB invalidations; the speculation barriers (CRm 0, 4) are DSBs of nothing. */
void trans_a64_dsb(ArmTr *s, const a64_dsb *a)
{
    if ((a->CRm & 3) != 3) {
        if (needs_fence(a->CRm)) {
            fence(s);
        }
        return;
    }
    fence(s);
    wait_helper(s, HELPER_dsb);
}

void trans_a64_dsb_nxs(ArmTr *s, const a64_dsb_nxs *a)
{
    fence(s);
    wait_helper(s, HELPER_dsb);
}

void trans_a64_isb(ArmTr *s, const a64_isb *a)
{
    wait_helper(s, HELPER_isb);
}

/* Nothing is executed speculatively here. */
void trans_a64_sb(ArmTr *s, const a64_sb *a)
{
}

/* ---- flags as a value ---- */

IrVal a64_flags_value(ArmTr *s)
{
    IrVal f = tr_temp(s), t = tr_temp(s), c = tr_temp(s);
    ir_emit(s->b, OP_getf, W64, f, IR_NONE, IR_NONE);
    ir_alui(s->b, OP_shl, W32, t, f, 24, 0);
    ir_alui(s->b, OP_and, W32, t, t, (int32_t)(PSTATE_N | PSTATE_Z), 0);
    ir_alui(s->b, OP_xor, W32, c, f, 1, 0);
    ir_alui(s->b, OP_and, W32, c, c, 1, 0);
    ir_alui(s->b, OP_shl, W32, c, c, 29, 0);
    ir_alu(s->b, OP_or, W32, t, t, c, 0);
    ir_alui(s->b, OP_shl, W32, f, f, 17, 0);
    ir_alui(s->b, OP_and, W32, f, f, PSTATE_V, 0);
    ir_alu(s->b, OP_or, W32, t, t, f, 0);
    return t;
}

void a64_flags_from(ArmTr *s, IrVal nzcv)
{
    IrVal f = tr_temp(s), t = tr_temp(s);
    ir_alui(s->b, OP_shr, W32, f, nzcv, 24, 0);
    ir_alui(s->b, OP_and, W32, f, f, 0xc0, 0);
    ir_alui(s->b, OP_shr, W32, t, nzcv, 17, 0);
    ir_alui(s->b, OP_and, W32, t, t, 0x800, 0);
    ir_alu(s->b, OP_or, W32, f, f, t, 0);
    ir_alui(s->b, OP_shr, W32, t, nzcv, 29, 0);
    ir_alui(s->b, OP_and, W32, t, t, 1, 0);
    ir_alui(s->b, OP_xor, W32, t, t, 1, 0);
    ir_alu(s->b, OP_or, W32, f, f, t, 0);
    ir_emit(s->b, OP_setf, W64, IR_NONE, f, IR_NONE)->fw = FL_ALL;
}

void trans_a64_cfinv(ArmTr *s, const a64_cfinv *a)
{
    ir_emit(s->b, OP_cmc, W64, IR_NONE, IR_NONE, IR_NONE)->fw = FL_C;
}

static void flags_by_helper(ArmTr *s, int helper, IrVal a, IrVal b, IrVal c)
{
    a64_flags_from(s, tr_call(s, helper, a, b, c));
}

void trans_a64_xaflag(ArmTr *s, const a64_xaflag *a)
{
    flags_by_helper(s, HELPER_xaflag, a64_flags_value(s), IR_NONE, IR_NONE);
}

void trans_a64_axflag(ArmTr *s, const a64_axflag *a)
{
    flags_by_helper(s, HELPER_axflag, a64_flags_value(s), IR_NONE, IR_NONE);
}

void trans_a64_rmif(ArmTr *s, const a64_rmif *a)
{
    flags_by_helper(s, HELPER_rmif, a64_flags_value(s), tr_x(s, a->Rn), tr_const(s, a->imm6 << 4 | a->mask));
}

void trans_a64_setf(ArmTr *s, const a64_setf *a)
{
    flags_by_helper(s, HELPER_setf, a64_flags_value(s), tr_x(s, a->Rn), tr_const(s, a->sz ? 16 : 8));
}

/* ---- PSTATE ---- */

/* Level and feature of an MSR (immediate) by op1:op2; -1: not allocated. */
static int pstate_min_el(const ArmTr *s, unsigned op)
{
    switch (op) {
    case 0x03:
        return arm_has(s->config, ARM_FEAT_UAO) ? 1 : -1;
    case 0x04:
        return arm_has(s->config, ARM_FEAT_PAN) ? 1 : -1;
    case 0x05:
        return 1;
    case 0x19:
        return arm_has(s->config, ARM_FEAT_SSBS) ? 0 : -1;
    case 0x1a:
        return arm_has(s->config, ARM_FEAT_DIT) ? 0 : -1;
    case 0x1c:
        return arm_has(s->config, ARM_FEAT_MTE) ? 0 : -1;
    case 0x1e:
    case 0x1f:
        return 0;
    default:
        return -1;
    }
}

void trans_a64_msr_imm(ArmTr *s, const a64_msr_imm *a)
{
    unsigned op = a->op1 << 3 | a->op2;
    int min = pstate_min_el(s, op), el = arm_mode_el(s->mode);
    if (min < 0 || el < min) {
        tr_undef(s);
        return;
    }
    if (op == 0x1e && el > 0 && !(a->CRm & 8) && !s->to_loop) { /* DAIFSet of what only masks */
        IrVal p = tr_ldenv(s, W32, ENV(s.pstate));
        ir_alui(s->b, OP_or, W32, p, p, (int64_t)a->CRm << 6, 0);
        tr_stenv(s, W32, ENV(s.pstate), p);
        return;
    }
    tr_call_void(s, HELPER_msr_pstate, tr_const(s, op), tr_const(s, a->CRm), IR_NONE);
    tr_end_next(s);
}

/* ---- system registers ---- */

static uint64_t nzcv_key(void)
{
    return A64_SYSREG(3, 3, 4, 2, 0);
}

/* RNDR, RNDRRS: NZCV is 0, or Z with the value 0 when there are no random bits now (D24.2.146). */
static void random_number(ArmTr *s, unsigned rt)
{
    IrVal none = tr_call(s, HELPER_random, IR_NONE, IR_NONE, IR_NONE), flags = tr_temp(s);
    IrVal v = tr_ldenv(s, W64, ENV(scratch[0]));
    ir_alui(s->b, OP_shl, W32, flags, none, 30, 0);
    a64_flags_from(s, flags);
    ir_mov(s->b, W64, tr_xd(s, rt), v);
}

/* Those that a translation knows or that live in the IR; false: not one of them. */
static bool special_register(ArmTr *s, uint32_t key, bool read, unsigned rt)
{
    if (key == nzcv_key() && read) {
        ir_mov(s->b, W64, tr_xd(s, rt), a64_flags_value(s));
        return true;
    }
    if (key == nzcv_key()) {
        a64_flags_from(s, tr_x(s, rt));
        return true;
    }
    if ((key == A64_SYSREG(3, 3, 2, 4, 0) || key == A64_SYSREG(3, 3, 2, 4, 1)) && read &&
        arm_has(s->config, ARM_FEAT_RNG)) {
        random_number(s, rt);
        return true;
    }
    if (key == A64_SYSREG(3, 0, 4, 2, 2) && read && arm_mode_el(s->mode) && !(s->mode & MODE_NV)) { /* CurrentEL */
        ir_movi(s->b, W64, tr_xd(s, rt), arm_mode_el(s->mode) << 2);
        return true;
    }
    if (key == A64_SYSREG(3, 0, 4, 1, 0) && arm_mode_el(s->mode) && (s->mode & MODE_SPSEL)) { /* SP_EL0 */
        if (read) {
            ir_mov(s->b, W64, tr_xd(s, rt), tr_ldenv(s, W64, ENV(s.sp_el)));
        } else {
            tr_stenv(s, W64, ENV(s.sp_el), tr_x(s, rt));
        }
        return true;
    }
    return false;
}

static void read_register(ArmTr *s, const ArmSysReg *r, uint32_t key, unsigned rt)
{
    bool direct = r && (r->flags & SR_INLINE_R) && arm_mode_el(s->mode) >= r->min_el_r &&
                  !(s->mode & (MODE_FGT | MODE_NV));
    if (direct) {
        ir_mov(s->b, W64, tr_xd(s, rt), tr_ldenv(s, W64, r->offset));
        return;
    }
    ir_mov(s->b, W64, tr_xd(s, rt), tr_call(s, HELPER_sysreg_read, tr_const(s, key), IR_NONE, tr_const(s, rt)));
    if (!r || (r->flags & SR_IO)) {
        tr_end_next(s);
    }
}

static void write_register(ArmTr *s, const ArmSysReg *r, uint32_t key, unsigned rt)
{
    bool direct = r && (r->flags & SR_INLINE_W) && arm_mode_el(s->mode) >= r->min_el_w &&
                  !(s->mode & (MODE_FGT | MODE_NV));
    if (direct) {
        tr_stenv(s, W64, r->offset, tr_x(s, rt));
        return;
    }
    tr_call_void(s, HELPER_sysreg_write, tr_const(s, key), tr_x(s, rt), tr_const(s, rt));
    if (!r || (r->flags & (SR_END | SR_IO))) {
        tr_end_next(s);
    }
}

void trans_a64_msr_mrs(ArmTr *s, const a64_msr_mrs *a)
{
    uint32_t key = A64_SYSREG(2 + a->o0, a->op1, a->CRn, a->CRm, a->op2);
    if (special_register(s, key, a->L, a->Rt)) {
        return;
    }
    uint32_t meant = arm_sysreg_redirect(s->mode, key);
    const ArmSysReg *r = meant ? arm_sysreg_find(s->config, meant) : NULL;
    (a->L ? read_register : write_register)(s, r, key, a->Rt);
}

/* Cache maintenance (CRn 7) without an effect here: the host's caches are coherent, code is watched. */
static bool cache_nop(const ArmTr *s, const a64_sys *a)
{
    bool el0 = arm_mode_el(s->mode) == 0;
    if (a->L || a->CRn != 7 || (s->mode & MODE_FGT)) {
        return false;
    }
    if (a->op1 == 3 && a->op2 == 1) { /* IC IVAU, DC CVAC, CVAU, CIVAC, CVAP, CVADP */
        bool point = (a->CRm == 12 && !arm_has(s->config, ARM_FEAT_DPB)) ||
                     (a->CRm == 13 && !arm_has(s->config, ARM_FEAT_DPB2));
        bool there = a->CRm == 5 || (a->CRm >= 10 && a->CRm <= 14);
        return there && !point && (!el0 || (s->mode & MODE_UCI));
    }
    if (a->op1 == 0 && !el0) { /* IC IALLUIS, IALLU; DC IVAC, ISW, CSW, CISW */
        return (a->op2 == 0 && (a->CRm == 1 || a->CRm == 5)) || (a->op2 == 1 && a->CRm == 6) ||
               (a->op2 == 2 && (a->CRm == 6 || a->CRm == 10 || a->CRm == 14));
    }
    return false;
}

void trans_a64_sys(ArmTr *s, const a64_sys *a)
{
    uint32_t key = A64_SYSREG(1, a->op1, a->CRn, a->CRm, a->op2);
    if (cache_nop(s, a)) {
        return;
    }
    if (!a->L && key == A64_SYSREG(1, 3, 7, 4, 1) && (s->mode & MODE_DZE)) {
        tr_call_void(s, HELPER_dc_zva, tr_x(s, a->Rt), IR_NONE, IR_NONE);
        return;
    }
    IrVal v = tr_call(s, HELPER_sys_insn, tr_const(s, key), a->L ? IR_NONE : tr_x(s, a->Rt), tr_const(s, a->Rt | a->L << 8));
    if (a->L) {
        ir_mov(s->b, W64, tr_xd(s, a->Rt), v);
    }
}
