/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block cache: translations keyed by physical address, guest pc and mode;
 * which bytes of each page they came from; and what happens when those bytes
 * change.
 *
 * A page that holds code carries RAM_WATCH_CODE, so every store to it arrives
 * in cache_code_written() (from any thread: vCPU, DMA). Stores to 64-byte
 * granules without code cost only that look; a store that hits code drops all
 * blocks of the page at once and the watch with them: whoever rewrites code
 * usually rewrites a lot of it, and translating again is cheap.
 *
 * guarded by: tm->lock, except the hash chains, which are read without it.
 * Dropped blocks stay in memory until the next full flush, so a reader that
 * still holds one sees consistent data; its entries lead back to the loop.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "accel/tcg/tlb.h"
#include "base/log.h"

#define MAX_SITES (1u << 20)
#define MAX_INSNS 64

/* ---- set-up ---- */

static void *reserve(size_t bytes, Error **errp)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        error_set(errp, ERR_NO_MEMORY, "cannot reserve %zu bytes for translated blocks", bytes);
        return NULL;
    }
    return p;
}

bool cache_init(TcgMachine *tm, size_t mib, Error **errp)
{
    pthread_mutex_init(&tm->lock, NULL);
    pthread_mutex_init(&tm->split_lock, NULL);
    tm->arena = reserve(MAX_BLOCKS * sizeof(TcgBlock), errp);
    tm->sites = tm->arena ? reserve(MAX_SITES * sizeof(TcgSite), errp) : NULL;
    if (!tm->sites) {
        return false;
    }
    /* Also under engine=interp: the interpreter runs passed-through instructions from it. */
    Error *err = NULL;
    tm->code = host_code_new(tm->target, mib << 20, &err);
    if (err) {
        error_propagate(errp, err);
        return false;
    }
    tm->interp |= !tm->code; /* no emitter for this host */
    const MachineConfig *cfg = machine_config(tm->machine);
    if (tm->code && MAX(cfg->cpus, cfg->max_cpus) <= 1) {
        host_code_single_vcpu(tm->code);
    }
    return true;
}

void cache_fini(TcgMachine *tm)
{
    for (uint64_t i = 0; i < tm->n_pages; i++) {
        g_free(tm->pages[i]);
    }
    g_free(tm->pages);
    if (tm->code) {
        host_code_free(tm->code);
    }
    if (tm->arena) {
        for (uint32_t i = 0; i < tm->n_blocks; i++) {
            if (tm->arena[i].ir) {
                ir_block_fini(tm->arena[i].ir);
                g_free(tm->arena[i].ir);
            }
        }
        munmap(tm->arena, MAX_BLOCKS * sizeof(TcgBlock));
    }
    if (tm->sites) {
        munmap(tm->sites, MAX_SITES * sizeof(TcgSite));
    }
    pthread_mutex_destroy(&tm->split_lock);
    pthread_mutex_destroy(&tm->lock);
}

/* ---- look-up ---- */

static unsigned block_hash(uint64_t phys, uint64_t pc, uint64_t mode)
{
    uint64_t h = phys ^ (pc << 20) ^ (mode * 0x9e3779b97f4a7c15ull);
    h *= 0xff51afd7ed558ccdull;
    return h >> (64 - BLOCK_HASH_BITS);
}

/* A block that runs into a second page is the right one only if that page is mapped there now. */
static bool second_page_fits(TcgVcpu *v, const TcgBlock *tb)
{
    if (tb->page2 == ~0ull) {
        return true;
    }
    uint64_t next = (tcg_code_va(v, tb->mode, tb->pc) | (MEM_PAGE_SIZE - 1)) + 1;
    const ItlbEntry *i = tlb_fetch(v, next, v->target->code_mmu(tcg_env(v)), false);
    return i && i->phys == tb->page2;
}

