/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Properties of devices: text to members of the device's struct and back, by the type's table.
 *
 * home: main loop, before realize.
 */
#include <inttypes.h>
#include <string.h>

#include "base/suggest.h"
#include "base/units.h"
#include "core/internal.h"

static void *member(void *d, const Property *p)
{
    return (char *)d + p->offset;
}

const Property *props_find(const Property *table, const char *name)
{
    for (const Property *p = table; p && p->kind != PROP_END; p++) {
        if (strcmp(p->name, name) == 0) {
            return p;
        }
    }
    return NULL;
}

/* A property of *d, or of the device inside it, which *d then is. */
static const Property *find(Device **d, const char *name)
{
    const Property *p = NULL;

    for (Device *x = *d; x && !p; x = x->inner) {
        p = props_find(x->type->props, name);
        *d = p ? x : *d;
    }
    return p;
}

static void add_names(GPtrArray *names, const Property *table)
{
    for (const Property *q = table; q && q->kind != PROP_END; q++) {
        g_ptr_array_add(names, (void *)q->name);
    }
}

void props_unknown(const char *type, const Property *table, const Property *inner, const char *name,
                   Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    add_names(names, table);
    add_names(names, inner);
    g_ptr_array_add(names, NULL);
    const char *near = suggest_name(name, (const char *const *)names->pdata);
    error_set(errp, ERR_INVALID_PARAMETER, "'%s' has no property '%s'", type, name);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    }
}

static const Property *find_or_error(Device **d, const char *name, Error **errp)
{
    const Property *p = find(d, name);

    if (!p) {
        props_unknown((*d)->type->name, (*d)->type->props, (*d)->inner ? (*d)->inner->type->props : NULL,
                      name, errp);
    }
    return p;
}

static void put_number(void *d, const Property *p, uint64_t v)
{
    void *at = member(d, p);

    switch (p->kind) {
    case PROP_BOOL:
        *(bool *)at = v != 0;
        break;
    case PROP_U8:
        *(uint8_t *)at = v;
        break;
    case PROP_U16:
        *(uint16_t *)at = v;
        break;
    case PROP_U32:
    case PROP_I32:
        *(uint32_t *)at = v;
        break;
    case PROP_ENUM:
        *(int *)at = (int)v;
        break;
    case PROP_U64:
    case PROP_SIZE:
        *(uint64_t *)at = v;
        break;
    default:
        g_assert_not_reached();
    }
}

void props_init(void *d, const Property *table)
{
    for (const Property *p = table; p && p->kind != PROP_END; p++) {
        switch (p->kind) {
        case PROP_STRING:
            *(char **)member(d, p) = g_strdup(p->def_str);
            break;
        case PROP_CHARDEV:
        case PROP_DRIVE:
        case PROP_LINK:
        case PROP_OBJECT:
            break;
        default:
            put_number(d, p, p->def);
        }
    }
}

void device_props_init(Device *d)
{
    props_init(d, d->type->props);
}

void props_free(void *d, const Property *table)
{
    for (const Property *p = table; p && p->kind != PROP_END; p++) {
        if (p->kind == PROP_STRING) {
            g_free(*(char **)member(d, p));
            *(char **)member(d, p) = NULL;
        }
    }
}

void device_props_free(Device *d)
{
    props_free(d, d->type->props);
    g_clear_pointer(&d->prop_text, g_hash_table_unref);
    g_clear_pointer(&d->global_error, error_free);
}

static bool set_unsigned(void *d, const Property *p, const char *value, Error **errp)
{
    uint64_t max = p->kind == PROP_U8    ? UINT8_MAX
                   : p->kind == PROP_U16 ? UINT16_MAX
                   : p->kind == PROP_U32 ? UINT32_MAX
                                         : UINT64_MAX;
    uint64_t v;

    if (!(p->kind == PROP_SIZE ? parse_size(value, 'B', &v, errp) : parse_u64(value, &v, errp))) {
        return false;
    }
    if (v > max) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s is out of range", value);
        error_hint(errp, "it may be 0 to %" PRIu64, max);
        return false;
    }
    put_number(d, p, v);
    return true;
}

