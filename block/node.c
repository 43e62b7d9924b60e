/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The graph of nodes: opening by options or by file name, probing, backing chains, references.
 *
 * Options that a child does not have come from its parent: read-only, cache mode, auto-read-only.
 * A format's children discard if they can, since it only asks for it when it was asked itself.
 *
 * home: main loop (tools: the one thread).
 */
#include <string.h>
#include <sys/stat.h>

#include "base/suggest.h"
#include "block/internal.h"

#define PROBE_BYTES 2048
#define MAX_CHAIN 200 /* backing files below each other */

const BlockDriver *block_driver_find(const char *name, Error **errp)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    REGISTRY_FOREACH (BlockDriver, it) {
        if (!strcmp((*it)->name, name)) {
            return *it;
        }
        g_ptr_array_add(names, (char *)(*it)->name);
    }
    g_ptr_array_add(names, NULL);
    const char *near = suggest_name(name, (const char *const *)names->pdata);
    error_set(errp, ERR_INVALID_PARAMETER, "Unknown driver '%s'", name);
    if (near) {
        error_hint(errp, "did you mean '%s'?", near);
    }
    return NULL;
}

BlockNode *node_find(BlockSet *set, const char *name)
{
    for (guint i = 0; i < set->nodes->len; i++) {
        BlockNode *n = set->nodes->pdata[i];
        if (!strcmp(n->name, name)) {
            return n;
        }
    }
    return NULL;
}

/* ---- life of a node ---- */

static BlockNode *node_alloc(BlockSet *set, const BlockDriver *drv, char *name)
{
    BlockNode *n = g_new0(BlockNode, 1);

    n->drv = drv;
    n->set = set;
    n->core = g_new0(BlockNodeCore, 1);
    n->core->named = name != NULL;
    n->core->shared = PERM_ALL;
    n->name = name ? name : g_strdup_printf("#block%03u", set->next_name++);
    n->alignment = 1;
    n->refs = 1;
    n->priv = g_malloc0(drv->size + 1);
    g_mutex_init(&n->core->lock);
    g_cond_init(&n->core->cond);
    n->core->edges = g_array_new(false, false, sizeof(NodeEdge));
    g_ptr_array_add(set->nodes, n);
    return n;
}

static void drop_child(BlockNode *parent, BlockNode **child)
{
    if (*child) {
        node_drop_edge(*child, parent);
        node_unref(*child);
        *child = NULL;
    }
}

/* What was set up of it; the driver is closed, or never opened. */
static void node_destroy(BlockNode *n)
{
    drop_child(n, &n->backing);
    drop_child(n, &n->data_file);
    drop_child(n, &n->file);
    g_ptr_array_remove(n->set->nodes, n);
    g_array_unref(n->core->edges);
    g_mutex_clear(&n->core->lock);
    g_cond_clear(&n->core->cond);
    json_decref(n->core->opts);
    g_free(n->core);
    g_free(n->priv);
    g_free(n->name);
    g_free(n->filename);
    g_free(n->backing_file);
    g_free(n->backing_format);
    g_free(n);
}

void node_ref(BlockNode *n)
{
    n->refs++;
}

void node_unref(BlockNode *n)
{
    if (!n || --n->refs) {
        return;
    }
    if (n->drv->close) {
        n->drv->close(n);
    }
    for (guint i = 0; i < n->core->edges->len; i++) {
        g_free(g_array_index(n->core->edges, NodeEdge, i).who);
    }
    node_destroy(n);
}

/* ---- options that all drivers have ---- */

typedef struct Common {
    char *driver, *name, *discard, *detect_zeroes, *filename;
    unsigned flags;
} Common;

static void common_clear(Common *c)
{
    g_free(c->driver);
    g_free(c->name);
    g_free(c->discard);
    g_free(c->detect_zeroes);
    g_free(c->filename);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Common, common_clear)

