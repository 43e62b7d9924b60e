/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Local APICs of a machine and the bus between them. The board makes one
 * "apic-bus", then one "apic" for each processor; I/O APICs and (later) PCI
 * message interrupts send over the bus.
 *
 * home: every function from any thread unless said otherwise. Lock order: the
 * machine's lock domain, then one APIC's lock; never two APICs' locks.
 */
#ifndef HW_INTC_APIC_H
#define HW_INTC_APIC_H

#include "core/cpu.h"
#include "core/device.h"

#define APIC_DEFAULT_BASE 0xfee00000ull

extern const DeviceType apic_bus_type;
extern const DeviceType apic_type;

/* Delivery modes of ICR, LVT, I/O APIC and MSI data (SDM vol. 3, 11.5.1). */
typedef enum ApicMode {
    APIC_FIXED = 0,
    APIC_LOWEST = 1,
    APIC_SMI = 2,
    APIC_NMI = 4,
    APIC_INIT = 5,
    APIC_STARTUP = 6,
    APIC_EXTINT = 7,
} ApicMode;

/* One interrupt message. */
typedef struct ApicMessage {
    uint32_t dest; /* 8 bits, or 32 with x2apic */
    bool logical;
    bool x2apic; /* dest is 32 bits wide: broadcast is 0xffffffff */
    ApicMode mode;
    uint8_t vector;
    bool level; /* trigger mode */
} ApicMessage;

void apic_bus_send(Device *bus, const ApicMessage *msg);
/* A PCI message-signalled interrupt: address 0xfeexxxxx and data (SDM vol. 3, 11.11). */
void apic_bus_send_msi(Device *bus, uint64_t addr, uint32_t data);

/* What a pin of an I/O APIC sends is known to accelerators that have the local APICs; first of n pins, told one by one. */
unsigned apic_bus_add_pins(Device *bus, unsigned n);
/* msg NULL or not level-triggered: nobody waits for its EOI. Machine locked. */
void apic_bus_set_pin(Device *bus, unsigned pin, const ApicMessage *msg);

/* EOI of a level-triggered vector; fn is called with the machine locked. */
typedef void ApicEoiFn(void *opaque, uint8_t vector);
void apic_bus_add_eoi(Device *bus, ApicEoiFn *fn, void *opaque);
/* The 8259 behind ExtINT; ack is called with the machine locked. */
void apic_bus_set_pic(Device *bus, int (*ack)(Device *pic), Device *pic);
/* When will the TSC of this processor read that? (CLOCK_VIRTUAL). Without it there is no
 * TSC-deadline mode. */
void apic_bus_set_tsc(Device *bus, int64_t (*tsc_to_ns)(Cpu *cpu, uint64_t tsc));

/* LINT0 of all local APICs: where the 8259's INT goes. */
Irq apic_bus_lint0(Device *bus);
/* LINT1: non-maskable interrupt button. */
Irq apic_bus_lint1(Device *bus);

#endif
