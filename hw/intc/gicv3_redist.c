/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv3 redistributor registers: IHI 0069H, 12.11. Two frames of 64 KiB a processor: RD_base, SGI_base.
 *
 * home: any thread; the GIC's own lock.
 */
#include "hw/intc/gicv3.h"

enum {
    R_CTLR = 0x0000, R_IIDR = 0x0004, R_TYPER = 0x0008, R_WAKER = 0x0014, R_PROPBASER = 0x0070, R_PENDBASER = 0x0078,
    R_ID = 0xffd0,
    /* SGI_base */
    R_IGROUP = 0x10080, R_ISENABLE = 0x10100, R_ICENABLE = 0x10180, R_ISPEND = 0x10200, R_ICPEND = 0x10280,
    R_ISACTIVE = 0x10300, R_ICACTIVE = 0x10380, R_PRIORITY = 0x10400, R_CONFIG = 0x10c00, R_IGRPMOD = 0x10d00,
    R_NSAC = 0x10e00,
};
#define CTLR_LPIS  1u
#define CTLR_CES   2u /* EnableLPIs can be cleared */
#define TYPER_PLPIS (1u << 0)
#define TYPER_LAST (1u << 4)
#define TYPER_COMMON_LPI (1u << 24) /* processors of one Aff3 share the LPI configuration table */
#define WAKER_SLEEP 2u
#define WAKER_CHILDREN 4u
#define PROPBASER_MASK 0x070fffffffffff9full
#define PENDBASER_MASK 0x070fffffffff0f80ull /* PTZ is write only */
#define PENDBASER_PTZ  (1ull << 62)

/* Private interrupts that an access may see; as the distributor's visible(). */
static uint32_t visible(const Gicv3 *g, unsigned cpu, bool ns, unsigned least)
{
    const V3Cpu *c = &g->cpu[cpu];

    if (!ns) {
        return UINT32_MAX;
    }
    return c->group | (least ? v3_nsacr_mask(c->nsacr, c->nsacr >> 32, least) : 0);
}

static uint64_t read_typer(const Gicv3 *g, const V3Window *w, unsigned cpu)
{
    uint64_t v = (uint64_t)g->host[cpu].affinity << 32 | TYPER_COMMON_LPI | cpu << 8;

    v |= cpu == w->first + w->count - 1 ? TYPER_LAST : 0;
    return v | (g->has_lpi ? TYPER_PLPIS : 0);
}

/* ---- one bit an interrupt ---- */

static uint32_t read_bits(const Gicv3 *g, unsigned cpu, bool ns, hwaddr offset)
{
    const V3Cpu *c = &g->cpu[cpu];

    switch (offset) {
    case R_IGROUP:
        return ns ? 0 : c->group;
    case R_ISENABLE:
    case R_ICENABLE:
        return c->enabled & visible(g, cpu, ns, 0);
    case R_ISPEND:
    case R_ICPEND:
        return v3_private_pending(g, cpu) & visible(g, cpu, ns, 1);
    case R_ISACTIVE:
    case R_ICACTIVE:
        return c->active & visible(g, cpu, ns, 2);
    default:
        return 0;
    }
}

static void write_bits(Gicv3 *g, unsigned cpu, bool ns, hwaddr offset, uint32_t v, uint32_t mask)
{
    V3Cpu *c = &g->cpu[cpu];
    uint64_t see = visible(g, cpu, ns, 0) & mask;

    switch (offset) {
    case R_IGROUP:
        c->group = ns ? c->group : (c->group & ~see) | (v & see);
        break;
    case R_ISENABLE:
        c->enabled |= v & see;
        break;
    case R_ICENABLE:
        c->enabled &= ~(v & see);
        break;
    case R_ISPEND:
        c->latch |= v & visible(g, cpu, ns, 1);
        break;
    case R_ICPEND:
        c->latch &= ~((uint64_t)v & visible(g, cpu, ns, 2));
        break;
    case R_ISACTIVE:
        c->active |= v & see;
        break;
    case R_ICACTIVE:
        c->active &= ~(v & see);
        break;
    }
    v3_update(g, cpu);
}

/* ---- wider fields ---- */

