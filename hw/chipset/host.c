/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host bridges of PCs: i440FX (82441FX PMC) and Q35 (82Q35 MCH).
 *
 * Intel 82441FX data sheet (order 290549), 3.2 "PCI configuration space": PAM (59h-5Fh), SMRAM
 * (72h). Intel 3 Series Express Chipset data sheet (order 316966), chapter 5: PCIEXBAR (60h), PAM
 * (90h-96h), SMRAM (9Dh), ESMRAMC (9Eh).
 *
 * Left out: everything about DRAM timing.
 *
 * Each is two devices: the bridge proper, which holds the bus, and its function 00.0.
 * home: the machine's lock domain.
 */
#include "base/bits.h"
#include "core/machine.h"
#include "hw/chipset/host.h"
#include "hw/chipset/pci_conf.h"
#include "hw/chipset/smram.h"


enum { FX_PAM = 0x59, FX_SMRAM = 0x72, MCH_PCIEXBAR = 0x60, MCH_PAM = 0x90, MCH_SMRAM = 0x9d,
       MCH_ESMRAMC = 0x9e, MCH_EXT_TSEG = 0x50 };
#define EXT_TSEG_QUERY 0xffff /* written there, it is replaced by the size in MiB (an emulator's register) */

#define PCIEXBAR_ENABLE  1
#define PCIEXBAR_DEFAULT 0xb0000000ull

typedef struct PciHost {
    Device dev;
    PciHostWires w;
    PciBus bus;
    PciConfPorts conf;
    Pam pam;
    Smram smram;
    PciDevice *function;    /* 00.0 */
    MemoryRegion *ecam;     /* q35: all of it */
    MemoryRegion *ecam_window; /* what PCIEXBAR shows of it; NULL: nothing */
    uint64_t ecam_base, ecam_size;
} PciHost;

typedef struct Bridge {
    PciDevice pci;
    uint16_t ext_tseg; /* property of the MCH */
} Bridge;

static PciHost *host_of(PciDevice *d)
{
    return (PciHost *)d->bus->bus.owner;
}

void pci_host_wire(Device *host, const PciHostWires *w)
{
    ((PciHost *)host)->w = *w;
}

AddressSpace *pci_host_smm_space(Device *host)
{
    return ((PciHost *)host)->smram.space;
}

PciBus *pci_host_bus(Device *host)
{
    return &((PciHost *)host)->bus;
}

/* Its registers move the host bridge's regions: it sits on no other bus. */
static bool on_host(Device *dev, const char *host, Error **errp)
{
    if (strcmp(dev->bus->owner->type->name, host) != 0) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' is a part of '%s'", dev->type->name, host);
        return false;
    }
    return true;
}

/* Once locked (true), SMRAM cannot be opened, nor the register changed, until reset. */
static bool lock_smram(PciDevice *d, unsigned reg)
{
    uint8_t *smram = d->config + reg;
    bool locked = *smram & SMRAM_LOCKED;

    *smram = (*smram & ~7) | 2; /* the segment is always A0000h */
    if (locked) {
        *smram &= ~SMRAM_OPEN;
    }
    d->wmask[reg] = locked ? SMRAM_CLOSED : SMRAM_OPEN | SMRAM_CLOSED | SMRAM_LOCKED | SMRAM_G;
    return locked;
}

/* ---- i440FX, function 0 ---- */

static void init_smram(PciDevice *d, unsigned extended)
{
    PciHost *h = host_of(d);

    if (h->w.smm) {
        smram_init(&h->smram, &d->dev, h->w.ram, h->w.top, extended);
    }
}

static void map_memory(PciDevice *d, unsigned pam, uint8_t smramc, uint8_t esmramc)
{
    PciHost *h = host_of(d);

    mem_transaction_begin(d->dev.machine);
    pam_update(&h->pam, d->config + pam, smramc & SMRAM_OPEN);
    smram_update(&h->smram, smramc, esmramc);
    mem_transaction_commit(d->dev.machine);
}

static void fx_map(PciDevice *d)
{
    lock_smram(d, FX_SMRAM);
    map_memory(d, FX_PAM, d->config[FX_SMRAM], 0);
}