TcgBlock *cache_find(TcgVcpu *v, uint64_t phys, uint64_t pc, uint64_t mode)
{
    TcgBlock *tb = __atomic_load_n(&v->tm->hash[block_hash(phys, pc, mode)], __ATOMIC_ACQUIRE);
    while (tb && !(tb->phys == phys && tb->pc == pc && tb->mode == mode &&
                   __atomic_load_n(&tb->valid, __ATOMIC_ACQUIRE) && second_page_fits(v, tb))) {
        tb = __atomic_load_n(&tb->hash_next, __ATOMIC_ACQUIRE);
    }
    return tb;
}

static void hash_insert(TcgMachine *tm, TcgBlock *tb)
{
    TcgBlock **head = &tm->hash[block_hash(tb->phys, tb->pc, tb->mode)];
    tb->hash_next = *head;
    __atomic_store_n(head, tb, __ATOMIC_RELEASE);
}

static void hash_remove(TcgMachine *tm, TcgBlock *tb)
{
    TcgBlock **p = &tm->hash[block_hash(tb->phys, tb->pc, tb->mode)];
    while (*p && *p != tb) {
        p = &(*p)->hash_next;
    }
    if (*p) {
        /* tb keeps its own hash_next: a reader standing on it can go on. */
        __atomic_store_n(p, tb->hash_next, __ATOMIC_RELEASE);
    }
}

TcgBlock *cache_block_at(TcgMachine *tm, uint32_t off)
{
    uint32_t lo = 0, hi = __atomic_load_n(&tm->n_blocks, __ATOMIC_ACQUIRE);
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (tm->arena[mid].code_end <= off) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < tm->n_blocks && tm->arena[lo].code_start <= off ? &tm->arena[lo] : NULL;
}

/* ---- pages ---- */

static CodePage *page_at(TcgMachine *tm, uint64_t ram_addr, bool create)
{
    uint64_t n = ram_addr >> MEM_PAGE_BITS;
    if (n >= tm->n_pages) {
        if (!create) {
            return NULL;
        }
        uint64_t size = MAX(n + 1, tm->n_pages * 2);
        tm->pages = g_renew(CodePage *, tm->pages, size);
        memset(tm->pages + tm->n_pages, 0, (size - tm->n_pages) * sizeof(*tm->pages));
        tm->n_pages = size;
    }
    if (!tm->pages[n] && create) {
        tm->pages[n] = g_new0(CodePage, 1);
    }
    return tm->pages[n];
}

static uint64_t granule_mask(uint64_t offset, uint64_t len)
{
    unsigned first = offset >> CODE_GRANULE_BITS, last = (offset + len - 1) >> CODE_GRANULE_BITS;
    return (~0ull >> (63 - (last - first))) << first;
}

/* Part [0] or [1] of a block's bytes: its page number and the bytes it covers there. */
static bool block_part(const TcgBlock *tb, int part, uint64_t *page, uint64_t *offset, uint64_t *len)
{
    uint64_t in = tb->phys & (MEM_PAGE_SIZE - 1);
    uint64_t first = MIN(tb->guest_bytes, MEM_PAGE_SIZE - in);
    if (part == 0) {
        *page = tb->phys & ~(uint64_t)(MEM_PAGE_SIZE - 1);
        *offset = in;
        *len = first;
        return true;
    }
    *page = tb->page2;
    *offset = 0;
    *len = tb->guest_bytes - first;
    return *len > 0;
}

static void page_insert(TcgMachine *tm, TcgBlock *tb)
{
    uint64_t page, offset, len;
    for (int i = 0; i < 2; i++) {
        if (block_part(tb, i, &page, &offset, &len)) {
            CodePage *cp = page_at(tm, page, true);
            cp->granules |= granule_mask(offset, len);
            tb->page_next[i] = cp->blocks;
            cp->blocks = tb;
        }
    }
}

/* Which of tb's two links belongs to the list of this page. */
static TcgBlock **page_link(TcgBlock *tb, uint64_t page)
{
    return &tb->page_next[(tb->phys & ~(uint64_t)(MEM_PAGE_SIZE - 1)) == page ? 0 : 1];
}

static void page_remove(TcgMachine *tm, TcgBlock *tb, uint64_t page)
{
    CodePage *cp = page_at(tm, page, false);
    TcgBlock **p = cp ? &cp->blocks : NULL;
    while (p && *p) {
        if (*p == tb) {
            *p = *page_link(tb, page);
            return;
        }
        p = page_link(*p, page);
    }
}

