/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Multiboot specification version 0.6.96: 3.1 header (ELF and address fields),
 * 3.2 machine state, 3.3 boot information, 3.4 modules.
 *
 * -initrd "file arguments,file2 arguments" gives modules; ",," is a comma.
 * Left out: video modes (flag 2 is ignored), drives, APM.
 */
#include "hw/machine/boot/internal.h"

#include <string.h>
#include "base/bits.h"

#define MAGIC        0x1badb002u
#define LOADED_MAGIC 0x2badb002u
#define SEARCH       8192
#define F_ALIGN      (1u << 0)
#define F_MEMINFO    (1u << 1)
#define F_VIDEO      (1u << 2)
#define F_ADDRESS    (1u << 16)
#define F_REQUIRED   0xffffu

#define I_MEMORY  (1u << 0)
#define I_CMDLINE (1u << 2)
#define I_MODULES (1u << 3)
#define I_MMAP    (1u << 6)
#define I_LOADER  (1u << 9)

#define MAX_MODULES 64
/* Inside the info page: the structure, then the memory map, the modules, the loader's name. */
#define O_MMAP   0x100
#define O_LOADER 0x3f0
#define O_MODS   0x400

static int64_t find_header(const BootFile *f)
{
    for (uint64_t at = 0; at + 12 <= MIN(f->len, SEARCH); at += 4) {
        const uint8_t *p = f->data + at;
        if (ld_le32(p) == MAGIC && ld_le32(p) + ld_le32(p + 4) + ld_le32(p + 8) == 0) {
            return at;
        }
    }
    return -1;
}

bool boot_multiboot_is(const BootFile *f)
{
    return find_header(f) >= 0;
}

/* ---- the kernel ---- */

static bool bad(const BootContext *c, Error **errp, const char *why)
{
    error_set(errp, ERR_INVALID_PARAMETER, "the multiboot kernel '%s' is damaged: %s",
              c->kernel.path, why);
    return false;
}

/* 3.1.3: the address fields replace ELF headers. */
static bool load_by_addresses(BootContext *c, uint64_t at, uint64_t *entry, hwaddr *end,
                              Error **errp)
{
    const BootFile *f = &c->kernel;
    const uint8_t *h = f->data + at;

    if (at + 32 > f->len) {
        return bad(c, errp, "truncated header");
    }
    uint32_t header_addr = ld_le32(h + 12), load_addr = ld_le32(h + 16);
    uint32_t load_end = ld_le32(h + 20), bss_end = ld_le32(h + 24);
    if (header_addr < load_addr || header_addr - load_addr > at) {
        return bad(c, errp, "its load address lies behind its header");
    }
    uint64_t offset = at - (header_addr - load_addr);
    uint64_t len = load_end ? (uint64_t)load_end - load_addr : f->len - offset;
    if ((load_end && load_end < load_addr) || len > f->len - offset) {
        return bad(c, errp, "truncated");
    }
    uint64_t size = bss_end ? (uint64_t)bss_end - load_addr : len;
    if (bss_end && (bss_end < load_addr || size < len)) {
        return bad(c, errp, "its BSS ends before it");
    }
    if (!boot_range_ok(c, load_addr, size)) {
        error_set(errp, ERR_INVALID_PARAMETER, "the multiboot kernel '%s' does not fit in memory",
                  f->path);
        error_hint(errp, "give the machine more: -m %lluM or above",
                   (unsigned long long)boot_need_mib(c, load_addr + size));
        return false;
    }
    boot_add(c->plan, load_addr, g_memdup2(f->data + offset, len), len, size);
    *entry = ld_le32(h + 28);
    *end = load_addr + size;
    return true;
}

static bool load_kernel(BootContext *c, uint64_t at, uint64_t *entry, hwaddr *end, Error **errp)
{
    uint32_t flags = ld_le32(c->kernel.data + at + 4);
    BootElf e;

    if (flags & F_REQUIRED & ~(F_ALIGN | F_MEMINFO | F_VIDEO)) {
        error_set(errp, ERR_UNSUPPORTED,
                  "the multiboot kernel '%s' requires unknown features (0x%x)", c->kernel.path,
                  flags & F_REQUIRED);
        return false;
    }
    if (flags & F_ADDRESS) {
        return load_by_addresses(c, at, entry, end, errp);
    }
    if (!boot_elf_is(&c->kernel)) {
        return bad(c, errp, "it has neither address fields nor an ELF header");
    }
    if (!boot_elf_load(c, &e, errp)) {
        return false;
    }
    *entry = e.entry;
    *end = e.high;
    return true;
}

/* ---- modules ---- */

