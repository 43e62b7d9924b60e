/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of target/i386 that implement system behaviour (memory
 * management, exceptions, segments, registers) share. SDM = Intel 64 and IA-32
 * Software Developer's Manual, APM = AMD64 Architecture Programmer's Manual.
 *
 * home: the vCPU's thread, unless said otherwise.
 */
#ifndef TARGET_I386_SYSTEM_H
#define TARGET_I386_SYSTEM_H

#include <string.h>
#include "accel/tcg/target.h"
#include "base/bits.h"
#include "base/log.h"
#include "target/i386/env.h"
#include "target/i386/helper.h"

/* RFLAGS */
#define FLAG_CF (1u << 0)
#define FLAG_PF (1u << 2)
#define FLAG_AF (1u << 4)
#define FLAG_ZF (1u << 6)
#define FLAG_SF (1u << 7)
#define FLAG_TF (1u << 8)
#define FLAG_IF (1u << 9)
#define FLAG_DF (1u << 10)
#define FLAG_OF (1u << 11)
#define FLAG_IOPL (3u << 12)
#define FLAG_IOPL_SHIFT 12
#define FLAG_NT (1u << 14)
#define FLAG_RF (1u << 16)
#define FLAG_VM (1u << 17)
#define FLAG_AC (1u << 18)
#define FLAG_VIF (1u << 19)
#define FLAG_VIP (1u << 20)
#define FLAG_ID (1u << 21)
#define FLAG_ALL 0x3f7fd7u /* bits that exist, with the one that is always set */

/* CR0, CR4, EFER */
#define CR0_PE (1u << 0)
#define CR0_MP (1u << 1)
#define CR0_EM (1u << 2)
#define CR0_TS (1u << 3)
#define CR0_ET (1u << 4)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_AM (1u << 18)
#define CR0_NW (1u << 29)
#define CR0_CD (1u << 30)
#define CR0_PG (1u << 31)
#define CR4_VME (1u << 0)
#define CR4_PVI (1u << 1)
#define CR4_TSD (1u << 2)
#define CR4_DE (1u << 3)
#define CR4_PSE (1u << 4)
#define CR4_PAE (1u << 5)
#define CR4_MCE (1u << 6)
#define CR4_PGE (1u << 7)
#define CR4_PCE (1u << 8)
#define CR4_OSFXSR (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP (1u << 11)
#define CR4_LA57 (1u << 12)
#define CR4_FSGSBASE (1u << 16)
#define CR4_PCIDE (1u << 17)
#define CR4_OSXSAVE (1u << 18)
#define CR4_SMEP (1u << 20)
#define CR4_SMAP (1u << 21)
#define CR4_PKE (1u << 22)
#define EFER_SCE (1u << 0)
#define EFER_LME (1u << 8)
#define EFER_LMA (1u << 10)
#define EFER_NXE (1u << 11)
#define EFER_SVME (1u << 12)
#define EFER_FFXSR (1u << 14)
#define EFER_AIBRSE (1u << 21)

/* s.trap_pending; bits 4 to 7 are breakpoints 0 to 3 */
#define TRAP_STEP 1u

/* DR6, DR7 */
#define DR6_RESET 0xffff0ff0u
#define DR6_BD (1u << 13)
#define DR6_BS (1u << 14)
#define DR6_BT (1u << 15)
#define DR7_RESET 0x400u
#define DR7_GD (1u << 13)

enum {
    EXC_DE = 0, EXC_DB = 1, EXC_NMI = 2, EXC_BP = 3, EXC_OF = 4, EXC_BR = 5, EXC_UD = 6,
    EXC_NM = 7, EXC_DF = 8, EXC_TS = 10, EXC_NP = 11, EXC_SS = 12, EXC_GP = 13, EXC_PF = 14,
    EXC_MF = 16, EXC_AC = 17, EXC_MC = 18, EXC_XM = 19, EXC_SX = 30,
};

/* Page fault error code */
#define PF_P (1u << 0)
#define PF_W (1u << 1)
#define PF_U (1u << 2)
#define PF_RSVD (1u << 3)
#define PF_I (1u << 4)
#define PF_PK (1u << 5)

/* cpu->target_priv */
typedef struct X86Cpu {
    X86CpuConfig config;
    int64_t tsc_offset; /* atomic: copy of the state's, for x86_cpu_tsc_to_ns() */
} X86Cpu;

static inline X86Cpu *x86_cpu(const Cpu *cpu)
{
    return cpu->target_priv;
}

