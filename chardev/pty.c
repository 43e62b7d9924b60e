/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pseudo terminal: a program such as screen opens the other end, and may
 * close it and come back. While nobody has it open, output is dropped.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>
#include "chardev/backend.h"

#define PTY_POLL_NS 250000000 /* the host tells nobody when a terminal is opened */

typedef struct PtyDev {
    Chardev dev;
    int master;
    char *link;
    GSource *poll;
} PtyDev;

static void pty_look(void *opaque)
{
    PtyDev *p = opaque;
    struct pollfd pfd = {.fd = p->master, .events = POLLIN};

    if (poll(&pfd, 1, 0) >= 0 && !(pfd.revents & POLLHUP)) {
        chardev_connected(&p->dev, p->master, p->master);
    } else {
        loop_timer_arm(p->poll, loop_now_ns() + PTY_POLL_NS);
    }
}

static void pty_hangup(Chardev *d)
{
    PtyDev *p = (PtyDev *)d;

    loop_timer_arm(p->poll, loop_now_ns() + PTY_POLL_NS);
}

/* The other end raw; opening and closing it once makes the host report that nobody is there. */
static bool pty_prepare(const char *name)
{
    struct termios t;
    int fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (fd < 0) {
        return false;
    }
    if (tcgetattr(fd, &t) == 0) {
        cfmakeraw(&t);
        tcsetattr(fd, TCSANOW, &t);
    }
    close(fd);
    return true;
}

static bool pty_open(Chardev *d, const CharOpts *o, Error **errp)
{
    PtyDev *p = (PtyDev *)d;
    const char *link = char_opt_str(o, "path");
    char name[128];

    p->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (p->master < 0 || grantpt(p->master) < 0 || unlockpt(p->master) < 0 ||
        ptsname_r(p->master, name, sizeof(name)) != 0 || !fd_set_nonblock(p->master) ||
        !pty_prepare(name)) {
        error_set_errno(errp, errno, "cannot make a pseudo terminal");
        return false;
    }
    if (link) {
        if (symlink(name, link) < 0) {
            error_set_errno(errp, errno, "cannot make the link '%s'", link);
            return false;
        }
        p->link = g_strdup(link);
    }
    p->poll = loop_timer_new(d->set->loop, pty_look, p);
    loop_timer_arm(p->poll, loop_now_ns() + PTY_POLL_NS / 10);
    chardev_set_filename(d, "pty:%s", name);
    printf("char device redirected to %s (label %s)\n", name, d->id);
    fflush(stdout);
    return true;
}

static void pty_close(Chardev *d)
{
    PtyDev *p = (PtyDev *)d;

    loop_remove(p->poll);
    if (p->link) {
        unlink(p->link);
        g_free(p->link);
    }
    if (p->master > 0) {
        close(p->master);
    }
}

static const CharOption pty_options[] = {
    {"path", CHAR_OPT_STR, "A symbolic link to make that points to the terminal"},
    {NULL},
};

static const CharBackendType pty_type = {
    .name = "pty",
    .help = "A new pseudo terminal; its name is printed",
    .options = pty_options,
    .size = sizeof(PtyDev),
    .open = pty_open,
    .close = pty_close,
    .hangup = pty_hangup,
};
CHAR_BACKEND(pty_type);
