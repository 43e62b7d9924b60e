/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening images as commands ask for it, and the options of formats.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/suggest.h"
#include "schema/opts.h"
#include "tools/rhea-img.h"

bool img_cache(const ImgArgs *a, int code, const char *what, const char *def, ImgCache *out)
{
    static const struct {
        const char *name;
        ImgCache cache;
    } modes[] = {
        {"none", {BLOCK_NOCACHE, false}},      {"off", {BLOCK_NOCACHE, false}},
        {"writeback", {0, false}},             {"writethrough", {0, true}},
        {"directsync", {BLOCK_NOCACHE, true}}, {"unsafe", {BLOCK_NO_FLUSH, false}},
    };
    const char *mode = img_arg(a, code);

    mode = mode ? mode : def;
    for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
        if (!strcmp(modes[i].name, mode)) {
            *out = modes[i].cache;
            return true;
        }
    }
    error_report_text("Invalid %s option: %s; it is one of none, writeback, writethrough, "
                      "directsync, unsafe", what, mode);
    return false;
}

static bool has_backing_child(const char *driver)
{
    const BlockDriver *drv = driver ? block_driver_find(driver, NULL) : NULL;

    for (const BlockOpt *o = drv ? drv->open_opts : NULL; o && o->name; o++) {
        if (!strcmp(o->name, "backing")) {
            return true;
        }
    }
    return false;
}

/* --image-opts: our defaults behind what the user said. */
static BlockNode *open_by_options(ImgArgs *a, const char *text, unsigned flags, Error **errp)
{
    g_autoptr(json_t) opts = block_parse_opts(text, errp);
    g_autoptr(json_t) defaults = NULL;

    if (!opts) {
        return NULL;
    }
    const char *file = json_string_value(json_object_get(opts, "filename"));
    if (file && !json_object_get(opts, "file")) {
        g_autofree char *name = g_strdup(file);
        g_autofree char *driver = opts_take(opts, "driver");
        json_object_del(opts, "filename");
        return node_open_file(a->set, name, driver, flags, opts, errp);
    }
    defaults = json_pack("{s:b, s:{s:b, s:b}, s:s, s:b}", "read-only", !(flags & BLOCK_RDWR), "cache",
                         "direct", !!(flags & BLOCK_NOCACHE), "no-flush",
                         !!(flags & BLOCK_NO_FLUSH), "discard",
                         flags & BLOCK_UNMAP ? "unmap" : "ignore", "force-share",
                         !!(flags & BLOCK_NO_LOCK));
    if (flags & BLOCK_NO_BACKING &&
        has_backing_child(json_string_value(json_object_get(opts, "driver")))) {
        json_object_set_new(opts, "backing", json_null());
    }
    json_object_update_missing(opts, defaults);
    BlockNode *n = node_open(a->set, opts, errp);
    if (!n) {
        error_prepend(errp, "Could not open '%s': ", text);
    }
    return n;
}

BlockNode *img_open(ImgArgs *a, const char *name, const char *format, unsigned flags,
                    bool image_opts, Error **errp)
{
    flags |= img_has(a, 'U') ? BLOCK_NO_LOCK : 0;
    if (flags & BLOCK_RDWR && flags & BLOCK_NO_LOCK) {
        error_set(errp, ERR_INVALID_PARAMETER, "-U only goes with opening for reading");
        return NULL;
    }
    if (!image_opts) {
        return node_open_file(a->set, name, format, flags, NULL, errp);
    }
    if (format) {
        error_set(errp, ERR_INVALID_PARAMETER, "--image-opts and --format are mutually exclusive");
        return NULL;
    }
    return open_by_options(a, name, flags, errp);
}

BlockNode *img_open_main(ImgArgs *a, const char *name, unsigned flags)
{
    Error *err = NULL;
    BlockNode *n = img_open(a, name, img_arg(a, 'f'), flags, img_has(a, IMG_IMAGE_OPTS), &err);

    if (!n) {
        img_failed(1, err);
    }
    return n;
}

