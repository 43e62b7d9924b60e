/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See pc_boot.h: CMOS, fw_cfg and tables; the firmware, or a kernel without one.
 *
 * home: main loop; the tables are made again under the machine's lock when firmware selects them,
 * because it programmed the windows that they describe.
 */
#include "hw/machine/pc_boot.h"

#include <string.h>

#include "base/bits.h"
#include "block/block.h"
#include "hw/acpi/tables.h"
#include "hw/acpi/vmgenid.h"
#include "hw/block/pflash.h"
#include "hw/firmware/fw_cfg.h"
#include "hw/firmware/smbios.h"
#include "hw/floppy/fdc.h"
#include "hw/ide/ide.h"
#include "hw/machine/boot/linuxrom.h"
#include "hw/machine/firmware.h"
#include "hw/machine/pc_bootorder.h"
#include "hw/misc/pvpanic.h"
#include "hw/rtc/mc146818.h"

#define MIB          (1ull << 20)
#define SMBIOS_ADDR  0xf6000 /* without firmware */
#define SMBIOS_ROOM  0x9000
#define FLASH_SECTOR 4096
#define FLASH_MAX    (16 * MIB)

/* What reset puts into memory; a device of its own, so that it is freed with the machine. */
struct PcBoot {
    Device dev;
    PcBoard *pc;
    BootPlan *plan; /* -kernel, else NULL */
    AcpiTables *acpi;
    Smbios *smbios;
    BootLayout layout;
    bool ready; /* has run */
    MemoryRegion *shadow; /* firmware whose end reset copies to RAM below 1 MiB, or NULL */
};

static void pc_boot_unrealize(Device *d)
{
    PcBoot *b = (PcBoot *)d;

    boot_plan_free(b->plan);
    acpi_tables_free(b->acpi);
    smbios_free(b->smbios);
}

static const StateField pc_boot_state[] = {
    HOST_ONLY(PcBoot, pc),   HOST_ONLY(PcBoot, plan), HOST_ONLY(PcBoot, acpi), HOST_ONLY(PcBoot, smbios), HOST_ONLY(PcBoot, ready), HOST_ONLY(PcBoot, shadow),
    HOST_ONLY(PcBoot, layout), {0},
};

static const DeviceType pc_boot_type = {
    .name = "pc-boot",
    .help = "what the board loads into memory at reset",
    .bus = "sysbus",
    .size = sizeof(PcBoot),
    .version = 1,
    .internal = true,
    .state = pc_boot_state,
    .unrealize = pc_boot_unrealize,
};
DEVICE_TYPE(pc_boot_type);

/* ---- configuration ---- */

static BootLayout layout_of(uint64_t below, uint64_t above, bool acpi)
{
    uint64_t tables = acpi ? PC_ACPI_SIZE : 0;

    return (BootLayout){
        .below_4g = below,
        .above_4g = above,
        .acpi = below - tables,
        .acpi_size = tables,
        .rsdp = acpi ? PC_RSDP_ADDR : 0,
    };
}

/* The same mistakes as building finds, before anything is opened on the host. */
bool pc_common_check(const MachineConfig *given, const PcKind *kind, Error **errp)
{
    MachineConfig cfg = *given;

    cfg.ram_size = cfg.ram_size ? cfg.ram_size : PC_DEFAULT_RAM;
    if (!pc_check_memory(&cfg, errp) || !pc_check_kernel_options(&cfg, errp) ||
        !pc_bootorder_check(&cfg, errp) || !smbios_check(&cfg, errp)) {
        return false;
    }
    if ((!cfg.kernel || cfg.firmware) && !cfg.flash && !bios_check(&cfg, kind->bios, errp)) {
        return false;
    }
    if (!cfg.kernel) {
        return true;
    }
    uint64_t below = kind->below_4g(cfg.ram_size, 0);
    BootLayout l = layout_of(below, cfg.ram_size - below, true);
    if (pc_has_firmware(&cfg)) {
        return linuxrom_check(&cfg, &l, errp);
    }
    BootPlan *plan = boot_plan(&cfg, &l, errp);
    boot_plan_free(plan);
    return plan != NULL;
}

/* ---- what firmware wants to know ---- */

