/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events that the host's kernel may raise: a function that runs on a loop after each write to an eventfd. The eventfd is
 * opened when somebody asks for it, so that a machine whose accelerator has no use for it needs no descriptors.
 *
 * home: made and freed on the main loop; io_event_fd() from any thread.
 */
#ifndef CORE_IOEVENT_H
#define CORE_IOEVENT_H

#include "core/iothread.h"

typedef struct IoEvent IoEvent;

/* fn runs on the I/O thread, or, t NULL, on the machine's main loop: once for any number of writes that came before. */
IoEvent *io_event_new(Machine *m, IoThread *t, void (*fn)(void *opaque), void *opaque);
/* The eventfd (Linux, eventfd(2)), the event's own; -1: the system gives no more of them. */
int io_event_fd(IoEvent *e);
/* On return fn does not run and will not. Main loop; no lock that fn may want. NULL is nothing. */
void io_event_free(IoEvent *e);

#endif
