/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -numa: nodes, processors of nodes, distances. Error texts are QEMU's.
 */
#include <inttypes.h>
#include <string.h>

#include "main/config.h"
#include "schema/opts.h"

typedef struct Numa {
    Config *c;
    NumaConfig *n;
    bool present[NUMA_MAX_NODES];
    bool distance_given[NUMA_MAX_NODES][NUMA_MAX_NODES];
    int last; /* highest node */
} Numa;

/* ---- values ---- */

static bool number(json_t *o, const char *key, uint64_t max, uint64_t *v, bool *given, Error **errp)
{
    const char *text = opts_get(o, key);
    char *end;

    *given = text;
    if (!text) {
        return true;
    }
    *v = g_ascii_strtoull(text, &end, 0);
    if (!g_ascii_isdigit(*text) || *end || *v > max) {
        error_set(errp, ERR_INVALID_PARAMETER, "Parameter '%s' expects a number up to %" PRIu64, key, max);
        return false;
    }
    return true;
}

static bool only_keys(json_t *o, const char *const *keys, Error **errp)
{
    const char *key;
    json_t *v;

    json_object_foreach(o, key, v)
    {
        if (!g_strv_contains(keys, key)) {
            error_set(errp, ERR_INVALID_PARAMETER, "Parameter '%s' is unexpected", key);
            return false;
        }
    }
    return true;
}

static bool assign(Numa *a, int cpu, int node, Error **errp)
{
    int16_t *at = &a->n->cpu_node[cpu];

    if (*at >= 0 && *at != node) {
        error_set(errp, ERR_INVALID_PARAMETER, "CPU is already assigned to node-id: %d", *at);
        return false;
    }
    *at = node;
    return true;
}

/* "3" or "0-2" */
static bool assign_range(Numa *a, const char *text, int node, Error **errp)
{
    uint64_t first, last;
    char *end;

    first = last = g_ascii_strtoull(text, &end, 10);
    if (g_ascii_isdigit(*text) && *end == '-' && g_ascii_isdigit(end[1])) {
        last = g_ascii_strtoull(end + 1, &end, 10);
    }
    if (!g_ascii_isdigit(*text) || *end || last < first) {
        error_set(errp, ERR_INVALID_PARAMETER, "Parameter 'cpus' expects a number or a range, not '%s'", text);
        return false;
    }
    if (last >= (uint64_t)a->c->maxcpus) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "CPU index (%" PRIu64 ") should be smaller than maxcpus (%" PRId64 ")", last,
                  a->c->maxcpus);
        return false;
    }
    for (uint64_t i = first; i <= last; i++) {
        if (!assign(a, (int)i, node, errp)) {
            return false;
        }
    }
    return true;
}

/* ---- -numa node ---- */

static bool add_node(Numa *a, json_t *o, Error **errp)
{
    static const char *const keys[] = {"type", "nodeid", "cpus", "mem", "memdev", "initiator", NULL};
    uint64_t id = a->n->nodes;
    const char *cpus = opts_get(o, "cpus"), *memdev = opts_get(o, "memdev");
    bool given;

    if (!only_keys(o, keys, errp) || !number(o, "nodeid", 65535, &id, &given, errp)) {
        return false;
    }
    if (id >= NUMA_MAX_NODES) {
        error_set(errp, ERR_INVALID_PARAMETER, "Max number of NUMA nodes reached: %" PRIu64, id);
        return false;
    }
    if (a->present[id]) {
        error_set(errp, ERR_INVALID_PARAMETER, "Duplicate NUMA nodeid: %" PRIu64, id);
        return false;
    }
    if (opts_get(o, "mem")) {
        error_set(errp, ERR_UNSUPPORTED, "Parameter -numa node,mem is not supported by this machine type");
        error_hint(errp, "use -numa node,memdev with an -object memory-backend-ram instead");
        return false;
    }
    if (opts_get(o, "initiator")) {
        error_set(errp, ERR_UNSUPPORTED, "initiator= is for heterogeneous memory tables, which this machine "
                                         "does not have");
        return false;
    }
    a->present[id] = true;
    a->last = MAX(a->last, (int)id);
    a->n->nodes++;
    a->n->node[id].memdev = memdev;
    g_auto(GStrv) ranges = g_strsplit(cpus ? cpus : "", ":", -1);
    for (char **r = ranges; *r; r++) {
        if (!assign_range(a, *r, (int)id, errp)) {
            return false;
        }
    }
    return true;
}

/* ---- -numa cpu ---- */

/* Where a processor is, by level: what x86_apic_id() packs. */
static bool matches(const Config *c, int cpu, const uint64_t want[4], const bool given[4])
{
    const uint64_t is[4] = {cpu / c->threads / c->cores / c->dies, cpu / c->threads / c->cores % c->dies,
                            cpu / c->threads % c->cores, cpu % c->threads};

    for (int i = 0; i < 4; i++) {
        if (given[i] && is[i] != want[i]) {
            return false;
        }
    }
    return true;
}

static bool add_cpu(Numa *a, json_t *o, Error **errp)
{
    static const char *const keys[] = {"type", "node-id", "socket-id", "die-id", "core-id", "thread-id", NULL};
    uint64_t node, want[4] = {0};
    bool given, has[4], any = false;

    if (!only_keys(o, keys, errp) || !number(o, "node-id", 65535, &node, &given, errp)) {
        return false;
    }
    if (!given) {
        error_set(errp, ERR_INVALID_PARAMETER, "Missing mandatory node-id property");
        return false;
    }
    if (node >= NUMA_MAX_NODES || !a->present[node]) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "Invalid node-id=%" PRIu64 ", NUMA node must be defined with -numa node,nodeid=ID "
                  "before it's used with -numa cpu,node-id=ID", node);
        return false;
    }
    for (int i = 0; i < 4; i++) {
        if (!number(o, keys[2 + i], INT32_MAX, &want[i], &has[i], errp)) {
            return false;
        }
    }
    for (int cpu = 0; cpu < a->c->maxcpus; cpu++) {
        if (matches(a->c, cpu, want, has)) {
            any = true;
            if (!assign(a, cpu, (int)node, errp)) {
                return false;
            }
        }
    }
    if (!any) {
        error_set(errp, ERR_INVALID_PARAMETER, "no match found");
    }
    return any;
}