static void set_cmos_word(PcBoard *pc, unsigned index, uint16_t v)
{
    mc146818_set_ram(pc->rtc, index, v);
    mc146818_set_ram(pc->rtc, index + 1, v >> 8);
}

/* Types of the floppy drives, and the equipment byte: FPU, PS/2 mouse, floppy drives. */
static void fill_cmos_floppies(PcBoard *pc)
{
    uint8_t a = pc->fdc ? fdc_drive_type(pc->fdc, 0) : 0;
    uint8_t b = pc->fdc ? fdc_drive_type(pc->fdc, 1) : 0;

    if (pc->rtc) {
        mc146818_set_ram(pc->rtc, 0x10, (uint8_t)(a << 4 | b));
        mc146818_set_ram(pc->rtc, 0x14, 0x06 | (a || b) | (a && b) << 6);
    }
}

/* Disks of the first two buses: type 47 and geometry of the first two, everybody's translation. */
static void fill_cmos_disks(PcBoard *pc)
{
    uint32_t cyls, heads, secs;
    uint8_t types = 0, trans = 0;
    int how;

    for (int i = 0; i < 4 && pc->ide && pc->rtc; i++) {
        Bus *bus = ide_bus_nth(pc->ide, i / 2);
        Device *disk = bus ? ide_bus_unit(bus, i % 2) : NULL;
        if (!disk || !ide_drive_geometry(disk, &cyls, &heads, &secs, &how)) {
            continue;
        }
        trans |= how << (2 * i);
        if (i < 2) {
            unsigned at = i ? 0x24 : 0x1b;
            types |= i ? 0x0f : 0xf0;
            mc146818_set_ram(pc->rtc, 0x19 + i, 47);
            set_cmos_word(pc, at, cyls);
            mc146818_set_ram(pc->rtc, at + 2, heads);
            set_cmos_word(pc, at + 3, 0xffff); /* no write precompensation */
            mc146818_set_ram(pc->rtc, at + 5, 0xc0 | (heads > 8) << 3);
            set_cmos_word(pc, at + 6, cyls); /* landing zone */
            mc146818_set_ram(pc->rtc, at + 8, secs);
        }
    }
    if (pc->rtc) {
        mc146818_set_ram(pc->rtc, 0x12, types);
        mc146818_set_ram(pc->rtc, 0x39, trans);
    }
}

static void fill_cmos(PcBoard *pc)
{
    uint64_t ext = MIN((pc->below_4g - MIB) >> 10, 0xffff);
    uint64_t above_16m = pc->below_4g > 16 * MIB ? (pc->below_4g - 16 * MIB) >> 16 : 0;
    uint64_t above_4g = MIN(pc->above_4g >> 16, 0xffffff);

    if (!pc->rtc) {
        return;
    }
    set_cmos_word(pc, 0x15, 640);
    set_cmos_word(pc, 0x17, ext);
    set_cmos_word(pc, 0x30, ext);
    set_cmos_word(pc, 0x34, MIN(above_16m, 0xffff));
    set_cmos_word(pc, 0x5b, above_4g);
    mc146818_set_ram(pc->rtc, 0x5d, above_4g >> 16);
    mc146818_set_ram(pc->rtc, 0x5f, machine_config(pc->dev.machine)->cpus - 1);
    mc146818_set_ram(pc->rtc, 0x0f, 0);    /* shutdown code: power on */
}

static bool add_e820(PcBoard *pc, Error **errp)
{
    uint8_t map[40] = {0};

    st_le64(map + 8, pc->below_4g);
    st_le32(map + 16, E820_RAM);
    st_le64(map + 20, 1ull << 32);
    st_le64(map + 28, pc->above_4g);
    st_le32(map + 36, E820_RAM);
    return fw_cfg_add_file(pc->fw_cfg, "etc/e820", map, pc->above_4g ? 40 : 20, errp);
}

/* As SeaBIOS and older firmware read it: number of nodes, node of each APIC id, bytes of each node. */
static void add_numa(PcBoard *pc, const MachineConfig *cfg, int ids)
{
    int nodes = cfg->numa ? cfg->numa->nodes : 0;
    g_autofree uint8_t *map = g_malloc0(8 * (1 + ids + nodes));

    st_le64(map, nodes);
    for (int i = 0; nodes && i < cfg->max_cpus; i++) {
        st_le64(map + 8 * (1 + x86_apic_id(cfg, i)), cfg->numa->cpu_node[i]);
    }
    for (int i = 0; i < nodes; i++) {
        st_le64(map + 8 * (1 + ids + i), pc_node_size(pc, i));
    }
    fw_cfg_add_item(pc->fw_cfg, FW_CFG_NUMA, map, 8 * (1 + ids + nodes));
}

