/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands that show what a machine consists of.
 */
#include <string.h>
#include "chardev/chardev.h"
#include "config-host.h"
#include "monitor/session.h"
#include "schema/commands.h"

/* ---- processors ---- */

Cpu *session_cpu(CmdContext *ctx, Error **errp)
{
    int n = ctx->session ? ctx->session->cpu : 0;

    if (n >= machine_cpu_count(ctx->machine)) {
        error_set(errp, ERR_GENERIC, "this machine has no processor");
        return NULL;
    }
    return machine_cpu(ctx->machine, n);
}

static bool check_cpu(CmdContext *ctx, int64_t n, Error **errp)
{
    int count = machine_cpu_count(ctx->machine);

    if (n >= 0 && n < count) {
        return true;
    }
    error_set(errp, ERR_INVALID_PARAMETER, "there is no processor %lld", (long long)n);
    if (count) {
        error_hint(errp, "they are numbered 0 to %d", count - 1);
    }
    return false;
}

bool hmp_cpu(CmdContext *ctx, const HmpCpuArgs *args, GString *out, Error **errp)
{
    if (!check_cpu(ctx, args->index, errp)) {
        return false;
    }
    if (ctx->session) {
        ctx->session->cpu = args->index;
    }
    return true;
}

static void dump_registers(Cpu *cpu, void *opaque)
{
    GString *out = opaque;

    g_string_append_printf(out, "\nCPU#%d\n", cpu->index);
    if (cpu->target->dump) {
        cpu->target->dump(cpu, out);
    }
    if (out->str[out->len - 1] != '\n') {
        g_string_append_c(out, '\n');
    }
}

bool hmp_info_registers(CmdContext *ctx, const HmpInfoRegistersArgs *args, GString *out,
                        Error **errp)
{
    int first = 0, last = machine_cpu_count(ctx->machine) - 1;
    Cpu *cpu = session_cpu(ctx, errp);

    if (!cpu || (args->has_cpu && !check_cpu(ctx, args->cpu, errp))) {
        return false;
    }
    if (!args->all) {
        first = last = args->has_cpu ? args->cpu : cpu->index;
    }
    for (int i = first; i <= last; i++) {
        cpu_run_synced(machine_cpu(ctx->machine, i), dump_registers, out);
    }
    return true;
}

bool hmp_info_cpus(CmdContext *ctx, GString *out, Error **errp)
{
    int chosen = ctx->session ? ctx->session->cpu : 0;

    for (int i = 0; i < machine_cpu_count(ctx->machine); i++) {
        Cpu *cpu = machine_cpu(ctx->machine, i);
        g_string_append_printf(out, "%c CPU #%d: thread_id=%d\n", i == chosen ? '*' : ' ', i,
                               cpu->host_tid);
    }
    return true;
}

json_t *cmd_query_cpus_fast(CmdContext *ctx, Error **errp)
{
    json_t *list = json_array();

    for (int i = 0; i < machine_cpu_count(ctx->machine); i++) {
        Cpu *cpu = machine_cpu(ctx->machine, i);
        g_autofree char *path = g_strdup_printf("/machine/unattached/device[%d]", i);
        json_array_append_new(list,
                              json_pack("{s:i, s:s, s:i, s:s, s:o}", "cpu-index", i, "qom-path",
                                        path, "thread-id", cpu->host_tid, "target",
                                        cpu->target->name, "props",
                                        session_cpu_place(ctx->machine, i)));
    }
    return list;
}

json_t *cmd_query_target(CmdContext *ctx, Error **errp)
{
    const TargetOps *t = machine_target(ctx->machine);

    return json_pack("{s:s}", "arch", t ? t->name : "none");
}

/* ---- the board ---- */

bool hmp_info_mtree(CmdContext *ctx, const HmpInfoMtreeArgs *args, GString *out, Error **errp)
{
    mem_dump_tree(ctx->machine, out, args->flat);
    return true;
}

bool hmp_info_qtree(CmdContext *ctx, GString *out, Error **errp)
{
    device_dump_tree(ctx->machine, out);
    return true;
}

static bool accel_is_kvm(Machine *m)
{
    const AccelOps *a = machine_accel(m);

    return a && !strcmp(a->name, "kvm");
}

bool hmp_info_jit(CmdContext *ctx, GString *out, Error **errp)
{
    const AccelOps *a = machine_accel(ctx->machine);

    if (!a || !a->info || accel_is_kvm(ctx->machine)) {
        g_string_append_printf(out, "accelerator '%s' has nothing to tell\n", a ? a->name : "none");
        return true;
    }
    a->info(ctx->machine, out);
    return true;
}

