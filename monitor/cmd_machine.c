/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands that act on the machine as a whole: run state, reset, the end.
 */
#include <string.h>
#include "monitor/session.h"
#include "schema/commands.h"

static bool is_running(Machine *m)
{
    return machine_run_state(m) == RUN_STATE_RUNNING;
}

json_t *cmd_query_status(CmdContext *ctx, Error **errp)
{
    return json_pack("{s:b, s:s}", "running", is_running(ctx->machine), "status",
                     run_state_name(machine_run_state(ctx->machine)));
}

bool hmp_info_status(CmdContext *ctx, GString *out, Error **errp)
{
    RunState s = machine_run_state(ctx->machine);

    g_string_append_printf(out, "VM status: %s", is_running(ctx->machine) ? "running" : "paused");
    if (s != RUN_STATE_RUNNING && s != RUN_STATE_PAUSED) {
        g_string_append_printf(out, " (%s)", run_state_name(s));
    }
    g_string_append_c(out, '\n');
    return true;
}

bool cmd_stop(CmdContext *ctx, Error **errp)
{
    if (is_running(ctx->machine)) {
        machine_stop(ctx->machine, RUN_STATE_PAUSED);
    }
    return true;
}

bool cmd_cont(CmdContext *ctx, Error **errp)
{
    return is_running(ctx->machine) || machine_cont(ctx->machine, errp);
}

bool cmd_quit(CmdContext *ctx, Error **errp)
{
    machine_request_shutdown(ctx->machine, SHUTDOWN_HOST_QMP_QUIT);
    if (ctx->session) {
        ctx->session->quitting = true;
    }
    return true;
}

bool cmd_system_reset(CmdContext *ctx, Error **errp)
{
    machine_request_reset(ctx->machine, SHUTDOWN_HOST_QMP_RESET);
    return true;
}

bool cmd_accel_switch(CmdContext *ctx, const CmdAccelSwitchArgs *args, Error **errp)
{
    return machine_switch_accel(ctx->machine, args->accel, errp);
}

bool cmd_system_powerdown(CmdContext *ctx, Error **errp)
{
    machine_request_powerdown(ctx->machine);
    return true;
}

bool cmd_system_wakeup(CmdContext *ctx, Error **errp)
{
    if (machine_run_state(ctx->machine) != RUN_STATE_SUSPENDED) {
        error_set(errp, ERR_GENERIC, "Unable to wake up: guest is not in suspended state");
        return false;
    }
    machine_request_wakeup(ctx->machine);
    return true;
}

json_t *cmd_query_name(CmdContext *ctx, Error **errp)
{
    const char *name = machine_config(ctx->machine)->name;

    return name ? json_pack("{s:s}", "name", name) : json_object();
}

bool hmp_info_name(CmdContext *ctx, GString *out, Error **errp)
{
    const char *name = machine_config(ctx->machine)->name;

    if (name) {
        g_string_append_printf(out, "%s\n", name);
    }
    return true;
}

bool hmp_gdbserver(CmdContext *ctx, const HmpGdbserverArgs *args, GString *out, Error **errp)
{
    const char *device = args->device ? args->device : GDB_SERVER_DEFAULT;

    if (!machine_gdb_server(ctx->machine, device, errp)) {
        error_prepend(errp, "Could not open gdbserver on device '%s': ", device);
        return false;
    }
    if (!strcmp(device, "none")) {
        g_string_append(out, "Disabled gdbserver\n");
    } else {
        g_string_append_printf(out, "Waiting for gdb connection on device '%s'\n", device);
    }
    return true;
}
