/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Monitors: QMP for programs, and the human monitor, each on a character port.
 *
 * A monitor lives as long as its port: it ends when the port's character
 * device is freed, which is after the machine.
 *
 * home: the machine's main loop.
 */
#ifndef MONITOR_MONITOR_H
#define MONITOR_MONITOR_H

#include "base/error.h"
#include "chardev/char.h"
#include "core/machine.h"

/* -monitor, -mon mode=readline. */
bool monitor_new_hmp(Machine *m, CharPort *port, Error **errp);
/* -qmp, -mon mode=control; pretty: replies over several lines (-qmp-pretty). */
bool monitor_new_qmp(Machine *m, CharPort *port, bool pretty, Error **errp);
/*
 * One line of the human monitor for a client that has another protocol, on port or NULL, and looks at processor *cpu,
 * which `cpu N` changes. What it prints; what went wrong as a human would have seen it.
 */
GString *monitor_run_hmp(Machine *m, CharPort *port, int *cpu, const char *line);

#endif
