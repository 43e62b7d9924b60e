/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flat views: what a region tree looks like from a processor, as a sorted array, and how views are
 * replaced while others read them.
 *
 * A reader takes the pointer without a lock. Replaced views are freed when nobody can hold them:
 *  - a vCPU publishes the epoch it has seen at each safe point (mem_quiesce), or that it sleeps;
 *  - other threads are counted while they are inside (mem_enter/mem_leave), in one of two counters
 *    by phase. The phase flips when the other counter is empty, so after two flips everybody who
 *    was inside before has left.
 * The reaper runs on the main loop with nothing else on its stack, so the main thread's own
 * pointers are gone by then.
 *
 * guarded by: the region lock, except for the readers' side, which is atomics.
 */
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "core/internal.h"

#define OFFLINE UINT64_MAX
#define REAP_RETRY_US 5000

typedef struct Retired {
    FlatView *view;
    uint64_t epoch; /* vCPUs must have passed it */
    uint64_t flips; /* the phase must have flipped that often */
} Retired;

/* ---- rendering ---- */

typedef __int128 Wide; /* aliases reach below zero and above 2^64 on the way */

static MemSection section_of(MemoryRegion *r, Wide base, Wide start, Wide end, bool readonly)
{
    MemSection s = {
        .base = (hwaddr)start,
        .size = (uint64_t)(end - start),
        .kind = r->kind,
        .ram = r->ram,
        .readonly = r->kind == MEM_RAM && (readonly || r->ram->readonly),
        .ops = r->ops,
        .opaque = r->opaque,
        .region = r,
    };
    *(r->kind == MEM_RAM ? &s.ram_offset : &s.io_offset) = (uint64_t)(start - base);
    return s;
}

/* Puts [start, end) of r into what is still free; earlier sections have the higher priority. */
static void fill_gaps(GArray *out, MemoryRegion *r, Wide base, Wide start, Wide end, bool readonly)
{
    guint i = 0;

    while (start < end) {
        while (i < out->len) {
            MemSection *s = &g_array_index(out, MemSection, i);
            if ((Wide)s->base + s->size > start) {
                break;
            }
            i++;
        }
        Wide stop = end;
        Wide next = end;
        if (i < out->len) {
            MemSection *s = &g_array_index(out, MemSection, i);
            stop = MIN(end, (Wide)s->base);
            next = (Wide)s->base + s->size;
        }
        if (start < stop) {
            MemSection s = section_of(r, base, start, stop, readonly);
            g_array_insert_val(out, i, s);
        }
        start = MAX(next, stop);
    }
}

static void render(GArray *out, MemoryRegion *r, Wide base, Wide lo, Wide hi, bool readonly)
{
    Wide start = MAX(base, lo), end = MIN(base + r->size, hi);

    if (!r->enabled || start >= end) {
        return;
    }
    readonly |= r->readonly;
    for (guint i = 0; i < r->children->len; i++) {
        MemoryRegion *c = r->children->pdata[i];
        render(out, c, base + c->addr, start, end, readonly);
    }
    if (r->kind == MEM_ALIAS) {
        render(out, r->target, base - r->target_offset, start, end, readonly);
    } else if (r->kind != MEM_CONTAINER && !r->gone) {
        fill_gaps(out, r, base, start, end, readonly);
    }
}

static bool mergeable(const MemSection *a, const MemSection *b)
{
    return a->region == b->region && a->base + a->size == b->base && a->readonly == b->readonly &&
           (a->kind == MEM_RAM ? a->ram_offset + a->size == b->ram_offset
                               : a->io_offset + a->size == b->io_offset);
}

FlatView *flatview_render(MemoryRegion *root)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(MemSection));

    render(all, root, 0, 0, (Wide)1 << 64, false);
    FlatView *v = g_malloc0(sizeof(FlatView) + all->len * sizeof(MemSection));
    for (guint i = 0; i < all->len; i++) {
        MemSection *s = &g_array_index(all, MemSection, i);
        if (v->n && mergeable(&v->sections[v->n - 1], s)) {
            v->sections[v->n - 1].size += s->size;
        } else {
            region_ref(s->region);
            v->sections[v->n++] = *s;
        }
    }
    g_array_free(all, TRUE);
    return v;
}

void flatview_free(FlatView *v)
{
    if (v) {
        for (uint32_t i = 0; i < v->n; i++) {
            region_unref(v->sections[i].region);
        }
        g_free(v);
    }
}

