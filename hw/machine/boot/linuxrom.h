/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Linux kernel booted by the firmware: -bios together with -kernel. An option
 * ROM (linuxrom.s) finds the parts in fw_cfg.
 *
 * home: main loop, while the machine is built.
 */
#ifndef HW_MACHINE_BOOT_LINUXROM_H
#define HW_MACHINE_BOOT_LINUXROM_H

#include "hw/machine/boot/boot.h"

#define LINUXROM_SIZE 1024
#define LINUXROM_FILE "genroms/linuxrom.bin" /* in fw_cfg; "/rom@" and this in the boot order */
extern const uint8_t linuxrom[LINUXROM_SIZE];

/* Everything about -kernel, -initrd and -append that could be wrong. */
bool linuxrom_check(const MachineConfig *cfg, const BootLayout *l, Error **errp);
/* The parts and the ROM into fw_cfg. */
bool linuxrom_add(const MachineConfig *cfg, const BootLayout *l, Device *fw_cfg, Error **errp);

#endif
