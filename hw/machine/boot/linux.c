/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linux/x86 boot protocol: bzImage.
 *
 * Linux Documentation/arch/x86/boot.rst (the real-mode kernel header, protocol
 * 2.00 to 2.15, "32-bit boot protocol", "64-bit boot protocol") and
 * zero-page.rst.
 *
 * The zero page is ours; the real-mode part of the image is not run. Left out:
 * zImage (LOADED_HIGH clear), protocols before 2.00, EFI stub, setup_data.
 */
#include "hw/machine/boot/internal.h"

#include <string.h>
#include "base/bits.h"

enum { Z_EXT_MEM = 0x02, Z_RSDP = 0x70, Z_ALT_MEM = 0x1e0, Z_E820_COUNT = 0x1e8, Z_E820 = 0x2d0 };
#define HDRS          0x53726448 /* "HdrS" */
#define LOADED_HIGH   0x01
#define XLF_KERNEL_64 0x01
#define MAX_CMDLINE   0xfff0

bool boot_linux_is(const BootFile *f)
{
    return f->len >= H_END && ld_le16(f->data + H_BOOT_FLAG) == 0xaa55 &&
           ld_le32(f->data + H_MAGIC) == HDRS;
}

/* ---- header ---- */

static bool check_payload(const BootFile *f, LinuxHeader *h, Error **errp)
{
    unsigned sects = f->data[H_SETUP_SECTS] ? f->data[H_SETUP_SECTS] : 4;

    h->kernel_at = (sects + 1) * 512;
    if (f->len <= h->kernel_at) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "the kernel '%s' is truncated: %llu bytes, its setup code alone has %llu",
                  f->path, (unsigned long long)f->len, (unsigned long long)h->kernel_at);
        error_hint(errp, "copy the file again");
        return false;
    }
    h->kernel_len = f->len - h->kernel_at;
    /* syssize counts 16-byte paragraphs; signatures may follow it, nothing may be missing. */
    uint64_t need = (uint64_t)ld_le32(f->data + 0x1f4) * 16;
    if (h->version >= 0x204 && h->kernel_len + 15 < need) {
        error_set(errp, ERR_INVALID_PARAMETER, "the kernel '%s' is truncated: %llu of %llu bytes",
                  f->path, (unsigned long long)f->len, (unsigned long long)(need + h->kernel_at));
        error_hint(errp, "copy the file again");
        return false;
    }
    return true;
}

bool boot_linux_header(BootContext *c, LinuxHeader *h, Error **errp)
{
    const BootFile *f = &c->kernel;
    const uint8_t *d = f->data;

    *h = (LinuxHeader){.version = ld_le16(d + H_VERSION)};
    if (h->version < 0x200 || !(d[H_LOADFLAGS] & LOADED_HIGH)) {
        error_set(errp, ERR_UNSUPPORTED, "the kernel '%s' is a zImage, or older than Linux 2.0",
                  f->path);
        error_hint(errp, "build it as bzImage");
        return false;
    }
    h->initrd_max = h->version >= 0x203 ? ld_le32(d + H_INITRD_MAX) : 0x37ffffff;
    h->relocatable = h->version >= 0x205 && d[H_RELOCATABLE];
    h->alignment = h->version >= 0x205 ? ld_le32(d + H_ALIGNMENT) : 0;
    h->cmdline_size = h->version >= 0x206 ? ld_le32(d + H_CMDLINE_SIZE) : 255;
    h->pref_address = h->version >= 0x20a ? ld_le64(d + H_PREF_ADDRESS) : BOOT_HIGH;
    h->init_size = h->version >= 0x20a ? ld_le32(d + H_INIT_SIZE) : 0;
    h->entry64 = h->version >= 0x20c && (ld_le16(d + H_XLOADFLAGS) & XLF_KERNEL_64);
    if (!is_pow2(h->alignment) || h->alignment < 4096) {
        h->alignment = 4096;
    }
    return check_payload(f, h, errp);
}

/* ---- placement ---- */

