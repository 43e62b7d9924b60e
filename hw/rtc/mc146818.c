/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MC146818: real-time clock with 128 bytes of battery RAM, ports 70h/71h.
 *
 * Motorola MC146818 data sheet (ADI-961): "Address map", "Time, calendar and
 * alarm locations", "Interrupts", "Divider stages", "Update cycle", registers A
 * to D. Century in byte 32h, as PC firmware has it (ACPI: FADT.CENTURY).
 *
 * The clock is not ticked: seconds are derived from the host clock plus the
 * guest's adjustment, and flags are caught up when somebody looks. Left out:
 * square wave output, daylight saving (DSE reads back and does nothing).
 *
 * outputs: 0 = IRQ (ISA IRQ 8), 1 = enabled alarm (wakes the machine).  home: the machine's lock domain.
 */
#include "hw/rtc/mc146818.h"

#include <time.h>
#include "base/bits.h"
#include "core/machine.h"

enum { SEC, SEC_ALARM, MIN_, MIN_ALARM, HOUR, HOUR_ALARM, WDAY, MDAY, MONTH, YEAR, A, B, C, D };
#define CENTURY 0x32

#define A_UIP  0x80
#define B_SET  0x80
#define B_PIE  0x40
#define B_AIE  0x20
#define B_UIE  0x10
#define B_DM   0x04 /* binary */
#define B_24H  0x02
#define C_IRQF 0x80
#define C_PF   0x40
#define C_AF   0x20
#define C_UF   0x10
#define D_VRT  0x80

#define UIP_NS     244141 /* before the update */
#define BASE_HZ    32768
#define TIME_LIMIT 7000000000000000000ll /* of a saved state, ns: sums stay in 64 bits */
#define MAX_SEC    4000000000ll          /* a clock beyond that would leave 64-bit nanoseconds */
#define MAX_CATCH  86400                 /* seconds looked through for an alarm */

typedef struct Rtc {
    Device dev;
    uint32_t irq; /* property */
    uint16_t iobase;
    uint8_t cmos[128];
    uint8_t index;
    int64_t
        offset_ns;    /* guest's clock = host clock + offset; holds the stopped time when stopped */
    uint8_t stopped;  /* SET, or the divider held in reset: offset_ns is an absolute time */
    int64_t seen_sec; /* guest second up to which C is caught up */
    int64_t period_start; /* virtual ns since which periodic interrupts are counted */
    Timer periodic;
    Timer update;
} Rtc;

/* ---- time ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t guest_ns(Rtc *s)
{
    return s->stopped ? s->offset_ns : clock_ns(s->dev.machine, CLOCK_HOST) + s->offset_ns;
}

static uint8_t encode(const Rtc *s, int v)
{
    return s->cmos[B] & B_DM ? v : (v / 10 << 4 | v % 10);
}

static int decode(const Rtc *s, uint8_t v)
{
    return s->cmos[B] & B_DM ? v : (v >> 4) * 10 + (v & 15);
}

static uint8_t encode_hour(const Rtc *s, int h)
{
    if (s->cmos[B] & B_24H) {
        return encode(s, h);
    }
    return encode(s, h % 12 ? h % 12 : 12) | (h >= 12 ? 0x80 : 0);
}

static int decode_hour(const Rtc *s, uint8_t v)
{
    if (s->cmos[B] & B_24H) {
        return decode(s, v);
    }
    return decode(s, v & 0x7f) % 12 + (v & 0x80 ? 12 : 0);
}

/* Time registers as of now. */
static void fill_time(Rtc *s)
{
    time_t t = floor_div(guest_ns(s), NS_PER_SEC);
    struct tm tm;

    if (!gmtime_r(&t, &tm)) {
        return; /* beyond what the calendar can say: the registers keep their values */
    }
    int year = (tm.tm_year + 1900) % 10000;
    s->cmos[SEC] = encode(s, tm.tm_sec);
    s->cmos[MIN_] = encode(s, tm.tm_min);
    s->cmos[HOUR] = encode_hour(s, tm.tm_hour);
    s->cmos[WDAY] = encode(s, tm.tm_wday + 1);
    s->cmos[MDAY] = encode(s, tm.tm_mday);
    s->cmos[MONTH] = encode(s, tm.tm_mon + 1);
    s->cmos[YEAR] = encode(s, MAX(year, 0) % 100);
    s->cmos[CENTURY] = encode(s, MAX(year, 0) / 100);
}

