/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PrimeCell UART (PL011) as boards see it. */
#ifndef HW_CHAR_PL011_H
#define HW_CHAR_PL011_H

#include "core/device.h"

extern const DeviceType pl011_type;

#define PL011_SIZE 0x1000

/* After realize of one without "base": its registers, to be placed by the board. */
MemoryRegion *pl011_region(Device *d);

#endif
