/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * -mem-path and -mem-prealloc: short forms of memory backends.
 */
#include <string.h>

#include "main/config.h"
#include "schema/opts.h"

static bool is_backend(json_t *o)
{
    const char *type = opts_get(o, "qom-type");

    return type && g_str_has_prefix(type, "memory-backend-");
}

static bool nodes_have_memory(const Config *c)
{
    for (int i = 0; c->numa && i < c->numa->nodes; i++) {
        if (c->numa->node[i].memdev) {
            return true;
        }
    }
    return false;
}

/* The machine's memory as the backend that these options describe, under the name of its region. */
static void add_backend(Config *c)
{
    const char *id = strcmp(c->arch, "aarch64") ? "pc.ram" : "mach-virt.ram";
    json_t *o = json_pack("{s:s, s:s, s:I}", "qom-type", c->mem_path ? "memory-backend-file" : "memory-backend-ram",
                          "id", id, "size", (json_int_t)c->ram);

    if (c->mem_path) {
        json_object_set_new(o, "mem-path", json_string(c->mem_path));
    }
    g_ptr_array_add(c->keep, o);
    g_ptr_array_add(c->objects, o);
    c->memory_backend = id;
}

bool config_check_memory(Config *c, Error **errp)
{
    const char *taken = c->memory_backend ? "-machine memory-backend" : nodes_have_memory(c) ? "-numa memdev" : NULL;

    if (c->mem_path && taken) {
        error_set(errp, ERR_INVALID_PARAMETER, "'-mem-path' can't be used together with'%s'", taken);
        error_hint(errp, "give the backend a mem-path=");
        return false;
    }
    if (!taken && (c->mem_path || c->mem_prealloc) && c->ram) {
        add_backend(c);
    }
    for (guint i = 0; c->mem_prealloc && i < c->objects->len; i++) {
        json_t *o = c->objects->pdata[i];
        if (is_backend(o) && !json_object_get(o, "prealloc")) {
            json_object_set_new(o, "prealloc", json_string("on"));
        }
    }
    return true;
}
