/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on a whole qcow2 image ("deeds"): snapshots, sizes, options, repairs. Each is known by
 * what it needs, how it is done, and how one sees that it was done, so that the same table serves for
 * requests that fail and for power failures.
 */
#ifndef TESTS_UNIT_BLOCK_QCOW2_DEEDS_H
#define TESTS_UNIT_BLOCK_QCOW2_DEEDS_H

#include "qcow2-util.h"

#define DEED_SECTORS 1536u
#define DEED_SIZE (DEED_SECTORS * 512u)
#define DEED_BASE 5u /* memory disk with the image before the deed */
#define DEED_MAX_SECTORS (4 * DEED_SECTORS)

typedef struct Deed {
    const char *name;
    const char *only;    /* a piece of the image's options that it needs; NULL: any */
    const char *never;   /* one that it does not go with */
    bool (*act)(BlockNode *n, Error **errp);
    bool (*done)(BlockNode *n);
    /* Makes the image that act is to repair; it is broken before. */
    void (*damage)(MemDisk *m);
    bool backing, discards; /* has a backing file; guest data may go */
    bool marked; /* the image says that it is broken (the dirty bit), until it is not */
} Deed;

extern const Deed deeds[];
extern const unsigned n_deeds;
extern const char *const deed_images[]; /* options of create; NULL at the end */

/* May the deed be done with an image of these options? */
bool deed_fits(const Deed *d, const char *image);
/* DEED_BASE: an image with data, zeroes, holes, compressed clusters and two snapshots, "a" and "b". */
void deed_prepare(const Deed *d, const char *image);
BlockNode *deed_open(BlockSet *set, const Deed *d, unsigned disk, unsigned flags, Error **errp);

/* What guests see: the disk, and each snapshot. */
typedef struct DeedView {
    uint64_t size;
    uint8_t *disk; /* DEED_MAX_SECTORS */
    uint8_t *snap[3];
} DeedView;

/* NULL parts: there is no such snapshot. Asserts that everything can be read. */
DeedView *deed_view(const Deed *d, unsigned disk, unsigned flags);
void deed_view_free(DeedView *v);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DeedView, deed_view_free)
/* Every sector is that of one of the two, each snapshot complete or not there. */
bool deed_view_between(const DeedView *v, const DeedView *before, const DeedView *after, bool discards);

/*
 * Judges the image on disk @n. Without the dirty bit (and if it was whole before, or said that it was
 * not) nothing may be wrong
 * but leaks; with it, opening repairs. What a version 2 image may have wrong is that clusters with one
 * reference are not marked so. Then a repair of a copy (disk 3) leaves nothing, and it shows
 * something between before and after.
 */
void deed_judge(const Deed *d, unsigned n, const DeedView *before, const DeedView *after, const char *what);

#endif