static bool touches(unsigned offset, unsigned size, unsigned first, unsigned count)
{
    return offset < first + count && first < offset + size;
}

static void fx_written(PciDevice *d, unsigned offset, unsigned size, uint32_t old)
{
    if (touches(offset, size, FX_PAM, 7) || touches(offset, size, FX_SMRAM, 1)) {
        fx_map(d);
    }
}

static bool fx_realize(Device *dev, Error **errp)
{
    static const PciIdent ident = {.vendor = 0x8086, .device = 0x1237, .revision = 2,
                                   .class_code = 0x060000};
    PciDevice *d = (PciDevice *)dev;

    if (!on_host(dev, "i440FX-pcihost", errp) || !pci_setup(d, &ident, errp)) {
        return false;
    }
    memset(d->wmask + FX_PAM, 0x33, 7);
    d->wmask[FX_PAM] = 0x30;
    d->wmask[0x50] = d->wmask[0x51] = 0xff; /* PMCCFG */
    memset(d->wmask + 0x53, 0xff, 6);       /* DETURBO, DBC, DRAM control */
    memset(d->wmask + 0x60, 0xff, 8);       /* DRB */
    d->config_written = fx_written;
    init_smram(d, 0);
    return true;
}

/*
 * Shadow RAM stays over a reset, unlike on the chip: this is what firmware of virtual machines
 * counts on to find its resume code after S3.
 */
static void reset_but_pam(PciDevice *d, unsigned pam)
{
    uint8_t keep[7];

    memcpy(keep, d->config + pam, sizeof(keep));
    pci_reset(d);
    memcpy(d->config + pam, keep, sizeof(keep));
}

static void fx_reset(Device *dev)
{
    PciDevice *d = (PciDevice *)dev;

    reset_but_pam(d, FX_PAM);
    d->config[FX_SMRAM] = 0x02;
    fx_map(d);
}

static void teardown(Device *d)
{
    pci_teardown((PciDevice *)d);
}

static bool fx_post_load(Device *dev, int version, Error **errp)
{
    pci_loaded((PciDevice *)dev);
    fx_map((PciDevice *)dev);
    return true;
}

static const Property bridge_props[] = {PCI_PROPS(Bridge), {0}};
static const StateField bridge_state[] = {PCI_STATE(Bridge), HOST_ONLY(Bridge, ext_tseg), {0}};

static const DeviceType fx_type = {
    .name = "i440FX",
    .help = "Intel 82441FX host bridge, function 0",
    .bus = "pci",
    .size = sizeof(Bridge),
    .version = 1,
    .internal = true,
    .needs = "a bus of an i440FX-pcihost",
    .props = bridge_props,
    .state = bridge_state,
    .realize = fx_realize,
    .unrealize = teardown,
    .reset_hold = fx_reset,
    .post_load = fx_post_load,
};
DEVICE_TYPE(fx_type);

/* ---- Q35, function 0 ---- */

static uint64_t ecam_read(void *opaque, hwaddr offset, unsigned size)
{
    PciHost *h = opaque;

    return pci_config_read(&h->bus, offset >> 20, offset >> 12, offset & 0xfff, size);
}

static void ecam_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    PciHost *h = opaque;

    pci_config_write(&h->bus, offset >> 20, offset >> 12, offset & 0xfff, v, size);
}

static const IoOps ecam_ops = {ecam_read, ecam_write, .max_size = 4};

bool q35_ecam(Device *host, uint64_t *base, uint64_t *size)
{
    PciHost *h = (PciHost *)host;

    *base = h->ecam_base;
    *size = h->ecam_size;
    return h->ecam_size != 0;
}

static void mch_map_ecam(PciDevice *d)
{
    static const uint64_t sizes[4] = {256u << 20, 128u << 20, 64u << 20, 0};
    PciHost *h = host_of(d);
    MemoryRegion *root = machine_memory_root(d->dev.machine);
    uint64_t v = ld_le64(d->config + MCH_PCIEXBAR);
    uint64_t size = v & PCIEXBAR_ENABLE ? sizes[v >> 1 & 3] : 0;
    uint64_t base = size ? v & 0xfffffffffull & ~(size - 1) : 0;

    if (base == h->ecam_base && size == h->ecam_size) {
        return;
    }
    mem_transaction_begin(d->dev.machine);
    if (h->ecam_size) {
        region_remove(root, h->ecam_window);
        g_clear_pointer(&h->ecam_window, region_unref);
    }
    h->ecam_base = base;
    h->ecam_size = size;
    if (size) {
        h->ecam_window = region_new_alias("pcie-mmcfg", h->ecam, 0, size);
        region_add(root, base, h->ecam_window, 0);
    }
    mem_transaction_commit(d->dev.machine);
}

