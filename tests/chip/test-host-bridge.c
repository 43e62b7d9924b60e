/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host bridges against their data sheets: i440FX (82441FX, order 290549) 3.2 and Q35 (order
 * 316966) 5.1: PAM, SMRAM, PCIEXBAR; configuration mechanism #1; reset by CF9h and 92h.
 */
#include <string.h>

#include "board.h"

typedef struct Kind {
    const char *board;
    unsigned pam, smram;
    uint32_t id;
    uint8_t reset_mask;
} Kind;

static const Kind kinds[] = {
    {"pc", 0x59, 0x72, 0x12378086, 0x02},
    {"q35", 0x90, 0x9d, 0x29c08086, 0x0a},
};

enum { D_OPEN = 0x40, D_CLS = 0x20, D_LCK = 0x10, G_SMRAME = 0x08, C_BASE = 0x02 };

static void begin(Board *b, const Kind *k)
{
    board_begin(b, k->board, NULL, WATCHDOG_RESET);
}

static void reset(Board *b)
{
    machine_request_reset(b->m, SHUTDOWN_HOST_QMP_RESET);
    board_settle(b);
}

/* ---- configuration mechanism #1 ---- */

static void test_mechanism(gconstpointer kind)
{
    const Kind *k = kind;
    Board b;

    begin(&b, k);
    bench_out(b.m, 0xcf8, 4, 0x80000000);
    g_assert_cmphex(bench_in(b.m, 0xcf8, 4), ==, 0x80000000);
    g_assert_cmphex(bench_in(b.m, 0xcfc, 4), ==, k->id);
    g_assert_cmphex(bench_in(b.m, 0xcfe, 2), ==, k->id >> 16);
    g_assert_cmphex(bench_in(b.m, 0xcfd, 1), ==, k->id >> 8 & 0xff);
    bench_out(b.m, 0xcf8, 2, 0xffff); /* only 32 bits at once reach the address register */
    g_assert_cmphex(bench_in(b.m, 0xcf8, 4), ==, 0x80000000);
    bench_out(b.m, 0xcf8, 4, 0x00000000); /* the enable bit */
    g_assert_cmphex(bench_in(b.m, 0xcfc, 4), ==, 0xffffffff);
    g_assert_cmphex(board_cfg_read(&b, 30 << 3, 0, 4), ==, 0xffffffff); /* nobody there */
    board_cfg_write(&b, 0, 0, 4, 0);
    g_assert_cmphex(board_cfg_read(&b, 0, 0, 4), ==, k->id);
    board_end(&b);
}

/* ---- shadow RAM ---- */

/* The firmware's copy shows through PCI in the last 64 KiB; below it is nothing but ones. */
static uint8_t behind(hwaddr at)
{
    return at >= 0xf0000 ? BOARD_ROM_BYTE : 0xff;
}

/* The four attributes of one segment: reads come from and writes go to RAM or PCI. */
static void check_segment(Board *b, const Kind *k, unsigned n, hwaddr at)
{
    unsigned reg = n == 12 ? k->pam : k->pam + 1 + n / 2, shift = n == 12 || n % 2 ? 4 : 0;

    board_cfg_write(b, 0, reg, 1, 3 << shift);
    bench_store(b->m, at, 1, 0x5a);
    g_assert_cmphex(bench_load(b->m, at, 1), ==, 0x5a);
    board_cfg_write(b, 0, reg, 1, 0); /* neither */
    g_assert_cmphex(bench_load(b->m, at, 1), ==, behind(at));
    bench_store(b->m, at, 1, 0x11);
    board_cfg_write(b, 0, reg, 1, 1 << shift); /* read only */
    g_assert_cmphex(bench_load(b->m, at, 1), ==, 0x5a);
    bench_store(b->m, at, 1, 0x22);
    g_assert_cmphex(bench_load(b->m, at, 1), ==, 0x5a);
    board_cfg_write(b, 0, reg, 1, 2 << shift); /* write only */
    g_assert_cmphex(bench_load(b->m, at, 1), ==, behind(at));
    bench_store(b->m, at, 1, 0x33);
    g_assert_cmphex(bench_load(b->m, at, 1), ==, behind(at));
    board_cfg_write(b, 0, reg, 1, 1 << shift);
    g_assert_cmphex(bench_load(b->m, at, 1), ==, 0x33);
    board_cfg_write(b, 0, reg, 1, 0);
}

