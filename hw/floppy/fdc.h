/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The floppy controller as boards see it: "isa-fdc" and the drives on its bus.
 */
#ifndef HW_FLOPPY_FDC_H
#define HW_FLOPPY_FDC_H

#include "block/block.h"
#include "core/device.h"

extern const DeviceType isa_fdc_type, floppy_type;

typedef struct FloppyDrive {
    Device dev;
    int32_t unit;
    BlockPort *port;
} FloppyDrive;

/* Where drives go: device_new_on(fdc_bus(fdc), &floppy_type, id), "unit" and "drive" set. */
Bus *fdc_bus(Device *fdc);
uint16_t fdc_port(Device *fdc); /* first of its I/O ports */
/*
 * The drive's type for CMOS register 0x10, by its medium: 0 none, 2 1.2 MB, 4 1.44 MB, 5 2.88 MB (and an
 * empty one, which reads all of 3.5 inches).
 */
uint8_t fdc_drive_type(Device *fdc, unsigned n);

#endif
