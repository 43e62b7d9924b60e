/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the room: what a backend is, and what it may call.
 *
 * A backend is one const CharBackendType. Most of them only open file
 * descriptors and leave reading, queueing and polling to char.c.
 *
 * home: the machine's main loop, except write(), which runs on the writer's
 * thread with the device's lock held.
 */
#ifndef CHARDEV_BACKEND_H
#define CHARDEV_BACKEND_H

#include <glib.h>
#include <pthread.h>
#include <sys/types.h>
#include "base/error.h"
#include "base/loop.h"
#include "base/registry.h"
#include "chardev/char.h"
#include "chardev/chardev.h"

typedef enum CharOptKind {
    CHAR_OPT_STR,
    CHAR_OPT_BOOL,
    CHAR_OPT_NUMBER,
    CHAR_OPT_SIZE,
    CHAR_OPT_PORT, /* a number or a name */
} CharOptKind;

typedef struct CharOption {
    const char *name; /* NULL ends a table */
    CharOptKind kind;
    const char *help;
} CharOption;

/* Options of one device, all checked against the backend's table. */
typedef struct CharOpts {
    const char *id;
    json_t *obj;
} CharOpts;
const char *char_opt_str(const CharOpts *o, const char *name); /* NULL when not given */
bool char_opt_bool(const CharOpts *o, const char *name, bool def);
uint64_t char_opt_number(const CharOpts *o, const char *name, uint64_t def);

typedef struct CharBackendType {
    const char *name;
    const char *alias; /* other accepted name, or NULL */
    const char *help;
    const CharOption *options;
    size_t size; /* of the struct whose first member is Chardev */
    bool (*open)(Chardev *d, const CharOpts *o, Error **errp);
    void (*close)(Chardev *d);
    /*
     * Takes bytes without blocking: how many, or -errno (-EAGAIN: none now). NULL:
     * chardev_fd_write().
     */
    ssize_t (*write)(Chardev *d, const uint8_t *buf, size_t len);
    /*
     * The peer went: close the descriptors and perhaps wait for the next peer. A backend without
     * it keeps its other direction when one ends.
     */
    void (*hangup)(Chardev *d);
    /* The peer will say no more but reads on: a new peer may replace it. Optional. */
    void (*half_closed)(Chardev *d);
    /* A peer's bytes on their way in or out that are not data (telnet); in place, new length. */
    size_t (*filter_input)(Chardev *d, uint8_t *buf, size_t len);
} CharBackendType;
#define CHAR_BACKEND(sym) REGISTER(CharBackendType, sym)

#define CHAR_QUEUE_MAX     4096        /* bytes that char_write() queues ahead of the host */
#define CHAR_ALL_MAX       (16u << 20) /* the same for char_write_all(); what is beyond is lost */
#define CHAR_MUX_INPUT_MAX 16384       /* bytes typed ahead of a front end on a multiplexer */
#define CHAR_LEFTOVER_MAX  262144      /* bytes kept of a peer that left before they were read */

struct CharPort {
    Chardev *dev;
    char *name;
    const CharFrontOps *ops; /* NULL: not attached */
    void *opaque;
    bool background;
    bool opened, focused; /* what the front end was told */
    GByteArray *in;       /* input it had no room for yet */
    bool blocked;         /* atomic: it has to call char_accept_input() */
    /* guarded by: dev->lock */
    void (*writable)(void *opaque);
    void *writable_opaque;
    bool short_write;
};

typedef struct MuxState {
    bool on;
    bool escaped; /* the escape character was the last one */
    /* guarded by: Chardev.lock */
    bool timestamps, line_start;
    int64_t stamp_zero; /* ns of loop_now_ns() */
} MuxState;

struct Chardev {
    const CharBackendType *type;
    CharSet *set;
    char *id;
    char *filename;
    GPtrArray *ports; /* CharPort *, owned */
    CharPort *focus;  /* receives input; NULL: nobody yet */
    MuxState mux;
    GSource *in_watch, *kick;
    int in_fd;
    bool in_socket; /* in_fd is a socket: half closes are seen while nobody reads */
    bool in_eof;

    pthread_mutex_t lock;
    /* guarded by: lock */
    bool connected;
    bool broken;   /* writing failed: main loop has to clean up */
    bool out_dead; /* nobody reads any more: drop */
    int out_fd;
    GByteArray *out; /* accepted, not written yet */
    size_t out_head; /* bytes of it already written */
    GSource *out_watch;
    int log_fd;
};

struct CharSet {
    GMainContext *loop;
    GPtrArray *devs; /* Chardev *, owned */
    uint8_t escape;
    void (*quit)(void *opaque);
    void *quit_opaque;
};

/* ---- for backends ---- */
void chardev_set_filename(Chardev *d, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* A peer is there: descriptors (-1 = none) of both directions; they stay the backend's to close. */
void chardev_connected(Chardev *d, int in_fd, int out_fd);
/* The peer is gone; char.c calls it on end of file and errors, a backend when it knows otherwise.
 */
void chardev_hangup(Chardev *d);
/* Bytes from the peer, for backends without in_fd. */
void chardev_input(Chardev *d, const uint8_t *buf, size_t len);
/* write(2) or send(2), without blocking and without SIGPIPE. */
ssize_t chardev_fd_write(Chardev *d, const uint8_t *buf, size_t len);
/* The device's state changed: look at everything again, soon. Any thread. */
void chardev_kick(Chardev *d);
bool fd_set_nonblock(int fd);
bool fd_is_socket(int fd);

/* ---- between char.c and mux.c ---- */
void mux_input(Chardev *d, const uint8_t *buf, size_t len);
size_t mux_write(CharPort *p, const uint8_t *buf, size_t len, size_t limit);  /* lock held */
size_t chardev_put(Chardev *d, const uint8_t *buf, size_t len, size_t limit); /* lock held */
void port_event(CharPort *p, CharEvent ev);

/* ---- between set.c and char.c ---- */
void chardev_init(Chardev *d, CharSet *set, const CharBackendType *type, const char *id);
void chardev_fini(Chardev *d);

#endif
