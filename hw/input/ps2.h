/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PS/2 devices as plain chips: bytes in, a queue of bytes out. i8042.c plugs
 * them in and lists their fields in its state table.
 *
 * home: the machine's lock domain.
 */
#ifndef HW_INPUT_PS2_H
#define HW_INPUT_PS2_H

#include <stdbool.h>
#include <stdint.h>

#define PS2_QUEUE 32

typedef struct Ps2Queue {
    uint8_t data[PS2_QUEUE];
    uint8_t head, count;
} Ps2Queue;

bool ps2_pop(Ps2Queue *q, uint8_t *byte);

typedef struct Ps2Keyboard {
    Ps2Queue q;
    uint8_t command; /* waits for its parameter, 0 = none */
    uint8_t scanning;
    uint8_t set; /* scan code set 1 to 3 */
    uint8_t leds;
    uint8_t last; /* for Resend */
} Ps2Keyboard;

void ps2_keyboard_reset(Ps2Keyboard *k);
void ps2_keyboard_write(Ps2Keyboard *k, uint8_t v);
void ps2_keyboard_key(Ps2Keyboard *k, uint8_t key, bool down);
/* The controller's translation of set 2 into set 1. */
uint8_t ps2_translate(uint8_t code);

typedef struct Ps2Mouse {
    Ps2Queue q;
    uint8_t command;
    uint8_t reporting, remote, wrap;
    uint8_t scaling; /* 1 = 2:1 */
    uint8_t resolution, rate;
    uint8_t knock; /* progress of the IntelliMouse sequence 200, 100, 80 */
    uint8_t id;    /* 0, or 3 with a wheel */
    uint8_t buttons, buttons_sent;
    int64_t dx, dy, dz; /* not reported yet */
} Ps2Mouse;

void ps2_mouse_reset(Ps2Mouse *m);
void ps2_mouse_write(Ps2Mouse *m, uint8_t v);
void ps2_mouse_move(Ps2Mouse *m, int dx, int dy, int dz, unsigned buttons);
/* Queues a report if there is something to say and the queue is empty. */
void ps2_mouse_poll(Ps2Mouse *m);

#endif
