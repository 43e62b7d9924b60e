/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt wires. A wire is a one-bit (or small integer) level with one
 * receiver. home: any thread may set a level; the receiver runs in the caller's
 * thread with whatever lock the caller holds, so receivers that latch must do
 * it atomically or belong to the same lock domain as all their senders.
 */
#ifndef CORE_IRQ_H
#define CORE_IRQ_H

#include <stdbool.h>

typedef void IrqHandler(void *opaque, int n, int level);

/* An input pin: who receives. Copyable; a zero Irq is "not connected". */
typedef struct Irq {
    IrqHandler *handler;
    void *opaque;
    int n;
} Irq;

static inline bool irq_connected(Irq irq)
{
    return irq.handler != 0;
}
/* Drive the wire. Unconnected wires swallow it. */
static inline void irq_set(Irq irq, int level)
{
    if (irq.handler) {
        irq.handler(irq.opaque, irq.n, level);
    }
}
static inline void irq_raise(Irq irq)
{
    irq_set(irq, 1);
}
static inline void irq_lower(Irq irq)
{
    irq_set(irq, 0);
}
static inline void irq_pulse(Irq irq)
{
    irq_set(irq, 1);
    irq_set(irq, 0);
}

#endif
