/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI functions: their header, capability lists, and accesses to configuration space.
 *
 * PCI Local Bus 3.0 chapter 6; PCI Power Management 1.2 chapter 3 (D0 and D3hot).
 * Left out: D1, D2, PME#, BIST, vital product data.
 *
 * home: the machine's lock domain.
 */
#include "hw/pci/internal.h"

#include <string.h>

#define PM_CONTROL   4
#define PM_STATE     3
#define PM_SOFT_KEPT (1 << 3) /* No_Soft_Reset */

/* ---- header ---- */

static void fill_ids(PciDevice *d, const PciIdent *id)
{
    st_le16(cfg(d, CFG_VENDOR), id->vendor);
    st_le16(cfg(d, CFG_DEVICE), id->device);
    *cfg(d, CFG_REVISION) = id->revision;
    *cfg(d, CFG_CLASS) = id->class_code;
    st_le16(cfg(d, CFG_CLASS + 1), id->class_code >> 8);
    *cfg(d, CFG_HEADER) = (id->bridge ? 1 : 0) | (d->multifunction ? HEADER_MULTI : 0);
    *cfg(d, CFG_PIN) = id->pin;
    if (!id->bridge) {
        st_le16(cfg(d, CFG_SUB_VENDOR), id->sub_vendor ? id->sub_vendor : 0x1af4);
        st_le16(cfg(d, CFG_SUB_DEVICE), id->sub_vendor ? id->sub_device : 0x1100);
    }
}

static void fill_masks(PciDevice *d, const PciIdent *id)
{
    st_le16(d->wmask + CFG_COMMAND,
            CMD_IO | CMD_MEM | CMD_MASTER | CMD_PARITY | CMD_SERR | CMD_INTX_OFF);
    st_le16(d->w1c + CFG_STATUS, STATUS_ERRORS);
    d->wmask[CFG_CACHE_LINE] = 0xff;
    d->wmask[CFG_LINE] = 0xff;
    if (id->bridge) {
        pci_bridge_header(d);
    }
}

bool pci_setup(PciDevice *d, const PciIdent *id, Error **errp)
{
    if (!d->bus) {
        error_set(errp, ERR_GENERIC, "'%s' is on no PCI bus", d->dev.type->name);
        return false;
    }
    memset(d->config, 0, sizeof(d->config));
    memset(d->wmask, 0, sizeof(d->wmask));
    memset(d->w1c, 0, sizeof(d->w1c));
    d->ident = *id;
    d->cap_used = 0xffff; /* the header */
    d->ext_cap_last = 0;
    d->ext_cap_end = 0x100;
    fill_ids(d, id);
    fill_masks(d, id);
    if (id->express && d->bus->express) {
        pcie_add_cap(d);
        if (!id->no_pm) {
            pci_add_pm(d, id->pm_at);
        }
    }
    return true;
}

void pci_teardown(PciDevice *d)
{
    Machine *m = d->dev.machine;
    bool lock = !machine_locked(m);

    if (lock) {
        machine_lock(m);
    }
    d->intx_level = 0;
    pci_intx_update(d);
    __atomic_store_n(&d->bus_master, false, __ATOMIC_SEQ_CST);
    pci_bars_fini(d);
    msix_routes_free(d);
    g_clear_pointer(&d->initial, g_free);
    d->msi_cap = d->msix_cap = d->pm_cap = d->pcie_cap = 0;
    d->msix_vectors = 0;
    if (lock) {
        machine_unlock(m);
    }
}

/* ---- capabilities ---- */

static bool cap_free(const PciDevice *d, unsigned at, unsigned words)
{
    uint64_t bits = words >= 64 ? UINT64_MAX : (1ull << words) - 1;

    return at / 4 + words <= 64 && !(d->cap_used & bits << (at / 4));
}

