/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See arm.h. Linux Documentation/arch/arm64/booting.rst ("call the kernel image"), Documentation/arch/arm/booting.rst and
 * the zImage header (arch/arm/boot/compressed/head.S); RFC 1952 for gzip.
 *
 * Where things go is what other emulators do, because kernels and scripts have grown used to it: the initrd at half of
 * memory, at most 128 MiB above its start, the device tree behind it.
 */
#include "hw/machine/boot/arm.h"

#include <elf.h>
#include <string.h>
#include <zlib.h>

#include "base/bits.h"
#include "hw/machine/boot/internal.h"
#include "target/arm/boot.h"

#define MIB              (1ull << 20)
#define IMAGE_MAGIC_AT   56
#define IMAGE_HEADER     64
#define IMAGE_OLD_OFFSET 0x80000 /* when the header has no image_size (before Linux 3.17), and for plain binaries */
#define IMAGE_MIN_OFFSET 0x1000  /* one below that is moved up by 2 MiB: the start of RAM is kept free */
#define ZIMAGE_OFFSET    0x10000
#define INITRD_MAX       (128 * MIB)
#define DTB_ROOM         (2 * MIB)
#define NO_MACHINE_ID    0xffffffffu /* r1: the device tree says what the machine is */

typedef struct Layout {
    uint64_t base, size; /* RAM */
} Layout;

static bool has(const BootFile *f, uint64_t at, const char *bytes, size_t n)
{
    return f->len >= at + n && memcmp(f->data + at, bytes, n) == 0;
}

static bool wrong(const BootFile *f, const char *is, const char *hint, Error **errp)
{
    error_set(errp, ERR_INVALID_PARAMETER, "'%s' is no kernel for this machine: it is %s", f->path, is);
    error_hint(errp, "%s", hint);
    return false;
}

static bool too_large(const BootFile *f, uint64_t need, Error **errp)
{
    error_set(errp, ERR_INVALID_PARAMETER, "the %s '%s' does not fit in memory", f->what, f->path);
    error_hint(errp, "give the machine more: -m %lluM or above", (unsigned long long)(need + MIB - 1) >> 20);
    return false;
}

/* ---- gzip ---- */

static bool is_gzip(const BootFile *f)
{
    return has(f, 0, "\x1f\x8b\x08", 3);
}

/* The unpacked contents in place of the packed ones; no more than limit bytes. */
static bool unpack(BootFile *f, uint64_t limit, Error **errp)
{
    z_stream z = {.next_in = f->data, .avail_in = MIN(f->len, UINT32_MAX)};
    GByteArray *out = g_byte_array_new();
    uint8_t chunk[65536];
    int r = inflateInit2(&z, 15 + 16);

    while (r == Z_OK && out->len <= limit) {
        z.next_out = chunk;
        z.avail_out = sizeof(chunk);
        r = inflate(&z, Z_NO_FLUSH);
        g_byte_array_append(out, chunk, sizeof(chunk) - z.avail_out);
    }
    inflateEnd(&z);
    g_free(f->data);
    f->len = out->len;
    f->data = g_byte_array_free(out, FALSE);
    if (f->len > limit) {
        return too_large(f, f->len, errp);
    }
    if (r != Z_STREAM_END) {
        error_set(errp, ERR_INVALID_PARAMETER, "the kernel '%s' is damaged: it cannot be unpacked", f->path);
        error_hint(errp, "gzip -t tells whether the file is whole");
        return false;
    }
    return true;
}

/* ---- kinds of files ---- */

static bool is_image(const BootFile *f)
{
    return f->len >= IMAGE_HEADER && has(f, IMAGE_MAGIC_AT, "ARM\x64", 4);
}

static bool is_zimage(const BootFile *f)
{
    return has(f, 0x24, "\x18\x28\x6f\x01", 4);
}

