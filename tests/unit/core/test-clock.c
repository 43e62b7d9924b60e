/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clocks and timers, by hand and in real time.
 */
#include "toy.h"

typedef struct Tick {
    Machine *m;
    Timer t;
    int fired;
    int64_t at;
    int64_t period;
    GArray *order;
    int number;
} Tick;

static void on_tick(void *opaque)
{
    Tick *k = opaque;

    g_assert_true(machine_locked(k->m));
    g_assert_true(!k->period || !timer_armed(&k->t));
    k->fired++;
    k->at = clock_ns(k->m, k->t.clock);
    if (k->order) {
        g_array_append_val(k->order, k->number);
    }
    if (k->period) {
        timer_arm(&k->t, k->at + k->period);
    }
}

static void tick_init(Tick *k, Machine *m, ClockId clock)
{
    k->m = m;
    timer_init(&k->t, m, clock, on_tick, k);
}

static Machine *new_machine(void)
{
    return toy_machine((MachineConfig){.cpus = 1}, NULL);
}

static void test_manual(void)
{
    Machine *m = new_machine();
    Tick a = {.period = 100}, b = {0};

    clock_set_manual(m);
    machine_start(m);
    tick_init(&a, m, CLOCK_VIRTUAL);
    tick_init(&b, m, CLOCK_VIRTUAL);
    g_assert_cmpint(clock_ns(m, CLOCK_VIRTUAL), ==, 0);
    timer_arm(&a.t, 100);
    timer_arm(&b.t, 250);
    clock_advance(m, 99);
    g_assert_cmpint(a.fired, ==, 0);
    clock_advance(m, 1);
    g_assert_cmpint(a.fired, ==, 1);
    g_assert_cmpint(a.at, ==, 100);
    clock_advance(m, 1000);
    g_assert_cmpint(a.fired, ==, 11);
    g_assert_cmpint(b.fired, ==, 1);
    g_assert_cmpint(b.at, ==, 250);
    timer_disarm(&a.t);
    clock_advance(m, 1000);
    g_assert_cmpint(a.fired, ==, 11);
    g_assert_cmpint(clock_ns(m, CLOCK_VIRTUAL), ==, 2100);
    timer_fini(&a.t);
    timer_fini(&b.t);
    machine_free(m);
}

/* Random arms, moves and disarms fire in order. */
static void test_heap(void)
{
    enum { N = 200 };
    Machine *m = new_machine();
    g_autofree Tick *k = g_new0(Tick, N);
    GArray *order = g_array_new(FALSE, FALSE, sizeof(int));
    int expect = 0;

    clock_set_manual(m);
    for (int i = 0; i < N; i++) {
        k[i].number = i;
        k[i].order = order;
        tick_init(&k[i], m, CLOCK_VIRTUAL);
    }
    for (int n = 0; n < 20 * N; n++) {
        Tick *t = &k[g_test_rand_int_range(0, N)];
        if (g_test_rand_bit()) {
            timer_arm(&t->t, g_test_rand_int_range(1, 100000));
        } else {
            timer_disarm(&t->t);
        }
    }
    int64_t deadline[N];
    for (int i = 0; i < N; i++) {
        deadline[i] = k[i].t.deadline;
        expect += timer_armed(&k[i].t);
    }
    clock_advance(m, 100000);
    g_assert_cmpint(order->len, ==, expect);
    for (guint i = 1; i < order->len; i++) {
        g_assert_cmpint(deadline[g_array_index(order, int, i - 1)], <=,
                        deadline[g_array_index(order, int, i)]);
    }
    g_array_free(order, TRUE);
    machine_free(m);
}

static bool fired3(void *opaque)
{
    return ((Tick *)opaque)->fired >= 3;
}

