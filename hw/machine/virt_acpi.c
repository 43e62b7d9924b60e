/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The board "virt" in ACPI tables, which UEFI hands to the system: the same as the device tree says.
 *
 * home: main loop.
 */
#include "hw/machine/virt.h"

#include "hw/acpi/arm.h"
#include "hw/intc/gic.h"

#define GSI(spi) ((spi) + 32)

/* As QEMU has it: with firmware for 64 bits, unless it was asked for without. */
bool virt_has_acpi(VirtBoard *v)
{
    return v->acpi != VIRT_ONOFF_OFF && v->cpu.aarch64 && virt_has_firmware(v);
}

static AcpiRange range(const VirtBoard *v, VirtRegion r)
{
    return (AcpiRange){v->map[r].base, v->map[r].size};
}

static void interrupt_controller(VirtBoard *v, AcpiArmConfig *c)
{
    c->gic_version = v->gic_version;
    c->gicd = range(v, VIRT_GIC_DIST);
    if (v->gic_version == 2) {
        c->gicc = range(v, VIRT_GIC_CPU);
        c->v2m = range(v, VIRT_GIC_V2M);
        c->v2m_first_spi = GSI(VIRT_SPI_V2M);
        c->v2m_spis = VIRT_V2M_SPIS;
        if (v->virtualization) {
            c->gicv = range(v, VIRT_GIC_VCPU);
            c->gich = range(v, VIRT_GIC_HYP);
        }
    } else {
        c->gicr[0] = range(v, VIRT_GIC_REDIST);
        if (gic_region(v->gic, GIC_REGION_REDIST1, false)) {
            c->gicr[1] = range(v, VIRT_HIGH_GIC_REDIST2);
        }
    }
    if (v->its) {
        c->its = range(v, VIRT_GIC_ITS);
    }
    c->maintenance_gsi = v->virtualization ? VIRT_PPI_GIC_MAINT : 0;
}

AcpiTables *virt_acpi(VirtBoard *v)
{
    Machine *m = v->dev.machine;
    const MachineConfig *cfg = machine_config(m);
    g_autofree uint64_t *mpidr = g_new(uint64_t, cfg->cpus);
    uint64_t node_size[NUMA_MAX_NODES], half = v->map[VIRT_FLASH].size / 2;
    AcpiArmConfig c = {
        .cpus = cfg->cpus,
        .mpidr = mpidr,
        .numa = cfg->numa,
        .node_size = node_size,
        .ram_base = v->map[VIRT_MEM].base,
        .psci = v->psci != ARM_PSCI_NONE,
        .psci_hvc = v->psci == ARM_PSCI_HVC,
        .pmu_gsi = v->cpu.has_pmu ? VIRT_PPI_PMU : 0,
        .timer_gsi = {VIRT_PPI_TIMER_SEC, VIRT_PPI_TIMER_PHYS, VIRT_PPI_TIMER_VIRT, VIRT_PPI_TIMER_HYP},
        .uart = range(v, VIRT_UART),
        .uart_gsi = GSI(VIRT_SPI_UART),
        .fw_cfg = range(v, VIRT_FW_CFG),
        .flash = {{v->map[VIRT_FLASH].base, half}, {v->map[VIRT_FLASH].base + half, half}},
        .ged_base = v->map[VIRT_GED].base,
        .ged_gsi = GSI(VIRT_SPI_GED),
        .virtio_base = v->map[VIRT_MMIO].base,
        .virtio_count = VIRT_MMIO_SLOTS,
        .virtio_gsi = GSI(VIRT_SPI_MMIO),
        .ecam = {v->ecam.base, v->ecam.size},
        .pci_mmio = range(v, VIRT_PCIE_MMIO),
        .pci_high = range(v, VIRT_HIGH_PCIE_MMIO),
        .pci_io = range(v, VIRT_PCIE_PIO),
        .pci_gsi = GSI(VIRT_SPI_PCIE),
    };

    for (int i = 0; i < cfg->cpus; i++) {
        ArmBootInfo info;
        arm_cpu_boot_info(machine_cpu(m, i), &info);
        mpidr[i] = info.mpidr;
    }
    for (int i = 0; cfg->numa && i < cfg->numa->nodes; i++) {
        node_size[i] = virt_node_size(v, i);
    }
    interrupt_controller(v, &c);
    return acpi_arm_tables(&c);
}
