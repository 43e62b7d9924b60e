/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See pc_bootorder.h. CMOS as BIOSes keep it: two devices in 3Dh, one in the high half of 38h. The
 * file names devices by OpenFirmware paths (IEEE 1275), from the root's name on: "/pci@i0cf8" is
 * the host bridge, after the port of its configuration mechanism.
 */
#include "hw/machine/pc_bootorder.h"

#include <string.h>

#include "hw/floppy/fdc.h"
#include "hw/machine/boot/linuxrom.h"
#include "hw/machine/bootorder.h"
#include "hw/rtc/mc146818.h"

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

static char *full_path(void *opaque, Device *root, const char *path, const char *suffix)
{
    PcBoard *pc = opaque;
    g_autofree char *bridge = NULL;

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
    return bootorder_virtio_mmio_path(root, path, suffix);
}

void pc_bootorder_publish(PcBoard *pc)
{
    const MachineConfig *cfg = machine_config(pc->dev.machine);

    bootorder_publish(pc->dev.machine, pc->fw_cfg, cfg->kernel && pc_has_firmware(cfg) ? "/rom@" LINUXROM_FILE : NULL, full_path, pc);
}
