/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSI-X: a table of messages and an array of pending bits in a BAR. PCI 3.0 section 6.8.2.
 *
 * Senders are on any thread and take no lock; msi.c tells how.
 *
 * home: pci_msix_notify() and pci_msix_masked() any thread; the rest is the machine's lock domain.
 */
#include "hw/pci/internal.h"

#include <string.h>

#define CONTROL       2
#define ENABLE        0x8000
#define FUNCTION_MASK 0x4000
#define ENTRY         16
#define ENTRY_CONTROL 12
#define MAX_VECTORS   2048
#define RETRIES       1000

/* ---- looking ---- */

static uint16_t control(const PciDevice *d)
{
    const uint16_t *at = (const uint16_t *)(d->config + d->msix_cap + CONTROL);

    return d->msix_cap ? BITS_LE(16, __atomic_load_n(at, __ATOMIC_SEQ_CST)) : 0;
}

static uint32_t word(const PciDevice *d, unsigned vector, unsigned at)
{
    const uint32_t *p = (const uint32_t *)(d->msix_table + vector * ENTRY + at);

    return BITS_LE(32, __atomic_load_n(p, __ATOMIC_SEQ_CST));
}

bool pci_msix_enabled(const PciDevice *d)
{
    return control(d) & ENABLE;
}

bool pci_msix_masked(const PciDevice *d, unsigned vector)
{
    return (control(d) & (ENABLE | FUNCTION_MASK)) != ENABLE || vector >= d->msix_vectors ||
           (word(d, vector, ENTRY_CONTROL) & 1);
}

/* One consistent look. false: masked, nothing to send. */
static bool read_message(PciDevice *d, unsigned vector, uint64_t *addr, uint32_t *data)
{
    bool masked = true;

    for (int tries = 0; tries < RETRIES; tries++) {
        uint32_t seq = __atomic_load_n(&d->msg_seq, __ATOMIC_SEQ_CST);
        masked = pci_msix_masked(d, vector);
        *addr = word(d, vector, 0) | (uint64_t)word(d, vector, 4) << 32;
        *data = word(d, vector, 8);
        if (!(seq & 1) && seq == __atomic_load_n(&d->msg_seq, __ATOMIC_SEQ_CST)) {
            break;
        }
    }
    return !masked;
}

/* ---- sending ---- */

static bool take_pending(PciDevice *d, unsigned vector)
{
    uint8_t bit = 1 << (vector & 7);

    return __atomic_fetch_and(&d->msix_pba[vector / 8], (uint8_t)~bit, __ATOMIC_SEQ_CST) & bit;
}

void pci_msix_notify(PciDevice *d, unsigned vector)
{
    uint64_t addr;
    uint32_t data;

    if (vector >= d->msix_vectors || !pci_msix_enabled(d)) {
        return;
    }
    if (!read_message(d, vector, &addr, &data)) {
        __atomic_fetch_or(&d->msix_pba[vector / 8], 1 << (vector & 7), __ATOMIC_SEQ_CST);
        if (!read_message(d, vector, &addr, &data) || !take_pending(d, vector)) {
            return;
        }
    }
    if (!msix_route_send(d, vector)) {
        pci_msg_send(d, addr, data);
    }
}

/* The vector may have become unmasked. */
static void look_again(PciDevice *d, unsigned vector)
{
    uint64_t addr;
    uint32_t data;

    if (!read_message(d, vector, &addr, &data)) {
        return;
    }
    msix_route_changed(d, vector, addr, data);
    if ((d->msix_pba[vector / 8] >> (vector & 7) & 1) && take_pending(d, vector)) {
        pci_msg_send(d, addr, data);
    }
}

void pci_msix_written(PciDevice *d, const uint8_t *old)
{
    uint8_t bits = (ENABLE | FUNCTION_MASK) >> 8;

    if (((*old ^ d->config[d->msix_cap + CONTROL + 1]) & bits) == 0) {
        return;
    }
    for (unsigned v = 0; v < d->msix_vectors; v++) {
        if (d->msix_changed) {
            d->msix_changed(d, v, pci_msix_masked(d, v));
        }
        look_again(d, v);
    }
}

