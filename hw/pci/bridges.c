/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bridges to conventional buses: pci-bridge, pcie-pci-bridge, i82801b11-bridge.
 *
 * PCI-to-PCI Bridge 1.2; PCI Express to PCI Bridge 1.0; numbers as QEMU's devices of these names.
 * Left out: the standard hot-plug controller (SHPC), whose place ACPI takes.
 *
 * home: the machine's lock domain.
 */
#include "hw/pci/internal.h"

typedef struct Bridge {
    PciDevice pci;
    PciBus sec;
    uint8_t chassis;
    bool shpc;
} Bridge;

static bool setup(Device *dev, const PciIdent *ident, Error **errp)
{
    Bridge *b = (Bridge *)dev;

    if (!pci_setup(&b->pci, ident, errp)) {
        return false;
    }
    pci_bus_init_bridge(&b->sec, &b->pci, false);
    return true;
}

static void bridge_unrealize(Device *dev)
{
    Bridge *b = (Bridge *)dev;

    pci_teardown(&b->pci);
    pci_bus_fini(&b->sec);
}

static void bridge_reset(Device *dev)
{
    pci_reset((PciDevice *)dev);
}

static bool bridge_post_load(Device *dev, int version, Error **errp)
{
    pci_loaded((PciDevice *)dev);
    return true;
}

#define BRIDGE_STATE                        \
    PCI_STATE(Bridge), HOST_ONLY(Bridge, sec)
#define NO_SHPC                                                                  \
    PROP(Bridge, PROP_BOOL, shpc, "shpc", false, "hot-plug controller; only off: ACPI does it")

static bool check_shpc(Device *dev, Error **errp)
{
    if (((Bridge *)dev)->shpc) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s: there is no hot-plug controller (shpc=on)",
                  dev->type->name);
        return false;
    }
    return true;
}

/* ---- pci-bridge ---- */

static bool pci_bridge_realize(Device *dev, Error **errp)
{
    Bridge *b = (Bridge *)dev;
    static const PciIdent ident = {.vendor = 0x1b36, .device = 1, .class_code = 0x060400,
                                   .bridge = true};

    if (!check_shpc(dev, errp)) {
        return false;
    }
    if (!b->chassis) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "Bridge chassis not specified. Each bridge is required to be assigned a unique "
                  "chassis id > 0.");
        error_hint(errp, "give it chassis_nr=1");
        return false;
    }
    if (!setup(dev, &ident, errp)) {
        return false;
    }
    unsigned at = pci_add_cap(&b->pci, 0x04, 4, 0x40); /* slot numbering */
    *cfg(&b->pci, at + 2) = 0x20; /* no slots of its own, first in the chassis */
    *cfg(&b->pci, at + 3) = b->chassis;
    b->pci.wmask[at + 3] = 0xff;
    return true;
}

static const Property pci_bridge_props[] = {
    PCI_PROPS(Bridge),
    PROP(Bridge, PROP_U8, chassis, "chassis_nr", 0, "number of the chassis that the slots are in"),
    NO_SHPC,
    {0},
};

static const StateField pci_bridge_state[] = {BRIDGE_STATE, {0}};

static const DeviceType pci_bridge_type = {
    .name = "pci-bridge",
    .help = "Standard PCI Bridge",
    .bus = "pci",
    .size = sizeof(Bridge),
    .version = 1,
    .user_creatable = true,
    .needs = "chassis_nr",
    .props = pci_bridge_props,
    .state = pci_bridge_state,
    .realize = pci_bridge_realize,
    .unrealize = bridge_unrealize,
    .reset_hold = bridge_reset,
    .post_load = bridge_post_load,
};
DEVICE_TYPE(pci_bridge_type);

/* ---- pcie-pci-bridge ---- */

static bool pcie_pci_bridge_realize(Device *dev, Error **errp)
{
    Bridge *b = (Bridge *)dev;
    static const PciIdent ident = {.vendor = 0x1b36, .device = 0xe, .class_code = 0x060400,
                                   .pin = 1, .bridge = true, .express = true,
                                   .pcie_type = PCIE_TO_PCI, .pcie_at = 0x48, .pm_at = 0x84};

    if (!check_shpc(dev, errp)) {
        return false;
    }
    if (b->pci.bus && !b->pci.bus->express) {
        error_set(errp, ERR_INVALID_PARAMETER, "pcie-pci-bridge needs a PCI Express bus, and '%s' "
                  "is none", b->pci.bus->bus.name);
        return false;
    }
    return setup(dev, &ident, errp);
}

static const Property pcie_pci_bridge_props[] = {
    PCI_PROPS(Bridge),
    NO_SHPC,
    {0},
};

static const StateField pcie_pci_bridge_state[] = {BRIDGE_STATE, HOST_ONLY(Bridge, chassis), {0}};

static const DeviceType pcie_pci_bridge_type = {
    .name = "pcie-pci-bridge",
    .help = "PCI Express to PCI bridge",
    .bus = "pci",
    .size = sizeof(Bridge),
    .version = 1,
    .user_creatable = true,
    .props = pcie_pci_bridge_props,
    .state = pcie_pci_bridge_state,
    .realize = pcie_pci_bridge_realize,
    .unrealize = bridge_unrealize,
    .reset_hold = bridge_reset,
    .post_load = bridge_post_load,
};
DEVICE_TYPE(pcie_pci_bridge_type);

/* ---- i82801b11-bridge: the one in ICH9's DMI ---- */

static bool dmi_bridge_realize(Device *dev, Error **errp)
{
    static const PciIdent ident = {.vendor = 0x8086, .device = 0x244e, .class_code = 0x060401,
                                   .revision = 0x92, .bridge = true};

    if (!setup(dev, &ident, errp)) {
        return false;
    }
    pci_bridge_add_ssvid((PciDevice *)dev, 0, 0, 0x50);
    return true;
}

static const Property dmi_bridge_props[] = {
    PCI_PROPS(Bridge),
    {0},
};

static const StateField dmi_bridge_state[] = {
    BRIDGE_STATE,
    HOST_ONLY(Bridge, chassis),
    HOST_ONLY(Bridge, shpc),
    {0},
};

static const DeviceType dmi_bridge_type = {
    .name = "i82801b11-bridge",
    .help = "DMI to PCI bridge of ICH9",
    .bus = "pci",
    .size = sizeof(Bridge),
    .version = 1,
    .user_creatable = true,
    .props = dmi_bridge_props,
    .state = dmi_bridge_state,
    .realize = dmi_bridge_realize,
    .unrealize = bridge_unrealize,
    .reset_hold = bridge_reset,
    .post_load = bridge_post_load,
};
DEVICE_TYPE(dmi_bridge_type);
