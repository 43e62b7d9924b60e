/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IR interpreter: the second engine, and the reference that host emitters
 * are tested against. It also runs single instructions whose fast path does not
 * fit (TCG_EXIT_INTERP). Written for exactness, not for speed.
 *
 * Globals, flags and pc are in env all the time, so that a fault or a helper
 * may leave by longjmp from anywhere: nothing here owns a resource.
 *
 * home: the vCPU's thread.
 */
#include "accel/tcg/ir_eval.h"
#include "accel/tcg/tcg.h"
#include "base/bits.h"
#include <string.h>

typedef struct Frame {
    TcgVcpu *v;
    char *env;
    const TcgTarget *target;
    const IrBlock *block;
    uint64_t *temps;
    uint64_t *cc;
} Frame;

/* ---- operands ---- */

static inline uint64_t *slot(const Frame *f, IrVal v)
{
    if (ir_is_temp(v)) {
        return &f->temps[ir_temp(v)];
    }
    return (uint64_t *)(void *)(f->env + f->target->globals[ir_global(v)].offset);
}

static inline uint64_t get(const Frame *f, const IrOp *op, IrVal v)
{
    if (v >= 2) {
        return *slot(f, v);
    }
    return v == IR_IMM ? (uint64_t)op->imm : 0;
}

static inline void put(const Frame *f, IrVal v, unsigned w, uint64_t val)
{
    if (v >= 2) {
        uint64_t *p = slot(f, v);
        *p = ir_merge(*p, val, w);
    }
}

static inline void put_flags(const Frame *f, uint8_t fw, uint64_t eflags)
{
    uint64_t m = ir_flags_to_eflags(fw);
    *f->cc = (*f->cc & ~m) | (eflags & m);
}

static inline void set_pc(const Frame *f, uint64_t pc)
{
    memcpy(f->env + f->target->pc_offset, &pc, 8);
}

static inline unsigned bytes_of(unsigned w)
{
    return 1u << w;
}

/* ---- environment fields ---- */

static uint64_t env_load(const Frame *f, const IrOp *op)
{
    uint64_t v = 0;
    memcpy(&v, f->env + op->imm, bytes_of(op->w)); /* little endian, as the IR is */
    return GUINT64_FROM_LE(v);
}

static void env_store(const Frame *f, const IrOp *op, uint64_t val)
{
    val = GUINT64_TO_LE(val);
    memcpy(f->env + op->imm, &val, bytes_of(op->w));
}

/* ---- arithmetic ---- */

static void run_alu(const Frame *f, const IrOp *op)
{
    uint64_t fl = *f->cc;
    uint64_t a = get(f, op, op->a), b = get(f, op, op->b);
    bool imm_count = (op->op == OP_shld || op->op == OP_shrd) && op->c == IR_NONE;
    uint64_t c = imm_count ? (uint64_t)op->imm : get(f, op, op->c);
    uint64_t r = ir_eval(op->op, op->w, a, b, c, &fl);
    bool whole = (op->op == OP_bsf || op->op == OP_bsr) && (b & ir_mask(op->w)) == 0;
    put(f, op->dst, whole ? W64 : op->w, r);
    put_flags(f, op->fw, fl);
}

static void run_mul2(const Frame *f, const IrOp *op)
{
    uint64_t fl = *f->cc, hi;
    uint64_t lo = ir_eval_mul2(op->op == OP_muls2, op->w, get(f, op, op->a), get(f, op, op->b),
                               &hi, &fl);
    put(f, op->dst, op->w == W8 ? W16 : op->w, lo);
    if (op->w != W8) {
        put(f, op->c, op->w, hi);
    }
    put_flags(f, op->fw, fl);
}

static void run_div(const Frame *f, const IrOp *op)
{
    uint64_t lo = get(f, op, op->dst), hi = get(f, op, op->c);
    if (!ir_eval_div(op->op == OP_divs, op->w, &lo, &hi, get(f, op, op->b))) {
        f->target->note_divide(f->env);
        tcg_raise(f->env);
    }
    put(f, op->dst, op->w == W8 ? W16 : op->w, lo);
    if (op->w != W8) {
        put(f, op->c, op->w, hi);
    }
}

static uint64_t byte_swap(unsigned w, uint64_t v)
{
    return w == W64 ? GUINT64_SWAP_LE_BE(v) : GUINT32_SWAP_LE_BE((uint32_t)v);
}

static uint64_t lea_address(const Frame *f, const IrOp *op)
{
    return get(f, op, op->a) + (get(f, op, op->b) << op->aux) + (uint64_t)op->imm;
}

