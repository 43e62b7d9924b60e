/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing guest data. Clusters that are allocated and ours alone are written in place. Others get
 * new clusters: the request notes which guest clusters it is changing, lets the lock go, reads what
 * has to be copied around the data, writes all of it in one piece, and only then enters the
 * clusters in L2. Others that want one of these clusters wait meanwhile.
 *
 * home: block workers.
 */
#include <errno.h>
#include <limits.h>

#include "base/iov.h"
#include "block/qcow2.h"

void qcow2_alloc_begin(Qcow2 *s, Qcow2Alloc *a, uint64_t start, uint64_t end)
{
    *a = (Qcow2Alloc){.start = start, .end = end, .next = s->allocs};
    s->allocs = a;
}

void qcow2_alloc_end(Qcow2 *s, Qcow2Alloc *a)
{
    Qcow2Alloc **at = &s->allocs;

    while (*at != a) {
        at = &(*at)->next;
    }
    *at = a->next;
    if (s->alloc_waiters) {
        g_cond_broadcast(&s->cond);
    }
}

bool qcow2_wait_allocs(Qcow2 *s, uint64_t start, uint64_t end)
{
    bool waited = false;
    Qcow2Alloc *a;

    do {
        for (a = s->allocs; a && !(a->start < end && start < a->end); a = a->next) {
        }
        if (a) {
            waited = true;
            s->alloc_waiters++;
            g_cond_wait(&s->cond, &s->lock);
            s->alloc_waiters--;
        }
    } while (a);
    return waited;
}

/* Bytes from @offset on that nobody is changing; 0: somebody changes its cluster. */
static uint64_t undisturbed(Qcow2 *s, uint64_t offset, uint64_t bytes)
{
    uint64_t start = qcow2_cluster_start(s, offset);

    for (Qcow2Alloc *a = s->allocs; a; a = a->next) {
        if (a->start <= start && start < a->end) {
            return 0;
        }
        if (a->start > start && a->start < offset + bytes) {
            bytes = a->start - offset;
        }
    }
    return bytes;
}

/* ---- one allocating write ---- */

typedef struct Plan {
    Qcow2Alloc alloc;
    uint64_t offset, bytes; /* of the data */
    uint64_t first, clusters;
    uint64_t host;          /* of the first cluster */
    bool made;              /* the clusters are new */
    bool whole;             /* a shared or compressed cluster is replaced: all of it is copied */
    bool fresh;             /* reads as zeroes where we do not write */
    bool head_zero, tail_zero;
    uint64_t head, tail;    /* bytes to be copied before and behind the data */
} Plan;

static bool reads_zero(Qcow2 *s, uint64_t offset, uint64_t bytes)
{
    BlockNode *b = s->node->backing;
    Qcow2Map m;

    while (bytes) {
        if (qcow2_lookup(s, offset, bytes, false, false, &m) < 0 || m.type == QCOW2_NORMAL ||
            m.type == QCOW2_ZIPPED) {
            return false;
        }
        if ((m.type == QCOW2_UNALLOC || m.type == QCOW2_UNALLOC_SUB) && b && offset < b->size) {
            return false;
        }
        offset += m.bytes;
        bytes -= m.bytes;
    }
    return true;
}

/* Does this cluster have data that a new one must take over in whole? */
static bool has_own_data(Qcow2 *s, uint64_t desc, uint64_t bitmap)
{
    Qcow2Type t;

    if (!qcow2_extl2(s)) {
        return true; /* a cluster is copied in whole anyway */
    }
    return qcow2_sub_type(s, desc, bitmap, 0, &t) && (t == QCOW2_ZIPPED || (bitmap & 0xffffffff));
}

/* Can the cluster keep its place? */
static bool keeps_place(Qcow2 *s, uint64_t desc)
{
    return !(desc & QCOW2_COMPRESSED) && (desc & QCOW2_COPIED) &&
           ((desc & QCOW2_L2_OFFSET) || qcow2_has_data_file(s));
}

static void plan_copy(Qcow2 *s, Plan *p, uint64_t first_desc, uint64_t first_bm, uint64_t last_desc,
                      uint64_t last_bm)
{
    uint64_t end = p->offset + p->bytes;
    bool all_head = p->made && has_own_data(s, first_desc, first_bm);
    bool all_tail = p->made && has_own_data(s, last_desc, last_bm);

    p->head = p->offset & ((all_head ? s->cluster_size : s->sub_size) - 1);
    p->tail = -end & ((all_tail ? s->cluster_size : s->sub_size) - 1);
    p->head_zero = p->head && reads_zero(s, p->offset - p->head, p->head);
    p->tail_zero = p->tail && reads_zero(s, end, p->tail);
}

