/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the qcow2 tests share: images on memory disks, and checks of them. */
#ifndef TESTS_UNIT_BLOCK_QCOW2_UTIL_H
#define TESTS_UNIT_BLOCK_QCOW2_UTIL_H

#include "block/blockdev.h"
#include "memdisk.h"

/* Makes an image on memory disk @n; opts are create's as key=value. */
void q2_create(unsigned n, uint64_t size, const char *opts);
/* Opens memory disk @n. NULL with *err set if that fails and err is given. */
BlockNode *q2_open(BlockSet *set, unsigned n, unsigned flags, Error **err);
/* The same with more options, in JSON. */
BlockNode *q2_open_opts(BlockSet *set, unsigned n, unsigned flags, const char *json, Error **err);
/* Checks memory disk @n; asserts that it could be opened. */
void q2_check(unsigned n, unsigned fix, BlockCheck *r, bool show);
/* The number of errors that could cost data; *unmarked: of clusters that have one reference and are
 * not marked so, which costs a copy. */
unsigned q2_harm(unsigned n, uint64_t *unmarked);
/* Neither errors nor leaks. */
void q2_check_clean(unsigned n);
uint64_t test_param(const char *name, uint64_t def); /* from the environment */

#endif
