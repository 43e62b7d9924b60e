/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random A32 and T32 sequences in User mode on the IR's interpreter, the JIT, and a judge: judge32.c under Debian's
 * qemu-arm-static. Every difference in registers, flags, FPSCR, memory or fault is a failure.
 * Arguments: [cases [seed [only: a table, a translator or part of a mnemonic]]]; the environment names the judge's program
 * (A32_JUDGE), and NO_JIT=1 leaves the JIT out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "target/arm/feature.h"
#include "target/arm/fp.h"
#include "tests/insn/arm/engine.h"
#include "tests/insn/arm/gen-a32.h"
#include "tests/insn/arm/judge-run.h"

#define STATES 4 /* of each sequence */
#define FLAGS 0xf80f0000u /* NZCV, Q, GE */
#define CPSR_T 0x20u
#define CPSR_E 0x200u
#define CPSR_IT 0x0600fc00u
#define FPSCR_VECTORS 0x00370000u
#define FPSCR_RANDOM 0xf7c8009fu

/* ---- states ---- */

static uint32_t random32(GRand *r)
{
    uint32_t v = g_rand_int(r);
    switch (g_rand_int_range(r, 0, 9)) {
    case 0:
        return v & 0xff;
    case 1:
        return (uint32_t)(int8_t)v;
    case 2:
        return 1u << (v & 31);
    case 3:
        return (1u << (v & 31)) - 1;
    case 4:
        return v >> 31 ? 0x80000000 : 0x7fffffff;
    case 5:
        return v & 0x7fff7fff;
    default:
        return v;
    }
}

/* A number of a format: ordinary ones near each other, and all that is special. */
static uint64_t random_fp(GRand *r, unsigned bits, unsigned exp_bits)
{
    unsigned frac = bits - 1 - exp_bits;
    uint64_t v = ((uint64_t)g_rand_int(r) << 32 | g_rand_int(r)) >> (64 - bits), sign = v & 1ull << (bits - 1);
    uint64_t bias = (1ull << (exp_bits - 1)) - 1, ones = (1ull << exp_bits) - 1, m = (1ull << frac) - 1;
    const uint64_t special[] = {0,       ones << frac, ones << frac | (v & m),       v & m,      1ull << frac | (v & 3),
                                (ones - 1) << frac | (v & m), bias << frac, (bias + 8 + v % 60) << frac | (v & m),
                                /* the product of these two is tiny, but not when it is rounded */
                                (bias / 2 + 1) << frac | 1, (bias / 2) << frac | (m - 1)};
    unsigned k = (unsigned)g_rand_int_range(r, 0, 18);
    if (k < G_N_ELEMENTS(special)) {
        return sign | (special[k] & ~(1ull << (bits - 1)));
    }
    return k == 10 ? v : sign | (bias - 4 + v % 8) << frac | (v & m & ~(v >> 3 & 1 ? m >> 3 : 0));
}

static uint64_t random_d(GRand *r)
{
    uint64_t v = 0;
    switch (g_rand_int_range(r, 0, 4)) {
    case 0:
        for (int i = 0; i < 4; i++) {
            v = v << 16 | random_fp(r, 16, 5);
        }
        return v;
    case 1:
        return random_fp(r, 32, 8) << 32 | random_fp(r, 32, 8);
    case 2:
        return random_fp(r, 64, 11);
    default:
        return (uint64_t)random32(r) << 32 | random32(r);
    }
}

static uint32_t random_exit(GRand *r)
{
    return g_rand_boolean(r) ? A32_EXIT : A32_EXIT_T32 | 1;
}

static uint32_t random_pointer(GRand *r)
{
    uint32_t mask = g_rand_int_range(r, 0, 4) ? ~7u : ~0u;
    return (uint32_t)A64_DATA + ((uint32_t)g_rand_int_range(r, 0x200, 0xe00) & mask);
}

