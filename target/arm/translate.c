/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation of Arm blocks to IR: fetch, decode, exceptions, and the ways a block ends. The instructions are in
 * translate_a64_*.c (A64) and translate_a32*.c (A32, T32).
 *
 * Branch targets may carry a tag (TBI): a block there does nothing but jump to the address without it, so that indirect
 * branches need no instruction for it.
 */
#include "target/arm/translate.h"
#include "base/bits.h"
#include "target/arm/system.h"
#include "target/arm/translate_a32.h"

/* ---- ends and exceptions ---- */

static void leave(ArmTr *s)
{
    ir_emit(s->b, OP_exit, W64, IR_NONE, IR_NONE, IR_NONE);
    s->ended = true;
}

void tr_undef(ArmTr *s)
{
    tr_call_void(s, HELPER_undef, IR_NONE, IR_NONE, IR_NONE);
    leave(s);
}

void tr_exception_el(ArmTr *s, uint32_t syndrome, int target_el, uint64_t return_pc)
{
    tr_call_void(s, HELPER_exception, tr_const(s, syndrome), tr_const(s, target_el), tr_const(s, (int64_t)return_pc));
    leave(s);
}

void tr_exception(ArmTr *s, uint32_t syndrome)
{
    tr_exception_el(s, syndrome, 0, s->pc);
}

bool tr_fp_access(ArmTr *s)
{
    int el = (int)(s->mode >> MODE_FP_EL_SHIFT) & 3;
    if (el == 0) {
        return true;
    }
    tr_exception_el(s, arm_syndrome(EC_FP, 1u << 24 | 0xeu << 20), el, s->pc);
    return false;
}

/*
 * Leave to the loop with pc = v. Software step: the instruction is complete, PSTATE.SS goes (D2.11). An instruction
 * that had to be done by exact FP helpers was done.
 */
static void end_at(ArmTr *s, IrVal v)
{
    if (s->mode & MODE_SS) {
        IrVal p = tr_ldenv(s, W32, ENV(s.pstate));
        ir_alui(s->b, OP_and, W32, p, p, (int32_t)~PSTATE_SS, 0);
        tr_stenv(s, W32, ENV(s.pstate), p);
    }
    if (s->mode & MODE_FPX_ONCE) {
        IrVal mode = tr_ldenv(s, W64, ENV(mode)); /* not what it was: ITSTATE is in it */
        ir_alu(s->b, OP_and, W64, mode, mode, tr_const(s, (int64_t)~MODE_FPX_ONCE), 0);
        tr_stenv(s, W64, ENV(mode), mode);
    }
    tr_stenv(s, W64, ENV(s.pc), v);
    leave(s);
}

void tr_end_at(ArmTr *s, IrVal pc)
{
    end_at(s, pc);
}

/* Must this end go through the loop? */
static bool by_loop(ArmTr *s)
{
    bool it = (s->mode & MODE_A32) && aa32_before_end(s);
    return s->to_loop || it;
}

void tr_end_jmp(ArmTr *s, uint64_t target)
{
    if (by_loop(s)) {
        end_at(s, tr_const(s, (int64_t)target));
        return;
    }
    ir_emit(s->b, OP_jmp, W64, IR_NONE, IR_NONE, IR_NONE)->imm = (int64_t)target;
    s->ended = true;
}

void tr_end_jcc(ArmTr *s, IrCond cc, uint64_t target)
{
    if (by_loop(s)) {
        int l = ir_label_new(s->b);
        ir_branch(s->b, OP_brcc, W64, IR_NONE, l)->cc = (uint8_t)(cc ^ 1);
        tr_end_jmp(s, target);
        ir_label(s->b, l);
    } else {
        IrOp *o = ir_emit(s->b, OP_jcc, W64, IR_NONE, IR_NONE, IR_NONE);
        o->cc = (uint8_t)cc;
        o->imm = (int64_t)target;
    }
    tr_end_jmp(s, s->next);
}

