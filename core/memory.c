/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bus accesses: from a processor or a device to whatever answers at an address.
 *
 * RAM is copied; device windows get accesses of the sizes they declare, under the machine's lock
 * domain. What nothing answers reads as all ones and swallows writes, with a log line. A device
 * that is already inside a callback on this thread reaches RAM only.
 *
 * Left out: bus errors from devices, DMA translation (an address space of its own per device
 * does that), big-endian devices.
 *
 * home: any thread.
 */
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "base/trace.h"
#include "core/internal.h"

/* Device callbacks on this thread's stack. */
static __thread unsigned callback_depth;

void mem_callback_enter(void)
{
    callback_depth++;
}

void mem_callback_leave(void)
{
    callback_depth--;
}

/* ---- one device ---- */

static uint64_t size_mask(unsigned size)
{
    return size == 8 ? UINT64_MAX : (1ull << (8 * size)) - 1;
}

TRACE_EVENT(device_read, "%s offset 0x%" PRIx64 " size %u: 0x%" PRIx64);
TRACE_EVENT(device_write, "%s offset 0x%" PRIx64 " size %u: 0x%" PRIx64);

static uint64_t call_device(const MemSection *s, hwaddr offset, uint64_t value, unsigned size, bool write)
{
    if (!write) {
        uint64_t v = (s->ops->read ? s->ops->read(s->opaque, offset, size) : UINT64_MAX) & size_mask(size);
        trace(device_read, s->region->name, offset, size, v);
        return v;
    }
    trace(device_write, s->region->name, offset, size, value & size_mask(size));
    if (s->ops->write) {
        s->ops->write(s->opaque, offset, value & size_mask(size), size);
        if (s->region->after_write && !s->ops->lockless) {
            s->region->after_write(s->region->after_write_opaque);
        }
    }
    return 0;
}

/* The widest access that may start at offset. */
static unsigned piece_size(const IoOps *ops, hwaddr offset, unsigned left)
{
    unsigned max = ops->max_size ? ops->max_size : 8;
    unsigned size = 8;

    while (size > left || size > max || (!ops->unaligned && (offset & (size - 1)))) {
        size >>= 1;
    }
    return size;
}

/* One naturally placed piece, widened to min_size. */
static uint64_t device_piece(const MemSection *s, hwaddr offset, uint64_t value, unsigned size, bool write)
{
    unsigned min = s->ops->min_size ? s->ops->min_size : 1;

    if (size >= min) {
        return call_device(s, offset, value, size, write);
    }
    unsigned lane = offset & (min - 1);
    if (lane + size > min) { /* unaligned across two units: byte by byte */
        uint64_t v = 0;
        for (unsigned i = 0; i < size; i++) {
            v |= device_piece(s, offset + i, value >> (8 * i) & 0xff, 1, write) << (8 * i);
        }
        return v;
    }
    value = (value & size_mask(size)) << (8 * lane);
    return call_device(s, offset - lane, value, min, write) >> (8 * lane) & size_mask(size);
}

/* size bytes at offset of the device, all inside its section. */
static uint64_t device_access(const MemSection *s, hwaddr offset, uint64_t value, unsigned size, bool write)
{
    uint64_t result = 0;

    for (unsigned done = 0; done < size;) {
        unsigned n = piece_size(s->ops, offset + done, size - done);
        uint64_t v = device_piece(s, offset + done, value >> (8 * done), n, write);
        result |= v << (8 * done);
        done += n;
    }
    return result;
}

static MemResult device_access_locked(Machine *m, const MemSection *s, hwaddr offset, unsigned size,
                                      uint64_t *value, bool write)
{
    bool lock = !s->ops->lockless && !machine_locked(m);

    if (callback_depth) {
        log_mask(LOG_GUEST_ERROR, "a device reached for '%s' at 0x%" PRIx64 " from inside a device\n",
                 s->region->name, offset);
        return MEM_DEVICE_ERROR;
    }
    if (lock) {
        machine_lock(m);
    }
    MemResult res = MEM_OK;
    if (!s->ops->lockless && s->region->gone) { /* unplugged while we waited for the lock */
        res = MEM_DECODE_ERROR;
    } else {
        callback_depth++;
        uint64_t v = device_access(s, offset, *value, size, write);
        callback_depth--;
        if (!write) {
            *value = v;
        }
    }
    if (lock) {
        machine_unlock(m);
    }
    return res;
}

/* ---- RAM ---- */

