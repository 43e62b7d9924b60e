/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device tree of the board "virt": nodes, names and phandles as QEMU's, which guests, firmware and tools have grown
 * used to; bindings: Linux Documentation/devicetree/bindings.
 *
 * home: main loop.
 */
#include "hw/machine/virt.h"

#include <string.h>

#include "base/bits.h"
#include "hw/intc/gic.h"
#include "hw/pci/pci.h"
#include "hw/virtio/virtio_mmio.h"

/* Interrupt specifiers (arm,gic.yaml, arm,gic-v3.yaml). */
enum { GIC_SPI = 0, GIC_PPI = 1 };
enum { EDGE_RISING = 1, LEVEL_HIGH = 4 };
#define PPI(intid) ((intid) - 16)

#define CLOCK_HZ 24000000

/* PSCI function identifiers (Arm DEN 0022). */
#define PSCI_CPU_OFF       0x84000002u
#define PSCI_64            0x40000000u
#define PSCI_CPU_SUSPEND   0x84000001u
#define PSCI_CPU_ON        0x84000003u
#define PSCI_MIGRATE       0x84000005u

#define PCI_PIO_SPACE      0x01000000u /* first cell of "ranges" (PCI bus binding) */
#define PCI_MEM32_SPACE    0x02000000u
#define PCI_MEM64_SPACE    0x03000000u

static char *node_at(const char *name, uint64_t base)
{
    return g_strdup_printf("/%s@%" G_GINT64_MODIFIER "x", name, base);
}

static int cpus(const VirtBoard *v)
{
    return machine_config(v->dev.machine)->cpus;
}

/* With a GICv2 the specifier of a PPI says which processors have it. */
static uint32_t ppi_flags(const VirtBoard *v)
{
    return LEVEL_HIGH | (v->gic_version == 2 ? ((1u << MIN(cpus(v), GICV2_MAX_CPUS)) - 1) << 8 : 0);
}

static void secure_only(DevTree *t, const char *path)
{
    dt_string(t, path, "status", "disabled");
    dt_string(t, path, "secure-status", "okay");
}

static void one_reg(DevTree *t, const char *path, VirtRange r)
{
    dt_reg(t, path, (const uint64_t[]){r.base, r.size}, 1);
}

/* A PrimeCell on the common clock. */
static void primecell(const VirtBoard *v, DevTree *t, const char *path, VirtRegion where, int spi)
{
    one_reg(t, path, v->map[where]);
    dt_list(t, path, "interrupts", GIC_SPI, spi, LEVEL_HIGH);
}

/* ---- processors ---- */

static void cpu_node(VirtBoard *v, DevTree *t, int n, uint32_t phandle)
{
    const NumaConfig *numa = machine_config(v->dev.machine)->numa;
    g_autofree char *path = g_strdup_printf("/cpus/cpu@%d", n);
    ArmBootInfo info;

    arm_cpu_boot_info(machine_cpu(v->dev.machine, n), &info);
    dt_node(t, path);
    dt_string(t, path, "device_type", "cpu");
    dt_string(t, path, "compatible", info.compatible);
    /* Of firmware of the guest's own nothing is said here. */
    if (!(v->secure && virt_has_firmware(v)) && cpus(v) > 1) {
        dt_string(t, path, "enable-method", "psci");
    }
    if (info.mpidr >> 32 & 0xff) {
        dt_u64(t, path, "reg", info.mpidr & 0xff00ffffffull);
    } else {
        dt_u32(t, path, "reg", info.mpidr & 0xffffff);
    }
    if (numa) {
        dt_u32(t, path, "numa-node-id", numa->cpu_node[n]);
    }
    dt_u32(t, path, "phandle", phandle);
}

