/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 8042 keyboard controller of a PC/AT with PS/2 extensions, ports 60h and 64h.
 *
 * IBM PS/2 hardware technical reference, "Keyboard/auxiliary device controller":
 * status register, command byte, controller commands, output port.
 *
 * The controller answers at once; the input buffer is never full. Left out:
 * password commands, the test inputs, time-outs and parity errors.
 *
 * outputs: 0 = keyboard (IRQ 1), 1 = mouse (IRQ 12), 2 = A20 gate.
 * home: the machine's lock domain.
 */
#include "hw/input/i8042.h"
#include "base/log.h"
#include "core/machine.h"
#include "hw/input/ps2.h"

#define ST_OBF      0x01
#define ST_SYSTEM   0x04
#define ST_COMMAND  0x08
#define ST_UNLOCKED 0x10
#define ST_AUX      0x20

#define CB_KBD_IRQ   0x01
#define CB_AUX_IRQ   0x02
#define CB_SYSTEM    0x04
#define CB_KBD_OFF   0x10
#define CB_AUX_OFF   0x20
#define CB_TRANSLATE 0x40

#define OUT_RESET 0x01 /* low = reset */
#define OUT_A20   0x02
#define OUT_OBF   0x10 /* IRQ 1 */
#define OUT_AUX   0x20 /* IRQ 12 */

enum { FROM_NONE, FROM_CONTROLLER, FROM_KBD, FROM_AUX };

typedef struct I8042 {
    Device dev;
    uint8_t ram[32]; /* byte 0 is the command byte */
    uint8_t out;     /* output buffer */
    uint8_t out_from;
    uint8_t command; /* waits for a byte in port 60h, 0 = none */
    uint8_t last_was_command;
    uint8_t port;      /* output port */
    uint8_t prefix_f0; /* translation: the last byte from the keyboard was F0 */
    Ps2Keyboard kbd;
    Ps2Mouse mouse;
} I8042;

/* ---- output buffer ---- */

static void i8042_outputs(Device *d)
{
    I8042 *s = (I8042 *)d;

    /* Bytes of the controller's own count as the keyboard's. */
    bool kbd = s->out_from == FROM_KBD || s->out_from == FROM_CONTROLLER;
    irq_set(d->out[I8042_OUT_KBD], kbd && (s->ram[0] & CB_KBD_IRQ));
    irq_set(d->out[I8042_OUT_MOUSE], s->out_from == FROM_AUX && (s->ram[0] & CB_AUX_IRQ));
    irq_set(d->out[I8042_OUT_A20], (s->port & OUT_A20) != 0);
}

static bool next_keyboard_byte(I8042 *s)
{
    uint8_t b;

    while (ps2_pop(&s->kbd.q, &b)) {
        if (!(s->ram[0] & CB_TRANSLATE)) {
            s->out = b;
            return true;
        }
        if (b == 0xf0) {
            s->prefix_f0 = 1;
            continue;
        }
        s->out = ps2_translate(b) | (s->prefix_f0 ? 0x80 : 0);
        s->prefix_f0 = 0;
        return true;
    }
    return false;
}

/* The buffer is free: whose turn is it? */
static void refill(I8042 *s)
{
    if (s->out_from != FROM_NONE) {
        return;
    }
    if (!(s->ram[0] & CB_KBD_OFF) && next_keyboard_byte(s)) {
        s->out_from = FROM_KBD;
    } else if (!(s->ram[0] & CB_AUX_OFF)) {
        ps2_mouse_poll(&s->mouse);
        if (ps2_pop(&s->mouse.q, &s->out)) {
            s->out_from = FROM_AUX;
        }
    }
    device_update(&s->dev);
}

static void reply(I8042 *s, uint8_t v, int from)
{
    s->out_from = FROM_NONE; /* a new edge on the line */
    device_update(&s->dev);
    s->out = v;
    s->out_from = from;
    device_update(&s->dev);
}

static uint8_t read_data(I8042 *s)
{
    if (s->out_from != FROM_NONE) {
        s->out_from = FROM_NONE;
        device_update(&s->dev); /* the line falls between two bytes */
    }
    uint8_t v = s->out;
    refill(s);
    return v;
}