/* SeaBIOS tells JPEG from BMP by the name. */
static bool add_splash(PcBoard *pc, const char *path, Error **errp)
{
    g_autofree char *data = NULL;
    g_autoptr(GError) gerr = NULL;
    gsize len;

    if (!g_file_get_contents(path, &data, &len, &gerr)) {
        error_set(errp, ERR_IO, "-boot splash=: %s", gerr->message);
        return false;
    }
    bool jpeg = len > 2 && (uint8_t)data[0] == 0xff && (uint8_t)data[1] == 0xd8;
    if (!jpeg && (len < 2 || memcmp(data, "BM", 2))) {
        error_set(errp, ERR_INVALID_PARAMETER, "-boot splash=: '%s' is neither JPEG nor BMP", path);
        return false;
    }
    return fw_cfg_add_file(pc->fw_cfg, jpeg ? "bootsplash.jpg" : "bootsplash.bmp", data, len, errp);
}

static bool add_boot_files(PcBoard *pc, const MachineConfig *cfg, Error **errp)
{
    uint8_t wait[4];

    st_le32(wait, cfg->boot_reboot_timeout);
    if (!fw_cfg_add_file(pc->fw_cfg, "etc/boot-fail-wait", wait, 4, errp)) {
        return false;
    }
    st_le16(wait, cfg->boot_splash_time);
    return (cfg->boot_splash_time < 0 ||
            fw_cfg_add_file(pc->fw_cfg, "etc/boot-menu-wait", wait, 2, errp)) &&
           (!cfg->boot_splash || add_splash(pc, cfg->boot_splash, errp));
}

/* NULL: the board has none. */
static const AcpiRegs *power_management(PcBoard *pc)
{
    return pc->kind->pm ? pc->kind->pm(pc) : NULL;
}

bool pc_add_fw_cfg(PcBoard *pc, Error **errp)
{
    const AcpiRegs *pm = power_management(pc);
    /* SLP_TYP of S0 to S5, bit 7: it exists */
    uint8_t states[6] = {128, 0, 0, 129, 130, 128};
    const MachineConfig *cfg = machine_config(pc->dev.machine);
    int ids = (int)x86_apic_id(cfg, MAX(cfg->max_cpus, cfg->cpus) - 1) + 1;

    if (!pc_add_part(pc, &fw_cfg_type, &pc->fw_cfg, errp)) {
        return false;
    }
    if (pm) {
        states[3] = pm->no_s3 ? 1 : 129;
        states[4] = pm->s4_type | (pm->no_s4 ? 0 : 128);
    }
    fw_cfg_add_number(pc->fw_cfg, FW_CFG_RAM_SIZE, cfg->ram_size, 8);
    fw_cfg_add_number(pc->fw_cfg, FW_CFG_NB_CPUS, cfg->cpus, 2);
    /* Not how many there may be, but how many APIC ids. */
    fw_cfg_add_number(pc->fw_cfg, FW_CFG_MAX_CPUS, ids, 2);
    fw_cfg_add_number(pc->fw_cfg, FW_CFG_NOGRAPHIC, cfg->nographic || !pc->graphics, 2);
    fw_cfg_add_number(pc->fw_cfg, FW_CFG_BOOT_MENU, cfg->boot_menu, 2);
    fw_cfg_add_number(pc->fw_cfg, FW_CFG_IRQ0_OVERRIDE, 1, 4);
    add_numa(pc, cfg, ids);
    if (cfg->has_uuid) {
        fw_cfg_add_item(pc->fw_cfg, FW_CFG_UUID, cfg->uuid, sizeof(cfg->uuid));
    }
    return add_e820(pc, errp) && add_boot_files(pc, cfg, errp) &&
           fw_cfg_add_file(pc->fw_cfg, "etc/system-states", states, sizeof(states), errp);
}

/* ---- tables ---- */

