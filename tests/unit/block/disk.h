/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the block tests share: a directory, images, random numbers, waiting. */
#ifndef TESTS_UNIT_BLOCK_DISK_H
#define TESTS_UNIT_BLOCK_DISK_H

#include "block/blockdev.h"

/* A path in the test's own directory, which test_dir_end() removes. */
char *test_path(const char *name);
void test_dir_end(void);
/* An image of @bytes, sparse. */
char *test_image(const char *name, uint64_t bytes);
/* Options in key=value form; asserts that they parse. */
json_t *test_opts(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
BlockNode *test_node(BlockSet *set, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
Drive *test_drive(BlockSet *set, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
/* Runs the main loop until *flag. */
void test_wait(const int *flag);
void test_fill(void *buf, size_t len, uint64_t seed);
/* The error that is expected; freed. */
void test_error_has(Error *err, const char *text);

#endif
