/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv3 CPU interface, ICC_*: IHI 0069H, 12.2, and 4.2 to 4.8. Priorities have five bits.
 *
 * home: the processor's own thread, without the machine's lock; the GIC's own lock.
 */
#include "hw/intc/gicv3.h"
#include "hw/intc/gicv3_sysreg.h"

/* Bits of HCR_EL2 and SCR_EL3 that turn interrupts, and with them these registers, to another level. */
#define HCR_FMO (1u << 3)
#define HCR_IMO (1u << 4)
#define SCR_NS  (1u << 0)
#define SCR_IRQ (1u << 1)
#define SCR_FIQ (1u << 2)

#define INTID_SECURE 1020u    /* answers to EL3: an interrupt of that state waits */
#define INTID_NONSECURE 1021u
#define MIN_BPR (7u - V3_PRIO_BITS)
#define CTLR_READONLY ((V3_PRIO_BITS - 1) << 8 | 1u << 11 | 1u << 15) /* PRIbits, 24 bits of INTID, A3V */
#define CTLR_EL3_NDS (1u << 17)

/* Who accesses: the bank of registers, and what it may see. */
typedef struct Access {
    Gicv3 *g;
    unsigned cpu;
    V3Cpu *c;
    ArmIntcView v;
    bool two_states;
    int bank;     /* 0 Secure, 1 Non-secure */
    bool ns_view; /* priorities as Non-secure software sees them (4.8.1) */
} Access;

static Access access_of(const V3Link *link)
{
    Gicv3 *g = link->gic;
    Access a = {.g = g, .cpu = link->cpu, .c = &g->cpu[link->cpu], .two_states = !v3_one_state(g)};

    a.v.el = 1;
    if (g->view) {
        g->view(g->host[link->cpu].cpu, &a.v);
    }
    a.bank = !a.two_states || (a.v.scr & SCR_NS);
    a.ns_view = a.two_states && a.bank == 1 && a.v.el < 3 && (a.v.scr & SCR_FIQ);
    return a;
}

static int group1(const Access *a)
{
    return a->bank ? V3_G1NS : V3_G1S;
}

static bool at_el3(const Access *a)
{
    return a->two_states && a->v.el == 3;
}

/* Is the processor in Secure state, EL3 included? */
static bool secure(const Access *a)
{
    return a->two_states && (a->v.el == 3 || a->bank == 0);
}

/* ---- priorities ---- */

uint8_t v3_group_mask(const V3Cpu *c, int group)
{
    if ((group == V3_G1S && (c->ctlr[0] & V3_CTLR_CBPR)) || (group == V3_G1NS && (c->ctlr[1] & V3_CTLR_CBPR))) {
        group = V3_G0;
    }
    unsigned bpr = c->bpr[group] & 7;
    return 0xff << (group == V3_G1NS ? bpr : bpr + 1);
}

uint8_t v3_running(const V3Cpu *c)
{
    uint32_t active = c->apr[V3_G0] | c->apr[V3_G1S] | c->apr[V3_G1NS];

    return active ? ctz32(active) << (8 - V3_PRIO_BITS) : V3_IDLE;
}

bool v3_can_preempt(const V3Cpu *c, const V3Pending *p)
{
    uint8_t running = v3_running(c), mask = v3_group_mask(c, p->group);

    if (p->prio >= c->pmr) {
        return false;
    }
    return running == V3_IDLE || (p->prio & mask) < (running & mask);
}

/* Group of the highest active priority, -1: none is active. */
static int active_group(const V3Cpu *c)
{
    uint32_t active = c->apr[V3_G0] | c->apr[V3_G1S] | c->apr[V3_G1NS], low = active & -active;

    return !active ? -1 : c->apr[V3_G0] & low ? V3_G0 : c->apr[V3_G1S] & low ? V3_G1S : V3_G1NS;
}

/* ---- acknowledge: pseudocode of ICC_IARn_EL1, ICC_HPPIRn_EL1 ---- */

