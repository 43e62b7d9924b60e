/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Worker threads: they run requests that may block. As many as there is work; one that found nothing to do for a while
 * ends.
 *
 * A request may have to wait for another one (for a cluster, for a block that both change). If all threads did, the one
 * that they wait for has to be on a thread already; so requests that others may wait for while they are still queued
 * (waits_for_none) have some threads to themselves.
 *
 * home: any thread. Workers never take a machine's lock.
 */
#include "base/os/thread.h"
#include "block/internal.h"

#define MAX_BUSY 64
#define MAX_THREADS (MAX_BUSY + 16)
#define IDLE_LINGER_US (5 * G_TIME_SPAN_SECOND)

/* ---- queues; with the lock held ---- */

static void queue_init(WorkQueue *q)
{
    q->tail = &q->head;
}

static void queue_put(WorkQueue *q, BlockWork *w)
{
    w->next = NULL;
    *q->tail = w;
    q->tail = &w->next;
    q->len++;
}

static BlockWork *queue_get(WorkQueue *q)
{
    BlockWork *w = q->head;

    if (w) {
        q->head = w->next;
        q->tail = q->head ? q->tail : &q->head;
        q->len--;
    }
    return w;
}

/* How much could begin now. */
static unsigned startable(const WorkerPool *p)
{
    return MIN(p->any.len, MAX_BUSY - p->busy) + p->sure.len;
}

static BlockWork *take_work(WorkerPool *p)
{
    if (p->any.head && p->busy < MAX_BUSY) {
        p->busy++;
        return queue_get(&p->any);
    }
    return queue_get(&p->sure);
}

/* ---- threads ---- */

/* With the lock held. NULL: this thread has been idle for too long, or the pool ends. */
static BlockWork *next_work(WorkerPool *p)
{
    gint64 until = g_get_monotonic_time() + IDLE_LINGER_US;

    p->idle++;
    while (!startable(p) && !p->stopping) {
        bool in_time = g_cond_wait_until(&p->wake, &p->lock, until);
        p->coming = false;
        if (!in_time) {
            break;
        }
    }
    p->idle--;
    return take_work(p);
}

static gpointer worker_main(gpointer opaque);

static bool start_worker(WorkerPool *p)
{
    g_autoptr(GError) err = NULL;
    GThread *t = g_thread_try_new("block-worker", worker_main, p, &err);

    if (!t) {
        return false;
    }
    g_thread_unref(t);
    return true;
}

/*
 * The host has no thread for us: be slow rather than stuck. What others may wait for is done here and now; so is all, if
 * there is no thread at all.
 */
static void work_myself(WorkerPool *p)
{
    BlockWork *w;

    g_mutex_lock(&p->lock);
    p->threads--;
    p->coming = false;
    while ((w = queue_get(&p->sure)) || (!p->threads && (w = queue_get(&p->any)))) {
        g_mutex_unlock(&p->lock);
        w->fn(w);
        g_mutex_lock(&p->lock);
    }
    g_mutex_unlock(&p->lock);
}

/*
 * Calls a thread for what could begin, unless one is coming: that one calls the next. So short requests wake few threads,
 * and long ones as many as there are. Both ways without the lock, which is the first thing that the other takes.
 */
static void unlock_and_call(WorkerPool *p)
{
    bool wanted = startable(p) && !p->coming, wake = wanted && p->idle;
    bool start = wanted && !wake && p->threads < MAX_THREADS;

    p->coming |= wake || start;
    p->threads += start;
    g_mutex_unlock(&p->lock);
    if (wake) {
        g_cond_signal(&p->wake);
    } else if (start && !start_worker(p)) {
        work_myself(p);
    }
}

static gpointer worker_main(gpointer opaque)
{
    WorkerPool *p = opaque;
    BlockWork *w;

    os_thread_set_name("block-worker");
    g_mutex_lock(&p->lock);
    p->coming = false;
    while ((w = next_work(p))) {
        bool sure = w->waits_for_none;
        unlock_and_call(p);
        w->fn(w);
        g_mutex_lock(&p->lock);
        p->busy -= !sure;
    }
    p->threads--;
    g_cond_signal(&p->gone);
    g_mutex_unlock(&p->lock);
    return NULL;
}

void worker_submit(WorkerPool *p, BlockWork *w)
{
    g_mutex_lock(&p->lock);
    queue_put(w->waits_for_none ? &p->sure : &p->any, w);
    unlock_and_call(p);
}

void worker_pool_init(WorkerPool *p)
{
    g_mutex_init(&p->lock);
    g_cond_init(&p->wake);
    g_cond_init(&p->gone);
    queue_init(&p->any);
    queue_init(&p->sure);
}

void worker_pool_fini(WorkerPool *p)
{
    g_mutex_lock(&p->lock);
    p->stopping = true;
    g_cond_broadcast(&p->wake);
    while (p->threads) {
        g_cond_wait(&p->gone, &p->lock);
    }
    g_mutex_unlock(&p->lock);
    g_mutex_clear(&p->lock);
    g_cond_clear(&p->wake);
    g_cond_clear(&p->gone);
}
