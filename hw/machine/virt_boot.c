/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a "virt" machine starts with: a kernel in memory, or firmware in flash (which finds a kernel in fw_cfg); the device
 * tree that both are told of.
 *
 * With a kernel the tree is where the loader put it; firmware finds it at the start of RAM.
 * home: main loop.
 */
#include "hw/machine/virt.h"

#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "block/block.h"
#include "hw/block/pflash.h"
#include "hw/firmware/fw_cfg.h"
#include "hw/firmware/smbios.h"
#include "hw/machine/boot/internal.h"
#include "hw/machine/bootorder.h"
#include "hw/machine/firmware.h"

#define MIB          (1ull << 20)
#define FLASH_SECTOR (256u << 10)
#define DEFAULT_RAM  (128 * MIB)
#define MIN_RAM      (16 * MIB)

/* What reset puts into memory; a device of its own, so that it is freed with the machine. */
struct VirtBoot {
    Device dev;
    VirtBoard *v;
    bool ran;          /* the guest ran already: all devices are there */
    bool direct;       /* a kernel without firmware: */
    ArmKernel kernel;
    DevTree *tree;
    uint32_t tree_size;
    uint64_t tree_at;  /* UINT64_MAX: nowhere */
    AcpiTables *acpi;  /* for firmware; NULL: none */
    Smbios *smbios;
};

static void virt_boot_unrealize(Device *d)
{
    VirtBoot *b = (VirtBoot *)d;

    arm_kernel_clear(&b->kernel);
    g_clear_pointer(&b->tree, dt_free);
    acpi_tables_free(b->acpi);
    smbios_free(b->smbios);
    if (b->v) {
        g_clear_pointer(&b->v->secure_space, address_space_free);
        g_clear_pointer(&b->v->secure_root, region_unref);
    }
}

static const StateField virt_boot_state[] = {
    HOST_ONLY(VirtBoot, v),         HOST_ONLY(VirtBoot, direct),  HOST_ONLY(VirtBoot, kernel), HOST_ONLY(VirtBoot, tree),
    HOST_ONLY(VirtBoot, tree_size), HOST_ONLY(VirtBoot, tree_at), HOST_ONLY(VirtBoot, acpi),
    HOST_ONLY(VirtBoot, smbios), {0},
};

static const DeviceType virt_boot_type = {
    .name = "virt-boot",
    .help = "what the board loads into memory at reset",
    .bus = "sysbus",
    .size = sizeof(VirtBoot),
    .version = 1,
    .internal = true,
    .state = virt_boot_state,
    .unrealize = virt_boot_unrealize,
};
DEVICE_TYPE(virt_boot_type);

/* ---- configuration ---- */

bool virt_check(const MachineConfig *cfg, Error **errp)
{
    uint64_t ram = cfg->ram_size ? cfg->ram_size : DEFAULT_RAM;

    if (ram < MIN_RAM || ram % MEM_PAGE_SIZE) {
        error_set(errp, ERR_INVALID_PARAMETER, "this machine cannot have %llu bytes of memory", (unsigned long long)ram);
        error_hint(errp, "-m takes %llu MiB or more, in units of 4 KiB", (unsigned long long)(MIN_RAM / MIB));
        return false;
    }
    if (!cfg->kernel && (cfg->append || cfg->initrd)) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s needs a kernel", cfg->append ? "-append" : "-initrd");
        error_hint(errp, "give -kernel too");
        return false;
    }
    return smbios_check(cfg, errp);
}

static MachineDrive *flash_drive(VirtBoard *v, int n)
{
    return machine_drive(v->dev.machine, MACHINE_DRIVE_PFLASH, 0, n);
}

bool virt_has_firmware(VirtBoard *v)
{
    return machine_config(v->dev.machine)->firmware || v->pflash[0] || flash_drive(v, 0);
}

bool virt_boots_linux(VirtBoard *v)
{
    return v->boot->direct && v->boot->kernel.is_linux;
}

