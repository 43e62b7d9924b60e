/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -drive: what is the drive's own, what is for the port, and the rest, which opens the node.
 *
 * home: main loop, before the machine or in drive_add.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/suggest.h"
#include "base/units.h"
#include "block/port.h"

static const char *const iface_names[] = {
    [DRIVE_NONE] = "none",     [DRIVE_IDE] = "ide", [DRIVE_SCSI] = "scsi", [DRIVE_FLOPPY] = "floppy",
    [DRIVE_PFLASH] = "pflash", [DRIVE_MTD] = "mtd", [DRIVE_SD] = "sd",     [DRIVE_VIRTIO] = "virtio",
};

const char *drive_iface_name(DriveIface iface)
{
    return iface == DRIVE_DEFAULT ? "default" : iface_names[iface];
}

typedef struct DriveOpts {
    char *id, *iface, *media, *file, *format, *cache, *aio, *werror, *rerror, *discard, *detect,
        *serial;
    json_int_t index, bus, unit; /* -1: not given */
    bool snapshot, readonly, copy_on_read;
} DriveOpts;

static void drive_opts_clear(DriveOpts *o)
{
    char *const all[] = {o->id,  o->iface,  o->media,  o->file,    o->format, o->cache,
                         o->aio, o->werror, o->rerror, o->discard, o->detect, o->serial};

    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        g_free(all[i]);
    }
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DriveOpts, drive_opts_clear)

static bool take_number(json_t *opts, const char *key, json_int_t *out, Error **errp)
{
    json_t *v = json_object_get(opts, key);
    uint64_t n = 0;

    *out = -1;
    if (!v) {
        return true;
    }
    bool ok = json_is_integer(v) ? (n = (uint64_t)json_integer_value(v), true)
                                 : json_is_string(v) && parse_u64(json_string_value(v), &n, NULL);
    if (!ok || n > 255) {
        error_set(errp, ERR_INVALID_PARAMETER, "%s is a small number", key);
        return false;
    }
    json_object_del(opts, key);
    *out = (json_int_t)n;
    return true;
}

static bool refuse_key(json_t *opts, const char *prefix, const char *why, Error **errp)
{
    const char *key;
    json_t *v;

    json_object_foreach(opts, key, v)
    {
        if (g_str_has_prefix(key, prefix)) {
            error_set(errp, ERR_UNSUPPORTED, "'%s' is not supported", key);
            error_hint(errp, "%s", why);
            return false;
        }
    }
    return true;
}

static bool take_drive_opts(json_t *opts, DriveOpts *o, Error **errp)
{
    struct {
        const char *key;
        char **value;
    } strings[] = {
        {"id", &o->id},         {"if", &o->iface},       {"media", &o->media},
        {"file", &o->file},     {"format", &o->format},  {"aio", &o->aio},
        {"werror", &o->werror}, {"rerror", &o->rerror},  {"discard", &o->discard},
        {"serial", &o->serial}, {"detect-zeroes", &o->detect},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(strings); i++) {
        bool is_object = json_is_object(json_object_get(opts, strings[i].key));
        if (!is_object && !opts_take_str(opts, strings[i].key, strings[i].value, errp)) {
            return false;
        }
    }
    if (json_is_string(json_object_get(opts, "cache")) &&
        !opts_take_str(opts, "cache", &o->cache, errp)) {
        return false;
    }
    const char *limits = "limits of speed and operations do not exist here";
    return opts_take_bool(opts, "snapshot", &o->snapshot, errp) &&
           opts_take_bool(opts, "readonly", &o->readonly, errp) &&
           opts_take_bool(opts, "read-only", &o->readonly, errp) &&
           opts_take_bool(opts, "copy-on-read", &o->copy_on_read, errp) &&
           take_number(opts, "index", &o->index, errp) && take_number(opts, "bus", &o->bus, errp) &&
           take_number(opts, "unit", &o->unit, errp) &&
           refuse_key(opts, "throttling", limits, errp) && refuse_key(opts, "bps", limits, errp) &&
           refuse_key(opts, "iops", limits, errp) &&
           refuse_key(opts, "stats-", "there are no latency histograms", errp);
}

