/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translations of guest addresses: the TLBs' refill, flushes and eviction (tlb.h).
 */
#include <inttypes.h>
#include <string.h>

#include "accel/tcg/tlb.h"
#include "base/log.h"

void tlb_vcpu_init(TcgVcpu *v)
{
    v->tlb2 = g_malloc0(sizeof(Tlb2));
    for (int m = 0; m < TCG_MMU_MODES; m++) {
        tlb2(v)->used[m][0] = tlb2(v)->used[m][1] = true;
    }
    tlb_flush_all(v);
}

void tlb_vcpu_fini(TcgVcpu *v)
{
    g_free(v->tlb2);
    v->tlb2 = NULL;
}

/* ---- what lies at a physical page ---- */

static void classify(TcgVcpu *v, TlbPage *p)
{
    const MemSection *s = tlb_section_at(v, p->paddr);
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

static void from_entry(TlbPage *p, const Tlb2Entry *e, hwaddr paddr)
{
    p->paddr = paddr;
    p->r = e->r;
    p->w = e->w;
    p->x = e->x;
    p->global = e->global;
    p->attr = e->attr;
}

/*
 * The entry made covers less than the guest's mapping does, other pieces of which may be anywhere: a flush of an
 * address between the first and the last such mapping drops the whole space.
 */
static void note_split(Tlb2 *t, uint64_t va, int mmu, unsigned bits, unsigned entry_bits)
{
    Tlb2Split *s = &t->split[mmu][va >> 63];
    uint64_t low = ((uint64_t)1 << bits) - 1;

    if (bits > entry_bits) {
        s->first = MIN(s->first, va & ~low);
        s->last = MAX(s->last, va | low);
    }
}

/* Is it valid now, or will it be when its context is current again? */
static bool entry_live(const Tlb2 *t, const Tlb2Entry *e, int mmu)
{
    bool live = e->gen == t->gen[mmu][e->global];

    for (int i = 0; i < t->n_context && !live; i++) {
        live = e->gen == t->context[i].gen && (t->context[i].space >> mmu & 1);
    }
    return live;
}

/* Another large page takes the place of e: what was made of e elsewhere (first level, fetches, jump cache) stays valid. */
static void note_evicted(Tlb2 *t, const Tlb2Entry *e, uint64_t new_tag, int mmu)
{
    if (e->gen && e->tag != new_tag && entry_live(t, e, mmu)) {
        note_split(t, e->tag >> 8 << 21, mmu, 21, 12);
    }
}

static bool in_split(const Tlb2 *t, uint64_t va, int mmu)
{
    const Tlb2Split *s = &t->split[mmu][va >> 63];

    return va >= s->first && va <= s->last;
}

bool tlb_translate(TcgVcpu *v, uint64_t va, int access, int mmu, TlbPage *p)
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
        note_split(t, va, mmu, r.flush_bits ? r.flush_bits : r.page_bits, huge ? 21 : 12);
        if (huge) {
            note_evicted(t, big, tag_of(va, mmu, 21), mmu);
            e = big;
        }
        *e = (Tlb2Entry){
            .tag = tag_of(va, mmu, huge ? 21 : 12),
            .gen = t->gen[mmu][r.global],
            .paddr = huge ? r.paddr & ~(hwaddr)0x1fffff : r.paddr & PAGE_MASK,
            .r = r.r, .w = r.w, .x = r.x, .global = r.global, .attr = r.attr,
        };
        from_entry(p, e, r.paddr & PAGE_MASK);
    }
    classify(v, p);
    return true;
}

/* ---- first level ---- */

