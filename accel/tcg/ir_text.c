/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IR as text and back; exact inverses, so that tests can be written and a
 * miscompiled block can be kept. The form is described in accel/tcg/README.md:
 *
 *   block pc=0x1000 insns=1 bytes=3 temps=1
 *     insn pc=0x1000
 *     ld.64 t0 = rbx mmu=1
 *     add.64 rax = rax, t0 fw=CPAZSO dead=b
 *     jmp pc=0x1003
 *
 * A field that is zero is left out.
 */
#include "accel/tcg/ir.h"
#include "accel/tcg/target.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char flag_letters[] = "CPAZSO";
static const char dead_letters[] = "abcd";
static const char cond_names[16][4] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                       "s", "ns", "p", "np", "l", "ge", "le", "g"};

/* Fields of IrHostInsn by name. */
typedef struct HostField {
    const char *name;
    uint16_t offset, size;
} HostField;
#define HF(f) {#f, offsetof(IrHostInsn, f), sizeof(((IrHostInsn *)0)->f)}
static const HostField host_fields[] = {
    HF(prefix), HF(map),  HF(opcode), HF(vex),   HF(rexw), HF(has_imm), HF(imm8),   HF(reg_kind),
    HF(reg),    HF(rm_kind), HF(rm),  HF(vvvv),  HF(mem),  HF(size),    HF(align),  HF(dst_w),
    HF(fpu),    HF(fw),   HF(fr),     HF(dst_rw), HF(imp),
    HF(mask),   HF(vec),  HF(fop),
};
#undef HF

static unsigned host_field_get(const IrHostInsn *hi, const HostField *hf)
{
    const char *p = (const char *)hi + hf->offset;
    if (hf->size == 1) {
        return *(const uint8_t *)p;
    }
    uint16_t v;
    memcpy(&v, p, 2);
    return v;
}

static void host_field_set(IrHostInsn *hi, const HostField *hf, unsigned val)
{
    char *p = (char *)hi + hf->offset;
    uint8_t v8 = (uint8_t)val;
    uint16_t v16 = (uint16_t)val;
    memcpy(p, hf->size == 1 ? (void *)&v8 : (void *)&v16, hf->size);
}

/* How the text calls aux of an op. */
static const char *aux_name(unsigned op)
{
    switch (op) {
    case OP_lea:
        return "scale";
    case OP_jmpind:
        return "kind";
    case OP_ld: case OP_lds: case OP_st: case OP_probe: case OP_rmw: case OP_xchgm: case OP_xaddm:
    case OP_cmpxchgm: case OP_hostop: case OP_ldp: case OP_stp:
        return "mmu";
    default:
        return "aux";
    }
}

/* How the text calls imm of an op when it is no operand. */
static const char *imm_name(unsigned op)
{
    switch (op) {
    case OP_insn: case OP_jcc: case OP_jmp:
        return "pc";
    case OP_lea:
        return "disp";
    case OP_ldenv: case OP_stenv:
        return "off";
    case OP_hostop:
        return "host";
    case OP_label: case OP_br: case OP_brz: case OP_brnz: case OP_brcc:
        return "L";
    case OP_call:
        return "@";
    default:
        return "imm";
    }
}

/* ---- printing ---- */

static void print_number(GString *out, int64_t n)
{
    if (n > -4096 && n < 10) {
        g_string_append_printf(out, "%" PRId64, n);
    } else {
        g_string_append_printf(out, "0x%" PRIx64, (uint64_t)n);
    }
}

static void print_value(const IrBlock *b, const IrOp *op, IrVal v, GString *out)
{
    if (v == IR_NONE) {
        g_string_append_c(out, '_');
    } else if (v == IR_IMM) {
        g_string_append_c(out, '#');
        print_number(out, op->imm);
    } else if (ir_is_temp(v)) {
        g_string_append_printf(out, "t%u", ir_temp(v));
    } else if (ir_global(v) < (unsigned)b->target->n_globals) {
        g_string_append(out, b->target->globals[ir_global(v)].name);
    } else {
        g_string_append_printf(out, "g%u", ir_global(v));
    }
}

