/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character port: the host side of a serial wire, as a chip or monitor sees it.
 * The port header of chardev/: chips include this and nothing else of the room.
 *
 * home: the machine's main loop.  char_write() may be called from any thread
 * (a UART's register write on a vCPU thread); receive callbacks come on the
 * main loop, without any machine lock held (the chip takes it).
 */
#ifndef CHARDEV_CHAR_H
#define CHARDEV_CHAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct CharPort CharPort;
typedef struct CharSet CharSet; /* all character devices of a machine: chardev/chardev.h */

typedef enum CharEvent {
    CHAR_EVENT_OPENED, /* a peer is there (again) */
    CHAR_EVENT_CLOSED,
    CHAR_EVENT_BREAK,
    CHAR_EVENT_FOCUS_IN, /* what is typed comes here now; after OPENED also without a multiplexer */
    CHAR_EVENT_FOCUS_OUT,
} CharEvent;

/* The front end (UART, monitor, debug console). */
typedef struct CharFrontOps {
    size_t (*can_receive)(
        void *opaque); /* bytes it can take now; 0 = later, then char_accept_input() */
    void (*receive)(void *opaque, const uint8_t *buf, size_t len);
    void (*event)(void *opaque, CharEvent ev); /* optional */
    void (*gone)(void *opaque);                /* optional: the port is being freed; forget it */
} CharFrontOps;

/* Attach the one front end of this port (a multiplexer hands out one port per front end). */
void char_attach(CharPort *p, const CharFrontOps *ops, void *opaque);
void char_detach(CharPort *p);
/*
 * Write to the host side. Never blocks for long and never loses bytes of a
 * live peer: returns the number accepted; the rest is to be offered again
 * after the writable callback. A disconnected peer accepts and drops all.
 */
size_t char_write(CharPort *p, const uint8_t *buf, size_t len);
/*
 * Write all, for what cannot wait: replies of monitors, a port without flow control. Up to 16 MiB
 * are queued for a peer that does not read; what is beyond is lost, so that no guest fills the
 * host.
 */
void char_write_all(CharPort *p, const uint8_t *buf, size_t len);
/* Called on the main loop when a short char_write() can go on. NULL removes. */
void char_on_writable(CharPort *p, void (*fn)(void *opaque), void *opaque);
/* The front end has room again. Any thread. */
void char_accept_input(CharPort *p);
const char *char_port_name(const CharPort *p);
/* Bytes written but not yet taken by the host: to stop making more. Any thread. */
size_t char_pending(CharPort *p);
/* Have the writable callback called once there is little pending, though no write was short. */
void char_want_writable(CharPort *p);
/* On a multiplexer, leave the first focus to another front end. Before char_attach(). */
void char_set_background(CharPort *p);
/* The set of devices this port belongs to: for the commands that list them. */
CharSet *char_port_set(const CharPort *p);

#endif
