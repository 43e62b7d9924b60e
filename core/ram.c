/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RAM blocks: guest memory in shared memfd mappings, and the watches on its pages.
 *
 * Every page has a byte of watch bits. Zero means that anybody may store to it without telling;
 * otherwise stores go through ram_written(), which informs the clients whose bits are set. So an
 * unwatched store costs one byte load, and a client (display, migration, translator) pays only
 * for the pages it asked for.
 *
 * guarded by: the region lock (list of blocks); page_flags are lock-free atomics.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/os/memory.h"
#include "core/internal.h"

#define RAM_ALIGN (2u << 20) /* host address and ram_addr: huge pages fit */
#define RAM_MAX (1ull << 46)

/* The mapping begins at a multiple of RAM_ALIGN when it is large enough for huge pages. */
static uint8_t *map_aligned(int fd, uint64_t size, const RamSource *from, Error **errp)
{
    const uint64_t align = MAX(MAX(from->align, RAM_ALIGN), os_fd_page_size(fd));
    const int reserve = from->reserve ? 0 : MAP_NORESERVE;

    if (size < RAM_ALIGN && from->share && !from->align) {
        return os_map_shared(fd, 0, size, true, errp);
    }
    uint8_t *p = mmap(NULL, size + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                      -1, 0);
    if (p == MAP_FAILED) {
        error_set(errp, ERR_NO_MEMORY, "cannot reserve %" G_GUINT64_FORMAT " bytes of address space",
                  size);
        return NULL;
    }
    uint8_t *start = (uint8_t *)round_up((uintptr_t)p, align);
    if (mmap(start, size, PROT_READ | PROT_WRITE,
             (from->share ? MAP_SHARED : MAP_PRIVATE) | MAP_FIXED | reserve, fd, 0) == MAP_FAILED) {
        int err = errno;
        munmap(p, size + align);
        error_set(errp, ERR_NO_MEMORY, "unable to map backing store for guest RAM: %s", strerror(err));
        return NULL;
    }
    if (start > p) {
        munmap(p, start - p);
    }
    uint8_t *end = start + size;
    if (p + size + align > end) {
        munmap(end, p + size + align - end);
    }
    madvise(start, size, MADV_HUGEPAGE);
    return start;
}

static bool block_map(RamBlock *b, const RamSource *from, Error **errp)
{
    if (b->fd < 0) {
        b->fd = os_memfd_new(b->name, b->size, errp);
    }
    if (b->fd < 0) {
        return false;
    }
    b->host = map_aligned(b->fd, b->size, from, errp);
    if (!b->host) {
        return false;
    }
    madvise(b->host, b->size, MADV_DONTDUMP);
    b->page_flags = mmap(NULL, b->size >> MEM_PAGE_BITS, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (b->page_flags == MAP_FAILED) {
        b->page_flags = NULL;
        error_set(errp, ERR_NO_MEMORY, "no memory for the page flags of '%s'", b->name);
        return false;
    }
    return true;
}

static void block_destroy(RamBlock *b)
{
    if (b->host) {
        munmap(b->host, b->size);
    }
    if (b->page_flags) {
        munmap(b->page_flags, b->size >> MEM_PAGE_BITS);
    }
    if (b->fd >= 0) {
        close(b->fd);
    }
    g_free(b->name);
    g_free(b);
}

static RamBlock *block_new(Machine *m, const char *name, uint64_t size, const RamSource *from,
                           bool readonly, Error **errp)
{
    if (size == 0 || size > RAM_MAX) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' cannot have %" G_GUINT64_FORMAT " bytes", name,
                  size);
        if (from->fd >= 0) {
            close(from->fd);
        }
        return NULL;
    }
    RamBlock *b = g_new0(RamBlock, 1);
    b->name = g_strdup(name);
    b->size = round_up(size, MEM_PAGE_SIZE);
    b->readonly = readonly;
    b->machine = m;
    b->fd = from->fd;
    if (!block_map(b, from, errp)) {
        block_destroy(b);
        return NULL;
    }
    pthread_mutex_lock(&m->mem.lock);
    b->ram_addr = m->mem.next_ram_addr;
    m->mem.next_ram_addr = round_up(b->ram_addr + b->size, RAM_ALIGN);
    g_ptr_array_add(m->mem.blocks, b);
    pthread_mutex_unlock(&m->mem.lock);
    return b;
}

RamBlock *ram_block_new(Machine *m, const char *name, uint64_t size, bool readonly, Error **errp)
{
    return block_new(m, name, size, &(RamSource){.fd = -1, .share = true}, readonly, errp);
}

RamBlock *ram_block_new_from(Machine *m, const char *name, uint64_t size, const RamSource *from, Error **errp)
{
    return block_new(m, name, size, from, false, errp);
}

bool ram_add_tags(RamBlock *b, const char *name, Error **errp)
{
    b->tags = block_new(b->machine, name, b->size / 32, &(RamSource){.fd = -1, .share = true}, false, errp);
    return b->tags != NULL;
}

void ram_block_free(RamBlock *b)
{
    Machine *m = b->machine;

    if (b->tags) {
        ram_block_free(b->tags);
    }

    if (m) {
        pthread_mutex_lock(&m->mem.lock);
        g_ptr_array_remove(m->mem.blocks, b);
        pthread_mutex_unlock(&m->mem.lock);
    }
    block_destroy(b);
}

