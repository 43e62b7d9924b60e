/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "file": a regular file. "host_device", "host_cdrom": a block device of the host.
 *
 * With cache.direct the descriptor has O_DIRECT: requests have to be whole blocks at aligned
 * addresses. The core makes whole blocks (BlockNode.alignment); here memory is aligned by copying
 * where it is not. The last, partial block of a file goes through a second, buffered descriptor.
 *
 * home: open and close on the main loop, requests on any thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/cdrom.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/iov.h"
#include "block/file.h"
#include "block/internal.h"

#define MAX_IOV 1024
#define BOUNCE_MAX (1u << 20)

static bool flag_get(bool *f)
{
    return __atomic_load_n(f, __ATOMIC_RELAXED);
}

static void flag_set(bool *f)
{
    __atomic_store_n(f, true, __ATOMIC_RELAXED);
}

/* ---- transfers ---- */

/*
 * All of it: reads zeroes behind the end of the file. flags are RWF_*; with RWF_NOWAIT anything
 * less than everything is -EAGAIN.
 */
static int transfer(int fd, bool write, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                    int niov, int flags)
{
    struct iovec part[MAX_IOV];

    for (uint64_t done = 0; done < bytes;) {
        int k = niov;
        const struct iovec *v = iov;
        if (done || niov > MAX_IOV) {
            k = iov_slice(iov, niov, done, bytes - done, part, MAX_IOV);
            v = part;
        }
        ssize_t r = write ? pwritev2(fd, v, k, (off_t)(offset + done), flags)
                          : preadv2(fd, v, k, (off_t)(offset + done), flags);
        if (r < 0 && errno == EINTR) {
            continue;
        }
        if (r < 0) {
            return -errno;
        }
        done += (uint64_t)r;
        if (flags & RWF_NOWAIT && done < bytes) {
            return -EAGAIN;
        }
        if (r == 0 && write) {
            return -ENOSPC;
        }
        if (r == 0) {
            iov_memset(iov, niov, done, 0, bytes - done);
            break;
        }
    }
    return 0;
}

static bool memory_aligned(const HostFile *f, const struct iovec *iov, int niov)
{
    uintptr_t bits = 0;

    for (int i = 0; i < niov; i++) {
        bits |= (uintptr_t)iov[i].iov_base | iov[i].iov_len;
    }
    return !(bits & (f->mem_align - 1));
}

static bool whole_blocks(const BlockNode *n, uint64_t offset, uint64_t bytes)
{
    return !((offset | bytes) & (n->alignment - 1));
}

/* O_DIRECT from memory that is not aligned. */
static int transfer_bounced(BlockNode *n, bool write, uint64_t offset, uint64_t bytes,
                            const struct iovec *iov, int niov, int flags)
{
    HostFile *f = n->priv;
    uint64_t chunk = MIN(bytes, MAX(BOUNCE_MAX, n->alignment));
    void *buf = node_alloc_buffer(n, chunk);
    int ret = 0;

    for (uint64_t done = 0; done < bytes && ret == 0; done += chunk) {
        const struct iovec one = {buf, MIN(chunk, bytes - done)};
        if (write) {
            iov_to_buf(iov, niov, done, buf, one.iov_len);
        }
        ret = transfer(f->fd, write, offset + done, one.iov_len, &one, 1, flags);
        if (!write && ret == 0) {
            iov_from_buf(iov, niov, done, buf, one.iov_len);
        }
    }
    node_free_buffer(buf);
    return ret;
}

/* The end of a file that is no whole number of blocks, past O_DIRECT but on the medium. */
static int transfer_buffered(HostFile *f, bool write, uint64_t offset, uint64_t bytes,
                             const struct iovec *iov, int niov)
{
    int ret = transfer(f->buffered, write, offset, bytes, iov, niov, 0);

    return ret == 0 && write && fdatasync(f->buffered) < 0 ? -errno : ret;
}

