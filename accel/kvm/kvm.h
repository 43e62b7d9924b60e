/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of accel/kvm share: the virtual machine and its vCPUs as the kernel has them
 * (Linux, Documentation/virt/kvm/api.rst, which the comments call "the API").
 */
#ifndef ACCEL_KVM_KVM_H
#define ACCEL_KVM_KVM_H

#include <linux/kvm.h>
#include <pthread.h>

#include "core/accel.h"
#include "core/apics.h"
#include "core/machine.h"

typedef struct X86State X86State; /* target/i386/state.h */

#define KVM_MAX_MSRS 128
/* Requests that are the vCPU loop's (core/cpu_loop.c). */
#define KVM_LOOP_REQUESTS (CPU_REQ_STOP | CPU_REQ_WORK | CPU_REQ_EXIT | CPU_REQ_RESET)

/* A stretch of guest-physical memory that the kernel maps (slots.c). */
typedef struct KvmSlot {
    uint32_t id;
    uint64_t base, size;
    uint8_t *host;
    bool readonly;
} KvmSlot;

/* An MSR that is kept in a field of X86State (x86_msr.c). */
typedef struct KvmMsr {
    uint32_t index, offset;
} KvmMsr;

/* kernel-irqchip= */
typedef enum KvmIrqchip { KVM_IRQCHIP_AUTO, KVM_IRQCHIP_OFF, KVM_IRQCHIP_SPLIT } KvmIrqchip;

/* The virtual machine. */
typedef struct KvmMachine {
    Machine *machine;
    int dev_fd, fd;
    bool rescue;            /* rescue=on: the translator executes what KVM cannot */
    bool readonly_slots, intr_shadow, sregs2, tsc_attr, sync_regs; /* what this kernel has */
    KvmIrqchip irqchip;     /* never AUTO once it is created */
    bool lent;              /* irqchip.c: the kernel has the local APICs' state; changes while all vCPUs are parked */
    bool all_failures;      /* KVM_CAP_EXIT_ON_EMULATION_FAILURE is on */
    int xsave_size, mmap_size;
    /* slots.c; guarded by: slot_lock */
    pthread_mutex_t slot_lock;
    GArray *slots;          /* KvmSlot */
    uint64_t slot_changes;
    /* Nobody may enter the guest while `holders` is not 0; guarded by: hold_lock */
    pthread_mutex_t hold_lock;
    pthread_cond_t hold_cond;
    uint32_t holders;       /* atomic for readers */
    const AccelOps *assist; /* atomic; the translator once it was needed */
    /* clock.c: what the host's TSC read when the machine's clock stood at 0, by extrapolation */
    uint64_t tsc_origin, tsc_hz;
    struct kvm_clock_data clock;
    int64_t clock_at;       /* the machine's clock when it was saved */
    bool clock_saved, was_running, active;
} KvmMachine;

#define KVM_EXIT_KINDS 40

/* A vCPU. home: its thread, but for what says otherwise. */
typedef struct KvmVcpu {
    Cpu *cpu;
    KvmMachine *km;
    int fd;
    struct kvm_run *run;
    uint32_t in_run;        /* atomic: between the look at the requests and the end of KVM_RUN */
    bool io_pending;        /* the instruction of the last exit ends with the next KVM_RUN */
    struct kvm_xsave *xsave;
    KvmMsr msrs[KVM_MAX_MSRS]; /* those that this kernel has */
    unsigned n_msrs;
    X86State *known;        /* what the kernel has, as far as it did not run since */
    bool known_valid;
    bool tsc_stale;         /* the next push sets the TSC, whatever is known */
    uint64_t apic_base, cr8; /* of a local APIC in the kernel, as they were last seen there */
    bool door_stale;        /* lent: kvm_run's ready_for_interrupt_injection is not of the state that was pushed */
    bool extint;            /* a vector was handed to KVM_INTERRUPT that the kernel may not have injected yet */
    bool synced;            /* run->s.regs has what KVM_RUN came back with */
    uint64_t exits[KVM_EXIT_KINDS];
    uint64_t runs, interrupts, rescues, assists;
    uint64_t last_rescue_rip;
} KvmVcpu;

static inline KvmMachine *kvm_of(Machine *m)
{
    return *machine_accel_priv(m, ACCEL_SLOT_KVM);
}
static inline KvmVcpu *kvm_vcpu(const Cpu *cpu)
{
    return cpu->accel_priv[ACCEL_SLOT_KVM];
}

/* A capability without which nothing works (KVM_CAP_<name>); a list ends with a row without a name. */
typedef struct KvmNeed {
    int cap;
    const char *name;
} KvmNeed;

/* As whose the accesses of a vCPU go to devices. */
static inline MemAttrs kvm_attrs(const KvmVcpu *v)
{
    return (MemAttrs){.requester = (uint16_t)v->cpu->index};
}

/* device.c */
/* ioctl() that is tried again after a signal; -1 and errno. */
int kvm_ioctl(int fd, unsigned long request, void *arg);
/* KVM_CHECK_EXTENSION of /dev/kvm or of a virtual machine; 0: not there. */
int kvm_has(int fd, int cap);
/* /dev/kvm, if it has all of these; -1: the reason is in errp. */
int kvm_open_device(const KvmNeed *needed, Error **errp);
/* Can guests of that target run here, whose processors are arch's? Otherwise the reason is in errp. */
bool kvm_runs_target(const TargetOps *t, const char *arch, const KvmNeed *needed, Error **errp);
/* A virtual machine of that type (the API, KVM_CREATE_VM); -1: the reason is in errp. */
int kvm_create_vm(int fd, unsigned long type, Error **errp);
/* kvm_kick()'s signal gets its handler. */
void kvm_catch_kicks(void);

