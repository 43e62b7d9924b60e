/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables of a PC and the commands that link them.
 *
 * ACPI specification 6.4: 5.2.5 RSDP, 5.2.7/8 RSDT and XSDT, 5.2.9 FADT (in the
 * layout of revision 3, 244 bytes, which everything since Windows XP reads),
 * 5.2.10 FACS, 5.2.12 MADT, 5.2.16 SRAT, 5.2.17 SLIT. Loader commands: SeaBIOS
 * "romfile_loader" format,
 * 128 bytes each: allocate, add pointer, add checksum, write pointer.
 *
 * PCI firmware specification 3.0, 4.1.2 MCFG; IA-PC HPET 1.0a, 3.2.4.
 *
 * Pointers inside the tables file are offsets until a loader adds the address.
 */
#include "hw/acpi/tables.h"

#include <string.h>
#include "base/bits.h"
#include "hw/acpi/aml.h"
#include "hw/acpi/build.h"
#include "hw/acpi/vmgenid.h"

#define OEM_ID    "RHEA"
#define TABLE_ID  "RHEAPC"
#define HEADER    36
#define FILE_NAME 56
/*
 * Rounding of the two files, so that tables which appear later (MCFG, once firmware opened its window)
 * do not change their lengths; commands of type 0 are ignored by loaders.
 */
#define TABLES_STEP 0x10000
#define LOADER_STEP 0x4000
#define SCI_IRQ   9
#define PCI_LINES (1 << 5 | 1 << 9 | 1 << 10 | 1 << 11)

enum { CMD_ALLOCATE = 1, CMD_ADD_POINTER = 2, CMD_ADD_CHECKSUM = 3, CMD_WRITE_POINTER = 4 };
enum { ZONE_HIGH = 1, ZONE_FSEG = 2 };

/* ---- loader commands ---- */

static void pad_command(GByteArray *l)
{
    while (l->len % ACPI_LOADER_ENTRY) {
        bytes_int(l, 0, 1);
    }
}

static void cmd_allocate(AcpiTables *t, const char *file, uint32_t align, uint8_t zone)
{
    bytes_int(t->loader, CMD_ALLOCATE, 4);
    bytes_text(t->loader, file, FILE_NAME);
    bytes_int(t->loader, align, 4);
    bytes_int(t->loader, zone, 1);
    pad_command(t->loader);
}

/* The field of `size` bytes at `offset` in `file` points into the file `to`. */
static void cmd_pointer_to(AcpiTables *t, const char *file, const char *to, uint32_t offset,
                           uint8_t size)
{
    bytes_int(t->loader, CMD_ADD_POINTER, 4);
    bytes_text(t->loader, file, FILE_NAME);
    bytes_text(t->loader, to, FILE_NAME);
    bytes_int(t->loader, offset, 4);
    bytes_int(t->loader, size, 1);
    pad_command(t->loader);
}

static void cmd_pointer(AcpiTables *t, const char *file, uint32_t offset, uint8_t size)
{
    cmd_pointer_to(t, file, ACPI_TABLES_FILE, offset, size);
}

/* Firmware writes back where it put `of`: 8 bytes at the start of the writable `file`. */
static void cmd_write_pointer(AcpiTables *t, const char *file, const char *of)
{
    bytes_int(t->loader, CMD_WRITE_POINTER, 4);
    bytes_text(t->loader, file, FILE_NAME);
    bytes_text(t->loader, of, FILE_NAME);
    bytes_int(t->loader, 0, 4); /* offset in file */
    bytes_int(t->loader, 0, 4); /* offset in of */
    bytes_int(t->loader, 8, 1);
    pad_command(t->loader);
}

static void cmd_checksum(AcpiTables *t, const char *file, uint32_t at, uint32_t start, uint32_t len)
{
    bytes_int(t->loader, CMD_ADD_CHECKSUM, 4);
    bytes_text(t->loader, file, FILE_NAME);
    bytes_int(t->loader, at, 4);
    bytes_int(t->loader, start, 4);
    bytes_int(t->loader, len, 4);
    pad_command(t->loader);
}

/* ---- table frame ---- */

