/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who does what with a node: each user (front end, parent node) is an edge with what it does and
 * what it lets others do. The sum goes down to the image file, where it becomes locks that other
 * processes see.
 *
 * home: main loop.
 */
#include <string.h>

#include "block/internal.h"

static NodeEdge *find_edge(BlockNode *n, const void *owner)
{
    for (guint i = 0; i < n->core->edges->len; i++) {
        NodeEdge *e = &g_array_index(n->core->edges, NodeEdge, i);
        if (e->owner == owner) {
            return e;
        }
    }
    return NULL;
}

bool node_passes_through(const BlockNode *n)
{
    return n->file && (n->drv->kind == DRIVER_FILTER || !strcmp(n->drv->name, "raw"));
}

static bool push_down(BlockNode *n, Error **errp)
{
    unsigned perm = 0, shared = PERM_ALL;

    for (guint i = 0; i < n->core->edges->len; i++) {
        const NodeEdge *e = &g_array_index(n->core->edges, NodeEdge, i);
        perm |= e->perm;
        shared &= e->shared;
    }
    bool ok = true;
    if (n->drv->set_perm) {
        ok = n->drv->set_perm(n, perm, shared, errp);
    } else if (node_passes_through(n)) {
        g_autofree char *who = g_strdup_printf("node '%s'", n->name);
        ok = node_set_edge(n->file, n, who, perm, shared, errp);
    }
    if (ok) {
        n->core->perm = perm;
        n->core->shared = shared;
    }
    return ok;
}

static const char *perm_text(unsigned perm)
{
    return perm & PERM_WRITE              ? "write"
           : perm & PERM_RESIZE           ? "resize"
           : perm & PERM_READ             ? "consistent read"
           : perm & PERM_WRITE_UNCHANGED  ? "write unchanged"
                                          : "nothing";
}

static bool check_conflict(BlockNode *n, const void *owner, unsigned perm, unsigned shared,
                           Error **errp)
{
    for (guint i = 0; i < n->core->edges->len; i++) {
        const NodeEdge *e = &g_array_index(n->core->edges, NodeEdge, i);
        unsigned theirs = e->perm & ~shared, ours = perm & ~e->shared;
        if (e->owner != owner && (ours || theirs)) {
            error_set(errp, ERR_GENERIC, "node '%s' is in use by %s, which %s '%s'", n->name,
                      e->who, ours ? "does not allow" : "needs", perm_text(ours ? ours : theirs));
            return false;
        }
    }
    return true;
}

bool node_set_edge(BlockNode *n, const void *owner, const char *who, unsigned perm, unsigned shared,
                   Error **errp)
{
    if (!check_conflict(n, owner, perm, shared, errp)) {
        return false;
    }
    NodeEdge *e = find_edge(n, owner);
    NodeEdge old = e ? *e : (NodeEdge){owner, NULL, 0, PERM_ALL};
    if (!e) {
        NodeEdge fresh = {owner, g_strdup(who), perm, shared};
        g_array_append_val(n->core->edges, fresh);
    } else {
        e->perm = perm;
        e->shared = shared;
    }
    if (push_down(n, errp)) {
        return true;
    }
    e = find_edge(n, owner);
    e->perm = old.perm;
    e->shared = old.shared;
    push_down(n, NULL); /* less than what was asked: what was allowed before */
    return false;
}

void node_drop_edge(BlockNode *n, const void *owner)
{
    for (guint i = 0; i < n->core->edges->len; i++) {
        NodeEdge *e = &g_array_index(n->core->edges, NodeEdge, i);
        if (e->owner == owner) {
            g_free(e->who);
            g_array_remove_index(n->core->edges, i);
            push_down(n, NULL);
            return;
        }
    }
}
