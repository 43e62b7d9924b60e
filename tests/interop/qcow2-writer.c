/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes to an image until it is killed: operation i fills some sectors with its number; after every
 * eighth a flush, and then the number of the operation is printed. qcow2-kill.py does the same sums.
 *
 * Usage: qcow2-writer IMAGE SEED CACHE   (CACHE: none, writeback, directsync...: flags by letters d, u)
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block/blockdev.h"

static uint64_t next(uint64_t *x)
{
    *x = *x * 6364136223846793005u + 1442695040888963407u;
    return *x >> 33;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        return 2;
    }
    BlockSet *set = blockset_new(NULL);
    uint64_t x = strtoull(argv[2], NULL, 10);
    unsigned flags = BLOCK_RDWR | BLOCK_UNMAP | (strchr(argv[3], 'd') ? BLOCK_NOCACHE : 0);
    Error *err = NULL;
    BlockNode *n = node_open_file(set, argv[1], "qcow2", flags, NULL, &err);

    if (!n) {
        error_report(err);
        return 1;
    }
    uint64_t *buf = node_alloc_buffer(n, 256 * 512);
    for (uint64_t i = 1;; i++) {
        uint64_t sectors = next(&x) % 256 + 1, at = next(&x) % (n->size / 512 - 256), kind = next(&x) % 8;
        for (uint64_t k = 0; k < sectors * 64; k++) {
            buf[k] = kind ? i : 0;
        }
        int ret = kind ? node_pwrite(n, at * 512, buf, sectors * 512, strchr(argv[3], 'w') ? NODE_REQ_FUA : 0)
                       : node_pwrite_zeroes(n, at * 512, sectors * 512, NODE_REQ_UNMAP);
        if (ret == 0 && i % 8 == 0) {
            ret = node_flush(n);
        }
        if (ret < 0) {
            fprintf(stderr, "operation %" PRIu64 ": %s\n", i, strerror(-ret));
            return 1;
        }
        if (i % 8 == 0) {
            char line[32];
            int len = snprintf(line, sizeof(line), "%" PRIu64 "\n", i);
            if (write(1, line, (size_t)len) != len) {
                return 1;
            }
        }
    }
}
