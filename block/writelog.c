/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "blklogwrites": passes requests on and records the writes, in the format of Linux' dm-log-writes
 * (a superblock; entries of sector, sectors, flags, data length, each in a sector of its own, with
 * the data behind it), so that its tools read the log too. And the replay of such a log.
 *
 * A write is recorded when it is complete; a flush when it begins, since it says nothing of writes
 * that end while it runs. Zeroes are recorded as data. One cannot know what a buffer will hold
 * later, so what is written and what is recorded is one copy.
 *
 * home: requests on any thread, guarded by Logger.lock.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/iov.h"
#include "block/node.h"
#include "block/writelog.h"

#define LOG_MAGIC 0x6a736677736872ull
#define LOG_VERSION 1
#define LOG_SECTOR 512u

enum { LOG_FLUSH = 1 << 0, LOG_FUA = 1 << 1, LOG_DISCARD = 1 << 2 };

typedef struct Super {
    uint64_t magic, version, nr_entries;
    uint32_t sectorsize;
} __attribute__((packed)) Super;

typedef struct Entry {
    uint64_t sector, nr_sectors, flags, data_len;
} __attribute__((packed)) Entry;

typedef struct Logger {
    BlockNode *log;
    GMutex lock;
    uint64_t next;    /* byte where the next entry goes */
    uint64_t entries;
    int error;        /* the log could not be written: every request fails from then on */
} Logger;

/* ---- recording ---- */

static int write_super(Logger *l)
{
    uint8_t block[LOG_SECTOR] = {0};
    const Super s = {GUINT64_TO_LE(LOG_MAGIC), GUINT64_TO_LE(LOG_VERSION),
                     GUINT64_TO_LE(l->entries), GUINT32_TO_LE(LOG_SECTOR)};

    memcpy(block, &s, sizeof(s));
    return node_pwrite(l->log, 0, block, sizeof(block), 0);
}

/* data NULL: zeroes. */
static int record(BlockNode *n, uint64_t offset, uint64_t bytes, unsigned flags, const void *data)
{
    Logger *l = n->priv;
    bool has_data = !(flags & (LOG_FLUSH | LOG_DISCARD));
    uint8_t block[LOG_SECTOR] = {0};
    const Entry e = {GUINT64_TO_LE(offset / LOG_SECTOR), GUINT64_TO_LE(bytes / LOG_SECTOR),
                     GUINT64_TO_LE(flags), GUINT64_TO_LE(has_data ? bytes : 0)};

    memcpy(block, &e, sizeof(e));
    g_mutex_lock(&l->lock);
    int ret = l->error ? l->error : node_pwrite(l->log, l->next, block, sizeof(block), 0);
    l->next += sizeof(block);
    if (ret == 0 && has_data && bytes) {
        ret = data ? node_pwrite(l->log, l->next, data, bytes, 0)
                   : node_pwrite_zeroes(l->log, l->next, bytes, 0);
        l->next += bytes;
    }
    l->entries += ret == 0;
    if (ret == 0 && flags & LOG_FLUSH) {
        ret = write_super(l);
    }
    l->error = ret;
    g_mutex_unlock(&l->lock);
    return ret;
}

static int log_preadv(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                      int niov)
{
    return node_preadv(n->file, offset, iov, niov);
}

static int log_pwritev(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                       int niov, unsigned flags)
{
    /* Whole sectors: the end of a file that is none is recorded with zeroes behind it. */
    uint64_t whole = (bytes + LOG_SECTOR - 1) & ~(uint64_t)(LOG_SECTOR - 1);
    uint8_t *copy = node_alloc_buffer(n, whole);

    iov_to_buf(iov, niov, 0, copy, bytes);
    memset(copy + bytes, 0, whole - bytes);
    int ret = node_pwrite(n->file, offset, copy, bytes, flags);
    ret = ret ? ret : record(n, offset, whole, flags & NODE_REQ_FUA ? LOG_FUA : 0, copy);
    node_free_buffer(copy);
    return ret;
}

