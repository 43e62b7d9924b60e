/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD's Secure Virtual Machine (APM vol 2, chapter 15; the layout of the VMCB is appendix B).
 * What the files svm*.c share, and what the rest of the target asks them.
 *
 * Words: the host is the guest operating system that executes VMRUN, the guest its virtual machine.
 * Physical addresses of the host are those of our machine.
 */
#ifndef TARGET_I386_SVM_H
#define TARGET_I386_SVM_H

#include "target/i386/system.h"

/* ---- VMCB, control area ---- */
enum {
    VMCB_INTERCEPTS = 0x000, /* six words: exit code n has bit n % 32 of word n / 32 */
    VMCB_PAUSE_THRESHOLD = 0x03c, VMCB_PAUSE_COUNT = 0x03e, VMCB_IOPM = 0x040, VMCB_MSRPM = 0x048,
    VMCB_TSC_OFFSET = 0x050, VMCB_ASID = 0x058, VMCB_TLB_CONTROL = 0x05c, VMCB_INT_CTL = 0x060,
    VMCB_INT_VECTOR = 0x064, VMCB_INT_STATE = 0x068, VMCB_EXITCODE = 0x070, VMCB_EXITINFO1 = 0x078,
    VMCB_EXITINFO2 = 0x080, VMCB_EXITINTINFO = 0x088, VMCB_NESTED_CTL = 0x090,
    VMCB_EVENTINJ = 0x0a8, VMCB_NCR3 = 0x0b0, VMCB_VIRT_EXT = 0x0b8, VMCB_NRIP = 0x0c8,
    VMCB_INSN_LEN = 0x0d0, VMCB_INSN = 0x0d1,
};
/* ---- VMCB, state save area ---- */
enum {
    VMCB_ES = 0x400, VMCB_CS = 0x410, VMCB_SS = 0x420, VMCB_DS = 0x430, VMCB_FS = 0x440,
    VMCB_GS = 0x450, VMCB_GDTR = 0x460, VMCB_LDTR = 0x470, VMCB_IDTR = 0x480, VMCB_TR = 0x490,
    VMCB_CPL = 0x4cb, VMCB_EFER = 0x4d0, VMCB_CR4 = 0x548, VMCB_CR3 = 0x550, VMCB_CR0 = 0x558,
    VMCB_DR7 = 0x560, VMCB_DR6 = 0x568, VMCB_RFLAGS = 0x570, VMCB_RIP = 0x578, VMCB_RSP = 0x5d8,
    VMCB_RAX = 0x5f8, VMCB_STAR = 0x600, VMCB_LSTAR = 0x608, VMCB_CSTAR = 0x610,
    VMCB_SFMASK = 0x618, VMCB_KERNEL_GS = 0x620, VMCB_SYSENTER_CS = 0x628,
    VMCB_SYSENTER_ESP = 0x630, VMCB_SYSENTER_EIP = 0x638, VMCB_CR2 = 0x640, VMCB_G_PAT = 0x668,
    VMCB_SIZE = 0x698,
};

/* VMCB_INT_CTL */
#define V_TPR 0xfu
#define V_IRQ (1u << 8)
#define V_GIF (1u << 9)
#define V_PRIO_SHIFT 16
#define V_IGN_TPR (1u << 20)
#define V_INTR_MASKING (1u << 24)
#define V_GIF_ENABLE (1u << 25)
/* VMCB_INT_STATE */
#define INT_STATE_SHADOW 1u
#define INT_STATE_IF 2u
/* VMCB_NESTED_CTL, VMCB_VIRT_EXT */
#define NESTED_NP 1u
#define VIRT_VMLOAD 2u
/* VMCB_EVENTINJ, VMCB_EXITINTINFO: the error code is in the upper half */
#define EVENT_TYPE_SHIFT 8
#define EVENT_EV (1u << 11)
#define EVENT_VALID (1u << 31)
enum { EVENT_TYPE_INTR = 0, EVENT_TYPE_NMI = 2, EVENT_TYPE_EXCEPTION = 3, EVENT_TYPE_SOFT = 4 };

