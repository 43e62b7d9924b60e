/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PL011 against Arm DDI 0183G; each test is named after its section. */
#include <string.h>

#include "chardev/chardev.h"
#include "harness.h"

#define BASE 0x09000000ull
enum { DR = 0x00, RSR = 0x04, FR = 0x18, IBRD = 0x24, FBRD = 0x28, LCR = 0x2c, CR = 0x30, IFLS = 0x34, IMSC = 0x38,
       RIS = 0x3c, MIS = 0x40, ICR = 0x44 };
#define INT_RX 0x10
#define INT_TX 0x20
#define INT_RT 0x40
#define INT_OE 0x400

typedef struct Bench {
    Machine *m;
    CharSet *set;
    Chardev *peer;
    Device *uart;
    WireProbe irq;
} Bench;

static void begin(Bench *b)
{
    Error *err = NULL;

    *b = (Bench){.m = bench_new(0)};
    b->set = charset_new(machine_loop(b->m));
    b->peer = chardev_new_from_opts(b->set, "ringbuf,id=r,size=65536", &err);
    CharPort *port = chardev_claim(b->peer, "uart", &err);
    g_assert_nonnull(port);
    b->uart = device_new(b->m, device_type_find("pl011", NULL), NULL, NULL);
    device_connect(b->uart, 0, bench_wire(&b->irq));
    device_set_ptr(b->uart, "chardev", port);
    g_assert_true(device_realize(b->uart, &err));
    device_reset(b->uart);
}

static void end(Bench *b)
{
    bench_free(b->m);
    charset_free(b->set);
}

static uint32_t get(Bench *b, int reg)
{
    return bench_load(b->m, BASE + reg, 4);
}

static void set(Bench *b, int reg, uint32_t v)
{
    bench_store(b->m, BASE + reg, 4, v);
}

static void type(Bench *b, const char *text)
{
    g_assert_true(chardev_ring_write(b->peer, (const uint8_t *)text, strlen(text), NULL));
    for (int i = 0; i < 40; i++) {
        bench_step(b->m, 0);
    }
}

static void test_identification(void)
{
    static const uint8_t id[8] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    Bench b;

    begin(&b);
    for (int i = 0; i < 8; i++) {
        g_assert_cmphex(get(&b, 0xfe0 + 4 * i), ==, id[i]);
    }
    g_assert_cmphex(get(&b, CR), ==, 0x300);
    g_assert_cmphex(get(&b, IFLS), ==, 0x12);
    g_assert_cmphex(get(&b, FR), ==, 0x90);
    end(&b);
}

static void test_transmit(void)
{
    Bench b;
    uint8_t buf[64];

    begin(&b);
    set(&b, IMSC, INT_TX);
    g_assert_cmpint(b.irq.level, ==, 0);
    for (int i = 0; i < 40; i++) {
        set(&b, DR, 'a' + i % 26);
    }
    g_assert_cmpint(b.irq.level, ==, 1);
    g_assert_cmphex(get(&b, MIS), ==, INT_TX);
    set(&b, ICR, INT_TX);
    g_assert_cmpint(b.irq.level, ==, 0);
    bench_step(b.m, 1000);
    g_assert_cmpuint(chardev_ring_read(b.peer, buf, sizeof(buf), NULL), ==, 40);
    g_assert_cmpint(buf[0], ==, 'a');
    g_assert_cmpint(buf[39], ==, 'n');
    end(&b);
}

/* 2.4.1: without FIFOs each byte is an interrupt, and the next one waits with the host. */
static void test_receive_single(void)
{
    Bench b;

    begin(&b);
    set(&b, IMSC, INT_RX);
    type(&b, "xyz");
    g_assert_cmpint(b.irq.level, ==, 1);
    g_assert_cmphex(get(&b, FR) & 0x50, ==, 0x40);
    for (const char *p = "xyz"; *p; p++) {
        g_assert_cmphex(get(&b, DR), ==, *p);
        for (int i = 0; i < 10; i++) {
            bench_step(b.m, 0);
        }
    }
    g_assert_cmphex(get(&b, FR) & 0x50, ==, 0x10);
    g_assert_cmpint(b.irq.level, ==, 0);
    end(&b);
}