/* ---- -numa dist ---- */

static bool add_distance(Numa *a, json_t *o, Error **errp)
{
    static const char *const keys[] = {"type", "src", "dst", "val", NULL};
    uint64_t v[3];
    bool given;

    if (!only_keys(o, keys, errp)) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        if (!number(o, keys[1 + i], i < 2 ? 65535 : 255, &v[i], &given, errp)) {
            return false;
        }
        if (!given) {
            error_set(errp, ERR_INVALID_PARAMETER, "Parameter '%s' is missing", keys[1 + i]);
            return false;
        }
    }
    if (v[0] >= NUMA_MAX_NODES || v[1] >= NUMA_MAX_NODES || !a->present[v[0]] || !a->present[v[1]]) {
        error_set(errp, ERR_INVALID_PARAMETER, "Source/Destination NUMA node is missing. Please use "
                                               "'-numa node' option to declare it first.");
        return false;
    }
    if (v[2] < NUMA_LOCAL) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "NUMA distance (%d) is invalid, it shouldn't be less than %d.", (int)v[2], NUMA_LOCAL);
        return false;
    }
    if (v[0] == v[1] && v[2] != NUMA_LOCAL) {
        error_set(errp, ERR_INVALID_PARAMETER, "Local distance of node %d should be %d.", (int)v[0],
                  NUMA_LOCAL);
        return false;
    }
    a->n->has_distances = true;
    a->n->distance[v[0]][v[1]] = v[2];
    a->distance_given[v[0]][v[1]] = true;
    return true;
}

/* ---- what is left open ---- */

/* A distance given one way holds both ways; all must be there then. */
static bool complete_distances(Numa *a, Error **errp)
{
    NumaConfig *n = a->n;

    for (int i = 0; i < n->nodes; i++) {
        for (int k = 0; k < n->nodes; k++) {
            if (a->distance_given[i][k]) {
                continue;
            }
            if (i == k) {
                n->distance[i][k] = NUMA_LOCAL;
            } else if (!n->has_distances) {
                n->distance[i][k] = NUMA_REMOTE;
            } else if (a->distance_given[k][i]) {
                n->distance[i][k] = n->distance[k][i];
            } else {
                error_set(errp, ERR_INVALID_PARAMETER,
                          "The distance between node %d and %d is missing, at least one distance value "
                          "between each nodes should be provided.", i, k);
                return false;
            }
        }
    }
    return true;
}

/* Nobody was placed: packages take the nodes in turn. Some were: the others are on node 0. */
static void complete_cpus(Numa *a)
{
    const Config *c = a->c;
    g_autoptr(GString) homeless = g_string_new(NULL);
    bool any = false;

    for (int i = 0; i < c->maxcpus; i++) {
        any |= a->n->cpu_node[i] >= 0;
    }
    for (int i = 0; i < c->maxcpus; i++) {
        int16_t *at = &a->n->cpu_node[i];
        if (*at < 0) {
            *at = any ? 0 : i / (c->threads * c->cores * c->dies) % a->n->nodes;
            g_string_append_printf(homeless, "%s%d", homeless->len ? ", " : "", i);
        }
    }
    if (any && homeless->len) {
        warn_report("CPU(s) not present in any NUMA nodes: CPU %s", homeless->str);
        warn_report("All CPU(s) up to maxcpus should be described in NUMA config, ability to start up "
                    "with partial NUMA mappings is obsoleted and will be removed in future");
    }
}

static bool add(Numa *a, json_t *o, Error **errp)
{
    const char *type = opts_get(o, "type");

    if (!g_strcmp0(type, "node")) {
        return add_node(a, o, errp);
    }
    if (!g_strcmp0(type, "cpu")) {
        return add_cpu(a, o, errp);
    }
    if (!g_strcmp0(type, "dist")) {
        return add_distance(a, o, errp);
    }
    error_set(errp, ERR_INVALID_PARAMETER, "Parameter 'type' does not accept value '%s'", type ? type : "");
    error_hint(errp, "it is node, cpu or dist");
    return false;
}

bool config_check_numa(Config *c, Error **errp)
{
    Numa a = {.c = c, .last = -1};

    if (!c->numa_opts->len) {
        return true;
    }
    a.n = c->numa = g_new0(NumaConfig, 1);
    a.n->cpu_node = g_new(int16_t, c->maxcpus);
    for (int i = 0; i < c->maxcpus; i++) {
        a.n->cpu_node[i] = -1;
    }
    for (guint i = 0; i < c->numa_opts->len; i++) {
        if (!add(&a, c->numa_opts->pdata[i], errp)) {
            error_prepend(errp, "-numa: ");
            return false;
        }
    }
    for (int i = 0; i <= a.last; i++) {
        if (!a.present[i]) {
            error_set(errp, ERR_INVALID_PARAMETER, "-numa: Node ID missing: %d", i);
            return false;
        }
    }
    if (!complete_distances(&a, errp)) {
        return false;
    }
    complete_cpus(&a);
    return true;
}
