/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random A64 sequences at EL0 on the IR's interpreter, the JIT, and a judge: judge.c under Debian's
 * qemu-aarch64-static. Every difference in registers, flags, FPSR, memory or fault is a failure.
 * Arguments: [cases [seed [only: a table, or part of a mnemonic or translator]]]; the environment names the judge's program
 * (A64_JUDGE), and NO_JIT=1 leaves the JIT out.
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
#include "tests/insn/arm/judge-run.h"
#include "tests/insn/arm/rows.h"

#define STATES 4 /* of each sequence */
#define MAX_INSNS 6
#define EXIT_BRANCH(pc) (0x14000000u | (uint32_t)((A64_EXIT - (pc)) / 4 & 0x3ffffff))

static const char *only;
static bool unjudged; /* instructions that the judge can not tell */
static uint64_t executed, *seen;
static unsigned *usable, n_usable;

/* ---- rows ---- */

/* Why instructions of the row are not run; NULL: they are. */
static const char *not_run(const ArmRow *r)
{
    static const struct {
        const char *trans, *why;
    } rows[] = {
        {"none", "not implemented: UNDEFINED"},
        {"svc", "a system call"},
        {"pac1716", "the judge's keys are secret: test-protection.c"},
        {"pac_lr", "the judge's keys are secret: test-protection.c"},
        {"pac", "the judge's keys are secret: test-protection.c"},
        {"pacz", "the judge's keys are secret: test-protection.c"},
        {"pacga", "the judge's keys are secret: test-protection.c"},
        {"bra", "the judge's keys are secret: test-protection.c"},
        {"reta", "the judge's keys are secret: test-protection.c"},
        {"ldg", "tags in memory: tests/guest/armmte.py"},
        {"stg", "tags in memory: tests/guest/armmte.py"},
        {"stgp", "tags in memory: tests/guest/armmte.py"},
        {"ldra", "the judge's keys are secret: test-protection.c"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (!strcmp(r->trans, rows[i].trans)) {
            return rows[i].why;
        }
    }
    return NULL;
}

static bool wanted(const ArmRow *r)
{
    return !only || strstr(r->mnemonic, only) || strstr(r->trans, only) || !strcmp(r->table, only);
}

static void find_usable(void)
{
    usable = g_new(unsigned, arm_n_rows);
    seen = g_new0(uint64_t, arm_n_rows);
    for (unsigned i = 0; i < arm_n_rows; i++) {
        const ArmRow *r = &arm_rows[i];
        if (!not_run(r) && wanted(r)) {
            usable[n_usable++] = i;
        }
    }
}

/* ---- instructions ---- */

static uint32_t field(uint32_t w, unsigned at, unsigned bits, uint32_t v)
{
    uint32_t m = ((1u << bits) - 1) << at;
    return (w & ~m) | (v << at & m);
}

static unsigned get(uint32_t w, unsigned at, unsigned bits)
{
    return w >> at & ((1u << bits) - 1);
}

static bool is_load_store(uint32_t w)
{
    return (w >> 25 & 5) == 4;
}

static bool is_sve_memory(uint32_t w)
{
    return (w >> 25 & 15) == 2 && w >> 31;
}

static bool is(const ArmRow *r, const char *trans)
{
    return !strcmp(r->trans, trans);
}

#define POINTER(r) ((uint32_t)g_rand_int_range(r, 10, 16)) /* X10..X15 point into the data */

#define SYS_KEY(op1, crn, crm, op2) ((op1) << 16 | (crn) << 12 | (crm) << 8 | (op2) << 5)
#define SYS_NZCV (SYS_KEY(3u, 4u, 2u, 0u) | 1u << 19)
#define SYS_FPCR (SYS_KEY(3u, 4u, 4u, 0u) | 1u << 19)
#define SYS_FPSR (SYS_KEY(3u, 4u, 4u, 1u) | 1u << 19)
#define SYS_MASK 0x000fffe0u

/*
 * What EL0 has of them without the system: cache maintenance (but DC CVAP and CVADP, which QEMU 7.2 does not have in user
 * mode), DC ZVA; NZCV, FPCR and FPSR.
 */
static uint32_t tame_system(GRand *r, const ArmRow *row, uint32_t w)
{
    static const uint32_t cache[] = {SYS_KEY(3, 7, 4, 1),  SYS_KEY(3, 7, 5, 1),  SYS_KEY(3, 7, 10, 1), SYS_KEY(3, 7, 11, 1),
                                     SYS_KEY(3, 7, 14, 1)};
    static const uint32_t registers[] = {SYS_NZCV, SYS_FPCR, SYS_FPSR};
    if (is(row, "sys")) {
        w = (w & ~(SYS_MASK | 1u << 21)) | cache[g_rand_int_range(r, 0, G_N_ELEMENTS(cache))];
        return field(w, 0, 5, POINTER(r));
    }
    return (w & ~SYS_MASK) | registers[g_rand_int_range(r, 0, G_N_ELEMENTS(registers))];
}

/* FPCR is written last, for the excuses ask what it was. */
static bool misplaced(const ArmRow *row, uint32_t w, int place, int n)
{
    return is(row, "msr_mrs") && (w & SYS_MASK) == SYS_FPCR && !get(w, 21, 1) && place + 1 < n;
}

/* Addresses that hit the data area, branches forward inside the slot. */
static uint32_t tame(GRand *r, const ArmRow *row, uint32_t w, unsigned left)
{
    uint32_t ahead = (uint32_t)g_rand_int_range(r, 1, (int)left + 2);
    if (get(w, 0, 5) == 18) {
        w = field(w, 0, 5, 19); /* X18 is where indirect branches go */
    }
    if (is(row, "b")) {
        return field(w, 0, 26, ahead);
    } else if (is(row, "b_cond") || is(row, "cbz")) {
        return field(w, 5, 19, ahead);
    } else if (is(row, "tbz")) {
        return field(w, 5, 14, ahead);
    } else if (is(row, "br")) {
        return field(w, 5, 5, 18);
    } else if (is(row, "ldr_lit") || is(row, "ldr_lit_v")) {
        return field(w, 5, 19, (uint32_t)g_rand_int_range(r, -1024, 1024));
    } else if (is(row, "sys") || is(row, "msr_mrs")) {
        return tame_system(r, row, w);
    } else if (is_sve_memory(w)) {
        w = field(w, 5, 5, POINTER(r));
        return strstr(row->trans, "_r") ? field(w, 16, 5, 16 + (g_rand_int(r) & 1)) : w;
    } else if (!is_load_store(w)) {
        return w;
    }
    if (g_rand_int_range(r, 0, 16)) {
        w = field(w, 5, 5, g_rand_int_range(r, 0, 5) ? POINTER(r) : 31);
    }
    if (strstr(row->trans, "uimm")) {
        w = field(w, 10, 12, g_rand_int(r) & 63);
    } else if (strstr(row->trans, "ldst_reg") || strstr(row->trans, "ldst_multi") || strstr(row->trans, "ldst_single")) {
        w = g_rand_int_range(r, 0, 8) && get(w, 16, 5) != 31 ? field(w, 16, 5, 16 + (g_rand_int(r) & 1)) : w;
    }
    return w;
}

/* CONSTRAINED UNPREDICTABLE: registers of an instruction that must differ. */
static bool unpredictable(const ArmRow *row, uint32_t w)
{
    unsigned t = get(w, 0, 5), n = get(w, 5, 5), t2 = get(w, 10, 5), m = get(w, 16, 5);
    if (!is_load_store(w)) {
        return false;
    }
    if (is(row, "ldst_pair")) {
        bool wb = get(w, 23, 1);
        return (get(w, 22, 1) && t == t2) || (wb && n != 31 && (t == n || t2 == n));
    }
    if (is(row, "ldst_pair_v")) {
        return get(w, 22, 1) && t == t2;
    }
    if (is(row, "ldst_imm9")) {
        return get(w, 10, 1) && n == t && n != 31;
    }
    if (is(row, "casp")) {
        return m == 30; /* XZR is the second one; QEMU 7.2 writes SP */
    }
    if (is(row, "ldst_excl") || is(row, "ldst_excl_pair")) {
        bool load = get(w, 22, 1), pair = is(row, "ldst_excl_pair");
        return load ? pair && t == t2 : m == t || (m == n && n != 31) || (pair && m == t2);
    }
    return false;
}

/*
 * Where QEMU 7.2 is wrong: FCVTZS and FCVTZU of halves with fraction bits as scalars extend the result to 32 bits
 * (C7.2: the rest is zero); FMOV (vector, immediate) with op = o2 = 1 is reserved (C4.1); WHILEWR and WHILERW of addresses
 * less than an element apart (the quotient is zero: all true); FMMLA of doubles is UNDEFINED below 256 bits.
 * HLT #0xf000 is a call of semihosting, MSR SVCR of SME, which the judge has. LDFF1 and LDNF1 may leave out any element behind the first.
 */
static bool judge_errs(const ArmRow *row, uint32_t w)
{
    bool half_fixed = (w & 0xdff0fc00) == 0x5f10fc00, reserved_fmov = (w & 0xbff8fc00) == 0x2f00fc00;
    bool first_fault = strstr(row->mnemonic, "LDFF1") || strstr(row->mnemonic, "LDNF1") ||
                       (strstr(row->trans, "gather") && !strstr(row->trans, "_nt") && get(w, 13, 1));
    bool semihosting = is(row, "hlt") && get(w, 5, 16) == 0xf000;
    bool sme = is(row, "msr_imm") && get(w, 16, 3) == 3 && get(w, 5, 3) == 3;
    return semihosting || sme || half_fixed || reserved_fmov || first_fault || is(row, "p_whilerw") || is(row, "z_fmmla_d");
}

/* A row that is left out describes this word better. */
static bool left_out(unsigned row, uint32_t w)
{
    for (unsigned k = 0; k < row; k++) { /* the more specific ones come first */
        if ((w & arm_rows[k].mask) == arm_rows[k].value && not_run(&arm_rows[k])) {
            return true;
        }
    }
    return false;
}

static uint32_t random_insn(GRand *r, unsigned left, unsigned *row)
{
    for (;;) {
        unsigned k = usable[g_rand_int_range(r, 0, (int)n_usable)];
        uint32_t w = arm_rows[k].value | (g_rand_int(r) & ~arm_rows[k].mask);
        w = (tame(r, &arm_rows[k], w, left) & ~arm_rows[k].mask) | arm_rows[k].value;
        if (!unpredictable(&arm_rows[k], w) && (unjudged || !judge_errs(&arm_rows[k], w)) && !left_out(k, w)) {
            *row = k;
            return w;
        }
    }
}

/* A slot: X30, up to MAX_INSNS instructions, the way out. Returns how many. */
static bool is_exclusive(const ArmRow *row)
{
    return is(row, "ldst_excl") || is(row, "ldst_excl_pair");
}

static int random_slot(GRand *r, uint32_t *code, uint64_t slot)
{
    uint64_t pc = A64_CODE + slot * A64_SLOT;
    int n = g_rand_int_range(r, 1, only && !strstr(only, ".tbl") ? 2 : MAX_INSNS + 1), i = 0;
    bool monitor = false;
    code[0] = 0x58000000u | 30 | (uint32_t)((A64_X30 - pc) / 4 & 0x7ffff) << 5;
    while (i < n) {
        unsigned row;
        uint32_t w = random_insn(r, (unsigned)(n - i), &row);
        bool exclusive = is_exclusive(&arm_rows[row]);
        if ((exclusive && monitor) || misplaced(&arm_rows[row], w, i, n)) {
            continue; /* a store of another size than the load */
        }
        monitor |= exclusive && get(w, 22, 1);
        code[++i] = w;
        seen[row] += STATES;
        if (is(&arm_rows[row], "rbit") && i < MAX_INSNS && g_rand_boolean(r)) { /* and CLZ of its result, as compilers do */
            uint32_t d = get(w, 0, 5);
            code[++i] = (w & 0x80000000) | 0x5ac01000 | d << 5 | d;
        }
        if (exclusive && get(w, 22, 1) && i < MAX_INSNS && g_rand_boolean(r)) { /* its store, with other registers */
            uint32_t st = field(field(field(w, 22, 1, 0), 0, 5, 20), 16, 5, 21);
            code[++i] = field(st, 10, 5, 22);
        }
    }
    for (unsigned k = (unsigned)i + 1; k < A64_SLOT / 4; k++) {
        code[k] = EXIT_BRANCH(pc + 4 * k);
    }
    return i;
}

/* ---- states ---- */

static uint64_t random64(GRand *r)
{
    uint64_t v = (uint64_t)g_rand_int(r) << 32 | g_rand_int(r);
    switch (g_rand_int_range(r, 0, 9)) {
    case 0:
        return v & 0xff;
    case 1:
        return (uint64_t)(int64_t)(int8_t)v;
    case 2:
        return 1ull << (v & 63);
    case 3:
        return (1ull << (v & 63)) - 1;
    case 4:
        return v >> 60 & 1 ? 0x80000000 : 0x8000000000000000;
    case 5:
        return v & 0xffffffff;
    default:
        return v;
    }
}

/* Elements of one size: ordinary numbers near each other, and all that is special. */
static uint64_t random_fp(GRand *r, unsigned bits, unsigned exp_bits)
{
    unsigned frac = bits - 1 - exp_bits;
    uint64_t v = ((uint64_t)g_rand_int(r) << 32 | g_rand_int(r)) >> (64 - bits), sign = v & 1ull << (bits - 1);
    uint64_t bias = (1ull << (exp_bits - 1)) - 1, ones = (1ull << exp_bits) - 1, m = (1ull << frac) - 1;
    switch (g_rand_int_range(r, 0, 16)) {
    case 0:
        return sign;
    case 1:
        return sign | ones << frac;
    case 2:
        return sign | ones << frac | (v & m);
    case 3:
        return sign | (v & m);
    case 4:
        return sign | 1ull << frac | (v & 3);
    case 5:
        return sign | (ones - 1) << frac | (v & m);
    case 6:
        return v;
    case 7:
        return sign | bias << frac;
    case 8:
        return sign | (bias + 8 + v % 60) << frac | (v & m); /* about the size of integers */
    default:
        return sign | (bias - 4 + v % 8) << frac | (v & m & ~(v >> 3 & 1 ? m >> 3 : 0));
    }
}

static uint64_t random_v(GRand *r)
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
        return random64(r);
    }
}