bool cache_hits_block(const TcgBlock *tb, uint64_t ram_addr, uint64_t len)
{
    uint64_t page, offset, n;
    for (int i = 0; i < 2; i++) {
        if (block_part(tb, i, &page, &offset, &n) && ram_addr < page + offset + n &&
            page + offset < ram_addr + len) {
            return true;
        }
    }
    return false;
}

/* ---- links ---- */

void cache_link(TcgMachine *tm, TcgEdge *e, TcgBlock *to)
{
    pthread_mutex_lock(&tm->lock);
    /* Only inside one page: then both live and die under the same mapping. */
    if (log_on(LOG_EXEC)) {
        /* every block goes through the loop, which logs it */
    } else if (e->to || !e->from->valid || !to->valid || (to->phys ^ e->from->phys) >= MEM_PAGE_SIZE ||
               e->pc != to->pc || e->from->mode != to->mode) {
        /* something happened since it was left by this edge */
    } else if (to->page2 != ~0ull) {
        __atomic_store_n(&e->far, true, __ATOMIC_RELAXED);
    } else {
        e->to = to;
        e->next_in = to->in;
        to->in = e;
        host_link_edge(tm->code, e, to);
    }
    pthread_mutex_unlock(&tm->lock);
}

static void unlink_edge(TcgMachine *tm, TcgEdge *e)
{
    TcgEdge **p;
    if (!e->to) {
        return;
    }
    for (p = &e->to->in; *p != e; p = &(*p)->next_in) {
    }
    *p = e->next_in;
    e->to = NULL;
    host_unlink_edge(tm->code, e);
}

/* ---- invalidation ---- */

static void drop_block(TcgMachine *tm, TcgBlock *tb, uint64_t except_page)
{
    uint64_t page, offset, len;
    __atomic_store_n(&tb->valid, false, __ATOMIC_RELEASE);
    hash_remove(tm, tb);
    for (int i = 0; i < 2; i++) {
        if (block_part(tb, i, &page, &offset, &len) && page != except_page) {
            page_remove(tm, tb, page);
        }
    }
    while (tb->in) {
        unlink_edge(tm, tb->in);
    }
    for (int i = 0; i < tb->n_edges; i++) {
        unlink_edge(tm, &tb->edges[i]);
    }
    if (tb->code_end) {
        host_kill_block(tm->code, tb);
    }
}

static void unwatch(TcgMachine *tm, RamBlock *b, CodePage *cp, uint64_t page)
{
    cp->blocks = NULL;
    cp->granules = 0;
    ram_watch_clear(b, page - b->ram_addr, MEM_PAGE_SIZE, RAM_WATCH_CODE);
}

static void drop_page(TcgMachine *tm, RamBlock *b, CodePage *cp, uint64_t page)
{
    TcgBlock *tb = cp->blocks;
    while (tb) {
        TcgBlock *next = *page_link(tb, page);
        drop_block(tm, tb, page);
        tb = next;
    }
    unwatch(tm, b, cp, page);
}

/* Only what covers the bytes [addr, addr + len) of the page. */
static void drop_overlapping(TcgMachine *tm, RamBlock *b, CodePage *cp, uint64_t page, uint64_t addr,
                             uint64_t len)
{
    uint64_t granules = 0, at, offset, n;
    TcgBlock *next;
    for (TcgBlock *tb = cp->blocks; tb; tb = next) {
        next = *page_link(tb, page);
        if (cache_hits_block(tb, addr, len)) {
            drop_block(tm, tb, ~0ull);
            continue;
        }
        for (int i = 0; i < 2; i++) {
            if (block_part(tb, i, &at, &offset, &n) && at == page) {
                granules |= granule_mask(offset, n);
            }
        }
    }
    cp->granules = granules;
    if (!granules) {
        unwatch(tm, b, cp, page);
    }
}

#define HOT_WINDOW 64 /* other invalidations in between that still count as soon */
#define HOT_PAGE 4

