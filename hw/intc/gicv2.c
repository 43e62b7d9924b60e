/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm GICv2: which interrupt is pending where, and the wires to the processors.
 *
 * IHI 0048B: chapter 3 "Interrupt handling and prioritization". Registers: gicv2_dist.c (4.3), gicv2_cpu.c (4.4),
 * gicv2_virt.c (chapter 5).
 *
 * Left out: the 1-N model is "the first that acknowledges"; bypass of a disabled CPU interface; GICD_NSACR.
 *
 * outputs: gic_out(cpu, ARM_PIN_*). home: any thread, guarded by the GIC's own lock, under which nothing but the
 * processors' request words is touched; the windows are lockless for the machine.
 */
#include "hw/intc/gicv2.h"

#include "core/machine.h"

#include <string.h>

unsigned v2_accessor(const Gicv2 *g)
{
    Cpu *cpu = cpu_current();

    return cpu && cpu->machine == g->dev.machine && (unsigned)cpu->index < g->num_cpu ? cpu->index : 0;
}

static uint32_t pending_word(const Gicv2 *g, unsigned at)
{
    return g->latch[at] | (g->level[at] & ~g->edge[at]);
}

unsigned v2_highest(const Gicv2 *g, unsigned cpu, uint8_t *prio)
{
    unsigned best = GIC_NO_INTID, best_prio = 0x100;

    for (unsigned w = 0; w < g->num_irq / 32; w++) {
        unsigned at = v2_at(w, cpu);
        uint32_t map = pending_word(g, at) & g->enabled[at] & ~g->active[at];
        map &= (g->ctlr & 1 ? ~g->group[at] : 0) | (g->ctlr & 2 ? g->group[at] : 0);
        for (; map; map &= map - 1) {
            unsigned i = at * 32 + ctz32(map);
            if (g->prio[i] < best_prio && (w == 0 || g->num_cpu == 1 || (g->target[i] >> cpu & 1))) {
                best_prio = g->prio[i];
                best = w * 32 + ctz32(map);
            }
        }
    }
    *prio = best == GIC_NO_INTID ? V2_IDLE : best_prio;
    return best;
}

unsigned v2_running(const Gicv2 *g, unsigned cpu)
{
    for (unsigned i = 0; i < V2_APRS; i++) {
        uint32_t active = g->apr[cpu * V2_APRS + i] | g->nsapr[cpu * V2_APRS + i];
        if (active) {
            return (i * 32 + ctz32(active)) << 1;
        }
    }
    return V2_IDLE_PRIO;
}

/* Table 3-2: Group 1 uses GICC_ABPR unless CBPR; its point is one further. */
uint8_t v2_group_mask(const Gicv2 *g, unsigned cpu, bool group1)
{
    if (group1 && !(g->cctlr[cpu] & 1u << 4)) {
        return 0xff << g->abpr[cpu];
    }
    return 0xff << (g->bpr[cpu] + 1);
}

/* 3.3.1 and 3.3.3 */
bool v2_signalled(const Gicv2 *g, unsigned cpu, unsigned irq, uint8_t prio)
{
    bool group1 = irq != GIC_NO_INTID && v2_bit(g->group, irq, cpu);

    if (irq == GIC_NO_INTID || prio >= g->pmr[cpu] || !(g->cctlr[cpu] & (group1 ? 2 : 1))) {
        return false;
    }
    unsigned mask = v2_group_mask(g, cpu, group1), running = v2_running(g, cpu);
    return running == V2_IDLE_PRIO || (prio & mask) < (running & mask);
}

/* Levels of a processor's wires. The maintenance interrupt is an input again. */
static uint8_t lines_of(Gicv2 *g, unsigned cpu)
{
    uint8_t prio, lines = 0;

    if (g->virt) {
        GicVirtLines v = gic_virt_lines(&g->vcpu[cpu]);
        v2_put(g->level, GIC_MAINTENANCE_INTID, cpu, v.maintenance);
        lines = v.irq << ARM_PIN_VIRQ | v.fiq << ARM_PIN_VFIQ;
    }
    unsigned irq = v2_highest(g, cpu, &prio);
    if (v2_signalled(g, cpu, irq, prio)) {
        bool fiq = !v2_bit(g->group, irq, cpu) && (g->cctlr[cpu] & 1u << 3);
        lines |= 1u << (fiq ? ARM_PIN_FIQ : ARM_PIN_IRQ);
    }
    return lines;
}

