/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation of x86 blocks to IR: fetch, decode, gates (features, privilege,
 * modes), and the ways a block ends. The instructions are in translate_int.c,
 * _flow.c, _sys.c, _string.c and _host.c.
 *
 * pc values are what the instruction pointer holds; outside 64-bit mode code is
 * fetched at pc + CS base (bits 63:32 of the mode word).
 * A branch to a non-canonical address faults when its target is fetched, not at
 * the branch as SDM has it: the #GP is the same but for the saved RIP.
 */
#include "target/i386/translate.h"

static X86TransFn *const trans_fn[X86T__COUNT] = {
#define T(name) [X86T_##name] = trans_##name,
    X86_TRANS_LIST(T)
#undef T
};

bool tr_has(const X86Tr *s, int feature)
{
    return s->config == NULL || x86_has(s->config, (X86Feature)feature);
}

/* ---- ends ---- */

static void leave(X86Tr *s)
{
    ir_emit(s->b, OP_exit, W64, IR_NONE, IR_NONE, IR_NONE);
    s->ended = true;
}

static void raise_exception(X86Tr *s, int vector, bool has_error)
{
    tr_call_void(s, HELPER_raise, tr_const(s, vector), tr_const(s, 0), tr_const(s, has_error));
    leave(s);
}

void tr_raise(X86Tr *s, int vector)
{
    raise_exception(s, vector, false);
}

void tr_gp(X86Tr *s)
{
    raise_exception(s, 13, true);
}

/* Leave to the loop with rip = v, after the debug traps that are due. */
static void end_at(X86Tr *s, IrVal v)
{
    if (s->mode & (MODE_TF | MODE_DEBUG)) {
        ir_insn(s->b, s->i.pc); /* the instruction is complete: what follows may fault again */
        tr_call_void(s, HELPER_check_traps, v, tr_const(s, s->mode & MODE_TF), IR_NONE);
    }
    tr_stenv(s, W64, ENV(s.rip), v);
    leave(s);
}

uint64_t tr_target(const X86Tr *s, int64_t offset)
{
    uint64_t to = s->next + (uint64_t)offset;
    return s->bits == 64 ? to : s->i.osz == W16 ? (uint16_t)to : (uint32_t)to;
}

/* Targets beyond the CS limit fault at the branch. */
static void check_target(X86Tr *s, IrVal target)
{
    if (s->bits != 64 && !(s->mode & MODE_FLATCODE)) {
        tr_call_void(s, HELPER_code_check, target, IR_NONE, IR_NONE);
    }
}

void x86_tr_end_jmp(X86Tr *s, uint64_t target)
{
    if (s->to_loop) {
        end_at(s, tr_const(s, (int64_t)target));
        return;
    }
    ir_emit(s->b, OP_jmp, W64, IR_NONE, IR_NONE, IR_NONE)->imm = (int64_t)target;
    s->ended = true;
}

void tr_other_way(X86Tr *s, int label)
{
    ir_label(s->b, label);
    if (s->mode & (MODE_TF | MODE_DEBUG)) { /* the way that ended has begun anew for its trap */
        ir_insn(s->b, s->i.pc);
    }
}

void x86_tr_end_jcc(X86Tr *s, IrCond cc, uint64_t target)
{
    if (s->to_loop || (s->bits != 64 && !(s->mode & MODE_FLATCODE))) {
        int l = ir_label_new(s->b);
        ir_branch(s->b, OP_brcc, W64, IR_NONE, l)->cc = (uint8_t)(cc ^ 1);
        check_target(s, tr_const(s, (int64_t)target));
        x86_tr_end_jmp(s, target);
        tr_other_way(s, l);
    } else {
        IrOp *o = ir_emit(s->b, OP_jcc, W64, IR_NONE, IR_NONE, IR_NONE);
        o->cc = (uint8_t)cc;
        o->imm = (int64_t)target;
    }
    x86_tr_end_jmp(s, s->next);
}

void x86_tr_end_ind(X86Tr *s, IrVal target, int kind)
{
    if (s->to_loop) {
        end_at(s, target);
        return;
    }
    ir_emit(s->b, OP_jmpind, W64, IR_NONE, target, IR_NONE)->aux = (uint8_t)kind;
    s->ended = true;
}

void x86_tr_end_next(X86Tr *s)
{
    end_at(s, tr_const(s, (int64_t)s->next));
}

/* After a helper that set rip: the mode word is up to date too, so the next block can be gone to. */
void tr_end_helper(X86Tr *s)
{
    tr_end_to_loop(s);
    s->b->ops[s->b->n_ops - 1].aux = !s->to_loop;
}

/* The same after one that changed what only the loop looks at (the interrupt shadow). */
void tr_end_to_loop(X86Tr *s)
{
    if (s->mode & (MODE_TF | MODE_DEBUG)) {
        tr_call_void(s, HELPER_trap_later, tr_const(s, s->mode & MODE_TF), IR_NONE, IR_NONE);
    }
    leave(s);
}

/* ---- gates ---- */

/* What CR0 and CR4 say about FP and SIMD instructions (SDM vol 3, tables 2-2 and 14-1). */
static int fp_exception(const X86Tr *s)
{
    uint32_t f = s->i.row->bits;
    uint64_t m = s->mode;
    if (s->i.row->trans == X86T_fwait) {
        return (m & MODE_TS) && (m & MODE_MP) ? 7 : 0;
    }
    if (f & ROW_AVX) {
        return !(m & MODE_AVX) ? 6 : m & MODE_TS ? 7 : 0;
    }
    if (f & ROW_SSE) {
        return (m & MODE_EM) || !(m & MODE_OSFXSR) ? 6 : m & MODE_TS ? 7 : 0;
    }
    if (f & ROW_MMX) {
        return m & MODE_EM ? 6 : m & MODE_TS ? 7 : 0;
    }
    if (f & (ROW_X87 | ROW_X87NW)) {
        return m & (MODE_EM | MODE_TS) ? 7 : 0;
    }
    return 0;
}

