/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv2 CPU interface registers: IHI 0048B, 4.4. Without the security extension all accesses work as Secure ones.
 *
 * home: any thread; the GIC's own lock.
 */
#include "hw/intc/gicv2.h"

enum {
    C_CTLR = 0x00, C_PMR = 0x04, C_BPR = 0x08, C_IAR = 0x0c, C_EOIR = 0x10, C_RPR = 0x14, C_HPPIR = 0x18, C_ABPR = 0x1c,
    C_AIAR = 0x20, C_AEOIR = 0x24, C_AHPPIR = 0x28, C_APR = 0xd0, C_NSAPR = 0xe0, C_IIDR = 0xfc, C_DIR = 0x1000,
};

#define CTLR_GRP1    (1u << 1)
#define CTLR_ACKCTL  (1u << 2)
#define CTLR_CBPR    (1u << 4)
#define CTLR_EOI_S   (1u << 9)
#define CTLR_EOI_NS  (1u << 10)
#define CTLR_MASK    (0x1fu | CTLR_EOI_S) /* bypass of the interface is not there */
#define IIDR_VALUE   0x0002043bu /* architecture 2, Arm */

/* ---- acknowledge ---- */

/* What is there to acknowledge or look at, by the rules of 4.4.4, 4.4.11: 1023 nothing, 1022 a Group 1 for others. */
static unsigned offered(const Gicv2 *g, unsigned cpu, bool ns, bool alias, unsigned irq)
{
    if (irq == GIC_NO_INTID) {
        return irq;
    }
    bool group1 = v2_bit(g->group, irq, cpu);
    if (ns || alias) {
        return group1 ? irq : GIC_NO_INTID;
    }
    return group1 && !(g->cctlr[cpu] & CTLR_ACKCTL) ? 1022 : irq;
}

static unsigned take_source(Gicv2 *g, unsigned cpu, unsigned sgi)
{
    uint8_t *source = &g->sgi_source[cpu * V2_SGIS + sgi];
    unsigned from = *source ? ctz32(*source) : 0;

    *source &= ~BIT32(from);
    v2_put(g->latch, sgi, cpu, *source != 0);
    return from;
}

static uint32_t acknowledge(Gicv2 *g, unsigned cpu, bool ns, bool alias)
{
    uint8_t prio;
    uint32_t extra = 0;
    unsigned irq = v2_highest(g, cpu, &prio);

    if (!v2_signalled(g, cpu, irq, prio)) {
        return GIC_NO_INTID;
    }
    unsigned id = offered(g, cpu, ns, alias, irq);
    if (id != irq) {
        return id;
    }
    bool group1 = v2_bit(g->group, irq, cpu);
    unsigned level = (prio & v2_group_mask(g, cpu, group1)) >> 1;
    uint32_t *apr = group1 ? g->nsapr : g->apr;
    apr[cpu * V2_APRS + level / 32] |= BIT32(level % 32);
    if (irq < V2_SGIS) {
        extra = take_source(g, cpu, irq) << 10;
    } else {
        v2_put(g->latch, irq, cpu, false);
    }
    v2_put(g->active, irq, cpu, true);
    v2_update_irq(g, irq, cpu);
    v2_update(g, cpu); /* its running priority is another one, too */
    return irq | extra;
}

static uint32_t read_hppir(Gicv2 *g, unsigned cpu, bool ns, bool alias)
{
    uint8_t prio;
    unsigned irq = v2_highest(g, cpu, &prio), id = offered(g, cpu, ns, alias, irq);

    if (id < V2_SGIS && g->sgi_source[cpu * V2_SGIS + id]) {
        id |= ctz32(g->sgi_source[cpu * V2_SGIS + id]) << 10;
    }
    return id;
}

/* ---- end of interrupt ---- */

static void drop(Gicv2 *g, unsigned cpu, bool group1)
{
    uint32_t *apr = (group1 ? g->nsapr : g->apr) + cpu * V2_APRS;

    for (int i = 0; i < V2_APRS; i++) {
        if (apr[i]) {
            apr[i] &= apr[i] - 1;
            return;
        }
    }
}

static bool split(const Gicv2 *g, unsigned cpu, bool ns)
{
    return g->cctlr[cpu] & (ns ? CTLR_EOI_NS : CTLR_EOI_S);
}

static void end(Gicv2 *g, unsigned cpu, bool ns, bool alias, uint32_t v)
{
    unsigned irq = v & 0x3ff;

    if (irq >= g->num_irq || v2_running(g, cpu) == V2_IDLE_PRIO) {
        return;
    }
    bool group1 = v2_bit(g->group, irq, cpu);
    if ((ns || alias) && !group1) {
        return;
    }
    drop(g, cpu, group1);
    if (!split(g, cpu, ns)) {
        v2_deactivate(g, cpu, irq);
    }
    v2_update(g, cpu);
}

static void write_dir(Gicv2 *g, unsigned cpu, bool ns, uint32_t v)
{
    unsigned irq = v & 0x3ff;

    if (irq < g->num_irq && split(g, cpu, ns) && !(ns && !v2_bit(g->group, irq, cpu))) {
        v2_deactivate(g, cpu, irq);
    }
}

/* ---- priorities as the two states see them (4.2.2, 4.4.2, 4.4.6) ---- */

static uint32_t ns_priority(unsigned prio)
{
    return prio & 0x80 ? prio << 1 & 0xff : 0;
}

