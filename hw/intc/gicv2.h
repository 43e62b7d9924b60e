/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the gicv2*.c files, and nobody else. */
#ifndef HW_INTC_GICV2_H
#define HW_INTC_GICV2_H

#include "base/bits.h"
#include "hw/intc/gic.h"
#include "hw/intc/gic_lent.h"
#include "hw/intc/gic_virt.h"

#define V2_CPUS GICV2_MAX_CPUS
#define V2_WORDS (V2_CPUS + 31) /* INTIDs 0..31 of each processor, then 32.. in words of 32 */
#define V2_SGIS 16
#define V2_APRS 4 /* 8 bits of priority, 7 of preemption: 128 levels */
#define V2_IDLE 0xff
#define V2_IDLE_PRIO 0x100u

/* A window onto registers: which of them, for Secure accesses or not. */
typedef struct V2Window {
    Gicv2 *gic;
    MemoryRegion *region;
    bool secure;
} V2Window;

struct Gicv2 {
    Device dev;
    uint32_t num_cpu, num_irq; /* properties */
    bool security, virt, nonsecure_reset;
    /* guarded by: lock */
    uint32_t ctlr; /* GICD_CTLR as Secure: EnableGrp0, EnableGrp1 */
    /* A bit per interrupt; at(). */
    uint32_t group[V2_WORDS], enabled[V2_WORDS], active[V2_WORDS], edge[V2_WORDS];
    uint32_t latch[V2_WORDS]; /* pending by an edge, by software, by an SGI */
    uint32_t level[V2_WORDS]; /* of the input wires */
    uint8_t prio[V2_WORDS * 32];
    uint8_t target[V2_WORDS * 32];          /* SPIs */
    uint8_t sgi_source[V2_CPUS * V2_SGIS];  /* for each receiver and SGI: who sent it */
    /* CPU interfaces, as Secure: */
    uint32_t cctlr[V2_CPUS];
    uint8_t pmr[V2_CPUS], bpr[V2_CPUS], abpr[V2_CPUS];
    uint32_t apr[V2_CPUS * V2_APRS], nsapr[V2_CPUS * V2_APRS];
    GicVirt vcpu[V2_CPUS];
    /* host */
    GMutex lock;
    const AccelArmOps *lent; /* who has it, gic_lent.c; NULL: the state is here */
    Cpu *cpus[V2_CPUS];
    uint8_t driven[V2_CPUS]; /* levels of the output wires, bit n: ARM_PIN_n */
    V2Window window[GIC_REGION__COUNT][2];
};

/* Word w (interrupts 32w..) as a processor sees it. */
static inline unsigned v2_at(unsigned w, unsigned cpu)
{
    return w ? V2_CPUS - 1 + w : cpu;
}
/* Index in prio[] and target[]. */
static inline unsigned v2_index(unsigned irq, unsigned cpu)
{
    return v2_at(irq / 32, cpu) * 32 + irq % 32;
}
static inline bool v2_bit(const uint32_t *map, unsigned irq, unsigned cpu)
{
    return map[v2_at(irq / 32, cpu)] >> (irq % 32) & 1;
}
static inline void v2_put(uint32_t *map, unsigned irq, unsigned cpu, bool on)
{
    uint32_t *w = &map[v2_at(irq / 32, cpu)];
    *w = on ? *w | BIT32(irq % 32) : *w & ~BIT32(irq % 32);
}

/* ---- gicv2.c; the lock is held by the caller ---- */
/* The processor that makes an access; 0 for debuggers and DMA. */
unsigned v2_accessor(const Gicv2 *g);
/* The highest priority pending interrupt of a processor whose group the distributor forwards; 1023: none. */
unsigned v2_highest(const Gicv2 *g, unsigned cpu, uint8_t *prio);
/* Is that one signalled: group enabled, not masked, and above the running priority? */
bool v2_signalled(const Gicv2 *g, unsigned cpu, unsigned irq, uint8_t prio);
unsigned v2_running(const Gicv2 *g, unsigned cpu); /* V2_IDLE_PRIO: idle */
/* Bits of a priority that decide about preemption. */
uint8_t v2_group_mask(const Gicv2 *g, unsigned cpu, bool group1);
/* Drive a processor's wires; all of them. */
void v2_update(Gicv2 *g, unsigned cpu);
/* The same, whatever the wires were. */
void v2_refresh(Gicv2 *g);
void v2_update_all(Gicv2 *g);
void v2_update_irq(Gicv2 *g, unsigned irq, unsigned cpu); /* everyone whom that interrupt may concern */
void v2_send_sgi(Gicv2 *g, unsigned from, uint8_t targets, unsigned sgi);

/* ---- windows ---- */
MemoryRegion *gicv2_region(Gicv2 *g, GicRegion which, bool secure);
/* Input wires; the GIC is the opaque: n of SPIs, processor * 32 + INTID of PPIs. They take the lock. */
void gicv2_set_spi(void *opaque, int n, int level);
void gicv2_set_ppi(void *opaque, int n, int level);
extern const IoOps v2_dist_ops, v2_cpu_ops, v2_hyp_ops, v2_vcpu_ops;
uint32_t v2_cpu_read(Gicv2 *g, unsigned cpu, bool ns, hwaddr offset);
void v2_cpu_write(Gicv2 *g, unsigned cpu, bool ns, hwaddr offset, uint32_t v);
/* An interrupt is not active any more (an end of interrupt in a virtual machine). */
void v2_deactivate(Gicv2 *g, unsigned cpu, unsigned irq);

#endif
