/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A32 and T32 loads and stores: single, dual, multiple, exclusive, acquire and release (Arm ARM F2.6 to F2.9).
 * Addresses are 32 bits and wrap.
 */
#include "target/arm/system.h"
#include "target/arm/translate_a32.h"

static bool user_mode(const ArmTr *s)
{
    return aa32_mode(s) == ARM_MODE_USR;
}

/* base + offset or base - offset, in a new temp. */
static IrVal offset_address(ArmTr *s, IrVal base, bool add, IrVal offset, uint32_t imm)
{
    IrVal t = tr_temp(s);
    if (offset == IR_IMM) {
        ir_lea(s->b, W32, t, base, IR_NONE, 0, add ? (int32_t)imm : (int32_t)-imm);
    } else {
        ir_alu(s->b, add ? OP_add : OP_sub, W32, t, base, offset, 0);
    }
    return t;
}

static IrVal plus(ArmTr *s, IrVal addr, int32_t n)
{
    IrVal t = tr_temp(s);
    ir_lea(s->b, W32, t, addr, IR_NONE, 0, n);
    return t;
}

static IrVal load(ArmTr *s, A32Size size, IrVal addr, int mmu)
{
    switch (size) {
    case A32_SB:
        return tr_load_signed(s, W8, W32, addr, mmu);
    case A32_SH:
        return tr_load_signed(s, W16, W32, addr, mmu);
    default:
        return tr_load(s, size == A32_B ? W8 : size == A32_H ? W16 : W32, addr, mmu);
    }
}

/*
 * The second word of a pair: both are accessed before anything changes, and a pair within one doubleword at once, since
 * LPAE wants LDRD and STRD of an aligned one to be atomic.
 */
static void dual(ArmTr *s, const A32Access *m, IrVal addr, int mmu, IrVal v[2])
{
    bool be = s->mode & MODE_BE;
    IrVal pair = tr_temp(s);
    addr = tr_address(s, addr, 4, !m->load, ALIGN_ATOMIC, true);
    if (m->load) {
        pair = tr_load(s, W64, addr, mmu);
        v[be] = tr_temp(s);
        v[!be] = tr_temp(s);
        ir_mov(s->b, W32, v[be], pair);
        ir_alui(s->b, OP_shr, W64, v[!be], pair, 32, 0);
    } else {
        IrVal hi = tr_temp(s);
        ir_mov(s->b, W32, pair, aa32_r(s, be ? m->rt2 : m->rt));
        ir_alui(s->b, OP_shl, W64, hi, aa32_r(s, be ? m->rt : m->rt2), 32, 0);
        ir_alu(s->b, OP_or, W64, pair, pair, hi, 0);
        tr_store(s, W64, addr, pair, mmu);
    }
}

void aa32_ldst(ArmTr *s, const A32Access *m, IrVal offset, uint32_t imm)
{
    int mmu = m->unpriv ? arm_mode_unpriv_mmu(s->mode) : s->mmu;
    IrVal base = m->rn == 15 ? tr_const(s, aa32_pc(s) & ~3u) : IR_G(m->rn);
    IrVal moved = offset_address(s, base, m->add, offset, imm), v[2] = {IR_NONE, IR_NONE};
    IrVal addr = moved;
    if (!m->index) {
        addr = tr_temp(s);
        ir_mov(s->b, W32, addr, base);
    }
    if (m->size == A32_D) {
        dual(s, m, addr, mmu, v);
    } else {
        static const uint8_t bytes[] = {[A32_B] = 1, [A32_H] = 2, [A32_W] = 4, [A32_SB] = 1, [A32_SH] = 2};
        addr = tr_address(s, addr, bytes[m->size], !m->load, ALIGN_ANY, true);
        if (m->load) {
            v[0] = load(s, m->size, addr, mmu);
        } else {
            tr_store(s, m->size == A32_B ? W8 : m->size == A32_H ? W16 : W32, addr, aa32_r(s, m->rt), mmu);
        }
    }
    if (m->writeback) {
        ir_mov(s->b, W32, IR_G(m->rn), moved);
    }
    if (m->load && m->size == A32_D) {
        ir_mov(s->b, W32, IR_G(m->rt2), v[1]);
    }
    if (m->load && m->rt == 15) {
        aa32_bx(s, v[0], m->rn == 13 ? 2 : 0);
    } else if (m->load) {
        ir_mov(s->b, W32, IR_G(m->rt), v[0]);
    }
}

