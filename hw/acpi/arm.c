/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables of an Arm machine: hardware-reduced, with a generic event device.
 *
 * ACPI specification 6.4: 5.2.9 FADT (revision 6), 5.2.12.14 to 18 MADT structures of the GIC, 5.2.16.4 SRAT, 5.2.25 GTDT;
 * Arm DEN 0049D IORT (revision D, table revision 3); Microsoft: SPCR (revision 2), DBG2 (revision 0).
 */
#include "hw/acpi/arm.h"

#include "base/bits.h"
#include "hw/acpi/build.h"

#define PL011             3 /* interface types of SPCR and DBG2 */
#define GTDT_ALWAYS_ON    BIT32(2)
#define FADT_REDUCED      BIT32(20)
#define ARM_BOOT_PSCI     BIT32(0)
#define ARM_BOOT_PSCI_HVC BIT32(1)
#define HEADER            36

/* ---- FADT ---- */

static void zeros(GByteArray *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        bytes_int(b, 0, 1);
    }
}

static uint32_t build_fadt(AcpiTables *t, const AcpiArmConfig *cfg, uint32_t dsdt)
{
    uint32_t at = acpi_table_begin(t, "FACP", 6);
    GByteArray *b = t->tables;
    uint16_t boot = cfg->psci ? ARM_BOOT_PSCI | (cfg->psci_hvc ? ARM_BOOT_PSCI_HVC : 0) : 0;

    zeros(b, 112 - HEADER); /* there is no fixed hardware */
    bytes_int(b, FADT_REDUCED, 4);
    zeros(b, 13); /* reset register and value: PSCI does it */
    bytes_int(b, boot, 2);
    bytes_int(b, 0, 1); /* minor version */
    zeros(b, 8);        /* X_FIRMWARE_CTRL */
    acpi_put_pointer(t, dsdt, 8);
    zeros(b, 276 - 148);
    acpi_table_end(t, at);
    return at;
}

/* ---- MADT ---- */

static void madt_gicd(GByteArray *b, const AcpiArmConfig *cfg)
{
    bytes_int(b, 0x0c | 24 << 8, 2);
    bytes_int(b, 0, 2 + 4);
    bytes_int(b, cfg->gicd.base, 8);
    bytes_int(b, 0, 4); /* system vector base */
    bytes_int(b, cfg->gic_version, 1);
    bytes_int(b, 0, 3);
}

static void madt_gicc(GByteArray *b, const AcpiArmConfig *cfg, int n)
{
    bool v2 = cfg->gic_version == 2;

    bytes_int(b, 0x0b | 80 << 8, 2);
    bytes_int(b, 0, 2);
    bytes_int(b, n, 4); /* interface number: GICv2's target bit */
    bytes_int(b, n, 4); /* _UID */
    bytes_int(b, 1, 4); /* enabled */
    bytes_int(b, 0, 4); /* parking protocol */
    bytes_int(b, cfg->pmu_gsi, 4);
    bytes_int(b, 0, 8); /* parked address */
    bytes_int(b, v2 ? cfg->gicc.base : 0, 8);
    bytes_int(b, v2 ? cfg->gicv.base : 0, 8);
    bytes_int(b, v2 ? cfg->gich.base : 0, 8);
    bytes_int(b, cfg->maintenance_gsi, 4);
    bytes_int(b, 0, 8); /* GICR: by its own structures */
    bytes_int(b, cfg->mpidr[n], 8);
    bytes_int(b, 0, 4); /* efficiency class, SPE interrupt */
}

static void madt_gicr(GByteArray *b, AcpiRange r)
{
    if (r.size) {
        bytes_int(b, 0x0e | 16 << 8, 2);
        bytes_int(b, 0, 2);
        bytes_int(b, r.base, 8);
        bytes_int(b, r.size, 4);
    }
}

