/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Message-signalled interrupts whose registers are in configuration space. PCI 3.0 section 6.8.1.
 *
 * Senders are on any thread and take no lock: they read the registers between two looks at
 * msg_seq. A sender that finds its vector masked sets the pending bit, and looks again; who
 * unmasks looks at the pending bits afterwards. So one of the two sees the other, and the atomic
 * clearing of the bit decides who sends.
 *
 * home: pci_msi_notify() any thread; the rest is the machine's lock domain.
 */
#include "hw/pci/internal.h"

#define FLAGS       2
#define ENABLE      (1 << 0)
#define WIDE        (1 << 7)
#define MASKABLE    (1 << 8)
#define RETRIES     1000

static unsigned data_at(const PciDevice *d, uint16_t flags)
{
    return d->msi_cap + (flags & WIDE ? 12 : 8);
}

static unsigned mask_at(const PciDevice *d, uint16_t flags)
{
    return data_at(d, flags) + 4;
}

static uint16_t get16(const PciDevice *d, unsigned at)
{
    return BITS_LE(16, __atomic_load_n((const uint16_t *)(d->config + at), __ATOMIC_SEQ_CST));
}

static uint32_t get32(const PciDevice *d, unsigned at)
{
    return BITS_LE(32, __atomic_load_n((const uint32_t *)(d->config + at), __ATOMIC_SEQ_CST));
}

void pci_add_msi(PciDevice *d, unsigned vectors, bool wide, bool maskable, unsigned at)
{
    unsigned size = (wide ? 14 : 10) + (maskable ? 10 : 0);
    uint16_t flags = (wide ? WIDE : 0) | (maskable ? MASKABLE : 0);

    g_assert(is_pow2(vectors) && vectors <= 32 && !d->msi_cap);
    at = pci_add_cap(d, PCI_CAP_ID_MSI, size, at);
    st_le16(cfg(d, at + FLAGS), flags | __builtin_ctz(vectors) << 1);
    st_le16(d->wmask + at + FLAGS, ENABLE | 7 << 4);
    st_le32(d->wmask + at + 4, ~3u);
    d->msi_cap = at;
    if (wide) {
        st_le32(d->wmask + at + 8, ~0u);
    }
    st_le16(d->wmask + data_at(d, flags), 0xffff);
    if (maskable) {
        st_le32(d->wmask + mask_at(d, flags), UINT32_MAX >> (32 - vectors));
    }
}

bool pci_msi_enabled(const PciDevice *d)
{
    return d->msi_cap && (get16(d, d->msi_cap + FLAGS) & ENABLE);
}

void pci_msg_send(PciDevice *d, uint64_t addr, uint32_t data)
{
    PciBus *root = pci_bus_root(d->bus);

    if (root->msi && __atomic_load_n(&d->bus_master, __ATOMIC_SEQ_CST)) {
        root->msi(root->msi_opaque, pci_requester_id(d), addr, data);
    }
}

/* How many vectors software gave us: no more than we have. */
static unsigned allotted(uint16_t flags)
{
    return 1u << MIN(MIN(flags >> 4 & 7, flags >> 1 & 7), 5);
}

/* One consistent look. false: masked, nothing to send. */
static bool read_message(PciDevice *d, unsigned vector, uint64_t *addr, uint32_t *data)
{
    uint32_t seq, mask = 0;

    for (int tries = 0; tries < RETRIES; tries++) {
        seq = __atomic_load_n(&d->msg_seq, __ATOMIC_SEQ_CST);
        uint16_t flags = get16(d, d->msi_cap + FLAGS);
        unsigned n = allotted(flags);
        vector &= n - 1;
        *addr = get32(d, d->msi_cap + 4);
        *addr |= flags & WIDE ? (uint64_t)get32(d, d->msi_cap + 8) << 32 : 0;
        *data = (get16(d, data_at(d, flags)) & ~(n - 1)) | vector;
        mask = flags & MASKABLE ? get32(d, mask_at(d, flags)) : 0;
        if (!(seq & 1) && seq == __atomic_load_n(&d->msg_seq, __ATOMIC_SEQ_CST)) {
            break;
        }
    }
    return !(mask >> vector & 1);
}

/* Takes the pending bit; true if it was there to be taken. */
static bool take_pending(PciDevice *d, unsigned vector)
{
    unsigned at = mask_at(d, get16(d, d->msi_cap + FLAGS)) + 4 + vector / 8;
    uint8_t bit = 1 << (vector & 7);

    return __atomic_fetch_and(&d->config[at], (uint8_t)~bit, __ATOMIC_SEQ_CST) & bit;
}

void pci_msi_notify(PciDevice *d, unsigned vector)
{
    uint64_t addr;
    uint32_t data;

    if (!pci_msi_enabled(d)) {
        return;
    }
    uint16_t flags = get16(d, d->msi_cap + FLAGS);
    vector &= allotted(flags) - 1;
    if (!read_message(d, vector, &addr, &data)) {
        unsigned at = mask_at(d, flags) + 4 + vector / 8;
        __atomic_fetch_or(&d->config[at], 1 << (vector & 7), __ATOMIC_SEQ_CST);
        if (!read_message(d, vector, &addr, &data) || !take_pending(d, vector)) {
            return;
        }
    }
    pci_msg_send(d, addr, data);
}

void pci_msi_written(PciDevice *d)
{
    uint16_t flags = get16(d, d->msi_cap + FLAGS);
    uint64_t addr;
    uint32_t data;

    if (!(flags & ENABLE) || !(flags & MASKABLE)) {
        return;
    }
    for (unsigned v = 0; v < allotted(flags); v++) {
        if (read_message(d, v, &addr, &data) && take_pending(d, v)) {
            pci_msg_send(d, addr, data);
        }
    }
}
