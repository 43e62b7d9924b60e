/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plugging devices in and out.
 */
#include "monitor/session.h"
#include "schema/commands.h"
#include "schema/opts.h"

bool cmd_device_add(CmdContext *ctx, const CmdDeviceAddArgs *args, Error **errp)
{
    return device_add(ctx->machine, ctx->arguments, errp) != NULL;
}

bool hmp_device_add(CmdContext *ctx, const HmpDeviceAddArgs *args, GString *out, Error **errp)
{
    g_autoptr(json_t) opts = opts_parse(args->device, "driver", errp);

    return opts && device_add(ctx->machine, opts, errp);
}

bool cmd_device_del(CmdContext *ctx, const CmdDeviceDelArgs *args, Error **errp)
{
    return device_del(ctx->machine, args->id, errp);
}
