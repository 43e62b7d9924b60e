/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server of gdb's remote serial protocol (gdb's manual, appendix E) on a character port.
 *
 * home: the machine's main loop.
 */
#ifndef GDBSTUB_GDBSTUB_H
#define GDBSTUB_GDBSTUB_H

#include "chardev/char.h"
#include "core/machine.h"

typedef struct GdbStub GdbStub;

/* gdb's `monitor LINE`: what it prints. *cpu: the processor that it looks at, the stub's to keep. */
typedef GString *GdbMonitorFn(void *opaque, int *cpu, const char *line);

/*
 * Serves one debugger after the other on that port, while the stub lives. The machine is built. NULL: its target has no
 * registers for gdb, or no processors.
 */
GdbStub *gdbstub_new(Machine *m, CharPort *port, GdbMonitorFn *monitor, void *opaque, Error **errp);
/* Is it within a command of the debugger, so that it cannot be freed? */
bool gdbstub_busy(const GdbStub *g);
/* The debugger is told that the machine ended with this status; breakpoints go. Before the machine is freed. */
void gdbstub_free(GdbStub *g, int status);

#endif
