/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Local APIC, xAPIC and x2APIC.
 *
 * Intel SDM vol. 3, chapter 11 "Advanced programmable interrupt controller":
 * 11.4 local APIC, 11.5 handling local interrupts (LVT, ESR; timer: apic_timer.c), 11.6 IPIs,
 * 11.8 handling interrupts (IRR, ISR, TMR, TPR, PPR, EOI), 11.9 spurious
 * interrupt, 11.12 x2APIC.
 *
 * Left out: CMCI, thermal and performance counter events (their LVT entries hold
 * values), EOI-broadcast suppression, arbitration IDs. The boot processor comes
 * out of reset with LINT0 as ExtINT, as firmware sets up virtual wire mode,
 * because kernels are also entered without firmware.
 *
 * home: any thread, guarded by the APIC's own lock; no other lock is taken
 * under it but the leaf locks of the timers and of cpu_request().
 */
#include "hw/intc/apic_internal.h"
#include <inttypes.h>
#include "base/bits.h"
#include "base/log.h"
#include "base/trace.h"
#include "core/machine.h"

#define VERSION 0x00050014u /* six LVT entries, integrated APIC */

#define LVT_LEVEL   (1u << 15)
#define LVT_REMOTE  (1u << 14) /* remote IRR */
#define LVT_ACTLOW  (1u << 13)
#define LVT_PENDING (1u << 12)

#define TIME_LIMIT (1ll << 60) /* of a saved state, ns */

#define ESR_SEND_ILLEGAL (1u << 5)
#define ESR_RECV_ILLEGAL (1u << 6)
#define ESR_REGISTER     (1u << 7)

/* What can be written to each LVT entry. */
static const uint32_t lvt_mask[LVT_COUNT] = {
    [LVT_TIMER] = 0x700ff, [LVT_THERMAL] = 0x107ff, [LVT_PERF] = 0x107ff,
    [LVT_LINT0] = 0x1a7ff, [LVT_LINT1] = 0x1a7ff,   [LVT_ERROR] = 0x100ff,
};

/* ---- bit maps of vectors ---- */

static bool vec_test(const uint32_t *map, int v)
{
    return map[v >> 5] >> (v & 31) & 1;
}

static void vec_set(uint32_t *map, int v, bool on)
{
    map[v >> 5] = on ? map[v >> 5] | BIT32(v & 31) : map[v >> 5] & ~BIT32(v & 31);
}

int lapic_highest(const uint32_t map[8])
{
    for (int i = 7; i >= 0; i--) {
        if (map[i]) {
            return i * 32 + 31 - clz32(map[i]);
        }
    }
    return -1;
}

/* ---- priorities and the processor's INTR. Lock held. ---- */

static uint8_t ppr(const Lapic *l)
{
    int isr = lapic_highest(l->isr);
    uint8_t isrv = isr < 0 ? 0 : isr & 0xf0;

    return (l->tpr & 0xf0) >= isrv ? l->tpr : isrv;
}

static bool enabled(const Lapic *l)
{
    return l->base & BASE_ENABLE;
}

/* The vector the processor would get, -1 = none above its priority. */
static int deliverable(const Lapic *l)
{
    int irr = lapic_highest(l->irr);

    if (!enabled(l) || !(l->svr & SVR_ENABLE) || irr < 0 || irr >> 4 <= ppr(l) >> 4) {
        return -1;
    }
    return irr;
}

/* Does the 8259 reach the processor? Without an APIC, LINT0 is the INTR pin. */
static bool extint_pending(const Lapic *l)
{
    uint32_t lvt = l->lvt[LVT_LINT0];

    if (!l->lint[0]) {
        return false;
    }
    if (!enabled(l)) {
        return l->base & BASE_BSP;
    }
    return !(lvt & APIC_LVT_MASKED) && (lvt >> 8 & 7) == APIC_EXTINT;
}

