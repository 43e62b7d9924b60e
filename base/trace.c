/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdarg.h>
#include <string.h>

#include "base/log.h"
#include "base/trace.h"

void trace_print(const char *name, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    FILE *f = log_begin();
    fprintf(f, "%s ", name);
    vfprintf(f, fmt, ap);
    fputc('\n', f);
    log_end(f);
    va_end(ap);
}

static unsigned walk(const char *pattern, bool apply)
{
    bool on = pattern[0] != '-';
    g_autoptr(GPatternSpec) spec = g_pattern_spec_new(on ? pattern : pattern + 1);
    unsigned n = 0;

    REGISTRY_FOREACH (TraceEvent, it) {
        if (g_pattern_spec_match_string(spec, (*it)->name)) {
            n++;
            if (apply) {
                __atomic_store_n((*it)->on, on, __ATOMIC_RELAXED);
            }
        }
    }
    return n;
}

unsigned trace_enable(const char *pattern)
{
    return walk(pattern, true);
}

unsigned trace_match(const char *pattern)
{
    return walk(pattern, false);
}

bool trace_enable_file(const char *path, Error **errp)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) gerr = NULL;

    if (!g_file_get_contents(path, &text, NULL, &gerr)) {
        error_set(errp, ERR_IO, "cannot read the list of trace events: %s", gerr->message);
        return false;
    }
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++) {
        g_strstrip(*l);
        if (**l && **l != '#') {
            trace_enable(*l);
        }
    }
    return true;
}

static int by_name(const void *a, const void *b)
{
    const TraceEvent *const *ea = a, *const *eb = b;
    return strcmp((*ea)->name, (*eb)->name);
}

void trace_print_help(FILE *f)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();

    REGISTRY_FOREACH (TraceEvent, it) {
        g_ptr_array_add(all, (void *)*it);
    }
    g_ptr_array_sort(all, by_name);
    for (guint i = 0; i < all->len; i++) {
        const TraceEvent *e = all->pdata[i];
        fprintf(f, "%-28s %s\n", e->name, e->format);
    }
}
