/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include "monitor/framer.h"

void framer_init(Framer *f, void (*message)(void *opaque, const char *text, size_t len),
                 void (*error)(void *opaque, const char *why), void *opaque)
{
    *f = (Framer){.text = g_string_new(NULL), .message = message, .error = error, .opaque = opaque};
}

void framer_fini(Framer *f)
{
    g_string_free(f->text, TRUE);
}

void framer_reset(Framer *f)
{
    if (f->text->allocated_len > 65536) {
        g_string_free(f->text, TRUE);
        f->text = g_string_new(NULL);
    }
    g_string_truncate(f->text, 0);
    f->depth = 0;
    f->quote = 0;
    f->escaped = f->word = f->lost = false;
}

static void fail(Framer *f, const char *why, bool lost)
{
    framer_reset(f);
    f->lost = lost;
    f->error(f->opaque, why);
}

static void complete(Framer *f)
{
    GString *text = f->text;

    f->text = g_string_new(NULL);
    framer_reset(f);
    f->message(f->opaque, text->str, text->len);
    g_string_free(text, TRUE);
}

static bool ends_line(uint8_t c)
{
    return (c < 0x20 && c != '\t') || c >= 0xfe;
}

/* In a string. Single quotes become double ones, which is all that the parser knows. */
static void in_string(Framer *f, uint8_t c)
{
    if (c < 0x20 || c >= 0xfe) {
        fail(f, "JSON: a control character in a string", !ends_line(c));
        return;
    }
    if (f->escaped) {
        f->escaped = false;
        if (c != '\'') {
            g_string_append_c(f->text, '\\');
        }
        g_string_append_c(f->text, c);
    } else if (c == '\\') {
        f->escaped = true;
    } else if (c == f->quote) {
        f->quote = 0;
        g_string_append_c(f->text, '"');
        if (!f->depth) {
            complete(f);
        }
    } else if (c == '"') {
        g_string_append(f->text, "\\\"");
    } else {
        g_string_append_c(f->text, c);
    }
}

static void in_structure(Framer *f, uint8_t c)
{
    if (ends_line(c) && c != '\n' && c != '\r') {
        fail(f, "JSON: a byte that cannot be in a text", false);
        return;
    }
    if (c == '"' || c == '\'') {
        f->quote = c;
        g_string_append_c(f->text, '"');
        return;
    }
    g_string_append_c(f->text, c);
    if (c == '{' || c == '[') {
        if (++f->depth > FRAMER_DEPTH_MAX) {
            fail(f, "JSON: nested too deeply", true);
        }
    } else if ((c == '}' || c == ']') && --f->depth == 0) {
        complete(f);
    }
}

/* Between texts: white space, the start of one, or a stray word such as `true` or junk. */
static void outside(Framer *f, uint8_t c)
{
    bool start = c == '{' || c == '[' || c == '"' || c == '\'';
    bool space = c == ' ' || c == '\t' || ends_line(c);

    if (f->word && (start || space)) {
        f->word = false;
        fail(f, "JSON: a request is an object, {...}", false);
    }
    if (start) {
        in_structure(f, c);
    } else if (!space) {
        f->word = true;
    } else if (c != ' ' && !g_ascii_isspace(c)) {
        fail(f, "JSON: a byte that cannot be in a text", false);
    }
}

void framer_feed(Framer *f, const uint8_t *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (f->lost) {
            f->lost = !ends_line(buf[i]);
        } else if (f->quote) {
            in_string(f, buf[i]);
        } else if (f->depth) {
            in_structure(f, buf[i]);
        } else {
            outside(f, buf[i]);
        }
        if (f->text->len > FRAMER_TEXT_MAX) {
            fail(f, "JSON: the request is too long", true);
        }
    }
}
