/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The port between the translator and a target (guest architecture): what a
 * target gives (TcgTarget) and what it may use (guest memory, exceptions).
 * With ir.h the only headers of accel/tcg that a target includes.
 */
#ifndef ACCEL_TCG_TARGET_H
#define ACCEL_TCG_TARGET_H

#include "accel/tcg/ir.h"
#include "core/accel.h"
#include "core/cpu.h"

/*
 * The environment ("env") is the target's working copy of a vCPU's state under
 * this accelerator. It sits at a fixed distance behind the translator's own
 * per-vCPU block, so that generated code reaches both through one base.
 * While generated code runs, globals may live in host registers and the flags
 * in the host's; a helper flagged HELPER_FULL sees and may change all of it.
 */

/* A guest register that the IR names. */
typedef struct IrGlobalDesc {
    const char *name;
    uint32_t offset; /* in env; 64-bit field */
} IrGlobalDesc;

enum {
    HELPER_PURE = 0, /* computes from its arguments only: no globals, no memory, no exception, no floating point */
    HELPER_ENV = 1,  /* also reads/writes env fields that are not globals/flags; no exception, no guest memory, no FP */
    HELPER_FULL = 2, /* anything: globals, flags, pc, SIMD registers and MXCSR are in env during the call; may raise; may
                      * access memory */
    HELPER_FPU = 4,  /* with FULL: needs the guest's x87 state in env too (else it is preserved around the call) */
    HELPER_VEC = 8,  /* with ENV: reads or writes vector registers in env, or is compiled to vector code of the host
                      * (a plain ENV helper must not be: SIMD registers may hold the guest's) */
};
typedef uint64_t TcgHelperFn(void *env, uint64_t a, uint64_t b, uint64_t c);
typedef struct TcgHelper {
    const char *name;
    TcgHelperFn *fn;
    uint8_t flags;
} TcgHelper;

/* Translation of one block: the target's view of the job. */
typedef struct TcgTranslate {
    IrBlock *ir;
    void *env;         /* read-only here: model constants */
    uint64_t pc;       /* in: first instruction; the target advances its own copy */
    uint64_t mode;
    int max_insns;     /* stop after so many (1 = single step) */
    /* guest code bytes: never past what tcg_code_bytes() grants */
    const uint8_t *page[2]; /* host pointers of the first and second page touched */
    uint64_t page_va;  /* guest virtual address of page[0] */
    uint64_t phys2;    /* accel's: second page's place in RAM once it was needed, ~0 before */
    bool single_step;
} TcgTranslate;
/*
 * Make n (1..15) code bytes at pc available: copies into buf. May raise the
 * fetch fault of the second page when the instruction really needs it - the
 * first instruction of a block only; for later ones it returns false, and the
 * block must end before that instruction.
 */
bool tcg_code_bytes(TcgTranslate *t, uint64_t pc, uint8_t *buf, unsigned n);

enum { MMU_READ = 0, MMU_WRITE = 1, MMU_EXEC = 2 };
typedef struct MmuResult {
    hwaddr paddr;      /* of the page containing va (4 KiB aligned) */
    uint8_t page_bits; /* size of the guest mapping: 12, 21, 30 */
    uint8_t flush_bits; /* what a flush of one address in it drops; 0: page_bits */
    bool r, w, x;      /* what this mmu index may do without another walk (w only once dirty) */
    bool global;       /* survives a non-global flush */
    bool uncached;
    uint8_t attr;      /* the target's own, which tcg_page() tells */
} MmuResult;

