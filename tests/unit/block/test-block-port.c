/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports: requests in flight, order of completion, cancelling, error policies, draining, front ends
 * and media; with a main loop but without a machine.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "disk.h"

typedef struct Wait {
    int done, ret;
    GThread *where;
    int *counter;
} Wait;

static void finished(void *opaque, int ret)
{
    Wait *w = opaque;

    w->ret = ret;
    w->where = g_thread_self();
    if (w->counter) {
        ++*w->counter;
    }
    __atomic_store_n(&w->done, 1, __ATOMIC_RELEASE);
}

static int do_read(BlockPort *p, uint64_t offset, void *buf, size_t len, unsigned flags)
{
    struct iovec one = {buf, len};
    Wait w = {0};

    block_read(p, offset, &one, 1, flags, finished, &w);
    test_wait(&w.done);
    g_assert_true(w.where == g_thread_self());
    return w.ret;
}

static int do_write(BlockPort *p, uint64_t offset, const void *buf, size_t len, unsigned flags)
{
    struct iovec one = {(void *)buf, len};
    Wait w = {0};

    block_write(p, offset, &one, 1, flags, finished, &w);
    test_wait(&w.done);
    return w.ret;
}

static int do_flush(BlockPort *p)
{
    Wait w = {0};

    block_flush(p, 0, finished, &w);
    test_wait(&w.done);
    return w.ret;
}

static const BlockFrontend disk_front = {.name = "disk", .writable = true};

static BlockPort *attach(Drive *d)
{
    g_autoptr(Error) err = NULL;

    g_assert_true(block_attach(d->port, &disk_front, &err));
    return d->port;
}

static const char *const modes[] = {
    "", ",cache=none", ",cache=none,aio=io_uring", ",aio=io_uring", ",cache=writethrough",
    ",cache=unsafe", ",cache=directsync,aio=io_uring",
};

static void test_roundtrip(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autofree char *path = test_image("round.img", 1 << 20);
        BlockSet *set = blockset_new(g_main_context_default());
        BlockPort *p = attach(test_drive(set, "if=none,id=d,format=raw,file=%s%s", path, modes[i]));
        g_autofree uint8_t *a = g_malloc(300000), *b = g_malloc(300000);
        test_fill(a, 300000, i);
        g_assert_cmpuint(block_port_size(p), ==, 1 << 20);
        for (unsigned f = 0; f < 2; f++) {
            unsigned flags = f ? BLOCK_REQ_INLINE : 0;
            g_assert_cmpint(do_write(p, 512, a, 300000 - 300000 % 512, flags), ==, 0);
            g_assert_cmpint(do_read(p, 512, b, 300000 - 300000 % 512, flags), ==, 0);
            g_assert_cmpmem(a, 299520, b, 299520);
            g_assert_cmpint(do_write(p, 4096, a, 4096, flags | BLOCK_REQ_FUA), ==, 0);
            g_assert_cmpint(do_read(p, 4096, b, 4096, flags), ==, 0);
            g_assert_cmpmem(a, 4096, b, 4096);
            g_assert_cmpint(do_write(p, 8191, a, 77, flags), ==, 0);
            g_assert_cmpint(do_read(p, 8191, b, 77, flags), ==, 0);
            g_assert_cmpmem(a, 77, b, 77);
            g_assert_cmpint(do_flush(p), ==, 0);
        }
        g_assert_cmpuint(block_in_flight(p), ==, 0);
        blockset_free(set);
    }
}