static AcpiTables *make_tables(PcBoard *pc)
{
    static const uint16_t com[4] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    static const uint8_t com_irq[4] = {4, 3, 4, 3};
    const MachineConfig *cfg = machine_config(pc->dev.machine);
    const AcpiRegs *pm = power_management(pc);
    uint32_t ids[PC_MAX_CPUS];
    uint64_t node_size[NUMA_MAX_NODES];
    AcpiConfig ac = {.cpus = cfg->cpus,
                     .apic_ids = ids,
                     .numa = cfg->numa,
                     .node_size = node_size,
                     .below_4g = pc->below_4g,
                     .i8042 = pc->i8042,
                     .fw_cfg = true,
                     .pic = pc->pic != NULL,
                     .hpet = pc->hpet_dev != NULL,
                     .pit = pc->pit != ONOFF_OFF,
                     .rtc = pc->rtc != NULL,
                     .pvpanic = pvpanic_port(pc->dev.machine),
                     .vmgenid = vmgenid_find(pc->dev.machine) != NULL,
                     .s3 = pm && !pm->no_s3 && !pc->boot->plan, /* waking needs firmware */
                     .s4 = pm && !pm->no_s4,
                     .s4_type = pm ? pm->s4_type : 0};

    for (int i = 0; i < cfg->cpus; i++) {
        ids[i] = machine_cpu(pc->dev.machine, i)->arch_id;
    }
    for (int i = 0; cfg->numa && i < cfg->numa->nodes; i++) {
        node_size[i] = pc_node_size(pc, i);
    }
    for (int i = 0; i < 4; i++) {
        ac.com[i] = cfg->serial[i] && !pc->no_serial ? com[i] : 0;
        ac.com_irq[i] = com_irq[i];
    }
    pc->kind->describe(pc, &ac);
    return acpi_tables_build(&ac);
}

static bool publish_tables(PcBoard *pc, FwCfgSelected *selected, Error **errp)
{
    const AcpiTables *t = pc->boot->acpi;

    return fw_cfg_add_file_callback(pc->fw_cfg, ACPI_TABLES_FILE, t->tables->data, t->tables->len,
                                    selected, pc->boot, errp) &&
           fw_cfg_add_file_callback(pc->fw_cfg, ACPI_RSDP_FILE, t->rsdp->data, t->rsdp->len,
                                    selected, pc->boot, errp) &&
           fw_cfg_add_file_callback(pc->fw_cfg, ACPI_LOADER_FILE, t->loader->data, t->loader->len,
                                    selected, pc->boot, errp);
}

/*
 * Firmware reads the commands first, after it set up PCI; the other files must fit them. The
 * lengths never change: acpi_tables_build() pads them.
 */
static void tables_selected(void *opaque, Device *fw_cfg)
{
    PcBoot *b = opaque;

    acpi_tables_free(b->acpi);
    b->acpi = make_tables(b->pc);
    publish_tables(b->pc, tables_selected, NULL);
}

static bool add_smbios(PcBoard *pc, Error **errp)
{
    const MachineConfig *cfg = machine_config(pc->dev.machine);
    SmbiosConfig sc = {.machine = cfg,
                       .product = pc->kind->name,
                       .version = pc->kind->version,
                       .below_4g = pc->below_4g,
                       .above_4g = pc->above_4g};

    x86_cpu_identity(machine_cpu(pc->dev.machine, 0), &sc.cpuid_eax, &sc.cpuid_edx);
    Smbios *s = pc->boot->smbios = smbios_build(&sc);
    return fw_cfg_add_file(pc->fw_cfg, SMBIOS_TABLES_FILE, s->tables->data, s->tables->len, errp) &&
           fw_cfg_add_file(pc->fw_cfg, SMBIOS_ANCHOR_FILE, s->anchor->data, s->anchor->len, errp);
}

/* ---- generation ID ---- */

static void generation_event(void *opaque, int n, int level)
{
    PcBoard *pc = opaque;

    if (level && pc->kind->new_generation) {
        pc->kind->new_generation(pc);
    } else if (level) {
        acpi_regs_gpe(pc->kind->pm(pc), VMGENID_GPE);
    }
}

