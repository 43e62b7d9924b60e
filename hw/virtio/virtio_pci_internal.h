/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of virtio over PCI.
 */
#ifndef HW_VIRTIO_VIRTIO_PCI_INTERNAL_H
#define HW_VIRTIO_VIRTIO_PCI_INTERNAL_H

#include "hw/virtio/core.h"
#include "hw/virtio/virtio_pci.h"

/* In realize: BARs and capabilities. */
void virtio_pci_map(VirtioPci *p, VirtioDevice *v);
/* VirtioTransportOps.doorbell */
void virtio_pci_doorbell(void *opaque, unsigned queue, IoEvent *e, bool on);
/* Configuration space was written, is about to be read: the window capability. */
void virtio_pci_window_written(VirtioPci *p, unsigned offset, unsigned size);
void virtio_pci_window_read(VirtioPci *p, unsigned offset, unsigned size);

#endif
