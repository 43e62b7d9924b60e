/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the PC boards share: memory, processors, interrupt controllers, ISA devices, fw_cfg, ACPI
 * and SMBIOS tables, kernel or firmware. A board is a PcKind and its properties.
 *
 * home: main loop; the wires in the machine's lock domain.
 */
#ifndef HW_MACHINE_PC_COMMON_H
#define HW_MACHINE_PC_COMMON_H

#include "core/machine.h"
#include "hw/acpi/tables.h"
#include "hw/chipset/acpi_regs.h"
#include "hw/isa/isa.h"
#include "hw/machine/boot/boot.h"

#define PC_DEFAULT_RAM  (128ull << 20)
#define PC_MAX_CPUS     255
#define PC_DEFAULT_BIOS "bios-256k.bin"
#define PC_ACPI_SIZE    (128u << 10)
#define PC_RSDP_ADDR    0xf5a40

typedef struct PcBoard PcBoard;
typedef struct PcBoot PcBoot;

/* What makes one PC different from another. */
typedef struct PcKind {
    const char *name;             /* "Standard PC (i440FX + PIIX, 1996)" */
    const char *version;          /* "pc-i440fx-7.2" */
    const char *bios;             /* default firmware */
    uint32_t hpet_lines;          /* inputs of the I/O APIC that the HPET may use */
    bool bare;                    /* no chip set: no PCI, no power management, no system ports */
    /* Bytes of RAM below 4 GiB. max: -M max-ram-below-4g, 0 not given. */
    uint64_t (*below_4g)(uint64_t ram, uint64_t max);
    /* Host bridge and what comes with it; pc->isa and the interrupt controllers are there. */
    bool (*add_chipset)(PcBoard *pc, Error **errp);
    bool (*add_disks)(PcBoard *pc, Error **errp);
    bool floppy; /* a floppy controller even without a drive */
    AcpiRegs *(*pm)(PcBoard *pc);
    /* No firmware will run: program what a kernel expects to be programmed. */
    void (*preset)(PcBoard *pc);
    /* Fills in what the board's ACPI tables say beyond the common. */
    void (*describe)(PcBoard *pc, AcpiConfig *ac);
    /* Optional: what to add to the kernel's command line; g_free. */
    char *(*cmdline)(PcBoard *pc);
    /* Optional: says that the generation ID changed; NULL: bit VMGENID_GPE of pm()'s GPE0. */
    void (*new_generation)(PcBoard *pc);
} PcKind;

enum { ONOFF_AUTO = 0, ONOFF_ON, ONOFF_OFF };
extern const char *const onoff_auto_names[];

struct PcBoard {
    Device dev;
    /* properties */
    int acpi, pic_opt, pit, smm, vmport, rtc_opt;
    bool no_serial;
    bool i8042, hpet, graphics, usb, smbus, sata;
    uint64_t max_ram_below_4g;
    char *pflash[2];
    /* parts */
    const PcKind *kind;
    Device *apic_bus, *pic, *ioapic, *isa, *rtc, *hpet_dev, *fw_cfg, *fdc;
    Device *host, *bridge, *pm_dev, *ide; /* of the chip set; ide: its disk controller or NULL */
    Device *hotplug; /* of PCI cards, through ACPI */
    MemoryRegion *ram, *pci, *a20_window;
    uint8_t timer_lines; /* who drives pin 2 of the I/O APIC: ISA line 0, the HPET's line 2 */
    uint8_t a20; /* bit per gate; line 20 passes if one is open */
    uint64_t below_4g, above_4g;
    bool booted; /* once */
    PcBoot *boot;
};

#define PC_PROP_AUTO(field, name_, help_)                                                          \
    { .name = name_, .kind = PROP_ENUM, .offset = offsetof(PcBoard, field), .def = ONOFF_AUTO,     \
      .enum_names = onoff_auto_names, .help = help_ }
/* Every board's properties; boards with a chip set also have the second list. */
#define PC_COMMON_PROPS                                                                            \
    PC_PROP_AUTO(acpi, "acpi", "describe the machine in ACPI tables"),                             \
    PC_PROP_AUTO(pic_opt, "pic", "the pair of 8259 interrupt controllers"),                        \
    PC_PROP_AUTO(pit, "pit", "8254 timer"),                                                        \
    PC_PROP_AUTO(smm, "smm", "system management mode; auto: where chip set and accelerator have it"),                \
    PROP(PcBoard, PROP_BOOL, graphics, "graphics", true, "firmware may use a display"),            \
    PROP(PcBoard, PROP_BOOL, usb, "usb", false, "USB controller: off only")
#define PC_CHIPSET_PROPS                                                                           \
    PROP(PcBoard, PROP_BOOL, i8042, "i8042", true,                                                 \
         "keyboard controller with PS/2 keyboard and mouse"),                                      \
    PROP(PcBoard, PROP_BOOL, hpet, "hpet", true, "high precision event timer"),                    \
    PROP(PcBoard, PROP_BOOL, smbus, "smbus", true, "SMBus controller"),                            \
    PROP(PcBoard, PROP_BOOL, sata, "sata", true, "SATA controller, where the chip set has one"),   \
    PC_PROP_AUTO(vmport, "vmport", "VMware's port: off only"),                                     \
    PROP(PcBoard, PROP_SIZE, max_ram_below_4g, "max-ram-below-4g", 0,                              \
         "memory that exceeds this is above 4 GiB; 0: the board's choice"),                        \
    PROP_STR(PcBoard, pflash[0], "pflash0", NULL, "node of the first flash: the firmware"),        \
    PROP_STR(PcBoard, pflash[1], "pflash1", NULL, "node of the second flash: its variables")

/* BoardType's functions for boards made of a PcKind. */
bool pc_common_check(const MachineConfig *cfg, const PcKind *kind, Error **errp);
bool pc_common_build(PcBoard *pc, const PcKind *kind, Error **errp);
void pc_common_powerdown(Machine *m);
void pc_common_reset(Machine *m);

/* ---- for boards that put themselves together (microvm), and for kinds ---- */
bool pc_add_part(PcBoard *pc, const DeviceType *type, Device **out, Error **errp);
/* A part with one interrupt on the ISA bus. */
bool pc_add_isa_part(PcBoard *pc, const DeviceType *type, int irq, Device **out, Error **errp);
uint64_t pc_node_size(PcBoard *pc, int node); /* bytes of a -numa node, after pc_add_ram() */
bool pc_add_ram(PcBoard *pc, Error **errp);
bool pc_add_cpus(PcBoard *pc, Error **errp);
bool pc_add_interrupts(PcBoard *pc, Error **errp);
bool pc_add_serials(PcBoard *pc, Error **errp);
bool pc_add_debugcon(PcBoard *pc, Error **errp);
bool pc_add_fw_cfg(PcBoard *pc, Error **errp);
/* Disks of -drive if=ide, per_bus of them on each bus "ide.<n>". */
bool pc_add_ide_disks(PcBoard *pc, int per_bus, Error **errp);
/* GSI n of the I/O APIC alone. */
Irq pc_ioapic_input(PcBoard *pc, int n);
bool pc_check_memory(const MachineConfig *cfg, Error **errp);
bool pc_check_kernel_options(const MachineConfig *cfg, Error **errp);
/* A kernel is started by firmware that was asked for; the board's own would only be in its way. */
static inline bool pc_has_firmware(const MachineConfig *cfg)
{
    return cfg->firmware || cfg->flash;
}

#endif
