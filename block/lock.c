/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Locks on image files, the same that QEMU takes, so that both see each other: read locks of open
 * file descriptions on single bytes. Byte 100 + b: somebody does what permission bit b says.
 * Byte 200 + b: somebody does not let others do it.
 *
 * home: main loop.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/internal.h"

#define PERM_BASE 100
#define SHARED_BASE 200
#define BITS 4

static int lock_byte(int fd, off_t byte, short type)
{
    struct flock fl = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    return fcntl(fd, F_OFD_SETLK, &fl) < 0 ? -errno : 0;
}

/* Does anybody else hold the byte? */
static bool byte_held(int fd, off_t byte)
{
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    return fcntl(fd, F_OFD_GETLK, &fl) == 0 && fl.l_type != F_UNLCK;
}

bool file_locks_supported(int fd)
{
    struct flock fl = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = PERM_BASE, .l_len = 1};

    return fcntl(fd, F_OFD_GETLK, &fl) == 0;
}

/* ---- who is it: /proc/PID/fdinfo has the locks of each descriptor ---- */

static bool fdinfo_locks_byte(const char *path, off_t byte)
{
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        return false;
    }
    for (const char *p = text; (p = strstr(p, "lock:")); p++) {
        long long start, end;
        char last[32];
        /* lock: 1: OFDLCK  ADVISORY  READ  -1 08:01:123 100 100 */
        int got = sscanf(p, "lock: %*d: %*s %*s %*s %*d %*s %lld %31s", &start, last);
        if (got == 2) {
            end = !strcmp(last, "EOF") ? INT64_MAX : atoll(last);
            if (byte >= start && byte <= end) {
                return true;
            }
        }
    }
    return false;
}

/* Of this process, ours is not the descriptor we look for. */
static bool process_holds(const char *pid, int ours, const struct stat *file, off_t byte)
{
    bool self = atoll(pid) == (long long)getpid();
    g_autofree char *dir = g_strdup_printf("/proc/%s/fd", pid);
    g_autoptr(GDir) fds = g_dir_open(dir, 0, NULL);
    const char *name;

    while (fds && (name = g_dir_read_name(fds))) {
        g_autofree char *link = g_strdup_printf("%s/%s", dir, name);
        struct stat st;
        if (self && atoi(name) == ours) {
            continue;
        }
        if (stat(link, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino) {
            g_autofree char *info = g_strdup_printf("/proc/%s/fdinfo/%s", pid, name);
            if (fdinfo_locks_byte(info, byte)) {
                return true;
            }
        }
    }
    return false;
}

static char *process_name(const char *pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%s/cmdline", pid);
    g_autofree char *text = NULL;
    gsize len = 0;

    if (!g_file_get_contents(path, &text, &len, NULL) || !len) {
        return g_strdup("?");
    }
    char *end = memchr(text, 0, len);
    if (end) {
        *end = 0;
    }
    return g_utf8_make_valid(strrchr(text, '/') ? strrchr(text, '/') + 1 : text, -1);
}

/* "process 1234 (qemu-system-x86_64)", or NULL when we may not see it. */
static char *holder_of(int fd, off_t byte)
{
    g_autoptr(GDir) procs = g_dir_open("/proc", 0, NULL);
    struct stat st;
    const char *pid;

    if (!procs || fstat(fd, &st) < 0) {
        return NULL;
    }
    while ((pid = g_dir_read_name(procs))) {
        if (g_ascii_isdigit(pid[0]) && process_holds(pid, fd, &st, byte)) {
            bool self = atoll(pid) == (long long)getpid();
            g_autofree char *name = process_name(pid);
            return self ? g_strdup("this process, as another node")
                        : g_strdup_printf("process %s (%s)", pid, name);
        }
    }
    return NULL;
}

/* @bit is what we wanted to do (shared: to have for us alone). */
static bool in_use(int fd, const char *filename, off_t byte, int bit, bool shared, Error **errp)
{
    static const char *const names[BITS] = {"consistent read", "write", "write unchanged", "resize"};
    g_autofree char *holder = holder_of(fd, byte);

    error_set(errp, ERR_GENERIC, "Failed to get %s\"%s\" lock: image '%s' is in use by %s",
              shared ? "shared " : "", names[bit], filename, holder ? holder : "another process");
    error_hint(errp, "Is another process using the image?");
    return false;
}

/* Takes the bytes of what is new in @want against @have. */
static bool take_bytes(int fd, unsigned have, unsigned want, off_t base, const char *filename,
                       Error **errp)
{
    for (int b = 0; b < BITS; b++) {
        if (!(want & ~have & 1u << b)) {
            continue;
        }
        int ret = lock_byte(fd, base + b, F_RDLCK);
        if (ret == -EAGAIN || ret == -EACCES) { /* somebody has it exclusively */
            return in_use(fd, filename, base + b, b, base == SHARED_BASE, errp);
        }
        if (ret < 0) {
            error_set_errno(errp, -ret, "Failed to lock byte %d of '%s'", (int)(base + b), filename);
            return false;
        }
    }
    return true;
}

static void drop_bytes(int fd, unsigned have, unsigned want, off_t base)
{
    for (int b = 0; b < BITS; b++) {
        if (have & ~want & 1u << b) {
            lock_byte(fd, base + b, F_UNLCK);
        }
    }
}

static bool check_bytes(int fd, unsigned perm, unsigned unshared, const char *filename, Error **errp)
{
    for (int b = 0; b < BITS; b++) {
        if (perm & 1u << b && byte_held(fd, SHARED_BASE + b)) {
            return in_use(fd, filename, SHARED_BASE + b, b, false, errp);
        }
        if (unshared & 1u << b && byte_held(fd, PERM_BASE + b)) {
            return in_use(fd, filename, PERM_BASE + b, b, true, errp);
        }
    }
    return true;
}

bool file_lock_update(int fd, const char *filename, unsigned old_perm, unsigned old_shared,
                      unsigned perm, unsigned shared, Error **errp)
{
    unsigned old_un = ~old_shared & PERM_ALL, un = ~shared & PERM_ALL;

    /* First tell what we want, then look whether somebody minds: of two, at least one sees it. */
    if (!take_bytes(fd, old_perm, perm, PERM_BASE, filename, errp) ||
        !take_bytes(fd, old_un, un, SHARED_BASE, filename, errp) ||
        !check_bytes(fd, perm & ~old_perm, un & ~old_un, filename, errp)) {
        drop_bytes(fd, perm, old_perm, PERM_BASE);
        drop_bytes(fd, un, old_un, SHARED_BASE);
        return false;
    }
    drop_bytes(fd, old_perm, perm, PERM_BASE);
    drop_bytes(fd, old_un, un, SHARED_BASE);
    return true;
}

bool file_lock_copy(int fd, const char *filename, unsigned perm, unsigned shared, Error **errp)
{
    return take_bytes(fd, 0, perm, PERM_BASE, filename, errp) &&
           take_bytes(fd, 0, ~shared & PERM_ALL, SHARED_BASE, filename, errp);
}
