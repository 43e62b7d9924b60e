/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * "memdisk:N": a protocol driver of the tests, a file in memory that records every write and flush,
 * fails when it is told to, and can show what is left after the power failed.
 */
#ifndef TESTS_UNIT_BLOCK_MEMDISK_H
#define TESTS_UNIT_BLOCK_MEMDISK_H

#include "block/blockdev.h"

typedef enum MemKind { MEM_WRITE, MEM_ZEROES, MEM_DISCARD, MEM_TRUNCATE, MEM_FLUSH } MemKind;

typedef struct MemOp {
    MemKind kind;
    uint64_t offset, bytes;
    uint8_t *data; /* of a write */
} MemOp;

typedef struct MemDisk {
    GMutex lock;
    uint8_t *data;
    uint64_t size, room;
    uint64_t limit;      /* a write beyond it fails with ENOSPC; 0: none */
    bool logging;
    GPtrArray *log;      /* MemOp */
    /* The n-th request from now on fails (0: none), and @fail_more after it. */
    uint64_t fail_at, fail_more;
    int fail_errno;
    uint64_t requests;
    uint64_t flushes;
} MemDisk;

/* Disk N of the test, made when it is first asked for. */
MemDisk *memdisk(unsigned n);
void memdisk_clear(unsigned n);
void memdisk_copy(unsigned to, unsigned from);
/* Keeps the present contents as the base and starts to record. */
void memdisk_log_start(unsigned n);
/* What a power failure after @cut operations of the log leaves, on disk @to: all that was flushed,
 * and any part of the rest, torn at 512 bytes. */
void memdisk_crash(unsigned to, unsigned from, guint cut, GRand *rnd);
/* The number of operations, of the first @cut of the log, that a flush has made stable. */
guint memdisk_stable(unsigned n, guint cut);
/* What is left if of the operations before @cut that were not flushed only number @which got through
 * (or, with @lost, all but that one). */
void memdisk_crash_one(unsigned to, unsigned from, guint cut, guint which, bool lost);
/* Operations of the log, for people. */
void memdisk_show(unsigned n, guint from, guint to);
void memdisk_end(void);

#endif