static int host_transfer(BlockNode *n, bool write, uint64_t offset, uint64_t bytes,
                         const struct iovec *iov, int niov, int flags)
{
    HostFile *f = n->priv;

    if (!f->direct) {
        return transfer(f->fd, write, offset, bytes, iov, niov, flags);
    }
    if (!whole_blocks(n, offset, bytes)) {
        return flags & RWF_NOWAIT ? -EAGAIN : transfer_buffered(f, write, offset, bytes, iov, niov);
    }
    if (!memory_aligned(f, iov, niov)) {
        return transfer_bounced(n, write, offset, bytes, iov, niov, flags);
    }
    return transfer(f->fd, write, offset, bytes, iov, niov, flags);
}

static int file_preadv(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                       int niov)
{
    return host_transfer(n, false, offset, bytes, iov, niov, 0);
}

static int file_try_preadv(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                           int niov)
{
    HostFile *f = n->priv;

    if (f->direct || flag_get(&f->no_nowait_read) || niov > MAX_IOV) {
        return -EAGAIN;
    }
    int ret = transfer(f->fd, false, offset, bytes, iov, niov, RWF_NOWAIT);
    if (ret == -EOPNOTSUPP || ret == -ENOSYS || ret == -EINVAL) {
        flag_set(&f->no_nowait_read);
        return -EAGAIN;
    }
    return ret;
}

static void count_write(HostFile *f)
{
    __atomic_fetch_add(&f->writes, 1, __ATOMIC_ACQ_REL);
}