/* The other direction, keeping the fraction of the second. */
static int64_t time_from_regs(const Rtc *s, int64_t frac_ns)
{
    struct tm tm = {
        .tm_sec = decode(s, s->cmos[SEC]),
        .tm_min = decode(s, s->cmos[MIN_]),
        .tm_hour = decode_hour(s, s->cmos[HOUR]),
        .tm_mday = decode(s, s->cmos[MDAY]),
        .tm_mon = decode(s, s->cmos[MONTH]) - 1,
        .tm_year = decode(s, s->cmos[CENTURY]) * 100 + decode(s, s->cmos[YEAR]) - 1900,
    };
    int64_t sec = timegm(&tm);

    return CLAMP(sec, -MAX_SEC, MAX_SEC) * NS_PER_SEC + frac_ns;
}

static bool must_stop(const Rtc *s)
{
    return (s->cmos[B] & B_SET) || (s->cmos[A] & 0x70) != 0x20;
}

static void set_clock(Rtc *s, int64_t ns)
{
    s->offset_ns = s->stopped ? ns : ns - clock_ns(s->dev.machine, CLOCK_HOST);
    s->seen_sec = floor_div(ns, NS_PER_SEC);
}

static void follow_stop(Rtc *s)
{
    if (must_stop(s) != s->stopped) {
        int64_t now = guest_ns(s);

        s->stopped = !s->stopped;
        set_clock(s, now);
    }
}

/* ---- flags ---- */

static bool alarm_field(const Rtc *s, int reg, int v)
{
    uint8_t alarm = s->cmos[reg];

    return alarm >= 0xc0 || (reg == HOUR_ALARM ? decode_hour(s, alarm) : decode(s, alarm)) == v;
}

static bool alarm_matches(const Rtc *s, int64_t sec)
{
    int in_day = (sec % 86400 + 86400) % 86400;

    return alarm_field(s, SEC_ALARM, in_day % 60) && alarm_field(s, MIN_ALARM, in_day / 60 % 60) &&
           alarm_field(s, HOUR_ALARM, in_day / 3600);
}

/* UF and AF of the seconds that passed since somebody last looked. */
static void catch_up_seconds(Rtc *s)
{
    int64_t sec = floor_div(guest_ns(s), NS_PER_SEC);

    if (s->stopped || sec == s->seen_sec) {
        return;
    }
    if (sec > s->seen_sec) {
        s->cmos[C] |= C_UF;
    }
    for (int64_t t = MAX(s->seen_sec + 1, sec - MAX_CATCH); t <= sec; t++) {
        if (alarm_matches(s, t)) {
            s->cmos[C] |= C_AF;
            break;
        }
    }
    s->seen_sec = sec;
}

/* Cycles of 32768 Hz per periodic interrupt, 0 = off. */
static uint32_t period_cycles(const Rtc *s)
{
    int rate = s->cmos[A] & 15;
    int divider = s->cmos[A] >> 4 & 7;

    if (!rate || divider > 2) {
        return 0;
    }
    return 1u << (rate <= 2 ? rate + 6 : rate - 1);
}

static int64_t period_index(Rtc *s, int64_t now)
{
    int64_t since = now - s->period_start;

    return since <= 0 ? 0 : muldiv64(since, BASE_HZ, (uint64_t)NS_PER_SEC * period_cycles(s));
}

static void catch_up_periods(Rtc *s)
{
    int64_t now = clock_ns(s->dev.machine, CLOCK_VIRTUAL);

    if (!period_cycles(s)) {
        s->period_start = now;
        return;
    }
    int64_t k = period_index(s, now);
    if (k > 0) {
        s->cmos[C] |= C_PF;
        s->period_start += muldiv64(k, (uint64_t)NS_PER_SEC * period_cycles(s), BASE_HZ);
    }
}

static bool wants_irq(const Rtc *s)
{
    return s->cmos[C] & s->cmos[B] & (C_PF | C_AF | C_UF);
}

