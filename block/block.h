/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block port: a disk as a chip sees it. The port header of block/: chips include this and
 * nothing else of the room.
 *
 * A port is the front end's handle on a node of the disk graph, or on an empty drive. Requests
 * are asynchronous; how errors are treated (rerror=, werror=: report, ignore, stop the machine
 * and retry when it resumes) is the port's matter, so a chip only ever sees the final result.
 *
 * home: any thread may submit. Completions run on the port's loop (block_port_set_loop(); at
 * first the machine's main loop). A chip in a lock domain names its lock when it attaches: the port
 * takes it before it looks whether the request was cancelled and calls done, so that a reset on
 * another thread, which holds that lock, never races with a completion. Never on the submitter's
 * stack, except with BLOCK_REQ_INLINE (then the submitter's lock is held as it was).
 */
#ifndef BLOCK_BLOCK_H
#define BLOCK_BLOCK_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/error.h"

typedef struct BlockPort BlockPort;

/* 0, or a negative errno value: -EIO, -ENOSPC, -ENOMEDIUM, -EROFS, -EINVAL ... */
typedef void BlockDone(void *opaque, int ret);

enum {
    BLOCK_REQ_FUA = 1 << 0,     /* write: on stable storage before it completes */
    BLOCK_REQ_UNMAP = 1 << 1,   /* write zeroes: may give the space back */
    BLOCK_REQ_INLINE = 1 << 2,  /* done may be called before the submitting call returns */
    BLOCK_REQ_NO_FALLBACK = 1 << 3, /* write zeroes: -ENOTSUP rather than writing buffers of zeroes */
};

typedef struct BlockFrontOps {
    /* The size changed (block_resize). Optional, as all of these; on the port's loop. */
    void (*resized)(void *opaque);
    /* A medium was put in (true) or is gone. block_port_size() etc. are the new ones. */
    void (*media_changed)(void *opaque, bool loaded);
    /* Someone wants the medium out of a locked drive: tell the guest. */
    void (*eject_requested)(void *opaque, bool force);
    bool (*tray_open)(void *opaque);
    bool (*medium_locked)(void *opaque);
} BlockFrontOps;

/* What the front end asks of the port when it attaches. */
typedef struct BlockFrontend {
    const char *name;      /* for messages and query-block: the device's id or type */
    const BlockFrontOps *ops;
    void *opaque;
    bool removable;        /* a drive whose medium can be changed; may be empty */
    bool writable;         /* wants to write; false with a CD-ROM */
    bool share_write;      /* other writers of the node do not disturb (share-rw=on) */
    /*
     * Optional, both or none: completions run between the two (a whole batch at a time), and then
     * block_cancel_all() under the same lock is exact: no callback begins or is half way through
     * afterwards. Without them a callback that began on the port's loop and waits for a lock that
     * the canceller holds still runs: it must be able to tell that its request is gone.
     */
    void (*lock)(void *opaque);   /* chips: DEVICE_LOCK_HOOKS of core/device.h */
    void (*unlock)(void *opaque);
} BlockFrontend;

/*
 * Makes this the one front end of the port: takes the permissions on the graph (and the locks on
 * the image files). An error: the image is used by somebody else, is read-only, or the drive is
 * empty and not removable. Main loop.
 */
bool block_attach(BlockPort *p, const BlockFrontend *f, Error **errp);
/* Waits for the port's requests as block_cancel_all() does, and lets go. Main loop. */
void block_detach(BlockPort *p);
/* Where completions run. NULL is the main loop again. No request may be in flight. */
void block_port_set_loop(BlockPort *p, GMainContext *loop);

/* ---- properties. Any thread. ---- */
const char *block_port_name(const BlockPort *p); /* id of the -drive, or node name */
bool block_port_inserted(BlockPort *p);
uint64_t block_port_size(BlockPort *p);     /* bytes; 0 without a medium */
bool block_port_readonly(BlockPort *p);
unsigned block_port_alignment(BlockPort *p); /* bytes: requests need this, 1 if any will do */
const char *block_port_serial(const BlockPort *p); /* -drive serial=, or NULL */
bool block_port_write_cache(BlockPort *p);  /* writeback: the guest has to flush */
void block_port_set_write_cache(BlockPort *p, bool on);
bool block_port_can_discard(BlockPort *p);  /* discard=unmap, and not read-only */
/* The rerror=/werror= of the device, if it has them: "auto", "report", "ignore", "stop", "enospc". */
bool block_port_set_error_policy(BlockPort *p, const char *rerror, const char *werror, Error **errp);
/* Removable: the guest opens or closes the tray (event DEVICE_TRAY_MOVED), locks the medium. */
void block_port_tray(BlockPort *p, bool open);

/* ---- requests: offsets and lengths in bytes; iov and what it points to stay valid until done.
 * Memory in iov may be written by others meanwhile (it is guest RAM): it is never read twice for
 * a decision. Beyond the end: -EINVAL for reads and writes. ---- */
void block_read(BlockPort *p, uint64_t offset, const struct iovec *iov, int niov, unsigned flags,
                BlockDone *done, void *opaque);
void block_write(BlockPort *p, uint64_t offset, const struct iovec *iov, int niov, unsigned flags,
                 BlockDone *done, void *opaque);
void block_write_zeroes(BlockPort *p, uint64_t offset, uint64_t bytes, unsigned flags,
                        BlockDone *done, void *opaque);
void block_discard(BlockPort *p, uint64_t offset, uint64_t bytes, unsigned flags, BlockDone *done,
                   void *opaque);
/* Everything whose write completed before this call is on stable storage when it is done. */
void block_flush(BlockPort *p, unsigned flags, BlockDone *done, void *opaque);

/*
 * Waits until no request of this port touches its buffers any more; done callbacks that did not
 * begin yet are dropped and will not be called (requests that wait for the machine to resume are
 * dropped too). A device's reset calls it, holding the front end's lock if it has one; without
 * one it is called on the port's loop.
 */
void block_cancel_all(BlockPort *p);
/* Requests submitted and not completed. */
unsigned block_in_flight(BlockPort *p);

/*
 * Waits for the result: for firmware images at start-up and for registers that answer at once.
 * Never on a path that the guest can repeat cheaply.
 */
int block_read_sync(BlockPort *p, uint64_t offset, void *buf, size_t bytes);
int block_write_sync(BlockPort *p, uint64_t offset, const void *buf, size_t bytes);

/* Cylinders, heads, sectors for devices that have a geometry (cyls= etc. override): by size. */
void block_guess_geometry(BlockPort *p, uint32_t *cylinders, uint32_t *heads, uint32_t *sectors);

/* Accounting that the chip knows better: a request it refused (bad sector range ...). */
void block_account_invalid(BlockPort *p, bool write);

#endif
