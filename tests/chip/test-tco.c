/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCO watchdog against the Intel ICH9 data sheet (order 316972), 13.9; registers by their names. */
#include "board.h"

#define LPC    (31 << 3)
#define PM     0x600
#define TCO    (PM + 0x60)
#define SMI_EN (PM + 0x30)
#define GCS    0xfed1f410ull
#define TICK   600000000ll

enum { RLD = TCO, DAT_IN = TCO + 2, DAT_OUT = TCO + 3, STS1 = TCO + 4, STS2 = TCO + 6, CNT1 = TCO + 8,
       CNT2 = TCO + 10, MESSAGE1 = TCO + 12, WDCNT = TCO + 14, IRQGEN = TCO + 16, TMR = TCO + 18 };
enum { SW_SMI = 2, TCO_INT = 4, TIMEOUT = 8, SECOND = 2, HALT = 0x800, LOCK = 0x1000, NO_REBOOT = 0x20 };

static void open_windows(Board *b)
{
    board_cfg_write(b, LPC, 0x40, 4, PM);
    board_cfg_write(b, LPC, 0x44, 1, 0x80);
    board_cfg_write(b, LPC, 0xf0, 4, 0xfed1c001);
}

/* As Linux' driver does: halted, rebooting allowed, status clear, a time; then let go. */
static void begin(Board *b, WatchdogAction action, bool no_reboot, uint16_t ticks)
{
    board_begin(b, "q35", NULL, action);
    open_windows(b);
    uint32_t gcs = bench_load(b->m, GCS, 4);
    bench_store(b->m, GCS, 4, no_reboot ? gcs | NO_REBOOT : gcs & ~NO_REBOOT);
    bench_out(b->m, CNT1, 2, HALT);
    bench_out(b->m, STS1, 2, TIMEOUT);
    bench_out(b->m, STS2, 2, SECOND);
    bench_out(b->m, TMR, 2, ticks);
    bench_out(b->m, RLD, 2, 1);
    bench_out(b->m, CNT1, 2, 0);
}

static void ticks(Board *b, unsigned n)
{
    bench_step(b->m, n * TICK);
    board_settle(b);
}

static void test_defaults(void)
{
    Board b;

    board_begin(&b, "q35", NULL, WATCHDOG_RESET);
    open_windows(&b);
    g_assert_cmphex(bench_in(b.m, TMR, 2), ==, 4);
    g_assert_cmphex(bench_in(b.m, STS1, 2), ==, 0);
    g_assert_cmphex(bench_in(b.m, STS2, 2), ==, 0);
    g_assert_cmphex(bench_in(b.m, CNT1, 2), ==, 0);
    g_assert_cmphex(bench_in(b.m, CNT2, 2), ==, 8);
    g_assert_cmphex(bench_in(b.m, IRQGEN, 1), ==, 3);
    g_assert_true(bench_load(b.m, GCS, 4) & NO_REBOOT);
    board_end(&b);
}

/* RLD reads as the current count, and writing anything starts again from TMR. */
static void test_reload(void)
{
    Board b;

    begin(&b, WATCHDOG_RESET, false, 10);
    g_assert_cmpuint(bench_in(b.m, RLD, 2), ==, 10);
    ticks(&b, 9);
    g_assert_cmpuint(bench_in(b.m, RLD, 2), ==, 1);
    g_assert_cmphex(bench_in(b.m, STS1, 2), ==, 0);
    bench_out(b.m, RLD, 2, 0x1234);
    g_assert_cmpuint(bench_in(b.m, RLD, 2), ==, 10);
    for (int i = 0; i < 20; i++) { /* somebody lives */
        ticks(&b, 9);
        bench_out(b.m, RLD, 2, 1);
    }
    g_assert_cmphex(bench_in(b.m, STS1, 2), ==, 0);
    g_assert_cmpuint(board_events(&b, "WATCHDOG"), ==, 0);
    board_end(&b);
}

/* What is written to TMR counts from the next load on; the load is one of RLD or of a time-out. */
static void test_initial_value(void)
{
    Board b;

    begin(&b, WATCHDOG_NONE, false, 10);
    bench_out(b.m, TMR, 2, 0xfc00 | 20); /* ten bits */
    g_assert_cmphex(bench_in(b.m, TMR, 2), ==, 20);
    g_assert_cmpuint(bench_in(b.m, RLD, 2), ==, 10);
    ticks(&b, 10);
    g_assert_cmphex(bench_in(b.m, STS1, 2), ==, TIMEOUT);
    g_assert_cmpuint(bench_in(b.m, RLD, 2), ==, 20);
    ticks(&b, 19);
    g_assert_cmphex(bench_in(b.m, STS2, 2) & SECOND, ==, 0);
    ticks(&b, 1);
    g_assert_cmphex(bench_in(b.m, STS2, 2) & SECOND, ==, SECOND);
    board_end(&b);
}

