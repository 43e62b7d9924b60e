/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "disk.h"
#include "schema/opts.h"

static char *dir;

char *test_path(const char *name)
{
    if (!dir) {
        dir = g_dir_make_tmp("rhea-block-XXXXXX", NULL);
        g_assert_nonnull(dir);
    }
    return g_build_filename(dir, name, NULL);
}

void test_dir_end(void)
{
    if (!dir) {
        return;
    }
    GDir *d = g_dir_open(dir, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(d))) {
        g_autofree char *path = g_build_filename(dir, name, NULL);
        g_unlink(path);
    }
    g_dir_close(d);
    g_rmdir(dir);
    g_clear_pointer(&dir, g_free);
}

char *test_image(const char *name, uint64_t bytes)
{
    char *path = test_path(name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, (off_t)bytes), ==, 0);
    close(fd);
    return path;
}

static json_t *parse(const char *fmt, va_list ap)
{
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    g_autoptr(Error) err = NULL;
    json_t *o = opts_parse(text, NULL, &err);

    g_assert_no_error((GError *)NULL);
    g_assert_nonnull(o);
    return o;
}

json_t *test_opts(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    json_t *o = parse(fmt, ap);
    va_end(ap);
    return o;
}

static void must(void *p, Error *err)
{
    if (err) {
        g_test_message("%s", error_message(err));
    }
    g_assert_nonnull(p);
}

BlockNode *test_node(BlockSet *set, const char *fmt, ...)
{
    g_autoptr(Error) err = NULL;
    va_list ap;

    va_start(ap, fmt);
    g_autoptr(json_t) o = parse(fmt, ap);
    va_end(ap);
    BlockNode *n = blockset_add_node(set, o, &err);
    must(n, err);
    return n;
}

Drive *test_drive(BlockSet *set, const char *fmt, ...)
{
    g_autoptr(Error) err = NULL;
    va_list ap;

    va_start(ap, fmt);
    g_autoptr(json_t) o = parse(fmt, ap);
    va_end(ap);
    Drive *d = blockset_add_drive(set, o, false, &err);
    must(d, err);
    return d;
}

void test_wait(const int *flag)
{
    while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE)) {
        g_main_context_iteration(NULL, TRUE);
    }
}

void test_fill(void *buf, size_t len, uint64_t seed)
{
    uint8_t *p = buf;
    uint64_t x = seed * 0x9e3779b97f4a7c15 + 1;

    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        p[i] = (uint8_t)(x >> 24);
    }
}

void test_error_has(Error *err, const char *text)
{
    g_assert_nonnull(err);
    g_autofree char *all = error_describe(err);
    if (!strstr(all, text)) {
        g_test_message("'%s' lacks '%s'", all, text);
        g_assert_not_reached();
    }
    error_free(err);
}
