/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Host memory: memfd files and mappings of them.
 */
#ifndef BASE_OS_MEMORY_H
#define BASE_OS_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

size_t os_page_size(void);

/* An anonymous file of @size zero bytes, close-on-exec; -1 on failure. Close with close(). */
int os_memfd_new(const char *name, uint64_t size, Error **errp);

/*
 * The same of huge pages of @page bytes (0: of the host's default size), and sealed against growing
 * and shrinking if @seal. @page must be a power of 2. The pages are reserved when it is mapped.
 */
int os_memfd_new_huge(const char *name, uint64_t size, uint64_t page, bool seal, Error **errp);
/* As os_memfd_new, sealed against growing and shrinking. */
int os_memfd_new_sealed(const char *name, uint64_t size, Error **errp);
/* The size of the pages that a file is mapped with: larger than the host's for hugetlbfs and its memfd. */
uint64_t os_fd_page_size(int fd);
/* All memory that the process has and will get stays in RAM. */
bool os_mem_lock_all(Error **errp);

/*
 * Maps [@offset, @offset + @size) of @fd shared, readable and, if @writable, writable.
 * NULL on failure; unmap with os_unmap().
 */
void *os_map_shared(int fd, uint64_t offset, size_t size, bool writable, Error **errp);
void os_unmap(void *addr, size_t size);

/* May the host merge equal pages; is it part of core dumps. Advice: never fails. */
void os_mem_advise(void *addr, size_t size, bool merge, bool dump);
/* Give all pages memory now, keeping contents. */
bool os_mem_populate(void *addr, size_t size, Error **errp);
/* Pages not yet there come from @nodes (a mask). @policy: 1 preferred, 2 bind, 3 interleave. */
bool os_mem_bind(void *addr, size_t size, int policy, uint64_t nodes, Error **errp);

/*
 * One piece of memory seen twice: written through @rw, executed through @rx. No address is ever
 * writable and executable, which hardened hosts require.
 */
typedef struct DualMap {
    uint8_t *rw;
    uint8_t *rx;
    size_t size;
} DualMap;

/*
 * Makes a dual mapping of @size bytes (rounded up to pages). The executable view lies within
 * 2 GiB of @near if the host has room there (code that calls near @near is then short); NULL:
 * anywhere.
 */
bool os_dual_map_init(DualMap *map, size_t size, const void *near, Error **errp);
void os_dual_map_fini(DualMap *map);

#endif