static void madt_messages(GByteArray *b, const AcpiArmConfig *cfg)
{
    if (cfg->its.size) {
        bytes_int(b, 0x0f | 20 << 8, 2);
        bytes_int(b, 0, 2 + 4); /* reserved, identifier 0: IORT's */
        bytes_int(b, cfg->its.base, 8);
        bytes_int(b, 0, 4);
    } else if (cfg->v2m.size) {
        bytes_int(b, 0x0d | 24 << 8, 2);
        bytes_int(b, 0, 2 + 4);
        bytes_int(b, cfg->v2m.base, 8);
        bytes_int(b, 1, 4); /* the following count */
        bytes_int(b, cfg->v2m_spis, 2);
        bytes_int(b, cfg->v2m_first_spi, 2);
    }
}

static uint32_t build_madt(AcpiTables *t, const AcpiArmConfig *cfg)
{
    uint32_t at = acpi_table_begin(t, "APIC", 4);
    GByteArray *b = t->tables;

    bytes_int(b, 0, 8); /* no local APICs */
    madt_gicd(b, cfg);
    for (int i = 0; i < cfg->cpus; i++) {
        madt_gicc(b, cfg, i);
    }
    if (cfg->gic_version >= 3) {
        madt_gicr(b, cfg->gicr[0]);
        madt_gicr(b, cfg->gicr[1]);
    }
    madt_messages(b, cfg);
    acpi_table_end(t, at);
    return at;
}

/* ---- GTDT, IORT, SRAT ---- */

static uint32_t build_gtdt(AcpiTables *t, const AcpiArmConfig *cfg)
{
    uint32_t at = acpi_table_begin(t, "GTDT", 2);
    GByteArray *b = t->tables;

    bytes_int(b, UINT64_MAX, 8); /* no memory-mapped counter */
    bytes_int(b, 0, 4);
    for (int i = 0; i < 4; i++) {
        bytes_int(b, cfg->timer_gsi[i], 4);
        bytes_int(b, GTDT_ALWAYS_ON, 4); /* level, active high */
    }
    bytes_int(b, UINT64_MAX, 8);
    bytes_int(b, 0, 8); /* platform timers: none */
    acpi_table_end(t, at);
    return at;
}

#define IORT_ITS_NODE 48 /* offset of the first node in the table */
#define IORT_ITS_SIZE 24

static uint32_t build_iort(AcpiTables *t)
{
    uint32_t at = acpi_table_begin(t, "IORT", 3);
    GByteArray *b = t->tables;

    bytes_int(b, 2, 4); /* nodes */
    bytes_int(b, IORT_ITS_NODE, 4);
    bytes_int(b, 0, 4);
    bytes_int(b, 0, 1); /* ITS group */
    bytes_int(b, IORT_ITS_SIZE, 2);
    bytes_int(b, 1, 1);
    bytes_int(b, 0, 4);  /* identifier */
    bytes_int(b, 0, 8);  /* mappings */
    bytes_int(b, 1, 4);  /* one ITS: number 0 */
    bytes_int(b, 0, 4);
    bytes_int(b, 2, 1);  /* root complex */
    bytes_int(b, 36 + 20, 2);
    bytes_int(b, 3, 1);
    bytes_int(b, 1, 4);  /* identifier */
    bytes_int(b, 1, 4);  /* one mapping, at 36 */
    bytes_int(b, 36, 4);
    bytes_int(b, 1, 4);  /* coherent */
    bytes_int(b, 0, 1 + 2);
    bytes_int(b, 3, 1);  /* coherent, cacheable accesses */
    bytes_int(b, 0, 8);  /* no ATS; segment 0 */
    bytes_int(b, 64, 4); /* bits of addresses; reserved */
    bytes_int(b, 0, 4);  /* requester IDs from 0, */
    bytes_int(b, 0xffff, 4); /* to there, */
    bytes_int(b, 0, 4);  /* are device IDs from 0 */
    bytes_int(b, IORT_ITS_NODE, 4);
    bytes_int(b, 0, 4);
    acpi_table_end(t, at);
    return at;
}