static bool gated(X86Tr *s)
{
    const X86Row *r = s->i.row;
    int vector = 0;
    if (r->trans == X86T_none || (r->feature && !tr_has(s, r->feature - 1)) ||
        ((r->bits & (ROW_PE | ROW_VEX)) && !tr_protected(s))) {
        vector = 6;
    } else {
        vector = fp_exception(s);
    }
    if (vector) {
        tr_raise(s, vector);
        return true;
    }
    if ((r->bits & ROW_CPL0) && tr_cpl(s) != 0) {
        tr_gp(s);
        return true;
    }
    return false;
}

/* ---- blocks ---- */

static uint64_t linear_pc(const X86Tr *s, uint64_t pc)
{
    return s->bits == 64 ? pc : (uint32_t)(pc + (s->mode >> MODE_CSBASE_SHIFT));
}

/*
 * Decode the instruction at pc. Bytes of the block's first page are read in
 * place; an instruction that runs over it is fetched byte by byte as far as it
 * really reaches, so that the second page faults only when needed.
 * Returns false when the block must end before this instruction.
 */
static bool fetch(X86Tr *s, uint64_t pc, bool first, X86Decode *result)
{
    uint64_t va = linear_pc(s, pc);
    unsigned off = (unsigned)(va - s->t->page_va), avail = 4096 - (unsigned)(va & 4095);
    uint8_t buf[16];
    if (va - s->t->page_va < 4096 && s->t->page[0] != NULL) {
        *result = x86_decode(&s->i, s->t->page[0] + off, avail, s->bits);
    } else {
        avail = avail < 15 ? avail : 15;
        if (!tcg_code_bytes(s->t, pc, buf, avail)) {
            return false;
        }
        *result = x86_decode(&s->i, buf, avail, s->bits);
    }
    while (*result == X86_MORE && avail < 15) {
        if (!first || !tcg_code_bytes(s->t, pc, buf, ++avail)) {
            return false;
        }
        *result = x86_decode(&s->i, buf, avail, s->bits);
    }
    s->i.pc = pc;
    return true;
}

static void start_insn(X86Tr *s)
{
    ir_insn(s->b, s->i.pc);
    if (s->mode & MODE_DEBUG) {
        tr_call_void(s, HELPER_check_breakpoint, tr_const(s, (int64_t)linear_pc(s, s->i.pc)), IR_NONE, IR_NONE);
    }
    if (s->mode & MODE_SHADOW) {
        tr_call_void(s, HELPER_end_shadow, IR_NONE, IR_NONE, IR_NONE);
    }
}

/* May it change whether an x87 error is pending? */
static bool touches_x87(const X86Row *r)
{
    return (r->bits & (ROW_X87 | ROW_X87NW | ROW_MMX)) || r->trans == X86T_xrstor;
}

static void one_insn(X86Tr *s, X86Decode d)
{
    start_insn(s);
    if (d != X86_OK) {
        if (d == X86_UD) {
            tr_raise(s, 6);
        } else {
            tr_gp(s);
        }
        return;
    }
    s->next = s->i.pc + s->i.len;
    if (s->bits != 64) {
        s->next = (uint32_t)s->next;
    }
    if (!gated(s)) {
        if (s->mode & MODE_GUEST) {
            tr_svm_intercept(s);
        }
        trans_fn[s->i.row->trans](s);
        if ((s->mode & MODE_FERR) && !s->ended && touches_x87(s->i.row)) {
            ir_insn(s->b, s->i.pc); /* the instruction is complete */
            tr_call_void(s, HELPER_x87_error, IR_NONE, IR_NONE, IR_NONE);
            x86_tr_end_next(s);
        }
    }
}

static void tr_init(X86Tr *s, TcgTranslate *t)
{
    const X86Env *env = t->env;
    *s = (X86Tr){.t = t, .b = t->ir, .mode = t->mode, .config = env->config};
    s->bits = t->mode & MODE_CS64 ? 64 : t->mode & MODE_CS32 ? 32 : 16;
    s->ssz = s->bits == 64 ? W64 : t->mode & MODE_SS32 ? W32 : W16;
    s->mmu = x86_mode_mmu(t->mode);
    s->to_loop = t->mode & (MODE_TF | MODE_SHADOW | MODE_DEBUG);
}

void x86_translate(TcgTranslate *t)
{
    X86Tr state, *s = &state;
    tr_init(s, t);
    uint64_t pc = t->pc, page = linear_pc(s, pc) >> 12;
    int max = t->max_insns > 0 && t->max_insns < 64 ? t->max_insns : 64;
    if (s->to_loop || t->single_step) {
        max = 1;
    }
    for (int n = 0; !s->ended; n++) {
        X86Decode d;
        bool first = n == 0;
        if (n == max || (!first && (linear_pc(s, pc) >> 12) != page) || ir_block_full(s->b) ||
            !fetch(s, pc, first, &d)) {
            if (s->after_sti) {
                tr_stenv(s, W8, ENV(s.int_shadow), tr_const(s, SHADOW_STI));
            }
            x86_tr_end_jmp(s, pc);
            break;
        }
        if (s->after_sti) {
            max = n + 1;
            s->after_sti = false;
        }
        one_insn(s, d);
        pc = d == X86_OK ? s->next : pc + 1;
    }
    s->b->guest_bytes = (uint32_t)(pc - t->pc);
}
