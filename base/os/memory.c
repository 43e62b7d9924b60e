/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/os/memory.h"
#include "base/units.h"

size_t os_page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static int memfd_new(const char *name, uint64_t size, unsigned flags, bool seal, Error **errp)
{
    int fd = memfd_create(name, MFD_CLOEXEC | flags | (seal ? MFD_ALLOW_SEALING : 0));

    if (fd < 0) {
        error_set_errno(errp, errno, "cannot create memory for '%s'", name);
        return -1;
    }
    if (ftruncate(fd, (off_t)size) < 0) {
        g_autofree char *text = format_size(size);
        error_set_errno(errp, errno, "cannot get %s of memory for '%s'", text, name);
    } else if (seal && fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
        error_set_errno(errp, errno, "cannot seal the memory of '%s'", name);
    } else {
        return fd;
    }
    close(fd);
    return -1;
}

int os_memfd_new(const char *name, uint64_t size, Error **errp)
{
    return memfd_new(name, size, 0, false, errp);
}

int os_memfd_new_sealed(const char *name, uint64_t size, Error **errp)
{
    return memfd_new(name, size, 0, true, errp);
}

int os_memfd_new_huge(const char *name, uint64_t size, uint64_t page, bool seal, Error **errp)
{
    unsigned shift = page ? (unsigned)__builtin_ctzll(page) : 0; /* memfd_create(2): log2 in the flags */

    return memfd_new(name, size, MFD_HUGETLB | shift << MFD_HUGE_SHIFT, seal, errp);
}

uint64_t os_fd_page_size(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 && fs.f_type == HUGETLBFS_MAGIC ? (uint64_t)fs.f_bsize : os_page_size();
}

bool os_mem_lock_all(Error **errp)
{
    if (mlockall(MCL_CURRENT | MCL_FUTURE)) {
        error_set_errno(errp, errno, "locking memory failed: mlockall");
        error_hint(errp, "'ulimit -l unlimited' allows it (services: LimitMEMLOCK=infinity); 'rhea doctor' shows the limit");
        return false;
    }
    return true;
}

void *os_map_shared(int fd, uint64_t offset, size_t size, bool writable, Error **errp)
{
    int prot = PROT_READ | (writable ? PROT_WRITE : 0);
    void *p = mmap(NULL, size, prot, MAP_SHARED | MAP_NORESERVE, fd, (off_t)offset);

    if (p == MAP_FAILED) {
        g_autofree char *text = format_size(size);
        error_set_errno(errp, errno, "cannot map %s of memory", text);
        return NULL;
    }
    return p;
}

void os_unmap(void *addr, size_t size)
{
    if (addr) {
        munmap(addr, size);
    }
}

void os_mem_advise(void *addr, size_t size, bool merge, bool dump)
{
    madvise(addr, size, merge ? MADV_MERGEABLE : MADV_UNMERGEABLE);
    madvise(addr, size, dump ? MADV_DODUMP : MADV_DONTDUMP);
}

bool os_mem_populate(void *addr, size_t size, Error **errp)
{
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
    int err = madvise(addr, size, MADV_POPULATE_WRITE) ? errno : 0;

    if (err == EINVAL) { /* an older kernel: touch, keeping what is there */
        for (size_t i = 0; i < size; i += os_page_size()) {
            volatile uint8_t *p = (uint8_t *)addr + i;
            *p = *p;
        }
        err = 0;
    }
    if (err) {
        g_autofree char *text = format_size(size);
        error_set_errno(errp, err, "cannot preallocate %s of memory", text);
    }
    return !err;
}

bool os_mem_bind(void *addr, size_t size, int policy, uint64_t nodes, Error **errp)
{
    /* The kernel takes one bit less than it is told. */
    unsigned long mask[2] = {nodes, 0};

    if (syscall(SYS_mbind, addr, size, policy, mask, 65ul, 2 /* MPOL_MF_MOVE */)) {
        error_set_errno(errp, errno, "cannot bind memory to host NUMA nodes");
        return false;
    }
    return true;
}

static bool is_near(const uint8_t *p, size_t size, const void *near)
{
    intptr_t first = (intptr_t)p - (intptr_t)near;
    intptr_t last = (intptr_t)(p + size) - (intptr_t)near;
    intptr_t reach = INT32_MAX - (intptr_t)MiB;
    return first > -reach && first < reach && last > -reach && last < reach;
}

/* Tries hints around @near; the kernel takes a hint only if nothing is mapped there. */
static void *map_code(int fd, size_t size, const void *near)
{
    const int flags = MAP_SHARED;
    const intptr_t step = 64 * (intptr_t)MiB;

    for (intptr_t d = step; near && d < INT32_MAX; d += step) {
        for (int sign = -1; sign <= 1; sign += 2) {
            intptr_t hint = (intptr_t)near + sign * d - (sign < 0 ? (intptr_t)size : 0);
            if (hint < (intptr_t)MiB) {
                continue;
            }
            hint = (intptr_t)round_down((uint64_t)hint, os_page_size());
            uint8_t *p = mmap((void *)hint, size, PROT_READ | PROT_EXEC, flags, fd, 0);
            if (p == MAP_FAILED) {
                return p;
            }
            if (is_near(p, size, near)) {
                return p;
            }
            munmap(p, size);
        }
    }
    return mmap(NULL, size, PROT_READ | PROT_EXEC, flags, fd, 0);
}

bool os_dual_map_init(DualMap *map, size_t size, const void *near, Error **errp)
{
    size = round_up(size, os_page_size());
    *map = (DualMap){.size = size};

    int fd = os_memfd_new("code", size, errp);
    if (fd < 0) {
        return false;
    }
    map->rw = os_map_shared(fd, 0, size, true, errp);
    if (!map->rw) {
        close(fd);
        return false;
    }
    void *rx = map_code(fd, size, near);
    int err = errno;
    close(fd);
    if (rx == MAP_FAILED) {
        os_unmap(map->rw, size);
        map->rw = NULL;
        error_set_errno(errp, err, "the host refuses executable memory for translated code");
        error_hint(errp, "a noexec policy for memfd files must allow this program");
        return false;
    }
    map->rx = rx;
    return true;
}

void os_dual_map_fini(DualMap *map)
{
    os_unmap(map->rw, map->size);
    os_unmap(map->rx, map->size);
    *map = (DualMap){0};
}
