/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A32 and T32: conditions, IT blocks, branches.
 *
 * ITSTATE is part of CPSR, where exceptions save it, and of the mode word, under which a block that begins inside an IT
 * block is found. While a block runs, CPSR has it before each instruction; the mode word follows when the block
 * is left. So a block that begins and ends outside IT blocks never touches the mode word.
 */
#include "target/arm/system.h"
#include "target/arm/translate_a32.h"

#define CPSR_IT (3u << CPSR_IT_LO_SHIFT | 0x3fu << CPSR_IT_HI_SHIFT)

IrVal aa32_copy(ArmTr *s, unsigned n)
{
    IrVal t = tr_temp(s);
    if (n == 15) {
        ir_movi(s->b, W64, t, aa32_pc(s));
    } else {
        ir_mov(s->b, W32, t, IR_G(n));
    }
    return t;
}

void aa32_set_r(ArmTr *s, unsigned n, IrVal v)
{
    if (n != 15) {
        ir_mov(s->b, W32, IR_G(n), v);
    } else if (aa32_thumb(s)) {
        IrVal t = tr_temp(s);
        ir_alui(s->b, OP_and, W32, t, v, (int32_t)~1u, 0);
        tr_end_ind(s, t, 0);
    } else {
        aa32_bx(s, v, 0);
    }
}

/* ---- ITSTATE ---- */

static void store_it(ArmTr *s, uint8_t it)
{
    IrVal p = tr_ldenv(s, W32, ENV(s.pstate));
    ir_alui(s->b, OP_and, W32, p, p, (int32_t)~CPSR_IT, 0);
    if (it) {
        uint32_t bits = (it & 3u) << CPSR_IT_LO_SHIFT | (uint32_t)(it >> 2) << CPSR_IT_HI_SHIFT;
        ir_alui(s->b, OP_or, W32, p, p, (int32_t)bits, 0);
    }
    tr_stenv(s, W32, ENV(s.pstate), p);
    s->it_stored = it;
}

static uint8_t entry_it(const ArmTr *s)
{
    return aa32_thumb(s) ? (uint8_t)(s->mode >> MODE_IT_SHIFT) : 0;
}

bool aa32_before_end(ArmTr *s)
{
    if (s->it_stored != s->it_next) {
        store_it(s, s->it_next);
    }
    if (s->it_next == entry_it(s)) {
        return false;
    }
    tr_call_void(s, HELPER_a32_mode_word, IR_NONE, IR_NONE, IR_NONE);
    return true;
}

void aa32_before_helper_end(ArmTr *s)
{
    if (s->it_stored != s->it_next) {
        store_it(s, s->it_next);
    }
}

void trans_t16_it(ArmTr *s, const t16_it *a)
{
    if (aa32_in_it(s) || (a->firstcond == 15) || (a->firstcond == 14 && (a->mask & (a->mask - 1)))) {
        tr_undef(s);
        return;
    }
    s->it_next = (uint8_t)(a->firstcond << 4 | a->mask);
}

/* ---- conditions ---- */

unsigned aa32_condition(const ArmTr *s)
{
    if (!aa32_thumb(s)) {
        unsigned c = s->insn >> 28;
        return c == 15 ? 14 : c;
    }
    bool bkpt = !s->wide && s->insn >> 8 == 0xbe; /* unconditional even in an IT block (F5.1.19) */
    return aa32_in_it(s) && !bkpt ? s->it >> 4 : 14;
}

/* B<c> outside IT blocks has the condition as its own operand. */
static bool aa32_plain_branch(const ArmTr *s)
{
    return !aa32_thumb(s) && (s->insn & 0x0f000000) == 0x0a000000 && s->insn >> 28 < 14;
}

static void decode(ArmTr *s)
{
    if (!aa32_thumb(s)) {
        arm_a32_decode(s, s->insn);
    } else if (s->wide) {
        arm_t32_decode(s, s->insn);
    } else {
        arm_t16_decode(s, s->insn);
    }
}

