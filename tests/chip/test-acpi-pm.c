/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power management of both chip sets against ACPI 6.4, 4.8 "ACPI hardware features": PM1 events,
 * timer, sleep, GPE0; each case on "pc" (PIIX4) and "q35" (ICH9).
 */
#include <string.h>

#include "base/bits.h"
#include "board.h"

#define TABLES  (128u << 10)
#define PM      0x600
#define PM1_STS PM
#define PM1_EN  (PM + 2)
#define PM1_CNT (PM + 4)
#define PM_TMR  (PM + 8)

enum { TMR = 1, GBL = 0x20, PWRBTN = 0x100, RTC = 0x400, WAK = 0x8000 };
enum { SCI_EN = 1, SLP_EN = 0x2000 };
#define SLP_TYP(n) ((n) << 10)
#define HALF_PERIOD (NS_PER_SEC / 3579545.0 * (1 << 23)) /* bit 23 changes, ns */

typedef struct Kind {
    const char *board;
    unsigned devfn;
    uint16_t gpe_at;
    unsigned gpe_bytes; /* of status */
    const char *chip;   /* type of the function */
} Kind;

static const Kind kinds[] = {
    {"pc", 1 << 3 | 3, 0xafe0, 2, "PIIX4_PM"},
    {"q35", 31 << 3, PM + 0x20, 8, "ICH9-LPC"},
};

static void open_window(Board *b, const Kind *k)
{
    board_cfg_write(b, k->devfn, 0x40, 4, PM);
    board_cfg_write(b, k->devfn, k->devfn == 31 << 3 ? 0x44 : 0x80, 1,
                    k->devfn == 31 << 3 ? 0x80 : 1);
}

static void begin(Board *b, const Kind *k)
{
    board_begin(b, k->board, NULL, WATCHDOG_RESET);
    open_window(b, k);
}

/* The SCI on the 8259s: IRR of the slave, bit 1 is line 9, which is programmed to be a level. */
static bool sci(Board *b)
{
    bench_out(b->m, 0x4d1, 1, 0x02);
    bench_out(b->m, 0xa0, 1, 0x0a);
    return bench_in(b->m, 0xa0, 1) & 2;
}

/* Reads the event block, which is when it notices the time. */
static uint16_t status(Board *b)
{
    return bench_in(b->m, PM1_STS, 2);
}

/* 4.8.3.1: status bits are cleared by ones; the enable register chooses what is an interrupt. */
static void test_events(gconstpointer kind)
{
    Board b;

    begin(&b, kind);
    g_assert_cmphex(status(&b), ==, 0);
    g_assert_cmphex(bench_in(b.m, PM1_EN, 2), ==, 0);
    g_assert_cmphex(bench_in(b.m, PM1_CNT, 2), ==, SCI_EN);
    bench_out(b.m, PM1_EN, 2, 0xffff);
    g_assert_cmphex(bench_in(b.m, PM1_EN, 2), ==, 0x0721);
    bench_out(b.m, PM1_EN, 2, 0);
    machine_request_powerdown(b.m);
    board_settle(&b);
    g_assert_cmphex(status(&b), ==, PWRBTN);
    g_assert_false(sci(&b));
    bench_out(b.m, PM1_EN + 1, 1, PWRBTN >> 8);
    g_assert_true(sci(&b));
    g_assert_cmphex(bench_in(b.m, PM1_STS, 4), ==, PWRBTN << 16 | PWRBTN);
    bench_out(b.m, PM1_STS, 2, 0xffff & ~PWRBTN);
    g_assert_true(sci(&b));
    bench_out(b.m, PM1_STS + 1, 1, PWRBTN >> 8);
    g_assert_cmphex(status(&b), ==, 0);
    g_assert_cmphex(bench_in(b.m, PM1_EN, 2), ==, PWRBTN);
    g_assert_false(sci(&b));
    machine_request_powerdown(b.m);
    board_settle(&b);
    g_assert_true(sci(&b)); /* without anybody having read */
    g_assert_cmpuint(board_events(&b, "POWERDOWN"), ==, 2);
    g_assert_false(machine_ended(b.m, NULL));
    board_end(&b);
}

