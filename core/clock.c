/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's clocks and their timers.
 *
 * Each clock has a binary heap of armed timers. One timerfd, a source of the machine's loop, is
 * set to the earliest deadline in host time, so timers have the kernel's precision and arming one
 * from another thread needs no other wake-up. The wall clock can be set by the host's owner;
 * its timers are therefore looked at once a second at least.
 *
 * A timer is taken off the heap with the machine locked: who holds that lock and disarms a timer
 * knows that it will not fire.
 *
 * guarded by: ClockState.lock (taken after the machine lock); reading the time: a seqlock.
 */
#include <inttypes.h>
#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "core/internal.h"
#include "base/trace.h"

#define HOST_CLOCK_LOOK_NS NS_PER_SEC
#define STORM 1000000
#define MAX_PER_DISPATCH 256 /* then the loop serves others first */

static int64_t monotonic_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

static int64_t wall_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return ts.tv_sec * NS_PER_SEC + ts.tv_nsec;
}

static int64_t virtual_ns(ClockState *c)
{
    uint32_t seq;
    int64_t base, since;
    bool ticking;

    do {
        while ((seq = __atomic_load_n(&c->seq, __ATOMIC_ACQUIRE)) & 1) {
        }
        base = __atomic_load_n(&c->base, __ATOMIC_RELAXED);
        since = __atomic_load_n(&c->since, __ATOMIC_RELAXED);
        ticking = __atomic_load_n(&c->running, __ATOMIC_RELAXED) &&
                  !__atomic_load_n(&c->manual, __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (__atomic_load_n(&c->seq, __ATOMIC_RELAXED) != seq);
    return ticking ? base + (monotonic_ns() - since) : base;
}

/* -rtc clock=: the time of day goes on from when the machine was made. */
static int64_t rtc_source_ns(Machine *m)
{
    switch (m->cfg.rtc_clock) {
    case RTC_VM:
        return m->clock.born_wall + virtual_ns(&m->clock);
    case RTC_RT:
        return m->clock.born_wall + monotonic_ns() - m->clock.born_monotonic;
    default:
        return wall_ns();
    }
}

int64_t clock_ns(Machine *m, ClockId id)
{
    switch (id) {
    case CLOCK_VIRTUAL:
        return virtual_ns(&m->clock);
    case CLOCK_HOST:
        return rtc_source_ns(m) + m->clock.host_offset;
    default:
        return monotonic_ns();
    }
}

/* lock held */
static void clock_write(ClockState *c, int64_t base, bool running, bool manual)
{
    __atomic_store_n(&c->seq, c->seq + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    __atomic_store_n(&c->base, base, __ATOMIC_RELAXED);
    __atomic_store_n(&c->since, monotonic_ns(), __ATOMIC_RELAXED);
    __atomic_store_n(&c->running, running, __ATOMIC_RELAXED);
    __atomic_store_n(&c->manual, manual, __ATOMIC_RELAXED);
    __atomic_store_n(&c->seq, c->seq + 1, __ATOMIC_RELEASE);
}

/* ---- heaps; lock held ---- */

static bool before(const Timer *a, const Timer *b)
{
    return a->deadline < b->deadline;
}

static void heap_put(GPtrArray *h, int i, Timer *t)
{
    h->pdata[i] = t;
    t->heap_index = i;
}

static void heap_up(GPtrArray *h, int i)
{
    Timer *t = h->pdata[i];

    while (i > 0 && before(t, h->pdata[(i - 1) / 2])) {
        heap_put(h, i, h->pdata[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    heap_put(h, i, t);
}

static void heap_down(GPtrArray *h, int i)
{
    Timer *t = h->pdata[i];
    int n = h->len;

    for (int child = 2 * i + 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && before(h->pdata[child + 1], h->pdata[child])) {
            child++;
        }
        if (!before(h->pdata[child], t)) {
            break;
        }
        heap_put(h, i, h->pdata[child]);
        i = child;
    }
    heap_put(h, i, t);
}

static void heap_remove(GPtrArray *h, Timer *t)
{
    int i = t->heap_index;

    if (i < 0) {
        return;
    }
    Timer *last = h->pdata[h->len - 1];
    g_ptr_array_set_size(h, h->len - 1);
    t->heap_index = -1;
    if (last != t) {
        heap_put(h, i, last);
        heap_up(h, i);
        heap_down(h, last->heap_index);
    }
}

static Timer *heap_first(GPtrArray *h)
{
    return h->len ? h->pdata[0] : NULL;
}

/* ---- the timerfd; lock held ---- */

/* The first deadline of a clock in monotonic host time. */
static int64_t host_deadline(Machine *m, ClockId id)
{
    ClockState *c = &m->clock;
    Timer *t = heap_first(c->heap[id]);

    if (!t || (id == CLOCK_VIRTUAL && (!c->running || c->manual))) {
        return TIMER_NEVER;
    }
    int64_t now = monotonic_ns(), wait;
    if (__builtin_sub_overflow(t->deadline, clock_ns(m, id), &wait)) {
        return TIMER_NEVER;
    }
    if (id == CLOCK_HOST) {
        wait = MIN(wait, HOST_CLOCK_LOOK_NS);
    }
    return wait > TIMER_NEVER - now ? TIMER_NEVER : now + MAX(wait, 0);
}

static void program(Machine *m)
{
    ClockState *c = &m->clock;
    int64_t first = TIMER_NEVER;

    for (int id = 0; id < CLOCK__COUNT; id++) {
        int64_t deadline = host_deadline(m, id);
        first = MIN(first, deadline);
    }
    if (first == TIMER_NEVER && c->programmed == TIMER_NEVER) {
        return;
    }
    struct itimerspec its = {0};
    if (first != TIMER_NEVER) {
        its.it_value.tv_sec = first / NS_PER_SEC;
        its.it_value.tv_nsec = first % NS_PER_SEC;
    }
    c->programmed = first;
    timerfd_settime(c->timer_fd, TFD_TIMER_ABSTIME, &its, NULL);
}

/* ---- timers ---- */

void timer_init(Timer *t, Machine *m, ClockId clock, void (*fn)(void *), void *opaque)
{
    *t = (Timer){
        .machine = m,
        .clock = clock,
        .fn = fn,
        .opaque = opaque,
        .deadline = TIMER_NEVER,
        .heap_index = -1,
    };
}

void timer_fini(Timer *t)
{
    if (t->machine) {
        timer_disarm(t);
        t->machine = NULL;
    }
}

void timer_arm(Timer *t, int64_t deadline_ns)
{
    ClockState *c = &t->machine->clock;
    GPtrArray *h = c->heap[t->clock];

    if (deadline_ns == TIMER_NEVER) {
        timer_disarm(t);
        return;
    }
    pthread_mutex_lock(&c->lock);
    bool was_first = t->heap_index == 0;
    heap_remove(h, t);
    t->deadline = deadline_ns;
    g_ptr_array_add(h, t);
    heap_up(h, h->len - 1);
    if (was_first || t->heap_index == 0) {
        program(t->machine);
    }
    pthread_mutex_unlock(&c->lock);
}

void timer_disarm(Timer *t)
{
    ClockState *c = &t->machine->clock;

    pthread_mutex_lock(&c->lock);
    heap_remove(c->heap[t->clock], t); /* the fd may fire for nothing: cheaper than setting it */
    t->deadline = TIMER_NEVER;
    pthread_mutex_unlock(&c->lock);
}

TRACE_EVENT(timer_fire, "clock %d deadline %" PRId64 " ns, %" PRId64 " ns late");

/* Fires the first timer of the clock due at now. Machine locked. */
static bool fire_one(Machine *m, ClockId id, int64_t now)
{
    ClockState *c = &m->clock;

    pthread_mutex_lock(&c->lock);
    Timer *t = heap_first(c->heap[id]);
    if (!t || t->deadline > now) {
        pthread_mutex_unlock(&c->lock);
        return false;
    }
    heap_remove(c->heap[id], t);
    int64_t deadline = t->deadline;
    t->deadline = TIMER_NEVER;
    pthread_mutex_unlock(&c->lock);
    trace(timer_fire, (int)id, deadline, now - deadline);
    mem_callback_enter();
    t->fn(t->opaque);
    mem_callback_leave();
    return true;
}

/* Fires what is due now; a timer that rearms itself in the past waits for the next round. */
static void fire_due(Machine *m, ClockId id)
{
    int64_t now = clock_ns(m, id);

    if (id == CLOCK_VIRTUAL && (!m->clock.running || m->clock.manual)) {
        return;
    }
    for (int n = 0; n < MAX_PER_DISPATCH; n++) {
        machine_lock(m);
        bool fired = fire_one(m, id, now);
        machine_unlock(m);
        if (!fired) {
            break;
        }
    }
}

static gboolean clock_dispatch(GSource *source, GSourceFunc fn, gpointer opaque)
{
    Machine *m = opaque;
    uint64_t count;

    if (read(m->clock.timer_fd, &count, sizeof(count)) < 0 && errno != EAGAIN) {
        return G_SOURCE_CONTINUE;
    }
    for (int id = 0; id < CLOCK__COUNT; id++) {
        fire_due(m, id);
    }
    pthread_mutex_lock(&m->clock.lock);
    program(m);
    pthread_mutex_unlock(&m->clock.lock);
    return G_SOURCE_CONTINUE;
}

static gboolean clock_call(gpointer opaque)
{
    return G_SOURCE_CONTINUE;
}

static const GSourceFuncs clock_funcs = {.dispatch = clock_dispatch};

/* ---- the machine's side ---- */

/* How far the guest's local time is ahead of UTC. */
static int64_t local_offset_ns(void)
{
    time_t now = time(NULL);
    struct tm tm;

    return localtime_r(&now, &tm) ? tm.tm_gmtoff * NS_PER_SEC : 0;
}

bool clock_init(Machine *m, Error **errp)
{
    ClockState *c = &m->clock;

    pthread_mutex_init(&c->lock, NULL);
    for (int id = 0; id < CLOCK__COUNT; id++) {
        c->heap[id] = g_ptr_array_new();
    }
    c->programmed = TIMER_NEVER;
    c->born_wall = wall_ns();
    c->born_monotonic = monotonic_ns();
    c->host_offset = m->cfg.rtc_base_ns + (m->cfg.rtc_localtime ? local_offset_ns() : 0);
    c->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (c->timer_fd < 0) {
        error_set_errno(errp, errno, "cannot create a timer");
        return false;
    }
    c->source = g_source_new((GSourceFuncs *)&clock_funcs, sizeof(GSource));
    g_source_set_callback(c->source, clock_call, m, NULL);
    g_source_add_unix_fd(c->source, c->timer_fd, G_IO_IN);
    g_source_attach(c->source, m->loop);
    return true;
}

void clock_fini(Machine *m)
{
    ClockState *c = &m->clock;

    if (c->source) {
        g_source_destroy(c->source);
        g_source_unref(c->source);
    }
    if (c->timer_fd >= 0) {
        close(c->timer_fd);
    }
    for (int id = 0; id < CLOCK__COUNT; id++) {
        for (guint i = 0; i < c->heap[id]->len; i++) {
            ((Timer *)c->heap[id]->pdata[i])->machine = NULL;
        }
        g_ptr_array_free(c->heap[id], TRUE);
    }
    pthread_mutex_destroy(&c->lock);
}

void clock_run(Machine *m, bool running)
{
    ClockState *c = &m->clock;

    pthread_mutex_lock(&c->lock);
    clock_write(c, virtual_ns(c), running, c->manual);
    program(m);
    pthread_mutex_unlock(&c->lock);
}

void clock_set_virtual(Machine *m, int64_t ns)
{
    ClockState *c = &m->clock;

    pthread_mutex_lock(&c->lock);
    clock_write(c, ns, c->running, c->manual);
    program(m);
    pthread_mutex_unlock(&c->lock);
}

void clock_set_manual(Machine *m)
{
    ClockState *c = &m->clock;

    pthread_mutex_lock(&c->lock);
    clock_write(c, virtual_ns(c), c->running, true);
    program(m);
    pthread_mutex_unlock(&c->lock);
}

void clock_advance(Machine *m, int64_t ns)
{
    ClockState *c = &m->clock;
    int64_t end = c->base + ns;
    int in_place = 0;

    g_assert(c->manual && ns >= 0);
    for (bool fired = true; fired;) {
        pthread_mutex_lock(&c->lock);
        Timer *t = heap_first(c->heap[CLOCK_VIRTUAL]);
        int64_t next = t ? MAX(t->deadline, c->base) : TIMER_NEVER;
        fired = next <= end;
        in_place = fired && next == c->base ? in_place + 1 : 0;
        g_assert(in_place < STORM); /* some timer always rearms itself for now or the past */
        clock_write(c, fired ? next : end, c->running, true);
        pthread_mutex_unlock(&c->lock);
        if (fired) {
            machine_lock(m);
            fire_one(m, CLOCK_VIRTUAL, next);
            machine_unlock(m);
        }
    }
}

void clock_oversleep(Machine *m, int64_t ns)
{
    ClockState *c = &m->clock;
    bool fired = true;

    g_assert(c->manual && ns >= 0);
    pthread_mutex_lock(&c->lock);
    clock_write(c, c->base + ns, c->running, true);
    pthread_mutex_unlock(&c->lock);
    for (int n = 0; fired; n++) {
        g_assert(n < STORM); /* some timer always rearms itself for now or the past */
        machine_lock(m);
        fired = fire_one(m, CLOCK_VIRTUAL, c->base);
        machine_unlock(m);
    }
}