void lapic_update(Lapic *l)
{
    /* An accelerator that has the APIC knows about LINT0's entry; the wire is what we know. */
    bool want = apic_lent(l) ? l->lint[0] : deliverable(l) >= 0 || extint_pending(l);

    /* Nobody else touches the bit, so a kick is needed for a change only. */
    if (want == ((cpu_requests(l->cpu) & CPU_REQ_INTR) != 0)) {
        return;
    }
    if (want) {
        cpu_request(l->cpu, CPU_REQ_INTR);
    } else {
        cpu_unrequest(l->cpu, CPU_REQ_INTR);
    }
}

static void raise_error(Lapic *l, uint32_t bits);

static void accept_vector(Lapic *l, uint8_t vector, bool level)
{
    if (vector < 16) {
        raise_error(l, ESR_RECV_ILLEGAL);
        return;
    }
    vec_set(l->irr, vector, true);
    vec_set(l->tmr, vector, level);
    lapic_update(l);
}

/* A local interrupt through its LVT entry. */
void lapic_deliver_local(Lapic *l, int entry, bool level)
{
    uint32_t lvt = l->lvt[entry];

    if (lvt & APIC_LVT_MASKED || !enabled(l)) {
        return;
    }
    switch (entry == LVT_TIMER || entry == LVT_ERROR ? APIC_FIXED : lvt >> 8 & 7) {
    case APIC_FIXED:
        if (level) {
            if (lvt & LVT_REMOTE) {
                return;
            }
            l->lvt[entry] |= LVT_REMOTE;
        }
        if ((lvt & 0xff) < 16 && entry == LVT_ERROR) {
            return; /* an illegal error vector cannot report itself */
        }
        accept_vector(l, lvt, level);
        break;
    case APIC_SMI:
        cpu_request(l->cpu, CPU_REQ_SMI);
        break;
    case APIC_NMI:
        cpu_request(l->cpu, CPU_REQ_NMI);
        break;
    case APIC_INIT:
        cpu_request(l->cpu, CPU_REQ_INIT);
        break;
    case APIC_EXTINT:
        lapic_update(l);
        break;
    }
}

static void raise_error(Lapic *l, uint32_t bits)
{
    if (bits & ~l->errors) {
        l->errors |= bits;
        lapic_deliver_local(l, LVT_ERROR, false);
    }
}

/* ---- messages in ---- */

/* State after INIT: as power-on, but ID and base stay (11.4.7.3). */
static void lapic_init_state(Lapic *l)
{
    memset(l->irr, 0, sizeof(l->irr));
    memset(l->isr, 0, sizeof(l->isr));
    memset(l->tmr, 0, sizeof(l->tmr));
    for (int i = 0; i < LVT_COUNT; i++) {
        l->lvt[i] = APIC_LVT_MASKED;
    }
    l->tpr = l->esr = l->errors = l->divide = l->initial_count = 0;
    l->icr = l->tsc_deadline = 0;
    l->svr = 0xff;
    l->dfr = 0xffffffff;
    l->ldr = apic_x2(l) ? (l->id >> 4) << 16 | 1u << (l->id & 15) : 0;
    l->due = TIMER_NEVER;
    timer_disarm(&l->timer);
    if (l->base & BASE_BSP) {
        l->lvt[LVT_LINT0] = APIC_EXTINT << 8;
    }
}

void lapic_accept(Lapic *l, const ApicMessage *msg)
{
    g_mutex_lock(&l->lock);
    switch (msg->mode) {
    case APIC_FIXED:
    case APIC_LOWEST:
        if (l->svr & SVR_ENABLE) {
            accept_vector(l, msg->vector, msg->level);
        }
        break;
    case APIC_SMI:
        cpu_request(l->cpu, CPU_REQ_SMI);
        break;
    case APIC_NMI:
        cpu_request(l->cpu, CPU_REQ_NMI);
        break;
    case APIC_INIT: /* lapic_init() follows when the processor executes it */
        cpu_unrequest(l->cpu, CPU_REQ_SIPI); /* one from before it is void */
        cpu_request(l->cpu, CPU_REQ_INIT);
        break;
    case APIC_STARTUP: /* the first one starts the processor, those behind it find it running (SDM 3A, 9.4.4.1) */
        if (!(cpu_requests(l->cpu) & CPU_REQ_SIPI)) {
            __atomic_store_n(&l->cpu->sipi_vector, msg->vector, __ATOMIC_RELEASE);
            cpu_request(l->cpu, CPU_REQ_SIPI);
        }
        break;
    case APIC_EXTINT:
        break; /* an I/O APIC pin wired to an 8259: none is on our boards */
    }
    g_mutex_unlock(&l->lock);
}

