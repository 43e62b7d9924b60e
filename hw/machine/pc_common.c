/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See pc_common.h.
 *
 * With -kernel there is no firmware: the loader in hw/machine/boot fills memory at each reset, and
 * the board puts the ACPI tables there itself, and programs what firmware would have programmed.
 * With -kernel and -bios the firmware runs and finds the kernel in an option ROM.
 *
 * The A20 gate hides the odd megabyte above 1 MiB only (a window on the first), which is what
 * real-mode software can see of it.
 */
#include <inttypes.h>
#include "hw/machine/pc_common.h"

#include <string.h>

#include "base/bits.h"
#include "chardev/char.h"
#include "core/pcchips.h"
#include "hw/char/isa_debugcon.h"
#include "hw/char/isa_serial.h"
#include "hw/firmware/fw_cfg.h"
#include "hw/floppy/fdc.h"
#include "hw/input/i8042.h"
#include "hw/intc/apic.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/machine/board_ram.h"
#include "hw/machine/boot/linuxrom.h"
#include "hw/machine/firmware.h"
#include "hw/machine/pc_boot.h"
#include "hw/misc/system_ports.h"
#include "hw/rtc/mc146818.h"
#include "hw/timer/hpet.h"
#include "hw/timer/i8254.h"

#define MIB          (1ull << 20)
#define MIN_RAM      (1 * MIB)
#define MIN_BOOT_RAM (4 * MIB) /* direct kernel boot: something to load into */

enum { A20_KBD, A20_FAST };

const char *const onoff_auto_names[] = {"auto", "on", "off", NULL};

/* ---- configuration ---- */

bool pc_check_memory(const MachineConfig *cfg, Error **errp)
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

bool pc_check_kernel_options(const MachineConfig *cfg, Error **errp)
{
    if (!cfg->kernel && (cfg->append || cfg->initrd)) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s needs a kernel",
                  cfg->append ? "-append" : "-initrd");
        error_hint(errp, "give -kernel too");
        return false;
    }
    return true;
}

/* ---- parts ---- */

bool pc_add_part(PcBoard *pc, const DeviceType *type, Device **out, Error **errp)
{
    *out = device_new(pc->dev.machine, type, &pc->dev, NULL);
    return device_realize(*out, errp);
}

/* A part with one interrupt on the ISA bus. */
bool pc_add_isa_part(PcBoard *pc, const DeviceType *type, int irq, Device **out, Error **errp)
{
    Irq line;

    *out = device_new(pc->dev.machine, type, pc->isa, NULL);
    if (!isa_irq_claim(*out, irq, &line, errp)) {
        return false;
    }
    device_connect(*out, 0, line);
    return device_realize(*out, errp);
}

