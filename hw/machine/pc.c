/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Board "pc": an ISA PC with APICs. No PCI yet.
 *
 * Memory: RAM from 0, with the hole for video memory at 0xa0000; what exceeds
 * 3.5 GiB continues at 4 GiB. The BIOS is ROM below 4 GiB; its last 256 KiB are
 * copied to the RAM below 1 MiB at reset, as firmware would do it with a chip
 * set's shadow RAM; there is no chip set that could write-protect it.
 *
 * With -kernel there is no firmware: the loader in hw/machine/boot fills memory
 * at each reset, and the board puts the ACPI tables there itself. With -kernel
 * and -bios the firmware runs and finds the kernel in an option ROM.
 *
 * The A20 gate hides the odd megabyte above 1 MiB only (a window on the first),
 * which is what real-mode software can see of it.
 *
 * home: main loop; the wires in the machine's lock domain.
 */
#include <string.h>

#include "base/bits.h"
#include "chardev/char.h"
#include "core/machine.h"
#include "hw/acpi/pm.h"
#include "hw/acpi/tables.h"
#include "hw/char/isa_debugcon.h"
#include "hw/char/isa_serial.h"
#include "hw/firmware/fw_cfg.h"
#include "hw/input/i8042.h"
#include "hw/intc/apic.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/isa/isa.h"
#include "hw/machine/boot/boot.h"
#include "hw/machine/boot/linuxrom.h"
#include "hw/machine/firmware.h"
#include "hw/misc/system_ports.h"
#include "hw/rtc/mc146818.h"
#include "hw/timer/i8254.h"

#define MIB          (1ull << 20)
#define LOW_RAM_MAX  0xe0000000ull /* the rest of the first 4 GiB is for devices */
#define DEFAULT_RAM  (128 * MIB)
#define MIN_RAM      (1 * MIB)
#define MIN_BOOT_RAM (4 * MIB) /* direct kernel boot: something to load into */
#define ACPI_SIZE    (128u << 10)
#define RSDP_ADDR    0xf5a40
#define MAX_CPUS     255
#define DEFAULT_BIOS "bios-256k.bin"

enum { A20_KBD, A20_FAST };

typedef struct PcBoard {
    Device dev;
    bool acpi, i8042; /* properties */
    Device *apic_bus, *pic, *ioapic, *isa, *rtc, *pm, *fw_cfg;
    MemoryRegion *ram;
    MemoryRegion *a20_window;
    uint8_t a20; /* bit per gate; line 20 passes if one is open */
    uint64_t below_4g, above_4g;
    struct PcBoot *boot;
} PcBoard;

/* What reset puts into memory; a device of its own, so that it is freed with the machine. */
typedef struct PcBoot {
    Device dev;
    BootPlan *plan; /* -kernel, else NULL */
    AcpiTables *acpi;
    BootLayout layout;
    uint8_t *bios_tail;
    size_t bios_tail_len;
} PcBoot;

static void pc_boot_unrealize(Device *d)
{
    PcBoot *b = (PcBoot *)d;

    boot_plan_free(b->plan);
    acpi_tables_free(b->acpi);
    g_free(b->bios_tail);
}

static const StateField pc_boot_state[] = {
    HOST_ONLY(PcBoot, plan),      HOST_ONLY(PcBoot, acpi),          HOST_ONLY(PcBoot, layout),
    HOST_ONLY(PcBoot, bios_tail), HOST_ONLY(PcBoot, bios_tail_len), {0},
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

static BootLayout layout_of(const MachineConfig *cfg, bool acpi)
{
    uint64_t below = MIN(cfg->ram_size, LOW_RAM_MAX), tables = acpi ? ACPI_SIZE : 0;

    return (BootLayout){
        .below_4g = below,
        .above_4g = cfg->ram_size - below,
        .acpi = below - tables,
        .acpi_size = tables,
        .rsdp = acpi ? RSDP_ADDR : 0,
    };
}

static bool check_memory(const MachineConfig *cfg, Error **errp)
{
    uint64_t size = cfg->ram_size, min = cfg->kernel ? MIN_BOOT_RAM : MIN_RAM;

    if (size < min || size % MEM_PAGE_SIZE) {
        error_set(errp, ERR_INVALID_PARAMETER, "a PC cannot have %llu bytes of memory",
                  (unsigned long long)size);
        error_hint(errp, "-m takes %llu MiB or more, in units of 4 KiB",
                   (unsigned long long)(min / MIB));
        return false;
    }
    return true;
}

static bool check_kernel_options(const MachineConfig *cfg, Error **errp)
{
    if (!cfg->kernel && (cfg->append || cfg->initrd)) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s needs a kernel",
                  cfg->append ? "-append" : "-initrd");
        error_hint(errp, "give -kernel too");
        return false;
    }
    return true;
}

