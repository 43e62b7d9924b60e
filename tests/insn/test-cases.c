/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Assembly snippets with expected results (cases/), on the interpreter, the JIT
 * and, as a check of the expectations themselves, on this processor.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "tests/insn/cases.h"
#include "tests/insn/engine.h"

static void apply(InsnState *s, const CaseSet *c)
{
    for (; c->kind != SET_END; c++) {
        switch (c->kind) {
        case SET_GPR:
            s->gpr[c->index] = c->v;
            break;
        case SET_FLAGS:
            s->flags = c->v | 2;
            break;
        case SET_MEM:
            memcpy(s->mem + 0x1000 + c->index, &c->v, 8);
            break;
        case SET_XMM:
            memcpy(s->fx.xmm[c->index], &c->v, 8);
            memcpy(s->fx.xmm[c->index] + 8, &c->w, 8);
            break;
        case SET_ST:
            memcpy(s->fx.st[c->index], &c->v, 8);
            memcpy(s->fx.st[c->index] + 8, &c->w, 2);
            break;
        }
    }
}

static void expect(GString *why, const char *what, int n, uint64_t got, uint64_t want)
{
    if (got != want) {
        g_string_append_printf(why, "#   %s%d: 0x%" PRIx64 ", not 0x%" PRIx64 "\n", what, n, got, want);
    }
}

static void check(const InsnState *s, const CaseSet *c, GString *why)
{
    uint64_t v[2] = {0, 0};
    int fault = -1;
    for (; c->kind != SET_END; c++) {
        switch (c->kind) {
        case SET_GPR:
            expect(why, "register ", c->index, s->gpr[c->index], c->v);
            break;
        case SET_FLAGS:
            expect(why, "flags ", 0, s->flags & c->w, c->v & c->w);
            break;
        case SET_FAULT:
            fault = (int)c->v;
            break;
        case SET_MEM:
            memcpy(v, s->mem + 0x1000 + c->index, 8);
            expect(why, "memory +", c->index, v[0], c->v);
            break;
        case SET_XMM:
            memcpy(v, s->fx.xmm[c->index], 16);
            expect(why, "low of xmm", c->index, v[0], c->v);
            expect(why, "high of xmm", c->index, v[1], c->w);
            break;
        case SET_ST:
            memcpy(v, s->fx.st[c->index], 16);
            expect(why, "mantissa of st", c->index, v[0], c->v);
            expect(why, "exponent of st", c->index, v[1] & 0xffff, c->w);
            break;
        }
    }
    expect(why, "fault ", 0, (uint64_t)s->fault, (uint64_t)fault);
}

int main(void)
{
    static InsnState in, out;
    int bad = 0, n = 0;
    insn_init(true);
    for (const InsnCase *c = insn_cases; c->name; c++) {
        for (int e = 0; e < ENGINE_COUNT; e++) {
            g_autoptr(GString) why = g_string_new(NULL);
            memset(&in, 0, sizeof(in));
            in.gpr[R_DI] = DATA_BASE + 0x1000;
            in.gpr[R_SP] = DATA_BASE + 0x3000;
            in.fx.fcw = 0x37f;
            in.fx.mxcsr = 0x1f80;
            in.flags = 2;
            apply(&in, c->in);
            insn_code(c->code, c->len, c->n, c->bits);
            if (e == ENGINE_INTERP) {
                insn_verify(why);
            }
            bool ran = insn_run((InsnEngine)e, &in, &out);
            if (ran) {
                check(&out, c->out, why);
            }
            printf("%sok %d - %s on %s%s\n%s", why->len ? "not " : "", ++n, c->name,
                   insn_engine_name[e], ran ? "" : " # SKIP no emitter", why->str);
            bad += why->len != 0;
        }
    }
    printf("1..%d\n", n);
    return bad != 0;
}
