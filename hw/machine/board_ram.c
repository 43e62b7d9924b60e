/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See board_ram.h. */
#include "hw/machine/board_ram.h"

#include <inttypes.h>

#include "core/hostmem.h"

/* The memory of the nodes one after the other, or NULL and an error. */
static MemoryRegion *ram_of_nodes(Machine *m, const char *name, Error **errp)
{
    const MachineConfig *cfg = machine_config(m);
    MemoryRegion *all = region_new_container(name, cfg->ram_size);
    uint64_t at = 0;

    for (int i = 0; i < cfg->numa->nodes; i++) {
        const char *id = cfg->numa->node[i].memdev;
        HostMem *h = id ? hostmem_find(m, id, errp) : NULL;
        MemoryRegion *part = h ? hostmem_claim(h, errp) : NULL;
        if (id && !part) {
            goto fail;
        }
        if (h && h->size <= cfg->ram_size - at) {
            region_add(all, at, part, 0);
        }
        at += h ? h->size : 0;
        if (at > cfg->ram_size) {
            break;
        }
    }
    if (at == cfg->ram_size) {
        return all;
    }
    error_set(errp, ERR_INVALID_PARAMETER,
              "total memory for NUMA nodes (0x%" PRIx64 ") should equal RAM size (0x%" PRIx64 ")", at,
              cfg->ram_size);
    error_hint(errp, "give each -numa node its memdev=, and -m the sum");
fail:
    region_unref(all);
    return NULL;
}

static MemoryRegion *ram_of_backend(Machine *m, const MachineConfig *cfg, Error **errp)
{
    HostMem *h = hostmem_find(m, cfg->memory_backend, errp);

    if (h && h->size != cfg->ram_size) {
        error_set(errp, ERR_INVALID_PARAMETER,
                  "Machine memory size does not match the size of the memory backend");
        error_hint(errp, "say -m %" PRIu64 "M", h->size >> 20);
        return NULL;
    }
    MemoryRegion *r = h ? hostmem_claim(h, errp) : NULL;
    if (r) {
        region_ref(r);
    }
    return r;
}

static bool nodes_have_memory(const NumaConfig *n)
{
    for (int i = 0; n && i < n->nodes; i++) {
        if (n->node[i].memdev) {
            return true;
        }
    }
    return false;
}

MemoryRegion *board_ram(Machine *m, const char *name, Error **errp)
{
    const MachineConfig *cfg = machine_config(m);

    if (cfg->memory_backend && nodes_have_memory(cfg->numa)) {
        error_set(errp, ERR_INVALID_PARAMETER, "'-machine memory-backend' and '-numa memdev' properties "
                                               "are mutually exclusive");
        return NULL;
    }
    return cfg->memory_backend ? ram_of_backend(m, cfg, errp)
           : cfg->numa         ? ram_of_nodes(m, name, errp)
                               : region_new_ram(m, name, cfg->ram_size, errp);
}

uint64_t board_node_size(Machine *m, int node)
{
    const char *id = machine_config(m)->numa->node[node].memdev;

    return id ? hostmem_find(m, id, NULL)->size : 0;
}
