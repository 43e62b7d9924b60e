/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests of front ends: short cuts around the workers, completions in batches on the port's
 * loop, error policies.
 *
 * A request is in one list of its port at a time: active, held, stopped or finished. It leaves
 * finished under the port's lock just before its callback runs, so that cancelling is exact.
 *
 * home: any thread; see block.h. The port's lock is innermost: nothing is called with it held.
 */
#include <errno.h>
#include <string.h>

#include "base/iov.h"
#include "base/loop.h"
#include "block/port.h"

#define INLINE_BYTES (256u << 10) /* more than that is not copied on a processor's thread */

/* ---- lists ---- */

static void list_add(ReqList *l, Req *r)
{
    r->prev = l->tail;
    r->next = NULL;
    *(l->tail ? &l->tail->next : &l->head) = r;
    l->tail = r;
    l->len++;
}

static void list_remove(ReqList *l, Req *r)
{
    *(r->prev ? &r->prev->next : &l->head) = r->next;
    *(r->next ? &r->next->prev : &l->tail) = r->prev;
    l->len--;
}

static Req *list_pop(ReqList *l)
{
    Req *r = l->head;

    if (r) {
        list_remove(l, r);
    }
    return r;
}

static void free_all(ReqList *l)
{
    Req *r;

    while ((r = list_pop(l))) {
        g_free(r);
    }
}

/* ---- waiting for a change of the lists; with the lock held ---- */

static void wait_change(BlockPort *p)
{
    p->waiters++;
    g_cond_wait(&p->cond, &p->lock);
    p->waiters--;
}

/* GLib makes a system call of each broadcast, even when nobody waits. */
static void wake_waiters(BlockPort *p)
{
    if (p->waiters) {
        g_cond_broadcast(&p->cond);
    }
}

/* ---- completion ---- */

static void account(BlockPort *p, const Req *r)
{
    PortStats *s = &p->stats;
    int64_t now = loop_now_ns();

    s->last = now;
    s->ns[r->kind] += (uint64_t)(now - r->start);
    if (r->ret < 0) {
        s->failed[r->kind]++;
    } else {
        s->ops[r->kind]++;
        s->bytes[r->kind] += r->bytes;
    }
}

/* Runs callbacks until there are none; the port's loop. True if any ran. */
bool port_run_completions(BlockPort *p)
{
    BlockSet *set = p->set;
    bool any = false;
    Req *r;

    g_mutex_lock(&p->lock);
    bool nothing = !p->finished.head;
    p->dispatching += !nothing;
    g_mutex_unlock(&p->lock);
    if (nothing) {
        return false;
    }
    const BlockFrontend fe = p->fe; /* block_detach() waits for us */
    if (fe.lock) {
        fe.lock(fe.opaque);
    }
    for (;;) {
        g_mutex_lock(&p->lock);
        r = list_pop(&p->finished);
        g_mutex_unlock(&p->lock);
        if (!r) {
            break;
        }
        any = true;
        BlockDone *done = r->done;
        void *opaque = r->opaque;
        int ret = r->ret;
        g_free(r);
        done(opaque, ret);
    }
    if (fe.unlock) {
        fe.unlock(fe.opaque);
    }
    g_mutex_lock(&p->lock);
    p->dispatching--;
    wake_waiters(p);
    g_mutex_unlock(&p->lock);
    blockset_idle_changed(set);
    return any;
}

/* Callbacks on another thread's loop are over; requests in flight are not waited for. */
void port_wait_dispatch(BlockPort *p)
{
    if (!p->loop || g_main_context_is_owner(p->loop)) {
        return;
    }
    g_mutex_lock(&p->lock);
    while (p->dispatching && !port_on_main_loop(p)) {
        wait_change(p);
    }
    g_mutex_unlock(&p->lock);
}

typedef struct PortSource {
    GSource source;
    BlockPort *port;
} PortSource;

/* Until the end nobody who completes need wake the loop, and the ring stays. */
static BlockNode *begin_reaping(BlockPort *p)
{
    g_mutex_lock(&p->lock);
    BlockNode *ring = p->ring;
    p->reaping = ring != NULL;
    g_mutex_unlock(&p->lock);
    return ring;
}