/* ---- commands ---- */

static void write_output_port(I8042 *s, uint8_t v)
{
    s->port = v | OUT_RESET;
    if (!(v & OUT_RESET)) {
        machine_request_reset(s->dev.machine, SHUTDOWN_GUEST_RESET);
    }
}

static uint8_t output_port(const I8042 *s)
{
    bool kbd = s->out_from == FROM_KBD || s->out_from == FROM_CONTROLLER;

    return (s->port & ~(OUT_OBF | OUT_AUX)) | (kbd ? OUT_OBF : 0) |
           (s->out_from == FROM_AUX ? OUT_AUX : 0);
}

static void controller_command(I8042 *s, uint8_t v)
{
    s->command = 0;
    switch (v) {
    case 0x00 ... 0x3f: /* 20-3f read RAM; 00-1f is the old spelling */
        reply(s, s->ram[v & 0x1f], FROM_CONTROLLER);
        break;
    case 0x40 ... 0x7f:
        s->command = v | 0x60;
        break;
    case 0xa7:
        s->ram[0] |= CB_AUX_OFF;
        break;
    case 0xa8:
        s->ram[0] &= ~CB_AUX_OFF;
        break;
    case 0xa9: /* test of the mouse's lines */
    case 0xab: /* and the keyboard's */
        reply(s, 0x00, FROM_CONTROLLER);
        break;
    case 0xaa: /* self test */
        s->ram[0] |= CB_SYSTEM;
        reply(s, 0x55, FROM_CONTROLLER);
        break;
    case 0xad:
        s->ram[0] |= CB_KBD_OFF;
        break;
    case 0xae:
        s->ram[0] &= ~CB_KBD_OFF;
        break;
    case 0xc0: /* input port: keyboard not locked, color display */
        reply(s, 0x80, FROM_CONTROLLER);
        break;
    case 0xd0:
        reply(s, output_port(s), FROM_CONTROLLER);
        break;
    case 0xd1 ... 0xd4:
        s->command = v;
        break;
    case 0xdd: /* A20 off and on, as HP's controllers have it */
    case 0xdf:
        s->port = v == 0xdf ? s->port | OUT_A20 : s->port & ~OUT_A20;
        break;
    case 0xe0: /* test inputs */
        reply(s, 0x00, FROM_CONTROLLER);
        break;
    case 0xf0 ... 0xff: /* pulse output port bits that are 0 in the command */
        if (!(v & OUT_RESET)) {
            machine_request_reset(s->dev.machine, SHUTDOWN_GUEST_RESET);
        }
        break;
    default:
        log_mask(LOG_GUEST_ERROR, "i8042: unknown command %02x\n", v);
        break;
    }
    refill(s);
}

static void write_data(I8042 *s, uint8_t v)
{
    uint8_t command = s->command;

    s->command = 0;
    switch (command) {
    case 0: /* for the keyboard; sending enables its clock */
        s->ram[0] &= ~CB_KBD_OFF;
        s->prefix_f0 = 0;
        ps2_keyboard_write(&s->kbd, v);
        break;
    case 0x60 ... 0x7f:
        s->ram[command & 0x1f] = v;
        break;
    case 0xd1:
        write_output_port(s, v);
        break;
    case 0xd2:
        reply(s, v, FROM_KBD);
        break;
    case 0xd3:
        reply(s, v, FROM_AUX);
        break;
    case 0xd4:
        s->ram[0] &= ~CB_AUX_OFF;
        ps2_mouse_write(&s->mouse, v);
        break;
    }
    refill(s);
}

/* ---- ports ---- */

static uint64_t data_read(void *opaque, hwaddr offset, unsigned size)
{
    return read_data(opaque);
}

static void data_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    I8042 *s = opaque;

    s->last_was_command = 0;
    write_data(s, v);
    device_update(&s->dev);
}

static uint64_t status_read(void *opaque, hwaddr offset, unsigned size)
{
    I8042 *s = opaque;

    return ST_UNLOCKED | (s->ram[0] & CB_SYSTEM ? ST_SYSTEM : 0) |
           (s->last_was_command ? ST_COMMAND : 0) | (s->out_from != FROM_NONE ? ST_OBF : 0) |
           (s->out_from == FROM_AUX ? ST_AUX : 0);
}