void aa32_one_insn(ArmTr *s)
{
    unsigned cond = aa32_condition(s);
    s->it_next = arm_it_advance(s->it);
    s->skip = -1;
    if (s->it_stored != s->it) {
        store_it(s, s->it);
    }
    if (cond < 14 && !aa32_plain_branch(s)) {
        s->skip = ir_label_new(s->b);
        ir_branch(s->b, OP_brcc, W64, IR_NONE, s->skip)->cc = (uint8_t)(tr_cond(cond) ^ 1);
    }
    uint8_t stored = s->it_stored;
    decode(s);
    if (s->skip >= 0) {
        bool ended = s->ended;
        int skip = s->skip;
        if (!ended && s->it_stored != stored) { /* both ways with the same */
            store_it(s, stored);
        }
        ir_label(s->b, skip);
        s->skip = -1;
        s->it_stored = stored;
        s->ended = false;
        if (ended) {
            tr_end_jmp(s, s->next);
        }
    }
    s->it = s->it_next;
}

/* ---- branches ---- */

void aa32_b(ArmTr *s, uint32_t target)
{
    tr_end_jmp(s, target);
}

/* To the other instruction set. Only fields of env change, so this may follow writes of registers. */
static void change_set(ArmTr *s, IrVal target, bool thumb)
{
    IrVal t = tr_temp(s);
    aa32_before_helper_end(s);
    tr_call_void(s, HELPER_a32_set_thumb, tr_const(s, thumb), IR_NONE, IR_NONE);
    ir_alui(s->b, OP_and, W32, t, target, (int32_t)(thumb ? ~1u : ~3u), 0);
    tr_end_at(s, t);
}

void aa32_bx(ArmTr *s, IrVal target, int kind)
{
    bool thumb = aa32_thumb(s);
    int other = ir_label_new(s->b);
    IrVal bit = tr_temp(s), t = tr_temp(s), keep = tr_temp(s);
    ir_mov(s->b, W32, keep, target);
    ir_alui(s->b, OP_and, W32, bit, keep, 1, 0);
    ir_branch(s->b, thumb ? OP_brz : OP_brnz, W32, bit, other);
    ir_alui(s->b, OP_and, W32, t, keep, (int32_t)(thumb ? ~1u : ~3u), 0);
    uint8_t stored = s->it_stored;
    tr_end_ind(s, t, kind);
    ir_label(s->b, other);
    s->it_stored = stored;
    change_set(s, keep, !thumb);
}

static void link_register(ArmTr *s)
{
    ir_movi(s->b, W64, IR_G(14), (uint32_t)s->next | aa32_thumb(s));
}

void trans_a32_b(ArmTr *s, const a32_b *a)
{
    uint32_t to = aa32_pc(s) + (uint32_t)aa32_signed(a->imm24 << 2, 26);
    if (a->cond < 14) {
        tr_end_jcc(s, tr_cond(a->cond), to);
    } else {
        aa32_b(s, to);
    }
}

void trans_a32_bl(ArmTr *s, const a32_bl *a)
{
    link_register(s);
    aa32_b(s, aa32_pc(s) + (uint32_t)aa32_signed(a->imm24 << 2, 26));
}

void trans_a32_blx_imm(ArmTr *s, const a32_blx_imm *a)
{
    uint32_t to = aa32_pc(s) + (uint32_t)aa32_signed(a->imm24 << 2 | a->H << 1, 26);
    link_register(s);
    change_set(s, tr_const(s, to), true);
}

void trans_a32_bx(ArmTr *s, const a32_bx *a)
{
    aa32_bx(s, aa32_r(s, a->Rm), a->Rm == 14 ? 2 : 0);
}

void trans_a32_blx_reg(ArmTr *s, const a32_blx_reg *a)
{
    IrVal to = aa32_copy(s, a->Rm);
    link_register(s);
    aa32_bx(s, to, 1);
}

