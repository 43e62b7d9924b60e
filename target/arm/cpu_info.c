/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What models there are and what they are made of: -cpu help, query-cpu-definitions, query-cpu-model-expansion.
 * home: main loop.
 */
#include <string.h>
#include "target/arm/cpu_text.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void arm_list_models(GString *out)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const ArmModel *m;

    for (int i = 0; (m = arm_model_at(i)); i++) {
        g_ptr_array_add(names, (char *)m->name);
    }
    g_ptr_array_sort(names, by_name);
    g_string_append(out, "Available CPUs:\n");
    for (guint i = 0; i < names->len; i++) {
        g_string_append_printf(out, "  %s\n", (char *)names->pdata[i]);
    }
}

bool arm_check_model(const char *text, const AccelOps *accel, Error **errp)
{
    ArmCpuConfig c = {0};

    return arm_config_parse_under(&c, text, accel, errp);
}

json_t *arm_model_definitions(void)
{
    json_t *list = json_array();
    const ArmModel *m;

    for (int i = 0; (m = arm_model_at(i)); i++) {
        json_array_append_new(list, json_pack("{s:s, s:o, s:b, s:b}", "name", m->name, "typename",
                                              json_stringf("%s-arm-cpu", m->name), "static", 0, "deprecated", 0));
    }
    return list;
}

json_t *arm_expand_model(const char *name, json_t *props, Error **errp)
{
    g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func(g_free);
    ArmCpuConfig c = {0};
    ArmCpuRequest r = {.c = &c};
    const ArmModel *m = arm_model_find(name, NULL);
    const char *key;
    json_t *v;

    if (!m) {
        error_set(errp, ERR_INVALID_PARAMETER, "The CPU type '%s' is not a recognized ARM CPU type", name);
        return NULL;
    }
    g_ptr_array_add(items, g_strdup(name));
    json_object_foreach(props, key, v)
    {
        if (!arm_property_told(m, key)) {
            error_set(errp, ERR_INVALID_PARAMETER, "Parameter 'model.props.%s' is unexpected", key);
            return NULL;
        }
        if (!json_is_boolean(v)) {
            error_set(errp, ERR_INVALID_PARAMETER, "Invalid parameter type for 'model.props.%s', expected: boolean", key);
            return NULL;
        }
        g_ptr_array_add(items, g_strdup_printf("%s=%s", key, json_is_true(v) ? "on" : "off"));
    }
    g_ptr_array_add(items, NULL);
    if (!arm_request_parse(&r, (char **)items->pdata, errp)) {
        return NULL;
    }
    json_t *out = json_object();
    arm_request_to_json(&r, out);
    return out;
}
