/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk-writer DRIVE FIRST-VERSION SEED [REQUESTS LOG]: writes random blocks of 4 KiB to a disk,
 * eight requests at a time, until it is killed or has made REQUESTS, and says on standard output
 * what it does: lines of
 *   S version kind first count   is submitted (kind: W write, Z zeroes, D discard)
 *   C version                    is done
 *   F flush                      a flush is submitted
 *   G flush                      and done
 * One write() per line, so what was done before a kill can be read afterwards. A block is filled
 * with its version and its number. Requests in flight do not overlap. With LOG, the file of a
 * "blklogwrites" below, each line ends with its length at that moment.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "block/blockdev.h"
#include "schema/opts.h"

#define BLOCK 4096u
#define DEPTH 8
#define LONGEST 40

typedef struct Writer Writer;
typedef struct Slot {
    Writer *w;
    bool busy, flush;
    unsigned version, first, count;
    struct iovec iov;
    uint8_t *buf;
} Slot;

struct Writer {
    BlockPort *port;
    GRand *rand;
    unsigned blocks, version, flushes, busy;
    const char *log; /* of writes, or NULL */
    uint8_t *taken; /* blocks of requests in flight */
    Slot slots[DEPTH];
};

static void say(const Writer *w, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
static void say(const Writer *w, const char *fmt, ...)
{
    char line[80];
    struct stat st;
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof(line) - 24, fmt, ap);
    va_end(ap);
    if (w->log && stat(w->log, &st) == 0) {
        n += snprintf(line + n, sizeof(line) - (size_t)n, " %lld", (long long)st.st_size);
    }
    line[n++] = '\n';
    if (write(STDOUT_FILENO, line, (size_t)n) != n) {
        exit(1);
    }
}

static void done(void *opaque, int ret)
{
    Slot *s = opaque;

    if (ret < 0) {
        fprintf(stderr, "version %u: %s\n", s->version, strerror(-ret));
        exit(1);
    }
    say(s->w, "%c %u", s->flush ? 'G' : 'C', s->version);
    if (!s->flush) {
        memset(s->w->taken + s->first, 0, s->count);
    }
    s->busy = false;
    s->w->busy--;
}

static void fill(Slot *s)
{
    for (unsigned i = 0; i < s->count * BLOCK; i += 8) {
        st_le32(s->buf + i, s->version);
        st_le32(s->buf + i + 4, s->first + i / BLOCK);
    }
}

static void change(Writer *w, Slot *s)
{
    int what = g_rand_int_range(w->rand, 0, 16);
    char kind = what < 12 ? 'W' : what < 14 ? 'Z' : 'D';
    unsigned flags = g_rand_boolean(w->rand) ? BLOCK_REQ_UNMAP : 0;

    s->count = (unsigned)g_rand_int_range(w->rand, 1, g_rand_boolean(w->rand) ? 4 : LONGEST);
    s->first = (unsigned)g_rand_int_range(w->rand, 0, (gint32)(w->blocks - s->count));
    if (memchr(w->taken + s->first, 1, s->count)) {
        return;
    }
    memset(w->taken + s->first, 1, s->count);
    s->version = ++w->version;
    s->flush = false;
    s->busy = true;
    w->busy++;
    say(w, "S %u %c %u %u", s->version, kind, s->first, s->count);
    uint64_t at = (uint64_t)s->first * BLOCK, len = (uint64_t)s->count * BLOCK;
    if (kind == 'W') {
        fill(s);
        s->iov = (struct iovec){s->buf, len};
        block_write(w->port, at, &s->iov, 1, 0, done, s);
    } else if (kind == 'Z') {
        block_write_zeroes(w->port, at, len, flags, done, s);
    } else {
        block_discard(w->port, at, len, 0, done, s);
    }
}

static void submit(Writer *w, Slot *s)
{
    if (g_rand_int_range(w->rand, 0, 12)) {
        change(w, s);
        return;
    }
    s->version = ++w->flushes;
    s->flush = s->busy = true;
    w->busy++;
    say(w, "F %u", s->version);
    block_flush(w->port, 0, done, s);
}

int main(int argc, char **argv)
{
    static const BlockFrontend front = {.name = "writer", .writable = true};
    g_autoptr(Error) err = NULL;
    Writer w = {0};

    if (argc != 4 && argc != 6) {
        fprintf(stderr, "usage: disk-writer DRIVE FIRST-VERSION SEED [REQUESTS LOG]\n");
        return 2;
    }
    GMainContext *loop = g_main_context_default();
    BlockSet *set = blockset_new(loop);
    json_t *opts = opts_parse(argv[1], NULL, &err);
    Drive *d = opts ? blockset_add_drive(set, opts, false, &err) : NULL;
    if (!d || !block_attach(d->port, &front, &err)) {
        fprintf(stderr, "disk-writer: %s\n", error_message(err));
        return 1;
    }
    w.port = d->port;
    w.version = (unsigned)atoi(argv[2]);
    w.rand = g_rand_new_with_seed((guint32)atoi(argv[3]));
    w.blocks = (unsigned)(block_port_size(w.port) / BLOCK);
    w.taken = g_malloc0(w.blocks);
    w.log = argc == 6 ? argv[5] : NULL;
    unsigned last = argc == 6 ? w.version + (unsigned)atoi(argv[4]) : UINT_MAX;
    for (int i = 0; i < DEPTH; i++) {
        w.slots[i].w = &w;
        w.slots[i].buf = aligned_alloc(BLOCK, LONGEST * BLOCK);
    }
    while (w.version < last || w.busy) {
        for (int i = 0; i < DEPTH && w.version < last; i++) {
            if (!w.slots[i].busy) {
                submit(&w, &w.slots[i]);
            }
        }
        g_main_context_iteration(loop, w.busy > 0);
    }
    block_detach(w.port);
    blockset_free(set); /* which ends the log, too */
    for (int i = 0; i < DEPTH; i++) {
        free(w.slots[i].buf);
    }
    g_free(w.taken);
    g_rand_free(w.rand);
    json_decref(opts);
    return 0;
}
