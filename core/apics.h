/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86: local APICs that an accelerator has while vCPUs run (KVM's kernel-irqchip).
 *
 * Their state belongs to the chips (hw/intc); it is lent to the accelerator when vCPUs are about to run and taken back
 * when all are parked. Meanwhile messages go to the accelerator, which also keeps processors that halt or wait for a
 * start-up IPI.
 */
#ifndef CORE_APICS_H
#define CORE_APICS_H

#include "core/cpu.h"

#define APIC_REGS 64
#define APIC_PINS_MAX 48 /* of all I/O APICs */

/*
 * One local APIC: its registers by number (offset in its page / 16; SDM vol 3, table 11-1), and what lies beside them.
 * The ID register holds the id in bits 31:24 in every mode.
 */
typedef struct ApicImage {
    uint64_t base;         /* IA32_APIC_BASE */
    uint64_t tsc_deadline; /* IA32_TSC_DEADLINE */
    uint32_t reg[APIC_REGS];
} ApicImage;

/* The message of an I/O APIC's pin, as address and data of an MSI (SDM vol 3, 11.11). */
typedef struct ApicPin {
    bool level; /* an EOI of its vector is to be told; otherwise the rest has no meaning */
    uint64_t addr;
    uint32_t data;
} ApicPin;

/* The accelerator's side. */
typedef struct ApicHostOps {
    /* On the vCPU's thread, or while it is parked. */
    void (*load)(Cpu *cpu, ApicImage *out);
    void (*store)(Cpu *cpu, const ApicImage *in);
    /* Any thread. */
    void (*message)(Machine *m, uint64_t addr, uint32_t data);
    /* The pins changed (APIC_PINS_MAX of them). Machine locked or all vCPUs parked. */
    void (*pins)(Machine *m, const ApicPin *pins);
    /* No vCPU but the caller's runs guest code between the two. */
    void (*hold)(Machine *m);
    void (*release)(Machine *m);
} ApicHostOps;

/* The chips' side. */
typedef struct ApicOps {
    /* All vCPUs parked, machine not locked. lend: also again, when a reset changed their state. */
    void (*lend)(void *opaque, const ApicHostOps *to);
    void (*take_back)(void *opaque);
    /* On the vCPU's thread before it goes on: what was done to its lent APIC here (by the translator) is stored. */
    void (*settle)(Cpu *cpu);
    /* INTA at the 8259 for a processor whose APIC is lent; -1: there is none. */
    int (*extint)(void *opaque);
    /* A processor ended a level-triggered interrupt. */
    void (*eoi)(void *opaque, uint8_t vector);
} ApicOps;

/* The machine's local APICs; NULL: it has none (any more). */
void machine_set_apics(Machine *m, const ApicOps *ops, void *opaque);
const ApicOps *machine_apics(Machine *m, void **opaque);

#endif
