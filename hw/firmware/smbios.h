/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SMBIOS structures of a machine, for firmware to place (two fw_cfg files) or a loader.
 *
 * home: main loop.
 */
#ifndef HW_FIRMWARE_SMBIOS_H
#define HW_FIRMWARE_SMBIOS_H

#include "core/machine.h"

typedef struct SmbiosConfig {
    const MachineConfig *machine;
    const char *product, *version;
    uint64_t ram_base;             /* address of the first piece */
    uint64_t below_4g, above_4g;   /* bytes of it, and of the one at 4 GiB */
    bool entry64;                  /* the entry point of SMBIOS 3.0, for tables anywhere */
    uint32_t cpuid_eax, cpuid_edx; /* leaf 1 */
} SmbiosConfig;

typedef struct Smbios {
    GByteArray *tables;
    GByteArray *anchor; /* entry point, table address 0 */
} Smbios;

#define SMBIOS_TABLES_FILE "etc/smbios/smbios-tables"
#define SMBIOS_ANCHOR_FILE "etc/smbios/smbios-anchor"

/* An error: -smbios asks for a structure or field that is not known. */
bool smbios_check(const MachineConfig *cfg, Error **errp);
Smbios *smbios_build(const SmbiosConfig *cfg);
void smbios_free(Smbios *s);
/* As firmware does: both in memory, with address and checksums. */
void smbios_place(const Smbios *s, AddressSpace *as, hwaddr anchor_at, hwaddr tables_at);

#endif
