/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What models there are and what they are made of: -cpu help, query-cpu-definitions,
 * query-cpu-model-expansion. home: main loop.
 */
#include <string.h>
#include "target/i386/cpu_text.h"
#include "target/i386/system.h"

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void append_sorted(GPtrArray *lines, GString *out)
{
    g_ptr_array_sort(lines, by_text);
    for (guint i = 0; i < lines->len; i++) {
        g_string_append_printf(out, "%s\n", (char *)lines->pdata[i]);
    }
}

static void add_line(GPtrArray *lines, const char *name, const char *text)
{
    char *line = g_strdup_printf("x86 %-20s  %s", name, text);

    g_ptr_array_add(lines, g_strchomp(line));
}

static void add_model(GPtrArray *lines, const X86Model *m)
{
    g_autofree char *full = x86_model_full_name(m);
    g_autofree char *text = m->note ? g_strdup_printf("%s [%s]", m->model_id, m->note)
                                    : g_strdup(m->model_id ? m->model_id : "");

    add_line(lines, full, text);
    if (m->version == 1) {
        add_line(lines, m->name, "(alias configured by machine type)");
    }
    if (m->alias) {
        g_autofree char *alias = g_strdup_printf("(alias of %s)", full);
        add_line(lines, m->alias, alias);
    }
}

/* Feature names, wrapped. */
static void append_flags(GString *out)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    size_t column = 0;

    for (int f = 0; f < F__COUNT; f++) {
        g_ptr_array_add(names, (char *)x86_feature_name(f));
    }
    g_ptr_array_sort(names, by_text);
    g_string_append(out, "\nRecognized CPUID flags:\n");
    for (guint i = 0; i < names->len; i++) {
        const char *name = names->pdata[i];
        if (column && column + 1 + strlen(name) > 75) {
            g_string_append_c(out, '\n');
            column = 0;
        }
        g_string_append_printf(out, "%s%s", column ? " " : "  ", name);
        column += strlen(name) + (column ? 1 : 2);
    }
    g_string_append_c(out, '\n');
}

void x86_list_models(GString *out)
{
    g_autoptr(GPtrArray) real = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) made = g_ptr_array_new_with_free_func(g_free);
    const X86Model *m;

    for (int i = 0; (m = x86_model_at(i)); i++) {
        if (m->help) {
            add_line(made, m->name, m->help);
        } else {
            add_model(real, m);
        }
    }
    g_string_append(out, "Available CPUs:\n");
    append_sorted(real, out);
    append_sorted(made, out);
    append_flags(out);
}

bool x86_check_model(const char *text, const AccelOps *accel, Error **errp)
{
    X86CpuConfig c = {0};
    g_autofree AccelX86 *caps = NULL;

    if (accel && accel->x86_caps && !(caps = accel->x86_caps(NULL, errp))) {
        return false;
    }
    return x86_config_parse(&c, text, caps, true, errp);
}

bool x86_cpu_fits(Cpu *cpu, const AccelOps *accel, Error **errp)
{
    const X86CpuConfig *c = &x86_cpu(cpu)->config;
    g_autofree AccelX86 *caps = NULL;
    g_autoptr(GString) names = g_string_new(NULL), flags = g_string_new(NULL);

    if (accel->x86_caps && !(caps = accel->x86_caps(cpu->machine, errp))) {
        return false;
    }
    for (int f = 0; f < F__COUNT; f++) {
        if (x86_feature_of_kvm(f) && !x86_feature_of_kvm_alone(f)) {
            continue; /* MSRs and hints that the translator has for machines that came from KVM */
        }
        if (x86_has(c, f) && !(caps ? x86_feature_in_caps(f, caps) : x86_feature_supported(f))) {
            const char *name = x86_feature_name(f);
            g_string_append_printf(names, "%s'%s'", names->len ? ", " : "", name);
            if (!x86_feature_needs_other(f)) {
                g_string_append_printf(flags, ",-%s", name);
            }
        }
    }
    if (c->hyperv && !caps && c->hv_spinlocks != HYPERV_NO_SPINLOCKS) {
        g_string_append_printf(names, "%s'hv-spinlocks'", names->len ? ", " : "");
    }
    if (names->len) {
        error_set(errp, ERR_UNSUPPORTED, "processor %d has %s, which accelerator '%s' does not have", cpu->index,
                  names->str, accel->name);
        error_hint(errp, "start the machine without (-cpu MODEL%s)", flags->str);
    }
    return !names->len;
}

