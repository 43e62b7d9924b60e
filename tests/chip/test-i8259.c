/* SPDX-License-Identifier: GPL-2.0-or-later */
/* i8259 against the Intel 8259A data sheet; each test is named after its section. */
#include "harness.h"
#include "hw/intc/i8259.h"

typedef struct Bench {
    Machine *m;
    Device *pic;
    WireProbe intr;
} Bench;

static void init_with(Bench *b, uint8_t icw1, uint8_t icw4)
{
    bench_out(b->m, 0x20, 1, icw1);
    bench_out(b->m, 0x21, 1, 0x08);
    bench_out(b->m, 0x21, 1, 0x04);
    bench_out(b->m, 0x21, 1, icw4);
    bench_out(b->m, 0xa0, 1, icw1);
    bench_out(b->m, 0xa1, 1, 0x70);
    bench_out(b->m, 0xa1, 1, 0x02);
    bench_out(b->m, 0xa1, 1, icw4);
}

static void begin(Bench *b)
{
    *b = (Bench){.m = bench_new(0)};
    b->pic = bench_device(b->m, NULL, "i8259", NULL);
    device_connect(b->pic, 0, bench_wire(&b->intr));
    init_with(b, 0x11, 0x01);
}

static void pin(Bench *b, int n, int level)
{
    irq_set(i8259_input(b->pic, n), level);
}

static void pulse(Bench *b, int n)
{
    pin(b, n, 1);
    pin(b, n, 0);
}

static uint8_t isr(Bench *b, uint16_t port)
{
    bench_out(b->m, port, 1, 0x0b);
    return bench_in(b->m, port, 1);
}

static uint8_t irr(Bench *b, uint16_t port)
{
    bench_out(b->m, port, 1, 0x0a);
    return bench_in(b->m, port, 1);
}

static void eoi(Bench *b, uint16_t port)
{
    bench_out(b->m, port, 1, 0x20);
}

static void test_fully_nested(void)
{
    Bench b;

    begin(&b);
    pulse(&b, 3);
    g_assert_true(b.intr.level);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x0b);
    g_assert_false(b.intr.level);
    pulse(&b, 5); /* lower priority waits */
    g_assert_false(b.intr.level);
    pulse(&b, 1); /* higher interrupts */
    g_assert_true(b.intr.level);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x09);
    g_assert_cmphex(isr(&b, 0x20), ==, 0x0a);
    eoi(&b, 0x20);
    g_assert_cmphex(isr(&b, 0x20), ==, 0x08);
    eoi(&b, 0x20);
    g_assert_true(b.intr.level);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x0d);
    bench_free(b.m);
}

static void test_cascade(void)
{
    Bench b;

    begin(&b);
    pulse(&b, 12);
    g_assert_true(b.intr.level);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x74);
    g_assert_cmphex(isr(&b, 0x20), ==, 0x04);
    g_assert_cmphex(isr(&b, 0xa0), ==, 0x10);
    pulse(&b, 8); /* higher on the same slave: the master's IR2 is in service */
    g_assert_false(b.intr.level);
    pulse(&b, 0);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x08);
    eoi(&b, 0x20);
    eoi(&b, 0xa0);
    eoi(&b, 0x20);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x70);
    bench_free(b.m);
}

static void test_special_fully_nested(void)
{
    Bench b;

    begin(&b);
    init_with(&b, 0x11, 0x11);
    pulse(&b, 12);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x74);
    pulse(&b, 8);
    g_assert_true(b.intr.level);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x70);
    bench_free(b.m);
}

static void test_default_ir7(void)
{
    Bench b;

    begin(&b);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x0f);
    g_assert_cmphex(isr(&b, 0x20), ==, 0);
    bench_free(b.m);
}

static void test_mask(void)
{
    Bench b;

    begin(&b);
    bench_out(b.m, 0x21, 1, 0x10);
    pulse(&b, 4);
    g_assert_false(b.intr.level);
    g_assert_cmphex(irr(&b, 0x20), ==, 0x10);
    g_assert_cmphex(bench_in(b.m, 0x21, 1), ==, 0x10);
    bench_out(b.m, 0x21, 1, 0);
    g_assert_true(b.intr.level);
    bench_free(b.m);
}

static void test_level_triggered(void)
{
    Bench b;

    begin(&b);
    bench_out(b.m, 0x4d0, 1, 0xff);
    g_assert_cmphex(bench_in(b.m, 0x4d0, 1), ==, 0xf8); /* 0, 1, 2 stay edge */
    bench_out(b.m, 0x4d1, 1, 0xff);
    g_assert_cmphex(bench_in(b.m, 0x4d1, 1), ==, 0xde);
    pin(&b, 9, 1);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x71);
    eoi(&b, 0xa0);
    eoi(&b, 0x20);
    g_assert_true(b.intr.level); /* still asked for */
    pin(&b, 9, 0);
    g_assert_false(b.intr.level);
    pin(&b, 4, 1); /* edge: once */
    pin(&b, 4, 0);
    bench_free(b.m);
}

