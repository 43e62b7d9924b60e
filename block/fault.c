/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filters that fail on purpose.
 *
 * "blkdebug": QEMU's, with inject-error rules given as options: event, errno, sector, iotype,
 * once, immediately. The events are those that name a kind of request: none (every request),
 * read_aio, write_aio, flush_to_disk; events inside of formats do not exist here, nor state
 * machines and breakpoints, and a rule that asks for them is refused.
 *
 * "fault": one rule for the n-th request of a kind, which fails, is cut short on a sector (torn),
 * or after which every request fails (dead: the power is gone).
 *
 * home: requests on any thread, guarded by Fault.lock.
 */
#include <errno.h>
#include <string.h>

#include "base/iov.h"
#include "block/node.h"

typedef enum Kind { K_READ = 1, K_WRITE = 2, K_ZEROES = 4, K_DISCARD = 8, K_FLUSH = 16, K_ANY = 31 } Kind;

typedef struct Rule {
    unsigned kinds;
    int64_t sector; /* -1: any */
    int err;
    bool once;
} Rule;

typedef struct Fault {
    GMutex lock;
    GArray *rules; /* Rule; blkdebug */
    /* fault */
    unsigned kinds;
    uint64_t nth, seen; /* 0: never */
    uint64_t count;     /* how many from the nth on; 0: all */
    int err;
    int64_t torn;       /* sectors of the write that get through; -1: none of it */
    bool dead;
} Fault;

static int err_number(const char *name, int64_t number)
{
    static const struct {
        const char *name;
        int err;
    } names[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EPERM", EPERM}, {"EINVAL", EINVAL},
                 {"ENOMEM", ENOMEM}, {"EROFS", EROFS}, {"EDQUOT", EDQUOT}};

    for (size_t i = 0; name && i < G_N_ELEMENTS(names); i++) {
        if (!strcmp(names[i].name, name)) {
            return names[i].err;
        }
    }
    return number > 0 && number < 4096 ? (int)number : 0;
}

/* ---- what happens ---- */

/* The error for a request, or 0. *torn: bytes that a write does before it fails. */
static int judge(BlockNode *n, Kind kind, uint64_t offset, uint64_t bytes, uint64_t *torn)
{
    Fault *f = n->priv;
    int err = 0;

    *torn = 0;
    g_mutex_lock(&f->lock);
    for (guint i = 0; f->rules && i < f->rules->len && !err; i++) {
        const Rule *r = &g_array_index(f->rules, Rule, i);
        uint64_t at = (uint64_t)r->sector * BLOCK_SECTOR;
        bool here = r->sector < 0 || kind == K_FLUSH || (at >= offset && at < offset + bytes);
        if (r->kinds & kind && here) {
            err = r->err;
            if (r->once) {
                g_array_remove_index(f->rules, i);
            }
        }
    }
    if (f->dead) {
        err = f->err;
    } else if (f->nth && f->kinds & kind && ++f->seen >= f->nth &&
               (!f->count || f->seen < f->nth + f->count)) {
        err = f->err;
        *torn = f->torn > 0 ? MIN((uint64_t)f->torn * BLOCK_SECTOR, bytes) : 0;
        f->dead = f->torn >= 0;
    }
    g_mutex_unlock(&f->lock);
    return -err;
}

static int fault_preadv(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                        int niov)
{
    uint64_t torn;
    int ret = judge(n, K_READ, offset, bytes, &torn);

    return ret ? ret : node_preadv(n->file, offset, iov, niov);
}

static int fault_pwritev(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                         int niov, unsigned flags)
{
    uint64_t torn;
    int ret = judge(n, K_WRITE, offset, bytes, &torn);

    if (torn) {
        g_autofree struct iovec *part = g_new(struct iovec, niov);
        int k = iov_slice(iov, niov, 0, torn, part, niov);
        node_pwritev(n->file, offset, part, k, flags);
    }
    return ret ? ret : node_pwritev(n->file, offset, iov, niov, flags);
}

