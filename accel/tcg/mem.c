/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory under translation: TLB refill, slow paths of generated code,
 * and the target's access functions.
 *
 * Two levels: the small per-index arrays that generated code probes (tcg.h),
 * and behind them a larger table with big-page entries that survives context
 * switches for global mappings, so that a refill rarely walks guest tables.
 *
 * home: each vCPU's TLBs belong to its thread; mem_evict_store() alone may
 * touch another's, by atomic stores of the empty tag.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include "accel/tcg/internal.h"
#include "base/bits.h"
#include "base/log.h"

#define PAGE_MASK (~(uint64_t)(MEM_PAGE_SIZE - 1))

typedef struct Page {
    hwaddr paddr;     /* of the 4 KiB page */
    bool r, w, x, global;
    int kind;         /* PAGE_* */
    RamBlock *ram;
    uint64_t offset;  /* of the page in ram */
} Page;

static Tlb2 *tlb2(TcgVcpu *v)
{
    return v->tlb2;
}

void mem_vcpu_init(TcgVcpu *v)
{
    v->tlb2 = g_malloc0(sizeof(Tlb2));
    for (int m = 0; m < TCG_MMU_MODES; m++) {
        tlb2(v)->gen[m][0] = tlb2(v)->gen[m][1] = 1;
        tlb2(v)->used[m][0] = tlb2(v)->used[m][1] = true;
    }
    mem_flush_all(v);
}

void mem_vcpu_fini(TcgVcpu *v)
{
    g_free(v->tlb2);
    v->tlb2 = NULL;
}

/* ---- what lies at a physical page ---- */

static const MemSection *section_at(TcgVcpu *v, hwaddr pa)
{
    const MemSection *s = tlb2(v)->section;
    if (!s || pa - s->base >= s->size) {
        s = address_space_find(v->cpu->mem, pa);
        tlb2(v)->section = s;
    }
    return s;
}

static void classify(TcgVcpu *v, Page *p)
{
    const MemSection *s = section_at(v, p->paddr);
    p->kind = PAGE_IO;
    p->ram = NULL;
    /* A page that is only partly RAM is accessed piecewise, like a device. */
    if (s && s->kind == MEM_RAM && s->size - (p->paddr - s->base) >= MEM_PAGE_SIZE) {
        uint64_t offset = s->ram_offset + (p->paddr - s->base);
        if (!(offset & ~PAGE_MASK)) {
            p->kind = s->readonly ? PAGE_ROM : PAGE_RAM;
            p->ram = s->ram;
            p->offset = offset;
        }
    }
}

/* ---- second level ---- */

static inline uint64_t tag_of(uint64_t va, int mmu, int bits)
{
    return (va >> bits << 8) | (uint64_t)mmu;
}

static bool allows(const Tlb2Entry *e, int access)
{
    return access == MMU_READ ? e->r : access == MMU_WRITE ? e->w : e->x;
}

static bool entry_hit(Tlb2 *t, const Tlb2Entry *e, uint64_t tag, int mmu, int access)
{
    return e->tag == tag && e->gen == t->gen[mmu][e->global] && allows(e, access);
}

static Tlb2Entry *slot_small(Tlb2 *t, uint64_t va, int mmu)
{
    return &t->small[mmu][(va >> 12) & ((1u << TLB2_BITS) - 1)];
}

static Tlb2Entry *slot_big(Tlb2 *t, uint64_t va, int mmu)
{
    return &t->big[mmu][(va >> 21) & ((1u << TLB2_BIG_BITS) - 1)];
}

static void from_entry(Page *p, const Tlb2Entry *e, hwaddr paddr)
{
    p->paddr = paddr;
    p->r = e->r;
    p->w = e->w;
    p->x = e->x;
    p->global = e->global;
}

