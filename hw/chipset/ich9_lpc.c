/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICH9 (82801IB) function 1f.0: LPC bridge with interrupt routing, power management, TCO
 * watchdog, and the chip configuration registers behind RCBA.
 *
 * Intel ICH9 data sheet (order 316972): 10.1 "chipset configuration registers" (D25IR..D31IR,
 * GCS), 13.1 LPC configuration (PMBASE 40h, ACPI_CNTL 44h, PIRQ[A-H]_ROUT, GEN_PMCON_1 A0h,
 * RCBA F0h), 13.8.3 power management I/O, 13.9 TCO.
 *
 * Left out: SMIs but for APM and TCO, LPC decode ranges (ISA devices are always there), GPIO, SPI.
 *
 * outputs: 0 = SCI, level, active high.  home: the machine's lock domain.
 */
#include "base/bits.h"
#include "core/machine.h"
#include "hw/chipset/ich9.h"
#include "hw/chipset/tco.h"
#include "hw/isa/isa.h"

enum { PMBASE = 0x40, ACPI_CNTL = 0x44, PIRQ_A = 0x60, PIRQ_E = 0x68, GEN_PMCON_1 = 0xa0,
       GEN_PMCON_2 = 0xa2, GEN_PMCON_3 = 0xa4, RCBA = 0xf0 };
enum { CC_D31IP = 0x3100, CC_D31IR = 0x3140, CC_D29IR = 0x3144, CC_D28IR = 0x3146,
       CC_D27IR = 0x3148, CC_D26IR = 0x314c, CC_D25IR = 0x3150, CC_GCS = 0x3410, CC_SIZE = 0x4000 };
enum { PM_SMI_EN = 0x30, PM_SMI_STS = 0x34, PM_TCO = 0x60, PM_SIZE = 128 };

#define ACPI_EN       0x80
#define PIRQ_OFF      0x80
#define GCS_NO_REBOOT 0x20
#define SMI_GBL_EN    0x01
#define SMI_APMC      0x20   /* in SMI_EN and SMI_STS alike */
#define SMI_TCO       0x2000
#define SMI_LOCK      0x10   /* GEN_PMCON_1 */
#define TCO_LOCK      0x1000

typedef struct Ich9Lpc {
    PciDevice pci;
    bool noreboot, smm; /* properties */
    AcpiRegs acpi;
    Tco tco;
    uint32_t smi_en, smi_sts;
    uint8_t cc[CC_SIZE];      /* chip configuration */
    uint8_t pirq_level[ICH9_PIRQS];
    PortWindow pm_window;
    MemoryRegion *rcba;
    uint64_t rcba_at;         /* 0: closed */
    Irq isa[ISA_IRQS];
    Irq pirq[ICH9_PIRQS];     /* where the bus's pins end: ourselves */
    Irq ioapic[ICH9_PIRQS];
} Ich9Lpc;

/* ---- interrupts ---- */

static uint8_t route(const Ich9Lpc *s, int pirq)
{
    return s->pci.config[pirq < 4 ? PIRQ_A + pirq : PIRQ_E + pirq - 4];
}

static void drive_lines(Ich9Lpc *s)
{
    uint32_t lines = 0;

    for (int i = 0; i < ICH9_PIRQS; i++) {
        uint8_t rc = route(s, i);
        irq_set(s->ioapic[i], s->pirq_level[i]);
        if (s->pirq_level[i] && !(rc & PIRQ_OFF)) {
            lines |= 1u << (rc & 15);
        }
    }
    isa_pci_irqs_set(s->isa, lines);
}

static void pirq_set(void *opaque, int n, int level)
{
    Ich9Lpc *s = opaque;

    s->pirq_level[n] = level != 0;
    drive_lines(s);
}