void tr_end_ind(ArmTr *s, IrVal target, int kind)
{
    if (by_loop(s)) {
        end_at(s, target);
        return;
    }
    ir_emit(s->b, OP_jmpind, W64, IR_NONE, target, IR_NONE)->aux = (uint8_t)kind;
    s->ended = true;
}

void tr_end_loop(ArmTr *s)
{
    leave(s);
}

void tr_end_by_mode(ArmTr *s, IrVal pc)
{
    end_at(s, pc);
    s->b->ops[s->b->n_ops - 1].aux = !s->to_loop;
}

void tr_end_next(ArmTr *s)
{
    by_loop(s);
    if ((s->mode & MODE_A32) && s->it) { /* a helper made the mode word with this instruction's ITSTATE */
        tr_call_void(s, HELPER_a32_mode_word, IR_NONE, IR_NONE, IR_NONE);
    }
    end_at(s, tr_const(s, (int64_t)s->next));
}

/* ---- blocks ---- */

/* An instruction address without the tag that TBI lets it have (AArch64.BranchAddr). */
static uint64_t branch_address(const ArmTr *s, uint64_t pc)
{
    unsigned top = pc >> 55 & 1;
    if ((s->mode & MODE_A32) || !(s->mode >> (MODE_TBID_SHIFT + top) & 1)) {
        return pc;
    }
    return top ? pc | 0xffull << 56 : pc & ~(0xffull << 56);
}

/* n code bytes at pc; false: the block must end before this instruction. */
static bool code_bytes(ArmTr *s, uint64_t pc, uint8_t *buf, unsigned n)
{
    uint64_t off = pc - s->t->page_va;
    if (off <= 4096 - n && s->t->page[0] != NULL) {
        memcpy(buf, s->t->page[0] + off, n);
        return true;
    }
    return tcg_code_bytes(s->t, pc, buf, n);
}

static unsigned halfword(const uint8_t *p)
{
    return (unsigned)p[0] | (unsigned)p[1] << 8;
}

/* T32: a first halfword of 0b111xx with xx != 0 has a second one (F3.1). */
static bool fetch_t32(ArmTr *s, uint64_t pc, bool first, bool *wide)
{
    uint8_t buf[4];
    if (!code_bytes(s, pc, buf, 2)) {
        return false;
    }
    s->insn = halfword(buf);
    *wide = s->insn >= 0xe800;
    if (*wide) {
        bool crosses = (pc & 4095) == 4094;
        if ((crosses && !first) || !code_bytes(s, pc, buf, 4)) {
            return false;
        }
        s->insn = s->insn << 16 | halfword(buf + 2);
    }
    return true;
}

/* The instruction at pc into s->insn. False: the block must end before it. */
static bool fetch(ArmTr *s, uint64_t pc, bool first)
{
    uint8_t buf[4];
    bool wide = true;
    s->pc = pc;
    s->wide = true;
    if ((s->mode & (MODE_A32 | MODE_T32)) == (MODE_A32 | MODE_T32)) {
        if (!(pc & 1) && !fetch_t32(s, pc, first, &wide)) {
            return false;
        }
        s->wide = wide;
    } else if (!(pc & 3)) {
        if (!code_bytes(s, pc, buf, 4)) {
            return false;
        }
        s->insn = halfword(buf) | (uint32_t)halfword(buf + 2) << 16;
    }
    s->next = pc + (wide ? 4 : 2);
    if (s->mode & MODE_A32) {
        s->next = (uint32_t)s->next;
    }
    return true;
}

static void decode(ArmTr *s)
{
    if (s->mode & MODE_A32) {
        aa32_one_insn(s);
    } else {
        arm_a64_decode(s, s->insn);
    }
}

