/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options and operands by a command's table, its help, messages and progress.
 *
 * The words are read as getopt_long() reads them: options and operands in any order, short ones
 * in groups, "--name=value" or two words, "--" ends the options.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/suggest.h"
#include "base/units.h"
#include "tools/rhea-img.h"

typedef struct Seen {
    int code;
    const char *value;
} Seen;

int img_fail(int status, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    fflush(stdout);
    error_report_text("%s", text);
    return status;
}

int img_failed(int status, Error *err)
{
    fflush(stdout);
    error_report(err);
    error_free(err);
    return status;
}

void img_say(const ImgArgs *a, const char *fmt, ...)
{
    va_list ap;

    if (!a->quiet) {
        va_start(ap, fmt);
        vprintf(fmt, ap);
        va_end(ap);
    }
}

/* ---- help ---- */

void img_print_usage(const ImgCommand *c)
{
    printf("usage: rhea-img %s [OPTION...] %s\n%s\n\n", c->name, c->operands, c->help);
    for (const ImgOpt *o = c->opts; o->code; o++) {
        g_autofree char *letter = o->code < 256 ? g_strdup_printf("-%c", o->code) : g_strdup("  ");
        const char *arg = o->arg ? o->arg : "";
        g_autofree char *left =
            o->name ? g_strdup_printf("%s%s --%s%s%s", letter, o->code < 256 ? "," : " ", o->name,
                                      o->arg ? " " : "", arg)
                    : g_strdup_printf("%s %s", letter, arg);
        printf("  %-30s %s\n", left, o->help);
    }
}

/* ---- parsing ---- */

/* Options of qemu-img that are refused by name: what they are for does not exist here. */
static const char *known_but_missing(const char *name)
{
    if (!strcmp(name, "object")) {
        return "there are no encrypted images or other users of objects";
    }
    if (!strcmp(name, "bitmaps") || !strcmp(name, "skip-broken-bitmaps")) {
        return "dirty bitmaps are not copied";
    }
    return NULL;
}

