/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The disks of a machine: -drive and -blockdev become nodes and ports, the board gets the list of
 * drives that are left to it, and what it does not take is an error. I/O errors stop the machine.
 *
 * home: main loop.
 */
#include "main/disks.h"

#include "schema/opts.h"

struct Disks {
    BlockSet *set;
    Machine *machine;
    MachineDrive *drives;
    size_t count;
    bool *optional; /* per drive: made by default, a board without a place for it is fine */
};

static DriveIface iface_of(const BoardType *b)
{
    return (DriveIface)b->default_drive;
}

static bool open_nodes(Disks *d, const Config *c, Error **errp)
{
    for (guint i = 0; i < c->blockdevs->len; i++) {
        if (!blockset_add_node(d->set, c->blockdevs->pdata[i], errp)) {
            error_prepend(errp, "-blockdev: ");
            return false;
        }
    }
    return true;
}

static bool open_drives(Disks *d, const Config *c, Error **errp)
{
    for (guint i = 0; i < c->drives->len; i++) {
        const ConfigDrive *cd = c->drives->pdata[i];
        if (!blockset_add_drive(d->set, cd->opts, c->snapshot, errp)) {
            error_prepend(errp, "%s: ", cd->option);
            return false;
        }
    }
    return true;
}

/* The empty drives that a machine comes with, unless something took their place. */
static bool add_default(Disks *d, DriveIface iface, int index, bool cdrom, Error **errp)
{
    g_autoptr(json_t) opts = json_pack("{s:s, s:i, s:s}", "if", drive_iface_name(iface), "index",
                                       index, "media", cdrom ? "cdrom" : "disk");

    return blockset_place_taken(d->set, iface, index) || blockset_add_drive(d->set, opts, false, errp);
}

static bool add_defaults(Disks *d, const Config *c, const BoardType *board, Error **errp)
{
    DriveIface iface = iface_of(board);
    bool can = iface == DRIVE_IDE || iface == DRIVE_SCSI;

    if (c->default_cdrom && !board->no_cdrom && can && !add_default(d, iface, 2, true, errp)) {
        return false;
    }
    return !c->default_floppy || board->no_floppy ||
           add_default(d, DRIVE_FLOPPY, 0, false, errp);
}

static void list_drives(Disks *d, unsigned asked_for)
{
    Drive *drive;

    while (blockset_drive_nth(d->set, (unsigned)d->count)) {
        d->count++;
    }
    d->drives = g_new0(MachineDrive, d->count + 1);
    d->optional = g_new0(bool, d->count + 1);
    for (unsigned i = 0; (drive = blockset_drive_nth(d->set, i)); i++) {
        d->drives[i] = (MachineDrive){
            .id = drive->id,
            .kind = (MachineDriveKind)drive->iface,
            .bus = drive->bus,
            .unit = drive->unit,
            .cdrom = drive->cdrom,
            .port = drive->port,
        };
        d->optional[i] = i >= asked_for;
    }
}

Disks *disks_open(const Config *c, const BoardType *board, GMainContext *loop, MachineConfig *mc,
                  Error **errp)
{
    Disks *d = g_new0(Disks, 1);

    d->set = blockset_new(loop);
    blockset_set_places(d->set, iface_of(board), board->drives_per_bus);
    if (!open_nodes(d, c, errp) || !open_drives(d, c, errp)) {
        disks_free(d);
        return NULL;
    }
    unsigned asked_for = 0;
    while (blockset_drive_nth(d->set, asked_for)) {
        asked_for++;
    }
    if (!add_defaults(d, c, board, errp)) {
        disks_free(d);
        return NULL;
    }
    list_drives(d, asked_for);
    mc->drives = d->drives;
    mc->drive_count = d->count;
    mc->default_cdrom = c->default_cdrom;
    mc->default_floppy = c->default_floppy;
    mc->block_set = d->set;
    return d;
}

void disks_free(Disks *d)
{
    if (d) {
        blockset_free(d->set);
        g_free(d->drives);
        g_free(d->optional);
        g_free(d);
    }
}

/* ---- with a machine ---- */

static BlockPort *lookup(void *opaque, const char *name, Error **errp)
{
    return blockset_claim(((Disks *)opaque)->set, name, errp);
}

static void quiesce(void *opaque)
{
    Disks *d = opaque;

    if (blockset_quiesce(d->set, true) < 0) {
        error_report_text("a disk could not be flushed");
    }
}

static void on_error(void *opaque, const char *json_data, bool stop)
{
    Disks *d = opaque;

    machine_emit_event(d->machine, "BLOCK_IO_ERROR", json_data);
    if (stop) {
        machine_request_stop(d->machine, RUN_STATE_IO_ERROR);
    }
}

static void on_event(void *opaque, const char *event, const char *json_data)
{
    machine_emit_event(((Disks *)opaque)->machine, event, json_data);
}

static void on_run_state(void *opaque, Machine *m, RunState now, bool running)
{
    if (running) {
        blockset_resume(((Disks *)opaque)->set);
    }
}

void disks_connect(Disks *d, Machine *m)
{
    d->machine = m;
    machine_set_drive_lookup(m, lookup, d);
    machine_set_quiesce(m, quiesce, d);
    machine_add_run_state_notifier(m, on_run_state, d);
    blockset_on_error(d->set, on_error, d);
    blockset_on_event(d->set, on_event, d);
}

void disks_disconnect(Disks *d)
{
    blockset_on_error(d->set, NULL, NULL);
    blockset_on_event(d->set, NULL, NULL);
    d->machine = NULL;
}

/* if=virtio is a device like one of -device. */
static bool add_virtio(Disks *d, MachineDrive *drive, Error **errp)
{
    Bus *bus;
    bool pci = false;

    for (unsigned i = 0; (bus = bus_nth(d->machine, i)); i++) {
        pci |= !g_strcmp0(bus->ops->kind, "pci");
    }
    g_autoptr(json_t) opts = json_pack("{s:s, s:s}", "driver",
                                       pci ? "virtio-blk-pci" : "virtio-blk-device", "drive",
                                       drive->id);
    drive->claimed = device_add(d->machine, opts, errp) != NULL;
    return drive->claimed;
}

bool disks_add_devices(Disks *d, Error **errp)
{
    for (size_t i = 0; i < d->count; i++) {
        MachineDrive *drive = &d->drives[i];
        if (drive->kind == MACHINE_DRIVE_VIRTIO && !drive->claimed && !add_virtio(d, drive, errp)) {
            error_prepend(errp, "-drive if=virtio: ");
            return false;
        }
    }
    return true;
}

bool disks_check_unused(Disks *d, Error **errp)
{
    for (size_t i = 0; i < d->count; i++) {
        const MachineDrive *drive = &d->drives[i];
        if (!drive->claimed && !d->optional[i] && drive->kind != MACHINE_DRIVE_NONE &&
            !block_port_attached(drive->port)) {
            error_set(errp, ERR_INVALID_PARAMETER,
                      "machine type does not support if=%s,bus=%d,unit=%d",
                      drive_iface_name((DriveIface)drive->kind), drive->bus, drive->unit);
            return false;
        }
    }
    return true;
}
