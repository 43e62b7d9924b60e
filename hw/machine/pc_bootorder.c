/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See pc_bootorder.h. CMOS as BIOSes keep it: two devices in 3Dh, one in the high half of 38h. The
 * file names devices by OpenFirmware paths (IEEE 1275), from the root's name on: "/pci@i0cf8" is
 * the host bridge, after the port of its configuration mechanism.
 */
#include "hw/machine/pc_bootorder.h"

#include <string.h>

#include "hw/firmware/fw_cfg.h"
#include "hw/floppy/fdc.h"
#include "hw/machine/boot/linuxrom.h"
#include "hw/rtc/mc146818.h"
#include "hw/virtio/virtio_mmio.h"

#define MAX_LETTERS 3
#define HOST_BRIDGE "/pci@i0cf8"

/* ---- letters ---- */

/* Floppy, disk, CD-ROM, network: 1 to 4; 0: there is no such device. */
static int letter_code(char c)
{
    static const char letters[] = "acdn";
    const char *p = c == 'b' ? letters : strchr(letters, c);

    return p && *p ? p - letters + 1 : 0;
}

static bool check_letters(const char *what, const char *order, Error **errp)
{
    const char *wrong = NULL;

    for (int i = 0; order[i] && !wrong; i++) {
        if (!letter_code(order[i])) {
            wrong = "there is no such boot device";
        } else if (memchr(order, order[i], i)) {
            wrong = "a device is named twice";
        } else if (i >= MAX_LETTERS) {
            wrong = "more than three devices are named";
        }
    }
    if (wrong) {
        error_set(errp, ERR_INVALID_PARAMETER, "-boot %s=%s: %s", what, order, wrong);
        error_hint(errp, "the letters are a and b (floppy), c (disk), d (CD-ROM), n (network)");
    }
    return !wrong;
}

bool pc_bootorder_check(const MachineConfig *cfg, Error **errp)
{
    return (!cfg->boot_order || check_letters("order", cfg->boot_order, errp)) &&
           (!cfg->boot_once || check_letters("once", cfg->boot_once, errp));
}

void pc_bootorder_cmos(PcBoard *pc, bool first)
{
    const MachineConfig *cfg = machine_config(pc->dev.machine);
    const char *order = first && cfg->boot_once ? cfg->boot_once
                        : cfg->boot_order       ? cfg->boot_order
                                                : "cad";
    uint8_t code[MAX_LETTERS] = {0};

    if (!pc->rtc) {
        return;
    }
    for (int i = 0; i < MAX_LETTERS && order[i]; i++) {
        code[i] = letter_code(order[i]);
    }
    mc146818_set_ram(pc->rtc, 0x3d, code[1] << 4 | code[0]);
    mc146818_set_ram(pc->rtc, 0x38, code[2] << 4); /* bit 0 clear: floppies need a signature */
}

/* ---- boot indices ---- */

typedef struct BootDevice {
    int32_t index;
    char *path;
} BootDevice;

typedef struct BootList {
    PcBoard *pc;
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

/* The whole path of a device, suffix behind it; NULL: firmware has no name for it. */
static char *full_path(PcBoard *pc, Device *d, const char *suffix)
{
    g_autofree char *path = device_fw_path(d), *bridge = NULL;
    Device *root = d;
    hwaddr base;

    while (root->bus) {
        root = root->parent;
    }
    if (root->type == &isa_fdc_type) {
        bridge = pc->bridge ? device_fw_path(pc->bridge) : NULL;
        return bridge ? g_strdup_printf(HOST_BRIDGE "%s/fdc@%04x%s%s", bridge, fdc_port(root),
                                        path ? path : "", suffix)
                      : NULL;
    }
    if (!path) {
        return NULL;
    }
    if (root == pc->host) {
        return g_strconcat(HOST_BRIDGE, path, suffix, NULL);
    }
    if (virtio_mmio_base(root, &base)) {
        return g_strdup_printf("/virtio-mmio@%016" G_GINT64_MODIFIER "x%s%s", base, path, suffix);
    }
    return NULL;
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
            if (b.index >= 0 && (b.path = full_path(l->pc, d, kinds[i].suffix))) {
                g_array_append_val(l->devices, b);
            }
        }
    }
}

/* A line for each; before them the ROM with -kernel; then, with strict, no others. */
void pc_bootorder_publish(PcBoard *pc)
{
    Machine *m = pc->dev.machine;
    g_autoptr(GArray) list = g_array_new(FALSE, FALSE, sizeof(BootDevice));
    g_autoptr(GString) text = g_string_new(NULL);
    BootList l = {pc, list};

    g_array_set_clear_func(list, boot_device_clear);
    device_foreach(m, add_boot_device, &l);
    g_array_sort(list, by_index);
    if (machine_config(m)->kernel && machine_config(m)->firmware) {
        g_string_append(text, "/rom@" LINUXROM_FILE);
    }
    for (guint i = 0; i < list->len; i++) {
        g_string_append_printf(text, "%s%s", text->len ? "\n" : "",
                               g_array_index(list, BootDevice, i).path);
    }
    if (machine_config(m)->boot_strict && text->len) {
        g_string_append(text, "\nHALT");
    }
    fw_cfg_add_file(pc->fw_cfg, "bootorder", text->str, text->len ? text->len + 1 : 0, NULL);
}