static void random_state(GRand *r, A64Case *c)
{
    A64Regs *s = &c->in;
    uint64_t *mem = (uint64_t *)(void *)c->mem_in;
    memset(s, 0, sizeof(*s));
    for (int i = 0; i < 31; i++) {
        s->x[i] = random64(r);
    }
    for (int i = 10; i < 16; i++) {
        uint64_t mask = g_rand_int_range(r, 0, 4) ? ~7ull : ~0ull;
        s->x[i] = A64_DATA + ((uint64_t)g_rand_int_range(r, 0x200, 0xe00) & mask);
        s->x[i] |= g_rand_int_range(r, 0, 32) ? 0 : (uint64_t)(g_rand_int(r) & 0xff) << 56;
    }
    s->x[16] = (uint64_t)g_rand_int_range(r, -32, 32);
    s->x[17] = (uint32_t)g_rand_int_range(r, -32, 32);
    s->x[18] = A64_CODE + (c->slot + 1) * A64_SLOT - 4; /* for indirect branches: the way out */
    for (int i = 0; i < 17; i++) {
        unsigned lanes = g_rand_int(r) & 0xffff;
        s->p[i] = (uint16_t)(i == 16 || g_rand_boolean(r) ? (1u << g_rand_int_range(r, 0, 17)) - 1 : lanes);
    }
    s->sp = A64_DATA + ((uint64_t)g_rand_int_range(r, 0x200, 0xe00) & ~15ull);
    s->nzcv = (uint64_t)g_rand_int_range(r, 0, 16) << 28;
    if (g_rand_int_range(r, 0, 3) == 0) {
        s->fpcr = g_rand_int(r) & 0x07c80000;
    }
    s->fpsr = g_rand_int_range(r, 0, 3) ? 0 : g_rand_int(r) & 0x0800009f;
    int verge = g_rand_int_range(r, 0, 8);
    for (int i = 0; i < 64; i++) {
        s->v[i / 2][i % 2] = verge < 2 ? fp_on_the_verge(r, verge) : random_v(r);
    }
    for (unsigned i = 0; i < A64_DATA_SIZE / 8; i++) {
        mem[i] = i % 4 ? (uint64_t)g_rand_int(r) << 32 | g_rand_int(r) : random_v(r);
    }
    mem[(A64_X30 - A64_DATA) / 8] = s->x[30];
}