/* The same mistakes as build() finds, before anything is opened on the host. */
static bool pc_check(const MachineConfig *given, Error **errp)
{
    MachineConfig cfg = *given;

    cfg.ram_size = cfg.ram_size ? cfg.ram_size : DEFAULT_RAM;
    if (!check_memory(&cfg, errp) || !check_kernel_options(&cfg, errp)) {
        return false;
    }
    if (!cfg.kernel) {
        return bios_check(&cfg, DEFAULT_BIOS, errp);
    }
    BootLayout l = layout_of(&cfg, true);
    if (cfg.firmware) {
        return bios_check(&cfg, DEFAULT_BIOS, errp) && linuxrom_check(&cfg, &l, errp);
    }
    BootPlan *plan = boot_plan(&cfg, &l, errp);
    boot_plan_free(plan);
    return plan != NULL;
}

/* ---- parts ---- */

static bool add_part(PcBoard *pc, const DeviceType *type, Device **out, Error **errp)
{
    *out = device_new(pc->dev.machine, type, &pc->dev, NULL);
    return device_realize(*out, errp);
}

/* A part with one interrupt on the ISA bus. */
static bool add_isa_part(PcBoard *pc, const DeviceType *type, int irq, Device **out, Error **errp)
{
    Irq line;

    *out = device_new(pc->dev.machine, type, pc->isa, NULL);
    if (!isa_irq_claim(*out, irq, &line, errp)) {
        return false;
    }
    device_connect(*out, 0, line);
    return device_realize(*out, errp);
}

static bool add_ram(PcBoard *pc, Error **errp)
{
    Machine *m = pc->dev.machine;
    const MachineConfig *cfg = machine_config(m);
    MemoryRegion *root = machine_memory_root(m);
    BootLayout l = layout_of(cfg, false);

    if (!check_memory(cfg, errp)) {
        return false;
    }
    pc->ram = region_new_ram(m, "pc.ram", cfg->ram_size, errp);
    if (!pc->ram) {
        return false;
    }
    pc->below_4g = l.below_4g;
    pc->above_4g = l.above_4g;
    const struct {
        const char *name;
        hwaddr at;
        uint64_t offset, size;
    } part[] = {
        {"ram-below-640k", 0, 0, 0xa0000},
        {"ram-below-4g", 0xc0000, 0xc0000, pc->below_4g - 0xc0000},
        {"ram-above-4g", 1ull << 32, pc->below_4g, pc->above_4g},
    };
    for (size_t i = 0; i < ARRAY_LEN(part) && part[i].size; i++) {
        MemoryRegion *alias = region_new_alias(part[i].name, pc->ram, part[i].offset, part[i].size);
        region_add(root, part[i].at, alias, 0);
        region_unref(alias);
    }
    pc->a20_window = region_new_alias("a20-wrap", pc->ram, 0, MIB);
    region_set_enabled(pc->a20_window, false);
    region_add(root, MIB, pc->a20_window, 1);
    region_unref(pc->a20_window); /* the tree keeps it as long as the machine lives */
    region_unref(pc->ram);
    return true;
}

