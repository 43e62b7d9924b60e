/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The RAM of a board: of its own, of a memory backend, or of its NUMA nodes' backends. home: main loop. */
#ifndef HW_MACHINE_BOARD_RAM_H
#define HW_MACHINE_BOARD_RAM_H

#include "core/machine.h"

/*
 * MachineConfig.ram_size bytes as -m, -machine memory-backend= and -numa memdev= say; a reference for the caller. NULL: they
 * contradict each other, or the host has not that much.
 */
MemoryRegion *board_ram(Machine *m, const char *name, Error **errp);
/* Bytes of a -numa node, once board_ram() has been there. */
uint64_t board_node_size(Machine *m, int node);

#endif
