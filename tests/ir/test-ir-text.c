/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IR as text: each golden/NAME.ir is parsed, verified, run through the passes
 * and printed; the result must be golden/NAME.out. Then blocks that break one rule
 * each, which the verifier must refuse in the words given, and lines that the parser
 * must refuse.
 *
 *   test-ir-text DIRECTORY [--write]     --write renews the .out files
 */
#include "tests/ir/fake_target.h"
#include <stdio.h>
#include <string.h>

static int n_tests;
static bool all_ok = true;

static void result(bool ok, const char *kind, const char *what, const char *more)
{
    all_ok &= ok;
    printf("%s %d - %s %s\n", ok ? "ok" : "not ok", ++n_tests, kind, what);
    if (!ok) {
        g_auto(GStrv) lines = g_strsplit(more, "\n", -1);
        for (int i = 0; lines[i]; i++) {
            printf("# %s\n", lines[i]);
        }
    }
}

/* ---- goldens ---- */

static bool golden_text(IrBlock *b, const char *path, GString *out)
{
    g_autofree char *text = NULL;
    g_autoptr(GString) again = g_string_new(NULL);
    IrBlock copy;
    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        g_string_append(out, "can not read");
        return false;
    }
    if (!ir_parse(b, text, out) || !ir_verify(b, out)) {
        return false;
    }
    ir_flag_liveness(b);
    ir_temp_liveness(b);
    ir_print(b, out);
    ir_block_init(&copy, &fake_target);
    bool ok = ir_parse(&copy, out->str, again);
    if (ok) {
        ir_print(&copy, again);
        ok = g_string_equal(out, again);
    }
    ir_block_fini(&copy);
    g_string_append_printf(out, "; flags dead on entry: %s\n", ir_flags_dead_in(b) ? "yes" : "no");
    return ok;
}

static void test_golden(IrBlock *b, const char *dir, const char *name, bool write)
{
    g_autofree char *in = g_build_filename(dir, name, NULL);
    g_autofree char *base = g_strndup(in, strlen(in) - strlen(".ir"));
    g_autofree char *out = g_strconcat(base, ".out", NULL);
    g_autofree char *want = NULL;
    g_autoptr(GString) got = g_string_new(NULL);
    bool ok = golden_text(b, in, got);
    if (ok && write) {
        g_file_set_contents(out, got->str, -1, NULL);
    }
    ok = ok && g_file_get_contents(out, &want, NULL, NULL) && !strcmp(want, got->str);
    result(ok, "golden", name, got->str);
}

static void test_goldens(IrBlock *b, const char *path, bool write)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        if (g_str_has_suffix(name, ".ir")) {
            test_golden(b, path, name, write);
        }
    }
}

/* ---- the verifier ---- */

