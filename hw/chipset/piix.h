/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PIIX parts of the board "pc". */
#ifndef HW_CHIPSET_PIIX_H
#define HW_CHIPSET_PIIX_H

#include "hw/chipset/acpi_regs.h"
#include "hw/pci/pci.h"

extern const DeviceType piix3_type;    /* ISA bridge, 01.0 */
extern const DeviceType piix4_pm_type; /* power management, 01.3 */

#define PIIX4_GPE0_BASE 0xafe0
#define PIIX4_GPE0_SIZE 4

/* After realize: takes over the interrupt pins of its bus. */
void piix3_route(Device *piix3);
AcpiRegs *piix4_pm_regs(Device *pm);
/* The port of the PM registers, as firmware has set it; 0 while they are off. */
uint16_t piix4_pm_base(Device *pm);
/* As firmware: the PM registers are at this port. */
void piix4_pm_preset(Device *pm, uint16_t base);

#endif
