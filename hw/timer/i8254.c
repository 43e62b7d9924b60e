/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * i8254: the programmable interval timer of a PC, with port 61h that gates its
 * third counter and reads its output.
 *
 * Intel 8254 data sheet (order 231164): "Programming the 8254", "Counter Latch
 * Command", "Read-Back Command", "Mode Definitions". Port 61h: 82371SB (PIIX3)
 * data sheet, 2.3.3 "NMI status and control".
 *
 * Time is counted in ticks of 1.193182 MHz since power-on, so nothing drifts.
 * A new count in modes 2 and 3 takes effect at the end of the period (mode 3:
 * not at the half). Left out: counter 1's DRAM refresh apart from the toggling
 * bit of port 61h, the speaker's sound.
 *
 * outputs: 0 = OUT of counter 0 (ISA IRQ 0).  home: the machine's lock domain.
 */
#include "hw/timer/i8254.h"
#include "base/bits.h"
#include "core/machine.h"
#include "core/pcchips.h"

#define PIT_HZ     1193182ull
#define CATCH_UP   (PIT_HZ / 10) /* ticks of lag after which periods are skipped, not replayed */
#define BLUR       24            /* ticks, 20 us: shorter periods of counter 0 are merged */
#define REFRESH_NS 15085

enum { RW_LATCH, RW_LSB, RW_MSB, RW_BOTH };

typedef struct Pit {
    Device dev;
    /* per counter */
    uint32_t count[3];      /* loaded initial count, 1..65536 */
    uint32_t next_count[3]; /* to be loaded at the end of the period, 0 = none */
    int64_t start[3];       /* tick at which counting (re)started */
    uint32_t held[3];       /* ticks already counted when the gate stopped it (modes 0 and 4) */
    uint8_t running[3];
    uint8_t control[3]; /* RW, mode, BCD as in the control word */
    uint8_t gate[3];
    uint8_t null_count[3];
    uint8_t write_msb[3]; /* the next byte written/read is the second one */
    uint8_t read_msb[3];
    uint8_t write_lsb[3]; /* first byte written */
    uint16_t latch[3];
    uint8_t latched[3]; /* bytes of the latch still to be read */
    uint8_t status[3];
    uint8_t status_latched[3];
    int64_t out_tick; /* when OUT 0 was last looked at */
    uint8_t port61;
    uint8_t programmed[3]; /* it had a control word since power-on */
    uint8_t quiet;         /* an accelerator had told of OUT 0 being high: not again until it was low */
    uint8_t overridden;    /* input */
    LentChip lent; /* the host has all but port 61h's upper bits */
    Timer timer; /* next edge of OUT 0 */
} Pit;

static int64_t tick_now(Pit *s)
{
    return muldiv64(clock_ns(s->dev.machine, CLOCK_VIRTUAL), PIT_HZ, NS_PER_SEC);
}

static int64_t tick_to_ns(int64_t tick)
{
    return (int64_t)(((unsigned __int128)tick * NS_PER_SEC + PIT_HZ - 1) / PIT_HZ);
}

static int mode_of(const Pit *s, int c)
{
    int m = (s->control[c] >> 1) & 7;
    return m > 5 ? m - 4 : m; /* 6 and 7 are 2 and 3 */
}

static int rw_of(const Pit *s, int c)
{
    return (s->control[c] >> 4) & 3;
}

static bool is_periodic(const Pit *s, int c)
{
    int m = mode_of(s, c);
    return m == 2 || m == 3;
}

/* A loaded count as the period of the counter. Zero is the largest; 1 is illegal when periodic. */
static uint32_t count_of(const Pit *s, int c, uint16_t raw)
{
    uint32_t n = raw;

    if (s->control[c] & 1) {
        n = (raw >> 12 & 15) * 1000 + (raw >> 8 & 15) * 100 + (raw >> 4 & 15) * 10 + (raw & 15);
        n = n ? n : 10000;
    } else {
        n = n ? n : 0x10000;
    }
    return n == 1 && is_periodic(s, c) ? 2 : n;
}

/* ---- counting ---- */

/* The period of counter c; never 0, whatever a saved state says. */
static uint32_t period_of(const Pit *s, int c)
{
    return MAX(s->count[c], is_periodic(s, c) ? 2 : 1);
}

/* Ticks counted since the load, at tick t. */
static int64_t elapsed(const Pit *s, int c, int64_t t)
{
    return s->running[c] && t > s->start[c] ? t - s->start[c] + s->held[c] : s->held[c];
}

