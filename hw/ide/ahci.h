/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AHCI's inside: the adapter (ahci.c) and its ports (ahci_port.c). home: the machine's lock domain. */
#ifndef HW_IDE_AHCI_H
#define HW_IDE_AHCI_H

#include "hw/ide/ata.h"
#include "hw/pci/pci.h"

#define AHCI_PORTS 6
#define AHCI_SLOTS 32

typedef struct Ahci Ahci;
typedef struct AhciPort AhciPort;

/* A command under way. */
typedef struct AhciSlot {
    AtaTask t;       /* first: the callbacks' cast */
    AhciPort *port;
    unsigned slot;
    uint64_t header; /* guest address of the command header */
    uint16_t flags;  /* of the header: CFL, A, W, R, C */
    IdeSg sg;
} AhciSlot;

struct AhciPort {
    IdeBus bus;
    Ahci *hba;
    unsigned n;
    /* registers */
    uint32_t clb, clbu, fb, fbu, is, ie, cmd, tfd, sig, ssts, sctl, serr, sact, ci;
    /* state */
    uint32_t running;    /* slots whose command the device has */
    uint32_t queued;     /* of these: NCQ */
    uint8_t in_reset;    /* between SRST=1 and SRST=0 */
    uint8_t halted;      /* after an error, until ST is cleared */
    uint8_t sig_pending; /* the device's first FIS waits for FRE */
    AtaRegs sig_regs;
    /* host */
    AhciSlot *slot[AHCI_SLOTS];
    bool issuing;        /* port_issue() is on the stack */
};

struct Ahci {
    PciDevice pci;
    uint32_t ghc, is;
    uint32_t told;       /* bits of is that a message told of */
    uint32_t idp_index;
    AhciPort port[AHCI_PORTS];
    Timer restart;
};

/* ---- ahci_port.c ---- */
uint32_t ahci_port_read(AhciPort *p, unsigned reg);
void ahci_port_write(AhciPort *p, unsigned reg, uint32_t v);
/* All registers and the device as after power-on or GHC.HR. */
void ahci_port_reset(AhciPort *p);
/* Forgets what is under way; the registers stay. */
void ahci_port_cancel(AhciPort *p);
/* After a load: the commands of `running` again, and what waits. */
void ahci_port_restart(AhciPort *p);
bool ahci_port_valid(const AhciPort *p);
/* ahci.c: something changed that may interrupt. */
void ahci_update(Ahci *s);

#endif