static bool set_i32(void *d, const Property *p, const char *value, Error **errp)
{
    int64_t v;

    if (!parse_i64(value, &v, errp)) {
        return false;
    }
    if (v < INT32_MIN || v > INT32_MAX) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s is out of range", value);
        return false;
    }
    put_number(d, p, (uint64_t)v);
    return true;
}

static bool set_enum(void *d, const Property *p, const char *value, Error **errp)
{
    for (int i = 0; p->enum_names[i]; i++) {
        if (strcmp(p->enum_names[i], value) == 0) {
            put_number(d, p, i);
            return true;
        }
    }
    g_autofree char *all = g_strjoinv(", ", (char **)p->enum_names);
    error_set(errp, ERR_INVALID_PARAMETER, "'%s' is not one of its values", value);
    error_hint(errp, "it may be %s", all);
    return false;
}

static bool set_bool(void *d, const Property *p, const char *value, Error **errp)
{
    bool v;

    if (!parse_bool(value, &v, errp)) {
        return false;
    }
    put_number(d, p, v);
    return true;
}

static bool set_chardev(Machine *m, void *d, const Property *p, const char *value, Error **errp)
{
    CharPort *port = NULL;

    if (m->char_lookup) {
        port = m->char_lookup(m->char_lookup_opaque, value, errp);
    } else {
        error_set(errp, ERR_DEVICE_NOT_FOUND, "there is no character device '%s'", value);
    }
    if (port) {
        *(void **)member(d, p) = port;
    }
    return port != NULL;
}

static bool set_drive(Machine *m, void *d, const Property *p, const char *value, Error **errp)
{
    BlockPort *port = NULL;

    if (m->drive_lookup) {
        port = m->drive_lookup(m->drive_lookup_opaque, value, errp);
    } else {
        error_set(errp, ERR_DEVICE_NOT_FOUND, "there is no drive '%s'", value);
    }
    if (port) {
        *(void **)member(d, p) = port;
    }
    return port != NULL;
}

static bool set_link(Machine *m, void *d, const Property *p, const char *value, Error **errp)
{
    Device *to = device_find(m, value);

    if (!to) {
        error_set(errp, ERR_DEVICE_NOT_FOUND, "there is no device '%s'", value);
        return false;
    }
    if (p->link_type && strcmp(to->type->name, p->link_type) != 0) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is a '%s', not a '%s'", value, to->type->name,
                  p->link_type);
        return false;
    }
    *(void **)member(d, p) = to;
    return true;
}

static bool set_object(Machine *m, void *d, const Property *p, const char *value, Error **errp)
{
    Object *to = object_find(m, value);

    if (!to) {
        error_set(errp, ERR_DEVICE_NOT_FOUND, "there is no object '%s'", value);
        return false;
    }
    if (p->link_type && !g_str_has_prefix(to->type->name, p->link_type)) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is a '%s', not a '%s'", value, to->type->name,
                  p->link_type);
        return false;
    }
    *(void **)member(d, p) = to;
    return true;
}

bool prop_set(Machine *m, void *d, const Property *p, const char *value, Error **errp)
{
    switch (p->kind) {
    case PROP_BOOL:
        return set_bool(d, p, value, errp);
    case PROP_I32:
        return set_i32(d, p, value, errp);
    case PROP_ENUM:
        return set_enum(d, p, value, errp);
    case PROP_STRING:
        g_free(*(char **)member(d, p));
        *(char **)member(d, p) = g_strdup(value);
        return true;
    case PROP_CHARDEV:
        return set_chardev(m, d, p, value, errp);
    case PROP_DRIVE:
        return set_drive(m, d, p, value, errp);
    case PROP_LINK:
        return set_link(m, d, p, value, errp);
    case PROP_OBJECT:
        return set_object(m, d, p, value, errp);
    default:
        return set_unsigned(d, p, value, errp);
    }
}

bool device_set(Device *d, const char *prop, const char *value, Error **errp)
{
    const Property *p = find_or_error(&d, prop, errp);

    if (!p) {
        return false;
    }
    if (d->realized) {
        error_set(errp, ERR_STATE, "'%s' of '%s' cannot change any more", prop, d->type->name);
        return false;
    }
    Error *err = NULL;
    if (!prop_set(d->machine, d, p, value, &err)) {
        error_prepend(&err, "property '%s' of '%s': ", prop, d->type->name);
        error_propagate(errp, err);
        return false;
    }
    if (!d->prop_text) {
        d->prop_text = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    }
    g_hash_table_replace(d->prop_text, (void *)p->name, g_strdup(value));
    return true;
}

