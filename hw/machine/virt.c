/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Board "virt": a machine for Arm guests that is like no real one. Everything is found in a device tree or ACPI tables;
 * addresses and interrupts are QEMU's, because some software (firmware above all) has them built in.
 *
 * 0x00000000 flash (two of 64 MiB), 0x08000000 interrupt controller, 0x09000000 PL011 UART, PL031 clock, fw_cfg, PL061
 * lines with the power button, 0x0a000000 32 slots for virtio devices, 0x10000000 PCI Express (memory, I/O, configuration
 * space), 0x40000000 RAM; behind it, with highmem=on, further redistributors, a larger configuration space and 512 GiB
 * for BARs.
 * secure=on: flash 0, 16 MiB of RAM, a second UART and a second PL061 that only Secure accesses reach.
 *
 * home: main loop.
 */
#include "hw/machine/virt.h"

#include <inttypes.h>

#include "base/bits.h"
#include "hw/acpi/ged.h"
#include "hw/char/pl011.h"
#include "hw/chipset/gpex.h"
#include "hw/firmware/fw_cfg.h"
#include "hw/gpio/pl061.h"
#include "hw/intc/gic.h"
#include "hw/machine/board_ram.h"
#include "hw/rtc/pl031.h"
#include "hw/virtio/virtio_mmio.h"

#define KIB           (1ull << 10)
#define MIB           (1ull << 20)
#define GIB           (1ull << 30)
#define LEGACY_RAM    (255 * GIB) /* with less, the high regions begin at the same place */
#define REDIST_SIZE   (128 * KIB) /* of one processor */
#define V2_CLUSTER    8           /* processors of one Aff1 */
#define V3_CLUSTER    16
#define MAX_CPUS      512
#define DEFAULT_RAM   (128 * MIB)
#define POWER_LINE    3           /* of the PL061 */

enum { GIC_2, GIC_3, GIC_MAX, GIC_HOST };
static const char *const gic_names[] = {"2", "3", "max", "host", NULL};
static const char *const onoff_names[] = {"auto", "on", "off", NULL};

static const VirtRange low_map[] = {
    [VIRT_FLASH] = {0, 128 * MIB},
    [VIRT_GIC_DIST] = {0x08000000, 64 * KIB},
    [VIRT_GIC_CPU] = {0x08010000, 64 * KIB},
    [VIRT_GIC_V2M] = {0x08020000, 4 * KIB},
    [VIRT_GIC_HYP] = {0x08030000, 64 * KIB},
    [VIRT_GIC_VCPU] = {0x08040000, 64 * KIB},
    [VIRT_GIC_ITS] = {0x08080000, 128 * KIB},
    [VIRT_GIC_REDIST] = {0x080a0000, 0xf60000},
    [VIRT_UART] = {0x09000000, 4 * KIB},
    [VIRT_RTC] = {0x09010000, 4 * KIB},
    [VIRT_FW_CFG] = {0x09020000, 24},
    [VIRT_GPIO] = {0x09030000, 4 * KIB},
    [VIRT_SECURE_UART] = {0x09040000, 4 * KIB},
    [VIRT_GED] = {0x09080000, 4 * KIB},
    [VIRT_SECURE_GPIO] = {0x090b0000, 4 * KIB},
    [VIRT_MMIO] = {0x0a000000, VIRT_MMIO_SLOTS * VIRTIO_MMIO_SIZE},
    [VIRT_PLATFORM_BUS] = {0x0c000000, 32 * MIB},
    [VIRT_SECURE_MEM] = {0x0e000000, 16 * MIB},
    [VIRT_PCIE_MMIO] = {0x10000000, 0x2eff0000},
    [VIRT_PCIE_PIO] = {0x3eff0000, 64 * KIB},
    [VIRT_PCIE_ECAM] = {0x3f000000, 16 * MIB},
    [VIRT_MEM] = {1 * GIB, 0},
};
static const uint64_t high_size[] = {64 * MIB, 256 * MIB, 512 * GIB}; /* in the order of VIRT_HIGH_* */

/* ---- memory map ---- */

