/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See gic_virt.h. IHI 0069 chapter 6 "Virtual interrupt handling" and the pseudocode of ICV_*; IHI 0048B chapter 5.
 *
 * home: under the GIC's lock.
 */
#include "hw/intc/gic_virt.h"

#include "base/bits.h"

#define LPI_FIRST 8192u

static uint8_t prio_of(uint64_t lr)
{
    return (lr & LR_PRIO) >> LR_PRIO_SHIFT;
}

static uint32_t intid_of(uint64_t lr)
{
    return lr & LR_VINTID;
}

static bool special(uint32_t intid)
{
    return intid >= 1020 && intid <= 1023;
}

unsigned gic_virt_bpr(const GicVirt *v, int group)
{
    unsigned bpr0 = v->vmcr >> VMCR_BPR0_SHIFT & 7;

    if (group == 0) {
        return bpr0;
    }
    if (v->vmcr & VMCR_CBPR) {
        return bpr0 < 7 ? bpr0 + 1 : 7;
    }
    return v->vmcr >> VMCR_BPR1_SHIFT & 7;
}

void gic_virt_set_bpr(GicVirt *v, int group, unsigned value)
{
    unsigned min = GIC_VIRT_MIN_BPR + (group ? 1 : 0);

    if (group && (v->vmcr & VMCR_CBPR)) {
        return;
    }
    value = value < min ? min : value;
    v->vmcr = deposit64(v->vmcr, group ? VMCR_BPR1_SHIFT : VMCR_BPR0_SHIFT, 3, value);
}

uint32_t gic_virt_vmcr_legal(uint32_t value)
{
    GicVirt v = {.vmcr = value & (0xff000000u | 0x00fc0000u | VMCR_EOIM | 0x1f)};
    uint64_t cbpr = v.vmcr & VMCR_CBPR;

    v.vmcr &= ~(uint64_t)(VMCR_CBPR | 7u << VMCR_PMR_SHIFT); /* five bits of priority */
    gic_virt_set_bpr(&v, 0, v.vmcr >> VMCR_BPR0_SHIFT & 7);
    gic_virt_set_bpr(&v, 1, v.vmcr >> VMCR_BPR1_SHIFT & 7);
    return v.vmcr | cbpr;
}

/* Bits of a priority that decide about preemption. */
static uint8_t group_mask(const GicVirt *v, int group)
{
    unsigned bpr;

    if (v->vmcr & VMCR_CBPR) {
        group = 0;
    }
    bpr = gic_virt_bpr(v, group);
    return 0xff << (group ? bpr : bpr + 1);
}

uint8_t gic_virt_running(const GicVirt *v)
{
    uint32_t active = v->apr[0] | v->apr[1];

    return active ? ctz32(active) << (8 - GIC_VIRT_PRIO_BITS) : GIC_VIRT_IDLE;
}

int gic_virt_pending(const GicVirt *v)
{
    int best = -1;
    unsigned best_prio = 0x100;

    if (!(v->hcr & VHCR_EN)) {
        return -1;
    }
    for (int i = 0; i < GIC_VIRT_LRS; i++) {
        bool enabled = v->vmcr & (v->lr[i] & LR_GROUP1 ? VMCR_GRP1 : VMCR_GRP0);

        if ((v->lr[i] & LR_STATE) == LR_PENDING && enabled && prio_of(v->lr[i]) < best_prio) {
            best = i;
            best_prio = prio_of(v->lr[i]);
        }
    }
    return best;
}

bool gic_virt_can_take(const GicVirt *v, int lr)
{
    uint8_t prio = prio_of(v->lr[lr]), running = gic_virt_running(v);
    uint8_t mask = group_mask(v, gic_virt_group(v, lr));

    if (prio >= (v->vmcr >> VMCR_PMR_SHIFT & 0xff)) {
        return false;
    }
    return running == GIC_VIRT_IDLE || (prio & mask) < (running & mask);
}

uint32_t gic_virt_take(GicVirt *v, int lr)
{
    int group = gic_virt_group(v, lr);
    uint32_t intid = intid_of(v->lr[lr]);

    v->lr[lr] &= ~LR_PENDING;
    if (special(intid)) {
        return intid; /* a hypervisor's nonsense: the entry is used up */
    }
    if (intid < LPI_FIRST) {
        v->lr[lr] |= LR_ACTIVE;
    }
    uint8_t prio = prio_of(v->lr[lr]) & group_mask(v, group);
    v->apr[group] |= 1u << (prio >> (8 - GIC_VIRT_PRIO_BITS));
    return intid;
}