/* slots.c */
void kvm_slots_init(KvmMachine *km);
void kvm_slots_fini(KvmMachine *km);
/* Make the kernel's memory slots those of the machine's view. Any thread; waits until no vCPU is in the guest. */
void kvm_slots_update(KvmMachine *km);
/* No vCPU is in the guest between the two. Any thread; they nest and overlap. */
void kvm_hold(KvmMachine *km);
void kvm_release(KvmMachine *km);
/* On the vCPU's thread before each KVM_RUN: false, and after a wait, if somebody holds. */
bool kvm_may_enter(KvmVcpu *v);
/* After KVM_RUN. */
void kvm_left(KvmVcpu *v);

/* enter.c */
/* The kernel's vCPU of that number and its shared page; false: destroy what there is of it. */
bool kvm_vcpu_create(KvmVcpu *v, unsigned long id, Error **errp);
void kvm_vcpu_destroy(KvmVcpu *v);
void kvm_kick(Cpu *cpu);
/* KVM_RUN that does not enter the guest, but does what comes before and after. Its result; 1: somebody held, nothing was done. */
int kvm_touch(KvmVcpu *v);
/* Let the kernel finish the instruction of the last exit (the API, KVM_EXIT_IO). */
void kvm_finish_io(KvmVcpu *v);
/* KVM_RUN said so: a message, and what kvm_handle_exit() gives then. */
int kvm_run_failed(KvmVcpu *v, int err);

/* mmio.c */
/* KVM_EXIT_MMIO */
void kvm_memory_io(KvmVcpu *v);

/* vcpu.c */
bool kvm_vcpu_open(Cpu *cpu, Error **errp);
void kvm_vcpu_close(Cpu *cpu);
Exit kvm_run(Cpu *cpu);

/* exits.c: 0 to go on, otherwise an Exit + 1 */
int kvm_handle_exit(KvmVcpu *v);

/* x86_state.c */
void kvm_pull(Cpu *cpu);
void kvm_push(Cpu *cpu);
/* The controller changed the APIC base. */
void kvm_push_apic_base(KvmVcpu *v);
/* Of a halted processor: what TargetOps.has_work looks at. */
void kvm_publish_halt(KvmVcpu *v);
bool kvm_halted(const KvmVcpu *v);
/* Is it in a mode that only the translator has (system management)? */
bool kvm_needs_assist(const KvmVcpu *v);
void kvm_wake(KvmVcpu *v);
/* The #UD that the kernel put in place of an instruction it does not emulate. */
void kvm_drop_exception(KvmVcpu *v);
/* The instruction pointer of the guest, for messages. */
uint64_t kvm_pc(KvmVcpu *v);

/* x86_fpu.c */
void kvm_pull_fpu(KvmVcpu *v, X86State *s);
void kvm_push_fpu(KvmVcpu *v, const X86State *s);

/* x86_msr.c */
void kvm_msrs_init(KvmVcpu *v);
void kvm_pull_msrs(KvmVcpu *v, X86State *s);
void kvm_push_msrs(KvmVcpu *v, X86State *s); /* those that differ from v->known */
/* An MSR that the kernel leaves to us; false: #GP(0). */
bool kvm_msr_read(KvmVcpu *v, uint32_t msr, uint64_t *val);
bool kvm_msr_write(KvmVcpu *v, uint32_t msr, uint64_t val);
/* Which MSRs are ours although the kernel knows them. */
bool kvm_msr_filter(KvmMachine *km, Error **errp);

/* irqchip.c */
bool kvm_irqchip_parse(KvmMachine *km, const char *value, Error **errp);
/* Before vCPUs are made. */
bool kvm_irqchip_create(KvmMachine *km, Error **errp);
/* Will machines without an option have local APICs in the kernel? fd: /dev/kvm */
bool kvm_irqchip_default(int fd);
/* All vCPUs parked: the local APICs go to the kernel, and come back. Without APICs there nothing happens. */
void kvm_lend_apics(KvmMachine *km);
void kvm_take_apics(KvmMachine *km);
void kvm_apics_reset(void *km, Machine *m); /* ResetFn */
/* On the vCPU's thread, while they are lent. */
void kvm_settle_apic(KvmVcpu *v);
int kvm_acknowledge_extint(KvmVcpu *v);
void kvm_eoi(KvmVcpu *v);
/* What was handed to KVM_INTERRUPT is part of the state afterwards. */
void kvm_flush_extint(KvmVcpu *v);

/* x86_cpuid.c */
AccelX86 *kvm_x86_caps(Machine *m, Error **errp);
bool kvm_set_cpuid(KvmVcpu *v, Error **errp);

/* clock.c */
void kvm_clock_init(KvmMachine *km);
void kvm_clock_fini(KvmMachine *km);
/* AccelOps.leave and enter. */
void kvm_leave(Machine *m);
void kvm_enter(Machine *m);
bool kvm_tsc_open(KvmVcpu *v, Error **errp);
void kvm_pull_tsc(KvmVcpu *v, X86State *s);
void kvm_push_tsc(KvmVcpu *v, const X86State *s);

/* assist.c */
/*
 * One instruction, or what waits for the processor, by the translator on the same state. 0 to go on, otherwise an
 * Exit + 1. failed: KVM could not emulate the instruction.
 */
int kvm_assist(KvmVcpu *v, bool failed);

/* What -accel kvm,kernel-irqchip= is: irqchip.c, arm.c. */
const char *kvm_irqchip_name(const KvmMachine *km);

/* info.c */
void kvm_info(Machine *m, GString *out);
void kvm_reset_stats(Machine *m);

#endif
