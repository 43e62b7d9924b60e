/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HW_ACPI_PM_H
#define HW_ACPI_PM_H

#include "core/device.h"

/* Offsets in the block; the FADT of hw/acpi/tables.c states the same. */
#define ACPI_PM_BASE     0x600
#define ACPI_PM1_EVENT   0x0
#define ACPI_PM1_CONTROL 0x4
#define ACPI_PM_TIMER    0x8
#define ACPI_PM_SIZE     0x40
#define ACPI_S5_TYPE     0
#define ACPI_SCI_IRQ     9

extern const DeviceType acpi_pm_type;

void acpi_pm_press_power_button(Device *pm);

#endif
