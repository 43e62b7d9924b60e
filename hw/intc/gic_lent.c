/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A GIC that is in the host's kernel: our device keeps its place on the board and its state, which goes there at reset and
 * comes back to be saved, and when the machine moves to an accelerator that has none. Registers are those of IHI 0048B
 * (GICv2) and IHI 0069 (GICv3); what writing to them means there: Linux, Documentation/virt/kvm/devices/arm-vgic.rst and
 * arm-vgic-v3.rst.
 *
 * home: main loop with all vCPUs parked, under the GIC's lock.
 */
#include "hw/intc/gic_lent.h"

#include "base/log.h"
#include "core/machine.h"
#include "hw/intc/gicv2.h"
#include "hw/intc/gicv3.h"
#include "hw/intc/gicv3_its.h"
#include "hw/intc/gicv3_sysreg.h"

#define SGI_FRAME 0x10000u /* of a redistributor */
#define CTLR_V3 0x50u      /* GICD_CTLR.DS and ARE: one Security state, affinity routing */
#define ICC_CTLR_KEPT (V3_CTLR_CBPR | V3_CTLR_EOIMODE)
#define V2_PMR_SHIFT 3     /* priorities of a GICv2's CPU interface have 5 bits there */
#define V2_APR_STEP 4      /* and active ones have one of 32 levels, where ours have one of 128 */

enum {
    GICD_CTLR = 0, GICD_IGROUPR = 0x80, GICD_ISENABLER = 0x100, GICD_ICENABLER = 0x180, GICD_ISPENDR = 0x200,
    GICD_ICPENDR = 0x280, GICD_ISACTIVER = 0x300, GICD_ICACTIVER = 0x380, GICD_IPRIORITYR = 0x400, GICD_ITARGETSR = 0x800,
    GICD_ICFGR = 0xc00, GICD_CPENDSGIR = 0xf10, GICD_SPENDSGIR = 0xf20, GICD_IROUTER = 0x6000,
    GICR_CTLR = 0, GICR_PROPBASER = 0x70, GICR_PENDBASER = 0x78,
    GICC_CTLR = 0, GICC_PMR = 4, GICC_BPR = 8, GICC_ABPR = 0x1c, GICC_APR = 0xd0,
};

/* One way of the state: to the kernel or from there. */
typedef struct Way {
    Machine *m;
    const AccelArmOps *arm;
    bool write;
} Way;

/* ---- registers ---- */

static void reg64(const Way *w, AccelGicRegs kind, unsigned cpu, uint32_t at, uint64_t *val)
{
    if (!w->arm->gic_access(w->m, kind, cpu, at, val, w->write)) {
        warn_report("the host's interrupt controller does not %s register %x of processor %u", w->write ? "take" : "give",
                    at, cpu);
    }
}

static void reg32(const Way *w, AccelGicRegs kind, unsigned cpu, uint32_t at, uint32_t *val)
{
    uint64_t v = *val;

    reg64(w, kind, cpu, at, &v);
    *val = (uint32_t)v;
}

/* A register of 64 bits by its halves. */
static void halves(const Way *w, AccelGicRegs kind, unsigned cpu, uint32_t at, uint64_t *val)
{
    uint32_t low = (uint32_t)*val, high = (uint32_t)(*val >> 32);

    reg32(w, kind, cpu, at, &low);
    reg32(w, kind, cpu, at + 4, &high);
    *val = (uint64_t)high << 32 | low;
}

/* Where writes only set bits: first all are cleared. */
static void clear_all(const Way *w, AccelGicRegs kind, unsigned cpu, uint32_t at)
{
    uint32_t all = UINT32_MAX;

    if (w->write) {
        reg32(w, kind, cpu, at, &all);
    }
}

/* GICD_ICFGR has two bits of an interrupt, of which the upper one says edge. */
static void edges(const Way *w, AccelGicRegs kind, unsigned cpu, uint32_t at, uint32_t *edge)
{
    uint32_t out = 0;

    for (unsigned half = 0; half < 2; half++) {
        uint32_t v = 0;
        for (unsigned i = 0; i < 16; i++) {
            v |= (*edge >> (half * 16 + i) & 1) << (2 * i + 1);
        }
        reg32(w, kind, cpu, at + 4 * half, &v);
        for (unsigned i = 0; i < 16; i++) {
            out |= (v >> (2 * i + 1) & 1) << (half * 16 + i);
        }
    }
    *edge = out;
}

