/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of nodes: dotted keys, types, and what is not known.
 *
 * home: any thread, pure functions.
 */
#include <string.h>

#include "base/suggest.h"
#include "base/units.h"
#include "block/internal.h"
#include "schema/opts.h"

#define MAX_DEPTH 32 /* of dots in a key */

/* The object under @key of @o, made when it is not there yet. NULL: something else is there. */
static json_t *sub_object(json_t *o, const char *key)
{
    json_t *sub = json_object_get(o, key);

    if (!sub) {
        sub = json_object();
        json_object_set_new(o, key, sub);
    }
    return json_is_object(sub) ? sub : NULL;
}

static bool put_dotted(json_t *root, const char *key, json_t *value, Error **errp)
{
    g_auto(GStrv) parts = g_strsplit(key, ".", -1);
    json_t *o = root;
    guint n = g_strv_length(parts);

    if (n > MAX_DEPTH) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is nested too deeply", key);
        return false;
    }
    for (guint i = 0; i + 1 < n; i++) {
        o = parts[i][0] ? sub_object(o, parts[i]) : NULL;
        if (!o) {
            error_set(errp, ERR_INVALID_PARAMETER, "'%s' does not fit '%s', which is given too",
                      key, parts[i]);
            return false;
        }
    }
    json_t *there = json_object_get(o, parts[n - 1]);
    if (!parts[n - 1][0] || (json_is_object(there) && !json_is_object(value))) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' does not fit the other keys", key);
        return false;
    }
    if (json_is_object(there)) {
        json_object_update_missing(there, value);
    } else {
        json_object_set(o, parts[n - 1], value);
    }
    return true;
}

json_t *block_nest_opts(json_t *flat, Error **errp)
{
    g_autoptr(json_t) root = json_object();
    const char *key;
    json_t *value;

    json_object_foreach(flat, key, value)
    {
        g_autoptr(json_t) nested =
            json_is_object(value) ? block_nest_opts(value, errp) : json_incref(value);
        if (!nested || !put_dotted(root, key, nested, errp)) {
            return NULL;
        }
    }
    return g_steal_pointer(&root);
}

json_t *block_parse_opts(const char *text, Error **errp)
{
    g_autoptr(json_t) flat = opts_parse(text, NULL, errp);

    if (flat && !json_is_object(flat)) {
        error_set(errp, ERR_INVALID_PARAMETER, "options are a JSON object or key=value,...");
        return NULL;
    }
    return flat ? block_nest_opts(flat, errp) : NULL;
}

/* ---- types ---- */

static bool bad_type(const char *key, const char *wanted, Error **errp)
{
    error_set(errp, ERR_INVALID_PARAMETER, "parameter '%s' expects %s", key, wanted);
    return false;
}

static bool to_bool(const char *key, const json_t *v, bool *out, Error **errp)
{
    if (json_is_boolean(v)) {
        *out = json_is_true(v);
        return true;
    }
    return (json_is_string(v) && parse_bool(json_string_value(v), out, NULL)) ||
           bad_type(key, "'on' or 'off'", errp);
}

static bool to_number(const char *key, const json_t *v, bool is_size, json_int_t *out, Error **errp)
{
    uint64_t size = 0;

    if (json_is_integer(v)) {
        *out = json_integer_value(v);
        return (!is_size || *out >= 0) || bad_type(key, "a size", errp);
    }
    if (json_is_string(v) && is_size && parse_size(json_string_value(v), 'B', &size, NULL) &&
        size <= INT64_MAX) {
        *out = (json_int_t)size;
        return true;
    }
    int64_t number;
    if (json_is_string(v) && !is_size && parse_i64(json_string_value(v), &number, NULL)) {
        *out = number;
        return true;
    }
    return bad_type(key, is_size ? "a size" : "a number", errp);
}

bool opts_take_bool(json_t *opts, const char *key, bool *out, Error **errp)
{
    json_t *v = json_object_get(opts, key);

    if (v && !to_bool(key, v, out, errp)) {
        return false;
    }
    json_object_del(opts, key);
    return true;
}

bool opts_take_str(json_t *opts, const char *key, char **out, Error **errp)
{
    json_t *v = json_object_get(opts, key);

    if (v && !json_is_string(v)) {
        return bad_type(key, "a string", errp);
    }
    if (v) {
        g_free(*out);
        *out = g_strdup(json_string_value(v));
        json_object_del(opts, key);
    }
    return true;
}

static const BlockOpt *find_opt(const BlockOpt *table, const char *key)
{
    for (const BlockOpt *o = table; o && o->name; o++) {
        if (!strcmp(o->name, key)) {
            return o;
        }
    }
    return NULL;
}

static bool unknown_key(const BlockOpt *table, const char *key, const char *driver, Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    static const char *const common[] = {"driver", "node-name", "read-only", "auto-read-only",
                                         "force-share", "discard", "detect-zeroes", "cache", "file",
                                         "backing", "format", "if", "media", "index", "bus", "unit",
                                         "snapshot", "aio", "werror", "rerror"};

    for (const BlockOpt *o = table; o && o->name; o++) {
        g_ptr_array_add(names, (char *)o->name);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(common); i++) {
        g_ptr_array_add(names, (char *)common[i]);
    }
    g_ptr_array_add(names, NULL);
    const char *near = suggest_name(key, (const char *const *)names->pdata);
    error_set(errp, ERR_INVALID_PARAMETER, "block driver '%s' has no option '%s'", driver, key);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    }
    return false;
}

/* The value in the option's own type, a new reference. */
static json_t *typed(const BlockOpt *o, json_t *v, Error **errp)
{
    bool b;
    json_int_t i;

    switch (o->kind) {
    case BLOCK_OPT_BOOL:
        return to_bool(o->name, v, &b, errp) ? json_boolean(b) : NULL;
    case BLOCK_OPT_SIZE:
    case BLOCK_OPT_INT:
        return to_number(o->name, v, o->kind == BLOCK_OPT_SIZE, &i, errp) ? json_integer(i) : NULL;
    case BLOCK_OPT_STR:
        if (json_is_string(v)) {
            return json_incref(v);
        }
        if (json_is_integer(v)) {
            return json_stringf("%lld", (long long)json_integer_value(v));
        }
        bad_type(o->name, "a string", errp);
        return NULL;
    case BLOCK_OPT_CHILD:
        break;
    }
    return json_incref(v);
}

bool block_typed_opts(const BlockOpt *table, json_t *opts, const char *driver, Error **errp)
{
    const char *key;
    json_t *v;
    void *next;

    json_object_foreach_safe(opts, next, key, v)
    {
        const BlockOpt *o = find_opt(table, key);
        json_t *t = o ? typed(o, v, errp) : NULL;
        if (!o) {
            return unknown_key(table, key, driver, errp);
        }
        if (!t) {
            return false;
        }
        json_object_set_new(opts, o->name, t);
    }
    for (const BlockOpt *o = table; o && o->name; o++) {
        if (o->def && !json_object_get(opts, o->name)) {
            g_autoptr(json_t) def = json_string(o->def);
            json_t *t = typed(o, def, errp);
            if (!t) {
                return false;
            }
            json_object_set_new(opts, o->name, t);
        }
    }
    return true;
}