static void print_mask(GString *out, const char *key, unsigned mask, const char *letters)
{
    size_t n = strlen(letters);
    if (mask == 0) {
        return;
    }
    g_string_append_printf(out, " %s=", key);
    if (mask >> n) {
        g_string_append_printf(out, "0x%x", mask);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (mask >> i & 1) {
            g_string_append_c(out, letters[i]);
        }
    }
}

static void print_operands(const IrBlock *b, const IrOp *op, GString *out)
{
    unsigned sh = ir_op_info[op->op].shape;
    bool d2 = sh & IRS_D2;
    const IrVal src[3] = {op->a, op->b, op->c};
    const bool in_shape[3] = {sh & IRS_A, sh & IRS_B, (sh & IRS_C) && !d2};

    if ((sh & IRS_D) && (op->dst != IR_NONE || d2)) {
        g_string_append_c(out, ' ');
        print_value(b, op, op->dst, out);
        if (d2) {
            g_string_append(out, ", ");
            print_value(b, op, op->c, out);
        }
        g_string_append(out, " =");
    }
    int last = -1;
    for (int i = 0; i < 3; i++) {
        last = in_shape[i] && src[i] != IR_NONE ? i : last;
    }
    for (int i = 0; i <= last; i++) {
        g_string_append(out, i ? ", " : " ");
        print_value(b, op, src[i], out);
    }
    /* what does not belong there: shown for the sake of exactness */
    if (!(sh & IRS_D) && op->dst != IR_NONE) {
        g_string_append(out, " !dst=");
        print_value(b, op, op->dst, out);
    }
    for (int i = 0; i < 3; i++) {
        if (!in_shape[i] && !(i == 2 && d2) && src[i] != IR_NONE) {
            g_string_append_printf(out, " !%c=", 'a' + i);
            print_value(b, op, src[i], out);
        }
    }
}

static void print_imm(const IrBlock *b, const IrOp *op, GString *out)
{
    const char *name = imm_name(op->op);
    if (op->a == IR_IMM || op->b == IR_IMM || op->c == IR_IMM || op->dst == IR_IMM) {
        return;
    }
    if (*name == '@' && op->imm >= 0 && op->imm < b->target->n_helpers) {
        g_string_append_printf(out, " @%s", b->target->helpers[op->imm].name);
    } else if (*name == 'L') {
        g_string_append_printf(out, " L%" PRId64, op->imm);
    } else if (!strcmp(name, "pc")) {
        g_string_append_printf(out, " pc=0x%" PRIx64, (uint64_t)op->imm);
    } else if (op->imm != 0) {
        g_string_append_printf(out, " %s=", *name == '@' ? "imm" : name);
        print_number(out, op->imm);
    }
}

static void print_attributes(const IrOp *op, GString *out)
{
    bool uses_cc = op->op == OP_cmov || op->op == OP_setcc || op->op == OP_brcc || op->op == OP_jcc;
    if (op->cc > CC_G) {
        g_string_append_printf(out, " cc=%u", op->cc);
    } else if (uses_cc || op->cc) {
        g_string_append_printf(out, " cc=%s", cond_names[op->cc]);
    }
    if (op->sub || op->op == OP_rmw) {
        if (op->sub < OP__COUNT) {
            g_string_append_printf(out, " sub=%s", ir_op_name(op->sub));
        } else {
            g_string_append_printf(out, " sub=%u", op->sub);
        }
    }
    if (op->op == OP_sext && op->aux <= W64) {
        g_string_append_printf(out, " to=%u", 8u << op->aux);
    } else if (op->aux) {
        g_string_append_printf(out, " %s=%u", aux_name(op->op), op->aux);
    }
    unsigned aux2 = op->aux2;
    if (op->op == OP_lds && ir_lds_to(op) <= W64) {
        g_string_append_printf(out, " to=%u", 8u << ir_lds_to(op));
        aux2 &= IR_ATOMIC;
    }
    if (op->op != OP_probe && aux2 == IR_ATOMIC) {
        g_string_append(out, " locked");
    } else if (aux2) {
        g_string_append_printf(out, " aux2=%u", aux2);
    }
    print_mask(out, "fw", op->fw, flag_letters);
    print_mask(out, "live", op->flive, flag_letters);
    print_mask(out, "exc", op->fexc, flag_letters);
    print_mask(out, "dead", op->tdead, dead_letters);
}

