/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the Arm system share: Exception levels, PSTATE, exceptions, translation regimes.
 * State changes last: tcg_load()/tcg_store() do not return when they fault.
 */
#ifndef TARGET_ARM_SYSTEM_H
#define TARGET_ARM_SYSTEM_H

#include "accel/tcg/target.h"
#include "base/bits.h"
#include "core/irq.h"
#include "target/arm/env.h"
#include "target/arm/helper.h"
#include "target/arm/sysreg.h"

/*
 * How a processor begins that another one starts: at that level and pc, X0 = context. Guarded by `state`, which is
 * atomic: a starter takes it from OFF to FILLING, fills in, sets PENDING and CPU_REQ_SIPI; its own thread takes it to ON.
 */
enum { ARM_START_ON, ARM_START_OFF, ARM_START_FILLING, ARM_START_PENDING };
typedef struct ArmStart {
    uint32_t state;
    uint8_t el;
    bool a32, thumb, big_endian;
    uint64_t pc, context;
} ArmStart;

/* A processor's constants and host-side parts (cpu->target_priv). */
typedef struct ArmCpu {
    ArmCpuConfig config;
    struct ArmTimers *timers; /* timer.c */
    uint64_t e10_hcr;         /* tlbi.c: HCR_EL2 that EL1&0's translations were made by, while EL2&0 is in use */
    ArmStart start;           /* start.c */
    int semihost_errno;       /* semihost.c: of the last operation that failed */
    Irq pmu_irq;              /* pmu.c */
    struct ArmPmu *pmu;
    struct ArmEnv *env;       /* the translator's copy of the state, current on its own thread; NULL before it ran */
} ArmCpu;
static inline ArmCpu *arm_cpu(Cpu *cpu)
{
    return cpu->target_priv;
}

/* ---- PSTATE, levels (pstate.c) ---- */
static inline unsigned arm_el(const ArmEnv *env)
{
    return (unsigned)arm_mode_el(env->mode);
}
uint32_t arm_pstate(const ArmEnv *env);             /* with NZCV */
void arm_set_pstate(ArmEnv *env, uint32_t pstate);  /* all of it, SP and banked registers switched; then arm_update_mode() */
uint64_t arm_cc_from_nzcv(uint32_t nzcv);           /* bits 31:28 -> EFLAGS layout with C inverted */
uint32_t arm_nzcv_from_cc(uint64_t cc);
/* Recompute the mode word: after any change of PSTATE, SCTLR, HCR, CPACR, TCR, FPCR, MDSCR ... */
void arm_update_mode(ArmEnv *env);
uint64_t arm_hcr(const ArmEnv *env);                /* HCR_EL2 as it is in effect (0 without EL2, or in Secure state without SEL2) */
bool arm_el_is_a32(const ArmEnv *env, unsigned el); /* does that level use AArch32? */
bool arm_secure(const ArmEnv *env);                 /* Secure state (below EL3: SCR_EL3.NS = 0) */
bool arm_secure_below_el3(const ArmEnv *env);
bool arm_host_el0(const ArmEnv *env);               /* HCR_EL2.{E2H, TGE} = {1, 1} in effect: EL0 is EL2's */
unsigned arm_pstate_el(const ArmEnv *env, uint32_t pstate); /* level of a PSTATE or SPSR value */
/* CPSR as AArch32 shows it: s.pstate has DIT and SS where SPSR_ELx has them, CPSR has DIT there and no SS. */
uint32_t arm_cpsr(const ArmEnv *env);
uint32_t arm_cpsr_to_pstate(uint32_t cpsr);
uint32_t arm_pstate_to_cpsr(uint32_t pstate);
/* ITSTATE behind an instruction of an IT block (AArch32.ITAdvance()). */
static inline uint8_t arm_it_advance(uint8_t it)
{
    return it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
}
/* The instruction is done, the following one is at next: for helpers that end a block. ITSTATE advances. */
void arm_done(ArmEnv *env, uint64_t next);
/* Banked R13, R14 of a mode that is not the current one (nor shares with it). */
uint32_t *arm_bank_r13(ArmEnv *env, uint32_t mode);
uint32_t *arm_bank_r14(ArmEnv *env, uint32_t mode);
/* ---- the mode word's ingredients (mode.c) ---- */
/* What a parked processor's state looks like to the functions here: a copy, free(). */
ArmEnv *arm_env_parked(Cpu *cpu);
uint64_t arm_sctlr(const ArmEnv *env, unsigned el); /* SCTLR_ELx that governs that level */
unsigned arm_fp_trap_el(const ArmEnv *env, unsigned el);  /* level that traps FP and SIMD of el, 0 none */
bool arm_a32_simd_disabled(const ArmEnv *env);            /* AArch32, below EL2: CPACR.ASEDIS or NSACR.NSASEDIS */
unsigned arm_sve_trap_el(const ArmEnv *env, unsigned el);
unsigned arm_sve_vq(const ArmEnv *env, unsigned el);      /* effective vector length in quadwords */
bool arm_tags_allowed(const ArmEnv *env);           /* MTE: accesses to allocation tags work (else tags read as 0) */
bool arm_el2_enabled(const ArmEnv *env);
/* Level that synchronous exceptions of the current one go to by default: EL1, or EL2 for TGE or from EL2, EL3 from EL3. */
unsigned arm_sync_target(const ArmEnv *env);