void v2_update(Gicv2 *g, unsigned cpu)
{
    uint8_t lines = lines_of(g, cpu), changed = lines ^ g->driven[cpu];

    g->driven[cpu] = lines;
    for (int pin = 0; changed; pin++, changed >>= 1) {
        if (changed & 1) {
            irq_set(g->dev.out[gic_out(cpu, pin)], lines >> pin & 1);
        }
    }
}

void v2_update_all(Gicv2 *g)
{
    for (unsigned i = 0; i < g->num_cpu; i++) {
        v2_update(g, i);
    }
}

void v2_update_irq(Gicv2 *g, unsigned irq, unsigned cpu)
{
    if (irq < 32) {
        v2_update(g, cpu);
        return;
    }
    uint8_t targets = g->num_cpu == 1 ? 1 : g->target[v2_index(irq, 0)];
    for (unsigned i = 0; i < g->num_cpu; i++) {
        if (targets >> i & 1) {
            v2_update(g, i);
        }
    }
}

void v2_send_sgi(Gicv2 *g, unsigned from, uint8_t targets, unsigned sgi)
{
    for (unsigned i = 0; i < g->num_cpu; i++) {
        if (targets >> i & 1) {
            g->sgi_source[i * V2_SGIS + sgi] |= 1u << from;
            v2_put(g->latch, sgi, i, true);
            v2_update(g, i);
        }
    }
}

void v2_deactivate(Gicv2 *g, unsigned cpu, unsigned irq)
{
    if (irq < g->num_irq) {
        v2_put(g->active, irq, cpu, false);
        v2_update_irq(g, irq, cpu);
    }
}

/* ---- inputs ---- */

static void set_input(Gicv2 *g, unsigned irq, unsigned cpu, int level)
{
    g_mutex_lock(&g->lock);
    bool change = v2_bit(g->level, irq, cpu) != (level != 0);
    if (change && g->lent && irq >= 32) { /* below: so are the timers */
        v2_put(g->level, irq, cpu, level);
        g->lent->gic_line(g->dev.machine, irq, level);
    } else if (change && !g->lent) {
        v2_put(g->level, irq, cpu, level);
        if (level && v2_bit(g->edge, irq, cpu)) {
            v2_put(g->latch, irq, cpu, true);
        }
        v2_update_irq(g, irq, cpu);
    }
    g_mutex_unlock(&g->lock);
}

void gicv2_set_spi(void *opaque, int n, int level)
{
    set_input(opaque, 32 + n, 0, level);
}

void gicv2_set_ppi(void *opaque, int n, int level)
{
    set_input(opaque, n % 32, n / 32, level);
}

/* ---- type ---- */

MemoryRegion *gicv2_region(Gicv2 *g, GicRegion which, bool secure)
{
    return g->window[which][secure].region;
}

static const struct {
    const IoOps *ops;
    uint32_t size;
    const char *name;
    bool virt;
} windows[] = {
    [GIC_REGION_DIST] = {&v2_dist_ops, 0x1000, "gic_dist", false},
    [GIC_REGION_CPU] = {&v2_cpu_ops, 0x2000, "gic_cpu", false},
    [GIC_REGION_HYP] = {&v2_hyp_ops, 0x1000, "gic_viface", true},
    [GIC_REGION_VCPU] = {&v2_vcpu_ops, 0x2000, "gic_vcpu", true},
};