static int log_pwrite_zeroes(BlockNode *n, uint64_t offset, uint64_t bytes, unsigned flags)
{
    int ret = node_pwrite_zeroes(n->file, offset, bytes, flags);

    return ret ? ret : record(n, offset, bytes, 0, NULL);
}

static int log_pdiscard(BlockNode *n, uint64_t offset, uint64_t bytes)
{
    int ret = node_pdiscard(n->file, offset, bytes);

    return ret ? ret : record(n, offset, bytes, LOG_DISCARD, NULL);
}

static int log_flush(BlockNode *n)
{
    return record(n, 0, 0, LOG_FLUSH, NULL);
}

static BlockNode *open_log(BlockNode *n, json_t *opts, Error **errp)
{
    json_t *log = json_object_get(opts, "log");
    const char *name = json_string_value(log);
    BlockNode *there = name ? node_find(n->set, name) : NULL;

    if (there) {
        node_ref(there);
        return there;
    }
    if (!json_is_object(log)) {
        error_set(errp, ERR_INVALID_PARAMETER, "blklogwrites: the log is missing, or no node is "
                  "named '%s'", name ? name : "");
        return NULL;
    }
    return node_open(n->set, log, errp);
}

static bool log_open(BlockNode *n, json_t *opts, Error **errp)
{
    Logger *l = n->priv;

    l->log = open_log(n, opts, errp);
    if (!l->log) {
        return false;
    }
    n->alignment = LOG_SECTOR;
    l->next = LOG_SECTOR;
    g_mutex_init(&l->lock);
    int ret = write_super(l);
    if (ret < 0) {
        error_set_errno(errp, -ret, "blklogwrites: the log cannot be written");
        node_unref(l->log);
        g_mutex_clear(&l->lock);
        return false;
    }
    return true;
}

static void log_close(BlockNode *n)
{
    Logger *l = n->priv;

    if (!l->error && write_super(l) < 0) {
        warn_report("blklogwrites: the log of '%s' is not complete", n->name);
    }
    node_unref(l->log);
    g_mutex_clear(&l->lock);
}

static int64_t log_allocated(BlockNode *n)
{
    return n->file->drv->allocated ? n->file->drv->allocated(n->file) : -1;
}

static const BlockOpt log_opts[] = {
    {"log", BLOCK_OPT_CHILD, NULL, "where the writes are recorded: a node, or its options"},
    {0},
};

static const BlockDriver writelog_driver = {
    .name = "blklogwrites",
    .help = "records writes and flushes",
    .kind = DRIVER_FILTER,
    .size = sizeof(Logger),
    .open_opts = log_opts,
    .open = log_open,
    .close = log_close,
    .write_flags = NODE_REQ_FUA,
    .preadv = log_preadv,
    .pwritev = log_pwritev,
    .pwrite_zeroes = log_pwrite_zeroes,
    .pdiscard = log_pdiscard,
    .flush = log_flush,
    .allocated = log_allocated,
};
BLOCK_DRIVER(writelog_driver);

/* ---- replaying ---- */

typedef struct LogItem {
    uint64_t offset, bytes;
    unsigned flags;
    const uint8_t *data;
} LogItem;

struct WriteLog {
    GMappedFile *map;
    GArray *items; /* LogItem */
};

static bool parse(WriteLog *log, const uint8_t *p, size_t len, Error **errp)
{
    Super s;
    size_t at = LOG_SECTOR;

    memcpy(&s, p, sizeof(s));
    for (uint64_t i = 0; i < GUINT64_FROM_LE(s.nr_entries); i++) {
        Entry e;
        if (at > len || len - at < LOG_SECTOR) {
            break;
        }
        memcpy(&e, p + at, sizeof(e));
        at += LOG_SECTOR;
        LogItem it = {
            .offset = GUINT64_FROM_LE(e.sector) * LOG_SECTOR,
            .bytes = GUINT64_FROM_LE(e.nr_sectors) * LOG_SECTOR,
            .flags = (unsigned)GUINT64_FROM_LE(e.flags),
        };
        uint64_t data_len = GUINT64_FROM_LE(e.data_len);
        if (data_len > len - at || (data_len && data_len != it.bytes)) {
            error_set(errp, ERR_GENERIC, "entry %" G_GUINT64_FORMAT " of the log is damaged", i);
            return false;
        }
        it.data = data_len ? p + at : NULL;
        at += data_len;
        g_array_append_val(log->items, it);
    }
    return true;
}

