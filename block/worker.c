/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Worker threads: they run requests that may block. As many as there is work, up to 64; one that
 * found nothing to do for a while ends.
 *
 * home: any thread. Workers never take a machine's lock.
 */
#include "base/os/thread.h"
#include "block/internal.h"

#define MAX_THREADS 64
#define IDLE_LINGER_US (5 * G_TIME_SPAN_SECOND)

static BlockWork *take_work(WorkerPool *p)
{
    BlockWork *w = p->head;

    if (w) {
        p->head = w->next;
        p->tail = p->head ? p->tail : &p->head;
        p->queued--;
    }
    return w;
}

/* With the lock held. NULL: this thread has been idle for too long, or the pool ends. */
static BlockWork *next_work(WorkerPool *p)
{
    gint64 until = g_get_monotonic_time() + IDLE_LINGER_US;

    p->idle++;
    while (!p->head && !p->stopping) {
        if (!g_cond_wait_until(&p->wake, &p->lock, until)) {
            break;
        }
    }
    p->idle--;
    return take_work(p);
}

static gpointer worker_main(gpointer opaque)
{
    WorkerPool *p = opaque;
    BlockWork *w;

    os_thread_set_name("block-worker");
    g_mutex_lock(&p->lock);
    while ((w = next_work(p))) {
        g_mutex_unlock(&p->lock);
        w->fn(w);
        g_mutex_lock(&p->lock);
    }
    p->threads--;
    g_cond_signal(&p->gone);
    g_mutex_unlock(&p->lock);
    return NULL;
}

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

void worker_submit(WorkerPool *p, BlockWork *w)
{
    w->next = NULL;
    g_mutex_lock(&p->lock);
    *p->tail = w;
    p->tail = &w->next;
    p->queued++;
    if (p->queued > p->idle && p->threads < MAX_THREADS) {
        p->threads++;
        if (!start_worker(p)) {
            p->threads--;
        }
    }
    if (!p->threads) { /* the host has no thread for us: be slow rather than stuck */
        w = take_work(p);
        g_mutex_unlock(&p->lock);
        w->fn(w);
        return;
    }
    bool wake = p->idle;
    g_mutex_unlock(&p->lock);
    if (wake) { /* without the lock, which is the first thing the woken one takes */
        g_cond_signal(&p->wake);
    }
}

void worker_pool_init(WorkerPool *p)
{
    g_mutex_init(&p->lock);
    g_cond_init(&p->wake);
    g_cond_init(&p->gone);
    p->tail = &p->head;
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
