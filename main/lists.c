/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * "-machine help" and the like: what there is, from the registries.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/trace.h"
#include "block/node.h"
#include "chardev/chardev.h"
#include "config-host.h"
#include "core/machine.h"
#include "core/object.h"
#include "main/config.h"
#include "schema/schema.h"

static int by_line(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Prints lines sorted, since registries have no order. */
static void print_sorted(const char *heading, GPtrArray *lines)
{
    printf("%s\n", heading);
    g_ptr_array_sort(lines, by_line);
    for (guint i = 0; i < lines->len; i++) {
        printf("%s\n", (char *)lines->pdata[i]);
    }
    g_ptr_array_unref(lines);
}

static GPtrArray *lines_new(void)
{
    return g_ptr_array_new_with_free_func(g_free);
}

static void add_line(GPtrArray *lines, const char *name, const char *help)
{
    g_ptr_array_add(lines, g_strdup_printf("%-20s %s", name, help ? help : ""));
}

static void list_machines(const Config *c)
{
    GPtrArray *lines = lines_new();

    REGISTRY_FOREACH (BoardType, it) {
        const BoardType *b = *it;
        if (b->arch[0] && strcmp(b->arch, c->arch)) {
            continue;
        }
        add_line(lines, b->name, b->help);
        if (b->alias) {
            g_autofree char *text = g_strdup_printf("another name of %s", b->name);
            add_line(lines, b->alias, text);
        }
    }
    print_sorted("Supported machines are:", lines);
}

static void list_cpus(const Config *c)
{
    const TargetOps *t = target_find(c->arch, NULL);
    g_autoptr(GString) out = g_string_new(NULL);

    if (t && t->list_models) {
        t->list_models(out);
    }
    fputs(out->str, stdout);
}

static void list_accels(void)
{
    GPtrArray *lines = lines_new();

    REGISTRY_FOREACH (AccelOps, it) {
        add_line(lines, (*it)->name, (*it)->help);
    }
    print_sorted("Accelerators supported by this program:", lines);
}

static void list_devices(void)
{
    GPtrArray *lines = lines_new();

    REGISTRY_FOREACH (DeviceType, it) {
        const DeviceType *t = *it;
        if (t->user_creatable && !t->internal) {
            g_autofree char *alias =
                t->alias ? g_strdup_printf(", alias \"%s\"", t->alias) : g_strdup("");
            g_ptr_array_add(lines, g_strdup_printf("name \"%s\", bus %s%s, desc \"%s\"", t->name,
                                                   t->bus ? t->bus : "none", alias, t->help));
        }
    }
    print_sorted("Devices that -device can add:", lines);
}

static bool list_objects(const char *type, Error **errp)
{
    GPtrArray *lines = lines_new();

    if (*type) {
        const ObjectType *t = object_type_find(type, errp);
        if (!t) {
            g_ptr_array_unref(lines);
            return false;
        }
        for (const Property *p = t->props; p && p->name; p++) {
            g_autofree char *name = g_strconcat("  ", p->name, NULL);
            add_line(lines, name, p->help);
        }
        g_autofree char *heading = g_strdup_printf("%s: %s\nproperties:", t->name, t->help);
        print_sorted(heading, lines);
        return true;
    }
    REGISTRY_FOREACH (ObjectType, it) {
        add_line(lines, (*it)->name, (*it)->help);
    }
    print_sorted("Objects that -object can make:", lines);
    return true;
}

/* One line, as scripts expect it of "-drive format=help". */
static void list_formats(void)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    REGISTRY_FOREACH (BlockDriver, it) {
        g_ptr_array_add(names, (char *)(*it)->name);
    }
    g_ptr_array_sort(names, by_line);
    printf("Supported formats:");
    for (guint i = 0; i < names->len; i++) {
        printf(" %s", (const char *)names->pdata[i]);
    }
    printf("\n");
}

static void list_block_drivers(void)
{
    GPtrArray *lines = lines_new();

    REGISTRY_FOREACH (BlockDriver, it) {
        add_line(lines, (*it)->name, (*it)->help);
    }
    print_sorted("Block drivers:", lines);
}

