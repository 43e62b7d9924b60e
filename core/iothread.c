/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/O threads: a GMainContext and who runs it, with doorbells that cost a store while it is awake.
 *
 * After work the thread looks at the doorbells for a while before it sleeps (poll-max-ns): waking a
 * thread costs its caller, which is a vCPU, a system call, and the request a scheduler's round. The
 * time adapts as QEMU's does: it grows by poll-grow while work comes soon after falling asleep, and
 * shrinks by poll-shrink when polling up to poll-max-ns was in vain. With fewer than three host
 * processors polling takes from the vCPU what it gives, so it is off there unless asked for.
 *
 * home: its own thread; doorbells are made and freed on the main loop.
 */
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/os/thread.h"
#include "core/internal.h"
#include "core/iothread.h"

#define POLL_MAX_DEFAULT 32768
#define POLL_START       4000

struct IoThread {
    Object obj;
    uint64_t poll_max_ns, poll_grow, poll_shrink; /* properties */
    GMainContext *loop;
    GThread *thread;
    int64_t thread_id;
    GMutex lock;
    GCond started;
    GArray *polled;    /* struct pollfd; guarded by: lock */
    uint64_t poll_ns;  /* its own */
    uint32_t rung;     /* atomic: a doorbell was kicked and nobody looked yet */
    uint32_t sleeping; /* atomic: kicks have to wake it */
    bool quit;         /* atomic */
};

struct IoDoorbell {
    GSource source;
    IoThread *thread;
    void (*fn)(void *opaque);
    void *opaque;
    uint32_t rung; /* atomic */
    GMutex busy;   /* held around fn */
    bool dead;     /* guarded by: busy */
};

/* ---- doorbells ---- */

static gboolean bell_prepare(GSource *source, gint *timeout)
{
    *timeout = -1;
    return __atomic_load_n(&((IoDoorbell *)source)->rung, __ATOMIC_SEQ_CST) != 0;
}

static gboolean bell_check(GSource *source)
{
    return __atomic_load_n(&((IoDoorbell *)source)->rung, __ATOMIC_SEQ_CST) != 0;
}

static gboolean bell_dispatch(GSource *source, GSourceFunc fn, gpointer opaque)
{
    IoDoorbell *b = (IoDoorbell *)source;

    g_mutex_lock(&b->busy);
    if (!b->dead && __atomic_exchange_n(&b->rung, 0, __ATOMIC_SEQ_CST)) {
        b->fn(b->opaque);
    }
    g_mutex_unlock(&b->busy);
    return G_SOURCE_CONTINUE;
}

static void bell_finalize(GSource *source)
{
    g_mutex_clear(&((IoDoorbell *)source)->busy);
}

static const GSourceFuncs bell_funcs = {
    .prepare = bell_prepare,
    .check = bell_check,
    .dispatch = bell_dispatch,
    .finalize = bell_finalize,
};

IoDoorbell *iothread_doorbell_new(IoThread *t, void (*fn)(void *opaque), void *opaque)
{
    IoDoorbell *b = (IoDoorbell *)g_source_new((GSourceFuncs *)&bell_funcs, sizeof(IoDoorbell));

    b->thread = t;
    b->fn = fn;
    b->opaque = opaque;
    g_mutex_init(&b->busy);
    g_source_attach(&b->source, t->loop);
    return b;
}

void iothread_kick(IoDoorbell *b)
{
    IoThread *t = b->thread;

    if (__atomic_exchange_n(&b->rung, 1, __ATOMIC_SEQ_CST)) {
        return; /* somebody rang, and woke it if need be */
    }
    __atomic_store_n(&t->rung, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&t->sleeping, __ATOMIC_SEQ_CST)) {
        g_main_context_wakeup(t->loop);
    }
}

void iothread_doorbell_free(IoDoorbell *b)
{
    if (!b) {
        return;
    }
    g_mutex_lock(&b->busy);
    b->dead = true;
    g_mutex_unlock(&b->busy);
    g_source_destroy(&b->source);
    g_source_unref(&b->source);
}

/* ---- the thread ---- */

void iothread_poll(IoThread *t, int fd, bool on)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    g_mutex_lock(&t->lock);
    if (on) {
        g_array_append_val(t->polled, p);
    }
    for (guint i = 0; !on && i < t->polled->len; i++) {
        if (g_array_index(t->polled, struct pollfd, i).fd == fd) {
            g_array_remove_index_fast(t->polled, i--);
        }
    }
    g_mutex_unlock(&t->lock);
}

static bool descriptors_ready(IoThread *t)
{
    g_mutex_lock(&t->lock);
    bool ready = t->polled->len && poll((struct pollfd *)(void *)t->polled->data, t->polled->len, 0) > 0;
    g_mutex_unlock(&t->lock);
    return ready;
}

/* True: a doorbell rang meanwhile. */
static bool poll_doorbells(IoThread *t)
{
    int64_t end = loop_now_ns() + (int64_t)t->poll_ns;

    do {
        for (int i = 0; i < 32; i++) {
            if (__atomic_load_n(&t->rung, __ATOMIC_RELAXED)) {
                return true;
            }
            __atomic_signal_fence(__ATOMIC_SEQ_CST);
        }
        if (descriptors_ready(t)) {
            return true;
        }
    } while (loop_now_ns() < end);
    return false;
}

