/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accesses to guest memory under translation: the target's access functions,
 * physical accesses of its table walks, slow paths of generated code.
 *
 * home: the vCPU's thread.
 */
#include <string.h>

#include "accel/tcg/cas.h"
#include "accel/tcg/tlb.h"
#include "base/bits.h"

/* ---- data access from C ---- */

void mem_note_pc(TcgVcpu *v)
{
    if (tcg_loop(v)->in_slow) {
        tcg_set_pc(v, v->exit_block->pc + v->exit_insn);
    }
}

void mem_bus_fault(TcgVcpu *v, uint64_t va, hwaddr pa, int access, MemResult res)
{
    if (res == MEM_DECODE_ERROR && !v->target->absent_faults) {
        return; /* reads of nothing float high, writes vanish; the value is already ~0 */
    }
    if (v->target->note_bus_error) {
        v->target->note_bus_error(tcg_env(v), va, pa, access);
        tcg_raise(tcg_env(v));
    }
}

/* Guest addresses need not be aligned; each of these is one host access all the same. */
static uint64_t load_host(const uint8_t *h, unsigned size)
{
    switch (size) {
    case 1:
        return *h;
    case 2:
        return ld_le16(h);
    case 4:
        return ld_le32(h);
    default:
        return ld_le64(h);
    }
}

static void store_host(uint8_t *h, uint64_t val, unsigned size)
{
    switch (size) {
    case 1:
        *h = val;
        break;
    case 2:
        st_le16(h, val);
        break;
    case 4:
        st_le32(h, val);
        break;
    default:
        st_le64(h, val);
        break;
    }
}

/* The device access itself: the state must be precise, since the device may stop the machine. */
static uint64_t io_load(TcgVcpu *v, uint64_t va, const TlbPage *p, unsigned size)
{
    hwaddr pa = p->paddr | (va & ~PAGE_MASK);
    uint64_t val = ~0ull;
    v->stats.mmio++;
    mem_note_pc(v);
    MemAttrs attrs = { .requester = (uint16_t)v->cpu->index };
    MemResult res = address_space_load(v->cpu->mem, pa, attrs, size, &val);
    if (res != MEM_OK) {
        mem_bus_fault(v, va, pa, MMU_READ, res);
    }
    return size == 8 ? val : val & ((1ull << size * 8) - 1);
}

static void io_store(TcgVcpu *v, uint64_t va, const TlbPage *p, uint64_t val, unsigned size)
{
    hwaddr pa = p->paddr | (va & ~PAGE_MASK);
    v->stats.mmio++;
    mem_note_pc(v);
    MemAttrs attrs = { .requester = (uint16_t)v->cpu->index };
    MemResult res = address_space_store(v->cpu->mem, pa, attrs, size, val);
    if (res != MEM_OK) {
        mem_bus_fault(v, va, pa, MMU_WRITE, res);
    }
}

static uint64_t load_page(TcgVcpu *v, uint64_t va, const TlbPage *p, unsigned size)
{
    if (p->kind == PAGE_IO) {
        return io_load(v, va, p, size);
    }
    return load_host(p->ram->host + p->offset + (va & ~PAGE_MASK), size);
}

static void store_page(TcgVcpu *v, uint64_t va, const TlbPage *p, uint64_t val, unsigned size)
{
    uint64_t in_page = va & ~PAGE_MASK;
    if (p->kind != PAGE_RAM) { /* a ROM may be flash, which hears stores */
        io_store(v, va, p, val, size);
    } else {
        store_host(p->ram->host + p->offset + in_page, val, size);
        /* After the store: whoever looks again sees the new bytes. */
        if (ram_page_watch(p->ram, p->offset)) {
            ram_written(p->ram, p->offset + in_page, size);
        }
    }
}

static bool crosses(uint64_t va, unsigned size)
{
    return (va & ~PAGE_MASK) + size > MEM_PAGE_SIZE;
}

static uint64_t load_crossing(TcgVcpu *v, uint64_t va, unsigned size, int mmu)
{
    unsigned first = MEM_PAGE_SIZE - (va & ~PAGE_MASK);
    uint64_t val = 0;
    TlbPage a, b;
    page_or_raise(v, va, MMU_READ, mmu, &a);
    page_or_raise(v, va + first, MMU_READ, mmu, &b);
    tell_access(v, va, size, MMU_READ, mmu);
    for (unsigned i = 0; i < size; i++) {
        val |= load_page(v, va + i, i < first ? &a : &b, 1) << i * 8;
    }
    return val;
}

