/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See virtio_driver.h. Virtio 1.2, 2.7, 2.8, 4.1. */
#include <string.h>

#include "base/bits.h"
#include "virtio_driver.h"

enum { F_INDIRECT = 28, F_EVENT = 29, F_VERSION_1 = 32, F_PACKED = 34 };
enum { NEXT = 1, WRITE = 2, INDIRECT = 4, AVAIL = 0x80, USED = 0x8000 };

static uint64_t ram(VirtioDriver *d, hwaddr a, unsigned size)
{
    return bench_load(d->m, a, size);
}

static void put(VirtioDriver *d, hwaddr a, unsigned size, uint64_t v)
{
    bench_store(d->m, a, size, v);
}

void vd_init(VirtioDriver *d, PciDevice *pci, unsigned mode)
{
    *d = (VirtioDriver){.m = pci->dev.machine, .pci = pci, .mode = mode};
    for (unsigned at = pci->config[0x34]; at; at = pci->config[at + 1]) {
        const uint8_t *c = pci->config + at;
        if (c[0] != PCI_CAP_ID_VENDOR || c[3] > 4) {
            continue;
        }
        hwaddr *areas[] = {NULL, &d->common, &d->notify, &d->isr, &d->config};
        if (c[3] == 2) {
            d->notify_step = ld_le32(c + 16);
        }
        *areas[c[3]] = pci->bar[c[4]].addr + ld_le32(c + 8);
    }
    d->io = pci->bar[0].region ? (unsigned)pci->bar[0].addr : 0;
}

void vd_write(VirtioDriver *d, unsigned reg, unsigned size, uint64_t v)
{
    put(d, d->common + reg, size, v);
}

uint64_t vd_read(VirtioDriver *d, unsigned reg, unsigned size)
{
    return ram(d, d->common + reg, size);
}

uint8_t vd_status(VirtioDriver *d)
{
    return d->mode & VD_LEGACY ? bench_in(d->m, d->io + 18, 1) : vd_read(d, 0x14, 1);
}

static void set_status(VirtioDriver *d, uint8_t s)
{
    if (d->mode & VD_LEGACY) {
        bench_out(d->m, d->io + 18, 1, s);
    } else {
        vd_write(d, 0x14, 1, s);
    }
}

uint64_t vd_host_features(VirtioDriver *d)
{
    if (d->mode & VD_LEGACY) {
        return bench_in(d->m, d->io, 4);
    }
    vd_write(d, 0, 4, 1);
    uint64_t f = vd_read(d, 4, 4) << 32;
    vd_write(d, 0, 4, 0);
    return f | vd_read(d, 4, 4);
}

uint64_t vd_config(VirtioDriver *d, unsigned offset, unsigned size)
{
    return d->mode & VD_LEGACY ? bench_in(d->m, d->io + (pci_msix_enabled(d->pci) ? 24 : 20) + offset, size)
                               : ram(d, d->config + offset, size);
}

void vd_reset(VirtioDriver *d)
{
    set_status(d, 0);
    d->avail = d->used = 0;
    d->avail_wrap = d->used_wrap = true;
    for (hwaddr a = VD_DESC; a < VD_DATA; a += 8) {
        put(d, a, 8, 0);
    }
}

/* at: descriptors; the other areas as far behind them as for queue 0. */
void vd_setup_queue(VirtioDriver *d, unsigned queue, hwaddr at)
{
    if (d->mode & VD_LEGACY) {
        bench_out(d->m, d->io + 14, 2, queue);
        g_assert_cmpuint(bench_in(d->m, d->io + 12, 2), ==, VD_SIZE);
        bench_out(d->m, d->io + 8, 4, at / 4096);
        return;
    }
    vd_write(d, 0x16, 2, queue);
    vd_write(d, 0x18, 2, VD_SIZE);
    vd_write(d, 0x20, 4, at);
    vd_write(d, 0x24, 4, 0);
    vd_write(d, 0x28, 8, at + VD_AVAIL - VD_DESC);
    vd_write(d, 0x30, 8, at + VD_USED - VD_DESC);
    vd_write(d, 0x1c, 2, 1);
}

bool vd_start(VirtioDriver *d)
{
    uint64_t want = d->more_features;

    vd_reset(d);
    set_status(d, 1);
    set_status(d, 3);
    want |= d->mode & VD_LEGACY ? 0 : 1ull << F_VERSION_1;
    want |= d->mode & VD_PACKED ? 1ull << F_PACKED : 0;
    want |= d->mode & VD_INDIRECT ? 1ull << F_INDIRECT : 0;
    want |= d->mode & VD_EVENT ? 1ull << F_EVENT : 0;
    d->features = want;
    if (d->mode & VD_LEGACY) {
        bench_out(d->m, d->io + 4, 4, want);
    } else {
        for (unsigned i = 0; i < 2; i++) {
            vd_write(d, 8, 4, i);
            vd_write(d, 12, 4, want >> (32 * i));
        }
        set_status(d, 11);
        if (!(vd_status(d) & 8)) {
            return false;
        }
    }
    vd_setup_queue(d, d->queue, VD_DESC);
    set_status(d, d->mode & VD_LEGACY ? 7 : 15);
    return true;
}

