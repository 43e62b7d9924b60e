/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copying loop of convert, dd and commit: several workers, each with one request at a time.
 *
 * A worker takes the next range (the plan: what is there, asked under one lock, in order), reads
 * it, and writes it. With ordered writes it waits until all ranges before its own were written, so
 * that a target that grows is laid out in the order of its disk; reading goes on meanwhile.
 *
 * home: workers of its own; plan() under the lock.
 */
#include <errno.h>
#include <string.h>

#include "base/os/thread.h"
#include "tools/rhea-img.h"

typedef struct Run {
    Copy *c;
    GMutex lock;
    GCond turn;
    uint64_t next;    /* where the next range starts */
    uint64_t written; /* ordered: everything before is done */
    uint64_t done;    /* bytes, for progress */
    int64_t start_us;
    Error *err;
    uint64_t err_at;
} Run;

bool img_is_zero(const void *buf, size_t bytes)
{
    const uint8_t *p = buf;

    /* The first bytes by hand, the rest compared with what lies before it. */
    for (size_t i = 0; i < 16; i++) {
        if (i == bytes) {
            return true;
        }
        if (p[i]) {
            return false;
        }
    }
    return !memcmp(p, p + 16, bytes - 16);
}

uint64_t img_zero_run(const uint8_t *buf, uint64_t bytes, uint64_t unit, bool *zero)
{
    uint64_t n = MIN(unit, bytes);

    *zero = img_is_zero(buf, n);
    while (n < bytes && img_is_zero(buf + n, MIN(unit, bytes - n)) == *zero) {
        n += MIN(unit, bytes - n);
    }
    return n;
}

/* With the lock. The error nearest to the start of the disk is the one that counts. */
static void failed(Run *r, uint64_t at, Error *err)
{
    if (!r->err || at < r->err_at) {
        error_free(r->err);
        r->err = err;
        r->err_at = at;
    } else {
        error_free(err);
    }
    g_cond_broadcast(&r->turn);
}

/* Takes the next range that needs work; false: there is none. */
static bool take_range(Run *r, uint64_t *offset, uint64_t *bytes, CopyKind *kind)
{
    Copy *c = r->c;
    bool got = false;

    g_mutex_lock(&r->lock);
    if (r->next < c->total && !r->err) {
        Error *err = NULL;
        *offset = r->next;
        *bytes = c->total - r->next;
        if (c->plan(c, *offset, bytes, kind, &err) < 0) {
            failed(r, *offset, err);
        } else {
            if (*kind == COPY_DATA) {
                *bytes = MIN(*bytes, c->chunk);
            }
            r->next += *bytes;
            got = true;
        }
    }
    g_mutex_unlock(&r->lock);
    return got;
}

/* Waits for the turn of a range; false: something failed meanwhile. */
static bool wait_turn(Run *r, uint64_t offset)
{
    g_mutex_lock(&r->lock);
    while (r->c->ordered && r->written != offset && !r->err) {
        g_cond_wait(&r->turn, &r->lock);
    }
    bool ok = !r->err;
    g_mutex_unlock(&r->lock);
    return ok;
}

static void finish_range(Run *r, uint64_t offset, uint64_t bytes)
{
    g_mutex_lock(&r->lock);
    r->written = offset + bytes;
    r->done += bytes;
    img_progress(r->c->args, (double)r->done / (double)r->c->total);
    if (r->c->ordered) {
        g_cond_broadcast(&r->turn);
    }
    int64_t due = r->c->rate ? (int64_t)((double)r->done / (double)r->c->rate * 1e6) : 0;
    int64_t spent = g_get_monotonic_time() - r->start_us;
    g_mutex_unlock(&r->lock);
    if (due > spent) {
        g_usleep((gulong)(due - spent));
    }
}

static bool copy_range(Run *r, uint64_t offset, uint64_t bytes, CopyKind kind, uint8_t *buf,
                       Error **errp)
{
    Copy *c = r->c;
    int ret = -ENOTSUP;

    if (kind == COPY_DATA && c->offload) {
        if (!wait_turn(r, offset)) {
            return true;
        }
        ret = c->offload(c, offset, bytes, errp);
        if (ret != -ENOTSUP) {
            return ret == 0;
        }
    }
    if (kind == COPY_DATA && c->read(c, offset, buf, bytes, errp) < 0) {
        return false;
    }
    return !wait_turn(r, offset) || kind == COPY_SKIP ||
           c->write(c, offset, buf, bytes, kind, errp) == 0;
}

static gpointer worker(gpointer opaque)
{
    Run *r = opaque;
    uint64_t offset, bytes;
    CopyKind kind;
    uint8_t *buf = node_alloc_buffer(NULL, r->c->chunk);

    while (take_range(r, &offset, &bytes, &kind)) {
        Error *err = NULL;
        if (!copy_range(r, offset, bytes, kind, buf, &err)) {
            g_mutex_lock(&r->lock);
            failed(r, offset, err);
            g_mutex_unlock(&r->lock);
            break;
        }
        finish_range(r, offset, bytes);
    }
    node_free_buffer(buf);
    return NULL;
}

static gpointer named_worker(gpointer opaque)
{
    os_thread_set_name("copy");
    return worker(opaque);
}

bool img_copy(Copy *c, Error **errp)
{
    Run r = {.c = c, .start_us = g_get_monotonic_time()};
    g_autoptr(GPtrArray) threads = g_ptr_array_new();

    g_mutex_init(&r.lock);
    g_cond_init(&r.turn);
    uint64_t most = c->total / MAX(c->chunk, 1) + 1;
    for (uint64_t i = 1; i < MIN(c->workers, most); i++) {
        GThread *t = g_thread_try_new("copy", named_worker, &r, NULL);
        if (t) {
            g_ptr_array_add(threads, t);
        }
    }
    worker(&r); /* this thread is one of them */
    for (guint i = 0; i < threads->len; i++) {
        g_thread_join(threads->pdata[i]);
    }
    g_mutex_clear(&r.lock);
    g_cond_clear(&r.turn);
    if (r.err) {
        error_propagate(errp, r.err);
        return false;
    }
    return true;
}
