/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parallel flash as boards see it. */
#ifndef HW_BLOCK_PFLASH_H
#define HW_BLOCK_PFLASH_H

#include "core/device.h"

extern const DeviceType pflash_cfi01_type; /* cfi.pflash01 */

/*
 * After realize: the chip as a region of its size, to be placed by the board; the array alone, as
 * it is read, for an alias of its end.
 */
MemoryRegion *pflash_region(Device *d);
MemoryRegion *pflash_array(Device *d);

#endif
