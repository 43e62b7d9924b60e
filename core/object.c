/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User-creatable objects: types by name, ids, creation by options.
 *
 * home: main loop.
 */
#include <string.h>

#include "base/suggest.h"
#include "core/internal.h"
#include "schema/opts.h"

const ObjectType *object_type_find(const char *name, Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    REGISTRY_FOREACH (ObjectType, it) {
        if (strcmp((*it)->name, name) == 0) {
            return *it;
        }
        g_ptr_array_add(names, (void *)(*it)->name);
    }
    g_ptr_array_add(names, NULL);
    const char *near = suggest_name(name, (const char *const *)names->pdata);
    error_set(errp, ERR_INVALID_PARAMETER, "there is no object type '%s'", name);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    } else {
        error_hint(errp, "-object help lists them");
    }
    return NULL;
}

Object *object_find(Machine *m, const char *id)
{
    for (guint i = 0; i < m->objects->len; i++) {
        Object *o = m->objects->pdata[i];
        if (strcmp(o->id, id) == 0) {
            return o;
        }
    }
    return NULL;
}

void object_foreach(Machine *m, void (*fn)(Object *o, void *opaque), void *opaque)
{
    for (guint i = 0; i < m->objects->len; i++) {
        fn(m->objects->pdata[i], opaque);
    }
}

static void object_free(Object *o)
{
    if (o->complete && o->type->fini) {
        o->type->fini(o);
    }
    props_free(o, o->type->props);
    g_free(o->id);
    g_free(o);
}

static bool set_all(Object *o, json_t *opts, Error **errp)
{
    const char *key;
    json_t *v;

    json_object_foreach(opts, key, v)
    {
        if (!strcmp(key, "qom-type") || !strcmp(key, "id")) {
            continue;
        }
        const Property *p = props_find(o->type->props, key);
        if (!p) {
            props_unknown(o->type->name, o->type->props, NULL, key, errp);
            return false;
        }
        g_autofree char *text = json_value_text(v);
        Error *err = NULL;
        if (!prop_set(o->machine, o, p, text, &err)) {
            error_prepend(&err, "property '%s' of '%s': ", key, o->type->name);
            error_propagate(errp, err);
            return false;
        }
    }
    return true;
}

/* QEMU's rule: a letter, then letters, digits, '-', '.', '_'. */
static bool id_wellformed(const char *id)
{
    if (!g_ascii_isalpha(*id)) {
        return false;
    }
    for (; *id; id++) {
        if (!g_ascii_isalnum(*id) && !strchr("-._", *id)) {
            return false;
        }
    }
    return true;
}

void object_join_lists(json_t *opts, const char *text)
{
    const char *name = opts_get(opts, "qom-type");
    const ObjectType *type = name ? object_type_find(name, NULL) : NULL;

    for (const char *const *l = type ? type->lists : NULL; l && *l; l++) {
        opts_join(opts, text, *l);
    }
}

Object *object_add(Machine *m, json_t *opts, Error **errp)
{
    const char *name = json_string_value(json_object_get(opts, "qom-type"));
    const char *id = json_string_value(json_object_get(opts, "id"));

    if (!name || !id) {
        error_set(errp, ERR_INVALID_PARAMETER, "Parameter '%s' is missing",
                  name ? "id" : "qom-type");
        return NULL;
    }
    if (!id_wellformed(id)) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is no identifier", id);
        error_hint(errp,
                   "it begins with a letter and goes on with letters, digits, '-', '.' or '_'");
        return NULL;
    }
    const ObjectType *type = object_type_find(name, errp);
    if (!type) {
        return NULL;
    }
    if (object_find(m, id)) {
        error_set(errp, ERR_INVALID_PARAMETER, "there is an object '%s' already", id);
        return NULL;
    }
    Object *o = g_malloc0(type->size);
    o->type = type;
    o->machine = m;
    o->id = g_strdup(id);
    props_init(o, type->props);
    if (!set_all(o, opts, errp) || (type->complete && !type->complete(o, errp))) {
        object_free(o);
        return NULL;
    }
    o->complete = true;
    g_ptr_array_add(m->objects, o);
    return o;
}

