/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening: options in every spelling and their mistakes, probing, places of drives, locks against
 * Debian's qemu-io and a process of our own, filters that fail and record.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "block/internal.h"
#include "block/writelog.h"
#include "disk.h"

/* ---- options ---- */

static void fails(BlockSet *set, const char *opts, const char *message)
{
    g_autoptr(json_t) o = test_opts("%s", opts);
    Error *err = NULL;

    g_assert_null(blockset_add_drive(set, o, false, &err));
    test_error_has(err, message);
    g_assert_cmpuint(set->nodes->len, ==, 0);
}

static void test_drive_mistakes(void)
{
    g_autofree char *path = test_image("m.img", 65536);
    BlockSet *set = blockset_new(g_main_context_default());
    static const struct {
        const char *opts, *message;
    } cases[] = {
        {"format=qcow", "did you mean 'qcow2'"},
        {"format=raw,fromat=raw", "did you mean 'format'"},
        {"cahce=none", "did you mean 'cache'"},
        {"cache=fast", "invalid cache option"},
        {"if=ied", "did you mean 'ide'"},
        {"media=tape", "invalid media"},
        {"aio=uring,format=raw", "aio is one of"},
        {"discard=yes,format=raw", "discard is one of"},
        {"detect-zeroes=unmap,format=raw", "without setting discard"},
        {"werror=maybe,format=raw", "invalid write error action"},
        {"rerror=enospc,format=raw", "invalid read error action"},
        {"index=1,bus=0", "index cannot be used"},
        {"serial=abc", "option of the device"},
        {"copy-on-read=on", "not supported"},
        {"throttling.bps-total=1", "not supported"},
        {"readonly=perhaps", "expects 'on' or 'off'"},
        {"file.locking=never,format=raw", "locking is one of"},
        {"file.driver=fiel,format=raw", "did you mean 'file'"},
        {"node-name=1x,format=raw", "Invalid node-name"},
        {"backing.driver=raw,format=raw", "no backing file"},
        {"offset=-5,format=raw", "expects a size"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *all = g_strdup_printf("if=none,file=%s,%s", path, cases[i].opts);
        fails(set, all, cases[i].message);
    }
    fails(set, "if=none,file=/nonexistent/x.img", "No such file");
    fails(set, "if=none,file=nbd:localhost:10809", "Unknown protocol 'nbd'");
    fails(set, "if=none,file=/tmp", "Is a directory");
    fails(set, "if=none,file=json:{\"driver\":", "");
    blockset_free(set);
}

static void test_spellings(void)
{
    g_autofree char *path = test_image("s:p.img", 65536);
    g_autofree char *dir = g_path_get_dirname(path);
    BlockSet *set = blockset_new(g_main_context_default());
    BlockNode *n;

    test_drive(set, "if=none,id=a,format=raw,readonly=on,file=%s", path);
    test_drive(set, "if=none,id=b,format=raw,readonly=on,file=file:%s", path);
    test_drive(set, "if=none,id=c,driver=raw,read-only=on,file.driver=file,file.filename=%s", path);
    test_drive(set, "if=none,id=d,driver=raw,read-only=on,file.filename=%s", path);
    g_autofree char *json = g_strdup_printf(
        "{\"if\":\"none\",\"id\":\"e\",\"read-only\":true,"
        "\"file\":\"json:{\\\"driver\\\":\\\"raw\\\",\\\"file.filename\\\":\\\"%s\\\"}\"}", path);
    test_drive(set, "%s", json);
    for (unsigned i = 0; i < 5; i++) {
        n = block_port_node(blockset_drive_nth(set, i)->port);
        g_assert_cmpstr(n->drv->name, ==, "raw");
        g_assert_cmpstr(n->filename, ==, path);
        g_assert_cmpuint(n->size, ==, 65536);
        g_assert_false(n->flags & BLOCK_RDWR);
    }
    g_autofree char *bd = g_strdup_printf(
        "{\"driver\":\"raw\",\"node-name\":\"top\",\"read-only\":true,\"cache\":{\"direct\":true},"
        "\"file\":{\"driver\":\"file\",\"filename\":\"%s\",\"node-name\":\"bottom\"}}", path);
    n = test_node(set, "%s", bd);
    g_assert_true(node_find(set, "bottom") == n->file);
    g_assert_true(n->flags & BLOCK_NOCACHE && n->file->flags & BLOCK_NOCACHE);
    g_assert_true(n->file->flags & BLOCK_UNMAP);
    BlockNode *second = test_node(set, "driver=raw,node-name=second,read-only=on,file=bottom");
    g_assert_true(second->file == n->file);
    g_autofree char *rel = block_backing_path("/a/b/c.qcow2", "d/e.img");
    g_assert_cmpstr(rel, ==, "/a/b/d/e.img");
    g_autofree char *abs = block_backing_path("/a/b/c.qcow2", "/e.img");
    g_assert_cmpstr(abs, ==, "/e.img");
    g_autofree char *here = block_backing_path("c.qcow2", "e.img");
    g_assert_cmpstr(here, ==, "e.img");
    blockset_free(set);
}

static void test_cache_modes(void)
{
    static const struct {
        const char *name;
        unsigned flags;
        bool writeback;
    } modes[] = {
        {"writeback", 0, true},
        {"none", BLOCK_NOCACHE, true},
        {"writethrough", 0, false},
        {"directsync", BLOCK_NOCACHE, false},
        {"unsafe", BLOCK_NO_FLUSH, true},
    };
    g_autofree char *path = test_image("c.img", 65536);

    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        BlockSet *set = blockset_new(g_main_context_default());
        Drive *d = test_drive(set, "format=raw,file=%s,cache=%s", path, modes[i].name);
        BlockNode *n = block_port_node(d->port);
        unsigned both = BLOCK_NOCACHE | BLOCK_NO_FLUSH;
        g_assert_cmpuint(n->flags & both, ==, modes[i].flags);
        g_assert_cmpuint(n->file->flags & both, ==, modes[i].flags);
        g_assert_cmpint(block_port_write_cache(d->port), ==, modes[i].writeback);
        blockset_free(set);
    }
}

