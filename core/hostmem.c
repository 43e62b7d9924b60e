/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory backends. All guest memory is a file mapping: of a new memfd, or of the file that mem-path
 * names, privately (share=off: stores stay in this process) or shared.
 *
 * home: main loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/os/memory.h"
#include "base/units.h"
#include "core/hostmem.h"
#include "core/internal.h"
#include "core/threadctx.h"

#define PREALLOC_THREADS_MAX 1024
#define ALIGN_MAX            ((uint64_t)1 << 40)

const char *const hostmem_policy_names[] = {"default", "preferred", "bind", "interleave", NULL};

bool hostmem_nodes(const HostMem *h, uint64_t *mask, Error **errp)
{
    unsigned long bits[64 / (8 * sizeof(long))] = {0};

    *mask = 0;
    if (h->host_nodes && !parse_ranges(h->host_nodes, 64, bits, errp)) {
        error_prepend(errp, "host-nodes: ");
        return false;
    }
    for (unsigned n = 0; n < 64; n++) {
        *mask |= (uint64_t)(bits[n / (8 * sizeof(long))] >> n % (8 * sizeof(long)) & 1) << n;
    }
    return true;
}

static bool is_file(const HostMem *h)
{
    return !strcmp(h->obj.type->name, "memory-backend-file");
}

/* A number of a pool of huge pages; 0 if there is no such pool. */
static uint64_t pool_count(const char *dir, const char *name)
{
    g_autofree char *path = g_strdup_printf("%s/%s", dir, name), *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) ? g_ascii_strtoull(text, NULL, 10) : 0;
}

