/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Direct boot, the common part: files, low memory, processor state, and what to
 * say about a file that is no kernel for this machine.
 *
 * All images are hostile input: sizes and addresses are checked against the file
 * and the guest's RAM before anything is copied.
 */
#include "hw/machine/boot/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/bits.h"

#define MAX_FILE (4ull << 30)

/* ---- files ---- */

static bool read_all(int fd, BootFile *f, uint64_t size, Error **errp)
{
    uint64_t done = 0;

    f->data = g_try_malloc(size);
    if (!f->data) {
        error_set(errp, ERR_NO_MEMORY, "no memory for the %s '%s' (%llu bytes)", f->what, f->path,
                  (unsigned long long)size);
        return false;
    }
    while (done < size) {
        ssize_t n = read(fd, f->data + done, size - done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            error_set_errno(errp, errno, "cannot read the %s '%s'", f->what, f->path);
            return false;
        }
        if (n == 0) {
            break;
        }
        done += n;
    }
    f->len = done;
    return true;
}

static bool check_file(const BootFile *f, const struct stat *st, Error **errp)
{
    if (S_ISDIR(st->st_mode)) {
        error_set(errp, ERR_INVALID_PARAMETER, "the %s '%s' is a directory", f->what, f->path);
        error_hint(errp, "give the file itself");
        return false;
    }
    if (!S_ISREG(st->st_mode)) {
        error_set(errp, ERR_INVALID_PARAMETER, "the %s '%s' is not a regular file", f->what,
                  f->path);
        return false;
    }
    if (st->st_size == 0) {
        error_set(errp, ERR_INVALID_PARAMETER, "the %s '%s' is empty", f->what, f->path);
        return false;
    }
    if ((uint64_t)st->st_size > MAX_FILE) {
        error_set(errp, ERR_INVALID_PARAMETER, "the %s '%s' is larger than 4 GiB", f->what,
                  f->path);
        return false;
    }
    return true;
}

