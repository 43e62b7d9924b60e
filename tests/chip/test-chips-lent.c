/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 8259s, I/O APIC and 8254 that an accelerator has for a while (core/pcchips.h), which is a table of images here. */
#include <string.h>

#include "core/pcchips.h"
#include "harness.h"
#include "hw/intc/apic.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/timer/i8254.h"

typedef struct Host {
    PicImage pic[2];
    IoApicImage ioapic;
    PitImage pit;
    uint32_t pic_lines, ioapic_lines;
    int held, edges;
} Host;
static Host host;

static void load_pic(Machine *m, PicImage out[2])
{
    memcpy(out, host.pic, sizeof(host.pic));
}

static void store_pic(Machine *m, const PicImage in[2])
{
    memcpy(host.pic, in, sizeof(host.pic));
}

static void load_ioapic(Machine *m, IoApicImage *out)
{
    *out = host.ioapic;
}

static void store_ioapic(Machine *m, const IoApicImage *in)
{
    host.ioapic = *in;
}

static void load_pit(Machine *m, PitImage *out)
{
    *out = host.pit;
}

static void store_pit(Machine *m, const PitImage *in)
{
    host.pit = *in;
}

static void pic_line(Machine *m, int pin, int level)
{
    host.pic_lines = (host.pic_lines & ~(1u << pin)) | (uint32_t)(level != 0) << pin;
}

static void ioapic_line(Machine *m, int pin, int level)
{
    host.ioapic_lines = (host.ioapic_lines & ~(1u << pin)) | (uint32_t)(level != 0) << pin;
    host.edges += level != 0;
}

static void hold(Machine *m)
{
    host.held++;
}

static void release(Machine *m)
{
    host.held--;
}

static const PcChipHost ops = {load_pic, store_pic, load_ioapic, store_ioapic, load_pit, store_pit,
                               pic_line, ioapic_line, hold, release};

typedef struct Bench {
    Machine *m;
    Device *bus, *pic, *ioapic, *pit;
} Bench;

static void begin(Bench *b)
{
    memset(&host, 0, sizeof(host));
    *b = (Bench){.m = bench_new(1)};
    machine_set_chip_host(b->m, &ops);
    b->bus = bench_device(b->m, NULL, "apic-bus", NULL);
    b->pic = bench_device(b->m, NULL, "i8259", NULL);
    b->ioapic = device_new(b->m, &ioapic_type, NULL, NULL);
    device_set_ptr(b->ioapic, "bus", b->bus);
    g_assert_true(device_realize(b->ioapic, NULL));
    b->pit = device_new(b->m, &i8254_type, NULL, NULL);
    device_connect(b->pit, 0, i8259_input(b->pic, 0));
    g_assert_true(device_realize(b->pit, NULL));
    machine_reset_devices(b->m);
}

static void out(Bench *b, uint16_t port, uint8_t v)
{
    bench_out(b->m, port, 1, v);
}

static uint8_t in(Bench *b, uint16_t port)
{
    return bench_in(b->m, port, 1);
}

static void drive(Bench *b, Irq line, int level)
{
    machine_lock(b->m);
    irq_set(line, level);
    machine_unlock(b->m);
}

static void init_pics(Bench *b)
{
    static const uint8_t words[] = {0x11, 0x20, 4, 1, 0x11, 0x70, 2, 1};

    for (int i = 0; i < 8; i++) {
        out(b, (i < 4 ? 0x20 : 0xa0) + (i % 4 != 0), words[i]);
    }
}

/* What is written to the chips is in the images, and what the images became is read from the chips. */
static void test_pic(void)
{
    Bench b;

    begin(&b);
    init_pics(&b);
    out(&b, 0x21, 0xe8);
    out(&b, 0xa1, 0x3f);
    out(&b, 0x4d1, 0x0c);
    out(&b, 0x20, 0xc4); /* lowest priority: 4 */
    drive(&b, i8259_input(b.pic, 1), 1);
    drive(&b, i8259_input(b.pic, 10), 1);
    machine_lend_chips(b.m);
    g_assert_cmphex(host.pic[0].imr, ==, 0xe8);
    g_assert_cmphex(host.pic[0].irr, ==, 0x02);
    g_assert_cmphex(host.pic[0].base, ==, 0x20);
    g_assert_cmphex(host.pic[0].lowest, ==, 4);
    g_assert_cmphex(host.pic[0].level & 2, ==, 2);
    g_assert_true(host.pic[0].icw4);
    g_assert_cmphex(host.pic[1].irr, ==, 0x04);
    g_assert_cmphex(host.pic[1].elcr, ==, 0x0c);
    drive(&b, i8259_input(b.pic, 3), 1);
    g_assert_cmphex(host.pic_lines, ==, 1u << 3);
    host.pic[0].irr = 0; /* the guest took it */
    host.pic[0].isr = 0x02;
    host.pic[0].imr = 0x11;
    host.pic[1].base = 0x78;
    machine_take_chips(b.m);
    g_assert_cmphex(in(&b, 0x21), ==, 0x11);
    out(&b, 0x20, 0x0b);
    g_assert_cmphex(in(&b, 0x20), ==, 0x02);
    machine_lend_chips(b.m);
    g_assert_cmphex(host.pic[1].base, ==, 0x78);
    g_assert_cmphex(host.pic[0].level & 0xa, ==, 0xa);
    bench_free(b.m);
}