/* Sockets, clusters and cores as -smp says (cpu-topology.txt). */
static void cpu_map(VirtBoard *v, DevTree *t, const uint32_t *phandle)
{
    const MachineConfig *cfg = machine_config(v->dev.machine);
    int threads = MAX(cfg->threads, 1), cores = MAX(cfg->cores, 1);

    dt_node(t, "/cpus/cpu-map");
    for (int n = cpus(v) - 1; n >= 0; n--) {
        int socket = n / (cores * threads), core = n / threads % cores;
        g_autofree char *s = g_strdup_printf("/cpus/cpu-map/socket%d", socket);
        g_autofree char *c = g_strdup_printf("%s/cluster0", s);
        g_autofree char *o = g_strdup_printf("%s/core%d", c, core);
        g_autofree char *h = threads > 1 ? g_strdup_printf("%s/thread%d", o, n % threads) : NULL;

        dt_node(t, s);
        dt_node(t, c);
        dt_node(t, o);
        if (h) {
            dt_node(t, h);
        }
        dt_u32(t, h ? h : o, "cpu", phandle[n]);
    }
}

static void cpu_nodes(VirtBoard *v, DevTree *t)
{
    g_autofree uint32_t *phandle = g_new(uint32_t, cpus(v));
    ArmBootInfo last;

    arm_cpu_boot_info(machine_cpu(v->dev.machine, cpus(v) - 1), &last);
    dt_node(t, "/cpus");
    dt_u32(t, "/cpus", "#address-cells", last.mpidr >> 32 & 0xff ? 2 : 1);
    dt_u32(t, "/cpus", "#size-cells", 0);
    for (int n = cpus(v) - 1; n >= 0; n--) {
        phandle[n] = dt_phandle(t);
        cpu_node(v, t, n, phandle[n]);
    }
    cpu_map(v, t, phandle);
}

static void timer_node(const VirtBoard *v, DevTree *t)
{
    static const int ppi[] = {VIRT_PPI_TIMER_SEC, VIRT_PPI_TIMER_PHYS, VIRT_PPI_TIMER_VIRT, VIRT_PPI_TIMER_HYP};
    uint32_t cells[12];

    dt_node(t, "/timer");
    if (v->cpu.aarch64) {
        dt_strings(t, "/timer", "compatible", "arm,armv8-timer\0arm,armv7-timer");
    } else {
        dt_string(t, "/timer", "compatible", "arm,armv7-timer");
    }
    dt_empty(t, "/timer", "always-on");
    for (int i = 0; i < 4; i++) {
        cells[3 * i] = GIC_PPI;
        cells[3 * i + 1] = PPI(ppi[i]);
        cells[3 * i + 2] = ppi_flags(v);
    }
    dt_cells(t, "/timer", "interrupts", cells, 12);
}

static void pmu_node(const VirtBoard *v, DevTree *t)
{
    if (!v->cpu.has_pmu) {
        return;
    }
    dt_node(t, "/pmu"); /* that of Armv7 has no binding without its own name; the node stays empty */
    if (v->cpu.aarch64) {
        dt_string(t, "/pmu", "compatible", "arm,armv8-pmuv3");
        dt_list(t, "/pmu", "interrupts", GIC_PPI, PPI(VIRT_PPI_PMU), ppi_flags(v));
    }
}

/* ---- interrupt controller ---- */

static void gicv2_node(VirtBoard *v, DevTree *t, const char *path)
{
    const VirtRegion part[] = {VIRT_GIC_DIST, VIRT_GIC_CPU, VIRT_GIC_HYP, VIRT_GIC_VCPU};
    uint64_t reg[8];

    dt_string(t, path, "compatible", "arm,cortex-a15-gic");
    for (int i = 0; i < 4; i++) {
        reg[2 * i] = v->map[part[i]].base;
        reg[2 * i + 1] = v->map[part[i]].size;
    }
    dt_reg(t, path, reg, v->virtualization ? 4 : 2);
}

static void gicv3_node(VirtBoard *v, DevTree *t, const char *path)
{
    const VirtRange *dist = &v->map[VIRT_GIC_DIST], *r0 = &v->map[VIRT_GIC_REDIST];
    const VirtRange *r1 = &v->map[VIRT_HIGH_GIC_REDIST2];
    const uint64_t reg[] = {dist->base, dist->size, r0->base, r0->size, r1->base, r1->size};
    int regions = gic_region(v->gic, GIC_REGION_REDIST1, false) ? 2 : 1;

    dt_string(t, path, "compatible", "arm,gic-v3");
    dt_u32(t, path, "#redistributor-regions", regions);
    dt_reg(t, path, reg, 1 + regions);
}

