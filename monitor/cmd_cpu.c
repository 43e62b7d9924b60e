/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands about processor models, places of processors, memory backends and NUMA nodes.
 */
#include <inttypes.h>
#include <string.h>
#include "core/hostmem.h"
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
    /* A static expansion says everything as a change of the model that has nothing, if the target has such a one. */
    bool all = args->type == SCHEMA_CPU_MODEL_EXPANSION_TYPE_FULL;
    json_t *base = all ? NULL : t->expand_model("base", NULL, NULL);
    json_decref(base);
    if (!all && !base) {
        json_decref(props);
        error_set(errp, ERR_GENERIC, "The requested expansion type is not supported");
        return NULL;
    }
    return json_pack("{s:{s:s, s:o}}", "model", "name", all ? name : "base", "props", props);
}

/* ---- where processors are ---- */

json_t *session_cpu_place(Machine *m, int index)
{
    const MachineConfig *c = machine_config(m);
    int threads = MAX(c->threads, 1), cores = MAX(c->cores, 1), dies = MAX(c->dies, 1);
    json_t *p = json_pack("{s:i, s:i, s:i}", "core-id", index / threads % cores, "thread-id",
                          index % threads, "socket-id", index / threads / cores / dies);

    if (dies > 1) {
        json_object_set_new(p, "die-id", json_integer(index / threads / cores % dies));
    }
    if (c->numa) {
        json_object_set_new(p, "node-id", json_integer(c->numa->cpu_node[index]));
    }
    return p;
}

/* The last first, as QEMU has it. There is no plugging: those above -smp cpus= stay away. */
json_t *cmd_query_hotpluggable_cpus(CmdContext *ctx, Error **errp)
{
    const MachineConfig *c = machine_config(ctx->machine);
    const char *cpu = c->cpu_model ? c->cpu_model : machine_target(ctx->machine)->default_model;
    json_t *list = json_array();

    for (int i = MAX(c->max_cpus, machine_cpu_count(ctx->machine)) - 1; i >= 0; i--) {
        g_autofree char *model = g_strndup(cpu, strcspn(cpu, ","));
        json_t *one = json_pack("{s:o, s:i, s:o}", "type",
                                json_stringf("%s-%s-cpu", model, machine_target(ctx->machine)->name),
                                "vcpus-count", 1, "props", session_cpu_place(ctx->machine, i));
        if (i < machine_cpu_count(ctx->machine)) {
            json_object_set_new(one, "qom-path", json_stringf("/machine/unattached/device[%d]", i));
        }
        json_array_append_new(list, one);
    }
    return list;
}

/* ---- memory ---- */

static void append_memdev(HostMem *h, void *opaque)
{
    json_t *nodes = json_array();
    uint64_t mask;

    hostmem_nodes(h, &mask, NULL);
    for (int i = 0; i < 64; i++) {
        if (mask >> i & 1) {
            json_array_append_new(nodes, json_integer(i));
        }
    }
    json_array_append_new(opaque, json_pack("{s:s, s:I, s:b, s:b, s:b, s:b, s:b, s:o, s:s}", "id", h->obj.id,
                                            "size", (json_int_t)h->size, "merge", h->merge, "dump",
                                            h->dump, "prealloc", h->prealloc, "share", h->share, "reserve", h->reserve,
                                            "host-nodes", nodes, "policy",
                                            hostmem_policy_names[h->policy]));
}

/* Without backends the board's own memory is one, under the name of its region. */
json_t *cmd_query_memdev(CmdContext *ctx, Error **errp)
{
    const MachineConfig *c = machine_config(ctx->machine);
    json_t *list = json_array();

    hostmem_foreach(ctx->machine, append_memdev, list);
    if (!c->memory_backend && !c->numa && c->ram_size) {
        json_array_append_new(list, json_pack("{s:s, s:I, s:b, s:b, s:b, s:b, s:b, s:[], s:s}", "id",
                                              "pc.ram", "size", (json_int_t)c->ram_size, "merge", 0,
                                              "dump", 0, "prealloc", 0, "share", 0, "reserve", 0, "host-nodes",
                                              "policy", "default"));
    }
    return list;
}

bool hmp_info_memdev(CmdContext *ctx, GString *out, Error **errp)
{
    g_autoptr(json_t) list = cmd_query_memdev(ctx, errp);
    size_t i;
    json_t *d, *n;

    json_array_foreach(list, i, d)
    {
        static const char *const flags[] = {"merge", "dump", "prealloc", "share"};
        g_string_append_printf(out, "memory backend: %s\n  size:  %" JSON_INTEGER_FORMAT "\n",
                               json_string_value(json_object_get(d, "id")),
                               json_integer_value(json_object_get(d, "size")));
        for (size_t f = 0; f < G_N_ELEMENTS(flags); f++) {
            g_string_append_printf(out, "  %s: %s\n", flags[f],
                                   json_is_true(json_object_get(d, flags[f])) ? "true" : "false");
        }
        g_string_append_printf(out, "  policy: %s\n  host nodes:",
                               json_string_value(json_object_get(d, "policy")));
        size_t k;
        json_array_foreach(json_object_get(d, "host-nodes"), k, n)
        {
            g_string_append_printf(out, " %" JSON_INTEGER_FORMAT, json_integer_value(n));
        }
        g_string_append_c(out, '\n');
    }
    return true;
}

bool hmp_info_numa(CmdContext *ctx, GString *out, Error **errp)
{
    const NumaConfig *n = machine_config(ctx->machine)->numa;

    g_string_append_printf(out, "%d nodes\n", n ? n->nodes : 0);
    for (int i = 0; n && i < n->nodes; i++) {
        HostMem *h = n->node[i].memdev ? hostmem_find(ctx->machine, n->node[i].memdev, NULL) : NULL;
        g_string_append_printf(out, "node %d cpus:", i);
        for (int cpu = 0; cpu < machine_cpu_count(ctx->machine); cpu++) {
            if (n->cpu_node[cpu] == i) {
                g_string_append_printf(out, " %d", cpu);
            }
        }
        g_string_append_printf(out, "\nnode %d size: %" PRIu64 " MB\nnode %d plugged: 0 MB\n", i,
                               h ? h->size >> 20 : 0, i);
    }
    return true;
}
