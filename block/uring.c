/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aio=io_uring: a ring of the kernel's for each node that asks for one. The loop of the port that
 * uses it polls the ring's descriptor and takes the answers. A thread of the ring's does that too, but
 * only while somebody waits for requests and perhaps keeps the loop from running (RingHelp).
 *
 * home: submit on any thread, guarded by Uring.lock; done is called on whatever thread reaps.
 */
#include "config-host.h"

#include <errno.h>
#include <poll.h>

#include "block/file.h"
#include "block/internal.h"

#ifdef CONFIG_LIBURING
#include <liburing.h>

#include "base/os/thread.h"

#define DEPTH 256
#define HELP_MS 5 /* how long the thread goes on when nobody waits any more */

struct Uring {
    struct io_uring ring;
    GMutex lock;      /* guards the submission side */
    GMutex reap_lock; /* guards the completion side */
    RingHelp *help;
    GThread *thread;
    bool ending;      /* guarded by help->lock */
    unsigned in_flight; /* atomic */
};

/* The next answer, NULL: there is none yet. */
static UringReq *next_answer(Uring *u, int *res)
{
    struct io_uring_cqe *cqe = NULL;
    UringReq *r = NULL;

    g_mutex_lock(&u->reap_lock);
    if (io_uring_peek_cqe(&u->ring, &cqe) == 0 && cqe) {
        r = io_uring_cqe_get_data(cqe);
        *res = cqe->res;
        io_uring_cqe_seen(&u->ring, cqe);
    }
    g_mutex_unlock(&u->reap_lock);
    return r;
}

void uring_reap(Uring *u)
{
    UringReq *r;
    int res;

    while ((r = next_answer(u, &res))) {
        __atomic_fetch_sub(&u->in_flight, 1, __ATOMIC_ACQ_REL);
        r->done(r, res);
    }
}

int uring_fd(const Uring *u)
{
    return u->ring.ring_fd;
}

/* Sleeps until help is wanted; false: the ring ends. */
static bool wait_wanted(Uring *u)
{
    g_mutex_lock(&u->help->lock);
    while (!u->help->wanted && !u->ending) {
        g_cond_wait(&u->help->cond, &u->help->lock);
    }
    bool go = !u->ending;
    g_mutex_unlock(&u->help->lock);
    return go;
}

static gpointer uring_main(gpointer opaque)
{
    Uring *u = opaque;

    os_thread_set_name("block-uring");
    while (wait_wanted(u)) {
        struct pollfd p = {.fd = u->ring.ring_fd, .events = POLLIN};
        if (poll(&p, 1, HELP_MS) > 0) {
            uring_reap(u);
        }
    }
    return NULL;
}

/* With the lock held. The kernel takes what is queued, sooner or later. */
static void hand_over(Uring *u)
{
    while (io_uring_submit(&u->ring) < 0) {
        g_usleep(100); /* out of memory, or interrupted */
    }
}

bool uring_submit(Uring *u, int fd, bool write, uint64_t offset, const struct iovec *iov, int niov,
                  bool dsync, UringReq *r)
{
    struct io_uring_sqe *sqe = NULL;

    g_mutex_lock(&u->lock);
    if (__atomic_load_n(&u->in_flight, __ATOMIC_ACQUIRE) < DEPTH) {
        sqe = io_uring_get_sqe(&u->ring);
    }
    if (sqe) {
        if (write) {
            io_uring_prep_writev2(sqe, fd, iov, (unsigned)niov, offset, dsync ? RWF_DSYNC : 0);
        } else {
            io_uring_prep_readv(sqe, fd, iov, (unsigned)niov, offset);
        }
        io_uring_sqe_set_data(sqe, r);
        __atomic_fetch_add(&u->in_flight, 1, __ATOMIC_ACQ_REL);
        hand_over(u);
    }
    g_mutex_unlock(&u->lock);
    return sqe != NULL;
}

Uring *uring_new(RingHelp *help, Error **errp)
{
    Uring *u = g_new0(Uring, 1);
    int ret = io_uring_queue_init(DEPTH, &u->ring, 0);

    if (ret < 0) {
        error_set_errno(errp, -ret, "the host has no io_uring");
        error_hint(errp, "aio=threads works everywhere");
        g_free(u);
        return NULL;
    }
    g_mutex_init(&u->lock);
    g_mutex_init(&u->reap_lock);
    u->help = help;
    u->thread = g_thread_new("block-uring", uring_main, u);
    return u;
}

void uring_free(Uring *u)
{
    g_mutex_lock(&u->help->lock);
    u->ending = true;
    g_cond_broadcast(&u->help->cond);
    g_mutex_unlock(&u->help->lock);
    g_thread_join(u->thread);
    io_uring_queue_exit(&u->ring);
    g_mutex_clear(&u->lock);
    g_mutex_clear(&u->reap_lock);
    g_free(u);
}

#else

Uring *uring_new(RingHelp *help, Error **errp)
{
    error_set(errp, ERR_UNSUPPORTED, "aio=io_uring was not compiled in");
    error_hint(errp, "aio=threads works everywhere");
    return NULL;
}

void uring_free(Uring *u)
{
}

bool uring_submit(Uring *u, int fd, bool write, uint64_t offset, const struct iovec *iov, int niov,
                  bool dsync, UringReq *r)
{
    return false;
}

void uring_reap(Uring *u)
{
}

int uring_fd(const Uring *u)
{
    return -1;
}

#endif
