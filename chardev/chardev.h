/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host side of character devices: what creates and lists them. For main/
 * and the monitor's commands; chips include chardev/char.h only.
 *
 * home: the machine's main loop.
 */
#ifndef CHARDEV_CHARDEV_H
#define CHARDEV_CHARDEV_H

#include <glib.h>
#include "base/error.h"
#include "base/json.h"
#include "chardev/char.h"

typedef struct Chardev Chardev;

/* The character devices of one machine. Freed after the machine. */
CharSet *charset_new(GMainContext *loop);
/* Writes out what is pending (for a bounded time) and gives the terminal back. */
void charset_free(CharSet *set);
/* What Ctrl-A x of a multiplexer does. */
void charset_on_quit(CharSet *set, void (*fn)(void *opaque), void *opaque);
/* -echr: the multiplexer's escape character (1 = Ctrl-A), 0 = none. */
void charset_set_escape(CharSet *set, uint8_t ch);
Chardev *charset_find(CharSet *set, const char *id); /* NULL if none */
/* In order of creation; n counts from 0, NULL past the end. */
Chardev *charset_nth(CharSet *set, unsigned n);
/* The names and one-line helps of all backends: -chardev help. */
void charset_print_help(GString *out);
/* Their names, n from 0; NULL past the end. */
const char *chardev_backend_nth(unsigned n);

/*
 * A new device of an object of options as opts_parse(text, "backend") gives it: "backend" and
 * "id", the backend's own, and the common ones mux, logfile and logappend.
 */
Chardev *chardev_new(CharSet *set, json_t *opts, Error **errp);
/* The value of -chardev: "socket,id=c0,path=/tmp/s,server=on,wait=off", or JSON. */
Chardev *chardev_new_from_opts(CharSet *set, const char *text, Error **errp);
/*
 * The value of -serial, -monitor, -qmp, -debugcon ...: "stdio", "mon:stdio", "file:/tmp/x",
 * "unix:/tmp/s,server=on,wait=off", "tcp:localhost:4444,server", "chardev:id", "none" ...
 * *port gets the port for the front end named label, or NULL for "none". With "mon:" in
 * front *mon gets the port of the monitor that shares the device; where mon is NULL that is
 * an error.
 */
bool chardev_open_legacy(CharSet *set, const char *label, const char *spec, CharPort **port,
                         CharPort **mon, Error **errp);
/* The one form for callers that want no monitor. NULL and no error for "none". */
CharPort *chardev_new_from_legacy(CharSet *set, const char *label, const char *spec, Error **errp);

/* A port for one front end. A device that is no multiplexer (mux=on) has one only. */
CharPort *chardev_claim(Chardev *d, const char *name, Error **errp);
/* The front end of a claimed port is gone for good: another one may claim the device, or it can be removed. */
void chardev_release(CharPort *p);
/* Removes a device that no front end holds. */
bool chardev_remove(Chardev *d, Error **errp);

const char *chardev_id(const Chardev *d);
const char *chardev_filename(const Chardev *d); /* as QEMU's query-chardev: "pty:/dev/pts/3" */
bool chardev_has_frontend(const Chardev *d);
const char *chardev_backend_name(const Chardev *d);
bool chardev_is_mux(const Chardev *d);

/* Bytes that a "ringbuf" (or "memory") device holds; at most max are taken out. */
size_t chardev_ring_read(Chardev *d, uint8_t *buf, size_t max, Error **errp);
/* Bytes that arrive at the front end of a "ringbuf" device, as from a peer. */
bool chardev_ring_write(Chardev *d, const uint8_t *buf, size_t len, Error **errp);

#endif
