/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * create: new, empty images. amend: changes options of one that exists.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "tools/rhea-img.h"

/* The options in the order in which qemu-img prints them; with '+' also when not given. */
static const char *const print_order[] = {
    "+cluster_size", "+extended_l2", "preallocation", "+compression_type", "size", "compat",
    "backing_file", "backing_fmt", "data_file", "data_file_raw", "+lazy_refcounts",
    "+refcount_bits", NULL,
};

static const BlockOpt *find_opt(const BlockDriver *drv, const char *name)
{
    for (const BlockOpt *o = drv->create_opts; o && o->name; o++) {
        if (!strcmp(o->name, name)) {
            return o;
        }
    }
    return NULL;
}

static void print_value(const BlockOpt *o, const char *text)
{
    uint64_t size;
    bool on;

    if (o->kind == BLOCK_OPT_SIZE && parse_size(text, 'B', &size, NULL)) {
        printf(" %s=%" G_GUINT64_FORMAT, o->name, size);
    } else if (o->kind == BLOCK_OPT_BOOL && parse_bool(text, &on, NULL)) {
        printf(" %s=%s", o->name, on ? "on" : "off");
    } else {
        printf(" %s=", o->name);
        for (const char *p = text; *p; p++) {
            printf(*p == ',' ? ",," : "%c", *p);
        }
    }
}

static void print_formatted(const BlockDriver *drv, const char *filename, json_t *opts)
{
    printf("Formatting '%s', fmt=%s", filename, drv->name);
    for (const char *const *p = print_order; *p; p++) {
        bool always = **p == '+';
        const BlockOpt *o = find_opt(drv, *p + always);
        const char *value = o ? img_opt_str(opts, o->name) : NULL;
        if (o && !value && always) {
            value = o->def;
        }
        if (value) {
            print_value(o, value);
        }
    }
    printf("\n");
    fflush(stdout);
}

/* -o key=value, and the options that have a letter of their own. */
static json_t *collect_options(ImgArgs *a, const BlockDriver *drv, Error **errp)
{
    g_autofree char *text = img_arg_joined(a, 'o');
    g_autoptr(json_t) opts = img_parse_options(text, errp);
    static const struct {
        int code;
        const char *key, *what;
    } letters[] = {{'b', "backing_file", "Backing file"}, {'F', "backing_fmt", "Backing format"}};

    if (!opts) {
        return NULL;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(letters); i++) {
        const char *value = img_arg(a, letters[i].code);
        if (!value) {
            continue;
        }
        if (!find_opt(drv, letters[i].key)) {
            error_set(errp, ERR_UNSUPPORTED, "%s not supported for file format '%s'",
                      letters[i].what, drv->name);
            return NULL;
        }
        json_object_set_new(opts, letters[i].key, json_string(value));
    }
    return g_steal_pointer(&opts);
}

/* The backing file is what it should be; its size if none was given. */
static bool check_backing(ImgArgs *a, const char *filename, json_t *opts, Error **errp)
{
    const char *backing = img_opt_str(opts, "backing_file");
    const char *format = img_opt_str(opts, "backing_fmt");

    if (!backing || !*backing) {
        return true;
    }
    g_autofree char *path = block_backing_path(filename, backing);
    if (!strcmp(path, filename)) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "Trying to create an image with the same filename as the backing file");
        return false;
    }
    if (img_has(a, 'u')) {
        if (!format) {
            error_set(errp, ERR_INVALID_PARAMETER, "Backing file specified without backing format");
        }
        return format != NULL;
    }
    BlockNode *n = node_open_file(a->set, path, format, 0, NULL, errp);
    if (!n) {
        error_hint(errp, "Could not open backing image");
        return false;
    }
    bool ok = format != NULL;
    if (!ok) {
        error_set(errp, ERR_INVALID_PARAMETER, "Backing file specified without backing format");
        error_hint(errp, "Detected format of %s: add -F %s", n->drv->name, n->drv->name);
    } else if (!json_object_get(opts, "size")) {
        json_object_set_new(opts, "size", json_stringf("%" G_GUINT64_FORMAT, n->size));
    }
    node_unref(n);
    return ok;
}

static bool check_size(json_t *opts, Error **errp)
{
    const char *text = img_opt_str(opts, "size");
    uint64_t size;

    if (!text) {
        error_set(errp, ERR_INVALID_PARAMETER, "Image creation needs a size parameter");
        return false;
    }
    if (!parse_size(text, 'B', &size, errp)) {
        return false;
    }
    if (size > INT64_MAX) {
        error_set(errp, ERR_INVALID_PARAMETER, "Image size must be less than 8 EiB!");
        return false;
    }
    return true;
}

/* Names and values, before anything is printed or touched. */
static bool check_options(const BlockDriver *drv, json_t *opts, Error **errp)
{
    const char *key;
    json_t *v;

    json_object_foreach(opts, key, v)
    {
        if (!find_opt(drv, key)) {
            error_set(errp, ERR_INVALID_PARAMETER, "Invalid parameter '%s'", key);
            error_hint(errp, "'-o help' lists the options of %s", drv->name);
            return false;
        }
    }
    return true;
}