typedef struct TcgTarget {
    const char *name;
    size_t env_size;       /* bytes of the env struct */
    uint32_t cc_offset;    /* uint64_t in env: flags, EFLAGS layout, when not in host flags */
    uint32_t pc_offset;    /* uint64_t in env */
    uint32_t fpu_offset;   /* in env: 512-byte FXSAVE image, 16-aligned, of guest x87/SSE state; 0 = none */
    uint32_t ymmh_offset;  /* in env: 16 times 16 bytes, upper halves of YMM registers; 0 = none */
    /*
     * Targets without an FXSAVE image whose vector registers passed-through instructions work on (IrHostInsn.vec):
     * n_vec registers, of which the first 16 bytes count, each vec_stride behind the one before; after them in number
     * n_vtmp temporaries, which are not kept from one guest instruction to the next. All 16-aligned. mxcsr_offset:
     * uint32_t, the MXCSR that these instructions run with and gather flags in.
     */
    uint32_t vec_offset;   /* 0 = none */
    uint32_t vec_stride, vtmp_offset, vtmp_stride, mxcsr_offset;
    uint8_t n_vec, n_vtmp;
    const IrGlobalDesc *globals;
    int n_globals;
    const TcgHelper *helpers;
    int n_helpers;
    int n_mmu;             /* mmu indexes used, <= TCG_MMU_MODES */
    /* Hints for hosts: global number wanted in a host register by number, -1 none. */
    const int8_t *x86_64_pin; /* 16 entries, by host register number */
    const int8_t *x86_64_pin_xmm; /* the same of vector registers and temporaries, 32 entries; 13 to 15 are the emitter's, and
                                   * 16 to 31 are there on hosts with AVX-512, one move further away */

    void (*push)(Cpu *cpu, void *env); /* cpu->state -> env */
    void (*pull)(Cpu *cpu, void *env);
    uint64_t (*mode)(void *env);       /* block-key word: everything that changes how code is decoded */
    int (*code_mmu)(void *env);        /* mmu index for fetches now */
    /*
     * The mmu indexes (bit n: index n) of the address space that the vCPU is in now, which is the one
     * that tcg_tlb_flush*() are about. A virtual machine inside the guest has indexes of its own, so
     * that its translations and its host's live side by side. NULL: there is one space.
     */
    uint32_t (*mmu_space)(void *env);
    /*
     * Virtual (linear) address of the instruction at pc under mode. pc is what the guest's
     * instruction pointer holds; on x86 outside 64-bit mode the CS base is added and the
     * sum wraps at 32 bits. NULL: the same.
     */
    uint64_t (*code_va)(uint64_t mode, uint64_t pc);
    void (*translate)(TcgTranslate *t);
    /*
     * Walk the guest's tables. False: the fault is noted in env (vector, error
     * code, address) for raise(). May set accessed/dirty bits.
     */
    bool (*mmu_walk)(void *env, uint64_t va, int access, int mmu, MmuResult *res);
    /* Deliver the exception noted in env (state is precise). False: shutdown (triple fault). */
    bool (*deliver)(void *env);
    /* Take what is pending in cpu->requests (INTR, NMI, SMI, INIT, SIPI, ...) if it can be taken now. */
    bool (*interrupt)(void *env);
    /* Note a fault for deliver(): divide error, FP exceptions found by the host (SIMD; pending x87), bus error. */
    void (*note_divide)(void *env);
    void (*note_simd_fp)(void *env);
    void (*note_x87_fp)(void *env);
    /*
     * The last x87 instruction of those that change the FP image's pointers was that at pc, fop: IrHostInsn.fop. raised:
     * it left an unmasked exception pending. Called with the state in env; pointers in the image are the host's.
     */
    void (*x87_ran)(void *env, uint64_t pc, unsigned fop, bool raised);
    void (*note_align)(void *env, uint64_t va); /* hostop operand not aligned to IrHostInsn.align (x86: #GP) */
    void (*note_bus_error)(void *env, uint64_t va, hwaddr pa, int access);
    bool absent_faults;    /* an access that nothing answers is a bus error (x86: reads float high, writes vanish) */
    /*
     * While tcg_watch() is on: must data accesses to the page at va be told of one by one?
     * accessed() is told before they are made (after their page faults) and may raise.
     */
    bool (*watches)(void *env, uint64_t va, int mmu);
    void (*accessed)(void *env, uint64_t va, size_t len, int access, int mmu);
    bool (*halted)(void *env);         /* in HLT/WFI: run() returns EXIT_HALT */
    bool (*noted)(void *env);          /* optional: is an exception noted in the state that was pushed? */
} TcgTarget;

/*
 * What translators may pass through on vector registers on this host: TCG_VEC_* bits, 0: nothing, then helpers do it.
 * Any thread.
 */
enum { TCG_VEC_AVX = 1, TCG_VEC_FMA = 2, TCG_VEC_AVX2 = 4, TCG_VEC_F16C = 8, TCG_VEC_AES = 16, TCG_VEC_CLMUL = 32 };
unsigned tcg_host_vec(void);

/* ---- what targets may call (vCPU thread only) ---- */
Cpu *tcg_cpu(void *env);
/*
 * Guest virtual memory by mmu index, little endian. On a fault these do not
 * return: the target's noted exception is delivered at the current instruction.
 */
uint64_t tcg_load(void *env, uint64_t va, unsigned size, int mmu);
void tcg_store(void *env, uint64_t va, uint64_t val, unsigned size, int mmu);
/* The same, atomic wherever the bytes (up to 8) lie in one multiple of 16 of plain RAM. */
uint64_t tcg_load_whole(void *env, uint64_t va, unsigned size, int mmu);
void tcg_store_whole(void *env, uint64_t va, uint64_t val, unsigned size, int mmu);
/* 64 bits at va and at va + 8: one atomic access of plain RAM if va is a multiple of 16, else two as above. */
void tcg_load_pair(void *env, uint64_t va, uint64_t out[2], int mmu);
void tcg_store_pair(void *env, uint64_t va, const uint64_t val[2], int mmu);
void tcg_read(void *env, uint64_t va, void *buf, size_t len, int mmu);
void tcg_write(void *env, uint64_t va, const void *buf, size_t len, int mmu);
/* Check an access without making it (faults as the access would). */
void tcg_probe(void *env, uint64_t va, size_t len, int access, int mmu);
/*
 * Host pointer to plain RAM for [va, va+*len) inside one page (*len shortened
 * to the page), NULL when it must go through tcg_load/store (devices, watched
 * pages). Faults as the access would. For page-wise string operations.
 */
