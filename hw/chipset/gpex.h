/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generic PCI Express host bridge, as boards see it. */
#ifndef HW_CHIPSET_GPEX_H
#define HW_CHIPSET_GPEX_H

#include "hw/pci/pci.h"

extern const DeviceType gpex_type; /* gpex-pcihost */

#define GPEX_PINS 4 /* outputs: INTA to INTD, level */

/* Where its windows are in the machine's memory; size 0: there is none. Given by the board before realize. */
typedef struct GpexWindows {
    uint64_t ecam, ecam_size;     /* configuration space, 1 MiB a bus */
    uint64_t mmio, mmio_size;     /* memory, at the same PCI addresses */
    uint64_t high, high_size;
    uint64_t pio, pio_size;       /* I/O space, from port 0 */
    PciMsiFn *msi;                /* NULL: no messages */
    void *msi_opaque;
} GpexWindows;
void gpex_wire(Device *host, const GpexWindows *w);
PciBus *gpex_bus(Device *host);

#endif
