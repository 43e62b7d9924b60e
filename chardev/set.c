/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The set of a machine's character devices: options and their checking, the
 * short spellings of -serial and its like, creation and removal.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include "base/suggest.h"
#include "base/units.h"
#include "chardev/backend.h"
#include "schema/opts.h"

static const CharOption common_options[] = {
    {"backend", CHAR_OPT_STR, "What kind of device"},
    {"id", CHAR_OPT_STR, "Its name"},
    {"mux", CHAR_OPT_BOOL, "Several front ends share it; Ctrl-A c goes from one to the next"},
    {"logfile", CHAR_OPT_STR, "A file that also gets all output"},
    {"logappend", CHAR_OPT_BOOL, "Keep what the log file already holds (default off)"},
    {NULL},
};

/* ---- options ---- */

const char *char_opt_str(const CharOpts *o, const char *name)
{
    return json_string_value(json_object_get(o->obj, name));
}

bool char_opt_bool(const CharOpts *o, const char *name, bool def)
{
    json_t *v = json_object_get(o->obj, name);

    if (json_is_string(v)) {
        parse_bool(json_string_value(v), &def, NULL);
    } else if (json_is_boolean(v)) {
        def = json_is_true(v);
    }
    return def;
}

uint64_t char_opt_number(const CharOpts *o, const char *name, uint64_t def)
{
    json_t *v = json_object_get(o->obj, name);

    if (json_is_string(v)) {
        parse_size(json_string_value(v), 'B', &def, NULL);
    } else if (json_is_integer(v)) {
        def = json_integer_value(v);
    }
    return def;
}

static const CharOption *option_in(const CharOption *table, const char *name)
{
    for (; table->name; table++) {
        if (!strcmp(table->name, name)) {
            return table;
        }
    }
    return NULL;
}

static const CharOption *option_find(const CharBackendType *type, const char *name)
{
    const CharOption *opt = option_in(type->options, name);

    return opt ? opt : option_in(common_options, name);
}

static bool option_check(const CharOption *opt, json_t *v, Error **errp)
{
    const char *s = json_string_value(v);
    uint64_t n;
    bool b, ok;

    switch (opt->kind) {
    case CHAR_OPT_BOOL:
        ok = json_is_boolean(v) || (s && parse_bool(s, &b, errp));
        break;
    case CHAR_OPT_NUMBER:
        ok = json_is_integer(v) || (s && parse_u64(s, &n, errp));
        break;
    case CHAR_OPT_SIZE:
        ok = json_is_integer(v) || (s && parse_size(s, 'B', &n, errp));
        break;
    case CHAR_OPT_PORT:
        ok = json_is_integer(v) || s;
        break;
    default:
        ok = s != NULL;
        break;
    }
    if (!ok && !s) {
        error_set(errp, ERR_INVALID_PARAMETER, "wrong type '%s'", json_type_name(v));
    }
    if (!ok) {
        error_prepend(errp, "%s: ", opt->name);
    }
    return ok;
}

static void suggest_option(const CharBackendType *type, const char *name, Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const CharOption *tables[] = {type->options, common_options};

    for (int i = 0; i < 2; i++) {
        for (const CharOption *o = tables[i]; o->name; o++) {
            g_ptr_array_add(names, (void *)o->name);
        }
    }
    g_ptr_array_add(names, NULL);
    const char *near = suggest_name(name, (const char *const *)names->pdata);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    }
}

/* "nowait" and "noserver", the old way to say wait=off. */
static void expand_negations(const CharBackendType *type, json_t *obj)
{
    const char *key;
    json_t *v;
    void *next;

    json_object_foreach_safe(obj, next, key, v)
    {
        const CharOption *o =
            g_str_has_prefix(key, "no") ? option_in(type->options, key + 2) : NULL;
        const char *s = json_string_value(v);
        if (o && o->kind == CHAR_OPT_BOOL && !option_find(type, key) && s && !strcmp(s, "on")) {
            json_object_set_new(obj, o->name, json_string("off"));
            json_object_del(obj, key);
        }
    }
}

