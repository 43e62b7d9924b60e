/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exact floating point (target/arm/fp.h) against the host's SSE unit: random and special operands in all rounding
 * modes, results and flags. Where the architectures differ is left out: which NaN results (that there is one is
 * compared), Underflow when the rounded result is the smallest normal (x86 looks after rounding, Arm before), and
 * conversions to integers that do not fit. Halves are compared with the same operation on doubles rounded to odd.
 *
 * usage: test-arm-fp-host COUNT [SEED]     COUNT pairs of operands per operation and rounding mode
 */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "accel/tcg/target.h"
#include "target/arm/fp.h"

static uint64_t state = 1;
static uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1dull;
}

static const unsigned fbits_of[4] = {7, 10, 23, 52}, width_of[4] = {16, 16, 32, 64};

/* Operands near the edges more often than uniform ones. */
static uint64_t operand(FpFmt f)
{
    unsigned fb = fbits_of[f], eb = width_of[f] - 1 - fb;
    uint64_t emax = (1ull << eb) - 1, bias = emax / 2, r = rnd();
    uint64_t frac = rnd() & ((1ull << fb) - 1), exp;
    switch (r & 7) {
    case 0:
        frac = 0;
        break;
    case 1:
        frac = (1ull << fb) - 1;
        break;
    case 2:
        frac = 1ull << (r >> 8) % fb;
        break;
    case 3:
        frac &= ~0ull << (r >> 8) % fb;
        break;
    default:
        break;
    }
    switch (r >> 3 & 7) {
    case 0:
        exp = 0;
        break;
    case 1:
        exp = (r >> 16 & 3) == 0 ? emax : 1;
        break;
    case 2:
        exp = emax - 1;
        break;
    case 3:
        exp = (r >> 16) % (emax + 1);
        break;
    default: /* near one */
        exp = bias - fb + (r >> 16) % (2 * fb);
        break;
    }
    return (r >> 63) << (width_of[f] - 1) | (exp & emax) << fb | frac;
}

/* ---- the host ---- */

typedef struct Host {
    uint64_t r;
    uint32_t flags; /* FPSR's */
} Host;

static const uint32_t host_rm[4] = {0, 0x4000, 0x2000, 0x6000}; /* FP_RN, RP, RM, RZ */
static uint32_t saved;

static void host_on(FpRound rm)
{
    uint32_t m = 0x1f80 | host_rm[rm];
    __asm__ volatile("stmxcsr %0" : "=m"(saved));
    __asm__ volatile("ldmxcsr %0" : : "m"(m));
}

static uint32_t host_off(void)
{
    uint32_t m;
    __asm__ volatile("stmxcsr %0" : "=m"(m));
    __asm__ volatile("ldmxcsr %0" : : "m"(saved));
    return (m & 1) | (m >> 2 & 1) << 1 | (m >> 3 & 1) << 2 | (m >> 4 & 1) << 3 | (m >> 5 & 1) << 4;
}

#define TWO(name, insn)                                                                                  \
    static Host host_##name(FpFmt f, FpRound rm, uint64_t a, uint64_t b, uint64_t c)                     \
    {                                                                                                    \
        host_on(rm);                                                                                     \
        if (f == FP_S) {                                                                                 \
            __asm__ volatile("movq %1, %%xmm1\n\tmovq %0, %%xmm0\n\t" insn "ss %%xmm1, %%xmm0\n\t"       \
                             "movd %%xmm0, %k0" : "+r"(a) : "r"(b) : "xmm0", "xmm1");                    \
        } else {                                                                                         \
            __asm__ volatile("movq %1, %%xmm1\n\tmovq %0, %%xmm0\n\t" insn "sd %%xmm1, %%xmm0\n\t"       \
                             "movq %%xmm0, %0" : "+r"(a) : "r"(b) : "xmm0", "xmm1");                     \
        }                                                                                                \
        return (Host){a, host_off()};                                                                    \
    }