/* The five modes as (direct, no-flush, writeback). */
static bool apply_cache(json_t *opts, const char *mode, bool *writeback, Error **errp)
{
    static const struct {
        const char *name;
        bool direct, no_flush, writeback;
    } modes[] = {
        {"writeback", false, false, true}, {"none", true, false, true},
        {"off", true, false, true},        {"writethrough", false, false, false},
        {"directsync", true, false, false}, {"unsafe", false, true, true},
    };

    *writeback = true;
    for (size_t i = 0; mode && i < G_N_ELEMENTS(modes); i++) {
        if (!strcmp(modes[i].name, mode)) {
            *writeback = modes[i].writeback;
            json_object_set_new(opts, "cache", json_pack("{s:b, s:b}", "direct", modes[i].direct,
                                                         "no-flush", modes[i].no_flush));
            return true;
        }
    }
    if (mode) {
        error_set(errp, ERR_INVALID_PARAMETER, "invalid cache option '%s'", mode);
        error_hint(errp, "writeback, none, writethrough, directsync or unsafe");
        return false;
    }
    json_t *cache = json_object_get(opts, "cache");
    return !cache || !json_is_object(cache) || opts_take_bool(cache, "writeback", writeback, errp);
}

static bool parse_iface(const char *text, DriveIface *out, Error **errp)
{
    *out = DRIVE_DEFAULT;
    for (int i = DRIVE_NONE; text && i <= DRIVE_VIRTIO; i++) {
        if (!strcmp(iface_names[i], text)) {
            *out = (DriveIface)i;
            return true;
        }
    }
    if (text && strcmp(text, "xen")) {
        const char *names[DRIVE_VIRTIO + 1] = {0};
        memcpy(names, iface_names + DRIVE_NONE, DRIVE_VIRTIO * sizeof(names[0]));
        const char *near = suggest_name(text, names);
        error_set(errp, ERR_INVALID_PARAMETER, "unsupported bus type '%s'", text);
        if (near) {
            error_hint(errp, "did you mean '%s'?", near);
        }
        return false;
    }
    if (text) {
        error_set(errp, ERR_UNSUPPORTED, "if=xen is not supported");
    }
    return !text;
}

static bool check_drive(const DriveOpts *o, Error **errp)
{
    if (o->media && strcmp(o->media, "disk") && strcmp(o->media, "cdrom")) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' invalid media", o->media);
        error_hint(errp, "disk or cdrom");
    } else if (o->index >= 0 && (o->bus >= 0 || o->unit >= 0)) {
        error_set(errp, ERR_INVALID_PARAMETER, "index cannot be used with bus and unit");
    } else if (o->serial) {
        error_set(errp, ERR_INVALID_PARAMETER, "serial is an option of the device");
        error_hint(errp, "write -drive if=none,id=x,... -device ...,drive=x,serial=%s", o->serial);
    } else if (o->copy_on_read) {
        error_set(errp, ERR_UNSUPPORTED, "copy-on-read is not supported");
    } else if (o->format && !strcmp(o->format, "help")) {
        error_set(errp, ERR_INVALID_PARAMETER, "the formats are listed by '-drive format=help' alone");
    } else {
        return true;
    }
    return false;
}

/* ---- -snapshot: writes go to a file without a name ---- */

static char *temporary_file(Error **errp)
{
    const char *dir = g_getenv("TMPDIR");
    char *name = g_strdup_printf("%s/rhea-snapshot-XXXXXX", dir && *dir ? dir : "/var/tmp");
    int fd = mkstemp(name);

    if (fd < 0) {
        error_set_errno(errp, errno, "Could not create a temporary file '%s'", name);
        g_clear_pointer(&name, g_free);
    } else {
        close(fd);
    }
    return name;
}

static BlockNode *open_overlay(BlockSet *set, BlockNode *base, const char *path, Error **errp)
{
    const BlockDriver *qcow2 = block_driver_find("qcow2", errp);

    if (!qcow2) {
        return NULL;
    }
    BlockNode *file = node_open_file(set, path, "file", BLOCK_RDWR | BLOCK_NO_FLUSH, NULL, errp);
    if (!file) {
        return NULL;
    }
    g_autoptr(json_t) create = json_pack("{s:I}", "size", (json_int_t)base->size);
    /* Defaults as text become the types that create() expects. */
    bool ok = block_typed_opts(qcow2->create_opts, create, "qcow2", errp) &&
              qcow2->create(set, file, path, create, errp);
    node_unref(file);
    if (!ok) {
        return NULL;
    }
    g_autoptr(json_t) open = json_pack(
        "{s:s, s:s, s:{s:s, s:s}, s:{s:b}, s:s}", "driver", "qcow2", "discard", "unmap", "file",
        "driver", "file", "filename", path, "cache", "no-flush", 1, "backing", base->name);
    return node_open(set, open, errp);
}