static uint32_t offered(const Access *a, int n)
{
    const V3Pending *p = &a->g->host[a->cpu].best;
    bool its_secure = a->two_states && p->group != V3_G1NS;

    if (p->intid == GIC_NO_INTID || (its_secure && !secure(a))) {
        return GIC_NO_INTID;
    }
    if (n == 0) {
        if (p->group == V3_G0) {
            return p->intid;
        }
        return !at_el3(a) ? GIC_NO_INTID : its_secure ? INTID_SECURE : INTID_NONSECURE;
    }
    if (p->group == V3_G0 || (!its_secure && secure(a) && !at_el3(a))) {
        return GIC_NO_INTID;
    }
    return p->intid;
}

static uint32_t acknowledge(Access *a, int n)
{
    V3Pending p = a->g->host[a->cpu].best;

    if (p.intid == GIC_NO_INTID || !v3_can_preempt(a->c, &p)) {
        return GIC_NO_INTID;
    }
    uint32_t intid = offered(a, n);
    if (intid == p.intid) {
        uint8_t prio = p.prio & v3_group_mask(a->c, p.group);
        a->c->apr[p.group] |= 1u << (prio >> (8 - V3_PRIO_BITS));
        v3_activate(a->g, a->cpu, intid);
    }
    return intid;
}

/* ---- end of interrupt ---- */

static bool split(const Access *a)
{
    return at_el3(a) ? a->c->eoi_mode_el3 : a->c->ctlr[a->bank] & V3_CTLR_EOIMODE;
}

static void end(Access *a, int n, uint32_t intid)
{
    int group = active_group(a->c);

    if (intid >= V3_SPECIAL && (intid < V3_LPI_FIRST || !a->g->has_lpi)) {
        return;
    }
    if (group < 0 || (group == V3_G0) != (n == 0) || (a->two_states && group != V3_G1NS && !secure(a)) ||
        (group == V3_G1NS && secure(a) && !at_el3(a))) {
        return;
    }
    a->c->apr[group] &= a->c->apr[group] - 1;
    if (!split(a)) {
        v3_deactivate(a->g, a->cpu, intid);
    }
    v3_update_lines(a->g, a->cpu);
}

static void write_dir(Access *a, uint32_t intid)
{
    if (intid >= a->g->num_irq || !split(a)) {
        return;
    }
    int group = v3_group_of(a->g, a->cpu, intid);
    bool its_secure = a->two_states && group != V3_G1NS;
    if (at_el3(a) || its_secure == secure(a)) {
        v3_deactivate(a->g, a->cpu, intid);
    }
}

/* ---- registers of priorities ---- */

static uint64_t ns_priority(uint64_t prio)
{
    return prio & 0x80 ? prio << 1 & 0xff : 0;
}

static uint64_t read_rpr(const Access *a)
{
    uint8_t prio = v3_running(a->c);

    return a->ns_view && prio != V3_IDLE ? ns_priority(prio) : prio;
}

static void write_pmr(Access *a, uint64_t v)
{
    v &= 0xff;
    if (a->ns_view) {
        if (!(a->c->pmr & 0x80)) {
            return;
        }
        v = 0x80 | v >> 1;
    }
    a->c->pmr = v & V3_PRIO_MASK;
}

static bool common_bpr(const Access *a)
{
    return a->v.el < 3 && (a->c->ctlr[a->bank] & V3_CTLR_CBPR);
}

static uint64_t read_bpr1(const Access *a)
{
    if (!common_bpr(a)) {
        return a->c->bpr[group1(a)];
    }
    return a->bank ? MIN(a->c->bpr[V3_G0] + 1, 7) : a->c->bpr[V3_G0];
}

static void write_bpr(Access *a, int n, unsigned v)
{
    int group = n ? group1(a) : V3_G0;

    if (n && common_bpr(a)) {
        if (a->bank) {
            return;
        }
        group = V3_G0;
    }
    unsigned min = MIN_BPR + (group == V3_G1NS ? 1 : 0);
    a->c->bpr[group] = MAX(v & 7, min);
}

/* ---- controls ---- */

