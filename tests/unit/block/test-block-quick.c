/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cached writes on the submitter's thread: which, and for how long not after a slow one.
 */
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "block/file.h"

#define S G_USEC_PER_SEC

static void test_pages(void)
{
    QuickWrites q = {.able = true};
    QuickWrite w;

    g_assert_true(quick_begin(&q, 0, 4096, &w));
    quick_end(&q, &w);
    g_assert_true(quick_begin(&q, 12288, 65536, &w));
    g_assert_false(quick_begin(&q, 512, 4096, &w)); /* the kernel may have to read the rest of a page */
    g_assert_false(quick_begin(&q, 4096, 512, &w));
    q.able = false;
    g_assert_false(quick_begin(&q, 0, 4096, &w));
}

static void test_slow(void)
{
    QuickWrites q = {.able = true};
    QuickWrite w;

    g_assert_true(quick_begin(&q, 0, 4096, &w));
    g_usleep(20000);
    quick_end(&q, &w);
    g_assert_cmpint(q.pause, >, 0);
    g_assert_false(quick_begin(&q, 0, 4096, &w));
}

/* A host that waits 200 ms in every write: it may do so rarely. */
static void test_pauses(void)
{
    QuickWrites q = {.able = true};
    int64_t now = 100 * S, pause = S / 20;

    for (int i = 0; i < 20; i++) {
        quick_slow(&q, now, now + 200000);
        now += 200000;
        pause = MIN(2 * pause, 10 * S);
        g_assert_cmpint(q.not_before - now, ==, pause);
        now = q.not_before;
    }
    g_assert_cmpint(pause, ==, 10 * S);
    /* It has been well for long: back to short pauses. */
    now += 70 * S;
    quick_slow(&q, now, now + 10000);
    g_assert_cmpint(q.not_before - now, ==, 110000);
}

static void test_file_system(void)
{
    g_autofree char *name = NULL;
    int fd = g_file_open_tmp("rhea-quick-XXXXXX", &name, NULL);
    struct statfs fs;
    QuickWrites q;

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(fstatfs(fd, &fs), ==, 0);
    quick_init(&q, fd);
    if (fs.f_type == 0xef53 || fs.f_type == 0x01021994) {
        g_assert_true(q.able);
    }
    close(fd);
    g_unlink(name);
    fd = open("/proc/self/status", O_RDONLY);
    g_assert_cmpint(fd, >=, 0);
    quick_init(&q, fd);
    g_assert_false(q.able);
    close(fd);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/block/quick/pages", test_pages);
    g_test_add_func("/block/quick/slow", test_slow);
    g_test_add_func("/block/quick/pauses", test_pauses);
    g_test_add_func("/block/quick/file-system", test_file_system);
    return g_test_run();
}
