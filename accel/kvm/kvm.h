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
typedef struct X86CpuConfig X86CpuConfig;

#define KVM_MAX_MSRS 192
/* Requests that are the vCPU loop's (core/cpu_loop.c). */
#define KVM_LOOP_REQUESTS (CPU_REQ_STOP | CPU_REQ_WORK | CPU_REQ_EXIT | CPU_REQ_RESET)

#define KVM_SPACE_SMM 1u /* the kernel's address space of system management mode */

/* A stretch of guest-physical memory that the kernel maps (slots.c). */
typedef struct KvmSlot {
    uint32_t id;        /* the upper half is space */
    uint32_t space;     /* 0, or KVM_SPACE_SMM */
    uint64_t base, size;
    uint8_t *host;
    RamBlock *ram;      /* whose memory it is, from ram_offset */
    uint64_t ram_offset;
    bool readonly;
} KvmSlot;

/* An MSR that is kept in a field of X86State (x86_msr.c). */
typedef struct KvmMsr {
    uint32_t index, offset;
} KvmMsr;

/* kernel-irqchip= */
typedef enum KvmIrqchip { KVM_IRQCHIP_AUTO, KVM_IRQCHIP_OFF, KVM_IRQCHIP_SPLIT, KVM_IRQCHIP_ON } KvmIrqchip;

/* The virtual machine. */
#define POLL_DEFAULT INT64_C(-1) /* of halt_poll_ns: nothing was asked for */
typedef struct KvmMachine {
    Machine *machine;
    int dev_fd, fd;
    bool rescue;            /* rescue=on: the translator executes what KVM cannot */
    bool readonly_slots, sregs2, tsc_attr, sync_regs; /* what this kernel has */
    bool smm;               /* x86: the kernel runs system management mode; otherwise the translator does */
    KvmIrqchip irqchip;     /* never AUTO once it is created */
    bool lent;              /* irqchip.c: the kernel has the local APICs' state; changes while all vCPUs are parked */
    bool pit_made;          /* chips.c */
    bool all_failures;      /* KVM_CAP_EXIT_ON_EMULATION_FAILURE is on */
    int xsave_size, mmap_size;
    uint32_t waits;         /* KVM_X86_DISABLE_EXITS_*: guests wait without coming out */
    /* slots.c; guarded by: slot_lock */
    pthread_mutex_t slot_lock;
    GArray *slots;          /* KvmSlot */
    uint64_t slot_changes;
    bool dirty_logging;     /* dirty.c: somebody asks which pages are written */
    bool dirty_manual;      /* bitmaps are cleared by a call of its own */
    int64_t halt_poll_ns;   /* poll.c: how long the kernel polls for a vCPU that waits */
    uint32_t ring_entries;  /* of each vCPU's ring, a power of two; 0: bitmaps */
    /* Nobody may enter the guest while `holders` is not 0; guarded by: hold_lock */
    pthread_mutex_t hold_lock;
    pthread_cond_t hold_cond;
    uint32_t holders;       /* atomic for readers */
    /* events.c; guarded by: event_lock */
    pthread_mutex_t event_lock;
    GArray *events;         /* KvmEvent */
    unsigned events_refused;
    bool ioeventfd;         /* this kernel has them */
    /* coalesced.c; zones guarded by: late_lock */
    pthread_mutex_t late_lock;
    GArray *late_zones;     /* struct kvm_coalesced_mmio_zone */
    uint64_t late_offset;   /* of the ring in a vCPU's mapping; 0: this kernel has none */
    bool late_ports;
    uint64_t late_stores;   /* atomic: by the ring */
    /* irqfd.c; guarded by: route_lock */
    pthread_rwlock_t route_lock;
    GPtrArray *routes;      /* AccelMsi */
    ApicPin pins[APIC_PINS_MAX];
    uint64_t routed;        /* atomic: messages sent */
    bool routes_live;       /* the kernel has the local APICs, and listens to the eventfds */
    const AccelOps *assist; /* atomic; the translator once it was needed */
    /* clock.c: what the host's TSC read when the machine's clock stood at 0, by extrapolation */
    uint64_t tsc_origin, tsc_hz;
    struct kvm_clock_data clock;
    int64_t clock_at;       /* the machine's clock when it was saved */
    bool clock_saved, was_running, active;
    struct KvmDebug *debug; /* debug.c */
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
    size_t state_bytes;     /* of X86State that this processor has */
    X86State *known;        /* what the kernel has, as far as it did not run since */
    bool known_valid;
    bool tsc_stale;         /* the next push sets the TSC, whatever is known */
    uint64_t apic_base, cr8; /* of a local APIC in the kernel, as they were last seen there */
    bool door_stale;        /* lent: kvm_run's ready_for_interrupt_injection is not of the state that was pushed */
    bool extint;            /* a vector was handed to KVM_INTERRUPT that the kernel may not have injected yet */
    bool synced;            /* run->s.regs has what KVM_RUN came back with */
    struct kvm_dirty_gfn *ring; /* dirty.c; with the next three guarded by slot_lock. NULL: none */
    uint64_t ring_next, ring_overflows, dirty_pages;
    uint64_t exits[KVM_EXIT_KINDS];
    uint64_t runs, interrupts, rescues, assists;
    uint64_t last_rescue_rip;
    uint64_t debug_serial;  /* what the kernel was told last: debug.c */
} KvmVcpu;

