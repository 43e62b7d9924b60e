/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PrimeCell real-time clock (PL031): a counter of seconds with one alarm.
 *
 * Arm DDI 0224C, chapter 3 "programmer's model". It counts from power-on, whatever RTCCR says, which is how it is used;
 * the counter is not ticked: it is the host clock plus an offset, and the alarm is a timer. Left out: test registers.
 *
 * outputs: 0 = RTCINTR.  home: the machine's lock domain.
 */
#include "hw/rtc/pl031.h"

#include "base/log.h"
#include "core/machine.h"

enum { R_DR = 0x00, R_MR = 0x04, R_LR = 0x08, R_CR = 0x0c, R_IMSC = 0x10, R_RIS = 0x14, R_MIS = 0x18, R_ICR = 0x1c };
#define ID_REGS 0xfe0
#define SIZE    0x1000

typedef struct Pl031 {
    Device dev;
    uint64_t base;    /* property */
    uint32_t offset;  /* of the counter to the host clock's seconds, modulo 2^32 */
    uint32_t lr, mr, imsc, ris;
    Timer timer;
} Pl031;

static int64_t host_ns(const Pl031 *s)
{
    return clock_ns(s->dev.machine, CLOCK_HOST);
}

static uint32_t counter(const Pl031 *s)
{
    return (uint32_t)(host_ns(s) / NS_PER_SEC) + s->offset;
}

static void pl031_outputs(Device *d)
{
    const Pl031 *s = (Pl031 *)d;

    irq_set(d->out[0], s->ris & s->imsc & 1);
}

/* The alarm goes off when the counter next becomes equal to RTCMR, now if it is. */
static void arm_alarm(Pl031 *s)
{
    uint32_t left = s->mr - counter(s);

    if (left == 0) {
        s->ris = 1;
        timer_disarm(&s->timer);
    } else {
        timer_arm(&s->timer, (host_ns(s) / NS_PER_SEC + left) * NS_PER_SEC);
    }
}

static void alarm_due(void *opaque)
{
    Pl031 *s = opaque;

    s->ris = 1;
    device_update(&s->dev);
}

static uint64_t pl031_read(void *opaque, hwaddr offset, unsigned size)
{
    static const uint8_t id[8] = {0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    const Pl031 *s = opaque;

    switch (offset) {
    case R_DR:
        return counter(s);
    case R_MR:
        return s->mr;
    case R_LR:
        return s->lr;
    case R_CR:
        return 1; /* it runs */
    case R_IMSC:
        return s->imsc;
    case R_RIS:
        return s->ris;
    case R_MIS:
        return s->ris & s->imsc;
    }
    if (offset >= ID_REGS && !(offset & 3)) {
        return id[(offset - ID_REGS) >> 2];
    }
    log_mask(LOG_GUEST_ERROR, "pl031: a read at 0x%x, where no register is\n", (unsigned)offset);
    return 0;
}

static void pl031_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Pl031 *s = opaque;

    switch (offset) {
    case R_MR:
        s->mr = v;
        arm_alarm(s);
        break;
    case R_LR:
        s->lr = v;
        s->offset += (uint32_t)v - counter(s);
        arm_alarm(s);
        break;
    case R_CR: /* cannot be stopped once it runs (3.3.4) */
        break;
    case R_IMSC:
        s->imsc = v & 1;
        break;
    case R_ICR:
        s->ris &= ~v;
        break;
    default:
        log_mask(LOG_GUEST_ERROR, "pl031: a write at 0x%x, where nothing can be written\n", (unsigned)offset);
    }
    device_update(&s->dev);
}

static const IoOps pl031_ops = {pl031_read, pl031_write, .min_size = 4, .max_size = 4};

static bool pl031_realize(Device *d, Error **errp)
{
    Pl031 *s = (Pl031 *)d;

    device_init_out(d, 1);
    timer_init(&s->timer, d->machine, CLOCK_HOST, alarm_due, s);
    device_map_memory(d, s->base, SIZE, &pl031_ops, "pl031");
    return true;
}

static const Property pl031_props[] = {
    PROP(Pl031, PROP_U64, base, "base", 0x09010000, "guest-physical address"),
    {0},
};

static const StateField pl031_state[] = {
    STATE_KEEP(Pl031, STATE_U32, offset, 1), /* the time of day survives a reset */
    STATE(Pl031, STATE_U32, lr, 0),
    STATE(Pl031, STATE_U32, mr, 0),
    STATE(Pl031, STATE_U32, imsc, 0),
    STATE(Pl031, STATE_U32, ris, 0),
    STATE(Pl031, STATE_TIMER, timer, 0),
    {0},
};

const DeviceType pl031_type = {
    .name = "pl031",
    .help = "PrimeCell real-time clock (PL031)",
    .bus = "sysbus",
    .size = sizeof(Pl031),
    .version = 1,
    .internal = true,
    .props = pl031_props,
    .state = pl031_state,
    .realize = pl031_realize,
    .outputs = pl031_outputs,
};
DEVICE_TYPE(pl031_type);
