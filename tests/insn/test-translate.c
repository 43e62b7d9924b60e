/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator on random instructions and on garbage under random mode words
 * (16, 32, 64 bits; real, virtual-8086, protected; flat or not; TF, shadow;
 * every CPL): each block must pass the IR's verifier and stay inside its page.
 * Arguments: [blocks [seed]].
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/insn/engine.h"
#include "tests/insn/gen.h"
#include "target/i386/translate.h"

static uint64_t random_mode(GRand *r, int *bits)
{
    uint64_t m = g_rand_int(r) & (MODE_TS | MODE_EM | MODE_MP | MODE_OSFXSR | MODE_OSXSAVE |
                                  MODE_UMIP | MODE_FSGSBASE | MODE_TSD | MODE_SMAP | MODE_AC |
                                  MODE_FLATDATA | MODE_FLATCODE | MODE_SS32 | MODE_SMM |
                                  3u << MODE_IOPL_SHIFT);
    if (g_rand_int_range(r, 0, 4)) {
        m &= ~(uint64_t)(MODE_TS | MODE_EM);
    }
    m |= g_rand_int_range(r, 0, 8) ? 0 : MODE_TF;
    m |= g_rand_int_range(r, 0, 8) ? 0 : MODE_SHADOW;
    switch (g_rand_int_range(r, 0, 5)) {
    case 0:
        *bits = 16; /* real mode */
        return m & ~(uint64_t)MODE_SS32;
    case 1:
        *bits = 16;
        return (m & ~(uint64_t)MODE_SS32) | MODE_PE | MODE_VM86 | 3;
    case 2:
        *bits = 64;
        return m | MODE_PE | MODE_LMA | MODE_CS64 | MODE_FLATDATA | MODE_FLATCODE | MODE_PG |
               (g_rand_int(r) & 3);
    default:
        *bits = g_rand_boolean(r) ? 32 : 16;
        return m | MODE_PE | (*bits == 32 ? MODE_CS32 : 0) | (g_rand_int(r) & 3);
    }
}

static void fill_page(GRand *r, int bits)
{
    uint8_t *p = (uint8_t *)(uintptr_t)CODE_BASE;
    GenOpts o = {.bits = bits};
    bool garbage = g_rand_int_range(r, 0, 3) == 0;
    for (unsigned at = 0; at < 4096;) {
        uint8_t buf[32] = {(uint8_t)g_rand_int(r)};
        unsigned n = garbage ? 1 : gen_insn(r, gen_row(r), &o, buf);
        for (unsigned k = 0; k < n && at < 4096; k++) {
            p[at++] = buf[k];
        }
    }
}

int main(int argc, char **argv)
{
    int blocks = argc > 1 ? atoi(argv[1]) : 20000, bad = 0;
    unsigned seed = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
    GRand *r = g_rand_new_with_seed(seed);
    uint64_t insns = 0, mode = 0;
    insn_init(false);
    printf("1..1\n");
    for (int n = 0; n < blocks && bad < 10; n++) {
        static int bits;
        if (n % 64 == 0) {
            mode = random_mode(r, &bits);
            fill_page(r, bits);
        }
        uint64_t off = g_rand_int_range(r, 0, 8) ? g_rand_int(r) & 4095 : 4080u + (g_rand_int(r) & 15);
        const IrBlock *b = insn_translate_mode(CODE_BASE + off, mode);
        g_autoptr(GString) why = g_string_new(NULL);
        insns += b->n_insns;
        bool inside = b->guest_bytes && off + b->guest_bytes <= 4096 + 15;
        if (!ir_verify(b, why) || !inside) {
            g_autoptr(GString) text = g_string_new(NULL);
            ir_print(b, text);
            printf("# mode 0x%" PRIx64 " offset 0x%" PRIx64 ": %s\n", mode, off, why->str);
            const uint8_t *p = (const uint8_t *)(uintptr_t)(CODE_BASE + off);
            for (int k = 0; k < 24; k++) {
                printf("%s%02x%s", k ? " " : "# ", p[k], k == 23 ? "\n" : "");
            }
            bad++;
        }
    }
    printf("%sok 1 - %d blocks, %" PRIu64 " instructions, %d bad (seed %u)\n", bad ? "not " : "",
           blocks, insns, bad, seed);
    g_rand_free(r);
    return bad != 0;
}