/* ---- A32 ---- */

/* P, U, W: post-indexed with W is unprivileged. False: writeback to the PC, UNPREDICTABLE, taken as UNDEFINED. */
static bool indexing(ArmTr *s, A32Access *m, unsigned p, unsigned u, unsigned w)
{
    m->index = p;
    m->add = u;
    m->writeback = !p || w;
    m->unpriv = !p && w;
    if ((m->writeback && m->rn == 15) || (m->size == A32_D && m->unpriv)) {
        tr_undef(s);
        return false;
    }
    return true;
}

void trans_a32_ldst_imm(ArmTr *s, const a32_ldst_imm *a)
{
    A32Access m = {.size = a->B ? A32_B : A32_W, .load = a->L, .rt = a->Rt, .rn = a->Rn};
    if (indexing(s, &m, a->P, a->U, a->W)) {
        /* R15 as a base is the word's address plus 8, aligned or not: it always is in A32 */
        aa32_ldst(s, &m, IR_IMM, a->imm12);
    }
}

void trans_a32_ldst_reg(ArmTr *s, const a32_ldst_reg *a)
{
    A32Access m = {.size = a->B ? A32_B : A32_W, .load = a->L, .rt = a->Rt, .rn = a->Rn};
    if (indexing(s, &m, a->P, a->U, a->W)) {
        aa32_ldst(s, &m, aa32_shift_imm(s, aa32_r(s, a->Rm), a->type, a->imm5, NULL), 0);
    }
}

static bool extra(ArmTr *s, A32Access *m, unsigned op, unsigned l, unsigned rt)
{
    static const uint8_t loads[4] = {0, A32_H, A32_SB, A32_SH};
    m->load = l || op == 2;
    m->size = (A32Size)(l ? loads[op] : op == 1 ? A32_H : A32_D);
    m->rt = rt;
    m->rt2 = rt + 1;
    if (m->size == A32_D && ((rt & 1) || rt == 14)) {
        tr_undef(s);
        return false;
    }
    return true;
}

void trans_a32_ldst_extra_imm(ArmTr *s, const a32_ldst_extra_imm *a)
{
    A32Access m = {.rn = a->Rn};
    if (extra(s, &m, a->op, a->L, a->Rt) && indexing(s, &m, a->P, a->U, a->W)) {
        aa32_ldst(s, &m, IR_IMM, a->imm8);
    }
}

void trans_a32_ldst_extra_reg(ArmTr *s, const a32_ldst_extra_reg *a)
{
    A32Access m = {.rn = a->Rn};
    if (extra(s, &m, a->op, a->L, a->Rt) && indexing(s, &m, a->P, a->U, a->W)) {
        aa32_ldst(s, &m, aa32_r(s, a->Rm), 0);
    }
}

/* ---- multiple ---- */

/* The address of the lowest register, and what the base becomes. */
static IrVal block_start(ArmTr *s, bool before, bool up, unsigned rn, unsigned n, IrVal *moved)
{
    int32_t bytes = 4 * (int32_t)n;
    *moved = plus(s, IR_G(rn), up ? bytes : -bytes);
    return up ? plus(s, IR_G(rn), before ? 4 : 0) : plus(s, IR_G(rn), -bytes + (before ? 0 : 4));
}