static void check_place(const Drive *d, const char *id, int bus, int unit)
{
    g_assert_cmpstr(d->id, ==, id);
    g_assert_cmpint(d->bus, ==, bus);
    g_assert_cmpint(d->unit, ==, unit);
}

static void test_places(void)
{
    BlockSet *set = blockset_new(g_main_context_default());
    g_autoptr(json_t) again = test_opts("driver=null-co,index=2");
    Error *err = NULL;

    blockset_set_places(set, DRIVE_IDE, 2);
    check_place(test_drive(set, "driver=null-co,index=2,media=cdrom"), "ide1-cd0", 1, 0);
    check_place(test_drive(set, "driver=null-co"), "ide0-hd0", 0, 0);
    check_place(test_drive(set, "driver=null-co"), "ide0-hd1", 0, 1);
    check_place(test_drive(set, "driver=null-co"), "ide1-hd1", 1, 1);
    check_place(test_drive(set, "driver=null-co,if=virtio"), "virtio0", 0, 0);
    check_place(test_drive(set, "driver=null-co,if=virtio"), "virtio1", 0, 1);
    check_place(test_drive(set, "driver=null-co,if=floppy,index=1"), "floppy1", 0, 1);
    check_place(test_drive(set, "driver=null-co,if=ide,bus=2,unit=1,id=me"), "me", 2, 1);
    g_assert_null(blockset_add_drive(set, again, false, &err));
    test_error_has(err, "drive with bus=1, unit=0 (index=2) exists");
    g_autoptr(json_t) big = test_opts("driver=null-co,unit=2");
    err = NULL;
    g_assert_null(blockset_add_drive(set, big, false, &err));
    test_error_has(err, "unit 2 too big (max is 1)");
    g_autoptr(json_t) twice = test_opts("driver=null-co,if=none,id=me");
    err = NULL;
    g_assert_null(blockset_add_drive(set, twice, false, &err));
    test_error_has(err, "Duplicate ID 'me'");
    blockset_free(set);
}