/* Takes over a count written during the period once that is over. */
static void roll_over(Pit *s, int c, int64_t t)
{
    if (!s->next_count[c] || !s->running[c] || !is_periodic(s, c)) {
        return;
    }
    int64_t period = period_of(s, c);
    if (elapsed(s, c, t) >= period) {
        s->start[c] += period;
        s->count[c] = s->next_count[c];
        s->next_count[c] = 0;
        s->null_count[c] = 0;
    }
}

static bool out_level(const Pit *s, int c, int64_t t)
{
    int64_t n = period_of(s, c), e = elapsed(s, c, t);
    bool counts = s->running[c] || s->held[c];

    switch (mode_of(s, c)) {
    case 0:
        return counts && e >= n;
    case 1:
        return !counts || e >= n;
    case 2:
        return !counts || e % n != n - 1;
    case 3:
        return !counts || e % n < (n + 1) / 2;
    default:
        return !counts || e != n;
    }
}

/* The tick after t at which OUT changes, -1 = never. */
static int64_t next_edge(const Pit *s, int c, int64_t t)
{
    int64_t n = period_of(s, c), origin = s->start[c] - s->held[c];

    if (!s->running[c]) {
        return -1;
    }
    switch (mode_of(s, c)) {
    case 0:
    case 1:
        return t < origin + n ? origin + n : -1;
    case 2:
    case 3: {
        int64_t base = origin + (t > origin ? (t - origin) / n * n : 0);
        int64_t half = mode_of(s, c) == 2 ? n - 1 : (n + 1) / 2;
        return t < base + half ? base + half : base + n;
    }
    default:
        return t < origin + n ? origin + n : t < origin + n + 1 ? origin + n + 1 : -1;
    }
}

static uint16_t counter_value(const Pit *s, int c, int64_t t)
{
    int64_t n = period_of(s, c), e = elapsed(s, c, t), v;
    int64_t modulus = s->control[c] & 1 ? 10000 : 0x10000;

    switch (mode_of(s, c)) {
    case 2:
        v = n - e % n;
        break;
    case 3: /* counts down by two, twice per period */
        v = n - 2 * e % n;
        v &= ~(int64_t)1;
        break;
    default:
        v = (n - e % modulus + modulus) % modulus;
        break;
    }
    v %= modulus;
    if (s->control[c] & 1) {
        return v / 1000 % 10 << 12 | v / 100 % 10 << 8 | v / 10 % 10 << 4 | v % 10;
    }
    return v;
}

/* A period that is too short to be followed edge by edge. */
static bool is_blur(const Pit *s)
{
    return is_periodic(s, 0) && period_of(s, 0) < BLUR;
}

static void arm_timer(Pit *s)
{
    int64_t edge = next_edge(s, 0, s->out_tick);

    if (edge < 0 || s->lent.host) {
        timer_disarm(&s->timer);
    } else {
        timer_arm(&s->timer, tick_to_ns(is_blur(s) ? edge + BLUR : edge));
    }
}

static void pit_outputs(Device *d)
{
    Pit *s = (Pit *)d;
    bool high = out_level(s, 0, s->out_tick);

    s->quiet &= high;
    irq_set(d->out[0], high && !s->quiet && !s->lent.host);
}

/* One pulse for all periods that passed: low, then high at the start of one. */
static int64_t merge_periods(Pit *s, int64_t now)
{
    int64_t period = period_of(s, 0), origin = s->start[0] - s->held[0];
    int64_t begin = origin + (now - origin) / period * period;

    s->out_tick = begin - 1;
    device_update(&s->dev);
    return begin;
}

/*
 * Every edge of OUT 0 in its order, also when the host comes late. Beyond a limit periods are
 * skipped; the edges of the other modes come once, and whoever waits for them gets no others.
 */
static void pit_tick(void *opaque)
{
    Pit *s = opaque;
    int64_t now = tick_now(s);
    int64_t edge = next_edge(s, 0, s->out_tick);

    if (edge < 0 || edge > now) {
        arm_timer(s);
        return;
    }
    if (is_blur(s) || (is_periodic(s, 0) && now - edge > (int64_t)CATCH_UP)) {
        edge = merge_periods(s, now);
    }
    s->out_tick = edge;
    roll_over(s, 0, s->out_tick);
    device_update(&s->dev);
    arm_timer(s);
}

static void look_at_out0(Pit *s, int64_t now)
{
    s->out_tick = now;
    device_update(&s->dev);
    arm_timer(s);
}

/* ---- loading and gating ---- */

