/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Trace points: named places in the code that print what happens there when asked (-trace).
 *
 * A file that has trace points declares them near its head and calls them by name:
 *
 *     TRACE_EVENT(uart_write, "reg %u value 0x%02x");
 *     ...
 *     trace(uart_write, reg, value);
 *
 * The compiler checks the arguments against the format. Switched off, a call costs the load of
 * one byte. Names start with the chip's or the module's name, so that patterns select it.
 */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/registry.h"

typedef struct TraceEvent {
    const char *name;
    const char *format;
    bool *on; /* the event's switch; written through trace_enable only */
} TraceEvent;

#define TRACE_EVENT(ev, fmt)                                               \
    static bool trace_on_##ev;                                             \
    static const char trace_format_##ev[] = fmt;                           \
    static const TraceEvent trace_event_##ev = {#ev, fmt, &trace_on_##ev}; \
    REGISTER(TraceEvent, trace_event_##ev)

#define trace(ev, ...)                                                                \
    do {                                                                              \
        if (__builtin_expect(__atomic_load_n(&trace_on_##ev, __ATOMIC_RELAXED), 0)) { \
            trace_print(#ev, trace_format_##ev, ##__VA_ARGS__);                       \
        }                                                                             \
    } while (0)

void trace_print(const char *name, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/*
 * Switches on the events that match @pattern ('*' and '?' as in shells), or off if it starts with
 * '-'. Returns the number of events that matched.
 */
unsigned trace_enable(const char *pattern);
/* The same without effect: how many events match. */
unsigned trace_match(const char *pattern);
/* Does trace_enable for each line of a file; empty lines and '#' comments are skipped. */
bool trace_enable_file(const char *path, Error **errp);
/* Prints all names and formats, sorted, for -trace help. */
void trace_print_help(FILE *f);

#endif