static bool add_cpus(PcBoard *pc, Error **errp)
{
    Machine *m = pc->dev.machine;
    const MachineConfig *cfg = machine_config(m);

    if (!add_part(pc, &apic_bus_type, &pc->apic_bus, errp)) {
        return false;
    }
    apic_bus_set_tsc(pc->apic_bus, x86_cpu_tsc_to_ns);
    for (int i = 0; i < cfg->cpus; i++) {
        if (!cpu_create(m, i, i, cfg->cpu_model, errp)) {
            return false;
        }
        Device *apic = device_new(m, &apic_type, &pc->dev, NULL);
        device_set_u64(apic, "cpu-index", i);
        device_set_ptr(apic, "bus", pc->apic_bus);
        if (!device_realize(apic, errp)) {
            return false;
        }
    }
    return true;
}

/* ISA line n goes to the 8259s and to the I/O APIC; the timer's to pin 2 (MADT override). */
static void gsi_set(void *opaque, int n, int level)
{
    PcBoard *pc = opaque;

    irq_set(i8259_input(pc->pic, n), level);
    irq_set(ioapic_input(pc->ioapic, n == 0 ? 2 : n), level);
}

static bool add_interrupts(PcBoard *pc, Error **errp)
{
    Machine *m = pc->dev.machine;

    pc->pic = device_new(m, &i8259_type, &pc->dev, NULL);
    device_connect(pc->pic, 0, apic_bus_lint0(pc->apic_bus));
    pc->ioapic = device_new(m, &ioapic_type, &pc->dev, NULL);
    device_set_ptr(pc->ioapic, "bus", pc->apic_bus);
    apic_bus_set_pic(pc->apic_bus, i8259_acknowledge, pc->pic);
    if (!device_realize(pc->pic, errp) || !device_realize(pc->ioapic, errp) ||
        !add_part(pc, &isa_bus_type, &pc->isa, errp)) {
        return false;
    }
    for (int n = 0; n < ISA_IRQS; n++) {
        if (n != 2) {
            isa_bus_wire(pc->isa, n, (Irq){.handler = gsi_set, .opaque = pc, .n = n});
        }
    }
    return true;
}

static void a20_set(void *opaque, int gate, int level)
{
    PcBoard *pc = opaque;

    pc->a20 = level ? pc->a20 | 1 << gate : pc->a20 & ~(1 << gate);
    region_set_enabled(pc->a20_window, pc->a20 == 0);
}

static Irq a20_gate(PcBoard *pc, int gate)
{
    return (Irq){.handler = a20_set, .opaque = pc, .n = gate};
}

static bool add_i8042(PcBoard *pc, Error **errp)
{
    Device *d = device_new(pc->dev.machine, &i8042_type, pc->isa, NULL);
    Irq kbd, mouse;

    if (!isa_irq_claim(d, 1, &kbd, errp) || !isa_irq_claim(d, 12, &mouse, errp)) {
        return false;
    }
    device_connect(d, I8042_OUT_KBD, kbd);
    device_connect(d, I8042_OUT_MOUSE, mouse);
    device_connect(d, I8042_OUT_A20, a20_gate(pc, A20_KBD));
    return device_realize(d, errp);
}

static bool add_isa_devices(PcBoard *pc, Error **errp)
{
    Machine *m = pc->dev.machine;
    Device *d;

    if (!add_isa_part(pc, &i8254_type, 0, &d, errp) ||
        !add_isa_part(pc, &mc146818_type, 8, &pc->rtc, errp) ||
        !add_isa_part(pc, &acpi_pm_type, ACPI_SCI_IRQ, &pc->pm, errp)) {
        return false;
    }
    d = device_new(m, &system_ports_type, pc->isa, NULL);
    device_connect(d, 0, a20_gate(pc, A20_FAST));
    if (!device_realize(d, errp)) {
        return false;
    }
    if (!pc->i8042) {
        pc->a20 = 1 << A20_KBD; /* nobody can close it */
        return true;
    }
    return add_i8042(pc, errp);
}