/* Chooses clusters for [offset, +*bytes) or the part of it that can be done at once. Locked. */
static int plan_write(Qcow2 *s, Plan *p, uint64_t offset, uint64_t bytes)
{
    uint64_t start = qcow2_cluster_start(s, offset), n, got, desc, bitmap, last_desc, last_bm;
    unsigned index, k;
    uint8_t *slice;
    int ret = qcow2_l2_for_write(s, offset, &slice, &index);

    if (ret < 0) {
        return ret;
    }
    memset(p, 0, sizeof(*p));
    desc = last_desc = qcow2_entry(s, slice, index);
    bitmap = last_bm = qcow2_bitmap(s, slice, index);
    n = MIN(qcow2_clusters(s, offset - start + bytes), qcow2_slice_left(s, offset));
    p->made = !keeps_place(s, desc) && !qcow2_has_data_file(s);
    p->host = qcow2_has_data_file(s) ? start : desc & QCOW2_L2_OFFSET;
    if (p->made) {
        for (k = 1; k < n && !keeps_place(s, qcow2_entry(s, slice, index + k)); k++) {
        }
        n = k;
    } else {
        n = 1;
    }
    if (p->made) {
        ret = qcow2_alloc_clusters(s, n, &p->host, &got, &p->fresh);
        if (ret < 0) {
            return ret;
        }
        n = got;
        /* The slice is still there: the search uses the cache of refcounts only. */
        last_desc = qcow2_entry(s, slice, index + n - 1);
        last_bm = qcow2_bitmap(s, slice, index + n - 1);
    }
    p->offset = offset;
    p->bytes = MIN(bytes, start + (n << s->cluster_bits) - offset);
    p->first = start;
    p->clusters = n;
    plan_copy(s, p, desc, bitmap, last_desc, last_bm);
    qcow2_alloc_begin(s, &p->alloc, start, start + (n << s->cluster_bits));
    return 0;
}

