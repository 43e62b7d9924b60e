/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel ICH9 data sheet (order 316972), 13.9 "system management TCO registers": a down counter of
 * 0.6 s ticks, loaded from TCO_TMR by a write of TCO_RLD and by its own expiry. Its first expiry
 * sets TIMEOUT (an SMI if enabled), the second in a row sets SECOND_TO_STS and resets the machine,
 * unless rebooting is strapped off. It counts from the first write of TCO_RLD or TCO1_CNT on, as in
 * QEMU: on the chip, firmware that knows no watchdog has to halt it.
 *
 * Left out: NMI_NOW and SEND_NOW (they read as zero), the intruder and legacy USB bits, TCOSCI.
 */
#include "hw/chipset/tco.h"
#include "base/log.h"
#include "core/machine.h"

enum { RLD = 0x00, DAT_IN = 0x02, DAT_OUT = 0x03, STS1 = 0x04, STS2 = 0x06, CNT1 = 0x08, CNT2 = 0x0a,
       MESSAGE1 = 0x0c, MESSAGE2 = 0x0d, WDCNT = 0x0e, IRQGEN = 0x10, TMR = 0x12 };

#define TICK_NS       600000000ll
#define STS1_SW_SMI   0x0002
#define STS1_INT      0x0004
#define STS1_TIMEOUT  0x0008
#define STS1_W1C      0x178e
#define STS2_SECOND   0x0002
#define STS2_BOOT     0x0004
#define STS2_W1C      0x0017
#define CNT1_NMI2SMI  0x0200
#define CNT1_HALT     0x0800
#define CNT1_LOCK     0x1000
#define TICKS_MASK    0x03ff
#define TICKS_MIN     4 /* values below are taken as this; the data sheet has them undefined */

static Machine *machine_of(Tco *t)
{
    return t->owner->machine;
}

/* Counts on from `reload`, unless halted. */
static void go_on(Tco *t)
{
    if (!(t->control1 & CNT1_HALT)) {
        timer_arm(&t->timer, clock_ns(machine_of(t), CLOCK_VIRTUAL) + t->reload * TICK_NS);
    }
}

static void load(Tco *t)
{
    t->reload = MAX(t->timer_init, TICKS_MIN);
    go_on(t);
}

/* A cause of an SMI. */
static void raise_status(Tco *t, uint16_t bit)
{
    t->status1 |= bit;
    if (t->smi) {
        t->smi(t->owner);
    }
}

static void expired(void *opaque)
{
    Tco *t = opaque;

    raise_status(t, STS1_TIMEOUT);
    if (++t->timeouts >= 2) {
        t->timeouts = 0;
        t->status2 |= STS2_SECOND | STS2_BOOT;
        if (t->may_reboot(t->owner)) {
            t->reload = 0;
            machine_watchdog_fired(machine_of(t));
            return;
        }
    }
    load(t);
}

/* Ticks left. */
static uint16_t current(Tco *t)
{
    int64_t left;

    if (!timer_armed(&t->timer)) {
        return t->reload & TICKS_MASK;
    }
    left = t->timer.deadline - clock_ns(machine_of(t), CLOCK_VIRTUAL);
    return left > 0 ? MIN((left + TICK_NS - 1) / TICK_NS, TICKS_MASK) : 0;
}

/* The halt bit stops the count where it is. */
static void write_control1(Tco *t, uint16_t v)
{
    t->control1 = (v & (CNT1_NMI2SMI | CNT1_HALT | CNT1_LOCK)) | (t->control1 & CNT1_LOCK);
    if ((v & CNT1_HALT) && timer_armed(&t->timer)) {
        t->reload = current(t);
        timer_disarm(&t->timer);
    } else if (!(v & CNT1_HALT) && !timer_armed(&t->timer)) {
        t->reload = t->reload & TICKS_MASK ? t->reload & TICKS_MASK : MAX(t->timer_init, TICKS_MIN);
        go_on(t);
    }
}

static uint8_t *byte_reg(Tco *t, hwaddr offset)
{
    switch (offset) {
    case DAT_IN:
        return &t->data_in;
    case DAT_OUT:
        return &t->data_out;
    case MESSAGE1:
        return &t->message1;
    case MESSAGE2:
        return &t->message2;
    case WDCNT:
        return &t->wdcnt;
    case IRQGEN:
        return &t->irqgen;
    default:
        return NULL;
    }
}

static uint16_t word_reg(Tco *t, hwaddr offset)
{
    switch (offset) {
    case RLD:
        return current(t);
    case STS1:
        return t->status1;
    case STS2:
        return t->status2;
    case CNT1:
        return t->control1;
    case CNT2:
        return t->control2;
    case TMR:
        return t->timer_init;
    default:
        return 0;
    }
}

static uint64_t tco_read(void *opaque, hwaddr offset, unsigned size)
{
    Tco *t = opaque;
    uint8_t *b = byte_reg(t, offset);
    uint8_t *next = size == 2 ? byte_reg(t, offset + 1) : NULL;

    if (b) {
        return *b | (next ? *next << 8 : 0);
    }
    uint16_t w = word_reg(t, offset & ~1ull);
    return size == 2 ? w : w >> (offset & 1) * 8 & 0xff;
}

static void write_word(Tco *t, hwaddr reg, uint16_t v, uint16_t mask)
{
    switch (reg) {
    case RLD:
        t->timeouts = 0;
        load(t);
        break;
    case STS1:
        t->status1 &= ~(v & mask & STS1_W1C);
        break;
    case STS2:
        t->status2 &= ~(v & mask & STS2_W1C);
        break;
    case CNT1:
        write_control1(t, (t->control1 & ~mask) | (v & mask));
        break;
    case CNT2:
        t->control2 = (t->control2 & ~mask) | (v & mask);
        break;
    case TMR:
        t->timer_init = ((t->timer_init & ~mask) | (v & mask)) & TICKS_MASK;
        break;
    }
}

static void tco_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Tco *t = opaque;
    uint8_t *b = byte_reg(t, offset);
    uint8_t *next = size == 2 ? byte_reg(t, offset + 1) : NULL;

    if (b) {
        *b = v;
        if (next) {
            *next = v >> 8;
        }
        if (offset == DAT_IN) { /* from the OS to the SMI handler, and back */
            raise_status(t, STS1_SW_SMI);
        }
        if (offset == DAT_OUT || (next && offset + 1 == DAT_OUT)) {
            t->status1 |= STS1_INT;
        }
    } else if (size == 2) {
        write_word(t, offset, v, 0xffff);
    } else {
        unsigned shift = (offset & 1) * 8;
        write_word(t, offset & ~1ull, v << shift, 0xff << shift);
    }
}

static const IoOps tco_ops = {tco_read, tco_write, .max_size = 2};

void tco_init(Tco *t, Device *owner, MemoryRegion *window, uint16_t at, bool (*may_reboot)(Device *),
              void (*smi)(Device *))
{
    t->smi = smi;
    MemoryRegion *r = region_new_io("sm-tco", &tco_ops, t, 32);

    t->owner = owner;
    t->may_reboot = may_reboot;
    timer_init(&t->timer, owner->machine, CLOCK_VIRTUAL, expired, t);
    region_add(window, at, r, 0);
    g_ptr_array_add(owner->regions, r);
}

void tco_fini(Tco *t)
{
    timer_fini(&t->timer);
}
