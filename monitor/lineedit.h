/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line editor for a terminal at the other end of a wire: cursor keys,
 * history, completion. It knows ANSI sequences and UTF-8, nothing of monitors.
 */
#ifndef MONITOR_LINEEDIT_H
#define MONITOR_LINEEDIT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct LineEdit {
    GString *line;
    size_t cursor;      /* byte offset in line */
    GPtrArray *history; /* char *, oldest first */
    guint at;           /* the history entry shown; history->len = the new line */
    char *fresh;        /* the new line while an old one is shown */
    char escape[8];     /* bytes of an unfinished escape sequence after ESC */
    int escape_len;     /* -1 = none */
    bool after_cr;
    const char *prompt;
    void (*output)(void *opaque, const char *text, size_t len);
    void (*execute)(void *opaque, const char *line);
    char **(*complete)(void *opaque,
                       const char *head); /* candidates for its last word; g_strfreev */
    void *opaque;
} LineEdit;

#define LINEEDIT_MAX     4095 /* bytes of a line */
#define LINEEDIT_HISTORY 64

void lineedit_init(LineEdit *e);
void lineedit_fini(LineEdit *e);
/* Shows the prompt and the line so far. */
void lineedit_show(LineEdit *e);
/* One byte from the terminal. */
void lineedit_key(LineEdit *e, uint8_t c);
/* Forget the line (a new peer). */
void lineedit_reset(LineEdit *e);

#endif
