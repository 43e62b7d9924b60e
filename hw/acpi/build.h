/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the builders of tables share: frame, pointers, tables that all machines have; pieces of definition blocks. */
#ifndef HW_ACPI_BUILD_H
#define HW_ACPI_BUILD_H

#include "hw/acpi/tables.h"

/* Files with the loader's first commands; then tables; then the roots of those in the list, by their offsets. */
AcpiTables *acpi_tables_begin(void);
void acpi_tables_end(AcpiTables *t, const uint32_t *list, int n);
/* A table's header, and its offset; its end, after its pointers: the checksum covers what the loader wrote. */
uint32_t acpi_table_begin(AcpiTables *t, const char *signature, uint8_t revision);
void acpi_table_end(AcpiTables *t, uint32_t at);
/* A pointer field: the offset of a table now, its address after loading. */
void acpi_put_pointer(AcpiTables *t, uint32_t target, unsigned size);
/* A generic address structure; space 0 memory, 1 I/O. */
void acpi_generic_address(GByteArray *b, uint8_t space, uint64_t at, uint8_t bits);

uint32_t acpi_build_mcfg(AcpiTables *t, uint64_t ecam, uint64_t size);
uint32_t acpi_build_slit(AcpiTables *t, const NumaConfig *n);
void acpi_srat_memory(GByteArray *b, uint32_t node, uint64_t base, uint64_t size);

/* dsdt.c */
void dsdt_int(Aml *a, const char *name, uint64_t v);
void dsdt_eisa(Aml *a, const char *name, const char *id);
void dsdt_hid(Aml *a, const char *id, int uid);      /* _HID as text; _UID unless it is negative */
void dsdt_processors(Aml *a, int n);
void dsdt_osc(Aml *a);
/* The generic event device at base with its interrupt, and the power button. */
void dsdt_generic_events(Aml *a, uint64_t base, uint32_t gsi, bool vmgenid);
void dsdt_virtio_mmio(Aml *a, uint64_t base, int count, uint32_t first_gsi);

#endif
