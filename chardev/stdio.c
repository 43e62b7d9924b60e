/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process's own standard input and output, the terminal in raw mode.
 *
 * The descriptors are opened anew where the host allows it: O_NONBLOCK belongs
 * to the open file and not to the descriptor, and must not leak into the shell
 * and whatever else shares the terminal.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/os/terminal.h"
#include "chardev/backend.h"

typedef struct StdioDev {
    Chardev dev;
    int in, out;
    bool raw;
    int in_flags, out_flags; /* to give back to a shared open file; -1 = nothing to do */
} StdioDev;

/* A non-blocking descriptor for what fd is; *flags as in StdioDev. */
static int own_fd(int fd, int mode, int *flags)
{
    char path[40];
    struct stat st;
    int own;

    *flags = -1;
    if (fstat(fd, &st) < 0) {
        return -1;
    }
    if (S_ISREG(st.st_mode) || S_ISSOCK(st.st_mode)) {
        return fcntl(fd, F_DUPFD_CLOEXEC, 3);
    }
    g_snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    own = open(path, mode | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own < 0) {
        *flags = fcntl(fd, F_GETFL);
        fd_set_nonblock(fd);
        own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    }
    return own;
}

static bool stdio_open(Chardev *d, const CharOpts *o, Error **errp)
{
    StdioDev *s = (StdioDev *)d;

    s->in = s->out = s->in_flags = s->out_flags = -1;
    for (unsigned i = 0; charset_nth(d->set, i); i++) {
        Chardev *other = charset_nth(d->set, i);
        if (other != d && other->type == d->type) {
            error_set(errp, ERR_INVALID_PARAMETER,
                      "standard input and output are already used by '%s'", other->id);
            error_hint(errp, "share them with mon:stdio, or with -chardev stdio,id=ID,mux=on");
            return false;
        }
    }
    if (!os_terminal_raw(STDIN_FILENO, char_opt_bool(o, "signal", true), errp)) {
        return false;
    }
    s->raw = true;
    fflush(stdout);
    s->in = own_fd(STDIN_FILENO, O_RDONLY, &s->in_flags);
    s->out = own_fd(STDOUT_FILENO, O_WRONLY, &s->out_flags);
    chardev_connected(d, s->in, s->out);
    return true;
}

static void stdio_close(Chardev *d)
{
    StdioDev *s = (StdioDev *)d;

    if (s->in_flags != -1) {
        fcntl(STDIN_FILENO, F_SETFL, s->in_flags);
    }
    if (s->out_flags != -1) {
        fcntl(STDOUT_FILENO, F_SETFL, s->out_flags);
    }
    if (s->in >= 0) {
        close(s->in);
    }
    if (s->out >= 0) {
        close(s->out);
    }
    if (s->raw) {
        os_terminal_restore();
    }
}

static ssize_t stdio_write(Chardev *d, const uint8_t *buf, size_t len)
{
    return d->out_fd < 0 ? (ssize_t)len : chardev_fd_write(d, buf, len);
}

static const CharOption stdio_options[] = {
    {"signal", CHAR_OPT_BOOL,
     "Ctrl-C and the like act on the emulator, not on the guest (default on)"},
    {NULL},
};

static const CharBackendType stdio_type = {
    .name = "stdio",
    .help = "Standard input and output",
    .options = stdio_options,
    .size = sizeof(StdioDev),
    .open = stdio_open,
    .close = stdio_close,
    .write = stdio_write,
};
CHAR_BACKEND(stdio_type);
