/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole board with processors that execute nothing, for tests of its chip set. Its firmware is
 * 64 KiB of BOARD_ROM_BYTE; the clock is moved by hand (bench_step).
 */
#ifndef TESTS_BOARD_H
#define TESTS_BOARD_H

#include "harness.h"

#define BOARD_ROM_BYTE 0xf4

typedef struct Board {
    Machine *m;
    char *dir;         /* of the firmware */
    GHashTable *events; /* QMP event -> how many */
} Board;

/* board: "q35,prop=value". globals: -global's, NULL-terminated, or NULL. 128 MiB. */
void board_build(Board *b, const char *board, const char *const *globals, WatchdogAction watchdog);
/* The same, and it runs. */
void board_begin(Board *b, const char *board, const char *const *globals, WatchdogAction watchdog);
void board_end(Board *b);
/* Serves the main loop until what was requested has happened. */
void board_settle(Board *b);
unsigned board_events(Board *b, const char *name);

/* Configuration space of bus 0, by ports CF8h and CFCh. */
uint32_t board_cfg_read(Board *b, unsigned devfn, unsigned reg, unsigned size);
void board_cfg_write(Board *b, unsigned devfn, unsigned reg, unsigned size, uint32_t v);

#endif
