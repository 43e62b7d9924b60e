/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator's insides: per-vCPU block, TLB and jump cache layouts, block
 * descriptors, the interface between the execution loop, the interpreter and
 * a host emitter. Not for targets.
 */
#ifndef ACCEL_TCG_TCG_H
#define ACCEL_TCG_TCG_H

#include "accel/tcg/target.h"

#define TCG_MMU_MODES 8
#define TLB_BITS 10
#define TLB_SIZE (1u << TLB_BITS)
#define JC_BITS 14
#define JC_SIZE (1u << JC_BITS)
#define TCG_SPILLS 64

/*
 * First-level TLB entry. A hit is: (va - page) <= 4096 - size, unsigned, which
 * also rejects accesses that cross a page. host is the address of the page in
 * this process. Entry i empty: page = TLB_EMPTY(i), a page that is looked for elsewhere,
 * so that no va at all can hit, canonical or not.
 * index = (va >> 12) & (TLB_SIZE - 1). Arrays are separate for read and write:
 * a write entry exists only for RAM without watches.
 */
typedef struct TlbEntry {
    uint64_t page;
    uint64_t host;
} TlbEntry;
#define TLB_EMPTY(i) ((uint64_t)((i) ^ TLB_SIZE / 2) << 12)

/* Indirect jump cache: key = pc ^ vcpu->jc_key, index = (pc ^ pc >> 12) & (JC_SIZE - 1). */
typedef struct JumpCacheEntry {
    uint64_t key;
    void *code; /* entry with poll, flags in env->cc */
} JumpCacheEntry;

typedef struct TcgBlock TcgBlock;

/*
 * A direct edge: one jcc/jmp leaving a block. `jump` is the rel32 field of the
 * jump in generated code. Unlinked, it goes to the edge's own stub, which
 * makes flags canonical and leaves to the loop with this edge in exit_edge.
 * Linked: if the target block's flags are dead on entry or flags were canonical
 * at this point, `jump` is patched straight to the target; else `jump` stays on
 * the stub and the stub's second jump (`stub_jump`) is patched. An edge to an
 * instruction that runs over into the next page is never linked, since that page's
 * mapping may change: it becomes `far`.
 */
typedef struct TcgEdge {
    TcgBlock *from;
    TcgBlock *to;        /* NULL when not linked */
    struct TcgEdge *next_in; /* list of edges into `to` */
    uint64_t pc;         /* guest pc it leads to */
    uint32_t jump;       /* offset in the code cache of a rel32 */
    uint32_t stub;       /* offset of the stub */
    uint32_t stub_jump;  /* offset of the rel32 in the stub that leaves (or goes on to the target) */
    bool flags_in_host;  /* live flags are in host flags at the jump (stub saves them) */
    bool backward;       /* pc <= block's pc: link to the entry with poll */
    bool far;            /* not to be linked: the stub asks the jump cache. Atomic. */
} TcgEdge;

#define TCG_MAX_EDGES 2  /* more jcc exits end the block */

struct TcgBlock {
    TcgBlock *hash_next;    /* beside the key: a look-up touches one cache line of each block */
    /* key */
    uint64_t pc, mode;
    uint64_t phys;          /* ram_addr of the first byte; ~0: not in RAM (never cached) */
    uint32_t guest_bytes;
    uint16_t n_insns;
    bool flags_dead_in;     /* the block overwrites all flags before reading them or faulting */
    uint8_t flags_insns;    /* ... within so many instructions */
    bool valid;
    /* code: offsets in the code cache */
    uint32_t entry_poll;    /* tests vcpu->poll first; flags canonical (or dead) */
    uint32_t entry;         /* no poll */
    uint32_t code_start;    /* first byte of everything emitted for the block */
    uint32_t code_end;
    int n_edges;
    TcgEdge edges[TCG_MAX_EDGES];
    TcgEdge *in;            /* edges linked to us */
    /* fault sites: host offset of a faulting host instruction (div) or slow path id -> guest pc */
    struct TcgSite *sites;
    uint32_t n_sites;
    TcgBlock *page_next[2];
    uint64_t page2;         /* ram_addr page of the second page, or ~0 */
    IrBlock *ir;            /* engine=interp: what to execute */
};
typedef struct TcgSite {
    uint32_t host;   /* offset in the code cache (address of the instruction that can trap) */
    uint32_t insn;   /* guest pc - block pc of the instruction */
    uint8_t flags;   /* the emitter's: SITE_ */
    uint16_t fop;    /* IrHostInsn.fop */
} TcgSite;
enum {
    SITE_FLAGS_HOST = 1, /* the guest's flags are in the host's */
    SITE_AX_DX_HOME = 2, /* what is pinned to AX and DX is in env */
};

/* Why generated code returned to the loop (vcpu->exit_reason). */
typedef enum TcgExit {
    TCG_EXIT_LOOKUP,   /* continue at env pc: block not known or mode may have changed */
    TCG_EXIT_EDGE,     /* the same, and exit_edge may be linked */
    TCG_EXIT_POLL,     /* vcpu->poll was set at the entry of exit_block: pc in env */
    TCG_EXIT_INTERP,   /* interpret the instruction at env pc, whose fast path does not fit (MMIO, page crossing) */
    TCG_EXIT_FPU,      /* load the guest's FP state, then enter exit_block again (see fpu_live) */
} TcgExit;