/* As gen-a32.h says what is in which register. */
static void random_state(GRand *r, A32Case *c, uint32_t entry)
{
    static const uint8_t pointers[] = {4, 5, 6, 7, 12};
    A32Regs *s = &c->in;
    memset(s, 0, sizeof(*s));
    for (int i = 0; i < 15; i++) {
        s->r[i] = random32(r);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(pointers); i++) {
        s->r[pointers[i]] = random_pointer(r);
    }
    s->r[3] = g_rand_boolean(r) ? s->r[3] : (uint32_t)g_rand_int_range(r, -32, 32);
    s->r[9] = (uint32_t)g_rand_int_range(r, -32, 32);
    s->r[10] = (uint32_t)g_rand_int_range(r, 0, 32);
    s->r[11] = g_rand_int_range(r, 0, 8) ? g_rand_int(r) & FPSCR_RANDOM : s->r[11];
    s->r[13] = random_pointer(r) & ~7u;
    s->r[8] = random_exit(r);
    s->r[14] = random_exit(r);
    s->r[15] = entry;
    s->cpsr = g_rand_int(r) & FLAGS;
    const uint32_t fpscr[3] = {FPSCR_RANDOM, 0xf0000000, 0xf800009f}; /* what is raised is masked in the host (fpcr.c) */
    s->fpscr = g_rand_int(r) & fpscr[g_rand_int_range(r, 0, 3)];
    int verge = g_rand_int_range(r, 0, 8);
    for (int i = 0; i < 32; i++) {
        s->d[i] = verge < 2 ? fp_on_the_verge(r, verge) : random_d(r);
    }
    for (unsigned i = 0; i < A64_DATA_SIZE / 8; i++) {
        uint64_t v = i % 4 ? (uint64_t)g_rand_int(r) << 32 | g_rand_int(r) : random_d(r);
        v = i % 8 == 1 ? (v & 0xffffffff) | (uint64_t)random_exit(r) << 32 : v;
        memcpy(c->mem_in + 8 * i, &v, 8);
    }
}

/* ---- comparing ---- */

static void differ(GString *why, const char *name, int n, uint64_t want, uint64_t got)
{
    if (want != got) {
        g_string_append_printf(why, "%s%d: 0x%" PRIx64 ", not 0x%" PRIx64 "\n", name, n, got, want);
    }
}

static void compare(const A32Regs *want, const uint8_t *want_mem, const A32Regs *got, const uint8_t *got_mem, GString *why)
{
    uint32_t psr = FLAGS | CPSR_T | CPSR_E | (want->fault ? CPSR_IT : 0);
    differ(why, "fault ", 0, want->fault, got->fault);
    for (int i = 0; i < 16; i++) {
        differ(why, "r", i, want->r[i], got->r[i]);
    }
    differ(why, "cpsr ", 0, want->cpsr & psr, got->cpsr & psr);
    differ(why, "fpscr ", 0, want->fpscr, got->fpscr);
    for (int i = 0; i < 32; i++) {
        differ(why, "d", i, want->d[i], got->d[i]);
    }
    for (unsigned i = 0; i < A64_DATA_SIZE && want->fault != A64_FAULT_MEMORY; i++) {
        differ(why, "mem ", (int)i, want_mem[i], got_mem[i]);
    }
}

/* QEMU 7.2 calls VJCVT of a denormal that is flushed to zero exact; FPToFixedJS() does not. */
static void without_flushed_vjcvt(A32Case *c, const A32Slot *s)
{
    for (unsigned i = 0; i < s->n; i++) {
        if (!strcmp(s->insns[i].row->trans, "vjcvt")) {
            c->in.fpscr &= ~(uint32_t)FPCR_FZ;
        }
    }
}

static const A32Insn *insn_at(const A32Slot *s, uint32_t pc)
{
    for (unsigned i = 0; i < s->n; i++) {
        if (s->insns[i].pc == pc) {
            return &s->insns[i];
        }
    }
    return NULL;
}

/* Outcomes that the manual leaves open, or that QEMU 7.2 has wrong. */
typedef enum Open { OPEN_NOT, OPEN_WILD, OPEN_BRANCH, OPEN_PARTLY, OPEN_ALIGN, OPEN_SETPAN, OPEN_VECTORS, OPEN_ALIGN32, OPEN__COUNT } Open;
static const char *const open_names[OPEN__COUNT] = {
    [OPEN_WILD] = "wild addresses in the judge's own memory, or that lead to system calls or loops",
    [OPEN_BRANCH] = "branches to A32 code at half a word (E1.2.4: bit 1 may be ignored)",
    [OPEN_PARTLY] = "registers after the abort of a multiple load (G1.16.1: UNKNOWN)",
    [OPEN_ALIGN] = "alignment of a store-exclusive without its monitor, not checked by QEMU 7.2 (E2.8.2)",
    [OPEN_SETPAN] = "SETPAN, which QEMU 7.2 does not have (F5.1.187: no effect in User mode)",
    [OPEN_VECTORS] = "FPSCR.Len or Stride set: qemu-arm-static has short vectors of VFP, which Armv8 has not (G8.2.60)",
    [OPEN_ALIGN32] = "alignment of 32 bytes, of which QEMU 7.2 checks 16 (F6.1.154, VLD4: 4 << align)",
};

