/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ACPI tables of a PC, delivered either to firmware (three fw_cfg files) or straight into
 * guest memory. The files' lengths do not depend on what the guest programmed.
 */
#ifndef HW_ACPI_TABLES_H
#define HW_ACPI_TABLES_H

#include "core/numa.h"
#include <glib.h>
#include "core/memory.h"
#include "hw/acpi/aml.h"

typedef enum AcpiChipset { ACPI_NO_CHIPSET, ACPI_PIIX, ACPI_ICH9 } AcpiChipset;

typedef struct AcpiConfig {
    int cpus;
    const uint32_t *apic_ids; /* cpus of them */
    const NumaConfig *numa;    /* NULL: no SRAT */
    const uint64_t *node_size; /* bytes of each node, in the order of memory */
    uint64_t below_4g;         /* RAM there; the rest is above */
    uint16_t com[4];          /* I/O base of the serial ports that exist, 0 = none */
    uint8_t com_irq[4];
    bool i8042, fw_cfg, pic, hpet, pit, rtc;
    bool s3, s4;              /* sleep states beside S5 */
    uint8_t s4_type;          /* SLP_TYP of S4 */
    uint16_t pvpanic;         /* port, 0: none */
    bool vmgenid;
    AcpiChipset chipset;
    /* With a chip set: */
    uint16_t pm_base, gpe0_base, gpe0_size;
    uint64_t ecam_base, ecam_size;     /* 0: closed or none */
    uint64_t pci32_base, pci32_end;    /* the host bridge's windows */
    uint64_t pci64_base, pci64_end;
    void (*pci_hotplug)(Aml *a, void *opaque); /* adds methods to \_SB.PCI0 and \_GPE */
    void *pci_hotplug_opaque;
    /* Without: hardware-reduced ACPI with a generic event device */
    uint64_t ged_base;
    int ged_irq;
    uint64_t virtio_mmio_base; /* 512 bytes each */
    int virtio_mmio_count, virtio_mmio_irq;
    bool ioapic2;
} AcpiConfig;

typedef struct AcpiTables {
    GByteArray *tables; /* etc/acpi/tables: everything but the RSDP, pointers relative to it */
    GByteArray *rsdp;   /* etc/acpi/rsdp */
    GByteArray *loader; /* etc/table-loader: commands that place and link the two */
} AcpiTables;

#define ACPI_LOADER_ENTRY 128
#define ACPI_GED_REGS     0x200 /* sleep control, sleep status, reset; in the GED's memory */
#define ACPI_TABLES_FILE  "etc/acpi/tables"
#define ACPI_RSDP_FILE    "etc/acpi/rsdp"
#define ACPI_LOADER_FILE  "etc/table-loader"

AcpiTables *acpi_tables_build(const AcpiConfig *cfg);
void acpi_tables_free(AcpiTables *t);
/* The definition block's contents (dsdt.c). */
void acpi_dsdt(Aml *a, const AcpiConfig *cfg);

/*
 * What firmware would do with the loader's commands, done by the host: copies of
 * the two files, linked for these addresses. tables_at must be 64-byte aligned. vmgenid_at: where the
 * caller puts that page, if there is one.
 */
bool acpi_tables_place(const AcpiTables *t, AddressSpace *as, hwaddr tables_at, hwaddr rsdp_at,
                       hwaddr vmgenid_at);

#endif