bool virt_boot_plan(VirtBoard *v, Error **errp)
{
    const MachineConfig *cfg = machine_config(v->dev.machine);
    Device *d = device_new(v->dev.machine, &virt_boot_type, &v->dev, NULL);

    v->boot = (VirtBoot *)d;
    v->boot->v = v;
    v->boot->direct = cfg->kernel && !virt_has_firmware(v);
    if (!device_realize(d, errp)) {
        return false;
    }
    return !v->boot->direct ||
           arm_kernel_plan(cfg, 1ull << 30, cfg->ram_size, v->cpu.aarch64, &v->boot->kernel, errp);
}

/* ---- flash ---- */

/* The image of flash n: -M pflash<n>= names a node, else -drive if=pflash. */
static bool flash_image(VirtBoard *v, int n, BlockPort **port, Error **errp)
{
    MachineDrive *drive = flash_drive(v, n);

    *port = drive ? drive->port : NULL;
    if (drive) {
        drive->claimed = true;
    }
    if (v->pflash[n] && drive) {
        error_set(errp, ERR_INVALID_PARAMETER, "both -M pflash%d= and -drive if=pflash are given", n);
        return false;
    }
    if (v->pflash[n]) {
        *port = machine_find_drive(v->dev.machine, v->pflash[n], errp);
        return *port != NULL;
    }
    return true;
}

static Device *new_flash(VirtBoard *v, int n, BlockPort *port, uint64_t size)
{
    static const char *const names[] = {"virt.flash0", "virt.flash1"};
    Device *d = device_new(v->dev.machine, &pflash_cfi01_type, &v->dev, NULL);

    if (port) {
        device_set_ptr(d, "drive", port);
    }
    device_set_u64(d, "num-blocks", size / FLASH_SECTOR);
    device_set_u64(d, "sector-length", FLASH_SECTOR);
    device_set_u64(d, "width", 4);
    device_set_u64(d, "device-width", 2);
    device_set_u64(d, "blank", false);
    device_set_u64(d, "id0", 0x89);
    device_set_u64(d, "id1", 0x18);
    device_set(d, "name", names[n], NULL);
    return d;
}

static bool add_flash(VirtBoard *v, int n, Device **out, Error **errp)
{
    uint64_t size = v->map[VIRT_FLASH].size / 2;
    BlockPort *port;

    if (!flash_image(v, n, &port, errp)) {
        return false;
    }
    if (port && block_port_size(port) != size) {
        error_set(errp, ERR_INVALID_PARAMETER, "the flash image '%s' has %llu bytes", block_port_name(port),
                  (unsigned long long)block_port_size(port));
        error_hint(errp, "a flash of this machine has %llu MiB: truncate -s makes a copy of the image that large",
                   (unsigned long long)(size / MIB));
        return false;
    }
    Device *d = *out = new_flash(v, n, port, size);
    if (!device_realize(d, errp)) {
        return false;
    }
    /* With secure=on the first one is for Secure accesses. */
    MemoryRegion *root = n == 0 && v->secure_root ? v->secure_root : machine_memory_root(v->dev.machine);
    region_add(root, v->map[VIRT_FLASH].base + n * size, pflash_region(d), 0);
    return true;
}

/* -bios: the contents of the first flash, which nobody saves. */
static bool load_bios(VirtBoard *v, Device *flash, Error **errp)
{
    uint64_t size = v->map[VIRT_FLASH].size / 2;
    size_t len;
    g_autofree char *data = NULL;

    if (!machine_config(v->dev.machine)->firmware) {
        return true;
    }
    if (v->pflash[0] || flash_drive(v, 0)) {
        error_set(errp, ERR_INVALID_PARAMETER, "The contents of the first flash device may be specified with -bios or with "
                                               "-drive if=pflash... but you cannot use both options at once");
        return false;
    }
    data = firmware_read(machine_config(v->dev.machine), size, &len, errp);
    if (data) {
        memcpy(region_ram(pflash_array(flash))->host, data, len);
    }
    return data != NULL;
}

static bool add_flashes(VirtBoard *v, Error **errp)
{
    Device *d[2];

    return add_flash(v, 0, &d[0], errp) && add_flash(v, 1, &d[1], errp) && load_bios(v, d[0], errp);
}

