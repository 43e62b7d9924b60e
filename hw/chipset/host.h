/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host bridges of PCs, as boards see them. */
#ifndef HW_CHIPSET_HOST_H
#define HW_CHIPSET_HOST_H

#include "hw/pci/pci.h"

extern const DeviceType i440fx_host_type; /* i440FX-pcihost */
extern const DeviceType q35_host_type;    /* q35-pcihost */

/* What a host bridge is connected to; given by the board before realize. */
typedef struct PciHostWires {
    MemoryRegion *ram; /* whose first bytes are the memory at 0 */
    uint64_t top;      /* where it ends below 4 GiB */
    bool smm;          /* processors have a system management mode */
    MemoryRegion *pci; /* the PCI memory space, in the memory root below everything else */
    PciMsiFn *msi;
    void *msi_opaque;
} PciHostWires;
void pci_host_wire(Device *host, const PciHostWires *w);
PciBus *pci_host_bus(Device *host);
/* Memory as a processor in system management mode sees it; NULL without that mode. */
AddressSpace *pci_host_smm_space(Device *host);
/* q35: where PCIEXBAR's window is; false when it is closed. */
bool q35_ecam(Device *host, uint64_t *base, uint64_t *size);
/*
 * For a machine that boots a kernel without firmware: what firmware would have programmed (shadow
 * RAM readable and writable; on q35 the configuration window). After each reset.
 */
void pci_host_preset(Device *host);

#endif
