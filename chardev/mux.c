/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The multiplexer: several front ends on one device. All of them write to it;
 * what is typed goes to the one that has the focus. An escape character
 * (Ctrl-A, or -echr) followed by a letter speaks to the multiplexer itself.
 *
 * Input is queued per front end, so that the escapes still work while a guest
 * does not read what was typed.
 */
#include <string.h>
#include "chardev/backend.h"

static void mux_say(Chardev *d, const char *text)
{
    pthread_mutex_lock(&d->lock);
    chardev_put(d, (const uint8_t *)text, strlen(text), SIZE_MAX);
    pthread_mutex_unlock(&d->lock);
}

static void mux_help(Chardev *d)
{
    uint8_t ch = d->set->escape;
    g_autofree char *key = ch >= 1 && ch <= 26 ? g_strdup_printf("Ctrl-%c", 'A' + ch - 1)
                                               : g_strdup_printf("0x%02x", ch);
    g_autofree char *text =
        g_strdup_printf("\r\nKeys of this console, each after %s:\r\n"
                        "  h, ?  this help\r\n"
                        "  c     go to the next of: guest console, monitor\r\n"
                        "  x     end the emulator\r\n"
                        "  b     send a break to the guest (Magic SysRq on Linux)\r\n"
                        "  t     time stamps at the start of lines, on or off\r\n"
                        "  %s  send %s itself\r\n",
                        key, key, key);
    mux_say(d, text);
}

static void mux_next(Chardev *d)
{
    guint n = d->ports->len, at = 0;
    CharPort *old = d->focus, *new = NULL;

    while (at < n && d->ports->pdata[at] != old) {
        at++;
    }
    for (guint i = 1; i <= n && !new; i++) {
        CharPort *p = d->ports->pdata[(at + i) % n];
        new = p->ops ? p : NULL;
    }
    if (!new || new == old) {
        return;
    }
    d->focus = new;
    if (old && old->focused) {
        old->focused = false;
        port_event(old, CHAR_EVENT_FOCUS_OUT);
    }
    new->focused = true;
    port_event(new, CHAR_EVENT_FOCUS_IN);
}

static void mux_toggle_stamps(Chardev *d)
{
    pthread_mutex_lock(&d->lock);
    d->mux.timestamps = !d->mux.timestamps;
    d->mux.stamp_zero = loop_now_ns();
    d->mux.line_start = false;
    pthread_mutex_unlock(&d->lock);
}

static void mux_quit(Chardev *d)
{
    mux_say(d, "\r\nrhea: terminated from the console\r\n");
    if (d->set->quit) {
        d->set->quit(d->set->quit_opaque);
    }
}

static void mux_key(Chardev *d, uint8_t c)
{
    if (c == d->set->escape) {
        if (d->focus) {
            g_byte_array_append(d->focus->in, &c, 1);
        }
        return;
    }
    switch (c) {
    case 'h':
    case '?':
        mux_help(d);
        break;
    case 'c':
        mux_next(d);
        break;
    case 'x':
        mux_quit(d);
        break;
    case 'b':
        if (d->focus) {
            port_event(d->focus, CHAR_EVENT_BREAK);
        }
        break;
    case 't':
        mux_toggle_stamps(d);
        break;
    }
}

void mux_input(Chardev *d, const uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (d->mux.escaped) {
            d->mux.escaped = false;
            mux_key(d, buf[i]);
        } else if (buf[i] == d->set->escape && d->set->escape) {
            d->mux.escaped = true;
        } else if (d->focus) {
            g_byte_array_append(d->focus->in, buf + i, 1);
        }
    }
}

size_t mux_write(CharPort *p, const uint8_t *buf, size_t len, size_t limit)
{
    Chardev *d = p->dev;
    size_t done = 0;

    if (!d->mux.timestamps) {
        return chardev_put(d, buf, len, limit);
    }
    while (done < len) {
        const uint8_t *nl = memchr(buf + done, '\n', len - done);
        size_t run = nl ? nl + 1 - (buf + done) : len - done;

        if (d->mux.line_start) {
            int64_t ms = (loop_now_ns() - d->mux.stamp_zero) / 1000000;
            char stamp[40];
            int n = g_snprintf(stamp, sizeof(stamp), "[%02d:%02d:%02d.%03d] ", (int)(ms / 3600000),
                               (int)(ms / 60000 % 60), (int)(ms / 1000 % 60), (int)(ms % 1000));
            chardev_put(d, (const uint8_t *)stamp, n, SIZE_MAX);
            d->mux.line_start = false;
        }
        size_t n = chardev_put(d, buf + done, run, limit);
        done += n;
        if (n < run) {
            break;
        }
        d->mux.line_start = nl != NULL;
    }
    return done;
}