static void store_crossing(TcgVcpu *v, uint64_t va, uint64_t val, unsigned size, int mmu)
{
    unsigned first = MEM_PAGE_SIZE - (va & ~PAGE_MASK);
    TlbPage a, b;
    page_or_raise(v, va, MMU_WRITE, mmu, &a);
    page_or_raise(v, va + first, MMU_WRITE, mmu, &b);
    tell_access(v, va, size, MMU_WRITE, mmu);
    for (unsigned i = 0; i < size; i++) {
        store_page(v, va + i, i < first ? &a : &b, val >> i * 8 & 0xff, 1);
    }
}

uint64_t tcg_load(void *env, uint64_t va, unsigned size, int mmu)
{
    TcgVcpu *v = tcg_vcpu(env);
    uint8_t *h = tlb_lookup(v, va, size, mmu, 0);
    TlbPage p;
    if (G_LIKELY(h)) {
        return load_host(h, size);
    }
    if (crosses(va, size)) {
        return load_crossing(v, va, size, mmu);
    }
    page_or_raise(v, va, MMU_READ, mmu, &p);
    tell_access(v, va, size, MMU_READ, mmu);
    tlb_refill(v, va, mmu, MMU_READ, &p);
    return load_page(v, va, &p, size);
}

void tcg_store(void *env, uint64_t va, uint64_t val, unsigned size, int mmu)
{
    TcgVcpu *v = tcg_vcpu(env);
    uint8_t *h = tlb_lookup(v, va, size, mmu, 1);
    TlbPage p;
    if (G_LIKELY(h)) {
        store_host(h, val, size);
        return;
    }
    if (crosses(va, size)) {
        store_crossing(v, va, val, size, mmu);
        return;
    }
    page_or_raise(v, va, MMU_WRITE, mmu, &p);
    tell_access(v, va, size, MMU_WRITE, mmu);
    store_page(v, va, &p, val, size);
    tlb_refill(v, va, mmu, MMU_WRITE, &p);
}

void tcg_probe(void *env, uint64_t va, size_t len, int access, int mmu)
{
    TcgVcpu *v = tcg_vcpu(env);
    TlbPage p;
    for (uint64_t a = va; len; ) {
        size_t n = MIN(len, MEM_PAGE_SIZE - (a & ~PAGE_MASK));
        if (access == MMU_EXEC || !tlb_lookup(v, a, 1, mmu, access == MMU_WRITE)) {
            page_or_raise(v, a, access, mmu, &p);
        }
        a += n;
        len -= n;
    }
}

void tcg_read(void *env, uint64_t va, void *buf, size_t len, int mmu)
{
    TcgVcpu *v = tcg_vcpu(env);
    uint8_t *out = buf;
    TlbPage p;
    tcg_probe(env, va, len, MMU_READ, mmu);
    tell_access(v, va, len, MMU_READ, mmu);
    while (len) {
        size_t n = MIN(len, MEM_PAGE_SIZE - (va & ~PAGE_MASK));
        page_or_raise(v, va, MMU_READ, mmu, &p);
        if (p.kind != PAGE_IO) {
            memcpy(out, p.ram->host + p.offset + (va & ~PAGE_MASK), n);
        } else {
            for (size_t i = 0; i < n; ) {
                unsigned s = n - i >= 8 ? 8 : n - i >= 4 ? 4 : n - i >= 2 ? 2 : 1;
                uint64_t x = io_load(v, va + i, &p, s);
                memcpy(out + i, &x, s);
                i += s;
            }
        }
        out += n;
        va += n;
        len -= n;
    }
}

void tcg_write(void *env, uint64_t va, const void *buf, size_t len, int mmu)
{
    TcgVcpu *v = tcg_vcpu(env);
    const uint8_t *in = buf;
    TlbPage p;
    tcg_probe(env, va, len, MMU_WRITE, mmu);
    tell_access(v, va, len, MMU_WRITE, mmu);
    while (len) {
        size_t n = MIN(len, MEM_PAGE_SIZE - (va & ~PAGE_MASK));
        page_or_raise(v, va, MMU_WRITE, mmu, &p);
        if (p.kind == PAGE_RAM) {
            memcpy(p.ram->host + p.offset + (va & ~PAGE_MASK), in, n);
            ram_written(p.ram, p.offset + (va & ~PAGE_MASK), n);
        } else {
            for (size_t i = 0; i < n; ) {
                unsigned s = n - i >= 8 ? 8 : n - i >= 4 ? 4 : n - i >= 2 ? 2 : 1;
                uint64_t x = 0;
                memcpy(&x, in + i, s);
                io_store(v, va + i, &p, x, s);
                i += s;
            }
        }
        in += n;
        va += n;
        len -= n;
    }
}

