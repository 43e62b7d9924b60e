/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86: 8259s, I/O APIC and 8254 that an accelerator has while vCPUs run (KVM's kernel-irqchip=on).
 *
 * As with local APICs (core/apics.h) the state belongs to the chips: it is lent when vCPUs are about to run and taken back
 * when all are parked. Wires stay ours: meanwhile the chips pass on what their inputs do. Accesses that come to a lent
 * chip all the same (the monitor's, the translator's) borrow its state for their time.
 *
 * home: the machine's lock domain.
 */
#ifndef CORE_PCCHIPS_H
#define CORE_PCCHIPS_H

#include "core/device.h"
#include "core/machine.h"

#define PIC_PINS 16
#define IOAPIC_IMAGE_PINS 24

/* One 8259A of the pair; bits are inputs. Fields as in hw/intc/i8259.c. */
typedef struct PicImage {
    uint8_t level; /* wires */
    uint8_t irr;   /* requests, those of level-triggered inputs and of the slave among them */
    uint8_t isr, imr, elcr, base;
    uint8_t init;   /* initialization word awaited: 0 (none), 2, 3, 4 */
    uint8_t lowest; /* input of lowest priority */
    uint8_t read_isr, poll, special_mask, rotate_aeoi;
    bool aeoi, nested, icw4; /* automatic EOI, special fully nested mode, ICW1 says that there is an ICW4 */
} PicImage;

typedef struct IoApicImage {
    uint64_t base;
    uint8_t id, select;
    uint32_t level; /* wires that are high and level-triggered */
    uint64_t entry[IOAPIC_IMAGE_PINS];
} IoApicImage;

typedef struct PitCounter {
    bool programmed;  /* it had a control word since power-on */
    uint32_t count;   /* 1..65536 */
    int64_t elapsed;  /* ns since the count was loaded; -1: not known */
    uint8_t rw, mode, bcd, gate;
    bool read_msb, write_msb; /* the second byte is next */
    uint8_t write_lsb;        /* the first one */
    uint16_t latch;
    uint8_t latched;          /* bytes of it to be read */
    uint8_t status, status_latched;
} PitCounter;

typedef struct PitImage {
    PitCounter counter[3];
    bool speaker;    /* port 61h, bit 1 */
    bool overridden; /* the HPET has counter 0's line (legacy replacement) */
} PitImage;

/* The accelerator's side. Machine locked. */
typedef struct PcChipHost {
    void (*load_pic)(Machine *m, PicImage out[2]);
    void (*store_pic)(Machine *m, const PicImage in[2]);
    void (*load_ioapic)(Machine *m, IoApicImage *out);
    void (*store_ioapic)(Machine *m, const IoApicImage *in);
    void (*load_pit)(Machine *m, PitImage *out);
    void (*store_pit)(Machine *m, const PitImage *in);
    void (*pic_line)(Machine *m, int pin, int level);
    void (*ioapic_line)(Machine *m, int pin, int level);
    /* No vCPU but the caller's runs guest code between the two. */
    void (*hold)(Machine *m);
    void (*release)(Machine *m);
} PcChipHost;

/* A chip's side. Machine locked. */
typedef struct LentChipOps {
    void (*fetch)(Device *d);   /* its registers from the host */
    void (*store)(Device *d);   /* to the host */
    void (*changed)(Device *d); /* lent, or taken back; NULL: that changes no more than outputs */
} LentChipOps;

/* What may be lent of a device; a member of it. */
typedef struct LentChip {
    Device *dev;
    const LentChipOps *ops;
    const PcChipHost *host; /* who has the registers and knows the wires; NULL: the device itself */
} LentChip;

/* Around an access to a chip that may be lent. */
void lent_chip_borrow(LentChip *c);
void lent_chip_give_back(LentChip *c);
/* For one that just looks. */
void lent_chip_refresh(LentChip *c);

/* The accelerator that will have the chips of a board says so before the board is built; NULL: the chips stay here. */
void machine_set_chip_host(Machine *m, const PcChipHost *host);
const PcChipHost *machine_chip_host(Machine *m);
/* Devices add their chips when they are realized; they live as long as the machine. */
void device_add_lent_chip(Device *d, LentChip *c, const LentChipOps *ops);
/* All vCPUs parked: in the order of adding (again, if a reset changed their state), and back in the opposite one. */
void machine_lend_chips(Machine *m);
void machine_take_chips(Machine *m);

#endif
