/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF kernels: program segments of both classes, and PVH.
 *
 * ELF: System V ABI, "Object files", "Program header". PVH: Xen
 * docs/misc/pvh.pandoc (entry state) and public/arch-x86/hvm/start_info.h
 * (start info version 1); the entry is the note XEN_ELFNOTE_PHYS32_ENTRY (18).
 */
#include "hw/machine/boot/internal.h"

#include <elf.h>
#include <string.h>
#include "base/bits.h"

#define NOTE_PHYS32_ENTRY 18
#define START_INFO_MAGIC  0x336ec578u
#define MAX_SEGMENTS      64

typedef struct Segment {
    uint32_t type;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
} Segment;

bool boot_elf_is(const BootFile *f)
{
    return f->len >= sizeof(Elf32_Ehdr) && memcmp(f->data, ELFMAG, SELFMAG) == 0;
}

/* ---- headers ---- */

static bool bad(const BootFile *f, Error **errp, const char *why)
{
    error_set(errp, ERR_INVALID_PARAMETER, "the ELF %s '%s' is damaged: %s", f->what, f->path, why);
    error_hint(errp, "copy or build it again");
    return false;
}

static const char *machine_name(uint16_t machine)
{
    switch (machine) {
    case EM_ARM:
        return "32-bit Arm";
    case EM_AARCH64:
        return "64-bit Arm";
    case EM_386:
    case EM_X86_64:
        return "x86";
    case EM_RISCV:
        return "RISC-V";
    case EM_PPC64:
        return "64-bit PowerPC";
    case EM_S390:
        return "IBM Z";
    case EM_MIPS:
        return "MIPS";
    default:
        return "another processor";
    }
}

static bool machine_fits(const BootContext *c, uint16_t machine)
{
    return c->elf_machine ? machine == c->elf_machine : machine == EM_386 || machine == EM_X86_64;
}

static bool check_ident(const BootContext *c, BootElf *e, Error **errp)
{
    const BootFile *f = &c->kernel;

    e->is64 = f->data[EI_CLASS] == ELFCLASS64;
    if (!e->is64 && f->data[EI_CLASS] != ELFCLASS32) {
        return bad(f, errp, "unknown class");
    }
    if (e->is64 && f->len < sizeof(Elf64_Ehdr)) {
        return bad(f, errp, "truncated header");
    }
    e->machine = ld_le16(f->data + 18);
    if (f->data[EI_DATA] != ELFDATA2LSB || !machine_fits(c, e->machine)) {
        uint16_t m = f->data[EI_DATA] == ELFDATA2LSB ? e->machine : ld_be16(f->data + 18);
        error_set(errp, ERR_INVALID_PARAMETER, "the ELF file '%s' is for %s", f->path,
                  machine_name(m));
        if (c->elf_machine) {
            error_hint(errp, "this machine's processor starts as %s: give a %s for that", machine_name(c->elf_machine),
                       f->what);
        } else {
            error_hint(errp, "this machine is an x86 PC: give an x86 %s", f->what);
        }
        return false;
    }
    if (ld_le16(f->data + 16) == ET_REL) {
        return bad(f, errp, "it is an object file, not linked");
    }
    return true;
}

static void read_segment(const uint8_t *p, bool is64, Segment *s)
{
    if (is64) {
        *s = (Segment){
            .type = ld_le32(p),
            .offset = ld_le64(p + 8),
            .vaddr = ld_le64(p + 16),
            .paddr = ld_le64(p + 24),
            .filesz = ld_le64(p + 32),
            .memsz = ld_le64(p + 40),
            .align = ld_le64(p + 48),
        };
    } else {
        *s = (Segment){
            .type = ld_le32(p),
            .offset = ld_le32(p + 4),
            .vaddr = ld_le32(p + 8),
            .paddr = ld_le32(p + 12),
            .filesz = ld_le32(p + 16),
            .memsz = ld_le32(p + 20),
            .align = ld_le32(p + 28),
        };
    }
}

static int read_segments(const BootFile *f, const BootElf *e, Segment *seg, Error **errp)
{
    uint64_t phoff = e->is64 ? ld_le64(f->data + 32) : ld_le32(f->data + 28);
    unsigned size = ld_le16(f->data + (e->is64 ? 54 : 42));
    unsigned count = ld_le16(f->data + (e->is64 ? 56 : 44));
    unsigned want = e->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

    if (count == 0 || count > MAX_SEGMENTS || size < want) {
        bad(f, errp, "no usable program headers");
        return -1;
    }
    if (phoff > f->len || (uint64_t)size * count > f->len - phoff) {
        bad(f, errp, "program headers behind the end of the file");
        return -1;
    }
    for (unsigned i = 0; i < count; i++) {
        read_segment(f->data + phoff + (uint64_t)i * size, e->is64, &seg[i]);
        if (seg[i].offset > f->len || seg[i].filesz > f->len - seg[i].offset) {
            bad(f, errp, "truncated");
            return -1;
        }
    }
    return count;
}

/* ---- notes ---- */

/* Looks for the PVH entry in one PT_NOTE segment; every length is checked against what is left. */
static void scan_notes(const BootFile *f, const Segment *s, BootElf *e)
{
    const uint8_t *p = f->data + s->offset;
    uint64_t left = s->filesz, align = s->align == 8 ? 8 : 4;

    while (left >= 12) {
        uint64_t namesz = ld_le32(p), descsz = ld_le32(p + 4);
        uint64_t desc = round_up(12 + namesz, align), next = round_up(desc + descsz, align);

        if (desc > left || descsz > left - desc) {
            return;
        }
        if (ld_le32(p + 8) == NOTE_PHYS32_ENTRY && namesz == 4 && memcmp(p + 12, "Xen", 4) == 0 &&
            descsz >= 4) {
            e->has_pvh = true;
            e->pvh_entry = descsz >= 8 ? ld_le64(p + desc) : ld_le32(p + desc);
        }
        if (next > left) {
            return;
        }
        p += next;
        left -= next;
    }
}

