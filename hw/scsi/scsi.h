/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCSI: logical units, their tasks, and the bus that host adapters provide.
 *
 * A ScsiLu is a command processor (SPC-4, SBC-3, MMC-6) over a BlockPort; it is embedded in
 * devices: scsi-hd and scsi-cd on a "scsi" bus, ide-cd behind ATAPI's packet command. An adapter
 * runs a ScsiTask per command and hands it the guest's buffers; media data goes straight between
 * these and the port.
 *
 * home: the machine's lock domain; every function here and every callback of a task.
 */
#ifndef HW_SCSI_SCSI_H
#define HW_SCSI_SCSI_H

#include <sys/uio.h>
#include "block/block.h"
#include "core/device.h"
#include "core/machine.h"

/* ---- logical units ---- */

#define SCSI_CDB_MAX   32
#define SCSI_SENSE_LEN 18

enum { SCSI_GOOD = 0x00, SCSI_CHECK_CONDITION = 0x02, SCSI_BUSY = 0x08, SCSI_TASK_ABORTED = 0x40 };
enum { SCSI_TYPE_DISK = 0x00, SCSI_TYPE_ROM = 0x05 };
typedef enum ScsiDir { SCSI_NONE, SCSI_IN, SCSI_OUT } ScsiDir; /* as the initiator sees it */

/* Sense key, additional code and qualifier in one number. */
#define SENSE(key, asc, ascq) ((uint32_t)(key) << 16 | (asc) << 8 | (ascq))
#define SENSE_LUN_NOT_SUPPORTED SENSE(5, 0x25, 0x00)
#define SENSE_REPORTED_LUNS     SENSE(6, 0x3f, 0x0e)

/* Unit attention conditions; the lowest bit is reported first. */
enum {
    SCSI_UA_POWER_ON = 1 << 0,
    SCSI_UA_RESET = 1 << 1,
    SCSI_UA_MEDIUM = 1 << 2,
    SCSI_UA_CAPACITY = 1 << 3,
    SCSI_UA_MODE = 1 << 4,
    SCSI_UA_LUNS = 1 << 5,
    SCSI_UA_ALL = (1 << 6) - 1,
};

typedef struct ScsiLu ScsiLu;
typedef struct ScsiTask ScsiTask;

/* Properties that are not every unit's have their own macro below. */
struct ScsiLu {
    /* properties */
    BlockPort *port;       /* NULL: a drive that stays empty */
    char *serial, *vendor, *product, *ver, *device_id;
    uint64_t wwn, port_wwn;
    uint16_t port_index;
    uint16_t rotation_rate;
    bool removable, dpofua, share_rw;
    int32_t scsi_version, bootindex;
    uint64_t logical_block_size, physical_block_size, min_io_size, opt_io_size;
    uint64_t max_unmap_size, max_io_size, discard_granularity;
    uint32_t cyls, heads, secs;
    char *rerror, *werror;
    int write_cache;       /* DISK_AUTO ... */
    /* state */
    uint8_t ua;            /* SCSI_UA_* */
    uint32_t sense;        /* for REQUEST SENSE, while keep_sense */
    uint8_t tray_open, locked, stopped;
    uint8_t media_event, eject_request;
    uint8_t wce;           /* write cache enabled */
    /* host */
    Device *dev;
    uint8_t type;          /* SCSI_TYPE_* */
    bool keep_sense;       /* no automatic sense: the initiator asks (ATAPI) */
    bool attached;
    void (*on_resized)(ScsiLu *lu); /* optional: tell the adapter */
    void (*on_media)(ScsiLu *lu);   /* optional: a medium came or went, the tray moved */
    /* REPORT LUNS and the like ask the unit's bus; optional. */
    unsigned (*report_luns)(ScsiLu *lu, uint8_t *buf, unsigned max);
};

enum { DISK_AUTO, DISK_ON, DISK_OFF };
extern const char *const disk_on_off_auto[];