/* Accesses that come here meanwhile work on what the accelerator has. */
static void test_borrowed(void)
{
    Bench b;

    begin(&b);
    init_pics(&b);
    machine_lend_chips(b.m);
    host.pic[0].imr = 0x5a;
    g_assert_cmphex(in(&b, 0x21), ==, 0x5a);
    out(&b, 0xa1, 0x77);
    g_assert_cmphex(host.pic[1].imr, ==, 0x77);
    host.ioapic.entry[5] = 0x1a031;
    bench_store(b.m, IOAPIC_BASE, 4, 0x10 + 2 * 5);
    g_assert_cmphex(bench_load(b.m, IOAPIC_BASE + 0x10, 4), ==, 0x1a031);
    bench_store(b.m, IOAPIC_BASE + 0x10, 4, 0x10042);
    g_assert_cmphex(host.ioapic.entry[5], ==, 0x10042);
    out(&b, 0x43, 0xb6);
    g_assert_cmphex(host.pit.counter[2].mode, ==, 3);
    g_assert_cmpint(host.held, ==, 0);
    bench_free(b.m);
}

/* Only level-triggered wires are told with the state; edges go by their changes. */
static void test_ioapic(void)
{
    Bench b;

    begin(&b);
    for (int half = 0; half < 2; half++) {
        bench_store(b.m, IOAPIC_BASE, 4, 0x10 + 2 * 9 + half);
        bench_store(b.m, IOAPIC_BASE + 0x10, 4, half ? 0x01000000 : 0x18039); /* level, masked */
    }
    drive(&b, ioapic_input(b.ioapic, 9), 1);
    drive(&b, ioapic_input(b.ioapic, 4), 1);
    host.ioapic_lines = 1u << 7; /* of another time */
    machine_lend_chips(b.m);
    g_assert_cmphex(host.ioapic.level, ==, 1u << 9);
    g_assert_cmphex(host.ioapic.entry[9], ==, 0x0100000000018039ull);
    g_assert_cmphex(host.ioapic_lines, ==, 0);
    drive(&b, ioapic_input(b.ioapic, 4), 1);
    g_assert_cmpint(host.edges, ==, 0);
    drive(&b, ioapic_input(b.ioapic, 4), 0);
    drive(&b, ioapic_input(b.ioapic, 4), 1);
    g_assert_cmpint(host.edges, ==, 1);
    host.ioapic.entry[9] = 0x010000000000c039ull; /* in service */
    host.ioapic.id = 3;
    machine_take_chips(b.m);
    bench_store(b.m, IOAPIC_BASE, 4, 0x10 + 2 * 9);
    g_assert_cmphex(bench_load(b.m, IOAPIC_BASE + 0x10, 4), ==, 0xc039);
    bench_store(b.m, IOAPIC_BASE, 4, 0);
    g_assert_cmphex(bench_load(b.m, IOAPIC_BASE + 0x10, 4), ==, 3u << 24);
    bench_store(b.m, IOAPIC_BASE, 4, 1);
    g_assert_cmphex(bench_load(b.m, IOAPIC_BASE + 0x10, 4), ==, 0x170011);
    bench_free(b.m);
}

static bool tick_waits(Bench *b)
{
    out(b, 0x20, 0x0a);
    return in(b, 0x20) & 1;
}

/* A counter that comes back begins a period without telling of the one before; one that counts once has its rest. */
static void test_pit(void)
{
    Bench b;

    begin(&b);
    init_pics(&b);
    machine_lend_chips(b.m);
    g_assert_false(host.pit.counter[0].programmed);
    host.pit.counter[0] = (PitCounter){.programmed = true, .count = 1193, .elapsed = -1, .rw = 3, .mode = 2, .gate = 1};
    host.pit.counter[2] = (PitCounter){.programmed = true, .count = 50000, .elapsed = 10000000, .rw = 3, .mode = 0, .gate = 1};
    host.pit.speaker = true;
    machine_take_chips(b.m);
    g_assert_cmphex(in(&b, 0x61) & 3, ==, 3);
    g_assert_false(tick_waits(&b));
    bench_step(b.m, 990000);
    g_assert_false(tick_waits(&b));
    bench_step(b.m, 20000);
    g_assert_true(tick_waits(&b));
    machine_lend_chips(b.m);
    g_assert_cmpint(host.pit.counter[0].count, ==, 1193);
    g_assert_cmpint(host.pit.counter[0].mode, ==, 2);
    g_assert_cmpint(host.pit.counter[2].count, >, 50000 - 11931 - 1300);
    g_assert_cmpint(host.pit.counter[2].count, <, 50000 - 11931 - 1200);
    drive(&b, i8254_overridden(b.pit), 1);
    g_assert_true(host.pit.overridden);
    bench_free(b.m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/chips-lent/pic", test_pic);
    g_test_add_func("/chips-lent/borrowed", test_borrowed);
    g_test_add_func("/chips-lent/ioapic", test_ioapic);
    g_test_add_func("/chips-lent/pit", test_pit);
    return g_test_run();
}
