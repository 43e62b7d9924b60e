/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The controlling terminal in raw mode, and back: whatever ends the process.
 */
#ifndef BASE_OS_TERMINAL_H
#define BASE_OS_TERMINAL_H

#include <stdbool.h>

#include "base/error.h"

/*
 * Puts the terminal on @fd into raw mode; not a terminal: nothing happens, and that is success.
 * With @keep_signals Ctrl-C and the like still send signals. The first call remembers how it was.
 */
bool os_terminal_raw(int fd, bool keep_signals, Error **errp);

/* Restores what the first os_terminal_raw() found. Async-signal-safe, idempotent. */
void os_terminal_restore(void);

/*
 * Installs what restores the terminal when the process exits, crashes (SIGSEGV, SIGBUS, SIGILL,
 * SIGFPE, SIGABRT, SIGQUIT) or is ended (SIGTERM, SIGINT, SIGHUP, unless somebody handles them
 * later) or stopped (SIGTSTP; raw again on SIGCONT), then lets the signal have its usual effect. An engine
 * that handles SIGSEGV itself installs its handler later and passes on what is not its own.
 */
void os_terminal_guard(void);

#endif