/*
 * Code was overwritten. Usually a page is rewritten for good, and dropping all of it at once is
 * cheapest. A page that comes back time and again holds code that patches itself or its neighbours:
 * there only what was hit goes.
 */
static void code_hit(TcgMachine *tm, RamBlock *b, CodePage *cp, uint64_t addr, uint64_t len)
{
    uint64_t page = addr & ~(uint64_t)(MEM_PAGE_SIZE - 1);
    cp->hot = tm->code_invalidations - cp->last_hit <= HOT_WINDOW ? cp->hot + 1 : 0;
    cp->last_hit = ++tm->code_invalidations;
    if (cp->hot < HOT_PAGE) {
        drop_page(tm, b, cp, page);
    } else {
        drop_overlapping(tm, b, cp, page, addr, len);
    }
}

void cache_code_written(TcgMachine *tm, RamBlock *b, uint64_t offset, uint64_t len)
{
    uint64_t addr = b->ram_addr + offset, end = addr + len;
    pthread_mutex_lock(&tm->lock);
    while (addr < end) {
        uint64_t in = addr & (MEM_PAGE_SIZE - 1);
        uint64_t n = MIN(end - addr, MEM_PAGE_SIZE - in);
        CodePage *cp = page_at(tm, addr, false);
        if (cp) {
            cp->writes++;
        }
        if (cp && (cp->granules & granule_mask(in, n))) {
            code_hit(tm, b, cp, addr, n);
        }
        addr += n;
    }
    pthread_mutex_unlock(&tm->lock);
}

void cache_drop_breakpoints(TcgMachine *tm)
{
    pthread_mutex_lock(&tm->lock);
    for (uint32_t i = 0; i < tm->n_blocks; i++) {
        TcgBlock *tb = &tm->arena[i];
        if (tb->valid && debug_breaks_within(tm->machine, tm->target->code_va ? tm->target->code_va(tb->mode, tb->pc) : tb->pc,
                                             tb->guest_bytes)) {
            drop_block(tm, tb, ~0ull);
        }
    }
    pthread_mutex_unlock(&tm->lock);
}

/* Start over: everybody is outside generated code while this runs. */
void cache_flush_all(TcgVcpu *v)
{
    TcgMachine *tm = v->tm;
    exec_exclusive_begin(v);
    pthread_mutex_lock(&tm->lock);
    memset(tm->hash, 0, sizeof(tm->hash));
    for (uint64_t i = 0; i < tm->n_pages; i++) {
        if (tm->pages[i] && tm->pages[i]->blocks) {
            RamBlock *b = machine_ram_block_at(tm->machine, i << MEM_PAGE_BITS);
            tm->pages[i]->blocks = NULL;
            tm->pages[i]->granules = 0;
            if (b) {
                ram_watch_clear(b, (i << MEM_PAGE_BITS) - b->ram_addr, MEM_PAGE_SIZE, RAM_WATCH_CODE);
            }
        }
    }
    for (uint32_t i = 0; i < tm->n_blocks; i++) {
        if (tm->arena[i].ir) {
            ir_block_fini(tm->arena[i].ir);
            g_free(tm->arena[i].ir);
        }
    }
    for (int i = 0; i < tm->n_vcpus; i++) {
        host_fpu_settle(tm->vcpus[i]); /* while the blocks can still be told */
    }
    tm->n_blocks = tm->n_sites = 0;
    host_code_reset(tm->code);
    for (int i = 0; i < tm->n_vcpus; i++) {
        memset(tm->vcpus[i]->jc, 0xff, sizeof(tm->vcpus[i]->jc));
        tm->vcpus[i]->exit_edge = NULL;
        tm->vcpus[i]->exit_block = NULL;
    }
    tm->full_flushes++;
    pthread_mutex_unlock(&tm->lock);
    exec_exclusive_end(v);
}

/* ---- translation ---- */

