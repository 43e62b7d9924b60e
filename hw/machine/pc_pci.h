/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What PC boards with PCI share. home: main loop. */
#ifndef HW_MACHINE_PC_PCI_H
#define HW_MACHINE_PC_PCI_H

#include "hw/machine/pc_common.h"
#include "hw/pci/pci.h"

/* PCI memory space and the host bridge between it and RAM. */
bool pc_pci_add_host(PcBoard *pc, const DeviceType *type, Error **errp);
/*
 * QEMU's boards have a graphics and a network card unless told otherwise, in the first free slots. These are kept
 * free here, so that all other cards have the places that guests and firmware remember. After the chip set's parts
 * in the low slots, before any other card.
 */
void pc_pci_keep_default_slots(PcBoard *pc);
/* The chip set's disk controller, if this build has the type. */
bool pc_pci_add_disk_controller(PcBoard *pc, uint8_t devfn, const char *type, Error **errp);
/* Output 0 of pm drives the ISA line of the SCI. Before realize. */
bool pc_pci_connect_sci(PcBoard *pc, Device *pm, Error **errp);
/* The host bridge's windows and the configuration window, as they are programmed now. */
void pc_pci_describe(PcBoard *pc, AcpiConfig *ac);

#endif
