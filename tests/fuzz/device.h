/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzzing a PCI or ISA device: the input is a program of accesses by a hostile processor.
 *
 * A target is one const FuzzDevice; device.c holds the machine, runs the programs and resets.
 */
#ifndef TESTS_FUZZ_DEVICE_H
#define TESTS_FUZZ_DEVICE_H

#include "../chip/pci.h"

#define FUZZ_RAM      0x10000u     /* at 0: small, so that random addresses meet */
#define FUZZ_BAR_MEM  0x10000000ull /* BAR n, if memory, at this times (n + 1) */
#define FUZZ_BAR_IO   0x1000u      /* BAR n, if ports, at this times (n + 1) */

typedef struct FuzzBench {
    Machine *m;
    PciBench *pci;
    PciDevice *dev; /* the first PCI device; NULL: none */
    Bus *root;
} FuzzBench;

typedef struct FuzzDevice {
    const char *const *devices; /* as -device, in order; ended by NULL; drive=disk0, disk1, cd0 */
    /* Ports that programs may touch, beside BARs: pairs of first and count, ended by 0, 0. */
    const uint16_t *ports;
    /* Before each program, after reset: the first steps of a driver, so that programs get far. */
    void (*prepare)(FuzzBench *b);
    /* What makes the device look at memory: doorbells, kicks. n: any number from the program. */
    void (*kick)(FuzzBench *b, unsigned n);
} FuzzDevice;

extern const FuzzDevice fuzz_device; /* the target's */

/* Accesses for prepare() and kick(). */
void fuzz_bar_write(FuzzBench *b, unsigned bar, uint64_t offset, unsigned size, uint64_t v);
uint64_t fuzz_bar_read(FuzzBench *b, unsigned bar, uint64_t offset, unsigned size);
void fuzz_ram(FuzzBench *b, uint64_t addr, const void *data, size_t len);
void fuzz_ram64(FuzzBench *b, uint64_t addr, uint64_t v);

#endif
