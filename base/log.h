/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The log of -d and -D: what guests do wrong, and what the engine does.
 *
 * The log belongs to the process, as stderr does; this is one of the few places with writable
 * globals. Switched off, a call costs one load and a branch not taken.
 *
 * home: set up by main before threads start; log_printf from any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdio.h>
#include <glib.h>

#include "base/error.h"

/* The items of -d. Their names and help stand in log.c. */
typedef enum LogMask {
    LOG_IN_ASM = 1 << 0,
    LOG_OUT_ASM = 1 << 1,
    LOG_OP = 1 << 2,
    LOG_INT = 1 << 3,
    LOG_EXEC = 1 << 4,
    LOG_MMU = 1 << 5,
    LOG_CPU_RESET = 1 << 6,
    LOG_UNIMP = 1 << 7,
    LOG_GUEST_ERROR = 1 << 8,
    LOG_PAGE = 1 << 9,
} LogMask;

typedef struct LogItem {
    LogMask mask;
    const char *name;
    const char *help;
} LogItem;

/* All items, ending with an entry whose name is NULL. */
extern const LogItem log_items[];

/* The items switched on. Read it only through the macros below. */
extern unsigned log_active;

#define log_on(mask) \
    __builtin_expect((__atomic_load_n(&log_active, __ATOMIC_RELAXED) & (mask)) != 0, 0)

/* Logs printf-like text, which brings its own newline, if an item of @mask is on. */
#define log_mask(mask, ...)          \
    do {                             \
        if (log_on(mask)) {          \
            log_printf(__VA_ARGS__); \
        }                            \
    } while (0)

/* Writes unconditionally. */
void log_printf(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/* Several lines that must stay together: write to the FILE between the two calls. */
FILE *log_begin(void);
void log_end(FILE *f);

/*
 * Parses the value of -d: a list of items, "all", or "trace:PATTERN". NULL @mask only checks, so
 * that a command line is validated before anything takes effect.
 */
bool log_parse_items(const char *list, unsigned *mask, Error **errp);
/* Switches items on (and the others off). */
void log_set_mask(unsigned mask);
/* Sends the log to a file from now on; "%d" in the name is the process id. */
bool log_set_file(const char *path, Error **errp);
/* Prints the items for -d help. */
void log_print_help(FILE *f);

#endif