static void test_pam(gconstpointer kind)
{
    const Kind *k = kind;
    Board b;

    begin(&b, k);
    for (unsigned n = 0; n < 13; n++) {
        hwaddr at = n == 12 ? 0xf0000 : 0xc0000 + n * 0x4000, last = at + (n == 12 ? 0xffff : 0x3fff);
        check_segment(&b, k, n, at);
        check_segment(&b, k, n, last);
        /* The neighbours are others' business. */
        board_cfg_write(&b, 0, n == 12 ? k->pam : k->pam + 1 + n / 2, 1, n == 12 || n % 2 ? 0x30 : 3);
        bench_store(b.m, at - 1, 1, 0x77);
        g_assert_cmphex(bench_load(b.m, at - 1, 1), ==, behind(at - 1));
        if (n != 12) {
            bench_store(b.m, last + 1, 1, 0x77);
            g_assert_cmphex(bench_load(b.m, last + 1, 1), ==, behind(last + 1));
        }
        board_cfg_write(&b, 0, n == 12 ? k->pam : k->pam + 1 + n / 2, 1, 0);
    }
    for (unsigned i = 0; i < 7; i++) {
        board_cfg_write(&b, 0, k->pam + i, 1, 0xff);
        g_assert_cmphex(board_cfg_read(&b, 0, k->pam + i, 1), ==, i ? 0x33 : 0x30);
    }
    board_end(&b);
}

/* ---- system management RAM ---- */

static bool video_is_ram(Board *b)
{
    bench_store(b->m, 0xa0000, 1, 0x42);
    bench_store(b->m, 0xbffff, 1, 0x43);
    bool first = bench_load(b->m, 0xa0000, 1) == 0x42;

    g_assert_cmpint(bench_load(b->m, 0xbffff, 1) == 0x43, ==, first);
    return first;
}

static void test_smram(gconstpointer kind)
{
    const Kind *k = kind;
    Board b;

    begin(&b, k);
    g_assert_cmphex(board_cfg_read(&b, 0, k->smram, 1), ==, C_BASE);
    g_assert_false(video_is_ram(&b));
    board_cfg_write(&b, 0, k->smram, 1, G_SMRAME | D_OPEN);
    g_assert_cmphex(board_cfg_read(&b, 0, k->smram, 1), ==, G_SMRAME | D_OPEN | C_BASE);
    g_assert_true(video_is_ram(&b));
    board_cfg_write(&b, 0, k->smram, 1, G_SMRAME);
    g_assert_false(video_is_ram(&b));
    board_cfg_write(&b, 0, k->smram, 1, G_SMRAME | D_OPEN);
    g_assert_cmphex(bench_load(b.m, 0xa0000, 1), ==, 0x42); /* it was kept */
    board_end(&b);
}

/* D_LCK closes it and stays until reset; so do the registers. */
static void test_smram_lock(gconstpointer kind)
{
    const Kind *k = kind;
    Board b;

    begin(&b, k);
    board_cfg_write(&b, 0, k->smram, 1, G_SMRAME | D_OPEN | D_LCK);
    g_assert_cmphex(board_cfg_read(&b, 0, k->smram, 1), ==, G_SMRAME | D_LCK | C_BASE);
    g_assert_false(video_is_ram(&b));
    board_cfg_write(&b, 0, k->smram, 1, D_OPEN);
    g_assert_cmphex(board_cfg_read(&b, 0, k->smram, 1), ==, G_SMRAME | D_LCK | C_BASE);
    g_assert_false(video_is_ram(&b));
    board_cfg_write(&b, 0, k->smram, 1, D_CLS);
    g_assert_cmphex(board_cfg_read(&b, 0, k->smram, 1) & D_CLS, ==, D_CLS);
    reset(&b);
    g_assert_cmphex(board_cfg_read(&b, 0, k->smram, 1), ==, C_BASE);
    board_cfg_write(&b, 0, k->smram, 1, G_SMRAME | D_OPEN);
    g_assert_true(video_is_ram(&b));
    board_end(&b);
}

