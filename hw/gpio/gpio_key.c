/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A key on a GPIO line: high while it is pressed, which is a tenth of a second.
 *
 * outputs: 0 = the key's contact.  home: the machine's lock domain.
 */
#include "hw/gpio/pl061.h"

#include "core/machine.h"

#define PRESS (100 * NS_PER_MS) /* longer than drivers wait for a contact to settle */

typedef struct GpioKey {
    Device dev;
    bool pressed;
    Timer timer;
} GpioKey;

static void key_outputs(Device *d)
{
    irq_set(d->out[0], ((GpioKey *)d)->pressed);
}

static void let_go(void *opaque)
{
    GpioKey *s = opaque;

    s->pressed = false;
    device_update(&s->dev);
}

void gpio_key_press(Device *d)
{
    GpioKey *s = (GpioKey *)d;

    s->pressed = true;
    timer_arm(&s->timer, clock_ns(d->machine, CLOCK_VIRTUAL) + PRESS);
    device_update(d);
}

static bool key_realize(Device *d, Error **errp)
{
    device_init_out(d, 1);
    timer_init(&((GpioKey *)d)->timer, d->machine, CLOCK_VIRTUAL, let_go, d);
    return true;
}

static const StateField key_state[] = {
    STATE(GpioKey, STATE_BOOL, pressed, 0),
    STATE(GpioKey, STATE_TIMER, timer, 0),
    {0},
};

const DeviceType gpio_key_type = {
    .name = "gpio-key",
    .help = "key on a GPIO line",
    .bus = "sysbus",
    .size = sizeof(GpioKey),
    .version = 1,
    .internal = true,
    .state = key_state,
    .realize = key_realize,
    .outputs = key_outputs,
};
DEVICE_TYPE(gpio_key_type);
