/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Values against the schema: parsing into generated structs, and validation.
 */
#include <string.h>

#include "base/suggest.h"
#include "base/units.h"
#include "schema/schema.h"

static bool type_error(const char *where, const char *expected, Error **errp)
{
    error_set(errp, ERR_INVALID_PARAMETER, "Invalid parameter type for '%s', expected: %s", where,
              expected);
    return false;
}

/* The index of an enum value; -1 with an error that lists or suggests. */
static int enum_parse(const SchemaType *type, const char *name, const char *s, Error **errp)
{
    for (int i = 0; type->values[i]; i++) {
        if (!strcmp(type->values[i], s)) {
            return i;
        }
    }
    error_set(errp, ERR_INVALID_PARAMETER, "'%s' is not a value of '%s'", s, name);
    g_autofree char *all = g_strjoinv(", ", (char **)type->values);
    error_hint(errp, "it can be %s", all);
    return -1;
}

/* Stores a value given as text. */
static bool store_text(const SchemaArg *a, const char *s, void *slot, Error **errp)
{
    g_autofree char *where = g_strdup_printf("%s: ", a->name);
    bool ok = true;

    switch (a->type->kind) {
    case SCHEMA_INT:
        ok = parse_i64(s, slot, errp);
        break;
    case SCHEMA_SIZE:
        ok = parse_size(s, a->unit ? a->unit : 'B', slot, errp);
        break;
    case SCHEMA_BOOL:
        ok = parse_bool(s, slot, errp);
        break;
    case SCHEMA_STR:
        *(const char **)slot = s;
        break;
    case SCHEMA_ENUM: {
        int i = enum_parse(a->type, a->name, s, errp);
        *(int *)slot = i;
        return i >= 0;
    }
    case SCHEMA_NUMBER: {
        char *end;
        *(double *)slot = g_ascii_strtod(s, &end);
        ok = *s && !*end;
        if (!ok) {
            error_set(errp, ERR_INVALID_PARAMETER, "'%s' is not a number", s);
        }
        break;
    }
    default:
        return type_error(a->name, a->type->name, errp);
    }
    if (!ok) {
        error_prepend(errp, "%s", where);
    }
    return ok;
}

/* Stores a JSON value whose shape was checked. */
static void store_json(const SchemaArg *a, json_t *v, void *slot)
{
    switch (a->type->kind) {
    case SCHEMA_INT:
        *(int64_t *)slot = json_integer_value(v);
        break;
    case SCHEMA_SIZE:
        *(uint64_t *)slot = (uint64_t)json_integer_value(v);
        break;
    case SCHEMA_NUMBER:
        *(double *)slot = json_number_value(v);
        break;
    case SCHEMA_BOOL:
        *(bool *)slot = json_is_true(v);
        break;
    case SCHEMA_STR:
        *(const char **)slot = json_string_value(v);
        break;
    case SCHEMA_ENUM:
        *(int *)slot = enum_parse(a->type, a->name, json_string_value(v), NULL);
        break;
    default:
        *(json_t **)slot = v;
        break;
    }
}

static const SchemaArg *find_arg(const SchemaArg *args, const char *name)
{
    for (; args->name; args++) {
        if (!strcmp(args->name, name)) {
            return args;
        }
    }
    return NULL;
}

static bool unexpected(const SchemaArg *args, const char *key, Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (const SchemaArg *a = args; a->name; a++) {
        g_ptr_array_add(names, (char *)a->name);
    }
    g_ptr_array_add(names, NULL);
    const char *near = suggest_name(key, (const char *const *)names->pdata);
    error_set(errp, ERR_INVALID_PARAMETER, "Parameter '%s' is unexpected", key);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    } else if (names->len > 1) {
        g_autofree char *all = g_strjoinv(", ", (char **)names->pdata);
        error_hint(errp, "it can be %s", all);
    }
    return false;
}

/*
 * The argument of a key. Old option strings say "nofoo" for foo=off; @negated tells that this
 * was such a one.
 */
