/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the qcow2 driver share. On-disk format: QEMU's docs/interop/qcow2.txt; the
 * order in which writes reach the disk: docs/qcow2.md and qcow2-order.c.
 *
 * home: everything that is not immutable after open is guarded by Qcow2.lock, but for the pins
 * (atomic) and what says so. "Locked" in a comment means: call it with the lock held.
 */
#ifndef BLOCK_QCOW2_H
#define BLOCK_QCOW2_H

#include <inttypes.h>

#include "base/bits.h"
#include "base/units.h"
#include "block/node.h"

#define QCOW2_MAGIC           0x514649fbu
#define QCOW2_MIN_CLUSTER_BITS 9
#define QCOW2_MAX_CLUSTER_BITS 21
#define QCOW2_MAX_L1_BYTES    (32 * MiB)
#define QCOW2_MAX_REFTABLE_BYTES (8 * MiB)
#define QCOW2_MAX_SNAPSHOTS   65536u
#define QCOW2_MAX_SNAPSHOT_EXTRA 1024u
#define QCOW2_MAX_SNAPSHOT_TABLE (64 * MiB) /* 1024 bytes for each of 65536 */
#define QCOW2_MAX_BITMAPS     65535u
#define QCOW2_MAX_BITMAP_DIR  (64 * MiB)
#define QCOW2_MAX_BITMAP_TABLE (0x8000000u) /* entries */

#define QCOW2_COPIED     BIT64(63)
#define QCOW2_COMPRESSED BIT64(62)
#define QCOW2_ZERO       BIT64(0)
#define QCOW2_L1_OFFSET  MASK64(9, 47)
#define QCOW2_L2_OFFSET  MASK64(9, 47)
#define QCOW2_RT_OFFSET  MASK64(9, 55)
#define QCOW2_MAX_HOST   BIT64(56) /* host offsets in L1 and L2 are below */
#define QCOW2_SUBCLUSTERS 32u

enum { /* incompatible features */
    QCOW2_INCOMPAT_DIRTY = 1 << 0,
    QCOW2_INCOMPAT_CORRUPT = 1 << 1,
    QCOW2_INCOMPAT_DATA_FILE = 1 << 2,
    QCOW2_INCOMPAT_COMPRESSION = 1 << 3,
    QCOW2_INCOMPAT_EXTL2 = 1 << 4,
    QCOW2_INCOMPAT_KNOWN = 0x1f,
};
enum { QCOW2_COMPAT_LAZY = 1 << 0 };
enum { QCOW2_AUTOCLEAR_BITMAPS = 1 << 0, QCOW2_AUTOCLEAR_RAW = 1 << 1, QCOW2_AUTOCLEAR_KNOWN = 3 };

enum { /* header extensions */
    QCOW2_EXT_END = 0,
    QCOW2_EXT_BACKING_FORMAT = 0xe2792aca,
    QCOW2_EXT_FEATURES = 0x6803f857,
    QCOW2_EXT_BITMAPS = 0x23852875,
    QCOW2_EXT_CRYPTO = 0x0537be77,
    QCOW2_EXT_DATA_FILE = 0x44415441,
};

enum { /* where a header field is */
    QCOW2_H_BACKING_OFFSET = 8,
    QCOW2_H_BACKING_SIZE = 16,
    QCOW2_H_CLUSTER_BITS = 20,
    QCOW2_H_SIZE = 24,
    QCOW2_H_CRYPT = 32,
    QCOW2_H_L1_SIZE = 36,
    QCOW2_H_L1_OFFSET = 40,
    QCOW2_H_RT_OFFSET = 48,
    QCOW2_H_RT_CLUSTERS = 56,
    QCOW2_H_NB_SNAPSHOTS = 60,
    QCOW2_H_SNAPSHOTS = 64,
    QCOW2_H_V2_LENGTH = 72,
    QCOW2_H_INCOMPAT = 72,
    QCOW2_H_COMPAT = 80,
    QCOW2_H_AUTOCLEAR = 88,
    QCOW2_H_REFCOUNT_ORDER = 96,
    QCOW2_H_LENGTH = 100,
    QCOW2_H_COMPRESSION = 104,
    QCOW2_H_V3_LENGTH = 112, /* as we write it */
};

enum { QCOW2_ZLIB = 0, QCOW2_ZSTD = 1 };

/* A header extension as it stands in the file; unknown ones are kept byte for byte. */
typedef struct Qcow2Ext {
    uint32_t type, len;
    uint8_t *data;
} Qcow2Ext;