static bool virt_refuse(const char *what, const char *why, Error **errp)
{
    error_set(errp, ERR_UNSUPPORTED, "-M virt,%s: %s", what, why);
    return false;
}

/* The high regions lie behind RAM, each aligned to its size, as far as processors can address them. */
static bool place_regions(VirtBoard *v, Error **errp)
{
    uint64_t ram = machine_config(v->dev.machine)->ram_size;
    unsigned bits = v->highmem ? v->cpu.pa_bits : 32;
    uint64_t limit = 1ull << bits, end = low_map[VIRT_MEM].base + ram;
    uint64_t at = MAX(low_map[VIRT_MEM].base + LEGACY_RAM, round_up(end, GIB));

    memcpy(v->map, low_map, sizeof(low_map));
    v->map[VIRT_MEM].size = ram;
    if (end > limit) {
        error_set(errp, ERR_INVALID_PARAMETER, "Addressing limited to %u bits, but memory exceeds it by %" PRIu64 " bytes",
                  bits, end - limit);
        error_hint(errp, v->highmem ? "give it less with -m, or another -cpu" : "highmem=on lifts the limit of 32 bits");
        return false;
    }
    for (int i = 0; i < 3; i++) {
        at = round_up(at, high_size[i]);
        if (v->highmem && at + high_size[i] <= limit) {
            v->map[VIRT_HIGH_GIC_REDIST2 + i] = (VirtRange){at, high_size[i]};
        }
        at += high_size[i];
    }
    /* Firmware for 32-bit processors reaches the lower one only. */
    if (v->map[VIRT_HIGH_PCIE_ECAM].size && (v->cpu.aarch64 || !virt_has_firmware(v))) {
        v->ecam = v->map[VIRT_HIGH_PCIE_ECAM];
    } else {
        v->ecam = v->map[VIRT_PCIE_ECAM];
    }
    return true;
}

uint64_t virt_node_size(VirtBoard *v, int node)
{
    return board_node_size(v->dev.machine, node);
}

static bool add_ram(VirtBoard *v, Error **errp)
{
    v->ram = board_ram(v->dev.machine, "mach-virt.ram", errp);
    if (v->ram) {
        region_add(machine_memory_root(v->dev.machine), v->map[VIRT_MEM].base, v->ram, 0);
        region_unref(v->ram); /* the tree keeps it */
    }
    return v->ram != NULL;
}

/* Secure accesses see what all see, and before it what only they do. */
static bool add_secure_space(VirtBoard *v, Error **errp)
{
    Machine *m = v->dev.machine;

    if (!v->secure) {
        return true;
    }
    MemoryRegion *all = region_new_alias("secure-system", machine_memory_root(m), 0, UINT64_MAX);
    MemoryRegion *ram = region_new_ram(m, "virt.secure-ram", v->map[VIRT_SECURE_MEM].size, errp);
    v->secure_root = region_new_container("secure-memory", UINT64_MAX);
    region_add(v->secure_root, 0, all, -1);
    region_unref(all);
    if (!ram) {
        return false;
    }
    region_add(v->secure_root, v->map[VIRT_SECURE_MEM].base, ram, 0);
    region_unref(ram);
    v->secure_space = address_space_new(m, "cpu-secure-memory", v->secure_root);
    for (int i = 0; i < machine_cpu_count(m); i++) {
        machine_cpu(m, i)->secure_mem = v->secure_space;
    }
    return true;
}

/* ---- allocation tags ---- */

static void collect_ram(RamBlock *b, void *opaque)
{
    if (!b->readonly) {
        g_ptr_array_add(opaque, b);
    }
}

/* mte=on: tags for all RAM that there is by now, Secure and of memory backends, too. */
static bool add_tags(VirtBoard *v, Error **errp)
{
    g_autoptr(GPtrArray) ram = g_ptr_array_new();
    bool ok = true;

    if (v->mte) {
        machine_ram_foreach(v->dev.machine, collect_ram, ram);
    }
    for (guint i = 0; i < ram->len && ok; i++) {
        RamBlock *b = ram->pdata[i];
        g_autofree char *of_backend = g_strdup_printf("%s.tag", b->name);
        ok = ram_add_tags(b, !strcmp(b->name, "mach-virt.ram")     ? "mach-virt.tag"
                             : !strcmp(b->name, "virt.secure-ram") ? "mach-virt.secure-tag"
                                                                   : of_backend, errp);
    }
    return ok;
}

