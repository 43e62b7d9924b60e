/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * See report.h. Single-threaded.
 */
#include "doctor/report.h"

#include <stdlib.h>

#include "base/json.h"

typedef struct Item {
    Finding finding;
    char *what, *text, *fix;
} Item;

struct Report {
    GPtrArray *items;
};

static const char *const finding_names[] = {"ok", "warning", "error"};

static void item_free(void *opaque)
{
    Item *i = opaque;

    g_free(i->what);
    g_free(i->text);
    g_free(i->fix);
    g_free(i);
}

Report *report_new(void)
{
    Report *r = g_new0(Report, 1);

    r->items = g_ptr_array_new_with_free_func(item_free);
    return r;
}

void report_free(Report *r)
{
    g_ptr_array_unref(r->items);
    g_free(r);
}

/* Texts quote files, which may hold anything; a terminal must not obey them. */
static char *harmless(char *text)
{
    for (char *p = text; *p; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            *p = ' ';
        }
    }
    return text;
}

void report_add(Report *r, Finding f, const char *what, const char *fmt, ...)
{
    Item *i = g_new0(Item, 1);
    va_list ap;

    va_start(ap, fmt);
    *i = (Item){f, g_strdup(what), harmless(g_strdup_vprintf(fmt, ap)), NULL};
    va_end(ap);
    g_ptr_array_add(r->items, i);
}

void report_fix(Report *r, const char *fmt, ...)
{
    Item *i = r->items->pdata[r->items->len - 1];
    va_list ap;

    va_start(ap, fmt);
    g_free(i->fix);
    i->fix = harmless(g_strdup_vprintf(fmt, ap));
    va_end(ap);
}

int report_count(const Report *r, Finding f)
{
    int n = 0;

    for (guint i = 0; i < r->items->len; i++) {
        n += ((Item *)r->items->pdata[i])->finding == f;
    }
    return n;
}

bool report_usable(const Report *r)
{
    return !report_count(r, FINDING_ERROR);
}

void report_print_text(const Report *r, FILE *out, bool quiet)
{
    for (guint n = 0; n < r->items->len; n++) {
        const Item *i = r->items->pdata[n];
        if (quiet && i->finding == FINDING_OK) {
            continue;
        }
        fprintf(out, "%-8s %-13s %s\n", finding_names[i->finding], i->what, i->text);
        if (i->fix) {
            fprintf(out, "%-8s %-13s -> %s\n", "", "", i->fix);
        }
    }
    int warnings = report_count(r, FINDING_WARNING), errors = report_count(r, FINDING_ERROR);
    if (quiet && report_usable(r) && !warnings) {
        return;
    }
    fprintf(out, "%sKVM %s here: %d error%s, %d warning%s\n", quiet ? "" : "\n",
            report_usable(r) ? "works" : "does not work", errors, errors == 1 ? "" : "s", warnings,
            warnings == 1 ? "" : "s");
}

void report_print_json(const Report *r, FILE *out)
{
    json_t *list = json_array();

    for (guint n = 0; n < r->items->len; n++) {
        const Item *i = r->items->pdata[n];
        json_t *o = json_pack("{s:s, s:s, s:s}", "what", i->what, "status", finding_names[i->finding],
                              "text", i->text);
        if (i->fix) {
            json_object_set_new(o, "fix", json_string(i->fix));
        }
        json_array_append_new(list, o);
    }
    g_autoptr(json_t) all = json_pack("{s:b, s:i, s:i, s:o}", "usable", report_usable(r), "errors",
                                      report_count(r, FINDING_ERROR), "warnings",
                                      report_count(r, FINDING_WARNING), "findings", list);
    char *text = json_dumps(all, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    fprintf(out, "%s\n", text);
    free(text);
}
