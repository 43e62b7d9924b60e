/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `info registers`: the layout is QEMU's, which scripts parse.
 */
#include "target/i386/dump.h"
#include "target/i386/system.h"

#define X64 "%016" G_GINT64_MODIFIER "x"
#define X32 "%08x"

static bool wide(const X86State *s)
{
    return (s->efer & EFER_LMA) && (s->seg[S_CS].attr & SEG_L);
}

static void dump_gprs(const X86State *s, GString *o)
{
    static const char *const name[] = {
        "RAX", "RBX", "RCX", "RDX", "RSI", "RDI", "RBP", "RSP",
        "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15",
    };
    static const uint8_t reg[] = {0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15};

    for (int i = 0; i < (wide(s) ? 16 : 8); i++) {
        if (wide(s)) {
            g_string_append_printf(o, "%s=" X64 "%c", name[i], (guint64)s->gpr[reg[i]],
                                   i % 4 == 3 ? '\n' : ' ');
        } else {
            g_string_append_printf(o, "E%s=" X32 "%c", name[i] + 1, (unsigned)s->gpr[reg[i]],
                                   i % 4 == 3 ? '\n' : ' ');
        }
    }
}

static void dump_rip(const Cpu *cpu, const X86State *s, GString *o)
{
    uint64_t f = s->rflags;

    if (wide(s)) {
        g_string_append_printf(o, "RIP=" X64 " RFL=%08x", (guint64)s->rip, (unsigned)f);
    } else {
        g_string_append_printf(o, "EIP=" X32 " EFL=%08x", (unsigned)s->rip, (unsigned)f);
    }
    g_string_append_printf(o, " [%c%c%c%c%c%c%c] CPL=%d II=%d A20=1 SMM=%d HLT=%d\n",
                           f & FLAG_DF ? 'D' : '-', f & FLAG_OF ? 'O' : '-',
                           f & FLAG_SF ? 'S' : '-', f & FLAG_ZF ? 'Z' : '-',
                           f & FLAG_AF ? 'A' : '-', f & FLAG_PF ? 'P' : '-',
                           f & FLAG_CF ? 'C' : '-', x86_state_cpl(s), s->int_shadow != 0,
                           s->smm, s->halted);
}

static const char *seg_kind(const X86State *s, const X86Seg *seg, char buf[8])
{
    static const char *const system[2][16] = {
        {"Reserved", "TSS16-avl", "LDT", "TSS16-busy", "CallGate16", "TaskGate", "IntGate16",
         "TrapGate16", "Reserved", "TSS32-avl", "Reserved", "TSS32-busy", "CallGate32", "Reserved",
         "IntGate32", "TrapGate32"},
        {"<hiword>", "Reserved", "LDT", "Reserved", "Reserved", "Reserved", "Reserved", "Reserved",
         "Reserved", "TSS64-avl", "Reserved", "TSS64-busy", "CallGate64", "Reserved", "IntGate64",
         "TrapGate64"},
    };
    unsigned a = seg->attr;

    if (!(a & SEG_S)) {
        return system[(s->efer & EFER_LMA) != 0][a & 15];
    }
    if (a & 8) {
        g_snprintf(buf, 8, "[%c%c%c", a & 4 ? 'C' : '-', a & 2 ? 'R' : '-', a & 1 ? 'A' : '-');
    } else {
        g_snprintf(buf, 8, "[%c%c%c", a & 4 ? 'E' : '-', a & 2 ? 'W' : '-', a & 1 ? 'A' : '-');
    }
    strcat(buf, "]");
    return buf;
}

