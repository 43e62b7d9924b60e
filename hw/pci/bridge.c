/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every PCI-to-PCI bridge has: the type 1 header, the three windows, secondary bus reset.
 *
 * PCI-to-PCI Bridge 1.2 chapter 3. Left out: VGA and ISA enable bits, discard timers, error
 * forwarding; subtractive decoding.
 *
 * home: the machine's lock domain.
 */
#include "hw/pci/internal.h"

enum { WIN_MEM, WIN_PREF, WIN_IO };

/* 16-bit I/O, 32-bit memory, 64-bit prefetchable memory; all closed: the base is above the limit. */
void pci_bridge_header(PciDevice *d)
{
    st_le32(d->wmask + BRIDGE_PRIMARY, UINT32_MAX); /* bus numbers, latency timer */
    d->wmask[BRIDGE_IO_BASE] = d->wmask[BRIDGE_IO_LIMIT] = 0xf0;
    st_le32(d->wmask + BRIDGE_MEM_BASE, 0xfff0fff0);
    st_le32(d->wmask + BRIDGE_PREF_BASE, 0xfff0fff0);
    *cfg(d, BRIDGE_IO_BASE) = 0xf0;
    st_le32(cfg(d, BRIDGE_MEM_BASE), 0x0000fff0);
    st_le32(cfg(d, BRIDGE_PREF_BASE), 0x0001fff1);
    st_le32(d->wmask + BRIDGE_PREF_BASE_HI, UINT32_MAX);
    st_le32(d->wmask + BRIDGE_PREF_LIMIT_HI, UINT32_MAX);
    st_le16(d->w1c + BRIDGE_SEC_STATUS, STATUS_ERRORS);
    st_le16(d->wmask + BRIDGE_CONTROL, 0x005f);
}

static PciWindow window_of(PciDevice *d, int which)
{
    uint64_t base, limit;

    if (which == WIN_IO) {
        base = (uint64_t)(*cfg(d, BRIDGE_IO_BASE) & 0xf0) << 8;
        limit = (uint64_t)(*cfg(d, BRIDGE_IO_LIMIT) & 0xf0) << 8 | 0xfff;
    } else {
        unsigned at = which == WIN_MEM ? BRIDGE_MEM_BASE : BRIDGE_PREF_BASE;
        base = (uint64_t)(ld_le16(cfg(d, at)) & 0xfff0) << 16;
        limit = (uint64_t)(ld_le16(cfg(d, at + 2)) & 0xfff0) << 16 | 0xfffff;
    }
    if (which == WIN_PREF) {
        base |= (uint64_t)ld_le32(cfg(d, BRIDGE_PREF_BASE_HI)) << 32;
        limit |= (uint64_t)ld_le32(cfg(d, BRIDGE_PREF_LIMIT_HI)) << 32;
    }
    uint16_t enable = which == WIN_IO ? CMD_IO : CMD_MEM;
    if (!(ld_le16(cfg(d, CFG_COMMAND)) & enable) || pci_in_d3(d) || base > limit ||
        limit - base == UINT64_MAX) {
        return (PciWindow){0};
    }
    return (PciWindow){.base = base, .size = limit - base + 1};
}

static void set_window(PciBus *b, int which, PciWindow to)
{
    static const char *const names[] = {"bridge-memory", "bridge-prefetch", "bridge-io"};
    PciWindow *w = &b->window[which];
    MemoryRegion *outside = which == WIN_IO ? b->bridge->bus->io : b->bridge->bus->mem;
    MemoryRegion *inside = which == WIN_IO ? b->io : b->mem;

    if (w->base == to.base && w->size == to.size) {
        return;
    }
    mem_transaction_begin(b->bridge->dev.machine);
    if (w->alias) {
        region_remove(outside, w->alias);
        region_unref(w->alias);
    }
    *w = to;
    if (to.size) {
        w->alias = region_new_alias(names[which], inside, to.base, to.size);
        region_add(outside, to.base, w->alias, 1);
    }
    mem_transaction_commit(b->bridge->dev.machine);
}

void pci_windows_update(PciDevice *d)
{
    for (int i = WIN_MEM; i <= WIN_IO; i++) {
        set_window(d->secondary, i, window_of(d, i));
    }
}

void pci_windows_close(PciBus *b)
{
    for (int i = WIN_MEM; i <= WIN_IO; i++) {
        set_window(b, i, (PciWindow){0});
    }
}

/* Everybody on the secondary bus, as its RST# would. */
static void reset_secondary(PciBus *b)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(b->slot); i++) {
        if (b->slot[i] && b->slot[i]->dev.realized) {
            device_reset(&b->slot[i]->dev);
        }
    }
}

void pci_bridge_written(PciDevice *d, unsigned reg, unsigned size, const uint8_t *old)
{
    if (reg <= BRIDGE_CONTROL && BRIDGE_CONTROL < reg + size) {
        uint8_t was = old[BRIDGE_CONTROL - reg], now = *cfg(d, BRIDGE_CONTROL);
        if (now & ~was & BRIDGE_CTL_RESET) {
            reset_secondary(d->secondary);
        }
    }
}

void pci_bridge_add_ssvid(PciDevice *d, uint16_t vendor, uint16_t device, unsigned at)
{
    at = pci_add_cap(d, 0x0d, 8, at);
    st_le16(cfg(d, at + 4), vendor);
    st_le16(cfg(d, at + 6), device);
}