static void bytes(const Way *w, AccelGicRegs kind, unsigned cpu, uint32_t at, uint8_t *p, unsigned n)
{
    for (unsigned i = 0; i < n; i += 4) {
        uint32_t v = ld_le32(p + i);
        reg32(w, kind, cpu, at + i, &v);
        st_le32(p + i, v);
    }
}

/* Where our state of 32 interrupts is: what the versions have in common, at the same places. */
typedef struct Word {
    uint32_t *group, *enabled, *latch, *active, *edge;
    uint8_t *prio;
} Word;

static void word(const Way *w, AccelGicRegs kind, unsigned cpu, uint32_t base, unsigned n, const Word *k)
{
    uint32_t at = base + 4 * n;

    clear_all(w, kind, cpu, at + GICD_ICENABLER);
    clear_all(w, kind, cpu, at + GICD_ICPENDR);
    clear_all(w, kind, cpu, at + GICD_ICACTIVER);
    reg32(w, kind, cpu, at + GICD_IGROUPR, k->group);
    edges(w, kind, cpu, base + GICD_ICFGR + 8 * n, k->edge);
    reg32(w, kind, cpu, at + GICD_ISPENDR, k->latch);
    reg32(w, kind, cpu, at + GICD_ISACTIVER, k->active);
    bytes(w, kind, cpu, base + GICD_IPRIORITYR + 32 * n, k->prio, 32);
    reg32(w, kind, cpu, at + GICD_ISENABLER, k->enabled);
}

/* Levels of the wires, after the kernel was told the rest. */
static void levels(const Way *w, unsigned n, uint32_t level)
{
    for (unsigned i = 0; w->write && i < 32; i++) {
        w->arm->gic_line(w->m, n * 32 + i, level >> i & 1);
    }
}

/* ---- version 3 ---- */

static void redistributor(const Way *w, unsigned cpu, V3Cpu *c)
{
    uint32_t group = (uint32_t)c->group, enabled = (uint32_t)c->enabled, latch = (uint32_t)c->latch,
             active = (uint32_t)c->active, edge = (uint32_t)c->edge;
    const Word k = {&group, &enabled, &latch, &active, &edge, (uint8_t *)c->prio};
    uint64_t off = 0;

    if (w->write) { /* the tables' places can be changed while LPIs are off */
        reg64(w, ACCEL_GIC_REDIST, cpu, GICR_CTLR, &off);
    }
    halves(w, ACCEL_GIC_REDIST, cpu, GICR_PROPBASER, &c->propbaser);
    halves(w, ACCEL_GIC_REDIST, cpu, GICR_PENDBASER, &c->pendbaser);
    word(w, ACCEL_GIC_REDIST, cpu, SGI_FRAME, 0, &k);
    reg64(w, ACCEL_GIC_REDIST, cpu, GICR_CTLR, &c->lpi_enable);
    c->lpi_enable &= 1;
    c->waker = 0; /* there it never sleeps */
    c->group = group;
    c->enabled = enabled;
    c->latch = latch;
    c->active = active;
    c->edge = edge;
}

static void interface_v3(const Way *w, unsigned cpu, V3Cpu *c)
{
    Way read = {w->m, w->arm, false};
    uint64_t ctlr;

    reg64(w, ACCEL_GIC_CPU, cpu, ICC_PMR, &c->pmr);
    reg64(w, ACCEL_GIC_CPU, cpu, ICC_BPR0, &c->bpr[V3_G0]);
    reg64(w, ACCEL_GIC_CPU, cpu, ICC_BPR1, &c->bpr[V3_G1NS]);
    reg64(w, ACCEL_GIC_CPU, cpu, ICC_AP0R0, &c->apr[V3_G0]);
    reg64(w, ACCEL_GIC_CPU, cpu, ICC_AP1R0, &c->apr[V3_G1NS]);
    reg64(w, ACCEL_GIC_CPU, cpu, ICC_IGRPEN0, &c->igrpen[V3_G0]);
    reg64(w, ACCEL_GIC_CPU, cpu, ICC_IGRPEN1, &c->igrpen[V3_G1NS]);
    reg64(&read, ACCEL_GIC_CPU, cpu, ICC_CTLR_EL1, &ctlr); /* its other fields say what the host has */
    if (w->write) {
        ctlr = (ctlr & ~(uint64_t)ICC_CTLR_KEPT) | (c->ctlr[1] & ICC_CTLR_KEPT);
        reg64(w, ACCEL_GIC_CPU, cpu, ICC_CTLR_EL1, &ctlr);
    }
    c->ctlr[1] = ctlr & ICC_CTLR_KEPT;
}