static void end_reaping(BlockPort *p)
{
    g_mutex_lock(&p->lock);
    p->reaping = false;
    wake_waiters(p);
    g_mutex_unlock(&p->lock);
}

static gboolean port_dispatch(GSource *source, GSourceFunc unused, gpointer unused2)
{
    BlockPort *p = ((PortSource *)source)->port;

    g_source_set_ready_time(source, -1);
    BlockNode *ring = begin_reaping(p);
    if (ring) {
        ring->drv->reap(ring);
        end_reaping(p);
    }
    port_run_completions(p);
    return G_SOURCE_CONTINUE;
}

/* The loop polls the queue of the first leaf that has one; requests to others go to workers. */
static bool polls(BlockPort *p, BlockNode *leaf)
{
    BlockNode *ring = __atomic_load_n(&p->ring, __ATOMIC_ACQUIRE);

    if (ring || !p->source) {
        return ring == leaf;
    }
    int fd = leaf->drv->poll_fd(leaf);
    if (fd < 0) {
        return false;
    }
    g_mutex_lock(&p->lock);
    if (!p->ring) {
        g_source_add_unix_fd(p->source, fd, G_IO_IN);
        __atomic_store_n(&p->ring, leaf, __ATOMIC_RELEASE);
    }
    bool ours = p->ring == leaf;
    g_mutex_unlock(&p->lock);
    return ours;
}


static void attach_source(BlockPort *p)
{
    static const GSourceFuncs funcs = {.dispatch = port_dispatch};

    p->source = g_source_new((GSourceFuncs *)&funcs, sizeof(PortSource));
    ((PortSource *)p->source)->port = p;
    g_source_set_ready_time(p->source, -1);
    g_source_attach(p->source, p->loop);
}

/* No request is in flight. The descriptor of a queue goes with the source that polls it. */
static void renew_source(BlockPort *p)
{
    loop_remove(p->source);
    g_mutex_lock(&p->lock);
    while (p->reaping) { /* on its loop's thread; it calls nobody meanwhile */
        wait_change(p);
    }
    __atomic_store_n(&p->ring, NULL, __ATOMIC_RELEASE);
    g_mutex_unlock(&p->lock);
    attach_source(p);
}

static ErrorPolicy policy_for(BlockPort *p, const Req *r)
{
    return r->kind == REQ_READ ? p->on_read_error : p->on_write_error;
}

typedef struct ErrorReport {
    BlockSet *set;
    char *json;
    bool stop;
} ErrorReport;

static void report_error(void *opaque)
{
    ErrorReport *e = opaque;

    if (e->set->error_fn) {
        e->set->error_fn(e->set->error_opaque, e->json, e->stop);
    }
    free(e->json);
    g_free(e);
}

static void post_error(BlockPort *p, const Req *r, int ret, const char *action)
{
    static const char *const names[] = {"read", "write", "write", "write", "write"};
    ErrorReport *e = g_new(ErrorReport, 1);
    g_autoptr(json_t) j = json_pack("{s:s, s:s, s:s, s:b, s:s}", "device",
                                    p->unnamed ? "" : p->name, "operation", names[r->kind],
                                    "action", action, "nospace", ret == -ENOSPC, "reason",
                                    g_strerror(-ret));
    if (p->node) {
        json_object_set_new(j, "node-name", json_string(p->node->name));
    }
    *e = (ErrorReport){p->set, json_to_line(j), !strcmp(action, "stop")};
    loop_post(p->set->loop, report_error, e);
}

/* Does the guest hear of the failure? Otherwise the request goes on or waits. */
static void apply_policy(BlockPort *p, Req *r, int *ret, bool *stop)
{
    ErrorPolicy policy = policy_for(p, r);

    if (policy == POLICY_ENOSPC) {
        policy = *ret == -ENOSPC ? POLICY_STOP : POLICY_REPORT;
    }
    post_error(p, r, *ret, policy == POLICY_STOP ? "stop" : policy == POLICY_IGNORE ? "ignore"
                                                                                  : "report");
    *stop = policy == POLICY_STOP;
    if (policy == POLICY_IGNORE) {
        *ret = 0;
    }
}