/* A store is coming: if it changes the rest of this block, only its own instruction may run. */
static void before_store(const Frame *f, uint64_t va, unsigned size, int mmu)
{
    if (f->v->interp_tb) {
        tcg_check_own_code(f->v, f->v->interp_tb, va, size, mmu);
    }
}

static uint64_t run_load(const Frame *f, const IrOp *op)
{
    return (op->aux2 & IR_ATOMIC ? tcg_load_whole : tcg_load)(f->env, get(f, op, op->a), bytes_of(op->w), op->aux);
}

static void run_store(const Frame *f, const IrOp *op)
{
    uint64_t va = get(f, op, op->a), val = get(f, op, op->b) & ir_mask(op->w);
    before_store(f, va, bytes_of(op->w), op->aux);
    (op->aux2 & IR_ATOMIC ? tcg_store_whole : tcg_store)(f->env, va, val, bytes_of(op->w), op->aux);
}

static void run_pair(const Frame *f, const IrOp *op)
{
    uint64_t va = get(f, op, op->a), x[2];
    if (op->op == OP_ldp) {
        tcg_load_pair(f->env, va, x, op->aux);
        put(f, op->dst, W64, x[0]);
        put(f, op->c, W64, x[1]);
    } else {
        x[0] = get(f, op, op->b);
        x[1] = get(f, op, op->c);
        before_store(f, va, 16, op->aux);
        tcg_store_pair(f->env, va, x, op->aux);
    }
}

/* ---- read-modify-write of guest memory ---- */

/*
 * Locked accesses are compare-and-swap loops. One to a device whose register moves by itself would
 * never succeed; after so many tries it is a plain load and store, as the bus would do it.
 */
#define DEVICE_CAS_TRIES 64

static bool is_plain_ram(const Frame *f, uint64_t va, unsigned size, int mmu)
{
    size_t len = size;
    return tcg_host(f->env, va, &len, MMU_WRITE, mmu) != NULL && len == size;
}

/* What one step of a read-modify-write does with the old value: new value and flags. */
static uint64_t rmw_step(const IrOp *op, uint64_t old, uint64_t operand, uint64_t acc, uint64_t *fl)
{
    switch (op->op) {
    case OP_xchgm:
        return operand;
    case OP_xaddm:
        return ir_eval(OP_add, op->w, old, operand, 0, fl);
    case OP_cmpxchgm:
        return ir_eval(OP_sub, op->w, acc, old, 0, fl) == 0 ? operand : old;
    default:
        return ir_eval(op->sub, op->w, old, operand, 0, fl);
    }
}

static void run_rmw(const Frame *f, const IrOp *op)
{
    int mmu = op->aux;
    uint64_t m = ir_mask(op->w), fl;
    uint64_t va = get(f, op, op->a), operand = get(f, op, op->b), acc = get(f, op, op->dst);
    bool locked = op->op == OP_xchgm || (op->aux2 & 0x80);
    before_store(f, va, bytes_of(op->w), mmu);
    tcg_probe(f->env, va, bytes_of(op->w), MMU_WRITE, mmu); /* faults as a write, and before the load */
    uint64_t old = tcg_load(f->env, va, bytes_of(op->w), mmu), new;
    for (int tries = 0;; tries++) {
        fl = *f->cc;
        new = rmw_step(op, old, operand, acc, &fl) & m;
        if (!locked || (tries >= DEVICE_CAS_TRIES && !is_plain_ram(f, va, bytes_of(op->w), mmu))) {
            tcg_store(f->env, va, new, bytes_of(op->w), mmu);
            break;
        }
        if (tcg_cmpxchg(f->env, va, bytes_of(op->w), &old, &new, mmu)) {
            break;
        }
    }
    bool equal = ((acc ^ old) & m) == 0;
    if (op->op == OP_xchgm || op->op == OP_xaddm || (op->op == OP_cmpxchgm && !equal)) {
        put(f, op->dst, op->w, old);
    }
    put_flags(f, op->fw, fl);
}

/* ---- passed-through host instructions ---- */

/* Only the elements that the mask selects are read, or checked for being written. */
static void masked_fetch(const Frame *f, const IrHostInsn *hi, uint64_t va, int mmu, char *bounce)
{
    memset(bounce, 0, hi->size);
    for (uint32_t m = host_insn_mask(f->v, hi); m; m &= m - 1) {
        unsigned at = hi->mask * (unsigned)__builtin_ctz(m);
        if (hi->mem & 2) {
            before_store(f, va + at, hi->mask, mmu);
            tcg_probe(f->env, va + at, hi->mask, MMU_WRITE, mmu);
        } else {
            uint64_t x = tcg_load(f->env, va + at, hi->mask, mmu);
            memcpy(bounce + at, &x, hi->mask);
        }
    }
}

