/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a PC starts: what firmware is told, the firmware itself, or a kernel without one. */
#ifndef HW_MACHINE_PC_BOOT_H
#define HW_MACHINE_PC_BOOT_H

#include "hw/machine/pc_common.h"

/* The last step of building: tables, and kernel or firmware. */
bool pc_boot_add(PcBoard *pc, Error **errp);

#endif