bool boot_read_file(BootFile *f, const char *what, const char *path, Error **errp)
{
    struct stat st;
    /* A FIFO must be refused, not waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    *f = (BootFile){.what = what, .path = path};
    if (fd < 0) {
        error_set_errno(errp, errno, "cannot open the %s '%s'", what, path);
        return false;
    }
    bool ok = fstat(fd, &st) == 0;
    if (!ok) {
        error_set_errno(errp, errno, "cannot examine the %s '%s'", what, path);
    }
    ok = ok && check_file(f, &st, errp) && read_all(fd, f, st.st_size, errp);
    close(fd);
    if (!ok) {
        boot_file_clear(f);
    }
    return ok;
}

void boot_file_clear(BootFile *f)
{
    g_clear_pointer(&f->data, g_free);
    f->len = 0;
}

/* ---- the plan ---- */

void boot_add(BootPlan *p, hwaddr addr, uint8_t *data, uint64_t len, uint64_t size)
{
    BootPiece piece = {.addr = addr, .data = data, .len = len, .size = size};

    g_array_append_val(p->pieces, piece);
}

void boot_add_copy(BootPlan *p, hwaddr addr, const void *data, uint64_t len)
{
    boot_add(p, addr, g_memdup2(data, len), len, len);
}

BootPlan *boot_plan_new(void)
{
    BootPlan *p = g_new0(BootPlan, 1);

    p->pieces = g_array_new(false, true, sizeof(BootPiece));
    return p;
}

void boot_plan_free(BootPlan *p)
{
    if (p) {
        for (guint i = 0; i < p->pieces->len; i++) {
            g_free(g_array_index(p->pieces, BootPiece, i).data);
        }
        g_array_unref(p->pieces);
        g_free(p);
    }
}

static void zero_guest(AddressSpace *as, hwaddr addr, uint64_t len)
{
    static const uint8_t zeros[65536];

    while (len) {
        uint64_t n = MIN(len, sizeof(zeros));
        address_space_poke(as, addr, zeros, n);
        addr += n;
        len -= n;
    }
}

void boot_place(const BootPlan *p, Machine *m)
{
    AddressSpace *as = machine_memory(m);

    for (guint i = 0; i < p->pieces->len; i++) {
        const BootPiece *b = &g_array_index(p->pieces, BootPiece, i);
        if (b->len) {
            address_space_poke(as, b->addr, b->data, b->len);
        }
        zero_guest(as, b->addr + b->len, b->size - b->len);
    }
}

void boot_apply(const BootPlan *p, Machine *m)
{
    boot_place(p, m);
    x86_cpu_set_boot_state(machine_cpu(m, 0), &p->state);
}

/* ---- processor state ---- */

static void add_gdt(BootPlan *p, bool long_mode)
{
    /* null, null, flat code, flat data (accessed bits set: nobody needs to write them) */
    uint64_t gdt[4] = {0, 0, long_mode ? 0x00af9b000000ffff : 0x00cf9b000000ffff,
                       0x00cf93000000ffff};
    uint8_t bytes[sizeof(gdt)];

    for (int i = 0; i < 4; i++) {
        st_le64(bytes + 8 * i, gdt[i]);
    }
    boot_add_copy(p, BOOT_GDT, bytes, sizeof(bytes));
    p->state.gdt_base = BOOT_GDT;
    p->state.gdt_limit = sizeof(bytes) - 1;
    p->state.cs_sel = BOOT_CS;
    p->state.ds_sel = BOOT_DS;
    p->state.rsp = BOOT_STACK_TOP;
}

/* Identity map of the first 4 GiB in 2 MiB pages: PML4, PDPT, four page directories. */
static void add_page_tables(BootPlan *p)
{
    uint8_t *pt = g_malloc0(6 * 4096);

    st_le64(pt, (BOOT_PAGES + 0x1000) | 3);
    for (int i = 0; i < 4; i++) {
        st_le64(pt + 4096 + 8 * i, (BOOT_PAGES + 0x2000 + i * 0x1000) | 3);
    }
    for (uint64_t i = 0; i < 2048; i++) {
        st_le64(pt + 2 * 4096 + 8 * i, i << 21 | 0x83);
    }
    boot_add(p, BOOT_PAGES, pt, 6 * 4096, 6 * 4096);
    p->state.cr3 = BOOT_PAGES;
}

void boot_enter_32(BootPlan *p, uint64_t rip)
{
    p->state.protected32 = true;
    p->state.rip = rip;
    add_gdt(p, false);
}

void boot_enter_64(BootPlan *p, uint64_t rip)
{
    p->state.long_mode = true;
    p->state.rip = rip;
    add_gdt(p, true);
    add_page_tables(p);
}

/* ---- memory ---- */

int boot_e820(const BootLayout *l, E820Entry *map)
{
    int n = 0;

    map[n++] = (E820Entry){0, BOOT_EBDA, E820_RAM};
    map[n++] = (E820Entry){BOOT_EBDA, 0xa0000 - BOOT_EBDA, E820_RESERVED};
    map[n++] = (E820Entry){0xf0000, 0x10000, E820_RESERVED};
    map[n++] = (E820Entry){0x100000, l->acpi - 0x100000, E820_RAM};
    if (l->acpi_size) {
        map[n++] = (E820Entry){l->acpi, l->acpi_size, E820_ACPI};
    }
    map[n++] = (E820Entry){0xfffc0000, 0x40000, E820_RESERVED};
    if (l->above_4g) {
        map[n++] = (E820Entry){1ull << 32, l->above_4g, E820_RAM};
    }
    return n;
}

bool boot_range_ok(const BootContext *c, hwaddr addr, uint64_t size)
{
    if (!c->layout) {
        return addr + size >= addr;
    }
    return addr >= BOOT_HIGH && addr <= c->layout->acpi && size <= c->layout->acpi - addr;
}

uint64_t boot_need_mib(const BootContext *c, uint64_t end)
{
    uint64_t reserved = c->layout->below_4g - c->layout->acpi;

    return (end + reserved + (1 << 20) - 1) >> 20;
}

bool boot_place_initrd(BootContext *c, hwaddr min, hwaddr max, hwaddr *addr, uint64_t *size,
                       Error **errp)
{
    BootFile f;

    *addr = *size = 0;
    if (!c->cfg->initrd) {
        return true;
    }
    if (!boot_read_file(&f, "initrd", c->cfg->initrd, errp)) {
        return false;
    }
    hwaddr top = MIN(c->layout->acpi, max + 1);
    if (top < min || f.len > top - min || round_down(top - f.len, 4096) < min) {
        error_set(errp, ERR_INVALID_PARAMETER, "the initrd '%s' (%llu MiB) does not fit in memory",
                  f.path, (unsigned long long)(f.len >> 20));
        if (max + 1 >= c->layout->acpi) {
            error_hint(errp, "give the machine more: -m %lluM or above",
                       (unsigned long long)boot_need_mib(c, round_up(min, 4096) + f.len + 4096));
        } else {
            error_hint(errp, "this kernel takes it only below 0x%llx", (unsigned long long)max);
        }
        boot_file_clear(&f);
        return false;
    }
    *addr = round_down(top - f.len, 4096);
    *size = f.len;
    boot_add(c->plan, *addr, f.data, f.len, f.len);
    return true;
}

/* ---- which kind of file ---- */

static bool has_bytes(const BootFile *f, uint64_t at, const char *bytes, size_t n)
{
    return f->len >= at + n && memcmp(f->data + at, bytes, n) == 0;
}

/* None of our protocols: say what it looks like. */
static void explain_unknown(const BootFile *f, Error **errp)
{
    const char *is = NULL,
               *hint = "give a bzImage (vmlinuz), a PVH ELF kernel or a multiboot kernel";

    if (has_bytes(f, 0x24, "\x18\x28\x6f\x01", 4)) {
        is = "a 32-bit Arm zImage";
        hint = "this machine is an x86 PC: give an x86 kernel";
    } else if (has_bytes(f, 0x38, "ARM\x64", 4)) {
        is = "a 64-bit Arm Image";
        hint = "this machine is an x86 PC: give an x86 kernel, or run rhea-system-aarch64";
    } else if (has_bytes(f, 0x30, "RISCV", 5)) {
        is = "a RISC-V Image";
        hint = "this machine is an x86 PC: give an x86 kernel";
    } else if (has_bytes(f, 0, "\x1f\x8b", 2)) {
        is = "gzip-compressed";
        hint = "unpack it with gunzip first";
    } else if (has_bytes(f, 0, "070701", 6)) {
        is = "a cpio archive";
        hint = "an initial RAM disk goes to -initrd";
    } else if (has_bytes(f, 0, "MZ", 2)) {
        is = "a Windows or EFI program without a Linux boot header";
    } else if (has_bytes(f, 0, "QFI\xfb", 4) || has_bytes(f, 0x1fe, "\x55\xaa", 2)) {
        is = "a disk image";
        hint = "a disk goes to -hda or -drive";
    }
    if (is) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is no kernel for this machine: it is %s",
                  f->path, is);
    } else {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is no kernel that this machine can boot",
                  f->path);
    }
    error_hint(errp, "%s", hint);
}