static bool options_check(const CharBackendType *type, json_t *obj, Error **errp)
{
    const char *key;
    json_t *v;

    expand_negations(type, obj);
    json_object_foreach(obj, key, v)
    {
        const CharOption *o = option_find(type, key);
        if (!o) {
            error_set(errp, ERR_INVALID_PARAMETER,
                      "character device backend '%s' has no option '%s'", type->name, key);
            suggest_option(type, key, errp);
            return false;
        }
        if (!option_check(o, v, errp)) {
            return false;
        }
    }
    return true;
}

static const CharBackendType *backend_find(const char *name, Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    REGISTRY_FOREACH (CharBackendType, it) {
        if (!strcmp((*it)->name, name) || !g_strcmp0((*it)->alias, name)) {
            return *it;
        }
        g_ptr_array_add(names, (void *)(*it)->name);
    }
    g_ptr_array_add(names, NULL);
    const char *near = suggest_name(name, (const char *const *)names->pdata);
    error_set(errp, ERR_INVALID_PARAMETER, "there is no character device backend '%s'", name);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    } else {
        error_hint(errp, "'-chardev help' lists them");
    }
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const CharBackendType *const *)a)->name,
                  (*(const CharBackendType *const *)b)->name);
}

static void print_options(GString *out, const CharOption *o)
{
    for (; o->name; o++) {
        g_string_append_printf(out, "      %-12s %s\n", o->name, o->help);
    }
}

void charset_print_help(GString *out)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new();

    REGISTRY_FOREACH (CharBackendType, it) {
        g_ptr_array_add(all, (void *)*it);
    }
    g_ptr_array_sort(all, by_name);
    g_string_append(out, "Character device backends (-chardev NAME,id=ID,option=value,...):\n");
    for (guint i = 0; i < all->len; i++) {
        const CharBackendType *t = all->pdata[i];
        g_string_append_printf(out, "  %-10s %s\n", t->name, t->help);
        print_options(out, t->options);
    }
    g_string_append(out, "Options of all:\n");
    print_options(out, common_options + 2);
}

const char *chardev_backend_nth(unsigned n)
{
    REGISTRY_FOREACH (CharBackendType, it) {
        if (!n--) {
            return (*it)->name;
        }
    }
    return NULL;
}

/* ---- devices ---- */

CharSet *charset_new(GMainContext *loop)
{
    CharSet *set = g_new0(CharSet, 1);

    set->loop = loop;
    set->escape = 1;
    set->devs = g_ptr_array_new();
    /* A reader that goes away is an error of write(), not the end of the machine. */
    signal(SIGPIPE, SIG_IGN);
    return set;
}

void charset_free(CharSet *set)
{
    if (!set) {
        return;
    }
    while (set->devs->len) {
        chardev_fini(g_ptr_array_remove_index(set->devs, set->devs->len - 1));
    }
    g_ptr_array_free(set->devs, TRUE);
    g_free(set);
}

void charset_on_quit(CharSet *set, void (*fn)(void *opaque), void *opaque)
{
    set->quit = fn;
    set->quit_opaque = opaque;
}

void charset_set_escape(CharSet *set, uint8_t ch)
{
    set->escape = ch;
}

Chardev *charset_nth(CharSet *set, unsigned n)
{
    return n < set->devs->len ? set->devs->pdata[n] : NULL;
}

Chardev *charset_find(CharSet *set, const char *id)
{
    for (guint i = 0; i < set->devs->len; i++) {
        Chardev *d = set->devs->pdata[i];
        if (!strcmp(d->id, id)) {
            return d;
        }
    }
    return NULL;
}

static bool open_log(Chardev *d, const CharOpts *o, Error **errp)
{
    const char *path = char_opt_str(o, "logfile");
    int mode = char_opt_bool(o, "logappend", false) ? O_APPEND : O_TRUNC;

    if (!path) {
        return true;
    }
    d->log_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | mode, 0666);
    if (d->log_fd < 0) {
        error_set_errno(errp, errno, "cannot open the log file '%s'", path);
        return false;
    }
    return true;
}

static bool valid_id(const char *id)
{
    if (!g_ascii_isalpha(*id)) {
        return false;
    }
    return id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._")] == 0;
}