typedef struct Qcow2Snapshot {
    uint64_t l1_offset;
    uint32_t l1_size;
    char *id, *name;
    uint32_t date_sec, date_nsec;
    uint64_t vm_clock_nsec, vm_state_size, disk_size;
    int64_t icount;      /* -1: not in the file */
    uint32_t extra_size; /* as in the file */
    uint8_t *extra;      /* all of it, also what we do not know */
} Qcow2Snapshot;

/* ---- caches of tables: qcow2-cache.c ---- */

typedef struct Qcow2Slot {
    uint64_t offset; /* in the file; 0: empty */
    bool dirty, used; /* used: since the cleaner came by last */
    uint32_t lo, hi;  /* the dirty bytes */
    int hash_next, prev, next;
} Qcow2Slot;

typedef struct Qcow2Cache {
    Qcow2Slot *slot;
    uint8_t *mem;
    int *bucket;
    unsigned n, mask;
    unsigned dirty; /* slots */
    unsigned slice; /* bytes, a power of two <= cluster size */
    int head, tail; /* most recently used first */
} Qcow2Cache;

/* ---- requests ---- */

/* Guest clusters whose entries are about to change; others wait until it is gone. */
typedef struct Qcow2Alloc {
    uint64_t start, end; /* guest, cluster aligned */
    struct Qcow2Alloc *next;
} Qcow2Alloc;

/* A reference to be dropped, once nothing on the disk has it any more. */
typedef struct Qcow2Free {
    uint64_t offset, bytes;
    unsigned kind; /* QCOW2_DISCARD_ */
} Qcow2Free;

enum { /* why clusters are freed: decides whether the file's space is given back */
    QCOW2_DISCARD_NEVER,
    QCOW2_DISCARD_REQUEST,
    QCOW2_DISCARD_SNAPSHOT,
    QCOW2_DISCARD_OTHER,
    QCOW2_DISCARD_ALWAYS,
    QCOW2_DISCARD_KINDS,
};

enum { /* overlap checks */
    QCOW2_OL_NONE,
    QCOW2_OL_CONSTANT,
    QCOW2_OL_CACHED,
    QCOW2_OL_ALL,
};
typedef enum Qcow2Meta { /* what a cluster or range of the file is */
    QCOW2_META_NONE,
    QCOW2_META_HEADER,
    QCOW2_META_L1,
    QCOW2_META_L2,
    QCOW2_META_REFTABLE,
    QCOW2_META_REFBLOCK,
    QCOW2_META_SNAPSHOTS,
    QCOW2_META_INACTIVE_L1,
    QCOW2_META_INACTIVE_L2,
    QCOW2_META_BITMAPS,
} Qcow2Meta;

typedef struct Qcow2MetaSet { /* cluster index -> Qcow2Meta; open addressing */
    uint64_t *key; /* index << 4 | kind; 0: empty, 1: removed */
    size_t n, used, cap;
} Qcow2MetaSet;

#define QCOW2_PINS 4096u
#define QCOW2_UNZIPPED 4u

typedef struct Qcow2Unzipped { /* a decompressed cluster */
    uint64_t desc; /* 0: none */
    uint64_t stamp;
    uint8_t *data;
} Qcow2Unzipped;

