/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PCI Express capability: device and link registers; function level reset.
 *
 * PCIe Base 4.0 section 7.5.3. The link is a formality: it is up when something is plugged in.
 * Left out: advanced error reporting, LTR, OBFF, ASPM as anything but bits.
 *
 * home: the machine's lock domain.
 */
#include "hw/pci/internal.h"

#define DEVCTL_DEFAULT 0x2810 /* relaxed ordering, no snoop, 512 byte reads */
#define DEVCTL_MASK    0x78ff
#define LINK_2_5_X1    0x11
#define LNKCTL_MASK    0x00cb
#define LNKCTL_PORT    0x0010 /* link disable */

static bool has_link(unsigned type)
{
    return type != PCIE_RC_ENDPOINT;
}

static bool is_port(unsigned type)
{
    return type == PCIE_ROOT_PORT || type == PCIE_DOWNSTREAM;
}

/* An endpoint in the root complex is a kind of its own. */
static unsigned port_type(const PciDevice *d)
{
    bool endpoint = d->ident.pcie_type == PCIE_ENDPOINT || d->ident.pcie_type == PCIE_LEGACY_ENDPOINT;

    return endpoint && !d->bus->bridge ? PCIE_RC_ENDPOINT : d->ident.pcie_type;
}

void pcie_add_cap(PciDevice *d)
{
    unsigned type = port_type(d);
    unsigned at = pci_add_cap(d, PCI_CAP_ID_EXP, EXP_SIZE, d->ident.pcie_at);
    uint8_t *c = cfg(d, at), *w = d->wmask + at;

    d->pcie_cap = at;
    st_le16(c + EXP_FLAGS, 2 | type << 4);
    st_le32(c + EXP_DEVCAP, DEVCAP_RBER | (d->ident.flr ? DEVCAP_FLR : 0));
    st_le16(c + EXP_DEVCTL, DEVCTL_DEFAULT);
    st_le16(w + EXP_DEVCTL, DEVCTL_MASK | (d->ident.flr ? DEVCTL_FLR : 0));
    st_le16(d->w1c + at + EXP_DEVSTA, 0xf);
    if (has_link(type)) {
        st_le32(c + EXP_LNKCAP, LINK_2_5_X1 | 1 << 10 /* L0s */);
        st_le16(c + EXP_LNKSTA, LINK_2_5_X1);
        st_le16(w + EXP_LNKCTL, LNKCTL_MASK | (is_port(type) ? LNKCTL_PORT : 0));
        st_le16(w + EXP_LNKCTL2, 0xf);
        st_le16(c + EXP_LNKCTL2, 1);
    }
    if (type == PCIE_ROOT_PORT) {
        st_le16(w + EXP_RTCTL, 0x7);
    }
}

void pcie_written(PciDevice *d, unsigned reg, unsigned size)
{
    unsigned at = d->pcie_cap + EXP_DEVCTL;

    if (!d->ident.flr || reg > at + 1 || reg + size <= at + 1) {
        return;
    }
    uint16_t ctl = ld_le16(cfg(d, at));
    if (ctl & DEVCTL_FLR) {
        st_le16(cfg(d, at), ctl & ~DEVCTL_FLR); /* reads as zero */
        device_reset(&d->dev);
    }
}
