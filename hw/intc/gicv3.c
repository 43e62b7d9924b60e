/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm GICv3: which interrupt is pending where, and the wires to the processors.
 *
 * IHI 0069H: chapter 4 "Physical interrupt handling and prioritization". Registers: gicv3_dist.c (12.9), gicv3_redist.c
 * (12.11), gicv3_cpuif.c (12.2), gicv3_icv.c (12.4), LPIs: gicv3_lpi.c (5.1).
 *
 * Affinity routing only (ARE is fixed), no 1 of N distribution (GICD_TYPER.No1N), no message-based SPIs, no extended
 * ranges. Memory accesses to tables of LPIs reach RAM only.
 *
 * outputs: gic_out(cpu, ARM_PIN_*). home: any thread, guarded by the GIC's own lock, under which nothing but RAM and the
 * processors' request words are touched; the windows are lockless for the machine.
 */
#include "hw/intc/gicv3.h"

#include "core/machine.h"

#include <string.h>

/* ---- groups and priorities ---- */

/* Which bits of a word are of groups that are enabled here and there. */
static uint32_t enabled_groups(const Gicv3 *g, const V3Cpu *c, uint32_t group, uint32_t grpmod)
{
    uint32_t mask = 0;

    if (v3_one_state(g)) {
        grpmod = 0;
    }
    mask |= (g->ctlr & V3_EN_GRP0) && c->igrpen[V3_G0] ? ~group & ~grpmod : 0;
    mask |= (g->ctlr & V3_EN_GRP1S) && c->igrpen[V3_G1S] ? ~group & grpmod : 0;
    mask |= (g->ctlr & V3_EN_GRP1NS) && c->igrpen[V3_G1NS] ? group : 0;
    return mask;
}

int v3_group_of(const Gicv3 *g, unsigned cpu, uint32_t intid)
{
    if (intid >= V3_LPI_FIRST) {
        return V3_G1NS;
    }
    uint32_t group = intid < 32 ? g->cpu[cpu].group : g->group[intid / 32];
    uint32_t grpmod = intid < 32 ? g->cpu[cpu].grpmod : g->grpmod[intid / 32];
    if (group >> (intid % 32) & 1) {
        return V3_G1NS;
    }
    return !v3_one_state(g) && (grpmod >> (intid % 32) & 1) ? V3_G1S : V3_G0;
}

static uint32_t spi_pending(const Gicv3 *g, unsigned w)
{
    return g->latch[w] | (g->level[w] & ~g->edge[w]);
}

static void find_private(const Gicv3 *g, unsigned cpu, V3Pending *best)
{
    const V3Cpu *c = &g->cpu[cpu];
    uint32_t map = v3_private_pending(g, cpu) & c->enabled & ~c->active;

    for (map &= enabled_groups(g, c, c->group, c->grpmod); map; map &= map - 1) {
        unsigned i = ctz32(map);
        uint8_t prio = c->prio[i / 8] >> (i % 8 * 8);
        if (prio < best->prio) {
            *best = (V3Pending){i, prio, v3_group_of(g, cpu, i)};
        }
    }
}

static void find_spi(const Gicv3 *g, unsigned cpu, V3Pending *best)
{
    const V3Cpu *c = &g->cpu[cpu];

    for (uint32_t words = g->ready; words; words &= words - 1) {
        unsigned w = ctz32(words);
        uint32_t map = spi_pending(g, w) & g->enabled[w] & ~g->active[w];
        for (map &= enabled_groups(g, c, g->group[w], g->grpmod[w]); map; map &= map - 1) {
            unsigned irq = w * 32 + ctz32(map);
            if (g->prio[irq] < best->prio && g->target[irq] == (int)cpu) {
                *best = (V3Pending){irq, g->prio[irq], v3_group_of(g, cpu, irq)};
            }
        }
    }
}

/* ---- wires ---- */

/* 4.6.2, table 4-1: FIQ for Group 0 and for what is of another Security state than the processor is in. */
static bool is_fiq(const Gicv3 *g, const V3Host *h, int group)
{
    if (group == V3_G0 || v3_one_state(g)) {
        return group == V3_G0;
    }
    return group == V3_G1S ? !h->secure || h->el3 : h->secure;
}

