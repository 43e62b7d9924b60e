/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What file, host_device and host_cdrom share: a descriptor and what its host can do.
 */
#ifndef BLOCK_FILE_H
#define BLOCK_FILE_H

#include "block/node.h"

typedef struct Uring Uring;

/* Cached writes on the submitter's thread: quick.c. */
typedef struct QuickWrites {
    bool able;
    int64_t not_before, pause; /* atomic, microseconds */
} QuickWrites;

typedef struct QuickWrite {
    int64_t start;
    long sleeps;
} QuickWrite;

void quick_init(QuickWrites *q, int fd);
/* Around a write; false: not here and now. */
bool quick_begin(const QuickWrites *q, uint64_t offset, uint64_t bytes, QuickWrite *w);
void quick_end(QuickWrites *q, const QuickWrite *w);
/* A write slept; times of the monotonic clock. */
void quick_slow(QuickWrites *q, int64_t start, int64_t end);

typedef struct HostFile {
    int fd;
    int buffered;       /* without O_DIRECT, for the odd end of a file; -1: not opened */
    bool direct, lock, is_device;
    unsigned mem_align; /* O_DIRECT: of addresses */
    unsigned perm, shared; /* as the locks stand */
    /* What the host said it cannot do: not asked again. Atomic. */
    bool no_nowait_read, no_nowait_write, no_zero_range, no_punch, no_dsync;
    QuickWrites quick;
    uint64_t writes, flushed; /* atomic: counts writes, so that a flush without any is nothing */
    Uring *ring;        /* aio=io_uring */
    GMutex map_lock;    /* guards the last answer of SEEK_DATA/SEEK_HOLE */
    uint64_t map_start, map_end, map_writes;
    bool map_data, map_valid;
    int flush_error;    /* atomic: fdatasync failed; what was lost stays lost */
} HostFile;

struct RingHelp; /* block/internal.h */

/* uring.c: NULL with an error if the host has none. */
Uring *uring_new(struct RingHelp *help, Error **errp);
void uring_free(Uring *u); /* nothing in flight */
/* A request of the ring's; the first member of what it is about. */
typedef struct UringReq UringReq;
struct UringReq {
    /* res: bytes, or -errno, as the kernel answers; on the thread that reaps. */
    void (*done)(UringReq *r, int res);
};
/* false: the ring is full, or there is none. */
bool uring_submit(Uring *u, int fd, bool write, uint64_t offset, const struct iovec *iov, int niov,
                  bool dsync, UringReq *r);
int uring_fd(const Uring *u); /* readable: there are answers */
void uring_reap(Uring *u);    /* runs done for all answers there are; any thread */

#endif
