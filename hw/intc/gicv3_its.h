/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by gicv3_its.c (registers, queue), gicv3_its_cmd.c (commands, tables), gicv3_its_lent.c, and nobody else. */
#ifndef HW_INTC_GICV3_ITS_H
#define HW_INTC_GICV3_ITS_H

#include "hw/intc/gicv3.h"

#define ITS_BASERS 8
#define ITS_DEVICE_BITS 16
#define ITS_EVENT_BITS 16
#define ITS_COLLECTION_BITS 16
#define ITS_PAGE_SIZE 0x10000u /* of tables of devices and collections */
#define ITS_COMMAND_SIZE 32
typedef enum ItsTable { ITS_DEVICES, ITS_COLLECTIONS } ItsTable; /* GITS_BASER<n> of the two tables */

/*
 * Entries of all tables (arm-vgic-its.rst). "Next" is how far the next valid entry is, for a host that reads whole tables; we
 * do not look at it. A translation is valid if it has an INTID.
 */
#define ITS_ENTRY_SIZE 8u
#define ITS_VALID (1ull << 63)  /* of devices and collections */
#define ITS_DTE_NEXT_SHIFT 49
#define ITS_DTE_NEXT 0x3fffu
#define ITS_DTE_ITT_SHIFT 3     /* bits 51:8 of the address are at 48:5; 4:0 are bits of EventID - 1 */
#define ITS_DTE_ITT (MASK64(8, 44) >> ITS_DTE_ITT_SHIFT)
#define ITS_CTE_CPU_SHIFT 16
#define ITS_ITE_NEXT_SHIFT 48
#define ITS_ITE_INTID_SHIFT 16  /* 32 bits */
#define ITS_ICID 0xffffu        /* of collections and translations */

static inline uint64_t its_dte_itt(uint64_t dte)
{
    return (dte & ITS_DTE_ITT) << ITS_DTE_ITT_SHIFT;
}
static inline uint64_t its_dte_events(uint64_t dte)
{
    return 2ull << (dte & 0x1f);
}
static inline uint64_t its_cte(uint32_t icid, unsigned cpu)
{
    return ITS_VALID | (uint64_t)cpu << ITS_CTE_CPU_SHIFT | icid;
}

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
/* All of the state to the accelerator that has the GIC, or from there; that of the GIC is there, or here, already. */
void its_exchange(Its *s, bool to_host);
/* A message of a device: its LPI becomes pending. */
void its_event(Its *s, uint32_t device, uint32_t event);

/* How many entries a table can have; 0: there is no table. */
uint32_t its_table_entries(const Its *s, ItsTable table);
/* A valid entry. */
bool its_read_entry(Its *s, ItsTable table, uint32_t id, uint64_t *entry);
bool its_write_entry(Its *s, ItsTable table, uint32_t id, uint64_t entry);

#endif