/* ---- processors ---- */

static uint32_t affinity(const VirtBoard *v, int n)
{
    int cluster = v->gic_version == 2 ? V2_CLUSTER : V3_CLUSTER;

    return (n / cluster / 256) << 16 | (n / cluster % 256) << 8 | n % cluster;
}

static bool create_cpus(VirtBoard *v, Error **errp)
{
    const MachineConfig *cfg = machine_config(v->dev.machine);

    for (int i = 0; i < cfg->cpus; i++) {
        if (!cpu_create(v->dev.machine, i, affinity(v, i), cfg->cpu_model, errp)) {
            return false;
        }
    }
    arm_cpu_boot_info(machine_cpu(v->dev.machine, 0), &v->cpu);
    return true;
}

/*
 * The board is the firmware that answers PSCI calls, unless software starts at a level where the call would be its own.
 */
static ArmPsciConduit choose_conduit(const VirtBoard *v, bool is_linux)
{
    if (v->secure && (virt_has_firmware((VirtBoard *)v) || !is_linux)) {
        return ARM_PSCI_NONE;
    }
    return v->virtualization ? ARM_PSCI_SMC : ARM_PSCI_HVC;
}

static bool configure_cpus(VirtBoard *v, Error **errp)
{
    v->psci = choose_conduit(v, virt_boots_linux(v));
    for (int i = 0; i < machine_cpu_count(v->dev.machine); i++) {
        const ArmBoardCpu b = {.el2 = v->virtualization,
                               .el3 = v->secure,
                               .mte = v->mte,
                               .psci = v->psci,
                               .start_powered_off = i > 0 && v->psci != ARM_PSCI_NONE};
        if (!arm_cpu_configure(machine_cpu(v->dev.machine, i), &b, errp)) {
            error_prepend(errp, "-M virt: ");
            return false;
        }
    }
    arm_cpu_boot_info(machine_cpu(v->dev.machine, 0), &v->cpu);
    return true;
}

/* ---- interrupt controller ---- */

Irq virt_spi(VirtBoard *v, int spi)
{
    return gic_spi(v->gic, spi);
}

static void map_gic_region(VirtBoard *v, GicRegion which, VirtRegion where)
{
    MemoryRegion *plain = gic_region(v->gic, which, false), *secure = gic_region(v->gic, which, true);

    if (plain) {
        region_add(machine_memory_root(v->dev.machine), v->map[where].base, plain, 0);
    }
    if (secure && v->secure_root) {
        region_add(v->secure_root, v->map[where].base, secure, 0);
    }
}

static void wire_cpu(VirtBoard *v, int n)
{
    static const struct {
        int timer, ppi;
    } timers[] = {{ARM_TIMER_PHYS, VIRT_PPI_TIMER_PHYS},
                  {ARM_TIMER_VIRT, VIRT_PPI_TIMER_VIRT},
                  {ARM_TIMER_HYP, VIRT_PPI_TIMER_HYP},
                  {ARM_TIMER_SEC, VIRT_PPI_TIMER_SEC},
                  {ARM_TIMER_HYPVIRT, VIRT_PPI_TIMER_HYPVIRT}};
    Cpu *cpu = machine_cpu(v->dev.machine, n);

    for (int pin = ARM_PIN_IRQ; pin <= ARM_PIN_VFIQ; pin++) {
        device_connect(v->gic, gic_out(n, pin), arm_cpu_pin(cpu, pin));
    }
    for (size_t i = 0; i < ARRAY_LEN(timers); i++) {
        arm_cpu_connect_timer(cpu, timers[i].timer, gic_ppi(v->gic, n, timers[i].ppi));
    }
    arm_cpu_connect_pmu(cpu, gic_ppi(v->gic, n, VIRT_PPI_PMU));
}

