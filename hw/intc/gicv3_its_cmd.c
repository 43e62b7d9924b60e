/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv3 ITS: commands and the tables they make. IHI 0069H, 5.2 and 5.3. Tables lie in guest memory, and are looked up there
 * each time; a guest that changes them itself harms only itself.
 *
 * Their form is open (5.2.1). Entries are those of a Linux host's ITS ("ITS Table ABI REV0", arm-vgic-its.rst), so that a
 * machine can go there and come back with the tables that its guest made room for: ITS_DTE_*, ITS_CTE_*, ITS_ITE_*. Only the
 * collection table has another order there (gicv3_its_lent.c).
 *
 * home: under the GIC's lock.
 */
#include "hw/intc/gicv3_its.h"

#include "base/log.h"

#include <inttypes.h>

enum {
    CMD_MOVI = 0x01, CMD_INT = 0x03, CMD_CLEAR = 0x04, CMD_SYNC = 0x05, CMD_MAPD = 0x08, CMD_MAPC = 0x09, CMD_MAPTI = 0x0a,
    CMD_MAPI = 0x0b, CMD_INV = 0x0c, CMD_INVALL = 0x0d, CMD_MOVALL = 0x0e, CMD_DISCARD = 0x0f,
};
#define COST_SCAN 16 /* of commands that look through all LPIs of a processor */

#define VALID ITS_VALID
#define BASER_INDIRECT (1ull << 62)
#define ITT_ADDR 0x000fffffffffff00ull /* of MAPD */
#define L1_ADDR  0x000ffffffffff000ull

typedef struct Ite {
    uint32_t intid, icid;
} Ite;

/* Where device, event and collection of a message lead. */
typedef struct Translation {
    hwaddr ite_addr;
    Ite ite;
    int cpu; /* -1: the collection is not mapped */
} Translation;

/* ---- tables ---- */

static hwaddr table_addr(uint64_t baser) /* pages of 64 KiB: bits 15:12 are 51:48 of the address */
{
    return (baser & 0x0000ffffffff0000ull) | (baser & 0xf000) << 36;
}

uint32_t its_table_entries(const Its *s, ItsTable table)
{
    uint64_t baser = s->baser[table], room = ((baser & 0xff) + 1) * ITS_PAGE_SIZE / ITS_ENTRY_SIZE;
    uint64_t entries = baser & BASER_INDIRECT ? room * (ITS_PAGE_SIZE / ITS_ENTRY_SIZE) : room;
    uint32_t ids = 1u << (table == ITS_DEVICES ? ITS_DEVICE_BITS : ITS_COLLECTION_BITS);

    return baser & VALID ? (uint32_t)MIN(entries, ids) : 0;
}

/* Where entry id of a table is. false: outside of it, or in a second level that is not there. */
static bool entry_addr(Its *s, ItsTable table, uint32_t id, hwaddr *addr)
{
    uint64_t baser = s->baser[table], l1;

    if (id >= its_table_entries(s, table)) {
        return false;
    }
    if (!(baser & BASER_INDIRECT)) {
        *addr = table_addr(baser) + (uint64_t)id * ITS_ENTRY_SIZE;
        return true;
    }
    uint64_t per_page = ITS_PAGE_SIZE / ITS_ENTRY_SIZE, first = id / per_page;
    if (!v3_ram_read(s->gic, table_addr(baser) + first * 8, &l1, 8)) {
        return false;
    }
    l1 = BITS_LE(64, l1);
    *addr = (l1 & L1_ADDR & ~(ITS_PAGE_SIZE - 1ull)) + id % per_page * ITS_ENTRY_SIZE;
    return l1 & VALID;
}

bool its_read_entry(Its *s, ItsTable table, uint32_t id, uint64_t *entry)
{
    hwaddr addr;

    if (!entry_addr(s, table, id, &addr) || !v3_ram_read(s->gic, addr, entry, 8)) {
        return false;
    }
    *entry = BITS_LE(64, *entry);
    return *entry & VALID;
}