static int file_flush(BlockNode *n)
{
    HostFile *f = n->priv;
    uint64_t upto = __atomic_load_n(&f->writes, __ATOMIC_ACQUIRE);
    int failed = __atomic_load_n(&f->flush_error, __ATOMIC_ACQUIRE);

    if (failed) {
        return failed;
    }
    if (__atomic_load_n(&f->flushed, __ATOMIC_ACQUIRE) >= upto) {
        return 0;
    }
    int ret;
    do {
        ret = fdatasync(f->fd) < 0 ? -errno : 0;
    } while (ret == -EINTR);
    if (ret < 0) {
        /* The kernel drops the pages it could not write and reports that once: never again is a
         * flush of this file a success. With O_DIRECT nothing was in those pages. */
        if (!f->direct && ret != -ENOSPC && ret != -EDQUOT) {
            __atomic_store_n(&f->flush_error, ret, __ATOMIC_RELEASE);
        }
        return ret;
    }
    uint64_t now = __atomic_load_n(&f->flushed, __ATOMIC_RELAXED);
    while (now < upto && !__atomic_compare_exchange_n(&f->flushed, &now, upto, false,
                                                      __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    }
    return 0;
}

static int file_pwritev(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                        int niov, unsigned flags)
{
    HostFile *f = n->priv;
    bool fua = flags & NODE_REQ_FUA && !(n->flags & BLOCK_NO_FLUSH);

    if (fua && !flag_get(&f->no_dsync)) {
        int ret = host_transfer(n, true, offset, bytes, iov, niov, RWF_DSYNC);
        if (ret != -EOPNOTSUPP && ret != -ENOSYS) {
            count_write(f);
            return ret;
        }
        flag_set(&f->no_dsync);
    }
    int ret = host_transfer(n, true, offset, bytes, iov, niov, 0);
    count_write(f);
    return ret == 0 && fua ? file_flush(n) : ret;
}

static int quick_pwritev(HostFile *f, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                         int niov)
{
    QuickWrite w;

    if (!quick_begin(&f->quick, offset, bytes, &w)) {
        return -EAGAIN;
    }
    int ret = transfer(f->fd, true, offset, bytes, iov, niov, 0);
    count_write(f);
    quick_end(&f->quick, &w);
    return ret;
}

static int file_try_pwritev(BlockNode *n, uint64_t offset, uint64_t bytes, const struct iovec *iov,
                            int niov, unsigned flags)
{
    HostFile *f = n->priv;

    if (f->direct || flags & NODE_REQ_FUA || niov > MAX_IOV) {
        return -EAGAIN;
    }
    if (flag_get(&f->no_nowait_write)) {
        return quick_pwritev(f, offset, bytes, iov, niov);
    }
    int ret = transfer(f->fd, true, offset, bytes, iov, niov, RWF_NOWAIT);
    if (ret == -EOPNOTSUPP || ret == -ENOSYS || ret == -EINVAL) {
        flag_set(&f->no_nowait_write);
        return -EAGAIN;
    }
    count_write(f);
    return ret;
}

typedef struct RingReq {
    UringReq ring; /* first */
    BlockNode *n;
    bool write;
    unsigned flags;
    uint64_t offset, bytes;
    const struct iovec *iov;
    int niov;
    void (*done)(void *opaque, int ret);
    void *opaque;
} RingReq;

/* What the kernel did not do in one go (the end of the file, mostly), or took back because the
 * thread that asked has ended, is done by hand. */
static void ring_done(UringReq *ring, int res)
{
    g_autofree RingReq *r = (RingReq *)ring;
    int ret = MIN(res, 0);

    if ((res >= 0 && (uint64_t)res < r->bytes) || res == -EINTR || res == -EAGAIN ||
        res == -ECANCELED) {
        ret = r->write ? file_pwritev(r->n, r->offset, r->bytes, r->iov, r->niov, r->flags)
                       : file_preadv(r->n, r->offset, r->bytes, r->iov, r->niov);
    }
    if (r->write) {
        count_write(r->n->priv);
    }
    r->done(r->opaque, ret);
}

static bool file_submit(BlockNode *n, bool write, uint64_t offset, const struct iovec *iov,
                        int niov, unsigned flags, void (*done)(void *opaque, int ret), void *opaque)
{
    HostFile *f = n->priv;
    uint64_t bytes = iov_size(iov, niov);
    bool fua = write && flags & NODE_REQ_FUA && !(n->flags & BLOCK_NO_FLUSH);

    if (!f->ring || niov > MAX_IOV || bytes > INT_MAX || !whole_blocks(n, offset, bytes) ||
        (f->direct && !memory_aligned(f, iov, niov))) {
        return false;
    }
    RingReq *r = g_new(RingReq, 1);
    *r = (RingReq){{ring_done}, n, write, flags, offset, bytes, iov, niov, done, opaque};
    if (uring_submit(f->ring, f->fd, write, offset, iov, niov, fua, &r->ring)) {
        return true;
    }
    g_free(r);
    return false;
}

static int file_poll_fd(BlockNode *n)
{
    const HostFile *f = n->priv;

    return f->ring ? uring_fd(f->ring) : -1;
}

static void file_reap(BlockNode *n)
{
    uring_reap(((HostFile *)n->priv)->ring);
}

/* ---- zeroes, holes ---- */

static int do_fallocate(int fd, int mode, uint64_t offset, uint64_t bytes)
{
    int ret;

    do {
        ret = fallocate(fd, mode, (off_t)offset, (off_t)bytes);
    } while (ret < 0 && errno == EINTR);
    return ret < 0 ? -errno : 0;
}

static bool unsupported(int ret)
{
    return ret == -EOPNOTSUPP || ret == -ENOSYS || ret == -ENOTTY || ret == -EINVAL ||
           ret == -ENODEV;
}

static int device_range(HostFile *f, unsigned long request, uint64_t offset, uint64_t bytes)
{
    uint64_t range[2] = {offset, bytes};

    return ioctl(f->fd, request, range) < 0 ? -errno : 0;
}

static uint64_t real_length(HostFile *f)
{
    struct stat st;
    uint64_t bytes = 0;

    if (fstat(f->fd, &st) < 0) {
        return 0;
    }
    if (S_ISREG(st.st_mode)) {
        return (uint64_t)st.st_size;
    }
    if (S_ISBLK(st.st_mode) && ioctl(f->fd, BLKGETSIZE64, &bytes) == 0) {
        return bytes;
    }
    off_t end = lseek(f->fd, 0, SEEK_END);
    return end > 0 ? (uint64_t)end : 0;
}

static int punch(HostFile *f, uint64_t offset, uint64_t bytes)
{
    if (flag_get(&f->no_punch)) {
        return -ENOTSUP;
    }
    int ret = do_fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes);
    if (unsupported(ret)) {
        flag_set(&f->no_punch);
        return -ENOTSUP;
    }
    return ret;
}