static void put_desc(VirtioDriver *d, hwaddr at, const VdBuf *b, uint16_t third, uint16_t fourth)
{
    put(d, at, 8, b->addr);
    put(d, at + 8, 4, b->len);
    put(d, at + 12, 2, third);
    put(d, at + 14, 2, fourth);
}

static void add_split(VirtioDriver *d, unsigned r, const VdBuf *b, unsigned n)
{
    bool indirect = d->mode & VD_INDIRECT;
    hwaddr table = indirect ? VD_TABLES + r * 0x100 : VD_DESC;
    unsigned first = indirect ? 0 : r * 4;

    for (unsigned i = 0; i < n; i++) {
        bool last = i + 1 == n;
        put_desc(d, table + 16 * (first + i), &b[i], (b[i].in ? WRITE : 0) | (last ? 0 : NEXT),
                 last ? 0 : first + i + 1);
    }
    if (indirect) {
        put_desc(d, VD_DESC + 16 * (r * 4), &(VdBuf){table, n * 16}, INDIRECT, 0);
    }
    put(d, VD_AVAIL + 4 + 2 * (d->avail % VD_SIZE), 2, r * 4);
    put(d, VD_AVAIL + 2, 2, ++d->avail);
}

static void put_packed(VirtioDriver *d, const VdBuf *b, unsigned id, uint16_t flags)
{
    flags |= d->avail_wrap ? AVAIL : USED;
    put_desc(d, VD_DESC + 16 * d->avail, b, id, flags);
    if (++d->avail == VD_SIZE) {
        d->avail = 0;
        d->avail_wrap = !d->avail_wrap;
    }
}

static void add_packed(VirtioDriver *d, unsigned r, const VdBuf *b, unsigned n)
{
    hwaddr table = VD_TABLES + r * 0x100;

    if (d->mode & VD_INDIRECT) {
        for (unsigned i = 0; i < n; i++) {
            put_desc(d, table + 16 * i, &b[i], 0, b[i].in ? WRITE : 0);
        }
        put_packed(d, &(VdBuf){table, n * 16}, r, INDIRECT);
        return;
    }
    for (unsigned i = 0; i < n; i++) { /* the device does not look before the kick */
        put_packed(d, &b[i], r, (b[i].in ? WRITE : 0) | (i + 1 < n ? NEXT : 0));
    }
}

void vd_add(VirtioDriver *d, unsigned r, const VdBuf *b, unsigned n)
{
    if (d->mode & VD_PACKED) {
        add_packed(d, r, b, n);
    } else {
        add_split(d, r, b, n);
    }
}

void vd_kick(VirtioDriver *d)
{
    if (d->mode & VD_LEGACY) {
        bench_out(d->m, d->io + 16, 2, d->queue);
    } else {
        put(d, d->notify + d->queue * d->notify_step, 2, d->queue);
    }
}

bool vd_kick_wanted(VirtioDriver *d, unsigned added)
{
    if (d->mode & VD_PACKED) {
        uint16_t off_wrap = ram(d, VD_USED, 2), flags = ram(d, VD_USED + 2, 2);
        if (!(d->mode & VD_EVENT) || flags != 2) {
            return flags != 1;
        }
        uint16_t event = off_wrap & 0x7fff;
        event -= off_wrap >> 15 != d->avail_wrap ? VD_SIZE : 0;
        return (uint16_t)(d->avail - event - 1) < added;
    }
    if (d->mode & VD_EVENT) {
        uint16_t event = ram(d, VD_USED + 4 + 8 * VD_SIZE, 2);
        return (uint16_t)(d->avail - event - 1) < added;
    }
    return !(ram(d, VD_USED, 2) & 1);
}

bool vd_used(VirtioDriver *d, unsigned *r, uint32_t *len)
{
    if (d->mode & VD_PACKED) {
        hwaddr at = VD_DESC + 16 * d->used;
        uint16_t flags = ram(d, at + 14, 2);
        if (!!(flags & AVAIL) != d->used_wrap || !!(flags & USED) != d->used_wrap) {
            return false;
        }
        *r = ram(d, at + 12, 2);
        *len = ram(d, at + 8, 4);
        return true;
    }
    if ((uint16_t)ram(d, VD_USED + 2, 2) == d->used) {
        return false;
    }
    hwaddr at = VD_USED + 4 + 8 * (d->used++ % VD_SIZE);
    *r = ram(d, at, 4) / 4;
    *len = ram(d, at + 4, 4);
    return true;
}
