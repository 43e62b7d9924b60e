/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands about processor models.
 */
#include "monitor/session.h"
#include "schema/commands.h"

static const TargetOps *target_with_models(CmdContext *ctx, Error **errp)
{
    const TargetOps *t = machine_target(ctx->machine);

    if (!t || !t->expand_model) {
        error_set(errp, ERR_UNSUPPORTED, "this machine has no processor models");
        return NULL;
    }
    return t;
}

json_t *cmd_query_cpu_definitions(CmdContext *ctx, Error **errp)
{
    const TargetOps *t = target_with_models(ctx, errp);

    return t ? t->model_definitions() : NULL;
}

json_t *cmd_query_cpu_model_expansion(CmdContext *ctx, const CmdQueryCpuModelExpansionArgs *args,
                                      Error **errp)
{
    const TargetOps *t = target_with_models(ctx, errp);
    const char *name = json_string_value(json_object_get(args->model, "name"));
    json_t *changes = json_object_get(args->model, "props");

    if (!t) {
        return NULL;
    }
    if (changes && !json_is_object(changes)) {
        error_set(errp, ERR_INVALID_PARAMETER, "Invalid parameter type for 'props', expected: object");
        return NULL;
    }
    json_t *props = t->expand_model(name, changes, errp);
    if (!props) {
        return NULL;
    }
    /* A static expansion says everything as a change of the model that has nothing. */
    bool all = args->type == SCHEMA_CPU_MODEL_EXPANSION_TYPE_FULL;
    return json_pack("{s:{s:s, s:o}}", "model", "name", all ? name : "base", "props", props);
}
