/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoder against Capstone as an independent judge: the length of every random
 * instruction of every row in 16-, 32- and 64-bit mode, how many rows it knows, and
 * which instructions it knows that are not implemented here.
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

/* An instruction that runs over the end of a page: as long as bytes are missing, more are asked for. */
static int test_cut(const uint8_t *buf, unsigned len, int bits)
{
    for (unsigned n = 1; n < len; n++) {
        X86Insn i;
        X86Decode d = x86_decode(&i, buf, n, bits);
        if (d != X86_MORE) {
            printf("# %d-bit, %u of %u bytes: result %d:", bits, n, len, d);
            for (unsigned b = 0; b < len; b++) {
                printf(" %02x", buf[b]);
            }
            printf("\n");
            return 1;
        }
    }
    return 0;
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
            bad += test_cut(buf, i.len, bits);
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

/* ---- what the judge knows and the table does not ---- */

typedef struct Missing {
    csh h;
    cs_insn *ci;
    GHashTable *missing, *have; /* mnemonics; bytes of the first one */
    int bits, known;
} Missing;

/* Extensions that are outside of x86-64-v3 and of what else is promised; by group, or by name where it has none. */
static bool outside(csh h, const cs_insn *ci)
{
    static const uint8_t groups[] = {
        X86_GRP_VM,   X86_GRP_3DNOW, X86_GRP_AVX512, X86_GRP_FMA4, X86_GRP_RTM, X86_GRP_HLE, X86_GRP_SGX,
        X86_GRP_TBM,  X86_GRP_XOP,   X86_GRP_SSE4A,  X86_GRP_CDI,  X86_GRP_ERI, X86_GRP_DQI, X86_GRP_BWI,
        X86_GRP_PFI,  X86_GRP_VLX};
    static const char *const names[] = {
        "femms", "getsec", "xstore", "xcrypt", "xsha", "montmul", "vmfunc", "vmxon", "vmclear", "clzero", "monitorx",
        "mwaitx", "skinit", "clgi", "stgi", "pcommit", "swapgs" /* of 64-bit mode */, "kand", "kmov", "kor", "kxor", "kxnor", "knot", "kshift", "kunpck", "ktest",
        "kadd", "wrussq", "wrussd", "encl", "bnd", "fstpnce", "data16", "xabort", "xbegin", "xend", "xtest", "pfrcp",
        NULL};
    for (size_t n = 0; n < G_N_ELEMENTS(groups); n++) {
        if (cs_insn_group(h, ci, groups[n])) {
            return true;
        }
    }
    for (int n = 0; names[n]; n++) {
        if (g_str_has_prefix(ci->mnemonic, names[n])) {
            return true;
        }
    }
    return false;
}

static void ask(Missing *m, const uint8_t *bytes)
{
    const uint8_t *p = bytes;
    size_t left = 15;
    uint64_t pc = 0;
    X86Insn i;
    X86Decode d = x86_decode(&i, bytes, 15, m->bits);
    bool implemented = d == X86_OK && i.row->trans != X86T_none;
    m->known += implemented;
    if (!cs_disasm_iter(m->h, &p, &left, &pc, m->ci) || outside(m->h, m->ci)) {
        return;
    }
    GHashTable *names = implemented ? m->have : m->missing;
    if (!g_hash_table_contains(names, m->ci->mnemonic)) {
        GString *s = g_string_new(NULL);
        for (int k = 0; k < m->ci->size; k++) {
            g_string_append_printf(s, " %02x", bytes[k]);
        }
        g_hash_table_insert(names, g_strdup(m->ci->mnemonic), g_string_free(s, FALSE));
    }
}

/* Memory operands for each digit, and all register forms. */
static void ask_modrm(Missing *m, uint8_t *bytes, unsigned at)
{
    for (unsigned modrm = 0; modrm < 256; modrm++) {
        if ((modrm & 3) == 0 || modrm >= 0xc0) { /* with and without a SIB byte */
            bytes[at] = (uint8_t)modrm;
            ask(m, bytes);
        }
    }
}

static void ask_legacy(Missing *m)
{
    static const uint8_t prefix[4] = {0, 0x66, 0xf3, 0xf2};
    static const uint8_t one_byte_prefixes[] = {0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66,
                                                0x67, 0xf0, 0xf2, 0xf3, 0xc4, 0xc5, 0x62, 0x8f};
    for (unsigned n = 0; n < 4 * 4 * 256; n++) {
        uint8_t bytes[16] = {0}, opcode = n & 255, map = n >> 8 & 3;
        unsigned at = 0;
        if (map == 0 && (memchr(one_byte_prefixes, opcode, sizeof(one_byte_prefixes)) ||
                         (m->bits == 64 && (opcode & 0xf0) == 0x40))) {
            continue;
        }
        if (map == 1 && (opcode == 0x38 || opcode == 0x3a)) {
            continue;
        }
        if (prefix[n >> 10]) {
            bytes[at++] = prefix[n >> 10];
        }
        if (map) {
            bytes[at++] = 0x0f;
        }
        if (map >= 2) {
            bytes[at++] = map == 2 ? 0x38 : 0x3a;
        }
        bytes[at++] = opcode;
        ask_modrm(m, bytes, at);
    }
}

static void ask_vex(Missing *m)
{
    for (unsigned n = 0; n < 3 * 256 * 16; n++) {
        uint8_t bytes[16] = {0xc4, (uint8_t)(0xe0 | ((n >> 12) + 1))};
        bytes[2] = (uint8_t)((n >> 8 & 7) | (n >> 11 & 1) << 7 | 0x78); /* W, vvvv = 1111, L and pp */
        bytes[3] = n & 255;
        ask_modrm(m, bytes, 4);
    }
}

static int test_missing(int bits)
{
    Missing m = {.bits = bits, .missing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
                 .have = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};
    int bad = 0;
    GHashTableIter it;
    gpointer name, bytes;
    cs_open(CS_ARCH_X86, bits == 64 ? CS_MODE_64 : CS_MODE_32, &m.h);
    cs_option(m.h, CS_OPT_DETAIL, CS_OPT_ON);
    m.ci = cs_malloc(m.h);
    ask_legacy(&m);
    ask_vex(&m);
    g_hash_table_iter_init(&it, m.missing);
    while (g_hash_table_iter_next(&it, &name, &bytes)) {
        if (!g_hash_table_contains(m.have, name)) { /* else the judge ignores a prefix that makes it invalid */
            printf("# %d-bit, not implemented: %s%s\n", bits, (char *)name, (char *)bytes);
            bad++;
        }
    }
    printf("%sok - %d-bit: %u mnemonics (%d encodings), %d of the judge's are missing\n", bad ? "not " : "", bits,
           g_hash_table_size(m.have), m.known, bad);
    g_hash_table_destroy(m.missing);
    g_hash_table_destroy(m.have);
    cs_free(m.ci, 1);
    cs_close(&m.h);
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
    printf("1..5\n");
    int bad = test_mode(64, rounds) + test_mode(32, rounds) + test_mode(16, rounds);
    bad += test_missing(64) + test_missing(32);
    measure();
    return bad != 0;
}