static Chardev *new_checked(CharSet *set, const CharBackendType *type, json_t *opts, Error **errp)
{
    CharOpts o = {json_string_value(json_object_get(opts, "id")), opts};
    Chardev *d;

    if (charset_find(set, o.id)) {
        error_set(errp, ERR_INVALID_PARAMETER, "there is already a character device '%s'", o.id);
        return NULL;
    }
    d = g_malloc0(type->size);
    chardev_init(d, set, type, o.id);
    d->mux.on = char_opt_bool(&o, "mux", false);
    if (!open_log(d, &o, errp) || !type->open(d, &o, errp)) {
        error_prepend(errp, "character device '%s': ", o.id);
        chardev_fini(d);
        return NULL;
    }
    g_ptr_array_add(set->devs, d);
    return d;
}

Chardev *chardev_new(CharSet *set, json_t *opts, Error **errp)
{
    const char *backend = json_string_value(json_object_get(opts, "backend"));
    const char *id = json_string_value(json_object_get(opts, "id"));
    const CharBackendType *type;
    g_autoptr(json_t) copy = NULL;

    if (!backend) {
        error_set(errp, ERR_INVALID_PARAMETER, "a character device needs a backend");
        error_hint(errp, "for example -chardev stdio,id=con");
        return NULL;
    }
    if (!id || !valid_id(id)) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  id ? "'%s' is no name for a character device" : "a character device needs an id",
                  id);
        error_hint(errp, "an id starts with a letter and goes on with letters, digits and - . _");
        return NULL;
    }
    type = backend_find(backend, errp);
    copy = json_deep_copy(opts);
    if (!type || !options_check(type, copy, errp)) {
        return NULL;
    }
    return new_checked(set, type, copy, errp);
}

Chardev *chardev_new_from_opts(CharSet *set, const char *text, Error **errp)
{
    g_autoptr(json_t) opts = opts_parse(text, "backend", errp);

    return opts ? chardev_new(set, opts, errp) : NULL;
}

bool chardev_remove(Chardev *d, Error **errp)
{
    if (chardev_has_frontend(d)) {
        error_set(errp, ERR_GENERIC, "character device '%s' is in use", d->id);
        return false;
    }
    g_ptr_array_remove(d->set->devs, d);
    chardev_fini(d);
    return true;
}

const char *chardev_id(const Chardev *d)
{
    return d->id;
}

const char *chardev_filename(const Chardev *d)
{
    return d->filename;
}

const char *chardev_backend_name(const Chardev *d)
{
    return d->type->name;
}

bool chardev_is_mux(const Chardev *d)
{
    return d->mux.on;
}

bool chardev_has_frontend(const Chardev *d)
{
    return d->ports->len > 0;
}

void chardev_set_filename(Chardev *d, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    g_free(d->filename);
    d->filename = g_strdup_vprintf(fmt, ap);
    va_end(ap);
}

/* ---- the short spellings ---- */

/* "tcp:host:port,options" and "telnet:..."; the host may be empty, or [v6]. */
static json_t *legacy_tcp(const char *rest, bool telnet, Error **errp)
{
    g_autoptr(json_t) o = opts_parse(rest, "address", errp);
    g_autofree char *address = o ? opts_take(o, "address") : NULL;
    char *colon = address ? strrchr(address, ':') : NULL;
    char *host = address;

    if (!o) {
        return NULL;
    }
    if (!colon || !colon[1]) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' lacks a port", rest);
        error_hint(errp, "write tcp:HOST:PORT, for example tcp:localhost:4444,server=on,wait=off");
        return NULL;
    }
    *colon = 0;
    if (*host == '[' && colon[-1] == ']') {
        host++;
        colon[-1] = 0;
    }
    json_object_set_new(o, "backend", json_string("socket"));
    json_object_set_new(o, "host", json_string(host));
    json_object_set_new(o, "port", json_string(colon + 1));
    if (telnet) {
        json_object_set_new(o, "telnet", json_string("on"));
    }
    return json_incref(o);
}

static json_t *legacy_unix(const char *rest, Error **errp)
{
    g_autoptr(json_t) o = opts_parse(rest, "path", errp);

    if (!o) {
        return NULL;
    }
    json_object_set_new(o, "backend", json_string("socket"));
    return json_incref(o);
}