static bool take_flag(json_t *opts, const char *key, unsigned *flags, unsigned bit, bool inverted,
                      Error **errp)
{
    bool on = !(*flags & bit) == inverted;

    if (!opts_take_bool(opts, key, &on, errp)) {
        return false;
    }
    *flags = on != inverted ? *flags | bit : *flags & ~bit;
    return true;
}

static bool take_cache(json_t *opts, unsigned *flags, Error **errp)
{
    g_autoptr(json_t) cache = json_incref(json_object_get(opts, "cache"));
    bool writeback = true;

    if (!cache) {
        return true;
    }
    if (!json_is_object(cache)) {
        error_set(errp, ERR_INVALID_PARAMETER, "cache is an object here");
        error_hint(errp, "write cache.direct=on|off, cache.no-flush=on|off");
        return false;
    }
    json_object_del(opts, "cache");
    if (!take_flag(cache, "direct", flags, BLOCK_NOCACHE, false, errp) ||
        !take_flag(cache, "no-flush", flags, BLOCK_NO_FLUSH, false, errp) ||
        !opts_take_bool(cache, "writeback", &writeback, errp)) {
        return false;
    }
    const char *left = json_object_iter_key(json_object_iter(cache));
    if (left) {
        error_set(errp, ERR_INVALID_PARAMETER, "there is no option 'cache.%s'", left);
        return false;
    }
    return true;
}

static bool one_of(const char *key, const char *value, const char *const *values, Error **errp)
{
    if (!value || g_strv_contains(values, value)) {
        return true;
    }
    g_autofree char *all = g_strjoinv("', '", (char **)values);
    error_set(errp, ERR_INVALID_PARAMETER, "%s is one of '%s', not '%s'", key, all, value);
    return false;
}

static bool take_common(json_t *opts, Common *c, Error **errp)
{
    static const char *const discards[] = {"ignore", "off", "unmap", "on", NULL};
    static const char *const detects[] = {"off", "on", "unmap", NULL};

    if (!opts_take_str(opts, "driver", &c->driver, errp) ||
        !opts_take_str(opts, "node-name", &c->name, errp) ||
        !opts_take_str(opts, "discard", &c->discard, errp) ||
        !opts_take_str(opts, "detect-zeroes", &c->detect_zeroes, errp) ||
        !take_flag(opts, "read-only", &c->flags, BLOCK_RDWR, true, errp) ||
        !take_flag(opts, "auto-read-only", &c->flags, BLOCK_AUTO_RDONLY, false, errp) ||
        !take_flag(opts, "force-share", &c->flags, BLOCK_NO_LOCK, false, errp) ||
        !take_cache(opts, &c->flags, errp) || !one_of("discard", c->discard, discards, errp) ||
        !one_of("detect-zeroes", c->detect_zeroes, detects, errp)) {
        return false;
    }
    if (c->discard) {
        bool unmap = !strcmp(c->discard, "unmap") || !strcmp(c->discard, "on");
        c->flags = unmap ? c->flags | BLOCK_UNMAP : c->flags & ~BLOCK_UNMAP;
    }
    if (c->detect_zeroes && strcmp(c->detect_zeroes, "off")) {
        bool unmap = !strcmp(c->detect_zeroes, "unmap");
        c->flags |= BLOCK_DETECT_ZEROES | (unmap ? BLOCK_DETECT_UNMAP : 0);
        if (unmap && !(c->flags & BLOCK_UNMAP)) {
            error_set(errp, ERR_INVALID_PARAMETER,
                      "setting detect-zeroes to unmap is not allowed without setting discard "
                      "operation to unmap");
            return false;
        }
    }
    return true;
}

