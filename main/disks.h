/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The disks of the command line: opened before the machine is built, closed after it is gone.
 *
 * home: main loop.
 */
#ifndef MAIN_DISKS_H
#define MAIN_DISKS_H

#include "block/blockdev.h"
#include "main/config.h"

typedef struct Disks Disks;

/* Opens what the Config names and fills in the drives of @mc, which must not outlive the Disks. */
Disks *disks_open(const Config *c, const BoardType *board, GMainContext *loop, MachineConfig *mc,
                  Error **errp);
void disks_free(Disks *d);
/* Before the machine is built: drive= of devices, errors, stop and resume. */
void disks_connect(Disks *d, Machine *m);
/* Before the machine is freed. */
void disks_disconnect(Disks *d);
/* Devices that drives stand for (if=virtio): after the board is built. */
bool disks_add_devices(Disks *d, Error **errp);
/* At the end: an error names a drive that nothing uses. */
bool disks_check_unused(Disks *d, Error **errp);

#endif
