/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_ACPI_GED_H
#define HW_ACPI_GED_H

#include "core/device.h"

extern const DeviceType ged_type;

/* Events, as bits of the register that tells them. */
enum { GED_POWER_BUTTON = 0x02, GED_GENERATION = 0x100 /* another generation ID */ };

/* One or more of them happened. Machine locked. */
void ged_event(Device *ged, uint32_t events);

#endif
