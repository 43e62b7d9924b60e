/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HPET: a 64-bit counter at 100 MHz and three comparators.
 *
 * IA-PC HPET specification 1.0a, 2.3 "register details", 2.3.9.2.2 (periodic mode), 2.3.4.2.1
 * (legacy replacement).
 *
 * The counter is derived from the virtual clock. A comparator that is set to a time already past
 * fires at once instead of after the counter's next turn: between reading the counter and writing
 * the comparator a guest loses more time than on a chip.
 *
 * outputs: 0..23 = inputs of the I/O APIC (0 and 8 also the ISA lines).
 * home: the machine's lock domain.
 */
#include "hw/timer/hpet.h"
#include "base/bits.h"
#include "core/machine.h"

#define TIMERS    3
#define TICK_NS   10
#define PERIOD_FS 10000000ull
#define BLUR      20000 /* ns: no comparator fires more often */

enum { CAPABILITIES = 0x00, CONFIG = 0x10, STATUS = 0x20, COUNTER = 0xf0, TIMER0 = 0x100 };
enum { TN_CONFIG = 0x00, TN_COMPARE = 0x08, TN_FSB = 0x10 };

#define CAP         (0x8086a001ull | (TIMERS - 1) << 8 | PERIOD_FS << 32)
#define CFG_ENABLE  1
#define CFG_LEGACY  2
#define TN_LEVEL    0x0002
#define TN_ENABLE   0x0004
#define TN_PERIODIC 0x0008
#define TN_PER_CAP  0x0010
#define TN_SIZE_CAP 0x0020
#define TN_SETVAL   0x0040
#define TN_32BIT    0x0100
#define TN_FSB_EN   0x4000
#define TN_FSB_CAP  0x8000
#define TN_WRITABLE 0x7f4e

typedef struct Hpet Hpet;
typedef struct HpetAlarm {
    Hpet *hpet;
    int n;
} HpetAlarm;

struct Hpet {
    Device dev;
    uint32_t intcap;     /* properties */
    bool msi;
    uint64_t config, status;
    uint64_t counter;    /* while halted; else what to add to the clock's ticks */
    uint64_t tn_config[TIMERS], tn_compare[TIMERS], tn_period[TIMERS], tn_fsb[TIMERS];
    uint8_t fired[TIMERS]; /* since the comparator was written: its next match is still to come, however far */
    uint8_t legacy[2];   /* inputs */
    Timer timer[TIMERS];
    HpetAlarm alarm[TIMERS];
    void (*send)(Device *, uint64_t, uint32_t);
    Device *bus;
};

static uint64_t clock_ticks(Hpet *s)
{
    return clock_ns(s->dev.machine, CLOCK_VIRTUAL) / TICK_NS;
}

static uint64_t counter(Hpet *s)
{
    return s->config & CFG_ENABLE ? clock_ticks(s) + s->counter : s->counter;
}

static uint64_t width(const Hpet *s, int n)
{
    return s->tn_config[n] & TN_32BIT ? 0xffffffff : UINT64_MAX;
}

/* ---- wires ---- */

static int line_of(const Hpet *s, int n)
{
    if ((s->config & CFG_LEGACY) && n < 2) {
        return n == 0 ? 0 : 8;
    }
    return s->tn_config[n] >> 9 & 0x1f;
}

static void hpet_outputs(Device *d)
{
    Hpet *s = (Hpet *)d;
    uint32_t lines = 0;

    if (!(s->config & CFG_LEGACY)) {
        lines = s->legacy[HPET_LEGACY_PIT] | s->legacy[HPET_LEGACY_RTC] << 8;
    }
    for (int n = 0; n < TIMERS; n++) {
        if ((s->tn_config[n] & (TN_LEVEL | TN_ENABLE | TN_FSB_EN)) == (TN_LEVEL | TN_ENABLE) &&
            (s->status >> n & 1)) {
            lines |= 1u << line_of(s, n);
        }
    }
    for (int n = 0; n < HPET_LINES; n++) {
        irq_set(d->out[n], lines >> n & 1);
    }
    irq_set(d->out[HPET_OUT_LEGACY], (s->config & CFG_LEGACY) != 0);
}

static void legacy_set(void *opaque, int n, int level)
{
    Hpet *s = opaque;

    s->legacy[n] = level != 0;
    device_update(&s->dev);
}

Irq hpet_legacy_input(Device *hpet, int n)
{
    return (Irq){.handler = legacy_set, .opaque = hpet, .n = n};
}

