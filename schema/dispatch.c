/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "config-host.h"
#include "schema/commands.h"
#include "schema/table.h"

const SchemaCommand *schema_command_find(const char *name)
{
    for (const SchemaCommand *c = schema_commands; c->name || c->hmp; c++) {
        if (c->name && !strcmp(c->name, name) && schema_command_bound(c)) {
            return c;
        }
    }
    return NULL;
}

bool schema_checking(void)
{
    const char *v = getenv("RHEA_CHECK_QMP");
    return v && !strcmp(v, "1");
}

static G_GNUC_NORETURN void bug(const char *what, const char *name, const Error *err)
{
    g_autofree char *text = error_describe(err);
    g_error("%s '%s' breaks the schema: %s", what, name, text);
}

static void check_reply(const SchemaCommand *cmd, json_t *reply)
{
    g_autoptr(Error) err = NULL;
    static const SchemaArg nothing[] = {{0}};
    bool ok = cmd->returns ? schema_validate(cmd->returns, reply, "return", &err)
                           : schema_validate_members(nothing, reply, "return", &err);

    if (!ok) {
        bug("the reply of command", cmd->name, err);
    }
}

void schema_check_event(const char *name, json_t *data)
{
    g_autoptr(Error) err = NULL;
    g_autoptr(json_t) empty = json_object();

    if (!schema_checking()) {
        return;
    }
    for (const SchemaEvent *e = schema_events; e->name; e++) {
        if (!strcmp(e->name, name)) {
            if (!schema_validate_members(e->data, data ? data : empty, "data", &err)) {
                bug("event", name, err);
            }
            return;
        }
    }
    g_error("event '%s' is not in the schema", name);
}

/* What the table knows of the arguments of an open command. */
static json_t *known_args(const SchemaCommand *cmd, json_t *args)
{
    json_t *known = json_object();

    for (const SchemaArg *a = cmd->args; a->name; a++) {
        json_t *v = json_object_get(args, a->name);
        if (v) {
            json_object_set(known, a->name, v);
        }
    }
    return known;
}

json_t *schema_dispatch(CmdContext *ctx, const char *name, json_t *args, Error **errp)
{
    const SchemaCommand *cmd = schema_command_find(name);

    if (!cmd) {
        error_set(errp, ERR_COMMAND_NOT_FOUND, "The command %s has not been found", name);
        return NULL;
    }
    if (args && !json_is_object(args)) {
        error_set(errp, ERR_INVALID_PARAMETER, "QMP input member 'arguments' must be an object");
        return NULL;
    }
    g_autofree void *parsed = g_malloc0(cmd->args_size + 1);
    g_autoptr(json_t) known = cmd->open ? known_args(cmd, args) : json_incref(args);
    g_autoptr(json_t) nothing = json_object();
    if (!schema_args_parse(cmd->args, cmd->args_size, known, false, parsed, errp)) {
        return NULL;
    }
    CmdContext inner = *ctx;
    inner.arguments = args ? args : nothing;
    json_t *reply = cmd->invoke(&inner, parsed, errp);
    if (reply && schema_checking()) {
        check_reply(cmd, reply);
    }
    return reply;
}

json_t *schema_error_to_json(const Error *err)
{
    g_autofree char *text = error_describe(err);
    return json_pack("{s:s, s:s}", "class", error_class_name(error_code(err)), "desc", text);
}

json_t *cmd_query_commands(CmdContext *ctx, Error **errp)
{
    json_t *list = json_array();

    for (const SchemaCommand *c = schema_commands; c->name || c->hmp; c++) {
        if (c->name && schema_command_bound(c)) {
            json_array_append_new(list, json_pack("{s:s}", "name", c->name));
        }
    }
    return list;
}

json_t *cmd_query_version(CmdContext *ctx, Error **errp)
{
    return json_pack("{s:{s:i, s:i, s:i}, s:s}", "qemu", "major", QEMU_INTERFACE_MAJOR, "minor",
                     QEMU_INTERFACE_MINOR, "micro", 0, "package", "rhea-" RHEA_VERSION);
}
