/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoder against Capstone as an independent judge: the length of every random
 * instruction of every row in 16-, 32- and 64-bit mode, and how many rows it knows.
 */
#include <capstone/capstone.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests/insn/gen.h"

/*
 * What Capstone 4 has wrong or does not know, found by looking each up in the SDM:
 * 66 before near branches in 64-bit mode (Intel ignores it), UD0/UD1 without or with ModRM, SALC,
 * newer or vendor-only rows, x87 aliases that assemblers never emit.
 */
static bool judge_is_wrong(const X86Insn *i, int bits)
{
    static const char *const names[] = {
        "UD0", "UD1", "SALC", "3DNOW", "EXTRQ", "INSERTQ", "NOP", "PREFETCH", "PREFETCHW", "FFREEP",
        "FNENI", "FNDISI", "FNSETPM", "XABORT", "XBEGIN", "MOVDIRI", NULL};
    for (int n = 0; names[n]; n++) {
        if (!strcmp(i->row->name, names[n])) {
            return true;
        }
    }
    return (bits == 64 && (i->row->bits & ROW_F64) && i->p66);
}

static int test_mode(int bits, int rounds)
{
    csh h;
    int bad = 0, n = 0, unknown = 0;
    cs_open(CS_ARCH_X86, bits == 64 ? CS_MODE_64 : bits == 32 ? CS_MODE_32 : CS_MODE_16, &h);
    cs_insn *ci = cs_malloc(h);
    GRand *r = g_rand_new_with_seed(1);
    GenOpts o = {.bits = bits};
    for (int row = 1; row < X86_N_ROWS; row++) {
        int known = 0, tries = 0;
        for (int k = 0; k < rounds; k++) {
            uint8_t buf[32] = {0};
            X86Insn i;
            unsigned len = gen_insn(r, &x86_rows[row], &o, buf);
            if (!len) {
                continue;
            }
            X86Decode d = x86_decode(&i, buf, 15, bits);
            if (d != X86_OK) {
                if (d == X86_UD && (i.row != &x86_rows[row] || (i.lock && i.mod == 3))) {
                    continue; /* another row has these bytes, or LOCK on a register */
                }
                printf("# own %s: result %d\n", x86_rows[row].name, d);
                bad++;
                continue;
            }
            const uint8_t *p = buf;
            size_t left = sizeof(buf);
            uint64_t pc = 0;
            n++;
            tries++;
            if (!cs_disasm_iter(h, &p, &left, &pc, ci)) {
                continue;
            }
            known++;
            if (ci->size != i.len && !judge_is_wrong(&i, bits)) {
                if (bad++ < 40) {
                    printf("# %d-bit %s: %u bytes, judge %u %s %s:", bits, i.row->name, i.len,
                           ci->size, ci->mnemonic, ci->op_str);
                    for (int b = 0; b < 15; b++) {
                        printf(" %02x", buf[b]);
                    }
                    printf("\n");
                }
            }
        }
        if (tries && !known) {
            if (unknown++ < 60) {
                printf("# judge does not know %s (map %d opcode %02x)\n", x86_rows[row].name,
                       x86_rows[row].map, x86_rows[row].opcode);
            }
        }
    }
    printf("%sok - %d-bit: %d instructions, %d differ, %d rows unknown to the judge\n",
           bad ? "not " : "", bits, n, bad, unknown);
    cs_free(ci, 1);
    cs_close(&h);
    g_rand_free(r);
    return bad;
}

/* Nanoseconds per instruction of a random but plausible mix; not a pass/fail matter. */
static void measure(void)
{
    enum { N = 4096 };
    static uint8_t code[N][16];
    GRand *r = g_rand_new_with_seed(7);
    GenOpts o = {.bits = 64};
    for (int n = 0; n < N;) {
        n += gen_insn(r, gen_row(r), &o, code[n]) != 0;
    }
    X86Insn i;
    struct timespec a, b;
    unsigned sum = 0;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
    for (int k = 0; k < 50; k++) {
        for (int n = 0; n < N; n++) {
            x86_decode(&i, code[n], 15, 64);
            sum += i.len;
        }
    }
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
    double ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
    printf("# %.1f ns per instruction (%u)\n", ns / (50.0 * N), sum);
    g_rand_free(r);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 30;
    printf("1..3\n");
    int bad = test_mode(64, rounds) + test_mode(32, rounds) + test_mode(16, rounds);
    measure();
    return bad != 0;
}