static bool add_char_devices(PcBoard *pc, Error **errp)
{
    Machine *m = pc->dev.machine;
    const MachineConfig *cfg = machine_config(m);

    for (int i = 0; i < 4; i++) {
        if (cfg->serial[i]) {
            Device *d = device_new(m, &isa_serial_type, pc->isa, NULL);
            device_set_u64(d, "index", i);
            device_set_ptr(d, "chardev", cfg->serial[i]);
            if (!device_realize(d, errp)) {
                return false;
            }
        }
    }
    if (cfg->debugcon) {
        Device *d = device_new(m, &isa_debugcon_type, pc->isa, NULL);
        device_set_ptr(d, "chardev", cfg->debugcon);
        return device_realize(d, errp);
    }
    return true;
}

/* ---- what firmware wants to know ---- */

static void set_cmos_word(PcBoard *pc, unsigned index, uint16_t v)
{
    mc146818_set_ram(pc->rtc, index, v);
    mc146818_set_ram(pc->rtc, index + 1, v >> 8);
}

static void fill_cmos(PcBoard *pc)
{
    uint64_t ext = MIN((pc->below_4g - MIB) >> 10, 0xffff);
    uint64_t above_16m = pc->below_4g > 16 * MIB ? (pc->below_4g - 16 * MIB) >> 16 : 0;
    uint64_t above_4g = MIN(pc->above_4g >> 16, 0xffffff);

    set_cmos_word(pc, 0x15, 640);
    set_cmos_word(pc, 0x17, ext);
    set_cmos_word(pc, 0x30, ext);
    set_cmos_word(pc, 0x34, MIN(above_16m, 0xffff));
    set_cmos_word(pc, 0x5b, above_4g);
    mc146818_set_ram(pc->rtc, 0x5d, above_4g >> 16);
    mc146818_set_ram(pc->rtc, 0x5f, machine_config(pc->dev.machine)->cpus - 1);
    mc146818_set_ram(pc->rtc, 0x14, 0x06); /* equipment: FPU, PS/2 mouse */
    mc146818_set_ram(pc->rtc, 0x3d, 0x12); /* boot: disk, then floppy, ... */
    mc146818_set_ram(pc->rtc, 0x38, 0x30); /* ... then CD-ROM */
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

static bool add_fw_cfg(PcBoard *pc, Error **errp)
{
    static const uint8_t states[6] = {128, 0, 0, 1, 0, 128}; /* S0 and S5 */
    const MachineConfig *cfg = machine_config(pc->dev.machine);

    if (!add_part(pc, &fw_cfg_type, &pc->fw_cfg, errp)) {
        return false;
    }
    fw_cfg_add_number(pc->fw_cfg, FW_CFG_RAM_SIZE, cfg->ram_size, 8);
    fw_cfg_add_number(pc->fw_cfg, FW_CFG_NB_CPUS, cfg->cpus, 2);
    fw_cfg_add_number(pc->fw_cfg, FW_CFG_MAX_CPUS, cfg->cpus, 2);
    fw_cfg_add_number(pc->fw_cfg, FW_CFG_NOGRAPHIC, cfg->nographic, 2);
    fw_cfg_add_number(pc->fw_cfg, FW_CFG_BOOT_MENU, 0, 2);
    fw_cfg_add_number(pc->fw_cfg, FW_CFG_IRQ0_OVERRIDE, 1, 4);
    return add_e820(pc, errp) &&
           fw_cfg_add_file(pc->fw_cfg, "etc/system-states", states, sizeof(states), errp) &&
           fw_cfg_add_file(pc->fw_cfg, "bootorder", "", 0, errp);
}

static AcpiTables *make_tables(PcBoard *pc)
{
    static const uint16_t com[4] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    static const uint8_t com_irq[4] = {4, 3, 4, 3};
    const MachineConfig *cfg = machine_config(pc->dev.machine);
    uint32_t ids[MAX_CPUS];
    AcpiConfig ac = {.cpus = cfg->cpus, .apic_ids = ids, .i8042 = pc->i8042, .fw_cfg = true};

    for (int i = 0; i < cfg->cpus; i++) {
        ids[i] = machine_cpu(pc->dev.machine, i)->arch_id;
    }
    for (int i = 0; i < 4; i++) {
        ac.com[i] = cfg->serial[i] ? com[i] : 0;
        ac.com_irq[i] = com_irq[i];
    }
    return acpi_tables_build(&ac);
}

static bool publish_tables(PcBoard *pc, Error **errp)
{
    const AcpiTables *t = pc->boot->acpi;

    return fw_cfg_add_file(pc->fw_cfg, ACPI_TABLES_FILE, t->tables->data, t->tables->len, errp) &&
           fw_cfg_add_file(pc->fw_cfg, ACPI_RSDP_FILE, t->rsdp->data, t->rsdp->len, errp) &&
           fw_cfg_add_file(pc->fw_cfg, ACPI_LOADER_FILE, t->loader->data, t->loader->len, errp);
}

/* ---- kernel or firmware ---- */

static bool add_boot(PcBoard *pc, Error **errp)
{
    Machine *m = pc->dev.machine;
    const MachineConfig *cfg = machine_config(m);
    Device *d;

    if (!add_part(pc, &pc_boot_type, &d, errp)) {
        return false;
    }
    PcBoot *b = pc->boot = (PcBoot *)d;
    if (pc->acpi) {
        b->acpi = make_tables(pc);
        if (!publish_tables(pc, errp)) {
            return false;
        }
    }
    if (!check_kernel_options(cfg, errp)) {
        return false;
    }
    b->layout = layout_of(cfg, pc->acpi);
    if (!cfg->kernel || cfg->firmware) {
        return bios_map(m, DEFAULT_BIOS, &b->bios_tail, &b->bios_tail_len, errp) &&
               (!cfg->kernel || linuxrom_add(cfg, &b->layout, pc->fw_cfg, errp));
    }
    b->plan = boot_plan(cfg, &b->layout, errp);
    return b->plan != NULL;
}

static void pc_reset(Machine *m)
{
    PcBoot *b = ((PcBoard *)machine_board_device(m))->boot;

    if (b->plan) {
        boot_apply(b->plan, m);
        if (b->acpi) {
            acpi_tables_place(b->acpi, machine_memory(m), b->layout.acpi, b->layout.rsdp);
        }
    } else {
        address_space_poke(machine_memory(m), MIB - b->bios_tail_len, b->bios_tail,
                           b->bios_tail_len);
    }
}

static void pc_powerdown(Machine *m)
{
    acpi_pm_press_power_button(((PcBoard *)machine_board_device(m))->pm);
}

static bool pc_build(Machine *m, Device *board, Error **errp)
{
    PcBoard *pc = (PcBoard *)board;

    if (!add_ram(pc, errp) || !add_cpus(pc, errp) || !add_interrupts(pc, errp) ||
        !add_isa_devices(pc, errp) || !add_char_devices(pc, errp) || !add_fw_cfg(pc, errp)) {
        return false;
    }
    fill_cmos(pc);
    return add_boot(pc, errp) && firmware_add_files(m, pc->fw_cfg, errp);
}

static const Property pc_props[] = {
    PROP(PcBoard, PROP_BOOL, acpi, "acpi", true, "describe the machine in ACPI tables"),
    PROP(PcBoard, PROP_BOOL, i8042, "i8042", true,
         "keyboard controller with PS/2 keyboard and mouse"),
    {0},
};

static const BoardType pc_board = {
    .name = "pc",
    .help = "ISA PC with APICs (no PCI yet)",
    .arch = "x86_64",
    .default_cpu = "qemu64",
    .default_ram = DEFAULT_RAM,
    .max_cpus = MAX_CPUS,
    .fw_cfg = true,
    .props = pc_props,
    .size = sizeof(PcBoard),
    .check = pc_check,
    .build = pc_build,
    .system_powerdown = pc_powerdown,
    .reset = pc_reset,
};
BOARD(pc_board);
