/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Running commands: what the monitor's transports call.
 *
 * home: the machine's main loop; handlers run where these functions are called.
 */
#ifndef SCHEMA_DISPATCH_H
#define SCHEMA_DISPATCH_H

#include "schema/schema.h"

typedef struct Machine Machine;
typedef struct MonitorSession MonitorSession;

/* Whom a command acts on, and who asked. */
struct CmdContext {
    Machine *machine;
    MonitorSession *session; /* the transport's own; NULL when the command has no asker */
    json_t *arguments;       /* all that were given to an open command; borrowed */
};

/* The QMP command of that name which has a handler, or NULL. */
const SchemaCommand *schema_command_find(const char *name);

/*
 * Runs a QMP command: @args is its "arguments" object or NULL. Returns a new reference to what
 * belongs in "return", or NULL with an error. Negotiation is the transport's matter.
 */
json_t *schema_dispatch(CmdContext *ctx, const char *name, json_t *args, Error **errp);

/* The error as QMP's {"class": ..., "desc": ...}; a new reference. */
json_t *schema_error_to_json(const Error *err);

/*
 * Checks replies and events against the schema from now on and reports a bug of ours on stderr
 * followed by abort(). For tests: the environment variable RHEA_CHECK_QMP=1 does the same.
 */
bool schema_checking(void);
/* Aborts, if checking, unless @data (NULL: none) is what the schema says of event @name. */
void schema_check_event(const char *name, json_t *data);

/*
 * Runs one line of the human monitor and appends its output to @out. False with an error when
 * the command is unknown, its arguments are wrong, or it failed. An empty line succeeds.
 */
bool hmp_execute(CmdContext *ctx, const char *line, GString *out, Error **errp);

/*
 * Help as text: @topic is NULL (all commands), a command, or a group such as "info".
 * False if there is no such topic.
 */
bool hmp_help_text(const char *topic, GString *out);

/* Completions of the last word of @line among command names, sorted; free with g_strfreev. */
char **hmp_complete(const char *line);

#endif
