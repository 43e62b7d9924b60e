/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading what "blklogwrites" recorded, and making the image that a power failure at some moment
 * could have left. For tests and tools.
 *
 * home: one thread.
 */
#ifndef BLOCK_WRITELOG_H
#define BLOCK_WRITELOG_H

#include <glib.h>

#include "base/error.h"

typedef struct WriteLog WriteLog;

/* The log's format is that of Linux' dm-log-writes. */
WriteLog *writelog_load(const char *path, Error **errp);
void writelog_free(WriteLog *log);
unsigned writelog_entries(const WriteLog *log);
/* How many entries there were when the nth flush (from 0) began; -1: there was none. */
int64_t writelog_flush(const WriteLog *log, unsigned nth);

/*
 * Applies to the image in @fd, which is as it was before the first entry, the first @upto entries
 * as a disk may have kept them when the power failed: all of what was flushed or written with FUA,
 * and of the rest what @rand chooses, each 512 bytes on their own. @rand NULL: all of it.
 */
bool writelog_replay(const WriteLog *log, unsigned upto, GRand *rand, int fd, Error **errp);

#endif
