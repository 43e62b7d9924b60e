/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Thread contexts (-object thread-context): a thread whose processors are chosen, and which makes
 * threads that inherit them. Memory is preallocated on such threads, so that the host takes it from
 * the nodes near them.
 *
 * home: made, used and freed on the main loop.
 */
#ifndef CORE_THREADCTX_H
#define CORE_THREADCTX_H

#include "core/object.h"

typedef struct ThreadContext ThreadContext; /* an Object of type "thread-context" */

/*
 * Runs fn(0, opaque) ... fn(@n - 1, opaque) at once, each on a thread of its own that has the
 * processors of @t (NULL: of the caller), and waits for all. False if a thread could not be made;
 * then those that were have run.
 */
bool thread_context_run(ThreadContext *t, unsigned n, void (*fn)(unsigned i, void *opaque), void *opaque,
                        Error **errp);

#endif
