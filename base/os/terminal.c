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
    volatile sig_atomic_t raw;
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
    term.raw = 1;
    if (tcsetattr(fd, TCSANOW, &now) < 0) {
        error_set_errno(errp, errno, "cannot change the terminal's settings");
        return false;
    }
    return true;
}

void os_terminal_restore(void)
{
    if (term.raw) {
        int err = errno;
        term.raw = 0;
        tcsetattr(term.fd, TCSANOW, &term.before);
        errno = err;
    }
}

/* Restores and dies of the same signal. */
static void crash(int sig)
{
    os_terminal_restore();
    signal(sig, SIG_DFL);
    raise(sig);
}

/* Ctrl-Z from outside: the shell gets its terminal back, and we ours on SIGCONT. */
static void suspend(int sig)
{
    int err = errno;
    bool raw = term.raw;

    os_terminal_restore();
    raise(SIGSTOP);
    if (raw) {
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
        SIGSEGV, SIGBUS,  SIGILL, SIGFPE,
#endif
        SIGABRT, SIGQUIT, SIGHUP,
    };

#ifdef RHEA_SANITIZE
    /* The sanitizers report crashes themselves; a handler of ours would hide the report. */
    __sanitizer_set_death_callback(os_terminal_restore);
#endif
    for (size_t i = 0; i < ARRAY_LEN(fatal); i++) {
        handle(fatal[i], crash);
    }
    handle(SIGTSTP, suspend);
    atexit(os_terminal_restore);
}
