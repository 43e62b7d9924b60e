/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * snapshot: internal snapshots of an image that no machine uses.
 */
#include <string.h>

#include "tools/rhea-img.h"

static bool make_snapshot(BlockNode *n, const char *name, Error **errp)
{
    int64_t now = g_get_real_time();
    BlockSnapshot sn = {
        .name = (char *)name,
        .date_sec = now / G_USEC_PER_SEC,
        .date_nsec = (uint32_t)(now % G_USEC_PER_SEC * 1000),
        .disk_size = n->size,
        .icount = -1,
    };

    return n->drv->snapshot_create(n, &sn, errp);
}

static bool act(BlockNode *n, int action, const char *name, Error **errp)
{
    bool ok;

    if (!n->drv->snapshot_create || !n->drv->snapshot_goto || !n->drv->snapshot_delete) {
        error_set(errp, ERR_UNSUPPORTED, "format '%s' has no internal snapshots", n->drv->name);
        ok = false;
    } else {
        ok = action == 'c'   ? make_snapshot(n, name, errp)
             : action == 'a' ? n->drv->snapshot_goto(n, name, errp)
                             : n->drv->snapshot_delete(n, name, errp);
    }
    if (!ok) {
        error_prepend(errp, "Could not %s snapshot '%s': ",
                      action == 'c' ? "create" : action == 'a' ? "apply" : "delete", name);
    }
    return ok;
}

static int run_snapshot(ImgArgs *a)
{
    static const char letters[] = "lcad";
    int action = 0;

    for (const char *p = letters; *p; p++) {
        if (img_has(a, *p) && action) {
            return img_fail(1, "Cannot mix '-l', '-a', '-c', '-d'");
        }
        action = img_has(a, *p) ? *p : action;
    }
    action = action ? action : 'l';
    if (!img_operands(a, 1, 1, "Expecting one image file name")) {
        return 1;
    }
    bool list = action == 'l';
    BlockNode *n = img_open_main(a, img_file(a, 0),
                                 list ? BLOCK_NO_BACKING : BLOCK_RDWR | BLOCK_UNMAP);
    if (!n) {
        return 1;
    }
    Error *err = NULL;
    if (list) {
        g_autoptr(json_t) all = block_snapshots_info(n);
        g_autoptr(GString) text = g_string_new(NULL);
        block_snapshots_text(text, all);
        fputs(text->str, stdout);
    } else {
        act(n, action, img_arg(a, action), &err);
    }
    node_unref(n);
    return err ? img_failed(1, err) : 0;
}

static const ImgOpt snapshot_opts[] = {
    {'l', "list", NULL, "list all (if no other action is given)"},
    {'c', "create", "NAME", "make one"},
    {'a', "apply", "NAME", "put the disk back to what it was"},
    {'d', "delete", "NAME", "delete one"},
    IMG_OPT_FORMAT,
    IMG_OPT_SHARE,
    IMG_OPT_QUIET,
    IMG_OPT_IMAGE_OPTS,
    IMG_OPT_HELP,
    IMG_OPT_END,
};

static const ImgCommand snapshot_command = {
    .name = "snapshot",
    .operands = "FILE",
    .help = "list, make, apply or delete internal snapshots",
    .opts = snapshot_opts,
    .run = run_snapshot,
};
IMG_COMMAND(snapshot_command);
