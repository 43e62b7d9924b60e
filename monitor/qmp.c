/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QMP: JSON requests, replies and events over a character port.
 *
 * Each peer that connects gets the greeting and negotiates anew. Requests are
 * carried out in order, one at a time; when the peer does not read its replies
 * we stop reading its requests. Left out: out-of-band execution (the greeting
 * offers no capability).
 */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "monitor/framer.h"
#include "monitor/monitor.h"
#include "monitor/session.h"
#include "schema/commands.h"

typedef struct Qmp {
    MonitorSession s;
    Framer framer;
    bool pretty, open, dropped;
} Qmp;

static void qmp_send(Qmp *q, json_t *msg)
{
    char *text = q->pretty ? json_dumps(msg, JSON_INDENT(4)) : json_to_line(msg);

    if (text) {
        char_write_all(q->s.port, (const uint8_t *)text, strlen(text));
        char_write_all(q->s.port, (const uint8_t *)"\r\n", 2);
        free(text);
    }
}

static void qmp_reply(Qmp *q, json_t *result, const Error *err, json_t *id)
{
    g_autoptr(json_t) msg = json_object();

    if (result) {
        json_object_set(msg, "return", result);
    } else {
        json_t *e = schema_error_to_json(err);
        if (!e) {
            e = json_pack("{s:s, s:s}", "class", error_class_name(error_code(err)), "desc",
                          "the request is not valid UTF-8");
        }
        json_object_set_new(msg, "error", e);
    }
    if (id) {
        json_object_set(msg, "id", id);
    }
    qmp_send(q, msg);
}

#define QMP_NAME_MAX 200 /* errors repeat names: no long ones */

/* The parts of a request; borrowed from it. */
static bool qmp_request(json_t *req, const char **name, json_t **args, json_t **id, Error **errp)
{
    const char *key;
    json_t *v;

    *id = json_object_get(req, "id");
    if (!json_is_object(req)) {
        error_set(errp, ERR_GENERIC, "QMP input must be a JSON object");
        return false;
    }
    json_object_foreach(req, key, v)
    {
        if (strcmp(key, "execute") && strcmp(key, "arguments") && strcmp(key, "id")) {
            error_set(errp, ERR_GENERIC, "QMP input member '%.*s' is unexpected", QMP_NAME_MAX,
                      key);
            return false;
        }
    }
    *name = json_string_value(json_object_get(req, "execute"));
    *args = json_object_get(req, "arguments");
    if (!*name) {
        error_set(errp, ERR_GENERIC,
                  json_object_get(req, "execute") ? "QMP input member 'execute' must be a string"
                                                  : "QMP input lacks member 'execute'");
        return false;
    }
    if (*args && !json_is_object(*args)) {
        error_set(errp, ERR_GENERIC, "QMP input member 'arguments' must be an object");
        return false;
    }
    return true;
}

/* Before the negotiation there is one command, after it all others. */
static bool qmp_allowed(Qmp *q, const char *name, Error **errp)
{
    const SchemaCommand *c = schema_command_find(name);
    bool negotiation = c && c->negotiation;

    if (strlen(name) > QMP_NAME_MAX) {
        error_set(errp, ERR_COMMAND_NOT_FOUND, "no command has so long a name");
        return false;
    }
    if (negotiation == !q->s.negotiated) {
        return true;
    }
    if (negotiation) {
        error_set(errp, ERR_COMMAND_NOT_FOUND, "the capabilities are negotiated already");
    } else {
        error_set(errp, ERR_COMMAND_NOT_FOUND,
                  "capabilities negotiation comes first: send qmp_capabilities");
    }
    return false;
}

static void on_message(void *opaque, const char *text, size_t len)
{
    Qmp *q = opaque;
    g_autoptr(Error) err = NULL;
    g_autoptr(json_t) req = json_parse(text, len, &err);
    g_autoptr(json_t) result = NULL;
    const char *name;
    json_t *args, *id = NULL;

    if (req && qmp_request(req, &name, &args, &id, &err) && qmp_allowed(q, name, &err)) {
        CmdContext ctx = {q->s.machine, &q->s};
        result = schema_dispatch(&ctx, name, args, &err);
    }
    qmp_reply(q, result, err, id);
}

static void on_junk(void *opaque, const char *why)
{
    g_autoptr(Error) err = NULL;

    error_set(&err, ERR_GENERIC, "%s", why);
    qmp_reply(opaque, NULL, err, NULL);
}