static void masked_store(const Frame *f, const IrHostInsn *hi, uint64_t va, int mmu,
                         const char *bounce)
{
    for (uint32_t m = host_insn_mask(f->v, hi); m; m &= m - 1) {
        unsigned at = hi->mask * (unsigned)__builtin_ctz(m);
        uint64_t x = 0;
        memcpy(&x, bounce + at, hi->mask);
        tcg_store(f->env, va + at, x, hi->mask, mmu);
    }
}

/* Memory operand into the bounce buffer, checked for everything it may fault on. */
static void hostop_fetch(const Frame *f, const IrOp *op, uint64_t va, char *bounce)
{
    const IrHostInsn *hi = &f->block->host[op->imm];
    int mmu = op->aux;
    if (hi->mask) {
        masked_fetch(f, hi, va, mmu, bounce);
        return;
    }
    if (hi->align > 1 && (va & (hi->align - 1u)) && f->target->note_align) {
        f->target->note_align(f->env, va);
        tcg_raise(f->env);
    }
    if (hi->mem & 2) {
        before_store(f, va, hi->size, mmu);
        tcg_probe(f->env, va, hi->size, MMU_WRITE, mmu);
    }
    if ((hi->mem & 1) && (op->aux2 & IR_ATOMIC)) {
        st_le64(bounce, tcg_load_whole(f->env, va, hi->size, mmu));
    } else if (hi->mem & 1) {
        tcg_read(f->env, va, bounce, hi->size, mmu);
    }
}

static void run_hostop(const Frame *f, const IrOp *op)
{
    const IrHostInsn *hi = &f->block->host[op->imm];
    char bounce[512] __attribute__((aligned(64)));
    uint64_t va = op->a ? get(f, op, op->a) : 0;
    uint64_t dst = op->dst ? get(f, op, op->dst) : 0, rm = op->b ? get(f, op, op->b) : 0;
    uint64_t fl = *f->cc;

    if (hi->mem) {
        hostop_fetch(f, op, va, bounce);
    }
    if (hi->imp & 4) {
        dst = va; /* EAX; EDX is in rm. See host_run_insn() */
    }
    if (f->v->hc == NULL) {
        f->target->note_simd_fp(f->env);
        tcg_raise(f->env);
    }
    HostRun run = host_run_insn(f->v->hc, f->v, hi, &dst, rm, hi->mem ? bounce : NULL, &fl);
    if (run == HOST_RUN_TRAP) {
        tcg_raise(f->env);
    }
    if ((hi->mem & 2) && hi->mask) {
        masked_store(f, hi, va, op->aux, bounce);
    } else if ((hi->mem & 2) && (op->aux2 & IR_ATOMIC) && run != HOST_RUN_NO_STORE) {
        tcg_store_whole(f->env, va, ld_le64(bounce) & ir_mask(hi->size == 8 ? W64 : W32), hi->size, op->aux);
    } else if ((hi->mem & 2) && run != HOST_RUN_NO_STORE) {
        tcg_write(f->env, va, bounce, hi->size, op->aux);
    }
    if (!(hi->mem & 2 && hi->reg_kind == HR_GPR)) { /* which stores dst */
        put(f, op->dst, hi->dst_w, dst);
    }
    put_flags(f, hi->fw, fl);
}

/* ---- control ---- */

/* The op after label number n; labels are forward of their branches. */
static const IrOp *label_after(const IrOp *op, int64_t n)
{
    do {
        op++;
    } while (op->op != OP_label || op->imm != n);
    return op + 1;
}

static uint64_t call_helper(const Frame *f, const IrOp *op)
{
    const TcgHelper *h = &f->target->helpers[op->imm];
    return h->fn(f->env, get(f, op, op->a), get(f, op, op->b), get(f, op, op->c));
}

