/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of block/ share: the set, the core's half of a node, ports, workers.
 * Drivers include block/node.h only.
 */
#ifndef BLOCK_INTERNAL_H
#define BLOCK_INTERNAL_H

#include "block/blockdev.h"

/* ---- workers: worker.c ---- */

typedef struct BlockWork BlockWork;
struct BlockWork {
    BlockWork *next;
    void (*fn)(BlockWork *w); /* owns w from then on */
    bool waits_for_none;      /* fn() waits for the host only, never for another request */
};

typedef struct WorkQueue {
    BlockWork *head, **tail;
    unsigned len;
} WorkQueue;

typedef struct WorkerPool {
    GMutex lock;
    GCond wake, gone;
    WorkQueue any, sure; /* sure: waits_for_none */
    unsigned threads, idle, busy; /* busy: with work of any */
    bool coming;                  /* a thread was called, and is not here yet */
    bool stopping;
} WorkerPool;

void worker_pool_init(WorkerPool *p);
void worker_pool_fini(WorkerPool *p); /* runs what is queued, ends the threads */
void worker_submit(WorkerPool *p, BlockWork *w);

/* ---- the set ---- */

/* Somebody waits for requests, and perhaps keeps a loop from running that polls a ring: the rings'
 * own threads take the answers meanwhile. */
typedef struct RingHelp {
    GMutex lock; /* guards wanted */
    GCond cond;
    unsigned wanted;
} RingHelp;

void ring_help_begin(RingHelp *h);
void ring_help_end(RingHelp *h);

struct BlockSet {
    GMainContext *loop;
    bool tool;              /* no loop was given */
    GPtrArray *nodes;       /* BlockNode, all that are open */
    GPtrArray *drives;      /* Drive */
    GPtrArray *ports;       /* BlockPort */
    unsigned next_name;
    DriveIface default_iface;
    int default_per_bus;
    unsigned open_depth;    /* of node_open() within node_open() */
    GPtrArray *opening;     /* names of the images on the way down a backing chain */
    WorkerPool pool;
    RingHelp help;
    int quiesced;           /* atomic: node_drain_begin() calls; ports hold requests back */
    GMutex idle_lock;       /* with idle_cond: some port got idler */
    GCond idle_cond;
    unsigned idle_waiters;  /* atomic */
    BlockErrorFn *error_fn;
    void *error_opaque;
    BlockEventFn *event_fn;
    void *event_opaque;
    GAsyncQueue *events;    /* emitted, not delivered yet */
};

void drive_free(Drive *d);
void blockset_idle_changed(BlockSet *set);
void blockset_drain_end(BlockSet *set); /* node_drain_end() when the node may be gone */
/* Tells main/ about an event, on the main loop; takes data. */
void blockset_emit(BlockSet *set, const char *event, json_t *data);
/* The same about a node: "node-name" and "device", the drive that it is the medium of, are added. */
void blockset_emit_of(BlockNode *n, const char *event, json_t *data);
/* What was emitted and not delivered yet, now. On the main loop, machine not locked. */
void blockset_deliver_events(BlockSet *set);

/* ---- nodes: node.c, perm.c ---- */

typedef struct NodeEdge { /* one user of a node */
    const void *owner;
    char *who;
    unsigned perm, shared;
} NodeEdge;

typedef struct WriteRange { /* a write in flight, where blocks have to be padded */
    uint64_t start, end;
    struct WriteRange *next;
} WriteRange;

typedef struct BlockNodeCore BlockNodeCore;
struct BlockNodeCore {
    GMutex lock;
    GCond cond;
    GArray *edges;          /* NodeEdge; main loop */
    WriteRange *writes;     /* guarded by lock */
    unsigned write_waiters; /* guarded by lock: of cond */
    uint64_t highest_write; /* atomic: end of the farthest write */
    unsigned in_flight;     /* atomic */
    bool named;             /* by the user */
    bool owned;             /* by blockdev-add: the set has a reference */
    bool probed_raw;        /* raw was guessed: the head must not become another format */
    bool has_backing_opt;   /* "backing" was given, the image's own name does not count */
    unsigned perm, shared;  /* cumulative */
    json_t *opts;           /* as opened, for "json:" names and reopening */
};

/* Changes what @owner does with a node and lets others do; PERM_ALL shared and no perm: nothing. */
bool node_set_edge(BlockNode *n, const void *owner, const char *who, unsigned perm, unsigned shared,
                   Error **errp);
void node_drop_edge(BlockNode *n, const void *owner);
/* Makes a drained node, and the files it is made of, writable or read-only again. With its users'
 * permissions set before it gets writable, and after it got read-only. */
bool node_set_writable(BlockNode *n, bool on, Error **errp);
/* What a node does with its backing file; while it is committed, writing. */
bool node_take_backing(BlockNode *n, bool write, Error **errp);
/* Is the node only a window on its file (raw, filters): permissions pass through. */
bool node_passes_through(const BlockNode *n);
/* Whoever has a front end on the node hears of its new size. */
void ports_node_resized(BlockSet *set, BlockNode *n);
/* For requests that go round node_pwritev(): exclusion (false: somebody is there, or the request
 * is not whole blocks), and what a write that succeeded leaves behind. */
bool node_try_write_range(BlockNode *n, WriteRange *r, uint64_t offset, uint64_t bytes);
void node_end_write_range(BlockNode *n, WriteRange *r);
/* Within such a range, or a read of whole blocks inside the node: waits for the driver alone. 0, or -errno. */
int node_pinned_io(BlockNode *n, bool write, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov,
                   unsigned fua);
void node_wrote(BlockNode *n, uint64_t end);

/* ---- options: opts.c ---- */

/* Dotted keys become objects: {"file.driver": x} -> {"file": {"driver": x}}. A new reference. */
json_t *block_nest_opts(json_t *flat, Error **errp);
/* Take a key out of opts. *out is untouched without the key. */
bool opts_take_bool(json_t *opts, const char *key, bool *out, Error **errp);
bool opts_take_str(json_t *opts, const char *key, char **out, Error **errp);

/* ---- ports: port.c ---- */

BlockPort *port_new(BlockSet *set, const char *name);
void port_free(BlockPort *p);
void port_set_node(BlockPort *p, BlockNode *n); /* takes a reference; no request in flight */
bool port_set_drive_policy(BlockPort *p, const char *rerror, const char *werror, Error **errp);
void port_resume(BlockPort *p);
void port_release_held(BlockPort *p); /* after the last drain ended */
unsigned port_active(BlockPort *p);     /* being carried out */
unsigned port_unfinished(BlockPort *p); /* and those whose callback has not run; not the stopped */
bool port_run_completions(BlockPort *p);
void port_wait_dispatch(BlockPort *p);
bool port_on_main_loop(BlockPort *p);

/* ---- locks on image files: lock.c ---- */

/* Moves the locks of a descriptor to what perm needs and shared lets; other processes decide. */
bool file_lock_update(int fd, const char *filename, unsigned old_perm, unsigned old_shared,
                      unsigned perm, unsigned shared, Error **errp);
bool file_locks_supported(int fd);
/* Puts locks on another descriptor of the same file that has them already: nobody is asked. */
bool file_lock_copy(int fd, const char *filename, unsigned perm, unsigned shared, Error **errp);

#endif
