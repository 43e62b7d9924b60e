/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv2 distributor registers: IHI 0048B, 4.3. Non-secure accesses (4.2.2, 4.3.x "usage constraints") see and change only
 * Group 1 interrupts, and the lower half of the priorities.
 *
 * home: any thread; the GIC's own lock.
 */
#include "hw/intc/gicv2.h"

enum {
    D_CTLR = 0x000, D_TYPER = 0x004, D_IIDR = 0x008, D_IGROUP = 0x080, D_ISENABLE = 0x100, D_ICENABLE = 0x180, D_ISPEND = 0x200,
    D_ICPEND = 0x280, D_ISACTIVE = 0x300, D_ICACTIVE = 0x380, D_PRIORITY = 0x400, D_TARGETS = 0x800, D_CONFIG = 0xc00,
    D_NSAC = 0xe00, D_SGI = 0xf00, D_CPENDSGI = 0xf10, D_SPENDSGI = 0xf20, D_SPENDSGI_END = 0xf30, D_ID = 0xfd0,
};

/* PIDR4..7, PIDR0..3, CIDR0..3 of an Arm GICv2 */
static const uint8_t ids[] = {0x04, 0, 0, 0, 0x90, 0xb4, 0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1};

/* Which interrupts of word w an access may see. */
static uint32_t visible(const Gicv2 *g, unsigned w, unsigned cpu, bool ns)
{
    if (w >= g->num_irq / 32) {
        return 0;
    }
    return ns ? g->group[v2_at(w, cpu)] : UINT32_MAX;
}

static uint32_t read_ctlr(const Gicv2 *g, bool ns)
{
    return ns ? g->ctlr >> 1 & 1 : g->ctlr;
}

static void write_ctlr(Gicv2 *g, bool ns, uint32_t v)
{
    g->ctlr = ns ? (g->ctlr & 1) | (v & 1) << 1 : v & 3;
    v2_update_all(g);
}

/* ---- one bit an interrupt ---- */

static uint32_t read_bits(const Gicv2 *g, unsigned cpu, bool ns, hwaddr offset)
{
    unsigned w = offset / 4 % 32, at = v2_at(w, cpu);
    uint32_t see = visible(g, w, cpu, ns);

    switch (offset & ~(hwaddr)0x7f) {
    case D_IGROUP:
        return ns ? 0 : g->group[at] & see;
    case D_ISENABLE:
    case D_ICENABLE:
        return g->enabled[at] & see;
    case D_ISPEND:
    case D_ICPEND:
        return (g->latch[at] | (g->level[at] & ~g->edge[at])) & see;
    default:
        return g->active[at] & see;
    }
}

/* mask: the bytes that are written. */
static void write_bits(Gicv2 *g, unsigned cpu, bool ns, hwaddr offset, uint32_t v, uint32_t mask)
{
    unsigned w = offset / 4 % 32, at = v2_at(w, cpu);
    uint32_t see = visible(g, w, cpu, ns) & mask, sgis = w == 0 ? 0xffff : 0;

    v &= see;
    switch (offset & ~(hwaddr)0x7f) {
    case D_IGROUP:
        g->group[at] = ns ? g->group[at] : (g->group[at] & ~see) | v;
        break;
    case D_ISENABLE:
        g->enabled[at] |= v;
        break;
    case D_ICENABLE:
        g->enabled[at] &= ~(v & ~sgis);
        break;
    case D_ISPEND:
        g->latch[at] |= v & ~sgis;
        break;
    case D_ICPEND:
        g->latch[at] &= ~(v & ~sgis);
        break;
    case D_ISACTIVE:
        g->active[at] |= v;
        break;
    case D_ICACTIVE:
        g->active[at] &= ~v;
        break;
    }
    v2_update_all(g);
}

/* ---- one byte an interrupt ---- */

static uint8_t read_byte(const Gicv2 *g, unsigned cpu, bool ns, hwaddr offset)
{
    unsigned irq = offset & 0x3ff, i = v2_index(irq, cpu);

    if (!(visible(g, irq / 32, cpu, ns) >> (irq % 32) & 1)) {
        return 0;
    }
    if (offset < D_TARGETS) {
        return ns ? g->prio[i] << 1 : g->prio[i];
    }
    if (g->num_cpu == 1) {
        return 0; /* 4.3.12: a uniprocessor's are RAZ/WI */
    }
    return irq < 32 ? 1u << cpu : g->target[i];
}

static void write_byte(Gicv2 *g, unsigned cpu, bool ns, hwaddr offset, uint8_t v)
{
    unsigned irq = offset & 0x3ff, i = v2_index(irq, cpu);

    if (!(visible(g, irq / 32, cpu, ns) >> (irq % 32) & 1)) {
        return;
    }
    if (offset < D_TARGETS) {
        g->prio[i] = ns ? 0x80 | v >> 1 : v;
    } else if (irq >= 32 && g->num_cpu > 1) {
        g->target[i] = v & (BIT32(g->num_cpu) - 1);
    }
}

/* ---- two bits an interrupt ---- */

static uint32_t read_config(const Gicv2 *g, unsigned cpu, bool ns, hwaddr offset)
{
    unsigned irq = (offset - D_CONFIG) * 4, at = v2_at(irq / 32, cpu);
    uint32_t edge = (g->edge[at] & visible(g, irq / 32, cpu, ns)) >> (irq % 32), v = 0;

    for (int i = 0; i < 16; i++) {
        v |= (edge >> i & 1) << (2 * i + 1);
    }
    return v;
}