/* Translation of va for access; walks on a miss. False: fault noted in env. */
static bool translate(TcgVcpu *v, uint64_t va, int access, int mmu, Page *p)
{
    Tlb2 *t = tlb2(v);
    Tlb2Entry *e = slot_small(t, va, mmu), *big = slot_big(t, va, mmu);
    MmuResult r;

    if (entry_hit(t, e, tag_of(va, mmu, 12), mmu, access)) {
        from_entry(p, e, e->paddr);
    } else if (entry_hit(t, big, tag_of(va, mmu, 21), mmu, access)) {
        from_entry(p, big, big->paddr + (va & 0x1ff000));
    } else {
        memset(&r, 0, sizeof(r));
        if (!v->target->mmu_walk(tcg_env(v), va, access, mmu, &r)) {
            return false;
        }
        v->stats.tlb_fill[access]++;
        log_mask(LOG_MMU, "mmu: CPU %d %s 0x%" PRIx64 " is at 0x%" PRIx64 ", %u KiB page, %s%s%s%s\n", v->cpu->index,
                 access == MMU_READ ? "load" : access == MMU_WRITE ? "store" : "fetch", va, r.paddr,
                 1u << (r.page_bits - 10), r.r ? "r" : "-", r.w ? "w" : "-", r.x ? "x" : "-", r.global ? "g" : "-");
        bool huge = r.page_bits >= 21;
        e = huge ? big : e;
        *e = (Tlb2Entry){
            .tag = tag_of(va, mmu, huge ? 21 : 12),
            .gen = t->gen[mmu][r.global],
            .paddr = huge ? r.paddr & ~(hwaddr)0x1fffff : r.paddr & PAGE_MASK,
            .r = r.r, .w = r.w, .x = r.x, .global = r.global,
        };
        from_entry(p, e, r.paddr & PAGE_MASK);
    }
    classify(v, p);
    return true;
}

/* ---- first level ---- */

static inline unsigned tlb_index(uint64_t va)
{
    return (va >> MEM_PAGE_BITS) & (TLB_SIZE - 1);
}

static void tlb_install(TcgVcpu *v, uint64_t va, int mmu, int write, const Page *p)
{
    Tlb2 *t = tlb2(v);
    TlbEntry *e = &v->tlb[mmu][write][tlb_index(va)];

    if (!t->used[mmu][write]) {
        /* Before the entry and before our look at the watch: see mem_evict_store(). */
        __atomic_store_n(&t->used[mmu][write], true, __ATOMIC_SEQ_CST);
    }
    e->host = (uintptr_t)p->ram->host + p->offset;
    __atomic_store_n(&e->page, va & PAGE_MASK, __ATOMIC_RELEASE);
    if (!p->global) {
        if (t->n_flush < FLUSH_LIST) {
            t->flush[t->n_flush] = e;
        }
        t->n_flush++;
    }
    /* A watch may have been set between our look and the store above. */
    if (write && ram_page_watch(p->ram, p->offset)) {
        __atomic_store_n(&e->page, TLB_EMPTY(tlb_index(va)), __ATOMIC_RELEASE);
    }
}

static bool page_watched(TcgVcpu *v, uint64_t va, int mmu)
{
    return G_UNLIKELY(tlb2(v)->watching) && v->target->watches(tcg_env(v), va & PAGE_MASK, mmu);
}

/* Make the fast path hit next time, if this page may be accessed directly. */
static void tlb_refill(TcgVcpu *v, uint64_t va, int mmu, int access, const Page *p)
{
    if (p->kind == PAGE_IO || page_watched(v, va, mmu)) {
        return;
    }
    if (access == MMU_READ) {
        if (p->r) {
            tlb_install(v, va, mmu, 0, p);
        }
    } else if (p->kind == PAGE_RAM && p->w && !ram_page_watch(p->ram, p->offset)) {
        tlb_install(v, va, mmu, 1, p);
    }
}

static uint8_t *tlb_lookup(TcgVcpu *v, uint64_t va, unsigned size, int mmu, int write)
{
    TlbEntry *e = &v->tlb[mmu][write][tlb_index(va)];
    uint64_t off = va - e->page;
    return off <= MEM_PAGE_SIZE - size ? (uint8_t *)(uintptr_t)e->host + off : NULL;
}

static void tlb_wipe(TcgVcpu *v, int mmu, int write)
{
    if (!tlb2(v)->used[mmu][write]) {
        return;
    }
    for (unsigned i = 0; i < TLB_SIZE; i++) {
        v->tlb[mmu][write][i].page = TLB_EMPTY(i);
    }
    tlb2(v)->used[mmu][write] = false;
}