/* LDM and STM of User registers, exception return: of the registers that are banked a helper knows. */
static void user_registers(ArmTr *s, bool load, IrVal addr, uint32_t list)
{
    IrVal word = tr_const(s, list | (uint32_t)s->mmu << 16 | (uint32_t)!!(s->mode & MODE_BE) << 24);
    tr_call_void(s, load ? HELPER_a32_ldm_user : HELPER_a32_stm_user, addr, word, tr_const(s, aa32_pc(s)));
}

static void load_multiple(ArmTr *s, IrVal addr, uint32_t list, int writeback, IrVal moved, bool exception_return)
{
    IrVal v[16];
    int32_t at = 0;
    for (unsigned r = 0; r < 16; r++) {
        if (list >> r & 1) {
            v[r] = tr_load(s, W32, plus(s, addr, at), s->mmu);
            at += 4;
        }
    }
    if (exception_return) { /* a FULL helper changes the mode: the registers of this one come first, through a helper too */
        for (unsigned r = 0; r < 15; r++) {
            if (list >> r & 1) {
                tr_stenv(s, W32, ENV(vtmp) + 4 * (int64_t)r, v[r]);
            }
        }
        IrVal what = tr_const(s, (list & 0x7fff) | (writeback >= 0 ? 1u << 31 | (uint32_t)writeback << 16 : 0));
        tr_call_void(s, HELPER_a32_ldm_return, v[15], what, moved);
        tr_end_loop(s);
        return;
    }
    if (writeback >= 0 && !(list >> writeback & 1)) {
        ir_mov(s->b, W32, IR_G(writeback), moved);
    }
    for (unsigned r = 0; r < 15; r++) {
        if (list >> r & 1) {
            ir_mov(s->b, W32, IR_G(r), v[r]);
        }
    }
    if (list >> 15) {
        aa32_bx(s, v[15], 2);
    }
}

static void store_multiple(ArmTr *s, IrVal addr, uint32_t list)
{
    int32_t at = 0;
    for (unsigned r = 0; r < 16; r++) {
        if (list >> r & 1) {
            tr_store(s, W32, plus(s, addr, at), aa32_r(s, r), s->mmu);
            at += 4;
        }
    }
}

void aa32_ldm(ArmTr *s, bool is_load, bool before, bool up, bool writeback, bool user, unsigned rn, uint32_t list)
{
    IrVal moved, addr;
    if (rn == 15 || list == 0) {
        tr_undef(s);
        return;
    }
    addr = block_start(s, before, up, rn, (unsigned)__builtin_popcount(list), &moved);
    addr = tr_address(s, addr, 4, !is_load, ALIGN_ATOMIC, true);
    if (user && !(is_load && list >> 15)) {
        if (user_mode(s) || aa32_mode(s) == ARM_MODE_SYS || writeback) {
            tr_undef(s); /* UNPREDICTABLE */
            return;
        }
        user_registers(s, is_load, addr, list);
        return;
    }
    if (is_load) {
        load_multiple(s, addr, list, writeback ? (int)rn : -1, moved, user);
        return;
    }
    store_multiple(s, addr, list);
    if (writeback) {
        ir_mov(s->b, W32, IR_G(rn), moved);
    }
}

void trans_a32_ldm(ArmTr *s, const a32_ldm *a)
{
    aa32_ldm(s, a->L, a->P, a->U, a->W, a->S, a->Rn, a->list);
}

void aa32_srs(ArmTr *s, bool before, bool up, bool writeback, unsigned mode)
{
    if (user_mode(s) || aa32_mode(s) == ARM_MODE_SYS || aa32_mode(s) == ARM_MODE_HYP) {
        tr_undef(s);
        return;
    }
    IrVal what = tr_const(s, mode | (uint32_t)writeback << 5 | (uint32_t)before << 6 | (uint32_t)up << 7 | (uint32_t)s->mmu << 8);
    tr_call_void(s, HELPER_a32_srs, what, IR_NONE, IR_NONE);
}

