/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See bootorder.h. */
#include "hw/machine/bootorder.h"

#include <string.h>

#include "hw/firmware/fw_cfg.h"
#include "hw/virtio/virtio_mmio.h"

typedef struct BootDevice {
    int32_t index;
    char *path;
} BootDevice;

typedef struct BootList {
    BootPathFn *full_path;
    void *opaque;
    GArray *devices;
} BootList;

static void boot_device_clear(gpointer p)
{
    g_free(((BootDevice *)p)->path);
}

static gint by_index(gconstpointer a, gconstpointer b)
{
    return ((const BootDevice *)a)->index - ((const BootDevice *)b)->index;
}

static char *path_of(const BootList *l, Device *d, const char *suffix)
{
    g_autofree char *path = device_fw_path(d);
    Device *root = d;

    while (root->bus) {
        root = root->parent;
    }
    if (!strcmp(d->type->name, "nvme")) {
        suffix = "/namespace@1,0"; /* the only one, which the property is about */
    }
    return l->full_path(l->opaque, root, path, suffix);
}

char *bootorder_virtio_mmio_path(Device *root, const char *path, const char *suffix)
{
    hwaddr base;

    return virtio_mmio_base(root, &base)
               ? g_strdup_printf("/virtio-mmio@%016" G_GINT64_MODIFIER "x%s%s", base, path, suffix)
               : NULL;
}

/* Any device may have a property "bootindex", a floppy controller one for each drive; -1: none. */
static void add_boot_device(Device *d, void *opaque)
{
    static const struct {
        const char *property, *suffix;
    } kinds[] = {{"bootindex", ""}, {"bootindexA", "/floppy@0"}, {"bootindexB", "/floppy@1"}};
    BootList *l = opaque;

    for (const Property *p = d->type->props; p && p->kind != PROP_END; p++) {
        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
            BootDevice b = {.index = -1};
            if (p->kind == PROP_I32 && !strcmp(p->name, kinds[i].property)) {
                memcpy(&b.index, (const char *)d + p->offset, sizeof(b.index));
            }
            if (b.index >= 0 && (b.path = path_of(l, d, kinds[i].suffix))) {
                g_array_append_val(l->devices, b);
            }
        }
    }
}

void bootorder_publish(Machine *m, Device *fw_cfg, const char *first, BootPathFn *full_path, void *opaque)
{
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(BootDevice));
    g_autoptr(GString) text = g_string_new(first);
    BootList l = {full_path, opaque, list};

    g_array_set_clear_func(list, boot_device_clear);
    device_foreach(m, add_boot_device, &l);
    g_array_sort(list, by_index);
    for (guint i = 0; i < list->len; i++) {
        g_string_append_printf(text, "%s%s", text->len ? "\n" : "",
                               g_array_index(list, BootDevice, i).path);
    }
    if (machine_config(m)->boot_strict && text->len) {
        g_string_append(text, "\nHALT");
    }
    fw_cfg_add_file(fw_cfg, "bootorder", text->str, text->len ? text->len + 1 : 0, NULL);
}
