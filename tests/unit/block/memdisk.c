/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/iov.h"
#include "memdisk.h"

#define MAX_DISKS 16
#define MAX_BYTES (512u << 20)

static MemDisk *disks[MAX_DISKS];
static uint8_t *bases[MAX_DISKS]; /* contents when the log started */
static uint64_t base_sizes[MAX_DISKS];

static void op_free(gpointer p)
{
    MemOp *op = p;

    g_free(op->data);
    g_free(op);
}

MemDisk *memdisk(unsigned n)
{
    g_assert_cmpuint(n, <, MAX_DISKS);
    if (!disks[n]) {
        disks[n] = g_new0(MemDisk, 1);
        g_mutex_init(&disks[n]->lock);
        disks[n]->log = g_ptr_array_new_with_free_func(op_free);
    }
    return disks[n];
}

void memdisk_clear(unsigned n)
{
    MemDisk *m = memdisk(n);

    g_free(m->data);
    m->data = NULL;
    m->size = m->room = m->limit = 0;
    m->fail_at = m->fail_more = m->requests = 0;
    m->logging = false;
    g_ptr_array_set_size(m->log, 0);
}

/* ---- contents ---- */

static void need(MemDisk *m, uint64_t end)
{
    if (end > m->room) {
        uint64_t room = MAX(end + end / 2, 65536);
        m->data = g_realloc(m->data, room);
        memset(m->data + m->room, 0, room - m->room);
        m->room = room;
    }
    m->size = MAX(m->size, end);
}

static void resize(MemDisk *m, uint64_t size)
{
    if (size < m->size) {
        memset(m->data + size, 0, m->size - size);
        m->size = size;
    } else {
        need(m, size);
    }
}

static void apply(MemDisk *m, const MemOp *op)
{
    switch (op->kind) {
    case MEM_WRITE:
        need(m, op->offset + op->bytes);
        memcpy(m->data + op->offset, op->data, op->bytes);
        break;
    case MEM_ZEROES:
        need(m, op->offset + op->bytes);
        memset(m->data + op->offset, 0, op->bytes);
        break;
    case MEM_DISCARD:
        if (op->offset < m->size) {
            memset(m->data + op->offset, 0, MIN(op->bytes, m->size - op->offset));
        }
        break;
    case MEM_TRUNCATE:
        resize(m, op->offset);
        break;
    case MEM_FLUSH:
        break;
    }
}

/* Some of the sectors of it. */
static void apply_torn(MemDisk *m, const MemOp *op, GRand *rnd)
{
    bool sectors = op->kind == MEM_WRITE || op->kind == MEM_ZEROES;
    unsigned how = g_rand_int_range(rnd, 0, 4);

    if (how == 0) {
        return;
    }
    if (how == 1 || !sectors) {
        apply(m, op);
        return;
    }
    for (uint64_t at = op->offset; at < op->offset + op->bytes;) {
        uint64_t n = MIN(512 - at % 512, op->offset + op->bytes - at);
        MemOp part = {op->kind, at, n, op->data ? op->data + (at - op->offset) : NULL};
        if (g_rand_boolean(rnd)) {
            apply(m, &part);
        }
        at += n;
    }
}

void memdisk_copy(unsigned to, unsigned from)
{
    MemDisk *a = memdisk(to), *b = memdisk(from);

    memdisk_clear(to);
    need(a, b->size);
    memcpy(a->data, b->data, b->size);
}

void memdisk_log_start(unsigned n)
{
    MemDisk *m = memdisk(n);

    g_free(bases[n]);
    bases[n] = g_memdup2(m->data, m->size);
    base_sizes[n] = m->size;
    g_ptr_array_set_size(m->log, 0);
    m->logging = true;
}

/* Disk @to as it was when the log of @from began. */
static MemDisk *rewind_to_base(unsigned to, unsigned from)
{
    MemDisk *m = memdisk(to);

    memdisk_clear(to);
    need(m, base_sizes[from]);
    memcpy(m->data, bases[from], base_sizes[from]);
    return m;
}

guint memdisk_stable(unsigned n, guint cut)
{
    while (cut > 0 && ((MemOp *)memdisk(n)->log->pdata[cut - 1])->kind != MEM_FLUSH) {
        cut--;
    }
    return cut;
}

void memdisk_crash(unsigned to, unsigned from, guint cut, GRand *rnd)
{
    MemDisk *b = memdisk(from), *m = rewind_to_base(to, from);
    guint stable = memdisk_stable(from, cut);

    for (guint i = 0; i < cut; i++) {
        if (i < stable) {
            apply(m, b->log->pdata[i]);
        } else {
            apply_torn(m, b->log->pdata[i], rnd);
        }
    }
}

void memdisk_show(unsigned n, guint from, guint to)
{
    static const char *const names[] = {"write", "zeroes", "discard", "truncate", "flush"};

    for (guint i = from; i < to; i++) {
        const MemOp *op = memdisk(n)->log->pdata[i];
        g_printerr("# %u: %s 0x%" G_GINT64_MODIFIER "x + 0x%" G_GINT64_MODIFIER "x\n", i, names[op->kind], op->offset,
                   op->bytes);
    }
}

