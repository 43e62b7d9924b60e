/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Event loop helpers: file descriptors, timers and posts on a GMainContext.
 *
 * Every function takes the loop, since a process has several. Callbacks run on the thread that
 * iterates it. A returned GSource is owned by the caller: end it with loop_remove(), from the
 * loop's own thread.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <glib.h>
#include <stdint.h>

typedef void LoopFn(void *opaque);
typedef void LoopFdFn(void *opaque, int fd, GIOCondition ready);

/* Calls @fn whenever @fd is ready for one of @events (G_IO_IN, G_IO_OUT; HUP and ERR always). */
GSource *loop_watch_fd(GMainContext *loop, int fd, GIOCondition events, LoopFdFn *fn, void *opaque);
/* Changes what a watch waits for; 0 leaves HUP and ERR. */
void loop_watch_events(GSource *watch, GIOCondition events);

/* Runs @fn once on the loop's thread, soon, in order of posting. From any thread. */
void loop_post(GMainContext *loop, LoopFn *fn, void *opaque);
/*
 * The same and waits until it has run; on the loop's own thread a plain call. The loop must be
 * running, and the caller must hold no lock that the loop may want.
 */
void loop_call(GMainContext *loop, LoopFn *fn, void *opaque);

/* A timer, not armed yet. */
GSource *loop_timer_new(GMainContext *loop, LoopFn *fn, void *opaque);
/* Arms it once for a time of loop_now_ns(); negative disarms. From any thread. */
void loop_timer_arm(GSource *timer, int64_t deadline_ns);
/* The host's monotonic clock that timers go by. */
int64_t loop_now_ns(void);

/* Ends a watch or timer and drops it; NULL is nothing. */
void loop_remove(GSource *source);

#endif