static bool is_zero(const uint8_t *p, uint64_t n)
{
    return !n || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

/* Reads what surrounds the data; what is zero and need not be written is dropped from the plan. */
static int read_around(Qcow2 *s, Plan *p, uint64_t *len, bool zero, uint64_t at, uint8_t **buf)
{
    struct iovec iov;
    int ret = 0;

    if (zero && p->fresh) {
        *len = 0;
    }
    if (!*len) {
        return 0;
    }
    *buf = node_alloc_buffer(s->data, *len);
    if (zero) {
        memset(*buf, 0, *len);
        return 0;
    }
    iov = (struct iovec){*buf, *len};
    ret = qcow2_read_at(s, at, *len, &iov, 1);
    if (ret == 0 && p->fresh && is_zero(*buf, *len)) {
        *len = 0;
    }
    return ret;
}

static int write_pieces(Qcow2 *s, uint64_t host, uint8_t *head, uint64_t nhead, const struct iovec *data,
                        int k, uint8_t *tail, uint64_t ntail)
{
    struct iovec one;
    int ret = 0;

    if (nhead) {
        one = (struct iovec){head, nhead};
        ret = node_pwritev(s->data, host, &one, 1, 0);
    }
    ret = ret < 0 ? ret : node_pwritev(s->data, host + nhead, data, k, 0);
    if (ret == 0 && ntail) {
        one = (struct iovec){tail, ntail};
        ret = node_pwritev(s->data, host + nhead + iov_size(data, k), &one, 1, 0);
    }
    return ret;
}

/* Data and its surroundings to the new place, in one piece. Unlocked. */
static int write_data(Qcow2 *s, Plan *p, const struct iovec *iov, int niov, size_t at)
{
    uint64_t nhead = p->head, ntail = p->tail, host = p->host + (p->offset - p->first);
    uint8_t *head = NULL, *tail = NULL;
    g_autofree struct iovec *v = g_new(struct iovec, niov + 2);
    int k, ret = read_around(s, p, &nhead, p->head_zero, p->offset - p->head, &head);

    ret = ret < 0 ? ret : read_around(s, p, &ntail, p->tail_zero, p->offset + p->bytes, &tail);
    if (ret == 0) {
        k = iov_slice(iov, niov, at, p->bytes, v + 1, niov);
        if (k + 2 > IOV_MAX) {
            ret = write_pieces(s, host - nhead, head, nhead, v + 1, k, tail, ntail);
        } else {
            v[0] = (struct iovec){head, nhead};
            v[k + 1] = (struct iovec){tail, ntail};
            ret = node_pwritev(s->data, host - nhead, v + !nhead, k + (nhead != 0) + (ntail != 0), 0);
        }
    }
    if (head) {
        node_free_buffer(head);
    }
    if (tail) {
        node_free_buffer(tail);
    }
    return ret;
}

/* The subclusters of cluster @i of the plan that now have data. */
static uint64_t written_subs(Qcow2 *s, const Plan *p, uint64_t i)
{
    uint64_t from = p->offset - p->head, to = p->offset + p->bytes + p->tail;
    uint64_t c = p->first + (i << s->cluster_bits);

    from = MAX(from, c) - c;
    to = MIN(to, c + s->cluster_size) - c;
    return MASK64(from >> s->sub_bits, (to - from) >> s->sub_bits);
}

/* The clusters are entered in L2; what was there is freed. Locked. */
static int link_clusters(Qcow2 *s, Plan *p)
{
    uint8_t *slice;
    unsigned index;
    int ret = qcow2_l2_for_write(s, p->first, &slice, &index);

    if (ret < 0) {
        return ret;
    }
    for (uint64_t i = 0; i < p->clusters; i++) {
        uint64_t old = qcow2_entry(s, slice, index + i), bm = 0;
        uint64_t host = (p->host + (i << s->cluster_bits)) | QCOW2_COPIED;
        if (qcow2_extl2(s)) {
            uint64_t subs = written_subs(s, p, i);
            bm = old & QCOW2_COMPRESSED ? 0 : qcow2_bitmap(s, slice, index + i);
            bm = (bm | subs) & ~(subs << 32);
        }
        qcow2_set_entry(s, slice, index + i, host, bm);
        if (p->made && (old & (QCOW2_L2_OFFSET | QCOW2_COMPRESSED))) {
            qcow2_free_entry(s, old, QCOW2_DISCARD_NEVER);
        }
    }
    s->unflushed = true;
    return 0;
}

/* Writes what it can of the range; the lock is held, let go meanwhile, and held again. */
static int write_alloc(Qcow2 *s, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov,
                       size_t at, uint64_t *done)
{
    Plan p;
    int ret = plan_write(s, &p, offset, bytes);

    if (ret < 0) {
        return ret;
    }
    g_mutex_unlock(&s->lock);
    ret = write_data(s, &p, iov, niov, at);
    g_mutex_lock(&s->lock);
    ret = ret < 0 ? ret : link_clusters(s, &p);
    if (ret < 0 && p.made) {
        /* No entry was made, in memory or on the disk. */
        qcow2_refcount_add(s, p.host, p.clusters << s->cluster_bits, -1, QCOW2_DISCARD_ALWAYS);
    }
    qcow2_alloc_end(s, &p.alloc);
    *done = p.bytes;
    return ret;
}

static int write_in_place(Qcow2 *s, const Qcow2Map *m, const struct iovec *iov, int niov, size_t at)
{
    g_autofree struct iovec *part = g_new(struct iovec, niov);
    int k = iov_slice(iov, niov, at, m->bytes, part, niov);
    int ret = s->data == s->file ? qcow2_overlap_check(s, QCOW2_META_NONE, m->host, m->bytes) : 0;

    if (ret < 0) {
        return ret;
    }
    qcow2_pin(s, m->host, m->bytes, 1);
    g_mutex_unlock(&s->lock);
    ret = node_pwritev(s->data, m->host, part, k, 0);
    qcow2_pin(s, m->host, m->bytes, -1);
    g_mutex_lock(&s->lock);
    return ret;
}

int qcow2_write_at(Qcow2 *s, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov)
{
    size_t at = 0;
    int ret = 0;

    g_mutex_lock(&s->lock);
    while (bytes && ret == 0) {
        uint64_t part = undisturbed(s, offset, bytes), done = 0;
        Qcow2Map m;
        if (!part) {
            qcow2_wait_allocs(s, offset, offset + 1);
            continue;
        }
        ret = qcow2_prepare(s);
        ret = ret < 0 ? ret : qcow2_lookup(s, offset, part, false, true, &m);
        if (ret < 0) {
            break;
        }
        if (m.type == QCOW2_NORMAL && m.copied) {
            done = m.bytes;
            ret = write_in_place(s, &m, iov, niov, at);
        } else {
            ret = write_alloc(s, offset, part, iov, niov, at, &done);
        }
        offset += done;
        at += done;
        bytes -= done;
    }
    g_mutex_unlock(&s->lock);
    return ret;
}

int qcow2_pwritev(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov, int niov,
                  unsigned flags)
{
    return qcow2_write_at(n->priv, offset, bytes, iov, niov);
}

int qcow2_preallocate(Qcow2 *s, uint64_t offset, uint64_t bytes)
{
    int ret = qcow2_prepare(s);

    while (bytes && ret == 0) {
        Plan p;
        Qcow2Map m;
        ret = qcow2_lookup(s, offset, bytes, false, true, &m);
        if (ret == 0 && m.type == QCOW2_NORMAL) {
            offset += m.bytes;
            bytes -= m.bytes;
            continue;
        }
        ret = ret < 0 ? ret : plan_write(s, &p, offset, bytes);
        if (ret < 0) {
            break;
        }
        if (p.made && !p.fresh) {
            ret = node_pwrite_zeroes(s->data, p.host, p.clusters << s->cluster_bits, 0);
        }
        p.head = p.offset - p.first;
        p.tail = -(p.offset + p.bytes) & (s->cluster_size - 1);
        ret = ret < 0 ? ret : link_clusters(s, &p);
        qcow2_alloc_end(s, &p.alloc);
        s->reserve_end = MAX(s->reserve_end, p.host + (p.clusters << s->cluster_bits));
        offset += p.bytes;
        bytes -= p.bytes;
    }
    return ret;
}
