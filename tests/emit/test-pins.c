/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random blocks under other assignments of guest to host registers than x86's:
 * what an Arm target would ask for, crossed ones, and none at all.
 */
#include <stdio.h>

#include "tests/ir/gen.h"

static const int8_t pins[][16] = {
    /* rax rcx rdx free */
    {-1, -1, -1, 0, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -1},
    /* nothing */
    {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1},
    /* crossed: the fixed registers hold other globals */
    {2, 0, 1, 8, -1, 9, 10, 4, 3, -1, -1, 11, 15, 14, -1, 13},
    /* too many: the emitter keeps what it needs */
    {0, 1, 2, 3, -1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
};

static FakeState in, interp, host; /* large */

static bool one(Fake *f, IrBlock *b, uint32_t seed, unsigned what, GString *why)
{
    GenInfo info;
    g_autoptr(GRand) r = g_rand_new_with_seed(seed);
    gen_block(r, b, what, &info);
    fake_random_state(r, &in);
    fake_run_interp(f, b, &in, &interp);
    if (!fake_run_host(f, b, &in, &host)) {
        g_string_append(why, "refused");
        return false;
    }
    return fake_same(&interp, &host, gen_undef_at(&info, interp.pc), why);
}

int main(int argc, char **argv)
{
    static const unsigned kinds[] = {
        0, GEN_MEMORY, GEN_DIV, GEN_CALLS, GEN_SPILL | GEN_LABELS, GEN_HOSTOP, GEN_ALL};
    uint32_t count = argc > 1 ? (uint32_t)atoi(argv[1]) : 1500;
    Fake *f = fake_new(true);
    HostCode *own = f->hc;
    IrBlock b;
    ir_block_init(&b, &fake_target);
    printf("1..%zu\n", G_N_ELEMENTS(pins));
    int failed = 0;
    for (unsigned p = 0; p < G_N_ELEMENTS(pins); p++) {
        TcgTarget t = fake_target;
        t.x86_64_pin = pins[p];
        f->hc = f->v->hc = host_code_new(&t, 4 << 20, NULL);
        g_autoptr(GString) why = g_string_new(NULL);
        uint32_t i = 0;
        while (i < count && one(f, &b, i, kinds[i % G_N_ELEMENTS(kinds)], why)) {
            i++;
        }
        if (i < count) {
            g_autoptr(GString) text = g_string_new(NULL);
            ir_print(&b, text);
            g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
            for (int l = 0; lines[l]; l++) {
                printf("# %s\n", lines[l]);
            }
            printf("# seed %u: %s\n", i, why->str);
            failed++;
        }
        printf("%s %u - assignment %u\n", i == count ? "ok" : "not ok", p + 1, p);
        host_code_free(f->hc);
    }
    f->hc = f->v->hc = own;
    ir_block_fini(&b);
    fake_free(f);
    return failed != 0;
}
