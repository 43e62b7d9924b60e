/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host side of disks: what opens and lists them. For main/, the monitor's commands and
 * tools; chips include block/block.h only.
 *
 * home: the machine's main loop (tools: the one thread that uses it).
 */
#ifndef BLOCK_BLOCKDEV_H
#define BLOCK_BLOCKDEV_H

#include <glib.h>
#include "base/error.h"
#include "base/json.h"
#include "block/block.h"
#include "block/node.h"

/* Nodes, drives and workers of one machine. Freed after the machine. loop NULL: a tool. */
BlockSet *blockset_new(GMainContext *loop);
void blockset_free(BlockSet *set); /* drains, flushes, closes */

/* -drive and its short forms (-hda, -cdrom, -fda, -pflash, -sd, -mtdblock). */
typedef enum DriveIface {
    DRIVE_DEFAULT, /* the board's own kind */
    DRIVE_NONE, DRIVE_IDE, DRIVE_SCSI, DRIVE_FLOPPY, DRIVE_PFLASH, DRIVE_MTD, DRIVE_SD, DRIVE_VIRTIO,
} DriveIface;
typedef struct Drive {
    char *id;
    DriveIface iface;
    int bus, unit;
    bool cdrom;
    BlockPort *port;
} Drive;

const char *drive_iface_name(DriveIface iface); /* "ide" */
/* What if= is when it is not given, and how many of those are on a bus; before the first drive. */
void blockset_set_places(BlockSet *set, DriveIface dflt, int per_bus);
/* Is there a drive at that number over all buses? */
bool blockset_place_taken(BlockSet *set, DriveIface iface, int index);
bool block_port_attached(BlockPort *p);
/* The object that opts_parse() makes of -drive's value; snapshot: -snapshot was given. */
Drive *blockset_add_drive(BlockSet *set, json_t *opts, bool snapshot, Error **errp);
Drive *blockset_drive_nth(BlockSet *set, unsigned n); /* NULL past the end */
/*
 * Makes a new image file (one that is there loses its contents), or a format on a block device.
 * opts: the driver's create_opts, "size" among them; they get their types and defaults here.
 */
bool block_image_create(BlockSet *set, const char *format, const char *filename, json_t *opts,
                        Error **errp);
/* -blockdev / blockdev-add. */
BlockNode *blockset_add_node(BlockSet *set, json_t *opts, Error **errp);
bool blockset_del_node(BlockSet *set, const char *name, Error **errp);
/* What drive=NAME of a device means: a -drive's port, or a new port on the node. One front end
 * each; an error says who has it. */
BlockPort *blockset_claim(BlockSet *set, const char *name, Error **errp);
/* A port without a medium, for a drive that the board makes by default. */
BlockPort *blockset_empty_port(BlockSet *set, const char *name);
BlockPort *blockset_port_nth(BlockSet *set, unsigned n);
BlockNode *block_port_node(BlockPort *p); /* NULL: empty */

/* A request failed and the policy says stop: main stops the machine (I/O error). The request
 * waits; blockset_resume() tries it again. json is the data of BLOCK_IO_ERROR. */
typedef void BlockErrorFn(void *opaque, const char *json_data, bool stop);
void blockset_on_error(BlockSet *set, BlockErrorFn *fn, void *opaque);
/* Other QMP events: DEVICE_TRAY_MOVED, BLOCK_IMAGE_CORRUPTED ... */
typedef void BlockEventFn(void *opaque, const char *event, const char *json_data);
void blockset_on_event(BlockSet *set, BlockEventFn *fn, void *opaque);
void blockset_resume(BlockSet *set);
/* The machine has stopped: waits for everything in flight, running completions of the main loop
 * (machine not locked), then flushes. 0 or the first error. */
int blockset_quiesce(BlockSet *set, bool flush);

/* What clients ask: an element of query-block, query-blockstats, query-named-block-nodes, and the
 * ImageInfo of a node with its backing files. New references. */
json_t *block_query_port(BlockPort *p);
json_t *block_query_stats(BlockPort *p);
json_t *block_query_node(BlockNode *n);
json_t *block_query_image(BlockNode *n);
/* The same without the backing files; its internal snapshots, an array. New references. */
json_t *block_image_info(BlockNode *n);
json_t *block_snapshots_info(BlockNode *n);
/* ImageInfo and its "snapshots" for people, as qemu-img prints them. */
void block_image_text(GString *out, const json_t *image);
void block_snapshots_text(GString *out, const json_t *list);
char *block_size_text(uint64_t bytes); /* as people read it, three digits: "1.5 GiB"; g_free */
/* Ports that clients see: drives, and what has a device. */
bool block_port_listed(BlockPort *p);
BlockNode *blockset_node_nth(BlockSet *set, unsigned n); /* the newest first; NULL past the end */
/* By the name of a drive or of the device on it; an error names what was not found. */
BlockPort *blockset_find_port(BlockSet *set, const char *device, const char *id, Error **errp);
/* drive_del: the drive, or nothing but its medium as long as a device is attached. */
bool blockset_del_drive(BlockSet *set, const char *id, Error **errp);

/* Media of removable drives: the steps, then what eject and change are made of. */
bool block_port_tray_open(BlockPort *p);
bool block_port_locked(BlockPort *p);
bool block_port_open_tray(BlockPort *p, bool force, Error **errp);
bool block_port_close_tray(BlockPort *p, Error **errp);
bool block_port_remove_medium(BlockPort *p, Error **errp);
bool block_port_insert_medium(BlockPort *p, BlockNode *n, Error **errp);
bool block_port_insert(BlockPort *p, BlockNode *n, Error **errp);
bool block_port_eject(BlockPort *p, bool force, Error **errp);
bool block_port_wants_read_only(BlockPort *p);
bool block_node_resize(BlockNode *n, uint64_t size, Error **errp);
bool block_port_resize(BlockPort *p, uint64_t size, Error **errp);
/* Writes what the medium has over its backing file into that file, and empties the medium; returns
 * when it is done. Guests' requests wait meanwhile. */
bool block_port_commit(BlockPort *p, Error **errp);
/* Is there a backing file that the above could write to? */
bool block_port_can_commit(BlockPort *p);

#endif
