/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's translations of guest addresses. For data two levels: the small
 * per-index arrays that generated code probes (tcg.h), and behind them a larger
 * table with big-page entries that survives context switches for global
 * mappings, so that a refill rarely walks guest tables. For fetches one.
 *
 * home: each vCPU's TLBs belong to its thread; tlb_evict_store() alone may
 * touch another's, by atomic stores of the empty tag.
 */
#ifndef ACCEL_TCG_TLB_H
#define ACCEL_TCG_TLB_H

#include "accel/tcg/internal.h"

#define PAGE_MASK (~(uint64_t)(MEM_PAGE_SIZE - 1))

#define TLB2_BITS 12
#define TLB2_BIG_BITS 12 /* 8 GiB: what another takes the place of costs flushes, see note_evicted() */

/* Kind of memory behind a page. */
enum { PAGE_IO = 0, PAGE_RAM = 1, PAGE_ROM = 2 };

typedef struct Tlb2Entry {
    uint64_t tag;      /* va >> bits, with mmu index in the top byte */
    uint64_t gen;      /* valid while equal to v->tlb2->gen[mmu][global] */
    uint64_t paddr;    /* of the 4 KiB page, or of the 2 MiB frame in the big table */
    bool r, w, x, global;
    uint8_t attr;      /* MmuResult.attr */
} Tlb2Entry;

/* A fetch translation. */
typedef struct ItlbEntry {
    uint64_t va;       /* page | mmu, or ITLB_EMPTY */
    uint64_t phys;     /* ram_addr of the page, ~0 when not RAM */
    uint64_t gen;      /* as Tlb2Entry.gen */
    hwaddr paddr;
    const uint8_t *host;
    bool global;
} ItlbEntry;
#define ITLB_SIZE 256
#define ITLB_EMPTY (~0ull) /* no mmu index is that high */

/* One of the address spaces whose non-global translations are kept (tcg_tlb_context()). */
typedef struct TlbContext {
    uint64_t id, gen, used;
    uint32_t space;
} TlbContext;
#define TLB_CONTEXTS 16

typedef struct Tlb2Split {
    uint64_t first, last;
} Tlb2Split;

enum { TLB_WATCH_TARGET = 1, TLB_WATCH_DEBUGGER = 2 }; /* tcg_watch(); watchpoints of core/debug.h */
#define FLUSH_LIST 512
typedef struct Tlb2 {
    /* [mmu][0] non-global, [1] global; the former is of the current context. No number is used twice. */
    uint64_t gen[TCG_MMU_MODES][2];
    uint64_t last_gen;
    TlbContext context[TLB_CONTEXTS];
    int n_context;
    uint64_t context_clock;
    Tlb2Entry small[TCG_MMU_MODES][1u << TLB2_BITS];
    Tlb2Entry big[TCG_MMU_MODES][1u << TLB2_BIG_BITS];
    ItlbEntry itlb[ITLB_SIZE];
    /* First-level entries that a non-global flush must empty. */
    TlbEntry *flush[FLUSH_LIST];
    unsigned n_flush;  /* > FLUSH_LIST: too many, wipe all */
    bool used[TCG_MMU_MODES][2]; /* not empty; other threads look */
    uint8_t watching;  /* who wants to hear of accesses: TLB_WATCH_* */
    const MemSection *section; /* last section seen */
    /* Where guest mappings are larger than the second level's entries, by halves of the address space. */
    Tlb2Split split[TCG_MMU_MODES][2];
} Tlb2;

/* What tlb_translate() found: valid until the next flush. */
typedef struct TlbPage {
    hwaddr paddr;     /* of the 4 KiB page */
    bool r, w, x, global;
    uint8_t attr;     /* MmuResult.attr */
    int kind;         /* PAGE_* */
    RamBlock *ram;
    uint64_t offset;  /* of the page in ram */
} TlbPage;

static inline Tlb2 *tlb2(TcgVcpu *v)
{
    return v->tlb2;
}

/* What lies at a physical address; NULL: nothing. */
static inline const MemSection *tlb_section_at(TcgVcpu *v, hwaddr pa)
{
    const MemSection *s = tlb2(v)->section;
    if (!s || pa - s->base >= s->size) {
        s = address_space_find(v->cpu->mem, pa);
        tlb2(v)->section = s;
    }
    return s;
}

static inline unsigned tlb_index(uint64_t va)
{
    return (va >> MEM_PAGE_BITS) & (TLB_SIZE - 1);
}

/* The host address of a guest operand within a page that the first level has; NULL: it has not. */
static inline uint8_t *tlb_lookup(TcgVcpu *v, uint64_t va, unsigned size, int mmu, int write)
{
    TlbEntry *e = &v->tlb[mmu][write][tlb_index(va)];
    uint64_t off = va - e->page;
    return off <= MEM_PAGE_SIZE - size ? (uint8_t *)(uintptr_t)e->host + off : NULL;
}

/* debug.c: the slow halves of tlb_watched() and tell_access(). */
bool watch_wanted(TcgVcpu *v, uint64_t page, int mmu);
void watch_tell(TcgVcpu *v, uint64_t va, size_t len, int access, int mmu);
/* Does the access hit a debugger's watchpoint? */
bool watch_debugger_hit(TcgVcpu *v, uint64_t va, size_t len, int access);

/* Whether somebody wants to hear of accesses to the page. */
static inline bool tlb_watched(TcgVcpu *v, uint64_t va, int mmu)
{
    return G_UNLIKELY(tlb2(v)->watching) && watch_wanted(v, va & PAGE_MASK, mmu);
}

void tlb_vcpu_init(TcgVcpu *v);
void tlb_vcpu_fini(TcgVcpu *v);
/* Translation of va for access; walks on a miss. False: fault noted in env. */
bool tlb_translate(TcgVcpu *v, uint64_t va, int access, int mmu, TlbPage *p);
/* Make the fast path hit next time, if this page may be accessed directly. */
void tlb_refill(TcgVcpu *v, uint64_t va, int mmu, int access, const TlbPage *p);
/* The same for an access now: does not return on a fault. */
static inline void page_or_raise(TcgVcpu *v, uint64_t va, int access, int mmu, TlbPage *p)
{
    if (!tlb_translate(v, va, access, mmu, p)) {
        tcg_raise(tcg_env(v));
    }
}
/* Tell who watches, which may raise or leave. All pages of the access were found accessible. */
static inline void tell_access(TcgVcpu *v, uint64_t va, size_t len, int access, int mmu)
{
    if (G_UNLIKELY(tlb2(v)->watching)) {
        watch_tell(v, va, len, access, mmu);
    }
}
/* `who` watches from now on, or not, or what it watches for changed. The vCPU's thread, or it is parked. */
void tlb_watch(TcgVcpu *v, uint8_t who, bool on);
/* Drop all translations of all address spaces. */
void tlb_flush_all(TcgVcpu *v);
/* Fetch translation of va; raises the fetch fault when `raise`, else returns NULL on a fault. */
const ItlbEntry *tlb_fetch(TcgVcpu *v, uint64_t va, int mmu, bool raise);
/* Drop first-level store permission for a host page in one vCPU's TLB (any thread). */
void tlb_evict_store(TcgVcpu *v, const uint8_t *host_page);

#endif
