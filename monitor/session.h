/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the room: what commands know of the one who asked.
 */
#ifndef MONITOR_SESSION_H
#define MONITOR_SESSION_H

#include "core/machine.h"
#include "chardev/char.h"
#include "schema/dispatch.h"

/* First member of both kinds of monitors. */
struct MonitorSession {
    Machine *machine;
    CharPort *port;
    int cpu;         /* what x, info registers and the like look at: `cpu N` */
    char mem_format; /* of the last x, xp or print: the next one's default */
    unsigned mem_size;
    bool negotiated; /* QMP: qmp_capabilities succeeded */
    bool quitting;   /* quit was said: no further prompt */
};

#define SESSION_INIT(m, p)                                            \
    {                                                                 \
        .machine = (m), .port = (p), .mem_format = 'x', .mem_size = 4 \
    }

/* Output beyond which a monitor stops taking commands until its client has read some. */
#define MONITOR_PENDING_MAX (256u << 10)
/* Output beyond which events are dropped: a guest can cause events without end. */
#define MONITOR_EVENTS_MAX (4u << 20)

/* The processor that the session looks at, or NULL with an error. */
Cpu *session_cpu(CmdContext *ctx, Error **errp);

/*
 * Value of an expression: decimal, 0x hexadecimal or 0 octal numbers, $registers, parentheses,
 * + - * / % & | ^ ~ with the precedence of C except that & | ^ are equal. cpu may be NULL.
 */
bool monitor_expr(Cpu *cpu, const char *text, int64_t *value, Error **errp);

/* "props" of a processor, as query-cpus-fast and query-hotpluggable-cpus have them. */
json_t *session_cpu_place(Machine *m, int index);

#endif
