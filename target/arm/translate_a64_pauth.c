/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A64 pointer authentication instructions. Those of the hint space do nothing on processors without the feature.
 */
#include "target/arm/translate_a64.h"

enum { KEY_IA, KEY_IB, KEY_DA, KEY_DB, KEY_GA, KEY_COMBINED = 8 };

static void trap(ArmTr *s)
{
    if (s->mode & MODE_FGT) {
        tr_call_void(s, HELPER_pac_trap, IR_NONE, IR_NONE, IR_NONE);
    }
}

/* Is the key's use enabled (SCTLR_ELx.EnIA ...)? Otherwise the pointer stays as it is. */
static bool enabled(ArmTr *s, unsigned key)
{
    if (!(s->mode >> (MODE_PAUTH_SHIFT + (key & 3)) & 1)) {
        return false;
    }
    trap(s);
    return true;
}

static IrVal sign(ArmTr *s, IrVal ptr, IrVal modifier, unsigned key)
{
    return enabled(s, key) ? tr_call(s, HELPER_pac_add, ptr, modifier, tr_const(s, key)) : ptr;
}

/* A failing authentication raises with FEAT_FPAC (but not of combined instructions): a helper of another kind. */
static IrVal authenticate(ArmTr *s, IrVal ptr, IrVal modifier, unsigned key)
{
    if (!enabled(s, key)) {
        return ptr;
    }
    bool raises = arm_has(s->config, ARM_FEAT_FPAC) && !(key & KEY_COMBINED);
    return tr_call(s, raises ? HELPER_pac_auth_raise : HELPER_pac_auth, ptr, modifier, tr_const(s, key));
}

/* PACIA .. AUTDB by opc: key and which of the two; zero: the modifier is zero. */
static void one(ArmTr *s, unsigned opc, unsigned rd, IrVal modifier)
{
    IrVal p = tr_x(s, rd);
    IrVal v = (opc & 4 ? authenticate : sign)(s, p, modifier, opc & 3);
    if (v != p && rd != 31) {
        ir_mov(s->b, W64, IR_G(rd), v);
    }
}

void trans_a64_pac(ArmTr *s, const a64_pac *a)
{
    one(s, a->opc, a->Rd, tr_xsp(a->Rn));
}

void trans_a64_pacz(ArmTr *s, const a64_pacz *a)
{
    one(s, a->opc, a->Rd, tr_const(s, 0));
}

static void strip(ArmTr *s, unsigned rd, bool data)
{
    ir_mov(s->b, W64, tr_xd(s, rd), tr_call(s, HELPER_pac_strip, tr_x(s, rd), tr_const(s, data), IR_NONE));
}

void trans_a64_xpac(ArmTr *s, const a64_xpac *a)
{
    strip(s, a->Rd, a->D);
}

void trans_a64_xpaclri(ArmTr *s, const a64_xpaclri *a)
{
    if (arm_has(s->config, ARM_FEAT_PAuth)) {
        strip(s, 30, false);
    }
}

/* PACIA1716 and friends: X17 by X16. */
void trans_a64_pac1716(ArmTr *s, const a64_pac1716 *a)
{
    if (arm_has(s->config, ARM_FEAT_PAuth)) {
        one(s, a->A << 2 | a->B, 17, IR_G(16));
    }
}

/* PACIASP, PACIAZ and friends: X30 by SP or zero. */
void trans_a64_pac_lr(ArmTr *s, const a64_pac_lr *a)
{
    if (arm_has(s->config, ARM_FEAT_PAuth)) {
        one(s, a->A << 2 | a->B, 30, a->S ? IR_G(ARM_G_SP) : tr_const(s, 0));
    }
}

void trans_a64_pacga(ArmTr *s, const a64_pacga *a)
{
    trap(s);
    IrVal v = tr_call(s, HELPER_pac_generic, tr_x(s, a->Rn), tr_xsp(a->Rm), IR_NONE);
    ir_mov(s->b, W64, tr_xd(s, a->Rd), v);
}

/* BRAA, BLRAA and their forms with a zero modifier; arg: kind of the branch, bit 4: zero. */
void trans_a64_bra(ArmTr *s, const a64_bra *a)
{
    IrVal modifier = a->arg & 4 ? tr_const(s, 0) : tr_xsp(a->Rm), to = tr_temp(s);
    ir_mov(s->b, W64, to, authenticate(s, tr_x(s, a->Rn), modifier, KEY_COMBINED | a->M));
    a64_indirect_branch(s, to, a->Rn, a->arg & 3);
}

void trans_a64_reta(ArmTr *s, const a64_reta *a)
{
    tr_end_ind(s, authenticate(s, IR_G(30), IR_G(ARM_G_SP), KEY_COMBINED | a->M), 2);
}

void trans_a64_ereta(ArmTr *s, const a64_ereta *a)
{
    unsigned el = (unsigned)arm_mode_el(s->mode);
    if (el == 0) {
        tr_undef(s);
        return;
    }
    IrVal to = tr_ldenv(s, W64, ENV(s.elr) + 8 * (int64_t)el);
    to = authenticate(s, to, IR_G(ARM_G_SP), KEY_COMBINED | a->M);
    tr_call_void(s, HELPER_eret, to, IR_NONE, IR_NONE);
    tr_end_loop(s);
}

/* LDRAA, LDRAB: the pre-indexed form writes the authenticated base back. */
void trans_a64_ldra(ArmTr *s, const a64_ldra *a)
{
    int64_t offset = a64_signed(a->S << 9 | a->imm9, 10) * 8;
    IrVal base = authenticate(s, a64_base(s, a->Rn), tr_const(s, 0), KEY_COMBINED | KEY_DA | a->M), addr = tr_temp(s);
    ir_lea(s->b, W64, addr, base, IR_NONE, 0, offset);
    IrVal at = tr_address(s, addr, 8, false, ALIGN_ANY, a->Rn == 31 && !a->W);
    IrVal v = tr_load(s, W64, at, s->mmu);
    if (a->W) {
        ir_mov(s->b, W64, tr_xsp(a->Rn), addr);
        if (a->Rn == 31) {
            a64_sp_written(s, false);
        }
    }
    ir_mov(s->b, W64, tr_xd(s, a->Rt), v);
}