uint8_t lapic_priority(Lapic *l)
{
    g_mutex_lock(&l->lock);
    uint8_t p = ppr(l);
    g_mutex_unlock(&l->lock);
    return p;
}

void lapic_set_lint(Lapic *l, int pin, int level)
{
    int entry = pin ? LVT_LINT1 : LVT_LINT0;

    g_mutex_lock(&l->lock);
    bool rose = level && !l->lint[pin];
    l->lint[pin] = level != 0;
    if (apic_lent(l)) {
        lapic_update(l);
        g_mutex_unlock(&l->lock);
        if (pin == 1 && rose) {
            lapic_lent_lint1(l);
        }
        return;
    }
    bool is_level = (l->lvt[entry] & LVT_LEVEL) && (l->lvt[entry] >> 8 & 7) == APIC_FIXED;
    if (is_level ? level : rose) {
        lapic_deliver_local(l, entry, is_level);
    }
    lapic_update(l);
    g_mutex_unlock(&l->lock);
}

/* ---- messages out ---- */

/* Called without the lock: the destination may be this very APIC. */
static void send_icr(Lapic *l, uint64_t icr, bool x2)
{
    ApicMessage msg = {
        .dest = x2 ? icr >> 32 : icr >> 56,
        .x2apic = x2,
        .logical = icr >> 11 & 1,
        .mode = icr >> 8 & 7,
        .vector = icr,
        .level = (icr >> 15 & 1) && (icr >> 14 & 1),
    };

    if (msg.mode == APIC_INIT && (icr >> 15 & 1) && !(icr >> 14 & 1)) {
        return; /* INIT level de-assert: only synchronised arbitration IDs, long ago */
    }
    if (msg.mode <= APIC_LOWEST) {
        msg.level = false; /* IPIs are edge triggered (trigger mode is for INIT) */
        if (msg.vector < 16) {
            g_mutex_lock(&l->lock);
            raise_error(l, ESR_SEND_ILLEGAL);
            g_mutex_unlock(&l->lock);
            return;
        }
    }
    apic_bus_send_ipi((ApicBus *)l->bus, l, icr >> 18 & 3, &msg);
}

static void write_eoi(Lapic *l)
{
    g_mutex_lock(&l->lock);
    int v = lapic_highest(l->isr);
    bool level = v >= 0 && vec_test(l->tmr, v);
    if (v >= 0) {
        vec_set(l->isr, v, false);
        for (int pin = 0; level && pin < 2; pin++) {
            uint32_t *lvt = &l->lvt[LVT_LINT0 + pin];
            if ((*lvt & LVT_REMOTE) && (uint8_t)*lvt == v) {
                *lvt &= ~LVT_REMOTE;
                if (l->lint[pin]) {
                    lapic_deliver_local(l, LVT_LINT0 + pin, true);
                }
            }
        }
        lapic_update(l);
    }
    g_mutex_unlock(&l->lock);
    if (level) {
        apic_bus_eoi((ApicBus *)l->bus, v);
    }
}

/* ---- registers ---- */

