/* SPDX-License-Identifier: GPL-2.0-or-later */
/* edu and pci-testdev against QEMU's docs/specs/edu.txt and pci-testdev.txt. */
#include <string.h>

#include "pci.h"

typedef struct Bench {
    Machine *m;
    PciBench *b;
    PciDevice *d;
    uint64_t at;
} Bench;

static Bench bench(const char *text)
{
    Bench t = {.m = bench_new(1)};

    t.b = bench_pci(t.m, false);
    t.d = bench_pci_device(t.m, text);
    bench_pci_configure(t.m);
    t.at = t.d->bar[0].addr;
    return t;
}

static void test_registers(void)
{
    Bench t = bench("edu");

    g_assert_cmphex(bench_load(t.m, t.at, 4), ==, 0x010000ed);
    bench_store(t.m, t.at + 4, 4, 0x12345678);
    g_assert_cmphex(bench_load(t.m, t.at + 4, 4), ==, ~0x12345678u);
    g_assert_cmphex(bench_load(t.m, t.at, 8), ==, ~0ull); /* 32 bits only below 0x80 */
    static const uint32_t fact[][2] = {{0, 1}, {5, 120}, {12, 479001600}, {33, 0x80000000},
                                       {34, 0}, {~0u, 0}};
    for (size_t i = 0; i < G_N_ELEMENTS(fact); i++) {
        bench_store(t.m, t.at + 8, 4, fact[i][0]);
        g_assert_cmphex(bench_load(t.m, t.at + 0x20, 4), ==, 1);
        bench_step(t.m, NS_PER_MS);
        g_assert_cmphex(bench_load(t.m, t.at + 0x20, 4), ==, 0);
        g_assert_cmphex(bench_load(t.m, t.at + 8, 4), ==, fact[i][1]);
    }
    bench_free(t.m);
}

static void test_interrupts(void)
{
    Bench t = bench("edu");

    bench_store(t.m, t.at + 0x60, 4, 0x30);
    g_assert_cmpint(t.b->wire[0].level, ==, 1);
    g_assert_cmphex(bench_load(t.m, t.at + 0x24, 4), ==, 0x30);
    bench_store(t.m, t.at + 0x64, 4, 0x10);
    g_assert_cmpint(t.b->wire[0].level, ==, 1);
    bench_store(t.m, t.at + 0x64, 4, 0x20);
    g_assert_cmpint(t.b->wire[0].level, ==, 0);
    bench_store(t.m, t.at + 0x20, 4, 0x80);
    bench_store(t.m, t.at + 8, 4, 3);
    bench_step(t.m, NS_PER_MS);
    g_assert_cmpint(t.b->wire[0].level, ==, 1);
    g_assert_cmphex(bench_load(t.m, t.at + 0x24, 4), ==, 1);
    bench_store(t.m, t.at + 0x64, 4, 1);
    /* By message. */
    cfg_write(t.d, 0x44, 4, 0xfee00000);
    cfg_write(t.d, 0x4c, 2, 0x33);
    cfg_write(t.d, 0x42, 2, 1);
    bench_store(t.m, t.at + 0x60, 4, 1);
    g_assert_cmpuint(t.b->messages, ==, 1);
    g_assert_cmphex(t.b->msg_data[0], ==, 0x33);
    g_assert_cmpint(t.b->wire[0].level, ==, 0);
    bench_free(t.m);
}

static void dma(Bench *t, uint64_t src, uint64_t dst, uint64_t n, unsigned cmd)
{
    bench_store(t->m, t->at + 0x80, 8, src);
    bench_store(t->m, t->at + 0x88, 8, dst);
    bench_store(t->m, t->at + 0x90, 8, n);
    bench_store(t->m, t->at + 0x98, 8, cmd);
    g_assert_cmphex(bench_load(t->m, t->at + 0x98, 4), ==, cmd);
    bench_step(t->m, 200 * NS_PER_MS);
    g_assert_cmphex(bench_load(t->m, t->at + 0x98, 4), ==, cmd & ~1u);
}

static void test_dma(void)
{
    Bench t = bench("edu");

    bench_store(t.m, 0x1000, 8, 0x1122334455667788);
    dma(&t, 0x1000, 0x40000, 8, 1);
    dma(&t, 0x40000, 0x2000, 8, 7);
    g_assert_cmphex(bench_load(t.m, 0x2000, 8), ==, 0x1122334455667788);
    g_assert_cmphex(bench_load(t.m, t.at + 0x24, 4), ==, 0x100);
    dma(&t, 0x40ffc, 0x3000, 4, 3);
    /* Outside of the buffer, and to itself: refused, nothing happens. */
    dma(&t, 0x40ffd, 0x2000, 4, 3);
    dma(&t, 0x1000, 0x3fffc, 8, 1);
    dma(&t, 0x40000, 0x2000, ~0ull, 3);
    dma(&t, t.at, 0x40000, 8, 1);
    g_assert_cmphex(bench_load(t.m, 0x2000, 8), ==, 0x1122334455667788);
    /* 28 address bits unless dma_mask says otherwise; no bus mastering, no DMA. */
    dma(&t, 0x1000, 0x40000, 8, 1);
    dma(&t, 0x40000, 0x10004000, 8, 3);
    g_assert_cmphex(bench_load(t.m, 0x4000, 8), ==, 0x1122334455667788);
    cfg_write(t.d, 4, 2, 2);
    dma(&t, 0x40000, 0x5000, 8, 3);
    g_assert_cmphex(bench_load(t.m, 0x5000, 8), ==, 0);
    bench_free(t.m);
}

static void test_testdev(void)
{
    Bench t = bench("pci-testdev,membar=8M");
    uint16_t io = t.d->bar[1].addr;
    char name[17] = "";

    g_assert_cmpuint(t.d->bar[2].size, ==, 8u << 20);
    bench_store(t.m, t.at, 1, 0);
    g_assert_cmphex(bench_load(t.m, t.at + 1, 1), ==, 1);
    uint32_t offset = bench_load(t.m, t.at + 4, 4), data = bench_load(t.m, t.at + 8, 4);
    for (int i = 0; i < 16; i++) {
        name[i] = bench_load(t.m, t.at + 16 + i, 1);
    }
    g_assert_cmpstr(name, ==, "mmio-no-eventfd");
    for (int i = 0; i < 10; i++) {
        bench_store(t.m, t.at + offset, 1, data);
    }
    bench_store(t.m, t.at + offset, 1, 1);
    g_assert_cmpuint(bench_load(t.m, t.at + 12, 4), ==, 10);
    bench_store(t.m, t.at, 1, 1);
    g_assert_cmphex(bench_load(t.m, t.at + 1, 1), ==, 0);
    bench_out(t.m, io, 1, 0);
    bench_out(t.m, io + bench_in(t.m, io + 4, 4), 1, bench_in(t.m, io + 8, 4));
    g_assert_cmpuint(bench_in(t.m, io + 12, 4), ==, 1);
    Error *err = NULL;
    g_assert_null(bench_pci_add(t.m, "pci-testdev,membar=3M", &err));
    error_free(err);
    bench_free(t.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/edu/registers", test_registers);
    g_test_add_func("/edu/interrupts", test_interrupts);
    g_test_add_func("/edu/dma", test_dma);
    g_test_add_func("/pci-testdev", test_testdev);
    return g_test_run();
}