static void test_refused(void)
{
    g_autofree char *path = test_image("small.img", 4096);
    BlockSet *set = blockset_new(g_main_context_default());
    BlockPort *p = attach(test_drive(set, "if=none,id=d,format=raw,file=%s", path));
    Drive *ro = test_drive(set, "if=none,id=ro,format=raw,readonly=on,file.filename=%s,"
                                "file.locking=off", path);
    uint8_t buf[1024];
    Error *err = NULL;

    g_assert_cmpint(do_read(p, 4096, buf, 512, 0), ==, -EINVAL);
    g_assert_cmpint(do_read(p, UINT64_MAX - 511, buf, 512, BLOCK_REQ_INLINE), ==, -EINVAL);
    g_assert_cmpint(do_write(p, 3584, buf, 1024, 0), ==, -EINVAL);
    g_assert_false(block_attach(ro->port, &disk_front, &err));
    test_error_has(err, "read-only");
    g_assert_cmpint(do_write(ro->port, 0, buf, 512, 0), ==, -EROFS);
    BlockPort *empty = blockset_empty_port(set, "cd");
    g_assert_cmpint(do_read(empty, 0, buf, 512, 0), ==, -ENOMEDIUM);
    g_assert_cmpint(do_flush(empty), ==, -ENOMEDIUM);
    blockset_free(set);
}

/* Many requests at once, from several threads. */
typedef struct Client {
    BlockPort *port;
    uint64_t base;
    uint8_t *buf;
    int completed;
    Wait waits[64];
    struct iovec iov[64];
} Client;

static gpointer client_submit(gpointer opaque)
{
    Client *c = opaque;

    for (int i = 0; i < 64; i++) {
        c->iov[i] = (struct iovec){c->buf + i * 4096, 4096};
        c->waits[i].counter = &c->completed;
        if (i % 16 == 15) {
            block_flush(c->port, 0, finished, &c->waits[i]);
        } else {
            block_write(c->port, c->base + (uint64_t)i * 4096, &c->iov[i], 1, 0, finished,
                        &c->waits[i]);
        }
    }
    return NULL;
}

static void test_concurrent(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autofree char *path = test_image("conc.img", 4 << 20);
        BlockSet *set = blockset_new(g_main_context_default());
        BlockPort *p = attach(test_drive(set, "if=none,id=d,format=raw,file=%s%s", path, modes[i]));
        g_autofree Client *c = g_new0(Client, 4);
        GThread *t[4];
        for (int k = 0; k < 4; k++) {
            c[k].port = p;
            c[k].base = (uint64_t)k << 20;
            c[k].buf = g_malloc(64 * 4096);
            test_fill(c[k].buf, 64 * 4096, (uint64_t)k);
            t[k] = g_thread_new("client", client_submit, &c[k]);
        }
        while (c[0].completed + c[1].completed + c[2].completed + c[3].completed < 256) {
            g_main_context_iteration(NULL, TRUE);
        }
        g_autofree uint8_t *back = g_malloc(4096);
        for (int k = 0; k < 4; k++) {
            g_thread_join(t[k]);
            for (int r = 0; r < 64; r++) {
                g_assert_cmpint(c[k].waits[r].ret, ==, 0);
                g_assert_true(c[k].waits[r].where == g_thread_self());
                if (r % 16 != 15) {
                    g_assert_cmpint(do_read(p, c[k].base + (uint64_t)r * 4096, back, 4096,
                                            BLOCK_REQ_INLINE), ==, 0);
                    g_assert_cmpmem(back, 4096, c[k].buf + r * 4096, 4096);
                }
            }
            g_free(c[k].buf);
        }
        blockset_free(set);
    }
}

/* Nothing is called after cancelling, and buffers are left alone. */
static void test_cancel(void)
{
    BlockSet *set = blockset_new(g_main_context_default());
    BlockPort *p = attach(test_drive(set, "if=none,id=d,driver=null-co,latency-ns=2000000,read-zeroes=on"));
    g_autofree uint8_t *buf = g_malloc(4096);

    for (int round = 0; round < 20; round++) {
        struct iovec one = {buf, 4096};
        Wait w[8] = {0};
        for (int i = 0; i < 8; i++) {
            block_read(p, 0, &one, 1, 0, finished, &w[i]);
        }
        g_usleep((gulong)round * 200);
        block_cancel_all(p);
        memset(buf, 0x77, 4096);
        g_assert_cmpuint(block_in_flight(p), ==, 0);
        while (g_main_context_iteration(NULL, FALSE)) {
        }
        for (int i = 0; i < 8; i++) {
            g_assert_cmpint(w[i].done, ==, 0);
        }
        g_assert_cmpuint(buf[4095], ==, 0x77);
    }
    blockset_free(set);
}