void *tcg_host(void *env, uint64_t va, size_t *len, int access, int mmu)
{
    TcgVcpu *v = tcg_vcpu(env);
    size_t room = MEM_PAGE_SIZE - (va & ~PAGE_MASK);
    uint8_t *h = tlb_lookup(v, va, 1, mmu, access == MMU_WRITE);
    TlbPage p;

    *len = MIN(*len, room);
    if (h) {
        return h;
    }
    page_or_raise(v, va, access, mmu, &p);
    tlb_refill(v, va, mmu, access, &p);
    if (p.kind == PAGE_IO || tlb_watched(v, va, mmu) ||
        (access == MMU_WRITE && (p.kind != PAGE_RAM || ram_page_watch(p.ram, p.offset)))) {
        return NULL;
    }
    return p.ram->host + p.offset + (va & ~PAGE_MASK);
}

bool tcg_page(void *env, uint64_t va, int access, int mmu, TcgPage *out)
{
    TlbPage p;

    if (!tlb_translate(tcg_vcpu(env), va, access, mmu, &p)) {
        return false;
    }
    *out = (TcgPage){
        .attr = p.attr, .ram = p.kind == PAGE_IO ? NULL : p.ram, .offset = p.offset + (va & ~PAGE_MASK),
    };
    return true;
}

/*
 * A locked access across two pages, to a device, or where the host cannot: atomic against other such
 * accesses only (as on many buses). Everything that can fault happens before
 * the lock is taken.
 */
static bool cas_slow(TcgVcpu *v, uint64_t va, unsigned size, void *old, const void *val, int mmu)
{
    uint8_t cur[16];
    void *env = tcg_env(v);
    tcg_probe(env, va, size, MMU_WRITE, mmu);
    pthread_mutex_lock(&v->tm->split_lock);
    tcg_read(env, va, cur, size, mmu);
    bool same = !memcmp(cur, old, size);
    tcg_write(env, va, same ? val : cur, size, mmu);
    pthread_mutex_unlock(&v->tm->split_lock);
    memcpy(old, cur, size);
    return same;
}

bool tcg_cmpxchg(void *env, uint64_t va, unsigned size, void *old, const void *val, int mmu)
{
    TcgVcpu *v = tcg_vcpu(env);
    size_t len = size;
    uint8_t *h;
    TlbPage p;

    if (crosses(va, size) || !cas_possible((void *)(uintptr_t)va, size)) { /* pages are more than 16 bytes */
        return cas_slow(v, va, size, old, val, mmu);
    }
    h = tcg_host(env, va, &len, MMU_WRITE, mmu);
    if (h) {
        return cas_host(h, size, old, val);
    }
    page_or_raise(v, va, MMU_WRITE, mmu, &p);
    tell_access(v, va, size, MMU_WRITE, mmu);
    if (p.kind != PAGE_RAM) {
        return cas_slow(v, va, size, old, val, mmu);
    }
    bool ok = cas_host(p.ram->host + p.offset + (va & ~PAGE_MASK), size, old, val);
    ram_written(p.ram, p.offset + (va & ~PAGE_MASK), size);
    return ok;
}

/* ---- physical access for table walks ---- */

static uint8_t *phys_host(TcgVcpu *v, hwaddr pa, unsigned size, bool write)
{
    const MemSection *s = tlb_section_at(v, pa);
    if (!s || s->kind != MEM_RAM || (write && s->readonly) || s->size - (pa - s->base) < size) {
        return NULL;
    }
    return s->ram->host + s->ram_offset + (pa - s->base);
}

uint64_t tcg_phys_load(void *env, hwaddr pa, unsigned size)
{
    TcgVcpu *v = tcg_vcpu(env);
    uint8_t *h = phys_host(v, pa, size, false);
    uint64_t val = ~0ull;
    if (G_LIKELY(h)) {
        return load_host(h, size);
    }
    address_space_load(v->cpu->mem, pa, MEM_ATTRS_NONE, size, &val);
    return val;
}

void tcg_phys_store(void *env, hwaddr pa, uint64_t val, unsigned size)
{
    TcgVcpu *v = tcg_vcpu(env);
    uint8_t *h = phys_host(v, pa, size, true);
    if (G_LIKELY(h)) {
        const MemSection *s = tlb_section_at(v, pa);
        store_host(h, val, size);
        ram_written(s->ram, s->ram_offset + (pa - s->base), size);
        return;
    }
    address_space_store(v->cpu->mem, pa, MEM_ATTRS_NONE, size, val);
}

uint8_t *tcg_phys_page(void *env, hwaddr pa, bool write)
{
    return phys_host(tcg_vcpu(env), pa & PAGE_MASK, MEM_PAGE_SIZE, write);
}

void tcg_phys_written(void *env, hwaddr pa, unsigned len)
{
    const MemSection *s = tlb_section_at(tcg_vcpu(env), pa);

    ram_written(s->ram, s->ram_offset + (pa - s->base), len);
}