static void release_pins(Req *r)
{
    bool write = r->kind == REQ_WRITE;

    if (r->leaf) {
        if (write) {
            node_end_write_range(r->leaf, &r->range);
            if (r->ret == 0) {
                node_wrote(r->leaf, r->leaf_offset + r->bytes);
            }
        }
        __atomic_fetch_sub(&r->leaf->core->in_flight, 1, __ATOMIC_ACQ_REL);
    }
    while (r->n_pins) {
        Pin *pin = &r->pins[--r->n_pins];
        if (write && r->ret == 0) {
            node_wrote(pin->node, pin->offset + r->bytes);
        }
        if (pin->node->drv->unpin) {
            pin->node->drv->unpin(pin->node, write, pin->child_offset, r->bytes);
        }
    }
    r->leaf = NULL;
}

/* The result is there; on any thread. */
static void req_finish(Req *r, int ret)
{
    BlockPort *p = r->port;
    BlockSet *set = p->set; /* once the request is out of the list the port may go */
    bool stop = false, wake;

    r->ret = ret;
    if (ret < 0 && !r->dropped && ret != -ENOTSUP && ret != -ENOMEDIUM && p->set->loop) {
        apply_policy(p, r, &ret, &stop);
        r->ret = ret;
    }
    g_mutex_lock(&p->lock);
    list_remove(&p->active, r);
    wake = !p->finished.head;
    if (r->dropped) {
        g_free(r);
        wake = false;
    } else if (stop) {
        list_add(&p->stopped, r);
        wake = false;
    } else {
        account(p, r);
        list_add(&p->finished, r);
    }
    if (wake && p->source && !p->reaping) {
        g_source_set_ready_time(p->source, 0);
    }
    wake_waiters(p);
    g_mutex_unlock(&p->lock);
    blockset_idle_changed(set);
}

/* ---- carrying out ---- */

static int carry_out(Req *r, BlockNode *n)
{
    unsigned flags = r->flags & (NODE_REQ_FUA | NODE_REQ_UNMAP | NODE_REQ_NO_FALLBACK);

    switch (r->kind) {
    case REQ_READ:
        return node_preadv(n, r->offset, r->iov, r->niov);
    case REQ_WRITE:
        return node_pwritev(n, r->offset, r->iov, r->niov, flags);
    case REQ_FLUSH:
        return node_flush(n);
    case REQ_ZEROES:
        return node_pwrite_zeroes(n, r->offset, r->bytes, flags);
    case REQ_DISCARD:
        return node_pdiscard(n, r->offset, r->bytes);
    }
    return -EINVAL;
}

static void req_work(BlockWork *w)
{
    Req *r = (Req *)w;

    req_finish(r, carry_out(r, r->port->node));
}

static void leaf_done(void *opaque, int ret)
{
    Req *r = opaque;

    r->ret = ret;
    release_pins(r);
    req_finish(r, ret);
}

static void leaf_work(BlockWork *w)
{
    Req *r = (Req *)w;

    leaf_done(r, node_pinned_io(r->leaf, r->kind == REQ_WRITE, r->leaf_offset, r->bytes, r->iov, r->niov,
                                r->flags & NODE_REQ_FUA));
}

/* May a request go straight through this node? */
static bool no_detour(const Req *r, BlockNode *n, uint64_t at)
{
    bool write = r->kind == REQ_WRITE;

    if (r->bytes > n->size || at > n->size - r->bytes) {
        return false;
    }
    /* The node's own metadata for the range may not be on the medium yet. */
    bool fua = r->flags & BLOCK_REQ_FUA && n->drv->flush && n->drv->kind != DRIVER_PROTOCOL;
    return !write || (n->flags & BLOCK_RDWR && !(n->flags & BLOCK_DETECT_ZEROES) &&
                      !n->core->probed_raw && !fua);
}

