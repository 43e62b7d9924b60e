/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv3 ITS: commands and the tables they make. IHI 0069H, 5.2 and 5.3. Tables lie in guest memory, in a form of our own
 * (5.2.1 leaves it open), and are looked up there each time; a guest that changes them itself harms only itself.
 *
 * Device table entry: 63 valid, 51:8 address of the interrupt translation table, 4:0 bits of EventID - 1. Collection table
 * entry: 63 valid, 15:0 processor. Interrupt translation entry: 64 bits with 63 valid, 31:0 INTID; then 32 bits of ICID.
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

#define VALID (1ull << 63)
#define BASER_INDIRECT (1ull << 62)
#define ITT_ADDR 0x000fffffffffff00ull
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

static uint64_t page_size(uint64_t baser)
{
    unsigned s = baser >> 8 & 3;

    return s == 0 ? 4096 : s == 1 ? 16384 : 65536;
}

static hwaddr table_addr(uint64_t baser)
{
    if ((baser >> 8 & 3) >= 2) { /* 64 KiB pages: bits 15:12 are 51:48 of the address */
        return (baser & 0x0000ffffffff0000ull) | (baser & 0xf000) << 36;
    }
    return baser & 0x0000fffffffff000ull;
}

/* Where entry id of a table is. false: outside of it, or in a second level that is not there. */
static bool entry_addr(Its *s, int table, uint32_t id, hwaddr *addr)
{
    uint64_t baser = s->baser[table], page = page_size(baser), size = ((baser & 0xff) + 1) * page, l1;

    if (!(baser & VALID)) {
        return false;
    }
    if (!(baser & BASER_INDIRECT)) {
        *addr = table_addr(baser) + (uint64_t)id * ITS_ENTRY_SIZE;
        return (uint64_t)id * ITS_ENTRY_SIZE < size;
    }
    uint64_t per_page = page / ITS_ENTRY_SIZE, first = id / per_page;
    if (first * 8 >= size || !v3_ram_read(s->gic, table_addr(baser) + first * 8, &l1, 8)) {
        return false;
    }
    l1 = BITS_LE(64, l1);
    *addr = (l1 & L1_ADDR & ~(page - 1)) + id % per_page * ITS_ENTRY_SIZE;
    return l1 & VALID;
}

static bool read_entry(Its *s, int table, uint32_t id, uint64_t *entry)
{
    hwaddr addr;

    if (!entry_addr(s, table, id, &addr) || !v3_ram_read(s->gic, addr, entry, 8)) {
        return false;
    }
    *entry = BITS_LE(64, *entry);
    return *entry & VALID;
}

static bool write_entry(Its *s, int table, uint32_t id, uint64_t entry)
{
    hwaddr addr;

    entry = BITS_LE(64, entry);
    return entry_addr(s, table, id, &addr) && v3_ram_write(s->gic, addr, &entry, 8);
}

/* The entry for an event of a device, valid or not. false: no such device or event. */
static bool find_ite(Its *s, uint32_t device, uint32_t event, hwaddr *addr)
{
    uint64_t dte;

    if (device >> ITS_DEVICE_BITS || !read_entry(s, ITS_DEVICES, device, &dte) || event >> ((dte & 0x1f) + 1)) {
        return false;
    }
    *addr = (dte & ITT_ADDR) + (uint64_t)event * ITS_ITE_SIZE;
    return true;
}

static bool read_ite(Its *s, hwaddr addr, Ite *ite)
{
    uint8_t b[ITS_ITE_SIZE];

    if (!v3_ram_read(s->gic, addr, b, sizeof(b)) || !(ld_le64(b) & VALID)) {
        return false;
    }
    *ite = (Ite){(uint32_t)ld_le64(b), ld_le32(b + 8)};
    return true;
}

static bool write_ite(Its *s, hwaddr addr, const Ite *ite)
{
    uint8_t b[ITS_ITE_SIZE];

    st_le64(b, ite ? VALID | ite->intid : 0);
    st_le32(b + 8, ite ? ite->icid : 0);
    return v3_ram_write(s->gic, addr, b, sizeof(b));
}

static int collection_cpu(Its *s, uint32_t icid)
{
    uint64_t cte;

    if (icid >> ITS_COLLECTION_BITS || !read_entry(s, ITS_COLLECTIONS, icid, &cte)) {
        return -1;
    }
    uint32_t cpu = cte & 0xffff; /* the guest may have changed it */
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
        return write_entry(s, ITS_DEVICES, device, 0);
    }
    return size < ITS_EVENT_BITS && write_entry(s, ITS_DEVICES, device, VALID | (dw[2] & ITT_ADDR) | size);
}

static bool cmd_mapc(Its *s, const uint64_t dw[4])
{
    uint32_t icid = dw[2] & 0xffff;
    unsigned cpu;

    if (!(dw[2] & VALID)) {
        return write_entry(s, ITS_COLLECTIONS, icid, 0);
    }
    return target_of(s, dw[2], &cpu) && write_entry(s, ITS_COLLECTIONS, icid, VALID | cpu);
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