static bool prepare(ImgArgs *a, const BlockDriver *drv, const char *filename, json_t *opts,
                    Error **errp)
{
    if (a->files->len > 1 && json_object_get(opts, "size")) {
        error_set(errp, ERR_INVALID_PARAMETER, "The image size must be specified only once");
        return false;
    }
    if (a->files->len > 1) {
        json_object_set_new(opts, "size", json_string(img_file(a, 1)));
    }
    return check_options(drv, opts, errp) && check_backing(a, filename, opts, errp) &&
           check_size(opts, errp) && img_may_overwrite(a, filename, errp);
}

static int run_create(ImgArgs *a)
{
    const char *format = img_arg(a, 'f') ? img_arg(a, 'f') : "raw";
    g_autofree char *text = img_arg_joined(a, 'o');
    uint64_t size;

    if (img_options_help(format, text, "Supported %s options:\n")) {
        return 0;
    }
    if (!img_operands(a, 1, 2, "Expecting image file name")) {
        return 1;
    }
    const char *filename = img_file(a, 0);
    const BlockDriver *drv = img_target_driver(format);
    if (!drv || (img_file(a, 1) && !img_size(img_file(a, 1), "image size", &size))) {
        return 1;
    }
    Error *err = NULL;
    g_autoptr(json_t) opts = collect_options(a, drv, &err);
    if (opts && prepare(a, drv, filename, opts, &err)) {
        if (!a->quiet) {
            print_formatted(drv, filename, opts);
        }
        if (block_image_create(a->set, format, filename, opts, &err)) {
            return 0;
        }
    }
    error_prepend(&err, "%s: ", filename);
    return img_failed(1, err);
}

static const ImgOpt create_opts[] = {
    {'f', "format", "FMT", "format of the new image (raw)"},
    {'b', "backing-file", "FILE", "what shows through where nothing was written"},
    {'F', "backing-format", "FMT", "format of the backing file"},
    {'u', "backing-unsafe", NULL, "do not open the backing file; a size has to be given"},
    {'o', "options", "OPTIONS", "options of the format: key=value,...; 'help' lists them"},
    {IMG_FORCE, "force", NULL, "overwrite an image that exists"},
    IMG_OPT_QUIET,
    IMG_OPT_HELP,
    IMG_OPT_END,
};

static const ImgCommand create_command = {
    .name = "create",
    .operands = "FILE [SIZE]",
    .help = "make a new, empty image",
    .opts = create_opts,
    .run = run_create,
};
IMG_COMMAND(create_command);

/* ---- amend ---- */

static bool amend(BlockNode *n, const char *text, Error **errp)
{
    g_autoptr(json_t) opts = img_parse_options(text, errp);

    return opts && check_options(n->drv, opts, errp) && n->drv->amend(n, opts, errp);
}

static int amend_help(const char *format)
{
    const BlockDriver *drv = img_target_driver(format);

    if (drv && !drv->amend) {
        return img_fail(1, "Format driver '%s' does not support option amendment", format);
    }
    return drv && img_options_help(format, "help", "Amend options for '%s':\n") ? 0 : 1;
}

static int run_amend(ImgArgs *a)
{
    g_autofree char *text = img_arg_joined(a, 'o');
    ImgCache cache;

    if (!text) {
        return img_fail(1, "Must specify options (-o)");
    }
    if (img_arg(a, 'f') && (!strcmp(text, "help") || !strcmp(text, "?"))) {
        return amend_help(img_arg(a, 'f'));
    }
    if (!img_operands(a, 1, 1, "Expecting one image file name") ||
        !img_cache(a, 't', "cache", "writeback", &cache)) {
        return 1;
    }
    BlockNode *n = img_open_main(a, img_file(a, 0), BLOCK_RDWR | cache.flags);
    if (!n) {
        return 1;
    }
    Error *err = NULL;
    if (!n->drv->amend) {
        error_set(&err, ERR_UNSUPPORTED, "Format driver '%s' does not support option amendment",
                  n->drv->name);
    } else {
        img_progress_start(a, img_has(a, 'p'));
        if (amend(n, text, &err)) {
            img_progress(a, 1);
        }
        img_progress_end(a);
    }
    node_unref(n);
    return err ? img_failed(1, err) : 0;
}

static const ImgOpt amend_opts[] = {
    IMG_OPT_FORMAT,
    {'o', "options", "OPTIONS", "what to change: key=value,...; 'help' with -f lists the options"},
    IMG_OPT_CACHE,
    IMG_OPT_PROGRESS,
    IMG_OPT_QUIET,
    IMG_OPT_IMAGE_OPTS,
    IMG_OPT_HELP,
    IMG_OPT_END,
};

static const ImgCommand amend_command = {
    .name = "amend",
    .operands = "FILE",
    .help = "change options of an image's format",
    .opts = amend_opts,
    .run = run_amend,
};
IMG_COMMAND(amend_command);