static void msi_node(VirtBoard *v, DevTree *t, const char *gic)
{
    VirtRange r = v->map[v->its ? VIRT_GIC_ITS : VIRT_GIC_V2M];
    g_autofree char *name = node_at(v->its ? "its" : "v2m", r.base);
    g_autofree char *path = g_strconcat(gic, name, NULL);

    v->ph_msi = dt_phandle(t);
    dt_node(t, path);
    dt_string(t, path, "compatible", v->its ? "arm,gic-v3-its" : "arm,gic-v2m-frame");
    dt_empty(t, path, "msi-controller");
    if (v->its) {
        dt_u32(t, path, "#msi-cells", 1);
    }
    one_reg(t, path, r);
    dt_u32(t, path, "phandle", v->ph_msi);
}

static void gic_node(VirtBoard *v, DevTree *t)
{
    g_autofree char *path = node_at("intc", v->map[VIRT_GIC_DIST].base);

    v->ph_gic = dt_phandle(t);
    dt_u32(t, "/", "interrupt-parent", v->ph_gic);
    dt_node(t, path);
    dt_u32(t, path, "#interrupt-cells", 3);
    dt_empty(t, path, "interrupt-controller");
    dt_u32(t, path, "#address-cells", 2);
    dt_u32(t, path, "#size-cells", 2);
    dt_empty(t, path, "ranges");
    if (v->gic_version == 2) {
        gicv2_node(v, t, path);
    } else {
        gicv3_node(v, t, path);
    }
    if (v->virtualization) {
        dt_list(t, path, "interrupts", GIC_PPI, PPI(VIRT_PPI_GIC_MAINT), LEVEL_HIGH);
    }
    dt_u32(t, path, "phandle", v->ph_gic);
    if (virt_has_msi(v)) {
        msi_node(v, t, path);
    }
}

/* ---- devices ---- */

static void flash_nodes(const VirtBoard *v, DevTree *t)
{
    VirtRange all = v->map[VIRT_FLASH];
    uint64_t half = all.size / 2, second = all.base + half;
    g_autofree char *plain = node_at("flash", v->secure ? second : all.base);

    if (v->secure) { /* the first one is seen by Secure accesses only */
        g_autofree char *secure = node_at("secflash", all.base);
        dt_node(t, secure);
        dt_string(t, secure, "compatible", "cfi-flash");
        dt_reg(t, secure, (const uint64_t[]){all.base, half}, 1);
        dt_u32(t, secure, "bank-width", 4);
        secure_only(t, secure);
    }
    dt_node(t, plain);
    dt_string(t, plain, "compatible", "cfi-flash");
    if (v->secure) {
        dt_reg(t, plain, (const uint64_t[]){second, half}, 1);
    } else {
        dt_reg(t, plain, (const uint64_t[]){all.base, half, second, half}, 2);
    }
    dt_u32(t, plain, "bank-width", 4);
}

static void uart_node(const VirtBoard *v, DevTree *t, VirtRegion where, int spi)
{
    g_autofree char *path = node_at("pl011", v->map[where].base);

    dt_node(t, path);
    dt_strings(t, path, "compatible", "arm,pl011\0arm,primecell");
    primecell(v, t, path, where, spi);
    dt_list(t, path, "clocks", v->ph_clock, v->ph_clock);
    dt_strings(t, path, "clock-names", "uartclk\0apb_pclk");
    if (where == VIRT_UART) {
        dt_string(t, "/chosen", "stdout-path", path);
    } else {
        secure_only(t, path);
        dt_string(t, "/secure-chosen", "stdout-path", path);
    }
}

static void rtc_node(const VirtBoard *v, DevTree *t)
{
    g_autofree char *path = node_at("pl031", v->map[VIRT_RTC].base);

    dt_node(t, path);
    dt_strings(t, path, "compatible", "arm,pl031\0arm,primecell");
    primecell(v, t, path, VIRT_RTC, VIRT_SPI_RTC);
    dt_u32(t, path, "clocks", v->ph_clock);
    dt_string(t, path, "clock-names", "apb_pclk");
}