static void tlb_install(TcgVcpu *v, uint64_t va, int mmu, int write, const TlbPage *p)
{
    Tlb2 *t = tlb2(v);
    TlbEntry *e = &v->tlb[mmu][write][tlb_index(va)];

    if (!t->used[mmu][write]) {
        /* Before the entry and before our look at the watch: see tlb_evict_store(). */
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

void tlb_refill(TcgVcpu *v, uint64_t va, int mmu, int access, const TlbPage *p)
{
    if (p->kind == PAGE_IO || tlb_watched(v, va, mmu)) {
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

static void itlb_wipe(Tlb2 *t, uint32_t space)
{
    for (int i = 0; i < ITLB_SIZE; i++) {
        if (space >> (t->itlb[i].va & ~PAGE_MASK & 31) & 1) {
            t->itlb[i].va = ITLB_EMPTY;
        }
    }
}

/* The first level's non-global entries go. */
static void first_level_nonglobal(TcgVcpu *v)
{
    Tlb2 *t = tlb2(v);
    /* The list is of all spaces: what another one loses here is found in the second level. */
    if (t->n_flush > FLUSH_LIST) {
        tlb_wipe_space(v, ALL_SPACES);
    } else {
        for (unsigned i = 0; i < t->n_flush; i++) {
            t->flush[i]->page = TLB_EMPTY((t->flush[i] - &v->tlb[0][0][0]) % TLB_SIZE);
        }
    }
    t->n_flush = 0;
}

/* ---- contexts ---- */

static void set_gen(Tlb2 *t, uint32_t space, int global, uint64_t gen)
{
    for (int m = 0; m < TCG_MMU_MODES; m++) {
        if (space >> m & 1) {
            t->gen[m][global] = gen;
        }
    }
}

static void contexts_forget(Tlb2 *t, uint32_t space)
{
    int n = 0;
    for (int i = 0; i < t->n_context; i++) {
        if (!(t->context[i].space & space)) {
            t->context[n++] = t->context[i];
        }
    }
    t->n_context = n;
}

static TlbContext *context_find(Tlb2 *t, uint32_t space, uint64_t id)
{
    for (int i = 0; i < t->n_context; i++) {
        if (t->context[i].id == id && t->context[i].space == space) {
            return &t->context[i];
        }
    }
    return NULL;
}

/* A new one, in place of the one that was not current for the longest time if need be. */
static TlbContext *context_take(Tlb2 *t, uint32_t space, uint64_t id)
{
    TlbContext *c = &t->context[0];
    if (t->n_context < TLB_CONTEXTS) {
        c = &t->context[t->n_context++];
    } else {
        for (int i = 1; i < TLB_CONTEXTS; i++) {
            c = t->context[i].used < c->used ? &t->context[i] : c;
        }
    }
    *c = (TlbContext){.id = id, .space = space, .gen = ++t->last_gen};
    return c;
}

void tcg_tlb_context(void *env, uint32_t space, uint64_t id, bool keep)
{
    TcgVcpu *v = tcg_vcpu(env);
    Tlb2 *t = tlb2(v);
    TlbContext *c = context_find(t, space, id);

    if (!c) {
        c = context_take(t, space, id);
    } else if (!keep) {
        c->gen = ++t->last_gen;
    }
    c->used = ++t->context_clock;
    if (c->gen == t->gen[__builtin_ctz(space)][0]) {
        return;
    }
    v->stats.tlb_flush += !keep;
    set_gen(t, space, 0, c->gen);
    first_level_nonglobal(v);
    jc_flush_nonglobal(v, space);
}

void tcg_tlb_flush_context(void *env, uint32_t space, uint64_t id)
{
    Tlb2 *t = tlb2(tcg_vcpu(env));
    TlbContext *c = context_find(t, space, id);

    if (c) {
        *c = t->context[--t->n_context];
    }
}

void tcg_tlb_forget_contexts(void *env, uint32_t space)
{
    contexts_forget(tlb2(tcg_vcpu(env)), space);
}

/* ---- flushes ---- */

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
    contexts_forget(t, space);
    set_gen(t, space, 0, ++t->last_gen);
    set_gen(t, space, 1, ++t->last_gen);
    for (int m = 0; m < TCG_MMU_MODES; m++) {
        if (space >> m & 1) {
            t->split[m][0] = t->split[m][1] = (Tlb2Split){UINT64_MAX, 0};
        }
    }
    tlb_wipe_space(v, space);
    jc_flush_all(v, space);
}

void tlb_flush_all(TcgVcpu *v)
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
    contexts_forget(t, space);
    set_gen(t, space, 0, ++t->last_gen);
    first_level_nonglobal(v);
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
        if ((space >> m & 1) && in_split(t, va, m)) {
            tcg_tlb_flush_space(env, space);
            return;
        }
    }
    bool pieces = false;
    for (int m = 0; m < TCG_MMU_MODES; m++) {
        if (space >> m & 1) {
            pieces |= flush_page_of(v, m, va);
        }
    }
    if (pieces) {
        tlb_wipe_space(v, space);
        itlb_wipe(t, space);
        jc_flush_all(v, space);
        return;
    }
    ItlbEntry *i = &t->itlb[(va >> 12) & (ITLB_SIZE - 1)];
    i->va = ITLB_EMPTY;
    jc_flush_page(v, space, va);
}

void tlb_watch(TcgVcpu *v, uint8_t who, bool on)
{
    tlb2(v)->watching = (tlb2(v)->watching & ~who) | (on ? who : 0);
    tlb_wipe_space(v, ALL_SPACES);
}

void tcg_watch(void *env, bool on)
{
    tlb_watch(tcg_vcpu(env), TLB_WATCH_TARGET, on);
}

void tcg_tlb_flush_page(void *env, uint64_t va)
{
    tcg_tlb_flush_space_page(env, current_space(tcg_vcpu(env)), va);
}

/*
 * An array that is not in use is passed over: its owner marks it used before it looks at the
 * watch again, and the caller has set the watch before.
 */
void tlb_evict_store(TcgVcpu *v, const uint8_t *host_page)
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

const ItlbEntry *tlb_fetch(TcgVcpu *v, uint64_t va, int mmu, bool raise)
{
    Tlb2 *t = tlb2(v);
    ItlbEntry *i = &t->itlb[(va >> 12) & (ITLB_SIZE - 1)];
    uint64_t key = (va & PAGE_MASK) | (uint64_t)mmu;
    TlbPage p;

    if (i->va == key && i->gen == t->gen[mmu][i->global]) {
        return i;
    }
    if (!tlb_translate(v, va, MMU_EXEC, mmu, &p)) {
        if (raise) {
            tcg_raise(tcg_env(v));
        }
        return NULL;
    }
    i->va = key;
    i->paddr = p.paddr;
    i->global = p.global;
    i->gen = t->gen[mmu][p.global];
    i->phys = p.ram ? p.ram->ram_addr + p.offset : ~0ull;
    i->host = p.ram ? p.ram->host + p.offset : NULL;
    return i;
}