static bool load(BootContext *c, Error **errp)
{
    if (boot_linux_is(&c->kernel)) {
        return boot_linux(c, errp);
    }
    if (boot_multiboot_is(&c->kernel)) {
        return boot_multiboot(c, errp);
    }
    if (boot_elf_is(&c->kernel)) {
        return boot_pvh(c, errp);
    }
    explain_unknown(&c->kernel, errp);
    return false;
}

/*
 * What a kernel that goes back to real mode finds where a BIOS would be: a data area (Xen puts its
 * trampoline below the extended one), and services that all answer "not supported", but for the
 * size of low memory.
 */
static void add_bios_remains(BootPlan *p)
{
    static const uint8_t service[] = {
        0x55,                   /* push bp */
        0x89, 0xe5,             /* mov bp, sp */
        0x80, 0x4e, 0x06, 0x01, /* or byte [bp + 6], 1: CF of the caller's flags */
        0x5d,                   /* pop bp */
        0xcf,                   /* iret */
    };
    static const uint8_t memory_size[] = {
        0xb8, BOOT_EBDA >> 10 & 0xff, BOOT_EBDA >> 18, /* mov ax, KiB */
        0xcf,                                          /* iret */
    };
    uint8_t ivt[256 * 4], bda[0x100] = {0}, ebda[0x20] = {(0xa0000 - BOOT_EBDA) >> 10}; /* KiB */

    memcpy(ebda + 0x04, service, sizeof(service));
    memcpy(ebda + 0x10, memory_size, sizeof(memory_size));
    for (int i = 0; i < 256; i++) {
        st_le16(ivt + 4 * i, i == 0x12 ? 0x10 : 0x04);
        st_le16(ivt + 4 * i + 2, BOOT_EBDA >> 4);
    }
    st_le16(bda + 0x0e, BOOT_EBDA >> 4);
    st_le16(bda + 0x13, BOOT_EBDA >> 10);
    boot_add_copy(p, 0, ivt, sizeof(ivt));
    boot_add_copy(p, BOOT_BDA, bda, sizeof(bda));
    boot_add_copy(p, BOOT_EBDA, ebda, sizeof(ebda));
}

BootPlan *boot_plan(const MachineConfig *cfg, const BootLayout *l, Error **errp)
{
    BootContext c = {.cfg = cfg, .layout = l};

    if (!boot_read_file(&c.kernel, "kernel", cfg->kernel, errp)) {
        return NULL;
    }
    c.plan = boot_plan_new();
    add_bios_remains(c.plan);
    if (!load(&c, errp)) {
        boot_plan_free(c.plan);
        c.plan = NULL;
    }
    boot_file_clear(&c.kernel);
    return c.plan;
}
