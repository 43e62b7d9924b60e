/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PS/2 keyboard and mouse.
 *
 * IBM PS/2 hardware technical reference: "Keyboards (101- and 102-key)" and
 * "Auxiliary device". Wheel protocol: Microsoft IntelliMouse (sample rates 200,
 * 100, 80, then Read ID).
 *
 * Left out: make/break modes of single keys (F7 to FD are acknowledged), set 3's
 * own codes (sent as set 2), typematic repeat (the host repeats).
 *
 * home: the machine's lock domain.
 */
#include "hw/input/ps2.h"

#include <string.h>
#include <glib.h>

#define ACK    0xfa
#define RESEND 0xfe
#define PASSED 0xaa

/* ---- queue ---- */

static bool push(Ps2Queue *q, uint8_t byte)
{
    if (q->count >= PS2_QUEUE) {
        return false;
    }
    q->data[(q->head + q->count++) % PS2_QUEUE] = byte;
    return true;
}

bool ps2_pop(Ps2Queue *q, uint8_t *byte)
{
    if (!q->count) {
        return false;
    }
    *byte = q->data[q->head % PS2_QUEUE];
    q->head = (q->head + 1) % PS2_QUEUE;
    q->count--;
    return true;
}

static unsigned room(const Ps2Queue *q)
{
    return q->count < PS2_QUEUE ? PS2_QUEUE - q->count : 0;
}

/* An answer goes before (instead of) what was waiting. */
static void answer(Ps2Queue *q, const uint8_t *bytes, int n)
{
    q->count = 0;
    for (int i = 0; i < n; i++) {
        push(q, bytes[i]);
    }
}
#define ANSWER(q, ...) \
    answer((q), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* ---- keyboard ---- */

/* Set 2 code to set 1 code, as the controller's ROM does it. */
static const uint8_t set2_to_set1[128] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
};

uint8_t ps2_translate(uint8_t code)
{
    if (code < 0x80) {
        return set2_to_set1[code];
    }
    return code == 0x83 ? 0x41 : code == 0x84 ? 0x54 : code;
}

static uint8_t set1_to_set2(uint8_t code)
{
    if (code == 0x41) {
        return 0x83; /* F7 */
    }
    for (int i = 1; i < 128; i++) {
        if (set2_to_set1[i] == code) {
            return i;
        }
    }
    return 0;
}

static void keyboard_defaults(Ps2Keyboard *k)
{
    k->command = 0;
    k->set = 2;
    k->scanning = 1;
}

void ps2_keyboard_reset(Ps2Keyboard *k)
{
    memset(k, 0, sizeof(*k));
    keyboard_defaults(k);
}

static void keyboard_parameter(Ps2Keyboard *k, uint8_t v)
{
    uint8_t command = k->command;

    k->command = 0;
    if (command == 0xf0 && v == 0) {
        ANSWER(&k->q, ACK, k->set);
        return;
    }
    if (command == 0xf0) {
        k->set = v <= 3 ? v : k->set;
    } else if (command == 0xed) {
        k->leds = v & 7;
    }
    ANSWER(&k->q, ACK);
}

void ps2_keyboard_write(Ps2Keyboard *k, uint8_t v)
{
    if (k->command && v < 0x80) {
        keyboard_parameter(k, v);
        return;
    }
    k->command = 0;
    switch (v) {
    case 0xed: /* LEDs */
    case 0xf0: /* scan code set */
    case 0xf3: /* typematic rate */
        k->command = v;
        ANSWER(&k->q, ACK);
        break;
    case 0xee: /* echo */
        ANSWER(&k->q, 0xee);
        break;
    case 0xf2:
        ANSWER(&k->q, ACK, 0xab, 0x83);
        break;
    case 0xf4:
        k->scanning = 1;
        ANSWER(&k->q, ACK);
        break;
    case 0xf5:
        keyboard_defaults(k);
        k->scanning = 0;
        ANSWER(&k->q, ACK);
        break;
    case 0xf6:
        keyboard_defaults(k);
        ANSWER(&k->q, ACK);
        break;
    case 0xf7 ... 0xfd:
        ANSWER(&k->q, ACK);
        break;
    case 0xfe:
        push(&k->q, k->last);
        break;
    case 0xff:
        ps2_keyboard_reset(k);
        ANSWER(&k->q, ACK, PASSED);
        break;
    default:
        ANSWER(&k->q, RESEND);
        break;
    }
}

/* A key's bytes all or not at all: half a code would look like another key. */
static void push_all(Ps2Keyboard *k, const uint8_t *bytes, unsigned n)
{
    if (room(&k->q) < n) {
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        push(&k->q, bytes[i]);
        k->last = bytes[i];
    }
}

