/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the options of the host's side (consoles, monitors, logs, how a run ends) mean: see options.h.
 */
#include "main/options.h"

#include <string.h>

#include "base/log.h"
#include "base/trace.h"
#include "base/units.h"
#include "schema/commands.h"

static bool only_none(const char *value, const char *what, Error **errp)
{
    if (g_strcmp0(value, "none") == 0) {
        return true;
    }
    error_set(errp, ERR_UNSUPPORTED, "%s '%s' is not supported", what, value ? value : "");
    error_hint(errp, "only 'none' is");
    return false;
}

bool opt_nic(Config *c, const OptValue *v, Error **errp)
{
    c->default_nic = false;
    return only_none(opts_get(v->obj, "type"), "network card", errp);
}

bool opt_net(Config *c, const OptValue *v, Error **errp)
{
    c->default_nic = false;
    return only_none(opts_get(v->obj, "type"), "network", errp);
}

bool opt_display(Config *c, const OptValue *v, Error **errp)
{
    const char *type = opts_get(v->obj, "type");

    if (is_help(type)) {
        return set_help(c, "display", "");
    }
    c->display_none = true;
    return only_none(type, "display", errp);
}

bool opt_vga(Config *c, const OptValue *v, Error **errp)
{
    c->default_vga = false;
    return only_none(v->text, "graphics card", errp);
}

bool opt_nographic(Config *c, const OptValue *v, Error **errp)
{
    c->nographic = true;
    return true;
}

bool opt_serial(Config *c, const OptValue *v, Error **errp)
{
    g_ptr_array_add(c->serials, g_strdup(v->text));
    c->default_serial = false;
    if (g_str_has_prefix(v->text, "mon:")) {
        c->default_monitor = false;
    }
    return true;
}

bool opt_parallel(Config *c, const OptValue *v, Error **errp)
{
    c->default_parallel = false;
    return only_none(v->text, "parallel port", errp);
}

bool opt_debugcon(Config *c, const OptValue *v, Error **errp)
{
    if (c->debugcon) {
        error_set(errp, ERR_INVALID_PARAMETER, "there is one debug port, and it was given twice");
        return false;
    }
    c->debugcon = v->text;
    return true;
}

/* ---- semihosting ---- */

static bool enable_semihosting(Config *c, bool on, Error **errp)
{
    if (on && strcmp(c->arch, "aarch64")) {
        error_set(errp, ERR_UNSUPPORTED, "Option not supported for this target");
        error_hint(errp, "guests of rhea-system-aarch64 have semihosting");
        return false;
    }
    c->semihosting = on;
    return true;
}

bool opt_semihosting(Config *c, const OptValue *v, Error **errp)
{
    return enable_semihosting(c, true, errp);
}

static bool semihosting_target(const char *target, Error **errp)
{
    if (!target || !strcmp(target, "native") || !strcmp(target, "auto")) {
        return true;
    }
    bool gdb = !strcmp(target, "gdb");
    error_set(errp, gdb ? ERR_UNSUPPORTED : ERR_INVALID_PARAMETER, "%s semihosting-config %s", gdb ? "unsupported" : "invalid",
              target);
    error_hint(errp, "target is native or auto");
    return false;
}

/* arg= may stand more than once. */
static void add_args(Config *c, const char *text)
{
    g_auto(GStrv) items = g_strsplit(text, ",", -1);

    for (char **i = items; *i; i++) {
        if (!g_str_has_prefix(*i, "arg=")) {
            continue;
        }
        if (!c->semihosting_args) {
            c->semihosting_args = g_string_new(NULL);
        }
        g_string_append_printf(c->semihosting_args, "%s%s", c->semihosting_args->len ? " " : "", *i + strlen("arg="));
    }
}

bool opt_semihosting_config(Config *c, const OptValue *v, Error **errp)
{
    static const char *const known[] = {"enable", "target", "chardev", "userspace", "arg", NULL};
    const char *enable = opts_get(v->obj, "enable"), *userspace = opts_get(v->obj, "userspace"), *key;
    bool on = true, user = false;
    json_t *value;

    json_object_foreach(v->obj, key, value) {
        if (!g_strv_contains(known, key)) {
            error_set(errp, ERR_INVALID_PARAMETER, "Invalid parameter '%s'", key);
            error_hint(errp, "it takes enable, target, chardev, userspace and arg");
            return false;
        }
    }
    if ((enable && !parse_bool(enable, &on, errp)) || (userspace && !parse_bool(userspace, &user, errp)) ||
        !semihosting_target(opts_get(v->obj, "target"), errp) || !enable_semihosting(c, on, errp)) {
        return false;
    }
    c->semihosting_userspace = user;
    c->semihosting_chardev = opts_get(v->obj, "chardev");
    add_args(c, v->text);
    return true;
}

bool opt_chardev(Config *c, const OptValue *v, Error **errp)
{
    if (is_help(v->text)) {
        return set_help(c, "chardev", "");
    }
    g_ptr_array_add(c->chardevs, g_strdup(v->text));
    return true;
}