bool flatview_equal(const FlatView *a, const FlatView *b)
{
    if (a->n != b->n) {
        return false;
    }
    for (uint32_t i = 0; i < a->n; i++) {
        const MemSection *x = &a->sections[i], *y = &b->sections[i];
        if (x->base != y->base || x->size != y->size || x->region != y->region ||
            x->readonly != y->readonly || x->ram_offset != y->ram_offset ||
            x->io_offset != y->io_offset) {
            return false;
        }
    }
    return true;
}

const MemSection *flatview_find(const FlatView *v, hwaddr addr)
{
    uint32_t lo = 0, hi = v->n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        const MemSection *s = &v->sections[mid];
        if (addr < s->base) {
            hi = mid;
        } else if (addr - s->base >= s->size) {
            lo = mid + 1;
        } else {
            return s;
        }
    }
    return NULL;
}

/* ---- readers ---- */

static Cpu *own_cpu(Machine *m)
{
    Cpu *cpu = cpu_current();
    return cpu && cpu->machine == m ? cpu : NULL;
}

void mem_quiesce(Machine *m)
{
    Cpu *cpu = own_cpu(m);

    if (cpu) {
        uint64_t now = __atomic_load_n(&m->mem.epoch, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&cpu->mem_epoch, __ATOMIC_RELAXED) != now) {
            __atomic_store_n(&cpu->mem_epoch, now, __ATOMIC_SEQ_CST);
        }
    }
}

void mem_offline(Cpu *cpu)
{
    __atomic_store_n(&cpu->mem_epoch, OFFLINE, __ATOMIC_SEQ_CST);
}

int mem_enter(Machine *m)
{
    if (own_cpu(m)) {
        return -1;
    }
    int phase = __atomic_load_n(&m->mem.phase, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&m->mem.visitors[phase], 1, __ATOMIC_SEQ_CST);
    return phase;
}

void mem_leave(Machine *m, int token)
{
    if (token >= 0) {
        __atomic_fetch_sub(&m->mem.visitors[token], 1, __ATOMIC_SEQ_CST);
    }
}

void address_space_foreach(AddressSpace *as, void (*fn)(const MemSection *s, void *opaque), void *opaque)
{
    int token = mem_enter(as->machine);
    const FlatView *v = __atomic_load_n(&as->view, __ATOMIC_SEQ_CST);

    for (uint32_t i = 0; v && i < v->n; i++) {
        fn(&v->sections[i], opaque);
    }
    mem_leave(as->machine, token);
}

/* ---- replacing and reaping ---- */

static void retire(Machine *m, FlatView *v)
{
    Retired *r = g_new(Retired, 1);

    r->view = v;
    r->epoch = __atomic_add_fetch(&m->mem.epoch, 1, __ATOMIC_SEQ_CST);
    r->flips = m->mem.flips + 2;
    m->mem.garbage = g_slist_prepend(m->mem.garbage, r);
    g_source_set_ready_time(m->mem.reaper, 0);
}

static void log_view(const AddressSpace *as)
{
    const FlatView *v = as->view;
    FILE *f = log_begin();
    fprintf(f, "page: map %" PRIu64 " of %s\n", as->generation, as->name);
    for (size_t i = 0; i < v->n; i++) {
        const MemSection *s = &v->sections[i];
        fprintf(f, "  %016" PRIx64 "-%016" PRIx64 " %s %s\n", s->base, s->base + s->size - 1,
                s->kind == MEM_IO ? "i/o" : s->readonly ? "rom" : "ram", region_name(s->region));
    }
    log_end(f);
}

bool address_space_update(AddressSpace *as)
{
    FlatView *now = flatview_render(as->root);

    if (as->view && flatview_equal(now, as->view)) {
        flatview_free(now);
        return false;
    }
    FlatView *old = __atomic_exchange_n(&as->view, now, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&as->generation, 1, __ATOMIC_SEQ_CST);
    if (log_on(LOG_PAGE)) {
        log_view(as);
    }
    if (old) {
        retire(as->machine, old);
    }
    return true;
}

static void try_flip(MemState *ms)
{
    for (int i = 0; i < 2; i++) {
        uint32_t other = !ms->phase;
        if (__atomic_load_n(&ms->visitors[other], __ATOMIC_SEQ_CST) == 0) {
            __atomic_store_n(&ms->phase, other, __ATOMIC_SEQ_CST);
            ms->flips++;
        }
    }
}

/* The oldest epoch that some vCPU may still look at. */
static uint64_t oldest_epoch(Machine *m)
{
    uint64_t oldest = OFFLINE;

    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = m->cpus->pdata[i];
        /* Read once: MIN() would compare one value and take a later one. */
        uint64_t epoch = __atomic_load_n(&cpu->mem_epoch, __ATOMIC_SEQ_CST);
        oldest = MIN(oldest, epoch);
    }
    return oldest;
}