/* Ops that neither branch nor leave. */
static void run_op(const Frame *f, const IrOp *op)
{
    uint64_t a = 0;
    switch (op->op) {
    case OP_mov:
        put(f, op->dst, op->w, get(f, op, op->a));
        break;
    case OP_zext:
        put(f, op->dst, W64, get(f, op, op->a) & ir_mask(op->w));
        break;
    case OP_sext:
        put(f, op->dst, op->aux, (uint64_t)ir_sign_extend(get(f, op, op->a), op->w));
        break;
    case OP_lea:
        put(f, op->dst, op->w, lea_address(f, op));
        break;
    case OP_bswap:
        put(f, op->dst, op->w, byte_swap(op->w, get(f, op, op->a)));
        break;
    case OP_exth:
        put(f, op->dst, W64, get(f, op, op->a) >> 8 & 0xff);
        break;
    case OP_insh:
        a = get(f, op, op->a) & 0xff;
        put(f, op->dst, W64, (get(f, op, op->dst) & ~0xff00ull) | a << 8);
        break;
    case OP_cmov:
        put(f, op->dst, op->w, get(f, op, ir_cond_holds(op->cc, *f->cc) ? op->b : op->a));
        break;
    case OP_setcc:
        put(f, op->dst, W8, ir_cond_holds(op->cc, *f->cc));
        break;
    case OP_movnz:
        put(f, op->dst, op->w, get(f, op, get(f, op, op->c) ? op->b : op->a));
        break;
    case OP_ldenv:
        put(f, op->dst, W64, env_load(f, op));
        break;
    case OP_stenv:
        env_store(f, op, get(f, op, op->a));
        break;
    case OP_mulu2:
    case OP_muls2:
        run_mul2(f, op);
        break;
    case OP_divu:
    case OP_divs:
        run_div(f, op);
        break;
    case OP_getf:
        put(f, op->dst, W64, *f->cc & CC_EFLAGS_MASK);
        break;
    case OP_setf:
        put_flags(f, op->fw, get(f, op, op->a));
        break;
    case OP_cmc:
        put_flags(f, op->fw, *f->cc ^ 1);
        break;
    case OP_ld:
        put(f, op->dst, W64, run_load(f, op));
        break;
    case OP_ldp:
    case OP_stp:
        run_pair(f, op);
        break;
    case OP_lds:
        put(f, op->dst, ir_lds_to(op), (uint64_t)ir_sign_extend(run_load(f, op), op->w));
        break;
    case OP_st:
        run_store(f, op);
        break;
    case OP_probe:
        tcg_probe(f->env, get(f, op, op->a), (size_t)bytes_of(op->w) << op->aux2, MMU_WRITE,
                  op->aux);
        break;
    case OP_rmw:
    case OP_xchgm:
    case OP_xaddm:
    case OP_cmpxchgm:
        run_rmw(f, op);
        break;
    case OP_fence:
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        break;
    case OP_hostop:
        run_hostop(f, op);
        break;
    case OP_insn:
        set_pc(f, (uint64_t)op->imm);
        f->v->interp_pc = (uint64_t)op->imm;
        break;
    case OP_label:
        break;
    case OP_call:
        put(f, op->dst, op->w, call_helper(f, op));
        break;
    default:
        run_alu(f, op);
        break;
    }
}

static inline bool branch_taken(const Frame *f, const IrOp *op)
{
    switch (op->op) {
    case OP_br:
        return true;
    case OP_brz:
        return (get(f, op, op->a) & ir_mask(op->w)) == 0;
    case OP_brnz:
        return (get(f, op, op->a) & ir_mask(op->w)) != 0;
    default:
        return ir_cond_holds(op->cc, *f->cc);
    }
}

TcgExit interp_block(TcgVcpu *v, const IrBlock *b)
{
    Frame f = {
        .v = v,
        .env = tcg_env(v),
        .target = b->target,
        .block = b,
        .temps = g_newa(uint64_t, b->n_temps + 1),
    };
    f.cc = (uint64_t *)(void *)(f.env + b->target->cc_offset);

    const IrOp *op = b->ops;
    for (;;) {
        switch (op->op) {
        case OP_br:
        case OP_brz:
        case OP_brnz:
        case OP_brcc:
            op = branch_taken(&f, op) ? label_after(op, op->imm) : op + 1;
            break;
        case OP_jcc:
            if (ir_cond_holds(op->cc, *f.cc)) {
                set_pc(&f, (uint64_t)op->imm);
                return TCG_EXIT_LOOKUP;
            }
            op++;
            break;
        case OP_jmp:
            set_pc(&f, (uint64_t)op->imm);
            return TCG_EXIT_LOOKUP;
        case OP_jmpind:
            set_pc(&f, get(&f, op, op->a));
            return TCG_EXIT_LOOKUP;
        case OP_exit:
            return TCG_EXIT_LOOKUP;
        default:
            run_op(&f, op++);
            break;
        }
    }
}
