/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv3 virtual CPU interface: ICH_* for the hypervisor (IHI 0069H, 12.4), ICV_* for the virtual machine, which uses the
 * encodings of ICC_* (12.3). gic_virt.c does the work.
 *
 * home: under the GIC's lock.
 */
#include "hw/intc/gicv3.h"
#include "hw/intc/gicv3_sysreg.h"

#define VTR_VALUE \
    ((GIC_VIRT_PRIO_BITS - 1) << 29 | (GIC_VIRT_PRIO_BITS - 1) << 26 | 1u << 23 /* 24 bits of INTID */ | \
     1u << 21 /* A3V */ | 1u << 20 /* no direct injection */ | 1u << 19 /* TDIR */ | (GIC_VIRT_LRS - 1))
#define HCR_MASK (VHCR_COUNT | 0xff | VHCR_TC | VHCR_TALL0 | VHCR_TALL1 | VHCR_TSEI | VHCR_TDIR)
#define CTLR_READONLY ((GIC_VIRT_PRIO_BITS - 1) << 8 | 1u << 11 | 1u << 15)

bool v3_ich_read(Gicv3 *g, unsigned cpu, uint32_t reg, uint64_t *val)
{
    const GicVirt *v = &g->cpu[cpu].virt;

    if (!g->virt) {
        return false;
    }
    switch (reg) {
    case ICH_AP0R0:
        *val = v->apr[0];
        return true;
    case ICH_AP1R0:
        *val = v->apr[1];
        return true;
    case ICH_HCR:
        *val = v->hcr;
        return true;
    case ICH_VTR:
        *val = VTR_VALUE;
        return true;
    case ICH_MISR:
        *val = gic_virt_misr(v);
        return true;
    case ICH_EISR:
        *val = gic_virt_eisr(v);
        return true;
    case ICH_ELRSR:
        *val = gic_virt_elrsr(v);
        return true;
    case ICH_VMCR:
        *val = v->vmcr;
        return true;
    case ICH_LR0 ... ICH_LR0 + GIC_VIRT_LRS - 1:
        *val = v->lr[reg - ICH_LR0];
        return true;
    default:
        return false;
    }
}

bool v3_ich_write(Gicv3 *g, unsigned cpu, uint32_t reg, uint64_t val)
{
    GicVirt *v = &g->cpu[cpu].virt;

    if (!g->virt) {
        return false;
    }
    switch (reg) {
    case ICH_AP0R0:
        v->apr[0] = (uint32_t)val;
        break;
    case ICH_AP1R0:
        v->apr[1] = (uint32_t)val;
        break;
    case ICH_HCR:
        v->hcr = val & HCR_MASK;
        break;
    case ICH_VMCR:
        v->vmcr = (gic_virt_vmcr_legal(val) | VMCR_FIQEN) & ~(uint64_t)VMCR_ACKCTL;
        break;
    case ICH_LR0 ... ICH_LR0 + GIC_VIRT_LRS - 1:
        v->lr[reg - ICH_LR0] = val & LR_MASK;
        break;
    default:
        return false;
    }
    v3_update(g, cpu);
    return true;
}

/* ---- ICV ---- */

static uint32_t acknowledge(GicVirt *v, int group)
{
    int lr = gic_virt_pending(v);

    if (lr < 0 || gic_virt_group(v, lr) != group || !gic_virt_can_take(v, lr)) {
        return GIC_NO_INTID;
    }
    return gic_virt_take(v, lr);
}

static uint32_t highest(const GicVirt *v, int group)
{
    int lr = gic_virt_pending(v);

    return lr < 0 || gic_virt_group(v, lr) != group ? GIC_NO_INTID : v->lr[lr] & LR_VINTID;
}

bool v3_icv_read(Gicv3 *g, unsigned cpu, uint32_t reg, uint64_t *val)
{
    GicVirt *v = &g->cpu[cpu].virt;

    switch (reg) {
    case ICC_PMR:
        *val = v->vmcr >> VMCR_PMR_SHIFT & 0xff;
        return true;
    case ICC_IAR0:
    case ICC_IAR1:
        *val = acknowledge(v, reg == ICC_IAR1);
        v3_update(g, cpu);
        return true;
    case ICC_HPPIR0:
    case ICC_HPPIR1:
        *val = highest(v, reg == ICC_HPPIR1);
        return true;
    case ICC_BPR0:
    case ICC_BPR1:
        *val = gic_virt_bpr(v, reg == ICC_BPR1);
        return true;
    case ICC_AP0R0:
        *val = v->apr[0];
        return true;
    case ICC_AP1R0:
        *val = v->apr[1];
        return true;
    case ICC_RPR:
        *val = gic_virt_running(v);
        return true;
    case ICC_CTLR_EL1:
        *val = CTLR_READONLY | (v->vmcr & VMCR_CBPR ? V3_CTLR_CBPR : 0) | (v->vmcr & VMCR_EOIM ? V3_CTLR_EOIMODE : 0);
        return true;
    case ICC_IGRPEN0:
        *val = v->vmcr & VMCR_GRP0 ? 1 : 0;
        return true;
    case ICC_IGRPEN1:
        *val = v->vmcr & VMCR_GRP1 ? 1 : 0;
        return true;
    default:
        return false;
    }
}

static void put_vmcr(GicVirt *v, uint32_t bit, bool on)
{
    v->vmcr = on ? v->vmcr | bit : v->vmcr & ~(uint64_t)bit;
}

/* false: no such register. *physical: the interrupt that ends with it. */
static bool write_icv(GicVirt *v, uint32_t reg, uint64_t val, uint32_t *physical)
{
    switch (reg) {
    case ICC_PMR:
        v->vmcr = deposit64(v->vmcr, VMCR_PMR_SHIFT, 8, val & V3_PRIO_MASK);
        return true;
    case ICC_EOIR0:
    case ICC_EOIR1:
        *physical = gic_virt_end(v, val & 0xffffff, reg == ICC_EOIR1);
        return true;
    case ICC_DIR:
        *physical = gic_virt_deactivate(v, val & 0xffffff);
        return true;
    case ICC_BPR0:
    case ICC_BPR1:
        gic_virt_set_bpr(v, reg == ICC_BPR1, val & 7);
        return true;
    case ICC_AP0R0:
        v->apr[0] = (uint32_t)val;
        return true;
    case ICC_AP1R0:
        v->apr[1] = (uint32_t)val;
        return true;
    case ICC_CTLR_EL1:
        put_vmcr(v, VMCR_CBPR, val & V3_CTLR_CBPR);
        put_vmcr(v, VMCR_EOIM, val & V3_CTLR_EOIMODE);
        return true;
    case ICC_IGRPEN0:
    case ICC_IGRPEN1:
        put_vmcr(v, reg == ICC_IGRPEN1 ? VMCR_GRP1 : VMCR_GRP0, val & 1);
        return true;
    default:
        return false;
    }
}

bool v3_icv_write(Gicv3 *g, unsigned cpu, uint32_t reg, uint64_t val)
{
    uint32_t physical = GIC_NO_INTID;

    if (!write_icv(&g->cpu[cpu].virt, reg, val, &physical)) {
        return false;
    }
    if (physical < V3_SPECIAL) {
        v3_deactivate(g, cpu, physical);
    }
    v3_update(g, cpu);
    return true;
}
