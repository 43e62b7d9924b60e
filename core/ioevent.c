/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Eventfds and the loops that serve them (ioevent.h).
 *
 * home: as ioevent.h says.
 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/internal.h"
#include "core/ioevent.h"

struct IoEvent {
    GMainContext *loop;
    IoThread *thread;
    void (*fn)(void *opaque);
    void *opaque;
    GMutex busy;     /* held around fn, and while the eventfd is opened */
    GSource *source; /* NULL: nobody asked for the eventfd yet; guarded by: busy */
    int fd;
    bool dead;       /* guarded by: busy */
    int refs;        /* atomic: ours and the source's */
};

typedef struct EventSource {
    GSource source;
    IoEvent *event;
} EventSource;

static void unref(IoEvent *e)
{
    if (__atomic_sub_fetch(&e->refs, 1, __ATOMIC_ACQ_REL)) {
        return;
    }
    if (e->fd >= 0) {
        close(e->fd);
    }
    g_mutex_clear(&e->busy);
    g_free(e);
}

static gboolean dispatch(GSource *source, GSourceFunc fn, gpointer opaque)
{
    IoEvent *e = ((EventSource *)source)->event;
    eventfd_t n;

    g_mutex_lock(&e->busy);
    if (!e->dead && eventfd_read(e->fd, &n) == 0) {
        e->fn(e->opaque);
    }
    g_mutex_unlock(&e->busy);
    return G_SOURCE_CONTINUE;
}

static void finalize(GSource *source)
{
    unref(((EventSource *)source)->event);
}

IoEvent *io_event_new(Machine *m, IoThread *t, void (*fn)(void *opaque), void *opaque)
{
    IoEvent *e = g_new0(IoEvent, 1);

    e->loop = t ? iothread_loop(t) : machine_loop(m);
    e->thread = t;
    e->fn = fn;
    e->opaque = opaque;
    e->fd = -1;
    e->refs = 1;
    g_mutex_init(&e->busy);
    return e;
}

static void open_event(IoEvent *e)
{
    static const GSourceFuncs funcs = {.dispatch = dispatch, .finalize = finalize};

    e->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (e->fd < 0) {
        return;
    }
    e->source = g_source_new((GSourceFuncs *)&funcs, sizeof(EventSource)); /* GLib writes nothing there */
    ((EventSource *)e->source)->event = e;
    __atomic_fetch_add(&e->refs, 1, __ATOMIC_RELAXED);
    g_source_add_unix_fd(e->source, e->fd, G_IO_IN);
    g_source_attach(e->source, e->loop);
    if (e->thread) {
        iothread_poll(e->thread, e->fd, true);
    }
}

int io_event_fd(IoEvent *e)
{
    g_mutex_lock(&e->busy);
    if (!e->source) {
        open_event(e);
    }
    g_mutex_unlock(&e->busy);
    return e->fd;
}

void io_event_free(IoEvent *e)
{
    if (!e) {
        return;
    }
    g_mutex_lock(&e->busy);
    e->dead = true;
    g_mutex_unlock(&e->busy);
    if (e->source) {
        if (e->thread) {
            iothread_poll(e->thread, e->fd, false);
        }
        g_source_destroy(e->source);
        g_source_unref(e->source);
    }
    unref(e);
}
