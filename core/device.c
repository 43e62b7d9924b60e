/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices: creation, the tree, wires, realize and unrealize, three-phase reset, `info qtree`.
 *
 * home: main loop; reset with the machine locked.
 */
#include <string.h>

#include "base/suggest.h"
#include "base/trace.h"
#include "core/internal.h"

const DeviceType *device_type_find(const char *name, Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    REGISTRY_FOREACH(DeviceType, it) {
        if (strcmp((*it)->name, name) == 0 || g_strcmp0((*it)->alias, name) == 0) {
            return *it;
        }
        if (!(*it)->internal) {
            g_ptr_array_add(names, (void *)(*it)->name);
            if ((*it)->alias) {
                g_ptr_array_add(names, (void *)(*it)->alias);
            }
        }
    }
    g_ptr_array_add(names, NULL);
    const char *near = suggest_name(name, (const char *const *)names->pdata);
    error_set(errp, ERR_DEVICE_NOT_FOUND, "there is no device type '%s'", name);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    } else {
        error_hint(errp, "-device help lists them");
    }
    return NULL;
}

/* ---- life ---- */

static Device *new_device(Machine *m, const DeviceType *type, Device *parent, const char *id)
{
    g_assert(type->size >= sizeof(Device));
    Device *d = g_malloc0(type->size);

    d->type = type;
    d->machine = m;
    d->id = g_strdup(id);
    d->parent = parent;
    d->children = g_ptr_array_new();
    d->regions = g_ptr_array_new_with_free_func((GDestroyNotify)region_unref);
    if (parent) {
        g_ptr_array_add(parent->children, d);
    }
    device_props_init(d);
    if (type->inner) {
        d->inner = new_device(m, type->inner, d, NULL);
    }
    device_props_set_globals(d);
    device_state_reset(d);
    return d;
}

Device *device_new(Machine *m, const DeviceType *type, Device *parent, const char *id)
{
    return new_device(m, type, parent ? parent : m->board_dev, id);
}

Device *device_new_board(Machine *m, const DeviceType *type)
{
    return new_device(m, type, NULL, NULL);
}

/* Off the map first, then the type's own undoing, then what the engine keeps. */
static void unrealize(Device *d, bool was_realized)
{
    d->realized = false;
    device_regions_detach(d);
    if (was_realized && d->type->unrealize) {
        d->type->unrealize(d);
    }
    device_timers_fini(d);
    device_regions_free(d);
}

bool device_realize(Device *d, Error **errp)
{
    g_assert(!d->realized && !machine_locked(d->machine));
    if (d->global_error) {
        error_propagate(errp, g_steal_pointer(&d->global_error));
        return false;
    }
    if (!device_bus_attach(d, errp)) {
        return false;
    }
    if (d->type->realize && !d->type->realize(d, errp)) {
        while (d->children->len) {
            device_free(d->children->pdata[d->children->len - 1]);
        }
        unrealize(d, false);
        device_bus_detach(d);
        return false;
    }
    d->realized = true;
    d->order = ++d->machine->realize_count;
    if (d->machine->built) { /* plugged later: nobody else will reset it */
        device_reset(d);
    }
    return true;
}

static void collect(Device *d, GPtrArray *all)
{
    g_ptr_array_add(all, d);
    for (guint i = 0; i < d->children->len; i++) {
        collect(d->children->pdata[i], all);
    }
}

static int later_first(gconstpointer a, gconstpointer b)
{
    const Device *x = *(Device *const *)a, *y = *(Device *const *)b;

    return x->order < y->order ? 1 : x->order > y->order ? -1 : 0;
}

static void free_tree(Device *d)
{
    for (guint i = 0; i < d->children->len; i++) {
        free_tree(d->children->pdata[i]);
    }
    device_props_free(d);
    device_blobs_free(d);
    g_ptr_array_free(d->children, TRUE);
    g_ptr_array_free(d->regions, TRUE);
    g_free(d->out);
    g_free(d->id);
    g_free(d);
}

void device_free(Device *d)
{
    if (!d) {
        return;
    }
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    collect(d, all);
    g_ptr_array_sort(all, later_first);
    for (guint i = 0; i < all->len; i++) {
        Device *x = all->pdata[i];
        unrealize(x, x->realized);
        device_bus_detach(x);
    }
    if (d->parent) {
        g_ptr_array_remove(d->parent->children, d);
        d->parent->inner = d->parent->inner == d ? NULL : d->parent->inner;
    }
    free_tree(d);
}

/* ---- wires ---- */

void device_init_out(Device *d, int n_out)
{
    if (n_out > d->n_out) {
        d->out = g_renew(Irq, d->out, n_out);
        memset(d->out + d->n_out, 0, (n_out - d->n_out) * sizeof(Irq));
        d->n_out = n_out;
    }
}

void device_connect(Device *d, int n, Irq to)
{
    g_assert(n >= 0 && (n < d->n_out || !d->realized));
    device_init_out(d, n + 1);
    d->out[n] = to;
}

/* ---- reset ---- */

TRACE_EVENT(device_reset, "%s");

static void reset_enter(Device *d)
{
    if (d->realized) {
        trace(device_reset, d->type->name);
        device_state_reset(d);
    }
    for (guint i = 0; i < d->children->len; i++) {
        reset_enter(d->children->pdata[i]);
    }
}

