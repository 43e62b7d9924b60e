/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PrimeCell general purpose input/output (PL061): eight lines, each an input or an output, which interrupt on levels or
 * edges.
 *
 * Arm DDI 0190B, chapter 3 "programmer's model". Left out: hardware control of the lines (GPIOAFSEL is kept, no more),
 * test registers. Lines that nobody drives read as the board's pull-ups and pull-downs say ("pullups", "pulldowns").
 *
 * outputs: 0 = GPIOINTR, 1 to 8 = the lines.  home: the machine's lock domain.
 */
#include "hw/gpio/pl061.h"

#include "base/log.h"
#include "core/machine.h"

#define R_DATA_END 0x400 /* address bits 9:2 choose the lines of an access */
enum {
    R_DIR = 0x400,
    R_IS = 0x404,
    R_IBE = 0x408,
    R_IEV = 0x40c,
    R_IE = 0x410,
    R_RIS = 0x414,
    R_MIS = 0x418,
    R_IC = 0x41c,
    R_AFSEL = 0x420,
};
#define ID_REGS 0xfe0

typedef struct Pl061 {
    Device dev;
    uint64_t base;             /* properties */
    uint8_t pullups, pulldowns;
    uint8_t data;              /* output register */
    uint8_t dir, is, ibe, iev, ie, afsel;
    uint8_t edges;             /* edges that were seen, a bit per line */
    uint8_t driven, level;     /* from outside: who drives, and how */
    uint8_t last;              /* the lines when edges were last looked for */
    MemoryRegion *regs;
} Pl061;

/* The lines as they are. */
static uint8_t lines(const Pl061 *s)
{
    uint8_t outside = (s->level & s->driven) | (s->pullups & ~s->driven);

    return (s->data & s->dir) | (outside & ~s->dir);
}

/* Raw interrupt status: edges as they were seen, levels as they are (3.3.6). */
static uint8_t raw_status(const Pl061 *s)
{
    uint8_t levels = ~(lines(s) ^ s->iev) & s->is;

    return levels | (s->edges & ~s->is);
}

static void look_for_edges(Pl061 *s)
{
    uint8_t now = lines(s), changed = now ^ s->last;

    s->edges |= changed & ~s->is & (s->ibe | ~(now ^ s->iev));
    s->last = now;
}

static void pl061_outputs(Device *d)
{
    Pl061 *s = (Pl061 *)d;

    irq_set(d->out[PL061_OUT_IRQ], (raw_status(s) & s->ie) != 0);
    for (int i = 0; i < PL061_LINES; i++) {
        irq_set(d->out[PL061_OUT_LINE0 + i], lines(s) >> i & 1);
    }
}

static void input_set(void *opaque, int n, int level)
{
    Pl061 *s = opaque;

    s->driven |= 1 << n;
    s->level = (s->level & ~(1 << n)) | (level != 0) << n;
    look_for_edges(s);
    device_update(&s->dev);
}

Irq pl061_input(Device *d, int n)
{
    return (Irq){input_set, d, n};
}

MemoryRegion *pl061_region(Device *d)
{
    return ((Pl061 *)d)->regs;
}

/* ---- registers ---- */

static uint64_t pl061_read(void *opaque, hwaddr offset, unsigned size)
{
    static const uint8_t id[8] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    const Pl061 *s = opaque;

    if (offset < R_DATA_END) {
        return lines(s) & offset >> 2;
    }
    switch (offset) {
    case R_DIR:
        return s->dir;
    case R_IS:
        return s->is;
    case R_IBE:
        return s->ibe;
    case R_IEV:
        return s->iev;
    case R_IE:
        return s->ie;
    case R_RIS:
        return raw_status(s);
    case R_MIS:
        return raw_status(s) & s->ie;
    case R_AFSEL:
        return s->afsel;
    }
    if (offset >= ID_REGS && !(offset & 3)) {
        return id[(offset - ID_REGS) >> 2];
    }
    log_mask(LOG_GUEST_ERROR, "pl061: a read at 0x%x, where no register is\n", (unsigned)offset);
    return 0;
}

static void register_write(Pl061 *s, hwaddr offset, uint8_t v)
{
    switch (offset) {
    case R_DIR:
        s->dir = v;
        break;
    case R_IS:
        s->is = v;
        break;
    case R_IBE:
        s->ibe = v;
        break;
    case R_IEV:
        s->iev = v;
        break;
    case R_IE:
        s->ie = v;
        break;
    case R_IC:
        s->edges &= ~v;
        break;
    case R_AFSEL:
        s->afsel = v;
        break;
    default:
        log_mask(LOG_GUEST_ERROR, "pl061: a write at 0x%x, where nothing can be written\n", (unsigned)offset);
    }
}

static void pl061_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    Pl061 *s = opaque;

    if (offset < R_DATA_END) {
        uint8_t mask = offset >> 2 & s->dir;
        s->data = (s->data & ~mask) | (v & mask);
    } else {
        register_write(s, offset, v);
    }
    look_for_edges(s);
    device_update(&s->dev);
}

static const IoOps pl061_ops = {pl061_read, pl061_write, .min_size = 4, .max_size = 4};

/* ---- type ---- */

static bool pl061_realize(Device *d, Error **errp)
{
    Pl061 *s = (Pl061 *)d;

    if (s->pullups & s->pulldowns) {
        error_set(errp, ERR_INVALID_PARAMETER, "pl061: a line has a pull-up and a pull-down");
        return false;
    }
    device_init_out(d, PL061_OUT_LINE0 + PL061_LINES);
    s->regs = device_io_region(d, "pl061", &pl061_ops, PL061_SIZE);
    if (s->base != UINT64_MAX) {
        region_add(machine_memory_root(d->machine), s->base, s->regs, 0);
    }
    return true;
}

static void pl061_reset(Device *d)
{
    Pl061 *s = (Pl061 *)d;

    s->last = lines(s);
}

static const Property pl061_props[] = {
    PROP(Pl061, PROP_U64, base, "base", 0x09030000, "guest-physical address"),
    PROP(Pl061, PROP_U8, pullups, "pullups", 0xff, "lines that are high while nobody drives them"),
    PROP(Pl061, PROP_U8, pulldowns, "pulldowns", 0, "lines that are low then"),
    {0},
};

static const StateField pl061_state[] = {
    STATE(Pl061, STATE_U8, data, 0),
    STATE(Pl061, STATE_U8, dir, 0),
    STATE(Pl061, STATE_U8, is, 0),
    STATE(Pl061, STATE_U8, ibe, 0),
    STATE(Pl061, STATE_U8, iev, 0),
    STATE(Pl061, STATE_U8, ie, 0),
    STATE(Pl061, STATE_U8, afsel, 0),
    STATE(Pl061, STATE_U8, edges, 0),
    STATE_KEEP(Pl061, STATE_U8, driven, 1), /* wires keep their level over a reset */
    STATE_KEEP(Pl061, STATE_U8, level, 1),
    STATE(Pl061, STATE_U8, last, 0),
    HOST_ONLY(Pl061, regs),
    {0},
};

const DeviceType pl061_type = {
    .name = "pl061",
    .help = "PrimeCell general purpose input/output (PL061)",
    .bus = "sysbus",
    .size = sizeof(Pl061),
    .version = 1,
    .internal = true,
    .props = pl061_props,
    .state = pl061_state,
    .realize = pl061_realize,
    .reset_hold = pl061_reset,
    .outputs = pl061_outputs,
};
DEVICE_TYPE(pl061_type);
