/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Nanoseconds per guest instruction of decoding and of translating to IR, over
 * this program's own machine code (that of the C library's string functions and
 * GLib's, as a compiler makes it). Prints; passes always.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "tests/insn/engine.h"
#include "target/i386/translate.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(void)
{
    const uint8_t *code = (const uint8_t *)(uintptr_t)g_string_insert_len;
    enum { LEN = 3000, ROUNDS = 2000 };
    uint64_t n = 0;
    X86Insn i;
    double t = now();
    for (int k = 0; k < ROUNDS; k++) {
        for (unsigned at = 0; at < LEN; n++) {
            at += x86_decode(&i, code + at, 32, 64) == X86_OK ? i.len : 1;
        }
    }
    printf("# decode: %.1f ns per instruction, %.1f bytes each\n", (now() - t) / (double)n,
           (double)LEN * ROUNDS / (double)n);
    insn_init(false);
    insn_code(code, LEN, 64, 64);
    uint64_t ops = 0;
    n = 0;
    t = now();
    for (int k = 0; k < ROUNDS; k++) {
        for (unsigned at = 0; at < LEN - 64;) {
            const IrBlock *b = insn_translate(CODE_BASE + at);
            n += b->n_insns;
            ops += (uint64_t)b->n_ops;
            at += b->guest_bytes ? b->guest_bytes : 1;
        }
    }
    printf("# translate: %.1f ns per instruction, %.2f IR ops each\n1..1\nok 1 - speed\n",
           (now() - t) / (double)n, (double)ops / (double)n);
    return 0;
}