/* ---- QMP ---- */

static json_t *lacking_names(const X86FeatureSet *s)
{
    json_t *list = json_array();

    for (int f = 0; f < F__COUNT; f++) {
        if (x86_set_has(s, f)) {
            json_array_append_new(list, json_string(x86_feature_name(f)));
        }
    }
    return list;
}

static json_t *definition(const char *name, const char *alias_of, const X86Model *m,
                          const X86FeatureSet *lacking)
{
    json_t *d = json_pack("{s:s, s:o, s:o, s:b, s:b, s:b}", "name", name, "typename",
                          json_stringf("%s-x86_64-cpu", name), "unavailable-features",
                          lacking_names(lacking), "migration-safe", !m->max, "static",
                          m->help && !m->max, "deprecated", 0);

    if (alias_of) {
        json_object_set_new(d, "alias-of", json_string(alias_of));
    }
    return d;
}

json_t *x86_model_definitions(void)
{
    json_t *list = json_array();
    const X86Model *m;

    for (int i = 0; (m = x86_model_at(i)); i++) {
        if (m->host) {
            continue; /* the translator's opinion is asked */
        }
        char *full = x86_model_full_name(m), *items[] = {full, NULL};
        X86CpuConfig c = {0};
        X86CpuRequest r = {.c = &c};
        bool ok = x86_request_parse(&r, items, NULL) && x86_request_filter(&r, true, NULL);
        g_assert(ok); /* our own table */
        json_array_append_new(list, definition(full, NULL, m, &r.lacking));
        if (m->version == 1) {
            json_array_append_new(list, definition(m->name, full, m, &r.lacking));
        }
        if (m->alias) {
            json_array_append_new(list, definition(m->alias, full, m, &r.lacking));
        }
        g_free(full);
    }
    return list;
}

/* "name=value" of a property; NULL and an error if its type does not fit. */
static char *prop_item(const char *name, json_t *v, Error **errp)
{
    bool is_bool = x86_feature_by_name(name) >= 0;

    x86_option_exists(name, &is_bool);
    if (is_bool != json_is_boolean(v)) {
        error_set(errp, ERR_INVALID_PARAMETER, "Invalid parameter type for '%s', expected: %s", name,
                  is_bool ? "boolean" : "number or string");
        return NULL;
    }
    g_autofree char *text = json_value_text(v);
    return g_strdup_printf("%s=%s", name, text);
}

json_t *x86_expand_model(const char *name, json_t *props, Error **errp)
{
    g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_free);
    X86CpuConfig c = {0};
    X86CpuRequest r = {.c = &c};
    const char *key;
    json_t *v;

    g_ptr_array_add(items, g_strdup(name));
    json_object_foreach(props, key, v)
    {
        char *item = prop_item(key, v, errp);
        if (!item) {
            return NULL;
        }
        g_ptr_array_add(items, item);
    }
    g_ptr_array_add(items, NULL);
    if (!x86_request_parse(&r, (char **)items->pdata, errp) ||
        !x86_request_filter(&r, true, errp)) {
        return NULL;
    }
    json_t *out = json_object();
    for (int f = 0; f < F__COUNT; f++) {
        json_object_set_new(out, x86_feature_name(f), json_boolean(x86_has(&c, f)));
    }
    x86_options_to_json(&r, out);
    return out;
}
