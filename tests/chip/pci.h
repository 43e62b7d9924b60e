/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A root bus for tests, and accesses to configuration space.
 */
#ifndef TESTS_PCI_H
#define TESTS_PCI_H

#include "harness.h"
#include "hw/pci/pci.h"

#define BENCH_ECAM     0xe0000000ull
#define BENCH_MESSAGES 64

/* The host bridge of the bench, "pci-bus": the census finds it by this name. */
typedef struct PciBench {
    Device dev;
    PciBus bus;
    MemoryRegion *mem;
    bool express;
    WireProbe wire[4];
    unsigned messages; /* how many were sent; the last ones: */
    uint64_t msg_addr[BENCH_MESSAGES];
    uint32_t msg_data[BENCH_MESSAGES];
    uint16_t msg_requester[BENCH_MESSAGES];
} PciBench;

/* On a machine of bench_new(): root bus "pcie.0" (express) or "pci.0" */
PciBench *bench_pci(Machine *m, bool express);
/* A device on it, as -device would make it: "type,prop=value,..."; NULL with an error. */
PciDevice *bench_pci_add(Machine *m, const char *text, Error **errp);
/* The same, and it must work. */
PciDevice *bench_pci_device(Machine *m, const char *text);

/*
 * As firmware would: bus numbers, windows, an address for every BAR, decoding and bus mastering on.
 * Without a bench_pci() it does nothing.
 */
void bench_pci_configure(Machine *m);

/* As a processor: through ECAM. */
uint32_t bench_cfg_read(Machine *m, unsigned bus, unsigned devfn, unsigned reg, unsigned size);
void bench_cfg_write(Machine *m, unsigned bus, unsigned devfn, unsigned reg, unsigned size,
                     uint32_t v);
/* Where the function is now. */
uint32_t cfg_read(PciDevice *d, unsigned reg, unsigned size);
void cfg_write(PciDevice *d, unsigned reg, unsigned size, uint32_t v);

#endif