static int fault_pwrite_zeroes(BlockNode *n, uint64_t offset, uint64_t bytes, unsigned flags)
{
    uint64_t torn;
    int ret = judge(n, K_ZEROES, offset, bytes, &torn);

    return ret ? ret : node_pwrite_zeroes(n->file, offset, bytes, flags);
}

static int fault_pdiscard(BlockNode *n, uint64_t offset, uint64_t bytes)
{
    uint64_t torn;
    int ret = judge(n, K_DISCARD, offset, bytes, &torn);

    return ret ? ret : node_pdiscard(n->file, offset, bytes);
}

/* The core flushes the file after this. */
static int fault_flush(BlockNode *n)
{
    uint64_t torn;

    return judge(n, K_FLUSH, 0, 0, &torn);
}

static int64_t fault_allocated(BlockNode *n)
{
    return n->file->drv->allocated ? n->file->drv->allocated(n->file) : -1;
}

static void fault_close(BlockNode *n)
{
    Fault *f = n->priv;

    if (f->rules) {
        g_array_unref(f->rules);
    }
    g_mutex_clear(&f->lock);
}

/* ---- blkdebug's rules ---- */

static unsigned event_kinds(const char *event, const char *iotype)
{
    static const struct {
        const char *name;
        unsigned kinds;
    } events[] = {
        {"none", K_ANY},   {"read_aio", K_READ},       {"write_aio", K_WRITE | K_ZEROES},
        {"pwritev", K_WRITE}, {"pwritev_zero", K_ZEROES}, {"flush_to_disk", K_FLUSH},
        {"flush_to_os", K_FLUSH},
    }, types[] = {
        {"read", K_READ}, {"write", K_WRITE}, {"write-zeroes", K_ZEROES}, {"discard", K_DISCARD},
        {"flush", K_FLUSH},
    };
    unsigned kinds = 0, by_type = iotype ? 0 : K_ANY;

    for (size_t i = 0; event && i < G_N_ELEMENTS(events); i++) {
        kinds |= strcmp(events[i].name, event) ? 0 : events[i].kinds;
    }
    for (size_t i = 0; iotype && i < G_N_ELEMENTS(types); i++) {
        by_type |= strcmp(types[i].name, iotype) ? 0 : types[i].kinds;
    }
    return kinds & by_type;
}

static int64_t number_of(const json_t *rule, const char *key, int64_t dflt)
{
    const json_t *v = json_object_get(rule, key);

    return json_is_string(v) ? g_ascii_strtoll(json_string_value(v), NULL, 10)
           : v               ? (int64_t)json_integer_value(v)
                             : dflt;
}

static bool is_on(const json_t *rule, const char *key)
{
    const json_t *v = json_object_get(rule, key);

    return json_is_true(v) || g_strcmp0(json_string_value(v), "on") == 0;
}

static bool add_rule(Fault *f, const json_t *rule, Error **errp)
{
    static const char *const known[] = {"event", "errno", "sector", "iotype", "once", "immediately", NULL};
    const char *event = json_string_value(json_object_get(rule, "event"));
    const char *iotype = json_string_value(json_object_get(rule, "iotype"));
    const char *key;
    json_t *v;
    Rule r = {
        .kinds = event_kinds(event ? event : "none", iotype),
        .sector = number_of(rule, "sector", -1),
        .err = err_number(NULL, number_of(rule, "errno", EIO)),
        .once = is_on(rule, "once"),
    };

    json_object_foreach((json_t *)rule, key, v)
    {
        if (!g_strv_contains(known, key)) {
            error_set(errp, ERR_UNSUPPORTED, "inject-error has no '%s' here", key);
            return false;
        }
    }
    if (!r.kinds || !r.err || r.sector < -1) {
        error_set(errp, ERR_INVALID_PARAMETER, "inject-error: the rule '%s' matches no request",
                  event ? event : "none");
        error_hint(errp, "events are none, read_aio, write_aio, pwritev, pwritev_zero, "
                         "flush_to_os, flush_to_disk");
        return false;
    }
    g_array_append_val(f->rules, r);
    return true;
}

