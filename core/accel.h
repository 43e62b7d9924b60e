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
#define ACCEL_CPUID_HYPERV 0xfffffffeu /* subleaf: the leaf as Hyper-V's, where KVM has one of its own with that number */
#define ACCEL_CPUID_MSR 0xffffffffu /* subleaf: reg[0] is the low half of the MSR that leaf names */
typedef struct AccelX86 {
    unsigned n;
    AccelCpuid cpuid[];
} AccelX86;

/* The same of Arm processors. */
typedef struct AccelArmReg {
    uint32_t key; /* op0, op1, CRn, CRm, op2 in 16 bits as MRS has them */
    uint64_t value;
} AccelArmReg;
typedef struct AccelArmHost {
    unsigned pa_bits;   /* of guest-physical addresses */
    uint32_t cnt_freq;  /* of the counter, Hz */
    uint16_t sve_vq_map; /* bit n: SVE's vectors may have n + 1 quadwords; 0: no SVE */
    bool pauth;         /* guests can have pointer authentication */
    unsigned n;
    AccelArmReg id[];   /* what guests read of identification registers */
} AccelArmHost;

typedef struct AccelArmOps AccelArmOps;
/* A GIC in the host's kernel, as a board places it. */
typedef struct AccelArmGic {
    int version;        /* 2 or 3 */
    unsigned irqs;      /* with the 32 private ones */
    uint64_t dist, cpu, its; /* addresses; cpu: version 2; its: UINT64_MAX without one */
    struct {
        uint64_t base;
        unsigned count; /* processors; 0: not there */
    } redist[2];
    /* The machine moves: all of the state comes here (to NULL), or goes to the host again. All vCPUs parked. */
    struct Device *gic;
    void (*hand_over)(struct Device *gic, const AccelArmOps *to);
} AccelArmGic;
typedef enum AccelGicRegs {
    ACCEL_GIC_DIST,     /* GICD_*; version 2: as that processor sees them */
    ACCEL_GIC_REDIST,   /* GICR_* of a processor, version 3 */
    ACCEL_GIC_CPU,      /* version 2: GICC_*; version 3: ICC_*_EL1, by the 16 bits of their encoding */
} AccelGicRegs;

/* Of an accelerator that runs guests on the host's own Arm processor: the GIC is the host's, too. */
struct AccelArmOps {
    AccelArmHost *(*host)(Error **errp); /* g_free */
    unsigned (*gic_versions)(Machine *m); /* bits 2 and 3: those that the host has */
    /* The machine's processors are there, and did not run yet. */
    bool (*gic_open)(Machine *m, const AccelArmGic *g, Error **errp);
    /* A shared interrupt's wire. Any thread. */
    void (*gic_line)(Machine *m, unsigned intid, bool level);
    /* A register as software would see it but for what writes do at once (Linux, vgic devices). All vCPUs parked. */
    bool (*gic_access)(Machine *m, AccelGicRegs kind, unsigned cpu, uint32_t reg, uint64_t *val, bool write);
    /* The ITS as after reset. All vCPUs parked. */
    void (*its_reset)(Machine *m);
    /* GITS_* as software would see it; its tables from guest memory, or to there. Pending LPIs to their tables. */
    bool (*its_access)(Machine *m, uint32_t reg, uint64_t *val, bool write);
    bool (*its_tables)(Machine *m, bool restore);
    bool (*lpis_to_memory)(Machine *m);
    /* A PCI message to the ITS. Any thread. */
    void (*its_message)(Machine *m, uint16_t requester, uint64_t addr, uint32_t data);
};

/*
 * Messages (MSI) with a short way: for those who send the same one again and again without the machine's lock. What is not
 * sent so takes the bus's way, which is always right.
 */
typedef struct AccelMsi AccelMsi;
typedef struct AccelMsiOps {
    /* Machine locked, as set and close. NULL: there is none (any more). */
    AccelMsi *(*open)(Machine *m);
    /* This is its message from now on; false: it is not. */
    bool (*set)(AccelMsi *r, uint64_t addr, uint32_t data);
    /* Any thread. False: nothing was sent. */
    bool (*send)(AccelMsi *r);
    void (*close)(AccelMsi *r);
} AccelMsiOps;

