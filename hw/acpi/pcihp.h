/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI hot plug through ACPI: twenty ports and the methods that use them, for boards whose slots have
 * no controller of their own.
 *
 *   Device *hp = device_new(m, &pcihp_type, NULL, NULL);
 *   pcihp_set_bus(hp, bus);
 *   device_connect(hp, 0, general-purpose event 1, latched on the rising edge);
 *   device_realize(hp);
 *   config.pci_hotplug = pcihp_aml; config.pci_hotplug_opaque = hp;
 *
 * home: main loop; registers in the machine's lock domain.
 */
#ifndef HW_ACPI_PCIHP_H
#define HW_ACPI_PCIHP_H

#include "hw/acpi/aml.h"
#include "hw/pci/pci.h"

#define PCIHP_BASE 0xae00
#define PCIHP_SIZE 0x14

extern const DeviceType pcihp_type;

/* Before realize: the bus, which gets hot plug by it. */
void pcihp_set_bus(Device *hp, PciBus *bus);
/* AcpiConfig.pci_hotplug: slot devices and methods in \_SB.PCI0, the event's handler in \_GPE. */
void pcihp_aml(Aml *a, void *hp);

#endif