/* A canceller on another thread holds the front end's lock, as a reset does. */
typedef struct Locked {
    GMutex lock;
    BlockPort *port;
    int generation; /* guarded by lock */
    int wrong, right;
    int stop;
} Locked;

typedef struct LockedReq {
    Locked *l;
    int generation;
    struct iovec iov;
    uint8_t buf[512];
} LockedReq;

static void locked_take(void *opaque)
{
    g_mutex_lock(&((Locked *)opaque)->lock);
}

static void locked_drop(void *opaque)
{
    g_mutex_unlock(&((Locked *)opaque)->lock);
}

static void locked_done(void *opaque, int ret)
{
    LockedReq *r = opaque;

    *(r->generation == r->l->generation ? &r->l->right : &r->l->wrong) += 1;
}

static gpointer resetter(gpointer opaque)
{
    Locked *l = opaque;
    GPtrArray *mine = g_ptr_array_new_with_free_func(g_free);

    for (int i = 0; i < 2000; i++) {
        locked_take(l);
        for (int k = 0; k < 4; k++) {
            LockedReq *r = g_new0(LockedReq, 1);
            g_ptr_array_add(mine, r);
            r->l = l;
            r->generation = l->generation;
            r->iov = (struct iovec){r->buf, 512};
            block_read(l->port, 0, &r->iov, 1, 0, locked_done, r);
        }
        if (i % 3 == 0) {
            block_cancel_all(l->port);
            l->generation++;
        }
        locked_drop(l);
    }
    __atomic_store_n(&l->stop, 1, __ATOMIC_RELEASE);
    g_main_context_wakeup(NULL);
    return mine;
}

static void test_cancel_locked(void)
{
    BlockSet *set = blockset_new(g_main_context_default());
    Drive *d = test_drive(set, "if=none,id=d,driver=null-co,read-zeroes=on");
    Locked l = {.port = d->port};
    const BlockFrontend f = {.name = "l", .opaque = &l, .lock = locked_take, .unlock = locked_drop};

    g_mutex_init(&l.lock);
    g_assert_true(block_attach(d->port, &f, NULL));
    GThread *t = g_thread_new("reset", resetter, &l);
    test_wait(&l.stop);
    GPtrArray *requests = g_thread_join(t);
    blockset_quiesce(set, false);
    g_ptr_array_unref(requests);
    g_assert_cmpint(l.wrong, ==, 0);
    g_assert_cmpint(l.right, >, 0);
    blockset_free(set);
}

/* ---- errors ---- */

typedef struct Events {
    int count, stops;
    char last[512];
} Events;

static void on_error(void *opaque, const char *json, bool stop)
{
    Events *e = opaque;

    e->count++;
    e->stops += stop;
    g_strlcpy(e->last, json, sizeof(e->last));
}

static BlockPort *faulty(BlockSet *set, const char *path, const char *rule, const char *policy,
                         Events *e)
{
    Drive *d = test_drive(set, "if=none,id=d,driver=raw%s,file.driver=fault%s,file.file.driver=file,"
                               "file.file.filename=%s", policy, rule, path);
    blockset_on_error(set, on_error, e);
    return attach(d);
}

static void test_policy_report(void)
{
    g_autofree char *path = test_image("report.img", 65536);
    BlockSet *set = blockset_new(g_main_context_default());
    Events e = {0};
    BlockPort *p = faulty(set, path, ",file.kind=write,file.nth=2", "", &e);
    uint8_t buf[512] = {1};

    g_assert_cmpint(do_write(p, 0, buf, 512, 0), ==, 0);
    g_assert_cmpint(do_write(p, 0, buf, 512, 0), ==, -EIO);
    g_assert_cmpint(do_write(p, 0, buf, 512, 0), ==, 0);
    while (!e.count) {
        g_main_context_iteration(NULL, TRUE);
    }
    g_assert_nonnull(strstr(e.last, "\"action\": \"report\""));
    g_assert_nonnull(strstr(e.last, "\"operation\": \"write\""));
    g_assert_nonnull(strstr(e.last, "\"device\": \"d\""));
    g_assert_cmpint(e.stops, ==, 0);
    blockset_free(set);
}

