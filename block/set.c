/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All disks of a machine: nodes that were given names, ports, draining, events.
 *
 * home: main loop.
 */
#include <string.h>

#include "base/loop.h"
#include "block/port.h"

BlockSet *blockset_new(GMainContext *loop)
{
    BlockSet *set = g_new0(BlockSet, 1);

    set->loop = loop;
    set->tool = !loop;
    set->nodes = g_ptr_array_new();
    set->drives = g_ptr_array_new();
    set->ports = g_ptr_array_new();
    set->opening = g_ptr_array_new();
    set->next_name = 100;
    g_mutex_init(&set->idle_lock);
    g_cond_init(&set->idle_cond);
    g_mutex_init(&set->help.lock);
    g_cond_init(&set->help.cond);
    worker_pool_init(&set->pool);
    set->events = g_async_queue_new();
    return set;
}

void drive_free(Drive *d)
{
    g_free(d->id);
    g_free(d);
}

void blockset_free(BlockSet *set)
{
    if (!set) {
        return;
    }
    blockset_quiesce(set, true);
    while (set->ports->len) {
        BlockPort *p = set->ports->pdata[set->ports->len - 1];
        if (p->attached) {
            block_detach(p);
        }
        port_free(p);
    }
    for (guint i = set->nodes->len; i-- > 0;) {
        BlockNode *n = set->nodes->pdata[i];
        if (n->core->owned) {
            n->core->owned = false;
            node_unref(n);
            i = set->nodes->len;
        }
    }
    worker_pool_fini(&set->pool);
    set->event_fn = NULL;
    blockset_deliver_events(set);
    g_async_queue_unref(set->events);
    g_ptr_array_set_free_func(set->drives, (GDestroyNotify)drive_free);
    g_ptr_array_unref(set->drives);
    g_ptr_array_unref(set->ports);
    g_ptr_array_unref(set->nodes);
    g_ptr_array_unref(set->opening);
    g_mutex_clear(&set->help.lock);
    g_cond_clear(&set->help.cond);
    g_mutex_clear(&set->idle_lock);
    g_cond_clear(&set->idle_cond);
    g_free(set);
}

/* ---- waiting ---- */

void ring_help_begin(RingHelp *h)
{
    g_mutex_lock(&h->lock);
    h->wanted++;
    g_cond_broadcast(&h->cond);
    g_mutex_unlock(&h->lock);
}

void ring_help_end(RingHelp *h)
{
    g_mutex_lock(&h->lock);
    h->wanted--;
    g_mutex_unlock(&h->lock);
}

/* After the change: whoever begins to wait later looks first. */
void blockset_idle_changed(BlockSet *set)
{
    if (!__atomic_load_n(&set->idle_waiters, __ATOMIC_SEQ_CST)) {
        return;
    }
    g_mutex_lock(&set->idle_lock);
    g_cond_broadcast(&set->idle_cond);
    g_mutex_unlock(&set->idle_lock);
}

static unsigned total(BlockSet *set, unsigned (*count)(BlockPort *))
{
    unsigned n = 0;

    for (guint i = 0; i < set->ports->len; i++) {
        n += count(set->ports->pdata[i]);
    }
    return n;
}

static void wait_idle(BlockSet *set, unsigned (*count)(BlockPort *), gint64 at_most_us)
{
    gint64 until = g_get_monotonic_time() + at_most_us;

    ring_help_begin(&set->help);
    __atomic_fetch_add(&set->idle_waiters, 1, __ATOMIC_SEQ_CST);
    g_mutex_lock(&set->idle_lock);
    while (total(set, count) && g_cond_wait_until(&set->idle_cond, &set->idle_lock, until)) {
    }
    g_mutex_unlock(&set->idle_lock);
    __atomic_fetch_sub(&set->idle_waiters, 1, __ATOMIC_SEQ_CST);
    ring_help_end(&set->help);
}

/* Draining is done for all disks of the machine at once: it is rare, and the graph may share nodes. */
void node_drain_begin(BlockNode *n)
{
    BlockSet *set = n->set;

    __atomic_fetch_add(&set->quiesced, 1, __ATOMIC_ACQ_REL);
    while (total(set, port_active)) {
        wait_idle(set, port_active, G_TIME_SPAN_SECOND);
    }
}

