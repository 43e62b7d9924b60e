/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of disks: what there is, media of removable drives, nodes and drives that come and go.
 */
#include <string.h>

#include "block/blockdev.h"
#include "monitor/session.h"
#include "schema/commands.h"
#include "schema/opts.h"

/* A machine that was made without disks has an empty set: nothing is found in it. */
static BlockSet *set_of(CmdContext *ctx, Error **errp)
{
    BlockSet *set = machine_config(ctx->machine)->block_set;

    if (!set) {
        error_set(errp, ERR_DEVICE_NOT_ACTIVE, "the machine has no disks");
    }
    return set;
}

/* ---- listing ---- */

static json_t *list_ports(BlockSet *set, json_t *(*what)(BlockPort *))
{
    json_t *list = json_array();
    BlockPort *p;

    for (unsigned i = 0; set && (p = blockset_port_nth(set, i)); i++) {
        if (block_port_listed(p)) {
            json_array_append_new(list, what(p));
        }
    }
    return list;
}

json_t *cmd_query_block(CmdContext *ctx, Error **errp)
{
    return list_ports(set_of(ctx, NULL), block_query_port);
}

json_t *cmd_query_blockstats(CmdContext *ctx, const CmdQueryBlockstatsArgs *args, Error **errp)
{
    return list_ports(set_of(ctx, NULL), block_query_stats);
}

json_t *cmd_query_named_block_nodes(CmdContext *ctx, const CmdQueryNamedBlockNodesArgs *args,
                                    Error **errp)
{
    BlockSet *set = set_of(ctx, NULL);
    json_t *list = json_array();
    BlockNode *n;

    for (unsigned i = 0; set && (n = blockset_node_nth(set, i)); i++) {
        json_t *j = block_query_node(n);
        if (args->flat) {
            json_object_del(json_object_get(j, "image"), "backing-image");
        }
        json_array_append_new(list, j);
    }
    return list;
}

static const char *str(const json_t *j, const char *key)
{
    const char *s = json_string_value(json_object_get(j, key));

    return s ? s : "";
}

static bool yes(const json_t *j, const char *key)
{
    return json_is_true(json_object_get(j, key));
}

/* The medium, as QEMU prints it. */
static void print_inserted(GString *out, const json_t *in, bool verbose)
{
    const json_t *cache = json_object_get(in, "cache");

    g_string_append_printf(out, "    Cache mode:       %s%s%s\n",
                           yes(cache, "writeback") ? "writeback" : "writethrough",
                           yes(cache, "direct") ? ", direct" : "",
                           yes(cache, "no-flush") ? ", ignore flushes" : "");
    if (*str(in, "backing_file")) {
        g_string_append_printf(out, "    Backing file:     %s (chain depth: %lld)\n",
                               str(in, "backing_file"),
                               (long long)json_integer_value(json_object_get(in, "backing_file_depth")));
    }
    if (strcmp(str(in, "detect_zeroes"), "off")) {
        g_string_append_printf(out, "    Detect zeroes:    %s\n", str(in, "detect_zeroes"));
    }
    if (verbose) {
        g_string_append(out, "\nImages:\n");
        const json_t *image = json_object_get(in, "image");
        for (; image; image = json_object_get(image, "backing-image")) {
            block_image_text(out, image);
        }
    }
}

static void print_head(GString *out, const char *name, const json_t *in)
{
    g_string_append(out, name);
    if (!in) {
        g_string_append(out, ": [not inserted]\n");
        return;
    }
    g_string_append_printf(out, "%s%s%s: %s (%s%s)\n", *name ? " (" : "", str(in, "node-name"),
                           *name ? ")" : "", str(in, "file"), str(in, "drv"),
                           yes(in, "ro") ? ", read-only" : "");
}

static void print_port(GString *out, const json_t *j, bool verbose)
{
    const json_t *in = json_object_get(j, "inserted");
    const char *name = str(j, "device");

    print_head(out, *name || in ? name : str(j, "qdev"), in);
    if (*str(j, "qdev")) {
        g_string_append_printf(out, "    Attached to:      %s\n", str(j, "qdev"));
    }
    if (yes(j, "removable")) {
        g_string_append_printf(out, "    Removable device: %slocked, tray %s\n",
                               yes(j, "locked") ? "" : "not ", yes(j, "tray_open") ? "open" : "closed");
    }
    if (*str(j, "io-status") && strcmp(str(j, "io-status"), "ok")) {
        g_string_append_printf(out, "    I/O status:       %s\n", str(j, "io-status"));
    }
    if (in) {
        print_inserted(out, in, verbose);
    }
}

