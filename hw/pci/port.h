/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI Express ports and the slots behind them, within this room.
 */
#ifndef HW_PCI_PORT_H
#define HW_PCI_PORT_H

#include "hw/pci/pci.h"

typedef struct PciePort {
    PciDevice pci;
    PciBus sec;
    uint8_t port, chassis;
    uint16_t slot;         /* physical slot number */
    bool hotplug, power_controller;
    int speed, width;      /* pcie-root-port: x-speed, x-width */
    uint8_t asserted;      /* an enabled event of the slot is there (saved) */
} PciePort;

/* In realize: slot registers, and hot plug of the secondary bus. */
void pcie_slot_init(PciePort *p);
/* In reset_hold, after pci_reset(). */
void pcie_slot_reset(PciePort *p);
/* In post_load, after pci_loaded(). */
void pcie_slot_loaded(PciePort *p);
/* In config_written. */
void pcie_slot_written(PciePort *p, unsigned reg, unsigned size, uint32_t old);

#endif
