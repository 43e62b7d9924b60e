/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -gdb, -s and the monitor's gdbserver: a character device with a stub behind it, one a machine.
 *
 * home: the machine's main loop.
 */
#ifndef MAIN_GDB_H
#define MAIN_GDB_H

#include "chardev/chardev.h"
#include "core/machine.h"

typedef struct GdbServer GdbServer;

/* Of a machine that is built; there is no stub yet, but the monitor can open one. */
GdbServer *gdb_server_new(Machine *m, CharSet *chars);
/* device as in -gdb; takes the place of what was open. "none": nothing is. */
bool gdb_server_open(GdbServer *s, const char *device, Error **errp);
/* Before the machine is freed; a debugger is told its exit status. */
void gdb_server_free(GdbServer *s, int status);

#endif