/* A raw image that was only recognized as such must not become something else. */
static void test_probed_raw(void)
{
    g_autofree char *path = test_image("p.img", 65536);
    BlockSet *set = blockset_new(g_main_context_default());
    uint8_t sector[512] = {'Q', 'F', 'I', 0xfb, 0, 0, 0, 3};

    BlockNode *n = block_port_node(test_drive(set, "if=none,file=%s", path)->port);
    g_assert_cmpstr(n->drv->name, ==, "raw");
    g_assert_cmpint(node_pwrite(n, 0, sector, 512, 0), ==, -EPERM);
    g_assert_cmpint(node_pwrite(n, 512, sector, 512, 0), ==, 0);
    sector[0] = 0;
    g_assert_cmpint(node_pwrite(n, 0, sector, 512, 0), ==, 0);
    sector[0] = 'Q';
    g_assert_cmpint(node_pwrite(n, 0, sector, 1, 0), ==, -EPERM);
    blockset_free(set);
}

/* ---- locks ---- */

static bool have(const char *program)
{
    g_autofree char *path = g_find_program_in_path(program);

    return path != NULL;
}

/* Runs a shell command; its output is kept. */
static int run(char **out, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
static int run(char **out, const char *fmt, ...)
{
    va_list ap;
    g_autoptr(GError) err = NULL;
    int status;

    va_start(ap, fmt);
    g_autofree char *cmd = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    const char *argv[] = {"/bin/sh", "-c", cmd, NULL};
    g_assert_true(g_spawn_sync(NULL, (char **)argv, NULL, 0, NULL, NULL, out, NULL, &status, &err));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_lock_against_us(void)
{
    if (!have("qemu-io")) {
        g_test_skip("qemu-io (package qemu-utils) is not installed: locks are not compared");
        return;
    }
    g_autofree char *path = test_image("l.img", 65536);
    BlockSet *set = blockset_new(NULL);
    g_autofree char *out = NULL, *out2 = NULL, *out3 = NULL;
    const BlockFrontend f = {.name = "disk", .writable = true};
    BlockSet *machine = blockset_new(g_main_context_default());
    Drive *d = test_drive(machine, "if=none,format=raw,file=%s", path);

    g_assert_true(block_attach(d->port, &f, NULL));
    run(&out, "qemu-io -f raw -c 'write 0 512' %s 2>&1", path);
    g_assert_nonnull(strstr(out, "lock"));
    run(&out2, "qemu-io -r -U -f raw -c 'read 0 512' %s 2>&1", path);
    g_assert_nonnull(strstr(out2, "read 512/512"));
    block_detach(d->port);
    g_assert_cmpint(run(&out3, "qemu-io -f raw -c 'write 0 512' %s 2>&1", path), ==, 0);
    blockset_free(machine);
    blockset_free(set);
}

/* qemu-io reads commands from a pipe, so it holds the image as long as we like. */
static void test_lock_against_qemu(void)
{
    if (!have("qemu-io")) {
        g_test_skip("qemu-io (package qemu-utils) is not installed: locks are not compared");
        return;
    }
    /* A writer of a raw image shares it in qemu-io; a qcow2 image nobody may share. */
    g_autofree char *q = test_path("q.qcow2");
    g_autofree char *opts = g_strdup_printf("driver=qcow2,file.filename=%s", q), *made = NULL;
    const char *argv[] = {"qemu-io", "--image-opts", opts, NULL};
    const BlockFrontend f = {.name = "disk", .writable = true};
    Error *err = NULL;
    GPid pid;
    int in;

    run(&made, "qemu-img create -f qcow2 %s 1M 2>&1", q);
    g_assert_true(g_spawn_async_with_pipes(NULL, (char **)argv, NULL,
                                           G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL |
                                               G_SPAWN_STDERR_TO_DEV_NULL | G_SPAWN_DO_NOT_REAP_CHILD,
                                           NULL, NULL, &pid, &in, NULL, NULL, NULL));
    BlockSet *set = blockset_new(g_main_context_default());
    Drive *d = test_drive(set, "if=none,format=raw,file=%s", q);
    for (int i = 0; i < 500; i++) { /* until it has the image */
        g_usleep(10000);
        error_free(err);
        err = NULL;
        if (!block_attach(d->port, &f, &err)) {
            break;
        }
        block_detach(d->port);
    }
    g_autofree char *expect = g_strdup_printf("in use by process %d (qemu-io)", (int)pid);
    test_error_has(err, expect);
    close(in);
    waitpid(pid, NULL, 0);
    g_assert_true(block_attach(d->port, &f, NULL));
    blockset_free(set);
}

/* Two writers in one process exclude each other too; readers do not. */
static void test_lock_here(void)
{
    g_autofree char *path = test_image("h.img", 65536);
    BlockSet *a = blockset_new(g_main_context_default()), *b = blockset_new(g_main_context_default());
    const BlockFrontend w = {.name = "w", .writable = true};
    const BlockFrontend shared = {.name = "s", .writable = true, .share_write = true};
    const BlockFrontend r = {.name = "r"};
    Drive *da = test_drive(a, "if=none,format=raw,file=%s", path);
    Drive *db = test_drive(b, "if=none,format=raw,file=%s", path);
    Error *err = NULL;

    g_assert_true(block_attach(da->port, &w, NULL));
    g_assert_false(block_attach(db->port, &w, &err));
    test_error_has(err, "lock");
    err = NULL;
    g_assert_false(block_attach(db->port, &r, &err));
    test_error_has(err, "lock");
    block_detach(da->port);
    g_assert_true(block_attach(da->port, &r, NULL));
    g_assert_true(block_attach(db->port, &r, NULL));
    block_detach(da->port);
    block_detach(db->port);
    g_assert_true(block_attach(da->port, &shared, NULL));
    g_assert_true(block_attach(db->port, &shared, NULL));
    blockset_free(a);
    blockset_free(b);
}

/* ---- filters ---- */

static void test_blkdebug(void)
{
    g_autofree char *path = test_image("bd.img", 65536);
    BlockSet *set = blockset_new(NULL);
    uint8_t buf[1024] = {0};
    BlockNode *n = test_node(
        set, "driver=raw,node-name=x,file.driver=blkdebug,file.inject-error.0.event=write_aio,"
             "file.inject-error.0.errno=28,file.inject-error.0.sector=3,file.inject-error.0.once=on,"
             "file.inject-error.1.event=flush_to_disk,file.inject-error.1.errno=5,"
             "file.image.driver=file,file.image.filename=%s", path);

    g_assert_cmpint(node_pwrite(n, 0, buf, 1024, 0), ==, 0);
    g_assert_cmpint(node_pwrite(n, 1024, buf, 1024, 0), ==, -ENOSPC);
    g_assert_cmpint(node_pwrite(n, 1024, buf, 1024, 0), ==, 0);
    g_assert_cmpint(node_flush(n), ==, -EIO);
    g_assert_cmpint(node_pread(n, 0, buf, 1024), ==, 0);
    blockset_free(set);
}

static void test_fault_torn(void)
{
    g_autofree char *path = test_image("t.img", 65536);
    BlockSet *set = blockset_new(NULL);
    uint8_t buf[4096], back[4096];
    BlockNode *n = test_node(set, "driver=fault,node-name=t,kind=write,nth=2,torn=3,file.driver=file,"
                                  "file.filename=%s", path);

    memset(buf, 0x11, sizeof(buf));
    g_assert_cmpint(node_pwrite(n, 0, buf, 4096, 0), ==, 0);
    memset(buf, 0x22, sizeof(buf));
    g_assert_cmpint(node_pwrite(n, 0, buf, 4096, 0), ==, -EIO);
    g_assert_cmpint(node_pread(n, 0, back, 4096), ==, -EIO); /* the disk is gone */
    g_assert_cmpint(node_pread(n->file, 0, back, 4096), ==, 0);
    g_assert_cmpuint(back[1535], ==, 0x22);
    g_assert_cmpuint(back[1536], ==, 0x11);
    blockset_free(set);
}

static void read_file(const char *path, uint8_t *buf, size_t len)
{
    int fd = open(path, O_RDONLY);

    g_assert_cmpint(pread(fd, buf, len, 0), ==, (ssize_t)len);
    close(fd);
}

static void test_write_log(void)
{
    enum { SIZE = 65536, STEPS = 60 };
    g_autofree char *path = test_image("wl.img", SIZE), *log = test_image("wl.log", 0);
    g_autofree uint8_t *at_flush = g_malloc(SIZE), *end = g_malloc(SIZE), *got = g_malloc(SIZE);
    BlockSet *set = blockset_new(NULL);
    GRand *rand = g_rand_new_with_seed(4);
    uint8_t buf[4096];
    BlockNode *n = test_node(set, "driver=blklogwrites,node-name=w,file.driver=file,file.filename=%s,"
                                  "log.driver=file,log.filename=%s", path, log);

    for (int i = 0; i < STEPS; i++) {
        uint64_t at = (uint64_t)g_rand_int_range(rand, 0, 120) * 512;
        test_fill(buf, sizeof(buf), (uint64_t)i);
        g_assert_cmpint(node_pwrite(n, at, buf, (size_t)g_rand_int_range(rand, 1, 9) * 512, 0), ==, 0);
        if (i == STEPS / 2) {
            g_assert_cmpint(node_flush(n), ==, 0);
            g_assert_cmpint(node_pread(n, 0, at_flush, SIZE), ==, 0);
        }
    }
    g_assert_cmpint(node_pwrite_zeroes(n, 0, 1024, 0), ==, 0);
    g_assert_cmpint(node_pread(n, 0, end, SIZE), ==, 0);
    blockset_free(set);

    WriteLog *w = writelog_load(log, NULL);
    g_assert_nonnull(w);
    g_assert_cmpuint(writelog_entries(w), ==, STEPS + 2);
    g_assert_cmpint(writelog_flush(w, 0), ==, STEPS / 2 + 1);
    g_assert_cmpint(writelog_flush(w, 1), ==, -1);
    g_autofree char *image = test_image("wl.replay", SIZE);
    int fd = open(image, O_RDWR);
    g_assert_true(writelog_replay(w, writelog_entries(w), NULL, fd, NULL));
    read_file(image, got, SIZE);
    g_assert_cmpmem(got, SIZE, end, SIZE);
    /* Of what came before the flush nothing is lost, whatever happens to the rest. */
    for (int round = 0; round < 20; round++) {
        g_assert_cmpint(ftruncate(fd, 0), ==, 0);
        g_assert_cmpint(ftruncate(fd, SIZE), ==, 0);
        g_assert_true(writelog_replay(w, STEPS / 2 + 2 + (unsigned)(round ? STEPS / 3 : 0), rand, fd, NULL));
        read_file(image, got, SIZE);
        int kept = 0;
        for (int s = 0; s < SIZE / 512; s++) {
            kept += !memcmp(got + s * 512, at_flush + s * 512, 512);
        }
        g_assert_true(round ? kept > 0 : kept == SIZE / 512);
    }
    close(fd);
    writelog_free(w);
    g_rand_free(rand);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/open/drive-mistakes", test_drive_mistakes);
    g_test_add_func("/open/spellings", test_spellings);
    g_test_add_func("/open/cache-modes", test_cache_modes);
    g_test_add_func("/open/places", test_places);
    g_test_add_func("/open/probed-raw", test_probed_raw);
    g_test_add_func("/open/lock-against-us", test_lock_against_us);
    g_test_add_func("/open/lock-against-qemu", test_lock_against_qemu);
    g_test_add_func("/open/lock-here", test_lock_here);
    g_test_add_func("/open/blkdebug", test_blkdebug);
    g_test_add_func("/open/fault-torn", test_fault_torn);
    g_test_add_func("/open/write-log", test_write_log);
    int ret = g_test_run();
    test_dir_end();
    return ret;
}