static void print_op(const IrBlock *b, const IrOp *op, GString *out)
{
    g_string_append_printf(out, "  %s", ir_op_name(op->op));
    if (ir_op_info[op->op].shape || op->w) {
        g_string_append_printf(out, ".%u", 8u << op->w);
    }
    print_operands(b, op, out);
    print_imm(b, op, out);
    print_attributes(op, out);
    g_string_append_c(out, '\n');
}

static void print_nonzero(GString *out, const char *key, uint64_t n)
{
    if (n) {
        g_string_append_printf(out, " %s=%" PRIu64, key, n);
    }
}

void ir_print(const IrBlock *b, GString *out)
{
    g_string_append_printf(out, "block pc=0x%" PRIx64, b->pc);
    if (b->mode) {
        g_string_append_printf(out, " mode=0x%" PRIx64, b->mode);
    }
    print_nonzero(out, "insns", b->n_insns);
    print_nonzero(out, "bytes", b->guest_bytes);
    print_nonzero(out, "temps", b->n_temps);
    print_nonzero(out, "labels", b->n_labels);
    print_nonzero(out, "fpu", b->uses_fpu);
    g_string_append_c(out, '\n');
    for (int i = 0; i < b->n_host; i++) {
        g_string_append(out, "host");
        for (size_t k = 0; k < G_N_ELEMENTS(host_fields); k++) {
            print_nonzero(out, host_fields[k].name, host_field_get(&b->host[i], &host_fields[k]));
        }
        g_string_append_c(out, '\n');
    }
    for (int i = 0; i < b->n_ops; i++) {
        print_op(b, &b->ops[i], out);
    }
}

/* ---- parsing ---- */

typedef struct Parser {
    IrBlock *b;
    GString *why;
    int line;
    IrOp op;
    char *next; /* rest of the line */
} Parser;

static bool bad(Parser *p, const char *what, const char *tok)
{
    if (p->why) {
        g_string_append_printf(p->why, "line %d: %s '%s'", p->line, what, tok);
    }
    return false;
}

/* Next word; blanks and commas separate. NULL at the end of the line. */
static char *word(Parser *p)
{
    char *s = p->next + strspn(p->next, " \t,");
    if (*s == 0) {
        return NULL;
    }
    char *e = s + strcspn(s, " \t,");
    p->next = *e ? e + 1 : e;
    *e = 0;
    return s;
}

static bool parse_number(Parser *p, const char *s, int64_t *out)
{
    char *end;
    *out = *s == '-' ? strtoll(s, &end, 0) : (int64_t)strtoull(s, &end, 0);
    return (*s && *end == 0) || bad(p, "not a number:", s);
}

static bool parse_value(Parser *p, const char *s, IrVal *v)
{
    const TcgTarget *t = p->b->target;
    int64_t n;
    if (!strcmp(s, "_")) {
        *v = IR_NONE;
        return true;
    }
    if (*s == '#') {
        *v = IR_IMM;
        return parse_number(p, s + 1, &p->op.imm);
    }
    for (int g = 0; g < t->n_globals; g++) {
        if (!strcmp(s, t->globals[g].name)) {
            *v = IR_G(g);
            return true;
        }
    }
    if (*s != 't' && *s != 'g') {
        return bad(p, "no such operand:", s);
    }
    if (!parse_number(p, s + 1, &n)) {
        return false;
    }
    if (n < 0 || n >= (*s == 't' ? IR_MAX_TEMPS : IR_MAX_GLOBALS)) {
        return bad(p, "number out of range:", s);
    }
    *v = *s == 't' ? IR_T(n) : IR_G(n);
    return true;
}

static bool parse_mask(Parser *p, const char *s, const char *letters, uint8_t *out)
{
    int64_t n = 0;
    if (g_ascii_isdigit(*s)) {
        if (!parse_number(p, s, &n)) {
            return false;
        }
    } else {
        for (; *s; s++) {
            const char *l = strchr(letters, *s);
            if (l == NULL) {
                return bad(p, "not a letter of the mask:", s);
            }
            n |= 1 << (l - letters);
        }
    }
    *out = (uint8_t)n;
    return true;
}