/* What a processor in system management mode reads. */
static uint8_t smm_load(Board *b, hwaddr at)
{
    uint8_t v = 0;

    g_assert_nonnull(machine_cpu(b->m, 0)->secure_mem);
    g_assert_true(address_space_read(machine_cpu(b->m, 0)->secure_mem, at, MEM_ATTRS_NONE, &v, 1) == MEM_OK);
    return v;
}

static void test_smm_view(gconstpointer kind)
{
    const Kind *k = kind;
    Board b;

    begin(&b, k);
    board_cfg_write(&b, 0, k->smram, 1, G_SMRAME | D_OPEN);
    g_assert_true(video_is_ram(&b)); /* leaves 42h there */
    board_cfg_write(&b, 0, k->smram, 1, G_SMRAME | D_LCK);
    g_assert_cmphex(bench_load(b.m, 0xa0000, 1), ==, 0xff);
    g_assert_cmphex(smm_load(&b, 0xa0000), ==, 0x42);
    bench_store(b.m, 0x5000, 1, 0x77); /* all else is the same */
    g_assert_cmphex(smm_load(&b, 0x5000), ==, 0x77);
    reset(&b);
    g_assert_cmphex(smm_load(&b, 0xa0000), ==, 0xff); /* G_SMRAME is clear */
    board_end(&b);
}

/* TSEG at the end of the 128 MiB, in all sizes; hidden from everybody else; the high copy of A0000h. */
static void test_tseg(void)
{
    static const uint64_t mib[] = {1, 2, 8, 16};
    enum { ESMRAMC = 0x9e, EXT_TSEG = 0x50, TOP = 128u << 20 };
    Board b;

    board_begin(&b, "q35", NULL, WATCHDOG_RESET);
    board_cfg_write(&b, 0, EXT_TSEG, 2, 0xffff);
    g_assert_cmpuint(board_cfg_read(&b, 0, EXT_TSEG, 2), ==, 16);
    board_cfg_write(&b, 0, 0x9d, 1, G_SMRAME);
    for (unsigned i = 0; i < G_N_ELEMENTS(mib); i++) {
        hwaddr base = TOP - mib[i] * (1 << 20);
        bench_store(b.m, base, 1, 0x11);
        bench_store(b.m, base - 1, 1, 0x22);
        board_cfg_write(&b, 0, ESMRAMC, 1, 0x38 | i << 1 | 1);
        g_assert_cmphex(bench_load(b.m, base, 1), ==, 0xff);
        g_assert_cmphex(bench_load(b.m, TOP - 1, 1), ==, 0xff);
        bench_store(b.m, base, 1, 0x33);
        g_assert_cmphex(bench_load(b.m, base - 1, 1), ==, 0x22);
        g_assert_cmphex(smm_load(&b, base), ==, 0x11);
        board_cfg_write(&b, 0, ESMRAMC, 1, 0x38);
        g_assert_cmphex(bench_load(b.m, base, 1), ==, 0x11);
    }
    board_cfg_write(&b, 0, 0x9d, 1, G_SMRAME | D_OPEN);
    bench_store(b.m, 0xa0010, 1, 0x55);
    board_cfg_write(&b, 0, 0x9d, 1, G_SMRAME);
    board_cfg_write(&b, 0, ESMRAMC, 1, 0xb8);
    g_assert_cmphex(smm_load(&b, 0xfeda0010), ==, 0x55);
    board_cfg_write(&b, 0, ESMRAMC, 1, 0xb9);
    board_cfg_write(&b, 0, 0x9d, 1, G_SMRAME | D_LCK);
    board_cfg_write(&b, 0, ESMRAMC, 1, 0x38); /* locked */
    g_assert_cmphex(bench_load(b.m, TOP - 1, 1), ==, 0xff);
    reset(&b);
    g_assert_cmphex(bench_load(b.m, TOP - 0x100000, 1), ==, 0x11);
    board_end(&b);
}

