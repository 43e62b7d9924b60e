/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The region tree: containers, RAM, device windows and aliases, placed in one another with
 * priorities. It is the description; processors read the flat views rendered from it.
 *
 * A region learns its machine when it comes to hang below an address space. Before that it can
 * be put together freely; afterwards every edit re-renders the views at the end of the outermost
 * transaction.
 *
 * guarded by: the machine's region lock.
 */
#include <inttypes.h>

#include "core/internal.h"

static MemoryRegion *region_new(const char *name, MemKind kind, uint64_t size)
{
    MemoryRegion *r = g_new0(MemoryRegion, 1);

    g_assert(size > 0);
    r->name = g_strdup(name);
    r->kind = kind;
    r->size = size;
    r->refs = 1;
    r->enabled = true;
    r->children = g_ptr_array_new();
    return r;
}

MemoryRegion *region_new_container(const char *name, uint64_t size)
{
    return region_new(name, MEM_CONTAINER, size);
}

static MemoryRegion *region_of_block(const char *name, RamBlock *b, bool rom)
{
    if (!b) {
        return NULL;
    }
    MemoryRegion *r = region_new(name, MEM_RAM, b->size);
    r->ram = b;
    r->readonly = rom;
    return r;
}

static MemoryRegion *region_new_block(Machine *m, const char *name, uint64_t size, bool rom, Error **errp)
{
    return region_of_block(name, ram_block_new(m, name, size, rom, errp), rom);
}

MemoryRegion *region_new_ram_from(Machine *m, const char *name, uint64_t size, const RamSource *from,
                                  Error **errp)
{
    return region_of_block(name, ram_block_new_from(m, name, size, from, errp), false);
}

MemoryRegion *region_new_ram(Machine *m, const char *name, uint64_t size, Error **errp)
{
    return region_new_block(m, name, size, false, errp);
}

MemoryRegion *region_new_rom(Machine *m, const char *name, uint64_t size, Error **errp)
{
    return region_new_block(m, name, size, true, errp);
}

MemoryRegion *region_new_io(const char *name, const IoOps *ops, void *opaque, uint64_t size)
{
    MemoryRegion *r = region_new(name, MEM_IO, size);

    r->ops = ops;
    r->opaque = opaque;
    return r;
}

MemoryRegion *region_new_alias(const char *name, MemoryRegion *target, hwaddr offset, uint64_t size)
{
    MemoryRegion *r = region_new(name, MEM_ALIAS, size);

    region_ref(target);
    r->target = target;
    r->target_offset = offset;
    return r;
}

void region_ref(MemoryRegion *r)
{
    __atomic_fetch_add(&r->refs, 1, __ATOMIC_RELAXED);
}

void region_unref(MemoryRegion *r)
{
    if (!r || __atomic_sub_fetch(&r->refs, 1, __ATOMIC_ACQ_REL) > 0) {
        return;
    }
    for (guint i = 0; i < r->children->len; i++) {
        MemoryRegion *c = r->children->pdata[i];
        c->parent = NULL;
        region_unref(c);
    }
    g_ptr_array_free(r->children, TRUE);
    region_unref(r->target);
    if (r->events) {
        g_array_free(r->events, TRUE);
    }
    if (r->ram) {
        ram_block_free(r->ram);
    }
    g_free(r->name);
    g_free(r);
}

void region_attach(MemoryRegion *r, Machine *m)
{
    if (!m || r->machine == m) {
        return;
    }
    g_assert(!r->machine); /* one region in two machines */
    r->machine = m;
    m->mem.n_events += r->events ? r->events->len : 0;
    for (guint i = 0; i < r->children->len; i++) {
        region_attach(r->children->pdata[i], m);
    }
    if (r->target) {
        region_attach(r->target, m);
    }
}

static void edit_begin(MemoryRegion *r)
{
    if (r->machine) {
        mem_transaction_begin(r->machine);
    }
}

static void edit_end(MemoryRegion *r)
{
    if (r->machine) {
        r->machine->mem.dirty = true;
        mem_transaction_commit(r->machine);
    }
}