typedef struct Qcow2 {
    BlockNode *node;
    BlockNode *file, *data; /* data: where guest clusters are; often the same */
    GMutex lock;
    GCond cond; /* an allocation is over */
    unsigned alloc_waiters; /* of cond */

    /* Geometry. */
    unsigned version, cluster_bits, l2_bits, l2_entry_size, sub_bits, subs;
    uint32_t cluster_size, sub_size;
    unsigned refcount_order, refblock_bits;
    uint64_t refcount_max;
    unsigned csize_shift;
    uint64_t csize_mask, coffset_mask;

    /* Header. */
    uint64_t size; /* of the disk */
    uint64_t incompat, compat, autoclear;
    uint32_t header_length;
    unsigned compression;
    uint8_t *unknown_fields; /* of the header, behind compression_type */
    uint32_t unknown_len;
    GPtrArray *exts;         /* Qcow2Ext */
    uint64_t bitmap_dir;
    uint32_t nb_bitmaps;
    uint64_t bitmap_dir_size;
    char *data_file_name;    /* as the image has it */

    /* Mapping. */
    uint64_t l1_offset;
    uint32_t l1_size, l1_vm_index; /* entries; where the VM state begins */
    uint64_t *l1;
    uint8_t *l1_dirty;       /* a byte for each 512 bytes of it */
    bool l1_any_dirty;
    Qcow2Cache l2;

    /* Reference counts. */
    uint64_t rt_offset;
    uint32_t rt_clusters;
    uint64_t *rt;
    size_t rt_entries;
    uint8_t *rt_dirty;
    bool rt_any_dirty;
    uint8_t *rt_bad;         /* while checking: entries that name no block */
    Qcow2Cache rc;
    uint64_t free_index;     /* no cluster before it is free */
    uint64_t fresh_from;     /* bytes: from here on the file was never written */
    uint64_t zip_tail;       /* where the next compressed cluster may start; 0: nowhere */

    /* Snapshots. */
    uint64_t snapshots_offset;
    uint64_t snapshots_size; /* bytes of the table */
    Qcow2Snapshot *snap;
    uint32_t nb_snap;
    bool snapshot_view;      /* reads show a snapshot */

    /* Ordering: see qcow2-order.c. */
    bool unflushed;          /* something that dirty L2 or L1 entries rely on may not be stable */
    /* Clusters without contents are named up to here (preallocation): the file is made that long, in
     * that mode, before an entry that names them is written. */
    uint64_t reserve_end;
    const char *reserve_mode;
    GArray *free_waiting;    /* Qcow2Free: the last reference is gone in the caches only */
    GArray *free_written;    /* ... was overwritten in the file, but that was not flushed */
    GArray *free_stable;     /* ... is gone, but a request still uses the clusters */
    bool flags_stale;        /* a snapshot operation failed: "copied" flags may be missing */
    bool prepared;           /* the image may be changed: see qcow2_prepare() */
    bool lazy_wanted, lazy;  /* lazy refcounts are to be used; are in use: the dirty bit is set */
    bool corrupt;            /* nothing is written any more */
    bool failed_open;        /* closing must not write */

    Qcow2Alloc *allocs;
    uint32_t *pins;          /* atomic; by host offset >> pin_bits, modulo QCOW2_PINS */
    unsigned pin_bits;

    unsigned overlap;
    Qcow2MetaSet meta;
    bool pass_discard[QCOW2_DISCARD_KINDS];
    bool discard_opt_set[QCOW2_DISCARD_KINDS];

    GMutex zip_lock;         /* guards unzipped; taken after lock, or alone */
    Qcow2Unzipped unzipped[QCOW2_UNZIPPED];
    uint64_t zip_stamp;
    int sparse_hint;         /* 0: not known yet, 1: file has holes, -1: no */
    GMutex clean_lock;       /* cache-clean-interval: with clean_cond, clean_stop */
    GCond clean_cond;
    GThread *cleaner;
    unsigned clean_interval; /* s */
    bool clean_stop;
} Qcow2;

static inline uint64_t qcow2_cluster_start(const Qcow2 *s, uint64_t off)
{
    return round_down(off, s->cluster_size);
}

static inline uint64_t qcow2_clusters(const Qcow2 *s, uint64_t bytes)
{
    return (bytes >> s->cluster_bits) + ((bytes & (s->cluster_size - 1)) != 0);
}

static inline bool qcow2_extl2(const Qcow2 *s)
{
    return s->subs > 1;
}

static inline bool qcow2_has_data_file(const Qcow2 *s)
{
    return s->incompat & QCOW2_INCOMPAT_DATA_FILE;
}

static inline bool qcow2_data_raw(const Qcow2 *s)
{
    return s->autoclear & QCOW2_AUTOCLEAR_RAW;
}

/* Guest bytes that an entry of L1 stands for. */
static inline unsigned qcow2_l1_shift(const Qcow2 *s)
{
    return s->cluster_bits + s->l2_bits;
}