static bool parse_bits(Parser *p, const char *s, uint8_t *w)
{
    static const char *const bits[] = {"8", "16", "32", "64"};
    for (int i = 0; i < 4; i++) {
        if (!strcmp(s, bits[i])) {
            *w = (uint8_t)i;
            return true;
        }
    }
    return bad(p, "not a width:", s);
}

static bool parse_opcode(Parser *p, const char *s, uint8_t *op)
{
    for (int i = 0; i < OP__COUNT; i++) {
        if (!strcmp(s, ir_op_info[i].name)) {
            *op = (uint8_t)i;
            return true;
        }
    }
    return bad(p, "no such op:", s);
}

static bool parse_byte(Parser *p, const char *s, uint8_t *out)
{
    int64_t n;
    if (!parse_number(p, s, &n)) {
        return false;
    }
    *out = (uint8_t)n;
    return n == *out || bad(p, "does not fit a byte:", s);
}

static bool parse_cond(Parser *p, const char *s, uint8_t *cc)
{
    for (int i = 0; i < 16; i++) {
        if (!strcmp(s, cond_names[i])) {
            *cc = (uint8_t)i;
            return true;
        }
    }
    return parse_byte(p, s, cc);
}

/* A stray operand: !a=rax */
static bool parse_extra(Parser *p, const char *key, const char *val)
{
    IrVal *v = !strcmp(key, "!dst") ? &p->op.dst
               : key[1] == 'a'      ? &p->op.a
               : key[1] == 'b'      ? &p->op.b
                                    : &p->op.c;
    return parse_value(p, val, v);
}

static bool parse_attribute(Parser *p, const char *key, const char *val)
{
    IrOp *op = &p->op;
    if (*key == '!') {
        return parse_extra(p, key, val);
    }
    if (!strcmp(key, "cc")) {
        return parse_cond(p, val, &op->cc);
    }
    if (!strcmp(key, "sub")) {
        return g_ascii_isdigit(*val) ? parse_byte(p, val, &op->sub)
                                     : parse_opcode(p, val, &op->sub);
    }
    if (!strcmp(key, "to")) {
        return parse_bits(p, val, op->op == OP_lds ? &op->aux2 : &op->aux);
    }
    if (!strcmp(key, aux_name(op->op))) {
        return parse_byte(p, val, &op->aux);
    }
    if (!strcmp(key, "aux2")) {
        return parse_byte(p, val, &op->aux2);
    }
    if (!strcmp(key, "fw")) {
        return parse_mask(p, val, flag_letters, &op->fw);
    }
    if (!strcmp(key, "live")) {
        return parse_mask(p, val, flag_letters, &op->flive);
    }
    if (!strcmp(key, "exc")) {
        return parse_mask(p, val, flag_letters, &op->fexc);
    }
    if (!strcmp(key, "dead")) {
        return parse_mask(p, val, dead_letters, &op->tdead);
    }
    if (!strcmp(key, imm_name(op->op)) || !strcmp(key, "imm")) {
        return parse_number(p, val, &op->imm);
    }
    return bad(p, "no such field:", key);
}

static bool parse_helper(Parser *p, const char *name)
{
    const TcgTarget *t = p->b->target;
    for (int i = 0; i < t->n_helpers; i++) {
        if (!strcmp(name, t->helpers[i].name)) {
            p->op.imm = i;
            return true;
        }
    }
    return bad(p, "no such helper:", name);
}

/* Operands found so far go to their fields: before '=' results, else sources. */
static bool place_operands(Parser *p, const IrVal *v, int n, bool results)
{
    unsigned sh = ir_op_info[p->op.op].shape;
    IrVal *const to_results[] = {&p->op.dst, &p->op.c};
    IrVal *const to_sources[] = {&p->op.a, &p->op.b, &p->op.c};
    int max = results ? (sh & IRS_D2 ? 2 : sh & IRS_D ? 1 : 0) : (sh & IRS_D2 ? 2 : 3);
    if (n > max) {
        return bad(p, "too many operands:", ir_op_name(p->op.op));
    }
    for (int i = 0; i < n; i++) {
        *(results ? to_results[i] : to_sources[i]) = v[i];
    }
    return true;
}

