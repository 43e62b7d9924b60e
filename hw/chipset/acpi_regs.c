/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI fixed hardware: PM1 event and control registers, the PM timer, general-purpose event
 * block 0 and the sleep states S1, S3, S4 and S5.
 *
 * ACPI specification 6.4, 4.8.2 "fixed hardware programming model", 4.8.3 "register groups",
 * 4.8.4 "GPE0 block"; Intel 82371AB (PIIX4) data sheet 7.2 and ICH9 data sheet 13.8.3, which
 * agree but for SLP_TYP's values: 0 = soft off, 1 = suspend to RAM, s4_type = suspend to disk,
 * which to the machine is soft off; what a guest writes to enter S5 depends on _S5 only.
 *
 * SCI_EN is always set: the machine is in ACPI mode from the start. The APM ports B2h and B3h keep
 * what is written; the chip makes an SMI of it, if it has them.
 *
 * Left out: PM1b, PM2, bus-master status, timers of C states.
 *
 * home: the machine's lock domain.
 */
#include "hw/chipset/acpi_regs.h"
#include "base/bits.h"
#include "base/log.h"

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

enum { TYPE_SOFT_OFF = 0, TYPE_SUSPEND = 1 };

static Machine *machine_of(const AcpiRegs *a)
{
    return a->owner->machine;
}

static int64_t pm_ticks(const AcpiRegs *a)
{
    return muldiv64(clock_ns(machine_of(a), CLOCK_VIRTUAL), PM_HZ, NS_PER_SEC);
}

static void catch_up(AcpiRegs *a)
{
    int64_t half = pm_ticks(a) / TMR_HALF;

    if (half != a->tmr_seen) {
        a->tmr_seen = half;
        a->status |= STS_TMR;
    }
    if ((a->enable & STS_TMR) && !(a->status & STS_TMR)) {
        uint64_t tick = (uint64_t)(half + 1) * TMR_HALF;
        timer_arm(&a->timer, muldiv64(tick, NS_PER_SEC, PM_HZ) + 1);
    } else {
        timer_disarm(&a->timer);
    }
}

static void changed(AcpiRegs *a)
{
    catch_up(a);
    device_update(a->owner);
}

static void pm_timer(void *opaque)
{
    changed(opaque);
}

bool acpi_regs_sci(const AcpiRegs *a)
{
    if (a->status & a->enable & EN_ALL) {
        return true;
    }
    for (unsigned i = 0; i < a->gpe_bytes; i++) {
        if (a->gpe_status[i] & a->gpe_enable[i]) {
            return true;
        }
    }
    return false;
}

/* ---- events ---- */

void acpi_regs_power_button(AcpiRegs *a)
{
    a->status |= STS_PWRBTN;
    changed(a);
}

void acpi_regs_gpe(AcpiRegs *a, unsigned bit)
{
    g_assert(bit / 8 < a->gpe_bytes);
    a->gpe_status[bit / 8] |= 1 << bit % 8;
    device_update(a->owner);
}

void acpi_regs_rtc_alarm(AcpiRegs *a, bool level)
{
    bool rise = level && !a->rtc_level;

    a->rtc_level = level;
    if (!rise) {
        return;
    }
    if (machine_run_state(machine_of(a)) != RUN_STATE_SUSPENDED) {
        a->status |= STS_RTC;
        changed(a);
    } else if (a->enable & STS_RTC) {
        a->wake_status = STS_RTC >> 8;
        machine_request_wakeup(machine_of(a));
    }
}

void acpi_regs_woken(AcpiRegs *a)
{
    a->status |= STS_WAK | (a->wake_status ? a->wake_status << 8 : STS_PWRBTN);
    a->wake_status = 0;
    changed(a);
}

/* ---- sleep ---- */

static void enter_sleep(AcpiRegs *a, unsigned type)
{
    Machine *m = machine_of(a);

    if (type == TYPE_SOFT_OFF) {
        machine_request_shutdown(m, SHUTDOWN_GUEST_SHUTDOWN);
    } else if (type == TYPE_SUSPEND && !a->no_s3) {
        machine_request_suspend(m);
    } else if (type == a->s4_type && !a->no_s4) {
        machine_request_shutdown(m, SHUTDOWN_GUEST_SHUTDOWN);
    } else {
        log_mask(LOG_GUEST_ERROR, "acpi: sleep type %u is not one of the machine's\n", type);
    }
}

static void write_control(AcpiRegs *a, uint16_t v)
{
    a->control = (v & ~CNT_SLP_EN) | CNT_SCI_EN;
    if (v & CNT_SLP_EN) {
        enter_sleep(a, v >> 10 & 7);
    }
}

/* ---- registers ---- */