/* TCO1_CNT.TCO_TMR_HLT: it does not count; other writes of the register do not disturb it. */
static void test_halt(void)
{
    Board b;

    begin(&b, WATCHDOG_NONE, false, 10);
    ticks(&b, 4);
    bench_out(b.m, CNT1, 2, 0x200);
    g_assert_cmphex(bench_in(b.m, CNT1, 2), ==, 0x200);
    g_assert_cmpuint(bench_in(b.m, RLD, 2), ==, 6);
    bench_out(b.m, CNT1, 2, HALT);
    ticks(&b, 100);
    g_assert_cmpuint(bench_in(b.m, RLD, 2), ==, 6);
    g_assert_cmphex(bench_in(b.m, STS1, 2), ==, 0);
    bench_out(b.m, CNT1 + 1, 1, 0);
    ticks(&b, 5);
    g_assert_cmphex(bench_in(b.m, STS1, 2), ==, 0);
    ticks(&b, 1);
    g_assert_cmphex(bench_in(b.m, STS1, 2), ==, TIMEOUT);
    bench_out(b.m, CNT1, 2, HALT);
    bench_out(b.m, RLD, 2, 0); /* loads, and does not start */
    ticks(&b, 100);
    g_assert_cmpuint(bench_in(b.m, RLD, 2), ==, 10);
    board_end(&b);
}

/* The second time-out in a row resets; SECOND_TO_STS, in the resume well, tells afterwards. */
static void test_reboot(void)
{
    Board b;

    begin(&b, WATCHDOG_RESET, false, 5);
    ticks(&b, 5);
    g_assert_cmphex(bench_in(b.m, STS1, 2), ==, TIMEOUT);
    g_assert_cmphex(bench_in(b.m, STS2, 2), ==, 0);
    bench_out(b.m, RLD, 2, 1); /* not in a row */
    ticks(&b, 5);
    g_assert_cmpuint(board_events(&b, "WATCHDOG"), ==, 0);
    ticks(&b, 5);
    g_assert_cmpuint(board_events(&b, "WATCHDOG"), ==, 1);
    g_assert_cmpuint(board_events(&b, "RESET"), ==, 1);
    open_windows(&b);
    g_assert_cmphex(bench_in(b.m, STS1, 2), ==, 0);
    g_assert_cmphex(bench_in(b.m, STS2, 2) & SECOND, ==, SECOND);
    bench_out(b.m, STS2, 2, 0xffff);
    g_assert_cmphex(bench_in(b.m, STS2, 2), ==, 0);
    board_end(&b);
}

/* GCS.NO_REBOOT: the status is set all the same. So with the strap, which software cannot change. */
static void test_no_reboot(void)
{
    static const char *const strapped[] = {"ICH9-LPC.noreboot=on", NULL};
    Board b;

    begin(&b, WATCHDOG_RESET, true, 5);
    ticks(&b, 5);
    ticks(&b, 5);
    g_assert_cmphex(bench_in(b.m, STS2, 2) & SECOND, ==, SECOND);
    ticks(&b, 100);
    g_assert_cmpuint(board_events(&b, "WATCHDOG"), ==, 0);
    bench_store(b.m, GCS, 4, 0);
    ticks(&b, 10);
    g_assert_cmpuint(board_events(&b, "WATCHDOG"), ==, 1);
    board_end(&b);

    board_begin(&b, "q35", strapped, WATCHDOG_RESET);
    open_windows(&b);
    bench_store(b.m, GCS, 4, 0);
    bench_out(b.m, RLD, 2, 1);
    ticks(&b, 4);
    ticks(&b, 4);
    g_assert_cmphex(bench_in(b.m, STS2, 2) & SECOND, ==, SECOND);
    g_assert_cmpuint(board_events(&b, "WATCHDOG"), ==, 0);
    board_end(&b);
}