/* Aligned accesses are single-copy atomic, as processors and DMA on real buses are. */
static uint64_t ram_load(const uint8_t *p, unsigned size)
{
    if (((uintptr_t)p & (size - 1)) == 0) {
        switch (size) {
        case 2:
            return BITS_LE(16, __atomic_load_n((const uint16_t *)p, __ATOMIC_RELAXED));
        case 4:
            return BITS_LE(32, __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED));
        case 8:
            return BITS_LE(64, __atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED));
        }
    }
    return ld_le_n(p, size);
}

static void ram_store(uint8_t *p, unsigned size, uint64_t v)
{
    if (((uintptr_t)p & (size - 1)) == 0) {
        switch (size) {
        case 2:
            __atomic_store_n((uint16_t *)p, BITS_LE(16, (uint16_t)v), __ATOMIC_RELAXED);
            return;
        case 4:
            __atomic_store_n((uint32_t *)p, BITS_LE(32, (uint32_t)v), __ATOMIC_RELAXED);
            return;
        case 8:
            __atomic_store_n((uint64_t *)p, BITS_LE(64, v), __ATOMIC_RELAXED);
            return;
        }
    }
    st_le_n(p, size, v);
}

/* ---- sections ---- */

MemResult mem_section_load(Machine *m, const MemSection *s, hwaddr addr, unsigned size, uint64_t *val)
{
    hwaddr offset = addr - s->base;

    g_assert(offset < s->size && size <= s->size - offset);
    if (s->kind == MEM_RAM) {
        *val = ram_load(s->ram->host + s->ram_offset + offset, size);
        return MEM_OK;
    }
    uint64_t v = 0;
    MemResult res = device_access_locked(m, s, s->io_offset + offset, size, &v, false);
    *val = res == MEM_OK ? v : size_mask(size);
    return res;
}

MemResult mem_section_store(Machine *m, const MemSection *s, hwaddr addr, unsigned size, uint64_t val)
{
    hwaddr offset = addr - s->base;

    g_assert(offset < s->size && size <= s->size - offset);
    if (s->kind == MEM_RAM) {
        if (s->readonly && s->ops) {
            return device_access_locked(m, s, s->ram_offset + offset, size, &val, true);
        }
        if (s->readonly) {
            log_mask(LOG_GUEST_ERROR, "write of %u bytes to ROM '%s' at 0x%" PRIx64 "\n", size,
                     s->region->name, addr);
            return MEM_OK;
        }
        ram_store(s->ram->host + s->ram_offset + offset, size, val);
        ram_written(s->ram, s->ram_offset + offset, size);
        return MEM_OK;
    }
    return device_access_locked(m, s, s->io_offset + offset, size, &val, true);
}

/* ---- address spaces ---- */

AddressSpace *address_space_new(Machine *m, const char *name, MemoryRegion *root)
{
    AddressSpace *as = g_new0(AddressSpace, 1);

    as->machine = m;
    as->name = g_strdup(name);
    as->root = root;
    region_ref(root);
    region_attach(root, m);
    pthread_mutex_lock(&m->mem.lock);
    g_ptr_array_add(m->mem.spaces, as);
    address_space_update(as);
    pthread_mutex_unlock(&m->mem.lock);
    return as;
}

/* Processors whose second view it was (it is none that runs) see what others do. */
static void withdraw_view(AddressSpace *as)
{
    for (guint i = 0; i < as->machine->cpus->len; i++) {
        Cpu *cpu = as->machine->cpus->pdata[i];
        if (cpu->secure_mem == as) {
            cpu->secure_mem = NULL;
            cpu_use_secure_memory(cpu, false);
        }
    }
}

void address_space_free(AddressSpace *as)
{
    if (!as) {
        return;
    }
    withdraw_view(as);
    pthread_mutex_lock(&as->machine->mem.lock);
    g_ptr_array_remove(as->machine->mem.spaces, as);
    pthread_mutex_unlock(&as->machine->mem.lock);
    flatview_free(as->view);
    region_unref(as->root);
    g_free(as->name);
    g_free(as);
}

const char *address_space_name(const AddressSpace *as)
{
    return as->name;
}

const MemSection *address_space_find(AddressSpace *as, hwaddr addr)
{
    return flatview_find(__atomic_load_n(&as->view, __ATOMIC_SEQ_CST), addr);
}

uint64_t address_space_generation(AddressSpace *as)
{
    return __atomic_load_n(&as->generation, __ATOMIC_SEQ_CST);
}

static void log_unassigned(AddressSpace *as, hwaddr addr, bool write)
{
    log_mask(LOG_UNIMP | LOG_GUEST_ERROR, "%s: %s at 0x%" PRIx64 " which nothing answers\n", as->name,
             write ? "write" : "read", addr);
}

