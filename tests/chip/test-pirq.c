/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routing of PCI interrupts: PIIX3 (82371SB data sheet, order 290550, 2.2.13 PIRQRC) and ICH9 (data
 * sheet 316972, 13.1.20 PIRQ[n]_ROUT, 10.1 D31IR and the like), to the 8259s and the I/O APIC.
 */
#include "board.h"
#include "hw/pci/pci.h"

#define IOAPIC   0xfec00000ull
#define ROUTABLE 0xdef8 /* 3-7, 9-12, 14, 15 */

typedef struct Kind {
    const char *board;
    unsigned bridge; /* its devfn */
    unsigned pirqs;
} Kind;

static const Kind kinds[] = {{"pc", 1 << 3, 4}, {"q35", 31 << 3, 8}};

static unsigned rout(unsigned pirq)
{
    return pirq < 4 ? 0x60 + pirq : 0x68 + pirq - 4;
}

/* A card in a slot whose INTA# is PIRQ `want` (q35: the board's slots reach E to H only). */
static PciDevice *card(Board *b, unsigned slot)
{
    g_autofree char *addr = g_strdup_printf("%x", slot);
    g_autoptr(json_t) opts = json_pack("{s:s, s:s}", "driver", "edu", "addr", addr);
    Error *err = NULL;
    PciDevice *d = (PciDevice *)device_add(b->m, opts, &err);

    if (!d) {
        g_error("%s", error_message(err));
    }
    return d;
}

static void drive(Board *b, PciDevice *d, int level)
{
    machine_lock(b->m);
    pci_set_irq(d, level);
    machine_unlock(b->m);
}

/* All lines programmed to be levels: then the IRRs say what the lines are. */
static unsigned pic_lines(Board *b)
{
    bench_out(b->m, 0x4d0, 1, 0xf8);
    bench_out(b->m, 0x4d1, 1, 0xde);
    bench_out(b->m, 0x20, 1, 0x0a);
    bench_out(b->m, 0xa0, 1, 0x0a);
    return (bench_in(b->m, 0x20, 1) | bench_in(b->m, 0xa0, 1) << 8) & ROUTABLE;
}

/* Remote IRR of a pin that is unmasked and a level: the local APIC took it. */
static bool ioapic_took(Board *b, unsigned pin)
{
    bench_store(b->m, IOAPIC, 4, 0x10 + 2 * pin);
    return bench_load(b->m, IOAPIC + 0x10, 4) >> 14 & 1;
}

/* Vector 0x40 + pin, physical, to processor 0; level, active high as inside this machine. */
static void ioapic_open(Board *b, unsigned pin)
{
    bench_store(b->m, 0xfee000f0, 4, 0x1ff);
    bench_store(b->m, IOAPIC, 4, 0x11 + 2 * pin);
    bench_store(b->m, IOAPIC + 0x10, 4, 0);
    bench_store(b->m, IOAPIC, 4, 0x10 + 2 * pin);
    bench_store(b->m, IOAPIC + 0x10, 4, 1 << 15 | (0x40 + pin));
}

static void test_defaults(gconstpointer kind)
{
    const Kind *k = kind;
    Board b;

    board_build(&b, k->board, NULL, WATCHDOG_RESET);
    PciDevice *d = card(&b, 4);
    machine_start(b.m);
    for (unsigned i = 0; i < k->pirqs; i++) {
        g_assert_cmphex(board_cfg_read(&b, k->bridge, rout(i), 1), ==, 0x80); /* disabled */
        board_cfg_write(&b, k->bridge, rout(i), 1, 0xff);
        g_assert_cmphex(board_cfg_read(&b, k->bridge, rout(i), 1), ==, 0x8f);
    }
    drive(&b, d, 1);
    g_assert_cmphex(pic_lines(&b), ==, 0);
    board_end(&b);
}

/* The register's four bits choose a line; reserved ones (0-2, 8, 13) none. Bit 7 disables. */
static void test_lines(gconstpointer kind)
{
    const Kind *k = kind;
    Board b;

    board_build(&b, k->board, NULL, WATCHDOG_RESET);
    /* pc: slot 4, pin A is (0 + 4 - 1) & 3; q35: (4 + 0) % 4 + 4 */
    unsigned pirq = k->pirqs == 4 ? 3 : 4;
    PciDevice *d = card(&b, 4);
    machine_start(b.m);
    for (unsigned line = 0; line < 16; line++) {
        board_cfg_write(&b, k->bridge, rout(pirq), 1, line);
        drive(&b, d, 1);
        g_assert_cmphex(pic_lines(&b), ==, 1 << line & ROUTABLE);
        board_cfg_write(&b, k->bridge, rout(pirq), 1, 0x80 | line); /* moves at once */
        g_assert_cmphex(pic_lines(&b), ==, 0);
        board_cfg_write(&b, k->bridge, rout(pirq), 1, line);
        g_assert_cmphex(pic_lines(&b), ==, 1 << line & ROUTABLE);
        drive(&b, d, 0);
        g_assert_cmphex(pic_lines(&b), ==, 0);
    }
    board_end(&b);
}