static void load_count(Pit *s, int c, uint16_t raw)
{
    int64_t now = tick_now(s);
    int m = mode_of(s, c);
    uint32_t n = count_of(s, c, raw);

    roll_over(s, c, now);
    if (is_periodic(s, c) && s->running[c]) {
        s->next_count[c] = n;
        s->null_count[c] = 1;
    } else {
        s->count[c] = n;
        s->next_count[c] = 0;
        s->null_count[c] = 0;
        if (m != 1 && m != 5) {
            s->held[c] = 0;
            s->start[c] = now;
            s->running[c] = s->gate[c];
        }
    }
    if (c == 0) {
        look_at_out0(s, now);
    }
}

static void set_gate(Pit *s, int c, bool level)
{
    int64_t now = tick_now(s);
    int m = mode_of(s, c);

    if (s->gate[c] == level) {
        return;
    }
    roll_over(s, c, now);
    s->gate[c] = level;
    switch (m) {
    case 0:
    case 4: /* low stops, high goes on */
        s->held[c] = elapsed(s, c, now);
        s->start[c] = now;
        s->running[c] = level && !s->null_count[c];
        break;
    case 1:
    case 5: /* the rising edge triggers */
        if (level && !s->null_count[c]) {
            s->held[c] = 0;
            s->start[c] = now;
            s->running[c] = 1;
        }
        break;
    default: /* low stops with OUT high, the rising edge starts anew */
        s->held[c] = 0;
        s->start[c] = now;
        s->running[c] = level && s->count[c];
        if (level && s->next_count[c]) {
            s->count[c] = s->next_count[c];
            s->next_count[c] = 0;
            s->null_count[c] = 0;
        }
        break;
    }
}

/* ---- control word ---- */

static void latch_count(Pit *s, int c, int64_t now)
{
    if (!s->latched[c]) {
        roll_over(s, c, now);
        s->latch[c] = counter_value(s, c, now);
        s->latched[c] = rw_of(s, c) == RW_BOTH ? 2 : 1;
    }
}

static void latch_status(Pit *s, int c, int64_t now)
{
    if (!s->status_latched[c]) {
        roll_over(s, c, now);
        s->status[c] = out_level(s, c, now) << 7 | s->null_count[c] << 6 | (s->control[c] & 0x3f);
        s->status_latched[c] = 1;
    }
}

static void read_back(Pit *s, uint8_t v, int64_t now)
{
    for (int c = 0; c < 3; c++) {
        if (v & (2 << c)) {
            if (!(v & 0x20)) {
                latch_count(s, c, now);
            }
            if (!(v & 0x10)) {
                latch_status(s, c, now);
            }
        }
    }
}

static void control_word(Pit *s, uint8_t v)
{
    int64_t now = tick_now(s);
    int c = v >> 6;

    if (c == 3) {
        read_back(s, v, now);
    } else if ((v >> 4 & 3) == RW_LATCH) {
        latch_count(s, c, now);
    } else {
        s->control[c] = v & 0x3f;
        s->programmed[c] = 1;
        s->running[c] = 0;
        s->held[c] = 0;
        s->next_count[c] = 0;
        s->null_count[c] = 1;
        s->write_msb[c] = s->read_msb[c] = 0;
        s->latched[c] = s->status_latched[c] = 0;
        if (c == 0) {
            look_at_out0(s, now);
        }
    }
}

static void write_counter(Pit *s, int c, uint8_t v)
{
    switch (rw_of(s, c)) {
    case RW_LSB:
        load_count(s, c, v);
        break;
    case RW_MSB:
        load_count(s, c, v << 8);
        break;
    case RW_BOTH:
        if (!s->write_msb[c]) {
            s->write_lsb[c] = v;
            s->write_msb[c] = 1;
            if (mode_of(s, c) == 0) { /* the first byte stops the count */
                s->running[c] = 0;
                s->held[c] = 0;
                if (c == 0) {
                    look_at_out0(s, tick_now(s));
                }
            }
        } else {
            s->write_msb[c] = 0;
            load_count(s, c, v << 8 | s->write_lsb[c]);
        }
        break;
    }
}

static uint8_t read_counter(Pit *s, int c)
{
    uint16_t v;

    if (s->status_latched[c]) {
        s->status_latched[c] = 0;
        return s->status[c];
    }
    if (s->latched[c]) {
        v = s->latch[c];
        s->latched[c]--;
        if (rw_of(s, c) == RW_BOTH) {
            return s->latched[c] ? v : v >> 8;
        }
    } else {
        roll_over(s, c, tick_now(s));
        v = counter_value(s, c, tick_now(s));
        if (rw_of(s, c) == RW_BOTH) {
            s->read_msb[c] = !s->read_msb[c];
            return s->read_msb[c] ? v : v >> 8;
        }
    }
    return rw_of(s, c) == RW_MSB ? v >> 8 : v;
}

