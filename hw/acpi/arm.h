/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ACPI tables of an Arm machine without ACPI hardware. */
#ifndef HW_ACPI_ARM_H
#define HW_ACPI_ARM_H

#include "hw/acpi/tables.h"

typedef struct AcpiRange {
    uint64_t base, size; /* size 0: not there */
} AcpiRange;

/* What there is; interrupts are GSIs, that is INTIDs. */
typedef struct AcpiArmConfig {
    int cpus;
    const uint64_t *mpidr;     /* of each */
    const NumaConfig *numa;    /* NULL: no SRAT */
    const uint64_t *node_size; /* bytes of each node, in the order of memory */
    uint64_t ram_base;
    bool psci, psci_hvc;
    int gic_version;
    AcpiRange gicd, gicc, gicv, gich; /* gicc and the following of a GICv2 */
    AcpiRange gicr[2], its;
    AcpiRange v2m;             /* with v2m_spis from v2m_first_spi on */
    uint32_t v2m_first_spi, v2m_spis;
    uint32_t pmu_gsi, maintenance_gsi; /* 0: none */
    uint32_t timer_gsi[4];     /* secure EL1, non-secure EL1, virtual, EL2 */
    AcpiRange uart, fw_cfg, flash[2];
    uint32_t uart_gsi;
    uint64_t ged_base;
    uint32_t ged_gsi;
    uint64_t virtio_base;      /* 512 bytes each */
    int virtio_count;
    uint32_t virtio_gsi;
    AcpiRange ecam, pci_mmio, pci_high, pci_io;
    uint32_t pci_gsi;          /* of the first of four wires */
} AcpiArmConfig;

AcpiTables *acpi_arm_tables(const AcpiArmConfig *cfg);

#endif
