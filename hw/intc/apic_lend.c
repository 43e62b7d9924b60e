/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Local APICs that an accelerator has while vCPUs run (core/apics.h): images of them to and fro, messages to it, and
 * what the translator does to one of them when it executes an instruction for the accelerator.
 *
 * Messages go where the APICs are. Both change together under lend_lock, so that no message is lost between the two.
 *
 * home: main loop while all vCPUs are parked, but for what is said to be a vCPU's. Lock order: machine, lend_lock, one
 * APIC's.
 */
#include "hw/intc/apic_internal.h"
#include "base/bits.h"
#include "core/machine.h"

#define MSI_BASE      0xfee00000ull
#define MSI_LOGICAL   (1u << 2)
#define MSI_HINT      (1u << 3)
#define MSI_ASSERT    (1u << 14)
#define MSI_LEVEL     (1u << 15)
#define VECTOR_WORDS  8

/* ---- images ---- */

/* Lock held. */
static void to_image(const Lapic *l, ApicImage *img)
{
    *img = (ApicImage){.base = l->base, .tsc_deadline = l->tsc_deadline};
    img->reg[R_ID] = l->id << 24;
    img->reg[R_TPR] = l->tpr;
    img->reg[R_LDR] = l->ldr;
    img->reg[R_DFR] = l->dfr;
    img->reg[R_SVR] = l->svr;
    img->reg[R_ESR] = l->esr;
    img->reg[R_ICR] = (uint32_t)l->icr;
    img->reg[R_ICR_HIGH] = l->icr >> 32;
    img->reg[R_DIVIDE] = l->divide;
    memcpy(&img->reg[R_ISR], l->isr, sizeof(l->isr));
    memcpy(&img->reg[R_TMR], l->tmr, sizeof(l->tmr));
    memcpy(&img->reg[R_IRR], l->irr, sizeof(l->irr));
    memcpy(&img->reg[R_LVT], l->lvt, sizeof(l->lvt));
    img->reg[R_CURRENT] = lapic_current_count((Lapic *)l);
    /* A counter at its end would tell the accelerator of an interrupt that is still to come. */
    img->reg[R_INITIAL] = lapic_timer_expired(l) && !img->reg[R_CURRENT] ? 0 : l->initial_count;
}

/* Lock held. */
static void from_image(Lapic *l, const ApicImage *img)
{
    l->base = img->base;
    l->id = img->reg[R_ID] >> 24;
    l->tpr = img->reg[R_TPR] & 0xff;
    l->ldr = img->reg[R_LDR];
    l->dfr = img->reg[R_DFR];
    l->svr = img->reg[R_SVR];
    l->esr = img->reg[R_ESR];
    l->icr = img->reg[R_ICR] | (uint64_t)img->reg[R_ICR_HIGH] << 32;
    l->divide = img->reg[R_DIVIDE] & 0xb;
    memcpy(l->isr, &img->reg[R_ISR], sizeof(l->isr));
    memcpy(l->tmr, &img->reg[R_TMR], sizeof(l->tmr));
    memcpy(l->irr, &img->reg[R_IRR], sizeof(l->irr));
    memcpy(l->lvt, &img->reg[R_LVT], sizeof(l->lvt));
    l->initial_count = img->reg[R_INITIAL];
    l->tsc_deadline = img->tsc_deadline;
    lapic_timer_load(l, img->reg[R_CURRENT]);
}

/* ---- messages ---- */

static void send_to(ApicBus *bus, uint32_t dest, bool logical, const ApicMessage *msg)
{
    uint64_t addr = MSI_BASE | (dest & 0xff) << 12 | (logical ? MSI_LOGICAL : 0) |
                    (msg->mode == APIC_LOWEST ? MSI_HINT : 0);

    bus->host->message(bus->dev.machine, addr, msg->vector | (uint32_t)msg->mode << 8 |
                                                   (msg->level ? MSI_LEVEL | MSI_ASSERT : 0));
}

static uint32_t x2_logical_id(uint32_t id)
{
    return (id >> 4) << 16 | 1u << (id & 15);
}

