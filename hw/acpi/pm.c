/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI fixed hardware: PM1 event and control registers and the PM timer.
 *
 * ACPI specification 6.4, 4.8.2 "fixed hardware programming model", 4.8.3
 * "register groups". The machine is always in ACPI mode: the FADT has
 * SMI_CMD = 0 and SCI_EN reads as one.
 *
 * Left out: sleep states other than S5, general purpose events, the RTC's
 * status bit (the RTC interrupts by itself).
 *
 * outputs: 0 = SCI, level, active high.  home: the machine's lock domain.
 */
#include "hw/acpi/pm.h"
#include "base/bits.h"
#include "base/log.h"
#include "core/machine.h"

#define PM_HZ    3579545ull
#define TMR_HALF (1 << 23) /* TMR_STS: bit 23 changed */

#define STS_TMR    0x0001
#define STS_GBL    0x0020
#define STS_PWRBTN 0x0100
#define STS_SLPBTN 0x0200
#define STS_RTC    0x0400
#define STS_WAK    0x8000
#define STS_ALL    (STS_TMR | STS_GBL | STS_PWRBTN | STS_SLPBTN | STS_RTC | STS_WAK)
#define EN_ALL     (STS_TMR | STS_GBL | STS_PWRBTN | STS_SLPBTN | STS_RTC)
#define CNT_SCI_EN 0x0001
#define CNT_SLP_EN 0x2000

typedef struct AcpiPm {
    Device dev;
    uint16_t status, enable, control;
    int64_t tmr_seen; /* count of half periods of the timer already reported in TMR_STS */
    Timer timer;
} AcpiPm;

static int64_t pm_ticks(AcpiPm *s)
{
    return muldiv64(clock_ns(s->dev.machine, CLOCK_VIRTUAL), PM_HZ, NS_PER_SEC);
}

static void pm_catch_up(AcpiPm *s)
{
    int64_t half = pm_ticks(s) / TMR_HALF;

    if (half != s->tmr_seen) {
        s->tmr_seen = half;
        s->status |= STS_TMR;
    }
    if ((s->enable & STS_TMR) && !(s->status & STS_TMR)) {
        uint64_t tick = (uint64_t)(half + 1) * TMR_HALF;
        timer_arm(&s->timer, muldiv64(tick, NS_PER_SEC, PM_HZ) + 1);
    } else {
        timer_disarm(&s->timer);
    }
}

static void pm_outputs(Device *d)
{
    AcpiPm *s = (AcpiPm *)d;

    irq_set(d->out[0], (s->status & s->enable & EN_ALL) != 0);
}

static void pm_changed(AcpiPm *s)
{
    pm_catch_up(s);
    device_update(&s->dev);
}

static void pm_timer(void *opaque)
{
    pm_changed(opaque);
}

void acpi_pm_press_power_button(Device *pm)
{
    AcpiPm *s = (AcpiPm *)pm;

    s->status |= STS_PWRBTN;
    pm_changed(s);
}

static void write_control(AcpiPm *s, uint16_t v)
{
    s->control = v & ~(CNT_SLP_EN | CNT_SCI_EN);
    if (!(v & CNT_SLP_EN)) {
        return;
    }
    if ((v >> 10 & 7) == ACPI_S5_TYPE) {
        machine_request_shutdown(s->dev.machine, SHUTDOWN_GUEST_SHUTDOWN);
    } else {
        log_mask(LOG_GUEST_ERROR, "acpi: sleep type %d is not one of the machine's\n", v >> 10 & 7);
    }
}

/* The event block is two 16-bit registers that may be read as one of 32. */
static uint64_t event_read(void *opaque, hwaddr offset, unsigned size)
{
    AcpiPm *s = opaque;

    pm_changed(s);
    return extract64(s->status | (uint32_t)s->enable << 16, offset * 8, size * 8);
}

static void event_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    AcpiPm *s = opaque;
    uint32_t mask = MASK32(offset * 8, size * 8), val = (uint32_t)v << offset * 8;

    pm_catch_up(s);
    s->status &= ~(val & mask & STS_ALL);
    s->enable = (s->enable & ~(mask >> 16)) | ((val & mask) >> 16 & EN_ALL);
    pm_changed(s);
}

static uint64_t control_read(void *opaque, hwaddr offset, unsigned size)
{
    AcpiPm *s = opaque;

    return extract64(s->control | CNT_SCI_EN, offset * 8, size * 8);
}

static void control_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    AcpiPm *s = opaque;

    write_control(s, deposit32(s->control, offset * 8, size * 8, v));
}

static uint64_t timer_read(void *opaque, hwaddr offset, unsigned size)
{
    return extract64((uint32_t)pm_ticks(opaque) & 0xffffff, offset * 8, size * 8);
}

static void timer_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
}

static const IoOps event_ops = {event_read, event_write, .max_size = 4};
static const IoOps control_ops = {control_read, control_write, .max_size = 2};
static const IoOps timer_ops = {timer_read, timer_write, .max_size = 4};

static bool pm_realize(Device *d, Error **errp)
{
    AcpiPm *s = (AcpiPm *)d;

    device_init_out(d, 1);
    timer_init(&s->timer, d->machine, CLOCK_VIRTUAL, pm_timer, s);
    device_map_ports(d, ACPI_PM_BASE + ACPI_PM1_EVENT, 4, &event_ops, "acpi-pm1-event");
    device_map_ports(d, ACPI_PM_BASE + ACPI_PM1_CONTROL, 2, &control_ops, "acpi-pm1-control");
    device_map_ports(d, ACPI_PM_BASE + ACPI_PM_TIMER, 4, &timer_ops, "acpi-pm-timer");
    return true;
}

static void pm_unrealize(Device *d)
{
    timer_fini(&((AcpiPm *)d)->timer);
}

static void pm_reset_hold(Device *d)
{
    AcpiPm *s = (AcpiPm *)d;

    s->tmr_seen = pm_ticks(s) / TMR_HALF;
}

static const StateField pm_state[] = {
    STATE(AcpiPm, STATE_U16, status, 0),  STATE(AcpiPm, STATE_U16, enable, 0),
    STATE(AcpiPm, STATE_U16, control, 0), STATE(AcpiPm, STATE_I64, tmr_seen, 0),
    STATE(AcpiPm, STATE_TIMER, timer, 0), {0},
};

const DeviceType acpi_pm_type = {
    .name = "acpi-pm",
    .help = "ACPI fixed hardware: power button, soft off, PM timer",
    .bus = "isa",
    .size = sizeof(AcpiPm),
    .version = 1,
    .internal = true,
    .state = pm_state,
    .realize = pm_realize,
    .unrealize = pm_unrealize,
    .reset_hold = pm_reset_hold,
    .outputs = pm_outputs,
};
DEVICE_TYPE(acpi_pm_type);