static bool set_redistributors(VirtBoard *v, int cpus, Error **errp)
{
    uint64_t first = v->map[VIRT_GIC_REDIST].size / REDIST_SIZE;
    uint64_t second = v->map[VIRT_HIGH_GIC_REDIST2].size / REDIST_SIZE;

    if (cpus > first + second) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "Number of SMP CPUs requested (%d) exceeds max CPUs supported by machine 'mach-virt' (%d)", cpus,
                  (int)(first + second));
        error_hint(errp, "highmem=on has room for more");
        return false;
    }
    device_set_u64(v->gic, "redist-region-count[0]", MIN(cpus, first));
    if (cpus > first) {
        device_set_u64(v->gic, "redist-region-count[1]", cpus - first);
    }
    return true;
}

/* The registers stay in the memory map, but accesses of guests do not come that far. */
static bool lend_gic(VirtBoard *v, Error **errp)
{
    uint64_t first = v->map[VIRT_GIC_REDIST].size / REDIST_SIZE, cpus = (uint64_t)machine_cpu_count(v->dev.machine);
    const AccelArmGic g = {
        .version = v->gic_version,
        .irqs = VIRT_SPIS + 32,
        .dist = v->map[VIRT_GIC_DIST].base,
        .cpu = v->map[VIRT_GIC_CPU].base,
        .its = v->its ? v->map[VIRT_GIC_ITS].base : UINT64_MAX,
        .redist = {{v->map[VIRT_GIC_REDIST].base, (unsigned)MIN(cpus, first)},
                   {v->map[VIRT_HIGH_GIC_REDIST2].base, (unsigned)(cpus - MIN(cpus, first))}},
    };

    return gic_lend(v->gic, machine_accel(v->dev.machine)->arm, &g, errp);
}

static bool add_gic(VirtBoard *v, Error **errp)
{
    Machine *m = v->dev.machine;
    int cpus = machine_cpu_count(m);
    bool v3 = v->gic_version == 3;

    v->gic = device_new(m, v3 ? &arm_gicv3_type : &arm_gic_type, &v->dev, NULL);
    device_set_u64(v->gic, "num-cpu", cpus);
    device_set_u64(v->gic, "num-irq", VIRT_SPIS + 32);
    device_set_u64(v->gic, "has-security-extensions", v->secure);
    device_set_u64(v->gic, "has-virtualization-extensions", v->virtualization);
    device_set_u64(v->gic, "irq-reset-nonsecure", v->secure && virt_boots_linux(v));
    if (v3) {
        device_set_u64(v->gic, "has-lpi", v->its);
        if (!set_redistributors(v, cpus, errp)) {
            return false;
        }
    }
    for (int i = 0; i < cpus; i++) {
        wire_cpu(v, i);
    }
    if (!device_realize(v->gic, errp)) {
        return false;
    }
    gic_set_cpu_view(v->gic, arm_cpu_intc_view);
    map_gic_region(v, GIC_REGION_DIST, VIRT_GIC_DIST);
    if (v3) {
        map_gic_region(v, GIC_REGION_REDIST0, VIRT_GIC_REDIST);
        map_gic_region(v, GIC_REGION_REDIST1, VIRT_HIGH_GIC_REDIST2);
    } else {
        map_gic_region(v, GIC_REGION_CPU, VIRT_GIC_CPU);
        map_gic_region(v, GIC_REGION_HYP, VIRT_GIC_HYP);
        map_gic_region(v, GIC_REGION_VCPU, VIRT_GIC_VCPU);
    }
    return !v->host_gic || lend_gic(v, errp);
}

/* Who takes PCI messages: GICv2 has the v2m frame, GICv3 the ITS or nobody. */
static bool add_msi(VirtBoard *v, Error **errp)
{
    Machine *m = v->dev.machine;

    if (v->gic_version == 3 && !v->its) {
        return true;
    }
    v->msi = device_new(m, v->its ? &arm_gicv3_its_type : &arm_gicv2m_type, &v->dev, NULL);
    device_set_u64(v->msi, "base", v->map[v->its ? VIRT_GIC_ITS : VIRT_GIC_V2M].base);
    if (v->its) {
        device_set_ptr(v->msi, "parent-gicv3", v->gic);
    } else {
        device_set_u64(v->msi, "base-spi", VIRT_SPI_V2M);
        device_set_u64(v->msi, "num-spi", VIRT_V2M_SPIS);
        for (int i = 0; i < VIRT_V2M_SPIS; i++) {
            device_connect(v->msi, i, virt_spi(v, VIRT_SPI_V2M + i));
        }
    }
    return device_realize(v->msi, errp);
}

