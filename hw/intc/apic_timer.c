/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The timer of a local APIC: one-shot, periodic and TSC-deadline.
 *
 * Intel SDM vol. 3, 11.5.4 "APIC timer", 11.5.4.1 "TSC-deadline mode". It counts
 * a bus clock of 1 GHz. A periodic timer faster than 20 us is slowed to that.
 *
 * home: any thread, guarded by the APIC's lock, which every function here but
 * the timer callback expects to be held.
 */
#include "hw/intc/apic_internal.h"
#include "core/machine.h"

#define TIMER_ONESHOT  0
#define TIMER_PERIODIC 1
#define TIMER_DEADLINE 2
#define MIN_PERIOD     (20 * NS_PER_US)

static int timer_mode(const Lapic *l)
{
    return l->lvt[LVT_TIMER] >> 17 & 3;
}

int64_t lapic_timer_unit(const Lapic *l)
{
    int code = (l->divide & 3) | (l->divide >> 1 & 4);

    return 1ll << ((code + 1) & 7);
}

uint32_t lapic_current_count(Lapic *l)
{
    int64_t gone = (clock_ns(l->dev.machine, CLOCK_VIRTUAL) - l->count_start) / lapic_timer_unit(l);

    if (!l->initial_count || timer_mode(l) == TIMER_DEADLINE || gone < 0) {
        return 0;
    }
    if (timer_mode(l) == TIMER_PERIODIC) {
        return l->initial_count - gone % l->initial_count;
    }
    return gone >= l->initial_count ? 0 : l->initial_count - gone;
}

/* When the next timer interrupt is due, after `now`. */
static int64_t next_due(Lapic *l, int64_t now)
{
    int64_t period = l->initial_count * lapic_timer_unit(l);
    ApicBus *bus = (ApicBus *)l->bus;

    if (l->lvt[LVT_TIMER] & APIC_LVT_MASKED && timer_mode(l) != TIMER_DEADLINE) {
        return TIMER_NEVER;
    }
    switch (timer_mode(l)) {
    case TIMER_DEADLINE:
        return l->tsc_deadline && bus->tsc_to_ns ? bus->tsc_to_ns(l->cpu, l->tsc_deadline)
                                                 : TIMER_NEVER;
    case TIMER_ONESHOT:
        return period && l->count_start + period > now ? l->count_start + period : TIMER_NEVER;
    case TIMER_PERIODIC:
        if (!period || now < l->count_start) {
            return TIMER_NEVER;
        }
        period = MAX(period, 1);
        int64_t k = (now - l->count_start) / period + 1;
        if (period < MIN_PERIOD) {
            k += MIN_PERIOD / period;
        }
        return l->count_start + k * period;
    default:
        return TIMER_NEVER;
    }
}

/*
 * The timer's registers changed. An expiry that is past but not yet delivered stays due, so `from`
 * is the moment before it.
 */
static void program_from(Lapic *l, int64_t from)
{
    l->due = next_due(l, from);
    if (l->due == TIMER_NEVER || apic_lent(l)) { /* lent: the accelerator has a timer */
        timer_disarm(&l->timer);
    } else {
        timer_arm(&l->timer, l->due);
    }
}

void lapic_timer_changed(Lapic *l)
{
    int64_t now = clock_ns(l->dev.machine, CLOCK_VIRTUAL);

    program_from(l, l->due <= now ? l->due - 1 : now);
}

/* On the main loop; a vCPU may have reprogrammed the timer meanwhile. */
void lapic_timer_fired(void *opaque)
{
    Lapic *l = opaque;

    g_mutex_lock(&l->lock);
    int64_t now = clock_ns(l->dev.machine, CLOCK_VIRTUAL);
    if (apic_lent(l)) {
        /* it was late: the accelerator knows the expiry from the registers */
    } else if (l->due > now) {
        if (l->due != TIMER_NEVER) {
            timer_arm(&l->timer, l->due);
        }
    } else {
        if (timer_mode(l) == TIMER_DEADLINE) {
            l->tsc_deadline = 0;
        }
        lapic_deliver_local(l, LVT_TIMER, false);
        program_from(l, now);
    }
    g_mutex_unlock(&l->lock);
}

void lapic_write_lvt_timer(Lapic *l, uint32_t v)
{
    uint32_t changed = l->lvt[LVT_TIMER] ^ v;

    l->lvt[LVT_TIMER] = v;
    if ((changed >> 17 & 3) &&
        (timer_mode(l) == TIMER_DEADLINE || ((v ^ changed) >> 17 & 3) == TIMER_DEADLINE)) {
        l->initial_count = 0; /* a change of mode from or to TSC-deadline disarms */
        l->tsc_deadline = 0;
    }
    lapic_timer_changed(l);
}

void lapic_write_initial_count(Lapic *l, uint32_t v)
{
    if (timer_mode(l) != TIMER_DEADLINE) {
        l->initial_count = v;
        l->count_start = clock_ns(l->dev.machine, CLOCK_VIRTUAL);
        program_from(l, l->count_start);
    }
}

void lapic_write_tsc_deadline(Lapic *l, uint64_t v)
{
    if (timer_mode(l) == TIMER_DEADLINE) { /* otherwise ignored (11.5.4.1) */
        l->tsc_deadline = v;
        program_from(l, 0);
    }
}

/*
 * One-shot counters do not tell whether the interrupt of their end was delivered: one too many does less harm than one
 * that never comes.
 */
void lapic_timer_load(Lapic *l, uint32_t current)
{
    int64_t now = clock_ns(l->dev.machine, CLOCK_VIRTUAL), unit = lapic_timer_unit(l);

    current = MIN(current, l->initial_count);
    l->count_start = now - (int64_t)(l->initial_count - current) * unit;
    program_from(l, timer_mode(l) == TIMER_DEADLINE ? 0 : timer_mode(l) == TIMER_ONESHOT && !current ? now - 1 : now);
}

bool lapic_timer_expired(const Lapic *l)
{
    return timer_mode(l) == TIMER_ONESHOT && l->due == TIMER_NEVER;
}