TWO(add, "add")
TWO(sub, "sub")
TWO(mul, "mul")
TWO(div, "div")

static Host host_sqrt(FpFmt f, FpRound rm, uint64_t a, uint64_t b, uint64_t c)
{
    host_on(rm);
    if (f == FP_S) {
        __asm__ volatile("movq %0, %%xmm0\n\tsqrtss %%xmm0, %%xmm0\n\tmovd %%xmm0, %k0" : "+r"(a) : : "xmm0");
    } else {
        __asm__ volatile("movq %0, %%xmm0\n\tsqrtsd %%xmm0, %%xmm0\n\tmovq %%xmm0, %0" : "+r"(a) : : "xmm0");
    }
    return (Host){a, host_off()};
}

/* c + a * b */
static Host host_fma(FpFmt f, FpRound rm, uint64_t a, uint64_t b, uint64_t c)
{
    host_on(rm);
    if (f == FP_S) {
        __asm__ volatile("vmovq %0, %%xmm0\n\tvmovq %1, %%xmm1\n\tvmovq %2, %%xmm2\n\tvfmadd213ss %%xmm2, %%xmm1, "
                         "%%xmm0\n\tvmovd %%xmm0, %k0" : "+r"(a) : "r"(b), "r"(c) : "xmm0", "xmm1", "xmm2");
    } else {
        __asm__ volatile("vmovq %0, %%xmm0\n\tvmovq %1, %%xmm1\n\tvmovq %2, %%xmm2\n\tvfmadd213sd %%xmm2, %%xmm1, "
                         "%%xmm0\n\tvmovq %%xmm0, %0" : "+r"(a) : "r"(b), "r"(c) : "xmm0", "xmm1", "xmm2");
    }
    return (Host){a, host_off()};
}

/* To the other of single and double. */
static Host host_convert(FpFmt f, FpRound rm, uint64_t a, uint64_t b, uint64_t c)
{
    host_on(rm);
    if (f == FP_S) {
        __asm__ volatile("movq %0, %%xmm0\n\tcvtss2sd %%xmm0, %%xmm0\n\tmovq %%xmm0, %0" : "+r"(a) : : "xmm0");
    } else {
        __asm__ volatile("movq %0, %%xmm0\n\tcvtsd2ss %%xmm0, %%xmm0\n\tmovd %%xmm0, %k0" : "+r"(a) : : "xmm0");
    }
    return (Host){a, host_off()};
}

static Host host_to_half(FpFmt f, FpRound rm, uint64_t a, uint64_t b, uint64_t c)
{
    host_on(rm);
    __asm__ volatile("vmovq %0, %%xmm0\n\tvcvtps2ph $4, %%xmm0, %%xmm0\n\tvmovd %%xmm0, %k0" : "+r"(a) : : "xmm0");
    return (Host){a & 0xffff, host_off()};
}

static Host host_from_half(FpFmt f, FpRound rm, uint64_t a, uint64_t b, uint64_t c)
{
    a &= 0xffff;
    host_on(rm);
    __asm__ volatile("vmovq %0, %%xmm0\n\tvcvtph2ps %%xmm0, %%xmm0\n\tvmovd %%xmm0, %k0" : "+r"(a) : : "xmm0");
    return (Host){a, host_off()};
}

static Host host_round(FpFmt f, FpRound rm, uint64_t a, uint64_t b, uint64_t c)
{
    host_on(rm);
    if (f == FP_S) {
        __asm__ volatile("movq %0, %%xmm0\n\troundss $4, %%xmm0, %%xmm0\n\tmovd %%xmm0, %k0" : "+r"(a) : : "xmm0");
    } else {
        __asm__ volatile("movq %0, %%xmm0\n\troundsd $4, %%xmm0, %%xmm0\n\tmovq %%xmm0, %0" : "+r"(a) : : "xmm0");
    }
    return (Host){a, host_off()};
}