/* ---- devices ---- */

static bool add_uart(VirtBoard *v, VirtRegion where, int spi, CharPort *port, Error **errp)
{
    Device *d = device_new(v->dev.machine, &pl011_type, &v->dev, NULL);
    bool secure = where == VIRT_SECURE_UART;

    device_set_u64(d, "base", secure ? UINT64_MAX : v->map[where].base);
    if (port) {
        device_set_ptr(d, "chardev", port);
    }
    device_connect(d, 0, virt_spi(v, spi));
    if (!device_realize(d, errp)) {
        return false;
    }
    if (secure) {
        region_add(v->secure_root, v->map[where].base, pl011_region(d), 0);
    }
    return true;
}

static bool add_uarts(VirtBoard *v, Error **errp)
{
    const MachineConfig *cfg = machine_config(v->dev.machine);

    return add_uart(v, VIRT_UART, VIRT_SPI_UART, cfg->serial[0], errp) &&
           (!v->secure || add_uart(v, VIRT_SECURE_UART, VIRT_SPI_SECURE_UART, cfg->serial[1], errp));
}

static bool add_rtc(VirtBoard *v, Error **errp)
{
    Device *d = device_new(v->dev.machine, &pl031_type, &v->dev, NULL);

    device_set_u64(d, "base", v->map[VIRT_RTC].base);
    device_connect(d, 0, virt_spi(v, VIRT_SPI_RTC));
    return device_realize(d, errp);
}

static Device *new_gpio(VirtBoard *v, uint64_t base)
{
    Device *d = device_new(v->dev.machine, &pl061_type, &v->dev, NULL);

    device_set_u64(d, "base", base);
    device_set_u64(d, "pullups", 0);
    device_set_u64(d, "pulldowns", 0xff);
    return d;
}

static bool add_ged(VirtBoard *v, Error **errp)
{
    v->ged = device_new(v->dev.machine, &ged_type, &v->dev, NULL);
    device_set_u64(v->ged, "base", v->map[VIRT_GED].base);
    device_connect(v->ged, 0, virt_spi(v, VIRT_SPI_GED));
    return device_realize(v->ged, errp);
}

static bool add_gpio(VirtBoard *v, Error **errp)
{
    if (virt_has_acpi(v)) {
        return add_ged(v, errp);
    }
    v->gpio = new_gpio(v, v->map[VIRT_GPIO].base);
    device_connect(v->gpio, PL061_OUT_IRQ, virt_spi(v, VIRT_SPI_GPIO));
    v->power_key = device_new(v->dev.machine, &gpio_key_type, &v->dev, NULL);
    device_connect(v->power_key, 0, pl061_input(v->gpio, POWER_LINE));
    return device_realize(v->gpio, errp) && device_realize(v->power_key, errp);
}

/* Line 0 of the secure one ends the machine, line 1 restarts it: for firmware that answers PSCI calls. */
static void secure_line(void *opaque, int n, int level)
{
    Machine *m = ((VirtBoard *)opaque)->dev.machine;

    if (level && n == 0) {
        machine_request_shutdown(m, SHUTDOWN_GUEST_SHUTDOWN);
    } else if (level) {
        machine_request_reset(m, SHUTDOWN_GUEST_RESET);
    }
}

static bool add_secure_gpio(VirtBoard *v, Error **errp)
{
    if (!v->secure) {
        return true;
    }
    Device *d = new_gpio(v, UINT64_MAX);
    for (int i = 0; i < 2; i++) {
        device_connect(d, PL061_OUT_LINE0 + i, (Irq){secure_line, v, i});
    }
    if (!device_realize(d, errp)) {
        return false;
    }
    region_add(v->secure_root, v->map[VIRT_SECURE_GPIO].base, pl061_region(d), 0);
    return true;
}