/* What every disk-like device takes. L: the ScsiLu's path in T. */
#define SCSI_LU_PROPS(T, L)                                                                        \
    {.name = "drive", .kind = PROP_DRIVE, .offset = offsetof(T, L.port),                           \
     .help = "id of a drive or node"},                                                             \
    PROP_STR(T, L.serial, "serial", NULL, "serial number"),                                        \
    PROP_STR(T, L.ver, "ver", NULL, "firmware revision"),                                          \
    PROP(T, PROP_U64, L.wwn, "wwn", 0, "world wide name; 0: none"),                                \
    PROP(T, PROP_I32, L.bootindex, "bootindex", -1, "place in the firmware's boot order"),         \
    PROP(T, PROP_BOOL, L.share_rw, "share-rw", false, "others may write to the image too"),        \
    PROP_STR(T, L.rerror, "rerror", "auto", "on read errors: report, ignore, stop or auto"),       \
    PROP_STR(T, L.werror, "werror", "auto",                                                        \
             "on write errors: report, ignore, enospc, stop or auto"),                             \
    {.name = "write-cache", .kind = PROP_ENUM, .offset = offsetof(T, L.write_cache),               \
     .enum_names = disk_on_off_auto, .help = "volatile write cache: on, off, or as the drive"},    \
    PROP(T, PROP_SIZE, L.logical_block_size, "logical_block_size", 0, "bytes; 0: the usual"),      \
    PROP(T, PROP_SIZE, L.physical_block_size, "physical_block_size", 0, "bytes; 0: the usual"),    \
    PROP(T, PROP_SIZE, L.min_io_size, "min_io_size", 0, "bytes of an efficient request"),          \
    PROP(T, PROP_SIZE, L.opt_io_size, "opt_io_size", 0, "bytes of the best request"),              \
    PROP(T, PROP_SIZE, L.discard_granularity, "discard_granularity", UINT32_MAX,                   \
         "bytes that are given back at a time; 0: no discard")
#define SCSI_LU_STATE(T, L)                                                                        \
    STATE(T, STATE_U8, L.ua, SCSI_UA_POWER_ON), STATE(T, STATE_U32, L.sense, 0),                   \
    STATE_KEEP(T, STATE_U8, L.tray_open, 1), STATE(T, STATE_U8, L.locked, 0),                      \
    STATE(T, STATE_U8, L.stopped, 0), STATE(T, STATE_U8, L.media_event, 0),                        \
    STATE(T, STATE_U8, L.eject_request, 0), STATE_KEEP(T, STATE_U8, L.wce, 1),                     \
    HOST_ONLY(T, L.vendor), HOST_ONLY(T, L.product), HOST_ONLY(T, L.device_id),                    \
    HOST_ONLY(T, L.port_wwn), HOST_ONLY(T, L.port_index), HOST_ONLY(T, L.rotation_rate),           \
    HOST_ONLY(T, L.removable), HOST_ONLY(T, L.dpofua), HOST_ONLY(T, L.scsi_version),               \
    HOST_ONLY(T, L.max_unmap_size), HOST_ONLY(T, L.max_io_size), HOST_ONLY(T, L.cyls),             \
    HOST_ONLY(T, L.heads), HOST_ONLY(T, L.secs), HOST_ONLY(T, L.dev),                              \
    HOST_ONLY(T, L.type), HOST_ONLY(T, L.keep_sense), HOST_ONLY(T, L.attached),                    \
    HOST_ONLY(T, L.on_resized), HOST_ONLY(T, L.on_media), HOST_ONLY(T, L.report_luns)

/* In the device's realize: attaches the port. writable: refuse a read-only image. */
bool scsi_lu_init(ScsiLu *lu, Device *dev, uint8_t type, bool writable, Error **errp);
void scsi_lu_fini(ScsiLu *lu);
/* In reset_hold: forgets every task (the adapter forgets its own side), back to power-on. */
void scsi_lu_reset(ScsiLu *lu);
/* In post_load: refuses what cannot be, makes the port agree. */
bool scsi_lu_loaded(ScsiLu *lu, Error **errp);
/* Forgets all tasks: none of them gets a callback any more, their buffers are left alone. */
void scsi_lu_cancel(ScsiLu *lu);
void scsi_lu_attention(ScsiLu *lu, unsigned ua);
bool scsi_lu_has_medium(const ScsiLu *lu); /* and the tray is closed */
uint64_t scsi_lu_blocks(const ScsiLu *lu);

/* ---- tasks ---- */

struct ScsiTask {
    /* The adapter's; the rest is zero before scsi_task_start(). */
    ScsiLu *lu;
    uint8_t cdb[SCSI_CDB_MAX];
    /* Some of the data was moved and more is wanted: give the next piece, or finish. */
    void (*on_moved)(ScsiTask *t);
    /* status, sense and moved are final. May be called by the functions below. */
    void (*on_done)(ScsiTask *t);
    void *hba;
    /* results */
    ScsiDir dir;
    uint64_t len;       /* bytes that the command moves */
    uint64_t moved;
    uint8_t status;
    uint32_t sense;     /* SENSE() */
    uint32_t sense_info; /* with sense_info_valid: the LBA that failed */
    bool sense_info_valid;
    /* the unit's */
    uint8_t kind;
    bool fua, flushed, started_io;
    uint64_t offset;    /* media: byte of the first one */
    uint64_t at, end;   /* loops over the medium: bytes */
    uint8_t *buf;
    uint32_t buf_size;
    const struct iovec *iov;
    int niov;
    struct iovec *slice;
    uint64_t piece, piece_done;
    unsigned step;
    void (*exec)(ScsiTask *t); /* all data of the initiator is in buf */
};

