/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual CPU interface: list registers and what a virtual machine's acknowledges and ends of interrupts make of them.
 * GICv2 (IHI 0048B chapter 5, GICH_*, GICV_*) and GICv3 (IHI 0069 chapter 6, ICH_*, ICV_*) share it; registers are kept in
 * GICv3's layout, which contains GICv2's.
 *
 * home: the lock of the GIC that it belongs to is held by the caller.
 */
#ifndef HW_INTC_GIC_VIRT_H
#define HW_INTC_GIC_VIRT_H

#include <stdbool.h>
#include <stdint.h>

#define GIC_VIRT_LRS 4
#define GIC_VIRT_PRIO_BITS 5 /* of priority, and of preemption */

/* All members are uint64_t, so that a state table takes an array of these for an array of numbers. */
typedef struct GicVirt {
    uint64_t lr[GIC_VIRT_LRS]; /* as ICH_LR<n>_EL2 */
    uint64_t hcr, vmcr;        /* as ICH_HCR_EL2, ICH_VMCR_EL2 */
    uint64_t apr[2];           /* active priorities of groups 0 and 1 */
} GicVirt;

/* ICH_LR<n>_EL2 */
#define LR_VINTID  0xffffffffull
#define LR_PINTID_SHIFT 32
#define LR_PINTID  (0x1fffull << LR_PINTID_SHIFT)
#define LR_EOI     (1ull << 41) /* where HW is 0 */
#define LR_PRIO_SHIFT 48
#define LR_PRIO    (0xf8ull << LR_PRIO_SHIFT)
#define LR_GROUP1  (1ull << 60)
#define LR_HW      (1ull << 61)
#define LR_PENDING (1ull << 62)
#define LR_ACTIVE  (1ull << 63)
#define LR_STATE   (LR_PENDING | LR_ACTIVE)
#define LR_MASK    (LR_STATE | LR_HW | LR_GROUP1 | LR_PRIO | LR_PINTID | LR_VINTID)
/* ICH_HCR_EL2; GICH_HCR has bits 7:0 and the count */
#define VHCR_EN      (1u << 0)
#define VHCR_UIE     (1u << 1)
#define VHCR_LRENPIE (1u << 2)
#define VHCR_NPIE    (1u << 3)
#define VHCR_GRP0EIE (1u << 4)
#define VHCR_GRP0DIE (1u << 5)
#define VHCR_GRP1EIE (1u << 6)
#define VHCR_GRP1DIE (1u << 7)
#define VHCR_TC      (1u << 10)
#define VHCR_TALL0   (1u << 11)
#define VHCR_TALL1   (1u << 12)
#define VHCR_TSEI    (1u << 13)
#define VHCR_TDIR    (1u << 14)
#define VHCR_COUNT_SHIFT 27
#define VHCR_COUNT   (0x1full << VHCR_COUNT_SHIFT)
/* ICH_VMCR_EL2, GICH_VMCR */
#define VMCR_GRP0   (1u << 0)
#define VMCR_GRP1   (1u << 1)
#define VMCR_ACKCTL (1u << 2)
#define VMCR_FIQEN  (1u << 3)
#define VMCR_CBPR   (1u << 4)
#define VMCR_EOIM   (1u << 9)
#define VMCR_BPR1_SHIFT 18
#define VMCR_BPR0_SHIFT 21
#define VMCR_PMR_SHIFT  24

#define GIC_VIRT_MIN_BPR (7 - GIC_VIRT_PRIO_BITS)
#define GIC_VIRT_IDLE 0xff
#define GIC_NO_INTID 1023u /* "spurious": no interrupt is there */

/* List register of the highest pending virtual interrupt of an enabled group, -1: none. */
int gic_virt_pending(const GicVirt *v);
/* May that one interrupt: masks, running priority. */
bool gic_virt_can_take(const GicVirt *v, int lr);
/* Acknowledges it: the interrupt becomes active. Returns its INTID. */
uint32_t gic_virt_take(GicVirt *v, int lr);
/* Group of a list register's interrupt. */
static inline int gic_virt_group(const GicVirt *v, int lr)
{
    return v->lr[lr] & LR_GROUP1 ? 1 : 0;
}
/*
 * End of interrupt: drops the running priority and, by EOImode, deactivates. group -1: of either group (GICV_EOIR).
 * Returns the physical INTID that is deactivated with it, or GIC_NO_INTID.
 */
uint32_t gic_virt_end(GicVirt *v, uint32_t intid, int group);
/* Write to a deactivation register; likewise. */
uint32_t gic_virt_deactivate(GicVirt *v, uint32_t intid);
uint8_t gic_virt_running(const GicVirt *v);
/* Binary point register of a group as read (with CBPR: what it stands for), and written. */
unsigned gic_virt_bpr(const GicVirt *v, int group);
void gic_virt_set_bpr(GicVirt *v, int group, unsigned value);
/* GICH_VMCR/ICH_VMCR_EL2 as written: impossible binary points become the smallest. */
uint32_t gic_virt_vmcr_legal(uint32_t value);

/* Registers that are computed: EISR, ELRSR (also GICH_ELSR), MISR. */
uint32_t gic_virt_eisr(const GicVirt *v);
uint32_t gic_virt_elrsr(const GicVirt *v);
uint32_t gic_virt_misr(const GicVirt *v);
/* What the interface asks of the processor. */
typedef struct GicVirtLines {
    bool irq, fiq, maintenance;
} GicVirtLines;
GicVirtLines gic_virt_lines(const GicVirt *v);

#endif
