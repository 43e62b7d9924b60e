/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/O threads (-object iothread): an event loop of its own for devices that do not need the
 * machine's lock for their data.
 *
 * home: made and freed on the main loop; iothread_kick() from any thread.
 */
#ifndef CORE_IOTHREAD_H
#define CORE_IOTHREAD_H

#include "core/object.h"

typedef struct IoThread IoThread; /* an Object of type "iothread" */

GMainContext *iothread_loop(IoThread *t);

/*
 * A doorbell: fn runs on the thread after iothread_kick(), once for any number of kicks that came
 * before it began. Kicking a thread that is awake is one store.
 */
typedef struct IoDoorbell IoDoorbell;
IoDoorbell *iothread_doorbell_new(IoThread *t, void (*fn)(void *opaque), void *opaque);
void iothread_kick(IoDoorbell *b);
/* On return fn does not run and will not. Main loop; no lock that fn may want. */
void iothread_doorbell_free(IoDoorbell *b);

/* While the thread polls for doorbells it looks at this descriptor's G_IO_IN, too, which one of its sources waits for. */
void iothread_poll(IoThread *t, int fd, bool on);

/* What query-iothreads says of one. */
typedef struct IoThreadInfo {
    const char *id;
    int64_t thread_id, poll_max_ns, poll_grow, poll_shrink, aio_max_batch;
} IoThreadInfo;
void iothread_info(IoThread *t, IoThreadInfo *info);
void iothread_foreach(Machine *m, void (*fn)(IoThread *t, void *opaque), void *opaque);

#endif
