/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GICv3 LPIs at the redistributors: IHI 0069H, 5.1. What is pending is kept here while EnableLPIs is set (5.1.2 leaves
 * the table's contents to the redistributor then), and exchanged with the pending table in memory when it is switched on
 * and off. Priorities and enables are read from the configuration table whenever the most urgent LPI is looked for.
 *
 * home: under the GIC's lock.
 */
#include "hw/intc/gicv3.h"

#include "core/machine.h"

#include <string.h>

#define PROPBASER_ADDR 0x000ffffffffff000ull
#define PENDBASER_ADDR 0x000fffffffff0000ull
#define PENDBASER_PTZ  (1ull << 62)
#define LPI_COUNT (1u << V3_ID_BITS)
#define CHUNK 512

/* ---- guest memory ---- */

bool v3_ram_read(Gicv3 *g, hwaddr addr, void *buf, uint64_t len)
{
    return address_space_peek(machine_memory(g->dev.machine), addr, buf, len);
}

bool v3_ram_write(Gicv3 *g, hwaddr addr, const void *buf, uint64_t len)
{
    AddressSpace *as = machine_memory(g->dev.machine);
    const uint8_t *from = buf;
    bool all = true;

    while (len) {
        uint64_t n = len;
        void *to = address_space_map(as, addr, &n, true);
        if (to) {
            memcpy(to, from, n);
            address_space_written(as, addr, n);
        } else {
            n = MIN(len, MEM_PAGE_SIZE - addr % MEM_PAGE_SIZE);
            all = false;
        }
        addr += n;
        from += n;
        len -= n;
    }
    return all;
}

/* ---- the set of pending LPIs ---- */

/* Number of interrupt identifiers that GICR_PROPBASER.IDbits covers. */
static uint32_t id_limit(const Gicv3 *g, unsigned cpu)
{
    unsigned bits = (g->cpu[cpu].propbaser & 0x1f) + 1;

    return bits >= V3_ID_BITS ? LPI_COUNT : bits < 14 ? 0 : 1u << bits;
}

bool v3_lpi_pending(const Gicv3 *g, unsigned cpu, uint32_t intid)
{
    return g->host[cpu].lpi && intid < LPI_COUNT && (g->host[cpu].lpi[intid / 64] >> (intid % 64) & 1);
}

static void put(V3Host *h, uint32_t intid, bool on)
{
    uint32_t w = intid / 64;

    if (!h->lpi) {
        h->lpi = g_new0(uint64_t, V3_LPI_WORDS);
    }
    h->lpi[w] = on ? h->lpi[w] | BIT64(intid % 64) : h->lpi[w] & ~BIT64(intid % 64);
    h->lpi_words[w / 64] = h->lpi[w] ? h->lpi_words[w / 64] | BIT64(w % 64) : h->lpi_words[w / 64] & ~BIT64(w % 64);
}

/* A byte of the configuration table (5.1.1) as a priority here; V3_IDLE: disabled. */
static uint8_t priority_of(const Gicv3 *g, uint8_t byte)
{
    uint8_t prio = byte & 0xfc;

    if (!(byte & 1)) {
        return V3_IDLE;
    }
    if (!v3_one_state(g)) {
        prio = 0x80 | prio >> 1; /* 4.8: the field is a Non-secure view */
    }
    return prio & V3_PRIO_MASK;
}

static hwaddr config_addr(const Gicv3 *g, unsigned cpu, uint32_t intid)
{
    return (g->cpu[cpu].propbaser & PROPBASER_ADDR) + intid - V3_LPI_FIRST;
}

static void consider(Gicv3 *g, unsigned cpu, uint32_t intid, uint8_t byte)
{
    V3Pending *best = &g->host[cpu].best_lpi;
    uint8_t prio = priority_of(g, byte);

    if (prio < best->prio) {
        *best = (V3Pending){intid, prio, V3_G1NS};
    }
}

/* 64 interrupts of one word, whose configuration is one piece of memory. */
static void consider_word(Gicv3 *g, unsigned cpu, unsigned w)
{
    uint8_t bytes[64];

    if (v3_ram_read(g, config_addr(g, cpu, w * 64), bytes, sizeof(bytes))) {
        for (uint64_t map = g->host[cpu].lpi[w]; map; map &= map - 1) {
            consider(g, cpu, w * 64 + ctz64(map), bytes[ctz64(map)]);
        }
    }
}

static void find_best(Gicv3 *g, unsigned cpu)
{
    V3Host *h = &g->host[cpu];
    uint32_t words_limit = id_limit(g, cpu) / 64;

    h->best_lpi = (V3Pending){GIC_NO_INTID, V3_IDLE, V3_G1NS};
    if (!h->lpi || !g->cpu[cpu].lpi_enable) {
        return;
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(h->lpi_words); i++) {
        for (uint64_t words = h->lpi_words[i]; words; words &= words - 1) {
            unsigned w = i * 64 + ctz64(words);
            if (w < words_limit) {
                consider_word(g, cpu, w);
            }
        }
    }
}

void v3_lpi_set(Gicv3 *g, unsigned cpu, uint32_t intid, bool pending)
{
    V3Host *h = &g->host[cpu];

    if (!g->cpu[cpu].lpi_enable || intid < V3_LPI_FIRST || intid >= id_limit(g, cpu) ||
        v3_lpi_pending(g, cpu, intid) == pending) {
        return;
    }
    uint8_t byte;
    put(h, intid, pending);
    if (pending) {
        if (v3_ram_read(g, config_addr(g, cpu, intid), &byte, 1)) {
            consider(g, cpu, intid, byte);
        }
    } else if (h->best_lpi.intid == intid) {
        find_best(g, cpu);
    }
    v3_update(g, cpu);
}

void v3_lpi_invalidate(Gicv3 *g, unsigned cpu)
{
    find_best(g, cpu);
    v3_update(g, cpu);
}

void v3_lpi_move(Gicv3 *g, unsigned from, unsigned to, uint32_t intid)
{
    if (from != to && v3_lpi_pending(g, from, intid)) {
        v3_lpi_set(g, from, intid, false);
        v3_lpi_set(g, to, intid, true);
    }
}

void v3_lpi_move_all(Gicv3 *g, unsigned from, unsigned to)
{
    V3Host *f = &g->host[from];

    if (from == to || !f->lpi || !g->cpu[from].lpi_enable || !g->cpu[to].lpi_enable) {
        return;
    }
    for (unsigned w = 0; w < V3_LPI_WORDS; w++) {
        for (uint64_t map = f->lpi[w]; map; map &= map - 1) {
            put(&g->host[to], w * 64 + ctz64(map), true);
        }
    }
    v3_lpi_forget(g, from);
    v3_lpi_invalidate(g, from);
    v3_lpi_invalidate(g, to);
}

void v3_lpi_forget(Gicv3 *g, unsigned cpu)
{
    V3Host *h = &g->host[cpu];

    g_clear_pointer(&h->lpi, g_free);
    memset(h->lpi_words, 0, sizeof(h->lpi_words));
    h->best_lpi = (V3Pending){GIC_NO_INTID, V3_IDLE, V3_G1NS};
}

/* ---- EnableLPIs ---- */

/* Pending table: a bit an interrupt identifier, those below the first LPI unused (5.1.2). */
static void load_table(Gicv3 *g, unsigned cpu)
{
    hwaddr base = g->cpu[cpu].pendbaser & PENDBASER_ADDR;
    uint32_t limit = id_limit(g, cpu);
    uint8_t buf[CHUNK];

    for (uint32_t at = V3_LPI_FIRST / 8; at < limit / 8; at += CHUNK) {
        if (!v3_ram_read(g, base + at, buf, CHUNK)) {
            continue;
        }
        for (uint32_t i = 0; i < CHUNK * 8; i++) {
            if (buf[i / 8] >> (i % 8) & 1) {
                put(&g->host[cpu], at * 8 + i, true);
            }
        }
    }
}

static void store_table(Gicv3 *g, unsigned cpu)
{
    hwaddr base = g->cpu[cpu].pendbaser & PENDBASER_ADDR;
    const V3Host *h = &g->host[cpu];
    uint32_t limit = id_limit(g, cpu);
    uint64_t buf[CHUNK / 8];

    for (uint32_t at = V3_LPI_FIRST / 8; at < limit / 8; at += CHUNK) {
        for (unsigned i = 0; i < CHUNK / 8; i++) {
            buf[i] = BITS_LE(64, h->lpi ? h->lpi[at / 8 + i] : 0);
        }
        v3_ram_write(g, base + at, buf, CHUNK);
    }
}

void v3_lpi_to_table(Gicv3 *g, unsigned cpu)
{
    store_table(g, cpu);
    v3_lpi_forget(g, cpu);
}

void v3_lpi_from_table(Gicv3 *g, unsigned cpu)
{
    v3_lpi_forget(g, cpu);
    load_table(g, cpu);
}

void v3_lpi_enable(Gicv3 *g, unsigned cpu, bool on)
{
    V3Cpu *c = &g->cpu[cpu];

    if (on == (c->lpi_enable != 0)) {
        return;
    }
    if (on) {
        if (!(c->pendbaser & PENDBASER_PTZ)) {
            load_table(g, cpu);
        }
        c->lpi_enable = 1;
    } else {
        v3_lpi_to_table(g, cpu);
        c->lpi_enable = 0;
        c->pendbaser &= ~PENDBASER_PTZ;
    }
    v3_lpi_invalidate(g, cpu);
}

/* ---- saved state: pairs of processor and interrupt, 32 bits each ---- */

bool v3_lpi_save(Gicv3 *g)
{
    GByteArray *b = g_byte_array_new();

    for (unsigned i = 0; i < g->num_cpu; i++) {
        const V3Host *h = &g->host[i];
        for (unsigned w = 0; h->lpi && w < V3_LPI_WORDS; w++) {
            for (uint64_t map = h->lpi[w]; map; map &= map - 1) {
                uint8_t pair[8];
                st_le32(pair, i);
                st_le32(pair + 4, w * 64 + ctz64(map));
                g_byte_array_append(b, pair, sizeof(pair));
            }
        }
    }
    g_clear_pointer(&g->lpi_blob, g_byte_array_unref);
    g->lpi_blob = b;
    return true;
}

bool v3_lpi_load(Gicv3 *g, Error **errp)
{
    GByteArray *b = g->lpi_blob;
    guint len = b ? b->len : 0;

    for (guint i = 0; i < len; i += 8) {
        if (len % 8 || ld_le32(b->data + i) >= g->num_cpu || ld_le32(b->data + i + 4) < V3_LPI_FIRST ||
            ld_le32(b->data + i + 4) >= LPI_COUNT) {
            error_set(errp, ERR_GENERIC, "arm-gicv3: the saved state has a pending LPI that is not there");
            return false;
        }
    }
    for (unsigned i = 0; i < g->num_cpu; i++) {
        v3_lpi_forget(g, i);
    }
    for (guint i = 0; i < len; i += 8) {
        put(&g->host[ld_le32(b->data + i)], ld_le32(b->data + i + 4), true);
    }
    return true;
}