static bool check_name(BlockSet *set, const char *name, Error **errp)
{
    if (!name) {
        return true;
    }
    bool ok = g_ascii_isalpha(name[0]);
    for (const char *p = name; *p; p++) {
        ok &= g_ascii_isalnum(*p) || strchr("-._", *p) != NULL;
    }
    if (!ok || strlen(name) > 31) {
        error_set(errp, ERR_INVALID_PARAMETER, "Invalid node-name: '%s'", name);
        error_hint(errp, "a letter, then up to 30 letters, digits, '-', '.', '_'");
        return false;
    }
    if (node_find(set, name)) {
        error_set(errp, ERR_INVALID_PARAMETER, "Duplicate nodes with node-name='%s'", name);
        return false;
    }
    return true;
}

/* ---- file names ---- */

/* "nbd:...": the part before a colon that comes before any slash, NULL without. */
static char *protocol_of(const char *filename)
{
    size_t len = strcspn(filename, ":/");

    return filename[len] == ':' && len ? g_strndup(filename, len) : NULL;
}

static const BlockDriver *protocol_for(const char **filename, Error **errp)
{
    REGISTRY_FOREACH (BlockDriver, it) {
        if ((*it)->kind == DRIVER_PROTOCOL && (*it)->claims && (*it)->claims(*filename)) {
            return *it;
        }
    }
    g_autofree char *protocol = protocol_of(*filename);
    if (protocol && !strcmp(protocol, "file")) {
        *filename += strlen("file:");
        protocol = (g_free(protocol), NULL);
        return protocol_for(filename, errp);
    }
    struct stat st;
    if (protocol && stat(*filename, &st) < 0) {
        error_set(errp, ERR_INVALID_PARAMETER, "Unknown protocol '%s'", protocol);
        error_hint(errp, "a file name with a colon is written './%s'", *filename);
        return NULL;
    }
    return block_driver_find("file", errp);
}

char *block_backing_path(const char *image, const char *backing)
{
    g_autofree char *protocol = protocol_of(backing);

    if (backing[0] == '/' || (protocol && strcmp(protocol, "file")) || !image) {
        return g_strdup(backing);
    }
    const char *name = protocol ? backing + strlen("file:") : backing;
    const char *base = g_str_has_prefix(image, "file:") ? image + strlen("file:") : image;
    const char *slash = strrchr(base, '/');
    if (name[0] == '/' || !slash) {
        return g_strdup(name);
    }
    return g_strdup_printf("%.*s%s", (int)(slash + 1 - base), base, name);
}

/* "json:{...}" is the options themselves. */
static bool is_json_name(const char *filename)
{
    return g_str_has_prefix(filename, "json:");
}

static json_t *json_name_opts(const char *filename, Error **errp)
{
    const char *text = filename + strlen("json:");
    g_autoptr(json_t) o = json_parse(text, strlen(text), errp);

    if (o && !json_is_object(o)) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s': not a JSON object", filename);
        return NULL;
    }
    return o ? block_nest_opts(o, errp) : NULL;
}

/* ---- opening ---- */

static BlockNode *open_node(BlockSet *set, json_t *opts, unsigned inherited, bool child,
                            Error **errp);

/* A name refers to a node that is there; an object is a new one. */
static BlockNode *open_child(BlockSet *set, json_t *v, unsigned inherited, Error **errp)
{
    if (json_is_object(v)) {
        return open_node(set, v, inherited, true, errp);
    }
    const char *name = json_string_value(v);
    BlockNode *n = name ? node_find(set, name) : NULL;
    if (n) {
        node_ref(n);
    } else {
        error_set(errp, ERR_DEVICE_NOT_FOUND, "Cannot find device='' nor node-name='%s'",
                  name ? name : "");
    }
    return n;
}

static unsigned child_flags(const BlockDriver *drv, unsigned flags)
{
    unsigned f = flags & ~(BLOCK_DETECT_ZEROES | BLOCK_DETECT_UNMAP | BLOCK_NO_BACKING);

    return drv->kind == DRIVER_FORMAT ? f | BLOCK_UNMAP : f;
}