static const SchemaArg *key_to_arg(const SchemaArg *args, const char *key, json_t *v, bool text,
                                   bool *negated)
{
    const SchemaArg *a = find_arg(args, key);

    *negated = false;
    if (!a && text && g_str_has_prefix(key, "no") && json_is_string(v) &&
        !strcmp(json_string_value(v), "on")) {
        a = find_arg(args, key + 2);
        *negated = true;
        if (a && a->type->kind != SCHEMA_BOOL) {
            a = NULL;
        }
    }
    return a;
}

static bool store(const SchemaArg *a, json_t *v, bool text, bool negated, char *out, Error **errp)
{
    void *slot = out + a->offset;

    if (a->has_offset) {
        *(bool *)(out + a->has_offset) = true;
    }
    if (negated) {
        *(bool *)slot = false;
        return true;
    }
    if (text && json_is_string(v) && a->type->kind != SCHEMA_ANY) {
        return store_text(a, json_string_value(v), slot, errp);
    }
    if (!schema_validate(a->type, v, a->name, errp)) {
        return false;
    }
    store_json(a, v, slot);
    return true;
}

bool schema_args_parse(const SchemaArg *args, size_t size, json_t *obj, bool text, void *out,
                       Error **errp)
{
    const char *key;
    json_t *v;

    memset(out, 0, size);
    for (const SchemaArg *a = args; a->name; a++) {
        if (a->def && !store_text(a, a->def, (char *)out + a->offset, errp)) {
            return false;
        }
    }
    json_object_foreach(obj, key, v)
    {
        bool negated;
        const SchemaArg *a = key_to_arg(args, key, v, text, &negated);
        if (!a) {
            return unexpected(args, key, errp);
        }
        if (!store(a, v, text, negated, out, errp)) {
            return false;
        }
    }
    for (const SchemaArg *a = args; a->name; a++) {
        if (!a->optional && !json_object_get(obj, a->name)) {
            error_set(errp, ERR_INVALID_PARAMETER, "Parameter '%s' is missing", a->name);
            error_hint(errp, "it is the %s", a->help);
            return false;
        }
    }
    return true;
}

static bool validate_list(const SchemaType *type, json_t *value, const char *where, Error **errp)
{
    size_t i;
    json_t *v;

    if (!json_is_array(value)) {
        return type_error(where, "array", errp);
    }
    json_array_foreach(value, i, v)
    {
        g_autofree char *inner = g_strdup_printf("%s[%zu]", where, i);
        if (!schema_validate(type->element, v, inner, errp)) {
            return false;
        }
    }
    return true;
}

bool schema_validate(const SchemaType *type, json_t *value, const char *where, Error **errp)
{
    switch (type->kind) {
    case SCHEMA_INT:
    case SCHEMA_SIZE:
        return json_is_integer(value) || type_error(where, "integer", errp);
    case SCHEMA_NUMBER:
        return json_is_number(value) || type_error(where, "number", errp);
    case SCHEMA_BOOL:
        return json_is_boolean(value) || type_error(where, "boolean", errp);
    case SCHEMA_STR:
        return json_is_string(value) || type_error(where, "string", errp);
    case SCHEMA_ENUM:
        if (!json_is_string(value)) {
            return type_error(where, "string", errp);
        }
        return enum_parse(type, where, json_string_value(value), errp) >= 0;
    case SCHEMA_LIST:
        return validate_list(type, value, where, errp);
    case SCHEMA_STRUCT:
        return schema_validate_members(type->members, value, where, errp);
    case SCHEMA_ANY:
        return true;
    }
    g_assert_not_reached();
}

bool schema_validate_members(const SchemaArg *members, json_t *obj, const char *where, Error **errp)
{
    const char *key;
    json_t *v;

    if (!json_is_object(obj)) {
        return type_error(where, "object", errp);
    }
    json_object_foreach(obj, key, v)
    {
        const SchemaArg *a = find_arg(members, key);
        g_autofree char *inner = g_strdup_printf("%s.%s", where, key);
        if (!a) {
            return unexpected(members, inner, errp);
        }
        if (!schema_validate(a->type, v, inner, errp)) {
            return false;
        }
    }
    for (const SchemaArg *a = members; a->name; a++) {
        if (!a->optional && !json_object_get(obj, a->name)) {
            error_set(errp, ERR_INVALID_PARAMETER, "Parameter '%s.%s' is missing", where, a->name);
            return false;
        }
    }
    return true;
}