/* ---- while an accelerator has it (core/pcchips.h) ---- */

static void counter_from_host(Pit *s, int c, const PitCounter *k, int64_t now)
{
    int64_t e = k->elapsed > 0 ? (int64_t)muldiv64(k->elapsed, PIT_HZ, NS_PER_SEC) : 0;

    s->gate[c] = k->gate;
    s->latch[c] = k->latch;
    s->latched[c] = k->latched;
    s->status[c] = k->status;
    s->status_latched[c] = k->status_latched;
    s->programmed[c] = k->programmed;
    if (!k->programmed) {
        return;
    }
    s->control[c] = (k->rw & 3) << 4 | (k->mode & 7) << 1 | (k->bcd & 1);
    int m = mode_of(s, c);
    s->count[c] = k->count;
    s->next_count[c] = s->null_count[c] = 0;
    s->running[c] = k->gate || m == 1 || m == 5;
    s->held[c] = !s->running[c] && !is_periodic(s, c) ? (uint32_t)MIN(e, UINT16_MAX) : 0;
    s->start[c] = now - e;
    s->read_msb[c] = k->read_msb;
    s->write_msb[c] = k->write_msb;
    s->write_lsb[c] = k->write_lsb;
}

/* Its counts begin anew there; so one that counts down once has the rest. If it was at its end, counter 0 ends once more. */
static PitCounter counter_to_host(const Pit *s, int c, int64_t now)
{
    int64_t n = period_of(s, c), e = elapsed(s, c, now);

    if (!is_periodic(s, c) && (s->running[c] || s->held[c])) {
        n = e < n ? n - e : c == 0 ? n : 1;
    }
    return (PitCounter){
        .programmed = s->programmed[c], .count = (uint32_t)n, .rw = rw_of(s, c), .mode = mode_of(s, c),
        .bcd = s->control[c] & 1, .gate = s->gate[c], .read_msb = s->read_msb[c], .write_msb = s->write_msb[c],
        .write_lsb = s->write_lsb[c], .latch = s->latch[c], .latched = s->latched[c], .status = s->status[c],
        .status_latched = s->status_latched[c],
    };
}

static void from_host(Device *d)
{
    Pit *s = (Pit *)d;
    PitImage img;
    int64_t now = tick_now(s);

    s->lent.host->load_pit(s->dev.machine, &img);
    for (int c = 0; c < 3; c++) {
        counter_from_host(s, c, &img.counter[c], now);
    }
    s->port61 = (s->port61 & 0x0c) | img.speaker << 1 | (s->gate[2] & 1);
    s->out_tick = now;
}

static void to_host(Device *d)
{
    Pit *s = (Pit *)d;
    PitImage img = {.speaker = s->port61 >> 1 & 1, .overridden = s->overridden};
    int64_t now = tick_now(s);

    for (int c = 0; c < 3; c++) {
        roll_over(s, c, now);
        img.counter[c] = counter_to_host(s, c, now);
    }
    s->lent.host->store_pit(s->dev.machine, &img);
}

static void lent_or_back(Device *d)
{
    Pit *s = (Pit *)d;

    s->quiet |= !s->lent.host;
    arm_timer(s);
}

static const LentChipOps lent_ops = {.fetch = from_host, .store = to_host, .changed = lent_or_back};

static void set_overridden(void *opaque, int n, int level)
{
    Pit *s = opaque;

    if (s->overridden != (level != 0)) {
        lent_chip_borrow(&s->lent);
        s->overridden = level != 0;
        lent_chip_give_back(&s->lent);
    }
}

Irq i8254_overridden(Device *pit)
{
    return (Irq){.handler = set_overridden, .opaque = pit};
}

/* ---- ports ---- */

static uint64_t pit_read(void *opaque, hwaddr offset, unsigned size)
{
    Pit *s = opaque;
    uint64_t v = 0xff;

    lent_chip_borrow(&s->lent);
    if (offset != 3) {
        v = read_counter(s, offset);
    }
    lent_chip_give_back(&s->lent);
    return v;
}

static void pit_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Pit *s = opaque;

    lent_chip_borrow(&s->lent);
    if (offset == 3) {
        control_word(s, v);
    } else {
        write_counter(s, offset, v);
    }
    lent_chip_give_back(&s->lent);
}

