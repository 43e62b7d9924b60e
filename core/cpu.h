/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The neutral virtual processor: what core, monitor and boards need to know of
 * a vCPU of any architecture, under any accelerator.
 */
#ifndef CORE_CPU_H
#define CORE_CPU_H

#include <glib.h>
#include <pthread.h>
#include "base/error.h"
#include "base/json.h"
#include "core/irq.h"
#include "core/memory.h"

typedef struct Cpu Cpu;
typedef struct TargetOps TargetOps;
typedef struct AccelOps AccelOps;

/*
 * Requests latched into a vCPU by any thread. Level requests stay set while
 * their wire is high; the vCPU polls them at instruction boundaries.
 */
enum {
    CPU_REQ_INTR = 1 << 0,   /* external interrupt wire (PIC/APIC INTR; Arm IRQ), level */
    CPU_REQ_NMI = 1 << 1,    /* edge, consumed when taken (Arm: FIQ level) */
    CPU_REQ_SMI = 1 << 2,    /* edge */
    CPU_REQ_INIT = 1 << 3,   /* x86 INIT, edge */
    CPU_REQ_SIPI = 1 << 4,   /* x86 start-up IPI, vector in sipi_vector */
    CPU_REQ_RESET = 1 << 5,  /* back to power-on state */
    CPU_REQ_STOP = 1 << 6,   /* park until cpu_resume() */
    CPU_REQ_WORK = 1 << 7,   /* run queued work (cpu_run_on) */
    CPU_REQ_EXIT = 1 << 8,   /* the thread shall end */
    CPU_REQ_TLB = 1 << 9,    /* accelerator: memory map or TLB change to absorb */
    CPU_REQ_VIRQ = 1 << 10,  /* Arm: virtual IRQ and FIQ of the interrupt controller, level */
    CPU_REQ_VFIQ = 1 << 11,
};

/*
 * Accelerators keep their data in places of their own, so that one can have another's help on the same processor
 * (AccelOps.step).
 */
typedef enum AccelSlot { ACCEL_SLOT_NULL, ACCEL_SLOT_TCG, ACCEL_SLOT_KVM, ACCEL_SLOTS } AccelSlot;

/*
 * The interrupt controller that feeds a vCPU (local APIC/PIC, GIC interface).
 * All are called on the vCPU's own thread; the owner takes its own locks.
 */
typedef struct CpuIntcOps {
    /* Acknowledge: vector of the highest pending interrupt, -1 = spurious/none any more. */
    int (*acknowledge)(void *opaque);
    /* System register file of the controller (x86: CR8 = 0x10008, APIC MSRs by number). */
    bool (*sysreg_read)(void *opaque, uint32_t reg, uint64_t *val);  /* false: no such register */
    bool (*sysreg_write)(void *opaque, uint32_t reg, uint64_t val);
    /*
     * Arm, asked before the two: does the access trap to an Exception level by the controller's own trap bits or the
     * processor's? 0: no; 1..3: to that one; -1: UNDEFINED.
     */
    int (*sysreg_trap)(void *opaque, uint32_t reg, bool write);
    /* Arm with EL3: the processor entered or left EL3, or changed its Security state. */
    void (*state_changed)(void *opaque);
    /* Optional, x86: the processor executes an INIT, which may have waited long. */
    void (*init)(void *opaque);
    /* Optional, x86: text of `info lapic`. On the vCPU's thread, or while it is parked. */
    void (*dump)(void *opaque, GString *out);
} CpuIntcOps;
#define X86_INTC_CR8 0x10008u /* pseudo register: task priority bits 7:4 of TPR */
#define X86_INTC_APICBASE 0x1bu

/* What a target (architecture) is to everybody else: one const object. */
struct TargetOps {
    const char *name;            /* "x86_64", "aarch64" */
    size_t state_size;           /* of the architectural state struct */
    /*
     * Processor models, all four or none. Text of -cpu help; is the text of -cpu right under this
     * accelerator (errors name what would be); the lists of query-cpu-definitions; the properties of a model changed by
     * props, as query-cpu-model-expansion tells them (NULL on error).
     */
    void (*list_models)(GString *out);
    bool (*check_model)(const char *model_and_features, const AccelOps *accel, Error **errp);
    json_t *(*model_definitions)(void);
    json_t *(*expand_model)(const char *name, json_t *props, Error **errp);
    /* Optional: can the vCPU, as it was made, run under that accelerator too? */
    bool (*fits)(Cpu *cpu, const AccelOps *accel, Error **errp);
    const char *default_model;   /* QEMU personality */
    bool (*init)(Cpu *cpu, const char *model_and_features, Error **errp); /* "qemu64,+avx" */
    void (*fini)(Cpu *cpu);
    void (*reset)(Cpu *cpu);     /* power-on state, all of cpu->state */
    /* Text for `info registers`. */
    void (*dump)(Cpu *cpu, GString *out);
    uint64_t (*get_pc)(Cpu *cpu);
    void (*set_pc)(Cpu *cpu, uint64_t pc);
    /*
     * Optional. Back to the power-on state, but to begin at this address, in the mode that it always
     * begins in. false: it cannot, or it waits until another one starts it.
     */
    bool (*start_at)(Cpu *cpu, uint64_t addr, Error **errp);
    /* Debugger's translation: guest-physical of a virtual address, false if unmapped; no side effects. */
    bool (*translate)(Cpu *cpu, uint64_t vaddr, hwaddr *paddr);
    /*
     * Is there a reason to leave HLT/WFI, or an interrupt that could be taken now? On the vCPU's
     * thread while it sleeps; also asked while power_off (INIT, SIPI). run() is not called before.
     */
    bool (*has_work)(Cpu *cpu);
    void (*disas)(Cpu *cpu, uint64_t pc, const uint8_t *bytes, size_t len, GString *out);
    const struct GdbTarget *gdb; /* core/gdb.h: registers as gdb knows them; NULL: it cannot be debugged */
    const void *tcg;             /* const TcgTarget *, for accel/tcg; NULL = not translatable */
};