static void test_edge_once(void)
{
    Bench b;

    begin(&b);
    pin(&b, 1, 1);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x09);
    eoi(&b, 0x20);
    g_assert_false(b.intr.level); /* the line is still high: no new edge */
    pin(&b, 1, 0);
    pin(&b, 1, 1);
    g_assert_true(b.intr.level);
    bench_free(b.m);
}

static void test_automatic_eoi(void)
{
    Bench b;

    begin(&b);
    init_with(&b, 0x11, 0x03);
    pulse(&b, 5);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x0d);
    g_assert_cmphex(isr(&b, 0x20), ==, 0);
    bench_out(b.m, 0x20, 1, 0x80); /* rotate in AEOI mode */
    pulse(&b, 0);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x08);
    pulse(&b, 0);
    pulse(&b, 7);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x0f); /* 0 has the lowest priority now */
    bench_free(b.m);
}

static void test_rotation(void)
{
    Bench b;

    begin(&b);
    pulse(&b, 4);
    i8259_acknowledge(b.pic);
    bench_out(b.m, 0x20, 1, 0xa0); /* rotate on non-specific EOI: 4 becomes lowest */
    pulse(&b, 4);
    pulse(&b, 5);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x0d);
    bench_out(b.m, 0x20, 1, 0x65); /* specific EOI 5 */
    g_assert_cmphex(isr(&b, 0x20), ==, 0);
    bench_out(b.m, 0x20, 1, 0xc3); /* set priority: 3 lowest, 4 highest */
    pulse(&b, 0);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x0c);
    bench_free(b.m);
}

static void test_special_mask(void)
{
    Bench b;

    begin(&b);
    pulse(&b, 2 + 1);
    i8259_acknowledge(b.pic);
    pulse(&b, 6);
    g_assert_false(b.intr.level);
    bench_out(b.m, 0x21, 1, 0x08); /* mask what is in service ... */
    bench_out(b.m, 0x20, 1, 0x68); /* ... and set special mask mode */
    g_assert_true(b.intr.level);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x0e);
    eoi(&b, 0x20);
    g_assert_cmphex(isr(&b, 0x20), ==, 0x08); /* the masked level is not cleared */
    bench_out(b.m, 0x20, 1, 0x48);
    eoi(&b, 0x20);
    g_assert_cmphex(isr(&b, 0x20), ==, 0);
    bench_free(b.m);
}

static void test_poll(void)
{
    Bench b;

    begin(&b);
    bench_out(b.m, 0x20, 1, 0x0c);
    g_assert_cmphex(bench_in(b.m, 0x20, 1) & 0x80, ==, 0);
    pulse(&b, 6);
    bench_out(b.m, 0x20, 1, 0x0c);
    g_assert_cmphex(bench_in(b.m, 0x20, 1), ==, 0x86);
    g_assert_cmphex(isr(&b, 0x20), ==, 0x40);
    g_assert_false(b.intr.level);
    bench_free(b.m);
}

static void test_initialization(void)
{
    Bench b;

    begin(&b);
    bench_out(b.m, 0x21, 1, 0xff);
    pin(&b, 5, 1);
    bench_out(b.m, 0x20, 1, 0x11); /* clears IMR and the edge latch */
    bench_out(b.m, 0x21, 1, 0x20);
    bench_out(b.m, 0x21, 1, 0x04);
    bench_out(b.m, 0x21, 1, 0x01);
    g_assert_cmphex(bench_in(b.m, 0x21, 1), ==, 0);
    g_assert_cmphex(irr(&b, 0x20), ==, 0);
    g_assert_false(b.intr.level);
    pin(&b, 5, 0);
    pin(&b, 5, 1);
    g_assert_cmpint(i8259_acknowledge(b.pic), ==, 0x25);
    bench_free(b.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/i8259/initialization-command-words", test_initialization);
    g_test_add_func("/i8259/fully-nested-mode", test_fully_nested);
    g_test_add_func("/i8259/cascade-mode", test_cascade);
    g_test_add_func("/i8259/special-fully-nested-mode", test_special_fully_nested);
    g_test_add_func("/i8259/default-ir7", test_default_ir7);
    g_test_add_func("/i8259/interrupt-masks", test_mask);
    g_test_add_func("/i8259/level-triggered-mode", test_level_triggered);
    g_test_add_func("/i8259/edge-triggered-mode", test_edge_once);
    g_test_add_func("/i8259/automatic-eoi-mode", test_automatic_eoi);
    g_test_add_func("/i8259/rotation", test_rotation);
    g_test_add_func("/i8259/special-mask-mode", test_special_mask);
    g_test_add_func("/i8259/poll-command", test_poll);
    return g_test_run();
}
