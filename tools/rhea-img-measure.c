/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * measure: how large the file of a new image will be, empty or as the copy of another.
 */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "tools/rhea-img.h"

/* The bytes of whole clusters that hold data. */
static int data_bytes(BlockNode *n, uint64_t cluster, uint64_t *out)
{
    uint64_t got, counted = 0; /* up to where clusters were counted */

    *out = 0;
    for (uint64_t at = 0; at < n->size; at += got) {
        int st = node_block_status_above(n, NULL, at, MIN(n->size - at, GiB), &got, NULL, NULL);
        if (st < 0) {
            return st;
        }
        if (!got) {
            break;
        }
        if (st & STATUS_DATA && !(st & STATUS_ZERO)) {
            uint64_t first = MAX(at / cluster * cluster, counted);
            counted = (at + got + cluster - 1) / cluster * cluster;
            *out += counted > first ? counted - first : 0;
        }
    }
    return 0;
}

static bool measure(ImgArgs *a, const BlockDriver *drv, BlockNode *source, uint64_t size,
                    BlockMeasure *m, Error **errp)
{
    g_autofree char *text = img_arg_joined(a, 'o');
    g_autoptr(json_t) opts = img_parse_options(text, errp);
    uint64_t data = 0;

    if (!opts) {
        return false;
    }
    json_object_set_new(opts, "size", json_integer((json_int_t)size));
    if (!block_typed_opts(drv->create_opts, opts, drv->name, errp) ||
        !drv->measure(opts, size, m, errp)) {
        return false;
    }
    int ret = source ? data_bytes(source, m->cluster, &data) : 0;
    if (ret < 0) {
        error_set_errno(errp, -ret, "error while reading image metadata");
        return false;
    }
    if (m->cluster > 1) { /* the format leaves out what is not there */
        m->required += data;
    }
    return true;
}

static void print_measure(const BlockMeasure *m, bool json)
{
    if (json) {
        g_autoptr(json_t) o = json_pack("{s:I, s:I}", "required", (json_int_t)m->required,
                                        "fully-allocated", (json_int_t)m->fully_allocated);
        img_print_json(o);
    } else {
        printf("required size: %" G_GUINT64_FORMAT "\nfully allocated size: %" G_GUINT64_FORMAT "\n",
               m->required, m->fully_allocated);
    }
}

static bool check_arguments(ImgArgs *a)
{
    bool sized = img_has(a, IMG_SIZE);
    const char *wrong = NULL;

    if (!sized && a->files->len != 1) {
        wrong = "Either --size N or one filename must be specified.";
    } else if (sized && a->files->len) {
        wrong = "--size N cannot be used together with a filename.";
    } else if (sized && (img_has(a, 'l') || img_has(a, IMG_IMAGE_OPTS) || img_has(a, 'f'))) {
        wrong = "-l, -f and --image-opts require a filename.";
    }
    if (wrong) {
        error_report_text("%s", wrong);
    }
    return !wrong;
}

static int run_measure(ImgArgs *a)
{
    const char *format = img_arg(a, 'O') ? img_arg(a, 'O') : "raw";
    uint64_t size = 0;
    bool json;

    if (!check_arguments(a) || !img_output(a, &json) ||
        !img_size_arg(a, IMG_SIZE, "image size", &size)) {
        return 1;
    }
    const BlockDriver *drv = img_target_driver(format);
    if (drv && !drv->measure) {
        return img_fail(1, "Block driver '%s' does not support size measurement", format);
    }
    BlockNode *n = drv && a->files->len ? img_open_main(a, img_file(a, 0), 0) : NULL;
    if (!drv || (a->files->len && !n)) {
        return 1;
    }
    Error *err = NULL;
    BlockMeasure m = {.cluster = 1};
    bool ok = !n || img_load_snapshot(n, img_arg(a, 'l'), &err);
    ok = ok && measure(a, drv, n, n ? n->size : size, &m, &err);
    node_unref(n);
    if (!ok) {
        return img_failed(1, err);
    }
    print_measure(&m, json);
    return 0;
}

static const ImgOpt measure_opts[] = {
    IMG_OPT_FORMAT,
    {'O', "target-format", "FMT", "format of the new image (raw)"},
    {'o', "options", "OPTIONS", "its options, as of create"},
    {IMG_SIZE, "size", "SIZE", "an empty image of this size"},
    {'l', "snapshot", "SNAPSHOT", "measure an internal snapshot of the file"},
    IMG_OPT_OUTPUT,
    IMG_OPT_SHARE,
    IMG_OPT_IMAGE_OPTS,
    IMG_OPT_HELP,
    IMG_OPT_END,
};

static const ImgCommand measure_command = {
    .name = "measure",
    .operands = "[FILE]",
    .help = "tell how large a new image's file will be",
    .opts = measure_opts,
    .run = run_measure,
};
IMG_COMMAND(measure_command);
