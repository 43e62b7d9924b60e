/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The human monitor's lines: words to commands, and the reverse for help.
 */
#include <string.h>

#include "base/suggest.h"
#include "schema/commands.h"
#include "schema/table.h"

static bool offered(const SchemaCommand *c)
{
    return c->hmp && schema_command_bound(c);
}

/* If @p starts with the whole words of @name: where they end, else NULL. "/fmt" ends a word. */
static const char *match_name(const char *p, const char *name)
{
    for (; *name; name++) {
        if (*name == ' ') {
            if (!g_ascii_isspace(*p)) {
                return NULL;
            }
            while (g_ascii_isspace(*p)) {
                p++;
            }
        } else if (*p++ != *name) {
            return NULL;
        }
    }
    return *p == 0 || *p == '/' || g_ascii_isspace(*p) ? p : NULL;
}

/* The command with the longest matching name. */
static const SchemaCommand *find(const char *line, const char **rest)
{
    const SchemaCommand *best = NULL;
    size_t best_len = 0;

    for (const SchemaCommand *c = schema_commands; c->name || c->hmp; c++) {
        const char *names[] = {c->hmp, c->hmp_alias};
        for (int i = 0; offered(c) && i < 2; i++) {
            const char *end = names[i] ? match_name(line, names[i]) : NULL;
            if (end && strlen(names[i]) > best_len) {
                best = c;
                best_len = strlen(names[i]);
                *rest = end;
            }
        }
    }
    return best;
}

/* Whether commands start with @word and a space: a group such as "info". */
static bool is_group(const char *word)
{
    g_autofree char *prefix = g_strconcat(word, " ", NULL);

    for (const SchemaCommand *c = schema_commands; c->name || c->hmp; c++) {
        if (offered(c) && g_str_has_prefix(c->hmp, prefix)) {
            return true;
        }
    }
    return false;
}

static bool unknown(const char *line, Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_auto(GStrv) words = g_strsplit_set(line, " \t/", 2);

    for (const SchemaCommand *c = schema_commands; c->name || c->hmp; c++) {
        if (offered(c)) {
            g_ptr_array_add(names, (char *)c->hmp);
        }
    }
    g_ptr_array_add(names, NULL);
    const char *near = suggest_name(line, (const char *const *)names->pdata);
    if (!near) {
        near = suggest_name(words[0], (const char *const *)names->pdata);
    }
    error_set(errp, ERR_COMMAND_NOT_FOUND, "unknown command: '%s'",
              !*words[0] || is_group(words[0]) ? line : words[0]);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    } else {
        error_hint(errp, "'help' lists the commands");
    }
    return false;
}

/* Takes a word, possibly "quoted" with \" and \\ inside; NULL at the end of the line. */
static char *take_word(const char **p, Error **errp)
{
    GString *w = g_string_new(NULL);
    const char *s = *p;
    bool quoted = *s == '"';

    for (s += quoted; *s && (quoted ? *s != '"' : !g_ascii_isspace(*s)); s++) {
        if (quoted && *s == '\\' && s[1]) {
            s++;
        }
        g_string_append_c(w, *s);
    }
    if (quoted && *s++ != '"') {
        error_set(errp, ERR_INVALID_PARAMETER, "a quote is open at the end of the line");
        g_string_free(w, TRUE);
        return NULL;
    }
    *p = s;
    return g_string_free(w, FALSE);
}

static void skip_space(const char **p)
{
    while (g_ascii_isspace(**p)) {
        ++*p;
    }
}

/* "-af": each letter is the first of a flag's name. */
static bool take_flags(const SchemaCommand *c, const char **p, json_t *args, Error **errp)
{
    for (skip_space(p); **p == '-' && g_ascii_isalpha((*p)[1]); skip_space(p)) {
        for (++*p; **p && !g_ascii_isspace(**p); ++*p) {
            const SchemaArg *a = c->args;
            while (a->name && !(a->hmp == HMP_FLAG && a->name[0] == **p)) {
                a++;
            }
            if (!a->name) {
                error_set(errp, ERR_INVALID_PARAMETER, "%s has no option -%c", c->hmp, **p);
                error_hint(errp, "'help %s' lists them", c->hmp);
                return false;
            }
            json_object_set_new(args, a->name, json_string("on"));
        }
    }
    return true;
}

static bool take_arg(const SchemaArg *a, const char **p, json_t *args, Error **errp)
{
    g_autofree char *word = NULL;

    skip_space(p);
    if (!**p) {
        return true;
    }
    if (a->hmp == HMP_REST) {
        word = g_strchomp(g_strdup(*p));
        *p += strlen(*p);
    } else {
        word = take_word(p, errp);
        if (!word) {
            return false;
        }
    }
    if (json_object_set_new(args, a->name, json_string(word)) < 0) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s is not valid UTF-8", a->name);
        return false;
    }
    return true;
}