static void rtc_outputs(Device *d)
{
    Rtc *s = (Rtc *)d;

    irq_set(d->out[0], wants_irq(s));
    irq_set(d->out[1], (s->cmos[C] & s->cmos[B] & C_AF) != 0);
}

/* Timers run only for interrupts that are enabled and not yet pending. */
static void arm(Rtc *s)
{
    uint8_t due = s->cmos[B] & ~s->cmos[C];

    if ((due & B_PIE) && period_cycles(s)) {
        uint64_t ns = muldiv64(NS_PER_SEC, period_cycles(s), BASE_HZ);
        timer_arm(&s->periodic, s->period_start + ns + 1);
    } else {
        timer_disarm(&s->periodic);
    }
    if ((due & (B_AIE | B_UIE)) && !s->stopped) {
        int64_t next = (floor_div(guest_ns(s), NS_PER_SEC) + 1) * NS_PER_SEC;
        timer_arm(&s->update, next - s->offset_ns);
    } else {
        timer_disarm(&s->update);
    }
}

static void look(Rtc *s)
{
    catch_up_seconds(s);
    catch_up_periods(s);
    arm(s);
    device_update(&s->dev);
}

static void rtc_timer(void *opaque)
{
    look(opaque);
}

/* ---- registers ---- */

static bool is_time_reg(unsigned i)
{
    return i == SEC || i == MIN_ || i == HOUR || (i >= WDAY && i <= YEAR) || i == CENTURY;
}

static uint8_t read_a(Rtc *s)
{
    int64_t ns = guest_ns(s);
    bool uip = !s->stopped && ns - floor_div(ns, NS_PER_SEC) * NS_PER_SEC >= NS_PER_SEC - UIP_NS;

    return (s->cmos[A] & ~A_UIP) | (uip ? A_UIP : 0);
}

static uint8_t read_c(Rtc *s)
{
    look(s);
    uint8_t v = s->cmos[C] | (wants_irq(s) ? C_IRQF : 0);

    s->cmos[C] = 0;
    device_update(&s->dev); /* the line falls, even if the next period ends just now: an 8259 waits for an edge */
    look(s);
    return v;
}

static uint8_t rtc_read_reg(Rtc *s, unsigned i)
{
    if (is_time_reg(i) && !s->stopped) {
        fill_time(s);
    }
    switch (i) {
    case A:
        return read_a(s);
    case C:
        return read_c(s);
    case D:
        return D_VRT;
    default:
        return s->cmos[i];
    }
}

static void write_time(Rtc *s, unsigned i, uint8_t v)
{
    int64_t ns = guest_ns(s);
    int64_t frac = ns - floor_div(ns, NS_PER_SEC) * NS_PER_SEC;

    if (!s->stopped) {
        fill_time(s);
    }
    s->cmos[i] = v;
    if (i != WDAY) { /* the day of the week follows from the date */
        set_clock(s, time_from_regs(s, frac));
    }
}

static void write_b(Rtc *s, uint8_t v)
{
    if (v & B_SET) {
        v &= ~B_UIE; /* "SET clears UIE" */
    }
    if (!s->stopped) {
        fill_time(s);
    }
    bool format = (s->cmos[B] ^ v) & (B_DM | B_24H);
    s->cmos[B] = v;
    if (format && s->stopped) { /* the registers are to be rewritten by software: reread them */
        set_clock(s, time_from_regs(s, 0));
    }
    follow_stop(s);
}

static void write_a(Rtc *s, uint8_t v)
{
    if (!s->stopped) {
        fill_time(s);
    }
    if (((s->cmos[A] ^ v) & 0x0f) || !period_cycles(s)) {
        s->period_start = clock_ns(s->dev.machine, CLOCK_VIRTUAL);
    }
    s->cmos[A] = v & ~A_UIP;
    follow_stop(s);
}

static void rtc_write_reg(Rtc *s, unsigned i, uint8_t v)
{
    look(s);
    if (is_time_reg(i)) {
        write_time(s, i, v);
    } else if (i == A) {
        write_a(s, v);
    } else if (i == B) {
        write_b(s, v);
    } else if (i != C && i != D) {
        s->cmos[i] = v;
    }
    look(s);
}