static void test_policy_ignore(void)
{
    g_autofree char *path = test_image("ignore.img", 65536);
    BlockSet *set = blockset_new(g_main_context_default());
    Events e = {0};
    BlockPort *p = faulty(set, path, ",file.kind=any,file.nth=1,file.count=0",
                          ",werror=ignore,rerror=ignore", &e);
    uint8_t buf[512] = {1};

    g_assert_cmpint(do_write(p, 0, buf, 512, 0), ==, 0);
    g_assert_cmpint(do_read(p, 0, buf, 512, 0), ==, 0);
    blockset_free(set);
}

/* The default: a full disk stops the machine, and the request is done when it resumes. */
static void test_policy_enospc(void)
{
    g_autofree char *path = test_image("enospc.img", 65536);
    BlockSet *set = blockset_new(g_main_context_default());
    Events e = {0};
    BlockPort *p = faulty(set, path, ",file.kind=write,file.nth=1,file.count=2,file.errno=ENOSPC", "",
                          &e);
    uint8_t buf[512], back[512];
    struct iovec one = {buf, 512};
    Wait w = {0};

    test_fill(buf, 512, 9);
    block_write(p, 1024, &one, 1, 0, finished, &w);
    for (int stop = 1; stop <= 2; stop++) {
        while (e.stops < stop) {
            g_main_context_iteration(NULL, TRUE);
        }
        g_assert_cmpint(w.done, ==, 0);
        g_assert_cmpuint(block_in_flight(p), ==, 1);
        g_assert_cmpint(blockset_quiesce(set, false), ==, 0); /* does not wait for it */
        g_assert_nonnull(strstr(e.last, "\"nospace\": true"));
        blockset_resume(set);
    }
    test_wait(&w.done);
    g_assert_cmpint(w.ret, ==, 0);
    g_assert_cmpint(do_read(p, 1024, back, 512, 0), ==, 0);
    g_assert_cmpmem(buf, 512, back, 512);
    blockset_free(set);
}

static void test_policy_stop_cancelled(void)
{
    g_autofree char *path = test_image("stop.img", 65536);
    BlockSet *set = blockset_new(g_main_context_default());
    Events e = {0};
    BlockPort *p = faulty(set, path, ",file.kind=read,file.nth=1,file.count=0", "", &e);
    uint8_t buf[512];
    struct iovec one = {buf, 512};
    Wait w = {0};

    g_assert_true(block_port_set_error_policy(p, "stop", "auto", NULL));
    block_read(p, 0, &one, 1, 0, finished, &w);
    while (!e.stops) {
        g_main_context_iteration(NULL, TRUE);
    }
    block_cancel_all(p);
    blockset_resume(set);
    while (g_main_context_iteration(NULL, FALSE)) {
    }
    g_assert_cmpint(w.done, ==, 0);
    g_assert_cmpuint(block_in_flight(p), ==, 0);
    Error *err = NULL;
    g_assert_false(block_port_set_error_policy(p, "enospc", NULL, &err));
    test_error_has(err, "invalid read error action");
    blockset_free(set);
}

/* ---- draining ---- */

static void test_drain(void)
{
    BlockSet *set = blockset_new(g_main_context_default());
    BlockPort *p = attach(test_drive(set, "if=none,id=d,driver=null-co,latency-ns=3000000"));
    BlockNode *n = block_port_node(p);
    uint8_t buf[512];
    struct iovec one = {buf, 512};
    Wait w[4] = {0};

    block_read(p, 0, &one, 1, 0, finished, &w[0]);
    node_drain_begin(n);
    block_read(p, 0, &one, 1, 0, finished, &w[1]);
    block_flush(p, 0, finished, &w[2]);
    g_usleep(10000);
    while (g_main_context_iteration(NULL, FALSE)) {
    }
    g_assert_cmpint(w[0].done, ==, 1);
    g_assert_cmpint(w[1].done + w[2].done, ==, 0);
    node_drain_end(n);
    test_wait(&w[1].done);
    test_wait(&w[2].done);
    blockset_free(set);
}

