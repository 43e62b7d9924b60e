/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a port: port.c (requests), media.c (what is in the drive), stats.c.
 */
#ifndef BLOCK_PORT_H
#define BLOCK_PORT_H

#include "block/internal.h"

typedef enum ReqKind { REQ_READ, REQ_WRITE, REQ_FLUSH, REQ_ZEROES, REQ_DISCARD } ReqKind;
#define PINS 8 /* nodes that a request goes straight through */

typedef struct Pin {
    BlockNode *node;
    uint64_t offset, child_offset;
} Pin;

typedef struct Req Req;
struct Req {
    BlockWork work; /* first */
    Req *prev, *next; /* in one of the port's lists */
    BlockPort *port;
    ReqKind kind;
    unsigned flags;
    uint64_t offset, bytes;
    const struct iovec *iov;
    int niov;
    BlockDone *done;
    void *opaque;
    int ret;
    int64_t start;
    /* Short cuts: the nodes gone through, and the leaf. */
    Pin pins[PINS];
    int n_pins;
    BlockNode *leaf;
    uint64_t leaf_offset;
    WriteRange range;
    bool dropped; /* block_cancel_all(): nobody wants to know */
};

typedef struct ReqList {
    Req *head, *tail;
    unsigned len;
} ReqList;

typedef enum ErrorPolicy { POLICY_REPORT, POLICY_IGNORE, POLICY_STOP, POLICY_ENOSPC } ErrorPolicy;

typedef struct PortStats { /* query-blockstats */
    uint64_t bytes[5], ops[5], ns[5], failed[5], invalid[5];
    int64_t last;
} PortStats;

struct BlockPort {
    BlockSet *set;
    char *name;
    bool unnamed;    /* made for a node, or by a board: not a -drive */
    BlockNode *node; /* main loop; requests in flight keep it */
    bool attached, was_attached;
    BlockFrontend fe;
    char *fe_name;
    GMainContext *loop;
    GSource *source; /* wakes the loop for completions */
    BlockNode *ring; /* atomic: the leaf whose queue the loop polls; NULL: none yet */
    bool write_cache, removable, tray_is_open, locked_out;
    char *serial;
    ErrorPolicy on_read_error, on_write_error;   /* in force */
    ErrorPolicy drive_read_error, drive_write_error; /* of the -drive */

    GMutex lock; /* guards all below */
    GCond cond;
    ReqList active;  /* being carried out */
    ReqList held;    /* came while drained */
    ReqList stopped; /* failed, and wait for the machine to resume */
    ReqList finished; /* callback to be run */
    unsigned waiters; /* for cond */
    unsigned dispatching; /* threads in port_run_completions() */
    bool reaping;    /* the loop takes answers, and will run their completions */
    unsigned sync;    /* callers of block_read_sync() and block_write_sync() */
    PortStats stats;
};

#endif