/* ---- fw_cfg ---- */

/* As QEMU's firmware interface numbers them: what a kernel loader in firmware fetches. */
enum { KERNEL_SIZE = 0x08, INITRD_SIZE = 0x0b, KERNEL_DATA = 0x11, INITRD_DATA = 0x12, CMDLINE_SIZE = 0x14, CMDLINE_DATA = 0x15 };

static bool add_file_item(VirtBoard *v, const char *what, const char *path, int size_key, int data_key, Error **errp)
{
    BootFile f = {0};

    if (path && !boot_read_file(&f, what, path, errp)) {
        return false;
    }
    fw_cfg_add_number(v->fw_cfg, size_key, f.len, 4);
    fw_cfg_add_item(v->fw_cfg, data_key, f.data, f.len);
    boot_file_clear(&f);
    return true;
}

/* Firmware that was given a kernel starts it. */
static bool add_kernel_items(VirtBoard *v, Error **errp)
{
    const MachineConfig *cfg = machine_config(v->dev.machine);
    const char *text = cfg->append ? cfg->append : "";

    if (!cfg->kernel || v->boot->direct) {
        return true;
    }
    if (!add_file_item(v, "kernel", cfg->kernel, KERNEL_SIZE, KERNEL_DATA, errp) ||
        !add_file_item(v, "initrd", cfg->initrd, INITRD_SIZE, INITRD_DATA, errp)) {
        return false;
    }
    fw_cfg_add_number(v->fw_cfg, CMDLINE_SIZE, strlen(text) + 1, 4);
    fw_cfg_add_item(v->fw_cfg, CMDLINE_DATA, text, strlen(text) + 1);
    return true;
}

static bool add_fw_cfg(VirtBoard *v, Error **errp)
{
    const MachineConfig *cfg = machine_config(v->dev.machine);
    Device *d = v->fw_cfg = device_new(v->dev.machine, &fw_cfg_mem_type, &v->dev, NULL);

    device_set_u64(d, "base", v->map[VIRT_FW_CFG].base);
    if (!device_realize(d, errp)) {
        return false;
    }
    fw_cfg_add_number(d, FW_CFG_RAM_SIZE, cfg->ram_size, 8);
    fw_cfg_add_number(d, FW_CFG_NB_CPUS, cfg->cpus, 2);
    fw_cfg_add_number(d, FW_CFG_MAX_CPUS, MAX(cfg->max_cpus, cfg->cpus), 2);
    fw_cfg_add_number(d, FW_CFG_NOGRAPHIC, cfg->nographic || !v->graphics, 2);
    fw_cfg_add_number(d, FW_CFG_BOOT_MENU, cfg->boot_menu, 2);
    if (cfg->has_uuid) {
        fw_cfg_add_item(d, FW_CFG_UUID, cfg->uuid, sizeof(cfg->uuid));
    }
    return add_kernel_items(v, errp);
}

/* ---- the tree ---- */

/* New seeds for each start of the guest. */
static void randomize(VirtBoard *v)
{
    static const char *const nodes[] = {"/chosen", "/secure-chosen"};

    for (size_t i = 0; v->dtb_randomness && i < ARRAY_LEN(nodes); i++) {
        dt_randomize(v->boot->tree, nodes[i], "kaslr-seed");
        dt_randomize(v->boot->tree, nodes[i], "rng-seed");
    }
}

static bool dump_tree(VirtBoard *v, Error **errp)
{
    const VirtBoot *b = v->boot;
    g_autoptr(GError) gerr = NULL;

    if (!v->dumpdtb) {
        return true;
    }
    if (!g_file_set_contents(v->dumpdtb, b->tree->blob, b->tree_size, &gerr)) {
        error_set(errp, ERR_IO, "dumpdtb: %s", gerr->message);
        return false;
    }
    info_report("dtb dumped to %s. Exiting.", v->dumpdtb);
    machine_request_exit(v->dev.machine, 0);
    return true;
}

/* The nodes of the user's tree that say what this machine has instead. */
static void take_over(DevTree *t)
{
    dt_remove_all(t, "memory");
}