static uint32_t gpio_node(const VirtBoard *v, DevTree *t, VirtRegion where, int spi)
{
    g_autofree char *path = node_at("pl061", v->map[where].base);
    uint32_t phandle = dt_phandle(t);

    dt_node(t, path);
    dt_strings(t, path, "compatible", "arm,pl061\0arm,primecell");
    primecell(v, t, path, where, spi);
    dt_u32(t, path, "#gpio-cells", 2);
    dt_empty(t, path, "gpio-controller");
    dt_u32(t, path, "clocks", v->ph_clock);
    dt_string(t, path, "clock-names", "apb_pclk");
    dt_u32(t, path, "phandle", phandle);
    if (where == VIRT_SECURE_GPIO) {
        secure_only(t, path);
    }
    return phandle;
}

#define KEY_POWER 116 /* Linux input event codes */

static void gpio_nodes(VirtBoard *v, DevTree *t)
{
    v->ph_gpio = gpio_node(v, t, VIRT_GPIO, VIRT_SPI_GPIO);
    dt_node(t, "/gpio-keys");
    dt_string(t, "/gpio-keys", "compatible", "gpio-keys");
    dt_node(t, "/gpio-keys/poweroff");
    dt_string(t, "/gpio-keys/poweroff", "label", "GPIO Key Poweroff");
    dt_u32(t, "/gpio-keys/poweroff", "linux,code", KEY_POWER);
    dt_list(t, "/gpio-keys/poweroff", "gpios", v->ph_gpio, 3, 0);
}

/* Two lines with which secure firmware ends and restarts the machine. */
static void secure_gpio_nodes(const VirtBoard *v, DevTree *t)
{
    uint32_t phandle = gpio_node(v, t, VIRT_SECURE_GPIO, 0);

    for (int line = 0; line < 2; line++) {
        const char *path = line ? "/gpio-restart" : "/gpio-poweroff";
        dt_node(t, path);
        dt_string(t, path, "compatible", path + 1);
        dt_list(t, path, "gpios", phandle, line, 0);
        secure_only(t, path);
    }
}

static void secure_ram_node(const VirtBoard *v, DevTree *t)
{
    g_autofree char *path = node_at("secram", v->map[VIRT_SECURE_MEM].base);

    dt_node(t, path);
    dt_string(t, path, "device_type", "memory");
    one_reg(t, path, v->map[VIRT_SECURE_MEM]);
    secure_only(t, path);
}

/* The bus number, slot and pin of an interrupt to a SPI, as hw/chipset/gpex.c has it. */
static void pci_interrupt_map(const VirtBoard *v, DevTree *t, const char *path)
{
    uint32_t cells[4 * 4 * 10], *c = cells;

    for (int slot = 0; slot < 4; slot++) {
        for (int pin = 0; pin < 4; pin++) {
            const uint32_t entry[10] = {PCI_DEVFN(slot, 0) << 8, 0, 0, pin + 1, v->ph_gic, 0, 0, GIC_SPI,
                                        VIRT_SPI_PCIE + (slot + pin) % 4, LEVEL_HIGH};
            memcpy(c, entry, sizeof(entry));
            c += 10;
        }
    }
    dt_cells(t, path, "interrupt-map", cells, ARRAY_LEN(cells));
    dt_list(t, path, "interrupt-map-mask", PCI_DEVFN(3, 0) << 8, 0, 0, 7);
}