/* What is surely no plain binary. */
static bool check_unknown(const BootFile *f, Error **errp)
{
    if (has(f, 0, "\x27\x05\x19\x56", 4)) {
        return wrong(f, "a U-Boot image (uImage)", "give the Image or zImage that was packed in it", errp);
    }
    if (has(f, 0, "\xd0\x0d\xfe\xed", 4)) {
        return wrong(f, "a device tree or FIT image", "a device tree goes to -dtb", errp);
    }
    if (has(f, 0, "070701", 6)) {
        return wrong(f, "a cpio archive", "an initial RAM disk goes to -initrd", errp);
    }
    if (has(f, 0x202, "HdrS", 4)) {
        return wrong(f, "an x86 Linux kernel", "give an Arm kernel, or run rhea-system-x86_64", errp);
    }
    if (has(f, 0, "MZ", 2)) {
        return wrong(f, "an EFI program without a Linux header", "start it from UEFI's shell, on a disk", errp);
    }
    if (has(f, 0, "QFI\xfb", 4) || has(f, 0x1fe, "\x55\xaa", 2)) {
        return wrong(f, "a disk image", "a disk goes to -drive", errp);
    }
    return true;
}

/* The file goes to RAM at that offset and takes size bytes there. */
static bool place(BootContext *c, const Layout *l, uint64_t offset, uint64_t size, ArmKernel *k, Error **errp)
{
    BootFile *f = &c->kernel;

    size = MAX(size, f->len);
    if (offset > l->size || size > l->size - offset) {
        return too_large(f, offset + size, errp);
    }
    k->entry = l->base + offset;
    boot_add(c->plan, k->entry, g_steal_pointer(&f->data), f->len, size);
    return true;
}

static bool load_image(BootContext *c, const Layout *l, ArmKernel *k, uint64_t *end, Error **errp)
{
    const BootFile *f = &c->kernel;
    uint64_t offset = IMAGE_OLD_OFFSET, size = 0;

    if (!k->aarch64) {
        return wrong(f, "a 64-bit Image", "give a zImage, or a 64-bit processor (-cpu max)", errp);
    }
    if (ld_le64(f->data + 16)) {
        offset = ld_le64(f->data + 8);
        size = ld_le64(f->data + 16);
    }
    if (offset < IMAGE_MIN_OFFSET) {
        offset += 2 * MIB;
    }
    k->is_linux = true;
    return place(c, l, offset, size, k, errp) && (*end = k->entry + MAX(size, f->len), true);
}

static bool load_zimage(BootContext *c, const Layout *l, ArmKernel *k, uint64_t *end, Error **errp)
{
    const BootFile *f = &c->kernel;

    if (k->aarch64) {
        return wrong(f, "a 32-bit zImage", "give a 64-bit Image, or a 32-bit processor (-cpu cortex-a15)", errp);
    }
    k->is_linux = true;
    return place(c, l, ZIMAGE_OFFSET, 0, k, errp) && (*end = k->entry + f->len, true);
}

/* Without a header it is taken to be made for this kind of machine. */
static bool load_plain(BootContext *c, const Layout *l, ArmKernel *k, uint64_t *end, Error **errp)
{
    if (!check_unknown(&c->kernel, errp)) {
        return false;
    }
    k->is_linux = true;
    return place(c, l, k->aarch64 ? IMAGE_OLD_OFFSET : ZIMAGE_OFFSET, 0, k, errp) &&
           (*end = k->entry + c->kernel.len, true);
}

/* Where its headers say. It is on its own there: it gets no more than the address of its first instruction. */
static bool load_elf(BootContext *c, const Layout *l, ArmKernel *k, uint64_t *low, uint64_t *end, Error **errp)
{
    BootElf e;

    c->elf_machine = k->aarch64 ? EM_AARCH64 : EM_ARM;
    if (!boot_elf_load(c, &e, errp)) {
        return false;
    }
    if (e.low < l->base || e.high > l->base + l->size) {
        error_set(errp, ERR_INVALID_PARAMETER, "the ELF kernel '%s' wants memory at 0x%llx that this machine has not",
                  c->kernel.path, (unsigned long long)(e.low < l->base ? e.low : e.high));
        error_hint(errp, "RAM is from 0x%llx to 0x%llx; -m makes it larger", (unsigned long long)l->base,
                   (unsigned long long)(l->base + l->size - 1));
        return false;
    }
    k->entry = e.entry;
    *low = e.low;
    *end = e.high;
    return true;
}