typedef struct Batch {
    bool in_batch;
    int done, outside, batches;
} Batch;

static void batch_begin(void *opaque)
{
    ((Batch *)opaque)->in_batch = true;
}

static void batch_end(void *opaque)
{
    Batch *b = opaque;

    b->in_batch = false;
    b->batches++;
}

static void in_batch(void *opaque, int ret)
{
    Batch *b = opaque;

    g_assert_cmpint(ret, ==, 0);
    b->outside += !b->in_batch;
    b->done++;
}

/* What came while drained, and might have been answered in the call, is answered with the front end's lock and ends a batch. */
static void test_drain_inline(void)
{
    g_autofree char *path = test_image("held.img", 1 << 16);
    BlockSet *set = blockset_new(g_main_context_default());
    Drive *d = test_drive(set, "if=none,id=d,format=raw,file=%s", path);
    Batch b = {0};
    const BlockFrontend f = {.name = "b", .opaque = &b, .lock = batch_begin, .unlock = batch_end};
    uint8_t buf[512];
    struct iovec one = {buf, 512};

    g_assert_true(block_attach(d->port, &f, NULL));
    g_assert_cmpint(do_read(d->port, 0, buf, 512, 0), ==, 0); /* the host has it in memory from now on */
    b = (Batch){0};
    node_drain_begin(block_port_node(d->port));
    block_read(d->port, 0, &one, 1, BLOCK_REQ_INLINE, in_batch, &b);
    node_drain_end(block_port_node(d->port));
    test_wait(&b.done);
    blockset_quiesce(set, false);
    g_assert_cmpint(b.done, ==, 1);
    g_assert_cmpint(b.outside, ==, 0);
    g_assert_cmpint(b.batches, ==, 1);
    blockset_free(set);
}

/* ---- a loop of one's own ---- */

static gpointer io_thread(gpointer loop)
{
    g_main_loop_run(loop);
    return NULL;
}

static void own_loop(const char *drive)
{
    BlockSet *set = blockset_new(g_main_context_default());
    BlockPort *p = attach(test_drive(set, "if=none,id=d,%s", drive));
    GMainContext *ctx = g_main_context_new();
    GMainLoop *loop = g_main_loop_new(ctx, FALSE);
    GThread *t = g_thread_new("io", io_thread, loop);
    uint8_t buf[512];
    struct iovec one = {buf, 512};

    block_port_set_loop(p, ctx);
    for (int i = 0; i < 100; i++) {
        Wait w = {0};
        block_read(p, 0, &one, 1, 0, finished, &w);
        while (!__atomic_load_n(&w.done, __ATOMIC_ACQUIRE)) {
            g_usleep(10);
        }
        g_assert_true(w.where == t);
    }
    Wait w[20] = {0};
    for (int i = 0; i < 20; i++) {
        block_read(p, 0, &one, 1, 0, finished, &w[i]);
    }
    blockset_quiesce(set, true);
    for (int i = 0; i < 20; i++) {
        g_assert_cmpint(w[i].done, ==, 1);
    }
    block_detach(p);
    g_main_loop_quit(loop);
    g_thread_join(t);
    g_main_loop_unref(loop);
    g_main_context_unref(ctx);
    blockset_free(set);
}

static void test_own_loop(void)
{
    g_autofree char *path = test_image("own.img", 65536);
    g_autofree char *ring = g_strdup_printf("format=raw,aio=io_uring,file=%s", path);

    own_loop("driver=null-co");
    own_loop(ring);
}

/* A ring is polled by the port's loop. When that does not run, whoever waits for requests gets
 * them all the same: draining, cancelling, quiescing; and the ring goes with its node. */
