/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See semihost.h. Handles are indexes of a table, so that no guest names descriptors that are not its own. */
#include "core/semihost.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "core/internal.h"

#define MAX_FILES 1024
#define INPUT_SIZE 1024

/* Magic number and what is there of the specification's extensions: SYS_EXIT_EXTENDED, stderr by ":tt" in append mode. */
static const uint8_t features[] = {'S', 'H', 'F', 'B', 3};

typedef enum FileKind { FILE_UNUSED, FILE_CONSOLE, FILE_HOST, FILE_FEATURES } FileKind;
typedef struct File {
    FileKind kind;
    int fd;
    size_t at; /* FILE_FEATURES: position */
} File;

struct Semihost {
    bool userspace;
    char *cmdline;
    SemihostConfig console; /* write, taken */
    int64_t born;
    pthread_mutex_t lock;   /* guards all below */
    GArray *files;          /* File, by handle; 0 is none */
    uint8_t input[INPUT_SIZE];
    size_t n_input;
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* ---- console ---- */

size_t semihost_input_room(Semihost *s)
{
    pthread_mutex_lock(&s->lock);
    size_t room = INPUT_SIZE - s->n_input;
    pthread_mutex_unlock(&s->lock);
    return room;
}

void semihost_input(Semihost *s, const uint8_t *buf, size_t len)
{
    pthread_mutex_lock(&s->lock);
    len = MIN(len, INPUT_SIZE - s->n_input);
    memcpy(s->input + s->n_input, buf, len);
    s->n_input += len;
    pthread_mutex_unlock(&s->lock);
}

void semihost_console_write(Semihost *s, const void *buf, size_t len)
{
    if (s->console.write) {
        s->console.write(s->console.opaque, buf, len);
    } else {
        fwrite(buf, 1, len, stderr);
    }
}

/* Up to len bytes of input; the lock is held by the caller. */
static int64_t take_input(Semihost *s, uint8_t *buf, size_t len)
{
    size_t n = MIN(len, s->n_input);

    if (!s->console.write || len == 0) {
        return 0;
    }
    if (n == 0) {
        return -EAGAIN;
    }
    memcpy(buf, s->input, n);
    s->n_input -= n;
    memmove(s->input, s->input + n, s->n_input);
    return (int64_t)n;
}

static int64_t console_read(Semihost *s, uint8_t *buf, size_t len)
{
    pthread_mutex_lock(&s->lock);
    int64_t n = take_input(s, buf, len);
    pthread_mutex_unlock(&s->lock);
    if (n > 0) {
        s->console.taken(s->console.opaque);
    }
    return n;
}

int64_t semihost_console_read(Semihost *s, uint8_t *byte)
{
    return console_read(s, byte, 1);
}

/* ---- life ---- */

Semihost *semihost_new(const SemihostConfig *cfg)
{
    Semihost *s = g_new0(Semihost, 1);
    const File none = {.kind = FILE_UNUSED};

    s->userspace = cfg->userspace;
    s->cmdline = g_strdup(cfg->cmdline ? cfg->cmdline : "");
    s->console = *cfg;
    s->born = now_ns();
    pthread_mutex_init(&s->lock, NULL);
    s->files = g_array_new(FALSE, FALSE, sizeof(File));
    g_array_append_val(s->files, none);
    return s;
}

void semihost_free(Semihost *s)
{
    if (!s) {
        return;
    }
    for (guint i = 0; i < s->files->len; i++) {
        const File *f = &g_array_index(s->files, File, i);
        if (f->kind == FILE_HOST) {
            close(f->fd);
        }
    }
    g_array_free(s->files, TRUE);
    pthread_mutex_destroy(&s->lock);
    g_free(s->cmdline);
    g_free(s);
}

Semihost *machine_semihost(Machine *m)
{
    return m->semihost;
}

bool semihost_userspace(const Semihost *s)
{
    return s->userspace;
}

const char *semihost_cmdline(const Semihost *s)
{
    return s->cmdline;
}

int64_t semihost_elapsed_ns(const Semihost *s)
{
    return now_ns() - s->born;
}

/* ---- files ---- */

/* The first free handle that is not 0, or -errno; f is taken. */
static int64_t add_file(Semihost *s, File f)
{
    guint i = 1;

    pthread_mutex_lock(&s->lock);
    while (i < s->files->len && g_array_index(s->files, File, i).kind != FILE_UNUSED) {
        i++;
    }
    if (i == s->files->len && i < MAX_FILES) {
        g_array_append_val(s->files, f);
    } else if (i < s->files->len) {
        g_array_index(s->files, File, i) = f;
    }
    pthread_mutex_unlock(&s->lock);
    if (i >= MAX_FILES) {
        if (f.kind == FILE_HOST) {
            close(f.fd);
        }
        return -EMFILE;
    }
    return i;
}

/* A copy of what the handle stands for: FILE_UNUSED if it is none. */
static File find(Semihost *s, int64_t handle)
{
    File f = {.kind = FILE_UNUSED};

    pthread_mutex_lock(&s->lock);
    if (handle >= 0 && handle < (int64_t)s->files->len) {
        f = g_array_index(s->files, File, handle);
    }
    pthread_mutex_unlock(&s->lock);
    return f;
}

static void move_features(Semihost *s, int64_t handle, size_t at)
{
    pthread_mutex_lock(&s->lock);
    g_array_index(s->files, File, handle).at = at;
    pthread_mutex_unlock(&s->lock);
}

int64_t semihost_open(Semihost *s, const char *name, unsigned mode)
{
    static const int flags[6] = {O_RDONLY, O_RDWR, O_WRONLY | O_CREAT | O_TRUNC, O_RDWR | O_CREAT | O_TRUNC,
                                 O_WRONLY | O_CREAT | O_APPEND, O_RDWR | O_CREAT | O_APPEND};

    if (mode >= 12) {
        return -EINVAL;
    }
    if (!strcmp(name, ":tt")) {
        return add_file(s, (File){.kind = FILE_CONSOLE, .fd = -1});
    }
    if (!strcmp(name, ":semihosting-features")) {
        return mode < 2 ? add_file(s, (File){.kind = FILE_FEATURES, .fd = -1}) : -EACCES;
    }
    int fd = open(name, flags[mode / 2] | O_CLOEXEC, 0644);
    return fd < 0 ? -errno : add_file(s, (File){.kind = FILE_HOST, .fd = fd});
}

int64_t semihost_close(Semihost *s, int64_t handle)
{
    File f = find(s, handle);

    if (f.kind == FILE_UNUSED) {
        return -EBADF;
    }
    pthread_mutex_lock(&s->lock);
    g_array_index(s->files, File, handle).kind = FILE_UNUSED;
    pthread_mutex_unlock(&s->lock);
    return f.kind == FILE_HOST && close(f.fd) < 0 ? -errno : 0;
}

int64_t semihost_write(Semihost *s, int64_t handle, const void *buf, size_t len)
{
    File f = find(s, handle);

    if (f.kind == FILE_CONSOLE) {
        semihost_console_write(s, buf, len);
        return (int64_t)len;
    }
    if (f.kind != FILE_HOST) {
        return -EBADF;
    }
    ssize_t n = write(f.fd, buf, len);
    return n < 0 ? -errno : n;
}

int64_t semihost_read(Semihost *s, int64_t handle, void *buf, size_t len)
{
    File f = find(s, handle);

    if (f.kind == FILE_CONSOLE) {
        return console_read(s, buf, len);
    }
    if (f.kind == FILE_FEATURES) {
        size_t n = f.at < sizeof(features) ? MIN(len, sizeof(features) - f.at) : 0;
        memcpy(buf, features + MIN(f.at, sizeof(features)), n);
        move_features(s, handle, f.at + n);
        return (int64_t)n;
    }
    if (f.kind == FILE_UNUSED) {
        return -EBADF;
    }
    ssize_t n = read(f.fd, buf, len);
    return n < 0 ? -errno : n;
}

int64_t semihost_is_tty(Semihost *s, int64_t handle)
{
    File f = find(s, handle);

    if (f.kind == FILE_UNUSED) {
        return -EBADF;
    }
    return f.kind == FILE_CONSOLE || (f.kind == FILE_HOST && isatty(f.fd));
}

int64_t semihost_seek(Semihost *s, int64_t handle, uint64_t position)
{
    File f = find(s, handle);

    if (position > INT64_MAX) {
        return -EINVAL;
    }
    switch (f.kind) {
    case FILE_HOST:
        return lseek(f.fd, (off_t)position, SEEK_SET) < 0 ? -errno : 0;
    case FILE_FEATURES:
        move_features(s, handle, position);
        return 0;
    default:
        return f.kind == FILE_CONSOLE ? -ESPIPE : -EBADF;
    }
}

int64_t semihost_length(Semihost *s, int64_t handle)
{
    File f = find(s, handle);
    struct stat st;

    if (f.kind == FILE_FEATURES) {
        return sizeof(features);
    }
    if (f.kind != FILE_HOST) {
        return f.kind == FILE_CONSOLE ? -ESPIPE : -EBADF;
    }
    return fstat(f.fd, &st) < 0 ? -errno : st.st_size;
}