/* The event block is two 16-bit registers that may be read as one of 32. */
static uint64_t event_read(void *opaque, hwaddr offset, unsigned size)
{
    AcpiRegs *a = opaque;

    changed(a);
    return extract64(a->status | (uint32_t)a->enable << 16, offset * 8, size * 8);
}

static void event_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    AcpiRegs *a = opaque;
    uint32_t mask = MASK32(offset * 8, size * 8), val = (uint32_t)v << offset * 8;

    catch_up(a);
    a->status &= ~(val & mask & STS_ALL);
    a->enable = (a->enable & ~(mask >> 16)) | ((val & mask) >> 16 & EN_ALL);
    changed(a);
}

static uint64_t control_read(void *opaque, hwaddr offset, unsigned size)
{
    return extract64(((AcpiRegs *)opaque)->control, offset * 8, size * 8);
}

static void control_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    AcpiRegs *a = opaque;

    write_control(a, deposit32(a->control, offset * 8, size * 8, v));
    device_update(a->owner);
}

static uint64_t timer_read(void *opaque, hwaddr offset, unsigned size)
{
    return extract64((uint32_t)pm_ticks(opaque) & 0xffffff, offset * 8, size * 8);
}

static void timer_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
}

static uint64_t gpe_read(void *opaque, hwaddr offset, unsigned size)
{
    AcpiRegs *a = opaque;

    return offset < a->gpe_bytes ? a->gpe_status[offset] : a->gpe_enable[offset - a->gpe_bytes];
}

static void gpe_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    AcpiRegs *a = opaque;

    if (offset < a->gpe_bytes) {
        a->gpe_status[offset] &= ~v;
    } else {
        a->gpe_enable[offset - a->gpe_bytes] = v;
    }
    device_update(a->owner);
}

void acpi_regs_smi(Machine *m)
{
    Cpu *cpu = cpu_current();

    cpu_request(cpu ? cpu : machine_cpu(m, 0), CPU_REQ_SMI);
}

static uint64_t apm_read(void *opaque, hwaddr offset, unsigned size)
{
    AcpiRegs *a = opaque;

    return offset ? a->apm_status : a->apm_control;
}

static void apm_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    AcpiRegs *a = opaque;

    *(offset ? &a->apm_status : &a->apm_control) = v;
    if (!offset && a->apm) {
        a->apm(a->owner);
    }
}

static const IoOps event_ops = {event_read, event_write, .max_size = 4};
static const IoOps control_ops = {control_read, control_write, .max_size = 2};
static const IoOps timer_ops = {timer_read, timer_write, .max_size = 4};
static const IoOps gpe_ops = {gpe_read, gpe_write, .max_size = 1};
static const IoOps apm_ops = {apm_read, apm_write, .max_size = 1};

static void place(AcpiRegs *a, MemoryRegion *window, uint16_t at, const char *name,
                  const IoOps *ops, uint64_t size)
{
    MemoryRegion *r = region_new_io(name, ops, a, size);

    region_add(window, at, r, 0);
    g_ptr_array_add(a->owner->regions, r);
}

void acpi_regs_init(AcpiRegs *a, MemoryRegion *window, uint16_t event, uint16_t control,
                    uint16_t timer)
{
    timer_init(&a->timer, machine_of(a), CLOCK_VIRTUAL, pm_timer, a);
    place(a, window, event, "acpi-evt", &event_ops, 4);
    place(a, window, control, "acpi-cnt", &control_ops, 2);
    place(a, window, timer, "acpi-tmr", &timer_ops, 4);
    place(a, machine_ports_root(machine_of(a)), 0xb2, "apm-io", &apm_ops, 2);
}

void acpi_regs_gpe0(AcpiRegs *a, MemoryRegion *window, uint16_t at)
{
    place(a, window, at, "acpi-gpe0", &gpe_ops, 2 * a->gpe_bytes);
}

void acpi_regs_fini(AcpiRegs *a)
{
    timer_fini(&a->timer);
}

void acpi_regs_reset(AcpiRegs *a)
{
    a->tmr_seen = pm_ticks(a) / TMR_HALF;
    a->control = CNT_SCI_EN;
}

/* ---- windows ---- */

void port_window_init(PortWindow *w, const char *name, uint64_t size)
{
    *w = (PortWindow){.region = region_new_container(name, size)};
}

void port_window_move(PortWindow *w, Machine *m, bool open, uint16_t at)
{
    if (w->open == open && w->at == at) {
        return;
    }
    mem_transaction_begin(m);
    if (w->open) {
        region_remove(machine_ports_root(m), w->region);
    }
    if (open) {
        region_add(machine_ports_root(m), at, w->region, 0);
    }
    mem_transaction_commit(m);
    w->open = open;
    w->at = at;
}

void port_window_fini(PortWindow *w, Machine *m)
{
    port_window_move(w, m, false, 0);
    g_clear_pointer(&w->region, region_unref);
}