static void test_ring(void)
{
    g_autofree char *path = test_image("ring.img", 1 << 20);
    BlockSet *set = blockset_new(g_main_context_default());
    BlockPort *p = attach(test_drive(set, "if=none,id=d,format=raw,file=%s,cache=none,aio=io_uring", path));
    GMainContext *ctx = g_main_context_new();
    uint8_t *buf = node_alloc_buffer(block_port_node(p), 16 * 4096);
    struct iovec iov[16];
    Wait w[16];

    for (int round = 0; round < 60; round++) {
        memset(w, 0, sizeof(w));
        block_port_set_loop(p, round % 2 ? ctx : NULL);
        for (int i = 0; i < 16; i++) {
            iov[i] = (struct iovec){buf + i * 4096, 4096};
            block_read(p, (uint64_t)i * 4096, &iov[i], 1, 0, finished, &w[i]);
        }
        if (round % 3 == 0) {
            block_cancel_all(p);
        } else {
            node_drain_begin(block_port_node(p));
            node_drain_end(block_port_node(p));
        }
        while (block_in_flight(p)) {
            g_main_context_iteration(round % 2 ? ctx : NULL, TRUE);
        }
        for (int i = 0; i < 16; i++) {
            g_assert_cmpint(w[i].done, ==, round % 3 != 0);
            g_assert_cmpint(w[i].ret, ==, 0);
        }
    }
    block_port_set_loop(p, NULL);
    memset(w, 0, sizeof(w));
    block_read(p, 0, iov, 1, 0, finished, &w[0]);
    g_assert_cmpint(blockset_quiesce(set, true), ==, 0);
    g_assert_cmpint(w[0].done, ==, 1);
    node_free_buffer(buf);
    block_detach(p);
    blockset_free(set);
    while (g_main_context_iteration(NULL, FALSE)) { /* nothing polls the descriptor any more */
    }
    g_main_context_unref(ctx);
}

/* ---- front ends and media ---- */

typedef struct Front {
    int media, resized, asked;
    bool loaded, locked, open;
} Front;

static void front_media(void *opaque, bool loaded)
{
    Front *f = opaque;
    f->media++;
    f->loaded = loaded;
    f->open = !loaded;
}

static void front_resized(void *opaque)
{
    ((Front *)opaque)->resized++;
}

static void front_asked(void *opaque, bool force)
{
    ((Front *)opaque)->asked++;
}

static bool front_locked(void *opaque)
{
    return ((Front *)opaque)->locked;
}

static bool front_open(void *opaque)
{
    return ((Front *)opaque)->open;
}

static const BlockFrontOps front_ops = {front_resized, front_media, front_asked, front_open,
                                        front_locked};

static void test_media(void)
{
    g_autofree char *path = test_image("cd.img", 65536);
    BlockSet *set = blockset_new(g_main_context_default());
    Drive *d = test_drive(set, "if=ide,id=cd,media=cdrom");
    Front f = {0};
    const BlockFrontend fe = {.name = "ide-cd", .ops = &front_ops, .opaque = &f, .removable = true};
    Error *err = NULL;

    g_assert_false(block_attach(d->port, &disk_front, &err));
    test_error_has(err, "drive is empty");
    g_assert_true(block_attach(d->port, &fe, NULL));
    g_assert_false(block_port_inserted(d->port));
    BlockNode *n = test_node(set, "driver=raw,node-name=m,read-only=on,file.driver=file,file.filename=%s",
                             path);
    g_assert_true(block_port_insert(d->port, n, NULL));
    g_assert_true(f.loaded && !f.open && f.media == 2 && block_port_inserted(d->port));
    g_assert_cmpuint(block_port_size(d->port), ==, 65536);
    err = NULL;
    g_assert_false(blockset_del_node(set, "m", &err));
    test_error_has(err, "in use");
    f.locked = true;
    err = NULL;
    g_assert_false(block_port_eject(d->port, false, &err));
    test_error_has(err, "locked");
    g_assert_cmpint(f.asked, ==, 1);
    f.locked = false;
    g_assert_true(block_port_eject(d->port, false, NULL));
    g_assert_true(!f.loaded && f.open && f.media == 3 && !block_port_inserted(d->port));
    g_assert_true(blockset_del_node(set, "m", NULL));
    blockset_free(set);
}

