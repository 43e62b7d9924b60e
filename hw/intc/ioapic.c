/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/O APIC with 24 pins.
 *
 * Intel 82093AA data sheet (order 290566): "Register description" (3.0),
 * "I/O redirection table registers" (3.2.4); version 20h adds the EOI register
 * at 40h (as in Intel's ICH data sheets).
 *
 * Left out: ExtINT and SMI through a pin, the serial APIC bus, arbitration.
 *
 * outputs: none; it sends messages on the apic-bus.  home: the machine's lock domain.
 */
#include "hw/intc/ioapic.h"
#include "base/bits.h"
#include "core/machine.h"
#include "hw/intc/apic.h"

#define RTE_POLARITY (1ull << 13)
#define RTE_REMOTE   (1ull << 14)
#define RTE_LEVEL    (1ull << 15)
#define RTE_MASKED   (1ull << 16)
#define RTE_PENDING  (1ull << 12)
#define RTE_READONLY (RTE_REMOTE | RTE_PENDING)
#define RTE_WRITABLE (0xff0000000001afffull & ~RTE_READONLY)

typedef struct IoApic {
    Device dev;
    Device *bus; /* properties */
    uint64_t base;
    uint8_t id;
    uint8_t select;
    uint64_t entry[IOAPIC_PINS];
    uint8_t level[IOAPIC_PINS]; /* pins */
    uint32_t first_pin; /* on the bus */
} IoApic;

static ApicMessage message(uint64_t e)
{
    return (ApicMessage){
        .dest = e >> 56,
        .logical = e >> 11 & 1,
        .mode = e >> 8 & 7,
        .vector = e,
        .level = (e & RTE_LEVEL) != 0,
    };
}

static void send(IoApic *s, int n)
{
    ApicMessage msg = message(s->entry[n]);

    apic_bus_send(s->bus, &msg);
}

/* Of a masked entry, too: its interrupt may still be in service. */
static void tell(IoApic *s, int n)
{
    ApicMessage msg = message(s->entry[n]);

    apic_bus_set_pin(s->bus, s->first_pin + n, &msg);
}

static void ioapic_outputs(Device *d)
{
    for (int n = 0; n < IOAPIC_PINS; n++) {
        tell((IoApic *)d, n);
    }
}

/* A level-triggered pin asks again and again until it is taken back or masked. */
static void service_level(IoApic *s, int n)
{
    uint64_t e = s->entry[n];

    if (s->level[n] && (e & RTE_LEVEL) && !(e & (RTE_MASKED | RTE_REMOTE))) {
        s->entry[n] |= RTE_REMOTE;
        send(s, n);
    }
}

static void ioapic_set_input(void *opaque, int n, int level)
{
    IoApic *s = opaque;
    bool rose = level && !s->level[n];

    s->level[n] = level != 0;
    if (s->entry[n] & RTE_LEVEL) {
        service_level(s, n);
    } else if (rose && !(s->entry[n] & RTE_MASKED)) {
        send(s, n); /* an edge on a masked pin is lost (3.2.4, bit 16) */
    }
}

Irq ioapic_input(Device *ioapic, int n)
{
    return (Irq){.handler = ioapic_set_input, .opaque = ioapic, .n = n};
}

static void ioapic_eoi(void *opaque, uint8_t vector)
{
    IoApic *s = opaque;

    for (int n = 0; n < IOAPIC_PINS; n++) {
        if ((s->entry[n] & (RTE_REMOTE | RTE_LEVEL)) == (RTE_REMOTE | RTE_LEVEL) &&
            (uint8_t)s->entry[n] == vector) {
            s->entry[n] &= ~RTE_REMOTE;
            service_level(s, n);
        }
    }
}

static uint32_t read_reg(IoApic *s, uint8_t r)
{
    switch (r) {
    case 0x00:
    case 0x02: /* arbitration ID follows the ID */
        return s->id << 24;
    case 0x01:
        return (IOAPIC_PINS - 1) << 16 | 0x20;
    case 0x10 ... 0x10 + 2 * IOAPIC_PINS - 1:
        return s->entry[(r - 0x10) >> 1] >> (r & 1 ? 32 : 0);
    default:
        return 0;
    }
}

static void write_entry(IoApic *s, int n, unsigned shift, uint32_t v)
{
    uint64_t e = deposit64(s->entry[n], shift, 32, v) & RTE_WRITABLE;

    e |= s->entry[n] & RTE_READONLY;
    if (!(e & RTE_LEVEL)) {
        e &= ~RTE_REMOTE; /* Linux changes to edge and back to clear a stuck remote IRR */
    }
    s->entry[n] = e;
    tell(s, n); /* before the message */
    service_level(s, n);
}

static void write_reg(IoApic *s, uint8_t r, uint32_t v)
{
    if (r == 0x00) {
        s->id = v >> 24 & 15;
    } else if (r >= 0x10 && r < 0x10 + 2 * IOAPIC_PINS) {
        write_entry(s, (r - 0x10) >> 1, r & 1 ? 32 : 0, v);
    }
}

static uint64_t ioapic_read(void *opaque, hwaddr offset, unsigned size)
{
    IoApic *s = opaque;

    switch (offset) {
    case 0x00:
        return s->select;
    case 0x10:
        return read_reg(s, s->select);
    default:
        return 0;
    }
}

static void ioapic_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    IoApic *s = opaque;

    switch (offset) {
    case 0x00:
        s->select = v;
        break;
    case 0x10:
        write_reg(s, s->select, v);
        break;
    case 0x40:
        ioapic_eoi(s, v);
        break;
    }
}