/* false: there is no such register. Lock held. */
static bool read_reg(Lapic *l, uint32_t r, uint32_t *v)
{
    bool x2 = apic_x2(l);

    switch (r) {
    case R_ID:
        *v = x2 ? l->id : l->id << 24;
        return true;
    case R_VERSION:
        *v = VERSION;
        return true;
    case R_TPR:
        *v = l->tpr;
        return true;
    case R_PPR:
        *v = ppr(l);
        return true;
    case R_APR:
    case R_RRD:
        *v = 0;
        return !x2;
    case R_LDR:
        *v = l->ldr;
        return true;
    case R_DFR:
        *v = l->dfr;
        return !x2;
    case R_SVR:
        *v = l->svr;
        return true;
    case R_ISR ... R_ISR + 7:
        *v = l->isr[r - R_ISR];
        return true;
    case R_TMR ... R_TMR + 7:
        *v = l->tmr[r - R_TMR];
        return true;
    case R_IRR ... R_IRR + 7:
        *v = l->irr[r - R_IRR];
        return true;
    case R_ESR:
        *v = l->esr;
        return true;
    case R_ICR:
        *v = l->icr;
        return true;
    case R_ICR_HIGH:
        *v = l->icr >> 32;
        return !x2;
    case R_LVT ... R_LVT + LVT_COUNT - 1:
        *v = l->lvt[r - R_LVT];
        return true;
    case R_INITIAL:
        *v = l->initial_count;
        return true;
    case R_CURRENT:
        *v = lapic_current_count(l);
        return true;
    case R_DIVIDE:
        *v = l->divide;
        return true;
    default:
        return false;
    }
}

static void write_svr(Lapic *l, uint32_t v)
{
    l->svr = v & 0x3ff;
    if (!(v & SVR_ENABLE)) {
        for (int i = 0; i < LVT_COUNT; i++) {
            l->lvt[i] |= APIC_LVT_MASKED; /* 11.4.7.2 */
        }
        lapic_timer_changed(l);
    }
}

static void write_lvt(Lapic *l, int entry, uint32_t v)
{
    v &= lvt_mask[entry];
    if (!(l->svr & SVR_ENABLE)) {
        v |= APIC_LVT_MASKED;
    }
    if (entry == LVT_TIMER) {
        lapic_write_lvt_timer(l, v);
        return;
    }
    l->lvt[entry] = v | (v & LVT_LEVEL ? l->lvt[entry] & LVT_REMOTE : 0);
    int pin = entry - LVT_LINT0;
    if ((entry == LVT_LINT0 || entry == LVT_LINT1) && (v & LVT_LEVEL) && l->lint[pin] &&
        (v >> 8 & 7) == APIC_FIXED) {
        lapic_deliver_local(l, entry, true);
    }
}

/* Everything that concerns this APIC alone. Lock held. false: no such register, or read only. */
static bool write_reg(Lapic *l, uint32_t r, uint32_t v)
{
    bool x2 = apic_x2(l);

    switch (r) {
    case R_ID:
        if (!x2) {
            l->id = v >> 24;
        }
        return !x2;
    case R_TPR:
        l->tpr = v & 0xff;
        break;
    case R_LDR:
        if (!x2) {
            l->ldr = v & 0xff000000;
        }
        return !x2;
    case R_DFR:
        if (!x2) {
            l->dfr = v | 0x0fffffff;
        }
        return !x2;
    case R_SVR:
        write_svr(l, v);
        break;
    case R_ESR:
        l->esr = l->errors;
        l->errors = 0;
        break;
    case R_ICR_HIGH:
        l->icr = deposit64(l->icr, 32, 32, v & 0xff000000);
        return !x2;
    case R_LVT ... R_LVT + LVT_COUNT - 1:
        write_lvt(l, r - R_LVT, v);
        break;
    case R_INITIAL:
        lapic_write_initial_count(l, v);
        break;
    case R_DIVIDE:
        l->divide = v & 0xb;
        lapic_timer_changed(l);
        break;
    default:
        return false;
    }
    lapic_update(l);
    return true;
}

/* ---- the page ---- */

static bool page_answers(Lapic *l)
{
    return enabled(l) && !apic_x2(l);
}