bool its_write_entry(Its *s, ItsTable table, uint32_t id, uint64_t entry)
{
    hwaddr addr;

    entry = BITS_LE(64, entry);
    return entry_addr(s, table, id, &addr) && v3_ram_write(s->gic, addr, &entry, 8);
}

/* The entry for an event of a device, valid or not. false: no such device or event. */
static bool find_ite(Its *s, uint32_t device, uint32_t event, hwaddr *addr)
{
    uint64_t dte;

    if (device >> ITS_DEVICE_BITS || !its_read_entry(s, ITS_DEVICES, device, &dte) || event >= its_dte_events(dte)) {
        return false;
    }
    *addr = its_dte_itt(dte) + (uint64_t)event * ITS_ENTRY_SIZE;
    return true;
}

static bool read_ite(Its *s, hwaddr addr, Ite *ite)
{
    uint64_t v;

    if (!v3_ram_read(s->gic, addr, &v, sizeof(v))) {
        return false;
    }
    v = BITS_LE(64, v);
    *ite = (Ite){(uint32_t)(v >> ITS_ITE_INTID_SHIFT), (uint32_t)(v & ITS_ICID)};
    return ite->intid;
}

static bool write_ite(Its *s, hwaddr addr, const Ite *ite)
{
    uint64_t v = ite ? (uint64_t)ite->intid << ITS_ITE_INTID_SHIFT | ite->icid : 0;

    v = BITS_LE(64, v);
    return v3_ram_write(s->gic, addr, &v, sizeof(v));
}

static int collection_cpu(Its *s, uint32_t icid)
{
    uint64_t cte;

    if (icid >> ITS_COLLECTION_BITS || !its_read_entry(s, ITS_COLLECTIONS, icid, &cte)) {
        return -1;
    }
    uint32_t cpu = (uint32_t)(cte >> ITS_CTE_CPU_SHIFT); /* the guest may have changed it */
    return cpu < s->gic->num_cpu ? (int)cpu : -1;
}

static bool translate(Its *s, uint32_t device, uint32_t event, Translation *t)
{
    if (!find_ite(s, device, event, &t->ite_addr) || !read_ite(s, t->ite_addr, &t->ite)) {
        return false;
    }
    t->cpu = collection_cpu(s, t->ite.icid);
    return true;
}

void its_event(Its *s, uint32_t device, uint32_t event)
{
    Translation t;

    if (!translate(s, device, event, &t) || t.cpu < 0) {
        log_mask(LOG_GUEST_ERROR, "arm-gicv3-its: event %u of device 0x%x is not mapped\n", event, device);
        return;
    }
    v3_lpi_set(s->gic, t.cpu, t.ite.intid, true);
}

/* ---- commands; false: wrong, nothing done ---- */

/* A processor as commands name it: GITS_TYPER.PTA is 0. */
static bool target_of(const Its *s, uint64_t dw, unsigned *cpu)
{
    uint64_t n = extract64(dw, 16, 35);

    *cpu = (unsigned)n;
    return n < s->gic->num_cpu;
}

static bool cmd_mapd(Its *s, uint32_t device, const uint64_t dw[4])
{
    unsigned size = dw[1] & 0x1f;

    if (device >> ITS_DEVICE_BITS) {
        return false;
    }
    if (!(dw[2] & VALID)) {
        return its_write_entry(s, ITS_DEVICES, device, 0);
    }
    uint64_t dte = VALID | (dw[2] & ITT_ADDR) >> ITS_DTE_ITT_SHIFT | size;
    return size < ITS_EVENT_BITS && its_write_entry(s, ITS_DEVICES, device, dte);
}

static bool cmd_mapc(Its *s, const uint64_t dw[4])
{
    uint32_t icid = dw[2] & 0xffff;
    unsigned cpu;

    if (!(dw[2] & VALID)) {
        return its_write_entry(s, ITS_COLLECTIONS, icid, 0);
    }
    return target_of(s, dw[2], &cpu) && its_write_entry(s, ITS_COLLECTIONS, icid, its_cte(icid, cpu));
}