void hpet_set_msi(Device *hpet, void (*send)(Device *, uint64_t, uint32_t), Device *bus)
{
    Hpet *s = (Hpet *)hpet;

    s->send = send;
    s->bus = bus;
}

static void interrupt(Hpet *s, int n)
{
    uint64_t c = s->tn_config[n];
    int line = line_of(s, n);

    if (c & TN_LEVEL) {
        s->status |= 1u << n;
    }
    if (!(c & TN_ENABLE)) {
        return;
    }
    if (c & TN_FSB_EN) {
        if (s->send) {
            s->send(s->bus, s->tn_fsb[n] >> 32, s->tn_fsb[n]);
        }
    } else if (!(c & TN_LEVEL) && line < HPET_LINES) {
        irq_pulse(s->dev.out[line]);
    }
    device_update(&s->dev);
}

/* ---- comparators ---- */

/* Ticks until the comparator matches; 0 when that was before. */
static uint64_t ticks_left(Hpet *s, int n)
{
    uint64_t diff = (s->tn_compare[n] - counter(s)) & width(s, n);

    if (s->fired[n]) {
        return diff ? diff : width(s, n);
    }
    return diff > width(s, n) / 2 ? 0 : diff;
}

static void arm(Hpet *s, int n)
{
    uint64_t left = ticks_left(s, n);

    if (!(s->config & CFG_ENABLE) || !(s->tn_config[n] & TN_ENABLE) ||
        left > (uint64_t)INT64_MAX / TICK_NS / 4) {
        timer_disarm(&s->timer[n]);
        return;
    }
    timer_arm(&s->timer[n], clock_ns(s->dev.machine, CLOCK_VIRTUAL) + left * TICK_NS);
}

static void arm_all(Hpet *s)
{
    for (int n = 0; n < TIMERS; n++) {
        arm(s, n);
    }
}

/* The comparator of a periodic timer is the next multiple of the period that is still to come. */
static void advance(Hpet *s, int n)
{
    uint64_t period = MAX(s->tn_period[n] & width(s, n), BLUR / TICK_NS);
    uint64_t past = (counter(s) - s->tn_compare[n]) & width(s, n);

    if (past > width(s, n) / 2) {
        past = 0;
    }
    s->tn_compare[n] = (s->tn_compare[n] + (past / period + 1) * period) & width(s, n);
}

static void hpet_timer(void *opaque)
{
    HpetAlarm *a = opaque;
    Hpet *s = a->hpet;
    int n = a->n;

    if (s->tn_config[n] & TN_PERIODIC) {
        advance(s, n);
    }
    s->fired[n] = 1;
    arm(s, n);
    interrupt(s, n);
}

/* ---- registers ---- */

static uint64_t tn_read(Hpet *s, int n, unsigned reg)
{
    switch (reg) {
    case TN_CONFIG:
        return s->tn_config[n] | TN_PER_CAP | TN_SIZE_CAP | (s->msi ? TN_FSB_CAP : 0) |
               (uint64_t)s->intcap << 32;
    case TN_COMPARE:
        return s->tn_compare[n];
    case TN_FSB:
        return s->tn_fsb[n];
    default:
        return 0;
    }
}

static uint64_t reg_read(Hpet *s, hwaddr reg)
{
    if (reg >= TIMER0 && reg < TIMER0 + 0x20 * TIMERS) {
        return tn_read(s, (reg - TIMER0) / 0x20, (reg - TIMER0) % 0x20);
    }
    switch (reg) {
    case CAPABILITIES:
        return CAP;
    case CONFIG:
        return s->config;
    case STATUS:
        return s->status;
    case COUNTER:
        return counter(s);
    default:
        return 0;
    }
}

static uint64_t hpet_read(void *opaque, hwaddr offset, unsigned size)
{
    return extract64(reg_read(opaque, offset & ~7ull), (offset & 7) * 8, size * 8);
}

static void config_write(Hpet *s, uint64_t v)
{
    uint64_t now = counter(s);

    s->config = v & (CFG_ENABLE | CFG_LEGACY);
    s->counter = s->config & CFG_ENABLE ? now - clock_ticks(s) : now;
    arm_all(s);
}

static void tn_write_config(Hpet *s, int n, uint64_t v)
{
    uint64_t allowed = TN_WRITABLE & ~(s->msi ? 0 : TN_FSB_EN);

    s->tn_config[n] = v & allowed;
    if (v & TN_32BIT) {
        s->tn_compare[n] &= 0xffffffff;
        s->tn_period[n] &= 0xffffffff;
    }
    if (!(v & TN_LEVEL)) {
        s->status &= ~(1ull << n);
    }
    arm(s, n);
}

