/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unix and TCP sockets, waiting for a peer (server=on) or going to one.
 *
 * A server has one peer at a time; the next one waits in the host's queue until
 * the first has gone, or has at least said that it will send no more.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "chardev/backend.h"
#include "chardev/telnet.h"

typedef struct SockAddr {
    union {
        struct sockaddr sa;
        struct sockaddr_un un;
        struct sockaddr_storage storage;
    };
    socklen_t len;
} SockAddr;

typedef struct SocketDev {
    Chardev dev;
    GArray *addrs; /* SockAddr: candidates */
    char *where;   /* "unix:/tmp/s", "tcp:127.0.0.1:4444" */
    char *made;    /* path of a unix socket that we made */
    bool server, telnet, nodelay;
    int listen_fd, fd, connecting_fd, given_fd;
    GSource *listen_watch, *connect_watch, *retry;
    int64_t retry_ns; /* 0 = a lost server stays lost */
    TelnetIn tin;
    bool tout_half; /* guarded by: dev.lock; one byte of a doubled 255 is written */
} SocketDev;

/* ---- addresses ---- */

static bool unix_address(SocketDev *s, const CharOpts *o, Error **errp)
{
    const char *path = char_opt_str(o, "path");
    bool abstract = char_opt_bool(o, "abstract", false), tight = char_opt_bool(o, "tight", true);
    SockAddr a = {.un.sun_family = AF_UNIX};
    size_t n = strlen(path), room = sizeof(a.un.sun_path) - 1;

    if (!n || n > room) {
        error_set(errp, ERR_INVALID_PARAMETER, "the socket's path '%s' must have 1 to %zu bytes",
                  path, room);
        return false;
    }
    memcpy(a.un.sun_path + abstract, path, n);
    a.len = abstract && tight ? offsetof(struct sockaddr_un, sun_path) + 1 + n : sizeof(a.un);
    g_array_append_val(s->addrs, a);
    s->where = g_strdup_printf("unix:%s%s", abstract ? "@" : "", path);
    return true;
}

static bool tcp_addresses(SocketDev *s, const CharOpts *o, const char *port, Error **errp)
{
    const char *host = char_opt_str(o, "host");
    bool v4 = char_opt_bool(o, "ipv4", false), v6 = char_opt_bool(o, "ipv6", false);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = s->server ? AI_PASSIVE : 0};
    struct addrinfo *list;

    hints.ai_family = v4 == v6 ? AF_UNSPEC : v4 ? AF_INET : AF_INET6;
    int err = getaddrinfo(host && *host ? host : NULL, port, &hints, &list);
    if (err) {
        error_set(errp, ERR_IO, "no address for host '%s' port '%s': %s", host ? host : "", port,
                  gai_strerror(err));
        return false;
    }
    for (struct addrinfo *i = list; i; i = i->ai_next) {
        SockAddr a = {.len = i->ai_addrlen};
        memcpy(&a.storage, i->ai_addr, MIN(i->ai_addrlen, sizeof(a.storage)));
        g_array_append_val(s->addrs, a);
    }
    freeaddrinfo(list);
    s->where = g_strdup_printf("%s:%s:%s", s->telnet ? "telnet" : "tcp",
                               host && *host ? host : "0.0.0.0", port);
    return true;
}

/* "127.0.0.1:4444" of either end. */
static char *address_text(int fd, bool peer)
{
    SockAddr a = {.len = sizeof(a.storage)};
    char host[NI_MAXHOST], serv[NI_MAXSERV];

    if ((peer ? getpeername(fd, &a.sa, &a.len) : getsockname(fd, &a.sa, &a.len)) < 0 ||
        getnameinfo(&a.sa, a.len, host, sizeof(host), serv, sizeof(serv),
                    NI_NUMERICHOST | NI_NUMERICSERV)) {
        return g_strdup("?");
    }
    return g_strdup_printf(strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, serv);
}

static void update_filename(SocketDev *s)
{
    const char *server = s->server ? ",server=on" : "";

    if (s->fd < 0) {
        chardev_set_filename(&s->dev, "disconnected:%s%s", s->where, server);
    } else if (g_str_has_prefix(s->where, "unix:")) {
        chardev_set_filename(&s->dev, "%s%s", s->where, server);
    } else {
        g_autofree char *own = address_text(s->fd, false), *peer = address_text(s->fd, true);
        chardev_set_filename(&s->dev, "%s:%s%s <-> %s", s->telnet ? "telnet" : "tcp", own, server,
                             peer);
    }
}