uint32_t acpi_table_begin(AcpiTables *t, const char *signature, uint8_t revision)
{
    GByteArray *b = t->tables;
    uint32_t at = b->len;

    bytes_text(b, signature, 4);
    bytes_int(b, 0, 4); /* length: acpi_table_end() */
    bytes_int(b, revision, 1);
    bytes_int(b, 0, 1); /* checksum: the loader */
    bytes_text(b, OEM_ID "  ", 6);
    bytes_text(b, TABLE_ID "  ", 8);
    bytes_int(b, 1, 4);
    bytes_text(b, OEM_ID, 4);
    bytes_int(b, 1, 4);
    return at;
}

/* After the commands for the table's pointers: the checksum covers what they wrote. */
void acpi_table_end(AcpiTables *t, uint32_t at)
{
    uint32_t len = t->tables->len - at;

    st_le32(t->tables->data + at + 4, len);
    cmd_checksum(t, ACPI_TABLES_FILE, at + 9, at, len);
    while (t->tables->len % 8) {
        bytes_int(t->tables, 0, 1);
    }
}

/* A pointer field: the offset now, the address after loading. */
void acpi_put_pointer(AcpiTables *t, uint32_t target, unsigned size)
{
    cmd_pointer(t, ACPI_TABLES_FILE, t->tables->len, size);
    bytes_int(t->tables, target, size);
}

static uint32_t build_dsdt(AcpiTables *t, const AcpiConfig *cfg)
{
    uint32_t at = acpi_table_begin(t, "DSDT", 2);
    Aml a = {.out = t->tables};

    acpi_dsdt(&a, cfg);
    acpi_table_end(t, at);
    return at;
}

/* ---- FADT ---- */

#define PM1_CONTROL 4 /* offsets in the power management block */
#define PM_TIMER    8

void acpi_generic_address(GByteArray *b, uint8_t space, uint64_t at, uint8_t bits)
{
    bytes_int(b, space, 1);
    bytes_int(b, bits, 1);
    bytes_int(b, 0, 1);
    bytes_int(b, 0, 1);
    bytes_int(b, at, 8);
}

static void port_address(GByteArray *b, uint16_t port, uint8_t bits)
{
    acpi_generic_address(b, bits ? 1 : 0, port, bits);
}

static void fadt_blocks(GByteArray *b, const AcpiConfig *cfg)
{
    bool pm = cfg->chipset != ACPI_NO_CHIPSET;

    bytes_int(b, pm ? cfg->pm_base : 0, 4); /* PM1a_EVT_BLK */
    bytes_int(b, 0, 4);
    bytes_int(b, pm ? cfg->pm_base + PM1_CONTROL : 0, 4); /* PM1a_CNT_BLK */
    bytes_int(b, 0, 4);
    bytes_int(b, 0, 4);                                /* PM2_CNT_BLK */
    bytes_int(b, pm ? cfg->pm_base + PM_TIMER : 0, 4); /* PM_TMR_BLK */
    bytes_int(b, cfg->gpe0_base, 4);
    bytes_int(b, 0, 4);                                /* GPE1 */
    bytes_int(b, pm ? 4 : 0, 1);                       /* PM1_EVT_LEN */
    bytes_int(b, pm ? 2 : 0, 1);                       /* PM1_CNT_LEN */
    bytes_int(b, 0, 1);                                /* PM2_CNT_LEN */
    bytes_int(b, pm ? 4 : 0, 1);                       /* PM_TMR_LEN */
    bytes_int(b, cfg->gpe0_size, 1);
    bytes_int(b, 0, 3);                                /* GPE1 length and base, CST_CNT */
    bytes_int(b, 0xfff, 2);                            /* P_LVL2_LAT: no C2 */
    bytes_int(b, 0xfff, 2);                            /* P_LVL3_LAT: no C3 */
    bytes_int(b, 0, 4);                                /* FLUSH_SIZE, FLUSH_STRIDE */
    bytes_int(b, 0, 4);                                /* DUTY_*, DAY_ALRM, MON_ALRM */
}

/* The extended addresses say the same as the blocks. */
static void fadt_extended(GByteArray *b, const AcpiConfig *cfg)
{
    bool pm = cfg->chipset != ACPI_NO_CHIPSET;

    port_address(b, pm ? cfg->pm_base : 0, pm ? 32 : 0);
    port_address(b, 0, 0);
    port_address(b, pm ? cfg->pm_base + PM1_CONTROL : 0, pm ? 16 : 0);
    port_address(b, 0, 0);
    port_address(b, 0, 0);
    port_address(b, pm ? cfg->pm_base + PM_TIMER : 0, pm ? 32 : 0);
    port_address(b, cfg->gpe0_base, cfg->gpe0_size * 8);
    port_address(b, 0, 0);
}

