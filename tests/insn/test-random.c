/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random user-mode instruction sequences on this processor, the interpreter and
 * the JIT; every difference in registers, flags, FP state, memory or fault is a
 * failure. Arguments: [cases [seed [only mnemonic]]].
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/insn/engine.h"
#include "tests/insn/gen.h"

typedef struct Text {
    const char *name;
    int osz;
    unsigned len;
} Text;

typedef struct Case {
    int bits;
    uint8_t code[128];
    unsigned len;
    int n;
    uint64_t flags_mask; /* flags still defined at the end */
    bool mmx, masked;
    bool closed;         /* nothing can follow: the last instruction faults, or changes a pointer */
    uint16_t rows[8];    /* of each instruction; 0: none */
    Text text[8];
} Case;

#define STATES 4 /* of each sequence: cases */

static const char *only;
static int verbose;
static bool intel; /* made by: the host's processor */
static uint64_t executed, seen[X86_N_ROWS]; /* instructions that ran on the processor; by row */

static bool can_run(const X86Row *row)
{
    if (row->trans == X86T_none || (row->bits & ROW_NOGEN)) {
        return false;
    }
    if (!insn_has_host() && (row->bits & (ROW_SSE | ROW_MMX | ROW_X87 | ROW_X87NW | ROW_AVX))) {
        return false;
    }
    if ((row->bits & ROW_AVX) && !insn_has_ymm()) {
        return false;
    }
    if (row->feature && !x86_feature_supported(row->feature - 1)) {
        return false; /* this host does not have it */
    }
    return !only || !strcmp(row->name, only);
}

static bool usable(const X86Row *row)
{
    static uint8_t known[X86_N_ROWS]; /* 1 no, 2 yes */
    uint8_t *k = &known[row - x86_rows];
    if (!*k) {
        *k = can_run(row) ? 2 : 1;
    }
    return *k == 2;
}

/* What the two makers of processors do not do alike; ours is Intel's way, of which this host cannot judge. */
static bool only_intels(const X86Insn *i, int bits)
{
    const char *name = i->row->name;
    bool prefetch = g_str_has_prefix(name, "PREFETCH") && i->mod == 3;                            /* #UD */
    bool sha = (g_str_has_prefix(name, "SHA1") || g_str_has_prefix(name, "SHA256")) && i->mod != 3; /* no #GP by alignment */
    bool wide = bits == 32 && (!strcmp(name, "VPINSRD") || !strcmp(name, "VPEXTRD"));             /* #UD if VEX.W */

    return !intel && (prefetch || sha || wide);
}

/* Would a register operand clobber a pointer that later instructions use? */
static bool spoils_pointers(const X86Insn *i)
{
    for (int n = 0; n < i->row->n_ops; n++) {
        unsigned am = i->row->op[n].am;
        int reg = am == AM_G ? i->reg : am == AM_Z ? i->zreg : am == AM_B ? i->vvvv : -1;
        if ((am == AM_E || am == AM_R) && i->mod == 3) {
            reg = i->rm;
        }
        if (reg == R_SP || reg == R_DI || reg == 15) {
            return true;
        }
    }
    return false;
}

/* Bit tests with a register offset may name any address. */
static bool wild_bits(const X86Insn *i)
{
    return i->row->trans == X86T_bt && i->mod != 3 && i->row->op[1].am == AM_G;
}

static uint64_t undefined_flags(const X86Insn *i)
{
    uint64_t u = i->row->u;
    if (!(i->row->bits & ROW_COUNT)) {
        return u;
    }
    bool known = i->row->imm == IMM_B;
    bool wide = i->osz == W64 && ((i->opcode & 1) || i->row->trans == X86T_shxd);
    unsigned c = (unsigned)i->imm & (wide ? 63 : 31);
    if (known && c == 0) {
        return 0;
    }
    if (!known || c != 1) {
        u |= 0x800;
    }
    unsigned w = (i->opcode & 1) || i->row->map ? 8u << i->osz : 8;
    if (w < 32 && (!known || c >= w)) {
        u |= 0x1; /* SHL/SHR beyond the width; SHLD too */
        if (i->row->trans == X86T_shxd) {
            u |= 0x8d5;
        }
    }
    return u;
}