static void tlb_wipe_space(TcgVcpu *v, uint32_t space)
{
    bool used = false;

    for (int m = 0; m < TCG_MMU_MODES; m++) {
        if (space >> m & 1) {
            tlb_wipe(v, m, 0);
            tlb_wipe(v, m, 1);
        }
        used |= tlb2(v)->used[m][0] || tlb2(v)->used[m][1];
    }
    if (!used) {
        tlb2(v)->n_flush = 0;
    }
}

static void itlb_wipe(Tlb2 *t, uint32_t space, bool global)
{
    for (int i = 0; i < ITLB_SIZE; i++) {
        if ((space >> (t->itlb[i].va & ~PAGE_MASK & 31) & 1) && (global || !t->itlb[i].global)) {
            t->itlb[i].va = ITLB_EMPTY;
        }
    }
}

static uint32_t current_space(TcgVcpu *v)
{
    return v->target->mmu_space ? v->target->mmu_space(tcg_env(v)) : ALL_SPACES;
}

void tcg_tlb_flush_space(void *env, uint32_t space)
{
    TcgVcpu *v = tcg_vcpu(env);
    Tlb2 *t = tlb2(v);
    v->stats.tlb_flush++;
    log_mask(LOG_MMU, "mmu: CPU %d drops all translations\n", v->cpu->index);
    for (int m = 0; m < TCG_MMU_MODES; m++) {
        if (space >> m & 1) {
            t->gen[m][0]++;
            t->gen[m][1]++;
        }
    }
    tlb_wipe_space(v, space);
    itlb_wipe(t, space, true);
    jc_flush_all(v, space);
}

void mem_flush_all(TcgVcpu *v)
{
    tlb2(v)->section = NULL;
    tcg_tlb_flush_space(tcg_env(v), ALL_SPACES);
}

void tcg_tlb_flush(void *env)
{
    tcg_tlb_flush_space(env, current_space(tcg_vcpu(env)));
}

void tcg_tlb_flush_space_nonglobal(void *env, uint32_t space)
{
    TcgVcpu *v = tcg_vcpu(env);
    Tlb2 *t = tlb2(v);
    v->stats.tlb_flush++;
    log_mask(LOG_MMU, "mmu: CPU %d drops all but global translations\n", v->cpu->index);
    for (int m = 0; m < TCG_MMU_MODES; m++) {
        t->gen[m][0] += space >> m & 1;
    }
    /* The list is of all spaces: what another one loses of its first level is found in the second. */
    if (t->n_flush > FLUSH_LIST) {
        tlb_wipe_space(v, ALL_SPACES);
    } else {
        for (unsigned i = 0; i < t->n_flush; i++) {
            t->flush[i]->page = TLB_EMPTY((t->flush[i] - &v->tlb[0][0][0]) % TLB_SIZE);
        }
    }
    t->n_flush = 0;
    if (t->itlb_nonglobal) {
        itlb_wipe(t, ALL_SPACES, false);
        t->itlb_nonglobal = false;
    }
    jc_flush_nonglobal(v, space);
}

void tcg_tlb_flush_nonglobal(void *env)
{
    tcg_tlb_flush_space_nonglobal(env, current_space(tcg_vcpu(env)));
}

/* One mmu index; true: the page was part of a large one, of which pieces may be anywhere. */
static bool flush_page_of(TcgVcpu *v, int m, uint64_t va)
{
    Tlb2 *t = tlb2(v);
    Tlb2Entry *big = slot_big(t, va, m), *e = slot_small(t, va, m);
    bool pieces = big->tag == tag_of(va, m, 21) && big->gen == t->gen[m][big->global];

    if (pieces) {
        big->gen = 0;
    }
    if (e->tag == tag_of(va, m, 12)) {
        e->gen = 0;
    }
    for (int w = 0; w < 2; w++) {
        TlbEntry *l = &v->tlb[m][w][tlb_index(va)];
        if (l->page == (va & PAGE_MASK)) {
            l->page = TLB_EMPTY(tlb_index(va));
        }
    }
    return pieces;
}