/* Without firmware: the last page of the tables' room. */
static hwaddr place_generation(PcBoard *pc, Machine *m)
{
    Device *d = vmgenid_find(m);
    hwaddr at = pc->boot->layout.acpi + pc->boot->layout.acpi_size - VMGENID_PAGE;
    uint8_t page[VMGENID_PAGE];

    if (d) {
        vmgenid_page(d, page);
        address_space_poke(machine_memory(m), at, page, sizeof(page));
        vmgenid_placed(d, at);
    }
    return at;
}

/* ---- the machine runs, or is reset ---- */

/* Without firmware: the tables in memory, where they describe what is there now. */
static void place_tables(PcBoard *pc, Machine *m)
{
    PcBoot *b = pc->boot;

    acpi_tables_free(b->acpi);
    b->acpi = make_tables(pc);
    acpi_tables_place(b->acpi, machine_memory(m), b->layout.acpi, b->layout.rsdp,
                      place_generation(pc, m));
}

/* The tables' final lengths, and the wire, for a device that came after the board. */
static void adopt_generation(PcBoard *pc, Machine *m)
{
    Device *d = vmgenid_find(m);

    if (d) {
        device_connect(d, 0, (Irq){generation_event, pc, 0});
        tables_selected(pc->boot, pc->fw_cfg);
    }
}

/* Devices come after the board: when the machine first runs they are all there. */
static void on_run_state(void *opaque, Machine *m, RunState now, bool running)
{
    PcBoot *b = opaque;

    if (running && !b->ready) {
        b->ready = true;
        fill_cmos_disks(b->pc);
        fill_cmos_floppies(b->pc);
        pc_bootorder_publish(b->pc);
        adopt_generation(b->pc, m);
        if (b->plan && b->acpi) {
            place_tables(b->pc, m);
        }
    }
}

/* ---- kernel or firmware ---- */

/* A copy of the firmware's end also shows below 1 MiB, where PAM lets PCI through. */
static bool add_isa_bios(PcBoard *pc, MemoryRegion *rom, Error **errp)
{
    if (!pc->pci) {
        pc->boot->shadow = rom; /* copied to RAM at reset */
        return true;
    }
    uint64_t size = region_size(rom), low = MIN(size, 128 << 10);
    MemoryRegion *copy = region_new_rom(pc->dev.machine, "isa-bios", low, errp);

    if (copy) {
        memcpy(region_ram(copy)->host, region_ram(rom)->host + size - low, low);
        region_add(pc->pci, MIB - low, copy, 1);
        region_unref(copy);
    }
    return copy != NULL;
}

/* The image of flash n: -M pflash<n>= names a node, else -drive if=pflash. */
static bool flash_image(PcBoard *pc, int n, BlockPort **port, Error **errp)
{
    MachineDrive *drive = machine_drive(pc->dev.machine, MACHINE_DRIVE_PFLASH, 0, n);

    *port = drive ? drive->port : NULL;
    if (drive) {
        drive->claimed = true;
    }
    if (pc->pflash[n] && drive) {
        error_set(errp, ERR_INVALID_PARAMETER, "both -M pflash%d= and -drive if=pflash are given", n);
        return false;
    }
    if (pc->pflash[n]) {
        *port = machine_find_drive(pc->dev.machine, pc->pflash[n], errp);
        return *port != NULL;
    }
    return true;
}

/* Flash 0 ends at 4 GiB, flash 1 where it begins: *end moves down. */
static bool add_flash(PcBoard *pc, int n, BlockPort *port, uint64_t *end, Error **errp)
{
    Machine *m = pc->dev.machine;
    uint64_t size = block_port_size(port);
    Device *d;

    if (!size || size % FLASH_SECTOR || (1ull << 32) - *end + size > FLASH_MAX) {
        error_set(errp, ERR_INVALID_PARAMETER, "the flash image '%s' has %llu bytes",
                  block_port_name(port), (unsigned long long)size);
        error_hint(errp, "all of them have at most 16 MiB, each a multiple of 4 KiB");
        return false;
    }
    d = device_new(m, &pflash_cfi01_type, &pc->dev, NULL);
    device_set_ptr(d, "drive", port);
    device_set_u64(d, "num-blocks", size / FLASH_SECTOR);
    device_set_u64(d, "sector-length", FLASH_SECTOR);
    if (!device_realize(d, errp)) {
        return false;
    }
    *end -= size;
    region_add(machine_memory_root(m), *end, pflash_region(d), 1);
    return n || add_isa_bios(pc, pflash_array(d), errp);
}

