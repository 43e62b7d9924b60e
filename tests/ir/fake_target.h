/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A target for IR tests: 16 globals named and pinned as x86's, a few helpers, and
 * 16 pages of guest memory of different kinds. It stands in for the execution
 * loop and for guest memory (the tcg_* functions), so that a block can be run by
 * the interpreter or by the host emitter and the outcomes compared.
 */
#ifndef TESTS_IR_FAKE_TARGET_H
#define TESTS_IR_FAKE_TARGET_H

#include "accel/tcg/tcg.h"

#define FAKE_RAM_BASE 0x100000ull
#define FAKE_PAGES 16
#define FAKE_RAM_SIZE (FAKE_PAGES * 4096u)
/* Pages by what happens to an access. All others are RAM present in the TLB. */
enum {
    FAKE_PAGE_LAZY = 11,  /* RAM, but not in the TLB until first touched */
    FAKE_PAGE_IO = 12,    /* works through slow paths only, as a device */
    FAKE_PAGE_RO = 13,    /* writes fault */
    FAKE_PAGE_NONE = 14,  /* everything faults */
    FAKE_PAGE_LAST = 15,
};

enum { FAKE_RAX, FAKE_RCX, FAKE_RDX, FAKE_RBX, FAKE_RSP, FAKE_RBP, FAKE_RSI, FAKE_RDI };

#define FAKE_VECS 18
#define FAKE_VEC_STRIDE 32

typedef struct FakeEnv {
    uint64_t regs[16];
    uint64_t cc, pc;
    uint64_t scratch[8];   /* for ldenv/stenv and helpers */
    uint8_t fx[512] __attribute__((aligned(64)));
    uint8_t vec[FAKE_VECS][FAKE_VEC_STRIDE] __attribute__((aligned(16))); /* fake_vec_target */
    uint8_t vtmp[4][16] __attribute__((aligned(16)));
    uint32_t mxcsr;
    uint64_t fault_va;
    int fault_access;
    int fault;             /* FakeStop */
} FakeEnv;

/* Helpers, by number. All but the first take arguments modulo what they need. */
enum {
    FAKE_H_MIX,      /* PURE: a hash of a, b, c */
    FAKE_H_SCRATCH,  /* ENV: swaps scratch[a & 7] with b */
    FAKE_H_FULL,     /* FULL: changes registers and flags from registers and flags */
    FAKE_H_LOAD,     /* FULL: loads 8 bytes at a, may fault */
    FAKE_H_VEC,      /* ENV | VEC: changes a vector register */
    FAKE_H_COUNT,
};

typedef enum FakeStop {
    FAKE_LEFT,    /* the block was left: pc says where to */
    FAKE_FAULT,   /* memory */
    FAKE_DIVIDE,
    FAKE_SIMD,
    FAKE_ALIGN,
} FakeStop;

/* Everything that a run can change. */
typedef struct FakeState {
    FakeStop stop;
    uint64_t regs[16], cc, pc, scratch[8];
    uint64_t fault_va;
    int fault_access;
    uint8_t fx[512];
    uint8_t vec[FAKE_VECS + 4][16]; /* and temporaries */
    uint32_t mxcsr;
    uint8_t ram[FAKE_RAM_SIZE];
} FakeState;

typedef struct Fake {
    const TcgTarget *target;
    TcgVcpu *v;
    FakeEnv *env;
    uint8_t *ram;          /* mapped at FAKE_RAM_BASE for the guest */
    HostCode *hc;          /* NULL: this host has no emitter */
    size_t map_size;
    unsigned runs_interp, runs_host, host_to_interp; /* counts of what happened */
} Fake;

extern const TcgTarget fake_target;
/* The same with vector registers of its own in place of x86's FP state; invalid operations trap. */
extern const TcgTarget fake_vec_target;

/* with_host: also a code cache, if this host has an emitter. */
Fake *fake_new(bool with_host);
Fake *fake_new_for(const TcgTarget *t, bool with_host);
void fake_free(Fake *f);

/* Random registers (rbx, rsi, rsp, rbp, r13 point into RAM), flags, memory, FP state. */
void fake_random_state(GRand *r, FakeState *s);

/*
 * Run the block from state `in`. The passes must have run for the host engine
 * (fake_run_host() runs them). The host's run goes on in the interpreter when
 * generated code leaves with TCG_EXIT_INTERP, from that guest instruction on;
 * temps must therefore not live across guest instructions.
 */
void fake_run_interp(Fake *f, const IrBlock *b, const FakeState *in, FakeState *out);
/* False: no room in the code cache even when empty, or no emitter. */
bool fake_run_host(Fake *f, IrBlock *b, const FakeState *in, FakeState *out);

/*
 * The parts of the above, for running one block often: emit it once (false as fake_run_host()),
 * set registers and flags in f->env, run it (tb NULL: in the interpreter).
 */
bool fake_emit(Fake *f, IrBlock *b, TcgBlock *tb);
void fake_drop(Fake *f, TcgBlock *tb);
void fake_reset_memory(Fake *f); /* TLB and fault note */
void fake_exec(Fake *f, const IrBlock *b, TcgBlock *tb);

/* Compare, but for flags in undef (FL_ mask). False: why has the differences. */
bool fake_same(const FakeState *a, const FakeState *b, uint8_t undef, GString *why);

#endif