/* Permissions of a format on its own file: nobody else may change it. */
static bool take_child(BlockNode *n, BlockNode *child, Error **errp)
{
    g_autofree char *who = g_strdup_printf("node '%s' as 'file'", n->name);
    unsigned rest = PERM_READ | PERM_WRITE_UNCHANGED;
    unsigned perm = n->flags & BLOCK_NO_IO ? 0 : PERM_READ;

    if (node_passes_through(n)) {
        return node_set_edge(child, n, who, 0, PERM_ALL, errp);
    }
    if (n->flags & BLOCK_RDWR) {
        perm |= PERM_WRITE | PERM_RESIZE;
    }
    return node_set_edge(child, n, who, perm, rest, errp);
}

bool node_take_backing(BlockNode *n, bool write, Error **errp)
{
    g_autofree char *who = g_strdup_printf("node '%s' as 'backing'", n->name);
    unsigned perm = PERM_READ | (write ? PERM_WRITE | PERM_RESIZE : 0);

    return node_set_edge(n->backing, n, who, perm, PERM_READ | PERM_WRITE_UNCHANGED, errp);
}

static bool set_flags(BlockNode *n, unsigned flags, Error **errp)
{
    if (n->drv->reopen && !n->drv->reopen(n, flags, errp)) {
        return false;
    }
    n->flags = flags;
    return true;
}

static bool set_children_writable(BlockNode *n, bool on, Error **errp)
{
    BlockNode *const child[] = {n->file, n->data_file};

    for (size_t i = 0; i < G_N_ELEMENTS(child); i++) {
        if (child[i] && !(node_set_writable(child[i], on, errp) && take_child(n, child[i], errp))) {
            return false;
        }
    }
    return true;
}

bool node_set_writable(BlockNode *n, bool on, Error **errp)
{
    const unsigned old = n->flags, flags = on ? old | BLOCK_RDWR : old & ~(unsigned)BLOCK_RDWR;

    if (flags == old) {
        return true;
    }
    if (!on) { /* what the driver has to write goes into files that are writable yet */
        return set_flags(n, flags, errp) && set_children_writable(n, false, errp);
    }
    n->flags = flags; /* what the children see; the driver only when it can write to them */
    bool ok = set_children_writable(n, true, errp);
    n->flags = old;
    ok = ok && set_flags(n, flags, errp);
    if (!ok) {
        set_children_writable(n, false, NULL);
    }
    return ok;
}

/* The format by the first bytes. raw if nothing else fits. */
static const BlockDriver *probe(BlockNode *file, Error **errp)
{
    uint8_t head[PROBE_BYTES] = {0};
    size_t len = MIN(file->size, sizeof(head));
    int ret = node_pread(file, 0, head, len);
    const BlockDriver *best = NULL;
    int best_score = 0;

    if (ret < 0) {
        error_set_errno(errp, -ret, "Could not read image for determining its format");
        return NULL;
    }
    REGISTRY_FOREACH (BlockDriver, it) {
        int score = (*it)->probe ? (*it)->probe(head, len, file->filename) : 0;
        if (score > best_score) {
            best_score = score;
            best = *it;
        }
    }
    return best ? best : block_driver_find("raw", errp);
}

static bool is_named_child(const BlockDriver *drv, const char *key)
{
    for (const BlockOpt *o = drv->open_opts; o && o->name; o++) {
        if (o->kind == BLOCK_OPT_CHILD && !strcmp(o->name, key)) {
            return true;
        }
    }
    return false;
}

static bool open_extra_child(BlockNode *n, json_t *opts, const char *key, unsigned flags,
                             BlockNode **slot, Error **errp)
{
    g_autoptr(json_t) v = json_incref(json_object_get(opts, key));

    if (!v || !is_named_child(n->drv, key)) {
        return true;
    }
    json_object_del(opts, key);
    if (json_is_null(v)) {
        return true;
    }
    *slot = open_child(n->set, v, flags, errp);
    return *slot != NULL;
}

