/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ITS that is in the host's kernel: its registers and tables to and fro (Linux, arm-vgic-its.rst). The kernel keeps what the
 * tables say, and brings it to guest memory and reads it there when it is told. Entries are as ours but for "next", which says
 * where the next valid one is, and for the collection table: the kernel's is a list that ends with an invalid entry, ours
 * has its entries at their identifiers.
 *
 * home: main loop with all vCPUs parked, under the GIC's lock.
 */
#include "hw/intc/gicv3_its.h"

#include "base/log.h"

enum { I_CTLR = 0x0000, I_CBASER = 0x0080, I_CWRITER = 0x0088, I_CREADR = 0x0090, I_BASER = 0x0100 };
#define CTLR_ENABLED 1u
#define OFFSET_MASK 0xfffe0ull /* of GITS_CREADR, without our "stalled" */
#define CHUNK 512u             /* translations that are read at once */

static void reg(Its *s, uint32_t at, uint64_t *val, bool write)
{
    if (!s->gic->lent->its_access(s->dev.machine, at, val, write)) {
        warn_report("the host's interrupt translation service does not %s register %x", write ? "take" : "give", at);
    }
}

static void tables(Its *s, bool restore)
{
    if (!s->gic->lent->its_tables(s->dev.machine, restore)) {
        warn_report("the host's interrupt translation service does not %s its tables %s guest memory",
                    restore ? "read" : "write", restore ? "in" : "to");
    }
}

/* ---- "next" ---- */

static void link_event(Its *s, hwaddr ite_addr, uint64_t distance)
{
    uint64_t v;

    if (v3_ram_read(s->gic, ite_addr, &v, sizeof(v))) {
        v = BITS_LE(64, v);
        v = BITS_LE(64, deposit64(v, ITS_ITE_NEXT_SHIFT, 16, distance));
        v3_ram_write(s->gic, ite_addr, &v, sizeof(v));
    }
}

static void link_events(Its *s, uint64_t dte)
{
    uint64_t n = MIN(its_dte_events(dte), 1u << ITS_EVENT_BITS), last = UINT64_MAX, part[CHUNK];
    hwaddr itt = its_dte_itt(dte);

    for (uint64_t first = 0; first < n; first += CHUNK) {
        uint64_t count = MIN(CHUNK, n - first);
        if (!v3_ram_read(s->gic, itt + first * ITS_ENTRY_SIZE, part, count * ITS_ENTRY_SIZE)) {
            continue;
        }
        for (uint64_t i = 0; i < count; i++) {
            if (!(uint32_t)(BITS_LE(64, part[i]) >> ITS_ITE_INTID_SHIFT)) {
                continue;
            }
            if (last != UINT64_MAX) {
                link_event(s, itt + last * ITS_ENTRY_SIZE, first + i - last);
            }
            last = first + i;
        }
    }
    if (last != UINT64_MAX) {
        link_event(s, itt + last * ITS_ENTRY_SIZE, 0);
    }
}

static void link_device(Its *s, uint32_t id, uint64_t dte, uint32_t distance)
{
    its_write_entry(s, ITS_DEVICES, id, deposit64(dte, ITS_DTE_NEXT_SHIFT, 14, MIN(distance, ITS_DTE_NEXT)));
}

static void link_devices(Its *s)
{
    uint32_t n = its_table_entries(s, ITS_DEVICES), last = UINT32_MAX;
    uint64_t dte, last_dte = 0;

    for (uint32_t id = 0; id < n; id++) {
        if (!its_read_entry(s, ITS_DEVICES, id, &dte)) {
            continue;
        }
        if (last != UINT32_MAX) {
            link_device(s, last, last_dte, id - last);
        }
        link_events(s, dte);
        last = id;
        last_dte = dte;
    }
    if (last != UINT32_MAX) {
        link_device(s, last, last_dte, 0);
    }
}

/* ---- collections ---- */

static void list_collections(Its *s)
{
    uint32_t n = its_table_entries(s, ITS_COLLECTIONS), listed = 0;
    uint64_t cte;

    for (uint32_t icid = 0; icid < n; icid++) {
        if (its_read_entry(s, ITS_COLLECTIONS, icid, &cte)) {
            its_write_entry(s, ITS_COLLECTIONS, icid, 0);
            its_write_entry(s, ITS_COLLECTIONS, listed++, (cte & ~(uint64_t)ITS_ICID) | icid);
        }
    }
}

static void spread_collections(Its *s)
{
    uint32_t n = its_table_entries(s, ITS_COLLECTIONS), listed = 0;
    g_autofree uint64_t *list = g_new(uint64_t, n + 1);

    while (listed < n && its_read_entry(s, ITS_COLLECTIONS, listed, &list[listed])) {
        listed++;
    }
    for (uint32_t i = 0; i < n; i++) {
        its_write_entry(s, ITS_COLLECTIONS, i, 0);
    }
    for (uint32_t i = 0; i < listed; i++) {
        its_write_entry(s, ITS_COLLECTIONS, list[i] & ITS_ICID, list[i]);
    }
}

/* ---- the whole ---- */

static void registers(Its *s, bool write)
{
    uint64_t creadr = s->creadr & OFFSET_MASK;

    reg(s, I_CBASER, &s->cbaser, write);
    for (uint32_t i = ITS_DEVICES; i <= ITS_COLLECTIONS; i++) {
        reg(s, I_BASER + 8 * i, &s->baser[i], write);
    }
    reg(s, I_CREADR, &creadr, write);
    reg(s, I_CWRITER, &s->cwriter, write);
    if (!write) {
        s->creadr = creadr;
    }
}

void its_exchange(Its *s, bool to_host)
{
    uint64_t ctlr = s->ctlr;

    if (to_host) {
        link_devices(s);
        list_collections(s);
        registers(s, true);
        tables(s, true);
    } else {
        tables(s, false);
        registers(s, false);
        spread_collections(s);
    }
    reg(s, I_CTLR, &ctlr, to_host); /* last: the kernel goes on with commands then */
    s->ctlr = ctlr & CTLR_ENABLED;
}