static bool bad_result(const X86Insn *i)
{
    unsigned c = (unsigned)i->imm & 31;
    if (i->row->trans == X86T_shxd && i->osz == W16) {
        return i->row->imm != IMM_B || c > 16; /* undefined */
    }
    return i->row->trans == X86T_bswap && i->osz == W16;
}

static void append(Case *c, const uint8_t *bytes, unsigned len, const char *name, int osz)
{
    memcpy(c->code + c->len, bytes, len);
    c->len += len;
    c->text[c->n++] = (Text){name, osz, len};
}

static void print_code(const Case *c)
{
    const uint8_t *p = c->code;
    for (int n = 0; n < c->n; n++) {
        printf("#   %s osz %d:", c->text[n].name, c->text[n].osz);
        for (unsigned k = 0; k < c->text[n].len; k++) {
            printf(" %02x", *p++);
        }
        printf("\n");
    }
}

static bool add_insn(GRand *r, Case *c)
{
    const X86Row *row = gen_row(r);
    GenOpts o = {.bits = c->bits, .clean_bases = true, .odd_vex = !only};
    if (!usable(row)) {
        return false;
    }
    uint8_t buf[32] = {0};
    X86Insn i;
    unsigned len = gen_insn(r, row, &o, buf);
    if (!len) {
        return false;
    }
    X86Decode d = x86_decode(&i, buf, 15, c->bits);
    if (d == X86_UD && (row->bits & ROW_VEX)) { /* it must fault on the processor, too; AMD's take VEX.W where Intel's do not */
        if (!intel) {
            return false;
        }
        append(c, buf, len, "(invalid VEX)", 0);
        c->closed = true;
        return true;
    }
    if (d != X86_OK || !usable(i.row) || (i.row != row && !(row->bits & ROW_VEX)) || i.len != len) {
        return false;
    }
    row = i.row;
    uint64_t reads = row->r;
    if ((reads & ~c->flags_mask & 0x8d5) || bad_result(&i) || wild_bits(&i) || only_intels(&i, c->bits)) {
        return false;
    }
    if (spoils_pointers(&i)) {
        if (g_rand_int_range(r, 0, 4)) {
            return false;
        }
        c->closed = true;
    }
    /* conditions: by opcode */
    if (row->trans == X86T_cmov || row->trans == X86T_setcc) {
        if (ir_flags_to_eflags(ir_cond_flags(i.opcode & 15)) & ~c->flags_mask) {
            return false;
        }
    }
    uint64_t undef = undefined_flags(&i);
    bool repeated = row->trans == X86T_string && i.rep; /* not at all, maybe */
    if ((row->bits & ROW_COUNT) || repeated) {
        c->flags_mask &= ~undef; /* a count of 0 keeps the old ones */
    } else {
        c->flags_mask = (c->flags_mask | row->w) & ~undef;
    }
    c->masked |= row->trans == X86T_maskmov || (row->trans == X86T_gather && !intel);
    c->mmx |= (row->bits & ROW_MMX) != 0;
    c->rows[c->n] = (uint16_t)(row - x86_rows);
    append(c, buf, len, row->name, 8 << i.osz);
    return true;
}

/*
 * A memory operand is looked at before the instruction computes. A processor may find a floating-point exception
 * first: one pending from before, one of VCVTPS2PH (whose flags it sets though the store faults), one that suppresses
 * an x87 store. The guest gets both, in the other order.
 */
static bool memory_fault_first(const Case *c, const InsnState *want, const InsnState *got)
{
    X86Insn i;
    if (got->fault != 13 && got->fault != 14) {
        return false;
    }
    if (insn_fault_is_mapped()) {
        return true; /* a wild address found memory of the test program itself */
    }
    if (x86_decode(&i, c->code + (got->rip - CODE_BASE), 15, c->bits) != X86_OK || i.mod == 3) {
        return false;
    }
    if (i.row->bits & (ROW_X87 | ROW_MMX)) {
        return want->fx.fsw & 0x80;
    }
    return !strcmp(i.row->name, "VCVTPS2PH");
}

