/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of this room: registers by name, and what one file asks of another.
 */
#ifndef HW_PCI_INTERNAL_H
#define HW_PCI_INTERNAL_H

#include "base/bits.h"
#include "hw/pci/pci.h"

/* Header, PCI 3.0 section 6.1 and PCI-to-PCI Bridge 1.2 section 3.2. */
enum {
    CFG_VENDOR = 0x00,
    CFG_DEVICE = 0x02,
    CFG_COMMAND = 0x04,
    CFG_STATUS = 0x06,
    CFG_REVISION = 0x08,
    CFG_CLASS = 0x09,
    CFG_CACHE_LINE = 0x0c,
    CFG_LATENCY = 0x0d,
    CFG_HEADER = 0x0e,
    CFG_BAR0 = 0x10,
    CFG_SUB_VENDOR = 0x2c,
    CFG_SUB_DEVICE = 0x2e,
    CFG_ROM = 0x30,
    CFG_CAPS = 0x34,
    CFG_LINE = 0x3c,
    CFG_PIN = 0x3d,
    BRIDGE_PRIMARY = 0x18,
    BRIDGE_SECONDARY = 0x19,
    BRIDGE_SUBORDINATE = 0x1a,
    BRIDGE_LATENCY = 0x1b,
    BRIDGE_IO_BASE = 0x1c,
    BRIDGE_IO_LIMIT = 0x1d,
    BRIDGE_SEC_STATUS = 0x1e,
    BRIDGE_MEM_BASE = 0x20,
    BRIDGE_MEM_LIMIT = 0x22,
    BRIDGE_PREF_BASE = 0x24,
    BRIDGE_PREF_LIMIT = 0x26,
    BRIDGE_PREF_BASE_HI = 0x28,
    BRIDGE_PREF_LIMIT_HI = 0x2c,
    BRIDGE_IO_BASE_HI = 0x30,
    BRIDGE_IO_LIMIT_HI = 0x32,
    BRIDGE_ROM = 0x38,
    BRIDGE_CONTROL = 0x3e,
};
enum {
    CMD_IO = 1 << 0,
    CMD_MEM = 1 << 1,
    CMD_MASTER = 1 << 2,
    CMD_PARITY = 1 << 6,
    CMD_SERR = 1 << 8,
    CMD_INTX_OFF = 1 << 10,
    STATUS_INTX = 1 << 3,
    STATUS_CAPS = 1 << 4,
    STATUS_ERRORS = 0xf900, /* parity, aborts, system error: written ones clear them */
    HEADER_MULTI = 0x80,
    BRIDGE_CTL_RESET = 1 << 6,
};
/* PCI Express capability, PCIe 4.0 section 7.5.3: offsets in it. */
enum {
    EXP_FLAGS = 0x02,
    EXP_DEVCAP = 0x04,
    EXP_DEVCTL = 0x08,
    EXP_DEVSTA = 0x0a,
    EXP_LNKCAP = 0x0c,
    EXP_LNKCTL = 0x10,
    EXP_LNKSTA = 0x12,
    EXP_SLTCAP = 0x14,
    EXP_SLTCTL = 0x18,
    EXP_SLTSTA = 0x1a,
    EXP_RTCTL = 0x1c,
    EXP_RTCAP = 0x1e,
    EXP_RTSTA = 0x20,
    EXP_DEVCAP2 = 0x24,
    EXP_DEVCTL2 = 0x28,
    EXP_LNKCTL2 = 0x30,
    EXP_SIZE = 0x3c,
    DEVCAP_RBER = 1 << 15,
    DEVCAP_FLR = 1 << 28,
    DEVCTL_FLR = 1 << 15,
    FLAGS_SLOT = 1 << 8,
    LNKCAP_DLLLARC = 1 << 20,
    LNKSTA_DLLLA = 1 << 13,
};

static inline uint8_t *cfg(PciDevice *d, unsigned at)
{
    return d->config + at;
}

/* The message registers change: pci_msi_notify() on other threads waits, or reads again. */
static inline void msg_change_begin(PciDevice *d)
{
    __atomic_fetch_add(&d->msg_seq, 1, __ATOMIC_SEQ_CST);
}
static inline void msg_change_end(PciDevice *d)
{
    __atomic_fetch_add(&d->msg_seq, 1, __ATOMIC_SEQ_CST);
}

/* One configuration access of a function; registers beyond what it has read as ones. */
uint32_t pci_function_read(PciDevice *d, unsigned reg, unsigned size);
void pci_function_write(PciDevice *d, unsigned reg, uint32_t v, unsigned size);
unsigned pci_config_limit(const PciDevice *d);

/* bar.c: maps and unmaps as config[] says. */
void pci_bars_update(PciDevice *d);
void pci_bars_fini(PciDevice *d);
/* bridge.c: the same for the windows. */
void pci_windows_update(PciDevice *d);
void pci_windows_close(PciBus *b);
void pci_bridge_header(PciDevice *d);
void pci_bridge_written(PciDevice *d, unsigned reg, unsigned size, const uint8_t *old);
/* irq.c: the wire as intx_level and config[] say. */
void pci_intx_update(PciDevice *d);
/* msi.c, msix.c: after config[] changed; was: bytes before. */
void pci_msi_written(PciDevice *d);
void pci_msix_written(PciDevice *d, const uint8_t *old);
void pci_msix_reset(PciDevice *d);
void pci_msix_loaded(PciDevice *d); /* the table, by a saved state */
void pci_msg_send(PciDevice *d, uint64_t addr, uint32_t data);
/* msix_route.c. The vector's message is about to change; it is this one, and not masked; send it (false: not sent); teardown */
typedef struct MsixRoute MsixRoute;
void msix_route_change(PciDevice *d, unsigned vector);
void msix_route_changed(PciDevice *d, unsigned vector, uint64_t addr, uint32_t data);
bool msix_route_send(PciDevice *d, unsigned vector);
void msix_routes_free(PciDevice *d);
/* pcie.c */
void pcie_add_cap(PciDevice *d);
void pcie_written(PciDevice *d, unsigned reg, unsigned size);
/* bus.c: the bus behind a bridge, named as QEMU names it. */
void pci_bus_init_bridge(PciBus *b, PciDevice *bridge, bool express);
/* Subsystem vendor and device of a bridge, as capability. */
void pci_bridge_add_ssvid(PciDevice *d, uint16_t vendor, uint16_t device, unsigned at);

#endif
