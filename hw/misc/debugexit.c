/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * isa-debug-exit: a write of v ends the emulator with exit status (v << 1) | 1.
 *
 * The convention of kernel test suites (kvm-unit-tests and others).
 *
 * home: the machine's lock domain.
 */
#include "core/machine.h"

typedef struct DebugExit {
    Device dev;
    uint32_t iobase, iosize;
} DebugExit;

static uint64_t debugexit_read(void *opaque, hwaddr offset, unsigned size)
{
    return 0;
}

static void debugexit_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    machine_request_exit(((DebugExit *)opaque)->dev.machine, (int)(v << 1 | 1) & 0xff);
}

static const IoOps debugexit_ops = {debugexit_read, debugexit_write, .max_size = 4};

static bool debugexit_realize(Device *d, Error **errp)
{
    DebugExit *s = (DebugExit *)d;

    if (!s->iosize || s->iosize > 0x10000 || s->iobase > 0x10000 - s->iosize) {
        error_set(errp, ERR_INVALID_PARAMETER, "isa-debug-exit: ports 0x%x+0x%x do not exist",
                  s->iobase, s->iosize);
        return false;
    }
    device_map_ports(d, s->iobase, s->iosize, &debugexit_ops, "isa-debug-exit");
    return true;
}

static const Property debugexit_props[] = {
    PROP(DebugExit, PROP_U32, iobase, "iobase", 0x501, "first I/O port"),
    PROP(DebugExit, PROP_U32, iosize, "iosize", 2, "number of I/O ports"),
    {0},
};

static const StateField debugexit_state[] = {
    {0},
};

static const DeviceType debugexit_type = {
    .name = "isa-debug-exit",
    .help = "port that ends the emulator with an exit status",
    .bus = "isa",
    .size = sizeof(DebugExit),
    .version = 1,
    .user_creatable = true,
    .props = debugexit_props,
    .state = debugexit_state,
    .realize = debugexit_realize,
};
DEVICE_TYPE(debugexit_type);
