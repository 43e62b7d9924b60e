/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PIIX4 (82371AB) function 3: power management and SMBus.
 *
 * Intel 82371AB data sheet (order 290562), 7 "power management": PMBASE (40h), PMREGMISC (80h),
 * SMBBA (90h), SMBHSTCFG (D2h); I/O registers 7.2 and 7.3; APM control and status ports B2h and
 * B3h. GPE0 is where PC emulators have it, at AFE0h.
 *
 * Left out: device monitors, clock control, throttling, SMIs but for APM.
 *
 * outputs: 0 = SCI, level, active high.  home: the machine's lock domain.
 */
#include "base/bits.h"
#include "core/machine.h"
#include "hw/chipset/piix.h"
#include "hw/chipset/smbus.h"

enum { PMBASE = 0x40, DEVACTB = 0x58, PMREGMISC = 0x80, SMBBA = 0x90, SMBHSTCFG = 0xd2 };
#define APMC_EN      0x02 /* DEVACTB+3: firmware set up its SMM code */

#define SMBUS_BASE 0xb100 /* where the board's firmware puts it; 0 would be the DMA controller's */

typedef struct Piix4Pm {
    PciDevice pci;
    bool smm; /* property */
    AcpiRegs acpi;
    Smbus smbus;
    PortWindow pm_window, smb_window;
} Piix4Pm;

static void map(Piix4Pm *s)
{
    PciDevice *d = &s->pci;
    Machine *m = d->dev.machine;

    d->config[PMBASE] |= 1; /* both are I/O bars */
    d->config[SMBBA] |= 1;
    port_window_move(&s->pm_window, m, d->config[PMREGMISC] & 1,
                     ld_le16(d->config + PMBASE) & 0xffc0);
    port_window_move(&s->smb_window, m, d->config[SMBHSTCFG] & 1,
                     ld_le16(d->config + SMBBA) & 0xfff0);
}

static void pm_written(PciDevice *d, unsigned offset, unsigned size, uint32_t old)
{
    map((Piix4Pm *)d);
}

static void pm_outputs(Device *d)
{
    Piix4Pm *s = (Piix4Pm *)d;

    irq_set(d->out[0], acpi_regs_sci(&s->acpi) || smbus_irq(&s->smbus));
}

AcpiRegs *piix4_pm_regs(Device *pm)
{
    return &((Piix4Pm *)pm)->acpi;
}

uint16_t piix4_pm_base(Device *pm)
{
    const uint8_t *c = ((Piix4Pm *)pm)->pci.config;

    return c[PMREGMISC] & 1 ? ld_le16(c + PMBASE) & 0xffc0 : 0;
}

void piix4_pm_preset(Device *pm, uint16_t base)
{
    Piix4Pm *s = (Piix4Pm *)pm;

    st_le16(s->pci.config + PMBASE, base | 1);
    s->pci.config[PMREGMISC] = 1;
    map(s);
}

static void apm_command(Device *d)
{
    if (((Piix4Pm *)d)->pci.config[DEVACTB + 3] & APMC_EN) {
        acpi_regs_smi(d->machine);
    }
}

static bool pm_realize(Device *dev, Error **errp)
{
    static const PciIdent ident = {.vendor = 0x8086, .device = 0x7113, .revision = 3,
                                   .class_code = 0x068000, .pin = 1};
    Piix4Pm *s = (Piix4Pm *)dev;
    PciDevice *d = &s->pci;

    if (!pci_setup(d, &ident, errp)) {
        return false;
    }
    device_init_out(dev, 1);
    st_le32(d->wmask + PMBASE, 0xffc0);
    st_le32(d->wmask + SMBBA, 0xfff0);
    memset(d->wmask + 0x44, 0xff, PMREGMISC - 0x44);
    d->wmask[PMREGMISC] = 0x01;
    memset(d->wmask + SMBHSTCFG, 0xff, 5);
    d->config_written = pm_written;
    port_window_init(&s->pm_window, "piix4-pm", 64);
    port_window_init(&s->smb_window, "piix4-smbus", 16);
    s->acpi.owner = dev;
    s->acpi.apm = s->smm ? apm_command : NULL;
    s->acpi.gpe_bytes = PIIX4_GPE0_SIZE / 2;
    acpi_regs_init(&s->acpi, s->pm_window.region, 0, 4, 8);
    acpi_regs_gpe0(&s->acpi, machine_ports_root(dev->machine), PIIX4_GPE0_BASE);
    smbus_init(&s->smbus, dev, s->smb_window.region, 16);
    return true;
}

static void pm_unrealize(Device *dev)
{
    Piix4Pm *s = (Piix4Pm *)dev;

    acpi_regs_fini(&s->acpi);
    port_window_fini(&s->pm_window, dev->machine);
    port_window_fini(&s->smb_window, dev->machine);
    pci_teardown(&s->pci);
}

static void pm_reset(Device *dev)
{
    Piix4Pm *s = (Piix4Pm *)dev;
    uint8_t *c = s->pci.config;

    pci_reset(&s->pci);
    memset(c + 0x40, 0, 0xc0);
    c[0x07] = 0x02; /* medium DEVSEL# timing */
    c[DEVACTB + 3] = s->smm ? 0 : APMC_EN; /* firmware need not set up what is not there */
    c[0x63] = 0x60;
    st_le16(c + SMBBA, SMBUS_BASE);
    c[SMBHSTCFG] = 0x09; /* enabled, on IRQ 9: firmware need not set it up either */
    acpi_regs_reset(&s->acpi);
    map(s);
}

static bool pm_post_load(Device *dev, int version, Error **errp)
{
    pci_loaded((PciDevice *)dev);
    map((Piix4Pm *)dev);
    return true;
}

static const Property pm_props[] = {
    PCI_PROPS(Piix4Pm),
    ACPI_REGS_PROPS(Piix4Pm, acpi),
    PROP(Piix4Pm, PROP_BOOL, smm, "smm-enabled", false, "writes of the APM control port can be SMIs"),
    {0},
};

static const StateField pm_state[] = {
    PCI_STATE(Piix4Pm),
    ACPI_REGS_STATE(Piix4Pm, acpi),
    SMBUS_STATE(Piix4Pm, smbus),
    HOST_ONLY(Piix4Pm, pm_window),
    HOST_ONLY(Piix4Pm, smb_window),
    {0},
};

const DeviceType piix4_pm_type = {
    .name = "PIIX4_PM",
    .help = "Intel 82371AB power management",
    .bus = "pci",
    .size = sizeof(Piix4Pm),
    .version = 1,
    .internal = true,
    .needs = "a PCI bus",
    .props = pm_props,
    .state = pm_state,
    .realize = pm_realize,
    .unrealize = pm_unrealize,
    .reset_hold = pm_reset,
    .post_load = pm_post_load,
    .outputs = pm_outputs,
};
DEVICE_TYPE(piix4_pm_type);
