/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Board "microvm": a machine for short-lived guests, without PCI. Interrupt controllers and ISA
 * serial ports of a PC, and slots for virtio devices in memory space.
 *
 * 0xfeb00000 virtio slots, 512 bytes each: 24 of them on the second I/O APIC (0xfec10000, global
 * interrupts from 24), or 8 on interrupts 5 to 12 without it. 0xfea00000 generic event device,
 * on interrupt 9. Guests find the slots in ACPI tables, or with acpi=off on the kernel's command
 * line.
 *
 * home: main loop.
 */
#include <inttypes.h>

#include "core/pcchips.h"
#include "hw/acpi/ged.h"
#include "hw/intc/ioapic.h"
#include "hw/machine/pc_common.h"
#include "hw/virtio/virtio_mmio.h"
#include "target/i386/boot.h"

#define LOW_RAM_MAX  0xc0000000ull
#define GED_BASE     0xfea00000ull
#define GED_IRQ      9
#define SLOTS_BASE   0xfeb00000ull
#define IOAPIC2_BASE 0xfec10000ull

typedef struct MicroVm {
    PcBoard pc;
    int ioapic2_opt; /* properties */
    bool serial, auto_cmdline;
    Device *ged, *ioapic2;
} MicroVm;

static MicroVm *micro(PcBoard *pc)
{
    return (MicroVm *)pc;
}

static uint64_t micro_below_4g(uint64_t ram, uint64_t max)
{
    return MIN(ram, LOW_RAM_MAX);
}

static int slot_count(const MicroVm *s)
{
    return s->ioapic2 ? IOAPIC_PINS : 8;
}

static int first_gsi(const MicroVm *s)
{
    return s->ioapic2 ? IOAPIC_PINS : 5;
}

static bool add_ioapic2(MicroVm *s, Error **errp)
{
    Device *d = device_new(s->pc.dev.machine, &ioapic_type, &s->pc.dev, NULL);

    device_set_ptr(d, "bus", s->pc.apic_bus);
    device_set_u64(d, "base", IOAPIC2_BASE);
    s->ioapic2 = d;
    return device_realize(d, errp);
}

static bool micro_add_chipset(PcBoard *pc, Error **errp)
{
    MicroVm *s = micro(pc);
    Machine *m = pc->dev.machine;
    Irq line;

    /* The kernel's KVM has only one. */
    bool second = s->ioapic2_opt == ONOFF_AUTO ? !machine_chip_host(m) : s->ioapic2_opt == ONOFF_ON;
    if (second && !add_ioapic2(s, errp)) {
        return false;
    }
    if (pc->acpi != ONOFF_OFF) {
        s->ged = device_new(m, &ged_type, &pc->dev, NULL);
        device_set_u64(s->ged, "base", GED_BASE);
        if (!isa_irq_claim(s->ged, GED_IRQ, &line, errp)) {
            return false;
        }
        device_connect(s->ged, 0, line);
        if (!device_realize(s->ged, errp)) {
            return false;
        }
    }
    for (int i = 0; i < slot_count(s); i++) {
        line = s->ioapic2 ? ioapic_input(s->ioapic2, i) : pc_ioapic_input(pc, first_gsi(s) + i);
        if (!virtio_mmio_new(m, SLOTS_BASE + i * VIRTIO_MMIO_SIZE, i, true, line, errp)) {
            return false;
        }
    }
    return true;
}

static bool micro_add_disks(PcBoard *pc, Error **errp)
{
    return true;
}

static void micro_new_generation(PcBoard *pc)
{
    ged_event(micro(pc)->ged, GED_GENERATION);
}

static void micro_describe(PcBoard *pc, AcpiConfig *ac)
{
    const MicroVm *s = micro(pc);

    ac->chipset = ACPI_NO_CHIPSET;
    ac->ged_base = GED_BASE;
    ac->ged_irq = GED_IRQ;
    ac->virtio_mmio_base = SLOTS_BASE;
    ac->virtio_mmio_count = slot_count(s);
    ac->virtio_mmio_irq = first_gsi(s);
    ac->ioapic2 = s->ioapic2 != NULL;
}

/*
 * There is, as on hardware of that kind, no timer that a kernel could measure its time stamp counter
 * with, but for the 8254 without ACPI, which on a busy host does not do (QEMU's guests get the
 * frequency from KVM): the kernel is told the frequency. Its only other clock is its own count of
 * timer interrupts. Watching the counter by that, on a busy host, it would give up the one that is
 * right: the counter is the machine's clock and the same on all processors, which it is told, too.
 * Without ACPI it is told where the slots are; it looks at each and leaves those that are empty.
 */