void aa32_rfe(ArmTr *s, bool before, bool up, bool writeback, unsigned rn)
{
    if (user_mode(s) || aa32_mode(s) == ARM_MODE_HYP || rn == 15) {
        tr_undef(s);
        return;
    }
    IrVal moved, addr = block_start(s, before, up, rn, 2, &moved);
    addr = tr_address(s, addr, 4, false, ALIGN_ATOMIC, true);
    IrVal pc = tr_load(s, W32, addr, s->mmu), cpsr = tr_load(s, W32, plus(s, addr, 4), s->mmu);
    IrVal base = tr_const(s, writeback ? 1u << 4 | rn : 0);
    tr_stenv(s, W64, ENV(scratch[0]), moved);
    tr_call_void(s, HELPER_a32_rfe, pc, cpsr, base);
    tr_end_loop(s);
}

void trans_a32_srs(ArmTr *s, const a32_srs *a)
{
    aa32_srs(s, a->P, a->U, a->W, a->mode);
}

void trans_a32_rfe(ArmTr *s, const a32_rfe *a)
{
    aa32_rfe(s, a->P, a->U, a->W, a->Rn);
}

/* ---- exclusive; the monitor compares values, as in A64 ---- */

static IrVal exact_address(ArmTr *s, unsigned rn, uint32_t imm, unsigned size, bool write)
{
    return tr_address(s, plus(s, aa32_r(s, rn), (int32_t)imm), size, write, ALIGN_ATOMIC, true);
}

void aa32_ldrex(ArmTr *s, IrWidth w, unsigned rt, unsigned rt2, unsigned rn, uint32_t imm)
{
    IrVal addr = exact_address(s, rn, imm, 1u << w, false), v = tr_load(s, w, addr, s->mmu);
    bool be = s->mode & MODE_BE;
    tr_stenv(s, W64, ENV(s.excl_addr), addr);
    tr_stenv(s, W64, ENV(s.excl_val[0]), v);
    tr_stenv(s, W8, ENV(s.excl_valid), tr_const(s, 1));
    if (w == W64) {
        ir_mov(s->b, W32, IR_G(be ? rt2 : rt), v);
        ir_alui(s->b, OP_shr, W64, IR_G(be ? rt : rt2), v, 32, 0);
    } else {
        ir_mov(s->b, W32, IR_G(rt), v);
    }
}

static IrVal memory_order(ArmTr *s, IrWidth w, IrVal v)
{
    if (!(s->mode & MODE_BE) || w == W8) {
        return v;
    }
    IrVal t = tr_temp(s);
    ir_emit(s->b, OP_bswap, W64, t, v, IR_NONE);
    ir_alui(s->b, OP_shr, W64, t, t, 64 - (8 << w), 0);
    return t;
}

void aa32_strex(ArmTr *s, IrWidth w, unsigned rd, unsigned rt, unsigned rt2, unsigned rn, uint32_t imm)
{
    IrVal addr = exact_address(s, rn, imm, 1u << w, true), failed = tr_const(s, 1), val = tr_temp(s);
    int l = ir_label_new(s->b);
    bool be = s->mode & MODE_BE;
    ir_mov(s->b, W32, val, aa32_r(s, w == W64 && be ? rt2 : rt));
    if (w == W64) {
        IrVal hi = tr_temp(s);
        ir_alui(s->b, OP_shl, W64, hi, aa32_r(s, be ? rt : rt2), 32, 0);
        ir_alu(s->b, OP_or, W64, val, val, hi, 0);
    }
    IrVal valid = tr_ldenv(s, W8, ENV(s.excl_valid)), t = tr_ldenv(s, W64, ENV(s.excl_addr));
    ir_alui(s->b, OP_xor, W32, valid, valid, 1, 0);
    ir_alu(s->b, OP_xor, W64, t, t, addr, 0);
    ir_alu(s->b, OP_or, W64, t, t, valid, 0);
    ir_branch(s->b, OP_brnz, W64, t, l);
    IrVal expected = memory_order(s, w, tr_ldenv(s, W64, ENV(s.excl_val[0]))), acc = tr_temp(s);
    ir_mov(s->b, W64, acc, expected);
    IrOp *o = ir_emit(s->b, OP_cmpxchgm, w, acc, addr, memory_order(s, w, val));
    o->aux = (uint8_t)s->mmu;
    o->aux2 = 0x80;
    ir_alu(s->b, OP_xor, W64, failed, acc, expected, 0);
    ir_label(s->b, l);
    tr_stenv(s, W8, ENV(s.excl_valid), tr_const(s, 0));
    ir_emit(s->b, OP_movnz, W64, IR_G(rd), tr_const(s, 0), tr_const(s, 1))->c = failed;
}

