/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the local APICs: destinations, arbitration, message-signalled
 * interrupts, end-of-interrupt broadcast and the shared MMIO page.
 *
 * Intel SDM vol. 3, chapter 11: "Determining IPI destination", "Lowest priority
 * delivery mode", "Message address register format", "x2APIC mode" (logical ID).
 *
 * The page at the APIC base shows each processor its own APIC. A processor that
 * moves its base moves the page for all, as every known firmware keeps them
 * together.
 *
 * home: any thread, see apic.h.
 */
#include "hw/intc/apic_internal.h"
#include "base/bits.h"
#include "core/machine.h"

/* ---- destinations ---- */

static bool matches_logical(const Lapic *l, uint32_t dest)
{
    uint32_t ldr = __atomic_load_n(&l->ldr, __ATOMIC_RELAXED);
    uint32_t dfr = __atomic_load_n(&l->dfr, __ATOMIC_RELAXED);

    if (apic_x2(l)) {
        return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff);
    }
    if (dest > 0xff) {
        return false;
    }
    ldr >>= 24;
    if (dfr >> 28 == 0xf) { /* flat */
        return dest & ldr;
    }
    return dest >> 4 == ldr >> 4 && (dest & ldr & 0xf); /* cluster */
}

static bool matches(const Lapic *l, const ApicMessage *msg)
{
    if (!(__atomic_load_n(&l->base, __ATOMIC_RELAXED) & BASE_ENABLE)) {
        return false;
    }
    if (msg->dest == (msg->x2apic ? 0xffffffffu : 0xffu)) {
        return true;
    }
    if (msg->logical) {
        return matches_logical(l, msg->dest);
    }
    return __atomic_load_n(&l->id, __ATOMIC_RELAXED) == msg->dest;
}

/* The processor of lowest priority; among equals one after the other. */
static Lapic *arbitrate(ApicBus *bus, const ApicMessage *msg)
{
    uint32_t first = __atomic_fetch_add(&bus->next_lowest, 1, __ATOMIC_RELAXED);
    Lapic *best = NULL;
    int best_priority = 0x100;

    for (guint i = 0; i < bus->apics->len; i++) {
        Lapic *l = bus->apics->pdata[(first + i) % bus->apics->len];

        if (matches(l, msg) && (__atomic_load_n(&l->svr, __ATOMIC_RELAXED) & SVR_ENABLE)) {
            int p = lapic_priority(l);
            if (p < best_priority) {
                best = l;
                best_priority = p;
            }
        }
    }
    return best;
}

static void send_here(ApicBus *bus, const ApicMessage *msg)
{
    if (msg->mode == APIC_LOWEST) {
        Lapic *l = arbitrate(bus, msg);
        if (l) {
            lapic_accept(l, msg);
        }
        return;
    }
    for (guint i = 0; i < bus->apics->len; i++) {
        Lapic *l = bus->apics->pdata[i];
        if (matches(l, msg)) {
            lapic_accept(l, msg);
        }
    }
}

void apic_bus_send(Device *d, const ApicMessage *msg)
{
    ApicBus *bus = (ApicBus *)d;

    g_rw_lock_reader_lock(&bus->lend_lock);
    if (bus->host) {
        apic_bus_send_lent(bus, msg);
    } else {
        send_here(bus, msg);
    }
    g_rw_lock_reader_unlock(&bus->lend_lock);
}

static void send_ipi_here(ApicBus *bus, Lapic *from, int shorthand, const ApicMessage *msg)
{
    switch (shorthand) {
    case TO_DEST:
        send_here(bus, msg);
        break;
    case TO_SELF:
        lapic_accept(from, msg);
        break;
    default:
        for (guint i = 0; i < bus->apics->len; i++) {
            Lapic *l = bus->apics->pdata[i];
            if (l != from || shorthand == TO_ALL) {
                lapic_accept(l, msg);
            }
        }
        break;
    }
}

void apic_bus_send_ipi(ApicBus *bus, Lapic *from, int shorthand, const ApicMessage *msg)
{
    g_rw_lock_reader_lock(&bus->lend_lock);
    if (bus->host) {
        apic_bus_send_ipi_lent(bus, from, shorthand, msg);
    } else {
        send_ipi_here(bus, from, shorthand, msg);
    }
    g_rw_lock_reader_unlock(&bus->lend_lock);
}

void apic_bus_send_msi(Device *bus, uint64_t addr, uint32_t data)
{
    ApicMessage msg = {
        .dest = extract64(addr, 12, 8),
        .logical = addr >> 2 & 1, /* the redirection hint, bit 3, is only a hint */
        .mode = extract32(data, 8, 3),
        .vector = data,
        .level = data >> 15 & 1,
    };

    apic_bus_send(bus, &msg);
}

/* ---- 8259 and I/O APIC ---- */

void apic_bus_add_eoi(Device *d, ApicEoiFn *fn, void *opaque)
{
    ApicBus *bus = (ApicBus *)d;

    for (int i = 0; i < APIC_MAX_EOI; i++) {
        if (!bus->eoi[i].fn) {
            bus->eoi[i].fn = fn;
            bus->eoi[i].opaque = opaque;
            return;
        }
    }
    g_assert_not_reached();
}