void tcg_tlb_flush_space_page(void *env, uint32_t space, uint64_t va)
{
    TcgVcpu *v = tcg_vcpu(env);
    Tlb2 *t = tlb2(v);
    v->stats.tlb_flush_page++;
    log_mask(LOG_MMU, "mmu: CPU %d drops 0x%" PRIx64 "\n", v->cpu->index, va);
    for (int m = 0; m < TCG_MMU_MODES; m++) {
        if ((space >> m & 1) && flush_page_of(v, m, va)) {
            tlb_wipe_space(v, space);
            itlb_wipe(t, space, true);
        }
    }
    ItlbEntry *i = &t->itlb[(va >> 12) & (ITLB_SIZE - 1)];
    i->va = ITLB_EMPTY;
    jc_flush_page(v, space, va);
}

void tcg_watch(void *env, bool on)
{
    TcgVcpu *v = tcg_vcpu(env);

    tlb2(v)->watching = on;
    tlb_wipe_space(v, ALL_SPACES);
}

void tcg_tlb_flush_page(void *env, uint64_t va)
{
    tcg_tlb_flush_space_page(env, current_space(tcg_vcpu(env)), va);
}

/*
 * An array that is not in use is passed over: its owner marks it used before it looks at the
 * watch again, and the caller has set the watch before.
 */
void mem_evict_store(TcgVcpu *v, const uint8_t *host_page)
{
    for (int m = 0; m < v->target->n_mmu; m++) {
        TlbEntry *e = v->tlb[m][1];
        if (!__atomic_load_n(&tlb2(v)->used[m][1], __ATOMIC_SEQ_CST)) {
            continue;
        }
        for (unsigned i = 0; i < TLB_SIZE; i++) {
            if (e[i].host == (uintptr_t)host_page) {
                __atomic_store_n(&e[i].page, TLB_EMPTY(i), __ATOMIC_RELEASE);
            }
        }
    }
}

/* ---- fetch ---- */

const ItlbEntry *mem_fetch(TcgVcpu *v, uint64_t va, int mmu, bool raise)
{
    Tlb2 *t = tlb2(v);
    ItlbEntry *i = &t->itlb[(va >> 12) & (ITLB_SIZE - 1)];
    uint64_t key = (va & PAGE_MASK) | (uint64_t)mmu;
    Page p;

    if (i->va == key) {
        return i;
    }
    if (!translate(v, va, MMU_EXEC, mmu, &p)) {
        if (raise) {
            tcg_raise(tcg_env(v));
        }
        return NULL;
    }
    i->va = key;
    i->paddr = p.paddr;
    i->global = p.global;
    i->phys = p.ram ? p.ram->ram_addr + p.offset : ~0ull;
    i->host = p.ram ? p.ram->host + p.offset : NULL;
    t->itlb_nonglobal |= !p.global;
    return i;
}

/* ---- data access from C ---- */

/* The instruction being executed, for exceptions raised out of a slow path. */
void mem_note_pc(TcgVcpu *v)
{
    if (tcg_loop(v)->in_slow) {
        tcg_set_pc(v, v->exit_block->pc + v->exit_insn);
    }
}

static void page_or_raise(TcgVcpu *v, uint64_t va, int access, int mmu, Page *p)
{
    if (!translate(v, va, access, mmu, p)) {
        tcg_raise(tcg_env(v));
    }
}

/* Tell the target, which may raise. All pages of the access were found accessible. */
static void tell_access(TcgVcpu *v, uint64_t va, size_t len, int access, int mmu)
{
    if (G_UNLIKELY(tlb2(v)->watching)) {
        v->target->accessed(tcg_env(v), va, len, access, mmu);
    }
}