/* "backing" as an object without a file of its own refines how the image's is opened: later. */
static bool open_backing_opt(BlockNode *n, json_t *opts, json_t **refine, Error **errp)
{
    json_t *v = json_object_get(opts, "backing");

    if (!v) {
        return true;
    }
    if (!is_named_child(n->drv, "backing")) {
        error_set(errp, ERR_INVALID_PARAMETER, "block driver '%s' has no backing file", n->drv->name);
        return false;
    }
    if (json_is_object(v) && !json_object_get(v, "file") && !json_object_get(v, "filename")) {
        *refine = json_incref(v);
        json_object_del(opts, "backing");
        return true;
    }
    n->core->has_backing_opt = true;
    unsigned flags = (n->flags & ~(BLOCK_RDWR | BLOCK_DETECT_ZEROES | BLOCK_DETECT_UNMAP));
    if (!open_extra_child(n, opts, "backing", flags, &n->backing, errp)) {
        return false;
    }
    return !n->backing || node_take_backing(n, false, errp);
}

static bool already_opening(BlockSet *set, const char *name)
{
    g_autofree char *real = g_canonicalize_filename(name, NULL);
    bool found = false;

    for (guint i = 0; i < set->opening->len; i++) {
        found |= !strcmp(set->opening->pdata[i], real);
    }
    return found;
}

static bool open_image_backing(BlockNode *n, json_t *refine, Error **errp)
{
    if (!n->backing_file || n->core->has_backing_opt || n->backing || n->flags & BLOCK_NO_BACKING) {
        return true;
    }
    g_autofree char *path = is_json_name(n->backing_file)
                                ? g_strdup(n->backing_file)
                                : block_backing_path(n->filename, n->backing_file);
    unsigned flags = (n->flags & ~(BLOCK_RDWR | BLOCK_DETECT_ZEROES | BLOCK_DETECT_UNMAP));
    g_autofree char *real = g_canonicalize_filename(n->filename ? n->filename : "", NULL);
    g_ptr_array_add(n->set->opening, real);
    if (n->set->opening->len > MAX_CHAIN) {
        error_set(errp, ERR_GENERIC, "more than %d backing files below each other", MAX_CHAIN);
    } else if (already_opening(n->set, path)) {
        error_set(errp, ERR_GENERIC, "the backing file is one of the images that are based on it");
    } else {
        n->backing = node_open_file(n->set, path, n->backing_format, flags, refine, errp);
    }
    g_ptr_array_set_size(n->set->opening, (gint)n->set->opening->len - 1);
    if (!n->backing) {
        error_prepend(errp, "Could not open backing file '%s' of '%s': ", path,
                      n->filename ? n->filename : n->name);
        return false;
    }
    return node_take_backing(n, false, errp);
}

/* A read-only file makes a read-only node, if that is allowed. */
static bool match_writability(BlockNode *n, Error **errp)
{
    if (!(n->flags & BLOCK_RDWR) || !n->file || n->file->flags & BLOCK_RDWR) {
        return true;
    }
    if (n->flags & BLOCK_AUTO_RDONLY) {
        n->flags &= ~BLOCK_RDWR;
        return true;
    }
    error_set(errp, ERR_GENERIC, "node '%s' is read-only", n->file->name);
    error_hint(errp, "read-only=on opens '%s' for reading", n->filename ? n->filename : n->name);
    return false;
}

static void inherit_limits(BlockNode *n)
{
    if (node_passes_through(n)) {
        n->alignment = MAX(n->alignment, n->file->alignment);
    }
}

static bool open_driver(BlockNode *n, json_t *opts, json_t *refine, Error **errp)
{
    if (!block_typed_opts(n->drv->open_opts, opts, n->drv->name, errp)) {
        return false;
    }
    if (n->drv->open && !n->drv->open(n, opts, errp)) {
        return false;
    }
    inherit_limits(n);
    node_length(n);
    if (open_image_backing(n, refine, errp)) {
        return true;
    }
    if (n->drv->close) {
        n->drv->close(n);
    }
    return false;
}