void apic_bus_eoi(ApicBus *bus, uint8_t vector)
{
    Machine *m = bus->dev.machine;
    bool take = !machine_locked(m);

    if (take) {
        machine_lock(m);
    }
    for (int i = 0; i < APIC_MAX_EOI && bus->eoi[i].fn; i++) {
        bus->eoi[i].fn(bus->eoi[i].opaque, vector);
    }
    if (take) {
        machine_unlock(m);
    }
}

void apic_bus_set_pic(Device *d, int (*ack)(Device *pic), Device *pic)
{
    ApicBus *bus = (ApicBus *)d;

    bus->pic_ack = ack;
    bus->pic = pic;
}

int apic_bus_extint(ApicBus *bus)
{
    Machine *m = bus->dev.machine;
    bool take = !machine_locked(m);

    if (!bus->pic_ack) {
        return -1;
    }
    if (take) {
        machine_lock(m);
    }
    int vector = bus->pic_ack(bus->pic);
    if (take) {
        machine_unlock(m);
    }
    return vector;
}

void apic_bus_set_tsc(Device *d, int64_t (*tsc_to_ns)(Cpu *cpu, uint64_t tsc))
{
    ((ApicBus *)d)->tsc_to_ns = tsc_to_ns;
}

static void bus_lint(void *opaque, int pin, int level)
{
    ApicBus *bus = opaque;

    for (guint i = 0; i < bus->apics->len; i++) {
        lapic_set_lint(bus->apics->pdata[i], pin, level);
    }
}

Irq apic_bus_lint0(Device *bus)
{
    return (Irq){.handler = bus_lint, .opaque = bus, .n = 0};
}

Irq apic_bus_lint1(Device *bus)
{
    return (Irq){.handler = bus_lint, .opaque = bus, .n = 1};
}

/* ---- the page ---- */

/* Who is looking: the vCPU of this thread; the boot processor for debuggers and tests. */
static Lapic *viewer(ApicBus *bus)
{
    Cpu *cpu = cpu_current();

    for (guint i = 0; i < bus->apics->len; i++) {
        Lapic *l = bus->apics->pdata[i];
        if (!cpu || l->cpu == cpu) {
            return l;
        }
    }
    return NULL;
}

static uint64_t window_read(void *opaque, hwaddr offset, unsigned size)
{
    Lapic *l = viewer(opaque);

    return l ? lapic_mmio_read(l, offset) : 0xffffffff;
}

static void window_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Lapic *l = viewer(opaque);

    if (l) {
        lapic_mmio_write(l, offset, v);
    }
}

static const IoOps window_ops = {
    window_read, window_write, .min_size = 4, .max_size = 4, .lockless = true,
};

void apic_bus_move_window(ApicBus *bus, hwaddr base)
{
    MemoryRegion *root = machine_memory_root(bus->dev.machine);

    g_mutex_lock(&bus->window_lock);
    if (bus->window_base != base) {
        bus->window_base = base;
        mem_transaction_begin(bus->dev.machine);
        region_remove(root, bus->window);
        region_add(root, base, bus->window, 10);
        mem_transaction_commit(bus->dev.machine);
    }
    g_mutex_unlock(&bus->window_lock);
}

/* ---- type ---- */

void apic_bus_attach(ApicBus *bus, Lapic *l)
{
    g_ptr_array_add(bus->apics, l);
}

void apic_bus_detach(ApicBus *bus, Lapic *l)
{
    g_ptr_array_remove(bus->apics, l);
}

static bool bus_realize(Device *d, Error **errp)
{
    ApicBus *bus = (ApicBus *)d;

    bus->apics = g_ptr_array_new();
    g_mutex_init(&bus->window_lock);
    apic_lend_init(bus);
    bus->window = device_io_region(d, "apic", &window_ops, 0x1000);
    bus->window_base = APIC_DEFAULT_BASE;
    region_add(machine_memory_root(d->machine), bus->window_base, bus->window, 10);
    return true;
}

static void bus_unrealize(Device *d)
{
    ApicBus *bus = (ApicBus *)d;

    apic_lend_fini(bus);
    g_ptr_array_free(bus->apics, true);
    g_mutex_clear(&bus->window_lock);
}

static const StateField bus_state[] = {
    HOST_ONLY(ApicBus, apics),       HOST_ONLY(ApicBus, window),
    HOST_ONLY(ApicBus, window_base), HOST_ONLY(ApicBus, window_lock),
    HOST_ONLY(ApicBus, next_lowest), HOST_ONLY(ApicBus, eoi),
    HOST_ONLY(ApicBus, pic_ack),     HOST_ONLY(ApicBus, pic),
    HOST_ONLY(ApicBus, tsc_to_ns),   HOST_ONLY(ApicBus, lend_lock),
    HOST_ONLY(ApicBus, host),        HOST_ONLY(ApicBus, pins),
    HOST_ONLY(ApicBus, pin_count),   {0},
};

const DeviceType apic_bus_type = {
    .name = "apic-bus",
    .help = "messages between local APICs, I/O APICs and PCI",
    .bus = "sysbus",
    .size = sizeof(ApicBus),
    .version = 1,
    .internal = true,
    .state = bus_state,
    .realize = bus_realize,
    .unrealize = bus_unrealize,
};
DEVICE_TYPE(apic_bus_type);
