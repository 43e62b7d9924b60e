/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86 state struct (from state.def) and the translator's environment.
 */
#ifndef TARGET_I386_ENV_H
#define TARGET_I386_ENV_H

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include "core/cpu.h"
#include "target/i386/cpuid.h"

enum { R_AX, R_CX, R_DX, R_BX, R_SP, R_BP, R_SI, R_DI };
enum { S_ES, S_CS, S_SS, S_DS, S_FS, S_GS, S_COUNT };

/* A segment register with its hidden part; attr has the descriptor's bits 8..23 of the high dword >> 8
 * as VMX and KVM lay them out: type 3:0, S 4, DPL 6:5, P 7, AVL 12, L 13, D/B 14, G 15, unusable 16. */
typedef struct X86Seg {
    uint16_t sel;
    uint32_t attr;
    uint32_t limit; /* in bytes, granularity applied */
    uint64_t base;
} X86Seg;
#define SEG_TYPE 0xfu
#define SEG_S (1u << 4)
#define SEG_DPL_SHIFT 5
#define SEG_P (1u << 7)
#define SEG_L (1u << 13)
#define SEG_DB (1u << 14)
#define SEG_G (1u << 15)
#define SEG_UNUSABLE (1u << 16)

/* FXSAVE64 image (SDM vol 1, 10.5). */
typedef struct X86Fxsave {
    alignas(16) uint16_t fcw;
    uint16_t fsw;
    uint8_t ftw, rsvd0;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16];
    uint8_t xmm[16][16];
    uint8_t rsvd1[96];
} X86Fxsave;

/* One member per row of state.def; a count of 0 declares a scalar. */
#define STATE_COUNT_0
#define STATE_COUNT_4 [4]
#define STATE_COUNT_5 [5]
#define STATE_COUNT_6 [6]
#define STATE_COUNT_8 [8]
#define STATE_COUNT_11 [11]
#define STATE_COUNT_16 [16]
#define STATE_COUNT_32 [32]
#define STATE_COUNT_40 [40]
#define STATE_COUNT_64 [64]
#define STATE_COUNT_128 [128]
#define STATE_COUNT_1024 [1024]
typedef struct X86State {
#define S(t, name, n, reset, gdb, since, help) t name STATE_COUNT_##n;
#include "target/i386/state.def"
#undef S
} X86State;


/* Origins of an event; not of software: error codes of faults inside its delivery have EXT. */
typedef enum X86EventKind { EVENT_SOFTWARE, EVENT_EXCEPTION, EVENT_INTERRUPT, EVENT_NMI } X86EventKind;

/*
 * The translator's environment. Arithmetic flags live in cc (EFLAGS layout,
 * mask 0x8d5) or in host flags while code runs; s.rflags holds all other bits
 * (its arithmetic bits are stale). x86_rflags()/x86_set_rflags() join them.
 */
typedef struct X86Env {
    uint64_t cc;
    uint64_t mode;      /* cached mode word, x86_update_mode() keeps it */
    uint8_t df8;        /* 1 or 0xff: direction as a signed byte, from RFLAGS.DF */
    uint8_t cpl;        /* cached CPL (SS.DPL; 3 in v86, 0 in real mode) */
    int16_t delivering; /* vector of the event being delivered, -1: none */
    uint8_t delivering_kind; /* what kind of event that is: X86EventKind */
    bool watching;      /* data accesses are told to x86_accessed() */
    /* SVM, between noting and x86_deliver(): */
    bool exit_noted;          /* a #VMEXIT, instead of an exception */
    uint64_t exit_code, exit_info[2], exit_nrip;
    uint64_t svm_inject;      /* event that VMRUN injects, in the VMCB's form; 0 none */
    uint64_t delivering_info; /* the event being delivered in the same form */
    Cpu *cpu;
    struct X86Cpu *priv; /* cpu->target_priv */
    const X86CpuConfig *config;
    void *host_only;    /* walk caches etc. */
    X86State s;
} X86Env;

