/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keyboard controller with a PS/2 keyboard and a PS/2 mouse. ui/ feeds it
 * through the two functions below; home: main loop, machine locked.
 */
#ifndef HW_INPUT_I8042_H
#define HW_INPUT_I8042_H

#include "core/device.h"

extern const DeviceType i8042_type;

enum { I8042_OUT_KBD, I8042_OUT_MOUSE, I8042_OUT_A20, I8042_OUT_COUNT };

/*
 * A key by the number that set 1 gives it: 1..0x7f, plus 0x80 for keys with the
 * E0 prefix (0x9c = keypad Enter). 0xc6 is Pause.
 */
void i8042_key(Device *d, uint8_t key, bool down);
/* Movement since the last call (y up), wheel steps (away positive), buttons: 1 left, 2 right, 4
 * middle. */
void i8042_mouse(Device *d, int dx, int dy, int dz, unsigned buttons);

#endif
