/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug console: every byte written to one port appears on the host side.
 *
 * The port reads as the constant that tells firmware somebody listens (Bochs'
 * port E9 convention). Bytes are never dropped: they queue on the host side.
 *
 * home: the machine's lock domain.
 */
#include "hw/char/isa_debugcon.h"
#include "chardev/char.h"
#include "core/machine.h"

typedef struct DebugCon {
    Device dev;
    CharPort *port;
    uint32_t iobase, readback;
} DebugCon;

static uint64_t debugcon_read(void *opaque, hwaddr offset, unsigned size)
{
    return ((DebugCon *)opaque)->readback;
}

static void debugcon_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    DebugCon *s = opaque;
    uint8_t byte = v;

    if (s->port) {
        char_write_all(s->port, &byte, 1);
    }
}

static const IoOps debugcon_ops = {debugcon_read, debugcon_write, .max_size = 1};

static void debugcon_gone(void *opaque)
{
    DebugCon *s = opaque;

    machine_lock(s->dev.machine);
    s->port = NULL;
    machine_unlock(s->dev.machine);
}

static size_t debugcon_can_receive(void *opaque)
{
    return 4096;
}

static void debugcon_receive(void *opaque, const uint8_t *buf, size_t len)
{
}

static const CharFrontOps debugcon_char_ops = {
    .can_receive = debugcon_can_receive, /* what is typed goes nowhere */
    .receive = debugcon_receive,
    .gone = debugcon_gone,
};

static bool debugcon_realize(Device *d, Error **errp)
{
    DebugCon *s = (DebugCon *)d;

    if (s->iobase > 0xffff) {
        error_set(errp, ERR_INVALID_PARAMETER, "isa-debugcon: iobase 0x%x is not a port",
                  s->iobase);
        return false;
    }
    device_map_ports(d, s->iobase, 1, &debugcon_ops, "debugcon");
    if (s->port) {
        char_attach(s->port, &debugcon_char_ops, s);
    }
    return true;
}

static void debugcon_unrealize(Device *d)
{
    DebugCon *s = (DebugCon *)d;

    if (s->port) {
        char_detach(s->port);
    }
}

static const Property debugcon_props[] = {
    {.name = "chardev",
     .kind = PROP_CHARDEV,
     .offset = offsetof(DebugCon, port),
     .help = "character device that gets the bytes"},
    PROP(DebugCon, PROP_U32, iobase, "iobase", 0xe9, "I/O port (SeaBIOS and OVMF use 0x402)"),
    PROP(DebugCon, PROP_U32, readback, "readback", 0xe9, "what the port reads as"),
    {0},
};

static const StateField debugcon_state[] = {
    {0},
};

const DeviceType isa_debugcon_type = {
    .name = "isa-debugcon",
    .help = "debug console on one I/O port",
    .bus = "isa",
    .size = sizeof(DebugCon),
    .version = 1,
    .user_creatable = true,
    .props = debugcon_props,
    .state = debugcon_state,
    .realize = debugcon_realize,
    .unrealize = debugcon_unrealize,
};
DEVICE_TYPE(isa_debugcon_type);
