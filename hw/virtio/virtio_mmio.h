/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Slots for virtio devices in memory space, for boards. Each provides a "virtio" bus.
 */
#ifndef HW_VIRTIO_VIRTIO_MMIO_H
#define HW_VIRTIO_VIRTIO_MMIO_H

#include "core/machine.h"

#define VIRTIO_MMIO_SIZE 0x200

/*
 * A slot at base with its level interrupt; legacy: version 1. Its bus is "virtio-mmio-bus.<number>"; a
 * device without bus= goes to the free slot that was made first. In the board's build(). NULL on error.
 */
Device *virtio_mmio_new(Machine *m, hwaddr base, unsigned number, bool legacy, Irq irq, Error **errp);
/* Where the slot is; false: d is no slot. */
bool virtio_mmio_base(Device *d, hwaddr *base);

#endif
