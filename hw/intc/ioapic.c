/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/O APIC with 24 pins.
 *
 * Intel 82093AA data sheet (order 290566): "Register description" (3.0),
 * "I/O redirection table registers" (3.2.4); version 20h adds the EOI register
 * at 40h (as in Intel's ICH data sheets). One that an accelerator will have is, as KVM's, version 11h.
 *
 * Left out: ExtINT and SMI through a pin, the serial APIC bus, arbitration.
 *
 * outputs: none; it sends messages on the apic-bus.  home: the machine's lock domain.
 */
#include <inttypes.h>

#include "hw/intc/ioapic.h"
#include "base/bits.h"
#include "core/machine.h"
#include "core/pcchips.h"
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
    uint8_t version;
    LentChip lent; /* the host has the registers and knows the wires */
    uint64_t rises[IOAPIC_PINS]; /* of the pins, for `info irq` */
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
    IoApic *s = (IoApic *)d;

    for (int n = 0; n < IOAPIC_PINS && !s->lent.host; n++) {
        tell(s, n);
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

/* ---- while an accelerator has it (core/pcchips.h) ---- */

static void from_host(Device *d)
{
    IoApic *s = (IoApic *)d;
    IoApicImage img;

    s->lent.host->load_ioapic(s->dev.machine, &img);
    s->id = img.id & 15;
    s->select = img.select;
    for (int n = 0; n < IOAPIC_PINS; n++) {
        s->entry[n] = img.entry[n] & (RTE_WRITABLE | RTE_REMOTE);
    }
}

static void to_host(Device *d)
{
    const IoApic *s = (const IoApic *)d;
    IoApicImage img = {.base = s->base, .id = s->id, .select = s->select};

    for (int n = 0; n < IOAPIC_PINS; n++) {
        img.entry[n] = s->entry[n];
        img.level |= (uint32_t)(s->level[n] && (s->entry[n] & RTE_LEVEL)) << n;
    }
    s->lent.host->store_ioapic(s->dev.machine, &img);
    for (int n = 0; n < IOAPIC_PINS; n++) {
        if (!s->level[n]) {
            s->lent.host->ioapic_line(s->dev.machine, n, 0); /* it may have been high when it was taken back */
        }
    }
}

static const LentChipOps lent_ops = {.fetch = from_host, .store = to_host};

/* ---- inputs, ends of interrupts ---- */

static void ioapic_set_input(void *opaque, int n, int level)
{
    IoApic *s = opaque;
    bool rose = level && !s->level[n];

    bool changed = rose || (!level && s->level[n]);

    s->level[n] = level != 0;
    s->rises[n] += rose;
    if (s->lent.host) {
        if (changed) {
            s->lent.host->ioapic_line(s->dev.machine, n, level != 0);
        }
    } else if (s->entry[n] & RTE_LEVEL) {
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

    lent_chip_borrow(&s->lent);
    for (int n = 0; n < IOAPIC_PINS; n++) {
        if ((s->entry[n] & (RTE_REMOTE | RTE_LEVEL)) == (RTE_REMOTE | RTE_LEVEL) &&
            (uint8_t)s->entry[n] == vector) {
            s->entry[n] &= ~RTE_REMOTE;
            service_level(s, n);
        }
    }
    lent_chip_give_back(&s->lent);
}

static uint32_t read_reg(IoApic *s, uint8_t r)
{
    switch (r) {
    case 0x00:
    case 0x02: /* arbitration ID follows the ID */
        return s->id << 24;
    case 0x01:
        return (IOAPIC_PINS - 1) << 16 | s->version;
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

    lent_chip_borrow(&s->lent);
    lent_chip_give_back(&s->lent);
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

    lent_chip_borrow(&s->lent);
    switch (offset) {
    case 0x00:
        s->select = v;
        break;
    case 0x10:
        write_reg(s, s->select, v);
        break;
    }
    lent_chip_give_back(&s->lent);
    if (offset == 0x40 && s->version >= 0x20) {
        ioapic_eoi(s, v);
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
    if (machine_chip_host(d->machine) && s->base != IOAPIC_BASE) {
        error_set(errp, ERR_UNSUPPORTED, "with kernel-irqchip=on there is one I/O APIC");
        error_hint(errp, "kernel-irqchip=split has as many as the board wants");
        return false;
    }
    s->version = machine_chip_host(d->machine) ? 0x11 : 0x20;
    device_add_lent_chip(d, &s->lent, &lent_ops);
    apic_bus_add_eoi(s->bus, ioapic_eoi, s);
    s->first_pin = apic_bus_add_pins(s->bus, IOAPIC_PINS);
    device_map_memory(d, s->base, 0x1000, &ioapic_ops, "ioapic");
    return true;
}

static void ioapic_info(Device *d, GString *out)
{
    IoApic *s = (IoApic *)d;

    lent_chip_refresh(&s->lent);
    for (int n = 0; n < IOAPIC_PINS; n++) {
        uint64_t e = s->entry[n];
        g_string_append_printf(out, "pin %2d: vec %02x dest %02x mode %d%s%s%s%s level %d\n", n,
                               (uint8_t)e, (uint8_t)(e >> 56), (int)(e >> 8 & 7),
                               e & 1 << 11 ? " logical" : "", e & RTE_LEVEL ? " level" : "",
                               e & RTE_MASKED ? " masked" : "", e & RTE_REMOTE ? " irr" : "",
                               s->level[n]);
    }
}

static void put_pin(uint64_t e, int n, GString *out)
{
    static const char *const modes[8] = {"fixed", "lowest", "SMI", "...", "NMI", "INIT", "...", "extINT"};
    bool logical = e >> 11 & 1;

    g_string_append_printf(out, "  pin %-2d 0x%016" PRIx64 " dest=%" PRIx64 " vec=%-3d %s %-5s %-6s %-6s %s\n", n, e,
                           e >> 56 & (logical ? 0xff : 0xf), (uint8_t)e, e & RTE_POLARITY ? "active-lo" : "active-hi",
                           e & RTE_LEVEL ? "level" : "edge", e & RTE_MASKED ? "masked" : "", modes[e >> 8 & 7],
                           logical ? "logical" : "physical");
}

static void put_pins(const char *name, uint32_t pins, GString *out)
{
    g_string_append_printf(out, "  %-8s ", name);
    for (int n = 0; n < IOAPIC_PINS; n++) {
        if (pins >> n & 1) {
            g_string_append_printf(out, "%-2d ", n);
        }
    }
    g_string_append(out, pins ? "\n" : "(none)\n");
}

static void ioapic_pic_info(Device *d, int index, GString *out)
{
    IoApic *s = (IoApic *)d;
    uint32_t asks = 0, remote = 0;

    lent_chip_refresh(&s->lent);
    g_string_append_printf(out, "ioapic%d: ver=0x%x id=0x%02x sel=0x%02x", index, s->version, s->id, s->select);
    if (s->select) {
        g_string_append_printf(out, " (redir[%d])", (s->select - 0x10) >> 1);
    }
    g_string_append_c(out, '\n');
    for (int n = 0; n < IOAPIC_PINS; n++) {
        bool level = s->entry[n] & RTE_LEVEL;
        put_pin(s->entry[n], n, out);
        asks |= (uint32_t)(level && s->level[n]) << n;
        remote |= (uint32_t)(level && (s->entry[n] & RTE_REMOTE)) << n;
    }
    put_pins("IRR", asks, out);
    put_pins("Remote IRR", remote, out);
}

static const uint64_t *ioapic_irq_counts(Device *d, unsigned *n)
{
    *n = IOAPIC_PINS;
    return ((IoApic *)d)->rises;
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
    HOST_ONLY(IoApic, version),
    HOST_ONLY(IoApic, lent),
    HOST_ONLY(IoApic, rises),
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
    .pic_info = ioapic_pic_info,
    .irq_counts = ioapic_irq_counts,
};
DEVICE_TYPE(ioapic_type);
