/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Caches of qcow2 tables: slices of L2 tables, and slices of refcount blocks. A slice is the unit of
 * reading; of a changed one only the changed part is written (in whole blocks of 4 KiB).
 *
 * A dirty slice of the refcount cache may be written at any time. One of the L2 cache may only be
 * written by qcow2_commit(), so making room for another slice may mean to commit everything.
 *
 * home: under Qcow2.lock.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "block/qcow2.h"

#define WRITE_UNIT 4096u

bool qcow2_cache_init(Qcow2Cache *c, uint64_t bytes, unsigned slice, Error **errp)
{
    uint64_t n = MAX(bytes / slice, 4);

    c->n = (unsigned)MIN(n, INT32_MAX / 2);
    c->slice = slice;
    c->mask = (unsigned)pow2_ceil(c->n) - 1;
    c->slot = g_try_new0(Qcow2Slot, c->n);
    c->bucket = g_try_new(int, c->mask + 1);
    c->mem = mmap(NULL, (size_t)c->n * slice, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (c->mem == MAP_FAILED) {
        c->mem = NULL;
    }
    if (!c->slot || !c->bucket || !c->mem) {
        error_set(errp, ERR_NO_MEMORY, "no memory for a cache of %" PRIu64 " bytes", bytes);
        qcow2_cache_fini(c);
        return false;
    }
    qcow2_cache_clear(c);
    return true;
}

void qcow2_cache_fini(Qcow2Cache *c)
{
    if (c->mem) {
        munmap(c->mem, (size_t)c->n * c->slice);
    }
    g_free(c->slot);
    g_free(c->bucket);
    memset(c, 0, sizeof(*c));
}

void qcow2_cache_clear(Qcow2Cache *c)
{
    for (unsigned i = 0; i <= c->mask; i++) {
        c->bucket[i] = -1;
    }
    for (unsigned i = 0; i < c->n; i++) {
        c->slot[i] = (Qcow2Slot){.hash_next = -1, .prev = (int)i - 1, .next = i + 1 < c->n ? (int)i + 1 : -1};
    }
    c->head = 0;
    c->tail = (int)c->n - 1;
    c->dirty = 0;
}

static unsigned hash(const Qcow2Cache *c, uint64_t offset)
{
    return (unsigned)((offset / c->slice * 0x9e3779b97f4a7c15u) >> 32) & c->mask;
}

static int find(const Qcow2Cache *c, uint64_t offset)
{
    int i = c->bucket[hash(c, offset)];

    while (i >= 0 && c->slot[i].offset != offset) {
        i = c->slot[i].hash_next;
    }
    return i;
}

static void unlink_lru(Qcow2Cache *c, int i)
{
    Qcow2Slot *e = &c->slot[i];

    *(e->prev >= 0 ? &c->slot[e->prev].next : &c->head) = e->next;
    *(e->next >= 0 ? &c->slot[e->next].prev : &c->tail) = e->prev;
}

static void to_front(Qcow2Cache *c, int i)
{
    Qcow2Slot *e = &c->slot[i];

    e->used = true;
    if (c->head == i) {
        return;
    }
    unlink_lru(c, i);
    e->prev = -1;
    e->next = c->head;
    c->slot[c->head].prev = i;
    c->head = i;
}

/* Takes the slot's slice out of the cache; it is the next to be used again. */
static void drop(Qcow2Cache *c, int i)
{
    Qcow2Slot *e = &c->slot[i];
    int *at = &c->bucket[hash(c, e->offset)];

    while (*at != i) {
        at = &c->slot[*at].hash_next;
    }
    *at = e->hash_next;
    c->dirty -= e->dirty;
    e->offset = 0;
    e->dirty = e->used = false;
    e->hash_next = -1;
    if (c->tail != i) {
        unlink_lru(c, i);
        e->next = -1;
        e->prev = c->tail;
        c->slot[c->tail].next = i;
        c->tail = i;
    }
}

uint8_t *qcow2_cache_peek(Qcow2Cache *c, uint64_t offset)
{
    int i = find(c, offset);

    if (i < 0) {
        return NULL;
    }
    to_front(c, i);
    return c->mem + (size_t)i * c->slice;
}

/* A slot for @offset with undefined contents. */
static int claim(Qcow2 *s, Qcow2Cache *c, uint64_t offset, int *out)
{
    int i, ret;

    while (c->slot[c->tail].dirty) {
        ret = c == &s->l2 ? qcow2_commit(s) : qcow2_cache_write(s, c, QCOW2_META_REFBLOCK);
        if (ret < 0) {
            return ret;
        }
    }
    i = c->tail;
    if (c->slot[i].offset) {
        drop(c, i);
    }
    c->slot[i].offset = offset;
    int *at = &c->bucket[hash(c, offset)];
    c->slot[i].hash_next = *at;
    *at = i;
    to_front(c, i);
    *out = i;
    return 0;
}

int qcow2_cache_get(Qcow2 *s, Qcow2Cache *c, uint64_t offset, uint8_t **out)
{
    int i, ret;

    *out = qcow2_cache_peek(c, offset);
    if (*out) {
        return 0;
    }
    ret = claim(s, c, offset, &i);
    if (ret < 0) {
        return ret;
    }
    ret = node_pread(s->file, offset, c->mem + (size_t)i * c->slice, c->slice);
    if (ret < 0) {
        drop(c, i);
        return ret;
    }
    *out = c->mem + (size_t)i * c->slice;
    return 0;
}

int qcow2_cache_get_empty(Qcow2 *s, Qcow2Cache *c, uint64_t offset, uint8_t **out)
{
    int i = find(c, offset), ret = 0;

    if (i < 0) {
        ret = claim(s, c, offset, &i);
    }
    if (ret == 0) {
        *out = c->mem + (size_t)i * c->slice;
        memset(*out, 0, c->slice);
    }
    return ret;
}

void qcow2_cache_dirty(Qcow2Cache *c, const uint8_t *slice, uint32_t lo, uint32_t hi)
{
    Qcow2Slot *e = &c->slot[(size_t)(slice - c->mem) / c->slice];

    if (!e->dirty) {
        e->dirty = true;
        e->lo = lo;
        e->hi = hi;
        c->dirty++;
    } else {
        e->lo = MIN(e->lo, lo);
        e->hi = MAX(e->hi, hi);
    }
}

void qcow2_cache_forget(Qcow2Cache *c, uint64_t offset, uint64_t bytes)
{
    for (uint64_t at = offset; at < offset + bytes; at += c->slice) {
        int i = find(c, at);
        if (i >= 0) {
            drop(c, i);
        }
    }
}

static int by_offset(const void *a, const void *b, void *opaque)
{
    const Qcow2Cache *c = opaque;
    uint64_t x = c->slot[*(const int *)a].offset, y = c->slot[*(const int *)b].offset;

    return x < y ? -1 : x > y;
}

static int write_slot(Qcow2 *s, Qcow2Cache *c, int i, Qcow2Meta kind)
{
    Qcow2Slot *e = &c->slot[i];
    uint32_t unit = MIN(WRITE_UNIT, c->slice);
    uint32_t lo = (uint32_t)round_down(e->lo, unit), hi = (uint32_t)round_up(e->hi, unit);
    int ret = qcow2_overlap_check(s, kind, e->offset + lo, hi - lo);

    if (ret == 0) {
        ret = node_pwrite(s->file, e->offset + lo, c->mem + (size_t)i * c->slice + lo, hi - lo, 0);
    }
    if (ret == 0) {
        e->dirty = false;
        c->dirty--;
    }
    return ret;
}

/* Writes what is dirty, in the order of the file. */
int qcow2_cache_write(Qcow2 *s, Qcow2Cache *c, Qcow2Meta kind)
{
    unsigned n = 0;
    int ret = 0;

    if (!c->dirty) {
        return 0;
    }
    g_autofree int *order = g_new(int, c->dirty);
    for (unsigned i = 0; i < c->n && n < c->dirty; i++) {
        if (c->slot[i].dirty) {
            order[n++] = (int)i;
        }
    }
    g_qsort_with_data(order, (int)n, sizeof(int), by_offset, c);
    for (unsigned i = 0; i < n && ret == 0; i++) {
        ret = write_slot(s, c, order[i], kind);
    }
    return ret;
}

void qcow2_cache_clean(Qcow2Cache *c)
{
    for (unsigned i = 0; i < c->n; i++) {
        Qcow2Slot *e = &c->slot[i];
        if (!e->offset || e->dirty) {
            continue;
        }
        if (!e->used) {
            drop(c, (int)i);
            if (c->slice % 4096 == 0) {
                madvise(c->mem + (size_t)i * c->slice, c->slice, MADV_DONTNEED);
            }
        }
        e->used = false;
    }
}