/* ---- comparing ---- */

/*
 * Alignment that QEMU 7.2 does not check: of LDAPR (C6.2.156: an ordered access, B2.5.2), of LDXP, STXP of 32 bits and of
 * store-exclusives whose monitor is not set (shared/functions/exclusive: checked before).
 */
static bool unchecked_alignment(const A64Case *c, const uint32_t *code, const A64Regs *got)
{
    uint64_t at = (got->pc - A64_CODE - c->slot * A64_SLOT) / 4;
    bool same = c->out.fault == A64_FAULT_ALIGN && c->out.pc == got->pc;
    if (got->fault != A64_FAULT_ALIGN || same || at >= A64_SLOT / 4) {
        return false;
    }
    uint32_t w = code[at];
    return (w & 0x3fe0fc00) == 0x38a0c000 || (w & 0x3f800000) == 0x08000000 || (w & 0x3f200c00) == 0x19000000;
}

/* QEMU 7.2 has ~0 for "no monitor": a store-exclusive there does not fail, but faults (shared/functions/exclusive). */
static bool no_monitor_at_ones(const A64Case *c, const uint32_t *code)
{
    uint64_t at = (c->out.pc - A64_CODE - c->slot * A64_SLOT) / 4;
    bool store = at < A64_SLOT / 4 && (code[at] & 0x3f400000) == 0x08000000;
    unsigned n = store ? get(code[at], 5, 5) : 31;
    return store && c->out.fault == A64_FAULT_MEMORY && n < 31 && c->out.x[n] == ~0ull;
}