static Open left_open(const A32Case *c, const A32Slot *slot, const A32Regs *got)
{
    const A32Insn *at = insn_at(slot, got->r[15]);
    const A32Insn *theirs = insn_at(slot, c->out.r[15]);
    if (c->out.fault && (c->out.r[15] & 3) == 2 && !(c->out.cpsr & CPSR_T)) {
        return OPEN_BRANCH;
    }
    if (got->fpscr & FPSCR_VECTORS) {
        return OPEN_VECTORS;
    }
    bool foreign = (!at && got->r[15] - A64_CODE < A64_CODE_SIZE) || (!theirs && c->out.r[15] - A64_CODE < A64_CODE_SIZE);
    if (foreign) {
        return OPEN_WILD; /* in the middle of something */
    }
    if (theirs && !strcmp(theirs->row->trans, "setpan") && c->out.fault == A64_FAULT_UNDEF) {
        return OPEN_SETPAN;
    }
    if (!at || !a32_row(at->word, slot->thumb, at->wide)) {
        return OPEN_NOT;
    }
    bool multiple = strstr(at->row->trans, "ldm") || strstr(at->row->trans, "ldrd") || !strcmp(at->row->trans, "push") ||
                    strstr(at->row->trans, "extra");
    if (multiple && got->fault == A64_FAULT_MEMORY && c->out.fault == got->fault && c->out.r[15] == got->r[15]) {
        return OPEN_PARTLY;
    }
    uint32_t base = got->r[a32_field(at->row, at->word, "Rn")];
    if (!strcmp(at->row->trans, "nldst_multi") && got->fault == A64_FAULT_ALIGN && base % 32 == 16) {
        return OPEN_ALIGN32;
    }
    bool store = strstr(at->row->trans, "strex");
    return store && got->fault == A64_FAULT_ALIGN && c->out.r[15] != got->r[15] ? OPEN_ALIGN : OPEN_NOT;
}

static void print_case(const A32Case *c, const A32Slot *slot, const char *who, GString *why)
{
    printf("# %s, %s:\n", who, slot->thumb ? "T32" : "A32");
    for (unsigned i = 0; i < slot->n; i++) {
        const A32Insn *k = &slot->insns[i];
        printf("#   %08x %0*x %s (%s)", k->pc, k->wide ? 8 : 4, k->word, k->row->mnemonic, k->row->trans);
        for (const ArmField *f = k->row->fields; f->name; f++) {
            printf(" %s=%u", f->name, a32_field(k->row, k->word, f->name));
        }
        printf("\n");
    }
    printf("#  ");
    for (int i = 0; i < 15; i++) {
        printf(" r%d=%x", i, c->in.r[i]);
    }
    printf(" cpsr=%x fpscr=%x\n", c->in.cpsr, c->in.fpscr);
    int lines = 0;
    for (char *p = strtok(why->str, "\n"); p && lines < 10; p = strtok(NULL, "\n"), lines++) {
        printf("#     %s\n", p);
    }
}

/* ---- running ---- */

typedef struct Outcome {
    A32Regs regs;
    bool judges_memory;
    uint8_t mem[A64_DATA_SIZE];
} Outcome;

typedef struct Tally {
    int judge, engines; /* sequences that differ */
    uint64_t cases, judged, open[OPEN__COUNT];
} Tally;

static void run(A64Engine e, const A32Case *c, Outcome *o, bool *ran)
{
    *ran = a32_run(e, &c->in, c->mem_in, &o->regs, o->mem);
    o->judges_memory = *ran && a32_fault_is_judges();
}

static bool against_judge(const A32Case *c, const A32Slot *slot, const Outcome *interp, Tally *t)
{
    g_autoptr(GString) why = g_string_new(NULL);
    A32Regs seen = interp->regs;
    if (c->skip) {
        t->open[OPEN_WILD]++;
        return true;
    }
    t->judged++;
    compare(&c->out, c->mem_out, &seen, interp->mem, why);
    if (why->len == 0) {
        return true;
    }
    Open open = left_open(c, slot, &seen);
    if (open) {
        t->open[open]++;
        return true;
    }
    t->judge++;
    print_case(c, slot, "interpreter against the judge", why);
    return false;
}

static bool against_jit(const A32Case *c, const A32Slot *slot, const Outcome *interp, Tally *t)
{
    static Outcome jit;
    g_autoptr(GString) why = g_string_new(NULL);
    bool ran;
    run(A64_JIT, c, &jit, &ran);
    if (ran) {
        compare(&interp->regs, interp->mem, &jit.regs, jit.mem, why);
    }
    if (why->len) {
        t->engines++;
        print_case(c, slot, "JIT against the interpreter", why);
    }
    return !why->len;
}

