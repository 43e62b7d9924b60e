/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Direct boot of a kernel on a PC: Linux bzImage, PVH ELF, multiboot 1.
 *
 * A plan is made once, when the machine is built, and checked then: pieces of
 * memory and the state of the boot processor. It is carried out at every reset.
 *
 * home: main loop, vCPUs parked.
 */
#ifndef HW_MACHINE_BOOT_BOOT_H
#define HW_MACHINE_BOOT_BOOT_H

#include <glib.h>
#include "core/machine.h"
#include "target/i386/boot.h"

/* Memory types of E820, PVH and multiboot alike. */
enum { E820_RAM = 1, E820_RESERVED = 2, E820_ACPI = 3 };
typedef struct E820Entry {
    uint64_t addr, len;
    uint32_t type;
} E820Entry;
#define E820_MAX 16

/* Where things are, decided by the board. */
typedef struct BootLayout {
    uint64_t below_4g, above_4g; /* bytes of RAM at 0 and at 4 GiB */
    hwaddr acpi, acpi_size;      /* tables at the top of the lower RAM */
    hwaddr rsdp;
} BootLayout;

typedef struct BootPiece {
    hwaddr addr;
    uint8_t *data;
    uint64_t len;  /* of data */
    uint64_t size; /* >= len: the rest is zeroed */
} BootPiece;

typedef struct BootPlan {
    GArray *pieces; /* BootPiece */
    X86BootState state;
} BootPlan;

/* NULL with *errp: one line that says what is wrong with the file and what to do. */
BootPlan *boot_plan(const MachineConfig *cfg, const BootLayout *l, Error **errp);
void boot_apply(const BootPlan *p, Machine *m);
void boot_plan_free(BootPlan *p);

/* The map for a kernel that is entered without firmware; the number of entries, <= E820_MAX. */
int boot_e820(const BootLayout *l, E820Entry *map);

#endif