static void write_config(Gicv2 *g, unsigned cpu, bool ns, hwaddr offset, uint32_t v, uint32_t mask)
{
    unsigned irq = (offset - D_CONFIG) * 4, at = v2_at(irq / 32, cpu);
    uint32_t see = visible(g, irq / 32, cpu, ns);

    if (irq < 16) {
        return; /* SGIs are edges */
    }
    for (int i = 0; i < 16; i++) {
        uint32_t bit = BIT32(irq % 32 + i);
        if ((see & bit) && (mask >> (2 * i + 1) & 1)) {
            g->edge[at] = v >> (2 * i + 1) & 1 ? g->edge[at] | bit : g->edge[at] & ~bit;
        }
    }
    v2_update_all(g);
}

/* ---- SGIs ---- */

static void write_sgir(Gicv2 *g, unsigned cpu, bool ns, uint32_t v)
{
    unsigned sgi = v & 15, filter = v >> 24 & 3;
    uint8_t targets = filter == 0 ? v >> 16 : filter == 1 ? ~BIT32(cpu) : filter == 2 ? BIT32(cpu) : 0;

    for (unsigned i = 0; g->security && i < g->num_cpu; i++) { /* 4.3.15, table 4-21 */
        bool group1 = g->group[i] >> sgi & 1;
        if (group1 != (ns || (v >> 15 & 1))) {
            targets &= ~BIT32(i);
        }
    }
    v2_send_sgi(g, cpu, targets, sgi);
}

/* GICD_CPENDSGIR, GICD_SPENDSGIR: a byte a SGI, a bit a sender. */
static uint8_t read_sgi_sources(const Gicv2 *g, unsigned cpu, bool ns, hwaddr offset)
{
    unsigned sgi = offset & 15;

    return visible(g, 0, cpu, ns) >> sgi & 1 ? g->sgi_source[cpu * V2_SGIS + sgi] : 0;
}

static void write_sgi_sources(Gicv2 *g, unsigned cpu, bool ns, hwaddr offset, uint8_t v)
{
    unsigned sgi = offset & 15;
    uint8_t *source = &g->sgi_source[cpu * V2_SGIS + sgi];

    if (!(visible(g, 0, cpu, ns) >> sgi & 1)) {
        return;
    }
    *source = offset >= D_SPENDSGI ? *source | v : *source & ~v;
    v2_put(g->latch, sgi, cpu, *source != 0);
    v2_update(g, cpu);
}

/* ---- dispatch ---- */

static uint32_t read_word(Gicv2 *g, unsigned cpu, bool ns, hwaddr offset)
{
    uint32_t v = 0;

    switch (offset) {
    case D_CTLR:
        return read_ctlr(g, ns);
    case D_TYPER:
        return (g->num_irq / 32 - 1) | (g->num_cpu - 1) << 5 | (g->security ? 1u << 10 : 0);
    case D_IIDR:
        return 0x43b; /* Arm */
    case D_IGROUP ... D_PRIORITY - 1:
        return read_bits(g, cpu, ns, offset);
    case D_PRIORITY ... D_CONFIG - 1:
        for (int i = 3; i >= 0; i--) {
            v = v << 8 | read_byte(g, cpu, ns, offset + i);
        }
        return v;
    case D_CONFIG ... D_CONFIG + 0xff:
        return read_config(g, cpu, ns, offset);
    case D_CPENDSGI ... D_SPENDSGI_END - 1:
        for (int i = 3; i >= 0; i--) {
            v = v << 8 | read_sgi_sources(g, cpu, ns, offset + i);
        }
        return v;
    case D_ID ... D_ID + 4 * sizeof(ids) - 1:
        return ids[(offset - D_ID) / 4];
    default:
        return 0;
    }
}

static uint64_t dist_read(void *opaque, hwaddr offset, unsigned size)
{
    V2Window *w = opaque;
    Gicv2 *g = w->gic;

    g_mutex_lock(&g->lock);
    uint32_t v = read_word(g, v2_accessor(g), g->security && !w->secure, offset & ~(hwaddr)3);
    g_mutex_unlock(&g->lock);
    return extract32(v, (offset & 3) * 8, size * 8);
}

static void write_word(Gicv2 *g, unsigned cpu, bool ns, hwaddr offset, uint32_t v, uint32_t mask)
{
    switch (offset) {
    case D_CTLR:
        write_ctlr(g, ns, v);
        break;
    case D_IGROUP ... D_PRIORITY - 1:
        write_bits(g, cpu, ns, offset, v, mask);
        break;
    case D_PRIORITY ... D_CONFIG - 1:
    case D_CPENDSGI ... D_SPENDSGI_END - 1:
        for (int i = 0; i < 4; i++) {
            if (!(mask >> (i * 8) & 1)) {
                continue;
            }
            if (offset < D_CONFIG) {
                write_byte(g, cpu, ns, offset + i, v >> (i * 8));
            } else {
                write_sgi_sources(g, cpu, ns, offset + i, v >> (i * 8));
            }
        }
        v2_update_all(g);
        break;
    case D_CONFIG ... D_CONFIG + 0xff:
        write_config(g, cpu, ns, offset, v, mask);
        break;
    case D_SGI:
        write_sgir(g, cpu, ns, v);
        break;
    }
}

static void dist_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    V2Window *w = opaque;
    Gicv2 *g = w->gic;
    unsigned shift = (offset & 3) * 8;
    uint32_t mask = (uint32_t)MASK64(0, size * 8) << shift;

    g_mutex_lock(&g->lock);
    write_word(g, v2_accessor(g), g->security && !w->secure, offset & ~(hwaddr)3, (uint32_t)value << shift, mask);
    g_mutex_unlock(&g->lock);
}

const IoOps v2_dist_ops = {dist_read, dist_write, .min_size = 1, .max_size = 4, .lockless = true};
