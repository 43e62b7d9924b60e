/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debugging a guest from outside: breakpoints and watchpoints of a machine, single steps, vCPUs that stay where they
 * are while others run. Neutral: a debugger's protocol is on one side (gdbstub/), an accelerator on the other
 * (AccelOps.debug).
 *
 * Addresses are virtual; on x86 linear, segment bases added.
 *
 * home: main loop, all vCPUs parked (the machine does not run), but for what says otherwise.
 */
#ifndef CORE_DEBUG_H
#define CORE_DEBUG_H

#include "core/cpu.h"

/* In the order of the remote protocol's Z packets. */
typedef enum DebugKind { DEBUG_SW_BREAK, DEBUG_HW_BREAK, DEBUG_WRITE, DEBUG_READ, DEBUG_ACCESS, DEBUG_KINDS } DebugKind;

typedef struct DebugPoint {
    DebugKind kind;
    uint64_t addr, len; /* len of breakpoints: what the debugger says of the instruction */
} DebugPoint;
#define DEBUG_MAX_POINTS 4096

static inline bool debug_is_watch(const DebugPoint *p)
{
    return p->kind >= DEBUG_WRITE;
}

/* One more; that it is there already is no error. False: the accelerator cannot, and nothing changed. */
bool machine_debug_insert(Machine *m, const DebugPoint *p, Error **errp);
/* False: there is no such one. */
bool machine_debug_remove(Machine *m, const DebugPoint *p, Error **errp);
void machine_debug_remove_all(Machine *m);
/* Why vCPUs of the machine cannot be debugged under its accelerator; true: they can. */
bool machine_debug_possible(Machine *m, Error **errp);
/* Their number; any thread while the machine runs. */
unsigned machine_debug_count(Machine *m);
const DebugPoint *machine_debug_point(Machine *m, unsigned n);
/* Another number whenever there is a point that was not there before. */
uint64_t machine_debug_serial(Machine *m);

/* What a vCPU does once the machine runs; all are back to DEBUG_RUN when it stops. */
typedef enum DebugAction {
    DEBUG_RUN,
    DEBUG_STEP, /* one instruction, then the machine stops in RUN_STATE_DEBUG */
    DEBUG_HOLD, /* stays parked */
} DebugAction;
/* False: the accelerator cannot. */
bool cpu_debug_set_action(Cpu *cpu, DebugAction a, Error **errp);
/* Interrupts during steps; whether the machine's clock runs while any vCPU steps. Both are off at first. */
void machine_debug_set_steps(Machine *m, bool interrupts, bool clock);

/* Why the vCPU stopped the machine. */
typedef struct DebugStop {
    bool valid;       /* it did */
    bool at_point;    /* otherwise its step was done */
    DebugPoint point;
    uint64_t addr;    /* of a watched access */
} DebugStop;
/* Taken: not valid any more. */
DebugStop cpu_debug_take_stop(Cpu *cpu);

/* A vCPU's part of it (Cpu.debug). */
typedef struct CpuDebug {
    DebugAction action;
    bool interrupts;  /* may be taken in a step */
    DebugStop stop;
} CpuDebug;

/* ---- for accelerators, on the vCPU's thread; the points do not change meanwhile ---- */
/* What EXIT_DEBUG is about, before run() returns it. p NULL: the step is done. The first of a run counts. */
void cpu_debug_note(Cpu *cpu, const DebugPoint *p, uint64_t addr);
/* A breakpoint there, or NULL. */
const DebugPoint *debug_breakpoint_at(Machine *m, uint64_t va);
/* A watchpoint that such an access hits, or NULL. */
const DebugPoint *debug_watchpoint_hit(Machine *m, uint64_t va, uint64_t len, bool write);

#endif
