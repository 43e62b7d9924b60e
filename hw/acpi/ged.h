/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_ACPI_GED_H
#define HW_ACPI_GED_H

#include "core/device.h"

extern const DeviceType ged_type;

void ged_power_button(Device *ged);

#endif
