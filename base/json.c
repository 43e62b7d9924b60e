/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdarg.h>

#include "base/json.h"

json_t *json_parse(const char *text, size_t len, Error **errp)
{
    json_error_t jerr;
    json_t *v = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &jerr);

    if (!v) {
        error_set(errp, ERR_GENERIC, "JSON: %s (at character %d)", jerr.text, jerr.position);
    }
    return v;
}

char *json_to_line(const json_t *v)
{
    return json_dumps(v, JSON_ENCODE_ANY | JSON_PRESERVE_ORDER);
}

const char *json_type_name(const json_t *v)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "object";
    case JSON_ARRAY:
        return "array";
    case JSON_STRING:
        return "string";
    case JSON_INTEGER:
        return "integer";
    case JSON_REAL:
        return "number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "boolean";
    default:
        return "null";
    }
}

json_t *json_stringf(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    return json_string(text);
}

char *json_value_text(const json_t *v)
{
    if (json_is_string(v)) {
        return g_strdup(json_string_value(v));
    }
    if (json_is_boolean(v)) {
        return g_strdup(json_is_true(v) ? "on" : "off");
    }
    char *dumped = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    char *text = g_strdup(dumped);
    free(dumped);
    return text;
}