/* ---- flags and mode (flags.c) ---- */
static inline uint64_t x86_rflags(const X86Env *env)
{
    return (env->s.rflags & ~(uint64_t)CC_EFLAGS_MASK) | (env->cc & CC_EFLAGS_MASK) | 2;
}
/* All of RFLAGS, with everything that follows from it. */
void x86_set_rflags(X86Env *env, uint64_t v);
/* The same for a caller that goes on to call x86_update_mode(). */
void x86_put_rflags(X86Env *env, uint64_t v);
/* Recompute env->mode, cpl and df8 after any change of what they summarise. */
void x86_update_mode(X86Env *env);
uint64_t x86_compute_mode(const X86State *s, const X86CpuConfig *c);
int x86_state_cpl(const X86State *s);
/* Ask for another look at pending interrupts if some could be taken now. */
void x86_poll_interrupts(X86Env *env);

static inline bool x86_protected(const X86Env *env)
{
    return env->s.cr0 & CR0_PE;
}
static inline bool x86_v86(const X86Env *env)
{
    return env->s.rflags & FLAG_VM;
}
static inline bool x86_long(const X86Env *env)
{
    return env->s.efer & EFER_LMA;
}
static inline bool x86_code64(const X86Env *env)
{
    return x86_long(env) && (env->s.seg[S_CS].attr & SEG_L);
}
static inline int x86_iopl(const X86Env *env)
{
    return env->s.rflags >> FLAG_IOPL_SHIFT & 3;
}
static inline bool x86_canonical(const X86Env *env, uint64_t va)
{
    int bits = env->s.cr4 & CR4_LA57 ? 57 : 48;
    return (uint64_t)sign_extend64(va, bits) == va;
}
/* mmu index of the processor's own accesses to descriptor tables and task state. */
static inline int x86_sys_mmu(const X86Env *env)
{
    return x86_mode_space(env->mode, env->s.cr4 & CR4_SMAP ? X86_MMU_KERNEL : X86_MMU_KERNEL_NOSMAP);
}
/* mmu index of data accesses made at privilege level cpl. */
static inline int x86_cpl_mmu(const X86Env *env, int cpl)
{
    bool smap = (env->s.cr4 & CR4_SMAP) && !(env->s.rflags & FLAG_AC);

    return x86_mode_space(env->mode, cpl == 3 ? X86_MMU_USER : smap ? X86_MMU_KERNEL
                                                                    : X86_MMU_KERNEL_NOSMAP);
}
static inline int x86_data_mmu(const X86Env *env)
{
    return x86_cpl_mmu(env, env->cpl);
}

/* State components not in their initial state, as XINUSE and XGETBV(1) have them (xsave.c). */
uint64_t x86_xinuse(const X86Env *env);

/* ---- exceptions (exception.c) ---- */
void x86_note(X86Env *env, int vector, bool has_err, uint32_t err, uint64_t addr);
void x86_raise(X86Env *env, int vector) G_GNUC_NORETURN;                   /* no error code */
void x86_raise_err(X86Env *env, int vector, uint32_t err) G_GNUC_NORETURN;
static inline void G_GNUC_NORETURN x86_gp(X86Env *env, uint32_t err)
{
    x86_raise_err(env, EXC_GP, err);
}
static inline void G_GNUC_NORETURN x86_ud(X86Env *env)
{
    x86_raise(env, EXC_UD);
}

/* How an event enters the guest. */
typedef struct X86Event {
    uint8_t vector;
    uint8_t kind;       /* X86EventKind */
    uint8_t soft;       /* 0 no instruction for it; 1 INT n; 2 INT3, INTO; 3 INT1 */
    bool has_err;
    uint32_t err;
    uint64_t ret_ip;    /* instruction pointer to push */
    bool set_rf;        /* fault: the pushed image has RF */
} X86Event;
/* Through IVT or IDT; may fault (tcg_raise). */
void x86_deliver_event(X86Env *env, const X86Event *ev);
bool x86_deliver(void *env);            /* TcgTarget.deliver */
bool x86_exception_is_fault(int vector);
/* Write what tells the handler about the noted #PF or #DB: CR2, DR6, DR7. */
void x86_exception_registers(X86Env *env);

/* ---- interrupts (interrupt.c) ---- */
bool x86_interrupt(void *env);          /* TcgTarget.interrupt */
bool x86_halted(void *env);
bool x86_has_work(Cpu *cpu);
bool x86_can_interrupt(const X86Env *env); /* is there one that would be taken now? */
/* Copy what has_work() looks at to cpu->state, before sleeping. */
void x86_publish_wait(X86Env *env);
void x86_init_reset(X86Env *env);       /* INIT */