/* ---- qcow2-header.c ---- */
bool qcow2_read_header(Qcow2 *s, json_t *opts, Error **errp);
/* Writes header, extensions and names anew; the caller flushes. */
int qcow2_write_header(Qcow2 *s);
/* What an operation changes in the header, to be put back (in the file too) when it fails. */
typedef struct Qcow2Header {
    unsigned version;
    uint64_t incompat, compat, autoclear;
    uint32_t unknown_len, nb_bitmaps;
    uint64_t bitmap_dir, bitmap_dir_size;
    bool lazy, lazy_wanted;
    GPtrArray *exts; /* Qcow2Ext */
} Qcow2Header;
Qcow2Header *qcow2_header_save(const Qcow2 *s);
void qcow2_header_restore(Qcow2 *s, Qcow2Header *h);
void qcow2_header_free(Qcow2Header *h);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Qcow2Header, qcow2_header_free)
Qcow2Ext *qcow2_ext_find(Qcow2 *s, uint32_t type);
void qcow2_ext_set(Qcow2 *s, uint32_t type, const void *data, uint32_t len); /* NULL: remove */
void qcow2_ext_free(gpointer ext);
void qcow2_default_features(Qcow2 *s); /* the feature name table, if there is room */
/* One of the three feature words on the disk; no flush. */
int qcow2_write_features(Qcow2 *s);
void qcow2_set_geometry(Qcow2 *s, bool extl2);
/* Entries of L1 for a disk of @size; UINT64_MAX: too many. */
uint64_t qcow2_l1_entries(const Qcow2 *s, uint64_t size);
bool qcow2_range_ok(const Qcow2 *s, uint64_t offset, uint64_t bytes);

/* ---- qcow2-cache.c: locked ---- */
bool qcow2_cache_init(Qcow2Cache *c, uint64_t bytes, unsigned slice, Error **errp);
void qcow2_cache_fini(Qcow2Cache *c);
/* The slice at @offset, or NULL if it is not in memory. */
uint8_t *qcow2_cache_peek(Qcow2Cache *c, uint64_t offset);
/* The same, read if need be; valid until the next call for this cache. */
int qcow2_cache_get(Qcow2 *s, Qcow2Cache *c, uint64_t offset, uint8_t **out);
/* A slice that is all zeroes and need not be read. */
int qcow2_cache_get_empty(Qcow2 *s, Qcow2Cache *c, uint64_t offset, uint8_t **out);
/* Bytes [lo, hi) of the slice were changed. */
void qcow2_cache_dirty(Qcow2Cache *c, const uint8_t *slice, uint32_t lo, uint32_t hi);
void qcow2_cache_forget(Qcow2Cache *c, uint64_t offset, uint64_t bytes); /* whatever is dirty there is lost */
void qcow2_cache_clear(Qcow2Cache *c); /* the same for all */
int qcow2_cache_write(Qcow2 *s, Qcow2Cache *c, Qcow2Meta kind);
void qcow2_cache_clean(Qcow2Cache *c); /* gives memory back that was not used since the last call */

/* ---- qcow2-order.c: locked ---- */
/* Before the first change: unknown autoclear bits, bitmaps, the dirty bit. */
int qcow2_prepare(Qcow2 *s);
/* Reference counts and their table to the file, in their order. */
int qcow2_write_refcounts(Qcow2 *s);
/* Everything written so far is stable when it returns. */
int qcow2_barrier(Qcow2 *s);
/* Makes the file as long as what is named in it (Qcow2.reserve_end). */
bool qcow2_reserve(Qcow2 *s, Error **errp);
/* Dirty metadata reaches the file, in order; not flushed. */
int qcow2_commit(Qcow2 *s);
/* The same, flushed, and with what was freed. */
int qcow2_commit_all(Qcow2 *s);
/* Drops one reference of each cluster of the range when it is safe. */
void qcow2_free_later(Qcow2 *s, uint64_t offset, uint64_t bytes, unsigned kind);
/* Clears or sets the dirty bit on the disk. */
int qcow2_set_dirty(Qcow2 *s, bool dirty);
void qcow2_l1_set(Qcow2 *s, uint32_t index, uint64_t entry);
void qcow2_pin(Qcow2 *s, uint64_t host, uint64_t bytes, int delta); /* any thread */

/* ---- qcow2-overlap.c: locked ---- */
/* 0, or -EIO after the image was marked corrupt: [offset, +bytes) of the file is something else. */
int qcow2_overlap_check(Qcow2 *s, Qcow2Meta self, uint64_t offset, uint64_t bytes);
void qcow2_meta_add(Qcow2 *s, uint64_t offset, Qcow2Meta kind);
void qcow2_meta_remove(Qcow2 *s, uint64_t offset);
void qcow2_meta_build(Qcow2 *s); /* from the tables in memory */
/* Finds that the image is broken: marks it, tells the user, -EIO. */
int qcow2_signal_corrupt(Qcow2 *s, bool fatal, uint64_t offset, uint64_t bytes, const char *fmt, ...)
    G_GNUC_PRINTF(5, 6);