static char *micro_cmdline(PcBoard *pc)
{
    MicroVm *s = micro(pc);
    GString *text = g_string_new(NULL);

    if (s->auto_cmdline) {
        Cpu *cpu = machine_cpu(pc->dev.machine, 0);
        int64_t ns = x86_cpu_tsc_to_ns(cpu, NS_PER_SEC) - x86_cpu_tsc_to_ns(cpu, 0);
        g_string_append_printf(text, " tsc=reliable tsc_early_khz=%" PRIu64,
                               muldiv64(NS_PER_SEC, NS_PER_SEC / 1000, (uint64_t)ns));
    }
    for (int i = 0; pc->acpi == ONOFF_OFF && s->auto_cmdline && i < slot_count(s); i++) {
        g_string_append_printf(text, " virtio_mmio.device=%d@0x%llx:%d", VIRTIO_MMIO_SIZE,
                               SLOTS_BASE + i * VIRTIO_MMIO_SIZE, first_gsi(s) + i);
    }
    return g_string_free(text, FALSE);
}

/*
 * As firmware leaves them: the 8259s with vectors 8 and 70h and everything masked. A kernel that
 * reads in the FADT that there is no legacy hardware does not touch them.
 */
static void micro_preset(PcBoard *pc)
{
    static const struct {
        uint16_t port;
        uint8_t value;
    } init[] = {{0x20, 0x11}, {0x21, 0x08}, {0x21, 0x04}, {0x21, 0x01}, {0x21, 0xff},
                {0xa0, 0x11}, {0xa1, 0x70}, {0xa1, 0x02}, {0xa1, 0x01}, {0xa1, 0xff}};

    for (size_t i = 0; pc->pic && i < G_N_ELEMENTS(init); i++) {
        address_space_store(machine_ports(pc->dev.machine), init[i].port, MEM_ATTRS_NONE, 1,
                            init[i].value);
    }
}

static const PcKind micro_kind = {
    .name = "microvm (i386)",
    .version = "microvm",
    .bios = "bios-microvm.bin",
    .bare = true,
    .below_4g = micro_below_4g,
    .add_chipset = micro_add_chipset,
    .add_disks = micro_add_disks,
    .preset = micro_preset,
    .describe = micro_describe,
    .cmdline = micro_cmdline,
    .new_generation = micro_new_generation,
};

static bool micro_check(const MachineConfig *cfg, Error **errp)
{
    return pc_common_check(cfg, &micro_kind, errp);
}

static bool micro_build(Machine *m, Device *board, Error **errp)
{
    PcBoard *pc = (PcBoard *)board;

    pc->no_serial = !micro(pc)->serial;
    return pc_common_build(pc, &micro_kind, errp);
}

static void micro_powerdown(Machine *m)
{
    MicroVm *s = (MicroVm *)machine_board_device(m);

    if (s->ged) {
        ged_event(s->ged, GED_POWER_BUTTON);
    }
}

static const Property micro_props[] = {
    PC_COMMON_PROPS,
    PC_PROP_AUTO(rtc_opt, "rtc", "MC146818 real-time clock"),
    {.name = "ioapic2", .kind = PROP_ENUM, .offset = offsetof(MicroVm, ioapic2_opt),
     .def = ONOFF_AUTO, .enum_names = onoff_auto_names, .help = "second I/O APIC"},
    PROP(MicroVm, PROP_BOOL, serial, "isa-serial", true, "serial ports"),
    PROP(MicroVm, PROP_BOOL, auto_cmdline, "auto-kernel-cmdline", true,
         "tell a kernel of virtio slots on its command line when there is no ACPI"),
    {0},
};

static const BoardType microvm_board = {
    .name = "microvm",
    .help = "microvm (i386)",
    .arch = "x86_64",
    .default_cpu = "qemu64",
    .default_drive = MACHINE_DRIVE_VIRTIO,
    .no_floppy = true,
    .no_cdrom = true,
    .default_ram = PC_DEFAULT_RAM,
    .max_cpus = PC_MAX_CPUS,
    .fw_cfg = true,
    .props = micro_props,
    .size = sizeof(MicroVm),
    .check = micro_check,
    .build = micro_build,
    .system_powerdown = micro_powerdown,
    .reset = pc_common_reset,
};
BOARD(microvm_board);