static bool v2_realize(Device *d, Error **errp)
{
    Gicv2 *g = (Gicv2 *)d;

    if (g->num_cpu < 1 || g->num_cpu > V2_CPUS || (int)g->num_cpu > machine_cpu_count(d->machine)) {
        error_set(errp, ERR_INVALID_PARAMETER, "arm_gic: num-cpu=%u; it serves 1 to %d of the machine's processors",
                  g->num_cpu, V2_CPUS);
        return false;
    }
    if (g->num_irq < 32 || g->num_irq > GIC_MAX_IRQ || g->num_irq % 32) {
        error_set(errp, ERR_INVALID_PARAMETER, "arm_gic: num-irq=%u is no multiple of 32 up to 992", g->num_irq);
        return false;
    }
    g_mutex_init(&g->lock);
    for (unsigned i = 0; i < g->num_cpu; i++) {
        g->cpus[i] = machine_cpu(d->machine, i);
    }
    device_init_out(d, g->num_cpu * 4);
    for (unsigned i = 0; i < G_N_ELEMENTS(windows); i++) {
        for (int secure = 0; secure <= (g->security ? 1 : 0); secure++) {
            if (!windows[i].virt || g->virt) {
                V2Window *w = &g->window[i][secure];
                *w = (V2Window){g, NULL, secure};
                w->region = device_io_region_of(d, windows[i].name, windows[i].ops, w, windows[i].size);
            }
        }
    }
    return true;
}

static void v2_unrealize(Device *d)
{
    Gicv2 *g = (Gicv2 *)d;

    memset(g->window, 0, sizeof(g->window));
    g_mutex_clear(&g->lock);
}

static void v2_reset_hold(Device *d)
{
    Gicv2 *g = (Gicv2 *)d;

    for (unsigned i = 0; i < V2_CPUS; i++) {
        g->enabled[i] = 0xffff; /* SGIs always are */
        g->edge[i] = 0xffff;
        g->abpr[i] = 1;
        g->vcpu[i].vmcr = gic_virt_vmcr_legal(0);
    }
    if (g->security && g->nonsecure_reset) { /* priorities are 0 as Non-secure software sees them */
        memset(g->group, 0xff, sizeof(g->group));
        memset(g->prio, 0x80, sizeof(g->prio));
        memset(g->pmr, 0x80, sizeof(g->pmr));
    }
}

void v2_refresh(Gicv2 *g)
{
    for (unsigned i = 0; i < g->num_cpu; i++) {
        g->driven[i] = ~lines_of(g, i) & 0xf; /* all four, whatever they were */
        v2_update(g, i);
    }
}

static void v2_outputs(Device *d)
{
    Gicv2 *g = (Gicv2 *)d;

    g_mutex_lock(&g->lock);
    if (g->lent) {
        gicv2_exchange(g, true);
    } else {
        v2_refresh(g);
    }
    g_mutex_unlock(&g->lock);
}

static bool v2_pre_save(Device *d, Error **errp)
{
    Gicv2 *g = (Gicv2 *)d;

    g_mutex_lock(&g->lock);
    if (g->lent) {
        gicv2_exchange(g, false);
    }
    g_mutex_unlock(&g->lock);
    return true;
}

static bool v2_post_load(Device *d, int version, Error **errp)
{
    Gicv2 *g = (Gicv2 *)d;

    g->ctlr &= 3;
    for (unsigned i = 0; i < V2_CPUS; i++) {
        g->bpr[i] &= 7;
        g->abpr[i] &= 7;
        g->vcpu[i].vmcr = gic_virt_vmcr_legal(g->vcpu[i].vmcr);
        for (int p = 0; p < 2; p++) {
            g->vcpu[i].apr[p] = (uint32_t)g->vcpu[i].apr[p];
        }
    }
    return true;
}

static void tell(Gicv2 *g, GString *out)
{
    g_string_append_printf(out, "ctlr %x\n", g->ctlr);
    for (unsigned i = 0; i < g->num_cpu; i++) {
        uint8_t prio;
        unsigned irq = v2_highest(g, i, &prio);
        g_string_append_printf(out, "cpu %u: ctlr %x pmr %x running %x highest %u prio %x wires %x\n", i,
                               g->cctlr[i], g->pmr[i], v2_running(g, i), irq, prio, g->driven[i]);
    }
    for (unsigned w = 0; w < g->num_irq / 32; w++) {
        unsigned at = v2_at(w, 0);
        if (g->enabled[at] | pending_word(g, at) | g->active[at]) {
            g_string_append_printf(out, "%4u: enabled %08x pending %08x active %08x group %08x\n", w * 32,
                                   g->enabled[at], pending_word(g, at), g->active[at], g->group[at]);
        }
    }
}

