/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the loaders and their common part (boot.c), and nobody else. */
#ifndef HW_MACHINE_BOOT_INTERNAL_H
#define HW_MACHINE_BOOT_INTERNAL_H

#include "hw/machine/boot/boot.h"

/* Low memory of a directly booted machine. Images may not use it. */
#define BOOT_BDA       0x400
#define BOOT_GDT       0x1000
#define BOOT_PAGES     0x2000 /* 6 pages: identity map of 4 GiB */
#define BOOT_STACK_TOP 0x9000
#define BOOT_INFO      0x10000 /* zero page, start info, multiboot info */
#define BOOT_CMDLINE   0x20000
#define BOOT_LOW_END   0x90000
#define BOOT_EBDA      0x9fc00
#define BOOT_CS        0x10
#define BOOT_DS        0x18
#define BOOT_HIGH      0x100000 /* the first address for kernels */

/* A file in memory. */
typedef struct BootFile {
    const char *what; /* "kernel", "initrd": for messages */
    const char *path;
    uint8_t *data;
    uint64_t len;
} BootFile;

typedef struct BootContext {
    const MachineConfig *cfg;
    const BootLayout *layout; /* NULL: images may go anywhere, the caller checks */
    uint16_t elf_machine;     /* of ELF files: e_machine; 0: x86 of either width */
    BootFile kernel;
    BootPlan *plan;
} BootContext;

/* An empty plan. */
BootPlan *boot_plan_new(void);
bool boot_read_file(BootFile *f, const char *what, const char *path, Error **errp);
void boot_file_clear(BootFile *f);

/* Add a piece that is owned by the plan. */
void boot_add(BootPlan *p, hwaddr addr, uint8_t *data, uint64_t len, uint64_t size);
void boot_add_copy(BootPlan *p, hwaddr addr, const void *data, uint64_t len);
/* Puts the pieces of a plan into memory, ROM included. */
void boot_place(const BootPlan *p, Machine *m);
/* A flat 32-bit GDT, and CPU state to enter at rip; or with identity page tables in 64 bits. */
void boot_enter_32(BootPlan *p, uint64_t rip);
void boot_enter_64(BootPlan *p, uint64_t rip);
/* [addr, addr+size) is RAM that images may use: above 1 MiB and below the tables. */
bool boot_range_ok(const BootContext *c, hwaddr addr, uint64_t size);
/* What a machine with this image needs at least, for messages. */
uint64_t boot_need_mib(const BootContext *c, uint64_t end);
/*
 * -initrd: placed as high as possible below max, above min. No initrd: true and
 * *size = 0. What it is called in messages follows from the file.
 */
bool boot_place_initrd(BootContext *c, hwaddr min, hwaddr max, hwaddr *addr, uint64_t *size,
                       Error **errp);

/* The protocols. _is looks only; the others return false with *errp. */
bool boot_linux_is(const BootFile *f);
bool boot_linux(BootContext *c, Error **errp);

/* Offsets in the image's first sectors, which are those in the zero page. */
enum {
    H_SETUP_SECTS = 0x1f1,
    H_BOOT_FLAG = 0x1fe,
    H_JUMP = 0x201,
    H_MAGIC = 0x202,
    H_VERSION = 0x206,
    H_LOADER = 0x210,
    H_LOADFLAGS = 0x211,
    H_CODE32 = 0x214,
    H_RAMDISK = 0x218,
    H_RAMDISK_SIZE = 0x21c,
    H_HEAP_END = 0x224,
    H_CMDLINE = 0x228,
    H_INITRD_MAX = 0x22c,
    H_ALIGNMENT = 0x230,
    H_RELOCATABLE = 0x234,
    H_XLOADFLAGS = 0x236,
    H_CMDLINE_SIZE = 0x238,
    H_PREF_ADDRESS = 0x258,
    H_INIT_SIZE = 0x260,
    H_END = 0x268,
};
#define LOADER_OTHER 0xff /* H_LOADER: one without a number of its own */

/* What a bzImage says of itself (Linux, Documentation/arch/x86/boot.rst). */
typedef struct LinuxHeader {
    uint16_t version;
    uint64_t kernel_at, kernel_len; /* protected-mode part, in the file */
    uint64_t alignment, pref_address, init_size, initrd_max, cmdline_size;
    bool relocatable, entry64;
} LinuxHeader;
bool boot_linux_header(BootContext *c, LinuxHeader *h, Error **errp);
/* -append as a piece of the plan at BOOT_CMDLINE. */
bool boot_linux_cmdline(BootContext *c, const LinuxHeader *h, Error **errp);
bool boot_multiboot_is(const BootFile *f);
bool boot_multiboot(BootContext *c, Error **errp);
bool boot_elf_is(const BootFile *f);
bool boot_pvh(BootContext *c, Error **errp);

/* Intel HEX; *entry is changed if the file has one. */
bool boot_hex_is(const BootFile *f);
bool boot_hex_load(const BootFile *f, BootPlan *plan, uint64_t *entry, Error **errp);

/* ELF segments of either class; entry is the physical address of e_entry. */
typedef struct BootElf {
    bool is64;
    uint16_t machine;
    uint64_t entry;
    hwaddr low, high; /* physical extent */
    bool has_pvh;
    uint64_t pvh_entry;
} BootElf;
bool boot_elf_load(BootContext *c, BootElf *e, Error **errp);

#endif