/* Exit codes (APM vol 2, appendix C). */
enum {
    SVM_EXIT_READ_CR0 = 0x00, SVM_EXIT_WRITE_CR0 = 0x10, SVM_EXIT_READ_DR0 = 0x20,
    SVM_EXIT_WRITE_DR0 = 0x30, SVM_EXIT_EXCP0 = 0x40, SVM_EXIT_INTR = 0x60, SVM_EXIT_NMI,
    SVM_EXIT_SMI, SVM_EXIT_INIT, SVM_EXIT_VINTR, SVM_EXIT_CR0_SEL_WRITE, SVM_EXIT_READ_IDTR,
    SVM_EXIT_READ_GDTR, SVM_EXIT_READ_LDTR, SVM_EXIT_READ_TR, SVM_EXIT_WRITE_IDTR,
    SVM_EXIT_WRITE_GDTR, SVM_EXIT_WRITE_LDTR, SVM_EXIT_WRITE_TR, SVM_EXIT_RDTSC, SVM_EXIT_RDPMC,
    SVM_EXIT_PUSHF, SVM_EXIT_POPF, SVM_EXIT_CPUID, SVM_EXIT_RSM, SVM_EXIT_IRET, SVM_EXIT_SWINT,
    SVM_EXIT_INVD, SVM_EXIT_PAUSE, SVM_EXIT_HLT, SVM_EXIT_INVLPG, SVM_EXIT_INVLPGA, SVM_EXIT_IOIO,
    SVM_EXIT_MSR, SVM_EXIT_TASK_SWITCH, SVM_EXIT_FERR_FREEZE, SVM_EXIT_SHUTDOWN, SVM_EXIT_VMRUN,
    SVM_EXIT_VMMCALL, SVM_EXIT_VMLOAD, SVM_EXIT_VMSAVE, SVM_EXIT_STGI, SVM_EXIT_CLGI,
    SVM_EXIT_SKINIT, SVM_EXIT_RDTSCP, SVM_EXIT_ICEBP, SVM_EXIT_WBINVD, SVM_EXIT_MONITOR,
    SVM_EXIT_MWAIT, SVM_EXIT_MWAIT_COND, SVM_EXIT_XSETBV, SVM_EXIT_INVPCID = 0xa2,
    SVM_EXIT_NPF = 0x400,
};
#define SVM_EXIT_INVALID (~0ull)

/* SVM_EXIT_IOIO, EXITINFO1 */
#define SVM_IO_IN 1u
#define SVM_IO_STRING 4u
#define SVM_IO_REP 8u
#define SVM_IO_SIZE_SHIFT 4  /* 1, 2 or 4 bytes as they are */
#define SVM_IO_ASIZE_SHIFT 7 /* 1, 2 or 4: 16, 32, 64 bits */
#define SVM_IO_SEG_SHIFT 10
#define SVM_IO_PORT_SHIFT 16
/* SVM_EXIT_NPF, EXITINFO1 */
#define NPF_FINAL (1ull << 32)
#define NPF_TABLE (1ull << 33)

/* MSRs */
#define MSR_TSC_RATIO 0xc0000104u
#define MSR_VM_CR 0xc0010114u
#define MSR_VM_HSAVE_PA 0xc0010117u
#define VM_CR_R_INIT (1u << 1)
#define VM_CR_LOCK (1u << 3)
#define VM_CR_SVMDIS (1u << 4)

#define SVM_ASIDS 16 /* address space identifiers, CPUID 8000_000A EBX */

/*
 * ---- the state of interrupts ----
 * In system management mode a guest's state waits where it is and svm_guest is clear: nothing of
 * it may act.
 */
static inline bool svm_intercepts(const X86State *s, unsigned code)
{
    return s->svm_guest && (s->svm_icpt[code / 32] >> (code & 31) & 1);
}
/* Is INTR let through? The flag that counts in a guest may be the host's (APM vol 2, 15.21.1). */
static inline bool svm_intr_enabled(const X86State *s)
{
    return s->svm_guest && (s->svm_int_ctl & V_INTR_MASKING) ? s->svm_hif : (s->rflags & FLAG_IF) != 0;
}
/* A virtual interrupt that the guest would take now, but for interrupt shadows. */
static inline bool svm_virq_ready(const X86State *s)
{
    uint32_t c = s->svm_int_ctl;

    return s->svm_guest && (c & V_IRQ) && (s->rflags & FLAG_IF) && (!(c & V_GIF_ENABLE) || (c & V_GIF)) &&
           ((c & V_IGN_TPR) || (c >> V_PRIO_SHIFT & 15) > (c & V_TPR));
}

