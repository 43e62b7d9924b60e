/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doorbells of regions, where they show and who is told; the events behind them, on the main loop and on an I/O thread.
 */
#include <sys/eventfd.h>

#include "core/ioevent.h"
#include "toy.h"

#define BELL 0x40

static uint64_t none_read(void *opaque, hwaddr offset, unsigned size)
{
    return 0;
}

static void none_write(void *opaque, hwaddr offset, uint64_t value, unsigned size)
{
}

static const IoOps ops = {.read = none_read, .write = none_write};

typedef struct Seen {
    unsigned n;
    hwaddr at;
    IoEvent *event;
} Seen;

static void see(const MemEvent *e, void *opaque)
{
    Seen *s = opaque;

    s->n++;
    s->at = e->offset;
    s->event = e->event;
}

static Seen look(Machine *m)
{
    Seen s = {0};

    address_space_foreach_event(machine_memory(m), see, &s);
    return s;
}

static void nothing(void *opaque)
{
}

/* They move with their region, are hidden with it, and do not show where a part of them is hidden. */
static void test_view(void)
{
    Machine *m = toy_machine((MachineConfig){.ram_size = 0x10000, .cpus = 1, .accel = "toy"}, NULL);
    MemoryRegion *root = machine_memory_root(m), *bar = region_new_container("bar", 0x1000);
    MemoryRegion *io = region_new_io("io", &ops, NULL, 0x100), *lid = region_new_io("lid", &ops, NULL, 1);
    IoEvent *e = io_event_new(m, NULL, nothing, NULL);
    MemEvent bell = {.offset = BELL, .size = 2, .event = e}, early = {.size = 4, .match = true, .value = 1, .event = e};

    region_add_event(io, &early); /* in no machine yet */
    region_add(bar, 0x200, io, 0);
    region_add(root, 0x80000, bar, 0);
    g_assert_cmphex(look(m).at, ==, 0x80200);
    region_remove_event(io, &early);
    g_assert_cmpuint(look(m).n, ==, 0);
    uint64_t generation = address_space_generation(machine_memory(m));
    unsigned told = toy_events_told(m);
    region_add_event(io, &bell);
    g_assert_cmpuint(toy_events_told(m), ==, told + 1);
    g_assert_cmpuint(address_space_generation(machine_memory(m)), ==, generation);
    Seen s = look(m);
    g_assert_cmpuint(s.n, ==, 1);
    g_assert_cmphex(s.at, ==, 0x80200 + BELL);
    g_assert_true(s.event == e);
    mem_transaction_begin(m);
    region_remove(root, bar);
    mem_transaction_commit(m);
    g_assert_cmpuint(toy_events_told(m), ==, told + 2);
    g_assert_cmpuint(look(m).n, ==, 0);
    region_add(root, 0xf0000, bar, 0);
    g_assert_cmphex(look(m).at, ==, 0xf0200 + BELL);
    region_add(io, BELL + 1, lid, 1);
    g_assert_cmpuint(look(m).n, ==, 0);
    region_set_enabled(lid, false);
    g_assert_cmpuint(look(m).n, ==, 1);
    told = toy_events_told(m);
    region_remove_event(io, &bell);
    g_assert_cmpuint(toy_events_told(m), ==, told + 1);
    region_set_enabled(bar, false);
    g_assert_cmpuint(toy_events_told(m), ==, told + 1); /* there are none any more */
    g_assert_cmpuint(look(m).n, ==, 0);
    io_event_free(e);
    region_unref(lid);
    region_unref(io);
    region_unref(bar);
    machine_free(m);
}

static bool came(void *n)
{
    return __atomic_load_n((unsigned *)n, __ATOMIC_SEQ_CST);
}

static void count(void *n)
{
    __atomic_fetch_add((unsigned *)n, 1, __ATOMIC_SEQ_CST);
}

static void serve(Machine *m, IoThread *t)
{
    unsigned n = 0;
    IoEvent *e = io_event_new(m, t, count, &n);
    int fd = io_event_fd(e);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(io_event_fd(e), ==, fd);
    for (int i = 0; i < 100; i++) {
        __atomic_store_n(&n, 0, __ATOMIC_SEQ_CST);
        g_assert_cmpint(eventfd_write(fd, 1), ==, 0);
        if (!t) {
            toy_loop_until(m, came, &n);
        }
        for (int ms = 0; !came(&n); ms++) {
            g_assert_cmpint(ms, <, 30000);
            g_usleep(1000);
        }
    }
    io_event_free(e);
}

static void test_served(void)
{
    Machine *m = toy_machine((MachineConfig){.ram_size = 0x10000, .cpus = 1}, NULL);

    serve(m, NULL);
    for (int poll = 0; poll < 2; poll++) {
        g_autoptr(json_t) o = json_pack("{s:s, s:s, s:i}", "qom-type", "iothread", "id", poll ? "a" : "b", "poll-max-ns",
                                        poll * 10000000);
        serve(m, (IoThread *)object_add(m, o, NULL));
    }
    machine_free(m);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/core/events/view", test_view);
    g_test_add_func("/core/events/served", test_served);
    return g_test_run();
}
