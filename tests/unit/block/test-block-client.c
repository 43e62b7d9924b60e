/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What clients ask of disks and are told: dirty images, whose event it is, the order of nodes, and
 * commit, which writes an overlay into its base.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "disk.h"

#define CLUSTER (64 * KiB)

static const BlockFrontend front = {.name = "disk", .writable = true};
static const BlockFrontend reader = {.name = "reader"};

static BlockPort *attach(Drive *d)
{
    g_assert_true(block_attach(d->port, &front, NULL));
    return d->port;
}

static char *make_qcow2(const char *name, uint64_t size, const char *more)
{
    char *path = test_path(name);
    BlockSet *set = blockset_new(NULL);
    g_autoptr(json_t) opts = test_opts("size=%" G_GUINT64_FORMAT "%s", size, more);
    g_autoptr(Error) err = NULL;

    if (!block_image_create(set, "qcow2", path, opts, &err)) {
        g_error("%s", error_message(err));
    }
    blockset_free(set);
    return path;
}

static void write_at(BlockPort *p, uint64_t offset, uint64_t bytes, uint64_t seed)
{
    g_autofree uint8_t *buf = g_malloc(bytes);

    test_fill(buf, bytes, seed);
    g_assert_cmpint(block_write_sync(p, offset, buf, bytes), ==, 0);
}

static bool holds(BlockPort *p, uint64_t offset, uint64_t bytes, uint64_t seed)
{
    g_autofree uint8_t *buf = g_malloc(bytes), *want = g_malloc0(bytes);

    if (seed) {
        test_fill(want, bytes, seed);
    }
    g_assert_cmpint(block_read_sync(p, offset, buf, bytes), ==, 0);
    return !memcmp(buf, want, bytes);
}

/* The same, of an image that nobody has open for writing. */
static bool file_holds(const char *format, const char *path, uint64_t offset, uint64_t bytes, uint64_t seed)
{
    BlockSet *set = blockset_new(g_main_context_default());
    Drive *d = test_drive(set, "if=none,id=x,driver=%s,file.driver=file,file.filename=%s,file.locking=off,read-only=on",
                          format, path);
    bool yes = holds(d->port, offset, bytes, seed);

    blockset_free(set);
    return yes;
}

static uint64_t allocated_in_top(BlockPort *p)
{
    BlockNode *n = block_port_node(p);
    uint64_t sum = 0;

    for (uint64_t at = 0, num; at < n->size; at += num) {
        int st = node_block_status(n, at, n->size - at, &num, NULL, NULL);
        g_assert_cmpint(st, >=, 0);
        sum += st & STATUS_ALLOCATED ? num : 0;
    }
    return sum;
}

/* ---- queries and events ---- */

static bool dirty_flag(BlockPort *p)
{
    g_autoptr(json_t) j = block_query_port(p);

    return json_is_true(json_object_get(json_object_get(json_object_get(j, "inserted"), "image"), "dirty-flag"));
}

static void test_dirty_flag(void)
{
    g_autofree char *path = make_qcow2("lazy.qcow2", MiB, ",lazy_refcounts=on");
    BlockSet *set = blockset_new(g_main_context_default());
    BlockPort *p = attach(test_drive(set, "if=none,id=d,driver=qcow2,file.driver=file,file.filename=%s", path));

    g_assert_false(dirty_flag(p));
    write_at(p, 0, 512, 1);
    g_assert_true(dirty_flag(p));
    blockset_free(set);
    set = blockset_new(g_main_context_default());
    p = attach(test_drive(set, "if=none,id=d,driver=qcow2,file.driver=file,file.filename=%s", path));
    g_assert_false(dirty_flag(p));
    blockset_free(set);
}

static void test_newest_first(void)
{
    BlockSet *set = blockset_new(g_main_context_default());

    test_node(set, "driver=null-co,node-name=a,size=1000");
    test_node(set, "driver=null-co,node-name=b");
    g_assert_cmpstr(blockset_node_nth(set, 0)->name, ==, "b");
    g_assert_cmpstr(blockset_node_nth(set, 1)->name, ==, "a");
    g_assert_null(blockset_node_nth(set, 2));
    g_autoptr(json_t) image = block_query_image(blockset_node_nth(set, 1));
    g_assert_cmpint(json_integer_value(json_object_get(image, "virtual-size")), ==, 1024); /* whole sectors */
    blockset_free(set);
}

static void on_event(void *opaque, const char *event, const char *json)
{
    g_autofree char *line = g_strdup_printf("%s %s", event, json);

    g_ptr_array_add(opaque, g_steal_pointer(&line));
}