static uint32_t build_srat(AcpiTables *t, const AcpiArmConfig *cfg)
{
    uint32_t at = acpi_table_begin(t, "SRAT", 3);
    GByteArray *b = t->tables;
    uint64_t base = cfg->ram_base;

    bytes_int(b, 1, 4);
    bytes_int(b, 0, 8);
    for (int i = 0; i < cfg->cpus; i++) {
        bytes_int(b, 3 | 18 << 8, 2); /* GICC affinity */
        bytes_int(b, cfg->numa->cpu_node[i], 4);
        bytes_int(b, i, 4);
        bytes_int(b, 1, 4); /* enabled */
        bytes_int(b, 0, 4);
    }
    for (int i = 0; i < cfg->numa->nodes; i++) {
        acpi_srat_memory(b, i, base, cfg->node_size[i]);
        base += cfg->node_size[i];
    }
    acpi_table_end(t, at);
    return at;
}

/* ---- the console: SPCR, DBG2 ---- */

static uint32_t build_spcr(AcpiTables *t, const AcpiArmConfig *cfg)
{
    uint32_t at = acpi_table_begin(t, "SPCR", 2);
    GByteArray *b = t->tables;

    bytes_int(b, PL011, 4);
    acpi_generic_address(b, 0, cfg->uart.base, 32);
    b->data[b->len - 9] = 3;   /* by words */
    bytes_int(b, 1 << 3, 1);   /* interrupt: GIC */
    bytes_int(b, 0, 1);
    bytes_int(b, cfg->uart_gsi, 4);
    bytes_int(b, 3, 1);        /* 9600 baud */
    bytes_int(b, 0, 1);        /* no parity */
    bytes_int(b, 1, 1);        /* one stop bit */
    bytes_int(b, 1 << 1, 1);   /* RTS and CTS */
    bytes_int(b, 0, 2);        /* VT100 */
    bytes_int(b, 0xffffffff, 4); /* no PCI device */
    bytes_int(b, 0, 3 + 4);
    bytes_int(b, 0, 1 + 4);
    acpi_table_end(t, at);
    return at;
}

static uint32_t build_dbg2(AcpiTables *t, const AcpiArmConfig *cfg)
{
    static const char path[] = "\\_SB.COM0";
    enum { INFO = 22, GAS = 12, SIZE = 4 };
    uint32_t at = acpi_table_begin(t, "DBG2", 0);
    GByteArray *b = t->tables;

    bytes_int(b, HEADER + 8, 4);
    bytes_int(b, 1, 4);
    bytes_int(b, 0, 1);
    bytes_int(b, INFO + GAS + SIZE + sizeof(path), 2);
    bytes_int(b, 1, 1);             /* one address */
    bytes_int(b, sizeof(path), 2);
    bytes_int(b, INFO + GAS + SIZE, 2);
    bytes_int(b, 0, 4);             /* OEM data */
    bytes_int(b, 0x8000, 2);        /* serial */
    bytes_int(b, PL011, 2);
    bytes_int(b, 0, 2);
    bytes_int(b, INFO, 2);
    bytes_int(b, INFO + GAS, 2);
    acpi_generic_address(b, 0, cfg->uart.base, 32);
    b->data[b->len - 9] = 3;
    bytes_int(b, cfg->uart.size, 4);
    bytes_text(b, path, sizeof(path));
    acpi_table_end(t, at);
    return at;
}

/* ---- DSDT ---- */

/* A device with one piece of memory and, unless gsi is 0, an interrupt. */
static void memory_device(Aml *a, const char *name, const char *hid, int uid, AcpiRange r, uint32_t gsi)
{
    aml_device(a, name);
    dsdt_hid(a, hid, uid);
    aml_crs_begin(a);
    aml_memory32(a, r.base, r.size, true);
    if (gsi) {
        aml_interrupts(a, &gsi, 1);
    }
    aml_crs_end(a);
    aml_end(a);
}

static void fw_cfg(Aml *a, AcpiRange r)
{
    aml_device(a, "FWCF");
    dsdt_hid(a, "QEMU0002", -1);
    dsdt_int(a, "_STA", 0x0b); /* present, working, not shown */
    dsdt_int(a, "_CCA", 1);
    aml_crs_begin(a);
    aml_memory32(a, r.base, r.size, true);
    aml_crs_end(a);
    aml_end(a);
}

