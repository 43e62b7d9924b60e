/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICH9 function 1f.3: SMBus controller.
 *
 * Intel ICH9 data sheet (order 316972), 20.1 "PCI configuration registers (SMBus)": SMB_BASE is
 * BAR 4, HOSTC (40h) bit 0 enables the controller. Left out: the memory BAR.
 *
 * outputs: none but its PCI pin.  home: the machine's lock domain.
 */
#include "base/bits.h"
#include "core/machine.h"
#include "hw/chipset/ich9.h"
#include "hw/chipset/smbus.h"

enum { HOSTC = 0x40 };
#define HOSTC_ENABLE 0x01
#define HOSTC_SMI_EN 0x02

typedef struct Ich9Smb {
    PciDevice pci;
    Smbus smbus;
    MemoryRegion *window;
    MemoryRegion *registers; /* in the window while HOSTC enables them */
} Ich9Smb;

static void smb_enable(Ich9Smb *s)
{
    region_set_enabled(s->registers, s->pci.config[HOSTC] & HOSTC_ENABLE);
}

static void smb_written(PciDevice *d, unsigned offset, unsigned size, uint32_t old)
{
    smb_enable((Ich9Smb *)d);
}

static void smb_outputs(Device *d)
{
    Ich9Smb *s = (Ich9Smb *)d;

    pci_set_irq(&s->pci, !(s->pci.config[HOSTC] & HOSTC_SMI_EN) && smbus_irq(&s->smbus));
}

static bool smb_realize(Device *dev, Error **errp)
{
    static const PciIdent ident = {.vendor = 0x8086, .device = 0x2930, .revision = 2,
                                   .class_code = 0x0c0500, .pin = 1};
    Ich9Smb *s = (Ich9Smb *)dev;

    if (!pci_setup(&s->pci, &ident, errp)) {
        return false;
    }
    s->pci.wmask[HOSTC] = 0x0f;
    s->pci.config_written = smb_written;
    s->window = region_new_container("ich9-smbus-bar", 64);
    s->registers = region_new_container("ich9-smbus", 64);
    g_ptr_array_add(dev->regions, s->registers);
    g_ptr_array_add(dev->regions, s->window);
    region_add(s->window, 0, s->registers, 0);
    smbus_init(&s->smbus, dev, s->registers, 64);
    pci_bar(&s->pci, 4, s->window, true, false, false);
    return true;
}

static void smb_unrealize(Device *d)
{
    pci_teardown((PciDevice *)d);
}

static void smb_reset(Device *d)
{
    Ich9Smb *s = (Ich9Smb *)d;

    pci_reset(&s->pci);
    s->pci.config[HOSTC] = 0;
    smb_enable(s);
}

static bool smb_post_load(Device *d, int version, Error **errp)
{
    pci_loaded((PciDevice *)d);
    smb_enable((Ich9Smb *)d);
    return true;
}

static const Property smb_props[] = {PCI_PROPS(Ich9Smb), {0}};
static const StateField smb_state[] = {
    PCI_STATE(Ich9Smb),
    SMBUS_STATE(Ich9Smb, smbus),
    HOST_ONLY(Ich9Smb, window),
    HOST_ONLY(Ich9Smb, registers),
    {0},
};

const DeviceType ich9_smbus_type = {
    .name = "ICH9-SMB",
    .alias = "ich9-smb",
    .help = "Intel ICH9 SMBus controller",
    .bus = "pci",
    .size = sizeof(Ich9Smb),
    .version = 1,
    .internal = true,
    .needs = "a PCI bus",
    .props = smb_props,
    .state = smb_state,
    .realize = smb_realize,
    .unrealize = smb_unrealize,
    .reset_hold = smb_reset,
    .post_load = smb_post_load,
    .outputs = smb_outputs,
};
DEVICE_TYPE(ich9_smbus_type);