static BlockNode *snapshot_over(BlockSet *set, BlockNode *base, Error **errp)
{
    g_autofree char *path = temporary_file(errp);

    if (!path) {
        node_unref(base);
        return NULL;
    }
    BlockNode *n = open_overlay(set, base, path, errp);
    unlink(path);
    node_unref(base); /* the overlay has its own reference */
    return n;
}

/* ---- the node ---- */

/* Puts @key into the protocol's options, unless the user did. */
static void set_in_file(json_t *opts, const char *key, json_t *value)
{
    json_t *file = json_object_get(opts, "file");

    if (json_is_object(file) && !json_object_get(file, key)) {
        json_object_set_new(file, key, value);
    } else {
        json_decref(value);
    }
}

static BlockNode *open_drive_node(BlockSet *set, DriveOpts *o, json_t *opts, bool cdrom,
                                  Error **errp)
{
    bool readonly = o->readonly || cdrom;

    if (o->file) {
        json_t *file = json_object_get(opts, "file");
        if (!file) {
            file = json_object();
            json_object_set_new(opts, "file", file);
        }
        json_object_set_new(file, "filename", json_string(o->file));
    }
    if (o->format) {
        json_object_set_new(opts, "driver", json_string(o->format));
    }
    json_object_set_new(opts, "read-only", json_boolean(readonly || o->snapshot));
    if (!readonly && !json_object_get(opts, "auto-read-only")) {
        json_object_set_new(opts, "auto-read-only", json_true());
    }
    if (o->discard) {
        json_object_set_new(opts, "discard", json_string(o->discard));
    }
    if (o->detect) {
        json_object_set_new(opts, "detect-zeroes", json_string(o->detect));
    }
    if (o->aio) {
        set_in_file(opts, "aio", json_string(o->aio));
    }
    BlockNode *n = node_open(set, opts, errp);
    return n && o->snapshot && !cdrom ? snapshot_over(set, n, errp) : n;
}

static bool id_is_free(BlockSet *set, const char *id, Error **errp)
{
    for (guint i = 0; i < set->drives->len; i++) {
        if (!strcmp(((Drive *)set->drives->pdata[i])->id, id)) {
            error_set(errp, ERR_INVALID_PARAMETER, "Duplicate ID '%s' for drive", id);
            return false;
        }
    }
    if (node_find(set, id)) {
        error_set(errp, ERR_INVALID_PARAMETER, "Device name '%s' conflicts with an existing node name",
                  id);
        return false;
    }
    return true;
}

/* ---- places ---- */

void blockset_set_places(BlockSet *set, DriveIface dflt, int per_bus)
{
    set->default_iface = dflt == DRIVE_DEFAULT ? DRIVE_IDE : dflt;
    set->default_per_bus = per_bus;
}

/* Units of a bus; 0: no limit, all are on bus 0. */
static int units_of(BlockSet *set, DriveIface iface)
{
    if (iface == set->default_iface && set->default_per_bus) {
        return set->default_per_bus;
    }
    return iface == DRIVE_IDE ? 2 : iface == DRIVE_SCSI ? 7 : 0;
}

static bool taken(BlockSet *set, DriveIface iface, int bus, int unit)
{
    for (guint i = 0; i < set->drives->len; i++) {
        const Drive *d = set->drives->pdata[i];
        if (d->iface == iface && d->bus == bus && d->unit == unit) {
            return true;
        }
    }
    return false;
}

bool blockset_place_taken(BlockSet *set, DriveIface iface, int index)
{
    int units = units_of(set, iface);

    return taken(set, iface, units ? index / units : 0, units ? index % units : index);
}

