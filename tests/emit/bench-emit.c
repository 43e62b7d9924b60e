/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Speed of emission: ns per IR op, and bytes of code, over random blocks. */
#include <stdio.h>
#include <time.h>

#include "tests/ir/gen.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void measure(Fake *f, const char *name, unsigned what)
{
    enum { BLOCKS = 64, ROUNDS = 300 };
    static IrBlock b[BLOCKS];
    static TcgSite sites[16384];
    GenInfo info;
    uint64_t ops = 0, bytes = 0;
    for (unsigned i = 0; i < BLOCKS; i++) {
        g_autoptr(GRand) r = g_rand_new_with_seed(i + 1);
        ir_block_init(&b[i], &fake_target);
        gen_block(r, &b[i], what, &info);
        ir_flag_liveness(&b[i]);
        ir_temp_liveness(&b[i]);
    }
    double t = now();
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < BLOCKS; i++) {
            TcgBlock tb = {.pc = b[i].pc, .sites = sites};
            g_assert(host_emit_block(f->hc, &b[i], &tb));
            ops += (unsigned)b[i].n_ops;
            bytes += tb.code_end - tb.code_start;
        }
        host_code_reset(f->hc);
    }
    t = now() - t;
    printf("%-10s %6.1f ns/op  %6.1f bytes/op  (%.0f ops per block)\n", name, t / (double)ops,
           (double)bytes / (double)ops, (double)ops / ROUNDS / BLOCKS);
    for (unsigned i = 0; i < BLOCKS; i++) {
        ir_block_fini(&b[i]);
    }
}

int main(void)
{
    Fake *f = fake_new(true);
    measure(f, "plain", 0);
    measure(f, "memory", GEN_MEMORY);
    measure(f, "all", GEN_ALL);
    fake_free(f);
    return 0;
}