/* The words after the command's name as an object of strings. */
static json_t *line_to_args(const SchemaCommand *c, const char *p, Error **errp)
{
    g_autoptr(json_t) args = json_object();
    bool has_flags = false;
    const SchemaArg *a = c->args;

    skip_space(&p);
    if (a->name && a->hmp == HMP_FORMAT && *p == '/') {
        size_t len = strcspn(++p, " \t");
        json_object_set_new(args, a->name, json_stringn(p, len));
        p += len;
    }
    for (a = c->args; a->name; a++) {
        has_flags |= a->hmp == HMP_FLAG;
    }
    if (has_flags && !take_flags(c, &p, args, errp)) {
        return NULL;
    }
    for (a = c->args; a->name; a++) {
        if ((a->hmp == HMP_WORD || a->hmp == HMP_REST) && !take_arg(a, &p, args, errp)) {
            return NULL;
        }
    }
    skip_space(&p);
    if (*p) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s: '%s' is too much", c->hmp, p);
        error_hint(errp, "'help %s' tells what it takes", c->hmp);
        return NULL;
    }
    return g_steal_pointer(&args);
}

static bool run(CmdContext *ctx, const SchemaCommand *c, void *parsed, GString *out, Error **errp)
{
    if (c->invoke_hmp) {
        return c->invoke_hmp(ctx, parsed, out, errp);
    }
    g_autoptr(json_t) reply = c->invoke(ctx, parsed, errp);
    return reply != NULL;
}

bool hmp_execute(CmdContext *ctx, const char *line, GString *out, Error **errp)
{
    g_autofree char *clean = g_strstrip(g_strdup(line));
    const char *rest;

    if (!*clean) {
        return true;
    }
    const SchemaCommand *c = find(clean, &rest);
    if (!c) {
        return is_group(clean) ? hmp_help_text(clean, out) : unknown(clean, errp);
    }
    g_autoptr(json_t) args = line_to_args(c, rest, errp);
    if (!args) {
        return false;
    }
    g_autofree void *parsed = g_malloc0(c->args_size + 1);
    return schema_args_parse(c->args, c->args_size, args, true, parsed, errp) &&
           run(ctx, c, parsed, out, errp);
}

static void append_usage(const SchemaCommand *c, GString *out)
{
    g_string_append(out, c->hmp);
    if (c->hmp_alias) {
        g_string_append_printf(out, "|%s", c->hmp_alias);
    }
    for (const SchemaArg *a = c->args; a->name; a++) {
        const char *form = a->hmp == HMP_FORMAT ? " [/%s]" : a->optional ? " [%s]" : " %s";
        if (a->hmp == HMP_FLAG) {
            g_string_append_printf(out, " [-%c]", a->name[0]);
        } else {
            g_string_append_printf(out, form, a->name);
        }
    }
}

static void append_details(const SchemaCommand *c, GString *out)
{
    for (const SchemaArg *a = c->args; a->name; a++) {
        g_autofree char *flag = g_strdup_printf("-%c", a->name[0]);
        g_string_append_printf(out, "  %-10s %s\n", a->hmp == HMP_FLAG ? flag : a->name, a->help);
    }
}

static int by_hmp(const void *a, const void *b)
{
    const SchemaCommand *const *ca = a, *const *cb = b;
    return strcmp((*ca)->hmp, (*cb)->hmp);
}

bool hmp_help_text(const char *topic, GString *out)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    g_autofree char *prefix = topic ? g_strconcat(topic, " ", NULL) : NULL;

    for (const SchemaCommand *c = schema_commands; c->name || c->hmp; c++) {
        if (offered(c) && (!topic || !strcmp(c->hmp, topic) || g_str_has_prefix(c->hmp, prefix) ||
                           g_strcmp0(c->hmp_alias, topic) == 0)) {
            g_ptr_array_add(list, (void *)c);
        }
    }
    g_ptr_array_sort(list, by_hmp);
    for (guint i = 0; i < list->len; i++) {
        const SchemaCommand *c = list->pdata[i];
        append_usage(c, out);
        g_string_append_printf(out, " -- %s\n", c->help);
        if (list->len == 1) {
            append_details(c, out);
        }
    }
    return list->len > 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **hmp_complete(const char *line)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    const char *space = strrchr(line, ' ');
    size_t done = space ? (size_t)(space + 1 - line) : 0;

    for (const SchemaCommand *c = schema_commands; c->name || c->hmp; c++) {
        if (offered(c) && g_str_has_prefix(c->hmp, line)) {
            char *word = g_strndup(c->hmp + done, strcspn(c->hmp + done, " "));
            if (g_hash_table_contains(seen, word)) {
                g_free(word);
            } else {
                g_hash_table_add(seen, word);
                g_ptr_array_add(list, word);
            }
        }
    }
    g_ptr_array_sort(list, by_text);
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}

bool hmp_help(CmdContext *ctx, const HmpHelpArgs *args, GString *out, Error **errp)
{
    return hmp_help_text(args->topic, out) || unknown(args->topic, errp);
}
