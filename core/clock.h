/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time. Devices read time from the machine's clocks only. The virtual clock
 * stands still while the machine is stopped; the host clock follows the wall
 * (RTC). Timers belong to a clock and fire on the main loop with the machine's
 * lock domain held.
 */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Machine Machine;

typedef enum ClockId {
    CLOCK_VIRTUAL, /* ns since power-on, stops with the machine */
    CLOCK_HOST,    /* ns since 1970-01-01 UTC, with -rtc base applied */
    CLOCK_REAL,    /* host monotonic ns; never guest visible (UI refresh) */
    CLOCK__COUNT,
} ClockId;

#define NS_PER_SEC 1000000000ll
#define NS_PER_MS 1000000ll
#define NS_PER_US 1000ll
#define TIMER_NEVER INT64_MAX

/* Nanoseconds. Any thread, lock-free (seqlock). */
int64_t clock_ns(Machine *m, ClockId id);

/*
 * A timer embedded in its owner. deadline is part of the saved state of
 * devices (STATE_TIMER). home: armed/disarmed by any thread; fires on the main
 * loop holding the machine lock domain.
 */
typedef struct Timer {
    Machine *machine;
    ClockId clock;
    void (*fn)(void *opaque);
    void *opaque;
    int64_t deadline; /* TIMER_NEVER when not armed */
    int heap_index;   /* core's; -1 when not armed; guarded by: the machine's clock mutex */
} Timer;

/*
 * Tests: the virtual clock stands still except for clock_advance(), which fires the timers on the
 * way in the order of their deadlines. Main loop, machine not locked.
 */
void clock_set_manual(Machine *m);
void clock_advance(Machine *m, int64_t ns);
/* Tests: as on a host that was busy for ns; what has become due fires after that, late. */
void clock_oversleep(Machine *m, int64_t ns);
/* Restore: the virtual clock continues from here. Machine stopped. */
void clock_set_virtual(Machine *m, int64_t ns);

void timer_init(Timer *t, Machine *m, ClockId clock, void (*fn)(void *), void *opaque);
void timer_fini(Timer *t);
void timer_arm(Timer *t, int64_t deadline_ns); /* absolute, replaces */
void timer_disarm(Timer *t);
static inline bool timer_armed(const Timer *t)
{
    return t->deadline != TIMER_NEVER;
}
/* a * b / c without overflow: ticks <-> ns conversions. */
static inline uint64_t muldiv64(uint64_t a, uint64_t b, uint64_t c)
{
    return (unsigned __int128)a * b / c;
}

#endif