/* Which PIRQ pin 0..3 of a slot is (10.1.46 and following for what is inside the chip). */
static int pirq_of(const Ich9Lpc *s, unsigned slot, int pin)
{
    static const uint16_t registers[7] = {CC_D25IR, CC_D26IR, CC_D27IR, CC_D28IR, CC_D29IR, 0,
                                          CC_D31IR};

    if (slot < 25) {
        return (slot + pin) % 4 + 4; /* the board's wiring */
    }
    if (slot == 30) {
        return pin + 4;
    }
    return ld_le16(s->cc + registers[slot - 25]) >> pin * 4 & 7;
}

static int q35_map_irq(PciBus *b, PciDevice *d, int pin)
{
    PciDevice *lpc = b->slot[PCI_DEVFN(31, 0)];

    return pirq_of((Ich9Lpc *)lpc, d->devfn >> 3, pin);
}

void ich9_lpc_route(Device *d, const Irq ioapic[ICH9_PIRQS])
{
    Ich9Lpc *s = (Ich9Lpc *)d;

    for (int i = 0; i < ICH9_PIRQS; i++) {
        s->ioapic[i] = ioapic[i];
        s->pirq[i] = (Irq){.handler = pirq_set, .opaque = s, .n = i};
    }
    pci_bus_set_irqs(s->pci.bus, q35_map_irq, s->pirq, ICH9_PIRQS);
}

static void lpc_outputs(Device *d)
{
    Ich9Lpc *s = (Ich9Lpc *)d;

    irq_set(d->out[0], acpi_regs_sci(&s->acpi));
    drive_lines(s);
}

/* ---- power management ---- */

AcpiRegs *ich9_lpc_regs(Device *lpc)
{
    return &((Ich9Lpc *)lpc)->acpi;
}

static bool may_reboot(Device *d)
{
    Ich9Lpc *s = (Ich9Lpc *)d;

    return !s->noreboot && !(ld_le32(s->cc + CC_GCS) & GCS_NO_REBOOT);
}

static uint64_t smi_read(void *opaque, hwaddr offset, unsigned size)
{
    Ich9Lpc *s = opaque;

    return offset ? s->smi_sts : s->smi_en;
}

static void smi_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Ich9Lpc *s = opaque;

    if (offset) {
        s->smi_sts &= ~v;
    } else {
        uint32_t locked = s->tco.control1 & TCO_LOCK ? SMI_TCO : 0;
        locked |= s->pci.config[GEN_PMCON_1] & SMI_LOCK ? SMI_GBL_EN : 0;
        s->smi_en = (v & ~locked) | (s->smi_en & locked) | (s->smm ? 0 : SMI_APMC);
    }
}

static void smi(Ich9Lpc *s, uint32_t cause)
{
    s->smi_sts |= cause;
    if ((s->smi_en & SMI_GBL_EN) && (s->smi_en & cause)) {
        acpi_regs_smi(s->pci.dev.machine);
    }
}

static void apm_command(Device *d)
{
    smi((Ich9Lpc *)d, SMI_APMC);
}

static void tco_smi(Device *d)
{
    smi((Ich9Lpc *)d, SMI_TCO);
}

static const IoOps smi_ops = {smi_read, smi_write, .min_size = 4, .max_size = 4};

/* ---- chip configuration ---- */

static uint64_t cc_read(void *opaque, hwaddr offset, unsigned size)
{
    return ld_le_n(((Ich9Lpc *)opaque)->cc + offset, size);
}

static void cc_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Ich9Lpc *s = opaque;

    st_le_n(s->cc + offset, size, v);
    drive_lines(s);
}

static const IoOps cc_ops = {cc_read, cc_write, .max_size = 4};

/* ---- configuration space ---- */

