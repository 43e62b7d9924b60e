/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buses: where devices sit, -device and hot plug.
 *
 * home: main loop, machine not locked; device_unplugged() from any thread.
 */
#include <string.h>

#include "base/loop.h"
#include "base/suggest.h"
#include "core/internal.h"

void bus_init(Bus *b, const BusOps *ops, Device *owner, const char *name)
{
    *b = (Bus){.ops = ops, .name = g_strdup(name), .owner = owner};
    g_ptr_array_add(owner->machine->buses, b);
}

void bus_fini(Bus *b)
{
    if (b->owner) {
        g_ptr_array_remove(b->owner->machine->buses, b);
    }
    g_clear_pointer(&b->name, g_free);
}

Bus *bus_nth(Machine *m, unsigned n)
{
    return n < m->buses->len ? m->buses->pdata[n] : NULL;
}

Bus *bus_find(Machine *m, const char *name)
{
    Bus *b;

    for (unsigned i = 0; (b = bus_nth(m, i)); i++) {
        if (strcmp(b->name, name) == 0) {
            return b;
        }
    }
    return NULL;
}

Device *device_new_on(Bus *bus, const DeviceType *type, const char *id)
{
    Device *d = device_new(bus->owner->machine, type, bus->owner, id);

    d->bus = bus;
    return d;
}

/* ---- joining ---- */

static bool no_bus(const DeviceType *type)
{
    const char *kind = type->bus;

    return !kind || !strcmp(kind, "sysbus") || !strcmp(kind, "isa");
}

static bool has_room(Bus *b, const char *kind)
{
    return !strcmp(b->ops->kind, kind) && (!b->ops->full || !b->ops->full(b));
}

/* The one with room that is nearest to the root of those above b, or b. */
static Bus *nearest_to_root(Bus *b, const char *kind)
{
    for (Device *d = b->owner; d; d = d->parent) {
        if (d->bus && has_room(d->bus, kind)) {
            b = d->bus;
        }
    }
    return b;
}

/* The newest bus of the device's kind that has room, but buses before those of their bridges: as QEMU goes about it. */
static Bus *choose_bus(Device *d, Error **errp)
{
    const GPtrArray *buses = d->machine->buses;
    const char *kind = d->type->bus;
    bool any = false;

    for (guint i = buses->len; i > 0; i--) {
        Bus *b = buses->pdata[i - 1];
        any |= !strcmp(b->ops->kind, kind);
        if (has_room(b, kind)) {
            return nearest_to_root(b, kind);
        }
    }
    error_set(errp, ERR_DEVICE_NOT_FOUND,
              any ? "every '%s' bus is full, there is no room for '%s'"
                  : "no '%s' bus found for device '%s'",
              kind, d->type->name);
    return NULL;
}

bool device_bus_attach(Device *d, Error **errp)
{
    if (no_bus(d->type)) {
        return true;
    }
    if (!d->bus) {
        Bus *b = choose_bus(d, errp);
        if (!b) {
            return false;
        }
        if (d->parent) {
            g_ptr_array_remove(d->parent->children, d);
        }
        d->parent = b->owner;
        g_ptr_array_add(b->owner->children, d);
        d->bus = b;
    }
    return !d->bus->ops->attach || d->bus->ops->attach(d->bus, d, errp);
}

void device_bus_detach(Device *d)
{
    if (d->bus && d->bus->ops->detach) {
        d->bus->ops->detach(d->bus, d);
    }
}

char *device_fw_path(Device *d)
{
    g_autoptr(GString) path = g_string_new(NULL);

    for (; d && d->bus; d = d->parent) {
        g_autoptr(GString) unit = g_string_new("/");
        if (!d->bus->ops->fw_path) {
            return NULL;
        }
        d->bus->ops->fw_path(d->bus, d, unit);
        g_string_prepend(path, unit->str);
    }
    return path->len ? g_strdup(path->str) : NULL;
}

/* ---- -device, device_add, device_del ---- */

static bool find_named_bus(Machine *m, const DeviceType *type, const char *name, Bus **bus,
                           Error **errp)
{
    *bus = bus_find(m, name);
    if (!*bus) {
        g_autoptr(GPtrArray) names = g_ptr_array_new();
        for (guint i = 0; i < m->buses->len; i++) {
            g_ptr_array_add(names, ((Bus *)m->buses->pdata[i])->name);
        }
        g_ptr_array_add(names, NULL);
        const char *near = suggest_name(name, (const char *const *)names->pdata);
        error_set(errp, ERR_DEVICE_NOT_FOUND, "there is no bus '%s'", name);
        if (near) {
            error_hint(errp, "did you mean '%s'?", near);
        }
        return false;
    }
    if (strcmp((*bus)->ops->kind, type->bus ? type->bus : "")) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' cannot sit on '%s', which is a '%s' bus",
                  type->name, name, (*bus)->ops->kind);
        error_hint(errp, "it needs a '%s' bus", type->bus);
        return false;
    }
    return true;
}