/* ---- a peer ---- */

static void peer_arrived(SocketDev *s, int fd)
{
    int on = 1;

    fd_set_nonblock(fd);
    if (s->nodelay) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
    s->fd = fd;
    s->tin = (TelnetIn){0};
    s->tout_half = false;
    update_filename(s);
    if (s->telnet && s->server) {
        /* A new socket has room for these few bytes. */
        ssize_t n = send(fd, telnet_hello, telnet_hello_len, MSG_NOSIGNAL | MSG_DONTWAIT);
        (void)n;
    }
    chardev_connected(&s->dev, fd, fd);
}

static void retry_later(SocketDev *s)
{
    if (s->retry_ns) {
        loop_timer_arm(s->retry, loop_now_ns() + s->retry_ns);
    }
}

static void socket_hangup(Chardev *d)
{
    SocketDev *s = (SocketDev *)d;

    if (s->fd >= 0) {
        close(s->fd);
        s->fd = -1;
    }
    update_filename(s);
    if (s->listen_watch) {
        loop_watch_events(s->listen_watch, G_IO_IN);
    } else {
        retry_later(s);
    }
}

static void socket_half_closed(Chardev *d)
{
    SocketDev *s = (SocketDev *)d;

    if (s->listen_watch) {
        loop_watch_events(s->listen_watch, G_IO_IN);
    }
}

static size_t socket_filter(Chardev *d, uint8_t *buf, size_t len)
{
    SocketDev *s = (SocketDev *)d;

    if (!s->telnet) {
        return len;
    }
    len = telnet_filter(&s->tin, buf, len);
    if (s->tin.brk && d->focus) {
        s->tin.brk = false;
        port_event(d->focus, CHAR_EVENT_BREAK);
    }
    return len;
}

/* Telnet writes the byte 255 twice, and a socket may take one of the two only. */
static ssize_t telnet_write(SocketDev *s, const uint8_t *buf, size_t len)
{
    const uint8_t *iac = memchr(buf, 255, len), two[2] = {255, 255};
    ssize_t n;

    if (!iac) {
        return chardev_fd_write(&s->dev, buf, len);
    }
    if (iac > buf) {
        return chardev_fd_write(&s->dev, buf, iac - buf);
    }
    n = chardev_fd_write(&s->dev, two, s->tout_half ? 1 : 2);
    if (n == 1 && !s->tout_half) {
        s->tout_half = true;
        return -EAGAIN;
    }
    if (n > 0) {
        s->tout_half = false;
        return 1;
    }
    return n;
}

static ssize_t socket_write(Chardev *d, const uint8_t *buf, size_t len)
{
    SocketDev *s = (SocketDev *)d;

    return s->telnet ? telnet_write(s, buf, len) : chardev_fd_write(d, buf, len);
}

/* ---- server ---- */

static void on_listen_ready(void *opaque, int fd, GIOCondition ready)
{
    SocketDev *s = opaque;
    int peer = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (peer < 0) {
        return;
    }
    if (s->fd >= 0) {
        chardev_hangup(&s->dev);
    }
    loop_watch_events(s->listen_watch, 0);
    peer_arrived(s, peer);
}

/* A socket file without a listener is left over from a crash; anything else is not ours. */
static void remove_stale(const char *path)
{
    struct stat st;

    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
        unlink(path);
    }
}