/* ---- descriptors (segment.c) ---- */
typedef struct X86Desc {
    uint32_t lo, hi;
    uint64_t addr;      /* linear address it was read from */
    uint32_t base_high; /* bits 63:32 of a 16-byte system descriptor */
} X86Desc;
#define DESC_A (1u << 8)
#define DESC_W (1u << 9)      /* data: writable; code: readable */
#define DESC_C (1u << 10)     /* code: conforming; data: expand down */
#define DESC_CODE (1u << 11)
#define DESC_S (1u << 12)
#define DESC_P (1u << 15)
#define DESC_L (1u << 21)
#define DESC_B (1u << 22)
#define DESC_G (1u << 23)
static inline int desc_dpl(const X86Desc *d)
{
    return d->hi >> 13 & 3;
}
static inline unsigned desc_type(const X86Desc *d)
{
    return d->hi >> 8 & 15;
}
static inline bool desc_is_code(const X86Desc *d)
{
    return (d->hi & (DESC_S | DESC_CODE)) == (DESC_S | DESC_CODE);
}
static inline bool desc_is_writable_data(const X86Desc *d)
{
    return (d->hi & (DESC_S | DESC_CODE | DESC_W)) == (DESC_S | DESC_W);
}
uint32_t desc_limit(const X86Desc *d);
uint64_t desc_base(const X86Desc *d);
void desc_to_seg(const X86Desc *d, uint16_t sel, X86Seg *seg);
static inline bool sel_null(uint16_t sel)
{
    return !(sel & ~3u);
}
/* False: selector null-table or beyond the table's limit. Memory faults are raised. */
bool x86_read_desc(X86Env *env, uint16_t sel, X86Desc *d);
/* The upper half of a 16-byte descriptor, for system segments and gates in long mode. */
bool x86_read_desc_high(X86Env *env, uint16_t sel, X86Desc *d, uint32_t *top_word);
/* Set the accessed bit in the table if it is clear, and in *d. */
void x86_mark_accessed(X86Env *env, X86Desc *d);
/* Real-address or v86 form. CS: in real mode limit and attributes stay. */
void x86_load_seg_real(X86Env *env, int reg, uint16_t sel);
/* MOV/POP Sreg with all checks of the current mode. */
void x86_load_seg(X86Env *env, int reg, uint16_t sel);
void x86_null_seg(X86Env *env, int reg, uint16_t sel);
/* SS of a stack switch to level dpl: #TS/#SS unless fit. */
void x86_check_inner_ss(X86Env *env, uint16_t sel, int dpl, X86Desc *d);
/* Stack pointer for level dpl out of the TSS (legacy form). */
void x86_tss_stack(X86Env *env, int dpl, uint16_t *ss, uint32_t *esp);
uint64_t x86_tss_rsp(X86Env *env, unsigned offset);

/* A stack being pushed to or popped from; registers change only when it is committed. */
typedef struct X86Stack {
    X86Env *env;
    uint64_t base, sp, mask;
    uint32_t limit, attr;
    int mmu;
    bool wide;          /* 64-bit: canonical checks instead of limits */
    uint32_t fault_err; /* error code of #SS */
} X86Stack;
void stack_init(X86Env *env, X86Stack *st, const X86Seg *ss, uint64_t sp, int cpl, bool wide);
void stack_push(X86Stack *st, uint64_t v, unsigned size);
uint64_t stack_pop(X86Stack *st, unsigned size);
/* RSP with the bits that the stack's width leaves alone. */
static inline uint64_t stack_merge(const X86Stack *st, uint64_t old_rsp)
{
    return st->wide ? st->sp
                    : (st->mask == 0xffffffff ? 0 : old_rsp & ~st->mask) | (st->sp & st->mask);
}
/* Current stack. */
void stack_init_current(X86Env *env, X86Stack *st);
/* Was it through SS that the instruction at RIP came to va? 64-bit code; not for helpers that use the above. */
bool x86_is_stack_reference(X86Env *env, uint64_t va);

/* ---- tasks (task.c) ---- */
typedef enum X86TaskSwitch { TASK_JMP, TASK_CALL, TASK_IRET } X86TaskSwitch;
/* Switch to the task whose TSS descriptor *d has selector sel; next_ip goes into the old TSS. */
void x86_task_switch(X86Env *env, uint16_t sel, const X86Desc *d, X86TaskSwitch how,
                     uint64_t next_ip);