static bool place_kernel(BootContext *c, const LinuxHeader *h, hwaddr *at, uint64_t *size,
                         Error **errp)
{
    *size = MAX(h->init_size, h->kernel_len);
    *at = h->pref_address;
    if (!boot_range_ok(c, *at, *size) && h->relocatable) {
        *at = round_up(BOOT_HIGH, h->alignment);
    }
    if (!boot_range_ok(c, *at, *size)) {
        error_set(errp, ERR_INVALID_PARAMETER, "the kernel '%s' does not fit in memory",
                  c->kernel.path);
        error_hint(errp, "give the machine more: -m %lluM or above",
                   (unsigned long long)boot_need_mib(c, *at + *size));
        return false;
    }
    return true;
}

bool boot_linux_cmdline(BootContext *c, const LinuxHeader *h, Error **errp)
{
    const char *text = c->cfg->append ? c->cfg->append : "";
    uint64_t len = strlen(text), max = MIN(h->cmdline_size, MAX_CMDLINE);

    if (len > max) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "-append has %llu characters, this kernel takes no more than %llu",
                  (unsigned long long)len, (unsigned long long)max);
        return false;
    }
    boot_add_copy(c->plan, BOOT_CMDLINE, text, len + 1);
    return true;
}

static void fill_e820(const BootLayout *l, uint8_t *zp)
{
    E820Entry map[E820_MAX];
    int n = boot_e820(l, map);

    zp[Z_E820_COUNT] = n;
    for (int i = 0; i < n; i++) {
        uint8_t *e = zp + Z_E820 + 20 * i;
        st_le64(e, map[i].addr);
        st_le64(e + 8, map[i].len);
        st_le32(e + 16, map[i].type);
    }
}

static void add_zero_page(BootContext *c, hwaddr kernel, hwaddr initrd, uint64_t initrd_size)
{
    const uint8_t *d = c->kernel.data;
    uint8_t *zp = g_malloc0(4096);
    /* The header ends where its first jump goes; later fields would be code. */
    uint64_t end = CLAMP(H_MAGIC + d[H_JUMP], H_SETUP_SECTS, 0x290);
    uint64_t ext = (c->layout->acpi - BOOT_HIGH) >> 10;

    end = MIN(end, c->kernel.len);
    memcpy(zp + H_SETUP_SECTS, d + H_SETUP_SECTS, end - H_SETUP_SECTS);
    zp[H_LOADER] = LOADER_OTHER;
    st_le32(zp + H_CODE32, kernel);
    st_le32(zp + H_RAMDISK, initrd);
    st_le32(zp + H_RAMDISK_SIZE, initrd_size);
    st_le32(zp + H_CMDLINE, BOOT_CMDLINE);
    st_le64(zp + Z_RSDP, c->layout->rsdp);
    st_le16(zp + Z_EXT_MEM, MIN(ext, 0xfc00));
    st_le32(zp + Z_ALT_MEM, MIN(ext, UINT32_MAX));
    fill_e820(c->layout, zp);
    boot_add(c->plan, BOOT_INFO, zp, 4096, 4096);
}

bool boot_linux(BootContext *c, Error **errp)
{
    LinuxHeader h;
    hwaddr kernel, initrd;
    uint64_t size, initrd_size;

    if (!boot_linux_header(c, &h, errp) || !place_kernel(c, &h, &kernel, &size, errp) ||
        !boot_linux_cmdline(c, &h, errp) ||
        !boot_place_initrd(c, kernel + size, h.initrd_max, &initrd, &initrd_size, errp)) {
        return false;
    }
    boot_add_copy(c->plan, kernel, c->kernel.data + h.kernel_at, h.kernel_len);
    add_zero_page(c, kernel, initrd, initrd_size);
    if (h.entry64) {
        boot_enter_64(c->plan, kernel + 0x200);
    } else {
        boot_enter_32(c->plan, kernel);
    }
    c->plan->state.rsi = BOOT_INFO;
    return true;
}