static bool set_all(Device *d, json_t *opts, Error **errp)
{
    const char *key;
    json_t *v;

    json_object_foreach(opts, key, v)
    {
        if (!strcmp(key, "driver") || !strcmp(key, "id") || !strcmp(key, "bus")) {
            continue;
        }
        g_autofree char *text = json_value_text(v);
        if (!device_set(d, key, text, errp)) {
            return false;
        }
    }
    return true;
}

static bool finish_add(Device *d, Error **errp)
{
    Machine *m = d->machine;
    bool hot = m->started;

    if (hot && (!d->bus || !d->bus->ops->plugged)) {
        Bus *b = d->bus ? d->bus : no_bus(d->type) ? NULL : choose_bus(d, errp);
        if (!b || !b->ops->plugged) {
            if (!errp || !*errp) {
                error_set(errp, ERR_GENERIC, "bus '%s' does not support hot-plugging",
                          b ? b->name : d->type->bus);
            }
            return false;
        }
    }
    if (!device_realize(d, errp)) {
        return false;
    }
    if (!hot && d->bus && d->bus->ops->cold_plugged) {
        d->bus->ops->cold_plugged(d->bus, d);
    }
    return !hot || d->bus->ops->plugged(d->bus, d, errp);
}

Device *device_add(Machine *m, json_t *opts, Error **errp)
{
    const char *driver = json_string_value(json_object_get(opts, "driver"));
    const char *id = json_string_value(json_object_get(opts, "id"));
    const char *on = json_string_value(json_object_get(opts, "bus"));
    Bus *bus = NULL;

    if (!driver) {
        error_set(errp, ERR_INVALID_PARAMETER, "the driver is missing");
        return NULL;
    }
    const DeviceType *type = device_type_find(driver, errp);
    if (!type || (on && !no_bus(type) && !find_named_bus(m, type, on, &bus, errp))) {
        return NULL;
    }
    if (!type->user_creatable) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is a part of boards and cannot be added",
                  driver);
        return NULL;
    }
    if (id && device_find(m, id)) {
        error_set(errp, ERR_INVALID_PARAMETER, "there is a device '%s' already", id);
        return NULL;
    }
    Device *d = bus ? device_new_on(bus, type, id) : device_new(m, type, NULL, id);
    if (!set_all(d, opts, errp) || !finish_add(d, errp)) {
        device_free(d);
        return NULL;
    }
    return d;
}

bool device_del(Machine *m, const char *id, Error **errp)
{
    Device *d = device_find(m, id);

    if (!d) {
        error_set(errp, ERR_DEVICE_NOT_FOUND, "there is no device '%s'", id);
        return false;
    }
    if (!d->bus || !d->bus->ops->unplug) {
        error_set(errp, ERR_GENERIC, "device '%s' cannot be unplugged: its bus has no hot plug", id);
        return false;
    }
    return d->bus->ops->unplug(d->bus, d, errp);
}

/* ---- leaving ---- */

static void emit_deleted(Machine *m, const Device *d)
{
    g_autofree char *path = g_strdup_printf("/machine/peripheral%s%s", d->id ? "/" : "-anon",
                                            d->id ? d->id : "");
    g_autoptr(json_t) data = json_pack("{s:s}", "path", path);

    if (d->id) {
        json_object_set_new(data, "device", json_string(d->id));
    }
    char *text = json_dumps(data, JSON_COMPACT);
    machine_emit_event(m, "DEVICE_DELETED", text);
    free(text);
}

/* Nobody may be inside the device: the vCPUs stand still meanwhile. */
static void free_unplugged(void *opaque)
{
    Machine *m = opaque;

    cpus_pause(m);
    for (;;) {
        machine_lock(m);
        Device *d = m->unplugged->len ? g_ptr_array_remove_index(m->unplugged, 0) : NULL;
        machine_unlock(m);
        if (!d) {
            break;
        }
        emit_deleted(m, d);
        device_free(d);
    }
    if (m->state == RUN_STATE_RUNNING) {
        cpus_resume(m);
    }
}

void device_unplugged(Device *d)
{
    Machine *m = d->machine;
    bool lock = !machine_locked(m);

    if (lock) {
        machine_lock(m);
    }
    if (!g_ptr_array_find(m->unplugged, d, NULL)) {
        g_ptr_array_add(m->unplugged, d);
        if (!m->unplug_source) {
            m->unplug_source = loop_timer_new(m->loop, free_unplugged, m);
        }
        loop_timer_arm(m->unplug_source, 0);
    }
    if (lock) {
        machine_unlock(m);
    }
}