static int file_pwrite_zeroes(BlockNode *n, uint64_t offset, uint64_t bytes, unsigned flags)
{
    HostFile *f = n->priv;
    int ret = -ENOTSUP;

    if (f->is_device && !(flags & NODE_REQ_UNMAP)) {
        ret = device_range(f, BLKZEROOUT, offset, bytes);
        count_write(f);
        return unsupported(ret) ? -ENOTSUP : ret;
    }
    if (flags & NODE_REQ_UNMAP && offset + bytes <= real_length(f)) {
        ret = punch(f, offset, bytes);
    }
    if (ret == -ENOTSUP && !flag_get(&f->no_zero_range)) {
        ret = do_fallocate(f->fd, FALLOC_FL_ZERO_RANGE, offset, bytes);
        if (unsupported(ret)) {
            flag_set(&f->no_zero_range);
            ret = -ENOTSUP;
        }
    }
    count_write(f);
    return ret;
}

static int file_pdiscard(BlockNode *n, uint64_t offset, uint64_t bytes)
{
    HostFile *f = n->priv;
    int ret = f->is_device ? device_range(f, BLKDISCARD, offset, bytes) : punch(f, offset, bytes);

    count_write(f);
    return unsupported(ret) ? -ENOTSUP : ret;
}

/* Asks the host for the piece around offset: [*start, *end) is data or a hole. */
static bool find_piece(HostFile *f, uint64_t offset, uint64_t *end, bool *data)
{
    off_t next = lseek(f->fd, (off_t)offset, SEEK_DATA);

    if (next < 0 && errno == ENXIO) { /* nothing but a hole from here on */
        *data = false;
        *end = MAX(real_length(f), offset + 1);
        return true;
    }
    if (next < 0) {
        return false;
    }
    *data = (uint64_t)next == offset;
    if (!*data) {
        *end = (uint64_t)next;
        return true;
    }
    next = lseek(f->fd, (off_t)offset, SEEK_HOLE);
    *end = (uint64_t)next;
    return next > (off_t)offset;
}

static int file_block_status(BlockNode *n, uint64_t offset, uint64_t bytes, uint64_t *pnum,
                             uint64_t *map, BlockNode **file)
{
    HostFile *f = n->priv;
    uint64_t writes = __atomic_load_n(&f->writes, __ATOMIC_ACQUIRE);

    *map = offset;
    *file = n;
    *pnum = bytes;
    if (f->is_device) {
        return STATUS_DATA | STATUS_OFFSET | STATUS_ALLOCATED;
    }
    g_mutex_lock(&f->map_lock);
    if (!f->map_valid || f->map_writes != writes || offset < f->map_start || offset >= f->map_end) {
        f->map_valid = find_piece(f, offset, &f->map_end, &f->map_data);
        f->map_start = offset;
        f->map_writes = writes;
    }
    bool data = !f->map_valid || f->map_data;
    if (f->map_valid) {
        *pnum = MIN(bytes, f->map_end - offset);
    }
    g_mutex_unlock(&f->map_lock);
    return (data ? STATUS_DATA : STATUS_ZERO) | STATUS_OFFSET | STATUS_ALLOCATED;
}

/* ---- size ---- */

static uint64_t file_length(BlockNode *n)
{
    return real_length(n->priv);
}

static int64_t file_allocated(BlockNode *n)
{
    HostFile *f = n->priv;
    struct stat st;

    return fstat(f->fd, &st) < 0 ? -1 : (int64_t)st.st_blocks * 512;
}

static int fill_zeroes(BlockNode *n, uint64_t from, uint64_t to)
{
    HostFile *f = n->priv;
    int fd = f->direct ? f->buffered : f->fd;
    size_t chunk = MIN(to - from, 1u << 20);
    g_autofree void *buf = g_malloc0(chunk);
    int ret = 0;

    while (from < to && ret == 0) {
        const struct iovec one = {buf, MIN(chunk, to - from)};
        ret = transfer(fd, true, from, one.iov_len, &one, 1, 0);
        from += one.iov_len;
    }
    return ret == 0 && fdatasync(fd) < 0 ? -errno : ret;
}