#define INSN "block insns=1 temps=2 labels=1\ninsn\n"
#define END "exit\n"
static const struct {
    const char *says; /* NULL: must be accepted */
    const char *text;
} rules[] = {
    {NULL, INSN END},
    /* structure */
    {"op 0 (mov): comes before the first insn", "block\nmov.64 rax = rbx\nexit\n"},
    {"the block's end can be reached", INSN "mov.64 rax = rbx\n"},
    {"the block's end can be reached", INSN "jcc pc=4 cc=e\n"},
    {"the block's end can be reached", ""},
    {"2 insn ops, n_insns says 1", INSN "insn\n" END},
    {"4097 temps", "block insns=1 temps=4097\ninsn\n" END},
    /* labels */
    {"op 2 (br): goes back to label 0", INSN "label L0\nbr L0\n" END},
    {"label 0 is never defined", INSN "brz.64 rax L0\n" END},
    {"op 2 (label): label 0 is defined twice", INSN "label L0\nlabel L0\n" END},
    {"label 1 of 1", INSN "brz.64 rax L1\n" END},
    {"must be followed by insn",
     "block insns=2 labels=1\ninsn\nbrz.64 rax L0\ninsn pc=1\nlabel L0\nmov.64 rax = rbx\n" END},
    {NULL, "block insns=3 labels=1\ninsn\nbrz.64 rax L0\ninsn pc=1\nlabel L0\ninsn pc=2\n" END},
    {NULL, INSN "brz.64 rax L0\nmov.64 rbx = rcx\nlabel L0\n" END},
    /* faults after writes */
    {"op 2 (ld): may fault after a write", INSN "mov.64 rax = rbx\nld.64 rcx = rsi\n" END},
    {"op 2 (ld): may fault after a write", INSN "cmp.64 rax, rbx fw=CPAZSO\nld.64 rcx = rsi\n" END},
    {"op 2 (call): may fault after a write", INSN "mov.64 rax = rbx\ncall.64 rcx = rax @full\n" END},
    {"op 4 (st): may fault after a write",
     INSN "brz.64 rax L0\nmov.64 rax = rbx\nlabel L0\nst.64 rsi, rax\n" END},
    {"op 2 (divu): may fault after a write", INSN "mov.64 rbx = rax\ndivu.64 rax, rdx = _, rcx\n" END},
    {NULL, INSN "mov.64 rax = rbx\ncall.64 rcx = rax @mix\n" END},
    {NULL, INSN "mov.64 t0 = rbx\nld.64 rcx = t0\n" END},
    {NULL, "block insns=2\ninsn\nmov.64 rax = rbx\ninsn pc=3\nld.64 rcx = rsi\n" END},
    {NULL, INSN "call.64 _ = @full\nld.64 rcx = rsi\n" END},
    /* temps */
    {"op 1 (mov): temp 0 is read before", INSN "mov.64 rax = t0\n" END},
    {"op 1 (mov): temp 0 is read before", INSN "mov.8 t0 = rax\n" END},
    {"op 1 (setcc): temp 0 is read before", INSN "setcc.8 t0 = cc=e\n" END},
    {"op 4 (mov): temp 0 is read before",
     INSN "brz.64 rax L0\nmov.64 t0 = rax\nlabel L0\nmov.64 rax = t0\n" END},
    {"temp 2 of 2", INSN "mov.64 t2 = rax\n" END},
    {NULL, INSN "brz.64 rax L0\nmov.64 t0 = rax\nmov.64 rax = t0\nlabel L0\n" END},
    {NULL, INSN "mulu2.64 t0, t1 = rax, rbx\n" END},
    /* operands */
    {"operand dst is missing", INSN "mov.64 _ = rax\n" END},
    {"operand a is missing", INSN "mov.64 rax = _\n" END},
    {"operand dst is not used", INSN "cmp.64 rax, rbx !dst=rcx\n" END},
    {"operand b is not used", INSN "mov.64 rax = rbx, rcx\n" END},
    {"operand a can not be an immediate", INSN "add.64 rax = #1, rbx\n" END},
    {"operand b can not be an immediate", INSN "cmov.64 rax = rbx, #1 cc=e\n" END},
    {"operand c can not be an immediate", INSN "shld.64 rax = rax, rbx, #1\n" END},
    {"operand a: global 16 of 16", INSN "mov.64 rax = g16\n" END},
    {"both results go to the same place", INSN "mulu2.64 rax, rax = rax, rbx\n" END},
    {"operand c is missing", INSN "divu.64 rax, _ = _, rbx\n" END},
    {"operand c is not used", INSN "divu.8 rax, rdx = _, rbx\n" END},
    {"operand a is not used", INSN "divu.64 rax, rdx = rax, rbx\n" END},
    {"operand b is not used", INSN "rmw.64 rsi, rax sub=inc\n" END},
    {"operand a is missing", "block insns=1\nhost opcode=1 mem=1 size=4\ninsn\nhostop.64 host=0\n" END},
    /* flags */
    {"writes flags 0x1, which the op can not", INSN "mov.64 rax = rbx fw=C\n" END},
    {"writes flags 0x3f, which the op can not", INSN "inc.64 rax = rax fw=CPAZSO\n" END},
    {"writes only 0x1 of its flags", INSN "add.64 rax = rax, rbx fw=C\n" END},
    {NULL, INSN "setf.64 rax fw=CP\n" END},
    /* fields */
    {"width 8 bits is too narrow", INSN "imul.8 rax = rax, rbx\n" END},
    {"width 16 bits is too narrow", INSN "bswap.16 rax = rax\n" END},
    {"extends to width 1", INSN "sext.16 rax = rbx to=16\n" END},
    {"scale 4", INSN "lea.64 rax = rbx, rcx scale=4\n" END},
    {"mmu index 2 of 2", INSN "ld.64 rax = rsi mmu=2\n" END},
    {"kind 3", INSN "jmpind.64 rax kind=3\n"},
    {"condition 16", INSN "jcc pc=4 cc=16\n" END},
    {"helper 9 of 5", INSN "call.64 rax = imm=9\n" END},
    {"host instruction 0 of 0", INSN "hostop.64 host=0\n" END},
    {"cmp can not be done in memory", INSN "rmw.64 rsi, rax sub=cmp\n" END},
    {"is global rdx", INSN "ldenv.64 rax = off=20\n" END},
    {"is the flags", INSN "stenv.8 rax off=0x80\n" END},
    {"the pc field is not current", INSN "ldenv.64 rax = off=0x88\n" END},
    {"outside the environment", INSN "ldenv.64 rax = off=0x100000\n" END},
};