static Host host_to_int(FpFmt f, FpRound rm, uint64_t a, uint64_t b, uint64_t c)
{
    bool wide = b & 1;
    uint64_t r = 0;
    host_on(rm);
    if (f == FP_S && wide) {
        __asm__ volatile("movq %1, %%xmm0\n\tcvtss2si %%xmm0, %0" : "=r"(r) : "r"(a) : "xmm0");
    } else if (f == FP_S) {
        __asm__ volatile("movq %1, %%xmm0\n\tcvtss2si %%xmm0, %k0" : "=r"(r) : "r"(a) : "xmm0");
    } else if (wide) {
        __asm__ volatile("movq %1, %%xmm0\n\tcvtsd2si %%xmm0, %0" : "=r"(r) : "r"(a) : "xmm0");
    } else {
        __asm__ volatile("movq %1, %%xmm0\n\tcvtsd2si %%xmm0, %k0" : "=r"(r) : "r"(a) : "xmm0");
    }
    return (Host){r, host_off()};
}

static Host host_from_int(FpFmt f, FpRound rm, uint64_t a, uint64_t b, uint64_t c)
{
    bool wide = b & 1;
    host_on(rm);
    if (f == FP_S && wide) {
        __asm__ volatile("cvtsi2ssq %0, %%xmm0\n\tmovd %%xmm0, %k0" : "+r"(a) : : "xmm0");
    } else if (f == FP_S) {
        __asm__ volatile("cvtsi2ssl %k0, %%xmm0\n\tmovd %%xmm0, %k0" : "+r"(a) : : "xmm0");
    } else if (wide) {
        __asm__ volatile("cvtsi2sdq %0, %%xmm0\n\tmovq %%xmm0, %0" : "+r"(a) : : "xmm0");
    } else {
        __asm__ volatile("cvtsi2sdl %k0, %%xmm0\n\tmovq %%xmm0, %0" : "+r"(a) : : "xmm0");
    }
    return (Host){a, host_off()};
}

/* The result is NZCV's four bits; b's lowest bit: signal all. */
static Host host_compare(FpFmt f, FpRound rm, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t fl;
    host_on(rm);
    if (f == FP_S && (c & 1)) {
        __asm__ volatile("movq %1, %%xmm0\n\tmovq %2, %%xmm1\n\tcomiss %%xmm1, %%xmm0\n\tpushfq\n\tpop %0"
                         : "=r"(fl) : "r"(a), "r"(b) : "xmm0", "xmm1", "cc", "memory");
    } else if (f == FP_S) {
        __asm__ volatile("movq %1, %%xmm0\n\tmovq %2, %%xmm1\n\tucomiss %%xmm1, %%xmm0\n\tpushfq\n\tpop %0"
                         : "=r"(fl) : "r"(a), "r"(b) : "xmm0", "xmm1", "cc", "memory");
    } else if (c & 1) {
        __asm__ volatile("movq %1, %%xmm0\n\tmovq %2, %%xmm1\n\tcomisd %%xmm1, %%xmm0\n\tpushfq\n\tpop %0"
                         : "=r"(fl) : "r"(a), "r"(b) : "xmm0", "xmm1", "cc", "memory");
    } else {
        __asm__ volatile("movq %1, %%xmm0\n\tmovq %2, %%xmm1\n\tucomisd %%xmm1, %%xmm0\n\tpushfq\n\tpop %0"
                         : "=r"(fl) : "r"(a), "r"(b) : "xmm0", "xmm1", "cc", "memory");
    }
    uint64_t r = fl & 4 ? FP_UNORDERED : fl & 0x40 ? FP_EQUAL : fl & 1 ? FP_LESS : FP_GREATER;
    return (Host){r, host_off()};
}

/* ---- ours ---- */