static void one_insn(ArmTr *s)
{
    unsigned misaligned = s->mode & MODE_A32 && s->mode & MODE_T32 ? 1 : 3;
    ir_insn(s->b, s->pc);
    if (s->mode & (MODE_SS | MODE_DEBUG)) {
        tr_call_void(s, HELPER_check_step, tr_const(s, (int64_t)s->pc), IR_NONE, IR_NONE);
    }
    if (s->pc & misaligned) {
        tr_exception(s, arm_syndrome(EC_PC_ALIGN, 0));
    } else if (s->mode & MODE_IL) {
        tr_exception(s, arm_syndrome(EC_ILLEGAL, 0));
    } else {
        decode(s);
    }
}

static void tr_init(ArmTr *s, TcgTranslate *t)
{
    const ArmEnv *env = t->env;
    *s = (ArmTr){.t = t, .b = t->ir, .mode = t->mode, .config = env->config, .skip = -1};
    s->mmu = arm_mode_mmu(t->mode);
    s->to_loop = t->mode & (MODE_SS | MODE_FPX_ONCE);
    s->fpx = t->mode & (MODE_FPX | MODE_FPX_ONCE);
    if ((t->mode & (MODE_A32 | MODE_T32)) == (MODE_A32 | MODE_T32)) {
        s->it = s->it_next = s->it_stored = (uint8_t)(t->mode >> MODE_IT_SHIFT);
    }
}

/* BTypeCompatible: may s->insn follow an indirect branch of this type in a guarded page? */
static bool may_follow(const ArmTr *s, unsigned btype)
{
    uint32_t i = s->insn;
    if ((i & 0xffffff3fu) == 0xd503241fu) { /* BTI: no target, c, j, jc */
        unsigned targets = i >> 6 & 3;
        return targets == 3 || (targets == 1 && btype != 3) || (targets == 2 && btype != 2);
    }
    if ((i & 0xffffffbfu) == 0xd503233fu) { /* PACIASP, PACIBSP */
        return btype != 3 || !(s->mode & MODE_BT);
    }
    return (i & 0xffe0001fu) == 0xd4200000u || (i & 0xffe0001fu) == 0xd4400000u; /* BRK, HLT */
}

/*
 * PSTATE.BTYPE is not 0: a block that checks the instruction, clears it and begins again. BTYPE is only set once code
 * was fetched from a guarded page, so software without them does not pay.
 */
static void branch_target(ArmTr *s, uint64_t pc, unsigned btype)
{
    bool known = !(pc & 3) && fetch(s, pc, true);
    ir_insn(s->b, pc);
    tr_call_void(s, HELPER_bti_enter, tr_const(s, !known || may_follow(s, btype)), IR_NONE, IR_NONE);
    tr_stenv(s, W64, ENV(s.pc), tr_const(s, (int64_t)pc));
    leave(s);
    s->b->ops[s->b->n_ops - 1].aux = 1;
    s->b->guest_bytes = 4;
}

void arm_translate(TcgTranslate *t)
{
    ArmTr state, *s = &state;
    tr_init(s, t);
    uint64_t pc = t->pc, page = pc >> 12;
    int max = t->max_insns > 0 && t->max_insns < 64 ? t->max_insns : 64;
    if (s->to_loop || t->single_step) {
        max = 1;
    }
    if (branch_address(s, pc) != pc) {
        ir_insn(s->b, pc);
        tr_end_jmp(s, branch_address(s, pc));
        s->b->guest_bytes = 4;
        return;
    }
    unsigned btype = t->mode & MODE_A32 ? 0 : (unsigned)(t->mode >> MODE_BTYPE_SHIFT) & 3;
    if (btype) {
        branch_target(s, pc, btype);
        return;
    }
    for (int n = 0; !s->ended; n++) {
        if (n == max || s->last || (n && pc >> 12 != page) || ir_block_full(s->b) || !fetch(s, pc, n == 0)) {
            tr_end_jmp(s, pc);
            break;
        }
        one_insn(s);
        pc = s->next;
    }
    s->b->guest_bytes = (uint32_t)(pc - t->pc);
}