static json_t *legacy_simple(const char *backend, const char *path)
{
    json_t *o = json_object();

    json_object_set_new(o, "backend", json_string(backend));
    if (path) {
        json_object_set_new(o, "path", json_string(path));
    }
    return o;
}

/* A short spelling as an object of options without the id. */
static json_t *legacy_parse(const char *spec, Error **errp)
{
    static const char *const plain[] = {"null", "pty", "stdio", "vc", "ringbuf", NULL};
    const char *rest = strchr(spec, ':');

    if (g_strv_contains(plain, spec) || g_str_has_prefix(spec, "vc:")) {
        return legacy_simple(spec[0] == 'v' ? "vc" : spec, NULL);
    }
    if (g_str_has_prefix(spec, "stdio,") || g_str_has_prefix(spec, "pty,")) {
        return opts_parse(spec, "backend", errp);
    }
    if (g_str_has_prefix(spec, "file:") || g_str_has_prefix(spec, "pipe:")) {
        return legacy_simple(spec[0] == 'f' ? "file" : "pipe", rest + 1);
    }
    if (g_str_has_prefix(spec, "pty:")) {
        return legacy_simple("pty", rest + 1);
    }
    if (g_str_has_prefix(spec, "tcp:") || g_str_has_prefix(spec, "telnet:")) {
        return legacy_tcp(rest + 1, spec[1] == 'e', errp);
    }
    if (g_str_has_prefix(spec, "unix:")) {
        return legacy_unix(rest + 1, errp);
    }
    if (g_str_has_prefix(spec, "/dev/")) {
        return legacy_simple("serial", spec);
    }
    error_set(errp, ERR_INVALID_PARAMETER, "'%s' is no character device", spec);
    const char *near = suggest_name(spec, plain);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    } else {
        error_hint(
            errp, "try stdio, mon:stdio, file:PATH, pty, null, none, unix:PATH,server=on,wait=off, "
                  "tcp:HOST:PORT, pipe:PATH or chardev:ID");
    }
    return NULL;
}

static Chardev *legacy_device(CharSet *set, const char *label, const char *spec, bool mux,
                              Error **errp)
{
    if (g_str_has_prefix(spec, "chardev:")) {
        Chardev *d = charset_find(set, spec + strlen("chardev:"));
        if (!d) {
            error_set(errp, ERR_DEVICE_NOT_FOUND, "there is no character device '%s'", spec + 8);
            error_hint(errp, "make it with -chardev BACKEND,id=%s", spec + 8);
        }
        return d;
    }
    g_autoptr(json_t) o = legacy_parse(spec, errp);
    if (!o) {
        return NULL;
    }
    json_object_set_new(o, "id", json_string(label));
    if (mux) {
        json_object_set_new(o, "mux", json_string("on"));
        const char *backend = json_string_value(json_object_get(o, "backend"));
        if (!g_strcmp0(backend, "stdio") && !json_object_get(o, "signal")) {
            json_object_set_new(o, "signal", json_string("off"));
        }
    }
    return chardev_new(set, o, errp);
}

bool chardev_open_legacy(CharSet *set, const char *label, const char *spec, CharPort **port,
                         CharPort **mon, Error **errp)
{
    bool mux = g_str_has_prefix(spec, "mon:");
    Chardev *d;

    *port = NULL;
    if (mon) {
        *mon = NULL;
    }
    if (!strcmp(spec, "none")) {
        return true;
    }
    if (mux && !mon) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s': a monitor cannot share this device", spec);
        error_hint(errp, "leave out 'mon:'");
        return false;
    }
    d = legacy_device(set, label, mux ? spec + 4 : spec, mux, errp);
    if (!d) {
        return false;
    }
    *port = chardev_claim(d, label, errp);
    if (*port && mux) {
        *mon = chardev_claim(d, "monitor", errp);
    }
    return *port && (!mux || *mon);
}

CharPort *chardev_new_from_legacy(CharSet *set, const char *label, const char *spec, Error **errp)
{
    CharPort *port = NULL;

    return chardev_open_legacy(set, label, spec, &port, NULL, errp) ? port : NULL;
}