static inline KvmMachine *kvm_of(Machine *m)
{
    return *machine_accel_priv(m, ACCEL_SLOT_KVM);
}
/* Memory as x86 processors see it in system management mode; the same as others see where there is no such mode. */
static inline AddressSpace *kvm_smm_memory(Machine *m)
{
    AddressSpace *secure = machine_cpu_count(m) ? machine_cpu(m, 0)->secure_mem : NULL;

    return secure ? secure : machine_memory(m);
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
/* Under slot_lock: the kernel's slot with that size, 0: deleted; and its log as km says. */
bool kvm_slot_set(KvmMachine *km, const KvmSlot *s, uint64_t size);
/* No vCPU is in the guest between the two. Any thread; they nest and overlap. */
void kvm_hold(KvmMachine *km);
void kvm_release(KvmMachine *km);
/* On the vCPU's thread before each KVM_RUN: false, and after a wait, if somebody holds. */
bool kvm_may_enter(KvmVcpu *v);
/* After KVM_RUN: also drains the ring of stores. */
void kvm_left(KvmVcpu *v);

/* dirty.c */
/* dirty-ring-size= */
bool kvm_ring_parse(KvmMachine *km, const char *value, Error **errp);
/* Before vCPUs are made. */
bool kvm_dirty_init(KvmMachine *km, Error **errp);
bool kvm_ring_map(KvmVcpu *v, Error **errp);
void kvm_ring_unmap(KvmVcpu *v);
/* KVM_EXIT_DIRTY_RING_FULL; 0 */
int kvm_ring_full(KvmVcpu *v);
/* Under slot_lock, no vCPU in the guest: what the kernel knows of a slot that is about to go. */
void kvm_dirty_read_slot(KvmMachine *km, const KvmSlot *s);
/* AccelOps */
void kvm_dirty_log(Machine *m, bool on);
void kvm_dirty_sync(Machine *m);
bool kvm_dirty_rings(Machine *m);
uint64_t kvm_dirty_pages(Cpu *cpu);

/* poll.c: halt-poll-ns= */
bool kvm_poll_parse(KvmMachine *km, const char *value, Error **errp);
bool kvm_poll_init(KvmMachine *km, Error **errp);
void kvm_poll_info(const KvmMachine *km, GString *out);

/* lists.c */
typedef bool KvmSameFn(const void *a, const void *b);
/* Gives the kernel an entry, which may be completed for that, or takes it away. */
typedef bool KvmSetFn(KvmMachine *km, void *entry, bool on);
/* What the kernel had becomes what is wanted; how many of that it refuses. Entries of both are of one type. */
unsigned kvm_list_become(KvmMachine *km, GArray *had, const GArray *wanted, KvmSameFn *same, KvmSetFn *set);

/* events.c. Of a virtual machine that is there. */
void kvm_events_init(KvmMachine *km);
void kvm_events_fini(KvmMachine *km);
/* Make the kernel's doorbells those of the machine's views. Any thread. */
void kvm_events_update(KvmMachine *km);
/* The kernel has none: the machine moves to another accelerator. */
void kvm_events_withdraw(KvmMachine *km);
void kvm_events_info(KvmMachine *km, GString *out);

/* coalesced.c. Of a virtual machine that is there; without a ring nothing happens. */
void kvm_late_init(KvmMachine *km);
void kvm_late_fini(KvmMachine *km);
/* Make the kernel's zones those of the machine's views (IoOps.late). Any thread. */
void kvm_late_update(KvmMachine *km);
/* What is on the ring, whoever stored it, has reached its device on return. v: any vCPU, in whose mapping the ring is, too. */
void kvm_late_drain(KvmVcpu *v);
void kvm_late_settle(Machine *m); /* AccelOps */
void kvm_late_info(KvmMachine *km, GString *out);

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
/* A guest's store of n bytes, 1 to 8. */
void kvm_store(KvmVcpu *v, AddressSpace *as, hwaddr addr, const uint8_t *data, unsigned n);
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
/* Is it in a mode that only the translator has (system management, where the kernel has not)? */
bool kvm_needs_assist(const KvmVcpu *v);
void kvm_wake(KvmVcpu *v);
/* The #UD that the kernel put in place of an instruction it does not emulate. */
void kvm_drop_exception(KvmVcpu *v);
/* The instruction pointer of the guest, for messages. */
uint64_t kvm_pc(KvmVcpu *v);
/* General registers that wait for KVM_RUN to take them are in the kernel. */
void kvm_flush_regs(KvmVcpu *v);

/* smm.c */
/* The virtual machine was just made: does its kernel have system management mode? */
void kvm_smm_init(KvmMachine *km);
/* AccelOps.x86_smm */
bool kvm_smm_usable(Machine *m, Error **errp);
/* The vCPU came out of the guest, where it was in that mode or not: its exits go to devices as it sees memory. */
void kvm_smm_view(KvmVcpu *v);
/* CPU_REQ_SMI, where the kernel takes them. */
void kvm_smm_inject(KvmVcpu *v);
/* smm of the state is the kernel's, and the other way round: what of it is to be set is added to ev. push: while held. */
void kvm_pull_smm(const KvmVcpu *v, const struct kvm_vcpu_events *ev, X86State *s);
void kvm_push_smm(KvmVcpu *v, const X86State *s, struct kvm_vcpu_events *ev);
/* Parked: an SMI, and an INIT, that wait in the kernel are requests of the vCPU from now on; and the INIT goes back there. */
void kvm_smm_take(KvmVcpu *v);
void kvm_smm_give(KvmVcpu *v);
/* Parked: they are forgotten, and the mode is left. */
void kvm_smm_reset(KvmVcpu *v);

/* x86_fpu.c */
void kvm_pull_fpu(KvmVcpu *v, X86State *s);
void kvm_push_fpu(KvmVcpu *v, const X86State *s);
/* How much of X86State the processor has: AVX-512 and AMX come last in it. */
size_t kvm_state_bytes(const X86CpuConfig *c);

/* x86_msr.c */
void kvm_msrs_init(KvmVcpu *v);
/* " 1a2 1a3": of the kernel's list, those that nobody keeps and nobody says why. */
void kvm_msrs_unsaved(const KvmMachine *km, GString *out);
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

/* chips.c */
#define KVM_CHIP_ROUTES 42
/* The wires of the kernel's 8259s, I/O APIC and 8254; how many there are. */
unsigned kvm_chip_routes(struct kvm_irq_routing_entry *out);
bool kvm_chips_create(KvmMachine *km, Error **errp);

/* irqfd.c */
extern const AccelMsiOps kvm_msi;
void kvm_routes_init(KvmMachine *km);
void kvm_routes_fini(KvmMachine *km);
/* ApicHostOps.pins */
void kvm_routes_set_pins(KvmMachine *km, const ApicPin *pins);
/* After the local APICs went to the kernel, and before they come back. */
void kvm_routes_listen(KvmMachine *km, bool on);

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

/* debug.c */
void kvm_debug_init(KvmMachine *km);
void kvm_debug_fini(KvmMachine *km);
void kvm_debug_info(KvmMachine *km, GString *out);
/* AccelOps.debug */
bool kvm_debug(Machine *m, Error **errp);
/* Is there something that the kernel was not told? Then _begin() before KVM_RUN: 0 to go on, otherwise an Exit + 1. */
bool kvm_debug_changed(const KvmVcpu *v);
int kvm_debug_begin(KvmVcpu *v);
/* Does it step, without interrupts? */
bool kvm_debug_quiet(const KvmVcpu *v);
/* The step is done: an Exit + 1. */
int kvm_debug_stepped(KvmVcpu *v);
/* A breakpoint at which the vCPU would not have been stopped: the translator is about to execute. cpu->state is current. */
const struct DebugPoint *kvm_debug_break_here(KvmVcpu *v);
/* KVM_EXIT_DEBUG */
int kvm_debug_exit(KvmVcpu *v);

/* info.c */
void kvm_info(Machine *m, GString *out);
void kvm_reset_stats(Machine *m);

#endif