static void v2_info(Device *d, GString *out)
{
    Gicv2 *g = (Gicv2 *)d;

    g_mutex_lock(&g->lock);
    if (!g->lent) {
        tell(g, out);
    } else if (gic_lent_look(d->machine, out)) {
        gicv2_exchange(g, false);
        tell(g, out);
    }
    g_mutex_unlock(&g->lock);
}

static const Property v2_props[] = {
    PROP(Gicv2, PROP_U32, num_cpu, "num-cpu", 1, "processors it serves"),
    PROP(Gicv2, PROP_U32, num_irq, "num-irq", 32, "interrupts with the 32 private ones, a multiple of 32"),
    PROP(Gicv2, PROP_BOOL, security, "has-security-extensions", 0, "two Security states"),
    PROP(Gicv2, PROP_BOOL, nonsecure_reset, "irq-reset-nonsecure", 0, "reset as after Secure firmware"),
    PROP(Gicv2, PROP_BOOL, virt, "has-virtualization-extensions", 0, "list registers for a hypervisor"),
    {0},
};

static const StateField v2_state[] = {
    STATE(Gicv2, STATE_U32, ctlr, 0),
    STATE_ARRAY(Gicv2, STATE_U32, group, V2_WORDS, 0),
    STATE_ARRAY(Gicv2, STATE_U32, enabled, V2_WORDS, 0),
    STATE_ARRAY(Gicv2, STATE_U32, active, V2_WORDS, 0),
    STATE_ARRAY(Gicv2, STATE_U32, edge, V2_WORDS, 0),
    STATE_ARRAY(Gicv2, STATE_U32, latch, V2_WORDS, 0),
    STATE_KEEP(Gicv2, STATE_U32, level, V2_WORDS),
    STATE_ARRAY(Gicv2, STATE_U8, prio, V2_WORDS * 32, 0),
    STATE_ARRAY(Gicv2, STATE_U8, target, V2_WORDS * 32, 0),
    STATE_ARRAY(Gicv2, STATE_U8, sgi_source, V2_CPUS * V2_SGIS, 0),
    STATE_ARRAY(Gicv2, STATE_U32, cctlr, V2_CPUS, 0),
    STATE_ARRAY(Gicv2, STATE_U8, pmr, V2_CPUS, 0),
    STATE_ARRAY(Gicv2, STATE_U8, bpr, V2_CPUS, 0),
    STATE_ARRAY(Gicv2, STATE_U8, abpr, V2_CPUS, 0),
    STATE_ARRAY(Gicv2, STATE_U32, apr, V2_CPUS *V2_APRS, 0),
    STATE_ARRAY(Gicv2, STATE_U32, nsapr, V2_CPUS *V2_APRS, 0),
    STATE_ARRAY(Gicv2, STATE_U64, vcpu, V2_CPUS * sizeof(GicVirt) / 8, 0),
    HOST_ONLY(Gicv2, lock),
    HOST_ONLY(Gicv2, lent),
    HOST_ONLY(Gicv2, cpus),
    HOST_ONLY(Gicv2, driven),
    HOST_ONLY(Gicv2, window),
    {0},
};

const DeviceType arm_gic_type = {
    .name = "arm_gic",
    .help = "Arm GICv2 interrupt controller",
    .bus = "sysbus",
    .size = sizeof(Gicv2),
    .version = 1,
    .internal = true,
    .props = v2_props,
    .state = v2_state,
    .realize = v2_realize,
    .unrealize = v2_unrealize,
    .reset_hold = v2_reset_hold,
    .pre_save = v2_pre_save,
    .post_load = v2_post_load,
    .outputs = v2_outputs,
    .info = v2_info,
};
DEVICE_TYPE(arm_gic_type);
