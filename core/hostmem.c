/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory backends. All guest memory is a file mapping: of a new memfd, or of the file that mem-path
 * names, privately (share=off: stores stay in this process) or shared.
 *
 * home: main loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/os/memory.h"
#include "core/hostmem.h"
#include "core/internal.h"

const char *const hostmem_policy_names[] = {"default", "preferred", "bind", "interleave", NULL};

bool hostmem_nodes(const HostMem *h, uint64_t *mask)
{
    unsigned first, last;
    int used = 0;

    *mask = 0;
    if (!h->host_nodes) {
        return true;
    }
    if (sscanf(h->host_nodes, "%u-%u%n", &first, &last, &used) != 2) {
        used = 0;
        if (sscanf(h->host_nodes, "%u%n", &first, &used) != 1) {
            return false;
        }
        last = first;
    }
    if (h->host_nodes[used] || first > last || last > 63) {
        return false;
    }
    for (unsigned n = first; n <= last; n++) {
        *mask |= 1ull << n;
    }
    return true;
}

static bool is_file(const HostMem *h)
{
    return !strcmp(h->obj.type->name, "memory-backend-file");
}

static bool check_policy(const HostMem *h, uint64_t *mask, Error **errp)
{
    if (!hostmem_nodes(h, mask)) {
        error_set(errp, ERR_INVALID_PARAMETER, "host-nodes='%s' is no node or range of nodes from 0 to 63",
                  h->host_nodes);
        return false;
    }
    if (*mask && h->policy == HOSTMEM_POLICY_DEFAULT) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "host-nodes must be empty for policy default, or you should explicitly specify a "
                  "policy other than default");
        return false;
    }
    if (!*mask && h->policy != HOSTMEM_POLICY_DEFAULT) {
        error_set(errp, ERR_INVALID_PARAMETER, "host-nodes must be set for policy %s",
                  hostmem_policy_names[h->policy]);
        return false;
    }
    return true;
}

/* A directory (hugetlbfs) gets a file without a name. -1 on failure. */
static int open_file(const HostMem *h, Error **errp)
{
    struct stat st;
    int fd = open(h->mem_path, O_RDWR | O_CLOEXEC);

    if (fd < 0 && errno == EISDIR) {
        fd = open(h->mem_path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    } else if (fd < 0 && errno == ENOENT) {
        fd = open(h->mem_path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);
    }
    if (fd < 0) {
        error_set(errp, ERR_IO, "can't open backing store %s for guest RAM: %s", h->mem_path,
                  strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) || (st.st_size && (uint64_t)st.st_size < h->size)) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "backing store %s is smaller than the backend: %lld bytes", h->mem_path,
                  (long long)st.st_size);
    } else if (!st.st_size && ftruncate(fd, h->size)) {
        error_set(errp, ERR_IO, "backing store %s cannot be made %" G_GUINT64_FORMAT " bytes: %s",
                  h->mem_path, (guint64)h->size, strerror(errno));
    } else {
        return fd;
    }
    close(fd);
    return -1;
}

static bool hostmem_complete(Object *o, Error **errp)
{
    HostMem *h = (HostMem *)o;
    uint64_t mask;
    int fd = -1;

    if (!h->size) {
        error_set(errp, ERR_INVALID_PARAMETER, "property 'size' of %s doesn't take value '0'",
                  o->type->name);
        error_hint(errp, "give size=");
        return false;
    }
    if (is_file(h) && !h->mem_path) {
        error_set(errp, ERR_INVALID_PARAMETER, "Parameter 'mem-path' is missing");
        return false;
    }
    if (!check_policy(h, &mask, errp) || (is_file(h) && (fd = open_file(h, errp)) < 0)) {
        return false;
    }
    h->region = fd < 0 ? region_new_ram(o->machine, o->id, h->size, errp)
                       : region_new_ram_file(o->machine, o->id, h->size, fd, h->share, errp);
    if (!h->region) {
        return false;
    }
    RamBlock *b = region_ram(h->region);
    os_mem_advise(b->host, b->size, h->merge, h->dump);
    if ((mask && !os_mem_bind(b->host, b->size, h->policy, mask, errp)) ||
        (h->prealloc && !os_mem_populate(b->host, b->size, errp))) {
        region_unref(h->region);
        return false;
    }
    return true;
}

static void hostmem_fini(Object *o)
{
    region_unref(((HostMem *)o)->region);
}

/* ---- users ---- */

static bool is_hostmem(const Object *o)
{
    return g_str_has_prefix(o->type->name, "memory-backend-");
}

HostMem *hostmem_find(Machine *m, const char *id, Error **errp)
{
    Object *o = object_find(m, id);

    if (!o || !is_hostmem(o)) {
        error_set(errp, ERR_INVALID_PARAMETER, "Memory backend '%s' not found", id);
        error_hint(errp, "make it with -object memory-backend-ram,id=%s,size=...", id);
        return NULL;
    }
    return (HostMem *)o;
}

MemoryRegion *hostmem_claim(HostMem *h, Error **errp)
{
    if (h->mapped) {
        error_set(errp, ERR_INVALID_PARAMETER, "memory backend %s can't be used multiple times.",
                  h->obj.id);
        return NULL;
    }
    h->mapped = true;
    object_ref(&h->obj);
    return h->region;
}

void hostmem_foreach(Machine *m, void (*fn)(HostMem *h, void *opaque), void *opaque)
{
    for (guint i = 0; i < m->objects->len; i++) {
        if (is_hostmem(m->objects->pdata[i])) {
            fn(m->objects->pdata[i], opaque);
        }
    }
}

/* ---- types ---- */

#define COMMON_PROPS(share_default)                                                                \
    PROP(HostMem, PROP_SIZE, size, "size", 0, "bytes"),                                            \
    PROP(HostMem, PROP_BOOL, share, "share", share_default, "other processes may map it, too"),    \
    PROP(HostMem, PROP_BOOL, prealloc, "prealloc", false, "the host's memory is taken at once"),   \
    PROP(HostMem, PROP_BOOL, merge, "merge", true, "the host may merge equal pages that are private (share=off of a file)"),              \
    PROP(HostMem, PROP_BOOL, dump, "dump", true, "part of the emulator's core dumps"),             \
    PROP_STR(HostMem, host_nodes, "host-nodes", NULL, "nodes of the host: 0, 0-1"),                \
    {.name = "policy", .kind = PROP_ENUM, .offset = offsetof(HostMem, policy),                     \
     .enum_names = hostmem_policy_names, .help = "how host-nodes are used"}

static const Property ram_props[] = {COMMON_PROPS(false), {0}};
static const Property memfd_props[] = {COMMON_PROPS(true), {0}};
static const Property file_props[] = {
    COMMON_PROPS(false),
    PROP_STR(HostMem, mem_path, "mem-path", NULL, "file, or directory for one without a name"),
    {0},
};

static const ObjectType ram_type = {
    .name = "memory-backend-ram", .help = "guest memory", .size = sizeof(HostMem),
    .props = ram_props, .complete = hostmem_complete, .fini = hostmem_fini,
};
OBJECT_TYPE(ram_type);
static const ObjectType memfd_type = {
    .name = "memory-backend-memfd", .help = "guest memory that other processes may map",
    .size = sizeof(HostMem), .props = memfd_props, .complete = hostmem_complete, .fini = hostmem_fini,
};
OBJECT_TYPE(memfd_type);
static const ObjectType file_type = {
    .name = "memory-backend-file", .help = "guest memory in a file", .size = sizeof(HostMem),
    .props = file_props, .complete = hostmem_complete, .fini = hostmem_fini,
};
OBJECT_TYPE(file_type);