void *tcg_host(void *env, uint64_t va, size_t *len, int access, int mmu);
/*
 * The page at va for an access, as the TLB has it: the target's attributes, and the RAM block that va lies in at `offset`,
 * NULL: a device or nothing. False: the walk noted a fault.
 */
typedef struct TcgPage {
    uint8_t attr;
    RamBlock *ram;
    uint64_t offset;
} TcgPage;
bool tcg_page(void *env, uint64_t va, int access, int mmu, TcgPage *out);
/* Locked read-modify-write in helpers: compare and swap of 4, 8 or 16 bytes; returns success, *old updated. */
bool tcg_cmpxchg(void *env, uint64_t va, unsigned size, void *old, const void *val, int mmu);

/* Physical memory in walks: plain RAM fast path, atomic where said. */
uint64_t tcg_phys_load(void *env, hwaddr pa, unsigned size);
void tcg_phys_store(void *env, hwaddr pa, uint64_t val, unsigned size);
bool tcg_phys_cmpxchg(void *env, hwaddr pa, unsigned size, uint64_t old, uint64_t val);
/*
 * The page at pa for several accesses: its place in the host's memory, NULL if it is not plain (writable) RAM: then
 * tcg_phys_load/store. Valid until the helper returns; stores through it are told by tcg_phys_written().
 */
uint8_t *tcg_phys_page(void *env, hwaddr pa, bool write);
void tcg_phys_written(void *env, hwaddr pa, unsigned len);

/*
 * Before a FULL | FPU helper shows the FP image's pointers: TcgTarget.x87_ran is called if they are the host's.
 */
void tcg_fpu_settle(void *env);

/* Leave for the exception noted in env; state must be that of the instruction's start (helpers: pc is). */
void tcg_raise(void *env) G_GNUC_NORETURN;
/* Leave after a helper that completed its instruction (state and pc in env are those after it). */
void tcg_exit_loop(void *env) G_GNUC_NORETURN;
/* Shutdown, halt: leave run() with this code; state and pc in env are final. */
void tcg_exit(void *env, Exit why) G_GNUC_NORETURN;

/* TLB maintenance of this vCPU, in its current address space (TcgTarget.mmu_space). */
void tcg_tlb_flush(void *env);                 /* everything */
void tcg_tlb_flush_nonglobal(void *env);       /* all but global mappings */
void tcg_tlb_flush_page(void *env, uint64_t va);
/* The same for the address space of these mmu indexes (bit n: index n). */
void tcg_tlb_flush_space(void *env, uint32_t space);
void tcg_tlb_flush_space_nonglobal(void *env, uint32_t space);
void tcg_tlb_flush_space_page(void *env, uint32_t space, uint64_t va);
/*
 * From now on the non-global translations of space (one of those of TcgTarget.mmu_space) are those of the context
 * `id` (x86: PCID, Arm: ASID). keep: what the vCPU still has of it is used again; else it begins anew. Several are
 * kept; a flush of all or of the non-global ones forgets them. INVLPG's like, tcg_tlb_flush_space_page(), is about
 * the current one and global pages.
 */
void tcg_tlb_context(void *env, uint32_t space, uint64_t id, bool keep);
void tcg_tlb_flush_context(void *env, uint32_t space, uint64_t id); /* another one than the current */
/* All but the current one: where a page is to go from every context. */
void tcg_tlb_forget_contexts(void *env, uint32_t space);
/*
 * TLB maintenance on the other vCPUs: fn is called on each one's thread with its env before it executes a further block.
 * All that fn may do is to drop translations (too many calls at once become one flush of everything there).
 * _done(): have they all done what this vCPU asked for? Serves what they ask of it. If not, leave with the pc where it was
 * (tcg_exit_loop()) and ask again: waiting inside a helper would lock up.
 */
typedef void TcgTlbFn(void *env, uint64_t a, uint64_t b);
void tcg_tlb_others(void *env, TcgTlbFn *fn, uint64_t a, uint64_t b);
bool tcg_tlb_others_done(void *env);
/* TcgTarget.watches() and accessed() are asked from now on, or not; call again when their answers change. */
void tcg_watch(void *env, bool on);
/* The mode word or something block lookup depends on changed outside a block end. */
void tcg_mode_changed(void *env);
/* Call TcgTarget.interrupt soon, even when no request is latched (IF was set, TPR lowered, a trap is due...). */
void tcg_poll(void *env);
/* Does somebody (also another vCPU's translator) wait for that? For helpers that can take long. */
bool tcg_polled(void *env);

#endif
