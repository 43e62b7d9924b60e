/* SPDX-License-Identifier: GPL-2.0-or-later */
/* block/worker.c: nothing is stuck behind requests that wait for it, with threads or without. */
#include <sys/resource.h>

#include "block/internal.h"

#define WAITING 300 /* more than there may be threads */

typedef struct Test {
    GMutex lock;
    GCond cond;
    bool open;
    unsigned waiting, done;
} Test;

typedef struct Job {
    BlockWork work; /* first */
    Test *t;
} Job;

static void finish(Test *t)
{
    t->done++;
    g_cond_broadcast(&t->cond);
    g_mutex_unlock(&t->lock);
}

static void wait_open(BlockWork *w)
{
    Test *t = ((Job *)w)->t;

    g_mutex_lock(&t->lock);
    t->waiting++;
    g_cond_broadcast(&t->cond);
    while (!t->open) {
        g_cond_wait(&t->cond, &t->lock);
    }
    finish(t);
}

static void open_now(BlockWork *w)
{
    Test *t = ((Job *)w)->t;

    g_mutex_lock(&t->lock);
    t->open = true;
    finish(t);
}

static void init(Test *t)
{
    *t = (Test){0};
    g_mutex_init(&t->lock);
    g_cond_init(&t->cond);
}

static void wait_done(Test *t, unsigned n)
{
    gint64 until = g_get_monotonic_time() + 60 * G_TIME_SPAN_SECOND;

    g_mutex_lock(&t->lock);
    while (t->done < n) {
        g_assert_true(g_cond_wait_until(&t->cond, &t->lock, until));
    }
    g_mutex_unlock(&t->lock);
    g_mutex_clear(&t->lock);
    g_cond_clear(&t->cond);
}

/* All threads that there may be wait for what comes last. */
static void test_waited_for(void)
{
    g_autofree Job *jobs = g_new0(Job, WAITING + 1);
    WorkerPool pool = {0};
    Test t;

    init(&t);
    worker_pool_init(&pool);
    for (unsigned i = 0; i <= WAITING; i++) {
        jobs[i] = (Job){{.fn = i < WAITING ? wait_open : open_now, .waits_for_none = i == WAITING}, &t};
        worker_submit(&pool, &jobs[i].work);
    }
    wait_done(&t, WAITING + 1);
    worker_pool_fini(&pool);
}

/* The other way round: what waits gets its turn while others keep coming. */
static void test_no_starving(void)
{
    enum { OTHERS = 2000 };
    g_autofree Job *jobs = g_new0(Job, OTHERS + 1);
    WorkerPool pool = {0};
    Test t;

    init(&t);
    t.open = true;
    worker_pool_init(&pool);
    for (unsigned i = 0; i <= OTHERS; i++) {
        jobs[i] = (Job){{.fn = i ? open_now : wait_open, .waits_for_none = i}, &t};
        worker_submit(&pool, &jobs[i].work);
    }
    wait_done(&t, OTHERS + 1);
    g_assert_cmpuint(t.waiting, ==, 1);
    worker_pool_fini(&pool);
}

/* The host gives one thread, which waits; then no more. */
static void test_no_threads(void)
{
#ifdef RHEA_SANITIZE
    g_test_skip("the sanitizers need the address space that the test takes away");
#else
    Job jobs[3];
    WorkerPool pool = {0};
    struct rlimit old, none = {0};
    Test t;

    init(&t);
    worker_pool_init(&pool);
    jobs[0] = (Job){{.fn = wait_open}, &t};
    worker_submit(&pool, &jobs[0].work);
    g_mutex_lock(&t.lock);
    while (!t.waiting) {
        g_cond_wait(&t.cond, &t.lock);
    }
    g_mutex_unlock(&t.lock);

    g_assert_cmpint(getrlimit(RLIMIT_AS, &old), ==, 0);
    none.rlim_max = old.rlim_max;
    g_assert_cmpint(setrlimit(RLIMIT_AS, &none), ==, 0); /* no stack for a thread */
    jobs[1] = (Job){{.fn = wait_open}, &t};
    worker_submit(&pool, &jobs[1].work);
    jobs[2] = (Job){{.fn = open_now, .waits_for_none = true}, &t};
    worker_submit(&pool, &jobs[2].work); /* done here and now */
    g_assert_cmpint(setrlimit(RLIMIT_AS, &old), ==, 0);
    g_assert_true(t.open);
    wait_done(&t, 3);
    worker_pool_fini(&pool);
#endif
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/worker/no-threads", test_no_threads); /* first: stacks of threads that ended are kept */
    g_test_add_func("/worker/waited-for", test_waited_for);
    g_test_add_func("/worker/no-starving", test_no_starving);
    return g_test_run();
}