static bool add_pcie(VirtBoard *v, Error **errp)
{
    VirtRange mmio = v->map[VIRT_PCIE_MMIO], high = v->map[VIRT_HIGH_PCIE_MMIO], pio = v->map[VIRT_PCIE_PIO];
    const GpexWindows w = {
        .ecam = v->ecam.base, .ecam_size = v->ecam.size,
        .mmio = mmio.base, .mmio_size = mmio.size,
        .high = high.base, .high_size = high.size,
        .pio = pio.base, .pio_size = pio.size,
        .msi = !v->msi ? NULL : v->its ? gicv3_its_message : gicv2m_message,
        .msi_opaque = v->msi,
    };

    v->pcie = device_new(v->dev.machine, &gpex_type, &v->dev, NULL);
    gpex_wire(v->pcie, &w);
    for (int i = 0; i < GPEX_PINS; i++) {
        device_connect(v->pcie, i, virt_spi(v, VIRT_SPI_PCIE + i));
    }
    if (!device_realize(v->pcie, errp)) {
        return false;
    }
    if (machine_config(v->dev.machine)->default_nic) {
        pci_bus_keep_slot(gpex_bus(v->pcie)); /* of the network card that is still to come */
    }
    return true;
}

static bool add_virtio_slots(VirtBoard *v, Error **errp)
{
    /* The first device gets the last slot, the newest bus. */
    for (int i = 0; i < VIRT_MMIO_SLOTS; i++) {
        if (!virtio_mmio_new(v->dev.machine, v->map[VIRT_MMIO].base + i * VIRTIO_MMIO_SIZE, i, true,
                             virt_spi(v, VIRT_SPI_MMIO + i), errp)) {
            return false;
        }
    }
    return true;
}

/* ---- BoardType ---- */

static bool check_host_gic(VirtBoard *v, const AccelArmOps *host, Error **errp)
{
    unsigned has = host->gic_versions(v->dev.machine);

    if (v->secure || v->virtualization || v->mte) {
        return virt_refuse(v->secure ? "secure=on" : v->virtualization ? "virtualization=on" : "mte=on",
                           "not under an accelerator that runs guests on the host's processor", errp);
    }
    if (!has) {
        return virt_refuse("gic-version=host", "the host has no interrupt controller for guests", errp);
    }
    v->gic_version = v->gic_opt == GIC_2 ? 2 : v->gic_opt == GIC_3 || (has & 1u << 3) ? 3 : 2;
    if (!(has & 1u << v->gic_version)) {
        virt_refuse(gic_names[v->gic_opt], "the host has no such interrupt controller for guests", errp);
        error_hint(errp, "-M virt,gic-version=host");
        return false;
    }
    v->host_gic = true;
    return true;
}

static bool choose_gic(VirtBoard *v, Error **errp)
{
    const AccelArmOps *host = machine_accel(v->dev.machine)->arm;

    if (host) {
        return check_host_gic(v, host, errp);
    }
    if (v->gic_opt == GIC_HOST) {
        return virt_refuse("gic-version=host", "it requires KVM", errp);
    }
    v->gic_version = v->gic_opt == GIC_2 ? 2 : 3;
    return true;
}

static bool check_options(VirtBoard *v, Error **errp)
{
    if (strcmp(v->iommu, "none") != 0) {
        return virt_refuse("iommu", "there is no such IOMMU; it takes none only", errp);
    }
    if (v->ras) {
        return virt_refuse("ras=on", "host memory errors are not told to guests", errp);
    }
    if (v->usb) {
        return virt_refuse("usb=on", "there are no USB controllers", errp);
    }
    if (!choose_gic(v, errp)) {
        return false;
    }
    v->its = v->gic_version == 3 && v->its_opt;
    if (v->gic_version == 2 && machine_config(v->dev.machine)->cpus > GICV2_MAX_CPUS) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "Number of SMP CPUs requested (%d) exceeds max CPUs supported by machine 'mach-virt' (%d)",
                  machine_config(v->dev.machine)->cpus, GICV2_MAX_CPUS);
        error_hint(errp, "-M virt,gic-version=3 has room for more");
        return false;
    }
    return true;
}