static bool compare_engine(const Case *c, InsnEngine e, const InsnState *in, const InsnState *want)
{
    InsnState got;
    g_autoptr(GString) why = g_string_new(NULL);
    if (!insn_run(e, in, &got) || memory_fault_first(c, want, &got)) {
        return true;
    }
    /* An MMX instruction that faults may or may not have set the tags and the stack top before. */
    bool x87 = want->fault < 0 || !c->mmx;
    insn_compare(want, &got, want->fault >= 0 ? 0 : c->flags_mask, x87, why);
    if (!why->len) {
        return true;
    }
    g_autoptr(GString) ir = g_string_new(NULL);
    insn_print(ir);
    printf("# %d-bit, %s against %s:\n", c->bits, insn_engine_name[ENGINE_HOST_CPU], insn_engine_name[e]);
    print_code(c);
    for (char *p = strtok(why->str, "\n"); p; p = strtok(NULL, "\n")) {
        printf("#   %s\n", p);
    }
    if (verbose) {
        for (char *p = strtok(ir->str, "\n"); p; p = strtok(NULL, "\n")) {
            printf("#     %s\n", p);
        }
    }
    return false;
}

/* The sequence that is in place, on all engines from one random state. */
static bool run_state(GRand *r, const Case *c)
{
    static InsnState in, want;
    insn_random_state(r, &in);
    insn_run(ENGINE_HOST_CPU, &in, &want);
    executed += (uint64_t)c->n;
    if (c->masked && want.fault >= 0) {
        /* Whether bytes that MASKMOV leaves out can fault is up to the processor, and what a gather has done till then. */
        return true;
    }
    return compare_engine(c, ENGINE_INTERP, &in, &want) && compare_engine(c, ENGINE_JIT, &in, &want);
}

/* A random sequence, from several states. False: it differs. */
static bool run_sequence(GRand *r, int bits, int states)
{
    Case c = {.bits = bits, .flags_mask = 0x8d5 | 0x400};
    int n = g_rand_int_range(r, 1, only ? 2 : 6);
    for (int tries = 0; c.n < n && !c.closed && tries < 100000; tries++) {
        add_insn(r, &c);
    }
    insn_code(c.code, c.len, c.n, bits);
    g_autoptr(GString) why = g_string_new(NULL);
    if (!insn_verify(why)) {
        printf("# verifier: %s\n", why->str);
        print_code(&c);
        return false;
    }
    for (int k = 0; k < c.n; k++) {
        seen[c.rows[k]] += (uint64_t)states;
    }
    bool ok = true;
    for (int k = 0; k < states && ok; k++) {
        ok = run_state(r, &c);
    }
    return ok;
}

/* Rows that can be run here and were not. */
static int count_missed(int *rows)
{
    int missed = 0;
    for (int n = 1; n < X86_N_ROWS; n++) {
        bool nop = x86_rows[n].map == 0 && x86_rows[n].opcode == 0x90; /* two rows; NOP has the bytes */
        if (usable(&x86_rows[n]) && !nop) {
            ++*rows;
            if (!seen[n]) {
                missed++;
                printf("# never: %s (map %d, %02x)\n", x86_rows[n].name, x86_rows[n].map, x86_rows[n].opcode);
            }
        }
    }
    return missed;
}

#define ALL_ROWS_CASES 400000

int main(int argc, char **argv)
{
    int cases = argc > 1 ? atoi(argv[1]) : 20000;
    unsigned seed = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
    only = argc > 3 ? argv[3] : NULL;
    verbose = argc > 4;
    setvbuf(stdout, NULL, _IOLBF, 0);
    intel = __builtin_cpu_is("intel");
    insn_init(!getenv("NO_JIT"));
    printf("1..1\n");
    int bad = 0, done = 0;
    GRand *r = g_rand_new_with_seed(seed);
    for (; done < cases && bad < 20; done += STATES) {
        GRand *one = g_rand_new_with_seed(g_rand_int(r));
        bad += !run_sequence(one, g_rand_int_range(one, 0, 3) ? 64 : 32, STATES);
        g_rand_free(one);
        if (done && done % 500000 == 0) {
            printf("# %d cases\n", done);
        }
    }
    int rows = 0, missed = count_missed(&rows);
    printf("# %d rows of insns.tbl, %d of them never, %" PRIu64 " instructions\n", rows, missed, executed);
    if (missed && cases >= ALL_ROWS_CASES && !only) { /* so many do not miss one by chance */
        bad++;
    }
    printf("%sok 1 - %d cases, %d sequences differ (seed %u)\n", bad ? "not " : "", done, bad, seed);
    g_rand_free(r);
    return bad != 0;
}