/* 4.8.3.3: 24 bits at 3.579545 MHz; TMR_STS when bit 23 changes either way. */
static void test_timer(gconstpointer kind)
{
    Board b;

    begin(&b, kind);
    uint32_t t0 = bench_in(b.m, PM_TMR, 4);
    bench_step(b.m, NS_PER_SEC);
    g_assert_cmpuint(bench_in(b.m, PM_TMR, 4) - t0, ==, 3579545);
    bench_out(b.m, PM_TMR, 4, 0);
    g_assert_cmpuint(bench_in(b.m, PM_TMR, 4) - t0, ==, 3579545);
    g_assert_cmphex(status(&b) & TMR, ==, 0);
    for (int i = 0; i < 4; i++) {
        bench_step(b.m, HALF_PERIOD);
        g_assert_cmphex(bench_in(b.m, PM_TMR, 4) & ~0xffffffu, ==, 0);
        g_assert_cmphex(status(&b) & TMR, ==, TMR);
        bench_out(b.m, PM1_STS, 2, TMR);
        g_assert_cmphex(status(&b) & TMR, ==, 0);
    }
    board_end(&b);
}

/* With TMR_EN the carry interrupts by itself, once until it is cleared. */
static void test_timer_interrupt(gconstpointer kind)
{
    Board b;

    begin(&b, kind);
    uint32_t now = bench_in(b.m, PM_TMR, 4);
    double left = ((1 << 23) - now) * (NS_PER_SEC / 3579545.0);
    bench_out(b.m, PM1_EN, 2, TMR);
    bench_step(b.m, left - 1000);
    g_assert_false(sci(&b));
    bench_step(b.m, 2000);
    g_assert_true(sci(&b));
    g_assert_cmphex(bench_in(b.m, PM_TMR, 4) & 1 << 23, ==, 1 << 23);
    bench_out(b.m, PM1_STS, 2, TMR);
    g_assert_false(sci(&b));
    bench_step(b.m, HALF_PERIOD);
    g_assert_true(sci(&b));
    g_assert_cmphex(bench_in(b.m, PM_TMR, 4) & 1 << 23, ==, 0);
    board_end(&b);
}

/* 4.8.3.2.1: SLP_EN starts it, reads as zero; SLP_TYP alone does nothing. */
static void test_soft_off(gconstpointer kind)
{
    Board b;

    begin(&b, kind);
    bench_out(b.m, PM1_CNT, 2, SLP_TYP(5) | SCI_EN);
    g_assert_cmphex(bench_in(b.m, PM1_CNT, 2), ==, SLP_TYP(5) | SCI_EN);
    bench_out(b.m, PM1_CNT, 2, SLP_TYP(7) | SLP_EN); /* not one of _Sx */
    board_settle(&b);
    g_assert_cmpint(machine_run_state(b.m), ==, RUN_STATE_RUNNING);
    g_assert_cmphex(bench_in(b.m, PM1_CNT, 2), ==, SLP_TYP(7) | SCI_EN);
    bench_out(b.m, PM1_CNT, 2, SLP_TYP(0));
    board_settle(&b);
    g_assert_false(machine_ended(b.m, NULL));
    bench_out(b.m, PM1_CNT, 2, SLP_TYP(0) | SLP_EN);
    board_settle(&b);
    g_assert_true(machine_ended(b.m, NULL));
    g_assert_cmpuint(board_events(&b, "SHUTDOWN"), ==, 1);
    board_end(&b);
}

static void test_s4(gconstpointer kind)
{
    Board b;

    begin(&b, kind);
    bench_out(b.m, PM1_CNT, 2, SLP_TYP(2) | SLP_EN);
    board_settle(&b);
    g_assert_true(machine_ended(b.m, NULL));
    board_end(&b);
}

/* A file of fw_cfg as firmware reads it: its length, up to max bytes in buf. */
static unsigned fw_cfg_file(Board *b, const char *name, uint8_t *buf, unsigned max)
{
    uint8_t count[4], entry[64];

    bench_out(b->m, 0x510, 2, 0x19);
    for (unsigned i = 0; i < 4; i++) {
        count[i] = bench_in(b->m, 0x511, 1);
    }
    for (unsigned n = count[2] << 8 | count[3]; n; n--) {
        for (unsigned i = 0; i < 64; i++) {
            entry[i] = bench_in(b->m, 0x511, 1);
        }
        if (!strcmp((char *)entry + 8, name)) {
            unsigned size = entry[1] << 16 | entry[2] << 8 | entry[3];
            bench_out(b->m, 0x510, 2, entry[4] << 8 | entry[5]);
            for (unsigned i = 0; i < size && i < max; i++) {
                buf[i] = bench_in(b->m, 0x511, 1);
            }
            return size;
        }
    }
    g_error("there is no file %s", name);
}

