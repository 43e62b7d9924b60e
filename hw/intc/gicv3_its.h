/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by gicv3_its.c (registers, queue) and gicv3_its_cmd.c (commands, tables), and nobody else. */
#ifndef HW_INTC_GICV3_ITS_H
#define HW_INTC_GICV3_ITS_H

#include "hw/intc/gicv3.h"

#define ITS_BASERS 8
#define ITS_DEVICE_BITS 16
#define ITS_EVENT_BITS 16
#define ITS_COLLECTION_BITS 16
#define ITS_ENTRY_SIZE 8   /* of device and collection tables */
#define ITS_ITE_SIZE 12    /* of interrupt translation tables */
#define ITS_COMMAND_SIZE 32
enum { ITS_DEVICES, ITS_COLLECTIONS }; /* GITS_BASER<n> of the two tables */

typedef struct Its {
    Device dev;
    uint64_t base; /* properties */
    Device *parent;
    /* guarded by: the GIC's lock */
    uint32_t ctlr;
    uint64_t cbaser, cwriter, creadr;
    uint64_t baser[ITS_BASERS];
    Timer more; /* carries on with a long command queue */
    /* host */
    Gicv3 *gic;
} Its;

/* One command of the queue. What it costs of the budget; a wrong one is dropped with a note to the log. */
unsigned its_command(Its *s, const uint64_t dw[4]);
/* A message of a device: its LPI becomes pending. */
void its_event(Its *s, uint32_t device, uint32_t event);

#endif