bool hmp_info_block(CmdContext *ctx, const HmpInfoBlockArgs *args, GString *out, Error **errp)
{
    BlockSet *set = set_of(ctx, NULL);
    g_autoptr(json_t) list = args->nodes ? json_array() : list_ports(set, block_query_port);
    json_t *j;
    size_t i;
    bool any = false;
    BlockNode *n;

    for (unsigned k = 0; args->nodes && set && (n = blockset_node_nth(set, k)); k++) {
        json_array_append_new(list, json_pack("{s:o}", "inserted", block_query_node(n)));
    }
    json_array_foreach(list, i, j)
    {
        const char *node = str(json_object_get(j, "inserted"), "node-name");
        if (args->device && strcmp(args->device, str(j, "device")) && strcmp(args->device, node)) {
            continue;
        }
        g_string_append(out, any ? "\n" : "");
        print_port(out, j, args->verbose);
        any = true;
    }
    if (!any && args->device) {
        error_set(errp, ERR_DEVICE_NOT_FOUND, "Device '%s' not found", args->device);
        return false;
    }
    return true;
}

bool hmp_info_blockstats(CmdContext *ctx, GString *out, Error **errp)
{
    static const char *const shown[] = {
        "rd_bytes", "wr_bytes", "rd_operations", "wr_operations", "flush_operations",
        "wr_total_time_ns", "rd_total_time_ns", "flush_total_time_ns", "rd_merged", "wr_merged",
        "idle_time_ns",
    };
    g_autoptr(json_t) list = list_ports(set_of(ctx, NULL), block_query_stats);
    json_t *j;
    size_t i;

    json_array_foreach(list, i, j)
    {
        const json_t *s = json_object_get(j, "stats");
        g_string_append_printf(out, "%s:", *str(j, "device") ? str(j, "device") : str(j, "qdev"));
        for (size_t k = 0; k < G_N_ELEMENTS(shown); k++) {
            g_string_append_printf(out, " %s=%lld", shown[k],
                                   (long long)json_integer_value(json_object_get(s, shown[k])));
        }
        g_string_append_c(out, '\n');
    }
    return true;
}

/* ---- media ---- */

static BlockPort *find(CmdContext *ctx, const char *device, const char *id, Error **errp)
{
    BlockSet *set = set_of(ctx, errp);

    return set ? blockset_find_port(set, device, id, errp) : NULL;
}

bool cmd_eject(CmdContext *ctx, const CmdEjectArgs *args, Error **errp)
{
    BlockPort *p = find(ctx, args->device, args->id, errp);

    return p && block_port_eject(p, args->force, errp);
}

bool hmp_eject(CmdContext *ctx, const HmpEjectArgs *args, GString *out, Error **errp)
{
    BlockPort *p = find(ctx, args->device, NULL, errp);

    return p && block_port_eject(p, args->force, errp);
}

bool cmd_blockdev_open_tray(CmdContext *ctx, const CmdBlockdevOpenTrayArgs *args, Error **errp)
{
    BlockPort *p = find(ctx, args->device, args->id, errp);

    if (p && !args->force && block_port_locked(p) && !block_port_tray_open(p)) {
        block_port_open_tray(p, false, NULL); /* the guest is asked to do it, and that is all */
        return true;
    }
    return p && block_port_open_tray(p, args->force, errp);
}

bool cmd_blockdev_close_tray(CmdContext *ctx, const CmdBlockdevCloseTrayArgs *args, Error **errp)
{
    BlockPort *p = find(ctx, args->device, args->id, errp);

    return p && block_port_close_tray(p, errp);
}

bool cmd_blockdev_remove_medium(CmdContext *ctx, const CmdBlockdevRemoveMediumArgs *args,
                                Error **errp)
{
    BlockPort *p = find(ctx, NULL, args->id, errp);

    return p && block_port_remove_medium(p, errp);
}

bool cmd_blockdev_insert_medium(CmdContext *ctx, const CmdBlockdevInsertMediumArgs *args,
                                Error **errp)
{
    BlockPort *p = find(ctx, NULL, args->id, errp);
    BlockNode *n = p ? node_find(machine_config(ctx->machine)->block_set, args->node_name) : NULL;

    if (p && !n) {
        error_set(errp, ERR_DEVICE_NOT_FOUND, "Node '%s' not found", args->node_name);
    }
    return n && block_port_insert_medium(p, n, errp);
}

typedef struct Change {
    const char *file, *format;
    int mode; /* SCHEMA_BLOCKDEV_CHANGE_READ_ONLY_MODE_... */
    bool force;
} Change;

static BlockNode *open_medium(CmdContext *ctx, BlockPort *p, const Change *c, Error **errp)
{
    unsigned flags = BLOCK_AUTO_RDONLY | BLOCK_UNMAP;
    bool write = block_port_inserted(p) ? !block_port_readonly(p) : !block_port_wants_read_only(p);

    if (c->mode == SCHEMA_BLOCKDEV_CHANGE_READ_ONLY_MODE_READ_ONLY) {
        write = false;
    } else if (c->mode == SCHEMA_BLOCKDEV_CHANGE_READ_ONLY_MODE_READ_WRITE) {
        write = true;
        flags &= ~BLOCK_AUTO_RDONLY;
    }
    return node_open_file(machine_config(ctx->machine)->block_set, c->file, c->format,
                          flags | (write ? BLOCK_RDWR : 0), NULL, errp);
}