static uint32_t fadt_flags(const AcpiConfig *cfg)
{
    uint32_t flags = BIT32(0) | BIT32(2) | BIT32(5) | BIT32(10); /* WBINVD, PROC_C1, no sleep
                                                                    button, RESET_REG_SUP */
    if (cfg->chipset == ACPI_NO_CHIPSET) {
        return flags | BIT32(20); /* hardware-reduced; the power button is the GED's */
    }
    /* The RTC wakes from S4 too; a timer that can be trusted */
    return flags | BIT32(7) | BIT32(15);
}

/* Revision 3 with a chip set; without one 5.1, which knows hardware-reduced machines. */
static uint32_t build_fadt(AcpiTables *t, const AcpiConfig *cfg, uint32_t facs, uint32_t dsdt)
{
    bool reduced = cfg->chipset == ACPI_NO_CHIPSET;
    uint32_t at = acpi_table_begin(t, "FACP", reduced ? 5 : 3);
    GByteArray *b = t->tables;
    uint16_t boot = 0x01 | (cfg->i8042 ? 0x02 : 0) | 0x04; /* legacy devices, 8042, no VGA */

    acpi_put_pointer(t, facs, 4);
    acpi_put_pointer(t, dsdt, 4);
    bytes_int(b, 0, 2); /* reserved, preferred profile: unspecified */
    bytes_int(b, SCI_IRQ, 2);
    bytes_int(b, 0, 4); /* SMI_CMD = 0: always in ACPI mode */
    bytes_int(b, 0, 4); /* ACPI_ENABLE, ACPI_DISABLE, S4BIOS_REQ, PSTATE_CNT */
    fadt_blocks(b, cfg);
    bytes_int(b, 0x32, 1); /* CENTURY */
    bytes_int(b, boot, 2);
    bytes_int(b, 0, 1);
    bytes_int(b, fadt_flags(cfg), 4);
    if (reduced) {
        acpi_generic_address(b, 0, cfg->ged_base + ACPI_GED_REGS + 2, 8);
        bytes_int(b, 0x42, 1);
    } else {
        port_address(b, 0xcf9, 8); /* RESET_REG */
        bytes_int(b, 0x0f, 1);     /* RESET_VALUE */
    }
    bytes_int(b, 0, 2);
    bytes_int(b, reduced ? 1 : 0, 1); /* minor version */
    bytes_int(b, 0, 8); /* X_FIRMWARE_CTRL: the 32-bit one counts */
    acpi_put_pointer(t, dsdt, 8);
    fadt_extended(b, cfg);
    g_assert(b->len - at == 244);
    if (reduced) {
        acpi_generic_address(b, 0, cfg->ged_base + ACPI_GED_REGS, 8);     /* sleep control */
        acpi_generic_address(b, 0, cfg->ged_base + ACPI_GED_REGS + 1, 8); /* sleep status */
    }
    acpi_table_end(t, at);
    return at;
}

static uint32_t build_facs(AcpiTables *t)
{
    uint32_t at = t->tables->len;

    bytes_text(t->tables, "FACS", 4);
    bytes_int(t->tables, 64, 4);
    bytes_text(t->tables, "", 56);
    return at;
}

/* ---- MADT ---- */

static void madt_cpu(GByteArray *b, int uid, uint32_t apic_id)
{
    if (apic_id < 0xff) {
        bytes_int(b, 0 | 8 << 8, 2); /* local APIC */
        bytes_int(b, uid, 1);
        bytes_int(b, apic_id, 1);
        bytes_int(b, 1, 4); /* enabled */
    } else {
        bytes_int(b, 9 | 16 << 8, 2); /* local x2APIC */
        bytes_int(b, 0, 2);
        bytes_int(b, apic_id, 4);
        bytes_int(b, 1, 4);
        bytes_int(b, uid, 4);
    }
}

