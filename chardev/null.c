/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices without a host peer: "null" swallows everything, "ringbuf" keeps the
 * last bytes in memory for the monitor and for tests.
 */
#include <string.h>
#include "base/bits.h"
#include "chardev/backend.h"

static ssize_t null_write(Chardev *d, const uint8_t *buf, size_t len)
{
    return len;
}

static bool null_open(Chardev *d, const CharOpts *o, Error **errp)
{
    chardev_connected(d, -1, -1);
    return true;
}

static const CharOption no_options[] = {{NULL}};

static const CharBackendType null_type = {
    .name = "null",
    .help = "Drops all output and never has input",
    .options = no_options,
    .size = sizeof(Chardev),
    .open = null_open,
    .write = null_write,
};
CHAR_BACKEND(null_type);

/* Without a display a virtual console shows nothing: it behaves as null. */
static const CharOption vc_options[] = {
    {"width", CHAR_OPT_NUMBER, "Width in pixels (no effect without a display)"},
    {"height", CHAR_OPT_NUMBER, "Height in pixels (no effect without a display)"},
    {"cols", CHAR_OPT_NUMBER, "Width in characters (no effect without a display)"},
    {"rows", CHAR_OPT_NUMBER, "Height in characters (no effect without a display)"},
    {NULL},
};

static const CharBackendType vc_type = {
    .name = "vc",
    .help = "Virtual console of the display window; without one the same as null",
    .options = vc_options,
    .size = sizeof(Chardev),
    .open = null_open,
    .write = null_write,
};
CHAR_BACKEND(vc_type);

/* ---- ringbuf ---- */

#define RING_DEFAULT 65536
#define RING_MAX     (64u << 20)

typedef struct RingDev {
    Chardev dev;
    uint8_t *ring; /* guarded by: dev.lock, with the next two */
    size_t size;   /* a power of two */
    uint64_t prod, cons;
} RingDev;

static bool ring_open(Chardev *d, const CharOpts *o, Error **errp)
{
    RingDev *r = (RingDev *)d;
    uint64_t size = char_opt_number(o, "size", RING_DEFAULT);

    if (!is_pow2(size) || size > RING_MAX) {
        error_set(errp, ERR_INVALID_PARAMETER, "the size of a ringbuf must be a power of two");
        error_hint(errp, "for example size=64K; at most 64M");
        return false;
    }
    r->size = size;
    r->ring = g_malloc(size);
    chardev_connected(d, -1, -1);
    return true;
}

static void ring_close(Chardev *d)
{
    g_free(((RingDev *)d)->ring);
}

static ssize_t ring_write(Chardev *d, const uint8_t *buf, size_t len)
{
    RingDev *r = (RingDev *)d;

    for (size_t i = 0; i < len; i++) {
        r->ring[r->prod++ & (r->size - 1)] = buf[i];
    }
    if (r->prod - r->cons > r->size) {
        r->cons = r->prod - r->size;
    }
    return len;
}

static const CharOption ring_options[] = {
    {"size", CHAR_OPT_SIZE, "Bytes kept, a power of two (default 64K)"},
    {NULL},
};

static const CharBackendType ring_type = {
    .name = "ringbuf",
    .alias = "memory",
    .help = "Keeps the last bytes of output in memory",
    .options = ring_options,
    .size = sizeof(RingDev),
    .open = ring_open,
    .close = ring_close,
    .write = ring_write,
};
CHAR_BACKEND(ring_type);

static RingDev *ring_of(Chardev *d, Error **errp)
{
    if (d->type != &ring_type) {
        error_set(errp, ERR_INVALID_PARAMETER, "character device '%s' is a %s, not a ringbuf",
                  d->id, d->type->name);
        return NULL;
    }
    return (RingDev *)d;
}

size_t chardev_ring_read(Chardev *d, uint8_t *buf, size_t max, Error **errp)
{
    RingDev *r = ring_of(d, errp);
    size_t n = 0;

    if (!r) {
        return 0;
    }
    pthread_mutex_lock(&d->lock);
    while (n < max && r->cons != r->prod) {
        buf[n++] = r->ring[r->cons++ & (r->size - 1)];
    }
    pthread_mutex_unlock(&d->lock);
    return n;
}

bool chardev_ring_write(Chardev *d, const uint8_t *buf, size_t len, Error **errp)
{
    if (!ring_of(d, errp)) {
        return false;
    }
    chardev_input(d, buf, len);
    return true;
}