static bool take_leaf(Req *r, BlockNode *n, uint64_t at)
{
    if (n->drv->kind != DRIVER_PROTOCOL || (at | r->bytes) & (n->alignment - 1) ||
        (r->kind == REQ_WRITE && !node_try_write_range(n, &r->range, at, r->bytes))) {
        return false;
    }
    r->leaf = n;
    r->leaf_offset = at;
    __atomic_fetch_add(&n->core->in_flight, 1, __ATOMIC_ACQ_REL);
    return true;
}

/* Follows .resolve down to a protocol. Nothing is left pinned if that fails. */
static bool pin_leaf(Req *r)
{
    BlockNode *n = r->port->node;
    uint64_t at = r->offset;

    while (no_detour(r, n, at)) {
        if (!n->drv->resolve) {
            if (take_leaf(r, n, at)) {
                return true;
            }
            break;
        }
        Pin pin = {.node = n, .offset = at};
        BlockNode *child;
        if (r->n_pins == PINS || !n->drv->resolve(n, r->kind == REQ_WRITE, at, r->bytes, &child,
                                                  &pin.child_offset)) {
            break;
        }
        r->pins[r->n_pins++] = pin;
        n = child;
        at = pin.child_offset;
    }
    r->ret = -EAGAIN; /* nothing was written */
    release_pins(r);
    return false;
}

static int try_leaf(Req *r)
{
    const BlockDriver *drv = r->leaf->drv;

    if (r->bytes > INLINE_BYTES) {
        return -EAGAIN;
    }
    if (r->kind == REQ_READ) {
        return drv->try_preadv
                   ? drv->try_preadv(r->leaf, r->leaf_offset, r->bytes, r->iov, r->niov)
                   : -EAGAIN;
    }
    return drv->try_pwritev ? drv->try_pwritev(r->leaf, r->leaf_offset, r->bytes, r->iov, r->niov,
                                               r->flags & NODE_REQ_FUA)
                            : -EAGAIN;
}

static void finish_inline(Req *r)
{
    BlockPort *p = r->port;
    BlockSet *set = p->set;
    BlockDone *done = r->done;
    void *opaque = r->opaque;

    g_mutex_lock(&p->lock);
    list_remove(&p->active, r);
    account(p, r);
    bool dropped = r->dropped;
    wake_waiters(p);
    g_mutex_unlock(&p->lock);
    blockset_idle_changed(set);
    g_free(r);
    if (!dropped) {
        done(opaque, 0);
    }
}

static void to_worker(Req *r, void (*fn)(BlockWork *), bool waits_for_none)
{
    r->work = (BlockWork){.fn = fn, .waits_for_none = waits_for_none};
    worker_submit(&r->port->set->pool, &r->work);
}

/* It is in the active list. True: done, or on its way to the leaf. */
static bool short_cut(Req *r)
{
    if ((r->kind != REQ_READ && r->kind != REQ_WRITE) || !r->bytes || !pin_leaf(r)) {
        return false;
    }
    BlockNode *leaf = r->leaf;
    unsigned fua = r->flags & NODE_REQ_FUA;
    if (leaf->drv->submit && polls(r->port, leaf) && (!fua || leaf->drv->write_flags & NODE_REQ_FUA) &&
        leaf->drv->submit(leaf, r->kind == REQ_WRITE, r->leaf_offset, r->iov, r->niov, fua,
                          leaf_done, r)) {
        return true;
    }
    int ret = try_leaf(r);
    if (ret == -EAGAIN) {
        to_worker(r, leaf_work, true);
        return true;
    }
    r->ret = ret;
    release_pins(r);
    if (ret == 0 && r->flags & BLOCK_REQ_INLINE) {
        finish_inline(r);
    } else {
        req_finish(r, ret);
    }
    return true;
}

static void start(Req *r)
{
    if (!short_cut(r)) {
        to_worker(r, req_work, false);
    }
}

/* ---- submission ---- */

/* With the lock held: what can be said without the disk. */
static int refuse(BlockPort *p, const Req *r)
{
    if (!p->node) {
        return -ENOMEDIUM;
    }
    if (r->kind == REQ_FLUSH) {
        return 0;
    }
    if (r->kind != REQ_READ && !(p->node->flags & BLOCK_RDWR)) {
        return -EROFS;
    }
    uint64_t size = p->node->size;
    return r->bytes > size || r->offset > size - r->bytes ? -EINVAL : 0;
}