void aa32_lda(ArmTr *s, IrWidth w, unsigned rt, unsigned rn)
{
    IrVal v = tr_load(s, w, exact_address(s, rn, 0, 1u << w, false), s->mmu);
    ir_mov(s->b, W32, IR_G(rt), v);
}

void aa32_stl(ArmTr *s, IrWidth w, unsigned rt, unsigned rn)
{
    tr_store(s, w, exact_address(s, rn, 0, 1u << w, true), aa32_r(s, rt), s->mmu);
    ir_emit(s->b, OP_fence, W64, IR_NONE, IR_NONE, IR_NONE); /* ordered before a later load-acquire */
}

static const uint8_t a32_widths[4] = {W32, W64, W8, W16}; /* A32's sz */

/* R15 in the place of a data or base register is UNPREDICTABLE: UNDEFINED here. */
static bool no_pc(ArmTr *s, unsigned a, unsigned b, unsigned c)
{
    if (a == 15 || b == 15 || c == 15) {
        tr_undef(s);
        return false;
    }
    return true;
}

void trans_a32_ldrex(ArmTr *s, const a32_ldrex *a)
{
    IrWidth w = (IrWidth)a32_widths[a->sz];
    if (no_pc(s, a->Rt, a->Rn, w == W64 ? a->Rt + 1 : 0)) {
        aa32_ldrex(s, w, a->Rt, a->Rt + 1, a->Rn, 0);
    }
}

void trans_a32_strex(ArmTr *s, const a32_strex *a)
{
    IrWidth w = (IrWidth)a32_widths[a->sz];
    if (no_pc(s, a->Rt, a->Rn, a->Rd) && no_pc(s, w == W64 ? a->Rt + 1 : 0, 0, 0)) {
        aa32_strex(s, w, a->Rd, a->Rt, a->Rt + 1, a->Rn, 0);
    }
}

void trans_a32_lda(ArmTr *s, const a32_lda *a)
{
    if (no_pc(s, a->Rt, a->Rn, 0)) {
        aa32_lda(s, (IrWidth)a32_widths[a->sz], a->Rt, a->Rn);
    }
}

void trans_a32_stl(ArmTr *s, const a32_stl *a)
{
    if (no_pc(s, a->Rt, a->Rn, 0)) {
        aa32_stl(s, (IrWidth)a32_widths[a->sz], a->Rt, a->Rn);
    }
}

/* SWP: gone from processors with multiprocessing extensions unless SCTLR.SW is set; Armv8 has none. */
void trans_a32_swp(ArmTr *s, const a32_swp *a)
{
    IrWidth w = a->B ? W8 : W32;
    if (arm_has(s->config, ARM_FEAT_V8)) {
        tr_undef(s);
        return;
    }
    if (!no_pc(s, a->Rt, a->Rn, a->Rt2)) {
        return;
    }
    IrVal addr = exact_address(s, a->Rn, 0, 1u << w, true), t = tr_const(s, 0);
    ir_emit(s->b, OP_xchgm, w, t, addr, memory_order(s, w, IR_G(a->Rt2)))->aux = (uint8_t)s->mmu;
    ir_mov(s->b, W32, IR_G(a->Rt), memory_order(s, w, t));
}

/* ---- T32 ---- */