/* ---- leaving a guest (svm_exit.c) ---- */
/* Note an exit for x86_deliver(); state must be as for x86_note(). nrip: 0 where none is defined. */
void svm_note_exit(X86Env *env, uint64_t code, uint64_t info1, uint64_t info2, uint64_t nrip);
/* The same, and leave for it. */
void svm_exit(X86Env *env, uint64_t code, uint64_t info1, uint64_t info2,
              uint64_t nrip) G_GNUC_NORETURN;
/* Leave if the guest's instruction at rip is intercepted; nRIP comes from its length. */
void svm_check_insn(X86Env *env, unsigned code, uint64_t info1);
/* rip of the instruction after the one at rip; 0 if its bytes are not there. */
uint64_t svm_next_rip(X86Env *env);
/* Does the exception that is noted leave the guest? Then svm_note_exit() is done. */
bool svm_exception_exits(X86Env *env);
/* An intercepted event between instructions: leave at once. False if it is not intercepted. */
bool svm_event_exits(X86Env *env, unsigned code, uint64_t info1);
/* Switch to the host with what was noted. A host whose saved state is broken shuts down. */
void svm_vmexit(X86Env *env);

/* ---- entering one (svm.c) ---- */
/* The event that VMRUN injected, in the form of x86_deliver_event(). */
void svm_injected_event(X86Env *env, X86Event *ev);

/* ---- registers ---- */
/* Put CR0, CR3, CR4 and EFER together (LMA follows), without checks. */
void svm_load_paging(X86State *s, uint64_t cr0, uint64_t cr3, uint64_t cr4, uint64_t efer);

/* ---- consistency (svm_check.c) ---- */
typedef struct SvmPaging {
    uint64_t cr0, cr3, cr4, efer;
    X86Seg cs;
} SvmPaging;
/* Is it a state that a processor can be in (APM vol 2, 15.5.1)? */
bool svm_paging_valid(const X86CpuConfig *c, const SvmPaging *p, bool may_be_paged_real);
/* The VMCB: control area and guest state. */
struct Vmcb;
bool svm_vmcb_valid(X86Env *env, const struct Vmcb *v);

/* ---- MSRs (svm_insn.c) ---- */
bool svm_write_vm_cr(X86Env *env, uint64_t v);
bool svm_write_hsave(X86Env *env, uint64_t v);

/* ---- a page in the layout of the VMCB ---- */

/* Opened for one helper's accesses: by pointer if it is RAM. */
typedef struct Vmcb {
    X86Env *env;
    hwaddr pa;
    uint8_t *host; /* NULL: not RAM */
} Vmcb;
static inline Vmcb vmcb_open(X86Env *env, hwaddr pa, bool write)
{
    return (Vmcb){env, pa, tcg_phys_page(env, pa, write)};
}
/* After the last vmcb_put(). */
static inline void vmcb_written(const Vmcb *v)
{
    if (v->host) {
        tcg_phys_written(v->env, v->pa, VMCB_SIZE);
    }
}
static inline uint64_t vmcb_get(const Vmcb *v, unsigned field, unsigned size)
{
    return G_LIKELY(v->host) ? ld_le_n(v->host + field, size) : tcg_phys_load(v->env, v->pa + field, size);
}
static inline void vmcb_put(const Vmcb *v, unsigned field, unsigned size, uint64_t value)
{
    if (G_LIKELY(v->host)) {
        st_le_n(v->host + field, size, value);
    } else {
        tcg_phys_store(v->env, v->pa + field, value, size);
    }
}
void svm_load_seg(const Vmcb *v, unsigned field, X86Seg *seg);
void svm_save_seg(const Vmcb *v, unsigned field, const X86Seg *seg);
/* What both VMRUN (of the host) and #VMEXIT (of the guest) save; rip: where that world goes on. */
void svm_save_world(X86Env *env, const Vmcb *v, uint64_t rip);

#endif