static void add_monitor(Config *c, const char *where, const char *chardev, bool control,
                        bool pretty)
{
    MonitorSpec *m = g_new(MonitorSpec, 1);

    *m = (MonitorSpec){where, chardev, control, pretty};
    g_ptr_array_add(c->monitors, m);
    c->default_monitor = false;
}

bool opt_monitor(Config *c, const OptValue *v, Error **errp)
{
    c->default_monitor = false;
    if (strcmp(v->text, "none")) {
        add_monitor(c, v->text, NULL, false, false);
    }
    return true;
}

bool opt_qmp(Config *c, const OptValue *v, Error **errp)
{
    add_monitor(c, v->text, NULL, true, false);
    return true;
}

bool opt_qmp_pretty(Config *c, const OptValue *v, Error **errp)
{
    add_monitor(c, v->text, NULL, true, true);
    return true;
}

bool opt_mon(Config *c, const OptValue *v, Error **errp)
{
    const OptMonArgs *a = v->args;

    add_monitor(c, NULL, a->chardev, a->mode == SCHEMA_MONITOR_MODE_CONTROL, a->pretty);
    return true;
}

bool opt_echr(Config *c, const OptValue *v, Error **errp)
{
    uint64_t code;

    if (!parse_u64(v->text, &code, errp)) {
        return false;
    }
    if (code > 255) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is not the code of a character", v->text);
        error_hint(errp, "1 is Ctrl-A, 2 is Ctrl-B");
        return false;
    }
    c->escape = (uint8_t)code;
    return true;
}

bool opt_gdb(Config *c, const OptValue *v, Error **errp)
{
    c->gdb = v->text;
    return true;
}

bool opt_s(Config *c, const OptValue *v, Error **errp)
{
    c->gdb = GDB_SERVER_DEFAULT;
    return true;
}

bool opt_S(Config *c, const OptValue *v, Error **errp)
{
    c->paused = true;
    return true;
}

bool opt_no_reboot(Config *c, const OptValue *v, Error **errp)
{
    c->no_reboot = true;
    return true;
}

bool opt_no_shutdown(Config *c, const OptValue *v, Error **errp)
{
    c->no_shutdown = true;
    return true;
}

bool opt_action(Config *c, const OptValue *v, Error **errp)
{
    const OptActionArgs *a = v->args;

    if (a->has_reboot) {
        c->no_reboot = a->reboot == SCHEMA_REBOOT_ACTION_SHUTDOWN;
    }
    if (a->has_shutdown) {
        c->no_shutdown = a->shutdown == SCHEMA_SHUTDOWN_ACTION_PAUSE;
    }
    if (a->has_panic) {
        static const PanicAction actions[] = {
            [SCHEMA_PANIC_ACTION_SHUTDOWN] = PANIC_SHUTDOWN,
            [SCHEMA_PANIC_ACTION_PAUSE] = PANIC_PAUSE,
            [SCHEMA_PANIC_ACTION_EXIT_FAILURE] = PANIC_EXIT_FAILURE,
            [SCHEMA_PANIC_ACTION_NONE] = PANIC_NONE,
        };
        c->panic = actions[a->panic];
    }
    if (a->has_watchdog) {
        static const WatchdogAction actions[] = {
            [SCHEMA_WATCHDOG_ACTION_NAME_RESET] = WATCHDOG_RESET,
            [SCHEMA_WATCHDOG_ACTION_NAME_SHUTDOWN] = WATCHDOG_SHUTDOWN,
            [SCHEMA_WATCHDOG_ACTION_NAME_POWEROFF] = WATCHDOG_POWEROFF,
            [SCHEMA_WATCHDOG_ACTION_NAME_PAUSE] = WATCHDOG_PAUSE,
            [SCHEMA_WATCHDOG_ACTION_NAME_DEBUG] = WATCHDOG_DEBUG,
            [SCHEMA_WATCHDOG_ACTION_NAME_NONE] = WATCHDOG_NONE,
        };
        c->watchdog = actions[a->watchdog];
    }
    return true;
}

bool opt_pidfile(Config *c, const OptValue *v, Error **errp)
{
    c->pidfile = v->text;
    return true;
}

bool opt_d(Config *c, const OptValue *v, Error **errp)
{
    if (is_help(v->text)) {
        return set_help(c, "d", "");
    }
    c->log_items = v->text;
    return log_parse_items(v->text, NULL, errp);
}

bool opt_D(Config *c, const OptValue *v, Error **errp)
{
    c->log_file = v->text;
    return true;
}

bool opt_trace(Config *c, const OptValue *v, Error **errp)
{
    const OptTraceArgs *a = v->args;

    if (is_help(a->enable)) {
        return set_help(c, "trace", "");
    }
    if (a->enable) {
        if (!trace_match(a->enable)) {
            error_set(errp, ERR_INVALID_PARAMETER, "no trace point matches '%s'", a->enable);
            error_hint(errp, "'-trace help' lists them");
            return false;
        }
        g_ptr_array_add(c->traces, g_strdup(a->enable));
    }
    if (a->events) {
        g_ptr_array_add(c->trace_files, g_strdup(a->events));
    }
    c->log_file = a->file ? a->file : c->log_file;
    return true;
}
