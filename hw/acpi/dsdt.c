/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The definition block of a PC: processors, host bridge with its windows and interrupt routing,
 * ISA devices, power management.
 *
 * ACPI specification 6.4: 5.3 name space, 6.2.13 _PRT, 6.2.11 _OSC, 7.4 sleep states, 5.6.4.1
 * general-purpose events; PCI firmware specification 3.0, 4.5 (_OSC). PCI interrupts on "pc" go
 * through link devices LNKA-D (PNP0C0F) in either mode; on "q35" through LNKA-H with the 8259s,
 * and straight to inputs 16-23 with the I/O APIC.
 */
#include "hw/acpi/tables.h"
#include "base/bits.h"
#include "hw/acpi/build.h"
#include "hw/acpi/ged.h"

typedef struct IsaDevice {
    const char *name, *hid;
    uint16_t io[4][2]; /* base, length; ends with length 0 */
    int irq;           /* -1 = none */
} IsaDevice;

void dsdt_int(Aml *a, const char *name, uint64_t v)
{
    aml_name(a, name);
    aml_int(a, v);
}

void dsdt_eisa(Aml *a, const char *name, const char *id)
{
    aml_name(a, name);
    aml_eisa_id(a, id);
}

void dsdt_hid(Aml *a, const char *id, int uid)
{
    aml_name(a, "_HID");
    aml_string(a, id);
    if (uid >= 0) {
        dsdt_int(a, "_UID", uid);
    }
}

/* ---- ISA ---- */