static void dump_segment(const X86State *s, const char *name, const X86Seg *seg, GString *o)
{
    unsigned a = seg->attr;
    char buf[8];

    if (s->efer & EFER_LMA) {
        g_string_append_printf(o, "%-3s=%04x " X64, name, seg->sel, (guint64)seg->base);
    } else {
        g_string_append_printf(o, "%-3s=%04x " X32, name, seg->sel, (unsigned)seg->base);
    }
    g_string_append_printf(o, " %08x %08x", seg->limit, (a & 0xf0ff) << 8 | (seg->limit >> 16 & 15) << 16);
    if ((s->cr0 & CR0_PE) && (a & SEG_P) && !(a & SEG_UNUSABLE)) {
        g_string_append_printf(o, " DPL=%d ", a >> SEG_DPL_SHIFT & 3);
        if (a & SEG_S) {
            g_string_append(o, !(a & 8) ? (a & SEG_DB ? "DS  " : "DS16")
                               : a & SEG_L ? "CS64" : a & SEG_DB ? "CS32" : "CS16");
            g_string_append_c(o, ' ');
        }
        g_string_append(o, seg_kind(s, seg, buf));
    }
    g_string_append_c(o, '\n');
}

static void dump_tables(const X86State *s, GString *o)
{
    if (s->efer & EFER_LMA) {
        g_string_append_printf(o, "GDT=     " X64 " %08x\nIDT=     " X64 " %08x\n",
                               (guint64)s->gdt_base, s->gdt_limit, (guint64)s->idt_base,
                               s->idt_limit);
        g_string_append_printf(o, "CR0=%08x CR2=" X64 " CR3=" X64 " CR4=%08x\n", (unsigned)s->cr0,
                               (guint64)s->cr2, (guint64)s->cr3, (unsigned)s->cr4);
    } else {
        g_string_append_printf(o, "GDT=     " X32 " %08x\nIDT=     " X32 " %08x\n",
                               (unsigned)s->gdt_base, s->gdt_limit, (unsigned)s->idt_base,
                               s->idt_limit);
        g_string_append_printf(o, "CR0=%08x CR2=" X32 " CR3=" X32 " CR4=%08x\n", (unsigned)s->cr0,
                               (unsigned)s->cr2, (unsigned)s->cr3, (unsigned)s->cr4);
    }
}

static void dump_debug(const X86State *s, GString *o)
{
    int n = s->efer & EFER_LMA ? 16 : 8;

    for (int i = 0; i < 4; i++) {
        g_string_append_printf(o, "DR%d=%0*" G_GINT64_MODIFIER "x ", i, n, (guint64)s->dr[i]);
    }
    g_string_append_printf(o, "\nDR6=%0*" G_GINT64_MODIFIER "x DR7=%0*" G_GINT64_MODIFIER "x\n", n,
                           (guint64)s->dr[6], n, (guint64)s->dr[7]);
    g_string_append_printf(o, "EFER=" X64 "\n", (guint64)s->efer);
}

static void dump_fpu(const X86State *s, GString *o)
{
    const X86Fxsave *fx = &s->fx;
    int top = fx->fsw >> 11 & 7;

    g_string_append_printf(o, "FCW=%04x FSW=%04x [ST=%d] FTW=%02x MXCSR=%08x\n", fx->fcw,
                           fx->fsw & ~0x3800, top, fx->ftw, fx->mxcsr);
    for (int i = 0; i < 8; i++) {
        const uint8_t *r = fx->st[(i - top) & 7]; /* the image holds ST(n), QEMU names R0..R7 */
        g_string_append_printf(o, "FPR%d=" X64 " %04x%c", i, (guint64)ld_le64(r), ld_le16(r + 8),
                               i & 1 ? '\n' : ' ');
    }
    for (int i = 0; i < (wide(s) ? 16 : 8); i++) {
        g_string_append_printf(o, "XMM%02d=" X64 " " X64 "%c", i, (guint64)ld_le64(fx->xmm[i] + 8),
                               (guint64)ld_le64(fx->xmm[i]), i & 1 ? '\n' : ' ');
    }
}

void x86_dump(Cpu *cpu, GString *out)
{
    static const char *const name[] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    const X86State *s = cpu->state;

    dump_gprs(s, out);
    dump_rip(cpu, s, out);
    for (int i = 0; i < S_COUNT; i++) {
        dump_segment(s, name[i], &s->seg[i], out);
    }
    dump_segment(s, "LDT", &s->ldt, out);
    dump_segment(s, "TR", &s->tr, out);
    dump_tables(s, out);
    dump_debug(s, out);
    dump_fpu(s, out);
}