/* ---- FPCR and FPSR (fpcr.c); under the translator only these, in FULL helpers ---- */
void arm_fp_constants(ArmEnv *env); /* ArmEnv.vconst, once */
void arm_fp_enter(ArmEnv *env);  /* MXCSR from FPCR: after state came into env */
void arm_fp_leave(ArmEnv *env);  /* MXCSR's flags into FPSR: before it goes */
void arm_fp_again(ArmEnv *env);  /* the next instruction trapped: exact helpers are to do it */
void arm_fp_renew(ArmEnv *env);  /* both: what MXCSR depends on has changed */
uint32_t arm_fpsr(ArmEnv *env);
void arm_set_fpsr(ArmEnv *env, uint32_t fpsr);
void arm_set_fpcr(ArmEnv *env, uint32_t fpcr); /* and the mode word */

/* ---- exceptions (exception.c) ---- */
#define ARM_EC_SHIFT 26
#define ARM_IL (1u << 25)
typedef enum ArmEc { /* ESR_ELx.EC (D17.2.37) */
    EC_UNKNOWN = 0x00, EC_WFX = 0x01, EC_CP15 = 0x03, EC_CP15_RR = 0x04, EC_CP14 = 0x05, EC_LDC = 0x06, EC_FP = 0x07,
    EC_VMRS = 0x08, EC_PAUTH_TRAP = 0x09, EC_CP14_RR = 0x0c, EC_BTI = 0x0d, EC_ILLEGAL = 0x0e, EC_SVC32 = 0x11,
    EC_HVC32 = 0x12, EC_SMC32 = 0x13, EC_SVC = 0x15, EC_HVC = 0x16, EC_SMC = 0x17, EC_MSR = 0x18, EC_SVE = 0x19,
    EC_ERET = 0x1a, EC_FPAC = 0x1c, EC_IABT_LOWER = 0x20, EC_IABT = 0x21, EC_PC_ALIGN = 0x22, EC_DABT_LOWER = 0x24,
    EC_DABT = 0x25, EC_SP_ALIGN = 0x26, EC_FP32 = 0x28, EC_FP64 = 0x2c, EC_SERROR = 0x2f, EC_BKPT_LOWER = 0x30,
    EC_BKPT = 0x31, EC_STEP_LOWER = 0x32, EC_STEP = 0x33, EC_WATCH_LOWER = 0x34, EC_WATCH = 0x35, EC_BKPT32 = 0x38,
    EC_VECTOR32 = 0x3a, EC_BRK = 0x3c,
} ArmEc;
static inline uint32_t arm_syndrome(ArmEc ec, uint32_t iss)
{
    return (uint32_t)ec << ARM_EC_SHIFT | ARM_IL | iss;
}
typedef enum ArmFaultKind {
    ARM_FAULT_NONE, ARM_FAULT_SYNC, ARM_FAULT_UNDEF, ARM_FAULT_PREFETCH, ARM_FAULT_DATA, ARM_FAULT_SVC, ARM_FAULT_HVC,
    ARM_FAULT_SMC, ARM_FAULT_FPX, /* not an exception: the instruction is done again by exact FP helpers */
} ArmFaultKind;
/* Notes a synchronous exception at the current instruction; target 0: arm_sync_target(). */
void arm_note(ArmEnv *env, ArmFaultKind kind, uint32_t syndrome, unsigned target_el, uint64_t far);
void arm_raise(ArmEnv *env, ArmFaultKind kind, uint32_t syndrome, unsigned target_el, uint64_t far) G_GNUC_NORETURN;
void arm_raise_undef(ArmEnv *env) G_GNUC_NORETURN;
/* Enter the exception: PSTATE, ELR, SPSR, vector; AArch64 or AArch32 target. */
bool arm_deliver(void *env);
bool arm_interrupt(void *env);       /* TcgTarget.interrupt: IRQ, FIQ, SError, their virtual ones */
bool arm_has_work(Cpu *cpu);         /* leaves WFI */
bool arm_halted(void *env);
/* PSCI (psci.c): a call at HVC or SMC by the configured conduit; false: not one, make the exception. */
bool arm_psci_call(ArmEnv *env, uint64_t return_pc);

