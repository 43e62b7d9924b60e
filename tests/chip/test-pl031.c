/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PL031 against Arm DDI 0224C, chapter 3. */
#include "harness.h"

#define BASE 0x09010000ull
enum { DR = 0x00, MR = 0x04, LR = 0x08, CR = 0x0c, IMSC = 0x10, RIS = 0x14, MIS = 0x18, ICR = 0x1c };

static Device *begin(Machine **m, WireProbe *irq)
{
    *m = bench_new(0);
    Device *d = device_new(*m, device_type_find("pl031", NULL), NULL, NULL);
    device_connect(d, 0, bench_wire(irq));
    g_assert_true(device_realize(d, NULL));
    device_reset(d);
    return d;
}

static void test_time_of_day(void)
{
    Machine *m;
    WireProbe irq = {0};
    Device *d = begin(&m, &irq);
    uint32_t now = clock_ns(m, CLOCK_HOST) / NS_PER_SEC;

    g_assert_cmpint((int32_t)(bench_load(m, BASE + DR, 4) - now), <=, 2);
    g_assert_cmpint((int32_t)(bench_load(m, BASE + DR, 4) - now), >=, 0);
    bench_store(m, BASE + LR, 4, 1000);
    g_assert_cmpuint(bench_load(m, BASE + DR, 4) - 1000, <=, 2);
    device_reset(d); /* it goes on over a reset */
    g_assert_cmpuint(bench_load(m, BASE + DR, 4) - 1000, <=, 3);
    g_assert_cmphex(bench_load(m, BASE + CR, 4), ==, 1);
    g_assert_cmphex(bench_load(m, BASE + 0xfe0, 4), ==, 0x31);
    bench_free(m);
}

/* 3.3.2: the interrupt when the counter becomes equal to the match register, masked by RTCIMSC. */
static void test_alarm(void)
{
    Machine *m;
    WireProbe irq = {0};

    begin(&m, &irq);
    bench_store(m, BASE + LR, 4, 5000);
    bench_store(m, BASE + MR, 4, 4000); /* long ago */
    g_assert_cmphex(bench_load(m, BASE + RIS, 4), ==, 0);
    bench_store(m, BASE + MR, 4, bench_load(m, BASE + DR, 4) + 1);
    for (int i = 0; i < 300 && !bench_load(m, BASE + RIS, 4); i++) {
        g_usleep(10000);
        bench_step(m, 0);
    }
    g_assert_cmphex(bench_load(m, BASE + RIS, 4), ==, 1);
    g_assert_cmphex(bench_load(m, BASE + MIS, 4), ==, 0);
    g_assert_cmpint(irq.level, ==, 0);
    bench_store(m, BASE + IMSC, 4, 1);
    g_assert_cmpint(irq.level, ==, 1);
    bench_store(m, BASE + ICR, 4, 1);
    g_assert_cmpint(irq.level, ==, 0);
    bench_store(m, BASE + LR, 4, bench_load(m, BASE + MR, 4)); /* equal by loading it */
    g_assert_cmpint(irq.level, ==, 1);
    bench_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pl031/time-of-day", test_time_of_day);
    g_test_add_func("/pl031/alarm", test_alarm);
    return g_test_run();
}
