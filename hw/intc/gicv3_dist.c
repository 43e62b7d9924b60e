/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv3 distributor registers: IHI 0069H, 12.9. Non-secure accesses see and change Group 1 Non-secure interrupts, what
 * GICD_NSACR lets them, and the lower half of the priorities (4.8).
 *
 * home: any thread; the GIC's own lock.
 */
#include "hw/intc/gicv3.h"

enum {
    D_CTLR = 0x0000, D_TYPER = 0x0004, D_IIDR = 0x0008, D_SETSPI = 0x0040, D_IGROUP = 0x0080, D_ISENABLE = 0x0100,
    D_ICENABLE = 0x0180, D_ISPEND = 0x0200, D_ICPEND = 0x0280, D_ISACTIVE = 0x0300, D_ICACTIVE = 0x0380,
    D_PRIORITY = 0x0400, D_TARGETS = 0x0800, D_CONFIG = 0x0c00, D_IGRPMOD = 0x0d00, D_NSAC = 0x0e00, D_NSAC_END = 0x0f00,
    D_ROUTER = 0x6000, D_ROUTER_END = 0x8000, D_ID = 0xffd0,
};

/* GICD_CTLR: ARE is fixed; its bit depends on the view. */
#define CTLR_ARE   (1u << 4)
#define CTLR_ARENS (1u << 5)
#define CTLR_DS    (1u << 6)
/* GICD_TYPER */
#define TYPER_NO1N (1u << 25)
#define TYPER_A3V  (1u << 24)
#define TYPER_LPIS (1u << 17)
#define TYPER_SECURITY (1u << 10)
#define ROUTER_MASK 0xff00ffffffull

uint32_t v3_id_register(hwaddr offset, uint8_t part)
{
    const uint8_t ids[12] = {0x44, 0, 0, 0, part, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1};

    return offset % 4 ? 0 : ids[(offset - D_ID) / 4];
}

uint32_t v3_nsacr_mask(uint32_t low, uint32_t high, unsigned least)
{
    uint64_t v = low | (uint64_t)high << 32;
    uint32_t mask = 0;

    for (int i = 0; i < 32; i++) {
        mask |= (v >> (2 * i) & 3) >= least ? BIT32(i) : 0;
    }
    return mask;
}

/* Which interrupts of word w an access may see; least: the NSACR value that also permits, 0: none does. */
static uint32_t visible(const Gicv3 *g, unsigned w, bool ns, unsigned least)
{
    if (w == 0 || w >= g->num_irq / 32) {
        return 0; /* 12.9: with affinity routing, private ones are at the redistributors */
    }
    if (!ns) {
        return UINT32_MAX;
    }
    return g->group[w] | (least ? v3_nsacr_mask(g->nsacr[2 * w], g->nsacr[2 * w + 1], least) : 0);
}

static uint32_t read_ctlr(const Gicv3 *g, bool ns)
{
    if (v3_one_state(g)) {
        return (g->ctlr & (V3_EN_GRP0 | V3_EN_GRP1NS)) | CTLR_ARE | CTLR_DS;
    }
    return ns ? (g->ctlr & V3_EN_GRP1NS) | CTLR_ARE : g->ctlr | CTLR_ARE | CTLR_ARENS;
}

static void write_ctlr(Gicv3 *g, bool ns, uint32_t v)
{
    uint32_t mask = v3_one_state(g) ? V3_EN_GRP0 | V3_EN_GRP1NS
                    : ns            ? V3_EN_GRP1NS
                                    : V3_EN_GRP0 | V3_EN_GRP1NS | V3_EN_GRP1S;

    g->ctlr = (g->ctlr & ~mask) | (v & mask);
    v3_update_all(g);
}

static uint32_t read_typer(const Gicv3 *g)
{
    return TYPER_NO1N | TYPER_A3V | (V3_ID_BITS - 1) << 19 | (g->has_lpi ? TYPER_LPIS : 0) |
           (g->security ? TYPER_SECURITY : 0) | (g->num_irq / 32 - 1);
}

/* ---- one bit an interrupt ---- */

