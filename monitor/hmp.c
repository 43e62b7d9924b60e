/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The human monitor: a line editor in front of the schema's commands. The
 * prompt is QEMU's, because scripts wait for it.
 */
#include <string.h>
#include "config-host.h"
#include "monitor/lineedit.h"
#include "monitor/monitor.h"
#include "monitor/session.h"

typedef struct Hmp {
    MonitorSession s;
    LineEdit edit;
    bool greeted;
} Hmp;

/* Text for a terminal: lines end in CR LF. */
static void hmp_put(void *opaque, const char *text, size_t len)
{
    Hmp *h = opaque;

    while (len) {
        const char *nl = memchr(text, '\n', len);
        size_t n = nl ? (size_t)(nl - text) : len;
        char_write_all(h->s.port, (const uint8_t *)text, n);
        if (nl) {
            char_write_all(h->s.port, (const uint8_t *)"\r\n", 2);
            n++;
        }
        text += n;
        len -= n;
    }
}

GString *monitor_run_hmp(Machine *m, CharPort *port, int *cpu, const char *line)
{
    MonitorSession s = SESSION_INIT(m, port);
    CmdContext ctx = {m, &s};
    GString *out = g_string_new(NULL);
    g_autoptr(Error) err = NULL;

    s.cpu = *cpu;
    if (!hmp_execute(&ctx, line, out, &err)) {
        g_autofree char *text = error_describe(err);
        g_string_append_printf(out, "%s%s\r\n", error_code(err) == ERR_COMMAND_NOT_FOUND ? "" : "Error: ", text);
    }
    *cpu = s.cpu;
    return out;
}

static void hmp_line(void *opaque, const char *line)
{
    Hmp *h = opaque;
    CmdContext ctx = {h->s.machine, &h->s};
    g_autoptr(GString) out = g_string_new(NULL);
    g_autoptr(Error) err = NULL;

    if (!hmp_execute(&ctx, line, out, &err)) {
        g_autofree char *text = error_describe(err);
        if (out->len && out->str[out->len - 1] != '\n') {
            g_string_append_c(out, '\n');
        }
        g_string_append_printf(out, "%s%s\n",
                               error_code(err) == ERR_COMMAND_NOT_FOUND ? "" : "Error: ", text);
    }
    hmp_put(h, out->str, out->len);
    if (!h->s.quitting) {
        lineedit_show(&h->edit);
    }
}

static char **hmp_candidates(void *opaque, const char *head)
{
    /* The argument of help is a command. */
    static const char *const helps[] = {"help ", "? "};

    for (int i = 0; i < 2; i++) {
        if (g_str_has_prefix(head, helps[i])) {
            return hmp_complete(head + strlen(helps[i]));
        }
    }
    return hmp_complete(head);
}

/* ---- the port ---- */

static size_t hmp_can_receive(void *opaque)
{
    Hmp *h = opaque;

    if (char_pending(h->s.port) <= MONITOR_PENDING_MAX) {
        return 128;
    }
    char_want_writable(h->s.port);
    return 0;
}

static void hmp_receive(void *opaque, const uint8_t *buf, size_t len)
{
    Hmp *h = opaque;

    for (size_t i = 0; i < len; i++) {
        lineedit_key(&h->edit, buf[i]);
    }
}

static void hmp_writable(void *opaque)
{
    char_accept_input(((Hmp *)opaque)->s.port);
}

static void hmp_event(void *opaque, CharEvent ev)
{
    Hmp *h = opaque;

    if (ev == CHAR_EVENT_OPENED) {
        h->greeted = false;
        lineedit_reset(&h->edit);
    } else if (ev == CHAR_EVENT_FOCUS_IN) {
        const char *hello = "Rhea " RHEA_VERSION " monitor - type 'help' for more information\n";
        hmp_put(h, h->greeted ? "\n" : hello, h->greeted ? 1 : strlen(hello));
        h->greeted = true;
        lineedit_show(&h->edit);
    }
}

static void hmp_gone(void *opaque)
{
    Hmp *h = opaque;

    lineedit_fini(&h->edit);
    g_free(h);
}

static const CharFrontOps hmp_ops = {hmp_can_receive, hmp_receive, hmp_event, hmp_gone};

bool monitor_new_hmp(Machine *m, CharPort *port, Error **errp)
{
    Hmp *h = g_new0(Hmp, 1);

    h->s = (MonitorSession)SESSION_INIT(m, port);
    h->edit = (LineEdit){
        .prompt = "(qemu) ",
        .output = hmp_put,
        .execute = hmp_line,
        .complete = hmp_candidates,
        .opaque = h,
    };
    lineedit_init(&h->edit);
    char_set_background(port);
    char_on_writable(port, hmp_writable, h);
    char_attach(port, &hmp_ops, h);
    return true;
}