void blockset_drain_end(BlockSet *set)
{
    if (__atomic_sub_fetch(&set->quiesced, 1, __ATOMIC_ACQ_REL) == 0) {
        for (guint i = 0; i < set->ports->len; i++) {
            port_release_held(set->ports->pdata[i]);
        }
    }
}

void node_drain_end(BlockNode *n)
{
    blockset_drain_end(n->set);
}

int blockset_quiesce(BlockSet *set, bool flush)
{
    int first = 0;

    while (total(set, port_unfinished)) {
        bool any = false;
        for (guint i = 0; i < set->ports->len; i++) {
            BlockPort *p = set->ports->pdata[i];
            any |= port_on_main_loop(p) && port_run_completions(p);
        }
        if (!any) { /* workers are busy, or callbacks of other loops: those wake nobody */
            wait_idle(set, port_active, 5 * G_TIME_SPAN_MILLISECOND);
            if (!total(set, port_active)) {
                g_usleep(100);
            }
        }
    }
    for (guint i = 0; flush && i < set->ports->len; i++) {
        BlockPort *p = set->ports->pdata[i];
        int ret = p->node ? node_flush(p->node) : 0;
        first = first ? first : ret;
    }
    return first;
}

void blockset_resume(BlockSet *set)
{
    for (guint i = 0; i < set->ports->len; i++) {
        port_resume(set->ports->pdata[i]);
    }
}

/* ---- events ---- */

void blockset_on_error(BlockSet *set, BlockErrorFn *fn, void *opaque)
{
    set->error_fn = fn;
    set->error_opaque = opaque;
}

void blockset_on_event(BlockSet *set, BlockEventFn *fn, void *opaque)
{
    set->event_fn = fn;
    set->event_opaque = opaque;
}

typedef struct Event {
    BlockSet *set;
    const char *name;
    json_t *data;
    char *node; /* by name: it may be gone when the event is delivered. NULL: about none */
} Event;

static const char *drive_with(BlockSet *set, const char *node)
{
    for (guint i = 0; i < set->ports->len; i++) {
        const BlockPort *p = set->ports->pdata[i];
        if (!p->unnamed && p->node && !strcmp(p->node->name, node)) {
            return p->name;
        }
    }
    return "";
}

static void deliver(Event *e)
{
    if (e->set->event_fn) {
        if (e->node) {
            json_object_set_new(e->data, "node-name", json_string(e->node));
            json_object_set_new(e->data, "device", json_string(drive_with(e->set, e->node)));
        }
        char *line = json_to_line(e->data);
        e->set->event_fn(e->set->event_opaque, e->name, line);
        free(line);
    }
    json_decref(e->data);
    g_free(e->node);
    g_free(e);
}

void blockset_deliver_events(BlockSet *set)
{
    Event *e;

    while ((e = g_async_queue_try_pop(set->events))) {
        deliver(e);
    }
}

static void deliver_events(void *opaque)
{
    blockset_deliver_events(opaque);
}

static void emit(BlockSet *set, const char *event, json_t *data, const char *node)
{
    Event *e = g_new(Event, 1);

    *e = (Event){set, event, data, g_strdup(node)};
    g_async_queue_push(set->events, e);
    if (set->loop) {
        loop_post(set->loop, deliver_events, set);
    } else {
        blockset_deliver_events(set);
    }
}

void blockset_emit(BlockSet *set, const char *event, json_t *data)
{
    emit(set, event, data, NULL);
}

void blockset_emit_of(BlockNode *n, const char *event, json_t *data)
{
    emit(n->set, event, data, n->name);
}

/* ---- named things ---- */

BlockPort *blockset_port_nth(BlockSet *set, unsigned n)
{
    return n < set->ports->len ? set->ports->pdata[n] : NULL;
}

Drive *blockset_drive_nth(BlockSet *set, unsigned n)
{
    return n < set->drives->len ? set->drives->pdata[n] : NULL;
}

BlockNode *blockset_add_node(BlockSet *set, json_t *opts, Error **errp)
{
    g_autoptr(json_t) nested = block_nest_opts(opts, errp);

    if (!nested) {
        return NULL;
    }
    if (!json_object_get(nested, "driver")) {
        error_set(errp, ERR_INVALID_PARAMETER, "Parameter 'driver' is missing");
        return NULL;
    }
    if (!json_object_get(nested, "node-name")) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "'node-name' must be specified for the root node");
        return NULL;
    }
    BlockNode *n = node_open(set, nested, errp);
    if (n) {
        n->core->owned = true;
    }
    return n;
}