/* Argument of helper_gather(): register numbers, IrWidth of addresses, segment. */
typedef struct GatherOp {
    uint8_t dst : 4, index : 4;
    uint8_t mask : 4, scale : 2, elem64 : 1, index64 : 1;
    uint8_t l256, asz, seg, pad[3];
} GatherOp;

/*
 * Mode word: what decoding and translation depend on. Equal words + equal
 * bytes at equal pc = equal translation (CS base is in bits 63:32).
 */
#define MODE_CPL_SHIFT 0          /* 2 bits */
#define MODE_LMA (1u << 2)        /* EFER.LMA: long mode (64-bit or compatibility) */
#define MODE_CS64 (1u << 3)       /* 64-bit code */
#define MODE_CS32 (1u << 4)       /* default operand/address size 32 (D bit) */
#define MODE_SS32 (1u << 5)       /* stack address size 32 (B bit); ignored in 64-bit */
#define MODE_PE (1u << 6)         /* protected mode */
#define MODE_VM86 (1u << 7)
#define MODE_TF (1u << 8)         /* single-step trap after each instruction */
/* Interrupt shadow active at the block's start: one instruction, which begins with end_shadow. Not
 * in env->mode: TcgTarget.mode() adds it from s.int_shadow. */
#define MODE_SHADOW (1u << 9)
enum { SHADOW_STI = 1, SHADOW_MOV_SS = 2 }; /* s.int_shadow; MOV SS holds off debug exceptions too */
enum { SMM_ACTIVE = 1, SMM_NMI_MASKED = 2, SMM_GUEST = 4, SMM_NPT = 8 }; /* s.smm */
#define MODE_FLATDATA (1u << 10)  /* DS ES SS: base 0, no limit or type check can fail (or 64-bit) */
#define MODE_FLATCODE (1u << 11)  /* CS limit check can not fail */
#define MODE_AC (1u << 12)        /* EFLAGS.AC with SMAP at CPL < 3: mmu index 2; with CR0.AM at CPL 3: alignment checks */
#define MODE_AM (1u << 13)
#define MODE_TS (1u << 14)        /* CR0.TS */
#define MODE_EM (1u << 15)        /* CR0.EM */
#define MODE_MP (1u << 16)        /* CR0.MP */
#define MODE_OSFXSR (1u << 17)
#define MODE_OSXSAVE (1u << 18)
#define MODE_IOPL_SHIFT 19        /* 2 bits */
#define MODE_SMM (1u << 21)
#define MODE_UMIP (1u << 22)
#define MODE_FSGSBASE (1u << 23)
#define MODE_TSD (1u << 24)
#define MODE_PG (1u << 25)        /* paging on */
#define MODE_SMAP (1u << 26)
#define MODE_AVX (1u << 27)       /* OSXSAVE and XCR0 enables SSE+AVX */
#define MODE_FERR (1u << 28)      /* FERR# is asserted: x87 instructions end with helper_x87_error */
#define MODE_VME (1u << 29)
#define MODE_GUEST (1u << 30)     /* in an SVM guest: intercepts are tested, mmu indexes are the guest's */
#define MODE_DEBUG (1u << 31)     /* breakpoints are enabled in DR7 */
#define MODE_CSBASE_SHIFT 32

/* Memory access kinds; an SVM guest has its own three. */
enum { X86_MMU_KERNEL = 0, X86_MMU_USER = 1, X86_MMU_KERNEL_NOSMAP = 2, X86_MMU_KINDS = 3 };
#define X86_SPACE_HOST 0x7u  /* for tcg_tlb_flush_space() */
#define X86_SPACE_GUEST 0x38u
static inline int x86_mode_space(uint64_t mode, int kind)
{
    return mode & MODE_GUEST ? kind + X86_MMU_KINDS : kind;
}
static inline int x86_mode_mmu(uint64_t mode)
{
    if ((mode & 3) == 3) {
        return x86_mode_space(mode, X86_MMU_USER);
    }
    return x86_mode_space(mode, (mode & MODE_SMAP) && !(mode & MODE_AC) ? X86_MMU_KERNEL
                                                                        : X86_MMU_KERNEL_NOSMAP);
}

#endif