static void write_ctlr_el1(Access *a, uint64_t v)
{
    uint64_t mask = a->two_states ? V3_CTLR_EOIMODE : V3_CTLR_EOIMODE | V3_CTLR_CBPR;

    a->c->ctlr[a->bank] = (a->c->ctlr[a->bank] & ~mask) | (v & mask);
}

static uint64_t read_ctlr_el3(const Access *a)
{
    const V3Cpu *c = a->c;

    return CTLR_READONLY | CTLR_EL3_NDS | (c->ctlr[0] & V3_CTLR_CBPR) | (c->ctlr[1] & V3_CTLR_CBPR) << 1 |
           c->eoi_mode_el3 << 2 | (c->ctlr[0] & V3_CTLR_EOIMODE) << 2 | (c->ctlr[1] & V3_CTLR_EOIMODE) << 3;
}

static void write_ctlr_el3(Access *a, uint64_t v)
{
    a->c->ctlr[0] = (v & V3_CTLR_CBPR) | (v >> 2 & V3_CTLR_EOIMODE);
    a->c->ctlr[1] = (v >> 1 & V3_CTLR_CBPR) | (v >> 3 & V3_CTLR_EOIMODE);
    a->c->eoi_mode_el3 = v >> 2 & 1;
}

/* ---- SGIs: 12.2, ICC_SGI1R_EL1; which groups they reach: 8.1.10 table ---- */

static void send_to(Access *a, unsigned to, int group, unsigned sgi)
{
    Gicv3 *g = a->g;
    int is = v3_group_of(g, to, sgi);
    bool ns = a->two_states && !secure(a);

    if (group == V3_G1S && is == V3_G0) {
        group = V3_G0;
    }
    if (group != is) {
        return;
    }
    if (ns && is != V3_G1NS) {
        unsigned nsacr = g->cpu[to].nsacr >> (2 * sgi) & 3;
        if (nsacr < (is == V3_G0 ? 1u : 2u)) {
            return;
        }
    }
    g->cpu[to].latch |= BIT32(sgi);
    v3_update(g, to);
}

static void send_sgi(Access *a, int group, uint64_t v)
{
    unsigned sgi = v >> 24 & 15;
    uint32_t cluster = (v >> 48 & 0xff) << 24 | (v >> 32 & 0xff) << 16 | (v >> 16 & 0xff) << 8;

    if (v >> 40 & 1) {
        for (unsigned i = 0; i < a->g->num_cpu; i++) {
            if (i != a->cpu) {
                send_to(a, i, group, sgi);
            }
        }
        return;
    }
    for (uint32_t list = v & 0xffff; list; list &= list - 1) {
        uint32_t aff = cluster | ((v >> 44 & 15) * 16 + ctz32(list));
        /* Boards make clusters of 16 one after the other: look there first. */
        uint32_t near = (aff >> 8 & 0xff) * 16 + (aff & 0xff);
        int to = near < a->g->num_cpu && a->g->host[near].affinity == aff ? (int)near : v3_find_affinity(a->g, aff);
        if (to >= 0) {
            send_to(a, to, group, sgi);
        }
    }
}

static int sgi_group(const Access *a, uint32_t reg)
{
    if (reg == ICC_SGI0R) {
        return V3_G0;
    }
    if (!a->two_states) {
        return V3_G1NS;
    }
    return secure(a) == (reg == ICC_SGI1R) ? V3_G1S : V3_G1NS;
}

/* ---- dispatch ---- */

/* Which interrupts a register is about: bits 1: Group 0, 2: Group 1. 0: it is none that is virtualized or trapped. */
static int register_groups(uint32_t reg)
{
    switch (reg) {
    case ICC_IAR0 ... ICC_AP0R0 + 3:
    case ICC_IGRPEN0:
        return 1;
    case ICC_AP1R0 ... ICC_AP1R0 + 3:
    case ICC_IAR1 ... ICC_BPR1:
    case ICC_IGRPEN1:
        return 2;
    case ICC_PMR:
    case ICC_DIR:
    case ICC_RPR:
    case ICC_CTLR_EL1:
    case ICC_SGI1R ... ICC_SGI0R:
        return 3;
    default:
        return 0;
    }
}

