/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PIIX3 (82371SB): PCI-ISA bridge with the steering of PCI interrupts to ISA lines.
 *
 * Intel 82371SB data sheet (order 290550), 2.2 "PCI configuration registers (function 0)": PIRQRC
 * (60h-63h), XBCS (4Eh) and others that only keep what is written. The reset control register
 * CF9h is in pci_conf.c, the 8259s, 8254, RTC and 8042 are devices of their own.
 *
 * outputs: none; it drives ISA lines.  home: the machine's lock domain.
 */
#include "base/bits.h"
#include "core/machine.h"
#include "hw/chipset/piix.h"
#include "hw/isa/isa.h"

#define PIRQRC      0x60
#define PIRQ_OFF    0x80
#define PIRQS       4

typedef struct Piix3 {
    PciDevice pci;
    Irq isa[ISA_IRQS];      /* our drivers of the lines */
    Irq pirq[PIRQS];        /* where the bus's pins end: ourselves */
    uint8_t pirq_level[PIRQS];
} Piix3;

static void drive_lines(Device *d)
{
    Piix3 *s = (Piix3 *)d;
    uint32_t lines = 0;

    for (int i = 0; i < PIRQS; i++) {
        uint8_t rc = s->pci.config[PIRQRC + i];
        if (s->pirq_level[i] && !(rc & PIRQ_OFF)) {
            lines |= 1u << (rc & 15);
        }
    }
    isa_pci_irqs_set(s->isa, lines);
}

static void pirq_set(void *opaque, int n, int level)
{
    Piix3 *s = opaque;

    s->pirq_level[n] = level != 0;
    drive_lines(&s->pci.dev);
}

/* The board's wiring: slot 1's INTA# is PIRQA, the next slot is rotated by one. */
static int pc_map_irq(PciBus *b, PciDevice *d, int pin)
{
    return (pin + (d->devfn >> 3) - 1) & 3;
}

void piix3_route(Device *d)
{
    Piix3 *s = (Piix3 *)d;

    for (int i = 0; i < PIRQS; i++) {
        s->pirq[i] = (Irq){.handler = pirq_set, .opaque = s, .n = i};
    }
    pci_bus_set_irqs(s->pci.bus, pc_map_irq, s->pirq, PIRQS);
}

static bool piix3_realize(Device *dev, Error **errp)
{
    static const PciIdent ident = {.vendor = 0x8086, .device = 0x7000, .class_code = 0x060100};
    Piix3 *s = (Piix3 *)dev;
    PciDevice *d = &s->pci;

    d->multifunction = true;
    if (!pci_setup(d, &ident, errp)) {
        return false;
    }
    if (!isa_pci_irqs_claim(dev, s->isa, errp)) {
        pci_teardown(d);
        return false;
    }
    memset(d->wmask + PIRQRC, 0x8f, PIRQS);
    d->wmask[0x4c] = d->wmask[0x4e] = d->wmask[0x69] = 0xff;
    memset(d->wmask + 0x70, 0xff, 16);
    memset(d->wmask + 0xa0, 0xff, 16);
    return true;
}

static void piix3_unrealize(Device *dev)
{
    Piix3 *s = (Piix3 *)dev;

    isa_pci_irqs_release(s->isa);
    pci_teardown(&s->pci);
}

static void piix3_reset(Device *dev)
{
    static const uint8_t values[][2] = {
        {0x4c, 0x4d}, {0x4e, 0x03}, {0x60, 0x80}, {0x61, 0x80}, {0x62, 0x80}, {0x63, 0x80},
        {0x69, 0x02}, {0x70, 0x80}, {0x76, 0x0c}, {0x77, 0x0c}, {0x78, 0x02}, {0xa0, 0x08},
        {0xa8, 0x0f},
    };
    PciDevice *d = (PciDevice *)dev;

    pci_reset(d);
    memset(d->config + 0x40, 0, 0xc0);
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        d->config[values[i][0]] = values[i][1];
    }
    d->config[0x04] = 0x07; /* always decodes, always master */
    d->config[0x07] = 0x02; /* medium DEVSEL# timing */
}

static bool piix3_post_load(Device *dev, int version, Error **errp)
{
    pci_loaded((PciDevice *)dev);
    return true;
}

static const Property piix3_props[] = {PCI_PROPS(Piix3), {0}};
static const StateField piix3_state[] = {
    PCI_STATE(Piix3),
    HOST_ONLY(Piix3, isa),
    HOST_ONLY(Piix3, pirq),
    STATE_KEEP(Piix3, STATE_U8, pirq_level, PIRQS),
    {0},
};

const DeviceType piix3_type = {
    .name = "PIIX3",
    .help = "Intel 82371SB PCI-ISA bridge",
    .bus = "pci",
    .size = sizeof(Piix3),
    .version = 1,
    .internal = true,
    .needs = "a PCI bus and an ISA bus",
    .props = piix3_props,
    .state = piix3_state,
    .realize = piix3_realize,
    .unrealize = piix3_unrealize,
    .reset_hold = piix3_reset,
    .post_load = piix3_post_load,
    .outputs = drive_lines,
};
DEVICE_TYPE(piix3_type);
