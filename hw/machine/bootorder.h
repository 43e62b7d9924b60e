/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file "bootorder" of fw_cfg: the devices with a boot index, by OpenFirmware paths (IEEE 1275), a line for each.
 *
 * home: main loop.
 */
#ifndef HW_MACHINE_BOOTORDER_H
#define HW_MACHINE_BOOTORDER_H

#include "core/device.h"
#include "core/machine.h"

/*
 * The whole path of a device: root is the board's device that it is below, path is from there on, NULL: none (then the root
 * alone may have a name), suffix comes behind it. NULL: firmware has no name for it. To be freed.
 */
typedef char *BootPathFn(void *opaque, Device *root, const char *path, const char *suffix);
/* The file, of the devices that there are now; first: a line before them, or NULL. -boot strict=on ends it with HALT. */
void bootorder_publish(Machine *m, Device *fw_cfg, const char *first, BootPathFn *full_path, void *opaque);
/* Of a device on a virtio-mmio slot; NULL: root is none. */
char *bootorder_virtio_mmio_path(Device *root, const char *path, const char *suffix);

#endif
