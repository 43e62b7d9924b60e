/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The schema as C tables: types, commands, events and command-line options. gen.py writes them
 * from the TOML entries; everything here is const.
 */
#ifndef SCHEMA_SCHEMA_H
#define SCHEMA_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/json.h"

typedef struct CmdContext CmdContext;

typedef enum SchemaKind {
    SCHEMA_INT,    /* int64_t */
    SCHEMA_SIZE,   /* uint64_t; as text with a suffix, MiB if the argument says so */
    SCHEMA_NUMBER, /* double */
    SCHEMA_STR,    /* const char * */
    SCHEMA_BOOL,   /* bool */
    SCHEMA_ENUM,   /* int, index into values; constants SCHEMA_<TYPE>_<VALUE> */
    SCHEMA_STRUCT, /* json_t *, checked */
    SCHEMA_LIST,   /* json_t *, checked */
    SCHEMA_ANY,    /* json_t * */
} SchemaKind;

typedef struct SchemaType SchemaType;
typedef struct SchemaArg SchemaArg;

struct SchemaType {
    const char *name;
    SchemaKind kind;
    const char *const *values; /* SCHEMA_ENUM, NULL-terminated */
    const SchemaType *element; /* SCHEMA_LIST */
    const SchemaArg *members;  /* SCHEMA_STRUCT, ended by a NULL name */
    const char *help;
};

/* How an argument is written in the human monitor. */
typedef enum HmpForm {
    HMP_WORD,   /* a word, or "quoted" */
    HMP_REST,   /* the rest of the line */
    HMP_FLAG,   /* -x, x the first letter of the name; bool */
    HMP_FORMAT, /* /20xw right after the command's name, without the slash; string */
} HmpForm;

/* An argument of a command, a key of an option, or a member of a struct. */
struct SchemaArg {
    const char *name;
    const SchemaType *type;
    const char *def; /* as text; NULL: none */
    const char *help;
    bool optional; /* with a default, always */
    char unit;     /* SCHEMA_SIZE as text: suffix when none is given */
    HmpForm hmp;
    size_t offset;     /* in the generated struct */
    size_t has_offset; /* of has_<name>; 0 if there is none (never the first member) */
};

typedef struct SchemaCommand {
    const char *name;      /* QMP name; NULL: human monitor only */
    const char *hmp;       /* human monitor name, such as "info status"; NULL: QMP only */
    const char *hmp_alias; /* "c" for "cont", or NULL */
    const char *help;
    const char *since;
    const SchemaArg *args;     /* ended by a NULL name */
    size_t args_size;          /* of the generated struct */
    const SchemaType *returns; /* NULL: nothing */
    bool open;                 /* takes more than args: CmdContext.arguments has all of them */
    bool negotiation;          /* allowed, and only allowed, before qmp_capabilities succeeded */
    /* One of the two; NULL both: this program has no handler, and the command does not exist. */
    json_t *(*invoke)(CmdContext *ctx, const void *args, Error **errp);
    bool (*invoke_hmp)(CmdContext *ctx, const void *args, GString *out, Error **errp);
} SchemaCommand;

typedef struct SchemaEvent {
    const char *name;
    const char *help;
    const char *since;
    const SchemaArg *data; /* ended by a NULL name */
} SchemaEvent;

typedef enum OptionKind {
    OPTION_FLAG,   /* no value */
    OPTION_STRING, /* a value taken as it is */
    OPTION_KEYS,   /* key=value,... or JSON with the keys in args */
    OPTION_OPEN,   /* the same, further keys belong to the thing named (device, machine ...) */
} OptionKind;

typedef struct SchemaOption {
    const char *name;  /* without the dash */
    const char *alias; /* another name, or NULL */
    OptionKind kind;
    const char *usage; /* what stands behind the name in -help */
    const char *help;
    const char *section; /* heading in -help */
    const char *implied; /* key of a first word without '=', or NULL */
    const SchemaArg *args;
    size_t args_size;
} SchemaOption;

/* All end with an entry whose names are NULL (options: name). */
extern const SchemaCommand schema_commands[];
extern const SchemaEvent schema_events[];
extern const SchemaOption schema_options[];

/*
 * Fills the generated struct @out from the object @obj by the table @args: checks names and
 * types, applies defaults. With @text the values may also be strings, as key=value gives.
 * Strings and json_t pointers in @out are borrowed from @obj (or are constants).
 */
bool schema_args_parse(const SchemaArg *args, size_t size, json_t *obj, bool text, void *out,
                       Error **errp);

/* Does @value have the shape of @type? @where names it in the message. */
bool schema_validate(const SchemaType *type, json_t *value, const char *where, Error **errp);
/* The same for the members of an object. */
bool schema_validate_members(const SchemaArg *members, json_t *obj, const char *where,
                             Error **errp);

const SchemaOption *schema_option_find(const char *name);
/* The option nearest to a wrong name, or NULL. */
const char *schema_option_suggest(const char *wrong);
/* -help: every option with its prose. Free with g_free. */
char *schema_options_help(const char *program);

#endif