/* Code bytes that are not RAM: through the bus, a byte at a time. The first failure. */
static MemResult io_code_bytes(TcgVcpu *v, hwaddr pa, uint8_t *buf, unsigned n)
{
    memset(buf, 0xff, n);
    for (unsigned i = 0; i < n; i++) {
        uint64_t val = 0xff;
        MemResult res = address_space_load(v->cpu->mem, pa + i, MEM_ATTRS_NONE, 1, &val);
        if (res != MEM_OK) {
            return res;
        }
        buf[i] = val;
    }
    return MEM_OK;
}

/* `first`: the block's first instruction, whose fetch from where nothing is may fault (TcgTarget.absent_faults). */
static bool piece_bytes(TcgVcpu *v, const ItlbEntry *i, uint64_t va, uint8_t *buf, unsigned n, bool first)
{
    unsigned in = va & (MEM_PAGE_SIZE - 1);

    if (i->host) {
        memcpy(buf, i->host + in, n);
        return true;
    }
    MemResult res = io_code_bytes(v, i->paddr + in, buf, n);
    if (res != MEM_OK && first) {
        mem_bus_fault(v, va, i->paddr + in, MMU_EXEC, res);
    }
    return res == MEM_OK || first;
}

bool tcg_code_bytes(TcgTranslate *t, uint64_t pc, uint8_t *buf, unsigned n)
{
    TcgVcpu *v = tcg_vcpu(t->env);
    uint64_t va = tcg_code_va(v, t->mode, pc);
    unsigned in = va & (MEM_PAGE_SIZE - 1), done = 0;

    if ((va & ~(uint64_t)(MEM_PAGE_SIZE - 1)) == t->page_va) {
        done = MIN(n, MEM_PAGE_SIZE - in);
        if (t->page[0]) {
            memcpy(buf, t->page[0] + in, done);
        } else {
            const ItlbEntry *here = tlb_fetch(v, t->page_va, v->target->code_mmu(t->env), true);
            if (!piece_bytes(v, here, va, buf, done, pc == t->pc)) {
                return false;
            }
        }
        if (done == n) {
            return true;
        }
    }
    if (pc != t->pc) {
        return false;
    }
    /* The first instruction runs over into the next page: its fetch may fault now. */
    va = tcg_code_va(v, t->mode, pc + done);
    const ItlbEntry *i = tlb_fetch(v, va, v->target->code_mmu(t->env), true);
    t->phys2 = i->phys;
    return piece_bytes(v, i, va, buf + done, n - done, true);
}

static void log_guest_code(TcgVcpu *v, TcgTranslate *t)
{
    g_autoptr(GString) s = g_string_new(NULL);
    uint8_t *bytes = g_malloc(v->ir.guest_bytes + 1);
    uint32_t n = MIN(v->ir.guest_bytes, MEM_PAGE_SIZE - (uint32_t)(tcg_code_va(v, t->mode, t->pc) - t->page_va));
    for (uint32_t i = 0; i < n; i++) {
        tcg_code_bytes(t, t->pc + i, bytes + i, 1);
    }
    v->target->pull(v->cpu, tcg_env(v)); /* the disassembler looks at the code size in the state */
    machine_target(v->cpu->machine)->disas(v->cpu, t->pc, bytes, n, s);
    log_printf("IN: CPU %d, block 0x%" PRIx64 ", mode 0x%" PRIx64 ", %u instructions\n%s\n", v->cpu->index,
               t->pc, t->mode, v->ir.n_insns, s->str);
    g_free(bytes);
}

static void translate(TcgVcpu *v, TcgTranslate *t, uint64_t pc, uint64_t mode, int max_insns)
{
    uint64_t va = tcg_code_va(v, mode, pc);
    const ItlbEntry *i = tlb_fetch(v, va, v->target->code_mmu(tcg_env(v)), true);
    *t = (TcgTranslate){
        .ir = &v->ir, .env = tcg_env(v), .pc = pc, .mode = mode, .max_insns = max_insns,
        .page = { i->host, NULL }, .page_va = va & ~(uint64_t)(MEM_PAGE_SIZE - 1), .phys2 = ~0ull,
    };
    ir_block_reset(&v->ir, pc, mode);
    v->target->translate(t);
    if (log_on(LOG_IN_ASM)) {
        log_guest_code(v, t);
    }
    if (log_on(LOG_OP)) {
        g_autoptr(GString) s = g_string_new(NULL);
        ir_print(&v->ir, s);
        log_printf("%s", s->str);
    }
#ifdef RHEA_SANITIZE
    /* The debug build checks what every translation promises. */
    g_autoptr(GString) why = g_string_new(NULL);
    if (!ir_verify(&v->ir, why)) {
        g_autoptr(GString) s = g_string_new(NULL);
        ir_print(&v->ir, s);
        g_error("translation at 0x%" PRIx64 " breaks the IR's rules: %s\n%s", pc, why->str, s->str);
    }
#endif
}