/* Makes the entry of guest cluster 0 impossible: not at a multiple of the cluster size. */
static void break_entry(const char *path)
{
    int fd = open(path, O_RDWR);
    uint8_t be[8], wrong = 2;
    uint64_t l1, l2;

    g_assert_cmpint(pread(fd, be, 8, 40), ==, 8);
    l1 = GUINT64_FROM_BE(*(uint64_t *)be);
    g_assert_cmpint(pread(fd, be, 8, (off_t)l1), ==, 8);
    l2 = GUINT64_FROM_BE(*(uint64_t *)be) & 0x00fffffffffffe00;
    g_assert_cmpuint(l2, !=, 0);
    g_assert_cmpint(pwrite(fd, &wrong, 1, (off_t)l2 + 6), ==, 1);
    close(fd);
}

/* A broken image is reported with the drive and the node that it is in; below another node or given
 * by -blockdev there is no drive. */
static void test_corrupt_event(void)
{
    for (int named = 0; named < 2; named++) {
        g_autofree char *path = make_qcow2("broken.qcow2", MiB, "");
        g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func(g_free);
        BlockSet *set = blockset_new(g_main_context_default());
        uint8_t buf[512];

        BlockPort *p = attach(test_drive(set, "if=none,id=d,driver=qcow2,file.driver=file,file.filename=%s", path));
        write_at(p, 0, CLUSTER, 1);
        blockset_free(set);
        break_entry(path);
        set = blockset_new(g_main_context_default());
        blockset_on_event(set, on_event, events);
        if (named) {
            p = attach(test_drive(set, "if=none,id=the-disk,driver=qcow2,node-name=the-node,file.driver=file,"
                                       "file.filename=%s", path));
        } else {
            test_node(set, "driver=qcow2,node-name=the-node,file.driver=file,file.filename=%s", path);
            p = blockset_claim(set, "the-node", NULL);
            g_assert_true(block_attach(p, &front, NULL));
        }
        g_assert_cmpint(block_read_sync(p, 0, buf, 512), ==, -EIO);
        while (!events->len) {
            g_main_context_iteration(NULL, TRUE);
        }
        const char *e = events->pdata[0];
        g_assert_true(g_str_has_prefix(e, "BLOCK_IMAGE_CORRUPTED "));
        g_assert_nonnull(strstr(e, "\"node-name\": \"the-node\""));
        g_assert_nonnull(strstr(e, named ? "\"device\": \"the-disk\"" : "\"device\": \"\""));
        g_assert_nonnull(strstr(e, "\"fatal\": true"));
        blockset_free(set);
    }
}

/* ---- commit ---- */

/* -snapshot: nothing in the base until it is committed, then everything, and again. */
static void test_commit_snapshot(void)
{
    static const char *const modes[] = {"", ",cache=none", ",aio=io_uring,cache=none", ",discard=unmap"};

    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autofree char *path = test_image("base.img", MiB + 512);
        BlockSet *set = blockset_new(g_main_context_default());
        BlockPort *p = attach(test_drive(set, "if=none,id=d,format=raw,snapshot=on,file=%s%s", path, modes[i]));
        const BlockNode *base = block_port_node(p)->backing;
        g_autoptr(Error) err = NULL;

        for (uint64_t round = 1; round < 4; round++) {
            write_at(p, round * 512, 3 * CLUSTER, round);
            write_at(p, MiB, 512, round + 10);
            g_assert_true(file_holds("raw", path, MiB, 512, round == 1 ? 0 : round + 9));
            g_assert_false(base->flags & BLOCK_RDWR);
            g_assert_true(block_port_commit(p, &err));
            g_assert_true(file_holds("raw", path, round * 512, 3 * CLUSTER, round));
            g_assert_true(file_holds("raw", path, MiB, 512, round + 10));
            g_assert_true(file_holds("raw", path, 4 * CLUSTER, CLUSTER, 0));
            g_assert_cmpuint(allocated_in_top(p), ==, 0);
            g_assert_true(holds(p, round * 512, 3 * CLUSTER, round));
            g_assert_false(base->flags & BLOCK_RDWR);
            g_assert_false(base->file->flags & BLOCK_RDWR);
        }
        uint8_t zero[512] = {0};
        g_assert_cmpint(node_pwrite(base->file, 0, zero, 512, 0), <, 0);
        blockset_free(set);
    }
}

