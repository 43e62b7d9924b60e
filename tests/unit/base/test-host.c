/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Log, trace, event loop and host memory.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/os/memory.h"
#include "base/trace.h"

TRACE_EVENT(test_host_one, "value %d");
TRACE_EVENT(test_host_two, "nothing");

static char *read_log(const char *path)
{
    char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    return text;
}

static void test_log(void)
{
    g_autofree char *path = g_strdup_printf("%s/rhea-log-%d", g_get_tmp_dir(), (int)getpid());
    unsigned mask = 0;

    g_assert_true(log_set_file(path, NULL));
    g_assert_true(log_parse_items("guest_errors,int", &mask, NULL));
    g_assert_cmphex(mask, ==, LOG_GUEST_ERROR | LOG_INT);
    log_mask(LOG_INT, "off\n");
    log_set_mask(mask);
    log_mask(LOG_INT, "on %d\n", 1);
    log_mask(LOG_UNIMP, "off\n");
    g_assert_cmpuint(trace_enable("test_host_*"), ==, 2);
    g_assert_cmpuint(trace_enable("-test_host_two"), ==, 1);
    g_assert_cmpuint(trace_match("no_such_*"), ==, 0);
    trace(test_host_one, 42);
    trace(test_host_two);
    g_autofree char *text = read_log(path);
    g_assert_cmpstr(text, ==, "on 1\ntest_host_one value 42\n");
    unlink(path);
}

static void test_log_errors(void)
{
    g_autoptr(Error) err = NULL, err2 = NULL;

    g_assert_false(log_parse_items("int,guest_error", NULL, &err));
    g_assert_nonnull(strstr(error_hint_text(err), "'guest_errors'"));
    g_assert_false(log_set_file("/no/such/dir/log", &err2));
    g_assert_nonnull(strstr(error_message(err2), "/no/such/dir/log"));
}

static void count(void *opaque)
{
    ++*(int *)opaque;
}

static void on_readable(void *opaque, int fd, GIOCondition ready)
{
    char c;
    g_assert_cmpint(read(fd, &c, 1), ==, 1);
    count(opaque);
}

static void test_loop(void)
{
    GMainContext *loop = g_main_context_new();
    int fds[2], n = 0;

    g_assert_cmpint(pipe(fds), ==, 0);
    GSource *watch = loop_watch_fd(loop, fds[0], G_IO_IN, on_readable, &n);
    loop_watch_events(watch, 0);
    g_assert_cmpint(write(fds[1], "ab", 2), ==, 2);
    g_main_context_iteration(loop, FALSE);
    g_assert_cmpint(n, ==, 0);
    loop_watch_events(watch, G_IO_IN);
    while (n < 2) {
        g_main_context_iteration(loop, TRUE);
    }
    loop_remove(watch);

    int64_t due = loop_now_ns() + 5000000;
    GSource *timer = loop_timer_new(loop, count, &n);
    loop_timer_arm(timer, due);
    while (n < 3) {
        g_main_context_iteration(loop, TRUE);
    }
    g_assert_cmpint(loop_now_ns(), >=, due);
    loop_remove(timer);
    loop_post(loop, count, &n);
    while (n < 4) {
        g_main_context_iteration(loop, TRUE);
    }
    close(fds[0]);
    close(fds[1]);
    g_main_context_unref(loop);
}

static gpointer caller(gpointer opaque)
{
    int n = 0;

    for (int i = 0; i < 100; i++) {
        loop_call(opaque, count, &n);
        g_assert_cmpint(n, ==, i + 1);
    }
    return GINT_TO_POINTER(n);
}

static void stop(void *opaque)
{
    *(bool *)opaque = true;
}

static void test_loop_call(void)
{
    GMainContext *loop = g_main_context_new();
    GThread *t = g_thread_new("caller", caller, loop);
    gint64 end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
    bool done = false;
    GSource *timer = loop_timer_new(loop, stop, &done);

    loop_timer_arm(timer, loop_now_ns() + 200000000);
    while (!done && g_get_monotonic_time() < end) {
        g_main_context_iteration(loop, TRUE);
    }
    g_assert_cmpint(GPOINTER_TO_INT(g_thread_join(t)), ==, 100);
    loop_remove(timer);
    g_main_context_unref(loop);
}

static void test_dual_map(void)
{
    DualMap map;
    g_autoptr(Error) err = NULL;

    g_assert_true(os_dual_map_init(&map, 5000, (const void *)test_dual_map, &err));
    g_assert_cmpuint(map.size % os_page_size(), ==, 0);
    memset(map.rw, 0x5a, map.size);
    g_assert_cmphex(map.rx[map.size - 1], ==, 0x5a);
    ptrdiff_t d = (uint8_t *)test_dual_map - map.rx;
    g_assert_true(d < INT32_MAX && d > INT32_MIN);
    os_dual_map_fini(&map);
    os_dual_map_fini(&map);
}

static void test_memfd(void)
{
    g_autoptr(Error) err = NULL;
    int fd = os_memfd_new("test", 1 << 20, NULL);
    uint32_t *a = os_map_shared(fd, 0, 1 << 20, true, NULL);
    const uint32_t *b = os_map_shared(fd, 4096, 4096, false, NULL);

    g_assert_true(a && b);
    a[1024] = 7;
    g_assert_cmpuint(b[0], ==, 7);
    os_unmap(a, 1 << 20);
    os_unmap((void *)b, 4096);
    close(fd);
    g_assert_cmpint(os_memfd_new("huge", UINT64_MAX, &err), ==, -1);
    g_assert_nonnull(err);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/base/log/items", test_log);
    g_test_add_func("/base/log/errors", test_log_errors);
    g_test_add_func("/base/loop/sources", test_loop);
    g_test_add_func("/base/loop/call", test_loop_call);
    g_test_add_func("/base/os/dual-map", test_dual_map);
    g_test_add_func("/base/os/memfd", test_memfd);
    return g_test_run();
}