static bool add_tree(VirtBoard *v, Error **errp)
{
    VirtBoot *b = v->boot;

    if (v->dtb && !b->direct) {
        error_set(errp, ERR_INVALID_PARAMETER, "-dtb needs a kernel");
        error_hint(errp, "give -kernel, without firmware");
        return false;
    }
    b->tree = v->dtb ? dt_load(v->dtb, errp) : virt_fdt(v);
    if (!b->tree) {
        return false;
    }
    if (v->dtb) {
        take_over(b->tree);
    }
    virt_fdt_boot(v, b->tree, b->direct ? &b->kernel : NULL);
    b->tree_size = dt_finish(b->tree, errp);
    randomize(v);
    b->tree_at = b->direct ? b->kernel.dtb : v->map[VIRT_MEM].base;
    return b->tree_size && dump_tree(v, errp);
}

/* ---- tables for firmware ---- */

static bool add_acpi(VirtBoard *v, Error **errp)
{
    if (!virt_has_acpi(v)) {
        return true;
    }
    const AcpiTables *t = v->boot->acpi = virt_acpi(v);
    return fw_cfg_add_file(v->fw_cfg, ACPI_TABLES_FILE, t->tables->data, t->tables->len, errp) &&
           fw_cfg_add_file(v->fw_cfg, ACPI_RSDP_FILE, t->rsdp->data, t->rsdp->len, errp) &&
           fw_cfg_add_file(v->fw_cfg, ACPI_LOADER_FILE, t->loader->data, t->loader->len, errp);
}

static bool add_smbios(VirtBoard *v, Error **errp)
{
    const SmbiosConfig sc = {.machine = machine_config(v->dev.machine),
                             .product = "QEMU Virtual Machine",
                             .version = "virt-7.2",
                             .ram_base = v->map[VIRT_MEM].base,
                             .below_4g = v->map[VIRT_MEM].size,
                             .entry64 = true};
    const Smbios *s = v->boot->smbios = smbios_build(&sc);

    return fw_cfg_add_file(v->fw_cfg, SMBIOS_TABLES_FILE, s->tables->data, s->tables->len, errp) &&
           fw_cfg_add_file(v->fw_cfg, SMBIOS_ANCHOR_FILE, s->anchor->data, s->anchor->len, errp);
}

/* The host bridge has no registers with an address, which QEMU writes like this. */
#define HOST_BRIDGE "/pci@ffffffffffffffff"

static char *boot_path(void *opaque, Device *root, const char *path, const char *suffix)
{
    VirtBoard *v = opaque;

    if (!path) {
        return NULL;
    }
    return root == v->pcie ? g_strconcat(HOST_BRIDGE, path, suffix, NULL) : bootorder_virtio_mmio_path(root, path, suffix);
}

/* Devices come after the board: when the machine first runs they are all there. */
static void on_run_state(void *opaque, Machine *m, RunState now, bool running)
{
    VirtBoard *v = opaque;

    if (running && !v->boot->ran) {
        v->boot->ran = true;
        bootorder_publish(m, v->fw_cfg, NULL, boot_path, v);
    }
}

bool virt_boot_add(VirtBoard *v, Error **errp)
{
    machine_add_run_state_notifier(v->dev.machine, on_run_state, v);
    return add_flashes(v, errp) && add_fw_cfg(v, errp) && add_tree(v, errp) && add_acpi(v, errp) && add_smbios(v, errp) &&
           fw_cfg_add_file(v->fw_cfg, "bootorder", "", 0, errp) &&
           firmware_add_files(v->dev.machine, v->fw_cfg, errp);
}

void virt_reset(Machine *m)
{
    VirtBoard *v = (VirtBoard *)machine_board_device(m);
    VirtBoot *b = v->boot;

    if (b->ran) {
        bootorder_publish(m, v->fw_cfg, NULL, boot_path, v);
    }
    randomize(v);
    if (b->tree_at != UINT64_MAX) {
        address_space_poke(machine_memory(m), b->tree_at, b->tree->blob, b->tree_size);
    }
    if (b->direct) {
        arm_kernel_start(&b->kernel, m);
    }
}