/* What goes wrong first is what the access came to. */
static MemResult worst(MemResult a, MemResult b)
{
    return a != MEM_OK ? a : b;
}

/* The part of [addr, addr+len) up to the end of the section, or of the space. */
static uint64_t part_in(const MemSection *s, hwaddr addr, uint64_t len)
{
    return MIN(len, s->size - (addr - s->base));
}

/* An access that does not lie in one section, byte by byte. */
static MemResult split_access(AddressSpace *as, hwaddr addr, unsigned size, uint64_t *val, bool write)
{
    MemResult res = MEM_OK;
    uint64_t v = 0;

    for (unsigned i = 0; i < size; i++) {
        hwaddr a = addr + i;
        const MemSection *s = a >= addr ? address_space_find(as, a) : NULL; /* no wrap to 0 */
        uint64_t byte = write ? *val >> (8 * i) & 0xff : 0xff;
        MemResult r = MEM_DECODE_ERROR;
        if (s) {
            r = write ? mem_section_store(as->machine, s, a, 1, byte)
                      : mem_section_load(as->machine, s, a, 1, &byte);
        } else {
            log_unassigned(as, a, write);
        }
        v |= byte << (8 * i);
        res = worst(res, r);
    }
    *val = write ? *val : v;
    return res;
}

static MemResult single_access(AddressSpace *as, hwaddr addr, unsigned size, uint64_t *val, bool write)
{
    const MemSection *s = address_space_find(as, addr);

    if (s && size <= s->size - (addr - s->base)) {
        return write ? mem_section_store(as->machine, s, addr, size, *val)
                     : mem_section_load(as->machine, s, addr, size, val);
    }
    if (!s && size == 1) {
        log_unassigned(as, addr, write);
        *val = write ? *val : 0xff;
        return MEM_DECODE_ERROR;
    }
    return split_access(as, addr, size, val, write);
}

MemResult address_space_load(AddressSpace *as, hwaddr addr, MemAttrs attrs, unsigned size, uint64_t *val)
{
    int token = mem_enter(as->machine);
    MemResult res = single_access(as, addr, size, val, false);

    mem_leave(as->machine, token);
    return res;
}

MemResult address_space_store(AddressSpace *as, hwaddr addr, MemAttrs attrs, unsigned size, uint64_t val)
{
    int token = mem_enter(as->machine);
    MemResult res = single_access(as, addr, size, &val, true);

    mem_leave(as->machine, token);
    return res;
}

/* The next power of two that divides addr, fits in len and is at most 8. */
static unsigned natural_size(hwaddr addr, uint64_t len)
{
    unsigned size = 8;

    while (size > len || (addr & (size - 1))) {
        size >>= 1;
    }
    return size;
}

/* Where the space next answers after addr, at most len bytes away. */
static uint64_t hole_length(AddressSpace *as, hwaddr addr, uint64_t len)
{
    const FlatView *v = __atomic_load_n(&as->view, __ATOMIC_SEQ_CST);

    for (uint32_t i = 0; i < v->n; i++) {
        if (v->sections[i].base > addr) {
            return MIN(len, v->sections[i].base - addr);
        }
    }
    return len;
}

static MemResult read_part(AddressSpace *as, hwaddr addr, uint8_t *buf, uint64_t len, uint64_t *done)
{
    const MemSection *s = address_space_find(as, addr);

    if (!s) {
        *done = hole_length(as, addr, len);
        log_unassigned(as, addr, false);
        memset(buf, 0xff, *done);
        return MEM_DECODE_ERROR;
    }
    if (s->kind == MEM_RAM) {
        *done = part_in(s, addr, len);
        memcpy(buf, s->ram->host + s->ram_offset + (addr - s->base), *done);
        return MEM_OK;
    }
    unsigned size = natural_size(addr, part_in(s, addr, len));
    uint64_t v;
    MemResult res = mem_section_load(as->machine, s, addr, size, &v);
    st_le_n(buf, size, v);
    *done = size;
    return res;
}

