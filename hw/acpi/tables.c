/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables of an ISA PC and the commands that link them.
 *
 * ACPI specification 6.4: 5.2.5 RSDP, 5.2.7/8 RSDT and XSDT, 5.2.9 FADT (in the
 * layout of revision 3, 244 bytes, which everything since Windows XP reads),
 * 5.2.10 FACS, 5.2.12 MADT. Loader commands: SeaBIOS "romfile_loader" format,
 * 128 bytes each: allocate, add pointer, add checksum.
 *
 * Pointers inside the tables file are offsets until a loader adds the address.
 */
#include "hw/acpi/tables.h"

#include <string.h>
#include "base/bits.h"
#include "hw/acpi/aml.h"
#include "hw/acpi/pm.h"

#define OEM_ID    "RHEA"
#define TABLE_ID  "RHEAPC"
#define HEADER    36
#define FILE_NAME 56

enum { CMD_ALLOCATE = 1, CMD_ADD_POINTER = 2, CMD_ADD_CHECKSUM = 3 };
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

/* The field of `size` bytes at `offset` in `file` points into the tables file. */
static void cmd_pointer(AcpiTables *t, const char *file, uint32_t offset, uint8_t size)
{
    bytes_int(t->loader, CMD_ADD_POINTER, 4);
    bytes_text(t->loader, file, FILE_NAME);
    bytes_text(t->loader, ACPI_TABLES_FILE, FILE_NAME);
    bytes_int(t->loader, offset, 4);
    bytes_int(t->loader, size, 1);
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

static uint32_t table_begin(AcpiTables *t, const char *signature, uint8_t revision)
{
    GByteArray *b = t->tables;
    uint32_t at = b->len;

    bytes_text(b, signature, 4);
    bytes_int(b, 0, 4); /* length: table_end() */
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
static void table_end(AcpiTables *t, uint32_t at)
{
    uint32_t len = t->tables->len - at;

    st_le32(t->tables->data + at + 4, len);
    cmd_checksum(t, ACPI_TABLES_FILE, at + 9, at, len);
    while (t->tables->len % 8) {
        bytes_int(t->tables, 0, 1);
    }
}

/* A pointer field: the offset now, the address after loading. */
static void put_pointer(AcpiTables *t, uint32_t target, unsigned size)
{
    cmd_pointer(t, ACPI_TABLES_FILE, t->tables->len, size);
    bytes_int(t->tables, target, size);
}

/* ---- DSDT ---- */

typedef struct IsaDevice {
    const char *name, *hid;
    uint16_t io[4][2]; /* base, length; ends with length 0 */
    int irq;           /* -1 = none */
} IsaDevice;

static void isa_device(Aml *a, const IsaDevice *d, int uid)
{
    aml_device(a, d->name);
    aml_name(a, "_HID");
    aml_eisa_id(a, d->hid);
    if (uid >= 0) {
        aml_name(a, "_UID");
        aml_int(a, uid);
    }
    aml_crs_begin(a);
    for (int i = 0; i < 4 && d->io[i][1]; i++) {
        aml_io(a, d->io[i][0], d->io[i][1]);
    }
    if (d->irq >= 0) {
        aml_irq(a, d->irq);
    }
    aml_crs_end(a);
    aml_end(a);
}

static void dsdt_isa(Aml *a, const AcpiConfig *cfg)
{
    static const IsaDevice board[] = {
        {"PIC", "PNP0000", {{0x20, 2}, {0xa0, 2}, {0x4d0, 2}}, -1},
        {"TMR", "PNP0100", {{0x40, 4}}, 0},
        {"SPKR", "PNP0800", {{0x61, 1}}, -1},
        {"RTC", "PNP0B00", {{0x70, 2}}, 8},
    };
    static const IsaDevice input[] = {
        {"KBD", "PNP0303", {{0x60, 1}, {0x64, 1}}, 1},
        {"MOU", "PNP0F13", {{0}}, 12},
    };

    for (size_t i = 0; i < ARRAY_LEN(board); i++) {
        isa_device(a, &board[i], -1);
    }
    for (size_t i = 0; cfg->i8042 && i < ARRAY_LEN(input); i++) {
        isa_device(a, &input[i], -1);
    }
    for (int i = 0; i < 4; i++) {
        const char *names[4] = {"COM1", "COM2", "COM3", "COM4"};
        IsaDevice com = {names[i], "PNP0501", {{cfg->com[i], 8}}, cfg->com_irq[i]};
        if (cfg->com[i]) {
            isa_device(a, &com, i + 1);
        }
    }
}

static void dsdt_fw_cfg(Aml *a)
{
    aml_device(a, "FWCF");
    aml_name(a, "_HID");
    aml_string(a, "QEMU0002");
    aml_name(a, "_STA");
    aml_int(a, 0x0b); /* present, working, not shown */
    aml_crs_begin(a);
    aml_io(a, 0x510, 0x0c);
    aml_crs_end(a);
    aml_end(a);
}

static void dsdt_cpus(Aml *a, const AcpiConfig *cfg)
{
    for (int i = 0; i < cfg->cpus; i++) {
        char name[5];

        g_snprintf(name, sizeof(name), "C%03X", i & 0xfff);
        aml_device(a, name);
        aml_name(a, "_HID");
        aml_string(a, "ACPI0007");
        aml_name(a, "_UID");
        aml_int(a, i);
        aml_end(a);
    }
}

static uint32_t build_dsdt(AcpiTables *t, const AcpiConfig *cfg)
{
    uint32_t at = table_begin(t, "DSDT", 2);
    Aml a = {.out = t->tables};

    aml_scope(&a, "\\_SB");
    dsdt_cpus(&a, cfg);
    dsdt_isa(&a, cfg);
    if (cfg->fw_cfg) {
        dsdt_fw_cfg(&a);
    }
    aml_end(&a);
    aml_name(&a, "\\_S5");
    aml_package(&a, 4);
    for (int i = 0; i < 4; i++) {
        aml_int(&a, ACPI_S5_TYPE);
    }
    aml_end(&a);
    table_end(t, at);
    return at;
}

/* ---- FADT ---- */

static void generic_address(GByteArray *b, uint16_t port, uint8_t bits)
{
    bytes_int(b, bits ? 1 : 0, 1); /* system I/O */
    bytes_int(b, bits, 1);
    bytes_int(b, 0, 1);
    bytes_int(b, 0, 1);
    bytes_int(b, port, 8);
}

static void fadt_blocks(GByteArray *b)
{
    bytes_int(b, ACPI_PM_BASE + ACPI_PM1_EVENT, 4); /* PM1a_EVT_BLK */
    bytes_int(b, 0, 4);
    bytes_int(b, ACPI_PM_BASE + ACPI_PM1_CONTROL, 4); /* PM1a_CNT_BLK */
    bytes_int(b, 0, 4);
    bytes_int(b, 0, 4);                            /* PM2_CNT_BLK */
    bytes_int(b, ACPI_PM_BASE + ACPI_PM_TIMER, 4); /* PM_TMR_BLK */
    bytes_int(b, 0, 8);                            /* GPE0, GPE1 */
    bytes_int(b, 4, 1);                            /* PM1_EVT_LEN */
    bytes_int(b, 2, 1);                            /* PM1_CNT_LEN */
    bytes_int(b, 0, 1);                            /* PM2_CNT_LEN */
    bytes_int(b, 4, 1);                            /* PM_TMR_LEN */
    bytes_int(b, 0, 4);                            /* GPE lengths, GPE1_BASE, CST_CNT */
    bytes_int(b, 0xfff, 2);                        /* P_LVL2_LAT: no C2 */
    bytes_int(b, 0xfff, 2);                        /* P_LVL3_LAT: no C3 */
    bytes_int(b, 0, 4);                            /* FLUSH_SIZE, FLUSH_STRIDE */
    bytes_int(b, 0, 4);                            /* DUTY_*, DAY_ALRM, MON_ALRM */
}

static uint32_t build_fadt(AcpiTables *t, const AcpiConfig *cfg, uint32_t facs, uint32_t dsdt)
{
    uint32_t at = table_begin(t, "FACP", 3);
    GByteArray *b = t->tables;
    /* WBINVD, PROC_C1, no sleep button, RTC wakes nothing, RESET_REG_SUP */
    uint32_t flags = BIT32(0) | BIT32(2) | BIT32(5) | BIT32(6) | BIT32(10);

    put_pointer(t, facs, 4);
    put_pointer(t, dsdt, 4);
    bytes_int(b, 0, 2); /* reserved, preferred profile: unspecified */
    bytes_int(b, ACPI_SCI_IRQ, 2);
    bytes_int(b, 0, 4); /* SMI_CMD = 0: always in ACPI mode */
    bytes_int(b, 0, 4); /* ACPI_ENABLE, ACPI_DISABLE, S4BIOS_REQ, PSTATE_CNT */
    fadt_blocks(b);
    bytes_int(b, 0x32, 1);                                  /* CENTURY */
    bytes_int(b, 0x01 | (cfg->i8042 ? 0x02 : 0) | 0x04, 2); /* legacy devices, 8042, no VGA */
    bytes_int(b, 0, 1);
    bytes_int(b, flags, 4);
    generic_address(b, 0xcf9, 8); /* RESET_REG */
    bytes_int(b, 0x06, 1);        /* RESET_VALUE */
    bytes_int(b, 0, 3);
    bytes_int(b, 0, 8); /* X_FIRMWARE_CTRL: the 32-bit one counts */
    put_pointer(t, dsdt, 8);
    generic_address(b, ACPI_PM_BASE + ACPI_PM1_EVENT, 32);
    generic_address(b, 0, 0);
    generic_address(b, ACPI_PM_BASE + ACPI_PM1_CONTROL, 16);
    generic_address(b, 0, 0);
    generic_address(b, 0, 0);
    generic_address(b, ACPI_PM_BASE + ACPI_PM_TIMER, 32);
    generic_address(b, 0, 0);
    generic_address(b, 0, 0);
    g_assert(b->len - at == 244);
    table_end(t, at);
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
    uint32_t at = table_begin(t, "APIC", 3);
    GByteArray *b = t->tables;

    bytes_int(b, 0xfee00000, 4);
    bytes_int(b, 1, 4); /* PCAT_COMPAT: there are 8259s too */
    for (int i = 0; i < cfg->cpus; i++) {
        madt_cpu(b, i, cfg->apic_ids[i]);
    }
    bytes_int(b, 1 | 12 << 8, 2); /* I/O APIC 0 */
    bytes_int(b, 0, 2);
    bytes_int(b, 0xfec00000, 4);
    bytes_int(b, 0, 4);
    madt_override(b, 0, 2, 0);
    madt_override(b, ACPI_SCI_IRQ, ACPI_SCI_IRQ, 0x000d); /* active high, level */
    bytes_int(b, 4 | 6 << 8, 2);                          /* NMI on LINT1 of all */
    bytes_int(b, 0xff, 1);
    bytes_int(b, 0, 2);
    bytes_int(b, 1, 1);
    table_end(t, at);
    return at;
}

/* ---- roots ---- */

static uint32_t build_root(AcpiTables *t, const char *signature, unsigned size,
                           const uint32_t *tables, int n)
{
    uint32_t at = table_begin(t, signature, 1);

    for (int i = 0; i < n; i++) {
        put_pointer(t, tables[i], size);
    }
    table_end(t, at);
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

AcpiTables *acpi_tables_build(const AcpiConfig *cfg)
{
    AcpiTables *t = g_new0(AcpiTables, 1);

    t->tables = g_byte_array_new();
    t->rsdp = g_byte_array_new();
    t->loader = g_byte_array_new();
    cmd_allocate(t, ACPI_TABLES_FILE, 64, ZONE_HIGH);
    cmd_allocate(t, ACPI_RSDP_FILE, 16, ZONE_FSEG);
    uint32_t facs = build_facs(t);
    uint32_t dsdt = build_dsdt(t, cfg);
    uint32_t list[2];
    list[0] = build_fadt(t, cfg, facs, dsdt);
    list[1] = build_madt(t, cfg);
    uint32_t rsdt = build_root(t, "RSDT", 4, list, ARRAY_LEN(list));
    uint32_t xsdt = build_root(t, "XSDT", 8, list, ARRAY_LEN(list));
    build_rsdp(t, rsdt, xsdt);
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

static void run_command(const uint8_t *cmd, GByteArray *tables, GByteArray *rsdp, hwaddr tables_at)
{
    GByteArray *file = strcmp((const char *)cmd + 4, ACPI_RSDP_FILE) == 0 ? rsdp : tables;

    switch (ld_le32(cmd)) {
    case CMD_ADD_POINTER: {
        uint8_t *field = file->data + ld_le32(cmd + 116);
        unsigned size = cmd[120];
        st_le_n(field, size, ld_le_n(field, size) + tables_at);
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

bool acpi_tables_place(const AcpiTables *t, AddressSpace *as, hwaddr tables_at, hwaddr rsdp_at)
{
    GByteArray *tables = g_byte_array_new(), *rsdp = g_byte_array_new();

    g_byte_array_append(tables, t->tables->data, t->tables->len);
    g_byte_array_append(rsdp, t->rsdp->data, t->rsdp->len);
    for (guint i = 0; i < t->loader->len; i += ACPI_LOADER_ENTRY) {
        run_command(t->loader->data + i, tables, rsdp, tables_at);
    }
    bool ok = address_space_poke(as, tables_at, tables->data, tables->len) &&
              address_space_poke(as, rsdp_at, rsdp->data, rsdp->len);
    g_byte_array_unref(tables);
    g_byte_array_unref(rsdp);
    return ok;
}