static bool verified(const A32Slot *slot, const A32Case *c, Tally *t)
{
    g_autoptr(GString) why = g_string_new(NULL);
    if (a32_verify(c->in.r[15] & ~1u, slot->thumb, (int)slot->n + 1, why)) {
        return true;
    }
    print_case(c, slot, "verifier", why);
    t->engines++;
    return false;
}

static void for_slot(const A32Slot *slot)
{
    a64_feature(ARM_FEAT_V8, !slot->no_v8);
}

static void run_batch(GRand *r, A32Batch *b, const Judge *j, Tally *t)
{
    static A32Slot slots[A64_SLOTS];
    static Outcome outcomes[A64_CASES];
    bool ran;
    b->cases = A64_CASES;
    for (uint32_t i = 0; i < A64_SLOTS; i++) {
        uint32_t pc = (uint32_t)A64_CODE + i * A64_SLOT;
        a32_gen_slot(r, &slots[i], b->code + i * A64_SLOT, pc);
        for (unsigned k = 0; k < STATES; k++) {
            random_state(r, &b->c[i * STATES + k], pc | slots[i].thumb);
            without_flushed_vjcvt(&b->c[i * STATES + k], &slots[i]);
        }
    }
    a64_code((const uint32_t *)(const void *)b->code);
    for (unsigned i = 0; i < A64_CASES; i++) {
        A32Case *c = &b->c[i];
        for_slot(&slots[i / STATES]);
        run(A64_INTERP, c, &outcomes[i], &ran);
        uint32_t fault = outcomes[i].regs.fault;
        c->skip = fault == A64_FAULT_LOOP || fault == A64_FAULT_SYSTEM || outcomes[i].judges_memory;
    }
    if (j && !judge_batch(j)) {
        printf("# the judge died\n");
        t->judge = 1000;
        return;
    }
    for (unsigned i = 0; i < A64_SLOTS; i++) {
        for_slot(&slots[i]);
        bool ok = verified(&slots[i], &b->c[i * STATES], t);
        for (unsigned k = i * STATES; ok && k < (i + 1) * STATES; k++) {
            ok = (!j || against_judge(&b->c[k], &slots[i], &outcomes[k], t)) &&
                 against_jit(&b->c[k], &slots[i], &outcomes[k], t);
        }
    }
    t->cases += A64_CASES;
}

static void report(const Tally *t, bool any, bool judged, unsigned seed)
{
    a32_gen_report(STATES);
    for (int i = 1; i < OPEN__COUNT; i++) {
        printf("# not compared with the judge: %" PRIu64 " cases: %s\n", t->open[i], open_names[i]);
    }
    printf("%sok 1 - interpreter and JIT: %" PRIu64 " cases, %d sequences differ (seed %u)\n",
           t->engines || !any ? "not " : "", t->cases, t->engines, seed);
    if (judged) {
        printf("%sok 2 - against qemu-arm-static: %" PRIu64 " cases, %d sequences differ\n", t->judge ? "not " : "",
               t->judged, t->judge);
    } else {
        printf("ok 2 # SKIP qemu-arm-static or the armhf compiler is not installed\n");
    }
}

int main(int argc, char **argv)
{
    uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 0) : 20000;
    unsigned seed = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
    int fd = memfd_create("a32", 0);
    Judge judge;
    Tally t = {0};
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fd < 0 || ftruncate(fd, sizeof(A32Batch)) < 0) {
        return 1;
    }
    A32Batch *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    a64_init(!getenv("NO_JIT"));
    a64_feature(ARM_FEAT_SSBS, false); /* QEMU 7.2 does not let User mode write CPSR.SSBS and DIT (CPSRWriteByInstr()) */
    a64_feature(ARM_FEAT_DIT, false);
    a32_registers();
    bool any = a32_gen_init(argc > 3 ? argv[3] : NULL);
    bool judged = judge_start(&judge, "qemu-arm-static", "max", getenv("A32_JUDGE"), fd);
    printf("1..2\n");
    GRand *r = g_rand_new_with_seed(seed);
    while (any && t.cases < cases && t.judge + t.engines < 20) {
        run_batch(r, b, judged ? &judge : NULL, &t);
    }
    report(&t, any, judged, seed);
    if (judged) {
        judge_end(&judge);
    }
    g_rand_free(r);
    return t.engines || t.judge || !any;
}
