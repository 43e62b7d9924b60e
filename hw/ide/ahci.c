/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AHCI adapter of the ICH9: PCI function, global registers, index/data pair, interrupts.
 *
 * Serial ATA AHCI 1.3.1: 2 PCI configuration, 3.1 generic host control, 10.7 interrupts.
 * Intel I/O Controller Hub 9 (316972) 15: identity, SATA capability.
 *
 * Left out: legacy IDE mode, command completion coalescing, hot plug of drives.
 *
 * outputs: none, the PCI pin or one message.  home: the machine's lock domain.
 */
#include <string.h>

#include "hw/ide/ahci.h"

#define GHC_HR     (1u << 0)
#define GHC_IE     (1u << 1)
#define GHC_AE     (1u << 31)
#define CAP_NCQ    (1u << 30)
#define CAP_64     (1u << 31)
#define CAP_SAM    (1u << 18)
#define CAP_SCLO   (1u << 24)
#define IDP_OFFSET 0x10

enum { CAP = 0x00, GHC = 0x04, IS = 0x08, PI = 0x0c, VS = 0x10 };

static uint32_t capabilities(void)
{
    return (AHCI_PORTS - 1) | (AHCI_SLOTS - 1) << 8 | CAP_SAM | 1u << 20 /* generation 1 */ |
           CAP_SCLO | CAP_NCQ | CAP_64;
}

void ahci_update(Ahci *s)
{
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        AhciPort *p = &s->port[i];
        if (ahci_port_read(p, 0x10) & p->ie) {
            s->is |= 1u << i;
        }
    }
    device_update(&s->pci.dev);
}

/* A message for each bit of IS that was not told of; the pin as long as there is one. */
static void ahci_outputs(Device *d)
{
    Ahci *s = (Ahci *)d;
    bool on = (s->ghc & GHC_IE) && s->is;

    if (pci_msi_enabled(&s->pci)) {
        pci_set_irq(&s->pci, 0);
        if (on && (s->is & ~s->told)) {
            s->told = s->is;
            pci_msi_notify(&s->pci, 0);
        }
        if (!on) {
            s->told = 0;
        }
        s->told &= s->is;
        return;
    }
    s->told = 0;
    pci_set_irq(&s->pci, on);
}

/* ---- registers ---- */

static void reset_all(Ahci *s)
{
    s->ghc = GHC_AE;
    s->is = s->told = 0;
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        ahci_port_reset(&s->port[i]);
    }
}

static uint32_t hba_read(Ahci *s, unsigned reg)
{
    if (reg >= 0x100) {
        unsigned n = (reg - 0x100) >> 7;
        return n < AHCI_PORTS ? ahci_port_read(&s->port[n], reg & 0x7f) : 0;
    }
    switch (reg) {
    case CAP:
        return capabilities();
    case GHC:
        return s->ghc;
    case IS:
        return s->is;
    case PI:
        return (1u << AHCI_PORTS) - 1;
    case VS:
        return 0x00010300;
    default:
        return 0;
    }
}

static void hba_write(Ahci *s, unsigned reg, uint32_t v)
{
    if (reg >= 0x100) {
        unsigned n = (reg - 0x100) >> 7;
        if (n < AHCI_PORTS) {
            ahci_port_write(&s->port[n], reg & 0x7f, v);
        }
    } else if (reg == GHC) {
        if (v & GHC_HR) {
            reset_all(s);
        } else {
            s->ghc = GHC_AE | (v & GHC_IE);
        }
    } else if (reg == IS) {
        s->is &= ~v;
        s->told &= ~v;
    }
    ahci_update(s);
}

static uint64_t mem_read(void *opaque, hwaddr offset, unsigned size)
{
    return hba_read(opaque, offset);
}

static void mem_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    hba_write(opaque, offset, v);
}

static const IoOps mem_ops = {.read = mem_read, .write = mem_write, .min_size = 4, .max_size = 4};

static uint64_t idp_read(void *opaque, hwaddr offset, unsigned size)
{
    Ahci *s = opaque;

    return offset == IDP_OFFSET       ? s->idp_index
           : offset == IDP_OFFSET + 4 ? hba_read(s, s->idp_index)
                                      : 0;
}

static void idp_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Ahci *s = opaque;

    if (offset == IDP_OFFSET) {
        s->idp_index = v & 0xffc;
    } else if (offset == IDP_OFFSET + 4) {
        hba_write(s, s->idp_index, v);
    }
}

static const IoOps idp_ops = {.read = idp_read, .write = idp_write, .min_size = 4, .max_size = 4};

/* ---- life ---- */

static void restart(void *opaque)
{
    Ahci *s = opaque;

    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        ahci_port_restart(&s->port[i]);
    }
    ahci_update(s);
}

/* Drives of -device come after the adapter's power-on reset. */
static void attached(IdeBus *b)
{
    ahci_port_reset((AhciPort *)b);
}

