/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv2 virtualization extensions: GICH_* (the hypervisor's, IHI 0048B, 5.3) and GICV_* (the virtual machine's CPU
 * interface, 5.5), each processor's own. Registers are kept as GICv3 has them (gic_virt.h).
 *
 * home: any thread; the GIC's own lock.
 */
#include "hw/intc/gicv2.h"

enum {
    H_HCR = 0x00, H_VTR = 0x04, H_VMCR = 0x08, H_MISR = 0x10, H_EISR0 = 0x20, H_ELSR0 = 0x30, H_APR = 0xf0, H_LR = 0x100,
};
enum {
    C_CTLR = 0x00, C_PMR = 0x04, C_BPR = 0x08, C_IAR = 0x0c, C_EOIR = 0x10, C_RPR = 0x14, C_HPPIR = 0x18, C_ABPR = 0x1c,
    C_AIAR = 0x20, C_AEOIR = 0x24, C_AHPPIR = 0x28, C_APR = 0xd0, C_IIDR = 0xfc, C_DIR = 0x1000,
};
#define VTR_VALUE  ((GIC_VIRT_PRIO_BITS - 1) << 29 | (GIC_VIRT_PRIO_BITS - 1) << 26 | (GIC_VIRT_LRS - 1))
#define IIDR_VALUE 0x0002043bu

/* ---- list registers: GICH_LR<n> (5.3.9) has 31 HW, 30 Grp1, 29:28 state, 27:23 priority, 19:10 physical, 9:0 ID ---- */

static uint32_t lr_to_v2(uint64_t lr)
{
    return (lr & LR_HW ? 1u << 31 : 0) | (lr & LR_GROUP1 ? 1u << 30 : 0) | extract64(lr, 62, 2) << 28 |
           extract64(lr, LR_PRIO_SHIFT + 3, 5) << 23 | extract64(lr, LR_PINTID_SHIFT, 10) << 10 | extract64(lr, 0, 10);
}

static uint64_t lr_from_v2(uint32_t v)
{
    return (v >> 31 ? LR_HW : 0) | (v >> 30 & 1 ? LR_GROUP1 : 0) | (uint64_t)extract32(v, 28, 2) << 62 |
           (uint64_t)extract32(v, 23, 5) << (LR_PRIO_SHIFT + 3) | (uint64_t)extract32(v, 10, 10) << LR_PINTID_SHIFT |
           extract32(v, 0, 10);
}

/* ---- GICH ---- */

static uint32_t hyp_read_word(const GicVirt *v, hwaddr offset)
{
    switch (offset) {
    case H_HCR:
        return v->hcr;
    case H_VTR:
        return VTR_VALUE;
    case H_VMCR:
        return v->vmcr;
    case H_MISR:
        return gic_virt_misr(v);
    case H_EISR0:
        return gic_virt_eisr(v);
    case H_ELSR0:
        return gic_virt_elrsr(v);
    case H_APR:
        return v->apr[0] | v->apr[1];
    case H_LR ... H_LR + 4 * GIC_VIRT_LRS - 1:
        return lr_to_v2(v->lr[(offset - H_LR) / 4]);
    default:
        return 0;
    }
}

static void hyp_write_word(GicVirt *v, hwaddr offset, uint32_t value)
{
    switch (offset) {
    case H_HCR:
        v->hcr = value & (VHCR_COUNT | 0xff);
        break;
    case H_VMCR:
        v->vmcr = gic_virt_vmcr_legal(value);
        break;
    case H_APR: /* one register for both groups */
        v->apr[0] = value;
        v->apr[1] = 0;
        break;
    case H_LR ... H_LR + 4 * GIC_VIRT_LRS - 1:
        v->lr[(offset - H_LR) / 4] = lr_from_v2(value);
        break;
    }
}

static uint64_t hyp_read(void *opaque, hwaddr offset, unsigned size)
{
    Gicv2 *g = ((V2Window *)opaque)->gic;

    g_mutex_lock(&g->lock);
    uint32_t v = hyp_read_word(&g->vcpu[v2_accessor(g)], offset);
    g_mutex_unlock(&g->lock);
    return v;
}

static void hyp_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Gicv2 *g = ((V2Window *)opaque)->gic;

    g_mutex_lock(&g->lock);
    unsigned cpu = v2_accessor(g);
    hyp_write_word(&g->vcpu[cpu], offset, value);
    v2_update(g, cpu);
    g_mutex_unlock(&g->lock);
}

const IoOps v2_hyp_ops = {hyp_read, hyp_write, .min_size = 4, .max_size = 4, .lockless = true};

