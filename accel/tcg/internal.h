/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What accel.c, exec.c, mem.c, tlb.c and cache.c share: the per-machine translator.
 */
#ifndef ACCEL_TCG_INTERNAL_H
#define ACCEL_TCG_INTERNAL_H

#include <pthread.h>

#include "accel/tcg/tcg.h"
#include "core/machine.h"

#define CODE_GRANULE_BITS 6 /* 64 bytes: 64 granules of a page in one word */

/* Code that was translated from one guest-physical page. */
typedef struct CodePage {
    uint64_t granules;   /* bit per 64 bytes that some block covers */
    TcgBlock *blocks;    /* through page_next[] */
    uint32_t writes;     /* stores seen while watched: a translation under way compares it */
    uint32_t hot;        /* times in a row that its code was changed again soon */
    uint64_t last_hit;   /* tm->code_invalidations then */
} CodePage;

#define BLOCK_HASH_BITS 18
#define MAX_BLOCKS (1u << 19)
#define DEFAULT_CACHE_MIB 128

/*
 * The translator of one machine. `lock` guards translation, the block lists,
 * linking and invalidation; look-ups in `hash` are lock-free (blocks are only
 * recycled while every vCPU is outside generated code).
 */
typedef struct TcgMachine {
    Machine *machine;
    const TcgTarget *target;
    HostCode *code;          /* NULL: no emitter for this host, or engine=interp */
    bool interp;             /* -accel tcg,engine=interp */
    pthread_mutex_t lock;
    pthread_mutex_t split_lock; /* locked accesses that no host instruction can make atomic */
    TcgBlock *hash[1u << BLOCK_HASH_BITS]; /* atomic heads */
    TcgBlock *arena;         /* MAX_BLOCKS reserved, in code order */
    uint32_t n_blocks;
    TcgSite *sites;          /* arena of sites */
    uint32_t n_sites;
    CodePage **pages;        /* by ram_addr >> 12 */
    uint64_t n_pages;
    uint64_t flushes;
    /* exclusive sections: one vCPU runs while the others are outside generated code */
    pthread_mutex_t excl_lock;
    pthread_cond_t excl_cond;
    uint32_t excl_pending;   /* atomic: vCPUs must not enter code */
    TcgVcpu **vcpus;
    int n_vcpus;
    uint64_t code_invalidations, full_flushes;
    uint64_t debug_serial;   /* machine_debug_serial() when blocks at breakpoints were dropped */
    uint64_t tlb_asks;       /* atomic: numbers given out (tlb_others.c) */
} TcgMachine;

/*
 * Jump cache contexts: what a key stands for. Entries of several live side by side; one whose mappings
 * are not those of the TLB context it was made under (gen) is found again when that comes back.
 */
#define JC_CONTEXTS 32
typedef struct JcContext {
    uint64_t mode, key;
    uint64_t gen;         /* TLB generation of its non-global mappings; means nothing until nonglobal */
    uint64_t used;        /* when it was last chosen */
    uint64_t fetched[64]; /* Bloom filter: pages that its entries lead into */
    uint8_t mmu;          /* mmu index of its fetches */
    bool nonglobal;       /* entries were made whose mapping a non-global flush changes */
} JcContext;

typedef enum Leave { LEAVE_EXCEPTION = 1, LEAVE_LOOP, LEAVE_INTERP, LEAVE_EXIT } Leave;

/* What other vCPUs ask to be dropped from a TLB. */
#define TLB_ASKS 32
typedef struct TlbAsk {
    TcgTlbFn *fn;
    uint64_t a, b;
} TlbAsk;

/* Per-vCPU data of the loop that generated code does not know. */
typedef struct TcgLoop {
    JcContext jc_ctx[JC_CONTEXTS];
    int n_jc_ctx;
    JcContext *jc_cur;
    uint32_t jc_next;    /* keys given out */
    uint64_t jc_clock;
    uint64_t jc_seed;    /* secret, of the keys */
    uint64_t mode;       /* mode word that jc_cur stands for */
    bool in_slow;        /* inside a slow path of generated code: pc is exit_block + exit_insn */
    uint8_t running;     /* atomic: executing guest instructions (generated, interpreted, delivery) */
    uint32_t epoch;      /* atomic: counts up each time running ends */
    bool deliver;        /* an exception is noted in env */
    bool look;           /* tcg_poll(): the target has something to take by itself */
    bool watch_leaves;   /* an access to a watchpoint is not made, but left to the instruction alone */
    bool watch_hit;      /* one was made: the machine stops once the instruction is complete */
    Leave leave;
    pthread_mutex_t ask_lock;
    TlbAsk ask[TLB_ASKS];
    unsigned n_ask;      /* > TLB_ASKS: too many, all goes */
    uint64_t ask_oldest; /* atomic: number of the oldest one unserved, 0: none */
    uint64_t asked;      /* the last number we asked by, 0: all are done */
} TcgLoop;

