/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI Express ports: pcie-root-port, ioh3420, x3130-upstream, xio3130-downstream.
 *
 * PCIe Base 4.0 chapter 7; numbers and places of capabilities as QEMU's devices of these names.
 * Left out: ARI, ACS, advanced error reporting, and what a link would do.
 *
 * home: the machine's lock domain.
 */
#include "hw/pci/internal.h"
#include "hw/pci/port.h"

static const char *const speeds[] = {"2_5", "5", "8", "16", NULL};
static const char *const widths[] = {"1", "2", "4", "8", "12", "16", "32", NULL};
static const uint8_t lanes[] = {1, 2, 4, 8, 12, 16, 32};

static bool setup(Device *dev, const PciIdent *ident, Error **errp)
{
    PciePort *p = (PciePort *)dev;

    if (p->pci.bus && !p->pci.bus->express) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s needs a PCI Express bus, and '%s' is none",
                  dev->type->name, p->pci.bus->bus.name);
        return false;
    }
    if (!pci_setup(&p->pci, ident, errp)) {
        return false;
    }
    pci_bus_init_bridge(&p->sec, &p->pci, true);
    unsigned at = p->pci.pcie_cap + EXP_LNKCAP;
    st_le32(cfg(&p->pci, at), ld_le32(cfg(&p->pci, at)) | (uint32_t)p->port << 24);
    return true;
}

/* A port with one slot behind it. */
static bool setup_slot(Device *dev, const PciIdent *ident, Error **errp)
{
    PciePort *p = (PciePort *)dev;

    if (p->slot > 0x1fff) {
        error_set(errp, ERR_INVALID_PARAMETER, "slot=%u is out of range", p->slot);
        error_hint(errp, "it may be 0 to 8191");
        return false;
    }
    if (!setup(dev, ident, errp)) {
        return false;
    }
    p->sec.slot_max = 0;
    pcie_slot_init(p);
    return true;
}

static void port_written(PciDevice *d, unsigned offset, unsigned size, uint32_t old)
{
    pcie_slot_written((PciePort *)d, offset, size, old);
}

static void port_unrealize(Device *dev)
{
    PciePort *p = (PciePort *)dev;

    pci_teardown(&p->pci);
    pci_bus_fini(&p->sec);
}

static void port_reset(Device *dev)
{
    pci_reset((PciDevice *)dev);
}

static bool port_post_load(Device *dev, int version, Error **errp)
{
    pci_loaded((PciDevice *)dev);
    return true;
}

static void slot_reset(Device *dev)
{
    pci_reset((PciDevice *)dev);
    pcie_slot_reset((PciePort *)dev);
}

static bool slot_post_load(Device *dev, int version, Error **errp)
{
    pci_loaded((PciDevice *)dev);
    pcie_slot_loaded((PciePort *)dev);
    return true;
}

static void slot_outputs(Device *dev)
{
    pci_set_irq((PciDevice *)dev, ((PciePort *)dev)->asserted);
}

#define PORT_PROP PROP(PciePort, PROP_U8, port, "port", 0, "number of the port")
#define SLOT_PROPS                                                                                 \
    PORT_PROP, PROP(PciePort, PROP_U8, chassis, "chassis", 0, "number of the chassis"),            \
        PROP(PciePort, PROP_U16, slot, "slot", 0, "number of the slot"),                           \
        PROP(PciePort, PROP_BOOL, hotplug, "hotplug", true, "cards can be plugged while it runs"), \
        PROP(PciePort, PROP_BOOL, power_controller, "power_controller_present", true,              \
             "the guest can switch the slot's power")
#define PORT_STATE PCI_STATE(PciePort), HOST_ONLY(PciePort, sec), STATE(PciePort, STATE_U8, asserted, 0)
#define PORT_TYPE                                                                                  \
    .bus = "pci", .size = sizeof(PciePort), .version = 1, .user_creatable = true,                  \
    .unrealize = port_unrealize
#define SLOT_TYPE                                                                                  \
    .reset_hold = slot_reset, .outputs = slot_outputs, .post_load = slot_post_load
#define PORT_IDENT .class_code = 0x060400, .bridge = true, .express = true, .no_pm = true
#define NO_LINK    HOST_ONLY(PciePort, speed), HOST_ONLY(PciePort, width)

/* ---- pcie-root-port ---- */

static bool root_port_realize(Device *dev, Error **errp)
{
    PciePort *p = (PciePort *)dev;
    PciDevice *d = &p->pci;
    static const PciIdent ident = {
        .vendor = 0x1b36, .device = 0xc, PORT_IDENT, .pin = 1, .pcie_type = PCIE_ROOT_PORT,
        .pcie_at = 0x54};

    if (!setup_slot(dev, &ident, errp)) {
        return false;
    }
    unsigned at = d->pcie_cap;
    unsigned link = (p->speed + 1) | lanes[p->width] << 4;
    uint32_t cap = ld_le32(cfg(d, at + EXP_LNKCAP)) & ~0x3ffu;
    st_le32(cfg(d, at + EXP_LNKCAP), cap | link);
    st_le16(cfg(d, at + EXP_LNKSTA), link);
    st_le32(cfg(d, at + 0x2c), ((2u << p->speed) - 1) << 1); /* supported speeds: all up to it */
    st_le16(cfg(d, at + EXP_LNKCTL2), p->speed + 1);
    pci_add_msix(d, 1, 0, 0, 0x800, 0x48);
    pci_bridge_add_ssvid(d, 0x1b36, 0, 0x40);
    d->config_written = port_written;
    return true;
}