static gint by_opt_name(gconstpointer a, gconstpointer b)
{
    const BlockOpt *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

bool img_options_help(const char *format, const char *text, const char *title)
{
    static const char *const kinds[] = {"str", "bool (on/off)", "size", "num", "child"};
    g_auto(GStrv) parts = g_strsplit(text ? text : "", ",", -1);
    const BlockDriver *drv = block_driver_find(format, NULL);

    if (!drv || (!g_strv_contains((const char *const *)parts, "help") &&
                 !g_strv_contains((const char *const *)parts, "?"))) {
        return false;
    }
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    for (const BlockOpt *o = drv->create_opts; o && o->name; o++) {
        g_ptr_array_add(all, (void *)o);
    }
    g_ptr_array_sort(all, by_opt_name);
    printf(title, format);
    for (guint i = 0; i < all->len; i++) {
        const BlockOpt *o = all->pdata[i];
        g_autofree char *left = g_strdup_printf("%s=<%s>", o->name, kinds[o->kind]);
        printf("  %-22s - %s\n", left, o->help);
    }
    return true;
}

json_t *img_parse_options(const char *text, Error **errp)
{
    return text ? opts_parse(text, NULL, errp) : json_object();
}

const char *img_opt_str(json_t *opts, const char *key)
{
    return json_string_value(json_object_get(opts, key));
}

bool img_may_overwrite(const ImgArgs *a, const char *filename, Error **errp)
{
    struct stat st;
    const char *path = g_str_has_prefix(filename, "file:") ? filename + strlen("file:") : filename;

    if (img_has(a, IMG_FORCE) || stat(path, &st) < 0 || !S_ISREG(st.st_mode) || !st.st_size) {
        return true;
    }
    error_set(errp, ERR_INVALID_PARAMETER, "'%s' exists and is not empty", filename);
    error_hint(errp, "--force overwrites it");
    return false;
}

void img_print_json(const json_t *v)
{
    char *text = json_dumps(v, JSON_INDENT(4) | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY);

    printf("%s\n", text);
    free(text);
}

const BlockDriver *img_target_driver(const char *format)
{
    g_autoptr(Error) err = NULL;
    const BlockDriver *drv = block_driver_find(format, &err);

    if (!drv) {
        error_report_text("Unknown file format '%s'%s%s", format, error_hint_text(err) ? "; " : "",
                          error_hint_text(err) ? error_hint_text(err) : "");
        return NULL;
    }
    if (!drv->create || drv->kind != DRIVER_FORMAT) {
        error_report_text("Format driver '%s' does not support image creation", format);
        return NULL;
    }
    return drv;
}

bool img_load_snapshot(BlockNode *n, const char *param, Error **errp)
{
    g_autofree char *found = NULL;

    if (!param) {
        return true;
    }
    if (!n->drv->snapshot_load || !n->drv->snapshot_list) {
        error_set(errp, ERR_UNSUPPORTED,
                  "Failed to load snapshot: format '%s' has no internal snapshots", n->drv->name);
        return false;
    }
    const char *id = NULL, *name = NULL;
    g_autoptr(json_t) opts = NULL;
    if (g_str_has_prefix(param, "snapshot.")) {
        opts = opts_parse(param, NULL, errp);
        if (!opts) {
            return false;
        }
        id = img_opt_str(opts, "snapshot.id");
        name = img_opt_str(opts, "snapshot.name");
    }
    GPtrArray *list = n->drv->snapshot_list(n);
    for (guint i = 0; list && i < list->len && !found; i++) {
        const BlockSnapshot *sn = list->pdata[i];
        bool match = opts ? (!id || !strcmp(sn->id, id)) && (!name || !strcmp(sn->name, name))
                          : !strcmp(sn->id, param) || !strcmp(sn->name, param);
        found = match && (!opts || id || name) ? g_strdup(sn->id) : NULL;
    }
    if (list) {
        g_ptr_array_unref(list);
    }
    if (!found) {
        error_set(errp, ERR_GENERIC, "Failed to load snapshot: Can't find snapshot '%s'", param);
        return false;
    }
    return n->drv->snapshot_load(n, found, errp);
}