static void mch_map_ram(PciDevice *d)
{
    d->wmask[MCH_ESMRAMC] = lock_smram(d, MCH_SMRAM) ? 0 : ESMRAMC_H | ESMRAMC_T_SIZE | ESMRAMC_T_EN;
    map_memory(d, MCH_PAM, d->config[MCH_SMRAM], d->config[MCH_ESMRAMC]);
}

static void mch_map(PciDevice *d)
{
    mch_map_ram(d);
    mch_map_ecam(d);
}

static void mch_written(PciDevice *d, unsigned offset, unsigned size, uint32_t old)
{
    if (touches(offset, size, MCH_PAM, 7) || touches(offset, size, MCH_SMRAM, 2)) {
        mch_map_ram(d);
    }
    if (touches(offset, size, MCH_PCIEXBAR, 8)) {
        mch_map_ecam(d);
    }
    Bridge *b = (Bridge *)d;
    if (b->ext_tseg && ld_le16(d->config + MCH_EXT_TSEG) == EXT_TSEG_QUERY) {
        st_le16(d->config + MCH_EXT_TSEG, b->ext_tseg);
    }
}

static bool mch_realize(Device *dev, Error **errp)
{
    static const PciIdent ident = {.vendor = 0x8086, .device = 0x29c0, .class_code = 0x060000};
    PciDevice *d = (PciDevice *)dev;

    if (!on_host(dev, "q35-pcihost", errp) || !pci_setup(d, &ident, errp)) {
        return false;
    }
    st_le64(d->wmask + MCH_PCIEXBAR, 0xffc000007ull);
    memset(d->wmask + MCH_PAM, 0x33, 7);
    d->wmask[MCH_PAM] = 0x30;
    st_le16(d->wmask + MCH_EXT_TSEG, 0xffff);
    /* Where firmware notes its map of memory: TOM, TOUUD, GBSM, BGSM, TSEGMB, TOLUD; only kept. */
    st_le16(d->wmask + 0xa0, 0x03ff);
    st_le16(d->wmask + 0xa2, 0xffff);
    st_le32(d->wmask + 0xa4, 0xfff00000);
    st_le32(d->wmask + 0xa8, 0xfff00000);
    st_le32(d->wmask + 0xac, 0xfff00000);
    st_le16(d->wmask + 0xb0, 0xfff0);
    d->config_written = mch_written;
    init_smram(d, ((Bridge *)d)->ext_tseg);
    return true;
}

static void mch_reset(Device *dev)
{
    PciDevice *d = (PciDevice *)dev;

    /* SeaBIOS resumes by configuration accesses through the window that it opened before. */
    uint64_t window = machine_waking(dev->machine) ? ld_le64(d->config + MCH_PCIEXBAR)
                                                   : PCIEXBAR_DEFAULT;

    reset_but_pam(d, MCH_PAM);
    st_le64(d->config + MCH_PCIEXBAR, window);
    d->config[MCH_SMRAM] = 0x02;
    d->config[MCH_ESMRAMC] = 0x38;
    mch_map(d);
}

static bool mch_post_load(Device *dev, int version, Error **errp)
{
    pci_loaded((PciDevice *)dev);
    mch_map((PciDevice *)dev);
    return true;
}

static const Property mch_props[] = {
    PCI_PROPS(Bridge),
    PROP(Bridge, PROP_U16, ext_tseg, "extended-tseg-mbytes", 16, "MiB of the largest SMRAM; 0: the chip's own sizes only"),
    {0},
};