unsigned pci_add_cap(PciDevice *d, uint8_t id, unsigned size, unsigned at)
{
    unsigned words = (size + 3) / 4;

    if (!at) {
        for (at = 0x40; at < PCI_CONFIG_SIZE && !cap_free(d, at, words); at += 4) {
        }
    }
    g_assert(!(at & 3) && at >= 0x40 && cap_free(d, at, words)); /* a mistake of the device type */
    d->cap_used |= ((1ull << words) - 1) << (at / 4);
    memset(cfg(d, at), 0, size);
    *cfg(d, at) = id;
    *cfg(d, at + 1) = *cfg(d, CFG_CAPS);
    *cfg(d, CFG_CAPS) = at;
    st_le16(cfg(d, CFG_STATUS), ld_le16(cfg(d, CFG_STATUS)) | STATUS_CAPS);
    return at;
}

unsigned pcie_add_ext_cap(PciDevice *d, uint16_t id, uint8_t version, unsigned size, unsigned at)
{
    at = at ? at : d->ext_cap_end;
    g_assert(d->pcie_cap && !(at & 3) && at >= d->ext_cap_end && at + size <= PCIE_CONFIG_SIZE);
    g_assert(d->ext_cap_last || at == 0x100); /* the list starts there */
    st_le32(cfg(d, at), id | (uint32_t)version << 16);
    if (d->ext_cap_last) {
        uint8_t *last = cfg(d, d->ext_cap_last);
        st_le32(last, ld_le32(last) | at << 20);
    }
    d->ext_cap_last = at;
    d->ext_cap_end = round_up(at + size, 4);
    return at;
}

void pcie_add_serial(PciDevice *d, uint64_t serial, unsigned at)
{
    at = pcie_add_ext_cap(d, 3, 1, 12, at);
    st_le64(cfg(d, at + 4), serial);
}

void pci_add_pm(PciDevice *d, unsigned at)
{
    d->pm_cap = pci_add_cap(d, PCI_CAP_ID_PM, 8, at);
    st_le16(cfg(d, d->pm_cap + 2), 3); /* revision 1.2 */
    st_le16(cfg(d, d->pm_cap + PM_CONTROL), PM_SOFT_KEPT);
    st_le16(d->wmask + d->pm_cap + PM_CONTROL, PM_STATE);
}

bool pci_in_d3(const PciDevice *d)
{
    return d->pm_cap && (d->config[d->pm_cap + PM_CONTROL] & PM_STATE) == PM_STATE;
}

/* A write of a state that is not there completes and changes nothing (PM 1.2, 3.2.4). */
static void pm_written(PciDevice *d, uint8_t old)
{
    uint8_t *now = cfg(d, d->pm_cap + PM_CONTROL);

    if ((*now & PM_STATE) == 1 || (*now & PM_STATE) == 2) {
        *now = (*now & ~PM_STATE) | (old & PM_STATE);
    }
}

/* ---- what config[] means ---- */

static void master_update(PciDevice *d)
{
    bool on = (*cfg(d, CFG_COMMAND) & CMD_MASTER) && !pci_in_d3(d);

    __atomic_store_n(&d->bus_master, on, __ATOMIC_SEQ_CST);
}

static void update(PciDevice *d)
{
    master_update(d);
    pci_bars_update(d);
    if (d->secondary) {
        pci_windows_update(d);
    }
    pci_intx_update(d);
}

void pci_reset(PciDevice *d)
{
    if (!d->initial) {
        d->initial = g_memdup2(d->config, sizeof(d->config));
    }
    msg_change_begin(d);
    memcpy(d->config, d->initial, sizeof(d->config));
    pci_msix_reset(d);
    msg_change_end(d);
    d->intx_level = 0;
    update(d);
}

/* len bytes at at: what the guest cannot write is as it was. */
static void restore(PciDevice *d, unsigned at, unsigned len)
{
    for (unsigned i = at; i < at + len; i++) {
        uint8_t open = d->wmask[i] | d->w1c[i];
        d->config[i] = (d->config[i] & open) | (d->initial[i] & ~open);
    }
}