static void submit(BlockPort *p, Req *r)
{
    r->port = p;
    r->start = loop_now_ns();
    g_mutex_lock(&p->lock);
    r->ret = refuse(p, r);
    bool held = __atomic_load_n(&p->set->quiesced, __ATOMIC_ACQUIRE) > 0;
    if (r->ret < 0) {
        if (!p->finished.head && p->source) {
            g_source_set_ready_time(p->source, 0);
        }
        p->stats.failed[r->kind]++;
        list_add(&p->finished, r);
    } else {
        list_add(held ? &p->held : &p->active, r);
    }
    bool go = r->ret == 0 && !held;
    if (!p->write_cache && (r->kind == REQ_WRITE || r->kind == REQ_ZEROES)) {
        r->flags |= BLOCK_REQ_FUA;
    }
    g_mutex_unlock(&p->lock);
    if (go) {
        start(r);
    }
}

static Req *new_req(ReqKind kind, uint64_t offset, uint64_t bytes, unsigned flags, BlockDone *done,
                    void *opaque)
{
    Req *r = g_new0(Req, 1);

    r->kind = kind;
    r->offset = offset;
    r->bytes = bytes;
    r->flags = flags;
    r->done = done;
    r->opaque = opaque;
    return r;
}

void block_read(BlockPort *p, uint64_t offset, const struct iovec *iov, int niov, unsigned flags,
                BlockDone *done, void *opaque)
{
    Req *r = new_req(REQ_READ, offset, iov_size(iov, niov), flags, done, opaque);

    r->iov = iov;
    r->niov = niov;
    submit(p, r);
}

void block_write(BlockPort *p, uint64_t offset, const struct iovec *iov, int niov, unsigned flags,
                 BlockDone *done, void *opaque)
{
    Req *r = new_req(REQ_WRITE, offset, iov_size(iov, niov), flags, done, opaque);

    r->iov = iov;
    r->niov = niov;
    submit(p, r);
}

void block_write_zeroes(BlockPort *p, uint64_t offset, uint64_t bytes, unsigned flags,
                        BlockDone *done, void *opaque)
{
    submit(p, new_req(REQ_ZEROES, offset, bytes, flags, done, opaque));
}

void block_discard(BlockPort *p, uint64_t offset, uint64_t bytes, unsigned flags, BlockDone *done,
                   void *opaque)
{
    submit(p, new_req(REQ_DISCARD, offset, bytes, flags, done, opaque));
}

void block_flush(BlockPort *p, unsigned flags, BlockDone *done, void *opaque)
{
    submit(p, new_req(REQ_FLUSH, 0, 0, flags, done, opaque));
}

void block_cancel_all(BlockPort *p)
{
    g_mutex_lock(&p->lock);
    free_all(&p->finished);
    free_all(&p->stopped);
    free_all(&p->held);
    for (Req *r = p->active.head; r; r = r->next) {
        r->dropped = true;
    }
    bool wait = p->active.head;
    g_mutex_unlock(&p->lock);
    if (!wait) {
        return;
    }
    ring_help_begin(&p->set->help);
    g_mutex_lock(&p->lock);
    while (p->active.head) {
        wait_change(p);
    }
    g_mutex_unlock(&p->lock);
    ring_help_end(&p->set->help);
}

unsigned block_in_flight(BlockPort *p)
{
    g_mutex_lock(&p->lock);
    unsigned n = p->active.len + p->held.len + p->stopped.len + p->finished.len;
    g_mutex_unlock(&p->lock);
    return n;
}

unsigned port_active(BlockPort *p)
{
    g_mutex_lock(&p->lock);
    unsigned n = p->active.len + p->sync;
    g_mutex_unlock(&p->lock);
    return n;
}

unsigned port_unfinished(BlockPort *p)
{
    g_mutex_lock(&p->lock);
    unsigned n = p->active.len + p->sync + p->held.len + p->finished.len;
    n += port_on_main_loop(p) ? 0 : p->dispatching;
    g_mutex_unlock(&p->lock);
    return n;
}