/* Port B2h is an SMI once the chip is told so; -M smm=off has none. */
static void test_apm(gconstpointer kind)
{
    const Kind *k = kind;
    bool q35 = k->smram == 0x9d;
    Board b;

    begin(&b, k);
    Cpu *cpu = machine_cpu(b.m, 0);
    bench_out(b.m, 0xb2, 1, 1);
    g_assert_false(cpu_requests(cpu) & CPU_REQ_SMI);
    if (q35) {
        board_cfg_write(&b, 0xf8, 0x40, 4, 0x600);
        board_cfg_write(&b, 0xf8, 0x44, 1, 0x80);
        bench_out(b.m, 0x630, 4, 0x21);
        board_cfg_write(&b, 0xf8, 0xa0, 2, 0x10); /* SMI_LOCK */
        bench_out(b.m, 0x630, 4, 0x20);
        g_assert_cmphex(bench_in(b.m, 0x630, 4), ==, 0x21);
    } else {
        board_cfg_write(&b, 0x0b, 0x5b, 1, 0x02);
    }
    bench_out(b.m, 0xb3, 1, 5); /* the status port is none */
    g_assert_false(cpu_requests(cpu) & CPU_REQ_SMI);
    bench_out(b.m, 0xb2, 1, 1);
    g_assert_true(cpu_requests(cpu) & CPU_REQ_SMI);
    if (q35) {
        g_assert_cmphex(bench_in(b.m, 0x634, 4) & 0x20, ==, 0x20);
    }
    board_end(&b);

    g_autofree char *off = g_strdup_printf("%s,smm=off", k->board);
    board_begin(&b, off, NULL, WATCHDOG_RESET);
    g_assert_null(machine_cpu(b.m, 0)->secure_mem);
    bench_out(b.m, 0xb2, 1, 1);
    g_assert_false(cpu_requests(machine_cpu(b.m, 0)) & CPU_REQ_SMI);
    board_end(&b);
}

/* ---- resets ---- */

/* CF9h: bit 2 resets when it rises, whichever kind bit 1 chooses; it does not read back. */
static void test_cf9(gconstpointer kind)
{
    static const uint8_t kinds_of_reset[] = {0x00, 0x02, 0x08, 0x0a};
    const Kind *k = kind;
    Board b;

    begin(&b, k);
    for (unsigned i = 0; i < G_N_ELEMENTS(kinds_of_reset); i++) {
        uint8_t v = kinds_of_reset[i];
        bench_out(b.m, 0xcf9, 1, v);
        board_settle(&b);
        g_assert_cmpuint(board_events(&b, "RESET"), ==, i);
        g_assert_cmphex(bench_in(b.m, 0xcf9, 1), ==, v & k->reset_mask);
        bench_out(b.m, 0xcf9, 1, v | 4);
        board_settle(&b);
        g_assert_cmpuint(board_events(&b, "RESET"), ==, i + 1);
        g_assert_cmphex(bench_in(b.m, 0xcf9, 1), ==, 0);
    }
    bench_out(b.m, 0xcf8, 4, 0x80000600); /* an address, not a reset */
    board_settle(&b);
    g_assert_cmpuint(board_events(&b, "RESET"), ==, G_N_ELEMENTS(kinds_of_reset));
    board_end(&b);
}

/* System control port A: bit 0 resets when it rises, bit 1 is A20. */
static void test_port92(gconstpointer kind)
{
    Board b;

    begin(&b, kind);
    bench_out(b.m, 0x64, 1, 0xd1); /* the keyboard controller's gate is shut */
    bench_out(b.m, 0x60, 1, 0xdd);
    bench_store(b.m, 0x500, 1, 0x11);
    bench_out(b.m, 0x92, 1, 2);
    bench_store(b.m, 0x100500, 1, 0x22);
    g_assert_cmphex(bench_load(b.m, 0x500, 1), ==, 0x11);
    bench_out(b.m, 0x92, 1, 0);
    g_assert_cmphex(bench_load(b.m, 0x100500, 1), ==, 0x11);
    bench_out(b.m, 0x92, 1, 1);
    board_settle(&b);
    g_assert_cmpuint(board_events(&b, "RESET"), ==, 1);
    g_assert_cmphex(bench_in(b.m, 0x92, 1) & 1, ==, 0);
    bench_out(b.m, 0x92, 1, 2);
    board_settle(&b);
    g_assert_cmpuint(board_events(&b, "RESET"), ==, 1);
    bench_out(b.m, 0x92, 1, 3);
    board_settle(&b);
    g_assert_cmpuint(board_events(&b, "RESET"), ==, 2);
    board_end(&b);
}

/* ---- Q35 alone ---- */

#define PCIEXBAR 0x60
#define MCH_ID   0x29c08086