static uint8_t lines_of(Gicv3 *g, unsigned cpu)
{
    V3Host *h = &g->host[cpu];
    uint8_t lines = 0;

    if (h->best.intid != GIC_NO_INTID && v3_can_preempt(&g->cpu[cpu], &h->best)) {
        lines |= 1u << (is_fiq(g, h, h->best.group) ? ARM_PIN_FIQ : ARM_PIN_IRQ);
    }
    if (g->cpu[cpu].virt.hcr & VHCR_EN) {
        GicVirtLines v = gic_virt_lines(&g->cpu[cpu].virt);
        lines |= v.irq << ARM_PIN_VIRQ | v.fiq << ARM_PIN_VFIQ;
    }
    return lines;
}

void v3_update_lines(Gicv3 *g, unsigned cpu)
{
    V3Host *h = &g->host[cpu];
    uint8_t lines = lines_of(g, cpu), changed = lines ^ h->driven;

    h->driven = lines;
    for (int pin = 0; changed; pin++, changed >>= 1) {
        if (changed & 1) {
            irq_set(g->dev.out[gic_out(cpu, pin)], lines >> pin & 1);
        }
    }
}

/* The maintenance interrupt is an input again. */
static void update_maintenance(Gicv3 *g, unsigned cpu)
{
    const GicVirt *v = &g->cpu[cpu].virt;
    bool on = (v->hcr & VHCR_EN) && gic_virt_misr(v);
    uint32_t bit = BIT32(GIC_MAINTENANCE_INTID), *level = &g->ppi_level[cpu];

    if (on && !(*level & bit) && (g->cpu[cpu].edge & bit)) {
        g->cpu[cpu].latch |= bit;
    }
    *level = on ? *level | bit : *level & ~bit;
}

void v3_update(Gicv3 *g, unsigned cpu)
{
    V3Pending best = {GIC_NO_INTID, V3_IDLE, 0};
    V3Host *h = &g->host[cpu];

    if (g->virt) {
        update_maintenance(g, cpu);
    }
    find_private(g, cpu, &best);
    find_spi(g, cpu, &best);
    if (h->best_lpi.prio < best.prio && (g->ctlr & V3_EN_GRP1NS) && g->cpu[cpu].igrpen[V3_G1NS]) {
        best = h->best_lpi;
    }
    h->best = best;
    v3_update_lines(g, cpu);
}

void v3_update_all(Gicv3 *g)
{
    for (unsigned i = 0; i < g->num_cpu; i++) {
        v3_update(g, i);
    }
}

void v3_spis_changed(Gicv3 *g, unsigned w, uint32_t changed)
{
    bool ready = spi_pending(g, w) & g->enabled[w] & ~g->active[w];
    int last = -1;

    g->ready = ready ? g->ready | BIT32(w) : g->ready & ~BIT32(w);
    for (; changed; changed &= changed - 1) {
        int to = g->target[w * 32 + ctz32(changed)];
        if (to >= 0 && to != last) {
            v3_update(g, to);
            last = to;
        }
    }
}

int v3_find_affinity(const Gicv3 *g, uint32_t affinity)
{
    for (unsigned i = 0; i < g->num_cpu; i++) {
        if (g->host[i].affinity == affinity) {
            return i;
        }
    }
    return -1;
}

static void set_target(Gicv3 *g, unsigned intid)
{
    uint64_t r = g->irouter[intid];

    g->target[intid] = v3_find_affinity(g, (r & 0xffffff) | (uint32_t)(r >> 32 & 0xff) << 24);
}

void v3_route_changed(Gicv3 *g, unsigned intid)
{
    int before = g->target[intid];

    set_target(g, intid);
    if (before >= 0) {
        v3_update(g, before);
    }
    if (g->target[intid] >= 0) {
        v3_update(g, g->target[intid]);
    }
}

/* ---- life of an interrupt ---- */

void v3_activate(Gicv3 *g, unsigned cpu, uint32_t intid)
{
    if (intid < 32) {
        g->cpu[cpu].active |= BIT32(intid);
        g->cpu[cpu].latch &= ~(uint64_t)BIT32(intid);
    } else if (intid < V3_SPECIAL) {
        g->active[intid / 32] |= BIT32(intid % 32);
        g->latch[intid / 32] &= ~BIT32(intid % 32);
        v3_spis_changed(g, intid / 32, BIT32(intid % 32));
    } else {
        v3_lpi_set(g, cpu, intid, false); /* LPIs have no active state */
    }
    v3_update(g, cpu);
}

void v3_deactivate(Gicv3 *g, unsigned cpu, uint32_t intid)
{
    if (intid < 32) {
        g->cpu[cpu].active &= ~(uint64_t)BIT32(intid);
        v3_update(g, cpu);
    } else if (intid < g->num_irq) {
        g->active[intid / 32] &= ~BIT32(intid % 32);
        v3_spis_changed(g, intid / 32, BIT32(intid % 32));
    }
}