static bool parse_words(Parser *p)
{
    IrVal v[4];
    int n = 0;
    for (char *s = word(p); s != NULL; s = word(p)) {
        char *eq = strchr(s, '=');
        bool label = *s == 'L' && *imm_name(p->op.op) == 'L';
        bool ok;
        if (!strcmp(s, "=")) {
            ok = place_operands(p, v, n, true);
            n = 0;
        } else if (eq) {
            *eq = 0;
            ok = parse_attribute(p, s, eq + 1);
        } else if (!strcmp(s, "locked")) {
            p->op.aux2 |= IR_ATOMIC;
            ok = true;
        } else if (label) {
            ok = parse_number(p, s + 1, &p->op.imm);
        } else if (*s == '@') {
            ok = parse_helper(p, s + 1);
        } else {
            ok = n < 4 ? parse_value(p, s, &v[n++]) : bad(p, "too many operands:", s);
        }
        if (!ok) {
            return false;
        }
    }
    return place_operands(p, v, n, false);
}

static bool parse_op(Parser *p, char *name)
{
    char *dot = strchr(name, '.');
    p->op = (IrOp){0};
    if (dot) {
        *dot = 0;
        if (!parse_bits(p, dot + 1, &p->op.w)) {
            return false;
        }
    }
    if (!parse_opcode(p, name, &p->op.op) || !parse_words(p)) {
        return false;
    }
    *ir_emit(p->b, 0, 0, 0, 0, 0) = p->op;
    return true;
}

static bool parse_block_line(Parser *p)
{
    IrBlock *b = p->b;
    int64_t n;
    for (char *s = word(p); s != NULL; s = word(p)) {
        char *eq = strchr(s, '=');
        if (eq == NULL || !parse_number(p, eq + 1, &n)) {
            return eq ? false : bad(p, "not a field:", s);
        }
        *eq = 0;
        if (!strcmp(s, "pc")) {
            b->pc = (uint64_t)n;
        } else if (!strcmp(s, "mode")) {
            b->mode = (uint64_t)n;
        } else if (!strcmp(s, "insns")) {
            b->n_insns = (uint32_t)n;
        } else if (!strcmp(s, "bytes")) {
            b->guest_bytes = (uint32_t)n;
        } else if (!strcmp(s, "temps")) {
            b->n_temps = (int)n;
        } else if (!strcmp(s, "labels")) {
            b->n_labels = (int)n;
        } else if (!strcmp(s, "fpu")) {
            b->uses_fpu = (uint8_t)n;
        } else {
            return bad(p, "no such field:", s);
        }
    }
    return true;
}

static bool parse_host_line(Parser *p)
{
    IrHostInsn *hi = ir_hostop(p->b, IR_NONE, IR_NONE, IR_NONE);
    p->b->n_ops--; /* the op comes with its own line */
    for (char *s = word(p); s != NULL; s = word(p)) {
        char *eq = strchr(s, '=');
        int64_t n;
        size_t k = 0;
        if (eq == NULL || !parse_number(p, eq + 1, &n)) {
            return eq ? false : bad(p, "not a field:", s);
        }
        *eq = 0;
        while (k < G_N_ELEMENTS(host_fields) && strcmp(s, host_fields[k].name)) {
            k++;
        }
        if (k == G_N_ELEMENTS(host_fields)) {
            return bad(p, "no such field:", s);
        }
        host_field_set(hi, &host_fields[k], (unsigned)n);
    }
    return true;
}

static bool parse_line(Parser *p, char *line)
{
    line[strcspn(line, ";")] = 0; /* comment */
    p->next = line;
    char *first = word(p);
    if (first == NULL) {
        return true;
    }
    if (!strcmp(first, "block")) {
        return parse_block_line(p);
    }
    return strcmp(first, "host") ? parse_op(p, first) : parse_host_line(p);
}

bool ir_parse(IrBlock *b, const char *text, GString *why)
{
    Parser p = {.b = b, .why = why};
    ir_block_reset(b, 0, 0);
    char **lines = g_strsplit(text, "\n", -1);
    bool ok = true;
    for (int i = 0; ok && lines[i]; i++) {
        p.line = i + 1;
        ok = parse_line(&p, lines[i]);
    }
    g_strfreev(lines);
    return ok;
}