void memdisk_crash_one(unsigned to, unsigned from, guint cut, guint which, bool lost)
{
    MemDisk *b = memdisk(from), *m = rewind_to_base(to, from);
    guint stable = memdisk_stable(from, cut);

    for (guint i = 0; i < cut; i++) {
        if (i < stable || (i == which) != lost) {
            apply(m, b->log->pdata[i]);
        }
    }
}

void memdisk_end(void)
{
    for (unsigned i = 0; i < MAX_DISKS; i++) {
        if (disks[i]) {
            memdisk_clear(i);
            g_ptr_array_unref(disks[i]->log);
            g_free(disks[i]);
            g_free(bases[i]);
        }
    }
}

/* ---- the driver ---- */

typedef struct MemNode {
    MemDisk *m;
} MemNode;

static MemDisk *of(BlockNode *n)
{
    return ((MemNode *)n->priv)->m;
}

static int begin(MemDisk *m)
{
    g_mutex_lock(&m->lock);
    m->requests++;
    if (m->fail_at && m->requests >= m->fail_at && m->requests - m->fail_at <= m->fail_more) {
        return -m->fail_errno;
    }
    return 0;
}

static int done(MemDisk *m, int ret)
{
    g_mutex_unlock(&m->lock);
    return ret;
}

static int change(BlockNode *n, MemKind kind, uint64_t offset, uint64_t bytes, uint8_t *data)
{
    MemDisk *m = of(n);
    int ret = begin(m);
    MemOp *op = g_new(MemOp, 1);
    uint64_t end = kind == MEM_TRUNCATE ? offset : kind == MEM_FLUSH || kind == MEM_DISCARD ? 0 : offset + bytes;

    if (ret == 0 && end > MAX_BYTES) {
        ret = -EFBIG;
    }
    if (ret == 0 && m->limit && end > m->limit) {
        ret = -ENOSPC;
    }
    *op = (MemOp){kind, offset, bytes, data};
    m->flushes += kind == MEM_FLUSH;
    if (ret == 0) {
        apply(m, op);
    }
    if (ret == 0 && m->logging) {
        g_ptr_array_add(m->log, op);
    } else {
        op_free(op);
    }
    return done(m, ret);
}

static bool mem_claims(const char *filename)
{
    return g_str_has_prefix(filename, "memdisk:");
}

static bool mem_open(BlockNode *n, json_t *opts, Error **errp)
{
    const char *name = json_string_value(json_object_get(opts, "filename"));

    ((MemNode *)n->priv)->m = memdisk((unsigned)atoi(name + strlen("memdisk:")));
    return true;
}

static int mem_preadv(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov)
{
    MemDisk *m = of(n);
    int ret = begin(m);

    if (ret == 0) {
        uint64_t have = offset < m->size ? MIN(bytes, m->size - offset) : 0;
        iov_from_buf(iov, niov, 0, m->data + offset, have);
        iov_memset(iov, niov, have, 0, bytes - have);
    }
    return done(m, ret);
}

static int mem_pwritev(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov,
                       unsigned flags)
{
    uint8_t *data = g_malloc(bytes);

    iov_to_buf(iov, niov, 0, data, bytes);
    return change(n, MEM_WRITE, offset, bytes, data);
}

static int mem_pwrite_zeroes(BlockNode *n, uint64_t offset, uint64_t bytes, unsigned flags)
{
    return change(n, MEM_ZEROES, offset, bytes, NULL);
}

static int mem_pdiscard(BlockNode *n, uint64_t offset, uint64_t bytes)
{
    return change(n, MEM_DISCARD, offset, bytes, NULL);
}

static int mem_flush(BlockNode *n)
{
    return change(n, MEM_FLUSH, 0, 0, NULL);
}

static uint64_t mem_length(BlockNode *n)
{
    return of(n)->size;
}

static bool mem_truncate(BlockNode *n, uint64_t size, const char *prealloc, Error **errp)
{
    int ret = change(n, MEM_TRUNCATE, size, 0, NULL);

    if (ret < 0) {
        error_set_errno(errp, -ret, "truncate");
    }
    return ret == 0;
}

static const BlockOpt mem_opts[] = {{"filename", BLOCK_OPT_STR, NULL, "memdisk:N"}, {0}};

static const BlockDriver mem_driver = {
    .name = "memdisk",
    .help = "a file in memory",
    .kind = DRIVER_PROTOCOL,
    .size = sizeof(MemNode),
    .open_opts = mem_opts,
    .claims = mem_claims,
    .open = mem_open,
    .preadv = mem_preadv,
    .pwritev = mem_pwritev,
    .pwrite_zeroes = mem_pwrite_zeroes,
    .pdiscard = mem_pdiscard,
    .flush = mem_flush,
    .length = mem_length,
    .truncate = mem_truncate,
};
BLOCK_DRIVER(mem_driver);