void trans_t32_ldm(ArmTr *s, const t32_ldm *a)
{
    aa32_ldm(s, a->L, a->arg, !a->arg, a->W, false, a->Rn, a->list);
}

void trans_t32_srs(ArmTr *s, const t32_srs *a)
{
    aa32_srs(s, a->arg, !a->arg, a->W, a->mode);
}

void trans_t32_rfe(ArmTr *s, const t32_rfe *a)
{
    aa32_rfe(s, a->arg, !a->arg, a->W, a->Rn);
}

void trans_t32_ldrd(ArmTr *s, const t32_ldrd *a)
{
    A32Access m = {.size = A32_D, .load = a->L, .index = true, .add = a->U, .writeback = a->W, .rt = a->Rt, .rt2 = a->Rt2,
                   .rn = a->Rn};
    if (no_pc(s, a->Rt, a->Rt2, a->W ? a->Rn : 0)) {
        aa32_ldst(s, &m, IR_IMM, a->imm8 << 2);
    }
}

void trans_t32_ldrd_post(ArmTr *s, const t32_ldrd_post *a)
{
    A32Access m = {.size = A32_D, .load = a->L, .add = a->U, .writeback = true, .rt = a->Rt, .rt2 = a->Rt2, .rn = a->Rn};
    if (no_pc(s, a->Rt, a->Rt2, a->Rn)) {
        aa32_ldst(s, &m, IR_IMM, a->imm8 << 2);
    }
}

void trans_t32_ldrex(ArmTr *s, const t32_ldrex *a)
{
    if (no_pc(s, a->Rt, a->Rn, 0)) {
        aa32_ldrex(s, W32, a->Rt, 0, a->Rn, a->imm8 << 2);
    }
}

void trans_t32_strex(ArmTr *s, const t32_strex *a)
{
    if (no_pc(s, a->Rt, a->Rn, a->Rd)) {
        aa32_strex(s, W32, a->Rd, a->Rt, 0, a->Rn, a->imm8 << 2);
    }
}

void trans_t32_ldrex_sz(ArmTr *s, const t32_ldrex_sz *a)
{
    if (no_pc(s, a->Rt, a->Rn, a->sz == 3 ? a->Rt2 : 0)) {
        aa32_ldrex(s, (IrWidth)a->sz, a->Rt, a->Rt2, a->Rn, 0);
    }
}

void trans_t32_strex_sz(ArmTr *s, const t32_strex_sz *a)
{
    if (no_pc(s, a->Rt, a->Rn, a->Rd) && no_pc(s, a->sz == 3 ? a->Rt2 : 0, 0, 0)) {
        aa32_strex(s, (IrWidth)a->sz, a->Rd, a->Rt, a->Rt2, a->Rn, 0);
    }
}

void trans_t32_lda(ArmTr *s, const t32_lda *a)
{
    if (no_pc(s, a->Rt, a->Rn, 0)) {
        aa32_lda(s, (IrWidth)a->sz, a->Rt, a->Rn);
    }
}

void trans_t32_stl(ArmTr *s, const t32_stl *a)
{
    if (no_pc(s, a->Rt, a->Rn, 0)) {
        aa32_stl(s, (IrWidth)a->sz, a->Rt, a->Rn);
    }
}

/* sz and sign of T32; bytes and halfwords to R15 are preload hints. False: nothing is to be done. */
static bool t32_size(ArmTr *s, A32Access *m, unsigned sz, unsigned sign, unsigned load, bool hint)
{
    static const uint8_t sizes[2][4] = {{A32_B, A32_H, A32_W, A32_W}, {A32_SB, A32_SH, A32_W, A32_W}};
    m->load = load;
    m->size = (A32Size)sizes[sign][sz];
    if (sz == 3 || (sign && (sz == 2 || !load)) || (!load && m->rn == 15)) {
        tr_undef(s);
        return false;
    }
    if (load && m->rt == 15 && sz < 2) {
        if (!hint) {
            tr_undef(s);
        }
        return false;
    }
    return true;
}