/* QEMU 7.2 reports the abort of DC ZVA at the beginning of its block of instructions. */
static bool vague_zva(const A64Case *c, const uint32_t *code, const A64Regs *got)
{
    uint64_t at = (got->pc - A64_CODE - c->slot * A64_SLOT) / 4;
    bool both = got->fault == A64_FAULT_MEMORY && c->out.fault == A64_FAULT_MEMORY;
    return both && at < A64_SLOT / 4 && (code[at] & 0xffffffe0) == 0xd50b7420;
}

/* QEMU 7.2 calls FJCVTZS of a denormal that is flushed to zero exact; FPToFixedJS() does not. */
static void without_flushed_fjcvtzs(A64Case *c, const uint32_t *code, int n)
{
    for (int i = 0; i < n; i++) {
        if ((code[i] & 0xfffffc00) == 0x1e7e0000) {
            c->in.fpcr &= ~(uint64_t)FPCR_FZ;
        }
    }
}

static void differ(GString *why, const char *name, int n, uint64_t want, uint64_t got)
{
    if (want != got) {
        g_string_append_printf(why, "%s%d: 0x%" PRIx64 ", not 0x%" PRIx64 "\n", name, n, got, want);
    }
}

static void compare(const A64Regs *want, const uint8_t *want_mem, const A64Regs *got, const uint8_t *got_mem, GString *why)
{
    differ(why, "fault ", 0, want->fault, got->fault);
    differ(why, "pc ", 0, want->pc << 8, got->pc << 8); /* a branch target may have had a tag */
    for (int i = 0; i < 31; i++) {
        differ(why, "x", i, want->x[i], got->x[i]);
    }
    differ(why, "sp ", 0, want->sp, got->sp);
    differ(why, "nzcv ", 0, want->nzcv, got->nzcv);
    differ(why, "fpcr ", 0, want->fpcr, got->fpcr);
    differ(why, "fpsr ", 0, want->fpsr, got->fpsr);
    for (int i = 0; i < 32; i++) {
        differ(why, "v.lo ", i, want->v[i][0], got->v[i][0]);
        differ(why, "v.hi ", i, want->v[i][1], got->v[i][1]);
    }
    for (int i = 0; i < 17; i++) {
        differ(why, "p", i, want->p[i], got->p[i]);
    }
    for (unsigned i = 0; i < A64_DATA_SIZE && want->fault != A64_FAULT_MEMORY; i++) {
        differ(why, "mem ", (int)i, want_mem[i], got_mem[i]);
    }
}