static uint64_t our_add(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, uint64_t c)
{
    return fp_add(st, f, a, b);
}
static uint64_t our_sub(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, uint64_t c)
{
    return fp_sub(st, f, a, b);
}
static uint64_t our_mul(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, uint64_t c)
{
    return fp_mul(st, f, a, b);
}
static uint64_t our_div(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, uint64_t c)
{
    return fp_div(st, f, a, b);
}
static uint64_t our_sqrt(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, uint64_t c)
{
    return fp_sqrt(st, f, a);
}
static uint64_t our_fma(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, uint64_t c)
{
    return fp_muladd(st, f, c, a, b);
}
static uint64_t our_convert(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, uint64_t c)
{
    return fp_convert(st, f == FP_S ? FP_D : FP_S, f, a, st->rm);
}
static uint64_t our_to_half(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, uint64_t c)
{
    return fp_convert(st, FP_H, FP_S, a, st->rm);
}
static uint64_t our_from_half(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, uint64_t c)
{
    return fp_convert(st, FP_S, FP_H, a, st->rm);
}
static uint64_t our_round(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, uint64_t c)
{
    return fp_round_int(st, f, a, st->rm, true);
}
static uint64_t our_to_int(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, uint64_t c)
{
    return fp_to_fixed(st, f, a, 0, false, st->rm, b & 1 ? 64 : 32);
}
static uint64_t our_from_int(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, uint64_t c)
{
    return fp_from_fixed(st, f, a, 0, false, st->rm, b & 1 ? 64 : 32);
}
static uint64_t our_compare(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, uint64_t c)
{
    return (uint64_t)fp_compare(st, f, a, b, c & 1);
}

typedef struct Op {
    const char *name;
    Host (*host)(FpFmt f, FpRound rm, uint64_t a, uint64_t b, uint64_t c);
    uint64_t (*ours)(FpStatus *st, FpFmt f, uint64_t a, uint64_t b, uint64_t c);
    FpFmt to;     /* format of the result; 0: that of the operands */
    char form;    /* i: the result is an integer; o: operand is; h: half operand; s: single operands only */
    bool f16c, fma;
} Op;
static const Op ops[] = {
    {"add", host_add, our_add},
    {"sub", host_sub, our_sub},
    {"mul", host_mul, our_mul},
    {"div", host_div, our_div},
    {"sqrt", host_sqrt, our_sqrt},
    {"muladd", host_fma, our_fma, .fma = true},
    {"single <-> double", host_convert, our_convert, .form = 'c'},
    {"single -> half", host_to_half, our_to_half, FP_H, 's', .f16c = true},
    {"half -> single", host_from_half, our_from_half, FP_S, 'h', .f16c = true},
    {"round to integral", host_round, our_round},
    {"to integer", host_to_int, our_to_int, .form = 'i'},
    {"from integer", host_from_int, our_from_int, .form = 'o'},
    {"compare", host_compare, our_compare, .form = 'i'},
};

static bool same(const Op *op, FpFmt f, Host h, uint64_t r, uint32_t flags)
{
    FpFmt to = op->form == 'c' ? (f == FP_S ? FP_D : FP_S) : op->to ? op->to : f;
    if (op->form == 'i' && (h.flags & FPSR_IOC) && op->host != host_compare) {
        return flags == FPSR_IOC;
    }
    if (op->form != 'i' && fp_is_nan(to, h.r)) {
        return fp_is_nan(to, r) && !fp_is_snan(to, r);
    }
    if (op->form != 'i' && fp_abs(to, r) == 1ull << fbits_of[to]) {
        flags &= ~FPSR_UFC;
        h.flags &= ~FPSR_UFC;
    }
    return r == h.r && flags == h.flags;
}

