/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ACPI tables of an ISA PC: built once, delivered either to firmware (three
 * fw_cfg files) or straight into guest memory.
 */
#ifndef HW_ACPI_TABLES_H
#define HW_ACPI_TABLES_H

#include <glib.h>
#include "core/memory.h"

typedef struct AcpiConfig {
    int cpus;
    const uint32_t *apic_ids; /* cpus of them */
    uint16_t com[4];          /* I/O base of the serial ports that exist, 0 = none */
    uint8_t com_irq[4];
    bool i8042;
    bool fw_cfg;
} AcpiConfig;

typedef struct AcpiTables {
    GByteArray *tables; /* etc/acpi/tables: everything but the RSDP, pointers relative to it */
    GByteArray *rsdp;   /* etc/acpi/rsdp */
    GByteArray *loader; /* etc/table-loader: commands that place and link the two */
} AcpiTables;

#define ACPI_LOADER_ENTRY 128
#define ACPI_TABLES_FILE  "etc/acpi/tables"
#define ACPI_RSDP_FILE    "etc/acpi/rsdp"
#define ACPI_LOADER_FILE  "etc/table-loader"

AcpiTables *acpi_tables_build(const AcpiConfig *cfg);
void acpi_tables_free(AcpiTables *t);
/*
 * What firmware would do with the loader's commands, done by the host: copies of
 * the two files, linked for these addresses. tables_at must be 64-byte aligned.
 */
bool acpi_tables_place(const AcpiTables *t, AddressSpace *as, hwaddr tables_at, hwaddr rsdp_at);

#endif
