/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the PC's host bridges have in common: configuration mechanism #1 on ports CF8h and CFCh,
 * the reset control register in its middle, PAM and SMRAM.
 *
 * home: the machine's lock domain.
 */
#ifndef HW_CHIPSET_PCI_CONF_H
#define HW_CHIPSET_PCI_CONF_H

#include "core/device.h"
#include "hw/pci/pci.h"

typedef struct PciConfPorts {
    PciBus *root;        /* set by the bridge */
    uint8_t reset_mask;  /* bits of CF9h that read back */
    uint32_t address;    /* saved */
    uint8_t reset_control;
} PciConfPorts;
#define PCI_CONF_STATE(T, c)                                                                       \
    HOST_ONLY(T, c.root), HOST_ONLY(T, c.reset_mask), STATE(T, STATE_U32, c.address, 0),           \
    STATE(T, STATE_U8, c.reset_control, 0)

/* Maps CF8h..CFFh; owner's first member need not be c. */
void pci_conf_map(PciConfPorts *c, Device *owner);

/* An access that nobody answers: all ones. */
extern const IoOps pci_nobody_ops;

/* Thirteen segments between C0000h and FFFFFh, and the video memory's window. */
#define PAM_SEGMENTS 13
typedef struct Pam {
    Machine *machine;
    MemoryRegion *to_pci[PAM_SEGMENTS], *readonly[PAM_SEGMENTS], *writeonly[PAM_SEGMENTS];
    MemoryRegion *video; /* A0000h: PCI, or RAM with SMRAM open */
    AddressSpace *ram, *pci; /* where accesses to write-only segments go */
} Pam;

/* Lays the windows over low RAM in the memory root; everything goes to PCI at first. */
void pam_init(Pam *p, Device *host, MemoryRegion *ram, MemoryRegion *pci);
void pam_fini(Pam *p);
/* regs: the seven PAM registers. */
void pam_update(Pam *p, const uint8_t regs[7], bool smram_open);

#endif