static void print_case(const A64Case *c, const uint32_t *code, int n, const char *who, GString *why)
{
    printf("# %s:\n#  ", who);
    for (int i = 1; i <= n; i++) {
        printf(" %08x", code[i]);
    }
    printf("\n");
    for (int i = 1; i <= n; i++) {
        for (unsigned k = 0; k < arm_n_rows; k++) {
            if ((code[i] & arm_rows[k].mask) == arm_rows[k].value) {
                uint32_t w = code[i];
                printf("#   %d %s: n x%u=0x%" PRIx64 " m x%u=0x%" PRIx64 " nzcv 0x%" PRIx64 " fpcr 0x%" PRIx64 "\n", i,
                       arm_rows[k].mnemonic, get(w, 5, 5), get(w, 5, 5) < 31 ? c->in.x[get(w, 5, 5)] : 0,
                       get(w, 16, 5), get(w, 16, 5) < 31 ? c->in.x[get(w, 16, 5)] : 0, c->in.nzcv, c->in.fpcr);
                printf("#     vn=%016" PRIx64 "_%016" PRIx64 " vm=%016" PRIx64 "_%016" PRIx64 " vd=%016" PRIx64 "_%016" PRIx64 "\n",
                       c->in.v[get(w, 5, 5)][1], c->in.v[get(w, 5, 5)][0], c->in.v[get(w, 16, 5)][1],
                       c->in.v[get(w, 16, 5)][0], c->in.v[get(w, 0, 5)][1], c->in.v[get(w, 0, 5)][0]);
                break;
            }
        }
    }
    int lines = 0;
    for (char *p = strtok(why->str, "\n"); p && lines < 12; p = strtok(NULL, "\n"), lines++) {
        printf("#     %s\n", p);
    }
}