void ps2_keyboard_key(Ps2Keyboard *k, uint8_t key, bool down)
{
    static const uint8_t pause1[] = {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5};
    static const uint8_t pause2[] = {0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77};
    uint8_t seq[4];
    unsigned n = 0;

    if (!k->scanning) {
        return;
    }
    if (key == 0xc6) { /* Pause has no break code */
        if (down && k->set == 1) {
            push_all(k, pause1, sizeof(pause1));
        } else if (down) {
            push_all(k, pause2, sizeof(pause2));
        }
        return;
    }
    if (key & 0x80) {
        seq[n++] = 0xe0;
    }
    if (k->set == 1) {
        seq[n++] = (key & 0x7f) | (down ? 0 : 0x80);
    } else {
        if (!down) {
            seq[n++] = 0xf0;
        }
        seq[n++] = set1_to_set2(key & 0x7f);
    }
    push_all(k, seq, n);
}

/* ---- mouse ---- */

static void mouse_defaults(Ps2Mouse *m)
{
    m->reporting = m->remote = m->wrap = m->scaling = m->command = 0;
    m->resolution = 2;
    m->rate = 100;
    m->dx = m->dy = m->dz = 0;
}

void ps2_mouse_reset(Ps2Mouse *m)
{
    memset(m, 0, sizeof(*m));
    mouse_defaults(m);
}

/* One packet of what moved; the rest stays for the next. */
static unsigned mouse_packet(Ps2Mouse *m, uint8_t out[4])
{
    int dx = CLAMP(m->dx, -255, 255), dy = CLAMP(m->dy, -255, 255), dz = CLAMP(m->dz, -7, 7);

    m->dx -= dx;
    m->dy -= dy;
    m->dz -= dz;
    m->buttons_sent = m->buttons;
    out[0] = 0x08 | (m->buttons & 7) | (dx < 0) << 4 | (dy < 0) << 5;
    out[1] = dx;
    out[2] = dy;
    out[3] = -dz; /* toward the user is positive on the wire */
    return m->id == 3 ? 4 : 3;
}

void ps2_mouse_poll(Ps2Mouse *m)
{
    uint8_t p[4];

    if (!m->reporting || m->remote || m->q.count ||
        (!m->dx && !m->dy && !m->dz && m->buttons == m->buttons_sent)) {
        return;
    }
    unsigned n = mouse_packet(m, p);
    for (unsigned i = 0; i < n; i++) {
        push(&m->q, p[i]);
    }
}

void ps2_mouse_move(Ps2Mouse *m, int dx, int dy, int dz, unsigned buttons)
{
    if (!m->reporting) {
        return;
    }
    m->dx = CLAMP(m->dx + dx, -4096, 4096);
    m->dy = CLAMP(m->dy + dy, -4096, 4096);
    m->dz = m->id == 3 ? CLAMP(m->dz + dz, -64, 64) : 0;
    m->buttons = buttons & 7;
    ps2_mouse_poll(m);
}

static void mouse_parameter(Ps2Mouse *m, uint8_t v)
{
    static const uint8_t knock[3] = {200, 100, 80};

    if (m->command == 0xe8) {
        m->resolution = v & 3;
    } else {
        m->rate = v;
        m->knock = v == knock[m->knock % 3] ? m->knock + 1 : v == knock[0];
        if (m->knock >= 3) {
            m->id = 3;
            m->knock = 0;
        }
    }
    m->command = 0;
    ANSWER(&m->q, ACK);
}

static void mouse_status(Ps2Mouse *m)
{
    uint8_t b = m->buttons, v = (b & 1) << 2 | (b & 4) >> 1 | (b & 2) >> 1;

    v |= m->scaling << 4 | m->reporting << 5 | m->remote << 6;
    ANSWER(&m->q, ACK, v, m->resolution, m->rate);
}

static void mouse_command(Ps2Mouse *m, uint8_t v)
{
    uint8_t p[5] = {ACK};

    switch (v) {
    case 0xe6:
    case 0xe7:
        m->scaling = v & 1;
        break;
    case 0xe8: /* resolution */
    case 0xf3: /* sample rate */
        m->command = v;
        break;
    case 0xe9:
        mouse_status(m);
        return;
    case 0xea:
    case 0xf0:
        m->remote = v == 0xf0;
        break;
    case 0xeb:
        answer(&m->q, p, 1 + mouse_packet(m, p + 1));
        return;
    case 0xec:
        break;
    case 0xee:
        m->wrap = 1;
        break;
    case 0xf2:
        ANSWER(&m->q, ACK, m->id);
        return;
    case 0xf4:
    case 0xf5:
        m->reporting = v == 0xf4;
        break;
    case 0xf6:
        mouse_defaults(m);
        break;
    case 0xff:
        ps2_mouse_reset(m);
        ANSWER(&m->q, ACK, PASSED, 0x00);
        return;
    default:
        ANSWER(&m->q, RESEND);
        return;
    }
    ANSWER(&m->q, ACK);
}

void ps2_mouse_write(Ps2Mouse *m, uint8_t v)
{
    if (m->wrap && v != 0xec && v != 0xff) {
        ANSWER(&m->q, v);
        return;
    }
    m->wrap = 0;
    if (m->command) {
        mouse_parameter(m, v);
    } else {
        mouse_command(m, v);
    }
}
