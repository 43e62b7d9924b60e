/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "chardev/telnet.h"

enum { SE = 240, BRK = 243, SB = 250, WILL = 251, DO = 253, DONT = 254, IAC = 255 };
enum { OPT_BINARY = 0, OPT_ECHO = 1, OPT_SUPPRESS_GO_AHEAD = 3 };
enum { T_DATA, T_IAC, T_OPTION, T_SUB, T_SUB_IAC };

const uint8_t telnet_hello[] = {
    IAC, WILL, OPT_ECHO,   IAC, WILL, OPT_SUPPRESS_GO_AHEAD,
    IAC, WILL, OPT_BINARY, IAC, DO,   OPT_BINARY,
};
const size_t telnet_hello_len = sizeof(telnet_hello);

/* One byte; whether it is data. */
static bool telnet_step(TelnetIn *t, uint8_t c)
{
    bool cr = t->after_cr;

    t->after_cr = false;
    switch (t->state) {
    case T_IAC:
        t->state = c == SB ? T_SUB : c >= WILL && c <= DONT ? T_OPTION : T_DATA;
        t->brk |= c == BRK;
        return c == IAC;
    case T_OPTION:
        t->state = T_DATA;
        return false;
    case T_SUB:
        t->state = c == IAC ? T_SUB_IAC : T_SUB;
        return false;
    case T_SUB_IAC:
        t->state = c == SE ? T_DATA : T_SUB;
        return false;
    default:
        if (c == IAC) {
            t->state = T_IAC;
            return false;
        }
        t->after_cr = c == '\r';
        return !(cr && c == 0);
    }
}

size_t telnet_filter(TelnetIn *t, uint8_t *buf, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        if (telnet_step(t, buf[i])) {
            buf[n++] = buf[i];
        }
    }
    return n;
}