static void set_filename(BlockNode *n, const json_t *opts)
{
    const char *own = json_string_value(json_object_get(opts, "filename"));

    if (n->file && n->file->filename) {
        own = n->file->filename;
    }
    n->filename = g_strdup(own);
}

/* file was opened before, in order to be probed; it is taken over. */
static BlockNode *make_node(BlockSet *set, const BlockDriver *drv, Common *c, json_t *opts,
                            BlockNode *file, Error **errp)
{
    BlockNode *n = node_alloc(set, drv, g_steal_pointer(&c->name));
    g_autoptr(json_t) refine = NULL;

    n->flags = c->flags;
    n->file = file;
    set_filename(n, opts);
    n->core->opts = json_deep_copy(opts);
    if (match_writability(n, errp) && (!file || take_child(n, file, errp)) &&
        open_extra_child(n, opts, "data-file", child_flags(drv, c->flags), &n->data_file, errp) &&
        (!n->data_file || take_child(n, n->data_file, errp)) &&
        open_backing_opt(n, opts, &refine, errp) && open_driver(n, opts, refine, errp)) {
        return n;
    }
    for (guint i = 0; i < n->core->edges->len; i++) {
        g_free(g_array_index(n->core->edges, NodeEdge, i).who);
    }
    node_destroy(n);
    return NULL;
}

/* {"filename": x} without a driver: the protocol, and the format on it. */
static bool split_filename(json_t *opts, bool child, Common *c, Error **errp)
{
    const char *name = json_string_value(json_object_get(opts, "filename"));
    const BlockDriver *drv = c->driver ? block_driver_find(c->driver, errp) : NULL;

    if (c->driver && !drv) {
        return false;
    }
    if (!name || (drv && drv->kind == DRIVER_PROTOCOL)) {
        return true;
    }
    g_autofree char *filename = g_strdup(name);
    if (!child || drv) { /* the name is the file child's */
        if (json_object_get(opts, "file")) {
            error_set(errp, ERR_INVALID_PARAMETER, "both 'file' and 'filename' are given");
            return false;
        }
        json_object_del(opts, "filename");
        json_object_set_new(opts, "file", json_pack("{s:s}", "filename", filename));
        return true;
    }
    const char *rest = filename;
    drv = protocol_for(&rest, errp);
    if (!drv) {
        return false;
    }
    c->driver = g_strdup(drv->name);
    if (drv->claims && rest[0] && strcmp(drv->name, "host_device") && strcmp(drv->name, "host_cdrom")) {
        return true; /* the driver takes its name apart itself */
    }
    json_object_set_new(opts, "filename", json_string(rest));
    return true;
}

static bool merge_json_name(json_t *opts, Error **errp)
{
    const char *name = json_string_value(json_object_get(opts, "filename"));

    if (!name || !is_json_name(name)) {
        return true;
    }
    g_autoptr(json_t) more = json_name_opts(name, errp);
    if (!more) {
        return false;
    }
    json_object_del(opts, "filename");
    json_object_update_missing(opts, more);
    return true;
}

/* Opens the child that holds the bytes, and finds out the driver if it was not named. */
static BlockNode *open_file_child(BlockSet *set, json_t *opts, Common *c, bool *probed,
                                  Error **errp)
{
    const BlockDriver *drv = c->driver ? block_driver_find(c->driver, errp) : NULL;
    /* blkdebug calls its child "image". */
    const char *key = drv && is_named_child(drv, "image") && !json_object_get(opts, "file") ? "image" : "file";
    g_autoptr(json_t) v = json_incref(json_object_get(opts, key));

    if (!v) {
        error_set(errp, ERR_INVALID_PARAMETER, "A block device must be specified for \"file\"");
        return NULL;
    }
    json_object_del(opts, key);
    unsigned flags = drv ? child_flags(drv, c->flags) : (c->flags | BLOCK_UNMAP);
    BlockNode *file = open_child(set, v, flags & ~(BLOCK_DETECT_ZEROES | BLOCK_DETECT_UNMAP), errp);
    if (file && !drv) {
        drv = probe(file, errp);
        *probed = true;
        if (!drv) {
            node_unref(file);
            return NULL;
        }
        c->driver = g_strdup(drv->name);
    }
    return file;
}