static void test_real(void)
{
    Machine *m = new_machine();
    Tick v = {.period = NS_PER_MS}, h = {.period = NS_PER_MS}, r = {.period = NS_PER_MS};

    tick_init(&v, m, CLOCK_VIRTUAL);
    tick_init(&h, m, CLOCK_HOST);
    tick_init(&r, m, CLOCK_REAL);
    timer_arm(&v.t, 0);
    timer_arm(&h.t, clock_ns(m, CLOCK_HOST) + NS_PER_MS);
    timer_arm(&r.t, clock_ns(m, CLOCK_REAL) + NS_PER_MS);
    toy_loop_until(m, fired3, &h);
    toy_loop_until(m, fired3, &r);
    g_assert_cmpint(v.fired, ==, 0); /* not started: virtual time stands */
    g_assert_cmpint(clock_ns(m, CLOCK_VIRTUAL), ==, 0);
    machine_start(m);
    toy_loop_until(m, fired3, &v);
    machine_stop(m, RUN_STATE_PAUSED);
    int64_t stopped = clock_ns(m, CLOCK_VIRTUAL);
    int fired = v.fired;
    toy_loop_for(m, 10);
    g_assert_cmpint(clock_ns(m, CLOCK_VIRTUAL), ==, stopped);
    g_assert_cmpint(v.fired, ==, fired);
    machine_cont(m, NULL);
    v.fired = 0;
    toy_loop_until(m, fired3, &v);
    timer_fini(&v.t);
    timer_fini(&h.t);
    timer_fini(&r.t);
    machine_free(m);
}

static void test_precision(void)
{
    Machine *m = new_machine();
    Tick v = {0};
    int64_t best = INT64_MAX;

    machine_start(m);
    tick_init(&v, m, CLOCK_VIRTUAL);
    for (int i = 0; i < 20; i++) {
        int64_t due = clock_ns(m, CLOCK_VIRTUAL) + 300 * NS_PER_US;
        v.fired = 0;
        timer_arm(&v.t, due);
        while (!v.fired) {
            g_main_context_iteration(machine_loop(m), TRUE);
        }
        g_assert_cmpint(v.at, >=, due);
        best = MIN(best, v.at - due);
    }
    g_test_message("best lateness %d us", (int)(best / NS_PER_US));
    g_assert_cmpint(best, <, NS_PER_MS); /* not a millisecond poll */
    timer_fini(&v.t);
    machine_free(m);
}

static void test_rtc_base(void)
{
    Machine *m = toy_machine((MachineConfig){.rtc_base_ns = -1000 * NS_PER_SEC}, NULL);
    int64_t diff = clock_ns(m, CLOCK_HOST) - g_get_real_time() * 1000;

    g_assert_cmpint(ABS(diff + 1000 * NS_PER_SEC), <, 10 * NS_PER_SEC);
    machine_free(m);
}

static gpointer arm_from_thread(gpointer opaque)
{
    Tick *k = opaque;

    for (int i = 0; i < 2000; i++) {
        timer_arm(&k->t, clock_ns(k->m, CLOCK_VIRTUAL) + i % 50 * 1000);
        if (i % 3 == 0) {
            timer_disarm(&k->t);
        }
    }
    timer_arm(&k->t, clock_ns(k->m, CLOCK_VIRTUAL) + 1000);
    return NULL;
}

static bool fired1(void *opaque)
{
    return ((Tick *)opaque)->fired >= 1;
}

static void test_threads(void)
{
    Machine *m = new_machine();
    Tick k[3] = {{0}};
    GThread *t[3];

    machine_start(m);
    for (int i = 0; i < 3; i++) {
        tick_init(&k[i], m, CLOCK_VIRTUAL);
        t[i] = g_thread_new("arm", arm_from_thread, &k[i]);
    }
    for (int i = 0; i < 3; i++) {
        toy_loop_until(m, fired1, &k[i]);
        g_thread_join(t[i]);
        timer_fini(&k[i].t);
    }
    machine_free(m);
}

/* A timer that always rearms itself for the past does not keep the loop. */
static void test_storm(void)
{
    Machine *m = new_machine();
    Tick k = {.period = -1000};

    machine_start(m);
    tick_init(&k, m, CLOCK_VIRTUAL);
    timer_arm(&k.t, 1);
    toy_loop_for(m, 5);
    g_assert_cmpint(k.fired, >, 1);
    timer_fini(&k.t);
    machine_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/clock/manual", test_manual);
    g_test_add_func("/core/clock/heap", test_heap);
    g_test_add_func("/core/clock/real", test_real);
    g_test_add_func("/core/clock/precision", test_precision);
    g_test_add_func("/core/clock/rtc-base", test_rtc_base);
    g_test_add_func("/core/clock/threads", test_threads);
    g_test_add_func("/core/clock/storm", test_storm);
    return g_test_run();
}