static bool is_sgi(uint32_t reg)
{
    return reg >= ICC_SGI1R && reg <= ICC_SGI0R;
}

/* Does the access at EL1 mean a virtual machine's interface (ICV_*, 12.4)? */
static bool is_virtual(const Access *a, uint32_t reg)
{
    int groups = register_groups(reg);

    if (!a->g->virt || a->v.el != 1 || !groups || is_sgi(reg)) {
        return false;
    }
    return ((groups & 1) && (a->v.hcr & HCR_FMO)) || ((groups & 2) && (a->v.hcr & HCR_IMO));
}

static bool read_reg(Access *a, uint32_t reg, uint64_t *val)
{
    const V3Cpu *c = a->c;

    switch (reg) {
    case ICC_PMR:
        *val = a->ns_view ? ns_priority(c->pmr) : c->pmr;
        return true;
    case ICC_IAR0:
    case ICC_IAR1:
        *val = acknowledge(a, reg == ICC_IAR1);
        return true;
    case ICC_HPPIR0:
    case ICC_HPPIR1:
        *val = offered(a, reg == ICC_HPPIR1);
        return true;
    case ICC_BPR0:
        *val = c->bpr[V3_G0];
        return true;
    case ICC_BPR1:
        *val = read_bpr1(a);
        return true;
    case ICC_AP0R0:
        *val = c->apr[V3_G0];
        return true;
    case ICC_AP1R0:
        *val = c->apr[group1(a)];
        return true;
    case ICC_RPR:
        *val = read_rpr(a);
        return true;
    case ICC_CTLR_EL1:
        *val = CTLR_READONLY | c->ctlr[a->bank];
        return true;
    case ICC_SRE_EL1: /* the interface is system registers only */
        *val = 7;
        return true;
    case ICC_SRE_EL2:
    case ICC_SRE_EL3:
        *val = 15;
        return true;
    case ICC_IGRPEN0:
        *val = c->igrpen[V3_G0];
        return true;
    case ICC_IGRPEN1:
        *val = c->igrpen[group1(a)];
        return true;
    case ICC_CTLR_EL3:
        *val = read_ctlr_el3(a);
        return true;
    case ICC_IGRPEN1_EL3:
        *val = c->igrpen[V3_G1NS] | c->igrpen[V3_G1S] << 1;
        return true;
    default:
        return v3_ich_read(a->g, a->cpu, reg, val);
    }
}

/* Those that change which interrupts there are. */
static void write_enable(Access *a, uint32_t reg, uint64_t v)
{
    if (reg == ICC_IGRPEN0) {
        a->c->igrpen[V3_G0] = v & 1;
    } else if (reg == ICC_IGRPEN1) {
        a->c->igrpen[group1(a)] = v & 1;
    } else {
        a->c->igrpen[V3_G1NS] = v & 1;
        a->c->igrpen[V3_G1S] = v >> 1 & 1;
    }
    v3_update(a->g, a->cpu);
}

static bool write_reg(Access *a, uint32_t reg, uint64_t v)
{
    switch (reg) {
    case ICC_EOIR0:
    case ICC_EOIR1:
        end(a, reg == ICC_EOIR1, v & 0xffffff);
        return true;
    case ICC_SGI1R:
    case ICC_ASGI1R:
    case ICC_SGI0R:
        send_sgi(a, sgi_group(a, reg), v);
        return true;
    case ICC_DIR:
        write_dir(a, v & 0xffffff);
        return true;
    case ICC_IGRPEN0:
    case ICC_IGRPEN1:
    case ICC_IGRPEN1_EL3:
        write_enable(a, reg, v);
        return true;
    case ICC_PMR:
        write_pmr(a, v);
        break;
    case ICC_BPR0:
    case ICC_BPR1:
        write_bpr(a, reg == ICC_BPR1, v);
        break;
    case ICC_AP0R0:
        a->c->apr[V3_G0] = (uint32_t)v;
        break;
    case ICC_AP1R0:
        a->c->apr[group1(a)] = (uint32_t)v;
        break;
    case ICC_CTLR_EL1:
        write_ctlr_el1(a, v);
        break;
    case ICC_CTLR_EL3:
        write_ctlr_el3(a, v);
        break;
    case ICC_SRE_EL1:
    case ICC_SRE_EL2:
    case ICC_SRE_EL3:
        return true;
    default:
        return v3_ich_write(a->g, a->cpu, reg, v);
    }
    v3_update_lines(a->g, a->cpu);
    return true;
}

