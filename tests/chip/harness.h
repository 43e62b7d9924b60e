/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bench for chips: a machine without instructions whose clock is moved by hand, accesses from
 * outside, and probes on wires. Nothing runs in the background: the same test does the same.
 *
 *   Machine *m = bench_new(0);
 *   Device *pit = bench_device(m, NULL, "isa-pit", "iobase=0x40", NULL);
 *   device_connect(pit, 0, bench_wire(&probe));
 *   bench_out(m, 0x43, 1, 0x34);
 *   bench_step(m, 1000);
 *   bench_free(m);
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include "core/machine.h"

/*
 * cpus = 0: board "none". Otherwise as many CPUs that execute nothing (no threads either): what
 * interrupt controllers ask of them stands in cpu_requests(). 64 KiB of RAM at 0.
 */
Machine *bench_new(int cpus);
void bench_free(Machine *m);
/* Where a CPU was told to begin since its last reset; 0: nowhere. */
uint64_t bench_started_at(Machine *m, int cpu);

/* A new device with properties "name=value", ..., NULL; realized and reset. Fails the test. */
Device *bench_device(Machine *m, Device *parent, const char *type, ...) G_GNUC_NULL_TERMINATED;

/* Moves the virtual clock, firing timers on the way, and serves the loop once. */
void bench_step(Machine *m, int64_t ns);
/* The same, but all timers on the way fire late, at its end. */
void bench_oversleep(Machine *m, int64_t ns);

uint64_t bench_in(Machine *m, uint16_t port, unsigned size);
void bench_out(Machine *m, uint16_t port, unsigned size, uint64_t value);
uint64_t bench_load(Machine *m, hwaddr addr, unsigned size);
void bench_store(Machine *m, hwaddr addr, unsigned size, uint64_t value);

/* What a wire did. */
typedef struct WireProbe {
    int level;
    int rises, falls; /* changes, not repetitions */
    int calls;
} WireProbe;
Irq bench_wire(WireProbe *p);

/* Save from one device and load into another of the same type; fails the test. */
void bench_transplant(Device *from, Device *to);
/* Saves both: the same bytes? */
bool bench_same_state(Device *a, Device *b);

#endif
