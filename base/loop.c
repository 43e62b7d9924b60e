/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <glib-unix.h>
#include <time.h>

#include "base/loop.h"

typedef struct FdWatch {
    GSource source;
    int fd;
    gpointer tag;
    LoopFdFn *fn;
    void *opaque;
} FdWatch;

static gboolean fd_watch_dispatch(GSource *source, GSourceFunc unused, gpointer unused2)
{
    FdWatch *w = (FdWatch *)source;
    GIOCondition ready = g_source_query_unix_fd(source, w->tag);

    if (ready) {
        w->fn(w->opaque, w->fd, ready);
    }
    return G_SOURCE_CONTINUE;
}

GSource *loop_watch_fd(GMainContext *loop, int fd, GIOCondition events, LoopFdFn *fn, void *opaque)
{
    /* GLib keeps a pointer to this and wants it writable, but never writes to it. */
    static const GSourceFuncs funcs = {.dispatch = fd_watch_dispatch};
    GSource *source = g_source_new((GSourceFuncs *)&funcs, sizeof(FdWatch));
    FdWatch *w = (FdWatch *)source;

    w->fd = fd;
    w->fn = fn;
    w->opaque = opaque;
    w->tag = g_source_add_unix_fd(source, fd, events | G_IO_HUP | G_IO_ERR);
    g_source_attach(source, loop);
    return source;
}

void loop_watch_events(GSource *watch, GIOCondition events)
{
    FdWatch *w = (FdWatch *)watch;
    g_source_modify_unix_fd(watch, w->tag, events | G_IO_HUP | G_IO_ERR);
}

typedef struct Post {
    LoopFn *fn;
    void *opaque;
} Post;

static gboolean post_run(gpointer data)
{
    Post *p = data;
    p->fn(p->opaque);
    return G_SOURCE_REMOVE;
}

void loop_post(GMainContext *loop, LoopFn *fn, void *opaque)
{
    Post *p = g_new(Post, 1);
    GSource *source = g_idle_source_new();

    *p = (Post){fn, opaque};
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, post_run, p, g_free);
    g_source_attach(source, loop);
    g_source_unref(source);
}

typedef struct Call {
    LoopFn *fn;
    void *opaque;
    GMutex lock;
    GCond cond;
    gboolean done;
} Call;

static void call_run(void *opaque)
{
    Call *c = opaque;

    c->fn(c->opaque);
    g_mutex_lock(&c->lock);
    c->done = TRUE;
    g_cond_signal(&c->cond);
    g_mutex_unlock(&c->lock);
}

void loop_call(GMainContext *loop, LoopFn *fn, void *opaque)
{
    if (g_main_context_is_owner(loop ? loop : g_main_context_default())) {
        fn(opaque);
        return;
    }
    Call c = {.fn = fn, .opaque = opaque};
    g_mutex_init(&c.lock);
    g_cond_init(&c.cond);
    loop_post(loop, call_run, &c);
    g_mutex_lock(&c.lock);
    while (!c.done) {
        g_cond_wait(&c.cond, &c.lock);
    }
    g_mutex_unlock(&c.lock);
    g_mutex_clear(&c.lock);
    g_cond_clear(&c.cond);
}

typedef struct LoopTimer {
    GSource source;
    LoopFn *fn;
    void *opaque;
} LoopTimer;

static gboolean timer_dispatch(GSource *source, GSourceFunc unused, gpointer unused2)
{
    LoopTimer *t = (LoopTimer *)source;

    g_source_set_ready_time(source, -1);
    t->fn(t->opaque);
    return G_SOURCE_CONTINUE;
}

GSource *loop_timer_new(GMainContext *loop, LoopFn *fn, void *opaque)
{
    static const GSourceFuncs funcs = {.dispatch = timer_dispatch};
    GSource *source = g_source_new((GSourceFuncs *)&funcs, sizeof(LoopTimer));
    LoopTimer *t = (LoopTimer *)source;

    t->fn = fn;
    t->opaque = opaque;
    g_source_set_ready_time(source, -1);
    g_source_attach(source, loop);
    return source;
}

void loop_timer_arm(GSource *timer, int64_t deadline_ns)
{
    /* Rounded up: waking early would show a guest its own deadline in the future. */
    g_source_set_ready_time(timer, deadline_ns < 0 ? -1 : deadline_ns / 1000 + 1);
}

int64_t loop_now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void loop_remove(GSource *source)
{
    if (source) {
        g_source_destroy(source);
        g_source_unref(source);
    }
}
