/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * aio=io_uring: a ring of the kernel's for each node that asks for one, and a thread that waits
 * for its answers.
 *
 * home: submit on any thread, guarded by Uring.lock; done is called on the ring's thread.
 */
#include "config-host.h"

#include <errno.h>

#include "block/file.h"

#ifdef CONFIG_LIBURING
#include <liburing.h>

#include "base/os/thread.h"

#define DEPTH 256

struct Uring {
    struct io_uring ring;
    GMutex lock; /* guards the submission side */
    GThread *thread;
    unsigned in_flight; /* atomic */
};

typedef struct UringReq {
    UringDone *done;
    void *opaque;
} UringReq;

static gpointer uring_main(gpointer opaque)
{
    Uring *u = opaque;
    struct io_uring_cqe *cqe;

    os_thread_set_name("block-uring");
    for (;;) {
        int ret = io_uring_wait_cqe(&u->ring, &cqe);
        if (ret < 0) {
            continue; /* a signal */
        }
        UringReq *r = io_uring_cqe_get_data(cqe);
        int res = cqe->res;
        io_uring_cqe_seen(&u->ring, cqe);
        if (!r) {
            return NULL; /* uring_free() */
        }
        __atomic_fetch_sub(&u->in_flight, 1, __ATOMIC_ACQ_REL);
        r->done(r->opaque, res);
        g_free(r);
    }
}

/* With the lock held. The kernel takes what is queued, sooner or later. */
static void hand_over(Uring *u)
{
    while (io_uring_submit(&u->ring) < 0) {
        g_usleep(100); /* out of memory, or interrupted */
    }
}

bool uring_submit(Uring *u, int fd, bool write, uint64_t offset, const struct iovec *iov, int niov,
                  bool dsync, UringDone *done, void *opaque)
{
    struct io_uring_sqe *sqe = NULL;

    g_mutex_lock(&u->lock);
    if (__atomic_load_n(&u->in_flight, __ATOMIC_ACQUIRE) < DEPTH) {
        sqe = io_uring_get_sqe(&u->ring);
    }
    if (sqe) {
        UringReq *r = g_new(UringReq, 1);
        *r = (UringReq){done, opaque};
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

Uring *uring_new(Error **errp)
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
    u->thread = g_thread_new("block-uring", uring_main, u);
    return u;
}

void uring_free(Uring *u)
{
    g_mutex_lock(&u->lock);
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
    io_uring_prep_nop(sqe);
    io_uring_sqe_set_data(sqe, NULL);
    hand_over(u);
    g_mutex_unlock(&u->lock);
    g_thread_join(u->thread);
    io_uring_queue_exit(&u->ring);
    g_mutex_clear(&u->lock);
    g_free(u);
}

#else

Uring *uring_new(Error **errp)
{
    error_set(errp, ERR_UNSUPPORTED, "aio=io_uring was not compiled in");
    error_hint(errp, "aio=threads works everywhere");
    return NULL;
}

void uring_free(Uring *u)
{
}

bool uring_submit(Uring *u, int fd, bool write, uint64_t offset, const struct iovec *iov, int niov,
                  bool dsync, UringDone *done, void *opaque)
{
    return false;
}

#endif