/* Each slot's pins are rotated; two that share a line release it when both do. */
static void test_rotation(gconstpointer kind)
{
    const Kind *k = kind;
    PciDevice *d[4];
    Board b;

    board_build(&b, k->board, NULL, WATCHDOG_RESET);
    for (unsigned i = 0; i < 4; i++) {
        d[i] = card(&b, 4 + i);
    }
    machine_start(b.m);
    for (unsigned i = 0; i < 4; i++) {
        static const uint8_t lines[] = {5, 7, 9, 10};
        board_cfg_write(&b, k->bridge, rout(k->pirqs == 4 ? (i + 3) & 3 : 4 + i), 1, lines[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        static const uint16_t want[] = {1 << 5, 1 << 7, 1 << 9, 1 << 10};
        drive(&b, d[i], 1);
        g_assert_cmphex(pic_lines(&b), ==, want[i]);
        drive(&b, d[i], 0);
    }
    for (unsigned i = 0; i < 8; i++) {
        if (i < 4 || k->pirqs == 8) {
            board_cfg_write(&b, k->bridge, rout(i), 1, 11);
        }
    }
    drive(&b, d[0], 1);
    drive(&b, d[1], 1);
    drive(&b, d[0], 0);
    g_assert_cmphex(pic_lines(&b), ==, 1 << 11);
    drive(&b, d[1], 0);
    g_assert_cmphex(pic_lines(&b), ==, 0);
    board_end(&b);
}

/* A line that the bridge drives is also a pin of the I/O APIC, so that firmware's routing works. */
static void test_io_apic(gconstpointer kind)
{
    const Kind *k = kind;
    Board b;

    board_build(&b, k->board, NULL, WATCHDOG_RESET);
    PciDevice *d = card(&b, 4);
    machine_start(b.m);
    board_cfg_write(&b, k->bridge, rout(k->pirqs == 4 ? 3 : 4), 1, 10);
    ioapic_open(&b, 10);
    g_assert_false(ioapic_took(&b, 10));
    drive(&b, d, 1);
    g_assert_true(ioapic_took(&b, 10));
    board_end(&b);
}

/* ICH9: PIRQ n is pin 16 + n whatever its ROUT register says. */
static void test_io_apic_pirq(void)
{
    PciDevice *d[4];
    Board b;

    board_build(&b, "q35", NULL, WATCHDOG_RESET);
    for (unsigned i = 0; i < 4; i++) {
        d[i] = card(&b, 4 + i);
    }
    machine_start(b.m);
    for (unsigned i = 0; i < 4; i++) {
        ioapic_open(&b, 20 + i);
        drive(&b, d[i], 1);
        g_assert_true(ioapic_took(&b, 20 + i));
        g_assert_cmphex(pic_lines(&b), ==, 0);
        drive(&b, d[i], 0);
    }
    board_end(&b);
}

/* 10.1: D25IR says which PIRQ each pin of slot 25 is; the window opens and closes with RCBA. */
static void test_rcba(void)
{
    const unsigned lpc = 31 << 3;
    Board b;

    board_build(&b, "q35", NULL, WATCHDOG_RESET);
    PciDevice *d = card(&b, 25);
    machine_start(b.m);
    g_assert_cmphex(bench_load(b.m, 0xfed1f150, 2), !=, 0x3210); /* closed */
    board_cfg_write(&b, lpc, 0xf0, 4, 0xfed1c001);
    g_assert_cmphex(bench_load(b.m, 0xfed1f150, 2), ==, 0x3210);
    for (unsigned pirq = 0; pirq < 8; pirq++) {
        board_cfg_write(&b, lpc, rout(pirq), 1, 0x80);
    }
    for (unsigned pirq = 0; pirq < 8; pirq++) {
        bench_store(b.m, 0xfed1f150, 2, 0x3210 | pirq);
        board_cfg_write(&b, lpc, rout(pirq), 1, 11);
        drive(&b, d, 1);
        g_assert_cmphex(pic_lines(&b), ==, 1 << 11);
        drive(&b, d, 0);
        g_assert_cmphex(pic_lines(&b), ==, 0);
        board_cfg_write(&b, lpc, rout(pirq), 1, 0x80);
    }
    board_cfg_write(&b, lpc, 0xf0, 4, 0xfed20001); /* it moves in steps of 16 KiB */
    g_assert_cmphex(bench_load(b.m, 0xfed23150, 2), ==, 0x3217);
    g_assert_cmphex(bench_load(b.m, 0xfed1f150, 2), !=, 0x3217);
    board_cfg_write(&b, lpc, 0xf0, 4, 0xffffffff);
    g_assert_cmphex(board_cfg_read(&b, lpc, 0xf0, 4), ==, 0xffffc001);
    board_cfg_write(&b, lpc, 0xf0, 4, 0xfed1c000);
    g_assert_cmphex(bench_load(b.m, 0xfed1f150, 2), !=, 0x3217);
    machine_request_reset(b.m, SHUTDOWN_HOST_QMP_RESET);
    board_settle(&b);
    g_assert_cmphex(board_cfg_read(&b, lpc, 0xf0, 4), ==, 0);
    board_end(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
        static const struct {
            const char *name;
            void (*fn)(gconstpointer);
        } cases[] = {{"defaults", test_defaults}, {"lines", test_lines},
                     {"rotation", test_rotation}, {"io-apic", test_io_apic}};
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
            g_autofree char *name = g_strdup_printf("/pirq/%s/%s", kinds[k].board, cases[i].name);
            g_test_add_data_func(name, &kinds[k], cases[i].fn);
        }
    }
    g_test_add_func("/pirq/q35/io-apic-pins", test_io_apic_pirq);
    g_test_add_func("/pirq/q35/rcba", test_rcba);
    return g_test_run();
}
