/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

struct Error {
    ErrorCode code;
    char *message;
    char *hint;
};

static const char *const code_names[ERR_CODE__MAX] = {
    [ERR_GENERIC] = "GenericError",
    [ERR_COMMAND_NOT_FOUND] = "CommandNotFound",
    [ERR_DEVICE_NOT_FOUND] = "DeviceNotFound",
    [ERR_DEVICE_NOT_ACTIVE] = "DeviceNotActive",
    [ERR_KVM_MISSING_CAP] = "KVMMissingCap",
    [ERR_INVALID_PARAMETER] = "InvalidParameter",
    [ERR_IO] = "IOError",
    [ERR_UNSUPPORTED] = "Unsupported",
    [ERR_NO_MEMORY] = "NoMemory",
    [ERR_STATE] = "WrongState",
};

/* How this process writes its messages: one process has one stderr. */
static bool timestamps;

void error_setv(Error **errp, ErrorCode code, const char *fmt, va_list ap)
{
    if (!errp) {
        return;
    }
    g_assert(!*errp);
    Error *err = g_new0(Error, 1);
    err->code = code;
    err->message = g_strdup_vprintf(fmt, ap);
    *errp = err;
}

void error_set(Error **errp, ErrorCode code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_setv(errp, code, fmt, ap);
    va_end(ap);
}

void error_set_errno(Error **errp, int err, const char *fmt, ...)
{
    va_list ap;

    if (!errp) {
        return;
    }
    va_start(ap, fmt);
    error_setv(errp, ERR_IO, fmt, ap);
    va_end(ap);
    char *full = g_strdup_printf("%s: %s", (*errp)->message, g_strerror(err));
    g_free((*errp)->message);
    (*errp)->message = full;
}

void error_hint(Error **errp, const char *fmt, ...)
{
    va_list ap;

    if (!errp || !*errp) {
        return;
    }
    va_start(ap, fmt);
    char *more = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    char *old = (*errp)->hint;
    if (old) {
        (*errp)->hint = g_strdup_printf("%s; %s", old, more);
        g_free(old);
        g_free(more);
    } else {
        (*errp)->hint = more;
    }
}

void error_prepend(Error **errp, const char *fmt, ...)
{
    va_list ap;

    if (!errp || !*errp) {
        return;
    }
    va_start(ap, fmt);
    char *front = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    char *full = g_strconcat(front, (*errp)->message, NULL);
    g_free(front);
    g_free((*errp)->message);
    (*errp)->message = full;
}

void error_propagate(Error **dst, Error *local)
{
    if (local && dst && !*dst) {
        *dst = local;
    } else {
        error_free(local);
    }
}

const char *error_message(const Error *err)
{
    return err->message;
}

const char *error_hint_text(const Error *err)
{
    return err->hint;
}

ErrorCode error_code(const Error *err)
{
    return err->code;
}

const char *error_code_name(ErrorCode code)
{
    g_assert(code >= 0 && code < ERR_CODE__MAX);
    return code_names[code];
}

const char *error_class_name(ErrorCode code)
{
    return code <= ERR_KVM_MISSING_CAP ? error_code_name(code) : code_names[ERR_GENERIC];
}

char *error_describe(const Error *err)
{
    return err->hint ? g_strdup_printf("%s; %s", err->message, err->hint) : g_strdup(err->message);
}

Error *error_copy(const Error *err)
{
    Error *copy = g_new0(Error, 1);

    copy->code = err->code;
    copy->message = g_strdup(err->message);
    copy->hint = g_strdup(err->hint);
    return copy;
}

void error_free(Error *err)
{
    if (err) {
        g_free(err->message);
        g_free(err->hint);
        g_free(err);
    }
}

static void report(const char *kind, const char *text)
{
    const char *prog = g_get_prgname();
    g_autofree char *stamp = NULL;

    if (timestamps) {
        g_autoptr(GDateTime) now = g_date_time_new_now_utc();
        stamp = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S.%fZ ");
    }
    /* One write per line, so that lines of several threads do not mix. */
    fprintf(stderr, "%s%s: %s%s\n", stamp ? stamp : "", prog ? prog : "rhea", kind, text);
}

void error_report(const Error *err)
{
    g_autofree char *text = error_describe(err);
    report("", text);
}

void error_report_text(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    report("", text);
}

void warn_report(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    report("warning: ", text);
}

void info_report(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    report("info: ", text);
}

void error_report_timestamps(bool on)
{
    timestamps = on;
}
