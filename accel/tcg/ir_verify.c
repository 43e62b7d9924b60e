/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks the rules that ir.h and ops.def set for a block. For tests and debug
 * builds; takes its time and memory.
 */
#include "accel/tcg/ir.h"
#include "accel/tcg/target.h"
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* What is known where a label's branches meet. */
typedef struct LabelState {
    bool branched, defined;
    bool dirty;          /* some branch came after a write inside its instruction */
    bool other_insn;     /* set at the label: a branch came from another instruction */
    int insn;            /* op index of the branch's insn */
} LabelState;

typedef struct Verifier {
    const IrBlock *b;
    const IrOp *op;
    int i;               /* index of op */
    GString *why;
    uint64_t *temps;     /* bitset: written on every path to here */
    uint64_t *label_temps; /* the same at each label */
    LabelState *labels;
    size_t words;
    bool reachable;
    bool dirty;          /* a global or the flags were written in this guest instruction */
    int insn;            /* op index of the current insn, -1 none */
    bool need_insn;      /* next op but label must be insn */
    uint32_t n_insns;
} Verifier;

static bool fail(Verifier *v, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
static bool fail(Verifier *v, const char *fmt, ...)
{
    if (v->why) {
        va_list ap;
        va_start(ap, fmt);
        if (v->op) {
            g_string_append_printf(v->why, "op %d (%s): ", v->i, ir_op_name(v->op->op));
        }
        g_string_append_vprintf(v->why, fmt, ap);
        va_end(ap);
    }
    return false;
}

/* ---- operands ---- */

static bool check_value(Verifier *v, const char *which, IrVal x)
{
    if (x == IR_NONE) {
        return fail(v, "operand %s is missing", which);
    }
    if (x == IR_IMM) {
        return fail(v, "operand %s can not be an immediate", which);
    }
    if (ir_is_global(x) && ir_global(x) >= (unsigned)v->b->target->n_globals) {
        return fail(v, "operand %s: global %u of %d", which, ir_global(x),
                    v->b->target->n_globals);
    }
    if (ir_is_temp(x) && ir_temp(x) >= (unsigned)v->b->n_temps) {
        return fail(v, "operand %s: temp %u of %d", which, ir_temp(x), v->b->n_temps);
    }
    return true;
}

static bool check_absent(Verifier *v, const char *which, IrVal x)
{
    return x == IR_NONE || fail(v, "operand %s is not used by this op", which);
}

static bool imm_allowed_in_b(const IrOp *op)
{
    switch (op->op) {
    case OP_add: case OP_adc: case OP_sub: case OP_sbb: case OP_and: case OP_or: case OP_xor:
    case OP_cmp: case OP_test: case OP_shl: case OP_shr: case OP_sar: case OP_rol: case OP_ror:
    case OP_rcl: case OP_rcr: case OP_imul: case OP_bt: case OP_bts: case OP_btr: case OP_btc:
    case OP_st: case OP_rmw:
        return true;
    default:
        return false;
    }
}

/* Operations whose operands may be left out. */
static bool may_omit(const IrOp *op, char which, const IrBlock *b)
{
    switch (op->op) {
    case OP_call:
        return true;
    case OP_hostop:
        return which != 'a' || !b->host[op->imm].mem;
    case OP_lea:
        return which == 'a' || which == 'b';
    case OP_shld:
    case OP_shrd:
        return which == 'c';
    case OP_divu:
    case OP_divs:
        return which == 'a';
    default:
        return false;
    }
}

static bool has_no_b(const IrOp *op)
{
    return op->op == OP_rmw && (op->sub == OP_inc || op->sub == OP_dec || op->sub == OP_neg ||
                                op->sub == OP_not);
}

static bool check_source(Verifier *v, char which, IrVal x, bool in_shape, bool imm_ok)
{
    char name[2] = {which, 0};
    if (!in_shape) {
        return check_absent(v, name, x);
    }
    if ((x == IR_NONE && may_omit(v->op, which, v->b)) || (x == IR_IMM && imm_ok)) {
        return true;
    }
    return check_value(v, name, x);
}

static bool check_operands(Verifier *v)
{
    const IrOp *op = v->op;
    unsigned sh = ir_op_info[op->op].shape;
    bool w8_pair = (sh & IRS_D2) && op->w == W8;
    bool is_div = op->op == OP_divu || op->op == OP_divs;

    if (!(sh & IRS_D)) {
        if (!check_absent(v, "dst", op->dst)) {
            return false;
        }
    } else if (!(op->dst == IR_NONE && may_omit(op, 'd', v->b)) &&
               !check_value(v, "dst", op->dst)) {
        return false;
    }
    if (!check_source(v, 'a', op->a, (sh & IRS_A) && !is_div,
                      op->op == OP_mov || op->op == OP_setf) ||
        !check_source(v, 'b', op->b, (sh & IRS_B) && !has_no_b(op), imm_allowed_in_b(op)) ||
        !check_source(v, 'c', op->c, (sh & IRS_C) && !w8_pair, false)) {
        return false;
    }
    if ((sh & IRS_D2) && op->c == op->dst) {
        return fail(v, "both results go to the same place");
    }
    return true;
}

/* ---- fields ---- */

static bool rmw_sub_ok(unsigned sub)
{
    switch (sub) {
    case OP_add: case OP_adc: case OP_sub: case OP_sbb: case OP_and: case OP_or: case OP_xor:
    case OP_inc: case OP_dec: case OP_neg: case OP_not: case OP_shl: case OP_shr: case OP_sar:
    case OP_rol: case OP_ror: case OP_rcl: case OP_rcr: case OP_bts: case OP_btr: case OP_btc:
        return true;
    default:
        return false;
    }
}

static bool check_flags(Verifier *v)
{
    const IrOp *op = v->op;
    unsigned natural = ir_op_info[op->op == OP_rmw ? op->sub : op->op].flags;
    if (op->fw & ~natural) {
        return fail(v, "writes flags 0x%x, which the op can not (0x%x)", op->fw, natural);
    }
    if (op->fw && op->fw != natural && op->op != OP_setf) {
        return fail(v, "writes only 0x%x of its flags 0x%x: all or none", op->fw, natural);
    }
    return true;
}

static bool is_memory_op(unsigned op)
{
    switch (op) {
    case OP_ld: case OP_lds: case OP_st: case OP_probe: case OP_rmw: case OP_xchgm: case OP_xaddm:
    case OP_cmpxchgm: case OP_ldp: case OP_stp:
        return true;
    default:
        return false;
    }
}

static bool check_env_field(Verifier *v)
{
    const IrOp *op = v->op;
    const TcgTarget *t = v->b->target;
    int64_t end = op->imm + (1 << op->w);
    if (op->imm < 0 || end > (int64_t)t->env_size) {
        return fail(v, "offset %" PRId64 " is outside the environment", op->imm);
    }
    for (int g = 0; g < t->n_globals; g++) {
        if (op->imm < t->globals[g].offset + 8 && end > t->globals[g].offset) {
            return fail(v, "offset %" PRId64 " is global %s", op->imm, t->globals[g].name);
        }
    }
    if (op->imm < t->cc_offset + 8 && end > t->cc_offset) {
        return fail(v, "offset %" PRId64 " is the flags", op->imm);
    }
    if (op->op == OP_ldenv && op->imm < t->pc_offset + 8 && end > t->pc_offset) {
        return fail(v, "the pc field is not current inside a block");
    }
    return true;
}

static bool check_width(Verifier *v)
{
    const IrOp *op = v->op;
    unsigned min = W8;
    switch (op->op) {
    case OP_lea: case OP_cmov: case OP_imul: case OP_shld: case OP_shrd: case OP_bt: case OP_bts:
    case OP_btr: case OP_btc: case OP_bsf: case OP_bsr: case OP_tzcnt: case OP_lzcnt:
    case OP_popcnt:
        min = W16;
        break;
    case OP_bswap: case OP_andn:
        min = W32;
        break;
    case OP_ldp: case OP_stp:
        min = W64;
        break;
    case OP_rmw:
        min = op->sub >= OP_bts && op->sub <= OP_btc ? W16 : W8;
        break;
    }
    if (op->w > W64) {
        return fail(v, "width %u", op->w);
    }
    return op->w >= min || fail(v, "width %u bits is too narrow", 8u << op->w);
}

static bool check_index(Verifier *v, const char *what, int64_t n)
{
    return (v->op->imm >= 0 && v->op->imm < n) ||
           fail(v, "%s %" PRId64 " of %" PRId64, what, v->op->imm, n);
}

static bool check_vector_registers(Verifier *v)
{
    const IrHostInsn *hi = &v->b->host[v->op->imm];
    const TcgTarget *t = v->b->target;
    unsigned n = t->vec_offset ? t->n_vec + t->n_vtmp : 0;
    if (!hi->vec) {
        return true;
    }
    if ((hi->reg_kind == HR_XMM && hi->reg >= n) || (!hi->mem && hi->rm_kind == HR_XMM && hi->rm >= n) ||
        ((hi->vec & (HV_VVVV_R | HV_VVVV_W)) && hi->vvvv >= n)) {
        return fail(v, "vector register beyond %u", n);
    }
    return (hi->vex == 1 && hi->fpu == IR_FPU_SSE && !hi->mask && (hi->vec & HV)) ||
           fail(v, "an instruction on vector registers is VEX.128 with fpu=1");
}

static bool check_fields(Verifier *v)
{
    const IrOp *op = v->op;
    if (op->cc > CC_G) {
        return fail(v, "condition %u", op->cc);
    }
    if (is_memory_op(op->op) && op->aux >= v->b->target->n_mmu) {
        return fail(v, "mmu index %u of %d", op->aux, v->b->target->n_mmu);
    }
    switch (op->op) {
    case OP_sext:
        return (op->aux > op->w && op->aux <= W64) || fail(v, "extends to width %u", op->aux);
    case OP_lds:
        return (ir_lds_to(op) >= op->w && ir_lds_to(op) <= W64) || fail(v, "extends to width %u", ir_lds_to(op));
    case OP_lea:
        return op->aux <= 3 || fail(v, "scale %u", op->aux);
    case OP_jmpind:
        return op->aux <= 2 || fail(v, "kind %u", op->aux);
    case OP_exit:
        return op->aux <= 1 || fail(v, "kind %u", op->aux);
    case OP_ldenv:
    case OP_stenv:
        return check_env_field(v);
    case OP_hostop:
        return check_index(v, "host instruction", v->b->n_host) && check_vector_registers(v);
    case OP_call:
        return check_index(v, "helper", v->b->target->n_helpers);
    case OP_label:
    case OP_br:
    case OP_brz:
    case OP_brnz:
    case OP_brcc:
        return check_index(v, "label", v->b->n_labels);
    default:
        return true;
    }
}

static bool check_form(Verifier *v)
{
    const IrOp *op = v->op;
    if (op->op >= OP__COUNT) {
        v->op = NULL;
        return fail(v, "op %d: no such opcode %u", v->i, op->op);
    }
    if (op->op == OP_rmw && !rmw_sub_ok(op->sub)) {
        return fail(v, "%s can not be done in memory",
                    op->sub < OP__COUNT ? ir_op_name(op->sub) : "that");
    }
    return check_width(v) && check_fields(v) && check_operands(v) && check_flags(v);
}

/* ---- paths ---- */

static bool temp_written(const Verifier *v, IrVal x)
{
    return v->temps[ir_temp(x) >> 6] >> (ir_temp(x) & 63) & 1;
}

static bool check_read(Verifier *v, IrVal x)
{
    if (v->reachable && ir_is_temp(x) && !temp_written(v, x)) {
        return fail(v, "temp %u is read before it is written on every path", ir_temp(x));
    }
    return true;
}

static bool check_reads(Verifier *v)
{
    const IrOp *op = v->op;
    bool reads_dst = ir_reads_dst(v->b, op);
    bool c_is_result = (ir_op_info[op->op].shape & IRS_D2) && !reads_dst;
    return check_read(v, op->a) && check_read(v, op->b) && (c_is_result || check_read(v, op->c)) &&
           (!reads_dst || check_read(v, op->dst));
}

static void note_write(Verifier *v, IrVal x)
{
    if (ir_is_temp(x)) {
        v->temps[ir_temp(x) >> 6] |= 1ull << (ir_temp(x) & 63);
    } else if (ir_is_global(x)) {
        v->dirty = true;
    }
}

static void note_writes(Verifier *v)
{
    const IrOp *op = v->op;
    note_write(v, op->dst);
    if (ir_op_info[op->op].shape & IRS_D2) {
        note_write(v, op->c);
    }
    if (op->op != OP_call && ir_flags_written(v->b, op)) {
        v->dirty = true;
    }
}

static bool note_branch(Verifier *v)
{
    LabelState *l = &v->labels[v->op->imm];
    uint64_t *at = v->label_temps + v->words * v->op->imm;
    if (l->defined) {
        return fail(v, "goes back to label %" PRId64, v->op->imm);
    }
    if (!v->reachable) {
        return true;
    }
    for (size_t i = 0; i < v->words; i++) {
        at[i] = l->branched ? at[i] & v->temps[i] : v->temps[i];
    }
    l->other_insn |= l->branched && l->insn != v->insn;
    l->branched = true;
    l->insn = v->insn;
    l->dirty |= v->dirty;
    return true;
}

static bool note_label(Verifier *v)
{
    LabelState *l = &v->labels[v->op->imm];
    uint64_t *at = v->label_temps + v->words * v->op->imm;
    if (l->defined) {
        return fail(v, "label %" PRId64 " is defined twice", v->op->imm);
    }
    l->defined = true;
    if (!l->branched) {
        return true;
    }
    for (size_t i = 0; i < v->words; i++) {
        v->temps[i] = v->reachable ? v->temps[i] & at[i] : at[i];
    }
    v->dirty = l->dirty || (v->reachable && v->dirty);
    v->need_insn |= l->other_insn || l->insn != v->insn;
    v->reachable = true;
    return true;
}

static bool check_insn_start(Verifier *v)
{
    if (v->op->op == OP_insn) {
        v->insn = v->i;
        v->dirty = false;
        v->need_insn = false;
        v->n_insns++;
        return true;
    }
    if (v->insn < 0) {
        return fail(v, "comes before the first insn");
    }
    if (v->need_insn && v->op->op != OP_label) {
        return fail(v, "a label reached from another guest instruction must be followed by insn");
    }
    return true;
}

static bool check_flow(Verifier *v)
{
    const IrOp *op = v->op;
    if (!check_insn_start(v) || !check_reads(v)) {
        return false;
    }
    if (v->reachable && v->dirty && ir_may_fault(v->b, op)) {
        return fail(v, "may fault after a write to a global or the flags in the same instruction");
    }
    switch (op->op) {
    case OP_label:
        return note_label(v);
    case OP_br:
    case OP_brz:
    case OP_brnz:
    case OP_brcc:
        if (!note_branch(v)) {
            return false;
        }
        v->reachable = v->reachable && op->op != OP_br;
        break;
    case OP_jmp:
    case OP_jmpind:
    case OP_exit:
        v->reachable = false;
        break;
    default:
        note_writes(v);
        break;
    }
    return true;
}

static bool check_end(Verifier *v)
{
    v->op = NULL;
    if (v->reachable) {
        return fail(v, "the block's end can be reached: the last op does not leave");
    }
    for (int i = 0; i < v->b->n_labels; i++) {
        if (v->labels[i].branched && !v->labels[i].defined) {
            return fail(v, "label %d is never defined", i);
        }
    }
    if (v->n_insns != v->b->n_insns) {
        return fail(v, "%u insn ops, n_insns says %u", v->n_insns, v->b->n_insns);
    }
    return true;
}

bool ir_verify(const IrBlock *b, GString *why)
{
    Verifier v = {.b = b, .why = why, .insn = -1, .reachable = true};
    if (b->n_temps > IR_MAX_TEMPS || b->n_labels > IR_MAX_LABELS) {
        return fail(&v, "%d temps, %d labels: too many", b->n_temps, b->n_labels);
    }
    v.words = (size_t)(b->n_temps + 63) / 64;
    v.temps = g_new0(uint64_t, v.words + 1);
    v.label_temps = g_new0(uint64_t, v.words * b->n_labels + 1);
    v.labels = g_new0(LabelState, b->n_labels + 1);

    bool ok = true;
    for (v.i = 0; ok && v.i < b->n_ops; v.i++) {
        v.op = &b->ops[v.i];
        ok = check_form(&v) && check_flow(&v);
    }
    ok = ok && check_end(&v);
    g_free(v.temps);
    g_free(v.label_temps);
    g_free(v.labels);
    return ok;
}