static void test_rule(IrBlock *b, size_t i)
{
    g_autoptr(GString) why = g_string_new(NULL);
    bool parsed = ir_parse(b, rules[i].text, why);
    bool accepted = parsed && ir_verify(b, why);
    bool ok = parsed && (rules[i].says ? !accepted && strstr(why->str, rules[i].says) : accepted);
    g_string_append_printf(why, "\n%s", rules[i].text);
    result(ok, "verifier", rules[i].says ? rules[i].says : "accepts", why->str);
}

static const struct {
    const char *says, *text;
} syntax[] = {
    {"line 1: no such op: 'mul'", "mul.64 rax = rbx"},
    {"line 2: not a width: '63'", "insn\nmov.63 rax = rbx"},
    {"no such operand: 'qax'", "mov.64 qax = rbx"},
    {"too many operands: 'mov'", "mov.64 rax, rbx = rcx"},
    {"too many operands: 'cmp'", "cmp.64 rax = rbx, rcx"},
    {"not a number: '0xg'", "mov.64 rax = #0xg"},
    {"number out of range: 't5000'", "mov.64 rax = t5000"},
    {"no such field: 'colour'", "mov.64 rax = rbx colour=3"},
    {"no such field: 'scale'", "mov.64 rax = rbx scale=3"},
    {"no such helper: 'help'", "call.64 @help"},
    {"not a letter of the mask: 'XC'", "cmc fw=XC"},
    {"does not fit a byte: '256'", "ld.8 rax = rbx mmu=256"},
    {"not a field: 'fast'", "block fast"},
    {"no such field: 'size'", "block size=3"},
    {"no such field: 'color'", "host color=1"},
};

static void test_syntax(IrBlock *b, size_t i)
{
    g_autoptr(GString) why = g_string_new(NULL);
    bool ok = !ir_parse(b, syntax[i].text, why) && strstr(why->str, syntax[i].says);
    result(ok, "parser", syntax[i].says, why->str);
}

/* Every op has a name of its own, a meaning, and a shape that fits its properties. */
static void test_table(void)
{
    bool ok = true;
    for (int i = 0; i < OP__COUNT; i++) {
        const IrOpInfo *o = &ir_op_info[i];
        ok &= o->name && o->help && strlen(o->help) > 5;
        for (int k = 0; k < i; k++) {
            ok &= strcmp(o->name, ir_op_info[k].name) != 0;
        }
    }
    for (unsigned fl = 0; fl < 64; fl++) {
        ok &= ir_flags_from_eflags(ir_flags_to_eflags((uint8_t)fl)) == fl;
    }
    ok &= ir_flags_to_eflags(FL_ALL) == CC_EFLAGS_MASK;
    result(ok, "table", "of ops and flags", "");
}

int main(int argc, char **argv)
{
    IrBlock b;
    if (argc < 2) {
        fprintf(stderr, "usage: test-ir-text DIRECTORY [--write]\n");
        return 1;
    }
    ir_block_init(&b, &fake_target);
    test_table();
    test_goldens(&b, argv[1], argc > 2 && !strcmp(argv[2], "--write"));
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        test_rule(&b, i);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(syntax); i++) {
        test_syntax(&b, i);
    }
    printf("1..%d\n", n_tests);
    ir_block_fini(&b);
    return all_ok ? 0 : 1;
}