/* The highest active priority, of whichever group, is no more. Which it was, GIC_VIRT_IDLE: there is none. */
static uint8_t drop(GicVirt *v)
{
    uint8_t prio = gic_virt_running(v);
    uint32_t active = v->apr[0] | v->apr[1], low = active & -active;

    v->apr[v->apr[0] & low ? 0 : 1] &= ~(uint64_t)low;
    return prio;
}

static int find_active(const GicVirt *v, uint32_t intid)
{
    for (int i = 0; i < GIC_VIRT_LRS; i++) {
        if ((v->lr[i] & LR_ACTIVE) && intid_of(v->lr[i]) == intid) {
            return i;
        }
    }
    return -1;
}

static void count_end(GicVirt *v)
{
    uint64_t n = (v->hcr & VHCR_COUNT) >> VHCR_COUNT_SHIFT;

    v->hcr = deposit64(v->hcr, VHCR_COUNT_SHIFT, 5, n + 1);
}

static uint32_t deactivate(GicVirt *v, int i)
{
    v->lr[i] &= ~LR_ACTIVE;
    return v->lr[i] & LR_HW ? (v->lr[i] & LR_PINTID) >> LR_PINTID_SHIFT : GIC_NO_INTID;
}

uint32_t gic_virt_end(GicVirt *v, uint32_t intid, int group)
{
    uint8_t dropped = special(intid) ? GIC_VIRT_IDLE : drop(v);

    if (dropped == GIC_VIRT_IDLE || (v->vmcr & VMCR_EOIM) || intid >= LPI_FIRST) {
        return GIC_NO_INTID;
    }
    int i = find_active(v, intid);
    if (i < 0) {
        count_end(v);
        return GIC_NO_INTID;
    }
    int of = gic_virt_group(v, i);
    if ((group >= 0 && group != of) || (prio_of(v->lr[i]) & group_mask(v, of)) != dropped) {
        return GIC_NO_INTID; /* not the one whose priority it was: it stays active */
    }
    return deactivate(v, i);
}

uint32_t gic_virt_deactivate(GicVirt *v, uint32_t intid)
{
    if (special(intid) || !(v->vmcr & VMCR_EOIM) || intid >= LPI_FIRST) {
        return GIC_NO_INTID;
    }
    int i = find_active(v, intid);
    if (i < 0) {
        count_end(v);
        return GIC_NO_INTID;
    }
    return deactivate(v, i);
}

uint32_t gic_virt_eisr(const GicVirt *v)
{
    uint32_t bits = 0;

    for (int i = 0; i < GIC_VIRT_LRS; i++) {
        if (!(v->lr[i] & (LR_STATE | LR_HW)) && (v->lr[i] & LR_EOI)) {
            bits |= 1u << i;
        }
    }
    return bits;
}

uint32_t gic_virt_elrsr(const GicVirt *v)
{
    uint32_t bits = 0;

    for (int i = 0; i < GIC_VIRT_LRS; i++) {
        if (!(v->lr[i] & LR_STATE) && ((v->lr[i] & LR_HW) || !(v->lr[i] & LR_EOI))) {
            bits |= 1u << i;
        }
    }
    return bits;
}

uint32_t gic_virt_misr(const GicVirt *v)
{
    unsigned valid = 0, pending = 0;
    uint32_t bits = gic_virt_eisr(v) ? 1 : 0;

    for (int i = 0; i < GIC_VIRT_LRS; i++) {
        valid += (v->lr[i] & LR_STATE) != 0;
        pending += (v->lr[i] & LR_STATE) == LR_PENDING;
    }
    bits |= (v->hcr & VHCR_UIE) && valid <= 1 ? 1u << 1 : 0;
    bits |= (v->hcr & VHCR_LRENPIE) && (v->hcr & VHCR_COUNT) ? 1u << 2 : 0;
    bits |= (v->hcr & VHCR_NPIE) && !pending ? 1u << 3 : 0;
    bits |= v->hcr & (v->vmcr & VMCR_GRP0 ? VHCR_GRP0EIE : VHCR_GRP0DIE);
    bits |= v->hcr & (v->vmcr & VMCR_GRP1 ? VHCR_GRP1EIE : VHCR_GRP1DIE);
    return bits;
}

GicVirtLines gic_virt_lines(const GicVirt *v)
{
    GicVirtLines l = {0};
    int i = gic_virt_pending(v);

    if (i >= 0 && gic_virt_can_take(v, i)) {
        l.fiq = gic_virt_group(v, i) == 0 && (v->vmcr & VMCR_FIQEN);
        l.irq = !l.fiq;
    }
    l.maintenance = (v->hcr & VHCR_EN) && gic_virt_misr(v);
    return l;
}