static uint32_t read_rpr(const Gicv2 *g, unsigned cpu, bool ns)
{
    unsigned prio = v2_running(g, cpu);

    if (prio == V2_IDLE_PRIO) {
        return V2_IDLE;
    }
    return ns ? ns_priority(prio) : prio;
}

static void write_pmr(Gicv2 *g, unsigned cpu, bool ns, uint8_t v)
{
    if (!ns) {
        g->pmr[cpu] = v;
    } else if (g->pmr[cpu] & 0x80) {
        g->pmr[cpu] = 0x80 | v >> 1;
    }
}

static uint32_t read_bpr(const Gicv2 *g, unsigned cpu, bool ns)
{
    if (!ns) {
        return g->bpr[cpu];
    }
    if (g->cctlr[cpu] & CTLR_CBPR) {
        return g->bpr[cpu] < 7 ? g->bpr[cpu] + 1 : 7;
    }
    return g->abpr[cpu];
}

static void write_bpr(Gicv2 *g, unsigned cpu, bool ns, bool alias, uint32_t v)
{
    v &= 7;
    if (!ns && !alias) {
        g->bpr[cpu] = v;
    } else if (alias ? !ns : !(g->cctlr[cpu] & CTLR_CBPR)) {
        g->abpr[cpu] = v ? v : 1;
    }
}

/* Non-secure: EnableGrp1 and EOImodeNS, at their places of that view. */
static uint32_t read_ctlr(const Gicv2 *g, unsigned cpu, bool ns)
{
    uint32_t v = g->cctlr[cpu];

    return ns ? (v >> 1 & 1) | (v >> 10 & 1) << 9 : v;
}

static void write_ctlr(Gicv2 *g, unsigned cpu, bool ns, uint32_t v)
{
    if (ns) {
        g->cctlr[cpu] = (g->cctlr[cpu] & ~(CTLR_GRP1 | CTLR_EOI_NS)) | (v & 1) << 1 | (v >> 9 & 1) << 10;
    } else {
        g->cctlr[cpu] = v & (CTLR_MASK | (g->security ? CTLR_EOI_NS : 0));
    }
}

/* ---- active priorities; Non-secure accesses see the lower half of Group 1's (4.4.14) ---- */

static uint32_t *apr_word(Gicv2 *g, unsigned cpu, bool ns, hwaddr offset)
{
    unsigned n = offset / 4 % 4;

    if (!ns) {
        return (offset < C_NSAPR ? g->apr : g->nsapr) + cpu * V2_APRS + n;
    }
    return offset < C_NSAPR && n < V2_APRS / 2 ? g->nsapr + cpu * V2_APRS + V2_APRS / 2 + n : NULL;
}

/* ---- dispatch ---- */

uint32_t v2_cpu_read(Gicv2 *g, unsigned cpu, bool ns, hwaddr offset)
{
    uint32_t *apr;

    switch (offset) {
    case C_CTLR:
        return read_ctlr(g, cpu, ns);
    case C_PMR:
        return ns ? ns_priority(g->pmr[cpu]) : g->pmr[cpu];
    case C_BPR:
        return read_bpr(g, cpu, ns);
    case C_IAR:
        return acknowledge(g, cpu, ns, false);
    case C_RPR:
        return read_rpr(g, cpu, ns);
    case C_HPPIR:
        return read_hppir(g, cpu, ns, false);
    case C_ABPR:
        return ns ? 0 : g->abpr[cpu];
    case C_AIAR:
        return ns ? GIC_NO_INTID : acknowledge(g, cpu, ns, true);
    case C_AHPPIR:
        return ns ? GIC_NO_INTID : read_hppir(g, cpu, ns, true);
    case C_APR ... C_NSAPR + 0xc:
        apr = apr_word(g, cpu, ns, offset);
        return apr ? *apr : 0;
    case C_IIDR:
        return IIDR_VALUE;
    default:
        return 0;
    }
}

void v2_cpu_write(Gicv2 *g, unsigned cpu, bool ns, hwaddr offset, uint32_t v)
{
    uint32_t *apr;

    switch (offset) {
    case C_CTLR:
        write_ctlr(g, cpu, ns, v);
        break;
    case C_PMR:
        write_pmr(g, cpu, ns, v);
        break;
    case C_BPR:
    case C_ABPR:
        write_bpr(g, cpu, ns, offset == C_ABPR, v);
        break;
    case C_EOIR:
        end(g, cpu, ns, false, v);
        return;
    case C_AEOIR:
        if (!ns) {
            end(g, cpu, ns, true, v);
        }
        return;
    case C_APR ... C_NSAPR + 0xc:
        apr = apr_word(g, cpu, ns, offset);
        if (apr) {
            *apr = v;
        }
        break;
    case C_DIR:
        write_dir(g, cpu, ns, v);
        return;
    }
    v2_update(g, cpu);
}

static uint64_t cpu_read(void *opaque, hwaddr offset, unsigned size)
{
    V2Window *w = opaque;
    Gicv2 *g = w->gic;

    g_mutex_lock(&g->lock);
    uint32_t v = v2_cpu_read(g, v2_accessor(g), g->security && !w->secure, offset);
    g_mutex_unlock(&g->lock);
    return v;
}

static void cpu_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    V2Window *w = opaque;
    Gicv2 *g = w->gic;

    g_mutex_lock(&g->lock);
    v2_cpu_write(g, v2_accessor(g), g->security && !w->secure, offset, v);
    g_mutex_unlock(&g->lock);
}

const IoOps v2_cpu_ops = {cpu_read, cpu_write, .min_size = 4, .max_size = 4, .lockless = true};
