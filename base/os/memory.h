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
