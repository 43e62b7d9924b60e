/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the gicv3*.c files, and nobody else. */
#ifndef HW_INTC_GICV3_H
#define HW_INTC_GICV3_H

#include "base/bits.h"
#include "hw/intc/gic.h"
#include "hw/intc/gic_lent.h"
#include "hw/intc/gic_virt.h"

#define V3_CPUS GICV3_MAX_CPUS
#define V3_WORDS 32     /* of 32 interrupts; word 0 is each processor's own */
#define V3_WINDOWS 4    /* of redistributors */
#define V3_PRIO_BITS 5  /* of priority and preemption */
#define V3_PRIO_MASK 0xf8u
#define V3_IDLE 0xffu
#define V3_LPI_FIRST 8192u
#define V3_ID_BITS 16   /* interrupt identifiers, LPIs included */
#define V3_LPI_WORDS ((1u << V3_ID_BITS) / 64)
#define V3_REDIST_SIZE 0x20000u
#define V3_SPECIAL 1020u /* 1020..1023 are answers, no interrupts */

/* Interrupt groups; with one Security state there are V3_G0 and V3_G1NS. */
enum { V3_G0, V3_G1S, V3_G1NS, V3_GROUPS };

/*
 * One processor's redistributor and CPU interface. All members are uint64_t, so that the state table takes an array of
 * these for an array of numbers.
 */
typedef struct V3Cpu {
    /* redistributor */
    uint64_t lpi_enable, waker, propbaser, pendbaser;
    uint64_t group, grpmod, enabled, latch, active, edge, nsacr; /* SGIs and PPIs, a bit each (nsacr: two) */
    uint64_t prio[4];                                            /* a byte each, interrupt 0 lowest */
    /* CPU interface */
    uint64_t pmr, bpr[V3_GROUPS], igrpen[V3_GROUPS], apr[V3_GROUPS];
    uint64_t ctlr[2];      /* CBPR and EOImode of ICC_CTLR_EL1: Secure, Non-secure */
    uint64_t eoi_mode_el3; /* ICC_CTLR_EL3.EOImode_EL3 */
    GicVirt virt;
} V3Cpu;
#define V3_CTLR_CBPR 1u
#define V3_CTLR_EOIMODE 2u

/* An interrupt that waits. */
typedef struct V3Pending {
    uint32_t intid; /* GIC_NO_INTID: none */
    uint8_t prio, group;
} V3Pending;

/* What the host keeps of a processor: all can be computed again. */
typedef struct V3Host {
    Cpu *cpu;
    uint32_t affinity; /* Aff3..Aff0 */
    uint8_t driven;    /* levels of the output wires, bit n: ARM_PIN_n */
    bool secure, el3;  /* where the processor is (two Security states only) */
    V3Pending best;
    V3Pending best_lpi;
    uint64_t *lpi;     /* pending LPIs, V3_LPI_WORDS; NULL: none ever */
    uint64_t lpi_words[V3_LPI_WORDS / 64]; /* which words of it are not 0 */
} V3Host;

typedef struct V3Window {
    Gicv3 *gic;
    MemoryRegion *region;
    bool secure;
    unsigned first, count; /* redistributors: processors in it */
} V3Window;

struct Gicv3 {
    Device dev;
    uint32_t num_cpu, num_irq, redist_count[V3_WINDOWS]; /* properties */
    bool security, virt, has_lpi, nonsecure_reset;
    /* guarded by: lock */
    uint32_t ctlr; /* GICD_CTLR as Secure: EnableGrp0, EnableGrp1NS, EnableGrp1S */
    uint32_t group[V3_WORDS], grpmod[V3_WORDS], enabled[V3_WORDS], latch[V3_WORDS], active[V3_WORDS], edge[V3_WORDS];
    uint32_t nsacr[V3_WORDS * 2];
    uint8_t prio[V3_WORDS * 32];
    uint64_t irouter[V3_WORDS * 32];
    V3Cpu cpu[V3_CPUS];
    uint32_t level[V3_WORDS], ppi_level[V3_CPUS]; /* of the input wires */
    GByteArray *lpi_blob; /* pending LPIs on their way through a saved state */
    /* host */
    GMutex lock;
    V3Host *host; /* num_cpu of them */
    const AccelArmOps *lent; /* who has it, gic_lent.c; NULL: the state is here */
    struct Its *its;         /* that makes its LPIs; NULL: none */
    int16_t target[V3_WORDS * 32]; /* processor an SPI is routed to, -1 none: follows irouter */
    uint32_t ready;                /* which words have an SPI that is pending, enabled and not active */
    V3Window window[GIC_REGION__COUNT][2];
    void (*view)(Cpu *cpu, ArmIntcView *out);
};

/* GICD_CTLR */
#define V3_EN_GRP0   1u
#define V3_EN_GRP1NS 2u
#define V3_EN_GRP1S  4u