/* Interrupt source override: ISA line to global interrupt. */
static void madt_override(GByteArray *b, uint8_t irq, uint32_t gsi, uint16_t flags)
{
    bytes_int(b, 2 | 10 << 8, 2);
    bytes_int(b, 0, 1);
    bytes_int(b, irq, 1);
    bytes_int(b, gsi, 4);
    bytes_int(b, flags, 2);
}

static uint32_t build_madt(AcpiTables *t, const AcpiConfig *cfg)
{
    uint32_t at = acpi_table_begin(t, "APIC", 3);
    GByteArray *b = t->tables;

    bytes_int(b, 0xfee00000, 4);
    bytes_int(b, cfg->pic, 4); /* PCAT_COMPAT: there are 8259s too */
    for (int i = 0; i < cfg->cpus; i++) {
        madt_cpu(b, i, cfg->apic_ids[i]);
    }
    bytes_int(b, 1 | 12 << 8, 2); /* I/O APIC 0 */
    bytes_int(b, 0, 2);
    bytes_int(b, 0xfec00000, 4);
    bytes_int(b, 0, 4);
    if (cfg->ioapic2) {
        bytes_int(b, 1 | 12 << 8, 2);
        bytes_int(b, 1, 2);
        bytes_int(b, 0xfec10000, 4);
        bytes_int(b, 24, 4);
    }
    madt_override(b, 0, 2, 0);
    for (int i = 1; i < 16; i++) { /* lines that PCI uses: active high, level */
        if ((cfg->chipset != ACPI_NO_CHIPSET ? PCI_LINES : 0) >> i & 1) {
            madt_override(b, i, i, 0x000d);
        }
    }
    bytes_int(b, 4 | 6 << 8, 2);                          /* NMI on LINT1 of all */
    bytes_int(b, 0xff, 1);
    bytes_int(b, 0, 2);
    bytes_int(b, 1, 1);
    acpi_table_end(t, at);
    return at;
}

/* ---- MCFG, HPET, WAET ---- */

uint32_t acpi_build_mcfg(AcpiTables *t, uint64_t ecam, uint64_t size)
{
    uint32_t at = acpi_table_begin(t, "MCFG", 1);
    GByteArray *b = t->tables;

    bytes_int(b, 0, 8);
    bytes_int(b, ecam, 8);
    bytes_int(b, 0, 2); /* segment */
    bytes_int(b, 0, 1);
    bytes_int(b, (size >> 20) - 1, 1);
    bytes_int(b, 0, 4);
    acpi_table_end(t, at);
    return at;
}

/* IA-PC HPET specification 1.0a, 3.2.4. */
static uint32_t build_hpet(AcpiTables *t)
{
    uint32_t at = acpi_table_begin(t, "HPET", 1);
    GByteArray *b = t->tables;

    bytes_int(b, 0x8086a201, 4); /* as the capability register */
    bytes_int(b, 0, 4);          /* in memory space */
    bytes_int(b, 0xfed00000, 8);
    bytes_int(b, 0, 1); /* number */
    bytes_int(b, 0, 2); /* minimum tick */
    bytes_int(b, 0, 1);
    acpi_table_end(t, at);
    return at;
}

/* Windows ACPI Emulated devices Table: the RTC needs no double read, the PM timer neither. */
static uint32_t build_waet(AcpiTables *t)
{
    uint32_t at = acpi_table_begin(t, "WAET", 1);

    bytes_int(t->tables, 1 << 1, 4);
    acpi_table_end(t, at);
    return at;
}

/* The generation ID has a table of its own, whose one pointer leads to a page of its own. */
static uint32_t build_vmgenid(AcpiTables *t, const AcpiConfig *cfg)
{
    cmd_allocate(t, VMGENID_GUID_FILE, VMGENID_PAGE, ZONE_HIGH);
    uint32_t at = acpi_table_begin(t, "SSDT", 1);
    Aml a = {.out = t->tables};
    uint32_t address = vmgenid_aml(&a, cfg->chipset != ACPI_NO_CHIPSET);

    cmd_pointer_to(t, ACPI_TABLES_FILE, VMGENID_GUID_FILE, address, 4);
    cmd_write_pointer(t, VMGENID_ADDR_FILE, VMGENID_GUID_FILE);
    acpi_table_end(t, at);
    return at;
}

/* ---- roots ---- */

