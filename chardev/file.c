/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Backends behind a path: a file, a pair of FIFOs, a host's serial line.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include "chardev/backend.h"

typedef struct FileDev {
    Chardev dev;
    int in, out; /* the same for two-way devices */
} FileDev;

static void file_close(Chardev *d)
{
    FileDev *f = (FileDev *)d;

    if (f->in > 0) {
        close(f->in);
    }
    if (f->out > 0 && f->out != f->in) {
        close(f->out);
    }
}

static int open_path(const char *path, int flags, Error **errp)
{
    int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0666);

    if (fd < 0) {
        error_set_errno(errp, errno, "cannot open '%s'", path);
        return -1;
    }
    fd_set_nonblock(fd);
    return fd;
}

static const char *need_path(const CharOpts *o, Error **errp)
{
    const char *path = char_opt_str(o, "path");

    if (!path || !*path) {
        error_set(errp, ERR_INVALID_PARAMETER, "character device '%s' needs a path", o->id);
        error_hint(errp, "add path=NAME");
        return NULL;
    }
    return path;
}

static bool file_open(Chardev *d, const CharOpts *o, Error **errp)
{
    FileDev *f = (FileDev *)d;
    const char *path = need_path(o, errp), *input = char_opt_str(o, "input-path");

    if (!path) {
        return false;
    }
    if (input && (f->in = open_path(input, O_RDONLY, errp)) < 0) {
        return false;
    }
    f->out = open_path(
        path, O_WRONLY | O_CREAT | (char_opt_bool(o, "append", false) ? O_APPEND : O_TRUNC), errp);
    if (f->out < 0) {
        return false;
    }
    chardev_connected(d, input ? f->in : -1, f->out);
    return true;
}

static const CharOption file_options[] = {
    {"path", CHAR_OPT_STR, "The file that gets the output"},
    {"append", CHAR_OPT_BOOL, "Keep what the file already holds (default off)"},
    {"input-path", CHAR_OPT_STR, "A file whose bytes are the input"},
    {NULL},
};

static const CharBackendType file_type = {
    .name = "file",
    .help = "Output to a file",
    .options = file_options,
    .size = sizeof(FileDev),
    .open = file_open,
    .close = file_close,
};
CHAR_BACKEND(file_type);

/* PATH.in and PATH.out, or PATH for both directions; opened read-write, so that no open waits. */
static bool pipe_open(Chardev *d, const CharOpts *o, Error **errp)
{
    FileDev *f = (FileDev *)d;
    const char *path = need_path(o, errp);

    if (!path) {
        return false;
    }
    g_autofree char *in = g_strconcat(path, ".in", NULL);
    g_autofree char *out = g_strconcat(path, ".out", NULL);
    if (access(in, F_OK) == 0 && access(out, F_OK) == 0) {
        if ((f->in = open_path(in, O_RDWR, errp)) < 0) {
            return false;
        }
        f->out = open_path(out, O_RDWR, errp);
    } else {
        f->in = f->out = open_path(path, O_RDWR, errp);
        error_hint(errp, "make the FIFOs '%s' and '%s' with mkfifo first", in, out);
    }
    if (f->out < 0) {
        return false;
    }
    chardev_set_filename(d, "pipe:%s", path);
    chardev_connected(d, f->in, f->out);
    return true;
}

static const CharOption pipe_options[] = {
    {"path", CHAR_OPT_STR, "Name of the FIFOs without .in and .out"},
    {NULL},
};

static const CharBackendType pipe_type = {
    .name = "pipe",
    .help = "Two FIFOs, NAME.in and NAME.out",
    .options = pipe_options,
    .size = sizeof(FileDev),
    .open = pipe_open,
    .close = file_close,
};
CHAR_BACKEND(pipe_type);

static bool serial_open(Chardev *d, const CharOpts *o, Error **errp)
{
    FileDev *f = (FileDev *)d;
    const char *path = need_path(o, errp);
    struct termios t;

    if (!path) {
        return false;
    }
    f->in = f->out = open_path(path, O_RDWR | O_NONBLOCK, errp);
    if (f->in < 0) {
        return false;
    }
    if (tcgetattr(f->in, &t) < 0) {
        error_set_errno(errp, errno, "'%s' is not a serial line", path);
        error_hint(errp, "for a file use file:%s", path);
        return false;
    }
    cfmakeraw(&t);
    t.c_cflag |= CLOCAL | CREAD;
    tcsetattr(f->in, TCSANOW, &t);
    chardev_connected(d, f->in, f->out);
    return true;
}

static const CharOption serial_options[] = {
    {"path", CHAR_OPT_STR, "The host's device, such as /dev/ttyS0"},
    {NULL},
};

static const CharBackendType serial_type = {
    .name = "serial",
    .alias = "tty",
    .help = "A serial line or terminal of the host",
    .options = serial_options,
    .size = sizeof(FileDev),
    .open = serial_open,
    .close = file_close,
};
CHAR_BACKEND(serial_type);