static bool file_truncate(BlockNode *n, uint64_t size, const char *prealloc, Error **errp)
{
    HostFile *f = n->priv;
    uint64_t old = real_length(f);
    int ret = 0;

    if (f->is_device) {
        if (size <= old) {
            return true;
        }
        error_set(errp, ERR_GENERIC, "Cannot grow device files");
        return false;
    }
    if (strcmp(prealloc, "off") && strcmp(prealloc, "falloc") && strcmp(prealloc, "full")) {
        error_set(errp, ERR_UNSUPPORTED, "Unsupported preallocation mode '%s'", prealloc);
        return false;
    }
    if (!strcmp(prealloc, "falloc") && size > old) {
        ret = posix_fallocate(f->fd, (off_t)old, (off_t)(size - old)) ? -ENOSPC : 0;
    }
    if (ret == 0 && ftruncate(f->fd, (off_t)size) < 0) {
        ret = -errno;
    }
    if (ret == 0 && !strcmp(prealloc, "full") && size > old) {
        ret = fill_zeroes(n, old, size);
    }
    count_write(f);
    if (ret < 0) {
        error_set_errno(errp, -ret, "Failed to resize '%s'", n->filename);
        if (size > old && ftruncate(f->fd, (off_t)old) < 0) {
            return false;
        }
    }
    return ret == 0;
}

/* ---- opening ---- */

/* The smallest read that O_DIRECT accepts. */
static void find_alignment(BlockNode *n, HostFile *f)
{
    int sector = 0;
    uint8_t *buf = node_alloc_buffer(n, 8192);

    f->mem_align = 512;
    n->alignment = 4096; /* cannot be found out: what every host takes */
    if (f->is_device && ioctl(f->fd, BLKSSZGET, &sector) == 0 && sector >= 512) {
        n->alignment = f->mem_align = (unsigned)sector;
    } else if (pread(f->fd, buf, 1, 0) < 0) { /* it cares */
        for (unsigned a = 512; a <= 4096; a *= 2) {
            if (pread(f->fd, buf, a, 0) >= 0) {
                n->alignment = a;
                break;
            }
        }
    }
    while (f->mem_align < 4096 && pread(f->fd, buf + f->mem_align, n->alignment, 0) < 0) {
        f->mem_align *= 2;
    }
    node_free_buffer(buf);
}

static bool right_kind(BlockNode *n, const struct stat *st, const char *name, Error **errp)
{
    bool device = S_ISBLK(st->st_mode) || S_ISCHR(st->st_mode);

    if (!strcmp(n->drv->name, "file") && !S_ISREG(st->st_mode)) {
        error_set(errp, ERR_INVALID_PARAMETER, "'file' driver requires '%s' to be a regular file",
                  name);
        error_hint(errp, device ? "a device is opened with driver=host_device" : "it is none");
        return false;
    }
    if (strcmp(n->drv->name, "file") && !device) {
        error_set(errp, ERR_INVALID_PARAMETER, "'%s' driver requires '%s' to be a device",
                  n->drv->name, name);
        return false;
    }
    return true;
}

static int open_flags(BlockNode *n)
{
    int flags = O_CLOEXEC | (n->flags & BLOCK_NOCACHE ? O_DIRECT : 0);

    if (!strcmp(n->drv->name, "host_cdrom")) {
        return flags | O_RDONLY | O_NONBLOCK; /* opens without a medium too */
    }
    return flags | (n->flags & BLOCK_RDWR ? O_RDWR : O_RDONLY);
}

static int open_host(BlockNode *n, const char *name, Error **errp)
{
    int fd = open(name, open_flags(n));

    if (fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM) &&
        n->flags & BLOCK_RDWR && n->flags & BLOCK_AUTO_RDONLY) {
        n->flags &= ~BLOCK_RDWR;
        fd = open(name, open_flags(n));
    }
    if (fd < 0 && errno == EINVAL && n->flags & BLOCK_NOCACHE) {
        error_set(errp, ERR_IO, "Could not open '%s': filesystem does not support O_DIRECT", name);
    } else if (fd < 0) {
        error_set_errno(errp, errno, "Could not open '%s'", name);
    }
    return fd;
}

/* A second description of the same file; by name it could be another one meanwhile. */
static int reopen_buffered(BlockNode *n, int fd)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);

    return open(path, open_flags(n) & ~O_DIRECT);
}

