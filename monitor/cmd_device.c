/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plugging devices in and out; objects, I/O threads, the balloon, the
 * generation ID.
 */
#include <inttypes.h>

#include "core/iothread.h"
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

/* ---- objects ---- */

json_t *cmd_qom_get(CmdContext *ctx, const CmdQomGetArgs *args, Error **errp)
{
    return object_get(ctx->machine, args->path, args->property, errp);
}

bool cmd_qom_set(CmdContext *ctx, const CmdQomSetArgs *args, Error **errp)
{
    return object_set(ctx->machine, args->path, args->property, args->value, errp);
}

json_t *cmd_qom_list(CmdContext *ctx, const CmdQomListArgs *args, Error **errp)
{
    return object_list(ctx->machine, args->path, errp);
}

bool cmd_object_add(CmdContext *ctx, const CmdObjectAddArgs *args, Error **errp)
{
    return object_add(ctx->machine, ctx->arguments, errp) != NULL;
}

bool hmp_object_add(CmdContext *ctx, const HmpObjectAddArgs *args, GString *out, Error **errp)
{
    g_autoptr(json_t) opts = opts_parse(args->object, "qom-type", errp);

    if (!opts) {
        return false;
    }
    object_join_lists(opts, args->object);
    return object_add(ctx->machine, opts, errp) != NULL;
}

bool cmd_object_del(CmdContext *ctx, const CmdObjectDelArgs *args, Error **errp)
{
    return object_del(ctx->machine, args->id, errp);
}

static void add_iothread(IoThread *t, void *opaque)
{
    IoThreadInfo i;

    iothread_info(t, &i);
    json_array_append_new(opaque, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "id", i.id, "thread-id",
                                            (json_int_t)i.thread_id, "poll-max-ns",
                                            (json_int_t)i.poll_max_ns, "poll-grow",
                                            (json_int_t)i.poll_grow, "poll-shrink",
                                            (json_int_t)i.poll_shrink, "aio-max-batch",
                                            (json_int_t)i.aio_max_batch));
}

json_t *cmd_query_iothreads(CmdContext *ctx, Error **errp)
{
    json_t *list = json_array();

    iothread_foreach(ctx->machine, add_iothread, list);
    return list;
}

static void print_iothread(IoThread *t, void *opaque)
{
    IoThreadInfo i;

    iothread_info(t, &i);
    g_string_append_printf(opaque,
                           "%s:\n  thread_id=%" PRId64 "\n  poll-max-ns=%" PRId64
                           "\n  poll-grow=%" PRId64 "\n  poll-shrink=%" PRId64
                           "\n  aio-max-batch=%" PRId64 "\n",
                           i.id, i.thread_id, i.poll_max_ns, i.poll_grow, i.poll_shrink,
                           i.aio_max_batch);
}

bool hmp_info_iothreads(CmdContext *ctx, GString *out, Error **errp)
{
    iothread_foreach(ctx->machine, print_iothread, out);
    return true;
}

/* ---- the balloon ---- */

static bool balloon_target(CmdContext *ctx, int64_t bytes, Error **errp)
{
    void *opaque;
    const BalloonOps *ops = machine_balloon(ctx->machine, &opaque);

    if (!ops) {
        error_set(errp, ERR_DEVICE_NOT_ACTIVE, "No balloon device has been activated");
        return false;
    }
    if (bytes <= 0) {
        error_set(errp, ERR_INVALID_PARAMETER, "Parameter 'target' expects a size");
        return false;
    }
    machine_lock(ctx->machine);
    ops->target(opaque, (uint64_t)bytes);
    machine_unlock(ctx->machine);
    return true;
}

bool cmd_balloon(CmdContext *ctx, const CmdBalloonArgs *args, Error **errp)
{
    return balloon_target(ctx, args->value, errp);
}

bool hmp_balloon(CmdContext *ctx, const HmpBalloonArgs *args, GString *out, Error **errp)
{
    return balloon_target(ctx, args->value > INT64_MAX >> 20 ? -1 : args->value * (1 << 20), errp);
}

static bool balloon_actual(CmdContext *ctx, uint64_t *actual, GString *out, Error **errp)
{
    void *opaque;
    const BalloonOps *ops = machine_balloon(ctx->machine, &opaque);

    if (!ops) {
        error_set(errp, ERR_DEVICE_NOT_ACTIVE, "No balloon device has been activated");
        return false;
    }
    machine_lock(ctx->machine);
    *actual = ops->actual(opaque);
    if (out) {
        g_string_append_printf(out, "balloon: actual=%" PRIu64, *actual >> 20);
        ops->info(opaque, out);
        g_string_append_c(out, '\n');
    }
    machine_unlock(ctx->machine);
    return true;
}

json_t *cmd_query_balloon(CmdContext *ctx, Error **errp)
{
    uint64_t actual;

    return balloon_actual(ctx, &actual, NULL, errp) ? json_pack("{s:I}", "actual", (json_int_t)actual)
                                                    : NULL;
}

bool hmp_info_balloon(CmdContext *ctx, GString *out, Error **errp)
{
    uint64_t actual;

    return balloon_actual(ctx, &actual, out, errp);
}

/* ---- generation ID ---- */

static void look_for_guid(Device *d, void *opaque)
{
    char **guid = opaque;

    if (!*guid && d->realized && !strcmp(d->type->name, "vmgenid")) {
        *guid = device_get(d, "guid");
    }
}

static char *generation_id(CmdContext *ctx, Error **errp)
{
    char *guid = NULL;

    device_foreach(ctx->machine, look_for_guid, &guid);
    if (!guid) {
        error_set(errp, ERR_GENERIC, "VM Generation ID device not found");
        error_hint(errp, "-device vmgenid adds it");
    }
    return guid;
}

json_t *cmd_query_vm_generation_id(CmdContext *ctx, Error **errp)
{
    g_autofree char *guid = generation_id(ctx, errp);

    return guid ? json_pack("{s:s}", "guid", guid) : NULL;
}

bool hmp_info_vm_generation_id(CmdContext *ctx, GString *out, Error **errp)
{
    g_autofree char *guid = generation_id(ctx, errp);

    if (guid) {
        g_string_append_printf(out, "%s\n", guid);
    }
    return guid != NULL;
}