static void nudge_cpus(Machine *m, uint64_t epoch)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = m->cpus->pdata[i];
        if (__atomic_load_n(&cpu->mem_epoch, __ATOMIC_SEQ_CST) < epoch) {
            cpu_request(cpu, CPU_REQ_TLB);
        }
    }
}

bool mem_reap(Machine *m)
{
    GSList *keep = NULL, *dead = NULL;
    uint64_t newest = 0;

    pthread_mutex_lock(&m->mem.lock);
    try_flip(&m->mem);
    uint64_t oldest = oldest_epoch(m);
    for (GSList *l = m->mem.garbage; l; l = l->next) {
        Retired *r = l->data;
        bool free_it = oldest >= r->epoch && m->mem.flips >= r->flips;
        GSList **to = free_it ? &dead : &keep;
        *to = g_slist_prepend(*to, r);
        newest = free_it ? newest : MAX(newest, r->epoch);
    }
    g_slist_free(m->mem.garbage);
    m->mem.garbage = keep;
    pthread_mutex_unlock(&m->mem.lock);

    for (GSList *l = dead; l; l = l->next) {
        flatview_free(((Retired *)l->data)->view);
        g_free(l->data);
    }
    g_slist_free(dead);
    if (keep) {
        nudge_cpus(m, newest);
    }
    return !keep;
}

void mem_synchronize(Machine *m)
{
    while (!mem_reap(m)) {
        g_usleep(100);
    }
}

static gboolean reaper_dispatch(GSource *source, GSourceFunc fn, gpointer opaque)
{
    Machine *m = opaque;

    g_source_set_ready_time(source, -1);
    if (!mem_reap(m)) {
        g_source_set_ready_time(source, g_get_monotonic_time() + REAP_RETRY_US);
    }
    return G_SOURCE_CONTINUE;
}

static const GSourceFuncs reaper_funcs = {.dispatch = reaper_dispatch};

static gboolean reaper_call(gpointer opaque)
{
    return G_SOURCE_CONTINUE;
}

void mem_init(Machine *m)
{
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&m->mem.lock, &attr);
    pthread_mutexattr_destroy(&attr);
    m->mem.spaces = g_ptr_array_new();
    m->mem.blocks = g_ptr_array_new();
    m->mem.reaper = g_source_new((GSourceFuncs *)&reaper_funcs, sizeof(GSource));
    g_source_set_callback(m->mem.reaper, reaper_call, m, NULL);
    g_source_set_priority(m->mem.reaper, G_PRIORITY_DEFAULT_IDLE);
    g_source_attach(m->mem.reaper, m->loop);
}

/* All spaces are gone and no other thread is left. */
void mem_fini(Machine *m)
{
    g_source_destroy(m->mem.reaper);
    g_source_unref(m->mem.reaper);
    while (m->mem.garbage) {
        Retired *r = m->mem.garbage->data;
        m->mem.garbage = g_slist_delete_link(m->mem.garbage, m->mem.garbage);
        flatview_free(r->view);
        g_free(r);
    }
    for (guint i = 0; i < m->mem.blocks->len; i++) {
        ((RamBlock *)m->mem.blocks->pdata[i])->machine = NULL; /* somebody kept a region */
    }
    g_assert(m->mem.spaces->len == 0);
    g_ptr_array_free(m->mem.spaces, TRUE);
    g_ptr_array_free(m->mem.blocks, TRUE);
    pthread_mutex_destroy(&m->mem.lock);
}

/* ---- transactions and spaces ---- */

void mem_transaction_begin(Machine *m)
{
    pthread_mutex_lock(&m->mem.lock);
    m->mem.depth++;
}

void mem_transaction_commit(Machine *m)
{
    bool changed = false, events = false;

    g_assert(m->mem.depth > 0);
    if (--m->mem.depth == 0 && m->mem.dirty) {
        m->mem.dirty = false;
        for (guint i = 0; i < m->mem.spaces->len; i++) {
            changed |= address_space_update(m->mem.spaces->pdata[i]);
        }
    }
    if (m->mem.depth == 0) {
        events = m->mem.events_dirty || (changed && m->mem.n_events);
        m->mem.events_dirty = false;
    }
    pthread_mutex_unlock(&m->mem.lock);
    if (changed && m->accel_open && m->accel->ram_changed) {
        m->accel->ram_changed(m);
    }
    if (events) {
        mem_events_told(m);
    }
}