/* ---- translation regimes (mmu.c, mmu_s2.c, tlbi.c) ---- */
bool arm_mmu_walk(void *env, uint64_t va, int access, int mmu, MmuResult *res);
bool arm_debug_translate(Cpu *cpu, uint64_t va, hwaddr *pa);
/* AT instructions: PAR_EL1 for va; key is the SYS encoding. */
void arm_at(ArmEnv *env, uint32_t key, uint64_t va);
/* TLBI: this processor and, for the shareable ones, the others (done at the latest when arm_tlbi_sync() is). */
void arm_tlbi(ArmEnv *env, uint32_t key, uint64_t operand);
bool arm_tlbi_pending(ArmEnv *env);  /* others have not finished yet */
/* A write to TTBRx, TCR, VTTBR, CONTEXTIDR, SCTLR, HCR, VTCR ... that the TLB has to be told of. */
void arm_regime_changed(ArmEnv *env, uint32_t key, uint64_t old_value, uint64_t new_value);
void arm_note_align(void *env, uint64_t va);
void arm_note_bus_error(void *env, uint64_t va, hwaddr pa, int access);
/* deliver(), with the pc exact: adds to a noted abort of stage 2 what EL2 may know of the instruction (mmu_isv.c). */
void arm_fault_describe(ArmEnv *env);
/* MmuResult.attr */
#define ARM_PAGE_GUARDED 1
#define ARM_PAGE_TAGGED 2
/* Guarded page (BTI) at va under the current code mmu index? */
bool arm_page_guarded(ArmEnv *env, uint64_t va);

/* ---- allocation tags (mte.c) ---- */
/*
 * An access is about to be made that MODE_MTE (MODE_MTE_UNPRIV) says is checked: its translation faults and those of tags
 * are raised, or TFSR_ELx is told.
 */
void arm_mte_check(ArmEnv *env, uint64_t va, size_t len, bool write, int mmu);
/* Would it have the right tag? What can not be translated has not. */
bool arm_mte_matches(ArmEnv *env, uint64_t va, size_t len, bool write, int mmu);
/* The granules [va, va + len) get va's tag or another one (DC GVA, STGM ...); va is a multiple of 16. May raise. */
void arm_mte_set(ArmEnv *env, uint64_t va, size_t len, unsigned tag);

/* ---- system registers (sysreg.c and the files of groups of them) ---- */
/* How one works that is not plain storage: checked access has been granted. */
typedef struct ArmSysRegDef {
    ArmSysReg reg;
    int16_t feature;    /* ArmFeature, -1: always */
    int16_t slot;       /* ArmSr, -1: none */
    uint64_t mask;      /* writable bits of the slot */
    uint64_t (*read)(ArmEnv *env, const struct ArmSysRegDef *r);
    void (*write)(ArmEnv *env, const struct ArmSysRegDef *r, uint64_t val);
    /* Trap to a level (its syndrome's EC in *ec), 0: none, -1: UNDEFINED. NULL: levels only. */
    int (*trap)(ArmEnv *env, const struct ArmSysRegDef *r, bool write, ArmEc *ec);
} ArmSysRegDef;

/* ---- generic timers (timer.c), for boards through boot.h ---- */
uint64_t arm_count(const ArmEnv *env);   /* physical count */

/* ---- debug (debug.c) ---- */
uint64_t arm_debug_mode(const ArmEnv *env); /* MODE_SS, MODE_DEBUG as due now */
void arm_debug_changed(ArmEnv *env);        /* after a change of debug registers: are accesses watched? */
void arm_security_changed(ArmEnv *env);     /* EL3 entered or left, SCR_EL3.NS changed: the interrupt controller is told */
void arm_sve_narrow(ArmEnv *env);           /* ZCR changed: bits of Z and P beyond the effective length become 0 */
bool arm_watches(void *env, uint64_t va, int mmu);
void arm_accessed(void *env, uint64_t va, size_t len, int access, int mmu);

/* gdb.c: TargetOps.gdb */
extern const struct GdbTarget arm_gdb;

#endif
