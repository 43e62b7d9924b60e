/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A process has one controlling terminal, so its saved state is process-wide.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#ifdef RHEA_SANITIZE
#include <sanitizer/common_interface_defs.h>
#endif

#include "base/bits.h"
#include "base/os/terminal.h"

static struct {
    volatile sig_atomic_t raw;    /* it is raw now */
    volatile sig_atomic_t wanted; /* it shall be raw whenever it is ours */
    int fd;
    struct termios before;
    struct termios during;
} term = {.fd = -1};

static void make_raw(struct termios *t, bool keep_signals)
{
    t->c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    t->c_oflag |= OPOST;
    t->c_lflag &= ~(ECHO | ECHONL | ICANON | IEXTEN);
    if (!keep_signals) {
        t->c_lflag &= ~ISIG;
    }
    t->c_cflag = (t->c_cflag & ~(CSIZE | PARENB)) | CS8;
    t->c_cc[VMIN] = 1;
    t->c_cc[VTIME] = 0;
}

bool os_terminal_raw(int fd, bool keep_signals, Error **errp)
{
    struct termios now;

    if (!isatty(fd)) {
        return true;
    }
    if (!term.raw) {
        if (tcgetattr(fd, &term.before) < 0) {
            error_set_errno(errp, errno, "cannot read the terminal's settings");
            return false;
        }
        term.fd = fd;
    }
    now = term.before;
    make_raw(&now, keep_signals);
    term.during = now;
    term.raw = term.wanted = 1;
    if (tcsetattr(fd, TCSANOW, &now) < 0) {
        error_set_errno(errp, errno, "cannot change the terminal's settings");
        return false;
    }
    return true;
}

static void give_back(void)
{
    if (term.raw) {
        int err = errno;
        term.raw = 0;
        tcsetattr(term.fd, TCSANOW, &term.before);
        errno = err;
    }
}

void os_terminal_restore(void)
{
    term.wanted = 0;
    give_back();
}

/* Restores and dies of the same signal. */
static void crash(int sig)
{
    os_terminal_restore();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* Ctrl-Z from outside: the shell gets its terminal back. */
static void suspend(int sig)
{
    give_back();
    raise(SIGSTOP);
}

/*
 * Continued, perhaps after a SIGSTOP that nobody saw, and perhaps in the background: then the
 * terminal is somebody else's until the shell continues us once more in the foreground.
 */
static void resume(int sig)
{
    int err = errno;
    pid_t front = tcgetpgrp(term.fd);

    term.raw = 0;
    if (term.wanted && (front < 0 || front == getpgrp())) {
        term.raw = 1;
        tcsetattr(term.fd, TCSANOW, &term.during);
    }
    errno = err;
}

static void handle(int sig, void (*fn)(int))
{
    struct sigaction sa = {.sa_handler = fn, .sa_flags = SA_ONSTACK | SA_RESTART | SA_NODEFER};

    sigemptyset(&sa.sa_mask);
    sigaction(sig, &sa, NULL);
}

void os_terminal_guard(void)
{
    static const int fatal[] = {
#ifndef RHEA_SANITIZE
        SIGSEGV, SIGBUS, SIGFPE,
#endif
        SIGILL,
        /* The last three until main asks for them, and after it. */
        SIGABRT, SIGQUIT, SIGHUP, SIGINT, SIGTERM,
    };

#ifdef RHEA_SANITIZE
    /* The sanitizers report crashes themselves; a handler of ours would hide the report. */
    __sanitizer_set_death_callback(os_terminal_restore);
#endif
    for (size_t i = 0; i < ARRAY_LEN(fatal); i++) {
        handle(fatal[i], crash);
    }
    handle(SIGTSTP, suspend);
    handle(SIGCONT, resume);
    atexit(os_terminal_restore);
}
