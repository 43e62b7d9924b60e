/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm state struct (from state.def), the translator's environment, the mode word.
 */
#ifndef TARGET_ARM_ENV_H
#define TARGET_ARM_ENV_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/cpu.h"
#include "target/arm/feature.h"
#include "target/arm/sysreg_ids.h"

#define ARM_MAX_VQ 16 /* vector length in units of 128 bits */

/* A Z register; its low 16 bytes are the V register. Elements are little endian. */
typedef struct ArmVec {
    alignas(16) uint8_t b[16 * ARM_MAX_VQ];
} ArmVec;
/* A predicate register: one bit a byte of a Z register. */
typedef struct ArmPred {
    alignas(16) uint8_t b[2 * ARM_MAX_VQ];
} ArmPred;

/* AArch32 banks of R13 and R14. */
enum { ARM_BANK_USR, ARM_BANK_HYP, ARM_BANK_SVC, ARM_BANK_ABT, ARM_BANK_UND, ARM_BANK_IRQ, ARM_BANK_FIQ, ARM_BANK_MON };
/* Indexes of spsr_bank. */
enum { ARM_SPSR_ABT, ARM_SPSR_UND, ARM_SPSR_IRQ, ARM_SPSR_FIQ };

#define STATE_COUNT_0
#define STATE_COUNT_2 [2]
#define STATE_COUNT_4 [4]
#define STATE_COUNT_5 [5]
#define STATE_COUNT_8 [8]
#define STATE_COUNT_17 [17]
#define STATE_COUNT_31 [31]
#define STATE_COUNT_32 [32]
#define STATE_COUNT_ARM_SR [ARM_SR__COUNT]
typedef struct ArmState {
#define S(t, name, n, reset, since, help) t name STATE_COUNT_##n;
#include "target/arm/state.def"
#undef S
} ArmState;

/*
 * NZCV as the IR has it, in env->cc (EFLAGS layout: S is N, Z is Z, O is V, and C is *inverted*: the
 * IR's C = !Arm's C, so that a comparison, Arm's most frequent setter of flags, needs no correction:
 * x86's borrow is the complement of Arm's carry of a subtraction). P and A are never wanted: no op of an Arm
 * block has FL_P or FL_A in fw.
 */
#define ARM_FL (FL_C | FL_Z | FL_S | FL_O)

/* PSTATE bits, as SPSR_ELx shows them (Arm ARM C5.2.19 for AArch64, G8.2.33 for AArch32). */
#define PSTATE_N (1u << 31)
#define PSTATE_Z (1u << 30)
#define PSTATE_C (1u << 29)
#define PSTATE_V (1u << 28)
#define PSTATE_NZCV 0xf0000000u
#define PSTATE_TCO (1u << 25)  /* AArch64 from here */
#define PSTATE_DIT (1u << 24)
#define PSTATE_UAO (1u << 23)
#define PSTATE_PAN (1u << 22)
#define PSTATE_SS (1u << 21)
#define PSTATE_IL (1u << 20)
#define PSTATE_SSBS (1u << 12)
#define PSTATE_BTYPE_SHIFT 10  /* 2 bits */
#define PSTATE_D (1u << 9)
#define PSTATE_A (1u << 8)
#define PSTATE_I (1u << 7)
#define PSTATE_F (1u << 6)
#define PSTATE_NRW (1u << 4)   /* AArch32 */
#define PSTATE_EL_SHIFT 2      /* 2 bits */
#define PSTATE_SPSEL 1u
#define CPSR_Q (1u << 27)      /* AArch32 from here; s.pstate has DIT and SS at the places above: arm_cpsr() */
#define CPSR_IT_LO_SHIFT 25    /* IT[1:0] */
#define CPSR_J (1u << 24)
#define CPSR_SSBS (1u << 23)
#define CPSR_PAN (1u << 22)
#define CPSR_DIT (1u << 21)
#define CPSR_IL (1u << 20)
#define CPSR_GE_SHIFT 16       /* 4 bits */
#define CPSR_IT_HI_SHIFT 10    /* IT[7:2] */
#define CPSR_E (1u << 9)
#define CPSR_A (1u << 8)
#define CPSR_I (1u << 7)
#define CPSR_F (1u << 6)
#define CPSR_T (1u << 5)
#define CPSR_M 0x1fu
enum {
    ARM_MODE_USR = 0x10, ARM_MODE_FIQ = 0x11, ARM_MODE_IRQ = 0x12, ARM_MODE_SVC = 0x13, ARM_MODE_MON = 0x16,
    ARM_MODE_ABT = 0x17, ARM_MODE_HYP = 0x1a, ARM_MODE_UND = 0x1b, ARM_MODE_SYS = 0x1f,
};