/* ---- GICV ---- */

/* What an acknowledge offers: 1023 nothing, 1022 Group 1 for the aliased register. */
static unsigned offered(const GicVirt *v, int lr, bool alias)
{
    bool group1 = lr >= 0 && gic_virt_group(v, lr);

    if (lr < 0 || (alias && !group1)) {
        return GIC_NO_INTID;
    }
    return group1 && !alias && !(v->vmcr & VMCR_ACKCTL) ? 1022 : 0;
}

static uint32_t sgi_source(uint64_t lr)
{
    return lr & LR_HW || (lr & LR_VINTID) >= V2_SGIS ? 0 : extract64(lr, LR_PINTID_SHIFT, 3) << 10;
}

static uint32_t acknowledge(GicVirt *v, bool alias)
{
    int lr = gic_virt_pending(v);

    if (lr >= 0 && !gic_virt_can_take(v, lr)) {
        lr = -1;
    }
    unsigned no = offered(v, lr, alias);
    if (no) {
        return no;
    }
    uint32_t source = sgi_source(v->lr[lr]);
    return gic_virt_take(v, lr) | source;
}

static uint32_t read_hppir(const GicVirt *v, bool alias)
{
    int lr = gic_virt_pending(v);
    unsigned no = offered(v, lr, alias);

    return no ? no : (v->lr[lr] & LR_VINTID) | sgi_source(v->lr[lr]);
}

static uint32_t vcpu_read_word(GicVirt *v, hwaddr offset)
{
    switch (offset) {
    case C_CTLR:
        return v->vmcr & (VMCR_EOIM | 0x1f);
    case C_PMR:
        return v->vmcr >> VMCR_PMR_SHIFT;
    case C_BPR:
        return gic_virt_bpr(v, 0);
    case C_ABPR:
        return v->vmcr >> VMCR_BPR1_SHIFT & 7;
    case C_IAR:
    case C_AIAR:
        return acknowledge(v, offset == C_AIAR);
    case C_RPR:
        return gic_virt_running(v);
    case C_HPPIR:
    case C_AHPPIR:
        return read_hppir(v, offset == C_AHPPIR);
    case C_APR:
        return v->apr[0] | v->apr[1];
    case C_IIDR:
        return IIDR_VALUE;
    default:
        return 0;
    }
}

/* Returns the physical interrupt that ends with it. */
static uint32_t vcpu_write_word(GicVirt *v, hwaddr offset, uint32_t value)
{
    switch (offset) {
    case C_CTLR:
        v->vmcr = (v->vmcr & ~(uint64_t)(VMCR_EOIM | 0x1f)) | (value & (VMCR_EOIM | 0x1f));
        break;
    case C_PMR:
        v->vmcr = deposit64(v->vmcr, VMCR_PMR_SHIFT, 8, value & 0xf8);
        break;
    case C_BPR:
        gic_virt_set_bpr(v, 0, value & 7);
        break;
    case C_ABPR:
        gic_virt_set_bpr(v, 1, value & 7);
        break;
    case C_EOIR:
        return gic_virt_end(v, value & 0x3ff, -1);
    case C_AEOIR:
        return gic_virt_end(v, value & 0x3ff, 1);
    case C_APR:
        v->apr[0] = value;
        v->apr[1] = 0;
        break;
    case C_DIR:
        return gic_virt_deactivate(v, value & 0x3ff);
    }
    return GIC_NO_INTID;
}

static uint64_t vcpu_read(void *opaque, hwaddr offset, unsigned size)
{
    Gicv2 *g = ((V2Window *)opaque)->gic;

    g_mutex_lock(&g->lock);
    unsigned cpu = v2_accessor(g);
    uint32_t v = vcpu_read_word(&g->vcpu[cpu], offset);
    v2_update(g, cpu);
    g_mutex_unlock(&g->lock);
    return v;
}

static void vcpu_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    Gicv2 *g = ((V2Window *)opaque)->gic;

    g_mutex_lock(&g->lock);
    unsigned cpu = v2_accessor(g);
    uint32_t physical = vcpu_write_word(&g->vcpu[cpu], offset, value);
    if (physical != GIC_NO_INTID && physical >= V2_SGIS) { /* 5.3.9: SGIs have no physical interrupt behind them */
        v2_deactivate(g, cpu, physical);
    }
    v2_update(g, cpu);
    g_mutex_unlock(&g->lock);
}

const IoOps v2_vcpu_ops = {vcpu_read, vcpu_write, .min_size = 4, .max_size = 4, .lockless = true};