/* Another descriptor of the same file in the place of @at, with its locks if it is to have them. */
static bool exchange(BlockNode *n, int at, int flags, bool locks, Error **errp)
{
    const HostFile *f = n->priv;
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", at);
    int fd = open(path, flags);
    bool ok = false;

    if (fd < 0) {
        error_set_errno(errp, errno, "Could not reopen '%s'", n->filename);
        return false;
    }
    if (!locks || file_lock_copy(fd, n->filename, f->perm, f->shared, errp)) {
        ok = dup3(fd, at, O_CLOEXEC) >= 0;
        if (!ok) {
            error_set_errno(errp, errno, "Could not reopen '%s'", n->filename);
        }
    }
    close(fd);
    return ok;
}

/* Writable <-> read-only. The number of the descriptor stays. */
static bool file_reopen(BlockNode *n, unsigned new_flags, Error **errp)
{
    HostFile *f = n->priv;
    int flags = (open_flags(n) & ~O_ACCMODE) | (new_flags & BLOCK_RDWR ? O_RDWR : O_RDONLY);

    if (!((n->flags ^ new_flags) & BLOCK_RDWR)) {
        return true;
    }
    if (!strcmp(n->drv->name, "host_cdrom")) {
        error_set(errp, ERR_UNSUPPORTED, "'%s' cannot be written", n->filename);
        return false;
    }
    return exchange(n, f->fd, flags, f->lock && !(n->flags & BLOCK_NO_LOCK), errp) &&
           (f->buffered < 0 || exchange(n, f->buffered, flags & ~O_DIRECT, false, errp));
}

static void host_close(HostFile *f)
{
    if (f->ring) {
        uring_free(f->ring);
    }
    if (f->buffered >= 0) {
        close(f->buffered);
    }
    if (f->fd >= 0) {
        close(f->fd);
    }
    g_mutex_clear(&f->map_lock);
}

static bool choose_locking(BlockNode *n, HostFile *f, const char *mode, Error **errp)
{
    bool can = file_locks_supported(f->fd);

    if (strcmp(mode, "auto") && strcmp(mode, "on") && strcmp(mode, "off")) {
        error_set(errp, ERR_INVALID_PARAMETER, "locking is one of 'auto', 'on', 'off', not '%s'", mode);
        return false;
    }
    if (!strcmp(mode, "on") && !can) {
        error_set(errp, ERR_UNSUPPORTED, "the file system of '%s' has no locks", n->filename);
        return false;
    }
    f->lock = can && strcmp(mode, "off") && !f->is_device;
    return true;
}

static bool choose_aio(BlockNode *n, HostFile *f, const char *aio, Error **errp)
{
    if (!strcmp(aio, "threads")) {
        return true;
    }
    if (!strcmp(aio, "io_uring")) {
        f->ring = uring_new(&n->set->help, errp);
        return f->ring != NULL;
    }
    error_set(errp, ERR_INVALID_PARAMETER, "aio is one of 'threads', 'io_uring', not '%s'", aio);
    return false;
}

static bool setup(BlockNode *n, HostFile *f, json_t *opts, Error **errp)
{
    struct stat st;

    if (fstat(f->fd, &st) < 0 || !right_kind(n, &st, n->filename, errp)) {
        return false;
    }
    f->is_device = !S_ISREG(st.st_mode);
    f->direct = n->flags & BLOCK_NOCACHE;
    if (!f->is_device) {
        quick_init(&f->quick, f->fd);
    }
    if (f->direct) {
        find_alignment(n, f);
        f->buffered = reopen_buffered(n, f->fd);
        if (f->buffered < 0) {
            error_set_errno(errp, errno, "Could not open '%s' again", n->filename);
            return false;
        }
    }
    return choose_locking(n, f, json_string_value(json_object_get(opts, "locking")), errp) &&
           choose_aio(n, f, json_string_value(json_object_get(opts, "aio")), errp);
}

static bool file_open(BlockNode *n, json_t *opts, Error **errp)
{
    HostFile *f = n->priv;
    const char *name = json_string_value(json_object_get(opts, "filename"));

    if (!name || !*name) {
        error_set(errp, ERR_INVALID_PARAMETER, "The '%s' block driver requires a file name",
                  n->drv->name);
        return false;
    }
    f->buffered = -1;
    f->shared = PERM_ALL;
    f->fd = open_host(n, name, errp);
    if (f->fd < 0) {
        return false;
    }
    g_mutex_init(&f->map_lock);
    if (!setup(n, f, opts, errp)) {
        host_close(f);
        return false;
    }
    return true;
}