static const Property root_port_props[] = {
    PCI_PROPS(PciePort),
    SLOT_PROPS,
    {.name = "x-speed", .kind = PROP_ENUM, .offset = offsetof(PciePort, speed), .def = 3,
     .enum_names = speeds, .help = "speed of the link, GT/s"},
    {.name = "x-width", .kind = PROP_ENUM, .offset = offsetof(PciePort, width), .def = 6,
     .enum_names = widths, .help = "lanes of the link"},
    {0},
};

static const StateField root_port_state[] = {PORT_STATE, {0}};

static const DeviceType root_port_type = {
    .name = "pcie-root-port",
    .help = "PCI Express Root Port",
    PORT_TYPE,
    .props = root_port_props,
    .state = root_port_state,
    .realize = root_port_realize,
    SLOT_TYPE,
};
DEVICE_TYPE(root_port_type);

/* ---- ioh3420 ---- */

static bool ioh3420_realize(Device *dev, Error **errp)
{
    PciDevice *d = (PciDevice *)dev;
    static const PciIdent ident = {
        .vendor = 0x8086, .device = 0x3420, PORT_IDENT, .revision = 2, .pin = 1,
        .pcie_type = PCIE_ROOT_PORT, .pcie_at = 0x90};

    if (!setup_slot(dev, &ident, errp)) {
        return false;
    }
    pci_bridge_add_ssvid(d, 0x8086, 0, 0x40);
    pci_add_msi(d, 2, false, true, 0x60);
    d->config_written = port_written;
    return true;
}

static const Property slot_props[] = {
    PCI_PROPS(PciePort),
    SLOT_PROPS,
    {0},
};

static const StateField slot_state[] = {PORT_STATE, NO_LINK, {0}};

static const DeviceType ioh3420_type = {
    .name = "ioh3420",
    .help = "Intel IOH device id 3420 PCIE Root Port",
    PORT_TYPE,
    .props = slot_props,
    .state = slot_state,
    .realize = ioh3420_realize,
    SLOT_TYPE,
};
DEVICE_TYPE(ioh3420_type);

/* ---- xio3130-downstream ---- */

static bool downstream_realize(Device *dev, Error **errp)
{
    PciDevice *d = (PciDevice *)dev;
    static const PciIdent ident = {
        .vendor = 0x104c, .device = 0x8233, PORT_IDENT, .revision = 1,
        .pcie_type = PCIE_DOWNSTREAM, .pcie_at = 0x90};

    if (!setup_slot(dev, &ident, errp)) {
        return false;
    }
    pci_add_msi(d, 1, true, false, 0x70);
    pci_bridge_add_ssvid(d, 0, 0, 0x80);
    d->config_written = port_written;
    return true;
}

static const DeviceType downstream_type = {
    .name = "xio3130-downstream",
    .help = "TI X3130 Downstream Port of PCI Express Switch",
    PORT_TYPE,
    .props = slot_props,
    .state = slot_state,
    .realize = downstream_realize,
    SLOT_TYPE,
};
DEVICE_TYPE(downstream_type);

/* ---- x3130-upstream ---- */

static bool upstream_realize(Device *dev, Error **errp)
{
    PciDevice *d = (PciDevice *)dev;
    static const PciIdent ident = {
        .vendor = 0x104c, .device = 0x8232, PORT_IDENT, .revision = 2, .flr = true,
        .pcie_type = PCIE_UPSTREAM, .pcie_at = 0x90};

    if (!setup(dev, &ident, errp)) {
        return false;
    }
    pci_add_msi(d, 1, true, false, 0x70);
    pci_bridge_add_ssvid(d, 0, 0, 0x80);
    return true;
}

static const Property upstream_props[] = {
    PCI_PROPS(PciePort),
    PORT_PROP,
    {0},
};

static const StateField upstream_state[] = {
    PORT_STATE,
    NO_LINK,
    HOST_ONLY(PciePort, chassis),
    HOST_ONLY(PciePort, slot),
    HOST_ONLY(PciePort, hotplug),
    HOST_ONLY(PciePort, power_controller),
    {0},
};

static const DeviceType upstream_type = {
    .name = "x3130-upstream",
    .help = "TI X3130 Upstream Port of PCI Express Switch",
    PORT_TYPE,
    .props = upstream_props,
    .state = upstream_state,
    .realize = upstream_realize,
    .reset_hold = port_reset,
    .post_load = port_post_load,
};
DEVICE_TYPE(upstream_type);