static uint32_t read_bits(const Gicv3 *g, bool ns, hwaddr offset)
{
    unsigned w = offset / 4 % 32;

    switch (offset & ~(hwaddr)0x7f) {
    case D_IGROUP:
        return ns ? 0 : g->group[w] & visible(g, w, ns, 0);
    case D_ISENABLE:
    case D_ICENABLE:
        return g->enabled[w] & visible(g, w, ns, 0);
    case D_ISPEND:
    case D_ICPEND:
        return (g->latch[w] | (g->level[w] & ~g->edge[w])) & visible(g, w, ns, 1);
    default:
        return g->active[w] & visible(g, w, ns, 2);
    }
}

static void write_bits(Gicv3 *g, bool ns, hwaddr offset, uint32_t v, uint32_t mask)
{
    unsigned w = offset / 4 % 32;
    uint32_t see = visible(g, w, ns, 0) & mask;

    switch (offset & ~(hwaddr)0x7f) {
    case D_IGROUP:
        g->group[w] = ns ? g->group[w] : (g->group[w] & ~see) | (v & see);
        v = see;
        break;
    case D_ISENABLE:
        g->enabled[w] |= v & see;
        break;
    case D_ICENABLE:
        g->enabled[w] &= ~(v & see);
        break;
    case D_ISPEND:
        g->latch[w] |= v & visible(g, w, ns, 1);
        break;
    case D_ICPEND:
        g->latch[w] &= ~(v & visible(g, w, ns, 2));
        break;
    case D_ISACTIVE:
        g->active[w] |= v & see;
        break;
    case D_ICACTIVE:
        g->active[w] &= ~(v & see);
        break;
    }
    v3_spis_changed(g, w, v);
}

/* ---- wider fields ---- */

static uint8_t read_priority(const Gicv3 *g, bool ns, unsigned irq)
{
    if (!(visible(g, irq / 32, ns, 0) >> (irq % 32) & 1)) {
        return 0;
    }
    return ns ? g->prio[irq] << 1 : g->prio[irq];
}

static void write_priority(Gicv3 *g, bool ns, unsigned irq, uint8_t v)
{
    if (visible(g, irq / 32, ns, 0) >> (irq % 32) & 1) {
        g->prio[irq] = (ns ? 0x80 | v >> 1 : v) & V3_PRIO_MASK;
        v3_spis_changed(g, irq / 32, BIT32(irq % 32));
    }
}

static uint32_t read_config(const Gicv3 *g, bool ns, unsigned irq)
{
    uint32_t edge = (g->edge[irq / 32] & visible(g, irq / 32, ns, 0)) >> (irq % 32), v = 0;

    for (int i = 0; i < 16; i++) {
        v |= (edge >> i & 1) << (2 * i + 1);
    }
    return v;
}

static void write_config(Gicv3 *g, bool ns, unsigned irq, uint32_t v, uint32_t mask)
{
    unsigned w = irq / 32;
    uint32_t see = visible(g, w, ns, 0);

    for (int i = 0; i < 16; i++) {
        uint32_t bit = BIT32(irq % 32 + i);
        if ((see & bit) && (mask >> (2 * i + 1) & 1)) {
            g->edge[w] = v >> (2 * i + 1) & 1 ? g->edge[w] | bit : g->edge[w] & ~bit;
        }
    }
    v3_spis_changed(g, w, see);
}

static uint64_t read_router(const Gicv3 *g, bool ns, unsigned irq)
{
    return visible(g, irq / 32, ns, 3) >> (irq % 32) & 1 ? g->irouter[irq] : 0;
}

static void write_router(Gicv3 *g, bool ns, hwaddr offset, uint32_t v, uint32_t mask)
{
    unsigned irq = (offset - D_ROUTER) / 8, shift = offset & 4 ? 32 : 0;

    if (visible(g, irq / 32, ns, 3) >> (irq % 32) & 1) {
        uint64_t m = (uint64_t)mask << shift;
        g->irouter[irq] = ((g->irouter[irq] & ~m) | ((uint64_t)v << shift & m)) & ROUTER_MASK;
        v3_route_changed(g, irq);
    }
}

/* ---- dispatch ---- */

