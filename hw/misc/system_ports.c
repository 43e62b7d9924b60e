/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The odd ports of a PC's chip set: POST code 80h, fast A20 and reset 92h, coprocessor error F0h.
 *
 * IBM PS/2 hardware technical reference, "System control port A" (92h). ICH9 data sheet, COPROC_ERR (F0h): FERR# sets
 * IRQ 13; a write takes it back and, while FERR# is asserted, asserts IGNNE#, which ends with FERR#. The bits of chip
 * sets that switch this off are not there, as in QEMU: firmware does not set them.
 *
 * inputs: 0 = FERR# (1 = asserted).
 * outputs: 0 = fast A20 gate (1 = address line 20 passes), 1 = IRQ 13, 2 = IGNNE# (1 = asserted).
 * home: the machine's lock domain.
 */
#include "hw/misc/system_ports.h"
#include "core/machine.h"

#define FAST_RESET 0x01
#define FAST_A20   0x02

typedef struct SystemPorts {
    Device dev;
    uint8_t post;
    uint8_t port92;
    uint8_t ferr, irq13, ignne;
} SystemPorts;

static void ports_outputs(Device *d)
{
    const SystemPorts *s = (const SystemPorts *)d;

    irq_set(d->out[0], (s->port92 & FAST_A20) != 0);
    irq_set(d->out[1], s->irq13);
    irq_set(d->out[2], s->ignne);
}

static void set_ferr(void *opaque, int n, int level)
{
    SystemPorts *s = opaque;

    s->irq13 |= level && !s->ferr;
    s->ignne &= level != 0;
    s->ferr = level != 0;
    device_update(&s->dev);
}

Irq system_ports_ferr(Device *d)
{
    return (Irq){set_ferr, d, 0};
}

static uint64_t post_read(void *opaque, hwaddr offset, unsigned size)
{
    return ((SystemPorts *)opaque)->post;
}

static void post_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    ((SystemPorts *)opaque)->post = v;
}

static uint64_t port92_read(void *opaque, hwaddr offset, unsigned size)
{
    return ((SystemPorts *)opaque)->port92;
}

static void port92_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    SystemPorts *s = opaque;
    bool reset = (v & ~s->port92 & FAST_RESET) != 0;

    s->port92 = v & ~0x24; /* bits 2 and 5 read as zero */
    if (reset) {
        machine_request_reset(s->dev.machine, SHUTDOWN_GUEST_RESET);
    }
}

static uint64_t error_read(void *opaque, hwaddr offset, unsigned size)
{
    return 0xff; /* write-only */
}

static void error_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    SystemPorts *s = opaque;

    s->irq13 = 0;
    s->ignne = s->ferr;
}

static const IoOps post_ops = {post_read, post_write, .max_size = 1};
static const IoOps port92_ops = {port92_read, port92_write, .max_size = 1};
static const IoOps error_ops = {error_read, error_write, .max_size = 1};

static bool ports_realize(Device *d, Error **errp)
{
    device_init_out(d, 3);
    device_map_ports(d, 0x80, 1, &post_ops, "post-code");
    device_map_ports(d, 0x92, 1, &port92_ops, "port92");
    device_map_ports(d, 0xf0, 1, &error_ops, "coprocessor-error");
    return true;
}

static const StateField ports_state[] = {
    STATE(SystemPorts, STATE_U8, post, 0),
    STATE(SystemPorts, STATE_U8, port92, 0),
    STATE(SystemPorts, STATE_U8, ferr, 0),
    STATE(SystemPorts, STATE_U8, irq13, 0),
    STATE(SystemPorts, STATE_U8, ignne, 0),
    {0},
};

const DeviceType system_ports_type = {
    .name = "system-ports",
    .help = "POST code, fast A20, reset and coprocessor error ports of a PC",
    .bus = "isa",
    .size = sizeof(SystemPorts),
    .version = 1,
    .internal = true,
    .state = ports_state,
    .realize = ports_realize,
    .outputs = ports_outputs,
};
DEVICE_TYPE(system_ports_type);
