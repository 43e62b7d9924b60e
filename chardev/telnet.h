/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The little of the telnet protocol (RFC 854) that a console server needs:
 * character mode, eight bits, and the protocol's own bytes kept out of the data.
 */
#ifndef CHARDEV_TELNET_H
#define CHARDEV_TELNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct TelnetIn {
    uint8_t state;
    bool after_cr, brk; /* brk: the peer sent a break; the caller clears it */
} TelnetIn;

/* What a server says first: it echoes, no line mode, binary both ways. */
extern const uint8_t telnet_hello[];
extern const size_t telnet_hello_len;
/* Takes the protocol out of received bytes, in place; the new length. */
size_t telnet_filter(TelnetIn *t, uint8_t *buf, size_t len);

#endif
