/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the checker of qcow2 images and its repairs. */
#ifndef BLOCK_QCOW2_CHECK_H
#define BLOCK_QCOW2_CHECK_H

#include "block/qcow2.h"

#define CHECK_PAGE 64u

typedef struct Check {
    Qcow2 *s;
    BlockCheck *r;
    unsigned fix;
    GHashTable *pages;  /* cluster / CHECK_PAGE -> uint32_t[CHECK_PAGE] */
    uint32_t *last_page;
    uint64_t last_key;
    GHashTable *tables; /* offset of an L2 table -> Table */
    GArray *order;      /* of these offsets, as they were found */
    uint64_t file_size, clusters, highest, highest_ref, next_offset;
    uint8_t *buf;       /* a cluster */
    uint32_t short_snapshots;
    bool rebuild, rebuild_on_fix, bitmaps_broken;
    bool own_l1;        /* the L1 table being read may be repaired */
} Check;

void check_say(Check *c, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
uint32_t *check_page(Check *c, uint64_t cluster, bool make);
uint32_t check_count(Check *c, uint64_t cluster);

void check_begin(Check *c, Qcow2 *s, BlockCheck *r, unsigned fix);
void check_end(Check *c);
/* Counts everything that the image refers to. */
void check_references(Check *c);

/* Writes a complete new refcount structure behind the end of the file and switches to it. */
int qcow2_rebuild_refcounts(Check *c);
/* The same for counts that do not have the old structure any more. */
int qcow2_write_structure(Check *c);
int qcow2_change_refcount_order(Qcow2 *s, unsigned order);
int qcow2_repair_snapshots(Qcow2 *s);
int qcow2_drop_bitmaps(Qcow2 *s);

#endif