/*
 * Ports that were made for a node, and have no device: it is gone, or could not be made. Every
 * device that lives has attached itself.
 */
static void free_idle_ports(BlockSet *set, const BlockNode *n)
{
    for (guint i = set->ports->len; i-- > 0;) {
        BlockPort *p = set->ports->pdata[i];
        if (p->unnamed && p->node == n && !p->attached) {
            port_free(p);
        }
    }
}

bool blockset_del_node(BlockSet *set, const char *name, Error **errp)
{
    BlockNode *n = node_find(set, name);

    if (!n) {
        error_set(errp, ERR_GENERIC, "Failed to find node with node-name='%s'", name);
        return false;
    }
    if (!n->core->owned) {
        error_set(errp, ERR_GENERIC, "Node %s is not owned by the monitor", name);
        return false;
    }
    free_idle_ports(set, n);
    if (n->refs > 1) {
        error_set(errp, ERR_GENERIC, "Block device %s is in use", name);
        return false;
    }
    n->core->owned = false;
    node_drain_begin(n);
    node_unref(n);
    blockset_drain_end(set);
    return true;
}

BlockPort *blockset_empty_port(BlockSet *set, const char *name)
{
    BlockPort *p = port_new(set, name);

    p->unnamed = true;
    p->removable = true;
    return p;
}

/* A port that was made for a node and whose device is gone serves no one. */
static void free_left_ports(BlockSet *set)
{
    for (guint i = set->ports->len; i-- > 0;) {
        BlockPort *p = set->ports->pdata[i];
        if (p->unnamed && p->node && p->was_attached && !p->attached) {
            port_free(p);
        }
    }
}

BlockPort *blockset_claim(BlockSet *set, const char *name, Error **errp)
{
    free_left_ports(set);
    for (guint i = 0; i < set->ports->len; i++) {
        BlockPort *p = set->ports->pdata[i];
        if (!p->unnamed && !strcmp(p->name, name)) {
            if (p->attached) {
                error_set(errp, ERR_GENERIC, "Drive '%s' is already in use by device '%s'", name,
                          p->fe_name);
                return NULL;
            }
            return p;
        }
    }
    BlockNode *n = node_find(set, name);
    if (!n) {
        error_set(errp, ERR_DEVICE_NOT_FOUND, "there is no drive or block node '%s'", name);
        return NULL;
    }
    BlockPort *p = port_new(set, name);
    p->unnamed = true;
    port_set_node(p, n);
    return p;
}

static bool is_named(const BlockPort *p, const char *device, const char *id)
{
    return (device && *device && !p->unnamed && !strcmp(p->name, device)) ||
           (id && p->attached && !g_strcmp0(p->fe_name, id));
}

BlockPort *blockset_find_port(BlockSet *set, const char *device, const char *id, Error **errp)
{
    if (!device == !id) {
        error_set(errp, ERR_INVALID_PARAMETER, "Need exactly one of 'device' and 'id'");
        return NULL;
    }
    for (guint i = 0; i < set->ports->len; i++) {
        BlockPort *p = set->ports->pdata[i];
        if (is_named(p, device, id)) {
            return p;
        }
    }
    error_set(errp, ERR_DEVICE_NOT_FOUND, "Device '%s' not found", device ? device : id);
    return NULL;
}

bool blockset_del_drive(BlockSet *set, const char *id, Error **errp)
{
    Drive *d = NULL;

    for (guint i = 0; i < set->drives->len && !d; i++) {
        Drive *at = set->drives->pdata[i];
        d = strcmp(at->id, id) ? NULL : at;
    }
    if (!d) {
        error_set(errp, ERR_DEVICE_NOT_FOUND, "Device '%s' not found", id);
        return false;
    }
    BlockPort *p = d->port;
    if (p->attached) { /* the guest's disk fails from now on */
        BlockNode *n = p->node;
        if (n) {
            node_drain_begin(n);
            node_flush(n);
            node_drop_edge(n, p);
            port_set_node(p, NULL);
            blockset_drain_end(set);
        }
        p->unnamed = true;
    } else {
        port_free(p);
    }
    g_ptr_array_remove(set->drives, d);
    drive_free(d);
    return true;
}
