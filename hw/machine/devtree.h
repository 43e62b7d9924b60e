/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flattened device tree being written (Devicetree Specification 0.4, chapter 5), over libfdt.
 *
 * Nodes are named by their paths. What cannot fail in a tree of our own does not return errors; a tree that the user gave
 * may be too large or odd, and then the first failure is kept for dt_finish().
 * home: main loop.
 */
#ifndef HW_MACHINE_DEVTREE_H
#define HW_MACHINE_DEVTREE_H

#include <glib.h>
#include <stdint.h>
#include "base/error.h"

typedef struct DevTree {
    void *blob;
    int size;          /* of the room, bytes */
    uint32_t phandles; /* the next one */
    int error;         /* libfdt's first, 0: none */
} DevTree;

DevTree *dt_new(void);
/* The tree of a file with room for more. NULL with *errp: not readable, no device tree. */
DevTree *dt_load(const char *path, Error **errp);
void dt_free(DevTree *t);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DevTree, dt_free)
/* Packs it: no more changes of size. Its length in bytes, 0 with *errp if something went wrong on the way. */
uint32_t dt_finish(DevTree *t, Error **errp);

uint32_t dt_phandle(DevTree *t);                     /* a new one */
bool dt_has(const DevTree *t, const char *path);
void dt_node(DevTree *t, const char *path);          /* made if it is not there; its parent is */
void dt_remove(DevTree *t, const char *path);
void dt_remove_all(DevTree *t, const char *name);    /* of the root's nodes those of that name, whatever their address */
void dt_bytes(DevTree *t, const char *path, const char *prop, const void *data, int len);
void dt_empty(DevTree *t, const char *path, const char *prop);
void dt_string(DevTree *t, const char *path, const char *prop, const char *s);
/* A literal with \0 between strings. */
#define dt_strings(t, path, prop, literal) dt_bytes(t, path, prop, literal, sizeof(literal))
void dt_u32(DevTree *t, const char *path, const char *prop, uint32_t v);
void dt_u64(DevTree *t, const char *path, const char *prop, uint64_t v);
/* n 32-bit cells. */
void dt_cells(DevTree *t, const char *path, const char *prop, const uint32_t *cells, int n);
#define dt_list(t, path, prop, ...)                                                                                  \
    dt_cells(t, path, prop, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)
/* A 64-bit number as two cells of a list. */
#define DT_U64(v) (uint32_t)((uint64_t)(v) >> 32), (uint32_t)(v)
/* "reg" of pairs (address, size), 64 bits each: with #address-cells and #size-cells of 2. */
void dt_reg(DevTree *t, const char *path, const uint64_t *pairs, int n);
/* Random bytes into a property that is there, in place; of a finished tree too. */
void dt_randomize(DevTree *t, const char *path, const char *prop);

#endif