static uint32_t build_root(AcpiTables *t, const char *signature, unsigned size,
                           const uint32_t *tables, int n)
{
    uint32_t at = acpi_table_begin(t, signature, 1);

    for (int i = 0; i < n; i++) {
        acpi_put_pointer(t, tables[i], size);
    }
    acpi_table_end(t, at);
    return at;
}

static void build_rsdp(AcpiTables *t, uint32_t rsdt, uint32_t xsdt)
{
    GByteArray *b = t->rsdp;

    bytes_text(b, "RSD PTR ", 8);
    bytes_int(b, 0, 1);
    bytes_text(b, OEM_ID "  ", 6);
    bytes_int(b, 2, 1);
    bytes_int(b, rsdt, 4);
    bytes_int(b, 36, 4);
    bytes_int(b, xsdt, 8);
    bytes_int(b, 0, 4); /* extended checksum, reserved */
    cmd_pointer(t, ACPI_RSDP_FILE, 16, 4);
    cmd_pointer(t, ACPI_RSDP_FILE, 24, 8);
    cmd_checksum(t, ACPI_RSDP_FILE, 8, 0, 20);
    cmd_checksum(t, ACPI_RSDP_FILE, 32, 0, 36);
}

/* A file whose length was published keeps it when it is made again with other contents. */
static void pad(GByteArray *b, guint step)
{
    guint len = (b->len + step - 1) / step * step;

    for (guint n = len - b->len; n; n--) {
        bytes_int(b, 0, 1);
    }
}

/* ---- SRAT and SLIT: which processors and memory are near (5.2.16, 5.2.17) ---- */

static void srat_cpu(GByteArray *b, uint32_t apic_id, uint32_t node)
{
    bytes_int(b, 0 | 16 << 8, 2); /* local APIC; the boards have none above 254 */
    bytes_int(b, node & 0xff, 1);
    bytes_int(b, apic_id, 1);
    bytes_int(b, 1, 4);           /* enabled */
    bytes_int(b, 0, 1);
    bytes_int(b, node >> 8, 3);
    bytes_int(b, 0, 4);
}

void acpi_srat_memory(GByteArray *b, uint32_t node, uint64_t base, uint64_t size)
{
    if (size) {
        bytes_int(b, 1 | 40 << 8, 2);
        bytes_int(b, node, 4);
        bytes_int(b, 0, 2);
        bytes_int(b, base, 8);
        bytes_int(b, size, 8);
        bytes_int(b, 0, 4);
        bytes_int(b, 1, 4); /* enabled */
        bytes_int(b, 0, 8);
    }
}

/* RAM from offset on as addresses: without the hole below 1 MiB, and cut at 4 GiB. */
static void srat_node(GByteArray *b, const AcpiConfig *cfg, uint32_t node, uint64_t offset, uint64_t size)
{
    const struct {
        uint64_t offset, end, address;
    } parts[] = {
        {0, 0xa0000, 0}, {0x100000, cfg->below_4g, 0x100000}, {cfg->below_4g, UINT64_MAX, 1ull << 32},
    };

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        uint64_t from = MAX(offset, parts[i].offset), to = MIN(offset + size, parts[i].end);
        if (from < to) {
            acpi_srat_memory(b, node, parts[i].address + from - parts[i].offset, to - from);
        }
    }
}

static uint32_t build_srat(AcpiTables *t, const AcpiConfig *cfg)
{
    uint32_t at = acpi_table_begin(t, "SRAT", 1);
    GByteArray *b = t->tables;
    uint64_t offset = 0;

    bytes_int(b, 1, 4);
    bytes_int(b, 0, 8);
    for (int i = 0; i < cfg->cpus; i++) {
        srat_cpu(b, cfg->apic_ids[i], cfg->numa->cpu_node[i]);
    }
    for (int i = 0; i < cfg->numa->nodes; i++) {
        srat_node(b, cfg, i, offset, cfg->node_size[i]);
        offset += cfg->node_size[i];
    }
    acpi_table_end(t, at);
    return at;
}

uint32_t acpi_build_slit(AcpiTables *t, const NumaConfig *n)
{
    uint32_t at = acpi_table_begin(t, "SLIT", 1);

    bytes_int(t->tables, n->nodes, 8);
    for (int i = 0; i < n->nodes; i++) {
        for (int k = 0; k < n->nodes; k++) {
            bytes_int(t->tables, n->distance[i][k], 1);
        }
    }
    acpi_table_end(t, at);
    return at;
}