static void test_one_front_end(void)
{
    g_autofree char *path = test_image("one.img", 65536);
    BlockSet *set = blockset_new(g_main_context_default());
    test_drive(set, "if=none,id=d,format=raw,file=%s", path);
    Error *err = NULL;
    Front f = {0};
    const BlockFrontend fe = {.name = "dev1", .ops = &front_ops, .opaque = &f, .writable = true};

    BlockPort *p = blockset_claim(set, "d", NULL);
    g_assert_true(block_attach(p, &fe, NULL));
    g_assert_null(blockset_claim(set, "d", &err));
    test_error_has(err, "already in use by device 'dev1'");
    g_assert_true(block_port_resize(p, 131072, NULL));
    g_assert_cmpint(f.resized, ==, 1);
    g_assert_cmpuint(block_port_size(p), ==, 131072);
    block_detach(p);
    g_assert_true(blockset_claim(set, "d", NULL) == p);
    err = NULL;
    g_assert_null(blockset_claim(set, "nothing", &err));
    test_error_has(err, "nothing");

    /* Two writers of one node, only if both say so. */
    BlockNode *n = test_node(set, "driver=null-co,node-name=n");
    BlockPort *a = blockset_claim(set, n->name, NULL), *b = blockset_claim(set, n->name, NULL);
    g_assert_true(block_attach(a, &fe, NULL));
    err = NULL;
    g_assert_false(block_attach(b, &fe, &err));
    test_error_has(err, "'n' is in use by device 'dev1'");
    block_detach(a);
    BlockFrontend sharing = fe;
    sharing.share_write = true;
    a = blockset_claim(set, n->name, NULL);
    b = blockset_claim(set, n->name, NULL);
    g_assert_true(block_attach(a, &sharing, NULL));
    g_assert_true(block_attach(b, &sharing, NULL));
    blockset_free(set);
}

/* A node can go when its device has gone, or could not be made; not while one has it. */
static void test_node_after_device(void)
{
    BlockSet *set = blockset_new(g_main_context_default());
    Error *err = NULL;
    Front f = {0};
    const BlockFrontend fe = {.name = "dev1", .ops = &front_ops, .opaque = &f, .writable = true};

    for (int attached = 0; attached < 2; attached++) {
        test_node(set, "driver=null-co,node-name=n");
        BlockPort *p = blockset_claim(set, "n", NULL);
        if (attached) {
            g_assert_true(block_attach(p, &fe, NULL));
            err = NULL;
            g_assert_false(blockset_del_node(set, "n", &err));
            test_error_has(err, "in use");
            block_detach(p);
        }
        g_assert_true(blockset_del_node(set, "n", NULL));
        g_assert_null(node_find(set, "n"));
    }
    blockset_free(set);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/port/roundtrip", test_roundtrip);
    g_test_add_func("/port/refused", test_refused);
    g_test_add_func("/port/concurrent", test_concurrent);
    g_test_add_func("/port/cancel", test_cancel);
    g_test_add_func("/port/cancel-locked", test_cancel_locked);
    g_test_add_func("/port/policy-report", test_policy_report);
    g_test_add_func("/port/policy-ignore", test_policy_ignore);
    g_test_add_func("/port/policy-enospc", test_policy_enospc);
    g_test_add_func("/port/policy-stop-cancelled", test_policy_stop_cancelled);
    g_test_add_func("/port/drain", test_drain);
    g_test_add_func("/port/drain-inline", test_drain_inline);
    g_test_add_func("/port/own-loop", test_own_loop);
    g_test_add_func("/port/ring", test_ring);
    g_test_add_func("/port/media", test_media);
    g_test_add_func("/port/one-front-end", test_one_front_end);
    g_test_add_func("/port/node-after-device", test_node_after_device);
    int ret = g_test_run();
    test_dir_end();
    return ret;
}