uint32_t lapic_mmio_read(Lapic *l, uint32_t offset)
{
    uint32_t v = 0;

    if (offset & 15) {
        return 0; /* registers are aligned to 16 bytes */
    }
    lapic_borrow(l, false);
    g_mutex_lock(&l->lock);
    if (!page_answers(l)) {
        v = 0xffffffff;
    } else if (!read_reg(l, offset >> 4, &v)) {
        raise_error(l, ESR_REGISTER);
    }
    g_mutex_unlock(&l->lock);
    return v;
}

void lapic_mmio_write(Lapic *l, uint32_t offset, uint32_t v)
{
    uint32_t r = offset >> 4;
    uint64_t icr = 0;

    if (offset & 15) {
        return;
    }
    lapic_borrow(l, true);
    g_mutex_lock(&l->lock);
    bool answers = page_answers(l);
    if (answers && r == R_ICR) {
        icr = l->icr = deposit64(l->icr, 0, 32, v & 0xccfff & ~LVT_PENDING);
    } else if (answers && r != R_EOI && !write_reg(l, r, v)) {
        raise_error(l, ESR_REGISTER);
    }
    g_mutex_unlock(&l->lock);
    if (answers && r == R_ICR) {
        send_icr(l, icr, false);
    } else if (answers && r == R_EOI) {
        write_eoi(l);
    }
}

/* ---- the processor's side ---- */

TRACE_EVENT(apic_acknowledge, "CPU %u vector 0x%02x");

static int lapic_acknowledge(void *opaque)
{
    Lapic *l = opaque;

    if (apic_lent(l)) {
        return -1; /* interrupts are the accelerator's */
    }
    g_mutex_lock(&l->lock);
    int v = deliverable(l);
    bool extint = v < 0 && extint_pending(l);
    if (v >= 0) {
        vec_set(l->irr, v, false);
        vec_set(l->isr, v, true);
        lapic_update(l);
    }
    g_mutex_unlock(&l->lock);
    v = extint ? apic_bus_extint((ApicBus *)l->bus) : v;
    trace(apic_acknowledge, l->cpu_index, v & 0xff);
    return v;
}

static bool x2apic_read(Lapic *l, uint32_t r, uint64_t *val)
{
    uint32_t v;

    g_mutex_lock(&l->lock);
    bool ok = apic_x2(l) && read_reg(l, r, &v);
    if (ok) {
        *val = r == R_ICR ? l->icr : v;
    }
    g_mutex_unlock(&l->lock);
    return ok;
}

/* Reserved bits of x2APIC registers fault (11.12.1.3). */
static bool x2apic_valid(uint32_t r, uint64_t v)
{
    switch (r) {
    case R_EOI:
    case R_ESR:
        return v == 0;
    case R_ICR:
        return !(v & 0xfff32000);
    case R_TPR:
    case R_SELF_IPI:
        return !(v & ~(uint64_t)0xff);
    case R_SVR:
        return !(v & ~(uint64_t)0x3ff);
    case R_DIVIDE:
        return !(v & ~(uint64_t)0xb);
    case R_LVT ... R_LVT + LVT_COUNT - 1:
        return !(v & ~(uint64_t)(lvt_mask[r - R_LVT] | LVT_PENDING | LVT_REMOTE));
    default:
        return !(v >> 32);
    }
}

static bool x2apic_write(Lapic *l, uint32_t r, uint64_t v)
{
    if (!apic_x2(l) || !x2apic_valid(r, v)) {
        return false;
    }
    switch (r) {
    case R_EOI:
        write_eoi(l);
        return true;
    case R_ICR:
        g_mutex_lock(&l->lock);
        l->icr = v & ~(uint64_t)LVT_PENDING;
        g_mutex_unlock(&l->lock);
        send_icr(l, v, true);
        return true;
    case R_SELF_IPI:
        send_icr(l, (v & 0xff) | TO_SELF << 18, true);
        return true;
    }
    g_mutex_lock(&l->lock);
    bool ok = write_reg(l, r, v);
    g_mutex_unlock(&l->lock);
    return ok;
}