AcpiTables *acpi_tables_begin(void)
{
    AcpiTables *t = g_new0(AcpiTables, 1);

    t->tables = g_byte_array_new();
    t->rsdp = g_byte_array_new();
    t->loader = g_byte_array_new();
    cmd_allocate(t, ACPI_TABLES_FILE, 64, ZONE_HIGH);
    cmd_allocate(t, ACPI_RSDP_FILE, 16, ZONE_FSEG);
    return t;
}

void acpi_tables_end(AcpiTables *t, const uint32_t *list, int n)
{
    uint32_t rsdt = build_root(t, "RSDT", 4, list, n);
    uint32_t xsdt = build_root(t, "XSDT", 8, list, n);

    build_rsdp(t, rsdt, xsdt);
    pad(t->tables, TABLES_STEP);
    pad(t->loader, LOADER_STEP);
}

AcpiTables *acpi_tables_build(const AcpiConfig *cfg)
{
    AcpiTables *t = acpi_tables_begin();
    uint32_t facs = build_facs(t);
    uint32_t dsdt = build_dsdt(t, cfg);
    uint32_t list[10];
    int n = 0;
    list[n++] = build_fadt(t, cfg, facs, dsdt);
    list[n++] = build_madt(t, cfg);
    if (cfg->hpet) {
        list[n++] = build_hpet(t);
    }
    if (cfg->ecam_size) {
        list[n++] = acpi_build_mcfg(t, cfg->ecam_base, cfg->ecam_size);
    }
    if (cfg->numa) {
        list[n++] = build_srat(t, cfg);
    }
    if (cfg->numa && cfg->numa->has_distances) {
        list[n++] = acpi_build_slit(t, cfg->numa);
    }
    list[n++] = build_waet(t);
    if (cfg->vmgenid) {
        list[n++] = build_vmgenid(t, cfg);
    }
    acpi_tables_end(t, list, n);
    return t;
}

void acpi_tables_free(AcpiTables *t)
{
    if (t) {
        g_byte_array_unref(t->tables);
        g_byte_array_unref(t->rsdp);
        g_byte_array_unref(t->loader);
        g_free(t);
    }
}

/* ---- the loader's work, by the host ---- */

static void run_command(const uint8_t *cmd, GByteArray *tables, GByteArray *rsdp, hwaddr tables_at,
                        hwaddr vmgenid_at)
{
    GByteArray *file = strcmp((const char *)cmd + 4, ACPI_RSDP_FILE) == 0 ? rsdp : tables;

    switch (ld_le32(cmd)) {
    case CMD_ADD_POINTER: {
        uint8_t *field = file->data + ld_le32(cmd + 116);
        unsigned size = cmd[120];
        bool page = strcmp((const char *)cmd + 60, VMGENID_GUID_FILE) == 0;
        st_le_n(field, size, ld_le_n(field, size) + (page ? vmgenid_at : tables_at));
        break;
    }
    case CMD_ADD_CHECKSUM: {
        const uint8_t *p = file->data + ld_le32(cmd + 64);
        uint8_t sum = 0;
        for (uint32_t i = 0; i < ld_le32(cmd + 68); i++) {
            sum += p[i];
        }
        file->data[ld_le32(cmd + 60)] -= sum;
        break;
    }
    }
}

bool acpi_tables_place(const AcpiTables *t, AddressSpace *as, hwaddr tables_at, hwaddr rsdp_at,
                       hwaddr vmgenid_at)
{
    GByteArray *tables = g_byte_array_new(), *rsdp = g_byte_array_new();

    g_byte_array_append(tables, t->tables->data, t->tables->len);
    g_byte_array_append(rsdp, t->rsdp->data, t->rsdp->len);
    for (guint i = 0; i < t->loader->len; i += ACPI_LOADER_ENTRY) {
        run_command(t->loader->data + i, tables, rsdp, tables_at, vmgenid_at);
    }
    bool ok = address_space_poke(as, tables_at, tables->data, tables->len) &&
              address_space_poke(as, rsdp_at, rsdp->data, rsdp->len);
    g_byte_array_unref(tables);
    g_byte_array_unref(rsdp);
    return ok;
}
