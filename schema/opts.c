/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "schema/opts.h"

/* Reads up to a single ',' or the end; ",," is a comma. Returns where the next piece starts. */
static const char *take_piece(const char *p, GString *piece)
{
    g_string_truncate(piece, 0);
    for (; *p; p++) {
        if (*p == ',') {
            if (p[1] != ',') {
                return p + 1;
            }
            p++;
        }
        g_string_append_c(piece, *p);
    }
    return p;
}

static bool add_piece(json_t *opts, char *piece, const char *implied, bool first, Error **errp)
{
    char *eq = strchr(piece, '=');
    json_t *value;

    if (eq == piece || !*piece) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is not of the form key=value",
                  *piece ? piece : ",");
        error_hint(errp, "a comma inside a value is written twice");
        return false;
    }
    if (eq) {
        *eq = 0;
        value = json_string(eq + 1);
    } else if (first && implied) {
        value = json_string(piece);
        piece = (char *)implied;
    } else {
        value = json_string("on");
    }
    if (!value || json_object_set_new(opts, piece, value) < 0) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is not valid UTF-8", piece);
        return false;
    }
    return true;
}

json_t *opts_parse(const char *text, const char *implied, Error **errp)
{
    g_autoptr(json_t) opts = NULL;
    g_autoptr(GString) piece = g_string_new(NULL);
    bool first = true;

    if (text[0] == '{') {
        opts = json_parse(text, strlen(text), errp);
        return opts ? g_steal_pointer(&opts) : NULL;
    }
    opts = json_object();
    for (const char *p = text; *p; first = false) {
        p = take_piece(p, piece);
        if (!add_piece(opts, piece->str, implied, first, errp)) {
            return NULL;
        }
    }
    return g_steal_pointer(&opts);
}

void opts_join(json_t *opts, const char *text, const char *key)
{
    g_auto(GStrv) items = g_strsplit(text, ",", -1);
    g_autofree char *start = g_strconcat(key, "=", NULL);
    g_autoptr(GString) all = g_string_new(NULL);

    for (char **i = items; *text != '{' && *i; i++) {
        if (g_str_has_prefix(*i, start)) {
            g_string_append_printf(all, "%s%s", all->len ? ":" : "", *i + strlen(start));
        }
    }
    if (all->len) {
        json_object_set_new(opts, key, json_string(all->str));
    }
}

const char *opts_get(json_t *opts, const char *key)
{
    return json_string_value(json_object_get(opts, key));
}

char *opts_take(json_t *opts, const char *key)
{
    json_t *v = json_object_get(opts, key);
    char *text;

    if (!v) {
        return NULL;
    }
    if (json_is_string(v)) {
        text = g_strdup(json_string_value(v));
    } else if (json_is_boolean(v)) {
        text = g_strdup(json_is_true(v) ? "on" : "off");
    } else {
        char *line = json_to_line(v);
        text = g_strdup(line);
        free(line);
    }
    json_object_del(opts, key);
    return text;
}