static unsigned run_format(const Op *op, FpFmt f, FpRound rm, long count, int *said)
{
    unsigned bad = 0;
    for (long i = 0; i < count; i++) {
        FpFmt in = op->form == 'h' ? FP_H : f;
        uint64_t a = op->form == 'o' ? rnd() >> (rnd() & 63) : operand(in), b = operand(f), c = operand(f);
        if (op->host == host_fma && (i & 3) == 0) { /* near cancellation */
            FpStatus st = {.rm = FP_RN};
            c = fp_neg(f, fp_mul(&st, f, a, b)) ^ (rnd() & 1);
        }
        FpStatus st = {.rm = (uint8_t)rm};
        uint64_t r = op->ours(&st, f, a, b, c);
        Host h = op->host(f, rm, a, b, c);
        if (!same(op, f, h, r, st.flags)) {
            bad++;
            if ((*said)++ < 20) {
                printf("# %s f%u rm %d: %#" PRIx64 " %#" PRIx64 " %#" PRIx64 " -> %#" PRIx64 " flags %#x, host %#" PRIx64
                       " flags %#x\n", op->name, width_of[f], rm, a, b, c, r, st.flags, h.r, h.flags);
            }
        }
    }
    return bad;
}

static void host_case(int number, const Op *op, long count)
{
    unsigned bad = 0;
    int said = 0;
    unsigned has = tcg_host_vec();
    if ((op->fma && !(has & TCG_VEC_FMA)) || (op->f16c && !(has & TCG_VEC_F16C))) {
        printf("ok %d - %s # SKIP the host lacks the instruction\n", number, op->name);
        return;
    }
    for (FpFmt f = FP_S; f <= FP_D; f++) {
        if (f == FP_D && (op->form == 's' || op->form == 'h')) {
            continue;
        }
        for (int rm = FP_RN; rm <= FP_RZ; rm++) {
            bad += run_format(op, f, (FpRound)rm, count, &said);
        }
    }
    printf("%sok %d - %s\n", bad ? "not " : "", number, op->name);
}

/* ---- halves: an operation on doubles, rounded to odd, rounds to the same half ---- */

static void half_case(int number, const Op *op, long count)
{
    unsigned bad = 0;
    int operands = op->host == host_sqrt ? 1 : op->host == host_fma ? 3 : 2;
    for (long i = 0; i < count * 4; i++) {
        uint64_t in[3] = {0}, wide[3];
        FpStatus st = {.rm = (uint8_t)(i & 3)}, odd = {.rm = FP_RO};
        for (int k = 0; k < operands; k++) { /* raises what a signalling NaN does */
            in[k] = operand(FP_H);
            wide[k] = fp_convert(&odd, FP_D, FP_H, in[k], FP_RN);
        }
        uint64_t r = op->ours(&st, FP_H, in[0], in[1], in[2]);
        uint64_t d = op->ours(&odd, FP_D, wide[0], wide[1], wide[2]);
        bool lost = odd.flags & FPSR_IXC;
        uint64_t want = fp_convert(&odd, FP_H, FP_D, d, st.rm);
        bool zero = fp_abs(FP_D, d) == 0; /* its sign is by the rounding mode */
        uint32_t differ = (st.flags ^ odd.flags) & ~(lost ? FPSR_UFC : 0);
        bool ok = fp_is_nan(FP_H, want) ? fp_is_nan(FP_H, r) : zero ? fp_abs(FP_H, r) == 0 : r == want;
        if (!ok || differ) {
            if (bad++ < 10) {
                printf("# half %s rm %d: %#" PRIx64 " %#" PRIx64 " %#" PRIx64 " -> %#" PRIx64 " flags %#x, want %#" PRIx64
                       " flags %#x\n", op->name, st.rm, in[0], in[1], in[2], r, st.flags, want, odd.flags);
            }
        }
    }
    printf("%sok %d - half %s\n", bad ? "not " : "", number, op->name);
}

int main(int argc, char **argv)
{
    long count = argc > 1 ? atol(argv[1]) : 20000;
    state = argc > 2 ? strtoull(argv[2], NULL, 0) * 0x9e3779b97f4a7c15ull | 1 : 1;
    int n = G_N_ELEMENTS(ops), halves = 6;
    printf("1..%d\n", n + halves);
    for (int i = 0; i < n; i++) {
        host_case(i + 1, &ops[i], count);
    }
    for (int i = 0; i < halves; i++) {
        half_case(n + 1 + i, &ops[i], count);
    }
    return 0;
}
