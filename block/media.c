/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a port says of its disk, who is attached to it, and media of removable drives.
 *
 * home: properties from any thread, the rest on the main loop.
 */
#include <string.h>

#include "base/suggest.h"
#include "block/port.h"

/* ---- the front end ---- */

static unsigned wanted_perm(const BlockPort *p, unsigned *shared)
{
    bool write = p->fe.writable && p->node->flags & BLOCK_RDWR;

    *shared = PERM_READ | PERM_WRITE_UNCHANGED | PERM_RESIZE;
    if (p->fe.share_write) {
        *shared |= PERM_WRITE;
    }
    return PERM_READ | (write ? PERM_WRITE : 0);
}

static bool take_node(BlockPort *p, Error **errp)
{
    g_autofree char *who = g_strdup_printf("device '%s'", p->fe_name);
    unsigned shared, perm = wanted_perm(p, &shared);

    return node_set_edge(p->node, p, who, perm, shared, errp);
}

bool block_attach(BlockPort *p, const BlockFrontend *f, Error **errp)
{
    if (p->attached) {
        error_set(errp, ERR_GENERIC, "Drive '%s' is already in use by device '%s'", p->name,
                  p->fe_name);
        return false;
    }
    if (!p->node && !f->removable) {
        error_set(errp, ERR_GENERIC, "Device needs media, but drive is empty");
        return false;
    }
    if (p->node && f->writable && !f->removable && !(p->node->flags & BLOCK_RDWR)) {
        error_set(errp, ERR_GENERIC, "Block node is read-only");
        return false;
    }
    p->fe = *f;
    p->fe_name = g_strdup(f->name ? f->name : "");
    p->removable = f->removable;
    if (p->node && !take_node(p, errp)) {
        p->fe = (BlockFrontend){0};
        g_clear_pointer(&p->fe_name, g_free);
        return false;
    }
    p->attached = p->was_attached = true;
    return true;
}

void block_detach(BlockPort *p)
{
    if (!p->attached) {
        return;
    }
    block_cancel_all(p);
    port_wait_dispatch(p);
    if (p->node) {
        node_drop_edge(p->node, p);
    }
    p->attached = false;
    p->fe = (BlockFrontend){0};
    p->on_read_error = p->drive_read_error;
    p->on_write_error = p->drive_write_error;
    g_clear_pointer(&p->fe_name, g_free);
    block_port_set_loop(p, NULL);
}

bool block_port_attached(BlockPort *p)
{
    return p->attached;
}

/* ---- properties ---- */

const char *block_port_name(const BlockPort *p)
{
    return p->name;
}

BlockNode *block_port_node(BlockPort *p)
{
    return p->node;
}

bool block_port_inserted(BlockPort *p)
{
    g_mutex_lock(&p->lock);
    bool there = p->node != NULL;
    g_mutex_unlock(&p->lock);
    return there;
}

uint64_t block_port_size(BlockPort *p)
{
    g_mutex_lock(&p->lock);
    uint64_t size = p->node ? __atomic_load_n(&p->node->size, __ATOMIC_ACQUIRE) : 0;
    g_mutex_unlock(&p->lock);
    return size;
}

bool block_port_readonly(BlockPort *p)
{
    g_mutex_lock(&p->lock);
    bool ro = !p->node || !(p->node->flags & BLOCK_RDWR);
    g_mutex_unlock(&p->lock);
    return ro;
}

unsigned block_port_alignment(BlockPort *p)
{
    g_mutex_lock(&p->lock);
    unsigned a = p->node ? p->node->alignment : 1;
    g_mutex_unlock(&p->lock);
    return a;
}

const char *block_port_serial(const BlockPort *p)
{
    return p->serial;
}

bool block_port_write_cache(BlockPort *p)
{
    g_mutex_lock(&p->lock);
    bool on = p->write_cache;
    g_mutex_unlock(&p->lock);
    return on;
}

void block_port_set_write_cache(BlockPort *p, bool on)
{
    g_mutex_lock(&p->lock);
    p->write_cache = on;
    g_mutex_unlock(&p->lock);
}

