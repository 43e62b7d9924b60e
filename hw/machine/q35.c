/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Board "q35": Q35 host bridge and ICH9, a PC with PCI Express.
 *
 * 00.0 MCH, 1f.0 LPC bridge, 1f.2 AHCI, 1f.3 SMBus. Interrupt pins end in PIRQA..H, which are I/O
 * APIC pins 16 to 23 and which the LPC bridge also steers to lines of the 8259s.
 *
 * Memory: below 4 GiB up to 2.75 GiB; if there is more, 2 GiB, and the rest from 4 GiB on. The
 * configuration window (PCIEXBAR) is at 0xb0000000.
 *
 * home: main loop.
 */
#include "hw/acpi/tables.h"
#include "hw/chipset/host.h"
#include "hw/chipset/ich9.h"
#include "hw/intc/apic.h"
#include "hw/machine/pc_common.h"
#include "hw/machine/pc_pci.h"

static uint64_t q35_below_4g(uint64_t ram, uint64_t max)
{
    uint64_t low = ram >= 0xb0000000ull ? 0x80000000ull : 0xb0000000ull;

    if (max && low > max) {
        low = max;
    }
    return MIN(ram, low);
}

static bool q35_add_chipset(PcBoard *pc, Error **errp)
{
    Irq pirq[ICH9_PIRQS];

    if (!pc_pci_add_host(pc, &q35_host_type, errp)) {
        return false;
    }
    pc_pci_keep_default_slots(pc);
    PciBus *bus = pci_host_bus(pc->host);
    pc->bridge = pc->pm_dev = pci_new(bus, PCI_DEVFN(31, 0), &ich9_lpc_type, NULL);
    device_set_u64(pc->pm_dev, "smm-enabled", pc->smm != ONOFF_OFF);
    if (!pc_pci_connect_sci(pc, pc->bridge, errp) || !device_realize(pc->bridge, errp)) {
        return false;
    }
    for (int i = 0; i < ICH9_PIRQS; i++) {
        pirq[i] = pc_ioapic_input(pc, 16 + i);
    }
    ich9_lpc_route(pc->bridge, pirq);
    if (pc->sata && !pc_pci_add_disk_controller(pc, PCI_DEVFN(31, 2), "ich9-ahci", errp)) {
        return false;
    }
    return !pc->smbus ||
           device_realize(pci_new(bus, PCI_DEVFN(31, 3), &ich9_smbus_type, NULL), errp);
}

static bool q35_add_disks(PcBoard *pc, Error **errp)
{
    return pc_add_ide_disks(pc, 1, errp);
}

static AcpiRegs *q35_pm(PcBoard *pc)
{
    return ich9_lpc_regs(pc->bridge);
}

static void q35_preset(PcBoard *pc)
{
    pci_host_preset(pc->host);
    ich9_lpc_preset(pc->bridge, ICH9_PM_BASE_DEFAULT);
}

static void q35_describe(PcBoard *pc, AcpiConfig *ac)
{
    uint16_t pm_base = ich9_lpc_pm_base(pc->bridge);

    ac->chipset = ACPI_ICH9;
    ac->pm_base = pm_base ? pm_base : ICH9_PM_BASE_DEFAULT;
    ac->gpe0_base = ac->pm_base + ICH9_PM_GPE0;
    ac->gpe0_size = ICH9_PM_GPE0_SIZE;
    pc_pci_describe(pc, ac);
}

static const PcKind q35_kind = {
    .name = "Standard PC (Q35 + ICH9, 2009)",
    .version = "pc-q35-7.2",
    .bios = PC_DEFAULT_BIOS,
    .hpet_lines = 0xff0104,
    .below_4g = q35_below_4g,
    .add_chipset = q35_add_chipset,
    .add_disks = q35_add_disks,
    .pm = q35_pm,
    .preset = q35_preset,
    .describe = q35_describe,
};

static bool q35_check(const MachineConfig *cfg, Error **errp)
{
    return pc_common_check(cfg, &q35_kind, errp);
}

static bool q35_build(Machine *m, Device *board, Error **errp)
{
    return pc_common_build((PcBoard *)board, &q35_kind, errp);
}

static const Property q35_props[] = {PC_COMMON_PROPS, PC_CHIPSET_PROPS, {0}};

static const BoardType q35_board = {
    .name = "q35",
    .alias = "pc-q35-7.2",
    .help = "Standard PC (Q35 + ICH9, 2009)",
    .arch = "x86_64",
    .default_cpu = "qemu64",
    .default_drive = MACHINE_DRIVE_IDE,
    .drives_per_bus = 1,
    .default_ram = PC_DEFAULT_RAM,
    .max_cpus = PC_MAX_CPUS,
    .fw_cfg = true,
    .props = q35_props,
    .size = sizeof(PcBoard),
    .check = q35_check,
    .build = q35_build,
    .system_powerdown = pc_common_powerdown,
    .reset = pc_common_reset,
};
BOARD(q35_board);