/* How long did it lie idle (polling and asleep)? */
static void adapt(IoThread *t, int64_t idle)
{
    if ((uint64_t)idle <= t->poll_ns) {
        return;
    }
    if ((uint64_t)idle > t->poll_max_ns) {
        t->poll_ns = t->poll_shrink ? t->poll_ns / t->poll_shrink : 0;
    } else {
        uint64_t grow = t->poll_grow ? t->poll_grow : 2;
        t->poll_ns =
            t->poll_ns ? MIN(t->poll_ns * grow, t->poll_max_ns) : MIN(POLL_START, t->poll_max_ns);
    }
}

static void turn(IoThread *t)
{
    int64_t began = loop_now_ns();

    if (t->poll_ns && poll_doorbells(t)) {
        __atomic_store_n(&t->rung, 0, __ATOMIC_SEQ_CST);
        g_main_context_iteration(t->loop, FALSE);
        return;
    }
    /* Who kicks after this store wakes us; who kicked before it is seen by bell_prepare(). */
    __atomic_store_n(&t->sleeping, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&t->rung, 0, __ATOMIC_SEQ_CST);
    g_main_context_iteration(t->loop, TRUE);
    __atomic_store_n(&t->sleeping, 0, __ATOMIC_SEQ_CST);
    if (t->poll_max_ns) {
        adapt(t, loop_now_ns() - began);
    }
    while (g_main_context_iteration(t->loop, FALSE) &&
           !__atomic_load_n(&t->quit, __ATOMIC_SEQ_CST)) {
    }
}

static gpointer iothread_main(gpointer opaque)
{
    IoThread *t = opaque;
    g_autofree char *name = g_strdup_printf("IO %s", t->obj.id);

    os_thread_set_name(name);
    g_main_context_push_thread_default(t->loop);
    g_mutex_lock(&t->lock);
    t->thread_id = (int64_t)syscall(SYS_gettid);
    g_cond_signal(&t->started);
    g_mutex_unlock(&t->lock);
    while (!__atomic_load_n(&t->quit, __ATOMIC_SEQ_CST)) {
        turn(t);
    }
    g_main_context_pop_thread_default(t->loop);
    return NULL;
}

static bool iothread_complete(Object *o, Error **errp)
{
    IoThread *t = (IoThread *)o;
    g_autoptr(GError) gerr = NULL;

    if (t->poll_max_ns > INT64_MAX || t->poll_grow > INT64_MAX || t->poll_shrink > INT64_MAX) {
        error_set(errp, ERR_INVALID_PARAMETER, "iothread '%s': a poll value is out of range",
                  o->id);
        return false;
    }
    if (t->poll_max_ns == POLL_MAX_DEFAULT && sysconf(_SC_NPROCESSORS_ONLN) < 3) {
        t->poll_max_ns = 0;
    }
    t->loop = g_main_context_new();
    g_mutex_init(&t->lock);
    g_cond_init(&t->started);
    t->polled = g_array_new(FALSE, FALSE, sizeof(struct pollfd));
    t->thread = g_thread_try_new("IO thread", iothread_main, t, &gerr);
    if (!t->thread) {
        error_set(errp, ERR_GENERIC, "iothread '%s': %s", o->id, gerr->message);
        g_main_context_unref(t->loop);
        g_array_free(t->polled, TRUE);
        return false;
    }
    g_mutex_lock(&t->lock);
    while (!t->thread_id) {
        g_cond_wait(&t->started, &t->lock);
    }
    g_mutex_unlock(&t->lock);
    return true;
}

static void iothread_fini(Object *o)
{
    IoThread *t = (IoThread *)o;

    __atomic_store_n(&t->quit, true, __ATOMIC_SEQ_CST);
    g_main_context_wakeup(t->loop);
    g_thread_join(t->thread);
    g_main_context_unref(t->loop);
    g_array_free(t->polled, TRUE);
    g_mutex_clear(&t->lock);
    g_cond_clear(&t->started);
}

GMainContext *iothread_loop(IoThread *t)
{
    return t->loop;
}

static const Property iothread_props[] = {
    PROP(IoThread, PROP_U64, poll_max_ns, "poll-max-ns", POLL_MAX_DEFAULT,
         "longest time to poll before sleeping, ns; 0: never"),
    PROP(IoThread, PROP_U64, poll_grow, "poll-grow", 0, "factor by which polling grows; 0: 2"),
    PROP(IoThread, PROP_U64, poll_shrink, "poll-shrink", 0,
         "divisor by which polling shrinks; 0: to nothing"),
    {0},
};

static const ObjectType iothread_type = {
    .name = "iothread",
    .help = "a thread on which devices serve their queues",
    .size = sizeof(IoThread),
    .props = iothread_props,
    .complete = iothread_complete,
    .fini = iothread_fini,
};
OBJECT_TYPE(iothread_type);

/* ---- lists ---- */

void iothread_info(IoThread *t, IoThreadInfo *info)
{
    *info = (IoThreadInfo){t->obj.id,
                           t->thread_id,
                           (int64_t)t->poll_max_ns,
                           (int64_t)t->poll_grow,
                           (int64_t)t->poll_shrink,
                           0};
}

void iothread_foreach(Machine *m, void (*fn)(IoThread *t, void *opaque), void *opaque)
{
    for (guint i = 0; i < m->objects->len; i++) {
        Object *o = m->objects->pdata[i];
        if (o->type == &iothread_type) {
            fn((IoThread *)o, opaque);
        }
    }
}
