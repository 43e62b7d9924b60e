/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machine "none": an empty board for any architecture. No CPU, no devices; memory at 0 if the
 * user asks for some. Management tools start it to ask questions, tests to try single chips.
 */
#include "core/machine.h"

static bool none_build(Machine *m, Device *board, Error **errp)
{
    uint64_t size = machine_config(m)->ram_size;

    if (size == 0) {
        return true;
    }
    MemoryRegion *ram = region_new_ram(m, "ram", size, errp);
    if (!ram) {
        return false;
    }
    region_add(machine_memory_root(m), 0, ram, 0);
    region_unref(ram);
    return true;
}

static const BoardType none_board = {
    .name = "none",
    .help = "empty machine",
    .arch = "",
    .max_cpus = 1,
    .build = none_build,
};
BOARD(none_board);