static bool check_policy(const HostMem *h, uint64_t *mask, Error **errp)
{
    if (!hostmem_nodes(h, mask, errp)) {
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

/* How many huge pages of a size are missing, and the command that gives them. */
static void huge_hint(const HostMem *h, uint64_t page, Error **errp)
{
    g_autofree char *dir = g_strdup_printf("/sys/kernel/mm/hugepages/hugepages-%" G_GUINT64_FORMAT "kB", page / KiB);
    uint64_t need = h->size / page, all = pool_count(dir, "nr_hugepages");
    uint64_t left = pool_count(dir, "free_hugepages"), kept = pool_count(dir, "resv_hugepages");

    left -= MIN(left, kept);
    if (left < need) {
        error_hint(errp, "%" G_GUINT64_FORMAT " huge pages are needed and %" G_GUINT64_FORMAT " are free: "
                   "echo %" G_GUINT64_FORMAT " > %s/nr_hugepages", need, left, all + need - left, dir);
    }
}

static int open_memfd(const HostMem *h, Error **errp)
{
    if (!h->hugetlb) {
        return h->seal ? os_memfd_new_sealed(h->obj.id, h->size, errp) : os_memfd_new(h->obj.id, h->size, errp);
    }
    if ((h->hugetlbsize & (h->hugetlbsize - 1)) || (h->hugetlbsize && h->hugetlbsize <= os_page_size())) {
        error_set(errp, ERR_INVALID_PARAMETER, "Hugepage size must be a power of 2");
        error_hint(errp, "and larger than a page");
        return -1;
    }
    int fd = os_memfd_new_huge(h->obj.id, h->size, h->hugetlbsize, h->seal, errp);
    if (fd < 0) {
        error_hint(errp, "size= must be a multiple of the huge page size; /sys/kernel/mm/hugepages lists the sizes that this host has");
    }
    return fd;
}

/* The file of the memory. -1: on failure, or, if *@ok, for who has none. */
static int open_backing(const HostMem *h, bool *ok, Error **errp)
{
    bool memfd = !strcmp(h->obj.type->name, "memory-backend-memfd");
    int fd = is_file(h) ? open_file(h, errp) : memfd ? open_memfd(h, errp) : -1;

    *ok = fd >= 0 || !(is_file(h) || memfd);
    return fd;
}

static bool check_sizes(const HostMem *h, Error **errp)
{
    if (!h->size) {
        error_set(errp, ERR_INVALID_PARAMETER, "property 'size' of %s doesn't take value '0'", h->obj.type->name);
        error_hint(errp, "give size=");
        return false;
    }
    if (is_file(h) && !h->mem_path) {
        error_set(errp, ERR_INVALID_PARAMETER, "Parameter 'mem-path' is missing");
        return false;
    }
    if (h->align % os_page_size()) {
        error_set(errp, ERR_INVALID_PARAMETER, "alignment 0x%" PRIx64 " must be multiples of page size 0x%zx", h->align,
                  os_page_size());
        return false;
    }
    if ((h->align & (h->align - 1)) || h->align > ALIGN_MAX) {
        error_set(errp, ERR_INVALID_PARAMETER, "alignment 0x%" PRIx64 " must be a power of two up to 1 TiB", h->align);
        return false;
    }
    if (!h->prealloc_threads || h->prealloc_threads > PREALLOC_THREADS_MAX) {
        error_set(errp, ERR_INVALID_PARAMETER, "property 'prealloc-threads' of %s doesn't take value '%u'",
                  h->obj.type->name, h->prealloc_threads);
        error_hint(errp, "1 to %d", PREALLOC_THREADS_MAX);
        return false;
    }
    return true;
}

/* ---- preallocation ---- */

typedef struct Prealloc {
    uint8_t *host;
    uint64_t size, page;
    unsigned threads;
    Error *errors[PREALLOC_THREADS_MAX];
} Prealloc;

/* Piece @i of the memory, whole pages. */
static void prealloc_piece(unsigned i, void *opaque)
{
    Prealloc *p = opaque;
    uint64_t pages = p->size / p->page;
    uint64_t from = pages * i / p->threads * p->page, to = pages * (i + 1) / p->threads * p->page;

    if (to > from) {
        os_mem_populate(p->host + from, to - from, &p->errors[i]);
    }
}

static bool prealloc(const HostMem *h, const RamBlock *b, Error **errp)
{
    g_autofree Prealloc *p = g_new0(Prealloc, 1);

    *p = (Prealloc){.host = b->host, .size = b->size, .page = os_fd_page_size(b->fd), .threads = h->prealloc_threads};
    if (p->threads == 1 && !h->prealloc_context) {
        return os_mem_populate(p->host, p->size, errp);
    }
    if (!thread_context_run((ThreadContext *)h->prealloc_context, p->threads, prealloc_piece, p, errp)) {
        return false;
    }
    bool ok = true;
    for (unsigned i = 0; i < p->threads; i++) {
        if (p->errors[i]) {
            error_propagate(ok ? errp : NULL, p->errors[i]);
            ok = false;
        }
    }
    return ok;
}

/* ---- life ---- */

static bool map(HostMem *h, int fd, Error **errp)
{
    uint64_t page = fd < 0 ? os_page_size() : os_fd_page_size(fd);

    if (h->size % page && page > os_page_size()) {
        error_set(errp, ERR_INVALID_PARAMETER, "the size of '%s' must be a multiple of its page size, 0x%" PRIx64, h->obj.id, page);
        close(fd);
        return false;
    }
    h->region = region_new_ram_from(h->obj.machine, h->obj.id, h->size,
                                    &(RamSource){fd, fd < 0 || h->share, h->reserve, h->align}, errp);
    if (!h->region && page > os_page_size()) {
        huge_hint(h, page, errp);
    }
    return h->region;
}

static bool hostmem_complete(Object *o, Error **errp)
{
    HostMem *h = (HostMem *)o;
    uint64_t mask;
    bool ok;

    if (!check_sizes(h, errp) || !check_policy(h, &mask, errp)) {
        return false;
    }
    int fd = open_backing(h, &ok, errp);
    if (!ok || !map(h, fd, errp)) {
        return false;
    }
    RamBlock *b = region_ram(h->region);
    os_mem_advise(b->host, b->size, h->merge, h->dump);
    if ((mask && !os_mem_bind(b->host, b->size, h->policy, mask, errp)) ||
        (h->prealloc && !prealloc(h, b, errp))) {
        region_unref(h->region);
        return false;
    }
    if (h->prealloc_context) {
        object_ref(h->prealloc_context);
    }
    return true;
}

static void hostmem_fini(Object *o)
{
    HostMem *h = (HostMem *)o;

    if (h->discard_data) {
        RamBlock *b = region_ram(h->region);
        ram_discard(b, 0, b->size);
    }
    if (h->prealloc_context) {
        object_unref(h->prealloc_context);
    }
    region_unref(h->region);
}

static json_t *hostmem_get(Object *o, const char *name, Error **errp)
{
    uint64_t mask;

    if (strcmp(name, "host-nodes")) {
        return NULL;
    }
    json_t *nodes = json_array();
    hostmem_nodes((HostMem *)o, &mask, NULL);
    for (int i = 0; i < 64; i++) {
        if (mask >> i & 1) {
            json_array_append_new(nodes, json_integer(i));
        }
    }
    return nodes;
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
    PROP(HostMem, PROP_BOOL, reserve, "reserve", true, "the host keeps huge pages or swap for it"),                                 \
    PROP(HostMem, PROP_U32, prealloc_threads, "prealloc-threads", 1, "threads that take it at once"),                               \
    {.name = "prealloc-context", .kind = PROP_OBJECT, .offset = offsetof(HostMem, prealloc_context),                                \
     .link_type = "thread-context", .help = "-object thread-context that makes those threads"},                                     \
    PROP_STR(HostMem, host_nodes, "host-nodes", NULL, "nodes of the host: 0, 0-1; may be given several times"),                \
    {.name = "policy", .kind = PROP_ENUM, .offset = offsetof(HostMem, policy),                     \
     .enum_names = hostmem_policy_names, .help = "how host-nodes are used"}

static const Property ram_props[] = {COMMON_PROPS(false), {0}};
static const Property memfd_props[] = {
    COMMON_PROPS(true),
    PROP(HostMem, PROP_BOOL, hugetlb, "hugetlb", false, "of the host's reserved huge pages"),
    PROP(HostMem, PROP_SIZE, hugetlbsize, "hugetlbsize", 0, "size of those pages; 0: the host's default"),
    PROP(HostMem, PROP_BOOL, seal, "seal", true, "nobody can change its size"),
    {0},
};
static const Property file_props[] = {
    COMMON_PROPS(false),
    PROP_STR(HostMem, mem_path, "mem-path", NULL, "file, or directory for one without a name"),
    PROP(HostMem, PROP_SIZE, align, "align", 0, "alignment in the emulator's memory; 0: as huge pages need"),
    PROP(HostMem, PROP_BOOL, discard_data, "discard-data", false, "the file's contents are given up at the end"),
    {0},
};

static const char *const hostmem_lists[] = {"host-nodes", NULL};

static const ObjectType ram_type = {
    .name = "memory-backend-ram", .help = "guest memory", .size = sizeof(HostMem),
    .props = ram_props, .complete = hostmem_complete, .fini = hostmem_fini, .lists = hostmem_lists,
    .get = hostmem_get,
};
OBJECT_TYPE(ram_type);
static const ObjectType memfd_type = {
    .name = "memory-backend-memfd", .help = "guest memory that other processes may map",
    .size = sizeof(HostMem), .props = memfd_props, .complete = hostmem_complete, .fini = hostmem_fini, .lists = hostmem_lists,
    .get = hostmem_get,
};
OBJECT_TYPE(memfd_type);
static const ObjectType file_type = {
    .name = "memory-backend-file", .help = "guest memory in a file", .size = sizeof(HostMem),
    .props = file_props, .complete = hostmem_complete, .fini = hostmem_fini, .lists = hostmem_lists,
    .get = hostmem_get,
};
OBJECT_TYPE(file_type);