void region_add(MemoryRegion *parent, hwaddr offset, MemoryRegion *child, int priority)
{
    guint at = 0;

    g_assert(!child->parent);
    edit_begin(parent);
    region_attach(child, parent->machine);
    region_ref(child);
    child->parent = parent;
    child->addr = offset;
    child->priority = priority;
    while (at < parent->children->len &&
           ((MemoryRegion *)parent->children->pdata[at])->priority > priority) {
        at++;
    }
    g_ptr_array_insert(parent->children, at, child);
    edit_end(parent);
}

void region_remove(MemoryRegion *parent, MemoryRegion *child)
{
    g_assert(child->parent == parent);
    edit_begin(parent);
    g_ptr_array_remove(parent->children, child);
    child->parent = NULL;
    edit_end(parent);
    region_unref(child);
}

void region_set_enabled(MemoryRegion *r, bool enabled)
{
    if (r->enabled != enabled) {
        edit_begin(r);
        r->enabled = enabled;
        edit_end(r);
    }
}

void region_set_alias_offset(MemoryRegion *r, hwaddr offset)
{
    g_assert(r->kind == MEM_ALIAS);
    if (r->target_offset != offset) {
        edit_begin(r);
        r->target_offset = offset;
        edit_end(r);
    }
}

void region_set_rom_ops(MemoryRegion *rom, const IoOps *ops, void *opaque)
{
    g_assert(rom->kind == MEM_RAM);
    rom->ops = ops;
    rom->opaque = opaque;
}

void region_set_readonly(MemoryRegion *r, bool readonly)
{
    if (r->readonly != readonly) {
        edit_begin(r);
        r->readonly = readonly;
        edit_end(r);
    }
}

RamBlock *region_ram(MemoryRegion *r)
{
    return r->ram;
}

const char *region_name(const MemoryRegion *r)
{
    return r->name;
}

uint64_t region_size(const MemoryRegion *r)
{
    return r->size;
}

/* ---- info mtree ---- */

static const char *kind_text(const MemoryRegion *r)
{
    return r->kind == MEM_RAM ? (r->readonly ? "rom" : "ram") : "i/o";
}

static void dump_region(const MemoryRegion *r, hwaddr base, int depth, GString *out)
{
    g_string_append_printf(out, "%*s%016" PRIx64 "-%016" PRIx64 " (prio %d, %s): ", depth * 2, "", base,
                           base + (r->size - 1), r->priority, kind_text(r));
    if (r->kind == MEM_ALIAS) {
        g_string_append_printf(out, "alias %s @%s %016" PRIx64 "-%016" PRIx64, r->name, r->target->name,
                               r->target_offset, r->target_offset + (r->size - 1));
    } else {
        g_string_append(out, r->name);
    }
    g_string_append_printf(out, "%s%s\n", r->kind == MEM_ALIAS && r->readonly ? " [read-only]" : "",
                           r->enabled ? "" : " [disabled]");
    for (guint i = 0; i < r->children->len; i++) {
        const MemoryRegion *c = r->children->pdata[i];
        dump_region(c, base + c->addr, depth + 1, out);
    }
}

static void dump_flat(const FlatView *v, GString *out)
{
    for (uint32_t i = 0; i < v->n; i++) {
        const MemSection *s = &v->sections[i];
        uint64_t off = s->kind == MEM_RAM ? s->ram_offset : s->io_offset;
        g_string_append_printf(out, "  %016" PRIx64 "-%016" PRIx64 " (%s): %s", s->base,
                               s->base + (s->size - 1),
                               s->kind == MEM_IO ? "i/o" : s->readonly ? "rom" : "ram", s->region->name);
        if (off) {
            g_string_append_printf(out, " @%016" PRIx64, off);
        }
        g_string_append_c(out, '\n');
    }
    if (v->n == 0) {
        g_string_append(out, "  nothing\n");
    }
}

void mem_dump_tree(Machine *m, GString *out, bool flat)
{
    pthread_mutex_lock(&m->mem.lock);
    for (guint i = 0; i < m->mem.spaces->len; i++) {
        AddressSpace *as = m->mem.spaces->pdata[i];
        g_string_append_printf(out, "address-space: %s\n", as->name);
        if (flat) {
            dump_flat(as->view, out);
        } else {
            dump_region(as->root, 0, 1, out);
        }
        g_string_append_c(out, '\n');
    }
    pthread_mutex_unlock(&m->mem.lock);
}