/* ---- inputs ---- */

void gicv3_set_spi(void *opaque, int n, int level)
{
    Gicv3 *g = opaque;
    unsigned w = (n + 32) / 32;
    uint32_t bit = BIT32(n % 32);

    g_mutex_lock(&g->lock);
    if (((g->level[w] & bit) != 0) != (level != 0)) {
        g->level[w] = level ? g->level[w] | bit : g->level[w] & ~bit;
        if (g->lent) {
            g->lent->gic_line(g->dev.machine, n + 32, level);
        } else {
            g->latch[w] |= level ? bit & g->edge[w] : 0;
            v3_spis_changed(g, w, bit);
        }
    }
    g_mutex_unlock(&g->lock);
}

void gicv3_set_ppi(void *opaque, int n, int level)
{
    Gicv3 *g = opaque;
    unsigned cpu = n / 32;
    uint32_t bit = BIT32(n % 32), *now = &g->ppi_level[cpu];

    g_mutex_lock(&g->lock);
    if (!g->lent && ((*now & bit) != 0) != (level != 0)) { /* lent: so are the timers */
        *now = level ? *now | bit : *now & ~bit;
        g->cpu[cpu].latch |= level ? bit & g->cpu[cpu].edge : 0;
        v3_update(g, cpu);
    }
    g_mutex_unlock(&g->lock);
}

/* ---- type ---- */

MemoryRegion *gicv3_region(Gicv3 *g, GicRegion which, bool secure)
{
    return g->window[which][secure].region;
}

static bool check_config(Gicv3 *g, unsigned *total, Error **errp)
{
    *total = 0;
    for (int i = 0; i < V3_WINDOWS; i++) {
        *total += MIN(g->redist_count[i], V3_CPUS + 1);
    }
    if (g->num_cpu < 1 || g->num_cpu > V3_CPUS || (int)g->num_cpu > machine_cpu_count(g->dev.machine)) {
        error_set(errp, ERR_INVALID_PARAMETER, "arm-gicv3: num-cpu=%u; it serves 1 to %d of the machine's processors",
                  g->num_cpu, V3_CPUS);
        return false;
    }
    if (g->num_irq < 32 || g->num_irq > GIC_MAX_IRQ || g->num_irq % 32) {
        error_set(errp, ERR_INVALID_PARAMETER, "arm-gicv3: num-irq=%u is no multiple of 32 up to 992", g->num_irq);
        return false;
    }
    if (*total && *total < g->num_cpu) {
        error_set(errp, ERR_INVALID_PARAMETER, "arm-gicv3: redistributor windows for %u processors, there are %u", *total,
                  g->num_cpu);
        return false;
    }
    return true;
}

static void make_window(Gicv3 *g, GicRegion which, const char *name, const IoOps *ops, unsigned first, unsigned count,
                        uint64_t size)
{
    for (int secure = 0; secure <= (g->security ? 1 : 0); secure++) {
        V3Window *w = &g->window[which][secure];
        *w = (V3Window){.gic = g, .secure = secure, .first = first, .count = count};
        w->region = device_io_region_of(&g->dev, name, ops, w, size);
    }
}

static bool v3_realize(Device *d, Error **errp)
{
    Gicv3 *g = (Gicv3 *)d;
    unsigned total;

    if (!check_config(g, &total, errp)) {
        return false;
    }
    g_mutex_init(&g->lock);
    g->host = g_new0(V3Host, g->num_cpu);
    for (unsigned i = 0; i < g->num_cpu; i++) {
        V3Link *link = g_new(V3Link, 1);
        *link = (V3Link){g, i};
        g->host[i].cpu = machine_cpu(d->machine, i);
        g->host[i].affinity = g->host[i].cpu->arch_id & 0xffffff;
        g->host[i].best = g->host[i].best_lpi = (V3Pending){GIC_NO_INTID, V3_IDLE, 0};
        g->host[i].cpu->intc_opaque = link;
        g->host[i].cpu->intc = &v3_cpuif_ops;
    }
    device_init_out(d, g->num_cpu * 4);
    make_window(g, GIC_REGION_DIST, "gicv3_dist", &v3_dist_ops, 0, 0, 0x10000);
    for (unsigned i = 0, first = 0; i < V3_WINDOWS; i++) {
        unsigned n = total ? MIN(g->redist_count[i], g->num_cpu - first) : i == 0 ? g->num_cpu : 0;
        if (n) {
            make_window(g, GIC_REGION_REDIST0 + i, "gicv3_redist_region", &v3_redist_ops, first, n,
                        (uint64_t)n * V3_REDIST_SIZE);
        }
        first += n;
    }
    return true;
}

