/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A local APIC as text, for `info lapic` and `info qtree` (registers: SDM vol 3, 11.4 and 11.5). The form is QEMU's.
 *
 * home: its vCPU's thread while an accelerator has it, otherwise any.
 */
#include <inttypes.h>

#include "hw/intc/apic_internal.h"
#include "base/bits.h"

enum { LVT_VECTOR = 0xff, LVT_PENDING = 1 << 12, LVT_LOW = 1 << 13, LVT_TRIGGER = 1 << 15 };
enum { ICR_LOGICAL = 1 << 11, ICR_ASSERT = 1 << 14, ICR_LEVEL = 1 << 15 };
enum { SVR_FOCUS = 1 << 9, MODE_NMI = 4, FLAT = 0xf };

/* ---- info lapic; lock held ---- */

static void put_lvt(const Lapic *l, const char *name, int entry, GString *out)
{
    static const char *const modes[8] = {"Fixed", "...", "SMI", "...", "NMI", "INIT", "...", "ExtINT"};
    static const char *const timers[4] = {"one-shot", "periodic", "tsc-deadline", "..."};
    uint32_t v = l->lvt[entry];

    g_string_append_printf(out, "%s\t 0x%08x %s %-5s %-6s %-7s %-12s %-6s", name, v, v & LVT_LOW ? "active-lo" : "active-hi",
                           v & LVT_TRIGGER ? "level" : "edge", v & APIC_LVT_MASKED ? "masked" : "",
                           v & LVT_PENDING ? "pending" : "", entry == LVT_TIMER ? timers[v >> 17 & 3] : "", modes[v >> 8 & 7]);
    if ((v >> 8 & 7) != MODE_NMI) {
        g_string_append_printf(out, " (vec %u)", v & LVT_VECTOR);
    }
    g_string_append_c(out, '\n');
}

/* Of a set of processors, as binary digits. */
static void put_mask(uint32_t mask, int bits, GString *out)
{
    g_string_append(out, " mask ");
    for (int i = bits - 1; i >= 0; i--) {
        g_string_append_c(out, mask >> i & 1 ? '1' : '0');
    }
}

/* Whom a command without a shorthand goes to. */
static void put_destination(const Lapic *l, GString *out)
{
    bool x2 = apic_x2(l);
    uint32_t dest = x2 ? l->icr >> 32 : l->icr >> 56;

    if (!(l->icr & ICR_LOGICAL)) {
        g_string_append_printf(out, " cpu %u", dest);
    } else if (x2) {
        g_string_append_printf(out, " cluster %u", dest >> 16);
        put_mask(dest & 0xffff, 16, out);
    } else if (l->dfr >> 28 == FLAT) {
        put_mask(dest, 8, out);
    } else {
        g_string_append_printf(out, " cluster %u", dest >> 4);
        put_mask(dest & 0xf, 4, out);
    }
    g_string_append(out, x2 ? " (X2APIC ID)" : " (APIC ID)");
}

static void put_icr(const Lapic *l, GString *out)
{
    static const char *const shorthands[4] = {"no-shorthand", "self", "all-self", "all"}; /* the last: but not itself */
    uint32_t v = l->icr;

    g_string_append_printf(out, "ICR\t 0x%08x %s %s %s %s\nICR2\t 0x%08x", v, v & ICR_LOGICAL ? "logical" : "physical",
                           v & ICR_LEVEL ? "level" : "edge", v & ICR_ASSERT ? "assert" : "de-assert",
                           shorthands[v >> 18 & 3], (uint32_t)(l->icr >> 32));
    if (!(v >> 18 & 3)) {
        put_destination(l, out);
    }
    g_string_append_c(out, '\n');
}

static void put_vectors(const Lapic *l, const char *name, const uint32_t map[8], GString *out)
{
    bool none = true;

    g_string_append_printf(out, "%s\t ", name);
    for (unsigned i = 0; i < 256; i++) {
        if (map[i / 32] >> (i % 32) & 1) {
            g_string_append_printf(out, "%u%s ", i, l->tmr[i / 32] >> (i % 32) & 1 ? "(level)" : "");
            none = false;
        }
    }
    g_string_append(out, none ? "(none)\n" : "\n");
}

static void put_registers(Lapic *l, GString *out)
{
    put_lvt(l, "LVT0", LVT_LINT0, out);
    put_lvt(l, "LVT1", LVT_LINT1, out);
    put_lvt(l, "LVTPC", LVT_PERF, out);
    put_lvt(l, "LVTERR", LVT_ERROR, out);
    put_lvt(l, "LVTTHMR", LVT_THERMAL, out);
    put_lvt(l, "LVTT", LVT_TIMER, out);
    g_string_append_printf(out, "Timer\t DCR=0x%x (divide by %u) initial_count = %u current_count = %u\n", l->divide,
                           (unsigned)lapic_timer_unit(l), l->initial_count, lapic_current_count(l));
    g_string_append_printf(out, "SPIV\t 0x%08x APIC %s, focus=%s, spurious vec %u\n", l->svr,
                           l->svr & SVR_ENABLE ? "enabled" : "disabled", l->svr & SVR_FOCUS ? "on" : "off", l->svr & 0xff);
    put_icr(l, out);
    g_string_append_printf(out, "ESR\t 0x%08x\n", l->esr);
    put_vectors(l, "ISR", l->isr, out);
    put_vectors(l, "IRR", l->irr, out);
}

void lapic_dump(void *opaque, GString *out)
{
    Lapic *l = opaque;

    lapic_borrow(l, false);
    uint8_t priority = lapic_priority(l);
    g_mutex_lock(&l->lock);
    g_string_append_printf(out, "dumping local APIC state for CPU %-2u\n\n", (unsigned)l->cpu->arch_id);
    put_registers(l, out);
    bool x2 = apic_x2(l);
    g_string_append_printf(out, "\nAPR 0x00 TPR 0x%02x DFR 0x%02x LDR 0x%02x PPR 0x%02x\n", l->tpr, l->dfr >> 28,
                           x2 ? l->ldr : l->ldr >> 24, priority);
    g_mutex_unlock(&l->lock);
}

/* ---- info qtree ---- */

void lapic_info(Device *d, GString *out)
{
    Lapic *l = (Lapic *)d;
    uint8_t priority = lapic_priority(l);

    g_mutex_lock(&l->lock);
    if (apic_lent(l)) {
        g_string_append(out, "the accelerator has it; as it was before: ");
    }
    g_string_append_printf(out, "cpu %u: id %u base %" PRIx64 " svr %x tpr %x ppr %x irr %d isr %d\n", l->cpu_index, l->id,
                           l->base, l->svr, l->tpr, priority, lapic_highest(l->irr), lapic_highest(l->isr));
    g_string_append(out, "lvt");
    for (int i = 0; i < LVT_COUNT; i++) {
        g_string_append_printf(out, " %05x", l->lvt[i]);
    }
    g_string_append_printf(out, " timer %u/%u\n", lapic_current_count(l), l->initial_count);
    g_mutex_unlock(&l->lock);
}
