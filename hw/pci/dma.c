/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions as bus masters. With bus mastering off a read brings ones and a write goes nowhere,
 * as a request that nobody completes.
 *
 * Left out: IOMMUs; every function sees the root's address space.
 *
 * home: any thread.
 */
#include "hw/pci/internal.h"

#include <string.h>

/*
 * PCI-to-PCI bridges speak for what is behind them (PCIe-to-PCI bridge 1.0, section 2.3): one from
 * Express with its secondary bus number and device 0, others with their own id.
 */
uint16_t pci_requester_id(const PciDevice *d)
{
    uint16_t id = pci_bus_number(d->bus) << 8 | d->devfn;

    for (const PciBus *b = d->bus; b->bridge; b = b->bridge->bus) {
        if (b->bridge->pcie_cap && b->bridge->ident.pcie_type == PCIE_TO_PCI) {
            id = pci_bus_number(b) << 8;
        } else if (!b->bridge->pcie_cap) {
            id = pci_bus_number(b->bridge->bus) << 8 | b->bridge->devfn;
        }
    }
    return id;
}

static bool master(const PciDevice *d)
{
    return __atomic_load_n(&d->bus_master, __ATOMIC_SEQ_CST);
}

static MemAttrs attrs(const PciDevice *d)
{
    return (MemAttrs){.requester = pci_requester_id(d), .dma = true};
}

AddressSpace *pci_dma_space(PciDevice *d)
{
    return pci_bus_root(d->bus)->dma;
}

MemResult pci_dma_read(PciDevice *d, uint64_t addr, void *buf, uint64_t len)
{
    if (!master(d)) {
        memset(buf, 0xff, len);
        return MEM_DECODE_ERROR;
    }
    return address_space_read(pci_dma_space(d), addr, attrs(d), buf, len);
}

MemResult pci_dma_write(PciDevice *d, uint64_t addr, const void *buf, uint64_t len)
{
    if (!master(d)) {
        return MEM_DECODE_ERROR;
    }
    return address_space_write(pci_dma_space(d), addr, attrs(d), buf, len);
}

void *pci_dma_map(PciDevice *d, uint64_t addr, uint64_t *len, bool write)
{
    return master(d) ? address_space_map(pci_dma_space(d), addr, len, write) : NULL;
}

void pci_dma_written(PciDevice *d, uint64_t addr, uint64_t len)
{
    address_space_written(pci_dma_space(d), addr, len);
}
