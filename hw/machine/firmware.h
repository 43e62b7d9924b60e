/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding and mapping the BIOS of a PC. */
#ifndef HW_MACHINE_FIRMWARE_H
#define HW_MACHINE_FIRMWARE_H

#include "core/machine.h"

#define BIOS_SHADOW 0x40000 /* the part that is also below 1 MiB */

/* Is there one that could be mapped? */
bool bios_check(const MachineConfig *cfg, const char *default_name, Error **errp);
/*
 * Reads -bios, or default_name, from the -L directories and the usual places;
 * maps it as ROM below 4 GiB. On success *tail is a copy of its last *tail_len <=
 * BIOS_SHADOW bytes (caller frees).
 */
bool bios_map(Machine *m, const char *default_name, uint8_t **tail, size_t *tail_len, Error **errp);

/*
 * Adds what -fw_cfg asks for, after all files that the board itself has. An error: a name given
 * twice or the board's own, a file that cannot be read.
 */
bool firmware_add_files(Machine *m, Device *fw_cfg, Error **errp);

#endif