/* ---- qcow2-alloc.c: locked ---- */
int qcow2_refcount_get(Qcow2 *s, uint64_t cluster, uint64_t *out);
/* Adds @delta to the count of each cluster that the range touches. */
int qcow2_refcount_add(Qcow2 *s, uint64_t offset, uint64_t bytes, int delta, unsigned kind);
/* A run of 1 to @max free clusters, count 1 now. *fresh: never written, reads as zeroes. */
int qcow2_alloc_clusters(Qcow2 *s, uint64_t max, uint64_t *host, uint64_t *got, bool *fresh);
/* Contiguous clusters for @bytes. */
int qcow2_alloc_area(Qcow2 *s, uint64_t bytes, uint64_t *host);
/* Room for @bytes of compressed data. */
int qcow2_alloc_bytes(Qcow2 *s, uint32_t bytes, uint64_t *host);
uint64_t qcow2_refcount_peek(const Qcow2 *s, const uint8_t *block, uint64_t index);
void qcow2_refcount_poke(const Qcow2 *s, uint8_t *block, uint64_t index, uint64_t v);

/* ---- qcow2-map.c ---- */
typedef enum Qcow2Type {
    QCOW2_UNALLOC,    /* shows the backing file */
    QCOW2_UNALLOC_SUB,/* the same, but its cluster has a place in the file */
    QCOW2_ZERO_PLAIN,
    QCOW2_ZERO_ALLOC, /* reads as zeroes, has a place */
    QCOW2_NORMAL,
    QCOW2_ZIPPED,
} Qcow2Type;

typedef struct Qcow2Map { /* the longest prefix of a range that is of one kind */
    Qcow2Type type;
    uint64_t bytes;
    uint64_t host;  /* of its first byte; NORMAL and *_ALLOC */
    uint64_t desc;  /* the L2 entry of the first cluster */
    bool copied;    /* nobody else has these clusters */
} Qcow2Map;

/* Locked. With @peek -EAGAIN if a table is not in memory. @copied: also split where the flag changes. */
int qcow2_lookup(Qcow2 *s, uint64_t offset, uint64_t bytes, bool peek, bool copied, Qcow2Map *m);
/* Locked: the slice of L2 that has the entry of @offset, for changing it: the table is made, or
 * copied if shared. *index: of the entry in the slice. */
int qcow2_l2_for_write(Qcow2 *s, uint64_t offset, uint8_t **slice, unsigned *index);
/* Locked: the same for reading; *slice NULL: there is no table. */
int qcow2_l2_for_read(Qcow2 *s, uint64_t offset, uint8_t **slice, unsigned *index);
/* Clusters from @offset on to the end of its slice. */
uint64_t qcow2_slice_left(const Qcow2 *s, uint64_t offset);
static inline uint64_t qcow2_entry(const Qcow2 *s, const uint8_t *slice, unsigned index)
{
    return ld_be64(slice + (size_t)index * s->l2_entry_size);
}
static inline uint64_t qcow2_bitmap(const Qcow2 *s, const uint8_t *slice, unsigned index)
{
    return s->subs > 1 ? ld_be64(slice + (size_t)index * 16 + 8) : 0;
}
void qcow2_set_entry(Qcow2 *s, uint8_t *slice, unsigned index, uint64_t desc, uint64_t bitmap);
bool qcow2_sub_type(const Qcow2 *s, uint64_t desc, uint64_t bitmap, unsigned sub, Qcow2Type *type);
/* Where compressed data is. */
void qcow2_zip_range(const Qcow2 *s, uint64_t desc, uint64_t *offset, uint64_t *bytes);
/* Locked: drops what an entry refers to. */
void qcow2_free_entry(Qcow2 *s, uint64_t desc, unsigned kind);
/* Locked: L1 gets room for at least @entries, in a new place if that needs more clusters. */
int qcow2_grow_l1(Qcow2 *s, uint64_t entries);
/* Locked: a new L1 of the given size takes the place of the active one, atomically. */
int qcow2_switch_l1(Qcow2 *s, const uint64_t *l1, uint32_t entries, uint64_t disk_size);
int qcow2_block_status(BlockNode *n, uint64_t offset, uint64_t bytes, uint64_t *pnum, uint64_t *map,
                       BlockNode **file);
bool qcow2_resolve(BlockNode *n, bool write, uint64_t offset, uint64_t bytes, BlockNode **child,
                   uint64_t *child_offset);
void qcow2_unpin(BlockNode *n, bool write, uint64_t child_offset, uint64_t bytes);
/* Unlocked; guest offsets, also of the VM state. */
int qcow2_read_at(Qcow2 *s, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov);
int qcow2_preadv(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov);

