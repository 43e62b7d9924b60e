/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 16550A against the PC16550D data sheet; each test is named after its section. */
#include <string.h>

#include "chardev/chardev.h"
#include "harness.h"

#define PORT 0x3f8

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
    g_assert_no_error((GError *)err);
    CharPort *port = chardev_claim(b->peer, "uart", &err);
    g_assert_nonnull(port);
    b->uart = device_new(b->m, device_type_find("isa-serial", NULL), NULL, NULL);
    device_connect(b->uart, 0, bench_wire(&b->irq));
    device_set_u64(b->uart, "index", 0);
    device_set_ptr(b->uart, "chardev", port);
    g_assert_true(device_realize(b->uart, &err));
    device_reset(b->uart);
}

static void end(Bench *b)
{
    bench_free(b->m);
    charset_free(b->set);
}

static uint8_t get(Bench *b, int reg)
{
    return bench_in(b->m, PORT + reg, 1);
}

static void set(Bench *b, int reg, uint8_t v)
{
    bench_out(b->m, PORT + reg, 1, v);
}

static void type(Bench *b, const char *text)
{
    g_assert_true(chardev_ring_write(b->peer, (const uint8_t *)text, strlen(text), NULL));
    for (int i = 0; i < 20; i++) {
        bench_step(b->m, 0);
    }
}

static void test_transmit(void)
{
    Bench b;
    uint8_t buf[2048];
    size_t n = 0;

    begin(&b);
    for (int i = 0; i < 1000; i++) {
        g_assert_cmphex(get(&b, 5) & 0x60, ==, 0x60);
        set(&b, 0, i);
    }
    for (int i = 0; i < 10; i++) {
        bench_step(b.m, 1000);
        n += chardev_ring_read(b.peer, buf + n, sizeof(buf) - n, NULL);
    }
    g_assert_cmpuint(n, ==, 1000);
    for (int i = 0; i < 1000; i++) {
        g_assert_cmphex(buf[i], ==, (uint8_t)i);
    }
    end(&b);
}

static void test_receive_fifo(void)
{
    Bench b;

    begin(&b);
    set(&b, 2, 0x81); /* FIFO, trigger level 8 */
    set(&b, 1, 0x01);
    type(&b, "abcd");
    g_assert_false(b.irq.level);
    type(&b, "efghijklmnopqrstuvwxyz"); /* more than fits: the rest waits outside */
    g_assert_true(b.irq.level);
    g_assert_cmphex(get(&b, 2), ==, 0xc4);
    for (int c = 'a'; c <= 'z'; c++) {
        g_assert_cmphex(get(&b, 5) & 0x03, ==, 0x01); /* data, no overrun */
        g_assert_cmpint(get(&b, 0), ==, c);
        bench_step(b.m, 0);
    }
    g_assert_cmphex(get(&b, 5) & 1, ==, 0);
    g_assert_false(b.irq.level);
    end(&b);
}

static void test_receive_timeout(void)
{
    Bench b;

    begin(&b);
    set(&b, 2, 0xc1);
    set(&b, 1, 0x01);
    type(&b, "x");
    g_assert_false(b.irq.level);
    bench_step(b.m, 10 * NS_PER_MS); /* four characters at 9600 baud take 4.2 ms */
    g_assert_true(b.irq.level);
    g_assert_cmphex(get(&b, 2), ==, 0xcc);
    g_assert_cmpint(get(&b, 0), ==, 'x');
    g_assert_false(b.irq.level);
    end(&b);
}

static void test_thr_empty_interrupt(void)
{
    Bench b;

    begin(&b);
    set(&b, 1, 0x02); /* enabling reports the empty THR */
    g_assert_true(b.irq.level);
    g_assert_cmphex(get(&b, 2), ==, 0x02);
    g_assert_false(b.irq.level); /* reading IIR clears it */
    g_assert_cmphex(get(&b, 2), ==, 0x01);
    set(&b, 0, 'x');
    g_assert_true(b.irq.level);
    end(&b);
}

static void test_priorities(void)
{
    Bench b;

    begin(&b);
    set(&b, 4, 0x10); /* loop; 8.7: modem lines become the outputs */
    get(&b, 6);
    set(&b, 1, 0x0f);
    set(&b, 4, 0x12); /* CTS */
    set(&b, 0, 'a');
    set(&b, 0, 'b'); /* no FIFO: overrun */
    g_assert_cmphex(get(&b, 2), ==, 0x06);
    g_assert_cmphex(get(&b, 5) & 0x03, ==, 0x03);
    g_assert_cmphex(get(&b, 2), ==, 0x04);
    g_assert_cmpint(get(&b, 0), ==, 'a');
    g_assert_cmphex(get(&b, 2), ==, 0x02);
    g_assert_cmphex(get(&b, 2), ==, 0x00);
    g_assert_cmphex(get(&b, 6), ==, 0x11);
    g_assert_cmphex(get(&b, 2), ==, 0x01);
    g_assert_false(b.irq.level);
    end(&b);
}

static void test_divisor_and_scratch(void)
{
    Bench b;

    begin(&b);
    set(&b, 3, 0x83);
    set(&b, 0, 0x34);
    set(&b, 1, 0x12);
    g_assert_cmphex(get(&b, 0), ==, 0x34);
    g_assert_cmphex(get(&b, 1), ==, 0x12);
    set(&b, 3, 0x03);
    g_assert_cmphex(get(&b, 1), ==, 0);
    set(&b, 7, 0xa5);
    g_assert_cmphex(get(&b, 7), ==, 0xa5);
    g_assert_cmphex(get(&b, 6) & 0xf0, ==, 0xb0);
    end(&b);
}

static void test_fifo_clear(void)
{
    Bench b;

    begin(&b);
    set(&b, 2, 0x01);
    type(&b, "junk");
    set(&b, 2, 0x03);
    g_assert_cmphex(get(&b, 5) & 1, ==, 0);
    g_assert_cmphex(get(&b, 2) & 0xc0, ==, 0xc0);
    set(&b, 2, 0x00);
    g_assert_cmphex(get(&b, 2) & 0xc0, ==, 0);
    end(&b);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/isa-serial/transmit-loses-nothing", test_transmit);
    g_test_add_func("/isa-serial/fifo-interrupt-mode/receive", test_receive_fifo);
    g_test_add_func("/isa-serial/fifo-interrupt-mode/timeout", test_receive_timeout);
    g_test_add_func("/isa-serial/8.5-interrupt-identification/thr", test_thr_empty_interrupt);
    g_test_add_func("/isa-serial/8.5-interrupt-identification/priorities", test_priorities);
    g_test_add_func("/isa-serial/8.3-divisor", test_divisor_and_scratch);
    g_test_add_func("/isa-serial/8.4-fifo-control", test_fifo_clear);
    return g_test_run();
}
