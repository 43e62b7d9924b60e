/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI Local Bus specification 3.0, 3.2.2.3.2 "configuration mechanism #1"; Intel 82441FX data
 * sheet, 3.2.18 "PAM" and 3.2.21 "SMRAM"; 82371SB, 2.4.2 "reset control register".
 *
 * CF9h answers byte accesses only: a wider one that covers it is the address register's.
 */
#include "hw/chipset/pci_conf.h"
#include <limits.h>

#include "base/bits.h"
#include "core/machine.h"

#define CONF_ENABLE 0x80000000u
#define RC_CPU      0x04 /* the trigger */

/* ---- configuration ports ---- */

static uint64_t address_read(void *opaque, hwaddr offset, unsigned size)
{
    PciConfPorts *c = opaque;

    if (offset == 1 && size == 1) {
        return c->reset_control;
    }
    return size == 4 ? c->address : ~0ull;
}

static void address_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    PciConfPorts *c = opaque;

    if (offset == 1 && size == 1) {
        if (v & RC_CPU) {
            machine_request_reset(c->root->bus.owner->machine, SHUTDOWN_GUEST_RESET);
        }
        c->reset_control = v & c->reset_mask; /* the trigger does not read back */
    } else if (size == 4 && offset == 0) {
        c->address = v;
    }
}

static uint64_t data_read(void *opaque, hwaddr offset, unsigned size)
{
    PciConfPorts *c = opaque;

    if (!(c->address & CONF_ENABLE)) {
        return ~0ull;
    }
    return pci_config_read(c->root, c->address >> 16, c->address >> 8, (c->address & 0xfc) + offset,
                           size);
}

static void data_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    PciConfPorts *c = opaque;

    if (c->address & CONF_ENABLE) {
        pci_config_write(c->root, c->address >> 16, c->address >> 8, (c->address & 0xfc) + offset, v,
                         size);
    }
}

static const IoOps address_ops = {address_read, address_write, .max_size = 4};
static const IoOps data_ops = {data_read, data_write, .max_size = 4};

static void map(PciConfPorts *c, Device *owner, uint16_t port, const char *name, const IoOps *ops)
{
    MemoryRegion *r = region_new_io(name, ops, c, 4);

    region_add(machine_ports_root(owner->machine), port, r, 0);
    g_ptr_array_add(owner->regions, r);
}

void pci_conf_map(PciConfPorts *c, Device *owner)
{
    map(c, owner, 0xcf8, "pci-conf-idx", &address_ops);
    map(c, owner, 0xcfc, "pci-conf-data", &data_ops);
}

/* ---- shadow RAM ---- */

#define LEGACY_BASE 0xa0000
#define LEGACY_SIZE 0x60000 /* video memory and all segments */
#define SHADOW_BASE 0xc0000
#define MIB         0x100000
enum { PAM_READ = 1, PAM_WRITE = 2 };

static void segment(unsigned i, hwaddr *base, uint64_t *size)
{
    *base = i == 12 ? 0xf0000 : 0xc0000 + i * 0x4000;
    *size = i == 12 ? 0x10000 : 0x4000;
}

static MemoryRegion *window(Machine *m, const char *name, MemoryRegion *to, hwaddr base,
                            uint64_t size)
{
    MemoryRegion *r = region_new_alias(name, to, base, size);

    region_add(machine_memory_root(m), base, r, 1);
    region_unref(r); /* the tree keeps it */
    return r;
}

static uint64_t nobody_read(void *opaque, hwaddr offset, unsigned size)
{
    return ~0ull;
}

static void nobody_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
}

const IoOps pci_nobody_ops = {nobody_read, nobody_write, .max_size = 8};

/* An access that goes to PCI ends there though no card answers: RAM must not show through. */
static void add_nobody(Device *host, MemoryRegion *pci)
{
    MemoryRegion *r = region_new_io("pci-nobody", &pci_nobody_ops, host, LEGACY_SIZE);

    region_add(pci, LEGACY_BASE, r, INT_MIN);
    g_ptr_array_add(host->regions, r);
}

/* Write-only shadow RAM: firmware copies itself on itself. */
static uint64_t shadow_read(void *opaque, hwaddr offset, unsigned size)
{
    uint64_t v = ~0ull;

    address_space_load(((Pam *)opaque)->pci, SHADOW_BASE + offset, MEM_ATTRS_NONE, size, &v);
    return v;
}

static void shadow_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    address_space_store(((Pam *)opaque)->ram, SHADOW_BASE + offset, MEM_ATTRS_NONE, size, v);
}

static const IoOps shadow_ops = {shadow_read, shadow_write, .max_size = 8};

void pam_init(Pam *p, Device *host, MemoryRegion *ram, MemoryRegion *pci)
{
    Machine *m = p->machine = host->machine;

    add_nobody(host, pci);
    p->ram = address_space_new(m, "pam-ram", ram);
    p->pci = address_space_new(m, "pam-pci", pci);
    MemoryRegion *shadow = region_new_io("pam-shadow", &shadow_ops, p, MIB - SHADOW_BASE);
    g_ptr_array_add(host->regions, shadow);
    p->video = window(m, "smram-region", pci, 0xa0000, 0x20000);
    for (unsigned i = 0; i < PAM_SEGMENTS; i++) {
        hwaddr base;
        uint64_t size;
        segment(i, &base, &size);
        p->to_pci[i] = window(m, "pam-pci", pci, base, size);
        p->readonly[i] = window(m, "pam-rom", ram, base, size);
        region_set_readonly(p->readonly[i], true);
        region_set_enabled(p->readonly[i], false);
        p->writeonly[i] = region_new_alias("pam-write", shadow, base - SHADOW_BASE, size);
        region_set_enabled(p->writeonly[i], false);
        region_add(machine_memory_root(m), base, p->writeonly[i], 1);
        region_unref(p->writeonly[i]);
    }
}

void pam_fini(Pam *p)
{
    g_clear_pointer(&p->ram, address_space_free);
    g_clear_pointer(&p->pci, address_space_free);
}

void pam_update(Pam *p, const uint8_t regs[7], bool smram_open)
{
    mem_transaction_begin(p->machine);
    region_set_enabled(p->video, !smram_open);
    for (unsigned i = 0; i < PAM_SEGMENTS; i++) {
        /* The first register's high half is the BIOS area; then low and high halves ascending. */
        unsigned bits = i == 12 ? regs[0] >> 4 : i & 1 ? regs[1 + i / 2] >> 4 : regs[1 + i / 2];
        bits &= PAM_READ | PAM_WRITE;
        region_set_enabled(p->to_pci[i], !bits);
        region_set_enabled(p->readonly[i], bits == PAM_READ);
        region_set_enabled(p->writeonly[i], bits == PAM_WRITE);
    }
    mem_transaction_commit(p->machine);
}
