/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-rng: entropy for the guest. Virtio 1.2, 5.4.
 *
 * A request gets at most 64 KiB, and all of them together max-bytes in each period.
 *
 * home: the machine's lock.
 */
#include "base/log.h"
#include "base/loop.h"
#include "hw/virtio/rng.h"
#include "hw/virtio/virtio.h"
#include "hw/virtio/virtio_pci.h"

#define REQUEST_MAX 65536

typedef struct VirtioRng {
    VirtioDevice virtio;
    RngSource *source; /* NULL: own */
    uint64_t max_bytes;
    uint32_t period;
    /* saved */
    uint64_t used; /* bytes of this period */
    Timer timer;   /* its end; armed by its first byte */
    /* host */
    RngSource own;
    GSource *watch; /* the source's file, while it had nothing */
} VirtioRng;

static RngSource *source(VirtioRng *s)
{
    return s->source ? s->source : &s->own;
}

/* The bytes that the request got; 0: nothing there now; negative: the source is broken. */
static ssize_t fill(VirtioRng *s, VirtqElem *e)
{
    size_t left = MIN(MIN(e->in_len, REQUEST_MAX), s->max_bytes - s->used), done = 0;

    for (unsigned i = 0; i < e->n_in && left; i++) {
        size_t want = MIN(e->in[i].iov_len, left);
        ssize_t n = rng_read(source(s), e->in[i].iov_base, want);
        if (n <= 0) {
            return done ? (ssize_t)done : n;
        }
        done += n;
        left -= n;
        if ((size_t)n < want) {
            break;
        }
    }
    return done;
}

static void start_period(VirtioRng *s)
{
    if (!timer_armed(&s->timer)) {
        timer_arm(&s->timer,
                  clock_ns(s->virtio.dev.machine, CLOCK_VIRTUAL) + s->period * NS_PER_MS);
    }
}

static void rng_kick(VirtioDevice *v, VirtQueue *vq)
{
    VirtioRng *s = (VirtioRng *)v;
    VirtqElem *e;

    while (s->used < s->max_bytes && (e = virtq_pop(vq))) {
        ssize_t n = e->in_len ? fill(s, e) : 0;
        if (n <= 0 && e->in_len) {
            virtq_unpop(vq, e);
            if (s->watch && n == 0) {
                loop_watch_events(s->watch, G_IO_IN);
            } else if (n < 0) {
                log_printf("virtio-rng: the source of entropy fails: %s\n", g_strerror((int)-n));
            }
            break;
        }
        if (s->max_bytes != INT64_MAX) {
            s->used += n;
            start_period(s);
        }
        virtq_push(vq, e, n);
    }
    virtq_notify(vq);
}

static void period_over(void *opaque)
{
    VirtioRng *s = opaque;

    s->used = 0;
    virtio_kick_later(virtio_queue(&s->virtio, 0));
}

static void source_ready(void *opaque, int fd, GIOCondition ready)
{
    VirtioRng *s = opaque;

    loop_watch_events(s->watch, 0);
    virtio_kick_later(virtio_queue(&s->virtio, 0));
}

static void rng_reset(VirtioDevice *v)
{
}

static const VirtioClass rng_class = {.id = 4, .reset = rng_reset, .kick = rng_kick};

static bool rng_realize(Device *d, Error **errp)
{
    VirtioRng *s = (VirtioRng *)d;

    if (!s->period) {
        error_set(errp, ERR_INVALID_PARAMETER, "'period' parameter expects a positive integer");
        return false;
    }
    if (s->max_bytes > INT64_MAX) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "'max-bytes' parameter must be non-negative, and less than 2^63");
        return false;
    }
    if (!virtio_setup(&s->virtio, &rng_class, errp)) {
        return false;
    }
    s->own.fd = -1;
    if (s->source) {
        object_ref(&s->source->obj);
        if (s->source->fd >= 0) {
            s->watch = loop_watch_fd(machine_loop(d->machine), s->source->fd, 0, source_ready, s);
        }
    }
    timer_init(&s->timer, d->machine, CLOCK_VIRTUAL, period_over, s);
    virtio_add_queue(&s->virtio, 8);
    return true;
}

static void rng_unrealize(Device *d)
{
    VirtioRng *s = (VirtioRng *)d;

    virtio_shut(&s->virtio);
    loop_remove(s->watch);
    s->watch = NULL;
    if (s->source) {
        object_unref(&s->source->obj);
    }
    virtio_teardown(&s->virtio);
}

static const Property rng_props[] = {
    VIRTIO_PROPS(VirtioRng),
    {.name = "rng",
     .kind = PROP_OBJECT,
     .offset = offsetof(VirtioRng, source),
     .link_type = "rng-",
     .help = "id of an -object rng-*; by default an rng-builtin of its own"},
    PROP(VirtioRng, PROP_U64, max_bytes, "max-bytes", INT64_MAX, "bytes in each period at most"),
    PROP(VirtioRng, PROP_U32, period, "period", 1 << 16, "ms"),
    {0},
};

static const StateField rng_state[] = {
    VIRTIO_STATE(VirtioRng),
    STATE(VirtioRng, STATE_U64, used, 0),
    STATE(VirtioRng, STATE_TIMER, timer, 0),
    HOST_ONLY(VirtioRng, own),
    HOST_ONLY(VirtioRng, watch),
    {0},
};

static bool rng_post_load(Device *d, int version, Error **errp)
{
    VirtioRng *s = (VirtioRng *)d;

    if (s->used > s->max_bytes) {
        error_set(errp, ERR_GENERIC, "virtio-rng: more was used than there is");
        return false;
    }
    return virtio_post_load(d, version, errp);
}

static const DeviceType rng_type = {
    .name = "virtio-rng-device",
    .help = "virtio source of entropy",
    .bus = "virtio",
    .size = sizeof(VirtioRng),
    .version = 1,
    .user_creatable = true,
    .needs = "a virtio bus",
    .props = rng_props,
    .state = rng_state,
    .realize = rng_realize,
    .unrealize = rng_unrealize,
    .reset_hold = virtio_reset_hold,
    .pre_save = virtio_pre_save,
    .post_load = rng_post_load,
};
DEVICE_TYPE(rng_type);
VIRTIO_PCI_TYPES(virtio_rng, "virtio-rng", "virtio source of entropy", &rng_type);
