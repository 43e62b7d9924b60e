/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An accelerator: whatever makes guest instructions happen. About ten verbs.
 * The accelerator keeps its caches to itself; pull and push move the whole
 * architectural state at an instruction boundary.
 */
#ifndef CORE_ACCEL_H
#define CORE_ACCEL_H

#include "base/registry.h"
#include "core/cpu.h"

/* Why run() came back. Handled once, in core/cpu_loop.c. */
typedef enum Exit {
    EXIT_REQUEST,   /* a cpu->requests bit wants attention of the loop (STOP, WORK, EXIT, RESET) */
    EXIT_HALT,      /* HLT/WFI: sleep until target->has_work() */
    EXIT_SHUTDOWN,  /* x86 triple fault: machine reset (or stop with -no-reboot) */
    EXIT_DEBUG,     /* breakpoint or single step finished */
    EXIT_ERROR,     /* accelerator cannot go on: machine stops in internal-error; message logged */
} Exit;

/* What an accelerator that runs guests on the host's own x86 processor can give them. */
typedef struct AccelCpuid {
    uint32_t leaf, subleaf;
    uint32_t reg[4]; /* EAX, EBX, ECX, EDX */
} AccelCpuid;
#define ACCEL_CPUID_MSR 0xffffffffu /* subleaf: reg[0] is the low half of the MSR that leaf names */
typedef struct AccelX86 {
    unsigned n;
    AccelCpuid cpuid[];
} AccelX86;

struct AccelOps {
    const char *name;  /* "tcg", "kvm", "null" */
    const char *help;
    /* Usable here for this target? false with the one-line reason. */
    bool (*probe)(const TargetOps *t, Error **errp);
    bool (*vm_open)(Machine *m, Error **errp);
    void (*vm_close)(Machine *m);
    bool (*vcpu_open)(Cpu *cpu, Error **errp);  /* on the main loop; state not yet pushed */
    void (*vcpu_close)(Cpu *cpu);
    void (*vcpu_thread_start)(Cpu *cpu);        /* optional: on the vCPU thread */
    Exit (*run)(Cpu *cpu);                      /* on the vCPU thread, no lock held */
    void (*kick)(Cpu *cpu);                     /* any thread: leave run() or notice requests soon */
    void (*pull)(Cpu *cpu);                     /* accelerator -> cpu->state */
    void (*push)(Cpu *cpu);                     /* cpu->state -> accelerator */
    void (*ram_changed)(Machine *m);            /* flat view of some address space changed */
    /*
     * Optional. Pages of b just became watched by something other than the accelerator
     * (ram_dirty_collect, ram_watch_set without RAM_WATCH_CODE): on return no vCPU may still hold
     * a cached permission to store to them directly. Any thread but a vCPU's.
     */
    void (*watch_armed)(Machine *m, RamBlock *b, uint64_t offset, uint64_t len);
    /* Bytes of a RAM_WATCH_CODE page are being written (any thread; before or after the store). */
    void (*code_written)(Machine *m, RamBlock *b, uint64_t offset, uint64_t len);
    /*
     * Optional: help for another accelerator, in whose machine this one was opened too (vm_open, vcpu_open). Takes
     * what waits for the processor and executes one instruction on cpu->state, which is then the state at an
     * instruction boundary again. EXIT_REQUEST: done; EXIT_HALT, EXIT_SHUTDOWN as of run(). On the vCPU's thread.
     */
    Exit (*step)(Cpu *cpu);
    /* Optional: what x86 processors of guests can have. g_free. NULL member: what the target implements itself. */
    AccelX86 *(*x86_caps)(Error **errp);
    /*
     * Optional: machines can move to and from this accelerator while all vCPUs are parked. leave: the state is pulled next,
     * and then others change guest memory without telling. enter (optional): the machine was here before, or this was
     * just opened; all state is pushed next.
     */
    void (*leave)(Machine *m);
    void (*enter)(Machine *m);
    void (*info)(Machine *m, GString *out);     /* `info jit` / `info kvm` */
    void (*reset_stats)(Machine *m);
};
#define ACCEL(sym) REGISTER(AccelOps, sym)

const AccelOps *accel_find(const char *name, Error **errp);

#endif