bool block_port_can_discard(BlockPort *p)
{
    const unsigned both = BLOCK_RDWR | BLOCK_UNMAP;

    g_mutex_lock(&p->lock);
    bool can = p->node && (p->node->flags & both) == both;
    g_mutex_unlock(&p->lock);
    return can;
}

static bool parse_policy(const char *text, bool write, ErrorPolicy dflt, ErrorPolicy *out,
                         Error **errp)
{
    static const char *const names[] = {"report", "ignore", "stop", "enospc", NULL};

    if (!text || !strcmp(text, "auto")) {
        *out = dflt;
        return true;
    }
    for (int i = 0; names[i] && (write || i < POLICY_ENOSPC); i++) {
        if (!strcmp(text, names[i])) {
            *out = (ErrorPolicy)i;
            return true;
        }
    }
    error_set(errp, ERR_INVALID_PARAMETER, "'%s' invalid %s error action", text,
              write ? "write" : "read");
    error_hint(errp, "report, ignore, stop%s", write ? ", enospc" : "");
    return false;
}

bool block_port_set_error_policy(BlockPort *p, const char *rerror, const char *werror, Error **errp)
{
    return parse_policy(rerror, false, p->drive_read_error, &p->on_read_error, errp) &&
           parse_policy(werror, true, p->drive_write_error, &p->on_write_error, errp);
}

bool port_set_drive_policy(BlockPort *p, const char *rerror, const char *werror, Error **errp)
{
    if (!parse_policy(rerror, false, POLICY_REPORT, &p->drive_read_error, errp) ||
        !parse_policy(werror, true, POLICY_ENOSPC, &p->drive_write_error, errp)) {
        return false;
    }
    return block_port_set_error_policy(p, NULL, NULL, errp);
}

/*
 * Disks of up to 16383 cylinders look as they always did, 16 heads of 63 sectors; a partition
 * table that was made with other numbers of heads says so itself, to the firmware.
 */
void block_guess_geometry(BlockPort *p, uint32_t *cylinders, uint32_t *heads, uint32_t *sectors)
{
    uint64_t cyls = block_port_size(p) / BLOCK_SECTOR / (16 * 63);

    *heads = 16;
    *sectors = 63;
    *cylinders = (uint32_t)CLAMP(cyls, 2, 16383);
}

/* ---- media ---- */

static void tray_event(BlockPort *p, bool open)
{
    blockset_emit(p->set, "DEVICE_TRAY_MOVED",
                  json_pack("{s:s, s:s, s:b}", "device", p->unnamed ? "" : p->name, "id",
                            p->fe_name ? p->fe_name : "", "tray-open", open));
}

void block_port_tray(BlockPort *p, bool open)
{
    g_mutex_lock(&p->lock);
    bool changed = p->tray_is_open != open;
    p->tray_is_open = open;
    g_mutex_unlock(&p->lock);
    if (changed) {
        tray_event(p, open);
    }
}

static bool has_tray(const BlockPort *p)
{
    return p->attached && p->fe.ops && p->fe.ops->tray_open;
}

bool block_port_tray_open(BlockPort *p)
{
    return has_tray(p) && p->fe.ops->tray_open(p->fe.opaque);
}

bool block_port_locked(BlockPort *p)
{
    const BlockFrontOps *ops = p->attached ? p->fe.ops : NULL;

    return ops && ops->medium_locked && ops->medium_locked(p->fe.opaque);
}

/* The drive learns what is in it now; it moves its tray by itself, without block_port_tray(). */
static void tell_media(BlockPort *p, bool loaded)
{
    bool before = block_port_tray_open(p);

    if (p->attached && p->fe.ops && p->fe.ops->media_changed) {
        p->fe.ops->media_changed(p->fe.opaque, loaded);
    }
    bool after = block_port_tray_open(p);
    g_mutex_lock(&p->lock);
    p->tray_is_open = after;
    g_mutex_unlock(&p->lock);
    if (before != after) {
        tray_event(p, after);
        blockset_deliver_events(p->set); /* before the answer to the command that did it */
    }
}

