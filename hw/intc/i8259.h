/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_INTC_I8259_H
#define HW_INTC_I8259_H

#include "core/device.h"

extern const DeviceType i8259_type;

/* Input pin n of the pair, 0-7 on the master, 8-15 on the slave (2 is the cascade). */
Irq i8259_input(Device *pic, int n);
/* INTA cycle: the vector for the processor; never fails (spurious: IR7). Machine lock held. */
int i8259_acknowledge(Device *pic);

#endif