static bool change_medium(CmdContext *ctx, BlockPort *p, const Change *c, Error **errp)
{
    BlockNode *n = p ? open_medium(ctx, p, c, errp) : NULL;

    if (!n) {
        return false;
    }
    bool ok = block_port_open_tray(p, c->force, errp) && block_port_remove_medium(p, errp) &&
              block_port_insert_medium(p, n, errp) && block_port_close_tray(p, errp);
    node_unref(n);
    return ok;
}

bool cmd_blockdev_change_medium(CmdContext *ctx, const CmdBlockdevChangeMediumArgs *args,
                                Error **errp)
{
    const Change c = {args->filename, args->format, args->read_only_mode, args->force};

    return change_medium(ctx, find(ctx, args->device, args->id, errp), &c, errp);
}

bool hmp_change(CmdContext *ctx, const HmpChangeArgs *args, GString *out, Error **errp)
{
    const Change c = {args->target, args->format, args->read_only_mode, args->force};

    return change_medium(ctx, find(ctx, args->device, NULL, errp), &c, errp);
}

/* ---- sizes, nodes, drives ---- */

static bool resize_node(BlockSet *set, const char *name, uint64_t size, Error **errp)
{
    BlockNode *n = node_find(set, name);

    if (!n) {
        error_set(errp, ERR_DEVICE_NOT_FOUND, "Node '%s' not found", name);
        return false;
    }
    return block_node_resize(n, size, errp);
}

bool cmd_block_resize(CmdContext *ctx, const CmdBlockResizeArgs *args, Error **errp)
{
    BlockSet *set = set_of(ctx, errp);

    if (!set) {
        return false;
    }
    if (args->size < 0) {
        error_set(errp, ERR_INVALID_PARAMETER, "Parameter 'size' expects a >0 size");
        return false;
    }
    if (args->node_name && !args->device) {
        return resize_node(set, args->node_name, (uint64_t)args->size, errp);
    }
    BlockPort *p = blockset_find_port(set, args->device, args->node_name, errp);
    return p && block_port_resize(p, (uint64_t)args->size, errp);
}

bool hmp_block_resize(CmdContext *ctx, const HmpBlockResizeArgs *args, GString *out, Error **errp)
{
    BlockPort *p = find(ctx, args->device, NULL, errp);

    return p && block_port_resize(p, args->size, errp);
}

static bool commit_all(BlockSet *set, Error **errp)
{
    BlockPort *p;

    for (unsigned i = 0; (p = blockset_port_nth(set, i)); i++) {
        if (block_port_can_commit(p) && !block_port_commit(p, errp)) {
            return false;
        }
    }
    return true;
}

bool hmp_commit(CmdContext *ctx, const HmpCommitArgs *args, GString *out, Error **errp)
{
    BlockSet *set = set_of(ctx, errp);

    if (!set) {
        return false;
    }
    if (!strcmp(args->device, "all")) {
        return commit_all(set, errp);
    }
    BlockPort *p = blockset_find_port(set, args->device, NULL, errp);
    return p && block_port_commit(p, errp);
}

bool cmd_blockdev_add(CmdContext *ctx, const CmdBlockdevAddArgs *args, Error **errp)
{
    BlockSet *set = set_of(ctx, errp);

    return set && blockset_add_node(set, ctx->arguments, errp);
}

bool cmd_blockdev_del(CmdContext *ctx, const CmdBlockdevDelArgs *args, Error **errp)
{
    BlockSet *set = set_of(ctx, errp);

    return set && blockset_del_node(set, args->node_name, errp);
}

bool hmp_drive_add(CmdContext *ctx, const HmpDriveAddArgs *args, GString *out, Error **errp)
{
    BlockSet *set = set_of(ctx, errp);
    const char *space = strchr(args->options, ' ');

    if (!set) {
        return false;
    }
    if (!space) { /* the first word is an address of a PCI slot that nobody uses any more */
        error_set(errp, ERR_INVALID_PARAMETER, "drive_add needs an address and the drive's options");
        error_hint(errp, "drive_add 0 if=none,file=...,id=...");
        return false;
    }
    g_autoptr(json_t) opts = opts_parse(space + strspn(space, " "), NULL, errp);
    if (!opts) {
        return false;
    }
    if (g_strcmp0(opts_get(opts, "if"), "none")) {
        error_set(errp, ERR_UNSUPPORTED, "Can't hot-add drive to type '%s'",
                  opts_get(opts, "if") ? opts_get(opts, "if") : "default");
        error_hint(errp, "if=none, and then device_add");
        return false;
    }
    if (!blockset_add_drive(set, opts, false, errp)) {
        return false;
    }
    g_string_append(out, "OK\n");
    return true;
}

bool hmp_drive_del(CmdContext *ctx, const HmpDriveDelArgs *args, GString *out, Error **errp)
{
    BlockSet *set = set_of(ctx, errp);

    return set && blockset_del_drive(set, args->id, errp);
}
