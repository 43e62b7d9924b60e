/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character devices: every backend, the multiplexer, and bytes that must not
 * get lost between a slow side and a fast one.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "chardev/chardev.h"
#include "chardev/telnet.h"

static GMainContext *loop;
static char *dir;

/* ---- a front end that writes down what happens ---- */

typedef struct Front {
    CharPort *port;
    GByteArray *got;
    size_t room; /* what can_receive() says; receive() takes it down */
    size_t grow; /* by how much asking for it makes it larger: a guest reads on its own thread */
    bool echo, finite;
    int opened, closed, breaks, focus_in, focus_out, gone, writable;
} Front;

static size_t front_room(void *opaque)
{
    Front *f = opaque;

    f->room += f->grow;
    return f->room;
}

static void front_receive(void *opaque, const uint8_t *buf, size_t len)
{
    Front *f = opaque;

    g_assert_cmpuint(len, <=, f->room);
    if (f->finite) {
        __atomic_sub_fetch(&f->room, len, __ATOMIC_SEQ_CST);
    }
    g_byte_array_append(f->got, buf, len);
    if (f->echo) {
        char_write_all(f->port, buf, len);
    }
}

static void front_event(void *opaque, CharEvent ev)
{
    Front *f = opaque;

    f->opened += ev == CHAR_EVENT_OPENED;
    f->closed += ev == CHAR_EVENT_CLOSED;
    f->breaks += ev == CHAR_EVENT_BREAK;
    f->focus_in += ev == CHAR_EVENT_FOCUS_IN;
    f->focus_out += ev == CHAR_EVENT_FOCUS_OUT;
}

static void front_gone(void *opaque)
{
    ((Front *)opaque)->gone++;
}

static const CharFrontOps front_ops = {front_room, front_receive, front_event, front_gone};

static void front_writable(void *opaque)
{
    ((Front *)opaque)->writable++;
}

static void front_init(Front *f, CharPort *port)
{
    *f = (Front){.port = port, .got = g_byte_array_new(), .room = 1 << 20};
    char_on_writable(port, front_writable, f);
    char_attach(port, &front_ops, f);
}

static void front_fini(Front *f)
{
    g_byte_array_free(f->got, TRUE);
}

#define assert_got(f, text)                                    \
    do {                                                       \
        g_byte_array_append((f)->got, (const uint8_t *)"", 1); \
        g_assert_cmpstr((char *)(f)->got->data, ==, text);     \
        g_byte_array_set_size((f)->got, 0);                    \
    } while (0)

/* ---- the loop, and peers ---- */

static void settle(void)
{
    while (g_main_context_iteration(loop, FALSE)) {
    }
}

#define WAIT_FOR(cond)                                              \
    do {                                                            \
        gint64 end_ = g_get_monotonic_time() + 10 * G_USEC_PER_SEC; \
        while (!(cond)) {                                           \
            g_assert_cmpint(g_get_monotonic_time(), <, end_);       \
            if (!g_main_context_iteration(loop, FALSE)) {           \
                g_usleep(200);                                      \
            }                                                       \
        }                                                           \
    } while (0)

static char *in_dir(const char *name)
{
    return g_build_filename(dir, name, NULL);
}

static CharPort *open_port(CharSet *set, const char *spec)
{
    Error *err = NULL;
    CharPort *p = chardev_new_from_legacy(set, "c0", spec, &err);

    if (err) {
        g_error("%s: %s", spec, error_message(err));
    }
    g_assert_nonnull(p);
    return p;
}