/* An overlay that is larger than its qcow2 base, with zeroes over the base's data. */
static void test_commit_grows(void)
{
    g_autofree char *base = make_qcow2("small.qcow2", MiB, "");
    g_autofree char *more = g_strdup_printf(",backing_file=%s,backing_fmt=qcow2", base);
    g_autofree char *top = make_qcow2("large.qcow2", 4 * MiB, more);
    BlockSet *set = blockset_new(g_main_context_default());
    g_autoptr(Error) err = NULL;

    BlockPort *p = attach(test_drive(set, "if=none,id=d,driver=qcow2,file.driver=file,file.filename=%s", base));
    write_at(p, 0, MiB, 1);
    blockset_free(set);
    set = blockset_new(g_main_context_default());
    p = attach(test_drive(set, "if=none,id=d,driver=qcow2,file.driver=file,file.filename=%s", top));
    write_at(p, 3 * MiB, CLUSTER, 2);
    g_assert_cmpint(node_pwrite_zeroes(block_port_node(p), 2 * CLUSTER, CLUSTER, 0), ==, 0);
    g_assert_true(block_port_commit(p, &err));
    g_assert_cmpuint(allocated_in_top(p), ==, 0);
    blockset_free(set);
    g_assert_true(file_holds("qcow2", base, 3 * MiB, CLUSTER, 2));
    g_assert_true(file_holds("qcow2", base, 2 * CLUSTER, CLUSTER, 0));
    g_assert_true(file_holds("qcow2", base, 2 * MiB, CLUSTER, 0));
    set = blockset_new(NULL);
    BlockNode *n = test_node(set, "driver=qcow2,node-name=n,read-only=on,file.driver=file,file.filename=%s", base);
    BlockCheck r = {0};
    g_assert_true(n->drv->check(n, &r, 0, NULL));
    g_assert_cmpuint(r.corruptions + r.leaks + r.check_errors, ==, 0);
    blockset_free(set);
}

/* Somebody else reads the base: it is not written under them, and nothing is lost. */
static void test_commit_refused(void)
{
    g_autofree char *path = test_image("busy.img", MiB);
    BlockSet *set = blockset_new(g_main_context_default()), *other = blockset_new(g_main_context_default());
    BlockPort *p = attach(test_drive(set, "if=none,id=d,format=raw,snapshot=on,file=%s", path));
    Drive *r = test_drive(other, "if=none,id=r,format=raw,readonly=on,file=%s", path);
    Error *err = NULL;

    g_assert_true(block_attach(r->port, &reader, NULL));
    write_at(p, 0, CLUSTER, 1);
    g_assert_false(block_port_commit(p, &err));
    test_error_has(err, "'commit' error for 'd': Failed to get \"write\" lock");
    g_assert_true(file_holds("raw", path, 0, CLUSTER, 0));
    g_assert_true(holds(p, 0, CLUSTER, 1));
    g_assert_true(allocated_in_top(p) > 0);
    blockset_free(other);
    g_assert_true(block_port_commit(p, NULL));
    g_assert_true(file_holds("raw", path, 0, CLUSTER, 1));

    /* The base is locked as before: others may read it and may not write it. */
    other = blockset_new(g_main_context_default());
    Drive *w = test_drive(other, "if=none,id=w,format=raw,file=%s", path);
    err = NULL;
    g_assert_false(block_attach(w->port, &front, &err));
    test_error_has(err, "lock");
    r = test_drive(other, "if=none,id=r,format=raw,readonly=on,file=%s", path);
    g_assert_true(block_attach(r->port, &reader, NULL));
    blockset_free(other);

    BlockPort *plain = attach(test_drive(set, "if=none,id=e,driver=null-co"));
    err = NULL;
    g_assert_false(block_port_commit(plain, &err));
    test_error_has(err, "no backing file");
    err = NULL;
    g_assert_false(block_port_commit(blockset_empty_port(set, "cd"), &err));
    test_error_has(err, "has no medium");
    blockset_free(set);
}

/* The base fails while it is written: the overlay keeps everything, and a later commit works. */
static void test_commit_fails(void)
{
    g_autofree char *path = test_image("failing.img", MiB);
    BlockSet *set = blockset_new(g_main_context_default());
    BlockPort *p = attach(test_drive(set, "if=none,id=d,driver=raw,snapshot=on,file.driver=fault,file.kind=write,"
                                          "file.nth=2,file.errno=ENOSPC,file.file.driver=file,"
                                          "file.file.filename=%s", path));
    Error *err = NULL;

    write_at(p, 0, CLUSTER, 1);
    write_at(p, 4 * CLUSTER, CLUSTER, 2);
    g_assert_false(block_port_commit(p, &err));
    test_error_has(err, "No space left");
    g_assert_true(allocated_in_top(p) > 0);
    g_assert_true(holds(p, 0, CLUSTER, 1) && holds(p, 4 * CLUSTER, CLUSTER, 2));
    g_assert_true(block_port_commit(p, NULL));
    g_assert_true(file_holds("raw", path, 0, CLUSTER, 1) && file_holds("raw", path, 4 * CLUSTER, CLUSTER, 2));
    blockset_free(set);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/client/dirty-flag", test_dirty_flag);
    g_test_add_func("/client/newest-first", test_newest_first);
    g_test_add_func("/client/corrupt-event", test_corrupt_event);
    g_test_add_func("/client/commit-snapshot", test_commit_snapshot);
    g_test_add_func("/client/commit-grows", test_commit_grows);
    g_test_add_func("/client/commit-refused", test_commit_refused);
    g_test_add_func("/client/commit-fails", test_commit_fails);
    int ret = g_test_run();
    test_dir_end();
    return ret;
}