static void spis_v3(const Way *w, Gicv3 *g, unsigned n)
{
    const Word k = {&g->group[n], &g->enabled[n], &g->latch[n], &g->active[n], &g->edge[n], g->prio + 32 * n};

    for (unsigned i = 32 * n; i < 32 * n + 32; i++) {
        halves(w, ACCEL_GIC_DIST, 0, GICD_IROUTER + 8 * i, &g->irouter[i]);
    }
    word(w, ACCEL_GIC_DIST, 0, 0, n, &k);
    levels(w, n, g->level[n]);
}

/* Pending LPIs go by way of the tables in guest memory. */
static void lpis(const Way *w, Gicv3 *g)
{
    if (!w->write && g->has_lpi && !w->arm->lpis_to_memory(w->m)) {
        warn_report("the host's interrupt controller does not write pending LPIs to guest memory");
    }
    for (unsigned i = 0; i < g->num_cpu; i++) {
        if (g->cpu[i].lpi_enable) {
            (w->write ? v3_lpi_to_table : v3_lpi_from_table)(g, i);
        }
    }
}

void gicv3_exchange(Gicv3 *g, bool to_host)
{
    const Way w = {g->dev.machine, g->lent, to_host};
    uint32_t ctlr = g->ctlr | CTLR_V3;

    if (to_host) {
        w.arm->its_reset(w.m);
        lpis(&w, g);
    }
    reg32(&w, ACCEL_GIC_DIST, 0, GICD_CTLR, &ctlr);
    g->ctlr = ctlr & (V3_EN_GRP0 | V3_EN_GRP1NS);
    for (unsigned i = 0; i < g->num_cpu; i++) {
        redistributor(&w, i, &g->cpu[i]);
        interface_v3(&w, i, &g->cpu[i]);
    }
    for (unsigned n = 1; n < g->num_irq / 32; n++) {
        spis_v3(&w, g, n);
    }
    if (!to_host) {
        lpis(&w, g);
    }
    if (g->its) {
        its_exchange(g->its, to_host);
    }
}

/* ---- version 2 ---- */

static void word_v2(const Way *w, Gicv2 *g, unsigned cpu, unsigned n)
{
    unsigned at = v2_at(n, cpu);
    const Word k = {&g->group[at], &g->enabled[at], &g->latch[at], &g->active[at], &g->edge[at], g->prio + 32 * at};

    word(w, ACCEL_GIC_DIST, cpu, 0, n, &k);
    if (n) {
        bytes(w, ACCEL_GIC_DIST, cpu, GICD_ITARGETSR + 32 * n, g->target + 32 * at, 32);
        levels(w, n, g->level[at]);
    }
}

static void senders(const Way *w, Gicv2 *g, unsigned cpu)
{
    for (unsigned i = 0; i < V2_SGIS; i += 4) {
        clear_all(w, ACCEL_GIC_DIST, cpu, GICD_CPENDSGIR + i);
    }
    bytes(w, ACCEL_GIC_DIST, cpu, GICD_SPENDSGIR, g->sgi_source + cpu * V2_SGIS, V2_SGIS);
}

static uint32_t active_levels(const uint32_t *apr)
{
    uint32_t out = 0;

    for (unsigned i = 0; i < 32; i++) {
        out |= (apr[i * V2_APR_STEP / 32] >> (i * V2_APR_STEP % 32) & 1) << i;
    }
    return out;
}