static int unix_connect(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    g_strlcpy(a.sun_path, path, sizeof(a.sun_path));
    g_assert_cmpint(connect(fd, (struct sockaddr *)&a, sizeof(a)), ==, 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void put(int fd, const char *text)
{
    g_assert_cmpint(write(fd, text, strlen(text)), ==, strlen(text));
}

/* Reads until n bytes are there, running the loop meanwhile. */
static void expect(int fd, const char *text)
{
    g_autoptr(GString) got = g_string_new("");
    char buf[512];

    gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
    while (got->len < strlen(text)) {
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        settle();
        ssize_t n = read(fd, buf, MIN(sizeof(buf), strlen(text) - got->len));
        if (n > 0) {
            g_string_append_len(got, buf, n);
        } else {
            g_usleep(200);
        }
    }
    g_assert_cmpstr(got->str, ==, text);
}

static uint8_t pattern(size_t i)
{
    return (i * 2654435761u) >> 13;
}

/* ---- backends ---- */

static void test_ringbuf(void)
{
    CharSet *set = charset_new(loop);
    Error *err = NULL;
    uint8_t buf[64];
    Front f;

    g_assert_null(chardev_new_from_opts(set, "ringbuf,id=r,size=100", &err));
    g_assert_nonnull(strstr(error_message(err), "power of two"));
    g_clear_pointer(&err, error_free);
    Chardev *d = chardev_new_from_opts(set, "memory,id=r,size=16", &err);
    g_assert_nonnull(d);
    front_init(&f, chardev_claim(d, "x", NULL));
    settle();
    g_assert_cmpint(f.opened, ==, 1);
    g_assert_cmpuint(char_write(f.port, (const uint8_t *)"hello", 5), ==, 5);
    g_assert_cmpuint(chardev_ring_read(d, buf, 3, NULL), ==, 3);
    g_assert_cmpint(memcmp(buf, "hel", 3), ==, 0);
    char_write_all(f.port, (const uint8_t *)"0123456789abcdefXYZ", 19);
    g_assert_cmpuint(chardev_ring_read(d, buf, sizeof(buf), NULL), ==, 16);
    g_assert_cmpint(memcmp(buf, "3456789abcdefXYZ", 16), ==, 0);
    g_assert_true(chardev_ring_write(d, (const uint8_t *)"in", 2, NULL));
    assert_got(&f, "in");
    g_assert_false(chardev_remove(d, &err));
    g_clear_pointer(&err, error_free);
    charset_free(set);
    g_assert_cmpint(f.gone, ==, 1);
    front_fini(&f);
}

static void test_null(void)
{
    CharSet *set = charset_new(loop);
    CharPort *p = open_port(set, "null");

    g_assert_cmpuint(char_write(p, (const uint8_t *)"x", 1), ==, 1);
    g_assert_cmpstr(chardev_filename(charset_find(set, "c0")), ==, "null");
    CharPort *none = (CharPort *)set;
    g_assert_true(chardev_open_legacy(set, "c1", "none", &none, NULL, NULL));
    g_assert_null(none);
    charset_free(set);
}

static void test_file(void)
{
    CharSet *set = charset_new(loop);
    g_autofree char *path = in_dir("out"), *log = in_dir("log");
    g_autofree char *spec = g_strdup_printf("file:%s", path);
    g_autofree char *append = g_strdup_printf("file,id=f,path=%s,append=on,logfile=%s", path, log);
    g_autofree char *text = NULL, *logged = NULL;

    char_write_all(open_port(set, spec), (const uint8_t *)"one\n", 4);
    charset_free(set);
    set = charset_new(loop);
    CharPort *p = chardev_claim(chardev_new_from_opts(set, append, NULL), "x", NULL);
    g_assert_cmpuint(char_write(p, (const uint8_t *)"two\n", 4), ==, 4);
    charset_free(set);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "one\ntwo\n");
    g_assert_true(g_file_get_contents(log, &logged, NULL, NULL));
    g_assert_cmpstr(logged, ==, "two\n");
}

static void test_pipe(void)
{
    CharSet *set = charset_new(loop);
    g_autofree char *base = in_dir("fifo"), *spec = g_strdup_printf("pipe:%s", base);
    g_autofree char *in = g_strconcat(base, ".in", NULL), *out = g_strconcat(base, ".out", NULL);
    Error *err = NULL;
    Front f;

    g_assert_null(chardev_new_from_legacy(set, "c0", spec, &err));
    g_assert_nonnull(strstr(error_hint_text(err), "mkfifo"));
    error_free(err);
    mkfifo(in, 0600);
    mkfifo(out, 0600);
    front_init(&f, open_port(set, spec));
    f.echo = true;
    int to = open(in, O_RDWR), from = open(out, O_RDWR | O_NONBLOCK);
    put(to, "ping");
    expect(from, "ping");
    close(to);
    close(from);
    charset_free(set);
    front_fini(&f);
}

static void test_pty(void)
{
    CharSet *set = charset_new(loop);
    g_autofree char *link = in_dir("tty");
    g_autofree char *spec = g_strdup_printf("pty:%s", link);
    Front f;

    /* What it prints is no TAP. */
    int out = dup(STDOUT_FILENO);
    fflush(stdout);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    front_init(&f, open_port(set, spec));
    dup2(out, STDOUT_FILENO);
    close(out);
    f.echo = true;
    settle();
    g_assert_cmpint(f.opened, ==, 0);
    g_assert_cmpuint(char_write(f.port, (const uint8_t *)"nobody", 6), ==, 6);
    for (int round = 1; round <= 2; round++) {
        int fd = open(link, O_RDWR | O_NOCTTY | O_NONBLOCK);
        g_assert_cmpint(fd, >=, 0);
        WAIT_FOR(f.opened == round);
        put(fd, "abc\r");
        expect(fd, "abc\r");
        close(fd);
        WAIT_FOR(f.closed == round);
    }
    g_assert_true(g_str_has_prefix(chardev_filename(charset_find(set, "c0")), "pty:/dev/"));
    charset_free(set);
    g_assert_false(g_file_test(link, G_FILE_TEST_IS_SYMLINK));
    front_fini(&f);
}

static void test_unix_server(void)
{
    CharSet *set = charset_new(loop);
    g_autofree char *path = in_dir("sock");
    g_autofree char *spec = g_strdup_printf("unix:%s,server,nowait", path);
    Front f;

    front_init(&f, open_port(set, spec));
    f.echo = true;
    settle();
    g_assert_cmpint(f.opened, ==, 0);
    g_assert_true(
        g_str_has_prefix(chardev_filename(charset_find(set, "c0")), "disconnected:unix:"));
    for (int round = 1; round <= 3; round++) {
        int fd = unix_connect(path);
        WAIT_FOR(f.opened == round);
        put(fd, "hello");
        expect(fd, "hello");
        close(fd);
        WAIT_FOR(f.closed == round);
        g_assert_cmpuint(char_write(f.port, (const uint8_t *)"lost", 4), ==, 4);
    }
    g_assert_cmpint(f.focus_in, ==, 3);
    charset_free(set);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    front_fini(&f);
}

/* A second client waits while the first is there, and is served when it goes. */
static void test_second_client(void)
{
    CharSet *set = charset_new(loop);
    g_autofree char *path = in_dir("sock");
    g_autofree char *spec = g_strdup_printf("unix:%s,server=on,wait=off", path);
    Front f;

    front_init(&f, open_port(set, spec));
    f.echo = true;
    int a = unix_connect(path);
    WAIT_FOR(f.opened == 1);
    int b = unix_connect(path);
    put(b, "second");
    put(a, "first");
    expect(a, "first");
    close(a);
    expect(b, "second");
    close(b);
    charset_free(set);
    front_fini(&f);
}

/* A client that says its piece, closes that direction and reads the answer gets all of it. */
static void test_half_close(void)
{
    CharSet *set = charset_new(loop);
    g_autofree char *path = in_dir("sock");
    g_autofree char *spec = g_strdup_printf("unix:%s,server=on,wait=off", path);
    Front f;
    static uint8_t big[600000];
    size_t sent = 0, got = 0;

    front_init(&f, open_port(set, spec));
    f.echo = true;
    int fd = unix_connect(path);
    while (sent < sizeof(big)) {
        ssize_t n = write(fd, big + sent, sizeof(big) - sent);
        sent += n > 0 ? n : 0;
        settle();
    }
    shutdown(fd, SHUT_WR);
    settle();
    while (got < sizeof(big)) {
        uint8_t buf[1000];
        ssize_t n = read(fd, buf, sizeof(buf));
        g_assert_cmpint(n, !=, 0);
        got += n > 0 ? n : 0;
        settle();
    }
    WAIT_FOR(f.closed == 1);
    close(fd);
    charset_free(set);
    front_fini(&f);
}

/* A peer that leaves: what it said is delivered when there is room, and the next one can come. */
static void test_leftover(void)
{
    CharSet *set = charset_new(loop);
    g_autofree char *path = in_dir("sock");
    g_autofree char *spec = g_strdup_printf("unix:%s,server=on,wait=off", path);
    Front f;

    front_init(&f, open_port(set, spec));
    f.room = 0;
    int fd = unix_connect(path);
    WAIT_FOR(f.opened == 1);
    put(fd, "last words");
    close(fd);
    WAIT_FOR(f.closed == 1);
    fd = unix_connect(path);
    WAIT_FOR(f.opened == 2);
    put(fd, ", and mine");
    settle();
    f.room = 1 << 20;
    char_accept_input(f.port);
    WAIT_FOR(f.got->len == 20);
    assert_got(&f, "last words, and mine");
    close(fd);
    charset_free(set);
    front_fini(&f);
}

static void test_stale_socket(void)
{
    g_autofree char *path = in_dir("sock");
    g_autofree char *spec = g_strdup_printf("unix:%s,server=on,wait=off", path);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    Error *err = NULL;

    g_strlcpy(a.sun_path, path, sizeof(a.sun_path));
    g_assert_cmpint(bind(fd, (struct sockaddr *)&a, sizeof(a)), ==, 0);
    close(fd);
    CharSet *set = charset_new(loop);
    open_port(set, spec);
    charset_free(set);
    /* A file that is no socket is not ours to remove. */
    g_assert_true(g_file_set_contents(path, "precious", -1, NULL));
    set = charset_new(loop);
    g_assert_null(chardev_new_from_legacy(set, "c0", spec, &err));
    error_free(err);
    charset_free(set);
    g_assert_true(g_file_test(path, G_FILE_TEST_IS_REGULAR));
    g_unlink(path);
}

static int tcp_port_of(Chardev *d)
{
    const char *name = chardev_filename(d);
    const char *comma = strchr(name, ',');
    const char *colon = comma;

    while (*colon != ':') {
        colon--;
    }
    return atoi(colon + 1);
}

static void test_tcp(void)
{
    CharSet *set = charset_new(loop), *client = charset_new(loop);
    Front f, g;

    front_init(&f, open_port(set, "tcp:127.0.0.1:0,server=on,wait=off,nodelay"));
    f.echo = true;
    int port = tcp_port_of(charset_find(set, "c0"));
    g_autofree char *spec = g_strdup_printf("tcp:127.0.0.1:%d,ipv4=on,reconnect-ms=20", port);
    front_init(&g, open_port(client, spec));
    WAIT_FOR(g.opened == 1 && f.opened == 1);
    g_assert_nonnull(
        strstr(chardev_filename(charset_find(set, "c0")), ",server=on <-> 127.0.0.1:"));
    char_write_all(g.port, (const uint8_t *)"over tcp", 8);
    WAIT_FOR(g.got->len == 8);
    assert_got(&g, "over tcp");

    /* The server goes and comes back on the same port; the client finds it again. */
    charset_free(set);
    front_fini(&f);
    WAIT_FOR(g.closed == 1);
    g_usleep(50000);
    settle();
    set = charset_new(loop);
    g_autofree char *again = g_strdup_printf("tcp:127.0.0.1:%d,server=on,wait=off", port);
    front_init(&f, open_port(set, again));
    WAIT_FOR(g.opened == 2 && f.opened == 1);
    charset_free(client);
    WAIT_FOR(f.closed == 1);
    charset_free(set);
    front_fini(&f);
    front_fini(&g);
}

/* Sockets that a management tool opened for us. */
static void test_given_fd(void)
{
    CharSet *set = charset_new(loop);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    g_autofree char *path = in_dir("given");
    int pair[2], lfd = socket(AF_UNIX, SOCK_STREAM, 0);
    Error *err = NULL;
    Front f, g;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
    g_autofree char *client = g_strdup_printf("socket,id=a,fd=%d", pair[0]);
    g_autofree char *wrong = g_strdup_printf("socket,id=b,fd=%d", lfd);
    front_init(&f, chardev_claim(chardev_new_from_opts(set, client, NULL), "x", NULL));
    f.echo = true;
    put(pair[1], "pair");
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    expect(pair[1], "pair");
    close(pair[1]);
    WAIT_FOR(f.closed == 1);

    g_strlcpy(a.sun_path, path, sizeof(a.sun_path));
    g_assert_cmpint(bind(lfd, (struct sockaddr *)&a, sizeof(a)), ==, 0);
    g_assert_cmpint(listen(lfd, 1), ==, 0);
    g_assert_null(chardev_new_from_opts(set, wrong, &err));
    g_assert_nonnull(strstr(error_hint_text(err), "server=on"));
    g_clear_pointer(&err, error_free);
    g_assert_null(chardev_new_from_opts(set, "socket,id=b,fd=999", &err));
    g_clear_pointer(&err, error_free);
    g_autofree char *server = g_strdup_printf("socket,id=b,fd=%d,server=on,wait=off", lfd);
    front_init(&g, chardev_claim(chardev_new_from_opts(set, server, NULL), "y", NULL));
    g.echo = true;
    int fd = unix_connect(path);
    put(fd, "listener");
    expect(fd, "listener");
    close(fd);
    charset_free(set);
    front_fini(&f);
    front_fini(&g);
}

static void test_telnet(void)
{
    TelnetIn t = {0};
    uint8_t in[] = {'a', 255, 253, 1,   'b',  255, 255, 255, 250, 31,
                    0,   80,  255, 240, '\r', 0,   'c', 255, 243};
    static const uint8_t want[] = {'a', 'b', 255, '\r', 'c'};
    CharSet *set = charset_new(loop);
    Front f;

    g_assert_cmpmem(in, telnet_filter(&t, in, sizeof(in)), want, sizeof(want));
    g_assert_true(t.brk);

    front_init(&f, open_port(set, "telnet:127.0.0.1:0,server=on,wait=off"));
    int port = tcp_port_of(charset_find(set, "c0"));
    g_autofree char *spec = g_strdup_printf("tcp:127.0.0.1:%d", port);
    CharSet *client = charset_new(loop);
    Front g;
    front_init(&g, open_port(client, spec));
    WAIT_FOR(g.got->len == telnet_hello_len);
    g_assert_cmpmem(g.got->data, g.got->len, telnet_hello, telnet_hello_len);
    g_byte_array_set_size(g.got, 0);
    char_write_all(f.port, (const uint8_t *)"x\xffy", 3);
    WAIT_FOR(g.got->len == 4);
    g_assert_cmpmem(g.got->data, 4, "x\xff\xffy", 4);
    char_write_all(g.port, (const uint8_t *)"\xff\xf3z", 3);
    WAIT_FOR(f.got->len == 1);
    g_assert_cmpint(f.breaks, ==, 1);
    charset_free(client);
    charset_free(set);
    front_fini(&f);
    front_fini(&g);
}

/* ---- flow control ---- */

/* A reader slower than the writer: short writes, then the writable callback; nothing is lost. */
static void test_slow_reader(void)
{
    enum { TOTAL = 1 << 20 };
    CharSet *set = charset_new(loop);
    g_autofree char *path = in_dir("sock");
    g_autofree char *spec = g_strdup_printf("unix:%s,server=on,wait=off", path);
    size_t sent = 0, got = 0;
    int shorts = 0, seen = 0;
    Front f;

    front_init(&f, open_port(set, spec));
    int fd = unix_connect(path);
    WAIT_FOR(f.opened == 1);
    bool may_write = true;
    while (got < TOTAL) {
        while (may_write && sent < TOTAL) {
            uint8_t buf[777];
            size_t len = MIN(sizeof(buf), TOTAL - sent);
            for (size_t i = 0; i < len; i++) {
                buf[i] = pattern(sent + i);
            }
            size_t n = char_write(f.port, buf, len);
            sent += n;
            if (n < len) {
                shorts++;
                may_write = false;
            }
        }
        uint8_t buf[1999];
        ssize_t n = read(fd, buf, sizeof(buf));
        for (ssize_t i = 0; i < n; i++) {
            g_assert_cmpint(buf[i], ==, pattern(got + i));
        }
        got += n > 0 ? n : 0;
        g_assert_cmpuint(char_pending(f.port), <=, 4096);
        settle();
        if (f.writable > seen) {
            seen = f.writable;
            may_write = true;
        }
    }
    g_assert_cmpint(shorts, >, 3);
    close(fd);
    charset_free(set);
    front_fini(&f);
}

typedef struct Slow {
    Front *f;
    gint stop;
} Slow;

/* As a guest does: takes a few bytes on its own thread and says that there is room again. */
static gpointer slow_guest(gpointer opaque)
{
    Slow *s = opaque;

    while (!g_atomic_int_get(&s->stop)) {
        __atomic_store_n(&s->f->room, 4001, __ATOMIC_SEQ_CST);
        char_accept_input(s->f->port);
        g_usleep(100);
    }
    return NULL;
}

static void test_slow_front(void)
{
    enum { TOTAL = 1 << 20 };
    CharSet *set = charset_new(loop);
    g_autofree char *path = in_dir("sock");
    g_autofree char *spec = g_strdup_printf("unix:%s,server=on,wait=off", path);
    size_t sent = 0;
    Front f;
    static uint8_t all[TOTAL];

    for (size_t i = 0; i < TOTAL; i++) {
        all[i] = pattern(i);
    }
    front_init(&f, open_port(set, spec));
    f.room = 0;
    f.finite = true;
    int fd = unix_connect(path);
    WAIT_FOR(f.opened == 1);
    /* With no room at all the peer's bytes stay in the host, and the loop sleeps. */
    for (int i = 0; i < 100; i++) {
        ssize_t n = write(fd, all + sent, TOTAL - sent);
        sent += n > 0 ? n : 0;
        settle();
    }
    g_assert_cmpuint(f.got->len, ==, 0);
    g_assert_cmpuint(sent, <, TOTAL);
    Slow s = {&f, 0};
    GThread *t = g_thread_new("guest", slow_guest, &s);
    gint64 end = g_get_monotonic_time() + 30 * G_USEC_PER_SEC;
    while (f.got->len < TOTAL) {
        ssize_t n = sent < TOTAL ? write(fd, all + sent, TOTAL - sent) : 0;
        sent += n > 0 ? n : 0;
        g_assert_cmpint(g_get_monotonic_time(), <, end);
        if (!g_main_context_iteration(loop, FALSE)) {
            g_usleep(50);
        }
    }
    g_atomic_int_set(&s.stop, 1);
    g_thread_join(t);
    g_assert_cmpmem(f.got->data, f.got->len, all, TOTAL);
    close(fd);
    charset_free(set);
    front_fini(&f);
}

/* The peer vanishes with output pending: no signal, no block, and the next one starts clean. */
static void test_vanish(void)
{
    CharSet *set = charset_new(loop);
    g_autofree char *path = in_dir("sock");
    g_autofree char *spec = g_strdup_printf("unix:%s,server=on,wait=off", path);
    static uint8_t big[300000];
    Front f;

    front_init(&f, open_port(set, spec));
    int fd = unix_connect(path);
    WAIT_FOR(f.opened == 1);
    char_write_all(f.port, big, sizeof(big));
    g_assert_cmpuint(char_pending(f.port), >, 0);
    g_assert_cmpuint(char_write(f.port, big, 100), ==, 0);
    close(fd);
    WAIT_FOR(f.closed == 1 && f.writable == 1);
    g_assert_cmpuint(char_pending(f.port), ==, 0);
    fd = unix_connect(path);
    WAIT_FOR(f.opened == 2);
    char_write_all(f.port, (const uint8_t *)"fresh", 5);
    expect(fd, "fresh");
    close(fd);
    charset_free(set);
    front_fini(&f);
}

static gpointer hammer(gpointer opaque)
{
    Slow *s = opaque;
    uint8_t buf[512] = {0};

    while (!g_atomic_int_get(&s->stop)) {
        char_write(s->f->port, buf, sizeof(buf));
        char_accept_input(s->f->port);
    }
    return NULL;
}

/* Peers come and go while a guest writes without pause. */
static void test_hammer(void)
{
    CharSet *set = charset_new(loop);
    g_autofree char *path = in_dir("sock");
    g_autofree char *spec = g_strdup_printf("unix:%s,server=on,wait=off", path);
    Front f;

    front_init(&f, open_port(set, spec));
    Slow s = {&f, 0};
    GThread *t = g_thread_new("guest", hammer, &s);
    for (int i = 1; i <= 50; i++) {
        char buf[3000];
        int fd = unix_connect(path);
        WAIT_FOR(f.opened == i);
        for (int k = 0; k < i % 7; k++) {
            ssize_t n = read(fd, buf, sizeof(buf));
            n = write(fd, buf, n > 0 ? 100 : 1);
            settle();
        }
        close(fd);
        WAIT_FOR(f.closed == i);
    }
    g_atomic_int_set(&s.stop, 1);
    g_thread_join(t);
    charset_free(set);
    front_fini(&f);
}

/* ---- multiplexer ---- */

typedef struct MuxFixture {
    CharSet *set;
    Chardev *dev;
    Front a, b;
    int quits;
} MuxFixture;

static void count_quit(void *opaque)
{
    (*(int *)opaque)++;
}

static void mux_init(MuxFixture *m)
{
    m->quits = 0;
    m->set = charset_new(loop);
    charset_on_quit(m->set, count_quit, &m->quits);
    m->dev = chardev_new_from_opts(m->set, "ringbuf,id=m,mux=on", NULL);
    g_assert_nonnull(m->dev);
    CharPort *mon = chardev_claim(m->dev, "monitor", NULL);
    char_set_background(mon);
    front_init(&m->b, mon);
    front_init(&m->a, chardev_claim(m->dev, "serial0", NULL));
    settle();
}

static void mux_fini(MuxFixture *m)
{
    charset_free(m->set);
    front_fini(&m->a);
    front_fini(&m->b);
}

static void type(MuxFixture *m, const char *keys)
{
    chardev_ring_write(m->dev, (const uint8_t *)keys, strlen(keys), NULL);
}

static char *shown(MuxFixture *m)
{
    uint8_t buf[4096];
    size_t n = chardev_ring_read(m->dev, buf, sizeof(buf), NULL);

    return g_strndup((char *)buf, n);
}

static void test_mux_focus(void)
{
    MuxFixture m;

    mux_init(&m);
    g_assert_cmpint(m.a.focus_in, ==, 1);
    g_assert_cmpint(m.b.focus_in, ==, 0);
    g_assert_cmpint(m.b.opened, ==, 1);
    type(&m, "guest\x01");
    type(&m, "cmonitor\x01"
             "cback");
    assert_got(&m.a, "guestback");
    assert_got(&m.b, "monitor");
    g_assert_cmpint(m.a.focus_in, ==, 2);
    g_assert_cmpint(m.a.focus_out, ==, 1);
    g_assert_cmpint(m.b.focus_in, ==, 1);
    g_assert_cmpint(m.b.focus_out, ==, 1);
    /* Both write. */
    char_write_all(m.a.port, (const uint8_t *)"A", 1);
    char_write_all(m.b.port, (const uint8_t *)"B", 1);
    g_autofree char *text = shown(&m);
    g_assert_cmpstr(text, ==, "AB");
    /* When the one with the focus goes, the other has it. */
    char_detach(m.a.port);
    settle();
    g_assert_cmpint(m.b.focus_in, ==, 2);
    mux_fini(&m);
}

static void test_mux_keys(void)
{
    MuxFixture m;
    Error *err = NULL;

    mux_init(&m);
    type(&m, "a\x01\x01z\x01q");
    assert_got(&m.a, "a\x01z");
    type(&m, "\x01"
             "b");
    g_assert_cmpint(m.a.breaks, ==, 1);
    type(&m, "\x01h");
    g_autofree char *help = shown(&m);
    g_assert_nonnull(strstr(help, "Ctrl-A"));
    type(&m, "\x01x");
    g_assert_cmpint(m.quits, ==, 1);
    charset_set_escape(m.set, 0x14);
    type(&m, "\x01"
             "c\x14h");
    assert_got(&m.a, "\x01"
                     "c");
    g_autofree char *help2 = shown(&m);
    g_assert_nonnull(strstr(help2, "Ctrl-T"));
    charset_set_escape(m.set, 0);
    type(&m, "\x01\x14");
    assert_got(&m.a, "\x01\x14");
    mux_fini(&m);

    CharSet *set = charset_new(loop);
    Chardev *d = chardev_new_from_opts(set, "null,id=n", NULL);
    g_assert_nonnull(chardev_claim(d, "one", NULL));
    g_assert_null(chardev_claim(d, "two", &err));
    g_assert_nonnull(strstr(error_hint_text(err), "mux=on"));
    error_free(err);
    charset_free(set);
}

static void test_mux_stamps(void)
{
    MuxFixture m;

    mux_init(&m);
    type(&m, "\x01t");
    char_write_all(m.a.port, (const uint8_t *)"mid\nnext ", 9);
    char_write_all(m.a.port, (const uint8_t *)"same\n", 5);
    g_autofree char *text = shown(&m);
    g_assert_true(g_regex_match_simple("^mid\n\\[00:00:0\\d\\.\\d{3}\\] next same\n$", text, 0, 0));
    type(&m, "\x01t");
    char_write_all(m.a.port, (const uint8_t *)"off\n", 4);
    g_autofree char *off = shown(&m);
    g_assert_cmpstr(off, ==, "off\n");
    mux_fini(&m);
}

/* A guest that does not read must not keep the keys of the multiplexer from working. */
static void test_mux_stuck_guest(void)
{
    MuxFixture m;

    mux_init(&m);
    m.a.room = 0;
    for (int i = 0; i < 100; i++) {
        type(&m, "is anybody there?");
    }
    type(&m, "\x01"
             "cinfo status\r");
    assert_got(&m.b, "info status\r");
    m.a.room = 1 << 20;
    char_accept_input(m.a.port);
    settle();
    g_assert_cmpuint(m.a.got->len, ==, 1700);
    type(&m, "\x01x");
    g_assert_cmpint(m.quits, ==, 1);
    mux_fini(&m);
}

/* Room that appears between two looks at it: nothing comes twice, and nothing from beyond the end. */
static void test_mux_growing_room(void)
{
    MuxFixture m;

    mux_init(&m);
    m.a.room = 0;
    type(&m, "0123456789");
    m.a.grow = 8;
    m.a.finite = true;
    char_accept_input(m.a.port);
    settle();
    assert_got(&m.a, "0123456789");
    type(&m, "x");
    assert_got(&m.a, "x");
    mux_fini(&m);
}

static void test_mon_prefix(void)
{
    CharSet *set = charset_new(loop);
    CharPort *port = NULL, *mon = NULL;

    g_assert_true(chardev_open_legacy(set, "serial0", "mon:null", &port, &mon, NULL));
    g_assert_nonnull(port);
    g_assert_nonnull(mon);
    g_assert_true(chardev_is_mux(charset_find(set, "serial0")));
    g_assert_cmpstr(char_port_name(port), ==, "serial0");
    charset_free(set);
}

/* ---- options ---- */

static void test_errors(void)
{
    static const struct {
        const char *spec, *says;
    } legacy[] = {
        {"stdoi", "did you mean 'stdio'"},
        {"frob:1", "mon:stdio"},
        {"tcp:localhost", "lacks a port"},
        {"tcp:127.0.0.1:", "lacks a port"},
        {"unix:/tmp/x,sever=on", "did you mean 'server'"},
        {"unix:/tmp/x,server=perhaps", "server"},
        {"unix:/tmp/x,wait=off", "server=on"},
        {"unix:/nonexistent/x", "cannot connect to unix:/nonexistent/x"},
        {"unix:/nonexistent/x,server=on,wait=off", "cannot listen"},
        {"file:/nonexistent/x", "/nonexistent/x"},
        {"file:", "path"},
        {"chardev:nope", "-chardev"},
        {"mon:null", "mon:"},
        {"/dev/null", "not a serial line"},
        {"", "no character device"},
    };
    static const char *const opts[] = {
        "null",
        "null,id=1x",
        "null,id=a b",
        "nul,id=a",
        "socket,id=a",
        "socket,id=a,path=x,port=1",
        "",
        "null,id=a,mux=maybe",
        "file,id=a",
        "{\"backend\":\"null\"}",
        "{\"backend\":1,\"id\":\"a\"}",
        "{\"backend\":\"null\",\"id\":\"a\",\"mux\":[]}",
        "{",
        "socket,id=a,path=/tmp/"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx,server=on,wait=off",
    };
    CharSet *set = charset_new(loop);
    g_autoptr(GString) help = g_string_new("");

    for (size_t i = 0; i < G_N_ELEMENTS(legacy); i++) {
        Error *err = NULL;
        g_assert_null(chardev_new_from_legacy(set, "c0", legacy[i].spec, &err));
        g_assert_nonnull(err);
        g_autofree char *text = error_describe(err);
        if (!strstr(text, legacy[i].says)) {
            g_error("'%s' gave: %s", legacy[i].spec, text);
        }
        error_free(err);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(opts); i++) {
        Error *err = NULL;
        g_assert_null(chardev_new_from_opts(set, opts[i], &err));
        g_assert_nonnull(err);
        error_free(err);
    }
    g_assert_null(charset_nth(set, 0));
    g_assert_nonnull(
        chardev_new_from_opts(set, "{\"backend\":\"null\",\"id\":\"a\",\"mux\":true}", NULL));
    g_assert_null(chardev_new_from_opts(set, "null,id=a", NULL));
    charset_print_help(help);
    g_assert_nonnull(strstr(help->str, "ringbuf"));
    charset_free(set);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    loop = g_main_context_new();
    dir = g_dir_make_tmp("rhea-chardev-XXXXXX", NULL);
    g_test_add_func("/chardev/ringbuf", test_ringbuf);
    g_test_add_func("/chardev/null", test_null);
    g_test_add_func("/chardev/file", test_file);
    g_test_add_func("/chardev/pipe", test_pipe);
    g_test_add_func("/chardev/pty", test_pty);
    g_test_add_func("/chardev/unix-server", test_unix_server);
    g_test_add_func("/chardev/second-client", test_second_client);
    g_test_add_func("/chardev/half-close", test_half_close);
    g_test_add_func("/chardev/leftover", test_leftover);
    g_test_add_func("/chardev/stale-socket", test_stale_socket);
    g_test_add_func("/chardev/tcp", test_tcp);
    g_test_add_func("/chardev/given-fd", test_given_fd);
    g_test_add_func("/chardev/telnet", test_telnet);
    g_test_add_func("/chardev/slow-reader", test_slow_reader);
    g_test_add_func("/chardev/slow-front", test_slow_front);
    g_test_add_func("/chardev/vanish", test_vanish);
    g_test_add_func("/chardev/hammer", test_hammer);
    g_test_add_func("/chardev/mux/focus", test_mux_focus);
    g_test_add_func("/chardev/mux/keys", test_mux_keys);
    g_test_add_func("/chardev/mux/stamps", test_mux_stamps);
    g_test_add_func("/chardev/mux/stuck-guest", test_mux_stuck_guest);
    g_test_add_func("/chardev/mux/growing-room", test_mux_growing_room);
    g_test_add_func("/chardev/mux/mon-prefix", test_mon_prefix);
    g_test_add_func("/chardev/errors", test_errors);
    int status = g_test_run();
    g_main_context_unref(loop);
    g_autofree char *cmd = g_strdup_printf("rm -rf '%s'", dir);
    g_free(dir);
    return system(cmd) ? 1 : status;
}