/* In periodic mode a write sets the period, and the comparator itself after SETVAL. */
static void tn_write_compare(Hpet *s, int n, uint64_t v)
{
    uint64_t c = s->tn_config[n];

    v &= width(s, n);
    if (!(c & TN_PERIODIC) || (c & TN_SETVAL)) {
        s->tn_compare[n] = v;
    }
    if (c & TN_PERIODIC) {
        s->tn_period[n] = v;
    }
    s->tn_config[n] &= ~(uint64_t)TN_SETVAL;
    s->fired[n] = 0;
    arm(s, n);
}

static void hpet_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Hpet *s = opaque;
    hwaddr reg = offset & ~7ull;

    v = deposit64(reg == STATUS ? 0 : reg_read(s, reg), (offset & 7) * 8, size * 8, v);
    if (reg >= TIMER0 && reg < TIMER0 + 0x20 * TIMERS) {
        int n = (reg - TIMER0) / 0x20;
        switch ((reg - TIMER0) % 0x20) {
        case TN_CONFIG:
            tn_write_config(s, n, v);
            break;
        case TN_COMPARE:
            tn_write_compare(s, n, v);
            break;
        case TN_FSB:
            s->tn_fsb[n] = v;
            break;
        }
    } else if (reg == CONFIG) {
        config_write(s, v);
    } else if (reg == STATUS) {
        s->status &= ~v;
    } else if (reg == COUNTER && !(s->config & CFG_ENABLE)) {
        s->counter = v;
    }
}

static const IoOps hpet_ops = {hpet_read, hpet_write, .min_size = 4, .max_size = 8};

/* ---- type ---- */

static bool hpet_realize(Device *d, Error **errp)
{
    Hpet *s = (Hpet *)d;

    device_init_out(d, HPET_OUTS);
    for (int n = 0; n < TIMERS; n++) {
        s->alarm[n] = (HpetAlarm){s, n};
        timer_init(&s->timer[n], d->machine, CLOCK_VIRTUAL, hpet_timer, &s->alarm[n]);
    }
    device_map_memory(d, HPET_BASE, 0x400, &hpet_ops, "hpet");
    return true;
}

static bool hpet_post_load(Device *d, int version, Error **errp)
{
    Hpet *s = (Hpet *)d;

    s->config &= CFG_ENABLE | CFG_LEGACY;
    for (int n = 0; n < TIMERS; n++) {
        s->tn_config[n] &= TN_WRITABLE;
    }
    return true;
}

static const Property hpet_props[] = {
    PROP(Hpet, PROP_U32, intcap, "hpet-intcap", 0x4, "inputs that a timer may be routed to"),
    PROP(Hpet, PROP_BOOL, msi, "msi", false, "timers may send messages"),
    {0},
};

static const StateField hpet_state[] = {
    STATE(Hpet, STATE_U64, config, 0),
    STATE(Hpet, STATE_U64, status, 0),
    STATE(Hpet, STATE_U64, counter, 0),
    STATE_ARRAY(Hpet, STATE_U64, tn_config, TIMERS, 0),
    STATE_ARRAY(Hpet, STATE_U64, tn_compare, TIMERS, UINT64_MAX),
    STATE_ARRAY(Hpet, STATE_U64, tn_period, TIMERS, 0),
    STATE_ARRAY(Hpet, STATE_U64, tn_fsb, TIMERS, 0),
    STATE_ARRAY(Hpet, STATE_U8, fired, TIMERS, 0),
    STATE_KEEP(Hpet, STATE_U8, legacy, 2),
    STATE_ARRAY(Hpet, STATE_TIMER, timer, TIMERS, 0),
    HOST_ONLY(Hpet, alarm),
    HOST_ONLY(Hpet, send),
    HOST_ONLY(Hpet, bus),
    {0},
};

const DeviceType hpet_type = {
    .name = "hpet",
    .help = "high precision event timer",
    .bus = "sysbus",
    .size = sizeof(Hpet),
    .version = 1,
    .internal = true,
    .props = hpet_props,
    .state = hpet_state,
    .realize = hpet_realize,
    .outputs = hpet_outputs,
    .post_load = hpet_post_load,
};
DEVICE_TYPE(hpet_type);
