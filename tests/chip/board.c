/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See board.h. */
#include <string.h>
#include <unistd.h>

#include "board.h"

#define ROM_SIZE 65536

static void on_event(void *opaque, Machine *m, const char *name, const char *data)
{
    Board *b = opaque;
    guint n = GPOINTER_TO_UINT(g_hash_table_lookup(b->events, name));

    g_hash_table_insert(b->events, g_strdup(name), GUINT_TO_POINTER(n + 1));
}

static char *make_rom(Board *b)
{
    g_autofree char *data = g_malloc(ROM_SIZE);

    b->dir = g_dir_make_tmp("rhea-board-XXXXXX", NULL);
    g_assert_nonnull(b->dir);
    char *path = g_build_filename(b->dir, "rom", NULL);
    memset(data, BOARD_ROM_BYTE, ROM_SIZE);
    g_assert_true(g_file_set_contents(path, data, ROM_SIZE, NULL));
    return path;
}

void board_build(Board *b, const char *board, const char *const *globals, WatchdogAction watchdog)
{
    g_autoptr(GMainContext) loop = g_main_context_new();
    g_autofree char *rom = make_rom(b);
    MachineConfig cfg = {.board = board,
                         .accel = "null",
                         .ram_size = 128u << 20,
                         .cpus = 1,
                         .firmware = rom,
                         .globals = globals,
                         .boot_splash_time = -1,
                         .boot_reboot_timeout = -1,
                         .watchdog = watchdog};
    Error *err = NULL;

    b->events = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    b->m = machine_new(&cfg, loop);
    clock_set_manual(b->m);
    if (!machine_build(b->m, "x86_64", &err)) {
        g_error("%s", error_message(err));
    }
    machine_add_event_listener(b->m, on_event, b);
    unlink(rom);
}

void board_begin(Board *b, const char *board, const char *const *globals, WatchdogAction watchdog)
{
    board_build(b, board, globals, watchdog);
    machine_start(b->m);
}

void board_end(Board *b)
{
    machine_free(b->m);
    g_hash_table_unref(b->events);
    rmdir(b->dir);
    g_free(b->dir);
}

void board_settle(Board *b)
{
    for (int i = 0; i < 20; i++) {
        g_main_context_iteration(machine_loop(b->m), FALSE);
    }
}

unsigned board_events(Board *b, const char *name)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(b->events, name));
}

/* ---- configuration space ---- */

static void select_reg(Board *b, unsigned devfn, unsigned reg)
{
    bench_out(b->m, 0xcf8, 4, 0x80000000u | devfn << 8 | (reg & 0xfc));
}

uint32_t board_cfg_read(Board *b, unsigned devfn, unsigned reg, unsigned size)
{
    select_reg(b, devfn, reg);
    return bench_in(b->m, 0xcfc + (reg & 3), size);
}

void board_cfg_write(Board *b, unsigned devfn, unsigned reg, unsigned size, uint32_t v)
{
    select_reg(b, devfn, reg);
    bench_out(b->m, 0xcfc + (reg & 3), size, v);
}
