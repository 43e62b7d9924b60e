/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a new image: the file first, then the format in it.
 *
 * home: main loop.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/internal.h"

/* The protocol's half. A block device is there already. */
static bool make_file(BlockSet *set, const char *path, bool device, Error **errp)
{
    const BlockDriver *file = block_driver_find("file", errp);
    g_autoptr(json_t) opts = json_pack("{s:i}", "size", 0);

    return device || (file && file->create(set, NULL, path, opts, errp));
}

bool block_image_create(BlockSet *set, const char *format, const char *filename, json_t *opts,
                        Error **errp)
{
    const BlockDriver *drv = block_driver_find(format, errp);
    const char *path = g_str_has_prefix(filename, "file:") ? filename + strlen("file:") : filename;
    struct stat st;
    bool device = stat(path, &st) == 0 && S_ISBLK(st.st_mode);

    if (!drv) {
        return false;
    }
    if (!drv->create || drv->kind != DRIVER_FORMAT) {
        error_set(errp, ERR_UNSUPPORTED, "Format driver '%s' does not support image creation", format);
        return false;
    }
    if (!block_typed_opts(drv->create_opts, opts, format, errp) ||
        !make_file(set, path, device, errp)) {
        return false;
    }
    BlockNode *file = node_open_file(set, path, device ? "host_device" : "file",
                                     BLOCK_RDWR | BLOCK_NO_FLUSH | BLOCK_UNMAP, NULL, errp);
    bool ok = file && drv->create(set, file, filename, opts, errp);
    node_unref(file);
    if (!ok && !device) { /* it is no image: whatever was there was emptied before */
        unlink(path);
    }
    return ok;
}