static void isa_device(Aml *a, const IsaDevice *d, int uid)
{
    aml_device(a, d->name);
    dsdt_eisa(a, "_HID", d->hid);
    if (uid >= 0) {
        dsdt_int(a, "_UID", uid);
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

static void isa_devices(Aml *a, const AcpiConfig *cfg)
{
    /* With an HPET, which may take over the lines of timer and clock, these are without. */
    const IsaDevice board[] = {
        {"PIC", "PNP0000", {{0x20, 2}, {0xa0, 2}, {0x4d0, 2}}, -1},
        {"TMR", "PNP0100", {{0x40, 4}}, cfg->hpet ? -1 : 0},
        {"SPKR", "PNP0800", {{0x61, 1}}, -1},
        {"RTC", "PNP0B00", {{0x70, 2}}, cfg->hpet ? -1 : 8},
    };
    const bool there[] = {cfg->pic, cfg->pit, cfg->pit, cfg->rtc};
    static const IsaDevice input[] = {
        {"KBD", "PNP0303", {{0x60, 1}, {0x64, 1}}, 1},
        {"MOU", "PNP0F13", {{0}}, 12},
    };

    for (size_t i = 0; i < ARRAY_LEN(board); i++) {
        if (there[i]) {
            isa_device(a, &board[i], -1);
        }
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

static void fw_cfg(Aml *a)
{
    aml_device(a, "FWCF");
    aml_name(a, "_HID");
    aml_string(a, "QEMU0002");
    dsdt_int(a, "_STA", 0x0b); /* present, working, not shown */
    aml_crs_begin(a);
    aml_io(a, 0x510, 0x0c);
    aml_crs_end(a);
    aml_end(a);
}

static void pvpanic(Aml *a, uint16_t port)
{
    aml_device(a, "PEVT");
    aml_name(a, "_HID");
    aml_string(a, "QEMU0001");
    dsdt_int(a, "_STA", 0x0f);
    aml_crs_begin(a);
    aml_io(a, port, 1);
    aml_crs_end(a);
    aml_region(a, "PEOR", AML_IO, port, 1);
    aml_field(a, "PEOR", 1);
    aml_field_unit(a, "PEPT", 8);
    aml_end(a);
    aml_method(a, "RDPT", 0, false);
    aml_op(a, AML_RETURN);
    aml_ref(a, "PEPT");
    aml_end(a);
    aml_method(a, "WRPT", 1, false);
    aml_op(a, AML_STORE);
    aml_op(a, AML_ARG0);
    aml_ref(a, "PEPT");
    aml_end(a);
    aml_end(a);
}

void dsdt_processors(Aml *a, int n)
{
    for (int i = 0; i < n; i++) {
        char name[5];

        g_snprintf(name, sizeof(name), "C%03X", i & 0xfff);
        aml_device(a, name);
        aml_name(a, "_HID");
        aml_string(a, "ACPI0007");
        dsdt_int(a, "_UID", i);
        aml_end(a);
    }
}

/* ---- interrupt links ---- */

/* reg: the PIRQ route register's field, of 8 bits: bit 7 off, bits 3-0 line. */
static void link_device(Aml *a, const char *name, int uid, const char *reg)
{
    static const uint32_t choice[] = {5, 10, 11}, none[] = {0};

    aml_device(a, name);
    dsdt_eisa(a, "_HID", "PNP0C0F");
    dsdt_int(a, "_UID", uid);
    aml_resources_begin(a, "_PRS");
    aml_interrupts(a, choice, ARRAY_LEN(choice));
    aml_crs_end(a);

    aml_method(a, "_STA", 0, false); /* 0x0b on, 0x09 off */
    aml_if(a);
    aml_op(a, AML_AND);
    aml_ref(a, reg);
    aml_int(a, 0x80);
    aml_op(a, AML_ZERO);
    aml_op(a, AML_RETURN);
    aml_int(a, 0x09);
    aml_end(a);
    aml_op(a, AML_RETURN);
    aml_int(a, 0x0b);
    aml_end(a);

    aml_method(a, "_DIS", 0, false);
    aml_op(a, AML_OR);
    aml_ref(a, reg);
    aml_int(a, 0x80);
    aml_ref(a, reg);
    aml_end(a);

    aml_method(a, "_CRS", 0, true);
    aml_name(a, "BUF0");
    aml_template_begin(a);
    aml_interrupts(a, none, 1);
    aml_crs_end(a);
    aml_op(a, AML_DWORD_FIELD);
    aml_ref(a, "BUF0");
    aml_int(a, 5);
    aml_ref(a, "LINE");
    aml_if(a);
    aml_op(a, AML_LESS);
    aml_ref(a, reg);
    aml_int(a, 0x80);
    aml_op(a, AML_STORE);
    aml_ref(a, reg);
    aml_ref(a, "LINE");
    aml_end(a);
    aml_op(a, AML_RETURN);
    aml_ref(a, "BUF0");
    aml_end(a);

    aml_method(a, "_SRS", 1, true);
    aml_op(a, AML_DWORD_FIELD);
    aml_op(a, AML_ARG0);
    aml_int(a, 5);
    aml_ref(a, "LINE");
    aml_op(a, AML_STORE);
    aml_ref(a, "LINE");
    aml_ref(a, reg);
    aml_end(a);
    aml_end(a);
}

/* The SCI of "pc" sits on a fixed line. */
static void sci_link(Aml *a)
{
    static const uint32_t line[] = {9};

    aml_device(a, "LNKS");
    dsdt_eisa(a, "_HID", "PNP0C0F");
    dsdt_int(a, "_UID", 4);
    for (int i = 0; i < 2; i++) {
        aml_resources_begin(a, i ? "_CRS" : "_PRS");
        aml_interrupts(a, line, 1);
        aml_crs_end(a);
    }
    dsdt_int(a, "_STA", 0x0b);
    aml_method(a, "_SRS", 1, false);
    aml_end(a);
    aml_method(a, "_DIS", 0, false);
    aml_end(a);
    aml_end(a);
}

/* One _PRT entry: a link, or (link NULL) a global interrupt. */
static void route(Aml *a, unsigned slot, unsigned pin, const char *link, uint32_t gsi)
{
    aml_package(a, 4);
    aml_int(a, slot << 16 | 0xffff);
    aml_int(a, pin);
    if (link) {
        aml_ref(a, link);
    } else {
        aml_int(a, 0);
    }
    aml_int(a, gsi);
    aml_end(a);
}

static void pc_routes(Aml *a)
{
    aml_name(a, "_PRT");
    aml_package(a, 128);
    for (unsigned slot = 0; slot < 32; slot++) {
        for (unsigned pin = 0; pin < 4; pin++) {
            char link[] = "LNKA";
            link[3] += (slot + pin + 3) & 3;
            route(a, slot, pin, slot == 1 && pin == 0 ? "LNKS" : link, 0);
        }
    }
    aml_end(a);
}

/* As hw/chipset/ich9_lpc.c has it after reset. */
static unsigned q35_pirq(unsigned slot, unsigned pin)
{
    return slot < 25 ? (slot + pin) % 4 + 4 : slot == 30 ? pin + 4 : pin;
}

static void q35_route_table(Aml *a, const char *name, bool apic)
{
    aml_name(a, name);
    aml_package(a, 128);
    for (unsigned slot = 0; slot < 32; slot++) {
        for (unsigned pin = 0; pin < 4; pin++) {
            char link[] = "LNKA";
            unsigned pirq = q35_pirq(slot, pin);
            link[3] += pirq;
            route(a, slot, pin, apic ? NULL : link, apic ? 16 + pirq : 0);
        }
    }
    aml_end(a);
}

static void q35_routes(Aml *a)
{
    q35_route_table(a, "PRTP", false);
    q35_route_table(a, "PRTA", true);
    aml_method(a, "_PRT", 0, false);
    aml_if(a);
    aml_ref(a, "\\PICF");
    aml_op(a, AML_RETURN);
    aml_ref(a, "PRTA");
    aml_end(a);
    aml_op(a, AML_RETURN);
    aml_ref(a, "PRTP");
    aml_end(a);
}

/* _PIC: the system tells which interrupt controllers it uses. */
static void pic_method(Aml *a)
{
    dsdt_int(a, "\\PICF", 0);
    aml_method(a, "\\_PIC", 1, false);
    aml_op(a, AML_STORE);
    aml_op(a, AML_ARG0);
    aml_ref(a, "\\PICF");
    aml_end(a);
}

/* ---- host bridge ---- */

static void memory_windows(Aml *a, const AcpiConfig *cfg)
{
    uint64_t at = cfg->pci32_base;

    if (cfg->ecam_size && cfg->ecam_base >= at && cfg->ecam_base < cfg->pci32_end) {
        if (cfg->ecam_base > at) {
            aml_memory_window32(a, at, cfg->ecam_base - 1, false);
        }
        at = cfg->ecam_base + cfg->ecam_size;
    }
    if (at < cfg->pci32_end) {
        aml_memory_window32(a, at, cfg->pci32_end - 1, false);
    }
    if (cfg->pci64_end > cfg->pci64_base) {
        aml_memory_window64(a, cfg->pci64_base, cfg->pci64_end - 1);
    }
}

/* What is in I/O space and not a device's: around the configuration ports, and GPE0 of "pc". */
static void io_windows(Aml *a, const AcpiConfig *cfg)
{
    aml_io(a, 0xcf8, 8);
    aml_io_window(a, 0x0000, 0x0cf7);
    if (cfg->chipset == ACPI_PIIX) {
        aml_io_window(a, 0x0d00, 0xadff); /* AE00h to AFFFh: hot plug and GPE0 */
        aml_io_window(a, 0xb000, 0xffff);
    } else {
        aml_io_window(a, 0x0d00, 0xffff);
    }
}

/*
 * _OSC: the system may control hot plug, PME, AER and the capability structure of PCI Express;
 * not SHPC (4.5.1 of the firmware specification).
 */
void dsdt_osc(Aml *a)
{
    static const struct {
        const char *name;
        unsigned at;
    } word[] = {{"CDW1", 0}, {"CDW2", 4}, {"CDW3", 8}};

    aml_method(a, "_OSC", 4, false);
    aml_op(a, AML_DWORD_FIELD);
    aml_op(a, AML_ARG0 + 3);
    aml_int(a, 0);
    aml_ref(a, word[0].name);
    aml_if(a);
    aml_op(a, AML_EQUAL);
    aml_op(a, AML_ARG0);
    aml_uuid(a, "33DB4D5B-1FF7-401C-9657-7441C03DD766");
    for (int i = 1; i < 3; i++) {
        aml_op(a, AML_DWORD_FIELD);
        aml_op(a, AML_ARG0 + 3);
        aml_int(a, word[i].at);
        aml_ref(a, word[i].name);
    }
    aml_op(a, AML_AND);
    aml_ref(a, "CDW3");
    aml_int(a, 0x1d);
    aml_op(a, AML_LOCAL0);
    aml_if(a); /* a revision we do not know */
    aml_op(a, AML_LNOT);
    aml_op(a, AML_EQUAL);
    aml_op(a, AML_ARG0 + 1);
    aml_int(a, 1);
    aml_op(a, AML_OR);
    aml_ref(a, "CDW1");
    aml_int(a, 0x08);
    aml_ref(a, "CDW1");
    aml_end(a);
    aml_if(a); /* something is refused */
    aml_op(a, AML_LNOT);
    aml_op(a, AML_EQUAL);
    aml_ref(a, "CDW3");
    aml_op(a, AML_LOCAL0);
    aml_op(a, AML_OR);
    aml_ref(a, "CDW1");
    aml_int(a, 0x10);
    aml_ref(a, "CDW1");
    aml_end(a);
    aml_op(a, AML_STORE);
    aml_op(a, AML_LOCAL0);
    aml_ref(a, "CDW3");
    aml_end(a);
    aml_else(a);
    aml_op(a, AML_OR);
    aml_ref(a, "CDW1");
    aml_int(a, 0x04); /* not our UUID */
    aml_ref(a, "CDW1");
    aml_end(a);
    aml_op(a, AML_RETURN);
    aml_op(a, AML_ARG0 + 3);
    aml_end(a);
}

/* The ISA bridge, whose configuration space steers the PIRQs. */
static void isa_bridge(Aml *a, const AcpiConfig *cfg)
{
    bool ich9 = cfg->chipset == ACPI_ICH9;

    aml_device(a, "ISA");
    dsdt_int(a, "_ADR", ich9 ? 0x1f0000 : 0x010000);
    aml_region(a, "PIRQ", AML_PCI_CONFIG, 0x60, ich9 ? 0x0c : 4);
    aml_field(a, "PIRQ", 1);
    for (int i = 0; i < (ich9 ? 8 : 4); i++) {
        char name[] = "PRQA";
        name[3] += i;
        if (i == 4) {
            aml_field_skip(a, 32);
        }
        aml_field_unit(a, name, 8);
    }
    aml_end(a);
    isa_devices(a, cfg);
    if (cfg->pvpanic) {
        pvpanic(a, cfg->pvpanic);
    }
    aml_end(a);
}

static void links(Aml *a, const AcpiConfig *cfg)
{
    for (int i = 0; i < (cfg->chipset == ACPI_ICH9 ? 8 : 4); i++) {
        char name[] = "LNKA", reg[] = "\\_SB.PCI0.ISA.PRQA";
        name[3] += i;
        reg[17] += i;
        link_device(a, name, i, reg);
    }
    if (cfg->chipset == ACPI_PIIX) {
        sci_link(a);
    }
}

static void host_bridge(Aml *a, const AcpiConfig *cfg)
{
    bool q35 = cfg->chipset == ACPI_ICH9;

    aml_device(a, "PCI0");
    dsdt_eisa(a, "_HID", q35 ? "PNP0A08" : "PNP0A03");
    if (q35) {
        dsdt_eisa(a, "_CID", "PNP0A03");
    }
    dsdt_int(a, "_UID", 0);
    dsdt_int(a, "_BBN", 0);
    aml_crs_begin(a);
    aml_bus_numbers(a, 0, 0xff);
    io_windows(a, cfg);
    aml_memory_window32(a, 0xa0000, 0xbffff, true);
    memory_windows(a, cfg);
    aml_crs_end(a);
    if (q35) {
        dsdt_osc(a);
        q35_routes(a);
    } else {
        pc_routes(a);
    }
    isa_bridge(a, cfg);
    aml_end(a);
}

/* ECAM and fixed I/O of the chip set are no PCI device's: they belong to the motherboard. */
static void motherboard(Aml *a, const AcpiConfig *cfg)
{
    aml_device(a, "MBRD");
    dsdt_eisa(a, "_HID", "PNP0C01");
    aml_crs_begin(a);
    if (cfg->ecam_size) {
        aml_memory32(a, cfg->ecam_base, cfg->ecam_size, true);
    }
    aml_io(a, 0xb2, 2);
    aml_io(a, cfg->pm_base, 0x40);
    if (cfg->chipset == ACPI_ICH9) {
        aml_io(a, cfg->pm_base + 0x40, 0x40);
    } else {
        aml_io(a, cfg->gpe0_base, cfg->gpe0_size);
    }
    aml_crs_end(a);
    aml_end(a);
}

static void hpet(Aml *a)
{
    aml_device(a, "HPET");
    dsdt_eisa(a, "_HID", "PNP0103");
    dsdt_int(a, "_UID", 0);
    aml_crs_begin(a);
    aml_memory32(a, 0xfed00000, 0x400, false);
    aml_crs_end(a);
    aml_end(a);
}

/* ---- sleep ---- */

static void sleep_state(Aml *a, const char *name, uint8_t type)
{
    aml_name(a, name);
    aml_package(a, 4);
    aml_int(a, type);
    aml_int(a, type);
    aml_int(a, 0);
    aml_int(a, 0);
    aml_end(a);
}

static void sleep_states(Aml *a, const AcpiConfig *cfg)
{
    bool reduced = cfg->chipset == ACPI_NO_CHIPSET;

    if (cfg->s3 && !reduced) {
        sleep_state(a, "\\_S3", 1);
    }
    if (cfg->s4 && !reduced) {
        sleep_state(a, "\\_S4", cfg->s4_type);
    }
    sleep_state(a, "\\_S5", reduced ? 5 : 0);
}

/* ---- machines without a chip set ---- */

/* If bit `what` of Local0 is set: notify the device. */
static void event_notifies(Aml *a, uint32_t what, const char *device)
{
    aml_if(a);
    aml_op(a, AML_AND);
    aml_op(a, AML_LOCAL0);
    aml_int(a, what);
    aml_op(a, AML_ZERO);
    aml_op(a, AML_NOTIFY);
    aml_ref(a, device);
    aml_int(a, 0x80);
    aml_end(a);
}

/* The generic event device: its select register says what happened. */
void dsdt_generic_events(Aml *a, uint64_t base, uint32_t gsi, bool vmgenid)
{
    aml_device(a, "GED");
    aml_name(a, "_HID");
    aml_string(a, "ACPI0013");
    aml_name(a, "_UID");
    aml_string(a, "GED");
    aml_crs_begin(a);
    aml_interrupts(a, &gsi, 1);
    aml_crs_end(a);
    aml_region(a, "EREG", AML_MEMORY, base, 4);
    aml_field_rule(a, "EREG", 3, 2 << 5);
    aml_field_unit(a, "ESEL", 32);
    aml_end(a);
    aml_method(a, "_EVT", 1, true);
    aml_op(a, AML_STORE);
    aml_ref(a, "ESEL");
    aml_op(a, AML_LOCAL0);
    event_notifies(a, GED_POWER_BUTTON, "PWRB");
    if (vmgenid) {
        event_notifies(a, GED_GENERATION, "\\_SB.VGEN");
    }
    aml_end(a);
    aml_end(a);
    aml_device(a, "PWRB");
    dsdt_eisa(a, "_HID", "PNP0C0C");
    dsdt_int(a, "_UID", 0);
    aml_end(a);
}

void dsdt_virtio_mmio(Aml *a, uint64_t base, int count, uint32_t first_gsi)
{
    for (int i = 0; i < count; i++) {
        char name[5];
        uint32_t gsi = first_gsi + i;

        g_snprintf(name, sizeof(name), "VR%02u", (unsigned)i % 100);
        aml_device(a, name);
        aml_name(a, "_HID");
        aml_string(a, "LNRO0005");
        dsdt_int(a, "_UID", i);
        dsdt_int(a, "_CCA", 1);
        aml_crs_begin(a);
        aml_memory32(a, base + 512 * i, 512, true);
        aml_interrupts(a, &gsi, 1);
        aml_crs_end(a);
        aml_end(a);
    }
}

void acpi_dsdt(Aml *a, const AcpiConfig *cfg)
{
    if (cfg->chipset == ACPI_ICH9) {
        pic_method(a);
    }
    aml_scope(a, "\\_SB");
    dsdt_processors(a, cfg->cpus);
    if (cfg->fw_cfg) {
        fw_cfg(a);
    }
    if (cfg->hpet) {
        hpet(a);
    }
    if (cfg->chipset != ACPI_NO_CHIPSET) {
        host_bridge(a, cfg);
        links(a, cfg);
        motherboard(a, cfg);
    } else {
        isa_devices(a, cfg);
        if (cfg->pvpanic) {
            pvpanic(a, cfg->pvpanic);
        }
        dsdt_generic_events(a, cfg->ged_base, cfg->ged_irq, cfg->vmgenid);
        dsdt_virtio_mmio(a, cfg->virtio_mmio_base, cfg->virtio_mmio_count, cfg->virtio_mmio_irq);
    }
    aml_end(a);
    sleep_states(a, cfg);
    if (cfg->pci_hotplug) {
        cfg->pci_hotplug(a, cfg->pci_hotplug_opaque);
    }
}
