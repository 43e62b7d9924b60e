/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doorbells of device regions (MemEvent), and where they are in an address space.
 *
 * They hang on regions, and are found through the flat view: what moves or hides a region moves and hides them. They are
 * no part of the view, so that a driver that sets up a queue does not make every vCPU forget its cached mappings.
 *
 * guarded by: the region lock.
 */
#include "base/bits.h"
#include "core/internal.h"

static bool same(const MemEvent *a, const MemEvent *b)
{
    return a->offset == b->offset && a->size == b->size && a->match == b->match && a->value == b->value &&
           a->event == b->event;
}

void mem_events_told(Machine *m)
{
    const AccelOps *a = m->accel;

    if (m->accel_open && a->events_changed) {
        a->events_changed(m);
    }
}

/* A region that hangs in no machine yet brings what it has along (region_attach()). */
static void edit_begin(MemoryRegion *r)
{
    if (r->machine) {
        mem_transaction_begin(r->machine);
    }
}

/* At the end of the outermost transaction all is told. */
static void edit_end(MemoryRegion *r, int change)
{
    Machine *m = r->machine;

    if (m) {
        m->mem.n_events += change;
        m->mem.events_dirty = true;
        mem_transaction_commit(m);
    }
}

void region_add_event(MemoryRegion *r, const MemEvent *e)
{
    g_assert(r->kind == MEM_IO && is_pow2(e->size) && e->size <= 8 && e->offset + e->size <= r->size);
    edit_begin(r);
    if (!r->events) {
        r->events = g_array_new(FALSE, FALSE, sizeof(MemEvent));
    }
    g_array_append_val(r->events, *e);
    edit_end(r, 1);
}

void region_remove_event(MemoryRegion *r, const MemEvent *e)
{
    guint i = 0;

    edit_begin(r);
    while (i < r->events->len && !same(&g_array_index(r->events, MemEvent, i), e)) {
        i++;
    }
    g_assert(i < r->events->len);
    g_array_remove_index(r->events, i);
    edit_end(r, -1);
}

/* Those of s whose bytes all show there. */
static void section_events(const MemSection *s, MemEventFn *fn, void *opaque)
{
    const GArray *events = s->kind == MEM_IO ? s->region->events : NULL;

    for (guint i = 0; events && i < events->len; i++) {
        MemEvent e = g_array_index(events, MemEvent, i);
        if (e.offset >= s->io_offset && e.offset + e.size <= s->io_offset + s->size) {
            e.offset = s->base + (e.offset - s->io_offset);
            fn(&e, opaque);
        }
    }
}

void address_space_foreach_event(AddressSpace *as, MemEventFn *fn, void *opaque)
{
    pthread_mutex_lock(&as->machine->mem.lock);
    const FlatView *v = as->view;
    for (uint32_t i = 0; v && i < v->n; i++) {
        section_events(&v->sections[i], fn, opaque);
    }
    pthread_mutex_unlock(&as->machine->mem.lock);
}