/* Starts again what is in a list. Nobody waits in the call any more who would see to what done() leaves to do. */
static void restart(BlockPort *p, ReqList *from)
{
    ReqList batch;

    g_mutex_lock(&p->lock);
    batch = *from;
    *from = (ReqList){0};
    g_mutex_unlock(&p->lock);
    for (Req *r; (r = list_pop(&batch));) {
        r->flags &= ~(unsigned)BLOCK_REQ_INLINE;
        submit(p, r);
    }
}

void port_resume(BlockPort *p)
{
    restart(p, &p->stopped);
}

void port_release_held(BlockPort *p)
{
    restart(p, &p->held);
    g_mutex_lock(&p->lock);
    wake_waiters(p);
    g_mutex_unlock(&p->lock);
}

/* ---- waiting for the result ---- */

static int sync_begin(BlockPort *p, Req *r)
{
    g_mutex_lock(&p->lock);
    while (__atomic_load_n(&p->set->quiesced, __ATOMIC_ACQUIRE) > 0) {
        wait_change(p);
    }
    int ret = refuse(p, r);
    p->sync += ret == 0;
    g_mutex_unlock(&p->lock);
    return ret;
}

static int run_sync(BlockPort *p, Req *r, void *buf)
{
    struct iovec one = {buf, r->bytes};
    int ret = sync_begin(p, r);

    if (ret < 0) {
        return ret;
    }
    r->iov = &one;
    r->niov = 1;
    r->start = loop_now_ns();
    r->ret = carry_out(r, p->node);
    g_mutex_lock(&p->lock);
    account(p, r);
    p->sync--;
    g_mutex_unlock(&p->lock);
    blockset_idle_changed(p->set);
    return r->ret;
}

int block_read_sync(BlockPort *p, uint64_t offset, void *buf, size_t bytes)
{
    Req r = {.kind = REQ_READ, .offset = offset, .bytes = bytes};

    return run_sync(p, &r, buf);
}

int block_write_sync(BlockPort *p, uint64_t offset, const void *buf, size_t bytes)
{
    Req r = {.kind = REQ_WRITE, .offset = offset, .bytes = bytes,
             .flags = p->write_cache ? 0 : BLOCK_REQ_FUA};

    return run_sync(p, &r, (void *)buf);
}

/* ---- life ---- */

BlockPort *port_new(BlockSet *set, const char *name)
{
    BlockPort *p = g_new0(BlockPort, 1);

    p->set = set;
    p->name = g_strdup(name);
    p->write_cache = true;
    p->drive_write_error = p->on_write_error = POLICY_ENOSPC;
    p->loop = set->loop;
    g_mutex_init(&p->lock);
    g_cond_init(&p->cond);
    if (p->loop) {
        attach_source(p);
    }
    g_ptr_array_add(set->ports, p);
    return p;
}

void port_free(BlockPort *p)
{
    block_cancel_all(p);
    loop_remove(p->source);
    p->source = NULL;
    g_ptr_array_remove(p->set->ports, p);
    port_set_node(p, NULL);
    g_mutex_clear(&p->lock);
    g_cond_clear(&p->cond);
    g_free(p->fe_name);
    g_free(p->serial);
    g_free(p->name);
    g_free(p);
}

void port_set_node(BlockPort *p, BlockNode *n)
{
    BlockNode *old = p->node;

    if (n) {
        node_ref(n);
    }
    if (p->ring && p->source) {
        renew_source(p);
    }
    g_mutex_lock(&p->lock);
    p->node = n;
    g_mutex_unlock(&p->lock);
    node_unref(old);
}

void block_port_set_loop(BlockPort *p, GMainContext *loop)
{
    g_assert(!block_in_flight(p));
    loop = loop ? loop : p->set->loop;
    if (loop != p->loop) {
        p->loop = loop;
        renew_source(p);
    }
}

bool port_on_main_loop(BlockPort *p)
{
    return p->loop == p->set->loop;
}

void block_account_invalid(BlockPort *p, bool write)
{
    g_mutex_lock(&p->lock);
    p->stats.invalid[write ? REQ_WRITE : REQ_READ]++;
    g_mutex_unlock(&p->lock);
}