struct AccelOps {
    const char *name;  /* "tcg", "kvm", "null" */
    const char *help;
    /* Usable here for this target? false with the one-line reason. */
    bool (*probe)(const TargetOps *t, Error **errp);
    /* Optional: more than probe, and slower; asked where there is another accelerator to fall back to. */
    bool (*trial)(Error **errp);
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
    /* Optional: doorbells came, went or moved (address_space_foreach_event()); any thread. Without it devices get the stores. */
    void (*events_changed)(Machine *m);
    /* Optional, of accelerators that hold stores back: machine_settle_stores(). */
    void (*settle_stores)(Machine *m);
    /*
     * Optional. Pages of b just became watched by something other than the accelerator
     * (ram_dirty_collect, ram_watch_set without RAM_WATCH_CODE): on return no vCPU may still hold
     * a cached permission to store to them directly. Any thread but a vCPU's.
     */
    void (*watch_armed)(Machine *m, RamBlock *b, uint64_t offset, uint64_t len);
    /*
     * Optional, of accelerators whose processors store without looking at watches: keep a log of pages written, and bring it
     * to the watches (ram_dirty_told()). Main loop, machine not locked. dirty_rings: there are rings, one for each processor,
     * and dirty_pages: how many pages that of a processor brought so far.
     */
    void (*dirty_log)(Machine *m, bool on);
    void (*dirty_sync)(Machine *m);
    bool (*dirty_rings)(Machine *m);
    uint64_t (*dirty_pages)(Cpu *cpu);
    /* Bytes of a RAM_WATCH_CODE page are being written (any thread; before or after the store). */
    void (*code_written)(Machine *m, RamBlock *b, uint64_t offset, uint64_t len);
    /*
     * Optional: help for another accelerator, in whose machine this one was opened too (vm_open, vcpu_open). Takes
     * what waits for the processor and executes one instruction on cpu->state, which is then the state at an
     * instruction boundary again. EXIT_REQUEST: done; EXIT_HALT, EXIT_SHUTDOWN as of run(). On the vCPU's thread.
     */
    Exit (*step)(Cpu *cpu);
    /* Optional: what x86 processors of guests can have. g_free. NULL member: what the target implements itself. */
    AccelX86 *(*x86_caps)(Machine *m, Error **errp); /* m NULL: of a machine without options */
    /*
     * Optional: machines can move to and from this accelerator while all vCPUs are parked. leave: the state is pulled next,
     * and then others change guest memory without telling. enter (optional): the machine was here before, or this was
     * just opened; all state is pushed next.
     */
    void (*leave)(Machine *m);
    void (*enter)(Machine *m);
    /*
     * Optional, of x86: can a machine have system management mode under it? Without it all can. Otherwise errp says what is
     * missing, and what helps. Before the board is built.
     */
    bool (*x86_smm)(Machine *m, Error **errp);
    const AccelMsiOps *msi;                     /* optional */
    const AccelArmOps *arm;                     /* NULL: Arm processors and GICs are ours */
    /* Optional: the target reset the processor's state; what it does not know of may be reset now. State not yet pushed. */
    void (*vcpu_reset)(Cpu *cpu);
    bool waits_inside;                          /* vCPUs wait, and are off, in run(): it is called whatever power_off says */
    /*
     * Optional, core/debug.h: the machine's breakpoints and watchpoints, or which vCPUs step, are others now. All vCPUs
     * parked. false: it cannot, and is called again once they are what they were.
     */
    bool (*debug)(Machine *m, Error **errp);
    void (*info)(Machine *m, GString *out);     /* `info jit` / `info kvm` */
    void (*reset_stats)(Machine *m);
};
#define ACCEL(sym) REGISTER(AccelOps, sym)

const AccelOps *accel_find(const char *name, Error **errp);

#endif