static void set_window(Board *b, uint64_t v)
{
    board_cfg_write(b, 0, PCIEXBAR, 4, 0); /* as a driver does: closed, then high, then low */
    board_cfg_write(b, 0, PCIEXBAR + 4, 4, v >> 32);
    board_cfg_write(b, 0, PCIEXBAR, 4, v);
}

static bool window_at(Board *b, uint64_t at)
{
    return bench_load(b->m, at, 4) == MCH_ID;
}

static void test_pciexbar(void)
{
    Board b;

    begin(&b, &kinds[1]);
    g_assert_cmphex(board_cfg_read(&b, 0, PCIEXBAR, 4), ==, 0xb0000000);
    g_assert_false(window_at(&b, 0xb0000000));
    set_window(&b, 0xb0000001);
    g_assert_true(window_at(&b, 0xb0000000));
    g_assert_cmphex(bench_load(b.m, 0xb0000000 + (31 << 15), 4), ==, 0x29188086);
    bench_store(b.m, 0xb0000000 + (31 << 15) + 0x3c, 1, 0x55);
    g_assert_cmphex(board_cfg_read(&b, 31 << 3, 0x3c, 1), ==, 0x55);
    set_window(&b, 0xc0000001); /* moved, also above 4 GiB */
    g_assert_false(window_at(&b, 0xb0000000));
    g_assert_true(window_at(&b, 0xc0000000));
    set_window(&b, 0x800000001);
    g_assert_false(window_at(&b, 0xc0000000));
    g_assert_true(window_at(&b, 0x800000000));
    set_window(&b, 0x800000000);
    g_assert_false(window_at(&b, 0x800000000));
    set_window(&b, ~0ull << 3); /* only address bits that there are */
    g_assert_cmphex(board_cfg_read(&b, 0, PCIEXBAR, 4), ==, 0xfc000000);
    g_assert_cmphex(board_cfg_read(&b, 0, PCIEXBAR + 4, 4), ==, 0xf);
    board_end(&b);
}

/* LENGTH: 256, 128 or 64 MiB at multiples of that; 3 is reserved and opens nothing. */
static void test_pciexbar_sizes(void)
{
    Board b;

    begin(&b, &kinds[1]);
    for (unsigned length = 0; length < 3; length++) {
        uint64_t size = (256u << 20) >> length;
        set_window(&b, 0xbc000000 | length << 1 | 1);
        uint64_t base = 0xbc000000 & ~(size - 1);
        g_assert_true(window_at(&b, base));
        /* The last bus is inside: nothing there, but nothing else either; then comes PCI. */
        bench_store(b.m, base + size - 4, 4, 0);
        g_assert_cmphex(bench_load(b.m, base + size - 4, 4), ==, 0xffffffff);
        for (unsigned bus = 64; bus < 512; bus += 64) {
            g_assert_false(window_at(&b, base + ((uint64_t)bus << 20)));
        }
    }
    set_window(&b, 0xbc000007);
    g_assert_false(window_at(&b, 0xbc000000));
    g_assert_false(window_at(&b, 0xb0000000));
    reset(&b);
    g_assert_false(window_at(&b, 0xb0000000));
    g_assert_cmphex(board_cfg_read(&b, 0, PCIEXBAR, 4), ==, 0xb0000000);
    board_end(&b);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*fn)(gconstpointer);
    } cases[] = {
        {"mechanism-1", test_mechanism}, {"pam", test_pam}, {"smram", test_smram},
        {"smram-lock", test_smram_lock}, {"smm-view", test_smm_view},
        {"apm", test_apm}, {"cf9", test_cf9}, {"port-92", test_port92},
    };

    g_test_init(&argc, &argv, NULL);
    for (unsigned k = 0; k < G_N_ELEMENTS(kinds); k++) {
        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
            g_autofree char *name = g_strdup_printf("/host-bridge/%s/%s", kinds[k].board, cases[i].name);
            g_test_add_data_func(name, &kinds[k], cases[i].fn);
        }
    }
    g_test_add_func("/host-bridge/q35/tseg", test_tseg);
    g_test_add_func("/host-bridge/q35/pciexbar", test_pciexbar);
    g_test_add_func("/host-bridge/q35/pciexbar-sizes", test_pciexbar_sizes);
    return g_test_run();
}