/* What firmware and the operating system are told: SLP_TYP, or -1 if there is no such state. */
static int told(Board *b, unsigned state)
{
    g_autofree uint8_t *tables = g_malloc(TABLES);
    uint8_t states[6];
    const char name[] = {'_', 'S', '0' + state, '_', 0x12}; /* a package */
    unsigned size = fw_cfg_file(b, "etc/acpi/tables", tables, TABLES);

    g_assert_cmpuint(size, <=, TABLES);
    g_assert_cmpuint(fw_cfg_file(b, "etc/system-states", states, sizeof(states)), ==, 6);
    const uint8_t *p = memmem(tables, size, name, sizeof(name));
    if (!p || !(states[state] & 0x80)) {
        g_assert_true(!p && !(states[state] & 0x80)); /* they agree */
        return -1;
    }
    p += sizeof(name) + 2; /* length, count; then a byte constant, ZeroOp or OneOp */
    g_assert_cmpuint(*p == 0x0a ? p[1] : *p, ==, states[state] & 0x7f);
    return states[state] & 0x7f;
}

/* disable_s3, disable_s4, s4_val */
static void test_disabled(gconstpointer kind)
{
    const Kind *k = kind;
    g_autofree char *s3 = g_strdup_printf("%s.disable_s3=on", k->chip);
    g_autofree char *s4 = g_strdup_printf("%s.disable_s4=on", k->chip);
    g_autofree char *val = g_strdup_printf("%s.s4_val=3", k->chip);
    const char *const off[] = {s3, s4, NULL}, *const moved[] = {val, NULL};
    Board b;

    board_begin(&b, k->board, off, WATCHDOG_RESET);
    open_window(&b, k);
    g_assert_cmpint(told(&b, 3), ==, -1);
    g_assert_cmpint(told(&b, 4), ==, -1);
    g_assert_cmpint(told(&b, 5), ==, 0);
    bench_out(b.m, PM1_CNT, 2, SLP_TYP(1) | SLP_EN);
    bench_out(b.m, PM1_CNT, 2, SLP_TYP(2) | SLP_EN);
    board_settle(&b);
    g_assert_cmpint(machine_run_state(b.m), ==, RUN_STATE_RUNNING);
    board_end(&b);

    board_begin(&b, k->board, moved, WATCHDOG_RESET);
    open_window(&b, k);
    g_assert_cmpint(told(&b, 3), ==, 1);
    g_assert_cmpint(told(&b, 4), ==, 3);
    bench_out(b.m, PM1_CNT, 2, SLP_TYP(2) | SLP_EN);
    board_settle(&b);
    g_assert_false(machine_ended(b.m, NULL));
    bench_out(b.m, PM1_CNT, 2, SLP_TYP(3) | SLP_EN);
    board_settle(&b);
    g_assert_true(machine_ended(b.m, NULL));
    board_end(&b);
}

static void suspend(Board *b)
{
    bench_out(b->m, PM1_CNT, 2, SLP_TYP(1) | SLP_EN);
    board_settle(b);
    g_assert_cmpint(machine_run_state(b->m), ==, RUN_STATE_SUSPENDED);
    g_assert_cmpuint(board_events(b, "SUSPEND"), ==, 1);
}

/* 4.8.3.1.1: the wake status and its cause. CMOS tells firmware to resume. */
static void test_wake_up(gconstpointer kind)
{
    Board b;

    begin(&b, kind);
    suspend(&b);
    machine_request_wakeup(b.m);
    board_settle(&b);
    g_assert_cmpint(machine_run_state(b.m), ==, RUN_STATE_RUNNING);
    g_assert_cmpuint(board_events(&b, "WAKEUP"), ==, 1);
    bench_out(b.m, 0x70, 1, 0x0f);
    g_assert_cmphex(bench_in(b.m, 0x71, 1), ==, 0xfe);
    open_window(&b, kind);
    g_assert_cmphex(status(&b), ==, WAK | PWRBTN);
    g_assert_cmphex(bench_in(b.m, PM1_CNT, 2), ==, SCI_EN);
    bench_out(b.m, PM1_STS, 2, WAK | PWRBTN);
    g_assert_cmphex(status(&b), ==, 0);
    board_end(&b);
}

