/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * info: what an image is, and its backing files if asked.
 */
#include <stdio.h>
#include <string.h>

#include "tools/rhea-img.h"

/* ---- the command ---- */

/* Each of the chain is opened by itself: the one below may be missing, or damaged. */
static int show_chain(ImgArgs *a, BlockNode *n, bool chain, bool as_json, json_t *all)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (bool first = true; n; first = false) {
        Error *err = NULL;
        json_t *o = block_image_info(n);
        json_array_append_new(all, o);
        if (!as_json) {
            g_autoptr(GString) text = g_string_new(first ? "" : "\n");
            block_image_text(text, o);
            fputs(text->str, stdout);
        }
        g_autofree char *next = chain && n->backing_file && *n->backing_file
                                    ? block_backing_path(n->filename, n->backing_file) : NULL;
        g_autofree char *format = g_strdup(n->backing_format);
        g_hash_table_add(seen, g_strdup(n->filename ? n->filename : ""));
        node_unref(n);
        if (!next) {
            return 0;
        }
        if (g_hash_table_contains(seen, next)) {
            return img_fail(1, "Backing file '%s' creates an infinite loop.", next);
        }
        n = img_open(a, next, format, BLOCK_NO_BACKING | BLOCK_NO_IO, false, &err);
        if (!n) {
            return img_failed(1, err);
        }
    }
    return 0;
}

static int run_info(ImgArgs *a)
{
    bool as_json, chain = img_has(a, IMG_BACKING_CHAIN);
    g_autoptr(json_t) all = json_array();

    if (!img_operands(a, 1, 1, "Expecting one image file name") || !img_output(a, &as_json)) {
        return 1;
    }
    BlockNode *n = img_open_main(a, img_file(a, 0), BLOCK_NO_BACKING | BLOCK_NO_IO);
    if (!n) {
        return 1;
    }
    int status = show_chain(a, n, chain, as_json, all);
    if (as_json && status == 0) {
        img_print_json(chain ? all : json_array_get(all, 0));
    }
    return status;
}

static const ImgOpt info_opts[] = {
    IMG_OPT_FORMAT,
    {IMG_BACKING_CHAIN, "backing-chain", NULL, "also all backing files below it"},
    IMG_OPT_OUTPUT,
    IMG_OPT_SHARE,
    IMG_OPT_IMAGE_OPTS,
    IMG_OPT_HELP,
    IMG_OPT_END,
};

static const ImgCommand info_command = {
    .name = "info",
    .operands = "FILE",
    .help = "show what an image is",
    .opts = info_opts,
    .run = run_info,
};
IMG_COMMAND(info_command);
