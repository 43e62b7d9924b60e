/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by apic.c (one local APIC) and apic_bus.c (between them), and nobody else. */
#ifndef HW_INTC_APIC_INTERNAL_H
#define HW_INTC_APIC_INTERNAL_H

#include "core/apics.h"
#include "hw/intc/apic.h"

#define APIC_MAX_EOI 4

typedef struct Lapic Lapic;

typedef struct ApicBus {
    Device dev;
    GPtrArray *apics; /* Lapic *, by order of realize; complete before the vCPUs run */
    MemoryRegion *window;
    hwaddr window_base; /* guarded by: window_lock */
    GMutex window_lock;
    uint32_t next_lowest; /* atomic: round robin among equals */
    struct {
        ApicEoiFn *fn;
        void *opaque;
    } eoi[APIC_MAX_EOI];
    int (*pic_ack)(Device *pic);
    Device *pic;
    int64_t (*tsc_to_ns)(Cpu *cpu, uint64_t tsc);
    /* apic_lend.c; a sender of messages holds the lock as a reader */
    GRWLock lend_lock;
    const ApicHostOps *host; /* atomic for readers: who has the local APICs; NULL: we */
    ApicPin pins[APIC_PINS_MAX]; /* guarded by: the machine's lock */
    unsigned pin_count;
} ApicBus;

enum { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_COUNT };

struct Lapic {
    Device dev;
    Device *bus;        /* property */
    uint32_t cpu_index; /* property */
    Cpu *cpu;
    GMutex lock;
    /* guarded by: lock; id, ldr, dfr, base and svr are also read without it to match destinations
     */
    uint64_t base; /* IA32_APIC_BASE */
    uint32_t id;   /* as in x2APIC mode: not shifted */
    uint32_t ldr, dfr, svr, tpr;
    uint32_t esr, errors; /* as read; accumulating */
    uint64_t icr;
    uint32_t irr[8], isr[8], tmr[8];
    uint32_t lvt[LVT_COUNT];
    uint8_t lint[2]; /* pins */
    uint32_t divide, initial_count;
    int64_t count_start; /* CLOCK_VIRTUAL ns */
    uint64_t tsc_deadline;
    int64_t due; /* CLOCK_VIRTUAL ns of the next timer interrupt, TIMER_NEVER */
    Timer timer;
    /* While it is lent, on its vCPU's thread: what the accelerator has was loaded, and was changed since. */
    bool borrowed, changed;
    ApicImage loaded;
};

#define BASE_BSP    (1u << 8)
#define BASE_X2APIC (1u << 10)
#define BASE_ENABLE (1u << 11)
#define SVR_ENABLE  (1u << 8)

/* clang-format off */
/* Registers, numbered as the x2APIC MSRs - 0x800 = MMIO offset / 16. */
enum {
    R_ID = 0x02, R_VERSION = 0x03, R_TPR = 0x08, R_APR = 0x09, R_PPR = 0x0a, R_EOI = 0x0b,
    R_RRD = 0x0c, R_LDR = 0x0d, R_DFR = 0x0e, R_SVR = 0x0f, R_ISR = 0x10, R_TMR = 0x18,
    R_IRR = 0x20, R_ESR = 0x28, R_ICR = 0x30, R_ICR_HIGH = 0x31, R_LVT = 0x32,
    R_INITIAL = 0x38, R_CURRENT = 0x39, R_DIVIDE = 0x3e, R_SELF_IPI = 0x3f,
};
/* clang-format on */

static inline bool apic_x2(const Lapic *l)
{
    return (__atomic_load_n(&l->base, __ATOMIC_RELAXED) & (BASE_ENABLE | BASE_X2APIC)) ==
           (BASE_ENABLE | BASE_X2APIC);
}

/* Take one message that is addressed to this APIC. Takes its lock. */
void lapic_accept(Lapic *l, const ApicMessage *msg);
/* Task and in-service priority, for lowest-priority arbitration. */
uint8_t lapic_priority(Lapic *l);
void lapic_set_lint(Lapic *l, int pin, int level);
uint32_t lapic_mmio_read(Lapic *l, uint32_t reg);
void lapic_mmio_write(Lapic *l, uint32_t reg, uint32_t v);

/* The highest vector of a set, -1: it is empty. */
int lapic_highest(const uint32_t map[8]);

/* The lock is held by the caller of these. */
#define APIC_LVT_MASKED (1u << 16)
void lapic_update(Lapic *l);
void lapic_deliver_local(Lapic *l, int entry, bool level);
uint32_t lapic_current_count(Lapic *l);
/* Bus clocks (ns) per count. */
int64_t lapic_timer_unit(const Lapic *l);
void lapic_timer_changed(Lapic *l);
void lapic_write_lvt_timer(Lapic *l, uint32_t v);
void lapic_write_initial_count(Lapic *l, uint32_t v);
void lapic_write_tsc_deadline(Lapic *l, uint64_t v);
/* The timer's state of an image, whose other registers are taken over. */
void lapic_timer_load(Lapic *l, uint32_t current);
bool lapic_timer_expired(const Lapic *l);
/* This one takes it. */
void lapic_timer_fired(void *opaque);

/* ---- apic_info.c; they take the lock ---- */

void lapic_info(Device *d, GString *out); /* DeviceType.info */
void lapic_dump(void *opaque, GString *out); /* CpuIntcOps.dump */

/* ---- apic_lend.c ---- */

/* Does an accelerator have the local APICs? Stays as it is while vCPUs run. */
static inline bool apic_lent(const Lapic *l)
{
    return __atomic_load_n(&((const ApicBus *)l->bus)->host, __ATOMIC_ACQUIRE) != NULL;
}
/* Before its registers are read or changed here; no lock held. Off its vCPU's thread what is shown is old. */
void lapic_borrow(Lapic *l, bool change);
/* LINT1 rose. */
void lapic_lent_lint1(Lapic *l);
/* A message by its destination, to the accelerator. As a reader of lend_lock. */
void apic_bus_send_lent(ApicBus *bus, const ApicMessage *msg);
void apic_bus_send_ipi_lent(ApicBus *bus, Lapic *from, int shorthand, const ApicMessage *msg);
void apic_lend_init(ApicBus *bus);
void apic_lend_fini(ApicBus *bus);

/* An interprocessor interrupt by shorthand; from == the sender. */
enum { TO_DEST, TO_SELF, TO_ALL, TO_OTHERS };
void apic_bus_send_ipi(ApicBus *bus, Lapic *from, int shorthand, const ApicMessage *msg);
/* Tells the I/O APICs. No APIC lock held; takes the machine lock unless this thread has it. */
void apic_bus_eoi(ApicBus *bus, uint8_t vector);
/* INTA on the 8259, -1 = there is none. No APIC lock held. */
int apic_bus_extint(ApicBus *bus);
void apic_bus_move_window(ApicBus *bus, hwaddr base);
void apic_bus_attach(ApicBus *bus, Lapic *l);
void apic_bus_detach(ApicBus *bus, Lapic *l);

#endif