enum { FPU_IN_ENV = 0, FPU_IN_HOST = 1, FPU_SPLIT = 2 };

/* Counters, always on. */
typedef struct TcgStats {
    uint64_t blocks, insns, guest_bytes, host_bytes, translate_ns, flushes, code_invalidations,
        tlb_fill[3], tlb_flush, tlb_flush_page, slow_load, slow_store, mmio, exits[8], interp_insns,
        exceptions, interrupts, jc_miss, lookups, helper_calls, links, fpu_loads;
} TcgStats;

/*
 * Per-vCPU block. Generated code addresses it through the host's gs base; env
 * follows at TCG_ENV_OFFSET. The first fields have fixed offsets < 128.
 */
typedef struct TcgVcpu {
    struct TcgVcpu *self;
    uint8_t poll;          /* nonzero: leave generated code at the next entry_poll. Atomic. */
    /*
     * Where the guest's FP/SIMD state is: FPU_IN_ENV (0), FPU_IN_HOST (1), or
     * FPU_SPLIT (2): slow-path stubs have put XMM registers and MXCSR into env's
     * FXSAVE image (and loaded the host's MXCSR) before calling C, x87 is still in
     * the host. C code may leave by longjmp in that state; host_fpu_save() and the
     * stubs' return path know all three.
     */
    uint8_t fpu_live;
    /*
     * The upper halves of YMM registers are the guest's too: 1 once code that uses them has been entered, until
     * host_fpu_save(). With FPU_SPLIT they are in env, and go back with the lower ones.
     */
    uint8_t ymm_live;
    uint8_t in_code;       /* between enter and exit stubs (for signal handlers) */
    uint8_t exit_reason;   /* TcgExit */
    uint32_t exit_insn;    /* slow paths: offset of the guest instruction in exit_block */
    TcgBlock *exit_block;
    TcgEdge *exit_edge;
    uint64_t jc_key;       /* xor-ed into jump cache keys; changes when mappings or mode do */
    uint64_t host_rsp;     /* C stack while generated code runs */
    uint64_t scratch[4];
    uint32_t host_mxcsr, guest_mxcsr;
    /* Where HostCode.x87_notes: the last x87 instruction since the state was settled, X87_*; the image's head when it was loaded. */
    uint32_t x87_last;
    uint8_t x87_kept[24];
    uint64_t spill[TCG_SPILLS];
    JumpCacheEntry jc[JC_SIZE];
    TlbEntry tlb[TCG_MMU_MODES][2][TLB_SIZE]; /* [mmu][write][index] */
    /* ---- C only below ---- */
    uint8_t bounce[128] __attribute__((aligned(64))); /* tcg_slow_operand(): an operand, its address */
    uint64_t bounce_va;
    void *jmp[8];          /* __builtin_setjmp buffer of run() */
    Cpu *cpu;
    const TcgTarget *target;
    struct TcgMachine *tm;
    struct HostCode *hc;   /* the machine's code cache, for host_run_insn(); NULL: no emitter */
    IrBlock ir;
    TcgStats stats;
    struct Tlb2 *tlb2;
    struct TcgLoop *loop;
    uint64_t as_generation;
    bool interp;           /* every block through the interpreter (-accel tcg,engine=interp) */
    Exit run_exit;
    uint64_t interp_pc;    /* guest pc of the instruction the interpreter is at */
    /* The last x87 instruction that it had run in a thunk: guest pc, IrHostInsn.fop, whether it left an error pending. */
    uint64_t thunk_pc;
    uint16_t thunk_fop;
    bool thunk_raised;
    const TcgBlock *interp_tb; /* the cached block it runs; NULL: a single instruction */
} TcgVcpu;
/* TcgVcpu.x87_last: otherwise its offset in the code cache. */
enum { X87_NONE = 0, X87_THUNK = 1 };
#define TCG_ENV_OFFSET ((sizeof(TcgVcpu) + 4095) & ~(size_t)4095)
static inline TcgVcpu *tcg_vcpu(void *env)
{
    return (TcgVcpu *)((char *)env - TCG_ENV_OFFSET);
}
static inline void *tcg_env(TcgVcpu *v)
{
    return (char *)v + TCG_ENV_OFFSET;
}

/* ---- interpreter (interp.c) ---- */
/*
 * Execute a block on env (globals and flags in env). Sets env pc and returns
 * why it left (LOOKUP). Exceptions leave by tcg_raise().
 */
TcgExit interp_block(TcgVcpu *v, const IrBlock *b);

/*
 * A store of C code into the bytes of the block tb, which is running: leaves to
 * do the current instruction alone and go on with fresh code. Faults raise.
 */
void tcg_check_own_code(TcgVcpu *v, const TcgBlock *tb, uint64_t va, unsigned size, int mmu);