WriteLog *writelog_load(const char *path, Error **errp)
{
    g_autoptr(GError) gerr = NULL;
    GMappedFile *map = g_mapped_file_new(path, false, &gerr);

    if (!map) {
        error_set(errp, ERR_IO, "%s", gerr->message);
        return NULL;
    }
    WriteLog *log = g_new(WriteLog, 1);
    *log = (WriteLog){map, g_array_new(false, false, sizeof(LogItem))};
    size_t len = g_mapped_file_get_length(map);
    const uint8_t *p = (const uint8_t *)g_mapped_file_get_contents(map);
    uint64_t magic = 0;
    if (len >= LOG_SECTOR) {
        memcpy(&magic, p, sizeof(magic));
    }
    if (GUINT64_FROM_LE(magic) != LOG_MAGIC) {
        error_set(errp, ERR_GENERIC, "'%s' is no log of writes", path);
    } else if (parse(log, p, len, errp)) {
        return log;
    }
    writelog_free(log);
    return NULL;
}

void writelog_free(WriteLog *log)
{
    if (log) {
        g_mapped_file_unref(log->map);
        g_array_unref(log->items);
        g_free(log);
    }
}

unsigned writelog_entries(const WriteLog *log)
{
    return log->items->len;
}

int64_t writelog_flush(const WriteLog *log, unsigned nth)
{
    for (guint i = 0; i < log->items->len; i++) {
        if (g_array_index(log->items, LogItem, i).flags & LOG_FLUSH && !nth--) {
            return i;
        }
    }
    return -1;
}

static bool apply_piece(const LogItem *it, uint64_t at, uint64_t bytes, int fd, Error **errp)
{
    static const uint8_t zeroes[65536];

    while (bytes) {
        const uint8_t *from = it->data ? it->data + at : zeroes;
        uint64_t part = it->data ? bytes : MIN(bytes, sizeof(zeroes));
        ssize_t done = pwrite(fd, from, part, (off_t)(it->offset + at));
        if (done <= 0) {
            error_set_errno(errp, errno, "the image cannot be written");
            return false;
        }
        at += (uint64_t)done;
        bytes -= (uint64_t)done;
    }
    return true;
}

/* Nothing, everything, a prefix, or any sectors of it. */
static bool apply_some(const LogItem *it, GRand *rand, int fd, Error **errp)
{
    int how = g_rand_int_range(rand, 0, 4);

    if (how == 0) {
        return true;
    }
    if (how == 1 || !it->bytes) {
        return apply_piece(it, 0, it->bytes, fd, errp);
    }
    if (how == 2) {
        uint64_t sectors = (uint64_t)(g_rand_double(rand) * (double)(it->bytes / LOG_SECTOR));
        return apply_piece(it, 0, sectors * LOG_SECTOR, fd, errp);
    }
    for (uint64_t at = 0; at < it->bytes; at += LOG_SECTOR) {
        if (g_rand_boolean(rand) && !apply_piece(it, at, LOG_SECTOR, fd, errp)) {
            return false;
        }
    }
    return true;
}

bool writelog_replay(const WriteLog *log, unsigned upto, GRand *rand, int fd, Error **errp)
{
    unsigned safe = 0; /* entries before this one are on the medium */

    upto = MIN(upto, log->items->len);
    for (unsigned i = 0; i < upto; i++) {
        if (g_array_index(log->items, LogItem, i).flags & LOG_FLUSH) {
            safe = i;
        }
    }
    for (unsigned i = 0; i < upto; i++) {
        const LogItem *it = &g_array_index(log->items, LogItem, i);
        bool sure = i < safe || it->flags & LOG_FUA || !rand;
        if (it->flags & LOG_FLUSH) {
            continue;
        }
        if (sure ? !apply_piece(it, 0, it->bytes, fd, errp) : !apply_some(it, rand, fd, errp)) {
            return false;
        }
    }
    return true;
}
