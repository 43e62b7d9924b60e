/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The path of bytes between a front end and a backend: output queue, input
 * with back pressure, and what happens when the peer leaves.
 *
 * Output: char_write() goes straight to the host when it can and queues a
 * little when it cannot; beyond that the front end is told to wait. Input:
 * only as much is read as the front end has room for, so the host's own
 * buffers push back on the peer. Front ends are called without the lock.
 *
 * home: main loop; char_write*(), char_pending() and char_accept_input() from
 * any thread. The lock is the innermost one: nothing is called with it held
 * but the backend's write().
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/bits.h"
#include "chardev/backend.h"

#define FLUSH_PATIENCE_MS 1000 /* at the end, for a peer that takes nothing */

bool fd_set_nonblock(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

bool fd_is_socket(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

void chardev_kick(Chardev *d)
{
    loop_timer_arm(d->kick, 0);
}

/* ---- output ---- */

ssize_t chardev_fd_write(Chardev *d, const uint8_t *buf, size_t len)
{
    ssize_t n;

    do {
        n = send(d->out_fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == ENOTSOCK) {
            n = write(d->out_fd, buf, len);
        }
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static size_t out_len(const Chardev *d)
{
    return d->out->len - d->out_head;
}

static void out_clear(Chardev *d)
{
    g_byte_array_set_size(d->out, 0);
    d->out_head = 0;
}

/* Offers bytes to the backend; how many it took. A broken peer takes all of them. */
static size_t out_try(Chardev *d, const uint8_t *buf, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = d->type->write ? d->type->write(d, buf + done, len - done)
                                   : chardev_fd_write(d, buf + done, len - done);
        if (n == -EAGAIN || n == -EWOULDBLOCK || n == 0) {
            break;
        }
        if (n < 0) {
            d->broken = true;
            d->out_dead = true;
            chardev_kick(d);
            return len;
        }
        done += n;
    }
    return done;
}

/* Writes what is queued; true when nothing is left. */
static bool out_flush(Chardev *d)
{
    d->out_head += out_try(d, d->out->data + d->out_head, out_len(d));
    if (d->out_dead || out_len(d) == 0) {
        out_clear(d);
        return true;
    }
    if (d->out_head >= 65536) {
        g_byte_array_remove_range(d->out, 0, d->out_head);
        d->out_head = 0;
    }
    return false;
}

static void log_output(Chardev *d, const uint8_t *buf, size_t len)
{
    while (d->log_fd >= 0 && len) {
        ssize_t n = write(d->log_fd, buf, len);
        if (n < 0 && errno != EINTR) {
            return;
        }
        if (n > 0) {
            buf += n;
            len -= n;
        }
    }
}

static void on_output_ready(void *opaque, int fd, GIOCondition ready)
{
    Chardev *d = opaque;

    pthread_mutex_lock(&d->lock);
    bool done = out_flush(d);
    if (!done && (ready & G_IO_HUP)) {
        /* A terminal whose other end closed takes nothing and says no error. */
        d->broken = d->out_dead = done = true;
        out_clear(d);
    }
    if (done) {
        loop_remove(d->out_watch);
        d->out_watch = NULL;
        chardev_kick(d);
    }
    pthread_mutex_unlock(&d->lock);
}

size_t chardev_put(Chardev *d, const uint8_t *buf, size_t len, size_t limit)
{
    size_t done = 0, queued = out_len(d);

    if (!d->connected || d->out_dead) {
        log_output(d, buf, len);
        return len;
    }
    if (!queued) {
        done = out_try(d, buf, len);
    }
    if (done < len && queued < limit) {
        size_t n = MIN(len - done, limit - queued);
        g_byte_array_append(d->out, buf + done, n);
        done += n;
    }
    if (out_len(d) && !d->out_watch && d->out_fd >= 0) {
        d->out_watch = loop_watch_fd(d->set->loop, d->out_fd, G_IO_OUT, on_output_ready, d);
    }
    log_output(d, buf, done);
    return done;
}

static size_t port_put(CharPort *p, const uint8_t *buf, size_t len, size_t limit)
{
    return p->dev->mux.on ? mux_write(p, buf, len, limit) : chardev_put(p->dev, buf, len, limit);
}

size_t char_write(CharPort *p, const uint8_t *buf, size_t len)
{
    Chardev *d = p->dev;

    pthread_mutex_lock(&d->lock);
    size_t n = port_put(p, buf, len, CHAR_QUEUE_MAX);
    if (n < len) {
        p->short_write = true;
    }
    pthread_mutex_unlock(&d->lock);
    return n;
}

void char_write_all(CharPort *p, const uint8_t *buf, size_t len)
{
    pthread_mutex_lock(&p->dev->lock);
    port_put(p, buf, len, CHAR_ALL_MAX);
    pthread_mutex_unlock(&p->dev->lock);
}

static size_t queue_len(Chardev *d)
{
    pthread_mutex_lock(&d->lock);
    size_t n = out_len(d);
    pthread_mutex_unlock(&d->lock);
    return n;
}

size_t char_pending(CharPort *p)
{
    return queue_len(p->dev);
}

void char_on_writable(CharPort *p, void (*fn)(void *opaque), void *opaque)
{
    pthread_mutex_lock(&p->dev->lock);
    p->writable = fn;
    p->writable_opaque = opaque;
    pthread_mutex_unlock(&p->dev->lock);
}

void char_want_writable(CharPort *p)
{
    Chardev *d = p->dev;

    pthread_mutex_lock(&d->lock);
    p->short_write = true;
    if (out_len(d) < CHAR_QUEUE_MAX) {
        chardev_kick(d);
    }
    pthread_mutex_unlock(&d->lock);
}

/* Tells front ends that were sent away with a short write to come again. */
static void wake_writers(Chardev *d)
{
    for (guint i = 0; i < d->ports->len; i++) {
        CharPort *p = d->ports->pdata[i];
        void (*fn)(void *) = NULL;
        void *opaque = NULL;

        pthread_mutex_lock(&d->lock);
        if (p->short_write && out_len(d) < CHAR_QUEUE_MAX) {
            p->short_write = false;
            fn = p->writable;
            opaque = p->writable_opaque;
        }
        pthread_mutex_unlock(&d->lock);
        if (fn) {
            fn(opaque);
        }
    }
}

/* Waits for a slow peer, but not for one that has stopped reading. */
static void out_drain(Chardev *d)
{
    pthread_mutex_lock(&d->lock);
    while (d->connected && !d->out_dead && out_len(d) && d->out_fd >= 0) {
        struct pollfd pfd = {.fd = d->out_fd, .events = POLLOUT};
        int r = poll(&pfd, 1, FLUSH_PATIENCE_MS);
        if (r == 0 || (r < 0 && errno != EINTR)) {
            break;
        }
        out_flush(d);
    }
    pthread_mutex_unlock(&d->lock);
}

/* ---- input ---- */

static size_t port_can_receive(CharPort *p)
{
    size_t n;

    if (!p->ops) {
        return 0;
    }
    n = p->ops->can_receive(p->opaque);
    if (n == 0) {
        /* Room that appears after this store is announced; room that came before is seen now. */
        __atomic_store_n(&p->blocked, true, __ATOMIC_SEQ_CST);
        n = p->ops->can_receive(p->opaque);
    }
    return n;
}

/* How much may be read from the peer now. */
static size_t input_room(Chardev *d)
{
    CharPort *p = d->focus;

    if (!p) {
        return 0;
    }
    if (d->mux.on) {
        return p->in->len < CHAR_MUX_INPUT_MAX ? CHAR_MUX_INPUT_MAX - p->in->len : 0;
    }
    return p->in->len ? 0 : port_can_receive(p);
}

static void port_deliver(CharPort *p)
{
    uint8_t chunk[4096];

    while (p->in->len && p->ops) {
        /* Asked once: MIN() asks twice, and a guest that reads meanwhile makes room. */
        size_t room = port_can_receive(p);
        size_t n = MIN(room, MIN(p->in->len, sizeof(chunk)));
        if (!n) {
            return;
        }
        memcpy(chunk, p->in->data, n);
        g_byte_array_remove_range(p->in, 0, n);
        p->ops->receive(p->opaque, chunk, n);
    }
}

void chardev_input(Chardev *d, const uint8_t *buf, size_t len)
{
    if (d->mux.on) {
        mux_input(d, buf, len);
    } else if (d->focus) {
        g_byte_array_append(d->focus->in, buf, len);
    }
    for (guint i = 0; i < d->ports->len; i++) {
        port_deliver(d->ports->pdata[i]);
    }
}

static void input_stop(Chardev *d)
{
    loop_remove(d->in_watch);
    d->in_watch = NULL;
}

/* Bytes of the peer that no front end has taken yet. */
static size_t input_left(const Chardev *d)
{
    size_t n = 0;

    for (guint i = 0; i < d->ports->len; i++) {
        n += ((CharPort *)d->ports->pdata[i])->in->len;
    }
    return n;
}

/* Both directions are over, so nothing is lost by forgetting the peer. */
static bool peer_finished(Chardev *d)
{
    struct pollfd pfd = {.fd = d->in_fd};
    bool dead = poll(&pfd, 1, 0) > 0 && (pfd.revents & (POLLHUP | POLLERR));

    return dead || (!queue_len(d) && !input_left(d));
}

/* The peer says no more, but it may still read what its last words cause. */
static void input_ended(Chardev *d)
{
    d->in_eof = true;
    input_stop(d);
    if (!d->type->hangup) {
        return;
    }
    if (peer_finished(d)) {
        chardev_hangup(d);
    } else if (d->type->half_closed) {
        d->type->half_closed(d);
    }
}

/* Reads up to room bytes; false when the input ended. */
static bool input_read(Chardev *d, size_t room)
{
    uint8_t buf[4096];
    ssize_t n = read(d->in_fd, buf, MIN(room, sizeof(buf)));

    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return true;
    }
    if (n <= 0) {
        input_ended(d);
        return false;
    }
    if (d->type->filter_input) {
        n = d->type->filter_input(d, buf, n);
    }
    chardev_input(d, buf, n);
    return true;
}

static void input_watch(Chardev *d);

static void on_input_ready(void *opaque, int fd, GIOCondition ready)
{
    Chardev *d = opaque;
    size_t room;

    if (d->in_eof) {
        chardev_hangup(d); /* half closed until now */
        return;
    }
    room = input_room(d);
    if (room) {
        if (input_read(d, room)) {
            input_watch(d);
        }
        return;
    }
    if (!(ready & (G_IO_HUP | G_IO_ERR | POLLRDHUP)) || !d->focus) {
        input_watch(d);
        return;
    }
    /* It left with words unread: keep them, so that the next peer can come. */
    while (d->in_fd >= 0 && !d->in_eof && d->focus->in->len < CHAR_LEFTOVER_MAX) {
        struct pollfd pfd = {.fd = d->in_fd, .events = POLLIN};
        if (poll(&pfd, 1, 0) <= 0 || !input_read(d, sizeof(uint8_t[4096]))) {
            return;
        }
    }
    input_stop(d);
}

/* Listens to the peer as far as there is room. */
static void input_watch(Chardev *d)
{
    bool room = d->in_fd >= 0 && !d->in_eof && input_room(d);
    GIOCondition events = room ? G_IO_IN : d->in_eof ? 0 : (GIOCondition)POLLRDHUP;

    bool care = d->in_socket && (d->in_eof ? d->type->hangup != NULL : d->focus != NULL);

    if (d->in_fd < 0 || (!room && !care)) {
        input_stop(d);
        return;
    }
    if (!d->in_watch) {
        d->in_watch = loop_watch_fd(d->set->loop, d->in_fd, events, on_input_ready, d);
    } else {
        loop_watch_events(d->in_watch, events);
    }
}

void char_accept_input(CharPort *p)
{
    if (__atomic_exchange_n(&p->blocked, false, __ATOMIC_SEQ_CST)) {
        chardev_kick(p->dev);
    }
}

/* ---- events ---- */

void port_event(CharPort *p, CharEvent ev)
{
    if (p->ops && p->ops->event) {
        p->ops->event(p->opaque, ev);
    }
}

/* Brings what a front end was told up to date. */
static void port_sync(CharPort *p)
{
    Chardev *d = p->dev;

    pthread_mutex_lock(&d->lock);
    bool connected = d->connected;
    pthread_mutex_unlock(&d->lock);
    bool focus = connected && d->focus == p;
    if (!p->ops) {
        return;
    }
    if (p->focused && !focus) {
        p->focused = false;
        port_event(p, CHAR_EVENT_FOCUS_OUT);
    }
    if (p->opened != connected) {
        p->opened = connected;
        port_event(p, connected ? CHAR_EVENT_OPENED : CHAR_EVENT_CLOSED);
    }
    if (p->ops && !p->focused && focus) {
        p->focused = true;
        port_event(p, CHAR_EVENT_FOCUS_IN);
    }
}

static void sync_all(Chardev *d)
{
    for (guint i = 0; i < d->ports->len; i++) {
        port_sync(d->ports->pdata[i]);
    }
}

static void on_kick(void *opaque)
{
    Chardev *d = opaque;

    pthread_mutex_lock(&d->lock);
    bool broken = d->broken;
    d->broken = false;
    pthread_mutex_unlock(&d->lock);
    if (broken && d->type->hangup) {
        chardev_hangup(d);
    }
    sync_all(d);
    for (guint i = 0; i < d->ports->len; i++) {
        port_deliver(d->ports->pdata[i]);
    }
    if (d->in_eof && d->in_fd >= 0 && d->type->hangup && peer_finished(d)) {
        chardev_hangup(d);
    }
    wake_writers(d);
    input_watch(d);
}

void chardev_connected(Chardev *d, int in_fd, int out_fd)
{
    input_stop(d);
    pthread_mutex_lock(&d->lock);
    d->in_fd = in_fd;
    d->in_socket = in_fd >= 0 && fd_is_socket(in_fd);
    d->in_eof = false;
    d->out_fd = out_fd;
    d->connected = true;
    d->broken = d->out_dead = false;
    out_clear(d);
    pthread_mutex_unlock(&d->lock);
    chardev_kick(d);
}

void chardev_hangup(Chardev *d)
{
    input_stop(d);
    pthread_mutex_lock(&d->lock);
    d->in_fd = d->out_fd = -1;
    d->connected = false;
    out_clear(d);
    loop_remove(d->out_watch);
    d->out_watch = NULL;
    pthread_mutex_unlock(&d->lock);
    sync_all(d);
    d->type->hangup(d);
    chardev_kick(d); /* writers that wait may go on into the void */
}

void char_attach(CharPort *p, const CharFrontOps *ops, void *opaque)
{
    Chardev *d = p->dev;

    g_assert(!p->ops);
    p->ops = ops;
    p->opaque = opaque;
    if (!d->focus || (d->focus->background && !p->background)) {
        d->focus = p;
    }
    chardev_kick(d);
}

void char_detach(CharPort *p)
{
    Chardev *d = p->dev;

    p->ops = NULL;
    p->opened = p->focused = false;
    char_on_writable(p, NULL, NULL);
    if (d->focus == p && !d->mux.on) {
        d->focus = NULL;
    } else if (d->focus == p) {
        d->focus = NULL;
        for (guint i = 0; i < d->ports->len && !d->focus; i++) {
            CharPort *q = d->ports->pdata[i];
            d->focus = q->ops ? q : NULL;
        }
    }
    chardev_kick(d);
}

const char *char_port_name(const CharPort *p)
{
    return p->name;
}

void char_set_background(CharPort *p)
{
    p->background = true;
}

CharSet *char_port_set(const CharPort *p)
{
    return p->dev->set;
}

/* ---- life ---- */

static void port_free(void *opaque)
{
    CharPort *p = opaque;
    const CharFrontOps *ops = p->ops;

    p->ops = NULL;
    if (ops && ops->gone) {
        ops->gone(p->opaque);
    }
    g_byte_array_free(p->in, TRUE);
    g_free(p->name);
    g_free(p);
}

CharPort *chardev_claim(Chardev *d, const char *name, Error **errp)
{
    if (d->ports->len && !d->mux.on) {
        CharPort *first = d->ports->pdata[0];
        error_set(errp, ERR_INVALID_PARAMETER, "character device '%s' is already used by '%s'",
                  d->id, first->name);
        error_hint(errp, "give it mux=on to share it");
        return NULL;
    }
    CharPort *p = g_new0(CharPort, 1);
    p->dev = d;
    p->name = g_strdup(name);
    p->in = g_byte_array_new();
    g_ptr_array_add(d->ports, p);
    return p;
}

void chardev_release(CharPort *p)
{
    char_detach(p);
    g_ptr_array_remove(p->dev->ports, p);
}

void chardev_init(Chardev *d, CharSet *set, const CharBackendType *type, const char *id)
{
    d->set = set;
    d->type = type;
    d->id = g_strdup(id);
    d->filename = g_strdup(type->name);
    d->ports = g_ptr_array_new_with_free_func(port_free);
    d->in_fd = d->out_fd = d->log_fd = -1;
    d->out = g_byte_array_new();
    d->mux.line_start = true;
    pthread_mutex_init(&d->lock, NULL);
    d->kick = loop_timer_new(set->loop, on_kick, d);
}

void chardev_fini(Chardev *d)
{
    out_drain(d);
    g_ptr_array_free(d->ports, TRUE);
    input_stop(d);
    loop_remove(d->kick);
    loop_remove(d->out_watch);
    if (d->type->close) {
        d->type->close(d);
    }
    if (d->log_fd >= 0) {
        close(d->log_fd);
    }
    g_byte_array_free(d->out, TRUE);
    pthread_mutex_destroy(&d->lock);
    g_free(d->filename);
    g_free(d->id);
    g_free(d);
}