/* ---- loading ---- */

static bool load_segment(BootContext *c, BootElf *e, const Segment *s, Error **errp)
{
    if (s->memsz == 0) {
        return true;
    }
    if (s->filesz > s->memsz) {
        return bad(&c->kernel, errp, "a segment is larger in the file than in memory");
    }
    if (!c->layout && !boot_range_ok(c, s->paddr, s->memsz)) {
        return bad(&c->kernel, errp, "a segment goes around the end of memory");
    }
    if (!boot_range_ok(c, s->paddr, s->memsz)) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "the ELF kernel '%s' wants memory at 0x%llx that this machine has not",
                  c->kernel.path, (unsigned long long)s->paddr);
        if (s->paddr >= BOOT_HIGH && s->paddr + s->memsz < 1ull << 32 &&
            s->paddr + s->memsz > s->paddr) {
            error_hint(errp, "give the machine more: -m %lluM or above",
                       (unsigned long long)boot_need_mib(c, s->paddr + s->memsz));
        } else {
            error_hint(errp,
                       "it must be linked to load between 1 MiB and the end of RAM below 4 GiB");
        }
        return false;
    }
    boot_add(c->plan, s->paddr, g_memdup2(c->kernel.data + s->offset, s->filesz), s->filesz,
             s->memsz);
    e->low = MIN(e->low, s->paddr);
    e->high = MAX(e->high, s->paddr + s->memsz);
    return true;
}

bool boot_elf_load(BootContext *c, BootElf *e, Error **errp)
{
    Segment seg[MAX_SEGMENTS];

    *e = (BootElf){.low = UINT64_MAX};
    if (!check_ident(c, e, errp)) {
        return false;
    }
    int n = read_segments(&c->kernel, e, seg, errp);
    if (n < 0) {
        return false;
    }
    uint64_t entry = e->is64 ? ld_le64(c->kernel.data + 24) : ld_le32(c->kernel.data + 24);
    e->entry = entry;
    for (int i = 0; i < n; i++) {
        const Segment *s = &seg[i];
        if (s->type == PT_NOTE) {
            scan_notes(&c->kernel, s, e);
        } else if (s->type == PT_LOAD) {
            if (!load_segment(c, e, s, errp)) {
                return false;
            }
            if (entry >= s->vaddr && entry - s->vaddr < s->memsz) {
                e->entry = entry - s->vaddr + s->paddr;
            }
        }
    }
    return e->high ? true : bad(&c->kernel, errp, "nothing to load");
}

/* ---- PVH ---- */

static void put_modules(uint8_t *info, hwaddr at, hwaddr initrd, uint64_t size)
{
    if (size) {
        st_le32(info + 12, 1);
        st_le64(info + 16, at);
        uint8_t *mod = info + (at - BOOT_INFO);
        st_le64(mod, initrd);
        st_le64(mod + 8, size);
    }
}

static void put_memmap(const BootLayout *l, uint8_t *info, hwaddr at)
{
    E820Entry map[E820_MAX];
    int n = boot_e820(l, map);

    st_le64(info + 40, at);
    st_le32(info + 48, n);
    for (int i = 0; i < n; i++) {
        uint8_t *e = info + (at - BOOT_INFO) + 24 * i;
        st_le64(e, map[i].addr);
        st_le64(e + 8, map[i].len);
        st_le32(e + 16, map[i].type);
    }
}

bool boot_pvh(BootContext *c, Error **errp)
{
    const char *text = c->cfg->append ? c->cfg->append : "";
    BootElf e;
    hwaddr initrd;
    uint64_t initrd_size;

    if (!boot_elf_load(c, &e, errp)) {
        return false;
    }
    if (!e.has_pvh) {
        error_set(errp, ERR_UNSUPPORTED, "the ELF kernel '%s' has no PVH entry point",
                  c->kernel.path);
        error_hint(errp, "build Linux with CONFIG_PVH=y, or give its bzImage");
        return false;
    }
    if (e.pvh_entry < e.low || e.pvh_entry >= e.high) {
        return bad(&c->kernel, errp, "its PVH entry point is outside of it");
    }
    if (strlen(text) > BOOT_LOW_END - BOOT_CMDLINE - 1) {
        error_set(errp, ERR_INVALID_PARAMETER, "-append is too long");
        return false;
    }
    if (!boot_place_initrd(c, round_up(e.high, 4096), UINT32_MAX, &initrd, &initrd_size, errp)) {
        return false;
    }
    uint8_t *info = g_malloc0(4096);
    st_le32(info, START_INFO_MAGIC);
    st_le32(info + 4, 1);
    st_le64(info + 24, BOOT_CMDLINE);
    st_le64(info + 32, c->layout->rsdp);
    put_modules(info, BOOT_INFO + 0x100, initrd, initrd_size);
    put_memmap(c->layout, info, BOOT_INFO + 0x200);
    boot_add(c->plan, BOOT_INFO, info, 4096, 4096);
    boot_add_copy(c->plan, BOOT_CMDLINE, text, strlen(text) + 1);
    boot_enter_32(c->plan, e.pvh_entry);
    c->plan->state.rbx = BOOT_INFO;
    return true;
}