static void command_write(void *opaque, hwaddr offset, uint64_t v, unsigned size)
{
    I8042 *s = opaque;

    s->last_was_command = 1;
    controller_command(s, v);
    device_update(&s->dev);
}

static const IoOps data_ops = {data_read, data_write, .max_size = 1};
static const IoOps command_ops = {status_read, command_write, .max_size = 1};

void i8042_key(Device *d, uint8_t key, bool down)
{
    I8042 *s = (I8042 *)d;

    ps2_keyboard_key(&s->kbd, key, down);
    refill(s);
}

void i8042_mouse(Device *d, int dx, int dy, int dz, unsigned buttons)
{
    I8042 *s = (I8042 *)d;

    ps2_mouse_move(&s->mouse, dx, dy, dz, buttons);
    refill(s);
}

/* ---- type ---- */

static bool i8042_realize(Device *d, Error **errp)
{
    device_init_out(d, I8042_OUT_COUNT);
    device_map_ports(d, 0x60, 1, &data_ops, "i8042-data");
    device_map_ports(d, 0x64, 1, &command_ops, "i8042-command");
    return true;
}

static void i8042_reset_hold(Device *d)
{
    I8042 *s = (I8042 *)d;

    s->ram[0] = CB_KBD_IRQ | CB_AUX_IRQ;
    s->out = 0;
    ps2_keyboard_reset(&s->kbd);
    ps2_mouse_reset(&s->mouse);
}

static const StateField i8042_state[] = {
    STATE_RAW(I8042, ram),
    STATE(I8042, STATE_U8, out, 0),
    STATE(I8042, STATE_U8, out_from, FROM_NONE),
    STATE(I8042, STATE_U8, command, 0),
    STATE(I8042, STATE_U8, last_was_command, 0),
    STATE(I8042, STATE_U8, port, 0xcf),
    STATE(I8042, STATE_U8, prefix_f0, 0),
    STATE_RAW(I8042, kbd.q.data),
    STATE(I8042, STATE_U8, kbd.q.head, 0),
    STATE(I8042, STATE_U8, kbd.q.count, 0),
    STATE(I8042, STATE_U8, kbd.command, 0),
    STATE(I8042, STATE_U8, kbd.scanning, 0),
    STATE(I8042, STATE_U8, kbd.set, 0),
    STATE(I8042, STATE_U8, kbd.leds, 0),
    STATE(I8042, STATE_U8, kbd.last, 0),
    STATE_RAW(I8042, mouse.q.data),
    STATE(I8042, STATE_U8, mouse.q.head, 0),
    STATE(I8042, STATE_U8, mouse.q.count, 0),
    STATE(I8042, STATE_U8, mouse.command, 0),
    STATE(I8042, STATE_U8, mouse.reporting, 0),
    STATE(I8042, STATE_U8, mouse.remote, 0),
    STATE(I8042, STATE_U8, mouse.wrap, 0),
    STATE(I8042, STATE_U8, mouse.scaling, 0),
    STATE(I8042, STATE_U8, mouse.resolution, 0),
    STATE(I8042, STATE_U8, mouse.rate, 0),
    STATE(I8042, STATE_U8, mouse.knock, 0),
    STATE(I8042, STATE_U8, mouse.id, 0),
    STATE(I8042, STATE_U8, mouse.buttons, 0),
    STATE(I8042, STATE_U8, mouse.buttons_sent, 0),
    STATE(I8042, STATE_I64, mouse.dx, 0),
    STATE(I8042, STATE_I64, mouse.dy, 0),
    STATE(I8042, STATE_I64, mouse.dz, 0),
    {0},
};

const DeviceType i8042_type = {
    .name = "i8042",
    .help = "keyboard controller with PS/2 keyboard and mouse",
    .bus = "isa",
    .size = sizeof(I8042),
    .version = 1,
    .internal = true,
    .state = i8042_state,
    .realize = i8042_realize,
    .reset_hold = i8042_reset_hold,
    .outputs = i8042_outputs,
};
DEVICE_TYPE(i8042_type);