static void file_close(BlockNode *n)
{
    host_close(n->priv);
}

static bool file_set_perm(BlockNode *n, unsigned perm, unsigned shared, Error **errp)
{
    HostFile *f = n->priv;

    if (!f->lock || n->flags & BLOCK_NO_LOCK) {
        return true;
    }
    if (!file_lock_update(f->fd, n->filename, f->perm, f->shared, perm, shared, errp)) {
        return false;
    }
    f->perm = perm;
    f->shared = shared;
    return true;
}

static bool file_create(BlockSet *set, BlockNode *file, const char *filename, json_t *opts,
                        Error **errp)
{
    uint64_t size = (uint64_t)json_integer_value(json_object_get(opts, "size"));
    int fd = open(filename, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    const unsigned unshared = PERM_WRITE | PERM_RESIZE;

    if (fd < 0) {
        error_set_errno(errp, errno, "Could not create '%s'", filename);
        return false;
    }
    /* Locked before it loses its contents: somebody may use it. */
    bool ok = !file_locks_supported(fd) ||
              file_lock_update(fd, filename, 0, PERM_ALL, PERM_WRITE | PERM_RESIZE,
                               PERM_ALL & ~unshared, errp);
    if (ok && (ftruncate(fd, 0) < 0 || ftruncate(fd, (off_t)size) < 0)) {
        error_set_errno(errp, errno, "Could not resize '%s'", filename);
        ok = false;
    }
    close(fd);
    return ok;
}

/* ---- which driver a name means ---- */

static bool cdrom_claims(const char *filename)
{
    struct stat st;

    if (stat(filename, &st) < 0 || !S_ISBLK(st.st_mode)) {
        return false;
    }
    int fd = open(filename, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool yes = ioctl(fd, CDROM_DRIVE_STATUS, CDSL_CURRENT) >= 0;
    close(fd);
    return yes;
}

static bool device_claims(const char *filename)
{
    struct stat st;

    return stat(filename, &st) == 0 && (S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode)) &&
           !cdrom_claims(filename);
}

static const BlockOpt file_opts[] = {
    {"filename", BLOCK_OPT_STR, NULL, "path of the file"},
    {"aio", BLOCK_OPT_STR, "threads", "how requests are made: threads or io_uring"},
    {"locking", BLOCK_OPT_STR, "auto", "auto, on, off: whether other programs are kept out"},
    {0},
};

static const BlockOpt file_create_opts[] = {
    {"size", BLOCK_OPT_SIZE, "0", "Virtual disk size"},
    {0},
};

#define HOST_FILE_OPS                                                                           \
    .kind = DRIVER_PROTOCOL, .size = sizeof(HostFile), .open_opts = file_opts,                  \
    .open = file_open, .close = file_close, .set_perm = file_set_perm, .reopen = file_reopen,   \
    .write_flags = NODE_REQ_FUA, .preadv = file_preadv, .pwritev = file_pwritev,                \
    .pwrite_zeroes = file_pwrite_zeroes, .pdiscard = file_pdiscard, .flush = file_flush,        \
    .block_status = file_block_status, .try_preadv = file_try_preadv,                           \
    .try_pwritev = file_try_pwritev, .submit = file_submit, .poll_fd = file_poll_fd,            \
    .reap = file_reap, .length = file_length,                                                   \
    .truncate = file_truncate, .allocated = file_allocated

static const BlockDriver file_driver = {
    .name = "file", .help = "a regular file", .create = file_create,
    .create_opts = file_create_opts, HOST_FILE_OPS,
};
BLOCK_DRIVER(file_driver);

static const BlockDriver host_device_driver = {
    .name = "host_device", .help = "a block device of the host", .claims = device_claims,
    HOST_FILE_OPS,
};
BLOCK_DRIVER(host_device_driver);

static const BlockDriver host_cdrom_driver = {
    .name = "host_cdrom", .help = "a CD-ROM drive of the host", .claims = cdrom_claims,
    HOST_FILE_OPS,
};
BLOCK_DRIVER(host_cdrom_driver);