struct ArmCpu;
typedef struct ArmCpuConfig ArmCpuConfig;

/* An exception that was noted, for deliver(). */
typedef struct ArmFault {
    uint8_t kind;      /* ArmFaultKind; 0 none */
    uint8_t target_el;
    uint64_t esr;      /* syndrome as ESR_ELx has it (also when the target is AArch32: converted there) */
    uint64_t far;
    uint64_t hpfar;    /* stage 2 faults: the IPA's page as HPFAR_EL2 has it */
    uint32_t fsr;      /* AArch32 target: DFSR/IFSR */
    uint64_t preferred; /* return address, if not the current instruction (SVC, HVC, SMC: the next one) */
    bool has_preferred;
    bool is_stage2;    /* a fault of stage 2 on the access itself */
} ArmFault;

/* A pointer authentication code computed lately (pauth.c). */
#define ARM_PAC_ENTRIES 64
typedef struct ArmPacEntry {
    uint64_t data, modifier, lo, hi, code;
    bool valid;
} ArmPacEntry;

typedef struct ArmEnv {
    uint64_t cc;         /* flags, see ARM_FL */
    uint64_t mode;       /* cached mode word: arm_update_mode() keeps it */
    Cpu *cpu;
    struct ArmCpu *priv; /* cpu->target_priv */
    const ArmCpuConfig *config;
    ArmFault fault;
    uint64_t scratch[8]; /* arguments and second results of helpers */
    uint32_t mxcsr;      /* of generated code, while not in the host: fpcr.c */
    ArmVec vtmp[8];      /* temporaries of vector code (VEC_T0 and following) */
    ArmVec vconst[2];    /* right behind them: VEC_SMALLEST_S, VEC_SMALLEST_D */
#define ARM_N_VTMP (8 + 2)
    bool watching;       /* data accesses are told to arm_accessed() */
    ArmPacEntry pac[ARM_PAC_ENTRIES];
    bool guarded;        /* code was fetched from guarded pages (BTI): indirect branches set PSTATE.BTYPE */
    bool tlb_tagged;     /* TLB entries were made for addresses with a non-canonical top byte */
    ArmState s;
} ArmEnv;

/*
 * Mode word: what decoding and translation depend on. Equal words + equal bytes at equal pc = equal
 * translation. A64 and A32/T32 share the low part; bits 32 and up differ.
 */
#define MODE_EL_SHIFT 0            /* 2 bits: current Exception level */
#define MODE_A32 (1ull << 2)       /* AArch32 state */
#define MODE_MMU_SHIFT 3           /* 4 bits: mmu index of ordinary accesses */
#define MODE_UNPRIV_SHIFT 7        /* 4 bits: of LDTR and friends (UAO and regime are in it) */
#define MODE_BE (1ull << 11)       /* data accesses are big endian */
#define MODE_ALIGN (1ull << 12)    /* SCTLR.A: alignment checked */
#define MODE_FP_EL_SHIFT 13        /* 2 bits: 0 FP and SIMD usable, else the Exception level that traps them */
#define MODE_SS (1ull << 15)       /* software step active: one instruction, then the step exception */
#define MODE_DEBUG (1ull << 16)    /* hardware breakpoints may hit: check each instruction */
#define MODE_FPX (1ull << 17)      /* FP arithmetic by the exact helpers: FPCR has a mode that the host lacks */
#define MODE_FPX_ONCE (1ull << 18) /* the same for one instruction, after a host trap */
#define MODE_IL (1ull << 19)       /* PSTATE.IL: every instruction is an illegal state exception */
#define MODE_FP_RM_SHIFT 20        /* 2 bits: FPCR.RMode (instructions that ignore it need to know) */
#define MODE_FGT (1ull << 22)      /* some trap control (HCR_EL2, CPTR, HSTR, MDCR, TIDCP ...) is set beyond what other
                                    * bits say: system instructions go through their checking helpers */
