/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What -numa asked for: nodes, which processor and which memory belongs to which, distances.
 * Filled and checked by main/, read by boards and the monitor.
 */
#ifndef CORE_NUMA_H
#define CORE_NUMA_H

#include <stdbool.h>
#include <stdint.h>

#define NUMA_MAX_NODES 128
#define NUMA_LOCAL 10  /* ACPI 6.5, 5.2.17: SLIT is relative to this */
#define NUMA_REMOTE 20 /* what systems take for granted without one */

typedef struct NumaNode {
    const char *memdev; /* id of a memory backend; NULL: a node without memory */
} NumaNode;

typedef struct NumaConfig {
    int nodes;
    NumaNode node[NUMA_MAX_NODES];
    int16_t *cpu_node;  /* of each of maxcpus processors */
    bool has_distances;
    uint8_t distance[NUMA_MAX_NODES][NUMA_MAX_NODES]; /* from, to */
} NumaConfig;

#endif