/* ---- memory management (mmu.c) ---- */
bool x86_mmu_walk(void *env, uint64_t va, int access, int mmu, MmuResult *res);
bool x86_debug_translate(Cpu *cpu, uint64_t vaddr, hwaddr *paddr);
/*
 * Read the four PAE page directory pointers at cr3, if that is the paging of these registers;
 * false: reserved bits are set, and nothing has changed. With nested paging they are read in walks.
 */
bool x86_try_load_pdptes(X86Env *env, uint64_t cr0, uint64_t cr4, uint64_t cr3);
/* The same with #GP(0). */
void x86_load_pdptes(X86Env *env, uint64_t cr0, uint64_t cr4, uint64_t cr3);
/* Physical address, as the machine has it, of an SVM guest's; leaves the guest on a nested page fault. */
hwaddr x86_guest_physical(X86Env *env, hwaddr pa, int access);
/* Up to max bytes of the code at rip, as far as they are mapped, without side effects; how many. */
size_t x86_peek_code(X86Env *env, uint8_t *buf, size_t max);

/* ---- registers (sysreg.c, msr.c) ---- */
bool x86_pat_valid(uint64_t pat);
void x86_set_cr0(X86Env *env, uint64_t v);
void x86_set_cr3(X86Env *env, uint64_t v, bool no_flush); /* no_flush: what is cached of its PCID stays */
void x86_set_cr4(X86Env *env, uint64_t v);
bool x86_msr_read(X86Env *env, uint32_t msr, uint64_t *v);
bool x86_msr_write(X86Env *env, uint32_t msr, uint64_t v);
/* The translator's choice of a frequency for guests' time stamp counters: ticks of 1 ns. */
#define X86_TSC_HZ 1000000000ull
#define X86_TSC_HZ_MIN 1000000ull
#define X86_TSC_HZ_MAX 100000000000ull
uint64_t x86_tsc(Cpu *cpu, const X86State *s);
/* The same as the running code reads it: an SVM guest's is scaled and moved (APM vol 2, 15.30.5, 15.5.1). */
uint64_t x86_read_tsc(const X86Env *env);
/* To be called whenever the state's tsc_offset changed. */
static inline void x86_publish_tsc(Cpu *cpu, const X86State *s)
{
    __atomic_store_n(&x86_cpu(cpu)->tsc_offset, s->tsc_offset, __ATOMIC_RELAXED);
}

/* ---- virtual machines (svm_insn.c; see also svm.h) ---- */
/* #UD unless SVM is on and this is protected mode; #GP(0) above CPL 0. */
void x86_svm_privilege(X86Env *env);
/* Page address in rAX, of width w (IrWidth); #GP(0) if it is none. */
hwaddr x86_svm_operand(X86Env *env, unsigned w);

/* ---- ports (io.c) ---- */
/* System management mode: see smm.c. */
void x86_take_smi(X86Env *env);
void x86_select_memory(X86Env *env); /* the view of memory that belongs to s.smm */

/* Breakpoints and alignment checks: see debug.c. */
bool x86_breakpoints(const X86State *s); /* is one enabled in DR7? */
bool x86_wants_watch(uint64_t mode);     /* must data accesses be told of under this mode word? */
void x86_debug_changed(X86Env *env);
bool x86_watches(void *env, uint64_t va, int mmu);
void x86_accessed(void *env, uint64_t va, size_t len, int access, int mmu);
void x86_debug_port(X86Env *env, uint16_t port, unsigned size);
/* Takes the debug traps that are due: their bits of DR6, or 0. */
uint64_t x86_take_traps(X86Env *env);

void x86_check_port(X86Env *env, uint16_t port, unsigned size);
uint64_t x86_port_in(X86Env *env, uint16_t port, unsigned size);
void x86_port_out(X86Env *env, uint16_t port, uint64_t v, unsigned size);

/* General registers by width (1, 2, 4, 8 bytes) with the architecture's merging. */
static inline uint64_t width_mask(unsigned size)
{
    return size == 8 ? ~0ull : (1ull << size * 8) - 1;
}
static inline uint64_t x86_merge(uint64_t old, uint64_t v, unsigned size)
{
    switch (size) {
    case 8:
        return v;
    case 4:
        return (uint32_t)v;
    default:
        return (old & ~width_mask(size)) | (v & width_mask(size));
    }
}

/* gdb.c: TargetOps.gdb */
extern const struct GdbTarget x86_gdb;

#endif
