/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pvpanic: a guest kernel says that it panicked.
 *
 * The published pvpanic specification: reading the port gives the supported
 * events; bit 0 written = panicked, bit 1 = crash kernel takes over.
 *
 * home: the machine's lock domain.
 */
#include "core/machine.h"

#define PANICKED     1
#define CRASH_LOADED 2

typedef struct PvPanic {
    Device dev;
    uint16_t ioport;
    uint8_t events;
} PvPanic;

static uint64_t pvpanic_read(void *opaque, hwaddr offset, unsigned size)
{
    return ((PvPanic *)opaque)->events;
}

static void pvpanic_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    PvPanic *s = opaque;

    v &= s->events;
    if (v & PANICKED) {
        machine_emit_event(s->dev.machine, "GUEST_PANICKED", "{\"action\": \"pause\"}");
        machine_request_stop(s->dev.machine, RUN_STATE_GUEST_PANICKED);
    } else if (v & CRASH_LOADED) {
        machine_emit_event(s->dev.machine, "GUEST_CRASHLOADED", "{\"action\": \"run\"}");
    }
}

static const IoOps pvpanic_ops = {pvpanic_read, pvpanic_write, .max_size = 1};

static bool pvpanic_realize(Device *d, Error **errp)
{
    PvPanic *s = (PvPanic *)d;

    device_map_ports(d, s->ioport, 1, &pvpanic_ops, "pvpanic");
    return true;
}

static const Property pvpanic_props[] = {
    PROP(PvPanic, PROP_U16, ioport, "ioport", 0x505, "I/O port"),
    PROP(PvPanic, PROP_U8, events, "events", PANICKED | CRASH_LOADED,
         "events it offers, a bit mask"),
    {0},
};

static const StateField pvpanic_state[] = {
    {0},
};

static const DeviceType pvpanic_type = {
    .name = "pvpanic",
    .help = "port on which a guest reports its panic",
    .bus = "isa",
    .size = sizeof(PvPanic),
    .version = 1,
    .user_creatable = true,
    .props = pvpanic_props,
    .state = pvpanic_state,
    .realize = pvpanic_realize,
};
DEVICE_TYPE(pvpanic_type);
