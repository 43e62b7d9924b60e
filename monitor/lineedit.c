/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include "monitor/lineedit.h"

#define CTRL(c) ((c)&0x1f)

static void put(LineEdit *e, const char *text)
{
    e->output(e->opaque, text, strlen(text));
}

static bool continues(char c)
{
    return (c & 0xc0) == 0x80;
}

static size_t columns(const char *s, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        n += !continues(s[i]);
    }
    return n;
}

static size_t char_before(const LineEdit *e, size_t at)
{
    do {
        at--;
    } while (at > 0 && continues(e->line->str[at]));
    return at;
}

static size_t char_after(const LineEdit *e, size_t at)
{
    do {
        at++;
    } while (at < e->line->len && continues(e->line->str[at]));
    return at;
}

static void redraw(LineEdit *e)
{
    g_autofree char *back = NULL;
    size_t behind = columns(e->line->str + e->cursor, e->line->len - e->cursor);

    put(e, "\r");
    put(e, e->prompt);
    e->output(e->opaque, e->line->str, e->line->len);
    put(e, "\033[K");
    if (behind) {
        back = g_strdup_printf("\033[%zuD", behind);
        put(e, back);
    }
}

void lineedit_show(LineEdit *e)
{
    put(e, e->prompt);
    if (e->line->len) {
        redraw(e);
    }
}

static void set_line(LineEdit *e, const char *text)
{
    g_string_assign(e->line, text);
    e->cursor = e->line->len;
    redraw(e);
}

static void insert(LineEdit *e, const char *text, size_t len)
{
    if (e->line->len + len > LINEEDIT_MAX) {
        put(e, "\a");
        return;
    }
    g_string_insert_len(e->line, e->cursor, text, len);
    e->cursor += len;
    if (e->cursor == e->line->len) {
        e->output(e->opaque, text, len);
    } else {
        redraw(e);
    }
}

static void erase(LineEdit *e, size_t from, size_t to)
{
    if (from < to) {
        g_string_erase(e->line, from, to - from);
        e->cursor = from;
        redraw(e);
    }
}

static size_t word_start(const LineEdit *e)
{
    size_t at = e->cursor;

    while (at > 0 && e->line->str[at - 1] == ' ') {
        at--;
    }
    while (at > 0 && e->line->str[at - 1] != ' ') {
        at--;
    }
    return at;
}

/* ---- history ---- */

static void remember(LineEdit *e)
{
    guint n = e->history->len;

    if (!e->line->len || (n && !strcmp(e->history->pdata[n - 1], e->line->str))) {
        return;
    }
    if (n == LINEEDIT_HISTORY) {
        g_ptr_array_remove_index(e->history, 0);
    }
    g_ptr_array_add(e->history, g_strdup(e->line->str));
}

static void recall(LineEdit *e, int step)
{
    if ((step < 0 && e->at == 0) || (step > 0 && e->at == e->history->len)) {
        return;
    }
    if (e->at == e->history->len) {
        g_free(e->fresh);
        e->fresh = g_strdup(e->line->str);
    }
    e->at += step;
    set_line(e, e->at == e->history->len ? e->fresh : e->history->pdata[e->at]);
}

static void enter(LineEdit *e)
{
    g_autofree char *line = g_strdup(e->line->str);

    put(e, "\n");
    remember(e);
    lineedit_reset(e);
    e->execute(e->opaque, line);
}

/* ---- completion ---- */

static size_t common_prefix(char **words)
{
    size_t n = strlen(words[0]);

    for (char **w = words + 1; *w; w++) {
        size_t i = 0;
        while (i < n && (*w)[i] == words[0][i]) {
            i++;
        }
        n = i;
    }
    return n;
}

static void list_candidates(LineEdit *e, char **words)
{
    size_t width = 0, column = 0;

    for (char **w = words; *w; w++) {
        width = MAX(width, strlen(*w) + 2);
    }
    put(e, "\n");
    for (char **w = words; *w; w++) {
        g_autofree char *cell = g_strdup_printf("%-*s", (int)width, *w);
        put(e, cell);
        column += width;
        if (column + width > 80 || !w[1]) {
            put(e, "\n");
            column = 0;
        }
    }
    redraw(e);
}

static void complete(LineEdit *e)
{
    g_autofree char *head = g_strndup(e->line->str, e->cursor);
    const char *space = strrchr(head, ' '), *word = space ? space + 1 : head;
    g_auto(GStrv) words = e->complete ? e->complete(e->opaque, head) : NULL;

    if (!words || !words[0]) {
        return;
    }
    size_t typed = strlen(word), common = common_prefix(words);
    if (common > typed) {
        insert(e, words[0] + typed, common - typed);
    }
    if (!words[1]) {
        insert(e, " ", 1);
    } else if (common <= typed) {
        list_candidates(e, words);
    }
}

