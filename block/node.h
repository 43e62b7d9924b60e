/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The disk graph from inside: a node is one const BlockDriver and its children. Protocols (file,
 * host_device) are leaves; formats (raw, qcow2) and filters have children.
 *
 * Threading: there are no coroutines. A request is plain blocking code that a worker thread of
 * the BlockSet runs, so drivers are ordinary functions; they are called by several workers at
 * once and guard their own metadata with a mutex of their own. Two short cuts keep workers out of
 * the fast path, see .resolve and .submit. Opening, closing and the graph belong to the main loop
 * (in tools: the one thread), with the node drained.
 */
#ifndef BLOCK_NODE_H
#define BLOCK_NODE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/error.h"
#include "base/json.h"
#include "base/registry.h"

typedef struct BlockNode BlockNode;
typedef struct BlockSet BlockSet; /* all nodes and drives of a machine or tool: block/blockdev.h */
typedef struct BlockDriver BlockDriver;

#define BLOCK_SECTOR 512u

enum { /* BlockNode.flags, as opened */
    BLOCK_RDWR = 1 << 0,
    BLOCK_NOCACHE = 1 << 1,      /* cache.direct: O_DIRECT */
    BLOCK_NO_FLUSH = 1 << 2,     /* cache.no-flush: cache=unsafe */
    BLOCK_UNMAP = 1 << 3,        /* discard=unmap */
    BLOCK_DETECT_ZEROES = 1 << 4,
    BLOCK_DETECT_UNMAP = 1 << 5, /* detect-zeroes=unmap */
    BLOCK_NO_LOCK = 1 << 6,      /* rhea-img -U; force-share */
    BLOCK_NO_IO = 1 << 7,        /* only metadata is wanted (info) */
    BLOCK_CHECK = 1 << 8,        /* opened in order to be checked: do not repair or refuse dirty */
    BLOCK_NO_BACKING = 1 << 9,   /* do not open the backing file */
    BLOCK_AUTO_RDONLY = 1 << 10, /* read-only when the host does not let us write */
};

enum { /* what a user does with a node, and lets others do; QEMU's bits (they are on lock bytes) */
    PERM_READ = 1 << 0,
    PERM_WRITE = 1 << 1,
    PERM_WRITE_UNCHANGED = 1 << 2,
    PERM_RESIZE = 1 << 3,
    PERM_ALL = 0xf,
};

enum { /* of a request, as block/block.h has them */
    NODE_REQ_FUA = 1 << 0,
    NODE_REQ_UNMAP = 1 << 1,
    NODE_REQ_NO_FALLBACK = 1 << 3,
};

/* What the bytes of a range are: .block_status and `map`. */
enum {
    STATUS_DATA = 1 << 0,       /* read from the medium */
    STATUS_ZERO = 1 << 1,       /* reads as zeroes */
    STATUS_OFFSET = 1 << 2,     /* *map is where, in *file */
    STATUS_ALLOCATED = 1 << 3,  /* this node says so, not its backing file */
    STATUS_COMPRESSED = 1 << 4,
    STATUS_EOF = 1 << 5,        /* the range ends at the end of the node */
};

typedef struct BlockSnapshot {
    char *id, *name;
    uint64_t vm_state_size;
    int64_t date_sec;
    uint32_t date_nsec;
    uint64_t vm_clock_nsec;
    uint64_t disk_size;      /* bytes */
    int64_t icount;          /* -1: unknown */
} BlockSnapshot;

/* What `check` counts, with qemu-img's names. */
typedef struct BlockCheck {
    uint64_t corruptions, leaks, check_errors;
    uint64_t corruptions_fixed, leaks_fixed;
    uint64_t image_end_offset;
    uint64_t total_clusters, allocated_clusters, fragmented_clusters, compressed_clusters;
    /* every problem found, one line; may be NULL */
    void (*report)(void *opaque, const char *line);
    void (*progress)(void *opaque, double fraction);
    void *opaque;
} BlockCheck;
enum { CHECK_FIX_LEAKS = 1 << 0, CHECK_FIX_ERRORS = 1 << 1 };

/* How large the file of a new image will be, in bytes. */
typedef struct BlockMeasure {
    uint64_t required;        /* with nothing in it; cluster > 1: data comes on top */
    uint64_t fully_allocated;
    uint64_t cluster;         /* unit of allocation; 1: everything is there from the start */
} BlockMeasure;

/* An option that a driver takes for -blockdev/-drive/-o: key, type and prose. */
typedef enum BlockOptKind { BLOCK_OPT_STR, BLOCK_OPT_BOOL, BLOCK_OPT_SIZE, BLOCK_OPT_INT, BLOCK_OPT_CHILD } BlockOptKind;
typedef struct BlockOpt {
    const char *name;
    BlockOptKind kind;
    const char *def; /* as text, NULL: none */
    const char *help;
} BlockOpt; /* tables end with a NULL name */

typedef enum BlockDriverKind { DRIVER_PROTOCOL, DRIVER_FORMAT, DRIVER_FILTER } BlockDriverKind;