/* Splits at single commas; ",," stands for one. */
static GPtrArray *split_modules(const char *text)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    GString *cur = g_string_new(NULL);

    for (const char *p = text; *p; p++) {
        if (*p != ',') {
            g_string_append_c(cur, *p);
        } else if (p[1] == ',') {
            g_string_append_c(cur, *p++);
        } else {
            g_ptr_array_add(list, g_string_free(cur, false));
            cur = g_string_new(NULL);
        }
    }
    g_ptr_array_add(list, g_string_free(cur, false));
    return list;
}

/* One module: "file arguments". Its command line goes to the growing text behind the kernel's. */
static bool add_module(BootContext *c, const char *spec, hwaddr *next, GString *text,
                       uint8_t *entry, Error **errp)
{
    BootFile f;
    g_autofree char *path = g_strndup(spec, strcspn(spec, " "));

    if (!boot_read_file(&f, "multiboot module", path, errp)) {
        return false;
    }
    if (!boot_range_ok(c, *next, f.len)) {
        error_set(errp, ERR_INVALID_PARAMETER, "the multiboot module '%s' does not fit in memory",
                  path);
        error_hint(errp, "give the machine more: -m %lluM or above",
                   (unsigned long long)boot_need_mib(c, *next + f.len));
        boot_file_clear(&f);
        return false;
    }
    boot_add(c->plan, *next, f.data, f.len, f.len);
    st_le32(entry, *next);
    st_le32(entry + 4, *next + f.len);
    st_le32(entry + 8, BOOT_CMDLINE + text->len);
    g_string_append_len(text, spec, strlen(spec) + 1);
    *next = round_up(*next + f.len, 4096);
    return true;
}

static bool add_modules(BootContext *c, hwaddr next, uint8_t *info, GString *text, Error **errp)
{
    if (!c->cfg->initrd) {
        return true;
    }
    g_autoptr(GPtrArray) list = split_modules(c->cfg->initrd);
    if (list->len > MAX_MODULES) {
        error_set(errp, ERR_INVALID_PARAMETER, "-initrd names %u multiboot modules, %d is the most",
                  list->len, MAX_MODULES);
        return false;
    }
    next = round_up(next, 4096);
    for (guint i = 0; i < list->len; i++) {
        if (!add_module(c, list->pdata[i], &next, text, info + O_MODS + 16 * i, errp)) {
            return false;
        }
    }
    st_le32(info, ld_le32(info) | I_MODULES);
    st_le32(info + 20, list->len);
    st_le32(info + 24, BOOT_INFO + O_MODS);
    return true;
}

/* ---- boot information ---- */

static void fill_info(const BootLayout *l, uint8_t *info)
{
    E820Entry map[E820_MAX];
    int n = boot_e820(l, map);

    st_le32(info, I_MEMORY | I_CMDLINE | I_MMAP | I_LOADER);
    st_le32(info + 4, BOOT_EBDA >> 10);
    st_le32(info + 8, (l->acpi - BOOT_HIGH) >> 10);
    st_le32(info + 16, BOOT_CMDLINE);
    st_le32(info + 44, n * 24);
    st_le32(info + 48, BOOT_INFO + O_MMAP);
    st_le32(info + 64, BOOT_INFO + O_LOADER);
    memcpy(info + O_LOADER, "rhea", 5);
    for (int i = 0; i < n; i++) {
        uint8_t *e = info + O_MMAP + 24 * i;
        st_le32(e, 20);
        st_le64(e + 4, map[i].addr);
        st_le64(e + 12, map[i].len);
        st_le32(e + 20, map[i].type);
    }
}

bool boot_multiboot(BootContext *c, Error **errp)
{
    int64_t at = find_header(&c->kernel);
    uint64_t entry;
    hwaddr end;

    if (!load_kernel(c, at, &entry, &end, errp)) {
        return false;
    }
    uint8_t *info = g_malloc0(4096);
    fill_info(c->layout, info);
    /* The kernel's command line starts with its name. */
    GString *text = g_string_new(c->kernel.path);
    g_string_append_printf(text, "%s%s", c->cfg->append ? " " : "",
                           c->cfg->append ? c->cfg->append : "");
    g_string_append_len(text, "", 1);
    bool ok = add_modules(c, end, info, text, errp);
    if (ok && text->len > BOOT_LOW_END - BOOT_CMDLINE) {
        error_set(errp, ERR_INVALID_PARAMETER, "-append and -initrd are too long");
        ok = false;
    }
    if (ok) {
        boot_add_copy(c->plan, BOOT_CMDLINE, text->str, text->len);
        boot_add_copy(c->plan, BOOT_INFO, info, 4096);
        boot_enter_32(c->plan, entry);
        c->plan->state.rax = LOADED_MAGIC;
        c->plan->state.rbx = BOOT_INFO;
    }
    g_string_free(text, true);
    g_free(info);
    return ok;
}