static bool usage_error(const ImgArgs *a, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
static bool usage_error(const ImgArgs *a, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_autofree char *text = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    error_report_text("%s; try 'rhea-img %s --help'", text, a->cmd->name);
    return false;
}

static void saw(ImgArgs *a, int code, const char *value)
{
    Seen s = {code, value};

    g_array_append_val(a->seen, s);
}

static bool unknown_long(ImgArgs *a, const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const char *why = known_but_missing(name);

    if (why) {
        error_report_text("%s: option '--%s' is not supported: %s", a->cmd->name, name, why);
        return false;
    }
    for (const ImgOpt *o = a->cmd->opts; o->code; o++) {
        if (o->name) {
            g_ptr_array_add(names, (char *)o->name);
        }
    }
    g_ptr_array_add(names, NULL);
    const char *near = suggest_name(name, (const char *const *)names->pdata);
    if (near) {
        error_report_text("unrecognized option '--%s'; did you mean '--%s'?", name, near);
        return false;
    }
    return usage_error(a, "unrecognized option '--%s'", name);
}

/* "--name=value" or "--name value"; *i is moved over what was used. */
static bool parse_long(ImgArgs *a, int argc, char **argv, int *i)
{
    const char *text = argv[*i] + 2;
    size_t len = strcspn(text, "=");
    g_autofree char *name = g_strndup(text, len);

    for (const ImgOpt *o = a->cmd->opts; o->code; o++) {
        if (!o->name || strcmp(o->name, name)) {
            continue;
        }
        if (!o->arg) {
            saw(a, o->code, NULL);
            return !text[len] || usage_error(a, "option '--%s' takes no value", name);
        }
        if (text[len]) {
            saw(a, o->code, text + len + 1);
            return true;
        }
        if (*i + 1 >= argc) {
            return usage_error(a, "option '--%s' needs a value", name);
        }
        saw(a, o->code, argv[++*i]);
        return true;
    }
    return unknown_long(a, name);
}

static bool parse_short(ImgArgs *a, int argc, char **argv, int *i)
{
    for (const char *p = argv[*i] + 1; *p; p++) {
        const ImgOpt *o = a->cmd->opts;
        while (o->code && o->code != *p) {
            o++;
        }
        if (*p == 'h' && !o->code) {
            saw(a, IMG_HELP, NULL);
            continue;
        }
        if (!o->code) {
            return usage_error(a, "unrecognized option '-%c'", *p);
        }
        if (!o->arg) {
            saw(a, o->code, NULL);
            continue;
        }
        if (!p[1] && *i + 1 >= argc) {
            return usage_error(a, "option '-%c' needs a value", *p);
        }
        saw(a, o->code, p[1] ? p + 1 : argv[++*i]);
        return true;
    }
    return true;
}

static bool parse_word(ImgArgs *a, int argc, char **argv, int *i, bool *only_operands)
{
    const char *w = argv[*i];

    if (!*only_operands && !strcmp(w, "--")) {
        *only_operands = true;
        return true;
    }
    bool size = a->cmd->keeps_signs && *i == argc - 1 && w[0] == '-' && g_ascii_isdigit(w[1]);
    if (*only_operands || w[0] != '-' || !w[1] || size) {
        g_ptr_array_add(a->files, argv[*i]);
        return true;
    }
    return w[1] == '-' ? parse_long(a, argc, argv, i) : parse_short(a, argc, argv, i);
}

bool img_parse(ImgArgs *a, int argc, char **argv, int *status)
{
    bool only_operands = false;

    a->seen = g_array_new(false, false, sizeof(Seen));
    a->files = g_ptr_array_new();
    for (int i = 0; i < argc; i++) {
        if (!parse_word(a, argc, argv, &i, &only_operands)) {
            *status = a->cmd->error_status ? a->cmd->error_status : 1;
            return false;
        }
    }
    if (img_has(a, IMG_HELP)) {
        img_print_usage(a->cmd);
        *status = 0;
        return false;
    }
    a->quiet = img_has(a, 'q');
    return true;
}

bool img_has(const ImgArgs *a, int code)
{
    for (guint i = 0; i < a->seen->len; i++) {
        if (g_array_index(a->seen, Seen, i).code == code) {
            return true;
        }
    }
    return false;
}

const char *img_arg(const ImgArgs *a, int code)
{
    for (guint i = a->seen->len; i-- > 0;) {
        const Seen *s = &g_array_index(a->seen, Seen, i);
        if (s->code == code) {
            return s->value;
        }
    }
    return NULL;
}

char *img_arg_joined(const ImgArgs *a, int code)
{
    g_autoptr(GString) all = g_string_new(NULL);

    for (guint i = 0; i < a->seen->len; i++) {
        const Seen *s = &g_array_index(a->seen, Seen, i);
        if (s->code == code) {
            g_string_append_printf(all, "%s%s", all->len ? "," : "", s->value);
        }
    }
    return all->len ? g_strdup(all->str) : NULL;
}

bool img_operands(ImgArgs *a, guint min, guint max, const char *expected)
{
    if (a->files->len < min) {
        return usage_error(a, "%s", expected);
    }
    if (a->files->len > max) {
        return usage_error(a, "Unexpected argument: %s", (char *)a->files->pdata[max]);
    }
    return true;
}

const char *img_file(const ImgArgs *a, guint n)
{
    return n < a->files->len ? a->files->pdata[n] : NULL;
}

bool img_size(const char *text, const char *what, uint64_t *out)
{
    uint64_t v;

    if (!text) {
        return true;
    }
    if (!parse_size(text, 'B', &v, NULL) || v > INT64_MAX) {
        error_report_text("Invalid %s specified: '%s'. You may use k, M, G, T, P or E suffixes for "
                          "kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.",
                          what, text);
        return false;
    }
    *out = v;
    return true;
}

bool img_size_arg(const ImgArgs *a, int code, const char *what, uint64_t *out)
{
    return img_size(img_arg(a, code), what, out);
}

bool img_number_arg(const ImgArgs *a, int code, const char *what, uint64_t min, uint64_t max,
                    uint64_t *out)
{
    const char *text = img_arg(a, code);

    if (!text) {
        return true;
    }
    if (!parse_u64(text, out, NULL) || *out < min || *out > max) {
        error_report_text("Invalid %s specified: '%s' is not a number from %" G_GUINT64_FORMAT
                          " to %" G_GUINT64_FORMAT, what, text, min, max);
        return false;
    }
    return true;
}

bool img_output(const ImgArgs *a, bool *json)
{
    const char *text = img_arg(a, IMG_OUTPUT);

    *json = text && !strcmp(text, "json");
    if (text && !*json && strcmp(text, "human")) {
        error_report_text("--output must be used with human or json as argument.");
        return false;
    }
    return true;
}

/* ---- progress ---- */

#define BAR_WIDTH    40
#define BAR_AFTER_US 500000 /* quick things show none */
#define BAR_EVERY_US 50000

void img_progress_start(ImgArgs *a, bool wanted)
{
    ImgProgress *p = &a->progress;
    sigset_t usr1;

    /* Asked for by signal, as with dd: see img_progress(). */
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    g_mutex_init(&p->lock);
    p->on = wanted && !a->quiet;
    p->bar = !p->on && !a->quiet && isatty(STDERR_FILENO);
    p->start_us = g_get_monotonic_time();
    p->last = -1;
    img_progress(a, 0);
}

static bool asked_by_signal(void)
{
    const struct timespec now = {0};
    sigset_t usr1;

    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    return sigtimedwait(&usr1, NULL, &now) == SIGUSR1;
}

static void draw_bar(ImgProgress *p, int64_t now_us)
{
    char bar[BAR_WIDTH + 1];
    int full = (int)(p->now * BAR_WIDTH);

    if (now_us - p->start_us < BAR_AFTER_US || now_us - p->drawn_us < BAR_EVERY_US) {
        return;
    }
    memset(bar, ' ', BAR_WIDTH);
    memset(bar, '=', (size_t)full);
    bar[BAR_WIDTH] = 0;
    p->drawn_us = now_us;
    p->shown = true;
    fprintf(stderr, "\r[%s] %5.1f %%", bar, p->now * 100);
}

void img_progress(ImgArgs *a, double fraction)
{
    ImgProgress *p = &a->progress;

    g_mutex_lock(&p->lock);
    p->now = CLAMP(fraction, 0, 1);
    if (p->on) {
        if (p->now - p->last >= 0.01 || p->last < 0 || (p->now >= 1 && p->last < 1)) {
            printf("    (%3.2f/100%%)\r", p->now * 100);
            fflush(stdout);
            p->last = p->now;
        }
    } else if (p->bar) {
        draw_bar(p, g_get_monotonic_time());
    }
    if (!p->on && asked_by_signal()) {
        fprintf(stderr, "    (%3.2f/100%%)\n", p->now * 100);
    }
    g_mutex_unlock(&p->lock);
}

void img_progress_end(ImgArgs *a)
{
    ImgProgress *p = &a->progress;

    if (p->on) {
        printf("\n");
        fflush(stdout);
    } else if (p->shown) {
        fprintf(stderr, "\r%*s\r", BAR_WIDTH + 12, "");
    }
    g_mutex_clear(&p->lock);
}