static void interface_v2(const Way *w, Gicv2 *g, unsigned cpu)
{
    uint32_t *ours = g->apr + cpu * V2_APRS;
    uint32_t pmr = g->pmr[cpu] >> V2_PMR_SHIFT, bpr = g->bpr[cpu], abpr = g->abpr[cpu], apr = active_levels(ours);

    reg32(w, ACCEL_GIC_CPU, cpu, GICC_CTLR, &g->cctlr[cpu]);
    reg32(w, ACCEL_GIC_CPU, cpu, GICC_PMR, &pmr);
    reg32(w, ACCEL_GIC_CPU, cpu, GICC_BPR, &bpr);
    reg32(w, ACCEL_GIC_CPU, cpu, GICC_ABPR, &abpr);
    reg32(w, ACCEL_GIC_CPU, cpu, GICC_APR, &apr);
    if (!w->write) {
        g->pmr[cpu] = (uint8_t)(pmr << V2_PMR_SHIFT);
        g->bpr[cpu] = bpr & 7;
        g->abpr[cpu] = abpr & 7;
        memset(ours, 0, V2_APRS * sizeof(*ours));
        for (unsigned i = 0; i < 32; i++) {
            ours[i * V2_APR_STEP / 32] |= (apr >> i & 1) << (i * V2_APR_STEP % 32);
        }
    }
}

void gicv2_exchange(Gicv2 *g, bool to_host)
{
    const Way w = {g->dev.machine, g->lent, to_host};

    reg32(&w, ACCEL_GIC_DIST, 0, GICD_CTLR, &g->ctlr);
    for (unsigned i = 0; i < g->num_cpu; i++) {
        word_v2(&w, g, i, 0);
        senders(&w, g, i);
        interface_v2(&w, g, i);
    }
    for (unsigned n = 1; n < g->num_irq / 32; n++) {
        word_v2(&w, g, 0, n);
    }
}

bool gic_lent_look(Machine *m, GString *out)
{
    bool here = machine_run_state(m) != RUN_STATE_RUNNING;

    if (!here) {
        g_string_append(out, "in the host's kernel; it can be seen while the machine is stopped\n");
    }
    return here;
}

/* ---- coming back, and going there again ---- */

/* Wires of processors that are somebody else's. */
static void wires_down(Device *gic, unsigned cpus)
{
    for (unsigned i = 0; i < cpus * 4; i++) {
        irq_set(gic->out[i], 0);
    }
}

static void hand_over_v3(Device *d, const AccelArmOps *to)
{
    Gicv3 *g = (Gicv3 *)d;

    g_mutex_lock(&g->lock);
    if (to) {
        g->lent = to;
        gicv3_exchange(g, true);
        wires_down(d, g->num_cpu);
        memset(g->ppi_level, 0, sizeof(g->ppi_level)); /* our timers', which do nothing there */
        for (unsigned i = 0; i < g->num_cpu; i++) {
            g->host[i].driven = 0;
            g->host[i].best = (V3Pending){GIC_NO_INTID, V3_IDLE, 0};
        }
    } else {
        gicv3_exchange(g, false);
        g->lent = NULL;
        v3_refresh(g);
    }
    g_mutex_unlock(&g->lock);
}

static void hand_over_v2(Device *d, const AccelArmOps *to)
{
    Gicv2 *g = (Gicv2 *)d;

    g_mutex_lock(&g->lock);
    if (to) {
        g->lent = to;
        gicv2_exchange(g, true);
        wires_down(d, g->num_cpu);
        memset(g->level, 0, V2_CPUS * sizeof(g->level[0])); /* our timers', which do nothing there */
        memset(g->driven, 0, sizeof(g->driven));
    } else {
        gicv2_exchange(g, false);
        g->lent = NULL;
        v2_refresh(g);
    }
    g_mutex_unlock(&g->lock);
}

/* ---- for boards (gic.h) ---- */

bool gic_lend(Device *gic, const AccelArmOps *to, const AccelArmGic *where, Error **errp)
{
    AccelArmGic g = *where;

    g.gic = gic;
    g.hand_over = where->version == 2 ? hand_over_v2 : hand_over_v3;
    if (!to->gic_open(gic->machine, &g, errp)) {
        return false;
    }
    if (where->version == 2) {
        ((Gicv2 *)gic)->lent = to;
    } else {
        ((Gicv3 *)gic)->lent = to;
    }
    return true;
}