/* What never changes is not taken from a saved state: identity, kinds of BARs, capabilities. */
static void restore_fixed(PciDevice *d)
{
    static const uint8_t whole[] = {0, 1, 2, 3, 8, 9, 0xa, 0xb, 0xe, 0x34, 0x3d};

    for (unsigned i = 0; i < sizeof(whole); i++) {
        d->config[whole[i]] = d->initial[whole[i]];
    }
    restore(d, CFG_BAR0, CFG_CAPS - CFG_BAR0);
    restore(d, d->msi_cap, d->msi_cap ? 4 : 0);
    restore(d, d->msix_cap, d->msix_cap ? 12 : 0);
    restore(d, d->pm_cap, d->pm_cap ? 8 : 0);
    restore(d, d->pcie_cap, d->pcie_cap ? EXP_DEVCTL : 0);
}

void pci_loaded(PciDevice *d)
{
    if (d->initial) {
        restore_fixed(d);
    }
    d->intx_level = d->intx_level != 0;
    msg_change_begin(d); /* the engine has been through the tables */
    msg_change_end(d);
    pci_msix_loaded(d);
    update(d);
}

/* ---- accesses ---- */

unsigned pci_config_limit(const PciDevice *d)
{
    return d->pcie_cap ? PCIE_CONFIG_SIZE : PCI_CONFIG_SIZE;
}

uint32_t pci_function_read(PciDevice *d, unsigned reg, unsigned size)
{
    uint32_t v = 0;

    if (reg + size > pci_config_limit(d)) {
        return UINT32_MAX;
    }
    if (d->config_read) {
        d->config_read(d, reg, size);
    }
    for (unsigned i = 0; i < size; i++) {
        v |= (uint32_t)__atomic_load_n(&d->config[reg + i], __ATOMIC_RELAXED) << (8 * i);
    }
    return v;
}

static bool touches(unsigned reg, unsigned size, unsigned at, unsigned len)
{
    return at && reg < at + len && at < reg + size;
}

static void store(PciDevice *d, unsigned reg, uint32_t v, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = v >> (8 * i), *at = cfg(d, reg + i);
        uint8_t mask = d->wmask[reg + i], clear = d->w1c[reg + i];
        uint8_t now = ((*at & ~mask) | (byte & mask)) & ~(byte & clear);
        if (!(mask | clear)) {
            continue; /* pending bits may be set by another thread meanwhile */
        }
        __atomic_store_n(at, now, __ATOMIC_RELAXED);
    }
}

/* old: the bytes that were at reg. */
static void written(PciDevice *d, unsigned reg, unsigned size, const uint8_t *old)
{
    if (touches(reg, size, d->pm_cap + PM_CONTROL, 1) && d->pm_cap) {
        pm_written(d, old[d->pm_cap + PM_CONTROL - reg]);
    }
    if (d->secondary) {
        pci_bridge_written(d, reg, size, old);
    }
    update(d);
    if (touches(reg, size, d->msi_cap, 0x18)) {
        pci_msi_written(d);
    }
    if (touches(reg, size, d->msix_cap, 4)) {
        pci_msix_written(d, reg <= d->msix_cap + 3 && d->msix_cap + 3 < reg + size
                                ? old + (d->msix_cap + 3 - reg)
                                : cfg(d, d->msix_cap + 3));
    }
}

void pci_function_write(PciDevice *d, unsigned reg, uint32_t v, unsigned size)
{
    uint8_t old[8] = {0};
    bool message = touches(reg, size, d->msi_cap, 0x18);

    if (reg + size > pci_config_limit(d) || size > 4) {
        return;
    }
    memcpy(old, cfg(d, reg), size);
    if (message) {
        msg_change_begin(d);
    }
    store(d, reg, v, size);
    if (message) {
        msg_change_end(d);
    }
    written(d, reg, size, old);
    if (d->config_written) {
        d->config_written(d, reg, size, ld_le_n(old, size));
    }
    if (d->pcie_cap) {
        pcie_written(d, reg, size); /* last: it may reset the function */
    }
    device_update(&d->dev);
}