struct BlockDriver {
    const char *name; /* QEMU's "driver": "file", "qcow2" ... */
    const char *help; /* one line */
    BlockDriverKind kind;
    size_t size;      /* of the private struct behind BlockNode.priv */
    const BlockOpt *open_opts;   /* beside the common ones (node-name, read-only, cache.* ...) */
    const BlockOpt *create_opts; /* -o of rhea-img create; NULL: cannot be created */
    /* Formats: 0 (no) to 100 (surely), by the first bytes. */
    int (*probe)(const uint8_t *head, size_t len, const char *filename);
    /* Protocols: does this file name mean us ("nbd://...")? NULL and no other claims it: "file". */
    bool (*claims)(const char *filename);

    /* Children named in opts are open already (node->file, node->backing). */
    bool (*open)(BlockNode *n, json_t *opts, Error **errp);
    void (*close)(BlockNode *n); /* flushes; errors are logged */
    /* Writable <-> read-only, cache mode: checks and applies, or refuses. Optional. */
    bool (*reopen)(BlockNode *n, unsigned new_flags, Error **errp);
    /* Protocols: what users of the node do and share changed (locks). May refuse. Optional. */
    bool (*set_perm)(BlockNode *n, unsigned perm, unsigned shared, Error **errp);
    /* Makes a new image. file is an open, empty, writable node (formats), NULL for protocols. */
    bool (*create)(BlockSet *set, BlockNode *file, const char *filename, json_t *opts, Error **errp);

    /*
     * I/O, on a worker, concurrently. 0 or -errno. Ranges are inside the node (what is beyond the
     * end of a backing file was dealt with), aligned to node->alignment. Protocols and filters:
     * a write may go beyond the end, and a read there gives zeroes; the last, partial block of a
     * node may come with its exact length.
     */
    unsigned write_flags; /* NODE_REQ_ flags that .pwritev does itself: else FUA is a flush */
    int (*preadv)(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov);
    int (*pwritev)(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov,
                   unsigned flags);
    /* -ENOTSUP: the caller writes zeroes as data, unless NODE_REQ_NO_FALLBACK. */
    int (*pwrite_zeroes)(BlockNode *n, uint64_t offset, uint64_t bytes, unsigned flags);
    int (*pdiscard)(BlockNode *n, uint64_t offset, uint64_t bytes);
    /* Own caches to the children; the core flushes those (file, data_file) afterwards. */
    int (*flush)(BlockNode *n);
    /* Status of the longest prefix *pnum <= bytes with one answer. */
    int (*block_status)(BlockNode *n, uint64_t offset, uint64_t bytes, uint64_t *pnum,
                        uint64_t *map, BlockNode **file);
    /* Short cut 1: without blocking (use trylock), on any thread. If all of the range lies in one
     * piece of one child, fills *child and *child_offset, and the request goes there directly;
     * .unpin is called when it is done. A write may only be resolved when nothing has to change
     * in this node's metadata. false: take the long way. */
    bool (*resolve)(BlockNode *n, bool write, uint64_t offset, uint64_t bytes, BlockNode **child,
                    uint64_t *child_offset);
    void (*unpin)(BlockNode *n, bool write, uint64_t child_offset, uint64_t bytes);
    /* Short cut 2, protocols: transfer at once if that does not block. 0 or -errno when done,
     * -EAGAIN: not now, take the long way. */
    int (*try_preadv)(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov);
    int (*try_pwritev)(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                       int niov, unsigned flags);
    /* Short cut 3, protocols with a queue of their own (io_uring): done is called later, by .reap,
     * with 0 or -errno. false: queue not there, use preadv/pwritev. .poll_fd (-1: no queue) is readable
     * when there is something to reap. Any thread. */
    bool (*submit)(BlockNode *n, bool write, uint64_t offset, const struct iovec *iov, int niov,
                   unsigned flags, void (*done)(void *opaque, int ret), void *opaque);
    int (*poll_fd)(BlockNode *n);
    void (*reap)(BlockNode *n);

    uint64_t (*length)(BlockNode *n);    /* bytes; protocols: may change under us */
    bool (*truncate)(BlockNode *n, uint64_t size, const char *prealloc, Error **errp);
    int64_t (*allocated)(BlockNode *n);  /* bytes on the host; -1 unknown */
    /* "format-specific" of query-block and info --output=json: {"type":..., "data":{...}} or NULL. */
    json_t *(*specific_info)(BlockNode *n);
    uint64_t cluster_size_hint;          /* 0: see cluster_size */
    uint64_t (*cluster_size)(BlockNode *n);

