/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ISA bus as its devices see it: sixteen interrupt lines. Several devices
 * may drive one line; the bus is the OR of them (open collector, as the
 * serial ports COM1/COM3 rely on in practice).
 */
#ifndef HW_ISA_ISA_H
#define HW_ISA_ISA_H

#include "core/device.h"

#define ISA_IRQS    16
#define ISA_SOURCES 32 /* devices on one line */

extern const DeviceType isa_bus_type;

/* Board: where line n of the bus ends (before any device claims it). */
void isa_bus_wire(Device *bus, int n, Irq to);

/*
 * Device: a private driver of line n, for device_connect(). false with *errp
 * if there is no ISA bus, no such line, or no room on it.
 */
bool isa_irq_claim(Device *d, unsigned n, Irq *irq, Error **errp);
/* Gives it back (unrealize); lowers the line as far as this device held it. */
void isa_irq_release(Irq irq);
/*
 * For bridges that steer PCI's interrupts to ISA lines: drivers of all lines that PCI may use (3-7,
 * 9-12, 14 and 15; the other entries stay empty); their levels, a bit each; the end of them.
 */
bool isa_pci_irqs_claim(Device *d, Irq irq[ISA_IRQS], Error **errp);
void isa_pci_irqs_set(const Irq irq[ISA_IRQS], uint32_t levels);
void isa_pci_irqs_release(const Irq irq[ISA_IRQS]);

/* ---- DMA (i8257.c) ---- */

extern const DeviceType i8257_type;

/* The channel was opened by the guest: who waits may go on. Machine locked. */
typedef void IsaDmaReady(void *opaque);
/* In realize: a channel (0..3 bytes, 5..7 words) for one device; false with *errp if not free. */
bool isa_dma_claim(Device *d, unsigned channel, IsaDmaReady *ready, void *opaque, Error **errp);
void isa_dma_release(Device *d, unsigned channel);
bool isa_dma_open(Device *d, unsigned channel);
/*
 * Moves up to len bytes between the device's buffer and where the channel points; returns how many
 * it wanted. *tc: its count ran out. What is not memory swallows writes and leaves buf as it is.
 */
size_t isa_dma_move(Device *d, unsigned channel, void *buf, size_t len, bool to_memory, bool *tc);

#endif