static bool virt_build(Machine *m, Device *board, Error **errp)
{
    VirtBoard *v = (VirtBoard *)board;

    return check_options(v, errp) && create_cpus(v, errp) && virt_boot_plan(v, errp) && configure_cpus(v, errp) &&
           place_regions(v, errp) && add_ram(v, errp) && add_secure_space(v, errp) && add_tags(v, errp) && add_gic(v, errp) &&
           add_msi(v, errp) && add_uarts(v, errp) && add_rtc(v, errp) && add_gpio(v, errp) &&
           add_secure_gpio(v, errp) && add_pcie(v, errp) && add_virtio_slots(v, errp) && virt_boot_add(v, errp);
}

static void virt_powerdown(Machine *m)
{
    VirtBoard *v = (VirtBoard *)machine_board_device(m);

    if (v->ged) {
        ged_event(v->ged, GED_POWER_BUTTON);
    } else {
        gpio_key_press(v->power_key);
    }
}

static const Property virt_props[] = {
    {.name = "acpi", .kind = PROP_ENUM, .offset = offsetof(VirtBoard, acpi), .def = VIRT_ONOFF_AUTO,
     .enum_names = onoff_names, .help = "describe the machine in ACPI tables to firmware"},
    {.name = "gic-version", .kind = PROP_ENUM, .offset = offsetof(VirtBoard, gic_opt), .def = GIC_2,
     .enum_names = gic_names, .help = "version of the interrupt controller: 2, 3, max or host (what KVM has)"},
    PROP(VirtBoard, PROP_BOOL, secure, "secure", false, "processors have EL3, and there is Secure memory"),
    PROP(VirtBoard, PROP_BOOL, virtualization, "virtualization", false, "processors have EL2"),
    PROP(VirtBoard, PROP_BOOL, mte, "mte", false, "memory has allocation tags"),
    PROP(VirtBoard, PROP_BOOL, highmem, "highmem", true, "use physical addresses above 32 bits"),
    PROP(VirtBoard, PROP_BOOL, its_opt, "its", true, "interrupt translation service of a GICv3"),
    PROP(VirtBoard, PROP_BOOL, ras, "ras", false, "tell guests of memory errors: off only"),
    PROP(VirtBoard, PROP_BOOL, usb, "usb", false, "USB controller: off only"),
    PROP(VirtBoard, PROP_BOOL, graphics, "graphics", true, "firmware may use a display"),
    PROP(VirtBoard, PROP_BOOL, dtb_randomness, "dtb-randomness", true, "seeds in the device tree, new ones at each reset"),
    PROP(VirtBoard, PROP_BOOL, dtb_randomness, "dtb-kaslr-seed", true, "older name of dtb-randomness"),
    PROP_STR(VirtBoard, iommu, "iommu", "none", "IOMMU of PCI devices: none only"),
    PROP_STR(VirtBoard, dtb, "dtb", NULL, "device tree for -kernel instead of the board's own"),
    PROP_STR(VirtBoard, dumpdtb, "dumpdtb", NULL, "write the device tree to this file and end"),
    PROP_STR(VirtBoard, dt_compatible, "dt-compatible", "linux,dummy-virt",
             "property \"compatible\" of the device tree's root"),
    PROP_STR(VirtBoard, pflash[0], "pflash0", NULL, "node of the first flash: the firmware"),
    PROP_STR(VirtBoard, pflash[1], "pflash1", NULL, "node of the second flash: its variables"),
    {0},
};

static const BoardType virt_board = {
    .name = "virt",
    .alias = "virt-7.2",
    .help = "QEMU 7.2 ARM Virtual Machine",
    .arch = "aarch64",
    .default_cpu = "cortex-a15",
    .default_drive = MACHINE_DRIVE_VIRTIO,
    .no_floppy = true,
    .no_cdrom = true,
    .default_ram = DEFAULT_RAM,
    .max_cpus = MAX_CPUS,
    .fw_cfg = true,
    .props = virt_props,
    .size = sizeof(VirtBoard),
    .check = virt_check,
    .build = virt_build,
    .system_powerdown = virt_powerdown,
    .reset = virt_reset,
};
BOARD(virt_board);