/* What follows "name." in a -global; NULL: it is about another type. */
static const char *global_for(const char *global, const char *name)
{
    size_t len = name ? strlen(name) : 0;

    return name && strncmp(global, name, len) == 0 && global[len] == '.' ? global + len + 1 : NULL;
}

/* -global; before anything the board or -device says, which both override it. */
void device_props_set_globals(Device *d)
{
    const char *const *g = machine_config(d->machine)->globals;

    for (; g && *g; g++) {
        const char *rest = global_for(*g, d->type->name);
        rest = rest ? rest : global_for(*g, d->type->alias);
        if (!rest) {
            continue;
        }
        g_auto(GStrv) words = g_strsplit(rest, "=", 2);
        if (!d->global_error &&
            !device_set(d, words[0], words[1] ? words[1] : "", &d->global_error)) {
            error_prepend(&d->global_error, "-global %s: ", *g);
        }
    }
}

bool device_props_set_list(Device *d, const char *list, Error **errp)
{
    g_auto(GStrv) items = g_strsplit(list, ",", -1);

    for (int i = 0; items[i]; i++) {
        if (!*items[i]) {
            continue;
        }
        char *eq = strchr(items[i], '=');
        if (eq) {
            *eq = 0;
        }
        if (!device_set(d, items[i], eq ? eq + 1 : "on", errp)) {
            return false;
        }
    }
    return true;
}

void device_set_u64(Device *d, const char *prop, uint64_t v)
{
    const Property *p = find(&d, prop);

    g_assert(p && !d->realized && p->kind != PROP_STRING && p->kind != PROP_CHARDEV &&
             p->kind != PROP_DRIVE && p->kind != PROP_LINK && p->kind != PROP_OBJECT);
    put_number(d, p, v);
}

void device_set_ptr(Device *d, const char *prop, void *v)
{
    const Property *p = find(&d, prop);

    g_assert(p && !d->realized &&
             (p->kind == PROP_CHARDEV || p->kind == PROP_DRIVE || p->kind == PROP_LINK ||
              p->kind == PROP_OBJECT));
    *(void **)member(d, p) = v;
}

static char *get_link(void *d, const Property *p)
{
    Device *to = *(Device **)member(d, p);

    return g_strdup(!to ? "" : to->id ? to->id : to->type->name);
}

char *prop_get(void *d, const Property *p)
{
    void *at = member(d, p);

    switch (p->kind) {
    case PROP_BOOL:
        return g_strdup(*(bool *)at ? "true" : "false");
    case PROP_U8:
        return g_strdup_printf("%u", *(uint8_t *)at);
    case PROP_U16:
        return g_strdup_printf("%u", *(uint16_t *)at);
    case PROP_U32:
        return g_strdup_printf("%" PRIu32, *(uint32_t *)at);
    case PROP_I32:
        return g_strdup_printf("%" PRId32, *(int32_t *)at);
    case PROP_U64:
    case PROP_SIZE:
        return g_strdup_printf("%" PRIu64, *(uint64_t *)at);
    case PROP_STRING:
        return g_strdup(*(char **)at ? *(char **)at : "");
    case PROP_ENUM:
        return g_strdup(p->enum_names[*(int *)at]);
    case PROP_OBJECT:
        return g_strdup(*(Object **)at ? (*(Object **)at)->id : "");
    default:
        return get_link(d, p);
    }
}

/* Core knows no names of ports: what was given, or that the board gave one. */
static char *get_port(Device *d, const Property *p)
{
    const char *text = d->prop_text ? g_hash_table_lookup(d->prop_text, p->name) : NULL;

    return g_strdup(text ? text : *(void **)member(d, p) ? "set" : "");
}

char *device_get(Device *d, const char *prop)
{
    const Property *p = find(&d, prop);

    return !p ? NULL
           : p->kind == PROP_CHARDEV || p->kind == PROP_DRIVE ? get_port(d, p)
                                                              : prop_get(d, p);
}
