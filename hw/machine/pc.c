/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Board "pc": i440FX host bridge and PIIX3, the PC of 1996 as virtual machines know it.
 *
 * 00.0 i440FX, 01.0 PIIX3 ISA bridge, 01.1 PIIX3 IDE, 01.3 PIIX4 power management (not with
 * acpi=off: then there is no power button, sleep or hot plug either). Interrupt pins
 * of PCI end in PIRQA..D, which the ISA bridge steers to lines of the 8259s and the same pins of
 * the I/O APIC.
 *
 * Memory: below 4 GiB up to 3.5 GiB; if there is more, 3 GiB, and the rest from 4 GiB on.
 *
 * home: main loop.
 */
#include "hw/acpi/pcihp.h"
#include "hw/acpi/tables.h"
#include "hw/chipset/host.h"
#include "hw/chipset/piix.h"
#include "hw/ide/ide.h"
#include "hw/intc/apic.h"
#include "hw/machine/pc_common.h"
#include "hw/machine/pc_pci.h"

#define GIB          (1ull << 30)
#define DEFAULT_MAX  0xe0000000ull
#define PM_BASE      0x600 /* without firmware, or before it */

static uint64_t fx_below_4g(uint64_t ram, uint64_t max)
{
    uint64_t low = max ? max : DEFAULT_MAX;

    if (ram < low) {
        return ram;
    }
    return low > 3 * GIB && !max ? 3 * GIB : MIN(low, ram);
}

static void hotplug_event(void *opaque, int n, int level)
{
    if (level) {
        acpi_regs_gpe(opaque, 1);
    }
}

static bool fx_add_hotplug(PcBoard *pc, Error **errp)
{
    pc->hotplug = device_new(pc->dev.machine, &pcihp_type, NULL, NULL);
    pcihp_set_bus(pc->hotplug, pci_host_bus(pc->host));
    device_connect(pc->hotplug, 0, (Irq){hotplug_event, piix4_pm_regs(pc->pm_dev), 0});
    return device_realize(pc->hotplug, errp);
}

static bool fx_add_chipset(PcBoard *pc, Error **errp)
{
    if (!pc_pci_add_host(pc, &i440fx_host_type, errp)) {
        return false;
    }
    PciBus *bus = pci_host_bus(pc->host);
    pc->bridge = pci_new(bus, PCI_DEVFN(1, 0), &piix3_type, NULL);
    if (!device_realize(pc->bridge, errp)) {
        return false;
    }
    piix3_route(pc->bridge);
    pc_pci_keep_default_slots(pc);
    if (!pc_pci_add_disk_controller(pc, PCI_DEVFN(1, 1), "piix3-ide", errp)) {
        return false;
    }
    if (pc->acpi == ONOFF_OFF) {
        return true; /* no power management: firmware that saw it would make tables of its own */
    }
    pc->pm_dev = pci_new(bus, PCI_DEVFN(1, 3), &piix4_pm_type, NULL);
    device_set_u64(pc->pm_dev, "smm-enabled", pc->smm != ONOFF_OFF);
    return pc_pci_connect_sci(pc, pc->pm_dev, errp) && device_realize(pc->pm_dev, errp) &&
           fx_add_hotplug(pc, errp);
}

static bool fx_add_disks(PcBoard *pc, Error **errp)
{
    return pc_add_ide_disks(pc, 2, errp);
}

static AcpiRegs *fx_pm(PcBoard *pc)
{
    return pc->pm_dev ? piix4_pm_regs(pc->pm_dev) : NULL;
}

static void fx_preset(PcBoard *pc)
{
    pci_host_preset(pc->host);
    if (pc->pm_dev) {
        piix4_pm_preset(pc->pm_dev, PM_BASE);
    }
    if (pc->ide) {
        piix_ide_preset(pc->ide);
    }
}

static void fx_describe(PcBoard *pc, AcpiConfig *ac)
{
    /* Where firmware put it: SeaBIOS to PM_BASE, OVMF to b000h. */
    uint16_t pm_base = pc->pm_dev ? piix4_pm_base(pc->pm_dev) : 0;

    ac->chipset = ACPI_PIIX;
    ac->pm_base = pm_base ? pm_base : PM_BASE;
    ac->gpe0_base = PIIX4_GPE0_BASE;
    ac->gpe0_size = PIIX4_GPE0_SIZE;
    ac->pci_hotplug = pcihp_aml;
    ac->pci_hotplug_opaque = pc->hotplug;
    pc_pci_describe(pc, ac);
}

static const PcKind fx_kind = {
    .name = "Standard PC (i440FX + PIIX, 1996)",
    .version = "pc-i440fx-7.2",
    .bios = PC_DEFAULT_BIOS,
    .hpet_lines = 0x4,
    .below_4g = fx_below_4g,
    .add_chipset = fx_add_chipset,
    .add_disks = fx_add_disks,
    .floppy = true,
    .pm = fx_pm,
    .preset = fx_preset,
    .describe = fx_describe,
};

static bool fx_check(const MachineConfig *cfg, Error **errp)
{
    return pc_common_check(cfg, &fx_kind, errp);
}

static bool fx_build(Machine *m, Device *board, Error **errp)
{
    return pc_common_build((PcBoard *)board, &fx_kind, errp);
}

static const Property fx_props[] = {PC_COMMON_PROPS, PC_CHIPSET_PROPS, {0}};

static const BoardType pc_board = {
    .name = "pc",
    .alias = "pc-i440fx-7.2",
    .help = "Standard PC (i440FX + PIIX, 1996)",
    .arch = "x86_64",
    .default_cpu = "qemu64",
    .default_drive = MACHINE_DRIVE_IDE,
    .drives_per_bus = 2,
    .default_ram = PC_DEFAULT_RAM,
    .max_cpus = PC_MAX_CPUS,
    .fw_cfg = true,
    .props = fx_props,
    .size = sizeof(PcBoard),
    .check = fx_check,
    .build = fx_build,
    .system_powerdown = pc_common_powerdown,
    .reset = pc_common_reset,
};
BOARD(pc_board);