/* IA32_APIC_BASE: legal transitions of figure 11-27 only. */
static bool write_base(Lapic *l, uint64_t v)
{
    g_mutex_lock(&l->lock);
    uint64_t old = l->base;
    bool ok = !(v & ~(MASK64(12, 40) | BASE_ENABLE | BASE_X2APIC | BASE_BSP)) &&
              (v & BASE_ENABLE || !(v & BASE_X2APIC)) &&
              !((old & BASE_X2APIC) && (v & BASE_ENABLE) && !(v & BASE_X2APIC)) &&
              !(!(old & BASE_ENABLE) && (v & BASE_X2APIC));
    if (ok) {
        l->base = (v & ~(uint64_t)BASE_BSP) | (old & BASE_BSP);
        if (!(v & BASE_ENABLE)) {
            lapic_init_state(l);
        } else if ((old ^ v) & BASE_X2APIC) {
            l->id = l->cpu->arch_id;
            l->ldr = (l->id >> 4) << 16 | 1u << (l->id & 15);
        }
        lapic_update(l);
    }
    g_mutex_unlock(&l->lock);
    if (ok && (v & BASE_ENABLE)) {
        apic_bus_move_window((ApicBus *)l->bus, v & MASK64(12, 40));
    }
    return ok;
}

static bool lapic_sysreg_read(void *opaque, uint32_t reg, uint64_t *val)
{
    Lapic *l = opaque;

    lapic_borrow(l, false);
    if (reg >= 0x800 && reg < 0x900) {
        return x2apic_read(l, reg - 0x800, val);
    }
    g_mutex_lock(&l->lock);
    bool ok = true;
    switch (reg) {
    case X86_INTC_APICBASE:
        *val = l->base;
        break;
    case X86_INTC_CR8:
        *val = l->tpr >> 4;
        break;
    case 0x6e0:
        *val = l->tsc_deadline;
        break;
    default:
        ok = false;
    }
    g_mutex_unlock(&l->lock);
    return ok;
}

static bool lapic_sysreg_write(void *opaque, uint32_t reg, uint64_t val)
{
    Lapic *l = opaque;

    lapic_borrow(l, true);
    if (reg >= 0x800 && reg < 0x900) {
        return x2apic_write(l, reg - 0x800, val);
    }
    if (reg == X86_INTC_APICBASE) {
        return write_base(l, val);
    }
    g_mutex_lock(&l->lock);
    bool ok = true;
    switch (reg) {
    case X86_INTC_CR8:
        l->tpr = (val & 15) << 4;
        lapic_update(l);
        break;
    case 0x6e0:
        lapic_write_tsc_deadline(l, val);
        break;
    default:
        ok = false;
    }
    g_mutex_unlock(&l->lock);
    return ok;
}

static void lapic_init(void *opaque)
{
    Lapic *l = opaque;

    lapic_borrow(l, true);
    g_mutex_lock(&l->lock);
    lapic_init_state(l);
    lapic_update(l);
    g_mutex_unlock(&l->lock);
}

static const CpuIntcOps lapic_intc_ops = {
    .acknowledge = lapic_acknowledge,
    .sysreg_read = lapic_sysreg_read,
    .sysreg_write = lapic_sysreg_write,
    .init = lapic_init,
    .dump = lapic_dump,
};

/* ---- type ---- */

static void lapic_outputs(Device *d)
{
    Lapic *l = (Lapic *)d;

    g_mutex_lock(&l->lock);
    lapic_update(l);
    g_mutex_unlock(&l->lock);
}

static bool lapic_realize(Device *d, Error **errp)
{
    Lapic *l = (Lapic *)d;

    l->cpu = machine_cpu(d->machine, l->cpu_index);
    if (!l->cpu || !l->bus) {
        error_set(errp, ERR_INVALID_PARAMETER, "apic: no processor %u or no bus", l->cpu_index);
        return false;
    }
    g_mutex_init(&l->lock);
    timer_init(&l->timer, d->machine, CLOCK_VIRTUAL, lapic_timer_fired, l);
    l->cpu->intc_opaque = l;
    l->cpu->intc = &lapic_intc_ops;
    apic_bus_attach((ApicBus *)l->bus, l);
    return true;
}