static bool cmd_map_event(Its *s, uint32_t device, const uint64_t dw[4])
{
    uint32_t event = (uint32_t)dw[1];
    Ite ite = {(dw[0] & 0xff) == CMD_MAPI ? event : (uint32_t)(dw[1] >> 32), dw[2] & 0xffff};
    hwaddr addr;

    if (ite.intid < V3_LPI_FIRST || ite.intid >> V3_ID_BITS || !find_ite(s, device, event, &addr)) {
        return false;
    }
    return write_ite(s, addr, &ite);
}

static bool cmd_movi(Its *s, uint32_t device, const uint64_t dw[4])
{
    uint32_t icid = dw[2] & 0xffff;
    int to = collection_cpu(s, icid);
    Translation t;

    if (to < 0 || !translate(s, device, (uint32_t)dw[1], &t) || t.cpu < 0) {
        return false;
    }
    t.ite.icid = icid;
    if (!write_ite(s, t.ite_addr, &t.ite)) {
        return false;
    }
    v3_lpi_move(s->gic, t.cpu, to, t.ite.intid);
    return true;
}

static bool cmd_movall(Its *s, const uint64_t dw[4])
{
    unsigned from, to;

    if (!target_of(s, dw[2], &from) || !target_of(s, dw[3], &to)) {
        return false;
    }
    v3_lpi_move_all(s->gic, from, to);
    return true;
}

/* INT, CLEAR, INV, DISCARD: to the interrupt of an event. */
static bool cmd_event(Its *s, uint8_t cmd, uint32_t device, const uint64_t dw[4])
{
    Translation t;

    if (!translate(s, device, (uint32_t)dw[1], &t) || t.cpu < 0) {
        return false;
    }
    if (cmd == CMD_INV) {
        v3_lpi_invalidate(s->gic, t.cpu);
        return true;
    }
    v3_lpi_set(s->gic, t.cpu, t.ite.intid, cmd == CMD_INT);
    return cmd != CMD_DISCARD || write_ite(s, t.ite_addr, NULL);
}

static bool cmd_invall(Its *s, const uint64_t dw[4])
{
    int cpu = collection_cpu(s, dw[2] & 0xffff);

    if (cpu >= 0) {
        v3_lpi_invalidate(s->gic, cpu);
    }
    return cpu >= 0;
}

static bool run(Its *s, uint8_t cmd, uint32_t device, const uint64_t dw[4])
{
    switch (cmd) {
    case CMD_MAPD:
        return cmd_mapd(s, device, dw);
    case CMD_MAPC:
        return cmd_mapc(s, dw);
    case CMD_MAPTI:
    case CMD_MAPI:
        return cmd_map_event(s, device, dw);
    case CMD_MOVI:
        return cmd_movi(s, device, dw);
    case CMD_MOVALL:
        return cmd_movall(s, dw);
    case CMD_INT:
    case CMD_CLEAR:
    case CMD_INV:
    case CMD_DISCARD:
        return cmd_event(s, cmd, device, dw);
    case CMD_INVALL:
        return cmd_invall(s, dw);
    case CMD_SYNC: /* what came before is done */
        return true;
    default:
        return false;
    }
}

unsigned its_command(Its *s, const uint64_t dw[4])
{
    uint8_t cmd = dw[0] & 0xff;

    if (!run(s, cmd, dw[0] >> 32, dw)) {
        log_mask(LOG_GUEST_ERROR,
                 "arm-gicv3-its: command %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " is wrong here\n",
                 dw[0], dw[1], dw[2], dw[3]);
    }
    return cmd == CMD_MOVALL || cmd == CMD_INVALL || cmd == CMD_INV || cmd == CMD_MOVI ? COST_SCAN : 1;
}