static uint64_t port61_read(void *opaque, hwaddr offset, unsigned size)
{
    Pit *s = opaque;
    int64_t now = tick_now(s);
    bool refresh = clock_ns(s->dev.machine, CLOCK_VIRTUAL) / REFRESH_NS & 1;

    lent_chip_refresh(&s->lent);
    roll_over(s, 2, now);
    return (s->port61 & 0x0f) | refresh << 4 | out_level(s, 2, now) << 5;
}

static void port61_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Pit *s = opaque;

    lent_chip_borrow(&s->lent);
    s->port61 = v & 0x0f;
    set_gate(s, 2, v & 1);
    lent_chip_give_back(&s->lent);
}

static const IoOps pit_ops = {pit_read, pit_write, .max_size = 1};
static const IoOps port61_ops = {port61_read, port61_write, .max_size = 1};

/* ---- type ---- */

static bool pit_realize(Device *d, Error **errp)
{
    Pit *s = (Pit *)d;

    device_init_out(d, 1);
    timer_init(&s->timer, d->machine, CLOCK_VIRTUAL, pit_tick, s);
    device_map_ports(d, 0x40, 4, &pit_ops, "pit");
    device_map_ports(d, 0x61, 1, &port61_ops, "port61");
    device_add_lent_chip(d, &s->lent, &lent_ops);
    return true;
}

static void pit_unrealize(Device *d)
{
    timer_fini(&((Pit *)d)->timer);
}

/* Counters 0 and 1 have their gates wired high. */
static void pit_reset_hold(Device *d)
{
    Pit *s = (Pit *)d;

    s->gate[0] = s->gate[1] = 1;
    s->out_tick = tick_now(s);
}

/* Sums of ticks, and their nanoseconds, must stay in range. */
static bool pit_post_load(Device *d, int version, Error **errp)
{
    const int64_t limit = (int64_t)1 << 52;
    Pit *s = (Pit *)d;
    bool good = s->out_tick >= 0 && s->out_tick < limit;

    for (int c = 0; c < 3; c++) {
        good &= s->start[c] > -limit && s->start[c] < limit;
        good &= s->count[c] <= 0x10000 && s->next_count[c] <= 0x10000;
    }
    if (!good) {
        error_set(errp, ERR_GENERIC, "isa-pit: impossible counts");
    }
    return good;
}

static const StateField pit_state[] = {
    STATE_ARRAY(Pit, STATE_U32, count, 3, 0x10000),
    STATE_ARRAY(Pit, STATE_U32, next_count, 3, 0),
    STATE_ARRAY(Pit, STATE_I64, start, 3, 0),
    STATE_ARRAY(Pit, STATE_U32, held, 3, 0),
    STATE_ARRAY(Pit, STATE_U8, running, 3, 0),
    STATE_ARRAY(Pit, STATE_U8, control, 3, RW_BOTH << 4 | 3 << 1),
    STATE_ARRAY(Pit, STATE_U8, gate, 3, 0),
    STATE_ARRAY(Pit, STATE_U8, null_count, 3, 1),
    STATE_ARRAY(Pit, STATE_U8, write_msb, 3, 0),
    STATE_ARRAY(Pit, STATE_U8, read_msb, 3, 0),
    STATE_ARRAY(Pit, STATE_U8, write_lsb, 3, 0),
    STATE_ARRAY(Pit, STATE_U16, latch, 3, 0),
    STATE_ARRAY(Pit, STATE_U8, latched, 3, 0),
    STATE_ARRAY(Pit, STATE_U8, status, 3, 0),
    STATE_ARRAY(Pit, STATE_U8, status_latched, 3, 0),
    STATE(Pit, STATE_I64, out_tick, 0),
    STATE(Pit, STATE_U8, port61, 0),
    STATE_ARRAY(Pit, STATE_U8, programmed, 3, 0),
    STATE(Pit, STATE_U8, quiet, 0),
    STATE_KEEP(Pit, STATE_U8, overridden, 1),
    HOST_ONLY(Pit, lent),
    STATE(Pit, STATE_TIMER, timer, 0),
    {0},
};

const DeviceType i8254_type = {
    .name = "isa-pit",
    .help = "8254 programmable interval timer",
    .bus = "isa",
    .size = sizeof(Pit),
    .version = 1,
    .internal = true,
    .state = pit_state,
    .realize = pit_realize,
    .unrealize = pit_unrealize,
    .reset_hold = pit_reset_hold,
    .post_load = pit_post_load,
    .outputs = pit_outputs,
};
DEVICE_TYPE(i8254_type);