void trans_t32_ldst_imm12(ArmTr *s, const t32_ldst_imm12 *a)
{
    A32Access m = {.index = true, .add = true, .rt = a->Rt, .rn = a->Rn};
    if (t32_size(s, &m, a->sz, a->sign, a->L, true)) {
        aa32_ldst(s, &m, IR_IMM, a->imm12);
    }
}

void trans_t32_ldr_lit(ArmTr *s, const t32_ldr_lit *a)
{
    A32Access m = {.index = true, .add = a->arg, .rt = a->Rt, .rn = 15};
    if (t32_size(s, &m, a->sz, a->sign, true, true)) {
        aa32_ldst(s, &m, IR_IMM, a->imm12);
    }
}

void trans_t32_ldst_imm8(ArmTr *s, const t32_ldst_imm8 *a)
{
    bool unpriv = a->P && a->U && !a->W;
    A32Access m = {.index = a->P, .add = a->U, .writeback = a->W, .unpriv = unpriv, .rt = a->Rt, .rn = a->Rn};
    if (!a->P && !a->W) {
        tr_undef(s);
    } else if (t32_size(s, &m, a->sz, a->sign, a->L, a->P && !a->U && !a->W)) {
        aa32_ldst(s, &m, IR_IMM, a->imm8);
    }
}

void trans_t32_ldst_reg(ArmTr *s, const t32_ldst_reg *a)
{
    A32Access m = {.index = true, .add = true, .rt = a->Rt, .rn = a->Rn};
    if (t32_size(s, &m, a->sz, a->sign, a->L, true)) {
        aa32_ldst(s, &m, aa32_shift_imm(s, aa32_r(s, a->Rm), 0, a->imm2, NULL), 0);
    }
}

/* ---- T16 ---- */

static void t16_ldst(ArmTr *s, A32Size size, bool is_load, unsigned rt, unsigned rn, IrVal offset, uint32_t imm)
{
    A32Access m = {.size = size, .load = is_load, .index = true, .add = true, .rt = rt, .rn = rn};
    aa32_ldst(s, &m, offset, imm);
}

void trans_t16_ldr_lit(ArmTr *s, const t16_ldr_lit *a)
{
    t16_ldst(s, A32_W, true, a->Rt, 15, IR_IMM, a->imm8 << 2);
}

void trans_t16_ldst_reg(ArmTr *s, const t16_ldst_reg *a)
{
    static const uint8_t sizes[8] = {A32_W, A32_H, A32_B, A32_SB, A32_W, A32_H, A32_B, A32_SH};
    t16_ldst(s, (A32Size)sizes[a->op], a->op >= 3, a->Rt, a->Rn, IR_G(a->Rm), 0);
}

void trans_t16_ldst_imm(ArmTr *s, const t16_ldst_imm *a)
{
    t16_ldst(s, a->B ? A32_B : A32_W, a->L, a->Rt, a->Rn, IR_IMM, a->B ? a->imm5 : a->imm5 << 2);
}

void trans_t16_ldst_half(ArmTr *s, const t16_ldst_half *a)
{
    t16_ldst(s, A32_H, a->L, a->Rt, a->Rn, IR_IMM, a->imm5 << 1);
}

void trans_t16_ldst_sp(ArmTr *s, const t16_ldst_sp *a)
{
    t16_ldst(s, A32_W, a->L, a->Rt, 13, IR_IMM, a->imm8 << 2);
}

/* LDM with the base in the list does not write it back. */
void trans_t16_ldm(ArmTr *s, const t16_ldm *a)
{
    aa32_ldm(s, a->L, false, true, !a->L || !(a->list >> a->Rn & 1), false, a->Rn, a->list);
}

void trans_t16_push(ArmTr *s, const t16_push *a)
{
    if (a->L) {
        aa32_ldm(s, true, false, true, true, false, 13, a->list | a->R << 15);
    } else {
        aa32_ldm(s, false, true, false, true, false, 13, a->list | a->R << 14);
    }
}