static bool cpuif_read(void *opaque, uint32_t reg, uint64_t *val)
{
    Access a = access_of(opaque);

    g_mutex_lock(&a.g->lock);
    bool ok = is_virtual(&a, reg) ? v3_icv_read(a.g, a.cpu, reg, val) : read_reg(&a, reg, val);
    g_mutex_unlock(&a.g->lock);
    return ok;
}

static bool cpuif_write(void *opaque, uint32_t reg, uint64_t val)
{
    Access a = access_of(opaque);

    g_mutex_lock(&a.g->lock);
    bool ok = is_virtual(&a, reg) ? v3_icv_write(a.g, a.cpu, reg, val) : write_reg(&a, reg, val);
    g_mutex_unlock(&a.g->lock);
    return ok;
}

/* ---- traps: the "Accessibility" of each register ---- */

/* A hypervisor's: ICH_HCR_EL2, and SGIs of a virtual machine. */
static bool traps_to_el2(const Access *a, uint32_t reg, int groups)
{
    uint64_t hcr = a->c->virt.hcr;

    if (!a->g->virt || a->v.el != 1 || secure(a)) {
        return false;
    }
    if (is_sgi(reg)) {
        return (a->v.hcr & (HCR_IMO | HCR_FMO)) || (hcr & VHCR_TC);
    }
    if (reg == ICC_DIR && (hcr & VHCR_TDIR)) {
        return true;
    }
    return hcr & (groups == 1 ? VHCR_TALL0 : groups == 2 ? VHCR_TALL1 : VHCR_TC);
}

static bool traps_to_el3(const Access *a, int groups)
{
    uint64_t routed = (groups & 1 ? SCR_FIQ : 0) | (groups & 2 ? SCR_IRQ : 0);
    uint64_t virtual = (groups & 1 ? HCR_FMO : 0) | (groups & 2 ? HCR_IMO : 0);

    if (!a->two_states || a->v.el == 3 || (a->v.scr & routed) != routed) {
        return false;
    }
    return a->v.el == 2 || !(a->v.hcr & virtual);
}

static int cpuif_trap(void *opaque, uint32_t reg, bool write)
{
    Access a = access_of(opaque);
    unsigned op1 = reg >> 11 & 7, lowest = op1 == 6 ? 3 : op1 == 4 ? 2 : 1;
    int groups = register_groups(reg);

    if (a.v.el < lowest) {
        return -1;
    }
    g_mutex_lock(&a.g->lock);
    int to = !groups ? 0 : traps_to_el2(&a, reg, groups) ? 2 : traps_to_el3(&a, groups) ? 3 : 0;
    g_mutex_unlock(&a.g->lock);
    return to;
}

/* The kind of a Group 1 interrupt depends on where the processor is. */
static void cpuif_state_changed(void *opaque)
{
    Access a = access_of(opaque);

    if (!a.two_states) {
        return;
    }
    g_mutex_lock(&a.g->lock);
    a.g->host[a.cpu].secure = secure(&a);
    a.g->host[a.cpu].el3 = at_el3(&a);
    v3_update_lines(a.g, a.cpu);
    g_mutex_unlock(&a.g->lock);
}

const CpuIntcOps v3_cpuif_ops = {
    .sysreg_read = cpuif_read,
    .sysreg_write = cpuif_write,
    .sysreg_trap = cpuif_trap,
    .state_changed = cpuif_state_changed,
};
