/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scatter lists: guest memory of a transfer as host buffers. home: the machine's lock domain.
 */
#include "hw/ide/ata.h"
#include "hw/pci/pci.h"

typedef struct Range {
    uint64_t addr, len;
} Range;

void ide_sg_init(IdeSg *sg, bool to_guest)
{
    *sg = (IdeSg){.to_guest = to_guest};
    sg->iov = g_array_new(FALSE, FALSE, sizeof(struct iovec));
    sg->range = g_array_new(FALSE, FALSE, sizeof(Range));
}

static void add_iov(IdeSg *sg, void *host, uint64_t len)
{
    if (sg->iov->len) {
        struct iovec *last = &g_array_index(sg->iov, struct iovec, sg->iov->len - 1);
        if ((char *)last->iov_base + last->iov_len == host) {
            last->iov_len += len;
            return;
        }
    }
    struct iovec v = {host, len};
    g_array_append_val(sg->iov, v);
}

bool ide_sg_add(IdeSg *sg, PciDevice *pci, uint64_t addr, uint64_t len)
{
    while (len) {
        uint64_t part = len;
        void *host = pci_dma_map(pci, addr, &part, sg->to_guest);
        if (!host || !part) {
            return false;
        }
        add_iov(sg, host, part);
        if (sg->to_guest) {
            Range r = {addr, part};
            g_array_append_val(sg->range, r);
        }
        sg->bytes += part;
        addr += part;
        len -= part;
    }
    return true;
}

void ide_sg_done(IdeSg *sg, PciDevice *pci, uint64_t bytes)
{
    for (guint i = 0; sg->range && i < sg->range->len && bytes; i++) {
        Range *r = &g_array_index(sg->range, Range, i);
        uint64_t part = MIN(r->len, bytes);
        pci_dma_written(pci, r->addr, part);
        bytes -= part;
    }
    ide_sg_fini(sg);
}

void ide_sg_fini(IdeSg *sg)
{
    g_clear_pointer(&sg->iov, g_array_unref);
    g_clear_pointer(&sg->range, g_array_unref);
    sg->bytes = 0;
}