static const IoOps ioapic_ops = {ioapic_read, ioapic_write, .min_size = 4, .max_size = 4};

static bool ioapic_realize(Device *d, Error **errp)
{
    IoApic *s = (IoApic *)d;

    if (!s->bus) {
        error_set(errp, ERR_INVALID_PARAMETER, "ioapic: it needs an apic-bus");
        return false;
    }
    apic_bus_add_eoi(s->bus, ioapic_eoi, s);
    s->first_pin = apic_bus_add_pins(s->bus, IOAPIC_PINS);
    device_map_memory(d, s->base, 0x1000, &ioapic_ops, "ioapic");
    return true;
}

static void ioapic_info(Device *d, GString *out)
{
    IoApic *s = (IoApic *)d;

    for (int n = 0; n < IOAPIC_PINS; n++) {
        uint64_t e = s->entry[n];
        g_string_append_printf(out, "pin %2d: vec %02x dest %02x mode %d%s%s%s%s level %d\n", n,
                               (uint8_t)e, (uint8_t)(e >> 56), (int)(e >> 8 & 7),
                               e & 1 << 11 ? " logical" : "", e & RTE_LEVEL ? " level" : "",
                               e & RTE_MASKED ? " masked" : "", e & RTE_REMOTE ? " irr" : "",
                               s->level[n]);
    }
}

static const Property ioapic_props[] = {
    {.name = "bus",
     .kind = PROP_LINK,
     .offset = offsetof(IoApic, bus),
     .link_type = "apic-bus",
     .help = "the bus to the local APICs"},
    PROP(IoApic, PROP_U64, base, "base", IOAPIC_BASE, "guest-physical address"),
    {0},
};

static const StateField ioapic_state[] = {
    HOST_ONLY(IoApic, first_pin),
    STATE(IoApic, STATE_U8, id, 0),
    STATE(IoApic, STATE_U8, select, 0),
    STATE_ARRAY(IoApic, STATE_U64, entry, IOAPIC_PINS, RTE_MASKED),
    STATE_KEEP(IoApic, STATE_U8, level, IOAPIC_PINS),
    {0},
};

const DeviceType ioapic_type = {
    .name = "ioapic",
    .help = "I/O APIC with 24 pins",
    .bus = "sysbus",
    .size = sizeof(IoApic),
    .version = 1,
    .internal = true,
    .needs = "an apic-bus",
    .props = ioapic_props,
    .state = ioapic_state,
    .realize = ioapic_realize,
    .outputs = ioapic_outputs,
    .info = ioapic_info,
};
DEVICE_TYPE(ioapic_type);
