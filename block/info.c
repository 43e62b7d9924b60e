/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What clients see of ports and nodes: the objects of query-block, query-blockstats and
 * query-named-block-nodes, with QEMU's members.
 *
 * home: main loop.
 */
#include <errno.h>
#include <string.h>

#include "base/loop.h"
#include "block/port.h"

static const char *node_filename(const BlockNode *n)
{
    return n->filename ? n->filename : "";
}

json_t *block_query_image(BlockNode *n)
{
    json_t *j = block_image_info(n);

    if (n->backing) {
        json_object_set_new(j, "backing-image", block_query_image(n->backing));
    }
    return j;
}

static int backing_depth(const BlockNode *n)
{
    int depth = 0;

    for (; n->backing; n = n->backing) {
        depth++;
    }
    return depth;
}

/* writeback is the port's: a node has none of its own. */
static json_t *device_info(BlockNode *n, bool writeback)
{
    static const char *const zero_counts[] = {"iops", "iops_rd", "iops_wr", "bps", "bps_rd",
                                              "bps_wr", "write_threshold"};
    json_t *j = json_pack("{s:s, s:b, s:s, s:s, s:b, s:i, s:s, s:{s:b, s:b, s:b}, s:o}", "file",
                          node_filename(n), "ro", !(n->flags & BLOCK_RDWR), "drv", n->drv->name,
                          "node-name", n->name, "encrypted", 0, "backing_file_depth",
                          backing_depth(n), "detect_zeroes",
                          n->flags & BLOCK_DETECT_UNMAP    ? "unmap"
                          : n->flags & BLOCK_DETECT_ZEROES ? "on"
                                                           : "off",
                          "cache", "writeback", writeback, "direct", !!(n->flags & BLOCK_NOCACHE),
                          "no-flush", !!(n->flags & BLOCK_NO_FLUSH), "image", block_query_image(n));

    for (size_t i = 0; i < G_N_ELEMENTS(zero_counts); i++) {
        json_object_set_new(j, zero_counts[i], json_integer(0));
    }
    if (n->backing) {
        json_object_set_new(j, "backing_file", json_string(node_filename(n->backing)));
    }
    return j;
}

json_t *block_query_node(BlockNode *n)
{
    return device_info(n, true);
}

BlockNode *blockset_node_nth(BlockSet *set, unsigned n)
{
    return n < set->nodes->len ? set->nodes->pdata[set->nodes->len - 1 - n] : NULL;
}

bool block_port_listed(BlockPort *p)
{
    return !p->unnamed || p->attached;
}

static void add_device(BlockPort *p, json_t *j)
{
    json_object_set_new(j, "device", json_string(p->unnamed ? "" : p->name));
    if (p->attached) {
        json_object_set_new(j, "qdev", json_string(p->fe_name));
    }
}

json_t *block_query_port(BlockPort *p)
{
    json_t *j = json_pack("{s:b, s:b, s:s}", "removable", p->removable, "locked",
                          block_port_locked(p), "type", "unknown");

    add_device(p, j);
    if (p->removable && p->attached && p->fe.ops && p->fe.ops->tray_open) {
        json_object_set_new(j, "tray_open", json_boolean(block_port_tray_open(p)));
    }
    if (p->attached) {
        g_mutex_lock(&p->lock);
        const Req *r = p->stopped.head;
        const char *status = !r ? "ok" : r->ret == -ENOSPC ? "nospace" : "failed";
        g_mutex_unlock(&p->lock);
        json_object_set_new(j, "io-status", json_string(status));
    }
    if (p->node) {
        json_object_set_new(j, "inserted", device_info(p->node, block_port_write_cache(p)));
    }
    return j;
}

/* ---- statistics ---- */

static const struct {
    const char *name;
    bool bytes;
} stat_names[] = {
    [REQ_READ] = {"rd", true},
    [REQ_WRITE] = {"wr", true},
    [REQ_FLUSH] = {"flush", false},
    [REQ_DISCARD] = {"unmap", true},
};

static void add_stat(json_t *j, const char *fmt, const char *kind, uint64_t value)
{
    g_autofree char *key = g_strdup_printf(fmt, kind);

    json_object_set_new(j, key, json_integer((json_int_t)value));
}

static json_t *stats_object(const PortStats *s, uint64_t highest, bool account)
{
    json_t *j = json_pack("{s:I, s:b, s:b, s:[]}", "wr_highest_offset", (json_int_t)highest,
                          "account_invalid", account, "account_failed", account, "timed_stats");

    for (size_t i = 0; i < G_N_ELEMENTS(stat_names); i++) {
        const char *kind = stat_names[i].name;
        if (!kind) {
            continue;
        }
        /* Zeroes that were written are writes. */
        bool wr = i == REQ_WRITE;
        add_stat(j, "%s_operations", kind, s->ops[i] + (wr ? s->ops[REQ_ZEROES] : 0));
        add_stat(j, "%s_total_time_ns", kind, s->ns[i] + (wr ? s->ns[REQ_ZEROES] : 0));
        add_stat(j, "failed_%s_operations", kind, s->failed[i] + (wr ? s->failed[REQ_ZEROES] : 0));
        add_stat(j, "invalid_%s_operations", kind, s->invalid[i]);
        if (stat_names[i].bytes) {
            add_stat(j, "%s_bytes", kind, s->bytes[i] + (wr ? s->bytes[REQ_ZEROES] : 0));
            add_stat(j, "%s_merged", kind, 0);
        }
    }
    return j;
}

static uint64_t highest_write(const BlockNode *n)
{
    return n ? __atomic_load_n(&n->core->highest_write, __ATOMIC_RELAXED) : 0;
}

static json_t *node_stats(const BlockNode *n)
{
    const PortStats none = {0};
    json_t *j = json_pack("{s:s, s:o}", "node-name", n->name, "stats",
                          stats_object(&none, highest_write(n), false));

    if (n->file) {
        json_object_set_new(j, "parent", node_stats(n->file));
    }
    if (n->backing) {
        json_object_set_new(j, "backing", node_stats(n->backing));
    }
    return j;
}

json_t *block_query_stats(BlockPort *p)
{
    g_mutex_lock(&p->lock);
    PortStats s = p->stats;
    g_mutex_unlock(&p->lock);
    json_t *j = p->node ? node_stats(p->node) : json_object();
    json_t *stats = stats_object(&s, highest_write(p->node), true);

    if (s.last) {
        json_object_set_new(stats, "idle_time_ns", json_integer(loop_now_ns() - s.last));
    }
    json_object_set_new(j, "stats", stats);
    add_device(p, j);
    return j;
}