static void pcie_node(const VirtBoard *v, DevTree *t)
{
    VirtRange pio = v->map[VIRT_PCIE_PIO], mmio = v->map[VIRT_PCIE_MMIO], high = v->map[VIRT_HIGH_PCIE_MMIO];
    g_autofree char *path = node_at("pcie", mmio.base);
    const uint32_t ranges[] = {
        PCI_PIO_SPACE, 0, 0, DT_U64(pio.base), DT_U64(pio.size),
        PCI_MEM32_SPACE, DT_U64(mmio.base), DT_U64(mmio.base), DT_U64(mmio.size),
        PCI_MEM64_SPACE, DT_U64(high.base), DT_U64(high.base), DT_U64(high.size),
    };

    dt_node(t, path);
    dt_string(t, path, "compatible", "pci-host-ecam-generic");
    dt_string(t, path, "device_type", "pci");
    dt_u32(t, path, "#address-cells", 3);
    dt_u32(t, path, "#size-cells", 2);
    dt_u32(t, path, "linux,pci-domain", 0);
    dt_list(t, path, "bus-range", 0, (uint32_t)(v->ecam.size >> 20) - 1);
    dt_empty(t, path, "dma-coherent");
    if (virt_has_msi(v)) {
        dt_list(t, path, "msi-map", 0, v->ph_msi, 0, 0x10000);
    }
    one_reg(t, path, v->ecam);
    dt_cells(t, path, "ranges", ranges, high.size ? 21 : 14);
    dt_u32(t, path, "#interrupt-cells", 1);
    pci_interrupt_map(v, t, path);
}

/* The lowest slot is the first node: a new node goes before its brothers. */
static void virtio_nodes(const VirtBoard *v, DevTree *t)
{
    for (int i = VIRT_MMIO_SLOTS - 1; i >= 0; i--) {
        VirtRange r = {v->map[VIRT_MMIO].base + i * VIRTIO_MMIO_SIZE, VIRTIO_MMIO_SIZE};
        g_autofree char *path = node_at("virtio_mmio", r.base);

        dt_node(t, path);
        dt_string(t, path, "compatible", "virtio,mmio");
        one_reg(t, path, r);
        dt_list(t, path, "interrupts", GIC_SPI, VIRT_SPI_MMIO + i, EDGE_RISING);
        dt_empty(t, path, "dma-coherent");
    }
}

static void fw_cfg_node(const VirtBoard *v, DevTree *t)
{
    g_autofree char *path = node_at("fw-cfg", v->map[VIRT_FW_CFG].base);

    dt_node(t, path);
    dt_string(t, path, "compatible", "qemu,fw-cfg-mmio");
    one_reg(t, path, v->map[VIRT_FW_CFG]);
    dt_empty(t, path, "dma-coherent");
}

/* Room for devices that nobody can add yet; guests skip it. */
static void platform_bus_node(const VirtBoard *v, DevTree *t)
{
    VirtRange r = v->map[VIRT_PLATFORM_BUS];
    g_autofree char *path = node_at("platform-bus", r.base);

    dt_node(t, path);
    dt_strings(t, path, "compatible", "qemu,platform\0simple-bus");
    dt_u32(t, path, "#size-cells", 1);
    dt_u32(t, path, "#address-cells", 1);
    dt_list(t, path, "ranges", 0, DT_U64(r.base), (uint32_t)r.size);
    dt_u32(t, path, "interrupt-parent", v->ph_gic);
}

/* ---- the whole ---- */

static void seeds(DevTree *t, const char *path)
{
    static const uint8_t zeros[32];

    dt_bytes(t, path, "kaslr-seed", zeros, 8);
    dt_bytes(t, path, "rng-seed", zeros, 32);
}

static void root_nodes(VirtBoard *v, DevTree *t)
{
    dt_string(t, "/", "compatible", v->dt_compatible);
    dt_u32(t, "/", "#address-cells", 2);
    dt_u32(t, "/", "#size-cells", 2);
    dt_string(t, "/", "model", "linux,dummy-virt");
    dt_node(t, "/chosen");
    if (v->dtb_randomness) {
        seeds(t, "/chosen");
    }
    if (v->secure) {
        dt_node(t, "/secure-chosen");
        if (v->dtb_randomness) {
            seeds(t, "/secure-chosen");
        }
    }
    v->ph_clock = dt_phandle(t);
    dt_node(t, "/apb-pclk");
    dt_string(t, "/apb-pclk", "compatible", "fixed-clock");
    dt_u32(t, "/apb-pclk", "#clock-cells", 0);
    dt_u32(t, "/apb-pclk", "clock-frequency", CLOCK_HZ);
    dt_string(t, "/apb-pclk", "clock-output-names", "clk24mhz");
    dt_u32(t, "/apb-pclk", "phandle", v->ph_clock);
}