static void warn_probed(BlockNode *n)
{
    n->core->probed_raw = true;
    if (n->flags & BLOCK_RDWR) {
        warn_report("Image format was not specified for '%s' and probing guessed raw; write "
                    "operations on block 0 will be restricted; specify the 'raw' format explicitly "
                    "to remove the restrictions",
                    n->filename ? n->filename : n->name);
    }
}

static BlockNode *open_node(BlockSet *set, json_t *given, unsigned inherited, bool child,
                            Error **errp)
{
    g_autoptr(json_t) opts = json_deep_copy(given);
    g_auto(Common) c = {.flags = inherited};
    BlockNode *file = NULL;
    bool probed = false;

    if (!merge_json_name(opts, errp) || !take_common(opts, &c, errp) ||
        !check_name(set, c.name, errp) || !split_filename(opts, child, &c, errp)) {
        return NULL;
    }
    if (c.driver && !block_driver_find(c.driver, errp)) {
        return NULL;
    }
    if (!c.driver || block_driver_find(c.driver, NULL)->kind != DRIVER_PROTOCOL) {
        file = open_file_child(set, opts, &c, &probed, errp);
        if (!file) {
            return NULL;
        }
    }
    const BlockDriver *drv = block_driver_find(c.driver, NULL);
    BlockNode *n = make_node(set, drv, &c, opts, file, errp);
    if (n && probed && !strcmp(drv->name, "raw")) {
        warn_probed(n);
    }
    return n;
}

/* A tool's own use of the node it opened. */
static bool take_as_tool(BlockNode *n, Error **errp)
{
    unsigned perm = n->flags & BLOCK_NO_IO ? 0 : PERM_READ;

    perm |= n->flags & BLOCK_RDWR ? PERM_WRITE | PERM_RESIZE : 0;
    return node_set_edge(n, n->set, "this program", perm, PERM_ALL, errp);
}

static BlockNode *open_root(BlockSet *set, json_t *opts, unsigned flags, Error **errp)
{
    set->open_depth++;
    BlockNode *n = open_node(set, opts, flags, false, errp);
    set->open_depth--;
    if (n && set->tool && !set->open_depth && !take_as_tool(n, errp)) {
        node_unref(n);
        return NULL;
    }
    return n;
}

BlockNode *node_open(BlockSet *set, json_t *opts, Error **errp)
{
    return open_root(set, opts, BLOCK_RDWR, errp);
}

BlockNode *node_open_file(BlockSet *set, const char *filename, const char *format, unsigned flags,
                          json_t *more_opts, Error **errp)
{
    g_autoptr(json_t) opts = more_opts ? json_deep_copy(more_opts) : json_object();
    const BlockDriver *drv = format ? block_driver_find(format, errp) : NULL;

    if (format && !drv) {
        return NULL;
    }
    json_object_set_new(opts, "filename", json_string(filename));
    if (drv) {
        json_object_set_new(opts, "driver", json_string(format));
    }
    BlockNode *n = open_root(set, opts, flags, errp);
    if (!n && set->open_depth == 0 && errp) {
        error_prepend(errp, "Could not open '%s': ", filename);
    }
    return n;
}

void block_snapshot_free(BlockSnapshot *sn)
{
    if (sn) {
        g_free(sn->id);
        g_free(sn->name);
        g_free(sn);
    }
}