static const DeviceType mch_type = {
    .name = "mch",
    .help = "Intel 82Q35 host bridge, function 0",
    .bus = "pci",
    .size = sizeof(Bridge),
    .version = 1,
    .internal = true,
    .needs = "a bus of a q35-pcihost",
    .props = mch_props,
    .state = bridge_state,
    .realize = mch_realize,
    .unrealize = teardown,
    .reset_hold = mch_reset,
    .post_load = mch_post_load,
};
DEVICE_TYPE(mch_type);

/* ---- the bridges proper ---- */

static bool host_realize(Device *dev, const DeviceType *function, bool express, Error **errp)
{
    PciHost *h = (PciHost *)dev;

    if (!h->w.ram || !h->w.pci) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s: it needs memory to stand between",
                  dev->type->name);
        return false;
    }
    pci_bus_init_root(&h->bus, dev, express ? "pcie.0" : "pci.0", express, h->w.pci,
                      machine_ports_root(dev->machine), machine_memory(dev->machine));
    pci_bus_set_msi(&h->bus, h->w.msi, h->w.msi_opaque);
    h->conf.root = &h->bus;
    h->conf.reset_mask = express ? 0x0a : 0x02;
    pci_conf_map(&h->conf, dev);
    pam_init(&h->pam, dev, h->w.ram, h->w.pci);
    Device *d = pci_new(&h->bus, 0, function, NULL);
    h->function = (PciDevice *)d;
    return device_realize(d, errp);
}

static bool fx_host_realize(Device *dev, Error **errp)
{
    return host_realize(dev, &fx_type, false, errp);
}

static bool q35_host_realize(Device *dev, Error **errp)
{
    PciHost *h = (PciHost *)dev;

    h->ecam = region_new_io("pcie-mmcfg-mmio", &ecam_ops, h, 256u << 20);
    g_ptr_array_add(dev->regions, h->ecam);
    return host_realize(dev, &mch_type, true, errp);
}

static void host_unrealize(Device *dev)
{
    PciHost *h = (PciHost *)dev;

    if (h->ecam_window) {
        region_remove(machine_memory_root(dev->machine), h->ecam_window);
        g_clear_pointer(&h->ecam_window, region_unref);
    }
    pci_bus_fini(&h->bus);
    smram_fini(&h->smram);
    pam_fini(&h->pam);
}

void pci_host_preset(Device *host)
{
    PciHost *h = (PciHost *)host;
    PciDevice *d = h->function;
    bool q35 = host->type == &q35_host_type;
    unsigned pam = q35 ? MCH_PAM : FX_PAM;

    d->config[pam] = 0x30;
    memset(d->config + pam + 1, 0x33, 6);
    if (q35) {
        st_le64(d->config + MCH_PCIEXBAR, PCIEXBAR_DEFAULT | PCIEXBAR_ENABLE);
        mch_map(d);
    } else {
        fx_map(d);
    }
}

static const StateField host_state[] = {
    HOST_ONLY(PciHost, w),
    HOST_ONLY(PciHost, bus),
    PCI_CONF_STATE(PciHost, conf),
    HOST_ONLY(PciHost, pam),
    HOST_ONLY(PciHost, smram),
    HOST_ONLY(PciHost, function),
    HOST_ONLY(PciHost, ecam),
    HOST_ONLY(PciHost, ecam_window),
    HOST_ONLY(PciHost, ecam_base),
    HOST_ONLY(PciHost, ecam_size),
    {0},
};

const DeviceType i440fx_host_type = {
    .name = "i440FX-pcihost",
    .help = "Intel 82441FX host bridge",
    .bus = "sysbus",
    .size = sizeof(PciHost),
    .version = 1,
    .internal = true,
    .needs = "the board's memory",
    .state = host_state,
    .realize = fx_host_realize,
    .unrealize = host_unrealize,
};
DEVICE_TYPE(i440fx_host_type);

const DeviceType q35_host_type = {
    .name = "q35-pcihost",
    .help = "Intel 82Q35 host bridge",
    .bus = "sysbus",
    .size = sizeof(PciHost),
    .version = 1,
    .internal = true,
    .needs = "the board's memory",
    .state = host_state,
    .realize = q35_host_realize,
    .unrealize = host_unrealize,
};
DEVICE_TYPE(q35_host_type);
