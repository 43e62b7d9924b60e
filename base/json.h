/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Scope cleanup and Error-style parsing for Jansson.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <glib.h>
#include <jansson.h>

#include "base/error.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_t, json_decref)

/* Parses one JSON text; a new reference, or NULL. */
json_t *json_parse(const char *text, size_t len, Error **errp);

/* One line of JSON, keys in insertion order. Free with free() (as Jansson's own dumps). */
char *json_to_line(const json_t *v);

/* A value as an option string has it: "on" and "off", text without quotes. Free with g_free(). */
char *json_value_text(const json_t *v);

/* The QAPI name of a value's type: "object", "array", "string", "integer", "number", ... */
const char *json_type_name(const json_t *v);

/* A string made printf-like; a new reference. */
json_t *json_stringf(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

#endif