RamBlock *machine_ram_block_at(Machine *m, uint64_t ram_addr)
{
    RamBlock *found = NULL;

    pthread_mutex_lock(&m->mem.lock);
    for (guint i = 0; i < m->mem.blocks->len && !found; i++) {
        RamBlock *b = m->mem.blocks->pdata[i];
        if (ram_addr - b->ram_addr < b->size) {
            found = b;
        }
    }
    pthread_mutex_unlock(&m->mem.lock);
    return found;
}

void machine_ram_foreach(Machine *m, void (*fn)(RamBlock *, void *), void *opaque)
{
    pthread_mutex_lock(&m->mem.lock);
    for (guint i = 0; i < m->mem.blocks->len; i++) {
        fn(m->mem.blocks->pdata[i], opaque);
    }
    pthread_mutex_unlock(&m->mem.lock);
}

/* Clips [offset, offset+len) to the block and turns it into pages [*first, *end). */
static bool page_range(const RamBlock *b, uint64_t offset, uint64_t len, uint64_t *first, uint64_t *end)
{
    if (len == 0 || offset >= b->size) {
        return false;
    }
    len = MIN(len, b->size - offset);
    *first = offset >> MEM_PAGE_BITS;
    *end = ((offset + len - 1) >> MEM_PAGE_BITS) + 1;
    return true;
}

void ram_watch_set(RamBlock *b, uint64_t offset, uint64_t len, uint8_t bits)
{
    uint64_t p, end;
    bool armed = false;

    if (!page_range(b, offset, len, &p, &end)) {
        return;
    }
    for (; p < end; p++) {
        armed |= __atomic_fetch_or(&b->page_flags[p], bits, __ATOMIC_SEQ_CST) == 0;
    }
    const AccelOps *accel = b->machine ? machine_accel(b->machine) : NULL;
    if (armed && (bits & RAM_WATCH_DIRTY) && accel && accel->watch_armed) {
        accel->watch_armed(b->machine, b, offset, len);
    }
}

void ram_watch_clear(RamBlock *b, uint64_t offset, uint64_t len, uint8_t bits)
{
    uint64_t p, end;

    if (page_range(b, offset, len, &p, &end)) {
        for (; p < end; p++) {
            __atomic_fetch_and(&b->page_flags[p], (uint8_t)~bits, __ATOMIC_SEQ_CST);
        }
    }
}

void ram_written(RamBlock *b, uint64_t offset, uint64_t len)
{
    uint64_t first, end;
    bool code = false;

    if (!page_range(b, offset, len, &first, &end)) {
        return;
    }
    /* The store before us, then the look at the watch; who watches does it the other way round. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (uint64_t p = first; p < end; p++) {
        uint8_t flags = __atomic_load_n(&b->page_flags[p], __ATOMIC_RELAXED);
        if (likely(flags == 0)) {
            continue;
        }
        if (flags & RAM_WATCH_DIRTY) {
            __atomic_fetch_and(&b->page_flags[p], (uint8_t)~RAM_WATCH_DIRTY, __ATOMIC_SEQ_CST);
        }
        code |= flags & RAM_WATCH_CODE;
    }
    const AccelOps *accel = b->machine ? machine_accel(b->machine) : NULL;
    if (code && accel && accel->code_written) {
        accel->code_written(b->machine, b, offset, MIN(len, b->size - offset));
    }
}

bool ram_dirty_told(RamBlock *b, uint64_t offset, uint64_t len)
{
    uint64_t p, end;
    uint8_t before = 0;

    if (page_range(b, offset, len, &p, &end)) {
        for (; p < end; p++) {
            before |= __atomic_fetch_and(&b->page_flags[p], (uint8_t)~RAM_WATCH_DIRTY, __ATOMIC_SEQ_CST);
        }
    }
    return before & RAM_WATCH_DIRTY;
}

void ram_discard(RamBlock *b, uint64_t offset, uint64_t len)
{
    const uint64_t mask = MEM_PAGE_SIZE - 1;
    uint64_t end = len > b->size - MIN(offset, b->size) ? b->size : offset + len;

    offset = (offset + mask) & ~mask;
    end &= ~mask;
    if (offset >= end || b->readonly) {
        return;
    }
    if (madvise(b->host + offset, end - offset, MADV_REMOVE) == 0) {
        ram_written(b, offset, end - offset);
    }
}

void ram_dirty_collect(RamBlock *b, uint8_t watch_bit, unsigned long *bitmap)
{
    const unsigned bits = 8 * sizeof(unsigned long);
    uint64_t pages = b->size >> MEM_PAGE_BITS;
    bool armed = false;

    memset(bitmap, 0, (pages + bits - 1) / bits * sizeof(unsigned long));
    for (uint64_t p = 0; p < pages; p++) {
        uint8_t old = __atomic_fetch_or(&b->page_flags[p], watch_bit, __ATOMIC_SEQ_CST);
        if (!(old & watch_bit)) {
            bitmap[p / bits] |= 1ul << (p % bits);
        }
        armed |= old == 0;
    }
    const AccelOps *accel = b->machine ? machine_accel(b->machine) : NULL;
    if (armed && accel && accel->watch_armed) {
        accel->watch_armed(b->machine, b, 0, b->size);
    }
}
