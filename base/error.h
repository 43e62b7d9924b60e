/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Errors that reach a user: a stable code, what was wrong, and what would be right.
 *
 * A function that can fail takes `Error **errp` last and returns false or NULL when it set it.
 * A caller that only wants to know whether it failed passes NULL. Setting an error that is
 * already set is a bug and asserts.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <glib.h>

typedef struct Error Error;

/* Stable codes; the comment is error_code_name(). */
typedef enum ErrorCode {
    ERR_GENERIC,           /* "GenericError": wrong for a reason that no client tells apart */
    ERR_COMMAND_NOT_FOUND, /* "CommandNotFound" */
    ERR_DEVICE_NOT_FOUND,  /* "DeviceNotFound" */
    ERR_DEVICE_NOT_ACTIVE, /* "DeviceNotActive" */
    ERR_KVM_MISSING_CAP,   /* "KVMMissingCap" */
    ERR_INVALID_PARAMETER, /* "InvalidParameter": an argument or option is not acceptable */
    ERR_IO,                /* "IOError": the host refused a file, socket or device */
    ERR_UNSUPPORTED,       /* "Unsupported": meaningful, but this build or host cannot */
    ERR_NO_MEMORY,         /* "NoMemory" */
    ERR_STATE,             /* "WrongState": not while the machine is in its current state */
    ERR_CODE__MAX
} ErrorCode;

/* Sets *@errp (if @errp is not NULL) to a new error with one line of text, without a period. */
void error_set(Error **errp, ErrorCode code, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
void error_setv(Error **errp, ErrorCode code, const char *fmt, va_list ap) G_GNUC_PRINTF(3, 0);

/* error_set with ": strerror(@err)" appended; @err is an errno value. */
void error_set_errno(Error **errp, int err, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

/* Adds what to do about it; printed after the message on the same line. No-op without an error. */
void error_hint(Error **errp, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* Puts text in front of the message of *@errp, if there is one. */
void error_prepend(Error **errp, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* Moves @local into @dst: kept if @dst wants an error and has none yet, freed otherwise. */
void error_propagate(Error **dst, Error *local);

const char *error_message(const Error *err);
/* NULL when there is no hint. */
const char *error_hint_text(const Error *err);
ErrorCode error_code(const Error *err);
/* The stable name of a code, such as "GenericError". */
const char *error_code_name(ErrorCode code);
/* The "class" of a QMP error: the code's name where QEMU has that class, else "GenericError". */
const char *error_class_name(ErrorCode code);

/* The message and, after "; ", the hint. Free with g_free. */
char *error_describe(const Error *err);

Error *error_copy(const Error *err);
void error_free(Error *err);

/* Prints "rhea: message; hint" as one line on stderr, with the name of the program. */
void error_report(const Error *err);
/* The same for a text of one's own. */
void error_report_text(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
/* The same with "warning: " in front. */
void warn_report(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
/* The same with "info: " in front. */
void info_report(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/* error_report's lines start with the time, as -msg timestamp=on asks. */
void error_report_timestamps(bool on);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Error, error_free)

#endif
