/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ICH9 parts of the board "q35". */
#ifndef HW_CHIPSET_ICH9_H
#define HW_CHIPSET_ICH9_H

#include "hw/chipset/acpi_regs.h"
#include "hw/pci/pci.h"

extern const DeviceType ich9_lpc_type;   /* 1f.0 */
extern const DeviceType ich9_smbus_type; /* 1f.3 */

#define ICH9_PM_BASE_DEFAULT 0x600 /* where firmware puts it */
#define ICH9_PM_GPE0         0x20
#define ICH9_PM_GPE0_SIZE    16
#define ICH9_PIRQS           8

/* After realize: takes over the interrupt pins of its bus. PIRQ n is also I/O APIC pin 16 + n. */
void ich9_lpc_route(Device *lpc, const Irq ioapic[ICH9_PIRQS]);
AcpiRegs *ich9_lpc_regs(Device *lpc);
/* The port of the PM registers, as firmware has set it; 0 while they are off. */
uint16_t ich9_lpc_pm_base(Device *lpc);
void ich9_lpc_preset(Device *lpc, uint16_t pm_base);

#endif
