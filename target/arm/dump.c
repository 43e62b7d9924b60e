/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `info registers`: the layout is QEMU's, which scripts parse.
 */
#include <stdlib.h>

#include "target/arm/cpu.h"
#include "target/arm/regs.h"

#define X64 "%016" G_GINT64_MODIFIER "x"

static void flags_text(uint32_t p, char out[5])
{
    out[0] = p & PSTATE_N ? 'N' : '-';
    out[1] = p & PSTATE_Z ? 'Z' : '-';
    out[2] = p & PSTATE_C ? 'C' : '-';
    out[3] = p & PSTATE_V ? 'V' : '-';
    out[4] = 0;
}

static const char *security(const Cpu *cpu, const ArmState *s)
{
    const ArmCpuConfig *c = &((const ArmCpu *)cpu->target_priv)->config;

    return !arm_has(c, ARM_FEAT_EL3) ? "" : s->sr[ARM_SR_SCR_EL3] & SCR_NS ? "NS " : "S ";
}

/* Quadwords of the vectors that software sees now; 0: it sees V registers only. */
static unsigned vector_quads(Cpu *cpu)
{
    ArmEnv *env = arm_env_parked(cpu);
    bool sve = arm_has(env->config, ARM_FEAT_SVE) && !arm_sve_trap_el(env, arm_el(env));
    unsigned vq = sve ? arm_sve_vq(env, arm_el(env)) : 0;

    free(env);
    return vq;
}

/* A predicate has a hexadecimal digit for each four bytes of a vector; groups of 16, the highest first. */
static void dump_predicate(const ArmPred *p, unsigned vq, GString *o)
{
    for (int at = (int)(vq - 1) / 4 * 8; at >= 0; at -= 8) {
        unsigned digits = MIN(16, 4 * vq - (unsigned)at * 2);
        g_string_append_printf(o, "%0*" G_GINT64_MODIFIER "x%s", (int)digits, (guint64)ld_le64(p->b + at), at ? ":" : "");
    }
}

/* Quadwords from..to of a vector, the highest first. */
static void dump_quads(const ArmVec *z, unsigned from, unsigned to, GString *o)
{
    for (int at = 16 * (int)to + 8; at >= 16 * (int)from; at -= 8) {
        g_string_append_printf(o, X64 "%s", (guint64)ld_le64(z->b + at), at > 16 * (int)from ? ":" : "");
    }
}

/* Two quadwords a line with their numbers, the one that is left over alone. */
static void dump_long_vector(const ArmVec *z, unsigned i, unsigned vq, GString *o)
{
    for (int top = (int)vq - 1; top >= 0; top -= 2) {
        if (top == (int)vq - 1) {
            g_string_append_printf(o, "Z%02u", i);
        } else {
            g_string_append(o, "   ");
        }
        if (top) {
            g_string_append_printf(o, "[%x-%x]=", (unsigned)top, (unsigned)top - 1);
        } else {
            g_string_append(o, "  [0]=");
        }
        dump_quads(z, top ? (unsigned)top - 1 : 0, (unsigned)top, o);
        g_string_append_c(o, '\n');
    }
}

static void dump_sve(const ArmState *s, unsigned vq, GString *o)
{
    unsigned in_line = vq == 1 ? 8 : vq == 2 ? 6 : vq <= 4 ? 3 : 1;

    for (unsigned i = 0; i < 17; i++) {
        if (i < 16) {
            g_string_append_printf(o, "P%02u=", i);
        } else {
            g_string_append(o, "FFR=");
        }
        dump_predicate(&s->p[i], vq, o);
        g_string_append_c(o, i == 16 || i % in_line == in_line - 1 ? '\n' : ' ');
    }
    for (unsigned i = 0; i < 32; i++) {
        if (vq > 2) {
            dump_long_vector(&s->z[i], i, vq, o);
            continue;
        }
        g_string_append_printf(o, "Z%02u=", i);
        dump_quads(&s->z[i], 0, vq - 1, o);
        g_string_append_c(o, vq == 2 || i & 1 ? '\n' : ' ');
    }
}

static void dump_a64(Cpu *cpu, const ArmState *s, GString *o)
{
    unsigned vq = vector_quads(cpu);
    char flags[5];

    g_string_append_printf(o, " PC=" X64 " ", (guint64)s->pc);
    for (int i = 0; i < 32; i++) {
        if (i == 31) {
            g_string_append_printf(o, " SP=" X64 "\n", (guint64)s->sp);
        } else {
            g_string_append_printf(o, "X%02d=" X64 "%s", i, (guint64)s->x[i], i % 3 == 1 ? "\n" : " ");
        }
    }
    flags_text(s->pstate, flags);
    g_string_append_printf(o, "PSTATE=%08x %s %sEL%u%c\n", s->pstate, flags, security(cpu, s), s->pstate >> 2 & 3,
                           s->pstate & PSTATE_SPSEL ? 'h' : 't');
    g_string_append_printf(o, "FPCR=%08x FPSR=%08x\n", s->fpcr, s->fpsr);
    if (vq) {
        dump_sve(s, vq, o);
        return;
    }
    for (int i = 0; i < 32; i++) {
        g_string_append_printf(o, "Q%02d=" X64 ":" X64 "%c", i, (guint64)ld_le64(s->z[i].b + 8),
                               (guint64)ld_le64(s->z[i].b), i & 1 ? '\n' : ' ');
    }
}

static void dump_a32(Cpu *cpu, const ArmState *s, GString *o)
{
    static const char *const mode_name[16] = {"usr", "fiq", "irq", "svc", "???", "???", "mon", "abt",
                                              "???", "???", "hyp", "und", "???", "???", "???", "sys"};
    char flags[5];

    for (int i = 0; i < 16; i++) {
        g_string_append_printf(o, "R%02d=%08x%c", i, (unsigned)(i == 15 ? s->pc : s->x[i]), i % 4 == 3 ? '\n' : ' ');
    }
    flags_text(s->pstate, flags);
    g_string_append_printf(o, "PSR=%08x %s %c %s%s32\n", s->pstate, flags, s->pstate & CPSR_T ? 'T' : 'A',
                           security(cpu, s), mode_name[s->pstate & 15]);
    for (int i = 0; i < 32; i++) {
        g_string_append_printf(o, "d%02d=" X64 "%c", i, (guint64)ld_le64(s->z[i / 2].b + i % 2 * 8), i & 1 ? '\n' : ' ');
    }
    g_string_append_printf(o, "FPSCR: %08x\n", s->fpcr | s->fpsr);
}

void arm_dump(Cpu *cpu, GString *out)
{
    const ArmState *s = cpu->state;

    (s->pstate & PSTATE_NRW ? dump_a32 : dump_a64)(cpu, s, out);
}