void apic_bus_send_lent(ApicBus *bus, const ApicMessage *msg)
{
    if (!msg->x2apic || !msg->logical || msg->dest == UINT32_MAX) {
        send_to(bus, msg->dest, msg->logical && !msg->x2apic, msg);
        return;
    }
    /* An MSI has no room for these destinations. */
    for (guint i = 0; i < bus->apics->len; i++) {
        uint32_t id = ((const Lapic *)bus->apics->pdata[i])->cpu->arch_id, logical = x2_logical_id(id);
        if (logical >> 16 == msg->dest >> 16 && (logical & msg->dest & 0xffff)) {
            send_to(bus, id, false, msg);
        }
    }
}

void apic_bus_send_ipi_lent(ApicBus *bus, Lapic *from, int shorthand, const ApicMessage *msg)
{
    if (shorthand == TO_DEST) {
        apic_bus_send_lent(bus, msg);
        return;
    }
    for (guint i = 0; i < bus->apics->len; i++) {
        const Lapic *l = bus->apics->pdata[i];
        if (shorthand == TO_ALL || (l == from) == (shorthand == TO_SELF)) {
            send_to(bus, l->cpu->arch_id, false, msg);
        }
    }
}

/* ---- pins of I/O APICs ---- */

unsigned apic_bus_add_pins(Device *d, unsigned n)
{
    ApicBus *bus = (ApicBus *)d;
    unsigned first = bus->pin_count;

    bus->pin_count += n;
    g_assert(bus->pin_count <= APIC_PINS_MAX);
    return first;
}

void apic_bus_set_pin(Device *d, unsigned pin, const ApicMessage *msg)
{
    ApicBus *bus = (ApicBus *)d;
    const ApicHostOps *host = __atomic_load_n(&bus->host, __ATOMIC_ACQUIRE);
    ApicPin *p = &bus->pins[pin], now = {.level = msg && msg->level};

    if (now.level) {
        now.addr = MSI_BASE | msg->dest << 12 | (msg->logical ? MSI_LOGICAL : 0);
        now.data = msg->vector | (uint32_t)msg->mode << 8 | MSI_LEVEL | MSI_ASSERT;
    }
    if (now.level != p->level || now.addr != p->addr || now.data != p->data) {
        *p = now;
        if (host) {
            host->pins(d->machine, bus->pins);
        }
    }
}

/* ---- the whole ---- */

static void bus_lend(void *opaque, const ApicHostOps *to)
{
    ApicBus *bus = opaque;

    g_rw_lock_writer_lock(&bus->lend_lock);
    for (guint i = 0; i < bus->apics->len; i++) {
        Lapic *l = bus->apics->pdata[i];
        ApicImage img;

        g_mutex_lock(&l->lock);
        to_image(l, &img);
        l->borrowed = false;
        timer_disarm(&l->timer);
        g_mutex_unlock(&l->lock);
        to->store(l->cpu, &img);
    }
    __atomic_store_n(&bus->host, to, __ATOMIC_RELEASE);
    for (guint i = 0; i < bus->apics->len; i++) {
        Lapic *l = bus->apics->pdata[i];

        g_mutex_lock(&l->lock);
        lapic_update(l);
        g_mutex_unlock(&l->lock);
    }
    to->pins(bus->dev.machine, bus->pins);
    g_rw_lock_writer_unlock(&bus->lend_lock);
}

static bool in_service(const ApicBus *bus, uint8_t vector)
{
    for (guint i = 0; i < bus->apics->len; i++) {
        const Lapic *l = bus->apics->pdata[i];
        if ((l->irr[vector >> 5] | l->isr[vector >> 5]) >> (vector & 31) & 1) {
            return true;
        }
    }
    return false;
}

/* The accelerator may know of an EOI and not have come to tell: I/O APICs must not wait for it for ever. */
static void end_untold(ApicBus *bus)
{
    for (unsigned n = 0; n < bus->pin_count; n++) {
        uint8_t vector = (uint8_t)bus->pins[n].data;
        if (bus->pins[n].level && !in_service(bus, vector)) {
            apic_bus_eoi(bus, vector);
        }
    }
}

