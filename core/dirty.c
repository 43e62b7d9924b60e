/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clients that ask which pages were written: each has a bit in the pages' watches. Devices, and processors under an
 * accelerator that looks at the watches, tell by ram_written(); an accelerator whose processors store without looking
 * (KVM) keeps a log while there are clients, and tells when it is asked (AccelOps.dirty_log, dirty_sync).
 *
 * home: main loop, machine not locked; ram_dirty_told() any thread.
 */
#include "core/internal.h"

static void note_block(RamBlock *b, void *opaque)
{
    g_ptr_array_add(opaque, b);
}

/* All of them; they end on the main loop only. Watches are changed without the region lock, which vCPUs may wait for. */
static GPtrArray *blocks(Machine *m)
{
    GPtrArray *all = g_ptr_array_new();

    machine_ram_foreach(m, note_block, all);
    return all;
}

void ram_dirty_log(Machine *m, bool on)
{
    if (m->mem.dirty_clients && m->accel->dirty_log) {
        if (!on) {
            m->accel->dirty_sync(m);
        }
        m->accel->dirty_log(m, on);
    }
}

void ram_dirty_start(Machine *m, uint8_t bit)
{
    g_autoptr(GPtrArray) all = blocks(m);
    bool first = !m->mem.dirty_clients;

    g_assert(!(m->mem.dirty_clients & bit));
    m->mem.dirty_clients |= bit;
    if (first) {
        ram_dirty_log(m, true);
    }
    for (guint i = 0; i < all->len; i++) {
        RamBlock *b = all->pdata[i];
        ram_watch_set(b, 0, b->size, bit);
    }
}

void ram_dirty_stop(Machine *m, uint8_t bit)
{
    g_autoptr(GPtrArray) all = blocks(m);

    if (m->mem.dirty_clients == bit) {
        ram_dirty_log(m, false);
    }
    m->mem.dirty_clients &= ~bit;
    for (guint i = 0; i < all->len; i++) {
        RamBlock *b = all->pdata[i];
        ram_watch_clear(b, 0, b->size, bit);
    }
}

void ram_dirty_sync(Machine *m)
{
    if (m->mem.dirty_clients && m->accel->dirty_sync) {
        m->accel->dirty_sync(m);
    }
}

uint64_t ram_dirty_count(Machine *m, uint8_t bit)
{
    g_autoptr(GPtrArray) all = blocks(m);
    uint64_t n = 0;

    ram_dirty_sync(m);
    for (guint i = 0; i < all->len; i++) {
        RamBlock *b = all->pdata[i];
        uint64_t words = ((b->size >> MEM_PAGE_BITS) + 63) / 64;
        g_autofree unsigned long *bitmap = g_new(unsigned long, words);
        ram_dirty_collect(b, bit, bitmap);
        for (uint64_t w = 0; w < words; w++) {
            n += __builtin_popcountl(bitmap[w]);
        }
    }
    return n;
}
