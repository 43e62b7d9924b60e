/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cuts a stream of bytes into JSON texts, and finds its feet again after junk.
 *
 * Texts end where their brackets close, so no line structure is needed. As an
 * extension that clients know from QEMU, strings may be in single quotes.
 * After bytes that cannot be JSON everything up to the end of the line (or a
 * byte 0xff or 0xfe) is skipped.
 */
#ifndef MONITOR_FRAMER_H
#define MONITOR_FRAMER_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Framer {
    GString *text;
    unsigned depth;
    char quote;   /* 0 = outside of a string */
    bool escaped; /* after a backslash in a string */
    bool word;    /* in something outside of brackets that is no string */
    bool lost;    /* skipping to the end of the line */
    void (*message)(void *opaque, const char *text, size_t len);
    void (*error)(void *opaque, const char *why);
    void *opaque;
} Framer;

#define FRAMER_TEXT_MAX  (16u << 20)
#define FRAMER_DEPTH_MAX 1024

void framer_init(Framer *f, void (*message)(void *opaque, const char *text, size_t len),
                 void (*error)(void *opaque, const char *why), void *opaque);
void framer_fini(Framer *f);
void framer_reset(Framer *f);
void framer_feed(Framer *f, const uint8_t *buf, size_t len);

#endif