/* ---- initrd and device tree ---- */

static bool place_initrd(BootContext *c, const Layout *l, uint64_t kernel_end, ArmKernel *k, Error **errp)
{
    uint64_t at = round_up(MAX(l->base + MIN(l->size / 2, INITRD_MAX), kernel_end), MEM_PAGE_SIZE);
    uint64_t end = l->base + l->size;
    BootFile f;

    k->initrd = at;
    if (!c->cfg->initrd) {
        return true;
    }
    if (!boot_read_file(&f, "initrd", c->cfg->initrd, errp)) {
        return false;
    }
    if (at > end || f.len > end - at) {
        too_large(&f, at - l->base + f.len + DTB_ROOM, errp);
        boot_file_clear(&f);
        return false;
    }
    k->initrd_size = f.len;
    boot_add(c->plan, at, f.data, f.len, f.len);
    return true;
}

static bool place_dtb(const BootContext *c, const Layout *l, uint64_t low, ArmKernel *k, Error **errp)
{
    uint64_t end = l->base + l->size;

    if (!k->is_linux) {
        k->dtb = low >= l->base + DTB_ROOM && l->size >= DTB_ROOM ? l->base : UINT64_MAX;
        return true;
    }
    k->dtb = round_up(k->initrd + k->initrd_size, k->aarch64 ? DTB_ROOM : MEM_PAGE_SIZE);
    if (k->dtb > end || end - k->dtb < DTB_ROOM) {
        return too_large(&c->kernel, k->dtb - l->base + DTB_ROOM, errp);
    }
    return true;
}

/* ---- the whole ---- */

static bool load(BootContext *c, const Layout *l, ArmKernel *k, Error **errp)
{
    uint64_t end = 0, low = l->base;
    bool ok;

    if (is_gzip(&c->kernel) && !unpack(&c->kernel, l->size, errp)) {
        return false;
    }
    if (boot_elf_is(&c->kernel)) {
        ok = load_elf(c, l, k, &low, &end, errp);
    } else {
        ok = is_image(&c->kernel)    ? load_image(c, l, k, &end, errp)
             : is_zimage(&c->kernel) ? load_zimage(c, l, k, &end, errp)
                                     : load_plain(c, l, k, &end, errp);
    }
    return ok && place_initrd(c, l, end, k, errp) && place_dtb(c, l, low, k, errp);
}

bool arm_kernel_plan(const MachineConfig *cfg, uint64_t base, uint64_t size, bool aarch64, ArmKernel *k, Error **errp)
{
    BootContext c = {.cfg = cfg};
    Layout l = {base, size};

    *k = (ArmKernel){.aarch64 = aarch64, .append = cfg->append};
    if (!boot_read_file(&c.kernel, "kernel", cfg->kernel, errp)) {
        return false;
    }
    k->plan = c.plan = boot_plan_new();
    bool ok = load(&c, &l, k, errp);
    boot_file_clear(&c.kernel);
    if (!ok) {
        arm_kernel_clear(k);
    }
    return ok;
}

void arm_kernel_clear(ArmKernel *k)
{
    g_clear_pointer(&k->plan, boot_plan_free);
}

void arm_kernel_start(const ArmKernel *k, Machine *m)
{
    uint64_t dtb = k->dtb == UINT64_MAX ? 0 : k->dtb;
    uint64_t args64[4] = {dtb}, args32[4] = {0, NO_MACHINE_ID, dtb};
    Cpu *cpu = machine_cpu(m, 0);

    boot_place(k->plan, m);
    if (k->is_linux) {
        arm_cpu_boot_kernel(cpu, k->entry, k->aarch64 ? args64 : args32);
    } else {
        cpu->target->start_at(cpu, k->entry, NULL);
    }
}