/* 2.8.2: the interrupt comes at the level of UARTIFLS, and goes when the FIFO falls below. */
static void test_receive_level(void)
{
    Bench b;

    begin(&b);
    set(&b, LCR, 0x70);
    set(&b, IFLS, 1 << 3); /* 1/4 */
    set(&b, IMSC, INT_RX);
    type(&b, "abc");
    g_assert_cmpint(b.irq.level, ==, 0);
    type(&b, "d");
    g_assert_cmpint(b.irq.level, ==, 1);
    g_assert_cmphex(get(&b, DR), ==, 'a');
    g_assert_cmpint(b.irq.level, ==, 0);
    end(&b);
}

/* 2.8.4: bytes below the level are told 32 bit periods later, until the FIFO is empty. */
static void test_receive_timeout(void)
{
    Bench b;

    begin(&b);
    set(&b, IBRD, 13); /* 24 MHz / 16 / 13.02 = 115207 baud */
    set(&b, FBRD, 1);
    set(&b, LCR, 0x70);
    set(&b, IMSC, INT_RT);
    type(&b, "ab");
    bench_step(b.m, 200 * NS_PER_US);
    g_assert_cmpint(b.irq.level, ==, 0);
    bench_step(b.m, 100 * NS_PER_US);
    g_assert_cmpint(b.irq.level, ==, 1);
    get(&b, DR);
    g_assert_cmpint(b.irq.level, ==, 1);
    get(&b, DR);
    g_assert_cmpint(b.irq.level, ==, 0);
    end(&b);
}

/* 2.4.2: what is sent comes back; more than the FIFO holds is an overrun, which the next byte carries. */
static void test_loopback(void)
{
    Bench b;

    begin(&b);
    set(&b, LCR, 0x70);
    set(&b, CR, 0x380 | 0x800); /* LBE, RTS */
    g_assert_cmphex(get(&b, FR) & 0x10f, ==, 1);
    for (int i = 0; i < 17; i++) {
        set(&b, DR, i);
    }
    g_assert_cmphex(get(&b, RIS) & INT_OE, ==, INT_OE);
    g_assert_cmphex(get(&b, FR) & 0x40, ==, 0x40);
    for (int i = 0; i < 16; i++) {
        g_assert_cmphex(get(&b, DR), ==, i);
    }
    set(&b, DR, 0x55);
    g_assert_cmphex(get(&b, DR), ==, 0x855);
    g_assert_cmphex(get(&b, RSR), ==, 8);
    set(&b, RSR, 0);
    g_assert_cmphex(get(&b, RSR), ==, 0);
    end(&b);
}

static void test_transplant(void)
{
    Bench a, b;

    begin(&a);
    begin(&b);
    set(&a, LCR, 0x70);
    set(&a, IMSC, INT_RT);
    type(&a, "hi");
    bench_transplant(a.uart, b.uart);
    bench_step(b.m, NS_PER_SEC);
    g_assert_cmpint(b.irq.level, ==, 1);
    g_assert_cmphex(get(&b, DR), ==, 'h');
    g_assert_cmphex(get(&b, DR), ==, 'i');
    end(&a);
    end(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pl011/3.3.13-identification", test_identification);
    g_test_add_func("/pl011/2.8.3-transmit", test_transmit);
    g_test_add_func("/pl011/2.4.1-receive-single", test_receive_single);
    g_test_add_func("/pl011/2.8.2-receive-level", test_receive_level);
    g_test_add_func("/pl011/2.8.4-receive-timeout", test_receive_timeout);
    g_test_add_func("/pl011/2.4.2-loopback", test_loopback);
    g_test_add_func("/pl011/transplant", test_transplant);
    return g_test_run();
}