static void bus_fault(TcgVcpu *v, uint64_t va, hwaddr pa, int access, MemResult res)
{
    if (res == MEM_DECODE_ERROR) {
        return; /* x86: reads of nothing float high, writes vanish; the value is already ~0 */
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
static uint64_t io_load(TcgVcpu *v, uint64_t va, const Page *p, unsigned size)
{
    hwaddr pa = p->paddr | (va & ~PAGE_MASK);
    uint64_t val = ~0ull;
    v->stats.mmio++;
    mem_note_pc(v);
    MemAttrs attrs = { .requester = (uint16_t)v->cpu->index };
    MemResult res = address_space_load(v->cpu->mem, pa, attrs, size, &val);
    if (res != MEM_OK) {
        bus_fault(v, va, pa, MMU_READ, res);
    }
    return size == 8 ? val : val & ((1ull << size * 8) - 1);
}

static void io_store(TcgVcpu *v, uint64_t va, const Page *p, uint64_t val, unsigned size)
{
    hwaddr pa = p->paddr | (va & ~PAGE_MASK);
    v->stats.mmio++;
    mem_note_pc(v);
    MemAttrs attrs = { .requester = (uint16_t)v->cpu->index };
    MemResult res = address_space_store(v->cpu->mem, pa, attrs, size, val);
    if (res != MEM_OK) {
        bus_fault(v, va, pa, MMU_WRITE, res);
    }
}

static uint64_t load_page(TcgVcpu *v, uint64_t va, const Page *p, unsigned size)
{
    if (p->kind == PAGE_IO) {
        return io_load(v, va, p, size);
    }
    return load_host(p->ram->host + p->offset + (va & ~PAGE_MASK), size);
}

static void store_page(TcgVcpu *v, uint64_t va, const Page *p, uint64_t val, unsigned size)
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
    Page a, b;
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
    Page a, b;
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
    Page p;
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
    Page p;
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
    Page p;
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
    Page p;
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
    Page p;
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
    Page p;

    *len = MIN(*len, room);
    if (h) {
        return h;
    }
    page_or_raise(v, va, access, mmu, &p);
    tlb_refill(v, va, mmu, access, &p);
    if (p.kind == PAGE_IO || page_watched(v, va, mmu) ||
        (access == MMU_WRITE && (p.kind != PAGE_RAM || ram_page_watch(p.ram, p.offset)))) {
        return NULL;
    }
    return p.ram->host + p.offset + (va & ~PAGE_MASK);
}

/* x86 guests may lock misaligned operands; so may an x86 host, which is where they run. */
__attribute__((no_sanitize("alignment"), target("cx16")))
static bool cas_host(void *h, unsigned size, void *old, const void *val)
{
    unsigned __int128 o = 0, n = 0, seen;
    memcpy(&o, old, size);
    memcpy(&n, val, size);
    switch (size) {
    case 1:
        seen = __sync_val_compare_and_swap((uint8_t *)h, (uint8_t)o, (uint8_t)n);
        break;
    case 2:
        seen = __sync_val_compare_and_swap((uint16_t *)h, (uint16_t)o, (uint16_t)n);
        break;
    case 4:
        seen = __sync_val_compare_and_swap((uint32_t *)h, (uint32_t)o, (uint32_t)n);
        break;
    case 8:
        seen = __sync_val_compare_and_swap((uint64_t *)h, (uint64_t)o, (uint64_t)n);
        break;
    default:
        seen = __sync_val_compare_and_swap((unsigned __int128 *)h, o, n);
        break;
    }
    bool same = !memcmp(&seen, old, size);
    memcpy(old, &seen, size);
    return same;
}

/*
 * A locked access across two pages or to a device: atomic against other such
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
    Page p;

    if (crosses(va, size)) {
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
    const MemSection *s = section_at(v, pa);
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
        const MemSection *s = section_at(v, pa);
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
    const MemSection *s = section_at(tcg_vcpu(env), pa);

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
    const MemSection *s = section_at(v, pa);
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
    uint64_t val = tcg_load(tcg_env(v), va, size_mmu & 0xff, size_mmu >> 8 & 0xff);
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
    Page p;
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
    int mmu = size_mmu >> 8 & 0xff;
    slow_begin(v);
    v->stats.slow_store++;
    tcg_check_own_code(v, v->exit_block, va, size, mmu);
    tcg_store(tcg_env(v), va, val, size, mmu);
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
    Page p;

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