static void qmp_greet(Qmp *q)
{
    CmdContext ctx = {q->s.machine, &q->s};
    g_autoptr(json_t) msg = json_object();
    json_t *hello = json_object(), *version = schema_dispatch(&ctx, "query-version", NULL, NULL);

    json_object_set_new(hello, "version", version ? version : json_object());
    json_object_set_new(hello, "capabilities", json_array());
    json_object_set_new(msg, "QMP", hello);
    qmp_send(q, msg);
}

/* ---- the port ---- */

static size_t qmp_can_receive(void *opaque)
{
    Qmp *q = opaque;

    if (char_pending(q->s.port) <= MONITOR_PENDING_MAX) {
        return 4096;
    }
    char_want_writable(q->s.port);
    return 0;
}

static void qmp_receive(void *opaque, const uint8_t *buf, size_t len)
{
    Qmp *q = opaque;

    framer_feed(&q->framer, buf, len);
}

static void qmp_writable(void *opaque)
{
    char_accept_input(((Qmp *)opaque)->s.port);
}

static void qmp_event(void *opaque, CharEvent ev)
{
    Qmp *q = opaque;

    if (ev == CHAR_EVENT_OPENED) {
        framer_reset(&q->framer);
        q->s.negotiated = false;
        q->open = true;
        q->dropped = false;
        qmp_greet(q);
    } else if (ev == CHAR_EVENT_CLOSED) {
        q->open = false;
    }
}

static void qmp_gone(void *opaque)
{
    Qmp *q = opaque;

    framer_fini(&q->framer);
    g_free(q);
}

static const CharFrontOps qmp_ops = {qmp_can_receive, qmp_receive, qmp_event, qmp_gone};

/* ---- events of the machine ---- */

static void qmp_machine_event(void *opaque, Machine *m, const char *name, const char *json_data)
{
    Qmp *q = opaque;
    gint64 now = g_get_real_time();

    if (!q->open || !q->s.negotiated) {
        return;
    }
    if (char_pending(q->s.port) > MONITOR_EVENTS_MAX) {
        if (!q->dropped) {
            log_printf("%s: the QMP client does not read; events are dropped\n",
                       char_port_name(q->s.port));
        }
        q->dropped = true;
        return;
    }
    g_autoptr(json_t) data = json_data ? json_parse(json_data, strlen(json_data), NULL) : NULL;
    g_autoptr(json_t) msg = json_object();
    schema_check_event(name, data);
    json_object_set_new(msg, "timestamp",
                        json_pack("{s:I, s:I}", "seconds", (json_int_t)(now / G_USEC_PER_SEC),
                                  "microseconds", (json_int_t)(now % G_USEC_PER_SEC)));
    json_object_set_new(msg, "event", json_string(name));
    if (data) {
        json_object_set(msg, "data", data);
    }
    qmp_send(q, msg);
}

bool monitor_new_qmp(Machine *m, CharPort *port, bool pretty, Error **errp)
{
    Qmp *q = g_new0(Qmp, 1);

    q->s = (MonitorSession)SESSION_INIT(m, port);
    q->pretty = pretty;
    framer_init(&q->framer, on_message, on_junk, q);
    machine_add_event_listener(m, qmp_machine_event, q);
    char_set_background(port);
    char_on_writable(port, qmp_writable, q);
    char_attach(port, &qmp_ops, q);
    return true;
}

/* ---- the transport's own commands ---- */

bool cmd_qmp_capabilities(CmdContext *ctx, const CmdQmpCapabilitiesArgs *args, Error **errp)
{
    if (json_array_size(args->enable)) {
        error_set(errp, ERR_GENERIC, "capability '%s' was not offered",
                  json_string_value(json_array_get(args->enable, 0)));
        return false;
    }
    if (ctx->session) {
        ctx->session->negotiated = true;
    }
    return true;
}

json_t *cmd_human_monitor_command(CmdContext *ctx, const CmdHumanMonitorCommandArgs *args,
                                  Error **errp)
{
    int cpu = 0;

    if (args->has_cpu_index) {
        if (args->cpu_index < 0 || args->cpu_index >= machine_cpu_count(ctx->machine)) {
            error_set(errp, ERR_INVALID_PARAMETER, "there is no processor %lld",
                      (long long)args->cpu_index);
            return NULL;
        }
        cpu = (int)args->cpu_index;
    }
    g_autoptr(GString) out =
        monitor_run_hmp(ctx->machine, ctx->session ? ctx->session->port : NULL, &cpu, args->command_line);
    g_autofree char *valid = g_utf8_make_valid(out->str, out->len);
    return json_string(valid);
}