static void v3_unrealize(Device *d)
{
    Gicv3 *g = (Gicv3 *)d;

    for (unsigned i = 0; i < g->num_cpu; i++) {
        g_free(g->host[i].cpu->intc_opaque);
        g->host[i].cpu->intc = NULL;
        g->host[i].cpu->intc_opaque = NULL;
        g_free(g->host[i].lpi);
    }
    g_clear_pointer(&g->host, g_free);
    memset(g->window, 0, sizeof(g->window));
    g_mutex_clear(&g->lock);
}

static void reset_cpu(V3Cpu *c, bool nonsecure)
{
    if (nonsecure) { /* priorities are 0 as Non-secure software sees them */
        c->group = UINT32_MAX;
        memset(c->prio, 0x80, sizeof(c->prio));
    }
    c->waker = 6;
    c->edge = 0xffff;
    c->bpr[V3_G0] = c->bpr[V3_G1S] = 7 - V3_PRIO_BITS;
    c->bpr[V3_G1NS] = 7 - V3_PRIO_BITS + 1;
    c->virt.vmcr = gic_virt_vmcr_legal(0) | VMCR_FIQEN;
}

static void v3_reset_hold(Device *d)
{
    Gicv3 *g = (Gicv3 *)d;
    bool nonsecure = g->security && g->nonsecure_reset;

    g_mutex_lock(&g->lock);
    for (unsigned i = 0; i < V3_CPUS; i++) {
        reset_cpu(&g->cpu[i], nonsecure);
    }
    if (nonsecure) {
        memset(g->group, 0xff, sizeof(g->group));
        memset(g->prio, 0x80, sizeof(g->prio));
    }
    for (unsigned i = 0; i < g->num_cpu; i++) {
        v3_lpi_forget(g, i);
        g->host[i].secure = g->host[i].el3 = g->security; /* processors come out of reset in EL3 */
    }
    g_mutex_unlock(&g->lock);
}

void v3_refresh(Gicv3 *g)
{
    for (unsigned i = 32; i < g->num_irq; i++) {
        set_target(g, i);
    }
    for (unsigned w = 1; w < g->num_irq / 32; w++) {
        v3_spis_changed(g, w, 0);
    }
    for (unsigned i = 0; i < g->num_cpu; i++) {
        v3_lpi_invalidate(g, i);
        v3_update(g, i);
        g->host[i].driven ^= 0xf; /* all four, whatever they were */
        v3_update_lines(g, i);
    }
}

static void v3_outputs(Device *d)
{
    Gicv3 *g = (Gicv3 *)d;

    g_mutex_lock(&g->lock);
    if (g->lent) {
        gicv3_exchange(g, true);
    } else {
        v3_refresh(g);
    }
    g_mutex_unlock(&g->lock);
}

static bool v3_pre_save(Device *d, Error **errp)
{
    Gicv3 *g = (Gicv3 *)d;

    g_mutex_lock(&g->lock);
    if (g->lent) {
        gicv3_exchange(g, false);
    }
    g_mutex_unlock(&g->lock);
    return v3_lpi_save(g);
}

static bool v3_post_load(Device *d, int version, Error **errp)
{
    Gicv3 *g = (Gicv3 *)d;

    g->ctlr &= V3_EN_GRP0 | V3_EN_GRP1NS | (g->security ? V3_EN_GRP1S : 0);
    for (unsigned i = 0; i < V3_CPUS; i++) {
        V3Cpu *c = &g->cpu[i];
        for (int k = 0; k < V3_GROUPS; k++) {
            c->bpr[k] = MAX(c->bpr[k] & 7, 7 - V3_PRIO_BITS + (k == V3_G1NS ? 1u : 0));
            c->apr[k] = (uint32_t)c->apr[k];
        }
        c->virt.vmcr = gic_virt_vmcr_legal(c->virt.vmcr) | VMCR_FIQEN;
        c->virt.apr[0] = (uint32_t)c->virt.apr[0];
        c->virt.apr[1] = (uint32_t)c->virt.apr[1];
    }
    return v3_lpi_load(g, errp);
}

