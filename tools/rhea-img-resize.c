/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resize: another size of the disk.
 */
#include <string.h>

#include "base/units.h"
#include "tools/rhea-img.h"

/* "10G", "+10G", "-10G" */
static bool new_size(const char *text, uint64_t now, uint64_t *size, Error **errp)
{
    char sign = *text == '+' || *text == '-' ? *text : 0;
    uint64_t value;

    if (!parse_size(text + (sign != 0), 'B', &value, errp)) {
        return false;
    }
    if ((sign == '-' && value >= now) || (!sign && !value)) {
        error_set(errp, ERR_INVALID_PARAMETER, "New image size must be positive");
        return false;
    }
    if (value > INT64_MAX || (sign == '+' && value > INT64_MAX - now)) {
        error_set(errp, ERR_INVALID_PARAMETER, "The new image size is too large");
        return false;
    }
    *size = sign == '+' ? now + value : sign == '-' ? now - value : value;
    return true;
}

static bool resize(ImgArgs *a, BlockNode *n, const char *text, const char *prealloc, Error **errp)
{
    uint64_t size, old = n->size;

    if (!new_size(text, old, &size, errp)) {
        return false;
    }
    if (size <= old && strcmp(prealloc, "off")) {
        error_set(errp, ERR_INVALID_PARAMETER, "Preallocation can only be used for growing images");
        return false;
    }
    if (size < old && !img_has(a, IMG_SHRINK)) {
        error_set(errp, ERR_INVALID_PARAMETER, "Use the --shrink option to perform a shrink operation");
        error_hint(errp, "shrinking deletes all data beyond the new end of the disk");
        return false;
    }
    return node_truncate(n, size, prealloc, errp);
}

static int run_resize(ImgArgs *a)
{
    static const char *const modes[] = {"off", "metadata", "falloc", "full", NULL};
    const char *prealloc = img_arg(a, IMG_PREALLOCATION) ? img_arg(a, IMG_PREALLOCATION) : "off";

    if (!g_strv_contains(modes, prealloc)) {
        return img_fail(1, "Invalid preallocation mode '%s'; it is one of off, metadata, falloc, full",
                        prealloc);
    }
    if (!img_operands(a, 2, 2, "Expecting an image file name and a size")) {
        return 1;
    }
    BlockNode *n = img_open_main(a, img_file(a, 0), BLOCK_RDWR | BLOCK_UNMAP);
    if (!n) {
        return 1;
    }
    Error *err = NULL;
    bool ok = resize(a, n, img_file(a, 1), prealloc, &err);
    node_unref(n);
    if (!ok) {
        return img_failed(1, err);
    }
    img_say(a, "Image resized.\n");
    return 0;
}

static const ImgOpt resize_opts[] = {
    IMG_OPT_FORMAT,
    {IMG_SHRINK, "shrink", NULL, "allow a smaller size: what is beyond it is lost"},
    {IMG_PREALLOCATION, "preallocation", "MODE", "of what is new: off, metadata, falloc, full"},
    IMG_OPT_QUIET,
    IMG_OPT_IMAGE_OPTS,
    IMG_OPT_HELP,
    IMG_OPT_END,
};

static const ImgCommand resize_command = {
    .name = "resize",
    .operands = "FILE [+|-]SIZE",
    .help = "change the size of the disk",
    .opts = resize_opts,
    .run = run_resize,
    .keeps_signs = true,
};
IMG_COMMAND(resize_command);