static void reset_hold(Device *d)
{
    if (d->realized && d->type->reset_hold) {
        d->type->reset_hold(d);
    }
    for (guint i = 0; i < d->children->len; i++) {
        reset_hold(d->children->pdata[i]);
    }
}

static void reset_exit(Device *d)
{
    device_update(d);
    for (guint i = 0; i < d->children->len; i++) {
        reset_exit(d->children->pdata[i]);
    }
}

void device_reset(Device *d)
{
    bool lock = !machine_locked(d->machine);

    if (lock) {
        machine_lock(d->machine);
    }
    reset_enter(d);
    reset_hold(d);
    reset_exit(d);
    if (lock) {
        machine_unlock(d->machine);
    }
}

void machine_reset_devices(Machine *m)
{
    if (m->board_dev) {
        device_reset(m->board_dev);
    }
}

void device_lock_hook(void *device)
{
    machine_lock(((Device *)device)->machine);
}

void device_unlock_hook(void *device)
{
    machine_unlock(((Device *)device)->machine);
}

/* ---- the tree ---- */

static void walk(Device *d, void (*fn)(Device *, void *), void *opaque)
{
    fn(d, opaque);
    for (guint i = 0; i < d->children->len; i++) {
        walk(d->children->pdata[i], fn, opaque);
    }
}

void device_foreach(Machine *m, void (*fn)(Device *, void *), void *opaque)
{
    if (m->board_dev) {
        walk(m->board_dev, fn, opaque);
    }
}

static Device *find_id(Device *d, const char *id)
{
    if (d->id && strcmp(d->id, id) == 0) {
        return d;
    }
    Device *found = NULL;
    for (guint i = 0; i < d->children->len && !found; i++) {
        found = find_id(d->children->pdata[i], id);
    }
    return found;
}

static Device *find_child(Device *d, const char *name)
{
    for (guint i = 0; i < d->children->len; i++) {
        Device *c = d->children->pdata[i];
        if (strcmp(c->id ? c->id : c->type->name, name) == 0) {
            return c;
        }
    }
    return NULL;
}

Device *device_find(Machine *m, const char *id_or_path)
{
    Device *d = m->board_dev;

    if (!d || *id_or_path != '/') {
        return d ? find_id(d, id_or_path) : NULL;
    }
    g_auto(GStrv) parts = g_strsplit(id_or_path, "/", -1);
    for (int i = 0; parts[i] && d; i++) {
        if (*parts[i]) {
            d = find_child(d, parts[i]);
        }
    }
    return d;
}

static void dump(Device *d, int indent, GString *out);

/* Lines of somebody who does not know how deep he is. */
static void put_lines(const char *text, int indent, GString *out)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (int i = 0; lines[i]; i++) {
        if (*lines[i]) {
            g_string_append_printf(out, "%*s%s\n", indent, "", g_strchug(lines[i]));
        }
    }
}

/* The buses of d with what sits on them, then what sits on none. */
static void dump_below(Device *d, int indent, GString *out)
{
    Bus *b;

    for (unsigned n = 0; (b = bus_nth(d->machine, n)); n++) {
        if (b->owner != d) {
            continue;
        }
        g_autofree char *kind = g_ascii_strup(b->ops->kind, -1);
        g_string_append_printf(out, "%*sbus: %s\n%*stype %s\n", indent, "", b->name, indent + 2, "",
                               kind);
        for (guint i = 0; i < d->children->len; i++) {
            Device *c = d->children->pdata[i];
            if (c->bus == b) {
                dump(c, indent + 2, out);
            }
        }
    }
    for (guint i = 0; i < d->children->len; i++) {
        Device *c = d->children->pdata[i];
        if (!c->bus || c->bus->owner != d) {
            dump(c, indent, out);
        }
    }
}

static void dump(Device *d, int indent, GString *out)
{
    g_autoptr(GString) more = g_string_new(NULL);

    g_string_append_printf(out, "%*sdev: %s, id \"%s\"\n", indent, "", d->type->name, d->id ? d->id : "");
    indent += 2;
    if (d->n_out) {
        g_string_append_printf(out, "%*sgpio-out \"\" %d\n", indent, "", d->n_out);
    }
    for (const Property *p = d->type->props; p && p->kind != PROP_END; p++) {
        g_autofree char *value = device_get(d, p->name);
        bool quoted = p->kind == PROP_STRING || p->kind == PROP_CHARDEV || p->kind == PROP_ENUM ||
                      p->kind == PROP_DRIVE || p->kind == PROP_LINK || p->kind == PROP_OBJECT;
        const char *q = quoted ? "\"" : "";
        g_string_append_printf(out, "%*s%s = %s%s%s\n", indent, "", p->name, q, value, q);
    }
    if (d->bus && d->bus->ops->info) {
        d->bus->ops->info(d->bus, d, more);
    }
    if (d->realized && d->type->info) {
        d->type->info(d, more);
    }
    put_lines(more->str, indent, out);
    dump_below(d, indent, out);
}

void device_dump_tree(Machine *m, GString *out)
{
    bool lock = !machine_locked(m);

    if (lock) {
        machine_lock(m);
    }
    if (m->board_dev) {
        dump(m->board_dev, 0, out);
    }
    if (lock) {
        machine_unlock(m);
    }
}