static void tell(Gicv3 *g, GString *out)
{
    g_string_append_printf(out, "ctlr %x\n", g->ctlr);
    for (unsigned i = 0; i < g->num_cpu; i++) {
        const V3Cpu *c = &g->cpu[i];
        const V3Host *h = &g->host[i];
        g_string_append_printf(out, "cpu %u: pmr %x running %x highest %u prio %x wires %x enabled %08x active %08x "
                               "pending %08x\n", i, (unsigned)c->pmr, v3_running(c), h->best.intid, h->best.prio,
                               h->driven, (unsigned)c->enabled, (unsigned)c->active, v3_private_pending(g, i));
    }
    for (unsigned w = 1; w < g->num_irq / 32; w++) {
        if (g->enabled[w] | spi_pending(g, w) | g->active[w]) {
            g_string_append_printf(out, "%4u: enabled %08x pending %08x active %08x group %08x\n", w * 32, g->enabled[w],
                                   spi_pending(g, w), g->active[w], g->group[w]);
        }
    }
}

static void v3_info(Device *d, GString *out)
{
    Gicv3 *g = (Gicv3 *)d;

    g_mutex_lock(&g->lock);
    if (!g->lent) {
        tell(g, out);
    } else if (gic_lent_look(d->machine, out)) {
        gicv3_exchange(g, false);
        tell(g, out);
    }
    g_mutex_unlock(&g->lock);
}

#define REDIST_PROP(n) \
    {.name = "redist-region-count[" #n "]", .kind = PROP_U32, .offset = offsetof(Gicv3, redist_count[n]), \
     .help = "redistributors in window " #n}

static const Property v3_props[] = {
    PROP(Gicv3, PROP_U32, num_cpu, "num-cpu", 1, "processors it serves"),
    PROP(Gicv3, PROP_U32, num_irq, "num-irq", 32, "interrupts with the 32 private ones, a multiple of 32"),
    PROP(Gicv3, PROP_BOOL, security, "has-security-extensions", 0, "two Security states"),
    PROP(Gicv3, PROP_BOOL, nonsecure_reset, "irq-reset-nonsecure", 0, "reset as after Secure firmware"),
    PROP(Gicv3, PROP_BOOL, virt, "has-virtualization-extensions", 0, "list registers for a hypervisor"),
    PROP(Gicv3, PROP_BOOL, has_lpi, "has-lpi", 0, "message interrupts (LPIs), for an ITS"),
    REDIST_PROP(0),
    REDIST_PROP(1),
    REDIST_PROP(2),
    REDIST_PROP(3),
    {0},
};

static const StateField v3_state[] = {
    STATE(Gicv3, STATE_U32, ctlr, 0),
    STATE_ARRAY(Gicv3, STATE_U32, group, V3_WORDS, 0),
    STATE_ARRAY(Gicv3, STATE_U32, grpmod, V3_WORDS, 0),
    STATE_ARRAY(Gicv3, STATE_U32, enabled, V3_WORDS, 0),
    STATE_ARRAY(Gicv3, STATE_U32, latch, V3_WORDS, 0),
    STATE_ARRAY(Gicv3, STATE_U32, active, V3_WORDS, 0),
    STATE_ARRAY(Gicv3, STATE_U32, edge, V3_WORDS, 0),
    STATE_ARRAY(Gicv3, STATE_U32, nsacr, V3_WORDS * 2, 0),
    STATE_ARRAY(Gicv3, STATE_U8, prio, V3_WORDS * 32, 0),
    STATE_ARRAY(Gicv3, STATE_U64, irouter, V3_WORDS * 32, 0),
    STATE_ARRAY(Gicv3, STATE_U64, cpu, V3_CPUS * sizeof(V3Cpu) / 8, 0),
    STATE_KEEP(Gicv3, STATE_U32, level, V3_WORDS),
    STATE_KEEP(Gicv3, STATE_U32, ppi_level, V3_CPUS),
    STATE_BLOB(Gicv3, lpi_blob),
    HOST_ONLY(Gicv3, lock),
    HOST_ONLY(Gicv3, host),
    HOST_ONLY(Gicv3, lent),
    HOST_ONLY(Gicv3, its),
    HOST_ONLY(Gicv3, target),
    HOST_ONLY(Gicv3, ready),
    HOST_ONLY(Gicv3, window),
    HOST_ONLY(Gicv3, view),
    {0},
};

const DeviceType arm_gicv3_type = {
    .name = "arm-gicv3",
    .help = "Arm GICv3 interrupt controller",
    .bus = "sysbus",
    .size = sizeof(Gicv3),
    .version = 1,
    .internal = true,
    .props = v3_props,
    .state = v3_state,
    .realize = v3_realize,
    .unrealize = v3_unrealize,
    .reset_hold = v3_reset_hold,
    .pre_save = v3_pre_save,
    .post_load = v3_post_load,
    .outputs = v3_outputs,
    .info = v3_info,
};
DEVICE_TYPE(arm_gicv3_type);