/* numa.txt: distance-map-v1 has a triple for each pair of nodes. */
static void distance_map(const NumaConfig *numa, DevTree *t)
{
    g_autofree uint32_t *cells = g_new(uint32_t, 3 * numa->nodes * numa->nodes);
    uint32_t *c = cells;

    for (int a = 0; a < numa->nodes; a++) {
        for (int b = 0; b < numa->nodes; b++, c += 3) {
            c[0] = a;
            c[1] = b;
            c[2] = numa->distance[a][b];
        }
    }
    dt_node(t, "/distance-map");
    dt_string(t, "/distance-map", "compatible", "numa-distance-map-v1");
    dt_cells(t, "/distance-map", "distance-matrix", cells, 3 * numa->nodes * numa->nodes);
}

DevTree *virt_fdt(VirtBoard *v)
{
    const MachineConfig *cfg = machine_config(v->dev.machine);
    DevTree *t = dt_new();

    root_nodes(v, t);
    if (cfg->numa && cfg->numa->has_distances) {
        distance_map(cfg->numa, t);
    }
    timer_node(v, t);
    cpu_nodes(v, t);
    flash_nodes(v, t);
    gic_node(v, t);
    pmu_node(v, t);
    uart_node(v, t, VIRT_UART, VIRT_SPI_UART);
    if (v->secure) {
        secure_ram_node(v, t);
        uart_node(v, t, VIRT_SECURE_UART, VIRT_SPI_SECURE_UART);
    }
    rtc_node(v, t);
    pcie_node(v, t);
    if (v->gpio) {
        gpio_nodes(v, t);
    }
    if (v->secure) {
        secure_gpio_nodes(v, t);
    }
    virtio_nodes(v, t);
    fw_cfg_node(v, t);
    platform_bus_node(v, t);
    return t;
}

/* ---- what depends on how it boots ---- */

static void memory_node(DevTree *t, uint64_t base, uint64_t size, const NumaConfig *numa, int node)
{
    g_autofree char *path = node_at("memory", base);

    dt_node(t, path);
    dt_string(t, path, "device_type", "memory");
    one_reg(t, path, (VirtRange){base, size});
    if (numa) {
        dt_u32(t, path, "numa-node-id", node);
    }
}

static void memory_nodes(VirtBoard *v, DevTree *t)
{
    const MachineConfig *cfg = machine_config(v->dev.machine);
    uint64_t base = v->map[VIRT_MEM].base;

    for (int i = 0; cfg->numa && i < cfg->numa->nodes; i++) {
        uint64_t size = virt_node_size(v, i);
        if (size) {
            memory_node(t, base, size, cfg->numa, i);
            base += size;
        }
    }
    if (!cfg->numa) {
        memory_node(t, base, cfg->ram_size, NULL, 0);
    }
}

static void psci_node(const VirtBoard *v, DevTree *t)
{
    uint32_t width = v->cpu.aarch64 ? PSCI_64 : 0;

    if (v->psci == ARM_PSCI_NONE) {
        return;
    }
    dt_remove(t, "/psci"); /* the user's tree may speak of another firmware */
    dt_node(t, "/psci");
    dt_strings(t, "/psci", "compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
    dt_string(t, "/psci", "method", v->psci == ARM_PSCI_HVC ? "hvc" : "smc");
    dt_u32(t, "/psci", "cpu_suspend", PSCI_CPU_SUSPEND | width);
    dt_u32(t, "/psci", "cpu_off", PSCI_CPU_OFF);
    dt_u32(t, "/psci", "cpu_on", PSCI_CPU_ON | width);
    dt_u32(t, "/psci", "migrate", PSCI_MIGRATE | width);
}

void virt_fdt_boot(VirtBoard *v, DevTree *t, const ArmKernel *k)
{
    memory_nodes(v, t);
    dt_node(t, "/chosen");
    if (k && k->append) {
        dt_string(t, "/chosen", "bootargs", k->append);
    }
    if (k && k->initrd_size) {
        dt_u64(t, "/chosen", "linux,initrd-start", k->initrd);
        dt_u64(t, "/chosen", "linux,initrd-end", k->initrd + k->initrd_size);
    }
    psci_node(v, t);
}