static int listen_on(SocketDev *s, const SockAddr *a)
{
    int on = 1, fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool named = a->sa.sa_family == AF_UNIX && a->un.sun_path[0];

    if (fd < 0) {
        return -1;
    }
    if (named) {
        remove_stale(a->un.sun_path);
    } else {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    }
    if (a->sa.sa_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    if (bind(fd, &a->sa, a->len) < 0 || listen(fd, 8) < 0) {
        int err = errno;
        close(fd);
        errno = err;
        return -1;
    }
    if (named) {
        s->made = g_strdup(a->un.sun_path);
    }
    return fd;
}

static bool wait_for_peer(SocketDev *s, Error **errp)
{
    struct pollfd pfd = {.fd = s->listen_fd, .events = POLLIN};
    int peer = -1;

    fprintf(stderr, "rhea: waiting for a connection on %s (wait=off starts at once)\n", s->where);
    if (poll(&pfd, 1, -1) < 0) {
        error_set_errno(errp, errno, "no connection on %s", s->where);
        return false;
    }
    peer = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (peer < 0) {
        error_set_errno(errp, errno, "no connection on %s", s->where);
        return false;
    }
    loop_watch_events(s->listen_watch, 0);
    peer_arrived(s, peer);
    return true;
}

static bool serve(SocketDev *s, const CharOpts *o, Error **errp)
{
    if (s->given_fd >= 0) {
        s->listen_fd = s->given_fd;
        s->given_fd = -1;
    }
    for (guint i = 0; i < s->addrs->len && s->listen_fd < 0; i++) {
        s->listen_fd = listen_on(s, &g_array_index(s->addrs, SockAddr, i));
    }
    if (s->listen_fd < 0) {
        error_set_errno(errp, errno, "cannot listen on %s", s->where);
        return false;
    }
    if (!g_str_has_prefix(s->where, "unix:")) {
        g_autofree char *own = address_text(s->listen_fd, false);
        g_free(s->where);
        s->where = g_strdup_printf("%s:%s", s->telnet ? "telnet" : "tcp", own);
    }
    update_filename(s);
    s->listen_watch = loop_watch_fd(s->dev.set->loop, s->listen_fd, G_IO_IN, on_listen_ready, s);
    fd_set_nonblock(s->listen_fd);
    return !char_opt_bool(o, "wait", true) || wait_for_peer(s, errp);
}

/* ---- client ---- */

static void connect_done(void *opaque, int fd, GIOCondition ready)
{
    SocketDev *s = opaque;
    int err = 0;
    socklen_t len = sizeof(err);

    loop_remove(s->connect_watch);
    s->connect_watch = NULL;
    s->connecting_fd = -1;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len);
    if (err) {
        close(fd);
        retry_later(s);
    } else {
        peer_arrived(s, fd);
    }
}

/* One attempt per period, the candidate addresses in turn; never waits. */
static void try_connect(void *opaque)
{
    SocketDev *s = opaque;

    for (guint i = 0; i < s->addrs->len; i++) {
        const SockAddr *a = &g_array_index(s->addrs, SockAddr, i);
        int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) {
            continue;
        }
        if (connect(fd, &a->sa, a->len) == 0) {
            peer_arrived(s, fd);
            return;
        }
        if (errno == EINPROGRESS) {
            s->connecting_fd = fd;
            s->connect_watch = loop_watch_fd(s->dev.set->loop, fd, G_IO_OUT, connect_done, s);
            return;
        }
        close(fd);
    }
    retry_later(s);
}

static bool go_to_peer(SocketDev *s, Error **errp)
{
    int err = ENOENT;

    if (s->given_fd >= 0) {
        int fd = s->given_fd;
        s->given_fd = -1;
        peer_arrived(s, fd);
        return true;
    }
    if (s->retry_ns) {
        update_filename(s);
        try_connect(s);
        return true;
    }
    for (guint i = 0; i < s->addrs->len; i++) {
        const SockAddr *a = &g_array_index(s->addrs, SockAddr, i);
        int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, &a->sa, a->len) == 0) {
            peer_arrived(s, fd);
            return true;
        }
        err = errno;
        if (fd >= 0) {
            close(fd);
        }
    }
    error_set_errno(errp, err, "cannot connect to %s", s->where);
    error_hint(errp,
               "to be the side that waits, add server=on; to try again, add reconnect=SECONDS");
    return false;
}

/* ---- life ---- */

/* A socket that whoever started us opened: listening for server=on, else connected. */
static bool take_fd(SocketDev *s, int fd, Error **errp)
{
    SockAddr a = {.len = sizeof(a.storage)};
    int listening = 0;
    socklen_t len = sizeof(listening);

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0) {
        error_set_errno(errp, errno, "file descriptor %d is no socket that was passed on", fd);
        return false;
    }
    if (!listening == s->server) {
        error_set(errp, ERR_INVALID_PARAMETER, "the socket of file descriptor %d is %slistening",
                  fd, listening ? "" : "not ");
        error_hint(errp, "server=%s fits it", listening ? "on" : "off");
        return false;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    s->given_fd = fd;
    getsockname(fd, &a.sa, &a.len);
    s->where =
        a.sa.sa_family != AF_UNIX
            ? address_text(fd, false)
            : g_strdup_printf("unix:%s", a.len > sizeof(a.sa.sa_family) ? a.un.sun_path : "");
    return true;
}

