/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_INTC_IOAPIC_H
#define HW_INTC_IOAPIC_H

#include "core/device.h"

#define IOAPIC_PINS 24
#define IOAPIC_BASE 0xfec00000ull

extern const DeviceType ioapic_type;

/* Input pin n (global system interrupt gsi_base + n). */
Irq ioapic_input(Device *ioapic, int n);

#endif