/* ---- keys ---- */

static void control_key(LineEdit *e, uint8_t c)
{
    switch (c) {
    case CTRL('A'):
        e->cursor = 0;
        redraw(e);
        break;
    case CTRL('E'):
        e->cursor = e->line->len;
        redraw(e);
        break;
    case CTRL('B'):
        e->cursor = e->cursor ? char_before(e, e->cursor) : 0;
        redraw(e);
        break;
    case CTRL('F'):
        e->cursor = e->cursor < e->line->len ? char_after(e, e->cursor) : e->cursor;
        redraw(e);
        break;
    case CTRL('D'):
        erase(e, e->cursor, e->cursor < e->line->len ? char_after(e, e->cursor) : e->cursor);
        break;
    case CTRL('H'):
    case 127:
        erase(e, e->cursor ? char_before(e, e->cursor) : 0, e->cursor);
        break;
    case CTRL('K'):
        erase(e, e->cursor, e->line->len);
        break;
    case CTRL('U'):
        erase(e, 0, e->cursor);
        break;
    case CTRL('W'):
        erase(e, word_start(e), e->cursor);
        break;
    case CTRL('P'):
        recall(e, -1);
        break;
    case CTRL('N'):
        recall(e, 1);
        break;
    case CTRL('L'):
        put(e, "\033[2J\033[H");
        redraw(e);
        break;
    case CTRL('C'):
        put(e, "^C\n");
        lineedit_reset(e);
        lineedit_show(e);
        break;
    case '\t':
        complete(e);
        break;
    }
}

/* A whole sequence without its ESC: "[A", "OH", "[3~". */
static void escape_key(LineEdit *e, const char *seq)
{
    static const struct {
        const char *seq;
        uint8_t key;
    } keys[] = {
        {"[A", CTRL('P')},  {"[B", CTRL('N')},  {"[C", CTRL('F')},  {"[D", CTRL('B')},
        {"OA", CTRL('P')},  {"OB", CTRL('N')},  {"OC", CTRL('F')},  {"OD", CTRL('B')},
        {"[H", CTRL('A')},  {"[F", CTRL('E')},  {"OH", CTRL('A')},  {"OF", CTRL('E')},
        {"[1~", CTRL('A')}, {"[4~", CTRL('E')}, {"[7~", CTRL('A')}, {"[8~", CTRL('E')},
        {"[3~", CTRL('D')},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        if (!strcmp(keys[i].seq, seq)) {
            control_key(e, keys[i].key);
        }
    }
}

/* A sequence too long for us is swallowed to its end. */
static void in_escape(LineEdit *e, uint8_t c)
{
    int n = e->escape_len;
    bool more = n == 0 ? c == '[' || c == 'O' : c < 0x40;

    if (c < 0x20) {
        e->escape_len = -1;
        return;
    }
    if (n + 1 < (int)sizeof(e->escape)) {
        e->escape[n] = c;
        e->escape[n + 1] = 0;
        e->escape_len = n + 1;
    } else {
        e->escape[0] = 0;
    }
    if (!more) {
        e->escape_len = -1;
        escape_key(e, e->escape);
    }
}

void lineedit_key(LineEdit *e, uint8_t c)
{
    bool cr = e->after_cr;

    e->after_cr = c == '\r';
    if (e->escape_len >= 0) {
        in_escape(e, c);
    } else if (c == '\033') {
        e->escape_len = 0;
    } else if (c == '\r' || c == '\n') {
        if (!(c == '\n' && cr)) {
            enter(e);
        }
    } else if (c < 0x20 || c == 127) {
        control_key(e, c);
    } else {
        insert(e, (char *)&c, 1);
    }
}

void lineedit_reset(LineEdit *e)
{
    g_string_truncate(e->line, 0);
    e->cursor = 0;
    e->at = e->history->len;
    e->escape_len = -1;
}

void lineedit_init(LineEdit *e)
{
    e->line = g_string_new(NULL);
    e->history = g_ptr_array_new_with_free_func(g_free);
    lineedit_reset(e);
}

void lineedit_fini(LineEdit *e)
{
    g_string_free(e->line, TRUE);
    g_ptr_array_free(e->history, TRUE);
    g_free(e->fresh);
}
