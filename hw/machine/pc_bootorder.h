/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where firmware looks for a system: -boot's letters in CMOS, devices with a boot index in fw_cfg.
 *
 * home: main loop.
 */
#ifndef HW_MACHINE_PC_BOOTORDER_H
#define HW_MACHINE_PC_BOOTORDER_H

#include "hw/machine/pc_common.h"

/* Are -boot order= and once= letters that a PC has? */
bool pc_bootorder_check(const MachineConfig *cfg, Error **errp);
/* The letters to CMOS; first: those of once=, if it was given. */
void pc_bootorder_cmos(PcBoard *pc, bool first);
/* The file "bootorder", of the devices that there are now. */
void pc_bootorder_publish(PcBoard *pc);

#endif