/* ---- host emitter (host/x86_64/) ---- */
typedef struct HostCode HostCode;
/* A code cache of size bytes (two mappings of one memfd: RW and RX), stubs emitted. NULL: no emitter for this host. */
HostCode *host_code_new(const TcgTarget *t, size_t size, Error **err);
/* There is one vCPU and there will be no other: locked accesses need no lock. Before any block is emitted. */
void host_code_single_vcpu(HostCode *hc);
/*
 * Only aligned accesses of the host are atomic, which is otherwise asked of CPUID: for tests on a host that does more. Before
 * any block is emitted.
 */
void host_code_only_aligned(HostCode *hc);
void host_code_free(HostCode *hc);
void host_code_reset(HostCode *hc);     /* drop all blocks, keep stubs */
size_t host_code_used(HostCode *hc);
/*
 * Emit one block (IR with liveness filled in). Fills tb's code fields, edges
 * and sites. False: no room (flush and try again). tb is zeroed before.
 */
bool host_emit_block(HostCode *hc, const IrBlock *ir, TcgBlock *tb);
/* Enter generated code at offset; returns with vcpu->exit_* set, globals, flags and pc in env. */
void host_enter(HostCode *hc, TcgVcpu *v, uint32_t entry);
void *host_code_ptr(HostCode *hc, uint32_t off);   /* executable address */
/* Link/unlink: atomic patches, safe while other vCPUs run the code. */
void host_link_edge(HostCode *hc, TcgEdge *e, TcgBlock *to);
void host_unlink_edge(HostCode *hc, TcgEdge *e);
/* Make entries of an invalidated block lead to the loop (other vCPUs may be about to jump there). */
void host_kill_block(HostCode *hc, TcgBlock *tb);
bool host_code_contains(HostCode *hc, uintptr_t host_pc, uint32_t *off);
/* The block's host code as text (-d out_asm). */
void host_dump_block(HostCode *hc, const TcgBlock *tb, GString *out);
/*
 * SIGFPE on a vCPU thread: when the trap is at a site of generated code (or in host_run_insn()),
 * rewrite the signal context so that execution leaves through the exit stub and return true.
 */
bool host_trap(HostCode *hc, TcgVcpu *v, void *siginfo, void *ucontext);
/* Host FP state <-> env's FXSAVE image, on the vCPU thread. */
void host_fpu_save(TcgVcpu *v);  /* no-op unless fpu_live; clears fpu_live */
/*
 * The FP image's last instruction pointer may be an address of generated code: TcgTarget.x87_ran is told which guest
 * instruction that was. Nothing to do while the state is in the host.
 */
void host_fpu_settle(TcgVcpu *v);
/* Run one passed-through instruction for the interpreter: FP state and GPR operands from env/args, mem = host
 * buffer of the operand. *dst: old value in, result out (hi->imp bit 2: EAX in; EDX is rm); the caller merges it
 * at hi->dst_w, and the flags at hi->fw. Trap: the host raised #XM or #MF, which is noted in env for the caller
 * to raise. No store: an unmasked x87 exception keeps a store from being made, though the instruction is done. */
typedef enum HostRun { HOST_RUN_TRAP, HOST_RUN_DONE, HOST_RUN_NO_STORE } HostRun;
HostRun host_run_insn(HostCode *hc, TcgVcpu *v, const IrHostInsn *hi, uint64_t *dst, uint64_t rm, void *mem, uint64_t *flags);
/* For hi->mask: the elements that the mask register in env selects, bit n: element n. */
uint32_t host_insn_mask(TcgVcpu *v, const IrHostInsn *hi);

/* ---- slow paths called from generated code (mem.c), globals are in env ---- */
/* Each returns the value, or does not return (guest fault). v->exit_block/exit_insn tell where. */
uint64_t tcg_slow_load(TcgVcpu *v, uint64_t va, uint32_t size_mmu); /* size | mmu << 8 | TCG_WHOLE; zero-extended */
void tcg_slow_store(TcgVcpu *v, uint64_t va, uint64_t val, uint32_t size_mmu);
/*
 * Operand of rmw/atomic/hostop missed the TLB: fill it for access (1 = write). True with scratch[0] = 0: retry the
 * fast path, it will hit now. True with scratch[0] = v->bounce, for callers that set TCG_BOUNCE in size_mmu: what is
 * read is there; what is to be written goes there, and tcg_slow_bounce() must follow. False: leave with
 * TCG_EXIT_INTERP at this instruction. Faults do not return.
 */
#define TCG_BOUNCE 0x8000u
#define TCG_WHOLE 0x8000u /* of loads and stores: as tcg_load_whole() */
void tcg_slow_bounce(TcgVcpu *v, uint64_t unused, uint32_t size_mmu); /* v->bounce -> guest memory; can not fault */
bool tcg_slow_operand(TcgVcpu *v, uint64_t va, uint32_t size_mmu, uint32_t write); /* size | mmu << 8 */
/* Jump cache miss: block for pc under the current mode if translated (not translating), its entry_poll code; NULL = leave. */
void *tcg_slow_lookup(TcgVcpu *v, uint64_t pc);

#endif