/* index=, or bus= and unit=, or the next free unit from there. */
static bool find_place(BlockSet *set, const DriveOpts *o, DriveIface iface, int *bus, int *unit,
                       Error **errp)
{
    int units = units_of(set, iface);

    *bus = o->bus < 0 ? 0 : (int)o->bus;
    *unit = (int)o->unit;
    if (o->index >= 0) {
        *bus = units ? (int)o->index / units : 0;
        *unit = units ? (int)o->index % units : (int)o->index;
    }
    if (*unit < 0) {
        for (*unit = 0; taken(set, iface, *bus, *unit);) {
            if (++*unit == units && units) {
                *unit = 0;
                ++*bus;
            }
        }
    }
    if (units && *unit >= units) {
        error_set(errp, ERR_INVALID_PARAMETER, "unit %d too big (max is %d)", *unit, units - 1);
        return false;
    }
    if (taken(set, iface, *bus, *unit)) {
        error_set(errp, ERR_INVALID_PARAMETER, "drive with bus=%d, unit=%d (index=%d) exists", *bus,
                  *unit, (int)o->index);
        return false;
    }
    return true;
}

/* QEMU's names of drives without id: "ide0-hd1", "floppy0", "virtio0". */
static char *make_id(BlockSet *set, DriveIface iface, bool cdrom, int bus, int unit)
{
    bool media = iface == DRIVE_IDE || iface == DRIVE_SCSI;
    const char *kind = !media ? "" : cdrom ? "-cd" : "-hd";

    return units_of(set, iface)
               ? g_strdup_printf("%s%d%s%d", drive_iface_name(iface), bus, kind, unit)
               : g_strdup_printf("%s%s%d", drive_iface_name(iface), kind, unit);
}

static Drive *make_drive(BlockSet *set, DriveOpts *o, DriveIface iface, BlockNode *n,
                         bool writeback, Error **errp)
{
    bool cdrom = g_strcmp0(o->media, "cdrom") == 0;
    int bus, unit;

    if (!find_place(set, o, iface, &bus, &unit, errp)) {
        return NULL;
    }
    g_autofree char *id = o->id ? g_strdup(o->id) : make_id(set, iface, cdrom, bus, unit);
    if (!id_is_free(set, id, errp)) {
        return NULL;
    }
    Drive *d = g_new0(Drive, 1);
    *d = (Drive){g_steal_pointer(&id), iface, bus, unit, cdrom, NULL};
    d->port = port_new(set, d->id);
    d->port->removable = cdrom || iface == DRIVE_FLOPPY;
    d->port->write_cache = writeback;
    port_set_node(d->port, n);
    if (!port_set_drive_policy(d->port, o->rerror, o->werror, errp)) {
        port_free(d->port);
        drive_free(d);
        return NULL;
    }
    g_ptr_array_add(set->drives, d);
    return d;
}

Drive *blockset_add_drive(BlockSet *set, json_t *flat, bool snapshot, Error **errp)
{
    g_autoptr(json_t) plain = json_copy(flat);
    g_auto(DriveOpts) o = {.snapshot = snapshot};
    DriveIface iface;
    bool writeback;
    BlockNode *n = NULL;

    /* "file" may be a name and have options ("file.locking") at once. */
    if (json_is_string(json_object_get(plain, "file")) &&
        !opts_take_str(plain, "file", &o.file, errp)) {
        return NULL;
    }
    g_autoptr(json_t) opts = block_nest_opts(plain, errp);
    if (!opts) {
        return NULL;
    }
    if (!take_drive_opts(opts, &o, errp) || !check_drive(&o, errp) ||
        !parse_iface(o.iface, &iface, errp) || (o.id && !id_is_free(set, o.id, errp)) ||
        !apply_cache(opts, o.cache, &writeback, errp)) {
        return NULL;
    }
    iface = iface == DRIVE_DEFAULT ? set->default_iface : iface;
    bool cdrom = g_strcmp0(o.media, "cdrom") == 0;
    bool has_medium = (o.file && *o.file) || json_object_get(opts, "file") ||
                      json_object_get(opts, "driver") || json_object_get(opts, "filename");
    if (has_medium) {
        n = open_drive_node(set, &o, opts, cdrom, errp);
        if (!n) {
            return NULL;
        }
    } else if (json_object_size(opts) - (json_object_get(opts, "cache") != NULL) > 0) {
        const char *key = json_object_iter_key(json_object_iter(opts));
        error_set(errp, ERR_INVALID_PARAMETER, "there is no option '%s' of an empty drive", key);
        return NULL;
    }
    Drive *d = make_drive(set, &o, iface, n, writeback, errp);
    node_unref(n); /* the port has it */
    return d;
}