static uint8_t read_priority(const Gicv3 *g, unsigned cpu, bool ns, unsigned irq)
{
    uint8_t prio = g->cpu[cpu].prio[irq / 8] >> (irq % 8 * 8);

    if (!(visible(g, cpu, ns, 0) >> irq & 1)) {
        return 0;
    }
    return ns ? prio << 1 : prio;
}

static void write_priority(Gicv3 *g, unsigned cpu, bool ns, unsigned irq, uint8_t v)
{
    uint64_t *word = &g->cpu[cpu].prio[irq / 8];

    if (visible(g, cpu, ns, 0) >> irq & 1) {
        *word = deposit64(*word, irq % 8 * 8, 8, (ns ? 0x80 | v >> 1 : v) & V3_PRIO_MASK);
    }
}

static uint32_t read_config(const Gicv3 *g, unsigned cpu, bool ns, unsigned irq)
{
    uint32_t edge = (g->cpu[cpu].edge & visible(g, cpu, ns, 0)) >> irq, v = 0;

    for (int i = 0; i < 16; i++) {
        v |= (edge >> i & 1) << (2 * i + 1);
    }
    return v;
}

/* PPIs only: SGIs are edges. */
static void write_config(Gicv3 *g, unsigned cpu, bool ns, uint32_t v, uint32_t mask)
{
    V3Cpu *c = &g->cpu[cpu];
    uint32_t see = visible(g, cpu, ns, 0);

    for (int i = 0; i < 16; i++) {
        uint64_t bit = BIT32(16 + i);
        if ((see & bit) && (mask >> (2 * i + 1) & 1)) {
            c->edge = v >> (2 * i + 1) & 1 ? c->edge | bit : c->edge & ~bit;
        }
    }
    v3_update(g, cpu);
}

static uint64_t merge(uint64_t old, unsigned shift, uint32_t v, uint32_t mask)
{
    return (old & ~((uint64_t)mask << shift)) | (uint64_t)(v & mask) << shift;
}

/* ---- RD_base ---- */

static uint32_t read_control(Gicv3 *g, const V3Window *w, unsigned cpu, bool ns, hwaddr offset)
{
    const V3Cpu *c = &g->cpu[cpu];
    unsigned shift = offset & 4 ? 32 : 0;

    switch (offset) {
    case R_CTLR:
        return g->has_lpi ? CTLR_CES | c->lpi_enable : 0;
    case R_IIDR:
        return V3_IIDR;
    case R_TYPER:
    case R_TYPER + 4:
        return read_typer(g, w, cpu) >> shift;
    case R_WAKER: /* Secure software's */
        return ns ? 0 : c->waker;
    case R_PROPBASER:
    case R_PROPBASER + 4:
        return c->propbaser >> shift;
    case R_PENDBASER:
    case R_PENDBASER + 4:
        return (c->pendbaser & ~PENDBASER_PTZ) >> shift;
    case R_ID ... R_ID + 0x2f:
        return v3_id_register(offset, 0x93);
    default:
        return 0;
    }
}

static void write_control(Gicv3 *g, unsigned cpu, bool ns, hwaddr offset, uint32_t v, uint32_t mask)
{
    V3Cpu *c = &g->cpu[cpu];
    unsigned shift = offset & 4 ? 32 : 0;

    switch (offset) {
    case R_CTLR:
        if (g->has_lpi && (mask & CTLR_LPIS)) {
            v3_lpi_enable(g, cpu, v & CTLR_LPIS);
        }
        break;
    case R_WAKER:
        if (!ns && (mask & WAKER_SLEEP)) { /* children sleep and wake at once */
            c->waker = v & WAKER_SLEEP ? WAKER_SLEEP | WAKER_CHILDREN : 0;
        }
        break;
    case R_PROPBASER:
    case R_PROPBASER + 4: /* 12.11: not while LPIs are enabled */
        if (g->has_lpi && !c->lpi_enable) {
            c->propbaser = merge(c->propbaser, shift, v, mask) & PROPBASER_MASK;
        }
        break;
    case R_PENDBASER:
    case R_PENDBASER + 4:
        if (g->has_lpi && !c->lpi_enable) {
            c->pendbaser = merge(c->pendbaser, shift, v, mask) & (PENDBASER_MASK | PENDBASER_PTZ);
        }
        break;
    }
}