static bool need_removable(const BlockPort *p, Error **errp)
{
    if (!p->removable) {
        error_set(errp, ERR_GENERIC, "Device '%s' is not removable", p->name);
    }
    return p->removable;
}

bool block_port_open_tray(BlockPort *p, bool force, Error **errp)
{
    if (!need_removable(p, errp)) {
        return false;
    }
    if (!has_tray(p) || block_port_tray_open(p)) {
        return true;
    }
    if (block_port_locked(p)) {
        if (p->fe.ops->eject_requested) {
            p->fe.ops->eject_requested(p->fe.opaque, force);
        }
        if (!force) {
            error_set(errp, ERR_GENERIC, "Device '%s' is locked and force was not specified, wait "
                      "for tray to open and try again", p->name);
            return false;
        }
    }
    tell_media(p, false);
    return true;
}

bool block_port_close_tray(BlockPort *p, Error **errp)
{
    if (!need_removable(p, errp)) {
        return false;
    }
    if (has_tray(p) && block_port_tray_open(p)) {
        tell_media(p, true);
    }
    return true;
}

bool block_port_remove_medium(BlockPort *p, Error **errp)
{
    BlockSet *set = p->set;
    BlockNode *n = p->node;

    if (!need_removable(p, errp)) {
        return false;
    }
    if (has_tray(p) && !block_port_tray_open(p)) {
        error_set(errp, ERR_GENERIC, "Tray of device '%s' is not open", p->name);
        return false;
    }
    if (!n) {
        return true;
    }
    node_drain_begin(n);
    node_flush(n);
    node_drop_edge(n, p);
    port_set_node(p, NULL);
    blockset_drain_end(set);
    if (!has_tray(p)) { /* a floppy drive notices that it is empty */
        tell_media(p, false);
    }
    return true;
}

bool block_port_insert_medium(BlockPort *p, BlockNode *n, Error **errp)
{
    if (!need_removable(p, errp)) {
        return false;
    }
    if (has_tray(p) && !block_port_tray_open(p)) {
        error_set(errp, ERR_GENERIC, "Tray of device '%s' is not open", p->name);
        return false;
    }
    if (p->node) {
        error_set(errp, ERR_GENERIC, "There already is a medium in device '%s'", p->name);
        return false;
    }
    port_set_node(p, n);
    if (p->attached && !take_node(p, errp)) {
        port_set_node(p, NULL);
        return false;
    }
    if (!has_tray(p)) {
        tell_media(p, true);
    }
    return true;
}

bool block_port_eject(BlockPort *p, bool force, Error **errp)
{
    return block_port_open_tray(p, force, errp) && block_port_remove_medium(p, errp);
}

bool block_port_insert(BlockPort *p, BlockNode *n, Error **errp)
{
    if (p->node) {
        error_set(errp, ERR_GENERIC, "There already is a medium in device '%s'", p->name);
        return false;
    }
    return block_port_open_tray(p, false, errp) && block_port_insert_medium(p, n, errp) &&
           block_port_close_tray(p, errp);
}

bool block_node_resize(BlockNode *n, uint64_t size, Error **errp)
{
    node_drain_begin(n);
    bool ok = node_truncate(n, size, "off", errp);
    node_drain_end(n);
    if (ok) {
        ports_node_resized(n->set, n);
    }
    return ok;
}

bool block_port_resize(BlockPort *p, uint64_t size, Error **errp)
{
    if (!p->node) {
        error_set(errp, ERR_GENERIC, "Device '%s' has no medium", p->name);
        return false;
    }
    return block_node_resize(p->node, size, errp);
}

/* An empty drive that never writes: a CD-ROM. */
bool block_port_wants_read_only(BlockPort *p)
{
    return p->attached && !p->fe.writable;
}

void ports_node_resized(BlockSet *set, BlockNode *n)
{
    for (guint i = 0; i < set->ports->len; i++) {
        BlockPort *p = set->ports->pdata[i];
        if (p->node == n && p->attached && p->fe.ops && p->fe.ops->resized) {
            p->fe.ops->resized(p->fe.opaque);
        }
    }
}