/* -action watchdog= */
static void test_actions(void)
{
    static const struct {
        WatchdogAction action;
        const char *event;
        RunState state;
    } t[] = {
        {WATCHDOG_RESET, "RESET", RUN_STATE_RUNNING},
        {WATCHDOG_SHUTDOWN, "POWERDOWN", RUN_STATE_RUNNING},
        {WATCHDOG_POWEROFF, "SHUTDOWN", RUN_STATE_SHUTDOWN},
        {WATCHDOG_PAUSE, "STOP", RUN_STATE_WATCHDOG},
        {WATCHDOG_DEBUG, NULL, RUN_STATE_RUNNING},
        {WATCHDOG_NONE, NULL, RUN_STATE_RUNNING},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(t); i++) {
        Board b;
        begin(&b, t[i].action, false, 4);
        ticks(&b, 4);
        ticks(&b, 4);
        g_assert_cmpuint(board_events(&b, "WATCHDOG"), ==, 1);
        g_assert_true(!t[i].event || board_events(&b, t[i].event) == 1);
        g_assert_cmpint(machine_run_state(b.m), ==, t[i].state);
        g_assert_cmpint(machine_ended(b.m, NULL), ==, t[i].action == WATCHDOG_POWEROFF);
        board_end(&b);
    }
}

/* From the operating system to the SMI handler and back: each write leaves its status bit. */
static void test_data(void)
{
    Board b;

    begin(&b, WATCHDOG_NONE, false, 1000);
    bench_out(b.m, DAT_IN, 1, 0x12);
    g_assert_cmphex(bench_in(b.m, DAT_IN, 1), ==, 0x12);
    g_assert_cmphex(bench_in(b.m, STS1, 2), ==, SW_SMI);
    bench_out(b.m, STS1, 2, TCO_INT | TIMEOUT);
    g_assert_cmphex(bench_in(b.m, STS1, 2), ==, SW_SMI);
    bench_out(b.m, STS1, 1, SW_SMI);
    g_assert_cmphex(bench_in(b.m, STS1, 2), ==, 0);
    bench_out(b.m, DAT_OUT, 1, 0x34);
    g_assert_cmphex(bench_in(b.m, DAT_IN, 2), ==, 0x3412);
    g_assert_cmphex(bench_in(b.m, STS1, 2), ==, TCO_INT);
    bench_out(b.m, STS1, 2, TCO_INT);
    bench_out(b.m, DAT_IN, 2, 0x7856);
    g_assert_cmphex(bench_in(b.m, STS1, 2), ==, SW_SMI | TCO_INT);
    bench_out(b.m, MESSAGE1, 2, 0xbbaa);
    g_assert_cmphex(bench_in(b.m, MESSAGE1 + 1, 1), ==, 0xbb);
    bench_out(b.m, WDCNT, 1, 0x5c);
    g_assert_cmphex(bench_in(b.m, WDCNT, 1), ==, 0x5c);
    board_end(&b);
}

/* TCO_LOCK keeps itself and SMI_EN.TCO_EN until reset. */
static void test_lock(void)
{
    Board b;

    begin(&b, WATCHDOG_NONE, false, 1000);
    bench_out(b.m, SMI_EN, 4, 0x2001);
    g_assert_cmphex(bench_in(b.m, SMI_EN, 4) & 0x2001, ==, 0x2001);
    bench_out(b.m, CNT1, 2, LOCK);
    bench_out(b.m, CNT1, 2, 0);
    g_assert_cmphex(bench_in(b.m, CNT1, 2), ==, LOCK);
    bench_out(b.m, SMI_EN, 4, 0);
    g_assert_cmphex(bench_in(b.m, SMI_EN, 4) & 0x2001, ==, 0x2000);
    machine_request_reset(b.m, SHUTDOWN_HOST_QMP_RESET);
    board_settle(&b);
    open_windows(&b);
    g_assert_cmphex(bench_in(b.m, CNT1, 2), ==, 0);
    g_assert_cmphex(bench_in(b.m, SMI_EN, 4) & 0x2001, ==, 0);
    board_end(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/tco/13.9-defaults", test_defaults);
    g_test_add_func("/tco/13.9.1-reload", test_reload);
    g_test_add_func("/tco/13.9.12-initial-value", test_initial_value);
    g_test_add_func("/tco/13.9.6-halt", test_halt);
    g_test_add_func("/tco/13.9.5-second-time-out", test_reboot);
    g_test_add_func("/tco/10.1-no-reboot", test_no_reboot);
    g_test_add_func("/tco/watchdog-actions", test_actions);
    g_test_add_func("/tco/13.9.2-data", test_data);
    g_test_add_func("/tco/13.9.6-lock", test_lock);
    return g_test_run();
}
