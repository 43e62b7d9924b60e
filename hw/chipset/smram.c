/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See smram.h. Intel 82441FX data sheet, 3.2.21 "SMRAM"; 82Q35 (3 Series Express) data sheet, 5.1.30
 * "SMRAM" and 5.1.31 "ESMRAMC".
 * Left out: D_CLS (data accesses of SMM code go to PCI), and that TSEG cannot be reached by DMA.
 */
#include "hw/chipset/smram.h"
#include "core/device.h"
#include "hw/chipset/pci_conf.h"

#define LOW_BASE  0xa0000
#define LOW_SIZE  0x20000
#define HIGH_BASE 0xfeda0000
#define MIB       (1ull << 20)

static MemoryRegion *add(MemoryRegion *to, hwaddr at, MemoryRegion *r)
{
    region_set_enabled(r, false);
    region_add(to, at, r, 2);
    region_unref(r); /* the tree keeps it */
    return r;
}

void smram_init(Smram *s, Device *owner, MemoryRegion *ram, uint64_t top, unsigned extended)
{
    const unsigned mib[TSEG_SIZES] = {1, 2, 8, extended};
    Machine *m = owner->machine;
    MemoryRegion *all = region_new_alias("smm-system", machine_memory_root(m), 0, UINT64_MAX);

    s->view = region_new_container("smm-memory", UINT64_MAX);
    region_add(s->view, 0, all, 0);
    region_unref(all);
    s->low = add(s->view, LOW_BASE, region_new_alias("smram-low", ram, LOW_BASE, LOW_SIZE));
    s->high = add(s->view, HIGH_BASE, region_new_alias("smram-high", ram, LOW_BASE, LOW_SIZE));
    for (int i = 0; i < TSEG_SIZES; i++) {
        uint64_t size = mib[i] * MIB;
        if (!size || top < size + MIB) {
            continue;
        }
        s->tseg[i] = add(s->view, top - size, region_new_alias("smram-tseg", ram, top - size, size));
        MemoryRegion *hole = region_new_io("tseg-hole", &pci_nobody_ops, owner, size);
        region_ref(hole);
        g_ptr_array_add(owner->regions, hole);
        s->hole[i] = add(machine_memory_root(m), top - size, hole);
    }
    s->space = address_space_new(m, "cpu-smm", s->view);
}

void smram_fini(Smram *s)
{
    g_clear_pointer(&s->space, address_space_free);
    g_clear_pointer(&s->view, region_unref);
}

void smram_update(Smram *s, uint8_t smramc, uint8_t esmramc)
{
    int size = smramc & SMRAM_G && esmramc & ESMRAMC_T_EN ? (esmramc & ESMRAMC_T_SIZE) >> 1 : -1;

    if (!s->space) {
        return;
    }
    region_set_enabled(s->low, smramc & SMRAM_G);
    region_set_enabled(s->high, smramc & SMRAM_G && esmramc & ESMRAMC_H);
    for (int i = 0; i < TSEG_SIZES; i++) {
        if (s->tseg[i]) {
            region_set_enabled(s->tseg[i], i == size);
            region_set_enabled(s->hole[i], i == size);
        }
    }
}
