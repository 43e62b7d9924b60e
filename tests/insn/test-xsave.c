/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Floating-point memory images on this processor, the interpreter and the JIT:
 * FXSAVE, XSAVE, XSAVEC, FNSAVE, FNSTENV, each followed by a change of all state
 * and the restoring instruction, in 64- and 32-bit code, for every mask of
 * components, the pointers to the last x87 instruction with it.
 * Argument: rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/insn/engine.h"

#define AT 0x1000 /* of the image in the data area: where RDI points */

typedef struct Form {
    const char *name;
    uint8_t save[5], restore[5]; /* [rdi], length first */
    bool rexw, xsave, compact;
    uint8_t pointers[2]; /* where the image has those to the last x87 instruction: first byte, number */
} Form;

static const Form forms[] = {
    {"FXSAVE", {3, 0x0f, 0xae, 0x07}, {3, 0x0f, 0xae, 0x0f}, false, false, false, {6, 18}},
    {"FXSAVE64", {4, 0x48, 0x0f, 0xae, 0x07}, {4, 0x48, 0x0f, 0xae, 0x0f}, true, false, false, {6, 18}},
    {"XSAVE", {3, 0x0f, 0xae, 0x27}, {3, 0x0f, 0xae, 0x2f}, false, true, false, {6, 18}},
    {"XSAVE64", {4, 0x48, 0x0f, 0xae, 0x27}, {4, 0x48, 0x0f, 0xae, 0x2f}, true, true, false, {6, 18}},
    {"XSAVEC", {3, 0x0f, 0xc7, 0x27}, {3, 0x0f, 0xae, 0x2f}, false, true, true, {6, 18}},
    {"FNSAVE", {2, 0xdd, 0x37}, {2, 0xdd, 0x27}, false, false, false, {12, 16}},
    {"FNSAVE 16", {3, 0x66, 0xdd, 0x37}, {3, 0x66, 0xdd, 0x27}, false, false, false, {6, 8}},
    {"FNSTENV", {2, 0xd9, 0x37}, {2, 0xd9, 0x27}, false, false, false, {12, 16}},
    {"FNSTENV 16", {3, 0x66, 0xd9, 0x37}, {3, 0x66, 0xd9, 0x27}, false, false, false, {6, 8}},
};

static uint8_t code[64];
static unsigned len;
static int count;

static void emit(const uint8_t *bytes, unsigned n)
{
    memcpy(code + len, bytes, n);
    len += n;
    count++;
}
#define EMIT(...) emit((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* [fchs]; mov eax, mask; xor edx, edx; [vzeroupper]; save; fnclex; fincstp; vzeroall; restore */
static void program(const Form *f, unsigned mask, bool upper, bool x87)
{
    len = 0;
    count = 0;
    if (x87) {
        EMIT(0xd9, 0xe0);
    }
    EMIT(0xb8, mask, 0, 0, 0);
    EMIT(0x31, 0xd2);
    if (insn_has_ymm() && upper) {
        EMIT(0xc5, 0xf8, 0x77);
    }
    emit(f->save + 1, f->save[0]);
    EMIT(0xdb, 0xe2); /* fnclex: what FNSAVE leaves may be pending */
    EMIT(0xd9, 0xf7); /* fincstp */
    if (insn_has_ymm()) {
        EMIT(0xc5, 0xfc, 0x77);
    }
    emit(f->restore + 1, f->restore[0]);
}

/* The header that XSAVE finds: mostly clean, else with components of ours or a reserved byte set. */
static void make_header(GRand *r, uint8_t *image)
{
    memset(image + 512, 0, 64);
    switch (g_rand_int_range(r, 0, 6)) {
    case 0:
        image[512] = (uint8_t)g_rand_int_range(r, 0, 8);
        break;
    case 1:
        image[512 + g_rand_int_range(r, 8, 24)] = 1;
        break;
    }
    uint32_t mxcsr = g_rand_int_range(r, 0, 8) ? 0x1f80 : 0x10000; /* kept when no component brings it */
    memcpy(image + 24, &mxcsr, 4);
}

/* What a host that does not keep the pointers cannot judge. */
static void forget_pointers(const Form *f, const InsnState *in, InsnState *s)
{
    memset(s->mem + (in->gpr[R_DI] - DATA_BASE) + f->pointers[0], 0, f->pointers[1]);
}

static bool one(GRand *r, const Form *f, int bits, unsigned mask)
{
    static InsnState in, want, got;
    bool upper = g_rand_boolean(r), ok = true;
    insn_random_state(r, &in);
    in.gpr[R_DI] = DATA_BASE + AT + (g_rand_int_range(r, 0, 16) ? 0 : 8); /* aligned, or not */
    make_header(r, in.mem + AT);
    in.fx.xmm[0][0] = 1; /* in use for certain: what looks unused may be kept for used by a processor */
    in.ymmh[0] = 1;
    /* In 32-bit code the upper halves of YMM8 to 15 remain: whether that is in use is up to the processor. */
    program(f, mask, upper && bits == 64, g_rand_boolean(r));
    insn_code(code, len, count, bits);
    insn_run(ENGINE_HOST_CPU, &in, &want);
    if (want.no_pointers) {
        forget_pointers(f, &in, &want);
    }
    for (int e = ENGINE_INTERP; e <= ENGINE_JIT; e++) {
        g_autoptr(GString) why = g_string_new(NULL);
        if (!insn_run(e, &in, &got)) {
            continue;
        }
        if (want.no_pointers) {
            forget_pointers(f, &in, &got);
        }
        insn_compare(&want, &got, 0, true, why);
        if (why->len) {
            printf("# %s, %d-bit, mask %u, %s:\n", f->name, bits, mask, insn_engine_name[e]);
            for (char *p = strtok(why->str, "\n"); p; p = strtok(NULL, "\n")) {
                printf("#   %s\n", p);
            }
            ok = false;
        }
    }
    return ok;
}

static bool usable(const Form *f, int bits)
{
    if ((bits == 32 && f->rexw) || !insn_has_host()) {
        return false;
    }
    if (f->xsave && !insn_has_ymm()) {
        return false;
    }
    return !f->compact || x86_feature_supported(F_XSAVEC);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 40;
    GRand *r = g_rand_new_with_seed(1);
    int n = 0, failed = 0;

    insn_init(true);
    printf("1..%d\n", 2 * (int)G_N_ELEMENTS(forms));
    for (int bits = 64; bits >= 32; bits -= 32) {
        for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
            const Form *f = &forms[i];
            if (!usable(f, bits)) {
                printf("ok %d - %s, %d-bit # SKIP not on this host\n", ++n, f->name, bits);
                continue;
            }
            int bad = 0;
            for (int k = 0; k < rounds && !bad; k++) {
                bad += !one(r, f, bits, (unsigned)k & 7);
            }
            printf("%sok %d - %s, %d-bit\n", bad ? "not " : "", ++n, f->name, bits);
            failed += bad != 0;
        }
    }
    g_rand_free(r);
    return failed != 0;
}