static void map_rcba(Ich9Lpc *s)
{
    Machine *m = s->pci.dev.machine;
    uint32_t v = ld_le32(s->pci.config + RCBA);
    uint64_t at = v & 1 ? v & ~(CC_SIZE - 1u) : 0;

    if (at == s->rcba_at) {
        return;
    }
    mem_transaction_begin(m);
    if (s->rcba_at) {
        region_remove(machine_memory_root(m), s->rcba);
    }
    if (at) {
        region_add(machine_memory_root(m), at, s->rcba, 1);
    }
    mem_transaction_commit(m);
    s->rcba_at = at;
}

static void map(Ich9Lpc *s)
{
    uint8_t *c = s->pci.config;

    c[PMBASE] |= 1;
    port_window_move(&s->pm_window, s->pci.dev.machine, c[ACPI_CNTL] & ACPI_EN,
                     ld_le16(c + PMBASE) & 0xff80);
    map_rcba(s);
}

static void lpc_written(PciDevice *d, unsigned offset, unsigned size, uint32_t old)
{
    map((Ich9Lpc *)d);
    device_update(&d->dev);
}

uint16_t ich9_lpc_pm_base(Device *lpc)
{
    const uint8_t *c = ((Ich9Lpc *)lpc)->pci.config;

    return c[ACPI_CNTL] & ACPI_EN ? ld_le16(c + PMBASE) & 0xff80 : 0;
}

void ich9_lpc_preset(Device *lpc, uint16_t pm_base)
{
    Ich9Lpc *s = (Ich9Lpc *)lpc;
    uint8_t *c = s->pci.config;

    st_le16(c + PMBASE, pm_base | 1);
    c[ACPI_CNTL] = ACPI_EN;
    st_le32(c + RCBA, 0xfed1c001);
    map(s);
}

static void set_masks(PciDevice *d)
{
    st_le32(d->wmask + PMBASE, 0xff80);
    d->wmask[ACPI_CNTL] = ACPI_EN | 7;
    memset(d->wmask + PIRQ_A, 0x8f, 4);
    memset(d->wmask + PIRQ_E, 0x8f, 4);
    d->wmask[0x48] = 0x80; /* GPIOBASE: only kept */
    d->wmask[0x49] = 0xff;
    d->wmask[0x4c] = 0x10;
    memset(d->wmask + 0x80, 0xff, 0x14); /* LPC decode ranges: only kept */
    st_le16(d->wmask + GEN_PMCON_1, 0x34df);
    d->wmask[GEN_PMCON_2] = 0xff;
    st_le16(d->wmask + GEN_PMCON_3, 0x7fff);
    d->wmask[0xd0] = d->wmask[0xd8] = d->wmask[0xdc] = 0xff;
    st_le32(d->wmask + RCBA, 0xffffc001);
}

static bool lpc_realize(Device *dev, Error **errp)
{
    static const PciIdent ident = {.vendor = 0x8086, .device = 0x2918, .revision = 2,
                                   .class_code = 0x060100};
    Ich9Lpc *s = (Ich9Lpc *)dev;
    PciDevice *d = &s->pci;

    d->multifunction = true;
    if (!pci_setup(d, &ident, errp)) {
        return false;
    }
    device_init_out(dev, 1);
    if (!isa_pci_irqs_claim(dev, s->isa, errp)) {
        pci_teardown(d);
        return false;
    }
    set_masks(d);
    d->config_written = lpc_written;
    port_window_init(&s->pm_window, "ich9-pm", PM_SIZE);
    s->acpi.owner = dev;
    s->acpi.apm = s->smm ? apm_command : NULL;
    s->acpi.gpe_bytes = ICH9_PM_GPE0_SIZE / 2;
    acpi_regs_init(&s->acpi, s->pm_window.region, 0, 4, 8);
    acpi_regs_gpe0(&s->acpi, s->pm_window.region, ICH9_PM_GPE0);
    region_add(s->pm_window.region, PM_SMI_EN, device_io_region(dev, "acpi-smi", &smi_ops, 8), 0);
    tco_init(&s->tco, dev, s->pm_window.region, PM_TCO, may_reboot, s->smm ? tco_smi : NULL);
    s->rcba = device_io_region(dev, "lpc-rcrb-mmio", &cc_ops, CC_SIZE);
    return true;
}