static void rtc(Board *b, uint8_t reg, uint8_t v)
{
    bench_out(b->m, 0x70, 1, reg);
    bench_out(b->m, 0x71, 1, v);
}

static uint8_t second(Board *b)
{
    bench_out(b->m, 0x70, 1, 0);
    return bench_in(b->m, 0x71, 1);
}

/* An alarm when the next second begins; this one has just begun. The RTC follows the host's clock. */
static void set_alarm(Board *b)
{
    uint8_t now = second(b);

    while (second(b) == now) {
        g_usleep(1000);
    }
    rtc(b, 0x01, 0xff);
    rtc(b, 0x03, 0xff);
    rtc(b, 0x05, 0xff);
    rtc(b, 0x0b, 0x22);
}

static void wait_for_alarm(Board *b)
{
    for (int i = 0; i < 1200; i++) {
        g_main_context_iteration(machine_loop(b->m), FALSE);
        g_usleep(1000);
    }
}

/* 4.8.2.4: the alarm sets RTC_STS while it runs, and wakes it if RTC_EN says so. */
static void test_alarm(gconstpointer kind)
{
    Board b;

    begin(&b, kind);
    set_alarm(&b);
    g_assert_cmphex(status(&b) & RTC, ==, 0);
    wait_for_alarm(&b);
    g_assert_cmphex(status(&b) & RTC, ==, RTC);
    g_assert_false(sci(&b));
    bench_out(b.m, PM1_EN, 2, RTC);
    g_assert_true(sci(&b));
    bench_out(b.m, PM1_STS, 2, RTC);
    rtc(&b, 0x0b, 0x22); /* the same level as before is no alarm */
    g_assert_false(sci(&b));
    board_end(&b);

    for (int enabled = 0; enabled < 2; enabled++) {
        begin(&b, kind);
        set_alarm(&b);
        bench_out(b.m, PM1_EN, 2, enabled ? RTC : PWRBTN);
        suspend(&b);
        wait_for_alarm(&b);
        g_assert_cmpuint(board_events(&b, "WAKEUP"), ==, enabled);
        if (enabled) {
            open_window(&b, kind);
            g_assert_cmphex(status(&b) & ~TMR, ==, WAK | RTC);
        }
        board_end(&b);
    }
}

/* 4.8.4.1: as many bytes of status, cleared by ones, as of enable. */
static void test_gpe(gconstpointer kind)
{
    const Kind *k = kind;
    Board b;

    begin(&b, k);
    for (unsigned i = 0; i < k->gpe_bytes; i++) {
        bench_out(b.m, k->gpe_at + k->gpe_bytes + i, 1, 0xa5 + i);
    }
    for (unsigned i = 0; i < k->gpe_bytes; i++) {
        g_assert_cmphex(bench_in(b.m, k->gpe_at + k->gpe_bytes + i, 1), ==, 0xa5 + i);
        g_assert_cmphex(bench_in(b.m, k->gpe_at + i, 1), ==, 0);
        bench_out(b.m, k->gpe_at + i, 1, 0xff); /* cannot be set */
        g_assert_cmphex(bench_in(b.m, k->gpe_at + i, 1), ==, 0);
    }
    g_assert_false(sci(&b));
    board_end(&b);
}

/* Event 1 of "pc" is a card plugged in. */
static void test_gpe_event(void)
{
    const Kind *k = &kinds[0];
    g_autoptr(json_t) opts = json_pack("{s:s, s:s}", "driver", "edu", "addr", "5");
    Board b;

    begin(&b, k);
    g_assert_nonnull(device_add(b.m, opts, NULL));
    g_assert_cmphex(bench_in(b.m, k->gpe_at, 1), ==, 2);
    g_assert_false(sci(&b));
    bench_out(b.m, k->gpe_at + k->gpe_bytes, 1, 2);
    g_assert_true(sci(&b));
    bench_out(b.m, k->gpe_at, 1, 0xfd);
    g_assert_true(sci(&b));
    bench_out(b.m, k->gpe_at, 1, 2);
    g_assert_false(sci(&b));
    board_end(&b);
}

