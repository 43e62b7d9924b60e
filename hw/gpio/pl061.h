/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PrimeCell GPIO (PL061) and a key on one of its lines, as boards see them. */
#ifndef HW_GPIO_PL061_H
#define HW_GPIO_PL061_H

#include "core/device.h"

extern const DeviceType pl061_type;
extern const DeviceType gpio_key_type;

#define PL061_SIZE  0x1000
#define PL061_LINES 8

/* Output wires. */
enum { PL061_OUT_IRQ, PL061_OUT_LINE0 };

/* What drives line n from outside. Machine locked. */
Irq pl061_input(Device *d, int n);
/* After realize of one without "base": its registers, to be placed by the board. */
MemoryRegion *pl061_region(Device *d);

/* The key is pressed, and let go a tenth of a second later. Machine locked. */
void gpio_key_press(Device *d);

#endif