/* ---- dispatch ---- */

static uint32_t read_word(Gicv3 *g, const V3Window *w, unsigned cpu, hwaddr offset)
{
    bool ns = !v3_one_state(g) && !w->secure;
    const V3Cpu *c = &g->cpu[cpu];
    uint32_t v = 0;

    switch (offset) {
    case 0 ... 0xffff:
        return read_control(g, w, cpu, ns, offset);
    case R_PRIORITY ... R_PRIORITY + 0x1f:
        for (int i = 3; i >= 0; i--) {
            v = v << 8 | read_priority(g, cpu, ns, offset - R_PRIORITY + i);
        }
        return v;
    case R_CONFIG:
    case R_CONFIG + 4:
        return read_config(g, cpu, ns, (offset - R_CONFIG) * 4);
    case R_IGRPMOD:
        return ns || v3_one_state(g) ? 0 : c->grpmod;
    case R_NSAC:
    case R_NSAC + 4:
        return ns || v3_one_state(g) ? 0 : c->nsacr >> (offset & 4 ? 32 : 0);
    case R_ID + 0x10000 ... R_ID + 0x1002f:
        return v3_id_register(offset - 0x10000, 0x93);
    default:
        return read_bits(g, cpu, ns, offset);
    }
}

static void write_word(Gicv3 *g, const V3Window *w, unsigned cpu, hwaddr offset, uint32_t v, uint32_t mask)
{
    bool ns = !v3_one_state(g) && !w->secure;
    V3Cpu *c = &g->cpu[cpu];

    switch (offset) {
    case 0 ... 0xffff:
        write_control(g, cpu, ns, offset, v, mask);
        break;
    case R_PRIORITY ... R_PRIORITY + 0x1f:
        for (int i = 0; i < 4; i++) {
            if (mask >> (i * 8) & 1) {
                write_priority(g, cpu, ns, offset - R_PRIORITY + i, v >> (i * 8));
            }
        }
        v3_update(g, cpu);
        break;
    case R_CONFIG + 4:
        write_config(g, cpu, ns, v, mask);
        break;
    case R_IGRPMOD:
        if (!ns && !v3_one_state(g)) {
            c->grpmod = merge(c->grpmod, 0, v, mask);
            v3_update(g, cpu);
        }
        break;
    case R_NSAC:
    case R_NSAC + 4:
        if (!ns && !v3_one_state(g)) {
            c->nsacr = merge(c->nsacr, offset & 4 ? 32 : 0, v, mask);
        }
        break;
    default:
        write_bits(g, cpu, ns, offset, v, mask);
        break;
    }
}

static uint64_t redist_read(void *opaque, hwaddr offset, unsigned size)
{
    V3Window *w = opaque;
    Gicv3 *g = w->gic;
    unsigned cpu = w->first + offset / V3_REDIST_SIZE;

    offset %= V3_REDIST_SIZE;
    g_mutex_lock(&g->lock);
    uint64_t v = read_word(g, w, cpu, offset & ~(hwaddr)3);
    if (size == 8) {
        v |= (uint64_t)read_word(g, w, cpu, offset + 4) << 32;
    }
    g_mutex_unlock(&g->lock);
    return extract64(v, (offset & 3) * 8, size * 8);
}

static void redist_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    V3Window *w = opaque;
    Gicv3 *g = w->gic;
    unsigned cpu = w->first + offset / V3_REDIST_SIZE, shift = (offset & 3) * 8;
    uint64_t mask = MASK64(0, size * 8) << shift;

    offset %= V3_REDIST_SIZE;
    value = value << shift & mask;
    g_mutex_lock(&g->lock);
    write_word(g, w, cpu, offset & ~(hwaddr)3, value, mask);
    if (size == 8) {
        write_word(g, w, cpu, offset + 4, value >> 32, mask >> 32);
    }
    g_mutex_unlock(&g->lock);
}

const IoOps v3_redist_ops = {redist_read, redist_write, .min_size = 1, .max_size = 8, .lockless = true};
