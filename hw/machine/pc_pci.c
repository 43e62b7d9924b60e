/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See pc_pci.h. The windows of the host bridge for _CRS: below 4 GiB what RAM, the configuration
 * window and the chips leave free; above it, around the base addresses that the guest programmed,
 * at least HOLE64 bytes behind RAM.
 */
#include "hw/machine/pc_pci.h"
#include "base/bits.h"
#include "hw/chipset/host.h"
#include "hw/intc/apic.h"

#define GIB          (1ull << 30)
#define HOLE64_PC    (2 * GIB)
#define HOLE64_Q35   (32 * GIB)
#define PCI_HOLE_END 0xfec00000ull /* I/O APIC */

static void send_msi(void *opaque, uint16_t requester, uint64_t addr, uint32_t data)
{
    apic_bus_send_msi(opaque, addr, data);
}

bool pc_pci_add_host(PcBoard *pc, const DeviceType *type, Error **errp)
{
    Machine *m = pc->dev.machine;

    pc->pci = region_new_container("pci", UINT64_MAX);
    region_add(machine_memory_root(m), 0, pc->pci, -1);
    region_unref(pc->pci); /* the tree keeps it */
    pc->host = device_new(m, type, &pc->dev, NULL);
    pci_host_wire(pc->host, &(PciHostWires){.ram = pc->ram,
                                            .top = pc->below_4g,
                                            .smm = pc->smm != ONOFF_OFF,
                                            .pci = pc->pci,
                                            .msi = send_msi,
                                            .msi_opaque = pc->apic_bus});
    if (!device_realize(pc->host, errp)) {
        return false;
    }
    for (int i = 0; i < machine_cpu_count(m); i++) {
        machine_cpu(m, i)->secure_mem = pci_host_smm_space(pc->host);
    }
    return true;
}

void pc_pci_keep_default_slots(PcBoard *pc)
{
    const MachineConfig *cfg = machine_config(pc->dev.machine);
    int cards = cfg->default_vga + cfg->default_nic;

    for (int i = 0; i < cards; i++) {
        pci_bus_keep_slot(pci_host_bus(pc->host));
    }
}

bool pc_pci_add_disk_controller(PcBoard *pc, uint8_t devfn, const char *name, Error **errp)
{
    const DeviceType *type = device_type_find(name, NULL);

    if (!type) {
        return true;
    }
    pc->ide = pci_new(pci_host_bus(pc->host), devfn, type, NULL);
    return device_realize(pc->ide, errp);
}

bool pc_pci_connect_sci(PcBoard *pc, Device *pm, Error **errp)
{
    Irq line;

    if (!isa_irq_claim(pc->isa, ACPI_SCI_IRQ, &line, errp)) {
        return false;
    }
    device_connect(pm, 0, line);
    return true;
}

/* ---- windows ---- */

typedef struct Span {
    uint64_t first, last; /* of 64-bit memory BARs; first > last: none */
} Span;

static void add_bars(PciDevice *d, void *opaque)
{
    Span *s = opaque;

    for (int i = 0; i < PCI_BARS; i++) {
        const PciBar *b = &d->bar[i];
        if (b->region && !b->io && b->addr != UINT64_MAX && b->addr >= 4 * GIB) {
            s->first = MIN(s->first, b->addr);
            s->last = MAX(s->last, b->addr + b->size - 1);
        }
    }
}

void pc_pci_describe(PcBoard *pc, AcpiConfig *ac)
{
    bool q35 = pc->host->type == &q35_host_type;
    Span s = {.first = UINT64_MAX, .last = 0};
    uint64_t behind_ram = (4 * GIB + pc->above_4g + GIB - 1) & ~(GIB - 1);

    if (!q35 || !q35_ecam(pc->host, &ac->ecam_base, &ac->ecam_size)) {
        ac->ecam_size = 0;
    }
    ac->pci32_base = pc->below_4g;
    ac->pci32_end = PCI_HOLE_END;
    pci_foreach(pci_host_bus(pc->host), add_bars, &s);
    ac->pci64_base = MIN(s.first, behind_ram);
    ac->pci64_end = MAX(s.last + 1, (ac->pci64_base + (q35 ? HOLE64_Q35 : HOLE64_PC) + GIB - 1) & ~(GIB - 1));
}