/* [{...}] or, from dotted keys, {"0": {...}}. */
static bool blkdebug_open(BlockNode *n, json_t *opts, Error **errp)
{
    Fault *f = n->priv;
    json_t *rules = json_object_get(opts, "inject-error"), *rule;
    const char *key;
    size_t i;
    bool ok = true;

    f->rules = g_array_new(false, false, sizeof(Rule));
    g_mutex_init(&f->lock);
    if (json_is_array(rules)) {
        json_array_foreach(rules, i, rule)
        {
            ok = ok && add_rule(f, rule, errp);
        }
    } else {
        json_object_foreach(rules, key, rule)
        {
            ok = ok && add_rule(f, rule, errp);
        }
    }
    if (!ok) {
        fault_close(n);
    }
    return ok;
}

/* ---- fault ---- */

static unsigned kind_named(const char *name)
{
    static const struct {
        const char *name;
        unsigned kinds;
    } names[] = {{"read", K_READ}, {"write", K_WRITE | K_ZEROES}, {"flush", K_FLUSH},
                 {"discard", K_DISCARD}, {"any", K_ANY}};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (!strcmp(names[i].name, name)) {
            return names[i].kinds;
        }
    }
    return 0;
}

static bool fault_open(BlockNode *n, json_t *opts, Error **errp)
{
    Fault *f = n->priv;
    const char *kind = json_string_value(json_object_get(opts, "kind"));
    const char *err = json_string_value(json_object_get(opts, "errno"));

    f->nth = (uint64_t)json_integer_value(json_object_get(opts, "nth"));
    f->count = (uint64_t)json_integer_value(json_object_get(opts, "count"));
    f->torn = json_integer_value(json_object_get(opts, "torn"));
    f->kinds = kind_named(kind);
    f->err = err_number(err, g_ascii_strtoll(err, NULL, 10));
    if (!f->kinds || !f->err) {
        error_set(errp, ERR_INVALID_PARAMETER, "fault: %s '%s' is not known", f->err ? "kind" : "errno",
                  f->err ? kind : err);
        return false;
    }
    g_mutex_init(&f->lock);
    return true;
}

static const BlockOpt blkdebug_opts[] = {
    {"image", BLOCK_OPT_CHILD, NULL, "what is below; file is another name of it"},
    {"inject-error", BLOCK_OPT_CHILD, NULL, "list of rules: event, errno, sector, iotype, once"},
    {0},
};

static const BlockOpt fault_opts[] = {
    {"kind", BLOCK_OPT_STR, "any", "which requests count: read, write, flush, discard, any"},
    {"nth", BLOCK_OPT_INT, "0", "the first that fails, from 1; 0: none"},
    {"count", BLOCK_OPT_INT, "1", "how many fail; 0: all from then on"},
    {"errno", BLOCK_OPT_STR, "EIO", "with what: EIO, ENOSPC, ... or a number"},
    {"torn", BLOCK_OPT_INT, "-1", "sectors of the write that arrive, then the disk is gone; -1: it stays"},
    {0},
};

#define FAULT_OPS                                                                             \
    .kind = DRIVER_FILTER, .size = sizeof(Fault), .close = fault_close,                       \
    .preadv = fault_preadv, .pwritev = fault_pwritev, .pwrite_zeroes = fault_pwrite_zeroes,   \
    .pdiscard = fault_pdiscard, .flush = fault_flush, .allocated = fault_allocated

static const BlockDriver blkdebug_driver = {
    .name = "blkdebug", .help = "fails requests by rules", .open_opts = blkdebug_opts,
    .open = blkdebug_open, FAULT_OPS,
};
BLOCK_DRIVER(blkdebug_driver);

static const BlockDriver fault_driver = {
    .name = "fault", .help = "fails, or tears, the n-th request", .open_opts = fault_opts,
    .open = fault_open, FAULT_OPS,
};
BLOCK_DRIVER(fault_driver);