static uint32_t read_word(Gicv3 *g, bool ns, hwaddr offset)
{
    uint32_t v = 0;

    switch (offset) {
    case D_CTLR:
        return read_ctlr(g, ns);
    case D_TYPER:
        return read_typer(g);
    case D_IIDR:
        return V3_IIDR;
    case D_IGROUP ... D_PRIORITY - 1:
        return read_bits(g, ns, offset);
    case D_PRIORITY ... D_TARGETS - 1:
        for (int i = 3; i >= 0; i--) {
            v = v << 8 | read_priority(g, ns, offset - D_PRIORITY + i);
        }
        return v;
    case D_CONFIG ... D_CONFIG + 0xff:
        return read_config(g, ns, (offset - D_CONFIG) * 4);
    case D_IGRPMOD ... D_IGRPMOD + 0x7f:
        return ns || v3_one_state(g) ? 0 : g->grpmod[(offset - D_IGRPMOD) / 4] & visible(g, (offset - D_IGRPMOD) / 4, ns, 0);
    case D_NSAC ... D_NSAC_END - 1:
        return ns || v3_one_state(g) ? 0 : g->nsacr[(offset - D_NSAC) / 4];
    case D_ROUTER ... D_ROUTER_END - 1:
        return read_router(g, ns, (offset - D_ROUTER) / 8) >> (offset & 4 ? 32 : 0);
    case D_ID ... D_ID + 0x2f:
        return v3_id_register(offset, 0x92);
    default:
        return 0;
    }
}

static void write_word(Gicv3 *g, bool ns, hwaddr offset, uint32_t v, uint32_t mask)
{
    unsigned w;

    switch (offset) {
    case D_CTLR:
        write_ctlr(g, ns, v);
        break;
    case D_IGROUP ... D_PRIORITY - 1:
        write_bits(g, ns, offset, v, mask);
        break;
    case D_PRIORITY ... D_TARGETS - 1:
        for (int i = 0; i < 4; i++) {
            if (mask >> (i * 8) & 1) {
                write_priority(g, ns, offset - D_PRIORITY + i, v >> (i * 8));
            }
        }
        break;
    case D_CONFIG ... D_CONFIG + 0xff:
        write_config(g, ns, (offset - D_CONFIG) * 4, v, mask);
        break;
    case D_IGRPMOD ... D_IGRPMOD + 0x7f:
        w = (offset - D_IGRPMOD) / 4;
        if (!ns && !v3_one_state(g) && visible(g, w, ns, 0)) {
            g->grpmod[w] = (g->grpmod[w] & ~mask) | v;
            v3_spis_changed(g, w, mask);
        }
        break;
    case D_NSAC ... D_NSAC_END - 1:
        w = (offset - D_NSAC) / 4;
        if (!ns && !v3_one_state(g) && visible(g, w / 2, ns, 0)) {
            g->nsacr[w] = (g->nsacr[w] & ~mask) | v;
        }
        break;
    case D_ROUTER ... D_ROUTER_END - 1:
        write_router(g, ns, offset, v, mask);
        break;
    }
}

static uint64_t dist_read(void *opaque, hwaddr offset, unsigned size)
{
    V3Window *w = opaque;
    Gicv3 *g = w->gic;
    bool ns = !v3_one_state(g) && !w->secure;

    g_mutex_lock(&g->lock);
    uint64_t v = read_word(g, ns, offset & ~(hwaddr)3);
    if (size == 8) {
        v |= (uint64_t)read_word(g, ns, offset + 4) << 32;
    }
    g_mutex_unlock(&g->lock);
    return extract64(v, (offset & 3) * 8, size * 8);
}

static void dist_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    V3Window *w = opaque;
    Gicv3 *g = w->gic;
    bool ns = !v3_one_state(g) && !w->secure;
    unsigned shift = (offset & 3) * 8;
    uint64_t mask = MASK64(0, size * 8) << shift;

    value = value << shift & mask;
    g_mutex_lock(&g->lock);
    write_word(g, ns, offset & ~(hwaddr)3, value, mask);
    if (size == 8) {
        write_word(g, ns, offset + 4, value >> 32, mask >> 32);
    }
    g_mutex_unlock(&g->lock);
}

const IoOps v3_dist_ops = {dist_read, dist_write, .min_size = 1, .max_size = 8, .lockless = true};
