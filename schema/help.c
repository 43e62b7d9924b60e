/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The command line's options as text.
 */
#include <string.h>

#include "base/suggest.h"
#include "schema/schema.h"

#define COLUMN 28
#define WIDTH  96

const SchemaOption *schema_option_find(const char *name)
{
    for (const SchemaOption *o = schema_options; o->name; o++) {
        if (!strcmp(o->name, name) || g_strcmp0(o->alias, name) == 0) {
            return o;
        }
    }
    return NULL;
}

const char *schema_option_suggest(const char *wrong)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (const SchemaOption *o = schema_options; o->name; o++) {
        g_ptr_array_add(names, (char *)o->name);
    }
    g_ptr_array_add(names, NULL);
    return suggest_name(wrong, (const char *const *)names->pdata);
}

/* Appends prose in lines of at most WIDTH, the following ones indented to COLUMN. */
static void append_wrapped(GString *out, const char *prose)
{
    g_auto(GStrv) words = g_strsplit(prose, " ", -1);
    size_t col = COLUMN;

    for (char **w = words; *w; w++) {
        size_t len = strlen(*w);
        if (col > COLUMN && col + 1 + len > WIDTH) {
            g_string_append_printf(out, "\n%*s", COLUMN, "");
            col = COLUMN;
        } else if (col > COLUMN) {
            g_string_append_c(out, ' ');
            col++;
        }
        g_string_append(out, *w);
        col += len;
    }
    g_string_append_c(out, '\n');
}

static void append_option(GString *out, const SchemaOption *o)
{
    g_autoptr(GString) head = g_string_new(NULL);

    if (o->alias) {
        g_string_append_printf(head, "-%s, ", o->alias);
    }
    g_string_append_printf(head, "-%s", o->name);
    if (o->usage) {
        g_string_append_printf(head, " %s", o->usage);
    }
    if (head->len + 1 < COLUMN) {
        g_string_append_printf(out, "%-*s", COLUMN, head->str);
    } else {
        g_string_append_printf(out, "%s\n%*s", head->str, COLUMN, "");
    }
    append_wrapped(out, o->help);
}

char *schema_options_help(const char *program)
{
    GString *out = g_string_new(NULL);
    const char *section = "";

    g_string_append_printf(out,
                           "Usage: %s [options]\n\n"
                           "rhea doctor tells whether hardware acceleration works on this host.\n"
                           "Options start with one dash or two; those with key=value lists "
                           "take JSON too.\n",
                           program);
    for (const SchemaOption *o = schema_options; o->name; o++) {
        if (strcmp(section, o->section)) {
            section = o->section;
            g_string_append_printf(out, "\n%s:\n", section);
        }
        append_option(out, o);
    }
    return g_string_free(out, FALSE);
}