    /* Compressed cluster, for convert -c. bytes <= one cluster. */
    int (*pwrite_compressed)(BlockNode *n, uint64_t offset, uint64_t bytes, const void *buf);
    bool (*check)(BlockNode *n, BlockCheck *result, unsigned fix, Error **errp);
    bool (*amend)(BlockNode *n, json_t *opts, Error **errp);
    /* Was it not closed in good order ("dirty-flag" of info)? Optional. */
    bool (*is_dirty)(BlockNode *n);
    /* Of a new image of so many bytes; opts as for create. Optional. */
    bool (*measure)(json_t *opts, uint64_t size, BlockMeasure *m, Error **errp);
    bool (*change_backing)(BlockNode *n, const char *file, const char *format, Error **errp);
    /* Drops every allocation: commit's last step. Optional. */
    bool (*make_empty)(BlockNode *n, Error **errp);
    bool (*snapshot_create)(BlockNode *n, const BlockSnapshot *sn, Error **errp);
    bool (*snapshot_goto)(BlockNode *n, const char *id_or_name, Error **errp);
    bool (*snapshot_delete)(BlockNode *n, const char *id_or_name, Error **errp);
    GPtrArray *(*snapshot_list)(BlockNode *n); /* BlockSnapshot, block_snapshot_free() */
    /* Read-only view of an internal snapshot (convert -l); afterwards reads show it. */
    bool (*snapshot_load)(BlockNode *n, const char *id_or_name, Error **errp);
    /* The machine's saved state lies behind the disk's contents. */
    int (*vmstate_read)(BlockNode *n, uint64_t offset, void *buf, size_t len);
    int (*vmstate_write)(BlockNode *n, uint64_t offset, const void *buf, size_t len);
};
#define BLOCK_DRIVER(sym) REGISTER(BlockDriver, sym)

struct BlockNode {
    const BlockDriver *drv;
    BlockSet *set;
    char *name;        /* node-name; generated "#block123" when not given */
    char *filename;    /* as shown to users */
    unsigned flags;    /* BLOCK_RDWR ... */
    uint64_t size;     /* bytes, virtual; kept current by the core */
    unsigned alignment; /* bytes; the core pads what is not aligned */
    unsigned max_transfer; /* bytes; 0: no limit; the core splits */
    BlockNode *file;    /* the child that holds this node's bytes; NULL: protocol */
    BlockNode *data_file; /* qcow2: external data file, or NULL */
    BlockNode *backing; /* what shows through; NULL: zeroes */
    char *backing_file, *backing_format; /* as the image says; NULL: none */
    int refs;
    void *priv;        /* the driver's struct */
    struct BlockNodeCore *core; /* the core's: parents, permissions, in-flight, statistics */
};

const BlockDriver *block_driver_find(const char *name, Error **errp);

/* ---- for drivers and blocking users (tools, jobs): on any thread that may block ----
 * They pad, split, honour read-only, track what is in flight, and fall back. 0 or -errno. */
int node_preadv(BlockNode *n, uint64_t offset, const struct iovec *iov, int niov);
int node_pwritev(BlockNode *n, uint64_t offset, const struct iovec *iov, int niov, unsigned flags);
int node_pread(BlockNode *n, uint64_t offset, void *buf, size_t bytes);
int node_pwrite(BlockNode *n, uint64_t offset, const void *buf, size_t bytes, unsigned flags);
int node_pwrite_zeroes(BlockNode *n, uint64_t offset, uint64_t bytes, unsigned flags);
int node_pdiscard(BlockNode *n, uint64_t offset, uint64_t bytes);
int node_flush(BlockNode *n);
/* Follows the chain of backing files until base (not included; NULL: all of it). */
int node_block_status_above(BlockNode *n, BlockNode *base, uint64_t offset, uint64_t bytes,
                            uint64_t *pnum, uint64_t *map, BlockNode **file);
int node_block_status(BlockNode *n, uint64_t offset, uint64_t bytes, uint64_t *pnum, uint64_t *map,
                      BlockNode **file);
uint64_t node_length(BlockNode *n); /* asks the driver again, updates n->size */
/* prealloc: "off", "metadata", "falloc", "full". */
bool node_truncate(BlockNode *n, uint64_t size, const char *prealloc, Error **errp);
/* Buffers aligned for O_DIRECT; free with node_free_buffer(). */
void *node_alloc_buffer(BlockNode *n, size_t bytes);
void node_free_buffer(void *p);

/* ---- the graph: main loop ---- */
/* Opens a node and its children as -blockdev's object says; "file" etc. may be objects or names. */
BlockNode *node_open(BlockSet *set, json_t *opts, Error **errp);
/* Opens a file by name, the format probed if NULL; common flags as above. */
BlockNode *node_open_file(BlockSet *set, const char *filename, const char *format, unsigned flags,
                          json_t *more_opts, Error **errp);
BlockNode *node_find(BlockSet *set, const char *name);
void node_ref(BlockNode *n);
void node_unref(BlockNode *n); /* the last one closes it, and its children */
/* Nothing is in flight on return, and nothing new starts until the matching end. */
void node_drain_begin(BlockNode *n);
void node_drain_end(BlockNode *n);
void block_snapshot_free(BlockSnapshot *sn);
/* The path of a backing file named inside an image, relative to that image. g_free. */
char *block_backing_path(const char *image, const char *backing);

/* Brings a driver's options to the types of its table and fills in defaults; refuses others. */
bool block_typed_opts(const BlockOpt *table, json_t *opts, const char *driver, Error **errp);
/* The options "key=value,a.b=c" or JSON as one nested object. */
json_t *block_parse_opts(const char *text, Error **errp);

#endif