/* ---- running ---- */

typedef struct Tally {
    int judge, engines; /* sequences that differ */
    uint64_t cases;
} Tally;

static bool run_case(const A64Case *c, const uint32_t *code, int n, bool judged, Tally *t)
{
    static A64Regs interp, jit;
    static uint8_t interp_mem[A64_DATA_SIZE], jit_mem[A64_DATA_SIZE];
    g_autoptr(GString) why = g_string_new(NULL);
    a64_run(A64_INTERP, &c->in, c->slot, c->mem_in, &interp, interp_mem);
    executed += (uint64_t)n;
    if (judged) {
        compare(&c->out, c->mem_out, &interp, interp_mem, why);
        bool theirs = a64_fault_is_judges(); /* a wild address found the judge's own memory */
        theirs |= unchecked_alignment(c, code, &interp) || no_monitor_at_ones(c, code) || vague_zva(c, code, &interp);
        if (why->len && !theirs) {
            t->judge++;
            print_case(c, code, n, "interpreter against the judge", why);
            return false;
        }
    }
    g_string_truncate(why, 0);
    if (a64_run(A64_JIT, &c->in, c->slot, c->mem_in, &jit, jit_mem)) {
        compare(&interp, interp_mem, &jit, jit_mem, why);
        if (why->len) {
            t->engines++;
            print_case(c, code, n, "JIT against the interpreter", why);
            return false;
        }
    }
    return true;
}

static void run_batch(GRand *r, A64Batch *b, const Judge *j, Tally *t)
{
    int n[A64_SLOTS];
    b->cases = A64_CASES;
    for (uint64_t i = 0; i < A64_SLOTS; i++) {
        n[i] = random_slot(r, b->code + i * A64_SLOT / 4, i);
    }
    for (uint64_t i = 0; i < A64_CASES; i++) {
        b->c[i].slot = i / STATES;
        random_state(r, &b->c[i]);
        without_flushed_fjcvtzs(&b->c[i], b->code + i / STATES * A64_SLOT / 4 + 1, n[i / STATES]);
    }
    a64_code(b->code);
    bool judged = j && judge_batch(j);
    if (j && !judged) {
        printf("# the judge died\n");
        t->judge++;
        return;
    }
    for (uint64_t i = 0; i < A64_SLOTS; i++) {
        const uint32_t *code = b->code + i * A64_SLOT / 4;
        g_autoptr(GString) why = g_string_new(NULL);
        if (!a64_verify(A64_CODE + i * A64_SLOT + 4, n[i] + 1, why)) {
            printf("# verifier: %s\n", why->str);
            print_case(&b->c[i * STATES], code, n[i], "verifier", why);
            t->engines++;
            continue;
        }
        for (uint64_t k = 0; k < STATES; k++) {
            if (!run_case(&b->c[i * STATES + k], code, n[i], judged, t)) {
                break;
            }
        }
    }
    t->cases += A64_CASES;
}