static inline TcgLoop *tcg_loop(TcgVcpu *v)
{
    return v->loop;
}
static inline uint64_t tcg_pc(TcgVcpu *v)
{
    return *(uint64_t *)((char *)tcg_env(v) + v->target->pc_offset);
}
static inline void tcg_set_pc(TcgVcpu *v, uint64_t pc)
{
    *(uint64_t *)((char *)tcg_env(v) + v->target->pc_offset) = pc;
}
static inline uint64_t tcg_code_va(TcgVcpu *v, uint64_t mode, uint64_t pc)
{
    return v->target->code_va ? v->target->code_va(mode, pc) : pc;
}

/* mem.c */
/* The instruction being executed, for exceptions raised out of a slow path. */
void mem_note_pc(TcgVcpu *v);
/* A failed access, by the result: raises the bus error, or returns when the value floats. */
void mem_bus_fault(TcgVcpu *v, uint64_t va, hwaddr pa, int access, MemResult res);
void tcg_leave(TcgVcpu *v, Leave why) G_GNUC_NORETURN;

/* tlb_others.c */
void tlb_ask_init(TcgVcpu *v);
void tlb_ask_fini(TcgVcpu *v);
/* Do what other vCPUs asked for; on v's thread, between blocks. */
void tlb_ask_serve(TcgVcpu *v);

/* cache.c */
bool cache_init(TcgMachine *tm, size_t mib, Error **errp);
void cache_fini(TcgMachine *tm);
TcgBlock *cache_find(TcgVcpu *v, uint64_t phys, uint64_t pc, uint64_t mode);
/* Translate at pc; NULL when the code is not in RAM (then v->ir holds it: interpret). May raise. */
TcgBlock *cache_translate(TcgVcpu *v, uint64_t pc, uint64_t mode);
void cache_code_written(TcgMachine *tm, RamBlock *b, uint64_t offset, uint64_t len);
/* Would a store there hit code of tb? */
bool cache_hits_block(const TcgBlock *tb, uint64_t ram_addr, uint64_t len);
void cache_link(TcgMachine *tm, TcgEdge *e, TcgBlock *to);
void cache_flush_all(TcgVcpu *v);
/* The block whose code contains host offset off, NULL. Async-signal-safe. */
TcgBlock *cache_block_at(TcgMachine *tm, uint32_t off);
/* Translate up to max_insns at pc into v->ir, without caching. May raise. */
void cache_translate_ir(TcgVcpu *v, uint64_t pc, uint64_t mode, int max_insns);

/* Drop the blocks in which an instruction begins or goes on at a breakpoint of the machine. All vCPUs parked. */
void cache_drop_breakpoints(TcgMachine *tm);

/* debug.c */
/* AccelOps.debug */
bool tcg_debug(Machine *m, Error **errp);
/* Does not return if a breakpoint is at pc. */
void debug_check_break(TcgVcpu *v, uint64_t pc);
/* Instructions of the block before the first breakpoint in it, 0: there is none behind its beginning. */
int debug_cut(TcgVcpu *v, const IrBlock *ir);
/* Is there a breakpoint among these addresses? */
bool debug_breaks_within(Machine *m, uint64_t va, uint64_t len);

/* exec.c */
Exit tcg_run(Cpu *cpu);
/* AccelOps.step, between push and pull. */
Exit tcg_execute_one(TcgVcpu *v);
void exec_exclusive_begin(TcgVcpu *v);
void exec_exclusive_end(TcgVcpu *v);
/*
 * Wait until every other vCPU has left the stretch of guest code it was in (then no store that it
 * had already checked is still to come). v = NULL: called by another thread than a vCPU's.
 */
void exec_sync_others(TcgMachine *tm, TcgVcpu *v);
/* The jump cache now belongs to this mode word. */
void jc_set_mode(TcgVcpu *v, uint64_t mode);
void jc_insert(TcgVcpu *v, const TcgBlock *tb, bool global);
/* Mappings of space changed; all, or the non-global ones (also: another TLB context is current). */
void jc_flush_all(TcgVcpu *v, uint32_t space);
void jc_flush_nonglobal(TcgVcpu *v, uint32_t space);
/* The mapping of one page did, in any context. */
void jc_flush_page(TcgVcpu *v, uint32_t space, uint64_t va);
#define ALL_SPACES ((1u << TCG_MMU_MODES) - 1)

/* info.c */
void tcg_info(Machine *m, GString *out);
void tcg_reset_stats(Machine *m);

#endif
