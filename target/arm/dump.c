/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `info registers`: the layout is QEMU's, which scripts parse.
 */
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

static void dump_a64(const Cpu *cpu, const ArmState *s, GString *o)
{
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
    for (int i = 0; i < 32; i++) {
        g_string_append_printf(o, "Q%02d=" X64 ":" X64 "%c", i, (guint64)ld_le64(s->z[i].b + 8),
                               (guint64)ld_le64(s->z[i].b), i & 1 ? '\n' : ' ');
    }
}

static void dump_a32(const Cpu *cpu, const ArmState *s, GString *o)
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