static void lpc_unrealize(Device *dev)
{
    Ich9Lpc *s = (Ich9Lpc *)dev;

    isa_pci_irqs_release(s->isa);
    acpi_regs_fini(&s->acpi);
    tco_fini(&s->tco);
    port_window_fini(&s->pm_window, dev->machine);
    pci_teardown(&s->pci);
}

static void lpc_reset(Device *dev)
{
    Ich9Lpc *s = (Ich9Lpc *)dev;
    uint8_t *c = s->pci.config;
    static const uint16_t routes[] = {CC_D31IR, CC_D29IR, CC_D28IR, CC_D27IR, CC_D26IR, CC_D25IR};

    pci_reset(&s->pci);
    memset(c + 0x40, 0, 0xc0);
    memset(c + PIRQ_A, PIRQ_OFF, 4);
    memset(c + PIRQ_E, PIRQ_OFF, 4);
    c[0x06] = 0x10;
    c[0x07] = 0x02; /* medium DEVSEL# timing */
    c[0x04] = 0x07;
    c[0x64] = 0x10; /* SIRQ_CNTL */
    memset(s->cc, 0, sizeof(s->cc));
    st_le32(s->cc + CC_D31IP, 0x03243200);
    for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
        st_le16(s->cc + routes[i], 0x3210);
    }
    st_le32(s->cc + CC_GCS, GCS_NO_REBOOT);
    s->smi_en = s->smm ? 0 : SMI_APMC; /* firmware need not set up what is not there */
    s->smi_sts = 0;
    acpi_regs_reset(&s->acpi);
    map(s);
}

static bool lpc_post_load(Device *dev, int version, Error **errp)
{
    pci_loaded((PciDevice *)dev);
    map((Ich9Lpc *)dev);
    return true;
}

static const Property lpc_props[] = {
    PCI_PROPS(Ich9Lpc),
    ACPI_REGS_PROPS(Ich9Lpc, acpi),
    PROP(Ich9Lpc, PROP_BOOL, smm, "smm-enabled", false, "APM and the watchdog can cause SMIs"),
    PROP(Ich9Lpc, PROP_BOOL, noreboot, "noreboot", false, "the watchdog may not reset the machine"),
    {0},
};

static const StateField lpc_state[] = {
    PCI_STATE(Ich9Lpc),
    ACPI_REGS_STATE(Ich9Lpc, acpi),
    TCO_STATE(Ich9Lpc, tco),
    STATE(Ich9Lpc, STATE_U32, smi_en, 0),
    STATE(Ich9Lpc, STATE_U32, smi_sts, 0),
    STATE_RAW(Ich9Lpc, cc),
    STATE_KEEP(Ich9Lpc, STATE_U8, pirq_level, ICH9_PIRQS),
    HOST_ONLY(Ich9Lpc, pm_window),
    HOST_ONLY(Ich9Lpc, rcba),
    HOST_ONLY(Ich9Lpc, rcba_at),
    HOST_ONLY(Ich9Lpc, isa),
    HOST_ONLY(Ich9Lpc, pirq),
    HOST_ONLY(Ich9Lpc, ioapic),
    {0},
};

const DeviceType ich9_lpc_type = {
    .name = "ICH9-LPC",
    .help = "Intel ICH9 LPC bridge",
    .bus = "pci",
    .size = sizeof(Ich9Lpc),
    .version = 1,
    .internal = true,
    .needs = "a PCI bus and an ISA bus",
    .props = lpc_props,
    .state = lpc_state,
    .realize = lpc_realize,
    .unrealize = lpc_unrealize,
    .reset_hold = lpc_reset,
    .post_load = lpc_post_load,
    .outputs = lpc_outputs,
};
DEVICE_TYPE(ich9_lpc_type);

