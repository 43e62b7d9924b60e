/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the options of disks mean: see options.h.
 */
#include "main/options.h"

#include <string.h>

void config_drive_free(gpointer p)
{
    ConfigDrive *d = p;

    g_free(d->option);
    json_decref(d->opts);
    g_free(d);
}

/* Takes opts. */
static bool add_drive(Config *c, const char *option, const char *text, json_t *opts)
{
    ConfigDrive *d = g_new(ConfigDrive, 1);

    *d = (ConfigDrive){g_strdup_printf("%s %s", option, text), opts};
    g_ptr_array_add(c->drives, d);
    c->flash |= g_strcmp0(opts_get(opts, "if"), "pflash") == 0;
    return true;
}

bool opt_drive(Config *c, const OptValue *v, Error **errp)
{
    if (is_help(opts_get(v->obj, "format"))) {
        return set_help(c, "drive", "");
    }
    return add_drive(c, "-drive", v->text, json_incref(v->obj));
}

bool opt_blockdev(Config *c, const OptValue *v, Error **errp)
{
    if (is_help(opts_get(v->obj, "driver"))) {
        return set_help(c, "blockdev", "");
    }
    g_ptr_array_add(c->blockdevs, v->obj);
    return true;
}

/* index -1: the next free one. */
static bool add_image(Config *c, const char *option, const char *file, const char *iface, int index,
                      bool cdrom)
{
    json_t *opts = json_pack("{s:s, s:s}", "file", file, "media", cdrom ? "cdrom" : "disk");

    if (!opts) { /* not UTF-8 */
        opts = json_pack("{s:s}", "file", "");
    }
    if (iface) {
        json_object_set_new(opts, "if", json_string(iface));
    }
    if (index >= 0) {
        json_object_set_new(opts, "index", json_integer(index));
    }
    return add_drive(c, option, file, opts);
}

bool opt_hda(Config *c, const OptValue *v, Error **errp)
{
    return add_image(c, "-hda", v->text, NULL, 0, false);
}

bool opt_hdb(Config *c, const OptValue *v, Error **errp)
{
    return add_image(c, "-hdb", v->text, NULL, 1, false);
}

bool opt_hdc(Config *c, const OptValue *v, Error **errp)
{
    return add_image(c, "-hdc", v->text, NULL, 2, false);
}

bool opt_hdd(Config *c, const OptValue *v, Error **errp)
{
    return add_image(c, "-hdd", v->text, NULL, 3, false);
}

bool opt_cdrom(Config *c, const OptValue *v, Error **errp)
{
    return add_image(c, "-cdrom", v->text, NULL, 2, true);
}

bool opt_fda(Config *c, const OptValue *v, Error **errp)
{
    return add_image(c, "-fda", v->text, "floppy", 0, false);
}

bool opt_fdb(Config *c, const OptValue *v, Error **errp)
{
    return add_image(c, "-fdb", v->text, "floppy", 1, false);
}

bool opt_pflash(Config *c, const OptValue *v, Error **errp)
{
    return add_image(c, "-pflash", v->text, "pflash", -1, false);
}

bool opt_snapshot(Config *c, const OptValue *v, Error **errp)
{
    c->snapshot = true;
    return true;
}