void pci_msix_loaded(PciDevice *d)
{
    for (unsigned v = 0; v < d->msix_vectors; v++) {
        uint64_t addr;
        uint32_t data;
        msix_route_change(d, v);
        if (read_message(d, v, &addr, &data)) {
            msix_route_changed(d, v, addr, data);
        }
    }
}

void pci_msix_reset(PciDevice *d)
{
    for (unsigned v = 0; v < d->msix_vectors; v++) {
        msix_route_change(d, v);
        memset(d->msix_table + v * ENTRY, 0, ENTRY);
        d->msix_table[v * ENTRY + ENTRY_CONTROL] = 1;
    }
    memset(d->msix_pba, 0, sizeof(d->msix_pba));
}

/* ---- the windows ---- */

static uint64_t table_read(void *opaque, hwaddr offset, unsigned size)
{
    PciDevice *d = opaque;

    return ld_le_n(d->msix_table + offset, size);
}

static void table_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    PciDevice *d = opaque;
    unsigned vector = offset / ENTRY;

    msix_route_change(d, vector);
    msg_change_begin(d);
    for (unsigned i = 0; i < size; i += 4) {
        uint32_t v = value >> (8 * i);
        uint32_t *at = (uint32_t *)(d->msix_table + offset + i);
        __atomic_store_n(at, BITS_LE(32, v), __ATOMIC_SEQ_CST);
    }
    msg_change_end(d);
    if (d->msix_changed) {
        d->msix_changed(d, vector, pci_msix_masked(d, vector));
    }
    look_again(d, vector);
}

static uint64_t pba_read(void *opaque, hwaddr offset, unsigned size)
{
    PciDevice *d = opaque;

    return ld_le_n(d->msix_pba + offset, size);
}

static void pba_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
    /* Read only (6.8.2.10). */
}

static const IoOps table_ops = {table_read, table_write, .min_size = 4, .max_size = 8};
static const IoOps pba_ops = {pba_read, pba_write, .min_size = 4, .max_size = 8};

/* A BAR for nothing but these two. */
static void make_bar(PciDevice *d, unsigned bar, uint32_t end)
{
    uint64_t size = 4096;

    while (size < end) {
        size *= 2;
    }
    g_autofree char *name = g_strdup_printf("%s-msix", d->dev.type->name);
    MemoryRegion *r = region_new_container(name, size);
    pci_bar(d, bar, r, false, false, false);
    region_unref(r); /* its window keeps it */
}

void pci_add_msix(PciDevice *d, unsigned vectors, unsigned bar, uint32_t table, uint32_t pba,
                  unsigned cap_at)
{
    unsigned pba_size = (vectors + 63) / 64 * 8;

    g_assert(vectors && vectors <= MAX_VECTORS && !d->msix_cap && bar < PCI_ROM_BAR);
    g_assert(!(table & 7) && !(pba & 7));
    if (!d->bar[bar].region) {
        make_bar(d, bar, MAX(table + vectors * ENTRY, pba + pba_size));
    }
    MemoryRegion *t = device_io_region(&d->dev, "msix-table", &table_ops, vectors * ENTRY);
    MemoryRegion *p = device_io_region(&d->dev, "msix-pba", &pba_ops, pba_size);
    region_add(d->bar[bar].region, table, t, 1);
    region_add(d->bar[bar].region, pba, p, 1);
    d->msix_region = t;
    d->msix_vectors = vectors;
    d->msix_cap = pci_add_cap(d, PCI_CAP_ID_MSIX, 12, cap_at);
    st_le16(cfg(d, d->msix_cap + CONTROL), vectors - 1);
    st_le32(cfg(d, d->msix_cap + 4), table | bar);
    st_le32(cfg(d, d->msix_cap + 8), pba | bar);
    st_le16(d->wmask + d->msix_cap + CONTROL, ENABLE | FUNCTION_MASK);
    pci_msix_reset(d);
}