/*
 * Begins. True: a data phase of t->len > 0 bytes in t->dir follows, call scsi_task_move() or
 * scsi_task_finish(). False: none, on_done comes or came.
 */
bool scsi_task_start(ScsiTask *t);
/* The next bytes go to or come from here; valid until on_moved or on_done. */
void scsi_task_move(ScsiTask *t, const struct iovec *iov, int niov);
/* After a load: the first bytes were moved in an earlier life. */
void scsi_task_skip(ScsiTask *t, uint64_t bytes);
/* In the data phase: the initiator has no room or no more data. Ends it with GOOD. */
void scsi_task_finish(ScsiTask *t);
/* Frees what the task holds; the task is idle (done, cancelled or never started). */
void scsi_task_clear(ScsiTask *t);
/* Fixed format, SCSI_SENSE_LEN bytes. */
void scsi_sense_bytes(uint32_t sense, bool info_valid, uint32_t info, uint8_t *out);
void scsi_task_sense(const ScsiTask *t, uint8_t *out);

/* ---- for command sets (SCSI's own, and ATA's, which uses the data phases) ---- */

/* The ends of a task; all return false for `return scsi_task_good(t)`. */
bool scsi_task_good(ScsiTask *t);
bool scsi_task_fail(ScsiTask *t, uint32_t sense);
bool scsi_task_fail_at(ScsiTask *t, uint32_t sense, uint64_t lba);
/* A block request failed. */
bool scsi_task_errno(ScsiTask *t, int ret, bool write);

/* A zeroed buffer for parameter data. size is bounded by the callers: 256 KiB at most. */
uint8_t *scsi_task_buffer(ScsiTask *t, uint32_t size);
/* Data-in phase of the buffer's first len bytes, cut to the allocation length. */
bool scsi_task_reply(ScsiTask *t, uint32_t len, uint32_t allocation);
/* Data-out phase of len bytes into a new buffer, then exec. */
bool scsi_task_collect(ScsiTask *t, uint32_t len, void (*exec)(ScsiTask *t));
/* Data phase straight to or from the medium. */
bool scsi_task_media(ScsiTask *t, ScsiDir dir, uint64_t offset, uint64_t len, bool fua);
/* ---- the bus ---- */

typedef struct ScsiBus ScsiBus;
typedef struct ScsiDevice ScsiDevice;

typedef struct ScsiBusOps {
    unsigned max_channel, max_target, max_lun;
    bool hotplug;
    /* Optional. The bus as a whole changed: tell the guest. */
    void (*plugged)(ScsiBus *b, ScsiDevice *d);
    void (*unplugged)(ScsiBus *b, ScsiDevice *d); /* before it goes: forget its tasks */
    void (*changed)(ScsiBus *b, ScsiDevice *d, uint32_t sense); /* a unit's parameters, events */
} ScsiBusOps;

struct ScsiBus {
    Bus bus;
    const ScsiBusOps *ops;
    GPtrArray *devices; /* ScsiDevice, sorted by channel, target, LUN */
};

/* First member of scsi-hd and scsi-cd. */
struct ScsiDevice {
    Device dev;
    uint32_t channel, id, lun; /* properties; id and lun UINT32_MAX: chosen */
    ScsiLu lu;
};

/* In the adapter's realize and unrealize. name: NULL for "<id>.0" or "scsi.<n>". */
void scsi_bus_init(ScsiBus *b, const ScsiBusOps *ops, Device *owner, const char *name);
void scsi_bus_fini(ScsiBus *b);
/* The unit, or NULL. */
ScsiDevice *scsi_bus_find(ScsiBus *b, unsigned channel, unsigned id, unsigned lun);
/* Any unit of that target: it answers INQUIRY, REPORT LUNS for LUNs that are not there. */
ScsiDevice *scsi_bus_find_target(ScsiBus *b, unsigned channel, unsigned id);
/*
 * Begins a task for a LUN that may not be there (t->lu is set here): as scsi_task_start(). d: what
 * scsi_bus_find() or scsi_bus_find_target() gave, not NULL.
 */
bool scsi_bus_start(ScsiDevice *d, unsigned lun, ScsiTask *t);

/* A name for a bus of that kind: "<id>.<n>", or "<kind>.<next free number>". g_free. */
char *disk_bus_name(Device *owner, const char *kind, unsigned n);

#endif