static bool read_addresses(SocketDev *s, const CharOpts *o, Error **errp)
{
    const char *path = char_opt_str(o, "path"), *port = char_opt_str(o, "port");
    bool has_fd = json_object_get(o->obj, "fd") != NULL;
    json_t *number = json_object_get(o->obj, "port");
    g_autofree char *text = json_is_integer(number)
                                ? g_strdup_printf("%lld", (long long)json_integer_value(number))
                                : g_strdup(port);

    if ((path != NULL) + (text != NULL) + has_fd != 1) {
        error_set(errp, ERR_INVALID_PARAMETER, "a socket needs one of path, port and fd");
        error_hint(errp, "path=/run/x.sock, or host=localhost,port=4444");
        return false;
    }
    if (has_fd) {
        return take_fd(s, char_opt_number(o, "fd", 0), errp);
    }
    return path ? unix_address(s, o, errp) : tcp_addresses(s, o, text, errp);
}

static bool socket_open(Chardev *d, const CharOpts *o, Error **errp)
{
    SocketDev *s = (SocketDev *)d;

    s->listen_fd = s->fd = s->connecting_fd = s->given_fd = -1;
    s->addrs = g_array_new(FALSE, TRUE, sizeof(SockAddr));
    s->server = char_opt_bool(o, "server", false);
    s->telnet = char_opt_bool(o, "telnet", false);
    s->retry_ns = char_opt_number(o, "reconnect", 0) * 1000000000 +
                  char_opt_number(o, "reconnect-ms", 0) * 1000000;
    s->retry = loop_timer_new(d->set->loop, try_connect, s);
    if (!s->server && json_object_get(o->obj, "wait")) {
        error_set(errp, ERR_INVALID_PARAMETER, "wait= is for a socket with server=on");
        return false;
    }
    if (s->server && s->retry_ns) {
        error_set(errp, ERR_INVALID_PARAMETER, "reconnect= is for a socket without server=on");
        return false;
    }
    if (!read_addresses(s, o, errp)) {
        return false;
    }
    s->nodelay = !g_str_has_prefix(s->where, "unix:") &&
                 (char_opt_bool(o, "nodelay", false) || !char_opt_bool(o, "delay", true));
    return s->server ? serve(s, o, errp) : go_to_peer(s, errp);
}

static void socket_close(Chardev *d)
{
    SocketDev *s = (SocketDev *)d;
    const int fds[] = {s->listen_fd, s->fd, s->connecting_fd, s->given_fd};

    loop_remove(s->listen_watch);
    loop_remove(s->connect_watch);
    loop_remove(s->retry);
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    if (s->made) {
        unlink(s->made);
        g_free(s->made);
    }
    g_array_free(s->addrs, TRUE);
    g_free(s->where);
}

static const CharOption socket_options[] = {
    {"path", CHAR_OPT_STR, "Unix socket: its path"},
    {"abstract", CHAR_OPT_BOOL, "Unix socket: a name of Linux's abstract name space (default off)"},
    {"tight", CHAR_OPT_BOOL, "Abstract name: without padding (default on)"},
    {"host", CHAR_OPT_STR, "TCP: name or address (server: default all)"},
    {"port", CHAR_OPT_PORT, "TCP: port number or service name"},
    {"fd", CHAR_OPT_NUMBER, "Number of an open socket that we were started with"},
    {"ipv4", CHAR_OPT_BOOL, "TCP: only IPv4"},
    {"ipv6", CHAR_OPT_BOOL, "TCP: only IPv6"},
    {"nodelay", CHAR_OPT_BOOL, "TCP: send small packets at once (default off)"},
    {"delay", CHAR_OPT_BOOL, "TCP: the opposite of nodelay"},
    {"server", CHAR_OPT_BOOL, "Wait for a peer instead of going to one (default off)"},
    {"wait", CHAR_OPT_BOOL, "Server: the machine starts when a peer is there (default on)"},
    {"reconnect", CHAR_OPT_NUMBER, "Client: try again every so many seconds (default 0, never)"},
    {"reconnect-ms", CHAR_OPT_NUMBER, "The same in milliseconds"},
    {"telnet", CHAR_OPT_BOOL, "Speak the telnet protocol (default off)"},
    {NULL},
};

static const CharBackendType socket_type = {
    .name = "socket",
    .help = "A Unix or TCP socket",
    .options = socket_options,
    .size = sizeof(SocketDev),
    .open = socket_open,
    .close = socket_close,
    .write = socket_write,
    .hangup = socket_hangup,
    .half_closed = socket_half_closed,
    .filter_input = socket_filter,
};
CHAR_BACKEND(socket_type);
