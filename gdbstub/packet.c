/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets (gdb's manual, E.1): $data#sum, acknowledged with + or -, until both sides agree not to (E.11). A byte 3
 * outside of packets interrupts. Anything else outside is passed over.
 */
#include <string.h>

#include "gdbstub/internal.h"

void gdb_packet_init(GdbStub *g)
{
    g->in = g_byte_array_new();
    g->reply = g_byte_array_new();
}

void gdb_packet_fini(GdbStub *g)
{
    g_byte_array_unref(g->in);
    g_byte_array_unref(g->reply);
}

void gdb_packet_reset(GdbStub *g)
{
    g->input = GDB_IDLE;
    g->no_ack = false;
    g_byte_array_set_size(g->reply, 0);
}

/* ---- out ---- */

static void send_again(GdbStub *g)
{
    if (g->port && g->reply->len) {
        char_write_all(g->port, g->reply->data, g->reply->len);
    }
}

void gdb_put(GdbStub *g, const char *data, size_t len)
{
    uint8_t sum = 0;
    char tail[4];

    g_byte_array_set_size(g->reply, 0);
    g_byte_array_append(g->reply, (const uint8_t *)"$", 1);
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)data[i], escaped[2] = {'}', c ^ 0x20};
        bool special = c && strchr("#$}*", c);
        g_byte_array_append(g->reply, special ? escaped : &c, special ? 2 : 1);
        sum += special ? escaped[0] + escaped[1] : c;
    }
    g_snprintf(tail, sizeof(tail), "#%02x", sum);
    g_byte_array_append(g->reply, (const uint8_t *)tail, 3);
    send_again(g);
}

void gdb_puts(GdbStub *g, const char *text)
{
    gdb_put(g, text, strlen(text));
}

void gdb_ok(GdbStub *g)
{
    gdb_puts(g, "OK");
}

void gdb_error(GdbStub *g, unsigned number)
{
    char text[4];

    g_snprintf(text, sizeof(text), "E%02u", number);
    gdb_puts(g, text);
}

void gdb_error_text(GdbStub *g, Error *err)
{
    g_autofree char *why = error_describe(err);
    g_autofree char *text = g_strdup_printf("E.%s", why);

    gdb_puts(g, text);
    error_free(err);
}

void gdb_hex(GString *out, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        g_string_append_printf(out, "%02x", data[i]);
    }
}

bool gdb_unhex(const char *text, size_t text_len, uint8_t *data, size_t len)
{
    if (text_len != 2 * len) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        int high = g_ascii_xdigit_value(text[2 * i]), low = g_ascii_xdigit_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        data[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* ---- in ---- */

static void acknowledge(GdbStub *g, bool good)
{
    if (!g->no_ack && g->port) {
        char_write_all(g->port, (const uint8_t *)(good ? "+" : "-"), 1);
    }
}

static void packet_done(GdbStub *g)
{
    g->input = GDB_IDLE;
    if (g->want != g->sum) {
        acknowledge(g, false);
        return;
    }
    acknowledge(g, true);
    if (g->too_long) {
        gdb_error(g, 22);
        return;
    }
    size_t len = g->in->len;
    g_byte_array_append(g->in, (const uint8_t *)"", 1);
    g->busy++;
    gdb_command(g, (char *)g->in->data, len);
    g->busy--;
}

static void idle(GdbStub *g, uint8_t c)
{
    switch (c) {
    case '$':
        gdb_interrupt(g); /* commands are for a machine that stands still */
        g_byte_array_set_size(g->in, 0);
        g->sum = 0;
        g->too_long = false;
        g->input = GDB_DATA;
        break;
    case 3:
        gdb_interrupt(g);
        break;
    case '-':
        send_again(g);
        break;
    default:
        break;
    }
}

static void add(GdbStub *g, uint8_t c)
{
    if (g->in->len >= GDB_PACKET_MAX) {
        g->too_long = true;
    } else {
        g_byte_array_append(g->in, &c, 1);
    }
}

static void data(GdbStub *g, uint8_t c)
{
    if (c == '#') {
        g->input = GDB_SUM1;
        return;
    }
    g->sum += c;
    if (c == '}') {
        g->input = GDB_ESCAPED;
    } else {
        add(g, c);
    }
}

static void checksum(GdbStub *g, uint8_t c)
{
    int digit = g_ascii_xdigit_value((char)c);

    if (digit < 0) {
        g->input = GDB_IDLE;
        acknowledge(g, false);
    } else if (g->input == GDB_SUM1) {
        g->want = (uint8_t)(digit << 4);
        g->input = GDB_SUM2;
    } else {
        g->want |= (uint8_t)digit;
        packet_done(g);
    }
}

void gdb_receive(GdbStub *g, const uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        switch (g->input) {
        case GDB_IDLE:
            idle(g, buf[i]);
            break;
        case GDB_DATA:
            data(g, buf[i]);
            break;
        case GDB_ESCAPED:
            g->sum += buf[i];
            add(g, buf[i] ^ 0x20);
            g->input = GDB_DATA;
            break;
        default:
            checksum(g, buf[i]);
            break;
        }
    }
}