#define MODE_TGE (1ull << 23)      /* HCR_EL2.TGE in effect: EL0 exceptions go to EL2 */
/* A64 */
#define MODE_TBI_SHIFT 32          /* 2 bits: TBI for addresses with bit 55 = 0, 1 (data) */
#define MODE_TBID_SHIFT 34         /* 2 bits: of instruction addresses (branch targets lose their tag) */
#define MODE_SA (1ull << 36)       /* SP alignment checked */
#define MODE_PAUTH_SHIFT 37        /* 4 bits: SCTLR.EnIA EnIB EnDA EnDB in effect */
#define MODE_BT (1ull << 41)       /* SCTLR.BTx: PACIxSP are no valid targets of BTYPE 3 */
#define MODE_BTYPE_SHIFT 42        /* 2 bits: PSTATE.BTYPE; not 0: first instruction is checked if its page is guarded */
#define MODE_MTE (1ull << 44)      /* tag checks are on, of ordinary accesses */
#define MODE_MTE_UNPRIV (1ull << 45) /* of LDTR and friends */
#define MODE_SVE_EL_SHIFT 46       /* 2 bits: as MODE_FP_EL */
#define MODE_VQ_SHIFT 48           /* 4 bits: effective vector length in quadwords, minus 1 */
#define MODE_E2H (1ull << 52)      /* EL2 with HCR_EL2.E2H: _EL1 names mean EL2's registers */
#define MODE_NV (1ull << 53)
#define MODE_DZE (1ull << 54)      /* DC ZVA usable here (SCTLR.DZE or EL > 0, not trapped) */
#define MODE_UCI (1ull << 55)      /* cache maintenance usable here */
#define MODE_UCT (1ull << 56)      /* CTR_EL0 readable here */
#define MODE_SPSEL (1ull << 57)    /* PSTATE.SP */
#define MODE_nAA (1ull << 58)      /* SCTLR.nAA: ordered accesses may lie anywhere */
/* A32, T32 */
#define MODE_T32 (1ull << 32)
#define MODE_IT_SHIFT 33           /* 8 bits: ITSTATE */
#define MODE_M_SHIFT 41            /* 5 bits: CPSR.M */
#define MODE_VFP_LEN_SHIFT 46      /* 3 bits: FPSCR.Len */
#define MODE_VFP_STRIDE_SHIFT 49   /* 2 bits: FPSCR.Stride */
#define MODE_CP15_TRAP (1ull << 51) /* HSTR/HCPTR and the like: every coprocessor access by its checking helper */
#define MODE_ITD (1ull << 52)      /* SCTLR.ITD */
#define MODE_SED (1ull << 53)      /* SCTLR.SED */
#define MODE_VFP_EN (1ull << 54)   /* FPEXC.EN */
#define MODE_ASE_UNDEF (1ull << 55) /* Advanced SIMD is UNDEFINED (CPACR.ASEDIS) */
#define MODE_ASE_HYP (1ull << 56)  /* Advanced SIMD is trapped to Hyp mode (HCPTR.TASE) */

/* mmu indexes. A regime's indexes form its space for tcg_tlb_flush_space(). */
enum {
    ARM_MMU_E10_0, ARM_MMU_E10_1, ARM_MMU_E10_1_PAN, /* EL1&0 (AArch32 PL1&0 too) */
    ARM_MMU_E20_0, ARM_MMU_E20_2, ARM_MMU_E20_2_PAN, /* EL2&0 (HCR_EL2.E2H) */
    ARM_MMU_E2, ARM_MMU_E3,
    ARM_MMU__COUNT
};
#define ARM_SPACE_E10 0x07u
#define ARM_SPACE_E20 0x38u
#define ARM_SPACE_E2 0x40u
#define ARM_SPACE_E3 0x80u

static inline int arm_mode_el(uint64_t mode)
{
    return (int)(mode >> MODE_EL_SHIFT) & 3;
}
static inline int arm_mode_mmu(uint64_t mode)
{
    return (int)(mode >> MODE_MMU_SHIFT) & 15;
}
static inline int arm_mode_unpriv_mmu(uint64_t mode)
{
    return (int)(mode >> MODE_UNPRIV_SHIFT) & 15;
}
/* Exception level of a PSTATE word; AArch32 modes by el3_a32: is EL3 using AArch32. */
static inline bool arm_is_a32(const ArmEnv *env)
{
    return env->s.pstate & PSTATE_NRW;
}

#endif