/* ---- T16 ---- */

void trans_t16_b_cond(ArmTr *s, const t16_b_cond *a)
{
    if (aa32_in_it(s)) {
        tr_undef(s);
        return;
    }
    tr_end_jcc(s, tr_cond(a->c), aa32_pc(s) + (uint32_t)aa32_signed(a->imm8 << 1, 9));
}

void trans_t16_b(ArmTr *s, const t16_b *a)
{
    aa32_b(s, aa32_pc(s) + (uint32_t)aa32_signed(a->imm11 << 1, 12));
}

void trans_t16_bx(ArmTr *s, const t16_bx *a)
{
    aa32_bx(s, aa32_r(s, a->Rm), a->Rm == 14 ? 2 : 0);
}

void trans_t16_blx(ArmTr *s, const t16_blx *a)
{
    IrVal to = aa32_copy(s, a->Rm);
    link_register(s);
    aa32_bx(s, to, 1);
}

void trans_t16_cbz(ArmTr *s, const t16_cbz *a)
{
    int l = ir_label_new(s->b);
    if (aa32_in_it(s)) {
        tr_undef(s);
        return;
    }
    ir_branch(s->b, a->op ? OP_brz : OP_brnz, W32, IR_G(a->Rn), l);
    tr_end_jmp(s, aa32_pc(s) + (a->imm << 1));
    ir_label(s->b, l);
    tr_end_jmp(s, s->next);
}

/* ---- T32 ---- */

void trans_t32_b_cond(ArmTr *s, const t32_b_cond *a)
{
    uint32_t imm = a->S << 20 | a->J2 << 19 | a->J1 << 18 | a->imm6 << 12 | a->imm11 << 1;
    if (aa32_in_it(s)) {
        tr_undef(s);
        return;
    }
    tr_end_jcc(s, tr_cond(a->c), aa32_pc(s) + (uint32_t)aa32_signed(imm, 21));
}

/* I1, I2: the J bits are inverted against the sign. */
static int32_t wide_offset(unsigned sign, unsigned j1, unsigned j2, unsigned imm10, unsigned imm11)
{
    uint32_t i1 = !(j1 ^ sign), i2 = !(j2 ^ sign);
    return aa32_signed(sign << 24 | i1 << 23 | i2 << 22 | imm10 << 12 | imm11 << 1, 25);
}

void trans_t32_b(ArmTr *s, const t32_b *a)
{
    aa32_b(s, aa32_pc(s) + (uint32_t)wide_offset(a->S, a->J1, a->J2, a->imm10, a->imm11));
}

void trans_t32_bl(ArmTr *s, const t32_bl *a)
{
    link_register(s);
    aa32_b(s, aa32_pc(s) + (uint32_t)wide_offset(a->S, a->J1, a->J2, a->imm10, a->imm11));
}

void trans_t32_blx(ArmTr *s, const t32_blx *a)
{
    uint32_t to = (aa32_pc(s) & ~3u) + (uint32_t)wide_offset(a->S, a->J1, a->J2, a->imm10, a->imm11);
    if (to & 2) { /* bit H: UNDEFINED */
        tr_undef(s);
        return;
    }
    link_register(s);
    change_set(s, tr_const(s, to), false);
}

/* TBB, TBH: the offset comes from a table. */
void trans_t32_tbb(ArmTr *s, const t32_tbb *a)
{
    IrVal addr = tr_temp(s), off = tr_temp(s);
    ir_lea(s->b, W32, addr, aa32_r(s, a->Rn), IR_G(a->Rm), (int)a->H, 0);
    addr = tr_address(s, addr, 1u << a->H, false, ALIGN_ANY, true);
    IrVal v = tr_load(s, a->H ? W16 : W8, addr, s->mmu);
    ir_lea(s->b, W32, off, tr_const(s, aa32_pc(s)), v, 1, 0);
    tr_end_ind(s, off, 0);
}