static bool list_properties(const char *driver, Error **errp)
{
    const DeviceType *t = device_type_find(driver, errp);

    if (!t) {
        return false;
    }
    GPtrArray *lines = lines_new();
    for (const DeviceType *x = t; x; x = x->inner) {
        for (const Property *p = x->props; p && p->name; p++) {
            g_autofree char *name = g_strconcat("  ", p->name, NULL);
            add_line(lines, name, p->help);
        }
    }
    g_autofree char *heading = g_strdup_printf("%s: %s\nproperties:", t->name, t->help);
    print_sorted(heading, lines);
    return true;
}

static const char *kind_name(const Property *p)
{
    switch (p->kind) {
    case PROP_BOOL:
        return "bool";
    case PROP_SIZE:
        return "size";
    case PROP_ENUM:
        return p->enum_names && !strcmp(p->enum_names[0], "auto") ? "OnOffAuto" : "string";
    case PROP_STRING: case PROP_CHARDEV: case PROP_DRIVE: case PROP_LINK: case PROP_OBJECT:
        return "string";
    default:
        return "int";
    }
}

/* "-machine virt,help": in QEMU's form. */
static bool list_machine_options(const Config *c, Error **errp)
{
    const char *arch = c->qemu_defaults ? c->arch : NULL;
    const BoardType *b = board_find(c->help_arg, arch, errp);

    if (!b) {
        error_prepend(errp, "-machine %s: ", c->help_arg);
        return false;
    }
    GPtrArray *lines = lines_new();
    for (const Property *p = b->props; p && p->name; p++) {
        g_autofree char *name = g_strdup_printf("  %s=<%s>", p->name, kind_name(p));
        g_ptr_array_add(lines, g_strdup_printf("%-24s - %s", name, p->help));
    }
    g_autofree char *heading = g_strdup_printf("%s-machine options:", b->alias ? b->alias : b->name);
    print_sorted(heading, lines);
    return true;
}

static void list_firmware_dirs(const Config *c)
{
    g_autofree char *path = config_firmware_path(c);
    g_auto(GStrv) dirs = g_strsplit(path, ":", -1);

    for (char **d = dirs; *d; d++) {
        printf("%s\n", *d);
    }
}

static void list_chardevs(void)
{
    g_autoptr(GString) out = g_string_new(NULL);

    charset_print_help(out);
    fputs(out->str, stdout);
}

static void print_usage(const Config *c)
{
    g_autofree char *text = schema_options_help(c->program);
    fputs(text, stdout);
}

bool config_print_help(const Config *c, Error **errp)
{
    const char *t = c->help_topic;

    if (!strcmp(t, "help")) {
        print_usage(c);
    } else if (!strcmp(t, "version")) {
        printf("Rhea version %s (with the interfaces of QEMU %d.%d)\n", RHEA_VERSION,
               QEMU_INTERFACE_MAJOR, QEMU_INTERFACE_MINOR);
    } else if (!strcmp(t, "machine") && *c->help_arg) {
        return list_machine_options(c, errp);
    } else if (!strcmp(t, "machine")) {
        list_machines(c);
    } else if (!strcmp(t, "cpu")) {
        list_cpus(c);
    } else if (!strcmp(t, "accel")) {
        list_accels();
    } else if (!strcmp(t, "device") && *c->help_arg) {
        return list_properties(c->help_arg, errp);
    } else if (!strcmp(t, "object")) {
        return list_objects(c->help_arg, errp);
    } else if (!strcmp(t, "device")) {
        list_devices();
    } else if (!strcmp(t, "drive")) {
        list_formats();
    } else if (!strcmp(t, "blockdev")) {
        list_block_drivers();
    } else if (!strcmp(t, "chardev")) {
        list_chardevs();
    } else if (!strcmp(t, "display")) {
        printf("Available display backend types:\nnone\n");
    } else if (!strcmp(t, "L")) {
        list_firmware_dirs(c);
    } else if (!strcmp(t, "d")) {
        log_print_help(stdout);
    } else {
        trace_print_help(stdout);
    }
    return true;
}