struct Cpu {
    Machine *machine;
    const TargetOps *target;
    int index;
    uint32_t arch_id;      /* x86: APIC id; Arm: MPIDR */
    void *state;           /* architectural state (target's struct), authoritative whenever
                            * the vCPU is stopped or was synced (cpu_sync) */
    void *target_priv;     /* target's per-CPU constants: model, features; set by init */
    void *accel_priv[ACCEL_SLOTS]; /* each accelerator's own; see AccelSlot */
    AddressSpace *mem;     /* memory as this CPU sees it: one of the two views below */
    AddressSpace *plain_mem;
    AddressSpace *secure_mem; /* x86 in system management mode; NULL: it sees the same */
    AddressSpace *ports;   /* x86 port space, NULL elsewhere */
    const CpuIntcOps *intc;
    void *intc_opaque;
    uint8_t sipi_vector;
    Irq ferr;              /* x86: FERR#, driven by the vCPU with the machine locked; the board connects it */
    bool ignne;            /* atomic; x86: IGNNE#, set by the board */
    bool power_off;        /* waits for SIPI/PSCI: not running guest code */
    uint32_t requests;     /* atomic: CPU_REQ_* */
    /* host side. home: core/cpu_loop.c */
    pthread_t thread;
    int host_tid;
    bool created, parked, exited;
    bool state_dirty;      /* cpu->state is newer than the accelerator's (cpu_state_changed) */
    uint64_t mem_epoch;    /* atomic: last flat view epoch passed; UINT64_MAX = holds none */
    struct CpuThread *host; /* core's: sleeping and waking */
    GQueue work;           /* guarded by: core's */
    uint64_t exits[16];    /* per Exit kind, for info */
    struct CpuDebug *debug; /* debug.h */
};

/* Latch or drop request bits from any thread and wake or kick the vCPU when needed. */
void cpu_request(Cpu *cpu, uint32_t bits);
void cpu_unrequest(Cpu *cpu, uint32_t bits);
static inline uint32_t cpu_requests(const Cpu *cpu)
{
    return __atomic_load_n(&cpu->requests, __ATOMIC_ACQUIRE);
}
/* The view of memory that the vCPU has from now on. On its thread or stopped; its TLB is the caller's business. */
static inline void cpu_use_secure_memory(Cpu *cpu, bool secure)
{
    cpu->mem = secure && cpu->secure_mem ? cpu->secure_mem : cpu->plain_mem;
}
/* The calling vCPU thread holds no flat view pointer and will take none until mem_quiesce(). */
void mem_offline(Cpu *cpu);
/* Does its thread sleep (halted, parked)? If so, it looks at everything again before it executes. Any thread. */
bool cpu_asleep(const Cpu *cpu);
/*
 * Wake the vCPU if it sleeps, or make it leave translated code soon, without latching a request:
 * for a change that has_work() or an interrupt controller's pending state reports by itself.
 */
void cpu_kick(Cpu *cpu);
/*
 * Run fn on the vCPU's thread at an instruction boundary, and wait. Any thread but another vCPU's,
 * and never with the machine locked (the vCPU may be waiting for that lock).
 */
void cpu_run_on(Cpu *cpu, void (*fn)(Cpu *, void *), void *opaque);
/* The same with cpu->state current. */
void cpu_run_synced(Cpu *cpu, void (*fn)(Cpu *, void *), void *opaque);
/* As cpu_run_on() without waiting; opaque must stay valid. */
void cpu_run_on_async(Cpu *cpu, void (*fn)(Cpu *, void *), void *opaque);
/* Make cpu->state current (accelerator's pull), on its thread or while parked. */
void cpu_sync(Cpu *cpu);
/* cpu->state was changed: accelerator must push it before running. */
void cpu_state_changed(Cpu *cpu);
/* Create/start/stop threads. The core's vCPU loop handles halted state and Exit codes. */
bool cpu_create(Machine *m, int index, uint32_t arch_id, const char *model, Error **errp);
/* On a vCPU's own thread: finish the current instruction and park until the machine resumes. */
void cpu_stop_self(Cpu *cpu);
Cpu *machine_cpu(Machine *m, int index);
int machine_cpu_count(Machine *m);
/* The vCPU whose thread is calling, NULL elsewhere. */
Cpu *cpu_current(void);
/*
 * A debugger's reads and writes of virtual memory, cpu->state current; writes go to ROM and read-only pages, too. false:
 * not all of it is mapped RAM or ROM.
 */
bool cpu_peek(Cpu *cpu, uint64_t vaddr, void *buf, size_t len);
bool cpu_poke(Cpu *cpu, uint64_t vaddr, const void *buf, size_t len);

#endif
