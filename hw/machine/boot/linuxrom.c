/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What linuxrom.s finds in fw_cfg: the kernel file cut into setup code and
 * protected-mode part, with the header fields that a loader sets (Linux,
 * Documentation/arch/x86/boot.rst, "Details of Harder Fields").
 *
 * Real-mode memory as the document proposes: setup at 0x10000, heap and stack
 * up to 0xe000 in its segment, command line at 0x20000; the kernel at 1 MiB.
 */
#include "hw/machine/boot/linuxrom.h"

#include <string.h>
#include "base/bits.h"
#include "hw/firmware/fw_cfg.h"
#include "hw/machine/boot/internal.h"

enum { /* fw_cfg items; the ROM has the same numbers */
    ITEM_KERNEL = 0x07, ITEM_INITRD = 0x0a, ITEM_CMDLINE = 0x13, ITEM_SETUP = 0x16, /* addresses */
    ITEM_KERNEL_DATA = 0x11, ITEM_INITRD_DATA = 0x12, /* sizes follow the addresses */
};
#define HEAP_END      0xde00 /* offset of STACK in the ROM less 0x200 */
#define CAN_USE_HEAP  0x80
#define FIRMWARE_HIGH (1u << 20) /* the BIOS keeps tables at the top of memory */

typedef struct Parts {
    BootContext c;
    uint8_t *setup;
    uint64_t setup_len, kernel_len;
    hwaddr initrd;
    uint64_t initrd_len;
} Parts;

static void parts_clear(Parts *p)
{
    boot_file_clear(&p->c.kernel);
    boot_plan_free(p->c.plan);
    g_free(p->setup);
}

static void patch_setup(Parts *p)
{
    uint8_t *s = p->setup;

    s[H_LOADER] = LOADER_OTHER;
    s[H_LOADFLAGS] |= CAN_USE_HEAP;
    st_le16(s + H_HEAP_END, HEAP_END);
    st_le32(s + H_CMDLINE, BOOT_CMDLINE);
    st_le32(s + H_CODE32, BOOT_HIGH);
    st_le32(s + H_RAMDISK, p->initrd);
    st_le32(s + H_RAMDISK_SIZE, p->initrd_len);
}

static bool parts_make(Parts *p, const MachineConfig *cfg, const BootLayout *l, Error **errp)
{
    BootLayout below = *l;
    LinuxHeader h;

    /* Images end where the firmware may have its tables. */
    below.acpi = MIN(l->acpi, l->below_4g - FIRMWARE_HIGH);
    *p = (Parts){.c = {.cfg = cfg, .layout = &below}};
    if (!boot_read_file(&p->c.kernel, "kernel", cfg->kernel, errp)) {
        return false;
    }
    if (!boot_linux_is(&p->c.kernel)) {
        error_set(errp, ERR_UNSUPPORTED, "'%s' is no Linux kernel, and the firmware boots no other",
                  cfg->kernel);
        error_hint(errp, "leave %s out", cfg->flash ? "the flash" : "-bios");
        return false;
    }
    p->c.plan = boot_plan_new();
    if (!boot_linux_header(&p->c, &h, errp) || !boot_linux_cmdline(&p->c, &h, errp)) {
        return false;
    }
    uint64_t size = MAX(h.init_size, h.kernel_len);
    hwaddr end = MAX(BOOT_HIGH + h.kernel_len, h.pref_address + size);
    if (!boot_range_ok(&p->c, BOOT_HIGH, end - BOOT_HIGH)) {
        error_set(errp, ERR_INVALID_PARAMETER, "the kernel '%s' does not fit in memory", cfg->kernel);
        error_hint(errp, "give the machine more: -m %lluM or above",
                   (unsigned long long)boot_need_mib(&p->c, end));
        return false;
    }
    if (!boot_place_initrd(&p->c, end, h.initrd_max, &p->initrd, &p->initrd_len, errp)) {
        return false;
    }
    p->setup_len = h.kernel_at;
    p->kernel_len = h.kernel_len;
    p->setup = g_memdup2(p->c.kernel.data, p->setup_len);
    patch_setup(p);
    p->c.layout = NULL;
    return true;
}

bool linuxrom_check(const MachineConfig *cfg, const BootLayout *l, Error **errp)
{
    Parts p;
    bool ok = parts_make(&p, cfg, l, errp);

    parts_clear(&p);
    return ok;
}

static void add_part(Device *fw_cfg, uint16_t item, uint16_t data_item, hwaddr addr, const void *data,
                     uint64_t len)
{
    fw_cfg_add_number(fw_cfg, item, addr, 4);
    fw_cfg_add_number(fw_cfg, item + 1, len, 4);
    fw_cfg_add_item(fw_cfg, data_item, data, len);
}

/* The bytes that boot.c planned to put at addr. */
static const BootPiece *piece_at(const Parts *p, hwaddr addr)
{
    for (guint i = 0; i < p->c.plan->pieces->len; i++) {
        const BootPiece *b = &g_array_index(p->c.plan->pieces, BootPiece, i);
        if (b->addr == addr) {
            return b;
        }
    }
    return NULL;
}

bool linuxrom_add(const MachineConfig *cfg, const BootLayout *l, Device *fw_cfg, Error **errp)
{
    Parts p;
    bool ok = parts_make(&p, cfg, l, errp);

    if (ok) {
        const BootPiece *cmdline = piece_at(&p, BOOT_CMDLINE), *initrd = piece_at(&p, p.initrd);
        add_part(fw_cfg, ITEM_SETUP, ITEM_SETUP + 2, BOOT_INFO, p.setup, p.setup_len);
        add_part(fw_cfg, ITEM_CMDLINE, ITEM_CMDLINE + 2, BOOT_CMDLINE, cmdline->data, cmdline->len);
        add_part(fw_cfg, ITEM_KERNEL, ITEM_KERNEL_DATA, BOOT_HIGH,
                 p.c.kernel.data + p.setup_len, p.kernel_len);
        add_part(fw_cfg, ITEM_INITRD, ITEM_INITRD_DATA, p.initrd, p.initrd_len ? initrd->data : NULL,
                 p.initrd_len);
        ok = fw_cfg_add_file(fw_cfg, LINUXROM_FILE, linuxrom, LINUXROM_SIZE, errp);
    }
    parts_clear(&p);
    return ok;
}
