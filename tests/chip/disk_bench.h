/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bench for disk controllers: a root bus, an ISA bus, and disks in memory that the test sees.
 */
#ifndef TESTS_DISK_BENCH_H
#define TESTS_DISK_BENCH_H

#include "base/bits.h"
#include "block/blockdev.h"
#include "pci.h"

#define BENCH_RAM 0x10000

typedef struct DiskBench {
    Machine *m;
    PciBench *pci;
    Device *isa;
    BlockSet *disks;
    uint8_t *disk; /* of the drive that was added last */
    uint64_t size;
} DiskBench;

void disk_bench_begin(DiskBench *b);
void disk_bench_end(DiskBench *b);
/*
 * A node "name" of that many bytes, random but reproducible. fault: "kind:nth:errno" of the fault
 * filter, or NULL. contents: of an earlier one to start from, or NULL.
 */
void disk_bench_add(DiskBench *b, const char *name, uint64_t size, const char *fault, bool readonly,
                    const void *contents);
/* Everything in flight ends, and its callbacks have run. */
void disk_bench_settle(DiskBench *b);
/* A device as -device would make it. */
Device *disk_bench_device(DiskBench *b, const char *text);
void disk_put(DiskBench *b, hwaddr at, const void *data, size_t len);
void disk_get(DiskBench *b, hwaddr at, void *data, size_t len);
/* Saves all devices of one machine and loads them into another of the same build. */
void disk_bench_move(DiskBench *from, DiskBench *to);

#endif