bool tcg_phys_cmpxchg(void *env, hwaddr pa, unsigned size, uint64_t old, uint64_t val)
{
    TcgVcpu *v = tcg_vcpu(env);
    uint8_t *h = phys_host(v, pa, size, true);
    if (!h) {
        /* Tables in ROM or a device: the bits can not be set, and the walk goes on without. */
        return true;
    }
    const MemSection *s = tlb_section_at(v, pa);
    uint64_t o = old;
    bool ok = cas_host(h, size, &o, &val);
    if (ok) {
        ram_written(s->ram, s->ram_offset + (pa - s->base), size);
    }
    return ok;
}

/* ---- slow paths of generated code ---- */

static void slow_begin(TcgVcpu *v)
{
    tcg_loop(v)->in_slow = true;
}

static void slow_end(TcgVcpu *v)
{
    tcg_loop(v)->in_slow = false;
}

uint64_t tcg_slow_load(TcgVcpu *v, uint64_t va, uint32_t size_mmu)
{
    slow_begin(v);
    v->stats.slow_load++;
    uint64_t val = (size_mmu & TCG_WHOLE ? tcg_load_whole : tcg_load)(tcg_env(v), va, size_mmu & 0xff, size_mmu >> 8 & 0x7f);
    slow_end(v);
    return val;
}

/*
 * A store into the block that is running: the rest of the block may be stale
 * after it. The interpreter does this one instruction, and execution goes on
 * with fresh code.
 */
void tcg_check_own_code(TcgVcpu *v, const TcgBlock *tb, uint64_t va, unsigned size, int mmu)
{
    TlbPage p;
    for (unsigned done = 0; done < size; ) {
        uint64_t a = va + done;
        unsigned n = MIN(size - done, (unsigned)(MEM_PAGE_SIZE - (a & ~PAGE_MASK)));
        page_or_raise(v, a, MMU_WRITE, mmu, &p);
        if (p.kind == PAGE_RAM && (ram_page_watch(p.ram, p.offset) & RAM_WATCH_CODE) &&
            cache_hits_block(tb, p.ram->ram_addr + p.offset + (a & ~PAGE_MASK), n)) {
            mem_note_pc(v);
            tcg_leave(v, LEAVE_INTERP);
        }
        done += n;
    }
}

void tcg_slow_store(TcgVcpu *v, uint64_t va, uint64_t val, uint32_t size_mmu)
{
    unsigned size = size_mmu & 0xff;
    int mmu = size_mmu >> 8 & 0x7f;
    slow_begin(v);
    v->stats.slow_store++;
    tcg_check_own_code(v, v->exit_block, va, size, mmu);
    (size_mmu & TCG_WHOLE ? tcg_store_whole : tcg_store)(tcg_env(v), va, val, size, mmu);
    slow_end(v);
}

/* Two pages, a device, a page with a watch: the operand goes through a buffer. All faults come here. */
static void bounce_begin(TcgVcpu *v, uint64_t va, unsigned size, int mmu, bool write)
{
    if (write) {
        tcg_check_own_code(v, v->exit_block, va, size, mmu);
        tcg_probe(tcg_env(v), va, size, MMU_WRITE, mmu);
        v->bounce_va = va;
    } else {
        tcg_read(tcg_env(v), va, v->bounce, size, mmu);
    }
    v->scratch[0] = (uintptr_t)v->bounce;
}

bool tcg_slow_operand(TcgVcpu *v, uint64_t va, uint32_t size_mmu, uint32_t write)
{
    unsigned size = size_mmu & 0xff;
    int mmu = size_mmu >> 8 & 0x7f;
    bool hit = false;
    TlbPage p;

    if (G_UNLIKELY(tlb2(v)->watching) && watch_debugger_hit(v, va, size, write ? MMU_WRITE : MMU_READ)) {
        return false; /* what the operand belongs to is done at once, or not at all */
    }
    slow_begin(v);
    v->scratch[0] = 0;
    if (!crosses(va, size)) {
        page_or_raise(v, va, write ? MMU_WRITE : MMU_READ, mmu, &p);
        tlb_refill(v, va, mmu, write ? MMU_WRITE : MMU_READ, &p);
        hit = tlb_lookup(v, va, size, mmu, write) != NULL;
    }
    if (!hit && (size_mmu & TCG_BOUNCE)) {
        bounce_begin(v, va, size, mmu, write);
        hit = true;
    }
    slow_end(v);
    return hit;
}

void tcg_slow_bounce(TcgVcpu *v, uint64_t unused, uint32_t size_mmu)
{
    slow_begin(v);
    tcg_write(tcg_env(v), v->bounce_va, v->bounce, size_mmu & 0xff, size_mmu >> 8 & 0x7f);
    slow_end(v);
}