static uint64_t rtc_read(void *opaque, hwaddr offset, unsigned size)
{
    Rtc *s = opaque;

    /* The index register cannot be read back. */
    return offset & 1 ? rtc_read_reg(s, s->index & 0x7f) : 0xff;
}

static void rtc_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Rtc *s = opaque;

    if (offset & 1) {
        rtc_write_reg(s, s->index & 0x7f, v);
    } else {
        s->index = v & 0x7f; /* bit 7 masks NMI, which nothing here raises */
    }
}

/* The index means nothing before the data port is accessed; the bit beside it that masks NMIs on some boards is not here. */
static const IoOps rtc_ops = {rtc_read, rtc_write, .max_size = 1, .late = {.offset = 0, .size = 1}};

/* ---- type ---- */

void mc146818_set_ram(Device *rtc, unsigned index, uint8_t value)
{
    g_assert(index > D && index < 128);
    ((Rtc *)rtc)->cmos[index] = value;
}

static bool rtc_realize(Device *d, Error **errp)
{
    Rtc *s = (Rtc *)d;

    device_init_out(d, 2);
    timer_init(&s->periodic, d->machine, CLOCK_VIRTUAL, rtc_timer, s);
    timer_init(&s->update, d->machine, CLOCK_HOST, rtc_timer, s);
    s->cmos[A] = 0x26;
    s->cmos[B] = B_24H;
    s->seen_sec = floor_div(guest_ns(s), NS_PER_SEC);
    device_map_ports(d, s->iobase, 2, &rtc_ops, "rtc");
    return true;
}

static void rtc_unrealize(Device *d)
{
    timer_fini(&((Rtc *)d)->periodic);
    timer_fini(&((Rtc *)d)->update);
}

/* RESET clears interrupt enables and flags, and nothing of the time or the RAM. */
static void rtc_reset_hold(Device *d)
{
    Rtc *s = (Rtc *)d;

    s->cmos[B] &= ~(B_PIE | B_AIE | B_UIE | 0x08);
    s->cmos[C] = 0;
    s->period_start = clock_ns(d->machine, CLOCK_VIRTUAL);
    catch_up_seconds(s);
    s->cmos[C] = 0;
    arm(s);
}

static bool rtc_post_load(Device *d, int version, Error **errp)
{
    Rtc *s = (Rtc *)d;

    if (s->offset_ns > TIME_LIMIT || s->offset_ns < -TIME_LIMIT ||
        s->seen_sec > TIME_LIMIT / NS_PER_SEC || s->seen_sec < -TIME_LIMIT / NS_PER_SEC ||
        s->period_start < 0 || s->period_start > TIME_LIMIT) {
        error_set(errp, ERR_GENERIC, "mc146818rtc: a time in the saved state is out of range");
        return false;
    }
    return true;
}

static const Property rtc_props[] = {
    PROP(Rtc, PROP_U16, iobase, "iobase", 0x70, "first of the two I/O ports"),
    PROP(Rtc, PROP_U32, irq, "irq", 8, "ISA interrupt line"),
    {0},
};

static const StateField rtc_state[] = {
    {.name = "cmos",
     .kind = STATE_BYTES,
     .offset = offsetof(Rtc, cmos),
     .count = 1,
     .keep = true,
     .size = 128},
    STATE(Rtc, STATE_U8, index, 0),
    STATE_KEEP(Rtc, STATE_I64, offset_ns, 1),
    STATE_KEEP(Rtc, STATE_U8, stopped, 1),
    STATE_KEEP(Rtc, STATE_I64, seen_sec, 1),
    STATE(Rtc, STATE_I64, period_start, 0),
    STATE(Rtc, STATE_TIMER, periodic, 0),
    STATE(Rtc, STATE_TIMER, update, 0),
    {0},
};

const DeviceType mc146818_type = {
    .name = "mc146818rtc",
    .help = "MC146818 real-time clock with CMOS RAM",
    .bus = "isa",
    .size = sizeof(Rtc),
    .version = 1,
    .internal = true,
    .props = rtc_props,
    .state = rtc_state,
    .realize = rtc_realize,
    .unrealize = rtc_unrealize,
    .reset_hold = rtc_reset_hold,
    .outputs = rtc_outputs,
    .post_load = rtc_post_load,
};
DEVICE_TYPE(mc146818_type);
