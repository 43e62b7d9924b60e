/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A toy for tests of core/: a target without instructions, a board with as many CPUs as asked
 * for, and two accelerators: "null" and "toy", whose run() spins on a program given by the test.
 */
#ifndef TESTS_TOY_H
#define TESTS_TOY_H

#include "core/machine.h"

typedef struct ToyState {
    uint64_t pc;
    uint32_t resets;
    bool halted;   /* the next run() halts until CPU_REQ_INTR */
    uint32_t wakeups;
    /* Called over and over on the vCPU thread by accelerator "toy"; not EXIT_REQUEST: leave. */
    Exit (*step)(Cpu *cpu);
    void *opaque;
} ToyState;

static inline ToyState *toy_state(Cpu *cpu)
{
    return cpu->state;
}

/*
 * Board "toy" with RAM at 0 on a context of its own, built, not started. Events go to the end of
 * events (NULL: nowhere) as text: "STOP RESUME ...".
 */
Machine *toy_machine(MachineConfig cfg, GString *events);
/* How often accelerator "toy" was told that doorbells changed. */
unsigned toy_events_told(Machine *m);
/* Runs the machine's loop until the condition holds; fails the test after some seconds. */
void toy_loop_until(Machine *m, bool (*cond)(void *), void *opaque);
void toy_loop_for(Machine *m, int ms);

#endif