static inline bool v3_one_state(const Gicv3 *g)
{
    return !g->security;
}

/* ---- gicv3.c; the lock is held by the caller ---- */
/* Everything that is derived from the state, and the wires, whatever they were. */
void v3_refresh(Gicv3 *g);
/* Group of an interrupt; cpu matters for SGIs and PPIs. LPIs are G1NS. */
int v3_group_of(const Gicv3 *g, unsigned cpu, uint32_t intid);
/* Find a processor's highest priority pending interrupt again, and drive its wires. */
void v3_update(Gicv3 *g, unsigned cpu);
/* Only its wires: masks or its running priority changed, what is pending did not. */
void v3_update_lines(Gicv3 *g, unsigned cpu);
void v3_update_all(Gicv3 *g);
/* Bits `changed` of word w of the SPIs are other ones in some map. */
void v3_spis_changed(Gicv3 *g, unsigned w, uint32_t changed);
void v3_route_changed(Gicv3 *g, unsigned intid);
int v3_find_affinity(const Gicv3 *g, uint32_t affinity); /* index, -1: no such processor */
/* Private (word 0) pending bits of a processor. */
static inline uint32_t v3_private_pending(const Gicv3 *g, unsigned cpu)
{
    const V3Cpu *c = &g->cpu[cpu];
    return c->latch | (g->ppi_level[cpu] & ~c->edge);
}
/* NS accesses with GICx_NSACR of at least `least` may. nsacr: two words. */
uint32_t v3_nsacr_mask(uint32_t low, uint32_t high, unsigned least);
/* The interrupt is taken by the processor; is no more active. */
void v3_activate(Gicv3 *g, unsigned cpu, uint32_t intid);
void v3_deactivate(Gicv3 *g, unsigned cpu, uint32_t intid);
MemoryRegion *gicv3_region(Gicv3 *g, GicRegion which, bool secure);

/* ---- priorities of a processor (gicv3_cpuif.c) ---- */
uint8_t v3_group_mask(const V3Cpu *c, int group); /* bits that decide about preemption */
uint8_t v3_running(const V3Cpu *c);
bool v3_can_preempt(const V3Cpu *c, const V3Pending *p);
extern const CpuIntcOps v3_cpuif_ops; /* opaque: a V3Link */
typedef struct V3Link {
    Gicv3 *gic;
    unsigned cpu;
} V3Link;
/* ICH_*, and ICV_* for accesses that a hypervisor's controls turn to them (gicv3_icv.c). false: no such register. */
bool v3_ich_read(Gicv3 *g, unsigned cpu, uint32_t reg, uint64_t *val);
bool v3_ich_write(Gicv3 *g, unsigned cpu, uint32_t reg, uint64_t val);
bool v3_icv_read(Gicv3 *g, unsigned cpu, uint32_t reg, uint64_t *val);
bool v3_icv_write(Gicv3 *g, unsigned cpu, uint32_t reg, uint64_t val);

/* ---- LPIs (gicv3_lpi.c) ---- */
void v3_lpi_set(Gicv3 *g, unsigned cpu, uint32_t intid, bool pending);
bool v3_lpi_pending(const Gicv3 *g, unsigned cpu, uint32_t intid);
void v3_lpi_enable(Gicv3 *g, unsigned cpu, bool on);
/* Configuration bytes in memory may have changed: of all LPIs. */
void v3_lpi_invalidate(Gicv3 *g, unsigned cpu);
void v3_lpi_move(Gicv3 *g, unsigned from, unsigned to, uint32_t intid);
void v3_lpi_move_all(Gicv3 *g, unsigned from, unsigned to);
void v3_lpi_forget(Gicv3 *g, unsigned cpu);
/* All of a processor's that are pending, to its table in memory and from there, as its redistributor goes and comes. */
void v3_lpi_to_table(Gicv3 *g, unsigned cpu);
void v3_lpi_from_table(Gicv3 *g, unsigned cpu);
bool v3_lpi_save(Gicv3 *g);
bool v3_lpi_load(Gicv3 *g, Error **errp);
/*
 * The GIC's tables in guest memory: RAM only, because its lock is held. false: some of it is no RAM (written: the rest is).
 */
bool v3_ram_read(Gicv3 *g, hwaddr addr, void *buf, uint64_t len);
bool v3_ram_write(Gicv3 *g, hwaddr addr, const void *buf, uint64_t len);

/* ---- windows ---- */
extern const IoOps v3_dist_ops, v3_redist_ops;
/* Identification registers at FFD0h: part is the low byte of the part number. */
uint32_t v3_id_register(hwaddr offset, uint8_t part);
#define V3_IIDR 0x43b /* Arm */
/* Input wires; the GIC is the opaque: n of SPIs, processor * 32 + INTID of PPIs. They take the lock. */
void gicv3_set_spi(void *opaque, int n, int level);
void gicv3_set_ppi(void *opaque, int n, int level);

#endif