static MemResult write_part(AddressSpace *as, hwaddr addr, const uint8_t *buf, uint64_t len, uint64_t *done)
{
    const MemSection *s = address_space_find(as, addr);

    if (!s) {
        *done = hole_length(as, addr, len);
        log_unassigned(as, addr, true);
        return MEM_DECODE_ERROR;
    }
    if (s->kind == MEM_RAM) {
        uint64_t offset = s->ram_offset + (addr - s->base);
        *done = part_in(s, addr, len);
        if (s->readonly && s->ops) {
            *done = natural_size(addr, *done);
            return mem_section_store(as->machine, s, addr, *done, ld_le_n(buf, *done));
        }
        if (s->readonly) {
            log_mask(LOG_GUEST_ERROR, "write to ROM '%s' at 0x%" PRIx64 "\n", s->region->name, addr);
            return MEM_OK;
        }
        memcpy(s->ram->host + offset, buf, *done);
        ram_written(s->ram, offset, *done);
        return MEM_OK;
    }
    *done = natural_size(addr, part_in(s, addr, len));
    return mem_section_store(as->machine, s, addr, *done, ld_le_n(buf, *done));
}

MemResult address_space_read(AddressSpace *as, hwaddr addr, MemAttrs attrs, void *buf, uint64_t len)
{
    MemResult res = MEM_OK;
    uint8_t *p = buf;
    int token = mem_enter(as->machine);

    while (len) {
        uint64_t done;
        res = worst(res, read_part(as, addr, p, len, &done));
        p += done;
        len -= done;
        addr += done;
        if (len && addr < done) { /* past the top: nothing there */
            memset(p, 0xff, len);
            res = worst(res, MEM_DECODE_ERROR);
            break;
        }
    }
    mem_leave(as->machine, token);
    return res;
}

MemResult address_space_write(AddressSpace *as, hwaddr addr, MemAttrs attrs, const void *buf, uint64_t len)
{
    MemResult res = MEM_OK;
    const uint8_t *p = buf;
    int token = mem_enter(as->machine);

    while (len) {
        uint64_t done;
        res = worst(res, write_part(as, addr, p, len, &done));
        p += done;
        len -= done;
        addr += done;
        if (len && addr < done) {
            res = worst(res, MEM_DECODE_ERROR);
            break;
        }
    }
    mem_leave(as->machine, token);
    return res;
}

/* ---- debugger and loader ---- */

static bool debug_access(AddressSpace *as, hwaddr addr, uint8_t *buf, uint64_t len, bool write)
{
    bool all = true;
    int token = mem_enter(as->machine);

    while (len && all) {
        const MemSection *s = address_space_find(as, addr);
        all = s && s->kind == MEM_RAM;
        if (all) {
            uint64_t offset = s->ram_offset + (addr - s->base), n = part_in(s, addr, len);
            if (write) {
                memcpy(s->ram->host + offset, buf, n);
                ram_written(s->ram, offset, n);
            } else {
                memcpy(buf, s->ram->host + offset, n);
            }
            buf += n;
            len -= n;
            addr += n;
            all = !len || addr >= n;
        }
    }
    mem_leave(as->machine, token);
    return all;
}

bool address_space_peek(AddressSpace *as, hwaddr addr, void *buf, uint64_t len)
{
    return debug_access(as, addr, buf, len, false);
}

bool address_space_poke(AddressSpace *as, hwaddr addr, const void *buf, uint64_t len)
{
    return debug_access(as, addr, (uint8_t *)buf, len, true);
}

void *address_space_map(AddressSpace *as, hwaddr addr, uint64_t *len, bool write)
{
    int token = mem_enter(as->machine);
    const MemSection *s = address_space_find(as, addr);
    void *p = NULL;

    if (s && s->kind == MEM_RAM && !(write && s->readonly)) {
        *len = part_in(s, addr, *len);
        p = s->ram->host + s->ram_offset + (addr - s->base);
    }
    mem_leave(as->machine, token);
    return p;
}

void address_space_written(AddressSpace *as, hwaddr addr, uint64_t len)
{
    int token = mem_enter(as->machine);

    while (len) {
        const MemSection *s = address_space_find(as, addr);
        uint64_t n = s ? part_in(s, addr, len) : hole_length(as, addr, len);
        if (s && s->kind == MEM_RAM) {
            ram_written(s->ram, s->ram_offset + (addr - s->base), n);
        }
        len -= n;
        addr += n;
        if (addr < n) {
            break;
        }
    }
    mem_leave(as->machine, token);
}

bool address_space_window(AddressSpace *as, hwaddr addr, RamWindow *w)
{
    uint64_t generation = address_space_generation(as); /* before the view: never too new */
    int token = mem_enter(as->machine);
    const MemSection *s = address_space_find(as, addr);
    bool found = s && s->kind == MEM_RAM;

    if (found) {
        *w = (RamWindow){generation, s->base, s->size, s->ram->host + s->ram_offset, s->ram,
                         s->ram_offset, s->readonly};
    }
    mem_leave(as->machine, token);
    return found;
}