static bool add_firmware(PcBoard *pc, Error **errp)
{
    BlockPort *image[2];
    uint64_t end = 1ull << 32;

    if (!flash_image(pc, 0, &image[0], errp) || !flash_image(pc, 1, &image[1], errp)) {
        return false;
    }
    if (!image[0] && image[1]) {
        error_set(errp, ERR_INVALID_PARAMETER, "the second flash needs the first one");
        error_hint(errp, "give -drive if=pflash,unit=0 the firmware");
        return false;
    }
    if (!image[0]) {
        MemoryRegion *rom = bios_map(pc->dev.machine, pc->kind->bios, errp);
        return rom && add_isa_bios(pc, rom, errp);
    }
    return add_flash(pc, 0, image[0], &end, errp) &&
           (!image[1] || add_flash(pc, 1, image[1], &end, errp));
}

static bool add_image(PcBoard *pc, Error **errp)
{
    PcBoot *b = pc->boot;
    MachineConfig cfg = *machine_config(pc->dev.machine);
    g_autofree char *more = pc->kind->cmdline ? pc->kind->cmdline(pc) : NULL;
    g_autofree char *append = more ? g_strconcat(cfg.append ? cfg.append : "", more, NULL) : NULL;

    cfg.append = append ? append : cfg.append;
    if (!cfg.kernel || pc_has_firmware(&cfg)) {
        return add_firmware(pc, errp) &&
               (!cfg.kernel || linuxrom_add(&cfg, &b->layout, pc->fw_cfg, errp));
    }
    b->plan = boot_plan(&cfg, &b->layout, errp);
    return b->plan != NULL;
}

bool pc_boot_add(PcBoard *pc, Error **errp)
{
    Machine *m = pc->dev.machine;
    const MachineConfig *cfg = machine_config(m);
    bool acpi = pc->acpi != ONOFF_OFF;
    Device *d;

    fill_cmos(pc);
    if (!pc_check_kernel_options(cfg, errp) ||
        !pc_add_part(pc, &pc_boot_type, &d, errp)) {
        return false;
    }
    pc_bootorder_cmos(pc, true);
    PcBoot *b = pc->boot = (PcBoot *)d;
    b->pc = pc;
    b->layout = layout_of(pc->below_4g, pc->above_4g, acpi);
    if (!add_image(pc, errp)) {
        return false;
    }
    if (acpi) {
        b->acpi = make_tables(pc);
        if (!publish_tables(pc, tables_selected, errp)) {
            return false;
        }
    }
    machine_add_run_state_notifier(m, on_run_state, b);
    return add_smbios(pc, errp) &&
           fw_cfg_add_file(pc->fw_cfg, "bootorder", "", 0, errp) &&
           firmware_add_files(m, pc->fw_cfg, errp);
}

static void start_kernel(PcBoard *pc, Machine *m)
{
    PcBoot *b = pc->boot;

    if (pc->kind->preset) {
        pc->kind->preset(pc);
    }
    boot_apply(b->plan, m);
    if (b->acpi) {
        place_tables(pc, m);
    }
    if (b->smbios->tables->len <= SMBIOS_ROOM) {
        smbios_place(b->smbios, machine_memory(m), SMBIOS_ADDR, SMBIOS_ADDR + 0x20);
    }
}

void pc_common_reset(Machine *m)
{
    PcBoard *pc = (PcBoard *)machine_board_device(m);

    if (machine_waking(m)) {
        mc146818_set_ram(pc->rtc, 0x0f, 0xfe); /* shutdown code: resume */
        acpi_regs_woken(pc->kind->pm(pc));
        return;
    }
    if (pc->booted) {
        pc_bootorder_cmos(pc, false);
        pc_bootorder_publish(pc);
    }
    pc->booted = true;
    if (pc->boot->plan) {
        start_kernel(pc, m);
    }
    MemoryRegion *rom = pc->boot->shadow;
    if (rom) {
        uint64_t low = MIN(region_size(rom), 128 << 10);
        address_space_poke(machine_memory(m), MIB - low,
                           region_ram(rom)->host + region_size(rom) - low, low);
    }
}