static bool ahci_realize(Device *d, Error **errp)
{
    Ahci *s = (Ahci *)d;
    PciIdent id = {
        .vendor = 0x8086, .device = 0x2922, .class_code = 0x010601, .revision = 2, .pin = 1};

    if (!pci_setup(&s->pci, &id, errp)) {
        return false;
    }
    s->pci.config[0x0c] = 8;
    s->pci.config[0x90] = 1 << 6; /* MAP: AHCI mode */
    pci_bar(&s->pci, 4, device_io_region(d, "ahci-idp", &idp_ops, 0x20), true, false, false);
    pci_bar(&s->pci, 5, device_io_region(d, "ahci", &mem_ops, 0x1000), false, false, false);
    pci_add_msi(&s->pci, 1, true, false, 0x80);
    unsigned sata = pci_add_cap(&s->pci, PCI_CAP_ID_SATA, 8, 0xa8);
    s->pci.config[sata + 2] = 0x10;                                     /* revision 1.0 */
    st_le32(s->pci.config + sata + 4, (IDP_OFFSET / 4) << 4 | (4 + 4)); /* in BAR 4 */
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        AhciPort *p = &s->port[i];
        p->hba = s;
        p->n = i;
        ide_bus_init(&p->bus, d, i, 1, true);
        p->bus.attached = attached;
    }
    timer_init(&s->restart, d->machine, CLOCK_VIRTUAL, restart, s);
    return true;
}

static void forget(Ahci *s)
{
    timer_disarm(&s->restart);
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        ahci_port_cancel(&s->port[i]);
    }
}

static void ahci_unrealize(Device *d)
{
    Ahci *s = (Ahci *)d;

    timer_fini(&s->restart);
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        ahci_port_cancel(&s->port[i]);
        ide_bus_fini(&s->port[i].bus);
    }
    pci_teardown(&s->pci);
}

static void ahci_reset(Device *d)
{
    Ahci *s = (Ahci *)d;

    forget(s);
    pci_reset(&s->pci);
    reset_all(s);
}

static bool ahci_post_load(Device *d, int version, Error **errp)
{
    Ahci *s = (Ahci *)d;

    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        if (!ahci_port_valid(&s->port[i])) {
            error_set(errp, ERR_GENERIC, "ahci: the saved state of port %u makes no sense", i);
            return false;
        }
    }
    if (s->idp_index & ~0xffcu || (s->ghc & ~GHC_IE) != GHC_AE) {
        error_set(errp, ERR_GENERIC, "ahci: the saved state makes no sense");
        return false;
    }
    forget(s);
    pci_loaded(&s->pci);
    timer_arm(&s->restart, clock_ns(d->machine, CLOCK_VIRTUAL));
    return true;
}

#define R32(i_, f, reset) STATE(Ahci, STATE_U32, port[i_].f, reset)
#define R8(i_, f)         STATE(Ahci, STATE_U8, port[i_].f, 0)
#define PORT_STATE(i_)                                                                          \
    R32(i_, clb, 0), R32(i_, clbu, 0), R32(i_, fb, 0), R32(i_, fbu, 0), R32(i_, is, 0),         \
        R32(i_, ie, 0), R32(i_, cmd, 6), R32(i_, tfd, 0x7f), R32(i_, sig, 0xffffffff),          \
        R32(i_, ssts, 0), R32(i_, sctl, 0), R32(i_, serr, 0), R32(i_, sact, 0), R32(i_, ci, 0), \
        R32(i_, running, 0), R32(i_, queued, 0), R8(i_, in_reset), R8(i_, halted),              \
        R8(i_, sig_pending), STATE_RAW(Ahci, port[i_].sig_regs), HOST_ONLY(Ahci, port[i_].bus), \
        HOST_ONLY(Ahci, port[i_].hba), HOST_ONLY(Ahci, port[i_].n),                             \
        HOST_ONLY(Ahci, port[i_].slot), HOST_ONLY(Ahci, port[i_].issuing)

static const StateField ahci_state[] = {
    PCI_STATE(Ahci),
    STATE(Ahci, STATE_U32, ghc, GHC_AE),
    STATE(Ahci, STATE_U32, is, 0),
    STATE(Ahci, STATE_U32, told, 0),
    STATE(Ahci, STATE_U32, idp_index, 0),
    PORT_STATE(0),
    PORT_STATE(1),
    PORT_STATE(2),
    PORT_STATE(3),
    PORT_STATE(4),
    PORT_STATE(5),
    HOST_ONLY(Ahci, restart),
    {0},
};
static const Property ahci_props[] = {PCI_PROPS(Ahci), {0}};

static const DeviceType ahci_type = {
    .name = "ich9-ahci",
    .alias = "ahci",
    .help = "SATA adapter with six ports (AHCI 1.3)",
    .bus = "pci",
    .size = sizeof(Ahci),
    .version = 1,
    .user_creatable = true,
    .props = ahci_props,
    .state = ahci_state,
    .realize = ahci_realize,
    .unrealize = ahci_unrealize,
    .reset_hold = ahci_reset,
    .outputs = ahci_outputs,
    .post_load = ahci_post_load,
};
DEVICE_TYPE(ahci_type);
