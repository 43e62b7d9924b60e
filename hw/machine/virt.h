/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the board "virt": its memory map, its parts, what each file does.
 *
 * home: main loop; wires in the machine's lock domain.
 */
#ifndef HW_MACHINE_VIRT_H
#define HW_MACHINE_VIRT_H

#include "core/machine.h"
#include "hw/acpi/tables.h"
#include "hw/machine/boot/arm.h"
#include "hw/machine/devtree.h"
#include "target/arm/boot.h"

/* Regions of the memory map; the last three have places above RAM. */
typedef enum VirtRegion {
    VIRT_FLASH, VIRT_GIC_DIST, VIRT_GIC_CPU, VIRT_GIC_V2M, VIRT_GIC_HYP, VIRT_GIC_VCPU, VIRT_GIC_ITS, VIRT_GIC_REDIST,
    VIRT_UART, VIRT_RTC, VIRT_FW_CFG, VIRT_GPIO, VIRT_SECURE_UART, VIRT_GED, VIRT_SECURE_GPIO, VIRT_MMIO,
    VIRT_PLATFORM_BUS, VIRT_SECURE_MEM, VIRT_PCIE_MMIO, VIRT_PCIE_PIO, VIRT_PCIE_ECAM, VIRT_MEM,
    VIRT_HIGH_GIC_REDIST2, VIRT_HIGH_PCIE_ECAM, VIRT_HIGH_PCIE_MMIO, VIRT__REGIONS,
} VirtRegion;

/* Shared peripheral interrupts. */
enum {
    VIRT_SPI_UART = 1, VIRT_SPI_RTC = 2, VIRT_SPI_PCIE = 3, VIRT_SPI_GPIO = 7, VIRT_SPI_SECURE_UART = 8,
    VIRT_SPI_GED = 9, VIRT_SPI_MMIO = 16, VIRT_SPI_V2M = 48, VIRT_SPIS = 256,
};
#define VIRT_V2M_SPIS   64
#define VIRT_MMIO_SLOTS 32

/* Private peripheral interrupts, as INTIDs. */
enum {
    VIRT_PPI_PMU = 23, VIRT_PPI_GIC_MAINT = 25, VIRT_PPI_TIMER_HYP = 26, VIRT_PPI_TIMER_VIRT = 27,
    VIRT_PPI_TIMER_HYPVIRT = 28, VIRT_PPI_TIMER_SEC = 29, VIRT_PPI_TIMER_PHYS = 30,
};

typedef struct VirtRange {
    uint64_t base, size; /* size 0: not there */
} VirtRange;

enum { VIRT_ONOFF_AUTO, VIRT_ONOFF_ON, VIRT_ONOFF_OFF };

typedef struct VirtBoot VirtBoot;

typedef struct VirtBoard {
    Device dev;
    /* properties */
    bool secure, virtualization, mte, highmem, its_opt, ras, usb, graphics, dtb_randomness;
    int acpi, gic_opt;
    char *iommu, *dtb, *dumpdtb, *dt_compatible, *pflash[2];
    /* derived */
    int gic_version;
    bool its, host_gic; /* host_gic: the GIC, with its ITS, is lent to the host's kernel */
    ArmPsciConduit psci;
    VirtRange map[VIRT__REGIONS];
    VirtRange ecam;            /* low or high */
    ArmBootInfo cpu;           /* of the first processor */
    /* parts */
    MemoryRegion *ram, *secure_root; /* secure_root: what Secure accesses see; NULL without secure=on */
    AddressSpace *secure_space;
    Device *gic, *msi, *pcie, *fw_cfg;
    Device *gpio, *power_key;  /* the power button without ACPI, */
    Device *ged;               /* and with it; the others are NULL */
    uint32_t ph_clock, ph_gic, ph_msi, ph_gpio; /* phandles */
    VirtBoot *boot;
} VirtBoard;

/* Does anybody take PCI messages? */
static inline bool virt_has_msi(const VirtBoard *v)
{
    return v->msi || v->its;
}
/* virt.c */
Irq virt_spi(VirtBoard *v, int spi);
uint64_t virt_node_size(VirtBoard *v, int node); /* bytes of a -numa node */
/* virt_fdt.c: the tree of the hardware, without memory, /chosen and PSCI. */
DevTree *virt_fdt(VirtBoard *v);
/* memory, PSCI and /chosen, in our tree or the user's. */
void virt_fdt_boot(VirtBoard *v, DevTree *t, const ArmKernel *k);
/* virt_acpi.c: does firmware tell the system of this machine by ACPI; its tables. */
bool virt_has_acpi(VirtBoard *v);
AcpiTables *virt_acpi(VirtBoard *v);
/* virt_boot.c: the kernel or the firmware, flash, fw_cfg, the tree in memory. */
bool virt_check(const MachineConfig *cfg, Error **errp);
bool virt_has_firmware(VirtBoard *v);
/* After the processors are made: reads -kernel. */
bool virt_boot_plan(VirtBoard *v, Error **errp);
bool virt_boots_linux(VirtBoard *v);
/* With all parts in place. */
bool virt_boot_add(VirtBoard *v, Error **errp);
void virt_reset(Machine *m);

#endif