/* APM ports keep what is written; without SMM the machine is in ACPI mode whatever they say. */
static void test_apm(gconstpointer kind)
{
    static const uint8_t commands[] = {0xf0, 0xf1, 0x02, 0x03, 0x55};
    Board b;

    begin(&b, kind);
    bench_out(b.m, 0xb3, 1, 0x77);
    for (unsigned i = 0; i < G_N_ELEMENTS(commands); i++) {
        bench_out(b.m, 0xb2, 1, commands[i]);
        g_assert_cmphex(bench_in(b.m, 0xb2, 1), ==, commands[i]);
        g_assert_cmphex(bench_in(b.m, 0xb3, 1), ==, 0x77);
        g_assert_cmphex(bench_in(b.m, PM1_CNT, 2), ==, SCI_EN);
    }
    bench_out(b.m, PM1_CNT, 2, 0);
    g_assert_cmphex(bench_in(b.m, PM1_CNT, 2), ==, SCI_EN);
    board_end(&b);
}

/* PMBASE and its enable bit: the window moves, and a closed one answers nothing. */
static void test_window(gconstpointer kind)
{
    const Kind *k = kind;
    bool q35 = !strcmp(k->board, "q35");
    Board b;

    begin(&b, k);
    bench_out(b.m, PM1_EN, 2, PWRBTN);
    board_cfg_write(&b, k->devfn, 0x40, 4, 0x4001);
    g_assert_cmphex(bench_in(b.m, 0x4002, 2), ==, PWRBTN);
    g_assert_cmphex(bench_in(b.m, PM1_EN, 2), !=, PWRBTN);
    board_cfg_write(&b, k->devfn, 0x40, 4, 0xffffffff);
    g_assert_cmphex(board_cfg_read(&b, k->devfn, 0x40, 4), ==, q35 ? 0xff81 : 0xffc1);
    board_cfg_write(&b, k->devfn, 0x40, 4, 0x4000);
    board_cfg_write(&b, k->devfn, q35 ? 0x44 : 0x80, 1, 0);
    g_assert_cmphex(bench_in(b.m, 0x4002, 2), !=, PWRBTN);
    board_end(&b);
}

/* Firmware puts the registers where it likes, and reads the tables after that. */
static void test_tables_follow(gconstpointer arg)
{
    static const uint16_t at[] = {0xb000, 0x600, 0x4000};
    const Kind *k = arg;
    g_autofree uint8_t *tables = g_malloc(TABLES);
    Board b;

    begin(&b, k);
    for (size_t i = 0; i < G_N_ELEMENTS(at); i++) {
        board_cfg_write(&b, k->devfn, 0x40, 4, at[i] | 1);
        unsigned size = fw_cfg_file(&b, "etc/acpi/tables", tables, TABLES);
        const uint8_t *fadt = memmem(tables, size, "FACP", 4);
        g_assert_nonnull(fadt);
        g_assert_cmphex(ld_le32(fadt + 56), ==, at[i]); /* PM1a_EVT_BLK */
        g_assert_cmphex(ld_le32(fadt + 64), ==, at[i] + 4u); /* PM1a_CNT_BLK */
        g_assert_cmphex(ld_le32(fadt + 76), ==, at[i] + 8u); /* PM_TMR_BLK */
        g_assert_cmphex(ld_le32(fadt + 80), ==, k->gpe_at < 0x1000 ? at[i] + k->gpe_at - PM : k->gpe_at);
    }
    board_end(&b);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*fn)(gconstpointer);
    } cases[] = {
        {"4.8.3.1-events", test_events},         {"4.8.3.3-timer", test_timer},
        {"4.8.3.3-interrupt", test_timer_interrupt}, {"4.8.3.2-soft-off", test_soft_off},
        {"s4", test_s4},                         {"sleep-states-disabled", test_disabled},
        {"4.8.3.1-wake-up", test_wake_up},       {"4.8.2.4-alarm", test_alarm},
        {"4.8.4.1-gpe", test_gpe},               {"apm", test_apm},
        {"window", test_window},             {"tables-follow", test_tables_follow},
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
            g_autofree char *name = g_strdup_printf("/acpi-pm/%s/%s", kinds[k].board, cases[i].name);
            g_test_add_data_func(name, &kinds[k], cases[i].fn);
        }
    }
    g_test_add_func("/acpi-pm/pc/4.8.4.1-event", test_gpe_event);
    return g_test_run();
}