void cache_translate_ir(TcgVcpu *v, uint64_t pc, uint64_t mode, int max_insns)
{
    TcgTranslate t;
    translate(v, &t, pc, mode, max_insns);
    ir_flag_liveness(&v->ir);
}

/*
 * Before the bytes of a page are read for translation: stores to it must be
 * seen from now on, also those that another vCPU has already checked and is
 * about to make.
 */
static void watch_page(TcgVcpu *v, uint64_t phys)
{
    uint64_t page = phys & ~(uint64_t)(MEM_PAGE_SIZE - 1);
    RamBlock *b = machine_ram_block_at(v->cpu->machine, page);
    uint64_t offset = page - b->ram_addr;
    if (ram_page_watch(b, offset) & RAM_WATCH_CODE) {
        return;
    }
    ram_watch_set(b, offset, MEM_PAGE_SIZE, RAM_WATCH_CODE);
    for (int i = 0; i < v->tm->n_vcpus; i++) {
        tlb_evict_store(v->tm->vcpus[i], b->host + offset);
    }
    exec_sync_others(v->tm, v);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* Keep a copy of the IR: blocks under engine=interp are executed from it. */
static void keep_ir(TcgBlock *tb, const IrBlock *ir)
{
    tb->ir = g_new(IrBlock, 1);
    *tb->ir = *ir;
    tb->ir->cap_ops = ir->n_ops;
    tb->ir->ops = g_memdup2(ir->ops, ir->n_ops * sizeof(IrOp));
    tb->ir->cap_host = ir->n_host;
    tb->ir->host = g_memdup2(ir->host, ir->n_host * sizeof(IrHostInsn));
}

static bool emit(TcgVcpu *v, TcgBlock *tb)
{
    TcgMachine *tm = v->tm;
    if (tm->interp) {
        keep_ir(tb, &v->ir);
        return true;
    }
    ir_temp_liveness(&v->ir);
    tb->sites = tm->sites + tm->n_sites;
    if (MAX_SITES - tm->n_sites < v->ir.n_ops || !host_emit_block(tm->code, &v->ir, tb)) {
        return false;
    }
    tm->n_sites += tb->n_sites;
    if (log_on(LOG_OUT_ASM)) {
        g_autoptr(GString) s = g_string_new(NULL);
        host_dump_block(tm->code, tb, s);
        log_printf("%s\n", s->str);
    }
    return true;
}

/* Stores to the block's pages up to now; with the watch on, no store escapes the count. */
static uint64_t page_writes(TcgMachine *tm, uint64_t phys)
{
    RamBlock *b;
    if (phys == ~0ull) {
        return 0;
    }
    b = machine_ram_block_at(tm->machine, phys & ~(uint64_t)(MEM_PAGE_SIZE - 1));
    if (!(ram_page_watch(b, phys - b->ram_addr) & RAM_WATCH_CODE)) {
        return ~0ull; /* dropped meanwhile: never equal to a count */
    }
    return page_at(tm, phys, true)->writes;
}

static void read_writes(TcgMachine *tm, uint64_t phys, uint64_t phys2, uint64_t w[2])
{
    pthread_mutex_lock(&tm->lock);
    w[0] = page_writes(tm, phys);
    w[1] = page_writes(tm, phys2);
    pthread_mutex_unlock(&tm->lock);
}

/* Translate at pc into v->ir under watches; w = write counts of the pages before their bytes were read. */
static void translate_watched(TcgVcpu *v, TcgTranslate *t, uint64_t phys, uint64_t w[2])
{
    uint64_t pc = t->pc, mode = t->mode, phys2 = ~0ull;
    do {
        watch_page(v, phys);
        if (phys2 != ~0ull) {
            watch_page(v, phys2);
        }
        read_writes(v->tm, phys, phys2, w);
        translate(v, t, pc, mode, MAX_INSNS);
        int cut = debug_cut(v, &v->ir);
        if (G_UNLIKELY(cut)) {
            translate(v, t, pc, mode, cut);
        }
        /* When the block turns out to reach a second page, read that again under its watch. */
        if (t->phys2 == phys2) {
            break;
        }
        phys2 = t->phys2;
    } while (1);
    ir_flag_liveness(&v->ir);
}

/* How many instructions it takes until all flags are written (for blocks that need none on entry). */
static uint8_t flags_defined_after(const IrBlock *ir)
{
    uint8_t written = 0, insns = 0;
    for (int i = 0; i < ir->n_ops && written != FL_ALL; i++) {
        insns += ir->ops[i].op == OP_insn;
        written |= ir->ops[i].fw;
    }
    return insns;
}

/* Put v->ir into the cache. NULL: no room, or *stale: its bytes changed meanwhile. */
static TcgBlock *insert(TcgVcpu *v, const TcgTranslate *t, uint64_t phys, const uint64_t w[2], bool *stale)
{
    TcgMachine *tm = v->tm;
    TcgBlock *tb = &tm->arena[tm->n_blocks];

    *stale = page_writes(tm, phys) != w[0] || page_writes(tm, t->phys2) != w[1] || w[0] == ~0ull ||
             w[1] == ~0ull;
    if (*stale || tm->n_blocks == MAX_BLOCKS - 1) {
        return NULL;
    }
    memset(tb, 0, sizeof(*tb));
    tb->pc = v->ir.pc;
    tb->mode = v->ir.mode;
    tb->phys = phys;
    tb->guest_bytes = v->ir.guest_bytes;
    tb->n_insns = v->ir.n_insns;
    tb->page2 = t->phys2;
    tb->flags_dead_in = ir_flags_dead_in(&v->ir);
    tb->flags_insns = flags_defined_after(&v->ir);
    if (!emit(v, tb)) {
        return NULL;
    }
    tb->valid = true;
    page_insert(tm, tb);
    __atomic_store_n(&tm->n_blocks, tm->n_blocks + 1, __ATOMIC_RELEASE);
    hash_insert(tm, tb);
    return tb;
}

static void count(TcgVcpu *v, const TcgBlock *tb, uint64_t start)
{
    v->stats.blocks++;
    v->stats.insns += tb->n_insns;
    v->stats.guest_bytes += tb->guest_bytes;
    v->stats.host_bytes += tb->code_end - tb->code_start;
    v->stats.translate_ns += now_ns() - start;
}

TcgBlock *cache_translate(TcgVcpu *v, uint64_t pc, uint64_t mode)
{
    TcgMachine *tm = v->tm;
    uint64_t va = tcg_code_va(v, mode, pc), w[2], start = now_ns();
    uint64_t phys = tlb_fetch(v, va, v->target->code_mmu(tcg_env(v)), true)->phys;

    if (phys == ~0ull) {
        cache_translate_ir(v, pc, mode, 1);
        return NULL;
    }
    phys |= va & (MEM_PAGE_SIZE - 1);
    for (;;) {
        TcgTranslate t = { .pc = pc, .mode = mode };
        bool stale;
        translate_watched(v, &t, phys, w);
        if (t.phys2 == ~0ull &&
            v->ir.guest_bytes > MEM_PAGE_SIZE - (phys & (MEM_PAGE_SIZE - 1))) {
            return NULL; /* its end is not in RAM, where no store to it would be seen: run it once */
        }
        pthread_mutex_lock(&tm->lock);
        TcgBlock *tb = insert(v, &t, phys, w, &stale);
        pthread_mutex_unlock(&tm->lock);
        if (tb) {
            count(v, tb, start);
            return tb;
        }
        if (!stale) {
            cache_flush_all(v);
        }
    }
}