/* The boards differ in where RAM is cut; microvm has no kind and cuts where it likes. */
bool pc_add_ram(PcBoard *pc, Error **errp)
{
    Machine *m = pc->dev.machine;
    const MachineConfig *cfg = machine_config(m);
    MemoryRegion *root = machine_memory_root(m);

    if (!pc_check_memory(cfg, errp)) {
        return false;
    }
    pc->ram = board_ram(m, "pc.ram", errp);
    if (!pc->ram) {
        return false;
    }
    pc->below_4g = pc->kind->below_4g(cfg->ram_size, pc->max_ram_below_4g);
    pc->above_4g = cfg->ram_size - pc->below_4g;
    const struct {
        const char *name;
        hwaddr at;
        uint64_t offset, size;
    } part[] = {
        {"ram-below-4g", 0, 0, pc->below_4g},
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

uint64_t pc_node_size(PcBoard *pc, int node)
{
    return board_node_size(pc->dev.machine, node);
}

bool pc_add_cpus(PcBoard *pc, Error **errp)
{
    Machine *m = pc->dev.machine;
    const MachineConfig *cfg = machine_config(m);

    if (!pc_add_part(pc, &apic_bus_type, &pc->apic_bus, errp)) {
        return false;
    }
    apic_bus_set_tsc(pc->apic_bus, x86_cpu_tsc_to_ns);
    for (int i = 0; i < cfg->cpus; i++) {
        if (x86_apic_id(cfg, i) > 254) {
            error_set(errp, ERR_INVALID_PARAMETER, "-smp: processor %d would have APIC id %u", i,
                      x86_apic_id(cfg, i));
            error_hint(errp, "ids end at 254; make threads, cores and dies powers of two, or fewer");
            return false;
        }
        if (!cpu_create(m, i, x86_apic_id(cfg, i), cfg->cpu_model, errp)) {
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

static void timer_pin_set(void *opaque, int who, int level)
{
    PcBoard *pc = opaque;

    pc->timer_lines = (pc->timer_lines & ~(1 << who)) | (level != 0) << who;
    irq_set(ioapic_input(pc->ioapic, 2), pc->timer_lines != 0);
}

/* ISA line n goes to the 8259s and to the I/O APIC; the timer's to pin 2 (MADT override). */
static void gsi_set(void *opaque, int n, int level)
{
    PcBoard *pc = opaque;

    if (pc->pic) {
        irq_set(i8259_input(pc->pic, n), level);
    }
    if (n == 0) {
        timer_pin_set(pc, 0, level);
    } else {
        irq_set(ioapic_input(pc->ioapic, n), level);
    }
}

Irq pc_ioapic_input(PcBoard *pc, int n)
{
    return ioapic_input(pc->ioapic, n);
}

bool pc_add_interrupts(PcBoard *pc, Error **errp)
{
    Machine *m = pc->dev.machine;

    if (pc->pic_opt == ONOFF_OFF && machine_chip_host(m)) {
        error_set(errp, ERR_UNSUPPORTED, "pic=off: with kernel-irqchip=on there are 8259s");
        error_hint(errp, "kernel-irqchip=split goes without");
        return false;
    }
    if (pc->pic_opt != ONOFF_OFF) {
        pc->pic = device_new(m, &i8259_type, &pc->dev, NULL);
        device_connect(pc->pic, 0, apic_bus_lint0(pc->apic_bus));
        apic_bus_set_pic(pc->apic_bus, i8259_acknowledge, pc->pic);
        if (!device_realize(pc->pic, errp)) {
            return false;
        }
    }
    pc->ioapic = device_new(m, &ioapic_type, &pc->dev, NULL);
    device_set_ptr(pc->ioapic, "bus", pc->apic_bus);
    if (!device_realize(pc->ioapic, errp) || !pc_add_part(pc, &isa_bus_type, &pc->isa, errp)) {
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

/* The HPET stands between the 8254, the RTC and their lines, which it may take over. */
static bool add_hpet(PcBoard *pc, Device *pit, Device *rtc, Error **errp)
{
    Device *d = device_new(pc->dev.machine, &hpet_type, &pc->dev, NULL);

    for (int n = 0; n < HPET_LINES; n++) {
        Irq line = n == 2 ? (Irq){.handler = timer_pin_set, .opaque = pc, .n = 1} : pc_ioapic_input(pc, n);
        if (n < ISA_IRQS && n != 2 && !isa_irq_claim(d, n, &line, errp)) {
            return false;
        }
        device_connect(d, n, line);
    }
    device_set_u64(d, "hpet-intcap", pc->kind->hpet_lines);
    hpet_set_msi(d, apic_bus_send_msi, pc->apic_bus);
    if (pit) {
        device_connect(pit, 0, hpet_legacy_input(d, HPET_LEGACY_PIT));
        device_connect(d, HPET_OUT_LEGACY, i8254_overridden(pit));
    }
    device_connect(rtc, 0, hpet_legacy_input(d, HPET_LEGACY_RTC));
    pc->hpet_dev = d;
    return device_realize(d, errp);
}

static void rtc_alarm(void *opaque, int n, int level)
{
    PcBoard *pc = opaque;

    AcpiRegs *pm = pc->kind->pm(pc);

    if (pm) {
        acpi_regs_rtc_alarm(pm, level != 0);
    }
}

/* The clocks. Their lines are connected before they are realized, which is when they drive them. */
static bool add_timers(PcBoard *pc, Error **errp)
{
    Machine *m = pc->dev.machine;
    Device *pit = pc->pit == ONOFF_OFF ? NULL : device_new(m, &i8254_type, pc->isa, NULL);
    Irq line;

    if (pc->rtc_opt != ONOFF_OFF) {
        pc->rtc = device_new(m, &mc146818_type, pc->isa, NULL);
    }
    if (!pc->kind->bare) {
        device_connect(pc->rtc, 1, (Irq){.handler = rtc_alarm, .opaque = pc});
    }
    if (pc->hpet) {
        if (!add_hpet(pc, pit, pc->rtc, errp)) {
            return false;
        }
    } else {
        if (pit && !isa_irq_claim(pit, 0, &line, errp)) {
            return false;
        }
        if (pit) {
            device_connect(pit, 0, line);
        }
        if (pc->rtc && !isa_irq_claim(pc->rtc, 8, &line, errp)) {
            return false;
        }
        if (pc->rtc) {
            device_connect(pc->rtc, 0, line);
        }
    }
    return (!pit || device_realize(pit, errp)) && (!pc->rtc || device_realize(pc->rtc, errp));
}

static void set_ignne(void *opaque, int n, int level)
{
    __atomic_store_n(&((Cpu *)opaque)->ignne, level != 0, __ATOMIC_RELEASE);
}

/* x87 errors are reported by IRQ 13 for the first processor only, as on real boards (MP specification 1.4). */
static bool add_system_ports(PcBoard *pc, Error **errp)
{
    Device *d = device_new(pc->dev.machine, &system_ports_type, pc->isa, NULL);
    Cpu *first = machine_cpu(pc->dev.machine, 0);
    Irq line;

    if (!isa_irq_claim(d, 13, &line, errp)) {
        return false;
    }
    first->ferr = system_ports_ferr(d);
    device_connect(d, 0, a20_gate(pc, A20_FAST));
    device_connect(d, 1, line);
    device_connect(d, 2, (Irq){set_ignne, first, 0});
    return device_realize(d, errp);
}

static bool add_isa_devices(PcBoard *pc, Error **errp)
{
    if (!add_timers(pc, errp)) {
        return false;
    }
    if (pc->kind->bare) {
        pc->a20 = 1 << A20_FAST; /* nobody can close it */
        return true;
    }
    if (!add_system_ports(pc, errp)) {
        return false;
    }
    if (!pc->i8042) {
        pc->a20 = 1 << A20_KBD; /* nobody can close it */
        return true;
    }
    return add_i8042(pc, errp);
}

bool pc_add_serials(PcBoard *pc, Error **errp)
{
    Machine *m = pc->dev.machine;
    const MachineConfig *cfg = machine_config(m);

    for (int i = 0; i < 4; i++) {
        if (cfg->serial[i] && !pc->no_serial) {
            Device *d = device_new(m, &isa_serial_type, pc->isa, NULL);
            device_set_u64(d, "index", i);
            device_set_ptr(d, "chardev", cfg->serial[i]);
            if (!device_realize(d, errp)) {
                return false;
            }
        }
    }
    return true;
}

bool pc_add_debugcon(PcBoard *pc, Error **errp)
{
    Machine *m = pc->dev.machine;
    const MachineConfig *cfg = machine_config(m);

    if (!cfg->debugcon) {
        return true;
    }
    Device *d = device_new(m, &isa_debugcon_type, pc->isa, NULL);
    device_set_ptr(d, "chardev", cfg->debugcon);
    return device_realize(d, errp);
}

/* ---- disks ---- */

static bool add_ide(PcBoard *pc, int bus_n, int unit, const char *type_name, const char *id,
                    BlockPort *port, Error **errp)
{
    g_autofree char *name = g_strdup_printf("ide.%d", bus_n);
    Bus *bus = bus_find(pc->dev.machine, name);
    const DeviceType *type = device_type_find(type_name, errp);
    char text[4];

    if (!type) {
        return false;
    }
    if (!bus) {
        error_set(errp, ERR_INVALID_PARAMETER, "the machine has no bus '%s' for the drive '%s'",
                  name, id);
        return false;
    }
    Device *d = device_new_on(bus, type, id);
    g_snprintf(text, sizeof(text), "%d", unit & 0xf);
    if (port) {
        device_set_ptr(d, "drive", port);
    }
    return device_set(d, "unit", text, errp) && device_realize(d, errp);
}

bool pc_add_ide_disks(PcBoard *pc, int per_bus, Error **errp)
{
    const MachineConfig *cfg = machine_config(pc->dev.machine);

    if (!pc->ide) {
        return true; /* main complains of the drives that nobody claimed */
    }
    for (size_t i = 0; i < cfg->drive_count; i++) {
        MachineDrive *dr = &cfg->drives[i];
        if (dr->kind != MACHINE_DRIVE_IDE) {
            continue;
        }
        if (dr->bus < 0 || dr->unit < 0 || dr->unit >= per_bus) {
            error_set(errp, ERR_INVALID_PARAMETER, "the drive '%s' has no place on the machine", dr->id);
            return false;
        }
        if (!add_ide(pc, dr->bus, dr->unit, dr->cdrom ? "ide-cd" : "ide-hd", NULL, dr->port, errp)) {
            return false;
        }
        dr->claimed = true;
    }
    return true;
}

static bool add_floppy(PcBoard *pc, int unit, BlockPort *port, Error **errp)
{
    Device *d = device_new_on(fdc_bus(pc->fdc), &floppy_type, NULL);

    device_set_u64(d, "unit", (uint64_t)unit);
    if (port) {
        device_set_ptr(d, "drive", port);
    }
    return device_realize(d, errp);
}

/* Drives of -fda and -fdb. kind->floppy: there is a controller and an empty drive without, too. */
static bool add_floppies(PcBoard *pc, Error **errp)
{
    Machine *m = pc->dev.machine;
    const MachineConfig *cfg = machine_config(m);
    bool empty = pc->kind->floppy && cfg->default_floppy;
    Device *dma;

    if (!pc_add_part(pc, &i8257_type, &dma, errp)) {
        return false;
    }
    for (int unit = 0; unit < 2; unit++) {
        MachineDrive *dr = machine_drive(m, MACHINE_DRIVE_FLOPPY, 0, unit);
        if (!dr && !(empty && unit == 0)) {
            continue;
        }
        if (!pc->fdc && !pc_add_part(pc, &isa_fdc_type, &pc->fdc, errp)) {
            return false;
        }
        if (!add_floppy(pc, unit, dr ? dr->port : NULL, errp)) {
            return false;
        }
        if (dr) {
            dr->claimed = true;
        }
    }
    return pc->fdc || !pc->kind->floppy || pc_add_part(pc, &isa_fdc_type, &pc->fdc, errp);
}

/* ---- BoardType ---- */

static bool refuse(const char *what, const char *why, Error **errp)
{
    error_set(errp, ERR_UNSUPPORTED, "-M %s: %s", what, why);
    return false;
}

/* smm=auto: where the accelerator has it. */
static bool settle_smm(PcBoard *pc, Error **errp)
{
    Machine *m = pc->dev.machine;
    const AccelOps *accel = machine_accel(m);
    bool asked = pc->smm == ONOFF_ON;

    if (pc->smm == ONOFF_OFF || pc->kind->bare || !accel->x86_smm || accel->x86_smm(m, asked ? errp : NULL)) {
        return true;
    }
    pc->smm = ONOFF_OFF;
    return !asked;
}

static bool check_options(PcBoard *pc, Error **errp)
{
    if (pc->smm == ONOFF_ON && pc->kind->bare) {
        return refuse("smm=on", "this board has no memory for system management mode", errp);
    }
    if (!settle_smm(pc, errp)) {
        return false;
    }
    if (pc->vmport == ONOFF_ON) {
        return refuse("vmport=on", "there is no VMware port", errp);
    }
    if (pc->usb) {
        return refuse("usb=on", "there are no USB controllers", errp);
    }
    if (pc->max_ram_below_4g && (pc->max_ram_below_4g < MIB || pc->max_ram_below_4g > 4096 * MIB)) {
        return refuse("max-ram-below-4g", "it must be between 1 MiB and 4 GiB", errp);
    }
    return true;
}

bool pc_common_build(PcBoard *pc, const PcKind *kind, Error **errp)
{
    pc->kind = kind;
    return check_options(pc, errp) && pc_add_ram(pc, errp) && pc_add_cpus(pc, errp) &&
           pc_add_interrupts(pc, errp) && kind->add_chipset(pc, errp) &&
           add_isa_devices(pc, errp) && add_floppies(pc, errp) && pc_add_serials(pc, errp) && pc_add_debugcon(pc, errp) &&
           pc_add_fw_cfg(pc, errp) && kind->add_disks(pc, errp) && pc_boot_add(pc, errp);
}

void pc_common_powerdown(Machine *m)
{
    PcBoard *pc = (PcBoard *)machine_board_device(m);
    AcpiRegs *pm = pc->kind->pm(pc);

    if (pm) {
        acpi_regs_power_button(pm);
    }
}