json_t *cmd_query_kvm(CmdContext *ctx, Error **errp)
{
    bool present = false;

    REGISTRY_FOREACH (AccelOps, it) {
        present |= !strcmp((*it)->name, "kvm");
    }
    return json_pack("{s:b, s:b}", "enabled", accel_is_kvm(ctx->machine), "present", present);
}

bool hmp_info_kvm(CmdContext *ctx, GString *out, Error **errp)
{
    g_string_append_printf(out, "kvm support: %s\n",
                           accel_is_kvm(ctx->machine) ? "enabled" : "disabled");
    if (accel_is_kvm(ctx->machine)) {
        machine_accel(ctx->machine)->info(ctx->machine, out);
    }
    return true;
}

bool hmp_info_version(CmdContext *ctx, GString *out, Error **errp)
{
    g_string_append(out, RHEA_VERSION " (Rhea)\n");
    return true;
}

/* ---- character devices ---- */

static CharSet *session_chardevs(CmdContext *ctx)
{
    return ctx->session && ctx->session->port ? char_port_set(ctx->session->port) : NULL;
}

bool hmp_info_chardev(CmdContext *ctx, GString *out, Error **errp)
{
    CharSet *set = session_chardevs(ctx);
    Chardev *d;

    for (unsigned i = 0; set && (d = charset_nth(set, i)); i++) {
        g_string_append_printf(out, "%s: filename=%s\n", chardev_id(d), chardev_filename(d));
    }
    return true;
}

json_t *cmd_query_chardev(CmdContext *ctx, Error **errp)
{
    json_t *list = json_array();
    CharSet *set = session_chardevs(ctx);
    Chardev *d;

    for (unsigned i = 0; set && (d = charset_nth(set, i)); i++) {
        json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "label", chardev_id(d), "filename",
                                              chardev_filename(d), "frontend-open",
                                              chardev_has_frontend(d)));
    }
    return list;
}

json_t *cmd_query_chardev_backends(CmdContext *ctx, Error **errp)
{
    json_t *list = json_array();
    const char *name;

    for (unsigned i = 0; (name = chardev_backend_nth(i)); i++) {
        json_array_append_new(list, json_pack("{s:s}", "name", name));
    }
    return list;
}

bool cmd_chardev_remove(CmdContext *ctx, const CmdChardevRemoveArgs *args, Error **errp)
{
    CharSet *set = session_chardevs(ctx);
    Chardev *d = set ? charset_find(set, args->id) : NULL;

    if (!d) {
        error_set(errp, ERR_GENERIC, "there is no character device '%s'", args->id);
        return false;
    }
    return chardev_remove(d, errp);
}

static Chardev *find_ring(CmdContext *ctx, const char *id, Error **errp)
{
    CharSet *set = session_chardevs(ctx);
    Chardev *d = set ? charset_find(set, id) : NULL;

    if (!d) {
        error_set(errp, ERR_GENERIC, "there is no character device '%s'", id);
    }
    return d;
}

json_t *cmd_ringbuf_read(CmdContext *ctx, const CmdRingbufReadArgs *args, Error **errp)
{
    Chardev *d = find_ring(ctx, args->device, errp);
    Error *err = NULL;

    if (!d) {
        return NULL;
    }
    if (args->size <= 0 || args->size > (64 << 20)) {
        error_set(errp, ERR_INVALID_PARAMETER, "size must be 1 to 67108864");
        return NULL;
    }
    g_autofree uint8_t *buf = g_malloc(args->size);
    size_t n = chardev_ring_read(d, buf, args->size, &err);
    if (err) {
        error_propagate(errp, err);
        return NULL;
    }
    g_autofree char *text = args->format == SCHEMA_DATA_FORMAT_BASE64
                                ? g_base64_encode(buf, n)
                                : g_utf8_make_valid((char *)buf, n);
    return json_string(text);
}

bool cmd_ringbuf_write(CmdContext *ctx, const CmdRingbufWriteArgs *args, Error **errp)
{
    Chardev *d = find_ring(ctx, args->device, errp);
    gsize n = strlen(args->data);

    if (!d) {
        return false;
    }
    if (args->format == SCHEMA_DATA_FORMAT_BASE64) {
        g_autofree guchar *raw = g_base64_decode(args->data, &n);
        return chardev_ring_write(d, raw, n, errp);
    }
    return chardev_ring_write(d, (const uint8_t *)args->data, n, errp);
}
