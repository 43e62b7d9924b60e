/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding firmware; mapping the BIOS of a PC. */
#ifndef HW_MACHINE_FIRMWARE_H
#define HW_MACHINE_FIRMWARE_H

#include "core/machine.h"

/* Is there one that could be mapped? */
bool bios_check(const MachineConfig *cfg, const char *default_name, Error **errp);
/*
 * Reads -bios, or default_name, from the -L directories and the usual places; maps it as ROM
 * below 4 GiB. NULL on failure; the region belongs to the memory root.
 */
MemoryRegion *bios_map(Machine *m, const char *default_name, Error **errp);

/* -bios, up to max bytes; g_free. NULL: not found, not readable, empty or larger. */
char *firmware_read(const MachineConfig *cfg, uint64_t max, size_t *len, Error **errp);

/*
 * Adds what -fw_cfg asks for, after all files that the board itself has. An error: a name given
 * twice or the board's own, a file that cannot be read.
 */
bool firmware_add_files(Machine *m, Device *fw_cfg, Error **errp);

#endif