/* Rows that were wanted and never run, and those that are not run. */
static int count_missed(void)
{
    int missed = 0;
    for (unsigned i = 0; i < arm_n_rows; i++) {
        const char *why = not_run(&arm_rows[i]);
        if (!wanted(&arm_rows[i]) || (!why && seen[i])) {
            continue;
        }
        printf("# %s: %s%s%s\n", why ? "not run" : "never", arm_rows[i].mnemonic, why ? ": " : "", why ? why : "");
        missed += !why;
    }
    return missed;
}

/* What QEMU 7.2 does not have. */
static void newer_features(bool on)
{
    static const int newer[] = {ARM_FEAT_LSE2, ARM_FEAT_HBC, ARM_FEAT_XS, ARM_FEAT_WFxT, ARM_FEAT_MOPS};
    for (unsigned i = 0; i < G_N_ELEMENTS(newer); i++) {
        a64_feature(newer[i], on);
    }
}

static bool judge_knows(const ArmRow *row)
{
    const char *f = row->features;
    bool newer = strstr(f, "HBC") || strstr(f, "XS") || strstr(f, "WFxT") || strstr(f, "MOPS");
    return !newer && !judge_errs(row, row->value);
}

/* The rows of those features, which are UNDEFINED for the judge, and where it errs: on the two engines only. */
static Tally run_newer(GRand *r, A64Batch *b, uint64_t cases)
{
    Tally t = {0};
    unsigned n = 0, all = n_usable;
    newer_features(true);
    unjudged = true;
    for (unsigned i = 0; i < all; i++) {
        if (!judge_knows(&arm_rows[usable[i]])) {
            usable[n++] = usable[i];
        }
    }
    n_usable = n;
    while (n && t.cases < cases && t.engines < 20) {
        run_batch(r, b, NULL, &t);
    }
    return t;
}

int main(int argc, char **argv)
{
    uint64_t cases = argc > 1 ? strtoull(argv[1], NULL, 0) : 20000;
    unsigned seed = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
    int fd = memfd_create("a64", 0);
    Judge judge;
    Tally t = {0};
    only = argc > 3 ? argv[3] : NULL;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fd < 0 || ftruncate(fd, sizeof(A64Batch)) < 0) {
        return 1;
    }
    A64Batch *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    a64_init(!getenv("NO_JIT"));
    newer_features(false);
    find_usable();
    bool any = n_usable;
    bool judged = judge_start(&judge, "qemu-aarch64-static", "max,sve-default-vector-length=16", getenv("A64_JUDGE"), fd);
    printf("1..3\n");
    GRand *r = g_rand_new_with_seed(seed);
    while (n_usable && t.cases < cases && t.judge + t.engines < 20) {
        run_batch(r, b, judged ? &judge : NULL, &t);
    }
    unsigned rows = n_usable;
    Tally newer = run_newer(r, b, cases / 10);
    printf("# %u rows, %d of them never, %" PRIu64 " instructions\n", rows, count_missed(), executed);
    printf("%sok 1 - interpreter and JIT: %" PRIu64 " cases, %d sequences differ (seed %u)\n",
           t.engines || !any ? "not " : "", t.cases, t.engines, seed);
    if (judged) {
        printf("%sok 2 - against qemu-aarch64-static: %" PRIu64 " cases, %d sequences differ\n", t.judge ? "not " : "",
               t.cases, t.judge);
        judge_end(&judge);
    } else {
        printf("ok 2 # SKIP qemu-aarch64-static or the arm64 compiler is not installed\n");
    }
    printf("%sok 3 - interpreter and JIT, what the judge does not have: %" PRIu64 " cases, %d sequences differ\n",
           newer.engines ? "not " : "", newer.cases, newer.engines);
    g_rand_free(r);
    return t.engines || t.judge || newer.engines || !any;
}
