/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory backends (-object memory-backend-ram, -file, -memfd): guest memory that the user describes.
 *
 * home: main loop.
 */
#ifndef CORE_HOSTMEM_H
#define CORE_HOSTMEM_H

#include "core/memory.h"
#include "core/object.h"

typedef struct HostMem {
    Object obj;
    char *mem_path, *host_nodes;
    uint64_t size;
    bool share, prealloc, merge, dump, reserve;
    uint32_t prealloc_threads;
    Object *prealloc_context;   /* a thread-context, or NULL */
    uint64_t align;             /* of a file's mapping; 0: as it is good */
    bool discard_data;          /* a file's contents are not kept at the end */
    bool hugetlb, seal;         /* of a memfd */
    uint64_t hugetlbsize;
    int policy; /* HOSTMEM_POLICY_* */
    MemoryRegion *region;
    bool mapped; /* the machine uses it: only once */
} HostMem;
enum {
    HOSTMEM_POLICY_DEFAULT, HOSTMEM_POLICY_PREFERRED, HOSTMEM_POLICY_BIND, HOSTMEM_POLICY_INTERLEAVE,
};
extern const char *const hostmem_policy_names[];

/* The backend of that id, or NULL and an error. */
HostMem *hostmem_find(Machine *m, const char *id, Error **errp);
/* Its memory, for one user; the reference stays the backend's. */
MemoryRegion *hostmem_claim(HostMem *h, Error **errp);
void hostmem_foreach(Machine *m, void (*fn)(HostMem *h, void *opaque), void *opaque);
/* Numbers in host_nodes (see parse_ranges) as a mask of 64 nodes. */
bool hostmem_nodes(const HostMem *h, uint64_t *mask, Error **errp);

#endif