/* Straight to inputs of the interrupt controller, without links. */
static void pci_routes(Aml *a, uint32_t first)
{
    aml_name(a, "_PRT");
    aml_package(a, 128);
    for (unsigned slot = 0; slot < 32; slot++) {
        for (unsigned pin = 0; pin < 4; pin++) {
            aml_package(a, 4);
            aml_int(a, slot << 16 | 0xffff);
            aml_int(a, pin);
            aml_int(a, 0);
            aml_int(a, first + (slot + pin) % 4);
            aml_end(a);
        }
    }
    aml_end(a);
}

static void host_bridge(Aml *a, const AcpiArmConfig *cfg)
{
    aml_device(a, "PCI0");
    dsdt_eisa(a, "_HID", "PNP0A08");
    dsdt_eisa(a, "_CID", "PNP0A03");
    dsdt_int(a, "_SEG", 0);
    dsdt_int(a, "_BBN", 0);
    dsdt_int(a, "_UID", 0);
    dsdt_int(a, "_CCA", 1);
    dsdt_int(a, "_CBA", cfg->ecam.base);
    aml_crs_begin(a);
    aml_bus_numbers(a, 0, (cfg->ecam.size >> 20) - 1);
    aml_memory_window32(a, cfg->pci_mmio.base, cfg->pci_mmio.base + cfg->pci_mmio.size - 1, false);
    aml_io_window_at(a, 0, cfg->pci_io.size - 1, cfg->pci_io.base);
    if (cfg->pci_high.size) {
        aml_memory_window64(a, cfg->pci_high.base, cfg->pci_high.base + cfg->pci_high.size - 1);
    }
    aml_crs_end(a);
    pci_routes(a, cfg->pci_gsi);
    dsdt_osc(a);
    aml_device(a, "RES0"); /* the configuration space is nobody else's */
    dsdt_eisa(a, "_HID", "PNP0C02");
    aml_crs_begin(a);
    aml_memory_window64(a, cfg->ecam.base, cfg->ecam.base + cfg->ecam.size - 1);
    aml_crs_end(a);
    aml_end(a);
    aml_end(a);
}

static uint32_t build_dsdt(AcpiTables *t, const AcpiArmConfig *cfg)
{
    uint32_t at = acpi_table_begin(t, "DSDT", 2);
    Aml a = {.out = t->tables};

    aml_scope(&a, "\\_SB");
    dsdt_processors(&a, cfg->cpus);
    memory_device(&a, "COM0", "ARMH0011", 0, cfg->uart, cfg->uart_gsi);
    memory_device(&a, "FLS0", "LNRO0015", 0, cfg->flash[0], 0);
    memory_device(&a, "FLS1", "LNRO0015", 1, cfg->flash[1], 0);
    fw_cfg(&a, cfg->fw_cfg);
    dsdt_virtio_mmio(&a, cfg->virtio_base, cfg->virtio_count, cfg->virtio_gsi);
    host_bridge(&a, cfg);
    dsdt_generic_events(&a, cfg->ged_base, cfg->ged_gsi, false);
    aml_end(&a);
    acpi_table_end(t, at);
    return at;
}

/* ---- the whole ---- */

AcpiTables *acpi_arm_tables(const AcpiArmConfig *cfg)
{
    AcpiTables *t = acpi_tables_begin();
    uint32_t list[12], dsdt = build_dsdt(t, cfg);
    int n = 0;

    list[n++] = build_fadt(t, cfg, dsdt);
    list[n++] = build_madt(t, cfg);
    list[n++] = build_gtdt(t, cfg);
    list[n++] = acpi_build_mcfg(t, cfg->ecam.base, cfg->ecam.size);
    list[n++] = build_spcr(t, cfg);
    list[n++] = build_dbg2(t, cfg);
    if (cfg->numa) {
        list[n++] = build_srat(t, cfg);
    }
    if (cfg->numa && cfg->numa->has_distances) {
        list[n++] = acpi_build_slit(t, cfg->numa);
    }
    if (cfg->its.size) {
        list[n++] = build_iort(t);
    }
    acpi_tables_end(t, list, n);
    return t;
}