bool object_del(Machine *m, const char *id, Error **errp)
{
    Object *o = object_find(m, id);

    if (!o) {
        error_set(errp, ERR_GENERIC, "object '%s' not found", id);
        return false;
    }
    if (o->users) {
        error_set(errp, ERR_GENERIC, "object '%s' is in use, can not be deleted", id);
        return false;
    }
    g_ptr_array_remove(m->objects, o);
    object_free(o);
    return true;
}

/* ---- by path ---- */

#define OBJECTS "/objects"

static Object *by_path(Machine *m, const char *path, Error **errp)
{
    const char *id = g_str_has_prefix(path, OBJECTS "/") ? path + strlen(OBJECTS "/") : path;
    Object *o = object_find(m, id);

    if (!o) {
        error_set(errp, ERR_DEVICE_NOT_FOUND, "Device '%s' not found", path);
    }
    return o;
}

static bool has_property(const Object *o, const char *name)
{
    return props_find(o->type->props, name) || (o->type->extra && g_strv_contains(o->type->extra, name));
}

static bool no_property(const Object *o, const char *name, Error **errp)
{
    error_set(errp, ERR_GENERIC, "Property '%s.%s' not found", o->type->name, name);
    return false;
}

static json_t *plain_value(Object *o, const Property *p)
{
    g_autofree char *text = prop_get(o, p);

    switch (p->kind) {
    case PROP_BOOL:
        return json_boolean(!strcmp(text, "true"));
    case PROP_STRING: case PROP_ENUM:
        return json_string(text);
    case PROP_OBJECT:
        return *text ? json_stringf(OBJECTS "/%s", text) : json_string("");
    default:
        return json_integer((json_int_t)g_ascii_strtoull(text, NULL, 10));
    }
}

json_t *object_get(Machine *m, const char *path, const char *name, Error **errp)
{
    Object *o = by_path(m, path, errp);
    Error *err = NULL;

    if (!o) {
        return NULL;
    }
    if (!strcmp(name, "type")) {
        return json_string(o->type->name);
    }
    json_t *v = o->type->get ? o->type->get(o, name, &err) : NULL;
    if (v || err) {
        error_propagate(errp, err);
        return v;
    }
    const Property *p = props_find(o->type->props, name);
    if (!p) {
        no_property(o, name, errp);
        return NULL;
    }
    return plain_value(o, p);
}

bool object_set(Machine *m, const char *path, const char *name, json_t *value, Error **errp)
{
    Object *o = by_path(m, path, errp);

    if (!o) {
        return false;
    }
    if (!has_property(o, name)) {
        return no_property(o, name, errp);
    }
    if (!o->type->set) {
        error_set(errp, ERR_GENERIC, "cannot change property %s of %s", name, o->type->name);
        return false;
    }
    g_autofree char *text = json_value_text(value);
    return o->type->set(o, name, text, errp);
}

static void append_name(json_t *list, const char *name, const char *type)
{
    json_array_append_new(list, json_pack("{s:s, s:s}", "name", name, "type", type));
}

json_t *object_list(Machine *m, const char *path, Error **errp)
{
    json_t *list = json_array();

    append_name(list, "type", "string");
    if (!strcmp(path, OBJECTS)) {
        for (guint i = 0; i < m->objects->len; i++) {
            Object *o = m->objects->pdata[i];
            g_autofree char *type = g_strdup_printf("child<%s>", o->type->name);
            append_name(list, o->id, type);
        }
        return list;
    }
    Object *o = by_path(m, path, errp);
    if (!o) {
        json_decref(list);
        return NULL;
    }
    for (const char *const *n = o->type->extra; n && *n; n++) {
        append_name(list, *n, "int");
    }
    for (const Property *p = o->type->props; p && p->name; p++) {
        bool lists = o->type->lists && g_strv_contains(o->type->lists, p->name);
        append_name(list, p->name, p->kind == PROP_BOOL ? "bool"
                                   : p->kind == PROP_OBJECT ? "link"
                                   : !lists && (p->kind == PROP_STRING || p->kind == PROP_ENUM) ? "string" : "int");
    }
    return list;
}

/* ---- use ---- */

void object_ref(Object *o)
{
    o->users++;
}

void object_unref(Object *o)
{
    g_assert(o->users > 0);
    o->users--;
}

void objects_free(Machine *m)
{
    while (m->objects->len) {
        object_free(g_ptr_array_remove_index(m->objects, m->objects->len - 1));
    }
    g_ptr_array_free(m->objects, TRUE);
}