static void bus_take_back(void *opaque)
{
    ApicBus *bus = opaque;
    const ApicHostOps *from = bus->host;

    g_rw_lock_writer_lock(&bus->lend_lock);
    __atomic_store_n(&bus->host, NULL, __ATOMIC_RELEASE);
    for (guint i = 0; i < bus->apics->len; i++) {
        Lapic *l = bus->apics->pdata[i];
        ApicImage img;

        from->load(l->cpu, &img);
        g_mutex_lock(&l->lock);
        from_image(l, &img);
        l->borrowed = false;
        lapic_update(l);
        g_mutex_unlock(&l->lock);
    }
    g_rw_lock_writer_unlock(&bus->lend_lock);
    for (guint i = 0; i < bus->apics->len; i++) {
        const Lapic *l = bus->apics->pdata[i];
        if (l->base & BASE_ENABLE) {
            apic_bus_move_window(bus, l->base & MASK64(12, 40));
        }
    }
    end_untold(bus);
}

/* ---- one APIC, on its vCPU's thread ---- */

void lapic_borrow(Lapic *l, bool change)
{
    const ApicHostOps *host = __atomic_load_n(&((ApicBus *)l->bus)->host, __ATOMIC_ACQUIRE);

    if (!host || cpu_current() != l->cpu) {
        return;
    }
    if (!l->borrowed) {
        host->load(l->cpu, &l->loaded);
        g_mutex_lock(&l->lock);
        from_image(l, &l->loaded);
        g_mutex_unlock(&l->lock);
        l->borrowed = true;
        l->changed = false;
    }
    l->changed |= change;
}

/* What arrived, or ran on, at the accelerator's since it was loaded. */
static void merge(ApicImage *img, const ApicImage *loaded, const ApicImage *now)
{
    for (int i = 0; i < VECTOR_WORDS; i++) {
        uint32_t arrived = now->reg[R_IRR + i] & ~loaded->reg[R_IRR + i];
        img->reg[R_IRR + i] |= arrived;
        img->reg[R_TMR + i] = (img->reg[R_TMR + i] & ~arrived) | (now->reg[R_TMR + i] & arrived);
    }
    if (img->tsc_deadline == loaded->tsc_deadline) {
        img->tsc_deadline = now->tsc_deadline;
    }
    if (img->reg[R_INITIAL] == loaded->reg[R_INITIAL] && img->reg[R_DIVIDE] == loaded->reg[R_DIVIDE]) {
        img->reg[R_CURRENT] = now->reg[R_CURRENT];
    }
}

static void cpu_settle(Cpu *cpu)
{
    Lapic *l = cpu->intc_opaque;
    ApicBus *bus = l ? (ApicBus *)l->bus : NULL;
    ApicImage img, now;

    if (!l || !l->borrowed) {
        return;
    }
    l->borrowed = false;
    if (!l->changed) {
        return;
    }
    g_rw_lock_writer_lock(&bus->lend_lock);
    bus->host->hold(cpu->machine);
    bus->host->load(cpu, &now);
    g_mutex_lock(&l->lock);
    to_image(l, &img);
    g_mutex_unlock(&l->lock);
    merge(&img, &l->loaded, &now);
    bus->host->store(cpu, &img);
    bus->host->release(cpu->machine);
    g_rw_lock_writer_unlock(&bus->lend_lock);
}

/* The entry of LINT1 says what its wire does, and the accelerator has it. */
static void take_lint1(Cpu *cpu, void *opaque)
{
    Lapic *l = opaque;

    lapic_borrow(l, true);
    g_mutex_lock(&l->lock);
    lapic_deliver_local(l, LVT_LINT1, false);
    g_mutex_unlock(&l->lock);
}

void lapic_lent_lint1(Lapic *l)
{
    cpu_run_on_async(l->cpu, take_lint1, l);
}

/* ---- for the accelerator ---- */

static int bus_extint(void *opaque)
{
    return apic_bus_extint(opaque);
}

static void bus_eoi(void *opaque, uint8_t vector)
{
    apic_bus_eoi(opaque, vector);
}

static const ApicOps apic_ops = {
    .lend = bus_lend,
    .take_back = bus_take_back,
    .settle = cpu_settle,
    .extint = bus_extint,
    .eoi = bus_eoi,
};

void apic_lend_init(ApicBus *bus)
{
    g_rw_lock_init(&bus->lend_lock);
    machine_set_apics(bus->dev.machine, &apic_ops, bus);
}

void apic_lend_fini(ApicBus *bus)
{
    machine_set_apics(bus->dev.machine, NULL, NULL);
    g_rw_lock_clear(&bus->lend_lock);
}