/* ---- qcow2-write.c ---- */
int qcow2_write_at(Qcow2 *s, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov);
int qcow2_pwritev(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov,
                  unsigned flags);
/* Locked: waits until nobody changes entries in [start, end); may let the lock go. Returns true if
 * it did, so that what was looked up has to be looked up again. */
bool qcow2_wait_allocs(Qcow2 *s, uint64_t start, uint64_t end);
void qcow2_alloc_begin(Qcow2 *s, Qcow2Alloc *a, uint64_t start, uint64_t end);
void qcow2_alloc_end(Qcow2 *s, Qcow2Alloc *a);
/* Locked: makes all of [offset, +bytes) allocated, without writing data. */
int qcow2_preallocate(Qcow2 *s, uint64_t offset, uint64_t bytes);

/* ---- qcow2-zero.c ---- */
int qcow2_pwrite_zeroes(BlockNode *n, uint64_t offset, uint64_t bytes, unsigned flags);
int qcow2_pdiscard(BlockNode *n, uint64_t offset, uint64_t bytes);
/* Unlocked: unmaps whole clusters, so that the backing file shows. */
int qcow2_unmap(Qcow2 *s, uint64_t offset, uint64_t bytes, bool full, unsigned kind);

/* ---- qcow2-compress.c ---- */
int qcow2_pwrite_compressed(BlockNode *n, uint64_t offset, uint64_t bytes, const void *buf);
/* Unlocked; the clusters are pinned. Copies bytes [skip, skip + len) of the cluster. */
int qcow2_unzip(Qcow2 *s, uint64_t desc, uint32_t skip, uint32_t len, const struct iovec *iov,
                int niov, size_t at);
void qcow2_unzip_forget(Qcow2 *s);
bool qcow2_compression_supported(unsigned type);

/* ---- qcow2-snapshot.c ---- */
bool qcow2_read_snapshots(Qcow2 *s, uint64_t offset, uint32_t count, Error **errp);
void qcow2_snapshots_free(Qcow2 *s);
/* Locked: sets the "copied" flags that a failed operation on snapshots left cleared. */
int qcow2_freshen_flags(Qcow2 *s);
int qcow2_write_snapshots(Qcow2 *s); /* locked */
bool qcow2_snapshot_create(BlockNode *n, const BlockSnapshot *sn, Error **errp);
bool qcow2_snapshot_goto(BlockNode *n, const char *id_or_name, Error **errp);
bool qcow2_snapshot_delete(BlockNode *n, const char *id_or_name, Error **errp);
GPtrArray *qcow2_snapshot_list(BlockNode *n);
bool qcow2_snapshot_load(BlockNode *n, const char *id_or_name, Error **errp);
int qcow2_vmstate_read(BlockNode *n, uint64_t offset, void *buf, size_t len);
int qcow2_vmstate_write(BlockNode *n, uint64_t offset, const void *buf, size_t len);
/* Reads an L1 table of the file into host byte order. */
int qcow2_load_l1(Qcow2 *s, uint64_t offset, uint32_t entries, uint64_t **out);

/* ---- qcow2-bitmap.c ---- */
/* Marks the enabled bitmaps as no longer exact, as we do not track writes. */
int qcow2_bitmaps_in_use(Qcow2 *s);
/* Calls @fn for each range of the file that the bitmaps own. -EIO: the directory is broken. */
typedef int Qcow2RangeFn(void *opaque, uint64_t offset, uint64_t bytes);
int qcow2_bitmaps_walk(Qcow2 *s, Qcow2RangeFn *fn, void *opaque, json_t *list);

/* ---- qcow2-check.c, qcow2-repair.c ---- */
bool qcow2_check(BlockNode *n, BlockCheck *result, unsigned fix, Error **errp);
bool qcow2_repair_dirty(Qcow2 *s, Error **errp); /* at open */

/* ---- qcow2-create.c, qcow2-amend.c ---- */
extern const BlockOpt qcow2_create_opts[];
bool qcow2_create(BlockSet *set, BlockNode *file, const char *filename, json_t *opts, Error **errp);
bool qcow2_measure(json_t *opts, uint64_t size, BlockMeasure *m, Error **errp);
bool qcow2_truncate(BlockNode *n, uint64_t size, const char *prealloc, Error **errp);
bool qcow2_amend(BlockNode *n, json_t *opts, Error **errp);
bool qcow2_change_backing(BlockNode *n, const char *file, const char *format, Error **errp);
bool qcow2_make_empty(BlockNode *n, Error **errp);

#endif