static void lapic_unrealize(Device *d)
{
    Lapic *l = (Lapic *)d;

    apic_bus_detach((ApicBus *)l->bus, l);
    l->cpu->intc = NULL;
    timer_fini(&l->timer);
    g_mutex_clear(&l->lock);
}

static void lapic_reset_hold(Device *d)
{
    Lapic *l = (Lapic *)d;

    g_mutex_lock(&l->lock);
    l->base = APIC_DEFAULT_BASE | BASE_ENABLE | (l->cpu->index == 0 ? BASE_BSP : 0);
    l->id = l->cpu->arch_id;
    l->borrowed = false;
    lapic_init_state(l);
    g_mutex_unlock(&l->lock);
    apic_bus_move_window((ApicBus *)l->bus, APIC_DEFAULT_BASE);
}

static bool lapic_post_load(Device *d, int version, Error **errp)
{
    Lapic *l = (Lapic *)d;

    if (l->count_start < 0 || l->count_start > TIME_LIMIT) {
        error_set(errp, ERR_GENERIC, "apic: a time in the saved state is out of range");
        return false;
    }
    if (l->base & BASE_ENABLE) {
        apic_bus_move_window((ApicBus *)l->bus, l->base & MASK64(12, 40));
    }
    return true;
}

static const Property lapic_props[] = {
    PROP(Lapic, PROP_U32, cpu_index, "cpu-index", 0, "processor that it belongs to"),
    {.name = "bus",
     .kind = PROP_LINK,
     .offset = offsetof(Lapic, bus),
     .link_type = "apic-bus",
     .help = "the bus to the other APICs"},
    {0},
};

static const StateField lapic_state[] = {
    HOST_ONLY(Lapic, cpu),
    HOST_ONLY(Lapic, lock),
    HOST_ONLY(Lapic, borrowed),
    HOST_ONLY(Lapic, changed),
    HOST_ONLY(Lapic, loaded),
    STATE(Lapic, STATE_U64, base, 0),
    STATE(Lapic, STATE_U32, id, 0),
    STATE(Lapic, STATE_U32, ldr, 0),
    STATE(Lapic, STATE_U32, dfr, 0),
    STATE(Lapic, STATE_U32, svr, 0),
    STATE(Lapic, STATE_U32, tpr, 0),
    STATE(Lapic, STATE_U32, esr, 0),
    STATE(Lapic, STATE_U32, errors, 0),
    STATE(Lapic, STATE_U64, icr, 0),
    STATE_ARRAY(Lapic, STATE_U32, irr, 8, 0),
    STATE_ARRAY(Lapic, STATE_U32, isr, 8, 0),
    STATE_ARRAY(Lapic, STATE_U32, tmr, 8, 0),
    STATE_ARRAY(Lapic, STATE_U32, lvt, LVT_COUNT, APIC_LVT_MASKED),
    STATE_KEEP(Lapic, STATE_U8, lint, 2),
    STATE(Lapic, STATE_U32, divide, 0),
    STATE(Lapic, STATE_U32, initial_count, 0),
    STATE(Lapic, STATE_I64, count_start, 0),
    STATE(Lapic, STATE_U64, tsc_deadline, 0),
    STATE(Lapic, STATE_I64, due, TIMER_NEVER),
    STATE(Lapic, STATE_TIMER, timer, 0),
    {0},
};

const DeviceType apic_type = {
    .name = "apic",
    .help = "local APIC of a processor",
    .bus = "sysbus",
    .size = sizeof(Lapic),
    .version = 1,
    .internal = true,
    .needs = "a processor and an apic-bus",
    .props = lapic_props,
    .state = lapic_state,
    .realize = lapic_realize,
    .unrealize = lapic_unrealize,
    .reset_hold = lapic_reset_hold,
    .post_load = lapic_post_load,
    .outputs = lapic_outputs,
    .info = lapic_info,
};
DEVICE_TYPE(apic_type);
